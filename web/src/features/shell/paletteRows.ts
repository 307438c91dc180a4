/** What the palette lists, and how a search finds it. */
import type { ReactNode } from "react";

/** A short line of the preview: what it is, and its value. */
export type Fact = readonly [label: string, value: ReactNode];

/** What is told of the row under the cursor, beside the list. */
export interface Preview {
  readonly about?: string | undefined;
  /** The beginning of what it holds: code, a prompt, a template. */
  readonly excerpt?: string | undefined;
  readonly facts?: readonly Fact[] | undefined;
  readonly actions?: readonly { readonly label: string; readonly run: () => void }[] | undefined;
}

/** A node of the open canvas. The studio fills these in; the palette knows nothing else of it. */
export interface CanvasNode {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly about: string;
  readonly preview: Preview;
  readonly open: () => void;
}

export interface PaletteRow {
  readonly key: string;
  readonly label: string;
  /** In smaller letters behind the label; searched as well. */
  readonly about?: string | undefined;
  readonly tile: ReactNode;
  readonly keys?: string | undefined;
  /** Where it is, for those who want another tab. */
  readonly href?: string | undefined;
  readonly run: () => void;
  readonly preview?: Preview | undefined;
}

export interface PaletteGroup {
  readonly key: string;
  readonly heading: string;
  /** `@` asks for things alone, `/` for commands alone. */
  readonly sort: "thing" | "command";
  readonly rows: readonly PaletteRow[];
}

interface Query {
  readonly sort: PaletteGroup["sort"] | undefined;
  readonly words: readonly string[];
}

export function readQuery(text: string): Query {
  const trimmed = text.trimStart();
  const sort = trimmed.startsWith("@") ? "thing" : trimmed.startsWith("/") ? "command" : undefined;
  const words = (sort ? trimmed.slice(1) : trimmed).toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return { sort, words };
}

/** 0: not found; otherwise the better the higher. Every word must be somewhere; the label counts more than what is behind it. */
function score(row: PaletteRow, words: readonly string[]): number {
  const first = words[0];
  if (first === undefined) return 1;
  const label = row.label.toLocaleLowerCase();
  const all = `${label} ${(row.about ?? "").toLocaleLowerCase()}`;
  if (!words.every((word) => all.includes(word))) return 0;
  if (label.startsWith(first)) return 4;
  if (label.split(/\s+/).some((word) => word.startsWith(first))) return 3;
  return label.includes(first) ? 2 : 1;
}

/** The groups that hold something found, in their own order; in each the best first. */
export function search(groups: readonly PaletteGroup[], text: string): PaletteGroup[] {
  const { sort, words } = readQuery(text);
  return groups.flatMap((group) => {
    if (sort && group.sort !== sort) return [];
    const found = group.rows.map((row) => ({ row, points: score(row, words) })).filter((each) => each.points > 0);
    const rows = found.toSorted((a, b) => b.points - a.points).map((each) => each.row);
    return rows.length > 0 ? [{ ...group, rows }] : [];
  });
}

/** A label in parts: what was searched for, and what is between. */
export function marked(label: string, text: string): { readonly text: string; readonly hit: boolean }[] {
  const { words } = readQuery(text);
  const lower = label.toLocaleLowerCase();
  // Letters that change their length in lower case have no places to mark.
  if (words.length === 0 || lower.length !== label.length) return [{ text: label, hit: false }];
  const hits = new Array<boolean>(label.length).fill(false);
  for (const word of words) {
    const at = lower.indexOf(word);
    if (at >= 0) hits.fill(true, at, at + word.length);
  }
  const parts: { text: string; hit: boolean }[] = [];
  for (let i = 0; i < label.length; i += 1) {
    const last = parts.at(-1);
    const hit = hits[i] === true;
    if (last && last.hit === hit) last.text += label[i];
    else parts.push({ text: label[i] ?? "", hit });
  }
  return parts;
}
