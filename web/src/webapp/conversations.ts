/** The two lists of conversations, pinned and recent. Pure. */
import type { Conversation } from "./wire";

export interface Lists {
  readonly pinned: readonly Conversation[];
  readonly recent: readonly Conversation[];
}

export type Group = "today" | "yesterday" | "week" | "earlier";

const without = (list: readonly Conversation[], id: string): Conversation[] => list.filter((item) => item.id !== id);

export function findIn(lists: Lists, id: string | null): Conversation | undefined {
  return lists.pinned.find((item) => item.id === id) ?? lists.recent.find((item) => item.id === id);
}

/** A page of the list behind the known items. */
export function appended(known: readonly Conversation[], page: readonly Conversation[]): Conversation[] {
  const ids = new Set(known.map((item) => item.id));
  return [...known, ...page.filter((item) => !ids.has(item.id))];
}

/** A conversation that has just had a message: to the top of its list. */
export function touched(lists: Lists, conversation: Conversation): Lists {
  if (lists.pinned.some((item) => item.id === conversation.id)) return { ...lists, pinned: [conversation, ...without(lists.pinned, conversation.id)] };
  return { ...lists, recent: [conversation, ...without(lists.recent, conversation.id)] };
}

export function renamed(lists: Lists, id: string, name: string): Lists {
  const change = (list: readonly Conversation[]): Conversation[] => list.map((item) => (item.id === id ? { ...item, name } : item));
  return { pinned: change(lists.pinned), recent: change(lists.recent) };
}

export function repinned(lists: Lists, id: string, isPinned: boolean): Lists {
  const item = findIn(lists, id);
  if (!item) return lists;
  const pinned = without(lists.pinned, id);
  const recent = without(lists.recent, id);
  if (isPinned) return { pinned: [item, ...pinned], recent };
  return { pinned, recent: [...recent, item].sort((a, b) => b.updatedAt - a.updatedAt) };
}

export function removed(lists: Lists, id: string): Lists {
  return { pinned: without(lists.pinned, id), recent: without(lists.recent, id) };
}

const DAY = 86_400;

export function groupOf(updatedAt: number, now: Date): Group {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime() / 1000;
  if (updatedAt >= midnight) return "today";
  if (updatedAt >= midnight - DAY) return "yesterday";
  return updatedAt >= midnight - 7 * DAY ? "week" : "earlier";
}

/** Neighbours of one group together; the order of the list stays. */
export function grouped(list: readonly Conversation[], now: Date): { group: Group; items: Conversation[] }[] {
  const out: { group: Group; items: Conversation[] }[] = [];
  for (const item of list) {
    const group = groupOf(item.updatedAt, now);
    const known = out.find((entry) => entry.group === group);
    if (known) known.items.push(item);
    else out.push({ group, items: [item] });
  }
  return out;
}
