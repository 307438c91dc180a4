/** Tidy up: layers from left to right. Containers are laid out inside first. */
import { Graph, layout as runLayout } from "@dagrejs/dagre";
import type { Change } from "./changes";
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
export function tidy(document: StudioDocument, sizeOf: SizeOf): Change[] {
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
    return arrangeLevel(document, nodes, sizes, places, container !== undefined);
  };
  arrange(undefined);
  return toChanges(document, places, sizes, byContainer);
}

function arrangeLevel(
  document: StudioDocument,
  nodes: readonly GraphNode[],
  sizes: ReadonlyMap<string, Size>,
  places: Map<string, Point>,
  inside: boolean,
): Size {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", align: "UL", nodesep: GAP.y, ranksep: GAP.x });
  graph.setDefaultEdgeLabel(() => ({}));
  const ids = new Set(nodes.map((n) => n.id));
  for (const node of nodes) graph.setNode(node.id, { ...(sizes.get(node.id) ?? { width: 188, height: 80 }) });
  for (const edge of document.edges.values()) {
    if (ids.has(edge.source) && ids.has(edge.target)) graph.setEdge(edge.source, edge.target);
  }
  runLayout(graph);
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
