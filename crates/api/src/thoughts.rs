//! Rounds of agents in their wire forms.

use ox_app::model::AgentThought;
use serde_json::{Map, Value, json};

/// A round as messages list it.
pub fn item(thought: &AgentThought) -> Value {
    json!({
        "id": thought.id,
        "chain_id": null,
        "message_id": thought.message_id,
        "position": thought.position,
        "thought": thought.thought,
        "tool": thought.tool,
        "tool_labels": thought.tool_labels,
        "tool_input": thought.tool_input,
        "created_at": thought.created_at.timestamp(),
        "observation": thought.observation,
        "files": thought.message_files,
    })
}

/// Names of the tools that were called.
pub fn tools(thought: &AgentThought) -> impl Iterator<Item = &str> {
    thought.tool.as_deref().unwrap_or_default().split(';').filter(|name| !name.is_empty())
}

/// Who answered, where that is not the model of the app.
pub fn answered_by(thought: &AgentThought) -> Option<Value> {
    by_tool(thought.tool_process_data.as_deref()).shift_remove("answered_by")
}

/// What of the prompt was cut for the model's window.
pub fn context_window(thought: &AgentThought) -> Option<Value> {
    by_tool(thought.tool_process_data.as_deref()).shift_remove("context_window")
}

/// JSON text that tells of each tool.
pub fn by_tool(text: Option<&str>) -> Map<String, Value> {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
