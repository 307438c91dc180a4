/** One run of a completion or workflow app: how its stream becomes a result. Pure. */
import type { StreamEvent } from "../lib/events";
import { type Attachment, attachmentFrom, isFileValue } from "../lib/files";
import { isRecord, type Json, list, record, text } from "../lib/read";
import { afterClose, afterEvent, newTurn, type Turn } from "./turns";

export interface Run {
  /** A run is a turn without a question: the same texts, nodes and ends. */
  readonly turn: Turn;
  readonly outputs: Json | null;
  readonly runId: string | null;
}

export function newRun(key: string, now: number): Run {
  return { turn: newTurn(key, null, "", [], now), outputs: null, runId: null };
}

export function afterRunEvent(run: Run, event: StreamEvent): Run {
  const data = record(event.data);
  const runId = text(event.workflow_run_id) || run.runId;
  if (event.event === "text_chunk") return { ...run, runId, turn: afterEvent(run.turn, { ...event, event: "message", answer: text(data.text) }) };
  if (event.event === "text_replace") return { ...run, runId, turn: afterEvent(run.turn, { ...event, event: "message_replace", answer: text(data.text) }) };
  const turn = afterEvent(run.turn, event);
  if (event.event !== "workflow_finished") return { ...run, runId, turn };
  const isOver = turn.state === "stopped" || turn.state === "failed";
  return { runId, outputs: record(data.outputs), turn: isOver ? turn : { ...turn, state: "done" } };
}

export function afterRunClose(run: Run): Run {
  return { ...run, turn: afterClose(run.turn) };
}

/** What is read: the streamed text, or the only text among the outputs. */
export function resultText(run: Run): string {
  const values = Object.values(run.outputs ?? {}).filter((value) => value !== null && value !== "");
  const texts = values.filter((value) => typeof value === "string");
  if (values.length === 1 && texts.length === 1) return String(texts[0]);
  if (run.turn.answer !== "") return run.turn.answer;
  return texts.length === values.length ? texts.join("\n\n") : "";
}

/** The files among the outputs. */
export function resultFiles(run: Run): Attachment[] {
  const found = Object.values(run.outputs ?? {}).flatMap((value) => (isFileValue(value) ? [value] : list(value).filter(isFileValue)));
  return [...run.turn.answerFiles, ...found.filter(isRecord).map(attachmentFrom)];
}
