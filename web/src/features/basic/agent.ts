/** What models can do for agents. Pure. */
import { type ModelGroup, sameProvider } from "../../data/models";
import type { Config, ModelChoice } from "./model";

/** A way of ours that any model can go: a plan, its steps, an answer. */
export const PLAN = "plan_execute";

/** Whether the model calls tools by itself; unknown while models are read, or where it is not there. */
export function canCallTools(groups: readonly ModelGroup[] | undefined, choice: ModelChoice | undefined): boolean | undefined {
  if (!groups || !choice) return undefined;
  const model = groups.find((group) => sameProvider(group.provider, choice.provider))?.models.find((each) => each.model === choice.name);
  return model ? (model.features ?? []).some((feature) => feature === "tool-call" || feature === "multi-tool-call") : undefined;
}

/** How an agent works is the model's matter: one that cannot call tools is told of them in words. */
export function wired(groups: readonly ModelGroup[] | undefined, config: Config): Config {
  const callsTools = canCallTools(groups, config.model);
  return config.agent && callsTools !== undefined && config.agent.strategy !== PLAN
    ? { ...config, agent: { ...config.agent, strategy: callsTools ? "function_call" : "react" } }
    : config;
}
