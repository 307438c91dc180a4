/** What a node reads of others. Pure. */
import { childrenOf, isContainer } from "./containers";
import type { GraphNode, StudioDocument } from "./document";
import { references, type Selector } from "./references";

/** Every variable a node reads from outside of itself; a container reads what its nodes read. */
export function outsideReferences(document: StudioDocument, node: GraphNode): Selector[] {
  const inside = new Set([node.id]);
  const parts = [node];
  for (let i = 0; i < parts.length; i += 1) {
    const part = parts[i];
    if (!part || !isContainer(part)) continue;
    for (const child of childrenOf(document, part.id)) {
      inside.add(child.id);
      parts.push(child);
    }
  }
  const found = new Map<string, Selector>();
  for (const part of parts) {
    for (const selector of references(part.data)) {
      const [scope = ""] = selector;
      if (inside.has(scope) || scope === "env" || scope === "$output") continue;
      found.set(selector.join("."), selector);
    }
  }
  return [...found.values()];
}
