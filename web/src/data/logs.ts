/** Runs, conversations and messages. */
import { queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "../lib/http";
import type { Mode } from "./apps";

export interface RunRow {
  readonly id: string;
  readonly version: string;
  readonly status: string;
  readonly error?: string | null;
  readonly elapsed_time: number | null;
  readonly total_tokens: number | null;
  readonly total_price?: string | number | null;
  readonly currency?: string | null;
  readonly total_steps: number | null;
  readonly created_at: number;
  readonly finished_at: number | null;
  readonly exceptions_count?: number | null;
  readonly created_by_account?: { readonly name: string } | null;
  readonly created_by_end_user?: { readonly session_id?: string } | null;
}

export interface RunDetail extends RunRow {
  readonly inputs: unknown;
  readonly outputs: unknown;
}

export interface Execution {
  readonly id: string;
  readonly index: number;
  readonly node_id: string;
  readonly node_type: string;
  readonly title: string;
  readonly inputs: unknown;
  readonly process_data: unknown;
  readonly outputs: unknown;
  readonly status: string;
  readonly error: string | null;
  readonly elapsed_time: number | null;
  readonly execution_metadata: Readonly<Record<string, unknown>> | null;
  readonly created_at: number;
  readonly started_at_ms?: number;
  readonly retry_index?: number | null;
}

export interface LogEntry {
  readonly id: string;
  readonly workflow_run: RunRow;
  readonly created_from: string;
  readonly created_by_account: { readonly name: string } | null;
  readonly created_by_end_user: { readonly session_id?: string } | null;
  readonly created_at: number;
}

export interface Conversation {
  readonly id: string;
  readonly name: string | null;
  readonly summary: string | null;
  readonly from_source: string;
  readonly from_end_user_session_id: string | null;
  readonly from_account_name: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly message_count: number;
  readonly user_feedback_stats: { readonly like: number; readonly dislike: number } | null;
  readonly admin_feedback_stats: { readonly like: number; readonly dislike: number } | null;
  readonly status_count: { readonly failed: number } | null;
}

export interface Message {
  readonly id: string;
  readonly inputs: Readonly<Record<string, unknown>> | null;
  readonly query: string;
  readonly answer: string;
  readonly message_tokens: number;
  readonly answer_tokens: number;
  readonly provider_response_latency: number;
  readonly from_source: string;
  readonly feedbacks: readonly { readonly rating: string; readonly content: string | null; readonly from_source: string }[];
  readonly workflow_run_id: string | null;
  readonly created_at: number;
  readonly status: string;
  readonly error: string | null;
}

interface Page<T> {
  readonly total: number;
  readonly has_more: boolean;
  readonly data: readonly T[];
}

export const PAGE = 30;

export interface LogFilter {
  readonly status?: string | undefined;
  readonly days?: number | undefined;
  readonly q?: string | undefined;
  readonly page: number;
}

const since = (days: number | undefined) => (days ? new Date(Math.floor((Date.now() - days * 86_400_000) / 60_000) * 60_000) : undefined);

export const runLog = (app: string, filter: LogFilter) =>
  queryOptions({
    queryKey: ["logs", app, "runs", filter],
    queryFn: () =>
      get<Page<LogEntry>>(`/apps/${app}/workflow-app-logs`, {
        page: filter.page,
        limit: PAGE,
        status: filter.status,
        keyword: filter.q,
        created_at__after: since(filter.days)?.toISOString(),
      }),
    placeholderData: (before) => before,
    staleTime: 0,
  });

export const testRuns = (app: string, mode: Mode, status: string | undefined) =>
  queryOptions({
    queryKey: ["logs", app, "tests", status],
    queryFn: () =>
      get<{ data: readonly RunRow[]; has_more: boolean }>(`/apps/${app}/${mode === "workflow" ? "" : "advanced-chat/"}workflow-runs`, { limit: 100, status }),
    staleTime: 0,
  });

const two = (n: number) => String(n).padStart(2, "0");

/** `YYYY-MM-DD HH:MM` in a time zone, as the conversation lists want it. */
export function consoleTime(date: Date, zone: string): string {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(date);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? two(0);
  return `${of("year")}-${of("month")}-${of("day")} ${of("hour")}:${of("minute")}`;
}

const list = (mode: Mode) => (mode === "completion" ? "completion-conversations" : "chat-conversations");

export const conversations = (app: string, mode: Mode, filter: LogFilter, zone: string) =>
  queryOptions({
    queryKey: ["logs", app, "conversations", filter],
    queryFn: () => {
      const from = since(filter.days);
      return get<Page<Conversation>>(`/apps/${app}/${list(mode)}`, {
        page: filter.page,
        limit: PAGE,
        keyword: filter.q,
        start: from ? consoleTime(from, zone) : undefined,
      });
    },
    placeholderData: (before) => before,
    staleTime: 0,
  });

export const conversation = (app: string, mode: Mode, id: string) =>
  queryOptions({ queryKey: ["logs", app, "conversation", id], queryFn: () => get<Conversation>(`/apps/${app}/${list(mode)}/${id}`) });
export const deleteConversation = (app: string, mode: Mode, id: string) => remove(`/apps/${app}/${list(mode)}/${id}`);
export const messagesBefore = (app: string, id: string, first?: string) =>
  get<{ data: readonly Message[]; has_more: boolean }>(`/apps/${app}/chat-messages`, { conversation_id: id, limit: 20, first_id: first });
export const rate = (app: string, message: string, rating: "like" | "dislike" | null) => post(`/apps/${app}/feedbacks`, { message_id: message, rating });
export const runDetail = (app: string, id: string) =>
  queryOptions({
    queryKey: ["logs", app, "run", id],
    queryFn: () => get<RunDetail>(`/apps/${app}/workflow-runs/${id}`),
    refetchInterval: (q) => (q.state.data?.status === "running" ? 1500 : false),
  });
export const executions = (app: string, id: string) =>
  queryOptions({
    queryKey: ["logs", app, "executions", id],
    queryFn: () => get<{ data: readonly Execution[] }>(`/apps/${app}/workflow-runs/${id}/node-executions`),
  });
