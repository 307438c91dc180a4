/** Stored node executions as the spans of a trace. Pure. */
import { storedRounds } from "../../studio/model/run";
import type { TraceSpan } from "../runs/waterfall";
import type { NodeExecution } from "./api";

const field = (value: unknown, key: string): unknown => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined);
const number = (value: unknown): number | undefined => {
  const read = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof read === "number" && Number.isFinite(read) ? read : undefined;
};
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

export interface RunSpan extends TraceSpan {
  readonly execution: NodeExecution;
}

const startOf = (item: NodeExecution): number => (item.started_at_ms ?? item.created_at * 1000) / 1000;

function container(item: NodeExecution): string | undefined {
  const id = text(item.execution_metadata?.iteration_id) ?? text(item.execution_metadata?.loop_id);
  return id === item.node_id ? undefined : id;
}

function round(item: NodeExecution): number | undefined {
  return number(item.execution_metadata?.iteration_index) ?? number(item.execution_metadata?.loop_index);
}

/** Seconds from the start of a model call to its first token. */
function firstToken(item: NodeExecution): number | undefined {
  const usage = field(item.process_data, "usage") ?? field(item.outputs, "usage");
  const seconds = number(field(usage, "time_to_first_token"));
  return seconds !== undefined && seconds > 0 ? seconds : undefined;
}

/** Who answered a node, where that is not its model, and how. */
export interface Answered {
  readonly how: "hit" | "semantic" | "tier" | "fallback" | "hedge";
  readonly model: string;
  readonly wanted: string;
  readonly rule: string;
}

const HOWS = ["hit", "semantic", "tier", "fallback", "hedge"] as const;

export function answered(process: unknown): Answered | undefined {
  const by = field(process, "answered_by");
  const how = HOWS.find((one) => one === (field(by, "cache") ?? field(by, "route")));
  const model = text(field(by, "model"));
  if (!how || !model) return undefined;
  return { how, model, wanted: text(field(process, "model_name")) ?? "", rule: text(field(by, "rule")) ?? "" };
}

const place = (item: NodeExecution) => `${item.node_id}/${container(item) ?? ""}/${round(item) ?? ""}`;
const thousandth = (seconds: number) => Math.round(seconds * 1000) / 1000;

/** Tries of which only the number was kept: no times and no texts, each with a place of its own. */
function counted(item: NodeExecution, start: number): TraceSpan["retries"] {
  return Array.from({ length: Math.min(item.retry_index ?? 0, 20) }, (_, i) => ({ index: i + 1, at: start + (i + 1) / 1_000_000, error: "" }));
}

/** Earlier tries are rows of their own; they become part of the span of the last one. */
export function spansOf(executions: readonly NodeExecution[]): RunSpan[] {
  const zero = Math.min(...executions.map(startOf));
  const at = (item: NodeExecution) => thousandth(startOf(item) - zero);
  const tries = executions.filter((item) => item.status === "retry").toSorted((a, b) => startOf(a) - startOf(b));
  return executions
    .filter((item) => item.status !== "retry")
    .toSorted((a, b) => a.index - b.index)
    .map((item) => {
      const own = tries.filter((t) => place(t) === place(item));
      const inside = new Set(executions.filter((e) => container(e) === item.node_id).map(round));
      const rounds = storedRounds(item.node_type, item.status, inside, item.inputs, item.outputs);
      const first = firstToken(item);
      const tokens = number(item.execution_metadata?.total_tokens);
      const price = number(item.execution_metadata?.total_price);
      const currency = text(item.execution_metadata?.currency);
      const box = container(item);
      const turn = round(item);
      return {
        key: item.id,
        node: item.node_id,
        kind: item.node_type,
        title: item.title || item.node_id,
        status: item.status,
        start: Math.min(at(item), ...own.map(at)),
        retries:
          own.length > 0 ? own.map((t, i) => ({ index: t.retry_index || i + 1, at: at(t) + t.elapsed_time, error: t.error ?? "" })) : counted(item, at(item)),
        execution: item,
        ...(item.status === "running" ? {} : { end: at(item) + item.elapsed_time }),
        ...(first === undefined ? {} : { firstToken: at(item) + first }),
        ...(tokens ? { tokens } : {}),
        ...(price ? { price } : {}),
        ...(currency ? { currency } : {}),
        ...(box === undefined ? {} : { container: box }),
        ...(turn === undefined ? {} : { round: turn }),
        ...(rounds ? { rounds } : {}),
      };
    });
}

/** When the first token of the run came, in seconds since its start. */
export function firstTokenOf(spans: readonly RunSpan[]): number | undefined {
  const times = spans.flatMap((span) => (span.firstToken === undefined ? [] : [span.firstToken]));
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** The node that explains a run: the failed one, else the first that went on after an error. */
export function culprit(spans: readonly RunSpan[]): RunSpan | undefined {
  return spans.findLast((span) => span.status === "failed") ?? spans.find((span) => span.status === "exception");
}
