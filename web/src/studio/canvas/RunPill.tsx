/** The state of the run in one line: time, tokens, cost, Stop. */
import { CircleAlert, CircleCheck, CircleMinus, CircleX, Hourglass, LoaderCircle, Radio, Square, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { isActive, type RunStatus } from "../model/run";
import { Button, IconButton, Key } from "../parts/controls";
import { openTray } from "../store/actions";
import { closePreview } from "../store/previews";
import { stopRun } from "../store/runner";
import { useStudio } from "../store/studio";
import { keyNames } from "./keys";
import { useFormat } from "./useFormat";

const LOOK = {
  listening: { icon: Radio, tone: "st-tone-run" },
  starting: { icon: LoaderCircle, tone: "st-tone-run" },
  running: { icon: LoaderCircle, tone: "st-tone-run" },
  succeeded: { icon: CircleCheck, tone: "st-tone-ok" },
  "partial-succeeded": { icon: CircleAlert, tone: "st-tone-warn" },
  failed: { icon: CircleX, tone: "st-tone-bad" },
  stopped: { icon: CircleMinus, tone: "" },
  paused: { icon: Hourglass, tone: "st-tone-pau" },
} satisfies Record<Exclude<RunStatus, "idle">, { icon: typeof CircleX; tone: string }>;

const TICK_MS = 100;

function useElapsed(): number {
  const run = useStudio((s) => s.run);
  const [now, setNow] = useState(() => Date.now());
  const active = isActive(run);
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [active]);
  return active ? Math.max(0, now - run.startedAt) / 1000 : (run.elapsed ?? 0);
}

export function RunPill() {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const run = useStudio((s) => s.run);
  const elapsed = useElapsed();
  if (run.status === "idle") return null;
  const { icon: Icon, tone } = LOOK[run.status];
  const active = isActive(run);
  return (
    <section className="st-float st-pill" aria-label={t("pill.label")}>
      <button type="button" className="st-pill-open st-row" onClick={() => openTray("trace")} title={t("pill.openTrace")}>
        <Icon size={14} strokeWidth={1.9} className={[tone, active && run.status !== "listening" ? "st-spin" : ""].join(" ")} aria-hidden />
        <b className={tone} role="status">
          {t(`run.status.${run.status}`)}
        </b>
        <span className="st-num">{format.duration(elapsed)}</span>
        {run.tokens > 0 ? <span className="st-num">{t("node.tokens", { count: run.tokens })}</span> : null}
        {run.price > 0 ? <span className="st-num">{format.money(run.price, run.currency)}</span> : null}
      </button>
      {active || (run.status === "paused" && run.taskId) ? (
        <Button size="sm" icon={Square} onClick={stopRun}>
          {t("pill.stop")} <Key>{keyNames.alt(".")}</Key>
        </Button>
      ) : (
        <IconButton label={t("pill.clear")} icon={X} onClick={closePreview} />
      )}
    </section>
  );
}
