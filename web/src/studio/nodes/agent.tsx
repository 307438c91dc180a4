import { Box, Wrench } from "lucide-react";
import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, listOf, memorySchema, text } from "./schema";
import { hasInput, inputOf } from "./tool";

const parametersSchema = z.record(z.string(), z.unknown()).nullish().catch({}).transform((v) => v ?? {});

export const agentToolSchema = z.looseObject({
  enabled: z.boolean().nullish().catch(true).transform((v) => v ?? true),
  type: z.string().catch("builtin"),
  provider_name: text,
  provider_show_name: z.string().nullish(),
  tool_name: text,
  tool_label: text,
  tool_description: text,
  parameters: parametersSchema,
  settings: parametersSchema,
  credential_id: z.string().nullish().catch(null),
  extra: z.looseObject({ description: text }).nullish().catch(undefined),
});
export type AgentTool = z.infer<typeof agentToolSchema>;

/** The model of an agent names itself `model`, not `name`. */
export const agentModelSchema = z
  .looseObject({ provider: text, model: text, mode: text, completion_params: z.record(z.string(), z.unknown()).nullish().catch({}).transform((v) => v ?? {}) })
  .catch({ provider: "", model: "", mode: "chat", completion_params: {} });

const schema = z.looseObject({
  ...baseShape,
  agent_strategy_provider_name: text,
  agent_strategy_name: text,
  agent_strategy_label: text,
  agent_parameters: parametersSchema,
  memory: memorySchema,
});
export type AgentData = z.infer<typeof schema>;

export const STRATEGIES = ["function_calling", "ReAct"];
export const STRATEGY_PROVIDER = "langgenius/agent/agent";

export function agentModel(data: AgentData) {
  return agentModelSchema.parse(inputOf(data.agent_parameters, "model")?.value ?? {});
}

export function agentTools(data: AgentData): AgentTool[] {
  return listOf(agentToolSchema).parse(inputOf(data.agent_parameters, "tools")?.value ?? []);
}

function Card({ data }: { data: AgentData }) {
  const { t } = useTranslation("studio");
  const model = agentModel(data).model;
  const tools = agentTools(data).filter((x) => x.enabled).length;
  return (
    <>
      {data.agent_strategy_name ? <CardLine>{data.agent_strategy_label || t(`agent.strategies.${data.agent_strategy_name}`, { defaultValue: data.agent_strategy_name })}</CardLine> : null}
      {model ? <CardLine icon={Box}>{model}</CardLine> : null}
      {tools > 0 ? <CardLine icon={Wrench}>{t("agent.toolCount", { count: tools })}</CardLine> : null}
    </>
  );
}

export const agent = defineKind<AgentData>({
  type: "agent",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  failable: true,
  runnable: true,
  schema,
  defaults: ({ mode, model }) => ({
    agent_strategy_provider_name: STRATEGY_PROVIDER,
    agent_strategy_name: "function_calling",
    agent_strategy_label: "FunctionCalling",
    agent_parameters: {
      model: { type: "constant", value: { provider: model?.provider ?? "", model: model?.name ?? "", model_type: "llm", mode: model?.mode ?? "chat", completion_params: {} } },
      tools: { type: "constant", value: [] },
      instruction: { type: "mixed", value: "" },
      query: { type: "mixed", value: mode === "advanced-chat" ? "{{#sys.query#}}" : "" },
      maximum_iterations: { type: "constant", value: 5 },
    },
    tool_node_version: "2",
  }),
  outputs: () => [
    { name: "text", type: "string" },
    { name: "usage", type: "object" },
    { name: "files", type: "array[file]" },
    { name: "json", type: "array[object]" },
  ],
  check: (data): KindProblem[] => {
    const out: KindProblem[] = [];
    if (!data.agent_strategy_name) out.push({ code: "noStrategy" });
    if (!agentModel(data).model) out.push({ code: "noModel" });
    if (!hasInput(inputOf(data.agent_parameters, "query"))) out.push({ code: "noAgentQuery" });
    return out;
  },
  Card,
  Panel: lazy(() => import("../panels/AgentPanel").then((m) => ({ default: m.AgentPanel }))),
});
