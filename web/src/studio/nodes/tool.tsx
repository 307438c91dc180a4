import { Wrench } from "lucide-react";
import { lazy } from "react";
import { z } from "zod";
import { schemaFields } from "../model/jsonSchema";
import type { OutputVariable } from "../model/variables";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, flag, listOf, text } from "./schema";

const label = z.union([z.string(), z.record(z.string(), z.string().catch(""))]).nullish().catch(undefined);

export const parameterSchema = z.looseObject({
  name: text,
  label,
  human_description: label,
  placeholder: label,
  type: z.string().catch("string"),
  form: z.string().nullish().catch("llm").transform((v) => v ?? "llm"),
  required: flag,
  default: z.unknown().optional(),
  min: z.number().nullish().catch(undefined),
  max: z.number().nullish().catch(undefined),
  options: listOf(z.looseObject({ value: z.union([z.string(), z.number(), z.boolean()]).transform(String), label })),
});
export type ToolParameter = z.infer<typeof parameterSchema>;

const valuesSchema = z.record(z.string(), z.unknown()).nullish().catch({}).transform((v) => v ?? {});
export type ToolValues = z.infer<typeof valuesSchema>;

const schema = z.looseObject({
  ...baseShape,
  provider_id: text,
  provider_name: text,
  provider_type: text,
  tool_name: text,
  tool_label: text,
  tool_description: text,
  paramSchemas: listOf(parameterSchema),
  tool_parameters: valuesSchema,
  tool_configurations: valuesSchema,
  credential_id: z.string().nullish().catch(null),
  is_team_authorization: z.boolean().nullish().catch(undefined),
  output_schema: z.unknown().optional(),
});
export type ToolData = z.infer<typeof schema>;

export type InputForm = "mixed" | "variable" | "constant";
export interface ToolInput {
  readonly type: InputForm;
  readonly value: unknown;
}

/** A stored input; old files hold bare values. */
export function inputOf(values: ToolValues, name: string): ToolInput | undefined {
  const stored = values[name];
  if (stored === undefined || stored === null) return undefined;
  if (typeof stored === "object" && !Array.isArray(stored)) {
    const type: unknown = Reflect.get(stored, "type");
    if (type === "mixed" || type === "variable" || type === "constant") return { type, value: Reflect.get(stored, "value") };
  }
  return { type: "constant", value: stored };
}

export function hasInput(input: ToolInput | undefined): boolean {
  if (!input) return false;
  if (Array.isArray(input.value)) return input.value.length > 0;
  return input.value !== undefined && input.value !== null && input.value !== "";
}

/** These give chunks, also where a file does not say so. */
const CHUNKER = /^(general|parentchild|qa)_chunker$/;

function outputs(data: ToolData): OutputVariable[] {
  const known = schemaFields(data.output_schema);
  const chunks = CHUNKER.test(data.tool_name) && !known.some((o) => o.name === "result");
  const own: OutputVariable[] = chunks ? [...known, { name: "result", type: "object" }] : known;
  const base: OutputVariable[] = [
    { name: "text", type: "string" },
    { name: "files", type: "array[file]" },
    { name: "json", type: "array[object]" },
  ];
  return [...base, ...own.filter((o) => !base.some((b) => b.name === o.name))];
}

export const tool = defineKind<ToolData>({
  type: "tool",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  failable: true,
  retryable: true,
  runnable: true,
  schema,
  defaults: () => ({ provider_id: "", provider_name: "", provider_type: "builtin", tool_name: "", tool_label: "", tool_parameters: {}, tool_configurations: {}, tool_node_version: "2" }),
  outputs,
  check: (data): KindProblem[] => {
    if (!data.tool_name) return [{ code: "noTool" }];
    return data.paramSchemas.flatMap((p) => {
      const values = p.form === "form" ? data.tool_configurations : data.tool_parameters;
      const missing = p.required && (p.default === undefined || p.default === null) && !hasInput(inputOf(values, p.name));
      return missing ? [{ code: "noToolInput", values: { name: p.name } }] : [];
    });
  },
  Card: ({ data }) => (data.tool_name ? <CardLine icon={Wrench}>{data.tool_label || data.tool_name}</CardLine> : null),
  Panel: lazy(() => import("../panels/ToolPanel").then((m) => ({ default: m.ToolPanel }))),
});
