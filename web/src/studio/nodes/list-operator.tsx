import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { needsValue } from "../model/conditions";
import { elementType } from "../model/variables";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, flag, listOf, selectorSchema, text } from "./schema";

export const LIST_TYPES = ["array[string]", "array[number]", "array[boolean]", "array[file]"];

export const filterSchema = z.looseObject({
  key: text,
  comparison_operator: z.string().nullish().catch("contains").transform((v) => v ?? "contains"),
  value: z.union([z.string(), z.array(z.string()), z.boolean(), z.number()]).nullish().catch(""),
});
export type ListFilterCondition = z.infer<typeof filterSchema>;

const off = { enabled: false };

const schema = z.looseObject({
  ...baseShape,
  variable: selectorSchema,
  var_type: text,
  item_var_type: text,
  filter_by: z.looseObject({ enabled: flag, conditions: listOf(filterSchema) }).catch({ ...off, conditions: [] }),
  extract_by: z.looseObject({ enabled: flag, serial: z.union([z.string(), z.number()]).nullish().catch("1").transform((v) => String(v ?? "1")) }).catch({ ...off, serial: "1" }),
  order_by: z.looseObject({ enabled: flag, key: text, value: z.string().nullish().catch("asc").transform((v) => v || "asc") }).catch({ ...off, key: "", value: "asc" }),
  limit: z.looseObject({ enabled: flag, size: z.number().nullish().catch(10).transform((v) => v ?? 10) }).catch({ ...off, size: 10 }),
});
export type ListOperatorData = z.infer<typeof schema>;

const TEXT = ["contains", "not contains", "start with", "end with", "is", "is not", "in", "not in", "empty", "not empty"];
const NUMBER = ["=", "≠", "<", ">", "≥", "≤"];

/** How items of a list can be compared; files by one of their attributes. */
export function filterOperators(item: string, key: string): readonly string[] {
  if (item === "number") return NUMBER;
  if (item === "boolean") return ["is", "is not"];
  if (item !== "file") return TEXT;
  if (key === "size") return NUMBER;
  return key === "type" || key === "transfer_method" ? ["in", "not in"] : TEXT;
}

export function itemType(data: ListOperatorData): string {
  return data.item_var_type || elementType(data.var_type);
}

function filterComplete(condition: ListFilterCondition, files: boolean): boolean {
  if (files && !condition.key) return false;
  if (!needsValue(condition.comparison_operator) || typeof condition.value === "boolean" || typeof condition.value === "number") return true;
  return Boolean(condition.value && condition.value.length > 0);
}

function Card({ data }: { data: ListOperatorData }) {
  const { t } = useTranslation("studio");
  const steps = [data.filter_by.enabled ? "filter" : "", data.extract_by.enabled ? "extract" : "", data.order_by.enabled ? "order" : "", data.limit.enabled ? "limit" : ""].filter(Boolean);
  return steps.length > 0 ? <CardLine>{steps.map((s) => t(`list.short.${s}`, { number: s === "limit" ? data.limit.size : data.extract_by.serial })).join(" · ")}</CardLine> : null;
}

export const listOperator = defineKind<ListOperatorData>({
  type: "list-operator",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  runnable: true,
  schema,
  defaults: () => ({
    variable: [],
    var_type: "array[string]",
    item_var_type: "string",
    filter_by: { enabled: false, conditions: [] },
    extract_by: { enabled: false, serial: "1" },
    order_by: { enabled: false, key: "", value: "asc" },
    limit: { enabled: false, size: 10 },
  }),
  outputs: (data) => [
    { name: "result", type: data.var_type || "array" },
    { name: "first_record", type: itemType(data) },
    { name: "last_record", type: itemType(data) },
  ],
  check: (data): KindProblem[] => {
    const out: KindProblem[] = [];
    const files = itemType(data) === "file";
    if (data.variable.length < 2) out.push({ code: "noList" });
    if (data.filter_by.enabled && (data.filter_by.conditions.length === 0 || !data.filter_by.conditions.every((c) => filterComplete(c, files)))) out.push({ code: "incompleteFilter" });
    if (data.extract_by.enabled && !data.extract_by.serial.trim()) out.push({ code: "noSerial" });
    if (data.order_by.enabled && files && !data.order_by.key) out.push({ code: "noOrderKey" });
    if (data.limit.enabled && data.limit.size < 1) out.push({ code: "badLimit" });
    return out;
  },
  Card,
  Panel: lazy(() => import("../panels/ListOperatorPanel").then((m) => ({ default: m.ListOperatorPanel }))),
});
