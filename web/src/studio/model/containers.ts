/** Iterations and loops: who is inside, their inner start, and frames that grow with what they hold. */
import { apply, type Change } from "./changes";
import { containerOf, type GraphNode, type NodeData, type Point, type StudioDocument } from "./document";
import type { Size } from "./layout";

export const BOX: Size = { width: 428, height: 204 };
/** From the edge of a frame to what is inside. */
export const INSET = { left: 24, top: 60, right: 28, bottom: 32 };
const START_SIZE: Size = { width: 44, height: 38 };
const FLAGS = ["isInIteration", "iteration_id", "isInLoop", "loop_id"];

const STARTS: Readonly<Record<string, string>> = { iteration: "iteration-start", loop: "loop-start" };

export function isContainer(node: GraphNode): boolean {
  return node.data.type in STARTS;
}

export function isInnerStart(node: GraphNode): boolean {
  return node.data.type === "iteration-start" || node.data.type === "loop-start";
}

export function childrenOf(document: StudioDocument, id: string): GraphNode[] {
  return [...document.nodes.values()].filter((n) => n.id !== id && containerOf(n) === id);
}

/** What the data of a node inside this container says about where it is. */
export function membership(container: GraphNode): Record<string, unknown> {
  return container.data.type === "loop"
    ? { isInIteration: false, isInLoop: true, loop_id: container.id }
    : { isInIteration: true, isInLoop: false, iteration_id: container.id };
}

/** The same data as a member of this container, or of none. */
export function asMember(data: NodeData, container: GraphNode | undefined): NodeData {
  const rest: Record<string, unknown> = { ...data };
  for (const key of FLAGS) delete rest[key];
  return { ...rest, ...(container ? membership(container) : {}), type: data.type, title: data.title };
}

/** Where a node is on the canvas, whatever it is inside of. */
export function absolute(document: StudioDocument, node: GraphNode): Point {
  const id = containerOf(node);
  const parent = id === undefined ? undefined : document.nodes.get(id);
  if (!parent || parent === node) return node.position;
  const base = absolute(document, parent);
  return { x: base.x + node.position.x, y: base.y + node.position.y };
}

export function boxSize(node: GraphNode): Size {
  const side = (key: "width" | "height") => {
    const own = node[key] ?? node.data[key];
    return typeof own === "number" && own > 0 ? own : BOX[key];
  };
  return { width: side("width"), height: side("height") };
}

/** The innermost container whose frame holds this point of the canvas. */
export function containerAt(document: StudioDocument, point: Point): GraphNode | undefined {
  let best: { node: GraphNode; area: number } | undefined;
  for (const node of document.nodes.values()) {
    if (!isContainer(node)) continue;
    const at = absolute(document, node);
    const { width, height } = boxSize(node);
    const inside = point.x >= at.x && point.x <= at.x + width && point.y >= at.y && point.y <= at.y + height;
    const area = width * height;
    if (inside && (!best || area < best.area)) best = { node, area };
  }
  return best?.node;
}

/** The node every round begins with; the frame cannot be without it. */
export function innerStart(container: GraphNode): GraphNode {
  const type = STARTS[container.data.type] ?? "iteration-start";
  const position = { x: INSET.left, y: INSET.top };
  return {
    id: `${container.id}start`,
    type: `custom-${type}`,
    position,
    positionAbsolute: { x: container.position.x + position.x, y: container.position.y + position.y },
    ...START_SIZE,
    parentId: container.id,
    extent: "parent",
    zIndex: 1002,
    draggable: false,
    selectable: false,
    sourcePosition: "right",
    targetPosition: "left",
    data: { ...membership(container), type, title: "", desc: "" },
  };
}

/** A new container with its frame and its inner start. */
export function newContainer(node: GraphNode): GraphNode[] {
  const start = `${node.id}start`;
  const box: GraphNode = { ...node, ...BOX, zIndex: 1, data: { ...node.data, start_node_id: start, ...BOX } };
  return [box, innerStart(box)];
}

/** How big a frame must be for what it holds. */
export function innerSize(document: StudioDocument, id: string, sizeOf: (node: GraphNode) => Size): Size {
  let width = 240;
  let height = 120;
  for (const node of childrenOf(document, id)) {
    const size = isContainer(node) ? boxSize(node) : sizeOf(node);
    width = Math.max(width, node.position.x + size.width + INSET.right);
    height = Math.max(height, node.position.y + size.height + INSET.bottom);
  }
  return { width: Math.round(width), height: Math.round(height) };
}

/** Changes that make a frame, and the frames around it, big enough again. Frames never shrink by themselves. */
export function growToFit(document: StudioDocument, id: string | undefined, sizeOf: (node: GraphNode) => Size): Change[] {
  const box = id === undefined ? undefined : document.nodes.get(id);
  if (!box || !isContainer(box)) return [];
  const now = boxSize(box);
  const need = innerSize(document, box.id, sizeOf);
  const size = { width: Math.max(now.width, need.width), height: Math.max(now.height, need.height) };
  if (size.width === now.width && size.height === now.height) return [];
  const change: Change = { on: "node", id: box.id, before: box, after: { ...box, ...size, data: { ...box.data, ...size } } };
  return [change, ...growToFit(apply(document, [change]), containerOf(box), sizeOf)];
}

/** Old graphs name the first inner node in `start_node_id` and have no inner start: it is added. */
export function withInnerStarts(nodes: Map<string, GraphNode>, addEdge: (source: GraphNode, target: GraphNode) => void): void {
  const held = new Set<string>();
  for (const node of nodes.values()) if (isInnerStart(node)) held.add(containerOf(node) ?? "");
  for (const box of [...nodes.values()].filter((n) => isContainer(n) && !held.has(n.id))) {
    const first = typeof box.data.start_node_id === "string" ? nodes.get(box.data.start_node_id) : undefined;
    const start = innerStart(box);
    nodes.set(box.id, { ...box, data: { ...box.data, start_node_id: start.id } });
    nodes.set(start.id, start);
    if (first) addEdge(start, first);
  }
}
