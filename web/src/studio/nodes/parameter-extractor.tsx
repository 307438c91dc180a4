import { Box } from "lucide-react";
import { lazy } from "react";
import { z } from "zod";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, flag, listOf, memorySchema, modelProblems, modelSchema, NAME, NO_MODEL, selectorSchema, text, visionSchema } from "./schema";

export const PARAMETER_TYPES = ["string", "number", "boolean", "select", "array[string]", "array[number]", "array[object]", "array[boolean]"];
const RESERVED = ["__reason", "__is_success", "__usage"];

export const parameterSchema = z.looseObject({
  name: text,
  type: z.string().catch("string"),
  options: listOf(z.string()),
  description: text,
  required: flag,
});
export type ExtractorParameter = z.infer<typeof parameterSchema>;

const schema = z.looseObject({
  ...baseShape,
  query: selectorSchema,
  model: modelSchema,
  parameters: listOf(parameterSchema),
  instruction: text,
  memory: memorySchema,
  reasoning_mode: z.string().nullish().catch("function_call").transform((v) => v || "function_call"),
  vision: visionSchema,
});
export type ExtractorData = z.infer<typeof schema>;

/** What stops a parameter from being usable; its editor shows the same. */
export function parameterProblem(parameter: ExtractorParameter, others: readonly ExtractorParameter[]): KindProblem | undefined {
  const { name } = parameter;
  if (!NAME.test(name) || RESERVED.includes(name)) return { code: "badName", values: { name } };
  if (others.some((o) => o !== parameter && o.name === name)) return { code: "sameName", values: { name } };
  if (!parameter.description.trim()) return { code: "noDescription", values: { name } };
  if (parameter.type === "select" && parameter.options.length === 0) return { code: "noOptions", values: { name } };
  return undefined;
}

function outputType(type: string): string {
  if (type === "bool") return "boolean";
  return type === "select" ? "string" : type;
}

export const parameterExtractor = defineKind<ExtractorData>({
  type: "parameter-extractor",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  failable: true,
  runnable: true,
  schema,
  defaults: ({ mode, model }) => ({
    query: mode === "advanced-chat" ? ["sys", "query"] : [],
    model: { ...NO_MODEL, ...model },
    parameters: [],
    instruction: "",
    reasoning_mode: "function_call",
    vision: { enabled: false },
  }),
  outputs: (data) => [
    ...data.parameters.filter((p) => p.name).map((p) => ({ name: p.name, type: outputType(p.type) })),
    { name: "__is_success", type: "number" },
    { name: "__reason", type: "string" },
    { name: "__usage", type: "object" },
  ],
  check: (data): KindProblem[] => {
    const out: KindProblem[] = [...modelProblems(data)];
    if (data.query.length < 2) out.push({ code: "noExtractInput" });
    if (data.parameters.length === 0) out.push({ code: "noParameters" });
    return [...out, ...data.parameters.flatMap((p) => parameterProblem(p, data.parameters) ?? [])];
  },
  Card: ({ data }) => (
    <>
      {data.model.name ? <CardLine icon={Box}>{data.model.name}</CardLine> : null}
      {data.parameters.length > 0 ? <CardLine mono>{data.parameters.map((p) => p.name).join(", ")}</CardLine> : null}
    </>
  ),
  Panel: lazy(() => import("../panels/ExtractorPanel").then((m) => ({ default: m.ExtractorPanel }))),
});
