/** The routes the studio uses, with what it reads of their answers. */
import { z } from "zod";
import { type HumanForm, humanFormSchema } from "./model/form";
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

/** The path of what owns a workflow: an app or a knowledge pipeline. */
export type Owner = "" | `/${string}`;

export const appOwner = (id: string): Owner => `/apps/${encodeURIComponent(id)}`;
export const pipelineOwner = (id: string): Owner => `/rag/pipelines/${encodeURIComponent(id)}`;
export const pipelineIdOf = (owner: Owner): string => decodeURIComponent(owner.slice(owner.lastIndexOf("/") + 1));

export async function getDraft(owner: Owner): Promise<Draft> {
  const json = await transport().json("GET", `${owner}/workflows/draft`);
  const read = draftAnswer.parse(json);
  return { json, hash: read.hash ?? undefined, updatedAt: read.updated_at ?? undefined, updatedBy: read.updated_by?.name ?? "" };
}

const savedAnswer = z.looseObject({ hash: z.string(), updated_at: z.union([z.number(), z.string()]).nullish() });

export async function saveDraft(owner: Owner, body: unknown): Promise<{ hash: string }> {
  return savedAnswer.parse(await transport().json("POST", `${owner}/workflows/draft`, body));
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

export async function getPublished(owner: Owner): Promise<Version | undefined> {
  const read = versionSchema.safeParse(await transport().json("GET", `${owner}/workflows/publish`));
  return read.success ? read.data : undefined;
}

export async function publish(owner: Owner, name: string, comment: string): Promise<void> {
  await transport().json("POST", `${owner}/workflows/publish`, { marked_name: name, marked_comment: comment });
}

const versionsAnswer = z.looseObject({ items: z.array(versionSchema).catch([]), has_more: z.boolean().catch(false) });

export async function listVersions(owner: Owner, page: number): Promise<{ items: Version[]; has_more: boolean }> {
  return versionsAnswer.parse(await transport().json("GET", `${owner}/workflows?page=${page}&limit=20`));
}

export async function nameVersion(owner: Owner, id: string, name: string, comment: string): Promise<void> {
  await transport().json("PATCH", `${owner}/workflows/${id}`, { marked_name: name, marked_comment: comment });
}

export async function deleteVersion(owner: Owner, id: string): Promise<void> {
  await transport().json("DELETE", `${owner}/workflows/${id}`);
}

export type Mode = "workflow" | "advanced-chat" | "rag-pipeline";

/** Chats have routes of their own for what runs. */
const runsBase = (mode: Mode) => (mode === "advanced-chat" ? "/advanced-chat" : "");

function runPath(owner: Owner, mode: Mode): string {
  return `${owner}${runsBase(mode)}/workflows/draft/run`;
}

/** Calls back for every event of a run; resolves with the answer if it is no stream. */
export type Follow = (onEvent: (event: unknown) => void, signal: AbortSignal) => Promise<unknown>;

export function runDraft(owner: Owner, mode: Mode, body: unknown): Follow {
  return (onEvent, signal) => transport().stream(runPath(owner, mode), body, onEvent, signal);
}

/** Runs an iteration or a loop alone. */
export function runContainer(owner: Owner, mode: Mode, kind: string, node: string, inputs: unknown): Follow {
  return (onEvent, signal) => transport().stream(`${owner}${runsBase(mode)}/workflows/draft/${kind}/nodes/${encodeURIComponent(node)}/run`, { inputs }, onEvent, signal);
}

/** What comes of a run that waits, whoever answers its forms; over several waits the stream stays open. */
export function resumeRun(runId: string): Follow {
  return (onEvent, signal) => transport().stream(`/workflow/${encodeURIComponent(runId)}/events?continue_on_pause=true`, undefined, onEvent, signal);
}

/** Waits for a trigger of the draft: an answer instead of a stream means "ask again". */
export function runTrigger(owner: Owner, nodes: readonly string[]): Follow {
  const [first] = nodes;
  const one = nodes.length === 1;
  return (onEvent, signal) => transport().stream(`${owner}/workflows/draft/trigger/${one ? "run" : "run-all"}`, one ? { node_id: first } : { node_ids: nodes }, onEvent, signal);
}

export interface ForkBody {
  readonly node_id?: string;
  /** Instead: one execution of a node, as in one round of a container. */
  readonly node_execution_id?: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly use_draft: boolean;
}

/** A new run that takes over what an earlier one did before a node. */
export function forkRun(owner: Owner, run: string, body: ForkBody): Follow {
  return (onEvent, signal) => transport().stream(`${owner}/workflow-runs/${encodeURIComponent(run)}/fork`, { ...body, response_mode: "streaming" }, onEvent, signal);
}

export async function stopTask(owner: Owner, taskId: string): Promise<void> {
  await transport().json("POST", `${owner}/workflow-runs/tasks/${encodeURIComponent(taskId)}/stop`, {});
}

export function runOneNode(owner: Owner, node: string, body: unknown): Promise<unknown> {
  return transport().json("POST", `${owner}/workflows/draft/nodes/${encodeURIComponent(node)}/run`, body);
}

/** Reads one thing from a data source of the draft, and nothing after it. */
export function readSource(owner: Owner, body: unknown): Promise<unknown> {
  return transport().json("POST", `${owner}/workflows/draft/datasource/variables-inspect`, body);
}

export function lastRun(owner: Owner, node: string): Promise<unknown> {
  return transport().json("GET", `${owner}/workflows/draft/nodes/${encodeURIComponent(node)}/last-run`);
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

/** `from`: what started them, where that is not a person at the draft. */
export async function listRuns(owner: Owner, mode: Mode, lastId?: string, limit = 20, from?: string): Promise<{ data: RunRow[]; has_more: boolean }> {
  const after = lastId ? `&last_id=${encodeURIComponent(lastId)}` : "";
  return runsAnswer.parse(await transport().json("GET", `${owner}${runsBase(mode)}/workflow-runs?limit=${limit}${after}${from ? `&triggered_from=${from}` : ""}`));
}

const change = z.looseObject({ path: z.string(), kind: z.string(), base: z.unknown().optional(), other: z.unknown().optional() });
const runBrief = z.looseObject({ id: z.string(), status: z.string().catch(""), error: z.string().nullish(), elapsed_time: z.number().nullish(), total_tokens: z.number().nullish(), total_price: z.union([z.string(), z.number()]).nullish(), currency: z.string().nullish() });
const nodeBrief = z.looseObject({ status: z.string().catch(""), elapsed_time: z.number().nullish(), error: z.string().nullish(), taken_from_parent: z.boolean().nullish() }).nullish().catch(null);
const comparison = z.looseObject({
  base: runBrief,
  other: runBrief,
  identical: z.boolean().catch(false),
  outputs_identical: z.boolean().catch(false),
  outputs: z.array(change).catch([]),
  inputs: z.array(change).catch([]),
  nodes: z.array(z.looseObject({ node_id: z.string(), title: z.string().catch(""), node_type: z.string().catch(""), change: z.string().catch("same"), base: nodeBrief, other: nodeBrief, outputs: z.array(change).catch([]) })).catch([]),
});
export type Comparison = z.infer<typeof comparison>;
export type ValueChange = z.infer<typeof change>;

/** Runs again from the journal: nothing outside is called, and the results are compared. */
export async function replayRun(owner: Owner, run: string): Promise<Comparison> {
  return comparison.parse(await transport().json("POST", `${owner}/workflow-runs/${encodeURIComponent(run)}/replay`, {}));
}

export async function compareRuns(owner: Owner, base: string, other: string): Promise<Comparison> {
  return comparison.parse(await transport().json("GET", `${owner}/workflow-runs/${encodeURIComponent(base)}/compare/${encodeURIComponent(other)}`));
}

export function getRun(owner: Owner, id: string): Promise<unknown> {
  return transport().json("GET", `${owner}/workflow-runs/${id}`);
}

const executionsAnswer = z.looseObject({ data: z.array(z.unknown()).catch([]) });

export async function getExecutions(owner: Owner, id: string): Promise<unknown[]> {
  return executionsAnswer.parse(await transport().json("GET", `${owner}/workflow-runs/${id}/node-executions`)).data;
}

const label = z.union([z.string(), z.record(z.string(), z.string())]).nullish();
export type Label = z.infer<typeof label>;

const modelSchema = z.looseObject({
  model: z.string(),
  label,
  status: z.string().catch("active"),
  refused: z.looseObject({ by: z.string(), message: z.string() }).nullish().catch(null),
  features: z.array(z.string()).nullish().catch([]).transform((f) => f ?? []),
  model_properties: z.looseObject({ mode: z.string().nullish(), context_size: z.number().nullish() }).nullish().catch(null),
});
const providerSchema = z.looseObject({ provider: z.string(), label, models: z.array(modelSchema).catch([]) });
export type ModelProvider = z.infer<typeof providerSchema>;
export type Model = z.infer<typeof modelSchema>;

const providersAnswer = z.looseObject({ data: z.array(providerSchema).catch([]) });

/** Models to choose from; those that the app of the workflow may not use are marked. */
export async function listModels(type: "llm" | "rerank", owner: Owner): Promise<ModelProvider[]> {
  const app = owner.startsWith("/apps/") ? `?app_id=${owner.slice("/apps/".length)}` : "";
  return providersAnswer.parse(await transport().json("GET", `/workspaces/current/models/model-types/${type}${app}`)).data;
}

const defaultAnswer = z.looseObject({
  data: z.looseObject({ model: z.string(), provider: z.looseObject({ provider: z.string() }) }).nullish().catch(null),
});

export async function defaultModel(type: "llm" | "text-embedding" = "llm"): Promise<{ provider: string; model: string } | undefined> {
  const { data } = defaultAnswer.parse(await transport().json("GET", `/workspaces/current/default-model?model_type=${type}`));
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
  type: z.string().catch("node"),
  name: z.string(),
  selector: z.array(z.string()).catch([]),
  value_type: z.string().catch("string"),
  value: z.unknown().optional(),
  edited: z.boolean().catch(false),
  visible: z.boolean().catch(true),
  editable: z.boolean().nullish(),
  is_truncated: z.boolean().nullish().catch(false),
  full_content: z.looseObject({ size_bytes: z.number().nullish(), download_url: z.string().nullish() }).nullish().catch(null),
});
export type DraftVariable = z.infer<typeof draftVariable>;
const variablesAnswer = z.looseObject({ items: z.array(draftVariable).catch([]), total: z.number().nullish() });

const drafts = (owner: Owner, rest: string) => `${owner}/workflows/draft${rest}`;

async function variablesAt(path: string): Promise<DraftVariable[]> {
  return variablesAnswer.parse(await transport().json("GET", path)).items.filter((v) => v.visible);
}

export function nodeVariables(owner: Owner, node: string): Promise<DraftVariable[]> {
  return variablesAt(drafts(owner, `/nodes/${encodeURIComponent(node)}/variables`));
}

export function scopeVariables(owner: Owner, scope: "conversation" | "system" | "environment"): Promise<DraftVariable[]> {
  return variablesAt(drafts(owner, `/${scope}-variables`));
}

const PAGE = 100;
const MOST_PAGES = 20;

/** Every variable the draft has computed so far, without values. */
export async function allVariables(owner: Owner): Promise<DraftVariable[]> {
  const out: DraftVariable[] = [];
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const { items, total } = variablesAnswer.parse(await transport().json("GET", drafts(owner, `/variables?page=${page}&limit=${PAGE}`)));
    out.push(...items);
    if (items.length < PAGE || out.length >= (total ?? 0)) break;
  }
  return out.filter((v) => v.visible);
}

export async function oneVariable(owner: Owner, id: string): Promise<DraftVariable> {
  return draftVariable.parse(await transport().json("GET", drafts(owner, `/variables/${id}`)));
}

export async function changeVariable(owner: Owner, id: string, value: unknown): Promise<DraftVariable> {
  return draftVariable.parse(await transport().json("PATCH", drafts(owner, `/variables/${id}`), { value }));
}

/** As it was in the last run; nothing where that had no such variable. */
export async function resetVariable(owner: Owner, id: string): Promise<DraftVariable | undefined> {
  return draftVariable.safeParse(await transport().json("PUT", drafts(owner, `/variables/${id}/reset`), {})).data;
}

export async function deleteVariable(owner: Owner, id: string): Promise<void> {
  await transport().json("DELETE", drafts(owner, `/variables/${id}`));
}

/** Forgets what was computed: of one node, or of all. */
export async function clearVariables(owner: Owner, node?: string): Promise<void> {
  await transport().json("DELETE", drafts(owner, node ? `/nodes/${encodeURIComponent(node)}/variables` : "/variables"));
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

/** Those with the ids, wherever they stand in the list. */
export function datasetsById(ids: readonly string[]): Promise<Dataset[]> {
  const query = ids.slice(0, 100).map((id) => `&ids=${encodeURIComponent(id)}`).join("");
  return orNone(transport().json("GET", `/datasets?page=1&limit=100${query}`).then((json) => datasetsAnswer.parse(json).data));
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
  personal: z.boolean().nullish().catch(undefined),
  signed_in: z.boolean().nullish().catch(undefined),
  closed_tools: z.array(z.string()).nullish().catch(undefined),
  plugin_unique_identifier: z.string().nullish(),
  tools: z.array(toolSchema).nullish().catch([]).transform((t) => t ?? []),
});
export type Tool = z.infer<typeof toolSchema>;
export type ToolProvider = z.infer<typeof toolProviderSchema>;
/** Whether a run of whoever builds stops at it: for want of a key, of the workspace's sign-in or of their own. */
export const isShut = (provider: ToolProvider): boolean => (provider.personal ? provider.signed_in !== true : provider.is_team_authorization === false);
const toolProvidersAnswer = z.array(toolProviderSchema).catch([]);

/** Every tool of the workspace, whatever it comes from; `builtin` is what a server has that does not list its own. */
export async function listTools(builtin: readonly ToolProvider[]): Promise<ToolProvider[]> {
  const kinds = ["builtin", "api", "workflow", "mcp", "app"];
  const lists = await Promise.all(kinds.map((kind) => orNone(transport().json("GET", `/workspaces/current/tools/${kind}`).then((json) => toolProvidersAnswer.parse(json)))));
  const found = lists.flat().filter((p) => p.tools.length > 0);
  return [...found, ...builtin.filter((b) => !found.some((p) => p.id.split("/").at(-1) === b.id))];
}

const credentialsAnswer = z.looseObject({
  supported_credential_types: z.array(z.string()).catch([]),
  credentials: z.array(z.looseObject({ id: z.string(), name: z.string().catch(""), is_default: z.boolean().catch(false), visibility: z.string().catch("workspace") })).catch([]),
});
export type ToolCredentials = z.infer<typeof credentialsAnswer>;

/** The keys of a built-in provider. */
export async function toolCredentials(provider: string): Promise<ToolCredentials> {
  return credentialsAnswer.parse(await transport().json("GET", `/workspaces/current/tool-provider/builtin/${provider}/credential/info`));
}

const strategySchema = z.looseObject({
  identity: z.looseObject({ name: z.string(), label }),
  description: label,
  parameters: z.array(z.looseObject({ name: z.string(), type: z.string().catch("string") })).nullish().catch([]).transform((p) => p ?? []),
});
const strategiesAnswer = z
  .array(
    z.looseObject({
      provider: z.string().catch(""),
      plugin_unique_identifier: z.string().nullish(),
      declaration: z.looseObject({ identity: z.looseObject({ name: z.string().catch(""), label }).nullish(), strategies: z.array(strategySchema).catch([]) }),
    }),
  )
  .catch([]);
export type StrategyProvider = z.infer<typeof strategiesAnswer>[number];
export type Strategy = z.infer<typeof strategySchema>;

/** Ways for a model to act, by who offers them. */
export function listStrategies(): Promise<StrategyProvider[]> {
  return orNone(transport().json("GET", "/workspaces/current/agent-providers").then((json) => strategiesAnswer.parse(json)));
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
export async function webhookAddress(owner: Owner, node: string): Promise<WebhookAddress> {
  return webhookAnswer.parse(await transport().json("GET", `${owner}/workflows/triggers/webhook?node_id=${encodeURIComponent(node)}`));
}

export async function previewForm(owner: Owner, mode: Mode, node: string, inputs: Readonly<Record<string, unknown>>): Promise<HumanForm> {
  return humanFormSchema.parse(await transport().json("POST", `${owner}${runsBase(mode)}/workflows/draft/human-input/nodes/${encodeURIComponent(node)}/form/preview`, { inputs }));
}

export async function submitForm(token: string, inputs: Readonly<Record<string, unknown>>, action: string): Promise<void> {
  await transport().json("POST", `/form/human_input/${encodeURIComponent(token)}`, { inputs, action });
}

export async function answerApproval(id: string, action: "approve" | "deny"): Promise<void> {
  await transport().json("POST", `/workspaces/current/tool-approvals/${encodeURIComponent(id)}`, { action });
}

const formsAnswer = z.looseObject({ data: z.array(z.looseObject({ status: z.string().catch(""), user_actions: z.unknown().optional() })).catch([]) });

/** The forms that a run waits for. */
export async function waitingForms(owner: Owner, run: string): Promise<HumanForm[]> {
  const { data } = formsAnswer.parse(await transport().json("GET", `${owner}/workflow-runs/${encodeURIComponent(run)}/forms`));
  return data.filter((form) => form.status === "waiting").map((form) => humanFormSchema.parse({ ...form, actions: form.user_actions }));
}

const scheduleAnswer = z.looseObject({ cron_expression: z.string().catch(""), timezone: z.string().catch(""), next_runs: z.array(z.number()).catch([]) });

export async function previewSchedule(owner: Owner, config: unknown): Promise<z.infer<typeof scheduleAnswer>> {
  return scheduleAnswer.parse(await transport().json("POST", `${owner}/workflows/draft/trigger/schedule/preview`, { config, count: 5 }));
}

/** A text that may come per language. */
export function inLanguage(text: Label, language: string): string {
  if (typeof text === "string") return text;
  if (!text) return "";
  const key = language.toLowerCase().startsWith("zh") ? "zh_Hans" : "en_US";
  return text[key] ?? text.en_US ?? Object.values(text)[0] ?? "";
}
