import { describe, expect, it } from "vitest";
import { barsOf, type TraceSpan, ticks, traceRows } from "./waterfall";

const span = (key: string, start: number, extra: Partial<TraceSpan> = {}): TraceSpan => ({
  key,
  node: key,
  kind: "llm",
  title: key,
  status: "succeeded",
  start,
  end: start + 1,
  retries: [],
  ...extra,
});

describe("rows of a trace", () => {
  const spans = [span("b", 1), span("it", 0.5, { rounds: { done: 1, of: 2 } }), span("x", 0.6, { container: "it" }), span("a", 0)];
  it("follow time and nest under containers", () => {
    expect(traceRows(spans, new Set()).map((r) => `${r.depth}${r.span.key}${r.children}`)).toEqual(["0a0", "0it1", "1x0", "0b0"]);
  });
  it("fold", () => {
    expect(traceRows(spans, new Set(["it"])).map((r) => r.span.key)).toEqual(["a", "it", "b"]);
  });
  it("show a child whose container is not there", () => {
    expect(traceRows([span("x", 0, { container: "gone" })], new Set())).toHaveLength(1);
  });
});

describe("bars", () => {
  it.each([
    [span("a", 1), [["solid", 1, 2]]],
    [span("a", 1, { firstToken: 1.4 }), [["first", 1, 1.4], ["solid", 1.4, 2]]],
    [span("a", 1, { end: undefined, status: "running" }), [["solid", 1, 5]]],
    [span("a", 1, { rounds: { done: 0, of: 3 } }), [["box", 1, 2]]],
    [span("a", 1, { retries: [{ index: 1, at: 1.2, error: "x" }] }), [["tried", 1, 1.2], ["solid", 1.2, 2]]],
  ])("%#", (s, expected) => {
    expect(barsOf(s, 5).map((b) => [b.kind, b.from, b.to])).toEqual(expected);
  });
});

describe("ticks", () => {
  it.each([
    [4.1, 1],
    [0.012, 0.005],
    [100, 20],
    [0, 0.0005],
  ])("%s s has steps of %s", (total, step) => {
    expect(ticks(total).step).toBeCloseTo(step, 6);
    expect(ticks(total).marks.length).toBeLessThanOrEqual(7);
  });
});
