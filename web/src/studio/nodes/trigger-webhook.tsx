import { lazy } from "react";
import { z } from "zod";
import type { OutputVariable } from "../model/variables";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, flag, listOf, text } from "./schema";

export const WEBHOOK_METHODS = ["GET", "POST", "HEAD", "PATCH", "PUT", "DELETE"];
export const CONTENT_TYPES = ["application/json", "multipart/form-data", "application/x-www-form-urlencoded", "text/plain", "application/octet-stream"];
export const WEBHOOK_TYPES = ["string", "number", "boolean", "object", "array[string]", "array[number]", "array[object]", "array[boolean]"];
const HEADER = /^[A-Za-z0-9_-]{1,64}$/;
const FIELD = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

export const rowSchema = z.looseObject({ name: text, required: flag, type: z.string().nullish().catch("string") });
export type WebhookRow = z.infer<typeof rowSchema>;

const schema = z.looseObject({
  ...baseShape,
  method: z.string().catch("POST").transform((v) => v.toUpperCase()),
  content_type: z.string().catch("application/json"),
  headers: listOf(rowSchema),
  params: listOf(rowSchema),
  body: listOf(rowSchema),
  status_code: z.number().nullish().catch(200).transform((v) => v ?? 200),
  response_body: text,
  async_mode: z.boolean().nullish().catch(true).transform((v) => v ?? true),
});
export type WebhookData = z.infer<typeof schema>;

/** Names of headers cannot be addressed with a dash. */
export function headerName(name: string): string {
  return name.replaceAll("-", "_");
}

function outputs(data: WebhookData): OutputVariable[] {
  const rows = (list: readonly WebhookRow[]) => list.filter((r) => r.name).map((r) => ({ name: r.name, type: r.type ?? "string" }));
  return [...rows(data.params), ...data.headers.filter((r) => r.name).map((r) => ({ name: headerName(r.name), type: "string" })), ...rows(data.body), { name: "_webhook_raw", type: "object" }];
}

function check(data: WebhookData): KindProblem[] {
  const out: KindProblem[] = [];
  const seen = new Set<string>();
  const read = (rows: readonly WebhookRow[], rule: RegExp) => {
    for (const { name } of rows) {
      if (!rule.test(name)) out.push({ code: "badName", values: { name } });
      else if (seen.has(headerName(name))) out.push({ code: "sameName", values: { name } });
      seen.add(headerName(name));
    }
  };
  read(data.params, FIELD);
  read(data.headers, HEADER);
  read(data.body, FIELD);
  if (data.status_code < 200 || data.status_code > 399) out.push({ code: "badStatus" });
  return out;
}

export const triggerWebhook = defineKind<WebhookData>({
  type: "trigger-webhook",
  modes: ["workflow"],
  hasInput: false,
  starts: true,
  schema,
  defaults: () => ({ method: "POST", content_type: "application/json", headers: [], params: [], body: [], async_mode: true, status_code: 200, response_body: "", timeout: 30, webhook_url: "", webhook_debug_url: "" }),
  outputs,
  check,
  Card: ({ data }) => (
    <>
      <CardLine mono>{`${data.method} ${data.content_type}`}</CardLine>
      {[...data.params, ...data.body].length > 0 ? <CardLine mono>{[...data.params, ...data.body].map((r) => r.name).join(", ")}</CardLine> : null}
    </>
  ),
  Panel: lazy(() => import("../panels/WebhookPanel").then((m) => ({ default: m.WebhookPanel }))),
});
