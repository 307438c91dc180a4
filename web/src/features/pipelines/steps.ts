/** The way from a source to documents: which step is open, and what may come next. Pure. */
import type { ChunkPreview, PipelineRun } from "../../data/pipelines";
import type { Estimate } from "../knowledge/types";
import type { Item, SourceNode } from "./sources";

export const STEPS = ["source", "fields", "done"] as const;
export type Step = (typeof STEPS)[number];

/** A source is chosen, something of it too, and nothing is still on its way. */
export function mayGoOn(source: SourceNode | undefined, items: readonly Item[], waiting: boolean): boolean {
  return source !== undefined && items.length > 0 && !waiting;
}

export function runOf(source: SourceNode, items: readonly Item[], inputs: Readonly<Record<string, unknown>>): PipelineRun {
  return { inputs, datasource_type: source.type, datasource_info_list: items.map((item) => item.info), start_node_id: source.id };
}

/** What a run of the knowledge base's node gives, as chunks are shown elsewhere; nothing if it is something else. */
export function chunksOf(outputs: unknown): { readonly form: string; readonly estimate: Estimate } | undefined {
  if (typeof outputs !== "object" || outputs === null) return undefined;
  const { chunk_structure, preview, qa_preview, total_segments }: ChunkPreview = outputs;
  if (!chunk_structure || (!Array.isArray(preview) && !Array.isArray(qa_preview))) return undefined;
  const shown = (qa_preview?.length ?? 0) > 0 ? (qa_preview?.length ?? 0) : (preview?.length ?? 0);
  return { form: chunk_structure, estimate: { total_segments: total_segments ?? shown, preview: preview ?? [], qa_preview: qa_preview ?? null } };
}
