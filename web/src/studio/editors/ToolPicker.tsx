/** The tools of the workspace, by where they come from. */
import { useQuery } from "@tanstack/react-query";
import { Wrench } from "lucide-react";
import { type KeyboardEvent, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { inLanguage, listTools, type Tool, type ToolProvider } from "../api";
import { Popover } from "../parts/popover";
import { BUILTIN_TOOLS } from "./builtinTools";

export function useTools() {
  return useQuery({ queryKey: ["tools"], queryFn: () => listTools(BUILTIN_TOOLS), staleTime: 60_000 });
}

/** What a node keeps of a tool, in the words of the format. */
export function toolData(provider: ToolProvider, tool: Tool, language: string): Record<string, unknown> {
  return {
    provider_id: provider.id,
    provider_name: provider.name,
    provider_type: provider.type,
    plugin_unique_identifier: provider.plugin_unique_identifier ?? undefined,
    tool_name: tool.name,
    tool_label: inLanguage(tool.label, language) || tool.name,
    tool_description: inLanguage(tool.description, language),
    is_team_authorization: provider.is_team_authorization ?? true,
    paramSchemas: tool.parameters,
    output_schema: tool.output_schema ?? null,
    tool_node_version: "2",
  };
}

interface Props {
  readonly at: { readonly x: number; readonly y: number; readonly flipTo?: number };
  readonly onClose: () => void;
  readonly onChoose: (provider: ToolProvider, tool: Tool) => void;
}

export function ToolPicker({ at, onClose, onChoose }: Props) {
  const { t, i18n } = useTranslation("studio");
  const { data: providers, isPending, error } = useTools();
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const rows = useMemo(() => {
    const needle = query.trim().toLocaleLowerCase();
    return (providers ?? []).flatMap((provider) =>
      provider.tools
        .map((tool) => ({ provider, tool, name: inLanguage(tool.label, i18n.language) || tool.name, about: inLanguage(tool.description, i18n.language), source: inLanguage(provider.label, i18n.language) || provider.name }))
        .filter((row) => `${row.source} ${row.name} ${row.about} ${row.tool.name}`.toLocaleLowerCase().includes(needle)),
    );
  }, [providers, query, i18n.language]);
  const keys = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const row = rows[active];
    if (step !== 0) {
      event.preventDefault();
      setActive((now) => (now + step + rows.length) % Math.max(1, rows.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (row) onChoose(row.provider, row.tool);
    }
  };
  let group = "";
  return (
    <Popover at={at} className="st-vars" label={t("tool.choose")} onClose={onClose} onKeyDown={keys}>
      <div className="st-palette-search">
        <input
          aria-label={t("tool.search")}
          placeholder={t("tool.search")}
          value={query}
          onChange={(e) => {
            setQuery(e.target.value);
            setActive(0);
          }}
        />
      </div>
      <div className="st-vars-list" role="listbox" aria-label={t("tool.choose")}>
        {rows.length === 0 ? <div className="st-empty">{error ? error.message : isPending ? t("common.loading") : query ? t("variables.noMatch", { query }) : t("tool.noneHere")}</div> : null}
        {rows.map((row, i) => {
          const heading = row.provider.id === group ? undefined : row.source;
          group = row.provider.id;
          return (
            <div key={`${row.provider.id}/${row.tool.name}`}>
              {heading ? <div className="st-palette-group">{heading}</div> : null}
              <button type="button" role="option" aria-selected={i === active} tabIndex={-1} className="st-option" data-active={i === active} onPointerMove={() => setActive(i)} onClick={() => onChoose(row.provider, row.tool)}>
                <span className="st-tile sm st-cat-connect">
                  <Wrench size={12} strokeWidth={2} aria-hidden />
                </span>
                <span className="st-grow">
                  {row.name}
                  {row.about ? <small className="st-clip">{row.about}</small> : null}
                </span>
              </button>
            </div>
          );
        })}
      </div>
    </Popover>
  );
}
