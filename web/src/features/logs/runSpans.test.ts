import { describe, expect, it } from "vitest";
import type { Execution } from "../../data/logs";
import { consoleTime } from "../../data/logs";
import { lengthOf, spansOf } from "./runSpans";

const base: Execution = {
  id: "a",
  index: 1,
  node_id: "n1",
  node_type: "start",
  title: "Start",
  inputs: {},
  process_data: null,
  outputs: {},
  status: "succeeded",
  error: null,
  elapsed_time: 0.5,
  execution_metadata: null,
  created_at: 100,
  started_at_ms: 100_250,
};

describe("spansOf", () => {
  it("measures from the first start, to the millisecond", () => {
    const spans = spansOf({ created_at: 100 }, [base, { ...base, id: "b", node_id: "n2", started_at_ms: 100_900, elapsed_time: 1.1 }]);
    expect(spans.map((s) => [s.start, s.end])).toEqual([
      [0, 0.5],
      [0.65, 1.75],
    ]);
    expect(lengthOf(spans, 1.2)).toBe(1.75);
  });

  it("reads tokens, price, first token and rounds", () => {
    const [loop, llm] = spansOf({ created_at: 100 }, [
      { ...base, id: "l", node_id: "it", node_type: "iteration", elapsed_time: 3 },
      {
        ...base,
        id: "x",
        node_id: "m",
        node_type: "llm",
        process_data: { usage: { time_to_first_token: 0.2 } },
        execution_metadata: { total_tokens: 31, total_price: "0.0001", currency: "USD", iteration_id: "it", iteration_index: 1 },
      },
    ]);
    expect(loop?.rounds).toEqual({ done: 2, of: 2 });
    expect(llm).toMatchObject({ tokens: 31, price: 0.0001, firstToken: 0.2, container: "it", round: 1 });
  });

  it("folds retries into the node they belong to; a running node has no end", () => {
    const spans = spansOf({ created_at: 100 }, [
      { ...base, id: "r", status: "retry", error: "429" },
      { ...base, id: "z", status: "running", started_at_ms: 101_000 },
    ]);
    expect(spans).toHaveLength(1);
    expect(spans[0]?.retries).toEqual([{ index: 1, at: 0.5, error: "429" }]);
    expect(spans[0]?.end).toBeUndefined();
  });
});

describe("consoleTime", () => {
  it.each([
    ["UTC", "2026-11-21 00:05"],
    ["Asia/Shanghai", "2026-11-21 08:05"],
    ["America/New_York", "2026-11-20 19:05"],
  ])("%s", (zone, text) => expect(consoleTime(new Date("2026-11-21T00:05:00Z"), zone)).toBe(text));
});
