/** The configuration of a basic app as the editor sees it. Unknown keys stay as they came. */
import { type Attachment, attachmentFrom, fieldRules, isFileValue, mappingOf, type UploadRules } from "../../lib/files";
import { readRules, ruleFields, type ToolRules } from "../../lib/toolRules";

export type FieldType = "text-input" | "paragraph" | "select" | "number" | "checkbox";
export const FIELD_TYPES: readonly FieldType[] = ["text-input", "paragraph", "select", "number", "checkbox"];

/** What a variable may be called. */
export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,29}$/;

export interface FormField {
  readonly type: string;
  readonly variable: string;
  readonly label: string;
  readonly required: boolean;
  readonly maxLength?: number | undefined;
  readonly options: readonly string[];
  readonly start: string;
  /** Everything the file had for it. */
  readonly rest: Readonly<Record<string, unknown>>;
}

export interface ModelChoice {
  readonly provider: string;
  readonly name: string;
  readonly mode: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface Config {
  readonly prompt: string;
  readonly fields: readonly FormField[];
  readonly opening: string;
  readonly questions: readonly string[];
  readonly followUp: boolean;
  /** `sensitive_word_avoidance` as it is stored. */
  readonly moderation: unknown;
  /** Questions may be spoken, answers read aloud. */
  readonly listens: boolean;
  readonly speaks: boolean;
  /** Sources under the answer. */
  readonly citations: boolean;
  /** Another answer to the same form. */
  readonly more: boolean;
  /** `file_upload` as it is stored. */
  readonly files: unknown;
  /** Where the app looks things up. */
  readonly knowledge: Knowledge;
  /** Variables that a service of the workspace fills. */
  readonly tools: readonly ExternalTool[];
  /** Agents only: what the model may call, and how often. */
  readonly agent: Agent | undefined;
  readonly model: ModelChoice | undefined;
  readonly rest: Readonly<Record<string, unknown>>;
}

export interface Knowledge {
  readonly ids: readonly string[];
  /** `dataset_configs` as it is stored, all but the list. */
  readonly rest: Readonly<Record<string, unknown>>;
  /** The field of the form that holds the question: a completion app has no other. */
  readonly question: string;
}

export interface ExternalTool {
  readonly enabled: boolean;
  readonly variable: string;
  readonly label: string;
  readonly extension: string;
  /** Everything the file had for it. */
  readonly rest: Readonly<Record<string, unknown>>;
}

export interface AgentTool {
  readonly enabled: boolean;
  /** `builtin`, `api`, `workflow`, `mcp`, `app`. */
  readonly kind: string;
  readonly provider: string;
  readonly providerName: string;
  readonly name: string;
  readonly label: string;
  /** What is set by hand; the model fills in the rest. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The key of a built-in provider; none is its default one. */
  readonly credential: string | undefined;
  /** What a person is asked before it is called. */
  readonly rules: ToolRules;
  /** Everything the file had for it. */
  readonly rest: Readonly<Record<string, unknown>>;
}

export interface Agent {
  readonly strategy: string;
  readonly rounds: number;
  readonly tools: readonly AgentTool[];
  /** `agent_mode` as it is stored, with tools of older forms. */
  readonly rest: Readonly<Record<string, unknown>>;
  readonly older: readonly unknown[];
}

export const MOST_ROUNDS = 99;

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

const text = (value: unknown): string => (typeof value === "string" ? value : typeof value === "number" ? String(value) : "");
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((v): v is string => typeof v === "string") : []);

function readField(entry: unknown): FormField[] {
  const [pair] = Object.entries(record(entry));
  if (!pair) return [];
  const [type, body] = pair;
  const rest = record(body);
  const variable = text(rest.variable);
  if (!variable) return [];
  return [
    {
      type,
      variable,
      label: text(rest.label) || variable,
      required: rest.required === true,
      maxLength: typeof rest.max_length === "number" ? rest.max_length : undefined,
      options: texts(rest.options),
      start: typeof rest.default === "boolean" ? String(rest.default) : text(rest.default),
      rest,
    },
  ];
}

function readTool(entry: unknown): ExternalTool[] {
  const rest = record(entry);
  const variable = text(rest.variable);
  if (!variable) return [];
  // An entry without a switch is on.
  return [
    { enabled: rest.enabled !== false, variable, label: text(rest.label) || variable, extension: text(record(rest.config).api_based_extension_id), rest },
  ];
}

function writeTool(tool: ExternalTool): Record<string, unknown> {
  return {
    ...tool.rest,
    enabled: tool.enabled,
    type: tool.rest.type ?? "api",
    variable: tool.variable,
    label: tool.label || tool.variable,
    config: { ...record(tool.rest.config), api_based_extension_id: tool.extension },
  };
}

function readAgentTool(rest: Readonly<Record<string, unknown>>): AgentTool {
  return {
    enabled: rest.enabled === true,
    kind: text(rest.provider_type) || "builtin",
    provider: text(rest.provider_id) || text(rest.provider_name),
    providerName: text(rest.provider_name) || text(rest.provider_id),
    name: text(rest.tool_name),
    label: text(rest.tool_label) || text(rest.tool_name),
    parameters: record(rest.tool_parameters),
    credential: text(rest.credential_id) || undefined,
    rules: readRules(rest),
    rest,
  };
}

function readAgent(json: unknown): Agent {
  const rest = record(json);
  const list = Array.isArray(rest.tools) ? rest.tools : [];
  const isTool = (entry: unknown) => text(record(entry).tool_name) !== "";
  return {
    strategy: text(rest.strategy),
    rounds: typeof rest.max_iteration === "number" ? rest.max_iteration : 10,
    tools: list.filter(isTool).map((entry) => readAgentTool(record(entry))),
    rest,
    older: list.filter((entry) => !isTool(entry)),
  };
}

function writeAgent(agent: Agent): Record<string, unknown> {
  return {
    ...agent.rest,
    enabled: true,
    strategy: agent.strategy || "function_call",
    max_iteration: agent.rounds,
    prompt: agent.rest.prompt ?? null,
    tools: [
      ...agent.tools.map((tool) => ({
        ...tool.rest,
        enabled: tool.enabled,
        provider_type: tool.kind,
        provider_id: tool.provider,
        provider_name: tool.providerName,
        tool_name: tool.name,
        tool_label: tool.label,
        tool_parameters: tool.parameters,
        credential_id: tool.credential ?? null,
        ...ruleFields(tool.rules, tool.rest),
      })),
      ...agent.older,
    ],
  };
}

/** The same tool of the same provider. */
export function sameTool(a: Pick<AgentTool, "provider" | "name" | "kind">, b: Pick<AgentTool, "provider" | "name" | "kind">): boolean {
  return (
    a.kind === b.kind &&
    // An app is one tool, and may be called otherwise by now.
    (a.name === b.name || a.kind === "app") &&
    (a.provider === b.provider || (a.kind === "builtin" && a.provider.split("/").at(-1) === b.provider.split("/").at(-1)))
  );
}

function readKnowledge(config: Readonly<Record<string, unknown>>): Knowledge {
  const rest = record(config.dataset_configs);
  const list = record(rest.datasets).datasets;
  const ids = (Array.isArray(list) ? list : []).flatMap((entry) => {
    const dataset = record(record(entry).dataset);
    return dataset.enabled === false || text(dataset.id) === "" ? [] : [text(dataset.id)];
  });
  return { ids: [...new Set(ids)], rest, question: text(config.dataset_query_variable) };
}

function writeKnowledge({ ids, rest, question }: Knowledge): Record<string, unknown> {
  const before = record(rest.datasets).datasets;
  // Those that are switched off are not shown, and stay.
  const off = (Array.isArray(before) ? before : []).filter((entry) => {
    const dataset = record(record(entry).dataset);
    return dataset.enabled === false && !ids.includes(text(dataset.id));
  });
  return {
    dataset_configs: {
      retrieval_model: "multiple",
      ...rest,
      datasets: { ...record(rest.datasets), datasets: [...ids.map((id) => ({ dataset: { enabled: true, id } })), ...off] },
    },
    dataset_query_variable: question,
  };
}

export function readConfig(json: unknown, mode?: string): Config {
  const rest = record(json);
  const model = record(rest.model);
  const name = text(model.name);
  return {
    prompt: text(rest.pre_prompt),
    fields: (Array.isArray(rest.user_input_form) ? rest.user_input_form : []).flatMap(readField),
    opening: text(rest.opening_statement),
    questions: texts(rest.suggested_questions),
    followUp: record(rest.suggested_questions_after_answer).enabled === true,
    moderation: rest.sensitive_word_avoidance,
    listens: record(rest.speech_to_text).enabled === true,
    speaks: record(rest.text_to_speech).enabled === true,
    citations: record(rest.retriever_resource).enabled !== false,
    more: record(rest.more_like_this).enabled === true,
    files: rest.file_upload,
    knowledge: readKnowledge(rest),
    tools: (Array.isArray(rest.external_data_tools) ? rest.external_data_tools : []).flatMap(readTool),
    agent: mode === "agent-chat" ? readAgent(rest.agent_mode) : undefined,
    model: name ? { provider: text(model.provider), name, mode: text(model.mode) || "chat", params: record(model.completion_params) } : undefined,
    rest,
  };
}

function writeField(field: FormField): Record<string, unknown> {
  const named = { variable: field.variable, label: field.label || field.variable, required: field.required };
  // A kind that is not made here, but came with a file, keeps what that said: its start may be more than a text.
  if (!FIELD_TYPES.some((type) => type === field.type)) return { [field.type]: { ...field.rest, ...named } };
  const start =
    field.type === "checkbox" ? field.start === "true" : field.type === "number" ? (field.start === "" ? undefined : Number(field.start)) : field.start;
  const { max_length: _length, options: _options, default: _default, ...rest } = field.rest;
  return {
    [field.type]: {
      ...rest,
      ...named,
      ...(field.maxLength === undefined ? {} : { max_length: field.maxLength }),
      ...(field.type === "select" ? { options: field.options } : {}),
      ...(start === undefined || start === "" ? {} : { default: start }),
    },
  };
}

export function writeConfig(config: Config): Record<string, unknown> {
  return {
    ...config.rest,
    pre_prompt: config.prompt,
    prompt_type: config.rest.prompt_type ?? "simple",
    user_input_form: config.fields.map(writeField),
    opening_statement: config.opening,
    suggested_questions: config.questions.filter((q) => q.trim() !== "").slice(0, 10),
    suggested_questions_after_answer: { ...record(config.rest.suggested_questions_after_answer), enabled: config.followUp },
    // What a file does not say stays unsaid while it is as it would be anyway.
    ...(config.rest.retriever_resource === undefined && config.citations
      ? {}
      : { retriever_resource: { ...record(config.rest.retriever_resource), enabled: config.citations } }),
    ...(config.rest.speech_to_text === undefined && !config.listens
      ? {}
      : { speech_to_text: { ...record(config.rest.speech_to_text), enabled: config.listens } }),
    ...(config.rest.text_to_speech === undefined && !config.speaks
      ? {}
      : { text_to_speech: { ...record(config.rest.text_to_speech), enabled: config.speaks } }),
    ...(config.rest.more_like_this === undefined && !config.more ? {} : { more_like_this: { ...record(config.rest.more_like_this), enabled: config.more } }),
    ...(config.rest.external_data_tools === undefined && config.tools.length === 0 ? {} : { external_data_tools: config.tools.map(writeTool) }),
    ...(config.agent ? { agent_mode: writeAgent(config.agent) } : {}),
    // As with the others: nothing is said where nothing was and nothing is chosen.
    ...(config.rest.dataset_configs === undefined && config.knowledge.ids.length === 0 ? {} : writeKnowledge(config.knowledge)),
    ...(config.files === undefined ? {} : { file_upload: config.files }),
    ...(config.moderation === undefined ? {} : { sensitive_word_avoidance: config.moderation }),
    model: config.model
      ? {
          ...record(config.rest.model),
          provider: config.model.provider,
          name: config.model.name,
          mode: config.model.mode,
          completion_params: config.model.params,
        }
      : config.rest.model,
  };
}

/** The names between double braces, each once, in their order; `#context#` and the like are not of the form. */
export function variablesIn(prompt: string): string[] {
  return [...new Set([...prompt.matchAll(/\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,29})\s*\}\}/g)].map((m) => m[1] ?? ""))];
}

export function unknownVariables(config: Config): string[] {
  const known = new Set([...config.fields, ...config.tools].map((each) => each.variable));
  return variablesIn(config.prompt).filter((name) => !known.has(name));
}

export function newField(variable: string): FormField {
  return { type: "text-input", variable, label: variable, required: true, maxLength: 48, options: [], start: "", rest: {} };
}

export function sameConfig(a: Config, b: Config): boolean {
  return JSON.stringify(writeConfig(a)) === JSON.stringify(writeConfig(b));
}

export type Inputs = Readonly<Record<string, string | readonly Attachment[]>>;

/** What is typed or chosen for a field. */
export function textOf(field: FormField, values: Inputs): string {
  const value = values[field.variable];
  return typeof value === "string" ? value : field.start;
}

/** What a field takes that takes files. */
export function uploadOf({ type, rest }: FormField): UploadRules | undefined {
  return type === "file" || type === "file-list" ? fieldRules(type, rest) : undefined;
}

/** The files of a field: those chosen, or those it begins with. */
export function filesOf(field: FormField, values: Inputs): readonly Attachment[] {
  if (!uploadOf(field)) return [];
  const value = values[field.variable];
  if (typeof value === "object") return value;
  const start = field.rest.default;
  return (Array.isArray(start) ? start : [start]).filter(isFileValue).map(attachmentFrom);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The server says what it wants.
    return json;
  }
}

/** What is sent as `inputs`: numbers as numbers, files as the server names them, empty optional values left out. */
export function wireInputs(fields: readonly FormField[], values: Inputs): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of fields) {
    const value = textOf(field, values);
    if (uploadOf(field)) {
      const files = filesOf(field, values).map(mappingOf);
      if (files.length > 0) out[field.variable] = field.type === "file" ? files[0] : files;
    } else if (field.type === "checkbox") out[field.variable] = value === "true";
    else if (value !== "") out[field.variable] = field.type === "number" ? Number(value) : field.type === "json_object" ? parsed(value) : value;
  }
  return out;
}

export function missingInput(fields: readonly FormField[], values: Inputs): FormField | undefined {
  const isEmpty = (field: FormField) => (uploadOf(field) ? filesOf(field, values).length === 0 : textOf(field, values).trim() === "");
  return fields.find((field) => field.required && field.type !== "checkbox" && isEmpty(field));
}

/** Why the files of the form cannot go yet, as a text of the forms of published apps. */
export function unsentFiles(fields: readonly FormField[], values: Inputs): "form.fileFailed" | "form.fileBusy" | undefined {
  const files = fields.flatMap((field) => filesOf(field, values));
  if (files.some((file) => file.failed !== null)) return "form.fileFailed";
  return files.some((file) => file.progress < 1) ? "form.fileBusy" : undefined;
}

/** The value of a field on one line. */
export function shownInput(field: FormField, values: Inputs): string {
  const names = filesOf(field, values).map((file) => file.name);
  return uploadOf(field) ? names.join(", ") : textOf(field, values);
}

/** The voice that reads the app's answers; empty: the model's first. */
export function voiceOf(config: Config): string {
  const { voice } = record(config.rest.text_to_speech);
  return typeof voice === "string" ? voice : "";
}
