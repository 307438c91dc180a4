/** A conversation's turns: how stream events change one, and which of them are on the screen. Pure. */
import { type Approval, withApproval } from "../lib/approvals";
import type { StreamEvent } from "../lib/events";
import { type Attachment, attachmentFrom } from "../lib/files";
import { isRecord, type Json, list, number, record, text } from "../lib/read";
import { type Thought, thoughtsFrom, withThought } from "../lib/thoughts";
import { type Source, sourcesFrom } from "./wire";

export type TurnState = "waiting" | "streaming" | "done" | "stopped" | "failed" | "lost" | "paused";
export type Rating = "like" | "dislike" | null;

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** A node of the app's workflow, for sites that show them. */
export interface Step {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly seconds: number | null;
}

export interface Turn {
  /** Stays the same while the server gives the turn its id. */
  readonly key: string;
  readonly id: string | null;
  /** The `key` of the turn this one answers to. */
  readonly parent: string | null;
  readonly query: string;
  readonly files: readonly Attachment[];
  readonly answer: string;
  readonly answerFiles: readonly Attachment[];
  readonly state: TurnState;
  readonly failure: Failure | null;
  readonly rating: Rating;
  readonly sources: readonly Source[];
  readonly steps: readonly Step[];
  /** What an agent did for the answer. */
  readonly thoughts: readonly Thought[];
  /** Forms that the run waits for; a token where the form may be answered by its link. */
  readonly asks: readonly { readonly node: string; readonly title: string; readonly token: string | null }[];
  /** Calls of tools that wait for somebody. */
  readonly approvals: readonly Approval[];
  readonly taskId: string | null;
  /** The run behind the answer, for apps that are workflows. */
  readonly runId: string | null;
  readonly createdAt: number;
}

const NIL = "00000000-0000-0000-0000-000000000000";

export function newTurn(key: string, parent: string | null, query: string, files: readonly Attachment[], now: number): Turn {
  const empty = {
    answer: "",
    answerFiles: [],
    failure: null,
    rating: null,
    sources: [],
    steps: [],
    thoughts: [],
    asks: [],
    approvals: [],
    taskId: null,
    runId: null,
  };
  return { key, id: null, parent, query, files, state: "waiting", createdAt: now, ...empty };
}

export const isBusy = (turn: Turn): boolean => turn.state === "waiting" || turn.state === "streaming";

function withStep(steps: readonly Step[], data: Json, isOver: boolean): readonly Step[] {
  const id = text(data.id);
  const step: Step = {
    id,
    title: text(data.title) || text(data.node_type),
    status: isOver ? text(data.status, "succeeded") : "running",
    seconds: isOver && typeof data.elapsed_time === "number" ? data.elapsed_time : null,
  };
  return steps.some((known) => known.id === id) ? steps.map((known) => (known.id === id ? step : known)) : [...steps, step];
}

function finished(turn: Turn, data: Json): Turn {
  if (data.status === "stopped") return { ...turn, asks: [], state: "stopped" };
  if (data.status === "failed") return { ...turn, asks: [], state: "failed", failure: turn.failure ?? { code: "run_failed", message: text(data.error) } };
  return { ...turn, asks: [] };
}

/** The run goes on after somebody answered, or after nobody did in time. */
function resumed(turn: Turn, node: string): Turn {
  const asks = turn.asks.filter((ask) => ask.node !== node);
  return turn.state === "paused" ? { ...turn, asks, state: turn.answer === "" ? "waiting" : "streaming" } : { ...turn, asks };
}

function ended(turn: Turn, event: StreamEvent): Turn {
  const metadata = record(event.metadata);
  const files = list(event.files).filter(isRecord).map(attachmentFrom);
  return {
    ...turn,
    state: turn.state === "stopped" || turn.state === "failed" ? turn.state : "done",
    sources: sourcesFrom(metadata.retriever_resources),
    answerFiles: files.length > 0 ? files : turn.answerFiles,
  };
}

/** The turn after one event of its stream. */
export function afterEvent(before: Turn, event: StreamEvent): Turn {
  const id = text(event.message_id) || before.id;
  const taskId = text(event.task_id) || before.taskId;
  const runId = text(event.workflow_run_id) || before.runId;
  const turn = id === before.id && taskId === before.taskId && runId === before.runId ? before : { ...before, id, taskId, runId };
  switch (event.event) {
    case "message":
    case "agent_message":
      return text(event.answer) === ""
        ? turn
        : { ...turn, answer: turn.answer + text(event.answer), state: turn.state === "waiting" ? "streaming" : turn.state };
    case "message_replace":
      return { ...turn, answer: text(event.answer), state: turn.state === "waiting" ? "streaming" : turn.state };
    case "agent_thought":
      return { ...turn, thoughts: withThought(turn.thoughts, event) };
    case "tool_approval_required":
    case "tool_approval_answered":
      return { ...turn, approvals: withApproval(turn.approvals, event.event, event.data) };
    case "message_file":
      return event.belongs_to === "user" || !event.url ? turn : { ...turn, answerFiles: [...turn.answerFiles, attachmentFrom(event)] };
    case "node_started":
      return { ...turn, steps: withStep(turn.steps, record(event.data), false) };
    case "node_finished":
      return { ...turn, steps: withStep(turn.steps, record(event.data), true) };
    case "human_input_required": {
      const data = record(event.data);
      const ask = { node: text(data.node_id), title: text(data.node_title), token: data.display_in_ui === false ? null : text(data.form_token) || null };
      return { ...turn, asks: [...turn.asks.filter((known) => known.node !== ask.node), ask] };
    }
    case "workflow_paused":
      return { ...turn, state: "paused" };
    case "workflow_started":
      return record(event.data).reason === "resumption" ? resumed(turn, "") : turn;
    case "human_input_form_filled":
    case "human_input_form_timeout":
      return resumed(turn, text(record(event.data).node_id));
    case "workflow_finished":
      return finished(turn, record(event.data));
    case "message_end":
      return ended(turn, event);
    case "error":
      if (turn.state === "stopped") return turn;
      return { ...turn, state: "failed", failure: { code: text(event.code, "unknown"), message: text(event.message) } };
    default:
      return turn;
  }
}

/** The turn when its stream has closed: without an end it was cut. */
export function afterClose(turn: Turn): Turn {
  return isBusy(turn) ? { ...turn, state: "lost" } : turn;
}

function ratingFrom(value: unknown): Rating {
  const rating = record(value).rating;
  return rating === "like" || rating === "dislike" ? rating : null;
}

function turnFrom(message: Json, parent: string | null, now: number): Turn {
  const files = list(message.message_files).filter(isRecord);
  const ofUser = (file: Json): boolean => file.belongs_to !== "assistant";
  const isError = message.status === "error";
  const createdAt = number(message.created_at);
  // Answers are stored when they are complete: a young empty one is still being written.
  const isOpen = !isError && text(message.answer) === "" && now - createdAt < 1200;
  const sources = sourcesFrom(message.retriever_resources);
  // What a waiting run has said so far stands in its message already.
  const state = isError ? "failed" : message.status === "paused" ? "paused" : isOpen ? "lost" : "done";
  return {
    key: text(message.id),
    id: text(message.id),
    parent,
    query: text(message.query),
    files: files.filter(ofUser).map(attachmentFrom),
    answer: text(message.answer),
    answerFiles: files.filter((file) => !ofUser(file)).map(attachmentFrom),
    state,
    failure: isError ? { code: "stored", message: text(message.error) } : null,
    rating: ratingFrom(message.feedback),
    sources: sources.length > 0 ? sources : sourcesFrom(record(message.metadata).retriever_resources),
    steps: [],
    thoughts: thoughtsFrom(message.agent_thoughts),
    asks: [],
    approvals: [],
    taskId: null,
    runId: text(message.workflow_run_id) || null,
    createdAt,
  };
}

/**
 * Stored messages, oldest first. The nil parent says nothing: such a message follows the one before it,
 * as the API's own do, or is another version of the first question if it asks the same.
 */
export function turnsFrom(messages: readonly unknown[], now: number): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages.filter(isRecord)) {
    const first = turns.find((turn) => turn.parent === null);
    const follows = first?.query === text(message.query) ? null : (turns.at(-1)?.key ?? null);
    const parent = message.parent_message_id === NIL ? follows : text(message.parent_message_id) || null;
    turns.push(turnFrom(message, parent, now));
  }
  return turns;
}

/** A page of older turns before the known ones. */
export function withOlder(older: readonly Turn[], known: readonly Turn[]): Turn[] {
  const keys = new Set(known.map((turn) => turn.key));
  return [...older.filter((turn) => !keys.has(turn.key)), ...known];
}

export interface Branch {
  readonly turn: Turn;
  /** The place of this version among those of the same question, from 1. */
  readonly index: number;
  readonly versions: readonly Turn[];
}

/** From the first turn to the last along the chosen versions; without a choice the newest. */
export function visible(turns: readonly Turn[], chosen: Readonly<Record<string, string>>): Branch[] {
  const keys = new Set(turns.map((turn) => turn.key));
  const idToKey = new Map(turns.filter((turn) => turn.id).map((turn) => [turn.id, turn.key]));
  const children = new Map<string, Turn[]>();
  for (const turn of turns) {
    const known = turn.parent === null ? undefined : keys.has(turn.parent) ? turn.parent : idToKey.get(turn.parent);
    const parent = known ?? "";
    children.set(parent, [...(children.get(parent) ?? []), turn]);
  }
  const path: Branch[] = [];
  let at = "";
  while (path.length <= turns.length) {
    const versions = children.get(at);
    const turn = versions?.find((version) => version.key === chosen[at]) ?? versions?.at(-1);
    if (!versions || !turn) break;
    path.push({ turn, index: versions.indexOf(turn) + 1, versions });
    at = turn.key;
  }
  return path;
}

/** The place in `chosen` that decides between the versions of a turn. */
export function choiceKey(turns: readonly Turn[], turn: Turn): string {
  const parent = turns.find((known) => known.key === turn.parent || (known.id !== null && known.id === turn.parent));
  return parent?.key ?? "";
}

/** The server's id of the nearest turn at or above `key` that the server knows. */
export function serverParent(turns: readonly Turn[], key: string | null): string | null {
  let at = turns.find((turn) => turn.key === key || (turn.id !== null && turn.id === key));
  for (let steps = 0; at && steps <= turns.length; steps++) {
    if (at.id) return at.id;
    const { parent } = at;
    at = turns.find((turn) => turn.key === parent);
  }
  return null;
}

/** Where the last finished sentence ends: what may be read aloud, or shown where motion is unwelcome. */
export function sentenceEnd(answer: string): number {
  let end = 0;
  for (const match of answer.matchAll(/[.!?…]["'”’)\]]*(?=\s)|[。！？；]["”’）】]*|\n+/g)) end = match.index + match[0].length;
  return end;
}
