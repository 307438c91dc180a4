/** Tools of the workspace: where they come from, their keys, and what can be done with them. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { Localised } from "../lib/format";
import { get, HttpError, post, put, remove } from "../lib/http";

/** What is set up under Tools. */
export type ToolKind = "builtin" | "api" | "workflow" | "mcp";
export const TOOL_KINDS: readonly ToolKind[] = ["builtin", "api", "workflow", "mcp"];
/** What an app may call: apps, too; they are tools without being set up. */
export type CalledKind = ToolKind | "app";
export const CALLED_KINDS: readonly CalledKind[] = [...TOOL_KINDS, "app"];

export type ToolIcon = string | { readonly content: string; readonly background?: string | null };

export interface ToolParameter {
  readonly name: string;
  readonly label?: Localised;
  readonly human_description?: Localised;
  readonly llm_description?: string | null;
  readonly placeholder?: Localised;
  readonly type: string;
  /** `llm`: the model fills it in; `form`: whoever sets the tool up does. */
  readonly form: string;
  readonly required?: boolean | null;
  readonly default?: unknown;
  readonly min?: number | null;
  readonly max?: number | null;
  readonly options?: readonly { readonly value: string; readonly label?: Localised }[] | null;
}

export interface Tool {
  readonly name: string;
  readonly label?: Localised;
  readonly description?: Localised;
  readonly parameters?: readonly ToolParameter[] | null;
  readonly output_schema?: unknown;
}

export interface ToolProvider {
  readonly id: string;
  readonly author?: string;
  readonly name: string;
  readonly description?: Localised;
  readonly icon?: ToolIcon | null;
  readonly label?: Localised;
  readonly type: string;
  readonly is_team_authorization?: boolean | null;
  readonly allow_delete?: boolean | null;
  readonly plugin_unique_identifier?: string | null;
  readonly tools?: readonly Tool[] | null;
  readonly labels?: readonly string[] | null;
  /** Tools that the role of whoever is signed in may not use in the Studio. */
  readonly closed_tools?: readonly string[] | null;
  /** Workflow tools. */
  readonly workflow_app_id?: string | null;
  /** MCP servers. */
  readonly server_url?: string | null;
  readonly server_identifier?: string | null;
  readonly updated_at?: number | null;
  readonly configuration?: { readonly timeout?: number | null; readonly sse_read_timeout?: number | null } | null;
  readonly authentication?: { readonly client_id?: string | null; readonly client_secret?: string | null } | null;
  readonly is_dynamic_registration?: boolean | null;
  readonly masked_headers?: Readonly<Record<string, string>> | null;
  /** Each member signs in with an account of their own. */
  readonly personal?: boolean | null;
  /** Whether whoever asks has done so. */
  readonly signed_in?: boolean | null;
}

export interface ToolLabel {
  readonly name: string;
  readonly label: Localised;
  readonly icon?: string;
}

const W = "/workspaces/current";

export const toolProviders = queryOptions({ queryKey: ["tools", "providers"], queryFn: () => get<ToolProvider[]>(`${W}/tool-providers`) });
export const toolLabels = queryOptions({ queryKey: ["tools", "labels"], queryFn: () => get<ToolLabel[]>(`${W}/tool-labels`), staleTime: 3_600_000 });
/** A kind that the server does not have has no tools. */
const toolsOfKind = (kind: CalledKind) =>
  get<ToolProvider[]>(`${W}/tools/${kind}`).catch((error: unknown) => {
    if (error instanceof HttpError && error.status === 404) return [];
    throw error;
  });
/** Every tool that an app may call, with its parameters. */
export const allTools = queryOptions({
  queryKey: ["tools", "all"],
  queryFn: async () => (await Promise.all(CALLED_KINDS.map(toolsOfKind))).flat().filter((each) => toolsOf(each).length > 0),
  staleTime: 60_000,
});

export const toolsOf = (provider: ToolProvider): readonly Tool[] => provider.tools ?? [];
export const parametersOf = (tool: Tool): readonly ToolParameter[] => tool.parameters ?? [];

/** Runs a change and reads everything about tools again. */
export function useToolChange<Args, Result>(run: (args: Args) => Promise<Result>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: run, onSuccess: () => client.invalidateQueries({ queryKey: ["tools"] }) });
}

/** A query without its answer's shape: for the tools of one provider. */
export const providerTools = (provider: Pick<ToolProvider, "id" | "name" | "type">) =>
  queryOptions({
    queryKey: ["tools", "of", provider.type, provider.id],
    queryFn: async (): Promise<readonly Tool[]> => {
      if (provider.type === "api") return get<Tool[]>(`${W}/tool-provider/api/tools`, { provider: provider.name });
      if (provider.type === "workflow") return get<Tool[]>(`${W}/tool-provider/workflow/tools`, { workflow_tool_id: provider.id });
      if (provider.type === "mcp") return toolsOf(await get<ToolProvider>(`${W}/tool-provider/mcp/tools/${provider.id}`));
      return get<Tool[]>(`${W}/tool-provider/builtin/${provider.name}/tools`);
    },
    staleTime: 0,
  });

// ---- who may use a tool in the Studio

/** Without a tool: all of the provider that have no rule of their own. */
export interface ToolRule {
  readonly provider_type: string;
  readonly provider_id: string;
  readonly tool_name?: string | null;
  readonly roles: readonly string[];
}

export const toolRules = queryOptions({ queryKey: ["tools", "rules"], queryFn: () => get<ToolRule[]>(`${W}/tool-permissions`), staleTime: 0 });
/** Without roles the rule goes. */
export const setToolRule = (provider: Pick<ToolProvider, "id" | "type">, tool: string | undefined, roles: readonly string[] | undefined) =>
  put<ToolRule[]>(`${W}/tool-permissions`, {
    provider_type: provider.type,
    provider_id: provider.id,
    ...(tool ? { tool_name: tool } : {}),
    ...(roles ? { roles } : {}),
  });

// ---- keys of built-in providers

export interface CredentialField {
  readonly name: string;
  readonly type: string;
  readonly required?: boolean | null;
  readonly default?: unknown;
  readonly options?: readonly { readonly value: string; readonly label?: Localised }[] | null;
  readonly label?: Localised;
  readonly help?: Localised;
  readonly url?: string | null;
  readonly placeholder?: Localised;
}

export interface ToolCredential {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly credential_type: string;
  readonly is_default: boolean;
  /** `workspace`, or `personal`: nobody else sees or uses it. */
  readonly visibility?: string | null;
  /** Secrets are masked. */
  readonly credentials: Readonly<Record<string, unknown>>;
}

export interface CredentialInfo {
  readonly supported_credential_types: readonly string[];
  readonly credentials: readonly ToolCredential[];
}

const builtin = (provider: string) => `${W}/tool-provider/builtin/${provider}`;

export const credentialInfo = (provider: string) =>
  queryOptions({ queryKey: ["tools", "credentials", provider], queryFn: () => get<CredentialInfo>(`${builtin(provider)}/credential/info`), staleTime: 0 });
export const credentialSchema = (provider: string) =>
  queryOptions({
    queryKey: ["tools", "schema", provider],
    queryFn: () => get<CredentialField[]>(`${builtin(provider)}/credential/schema/api-key`),
    staleTime: 300_000,
  });
export type CredentialValues = Readonly<Record<string, unknown>>;
export const isPersonal = (credential: Pick<ToolCredential, "visibility">): boolean => credential.visibility === "personal";
export const addToolCredential = (provider: string, credentials: CredentialValues, name: string, personal: boolean) =>
  post(`${builtin(provider)}/add`, { credentials, type: "api-key", ...(name ? { name } : {}), ...(personal ? { visibility: "personal" } : {}) });
export const changeToolCredential = (provider: string, id: string, credentials: CredentialValues, name: string) =>
  post(`${builtin(provider)}/update`, { credential_id: id, credentials, ...(name ? { name } : {}) });
export const deleteToolCredential = (provider: string, id: string) => post(`${builtin(provider)}/delete`, { credential_id: id });
export const makeDefaultCredential = (provider: string, id: string) => post(`${builtin(provider)}/default-credential`, { id });

// ---- tools from an OpenAPI schema

export interface ApiAuth {
  readonly auth_type: string;
  readonly api_key_header?: string;
  readonly api_key_value?: string;
  readonly api_key_header_prefix?: string;
  readonly api_key_query_param?: string;
  /** OAuth: the addresses of the service, whose client the workspace is, and whether somebody has signed in. */
  readonly authorization_url?: string;
  readonly token_url?: string;
  readonly scope?: string;
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly authorized?: boolean;
}

/** How one signs in, as a schema says. */
export type ApiFlow = Required<Pick<ApiAuth, "authorization_url" | "token_url" | "scope">>;

export interface ApiOperation {
  readonly server_url: string;
  readonly method: string;
  readonly summary?: string | null;
  readonly operation_id?: string | null;
  readonly parameters?: readonly ToolParameter[] | null;
  readonly openapi?: { readonly path?: string } | null;
}

export interface ParsedSchema {
  readonly schema_type: string;
  readonly parameters_schema: readonly ApiOperation[];
  readonly warning?: Readonly<Record<string, string>> | null;
  readonly oauth?: ApiFlow | null;
}

export interface ApiToolSet {
  readonly schema_type: string;
  readonly schema: string;
  readonly tools: readonly ApiOperation[];
  readonly icon: ToolIcon;
  readonly description?: string;
  readonly credentials: ApiAuth;
  readonly privacy_policy?: string | null;
  readonly custom_disclaimer?: string | null;
  readonly labels?: readonly string[] | null;
  /** Where a browser comes back to that signs in. */
  readonly redirect_uri?: string | null;
}

export interface ApiFields {
  readonly provider: string;
  readonly schema: string;
  readonly schema_type: string;
  readonly credentials: ApiAuth;
  readonly icon: { readonly content: string; readonly background: string };
  readonly privacy_policy: string;
  readonly custom_disclaimer: string;
  readonly labels: readonly string[];
}

export interface SignIn {
  readonly result?: string;
  readonly authorization_url?: string;
}

const api = `${W}/tool-provider/api`;

export const apiToolSet = (provider: string) =>
  queryOptions({ queryKey: ["tools", "api", provider], queryFn: () => get<ApiToolSet>(`${api}/get`, { provider }), staleTime: 0 });
/** Where the browser has to go to sign the workspace in. */
export const signInApiTools = (id: string) => get<SignIn>(`/oauth/plugin/${id}/tool/authorization-url`);
export const signOutApiTools = (id: string) => post(`${api}/disconnect`, { provider_id: id });
export const addApiTools = (fields: ApiFields) => post(`${api}/add`, fields);
export const changeApiTools = (original: string, fields: ApiFields) => post(`${api}/update`, { ...fields, original_provider: original });
export const deleteApiTools = (provider: string) => post(`${api}/delete`, { provider });
export const remoteSchema = (url: string) => get<{ schema: string }>(`${api}/remote`, { url });
export const parseSchema = (schema: string) => post<ParsedSchema>(`${api}/schema`, { schema });

export interface TestCall {
  readonly tool_name: string;
  readonly credentials: ApiAuth;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly schema_type: string;
  readonly schema: string;
  readonly provider_name?: string;
}
export const testApiTool = (call: TestCall) => post<{ result?: unknown; error?: string }>(`${api}/test/pre`, call);

// ---- workflows as tools

export interface WorkflowToolParameter {
  readonly name: string;
  readonly description: string;
  readonly form: string;
  readonly required?: boolean;
  readonly type?: string;
}

export interface WorkflowTool {
  readonly name: string;
  readonly label: string;
  readonly workflow_tool_id: string;
  readonly workflow_app_id: string;
  readonly icon: ToolIcon;
  readonly description: string;
  readonly parameters: readonly WorkflowToolParameter[];
  readonly output_schema?: unknown;
  readonly tool?: (Tool & { readonly labels?: readonly string[] }) | null;
  readonly synced: boolean;
  readonly privacy_policy?: string | null;
}

export interface WorkflowToolFields {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly icon: { readonly content: string; readonly background: string };
  readonly parameters: readonly Pick<WorkflowToolParameter, "name" | "description" | "form">[];
  readonly privacy_policy: string;
  readonly labels: readonly string[];
}

const workflow = `${W}/tool-provider/workflow`;

export const workflowTool = (by: { readonly tool: string } | { readonly app: string }) =>
  queryOptions({
    queryKey: ["tools", "workflow", by],
    queryFn: () => get<WorkflowTool>(`${workflow}/get`, "tool" in by ? { workflow_tool_id: by.tool } : { workflow_app_id: by.app }),
    staleTime: 0,
  });
export const addWorkflowTool = (app: string, fields: WorkflowToolFields) => post(`${workflow}/create`, { workflow_app_id: app, ...fields });
export const changeWorkflowTool = (id: string, fields: WorkflowToolFields) => post(`${workflow}/update`, { workflow_tool_id: id, ...fields });
export const deleteWorkflowTool = (id: string) => post(`${workflow}/delete`, { workflow_tool_id: id });

// ---- MCP servers

export interface McpFields {
  readonly server_url: string;
  readonly name: string;
  readonly server_identifier: string;
  readonly icon: string;
  readonly icon_type: string;
  readonly icon_background: string;
  readonly configuration: { readonly timeout: number; readonly sse_read_timeout: number };
  readonly headers: Readonly<Record<string, string>>;
  readonly authentication?: { readonly client_id: string; readonly client_secret: string };
  readonly personal: boolean;
}

const mcp = `${W}/tool-provider/mcp`;

/** A program on the server that may be an MCP server: chosen by its `server_url`, with values for its variables as headers. */
export interface McpProgram {
  readonly name: string;
  readonly server_url: string;
  readonly variables: readonly string[];
}

/** None unless the operator allows some. */
export const mcpPrograms = queryOptions({ queryKey: ["tools", "programs"], queryFn: () => get<McpProgram[]>(`${mcp}/programs`), staleTime: 60_000 });

export const addMcpServer = (fields: McpFields) => post<ToolProvider>(mcp, fields);
export const changeMcpServer = (id: string, fields: McpFields) => put(mcp, { provider_id: id, ...fields });
export const deleteMcpServer = (id: string) => remove(mcp, { provider_id: id });
export const authoriseMcp = (id: string) => post<SignIn>(`${mcp}/auth`, { provider_id: id });
/** As oneself, where the server is `personal`. */
export const signInMcp = (id: string) => post<SignIn>(`${mcp}/sign-in/${id}`, {});
export const signOutMcp = (id: string) => remove(`${mcp}/sign-in/${id}`);
export const refreshMcpTools = (id: string) => get<ToolProvider>(`${mcp}/update/${id}`);
