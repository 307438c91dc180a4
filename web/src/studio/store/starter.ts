/** What a new draft starts with: a start node; a chatflow also gets a model and an answer, ready to talk; a pipeline files and a knowledge base. */
import { emptyDocument, type GraphNode, type StudioDocument } from "../model/document";
import { makeEdge, STEP_X } from "../model/edits";
import { newNodeId } from "../model/ids";
import type { AppMode } from "../model/variables";
import { kindOf } from "../nodes/registry";

const FEATURES = {
  opening_statement: "",
  suggested_questions: [],
  suggested_questions_after_answer: { enabled: false },
  text_to_speech: { enabled: false, voice: "", language: "" },
  speech_to_text: { enabled: false },
  retriever_resource: { enabled: true },
  sensitive_word_avoidance: { enabled: false },
  file_upload: { enabled: false },
};

export interface StarterModel {
  readonly provider: string;
  readonly name: string;
  readonly mode: string;
}

export function starter(mode: AppMode, titles: (kind: string) => string, model: StarterModel | undefined): StudioDocument {
  const nodes = new Map<string, GraphNode>();
  const add = (type: string, column: number, extra: Record<string, unknown> = {}): GraphNode => {
    const position = { x: 80 + column * STEP_X, y: 200 };
    const data = { ...kindOf(type).defaults({ mode, model: undefined }), ...extra, type, title: titles(type), desc: "" };
    const node: GraphNode = { id: newNodeId(nodes), type: "custom", position, positionAbsolute: position, sourcePosition: "right", targetPosition: "left", data };
    nodes.set(node.id, node);
    return node;
  };
  if (mode === "rag-pipeline") {
    // What stands between them says how documents are split: that is for the person to choose.
    add("datasource", 0);
    // Without a model of vectors words alone are indexed: that works at once.
    add("knowledge-index", 3, model ? { embedding_model: model.name, embedding_model_provider: model.provider } : { indexing_technique: "economy" });
    return { ...emptyDocument, nodes };
  }
  const start = add("start", 0);
  const base: StudioDocument = { ...emptyDocument, nodes, features: FEATURES };
  if (mode === "workflow") return base;
  // A chat remembers: the person's message comes with the conversation before it.
  const llm = add("llm", 1, {
    prompt_template: [{ id: "system", role: "system", text: "" }],
    memory: { window: { enabled: false, size: 50 }, query_prompt_template: "{{#sys.query#}}" },
    ...(model ? { model: { ...model, completion_params: {} } } : {}),
  });
  const answer = add("answer", 2, { answer: `{{#${llm.id}.text#}}` });
  const edges = [
    makeEdge(base, { source: start.id, sourceHandle: "source", target: llm.id }),
    makeEdge(base, { source: llm.id, sourceHandle: "source", target: answer.id }),
  ];
  return { ...base, edges: new Map(edges.map((e) => [e.id, e])) };
}
