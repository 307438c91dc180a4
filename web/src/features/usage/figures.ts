/** The arithmetic of the usage page: which currency, one value for each day, the form of a budget. */
import type { z } from "zod";
import { monitorSearch } from "../monitor/span";
import type { Budget, BudgetBody, Sum, Summary } from "./api";

export const usageSearch = monitorSearch;
export type UsageSearch = z.infer<typeof usageSearch>;

/** Currencies, the one with the most calls first. */
export function currenciesOf(total: readonly Sum[]): string[] {
  return [...total].sort((a, b) => Number(b.price !== "0.0000000") - Number(a.price !== "0.0000000") || b.calls - a.calls).map((sum) => sum.currency);
}

/** A value for each day; a day without calls is zero. Counts are of all currencies, money is of one. */
export function byDay(summary: Summary, days: readonly string[], value: (sum: Sum) => number, currency?: string): number[] {
  const known = new Map(summary.days.map((day) => [day.date, day.sums]));
  const counted = (sum: Sum) => currency === undefined || sum.currency === currency;
  return days.map((date) => (known.get(date) ?? []).filter(counted).reduce((all, sum) => all + value(sum), 0));
}

export interface Totals {
  readonly calls: number;
  readonly failed: number;
  readonly tokens: number;
  readonly prompt: number;
  readonly cached: number;
  readonly completion: number;
  readonly hits: number;
  readonly savedTokens: number;
}

export function totalsOf(total: readonly Sum[]): Totals {
  const add = (value: (sum: Sum) => number) => total.reduce((all, sum) => all + value(sum), 0);
  return {
    calls: add((sum) => sum.calls),
    failed: add((sum) => sum.failed),
    tokens: add((sum) => sum.total_tokens),
    prompt: add((sum) => sum.prompt_tokens),
    cached: add((sum) => sum.cached_tokens),
    completion: add((sum) => sum.completion_tokens),
    hits: add((sum) => sum.hits ?? 0),
    savedTokens: add((sum) => sum.saved_tokens ?? 0),
  };
}

/** A budget while it is edited: what is typed, as it is typed. */
export interface BudgetDraft {
  readonly name: string;
  readonly scope: "workspace" | "app" | "user" | "key";
  /** Empty: each has one of its own. */
  readonly subject: string;
  readonly period: "day" | "month" | "total";
  readonly action: "warn" | "throttle" | "stop";
  readonly money: string;
  readonly currency: string;
  readonly tokens: string;
  readonly perMinute: string;
  readonly enabled: boolean;
  readonly mail: boolean;
  readonly url: string;
  readonly secret: string;
}

export const EMPTY: BudgetDraft = {
  name: "",
  scope: "workspace",
  subject: "",
  period: "month",
  action: "stop",
  money: "",
  currency: "USD",
  tokens: "",
  perMinute: "6",
  enabled: true,
  mail: true,
  url: "",
  secret: "",
};

const oneOf = <T extends string>(words: readonly T[], text: string): T | undefined => words.find((word) => word === text);

export function draftOf(budget: Budget): BudgetDraft {
  return {
    name: budget.name,
    scope: oneOf(["workspace", "app", "user", "key"], budget.scope) ?? "workspace",
    subject: budget.subject ?? "",
    period: oneOf(["day", "month", "total"], budget.period) ?? "month",
    action: oneOf(["warn", "throttle", "stop"], budget.action) ?? "warn",
    money: budget.money_limit ?? "",
    currency: budget.currency,
    tokens: budget.token_limit === null || budget.token_limit === undefined ? "" : String(budget.token_limit),
    perMinute: String(budget.calls_per_minute),
    enabled: budget.enabled,
    mail: budget.mail,
    url: budget.webhook_url ?? "",
    secret: "",
  };
}

export type Wrong = "name" | "limit" | "money" | "tokens" | "perMinute" | "secret";

/** The first thing that keeps a draft from being saved. `kept`: the server has a secret already. */
export function wrongOf(draft: BudgetDraft, kept: boolean): Wrong | undefined {
  if (draft.name.trim() === "") return "name";
  if (draft.money.trim() === "" && draft.tokens.trim() === "") return "limit";
  if (draft.money.trim() !== "" && !(/^\d+(\.\d+)?$/.test(draft.money.trim()) && Number(draft.money) > 0)) return "money";
  if (draft.tokens.trim() !== "" && !(/^\d+$/.test(draft.tokens.trim()) && Number(draft.tokens) > 0)) return "tokens";
  const calls = Number(draft.perMinute);
  if (draft.action === "throttle" && !(Number.isInteger(calls) && calls >= 1 && calls <= 600)) return "perMinute";
  if (draft.url.trim() !== "" && (draft.secret === "" ? !kept : draft.secret.trim().length < 8)) return "secret";
  return undefined;
}

export function bodyOf(draft: BudgetDraft): BudgetBody {
  const filled = (text: string) => text.trim() || null;
  return {
    name: draft.name.trim(),
    scope: draft.scope,
    subject: draft.scope === "workspace" ? null : filled(draft.subject),
    period: draft.period,
    action: draft.action,
    money_limit: filled(draft.money),
    currency: draft.currency,
    token_limit: draft.tokens.trim() === "" ? null : Number(draft.tokens),
    calls_per_minute: draft.action === "throttle" ? Number(draft.perMinute) : null,
    enabled: draft.enabled,
    mail: draft.mail,
    webhook_url: filled(draft.url),
    webhook_secret: draft.url.trim() === "" ? null : filled(draft.secret),
  };
}

/** A secret that nobody guesses. */
export function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return `whsec_${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** How far a budget is used: its look. */
export function moodOf(budget: Pick<Budget, "ratio" | "enabled">): "ok" | "warn" | "bad" | "plain" {
  if (!budget.enabled) return "plain";
  if (budget.ratio >= 1) return "bad";
  return budget.ratio >= 0.8 ? "warn" : "ok";
}
