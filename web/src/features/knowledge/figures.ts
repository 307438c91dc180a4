/** What the preview of chunks says in numbers. */

/** Characters of the start of `next` that are also the end of `before`: what two chunks share. */
export function shared(before: string | undefined, next: string, most = 2000): number {
  if (!before) return 0;
  const longest = Math.min(before.length, next.length, most);
  for (let length = longest; length >= 3; length -= 1) if (before.endsWith(next.slice(0, length))) return length;
  return 0;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : Math.round(((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2);
}

/** Shorter than this a chunk hardly says anything: a page number, a footer. */
export const VERY_SHORT = 40;

export interface Bar {
  readonly from: number;
  readonly count: number;
}

/** How many texts there are of each length; the last bar ends at the longest. */
export function bars(lengths: readonly number[], count = 12): readonly Bar[] {
  const most = Math.max(1, ...lengths);
  const step = most / count;
  const out = Array.from({ length: count }, (_, i) => ({ from: Math.round(i * step), count: 0 }));
  for (const length of lengths) {
    const bar = out[Math.min(count - 1, Math.floor(length / step))];
    if (bar) bar.count += 1;
  }
  return out;
}

export interface Piece {
  readonly text: string;
  readonly hit: boolean;
}

/** The text with the words of the question marked; single letters and the like are not words. */
export function marked(text: string, question: string): readonly Piece[] {
  const words = [...new Set(question.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])].filter((word) => word.length > 2 || /\p{Script=Han}/u.test(word));
  if (words.length === 0) return [{ text, hit: false }];
  const pattern = new RegExp(`(${words.map((word) => (/\p{Script=Han}/u.test(word) ? word : `(?<![\\p{L}\\p{N}])${word}\\p{L}*`)).join("|")})`, "giu");
  const out: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match[0] === "") continue;
    if (match.index > at) out.push({ text: text.slice(at, match.index), hit: false });
    out.push({ text: match[0], hit: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) out.push({ text: text.slice(at), hit: false });
  return out;
}
