/** Calls of an endpoint that run as they are, per language. */
import { type Endpoint, openaiBase, USER, urlOf } from "./endpoints";

export type ExampleLanguage = "curl" | "python" | "javascript" | "dify" | "openai";

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

/** Nothing where the language has no call for the endpoint. */
export function example(endpoint: Endpoint, base: string, key: string, language: ExampleLanguage, appId = ""): string | undefined {
  const url = urlOf(endpoint, base);
  const streaming = endpoint.body?.response_mode === "streaming";
  if (language === "curl") return curl(endpoint, url, key, streaming);
  if (language === "python") return requests(endpoint, url, key, streaming);
  if (language === "dify") return difyClient(endpoint, base.replace(/\/$/, ""), key, streaming);
  if (language === "openai") return openai(endpoint, openaiBase(base, appId), key, streaming);
  return javascript(endpoint, url, key, streaming);
}

/** The openai package: an app of any mode is a model there. */
function openai(endpoint: Endpoint, base: string, key: string, streaming: boolean): string | undefined {
  if (!endpoint.streams || !endpoint.body) return undefined;
  const { inputs, query } = endpoint.body;
  const given = typeof inputs === "object" && inputs !== null && Object.keys(inputs).length > 0;
  const messages = [{ role: "user", content: typeof query === "string" ? query : "Hello" }];
  return [
    "from openai import OpenAI",
    "",
    "client = OpenAI(",
    `    base_url=${JSON.stringify(base)},`,
    `    api_key=${JSON.stringify(key)},`,
    ")",
    "answer = client.chat.completions.create(",
    '    model="app",',
    `    messages=${python(messages, 1)},`,
    `    user="${USER}",`,
    ...(given ? [`    extra_body=${python({ inputs }, 1)},`] : []),
    ...(streaming ? ["    stream=True,"] : []),
    ")",
    ...(streaming
      ? ["for piece in answer:", "    if piece.choices:", '        print(piece.choices[0].delta.content or "", end="", flush=True)']
      : ["print(answer.choices[0].message.content)"]),
  ].join("\n");
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

const PYTHON_LINES = 'for line in response.iter_lines():\n    if line.startswith(b"data: "):\n        print(line[6:].decode())';

function requests(endpoint: Endpoint, url: string, key: string, streaming: boolean): string {
  const args = [`    ${JSON.stringify(url)},`, `    headers={"Authorization": ${JSON.stringify(`Bearer ${key}`)}},`];
  if (endpoint.upload) args.push(`    files={"file": open("photo.png", "rb")},`, `    data={"user": "${USER}"},`);
  else if (endpoint.body) args.push(`    json=${python(endpoint.body, 1)},`);
  if (streaming) args.push("    stream=True,");
  // A deletion is answered with nothing.
  const tail = streaming
    ? PYTHON_LINES
    : endpoint.method === "DELETE"
      ? "response.raise_for_status()\nprint(response.status_code)"
      : "response.raise_for_status()\nprint(response.json())";
  return `import requests\n\nresponse = requests.${endpoint.method.toLowerCase()}(\n${args.join("\n")}\n)\n${tail}`;
}

interface DifyCall {
  readonly of: "ChatClient" | "CompletionClient" | "DifyClient";
  readonly method: string;
  /** Names and values of the call, in order. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** The calls of dify-client 0.1.10 from PyPI. */
function difyCall({ key, path, body = {}, query = {} }: Endpoint): DifyCall | undefined {
  const id = decodeURIComponent(path.split("/")[2] ?? "");
  const { inputs, response_mode, user } = body;
  if (key === "chat") return { of: "ChatClient", method: "create_chat_message", args: { inputs, query: body.query, user, response_mode } };
  if (key === "completion") return { of: "CompletionClient", method: "create_completion_message", args: { inputs, response_mode, user } };
  if (key === "conversations") return { of: "ChatClient", method: "get_conversations", args: { user: query.user, limit: Number(query.limit) } };
  if (key === "messages") return { of: "ChatClient", method: "get_conversation_messages", args: { user: query.user, conversation_id: query.conversation_id } };
  if (key === "rename") return { of: "ChatClient", method: "rename_conversation", args: { conversation_id: id, name: body.name, user } };
  if (key === "feedback") return { of: "DifyClient", method: "message_feedback", args: { message_id: id, rating: body.rating, user } };
  if (key === "parameters") return { of: "DifyClient", method: "get_application_parameters", args: { user: query.user } };
  return undefined;
}

function difyClient(endpoint: Endpoint, base: string, key: string, streaming: boolean): string | undefined {
  const call = difyCall(endpoint);
  if (!call && !endpoint.upload) return undefined;
  const of = call?.of ?? "DifyClient";
  const args = call
    ? Object.entries(call.args).map(([name, value]) => `    ${name}=${python(value, 1)},`)
    : [`    user="${USER}",`, `    files={"file": ("photo.png", open("photo.png", "rb"), "image/png")},`];
  return [
    `from dify_client import ${of}`,
    "",
    `client = ${of}(${JSON.stringify(key)})`,
    `client.base_url = ${JSON.stringify(base)}`,
    `response = client.${call?.method ?? "file_upload"}(`,
    ...args,
    ")",
    streaming ? PYTHON_LINES : "response.raise_for_status()\nprint(response.json())",
  ].join("\n");
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
    : endpoint.method === "DELETE"
      ? "console.log(response.status);"
      : "console.log(await response.json());";
  return `${head}const response = await fetch(${JSON.stringify(url)}, {\n${options.join("\n")}\n});\n${tail}`;
}
