/** Stored executions as the spans of the waterfall. */
import type { Execution, RunRow } from "../../data/logs";
import type { TraceSpan } from "../runs/waterfall";

function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" ? Number.parseFloat(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

function firstTokenOf(execution: Execution): number | undefined {
  const usage = execution.process_data;
  if (typeof usage !== "object" || usage === null) return undefined;
  const inner: unknown = Reflect.get(usage, "usage");
  return typeof inner === "object" && inner !== null ? numberOf(Reflect.get(inner, "time_to_first_token")) : undefined;
}

export function spansOf(run: Pick<RunRow, "created_at">, executions: readonly Execution[]): TraceSpan[] {
  const at = (e: Execution) => e.started_at_ms ?? e.created_at * 1000;
  const zero = Math.min(...executions.map(at), Number.POSITIVE_INFINITY);
  const start = Number.isFinite(zero) ? zero : run.created_at * 1000;
  const counts = new Map<string, number>();
  for (const e of executions) {
    const container = textOf(e.execution_metadata?.iteration_id) ?? textOf(e.execution_metadata?.loop_id);
    const round = numberOf(e.execution_metadata?.iteration_index) ?? numberOf(e.execution_metadata?.loop_index);
    if (container !== undefined && round !== undefined) counts.set(container, Math.max(counts.get(container) ?? 0, round + 1));
  }
  return executions
    .filter((e) => e.status !== "retry")
    .map((e) => {
      const from = (at(e) - start) / 1000;
      const meta = e.execution_metadata ?? {};
      const first = firstTokenOf(e);
      const container = textOf(meta.iteration_id) ?? textOf(meta.loop_id);
      const round = numberOf(meta.iteration_index) ?? numberOf(meta.loop_index);
      const rounds = counts.get(e.node_id);
      const tokens = numberOf(meta.total_tokens);
      const price = numberOf(meta.total_price);
      const currency = textOf(meta.currency);
      const tries = executions.filter((other) => other.status === "retry" && other.node_id === e.node_id);
      return {
        key: e.id,
        node: e.node_id,
        kind: e.node_type,
        title: e.title,
        status: e.status,
        start: from,
        ...(e.status === "running" ? {} : { end: from + (e.elapsed_time ?? 0) }),
        ...(first === undefined ? {} : { firstToken: from + first }),
        ...(tokens ? { tokens } : {}),
        ...(price ? { price } : {}),
        ...(currency ? { currency } : {}),
        retries: tries.map((other, i) => ({ index: i + 1, at: (at(other) - start) / 1000 + (other.elapsed_time ?? 0), error: other.error ?? "" })),
        ...(container === undefined || container === e.node_id ? {} : { container }),
        ...(round === undefined ? {} : { round }),
        ...(rounds === undefined ? {} : { rounds: { done: rounds, of: rounds } }),
      };
    });
}

export function lengthOf(spans: readonly TraceSpan[], elapsed: number | null): number {
  return Math.max(elapsed ?? 0, 0.001, ...spans.map((span) => span.end ?? span.start));
}
