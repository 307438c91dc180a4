/** A run as the screen sees it, built from the event stream or from the stored executions. */
import { entriesFrom, type LogEntry, withEntry } from "../../lib/agentLog";
import { type Approval, withApproval } from "../../lib/approvals";
import { z } from "zod";
import { type HumanForm, humanFormSchema } from "./form";

export type NodeStatus = "running" | "succeeded" | "failed" | "exception" | "stopped" | "paused" | "retry" | "pending";

export interface Retry {
  readonly index: number;
  /** Seconds since the run started. */
  readonly at: number;
  readonly error: string;
}

/** One execution of one node. A node inside a container has one per round. */
export interface Span {
  readonly key: string;
  readonly node: string;
  readonly kind: string;
  readonly title: string;
  readonly status: NodeStatus;
  /** Seconds since the run started. */
  readonly start: number;
  readonly firstToken?: number;
  readonly end?: number;
  readonly tokens?: number;
  readonly price?: number;
  readonly currency?: string;
  readonly error?: string;
  readonly inputs?: unknown;
  readonly outputs?: unknown;
  readonly process?: unknown;
  readonly retries: readonly Retry[];
  readonly container?: string;
  readonly round?: number;
  readonly rounds?: Rounds;
  /** What an agent did. */
  readonly log?: readonly LogEntry[];
}

/** Rounds of a container that are done, and how many there are (of a loop: may be). */
export interface Rounds {
  readonly done: number;
  readonly of: number | undefined;
}

export type RunStatus = "idle" | "listening" | "starting" | "running" | "succeeded" | "partial-succeeded" | "failed" | "stopped" | "paused";

export interface RunState {
  readonly status: RunStatus;
  readonly taskId?: string;
  readonly runId?: string;
  readonly conversationId?: string;
  readonly messageId?: string;
  /** Clock of this page, milliseconds. */
  readonly startedAt: number;
  readonly elapsed?: number;
  readonly tokens: number;
  readonly price: number;
  readonly currency: string;
  readonly text: string;
  readonly outputs?: unknown;
  readonly inputs?: unknown;
  readonly error?: string;
  readonly exceptions: number;
  readonly spans: ReadonlyMap<string, Span>;
  /** The newest execution of each node. */
  readonly latest: ReadonlyMap<string, Span>;
  /** Forms that wait for a person. */
  readonly forms: readonly HumanForm[];
  /** Calls of tools that wait for a person. */
  readonly approvals: readonly Approval[];
  /** The container that runs alone. */
  readonly only?: string;
  /** Stored runs: what they were made from, and what was made from them. */
  readonly parent?: string;
  readonly origin?: string;
  readonly children?: readonly { readonly id: string; readonly origin: string }[];
}

export const idleRun: RunState = {
  status: "idle",
  startedAt: 0,
  tokens: 0,
  price: 0,
  currency: "USD",
  text: "",
  exceptions: 0,
  spans: new Map(),
  latest: new Map(),
  forms: [],
  approvals: [],
};

export function startingRun(now: number, inputs: unknown, only?: string): RunState {
  return { ...idleRun, status: "starting", startedAt: now, inputs, ...(only ? { only } : {}) };
}

export function isActive(run: RunState): boolean {
  return run.status === "listening" || run.status === "starting" || run.status === "running";
}

const text = z.string().nullish().transform((v) => v ?? undefined);
const count = z.coerce.number().nullish().catch(undefined).transform((v) => v ?? undefined);

const metadataSchema = z
  .looseObject({ total_tokens: count, total_price: count, currency: text, iteration_id: text, loop_id: text, iteration_index: count, loop_index: count, agent_log: z.array(z.unknown()).nullish().catch(undefined) })
  .nullish()
  .catch(undefined);

const dataSchema = z.looseObject({
  id: text,
  node_id: text,
  node_type: text,
  title: text,
  status: text,
  error: text,
  inputs: z.unknown().optional(),
  outputs: z.unknown().optional(),
  process_data: z.unknown().optional(),
  elapsed_time: count,
  total_tokens: count,
  exceptions_count: count,
  execution_metadata: metadataSchema,
  metadata: z.looseObject({ iteration_length: count, loop_length: count }).nullish().catch(undefined),
  iteration_id: text,
  loop_id: text,
  retry_index: count,
  index: count,
  text: text,
  reason: text,
  from_variable_selector: z.array(z.string()).nullish().catch(undefined),
});

export const eventSchema = z.looseObject({
  event: z.string(),
  task_id: text,
  workflow_run_id: text,
  conversation_id: text,
  message_id: text,
  data: dataSchema.nullish().catch(undefined),
  answer: text,
  message: text,
  code: text,
  from_variable_selector: z.array(z.string()).nullish().catch(undefined),
});
export type RunEvent = z.infer<typeof eventSchema>;
type EventData = z.infer<typeof dataSchema>;

/** The next state after an event that arrived at `now` (milliseconds). */
export function reduce(run: RunState, event: RunEvent, now: number): RunState {
  const at = Math.max(0, (now - run.startedAt) / 1000);
  const next = withIds(run, event);
  const data = event.data ?? undefined;
  switch (event.event) {
    case "workflow_started":
      // Saving and the way to the server are no part of the run.
      if (data?.reason === "resumption" || run.status === "paused") return { ...next, status: "running" };
      return { ...next, status: "running", startedAt: now, runId: event.workflow_run_id ?? data?.id ?? next.runId };
    case "node_started":
    case "iteration_started":
    case "loop_started":
      return data && !known(next, data) ? startSpan(next, data, at) : next;
    case "node_finished":
    case "iteration_completed":
    case "loop_completed":
      return data && !known(next, data) ? finishSpan(next, data, at) : next;
    case "node_retry":
      return data ? retrySpan(next, data, at) : next;
    case "agent_log":
      return data ? addLog(next, data) : next;
    case "iteration_next":
    case "loop_next":
      return data ? nextRound(next, data) : next;
    case "text_chunk":
      return addText(next, data?.text ?? "", data?.from_variable_selector?.[0], at);
    case "message":
      return addText(next, event.answer ?? "", event.from_variable_selector?.[0], at);
    case "text_replace":
      return { ...next, text: data?.text ?? "" };
    case "message_replace":
      return { ...next, text: event.answer ?? "" };
    case "workflow_finished":
      return data ? finish(next, data, at) : next;
    case "workflow_paused":
      return { ...next, status: "paused", elapsed: at };
    case "human_input_required":
      return waitFor(next, event.data, at);
    case "human_input_form_filled":
    case "human_input_form_timeout":
      return { ...next, status: "running", forms: next.forms.filter((f) => f.node_id !== data?.node_id) };
    case "tool_approval_required":
    case "tool_approval_answered":
      return { ...next, approvals: withApproval(next.approvals, event.event, event.data) };
    case "error":
      return { ...next, approvals: [], status: next.status === "stopped" ? "stopped" : "failed", error: event.message ?? event.code, elapsed: next.elapsed ?? at };
    default:
      return next;
  }
}

/** A node shows that it waits; its form is kept for whoever answers it here. */
function waitFor(run: RunState, json: unknown, at: number): RunState {
  const form = humanFormSchema.safeParse(json).data;
  if (!form) return run;
  const before = run.latest.get(form.node_id);
  const span: Span = before ?? { key: form.node_id, node: form.node_id, kind: "human-input", title: form.node_title, status: "paused", start: at, retries: [] };
  return put({ ...run, forms: [...run.forms.filter((f) => f.node_id !== form.node_id), form] }, { ...span, status: "paused" });
}

function withIds(run: RunState, event: RunEvent): RunState {
  const { task_id: taskId, workflow_run_id: runId, conversation_id: conversationId, message_id: messageId } = event;
  return {
    ...run,
    taskId: taskId ?? run.taskId,
    runId: runId ?? run.runId,
    conversationId: conversationId ?? run.conversationId,
    messageId: messageId ?? run.messageId,
  };
}

function put(run: RunState, span: Span): RunState {
  const spans = new Map(run.spans).set(span.key, span);
  const latest = new Map(run.latest).set(span.node, span);
  return { ...run, spans, latest };
}

/** Containers reuse one id; some senders give no id at all. */
function keyOf(data: EventData): string {
  return data.id ?? data.node_id ?? "";
}

const DONE: readonly NodeStatus[] = ["succeeded", "failed", "exception", "stopped"];

/** True for what a resumed stream tells again. */
function known(run: RunState, data: EventData): boolean {
  const span = run.spans.get(keyOf(data));
  return span !== undefined && DONE.includes(span.status);
}

function startSpan(run: RunState, data: EventData, at: number): RunState {
  const container = data.iteration_id ?? data.loop_id;
  const of = data.metadata?.iteration_length ?? data.metadata?.loop_length;
  const box = container ? run.latest.get(container) : undefined;
  return put(run, {
    key: keyOf(data),
    node: data.node_id ?? "",
    kind: data.node_type ?? "",
    title: data.title ?? "",
    status: "running",
    start: at,
    inputs: data.inputs,
    retries: [],
    container,
    round: box?.rounds?.done,
    ...(data.metadata ? { rounds: { done: 0, of } } : {}),
  });
}

function nodeStatus(value: string | undefined): NodeStatus {
  const known: readonly NodeStatus[] = ["running", "succeeded", "failed", "exception", "stopped", "paused", "retry", "pending"];
  return known.find((s) => s === value) ?? "succeeded";
}

function finishSpan(run: RunState, data: EventData, at: number): RunState {
  const before = run.spans.get(keyOf(data)) ?? startSpan(run, data, at).spans.get(keyOf(data));
  if (!before) return run;
  const meta = data.execution_metadata ?? undefined;
  const tokens = meta?.total_tokens ?? data.total_tokens;
  const elapsed = data.elapsed_time ?? at - before.start;
  const isBox = before.rounds !== undefined;
  const span: Span = {
    ...before,
    status: nodeStatus(data.status),
    end: Math.max(at, before.start + elapsed),
    start: run.spans.has(keyOf(data)) ? before.start : Math.max(0, at - elapsed),
    inputs: data.inputs ?? before.inputs,
    outputs: data.outputs,
    process: data.process_data,
    error: data.error,
    tokens,
    price: meta?.total_price,
    currency: meta?.currency,
    ...logOf(meta?.agent_log, before.log),
    ...(before.rounds ? { rounds: allRounds(before.rounds, before.kind, nodeStatus(data.status), data.outputs) } : {}),
  };
  const next = put(run, span);
  if (isBox) return next;
  return {
    ...next,
    tokens: next.tokens + (tokens ?? 0),
    price: next.price + (meta?.total_price ?? 0),
    currency: meta?.currency ?? next.currency,
  };
}

const field = (value: unknown, key: string): unknown => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined);

/** Rounds are told of as they begin, the first one not at all: the end knows how many there were, if all went well. */
function allRounds(rounds: Rounds, kind: string, status: NodeStatus, outputs: unknown): Rounds {
  const counted = field(outputs, "loop_round");
  const done = typeof counted === "number" ? counted : status === "succeeded" && kind === "iteration" ? rounds.of : undefined;
  return { ...rounds, done: done ?? rounds.done };
}

/** Of a stored container: `inner` are the rounds that something ran in. */
export function storedRounds(kind: string, status: string, inner: ReadonlySet<number | undefined>, inputs: unknown, outputs: unknown): Rounds | undefined {
  if (kind !== "iteration" && kind !== "loop") return undefined;
  const list = field(inputs, "iterator_selector");
  const of = Array.isArray(list) ? list.length : inner.size;
  // The round that failed was begun and not done.
  const begun = status === "failed" ? Math.max(0, inner.size - 1) : inner.size;
  return allRounds({ done: begun, of }, kind, nodeStatus(status), outputs);
}

function retrySpan(run: RunState, data: EventData, at: number): RunState {
  const node = data.node_id ?? "";
  const before = run.spans.get(keyOf(data)) ?? run.latest.get(node);
  if (!before) return run;
  const retry: Retry = { index: data.retry_index ?? before.retries.length + 1, at, error: data.error ?? "" };
  return put(run, { ...before, retries: [...before.retries, retry] });
}

function addLog(run: RunState, data: EventData): RunState {
  const execution: unknown = data.node_execution_id;
  const before = (typeof execution === "string" ? run.spans.get(execution) : undefined) ?? run.latest.get(data.node_id ?? "");
  return before ? put(run, { ...before, log: withEntry(before.log ?? [], data) }) : run;
}

/** What is stored is whole; what was told may have begun before one looked. */
function logOf(stored: readonly unknown[] | null | undefined, told: readonly LogEntry[] | undefined): Pick<Span, "log"> {
  const entries = entriesFrom(stored);
  if (entries.length > 0) return { log: entries };
  return told ? { log: told } : {};
}

function nextRound(run: RunState, data: EventData): RunState {
  const before = run.spans.get(keyOf(data)) ?? run.latest.get(data.node_id ?? "");
  if (!before) return run;
  // Rounds that run beside each other begin in any order.
  const done = Math.max(data.index ?? 0, before.rounds?.done ?? 0);
  return put(run, { ...before, rounds: { done, of: before.rounds?.of } });
}

function addText(run: RunState, chunk: string, node: string | undefined, at: number): RunState {
  const next = { ...run, text: run.text + chunk };
  const span = node === undefined ? undefined : run.latest.get(node);
  if (!span || span.firstToken !== undefined || span.status !== "running" || chunk === "") return next;
  return put(next, { ...span, firstToken: at });
}

export function runStatusOf(value: string | undefined): RunStatus {
  const known: readonly RunStatus[] = ["running", "succeeded", "partial-succeeded", "failed", "stopped", "paused"];
  return known.find((s) => s === value) ?? "failed";
}

function finish(run: RunState, data: EventData, at: number): RunState {
  const status = runStatusOf(data.status);
  const spans = new Map(run.spans);
  const latest = new Map(run.latest);
  for (const [key, span] of spans) {
    if (span.status !== "running" && span.status !== "paused") continue;
    const ended: Span = { ...span, status: status === "succeeded" ? "succeeded" : "stopped", end: at };
    spans.set(key, ended);
    if (latest.get(span.node)?.key === key) latest.set(span.node, ended);
  }
  return {
    ...run,
    spans,
    latest,
    status,
    forms: [],
    approvals: [],
    outputs: data.outputs,
    error: data.error,
    elapsed: data.elapsed_time ?? at,
    tokens: data.total_tokens ?? run.tokens,
    exceptions: data.exceptions_count ?? 0,
  };
}

const executionSchema = z.looseObject({
  ...dataSchema.shape,
  created_at: count,
  finished_at: count,
  started_at_ms: count,
  index: count,
});

const storedRunSchema = z.looseObject({
  id: z.string(),
  status: text,
  inputs: z.unknown().optional(),
  outputs: z.unknown().optional(),
  error: text,
  elapsed_time: count,
  total_tokens: count,
  created_at: count,
  exceptions_count: count,
  parent_run_id: text,
  origin: text,
  children: z.array(z.looseObject({ id: z.string(), origin: z.string().nullish().transform((v) => v ?? "") })).nullish().catch([]),
});

/** A finished run from its row and its node executions (replay from History). */
export function storedRun(row: unknown, executions: readonly unknown[]): RunState {
  const parsed = storedRunSchema.safeParse(row);
  if (!parsed.success) return idleRun;
  const { data } = parsed;
  let state: RunState = { ...idleRun, runId: data.id, inputs: data.inputs, startedAt: (data.created_at ?? 0) * 1000 };
  let cursor = 0;
  const rows = executions.flatMap((e) => executionSchema.safeParse(e).data ?? []);
  rows.sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
  const first = Math.min(...rows.flatMap((r) => r.started_at_ms ?? []));
  const zero = Number.isFinite(first) ? first : undefined;
  const inside = new Map<string, Set<number | undefined>>();
  for (const { execution_metadata: meta } of rows) {
    const container = meta?.iteration_id ?? meta?.loop_id;
    if (container) inside.set(container, (inside.get(container) ?? new Set()).add(meta?.iteration_index ?? meta?.loop_index));
  }
  for (const row of rows) {
    const stamped = (row.created_at ?? 0) - (data.created_at ?? 0);
    // Without milliseconds, stored times are whole seconds; within a second the order of starts is all we know.
    const exact = row.started_at_ms !== undefined && zero !== undefined ? (row.started_at_ms - zero) / 1000 : undefined;
    const start = exact ?? Math.max(stamped, Math.min(cursor, stamped + 0.999));
    const base = Math.max(0, start);
    const meta = row.execution_metadata ?? undefined;
    state = startSpan(state, { ...row, iteration_id: meta?.iteration_id, loop_id: meta?.loop_id }, base);
    const span = state.latest.get(row.node_id ?? "");
    if (!span) continue;
    const end = base + (row.elapsed_time ?? 0);
    const round = meta?.iteration_index ?? meta?.loop_index;
    const rounds = storedRounds(span.kind, row.status ?? "", inside.get(span.node) ?? new Set(), row.inputs, row.outputs);
    state = put(state, {
      ...span,
      ...(rounds ? { rounds } : {}),
      status: nodeStatus(row.status),
      end,
      round,
      outputs: row.outputs,
      process: row.process_data,
      error: row.error,
      tokens: meta?.total_tokens,
      price: meta?.total_price,
      currency: meta?.currency,
      ...logOf(meta?.agent_log, undefined),
    });
    cursor = end;
  }
  const price = [...state.spans.values()].reduce((sum, s) => sum + (s.price ?? 0), 0);
  return {
    ...state,
    status: runStatusOf(data.status),
    outputs: data.outputs,
    error: data.error,
    elapsed: data.elapsed_time,
    tokens: data.total_tokens ?? 0,
    price,
    exceptions: data.exceptions_count ?? 0,
    ...(data.parent_run_id ? { parent: data.parent_run_id } : {}),
    ...(data.origin ? { origin: data.origin } : {}),
    children: data.children ?? [],
  };
}

export type EdgeState = "idle" | "done" | "moving" | "waiting" | "failed" | "untaken";

/** How an edge looks in this run. `selected` is the port the source chose, where that is not the ordinary one. */
export function edgeState(
  run: RunState,
  edge: { source: string; target: string; sourceHandle: string },
  selected: string | undefined,
): EdgeState {
  if (run.status === "idle" || run.status === "listening") return "idle";
  const from = run.latest.get(edge.source);
  if (!from && run.only) return "idle";
  const to = run.latest.get(edge.target);
  if (!from) return isActive(run) ? "waiting" : "untaken";
  if (from.status === "running") return "waiting";
  if (from.status === "failed" || edge.sourceHandle !== (selected ?? "source")) return "untaken";
  if (edge.sourceHandle === "fail-branch") return "failed";
  if (!to) return isActive(run) ? "waiting" : "untaken";
  return to.status === "running" ? "moving" : "done";
}
