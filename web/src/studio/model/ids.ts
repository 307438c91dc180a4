/** Ids as the editor of the format makes them: digits of a millisecond clock, never twice on one page. */
let last = 0;

export function newNodeId(taken: { has(id: string): boolean }, now = Date.now()): string {
  last = Math.max(last + 1, now);
  while (taken.has(String(last))) last += 1;
  return String(last);
}

export function edgeId(source: string, sourceHandle: string, target: string): string {
  return `${source}-${sourceHandle}-${target}-target`;
}
