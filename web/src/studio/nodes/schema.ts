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
