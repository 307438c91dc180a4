/** How the studio talks to the server. The page gives it the shell's client; tests give their own. */
export class RequestError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId?: string,
  ) {
    super(message);
  }
}

export interface Transport {
  readonly json: (method: string, path: string, body?: unknown, signal?: AbortSignal) => Promise<unknown>;
  /** Calls `onEvent` for every event of a stream; resolves when it ends, with the answer if that is JSON and no stream. A body makes it a POST. */
  readonly stream: (path: string, body: unknown, onEvent: (event: unknown) => void, signal: AbortSignal) => Promise<unknown>;
  /** Sends without waiting, while the page closes. */
  readonly beacon: (path: string, body: unknown) => void;
}

let current: Transport | undefined;

export function setTransport(next: Transport): void {
  current = next;
}

export function transport(): Transport {
  if (!current) throw new RequestError(0, "no_transport", "The studio has no connection to the server.");
  return current;
}
