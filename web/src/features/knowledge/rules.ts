/** How a document is split: what the form holds, what is sent, what is wrong with it. */
import type { ChunkForm, ProcessRule, Segmentation } from "./types";

export type Unit = "tokens" | "characters";

export interface Splitting {
  readonly form: ChunkForm;
  /** As it is typed: `\n` is a line break. */
  readonly separator: string;
  readonly size: number;
  readonly overlap: number;
  readonly unit: Unit;
  readonly parent: "paragraph" | "full-doc";
  readonly childSeparator: string;
  readonly childSize: number;
  readonly spaces: boolean;
  readonly urls: boolean;
  /** The language of questions and answers that a model writes. */
  readonly language: string;
}

export const LANGUAGES = ["English", "Chinese Simplified", "German", "French", "Spanish", "Portuguese", "Japanese", "Korean", "Italian", "Russian"] as const;

export const MIN_SIZE = 50;
export const MAX_SIZE = 4000;

const SIZES: Readonly<Record<Unit, { readonly size: number; readonly parent: number; readonly child: number; readonly overlap: number }>> = {
  tokens: { size: 512, parent: 1024, child: 256, overlap: 50 },
  characters: { size: 1024, parent: 1024, child: 512, overlap: 50 },
};

export function startSplitting(form: ChunkForm = "text_model", unit: Unit = "tokens"): Splitting {
  const sizes = SIZES[unit];
  const parents = form === "hierarchical_model";
  return {
    form,
    unit,
    separator: "\\n\\n",
    size: parents ? sizes.parent : sizes.size,
    overlap: parents ? 0 : sizes.overlap,
    parent: "paragraph",
    childSeparator: "\\n",
    childSize: sizes.child,
    spaces: true,
    urls: false,
    language: "English",
  };
}

/** The same form with the lengths that suit another unit or another kind of chunk. */
export function withSizes(now: Splitting, change: Partial<Pick<Splitting, "form" | "unit">>): Splitting {
  const next = startSplitting(change.form ?? now.form, change.unit ?? now.unit);
  return { ...now, ...change, size: next.size, overlap: next.overlap, childSize: next.childSize };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\\": "\\" };

/** Between several separators in one field. */
const OR = " | ";

const unescaped = (typed: string) => typed.replace(/\\([ntr\\])/g, (whole, key: string) => ESCAPES[key] ?? whole);
const escaped = (separator: string) => separator.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\t", "\\t").replaceAll("\r", "\\r");

export function separatorOf(typed: string): string | readonly string[] {
  const parts = typed.split(OR).filter((part) => part !== "");
  return parts.length > 1 ? parts.map(unescaped) : unescaped(typed);
}

export function typedOf(separator: string | readonly string[]): string {
  return typeof separator === "string" ? escaped(separator) : separator.map(escaped).join(OR);
}

/** What a separator is called, where it has a name. */
export function nameOf(typed: string): "paragraph" | "line" | "tab" | undefined {
  return typed === "\\n\\n" ? "paragraph" : typed === "\\n" ? "line" : typed === "\\t" ? "tab" : undefined;
}

export function ruleOf(value: Splitting): ProcessRule {
  const parents = value.form === "hierarchical_model";
  const segment: Segmentation = { separator: separatorOf(value.separator), max_tokens: value.size, chunk_overlap: value.overlap, unit: value.unit };
  return {
    mode: parents ? "hierarchical" : "custom",
    rules: {
      pre_processing_rules: [
        { id: "remove_extra_spaces", enabled: value.spaces },
        { id: "remove_urls_emails", enabled: value.urls },
      ],
      segmentation: segment,
      ...(parents
        ? {
            parent_mode: value.parent,
            subchunk_segmentation: { separator: separatorOf(value.childSeparator), max_tokens: value.childSize, chunk_overlap: 0, unit: value.unit },
          }
        : {}),
    },
  };
}

/** The form for a rule that is stored. What is not there counts characters, as upstream does. */
export function splittingOf(rule: ProcessRule, form: ChunkForm, language: string): Splitting {
  const rules = rule.rules;
  const start = startSplitting(form, rules?.segmentation?.unit ?? "characters");
  if (!rules) return { ...start, language };
  const on = (id: string) => rules.pre_processing_rules?.some((each) => each.id === id && each.enabled) ?? false;
  return {
    ...start,
    language,
    separator: typedOf(rules.segmentation?.separator ?? "\n"),
    size: rules.segmentation?.max_tokens ?? start.size,
    overlap: rules.segmentation?.chunk_overlap ?? 0,
    parent: rules.parent_mode ?? "paragraph",
    childSeparator: typedOf(rules.subchunk_segmentation?.separator ?? "\n"),
    childSize: rules.subchunk_segmentation?.max_tokens ?? start.childSize,
    spaces: on("remove_extra_spaces"),
    urls: on("remove_urls_emails"),
  };
}

export interface SplittingProblems {
  readonly size?: "size" | undefined;
  readonly overlap?: "overlap" | undefined;
  readonly separator?: "separator" | undefined;
  readonly childSize?: "size" | "childSize" | undefined;
  readonly childSeparator?: "separator" | undefined;
}

export function problemsOf(value: Splitting, most: number = MAX_SIZE): SplittingProblems {
  const bad = (size: number) => !Number.isInteger(size) || size < MIN_SIZE || size > most;
  const parents = value.form === "hierarchical_model";
  const whole = parents && value.parent === "full-doc";
  return {
    size: !whole && bad(value.size) ? "size" : undefined,
    overlap: !whole && (!Number.isInteger(value.overlap) || value.overlap < 0 || value.overlap > value.size) ? "overlap" : undefined,
    separator: !whole && value.separator === "" ? "separator" : undefined,
    childSize: !parents ? undefined : bad(value.childSize) ? "size" : !whole && value.childSize > value.size ? "childSize" : undefined,
    childSeparator: parents && value.childSeparator === "" ? "separator" : undefined,
  };
}

export function isRight(problems: SplittingProblems): boolean {
  return Object.values(problems).every((problem) => problem === undefined);
}
