/** What starts a published workflow without a caller, and what has come of it. */
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, post } from "../lib/http";

export interface Trigger {
  readonly id: string;
  readonly trigger_type: string;
  readonly title: string;
  readonly node_id: string;
  readonly status: "enabled" | "disabled" | "unauthorized" | "rate_limited";
}

export const triggerList = (appId: string) =>
  queryOptions({ queryKey: ["triggers", "list", appId], queryFn: async () => (await get<{ data: Trigger[] }>(`/apps/${appId}/triggers`)).data });

/** Where a webhook is called. */
export const webhookUrl = (appId: string, node: string) =>
  queryOptions({
    queryKey: ["triggers", "webhook", appId, node],
    queryFn: async () => (await get<{ webhook_url: string }>(`/apps/${appId}/workflows/triggers/webhook`, { node_id: node })).webhook_url,
    staleTime: 60_000,
    retry: false,
  });

export function useTriggerSwitch(appId: string) {
  const client = useQueryClient();
  const { queryKey } = triggerList(appId);
  return useMutation({
    mutationFn: ({ id, on }: { id: string; on: boolean }) => post<Trigger>(`/apps/${appId}/trigger-enable`, { trigger_id: id, enable_trigger: on }),
    onSuccess: (changed) => client.setQueryData<Trigger[]>(queryKey, (now) => now?.map((each) => (each.id === changed.id ? changed : each))),
  });
}

export interface TriggerEvent {
  readonly id: string;
  readonly trigger_type: string;
  readonly node_id: string;
  readonly status: string;
  readonly error: string | null;
  readonly workflow_run_id: string | null;
  readonly trigger_data: unknown;
  readonly inputs: unknown;
  readonly outputs: unknown;
  readonly elapsed_time: number | null;
  readonly triggered_at: number;
}

interface TriggerPage {
  readonly page: number;
  readonly has_more: boolean;
  readonly data: readonly TriggerEvent[];
}

export const triggerEvents = (appId: string, node: string | undefined, live: boolean) =>
  infiniteQueryOptions({
    queryKey: ["triggers", "events", appId, node ?? ""],
    queryFn: ({ pageParam }) => get<TriggerPage>(`/apps/${appId}/trigger-logs`, { node_id: node, page: pageParam, limit: 50 }),
    initialPageParam: 1,
    getNextPageParam: (page) => (page.has_more ? page.page + 1 : undefined),
    placeholderData: (before) => before,
    refetchInterval: live ? 3000 : false,
  });
