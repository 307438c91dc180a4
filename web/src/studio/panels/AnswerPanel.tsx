import { useTranslation } from "react-i18next";
import { PromptEditor } from "../editors/PromptEditor";
import type { AnswerData } from "../nodes/answer";
import type { PanelProps } from "../nodes/kind";

export function AnswerPanel({ id, data, update }: PanelProps<AnswerData>) {
  const { t } = useTranslation("studio");
  return (
    <section className="st-section">
      <span className="st-label">{t("answer.text")}</span>
      <div className="st-box">
        <PromptEditor node={id} label={t("answer.text")} placeholder={t("prompt.placeholder")} value={data.answer} onChange={(answer) => update({ answer })} />
      </div>
      <span className="st-hint">{t("answer.hint")}</span>
    </section>
  );
}
