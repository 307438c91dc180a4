import { describe, expect, it } from "vitest";
import { type Answer, best, firstPlace, markOf, nextSetting } from "./evaluation";
import { startRetrieval } from "./retrieval";
import type { Dataset, HitRecord } from "./types";

const dataset = { indexing_technique: "high_quality", retrieval_model_dict: startRetrieval("high_quality") } as Dataset;

describe("evaluation", () => {
  it("offers what is not compared yet", () => {
    const own = startRetrieval("high_quality");
    const second = nextSetting(dataset, [own]);
    expect(second.search_method).toBe("semantic_search");
    expect(nextSetting(dataset, [own, second]).search_method).toBe("full_text_search");
    const economy = { ...dataset, indexing_technique: "economy", retrieval_model_dict: startRetrieval("economy") } as Dataset;
    const words = startRetrieval("economy");
    expect(nextSetting(economy, [words])).toEqual({ ...words, top_k: 1 });
  });

  it("tells the best, unless all are equal", () => {
    expect([...best([0.2, 0.5, 0.5])]).toEqual([1, 2]);
    expect([...best([0.5, 0.5])]).toEqual([]);
    expect([...best([0.5])]).toEqual([]);
    expect([...best([])]).toEqual([]);
  });

  it("finds the first that was expected", () => {
    const item = { rank: 1, document_id: "", document_name: "", segment_id: "", position: 1, page: null, score: 1, excerpt: "" };
    const found = (places: readonly boolean[]): Answer => ({
      recall: 0,
      ndcg: 0,
      reciprocal_rank: 0,
      took_ms: 0,
      error: null,
      found: places.map((is_expected, index) => ({ ...item, place: index + 1, is_expected })),
    });
    expect(firstPlace(found([false, true, true]))).toBe(2);
    expect(firstPlace(found([false]))).toBeUndefined();
  });

  it("knows how a hit is marked", () => {
    const hit = { segment: { id: "s1", document: { id: "d1" } } } as HitRecord;
    const one = (document_id: string, segment_id: string | null) => ({ document_id, segment_id, document_name: "", position: null, is_missing: false });
    expect(markOf([one("d1", null)], hit)).toBe("document");
    expect(markOf([one("d1", null), one("d1", "s1")], hit)).toBe("chunk");
    expect(markOf([one("d1", "s2"), one("d2", null)], hit)).toBeUndefined();
  });
});
