import { describe, expect, it } from "vitest";
import { edgeState, eventSchema, idleRun, isActive, type RunState, reduce, startingRun, storedRun } from "./run";

function play(events: [number, unknown][]): RunState {
  return events.reduce((run, [at, e]) => reduce(run, eventSchema.parse(e), at), startingRun(0, {}));
}

const started = { event: "workflow_started", task_id: "t", workflow_run_id: "r", data: { id: "r" } };
const nodeStarted = (node: string, extra = {}) => ({ event: "node_started", data: { id: `x-${node}`, node_id: node, node_type: "llm", title: node, ...extra } });
const nodeFinished = (node: string, extra = {}) => ({
  event: "node_finished",
  data: { id: `x-${node}`, node_id: node, node_type: "llm", title: node, status: "succeeded", outputs: { text: "hi" }, elapsed_time: 1, execution_metadata: { total_tokens: 10, total_price: "0.002", currency: "USD" }, ...extra },
});

describe("a run from its events", () => {
  it("counts time, first token, tokens and cost", () => {
    const run = play([
      [0, started],
      [100, nodeStarted("a")],
      [400, { event: "text_chunk", data: { text: "h", from_variable_selector: ["a", "text"] } }],
      [500, { event: "text_chunk", data: { text: "i", from_variable_selector: ["a", "text"] } }],
      [1100, nodeFinished("a")],
      [1200, { event: "workflow_finished", data: { status: "succeeded", outputs: { o: 1 }, elapsed_time: 1.2, total_tokens: 10 } }],
    ]);
    expect(run).toMatchObject({ status: "succeeded", taskId: "t", runId: "r", text: "hi", tokens: 10, price: 0.002, elapsed: 1.2 });
    expect(run.latest.get("a")).toMatchObject({ start: 0.1, firstToken: 0.4, end: 1.1, tokens: 10, status: "succeeded" });
    expect(isActive(run)).toBe(false);
  });

  it("keeps what an agent did, told or stored", () => {
    const step = (id: string, status: string, extra = {}) => ({ event: "agent_log", data: { node_execution_id: "x-a", node_id: "a", id, label: id, parent_id: null, status, error: null, data: {}, metadata: {}, ...extra } });
    const told = play([[0, started], [1, nodeStarted("a")], [2, step("one", "start")], [3, step("one", "success")], [4, step("two", "start")], [5, nodeFinished("a")]]);
    expect(told.latest.get("a")?.log?.map((each) => [each.id, each.status])).toEqual([["one", "success"], ["two", "start"]]);
    const stored = play([[0, started], [1, nodeStarted("a")], [5, nodeFinished("a", { execution_metadata: { agent_log: [{ id: "only", label: "ROUND 1", status: "success" }] } })]]);
    expect(stored.latest.get("a")?.log?.map((each) => each.id)).toEqual(["only"]);
  });

  it("keeps retries, failures and rounds", () => {
    const run = play([
      [0, started],
      [0, { event: "iteration_started", data: { id: "it", node_id: "it", node_type: "iteration", metadata: { iteration_length: 2 } } }],
      [1, { event: "iteration_next", data: { id: "it", node_id: "it", index: 1 } }],
      [10, nodeStarted("a", { iteration_id: "it" })],
      [20, { event: "node_retry", data: { id: "x-a", node_id: "a", retry_index: 1, error: "503" } }],
      [30, nodeFinished("a", { status: "failed", error: "503 again" })],
      [40, { event: "workflow_finished", data: { status: "failed", error: "503 again" } }],
    ]);
    expect(run.latest.get("a")).toMatchObject({ status: "failed", error: "503 again", container: "it", round: 1, retries: [{ index: 1, at: 0.02, error: "503" }] });
    expect(run.latest.get("it")).toMatchObject({ rounds: { done: 1, of: 2 }, status: "stopped" });
    expect(run.error).toBe("503 again");
  });

  it("counts rounds: begun beside each other in any order, all when the end is well", () => {
    const begun: Parameters<typeof play>[0] = [
      [0, started],
      [0, { event: "iteration_started", data: { id: "it", node_id: "it", node_type: "iteration", metadata: { iteration_length: 4 } } }],
      [1, { event: "iteration_next", data: { id: "it", node_id: "it", index: 2 } }],
      [2, { event: "iteration_next", data: { id: "it", node_id: "it", index: 1 } }],
    ];
    const end = (status: string) => play([...begun, [9, { event: "iteration_completed", data: { id: "it", node_id: "it", status } }]]).latest.get("it")?.rounds;
    expect(play(begun).latest.get("it")?.rounds).toEqual({ done: 2, of: 4 });
    expect(end("succeeded")).toEqual({ done: 4, of: 4 });
    expect(end("failed")).toEqual({ done: 2, of: 4 });
  });

  it("reads chat events", () => {
    const run = play([
      [0, { ...started, conversation_id: "c", message_id: "m" }],
      [1, { event: "message", answer: "Hel", from_variable_selector: ["a", "text"] }],
      [2, { event: "message", answer: "lo" }],
      [3, { event: "message_replace", answer: "Bye" }],
      [4, { event: "error", code: "boom", message: "Run failed: x" }],
    ]);
    expect(run).toMatchObject({ text: "Bye", conversationId: "c", messageId: "m", status: "failed", error: "Run failed: x" });
  });

  it("ignores events it does not know", () => {
    const run = play([[0, started], [1, { event: "tts_message", audio: "…" }]]);
    expect(run.status).toBe("running");
  });
});

describe("edges of a run", () => {
  const run = play([[0, started], [1, nodeStarted("a")], [2, nodeFinished("a")], [3, nodeStarted("b")], [4, nodeStarted("f")], [5, nodeFinished("f", { status: "exception" })]]);
  it.each([
    ["a", "source", "b", undefined, "moving"],
    ["a", "source", "c", undefined, "waiting"],
    ["b", "source", "c", undefined, "waiting"],
    ["a", "true", "b", "true", "moving"],
    ["a", "false", "b", "true", "untaken"],
    ["f", "fail-branch", "b", "fail-branch", "failed"],
    ["f", "source", "b", "fail-branch", "untaken"],
    ["f", "source", "b", undefined, "moving"],
  ])("%s.%s → %s", (source, sourceHandle, target, selected, expected) => {
    expect(edgeState(run, { source, sourceHandle, target }, selected)).toBe(expected);
  });
  it("are plain when nothing ran", () => {
    expect(edgeState(idleRun, { source: "a", sourceHandle: "source", target: "b" }, undefined)).toBe("idle");
  });
});

describe("a stored run", () => {
  it("keeps order and cost", () => {
    const run = storedRun({ id: "r", status: "succeeded", created_at: 100, elapsed_time: 2, total_tokens: 5, outputs: { a: 1 } }, [
      { id: "2", node_id: "b", index: 2, status: "succeeded", created_at: 100, elapsed_time: 0.5, execution_metadata: { total_tokens: 5, total_price: 0.1, currency: "USD" } },
      { id: "1", node_id: "a", index: 1, status: "succeeded", created_at: 100, elapsed_time: 0.2 },
    ]);
    expect([...run.spans.values()].map((s) => [s.node, s.start])).toEqual([["a", 0], ["b", 0.2]]);
    expect(run).toMatchObject({ status: "succeeded", tokens: 5, price: 0.1 });
  });
});

describe("a run that waits for a person", () => {
  const form = { form_id: "f", node_id: "h", node_title: "Ask", form_content: "Well? {{#$output.a#}}", inputs: [{ type: "paragraph", output_variable_name: "a" }], actions: [{ id: "ok", title: "OK" }], form_token: "t", resolved_default_values: {} };
  const events = [
    { event: "workflow_started", workflow_run_id: "r", task_id: "k", data: { id: "r" } },
    { event: "node_started", data: { id: "x1", node_id: "h", node_type: "human-input", title: "Ask" } },
    { event: "human_input_required", data: form },
    { event: "workflow_paused", data: { status: "paused" } },
  ];
  const at = (list: unknown[], from = startingRun(0, {})) => list.reduce<RunState>((run, e, i) => reduce(run, eventSchema.parse(e), 1000 * (i + 1)), from);

  it("keeps the form and shows the node waiting", () => {
    const run = at(events);
    expect([run.status, run.latest.get("h")?.status, run.forms[0]?.actions[0]?.title]).toEqual(["paused", "paused", "OK"]);
    expect(isActive(run)).toBe(false);
  });

  it("goes on with what is known already told again", () => {
    const paused = at(events);
    const resumed = at(
      [
        { event: "workflow_started", workflow_run_id: "r", data: { id: "r", reason: "resumption" } },
        { event: "human_input_form_filled", data: { node_id: "h", action_id: "ok" } },
        { event: "node_finished", data: { id: "x1", node_id: "h", status: "succeeded", outputs: { a: "yes", __action_id: "ok" } } },
        { event: "node_started", data: { id: "x1", node_id: "h" } },
        { event: "workflow_finished", data: { id: "r", status: "succeeded", outputs: { a: "yes" } } },
      ],
      paused,
    );
    expect([resumed.status, resumed.forms.length, resumed.latest.get("h")?.status]).toEqual(["succeeded", 0, "succeeded"]);
    expect(resumed.startedAt).toBe(paused.startedAt);
  });
});

it("a container that runs alone leaves the other edges as they were", () => {
  const run = { ...startingRun(0, {}, "box"), status: "succeeded" as const };
  expect(edgeState(run, { source: "a", target: "b", sourceHandle: "source" }, undefined)).toBe("idle");
});
