import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../canvas/useFormat";
import { Trace } from "../../features/runs/Trace";
import { isActive } from "../model/run";
import { kindOf } from "../nodes/registry";
import { goTo } from "../store/actions";
import { useStudio } from "../store/studio";

const TICK_MS = 100;

/** Seconds of the run so far; still while nothing runs. */
function useClock(): number {
  const run = useStudio((s) => s.run);
  const active = isActive(run);
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [active]);
  const last = Math.max(0, ...[...run.spans.values()].map((s) => s.end ?? s.start));
  return active ? Math.max((now - run.startedAt) / 1000, last) : Math.max(run.elapsed ?? 0, last);
}

export function KindTile({ kind }: { kind: string }) {
  const { icon: Icon, category } = kindOf(kind);
  return (
    <span className={`st-tile sm st-cat-${category}`}>
      <Icon size={12} strokeWidth={2} aria-hidden />
    </span>
  );
}

const tile = (kind: string) => <KindTile kind={kind} />;

export function TraceTab() {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const run = useStudio((s) => s.run);
  const selected = useStudio((s) => s.inspecting ?? s.selection.values().next().value);
  const total = useClock();
  const spans = useMemo(() => [...run.spans.values()], [run.spans]);
  if (run.status === "idle") return <div className="st-empty">{t("trace.none")}</div>;
  if (spans.length === 0) {
    return <div className="st-empty">{run.error ? <span className="st-wrong">{errorText(run.error, t)}</span> : t("trace.waiting")}</div>;
  }
  return (
    <Trace
      spans={spans}
      total={total}
      live={isActive(run)}
      selected={selected}
      onSelect={(span) => goTo(span.node)}
      onOpen={(span) => goTo(span.node, "lastRun")}
      format={format}
      tile={tile}
    />
  );
}

/** Our own error codes have a sentence; everything else is the server's text. */
export function errorText(error: string, t: (key: string) => string): string {
  return error === "stream_ended" ? t("run.streamEnded") : error;
}
