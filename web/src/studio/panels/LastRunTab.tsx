/** The last run of one node, and running it alone. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Play } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { lastRun, nodeVariables } from "../api";
import { useFormat } from "../canvas/useFormat";
import type { GraphNode } from "../model/document";
import { references, type Selector } from "../model/references";
import { isActive, type Span, storedRun } from "../model/run";
import { kindOf } from "../nodes/registry";
import { Button, TextField, Wrong } from "../parts/controls";
import { RequestError } from "../transport";
import { runNode } from "../store/runner";
import { set, useStudio } from "../store/studio";
import { computedValue } from "../store/useVariables";
import { JsonView } from "./JsonView";
import { StatusBadge } from "./StatusBadge";

function spanOf(result: unknown): Span | undefined {
  return storedRun({ id: "node", status: "succeeded", created_at: 0 }, [result]).spans.values().next().value;
}

interface Needs {
  /** Variables of other nodes that were never computed. */
  readonly missing: readonly Selector[];
  /** Values the server does not keep but a run on the screen has. */
  readonly known: Readonly<Record<string, unknown>>;
}

/** What this node needs from other nodes, and what of it is there. */
function useNeeds(node: GraphNode) {
  const appId = useStudio((s) => s.appId);
  const needed = useMemo(() => references(node.data).filter((s) => !["sys", "env", "conversation"].includes(s[0] ?? "")), [node.data]);
  const sources = [...new Set(needed.map((s) => s[0] ?? ""))].sort();
  return useQuery({
    staleTime: 0,
    gcTime: 0,
    queryKey: ["draft-variables", appId, node.id, sources.join(), needed.map((s) => s.join(".")).join()],
    queryFn: async (): Promise<Needs> => {
      const found = await Promise.all(sources.map((id) => nodeVariables(appId, id).catch(() => [])));
      const kept = new Set(found.flat().map((v) => v.selector.slice(0, 2).join(".")));
      const rest = needed.filter((s) => !kept.has(s.slice(0, 2).join(".")));
      const values = rest.map((s) => ({ selector: s, value: computedValue(s) }));
      return {
        missing: values.filter((v) => v.value === undefined).map((v) => v.selector),
        known: Object.fromEntries(values.filter((v) => v.value !== undefined).map((v) => [keyOf(v.selector), v.value])),
      };
    },
  });
}

/** How a node run is given a value of another node. */
function keyOf(selector: Selector): string {
  return `#${selector.join(".")}#`;
}

export function LastRunTab({ node }: { node: GraphNode }) {
  const { t } = useTranslation("studio");
  const appId = useStudio((s) => s.appId);
  const nodeRun = useStudio((s) => (s.nodeRun?.id === node.id ? s.nodeRun : undefined));
  const live = useStudio((s) => s.run.latest.get(node.id));
  const busy = useStudio((s) => isActive(s.run) || s.nodeRun?.status === "running");
  const asked = useStudio((s) => s.nodeRunAsked === node.id);
  const kind = kindOf(node.data.type);
  const stored = useQuery({
    queryKey: ["last-run", appId, node.id, nodeRun?.status, live?.status],
    enabled: !live,
    retry: false,
    queryFn: () => lastRun(appId, node.id).catch((error: unknown) => {
      if (error instanceof RequestError && error.status === 404) return null;
      throw error;
    }),
  });
  const span = live ?? (nodeRun?.status === "done" ? spanOf(nodeRun.result) : stored.data ? spanOf(stored.data) : undefined);
  return (
    <>
      {kind.runnable && asked ? <NodeRunForm node={node} busy={busy} /> : null}
      {nodeRun?.status === "failed" ? (
        <section className="st-section">
          <Wrong>{nodeRun.error}</Wrong>
        </section>
      ) : null}
      {span ? (
        <SpanDetail span={span} />
      ) : (
        <div className="st-empty">
          <span>{nodeRun?.status === "running" || stored.isFetching ? t("common.loading") : t("lastRun.never")}</span>
          {kind.runnable && !asked ? (
            <Button icon={Play} disabled={busy} onClick={() => set({ nodeRunAsked: node.id })}>
              {t("inspector.runNode")}
            </Button>
          ) : null}
        </div>
      )}
    </>
  );
}

function NodeRunForm({ node, busy }: { node: GraphNode; busy: boolean }) {
  const { t } = useTranslation("studio");
  const client = useQueryClient();
  const titles = useStudio((s) => s.document.nodes);
  const { data: needs, isPending } = useNeeds(node);
  const missing = needs?.missing ?? [];
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const start = () => {
    const typed = Object.fromEntries(missing.map((s) => [keyOf(s), readValue(values[s.join(".")] ?? "")]));
    set({ nodeRunAsked: undefined });
    void runNode(node.id, { ...needs?.known, ...typed }).then(() => client.invalidateQueries({ queryKey: ["draft-variables"] }));
  };
  const ready = needs !== undefined && needs.missing.length === 0 ? needs.known : undefined;
  useEffect(() => {
    if (!ready || busy) return;
    set({ nodeRunAsked: undefined });
    void runNode(node.id, ready);
  }, [ready, busy, node.id]);
  if (isPending || ready) return null;
  const name = (s: Selector) => `${titles.get(s[0] ?? "")?.data.title ?? s[0]} / ${s.slice(1).join(".")}`;
  return (
    <section className="st-section">
      <span className="st-hint">{t("lastRun.missing")}</span>
      {missing.map((s) => (
        <TextField key={s.join(".")} label={name(s)} rows={2} value={values[s.join(".")] ?? ""} onChange={(v) => setValues({ ...values, [s.join(".")]: v })} />
      ))}
      <div className="st-row">
        <Button look="primary" icon={Play} disabled={busy} onClick={start}>
          {t("inspector.runNode")}
        </Button>
        <Button look="quiet" onClick={() => set({ nodeRunAsked: undefined })}>
          {t("common.cancel")}
        </Button>
      </div>
    </section>
  );
}

/** JSON stays JSON; anything else is text. */
function readValue(text: string): unknown {
  if (!/^\s*([[{]|-?\d|true$|false$|null$)/.test(text)) return text;
  try {
    return z.json().parse(JSON.parse(text));
  } catch {
    return text;
  }
}

export function SpanDetail({ span }: { span: Span }) {
  const { t } = useTranslation("studio");
  const format = useFormat();
  return (
    <>
      <section className="st-section">
        <div className="st-between">
          <StatusBadge status={span.status} />
          <span className="st-meta st-num">
            {span.end === undefined ? "" : format.duration(span.end - span.start)}
            {span.tokens ? ` · ${t("node.tokens", { count: span.tokens })}` : ""}
            {span.price ? ` · ${format.money(span.price, span.currency ?? "USD")}` : ""}
          </span>
        </div>
        {span.error ? <Wrong>{span.error}</Wrong> : null}
        {span.retries.map((retry) => (
          <div key={retry.index} className="st-hint">
            {t("lastRun.retry", { number: retry.index, error: retry.error })}
          </div>
        ))}
      </section>
      <JsonView title={t("lastRun.inputs")} value={span.inputs} />
      <JsonView title={t("lastRun.outputs")} value={span.outputs} />
      <JsonView title={t("lastRun.process")} value={span.process} />
    </>
  );
}
