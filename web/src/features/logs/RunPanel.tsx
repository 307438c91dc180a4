/** One run beside the list: numbers, what went wrong, the waterfall, input and output. */
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, CircleX, X } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Execution, executions, type RunDetail, runDetail } from "../../data/logs";
import { useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { IconButton } from "../../ui/Button";
import { Code } from "../../ui/Code";
import { CopyButton } from "../../ui/CopyButton";
import { Badge } from "../../ui/Marks";
import { NodeTile } from "../../ui/NodeTile";
import { lookOf } from "../../ui/RunState";
import { Segmented } from "../../ui/Segmented";
import { Failed, SkeletonRows } from "../../ui/States";
import { Trace } from "../runs/Trace";
import { lengthOf, spansOf } from "./runSpans";

interface Props {
  readonly appId: string;
  readonly runId: string;
  readonly onClose: () => void;
  readonly back?: string | undefined;
}

const tile = (kind: string) => <NodeTile kind={kind} />;
type Tab = "trace" | "io";

export function RunPanel({ appId, runId, onClose, back }: Props) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const run = useQuery(runDetail(appId, runId));
  const running = run.data?.status === "running";
  const nodes = useQuery({ ...executions(appId, runId), refetchInterval: running ? 1500 : false });
  const [tab, setTab] = useState<Tab>("trace");
  const [node, setNode] = useState<string>();
  const list = nodes.data?.data;
  const broken = list?.find((e) => e.status === "failed");
  const chosen = node ?? broken?.node_id;
  return (
    <section className="flex flex-col min-h-0 flex-1" aria-label={t("run.title")}>
      <header className="flex items-center gap-2 px-4.5 h-11 flex-none border-b border-line-1">
        {back ? <IconButton size="sm" icon={ArrowLeft} label={back} onClick={onClose} /> : null}
        {run.data ? (
          <Badge tone={lookOf(run.data.status).tone} icon={lookOf(run.data.status).icon}>
            {t(`status.${run.data.status}`, { defaultValue: run.data.status })}
          </Badge>
        ) : null}
        <span className="mono text-ink-2 truncate">{runId}</span>
        <CopyButton text={runId} label={t("run.copyId")} done={c("common.copied")} />
        <div className="flex-1" />
        {back ? null : <IconButton size="sm" icon={X} label={t("run.close")} onClick={onClose} />}
      </header>
      {run.isPending ? (
        <div className="p-4.5">
          <SkeletonRows rows={6} height={32} slow={c("common.slow")} label={c("common.loading")} />
        </div>
      ) : run.error ? (
        <div className="p-4.5">
          <Failed
            title={t("run.missing")}
            text={messageOf(run.error)}
            retry={{ label: c("common.retry"), onClick: () => void run.refetch() }}
            details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(run.error) }}
          />
        </div>
      ) : (
        <div className="flex-1 min-h-0 overflow-auto">
          <Numbers run={run.data} nodes={list} />
          {run.data.error ? <ErrorCard run={run.data} node={broken?.title} /> : null}
          <div className="px-4.5 pt-3 pb-1">
            <Segmented
              label={t("run.title")}
              value={tab}
              onChange={setTab}
              segments={[
                { value: "trace", label: t("run.trace"), count: list ? String(list.length) : undefined },
                { value: "io", label: t("run.io") },
              ]}
            />
          </div>
          {tab === "io" ? (
            <div className="px-4.5 py-2 flex flex-col gap-3">
              <JsonBlock title={t("run.input")} value={run.data.inputs} />
              <JsonBlock title={t("run.output")} value={run.data.outputs} />
            </div>
          ) : (
            <TraceTab run={run.data} list={list} live={running} node={chosen} onNode={setNode} />
          )}
        </div>
      )}
    </section>
  );
}

function Numbers({ run, nodes }: { run: RunDetail; nodes: readonly Execution[] | undefined }) {
  const { t } = useTranslation("logs");
  const format = useFormat();
  const price = Number(run.total_price ?? 0);
  const cells: [string, string][] = [
    ["time", run.elapsed_time === null ? "–" : format.duration(run.elapsed_time)],
    ["nodes", format.number(run.total_steps ?? nodes?.length ?? 0)],
    ["tokens", format.number(run.total_tokens ?? 0)],
    ...(price > 0 ? [["cost", format.money(price, run.currency ?? "USD")] satisfies [string, string]] : []),
    ["by", run.created_by_account?.name ?? run.created_by_end_user?.session_id ?? t("endUser")],
    ["version", run.version === "draft" ? t("run.draft") : (run.version ?? "–").slice(0, 16)],
  ];
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-2 px-4.5 py-3 border-b border-line-1">
      {cells.map(([key, value]) => (
        <div key={key} className="min-w-0">
          <dt className="text-11 text-ink-3">{t(`run.${key}`)}</dt>
          <dd className="font-semibold num truncate" style={{ maxWidth: 180 }}>
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function ErrorCard({ run, node }: { run: RunDetail; node: string | undefined }) {
  const { t } = useTranslation("logs");
  return (
    <div className="mx-4.5 mt-3 banner items-start" data-tone="bad" role="alert">
      <CircleX size={16} strokeWidth={1.75} className="mt-0.5" aria-hidden />
      <div className="min-w-0">
        <div className="font-semibold text-ink-1">
          {t("run.error")}
          {node ? ` · ${t("run.atNode", { node })}` : ""}
        </div>
        <div className="text-ink-2" style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
          {run.error}
        </div>
      </div>
    </div>
  );
}

interface TraceProps {
  readonly run: RunDetail;
  readonly list: readonly Execution[] | undefined;
  readonly live: boolean;
  readonly node: string | undefined;
  readonly onNode: (node: string) => void;
}

function TraceTab({ run, list, live, node, onNode }: TraceProps) {
  const { t } = useTranslation("logs");
  const format = useFormat();
  const spans = useMemo(() => spansOf(run, list ?? []), [run, list]);
  const total = live ? Math.max(lengthOf(spans, run.elapsed_time), Date.now() / 1000 - run.created_at) : lengthOf(spans, run.elapsed_time);
  const chosen = list?.filter((e) => e.status !== "retry").findLast((e) => e.node_id === node);
  if (list?.length === 0) return <p className="hint px-4.5 py-3">{t("run.notKept")}</p>;
  return (
    <>
      <div className="border-b border-line-1 pb-1" style={{ height: Math.min(14, spans.length + 1) * 24 + 34 }}>
        <Trace
          spans={spans}
          total={total}
          live={live}
          selected={node}
          onSelect={(span) => onNode(span.node)}
          onOpen={(span) => onNode(span.node)}
          format={format}
          tile={tile}
        />
      </div>
      {chosen ? (
        <div className="px-4.5 py-3 flex flex-col gap-3">
          <div className="flex items-center gap-2">
            <NodeTile kind={chosen.node_type} />
            <h3 className="font-semibold">{chosen.title}</h3>
            <span className="mono text-12 text-ink-3">{chosen.node_type}</span>
          </div>
          {chosen.error ? (
            <div className="wrong" style={{ overflowWrap: "anywhere" }}>
              {chosen.error}
            </div>
          ) : null}
          <JsonBlock title={t("run.nodeInput")} value={chosen.inputs} />
          {isEmpty(chosen.process_data) ? null : <JsonBlock title={t("run.process")} value={chosen.process_data} />}
          <JsonBlock title={t("run.nodeOutput")} value={chosen.outputs} />
        </div>
      ) : (
        <p className="hint px-4.5 py-3">{t("run.choose")}</p>
      )}
    </>
  );
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
}

function JsonBlock({ title, value }: { title: string; value: unknown }) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const text = JSON.stringify(value ?? null, null, 2);
  return (
    <div>
      <div className="flex items-center justify-between min-h-6">
        <span className="lbl">{title}</span>
        {isEmpty(value) ? <span className="hint">{t("run.none")}</span> : <CopyButton text={text} label={c("common.copy")} done={c("common.copied")} />}
      </div>
      {isEmpty(value) ? null : (
        <div style={{ maxHeight: 260, overflow: "auto" }}>
          <Code text={text} label={title} />
        </div>
      )}
    </div>
  );
}
