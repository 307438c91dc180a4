/** Features of a chatflow: what the chat says first, and which questions it suggests. */
import { Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { Button, IconButton, SwitchRow, TextField } from "../parts/controls";
import { setFeatures } from "../store/actions";
import { useStudio } from "../store/studio";
import { SideHead } from "./SideHead";

const schema = z.looseObject({
  opening_statement: z.string().nullish().catch("").transform((v) => v ?? ""),
  suggested_questions: z.array(z.string()).nullish().catch([]).transform((v) => v ?? []),
  suggested_questions_after_answer: z.looseObject({ enabled: z.boolean().catch(false) }).nullish().catch(undefined),
});

const MAX_QUESTIONS = 10;

export function FeaturesPanel() {
  const { t } = useTranslation("studio");
  const raw = useStudio((s) => s.document.features);
  const readOnly = useStudio((s) => s.preview !== undefined);
  const features = schema.parse(raw);
  const questions = features.suggested_questions;
  const write = (suggested_questions: readonly string[]) => setFeatures({ suggested_questions });
  return (
    <>
      <SideHead title={t("features.title")} />
      <div className="st-inspector-body">
        <fieldset className="st-plain" disabled={readOnly}>
          <section className="st-section">
            <TextField label={t("features.opening")} hint={t("features.openingHint")} rows={4} value={features.opening_statement} onChange={(opening_statement) => setFeatures({ opening_statement })} />
          </section>
          <section className="st-section" aria-label={t("features.questions")}>
            <div className="st-between">
              <span className="st-label">{t("features.questions")}</span>
              <Button look="quiet" size="sm" icon={Plus} disabled={questions.length >= MAX_QUESTIONS} onClick={() => write([...questions, ""])}>
                {t("common.add")}
              </Button>
            </div>
            {questions.length === 0 ? <span className="st-hint">{t("features.questionsHint")}</span> : null}
            {questions.map((question, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the rows have no identity but their place
              <div className="st-row" key={i}>
                <div className="st-grow">
                  <TextField label={t("features.question", { number: i + 1 })} hideLabel value={question} onChange={(next) => write(questions.map((q, j) => (j === i ? next : q)))} />
                </div>
                <IconButton label={t("inputs.remove", { name: question })} icon={Trash2} onClick={() => write(questions.filter((_, j) => j !== i))} />
              </div>
            ))}
          </section>
          <section className="st-section">
            <SwitchRow
              label={t("features.after")}
              note={t("features.afterNote")}
              checked={features.suggested_questions_after_answer?.enabled ?? false}
              onChange={(enabled) => setFeatures({ suggested_questions_after_answer: { ...features.suggested_questions_after_answer, enabled } })}
            />
          </section>
        </fieldset>
      </div>
    </>
  );
}
