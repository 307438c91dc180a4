/** What is typed for the limits of a key. */

export const SCOPES = ["run", "logs", "conversations", "feedback", "files", "annotations"] as const;

const MOST = 1_000_000;

/** A limit from what was typed: nothing is unlimited (0); undefined where it is no number. */
export function limitOf(typed: string): number | undefined {
  const text = typed.trim();
  if (text === "") return 0;
  const value = Number(text);
  return Number.isInteger(value) && value >= 0 && value <= MOST ? value : undefined;
}

export const limitText = (limit: number): string => (limit > 0 ? String(limit) : "");
