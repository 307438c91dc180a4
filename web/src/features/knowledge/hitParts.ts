/** The parts of a hit's score. */
import type { HitRecord } from "./types";

export interface Part {
  readonly name: "meaning" | "words" | "rerank";
  readonly score: number;
  /** Of the bar, from 0 to 1. */
  readonly share: number;
}

const NAMES = ["meaning", "words", "rerank"] as const;

/** The best BM25 score among the hits; 0 where words scored none. */
export function bestWordsOf(records: readonly HitRecord[]): number {
  return Math.max(0, ...records.map((record) => record.scores?.words ?? 0));
}

/** What scored the hit. Cosines and rerank scores are shares as they are, BM25 is one of the best in the list. */
export function partsOf(record: HitRecord, bestWords: number): readonly Part[] {
  return NAMES.flatMap((name) => {
    const score = record.scores?.[name];
    if (score === null || score === undefined) return [];
    const of = name === "words" ? bestWords : 1;
    return [{ name, score, share: of > 0 ? Math.max(0, Math.min(1, score / of)) : 0 }];
  });
}
