/** Undo and redo: a list of labelled change sets and a place in it. Local to the page. */
import { type Change, invert } from "./changes";

export interface HistoryEntry {
  /** What was done, as an i18n key of the studio area. */
  readonly label: string;
  /** The node it was about, for the list. */
  readonly subject?: string;
  readonly changes: readonly Change[];
  /** Entries with the same key that follow each other quickly become one (typing in a field). */
  readonly merge?: string;
  readonly at: number;
}

export interface History {
  readonly entries: readonly HistoryEntry[];
  /** How many entries are applied. */
  readonly position: number;
}

export const emptyHistory: History = { entries: [], position: 0 };

const LIMIT = 200;
const MERGE_WITHIN_MS = 1_500;

export function record(history: History, entry: HistoryEntry): History {
  const kept = history.entries.slice(0, history.position);
  const last = kept.at(-1);
  if (last && entry.merge && last.merge === entry.merge && entry.at - last.at < MERGE_WITHIN_MS) {
    const merged = { ...entry, changes: squash([...last.changes, ...entry.changes]) };
    return { entries: [...kept.slice(0, -1), merged], position: kept.length };
  }
  const entries = [...kept, entry].slice(-LIMIT);
  return { entries, position: entries.length };
}

/** Several changes of one thing become one: the first `before`, the last `after`. */
function squash(changes: readonly Change[]): Change[] {
  const out = new Map<string, Change>();
  for (const change of changes) {
    const key = change.on === "node" || change.on === "edge" ? `${change.on}:${change.id}` : change.on;
    const earlier = out.get(key);
    out.set(key, earlier ? join(earlier, change) : change);
  }
  return [...out.values()];
}

function join(first: Change, second: Change): Change {
  if (first.on === "node" && second.on === "node") return { ...second, before: first.before };
  if (first.on === "edge" && second.on === "edge") return { ...second, before: first.before };
  if (first.on === "features" && second.on === "features") return { ...second, before: first.before };
  if (first.on === "inputs" && second.on === "inputs") return { ...second, before: first.before };
  const lists = (c: Change) => c.on === "environment" || c.on === "conversation";
  if (lists(first) && lists(second) && (first.on === "environment" || first.on === "conversation")) {
    if (second.on === "environment" || second.on === "conversation") return { ...second, before: first.before };
  }
  return second;
}

export interface Step {
  readonly history: History;
  readonly changes: readonly Change[];
  readonly entry: HistoryEntry;
}

export function undo(history: History): Step | undefined {
  const entry = history.entries[history.position - 1];
  if (!entry) return undefined;
  return { history: { ...history, position: history.position - 1 }, changes: invert(entry.changes), entry };
}

export function redo(history: History): Step | undefined {
  const entry = history.entries[history.position];
  if (!entry) return undefined;
  return { history: { ...history, position: history.position + 1 }, changes: entry.changes, entry };
}
