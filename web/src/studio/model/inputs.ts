/** The input fields of a knowledge pipeline: asked of the person who adds documents; for every data source or for one. */
import { z } from "zod";
import type { StudioDocument } from "./document";
import type { Selector } from "./references";
import type { OutputVariable } from "./variables";

/** What stands in front of these variables: `["rag", owner, name]`. */
export const RAG = "rag";
/** The owner of fields that every data source asks for. */
export const SHARED = "shared";

export const INPUT_TYPES = ["text-input", "paragraph", "select", "number", "checkbox", "file", "file-list"];

const text = z.string().nullish().catch("").transform((v) => v ?? "");
const strings = z.array(z.string()).nullish().catch([]).transform((v) => v ?? []);

export const inputFieldSchema = z.looseObject({
  belong_to_node_id: z.string().nullish().catch(SHARED).transform((v) => v || SHARED),
  type: z.string().catch("text-input"),
  label: text,
  variable: text,
  max_length: z.number().nullish().catch(undefined),
  default_value: z.unknown().optional(),
  placeholder: text,
  unit: text,
  tooltips: text,
  required: z.boolean().nullish().catch(false).transform((v) => v ?? false),
  options: strings,
  allowed_file_types: strings,
  allowed_file_extensions: strings,
  allowed_file_upload_methods: strings,
});
export type InputField = z.infer<typeof inputFieldSchema>;

/** What cannot be read is left out. */
export const inputFieldsSchema = z
  .array(z.unknown())
  .nullish()
  .catch([])
  .transform((list) => (list ?? []).flatMap((item) => inputFieldSchema.safeParse(item).data ?? []));

const TYPES: Readonly<Record<string, string>> = { number: "number", checkbox: "boolean", file: "file", "file-list": "array[file]" };

export function inputVariable(field: InputField): OutputVariable {
  return { name: field.variable, type: TYPES[field.type] ?? "string" };
}

export function newInputField(owner: string, variable: string): InputField {
  return {
    belong_to_node_id: owner,
    type: "text-input",
    label: "",
    variable,
    max_length: 48,
    default_value: undefined,
    placeholder: "",
    unit: "",
    tooltips: "",
    required: true,
    options: [],
    allowed_file_types: ["image", "document"],
    allowed_file_extensions: [],
    allowed_file_upload_methods: ["local_file", "remote_url"],
  };
}

export interface InputGroup {
  /** `shared`, or the id of a data source. */
  readonly owner: string;
  readonly fields: readonly InputField[];
}

/** The groups as the editor shows them: each data source in turn, what belongs to no node that is there, the shared ones. */
export function inputGroups(document: StudioDocument, isSource: (type: string) => boolean): InputGroup[] {
  const sources = [...document.nodes.values()].filter((n) => isSource(n.data.type)).map((n) => n.id);
  const of = (owner: string) => document.inputs.filter((f) => f.belong_to_node_id === owner);
  const lost = [...new Set(document.inputs.map((f) => f.belong_to_node_id))].filter((owner) => owner !== SHARED && !sources.includes(owner));
  return [...sources, ...lost, SHARED].map((owner) => ({ owner, fields: of(owner) }));
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,29}$/;

/** Values of a run come under their names alone: a shared name may not be one of a data source too. */
function clashes(field: InputField, other: InputField): boolean {
  if (field.variable !== other.variable) return false;
  return field.belong_to_node_id === other.belong_to_node_id || field.belong_to_node_id === SHARED || other.belong_to_node_id === SHARED;
}

/** What stops a field from being usable. */
export function inputProblem(field: InputField, others: readonly InputField[]): { code: string; values: Record<string, string> } | undefined {
  const values = { name: field.variable };
  if (!NAME.test(field.variable)) return { code: "badName", values };
  if (others.some((other) => other !== field && clashes(field, other))) return { code: "sameName", values };
  if (field.type === "select" && field.options.filter(Boolean).length === 0) return { code: "noOptions", values };
  return undefined;
}

/** The list with one field put in the place of another, or at the end. */
export function withField(fields: readonly InputField[], before: InputField | undefined, after: InputField): InputField[] {
  return before ? fields.map((f) => (f === before ? after : f)) : [...fields, after];
}

/** Moves a field within its own group. */
export function movedField(fields: readonly InputField[], field: InputField, by: -1 | 1): InputField[] {
  const own = fields.filter((f) => f.belong_to_node_id === field.belong_to_node_id);
  const other = own[own.indexOf(field) + by];
  if (!other) return [...fields];
  return fields.map((f) => (f === field ? other : f === other ? field : f));
}

/** How templates and references begin for the fields of an owner. */
export function inputScope(owner: string): string {
  return `${RAG}.${owner}`;
}

export function inputSelector(field: InputField): Selector {
  return [RAG, field.belong_to_node_id, field.variable];
}
