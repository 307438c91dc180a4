/** What models cost the workspace, and how much they may. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { Schema } from "../../api/types";
import { get, post, put, type Query, remove, request } from "../../lib/http";
import type { Bounds } from "../monitor/span";

export type Sum = Schema<"SpendSumView">;
export type Summary = Omit<Schema<"SpendSummary">, "total"> & { readonly total: readonly Sum[] };
export type Group = Schema<"SpendGroupView">;
export type Call = Schema<"ModelCallView">;
type Calls = Schema<"ModelCalls">;
export type Budget = Schema<"ModelBudgetView">;
export type Budgets = Schema<"ModelBudgets">;
export type BudgetBody = Schema<"ModelBudgetBody">;
export type By = "model" | "app" | "user" | "key";

const PATH = "/workspaces/current/model-spend";
const BUDGETS = "/workspaces/current/model-budgets";
const FRESH = 30_000;

type Times = Pick<Bounds, "start" | "end">;

const times = (span: Times): Query => ({ start: span.start, end: span.end });

export const summary = (span: Times) =>
  queryOptions({ queryKey: ["usage", "summary", span.start, span.end], queryFn: () => get<Summary>(PATH, times(span)), staleTime: FRESH, retry: false });

export const groups = (span: Times, by: By) =>
  queryOptions({
    queryKey: ["usage", "groups", by, span.start, span.end],
    queryFn: async () => (await get<Schema<"SpendGroups">>(`${PATH}/groups`, { ...times(span), by })).data,
    staleTime: FRESH,
    retry: false,
  });

export const calls = (span: Times, failed: boolean) =>
  infiniteQueryOptions({
    queryKey: ["usage", "calls", failed, span.start, span.end],
    queryFn: ({ pageParam }) => get<Calls>(`${PATH}/calls`, { ...times(span), limit: 20, after: pageParam, status: failed ? "failed" : undefined }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => (page.has_more ? page.data.at(-1)?.id : undefined),
    staleTime: FRESH,
    retry: false,
  });

/** All calls of a time as a file. */
export async function exportCalls(span: Times): Promise<Blob> {
  return (await request(`${PATH}/export`, { query: times(span) })).blob();
}

export const budgets = queryOptions({ queryKey: ["usage", "budgets"], queryFn: () => get<Budgets>(BUDGETS), staleTime: FRESH, retry: false });

export const saveBudget = (id: string | undefined, body: BudgetBody) => (id ? put<Budget>(`${BUDGETS}/${id}`, body) : post<Budget>(BUDGETS, body));
export const deleteBudget = (id: string) => remove(`${BUDGETS}/${id}`);
