/** The runs on the screen: the last one, and the other answers that were asked for. */
import { useEffect, useRef, useState } from "react";
import type { StreamEvent } from "../lib/events";
import type { Json } from "../lib/read";
import { hush, Spoken } from "../lib/sound";
import { type Api, ApiError, isAbort, isOffline } from "./api";
import { followRun } from "./follow";
import { Frames } from "./frames";
import { afterRunClose, afterRunEvent, newRun, type Run } from "./run";
import type { Rating } from "./turns";

export type RunMode = "completion" | "workflow";

export interface Running {
  readonly runs: readonly Run[];
  readonly start: (inputs: Json) => void;
  /** Another answer to the same question, below. */
  readonly more: (run: Run) => void;
  readonly stop: (run: Run) => void;
  readonly rate: (run: Run, rating: Rating, reason?: string) => Promise<boolean>;
}

let count = 0;

function failed(run: Run, error: unknown): Run {
  if (isAbort(error)) return { ...run, turn: { ...run.turn, state: "stopped" } };
  const code = error instanceof ApiError ? (error.status === 429 ? "rate_limit" : error.code) : "unknown";
  const message = error instanceof Error ? error.message : String(error);
  return { ...run, turn: { ...run.turn, state: isOffline(error) ? "lost" : "failed", failure: { code, message } } };
}

export function useRun(api: Api, mode: RunMode): Running {
  const [runs, setRuns] = useState<readonly Run[]>([]);
  const latest = useRef<readonly Run[]>([]);
  const controls = useRef(new Map<string, AbortController>());
  const forget = (): void => {
    for (const control of controls.current.values()) control.abort();
    controls.current.clear();
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, at the end of the page
  useEffect(() => forget, []);
  const put = (next: readonly Run[]): void => {
    latest.current = next;
    setRuns(next);
  };
  const find = (key: string): Run | undefined => latest.current.find((run) => run.turn.key === key);
  const change = (key: string, next: (now: Run) => Run): void => {
    if (find(key)) put(latest.current.map((run) => (run.turn.key === key ? next(run) : run)));
  };
  const begin = (before: readonly Run[], path: string, body: Json | null): void => {
    const mine = new AbortController();
    const key = `run-${++count}`;
    controls.current.set(key, mine);
    put([...before, newRun(key, Math.floor(Date.now() / 1000))]);
    const frames = new Frames<StreamEvent>((events) => change(key, (now) => events.reduce(afterRunEvent, now)));
    hush();
    const spoken = new Spoken();
    const onEvent = (event: StreamEvent): void => {
      spoken.hear(event);
      frames.push(event);
    };
    const waits = (): boolean => {
      frames.flush();
      return find(key)?.turn.state === "paused";
    };
    const work = async (): Promise<void> => {
      await api.stream(path, body ? { body } : { query: { response_mode: "streaming" } }, onEvent, mine.signal);
      const runId = waits() ? find(key)?.runId : null;
      if (runId) await followRun({ api, runId, onEvent, waits, signal: mine.signal });
    };
    work().then(
      () => {
        frames.flush();
        change(key, afterRunClose);
        if (mode === "completion" && find(key)?.turn.state === "done") spoken.play(key);
      },
      (error: unknown) => {
        frames.flush();
        change(key, (now) => failed(now, error));
      },
    );
  };
  const start = (inputs: Json): void => {
    forget();
    begin([], mode === "workflow" ? "/workflows/run" : "/completion-messages", { inputs, files: [], response_mode: "streaming" });
  };
  const more = (run: Run): void => {
    if (run.turn.id) begin(latest.current, `/messages/${run.turn.id}/more-like-this`, null);
  };
  const stop = (run: Run): void => {
    const { taskId, key } = run.turn;
    const path = mode === "workflow" ? `/workflows/tasks/${taskId}/stop` : `/completion-messages/${taskId}/stop`;
    const leave = (): void => controls.current.get(key)?.abort();
    if (taskId) void api.json(path, { method: "POST", body: {} }).catch(leave);
    else leave();
    change(key, (now) => ({ ...now, turn: { ...now.turn, asks: [], state: "stopped" } }));
  };
  const rate = async (run: Run, rating: Rating, reason?: string): Promise<boolean> => {
    const before = run.turn.rating;
    const set = (value: Rating): void => change(run.turn.key, (now) => ({ ...now, turn: { ...now.turn, rating: value } }));
    set(rating);
    const body = reason === undefined ? { rating } : { rating, content: reason };
    try {
      await api.json(`/messages/${run.turn.id}/feedbacks`, { method: "POST", body });
      return true;
    } catch {
      set(before);
      return false;
    }
  };
  return { runs, start, more, stop, rate };
}
