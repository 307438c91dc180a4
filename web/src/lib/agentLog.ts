/** The steps of an agent node, as a run tells them: rounds, and in each what was thought and called. Pure. */

export interface LogEntry {
  readonly id: string;
  readonly parent: string | undefined;
  readonly label: string;
  /** `start`, `success` or `error`. */
  readonly status: string;
  readonly error: string | undefined;
  readonly data: unknown;
  readonly seconds: number | undefined;
  readonly tokens: number | undefined;
  /** None where nothing was paid, or nobody knows. */
  readonly price: number | undefined;
  readonly currency: string | undefined;
  /** Tells, among others, what was cut for the model's window. */
  readonly metadata: unknown;
}

export interface LogNode extends LogEntry {
  readonly children: readonly LogNode[];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

/** Amounts come as text, so that no digit is lost on the way. */
function price(value: unknown): number | undefined {
  const read = typeof value === "string" && value !== "" ? Number(value) : number(value);
  return read !== undefined && Number.isFinite(read) && read > 0 ? read : undefined;
}

export function entryFrom(value: unknown): LogEntry | undefined {
  if (!isRecord(value)) return undefined;
  // Stored steps say `message_id` where told ones say `id`.
  const id = text(value.id) || text(value.message_id);
  if (!id) return undefined;
  const metadata = isRecord(value.metadata) ? value.metadata : {};
  return {
    id,
    parent: text(value.parent_id) || undefined,
    label: text(value.label),
    status: text(value.status),
    error: text(value.error) || undefined,
    data: value.data,
    seconds: number(metadata.elapsed_time),
    tokens: number(metadata.total_tokens),
    price: price(metadata.total_price),
    currency: text(metadata.currency) || undefined,
    metadata,
  };
}

/** The list with a step that was told: the same one comes again as it goes on. */
export function withEntry(before: readonly LogEntry[], value: unknown): readonly LogEntry[] {
  const entry = entryFrom(value);
  if (!entry) return before;
  return before.some((each) => each.id === entry.id) ? before.map((each) => (each.id === entry.id ? entry : each)) : [...before, entry];
}

export function entriesFrom(list: unknown): LogEntry[] {
  return Array.isArray(list) ? list.flatMap((each) => entryFrom(each) ?? []) : [];
}

/** Steps under what they are part of; what has lost its parent stands alone. */
export function logTree(entries: readonly LogEntry[]): LogNode[] {
  const ids = new Set(entries.map((each) => each.id));
  const under = (parent: string | undefined, depth: number): LogNode[] =>
    depth > 8
      ? []
      : entries
          .filter((each) => (each.parent !== undefined && ids.has(each.parent) ? each.parent === parent : parent === undefined))
          .filter((each) => each.id !== parent)
          .map((each) => ({ ...each, children: under(each.id, depth + 1) }));
  return under(undefined, 0);
}
