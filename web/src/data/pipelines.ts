/** Knowledge pipelines: templates, files, data sources, runs. The types are those of the routes under `/rag`. */
import { queryOptions } from "@tanstack/react-query";
import type { Localised } from "../lib/format";
import { get, json, patch, post, remove } from "../lib/http";

// ---- what a pipeline is

export type ChunkStructure = "text_model" | "hierarchical_model" | "qa_model";
export type SourceType = "local_file" | "online_document" | "online_drive" | "website_crawl";

export interface IconInfo {
  readonly icon_type?: string | null;
  readonly icon?: string | null;
  readonly icon_background?: string | null;
}

/** A field that is asked for; `belong_to_node_id` is a data source or `shared`. */
export interface PipelineField {
  readonly belong_to_node_id: string;
  readonly type: string;
  readonly label: string;
  readonly variable: string;
  readonly max_length?: number | null;
  readonly default_value?: unknown;
  readonly placeholder?: string | null;
  readonly unit?: string | null;
  readonly tooltips?: string | null;
  readonly required: boolean;
  readonly options?: readonly string[] | null;
  readonly allowed_file_types?: readonly string[] | null;
  readonly allowed_file_extensions?: readonly string[] | null;
  readonly allowed_file_upload_methods?: readonly string[] | null;
}

export interface GraphView {
  readonly nodes?: readonly {
    readonly id: string;
    readonly type?: string;
    readonly parentId?: string;
    readonly position?: { readonly x: number; readonly y: number };
    readonly data?: Readonly<Record<string, unknown>>;
  }[];
  readonly edges?: readonly { readonly source: string; readonly target: string }[];
}

export interface PublishedPipeline {
  readonly id: string;
  readonly graph: GraphView;
  readonly rag_pipeline_variables?: readonly PipelineField[];
  readonly created_at?: number | null;
}

const of = (id: string) => `/rag/pipelines/${encodeURIComponent(id)}`;

/** What adding documents runs; nothing while it was never published. */
export const publishedPipeline = (id: string) =>
  queryOptions({
    queryKey: ["pipelines", "published", id],
    queryFn: async () => (await get<PublishedPipeline | null>(`${of(id)}/workflows/publish`)) ?? null,
    staleTime: 15_000,
  });

// ---- templates

export interface Template {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly icon: IconInfo | null;
  readonly position: number;
  readonly chunk_structure: ChunkStructure | null;
  readonly copyright?: string | null;
  readonly privacy_policy?: string | null;
}

export interface TemplateDetail extends Template {
  readonly graph: GraphView;
  /** The file that makes a pipeline of it. */
  readonly export_data: string;
  readonly created_by?: string | null;
}

export type TemplateType = "built-in" | "customized";

export const templateList = (type: TemplateType, language: string) =>
  queryOptions({
    queryKey: ["pipelines", "templates", type, language],
    queryFn: async () => (await get<{ pipeline_templates: readonly Template[] }>("/rag/pipeline/templates", { type, language })).pipeline_templates,
    staleTime: 60_000,
  });

export const templateDetail = (type: TemplateType, id: string) =>
  queryOptions({
    queryKey: ["pipelines", "template", type, id],
    queryFn: () => get<TemplateDetail>(`/rag/pipeline/templates/${encodeURIComponent(id)}`, { type }),
    staleTime: 60_000,
  });

export interface TemplateFields {
  readonly name: string;
  readonly description: string;
  readonly icon_info: IconInfo;
}

const customized = (id: string) => `/rag/pipeline/customized/templates/${encodeURIComponent(id)}`;
export const changeTemplate = (id: string, fields: TemplateFields) => patch(customized(id), fields);
export const deleteTemplate = (id: string) => remove(customized(id));
export const publishTemplate = (pipelineId: string, fields: TemplateFields) => post(`${of(pipelineId)}/customized/publish`, fields);

// ---- making, importing, exporting

export interface PipelineImport {
  readonly id: string;
  readonly status: "completed" | "completed-with-warnings" | "pending" | "failed";
  readonly pipeline_id: string | null;
  readonly dataset_id: string | null;
  readonly current_dsl_version: string;
  readonly imported_dsl_version: string;
  readonly error: string;
}

export type ImportBody =
  | { readonly mode: "yaml-content"; readonly yaml_content: string; readonly pipeline_id?: string }
  | { readonly mode: "yaml-url"; readonly yaml_url: string; readonly pipeline_id?: string };

export const createBlank = () => post<{ id: string; pipeline_id: string }>("/rag/pipeline/empty-dataset");
export const createFromFile = (yaml_content: string) => post<PipelineImport>("/rag/pipeline/dataset", { yaml_content });
export const importPipeline = (body: ImportBody) => post<PipelineImport>("/rag/pipelines/imports", body);
export const confirmImport = (id: string) => post<PipelineImport>(`/rag/pipelines/imports/${encodeURIComponent(id)}/confirm`);
export const exportPipeline = (id: string, include_secret = false) => get<{ data: string }>(`${of(id)}/exports`, { include_secret });
/** An ordinary knowledge base becomes a pipeline, for good. */
export const convertDataset = (datasetId: string) =>
  post<{ pipeline_id: string; dataset_id: string; status: string }>(`/rag/pipelines/transform/datasets/${encodeURIComponent(datasetId)}`);

// ---- data sources

export interface SourcePlugin {
  readonly id: string;
  readonly provider: string;
  readonly plugin_id: string;
  readonly plugin_unique_identifier: string;
  readonly is_authorized: boolean;
  readonly declaration: {
    readonly identity: { readonly author: string; readonly name: string; readonly label: Localised; readonly description?: Localised; readonly icon?: string };
    readonly provider_type: SourceType;
    readonly datasources: readonly {
      readonly identity: { readonly author?: string; readonly name: string; readonly provider?: string; readonly label: Localised };
      readonly description?: Localised;
      readonly parameters: readonly unknown[];
      readonly output_schema?: unknown;
    }[];
  };
}

export const sourcePlugins = queryOptions({
  queryKey: ["pipelines", "sources"],
  queryFn: () => get<readonly SourcePlugin[]>("/rag/pipelines/datasource-plugins"),
  staleTime: 60_000,
});

export type Workflow = "draft" | "published";

const workflow = (id: string, which: Workflow) => `${of(id)}/workflows/${which}`;

async function fieldsAt(path: string, node: string): Promise<readonly PipelineField[]> {
  return (await get<{ variables: readonly PipelineField[] }>(path, { node_id: node })).variables;
}

/** What a data source needs before it can list anything. */
export const sourceFields = (id: string, which: Workflow, node: string) =>
  queryOptions({
    queryKey: ["pipelines", "source-fields", id, which, node],
    queryFn: () => fieldsAt(`${workflow(id, which)}/pre-processing/parameters`, node),
    staleTime: 0,
  });

/** What the rest of the pipeline needs. */
export const processFields = (id: string, which: Workflow, node: string) =>
  queryOptions({
    queryKey: ["pipelines", "process-fields", id, which, node],
    queryFn: () => fieldsAt(`${workflow(id, which)}/processing/parameters`, node),
    staleTime: 0,
  });

export interface SourceRun {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly datasource_type: SourceType;
  readonly credential_id?: string;
}

/** Where a data source is run: its events come as a stream. */
export const sourceRunPath = (id: string, which: Workflow, node: string) => `${workflow(id, which)}/datasource/nodes/${encodeURIComponent(node)}/run`;

/** The text of an online document, as a published pipeline would read it. */
export const pageText = (id: string, node: string, page: { readonly page_id: string; readonly type: string }, credential: string) =>
  queryOptions({
    queryKey: ["pipelines", "page-text", id, node, page.page_id, credential],
    queryFn: async () => {
      const body = {
        inputs: { page_id: page.page_id, type: page.type, credential_id: credential },
        datasource_type: "online_document",
        credential_id: credential,
      };
      return (await post<{ content: string }>(`${workflow(id, "published")}/datasource/nodes/${encodeURIComponent(node)}/preview`, body)).content;
    },
    staleTime: 60_000,
    retry: false,
  });

// ---- items and runs

export interface WebPage {
  readonly title: string;
  readonly source_url: string;
  readonly description: string;
  readonly content: string;
}

export interface OnlinePage {
  readonly page_id: string;
  readonly page_name: string;
  readonly page_icon?: { readonly type?: string; readonly emoji?: string; readonly url?: string } | null;
  readonly parent_id?: string | null;
  readonly type: string;
  readonly last_edited_time?: string;
}

export interface OnlineWorkspace {
  readonly workspace_id: string;
  readonly workspace_name: string;
  readonly workspace_icon?: string | null;
  readonly total?: number;
  readonly pages: readonly OnlinePage[];
}

/** A file or folder of a drive; a bucket is a folder of its own. */
export interface DriveEntry {
  readonly id: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly type: "file" | "folder";
}

/** One thing a document is made of, as a run is told. */
export type SourceInfo = Readonly<Record<string, unknown>>;

export interface PipelineRun {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly datasource_type: SourceType;
  readonly datasource_info_list: readonly SourceInfo[];
  readonly start_node_id: string;
  /** The document that is made anew. */
  readonly original_document_id?: string;
}

export interface ChunkPreview {
  readonly chunk_structure?: ChunkStructure | null;
  readonly parent_mode?: string | null;
  readonly preview?: readonly { readonly content: string; readonly child_chunks?: readonly string[] | null }[] | null;
  readonly qa_preview?: readonly { readonly question: string; readonly answer: string }[] | null;
  readonly total_segments?: number | null;
}

export interface PreviewAnswer {
  readonly task_id: string;
  readonly workflow_run_id: string;
  readonly data: { readonly id: string; readonly status: string; readonly outputs: ChunkPreview | null; readonly error: string | null };
}

export type IndexingStatus = "waiting" | "parsing" | "cleaning" | "splitting" | "indexing" | "completed" | "error" | "paused";

export interface RunAnswer {
  readonly batch: string;
  readonly dataset: { readonly id: string; readonly name: string };
  readonly documents: readonly {
    readonly id: string;
    readonly position: number;
    readonly name: string;
    readonly indexing_status: IndexingStatus;
    readonly error?: string | null;
  }[];
}

/** The chunks an item would become; nothing is written. */
export const previewRun = (id: string, run: PipelineRun, signal: AbortSignal) =>
  json<PreviewAnswer>(`${workflow(id, "published")}/run`, { method: "POST", signal, body: { ...run, is_preview: true, response_mode: "blocking" } });

export const startRun = (id: string, run: PipelineRun) =>
  post<RunAnswer>(`${workflow(id, "published")}/run`, { ...run, is_preview: false, response_mode: "blocking" });

/** How a document was made, to make it anew. */
export interface ExecutionLog {
  readonly datasource_info: SourceInfo | null;
  readonly datasource_type: SourceType | null;
  readonly input_data: Readonly<Record<string, unknown>> | null;
  readonly datasource_node_id: string | null;
}

export const executionLog = (datasetId: string, documentId: string) =>
  queryOptions({
    queryKey: ["pipelines", "log", datasetId, documentId],
    queryFn: () => get<ExecutionLog>(`/datasets/${datasetId}/documents/${documentId}/pipeline-execution-log`),
    staleTime: 0,
  });
