/** Model providers, their credentials and models. */
import { queryOptions } from "@tanstack/react-query";
import type { Localised } from "../lib/format";
import { get, json, patch, post, put, remove } from "../lib/http";

export interface FormField {
  readonly variable: string;
  readonly label: Localised;
  readonly type: "text-input" | "secret-input" | "select" | "radio" | "switch";
  readonly required: boolean;
  readonly default?: string | null;
  readonly options?: readonly { readonly value: string; readonly label: Localised }[] | null;
  readonly placeholder?: Localised;
  readonly show_on?: readonly { readonly variable: string; readonly value: string }[] | null;
}

export interface Provider {
  readonly provider: string;
  readonly label: Localised;
  readonly description?: Localised;
  readonly help?: { readonly title?: Localised; readonly url?: Localised } | null;
  readonly supported_model_types: readonly string[];
  readonly configurate_methods: readonly string[];
  readonly provider_credential_schema: { readonly credential_form_schemas: readonly FormField[] } | null;
  readonly model_credential_schema: {
    readonly model?: { readonly label?: Localised; readonly placeholder?: Localised };
    readonly credential_form_schemas: readonly FormField[];
  } | null;
  readonly custom_configuration: {
    readonly status: string;
    readonly current_credential_id: string | null;
    readonly current_credential_name: string | null;
    readonly available_credentials: readonly { readonly credential_id: string; readonly credential_name: string }[] | null;
  };
  readonly system_configuration?: { readonly enabled: boolean };
  /** `false`: nothing has to be entered before it answers. */
  readonly needs_credentials?: boolean;
  /** Built from its documentation, and never yet seen to answer. */
  readonly untested?: boolean;
}

export interface Model {
  readonly model: string;
  readonly label: Localised;
  readonly model_type: string;
  readonly features: readonly string[] | null;
  readonly fetch_from: string;
  readonly model_properties: { readonly mode?: string; readonly context_size?: number };
  readonly status: string;
  /** A list of the workspace keeps it from the member or the app. */
  readonly refused?: { readonly by: "role" | "app"; readonly what: "model" | "region"; readonly message: string } | null;
  readonly load_balancing_enabled?: boolean;
  readonly pricing?: Pricing | null;
}

/** `unit` is what a token of the price counts: `0.000001` where it is for a million of them. */
export interface Pricing {
  readonly input?: string | number | null;
  readonly output?: string | number | null;
  readonly unit?: string | number | null;
  readonly currency?: string | null;
}

/** The price of a million tokens, in and out; none where it is not known. */
export function perMillion(
  pricing: Pricing | null | undefined,
): { readonly input: number; readonly output: number | undefined; readonly currency: string } | undefined {
  if (!pricing || pricing.input === undefined || pricing.input === null) return undefined;
  const scale = Number(pricing.unit ?? 0.000001) * 1_000_000;
  const input = Number(pricing.input) * scale;
  if (!Number.isFinite(input)) return undefined;
  const output = pricing.output === undefined || pricing.output === null ? undefined : Number(pricing.output) * scale;
  return { input, output, currency: pricing.currency || "USD" };
}

/** A key among which the calls of a model are spread. */
export interface BalancedKey {
  readonly id?: string;
  /** `__inherit__` is the key that is used anyway. */
  readonly name: string;
  readonly credential_id?: string | null;
  readonly credentials?: Values;
  readonly enabled: boolean;
  readonly in_cooldown?: boolean;
  /** Seconds for which it is still left alone. */
  readonly ttl?: number;
}

export interface ModelKeys {
  readonly load_balancing: { readonly enabled: boolean; readonly configs: readonly BalancedKey[] };
  readonly available_credentials: readonly { readonly credential_id: string; readonly credential_name: string }[];
}

/** A model that is asked when another does not answer. */
export interface Fallback {
  readonly provider: string;
  readonly model: string;
}

export interface ModelGroup {
  readonly provider: string;
  readonly label: Localised;
  readonly status: string;
  readonly models: readonly Model[];
}

export interface ParameterRule {
  readonly name: string;
  readonly label: Localised;
  readonly help: Localised;
  readonly type: "float" | "int" | "string" | "boolean" | "text";
  readonly required: boolean;
  readonly default: unknown;
  readonly min: number | null;
  readonly max: number | null;
  readonly precision: number | null;
  readonly options: readonly string[] | null;
}

export type Values = Readonly<Record<string, string>>;

const W = "/workspaces/current";
const at = (provider: string) => `${W}/model-providers/${provider}`;

export const providers = queryOptions({ queryKey: ["models", "providers"], queryFn: () => get<{ data: Provider[] }>(`${W}/model-providers`) });
export const providerModels = (provider: string) =>
  queryOptions({ queryKey: ["models", "of", provider], queryFn: () => get<{ data: Model[] }>(`${at(provider)}/models`) });
/** With an app, the models that it may not use are marked as well. */
export const modelsOfType = (type: string, app?: string) =>
  queryOptions({
    queryKey: ["models", "type", type, app ?? ""],
    queryFn: () => get<{ data: ModelGroup[] }>(`${W}/models/model-types/${type}`, app ? { app_id: app } : undefined),
    staleTime: 60_000,
  });
export const defaultModel = (type: string) =>
  queryOptions({
    queryKey: ["models", "default", type],
    queryFn: () => get<{ data: { model: string; provider: { provider: string; label: Localised } } | null }>(`${W}/default-model`, { model_type: type }),
  });
export const parameterRules = (provider: string, model: string) =>
  queryOptions({
    queryKey: ["models", "rules", provider, model],
    queryFn: () => get<{ data: ParameterRule[] }>(`${at(provider)}/models/parameter-rules`, { model }),
    staleTime: 300_000,
  });
export const credentialOf = (provider: string, id: string) =>
  queryOptions({
    queryKey: ["models", "credential", provider, id],
    queryFn: () => get<{ credentials: Values | null }>(`${at(provider)}/credentials`, { credential_id: id }),
    staleTime: 0,
  });

type ModelName = Pick<Model, "model" | "model_type">;

export const modelKeys = (provider: string, { model, model_type }: ModelName) =>
  queryOptions({
    queryKey: ["models", "keys", provider, model_type, model],
    queryFn: () => get<ModelKeys>(`${at(provider)}/models/credentials`, { model, model_type }),
    staleTime: 0,
  });
export const fallbacksOf = (provider: string, { model, model_type }: ModelName) =>
  queryOptions({
    queryKey: ["models", "fallbacks", provider, model_type, model],
    queryFn: () => get<{ fallbacks: Fallback[] }>(`${at(provider)}/models/fallbacks`, { model, model_type }),
    staleTime: 0,
  });

/** Hidden values keep what is stored. */
const keptValues = (values: Values | undefined) => Object.fromEntries(Object.keys(values ?? {}).map((name) => [name, "[__HIDDEN__]"]));
export const saveBalancing = (provider: string, { model, model_type }: ModelName, enabled: boolean, keys: readonly BalancedKey[]) =>
  post(`${at(provider)}/models`, {
    model,
    model_type,
    load_balancing: {
      enabled,
      configs: keys.map((key) => ({
        ...(key.id ? { id: key.id } : {}),
        name: key.name,
        credential_id: key.credential_id ?? null,
        credentials: keptValues(key.credentials),
        enabled: key.enabled,
      })),
    },
  });
export const saveFallbacks = (provider: string, { model, model_type }: ModelName, fallbacks: readonly Fallback[]) =>
  put(`${at(provider)}/models/fallbacks?${new URLSearchParams({ model, model_type })}`, { fallbacks });

export const setDefaultModel = (type: string, provider: string, model: string) =>
  post(`${W}/default-model`, { model_settings: [{ model_type: type, provider, model }] });
export const addCredential = (provider: string, credentials: Values, name: string) =>
  post(`${at(provider)}/credentials`, { credentials, ...(name ? { name } : {}) });
export const changeCredential = (provider: string, id: string, credentials: Values, name: string) =>
  put(`${at(provider)}/credentials`, { credential_id: id, credentials, ...(name ? { name } : {}) });
export const deleteCredential = (provider: string, id: string) => remove(`${at(provider)}/credentials`, { credential_id: id });
export const switchCredential = (provider: string, id: string) => post(`${at(provider)}/credentials/switch`, { credential_id: id });
/** How a test of credentials went; the times are those between the server and the provider. */
export interface Tried {
  readonly result: string;
  readonly error?: string;
  readonly latency_ms?: number;
  /** Of models that write. */
  readonly first_token_ms?: number | null;
}

/** A stored key with nothing sent is tried as it is stored. */
export const testCredential = (provider: string, id: string | undefined, credentials: Values, signal?: AbortSignal) =>
  json<Tried>(`${at(provider)}/credentials/validate`, {
    method: "POST",
    body: { credential_id: id ?? null, credentials },
    ...(signal ? { signal } : {}),
  });
export const enableModel = (provider: string, model: Pick<Model, "model" | "model_type">, on: boolean) =>
  patch(`${at(provider)}/models/${on ? "enable" : "disable"}`, { model: model.model, model_type: model.model_type });
export const addModel = (provider: string, model: string, modelType: string, credentials: Values, name: string) =>
  post(`${at(provider)}/models/credentials`, { model, model_type: modelType, credentials, ...(name ? { name } : {}) });
export const testModel = (provider: string, model: string, modelType: string, credentials: Values) =>
  post<Tried>(`${at(provider)}/models/credentials/validate`, { model, model_type: modelType, credentials });
/** The keys of the models that were added by name. */
export async function keysOfModels(
  provider: string,
  signal: AbortSignal,
): Promise<readonly { readonly model: Model; readonly id: string; readonly name: string }[]> {
  const { data } = await json<{ data: Model[] }>(`${at(provider)}/models`, { signal });
  const found = [];
  for (const model of data.filter((each) => each.fetch_from === "customizable-model").slice(0, 50)) {
    const query = { model: model.model, model_type: model.model_type };
    const keys = await json<ModelKeys>(`${at(provider)}/models/credentials`, { query, signal });
    found.push(...keys.available_credentials.map((key) => ({ model, id: key.credential_id, name: `${model.model}, ${key.credential_name}` })));
  }
  return found;
}

/** A stored key of a model, as it is stored. */
export const testModelKey = (provider: string, { model, model_type }: ModelName, id: string, signal: AbortSignal) =>
  json<Tried>(`${at(provider)}/models/credentials/validate`, {
    method: "POST",
    body: { model, model_type, credential_id: id, credentials: {} },
    signal,
  });
export const deleteModel = (provider: string, model: Pick<Model, "model" | "model_type">) =>
  json(`${at(provider)}/models`, { method: "DELETE", body: { model: model.model, model_type: model.model_type } });

/** The fields to show for what is filled in so far. */
export function shownFields(fields: readonly FormField[], values: Values): FormField[] {
  return fields.filter((field) =>
    (field.show_on ?? []).every((rule) => (values[rule.variable] ?? fields.find((f) => f.variable === rule.variable)?.default ?? "") === rule.value),
  );
}

export function isConfigured(provider: Provider): boolean {
  return (
    provider.custom_configuration.status === "active" ||
    (provider.custom_configuration.available_credentials ?? []).length > 0 ||
    provider.system_configuration?.enabled === true
  );
}

/** Old files name a provider by its last part; both forms are the same provider. */
export function sameProvider(a: string, b: string): boolean {
  return a === b || a.split("/").at(-1) === b.split("/").at(-1);
}
