/** An app of Explore or a template that is tried: the console's routes with the member's session, in the shape of a page's. */

import type { Json } from "../lib/read";
import { Api, ApiError, type Ask, failure, sendFile, sent } from "./api";

const CONSOLE = "/console/api";

function cookie(name: string): string {
  for (const part of document.cookie.split(";")) {
    const [key = "", ...rest] = part.trim().split("=");
    if (key === name || key === `__Host-${name}`) return decodeURIComponent(rest.join("="));
  }
  return "";
}

const headers = (): Record<string, string> => ({ "X-CSRF-Token": cookie("csrf_token") });

/** The token rotates: two tabs that renew it at once would sign each other out. */
async function renewed(): Promise<boolean> {
  const call = (): Promise<boolean> =>
    fetch(`${CONSOLE}/refresh-token`, { method: "POST", credentials: "same-origin" }).then(
      (answer) => answer.ok,
      () => false,
    );
  return navigator.locks ? await navigator.locks.request("oxidify.refresh", call) : await call();
}

export class MemberApi extends Api {
  override readonly isShared = false;
  override readonly isKept: boolean;

  private readonly place: string;

  constructor(kind: "installed" | "trial", code: string) {
    super(`${kind}-${code}`, null);
    this.place = `${CONSOLE}/${kind}-apps/${code}`;
    this.isKept = kind === "installed";
  }

  /** Runs that wait and files belong to the member, not to the app. */
  private address(path: string): string {
    return /^\/(workflow|files|remote-files)\//.test(path) ? `${CONSOLE}${path}` : `${this.place}${path}`;
  }

  override async request(path: string, ask: Ask = {}): Promise<Response> {
    const send = (): Promise<Response> => sent(this.address(path), ask, headers());
    let response = await send();
    if (response.status === 401 && (await renewed())) response = await send();
    if (!response.ok) throw await failure(response);
    return response;
  }

  override async upload(file: File, onProgress: (part: number) => void, signal: AbortSignal): Promise<Json> {
    const send = (): Promise<Json> => sendFile(this.address("/files/upload"), headers(), file, onProgress, signal);
    return send().catch(async (error: unknown) => {
      if (error instanceof ApiError && error.status === 401 && (await renewed())) return send();
      throw error;
    });
  }
}
