import { describe, expect, it } from "vitest";
import type { Attachment } from "../../lib/files";
import {
  filesOf,
  missingInput,
  newField,
  readConfig,
  sameConfig,
  sameTool,
  shownInput,
  unknownVariables,
  unsentFiles,
  variablesIn,
  wireInputs,
  writeConfig,
} from "./model";

const stored = {
  pre_prompt: "Answer as {{role}} in {{ tone }}.",
  prompt_type: "simple",
  user_input_form: [
    { "text-input": { label: "Role", variable: "role", required: true, max_length: 48, default: "clerk", hint: "kept" } },
    { select: { label: "Tone", variable: "tone", required: false, options: ["calm", "brisk"], default: "calm" } },
    { number: { label: "Age", variable: "age", required: false } },
  ],
  opening_statement: "Hello",
  suggested_questions: ["What can you do?"],
  suggested_questions_after_answer: { enabled: true },
  agent_mode: { enabled: false, tools: [] },
  model: { provider: "langgenius/openai/openai", name: "gpt-4o", mode: "chat", completion_params: { temperature: 0.7 } },
};

describe("configuration", () => {
  it("is written back as it was read, unknown keys included", () => {
    expect(writeConfig(readConfig(stored))).toEqual(stored);
  });

  it("keeps what a kind of field says that is not made here", () => {
    const user_input_form = [
      { file: { label: "Doc", variable: "doc", required: true, allowed_file_types: ["document"], default: { transfer_method: "remote_url" } } },
      { json_object: { label: "Data", variable: "data", required: false, max_length: 9, default: "" } },
    ];
    expect(writeConfig(readConfig({ ...stored, user_input_form }))).toMatchObject({ user_input_form });
  });

  it("reads what is missing as empty", () => {
    const config = readConfig(null);
    expect(config).toMatchObject({ prompt: "", fields: [], opening: "", questions: [], followUp: false, model: undefined });
  });

  it("knows when nothing changed", () => {
    const config = readConfig(stored);
    expect(sameConfig(config, readConfig(structuredClone(stored)))).toBe(true);
    expect(sameConfig(config, { ...config, opening: "Hi" })).toBe(false);
  });

  it("finds variables and the ones without a field", () => {
    expect(variablesIn("{{a}} {{ b_1 }} {{a}} {{1x}} {{#context#}} {{ä}}")).toEqual(["a", "b_1"]);
    const config = { ...readConfig(stored), prompt: "{{role}} {{city}}" };
    expect(unknownVariables(config)).toEqual(["city"]);
  });
});

describe("inputs", () => {
  const { fields } = readConfig(stored);
  it("are sent with their types, empty optional ones left out", () => {
    expect(wireInputs(fields, { role: "judge", age: "7" })).toEqual({ role: "judge", tone: "calm", age: 7 });
    expect(wireInputs(fields, { role: "judge", tone: "" })).toEqual({ role: "judge" });
  });
  it("name the first required one that is missing", () => {
    expect(missingInput(fields, { role: " " })?.variable).toBe("role");
    expect(missingInput([newField("x")], { x: "y" })).toBeUndefined();
  });
});

describe("inputs that are files", () => {
  const link = { type: "image", transfer_method: "remote_url", url: "https://example.com/start.png" };
  const { fields } = readConfig({
    user_input_form: [
      { file: { label: "Doc", variable: "doc", required: true, allowed_file_types: ["document"] } },
      { "file-list": { label: "Pictures", variable: "pictures", required: false, max_length: 2, default: [link] } },
      { json_object: { label: "Data", variable: "data" } },
    ],
  });
  const doc: Attachment = { key: "k", name: "a.pdf", kind: "document", size: 3, progress: 1, failed: null, uploadId: "u1", url: null, remote: false };

  it("go in the names of the server: one alone, several as a list, those the field begins with where none is chosen", () => {
    const mapping = { type: "document", transfer_method: "local_file", upload_file_id: "u1" };
    expect(wireInputs(fields, { doc: [doc], data: '{"a": 1}' })).toEqual({ doc: mapping, pictures: [link], data: { a: 1 } });
    expect(wireInputs(fields, { doc: [doc], pictures: [], data: "{" })).toEqual({ doc: mapping, data: "{" });
    expect(fields.map((field) => shownInput(field, { doc: [doc] }))).toEqual(["a.pdf", "start.png", ""]);
  });

  it("are missing, on their way, or not taken", () => {
    expect(missingInput(fields, {})?.variable).toBe("doc");
    expect(missingInput(fields, { doc: [doc] })).toBeUndefined();
    expect(unsentFiles(fields, { doc: [doc] })).toBeUndefined();
    expect(unsentFiles(fields, { doc: [{ ...doc, progress: 0.5 }] })).toBe("form.fileBusy");
    expect(unsentFiles(fields, { doc: [{ ...doc, failed: "no" }] })).toBe("form.fileFailed");
    expect(fields.flatMap((field) => filesOf({ ...field, type: "paragraph" }, { doc: [doc] }))).toEqual([]);
  });
});

describe("knowledge", () => {
  const stored = {
    dataset_configs: {
      retrieval_model: "multiple",
      top_k: 3,
      reranking_enable: true,
      datasets: { datasets: [{ dataset: { enabled: true, id: "a" } }, { dataset: { enabled: false, id: "b" } }] },
    },
    dataset_query_variable: "q",
  };

  it("keeps what it does not know and writes the list", () => {
    const config = readConfig(stored);
    expect(config.knowledge.ids).toEqual(["a"]);
    expect(writeConfig({ ...config, knowledge: { ...config.knowledge, ids: ["a", "c"] } })).toMatchObject({
      dataset_configs: {
        top_k: 3,
        reranking_enable: true,
        datasets: { datasets: [{ dataset: { enabled: true, id: "a" } }, { dataset: { enabled: true, id: "c" } }, { dataset: { enabled: false, id: "b" } }] },
      },
      dataset_query_variable: "q",
    });
  });

  it("says nothing where there was nothing", () => expect(writeConfig(readConfig({}))).not.toHaveProperty("dataset_configs"));
});

describe("an agent", () => {
  const stored = {
    model: { provider: "p", name: "m", mode: "chat", completion_params: {} },
    agent_mode: {
      enabled: true,
      max_iteration: 4,
      strategy: "function_call",
      prompt: null,
      tools: [
        {
          provider_id: "time",
          provider_type: "builtin",
          provider_name: "time",
          tool_name: "current_time",
          tool_label: "Current time",
          tool_parameters: { timezone: "UTC" },
          enabled: true,
          notAuthor: false,
        },
        { dataset: { enabled: true, id: "d1" } },
      ],
    },
  };
  it("keeps its tools, its rounds and what older files say", () => {
    const config = readConfig(stored, "agent-chat");
    expect(config.agent?.tools.map((tool) => [tool.kind, tool.provider, tool.name, tool.enabled])).toEqual([["builtin", "time", "current_time", true]]);
    expect(config.agent?.rounds).toBe(4);
    expect(writeConfig(config).agent_mode).toMatchObject({
      enabled: true,
      max_iteration: 4,
      tools: [{ tool_name: "current_time", tool_parameters: { timezone: "UTC" }, credential_id: null, notAuthor: false }, { dataset: { id: "d1" } }],
    });
  });
  it("is nothing of other apps", () => {
    const config = readConfig(stored, "chat");
    expect(config.agent).toBeUndefined();
    expect(writeConfig(config).agent_mode).toEqual(stored.agent_mode);
    expect(writeConfig(readConfig({}, "agent-chat")).agent_mode).toMatchObject({ enabled: true, max_iteration: 10, tools: [], strategy: "function_call" });
  });
  it("knows a tool under both names of its provider", () => {
    const tool = { kind: "builtin", name: "current_time", provider: "langgenius/time/time" };
    expect(sameTool(tool, { ...tool, provider: "time" })).toBe(true);
    expect(sameTool({ ...tool, kind: "api" }, { ...tool, kind: "api", provider: "time" })).toBe(false);
  });
});
