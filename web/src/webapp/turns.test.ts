import { describe, expect, it } from "vitest";
import { EventParser, type StreamEvent } from "../lib/events";
import { afterClose, afterEvent, choiceKey, newTurn, sentenceEnd, serverParent, type Turn, turnsFrom, visible, withOlder } from "./turns";

const start = newTurn("t1", null, "Hi", [], 100);
const run = (...events: StreamEvent[]): Turn => events.reduce(afterEvent, start);
const message = (answer: string): StreamEvent => ({ event: "message", message_id: "m1", task_id: "k1", conversation_id: "c1", answer });

describe("a stream", () => {
  it("is read whatever its pieces are, with pings between", () => {
    const wire = 'event: ping\n\ndata: {"event":"message","answer":"你"}\n\ndata: {"event":"message_end"}\n\n';
    for (let size = 1; size < wire.length; size++) {
      const parser = new EventParser();
      const texts: string[] = [];
      for (let at = 0; at < wire.length; at += size) texts.push(...parser.push(wire.slice(at, at + size)));
      texts.push(...parser.end());
      expect(texts.map((text) => JSON.parse(text).event)).toEqual(["message", "message_end"]);
    }
  });

  it("grows the answer and ends it", () => {
    const turn = run(message("Hel"), message("lo"), message(""), {
      event: "message_end",
      message_id: "m1",
      metadata: { retriever_resources: [{ position: 1, document_name: "A.pdf", content: "x", score: 0.5, page: 2 }] },
      files: null,
    });
    expect(turn).toMatchObject({ key: "t1", id: "m1", taskId: "k1", answer: "Hello", state: "done" });
    expect(turn.sources).toEqual([{ position: 1, document: "A.pdf", knowledge: "", content: "x", score: 0.5, page: 3 }]);
    expect(afterClose(turn).state).toBe("done");
  });

  it("keeps what an agent did, live and stored", () => {
    const round = {
      event: "agent_thought",
      message_id: "m1",
      id: "a",
      position: 1,
      thought: "",
      tool: "clock",
      tool_labels: {},
      tool_input: '{"clock":{}}',
      observation: "",
    };
    const turn = run(round, { ...round, observation: '{"clock":"noon"}' }, { event: "agent_message", message_id: "m1", answer: "It is noon." });
    expect(turn.answer).toBe("It is noon.");
    expect(turn.thoughts.map((each) => each.calls[0]?.output)).toEqual(["noon"]);
    const [stored] = turnsFrom([{ id: "m1", query: "?", answer: "It is noon.", created_at: 1, agent_thoughts: [{ ...round, observation: "noon" }] }], 100);
    expect(stored?.thoughts).toHaveLength(1);
  });

  it("takes both orders of the end of a chatflow", () => {
    const end: StreamEvent = { event: "message_end", metadata: {} };
    const finished: StreamEvent = { event: "workflow_finished", data: { status: "succeeded" } };
    expect(run(message("a"), end, finished).state).toBe("done");
    expect(run(message("a"), finished, end).state).toBe("done");
    const stopped: StreamEvent = { event: "workflow_finished", data: { status: "stopped" } };
    expect(run(message("a"), stopped, end).state).toBe("stopped");
    expect(run(message("a"), end, stopped).state).toBe("stopped");
  });

  it("keeps the text of a failure and names it", () => {
    const turn = run(
      message("par"),
      { event: "workflow_finished", data: { status: "failed", error: "boom" } },
      { event: "error", code: "invalid_param", message: "Run failed: boom", status: 400 },
    );
    expect(turn).toMatchObject({ answer: "par", state: "failed", failure: { code: "invalid_param", message: "Run failed: boom" } });
  });

  it("is lost when it closes without an end", () => {
    expect(afterClose(run(message("par"))).state).toBe("lost");
    expect(afterClose(start).state).toBe("lost");
  });

  it("waits for a form and goes on after it was answered", () => {
    const asked = (node: string): StreamEvent => ({ event: "human_input_required", data: { node_id: node, node_title: "Approve", form_token: `t-${node}` } });
    const paused: StreamEvent = { event: "workflow_paused", workflow_run_id: "r1", data: {} };
    const waiting = run(message("Half "), asked("n1"), asked("n2"), paused);
    expect(waiting).toMatchObject({ state: "paused", runId: "r1" });
    expect(waiting.asks.map((ask) => ask.token)).toEqual(["t-n1", "t-n2"]);
    expect(afterClose(waiting).state).toBe("paused");
    // What a snapshot tells again changes nothing.
    expect(afterEvent(waiting, { event: "workflow_started", data: { reason: "initial" } }).state).toBe("paused");
    const going = [
      { event: "workflow_started", data: { reason: "resumption" } },
      { event: "human_input_form_filled", data: { node_id: "n1" } },
    ].reduce(afterEvent, waiting);
    expect(going).toMatchObject({ state: "streaming", asks: [{ node: "n2" }] });
    const end = [message("done"), { event: "workflow_finished", data: { status: "succeeded" } }, { event: "message_end", metadata: {} }].reduce(
      afterEvent,
      going,
    );
    expect(end).toMatchObject({ answer: "Half done", state: "done", asks: [] });
    expect(run(asked("n1"), paused, { event: "human_input_form_timeout", data: { node_id: "n1" } })).toMatchObject({ state: "waiting", asks: [] });
  });

  it("knows a waiting run among stored messages", () => {
    const [turn] = turnsFrom([{ id: "m1", query: "Hi", answer: "", status: "paused", workflow_run_id: "r1", created_at: 1 }], 2);
    expect(turn).toMatchObject({ state: "paused", runId: "r1" });
  });

  it("replaces text, collects nodes and files", () => {
    const turn = run(
      { event: "node_started", data: { id: "e1", title: "LLM" } },
      message("bad"),
      { event: "message_replace", answer: "good" },
      { event: "node_finished", data: { id: "e1", title: "LLM", status: "succeeded", elapsed_time: 1.5 } },
      { event: "message_file", belongs_to: "assistant", type: "image", url: "https://a.b/c.png", id: "f1" },
      { event: "message_file", belongs_to: "user", type: "image", url: "https://a.b/d.png", id: "f2" },
    );
    expect(turn.answer).toBe("good");
    expect(turn.steps).toEqual([{ id: "e1", title: "LLM", status: "succeeded", seconds: 1.5 }]);
    expect(turn.answerFiles.map((file) => file.name)).toEqual(["c.png"]);
  });
});

const NIL = "00000000-0000-0000-0000-000000000000";
const stored = (id: string, parent: string | null, more: object = {}): object => ({
  id,
  parent_message_id: parent,
  query: `q${id}`,
  answer: `a${id}`,
  created_at: 50,
  status: "normal",
  ...more,
});
const path = (turns: readonly Turn[], chosen = {}): string[] =>
  visible(turns, chosen).map(({ turn, index, versions }) => `${turn.key} ${index}/${versions.length}`);

describe("stored messages", () => {
  it("follow one another where they name no parent", () =>
    expect(path(turnsFrom([stored("1", NIL), stored("2", NIL), stored("3", "2")], 100))).toEqual(["1 1/1", "2 1/1", "3 1/1"]));

  it("show the newest version, or the chosen one with what follows it", () => {
    const turns = turnsFrom([stored("1", null), stored("2", "1"), stored("3", "2"), stored("2b", "1")], 100);
    expect(path(turns)).toEqual(["1 1/1", "2b 2/2"]);
    expect(path(turns, { 1: "2" })).toEqual(["1 1/1", "2 1/2", "3 1/1"]);
    expect(choiceKey(turns, turns[3] ?? start)).toBe("1");
  });

  it("have versions of the first question too", () => expect(path(turnsFrom([stored("1", null), stored("1b", null)], 100))).toEqual(["1b 2/2"]));

  it("have versions of the first question where the nil id stands for no parent", () =>
    expect(path(turnsFrom([stored("1", NIL), stored("1b", NIL, { query: "q1" }), stored("2", "1b")], 100))).toEqual(["1b 2/2", "2 1/1"]));

  it("whose parent is on an older page begin the path", () => expect(path(turnsFrom([stored("9", "8"), stored("10", "9")], 100))).toEqual(["9 1/1", "10 1/1"]));

  it("never loop", () => expect(visible(turnsFrom([stored("1", "2"), stored("2", "1")], 100), {})).toEqual([]));

  it("tell their state", () => {
    const turns = turnsFrom(
      [
        stored("1", null, { status: "error", error: "no key" }),
        stored("2", "1", { answer: "", created_at: 99 }),
        stored("3", "2", { answer: "", created_at: -5000 }),
        stored("4", "3", { feedback: { rating: "like" } }),
      ],
      100,
    );
    expect(turns.map((turn) => turn.state)).toEqual(["failed", "lost", "done", "done"]);
    expect(turns[0]?.failure).toEqual({ code: "stored", message: "no key" });
    expect(turns[3]?.rating).toBe("like");
  });

  it("join an older page without doubles", () => {
    const known = turnsFrom([stored("2", null), stored("3", "2")], 100);
    expect(withOlder(turnsFrom([stored("1", null), stored("2", "1")], 100), known).map((turn) => turn.key)).toEqual(["1", "2", "3"]);
  });
});

describe("the parent of the next message", () => {
  it("is the nearest one that the server knows", () => {
    const first: Turn = { ...newTurn("a", null, "1", [], 0), id: "id-a" };
    const failed = newTurn("b", "a", "2", [], 0);
    const turns = [first, failed, newTurn("c", "b", "3", [], 0)];
    expect(serverParent(turns, "c")).toBe("id-a");
    expect(serverParent(turns, null)).toBeNull();
    expect(serverParent([failed], "b")).toBeNull();
  });
});

describe("sentences", () => {
  it.each([
    ["One. Two", 4],
    ["One. Two. ", 9],
    ["3.14 is", 0],
    ["你好。再见", 3],
    ["“Yes.” No", 6],
    ["line\nnext", 5],
    ["", 0],
  ])("%j ends at %i", (text, end) => expect(sentenceEnd(text)).toBe(end));
});
