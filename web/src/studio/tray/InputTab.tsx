/** What went into the run and what came out. */
import { useTranslation } from "react-i18next";
import { JsonView } from "../panels/JsonView";
import { Wrong } from "../parts/controls";
import { useStudio } from "../store/studio";
import { errorText } from "./TraceTab";

export function InputTab() {
  const { t } = useTranslation("studio");
  const run = useStudio((s) => s.run);
  if (run.status === "idle") return <div className="st-empty">{t("trace.none")}</div>;
  return (
    <div className="st-columns">
      <div>
        <JsonView title={t("lastRun.inputs")} value={run.inputs} />
      </div>
      <div>
        {run.error ? (
          <section className="st-section">
            <Wrong>{errorText(run.error, t)}</Wrong>
          </section>
        ) : null}
        <JsonView title={t("lastRun.outputs")} value={run.outputs ?? (run.text || undefined)} />
      </div>
    </div>
  );
}
