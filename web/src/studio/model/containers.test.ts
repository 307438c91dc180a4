import { describe, expect, it } from "vitest";
import { kindOf, outputsFor, portsOf, rulesFor } from "../nodes/registry";
import { apply } from "./changes";
import { copy, paste } from "./clipboard";
import { asMember, childrenOf, containerAt, growToFit } from "./containers";
import { containerOf, type GraphNode } from "./document";
import { addAfter, addNode, changeKind, inside, insertOnEdge, makeEdge, removeNodes } from "./edits";
import { edge, graph, node } from "./fixtures";
import { findProblems } from "./problems";
import { available, resolve } from "./variables";

const SIZE = () => ({ width: 188, height: 96 });
const fresh = (id: string, type: string, x = 0, y = 0): GraphNode => ({ id, type: "custom", position: { x, y }, data: { ...kindOf(type).defaults({ mode: "workflow", model: undefined }), type, title: id } });
const empty = graph([node("s", "start"), node("e", "end", { outputs: [{ variable: "a", value_selector: ["s", "x"] }] })], [edge("s", "e")]);

function withBox(type: "iteration" | "loop") {
  return apply(empty, insertOnEdge(empty, fresh("box", type, 300, 100), "s-source-e-target", portsOf));
}

describe.each(["iteration", "loop"] satisfies ("iteration" | "loop")[])("%s", (type) => {
  const boxed = withBox(type);
  const start = boxed.nodes.get("boxstart");

  it("comes with its start, which only goes with it", () => {
    expect(boxed.nodes.get("box")?.data.start_node_id).toBe("boxstart");
    expect(start?.type).toBe(`custom-${type}-start`);
    expect(start && containerOf(start)).toBe("box");
    expect(apply(boxed, removeNodes(boxed, ["boxstart"])).nodes.has("boxstart")).toBe(true);
    expect(apply(boxed, removeNodes(boxed, ["box"])).nodes.size).toBe(2);
  });

  it("takes nodes in, with flags on nodes and edges, and grows", () => {
    const box = boxed.nodes.get("box");
    if (!box) throw new Error("no box");
    const child = inside(boxed, fresh("c", "code", 400, 300), box);
    const held = apply(boxed, addAfter(boxed, child, { source: "boxstart", sourceHandle: "source" }, portsOf));
    expect(childrenOf(held, "box").map((n) => n.id).sort()).toEqual(["boxstart", "c"]);
    const key = type === "loop" ? "loop_id" : "iteration_id";
    expect(held.nodes.get("c")?.data[key]).toBe("box");
    expect(held.edges.get("boxstart-source-c-target")?.data).toMatchObject({ [key]: "box" });
    const grown = apply(held, growToFit(held, "box", SIZE)).nodes.get("box");
    expect([grown?.width, grown?.height]).toEqual([400 + 188 + 28, 300 + 96 + 32]);
    expect(growToFit(apply(held, growToFit(held, "box", SIZE)), "box", SIZE)).toEqual([]);
  });

  it("gives way to another kind, with what it held", () => {
    const plain = apply(boxed, changeKind(boxed, "box", { type: "code", title: "box" }, portsOf));
    expect([...plain.nodes.keys()].sort()).toEqual(["box", "e", "s"]);
    expect(plain.edges.size).toBe(2);
    expect(plain.nodes.get("box")?.width).toBeUndefined();
    const back = apply(plain, changeKind(plain, "box", { type, title: "box" }, portsOf));
    expect(back.nodes.has("boxstart")).toBe(true);
  });

  it("is copied whole, and its nodes are copied inside it", () => {
    const child = inside(boxed, fresh("c", "code"), boxed.nodes.get("box") ?? fresh("x", type));
    const held = apply(boxed, addAfter(boxed, child, { source: "boxstart", sourceHandle: "source" }, portsOf));
    const whole = paste(held, copy(held, ["box"]) ?? "", undefined, () => false);
    const [copied] = whole?.ids ?? [];
    const after = apply(held, whole?.changes ?? []);
    expect(childrenOf(after, copied ?? "")).toHaveLength(2);
    const starts = after.nodes.get(copied ?? "")?.data.start_node_id;
    expect(after.nodes.get(String(starts))?.data.type).toBe(`${type}-start`);
    const one = paste(held, copy(held, ["c"]) ?? "", undefined, () => false);
    expect(childrenOf(apply(held, one?.changes ?? []), "box")).toHaveLength(3);
  });
});

it("an old graph without an inner start gets one", () => {
  const old = graph([node("s", "start"), node("it", "iteration", { start_node_id: "c" }), { id: "c", type: "custom", parentId: "it", position: { x: 0, y: 0 }, data: { type: "code", title: "c", isInIteration: true, iteration_id: "it" } }]);
  expect(old.nodes.get("it")?.data.start_node_id).toBe("itstart");
  expect([...old.edges.values()].map((e) => [e.source, e.target])).toEqual([["itstart", "c"]]);
});

it("the innermost frame under a point is the one", () => {
  const outer = fresh("o", "loop", 0, 0);
  const one = apply(empty, addNode(outer));
  const wide = apply(one, [{ on: "node", id: "o", after: { ...(one.nodes.get("o") ?? outer), width: 900, height: 600 } }]);
  const inner = inside(wide, fresh("i", "iteration", 100, 100), wide.nodes.get("o") ?? outer);
  const both = apply(wide, addNode(inner));
  expect(containerAt(both, { x: 150, y: 150 })?.id).toBe("i");
  expect(containerAt(both, { x: 20, y: 20 })?.id).toBe("o");
  expect(containerAt(both, { x: 2000, y: 20 })).toBeUndefined();
  expect(asMember(inner.data, undefined).loop_id).toBeUndefined();
});

it("a container sees what it holds, the nodes around it do not", () => {
  const boxed = withBox("iteration");
  const child = inside(boxed, fresh("c", "code"), boxed.nodes.get("box") ?? fresh("x", "iteration"));
  const held = apply(boxed, addAfter(boxed, child, { source: "boxstart", sourceHandle: "source" }, portsOf));
  const outputs = outputsFor("workflow");
  expect(resolve(available(held, "box", "workflow", outputs, true), ["c", "result"])?.type).toBe("string");
  expect(resolve(available(held, "box", "workflow", outputs), ["c", "result"])).toBeUndefined();
  expect(resolve(available(held, "e", "workflow", outputs), ["c", "result"])).toBeUndefined();
  expect(resolve(available(held, "c", "workflow", outputs), ["box", "item"])?.type).toBe("string");
});

it("a node inside must be reached from the inner start", () => {
  const boxed = withBox("loop");
  const box = boxed.nodes.get("box") ?? fresh("x", "loop");
  const codes = (document: typeof boxed) => findProblems(document, "workflow", rulesFor("workflow")).filter((p) => p.node === "c" || p.node === "box").map((p) => p.code);
  expect(codes(boxed)).toContain("emptyFrame");
  const loose = apply(boxed, addNode(inside(boxed, fresh("c", "loop-end"), box)));
  expect(codes(loose)).toEqual(["notConnected"]);
  const wire = makeEdge(loose, { source: "boxstart", sourceHandle: "source", target: "c" });
  expect(codes(apply(loose, [{ on: "edge", id: wire.id, after: wire }]))).toEqual([]);
});
