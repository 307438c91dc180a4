import { lazy } from "react";
import { z } from "zod";
import { useVariableNames } from "../store/useVariableNames";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, selectorSchema, text } from "./schema";

export const METHODS = ["get", "post", "put", "patch", "delete", "head"];
export const BODY_TYPES = ["none", "json", "raw-text", "form-data", "x-www-form-urlencoded", "binary"];

export const bodyItemSchema = z.looseObject({
  key: text,
  type: z.string().catch("text"),
  value: text,
  file: selectorSchema,
});
export type BodyItem = z.infer<typeof bodyItemSchema>;

/** Old files hold the body as one text. */
const bodyData = z
  .union([z.array(bodyItemSchema), z.string().transform((value): BodyItem[] => [{ type: "text", key: "", value, file: [] }])])
  .nullish()
  .catch([])
  .transform((v) => v ?? []);

const authSchema = z.looseObject({
  type: z.string().catch("no-auth"),
  config: z.looseObject({ type: z.string().catch("bearer"), api_key: text, header: text }).nullish().catch(null),
});

const seconds = z.number().nullish().catch(undefined);

const schema = z.looseObject({
  ...baseShape,
  method: z.string().catch("get"),
  url: text,
  authorization: authSchema.catch({ type: "no-auth", config: null }),
  headers: text,
  params: text,
  body: z.looseObject({ type: z.string().catch("none"), data: bodyData }).nullish().catch(null),
  timeout: z.looseObject({ connect: seconds, read: seconds, write: seconds }).nullish().catch(undefined),
  ssl_verify: z.boolean().nullish().catch(undefined),
});
export type HttpData = z.infer<typeof schema>;

function check(data: HttpData): KindProblem[] {
  const out: KindProblem[] = [];
  const url = data.url.trim();
  if (!url) out.push({ code: "noUrl" });
  else if (!/^(https?:\/\/|\{\{#)/i.test(url)) out.push({ code: "badUrl" });
  if (data.authorization.type === "api-key" && !data.authorization.config?.api_key.trim()) out.push({ code: "noKey" });
  if (data.body?.type === "binary" && (data.body.data[0]?.file.length ?? 0) < 2) out.push({ code: "noBinary" });
  return out;
}

function Card({ data }: { data: HttpData }) {
  const url = useVariableNames(data.url);
  return url ? (
    <CardLine mono>
      {data.method.toUpperCase()} {url}
    </CardLine>
  ) : null;
}

export const httpRequest = defineKind<HttpData>({
  type: "http-request",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  failable: true,
  retryable: true,
  runnable: true,
  schema,
  defaults: () => ({
    method: "get",
    url: "",
    authorization: { type: "no-auth", config: null },
    headers: "",
    params: "",
    body: { type: "none", data: [] },
    timeout: { max_connect_timeout: 0, max_read_timeout: 0, max_write_timeout: 0 },
    ssl_verify: true,
    retry_config: { retry_enabled: true, max_retries: 3, retry_interval: 100 },
  }),
  outputs: () => [
    { name: "body", type: "string" },
    { name: "status_code", type: "number" },
    { name: "headers", type: "object" },
    { name: "files", type: "array[file]" },
  ],
  check,
  Card,
  Panel: lazy(() => import("../panels/HttpPanel").then((m) => ({ default: m.HttpPanel }))),
});
