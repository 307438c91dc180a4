/** The knowledge base of a pipeline: which chunks go in, how they are indexed and found. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { modelsOfType } from "../../data/models";
import { IndexForm } from "../../features/knowledge/IndexForm";
import "../../features/knowledge/knowledge.css";
import { startRetrieval, wireRetrieval } from "../../features/knowledge/retrieval";
import { SummaryForm } from "../../features/knowledge/SummaryForm";
import { summaryOf } from "../../features/knowledge/summary";
import type { RetrievalModel, Technique } from "../../features/knowledge/types";
import { VariableField } from "../editors/VariableField";
import type { PanelProps } from "../nodes/kind";
import { CHUNK_STRUCTURES, type KnowledgeIndexData } from "../nodes/knowledge-index";
import { NumberField } from "../parts/controls";

const CHUNKS = ["object", "array[object]", "array[string]", "array"];
const METHODS = ["semantic_search", "full_text_search", "hybrid_search", "keyword_search"] as const;

/** The stored settings of retrieval; what the technique does not allow is replaced. */
function retrievalOf(data: KnowledgeIndexData, technique: Technique): RetrievalModel {
  const start = startRetrieval(technique);
  const stored = data.retrieval_model;
  const method = METHODS.find((m) => m === stored?.search_method);
  if (!stored || !method || (technique === "economy") !== (method === "keyword_search")) return start;
  const mode = stored.reranking_mode === "weighted_score" || stored.reranking_mode === "reranking_model" ? stored.reranking_mode : null;
  return { ...start, ...stored, search_method: method, reranking_mode: mode, weights: stored.weights ?? null };
}

export function KnowledgeIndexPanel({ id, data, update }: PanelProps<KnowledgeIndexData>) {
  const { t } = useTranslation("studio");
  const embeddings = useQuery(modelsOfType("text-embedding")).data?.data;
  const noEmbedding = embeddings?.every((group) => group.models.length === 0) === true;
  const technique: Technique = data.indexing_technique === "economy" ? "economy" : "high_quality";
  const needsVectors = data.chunk_structure !== "text_model";
  const embedding = data.embedding_model ? { provider: data.embedding_model_provider, model: data.embedding_model } : undefined;
  const retrieval = retrievalOf(data, technique);
  const structure = (next: string) => update({ chunk_structure: next, ...(next === "text_model" || technique === "high_quality" ? {} : { indexing_technique: "high_quality", retrieval_model: { ...startRetrieval("high_quality") } }) });
  return (
    <>
      <section className="st-section">
        <span className="st-label" id="st-structure">
          {t("knowledgeIndex.structure")}
        </span>
        <div role="radiogroup" aria-labelledby="st-structure" className="st-col">
          {CHUNK_STRUCTURES.map((name) => (
            <label key={name} className="st-option">
              <input type="radio" name={`structure-${id}`} checked={data.chunk_structure === name} onChange={() => structure(name)} />
              <span className="st-grow">
                {t(`knowledgeIndex.structures.${name}.name`)}
                <small>{t(`knowledgeIndex.structures.${name}.about`)}</small>
              </span>
            </label>
          ))}
        </div>
      </section>
      <section className="st-section">
        <span className="st-label">{t("knowledgeIndex.chunks")}</span>
        <VariableField node={id} label={t("knowledgeIndex.chunks")} types={CHUNKS} value={data.index_chunk_variable_selector} onChange={(index_chunk_variable_selector) => update({ index_chunk_variable_selector })} onClear={() => update({ index_chunk_variable_selector: [] })} />
        <span className="st-hint">{t("knowledgeIndex.chunksHint")}</span>
      </section>
      <section className="st-section">
        <IndexForm
          technique={technique}
          fixed={false}
          needsVectors={needsVectors}
          noEmbedding={noEmbedding}
          embedding={technique === "economy" ? undefined : embedding}
          fixedModel={false}
          retrieval={retrieval}
          onTechnique={(indexing_technique) => update({ indexing_technique, retrieval_model: { ...startRetrieval(indexing_technique) } })}
          onEmbedding={(next) => update({ indexing_technique: technique, embedding_model: next.model, embedding_model_provider: next.provider })}
          onRetrieval={(next) => update({ retrieval_model: { ...wireRetrieval(next, embedding) } })}
        />
        {technique === "economy" ? <NumberField label={t("knowledgeIndex.keywords")} min={0} max={50} value={data.keyword_number} onChange={(keyword_number) => update({ keyword_number: keyword_number ?? 10 })} /> : null}
      </section>
      {technique === "high_quality" && data.chunk_structure !== "qa_model" ? (
        <section className="st-section">
          <SummaryForm value={summaryOf(data.summary_index_setting)} onChange={(next) => update({ summary_index_setting: { ...next } })} />
        </section>
      ) : null}
    </>
  );
}
