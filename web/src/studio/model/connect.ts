/** Which connections are legal: ports, pairs of kinds, containers, cycles. */
import { containerOf, type GraphEdge, type GraphNode, isNote, type StudioDocument } from "./document";

export const SOURCE = "source";
export const TARGET = "target";
export const FAIL = "fail-branch";

/** What the connection rules need to know about a kind; the registry supplies it. */
export interface PortRules {
  /** False for nodes that start a run. */
  readonly hasInput: boolean;
  /** Ids of the output ports, in order, without the error branch. Empty for nodes that end a run. */
  readonly outputs: readonly string[];
}

export type PortsOf = (node: GraphNode) => PortRules;

/** The output ports of a node with its error branch. */
export function outputPorts(node: GraphNode, portsOf: PortsOf): string[] {
  const ports = [...portsOf(node).outputs];
  if (node.data.error_strategy === FAIL) ports.push(FAIL);
  return ports;
}

export type Refusal = "self" | "note" | "missing" | "no-input" | "no-output" | "container" | "exists" | "cycle";

export interface Connection {
  readonly source: string;
  readonly sourceHandle: string;
  readonly target: string;
}

/** Why this connection cannot be made, or undefined if it can. */
export function refuse(document: StudioDocument, wanted: Connection, portsOf: PortsOf): Refusal | undefined {
  const source = document.nodes.get(wanted.source);
  const target = document.nodes.get(wanted.target);
  if (!source || !target) return "missing";
  if (source.id === target.id) return "self";
  if (isNote(source) || isNote(target)) return "note";
  if (containerOf(source) !== containerOf(target)) return "container";
  if (!portsOf(target).hasInput) return "no-input";
  if (!outputPorts(source, portsOf).includes(wanted.sourceHandle)) return "no-output";
  for (const edge of document.edges.values()) {
    const sameEnds = edge.source === wanted.source && edge.target === wanted.target;
    if (sameEnds && edge.sourceHandle === wanted.sourceHandle) return "exists";
  }
  return reaches(document, wanted.target, wanted.source) ? "cycle" : undefined;
}

/** True if there is a path of edges from `from` to `to`. */
export function reaches(document: StudioDocument, from: string, to: string): boolean {
  const next = outgoing(document);
  const seen = new Set<string>();
  const open = [from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === to) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    for (const edge of next.get(id) ?? []) open.push(edge.target);
  }
  return false;
}

export function outgoing(document: StudioDocument): Map<string, GraphEdge[]> {
  return group(document, (edge) => edge.source);
}

export function incoming(document: StudioDocument): Map<string, GraphEdge[]> {
  return group(document, (edge) => edge.target);
}

function group(document: StudioDocument, key: (edge: GraphEdge) => string): Map<string, GraphEdge[]> {
  const out = new Map<string, GraphEdge[]>();
  for (const edge of document.edges.values()) {
    const list = out.get(key(edge));
    if (list) list.push(edge);
    else out.set(key(edge), [edge]);
  }
  return out;
}

/** Every node from which `id` can be reached, nearest first. */
export function ancestors(document: StudioDocument, id: string): string[] {
  const back = incoming(document);
  const found: string[] = [];
  const seen = new Set([id]);
  let layer = [id];
  while (layer.length > 0) {
    const nextLayer: string[] = [];
    for (const current of layer) {
      for (const edge of back.get(current) ?? []) {
        if (seen.has(edge.source)) continue;
        seen.add(edge.source);
        found.push(edge.source);
        nextLayer.push(edge.source);
      }
    }
    layer = nextLayer;
  }
  return found;
}
