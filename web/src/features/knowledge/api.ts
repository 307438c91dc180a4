/** Knowledge bases, their documents and chunks over the console API. */
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, json, patch, post, remove, request, upload } from "../../lib/http";
import type { InfoList } from "./sources";
import { isUnfinished } from "./status";
import { isBeingSummarised } from "./summary";
import type {
  ApiKey,
  AskedPicture,
  ChildChunk,
  ChunkForm,
  Created,
  Dataset,
  DocStatus,
  DocumentDetail,
  Estimate,
  HitAnswer,
  IndexState,
  KnowledgeDocument,
  MetadataField,
  Page,
  Permission,
  ProcessRule,
  QueryRow,
  RetrievalModel,
  Segment,
  Segments,
  SummarySetting,
  Tag,
  Technique,
  UploadedFile,
  UploadLimits,
  VectorStore,
} from "./types";

/** Something unfinished is asked for again after this long. */
export const POLL = 2000;

function repeated(name: string, values: readonly string[] | undefined): string {
  return (values ?? []).map((value) => `${name}=${encodeURIComponent(value)}`).join("&");
}

const of = (id: string) => `/datasets/${id}`;
const document = (id: string, doc: string) => `${of(id)}/documents/${doc}`;

// ---- knowledge bases

export interface DatasetFilter {
  readonly q?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly all?: boolean | undefined;
}

export const datasetList = (filter: DatasetFilter) =>
  infiniteQueryOptions({
    queryKey: ["datasets", "list", filter],
    queryFn: ({ pageParam }) =>
      get<Page<Dataset>>(`/datasets?${repeated("tag_ids", filter.tags)}`, {
        page: pageParam,
        limit: 30,
        keyword: filter.q,
        include_all: filter.all ? true : undefined,
      }),
    initialPageParam: 1,
    getNextPageParam: (last) => (last.page * last.limit < last.total ? last.page + 1 : undefined),
    placeholderData: (before) => before,
  });

/** The first hundred, for switchers and pickers. */
export const allDatasets = queryOptions({
  queryKey: ["datasets", "all"],
  queryFn: () => get<Page<Dataset>>("/datasets", { page: 1, limit: 100 }),
  staleTime: 30_000,
});

/** Those with the ids, whatever page they are on; what is gone is left out. */
export const datasetsById = (ids: readonly string[]) =>
  queryOptions({
    queryKey: ["datasets", "ids", ids],
    queryFn: () => get<Page<Dataset>>(`/datasets?${repeated("ids", ids)}`, { page: 1, limit: 100 }),
    enabled: ids.length > 0,
    staleTime: 30_000,
    placeholderData: (before) => before,
  });

export const datasetDetail = (id: string) => queryOptions({ queryKey: ["datasets", "one", id], queryFn: () => get<Dataset>(of(id)), staleTime: 15_000 });
export const datasetTags = queryOptions({
  queryKey: ["tags", "knowledge"],
  queryFn: () => get<(Tag & { binding_count?: string })[]>("/tags", { type: "knowledge" }),
});
/** While nothing is the matter the store is looked at this often. */
const CALM = 15_000;
/** The local index cannot be away, so that it is asked about once. */
export const vectorStore = queryOptions({
  queryKey: ["datasets", "vector-store"],
  queryFn: () => get<VectorStore>("/datasets/vector-store"),
  refetchInterval: ({ state: { data } }) => (data && data.store === "embedded" ? false : data?.is_away ? POLL : CALM),
});
export const indexState = (id: string) =>
  queryOptions({
    queryKey: ["datasets", "index-state", id],
    queryFn: () => get<IndexState>(`${of(id)}/index-state`),
    refetchInterval: ({ state: { data } }) => (data && data.store === "embedded" ? false : data && (data.is_away || data.done < data.total) ? POLL : CALM),
  });
export const relatedApps = (id: string) =>
  queryOptions({
    queryKey: ["datasets", "apps", id],
    queryFn: () => get<{ data: readonly { id: string; name: string }[]; total: number }>(`${of(id)}/related-apps`),
    staleTime: 30_000,
  });

export interface DatasetFields {
  readonly name?: string;
  readonly description?: string;
  readonly permission?: Permission;
  readonly partial_member_list?: readonly { readonly user_id: string; readonly role?: string }[];
  readonly indexing_technique?: Technique;
  readonly embedding_model?: string;
  readonly embedding_model_provider?: string;
  readonly retrieval_model?: RetrievalModel;
  readonly summary_index_setting?: SummarySetting;
}

export const createEmpty = (name: string) => post<Dataset>("/datasets", { name });
export const changeDataset = (id: string, fields: DatasetFields) => patch<Dataset>(of(id), fields);
export const deleteDataset = (id: string) => remove(of(id));
export const isUsed = (id: string) => get<{ is_using: boolean }>(`${of(id)}/use-check`);

/** Runs a change and reads everything about knowledge again. */
export function useKnowledgeChange<Args, Result>(run: (args: Args) => Promise<Result>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: run, onSuccess: () => client.invalidateQueries({ queryKey: ["datasets"] }) });
}

// ---- knowledge of others

export interface ExternalApi {
  readonly id: string;
  readonly name: string;
  readonly settings: { readonly endpoint: string };
}

export const externalApis = queryOptions({
  queryKey: ["datasets", "external-apis"],
  queryFn: () => get<Page<ExternalApi>>("/datasets/external-knowledge-api", { page: 1, limit: 100 }),
});
export const createExternalApi = (name: string, endpoint: string, api_key: string) =>
  post<ExternalApi>("/datasets/external-knowledge-api", { name, settings: { endpoint, api_key } });
export interface ExternalFields {
  readonly external_knowledge_api_id: string;
  readonly external_knowledge_id: string;
  readonly name: string;
  readonly description: string;
}
export const connectExternal = (fields: ExternalFields) => post<Dataset>("/datasets/external", fields);

// ---- sources

export const uploadLimits = queryOptions({ queryKey: ["files", "limits"], queryFn: () => get<UploadLimits>("/files/upload"), staleTime: 300_000 });
export const fileTypes = queryOptions({
  queryKey: ["files", "types"],
  queryFn: () => get<{ allowed_extensions: readonly string[] }>("/files/support-type"),
  staleTime: 300_000,
});

export function uploadFile(file: File, onProgress: (part: number) => void, signal: AbortSignal): Promise<UploadedFile> {
  const form = new FormData();
  form.append("file", file);
  form.append("source", "datasets");
  return upload<UploadedFile>("/files/upload?source=datasets", form, onProgress, signal);
}

export interface IndexingSettings {
  readonly indexing_technique: Technique;
  readonly process_rule: ProcessRule;
  readonly doc_form: ChunkForm;
  readonly doc_language: string;
}

export interface KnowledgeConfig extends IndexingSettings {
  readonly retrieval_model?: RetrievalModel;
  readonly embedding_model?: string;
  readonly embedding_model_provider?: string;
  readonly summary_index_setting?: SummarySetting;
}

/** With a setting for summaries these are written too, which costs calls of a model. */
export const estimate = (info: InfoList, settings: IndexingSettings & Pick<KnowledgeConfig, "summary_index_setting">, datasetId: string | undefined) =>
  queryOptions({
    queryKey: ["estimate", info, settings, datasetId ?? ""],
    queryFn: ({ signal }) =>
      json<Estimate>("/datasets/indexing-estimate", {
        method: "POST",
        signal,
        body: { info_list: info, ...settings, dataset_id: datasetId ?? null },
      }),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: (before) => before,
    retry: false,
  });

/** Makes a knowledge base, or adds to one. */
export function createDocuments(datasetId: string | undefined, info: InfoList, config: KnowledgeConfig): Promise<Created> {
  const body = { data_source: { info_list: info }, ...config };
  return post<Created>(datasetId === undefined ? "/datasets/init" : `${of(datasetId)}/documents`, body);
}

export const processRule = (documentId: string | undefined) =>
  queryOptions({
    queryKey: ["datasets", "rule", documentId ?? ""],
    queryFn: () => get<ProcessRule & { limits?: { indexing_max_segmentation_tokens_length?: number } }>("/datasets/process-rule", { document_id: documentId }),
    staleTime: 60_000,
  });

export const batchStatus = (datasetId: string, batch: string) =>
  queryOptions({
    queryKey: ["datasets", "batch", datasetId, batch],
    queryFn: () => get<{ data: readonly DocStatus[] }>(`${of(datasetId)}/batch/${batch}/indexing-status`),
    refetchInterval: (query) => ((query.state.data?.data.some((doc) => isUnfinished(doc.indexing_status)) ?? true) ? 1000 : false),
  });

// ---- documents

export interface DocumentFilter {
  readonly page: number;
  readonly q?: string | undefined;
  readonly status?: string | undefined;
  readonly sort?: string | undefined;
}

export const DOCUMENTS_AT_ONCE = 50;

const isMoving = (doc: KnowledgeDocument) => (isUnfinished(doc.indexing_status) && doc.display_status !== "paused") || Boolean(doc.summary_index_status);

export const documentList = (datasetId: string, filter: DocumentFilter) =>
  queryOptions({
    queryKey: ["datasets", "documents", datasetId, filter],
    queryFn: () =>
      get<Page<KnowledgeDocument>>(`${of(datasetId)}/documents`, {
        page: filter.page,
        limit: DOCUMENTS_AT_ONCE,
        keyword: filter.q,
        status: filter.status,
        sort: filter.sort ?? "-created_at",
        fetch: true,
      }),
    refetchInterval: (query) => (query.state.data?.data.some(isMoving) ? POLL : false),
    placeholderData: (before) => before,
  });

export const documentDetail = (datasetId: string, id: string) =>
  queryOptions({
    queryKey: ["datasets", "document", datasetId, id],
    queryFn: () => get<DocumentDetail>(document(datasetId, id), { metadata: "all" }),
    refetchInterval: (query) => (query.state.data && (isUnfinished(query.state.data.indexing_status) || query.state.data.summary_index_status) ? POLL : false),
  });

export const documentStatus = (datasetId: string, id: string) =>
  queryOptions({
    queryKey: ["datasets", "document-status", datasetId, id],
    queryFn: () => get<DocStatus>(`${document(datasetId, id)}/indexing-status`),
    refetchInterval: POLL,
  });

export const errorDocuments = (datasetId: string) =>
  queryOptions({
    queryKey: ["datasets", "errors", datasetId],
    queryFn: () => get<{ data: readonly DocStatus[]; total: number }>(`${of(datasetId)}/error-docs`),
  });
export type DocumentAction = "enable" | "disable" | "archive" | "un_archive";

/** So many ids fit into one address. */
const AT_ONCE = 50;

async function inParts(ids: readonly string[], name: string, send: (query: string) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < ids.length; at += AT_ONCE) await send(repeated(name, ids.slice(at, at + AT_ONCE)));
}

export const setDocuments = (datasetId: string, action: DocumentAction, ids: readonly string[]) =>
  inParts(ids, "document_id", (query) => patch(`${of(datasetId)}/documents/status/${action}/batch?${query}`, {}));
export const deleteDocuments = (datasetId: string, ids: readonly string[]) =>
  inParts(ids, "document_id", (query) => remove(`${of(datasetId)}/documents?${query}`));
export const retryDocuments = (datasetId: string, ids: readonly string[]) => post(`${of(datasetId)}/retry`, { document_ids: ids });
/** Has the summaries of their chunks made, anew where there are some. */
export const summariseDocuments = (datasetId: string, ids: readonly string[]) => post(`${of(datasetId)}/documents/generate-summary`, { document_list: ids });
/** Takes the page of a document anew. */
export const syncDocument = (datasetId: string, doc: Pick<KnowledgeDocument, "id" | "data_source_type">) =>
  get(`${document(datasetId, doc.id)}/${doc.data_source_type === "notion_import" ? "notion/sync" : "website-sync"}`);
export const pauseDocument = (datasetId: string, id: string, action: "pause" | "resume") => patch(`${document(datasetId, id)}/processing/${action}`, {});
export const renameDocument = (datasetId: string, id: string, name: string) => post<KnowledgeDocument>(`${document(datasetId, id)}/rename`, { name });
export const downloadDocument = (datasetId: string, id: string) => get<{ url: string }>(`${document(datasetId, id)}/download`);
export async function downloadZip(datasetId: string, ids: readonly string[]): Promise<Blob> {
  return (await request(`${of(datasetId)}/documents/download-zip`, { method: "POST", body: { document_ids: ids } })).blob();
}

// ---- chunks

export interface SegmentFilter {
  readonly page: number;
  readonly q?: string | undefined;
  readonly enabled?: "true" | "false" | undefined;
}

export const SEGMENTS_AT_ONCE = 50;

export const segmentList = (datasetId: string, id: string, filter: SegmentFilter, live: boolean) =>
  queryOptions({
    queryKey: ["datasets", "segments", datasetId, id, filter],
    queryFn: () =>
      get<Segments>(`${document(datasetId, id)}/segments`, {
        page: filter.page,
        limit: SEGMENTS_AT_ONCE,
        keyword: filter.q,
        enabled: filter.enabled ?? "all",
      }),
    refetchInterval: (query) => (live || query.state.data?.data.some(isBeingSummarised) ? POLL : false),
    placeholderData: (before) => before,
  });

export interface SegmentFields {
  readonly content: string;
  readonly answer?: string | undefined;
  readonly keywords?: readonly string[] | undefined;
  readonly regenerate_child_chunks?: boolean | undefined;
  /** An empty one removes it. */
  readonly summary?: string | undefined;
}

export const addSegment = (datasetId: string, id: string, fields: SegmentFields) => post<{ data: Segment }>(`${document(datasetId, id)}/segment`, fields);
export const changeSegment = (datasetId: string, id: string, segment: string, fields: SegmentFields) =>
  patch<{ data: Segment }>(`${document(datasetId, id)}/segments/${segment}`, fields);
export const deleteSegments = (datasetId: string, id: string, ids: readonly string[]) =>
  inParts(ids, "segment_id", (query) => remove(`${document(datasetId, id)}/segments?${query}`));
export const setSegments = (datasetId: string, id: string, action: "enable" | "disable", ids: readonly string[]) =>
  inParts(ids, "segment_id", (query) => patch(`${document(datasetId, id)}/segment/${action}?${query}`, {}));

const children = (datasetId: string, id: string, segment: string) => `${document(datasetId, id)}/segments/${segment}/child_chunks`;
export const childList = (datasetId: string, id: string, segment: string) =>
  queryOptions({
    queryKey: ["datasets", "children", datasetId, id, segment],
    queryFn: () => get<{ data: readonly ChildChunk[]; total: number }>(children(datasetId, id, segment), { page: 1, limit: 100 }),
  });
export const addChild = (datasetId: string, id: string, segment: string, content: string) =>
  post<{ data: ChildChunk }>(children(datasetId, id, segment), { content });
export const changeChild = (datasetId: string, id: string, segment: string, child: string, content: string) =>
  patch<{ data: ChildChunk }>(`${children(datasetId, id, segment)}/${child}`, { content });
export const deleteChild = (datasetId: string, id: string, segment: string, child: string) => remove(`${children(datasetId, id, segment)}/${child}`);

interface ImportJob {
  readonly job_id: string;
  readonly job_status: string;
  readonly error_msg?: string | null;
}

/** Sends a CSV file and waits until its rows are chunks. */
export async function importSegments(datasetId: string, id: string, file: File, signal: AbortSignal): Promise<void> {
  const { id: upload_file_id } = await uploadFile(file, () => undefined, signal);
  let job = await post<ImportJob>(`${document(datasetId, id)}/segments/batch_import`, { upload_file_id });
  while (job.job_status === "waiting" || job.job_status === "processing") {
    await new Promise((done) => setTimeout(done, 500));
    if (signal.aborted) return;
    job = await get<ImportJob>(`/datasets/batch_import_status/${job.job_id}`);
  }
  if (job.job_status === "error") throw new Error(job.error_msg ?? job.job_status);
}

// ---- retrieval test

export const MAX_QUESTION = 250;

export interface Asking {
  readonly query: string;
  readonly pictures: readonly AskedPicture[];
  readonly settings: RetrievalModel;
}

export const testRetrieval = (datasetId: string, { query, pictures, settings }: Asking, signal?: AbortSignal) =>
  json<HitAnswer>(`${of(datasetId)}/hit-testing`, {
    method: "POST",
    body: { query, retrieval_model: settings, ...(pictures.length > 0 ? { attachment_ids: pictures.map((each) => each.id) } : {}) },
    ...(signal ? { signal } : {}),
  });

export function uploadPicture(file: File, signal: AbortSignal): Promise<AskedPicture> {
  const form = new FormData();
  form.append("file", file);
  return upload<AskedPicture>("/files/upload", form, () => undefined, signal);
}
export const queryLog = (datasetId: string) =>
  queryOptions({ queryKey: ["datasets", "queries", datasetId], queryFn: () => get<Page<QueryRow>>(`${of(datasetId)}/queries`, { page: 1, limit: 50 }) });

// ---- metadata

export const metadataFields = (datasetId: string) =>
  queryOptions({
    queryKey: ["datasets", "metadata", datasetId],
    queryFn: () => get<{ doc_metadata: readonly MetadataField[]; built_in_field_enabled: boolean }>(`${of(datasetId)}/metadata`),
  });
export const builtInFields = queryOptions({
  queryKey: ["datasets", "built-in-metadata"],
  queryFn: () => get<{ fields: readonly { name: string; type: string }[] }>("/datasets/metadata/built-in"),
  staleTime: 300_000,
});
export const addField = (datasetId: string, name: string, type: string) => post<MetadataField>(`${of(datasetId)}/metadata`, { name, type });
export const renameField = (datasetId: string, id: string, name: string) => patch<MetadataField>(`${of(datasetId)}/metadata/${id}`, { name });
export const deleteField = (datasetId: string, id: string) => remove(`${of(datasetId)}/metadata/${id}`);
export const setBuiltIn = (datasetId: string, on: boolean) => post(`${of(datasetId)}/metadata/built-in/${on ? "enable" : "disable"}`);

export interface MetadataOperation {
  readonly document_id: string;
  readonly metadata_list: readonly { readonly id: string; readonly name: string; readonly value: string | number | null }[];
  readonly partial_update: boolean;
}
export const writeMetadata = (datasetId: string, operation_data: readonly MetadataOperation[]) =>
  post(`${of(datasetId)}/documents/metadata`, { operation_data });

// ---- keys

export const datasetKeys = queryOptions({ queryKey: ["datasets", "keys"], queryFn: () => get<{ data: readonly ApiKey[] }>("/datasets/api-keys") });
/** The keys of one knowledge base. */
export const ownKeys = (datasetId: string) =>
  queryOptions({ queryKey: ["datasets", datasetId, "keys"], queryFn: () => get<{ data: readonly ApiKey[] }>(`${of(datasetId)}/api-keys`) });
/** Of one knowledge base, or of the workspace. */
export const createKey = (datasetId?: string) => post<ApiKey>(datasetId ? `${of(datasetId)}/api-keys` : "/datasets/api-keys");
export const deleteKey = (id: string, datasetId?: string) => remove(datasetId ? `${of(datasetId)}/api-keys/${id}` : `/datasets/api-keys/${id}`);
export const apiBase = queryOptions({
  queryKey: ["datasets", "api-base"],
  queryFn: () => get<{ api_base_url: string }>("/datasets/api-base-info"),
  staleTime: 300_000,
});
export const setApi = (datasetId: string, on: boolean) => post(`${of(datasetId)}/api-keys/${on ? "enable" : "disable"}`);
