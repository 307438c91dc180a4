/** Header and parameter text (`name:value` per line) as rows, and back. */
export interface Pair {
  readonly key: string;
  readonly value: string;
}

export function readPairs(text: string): Pair[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const at = line.indexOf(":");
      return at < 0 ? { key: line, value: "" } : { key: line.slice(0, at), value: line.slice(at + 1) };
    });
}

/** A value with a line break would become two lines, so breaks turn into spaces. */
export function writePairs(pairs: readonly Pair[]): string {
  return pairs.map(({ key, value }) => `${key}:${value.replaceAll("\n", " ")}`).join("\n");
}
