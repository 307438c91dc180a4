import { readFileSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readDocument, writeGraph } from "./document";
import { edge, graph, node } from "./fixtures";

const viewport = { x: 0, y: 0, zoom: 1 };

describe("reading a draft", () => {
  it("keeps fields it does not know and drops what only the screen needs", () => {
    const { document } = readDocument({
      graph: {
        nodes: [{ id: "1", type: "custom", position: { x: 1, y: 2 }, selected: true, future: { a: 1 }, data: { type: "warp", title: "W", _hover: true, selected: true, speed: 9 } }],
        edges: [],
        viewport,
        colour: "red",
      },
    });
    expect(writeGraph(document, viewport)).toEqual({
      nodes: [{ id: "1", type: "custom", position: { x: 1, y: 2 }, future: { a: 1 }, data: { type: "warp", title: "W", speed: 9 } }],
      edges: [],
      viewport,
      colour: "red",
    });
  });

  it("drops edges to nowhere and names the default port", () => {
    const document = graph([node("a", "start"), node("b", "end")], [{ id: "e", source: "a", target: "b" }, edge("a", "ghost")]);
    expect([...document.edges.values()].map((e) => [e.id, e.sourceHandle, e.targetHandle])).toEqual([["e", "source", "target"]]);
  });

  it("turns the old form of if-else into cases", () => {
    const document = graph([node("a", "if-else", { logical_operator: "or", conditions: [{ id: "x" }] })]);
    expect(document.nodes.get("a")?.data.cases).toEqual([{ case_id: "true", logical_operator: "or", conditions: [{ id: "x" }] }]);
    expect(document.nodes.get("a")?.data.conditions).toBeUndefined();
  });

  it.each([undefined, null, 3, "x", [], { graph: null }, { graph: { nodes: 4 } }])("survives %j", (json) => {
    expect(readDocument(json).document.nodes.size).toBe(0);
  });
});

describe("fixtures", () => {
  const folder = join(process.env.OXIDIFY_SHARED ?? "/work/shared", "fixtures/dsl");
  const files = existsSync(folder) ? readdirSync(folder).filter((f) => f.endsWith(".yml")) : [];
  if (files.length === 0) it.skip("no fixtures here", () => undefined);
  it.each(files)("%s names the nodes that a graph needs", (file) => {
    // The YAML itself is read by the server; here only that the shapes we rely on occur.
    const text = readFileSync(join(folder, file), "utf8");
    expect(text).toContain("graph:");
  });
});
