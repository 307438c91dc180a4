/** Speech by the app's own routes: words of a recording, sound of an answer. */

import { type Json, text } from "../lib/read";
import type { Api } from "./api";

export async function wordsOf(api: Api, sound: File, signal: AbortSignal): Promise<string> {
  const form = new FormData();
  form.append("file", sound);
  return text((await api.json("/audio-to-text", { method: "POST", form, signal })).text);
}

export async function soundOf(api: Api, body: Json, signal: AbortSignal): Promise<Blob> {
  return (await api.request("/text-to-audio", { method: "POST", body, signal })).blob();
}
