/** One run: what it took, why it failed, its trace, its input and output. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowLeft, CircleAlert, CircleX, GitFork, SquareArrowOutUpRight, X } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { Trans, useTranslation } from "react-i18next";
import type { AppDetail } from "../../data/apps";
import { entriesFrom } from "../../lib/agentLog";
import { useFormat } from "../../lib/format";
import { errorDetails, HttpError, messageOf } from "../../lib/http";
import { tabKeys } from "../../lib/tabs";
import { Button, IconButton } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { NodeTile } from "../../ui/NodeTile";
import { Segmented } from "../../ui/Segmented";
import { Failed, SkeletonRows } from "../../ui/States";
import { AgentRounds } from "../runs/AgentRounds";
import { Trace } from "../runs/Trace";
import { WindowNote } from "../runs/WindowNote";
import { isActive, type RunDetail as Run, runDetail, runNodes } from "./api";
import { causeOf } from "./causes";
import { isEmptyValue, Json } from "./Json";
import { canFork, Relations } from "./Relations";
import { priceText } from "./RunList";
import { RunBadge } from "./RunMark";
import { answered, culprit, firstTokenOf, type RunSpan, spansOf } from "./spans";

interface Props {
  readonly app: AppDetail;
  readonly id: string;
  readonly node: string | undefined;
  readonly onNode: (execution: string | undefined) => void;
  readonly onRun: (run: string) => void;
  readonly onClose: () => void;
  /** Opened from a conversation or an event: closing goes back to it, in these words. */
  readonly back: string | undefined;
}

const TABS = ["trace", "io", "details"] as const;
type Tab = (typeof TABS)[number];

export function RunDetail({ app, id, node, onNode, onRun, onClose, back }: Props) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const run = useQuery(runDetail(app.id, id));
  const nodes = useQuery(runNodes(app.id, id, run.data?.status));
  const spans = useMemo(() => spansOf(nodes.data?.data ?? []), [nodes.data]);
  const [tab, setTab] = useState<Tab>("trace");
  const [forking, setForking] = useState<RunSpan>();
  const bad = culprit(spans);
  const chosen = spans.find((span) => span.key === node) ?? bad ?? spans.at(-1);
  const studio = { run: id, ...(chosen ? { node: chosen.node } : {}) };
  return (
    <>
      <header className="flex items-center gap-2 px-4 h-11 border-b border-line-1 flex-none">
        {back ? <IconButton icon={ArrowLeft} label={back} onClick={onClose} /> : null}
        {run.data ? <RunBadge status={run.data.status} /> : null}
        <span className="mono text-ink-2 truncate">{id}</span>
        <CopyButton text={id} label={t("run.copyId")} done={c("common.copied")} />
        <span className="flex-1" />
        <Link to="/app/$appId/workflow" params={{ appId: app.id }} search={studio} className="btn" data-size="sm">
          <SquareArrowOutUpRight size={14} strokeWidth={1.9} aria-hidden />
          {t("run.studio")}
        </Link>
        <IconButton icon={X} label={c("common.close")} onClick={onClose} />
      </header>
      {run.isPending ? (
        <div className="p-4">
          <SkeletonRows rows={9} height={28} slow={c("common.slow")} label={c("common.loading")} />
        </div>
      ) : run.error ? (
        <div className="p-4">
          <Failed
            title={t(run.error instanceof HttpError && run.error.status === 404 ? "run.gone" : "run.failed")}
            text={messageOf(run.error)}
            retry={{ label: c("common.retry"), onClick: () => void run.refetch() }}
            details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(run.error) }}
          />
        </div>
      ) : (
        <>
          <Facts run={run.data} spans={spans} />
          <Relations app={app} run={run.data} spans={spans} chosen={chosen} forking={forking} onFork={setForking} onRun={onRun} />
          <div className="flex-1 min-h-0 overflow-auto">
            <ErrorCard app={app} run={run.data} span={bad} onNode={onNode} onFork={setForking} />
            <div
              className="tabs border-b border-line-1 px-2 h-9 pointer-coarse:h-11 sticky top-0 bg-surface-1 z-(--z-panel)"
              role="tablist"
              aria-label={t("run.label")}
              onKeyDown={tabKeys}
            >
              {TABS.map((key) => (
                <button
                  key={key}
                  type="button"
                  role="tab"
                  className="tab"
                  aria-selected={tab === key}
                  tabIndex={tab === key ? 0 : -1}
                  data-state={tab === key ? "active" : "inactive"}
                  onClick={() => setTab(key)}
                >
                  {t(`run.tab.${key}`)}
                </button>
              ))}
            </div>
            {tab === "trace" ? (
              <TraceView run={run.data} spans={spans} chosen={chosen} failed={nodes.error} onNode={onNode} />
            ) : tab === "io" ? (
              <div className="flex flex-col gap-3 p-4">
                <Json tall title={t("run.inputs")} value={run.data.inputs} />
                <Json tall title={t("run.outputs")} value={run.data.outputs} />
              </div>
            ) : (
              <Details run={run.data} />
            )}
          </div>
        </>
      )}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function useStarter(run: Run): string {
  const { t } = useTranslation("logs");
  const by = run.created_by_account?.name ?? run.created_by_end_user?.session_id ?? "";
  const how = t(`source.${run.triggered_from}`, { defaultValue: run.triggered_from });
  return by ? t("run.by", { how, by }) : how;
}

function Facts({ run, spans }: { run: Run; spans: readonly RunSpan[] }) {
  const { t } = useTranslation("logs");
  const format = useFormat();
  const first = firstTokenOf(spans);
  const starter = useStarter(run);
  return (
    <dl className="facts">
      <Fact name={t("col.time")}>{isActive(run.status) ? t("status.running") : format.duration(run.elapsed_time)}</Fact>
      <Fact name={t("run.firstToken")}>{first === undefined ? t("run.none") : format.duration(first)}</Fact>
      <Fact name={t("col.tokens")}>{format.number(run.total_tokens)}</Fact>
      <Fact name={t("col.cost")}>{priceText(format, run)}</Fact>
      <Fact name={t("run.startedBy")}>{starter}</Fact>
    </dl>
  );
}

/** What went wrong, what it means, and where it is put right. */
interface ErrorCardProps {
  readonly app: AppDetail;
  readonly run: Run;
  readonly span: RunSpan | undefined;
  readonly onNode: (key: string) => void;
  readonly onFork: (span: RunSpan) => void;
}

function ErrorCard({ app, run, span, onNode, onFork }: ErrorCardProps) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const text = (run.status === "failed" ? run.error : undefined) || span?.execution.error || run.error;
  if (!text) return null;
  const soft = run.status !== "failed";
  const cause = causeOf(span?.execution.error || text, span?.kind);
  const Icon = soft ? CircleAlert : CircleX;
  return (
    <div className={`m-4 mb-2 p-3 rounded-md flex gap-2.5 ${soft ? "bg-warning-soft" : "bg-danger-soft"}`} role="alert">
      <Icon size={16} strokeWidth={1.75} className={`mt-0.5 ${soft ? "text-warning" : "text-danger"}`} aria-hidden />
      <div className="min-w-0 flex-1 flex flex-col gap-1.5">
        <div className="flex items-baseline gap-2">
          <span className="font-semibold flex-1">{t(`cause.${cause.key}.title`)}</span>
          {cause.status ? <span className="mono text-12 text-ink-2">HTTP {cause.status}</span> : null}
        </div>
        <p className="text-ink-2">
          {span ? (
            <Trans
              t={t}
              i18nKey={soft ? "cause.wentOn" : "cause.stopped"}
              values={{ node: span.title }}
              components={{ b: <b className="font-semibold text-ink-1" /> }}
            />
          ) : null}{" "}
          {t(`cause.${cause.key}.text`)}
        </p>
        <div className="flex items-start gap-1">
          <p className="mono text-12 text-ink-1 flex-1 wrap-anywhere max-h-40 overflow-auto">{text}</p>
          <CopyButton text={text} label={t("cause.copy")} done={c("common.copied")} />
        </div>
        <div className="flex gap-2 flex-wrap">
          {cause.fix === "models" ? (
            <Link to="/settings/models" className="btn" data-size="sm">
              {t("fix.models")}
            </Link>
          ) : null}
          {cause.fix === "api" ? (
            <Link to="/app/$appId/develop" params={{ appId: app.id }} className="btn" data-size="sm">
              {t("fix.api")}
            </Link>
          ) : null}
          {cause.fix === "server" ? (
            <Link to="/settings/server" className="btn" data-size="sm">
              {t("fix.server")}
            </Link>
          ) : null}
          {span ? (
            <>
              <Link to="/app/$appId/workflow" params={{ appId: app.id }} search={{ node: span.node }} className="btn" data-size="sm">
                {t("fix.node")}
              </Link>
              {canFork(run) ? (
                <Button size="sm" icon={GitFork} onClick={() => onFork(span)}>
                  {t("fix.retry")}
                </Button>
              ) : null}
              <Button kind="quiet" size="sm" onClick={() => onNode(span.key)}>
                {t("fix.show")}
              </Button>
            </>
          ) : null}
        </div>
      </div>
    </div>
  );
}

const tile = (kind: string) => <NodeTile kind={kind} />;

interface TraceViewProps {
  readonly run: Run;
  readonly spans: readonly RunSpan[];
  readonly chosen: RunSpan | undefined;
  readonly failed: Error | null;
  readonly onNode: (key: string) => void;
}

function TraceView({ run, spans, chosen, failed, onNode }: TraceViewProps) {
  const { t } = useTranslation("logs");
  const format = useFormat();
  const live = isActive(run.status);
  const soFar = live ? Date.now() / 1000 - run.created_at : (run.elapsed_time ?? 0);
  const total = Math.max(soFar, ...spans.map((span) => span.end ?? span.start));
  const pick = (span: { key: string }) => onNode(span.key);
  if (failed) return <p className="wrong p-4">{messageOf(failed)}</p>;
  if (spans.length === 0) return <p className="hint p-4">{t(live ? "run.waiting" : "run.noNodes")}</p>;
  return (
    <>
      <div className="logs-trace border-b border-line-1" style={{ height: Math.min(spans.length * 24 + 26, 340) }}>
        <Trace spans={spans} total={total} live={live} selected={chosen?.node} onSelect={pick} onOpen={pick} format={format} tile={tile} />
      </div>
      {chosen ? <NodeView key={chosen.key} span={chosen} said={chosen === culprit(spans)} /> : null}
    </>
  );
}

type Part = "input" | "process" | "output";
/** The first that holds anything is shown. */
const ORDER: readonly Part[] = ["output", "input", "process"];

/** A request that was sent reads best as it went out. */
function rawOf(process: unknown): unknown {
  const request: unknown = typeof process === "object" && process !== null && Object.keys(process).length === 1 ? Reflect.get(process, "request") : undefined;
  return typeof request === "string" ? request.replaceAll("\r\n", "\n") : process;
}

/** `said`: the error stands in the card above already. */
function NodeView({ span, said }: { span: RunSpan; said: boolean }) {
  const { t } = useTranslation("logs");
  const format = useFormat();
  const { execution } = span;
  const rounds = useMemo(() => entriesFrom(execution.execution_metadata?.agent_log), [execution]);
  const values: Readonly<Record<Part, unknown>> = { input: execution.inputs, process: rawOf(execution.process_data), output: execution.outputs };
  const [wish, setPart] = useState<Part>(() => ORDER.find((key) => !isEmptyValue(values[key])) ?? "output");
  const parts: Part[] = isEmptyValue(execution.process_data) ? ["input", "output"] : ["input", "process", "output"];
  const part = parts.includes(wish) ? wish : "input";
  const by = answered(execution.process_data);
  const facts = [
    by ? t(`run.answered.${by.how}`, { model: by.model, wanted: by.wanted, rule: by.rule }) : "",
    span.retries.length > 0 ? t("run.try", { count: span.retries.length + 1 }) : "",
    span.tokens ? t("run.tokens", { count: span.tokens }) : "",
    span.price ? format.money(span.price, span.currency) : "",
  ].filter(Boolean);
  return (
    <div className="p-4 flex flex-col gap-2">
      <div className="flex items-center gap-2 min-w-0">
        <NodeTile kind={span.kind} />
        <span className="font-semibold truncate">{span.title}</span>
        <RunBadge status={span.status} />
        <span className="text-12 text-ink-3 num truncate">{facts.join(" · ")}</span>
        <span className="flex-1" />
        <Segmented label={t("run.part.label")} value={part} onChange={setPart} segments={parts.map((key) => ({ value: key, label: t(`run.part.${key}`) }))} />
      </div>
      {execution.error && !said ? (
        <p className="wrong" role="note">
          <CircleAlert size={14} aria-hidden />
          <span className="wrap-anywhere">{execution.error}</span>
        </p>
      ) : null}
      {span.retries
        .filter((retry) => retry.error)
        .map((retry) => (
          <p key={retry.index} className="hint wrap-anywhere">
            {t("run.retry", { number: retry.index, error: retry.error })}
          </p>
        ))}
      <WindowNote told={execution.process_data} />
      {rounds.length > 0 ? <AgentRounds entries={rounds} /> : null}
      <Json tall title={t(`run.part.${part}`)} value={values[part]} />
    </div>
  );
}

function Details({ run }: { run: Run }) {
  const { t } = useTranslation("logs");
  const format = useFormat();
  const rows: [string, string][] = [
    ["id", run.id],
    ["version", run.version],
    ["started", format.dateTime(run.created_at)],
    ["finished", run.finished_at ? format.dateTime(run.finished_at) : t("run.none")],
    ["nodes", format.number(run.total_steps)],
    ["exceptions", format.number(run.exceptions_count)],
    ["source", t(`source.${run.triggered_from}`, { defaultValue: run.triggered_from })],
    ["user", run.created_by_account?.name ?? run.created_by_end_user?.session_id ?? t("run.none")],
  ];
  return (
    <dl className="p-4 grid gap-x-6 gap-y-1.5" style={{ gridTemplateColumns: "auto minmax(0, 1fr)" }}>
      {rows.map(([key, value]) => (
        <div key={key} className="contents">
          <dt className="text-ink-3">{t(`run.detail.${key}`)}</dt>
          <dd className={`wrap-anywhere ${key === "id" || key === "version" ? "mono" : "num"}`}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
