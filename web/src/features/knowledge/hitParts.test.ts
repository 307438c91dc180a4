import { describe, expect, it } from "vitest";
import { bestWordsOf, partsOf } from "./hitParts";
import type { HitRecord, HitScores } from "./types";

const hit = (scores: HitScores | null) => ({ score: 0.5, scores }) as HitRecord;

describe("the parts of a score", () => {
  it("measures words by the best of the list, and the others as they are", () => {
    const records = [hit({ words: 8, meaning: 0.75, rerank: 0.9 }), hit({ words: 2, meaning: -0.1, rerank: null }), hit(null)];
    const best = bestWordsOf(records);
    expect(best).toBe(8);
    expect(records.map((record) => partsOf(record, best).map(({ name, share }) => [name, share]))).toEqual([
      [
        ["meaning", 0.75],
        ["words", 1],
        ["rerank", 0.9],
      ],
      [
        ["meaning", 0],
        ["words", 0.25],
      ],
      [],
    ]);
  });

  it("has no bar where nothing has a word of the question", () => {
    expect(bestWordsOf([hit(null)])).toBe(0);
    expect(partsOf(hit({ words: 0, meaning: null, rerank: null }), 0)).toEqual([{ name: "words", score: 0, share: 0 }]);
  });
});
