//! Tools that need no key and no network: the clock and arithmetic.

mod arithmetic;
mod clock;

use async_trait::async_trait;
use futures::StreamExt;
use ox_engine::RunInfo;
use ox_types::Json;
use serde_json::Map;

use crate::{
    Absent, CallError, CallMessage, CallStream, ToolDeclaration, ToolInvocation, ToolName, ToolParameter, ToolPort,
};

/// The providers `time` and `maths`; every other one is absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltinTools;

/// A tool: its provider, name, parameters (name, kind, required) and what it says.
struct Tool {
    provider: &'static str,
    name: &'static str,
    parameters: &'static [(&'static str, &'static str, bool)],
    run: fn(&Arguments<'_>) -> Result<String, String>,
}

const TOOLS: &[Tool] = &[
    Tool {
        provider: "time",
        name: "current_time",
        parameters: &[("format", "string", false), ("timezone", "select", false)],
        run: clock::current_time,
    },
    Tool {
        provider: "time",
        name: "localtime_to_timestamp",
        parameters: &[("localtime", "string", true), ("timezone", "string", false)],
        run: clock::localtime_to_timestamp,
    },
    Tool {
        provider: "time",
        name: "timestamp_to_localtime",
        parameters: &[("timestamp", "number", true), ("timezone", "string", false)],
        run: clock::timestamp_to_localtime,
    },
    Tool {
        provider: "time",
        name: "timezone_conversion",
        parameters: &[
            ("current_time", "string", true),
            ("current_timezone", "string", false),
            ("target_timezone", "string", false),
        ],
        run: clock::timezone_conversion,
    },
    Tool {
        provider: "time",
        name: "weekday",
        parameters: &[("year", "number", true), ("month", "select", true), ("day", "number", true)],
        run: clock::weekday,
    },
    Tool {
        provider: "maths",
        name: "eval_expression",
        parameters: &[("expression", "string", true)],
        run: |arguments| arithmetic::evaluate(&arguments.required("expression")?),
    },
];

/// Parameters and settings of a call, as texts.
pub struct Arguments<'a> {
    parameters: &'a Map<String, Json>,
    settings: &'a Map<String, Json>,
}

impl Arguments<'_> {
    /// A value that is set and not blank.
    fn get(&self, name: &str) -> Option<String> {
        let set = |map: &Map<String, Json>| map.get(name).filter(|value| !value.is_null()).cloned();
        let value = set(self.parameters).or_else(|| set(self.settings))?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!text.trim().is_empty()).then_some(text)
    }

    fn required(&self, name: &str) -> Result<String, String> {
        self.get(name).ok_or_else(|| format!("tool parameter {name} not found in tool config"))
    }
}

fn find(name: &ToolName) -> Option<&'static Tool> {
    let provider = if name.provider_id.is_empty() { &name.provider_name } else { &name.provider_id };
    // Compat: newer files write `author/plugin/provider`.
    let provider = provider.rsplit('/').next().unwrap_or_default();
    let is_builtin = matches!(name.provider_type.as_str(), "builtin" | "");
    TOOLS.iter().find(|tool| is_builtin && tool.provider == provider && tool.name == name.tool)
}

#[async_trait]
impl ToolPort for BuiltinTools {
    async fn describe(&self, run: &RunInfo, name: &ToolName) -> Result<ToolDeclaration, CallError> {
        let Some(tool) = find(name) else { return Absent.describe(run, name).await };
        let parameter = |(name, kind, required): &(&str, &str, bool)| ToolParameter {
            name: (*name).to_owned(),
            kind: (*kind).to_owned(),
            required: *required,
            ..ToolParameter::default()
        };
        Ok(ToolDeclaration {
            parameters: tool.parameters.iter().map(parameter).collect(),
            ..ToolDeclaration::default()
        })
    }

    async fn invoke(&self, run: &RunInfo, call: ToolInvocation) -> Result<CallStream, CallError> {
        let Some(tool) = find(&call.tool) else { return Absent.invoke(run, call).await };
        let arguments = Arguments { parameters: &call.parameters, settings: &call.settings };
        let said = (tool.run)(&arguments).map_err(|why| CallError::missing("ToolInvokeError", why))?;
        Ok(futures::stream::iter([Ok(CallMessage::Text(said))]).boxed())
    }
}

#[cfg(test)]
mod tests;
