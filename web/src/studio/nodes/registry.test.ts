import { describe, expect, it } from "vitest";
import en from "../../locales/en/studio.json";
import zh from "../../locales/zh-Hans/studio.json";
import { graph, node, edge } from "../model/fixtures";
import { findProblems } from "../model/problems";
import { starter } from "../store/starter";
import type { Kind } from "./kind";
import { kindOf, kindsFor, portsOf, rulesFor } from "./registry";
import { inputOf } from "./tool";
import { to12, to24 } from "./trigger-schedule";

const names: Record<string, { name?: string; about?: string }> = en.kinds;
const zhNames: Record<string, { name?: string; about?: string }> = zh.kinds;
const context = { mode: "workflow" as const, model: { provider: "oxidify/scripted", name: "echo", mode: "chat" } };
const addable = [...new Set([...kindsFor("workflow"), ...kindsFor("advanced-chat"), ...kindsFor("rag-pipeline")])].map((kind): [string, Kind] => [kind.type, kind]);

describe("every kind of the palette", () => {
  it.each(addable)("%s has a name, defaults that read, ports and outputs", (type, kind) => {
    expect(names[type]?.name && names[type]?.about).toBeTruthy();
    expect(zhNames[type]?.name && zhNames[type]?.about).toBeTruthy();
    const data = { ...kind.defaults(context), type, title: "T" };
    expect(kind.rules(data).outputs).toEqual(kind.ports(data).map((p) => p.id));
    for (const output of kind.outputs(data, "workflow")) expect(output.name).toBeTruthy();
    expect(Array.isArray(kind.check(data, { variables: [], mode: "workflow" }))).toBe(true);
    expect(kind.supported).toBe(true);
  });

  it.each(addable)("%s survives data of any shape", (type, kind) => {
    for (const wrong of [{}, { variables: 3, cases: "x", outputs: null, model: [], prompt_template: 1, body: "{}", authorization: null }]) {
      const data = { ...wrong, type, title: "T" };
      expect(() => [kind.rules(data), kind.outputs(data, "workflow"), kind.check(data, { variables: [], mode: "workflow" })]).not.toThrow();
    }
  });
});

it("a node that goes on after an error says why", () => {
  const outputs = (strategy?: string) => kindOf("http-request").outputs({ type: "http-request", title: "", error_strategy: strategy }, "workflow").map((o) => o.name);
  expect(outputs("fail-branch")).toEqual(["body", "status_code", "headers", "files", "error_message", "error_type"]);
  expect(outputs()).not.toContain("error_message");
});

describe("kinds that cannot run here", () => {
  it.each(["datasource", "knowledge-index", "something-new"])("%s draws and says so", (type) => {
    const codes = kindOf(type).check({ type, title: "T" }, { variables: [], mode: "workflow" }).map((p) => p.code);
    expect(codes).toEqual(["cannotRun"]);
    expect(kindsFor("workflow").some((k) => k.type === type)).toBe(false);
  });

  it("a plugin's trigger says what it needs", () => {
    const codes = (data: Record<string, unknown>) => kindOf("trigger-plugin").check({ type: "trigger-plugin", title: "T", ...data }, { variables: [], mode: "workflow" }).map((p) => p.code);
    expect(codes({})).toEqual(["noEvent", "noSubscription", "needsPlugin"]);
    expect(codes({ event_name: "push", subscription_id: "s", plugin_id: "acme/git" })).toEqual(["needsPlugin"]);
    const data = { type: "trigger-plugin", title: "T", output_schema: { properties: { branch: { type: "string" }, count: { type: "integer" } } } };
    expect(kindOf("trigger-plugin").outputs(data, "workflow").map((o) => [o.name, o.type])).toEqual([["branch", "string"], ["count", "number"]]);
  });

  it("the old name of the aggregator is the aggregator", () => {
    expect(kindOf("variable-assigner").type).toBe("variable-aggregator");
  });

  it("keep the ports their files use", () => {
    const ports = (data: Record<string, unknown>) => portsOf(graph([node("n", String(data.type), data)]).nodes.get("n") ?? never()).outputs;
    expect(ports({ type: "question-classifier", classes: [{ id: "1" }, { id: "2" }] })).toEqual(["1", "2"]);
    expect(ports({ type: "human-input", user_actions: [{ id: "ok" }] })).toEqual(["ok", "__timeout__"]);
    expect(ports({ type: "if-else", cases: [{ case_id: "true", conditions: [] }] })).toEqual(["true", "false"]);
    expect(ports({ type: "loop-end" })).toEqual([]);
  });
});

it.each([
  ["12:00 AM", "00:00"],
  ["12:30 PM", "12:30"],
  ["01:05 PM", "13:05"],
  ["9:00 am", "09:00"],
  ["14:20", "14:20"],
])("the time %s is %s", (stored, shown) => {
  expect(to24(stored)).toBe(shown);
  expect(to24(to12(shown))).toBe(shown);
});

it("a tool's inputs read in old and new forms", () => {
  expect(inputOf({ a: "x" }, "a")).toEqual({ type: "constant", value: "x" });
  expect(inputOf({ a: { type: "variable", value: ["n", "v"] } }, "a")).toEqual({ type: "variable", value: ["n", "v"] });
  expect(inputOf({}, "a")).toBeUndefined();
});

function never(): never {
  throw new Error("missing");
}

describe("problems of real kinds", () => {
  const codes = (document: ReturnType<typeof graph>, mode: "workflow" | "advanced-chat" = "workflow") =>
    findProblems(document, mode, rulesFor(mode)).map((p) => `${p.node ?? "-"}:${p.code}`);

  it("a chat starts with nothing but the model to choose", () => {
    const titles = (kind: string) => kind;
    expect(codes(starter("advanced-chat", titles, context.model), "advanced-chat")).toEqual([]);
    expect(codes(starter("advanced-chat", titles, undefined), "advanced-chat").map((c) => c.split(":")[1])).toEqual(["noModel"]);
    expect(codes(starter("workflow", titles, undefined))).toEqual(["-:noOutput"]);
  });

  it.each([
    ["http-request", { url: "" }, "noUrl"],
    ["http-request", { url: "ftp://x" }, "badUrl"],
    ["http-request", { url: "https://x", authorization: { type: "api-key", config: { type: "bearer", api_key: " " } } }, "noKey"],
    ["http-request", { url: "https://x", body: { type: "binary", data: [{ type: "file", file: [] }] } }, "noBinary"],
    ["code", { code: "", outputs: { a: { type: "string" } } }, "noCode"],
    ["code", { code: "x", outputs: { a: { type: "string" } } }, "noMain"],
    ["code", { code: "main = 1", code_language: "ruby", outputs: { a: { type: "string" } } }, "badLanguage"],
    ["iteration", {}, "noList"],
    ["iteration", {}, "emptyFrame"],
    ["loop", { loop_count: 0 }, "badRounds"],
    ["loop", { loop_variables: [{ label: "a", value_type: "variable", value: [] }] }, "noValue"],
    ["loop", { break_conditions: [{ variable_selector: [], comparison_operator: "is" }] }, "incompleteStop"],
    ["assigner", { version: "2", items: [] }, "noAssignments"],
    ["assigner", { version: "2", items: [{ variable_selector: ["conversation", "a"], operation: "+=", input_type: "constant" }] }, "incompleteAssignment"],
    ["assigner", { assigned_variable_selector: ["conversation", "a"], write_mode: "append", input_variable_selector: [] }, "incompleteAssignment"],
    ["list-operator", { variable: [] }, "noList"],
    ["list-operator", { filter_by: { enabled: true, conditions: [{ key: "", comparison_operator: "contains", value: "" }] } }, "incompleteFilter"],
    ["question-classifier", { classes: [{ id: "1", name: "a" }] }, "tooFewClasses"],
    ["question-classifier", { classes: [{ id: "1", name: "a" }, { id: "2", name: " " }] }, "unnamedClass"],
    ["parameter-extractor", { parameters: [] }, "noParameters"],
    ["parameter-extractor", { parameters: [{ name: "__reason", type: "string", description: "x" }] }, "badName"],
    ["parameter-extractor", { parameters: [{ name: "a", type: "string" }] }, "noDescription"],
    ["document-extractor", {}, "noDocument"],
    ["knowledge-retrieval", { query_variable_selector: ["s", "topic"] }, "noKnowledge"],
    ["knowledge-retrieval", { multiple_retrieval_config: { reranking_enable: true, reranking_mode: "reranking_model" } }, "noRerankModel"],
    ["knowledge-retrieval", { metadata_filtering_mode: "manual", metadata_filtering_conditions: { conditions: [{ name: "a", comparison_operator: "is", value: "" }] } }, "incompleteFilter"],
    ["tool", {}, "noTool"],
    ["tool", { tool_name: "t", paramSchemas: [{ name: "q", type: "string", form: "llm", required: true }] }, "noToolInput"],
    ["agent", { agent_strategy_name: "ReAct", agent_parameters: {} }, "noModel"],
    ["human-input", { delivery_methods: [] }, "noDelivery"],
    ["human-input", { user_actions: [{ id: "1 x", title: "A" }] }, "badAction"],
    ["human-input", { delivery_methods: [{ id: "m", type: "email", enabled: true, config: { recipients: { items: [] }, subject: "s", body: "b" } }] }, "noMailLink"],
    ["human-input", { inputs: [{ type: "select", output_variable_name: "a" }] }, "noOptions"],
    ["trigger-webhook", { params: [{ name: "1a" }] }, "badName"],
    ["trigger-webhook", { status_code: 500 }, "badStatus"],
    ["trigger-schedule", { mode: "cron", cron_expression: "* *" }, "badCron"],
    ["trigger-schedule", { frequency: "weekly", visual_config: { weekdays: [] } }, "noWeekdays"],
    ["code", { code: "function main(){}", outputs: { "1a": { type: "string" } } }, "badName"],
    ["template-transform", { template: " " }, "noTemplate"],
    ["if-else", { cases: [{ case_id: "true", conditions: [] }] }, "noConditions"],
    ["if-else", { cases: [{ case_id: "true", conditions: [{ variable_selector: ["s", "topic"], comparison_operator: "is", value: "" }] }] }, "incompleteCondition"],
    ["variable-aggregator", { variables: [] }, "noVariables"],
    ["llm", { model: { provider: "p", name: "" }, prompt_template: [{ role: "user", text: "x" }] }, "noModel"],
    ["llm", { model: { provider: "p", name: "m" }, prompt_template: [{ role: "user", text: " " }] }, "noPrompt"],
    ["llm", { model: { provider: "p", name: "m" }, prompt_template: [{ role: "user", text: "x" }], vision: { enabled: true } }, "noVisionVariable"],
    ["llm", { model: { provider: "p", name: "m" }, prompt_template: [{ role: "user", text: "{{#context#}}" }] }, "contextMissing"],
    ["end", { outputs: [] }, "noOutputs"],
    ["end", { outputs: [{ variable: "a", value_selector: [] }] }, "noValue"],
  ])("%s %j: %s", (type, data, code) => {
    const document = graph([node("s", "start"), node("n", type, data)], [edge("s", "n")]);
    expect(codes(document)).toContain(`n:${code}`);
  });
});
