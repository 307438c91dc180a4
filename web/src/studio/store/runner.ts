/** Runs of the draft: starts them, follows their events, stops them. */
import { getExecutions, getRun, listRuns, runDraft, runOneNode, stopTask } from "../api";
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
}

/** Runs the draft as it is on the screen: it is saved first. */
export async function startRun(body: RunBody): Promise<RunState> {
  if (isActive(state().run)) return state().run;
  const { appId, mode } = state();
  abort?.abort();
  const own = new AbortController();
  abort = own;
  set({ run: startingRun(Date.now(), body.inputs), preview: undefined });
  try {
    await flush();
    const onEvent = (json: unknown) => {
      const event = eventSchema.safeParse(json);
      if (event.success && abort === own) enqueue(event.data);
    };
    await runDraft(appId, mode, body, onEvent, own.signal);
    drain();
    if (abort === own && isActive(state().run)) fail("");
  } catch (error) {
    drain();
    if (abort === own && isActive(state().run)) fail(messageOf(error));
  }
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
  const { run, appId } = state();
  if (!isActive(run)) return;
  if (run.taskId) {
    void stopTask(appId, run.taskId).catch((error: unknown) => set({ run: { ...state().run, error: messageOf(error) } }));
    return;
  }
  abort?.abort();
  set({ run: { ...run, status: "stopped", elapsed: (Date.now() - run.startedAt) / 1000 } });
}

export function forgetRun(): void {
  abort?.abort();
  abort = undefined;
  pending = [];
  set({ run: idleRun });
}

/** What a node run needs from the person: nothing, or values that were never computed. */
export async function runNode(id: string, inputs: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
  const { appId, document } = state();
  const node = document.nodes.get(id);
  if (!node || isActive(state().run)) return undefined;
  const running = { key: `single-${id}`, node: id, kind: node.data.type, title: node.data.title, status: "running" as const, start: 0, retries: [] };
  set({ inspectorTab: "lastRun", nodeRun: { id, status: "running" }, lastSpans: new Map(state().lastSpans).set(id, running) });
  try {
    await flush();
    const result = await runOneNode(appId, id, { inputs, query: "", files: [] });
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

/** The footers of nodes show the last stored run until something runs on this page. */
export async function loadLastSpans(): Promise<void> {
  const { appId, mode } = state();
  const { data } = await listRuns(appId, mode, undefined, 1);
  const [row] = data;
  if (!row) return;
  const replay = storedRun(row, await getExecutions(appId, row.id));
  if (state().appId === appId) set({ lastSpans: replay.latest });
}

export async function loadRun(id: string): Promise<{ run: RunState; graph: unknown }> {
  const { appId } = state();
  const [row, executions] = await Promise.all([getRun(appId, id), getExecutions(appId, id)]);
  const graph: unknown = typeof row === "object" && row !== null ? Reflect.get(row, "graph") : undefined;
  return { run: storedRun(row, executions), graph };
}
