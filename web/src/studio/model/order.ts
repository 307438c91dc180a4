/** The nodes in the order a reader follows them: by depth from the start, children under their container. */
import { incoming } from "./connect";
import { containerOf, type GraphNode, type StudioDocument } from "./document";

export interface OrderedNode {
  readonly node: GraphNode;
  /** 1 for the top level, 2 inside a container. */
  readonly level: number;
}

export function inOrder(document: StudioDocument): OrderedNode[] {
  const before = incoming(document);
  const rank = new Map<string, number>();
  const visiting = new Set<string>();
  const rankOf = (id: string): number => {
    const known = rank.get(id);
    if (known !== undefined) return known;
    if (visiting.has(id)) return 0;
    visiting.add(id);
    const value = 1 + Math.max(-1, ...(before.get(id) ?? []).map((e) => rankOf(e.source)));
    visiting.delete(id);
    rank.set(id, value);
    return value;
  };
  const level = (container: string | undefined, depth: number): OrderedNode[] =>
    [...document.nodes.values()]
      .filter((n) => containerOf(n) === container && n.id !== container)
      .sort((a, b) => rankOf(a.id) - rankOf(b.id) || a.position.y - b.position.y)
      .flatMap((node) => [{ node, level: depth }, ...level(node.id, depth + 1)]);
  return level(undefined, 1);
}
