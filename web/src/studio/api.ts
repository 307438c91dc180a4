/** The routes the studio uses, with what it reads of their answers. */
import { z } from "zod";
import { RequestError, transport } from "./transport";

const person = z.looseObject({ id: z.string().nullish(), name: z.string().nullish() }).nullish().catch(null);

const draftAnswer = z.looseObject({
  hash: z.string().nullish(),
  updated_at: z.number().nullish().catch(null),
  updated_by: person,
});

export interface Draft {
  readonly json: unknown;
  readonly hash: string | undefined;
  readonly updatedAt: number | undefined;
  readonly updatedBy: string;
}

const app = (id: string, rest: string) => `/apps/${encodeURIComponent(id)}${rest}`;

export async function getDraft(appId: string): Promise<Draft> {
  const json = await transport().json("GET", app(appId, "/workflows/draft"));
  const read = draftAnswer.parse(json);
  return { json, hash: read.hash ?? undefined, updatedAt: read.updated_at ?? undefined, updatedBy: read.updated_by?.name ?? "" };
}

const savedAnswer = z.looseObject({ hash: z.string(), updated_at: z.union([z.number(), z.string()]).nullish() });

export async function saveDraft(appId: string, body: unknown): Promise<{ hash: string }> {
  return savedAnswer.parse(await transport().json("POST", app(appId, "/workflows/draft"), body));
}

const versionSchema = z.looseObject({
  id: z.string(),
  version: z.string(),
  marked_name: z.string().nullish(),
  marked_comment: z.string().nullish(),
  created_at: z.number().nullish(),
  updated_at: z.number().nullish(),
  hash: z.string().nullish(),
  created_by: person,
});
export type Version = z.infer<typeof versionSchema>;

export async function getPublished(appId: string): Promise<Version | undefined> {
  const read = versionSchema.safeParse(await transport().json("GET", app(appId, "/workflows/publish")));
  return read.success ? read.data : undefined;
}

export async function publish(appId: string, name: string, comment: string): Promise<void> {
  await transport().json("POST", app(appId, "/workflows/publish"), { marked_name: name, marked_comment: comment });
}

const versionsAnswer = z.looseObject({ items: z.array(versionSchema).catch([]), has_more: z.boolean().catch(false) });

export async function listVersions(appId: string, page: number): Promise<{ items: Version[]; has_more: boolean }> {
  return versionsAnswer.parse(await transport().json("GET", app(appId, `/workflows?page=${page}&limit=20`)));
}

export async function nameVersion(appId: string, id: string, name: string, comment: string): Promise<void> {
  await transport().json("PATCH", app(appId, `/workflows/${id}`), { marked_name: name, marked_comment: comment });
}

export async function deleteVersion(appId: string, id: string): Promise<void> {
  await transport().json("DELETE", app(appId, `/workflows/${id}`));
}

export type Mode = "workflow" | "advanced-chat";

function runPath(appId: string, mode: Mode): string {
  return mode === "workflow" ? app(appId, "/workflows/draft/run") : app(appId, "/advanced-chat/workflows/draft/run");
}

export function runDraft(appId: string, mode: Mode, body: unknown, onEvent: (event: unknown) => void, signal: AbortSignal): Promise<void> {
  return transport().stream(runPath(appId, mode), body, onEvent, signal);
}

export async function stopTask(appId: string, taskId: string): Promise<void> {
  await transport().json("POST", app(appId, `/workflow-runs/tasks/${encodeURIComponent(taskId)}/stop`), {});
}

export function runOneNode(appId: string, node: string, body: unknown): Promise<unknown> {
  return transport().json("POST", app(appId, `/workflows/draft/nodes/${encodeURIComponent(node)}/run`), body);
}

export function lastRun(appId: string, node: string): Promise<unknown> {
  return transport().json("GET", app(appId, `/workflows/draft/nodes/${encodeURIComponent(node)}/last-run`));
}

const runRow = z.looseObject({
  id: z.string(),
  status: z.string().catch("failed"),
  elapsed_time: z.number().nullish(),
  total_tokens: z.number().nullish(),
  total_steps: z.number().nullish(),
  created_at: z.number().nullish(),
  created_by_account: person,
});
export type RunRow = z.infer<typeof runRow>;

const runsAnswer = z.looseObject({ data: z.array(runRow).catch([]), has_more: z.boolean().catch(false) });

export async function listRuns(appId: string, mode: Mode, lastId?: string, limit = 20): Promise<{ data: RunRow[]; has_more: boolean }> {
  const base = mode === "workflow" ? "/workflow-runs" : "/advanced-chat/workflow-runs";
  const after = lastId ? `&last_id=${encodeURIComponent(lastId)}` : "";
  return runsAnswer.parse(await transport().json("GET", app(appId, `${base}?limit=${limit}${after}`)));
}

export function getRun(appId: string, id: string): Promise<unknown> {
  return transport().json("GET", app(appId, `/workflow-runs/${id}`));
}

const executionsAnswer = z.looseObject({ data: z.array(z.unknown()).catch([]) });

export async function getExecutions(appId: string, id: string): Promise<unknown[]> {
  return executionsAnswer.parse(await transport().json("GET", app(appId, `/workflow-runs/${id}/node-executions`))).data;
}

const label = z.union([z.string(), z.record(z.string(), z.string())]).nullish();
export type Label = z.infer<typeof label>;

const modelSchema = z.looseObject({
  model: z.string(),
  label,
  status: z.string().catch("active"),
  features: z.array(z.string()).nullish().catch([]).transform((f) => f ?? []),
  model_properties: z.looseObject({ mode: z.string().nullish(), context_size: z.number().nullish() }).nullish().catch(null),
});
const providerSchema = z.looseObject({ provider: z.string(), label, models: z.array(modelSchema).catch([]) });
export type ModelProvider = z.infer<typeof providerSchema>;
export type Model = z.infer<typeof modelSchema>;

const providersAnswer = z.looseObject({ data: z.array(providerSchema).catch([]) });

export async function listModels(type: "llm" | "rerank" = "llm"): Promise<ModelProvider[]> {
  return providersAnswer.parse(await transport().json("GET", `/workspaces/current/models/model-types/${type}`)).data;
}

const defaultAnswer = z.looseObject({
  data: z.looseObject({ model: z.string(), provider: z.looseObject({ provider: z.string() }) }).nullish().catch(null),
});

export async function defaultModel(): Promise<{ provider: string; model: string } | undefined> {
  const { data } = defaultAnswer.parse(await transport().json("GET", "/workspaces/current/default-model?model_type=llm"));
  return data ? { provider: data.provider.provider, model: data.model } : undefined;
}

const ruleSchema = z.looseObject({
  name: z.string(),
  label,
  help: label,
  type: z.string(),
  required: z.boolean().nullish(),
  default: z.unknown().optional(),
  min: z.number().nullish(),
  max: z.number().nullish(),
  precision: z.number().nullish(),
  options: z.array(z.string()).nullish().catch([]).transform((o) => o ?? []),
});
export type ParameterRule = z.infer<typeof ruleSchema>;
const rulesAnswer = z.looseObject({ data: z.array(ruleSchema).catch([]) });

export async function parameterRules(provider: string, model: string): Promise<ParameterRule[]> {
  const path = `/workspaces/current/model-providers/${provider}/models/parameter-rules?model=${encodeURIComponent(model)}`;
  return rulesAnswer.parse(await transport().json("GET", path)).data;
}

const draftVariable = z.looseObject({
  id: z.string(),
  name: z.string(),
  selector: z.array(z.string()).catch([]),
  value_type: z.string().catch("string"),
  value: z.unknown().optional(),
  edited: z.boolean().catch(false),
});
export type DraftVariable = z.infer<typeof draftVariable>;
const variablesAnswer = z.looseObject({ items: z.array(draftVariable).catch([]) });

export async function nodeVariables(appId: string, node: string): Promise<DraftVariable[]> {
  return variablesAnswer.parse(await transport().json("GET", app(appId, `/workflows/draft/nodes/${encodeURIComponent(node)}/variables`))).items;
}

export async function conversationVariables(appId: string): Promise<DraftVariable[]> {
  return variablesAnswer.parse(await transport().json("GET", app(appId, "/workflows/draft/conversation-variables"))).items;
}

const uploadAnswer = z.looseObject({ id: z.string(), name: z.string().nullish(), mime_type: z.string().nullish(), extension: z.string().nullish() });
export type Uploaded = z.infer<typeof uploadAnswer>;

export async function uploadFile(file: File): Promise<Uploaded> {
  const form = new FormData();
  form.set("file", file);
  return uploadAnswer.parse(await transport().json("POST", "/files/upload", form));
}

/** A route that this server may not have gives an empty list instead of an error. */
async function orNone<T>(work: Promise<T[]>): Promise<T[]> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) return [];
    throw error;
  }
}

const datasetSchema = z.looseObject({
  id: z.string(),
  name: z.string().catch(""),
  description: z.string().nullish(),
  indexing_technique: z.string().nullish(),
  document_count: z.number().nullish(),
});
export type Dataset = z.infer<typeof datasetSchema>;
const datasetsAnswer = z.looseObject({ data: z.array(datasetSchema).catch([]) });

export function listDatasets(): Promise<Dataset[]> {
  return orNone(transport().json("GET", "/datasets?page=1&limit=100").then((json) => datasetsAnswer.parse(json).data));
}

const toolSchema = z.looseObject({
  name: z.string(),
  label,
  description: label,
  parameters: z.array(z.looseObject({ name: z.string() })).nullish().catch([]).transform((p) => p ?? []),
  output_schema: z.unknown().optional(),
});
const toolProviderSchema = z.looseObject({
  id: z.string(),
  name: z.string().catch(""),
  type: z.string().catch("builtin"),
  label,
  is_team_authorization: z.boolean().nullish(),
  plugin_unique_identifier: z.string().nullish(),
  tools: z.array(toolSchema).nullish().catch([]).transform((t) => t ?? []),
});
export type Tool = z.infer<typeof toolSchema>;
export type ToolProvider = z.infer<typeof toolProviderSchema>;
const toolProvidersAnswer = z.array(toolProviderSchema).catch([]);

/** Every tool of the workspace, whatever it comes from. */
export async function listTools(): Promise<ToolProvider[]> {
  const kinds = ["builtin", "api", "workflow", "mcp"];
  const lists = await Promise.all(kinds.map((kind) => orNone(transport().json("GET", `/workspaces/current/tools/${kind}`).then((json) => toolProvidersAnswer.parse(json)))));
  return lists.flat().filter((p) => p.tools.length > 0);
}

const memberSchema = z.looseObject({ id: z.string(), name: z.string().catch(""), email: z.string().catch("") });
export type Member = z.infer<typeof memberSchema>;
const membersAnswer = z.looseObject({ accounts: z.array(memberSchema).catch([]) });

export function listMembers(): Promise<Member[]> {
  return orNone(transport().json("GET", "/workspaces/current/members").then((json) => membersAnswer.parse(json).accounts));
}

const webhookAnswer = z.looseObject({ webhook_url: z.string(), webhook_debug_url: z.string() });
export type WebhookAddress = z.infer<typeof webhookAnswer>;

/** The addresses of a webhook; there are none before the draft with it is saved. */
export async function webhookAddress(appId: string, node: string): Promise<WebhookAddress> {
  return webhookAnswer.parse(await transport().json("GET", app(appId, `/workflows/triggers/webhook?node_id=${encodeURIComponent(node)}`)));
}

const formSource = z.looseObject({ type: z.string().catch("constant"), value: z.unknown().optional() }).nullish().catch(null);
const strings = z.array(z.string()).nullish().catch([]).transform((v) => v ?? []);
const humanForm = z.looseObject({
  form_id: z.string().nullish(),
  node_id: z.string().catch(""),
  node_title: z.string().catch(""),
  form_content: z.string().catch(""),
  inputs: z
    .array(
      z.looseObject({
        type: z.string(),
        output_variable_name: z.string(),
        default: formSource,
        option_source: formSource,
        allowed_file_types: strings,
        allowed_file_extensions: strings,
        allowed_file_upload_methods: strings,
      }),
    )
    .catch([]),
  actions: z.array(z.looseObject({ id: z.string(), title: z.string(), button_style: z.string().catch("default") })).catch([]),
  form_token: z.string().nullish(),
  resolved_default_values: z.record(z.string(), z.unknown()).nullish().catch({}).transform((v) => v ?? {}),
  expiration_time: z.number().nullish(),
});
/** A form that waits for a person, or its preview. */
export type HumanForm = z.infer<typeof humanForm>;

export function readForm(json: unknown): HumanForm | undefined {
  return humanForm.safeParse(json).data;
}

export async function previewForm(appId: string, mode: Mode, node: string, inputs: Readonly<Record<string, unknown>>): Promise<HumanForm> {
  const base = mode === "workflow" ? "" : "/advanced-chat";
  return humanForm.parse(await transport().json("POST", app(appId, `${base}/workflows/draft/human-input/nodes/${encodeURIComponent(node)}/form/preview`), { inputs }));
}

export async function submitForm(token: string, inputs: Readonly<Record<string, unknown>>, action: string): Promise<void> {
  await transport().json("POST", `/form/human_input/${encodeURIComponent(token)}`, { inputs, action });
}

const scheduleAnswer = z.looseObject({ cron_expression: z.string().catch(""), timezone: z.string().catch(""), next_runs: z.array(z.number()).catch([]) });

export async function previewSchedule(appId: string, config: unknown): Promise<z.infer<typeof scheduleAnswer>> {
  return scheduleAnswer.parse(await transport().json("POST", app(appId, "/workflows/draft/trigger/schedule/preview"), { config, count: 5 }));
}

/** A text that may come per language. */
export function inLanguage(text: Label, language: string): string {
  if (typeof text === "string") return text;
  if (!text) return "";
  const key = language.toLowerCase().startsWith("zh") ? "zh_Hans" : "en_US";
  return text[key] ?? text.en_US ?? Object.values(text)[0] ?? "";
}
