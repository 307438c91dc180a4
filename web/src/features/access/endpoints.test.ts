import { describe, expect, it } from "vitest";
import { endpointsOf, idsOf, mcpAddress, NOTHING_GIVEN, openaiBase, urlOf, withIds } from "./endpoints";
import { example, python } from "./examples";
import { inputsOfForm, inputsOfGraph, readInput } from "./inputs";

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
    const text = (run && example(run, "http://h/v1/", "app-x", "curl")) ?? "";
    expect(text).toContain("'http://h/v1/workflows/run'");
    expect(text).toContain("It'\\''s a topic");
    expect(text.startsWith("curl -N -X POST")).toBe(true);
  });
  it("are Python where it differs from JSON", () => expect(python({ a: true, b: null, c: [] })).toBe('{\n    "a": True,\n    "b": None,\n    "c": [],\n}'));
  it.each(["workflow", "completion", "chat", "advanced-chat"] as const)("of %s have their own first call", (mode) => {
    const first = { workflow: "/workflows/run", completion: "/completion-messages", chat: "/chat-messages", "advanced-chat": "/chat-messages" }[mode];
    expect(endpointsOf(mode, [], "blocking")[0]).toMatchObject({ path: first, body: { response_mode: "blocking", inputs: {} } });
  });

  const chat = endpointsOf("chat", [], "blocking", { ...NOTHING_GIVEN, query: "Why?", inputs: { name: "Nora" } });
  const of = (key: string) => {
    const found = chat.find((endpoint) => endpoint.key === key);
    if (!found) throw new Error(key);
    return found;
  };
  it("hold what was typed", () => expect(of("chat").body).toMatchObject({ query: "Why?", inputs: { name: "Nora" } }));
  it("are those of dify-client, where it has a call", () => {
    const text = example(of("chat"), "http://h/v1/", "app-x", "dify");
    expect(text).toContain('client = ChatClient("app-x")\nclient.base_url = "http://h/v1"\nresponse = client.create_chat_message(');
    expect(text).toContain('    query="Why?",\n    user="user-123",\n    response_mode="blocking",\n)');
    expect(chat.filter((endpoint) => example(endpoint, "http://h/v1", "k", "dify") === undefined).map((endpoint) => endpoint.key)).toEqual([
      "stop",
      "deleteConversation",
      "suggested",
      "info",
      "site",
    ]);
  });
  it("name the ids they need, and take them", () => {
    const messages = of("messages");
    expect(idsOf(messages)).toEqual(["CONVERSATION_ID"]);
    const filled = withIds(messages, { CONVERSATION_ID: " a b " });
    expect(idsOf(filled)).toEqual([]);
    expect(urlOf(filled, "http://h/v1/")).toBe("http://h/v1/messages?conversation_id=a+b&user=user-123");
    expect(withIds(of("rename"), { CONVERSATION_ID: "a/b" }).path).toBe("/conversations/a%2Fb/name");
    expect(example(withIds(of("rename"), { CONVERSATION_ID: "c1" }), "http://h/v1", "k", "dify")).toContain('conversation_id="c1"');
  });
});

it.each([
  ["number", "2.5", 2.5],
  ["number", "two", undefined],
  ["json_object", '{"a":1}', { a: 1 }],
  ["json_object", "{", undefined],
  ["file", "1", undefined],
  ["text-input", "1", "1"],
])("a value of %s typed as %s", (type, typed, read) => {
  expect(readInput({ name: "x", label: "x", type, required: true, options: [] }, typed)).toEqual(read);
});

it("other doors have addresses of their own", () => {
  expect(openaiBase("http://h/v1/", "a1")).toBe("http://h/v1/openai/a1");
  expect(mcpAddress("http://h/v1", "c1")).toBe("http://h/mcp/server/c1/mcp");
  expect(mcpAddress("http://h/base/v1/", "c1")).toBe("http://h/base/mcp/server/c1/mcp");
});

describe("openai", () => {
  const chat = endpointsOf("chat", [], "streaming", { ...NOTHING_GIVEN, query: "Why?" });
  const [first] = chat;
  if (!first) throw new Error("no endpoint");
  it("is a call that runs as it is", () => {
    const text = example(first, "http://h/v1", "app-x", "openai", "a1") ?? "";
    expect(text).toContain('base_url="http://h/v1/openai/a1",\n    api_key="app-x",');
    expect(text).toContain('"content": "Why?"');
    expect(text).toContain("stream=True");
  });
  it("names the inputs of a workflow", () => {
    const [run] = endpointsOf("workflow", inputs, "blocking");
    const text = (run && example(run, "http://h/v1", "app-x", "openai", "a1")) ?? "";
    expect(text).toContain('extra_body={\n        "inputs": {\n            "topic": "It\'s a topic",');
    expect(text).toContain("print(answer.choices[0].message.content)");
  });
  it("has nothing for other calls", () => expect(example(chat.at(-1) ?? first, "http://h/v1", "k", "openai", "a1")).toBeUndefined());
});
