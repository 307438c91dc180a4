import { LibraryBig } from "lucide-react";
import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, listOf, modelSchema, selectorSchema, text } from "./schema";

export const RERANK_MODES = ["reranking_model", "weighted_score"];
export const METADATA_OPERATORS = ["contains", "not contains", "start with", "end with", "is", "is not", "empty", "not empty", "in", "not in", "=", "≠", ">", "<", "≥", "≤", "before", "after"];

export const metadataSchema = z.looseObject({
  id: text,
  name: text,
  comparison_operator: z.string().nullish().catch("is").transform((v) => v ?? "is"),
  value: z.union([z.string(), z.number()]).nullish().catch("").transform((v) => (v === null || v === undefined ? "" : String(v))),
});
export type MetadataCondition = z.infer<typeof metadataSchema>;

const weightsSchema = z.looseObject({
  vector_setting: z.looseObject({ vector_weight: z.number().catch(0.7), embedding_provider_name: text, embedding_model_name: text }).nullish().catch(undefined),
  keyword_setting: z.looseObject({ keyword_weight: z.number().catch(0.3) }).nullish().catch(undefined),
});

const multipleSchema = z.looseObject({
  top_k: z.number().nullish().catch(4).transform((v) => v ?? 4),
  score_threshold: z.number().nullish().catch(null),
  reranking_mode: z.string().nullish().catch("reranking_model").transform((v) => v ?? "reranking_model"),
  reranking_enable: z.boolean().nullish().catch(undefined),
  reranking_model: z.looseObject({ provider: text, model: text }).nullish().catch(null),
  weights: weightsSchema.nullish().catch(null),
});
export type MultipleConfig = z.infer<typeof multipleSchema>;

const schema = z.looseObject({
  ...baseShape,
  // Old files hold a selector, very old ones a text.
  query_variable_selector: z.union([selectorSchema, z.string().transform((): string[] => [])]).catch([]),
  query_attachment_selector: selectorSchema,
  dataset_ids: listOf(z.string()),
  retrieval_mode: z.string().nullish().catch("multiple").transform((v) => v ?? "multiple"),
  multiple_retrieval_config: multipleSchema.nullish().catch(undefined),
  single_retrieval_config: z.looseObject({ model: modelSchema }).nullish().catch(undefined),
  metadata_filtering_mode: z.string().nullish().catch("disabled").transform((v) => v ?? "disabled"),
  metadata_model_config: modelSchema.nullish().catch(undefined),
  metadata_filtering_conditions: z
    .looseObject({ logical_operator: z.string().nullish().catch("and").transform((v) => v ?? "and"), conditions: listOf(metadataSchema) })
    .nullish()
    .catch(undefined),
});
export type KnowledgeData = z.infer<typeof schema>;

export function multipleOf(data: KnowledgeData): MultipleConfig {
  return data.multiple_retrieval_config ?? { top_k: 4, score_threshold: null, reranking_mode: "reranking_model", reranking_enable: false };
}

/** Reranking is on if it is said to be, or if a model for it is chosen. */
export function reranks(config: MultipleConfig): boolean {
  return config.reranking_enable ?? Boolean(config.reranking_model?.model);
}

function Card({ data }: { data: KnowledgeData }) {
  const { t } = useTranslation("studio");
  return data.dataset_ids.length > 0 ? <CardLine icon={LibraryBig}>{t("knowledge.bases", { count: data.dataset_ids.length })}</CardLine> : null;
}

export const knowledgeRetrieval = defineKind<KnowledgeData>({
  type: "knowledge-retrieval",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  failable: true,
  runnable: true,
  schema,
  defaults: ({ mode }) => ({
    query_variable_selector: mode === "advanced-chat" ? ["sys", "query"] : [],
    query_attachment_selector: [],
    dataset_ids: [],
    retrieval_mode: "multiple",
    multiple_retrieval_config: { top_k: 4, score_threshold: null, reranking_enable: false },
    metadata_filtering_mode: "disabled",
  }),
  outputs: () => [{ name: "result", type: "array[object]" }],
  check: (data): KindProblem[] => {
    const out: KindProblem[] = [];
    const config = multipleOf(data);
    if (data.query_variable_selector.length < 2 && data.query_attachment_selector.length < 2) out.push({ code: "noQuestion" });
    if (data.dataset_ids.length === 0) out.push({ code: "noKnowledge" });
    if (data.retrieval_mode === "single" && !data.single_retrieval_config?.model.name) out.push({ code: "noModel" });
    if (data.retrieval_mode !== "single" && reranks(config) && config.reranking_mode === "reranking_model" && !config.reranking_model?.model) out.push({ code: "noRerankModel" });
    if (data.metadata_filtering_mode === "automatic" && !data.metadata_model_config?.name) out.push({ code: "noMetadataModel" });
    const conditions = data.metadata_filtering_conditions?.conditions ?? [];
    const complete = (c: MetadataCondition) => Boolean(c.name && (c.value || c.comparison_operator === "empty" || c.comparison_operator === "not empty"));
    if (data.metadata_filtering_mode === "manual" && (conditions.length === 0 || !conditions.every(complete))) out.push({ code: "incompleteFilter" });
    return out;
  },
  Card,
  Panel: lazy(() => import("../panels/KnowledgePanel").then((m) => ({ default: m.KnowledgePanel }))),
});
