/** Keys of the model gateway, as the console sends them. */
import { queryOptions } from "@tanstack/react-query";
import { get, post, put, remove } from "../lib/http";

export interface GatewayKey {
  readonly id: string;
  readonly name: string;
  /** The beginning of the key: all that is known of it later. */
  readonly prefix: string;
  /** `provider id/model`; `null` is all. */
  readonly allowed_models: readonly string[] | null;
  readonly requests_per_minute: number | null;
  readonly expires_at: number | null;
  readonly enabled: boolean;
  readonly created_by: { readonly name: string } | null;
  readonly created_at: number;
  readonly last_used_at: number | null;
}

/** What a person decides of a key. */
export interface KeyDraft {
  readonly name: string;
  readonly allowed_models: readonly string[] | null;
  readonly requests_per_minute: number | null;
  readonly expires_at: number | null;
  readonly enabled: boolean;
}

const KEYS = "/workspaces/current/gateway-keys";

export const gatewayKeys = queryOptions({ queryKey: ["gateway", "keys"], queryFn: () => get<{ data: GatewayKey[] }>(KEYS) });
export const createKey = (draft: KeyDraft) => post<GatewayKey & { readonly token: string }>(KEYS, draft);
export const updateKey = (id: string, draft: KeyDraft) => put<GatewayKey>(`${KEYS}/${id}`, draft);
export const deleteKey = (id: string) => remove(`${KEYS}/${id}`);
export const apiBase = queryOptions({
  queryKey: ["apps", "base"],
  queryFn: () => get<{ api_base_url: string }>("/datasets/api-base-info"),
  staleTime: 300_000,
});

/** Where software outside finds the gateway, from the address of the Service API. */
export function gatewayAddress(base: string, origin: string): string {
  const root = (base.startsWith("/") || base === "" ? `${origin}${base}` : base).replace(/\/+$/, "").replace(/\/v1$/, "");
  return `${root}/gateway/v1`;
}

export const draftOf = (key: GatewayKey): KeyDraft => ({
  name: key.name,
  allowed_models: key.allowed_models,
  requests_per_minute: key.requests_per_minute,
  expires_at: key.expires_at,
  enabled: key.enabled,
});
