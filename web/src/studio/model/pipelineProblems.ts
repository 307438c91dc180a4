/** What a knowledge pipeline as a whole lacks: sources, the knowledge base they lead to, fields that can be filled in. */
import { reaches } from "./connect";
import type { GraphNode, StudioDocument } from "./document";
import { inputProblem } from "./inputs";
import type { Problem } from "./problems";

export const DATASOURCE = "datasource";
export const KNOWLEDGE_BASE = "knowledge-index";

export function pipelineProblems(document: StudioDocument, nodes: readonly GraphNode[]): Problem[] {
  const out: Problem[] = [];
  const sources = nodes.filter((n) => n.data.type === DATASOURCE);
  const bases = nodes.filter((n) => n.data.type === KNOWLEDGE_BASE);
  const [base] = bases;
  if (sources.length === 0) out.push({ node: undefined, code: "noDatasource" });
  if (!base) out.push({ node: undefined, code: "noKnowledgeBase" });
  if (bases.length > 1) out.push({ node: undefined, code: "oneKnowledgeBase" });
  for (const source of sources) {
    if (base && !reaches(document, source.id, base.id)) out.push({ node: source.id, code: "leadsNowhere" });
  }
  for (const field of document.inputs) {
    const problem = inputProblem(field, document.inputs);
    const owner = document.nodes.has(field.belong_to_node_id) ? field.belong_to_node_id : undefined;
    if (problem) out.push({ node: owner, ...problem });
  }
  return out;
}
