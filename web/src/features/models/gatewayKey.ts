/** The last day of a key, as a date field has it. */

const two = (number: number) => String(number).padStart(2, "0");

/** The day of a time in Unix seconds, where the reader is; empty for never. */
export function dayOf(unix: number | null): string {
  if (unix === null) return "";
  const date = new Date(unix * 1000);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The last second of a day in Unix seconds; `null` for none. */
export function endOfDay(day: string): number | null {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return null;
  return Math.floor(new Date(year, month - 1, date, 23, 59, 59).getTime() / 1000);
}
