/** The app's own form: its fields, what is wrong with the values, and the `inputs` that are sent. */
import { type Attachment, attachmentFrom, fieldRules, isFileValue, mappingFrom, mappingOf, type Problem, type UploadRules } from "../lib/files";
import { flag, isRecord, type Json, list, number, record, text, texts } from "../lib/read";

export type FieldType = "text-input" | "paragraph" | "select" | "number" | "checkbox" | "file" | "file-list" | "json_object";

export interface Field {
  readonly type: FieldType;
  readonly variable: string;
  readonly label: string;
  readonly required: boolean;
  readonly hidden: boolean;
  readonly most: number | null;
  readonly options: readonly string[];
  readonly preset: unknown;
  readonly placeholder: string;
  readonly unit: string;
  readonly upload: UploadRules | null;
}

export type Value = string | boolean | readonly Attachment[];
export type FormValues = Readonly<Record<string, Value>>;
export type Problems = Readonly<Record<string, Problem>>;

const TYPES: readonly FieldType[] = ["text-input", "paragraph", "select", "number", "checkbox", "file", "file-list", "json_object"];

function fieldFrom(item: unknown): Field | null {
  const [entry] = Object.entries(record(item));
  if (!entry) return null;
  const control = record(entry[1]);
  const wanted = text(control.type) || entry[0];
  const type = TYPES.find((known) => known === wanted) ?? TYPES.find((known) => known === entry[0]);
  const variable = text(control.variable);
  if (!type || !variable) return null;
  const upload = type === "file" || type === "file-list" ? fieldRules(type, control) : null;
  const most = number(control.max_length);
  return {
    type,
    variable,
    label: text(control.label) || variable,
    required: flag(control.required),
    hidden: flag(control.hide),
    most: most > 0 && !upload ? most : null,
    options: texts(control.options),
    preset: control.default,
    placeholder: text(control.placeholder),
    unit: text(control.unit),
    upload,
  };
}

export function fieldsFrom(items: readonly unknown[]): Field[] {
  return items.map(fieldFrom).filter((field) => field !== null);
}

const truthy = (value: unknown): boolean => value === true || (typeof value === "string" && /^(true|1|yes|on)$/i.test(value)) || value === 1;

function startValue(field: Field, given: unknown): Value {
  const value = given ?? field.preset;
  if (field.type === "checkbox") return truthy(value);
  if (field.type === "file" || field.type === "file-list") return (Array.isArray(value) ? value : [value]).filter(isFileValue).map(attachmentFrom);
  if (field.type === "json_object" && isRecord(value)) return JSON.stringify(value, null, 2);
  const asText = typeof value === "string" || typeof value === "number" ? String(value) : "";
  if (field.type === "select") return field.options.includes(asText) ? asText : "";
  return asText;
}

/** Start values: what the address or a stored conversation gives, else the field's own. */
export function startValues(fields: readonly Field[], given: Json = {}): FormValues {
  return Object.fromEntries(fields.map((field) => [field.variable, startValue(field, given[field.variable])]));
}

function problemOfText(field: Field, value: string): Problem | null {
  const blank = value.trim() === "";
  if (blank) return field.required ? { key: field.type === "select" ? "form.choose" : "form.required" } : null;
  if (field.type === "number") return Number.isFinite(Number(value)) ? null : { key: "form.number" };
  if (field.type === "select") return field.options.includes(value) ? null : { key: "form.choose" };
  if (field.type === "json_object") {
    try {
      return isRecord(JSON.parse(value)) ? null : { key: "form.object" };
    } catch {
      return { key: "form.object" };
    }
  }
  const length = [...value].length;
  return field.most !== null && length > field.most ? { key: "form.tooLong", values: { count: field.most, over: length - field.most } } : null;
}

export function problemOfField(field: Field, value: Value | undefined): Problem | null {
  if (typeof value === "boolean") return null;
  if (typeof value === "string" || value === undefined) {
    const isFile = field.type === "file" || field.type === "file-list";
    return isFile ? (field.required ? { key: "form.file" } : null) : problemOfText(field, value ?? "");
  }
  if (value.some((file) => file.failed !== null)) return { key: "form.fileFailed" };
  if (value.some((file) => file.progress < 1)) return { key: "form.fileBusy" };
  if (value.length === 0) return field.required ? { key: "form.file" } : null;
  return field.upload && value.length > field.upload.most ? { key: "files.tooMany", values: { count: field.upload.most } } : null;
}

export function problemsOf(fields: readonly Field[], values: FormValues): Problems {
  const found: Record<string, Problem> = {};
  for (const field of fields) {
    const problem = problemOfField(field, values[field.variable]);
    // A hidden field cannot be put right here; the server says what it misses.
    if (problem && !field.hidden) found[field.variable] = problem;
  }
  return found;
}

function sent(field: Field, value: Value | undefined): unknown {
  if (typeof value === "boolean") return value;
  if (typeof value === "object") {
    const mappings = value.map(mappingOf);
    return field.type === "file" ? mappings[0] : mappings;
  }
  const given = value ?? "";
  if (given.trim() === "") return field.type === "text-input" || field.type === "paragraph" ? given : undefined;
  if (field.type === "number") return Number(given);
  return field.type === "json_object" ? JSON.parse(given) : given;
}

/** The `inputs` of a request: fields left empty stay out, so the server's own default holds. */
export function inputsOf(fields: readonly Field[], values: FormValues): Json {
  const inputs: Record<string, unknown> = {};
  for (const field of fields) {
    const value = sent(field, values[field.variable]);
    if (value !== undefined) inputs[field.variable] = value;
  }
  return inputs;
}

/** Stored inputs as they may be sent again: files by their names for requests. */
export function inputsAgain(stored: Json): Json {
  const again = (value: unknown): unknown => {
    if (isFileValue(value)) return mappingFrom(value);
    return Array.isArray(value) && value.every(isFileValue) && value.length > 0 ? list(value).filter(isFileValue).map(mappingFrom) : value;
  };
  return Object.fromEntries(Object.entries(stored).map(([key, value]) => [key, again(value)]));
}

/** The values in one line each, for the folded form of a running conversation. */
export function shownInputs(fields: readonly Field[], inputs: Json): { label: string; value: string }[] {
  return fields
    .filter((field) => !field.hidden)
    .map((field) => {
      const value = inputs[field.variable];
      if (isFileValue(value)) return { label: field.label, value: attachmentFrom(value).name };
      if (Array.isArray(value))
        return {
          label: field.label,
          value: value
            .filter(isRecord)
            .map((file) => attachmentFrom(file).name)
            .join(", "),
        };
      return { label: field.label, value: isRecord(value) ? JSON.stringify(value) : String(value ?? "") };
    })
    .filter((row) => row.value !== "");
}
