/** Forms of the run on the screen that wait for a person: answered here, the run goes on. */
import { Hourglass } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../canvas/useFormat";
import type { HumanForm } from "../model/form";
import { FormView } from "../panels/FormView";
import { Wrong } from "../parts/controls";
import { useStudio } from "../store/studio";

interface Props {
  readonly onAnswer: (form: HumanForm, inputs: Readonly<Record<string, unknown>>, action: string) => Promise<unknown>;
}

export function WaitingForms({ onAnswer }: Props) {
  const forms = useStudio((s) => s.run.forms);
  return (
    <>
      {forms.map((form) => (
        <WaitingForm key={form.form_id || form.node_id} form={form} onAnswer={onAnswer} />
      ))}
    </>
  );
}

function WaitingForm({ form, onAnswer }: Props & { form: HumanForm }) {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  const submit = (inputs: Readonly<Record<string, unknown>>, action: string) => {
    setBusy(true);
    setFailed(undefined);
    onAnswer(form, inputs, action).catch((e: unknown) => {
      setBusy(false);
      setFailed(e instanceof Error ? e.message : String(e));
    });
  };
  return (
    <section className="st-section" aria-label={form.node_title}>
      <div className="st-row st-tone-pau">
        <Hourglass size={14} strokeWidth={1.9} aria-hidden />
        <b className="st-grow st-clip">{form.node_title}</b>
        <span className="st-meta">{form.expiration_time ? t("human.until", { time: format.dateTime(form.expiration_time * 1000) }) : ""}</span>
      </div>
      <FormView form={form} busy={busy} onSubmit={form.form_token ? submit : undefined} />
      {form.form_token ? null : <span className="st-hint">{t("human.elsewhere")}</span>}
      {failed ? <Wrong>{failed}</Wrong> : null}
    </section>
  );
}
