/** Tidy up: layers from left to right. Containers are laid out inside first. */
import { Graph, layout as runLayout } from "@dagrejs/dagre";
import type { Change } from "./changes";
import { outputPorts, type PortsOf } from "./connect";
import { INSET } from "./containers";
import { containerOf, type GraphNode, isNote, type Point, type StudioDocument } from "./document";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export type SizeOf = (node: GraphNode) => Size;

const GAP = { x: 60, y: 40 };
const PADDING = { left: INSET.left, top: INSET.top, right: INSET.right, bottom: INSET.bottom };

/** Changes that move every node (and resize containers) into a layered layout. */
export function tidy(document: StudioDocument, sizeOf: SizeOf, portsOf: PortsOf): Change[] {
  const sizes = new Map<string, Size>();
  const places = new Map<string, Point>();
  const byContainer = new Map<string | undefined, GraphNode[]>();
  for (const node of document.nodes.values()) {
    if (isNote(node)) continue;
    const key = containerOf(node);
    byContainer.set(key, [...(byContainer.get(key) ?? []), node]);
  }
  const arrange = (container: string | undefined): Size => {
    const nodes = byContainer.get(container) ?? [];
    for (const node of nodes) {
      sizes.set(node.id, byContainer.has(node.id) ? arrange(node.id) : sizeOf(node));
    }
    return arrangeLevel(document, nodes, sizes, places, portsOf, container !== undefined);
  };
  arrange(undefined);
  return toChanges(document, places, sizes, byContainer);
}

function arrangeLevel(
  document: StudioDocument,
  nodes: readonly GraphNode[],
  sizes: ReadonlyMap<string, Size>,
  places: Map<string, Point>,
  portsOf: PortsOf,
  inside: boolean,
): Size {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", align: "UL", nodesep: GAP.y, ranksep: GAP.x });
  graph.setDefaultEdgeLabel(() => ({}));
  const targets = byPort(document, nodes, portsOf);
  for (const node of nodes) graph.setNode(node.id, { ...(sizes.get(node.id) ?? { width: 188, height: 80 }) });
  for (const [source, list] of targets) for (const target of list) graph.setEdge(source, target);
  runLayout(graph, { customOrder: (layers, order) => order(layers, { constraints: topToBottom(layers, targets) }) });
  const offset = inside ? { x: PADDING.left, y: PADDING.top } : origin(nodes);
  let width = 0;
  let height = 0;
  for (const node of nodes) {
    const { x, y } = graph.node(node.id);
    const size = sizes.get(node.id) ?? { width: 188, height: 80 };
    const left = (x ?? 0) - size.width / 2;
    const top = (y ?? 0) - size.height / 2;
    places.set(node.id, { x: Math.round(left + offset.x), y: Math.round(top + offset.y) });
    width = Math.max(width, left + size.width);
    height = Math.max(height, top + size.height);
  }
  return { width: width + PADDING.left + PADDING.right, height: height + PADDING.top + PADDING.bottom };
}

/** What each node leads to, in the order of its ports. */
function byPort(document: StudioDocument, nodes: readonly GraphNode[], portsOf: PortsOf): Map<string, string[]> {
  const targets = new Map<string, string[]>();
  const ids = new Set(nodes.map((n) => n.id));
  for (const node of nodes) {
    const ports = outputPorts(node, portsOf);
    const rank = (handle: string) => (ports.includes(handle) ? ports.indexOf(handle) : ports.length);
    const own = [...document.edges.values()].filter((e) => e.source === node.id && ids.has(e.target));
    own.sort((a, b) => rank(a.sourceHandle) - rank(b.sourceHandle));
    targets.set(node.id, [...new Set(own.map((e) => e.target))]);
  }
  return targets;
}

/**
 * Branches stay in the order of their ports: in every layer the way to an earlier one is above the way to a later one.
 * `layers` has a stand-in on every layer that an edge passes. Two nodes may wish for opposite orders; the first wins.
 */
function topToBottom(layers: Graph, targets: ReadonlyMap<string, readonly string[]>): { left: string; right: string }[] {
  const out: { left: string; right: string }[] = [];
  const below = new Map<string, Set<string>>();
  const isBelow = (from: string, to: string): boolean => from === to || [...(below.get(from) ?? [])].some((next) => isBelow(next, to));
  const put = (left: string, right: string) => {
    if (left === right || isBelow(right, left)) return;
    below.set(left, (below.get(left) ?? new Set()).add(right));
    out.push({ left, right });
  };
  for (const [source, list] of targets) {
    const ways = list.map((target) => wayTo(layers, source, target));
    for (const [i, way] of ways.entries()) {
      const next = ways[i + 1] ?? [];
      for (const [layer, left] of way.entries()) if (next[layer] !== undefined) put(left, next[layer]);
    }
  }
  return out;
}

/** The stand-ins from a node to another one, and that one. */
function wayTo(layers: Graph, source: string, target: string): string[] {
  const leadsTo = (id: string) => id === target || layers.node(id)?.edgeObj?.w === target;
  const way: string[] = [];
  let at: string | undefined = layers.successors(source)?.find((id: string) => leadsTo(id) && (id === target || layers.node(id)?.edgeObj?.v === source));
  while (at !== undefined) {
    way.push(at);
    at = at === target ? undefined : layers.successors(at)?.[0];
  }
  return way;
}

/** The layout starts where the graph started, so the view does not jump. */
function origin(nodes: readonly GraphNode[]): Point {
  if (nodes.length === 0) return { x: 0, y: 0 };
  return {
    x: Math.min(...nodes.map((n) => n.position.x)),
    y: Math.min(...nodes.map((n) => n.position.y)),
  };
}

function toChanges(
  document: StudioDocument,
  places: ReadonlyMap<string, Point>,
  sizes: ReadonlyMap<string, Size>,
  containers: ReadonlyMap<string | undefined, GraphNode[]>,
): Change[] {
  const changes: Change[] = [];
  for (const [id, position] of places) {
    const before = document.nodes.get(id);
    if (!before) continue;
    const size = containers.has(id) ? sizes.get(id) : undefined;
    const grown = size && (before.width !== size.width || before.height !== size.height);
    if (before.position.x === position.x && before.position.y === position.y && !grown) continue;
    const parent = before.parentId ? places.get(before.parentId) : undefined;
    const positionAbsolute = parent ? { x: parent.x + position.x, y: parent.y + position.y } : position;
    changes.push({ on: "node", id, before, after: { ...before, ...size, ...(size ? { data: { ...before.data, ...size } } : {}), position, positionAbsolute } });
  }
  return changes;
}
