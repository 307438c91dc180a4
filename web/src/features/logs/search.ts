/** What the address of the logs says: view, filter, and what is open beside the list. */
import { z } from "zod";

export const STATUSES = ["succeeded", "failed", "partial-succeeded", "stopped", "running", "paused"] as const;
export const RANGES = ["1h", "24h", "7d", "30d", "all"] as const;
export type Range = (typeof RANGES)[number];

export const logsSearch = z.object({
  view: z.enum(["runs", "chats", "triggers"]).optional().catch(undefined),
  from: z.enum(["app", "debug"]).optional().catch(undefined),
  status: z.enum(STATUSES).optional().catch(undefined),
  range: z.enum(RANGES).optional().catch(undefined),
  since: z.number().optional().catch(undefined),
  until: z.number().optional().catch(undefined),
  q: z.coerce.string().optional().catch(undefined),
  sort: z.enum(["-updated_at", "updated_at", "-created_at", "created_at"]).optional().catch(undefined),
  /** Conversations with an annotated answer, or without one. */
  annotated: z.enum(["yes", "no"]).optional().catch(undefined),
  chat: z.string().optional().catch(undefined),
  run: z.string().optional().catch(undefined),
  node: z.string().optional().catch(undefined),
  /** The node of a trigger whose events are listed, and the event that is open. */
  trigger: z.coerce.string().optional().catch(undefined),
  event: z.string().optional().catch(undefined),
});

export type LogsSearch = z.infer<typeof logsSearch>;

export const DEFAULT_RANGE: Range = "7d";
const HOURS: Readonly<Record<Range, number | undefined>> = { "1h": 1, "24h": 24, "7d": 168, "30d": 720, all: undefined };

/** The start of a range, on the minute so that the same filter stays the same question for a while. */
export function rangeStart(range: Range, now: number): Date | undefined {
  const hours = HOURS[range];
  return hours === undefined ? undefined : new Date(Math.floor((now - hours * 3_600_000) / 60_000) * 60_000);
}

/** The part of the range that was chosen on the histogram. */
export function chosenSpan(search: LogsSearch): { readonly since: number; readonly until: number } | undefined {
  return search.since !== undefined && search.until !== undefined ? { since: search.since, until: search.until } : undefined;
}
