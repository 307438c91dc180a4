import { lazy } from "react";
import { z } from "zod";
import type { OutputVariable } from "../model/variables";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, flag, NAME, text } from "./schema";
import { typeIcon } from "./typeIcon";

export const FIELD_TYPES = ["text-input", "paragraph", "select", "number", "checkbox", "file", "file-list", "json_object"];

const strings = z.array(z.string()).nullish().catch([]).transform((v) => v ?? []);

export const fieldSchema = z.looseObject({
  variable: text,
  label: text,
  type: z.string().catch("text-input"),
  required: flag,
  hide: flag,
  default: z.unknown().optional(),
  max_length: z.number().nullish().catch(undefined),
  options: strings,
  allowed_file_types: strings,
  allowed_file_extensions: strings,
  allowed_file_upload_methods: strings,
  json_schema: z.unknown().optional(),
});
export type StartField = z.infer<typeof fieldSchema>;

const schema = z.looseObject({
  ...baseShape,
  variables: z.array(fieldSchema).nullish().catch([]).transform((v) => v ?? []),
});
export type StartData = z.infer<typeof schema>;

const TYPES: Readonly<Record<string, string>> = {
  number: "number",
  checkbox: "boolean",
  file: "file",
  "file-list": "array[file]",
  json_object: "object",
};

export function fieldOutput(field: StartField): OutputVariable {
  return { name: field.variable, type: TYPES[field.type] ?? "string" };
}

/** What stops a field from being usable; the editor of a field shows the same. */
export function fieldProblem(field: StartField, others: readonly StartField[]): KindProblem | undefined {
  if (!NAME.test(field.variable)) return { code: "badName", values: { name: field.variable } };
  if (others.some((o) => o !== field && o.variable === field.variable)) return { code: "sameName", values: { name: field.variable } };
  if (field.type === "select" && field.options.length === 0) return { code: "noOptions", values: { name: field.variable } };
  return undefined;
}

const SHOWN = 3;

export const start = defineKind<StartData>({
  type: "start",
  modes: ["workflow", "advanced-chat"],
  hasInput: false,
  starts: true,
  unique: true,
  schema,
  defaults: () => ({ variables: [] }),
  outputs: (data) => data.variables.filter((v) => v.variable).map(fieldOutput),
  check: (data) => data.variables.flatMap((field) => fieldProblem(field, data.variables) ?? []),
  Card: ({ data }) => (
    <>
      {data.variables.slice(0, SHOWN).map((field, i) => {
        const rest = data.variables.length - SHOWN;
        const more = i === SHOWN - 1 && rest > 0 ? `+${rest}` : undefined;
        return (
          <CardLine key={field.variable || i} icon={typeIcon(field.type)} mono right={more}>
            {field.variable}
          </CardLine>
        );
      })}
    </>
  ),
  Panel: lazy(() => import("../panels/StartPanel").then((m) => ({ default: m.StartPanel }))),
});
