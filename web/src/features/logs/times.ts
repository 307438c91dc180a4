import type { Format } from "../../lib/format";

/** The hour for today, the date too for other days. */
export function startedAt(unix: number, format: Format, wide: boolean, now = Date.now()): string {
  const today = new Date(unix * 1000).toDateString() === new Date(now).toDateString();
  if (today) return format.time(unix);
  if (wide) return format.dateTime(unix);
  return new Intl.DateTimeFormat(document.documentElement.lang || "en", { month: "short", day: "numeric" }).format(unix * 1000);
}
