/** The endpoints of the Service API that fit a kind of app, and examples that run as they are. */
import type { Mode } from "../../data/apps";
import { type AppInput, exampleInputs } from "./inputs";

export interface Endpoint {
  readonly key: string;
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly query?: string;
  /** Answers as JSON or as events, by `response_mode`. */
  readonly streams?: boolean;
  readonly upload?: boolean;
}

export type ResponseMode = "blocking" | "streaming";

const USER = "user-123";

export function endpointsOf(mode: Mode, inputs: readonly AppInput[], how: ResponseMode): Endpoint[] {
  const values = exampleInputs(inputs);
  const common: Endpoint[] = [
    { key: "upload", method: "POST", path: "/files/upload", upload: true },
    { key: "parameters", method: "GET", path: "/parameters" },
    { key: "info", method: "GET", path: "/info" },
    { key: "site", method: "GET", path: "/site" },
  ];
  const feedback: Endpoint = { key: "feedback", method: "POST", path: "/messages/MESSAGE_ID/feedbacks", body: { rating: "like", user: USER } };
  if (mode === "workflow") {
    return [
      { key: "run", method: "POST", path: "/workflows/run", body: { inputs: values, response_mode: how, user: USER }, streams: true },
      { key: "runDetail", method: "GET", path: "/workflows/run/RUN_ID" },
      { key: "stop", method: "POST", path: "/workflows/tasks/TASK_ID/stop", body: { user: USER } },
      { key: "logs", method: "GET", path: "/workflows/logs", query: "page=1&limit=20" },
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
      body: { inputs: values, query: "Hello", response_mode: how, conversation_id: "", user: USER },
      streams: true,
    },
    { key: "stop", method: "POST", path: "/chat-messages/TASK_ID/stop", body: { user: USER } },
    { key: "conversations", method: "GET", path: "/conversations", query: `user=${USER}&limit=20` },
    { key: "messages", method: "GET", path: "/messages", query: `conversation_id=CONVERSATION_ID&user=${USER}` },
    { key: "rename", method: "POST", path: "/conversations/CONVERSATION_ID/name", body: { auto_generate: true, user: USER } },
    { key: "deleteConversation", method: "DELETE", path: "/conversations/CONVERSATION_ID", body: { user: USER } },
    { key: "suggested", method: "GET", path: "/messages/MESSAGE_ID/suggested", query: `user=${USER}` },
    feedback,
    ...common,
  ];
}

export type ExampleLanguage = "curl" | "python" | "javascript";

/** Single quotes end, an escaped one follows, they begin again. */
function shell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** JSON is Python but for three words; they are replaced in values only. */
export function python(value: unknown, indent = 0): string {
  const pad = "    ".repeat(indent + 1);
  const end = "    ".repeat(indent);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `[\n${value.map((v) => pad + python(v, indent + 1)).join(",\n")},\n${end}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value);
    return entries.length === 0 ? "{}" : `{\n${entries.map(([k, v]) => `${pad}${JSON.stringify(k)}: ${python(v, indent + 1)}`).join(",\n")},\n${end}}`;
  }
  return JSON.stringify(value);
}

export function example(endpoint: Endpoint, base: string, key: string, language: ExampleLanguage): string {
  const url = `${base.replace(/\/$/, "")}${endpoint.path}${endpoint.query ? `?${endpoint.query}` : ""}`;
  const streaming = endpoint.body?.response_mode === "streaming";
  if (language === "curl") return curl(endpoint, url, key, streaming);
  if (language === "python") return pythonCall(endpoint, url, key, streaming);
  return javascript(endpoint, url, key, streaming);
}

function curl(endpoint: Endpoint, url: string, key: string, streaming: boolean): string {
  const lines = [
    `curl ${streaming ? "-N " : ""}${endpoint.method === "GET" ? "" : `-X ${endpoint.method} `}${shell(url)}`,
    `  -H ${shell(`Authorization: Bearer ${key}`)}`,
  ];
  if (endpoint.upload) lines.push("  -F 'file=@photo.png'", `  -F 'user=${USER}'`);
  else if (endpoint.body) lines.push("  -H 'Content-Type: application/json'", `  -d ${shell(JSON.stringify(endpoint.body, null, 2))}`);
  return lines.join(" \\\n");
}

function pythonCall(endpoint: Endpoint, url: string, key: string, streaming: boolean): string {
  const args = [`    ${JSON.stringify(url)},`, `    headers={"Authorization": ${JSON.stringify(`Bearer ${key}`)}},`];
  if (endpoint.upload) args.push(`    files={"file": open("photo.png", "rb")},`, `    data={"user": "${USER}"},`);
  else if (endpoint.body) args.push(`    json=${python(endpoint.body, 1)},`);
  if (streaming) args.push("    stream=True,");
  const tail = streaming
    ? 'for line in response.iter_lines():\n    if line.startswith(b"data: "):\n        print(line[6:].decode())'
    : "response.raise_for_status()\nprint(response.json())";
  return `import requests\n\nresponse = requests.${endpoint.method.toLowerCase()}(\n${args.join("\n")}\n)\n${tail}`;
}

function javascript(endpoint: Endpoint, url: string, key: string, streaming: boolean): string {
  const json = endpoint.body && !endpoint.upload;
  const head = endpoint.upload ? `const body = new FormData();\nbody.set("file", file);\nbody.set("user", "${USER}");\n\n` : "";
  const options = [
    `  method: "${endpoint.method}",`,
    `  headers: {`,
    `    Authorization: "Bearer ${key}",`,
    ...(json ? [`    "Content-Type": "application/json",`] : []),
    "  },",
  ];
  if (endpoint.upload) options.push("  body,");
  else if (json) options.push(`  body: JSON.stringify(${JSON.stringify(endpoint.body, null, 2).replaceAll("\n", "\n  ")}),`);
  const tail = streaming
    ? "for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {\n  console.log(chunk);\n}"
    : "console.log(await response.json());";
  return `${head}const response = await fetch(${JSON.stringify(url)}, {\n${options.join("\n")}\n});\n${tail}`;
}
