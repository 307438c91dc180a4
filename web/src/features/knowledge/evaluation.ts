/** Questions whose answers are known, and how settings of retrieval do on them. */
import { queryOptions } from "@tanstack/react-query";
import { get, patch, post, remove } from "../../lib/http";
import { METHODS, retrievalOf, sameRetrieval, withMethod } from "./retrieval";
import type { Dataset, HitRecord, Page, RetrievalModel } from "./types";

export const MAX_SETTINGS = 4;
export const QUESTIONS_AT_ONCE = 50;
export const RESULTS_AT_ONCE = 20;

export interface Expected {
  readonly document_id: string;
  readonly document_name: string | null;
  readonly segment_id: string | null;
  readonly position: number | null;
  readonly is_missing: boolean;
}

export interface Question {
  readonly id: string;
  readonly question: string;
  readonly expected: readonly Expected[];
  readonly source: string;
  readonly created_at: number;
}

export interface QuestionPage extends Page<Question> {
  /** Questions for which it is known what they should find. */
  readonly known: number;
  readonly most: number;
}

export interface Setting {
  readonly name: string;
  readonly retrieval_model: RetrievalModel;
}

export interface Summary {
  readonly name: string;
  readonly top_k: number;
  readonly questions: number;
  readonly failed: number;
  readonly missed: number;
  readonly recall: number;
  readonly ndcg: number;
  readonly mrr: number;
  readonly took_ms: number;
  readonly took_ms_p95: number;
}

export interface Run {
  readonly id: string;
  readonly status: "running" | "completed" | "stopped" | "error";
  readonly error: string | null;
  readonly total: number;
  readonly done: number;
  readonly settings: readonly Setting[];
  readonly summary: readonly Summary[];
  readonly created_at: number;
  readonly finished_at: number | null;
}

export interface FoundItem {
  readonly place: number;
  readonly rank: number;
  readonly document_id: string;
  readonly document_name: string;
  readonly segment_id: string;
  readonly position: number;
  readonly page: number | null;
  readonly score: number;
  readonly is_expected: boolean;
  readonly excerpt: string;
}

export interface Answer {
  readonly recall: number;
  readonly ndcg: number;
  readonly reciprocal_rank: number;
  readonly took_ms: number;
  readonly error: string | null;
  readonly found: readonly FoundItem[];
}

export interface Result {
  readonly question_id: string;
  readonly question: string;
  readonly expected: readonly Expected[];
  readonly by_setting: readonly (Answer | null)[];
}

export const WHICH = ["all", "missed", "different"] as const;
export type Which = (typeof WHICH)[number];

const base = (datasetId: string) => `/datasets/${datasetId}/evaluation`;

export const questionList = (datasetId: string, page: number, keyword: string | undefined) =>
  queryOptions({
    queryKey: ["datasets", "evaluation", datasetId, "questions", page, keyword ?? ""],
    queryFn: () => get<QuestionPage>(`${base(datasetId)}/questions`, { page, limit: QUESTIONS_AT_ONCE, keyword }),
    placeholderData: (before) => before,
  });

/** One question however it is written, if it is stored. */
export const storedQuestion = (datasetId: string, question: string) =>
  queryOptions({
    queryKey: ["datasets", "evaluation", datasetId, "question", question],
    queryFn: () => get<QuestionPage>(`${base(datasetId)}/questions`, { page: 1, limit: 1, question }),
    enabled: question !== "",
  });

export interface ExpectedForm {
  readonly document_id: string;
  readonly segment_id?: string | null;
}

export const addQuestions = (datasetId: string, questions: readonly { question: string; expected?: readonly ExpectedForm[] }[], source: "manual" | "log") =>
  post<{ added: number; changed: number }>(`${base(datasetId)}/questions`, { questions, source });
export const changeQuestion = (datasetId: string, id: string, fields: { question?: string; expected?: readonly ExpectedForm[] }) =>
  patch<Question>(`${base(datasetId)}/questions/${id}`, fields);
export const deleteQuestion = (datasetId: string, id: string) => remove(`${base(datasetId)}/questions?question_id=${id}`);
export interface Imported {
  readonly added: number;
  readonly changed: number;
  readonly skipped: number;
  readonly problems: readonly { readonly line: number; readonly message: string }[];
}
export const importQuestions = (datasetId: string, csv: string) => post<Imported>(`${base(datasetId)}/questions/import`, { csv });
export interface Mark {
  readonly question: string;
  readonly document_id: string;
  readonly segment_id: string | null;
  readonly expected: boolean;
}
export const markExpected = (datasetId: string, mark: Mark) => post<Question>(`${base(datasetId)}/mark`, mark);

const soon = (running: boolean) => (running ? 800 : false);
export const runList = (datasetId: string) =>
  queryOptions({
    queryKey: ["datasets", "evaluation", datasetId, "runs"],
    queryFn: () => get<{ data: readonly Run[] }>(`${base(datasetId)}/runs`),
    refetchInterval: (query) => soon(query.state.data?.data.some((run) => run.status === "running") ?? false),
  });
export const runResults = (datasetId: string, run: Run, which: Which, page: number) =>
  queryOptions({
    queryKey: ["datasets", "evaluation", datasetId, "results", run.id, run.done, run.status, which, page],
    queryFn: () => get<Page<Result>>(`${base(datasetId)}/runs/${run.id}/results`, { page, limit: RESULTS_AT_ONCE, which }),
    placeholderData: (before) => before,
  });
export const startRun = (datasetId: string, settings: readonly Setting[]) => post<Run>(`${base(datasetId)}/runs`, { settings });
export const stopRun = (datasetId: string, id: string) => post<Run>(`${base(datasetId)}/runs/${id}/stop`);
export const deleteRun = (datasetId: string, id: string) => remove(`${base(datasetId)}/runs/${id}`);

/** Settings to compare with those that are there: the first way to search that none of them uses. */
export function nextSetting(dataset: Dataset, there: readonly RetrievalModel[]): RetrievalModel {
  const own = retrievalOf(dataset);
  const candidates = own.search_method === "keyword_search" ? [] : METHODS.map((method) => withMethod(own, method));
  const free = candidates.find((candidate) => !there.some((other) => sameRetrieval(other, candidate)));
  if (free) return free;
  const tops = [1, 2, 3, 5, 8, 10];
  const top_k = tops.find((top) => !there.some((other) => sameRetrieval(other, { ...own, top_k: top })));
  return { ...own, top_k: top_k ?? own.top_k };
}

/** The places of the best values; none where all are equal. */
export function best(values: readonly number[]): ReadonlySet<number> {
  const most = Math.max(...values);
  const places = values.flatMap((value, index) => (Math.abs(value - most) < 1e-9 ? [index] : []));
  return new Set(values.length > 1 && places.length < values.length ? places : []);
}

/** The place of the first that was expected; nothing where none was found. */
export const firstPlace = (answer: Answer): number | undefined => answer.found.find((item) => item.is_expected)?.place;

export type Marked = "document" | "chunk" | undefined;

/** How a hit is marked for its question. */
export function markOf(expected: readonly Expected[], record: HitRecord): Marked {
  if (expected.some((one) => one.segment_id === record.segment.id)) return "chunk";
  return expected.some((one) => one.segment_id === null && one.document_id === record.segment.document.id) ? "document" : undefined;
}

export const formOf = (expected: readonly Expected[]): ExpectedForm[] => expected.map(({ document_id, segment_id }) => ({ document_id, segment_id }));
