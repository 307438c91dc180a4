/** The inputs an app really asks for, from its published graph or its configuration. */

export interface AppInput {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly required: boolean;
  readonly options: readonly string[];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

function input(type: string, body: Readonly<Record<string, unknown>>): AppInput[] {
  const name = text(body.variable);
  return name
    ? [
        {
          name,
          type,
          label: text(body.label) || name,
          required: body.required === true,
          options: list(body.options).filter((o): o is string => typeof o === "string"),
        },
      ]
    : [];
}

/** `user_input_form` of a basic app: one object per field, its key is the type. */
export function inputsOfForm(config: unknown): AppInput[] {
  return list(record(config).user_input_form).flatMap((entry) => Object.entries(record(entry)).flatMap(([type, body]) => input(type, record(body))));
}

/** The variables of the start node. */
export function inputsOfGraph(graph: unknown): AppInput[] {
  const start = list(record(graph).nodes)
    .map((node) => record(record(node).data))
    .find((data) => data.type === "start");
  return list(start?.variables).flatMap((entry) => input(text(record(entry).type), record(entry)));
}

const FILE = { type: "image", transfer_method: "remote_url", url: "https://example.com/photo.png" };

export function exampleOf({ type, options, label }: AppInput): unknown {
  if (type === "number") return 42;
  if (type === "checkbox") return true;
  if (type === "select") return options[0] ?? "";
  if (type === "file") return FILE;
  if (type === "file-list") return [FILE];
  if (type === "json_object") return {};
  return label;
}

export function isFileInput({ type }: AppInput): boolean {
  return type === "file" || type === "file-list";
}

/** What was typed for an input, as it goes into the body; undefined when it cannot be read. */
export function readInput(input: AppInput, typed: string): unknown {
  if (input.type === "number") return typed.trim() !== "" && Number.isFinite(Number(typed)) ? Number(typed) : undefined;
  if (input.type !== "json_object" && !isFileInput(input)) return typed;
  try {
    const value: unknown = JSON.parse(typed);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

export function exampleInputs(inputs: readonly AppInput[]): Record<string, unknown> {
  return Object.fromEntries(inputs.map((each) => [each.name, exampleOf(each)]));
}
