import { describe, expect, it } from "vitest";
import { endpointsOf, example, python } from "./endpoints";
import { inputsOfForm, inputsOfGraph } from "./inputs";

const inputs = inputsOfGraph({
  nodes: [
    { data: { type: "llm" } },
    {
      data: {
        type: "start",
        variables: [
          { variable: "topic", label: "It's a topic", type: "text-input", required: true },
          { variable: "n", type: "number" },
          { variable: "ok", type: "checkbox" },
          { variable: "tone", type: "select", options: ["calm"] },
        ],
      },
    },
  ],
});

describe("inputs", () => {
  it("come from the start node", () =>
    expect(inputs.map((i) => [i.name, i.type, i.required])).toEqual([
      ["topic", "text-input", true],
      ["n", "number", false],
      ["ok", "checkbox", false],
      ["tone", "select", false],
    ]));
  it("come from the form of a basic app", () =>
    expect(inputsOfForm({ user_input_form: [{ paragraph: { variable: "q", label: "Question", required: true } }] })).toEqual([
      { name: "q", type: "paragraph", label: "Question", required: true, options: [] },
    ]));
  it("are none without a graph", () => expect(inputsOfGraph(undefined)).toEqual([]));
});

describe("examples", () => {
  const [run] = endpointsOf("workflow", inputs, "streaming");
  it("hold the app's real inputs", () => expect(run?.body?.inputs).toEqual({ topic: "It's a topic", n: 42, ok: true, tone: "calm" }));
  it("survive a shell", () => {
    const text = run ? example(run, "http://h/v1/", "app-x", "curl") : "";
    expect(text).toContain("'http://h/v1/workflows/run'");
    expect(text).toContain("It'\\''s a topic");
    expect(text.startsWith("curl -N -X POST")).toBe(true);
  });
  it("are Python where it differs from JSON", () => expect(python({ a: true, b: null, c: [] })).toBe('{\n    "a": True,\n    "b": None,\n    "c": [],\n}'));
  it.each(["workflow", "completion", "chat", "advanced-chat"] as const)("of %s have their own first call", (mode) => {
    const first = { workflow: "/workflows/run", completion: "/completion-messages", chat: "/chat-messages", "advanced-chat": "/chat-messages" }[mode];
    expect(endpointsOf(mode, [], "blocking")[0]).toMatchObject({ path: first, body: { response_mode: "blocking", inputs: {} } });
  });
});
