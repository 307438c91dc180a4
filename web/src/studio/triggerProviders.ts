/** Providers of events and the workspace's subscriptions to them, as the trigger panel reads them. */
import { z } from "zod";
import { transport } from "./transport";

const told = z.union([z.string(), z.record(z.string(), z.string().nullish())]).nullish().catch(null);

const fieldSchema = z.looseObject({
  name: z.string(),
  type: z.string().catch("string"),
  label: told,
  description: told,
  required: z.boolean().nullish().catch(false),
  default: z.unknown().optional(),
  options: z
    .array(z.looseObject({ value: z.string(), label: told }))
    .nullish()
    .catch([]),
});
export type TriggerField = z.infer<typeof fieldSchema>;

/** A form is a list of fields, or a map of them by name. */
const formSchema = z
  .preprocess(
    (v) => (v && typeof v === "object" && !Array.isArray(v) ? Object.entries(v).map(([name, field]) => ({ name, ...(field as object) })) : v),
    z.array(fieldSchema),
  )
  .nullish()
  .catch([])
  .transform((v) => v ?? []);

const eventSchema = z.looseObject({
  name: z.string(),
  identity: z.looseObject({ label: told }).nullish().catch(null),
  description: told,
  parameters: formSchema,
  output_schema: z.record(z.string(), z.unknown()).nullish().catch(null),
});

const providerSchema = z.looseObject({
  name: z.string(),
  label: told,
  plugin_id: z.string().nullish().catch(""),
  plugin_unique_identifier: z.string().nullish().catch(""),
  supported_creation_methods: z.array(z.string()).catch([]),
  subscription_constructor: z.looseObject({ parameters: formSchema, credentials_schema: formSchema }).nullish().catch(null),
  subscription_schema: formSchema,
  events: z.array(eventSchema).catch([]),
});
export type TriggerProvider = z.infer<typeof providerSchema>;

const subscriptionSchema = z.looseObject({ id: z.string(), name: z.string(), endpoint: z.string(), credential_type: z.string() });
const builderSchema = z.looseObject({ id: z.string(), endpoint: z.string() });
const logSchema = z.looseObject({
  id: z.string(),
  request: z.looseObject({ method: z.string() }),
  response: z.looseObject({ status_code: z.number() }),
});

export type Values = Readonly<Record<string, unknown>>;

export function toldIn(text: z.infer<typeof told>, language: string, otherwise: string): string {
  if (typeof text === "string") return text || otherwise;
  return text?.[language.toLowerCase().startsWith("zh") ? "zh_Hans" : "en_US"] || text?.en_US || otherwise;
}

const of = (provider: string) => `/workspaces/current/trigger-provider/${encodeURIComponent(provider)}/subscriptions`;

export async function triggerProviders(): Promise<TriggerProvider[]> {
  return z.array(providerSchema).parse(await transport().json("GET", "/workspaces/current/triggers"));
}

export async function subscriptions(provider: string) {
  return z.array(subscriptionSchema).parse(await transport().json("GET", `${of(provider)}/list`));
}

export async function createBuilder(provider: string, credential_type: string) {
  const answer = await transport().json("POST", `${of(provider)}/builder/create`, { credential_type });
  return z.looseObject({ subscription_builder: builderSchema }).parse(answer).subscription_builder;
}

export async function builderLogs(provider: string, builder: string) {
  const answer = await transport().json("GET", `${of(provider)}/builder/logs/${encodeURIComponent(builder)}`);
  return z.looseObject({ logs: z.array(logSchema) }).parse(answer).logs;
}

export async function verifyBuilder(provider: string, builder: string, credentials: Values): Promise<void> {
  await transport().json("POST", `${of(provider)}/builder/verify-and-update/${encodeURIComponent(builder)}`, { credentials });
}

export async function buildSubscription(provider: string, builder: string, body: { name: string; parameters?: Values; properties?: Values }): Promise<void> {
  await transport().json("POST", `${of(provider)}/builder/build/${encodeURIComponent(builder)}`, body);
}
