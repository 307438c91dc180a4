import { describe, expect, it } from "vitest";
import { thoughtsFrom, withLog, withThought, worked } from "./thoughts";

const begun = { id: "t1", position: 1, thought: "", observation: "", tool: "", tool_labels: {}, tool_input: "", message_files: [] };
const called = {
  ...begun,
  thought: "Let me look",
  tool: "clock;sum",
  tool_labels: { clock: { en_US: "Clock" } },
  tool_input: '{"clock": {"zone": "UTC"}, "sum": {"text": "1+1"}}',
};
const seen = { ...called, observation: '{"clock": "12:00", "sum": "{\\"value\\": 2}"}' };

describe("thoughts", () => {
  it("grows a round with its events", () => {
    let list = withThought([], begun);
    expect(list).toHaveLength(1);
    expect(worked(list)).toEqual([]);
    list = withThought(list, called);
    expect(list).toHaveLength(1);
    expect(list[0]?.calls.map((call) => [call.name, call.input, call.output])).toEqual([
      ["clock", '{\n  "zone": "UTC"\n}', ""],
      ["sum", '{\n  "text": "1+1"\n}', ""],
    ]);
    list = withThought(list, seen);
    expect(list[0]?.calls.map((call) => call.output)).toEqual(["12:00", '{\n  "value": 2\n}']);
    expect(list[0]?.calls[0]?.label).toEqual({ en_US: "Clock" });
    expect(withThought(list, { nothing: true })).toBe(list);
  });

  it("reads what is stored, in its order, also where a single tool's value stands alone", () => {
    const list = thoughtsFrom([
      { id: "b", position: 2, thought: "Done", tool: "" },
      { id: "a", position: 1, thought: "", tool: "search", tool_input: "lamps", observation: "three lamps" },
      "nonsense",
    ]);
    expect(list.map((each) => each.id)).toEqual(["a", "b"]);
    expect(list[0]?.calls).toEqual([{ name: "search", label: undefined, input: "lamps", output: "three lamps" }]);
    expect(worked(list)).toHaveLength(1);
  });

  it("takes times, tokens and errors from the log", () => {
    const [first] = withLog(thoughtsFrom([seen]), {
      iterations: [
        {
          tokens: 120,
          tool_calls: [
            { tool_name: "clock", time_cost: 0.4, approval: { decision: "approved" } },
            { tool_name: "sum", time_cost: 0, error: "no number" },
          ],
        },
      ],
    });
    expect(first?.tokens).toBe(120);
    expect(first?.calls.map((call) => [call.time, call.error])).toEqual([
      [0.4, undefined],
      [0, "no number"],
    ]);
    expect(first?.calls.map((call) => call.approval)).toEqual([{ decision: "approved" }, undefined]);
  });
});
