/** `/form/{token}`: a run waits for a person; whoever has the link may answer once. */
import { lazy, type ReactNode, Suspense, useEffect, useMemo, useState } from "react";
import type { Json } from "../lib/read";
import { AskForm, endOf } from "./AskForm";
import { Door } from "./api";
import { type HumanForm, humanFormFrom } from "./humanForm";
import { Check, CircleOff } from "./icons";
import { dressTab, SiteIcon } from "./SiteIcon";
import { chooseLanguage, loadLanguage, useSay } from "./words";

const StateCard = lazy(() => import("./StateCard"));

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
  return (
    <main className="ask-page">
      <header className="ask-head">
        <SiteIcon site={form.site} size={28} />
        <h1>{form.site.title}</h1>
      </header>
      <AskForm form={form} door={door} busy={busy} failed={error} onSend={send} />
    </main>
  );
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
