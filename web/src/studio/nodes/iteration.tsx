import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, flag, selectorSchema, text } from "./schema";

export const ERROR_MODES = ["terminated", "continue-on-error", "remove-abnormal-output"];

const schema = z.looseObject({
  ...baseShape,
  start_node_id: text,
  iterator_selector: selectorSchema,
  iterator_input_type: text,
  output_selector: selectorSchema,
  output_type: text,
  is_parallel: flag,
  parallel_nums: z.number().nullish().catch(10).transform((v) => v ?? 10),
  error_handle_mode: z.string().nullish().catch("terminated").transform((v) => v ?? "terminated"),
  // Missing means on, as the engine reads it.
  flatten_output: z.boolean().nullish().catch(true).transform((v) => v ?? true),
});
export type IterationData = z.infer<typeof schema>;

/** A list of what one round gives; lists of lists become one list when they are flattened. */
export function listType(type: string, flatten: boolean): string {
  if (flatten && type.startsWith("array")) return type;
  return ["string", "number", "boolean", "object", "file"].includes(type) ? `array[${type}]` : "array";
}

function Card({ data }: { data: IterationData }) {
  const { t } = useTranslation("studio");
  return data.is_parallel ? <span className="st-badge">{t("iteration.atATime", { count: data.parallel_nums })}</span> : null;
}

export const iteration = defineKind<IterationData>({
  type: "iteration",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  inside: "never",
  innerStart: "iteration-start",
  runnable: true,
  schema,
  defaults: () => ({
    start_node_id: "",
    iterator_selector: [],
    iterator_input_type: "array[string]",
    output_selector: [],
    output_type: "array[string]",
    is_parallel: false,
    parallel_nums: 10,
    error_handle_mode: "terminated",
    flatten_output: true,
  }),
  outputs: (data) => [{ name: "output", type: data.output_type || "array" }],
  check: (data, { held }): KindProblem[] => {
    const out: KindProblem[] = [];
    if (data.iterator_selector.length < 2) out.push({ code: "noList" });
    if (held === 0) out.push({ code: "emptyFrame" });
    else if (data.output_selector.length < 2) out.push({ code: "noRoundOutput" });
    return out;
  },
  Card,
  Panel: lazy(() => import("../panels/IterationPanel").then((m) => ({ default: m.IterationPanel }))),
});
