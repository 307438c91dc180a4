/** The events of a run that waits for a person: whoever answers, and wherever, it goes on on this page. */
import type { StreamEvent } from "../lib/events";
import { type Api, ApiError, isAbort, isOffline } from "./api";

const AGAIN_MS = 3_000;

/** Until the page is looked at; an open stream for each page in the background would use up the browser's connections. */
function looked(signal: AbortSignal): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    document.addEventListener("visibilitychange", done);
    signal.addEventListener("abort", done);
  });
}

const later = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, AGAIN_MS);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

interface Followed {
  readonly api: Api;
  readonly runId: string;
  readonly onEvent: (event: StreamEvent) => void;
  /** Whether the run still waits: only then a cut connection may be opened again without telling a text twice. */
  readonly waits: () => boolean;
  readonly signal: AbortSignal;
}

/** Resolves when the run has ended or can be followed no longer; over several waits it stays. */
export async function followRun({ api, runId, onEvent, waits, signal }: Followed): Promise<void> {
  const path = `/workflow/${encodeURIComponent(runId)}/events`;
  let isOver = false;
  const pass = (event: StreamEvent): void => {
    isOver ||= event.event === "workflow_finished";
    onEvent(event);
  };
  while (!signal.aborted && !isOver && waits()) {
    await looked(signal);
    const link = new AbortController();
    const end = (): void => link.abort();
    const hidden = (): void => {
      if (document.hidden && waits()) link.abort();
    };
    signal.addEventListener("abort", end);
    document.addEventListener("visibilitychange", hidden);
    try {
      // The snapshot tells which forms are still open, and the end of a run that is over already.
      await api.stream(path, { query: { include_state_snapshot: "true", continue_on_pause: "true" } }, pass, link.signal);
      // A server that shuts down ends the stream and not the run.
      if (!isOver && waits()) await later(signal);
    } catch (error) {
      if (!isAbort(error) && !isOffline(error) && !(error instanceof ApiError && error.status >= 500)) return;
      if (!isAbort(error)) await later(signal);
    } finally {
      signal.removeEventListener("abort", end);
      document.removeEventListener("visibilitychange", hidden);
    }
  }
}
