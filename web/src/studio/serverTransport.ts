/** The studio's requests over the console's client. */
import { readEvents } from "../lib/events";
import { HttpError, json, request } from "../lib/http";
import { RequestError, setTransport } from "./transport";

async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof HttpError) throw new RequestError(error.status, error.code, error.message, error.requestId);
    throw error;
  }
}

async function follow(path: string, body: unknown, onEvent: (event: unknown) => void, signal: AbortSignal): Promise<unknown> {
  const response = await request(path, body === undefined ? { signal } : { method: "POST", body, signal });
  if (response.headers.get("content-type")?.includes("json")) return response.json();
  if (response.body) await readEvents(response.body, onEvent);
  return undefined;
}

export function connectToServer(): void {
  setTransport({
    json: (method, path, body, signal) =>
      told(json<unknown>(path, { method, ...(body === undefined ? {} : { body }), ...(signal ? { signal } : {}) })),
    stream: (path, body, onEvent, signal) => told(follow(path, body, onEvent, signal)),
    // Drafts may be saved without the CSRF header: a closing page cannot set one.
    beacon: (path, body) => void navigator.sendBeacon(`/console/api${path}`, new Blob([JSON.stringify(body)], { type: "text/plain" })),
  });
}
