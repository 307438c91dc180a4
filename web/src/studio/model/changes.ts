/**
 * The only way a document changes. A change says what was and what is, so it can be inverted;
 * user edits, undo, redo and a version taken over from the server all go through `apply`.
 */
import type { Features, GraphEdge, GraphNode, StoredVariable, StudioDocument } from "./document";
import type { InputField } from "./inputs";

export type Change =
  | { readonly on: "node"; readonly id: string; readonly before?: GraphNode; readonly after?: GraphNode }
  | { readonly on: "edge"; readonly id: string; readonly before?: GraphEdge; readonly after?: GraphEdge }
  | { readonly on: "features"; readonly before: Features; readonly after: Features }
  | {
      readonly on: "environment" | "conversation";
      readonly before: readonly StoredVariable[];
      readonly after: readonly StoredVariable[];
    }
  | { readonly on: "inputs"; readonly before: readonly InputField[]; readonly after: readonly InputField[] };

export function apply(document: StudioDocument, changes: readonly Change[]): StudioDocument {
  if (changes.length === 0) return document;
  let { features, environment, conversation, inputs } = document;
  const nodes = changes.some((c) => c.on === "node") ? new Map(document.nodes) : document.nodes;
  const edges = changes.some((c) => c.on === "edge") ? new Map(document.edges) : document.edges;
  for (const change of changes) {
    switch (change.on) {
      case "node":
        put(nodes, change.id, change.after);
        break;
      case "edge":
        put(edges, change.id, change.after);
        break;
      case "features":
        features = change.after;
        break;
      case "environment":
        environment = change.after;
        break;
      case "conversation":
        conversation = change.after;
        break;
      case "inputs":
        inputs = change.after;
        break;
    }
  }
  return { ...document, nodes, edges, features, environment, conversation, inputs };
}

function put<T>(items: ReadonlyMap<string, T>, id: string, value: T | undefined): void {
  if (!(items instanceof Map)) return;
  if (value === undefined) items.delete(id);
  else items.set(id, value);
}

export function invert(changes: readonly Change[]): Change[] {
  return changes
    .map((change): Change => {
      switch (change.on) {
        case "node":
          return { on: "node", id: change.id, before: change.after, after: change.before };
        case "edge":
          return { on: "edge", id: change.id, before: change.after, after: change.before };
        case "features":
          return { on: "features", before: change.after, after: change.before };
        case "inputs":
          return { on: "inputs", before: change.after, after: change.before };
        default:
          return { on: change.on, before: change.after, after: change.before };
      }
    })
    .reverse();
}

/** The changes that turn `from` into `to`. */
export function difference(from: StudioDocument, to: StudioDocument): Change[] {
  const changes: Change[] = [];
  for (const [id, before] of from.edges) {
    const after = to.edges.get(id);
    if (!same(before, after)) changes.push({ on: "edge", id, before, after });
  }
  for (const [id, before] of from.nodes) {
    const after = to.nodes.get(id);
    if (!same(before, after)) changes.push({ on: "node", id, before, after });
  }
  for (const [id, after] of to.nodes) if (!from.nodes.has(id)) changes.push({ on: "node", id, after });
  for (const [id, after] of to.edges) if (!from.edges.has(id)) changes.push({ on: "edge", id, after });
  if (!same(from.features, to.features)) {
    changes.push({ on: "features", before: from.features, after: to.features });
  }
  for (const on of ["environment", "conversation"] satisfies ("environment" | "conversation")[]) {
    if (!same(from[on], to[on])) changes.push({ on, before: from[on], after: to[on] });
  }
  if (!same(from.inputs, to.inputs)) changes.push({ on: "inputs", before: from.inputs, after: to.inputs });
  return changes;
}

/** Structural equality of JSON values; key order does not matter, `undefined` equals absent. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((x, i) => same(x, b[i]));
  }
  const left = new Map(Object.entries(a).filter(([, v]) => v !== undefined));
  const right = new Map(Object.entries(b).filter(([, v]) => v !== undefined));
  if (left.size !== right.size) return false;
  for (const [key, value] of left) if (!right.has(key) || !same(value, right.get(key))) return false;
  return true;
}
