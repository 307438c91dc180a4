import { lazy } from "react";
import { z } from "zod";
import type { OutputVariable } from "../model/variables";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, text } from "./schema";

const schema = z.looseObject({
  ...baseShape,
  provider_id: text,
  provider_name: text,
  plugin_id: text,
  event_name: text,
  subscription_id: text,
  event_parameters: z.record(z.string(), z.unknown()).nullish().catch({}).transform((v) => v ?? {}),
  output_schema: z
    .looseObject({ properties: z.record(z.string(), z.looseObject({ type: z.string().catch("string") }).catch({ type: "string" })).nullish().catch({}) })
    .nullish()
    .catch(null),
});
export type PluginTriggerData = z.infer<typeof schema>;

/** The bare value of a parameter: old documents have it without `{type, value}`. */
export function parameterValue(set: unknown): unknown {
  return set && typeof set === "object" && "type" in set && "value" in set ? set.value : set;
}

const TYPES: Readonly<Record<string, string>> = { integer: "number", number: "number", boolean: "boolean", object: "object", array: "array[object]" };

function outputs(data: PluginTriggerData): OutputVariable[] {
  return Object.entries(data.output_schema?.properties ?? {}).map(([name, field]) => ({ name, type: TYPES[field.type] ?? "string" }));
}

function check(data: PluginTriggerData): KindProblem[] {
  const out: KindProblem[] = [];
  if (!data.event_name) out.push({ code: "noEvent" });
  if (!data.subscription_id) out.push({ code: "noSubscription" });
  out.push({ code: "needsPlugin", values: { plugin: data.plugin_id || data.provider_id }, warning: true });
  return out;
}

/** Files bring it; the palette does not offer it, as nothing that ships with the server has events. */
export const triggerPlugin = defineKind<PluginTriggerData>({
  type: "trigger-plugin",
  modes: [],
  hasInput: false,
  starts: true,
  schema,
  defaults: () => ({ provider_id: "", provider_name: "", plugin_id: "", event_name: "", subscription_id: "", event_parameters: {} }),
  outputs,
  check,
  Card: ({ data }) => <CardLine mono>{[data.provider_name || data.provider_id, data.event_name].filter(Boolean).join(" · ")}</CardLine>,
  Panel: lazy(() => import("../panels/PluginTriggerPanel").then((m) => ({ default: m.PluginTriggerPanel }))),
});
