//! Questions in the words of Cohere's second API.

use ox_types::Json;
use serde_json::{Map, json};

use crate::{ChatRequest, ContentPart, Message, ResponseFormat, Role, ToolChoice, format};

/// The body of a question, or what the protocol cannot say.
pub fn body(request: &ChatRequest) -> Result<Json, String> {
    let messages = request.messages.iter().map(message).collect::<Result<Vec<_>, _>>()?;
    let mut body = Map::from_iter([
        ("model".to_owned(), request.model.as_str().into()),
        ("messages".to_owned(), Json::Array(messages)),
        ("stream".to_owned(), request.stream.into()),
    ]);
    let given = |name: &str| request.parameters.get(name).filter(|value| !value.is_null()).cloned();
    for (names, wire) in [
        (&["temperature"][..], "temperature"),
        (&["p", "top_p"], "p"),
        (&["k", "top_k"], "k"),
        (&["max_tokens"], "max_tokens"),
        (&["presence_penalty"], "presence_penalty"),
        (&["frequency_penalty"], "frequency_penalty"),
        (&["seed"], "seed"),
        (&["safety_mode"], "safety_mode"),
    ] {
        body.extend(names.iter().find_map(|name| given(name)).map(|value| (wire.to_owned(), value)));
    }
    if let Some(thinks) = given("thinking").as_ref().and_then(Json::as_bool) {
        let mut thinking = json!({"type": if thinks { "enabled" } else { "disabled" }});
        if let Some(budget) = given("thinking_budget").filter(|_| thinks) {
            thinking["token_budget"] = budget;
        }
        body.insert("thinking".into(), thinking);
    }
    let stop: Vec<&String> = request.stop.iter().filter(|word| !word.is_empty()).collect();
    if !stop.is_empty() {
        body.insert("stop_sequences".into(), json!(stop));
    }
    match format::asked(request) {
        None | Some(ResponseFormat::Text) => {}
        Some(ResponseFormat::JsonObject) => _ = body.insert("response_format".into(), json!({"type": "json_object"})),
        Some(ResponseFormat::JsonSchema { schema, .. }) => {
            body.insert("response_format".into(), json!({"type": "json_object", "schema": schema}));
        }
    }
    if !request.tools.is_empty() && request.tool_choice != ToolChoice::None {
        // One tool is named by leaving out the others.
        let wanted = |tool: &&crate::ToolSpec| match &request.tool_choice {
            ToolChoice::Named(name) => tool.name == *name,
            _ => true,
        };
        let tool = |tool: &crate::ToolSpec| {
            json!({"type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.parameters}})
        };
        body.insert("tools".into(), request.tools.iter().filter(wanted).map(tool).collect());
        if matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_)) {
            body.insert("tool_choice".into(), "REQUIRED".into());
        }
    }
    Ok(Json::Object(body))
}

fn message(message: &Message) -> Result<Json, String> {
    let mut wire = json!({"role": message.role.as_str()});
    let is_text = message.content.iter().all(|part| matches!(part, ContentPart::Text { .. }));
    let content: Json = if is_text {
        message.plain_text().into()
    } else {
        Json::Array(message.content.iter().map(part).collect::<Result<Vec<_>, _>>()?)
    };
    match message.role {
        Role::Tool => {
            wire["tool_call_id"] = message.tool_call_id.as_deref().unwrap_or_default().into();
            wire["content"] = content;
        }
        Role::Assistant if !message.tool_calls.is_empty() => {
            let call = |call: &crate::ToolCall| {
                let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
                json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
            };
            wire["tool_calls"] = message.tool_calls.iter().map(call).collect();
            let text = message.plain_text();
            // What is said beside calls is the plan for them.
            if let Some(plan) = message.reasoning.clone().or(Some(text)).filter(|plan| !plan.is_empty()) {
                wire["tool_plan"] = plan.into();
            }
        }
        _ => wire["content"] = content,
    }
    Ok(wire)
}

fn part(part: &ContentPart) -> Result<Json, String> {
    match part {
        ContentPart::Text { text } => Ok(json!({"type": "text", "text": text})),
        ContentPart::Image(media) => Ok(json!({"type": "image_url", "image_url": {"url": media.as_url()}})),
        _ => Err("models of this provider take texts and images: a message holds another file".into()),
    }
}
