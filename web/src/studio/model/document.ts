/**
 * The graph as a document: what a draft holds, in the shape the API and DSL files use.
 * Unknown fields are kept and written back. Nothing here knows about React or the server.
 */
import { z } from "zod";
import { withInnerStarts } from "./containers";
import { edgeId } from "./ids";
import { type InputField, inputFieldsSchema } from "./inputs";

export const pointSchema = z.object({ x: z.number(), y: z.number() });
export type Point = z.infer<typeof pointSchema>;

const dataSchema = z.looseObject({ type: z.string().default(""), title: z.string().default("") });
export type NodeData = z.infer<typeof dataSchema>;

export const nodeSchema = z.looseObject({
  id: z.string(),
  type: z.string().default("custom"),
  position: pointSchema.catch({ x: 0, y: 0 }),
  data: dataSchema,
  parentId: z.string().optional().catch(undefined),
  width: z.number().optional().catch(undefined),
  height: z.number().optional().catch(undefined),
});
export type GraphNode = z.infer<typeof nodeSchema>;

export const edgeSchema = z.looseObject({
  id: z.string(),
  source: z.string(),
  target: z.string(),
  sourceHandle: z.string().nullish().transform((h) => h || "source"),
  targetHandle: z.string().nullish().transform((h) => h || "target"),
  type: z.string().default("custom"),
});
export type GraphEdge = z.infer<typeof edgeSchema>;

export const variableSchema = z.looseObject({
  id: z.string().default(""),
  name: z.string(),
  value_type: z.string(),
  value: z.unknown().optional(),
  description: z.string().nullish().transform((d) => d ?? ""),
});
/** An environment or conversation variable. */
export type StoredVariable = z.infer<typeof variableSchema>;

const viewportSchema = z.object({ x: z.number(), y: z.number(), zoom: z.number() });
export type Viewport = z.infer<typeof viewportSchema>;

const recordSchema = z.record(z.string(), z.unknown());
export type Features = z.infer<typeof recordSchema>;

export interface StudioDocument {
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly edges: ReadonlyMap<string, GraphEdge>;
  readonly features: Features;
  readonly environment: readonly StoredVariable[];
  readonly conversation: readonly StoredVariable[];
  /** What a knowledge pipeline asks for; empty for apps. */
  readonly inputs: readonly InputField[];
  /** Keys of `graph` that we do not know. */
  readonly rest: Readonly<Record<string, unknown>>;
}

export const emptyDocument: StudioDocument = {
  nodes: new Map(),
  edges: new Map(),
  features: {},
  environment: [],
  conversation: [],
  inputs: [],
  rest: {},
};

/** The top-level type of a note; notes are drawn and saved but never run. */
export const NOTE = "custom-note";

export function isNote(node: GraphNode): boolean {
  return node.type === NOTE;
}

/** The container a node lives in. Data flags decide; `parentId` is for drawing only. */
export function containerOf(node: GraphNode): string | undefined {
  const { iteration_id: iteration, loop_id: loop } = node.data;
  // Both are set only by hand or by old editors: the drawing tells which is the inner one.
  if (iteration && loop && node.parentId === loop) return node.parentId;
  if (typeof iteration === "string" && iteration) return iteration;
  if (typeof loop === "string" && loop) return loop;
  return node.parentId;
}

const graphSchema = z.looseObject({
  nodes: z.array(z.unknown()).catch([]),
  edges: z.array(z.unknown()).catch([]),
  viewport: viewportSchema.optional().catch(undefined),
});

const draftSchema = z.looseObject({
  graph: graphSchema.catch({ nodes: [], edges: [], viewport: undefined }),
  features: recordSchema.catch({}),
  environment_variables: z.array(variableSchema).catch([]),
  conversation_variables: z.array(variableSchema).catch([]),
  rag_pipeline_variables: inputFieldsSchema,
});

/** Reads a draft or version as the API returns it. Never throws: what cannot be read is left out. */
export function readDocument(json: unknown): { document: StudioDocument; viewport: Viewport | undefined } {
  const draft = draftSchema.safeParse(json);
  if (!draft.success) return { document: emptyDocument, viewport: undefined };
  const { graph, features, environment_variables, conversation_variables, rag_pipeline_variables } = draft.data;
  const { nodes: rawNodes, edges: rawEdges, viewport, ...rest } = graph;
  const nodes = new Map<string, GraphNode>();
  for (const raw of rawNodes) {
    const parsed = nodeSchema.safeParse(raw);
    if (parsed.success) nodes.set(parsed.data.id, migrateNode(parsed.data));
  }
  const edges = new Map<string, GraphEdge>();
  for (const raw of rawEdges) {
    const parsed = edgeSchema.safeParse(raw);
    if (parsed.success && nodes.has(parsed.data.source) && nodes.has(parsed.data.target)) {
      edges.set(parsed.data.id, parsed.data);
    }
  }
  withInnerStarts(nodes, (source, target) => {
    const id = edgeId(source.id, "source", target.id);
    edges.set(id, { id, type: "custom", source: source.id, sourceHandle: "source", target: target.id, targetHandle: "target", zIndex: 1002, data: { isInIteration: Boolean(source.data.isInIteration), isInLoop: Boolean(source.data.isInLoop), sourceType: source.data.type, targetType: target.data.type } });
  });
  return {
    document: {
      nodes,
      edges,
      features,
      environment: environment_variables,
      conversation: conversation_variables,
      inputs: rag_pipeline_variables,
      rest,
    },
    viewport,
  };
}

/** Old spellings the editor brings up to date when it opens a graph. */
function migrateNode(node: GraphNode): GraphNode {
  const { data } = node;
  if (data.type === "if-else" && !Array.isArray(data.cases) && Array.isArray(data.conditions)) {
    const { logical_operator, conditions, ...others } = data;
    const first = { case_id: "true", logical_operator: logical_operator ?? "and", conditions };
    return { ...node, data: { ...others, type: data.type, title: data.title, cases: [first] } };
  }
  if (data.type === "http-request" && data.retry_config === undefined) {
    return {
      ...node,
      data: { ...data, retry_config: { retry_enabled: true, max_retries: 3, retry_interval: 100 } },
    };
  }
  return node;
}

const UI_NODE_KEYS = new Set(["selected", "dragging", "measured", "internals", "resizing"]);

/** Drops what only the screen needs: selection, drag state, keys that start with `_`. */
function withoutScreenState(item: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(item)) {
    if (UI_NODE_KEYS.has(key) || key.startsWith("_") || value === undefined) continue;
    out[key] = value;
  }
  const { data } = item;
  if (typeof data === "object" && data !== null) {
    out.data = Object.fromEntries(
      Object.entries(data).filter(([key, value]) => !key.startsWith("_") && key !== "selected" && value !== undefined),
    );
  }
  return out;
}

/** The `graph` object as it is saved. */
export function writeGraph(document: StudioDocument, viewport: Viewport): Record<string, unknown> {
  return {
    ...document.rest,
    nodes: [...document.nodes.values()].map(withoutScreenState),
    edges: [...document.edges.values()].map(withoutScreenState),
    viewport,
  };
}
