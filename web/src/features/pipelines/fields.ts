/** The form of a pipeline's input fields: first values, what is wrong, what is sent. Pure. */
import type { PipelineField } from "../../data/pipelines";

export type Values = Readonly<Record<string, unknown>>;

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** What a field holds before anybody types. */
export function firstValue(field: PipelineField): unknown {
  const { default_value: given } = field;
  if (field.type === "checkbox") return given === true || given === "true";
  if (isEmpty(given)) return undefined;
  if (field.type !== "number") return given;
  const value = Number(given);
  return Number.isFinite(value) ? value : undefined;
}

/** What was typed, else what was given before, else what the field starts with. */
export function currentValue(field: PipelineField, values: Values): unknown {
  return field.variable in values ? values[field.variable] : firstValue(field);
}

export interface FieldProblem {
  readonly code: "required" | "tooLong" | "tooMany" | "notOffered";
  readonly count?: number;
}

export function problemOf(field: PipelineField, value: unknown): FieldProblem | undefined {
  if (isEmpty(value)) return field.required && field.type !== "checkbox" ? { code: "required" } : undefined;
  const most = field.max_length ?? 0;
  if (typeof value === "string" && most > 0 && (field.type === "text-input" || field.type === "paragraph") && value.length > most) {
    return { code: "tooLong", count: most };
  }
  if (Array.isArray(value) && most > 0 && value.length > most) return { code: "tooMany", count: most };
  if (field.type === "select" && !(field.options ?? []).some((option) => option === value)) return { code: "notOffered" };
  return undefined;
}

export function isReady(fields: readonly PipelineField[], values: Values): boolean {
  return fields.every((field) => problemOf(field, currentValue(field, values)) === undefined);
}

/** The values as a run takes them; optional fields that are empty are left out. */
export function inputsOf(fields: readonly PipelineField[], values: Values): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of fields) {
    const value = currentValue(field, values);
    if (!isEmpty(value)) out[field.variable] = value;
  }
  return out;
}

/** A file as inputs name it. */
export function fileValue(file: { readonly id: string; readonly name: string; readonly mime_type?: string | null }): Record<string, string> {
  const main = (file.mime_type ?? "").split("/")[0] ?? "";
  const type = ["image", "audio", "video"].includes(main) ? main : "document";
  return { type, transfer_method: "local_file", upload_file_id: file.id, name: file.name };
}
