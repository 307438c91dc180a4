/** Copy and paste as JSON text, so nodes travel between tabs, apps and servers. */
import { z } from "zod";
import type { Change } from "./changes";
import { containerOf, edgeSchema, type GraphEdge, type GraphNode, nodeSchema, type Point, type StudioDocument } from "./document";
import { freeTitle, withChildren } from "./edits";
import { edgeId, newNodeId } from "./ids";
import { renameReferences } from "./references";

const MARK = "oxidify/graph";

const clipSchema = z.object({
  kind: z.literal(MARK),
  nodes: z.array(nodeSchema),
  edges: z.array(edgeSchema),
});

/** Nodes that start a run exist once; copying leaves them out unless the target has none. */
export function copy(document: StudioDocument, ids: readonly string[]): string | undefined {
  const chosen = withChildren(document, ids);
  const nodes = [...chosen].flatMap((id) => document.nodes.get(id) ?? []);
  if (nodes.length === 0) return undefined;
  const edges = [...document.edges.values()].filter((e) => chosen.has(e.source) && chosen.has(e.target));
  return JSON.stringify({ kind: MARK, nodes, edges });
}

export interface Pasted {
  readonly changes: Change[];
  readonly ids: string[];
}

/** Reads clipboard text; text that is not ours gives undefined. `at` is where the top left goes. */
export function paste(
  document: StudioDocument,
  text: string,
  at: Point | undefined,
  unique: (type: string) => boolean,
): Pasted | undefined {
  const clip = readClip(text);
  if (!clip) return undefined;
  const existing = new Set([...document.nodes.values()].map((n) => n.data.type));
  const nodes = clip.nodes.filter((n) => !(unique(n.data.type) && existing.has(n.data.type)));
  if (nodes.length === 0) return { changes: [], ids: [] };
  const ids = new Map<string, string>();
  for (const node of nodes) ids.set(node.id, newNodeId({ has: (id) => document.nodes.has(id) }));
  const roots = nodes.filter((n) => !n.parentId || !ids.has(n.parentId));
  const left = Math.min(...roots.map((n) => n.position.x));
  const top = Math.min(...roots.map((n) => n.position.y));
  const shift = at ? { x: at.x - left, y: at.y - top } : { x: 40, y: 40 };
  const titles: string[] = [];
  const changes: Change[] = [];
  for (const node of nodes) {
    const after = pastedNode(document, node, ids, shift, titles);
    titles.push(after.data.title);
    changes.push({ on: "node", id: after.id, after });
  }
  for (const edge of clip.edges) {
    const after = pastedEdge(edge, ids);
    if (after) changes.push({ on: "edge", id: after.id, after });
  }
  // A copy of a data source asks for the same.
  const asked = document.inputs.flatMap((f) => (ids.has(f.belong_to_node_id) ? { ...f, belong_to_node_id: ids.get(f.belong_to_node_id) ?? "" } : []));
  if (asked.length > 0) changes.push({ on: "inputs", before: document.inputs, after: [...document.inputs, ...asked] });
  return { changes, ids: roots.flatMap((n) => ids.get(n.id) ?? []) };
}

function readClip(text: string) {
  if (!text.includes(MARK)) return undefined;
  try {
    const parsed = clipSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function pastedNode(
  document: StudioDocument,
  node: GraphNode,
  ids: ReadonlyMap<string, string>,
  shift: Point,
  titles: readonly string[],
): GraphNode {
  const id = ids.get(node.id) ?? node.id;
  const holder = containerOf(node);
  const copied = holder === undefined ? undefined : ids.get(holder);
  // A copy of something inside a container stays inside it, as long as the container is there.
  const parent = copied ?? (holder !== undefined && document.nodes.has(holder) ? holder : undefined);
  const data = renameReferences(node.data, ids);
  for (const key of ["iteration_id", "loop_id", "start_node_id"]) {
    const old = data[key];
    if (typeof old === "string" && ids.has(old)) data[key] = ids.get(old);
  }
  if (!parent) for (const key of ["isInIteration", "iteration_id", "isInLoop", "loop_id"]) delete data[key];
  if (node.data.title) data.title = freeTitle(document, node.data.title, titles);
  const position = copied ? node.position : { x: node.position.x + shift.x, y: node.position.y + shift.y };
  const { parentId: _, positionAbsolute: __, ...others } = node;
  return { ...others, id, position, data, ...(parent ? { parentId: parent } : {}) };
}

function pastedEdge(edge: GraphEdge, ids: ReadonlyMap<string, string>): GraphEdge | undefined {
  const source = ids.get(edge.source);
  const target = ids.get(edge.target);
  if (!source || !target) return undefined;
  return { ...edge, id: edgeId(source, edge.sourceHandle, target), source, target };
}
