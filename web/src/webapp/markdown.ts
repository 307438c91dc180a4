/**
 * Markdown as a tree: blocks and inline parts of what models write (CommonMark's usual subset, tables, task lists).
 * There is no raw HTML in it: a tag is text. Addresses other than http, https, mailto, tel and this site's own are dropped.
 */

import { safeHref, safeImage } from "./links";

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "em" | "del"; parts: Inline[] }
  | { kind: "link"; href: string; parts: Inline[] }
  | { kind: "image"; src: string; alt: string }
  | { kind: "cite"; position: number }
  | { kind: "break" };

export type Align = "left" | "right" | "center" | null;
export interface Item {
  readonly blocks: Block[];
  readonly checked: boolean | null;
}
export type Block =
  | { kind: "paragraph"; parts: Inline[] }
  | { kind: "heading"; level: number; parts: Inline[] }
  | { kind: "code"; language: string; text: string; closed: boolean }
  | { kind: "list"; ordered: boolean; start: number; items: Item[] }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][]; align: Align[] }
  | { kind: "rule" }
  | { kind: "thinking"; blocks: Block[]; closed: boolean };

const ESCAPABLE = /[\\`*_{}[\]()#+\-.!|~<>"'$&]/;
const AUTOLINK = /^https?:\/\/[^\s<>"'`，。；：！？、（）【】《》「」]+/i;

/** End of a bracketed run that starts at `at`, with nesting and escapes; -1 if it is not closed. */
function closing(text: string, at: number, open: string, close: string): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const char = text[i];
    if (char === "\\") i++;
    else if (char === open) depth++;
    else if (char === close && --depth === 0) return i;
    else if (char === "\n" && text[i + 1] === "\n") return -1;
  }
  return -1;
}

interface Target {
  readonly address: string;
  readonly end: number;
}

/** `(address "title")` from `at`. */
function target(text: string, at: number): Target | null {
  if (text[at] !== "(") return null;
  const end = closing(text, at, "(", ")");
  if (end < 0) return null;
  const inner = text.slice(at + 1, end).trim();
  const angled = /^<([^<>\n]*)>/.exec(inner);
  const address = angled ? (angled[1] ?? "") : (/^\S+/.exec(inner)?.[0] ?? "");
  return { address, end };
}

const isWordChar = (char: string | undefined): boolean => char !== undefined && /[\p{L}\p{N}]/u.test(char);
const isSpace = (char: string | undefined): boolean => char === undefined || /\s/.test(char);

/** Where an emphasis that opens at `at` with `mark` is closed; -1 if it is not one. */
function emphasisEnd(text: string, at: number, mark: string): number {
  const width = mark.length;
  if (isSpace(text[at + width])) return -1;
  if (mark[0] === "_" && isWordChar(text[at - 1])) return -1;
  for (let i = at + width; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "`") {
      const end = codeEnd(text, i);
      if (end) i = end.end - 1;
    } else if (text.startsWith(mark, i) && !isSpace(text[i - 1])) {
      let run = i;
      while (text[run] === mark[0]) run++;
      const length = run - i;
      if (width === 1 && length === 2) {
        i = run - 1;
        continue;
      }
      if (mark[0] === "_" && isWordChar(text[run])) continue;
      return length > width ? run - width : i;
    }
  }
  return -1;
}

function codeEnd(text: string, at: number): { body: string; end: number } | null {
  const ticks = /^`+/.exec(text.slice(at))?.[0] ?? "`";
  for (let i = text.indexOf(ticks, at + ticks.length); i >= 0; i = text.indexOf(ticks, i + 1)) {
    if (text[i - 1] === "`") continue;
    if (text[i + ticks.length] === "`") {
      while (text[i] === "`") i++;
      continue;
    }
    const body = text.slice(at + ticks.length, i).replaceAll("\n", " ");
    const padded = body.startsWith(" ") && body.endsWith(" ") && body.trim() !== "";
    return { body: padded ? body.slice(1, -1) : body, end: i + ticks.length };
  }
  return null;
}

export interface InlineOptions {
  /** How many sources there are: `[2]` becomes a citation up to this number. */
  readonly sources?: number;
}

export function parseInline(text: string, options: InlineOptions = {}, insideLink = false): Inline[] {
  const parts: Inline[] = [];
  let plain = "";
  const flush = (): void => {
    if (plain !== "") parts.push({ kind: "text", text: plain });
    plain = "";
  };
  const add = (part: Inline): void => {
    flush();
    parts.push(part);
  };
  let i = 0;
  while (i < text.length) {
    const found = inlineAt(text, i, options, insideLink);
    if (!found) {
      plain += text[i];
      i++;
      continue;
    }
    if (found.part.kind === "text") plain += found.part.text;
    else {
      if (found.part.kind === "break") plain = plain.replace(/ +$/, "");
      add(found.part);
    }
    i = found.end;
  }
  flush();
  return parts;
}

interface Found {
  readonly part: Inline;
  readonly end: number;
}

function inlineAt(text: string, at: number, options: InlineOptions, insideLink: boolean): Found | null {
  const char = text[at] ?? "";
  const next = text[at + 1] ?? "";
  switch (char) {
    case "\\":
      if (next === "\n") return { part: { kind: "break" }, end: at + 2 };
      return ESCAPABLE.test(next) ? { part: { kind: "text", text: next }, end: at + 2 } : null;
    case "\n":
      return { part: { kind: "break" }, end: at + 1 };
    case "`": {
      const code = codeEnd(text, at);
      if (code) return { part: { kind: "code", text: code.body }, end: code.end };
      const ticks = /^`+/.exec(text.slice(at))?.[0] ?? char;
      return { part: { kind: "text", text: ticks }, end: at + ticks.length };
    }
    case "!":
      return next === "[" ? image(text, at) : null;
    case "[":
      return bracket(text, at, options, insideLink);
    case "*":
    case "_":
    case "~":
      return emphasis(text, at, char, options, insideLink);
    case "<":
      return angled(text, at, insideLink);
    case "h":
    case "H":
      return insideLink || /[\w/]/.test(text[at - 1] ?? "") ? null : autolink(text, at);
    case "&":
      return entity(text, at);
    default:
      return null;
  }
}

const ENTITIES: Readonly<Record<string, string>> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": "\u00a0" };
function entity(text: string, at: number): Found | null {
  const name = /^&(?:amp|lt|gt|quot|#39|nbsp);/.exec(text.slice(at, at + 7))?.[0];
  const char = name ? ENTITIES[name] : undefined;
  return name && char ? { part: { kind: "text", text: char }, end: at + name.length } : null;
}

function image(text: string, at: number): Found | null {
  const end = closing(text, at + 1, "[", "]");
  const to = end < 0 ? null : target(text, end + 1);
  if (!to) return null;
  const alt = text.slice(at + 2, end);
  const src = safeImage(to.address);
  return { part: src ? { kind: "image", src, alt } : { kind: "text", text: alt }, end: to.end + 1 };
}

function bracket(text: string, at: number, options: InlineOptions, insideLink: boolean): Found | null {
  const end = closing(text, at, "[", "]");
  if (end < 0) return null;
  const inner = text.slice(at + 1, end);
  const to = insideLink ? null : target(text, end + 1);
  if (to) {
    const parts = parseInline(inner, {}, true);
    const href = safeHref(to.address);
    if (href) return { part: { kind: "link", href, parts }, end: to.end + 1 };
    return { part: { kind: "text", text: inner }, end: to.end + 1 };
  }
  const position = /^\d{1,2}$/.test(inner) ? Number(inner) : 0;
  return position > 0 && position <= (options.sources ?? 0) ? { part: { kind: "cite", position }, end: end + 1 } : null;
}

function emphasis(text: string, at: number, char: string, options: InlineOptions, insideLink: boolean): Found | null {
  const run = /^(\*+|_+|~+)/.exec(text.slice(at))?.[0].length ?? 1;
  const widths = char === "~" ? [2] : run >= 2 ? [2, 1] : [1];
  for (const width of widths) {
    if (run < width) continue;
    const end = emphasisEnd(text, at, char.repeat(width));
    if (end <= at + width) continue;
    const parts = parseInline(text.slice(at + width, end), options, insideLink);
    const kind = char === "~" ? "del" : width === 2 ? "strong" : "em";
    return { part: { kind, parts }, end: end + width };
  }
  return { part: { kind: "text", text: char.repeat(run) }, end: at + run };
}

function angled(text: string, at: number, insideLink: boolean): Found | null {
  const rest = text.slice(at, at + 2100);
  const line = /^<br\s*\/?>/i.exec(rest);
  if (line) return { part: { kind: "break" }, end: at + line[0].length };
  const link = /^<((?:https?:\/\/|mailto:)[^\s<>]+|[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+)>/i.exec(rest);
  if (!link || insideLink) return null;
  const shown = link[1] ?? "";
  const href = safeHref(shown.includes("@") && !/^(https?|mailto):/i.test(shown) ? `mailto:${shown}` : shown);
  return href ? { part: { kind: "link", href, parts: [{ kind: "text", text: shown.replace(/^mailto:/i, "") }] }, end: at + link[0].length } : null;
}

function autolink(text: string, at: number): Found | null {
  let found = AUTOLINK.exec(text.slice(at, at + 2100))?.[0];
  if (!found) return null;
  found = found.replace(/[.,:;!?*_~]+$/, "");
  const opened = (part: string): number => part.split("(").length - part.split(")").length;
  while (found.endsWith(")") && opened(found) < 0) found = found.slice(0, -1);
  found = found.replace(/[\])}]*$/, (tail) => (/^\)+$/.test(tail) ? tail : ""));
  const href = safeHref(found);
  return href && found.length > 8 ? { part: { kind: "link", href, parts: [{ kind: "text", text: found }] }, end: at + found.length } : null;
}

// --- blocks ---

const FENCE = /^( {0,3})(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,6})([-*+]|\d{1,9}[.)])(\s+|$)(.*)$/;
const TABLE_LINE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const isBlank = (line: string | undefined): boolean => line === undefined || line.trim() === "";

/** The cells of one table row; `\|` and bars in code do not split. */
export function cells(line: string): string[] {
  const out: string[] = [];
  let cell = "";
  let inCode = false;
  const body = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  for (let i = 0; i < body.length; i++) {
    const char = body[i] ?? "";
    if (char === "\\" && body[i + 1] === "|") {
      cell += "|";
      i++;
    } else if (char === "|" && !inCode) {
      out.push(cell.trim());
      cell = "";
    } else {
      if (char === "`") inCode = !inCode;
      cell += char;
    }
  }
  out.push(cell.trim());
  return out;
}

interface Taken {
  readonly block: Block;
  readonly next: number;
}

function fence(lines: readonly string[], at: number): Taken | null {
  const open = FENCE.exec(lines[at] ?? "");
  if (!open) return null;
  const [, indent = "", marks = "```", info = ""] = open;
  const body: string[] = [];
  let i = at + 1;
  let closed = false;
  for (; i < lines.length; i++) {
    const line = lines[i] ?? "";
    const end = /^ {0,3}(`{3,}|~{3,})\s*$/.exec(line)?.[1];
    if (end?.startsWith(marks)) {
      closed = true;
      i++;
      break;
    }
    body.push(line.startsWith(indent) ? line.slice(indent.length) : line.trimStart());
  }
  return { block: { kind: "code", language: (info.trim().split(/\s+/)[0] ?? "").toLowerCase(), text: body.join("\n"), closed }, next: i };
}

function table(lines: readonly string[], at: number, options: InlineOptions): Taken | null {
  const head = lines[at] ?? "";
  const line = lines[at + 1];
  if (!head.includes("|") || line === undefined || !TABLE_LINE.test(line) || !line.includes("-")) return null;
  const titles = cells(head);
  const marks = cells(line);
  if (marks.length !== titles.length) return null;
  const align = marks.map(
    (mark): Align => (mark.startsWith(":") && mark.endsWith(":") ? "center" : mark.endsWith(":") ? "right" : mark.startsWith(":") ? "left" : null),
  );
  const rows: Inline[][][] = [];
  let i = at + 2;
  for (; i < lines.length && !isBlank(lines[i]) && (lines[i] ?? "").includes("|"); i++) {
    const row = cells(lines[i] ?? "");
    rows.push(titles.map((_, column) => parseInline(row[column] ?? "", options)));
  }
  return { block: { kind: "table", head: titles.map((title) => parseInline(title, options)), rows, align }, next: i };
}

function quote(lines: readonly string[], at: number, options: InlineOptions): Taken | null {
  if (!QUOTE.test(lines[at] ?? "")) return null;
  const body: string[] = [];
  let i = at;
  for (; i < lines.length; i++) {
    const line = lines[i] ?? "";
    if (QUOTE.test(line)) body.push(line.replace(QUOTE, ""));
    else if (!isBlank(line) && !startsBlock(lines, i) && !isBlank(body.at(-1))) body.push(line);
    else break;
  }
  return { block: { kind: "quote", blocks: blocksOf(body, options) }, next: i };
}

function listAt(lines: readonly string[], at: number, options: InlineOptions): Taken | null {
  const first = ITEM.exec(lines[at] ?? "");
  if (!first || RULE.test(lines[at] ?? "")) return null;
  const base = (first[1] ?? "").length;
  const ordered = /\d/.test(first[2] ?? "");
  const items: Item[] = [];
  let i = at;
  while (i < lines.length) {
    const mark = ITEM.exec(lines[i] ?? "");
    if (!mark || RULE.test(lines[i] ?? "") || (mark[1] ?? "").length > base + 1 || /\d/.test(mark[2] ?? "") !== ordered) break;
    const width = (mark[1] ?? "").length + (mark[2] ?? "").length + Math.min(Math.max((mark[3] ?? "").length, 1), 4);
    const body = [mark[4] ?? ""];
    i++;
    for (; i < lines.length; i++) {
      const line = lines[i] ?? "";
      const indent = line.length - line.trimStart().length;
      if (isBlank(line)) {
        const after = lines.slice(i + 1).find((later) => !isBlank(later));
        const deeper = after !== undefined && after.length - after.trimStart().length >= Math.min(width, base + 2);
        if (!deeper) break;
        body.push("");
      } else if (indent >= Math.min(width, base + 2)) body.push(line.slice(Math.min(indent, width)));
      else if (ITEM.test(line) || startsBlock(lines, i) || isBlank(lines[i - 1])) break;
      else body.push(line.trimStart());
    }
    items.push(item(body, options));
    // A blank line between two items of one list.
    const gap = i;
    while (isBlank(lines[i]) && i < lines.length) i++;
    const again = ITEM.exec(lines[i] ?? "");
    if (!again || /\d/.test(again[2] ?? "") !== ordered || Math.abs((again[1] ?? "").length - base) > 1) {
      i = gap;
      break;
    }
  }
  return { block: { kind: "list", ordered, start: ordered ? Number.parseInt(first[2] ?? "1", 10) : 1, items }, next: i };
}

function item(body: string[], options: InlineOptions): Item {
  const task = /^\[([ xX])\]\s+/.exec(body[0] ?? "");
  if (task) body[0] = (body[0] ?? "").slice(task[0].length);
  return { blocks: blocksOf(body, options), checked: task ? task[1] !== " " : null };
}

function thinking(lines: readonly string[], at: number, options: InlineOptions): Taken | null {
  const open = /^\s*<think(?:ing)?>(.*)$/i.exec(lines[at] ?? "");
  if (!open) return null;
  const body: string[] = [];
  let line = open[1] ?? "";
  for (let i = at; ; ) {
    const end = /<\/think(?:ing)?>/i.exec(line);
    if (end) {
      body.push(line.slice(0, end.index));
      return { block: { kind: "thinking", blocks: blocksOf(body, options), closed: true }, next: i + 1 };
    }
    body.push(line);
    i++;
    if (i >= lines.length) return { block: { kind: "thinking", blocks: blocksOf(body, options), closed: false }, next: i };
    line = lines[i] ?? "";
  }
}

function startsBlock(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? "";
  const mark = ITEM.exec(line);
  // Within a paragraph only a list that starts at 1 begins a new block.
  const isItem = mark !== null && (mark[4] ?? "") !== "" && (!/\d/.test(mark[2] ?? "") || Number.parseInt(mark[2] ?? "", 10) === 1);
  return (
    FENCE.test(line) ||
    HEADING.test(line) ||
    RULE.test(line) ||
    QUOTE.test(line) ||
    isItem ||
    /^\s*<think(ing)?>/i.test(line) ||
    (line.includes("|") && TABLE_LINE.test(lines[at + 1] ?? "") && (lines[at + 1] ?? "").includes("|"))
  );
}

function blockAt(lines: readonly string[], at: number, options: InlineOptions): Taken {
  const line = lines[at] ?? "";
  const heading = HEADING.exec(line);
  if (heading) return { block: { kind: "heading", level: (heading[1] ?? "#").length, parts: parseInline(heading[2] ?? "", options) }, next: at + 1 };
  if (RULE.test(line)) return { block: { kind: "rule" }, next: at + 1 };
  const special = fence(lines, at) ?? thinking(lines, at, options) ?? table(lines, at, options) ?? quote(lines, at, options) ?? listAt(lines, at, options);
  if (special && special.next > at) return special;
  let i = at + 1;
  while (i < lines.length && !isBlank(lines[i]) && !startsBlock(lines, i)) i++;
  const body = lines
    .slice(at, i)
    .map((part) => part.replace(/^\s+/, ""))
    .join("\n")
    .trimEnd();
  return { block: { kind: "paragraph", parts: parseInline(body, options) }, next: i };
}

/** The lines of each top-level block: the one that grows while streaming is the last. */
export function splitBlocks(source: string): string[] {
  const lines = source.replace(/\r\n?/g, "\n").replaceAll("\t", "    ").split("\n");
  const out: string[] = [];
  for (let i = 0; i < lines.length; ) {
    if (isBlank(lines[i])) {
      i++;
      continue;
    }
    const { next } = blockAt(lines, i, {});
    out.push(lines.slice(i, next).join("\n"));
    i = next;
  }
  return out;
}

function blocksOf(lines: readonly string[], options: InlineOptions): Block[] {
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; ) {
    if (isBlank(lines[i])) {
      i++;
      continue;
    }
    const taken = blockAt(lines, i, options);
    blocks.push(taken.block);
    i = taken.next;
  }
  return blocks;
}

export function parse(source: string, options: InlineOptions = {}): Block[] {
  return blocksOf(source.replace(/\r\n?/g, "\n").replaceAll("\t", "    ").split("\n"), options);
}
