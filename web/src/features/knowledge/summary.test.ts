import { describe, expect, it } from "vitest";
import { canSummarise, isBeingSummarised, sameSummary, summaryOf } from "./summary";

describe("summaries", () => {
  it("reads what is stored", () => {
    const off = { enable: false, model_name: null, model_provider_name: null, summary_prompt: null };
    expect(summaryOf(undefined)).toEqual(off);
    expect(summaryOf({ enable: null, model_name: "", model_provider_name: null, summary_prompt: "" })).toEqual(off);
    expect(summaryOf({ enable: true, model_name: "m", model_provider_name: "p", summary_prompt: "Short." })).toEqual({
      enable: true,
      model_name: "m",
      model_provider_name: "p",
      summary_prompt: "Short.",
    });
  });

  it("sees what differs", () => {
    const one = summaryOf({ enable: true, model_name: "m", model_provider_name: "p", summary_prompt: "Short." });
    expect(sameSummary(one, { ...one, summary_prompt: " Short. " })).toBe(true);
    expect(sameSummary(one, { ...one, enable: false })).toBe(false);
    expect(sameSummary(one, { ...one, model_name: "n" })).toBe(false);
  });

  it("knows where there can be some", () => {
    expect(canSummarise("high_quality", "text_model")).toBe(true);
    expect(canSummarise("high_quality", "qa_model")).toBe(false);
    expect(canSummarise("economy", "text_model")).toBe(false);
    expect(canSummarise(null, undefined)).toBe(false);
    expect(["not_started", "generating", "completed", null].map((summary_status) => isBeingSummarised({ summary_status }))).toEqual([true, true, false, false]);
  });
});
