/** The trace of a run as a waterfall: node, time axis, time, tokens, cost. */
import { Check, ChevronDown, ChevronRight, CircleAlert, CircleMinus, Hourglass, LoaderCircle, type LucideIcon, X } from "lucide-react";
import { type CSSProperties, type KeyboardEvent, type ReactNode, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { barsOf, type TraceRow, type TraceSpan, ticks, traceRows } from "./waterfall";
import "./trace.css";

export interface TraceFormat {
  readonly duration: (seconds: number) => string;
  readonly number: (value: number) => string;
  readonly money: (value: number, currency: string) => string;
}

interface Props {
  readonly spans: readonly TraceSpan[];
  /** Length of the time axis in seconds: the run so far, or all of it. */
  readonly total: number;
  readonly live: boolean;
  /** The chosen node. */
  readonly selected: string | undefined;
  readonly onSelect: (span: TraceSpan) => void;
  readonly onOpen: (span: TraceSpan) => void;
  readonly format: TraceFormat;
  /** The coloured tile of a node kind. */
  readonly tile: (kind: string) => ReactNode;
}

const ROW = 24;
const AHEAD = 12;
const VIRTUAL_FROM = 60;
const FOLD_FROM = 500;
const LAST_LABEL = 0.93;

const STATES: Readonly<Record<string, { icon: LucideIcon; tone: string }>> = {
  succeeded: { icon: Check, tone: "ok" },
  running: { icon: LoaderCircle, tone: "run" },
  failed: { icon: X, tone: "bad" },
  exception: { icon: CircleAlert, tone: "warn" },
  paused: { icon: Hourglass, tone: "pau" },
  stopped: { icon: CircleMinus, tone: "off" },
};

export function Trace(props: Props) {
  const { spans, total, live, selected, onSelect, onOpen } = props;
  const { t } = useTranslation("studio");
  const [folded, setFolded] = useState<ReadonlySet<string>>(() => new Set(spans.length > FOLD_FROM ? spans.filter((s) => s.rounds).map((s) => s.key) : []));
  const rows = useMemo(() => traceRows(spans, folded), [spans, folded]);
  const [top, setTop] = useState(0);
  const body = useRef<HTMLDivElement>(null);
  const axis = Math.max(total, 0.001) * (live ? 1.08 : 1.02);
  const shown = windowOf(rows, top, body.current?.clientHeight ?? 400);
  const toggle = (key: string, fold?: boolean) => {
    setFolded((now) => {
      const next = new Set(now);
      if (fold ?? !next.has(key)) next.add(key);
      else next.delete(key);
      return next;
    });
  };
  const keys = (event: KeyboardEvent) => {
    const at = rows.findIndex((r) => r.span.node === selected);
    const row = rows[at];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const next = rows[Math.max(0, Math.min(rows.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)))];
      if (next) onSelect(next.span);
    } else if (event.key === "ArrowLeft" && row) toggle(row.span.key, true);
    else if (event.key === "ArrowRight" && row) toggle(row.span.key, false);
    else if (event.key === "Enter" && row) onOpen(row.span);
    else return;
    event.preventDefault();
  };
  return (
    <div className="tr-root">
      <Axis total={axis} />
      <div className="tr-body" role="tree" tabIndex={0} aria-label={t("trace.label")} ref={body} onKeyDown={keys} onScroll={(e) => setTop(e.currentTarget.scrollTop)}>
        <div style={{ height: shown.before * ROW }} />
        {shown.rows.map((row) => (
          <TraceLine key={row.span.key} row={row} axis={axis} folded={folded.has(row.span.key)} onToggle={() => toggle(row.span.key)} {...props} />
        ))}
        <div style={{ height: shown.after * ROW }} />
        {live ? <Now at={total / axis} /> : null}
      </div>
    </div>
  );
}

function windowOf(rows: readonly TraceRow[], top: number, height: number) {
  if (rows.length <= VIRTUAL_FROM) return { rows, before: 0, after: 0 };
  const from = Math.max(0, Math.floor(top / ROW) - AHEAD);
  const to = Math.min(rows.length, Math.ceil((top + height) / ROW) + AHEAD);
  return { rows: rows.slice(from, to), before: from, after: rows.length - to };
}

function Axis({ total }: { total: number }) {
  const { t } = useTranslation("studio");
  // A label at the very end would run into the next column.
  const marks = ticks(total).marks.filter((mark) => mark / total < LAST_LABEL);
  return (
    <div className="tr-row tr-head" aria-hidden>
      <span>{t("trace.node")}</span>
      <span className="tr-track">
        {marks.map((mark, i) => (
          <span key={mark} className="tr-mark" style={{ left: `${(mark / total) * 100}%` }}>
            {i === 0 ? "0 s" : mark}
          </span>
        ))}
      </span>
      <span className="tr-right">{t("trace.time")}</span>
      <span className="tr-right">{t("trace.tokens")}</span>
      <span className="tr-right">{t("trace.cost")}</span>
    </div>
  );
}

function Now({ at }: { at: number }) {
  const place: CSSProperties = { left: `calc(256px + (100% - 478px) * ${at})` };
  return <span className="tr-now" style={place} aria-hidden />;
}

interface LineProps extends Props {
  readonly row: TraceRow;
  readonly axis: number;
  readonly folded: boolean;
  readonly onToggle: () => void;
}

function TraceLine({ row, axis, folded, onToggle, total, selected, onSelect, onOpen, format, tile }: LineProps) {
  const { t } = useTranslation("studio");
  const { span, depth, children } = row;
  const state = STATES[span.status] ?? { icon: LoaderCircle, tone: "run" };
  const length = (span.end ?? total) - span.start;
  const rounds = span.rounds ? t("trace.rounds", { done: span.rounds.done, of: span.rounds.of ?? "?" }) : undefined;
  const status = t(`run.status.${span.status}`, { defaultValue: span.status });
  return (
    <div
      className="tr-row"
      role="treeitem"
      tabIndex={-1}
      aria-level={depth + 1}
      aria-selected={span.node === selected}
      aria-expanded={children > 0 ? !folded : undefined}
      onClick={() => onSelect(span)}
      onDoubleClick={() => onOpen(span)}
      onKeyDown={() => undefined}
    >
      <span className="tr-name" style={{ paddingInlineStart: depth * 18 }}>
        {children > 0 ? (
          <button type="button" className="tr-fold" tabIndex={-1} aria-label={t(folded ? "trace.unfold" : "trace.fold")} onClick={onToggle}>
            {folded ? <ChevronRight size={12} aria-hidden /> : <ChevronDown size={12} aria-hidden />}
          </button>
        ) : null}
        {tile(span.kind)}
        <span className="tr-clip">{span.title}</span>
        {rounds ? <span className="tr-meta">{rounds}</span> : null}
        {span.round !== undefined && depth > 0 ? <span className="tr-meta">{t("trace.round", { number: span.round + 1 })}</span> : null}
        {span.retries.length > 0 ? <span className="tr-tries">{t("node.tries", { count: span.retries.length + 1 })}</span> : null}
        <state.icon size={13} strokeWidth={2} className={`tr-state ${state.tone}${span.status === "running" ? " spin" : ""}`} role="img" aria-label={status} />
      </span>
      <span className="tr-track lines" style={{ backgroundSize: `${(ticks(axis).step / axis) * 100}% 100%` }}>
        {barsOf(span, total).map((bar) => (
          <i key={`${bar.kind}${bar.from}`} className={`tr-bar ${bar.kind} ${state.tone}`} style={{ left: `${(bar.from / axis) * 100}%`, width: `${Math.max(0, (bar.to - bar.from) / axis) * 100}%` }} />
        ))}
      </span>
      <span className="tr-right">{format.duration(length)}</span>
      <span className="tr-right tr-soft">{span.tokens ? format.number(span.tokens) : ""}</span>
      <span className="tr-right tr-soft">{span.price ? format.money(span.price, span.currency ?? "USD") : ""}</span>
    </div>
  );
}
