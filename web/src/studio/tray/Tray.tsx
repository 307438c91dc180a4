/** The bottom: input of the run, trace, variables, problems, history. */
import { ChevronDown } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { keyNames } from "../canvas/keys";
import { IconButton } from "../parts/controls";
import { openTray, toggleTray } from "../store/actions";
import { type TrayTab, useStudio } from "../store/studio";
import { HistoryTab } from "./HistoryTab";
import { InputTab } from "./InputTab";
import { ProblemsTab } from "./ProblemsTab";
import { RunTools } from "./RunTools";
import { TraceTab } from "./TraceTab";
import { VariablesTab } from "./VariablesTab";

const TABS: readonly TrayTab[] = ["input", "trace", "variables", "problems", "history"];
const KEY = "oxidify.tray";
const MIN = 140;
const START = 284;

function stored(): number {
  const value = Number(localStorage.getItem(KEY));
  return value >= MIN ? value : START;
}

export function Tray() {
  const { t } = useTranslation("studio");
  const open = useStudio((s) => s.tray.open);
  const tab = useStudio((s) => s.tray.tab);
  const [height, setHeight] = useState(stored);
  if (!open) return null;
  const put = (next: number) => {
    const value = Math.round(Math.max(MIN, Math.min(window.innerHeight * 0.7, next)));
    setHeight(value);
    localStorage.setItem(KEY, String(value));
  };
  const drag = (event: PointerEvent<HTMLElement>) => {
    const target = event.currentTarget;
    const from = event.clientY;
    target.setPointerCapture(event.pointerId);
    const move = (e: globalThis.PointerEvent) => put(height + from - e.clientY);
    target.addEventListener("pointermove", move);
    target.addEventListener("pointerup", () => target.removeEventListener("pointermove", move), { once: true });
  };
  const resizeKeys = (event: KeyboardEvent) => {
    if (event.key === "ArrowUp") put(height + 16);
    if (event.key === "ArrowDown") put(height - 16);
  };
  return (
    <section className="st-tray" aria-label={t("tray.label")} style={{ height }}>
      <div className="st-grip top" role="separator" aria-orientation="horizontal" aria-label={t("common.resize")} aria-valuenow={height} aria-valuemin={MIN} tabIndex={0} onPointerDown={drag} onKeyDown={resizeKeys} />
      <TrayBar tab={tab} />
      <div className="st-tray-body" role="tabpanel">
        {tab === "input" ? <InputTab /> : null}
        {tab === "trace" ? <TraceTab /> : null}
        {tab === "variables" ? <VariablesTab /> : null}
        {tab === "problems" ? <ProblemsTab /> : null}
        {tab === "history" ? <HistoryTab /> : null}
      </div>
    </section>
  );
}

function TrayBar({ tab }: { tab: TrayTab }) {
  const { t } = useTranslation("studio");
  const spans = useStudio((s) => s.run.spans.size);
  const problems = useStudio((s) => s.problems.filter((p) => !p.warning).length);
  const keys = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length];
    if (step === 0 || !next) return;
    event.preventDefault();
    openTray(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
  };
  return (
    <div className="st-tray-bar">
      <div className="st-tray-tabs" role="tablist" aria-label={t("tray.label")} onKeyDown={keys}>
        {TABS.map((name) => (
          <button key={name} type="button" role="tab" data-tab={name} tabIndex={name === tab ? 0 : -1} aria-selected={name === tab} className="st-tab" onClick={() => openTray(name)}>
            {t(`tray.tabs.${name}`)}
            {name === "trace" && spans > 0 ? <span className="st-meta">{t("tray.nodes", { count: spans })}</span> : null}
            {name === "problems" && problems > 0 ? <span className="st-badge bad">{problems}</span> : null}
          </button>
        ))}
      </div>
      <span className="st-grow" />
      {tab === "trace" ? <Legend /> : null}
      {tab === "trace" || tab === "input" ? <RunTools /> : null}
      <IconButton className="st-tray-close" label={`${t("tray.close")} (${keyNames.mod(".")})`} icon={ChevronDown} onClick={toggleTray} />
    </div>
  );
}

function Legend() {
  const { t } = useTranslation("studio");
  return (
    <span className="st-row st-meta st-legend">
      <i className="tr-bar tried" /> {t("trace.legend.tried")}
      <i className="tr-bar first run" /> {t("trace.legend.first")}
      <i className="tr-bar run" /> {t("trace.legend.streaming")}
    </span>
  );
}
