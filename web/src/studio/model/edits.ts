/** What a person can do to the graph, each as the list of changes it makes. */
import { apply, type Change } from "./changes";
import { type Connection, outgoing, outputPorts, type PortsOf, refuse, SOURCE, TARGET } from "./connect";
import { absolute, asMember, boxSize, growToFit, isContainer, isInnerStart, membership, newContainer } from "./containers";
import { containerOf, type GraphEdge, type GraphNode, type NodeData, type Point, type StudioDocument } from "./document";
import type { Size } from "./layout";
import { edgeId } from "./ids";

/** Distance from one node to the next on the canvas, and the height of a row. */
export const STEP_X = 240;
export const STEP_Y = 130;

export function makeEdge(document: StudioDocument, wanted: Connection, added: readonly GraphNode[] = []): GraphEdge {
  const find = (id: string) => added.find((n) => n.id === id) ?? document.nodes.get(id);
  const source = find(wanted.source);
  const holder = source ? containerOf(source) : undefined;
  const box = holder === undefined ? undefined : find(holder);
  const inside: Record<string, unknown> = box ? membership(box) : { isInIteration: false, isInLoop: false };
  return {
    id: edgeId(wanted.source, wanted.sourceHandle, wanted.target),
    type: "custom",
    source: wanted.source,
    sourceHandle: wanted.sourceHandle,
    target: wanted.target,
    targetHandle: TARGET,
    zIndex: box ? 1002 : 0,
    data: { sourceType: source?.data.type ?? "", targetType: find(wanted.target)?.data.type ?? "", ...inside },
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

/** Adds a node; a container comes with its inner start. */
export function addNode(node: GraphNode): Change[] {
  const nodes = isContainer(node) ? newContainer(node) : [node];
  return nodes.map((after): Change => ({ on: "node", id: after.id, after }));
}

/** The same node as a member of a container, at a place relative to its frame. */
export function inside(document: StudioDocument, node: GraphNode, container: GraphNode): GraphNode {
  const at = absolute(document, container);
  return {
    ...node,
    parentId: container.id,
    extent: "parent",
    zIndex: 1002,
    positionAbsolute: { x: at.x + node.position.x, y: at.y + node.position.y },
    data: asMember(node.data, container),
  };
}

/** The changes with a frame around them that has grown where it had to. */
export function withRoom(document: StudioDocument, changes: readonly Change[], container: string | undefined, sizeOf: (node: GraphNode) => Size): Change[] {
  return [...changes, ...growToFit(apply(document, changes), container, sizeOf)];
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
  // What a data source asked for goes with it.
  const kept = document.inputs.filter((f) => !gone.has(f.belong_to_node_id));
  if (kept.length < document.inputs.length) changes.push({ on: "inputs", before: document.inputs, after: kept });
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
  return { ...node, position, positionAbsolute: absolute(document, { ...node, position }) };
}

export function resizeNode(document: StudioDocument, id: string, size: Size, position?: Point): Change[] {
  const before = document.nodes.get(id);
  if (!before) return [];
  const { width, height } = size;
  const place = position ?? before.position;
  if (before.width === width && before.height === height && before.position.x === place.x && before.position.y === place.y) return [];
  const after = { ...moved(document, before, place), width, height, data: { ...before.data, width, height } };
  return [{ on: "node", id, before, after }];
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

/** Another kind in the same place: keeps the place and the edges that still fit; what a container held goes. */
export function changeKind(document: StudioDocument, id: string, data: NodeData, portsOf: PortsOf): Change[] {
  const before = document.nodes.get(id);
  if (!before) return [];
  const holder = containerOf(before);
  const { width: _, height: __, ...frameless } = before;
  const plain: GraphNode = { ...frameless, data: asMember(data, holder === undefined ? undefined : document.nodes.get(holder)) };
  const nodes = isContainer(plain) ? newContainer(plain) : [plain];
  const after = nodes[0] ?? plain;
  const rules = portsOf(after);
  const changes = isContainer(before) ? removeInside(document, id) : [];
  const gone = new Set(changes.flatMap((c) => (c.on === "edge" ? [c.id] : [])));
  for (const edge of document.edges.values()) {
    if (gone.has(edge.id)) continue;
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
  for (const node of nodes.slice(1)) changes.push({ on: "node", id: node.id, before: document.nodes.get(node.id), after: node });
  return changes;
}

/** Everything a container holds, but not the container and its own edges. */
function removeInside(document: StudioDocument, id: string): Change[] {
  return removeNodes(document, [id]).filter((c) => {
    if (c.on === "node") return c.id !== id;
    return c.on !== "edge" || (c.before?.source !== id && c.before?.target !== id);
  });
}

/** A free place to the right of a port, below what is already connected there. */
export function placeAfter(document: StudioDocument, source: string, width = 188): Point {
  const from = document.nodes.get(source);
  if (!from) return { x: 80, y: 280 };
  const own = isContainer(from) ? boxSize(from).width : isInnerStart(from) ? 44 : width;
  const x = from.position.x + own + (STEP_X - width);
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
