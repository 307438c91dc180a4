/** What a model's context window had no room for, and what the model does not take, as a run tells it. Pure. */

export interface WindowFit {
  /** Tokens that the model takes in all; unknown where nobody told. */
  readonly size: number | undefined;
  readonly reserved: number;
  readonly room: number;
  readonly counted: number;
  readonly kept: number;
  readonly dropped: number;
  readonly shortened: number;
  /** Chunks of knowledge. */
  readonly chunks: number;
}

type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const number = (value: unknown): number | undefined => (typeof value === "number" && Number.isFinite(value) ? value : undefined);

/** From the process data of a node, the metadata of a message or of a round. */
export function windowFit(told: unknown): WindowFit | undefined {
  const fit = isRecord(told) ? told.context_window : undefined;
  if (!isRecord(fit)) return undefined;
  const counted = number(fit.counted_tokens);
  const room = number(fit.room_tokens);
  const kept = number(fit.kept_tokens);
  if (counted === undefined || room === undefined || kept === undefined) return undefined;
  return {
    size: number(fit.context_size),
    reserved: number(fit.reserved_tokens) ?? 0,
    room,
    counted,
    kept,
    dropped: number(fit.dropped_messages) ?? 0,
    shortened: number(fit.shortened_messages) ?? 0,
    chunks: number(fit.dropped_chunks) ?? 0,
  };
}

/** Names of files that did not go to the model. */
export function filesLeftOut(told: unknown): string[] {
  const files = isRecord(told) ? told.files_left_out : undefined;
  if (!Array.isArray(files)) return [];
  return files.flatMap((file) => (isRecord(file) ? [typeof file.name === "string" && file.name ? file.name : String(file.type ?? "")] : [])).filter(Boolean);
}
