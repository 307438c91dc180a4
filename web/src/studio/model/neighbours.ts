/** The nearest node in a direction, for the arrow keys; and who uses a node's variables. */
import { absolute } from "./containers";
import { isNote, type StudioDocument } from "./document";
import { references } from "./references";

export type Direction = "left" | "right" | "up" | "down";

/**
 * Connected nodes win (right follows edges out, left follows edges in); otherwise the nearest
 * node whose direction is mostly the one asked for.
 */
export function neighbour(document: StudioDocument, id: string, direction: Direction): string | undefined {
  const from = document.nodes.get(id);
  if (!from) return undefined;
  const here = absolute(document, from);
  const connected = new Set<string>();
  for (const edge of document.edges.values()) {
    if (direction === "right" && edge.source === id) connected.add(edge.target);
    if (direction === "left" && edge.target === id) connected.add(edge.source);
  }
  let best: { id: string; cost: number } | undefined;
  for (const node of document.nodes.values()) {
    if (node.id === id || isNote(node)) continue;
    const there = absolute(document, node);
    const dx = there.x - here.x;
    const dy = there.y - here.y;
    const along = { left: -dx, right: dx, up: -dy, down: dy }[direction];
    const across = direction === "left" || direction === "right" ? Math.abs(dy) : Math.abs(dx);
    const linked = connected.has(node.id);
    if (!linked && (along <= 0 || across > along * 2)) continue;
    const cost = (linked ? 0 : 1_000_000) + Math.abs(along) + across * 2;
    if (!best || cost < best.cost) best = { id: node.id, cost };
  }
  return best?.id;
}

/** Nodes whose settings read a variable of `id`. */
export function users(document: StudioDocument, id: string, field?: string): string[] {
  return [...document.nodes.values()]
    .filter((node) => node.id !== id)
    .filter((node) => references(node.data).some((s) => s[0] === id && (field === undefined || s[1] === field)))
    .map((node) => node.id);
}

/** Nodes whose variables the settings of `id` read. */
export function uses(document: StudioDocument, id: string): string[] {
  const node = document.nodes.get(id);
  if (!node) return [];
  const ids = references(node.data).map((s) => s[0] ?? "");
  return [...new Set(ids)].filter((other) => document.nodes.has(other) && other !== id);
}
