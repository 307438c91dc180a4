/** Small graphs for the tests of the model. */
import type { PortRules } from "./connect";
import { type GraphNode, readDocument, type StudioDocument } from "./document";
import type { OutputVariable } from "./variables";

export function node(id: string, type: string, data: Record<string, unknown> = {}, x = 0, y = 0): unknown {
  return { id, type: "custom", position: { x, y }, data: { type, title: data.title ?? id, ...data } };
}

export function edge(source: string, target: string, sourceHandle = "source"): unknown {
  return { id: `${source}-${sourceHandle}-${target}-target`, source, sourceHandle, target, targetHandle: "target", type: "custom" };
}

export function graph(nodes: unknown[], edges: unknown[] = [], extra: Record<string, unknown> = {}): StudioDocument {
  return readDocument({ graph: { nodes, edges }, features: {}, ...extra }).document;
}

/** Port rules of the kinds the tests use. */
export function portsOf(item: GraphNode): PortRules {
  switch (item.data.type) {
    case "start":
      return { hasInput: false, outputs: ["source"] };
    case "end":
      return { hasInput: true, outputs: [] };
    case "if-else": {
      const cases = Array.isArray(item.data.cases) ? item.data.cases : [];
      return { hasInput: true, outputs: [...cases.map((c: { case_id: string }) => c.case_id), "false"] };
    }
    default:
      return { hasInput: true, outputs: ["source"] };
  }
}

export function outputsOf(item: GraphNode): OutputVariable[] {
  switch (item.data.type) {
    case "start":
      return [
        { name: "topic", type: "string" },
        { name: "doc", type: "file" },
      ];
    case "llm":
      return [
        { name: "text", type: "string" },
        { name: "usage", type: "object" },
      ];
    case "code":
      return [{ name: "result", type: "array[string]" }];
    default:
      return [];
  }
}
