/** The tools of the workspace, by where they come from. */
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { inLanguage, listTools, type Tool, type ToolProvider } from "../api";
import { Popover } from "../parts/popover";
import { BUILTIN_TOOLS } from "./builtinTools";
import { SourceRow, ToolList } from "./ToolList";
import { type Source, useToolRows } from "./toolRows";

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
  const { t } = useTranslation("studio");
  const { data: providers, isPending, error } = useTools();
  const [query, setQuery] = useState("");
  const [from, setFrom] = useState<Source>("all");
  const [active, setActive] = useState(0);
  const rows = useToolRows(providers, query, from);
  const keys = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const row = rows[active];
    if (step !== 0) {
      event.preventDefault();
      setActive((now) => (now + step + rows.length) % Math.max(1, rows.length));
    } else if (event.key === "Enter" && event.target instanceof HTMLInputElement) {
      event.preventDefault();
      if (row) onChoose(row.provider, row.tool);
    }
  };
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
      <SourceRow
        value={from}
        onChange={(source) => {
          setFrom(source);
          setActive(0);
        }}
      />
      <div className="st-vars-list" role="listbox" aria-label={t("tool.choose")}>
        {rows.length === 0 ? <div className="st-empty">{error ? error.message : isPending ? t("common.loading") : query ? t("variables.noMatch", { query }) : t("tool.noneHere")}</div> : null}
        <ToolList rows={rows} active={active} onOver={setActive} onChoose={(row) => onChoose(row.provider, row.tool)} />
      </div>
    </Popover>
  );
}
