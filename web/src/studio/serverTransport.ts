/** The studio's requests over the console's client. */
import { HttpError, json } from "../lib/http";
import { stream } from "../lib/sse";
import { RequestError, setTransport } from "./transport";

async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof HttpError) throw new RequestError(error.status, error.code, error.message, error.requestId);
    throw error;
  }
}

export function connectToServer(): void {
  setTransport({
    json: (method, path, body, signal) =>
      told(json<unknown>(path, { method, ...(body === undefined ? {} : { body }), ...(signal ? { signal } : {}) })),
    stream: (path, body, onEvent, signal) => told(stream(path, body, onEvent, signal)),
    // Drafts may be saved without the CSRF header: a closing page cannot set one.
    beacon: (path, body) => void navigator.sendBeacon(`/console/api${path}`, new Blob([JSON.stringify(body)], { type: "text/plain" })),
  });
}
