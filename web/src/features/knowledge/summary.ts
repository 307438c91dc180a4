/** How summaries of chunks are made, and where there can be some. */
import type { ChunkForm, KeptSummary, Segment, SummarySetting, Technique } from "./types";

export const MAX_PROMPT = 8000;

/** What is stored, with every field. */
export function summaryOf(kept: KeptSummary | null | undefined): SummarySetting {
  return {
    enable: kept?.enable ?? false,
    model_name: kept?.model_name || null,
    model_provider_name: kept?.model_provider_name || null,
    summary_prompt: kept?.summary_prompt || null,
  };
}

export function sameSummary(a: SummarySetting, b: SummarySetting): boolean {
  return (
    a.enable === b.enable &&
    a.model_name === b.model_name &&
    a.model_provider_name === b.model_provider_name &&
    (a.summary_prompt ?? "").trim() === (b.summary_prompt ?? "").trim()
  );
}

/** Summaries are found by their vectors; questions have their answers. */
export function canSummarise(technique: Technique | null, form: ChunkForm | null | undefined): boolean {
  return technique === "high_quality" && form !== "qa_model";
}

export function isBeingSummarised(segment: Pick<Segment, "summary_status">): boolean {
  return segment.summary_status === "not_started" || segment.summary_status === "generating";
}
