/**
 * Notes are stored as a rich-text tree (JSON text). People edit them as text with light marks:
 * **bold**, *italic*, ~~struck~~, [link](address), and "- " for a list. Both ways lose nothing that notes can hold.
 */

const FORMAT = { bold: 1, italic: 2, strike: 4 };

export interface NoteRun {
  readonly text: string;
  readonly format: number;
  readonly url?: string;
}

export interface NoteLine {
  readonly item: boolean;
  readonly runs: readonly NoteRun[];
}

/** Addresses a note may lead to; others stay text. */
const SAFE = /^(https?:\/\/|mailto:)/;

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function childrenOf(value: unknown): readonly unknown[] {
  const children = field(value, "children");
  return Array.isArray(children) ? children : [];
}

/** The runs of a block, with line breaks as ends of lines. */
function runsOf(block: unknown, url?: string): NoteRun[][] {
  const lines: NoteRun[][] = [[]];
  for (const child of childrenOf(block)) {
    const type = field(child, "type");
    const text = field(child, "text");
    const format = field(child, "format");
    if (type === "linebreak") lines.push([]);
    else if (typeof text === "string") lines.at(-1)?.push({ text, format: typeof format === "number" ? format & 7 : 0, ...(url ? { url } : {}) });
    else {
      const link = field(child, "url");
      const [first = [], ...rest] = runsOf(child, typeof link === "string" && SAFE.test(link) ? link : url);
      lines.at(-1)?.push(...first);
      lines.push(...rest);
    }
  }
  return lines;
}

/** What a stored note says, line by line. */
export function noteLines(stored: unknown): NoteLine[] {
  if (typeof stored !== "string" || stored === "") return [];
  let root: unknown;
  try {
    root = field(JSON.parse(stored), "root");
  } catch {
    return stored.split("\n").map((text) => ({ item: false, runs: text ? [{ text, format: 0 }] : [] }));
  }
  return childrenOf(root).flatMap((block): NoteLine[] => {
    if (field(block, "type") === "list") return childrenOf(block).flatMap((item) => runsOf(item).map((runs) => ({ item: true, runs })));
    return runsOf(block).map((runs) => ({ item: false, runs }));
  });
}

function marked({ text, format, url }: NoteRun): string {
  let out = text;
  if (format & FORMAT.strike) out = `~~${out}~~`;
  if (format & FORMAT.italic) out = `*${out}*`;
  if (format & FORMAT.bold) out = `**${out}**`;
  return url ? `[${out}](${url})` : out;
}

/** The note as the text a person edits. */
export function noteText(stored: unknown): string {
  return noteLines(stored)
    .map((line) => (line.item ? "- " : "") + line.runs.map(marked).join(""))
    .join("\n");
}

const MARKS = /\[([^\]]+)\]\((https?:\/\/[^)\s]+|mailto:[^)\s]+)\)|\*\*(.+?)\*\*|\*(.+?)\*|~~(.+?)~~/;

function readRuns(text: string, format: number, url?: string): NoteRun[] {
  const found = MARKS.exec(text);
  if (!found) return text ? [{ text, format, ...(url ? { url } : {}) }] : [];
  const [whole, label, address, bold, italic, strike] = found;
  const before = readRuns(text.slice(0, found.index), format, url);
  const inner = label !== undefined ? readRuns(label, format, address) : bold !== undefined ? readRuns(bold, format | FORMAT.bold, url) : italic !== undefined ? readRuns(italic, format | FORMAT.italic, url) : readRuns(strike ?? "", format | FORMAT.strike, url);
  return [...before, ...inner, ...readRuns(text.slice(found.index + whole.length), format, url)];
}

const base = { direction: "ltr", format: "", indent: 0, version: 1 };

function stored(runs: readonly NoteRun[]): unknown[] {
  return runs.map(({ text, format, url }) => {
    const leaf = { detail: 0, format, mode: "normal", style: "", text, type: "text", version: 1 };
    return url ? { ...base, type: "link", rel: "noreferrer", target: null, title: null, url, children: [leaf] } : leaf;
  });
}

/** The stored form of an edited text. */
export function storedNote(text: string): string {
  const children: unknown[] = [];
  let items: unknown[] | undefined;
  for (const line of text.split("\n")) {
    const item = /^[-*]\s+(.*)$/.exec(line);
    if (item) {
      if (!items) {
        items = [];
        children.push({ ...base, type: "list", listType: "bullet", start: 1, tag: "ul", children: items });
      }
      items.push({ ...base, type: "listitem", value: items.length + 1, children: stored(readRuns(item[1] ?? "", 0)) });
      continue;
    }
    items = undefined;
    children.push({ ...base, type: "paragraph", textFormat: 0, children: stored(readRuns(line, 0)) });
  }
  return JSON.stringify({ root: { ...base, type: "root", children } });
}
