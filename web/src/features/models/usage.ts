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

/** What was asked by a stored key. */
export interface KeyUse {
  readonly credential_id: string;
  readonly calls: number;
  readonly failed: number;
  /** Null: it was not asked. */
  readonly last_call_at: number | null;
  /** It failed, and is left alone for `ttl` more seconds. */
  readonly in_cooldown: boolean;
  readonly ttl: number;
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
  readonly keys: readonly KeyUse[];
}

/** `since` is less than a day ago where there were very many calls. */
export interface ProviderUsage {
  readonly since: number;
  readonly until: number;
  readonly data: readonly ProviderUse[];
}

/** The part of a key in the calls of its provider of which the key is known; undefined without any. */
export function shareOf(use: ProviderUse, credential: string): number | undefined {
  const all = use.keys.reduce((sum, key) => sum + key.calls, 0);
  if (all === 0) return undefined;
  return (use.keys.find((key) => key.credential_id === credential)?.calls ?? 0) / all;
}

export const providerUsage = queryOptions({
  queryKey: ["models", "usage"],
  queryFn: () => get<ProviderUsage>("/workspaces/current/model-spend/providers"),
  staleTime: 30_000,
  retry: false,
});
