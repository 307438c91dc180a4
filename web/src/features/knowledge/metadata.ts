/** Values of metadata as they are typed and as they are stored: times are Unix seconds. */
import type { MetadataField } from "./types";

export type Problem = "number" | "time";

const pad = (value: number) => String(value).padStart(2, "0");

export function toText(value: string | number | null | undefined, type: MetadataField["type"]): string {
  if (value === null || value === undefined || value === "") return "";
  if (type !== "time") return String(value);
  const seconds = Number(value);
  if (!Number.isFinite(seconds)) return "";
  const date = new Date(seconds * 1000);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}T${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

export function fromText(text: string, type: MetadataField["type"]): { readonly value: string | number | null; readonly problem?: Problem } {
  const trimmed = text.trim();
  if (trimmed === "") return { value: null };
  if (type === "string") return { value: trimmed };
  if (type === "number") {
    const number = Number(trimmed);
    return Number.isFinite(number) ? { value: number } : { value: null, problem: "number" };
  }
  const time = new Date(trimmed).getTime();
  return Number.isFinite(time) ? { value: Math.floor(time / 1000) } : { value: null, problem: "time" };
}

/** What a field may be called: as upstream's screens allow it. */
export function nameProblem(name: string, taken: readonly string[]): "empty" | "form" | "taken" | undefined {
  if (name === "") return "empty";
  if (!/^[a-z][a-z0-9_]*$/.test(name) || name.length > 255) return "form";
  return taken.includes(name) ? "taken" : undefined;
}
