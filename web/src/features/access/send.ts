/** Sends an endpoint from the page, as the examples do from elsewhere. */
import { type Endpoint, urlOf } from "./endpoints";

export interface Answer {
  readonly status: number;
  /** Until the first byte of the answer. */
  readonly milliseconds: number;
  readonly text: string;
  /** More is to come. */
  readonly open: boolean;
}

/** What is kept of a long answer. */
const MOST = 200_000;

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Calls back as the answer grows; resolves with all of it. */
export async function send(endpoint: Endpoint, base: string, key: string, onAnswer: (answer: Answer) => void, signal: AbortSignal): Promise<void> {
  const began = performance.now();
  const response = await fetch(urlOf(endpoint, base), {
    method: endpoint.method,
    credentials: "omit",
    headers: { Authorization: `Bearer ${key}`, ...(endpoint.body ? { "Content-Type": "application/json" } : {}) },
    ...(endpoint.body ? { body: JSON.stringify(endpoint.body) } : {}),
    signal,
  });
  const head = { status: response.status, milliseconds: performance.now() - began };
  const stream = response.headers.get("content-type")?.includes("event-stream") ?? false;
  if (!stream || !response.body) {
    onAnswer({ ...head, text: pretty(await response.text()).slice(0, MOST), open: false });
    return;
  }
  let text = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text = (text + part.value).slice(0, MOST);
    onAnswer({ ...head, text, open: true });
  }
  onAnswer({ ...head, text, open: false });
}
