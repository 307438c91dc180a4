import { describe, expect, it } from "vitest";
import { apply, type Change, difference, invert, same } from "./changes";
import { copy, paste } from "./clipboard";
import { reaches, refuse } from "./connect";
import type { GraphNode, StudioDocument } from "./document";
import { addAfter, changeKind, connect, disconnect, freePlace, freeTitle, insertOnEdge, moveNodes, placeAfter, removeNodes, resizeNode, updateData } from "./edits";
import { edge, graph, node, portsOf } from "./fixtures";
import { emptyHistory, record, redo, undo } from "./history";

const chain = graph(
  [node("s", "start"), node("a", "llm"), node("b", "if-else", { cases: [{ case_id: "true" }, { case_id: "c2" }] }), node("e", "end")],
  [edge("s", "a"), edge("a", "b"), edge("b", "e", "true")],
);

function get(document: StudioDocument, id: string): GraphNode {
  const found = document.nodes.get(id);
  if (!found) throw new Error(`no node ${id}`);
  return found;
}

describe("connections", () => {
  it.each([
    ["a", "source", "a", "self"],
    ["s", "source", "ghost", "missing"],
    ["a", "source", "s", "no-input"],
    ["e", "source", "a", "no-output"],
    ["b", "source", "e", "no-output"],
    ["b", "true", "e", "exists"],
    ["b", "false", "a", "cycle"],
    ["b", "false", "e", undefined],
    ["s", "source", "b", undefined],
    ["a", "fail-branch", "e", "no-output"],
  ])("%s.%s → %s: %s", (source, sourceHandle, target, expected) => {
    expect(refuse(chain, { source, sourceHandle, target }, portsOf)).toBe(expected);
  });

  it("offers the error branch only when it is on", () => {
    const on = apply(chain, updateData(chain, "a", { error_strategy: "fail-branch" }, portsOf));
    expect(refuse(on, { source: "a", sourceHandle: "fail-branch", target: "e" }, portsOf)).toBeUndefined();
  });

  it("keeps nodes of a container apart from the rest", () => {
    const inside = graph([node("l", "loop"), node("x", "code", { isInLoop: true, loop_id: "l" }), node("y", "code")]);
    expect(refuse(inside, { source: "y", sourceHandle: "source", target: "x" }, portsOf)).toBe("container");
  });

  it("finds paths", () => {
    expect(reaches(chain, "s", "e")).toBe(true);
    expect(reaches(chain, "e", "s")).toBe(false);
  });
});

describe("every edit can be inverted", () => {
  const fresh: GraphNode = { id: "n", type: "custom", position: { x: 5, y: 5 }, data: { type: "code", title: "Code" } };
  const cases: [string, Change[]][] = [
    ["connect", connect(chain, { source: "b", sourceHandle: "c2", target: "e" }, portsOf)],
    ["disconnect", disconnect(chain, ["s-source-a-target"])],
    ["add after", addAfter(chain, fresh, { source: "a", sourceHandle: "source" }, portsOf)],
    ["insert on edge", insertOnEdge(chain, fresh, "s-source-a-target", portsOf)],
    ["remove", removeNodes(chain, ["b"])],
    ["move", moveNodes(chain, new Map([["a", { x: 9, y: 9 }]]))],
    ["resize", resizeNode(chain, "a", { width: 300, height: 200 })],
    ["update", updateData(chain, "b", { cases: [{ case_id: "c2" }] }, portsOf)],
    ["change kind", changeKind(chain, "b", { type: "code", title: "Code" }, portsOf)],
  ];
  it.each(cases)("%s", (_, changes) => {
    expect(changes.length).toBeGreaterThan(0);
    const done = apply(chain, changes);
    expect(same([...done.nodes], [...chain.nodes]) && same([...done.edges], [...chain.edges])).toBe(false);
    const back = apply(done, invert(changes));
    expect(difference(chain, back)).toEqual([]);
  });
});

describe("what the edits do", () => {
  it("inserting splits the edge", () => {
    const fresh: GraphNode = { id: "n", type: "custom", position: { x: 0, y: 0 }, data: { type: "code", title: "Code" } };
    const after = apply(chain, insertOnEdge(chain, fresh, "s-source-a-target", portsOf));
    expect([...after.edges.keys()].sort()).toEqual(["a-source-b-target", "b-true-e-target", "n-source-a-target", "s-source-n-target"]);
  });

  it("losing a port loses its edges", () => {
    const after = apply(chain, updateData(chain, "b", { cases: [{ case_id: "c2" }] }, portsOf));
    expect(after.edges.has("b-true-e-target")).toBe(false);
  });

  it("removing a container takes what is inside", () => {
    const box = graph(
      [node("l", "loop"), node("ls", "loop-start", { isInLoop: true, loop_id: "l" }), node("x", "code", { isInLoop: true, loop_id: "l" })],
      [edge("ls", "x")],
    );
    expect(apply(box, removeNodes(box, ["l"])).nodes.size).toBe(0);
    expect(apply(box, removeNodes(box, ["ls"])).nodes.size).toBe(3);
  });

  it("undefined in an update removes the setting", () => {
    const after = apply(chain, updateData(chain, "a", { error_strategy: undefined, x: 1 }, portsOf));
    expect(Object.keys(get(after, "a").data).sort()).toEqual(["title", "type", "x"]);
  });

  it("changing the kind keeps edges that fit", () => {
    const after = apply(chain, changeKind(chain, "b", { type: "code", title: "Code" }, portsOf));
    expect([...after.edges.keys()].sort()).toEqual(["a-source-b-target", "b-source-e-target", "s-source-a-target"]);
  });

  it("finds a free title and a free place", () => {
    expect(freeTitle(chain, "a")).toBe("a 2");
    expect(freeTitle(chain, "new")).toBe("new");
    const one = graph([node("s", "start", {}, 0, 0), node("a", "llm", {}, 240, 0)]);
    expect(placeAfter(one, "s")).toEqual({ x: 240, y: 130 });
    expect(freePlace(one, { x: 200, y: 20 })).toEqual({ x: 200, y: 130 });
    expect(freePlace(one, { x: 900, y: 20 })).toEqual({ x: 900, y: 20 });
  });
});

describe("copy and paste", () => {
  const source = graph(
    [node("s", "start"), node("a", "llm"), node("t", "template-transform", { template: "x {{#a.text#}}", variables: [{ variable: "v", value_selector: ["a", "text"] }] })],
    [edge("s", "a"), edge("a", "t")],
  );

  it("gives new ids, new titles, inner edges and references to the copies", () => {
    const text = copy(source, ["a", "t"]);
    const pasted = paste(source, text ?? "", undefined, (t) => t === "start");
    expect(pasted?.ids).toHaveLength(2);
    const after = apply(source, pasted?.changes ?? []);
    const [a2 = "", t2 = ""] = pasted?.ids ?? [];
    expect(get(after, a2).data.title).toBe("a 2");
    expect(get(after, t2).data).toMatchObject({ template: `x {{#${a2}.text#}}`, variables: [{ value_selector: [a2, "text"] }] });
    expect(after.edges.has(`${a2}-source-${t2}-target`)).toBe(true);
    expect(after.edges.size).toBe(3);
    expect(get(after, a2).position).toEqual({ x: 40, y: 40 });
  });

  it("does not make a second start", () => {
    expect(paste(source, copy(source, ["s"]) ?? "", undefined, (t) => t === "start")?.ids).toEqual([]);
  });

  it.each(["", "hello", "{}", '{"kind":"oxidify/graph"}', '{"kind":"oxidify/graph","nodes":"x"'])("leaves other text alone: %s", (text) => {
    expect(paste(source, text, undefined, () => false)).toBeUndefined();
  });
});

describe("history", () => {
  const change = (n: number): Change[] => {
    const before = get(chain, "a");
    return [{ on: "node", id: "a", before, after: { ...before, data: { ...before.data, n } } }];
  };

  it("undoes and redoes, and forgets the future on a new edit", () => {
    let history = record(emptyHistory, { label: "x", changes: change(1), at: 0 });
    history = record(history, { label: "y", changes: change(2), at: 1 });
    const back = undo(history);
    expect(back?.entry.label).toBe("y");
    expect(redo(back?.history ?? history)?.entry.label).toBe("y");
    const branched = record(back?.history ?? history, { label: "z", changes: change(3), at: 2 });
    expect(branched.entries.map((e) => e.label)).toEqual(["x", "z"]);
    expect(redo(branched)).toBeUndefined();
    expect(undo(emptyHistory)).toBeUndefined();
  });

  it("joins typing in one field and keeps the first state", () => {
    let history = record(emptyHistory, { label: "x", changes: change(1), at: 0, merge: "a.n" });
    history = record(history, { label: "x", changes: change(2), at: 500, merge: "a.n" });
    history = record(history, { label: "x", changes: change(3), at: 5_000, merge: "a.n" });
    expect(history.entries).toHaveLength(2);
    const [first] = history.entries;
    expect(first?.changes).toHaveLength(1);
    expect(first?.changes[0]).toMatchObject({ before: { data: { type: "llm" } }, after: { data: { n: 2 } } });
  });
});
