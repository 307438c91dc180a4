/** What the workspace decides about its calls of models, as the console sends it. */
import { queryOptions } from "@tanstack/react-query";
import { get, post, put } from "../lib/http";

/** Answers that are given again. */
export interface CachePolicy {
  readonly enabled: boolean;
  /** `provider id/model`; `null` is all. */
  readonly models: readonly string[] | null;
  readonly semantic: boolean;
  readonly threshold: number;
  readonly max_age_seconds: number;
  readonly max_megabytes: number;
  readonly max_temperature: number | null;
}

/** Another model for some calls; what is empty or `null` fits every call. */
export interface TierPolicy {
  readonly name: string;
  readonly enabled: boolean;
  readonly models: readonly string[];
  readonly apps: readonly string[];
  readonly tags: readonly string[];
  readonly languages: readonly string[];
  readonly min_tokens: number | null;
  readonly max_tokens: number | null;
  readonly min_complexity: number | null;
  readonly max_complexity: number | null;
  readonly to: string;
}

/** A second call where the first is slow. */
export interface HedgedModel {
  readonly model: string;
  /** `null` is as long as 95 of 100 calls take. */
  readonly after_ms: number | null;
}

export interface RatePolicy {
  readonly id?: string;
  /** `null` is all models together. */
  readonly model: string | null;
  readonly requests_per_minute: number | null;
  readonly tokens_per_minute: number | null;
  readonly concurrent: number | null;
  readonly wait_seconds: number;
}

/** What a role or an app may ask. */
export interface AccessPolicy {
  readonly role?: string;
  readonly app?: string;
  readonly models: readonly string[] | null;
  readonly regions: readonly string[] | null;
}

export interface Policies {
  readonly cache: CachePolicy;
  readonly tiers: readonly TierPolicy[];
  readonly hedging: { readonly models: readonly HedgedModel[]; readonly max_percent: number };
  readonly rates: readonly RatePolicy[];
  readonly access: readonly AccessPolicy[];
}

export interface PoliciesView {
  readonly policies: Policies;
  /** In the process that answered. */
  readonly kept: { readonly answers: number; readonly bytes: number; readonly most_bytes: number };
}

/** Calls of one model that were refused for one reason. */
export interface RefusedCalls {
  readonly reason: "rate" | "access" | "budget";
  readonly model: string;
  readonly count: number;
  /** Unix seconds. */
  readonly last_at: number;
  /** What the last caller was told. */
  readonly last_why: string;
  readonly last_app_id: string | null;
}

const PATH = "/workspaces/current/model-policies";

export const modelPolicies = queryOptions({ queryKey: ["gateway", "policies"], queryFn: () => get<PoliciesView>(PATH) });
export const savePolicies = (policies: Policies) => put<PoliciesView>(PATH, policies);
export const purgeAnswers = () => post<{ readonly answers: number; readonly bytes: number }>(`${PATH}/cache/purge`, {});

/** What was refused in the last days, the latest first. */
export const refusals = (days: number) =>
  queryOptions({ queryKey: ["gateway", "refusals", days], queryFn: () => get<{ readonly data: readonly RefusedCalls[] }>(`${PATH}/refusals`, { days }) });
