/** What the tools pages reckon with. Pure. */
import type { ApiAuth, ApiOperation, CredentialField, McpFields, ToolIcon, ToolParameter, ToolProvider } from "../../data/tools";
import { toolsOf } from "../../data/tools";
import { inLanguage } from "../../lib/format";

export const PLAIN = "#F1EEEA";

/** What a caller names a tool by. */
export const TOOL_NAME = /^[A-Za-z0-9_]{1,64}$/;
/** What a server of the workspace is told apart by. */
export const SERVER_ID = /^[a-z0-9_-]{1,24}$/;

export function titleOf(provider: ToolProvider, language: string): string {
  return inLanguage(provider.label, language) || provider.name;
}

/** The providers of one tab whose words hold the search and that carry every chosen label. */
export function shownProviders(all: readonly ToolProvider[], kind: string, query: string, labels: readonly string[], language: string): ToolProvider[] {
  const needle = query.trim().toLocaleLowerCase();
  return all.filter((each) => {
    if (each.type !== kind) return false;
    if (!labels.every((label) => (each.labels ?? []).includes(label))) return false;
    const tools = toolsOf(each).map((tool) => `${tool.name} ${inLanguage(tool.label, language)}`);
    return `${titleOf(each, language)} ${each.name} ${inLanguage(each.description, language)} ${tools.join(" ")}`.toLocaleLowerCase().includes(needle);
  });
}

/** A connected server has been let in, or asks for nobody. */
export function isLetIn(provider: ToolProvider): boolean {
  return provider.is_team_authorization !== false;
}

/** A server that lets in each member by themselves has not let in whoever looks. */
export function wantsOwnSignIn(provider: ToolProvider): boolean {
  return provider.personal === true && provider.signed_in !== true;
}

/** Fields of a provider that are there, with what they start with. */
export function startValues(fields: readonly CredentialField[], stored: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    fields.map((field) => {
      const value = isSecret(field) ? "" : (stored[field.name] ?? field.default ?? "");
      return [field.name, typeof value === "string" ? value : JSON.stringify(value)];
    }),
  );
}

export const isSecret = (field: Pick<CredentialField, "type">): boolean => field.type === "secret-input";

/** What is sent: an untouched secret goes back as the mask it came as, so that the stored one stays. */
export function wireValues(
  fields: readonly CredentialField[],
  values: Readonly<Record<string, string>>,
  stored: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of fields) {
    const value = values[field.name] ?? "";
    if (value === "" && isSecret(field) && stored[field.name] !== undefined) out[field.name] = stored[field.name];
    else if (value !== "") out[field.name] = field.type === "boolean" ? value === "true" : field.type === "number" ? Number(value) : value;
  }
  return out;
}

export function missingValues(
  fields: readonly CredentialField[],
  values: Readonly<Record<string, string>>,
  stored: Readonly<Record<string, unknown>>,
): string[] {
  return fields
    .filter((field) => field.required && (values[field.name] ?? "").trim() === "" && !(isSecret(field) && stored[field.name] !== undefined))
    .map((field) => field.name);
}

/** A typed value for a parameter; text that is no value of its type is a mistake. */
export function wireParameter(parameter: Pick<ToolParameter, "type">, text: string): { readonly value?: unknown; readonly wrong?: boolean } {
  switch (parameter.type) {
    case "number": {
      const value = Number(text);
      return Number.isFinite(value) ? { value } : { wrong: true };
    }
    case "boolean":
    case "checkbox":
      return { value: text === "true" };
    case "object":
    case "array": {
      try {
        const value: unknown = JSON.parse(text);
        return Array.isArray(value) === (parameter.type === "array") && typeof value === "object" && value !== null ? { value } : { wrong: true };
      } catch {
        return { wrong: true };
      }
    }
    default:
      return { value: text };
  }
}

/** How a text field starts for a parameter. */
export function startParameter(parameter: ToolParameter): string {
  const { default: start } = parameter;
  if (start === undefined || start === null) return "";
  return typeof start === "string" ? start : JSON.stringify(start);
}

/** What the fields of a call say, or the names of those that say nothing useful. */
export function callOf(
  parameters: readonly ToolParameter[],
  values: Readonly<Record<string, string>>,
): { readonly call: Record<string, unknown>; readonly wrong: string[] } {
  const call: Record<string, unknown> = {};
  const wrong: string[] = [];
  for (const parameter of parameters) {
    const text = values[parameter.name] ?? startParameter(parameter);
    if (text.trim() === "") {
      if (parameter.required) wrong.push(parameter.name);
      continue;
    }
    const read = wireParameter(parameter, text);
    if (read.wrong) wrong.push(parameter.name);
    else call[parameter.name] = read.value;
  }
  return { call, wrong };
}

export function operationName(operation: ApiOperation): string {
  return operation.operation_id || `${operation.method}_${pathOf(operation)}`;
}

/** Where an operation is asked: its path, without the server before it. */
export function pathOf(operation: ApiOperation): string {
  const path = operation.openapi?.path;
  if (path) return path;
  try {
    return decodeURI(new URL(operation.server_url).pathname);
  } catch {
    return operation.server_url;
  }
}

export const NO_AUTH: ApiAuth = { auth_type: "none" };

/** Names of before mean the same. */
export function authKind(auth: ApiAuth): "none" | "api_key_header" | "api_key_query" | "oauth2" {
  if (auth.auth_type === "oauth2") return "oauth2";
  if (auth.auth_type === "api_key_query") return "api_key_query";
  return auth.auth_type === "api_key_header" || auth.auth_type === "api_key" ? "api_key_header" : "none";
}

/** The fields that belong to the kind, and no leftovers of another. */
export function wireAuth(auth: ApiAuth, stored: ApiAuth | undefined): ApiAuth {
  const value = auth.api_key_value || stored?.api_key_value || "";
  switch (authKind(auth)) {
    case "api_key_header":
      return {
        auth_type: "api_key_header",
        api_key_header: auth.api_key_header || "Authorization",
        api_key_header_prefix: auth.api_key_header_prefix || "bearer",
        api_key_value: value,
      };
    case "api_key_query":
      return { auth_type: "api_key_query", api_key_query_param: auth.api_key_query_param || "key", api_key_value: value };
    case "oauth2": {
      const text = (part: string | undefined) => (part ?? "").trim();
      const secret = auth.client_secret || stored?.client_secret || "";
      return {
        auth_type: "oauth2",
        authorization_url: text(auth.authorization_url),
        token_url: text(auth.token_url),
        client_id: text(auth.client_id),
        client_secret: secret,
        // What was never touched comes from the schema.
        ...(auth.scope === undefined ? {} : { scope: text(auth.scope) }),
      };
    }
    default:
      return NO_AUTH;
  }
}

export function isAddress(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
}

/** A name of the server for the programs, made from its name for people. */
export function suggestedId(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 24);
}

export function emojiOf(icon: ToolIcon | null | undefined, otherwise: string): string {
  const text = typeof icon === "string" ? icon : (icon?.content ?? "");
  return text !== "" && !/^[\x20-\x7e]+$/.test(text) ? text : otherwise;
}

/** What stands before the name of a program in place of an address. */
export const PROGRAM = "stdio:";
export const isProgram = (url: string): boolean => url.startsWith(PROGRAM);

export interface McpDraft {
  readonly url: string;
  readonly name: string;
  readonly identifier: string;
  readonly icon: string;
  readonly timeout: string;
  readonly readTimeout: string;
  readonly headers: readonly { readonly key: string; readonly name: string; readonly value: string }[];
  readonly ownClient: boolean;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly personal: boolean;
}

export function mcpDraft(provider: ToolProvider | undefined, language: string): McpDraft {
  return {
    url: provider?.server_url ?? "",
    name: provider ? titleOf(provider, language) : "",
    identifier: provider?.server_identifier ?? "",
    icon: emojiOf(provider?.icon, "🔌"),
    timeout: String(provider?.configuration?.timeout ?? 30),
    readTimeout: String(provider?.configuration?.sse_read_timeout ?? 300),
    headers: Object.entries(provider?.masked_headers ?? {}).map(([name, value]) => ({ key: name, name, value })),
    ownClient: provider?.is_dynamic_registration === false,
    clientId: provider?.authentication?.client_id ?? "",
    clientSecret: provider?.authentication?.client_secret ?? "",
    personal: provider?.personal === true,
  };
}

function wrongPlace(url: string, stored: string | null | undefined): { url?: string } {
  if (isProgram(url)) return url === PROGRAM ? { url: "mcp.needProgram" } : {};
  // The stored address comes with its path hidden: as long as it is not touched it is fine.
  return url !== stored && !isAddress(url.trim()) ? { url: "mcp.wrongUrl" } : {};
}

/** The fields that are wrong, each with the key of what to say about it. */
export function mcpProblems(
  draft: McpDraft,
  stored: Pick<ToolProvider, "server_url" | "server_identifier"> | undefined,
): Partial<Record<"url" | "name" | "identifier" | "timeout" | "readTimeout" | "clientId", string>> {
  const seconds = (text: string) => Number(text) >= 1 && Number(text) <= 3600;
  return {
    ...wrongPlace(draft.url, stored?.server_url),
    ...(draft.name.trim() === "" ? { name: "form.needName" } : {}),
    // One from elsewhere may be longer.
    ...(SERVER_ID.test(draft.identifier) || (draft.identifier !== "" && draft.identifier === stored?.server_identifier) ? {} : { identifier: "mcp.wrongId" }),
    ...(seconds(draft.timeout) ? {} : { timeout: "mcp.wrongSeconds" }),
    ...(seconds(draft.readTimeout) ? {} : { readTimeout: "mcp.wrongSeconds" }),
    ...(draft.ownClient && !isProgram(draft.url) && draft.clientId.trim() === "" ? { clientId: "form.required" } : {}),
  };
}

export function mcpFields(draft: McpDraft): McpFields {
  return {
    server_url: draft.url.trim(),
    name: draft.name.trim(),
    server_identifier: draft.identifier,
    icon: draft.icon,
    icon_type: "emoji",
    icon_background: PLAIN,
    configuration: { timeout: Number(draft.timeout), sse_read_timeout: Number(draft.readTimeout) },
    // A variable without a value is not set.
    headers: Object.fromEntries(
      draft.headers
        .filter((header) => header.name.trim() !== "" && !(isProgram(draft.url) && header.value === ""))
        .map((header) => [header.name.trim(), header.value]),
    ),
    ...(draft.ownClient && !isProgram(draft.url) ? { authentication: { client_id: draft.clientId.trim(), client_secret: draft.clientSecret } } : {}),
    personal: draft.personal && !isProgram(draft.url),
  };
}
