//! What a tool says, as messages.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ox_nodes::CallMessage;
use ox_types::Json;

/// The parts of a result.
pub fn messages(result: &Json) -> Vec<CallMessage> {
    let mut said: Vec<CallMessage> = result["content"].as_array().into_iter().flatten().filter_map(part).collect();
    let structured = &result["structuredContent"];
    if structured.is_object() {
        if said.is_empty() {
            said.push(CallMessage::Text(structured.to_string()));
        }
        said.push(CallMessage::Json(structured.clone()));
        return said;
    }
    let data: Vec<CallMessage> = said
        .iter()
        .filter_map(|message| match message {
            CallMessage::Text(text) => serde_json::from_str(text).ok().filter(Json::is_object).map(CallMessage::Json),
            _ => None,
        })
        .collect();
    said.extend(data);
    said
}

/// The words of a result.
pub fn text(result: &Json) -> String {
    let parts = result["content"].as_array().into_iter().flatten().filter_map(|part| part["text"].as_str());
    parts.collect::<Vec<_>>().join("\n")
}

fn part(part: &Json) -> Option<CallMessage> {
    let text = |value: &Json| value.as_str().map(str::to_owned);
    match part["type"].as_str()? {
        "text" => text(&part["text"]).map(CallMessage::Text),
        "image" | "audio" => blob(&part["data"], &part["mimeType"], None),
        "resource" => {
            let resource = &part["resource"];
            let name =
                resource["uri"].as_str().and_then(|uri| uri.rsplit('/').next()).filter(|name| name.contains('.'));
            text(&resource["text"])
                .map(CallMessage::Text)
                .or_else(|| blob(&resource["blob"], &resource["mimeType"], name))
        }
        "resource_link" => text(&part["uri"]).map(CallMessage::Link),
        _ => None,
    }
}

fn blob(data: &Json, mime: &Json, name: Option<&str>) -> Option<CallMessage> {
    let bytes = STANDARD.decode(data.as_str()?.trim()).ok()?;
    let mime = mime.as_str().unwrap_or("application/octet-stream").to_owned();
    Some(CallMessage::Blob { bytes: bytes.into(), mime, filename: name.map(str::to_owned) })
}
