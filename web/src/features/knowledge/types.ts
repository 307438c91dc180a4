/** What the console API says about knowledge. */

export type ChunkForm = "text_model" | "qa_model" | "hierarchical_model";
export type Technique = "high_quality" | "economy";
export type SearchMethod = "semantic_search" | "full_text_search" | "hybrid_search" | "keyword_search";
export type Permission = "only_me" | "all_team_members" | "partial_members";

export interface Page<T> {
  readonly page: number;
  readonly limit: number;
  readonly total: number;
  readonly has_more?: boolean;
  readonly data: readonly T[];
}

export interface Weights {
  readonly weight_type?: string;
  readonly vector_setting: { readonly vector_weight: number; readonly embedding_provider_name: string; readonly embedding_model_name: string };
  readonly keyword_setting: { readonly keyword_weight: number };
}

export interface RetrievalModel {
  readonly search_method: SearchMethod;
  readonly reranking_enable: boolean;
  readonly reranking_mode?: "reranking_model" | "weighted_score" | null;
  readonly reranking_model?: { readonly reranking_provider_name: string; readonly reranking_model_name: string } | null;
  readonly weights?: Weights | null;
  readonly top_k: number;
  readonly score_threshold_enabled: boolean;
  readonly score_threshold?: number | null;
  /** Ours: chunks before and after each that is found, given to the model with it. */
  readonly neighbours?: number | null;
  /** Ours: all of a knowledge base is given to the model when it has no more characters than this. */
  readonly full_context_limit?: number | null;
}

/** How summaries of chunks are made, as it is stored. */
export interface KeptSummary {
  readonly enable?: boolean | null | undefined;
  readonly model_name?: string | null | undefined;
  readonly model_provider_name?: string | null | undefined;
  readonly summary_prompt?: string | null | undefined;
}

export interface SummarySetting {
  readonly enable: boolean;
  /** Without one, the default model of the workspace. */
  readonly model_name: string | null;
  readonly model_provider_name: string | null;
  readonly summary_prompt: string | null;
}

export interface Tag {
  readonly id: string;
  readonly name: string;
  readonly type?: string;
}

export interface Dataset {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly provider: string;
  readonly permission: Permission;
  readonly data_source_type: string | null;
  readonly indexing_technique: Technique | null;
  readonly app_count: number;
  readonly document_count: number;
  readonly word_count: number;
  readonly created_by: string;
  readonly author_name?: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly embedding_model: string | null;
  readonly embedding_model_provider: string | null;
  readonly embedding_available?: boolean | null;
  readonly retrieval_model_dict: RetrievalModel | null;
  readonly summary_index_setting?: KeptSummary | null;
  readonly tags: readonly Tag[];
  readonly doc_form: ChunkForm | null;
  readonly doc_metadata?: readonly MetadataField[];
  readonly built_in_field_enabled?: boolean;
  readonly total_documents?: number | null;
  readonly total_available_documents?: number | null;
  readonly enable_api?: boolean;
  readonly partial_member_list?: readonly string[] | null;
  /** Its documents are made by a pipeline, or as ever. */
  readonly runtime_mode?: "general" | "rag_pipeline";
  readonly pipeline_id?: string | null;
  /** The pipeline has been published: documents can be added. */
  readonly is_published?: boolean;
  readonly chunk_structure?: ChunkForm | null;
  /** Its embedding model sees: pictures of chunks are found by their looks. */
  readonly is_multimodal?: boolean;
  readonly icon_info?: { readonly icon_type?: string | null; readonly icon?: string | null; readonly icon_background?: string | null } | null;
}

export type IndexingStatus = "waiting" | "parsing" | "cleaning" | "splitting" | "indexing" | "completed" | "error" | "paused";
export type DisplayStatus = "queuing" | "paused" | "indexing" | "error" | "available" | "disabled" | "archived";

export interface MetadataField {
  readonly id: string;
  readonly name: string;
  readonly type: "string" | "number" | "time";
  readonly count?: number;
}

export interface MetadataValue {
  readonly id: string;
  readonly name: string;
  readonly type: "string" | "number" | "time";
  readonly value: string | number | null;
}

export interface ProcessRule {
  readonly mode: "automatic" | "custom" | "hierarchical";
  readonly rules: Rules | null;
}

export interface Segmentation {
  /** Ours: several, and a text is split at each of them. */
  readonly separator: string | readonly string[];
  readonly max_tokens: number;
  readonly chunk_overlap?: number;
  /** Ours: what the size counts. */
  readonly unit?: "characters" | "tokens";
}

export interface Rules {
  readonly pre_processing_rules: readonly { readonly id: string; readonly enabled: boolean }[];
  readonly segmentation: Segmentation;
  readonly parent_mode?: "paragraph" | "full-doc";
  readonly subchunk_segmentation?: Segmentation;
}

export interface SourceDetail {
  readonly upload_file?: { readonly size?: number };
}

export interface KnowledgeDocument {
  readonly id: string;
  readonly position: number;
  readonly data_source_type: string;
  readonly data_source_detail_dict?: SourceDetail | null;
  readonly name: string;
  readonly created_by: string;
  readonly created_at: number;
  readonly tokens: number | null;
  readonly indexing_status: IndexingStatus;
  readonly error: string | null;
  readonly enabled: boolean;
  readonly archived: boolean;
  readonly display_status: DisplayStatus | null;
  readonly word_count: number | null;
  readonly hit_count: number | null;
  readonly doc_form: ChunkForm;
  readonly doc_metadata?: readonly MetadataValue[] | null;
  /** `SUMMARIZING` while some are being made. */
  readonly summary_index_status?: string | null;
  readonly completed_segments?: number | null;
  readonly total_segments?: number | null;
}

/** One document with everything about it. */
export interface DocumentDetail extends KnowledgeDocument {
  readonly data_source_info?: SourceDetail | null;
  readonly segment_count?: number | null;
  readonly average_segment_length?: number | null;
  readonly completed_at?: number | null;
  readonly updated_at?: number | null;
  readonly indexing_latency?: number | null;
  readonly dataset_process_rule?: ProcessRule | null;
  readonly document_process_rule?: ProcessRule | null;
  readonly doc_language?: string | null;
}

export interface DocStatus {
  readonly id: string;
  readonly indexing_status: IndexingStatus;
  readonly completed_segments?: number | null;
  readonly total_segments?: number | null;
  readonly error: string | null;
  readonly stopped_at?: number | null;
  readonly completed_at?: number | null;
}

export interface ChildChunk {
  readonly id: string;
  readonly segment_id: string;
  readonly content: string;
  readonly position: number;
  readonly word_count: number;
  readonly type: "automatic" | "customized";
}

/** A file that is bound to a chunk: pictures of its document, mostly. */
export interface Attachment {
  readonly id: string;
  readonly name: string;
  readonly mime_type?: string | null;
  /** Opens it for a while. */
  readonly source_url: string;
}

/** A picture to ask with. */
export interface AskedPicture {
  readonly id: string;
  readonly name: string;
  /** Opens it for a while. */
  readonly source_url: string;
}

export interface Segment {
  readonly id: string;
  readonly position: number;
  readonly document_id: string;
  readonly content: string;
  readonly answer: string | null;
  readonly word_count: number;
  readonly tokens: number;
  readonly keywords: readonly string[] | null;
  readonly hit_count: number;
  readonly enabled: boolean;
  readonly status: string;
  readonly error: string | null;
  readonly created_at?: number;
  readonly updated_at?: number;
  readonly updated_by?: string | null;
  readonly child_chunks?: readonly ChildChunk[] | null;
  readonly attachments?: readonly Attachment[];
  /** What it is about. */
  readonly summary?: string | null;
  /** Ours: how far its summary is, and why there is none. */
  readonly summary_status?: string | null;
  readonly summary_error?: string | null;
  /** Ours: the page (from 0) and the headings it stands under. */
  readonly page?: number | null;
  readonly heading?: string | null;
}

export interface Segments {
  readonly data: readonly Segment[];
  readonly total: number;
  readonly total_pages: number;
  readonly page: number;
  readonly limit: number;
}

export interface PreviewChunk {
  readonly content: string;
  /** What it is about, where that was asked for. */
  readonly summary?: string | null;
  readonly child_chunks?: readonly string[] | null;
  /** Ours: the page (from 0) and the headings it stands under. */
  readonly page?: number | null;
  readonly heading?: string | null;
}

export interface Estimate {
  readonly total_segments: number;
  /** Ours. */
  readonly total_characters?: number;
  /** Ours: about how many are embedded; nothing where that cannot be known before. */
  readonly total_tokens?: number | null;
  readonly preview: readonly PreviewChunk[] | null;
  readonly qa_preview?: readonly { readonly question: string; readonly answer: string }[] | null;
}

export interface Created {
  readonly dataset: { readonly id: string; readonly name: string };
  readonly documents: readonly Pick<KnowledgeDocument, "id" | "name" | "indexing_status">[];
  readonly batch: string;
}

export interface UploadLimits {
  /** Megabytes. */
  readonly file_size_limit: number;
  /** Files sent at the same time. */
  readonly batch_count_limit: number;
}

export interface UploadedFile {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly extension: string;
}

export interface HitRecord {
  readonly segment: Segment & {
    /** Ours: the chunks that are read with it. */
    readonly before?: readonly string[];
    readonly after?: readonly string[];
    readonly document: { readonly id: string; readonly name: string; readonly data_source_type?: string; readonly doc_metadata?: unknown };
  };
  readonly child_chunks?: readonly { readonly id: string; readonly content: string; readonly position: number; readonly score: number }[] | null;
  readonly score: number | null;
  readonly files?: readonly Attachment[];
  /** What the chunk is about, where that was found. */
  readonly summary?: string | null;
  /** Ours: what the score is made of, each part on its own scale. */
  readonly scores?: HitScores | null;
}

/** Where the vectors are. */
export interface VectorStore {
  /** As in `VECTOR_STORE`; `embedded`: the local index. */
  readonly store: string;
  readonly is_away: boolean;
}

export interface IndexState extends VectorStore {
  /** Not all was in yet: until then the local index is asked. */
  readonly is_moving: boolean;
  /** Changes that are in, of all. */
  readonly done: number;
  readonly total: number;
  /** The last time it was made anew or moved, from here or by the command. */
  readonly rebuild?: IndexRebuild | null;
}

export interface IndexRebuild {
  readonly kind: "rebuild" | "move";
  readonly origin: "studio" | "command";
  /** What is worked on: `local`, or the name of a vector store. */
  readonly target: string;
  readonly status: "running" | "completed" | "error" | "stopped" | "interrupted";
  readonly phase: "waiting" | "reading" | "graph";
  /** Of this phase. */
  readonly done: number;
  readonly total: number;
  /** A second, in this phase. */
  readonly rate: number | null;
  readonly seconds_left: number | null;
  readonly can_stop: boolean;
  readonly error: string | null;
  readonly started_at: number;
  readonly updated_at: number;
  readonly finished_at: number | null;
}

export interface HitScores {
  /** BM25, without an upper end. */
  readonly words: number | null;
  readonly meaning: number | null;
  readonly rerank: number | null;
}

/** Seconds of each step; nothing where it was not taken. */
export interface HitTimes {
  readonly embedding: number | null;
  readonly words: number | null;
  readonly vectors: number | null;
  readonly rerank: number | null;
  readonly total: number;
}

export interface HitAnswer {
  readonly query: { readonly content: string } | string;
  readonly records: readonly HitRecord[];
  /** Ours: why it may be less than there is, such as a model that did not answer. */
  readonly shortcoming?: string | null;
  /** Ours: where the time went. */
  readonly times?: HitTimes | null;
}

export interface QueryRow {
  readonly id: string;
  readonly queries?: readonly { readonly content_type: string; readonly content: string; readonly file_info?: AskedPicture | null }[];
  readonly content?: string;
  readonly source: string;
  readonly created_at: number;
}

export interface ApiKey {
  readonly id: string;
  readonly token: string;
  readonly created_at: number;
  readonly last_used_at: number | null;
}
