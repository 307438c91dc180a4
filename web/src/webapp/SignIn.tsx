/** A page that is not open to all: who has an account of its workspace signs in, by password or by a mailed code. */

import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { ApiError } from "./api";
import { CircleAlert, Lock } from "./icons";
import { askForCode, byCode, byPassword, problemOf, type Ways, ways } from "./ways";
import { useLanguage, useSay } from "./words";

type Way = keyof Ways;

export default function SignIn({ denied, onDone }: { denied: boolean; onDone: () => void }): ReactNode {
  const say = useSay();
  const [allowed, setAllowed] = useState<Ways | null>(null);
  const [chosen, setChosen] = useState<Way | null>(null);
  useEffect(() => {
    let isLive = true;
    ways().then((found) => isLive && setAllowed(found));
    return () => {
      isLive = false;
    };
  }, []);
  const way: Way | null = chosen ?? (allowed === null ? null : allowed.password ? "password" : allowed.code ? "code" : null);
  return (
    <main className="state">
      <div className="state-card">
        <Lock size={24} />
        <h1>{say(denied ? "closed.denied.title" : "signIn.title")}</h1>
        <p>{say(denied ? "closed.denied.text" : "signIn.text")}</p>
        {allowed && way === null && <p role="alert">{say("signIn.noWay")}</p>}
        {allowed && way && <Form key={way} way={way} denied={denied} onDone={onDone} />}
        {allowed?.password && allowed.code && (
          <button type="button" className="button large" onClick={() => setChosen(way === "code" ? "password" : "code")}>
            {say(way === "code" ? "signIn.byPassword" : "signIn.byCode")}
          </button>
        )}
      </div>
    </main>
  );
}

/** What was mailed: to whom, and the token that goes with it. */
interface Mailed {
  readonly email: string;
  readonly token: string;
}

function Form({ way, denied, onDone }: { way: Way; denied: boolean; onDone: () => void }): ReactNode {
  const say = useSay();
  const language = useLanguage();
  const [email, setEmail] = useState("");
  const [secret, setSecret] = useState("");
  const [mailed, setMailed] = useState<Mailed | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const asks = way === "code" && mailed === null;

  const work = (task: Promise<void>): void => {
    setBusy(true);
    setProblem(null);
    task.catch((error: unknown) => setProblem(problemOf(error instanceof ApiError ? error : null, way))).finally(() => setBusy(false));
  };
  const ask = (to: string): void => {
    setSecret("");
    work(askForCode(to, language).then((token) => setMailed({ email: to, token })));
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const to = email.trim();
    if (busy || to === "" || (!asks && secret.trim() === "")) return;
    if (asks) ask(to);
    else work((mailed ? byCode(mailed.email, secret.trim(), mailed.token) : byPassword(to, secret)).then(onDone));
  };
  return (
    <form className="form sign-in" onSubmit={submit}>
      {denied && <p className="label">{say("signIn.other")}</p>}
      <label className="field">
        <span className="label">{say("signIn.email")}</span>
        <input type="email" name="email" autoComplete="username" value={email} readOnly={mailed !== null} onChange={(event) => setEmail(event.target.value)} />
      </label>
      {mailed && <p role="status">{say("signIn.codeSent", { email: mailed.email })}</p>}
      {way === "password" && (
        <label className="field">
          <span className="label">{say("signIn.password")}</span>
          <input type="password" name="password" autoComplete="current-password" value={secret} onChange={(event) => setSecret(event.target.value)} />
        </label>
      )}
      {mailed && (
        <label className="field">
          <span className="label">{say("signIn.code")}</span>
          <input
            name="code"
            inputMode="numeric"
            autoComplete="one-time-code"
            maxLength={6}
            value={secret}
            onChange={(event) => setSecret(event.target.value)}
          />
        </label>
      )}
      {problem && (
        <span className="error" role="alert">
          <CircleAlert size={14} />
          {say(problem)}
        </span>
      )}
      <button type="submit" className="button primary large" disabled={busy}>
        {say(asks ? "signIn.send" : "signIn.action")}
      </button>
      {mailed && (
        <button type="button" className="button large" disabled={busy} onClick={() => ask(mailed.email)}>
          {say("signIn.another")}
        </button>
      )}
    </form>
  );
}
