/** Runs of the draft: starts them, follows their events, stops them. */
import { type Follow, type ForkBody, forkRun, getExecutions, getRun, listRuns, readSource, resumeRun, runContainer, runDraft, runOneNode, runTrigger, stopTask, submitForm, waitingForms } from "../api";
import type { HumanForm } from "../model/form";
import { eventSchema, idleRun, isActive, type RunEvent, type RunState, reduce, startingRun, storedRun } from "../model/run";
import { RequestError } from "../transport";
import { flush } from "./autosave";
import { set, useStudio } from "./studio";

let abort: AbortController | undefined;
let pending: { event: RunEvent; at: number }[] = [];
let frame = 0;

const state = () => useStudio.getState();

/** Events are applied once per frame, so that a fast stream costs one drawing. */
function enqueue(event: RunEvent): void {
  pending.push({ event, at: Date.now() });
  if (frame === 0) frame = requestAnimationFrame(drain);
}

function drain(): void {
  cancelAnimationFrame(frame);
  frame = 0;
  const events = pending;
  pending = [];
  if (events.length === 0) return;
  set({ run: events.reduce((run: RunState, { event, at }) => reduce(run, event, at), state().run) });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export interface RunBody {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly query?: string;
  readonly conversation_id?: string;
  readonly parent_message_id?: string;
  readonly files?: readonly unknown[];
  /** Of a pipeline: what it is made of, and where that enters. */
  readonly datasource_type?: string;
  readonly datasource_info_list?: readonly unknown[];
  readonly start_node_id?: string;
}

/** Passes the events of a stream on, as long as nothing else has taken its place. */
function heard(own: AbortController, work: Follow): Promise<unknown> {
  return work((json) => {
    const event = eventSchema.safeParse(json);
    if (event.success && abort === own) enqueue(event.data);
  }, own.signal);
}

/** Follows a run from its first event to its end, its pause or the loss of the connection. */
async function follow(work: Follow): Promise<unknown> {
  abort?.abort();
  const own = new AbortController();
  abort = own;
  let answer: unknown;
  try {
    answer = await heard(own, work);
    drain();
    if (abort === own && answer === undefined && isActive(state().run)) fail("");
  } catch (error) {
    drain();
    if (abort === own && isActive(state().run)) fail(messageOf(error));
  }
  if (abort === own && state().run.status === "paused") void wait();
  return answer;
}

const AGAIN_MS = 3_000;

/** While the run on the screen waits, we listen: whoever answers its forms, and wherever, it goes on here. */
export async function wait(): Promise<void> {
  const { runId } = state().run;
  const waits = () => state().run.runId === runId && state().run.status === "paused";
  while (runId && waits()) {
    const own = new AbortController();
    abort = own;
    try {
      await heard(own, resumeRun(runId));
    } catch (error) {
      drain();
      // The server may be away for a moment; a run that is gone is not waited for.
      if (error instanceof RequestError && error.status >= 400 && error.status < 500) return;
    }
    drain();
    if (abort !== own) return;
    if (isActive(state().run)) fail("");
    if (waits()) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    if (abort !== own) return;
  }
}

/** Saves what is on the screen first; a run of anything else would surprise. */
async function saved(): Promise<boolean> {
  try {
    await flush();
    return true;
  } catch (error) {
    fail(messageOf(error));
    return false;
  }
}

/** Runs the draft as it is on the screen. */
export async function startRun(body: RunBody): Promise<RunState> {
  if (isActive(state().run)) return state().run;
  const { owner, mode } = state();
  set({ run: startingRun(Date.now(), body.inputs), preview: undefined, nodeRun: undefined });
  if (await saved()) await follow(runDraft(owner, mode, body));
  return state().run;
}

/** Runs an iteration or a loop alone; its rounds show on the canvas. */
export async function runAlone(id: string, inputs: Readonly<Record<string, unknown>>): Promise<void> {
  const { owner, mode, document } = state();
  const kind = document.nodes.get(id)?.data.type;
  if (!kind || isActive(state().run)) return;
  set({ run: startingRun(Date.now(), inputs, id), preview: undefined, nodeRun: undefined });
  if (await saved()) await follow(runContainer(owner, mode, kind, id, inputs));
}

const ASK_AGAIN_MS = 2_000;

/** Listens until one of these triggers fires, then follows its run. */
export async function listen(nodes: readonly string[]): Promise<void> {
  if (isActive(state().run) || nodes.length === 0) return;
  const { owner } = state();
  const startedAt = Date.now();
  const waits = () => state().run.startedAt === startedAt && isActive(state().run);
  set({ run: startingRun(startedAt, undefined), preview: undefined });
  if (!(await saved())) return;
  while (waits()) {
    const answer = await follow(runTrigger(owner, nodes));
    if (answer === undefined || !waits()) return;
    // Only now would the server keep an event for us.
    set({ run: { ...state().run, status: "listening" } });
    const wait: unknown = typeof answer === "object" && answer !== null ? Reflect.get(answer, "retry_in") : undefined;
    await new Promise((resolve) => setTimeout(resolve, typeof wait === "number" ? wait : ASK_AGAIN_MS));
  }
}

/** Answers a form of the run on the screen; what comes after is heard by `wait`. */
export async function answerForm(form: HumanForm, inputs: Readonly<Record<string, unknown>>, action: string): Promise<void> {
  if (!form.form_token) return;
  await submitForm(form.form_token, inputs, action);
  set({ run: { ...state().run, forms: state().run.forms.filter((f) => f.form_id !== form.form_id) } });
}

/** A run that takes over what an earlier one did, up to a node, and goes on from there. */
export async function startFork(runId: string, body: ForkBody): Promise<RunState> {
  if (isActive(state().run)) return state().run;
  set({ run: { ...startingRun(Date.now(), body.inputs), parent: runId, origin: "fork" }, preview: undefined, nodeRun: undefined });
  if (await saved()) await follow(forkRun(state().owner, runId, body));
  return state().run;
}

function fail(error: string): void {
  const { run } = state();
  const elapsed = (Date.now() - run.startedAt) / 1000;
  const spans = new Map([...run.spans].map(([key, span]) => [key, span.status === "running" ? { ...span, status: "stopped" as const, end: elapsed } : span]));
  const latest = new Map([...run.latest].map(([key, span]) => [key, spans.get(span.key) ?? span]));
  set({ run: { ...run, spans, latest, status: "failed", error: error || "stream_ended", elapsed } });
}

export function stopRun(): void {
  const { run, owner } = state();
  if (!isActive(run) && run.status !== "paused") return;
  if (run.taskId) {
    if (run.status === "paused") set({ run: { ...run, status: "stopped", forms: [] } });
    void stopTask(owner, run.taskId).catch((error: unknown) => set({ run: { ...state().run, error: messageOf(error) } }));
    return;
  }
  abort?.abort();
  set({ run: { ...run, status: "stopped", elapsed: (Date.now() - run.startedAt) / 1000 } });
}

/** Nothing is heard any more of the run that was on the screen; it goes on without us. */
export function leaveRun(): void {
  abort?.abort();
  abort = undefined;
  pending = [];
}

export function forgetRun(): void {
  leaveRun();
  set({ run: idleRun });
}

/** Runs one node alone by `work` and shows it as its last run. */
async function alone(id: string, work: () => Promise<unknown>): Promise<unknown> {
  const node = state().document.nodes.get(id);
  if (!node || isActive(state().run)) return undefined;
  const running = { key: `single-${id}`, node: id, kind: node.data.type, title: node.data.title, status: "running" as const, start: 0, retries: [] };
  set({ inspectorTab: "lastRun", nodeRun: { id, status: "running" }, lastSpans: new Map(state().lastSpans).set(id, running) });
  try {
    await flush();
    const result = await work();
    const replay = storedRun({ id: "single", status: "succeeded", created_at: 0 }, [result]);
    const span = replay.latest.get(id);
    const lastSpans = new Map(state().lastSpans);
    if (span) lastSpans.set(id, span);
    set({ nodeRun: { id, status: "done", result }, lastSpans });
    return result;
  } catch (error) {
    const lastSpans = new Map(state().lastSpans);
    lastSpans.delete(id);
    const code = error instanceof RequestError ? error.code : "";
    set({ nodeRun: { id, status: "failed", error: messageOf(error), code }, lastSpans });
    return undefined;
  }
}

/** What a node run needs from the person: nothing, or values that were never computed. */
export function runNode(id: string, inputs: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
  return alone(id, () => runOneNode(state().owner, id, { inputs, query: "", files: [] }));
}

/** Reads one thing from a data source, so that the nodes after it can be run alone. */
export function runSource(id: string, type: string, info: unknown): Promise<unknown> {
  const title = state().document.nodes.get(id)?.data.title ?? "";
  return alone(id, () => readSource(state().owner, { datasource_type: type, datasource_info: info, start_node_id: id, start_node_title: title }));
}

/** The footers of nodes show the last stored run until something runs on this page. */
export async function loadLastSpans(): Promise<void> {
  const { owner, mode } = state();
  const { data } = await listRuns(owner, mode, undefined, 1);
  const [row] = data;
  if (!row) return;
  const replay = storedRun(row, await getExecutions(owner, row.id));
  if (state().owner === owner) set({ lastSpans: replay.latest });
}

export async function loadRun(id: string): Promise<{ run: RunState; graph: unknown }> {
  const { owner } = state();
  const [row, executions] = await Promise.all([getRun(owner, id), getExecutions(owner, id)]);
  const graph: unknown = typeof row === "object" && row !== null ? Reflect.get(row, "graph") : undefined;
  const run = storedRun(row, executions);
  return { run: run.status === "paused" ? { ...run, forms: await waitingForms(owner, id) } : run, graph };
}
