import { describe, expect, it } from "vitest";
import { outputsFor } from "../nodes/registry";
import { readDocument } from "./document";
import { readsOf, valueAt } from "./fork";
import { available } from "./variables";

const position = { x: 0, y: 0 };
const { document } = readDocument({
  graph: {
    nodes: [
      { id: "s", position, data: { type: "start", title: "Start", variables: [{ variable: "topic", type: "text-input" }] } },
      { id: "t", position, data: { type: "template-transform", title: "T", variables: [{ variable: "a", value_selector: ["s", "topic"] }, { variable: "b", value_selector: ["gone", "x"] }, { variable: "c", value_selector: ["sys", "user_id"] }], template: "" } },
    ],
    edges: [{ id: "e", source: "s", target: "t" }],
  },
});

function reads(id: string, given: Readonly<Record<string, unknown>>, inputs: unknown = {}) {
  const node = document.nodes.get(id);
  if (!node) throw new Error(id);
  const groups = available(document, id, "workflow", outputsFor("workflow"), true);
  return readsOf({ document, node, groups, inputs, valueOf: ([source = "", ...path]) => valueAt(given[source], path) });
}

describe("what a fork may change", () => {
  it("is what the node read and the run recorded", () =>
    expect(reads("t", { s: { topic: "lamps" } })).toEqual([{ selector: ["s", "topic"], key: "#s.topic#", type: "string", value: "lamps" }]));
  it("is nothing of what was never computed", () => expect(reads("t", {})).toEqual([]));
  it("is the form for the start node, without the server's own values", () =>
    expect(reads("s", {}, { topic: "lamps", count: 2, "sys.user_id": "x" }).map((read) => [read.key, read.type, read.value])).toEqual([
      ["topic", "string", "lamps"],
      ["count", "number", 2],
    ]));
  it("reads into what a node gave", () => {
    expect(valueAt({ a: { b: [1] } }, ["a", "b"])).toEqual([1]);
    expect(valueAt("text", ["a"])).toBeUndefined();
  });
});
