/** The console API: session cookies, the CSRF header, one refresh after a 401, one error shape. */

const BASE = "/console/api";

export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field?: string,
    readonly requestId?: string,
  ) {
    super(message);
    this.name = "HttpError";
  }
}

/** Called when the session is over; the shell goes to the sign-in page. */
type Leave = (reason: "signin" | "install" | "init") => void;
let leave: Leave = () => undefined;
export function onSignedOut(next: Leave): void {
  leave = next;
}

function cookie(name: string): string {
  for (const part of document.cookie.split(";")) {
    const [key = "", ...rest] = part.trim().split("=");
    if (key === name || key === `__Host-${name}`) return decodeURIComponent(rest.join("="));
  }
  return "";
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface RequestOptions {
  readonly method?: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Ask without the refresh and the redirect: for pages before sign-in. */
  readonly open?: boolean;
}

function address(path: string, query?: Query): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) if (value !== undefined && value !== "") search.set(key, String(value));
  const text = search.toString();
  return `${BASE}${path}${text ? `${path.includes("?") ? "&" : "?"}${text}` : ""}`;
}

export async function errorOf(response: Response): Promise<HttpError> {
  const requestId = response.headers.get("x-request-id") ?? undefined;
  const text = await response.text().catch(() => "");
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null) {
      const pick = (key: string): string | undefined => {
        const value: unknown = Reflect.get(body, key);
        return typeof value === "string" ? value : undefined;
      };
      return new HttpError(response.status, pick("code") ?? "unknown", pick("message") ?? pick("error") ?? response.statusText, pick("params"), requestId);
    }
  } catch {
    // Not JSON: a proxy in between, or no server at all.
  }
  return new HttpError(response.status, "unknown", text.slice(0, 300) || response.statusText || String(response.status), undefined, requestId);
}

function send(path: string, options: RequestOptions): Promise<Response> {
  const headers: Record<string, string> = { "X-CSRF-Token": cookie("csrf_token") };
  let body: BodyInit | undefined;
  if (options.body instanceof FormData) body = options.body;
  else if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.body);
  }
  return fetch(address(path, options.query), {
    method: options.method ?? "GET",
    headers,
    credentials: "same-origin",
    ...(body === undefined ? {} : { body }),
    ...(options.signal ? { signal: options.signal } : {}),
  }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new HttpError(0, "offline", "The server does not answer.");
  });
}

let refreshing: Promise<boolean> | undefined;

/** One refresh at a time, over all tabs: the token rotates, so two at once would sign one of them out. */
function refresh(): Promise<boolean> {
  const call = (): Promise<boolean> =>
    fetch(`${BASE}/refresh-token`, { method: "POST", credentials: "same-origin" }).then(
      (r) => r.ok,
      () => false,
    );
  const locked = async (): Promise<boolean> => (navigator.locks ? await navigator.locks.request("oxidify.refresh", call) : await call());
  const running = refreshing ?? locked();
  refreshing = running;
  void running.finally(() => {
    refreshing = undefined;
  });
  return running;
}

/** The response of a request, whatever its body; throws `HttpError` for every failure. */
export async function request(path: string, options: RequestOptions = {}): Promise<Response> {
  let response = await send(path, options);
  if (response.status === 401 && !options.open) {
    const error = await errorOf(response);
    if (error.code === "not_setup") leave("install");
    else if (error.code === "not_init_validated") leave("init");
    else if (await refresh()) response = await send(path, options);
    else leave("signin");
    if (response.status === 401) throw error;
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** The JSON answer. Its type is the caller's claim about the contract. */
export async function json<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await request(path, options);
  if (response.status === 204) return JSON.parse("null");
  const text = await response.text();
  return JSON.parse(text || "null");
}

/** Sends a form and tells how much of it is there: the one thing that `fetch` cannot. */
export async function upload<T>(path: string, form: FormData, onProgress: (part: number) => void, signal: AbortSignal): Promise<T> {
  const attempt = () =>
    new Promise<Response>((resolve, reject) => {
      const call = new XMLHttpRequest();
      call.open("POST", address(path));
      call.setRequestHeader("X-CSRF-Token", cookie("csrf_token"));
      call.upload.onprogress = (event) => (event.lengthComputable ? onProgress(event.loaded / event.total) : undefined);
      call.onload = () => {
        const id = call.getResponseHeader("x-request-id");
        resolve(new Response(call.responseText, { status: call.status, statusText: call.statusText, headers: id ? { "x-request-id": id } : {} }));
      };
      call.onerror = () => reject(new HttpError(0, "offline", "The server does not answer."));
      call.onabort = () => reject(new DOMException("aborted", "AbortError"));
      signal.addEventListener("abort", () => call.abort(), { once: true });
      call.send(form);
    });
  let response = await attempt();
  if (response.status === 401) {
    if (await refresh()) response = await attempt();
    else leave("signin");
  }
  if (!response.ok) throw await errorOf(response);
  return response.json();
}

export const get = <T>(path: string, query?: Query): Promise<T> => json<T>(path, query ? { query } : {});
export const post = <T = unknown>(path: string, body: unknown = {}): Promise<T> => json<T>(path, { method: "POST", body });
export const put = <T = unknown>(path: string, body: unknown): Promise<T> => json<T>(path, { method: "PUT", body });
export const patch = <T = unknown>(path: string, body: unknown): Promise<T> => json<T>(path, { method: "PATCH", body });
export const remove = <T = unknown>(path: string, body?: unknown): Promise<T> =>
  json<T>(path, body === undefined ? { method: "DELETE" } : { method: "DELETE", body });

/** What a person needs to report a failure. */
export function errorDetails(error: unknown): string {
  if (error instanceof HttpError) return JSON.stringify({ status: error.status, code: error.code, message: error.message, request_id: error.requestId });
  return error instanceof Error ? error.message : String(error);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
