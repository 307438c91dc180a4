import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, selectorSchema, text } from "./schema";

export const CHUNK_STRUCTURES = ["text_model", "hierarchical_model", "qa_model"];

const weightsSchema = z.object({
  weight_type: z.string().optional(),
  vector_setting: z.object({ vector_weight: z.number(), embedding_provider_name: z.string().catch(""), embedding_model_name: z.string().catch("") }),
  keyword_setting: z.object({ keyword_weight: z.number() }),
});

const retrievalSchema = z.looseObject({
  search_method: z.string().nullish().catch("hybrid_search").transform((v) => v ?? "hybrid_search"),
  reranking_enable: z.boolean().nullish().catch(false).transform((v) => v ?? false),
  reranking_mode: z.string().nullish().catch(null),
  reranking_model: z.looseObject({ reranking_provider_name: text, reranking_model_name: text }).nullish().catch(null),
  weights: weightsSchema.nullish().catch(null),
  top_k: z.number().nullish().catch(5).transform((v) => v ?? 5),
  score_threshold_enabled: z.boolean().nullish().catch(false).transform((v) => v ?? false),
  score_threshold: z.number().nullish().catch(null),
});

const summarySchema = z.looseObject({
  enable: z.boolean().nullish().catch(false),
  model_name: z.string().nullish().catch(null),
  model_provider_name: z.string().nullish().catch(null),
  summary_prompt: z.string().nullish().catch(null),
});

const schema = z.looseObject({
  ...baseShape,
  chunk_structure: text,
  index_chunk_variable_selector: selectorSchema,
  indexing_technique: text,
  embedding_model: text,
  embedding_model_provider: text,
  keyword_number: z.number().nullish().catch(10).transform((v) => v ?? 10),
  retrieval_model: retrievalSchema.nullish().catch(undefined),
  summary_index_setting: summarySchema.nullish().catch(undefined),
});
export type KnowledgeIndexData = z.infer<typeof schema>;

function Card({ data }: { data: KnowledgeIndexData }) {
  const { t } = useTranslation("studio");
  return (
    <>
      {data.chunk_structure ? <CardLine>{t(`knowledgeIndex.structures.${data.chunk_structure}.name`, { defaultValue: data.chunk_structure })}</CardLine> : null}
      {data.indexing_technique ? <CardLine>{t(`knowledge.techniques.${data.indexing_technique}`, { defaultValue: data.indexing_technique })}</CardLine> : null}
    </>
  );
}

export const knowledgeIndex = defineKind<KnowledgeIndexData>({
  type: "knowledge-index",
  modes: ["rag-pipeline"],
  unique: true,
  inside: "never",
  schema,
  defaults: () => ({ chunk_structure: "text_model", index_chunk_variable_selector: [], indexing_technique: "high_quality", embedding_model: "", embedding_model_provider: "", keyword_number: 10 }),
  ports: () => [],
  outputs: () => [],
  check: (data, { mode }): KindProblem[] => {
    if (mode !== "rag-pipeline") return [{ code: "cannotRun", values: { kind: data.type } }];
    const out: KindProblem[] = [];
    const retrieval = data.retrieval_model;
    if (!CHUNK_STRUCTURES.includes(data.chunk_structure)) out.push({ code: "noStructure" });
    if (data.index_chunk_variable_selector.length < 2) out.push({ code: "noChunks" });
    if (!data.indexing_technique) out.push({ code: "noTechnique" });
    if (data.indexing_technique === "high_quality" && !data.embedding_model) out.push({ code: "noEmbedding", warning: true });
    if (data.indexing_technique === "economy" && data.chunk_structure !== "text_model" && data.chunk_structure) out.push({ code: "needsVectors" });
    if (retrieval?.reranking_enable && retrieval.reranking_mode !== "weighted_score" && !retrieval.reranking_model?.reranking_model_name) out.push({ code: "noRerankModel" });
    return out;
  },
  Card,
  Panel: lazy(() => import("../panels/KnowledgeIndexPanel").then((m) => ({ default: m.KnowledgeIndexPanel }))),
});
