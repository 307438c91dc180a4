/** What a person can do to the graph, each as the list of changes it makes. */
import type { Change } from "./changes";
import { type Connection, outgoing, outputPorts, type PortsOf, refuse, SOURCE, TARGET } from "./connect";
import {
  containerOf,
  type GraphEdge,
  type GraphNode,
  isNote,
  type NodeData,
  type Point,
  type StudioDocument,
} from "./document";
import { edgeId } from "./ids";

/** Distance from one node to the next on the canvas, and the height of a row. */
export const STEP_X = 240;
export const STEP_Y = 130;

export function makeEdge(document: StudioDocument, wanted: Connection, added: readonly GraphNode[] = []): GraphEdge {
  const find = (id: string) => added.find((n) => n.id === id) ?? document.nodes.get(id);
  const source = find(wanted.source);
  const container = source?.data;
  return {
    id: edgeId(wanted.source, wanted.sourceHandle, wanted.target),
    type: "custom",
    source: wanted.source,
    sourceHandle: wanted.sourceHandle,
    target: wanted.target,
    targetHandle: TARGET,
    zIndex: container?.isInIteration || container?.isInLoop ? 1002 : 0,
    data: {
      sourceType: source?.data.type ?? "",
      targetType: find(wanted.target)?.data.type ?? "",
      isInIteration: Boolean(container?.isInIteration),
      isInLoop: Boolean(container?.isInLoop),
      ...(container?.iteration_id ? { iteration_id: container.iteration_id } : {}),
      ...(container?.loop_id ? { loop_id: container.loop_id } : {}),
    },
  };
}

export function connect(document: StudioDocument, wanted: Connection, portsOf: PortsOf): Change[] {
  if (refuse(document, wanted, portsOf)) return [];
  const after = makeEdge(document, wanted);
  return [{ on: "edge", id: after.id, after }];
}

export function disconnect(document: StudioDocument, ids: readonly string[]): Change[] {
  return ids.flatMap((id): Change[] => {
    const before = document.edges.get(id);
    return before ? [{ on: "edge", id, before }] : [];
  });
}

export function addNode(node: GraphNode): Change[] {
  return [{ on: "node", id: node.id, after: node }];
}

/** Adds a node behind a port and connects it. */
export function addAfter(
  document: StudioDocument,
  node: GraphNode,
  from: { source: string; sourceHandle: string },
  portsOf: PortsOf,
): Change[] {
  const changes = addNode(node);
  if (!portsOf(node).hasInput) return changes;
  const after = makeEdge(document, { ...from, target: node.id }, [node]);
  return [...changes, { on: "edge", id: after.id, after }];
}

/** Puts a node into an edge: source → node → target. */
export function insertOnEdge(document: StudioDocument, node: GraphNode, id: string, portsOf: PortsOf): Change[] {
  const edge = document.edges.get(id);
  if (!edge) return addNode(node);
  const changes: Change[] = [...addNode(node), { on: "edge", id, before: edge }];
  const into = makeEdge(document, { source: edge.source, sourceHandle: edge.sourceHandle, target: node.id }, [node]);
  if (portsOf(node).hasInput) changes.push({ on: "edge", id: into.id, after: into });
  const port = portsOf(node).outputs[0];
  if (port !== undefined) {
    const out = makeEdge(document, { source: node.id, sourceHandle: port, target: edge.target }, [node]);
    changes.push({ on: "edge", id: out.id, after: out });
  }
  return changes;
}

/** Removes nodes with their edges; a container takes its children along. */
export function removeNodes(document: StudioDocument, ids: readonly string[]): Change[] {
  const gone = withChildren(document, ids);
  const changes: Change[] = [];
  for (const edge of document.edges.values()) {
    if (gone.has(edge.source) || gone.has(edge.target)) changes.push({ on: "edge", id: edge.id, before: edge });
  }
  for (const id of gone) {
    const before = document.nodes.get(id);
    if (before) changes.push({ on: "node", id, before });
  }
  return changes;
}

/** The ids with everything inside them. The inner start of a container goes only with the container. */
export function withChildren(document: StudioDocument, ids: readonly string[]): Set<string> {
  const all = new Set<string>();
  for (const id of ids) {
    const node = document.nodes.get(id);
    if (node && !(isInnerStart(node) && !ids.includes(containerOf(node) ?? ""))) all.add(id);
  }
  let grew = true;
  while (grew) {
    grew = false;
    for (const node of document.nodes.values()) {
      const container = containerOf(node);
      if (!all.has(node.id) && container !== undefined && all.has(container)) {
        all.add(node.id);
        grew = true;
      }
    }
  }
  return all;
}

function isInnerStart(node: GraphNode): boolean {
  return node.data.type === "iteration-start" || node.data.type === "loop-start";
}

export function moveNodes(document: StudioDocument, to: ReadonlyMap<string, Point>): Change[] {
  const changes: Change[] = [];
  for (const [id, position] of to) {
    const before = document.nodes.get(id);
    if (!before || (before.position.x === position.x && before.position.y === position.y)) continue;
    changes.push({ on: "node", id, before, after: moved(document, before, position) });
  }
  return changes;
}

function moved(document: StudioDocument, node: GraphNode, position: Point): GraphNode {
  const parent = node.parentId ? document.nodes.get(node.parentId) : undefined;
  const absolute = parent
    ? { x: parent.position.x + position.x, y: parent.position.y + position.y }
    : { x: position.x, y: position.y };
  return { ...node, position, positionAbsolute: absolute };
}

export function resizeNode(document: StudioDocument, id: string, width: number, height: number): Change[] {
  const before = document.nodes.get(id);
  if (!before || (before.width === width && before.height === height)) return [];
  const data = isNote(before) ? { ...before.data, width, height } : before.data;
  return [{ on: "node", id, before, after: { ...before, width, height, data } }];
}

/** Changes settings of a node and drops edges whose port no longer exists. */
export function updateData(
  document: StudioDocument,
  id: string,
  patch: Readonly<Record<string, unknown>>,
  portsOf: PortsOf,
): Change[] {
  const before = document.nodes.get(id);
  if (!before) return [];
  const data: NodeData = { ...before.data, ...patch };
  for (const [key, value] of Object.entries(patch)) if (value === undefined) delete data[key];
  const after = { ...before, data };
  const ports = new Set(outputPorts(after, portsOf));
  const lost = (outgoing(document).get(id) ?? []).filter((edge) => !ports.has(edge.sourceHandle));
  return [
    ...lost.map((edge): Change => ({ on: "edge", id: edge.id, before: edge })),
    { on: "node", id, before, after },
  ];
}

/** Another kind in the same place: keeps title-independent position and the edges that still fit. */
export function changeKind(document: StudioDocument, id: string, data: NodeData, portsOf: PortsOf): Change[] {
  const before = document.nodes.get(id);
  if (!before) return [];
  const flags: Record<string, unknown> = {};
  for (const key of ["isInIteration", "iteration_id", "isInLoop", "loop_id"]) {
    if (before.data[key] !== undefined) flags[key] = before.data[key];
  }
  const after: GraphNode = { ...before, data: { ...data, ...flags } };
  const rules = portsOf(after);
  const changes: Change[] = [];
  for (const edge of document.edges.values()) {
    const out = edge.source === id;
    const into = edge.target === id;
    if ((into && !rules.hasInput) || (out && rules.outputs.length === 0)) {
      changes.push({ on: "edge", id: edge.id, before: edge });
    } else if (out && !rules.outputs.includes(edge.sourceHandle)) {
      const replacement = makeEdge(
        document,
        { source: id, sourceHandle: rules.outputs[0] ?? SOURCE, target: edge.target },
        [after],
      );
      changes.push({ on: "edge", id: edge.id, before: edge });
      const taken = document.edges.has(replacement.id) || changes.some((c) => c.on === "edge" && c.after?.id === replacement.id);
      if (!taken) changes.push({ on: "edge", id: replacement.id, after: replacement });
    }
  }
  changes.push({ on: "node", id, before, after });
  return changes;
}

/** A free place to the right of a port, below what is already connected there. */
export function placeAfter(document: StudioDocument, source: string, width = 188): Point {
  const from = document.nodes.get(source);
  if (!from) return { x: 80, y: 280 };
  const x = from.position.x + (from.width ?? width) + (STEP_X - width);
  const container = containerOf(from);
  let y = from.position.y;
  const occupied = [...document.nodes.values()].filter(
    (n) => n.id !== source && containerOf(n) === container && Math.abs(n.position.x - x) < width,
  );
  let moved = true;
  while (moved) {
    moved = false;
    for (const node of occupied) {
      if (Math.abs(node.position.y - y) < STEP_Y - 20) {
        y = node.position.y + STEP_Y;
        moved = true;
      }
    }
  }
  return { x, y };
}

/** The wanted place, or the nearest one below it where nothing lies. */
export function freePlace(document: StudioDocument, wanted: Point, width = 188): Point {
  let y = wanted.y;
  const clash = () =>
    [...document.nodes.values()].find(
      (n) => containerOf(n) === undefined && Math.abs(n.position.x - wanted.x) < width && Math.abs(n.position.y - y) < STEP_Y - 20,
    );
  for (let node = clash(); node; node = clash()) y = node.position.y + STEP_Y;
  return { x: Math.round(wanted.x), y: Math.round(y) };
}

/** A title no other node has: "Code", "Code 2", "Code 3". */
export function freeTitle(document: StudioDocument, wanted: string, others: Iterable<string> = []): string {
  const taken = new Set<string>(others);
  for (const node of document.nodes.values()) taken.add(node.data.title);
  if (!taken.has(wanted)) return wanted;
  for (let n = 2; ; n += 1) if (!taken.has(`${wanted} ${n}`)) return `${wanted} ${n}`;
}
