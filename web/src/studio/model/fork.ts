/** What a node read in a recorded run: the values that a fork may begin with other ones of. Pure. */
import type { GraphNode, StudioDocument } from "./document";
import { outsideReferences } from "./outside";
import type { Selector } from "./references";
import { resolve, type VariableGroup } from "./variables";

export interface Read {
  readonly selector: Selector;
  /** How a fork is given this value. */
  readonly key: string;
  readonly type: string;
  readonly value: unknown;
}

interface Recorded {
  readonly document: StudioDocument;
  readonly node: GraphNode;
  /** What the node may use, with types. */
  readonly groups: VariableGroup[];
  /** What the run began with. */
  readonly inputs: unknown;
  readonly valueOf: (selector: Selector) => unknown;
}

const EDITABLE = /^(string|number|integer|float|boolean|object|any|array\[(string|number|object|boolean)\])$/;

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array[object]";
  if (typeof value === "number" || typeof value === "boolean") return typeof value;
  return typeof value === "object" && value !== null ? "object" : "string";
}

/** A start node read the form; every other one, the variables in its settings. */
export function readsOf({ document, node, groups, inputs, valueOf }: Recorded): Read[] {
  if (node.data.type === "start") {
    const entries = typeof inputs === "object" && inputs !== null ? Object.entries(inputs).filter(([name]) => !name.startsWith("sys.")) : [];
    return entries.map(([name, value]) => ({ selector: [name], key: name, type: typeOf(value), value }));
  }
  return outsideReferences(document, node)
    .filter((s) => s[0] !== "sys" && s[0] !== "conversation")
    .map((selector) => {
      const value = valueOf(selector);
      const known = resolve(groups, selector)?.type;
      return { selector, key: `#${selector.join(".")}#`, type: known && known !== "any" ? known : typeOf(value), value };
    })
    .filter(({ value, type }) => value !== undefined && EDITABLE.test(type));
}

/** The value at a path into what a node gave. */
export function valueAt(outputs: unknown, path: readonly string[]): unknown {
  let value = outputs;
  for (const key of path) value = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return value;
}
