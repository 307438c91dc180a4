/** Settings of retrieval: what a knowledge base starts with, what is complete, how two rankings differ. */
import type { Dataset, HitRecord, RetrievalModel, SearchMethod, Technique } from "./types";

export const METHODS: readonly SearchMethod[] = ["semantic_search", "full_text_search", "hybrid_search"];
export const MAX_TOP_K = 10;

export function startRetrieval(technique: Technique): RetrievalModel {
  return {
    search_method: technique === "economy" ? "keyword_search" : "hybrid_search",
    reranking_enable: false,
    reranking_mode: null,
    reranking_model: { reranking_provider_name: "", reranking_model_name: "" },
    weights: null,
    top_k: 5,
    score_threshold_enabled: false,
    score_threshold: 0.35,
    neighbours: null,
    full_context_limit: null,
  };
}

/** The stored settings; what the technique does not allow is replaced. */
export function retrievalOf(dataset: Pick<Dataset, "indexing_technique" | "retrieval_model_dict">): RetrievalModel {
  const technique = dataset.indexing_technique ?? "high_quality";
  const stored = dataset.retrieval_model_dict;
  const start = startRetrieval(technique);
  if (!stored) return start;
  const fits = technique === "economy" ? stored.search_method === "keyword_search" : stored.search_method !== "keyword_search";
  return { ...start, ...stored, search_method: fits ? stored.search_method : start.search_method };
}

export function vectorWeight(value: RetrievalModel): number {
  return value.weights?.vector_setting?.vector_weight ?? 0.7;
}

export function withWeight(
  value: RetrievalModel,
  vector: number,
  embedding: { readonly provider: string; readonly model: string } | undefined,
): RetrievalModel {
  const before = value.weights?.vector_setting;
  return {
    ...value,
    reranking_mode: "weighted_score",
    weights: {
      weight_type: "customized",
      vector_setting: {
        vector_weight: vector,
        embedding_provider_name: embedding?.provider ?? before?.embedding_provider_name ?? "",
        embedding_model_name: embedding?.model ?? before?.embedding_model_name ?? "",
      },
      keyword_setting: { keyword_weight: Math.round((1 - vector) * 100) / 100 },
    },
  };
}

/** By a balance that suits each question, by weights, by a model, or as found. Hybrid has to rank somehow. */
export type Ranking = "auto" | "weights" | "model" | "none";

export function rankingsOf(method: SearchMethod): readonly Ranking[] {
  return method === "keyword_search" ? ["none"] : method === "hybrid_search" ? ["auto", "weights", "model"] : ["none", "model"];
}

export function rankingOf(value: RetrievalModel): Ranking {
  if (value.search_method === "keyword_search") return "none";
  const weighted = value.reranking_mode === "weighted_score";
  if (value.reranking_enable && !weighted) return "model";
  if (value.search_method !== "hybrid_search") return "none";
  return weighted && value.weights ? "weights" : "auto";
}

export function withRanking(value: RetrievalModel, ranking: Ranking): RetrievalModel {
  if (ranking === "weights") return withWeight({ ...value, reranking_enable: false }, vectorWeight(value), undefined);
  return { ...value, weights: null, reranking_enable: ranking === "model", reranking_mode: ranking === "model" ? "reranking_model" : null };
}

export function withMethod(value: RetrievalModel, search_method: SearchMethod): RetrievalModel {
  const before = rankingOf(value);
  const next = { ...value, search_method };
  const possible = rankingsOf(search_method);
  return withRanking(next, possible.includes(before) ? before : (possible[0] ?? "none"));
}

/** What is sent: hybrid search by weights names the weights and the model the vectors are of. */
export function wireRetrieval(value: RetrievalModel, embedding: { readonly provider: string; readonly model: string } | undefined): RetrievalModel {
  return rankingOf(value) === "weights" ? withWeight(value, vectorWeight(value), embedding) : value;
}

export function lacksModel(value: RetrievalModel): boolean {
  return rankingOf(value) === "model" && !value.reranking_model?.reranking_model_name;
}

export function sameRetrieval(a: RetrievalModel, b: RetrievalModel): boolean {
  return JSON.stringify(wireRetrieval(a, undefined)) === JSON.stringify(wireRetrieval(b, undefined));
}

/** Where each chunk of `mine` stands in `other`: how many places it is higher, or nothing where it is not found. */
export function places(mine: readonly HitRecord[], other: readonly HitRecord[]): ReadonlyMap<string, number | undefined> {
  const there = new Map(other.map((record, index) => [record.segment.id, index]));
  return new Map(
    mine.map((record, index) => {
      const at = there.get(record.segment.id);
      return [record.segment.id, at === undefined ? undefined : at - index];
    }),
  );
}
