import { describe, expect, it } from "vitest";
import type { SourcePlugin } from "../../data/pipelines";
import { keptInputs, keyOf, nameOfKind, parametersOf, sourceData, sourceKinds } from "../editors/sourceKinds";
import { edge, graph, node } from "../model/fixtures";
import { findProblems } from "../model/problems";
import { starter } from "../store/starter";
import { draftBody } from "../store/autosave";
import { kindOf, kindsFor, rulesFor } from "./registry";

const codes = (document: ReturnType<typeof graph>) => findProblems(document, "rag-pipeline", rulesFor("rag-pipeline")).map((p) => `${p.node ?? "-"}:${p.code}`);

const file = { provider_type: "local_file", provider_name: "file", datasource_name: "upload-file", fileExtensions: ["txt"] };
const chunker = { tool_name: "general_chunker", provider_id: "langgenius/general_chunker/general_chunker", tool_parameters: { input_variable: { type: "variable", value: ["x", "text"] }, max: { type: "variable", value: ["rag", "shared", "max"] } } };
const base = { chunk_structure: "text_model", index_chunk_variable_selector: ["c", "result"], indexing_technique: "economy" };
const shared = { belong_to_node_id: "shared", variable: "max", type: "number" };

const whole = (more: { file?: object; base?: object; inputs?: unknown[]; extra?: unknown[]; edges?: unknown[] } = {}) =>
  graph(
    [node("d", "datasource", { ...file, ...more.file }), node("x", "document-extractor", { variable_selector: ["d", "file"] }), node("c", "tool", chunker), node("k", "knowledge-index", { ...base, ...more.base }), ...(more.extra ?? [])],
    more.edges ?? [edge("d", "x"), edge("x", "c"), edge("c", "k")],
    { rag_pipeline_variables: more.inputs ?? [shared] },
  );

describe("problems of a pipeline", () => {
  it("a whole one has none", () => {
    expect(codes(whole())).toEqual([]);
  });

  it("a new one says what is missing, and its draft carries no features", () => {
    const document = starter("rag-pipeline", (kind) => kind, undefined);
    expect(codes(document).map((c) => c.split(":")[1]).sort()).toEqual(["leadsNowhere", "noChunks", "notConnected"]);
    const body = draftBody(document, "rag-pipeline", { x: 0, y: 0, zoom: 1 });
    expect(body).toMatchObject({ rag_pipeline_variables: [], environment_variables: [] });
    expect(body).not.toHaveProperty("features");
    expect(body).not.toHaveProperty("conversation_variables");
    const withModel = starter("rag-pipeline", (kind) => kind, { provider: "p", name: "embed", mode: "chat" });
    expect([...withModel.nodes.values()].find((n) => n.data.type === "knowledge-index")?.data).toMatchObject({ indexing_technique: "high_quality", embedding_model: "embed" });
  });

  it.each([
    [{ edges: [edge("x", "c"), edge("c", "k")] }, "d:leadsNowhere"],
    [{ edges: [edge("d", "x"), edge("x", "c")] }, "k:notConnected"],
    [{ extra: [node("k2", "knowledge-index", base)], edges: [edge("d", "x"), edge("x", "c"), edge("c", "k"), edge("c", "k2")] }, "-:oneKnowledgeBase"],
    [{ inputs: [] }, "c:variableGone"],
    [{ inputs: [shared, { belong_to_node_id: "d", variable: "max" }] }, "-:sameName"],
    [{ inputs: [shared, { belong_to_node_id: "d", variable: "1" }] }, "d:badName"],
    [{ file: { datasource_name: "" } }, "d:noSource"],
    [{ file: { provider_type: "online_dream" } }, "d:sourceUnknown"],
    [{ file: { fileExtensions: [] } }, "d:noExtensions"],
    [{ file: { provider_type: "website_crawl", datasource_parameters: { url: { type: "mixed", value: "" } } } }, "d:noToolInput"],
    [{ base: { chunk_structure: "" } }, "k:noStructure"],
    [{ base: { index_chunk_variable_selector: [] } }, "k:noChunks"],
    [{ base: { indexing_technique: "" } }, "k:noTechnique"],
    [{ base: { chunk_structure: "qa_model" } }, "k:needsVectors"],
    [{ base: { indexing_technique: "high_quality" } }, "k:noEmbedding"],
    [{ base: { retrieval_model: { reranking_enable: true, reranking_mode: "reranking_model" } } }, "k:noRerankModel"],
  ])("%j: %s", (change, code) => {
    expect(codes(whole(change))).toContain(code);
  });

  it("nothing at all: no source and no knowledge base", () => {
    expect(codes(graph([]))).toEqual(["-:noDatasource", "-:noKnowledgeBase"]);
  });

  it("the default embedding model will do", () => {
    const [problem] = findProblems(whole({ base: { indexing_technique: "high_quality" } }), "rag-pipeline", rulesFor("rag-pipeline"));
    expect(problem).toMatchObject({ code: "noEmbedding", warning: true });
  });
});

describe("kinds of a pipeline", () => {
  it("are those of workflows but for what begins, ends or asks, and two of their own", () => {
    const types = kindsFor("rag-pipeline").map((k) => k.type);
    expect(types).toEqual(expect.arrayContaining(["datasource", "knowledge-index", "tool", "llm", "iteration", "if-else"]));
    for (const type of ["start", "end", "answer", "human-input", "trigger-schedule", "trigger-webhook"]) expect(types).not.toContain(type);
    expect(kindsFor("workflow").map((k) => k.type)).not.toContain("datasource");
  });

  it.each([
    ["local_file", ["file", "datasource_type"]],
    ["website_crawl", ["source_url", "content", "title", "description", "datasource_type"]],
    ["online_document", ["workspace_id", "page_id", "content", "datasource_type"]],
  ])("a source of %s gives %j", (provider_type, names) => {
    expect(kindOf("datasource").outputs({ type: "datasource", title: "", provider_type }, "rag-pipeline").map((o) => o.name)).toEqual(names);
  });

  it("a chunker gives chunks whatever its file says", () => {
    const names = (data: Record<string, unknown>) => kindOf("tool").outputs({ type: "tool", title: "", ...data }, "rag-pipeline").map((o) => `${o.name}:${o.type}`);
    expect(names({ tool_name: "parentchild_chunker" })).toContain("result:object");
    expect(names({ tool_name: "general_chunker", output_schema: { properties: { result: { type: "array", items: { type: "string" } } } } }).filter((n) => n.startsWith("result"))).toEqual(["result:array[string]"]);
    expect(names({ tool_name: "search" })).not.toContain("result:object");
  });
});

describe("data sources of the workspace", () => {
  const plugin: SourcePlugin = {
    id: "1",
    provider: "firecrawl",
    plugin_id: "langgenius/firecrawl_datasource",
    plugin_unique_identifier: "u",
    is_authorized: true,
    declaration: {
      identity: { author: "a", name: "firecrawl", label: { en_US: "Firecrawl", zh_Hans: "火爬" } },
      provider_type: "website_crawl",
      datasources: [
        {
          identity: { name: "crawl", label: { en_US: "Crawl" } },
          parameters: [
            { name: "url", type: "string", required: true },
            { name: "limit", type: "number", required: false, default: 10 },
            { name: "excludes", type: "string", required: false },
          ],
        },
      ],
    },
  };
  const [kind] = sourceKinds([plugin]);
  if (!kind) throw new Error("no kind");

  it("are named and keyed, and set up a node that asks for what is required", () => {
    expect(kind.key).toBe(keyOf("langgenius/firecrawl_datasource", "firecrawl", "crawl"));
    expect(nameOfKind(kind, "zh-Hans")).toBe("火爬");
    const data = sourceData(kind, "en");
    expect(data).toMatchObject({ provider_type: "website_crawl", datasource_name: "crawl", datasource_label: "Crawl", fileExtensions: [] });
    expect(data.datasource_parameters).toEqual({ url: { type: "mixed", value: "" }, limit: { type: "constant", value: 10 } });
    expect(kindOf("datasource").check({ type: "datasource", title: "", ...data }, { variables: [], mode: "rag-pipeline" })).toEqual([{ code: "noToolInput", values: { name: "url" } }]);
  });

  it("keep what is required even when it is empty, and nothing else that is", () => {
    const inputs = { url: { type: "mixed", value: "" }, limit: { type: "constant", value: undefined }, excludes: { type: "mixed", value: "blog/*" } };
    expect(Object.keys(keptInputs(inputs, parametersOf(kind)))).toEqual(["url", "excludes"]);
  });
});
