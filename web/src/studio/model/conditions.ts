/** Comparison operators by the type of the left side, as the format spells them. */
import { z } from "zod";
import type { VariableType } from "./variables";

const TEXT = ["contains", "not contains", "start with", "end with", "is", "is not", "empty", "not empty"];
const LIST = ["contains", "not contains", "empty", "not empty"];

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  string: TEXT,
  secret: TEXT,
  number: ["=", "≠", ">", "<", "≥", "≤", "empty", "not empty"],
  boolean: ["is", "is not"],
  object: ["empty", "not empty"],
  "array[string]": LIST,
  "array[number]": LIST,
  "array[boolean]": LIST,
  "array[object]": ["empty", "not empty"],
  array: ["empty", "not empty"],
  file: ["exists", "not exists"],
  "array[file]": ["contains", "not contains", "all of", "empty", "not empty"],
};

const FILE_TEXT = TEXT;
const FILE_OPERATORS: Readonly<Record<string, readonly string[]>> = {
  name: FILE_TEXT,
  url: FILE_TEXT,
  mime_type: FILE_TEXT,
  related_id: FILE_TEXT,
  extension: ["is", "is not", "contains", "not contains"],
  type: ["in", "not in"],
  transfer_method: ["in", "not in"],
  size: [">", "≥", "<", "≤"],
};

export const FILE_TYPES = ["image", "document", "audio", "video", "custom"];
export const TRANSFER_METHODS = ["local_file", "remote_url"];

/** Operators for a variable; the attribute of a file has its own. */
export function operatorsFor(type: VariableType, selector: readonly string[] = [], fileField = false): readonly string[] {
  const last = selector.at(-1) ?? "";
  if (fileField && FILE_OPERATORS[last]) return FILE_OPERATORS[last];
  if (type === "integer" || type === "float") return OPERATORS.number ?? [];
  return OPERATORS[type] ?? TEXT;
}

export function fileOperators(key: string): readonly string[] {
  return FILE_OPERATORS[key] ?? FILE_TEXT;
}

export const FILE_KEYS = Object.keys(FILE_OPERATORS);

const WITHOUT_VALUE = new Set(["empty", "not empty", "null", "not null", "exists", "not exists"]);

export function needsValue(operator: string): boolean {
  return !WITHOUT_VALUE.has(operator);
}

/** Operators on a list of files compare their attributes by sub-conditions. */
export function needsFields(type: VariableType, operator: string): boolean {
  return type === "array[file]" && ["contains", "not contains", "all of"].includes(operator);
}

/** Options for values that come from a closed set. */
export function valueOptions(key: string): readonly string[] | undefined {
  if (key === "type") return FILE_TYPES;
  if (key === "transfer_method") return TRANSFER_METHODS;
  return undefined;
}

export const subConditionSchema = z.looseObject({
  id: z.string().default(""),
  key: z.string().default(""),
  varType: z.string().default("string"),
  comparison_operator: z.string().nullish().transform((v) => v ?? ""),
  value: z.union([z.string(), z.array(z.string()), z.boolean()]).nullish(),
});
export type SubCondition = z.infer<typeof subConditionSchema>;

export const conditionSchema = z.looseObject({
  id: z.string().default(""),
  varType: z.string().default("string"),
  variable_selector: z.array(z.string()).nullish().transform((v) => v ?? []),
  comparison_operator: z.string().nullish().transform((v) => v ?? ""),
  value: z.union([z.string(), z.array(z.string()), z.boolean(), z.number()]).nullish(),
  numberVarType: z.string().nullish(),
  sub_variable_condition: z
    .looseObject({
      logical_operator: z.string().default("and"),
      conditions: z.array(subConditionSchema).default([]),
    })
    .nullish(),
});
export type Condition = z.infer<typeof conditionSchema>;

export function isComplete(condition: Condition): boolean {
  if (condition.variable_selector.length < 2 || !condition.comparison_operator) return false;
  if (!needsValue(condition.comparison_operator)) return true;
  const sub = condition.sub_variable_condition;
  if (needsFields(condition.varType, condition.comparison_operator)) {
    return Boolean(sub && sub.conditions.length > 0 && sub.conditions.every(subComplete));
  }
  return hasValue(condition.value);
}

function subComplete(sub: SubCondition): boolean {
  if (!sub.key || !sub.comparison_operator) return false;
  return !needsValue(sub.comparison_operator) || hasValue(sub.value);
}

function hasValue(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return false;
  return !(Array.isArray(value) && value.length === 0);
}
