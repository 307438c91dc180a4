/** Pieces of node data that several kinds share. Reading is tolerant: a bad field becomes its default. */
import { z } from "zod";

export const selectorSchema = z.array(z.string()).nullish().catch([]).transform((v) => v ?? []);

export const text = z.string().nullish().catch("").transform((v) => v ?? "");

export const flag = z.boolean().nullish().catch(false).transform((v) => v ?? false);

export const inputSchema = z.looseObject({ variable: text, value_selector: selectorSchema });
/** A named input: a local name for a variable from elsewhere. */
export type NamedInput = z.infer<typeof inputSchema>;

export const inputsSchema = z.array(inputSchema).nullish().catch([]).transform((v) => v ?? []);

export const baseShape = {
  type: z.string(),
  title: z.string(),
  desc: text,
  error_strategy: z.string().nullish().catch(undefined),
  default_value: z
    .array(z.looseObject({ key: text, type: text, value: z.unknown().optional() }))
    .nullish()
    .catch([]),
  retry_config: z
    .looseObject({ retry_enabled: flag, max_retries: z.number().catch(3), retry_interval: z.number().catch(1000) })
    .nullish()
    .catch(undefined),
};

export const modelSchema = z
  .looseObject({
    provider: text,
    name: text,
    mode: text,
    completion_params: z.record(z.string(), z.unknown()).nullish().catch({}).transform((v) => v ?? {}),
  })
  .catch({ provider: "", name: "", mode: "chat", completion_params: {} });
export type ModelChoice = z.infer<typeof modelSchema>;

/** What a model node remembers of the conversation. */
export const memorySchema = z
  .looseObject({
    window: z.looseObject({ enabled: flag, size: z.number().nullish().catch(null) }).nullish(),
    query_prompt_template: z.string().nullish(),
  })
  .nullish()
  .catch(null);
export type Memory = z.infer<typeof memorySchema>;

/** Files a model node looks at. */
export const visionSchema = z
  .looseObject({
    enabled: flag,
    configs: z.looseObject({ variable_selector: selectorSchema, detail: z.string().catch("high") }).nullish().catch(undefined),
  })
  .nullish()
  .catch({ enabled: false })
  .transform((v) => v ?? { enabled: false });
export type Vision = z.infer<typeof visionSchema>;

/** Problems of a model and of what it looks at, the same for every model node. */
export function modelProblems(data: { readonly model: ModelChoice; readonly vision: Vision }): { code: string }[] {
  const out: { code: string }[] = [];
  if (!data.model.name) out.push({ code: "noModel" });
  if (data.vision.enabled && (data.vision.configs?.variable_selector.length ?? 0) < 2) out.push({ code: "noVisionVariable" });
  return out;
}

export const NO_MODEL = { provider: "", name: "", mode: "chat", completion_params: {} };

/** A list that may be absent or broken: what cannot be read is an empty list. */
export function listOf<T extends z.ZodType>(item: T) {
  return z
    .array(item)
    .nullish()
    .catch([])
    .transform((v): z.output<T>[] => v ?? []);
}

/** Names that templates can address. */
export const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,29}$/;

/** A free name: `arg`, `arg2`, `arg3`. */
export function freeName(taken: readonly string[], wanted: string): string {
  if (!taken.includes(wanted)) return wanted;
  for (let n = 2; ; n += 1) if (!taken.includes(`${wanted}${n}`)) return `${wanted}${n}`;
}

/** Problems that every list of named inputs can have. */
export function inputProblems(inputs: readonly NamedInput[]): { code: string; values?: Record<string, string> }[] {
  const out: { code: string; values?: Record<string, string> }[] = [];
  const seen = new Set<string>();
  for (const input of inputs) {
    if (!NAME.test(input.variable)) out.push({ code: "badName", values: { name: input.variable } });
    else if (seen.has(input.variable)) out.push({ code: "sameName", values: { name: input.variable } });
    if (input.value_selector.length < 2) out.push({ code: "noValue", values: { name: input.variable } });
    seen.add(input.variable);
  }
  return out;
}
