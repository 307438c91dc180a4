/** Where a node's settings name variables: `{{#node.field#}}` in text and selectors `[node, field]`. */
import type { NodeData } from "./document";

export type Selector = readonly string[];

/** Names in front of variables that belong to no node. */
export const SCOPES: ReadonlySet<string> = new Set(["sys", "env", "conversation", "rag"]);

/** `{{#node.field#}}`; the fields of a pipeline name their owner between: `{{#rag.owner.field#}}`, and that may be a node. */
const TEMPLATE = /\{\{#((?:rag\.)?[A-Za-z0-9_]{1,50}(?:\.[A-Za-z_][A-Za-z0-9_]{0,29}){1,10})#\}\}/g;

/** The selectors in a text, in order. `{{#context#}}` and its like are not variables. */
export function selectorsInText(text: string): Selector[] {
  return [...text.matchAll(TEMPLATE)].flatMap((m) => (m[1] ? [m[1].split(".")] : []));
}

export function asTemplate(selector: Selector): string {
  return `{{#${selector.join(".")}#}}`;
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((v) => typeof v === "string");
}

/** Keys whose value is a selector. */
const SELECTOR_KEY = /(^|_)selector$|^file$|^variable$|^query$/;

/** Every variable a node's settings use, each once. */
export function references(data: NodeData): Selector[] {
  const found = new Map<string, Selector>();
  const add = (selector: Selector) => {
    if (selector.length >= 2 && selector[0]) found.set(selector.join("."), selector);
  };
  visit(data, "", (value, key) => {
    if (typeof value === "string") selectorsInText(value).forEach(add);
    else if (isStrings(value) && isSelectorPlace(value, key)) add(value);
  });
  return [...found.values()];
}

function isSelectorPlace(value: readonly string[], key: string): boolean {
  return SELECTOR_KEY.test(key) || (key === "variables[]" && value.length >= 2);
}

function visit(value: unknown, key: string, see: (value: unknown, key: string) => void): void {
  see(value, key);
  if (Array.isArray(value)) {
    if (!(isStrings(value) && isSelectorPlace(value, key))) for (const item of value) visit(item, `${key}[]`, see);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, item] of Object.entries(value)) visit(item, placeName(value, name), see);
  }
}

/** `value` next to a "this is a variable" mark holds a selector (tool inputs, loop variables, assigner rows). */
function placeName(owner: object, name: string): string {
  if (name !== "value") return name;
  const marks = ["type", "value_type", "input_type"].map((key): unknown => Reflect.get(owner, key));
  return marks.includes("variable") ? "value_selector" : name;
}

/** The same settings with every selector passed through `map`. */
export function mapReferences(data: NodeData, map: (selector: Selector) => Selector): NodeData {
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === "string") {
      return value.replace(TEMPLATE, (whole, path: string) => {
        const from = path.split(".");
        const to = map(from);
        return to === from ? whole : asTemplate(to);
      });
    }
    if (Array.isArray(value)) {
      if (isStrings(value) && isSelectorPlace(value, key)) return [...map(value)];
      return value.map((item) => walk(item, `${key}[]`));
    }
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item, placeName(value, name))]));
    }
    return value;
  };
  const entries = Object.entries(data).map(([key, value]) => [key, walk(value, key)]);
  return { ...Object.fromEntries(entries), type: data.type, title: data.title };
}

/** Points selectors at new node ids (paste). */
export function renameReferences(data: NodeData, ids: ReadonlyMap<string, string>): NodeData {
  return mapReferences(data, (selector) => {
    const at = selector[0] === "rag" ? 1 : 0;
    const to = ids.get(selector[at] ?? "");
    return to === undefined ? selector : selector.toSpliced(at, 1, to);
  });
}

/** Follows a renamed field: `[node, before, …]` becomes `[node, after, …]`. A scope may have two parts: `rag.shared`. */
export function renameField(data: NodeData, scope: string, before: string, after: string): NodeData {
  const head = [...scope.split("."), before];
  const at = head.length - 1;
  return mapReferences(data, (selector) => (head.every((part, i) => selector[i] === part) ? selector.toSpliced(at, 1, after) : selector));
}
