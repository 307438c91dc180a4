/** A form of a waiting run, answered where the run is read. */
import { type ReactNode, useEffect, useId, useMemo, useState } from "react";
import type { Json } from "../lib/read";
import { AskForm, endOf } from "./AskForm";
import { Door } from "./api";
import { type HumanForm, humanFormFrom } from "./humanForm";
import { useSay } from "./words";

export default function AskCard({ token, title }: { token: string; title: string }): ReactNode {
  const say = useSay();
  const heading = useId();
  const door = useMemo(() => new Door(`/api/form/human_input/${encodeURIComponent(token)}`), [token]);
  const [form, setForm] = useState<HumanForm | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [state, setState] = useState<"open" | "sending" | "sent">("open");
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt asks again
  useEffect(() => {
    door.read().then((body) => setForm(humanFormFrom(body)), setError);
  }, [door, attempt]);
  const send = (inputs: Json, action: string): void => {
    setState("sending");
    setError(null);
    door.send({ inputs, action }).then(
      () => setState("sent"),
      (reason: unknown) => {
        setError(reason);
        setState("open");
      },
    );
  };
  const end = endOf(error);
  return (
    <section className="ask-card" aria-labelledby={heading} aria-busy={state === "sending"}>
      <h2 id={heading}>{title || say("ask.title")}</h2>
      {state === "sent" || end ? (
        <p role="status">{say(state === "sent" ? "ask.thanks" : `ask.${end}`)}</p>
      ) : form ? (
        <AskForm form={form} door={door} busy={state === "sending"} failed={error} onSend={send} />
      ) : error === null ? (
        <p className="waiting">
          <span className="caret" />
        </p>
      ) : (
        <p className="error" role="alert">
          {say("ask.unread")}{" "}
          <button
            type="button"
            className="button"
            onClick={() => {
              setError(null);
              setAttempt(attempt + 1);
            }}
          >
            {say("action.retry")}
          </button>
        </p>
      )}
    </section>
  );
}
