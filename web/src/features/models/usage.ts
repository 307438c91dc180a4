/** What the providers of the workspace were asked during the last day. */
import { queryOptions } from "@tanstack/react-query";
import { get } from "../../lib/http";

export interface ModelUse {
  readonly model: string;
  readonly calls: number;
  readonly failed: number;
  /** Apps that called. */
  readonly apps: number;
}

export interface ProviderUse {
  readonly provider: string;
  readonly calls: number;
  readonly failed: number;
  readonly apps: number;
  readonly last_call_at: number;
  readonly latency_p50_ms: number | null;
  readonly first_token_p50_ms: number | null;
  /** Calls in equal parts of the time, the oldest first. */
  readonly steps: readonly number[];
  readonly models: readonly ModelUse[];
}

/** `since` is less than a day ago where there were very many calls. */
export interface ProviderUsage {
  readonly since: number;
  readonly until: number;
  readonly data: readonly ProviderUse[];
}

export const providerUsage = queryOptions({
  queryKey: ["models", "usage"],
  queryFn: () => get<ProviderUsage>("/workspaces/current/model-spend/providers"),
  staleTime: 30_000,
  retry: false,
});
