/** The tools of the workspace as rows of a list: by provider, searched, and only from where one looks. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { inLanguage, type Tool, type ToolProvider } from "../api";

export const SOURCES = ["all", "builtin", "api", "workflow", "mcp", "app"] as const;
export type Source = (typeof SOURCES)[number];

export interface ToolRow {
  readonly key: string;
  readonly provider: ToolProvider;
  readonly tool: Tool;
  readonly name: string;
  readonly about: string;
  readonly source: string;
}

export function toolRows(providers: readonly ToolProvider[], query: string, from: Source, language: string): ToolRow[] {
  const needle = query.trim().toLocaleLowerCase();
  return providers
    .filter((provider) => from === "all" || provider.type === from)
    .flatMap((provider) =>
      provider.tools.map((tool) => ({
        key: `${provider.type}/${provider.id}/${tool.name}`,
        provider,
        tool,
        name: inLanguage(tool.label, language) || tool.name,
        about: inLanguage(tool.description, language),
        source: inLanguage(provider.label, language) || provider.name,
      })),
    )
    .filter((row) => `${row.source} ${row.name} ${row.about} ${row.tool.name}`.toLocaleLowerCase().includes(needle));
}

export function useToolRows(providers: readonly ToolProvider[] | undefined, query: string, from: Source): ToolRow[] {
  const { i18n } = useTranslation("studio");
  return useMemo(() => toolRows(providers ?? [], query, from, i18n.language), [providers, query, from, i18n.language]);
}
