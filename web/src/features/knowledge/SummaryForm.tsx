/** Whether a model tells what each chunk is about, and how. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { defaultModel } from "../../data/models";
import { Field } from "../../ui/Field";
import { Textarea } from "../../ui/Input";
import { Switch } from "../../ui/Switch";
import { ModelSelect } from "./ModelSelect";
import { MAX_PROMPT } from "./summary";
import type { SummarySetting } from "./types";

interface Props {
  readonly value: SummarySetting;
  readonly onChange: (value: SummarySetting) => void;
}

export function SummaryForm({ value, onChange }: Props) {
  const { t } = useTranslation("knowledge");
  return (
    <div className="flex flex-col gap-4">
      <div className="flex items-start gap-3">
        <div className="flex-1 min-w-0 flex flex-col gap-0.5">
          <span className="lbl" aria-hidden>
            {t("summary.title")}
          </span>
          <span className="hint">{t("summary.about")}</span>
        </div>
        <Switch label={t("summary.title")} checked={value.enable} onChange={(enable) => onChange({ ...value, enable })} />
      </div>
      {value.enable ? <Details value={value} onChange={onChange} /> : null}
    </div>
  );
}

function Details({ value, onChange }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const standard = useQuery(defaultModel("llm")).data?.data;
  const chosen =
    value.model_name && value.model_provider_name
      ? { provider: value.model_provider_name, model: value.model_name }
      : standard
        ? { provider: standard.provider.provider, model: standard.model }
        : undefined;
  return (
    <>
      <div className="flex flex-col gap-[5px]">
        <ModelSelect
          type="llm"
          label={t("summary.model")}
          value={chosen}
          onChange={(next) => onChange({ ...value, model_name: next.model, model_provider_name: next.provider })}
        />
        <span className="hint">{t("summary.modelHint")}</span>
      </div>
      <Field label={t("summary.prompt")} optional={c("common.optional")} hint={t("summary.promptHint")}>
        <Textarea
          rows={3}
          maxLength={MAX_PROMPT}
          placeholder={t("summary.promptPlaceholder")}
          value={value.summary_prompt ?? ""}
          onChange={(event) => onChange({ ...value, summary_prompt: event.target.value || null })}
        />
      </Field>
    </>
  );
}
