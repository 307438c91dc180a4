import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, listOf, selectorSchema, text } from "./schema";

export const itemSchema = z.looseObject({
  variable_selector: selectorSchema,
  input_type: z.string().catch("variable"),
  operation: z.string().nullish().catch("over-write").transform((v) => v || "over-write"),
  value: z.unknown().optional(),
});
export type AssignerItem = z.infer<typeof itemSchema>;

const schema = z.looseObject({
  ...baseShape,
  version: z.union([z.string(), z.number()]).nullish().catch(undefined).transform((v) => String(v ?? "1")),
  items: listOf(itemSchema),
  assigned_variable_selector: selectorSchema,
  input_variable_selector: selectorSchema,
  write_mode: text,
});
export type AssignerData = z.infer<typeof schema>;

const COMMON = ["over-write", "set", "clear"];
const NUMBER = [...COMMON, "+=", "-=", "*=", "/="];
const LIST = ["over-write", "clear", "append", "extend", "remove-first", "remove-last"];

/** What can be done with a variable of this type. */
export function operationsFor(type: string): readonly string[] {
  if (["number", "integer", "float"].includes(type)) return NUMBER;
  if (type.startsWith("array")) return LIST;
  return type === "file" ? ["over-write", "clear"] : COMMON;
}

export type ValueForm = "variable" | "constant" | "none";

/** Where the value of an operation comes from. */
export function formOf(operation: string): ValueForm {
  if (["clear", "remove-first", "remove-last"].includes(operation)) return "none";
  return ["over-write", "append", "extend"].includes(operation) ? "variable" : "constant";
}

/** The rows; a node of the first version has one. */
export function itemsOf(data: AssignerData): readonly AssignerItem[] {
  if (data.version !== "1" || data.items.length > 0) return data.items;
  if (data.assigned_variable_selector.length === 0 && data.input_variable_selector.length === 0) return [];
  return [{ variable_selector: data.assigned_variable_selector, input_type: "variable", operation: data.write_mode || "over-write", value: data.input_variable_selector }];
}

function complete(item: AssignerItem): boolean {
  if (item.variable_selector.length < 2) return false;
  if (formOf(item.operation) === "none") return true;
  if (item.input_type === "variable") return Array.isArray(item.value) && item.value.length > 1;
  return item.value !== undefined && item.value !== null;
}

function Card({ data }: { data: AssignerData }) {
  const { t } = useTranslation("studio");
  const items = itemsOf(data).filter((i) => i.variable_selector.length > 1);
  return (
    <>
      {items.slice(0, 3).map((item, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows have no identity but their place
        <CardLine key={i} mono right={i === 2 && items.length > 3 ? `+${items.length - 3}` : t(`assigner.short.${item.operation}`, { defaultValue: item.operation })}>
          {item.variable_selector.slice(1).join(".")}
        </CardLine>
      ))}
    </>
  );
}

export const assigner = defineKind<AssignerData>({
  type: "assigner",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  runnable: true,
  schema,
  defaults: () => ({ version: "2", items: [] }),
  outputs: () => [],
  check: (data): KindProblem[] => {
    const items = itemsOf(data);
    if (items.length === 0) return [{ code: "noAssignments" }];
    return items.flatMap((item, i) => (complete(item) ? [] : [{ code: "incompleteAssignment", values: { number: i + 1 } }]));
  },
  Card,
  Panel: lazy(() => import("../panels/AssignerPanel").then((m) => ({ default: m.AssignerPanel }))),
});
