/** Running a workflow: its form, the streamed output, stop. */
import { Play, Square } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { keyNames } from "../canvas/keys";
import { useFormat } from "../canvas/useFormat";
import { isActive } from "../model/run";
import { JsonView } from "../panels/JsonView";
import { StatusBadge } from "../panels/StatusBadge";
import { Button, Key, Wrong } from "../parts/controls";
import { openTray } from "../store/actions";
import { kindOf } from "../nodes/registry";
import { answerForm, startRun, stopRun } from "../store/runner";
import { useStudio } from "../store/studio";
import { errorText } from "../tray/TraceTab";
import { fieldError, firstValues, InputForm, toInputs, type Values } from "./InputForm";
import { SideHead } from "./SideHead";
import { StreamText } from "./StreamText";
import { TriggerStart } from "./TriggerStart";
import { useStartFields } from "./useStartFields";
import { WaitingApprovals } from "./WaitingApprovals";
import { WaitingForms } from "./WaitingForms";

/** What was typed stays for the next run, as long as the page lives. */
const remembered = new Map<string, Values>();

export function RunPanel() {
  const { t } = useTranslation("studio");
  const owner = useStudio((s) => s.owner);
  const active = useStudio((s) => isActive(s.run));
  const readOnly = useStudio((s) => s.preview !== undefined);
  const fields = useStartFields();
  const nodes = useStudio((s) => s.document.nodes);
  const triggers = useMemo(() => [...nodes.values()].filter((n) => kindOf(n.data.type).starts && kindOf(n.data.type).supported && n.data.type !== "start"), [nodes]);
  const hasForm = useMemo(() => [...nodes.values()].some((n) => n.data.type === "start"), [nodes]);
  const [values, setValues] = useState<Values>(() => ({ ...firstValues(fields), ...remembered.get(owner) }));
  const [tried, setTried] = useState(false);
  const put = (next: Values) => {
    remembered.set(owner, next);
    setValues(next);
  };
  const start = () => {
    setTried(true);
    if (fields.some((f) => fieldError(f, values[f.variable]))) return;
    openTray("trace");
    void startRun({ inputs: toInputs(fields, values), files: [] });
  };
  return (
    <>
      <SideHead title={t("runPanel.title")} />
      <div className="st-inspector-body">
        {triggers.length > 0 ? <TriggerStart triggers={triggers} /> : null}
        {triggers.length > 0 && !hasForm ? null : (
        <form
          className="st-section"
          aria-label={t("runPanel.form")}
          onSubmit={(e) => {
            e.preventDefault();
            start();
          }}
          onKeyDown={(e) => {
            if (e.key === "Enter" && (e.metaKey || e.ctrlKey)) start();
          }}
        >
          {fields.length === 0 ? <span className="st-hint">{t("runPanel.noFields")}</span> : <InputForm fields={fields} values={values} tried={tried} onChange={put} />}
          <div className="st-row">
            {active ? (
              <Button icon={Square} onClick={stopRun}>
                {t("pill.stop")} <Key>{keyNames.alt(".")}</Key>
              </Button>
            ) : (
              <Button look="primary" icon={Play} type="submit" disabled={readOnly}>
                {t("runPanel.start")}
              </Button>
            )}
          </div>
        </form>
        )}
        <WaitingForms onAnswer={answerForm} />
        <WaitingApprovals />
        <Result />
      </div>
    </>
  );
}

function Result() {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const run = useStudio((s) => s.run);
  if (run.status === "idle") return null;
  return (
    <>
      <section className="st-section">
        <div className="st-between">
          <StatusBadge status={run.status} />
          <span className="st-meta st-num">
            {run.elapsed === undefined ? "" : format.duration(run.elapsed)}
            {run.tokens > 0 ? ` · ${t("node.tokens", { count: run.tokens })}` : ""}
            {run.price > 0 ? ` · ${format.money(run.price, run.currency)}` : ""}
          </span>
        </div>
        {run.error ? <Wrong>{errorText(run.error, t)}</Wrong> : null}
        {run.text ? <StreamText text={run.text} live={isActive(run)} /> : null}
      </section>
      <JsonView title={t("lastRun.outputs")} value={run.outputs} />
    </>
  );
}
