//! External data: variables of a basic app that an API extension fills before the model is asked.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, future::BoxFuture};
use ox_types::{AppId, Json, Object, TenantId, Value};
use serde_json::json;
use uuid::Uuid;

use crate::{Error, Result, Services, extensions};

/// Extensions that are asked at the same time.
const AT_ONCE: usize = 4;
/// More are not asked.
const MOST: usize = 50;

/// One variable and who fills it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tool {
    variable: String,
    /// The extension, or why it cannot be asked.
    extension: Result<Uuid, String>,
}

/// The external variables of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExternalTools(Vec<Tool>);

impl ExternalTools {
    /// Reads `external_data_tools` and the `external_data_tool` entries of the form.
    pub fn read(tools: Option<&Json>, form: Option<&Json>) -> Self {
        let listed = tools.and_then(Json::as_array).into_iter().flatten();
        let asked =
            form.and_then(Json::as_array).into_iter().flatten().filter_map(|item| item.get("external_data_tool"));
        let mut found: Vec<Tool> = Vec::new();
        for item in listed.chain(asked) {
            // Compat: an entry without a switch is on.
            let is_on = item.get("enabled").and_then(Json::as_bool).unwrap_or(true);
            let variable = item.get("variable").and_then(Json::as_str).unwrap_or_default();
            if is_on
                && !variable.is_empty()
                && found.len() < MOST
                && !found.iter().any(|tool| tool.variable == variable)
            {
                found.push(Tool { variable: variable.to_owned(), extension: extension(item) });
            }
        }
        Self(found)
    }

    /// Adds the variables to the inputs.
    ///
    /// # Errors
    /// 400 when one of them cannot be had.
    pub async fn fill(
        &self,
        services: &Arc<Services>,
        tenant: TenantId,
        app: AppId,
        inputs: &mut Object,
        query: &str,
    ) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let given: Json = Json::Object(inputs.iter().map(|(name, value)| (name.clone(), value.to_json())).collect());
        let mut calls: Vec<BoxFuture<'static, Result<(String, String)>>> = Vec::with_capacity(self.0.len());
        for tool in self.0.iter().cloned() {
            let params = json!({"app_id": app, "tool_variable": tool.variable, "inputs": given, "query": query});
            let services = Arc::clone(services);
            calls.push(Box::pin(async move {
                let text = ask(&services, tenant, &tool, params).await?;
                Ok((tool.variable, text))
            }));
        }
        let found: Vec<(String, String)> = futures::stream::iter(calls).buffered(AT_ONCE).try_collect().await?;
        inputs.extend(found.into_iter().map(|(name, text)| (name, Value::from(text))));
        Ok(())
    }
}

fn extension(item: &Json) -> Result<Uuid, String> {
    let kind = item.get("type").and_then(Json::as_str).unwrap_or("api");
    if kind != "api" {
        return Err(format!("tools of the type '{kind}' are not available here"));
    }
    let id = item.pointer("/config/api_based_extension_id").and_then(Json::as_str).unwrap_or_default();
    id.parse().map_err(|_| "api_based_extension_id is required".to_owned())
}

async fn ask(services: &Arc<Services>, tenant: TenantId, tool: &Tool, params: Json) -> Result<String> {
    let failed = |why: &str| {
        Error::invalid(format!("[External data tool] API query failed, variable: {}, error: {why}", tool.variable))
    };
    let id = tool.extension.as_ref().map_err(|why| failed(why))?;
    let answer = extensions::ask(services, tenant, *id, "app.external_data_tool.query", params).await;
    match answer.map_err(|error| failed(&error.message))?.get("result") {
        None => Err(failed("result not found in response")),
        Some(Json::String(text)) => Ok(text.clone()),
        Some(_) => Err(failed("result is not string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_found_in_both_places_once() {
        let id = ox_types::new_uuid();
        let tool =
            |name: &str, id: &str| json!({"type": "api", "variable": name, "config": {"api_based_extension_id": id}});
        let mut off = tool("off", "x");
        off["enabled"] = false.into();
        let tools = json!([tool("a", &id.to_string()), off, {"type": "code", "variable": "c"}]);
        let form = json!([{"text-input": {"variable": "t"}}, {"external_data_tool": tool("a", "x")}, {"external_data_tool": tool("b", "")}]);
        let found = ExternalTools::read(Some(&tools), Some(&form)).0;
        let names: Vec<&str> = found.iter().map(|tool| tool.variable.as_str()).collect();
        assert_eq!(names, ["a", "c", "b"]);
        assert_eq!(found[0].extension, Ok(id));
        assert!(found[1].extension.is_err() && found[2].extension.is_err());
        assert_eq!(ExternalTools::read(None, None), ExternalTools::default());
    }
}
