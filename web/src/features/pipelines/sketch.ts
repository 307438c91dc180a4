/** The places of nodes for a small picture of a graph. Pure. */
import type { GraphView } from "../../data/pipelines";

export const NODE = { width: 148, height: 34 };
/** Nodes of the canvas are wider and taller than those of the picture. */
const SCALE = { x: 0.72, y: 0.5 };

export interface Box {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly x: number;
  readonly y: number;
}

export function boxesOf(graph: GraphView): Box[] {
  const nodes = (graph.nodes ?? []).filter((node) => node.type !== "custom-note" && !node.parentId && node.position);
  const left = Math.min(...nodes.map((node) => node.position?.x ?? 0));
  const top = Math.min(...nodes.map((node) => node.position?.y ?? 0));
  return nodes.map((node) => ({
    id: node.id,
    kind: typeof node.data?.type === "string" ? node.data.type : "",
    title: typeof node.data?.title === "string" ? node.data.title : node.id,
    x: Math.round(((node.position?.x ?? 0) - left) * SCALE.x),
    y: Math.round(((node.position?.y ?? 0) - top) * SCALE.y),
  }));
}

export function linesOf(graph: GraphView, boxes: readonly Box[]): { readonly id: string; readonly path: string }[] {
  const byId = new Map(boxes.map((box) => [box.id, box]));
  return (graph.edges ?? []).flatMap((edge) => {
    const from = byId.get(edge.source);
    const to = byId.get(edge.target);
    if (!from || !to) return [];
    const [x1, y1, x2, y2] = [from.x + NODE.width, from.y + NODE.height / 2, to.x, to.y + NODE.height / 2];
    const bend = Math.max(16, (x2 - x1) / 2);
    return [{ id: `${edge.source}-${edge.target}`, path: `M ${x1} ${y1} C ${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` }];
  });
}

export function sizeOf(boxes: readonly Box[]): { readonly width: number; readonly height: number } {
  return {
    width: Math.max(NODE.width, ...boxes.map((box) => box.x + NODE.width)),
    height: Math.max(NODE.height, ...boxes.map((box) => box.y + NODE.height)),
  };
}
