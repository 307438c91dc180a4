import { describe, expect, it } from "vitest";
import { apply, invert } from "./changes";
import { copy, paste } from "./clipboard";
import { compare } from "./compare";
import type { StudioDocument } from "./document";
import { removeNodes } from "./edits";
import { edge, graph, node, outputsOf } from "./fixtures";
import { inputGroups, inputProblem, type InputField, inputSelector, movedField, newInputField, SHARED, withField } from "./inputs";
import { asTemplate, references, renameField, renameReferences, selectorsInText } from "./references";
import { available, flatten, nameAt, resolve } from "./variables";

const field = (belong_to_node_id: string, variable: string, more: Record<string, unknown> = {}) => ({ belong_to_node_id, variable, label: variable, type: "text-input", required: true, ...more });

const pipeline = graph(
  [
    node("1750", "datasource", { title: "File", provider_type: "local_file" }),
    node("web", "datasource", { title: "Web", datasource_parameters: { url: { type: "mixed", value: "{{#rag.web.url#}}" }, limit: { type: "variable", value: ["rag", "shared", "limit"] } } }),
    node("a", "code", { code: "{{#rag.1750.tone#}}" }),
    node("kb", "knowledge-index", { index_chunk_variable_selector: ["a", "result"] }),
  ],
  [edge("1750", "a"), edge("a", "kb"), edge("web", "kb")],
  { rag_pipeline_variables: [field("1750", "tone"), field("web", "url"), field("shared", "limit", { type: "number" }), field("shared", "doc", { type: "file" }), 3, field("gone", "x")] },
);
const isSource = (type: string) => type === "datasource";
const named = (document: StudioDocument, id: string) =>
  flatten(available(document, id, "rag-pipeline", outputsOf))
    .filter(({ group }) => group.scope === "rag")
    .map(({ variable }) => `${variable.selector.join(".")}:${variable.type}`);

describe("input fields of a pipeline", () => {
  it("are read with what is missing filled in, and what is no field left out", () => {
    expect(pipeline.inputs.map((f) => f.variable)).toEqual(["tone", "url", "limit", "doc", "x"]);
    expect(pipeline.inputs[0]).toMatchObject({ options: [], placeholder: "", allowed_file_types: [] });
    expect(graph([], [], { rag_pipeline_variables: [{ variable: "a", belong_to_node_id: null }] }).inputs[0]?.belong_to_node_id).toBe(SHARED);
  });

  it("stand under their data source, those of a lost one before the shared", () => {
    expect(inputGroups(pipeline, isSource).map(({ owner, fields }) => `${owner}:${fields.map((f) => f.variable).join()}`)).toEqual(["1750:tone", "web:url", "gone:x", "shared:limit,doc"]);
  });

  it.each([
    [{ variable: "1a" }, "badName"],
    [{ variable: "limit" }, "sameName"],
    [{ variable: "url", belong_to_node_id: "shared" }, "sameName"],
    [{ variable: "url", belong_to_node_id: "1750" }, undefined],
    [{ variable: "n", type: "select", options: ["", ""] }, "noOptions"],
    [{ variable: "n", type: "select", options: ["a"] }, undefined],
  ])("%j: %s", (patch, code) => {
    expect(inputProblem({ ...newInputField("1750", "n"), ...patch }, pipeline.inputs)?.code).toBe(code);
  });

  it("are added, changed and moved within their group", () => {
    const [tone, , limit, doc] = pipeline.inputs;
    const names = (list: readonly InputField[]) => list.map((f) => f.variable).join();
    if (!tone || !limit || !doc) throw new Error("fields are missing");
    expect(names(withField(pipeline.inputs, undefined, newInputField(SHARED, "new")))).toBe("tone,url,limit,doc,x,new");
    expect(names(withField(pipeline.inputs, tone, { ...tone, variable: "mood" }))).toBe("mood,url,limit,doc,x");
    expect(names(movedField(pipeline.inputs, doc, -1))).toBe("tone,url,doc,limit,x");
    expect(names(movedField(pipeline.inputs, tone, 1))).toBe("tone,url,limit,doc,x");
    expect(inputSelector(limit)).toEqual(["rag", "shared", "limit"]);
  });
});

describe("variables of a pipeline", () => {
  it("are offered to what comes after their source, with the shared ones", () => {
    expect(named(pipeline, "a").filter((v) => v.split(".").length === 3)).toEqual(["rag.1750.tone:string", "rag.shared.limit:number", "rag.shared.doc:file"]);
    expect(named(pipeline, "kb")).toEqual(expect.arrayContaining(["rag.1750.tone:string", "rag.web.url:string"]));
    expect(named(pipeline, "web")).not.toContain("rag.1750.tone:string");
    expect(named(pipeline, "web")).toContain("rag.web.url:string");
  });

  it("resolve by owner and name, and into files", () => {
    const groups = available(pipeline, "a", "rag-pipeline", outputsOf);
    expect(resolve(groups, ["rag", "1750", "tone"])?.type).toBe("string");
    expect(resolve(groups, ["rag", "shared", "doc", "name"])?.type).toBe("string");
    expect(resolve(groups, ["rag", "web", "url"])).toBeUndefined();
    expect(resolve(groups, ["rag", "shared"])).toBeUndefined();
    expect(resolve(groups, ["sys", "dataset_id"])?.type).toBe("string");
    expect(nameAt(["rag", "shared", "limit"])).toBe(2);
    expect(nameAt(["a", "result"])).toBe(1);
  });

  it("are found in settings and in texts, also where the owner is a number", () => {
    const web = pipeline.nodes.get("web");
    expect(web ? references(web.data) : []).toEqual([["rag", "web", "url"], ["rag", "shared", "limit"]]);
    expect(selectorsInText("{{#rag.1750.tone#}} {{#1750.file#}} {{#rag.shared.limit#}}")).toEqual([["rag", "1750", "tone"], ["1750", "file"], ["rag", "shared", "limit"]]);
  });

  it("follow a new name of the field and a new id of the node", () => {
    const web = pipeline.nodes.get("web");
    if (!web) throw new Error("missing");
    const text = (data: unknown) => JSON.stringify(data);
    expect(text(renameField(web.data, "rag.web", "url", "address"))).toContain(asTemplate(["rag", "web", "address"]));
    expect(text(renameField(web.data, "rag.shared", "url", "address"))).toContain("rag.web.url");
    expect(text(renameReferences(web.data, new Map([["web", "w2"], ["rag", "no"]])))).toContain("rag.w2.url");
  });
});

describe("fields and their data source", () => {
  it("go together, and come back together", () => {
    const changes = removeNodes(pipeline, ["1750"]);
    const after = apply(pipeline, changes);
    expect(after.inputs.map((f) => f.variable)).toEqual(["url", "limit", "doc", "x"]);
    expect(apply(after, invert(changes)).inputs).toEqual(pipeline.inputs);
    expect(compare(pipeline, after).find((row) => row.what === "inputs")?.fields).toEqual(["tone"]);
  });

  it("are copied together", () => {
    const pasted = paste(pipeline, copy(pipeline, ["web"]) ?? "", undefined, () => false);
    const after = apply(pipeline, pasted?.changes ?? []);
    const id = pasted?.ids[0] ?? "";
    expect(after.inputs.filter((f) => f.belong_to_node_id === id).map((f) => f.variable)).toEqual(["url"]);
    expect(JSON.stringify(after.nodes.get(id)?.data)).toContain(`rag.${id}.url`);
  });
});
