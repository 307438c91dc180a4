/** `/api` with the visitor's passport: fetched when needed, renewed once when refused. */
import { readEvents, type StreamEvent } from "../lib/events";
import { isRecord, type Json, record, text } from "../lib/read";
import { readKey, writeKey } from "./storage";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** The request did not reach the server, or the answer did not come through. */
export const isOffline = (error: unknown): boolean => error instanceof ApiError && error.status === 0;
export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";

export interface Ask {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: Json;
  /** In place of a body. */
  readonly form?: FormData;
  readonly signal?: AbortSignal;
}

function errorFrom(status: number, body: string, retryAfter: string | null): ApiError {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  const wait = Number.isFinite(seconds) ? seconds : null;
  try {
    const found: unknown = JSON.parse(body);
    if (isRecord(found)) return new ApiError(status, text(found.code, "unknown"), text(found.message) || text(found.error), wait);
  } catch {
    // Not ours: a proxy in between answered.
  }
  return new ApiError(status, "unknown", "", wait);
}

async function fetched(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, { credentials: "same-origin", ...init });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(0, "offline", "");
  }
}

/** One request as it is, with these headers. */
export function sent(address: string, ask: Ask, headers: Readonly<Record<string, string>>): Promise<Response> {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(ask.query ?? {})) if (value !== undefined) search.set(key, value);
  return fetched(`${address}${search.size > 0 ? `?${search}` : ""}`, {
    method: ask.method ?? "GET",
    headers: { ...headers, ...(ask.body ? { "Content-Type": "application/json" } : {}) },
    ...(ask.form ? { body: ask.form } : ask.body ? { body: JSON.stringify(ask.body) } : {}),
    ...(ask.signal ? { signal: ask.signal } : {}),
  });
}

export async function failure(response: Response): Promise<ApiError> {
  return errorFrom(response.status, await response.text().catch(() => ""), response.headers.get("retry-after"));
}

/** XMLHttpRequest, because only it tells how far an upload is. */
export function sendFile(
  address: string,
  headers: Readonly<Record<string, string>>,
  file: File,
  onProgress: (part: number) => void,
  signal: AbortSignal,
): Promise<Json> {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open("POST", address);
    for (const [name, value] of Object.entries(headers)) call.setRequestHeader(name, value);
    call.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(Math.min(0.99, event.loaded / event.total));
    };
    call.onload = () => {
      if (call.status >= 200 && call.status < 300) resolve(record(JSON.parse(call.responseText)));
      else reject(errorFrom(call.status, call.responseText, call.getResponseHeader("retry-after")));
    };
    call.onerror = () => reject(new ApiError(0, "offline", ""));
    call.onabort = () => reject(new DOMException("aborted", "AbortError"));
    signal.addEventListener("abort", () => call.abort());
    const form = new FormData();
    form.append("file", file);
    call.send(form);
  });
}

/** Where files of a form go. */
export interface Carrier {
  readonly upload: (file: File, onProgress: (part: number) => void, signal: AbortSignal) => Promise<Json>;
}

/** A form under its own address: the address is the key. */
export class Door implements Carrier {
  constructor(private readonly address: string) {}

  private async json(init: RequestInit): Promise<Json> {
    const response = await fetched(this.address, init);
    const body = await response.text();
    if (!response.ok) throw errorFrom(response.status, body, response.headers.get("retry-after"));
    return body === "" ? {} : record(JSON.parse(body));
  }

  read(): Promise<Json> {
    return this.json({});
  }

  send(body: Json): Promise<Json> {
    return this.json({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  }

  upload(file: File, onProgress: (part: number) => void, signal: AbortSignal): Promise<Json> {
    return sendFile(`${this.address}/files`, {}, file, onProgress, signal);
  }
}

export class Api implements Carrier {
  /** The page has an address of its own that may be passed on. */
  readonly isShared: boolean = true;
  /** What was run can be found again: in lists, and what was saved. */
  readonly isKept: boolean = true;
  private passport: string | null;
  private entering: Promise<void> | null = null;
  /** Called when the old passport no longer holds and the visitor is a new one. */
  onNewVisitor: () => void = () => undefined;

  constructor(
    private readonly code: string,
    readonly userId: string | null,
  ) {
    const isSameUser = (readKey(`passport-user-${code}`) ?? "") === (userId ?? "");
    this.passport = isSameUser ? readKey(`passport-${code}`) : null;
  }

  private async fetchPassport(): Promise<void> {
    const query = this.userId === null ? "" : `?user_id=${encodeURIComponent(this.userId)}`;
    const response = await fetched(`/api/passport${query}`, { headers: { "X-App-Code": this.code } });
    const body = await response.text();
    if (!response.ok) throw errorFrom(response.status, body, response.headers.get("retry-after"));
    this.passport = text(record(JSON.parse(body)).access_token);
    writeKey(`passport-${this.code}`, this.passport);
    writeKey(`passport-user-${this.code}`, this.userId);
  }

  private enter(): Promise<void> {
    this.entering ??= this.fetchPassport().finally(() => {
      this.entering = null;
    });
    return this.entering;
  }

  private headers(): Record<string, string> {
    return { "X-App-Code": this.code, "X-App-Passport": this.passport ?? "" };
  }

  async request(path: string, ask: Ask = {}): Promise<Response> {
    if (!this.passport) await this.enter();
    const send = (): Promise<Response> => sent(`/api${path}`, ask, this.headers());
    let response = await send();
    if (response.status === 401) {
      const error = errorFrom(401, await response.text(), null);
      const used = this.passport;
      writeKey(`passport-${this.code}`, null);
      if (error.code !== "unauthorized") {
        // The page now asks who is there: what was given before does not open it any more.
        this.passport = null;
        throw error;
      }
      this.passport = null;
      await this.enter();
      response = await send();
      if (used !== this.passport && response.status !== 401) this.onNewVisitor();
    }
    if (!response.ok) throw await failure(response);
    return response;
  }

  async json(path: string, ask: Ask = {}): Promise<Json> {
    const response = await this.request(path, ask);
    const body = await response.text();
    return body === "" ? {} : record(JSON.parse(body));
  }

  /** Reads a stream to its end. A cut connection is an `ApiError` with status 0. */
  async stream(path: string, ask: Pick<Ask, "query" | "body">, onEvent: (event: StreamEvent) => void, signal: AbortSignal): Promise<void> {
    const response = await this.request(path, { ...ask, method: ask.body ? "POST" : "GET", signal });
    if (!response.body) return;
    try {
      await readEvents(response.body, onEvent);
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new ApiError(0, "offline", "");
    }
  }

  async upload(file: File, onProgress: (part: number) => void, signal: AbortSignal): Promise<Json> {
    if (!this.passport) await this.enter();
    return sendFile("/api/files/upload", this.headers(), file, onProgress, signal);
  }
}
