/** The figures of an app: by day, and over time. */
import { queryOptions } from "@tanstack/react-query";
import type { Schema } from "../../api/types";
import { get } from "../../lib/http";
import type { Day } from "./figures";
import type { Bounds, Span } from "./span";

const FRESH = 60_000;

/** Days of one endpoint; only those with anything in them. */
export const days = (appId: string, path: string, bounds: Pick<Bounds, "start" | "end">) =>
  queryOptions({
    queryKey: ["monitor", appId, path, bounds.start, bounds.end],
    queryFn: async () => (await get<{ data: readonly Day[] }>(`/apps/${appId}/${path}`, { start: bounds.start, end: bounds.end })).data,
    staleTime: FRESH,
    retry: false,
  });

/** The times of all answers together; without any, nothing is in it. */
export interface WholeTimes {
  readonly p95?: number;
  /** Null where no first token was timed. */
  readonly first_token_p50?: number | null;
  readonly first_token_p95?: number | null;
  readonly sampled?: boolean;
}

export const whole = (appId: string, path: string, bounds: Pick<Bounds, "start" | "end">) =>
  queryOptions({
    queryKey: ["monitor", appId, path, "whole", bounds.start, bounds.end],
    queryFn: async (): Promise<WholeTimes> => {
      const query = { start: bounds.start, end: bounds.end, whole: true };
      return (await get<{ data: readonly WholeTimes[] }>(`/apps/${appId}/${path}`, query)).data[0] ?? {};
    },
    staleTime: FRESH,
    retry: false,
  });

/** A node of the workflow over the runs of a time; times in seconds. */
export interface NodeTimes {
  readonly node_id: string;
  readonly node_type: string;
  readonly title: string;
  readonly executions: number;
  readonly failed: number;
  readonly p50: number;
  readonly p95: number;
}

export interface SlowNodes {
  readonly data: readonly NodeTimes[];
  /** There were more runs than were looked at. */
  readonly sampled: boolean;
}

/** The slowest nodes first. */
export const slowNodes = (appId: string, bounds: Pick<Bounds, "start" | "end">) =>
  queryOptions({
    queryKey: ["monitor", appId, "slow-nodes", bounds.start, bounds.end],
    queryFn: () => get<SlowNodes>(`/apps/${appId}/workflow/statistics/slow-nodes`, { start: bounds.start, end: bounds.end }),
    staleTime: FRESH,
    retry: false,
  });

export interface Bucket {
  readonly at: number;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly other: number;
}

export interface Bars {
  readonly step_seconds: number;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly other: number;
  readonly buckets: readonly Bucket[];
}

/** Runs by how they ended. */
export const bars = (appId: string, since: Date, until: Date, buckets: number) =>
  queryOptions({
    queryKey: ["monitor", appId, "bars", since.getTime(), until.getTime(), buckets],
    queryFn: () =>
      get<Bars>(`/apps/${appId}/workflow-app-logs/histogram`, {
        buckets,
        created_at__after: since.toISOString(),
        created_at__before: until.toISOString(),
      }),
    staleTime: FRESH,
    retry: false,
  });

export const barsOf = (appId: string, span: Span) => bars(appId, span.since, span.barsUntil, span.buckets);

/** What the models cost that an app called. */
export const models = (appId: string, bounds: Pick<Bounds, "start" | "end">) =>
  queryOptions({
    queryKey: ["monitor", appId, "models", bounds.start, bounds.end],
    queryFn: async () =>
      (await get<Schema<"SpendGroups">>("/workspaces/current/model-spend/groups", { start: bounds.start, end: bounds.end, app_id: appId, by: "model" })).data,
    staleTime: FRESH,
    retry: false,
  });
