/** `/form/{token}`: a run waits for a person; whoever has the link may answer once. */
import { lazy, type ReactNode, Suspense, useEffect, useMemo, useState } from "react";
import { ApiError, Door } from "./api";
import { limitsFrom } from "./files";
import { startValues } from "./form";
import { type HumanForm, humanFormFrom } from "./humanForm";
import InputForm from "./InputForm";
import { Check, CircleOff } from "./icons";
import { Prose } from "./Prose";
import type { Json } from "./read";
import { dressTab, SiteIcon } from "./SiteIcon";
import { chooseLanguage, loadLanguage, useLanguage, useSay } from "./words";

const StateCard = lazy(() => import("./StateCard"));

/** Which text of `ask.*` says why there is nothing to fill in. */
function endOf(error: unknown): "answered" | "expired" | "missing" | null {
  if (!(error instanceof ApiError)) return null;
  if (error.code === "human_input_form_submitted") return "answered";
  if (error.code === "human_input_form_expired") return "expired";
  return error.status === 404 ? "missing" : null;
}

export default function FormPage({ token, locale }: { token: string; locale: string | null }): ReactNode {
  const door = useMemo(() => new Door(`/api/form/human_input/${encodeURIComponent(token)}`), [token]);
  const [form, setForm] = useState<HumanForm | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt asks again
  useEffect(() => {
    door
      .read()
      .then(async (body) => {
        const found = humanFormFrom(body);
        await loadLanguage(chooseLanguage(locale, found.site.language));
        dressTab(found.site);
        setForm(found);
      })
      .catch(setError);
  }, [door, locale, attempt]);
  const send = (inputs: Json, action: string): void => {
    setBusy(true);
    setError(null);
    door
      .send({ inputs, action })
      .then(() => setDone(true), setError)
      .finally(() => setBusy(false));
  };
  const end = endOf(error);
  if (done || end) return <End kind={done ? "thanks" : (end ?? "missing")} />;
  if (!form) {
    if (error === null) return <main className="state" aria-busy="true" />;
    return (
      <Suspense>
        <StateCard
          error={error}
          onRetry={() => {
            setError(null);
            setAttempt(attempt + 1);
          }}
        />
      </Suspense>
    );
  }
  return <Ask form={form} door={door} busy={busy} failed={error} onSend={send} />;
}

function End({ kind }: { kind: "thanks" | "answered" | "expired" | "missing" }): ReactNode {
  const say = useSay();
  const Icon = kind === "thanks" || kind === "answered" ? Check : CircleOff;
  return (
    <main className="state">
      <div className="state-card" role="status">
        <Icon size={24} />
        <h1>{say(`ask.${kind}`)}</h1>
        <p>{say(`ask.${kind}Text`)}</p>
      </div>
    </main>
  );
}

interface AskProps {
  readonly form: HumanForm;
  readonly door: Door;
  readonly busy: boolean;
  readonly failed: unknown;
  readonly onSend: (inputs: Json, action: string) => void;
}

function Ask({ form, door, busy, failed, onSend }: AskProps): ReactNode {
  const say = useSay();
  const language = useLanguage();
  const until = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(form.expires * 1000);
  return (
    <main className="ask-page">
      <header className="ask-head">
        <SiteIcon site={form.site} size={28} />
        <h1>{form.site.title}</h1>
      </header>
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
    </main>
  );
}
