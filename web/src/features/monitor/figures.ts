/** What the monitor shows of which kind of app, and the arithmetic behind it. */
import type { Mode } from "../../data/apps";

export type Unit = "count" | "money" | "seconds" | "percent" | "rate" | "ratio";

export interface Figure {
  readonly key: string;
  /** Below `/apps/{id}/`. */
  readonly path: string;
  readonly field: string;
  /** What the wire's number is divided by. */
  readonly by?: number;
  readonly unit: Unit;
  readonly kind: "bars" | "line";
  readonly tone: "1" | "2" | "3" | "4" | "5" | "6";
  /** One number for many days: their sum, their mean, or their mean weighted by another figure. */
  readonly total: "sum" | "mean" | Figure;
  /** What a share is of, told beside it. */
  readonly basis?: Figure;
  /** Less of it is better, more of it is better, or neither. */
  readonly better?: "less" | "more";
}

const messages: Figure = {
  key: "messages",
  path: "statistics/daily-messages",
  field: "message_count",
  unit: "count",
  kind: "bars",
  tone: "3",
  total: "sum",
};
const conversations: Figure = { ...messages, key: "conversations", path: "statistics/daily-conversations", field: "conversation_count", tone: "2" };
const users: Figure = { ...messages, key: "users", path: "statistics/daily-end-users", field: "terminal_count", tone: "5", total: "mean" };
const perConversation: Figure = {
  key: "perConversation",
  path: "statistics/average-session-interactions",
  field: "interactions",
  unit: "ratio",
  kind: "line",
  tone: "3",
  total: conversations,
};
const speed: Figure = {
  key: "speed",
  path: "statistics/tokens-per-second",
  field: "tps",
  unit: "rate",
  kind: "line",
  tone: "2",
  total: messages,
  better: "more",
};
const latency: Figure = {
  key: "latency",
  path: "statistics/average-response-time",
  field: "latency",
  by: 1000,
  unit: "seconds",
  kind: "line",
  tone: "1",
  total: messages,
  better: "less",
};
const rated: Figure = { ...messages, key: "rated", path: "statistics/user-satisfaction-rate", field: "rated" };
// Of the answers that somebody rated: most are not.
const liked: Figure = {
  key: "liked",
  path: "statistics/user-satisfaction-rate",
  field: "liked",
  unit: "percent",
  kind: "line",
  tone: "5",
  total: rated,
  basis: rated,
  better: "more",
};
const tokens: Figure = { ...messages, key: "tokens", path: "statistics/token-costs", field: "token_count", tone: "6" };
const cost: Figure = { ...tokens, key: "cost", field: "total_price", unit: "money", tone: "4", better: "less" };
const runs: Figure = { ...messages, key: "runs", path: "workflow/statistics/daily-conversations", field: "runs" };
const runUsers: Figure = { ...users, path: "workflow/statistics/daily-terminals" };
const runTokens: Figure = { ...tokens, path: "workflow/statistics/token-costs" };
const perUser: Figure = { ...perConversation, key: "perUser", path: "workflow/statistics/average-app-interactions", total: "mean" };

interface View {
  /** What one bar counts. */
  readonly count: Figure;
  /** Numbers at the top, besides the count, the success, the p95 and the first token. */
  readonly tops: readonly Figure[];
  /** The chart beside the bars, and those below. */
  readonly beside: Figure;
  readonly below: readonly Figure[];
  /** Where the percentiles of its times are, below `/apps/{id}/`. */
  readonly times: string;
  /** Whether they tell when the first token came: of answers that are written to somebody. */
  readonly hasFirst: boolean;
}

const MESSAGE_TIMES = "statistics/response-times";

const CHAT: View = {
  count: messages,
  tops: [users, cost, liked],
  beside: speed,
  below: [conversations, users, perConversation, tokens, cost, liked],
  times: MESSAGE_TIMES,
  hasFirst: true,
};
const VIEWS: Readonly<Record<Mode, View>> = {
  chat: CHAT,
  "agent-chat": CHAT,
  "advanced-chat": CHAT,
  completion: {
    count: messages,
    tops: [users, cost, liked],
    beside: latency,
    below: [users, speed, tokens, cost, liked],
    times: MESSAGE_TIMES,
    hasFirst: true,
  },
  workflow: {
    count: runs,
    tops: [runUsers, runTokens, perUser],
    beside: runUsers,
    below: [runTokens, perUser],
    times: "workflow/statistics/response-times",
    hasFirst: false,
  },
};

export const viewOf = (mode: Mode): View => VIEWS[mode];

export type Day = { readonly date: string } & Readonly<Record<string, unknown>>;

/** A value for each day: nothing happened is zero for what is counted, and unknown for what is measured. */
export function fill(figure: Figure, days: readonly string[], data: readonly Day[]): (number | null)[] {
  const known = new Map(data.map((each) => [each.date, Number(each[figure.field] ?? Number.NaN)]));
  return days.map((date) => {
    const value = known.get(date);
    if (value === undefined || Number.isNaN(value)) return figure.kind === "bars" ? 0 : null;
    return value / (figure.by ?? 1);
  });
}

/** The seconds of one field on each day; null where nothing was measured. */
export function secondsOf(field: string, dates: readonly string[], data: readonly Day[]): (number | null)[] {
  const known = new Map(data.map((each) => [each.date, each[field]]));
  return dates.map((date) => {
    const value = known.get(date);
    return typeof value === "number" ? value : null;
  });
}

/** One number for all days; undefined where there is nothing to measure. `count`: of how many days, for the mean of counts. */
export function totalOf(figure: Figure, values: readonly (number | null)[], weights: readonly (number | null)[], count = values.length): number | undefined {
  const sum = values.reduce<number>((all, value) => all + (value ?? 0), 0);
  if (figure.total === "sum") return sum;
  if (figure.total === "mean") {
    const days = figure.kind === "bars" ? count : values.filter((value) => value !== null).length;
    return days === 0 ? undefined : sum / days;
  }
  let weighted = 0;
  let weight = 0;
  values.forEach((value, at) => {
    if (value === null) return;
    const share = weights[at] ?? 0;
    weighted += value * share;
    weight += share;
  });
  return weight > 0 ? weighted / weight : undefined;
}

export interface Change {
  /** Parts of the number before; for rates, the difference in points. */
  readonly value: number;
  readonly points: boolean;
  readonly mood: "good" | "bad" | "even";
}

/** How a number moved; undefined where there is nothing to compare it with. */
export function changeOf(
  figure: { readonly unit: Unit; readonly better?: "less" | "more" },
  now: number | undefined,
  before: number | undefined,
): Change | undefined {
  if (now === undefined || before === undefined) return undefined;
  const points = figure.unit === "percent";
  if (!points && before === 0) return undefined;
  const value = points ? now - before : now / before - 1;
  if (Math.abs(value) < 0.0005) return undefined;
  const mood = figure.better === undefined ? "even" : value > 0 === (figure.better === "more") ? "good" : "bad";
  return { value, points, mood };
}

/** What stands beside a number: how it moved, that it did not, or that there was nothing before. */
export type Compared = Change | "same" | "none";

/** Undefined where nothing can be said: one of both is not known yet, or nothing is there now. */
export function comparedTo(
  figure: { readonly unit: Unit; readonly better?: "less" | "more" },
  now: number | undefined,
  before: { readonly known: boolean; readonly value: number | undefined },
): Compared | undefined {
  if (now === undefined || !before.known) return undefined;
  const change = changeOf(figure, now, before.value);
  if (change) return change;
  if (before.value === undefined) return "none";
  if (before.value === now) return now === 0 ? undefined : "same";
  if (before.value !== 0 || figure.unit === "percent") return "same";
  // From nothing no part can be told; of counts it means that nobody was there.
  return figure.unit === "count" ? "none" : undefined;
}

/** The marks of an axis from zero to at least `top`. */
export function scaleOf(top: number, whole: boolean): number[] {
  if (!(top > 0)) return [0, 1];
  const rough = top / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const tidy = (value: number) => Number(value.toPrecision(9));
  const steps = [1, 2, 2.5, 5, 10, 20, 50, 100].map((step) => tidy(step * power));
  const step = steps.find((each) => each >= rough * 0.999 && (!whole || Number.isInteger(each))) ?? rough;
  const count = Math.max(1, Math.ceil(top / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, at) => tidy(at * step));
}

/** Runs of values without a gap, as indexes. */
export function segments(values: readonly (number | null)[]): number[][] {
  const found: number[][] = [];
  let open: number[] = [];
  values.forEach((value, at) => {
    if (value !== null) open.push(at);
    else if (open.length > 0) {
      found.push(open);
      open = [];
    }
  });
  return open.length > 0 ? [...found, open] : found;
}
