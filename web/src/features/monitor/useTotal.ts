/** A figure: its value on each day, and all days in one number. */
import { useQuery } from "@tanstack/react-query";
import { days } from "./api";
import { type Figure, fill, totalOf } from "./figures";
import type { Bounds } from "./span";

const NEVER = { start: "", end: "" };

/** Without `dates`, the days are those of the answers, out of `count`. */
export function useTotal(appId: string, figure: Figure, bounds: Bounds | undefined, dates: readonly string[] | undefined, count?: number) {
  const weigh = typeof figure.total === "object" ? figure.total : undefined;
  const query = useQuery({ ...days(appId, figure.path, bounds ?? NEVER), enabled: bounds !== undefined });
  const other = useQuery({ ...days(appId, (weigh ?? figure).path, bounds ?? NEVER), enabled: bounds !== undefined && weigh !== undefined });
  const known = dates ?? (query.data ?? []).map((day) => day.date);
  const values = fill(figure, known, query.data ?? []);
  const ready = query.data !== undefined && (weigh === undefined || other.data !== undefined);
  const weights = weigh ? fill(weigh, known, other.data ?? []) : [];
  return { query, values, ready, total: ready ? totalOf(figure, values, weights, count ?? known.length) : undefined };
}
