/** From our document to what the canvas library draws. Unchanged nodes keep their object, so they are not drawn again. */
import type { Edge, Node } from "@xyflow/react";
import { boxSize, isContainer, isInnerStart } from "../model/containers";
import { containerOf, type GraphEdge, type GraphNode, isNote, type StudioDocument } from "../model/document";

export type FlowNode = Node<{ readonly node: GraphNode }>;
export type FlowEdge = Edge<{ readonly edge: GraphEdge }>;

export const NODE_WIDTH = 188;

/** Parents must come before their children. */
function ordered(document: StudioDocument): GraphNode[] {
  const depth = (node: GraphNode): number => {
    const container = containerOf(node);
    const parent = container === undefined ? undefined : document.nodes.get(container);
    return parent && parent !== node ? 1 + depth(parent) : 0;
  };
  const nodes = [...document.nodes.values()];
  if (nodes.every((n) => containerOf(n) === undefined)) return nodes;
  return nodes
    .map((node) => ({ node, level: depth(node) }))
    .sort((a, b) => a.level - b.level)
    .map((item) => item.node);
}

export function toFlowNodes(
  document: StudioDocument,
  before: readonly FlowNode[],
  selection: ReadonlySet<string>,
): FlowNode[] {
  const known = new Map(before.map((n) => [n.id, n]));
  return ordered(document).map((node) => {
    const old = known.get(node.id);
    const selected = selection.has(node.id);
    if (old?.data.node === node && Boolean(old.selected) === selected && (!isContainer(node) || old.height === boxRoom(document, node).height)) return old;
    return drawn(document, node, selected, old);
  });
}

/** A card with two lines and its footer; what other programs left for one is often less. */
const CARD = 116;
const EDGE = 16;

/** The size of a container, with room for the cards in it: ours are taller than those it was measured for. */
function boxRoom(document: StudioDocument, box: GraphNode): { width: number; height: number } {
  const size = boxSize(box);
  const ends = [...document.nodes.values()]
    .filter((node) => containerOf(node) === box.id && !isInnerStart(node))
    .map((node) => node.position.y + (isContainer(node) ? boxSize(node).height : CARD) + EDGE);
  return { width: size.width, height: Math.max(size.height, ...ends) };
}

function drawn(
  document: StudioDocument,
  node: GraphNode,
  selected: boolean,
  old: FlowNode | undefined,
): FlowNode {
  const container = containerOf(node);
  const inside = container !== undefined && document.nodes.has(container) ? container : undefined;
  const innerStart = isInnerStart(node);
  const type = isNote(node) ? "note" : innerStart ? "inner" : isContainer(node) ? "box" : "node";
  const sized = type === "note" || type === "box";
  const size = type === "box" ? boxRoom(document, node) : sized ? { width: noteSize(node, "width", 240), height: noteSize(node, "height", 120) } : {};
  return {
    id: node.id,
    type,
    position: node.position,
    data: { node },
    selected,
    draggable: !innerStart,
    selectable: !innerStart,
    deletable: false,
    connectable: type !== "note",
    zIndex: type === "box" ? 0 : inside ? 1002 : type === "note" ? -1 : 1,
    ...(inside ? { parentId: inside, extent: "parent" } : {}),
    ...size,
    ...(old?.measured && !sized ? { measured: old.measured } : {}),
  };
}

function noteSize(node: GraphNode, side: "width" | "height", fallback: number): number {
  const own = node[side] ?? node.data[side];
  return typeof own === "number" && own > 0 ? own : fallback;
}

export function toFlowEdges(
  document: StudioDocument,
  before: readonly FlowEdge[],
  selection: ReadonlySet<string>,
): FlowEdge[] {
  const known = new Map(before.map((e) => [e.id, e]));
  return [...document.edges.values()].map((edge) => {
    const old = known.get(edge.id);
    const selected = selection.has(edge.id);
    if (old?.data?.edge === edge && Boolean(old.selected) === selected) return old;
    const source = document.nodes.get(edge.source);
    return {
      id: edge.id,
      type: "edge",
      source: edge.source,
      target: edge.target,
      sourceHandle: edge.sourceHandle,
      targetHandle: "target",
      data: { edge },
      selected,
      deletable: false,
      zIndex: source && containerOf(source) !== undefined ? 1001 : 0,
    };
  });
}
