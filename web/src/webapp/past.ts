/** Runs of before, as the server lists them. Pure. */
import { attachmentFrom } from "../lib/files";
import { isRecord, type Json, list, number, record, text } from "../lib/read";
import { newRun, type Run } from "./run";
import type { Rating, Step, TurnState } from "./turns";

export interface PastItem {
  readonly id: string;
  readonly at: number;
  readonly state: TurnState;
  readonly inputs: Json;
  /** A completion comes with its answer; a workflow's result is read when it is opened. */
  readonly run: Run | null;
}

const STATES: Readonly<Record<string, TurnState>> = {
  succeeded: "done",
  "partial-succeeded": "done",
  normal: "done",
  failed: "failed",
  error: "failed",
  stopped: "stopped",
  paused: "paused",
  running: "streaming",
};

const stateOf = (status: unknown): TurnState => STATES[text(status)] ?? "done";

function stepFrom(value: unknown): Step {
  const item = record(value);
  const isOver = item.status !== "running";
  return { id: text(item.id), title: text(item.title), status: text(item.status), seconds: isOver ? number(item.elapsed_time) : null };
}

/** A workflow run with its result. */
export function runFrom(body: Json): Run {
  const state = stateOf(body.status);
  const base = newRun(text(body.id), number(body.created_at));
  const failure = state === "failed" ? { code: "run_failed", message: text(body.error) } : null;
  // A run that is still under way elsewhere is not followed here: it is shown as it stands.
  const shown = state === "streaming" ? "paused" : state;
  return { turn: { ...base.turn, state: shown, failure, steps: list(body.steps).map(stepFrom) }, outputs: record(body.outputs), runId: text(body.id) };
}

function ratingFrom(value: unknown): Rating {
  const { rating } = record(value);
  return rating === "like" || rating === "dislike" ? rating : null;
}

/** A completion with its answer. */
export function answerFrom(body: Json): Run {
  const state = stateOf(body.status);
  const base = newRun(text(body.id), number(body.created_at));
  const files = list(body.message_files)
    .filter(isRecord)
    .filter((file) => file.belongs_to === "assistant");
  return {
    turn: {
      ...base.turn,
      id: text(body.id),
      answer: text(body.answer),
      answerFiles: files.map(attachmentFrom),
      rating: ratingFrom(body.feedback),
      state,
      failure: state === "failed" ? { code: "stored", message: text(body.error) } : null,
    },
    outputs: null,
    runId: null,
  };
}

export function pastFrom(mode: "completion" | "workflow", body: Json): PastItem {
  return {
    id: text(body.id),
    at: number(body.created_at),
    state: stateOf(body.status),
    inputs: record(body.inputs),
    run: mode === "completion" ? answerFrom(body) : null,
  };
}
