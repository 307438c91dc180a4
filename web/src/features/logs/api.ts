/** Runs, their nodes, conversations and messages, as the logs read them. */
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { Mode } from "../../data/apps";
import { get, post } from "../../lib/http";
import type { AgentLog } from "../../lib/thoughts";

interface Person {
  readonly id: string;
  readonly name: string;
}

interface EndUser {
  readonly id: string;
  readonly session_id: string;
}

export interface RunItem {
  readonly id: string;
  readonly version: string;
  readonly status: string;
  readonly error: string | null;
  readonly elapsed_time: number;
  readonly total_tokens: number;
  readonly total_price?: string | number | null;
  readonly currency?: string | null;
  readonly total_steps: number;
  readonly triggered_from: string;
  readonly created_by_account: Person | null;
  readonly created_at: number;
  readonly finished_at: number | null;
  readonly exceptions_count: number;
  /** The question, or the first text of the inputs, cut to a line. */
  readonly input_preview?: string | null;
}

export interface RunDetail extends RunItem {
  readonly inputs: unknown;
  readonly outputs: unknown;
  /** What the run executed. */
  readonly graph?: unknown;
  readonly created_by_role: string;
  readonly created_by_end_user: EndUser | null;
  /** The run this one was made from by replay or fork, and those made from this one. */
  readonly parent_run_id?: string | null;
  readonly origin?: string | null;
  readonly children?: readonly { readonly id: string; readonly origin: string | null }[];
}

export interface NodeExecution {
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
  readonly elapsed_time: number;
  readonly execution_metadata: Readonly<Record<string, unknown>> | null;
  readonly created_at: number;
  readonly finished_at: number | null;
  readonly retry_index?: number;
  readonly started_at_ms?: number;
}

/** One row of the run list, wherever it was read from. */
export interface RunRow {
  readonly run: RunItem;
  /** `service-api`, `web-app`, `debugging`, … */
  readonly source: string;
  readonly by: string;
}

interface LogEntry {
  readonly id: string;
  readonly workflow_run: RunItem;
  readonly created_from: string;
  readonly created_by_account: Person | null;
  readonly created_by_end_user: EndUser | null;
}

interface RunPage {
  readonly rows: readonly RunRow[];
  readonly total: number | undefined;
  /** A page number for the log, the last run's id for the lists of runs. */
  readonly next: string | undefined;
}

export interface RunFilter {
  readonly debug: boolean;
  readonly status: string | undefined;
  readonly keyword: string | undefined;
  readonly after: string | undefined;
  readonly before: string | undefined;
}

/** The run log knows keywords and times; runs of chatflows and debug runs are plain lists, newest first. */
export function isRunLog(mode: Mode, debug: boolean): boolean {
  return mode === "workflow" && !debug;
}

async function logPage(appId: string, filter: RunFilter, page: number): Promise<RunPage> {
  const answer = await get<{ total: number; has_more: boolean; data: LogEntry[] }>(`/apps/${appId}/workflow-app-logs`, {
    page,
    limit: 50,
    keyword: filter.keyword,
    status: filter.status,
    created_at__after: filter.after,
    created_at__before: filter.before,
  });
  const rows = answer.data.map((entry) => ({
    run: entry.workflow_run,
    source: entry.created_from,
    by: entry.created_by_account?.name ?? entry.created_by_end_user?.session_id ?? "",
  }));
  return { rows, total: answer.total, next: answer.has_more ? String(page + 1) : undefined };
}

async function runPage(appId: string, mode: Mode, filter: RunFilter, last: string): Promise<RunPage> {
  const path = mode === "workflow" ? "workflow-runs" : "advanced-chat/workflow-runs";
  const answer = await get<{ has_more: boolean; data: RunItem[] }>(`/apps/${appId}/${path}`, {
    limit: 50,
    last_id: last || undefined,
    status: filter.status,
    triggered_from: filter.debug ? "debugging" : "app-run",
  });
  const rows = answer.data.map((run) => ({ run, source: run.triggered_from, by: run.created_by_account?.name ?? "" }));
  return { rows, total: undefined, next: answer.has_more ? answer.data.at(-1)?.id : undefined };
}

export const runList = (appId: string, mode: Mode, filter: RunFilter, live: boolean) =>
  infiniteQueryOptions({
    queryKey: ["logs", "runs", appId, filter],
    queryFn: ({ pageParam }) => (isRunLog(mode, filter.debug) ? logPage(appId, filter, Number(pageParam || 1)) : runPage(appId, mode, filter, pageParam)),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    placeholderData: (before) => before,
    refetchInterval: live ? 3000 : false,
  });

export function isActive(status: string | undefined): boolean {
  return status === "running" || status === "scheduled";
}

export const runDetail = (appId: string, id: string) =>
  queryOptions({
    queryKey: ["logs", "run", appId, id],
    queryFn: () => get<RunDetail>(`/apps/${appId}/workflow-runs/${id}`),
    refetchInterval: (query) => (isActive(query.state.data?.status) ? 1000 : false),
  });

export const runNodes = (appId: string, id: string, status: string | undefined) =>
  queryOptions({
    queryKey: ["logs", "nodes", appId, id, status],
    queryFn: () => get<{ data: NodeExecution[] }>(`/apps/${appId}/workflow-runs/${id}/node-executions`),
    refetchInterval: isActive(status) ? 1000 : false,
    placeholderData: (before) => before,
  });

export interface Conversation {
  readonly id: string;
  readonly name: string;
  readonly summary: string | null;
  readonly inputs: unknown;
  readonly from_source: string;
  readonly from_end_user_session_id: string | null;
  readonly from_account_name: string | null;
  readonly read_at: number | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly model_config?: { readonly model?: { readonly provider?: string | null; readonly name?: string | null } } | null;
  readonly message_count: number;
  /** One of its answers is. */
  readonly annotated?: boolean;
  readonly user_feedback_stats: { readonly like: number; readonly dislike: number };
  readonly admin_feedback_stats: { readonly like: number; readonly dislike: number };
  readonly status_count: { readonly success: number; readonly failed: number; readonly partial_success: number } | null;
}

/** What a conversation is known by: its name, or for forms the first text that was filled in. */
export function titleOf(item: Conversation, form: boolean): string {
  const first = Object.values(typeof item.inputs === "object" && item.inputs !== null ? item.inputs : {}).find(
    (value) => typeof value === "string" && value.trim() !== "",
  );
  return form && typeof first === "string" ? first : item.summary?.trim() || item.name;
}

export interface ConversationFilter {
  readonly keyword: string | undefined;
  readonly start: string | undefined;
  readonly end: string | undefined;
  readonly sort: string;
  readonly annotated: "yes" | "no" | undefined;
}

const conversationPath = (appId: string, mode: Mode) => `/apps/${appId}/${mode === "completion" ? "completion" : "chat"}-conversations`;

export const conversationList = (appId: string, mode: Mode, filter: ConversationFilter, live: boolean) =>
  infiniteQueryOptions({
    queryKey: ["logs", "conversations", appId, filter],
    queryFn: ({ pageParam }) =>
      get<{ page: number; total: number; has_more: boolean; data: Conversation[] }>(conversationPath(appId, mode), {
        page: pageParam,
        limit: 50,
        keyword: filter.keyword,
        start: filter.start,
        end: filter.end,
        sort_by: filter.sort,
        annotation_status: filter.annotated && (filter.annotated === "yes" ? "annotated" : "not_annotated"),
      }),
    initialPageParam: 1,
    getNextPageParam: (page) => (page.has_more ? page.page + 1 : undefined),
    placeholderData: (before) => before,
    refetchInterval: live ? 3000 : false,
  });

/** Reading one marks it as read on the server. */
export const conversation = (appId: string, mode: Mode, id: string) =>
  queryOptions({ queryKey: ["logs", "conversation", appId, id], queryFn: () => get<Conversation>(`${conversationPath(appId, mode)}/${id}`) });

export interface Feedback {
  readonly rating: "like" | "dislike" | null;
  readonly content: string | null;
  readonly from_source: string;
}

export interface Message {
  readonly id: string;
  readonly query: string;
  readonly answer: string;
  readonly inputs: unknown;
  readonly message_tokens: number;
  readonly answer_tokens: number;
  readonly provider_response_latency: number;
  readonly feedbacks: readonly Feedback[];
  readonly workflow_run_id: string | null;
  readonly annotation?: { readonly id: string; readonly question: string; readonly content: string } | null;
  readonly created_at: number;
  readonly status: string;
  readonly error: string | null;
  readonly total_price?: string | number | null;
  readonly currency?: string | null;
  readonly metadata: {
    readonly usage?: { readonly time_to_first_token?: number | null };
    readonly answered_by?: unknown;
    readonly context_window?: unknown;
  } | null;
  /** What an agent did for it. */
  readonly agent_thoughts?: unknown;
  readonly message_files: readonly { readonly id: string; readonly type: string; readonly url: string | null; readonly belongs_to: string | null }[];
}

export const messageList = (appId: string, id: string) =>
  infiniteQueryOptions({
    queryKey: ["logs", "messages", appId, id],
    queryFn: ({ pageParam }) =>
      get<{ has_more: boolean; data: Message[] }>(`/apps/${appId}/chat-messages`, { conversation_id: id, first_id: pageParam || undefined, limit: 20 }),
    initialPageParam: "",
    getNextPageParam: (page) => (page.has_more ? page.data[0]?.id : undefined),
  });

/** What only the log of an agent's run knows: times, tokens, errors. */
export const agentLog = (appId: string, conversation: string, message: string) =>
  queryOptions({
    queryKey: ["logs", "agent", appId, message],
    queryFn: () => get<AgentLog>(`/apps/${appId}/agent/logs`, { conversation_id: conversation, message_id: message }),
    staleTime: 300_000,
  });

export function useRating(appId: string, conversationId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ message, rating, content }: { message: string; rating: "like" | "dislike" | null; content?: string }) =>
      post(`/apps/${appId}/feedbacks`, { message_id: message, rating, ...(content === undefined ? {} : { content }) }),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["logs", "messages", appId, conversationId] }),
        client.invalidateQueries({ queryKey: ["logs", "conversations", appId] }),
      ]),
  });
}
