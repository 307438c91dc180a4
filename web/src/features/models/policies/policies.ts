/** The arithmetic of the policies of models: new rows, and what keeps them from being saved. */
import type { AccessPolicy, Policies, RatePolicy, TierPolicy } from "../../../data/policies";

/** Languages that the server tells apart. */
export const LANGUAGES = ["en", "zh", "ja", "ko", "de", "fr", "es", "pt", "it", "ru", "ar", "he", "hi", "th", "el", "other"] as const;
/** Roles that can have a list; an owner is never kept from a model. */
export const ROLES = ["admin", "editor", "normal", "dataset_operator"] as const;

export const newTier = (name: string): TierPolicy => ({
  name,
  enabled: true,
  models: [],
  apps: [],
  tags: [],
  languages: [],
  min_tokens: null,
  max_tokens: null,
  min_complexity: null,
  max_complexity: null,
  to: "",
});

export const newRate = (): RatePolicy => ({ model: null, requests_per_minute: 60, tokens_per_minute: null, concurrent: null, wait_seconds: 10 });

/** A list for the first role that has none, else for the first app. */
export function newAccess(lists: readonly AccessPolicy[], apps: readonly string[]): AccessPolicy | undefined {
  const role = [...ROLES].reverse().find((one) => !lists.some((list) => list.role === one));
  if (role) return { role, models: [], regions: null };
  const app = apps.find((one) => !lists.some((list) => list.app === one));
  return app ? { app, models: [], regions: null } : undefined;
}

/** A list with one element in the place of another. */
export const replaced = <T>(list: readonly T[], at: number, by: T): readonly T[] => list.map((each, index) => (index === at ? by : each));
export const without = <T>(list: readonly T[], at: number): readonly T[] => list.filter((_, index) => index !== at);

/** What is typed, as a number; nothing for nothing. */
export function numberOf(text: string): number | null {
  const trimmed = text.trim();
  const number = Number(trimmed);
  return trimmed === "" || Number.isNaN(number) ? null : number;
}

/** A name for a rule that no other has. */
export function freshName(base: string, taken: readonly string[]): string {
  for (let count = 1; ; count++) {
    const name = `${base} ${count}`;
    if (!taken.includes(name)) return name;
  }
}

export type Wrong = "cacheModels" | "tierName" | "tierTwice" | "tierTo" | "tierBounds" | "rateEmpty" | "accessEmpty";

const isAbove = (least: number | null, most: number | null) => least !== null && most !== null && least > most;

/** The first thing that keeps the policies from being saved, and whose it is. */
export function wrongOf({ cache, tiers, rates, access }: Policies): { readonly what: Wrong; readonly name: string } | undefined {
  if (cache.models?.length === 0) return { what: "cacheModels", name: "" };
  for (const [at, tier] of tiers.entries()) {
    const name = tier.name.trim();
    if (name === "") return { what: "tierName", name: String(at + 1) };
    if (tiers.some((other, index) => index !== at && other.name.trim() === name)) return { what: "tierTwice", name };
    if (tier.to === "") return { what: "tierTo", name };
    if (isAbove(tier.min_tokens, tier.max_tokens) || isAbove(tier.min_complexity, tier.max_complexity)) return { what: "tierBounds", name };
  }
  const free = rates.findIndex((rate) => rate.requests_per_minute === null && rate.tokens_per_minute === null && rate.concurrent === null);
  if (free >= 0) return { what: "rateEmpty", name: String(free + 1) };
  const empty = access.findIndex((list) => list.models?.length === 0 || list.regions?.length === 0 || (list.models === null && list.regions === null));
  return empty >= 0 ? { what: "accessEmpty", name: String(empty + 1) } : undefined;
}
