//! How an agent app works: `agent_mode` of its configuration (DSL reference §5.2).

use ox_agents::{Rules, Strategy, WantedTool};
use ox_db::model::AppModelConfig;
use ox_models::{ModelFeature, ModelKind, ModelMode, ModelRuntime, ModelScope};
use ox_nodes::ToolName;
use ox_types::Json;

use crate::{AppCaller, Services, chat::prompt::BasicPrompt, runs::AppMode};

/// Rounds of an app that names no number.
const DEFAULT_ITERATIONS: u32 = 10;
/// Most tools of one app.
const MAX_TOOLS: usize = 100;

/// How an agent app works.
#[derive(Clone, Debug)]
pub(crate) struct AgentMode {
    pub strategy: Strategy,
    pub max_iterations: u32,
    pub tools: Vec<WantedTool>,
    /// A prompt of the app's own for `ReAct`.
    pub prompt: Option<String>,
}

impl AgentMode {
    /// The mode of an agent app; `None` for other apps, and for those that only choose among knowledge bases.
    pub async fn of(
        services: &Services,
        caller: &AppCaller,
        config: &AppModelConfig,
        prompt: &BasicPrompt,
    ) -> Option<Self> {
        if caller.app.mode != AppMode::AgentChat {
            return None;
        }
        let agent = config.agent_mode.clone().unwrap_or_default();
        let strategy = strategy(&agent, &prompt.model.provider)?;
        let scope = ModelScope { app_id: Some(caller.app.app.id), ..ModelScope::of(caller.tenant_id()) };
        let spec = services.models.describe(&scope, &prompt.model, ModelKind::Llm).await;
        let calls_itself = prompt.model.mode == ModelMode::Chat
            && spec.is_some_and(|spec| spec.has(ModelFeature::ToolCall) || spec.has(ModelFeature::MultiToolCall));
        let strategy = match strategy {
            // Compat: a model that calls tools itself is let do so.
            Strategy::ReAct if calls_itself => Strategy::FunctionCalling,
            other => other,
        };
        let tools = agent.get("tools").and_then(Json::as_array).into_iter().flatten();
        Some(Self {
            strategy,
            max_iterations: iterations(&agent),
            tools: tools.filter_map(wanted).take(MAX_TOOLS).collect(),
            prompt: agent
                .pointer("/prompt/first_prompt")
                .and_then(Json::as_str)
                .filter(|text| !text.trim().is_empty())
                .map(str::to_owned),
        })
    }
}

/// The strategy that a configuration names.
fn strategy(agent: &Json, provider: &str) -> Option<Strategy> {
    match agent.get("strategy").and_then(Json::as_str).unwrap_or_default() {
        "function_call" | "function_calling" => Some(Strategy::FunctionCalling),
        "cot" | "react" => Some(Strategy::ReAct),
        "plan_execute" => Some(Strategy::PlanExecute),
        "router" | "react_router" => None,
        _ if provider.rsplit('/').next() == Some("openai") => Some(Strategy::FunctionCalling),
        _ => Some(Strategy::ReAct),
    }
}

fn iterations(agent: &Json) -> u32 {
    let number = agent.get("max_iteration").or_else(|| agent.get("max_iterations"));
    let number = number.and_then(|number| number.as_u64().or_else(|| number.as_str()?.trim().parse().ok()));
    number.map_or(DEFAULT_ITERATIONS, |number| u32::try_from(number).unwrap_or(u32::MAX).max(1))
}

/// A tool that is switched on. Compat: entries of the old form name knowledge bases, nothing else of them works.
fn wanted(tool: &Json) -> Option<WantedTool> {
    if tool.as_object()?.len() < 4 || tool.get("enabled").and_then(Json::as_bool) != Some(true) {
        return None;
    }
    let text = |name: &str| tool.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let optional = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    let tool_name = optional("tool_name")?;
    let values = tool.get("tool_parameters").and_then(Json::as_object);
    let set = values.into_iter().flatten().filter(|(_, value)| !value.is_null());
    Some(WantedTool {
        name: ToolName {
            provider_type: optional("provider_type").unwrap_or_else(|| "builtin".to_owned()),
            provider_id: text("provider_id"),
            provider_name: text("provider_name"),
            tool: tool_name,
            credential_id: optional("credential_id"),
            plugin_unique_identifier: optional("plugin_unique_identifier"),
        },
        label: text("tool_label"),
        description: String::new(),
        fixed: serde_json::Map::new(),
        settings: set.map(|(name, value)| (name.clone(), value.clone())).collect(),
        rules: Rules::read(tool),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_strategy_that_is_meant() {
        for (named, provider, expected) in [
            (json!("function_call"), "x", Some(Strategy::FunctionCalling)),
            (json!("react"), "openai", Some(Strategy::ReAct)),
            (json!("cot"), "openai", Some(Strategy::ReAct)),
            (json!("plan_execute"), "x", Some(Strategy::PlanExecute)),
            (json!("router"), "openai", None),
            (json!("react_router"), "x", None),
            (json!(null), "langgenius/openai/openai", Some(Strategy::FunctionCalling)),
            (json!("other"), "anthropic", Some(Strategy::ReAct)),
        ] {
            assert_eq!(strategy(&json!({"strategy": named}), provider), expected, "{named} {provider}");
        }
        for (agent, expected) in [
            (json!({}), 10),
            (json!({"max_iteration": 3}), 3),
            (json!({"max_iteration": "7"}), 7),
            (json!({"max_iteration": 0}), 1),
        ] {
            assert_eq!(iterations(&agent), expected, "{agent}");
        }
    }

    #[test]
    fn tools_that_are_switched_on() {
        let tool = |enabled: Json| {
            json!({"enabled": enabled, "provider_type": "builtin", "provider_id": "time", "provider_name": "time",
                "tool_name": "current_time", "tool_label": "Now", "tool_parameters": {"format": "%Y", "none": null}})
        };
        let found = wanted(&tool(json!(true))).unwrap();
        assert_eq!((found.name.provider_id.as_str(), found.name.tool.as_str()), ("time", "current_time"));
        assert_eq!(Json::Object(found.settings), json!({"format": "%Y"}));
        for off in [tool(json!(false)), tool(json!(null)), json!({"dataset": {"enabled": true, "id": "x"}}), json!(1)] {
            assert!(wanted(&off).is_none(), "{off}");
        }
    }
}
