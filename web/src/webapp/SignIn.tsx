/** A page that is not open to all: who has an account of its workspace signs in. */

import { type FormEvent, type ReactNode, useState } from "react";
import { ApiError, failure, sent } from "./api";
import { CircleAlert, Lock } from "./icons";
import { useSay } from "./words";

/** As the server wants a password: base64 of its UTF-8. */
function packed(password: string): string {
  return btoa(Array.from(new TextEncoder().encode(password), (byte) => String.fromCharCode(byte)).join(""));
}

async function signIn(email: string, password: string): Promise<void> {
  const response = await sent("/api/login", { method: "POST", body: { email, password: packed(password) } }, {});
  if (!response.ok) throw await failure(response);
}

function problemOf(error: unknown): string {
  if (!(error instanceof ApiError)) return "closed.unknown.title";
  if (error.status === 0) return "closed.offline.title";
  if (error.status === 429) return "signIn.tooMany";
  return error.status >= 500 ? "closed.server.title" : "signIn.failed";
}

export default function SignIn({ denied, onDone }: { denied: boolean; onDone: () => void }): ReactNode {
  const say = useSay();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (busy || email.trim() === "" || password === "") return;
    setBusy(true);
    setProblem(null);
    signIn(email.trim(), password)
      .then(onDone, (error: unknown) => setProblem(problemOf(error)))
      .finally(() => setBusy(false));
  };
  return (
    <main className="state">
      <div className="state-card">
        <Lock size={24} />
        <h1>{say(denied ? "closed.denied.title" : "signIn.title")}</h1>
        <p>{say(denied ? "closed.denied.text" : "signIn.text")}</p>
        <form className="form sign-in" onSubmit={submit}>
          {denied && <p className="label">{say("signIn.other")}</p>}
          <label className="field">
            <span className="label">{say("signIn.email")}</span>
            <input type="email" name="email" autoComplete="username" value={email} onChange={(event) => setEmail(event.target.value)} />
          </label>
          <label className="field">
            <span className="label">{say("signIn.password")}</span>
            <input type="password" name="password" autoComplete="current-password" value={password} onChange={(event) => setPassword(event.target.value)} />
          </label>
          {problem && (
            <span className="error" role="alert">
              <CircleAlert size={14} />
              {say(problem)}
            </span>
          )}
          <button type="submit" className="button primary large" disabled={busy}>
            {say("signIn.action")}
          </button>
        </form>
      </div>
    </main>
  );
}
