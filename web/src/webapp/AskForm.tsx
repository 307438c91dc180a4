/** The fields of a form that a waiting run asks for: on its own page, and in the page of the run. */
import type { ReactNode } from "react";
import { limitsFrom } from "../lib/files";
import type { Json } from "../lib/read";
import { ApiError, type Door } from "./api";
import { startValues } from "./form";
import type { HumanForm } from "./humanForm";
import InputForm from "./InputForm";
import { Prose } from "./Prose";
import { useLanguage, useSay } from "./words";

/** Which text of `ask.*` says why there is nothing to fill in. */
export function endOf(error: unknown): "answered" | "expired" | "missing" | null {
  if (!(error instanceof ApiError)) return null;
  if (error.code === "human_input_form_submitted") return "answered";
  if (error.code === "human_input_form_expired") return "expired";
  return error.status === 404 ? "missing" : null;
}

interface AskProps {
  readonly form: HumanForm;
  readonly door: Door;
  readonly busy: boolean;
  readonly failed: unknown;
  readonly onSend: (inputs: Json, action: string) => void;
}

export function AskForm({ form, door, busy, failed, onSend }: AskProps): ReactNode {
  const say = useSay();
  const language = useLanguage();
  const until = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(form.expires * 1000);
  return (
    <>
      <InputForm
        fields={form.fields}
        start={startValues(form.fields, form.start)}
        api={door}
        limits={limitsFrom({})}
        busy={busy}
        submit={say("ask.send")}
        actions={form.actions}
        before={(variable) => (form.before[variable] ? <Prose text={form.before[variable] ?? ""} /> : null)}
        after={form.after === "" ? null : <Prose text={form.after} />}
        onSubmit={(inputs, action) => onSend(inputs, action ?? "")}
      />
      {failed !== null && (
        <p className="error" role="alert">
          {failed instanceof ApiError && failed.message ? failed.message : say("ask.failed")}
        </p>
      )}
      {form.expires > 0 && <p className="hint">{say("ask.until", { time: until })}</p>}
    </>
  );
}
