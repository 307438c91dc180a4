/** The endpoints of the Service API that fit a kind of app. */
import type { Mode } from "../../data/apps";
import { type AppInput, exampleInputs } from "./inputs";

export interface Endpoint {
  readonly key: string;
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, string>>;
  /** Answers as JSON or as events, by `response_mode`. */
  readonly streams?: boolean;
  readonly upload?: boolean;
}

export type ResponseMode = "blocking" | "streaming";

export const USER = "user-123";

/** What was typed in place of the sample values. */
export interface Given {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly query: string;
  /** Ids of the path by their place holders. */
  readonly ids: Readonly<Record<string, string>>;
}

export const NOTHING_GIVEN: Given = { inputs: {}, query: "Hello", ids: {} };

const ID = /\b[A-Z]+_ID\b/g;

/** The ids an endpoint is about: `RUN_ID`, `CONVERSATION_ID`, … */
export function idsOf(endpoint: Endpoint): string[] {
  return [...new Set([endpoint.path, ...Object.values(endpoint.query ?? {})].flatMap((text) => text.match(ID) ?? []))];
}

/** The endpoint with the ids that were typed; others keep their place holder. */
export function withIds(endpoint: Endpoint, ids: Given["ids"]): Endpoint {
  const id = (name: string) => ids[name]?.trim() || name;
  const query = endpoint.query && Object.fromEntries(Object.entries(endpoint.query).map(([key, text]) => [key, text.replace(ID, id)]));
  return { ...endpoint, path: endpoint.path.replace(ID, (name) => encodeURIComponent(id(name))), ...(query ? { query } : {}) };
}

export function endpointsOf(mode: Mode, inputs: readonly AppInput[], how: ResponseMode, given: Given = NOTHING_GIVEN): Endpoint[] {
  const values = { ...exampleInputs(inputs), ...given.inputs };
  const common: Endpoint[] = [
    { key: "upload", method: "POST", path: "/files/upload", upload: true },
    { key: "parameters", method: "GET", path: "/parameters", query: { user: USER } },
    { key: "info", method: "GET", path: "/info" },
    { key: "site", method: "GET", path: "/site" },
  ];
  const feedback: Endpoint = { key: "feedback", method: "POST", path: "/messages/MESSAGE_ID/feedbacks", body: { rating: "like", user: USER } };
  if (mode === "workflow") {
    return [
      { key: "run", method: "POST", path: "/workflows/run", body: { inputs: values, response_mode: how, user: USER }, streams: true },
      { key: "runDetail", method: "GET", path: "/workflows/run/RUN_ID" },
      { key: "stop", method: "POST", path: "/workflows/tasks/TASK_ID/stop", body: { user: USER } },
      { key: "logs", method: "GET", path: "/workflows/logs", query: { page: "1", limit: "20" } },
      ...common,
    ];
  }
  if (mode === "completion") {
    return [
      { key: "completion", method: "POST", path: "/completion-messages", body: { inputs: values, response_mode: how, user: USER }, streams: true },
      { key: "stop", method: "POST", path: "/completion-messages/TASK_ID/stop", body: { user: USER } },
      feedback,
      ...common,
    ];
  }
  return [
    {
      key: "chat",
      method: "POST",
      path: "/chat-messages",
      body: { inputs: values, query: given.query, response_mode: how, conversation_id: "", user: USER },
      streams: true,
    },
    { key: "stop", method: "POST", path: "/chat-messages/TASK_ID/stop", body: { user: USER } },
    { key: "conversations", method: "GET", path: "/conversations", query: { user: USER, limit: "20" } },
    { key: "messages", method: "GET", path: "/messages", query: { conversation_id: "CONVERSATION_ID", user: USER } },
    { key: "rename", method: "POST", path: "/conversations/CONVERSATION_ID/name", body: { name: "Returns", user: USER } },
    { key: "deleteConversation", method: "DELETE", path: "/conversations/CONVERSATION_ID", body: { user: USER } },
    { key: "suggested", method: "GET", path: "/messages/MESSAGE_ID/suggested", query: { user: USER } },
    feedback,
    ...common,
  ];
}

/** Where an endpoint is called. */
export function urlOf(endpoint: Endpoint, base: string): string {
  const query = new URLSearchParams(endpoint.query).toString();
  return `${base.replace(/\/$/, "")}${endpoint.path}${query ? `?${query}` : ""}`;
}

/** The base address for clients of OpenAI: it names the app, its key opens it. */
export function openaiBase(base: string, appId: string): string {
  return `${base.replace(/\/$/, "")}/openai/${appId}`;
}

/** The address of an app's MCP server. */
export function mcpAddress(base: string, code: string): string {
  return `${base.replace(/\/v1\/?$/, "")}/mcp/server/${code}/mcp`;
}
