/** Which days the monitor shows, as its address says it. */
import { z } from "zod";
import { addDays, addMonths, consoleTime, dayIn, daysBetween, isDay, startOfDay } from "../../lib/zone";

/** Those with a button of their own, and those in the menu. */
export const SHORT = ["24h", "7d", "30d"] as const;
export const LONG = ["3m", "12m", "mtd", "qtd", "ytd", "all"] as const;
export type Range = (typeof SHORT)[number] | (typeof LONG)[number] | "custom";
export const DEFAULT_RANGE: Range = "7d";

const day = z.string().refine(isDay).optional().catch(undefined);

export const monitorSearch = z.object({
  range: z
    .enum([...SHORT, ...LONG, "custom"])
    .optional()
    .catch(undefined),
  from: day,
  to: day,
});

export type MonitorSearch = z.infer<typeof monitorSearch>;

/** A time with both its ends, as times and as the console API writes them. */
export interface Bounds {
  readonly since: Date;
  readonly until: Date;
  readonly start: string;
  readonly end: string;
}

export interface Span extends Bounds {
  /** The days it touches in the account's time zone, the oldest first. */
  readonly days: readonly string[];
  /** Until now: its last day is not over. */
  readonly open: boolean;
  /** The same length right before it. */
  readonly before: Bounds | undefined;
  /** How many bars the runs have, and until when they reach. */
  readonly buckets: number;
  readonly barsUntil: Date;
  /** How far back it reaches in hours, where the server has figures for that. */
  readonly hours: 24 | 168 | undefined;
}

const DAY = 86_400_000;

function earlier(a: string, b: string): string {
  return a < b ? a : b;
}

function bounds(since: Date, until: Date, zone: string): Bounds {
  return { since, until, start: consoleTime(since, zone), end: consoleTime(until, zone) };
}

function firstDay(range: Range, search: MonitorSearch, today: string, created: string): string {
  const [year = "", month = ""] = today.split("-");
  switch (range) {
    case "30d":
      return addDays(today, -29);
    case "3m":
      return addMonths(today, -3);
    case "12m":
      return addMonths(today, -12);
    case "mtd":
      return `${year}-${month}-01`;
    case "qtd":
      return `${year}-${String(Math.floor((Number(month) - 1) / 3) * 3 + 1).padStart(2, "0")}-01`;
    case "ytd":
      return `${year}-01-01`;
    case "all":
      return created;
    case "custom":
      return search.from ?? addDays(today, -6);
    default:
      return addDays(today, -6);
  }
}

/** Bars of hours, of three hours, of days, of weeks: never too many to see. */
export function bucketsOf(days: number): number {
  if (days <= 2) return days * 24;
  if (days <= 7) return days * 8;
  if (days <= 120) return days;
  return Math.min(240, Math.ceil(days / 7));
}

export function spanOf(search: MonitorSearch, now: Date, zone: string, created: Date): Span {
  // Whole minutes: the same look is the same question for a while. The present one is taken in.
  const present = new Date(Math.ceil(now.getTime() / 60_000) * 60_000);
  const range = search.range ?? DEFAULT_RANGE;
  if (range === "24h") {
    const since = new Date(present.getTime() - DAY);
    return {
      ...bounds(since, present, zone),
      days: daysBetween(dayIn(since, zone), dayIn(present, zone)),
      open: true,
      before: bounds(new Date(since.getTime() - DAY), since, zone),
      buckets: 24,
      barsUntil: present,
      hours: 24,
    };
  }
  const today = dayIn(present, zone);
  const wish = range === "custom" ? (search.to ?? today) : today;
  const last = earlier(wish, today);
  const asked = firstDay(range, search, today, dayIn(created, zone));
  const first = earlier(asked, last);
  const since = startOfDay(first, zone);
  const over = startOfDay(addDays(last, 1), zone);
  const until = last === today ? present : over;
  const days = daysBetween(first, last);
  const length = days.length * DAY;
  return {
    // The first minute of a day has begun, too.
    ...bounds(since, until > since ? until : new Date(since.getTime() + 60_000), zone),
    days,
    open: last === today,
    before: range === "all" ? undefined : bounds(new Date(since.getTime() - length), new Date(until.getTime() - length), zone),
    buckets: bucketsOf(days.length),
    barsUntil: over,
    hours: range === "7d" ? 168 : undefined,
  };
}
