import { Box } from "lucide-react";
import { lazy } from "react";
import { z } from "zod";
import type { CheckContext } from "../model/problems";
import type { OutputVariable } from "../model/variables";
import { schemaFields } from "../model/jsonSchema";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, flag, inputsSchema, memorySchema, modelProblems, modelSchema, selectorSchema, text, visionSchema } from "./schema";

export const messageSchema = z.looseObject({
  id: z.string().nullish(),
  role: z.string().catch("user"),
  text,
  edition_type: z.string().nullish().catch("basic"),
  jinja2_text: z.string().nullish(),
});
export type PromptMessage = z.infer<typeof messageSchema>;

const completionSchema = z.looseObject({ text, edition_type: z.string().nullish(), jinja2_text: z.string().nullish() });

const schema = z.looseObject({
  ...baseShape,
  model: modelSchema,
  prompt_template: z.union([z.array(messageSchema), completionSchema]).catch([]),
  prompt_config: z
    .looseObject({ jinja2_variables: inputsSchema })
    .nullish()
    .catch(undefined),
  memory: memorySchema,
  context: z.looseObject({ enabled: flag, variable_selector: selectorSchema }).catch({ enabled: false, variable_selector: [] }),
  vision: visionSchema,
  structured_output: z.looseObject({ schema: z.unknown().optional() }).nullish().catch(undefined),
  structured_output_enabled: flag,
  reasoning_format: z.string().nullish().catch("tagged"),
});
export type LlmData = z.infer<typeof schema>;

const USAGE: readonly OutputVariable[] = [
  { name: "prompt_tokens", type: "number" },
  { name: "completion_tokens", type: "number" },
  { name: "total_tokens", type: "number" },
  { name: "total_price", type: "number" },
  { name: "currency", type: "string" },
  { name: "latency", type: "number" },
];

export function messagesOf(data: LlmData): readonly PromptMessage[] {
  if (Array.isArray(data.prompt_template)) return data.prompt_template;
  return [{ role: "user", ...data.prompt_template }];
}

export function messageText(message: PromptMessage): string {
  return message.edition_type === "jinja2" ? (message.jinja2_text ?? "") : message.text;
}

function outputs(data: LlmData): OutputVariable[] {
  const out: OutputVariable[] = [
    { name: "text", type: "string" },
    { name: "reasoning_content", type: "string" },
    { name: "usage", type: "object", children: USAGE },
  ];
  if (data.structured_output_enabled && data.structured_output?.schema) {
    out.push({ name: "structured_output", type: "object", children: schemaFields(data.structured_output.schema) });
  }
  return out;
}

function check(data: LlmData, context: CheckContext): KindProblem[] {
  const out: KindProblem[] = [...modelProblems(data)];
  const messages = messagesOf(data);
  const texts = messages.map(messageText);
  const remembered = data.memory?.query_prompt_template?.trim();
  if (!remembered && !texts.some((t) => t.trim())) out.push({ code: "noPrompt" });
  const usesContext = texts.some((t) => t.includes("{{#context#}}"));
  if (data.context.enabled && data.context.variable_selector.length >= 2 && !usesContext) out.push({ code: "contextUnused", warning: true });
  if (usesContext && data.context.variable_selector.length < 2) out.push({ code: "contextMissing" });
  const query = data.memory?.query_prompt_template;
  if (context.mode === "advanced-chat" && data.memory && typeof query === "string" && query && !query.includes("{{#sys.query#}}")) {
    out.push({ code: "memoryNeedsQuery" });
  }
  for (const input of data.prompt_config?.jinja2_variables ?? []) {
    if (!input.variable || input.value_selector.length < 2) out.push({ code: "noValue", values: { name: input.variable } });
  }
  if (data.structured_output_enabled && !data.structured_output?.schema) out.push({ code: "noOutputSchema" });
  return out;
}

export const llm = defineKind<LlmData>({
  type: "llm",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  failable: true,
  retryable: true,
  runnable: true,
  schema,
  defaults: ({ mode, model }) => ({
    model: { provider: model?.provider ?? "", name: model?.name ?? "", mode: model?.mode ?? "chat", completion_params: {} },
    prompt_template: [
      { id: "system", role: "system", text: "" },
      { id: "user", role: "user", text: mode === "advanced-chat" ? "{{#sys.query#}}" : "" },
    ],
    context: { enabled: false, variable_selector: [] },
    vision: { enabled: false },
  }),
  outputs,
  check,
  Card: ({ data }) => (data.model.name ? <CardLine icon={Box}>{data.model.name}</CardLine> : null),
  Panel: lazy(() => import("../panels/LlmPanel").then((m) => ({ default: m.LlmPanel }))),
});
