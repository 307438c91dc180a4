/** Values of the last run, node by node; and what conversation variables hold now. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { conversationVariables } from "../api";
import { asText, JsonView } from "../panels/JsonView";
import { useStudio } from "../store/studio";
import { KindTile } from "./TraceTab";

interface Row {
  readonly key: string;
  readonly kind: string;
  readonly source: string;
  readonly name: string;
  readonly value: unknown;
}

function useRows(): Row[] {
  const { t } = useTranslation("studio");
  const run = useStudio((s) => s.run);
  const lastSpans = useStudio((s) => s.lastSpans);
  const appId = useStudio((s) => s.appId);
  const mode = useStudio((s) => s.mode);
  const stored = useQuery({
    queryKey: ["conversation-variables", appId, run.status],
    enabled: mode === "advanced-chat",
    retry: false,
    queryFn: () => conversationVariables(appId),
  });
  const spans = run.status === "idle" ? lastSpans : run.latest;
  const rows = [...spans.values()].flatMap((span) => {
    const { outputs } = span;
    if (typeof outputs !== "object" || outputs === null) return [];
    return Object.entries(outputs).map(([name, value]): Row => ({ key: `${span.key}.${name}`, kind: span.kind, source: span.title, name, value }));
  });
  const kept = (stored.data ?? []).map((v): Row => ({ key: `c.${v.name}`, kind: "", source: t("scopes.conversation"), name: v.name, value: v.value }));
  return [...kept, ...rows];
}

export function VariablesTab() {
  const { t } = useTranslation("studio");
  const rows = useRows();
  const [chosen, setChosen] = useState<string>();
  const open = rows.find((r) => r.key === chosen) ?? rows[0];
  if (!open) return <div className="st-empty">{t("variables.noValues")}</div>;
  return (
    <div className="st-columns">
      <div className="st-scroll">
        {rows.map((row) => (
          <button key={row.key} type="button" className="st-table-row st-variable-row" data-active={row.key === open.key} onClick={() => setChosen(row.key)}>
            <span className="st-row">
              {row.kind ? <KindTile kind={row.kind} /> : null}
              <span className="st-clip">{row.source}</span>
            </span>
            <span className="st-mono">{row.name}</span>
            <span className="st-meta st-clip">{asText(row.value).slice(0, 120)}</span>
          </button>
        ))}
      </div>
      <div className="st-scroll">
        <JsonView title={`${open.source} / ${open.name}`} value={open.value} />
      </div>
    </div>
  );
}
