/** Runs the rows of a table, a few at a time; each can be stopped, and what failed can be run again. */
import type { StreamEvent } from "../lib/events";
import { type Api, ApiError, isAbort } from "./api";
import { AT_ONCE, type BatchRow, type RowState, type Table } from "./batch";
import { afterRunClose, afterRunEvent, newRun } from "./run";
import { createStore, type Store } from "./store";

/** How often a row is tried again when the server is busy. */
const TRIES = 5;
const PATIENCE_MS = 2_000;

export interface BatchState {
  readonly table: Table;
  readonly isRunning: boolean;
}

const later = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

export class BatchRun {
  readonly store: Store<BatchState>;
  private control = new AbortController();

  constructor(
    private readonly api: Api,
    private readonly mode: "completion" | "workflow",
    table: Table,
  ) {
    this.store = createStore<BatchState>({ table, isRunning: false });
  }

  private change(number: number, part: (row: BatchRow) => Partial<BatchRow>): void {
    this.store.set(({ table }) => ({ table: { ...table, rows: table.rows.map((row) => (row.number === number ? { ...row, ...part(row) } : row)) } }));
  }

  /** Runs the rows in one of these states. */
  async run(states: readonly RowState[] = ["waiting"]): Promise<void> {
    if (this.store.get().isRunning) return;
    const control = new AbortController();
    this.control = control;
    const again = (row: BatchRow): BatchRow =>
      states.includes(row.state) ? { ...row, state: "waiting", reason: "", run: newRun(`row-${row.number}`, Math.floor(Date.now() / 1000)) } : row;
    this.store.set(({ table }) => ({ isRunning: true, table: { ...table, rows: table.rows.map(again) } }));
    const queue = this.store
      .get()
      .table.rows.filter((row) => row.state === "waiting")
      .map((row) => row.number);
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined && !control.signal.aborted; next = queue.shift()) await this.one(next, control.signal);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    this.store.set(() => ({ isRunning: false }));
  }

  retryFailed(): Promise<void> {
    return this.run(["failed", "stopped", "waiting"]);
  }

  stop(): void {
    this.control.abort();
    this.store.set(({ table }) => ({ table: { ...table, rows: table.rows.map((row) => (row.state === "waiting" ? { ...row, state: "stopped" } : row)) } }));
  }

  private row(number: number): BatchRow | undefined {
    return this.store.get().table.rows.find((row) => row.number === number);
  }

  private async one(number: number, signal: AbortSignal): Promise<void> {
    const path = this.mode === "workflow" ? "/workflows/run" : "/completion-messages";
    const inputs = this.row(number)?.inputs ?? {};
    this.change(number, () => ({ state: "running" }));
    for (let attempt = 1; ; attempt++) {
      const onEvent = (event: StreamEvent): void => this.change(number, (row) => ({ run: afterRunEvent(row.run, event) }));
      try {
        await this.api.stream(path, { body: { inputs, files: [], response_mode: "streaming" } }, onEvent, signal);
        this.change(number, (row) => ended({ ...row, run: afterRunClose(row.run) }));
        return;
      } catch (error) {
        const isBusy = error instanceof ApiError && error.status === 429;
        if (isBusy && attempt < TRIES && !signal.aborted) {
          await later((error.retryAfter ?? attempt) * PATIENCE_MS * (0.5 + Math.random()), signal);
          if (!signal.aborted) continue;
        }
        if (signal.aborted || isAbort(error)) this.stopped(number);
        else this.change(number, () => ({ state: "failed", reason: error instanceof Error ? error.message : String(error) }));
        return;
      }
    }
  }

  /** The page listens no more; the server is told to stop as well. */
  private stopped(number: number): void {
    const taskId = this.row(number)?.run.turn.taskId;
    const path = this.mode === "workflow" ? `/workflows/tasks/${taskId}/stop` : `/completion-messages/${taskId}/stop`;
    if (taskId) void this.api.json(path, { method: "POST", body: {} }).catch(() => undefined);
    this.change(number, () => ({ state: "stopped" }));
  }
}

function ended(row: BatchRow): Partial<BatchRow> {
  const { turn } = row.run;
  if (turn.state === "done") return { run: row.run, state: "done" };
  if (turn.state === "stopped") return { run: row.run, state: "stopped" };
  const reason = turn.failure?.message ?? turn.state;
  return { run: row.run, state: "failed", reason };
}
