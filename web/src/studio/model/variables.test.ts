import { describe, expect, it } from "vitest";
import { isComplete, operatorsFor } from "./conditions";
import { edge, graph, node, outputsOf, portsOf } from "./fixtures";
import { type SizeOf, tidy as tidyBy } from "./layout";
import { neighbour, users, uses } from "./neighbours";
import { findProblems } from "./problems";
import { mapReferences, references, renameField, selectorsInText } from "./references";
import { available, elementType, fits, resolve } from "./variables";
import { apply } from "./changes";
import { compare } from "./compare";

describe("references", () => {
  it.each([
    ["{{#a.text#}} and {{#sys.query#}}", [["a", "text"], ["sys", "query"]]],
    ["{{#context#}} {{ x }} {{#a#}}", []],
    ["{{#1763000000001.doc.name#}}", [["1763000000001", "doc", "name"]]],
  ])("in %s", (text, expected) => {
    expect(selectorsInText(text)).toEqual(expected);
  });

  it("finds selectors wherever the kinds put them", () => {
    const data = {
      type: "x",
      title: "",
      url: "http://{{#env.host#}}/",
      variables: [{ variable: "v", value_selector: ["a", "text"] }],
      cases: [{ conditions: [{ variable_selector: ["b", "result"], value: "{{#c.x#}}" }] }],
      body: { data: [{ type: "file", file: ["s", "doc"] }] },
      items: [{ input_type: "variable", value: ["d", "y"] }, { input_type: "constant", value: ["not", "one"] }],
      query: [],
    };
    expect(references(data).map((s) => s.join("."))).toEqual(["env.host", "a.text", "b.result", "c.x", "s.doc", "d.y"]);
    expect(references({ type: "variable-aggregator", title: "", variables: [["a", "text"], ["b", "y"]] })).toEqual([["a", "text"], ["b", "y"]]);
  });

  it("follows a renamed field and leaves the rest", () => {
    const data = { type: "x", title: "t", text: "{{#s.old#}} {{#s.other#}}", value_selector: ["s", "old", "name"] };
    expect(renameField(data, "s", "old", "new")).toEqual({ type: "x", title: "t", text: "{{#s.new#}} {{#s.other#}}", value_selector: ["s", "new", "name"] });
    expect(mapReferences(data, (s) => s)).toEqual(data);
  });
});

const flow = graph(
  [node("s", "start"), node("a", "llm"), node("x", "llm"), node("b", "code"), node("e", "end", { outputs: [{ variable: "o", value_selector: ["b", "result"] }] })],
  [edge("s", "a"), edge("a", "b"), edge("b", "e")],
  { environment_variables: [{ id: "1", name: "KEY", value_type: "secret", value: "x" }] },
);

describe("available variables", () => {
  it("are those of nodes before, then scopes", () => {
    const groups = available(flow, "b", "workflow", outputsOf);
    expect(groups.map((g) => g.id)).toEqual(["a", "s", "env", "sys"]);
  });

  it("include what a container gives and what comes before it", () => {
    const inner = graph(
      [node("s", "start"), node("it", "iteration", { iterator_input_type: "array[number]" }), node("c", "code", { isInIteration: true, iteration_id: "it" })],
      [edge("s", "it")],
    );
    const groups = available(inner, "c", "workflow", outputsOf);
    expect(groups.map((g) => g.id)).toEqual(["it", "s", "sys"]);
    expect(resolve(groups, ["it", "item"])?.type).toBe("number");
  });

  it.each([
    [["s", "topic"], "string"],
    [["s", "doc", "size"], "number"],
    [["a", "usage", "total_tokens"], "any"],
    [["s", "gone"], undefined],
    [["x", "text"], undefined],
    [["env", "KEY"], "secret"],
    [["sys", "timestamp"], "number"],
  ])("resolve %j to %s", (selector, type) => {
    expect(resolve(available(flow, "b", "workflow", outputsOf), selector)?.type).toBe(type);
  });

  it.each([
    ["string", ["string"], true],
    ["secret", ["string"], true],
    ["number", ["string"], false],
    ["array[file]", ["array"], true],
    ["any", ["file"], true],
    ["file", undefined, true],
    ["integer", ["number"], true],
  ])("%s fits %j: %s", (type, wanted, expected) => {
    expect(fits(type, wanted)).toBe(expected);
  });

  it("knows the element of a list", () => {
    expect([elementType("array[file]"), elementType("array"), elementType("string")]).toEqual(["file", "any", "any"]);
  });
});

describe("problems", () => {
  const rules = { portsOf, outputsOf, starts: (t: string) => t === "start", check: () => [] };
  const codes = (document: typeof flow) => findProblems(document, "workflow", rules).map((p) => `${p.node ?? "-"}:${p.code}`);

  it("lists what is not connected and what does not exist", () => {
    expect(codes(flow)).toEqual(["x:notConnected"]);
    expect(codes(graph([node("a", "llm", { text: "{{#zz.text#}}" })]))).toEqual(["-:noStart", "-:noOutput", "a:notConnected", "a:variableGone"]);
  });

  it("tells a deleted variable from one that comes later", () => {
    const late = graph(
      [node("s", "start"), node("a", "llm", { text: "{{#b.result#}} {{#s.gone#}}" }), node("b", "code"), node("e", "end")],
      [edge("s", "a"), edge("a", "b"), edge("b", "e")],
    );
    expect(codes(late)).toEqual(["a:variableNotBefore", "a:variableGone"]);
  });

  it("limits parallel branches", () => {
    const ends = Array.from({ length: 11 }, (_, i) => `e${i}`);
    const wide = graph([node("s", "start"), ...ends.map((id) => node(id, "end"))], ends.map((id) => edge("s", id)));
    expect(codes(wide)).toContain("s:tooManyParallel");
  });
});

describe("conditions", () => {
  it.each([
    ["string", ["a", "b"], false, "contains"],
    ["number", ["a", "b"], false, "="],
    ["boolean", ["a", "b"], false, "is"],
    ["file", ["a", "b"], false, "exists"],
    ["number", ["a", "b", "size"], true, ">"],
    ["string", ["a", "b", "type"], true, "in"],
  ])("%s %j starts with the right operator", (type, selector, field, first) => {
    expect(operatorsFor(type, selector, field)[0]).toBe(first);
  });

  const base = { id: "1", varType: "string", variable_selector: ["a", "b"] };
  it.each([
    [{ ...base, comparison_operator: "contains", value: "" }, false],
    [{ ...base, comparison_operator: "contains", value: "x" }, true],
    [{ ...base, comparison_operator: "empty", value: "" }, true],
    [{ ...base, variable_selector: [], comparison_operator: "empty" }, false],
    [{ ...base, comparison_operator: "is", value: false }, true],
    [{ ...base, varType: "array[file]", comparison_operator: "contains", value: "x" }, false],
    [
      { ...base, varType: "array[file]", comparison_operator: "contains", sub_variable_condition: { logical_operator: "and", conditions: [{ id: "", key: "name", varType: "string", comparison_operator: "is", value: "x" }] } },
      true,
    ],
  ])("complete %#", (condition, expected) => {
    expect(isComplete(condition)).toBe(expected);
  });
});

const portsByCase: Parameters<typeof tidyBy>[2] = ({ data: { cases } }) => ({ hasInput: true, outputs: Array.isArray(cases) ? cases.map(String) : ["source"] });
const tidy = (document: Parameters<typeof tidyBy>[0], size: SizeOf) => tidyBy(document, size, portsByCase);

describe("layout, neighbours, comparison", () => {
  it("puts each node right of the one before", () => {
    const after = apply(flow, tidy(flow, () => ({ width: 188, height: 80 })));
    const x = (id: string) => after.nodes.get(id)?.position.x ?? 0;
    expect(x("s")).toBeLessThan(x("a"));
    expect(x("a")).toBeLessThan(x("b"));
    expect(x("b")).toBeLessThan(x("e"));
  });

  it("keeps branches in the order of their ports, whatever the order of nodes and edges", () => {
    const ends = ["c", "a", "d", "b"];
    for (const last of [[], ["e"]]) {
      const branched = graph(
        [node("s", "start"), ...ends.map((id) => node(id, "llm")), node("if", "if-else", { cases: ["a", "b", "c", "d"] }), ...last.map((id) => node(id, "end"))],
        [edge("s", "if"), ...ends.map((id) => edge("if", id, id)), ...last.flatMap((id) => ends.map((from) => edge(from, id)))],
      );
      const after = apply(branched, tidy(branched, () => ({ width: 188, height: 80 })));
      const y = (id: string) => after.nodes.get(id)?.position.y ?? Number.NaN;
      expect(ends.toSorted((one, other) => y(one) - y(other))).toEqual(["a", "b", "c", "d"]);
    }
  });

  it("keeps the order where one branch leads past a node of another", () => {
    const skewed = graph(
      [node("z", "llm"), node("y", "llm"), node("if", "if-else", { cases: ["no", "yes"] }), node("s", "start"), node("end", "end")],
      [edge("s", "if"), edge("if", "z", "yes"), edge("if", "end", "no"), edge("z", "y"), edge("y", "end")],
    );
    const after = apply(skewed, tidy(skewed, () => ({ width: 188, height: 80 })));
    const y = (id: string) => after.nodes.get(id)?.position.y ?? Number.NaN;
    expect(y("z")).toBeGreaterThan(y("if") - 1);
  });

  it("lays out containers inside first and makes them fit", () => {
    const inner = graph(
      [
        node("s", "start"),
        node("it", "iteration"),
        node("i1", "code", { isInIteration: true, iteration_id: "it" }),
        node("i2", "code", { isInIteration: true, iteration_id: "it" }),
      ],
      [edge("s", "it"), edge("i1", "i2")],
    );
    const after = apply(inner, tidy(inner, () => ({ width: 100, height: 50 })));
    expect(after.nodes.get("it")?.width).toBeGreaterThan(260);
  });

  it("follows edges first, then nearness", () => {
    const grid = graph([node("a", "llm", {}, 0, 0), node("b", "llm", {}, 240, 400), node("c", "llm", {}, 240, 0), node("d", "llm", {}, 0, 130)], [edge("a", "b")]);
    expect(neighbour(grid, "a", "right")).toBe("b");
    expect(neighbour(grid, "a", "down")).toBe("d");
    expect(neighbour(grid, "a", "left")).toBeUndefined();
    expect(neighbour(grid, "c", "left")).toBe("a");
  });

  it("knows users and what is used", () => {
    expect(users(flow, "b")).toEqual(["e"]);
    expect(users(flow, "b", "other")).toEqual([]);
    expect(uses(flow, "e")).toEqual(["b"]);
  });

  it("compares two drafts", () => {
    const other = graph(
      [node("s", "start"), node("a", "llm", { temperature: 1 }), node("x", "llm", {}, 5, 5), node("n", "code"), node("e", "end", { outputs: [{ variable: "o", value_selector: ["b", "result"] }] })],
      [edge("s", "a")],
      { environment_variables: [{ id: "1", name: "KEY", value_type: "secret", value: "x" }] },
    );
    expect(compare(flow, other).map((r) => `${r.what} ${r.id} ${r.kind} ${r.fields.join()}`)).toEqual([
      "edge a-source-b-target removed ",
      "edge b-source-e-target removed ",
      "node a changed temperature",
      "node x moved ",
      "node b removed ",
      "node n added ",
    ]);
  });

  it("compares features and variables by their names, with what they were and are", () => {
    const text = (id: string, name: string, value: string) => ({ id, name, value_type: "string", value, description: "" });
    const before = graph([node("s", "start")], [], {
      features: { opening_statement: "Hello", text_to_speech: { enabled: false } },
      environment_variables: [text("1", "TONE", "dry"), text("2", "HOST", "a.example")],
      conversation_variables: [text("3", "memory", "")],
    });
    const after = graph([node("s", "start")], [], {
      features: { opening_statement: "Good day", text_to_speech: { enabled: false } },
      environment_variables: [text("1", "TONE", "warm"), text("2", "HOST", "a.example")],
      conversation_variables: [text("3", "memory", ""), text("4", "mood", "calm")],
    });
    const rows = compare(before, after);
    expect(rows.map((r) => [r.what, r.kind, r.fields])).toEqual(
      expect.arrayContaining([
        ["features", "changed", ["opening_statement"]],
        ["environment", "changed", ["TONE"]],
        ["conversation", "changed", ["mood"]],
      ]),
    );
    expect(rows).toHaveLength(3);
    expect(rows.find((r) => r.what === "features")?.values).toEqual([{ name: "opening_statement", before: "Hello", after: "Good day" }]);
    const [tone] = rows.find((r) => r.what === "environment")?.values ?? [];
    expect([tone?.before, tone?.after]).toMatchObject([{ value: "dry" }, { value: "warm" }]);
    expect(compare(after, after)).toEqual([]);
  });
});
