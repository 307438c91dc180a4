/** The last run of one node, and running it alone. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { AgentRounds } from "../../features/runs/AgentRounds";
import { WindowNote } from "../../features/runs/WindowNote";
import { Play } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { lastRun } from "../api";
import { useFormat } from "../canvas/useFormat";
import { TypedValue } from "../editors/TypedValue";
import type { GraphNode } from "../model/document";
import { isActive, type Span, storedRun } from "../model/run";
import { nameAt } from "../model/variables";
import { kindOf } from "../nodes/registry";
import type { StartField } from "../nodes/start";
import { Button, Wrong } from "../parts/controls";
import { fieldError, InputField, toInputs, type Values } from "../sides/InputForm";
import { type Need, useNeeds } from "../store/needs";
import { runAlone, runNode } from "../store/runner";
import { set, useStudio } from "../store/studio";
import { RequestError } from "../transport";
import { JsonView } from "./JsonView";
import { StatusBadge } from "./StatusBadge";

function spanOf(result: unknown): Span | undefined {
  return storedRun({ id: "node", status: "succeeded", created_at: 0 }, [result]).spans.values().next().value;
}

export function LastRunTab({ node }: { node: GraphNode }) {
  const { t } = useTranslation("studio");
  const owner = useStudio((s) => s.owner);
  const nodeRun = useStudio((s) => (s.nodeRun?.id === node.id ? s.nodeRun : undefined));
  const live = useStudio((s) => (s.nodeRun?.id === node.id && s.nodeRun.status === "done" ? undefined : s.run.latest.get(node.id)));
  const busy = useStudio((s) => isActive(s.run) || s.nodeRun?.status === "running");
  const asked = useStudio((s) => s.nodeRunAsked === node.id);
  const kind = kindOf(node.data.type);
  const stored = useQuery({
    queryKey: ["last-run", owner, node.id, nodeRun?.status, live?.status],
    enabled: !live,
    retry: false,
    queryFn: () => lastRun(owner, node.id).catch((error: unknown) => {
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

const FIELD_TYPES: Readonly<Record<string, string>> = { number: "number", integer: "number", float: "number", boolean: "checkbox", object: "json_object", file: "file", "array[file]": "file-list" };

/** The form of a node run: what it reads and nobody has computed yet. */
function NodeRunForm({ node, busy }: { node: GraphNode; busy: boolean }) {
  const { t } = useTranslation("studio");
  const client = useQueryClient();
  const titles = useStudio((s) => s.document.nodes);
  const { data: needs, isPending, error } = useNeeds(node);
  const missing = needs?.missing ?? [];
  const [values, setValues] = useState<Values>({});
  const [tried, setTried] = useState(false);
  const container = kindOf(node.data.type).innerStart !== undefined;
  const run = (inputs: Readonly<Record<string, unknown>>) => {
    set({ nodeRunAsked: undefined });
    const done = container ? runAlone(node.id, inputs) : runNode(node.id, inputs);
    void done.then(() => client.invalidateQueries({ queryKey: ["draft-variables"] }));
  };
  const name = (need: Need) => {
    const first = nameAt(need.selector);
    const scope = need.selector[first - 1] ?? "";
    return `${titles.get(scope)?.data.title ?? t(`scopes.${scope}`, { defaultValue: scope })} / ${need.selector.slice(first).join(".")}`;
  };
  const fields = missing.map((need) => ({ need, field: asField(need, name(need)) }));
  const start = () => {
    setTried(true);
    const bad = fields.some(({ field }) => field && fieldError(field, values[field.variable]));
    if (bad) return;
    const typed = fields.flatMap(({ need, field }): [string, unknown][] => {
      const value = values[need.key];
      return [[need.key, field ? (toInputs([field], values)[need.key] ?? (field.type === "paragraph" ? "" : null)) : (value ?? [])]];
    });
    run({ ...needs?.known, ...Object.fromEntries(typed) });
  };
  const ready = needs !== undefined && needs.missing.length === 0 ? needs.known : undefined;
  const go = useRef(run);
  go.current = run;
  useEffect(() => {
    if (ready && !busy) go.current(ready);
  }, [ready, busy]);
  if (error) return <section className="st-section"><Wrong>{error.message}</Wrong></section>;
  if (isPending || ready) return null;
  return (
    <form
      className="st-section"
      aria-label={t("lastRun.form")}
      onSubmit={(e) => {
        e.preventDefault();
        start();
      }}
    >
      <span className="st-hint">{t("lastRun.missing")}</span>
      {fields.map(({ need, field }) => {
        const put = (value: unknown) => setValues((now) => ({ ...now, [need.key]: value }));
        if (!field) return <TypedValue key={need.key} showLabel label={name(need)} type={need.type} value={values[need.key]} onChange={put} />;
        const problem = tried ? fieldError(field, values[need.key]) : undefined;
        return <InputField key={need.key} field={field} value={values[need.key]} error={problem ? t(`form.${problem.code}`, problem.values) : undefined} onChange={put} />;
      })}
      <div className="st-row">
        <Button look="primary" icon={Play} disabled={busy} type="submit">
          {t("inspector.runNode")}
        </Button>
        <Button look="quiet" onClick={() => set({ nodeRunAsked: undefined })}>
          {t("common.cancel")}
        </Button>
      </div>
    </form>
  );
}

/** Lists other than files have an editor of their own. */
function asField(need: Need, label: string): StartField | undefined {
  if (need.type.startsWith("array") && need.type !== "array[file]") return undefined;
  const type = FIELD_TYPES[need.type] ?? "paragraph";
  return { variable: need.key, label, type, required: type === "file" || type === "json_object", hide: false, options: [], max_length: null, allowed_file_types: [], allowed_file_extensions: [], allowed_file_upload_methods: [] };
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
        <WindowNote told={span.process} />
      </section>
      {span.log ? <AgentRounds entries={span.log} /> : null}
      <JsonView title={t("lastRun.inputs")} value={span.inputs} />
      <JsonView title={t("lastRun.outputs")} value={span.outputs} />
      <JsonView title={t("lastRun.process")} value={span.process} />
    </>
  );
}
