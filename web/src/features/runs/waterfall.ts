/** The rows and bars of a trace, as plain numbers. Pure: the component only draws them. */

export interface TraceRetry {
  readonly index: number;
  /** Seconds since the run started. */
  readonly at: number;
  readonly error: string;
}

/** One execution of one node; times are seconds since the run started. */
export interface TraceSpan {
  readonly key: string;
  readonly node: string;
  readonly kind: string;
  readonly title: string;
  readonly status: string;
  readonly start: number;
  readonly firstToken?: number;
  readonly end?: number;
  readonly tokens?: number;
  readonly price?: number;
  readonly currency?: string;
  readonly retries: readonly TraceRetry[];
  readonly container?: string;
  readonly round?: number;
  readonly rounds?: { readonly done: number; readonly of: number | undefined };
}

export interface TraceRow {
  readonly span: TraceSpan;
  readonly depth: number;
  readonly children: number;
}

/** Spans in the order they started, children under their container; folded containers hide theirs. */
export function traceRows(spans: readonly TraceSpan[], folded: ReadonlySet<string>): TraceRow[] {
  const inside = new Map<string | undefined, TraceSpan[]>();
  const nodes = new Set(spans.map((s) => s.node));
  for (const span of spans) {
    const key = span.container !== undefined && nodes.has(span.container) ? span.container : undefined;
    inside.set(key, [...(inside.get(key) ?? []), span]);
  }
  const walk = (container: string | undefined, depth: number): TraceRow[] =>
    (inside.get(container) ?? [])
      .toSorted((a, b) => a.start - b.start)
      .flatMap((span) => {
        const children = span.node === container ? 0 : (inside.get(span.node)?.length ?? 0);
        const row: TraceRow = { span, depth, children };
        return children > 0 && !folded.has(span.key) ? [row, ...walk(span.node, depth + 1)] : [row];
      });
  return walk(undefined, 0);
}

export type BarKind = "wait" | "first" | "solid" | "box" | "tried";

export interface Bar {
  readonly kind: BarKind;
  readonly from: number;
  readonly to: number;
}

/** A bar is a hatch for waiting, light until the first token, solid after it; each try is its own bar. */
export function barsOf(span: TraceSpan, now: number): Bar[] {
  const end = Math.max(span.end ?? now, span.start);
  if (span.rounds) return [{ kind: "box", from: span.start, to: end }];
  const bars: Bar[] = [];
  let from = span.start;
  for (const retry of span.retries) {
    const at = Math.min(Math.max(retry.at, from), end);
    bars.push({ kind: "tried", from, to: at });
    from = at;
  }
  if (span.firstToken !== undefined && span.firstToken > from && span.firstToken <= end) {
    bars.push({ kind: "first", from, to: span.firstToken });
    from = span.firstToken;
  }
  bars.push({ kind: "solid", from, to: end });
  return bars;
}

const STEPS = [1, 2, 5];

/** Round marks for the time axis: at most six, the last one below the end. */
export function ticks(total: number): { readonly step: number; readonly marks: readonly number[] } {
  const wish = Math.max(total, 0.001) / 5;
  const power = 10 ** Math.floor(Math.log10(wish));
  const step = (STEPS.map((s) => s * power).find((s) => s >= wish) ?? 10 * power) || 0.001;
  const marks = [];
  for (let i = 0; i * step <= total && i <= 10; i += 1) marks.push(Number((i * step).toPrecision(6)));
  return { step, marks };
}
