/** What stands between the draft and publishing. Pure: kinds bring their own checks. */
import { incoming, outgoing, type PortsOf } from "./connect";
import { childrenOf, isContainer, isInnerStart } from "./containers";
import { containerOf, type GraphNode, isNote, type StudioDocument } from "./document";
import { pipelineProblems } from "./pipelineProblems";
import { references, SCOPES } from "./references";
import { type AppMode, available, nameAt, type OutputsOf, resolve, type VariableGroup } from "./variables";

/** `code` is an i18n key under `problems`; `values` fill its text. */
export interface Problem {
  readonly node: string | undefined;
  readonly code: string;
  readonly values?: Readonly<Record<string, string | number>>;
  /** A warning does not stop publishing. */
  readonly warning?: boolean;
}

export interface CheckContext {
  readonly variables: readonly VariableGroup[];
  readonly mode: AppMode;
  /** For a container: how many nodes it holds besides its start. */
  readonly held?: number;
}

export interface KindRules {
  readonly portsOf: PortsOf;
  readonly outputsOf: OutputsOf;
  readonly starts: (type: string) => boolean;
  readonly check: (node: GraphNode, context: CheckContext) => readonly Omit<Problem, "node">[];
}

const MAX_DEPTH = 50;
const MAX_PARALLEL = 10;

export function findProblems(document: StudioDocument, mode: AppMode, rules: KindRules): Problem[] {
  const nodes = [...document.nodes.values()].filter((n) => !isNote(n));
  const out: Problem[] = [...graphProblems(document, nodes, mode, rules)];
  for (const node of nodes) {
    const variables = available(document, node.id, mode, rules.outputsOf, true);
    out.push(...brokenReferences(document, node, variables));
    const held = isContainer(node) ? childrenOf(document, node.id).filter((n) => !isInnerStart(n)).length : undefined;
    for (const problem of rules.check(node, { variables, mode, held })) out.push({ ...problem, node: node.id });
  }
  return out;
}

function graphProblems(
  document: StudioDocument,
  nodes: readonly GraphNode[],
  mode: AppMode,
  rules: KindRules,
): Problem[] {
  const roots = nodes.filter((n) => rules.starts(n.data.type));
  const out: Problem[] = mode === "rag-pipeline" ? pipelineProblems(document, nodes) : appProblems(nodes, roots, mode);
  const reached = reachable(document, [...roots, ...nodes.filter(isInnerStart)]);
  for (const node of nodes) {
    if (!reached.has(node.id) && rules.portsOf(node).hasInput) {
      out.push({ node: node.id, code: (incoming(document).get(node.id) ?? []).length > 0 ? "unreachable" : "notConnected" });
    }
  }
  for (const [id, edges] of outgoing(document)) {
    const perPort = new Map<string, number>();
    for (const edge of edges) perPort.set(edge.sourceHandle, (perPort.get(edge.sourceHandle) ?? 0) + 1);
    for (const count of perPort.values()) {
      if (count > MAX_PARALLEL) out.push({ node: id, code: "tooManyParallel", values: { count, limit: MAX_PARALLEL } });
    }
  }
  const depth = longestPath(document, roots);
  if (depth > MAX_DEPTH) out.push({ node: undefined, code: "tooDeep", values: { count: depth, limit: MAX_DEPTH } });
  return out;
}

/** How an app starts, and what it answers with. */
function appProblems(nodes: readonly GraphNode[], roots: readonly GraphNode[], mode: AppMode): Problem[] {
  const out: Problem[] = [];
  const triggers = roots.some((n) => n.data.type !== "start");
  if (roots.length === 0) out.push({ node: undefined, code: "noStart" });
  if (triggers && roots.some((n) => n.data.type === "start")) out.push({ node: undefined, code: "startAndTrigger" });
  if (triggers && mode !== "workflow") out.push({ node: undefined, code: "triggerInChat" });
  const last = mode === "workflow" ? "end" : "answer";
  if (!triggers && !nodes.some((n) => n.data.type === last)) {
    out.push({ node: undefined, code: mode === "workflow" ? "noOutput" : "noAnswer" });
  }
  const schedules = roots.filter((n) => n.data.type === "trigger-schedule").length;
  if (schedules > 1) out.push({ node: undefined, code: "oneSchedule" });
  return out;
}

function reachable(document: StudioDocument, roots: readonly GraphNode[]): Set<string> {
  const next = outgoing(document);
  const seen = new Set(roots.map((n) => n.id));
  const open = [...seen];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const edge of next.get(id) ?? []) {
      if (!seen.has(edge.target)) {
        seen.add(edge.target);
        open.push(edge.target);
      }
    }
  }
  return seen;
}

function longestPath(document: StudioDocument, roots: readonly GraphNode[]): number {
  const next = outgoing(document);
  const memo = new Map<string, number>();
  const visiting = new Set<string>();
  const depth = (id: string): number => {
    const known = memo.get(id);
    if (known !== undefined) return known;
    if (visiting.has(id)) return 0;
    visiting.add(id);
    const below = (next.get(id) ?? []).map((edge) => depth(edge.target));
    visiting.delete(id);
    const result = 1 + Math.max(0, ...below);
    memo.set(id, result);
    return result;
  };
  return Math.max(0, ...roots.map((n) => depth(n.id)));
}

/** References to variables that do not exist or do not come before this node. */
function brokenReferences(
  document: StudioDocument,
  node: GraphNode,
  variables: readonly VariableGroup[],
): Problem[] {
  const out: Problem[] = [];
  for (const selector of references(node.data)) {
    const first = nameAt(selector);
    // Who gives the variable: a node, a scope, or for fields of a pipeline their owner.
    const scope = selector[first - 1] ?? "";
    const field = selector[first] ?? "";
    if (scope === node.id && first === 1) continue;
    if (resolve(variables, selector)) continue;
    if (first === 1 && containerOf(document.nodes.get(scope) ?? node) === node.id) continue;
    const title = document.nodes.get(scope)?.data.title ?? scope;
    const values = { variable: `${title} / ${selector.slice(first).join(".")}`, title, field };
    if (first > 1 || (!document.nodes.has(scope) && !SCOPES.has(scope))) {
      out.push({ node: node.id, code: "variableGone", values });
    } else if (document.nodes.has(scope) && !variables.some((g) => g.id === scope)) {
      out.push({ node: node.id, code: "variableNotBefore", values });
    } else if (scope !== "sys") {
      out.push({ node: node.id, code: "variableGone", values });
    }
  }
  return out;
}
