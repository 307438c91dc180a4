/** Which variables a node may use, with their types. */
import { ancestors } from "./connect";
import { childrenOf, isContainer } from "./containers";
import { containerOf, type GraphNode, type StudioDocument } from "./document";
import { inputScope, inputVariable, RAG, SHARED } from "./inputs";
import type { Selector } from "./references";

/** Types as the format spells them: string, number, boolean, object, file, secret, any, array[…]. */
export type VariableType = string;

export interface OutputVariable {
  readonly name: string;
  readonly type: VariableType;
  readonly children?: readonly OutputVariable[];
}

export interface AvailableVariable {
  readonly selector: Selector;
  readonly type: VariableType;
  readonly children?: readonly AvailableVariable[];
}

export type Scope = "node" | "sys" | "env" | "conversation" | "rag";

export interface VariableGroup {
  readonly scope: Scope;
  /** The node id, or the name of the scope; for fields of a pipeline also their owner: `rag.shared`. */
  readonly id: string;
  /** The title of the node, or of the data source that fields belong to; empty for scopes, which are named by the screen. */
  readonly title: string;
  /** The node's kind; empty for scopes. */
  readonly kind: string;
  readonly variables: readonly AvailableVariable[];
}

export type AppMode = "workflow" | "advanced-chat" | "rag-pipeline";
export type OutputsOf = (node: GraphNode) => readonly OutputVariable[];

/** What a file variable consists of. */
export const FILE_FIELDS: readonly OutputVariable[] = [
  { name: "name", type: "string" },
  { name: "size", type: "number" },
  { name: "type", type: "string" },
  { name: "extension", type: "string" },
  { name: "mime_type", type: "string" },
  { name: "transfer_method", type: "string" },
  { name: "url", type: "string" },
  { name: "related_id", type: "string" },
];

const SYSTEM: Record<AppMode, readonly OutputVariable[]> = {
  workflow: [
    { name: "user_id", type: "string" },
    { name: "app_id", type: "string" },
    { name: "workflow_id", type: "string" },
    { name: "workflow_run_id", type: "string" },
    { name: "timestamp", type: "number" },
  ],
  "advanced-chat": [
    { name: "query", type: "string" },
    { name: "files", type: "array[file]" },
    { name: "conversation_id", type: "string" },
    { name: "dialogue_count", type: "number" },
    { name: "user_id", type: "string" },
    { name: "app_id", type: "string" },
    { name: "workflow_id", type: "string" },
    { name: "workflow_run_id", type: "string" },
  ],
  "rag-pipeline": [
    { name: "dataset_id", type: "string" },
    { name: "document_id", type: "string" },
    { name: "original_document_id", type: "string" },
    { name: "batch", type: "string" },
    { name: "datasource_type", type: "string" },
    { name: "datasource_info", type: "object" },
    { name: "invoke_from", type: "string" },
  ],
};

/** Where the name of a variable begins in its selector: fields of a pipeline have their owner between. */
export function nameAt(selector: Selector): number {
  return selector[0] === RAG ? 2 : 1;
}

/**
 * Everything `id` may use: nodes before it (nearest first), then conversation, environment, system.
 * `inside`: with what a container holds, for the settings that look at the end of a round.
 */
export function available(
  document: StudioDocument,
  id: string,
  mode: AppMode,
  outputsOf: OutputsOf,
  inside = false,
): VariableGroup[] {
  const groups: VariableGroup[] = [];
  const node = document.nodes.get(id);
  const seen = new Set<string>();
  if (inside && node && isContainer(node)) {
    for (const child of childrenOf(document, id)) pushNode(groups, child, outputsOf(child));
    pushNode(groups, node, innerVariables(node));
  }
  let current = node;
  while (current) {
    for (const before of ancestors(document, current.id)) {
      const source = document.nodes.get(before);
      if (!source || seen.has(before)) continue;
      seen.add(before);
      pushNode(groups, source, outputsOf(source));
    }
    const container = containerOf(current);
    const parent = container === undefined ? undefined : document.nodes.get(container);
    if (parent) pushNode(groups, parent, innerVariables(parent));
    current = parent === current ? undefined : parent;
  }
  pushInputs(groups, document, [...seen, id]);
  pushScope(groups, "conversation", document.conversation.map((v) => ({ name: v.name, type: v.value_type })));
  pushScope(groups, "env", document.environment.map((v) => ({ name: v.name, type: v.value_type })));
  pushScope(groups, "sys", SYSTEM[mode]);
  return groups;
}

function pushNode(groups: VariableGroup[], node: GraphNode, outputs: readonly OutputVariable[]): void {
  if (outputs.length === 0) return;
  const variables = outputs.map((output) => expand([node.id], output));
  groups.push({ scope: "node", id: node.id, title: node.data.title, kind: node.data.type, variables });
}

function pushScope(groups: VariableGroup[], scope: Scope, outputs: readonly OutputVariable[]): void {
  if (outputs.length === 0) return;
  const variables = outputs.map((output) => expand([scope], output));
  groups.push({ scope, id: scope, title: "", kind: "", variables });
}

/** Fields that are asked for before this node runs: those of the data sources it comes after, and the shared ones. */
function pushInputs(groups: VariableGroup[], document: StudioDocument, before: readonly string[]): void {
  for (const owner of [...before, SHARED]) {
    const fields = document.inputs.filter((f) => f.belong_to_node_id === owner && f.variable);
    if (fields.length === 0) continue;
    const node = document.nodes.get(owner);
    const variables = fields.map((field) => expand([RAG, owner], inputVariable(field)));
    groups.push({ scope: "rag", id: inputScope(owner), title: node?.data.title ?? "", kind: node?.data.type ?? "", variables });
  }
}

function expand(prefix: Selector, output: OutputVariable): AvailableVariable {
  const selector = [...prefix, output.name];
  const children = output.children ?? (output.type === "file" ? FILE_FIELDS : undefined);
  if (!children) return { selector, type: output.type };
  return { selector, type: output.type, children: children.map((child) => expand(selector, child)) };
}

/** What a container offers to the nodes inside it. */
function innerVariables(container: GraphNode): OutputVariable[] {
  if (container.data.type === "iteration") {
    return [
      { name: "item", type: elementType(String(container.data.iterator_input_type ?? "array")) },
      { name: "index", type: "number" },
    ];
  }
  const { loop_variables: variables } = container.data;
  if (!Array.isArray(variables)) return [];
  return variables.flatMap((v: unknown) => {
    if (typeof v !== "object" || v === null || !("label" in v) || !("var_type" in v)) return [];
    return [{ name: String(v.label), type: String(v.var_type) }];
  });
}

export function elementType(type: VariableType): VariableType {
  return /^array\[(.+)\]$/.exec(type)?.[1] ?? "any";
}

/** Finds a selector in the groups; undefined means the reference is broken. */
export function resolve(groups: readonly VariableGroup[], selector: Selector): AvailableVariable | undefined {
  const first = nameAt(selector);
  const scope = selector.slice(0, first).join(".");
  const group = groups.find((g) => g.id === scope);
  let level: readonly AvailableVariable[] | undefined = group?.variables;
  let found: AvailableVariable | undefined;
  for (let depth = first; depth < selector.length; depth += 1) {
    const name = selector[depth];
    const next: AvailableVariable | undefined = level?.find((v) => v.selector[depth] === name);
    // Below an object whose fields we do not know, any path may exist.
    if (!next && found && (found.type === "object" || found.type === "any") && !found.children) {
      return { selector, type: "any" };
    }
    if (!next) return undefined;
    found = next;
    level = next.children;
  }
  return found;
}

/** Whether a value of `type` may be used where one of `wanted` is asked for. No wish means anything. */
export function fits(type: VariableType, wanted: readonly VariableType[] | undefined): boolean {
  if (!wanted || wanted.length === 0 || type === "any" || wanted.includes("any")) return true;
  return wanted.some((w) => {
    if (w === type) return true;
    if (w === "array") return type.startsWith("array");
    if (w === "string") return type === "secret";
    if (w === "number") return type === "integer" || type === "float";
    return false;
  });
}

/** All variables of the groups, flat, objects before their fields. */
export function flatten(groups: readonly VariableGroup[]): { group: VariableGroup; variable: AvailableVariable }[] {
  const out: { group: VariableGroup; variable: AvailableVariable }[] = [];
  const walk = (group: VariableGroup, variable: AvailableVariable) => {
    out.push({ group, variable });
    for (const child of variable.children ?? []) walk(group, child);
  };
  for (const group of groups) for (const variable of group.variables) walk(group, variable);
  return out;
}
