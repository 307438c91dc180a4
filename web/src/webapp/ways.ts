/** The two ways to prove who one is: a password, or a code that was mailed. */

import { flag, type Json, record, text } from "../lib/read";
import { type ApiError, failure, sent } from "./api";

export interface Ways {
  readonly password: boolean;
  readonly code: boolean;
}

/** As the server wants a password: base64 of its UTF-8. */
export function packed(secret: string): string {
  return btoa(Array.from(new TextEncoder().encode(secret), (byte) => String.fromCharCode(byte)).join(""));
}

export function waysFrom(features: Json): Ways {
  const auth = record(features.webapp_auth);
  return { password: auth.allow_email_password_login !== false, code: flag(auth.allow_email_code_login) };
}

async function post(path: string, body: Json): Promise<Json> {
  const response = await sent(`/api${path}`, { method: "POST", body }, {});
  if (!response.ok) throw await failure(response);
  return record(await response.json());
}

/** A password always works as a guess: the server says if not. */
export async function ways(): Promise<Ways> {
  try {
    const response = await sent("/api/system-features", {}, {});
    return waysFrom(response.ok ? record(await response.json()) : {});
  } catch {
    return { password: true, code: false };
  }
}

export async function byPassword(email: string, password: string): Promise<void> {
  await post("/login", { email, password: packed(password) });
}

/** Answers the token that goes with the code. */
export async function askForCode(email: string, language: string): Promise<string> {
  return text((await post("/email-code-login", { email, language })).data);
}

export async function byCode(email: string, code: string, token: string): Promise<void> {
  await post("/email-code-login/validity", { email, code: packed(code), token });
}

/** The text for what went wrong. */
export function problemOf(error: ApiError | null, way: keyof Ways): string {
  if (error === null) return "closed.unknown.title";
  if (error.status === 0) return "closed.offline.title";
  if (error.status === 429) return "signIn.tooMany";
  if (error.status >= 500) return "closed.server.title";
  return way === "code" ? "signIn.badCode" : "signIn.failed";
}
