//! A client of MCP servers: streamable HTTP, and the older way over SSE; sign-in by OAuth; programs over stdio.
//!
//! A session is opened for a piece of work and closed after it; a program goes on for a while. What a server says is bounded in size, number and time,
//! and answers to something that was not asked are left aside.

mod content;
mod events;
mod http;
pub mod oauth;
mod session;
mod stdio;
mod transport;

use std::time::Duration;

use ox_models::I18n;
use ox_types::Json;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{OptionView, ParameterView, ToolView, openapi::Resolver};

pub use session::{Called, Session};
pub use stdio::{Program, Programs};

/// Protocol versions that are spoken, the newest first.
pub const VERSIONS: &[&str] = &["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// Tools of one server.
pub const MAX_TOOLS: usize = 1000;
/// Values that the schema of one parameter may become.
const MAX_VALUES: usize = 10_000;

/// Where a server is and how it is called.
#[derive(Clone, Debug)]
pub struct Server {
    pub url: String,
    /// Sent with every call; any of them may be a secret.
    pub headers: Vec<(String, String)>,
    /// Of OAuth.
    pub token: Option<String>,
    /// For an answer to begin.
    pub timeout: Duration,
    /// For a call to end.
    pub read_timeout: Duration,
}

/// Why a server could not be used; the text is for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It wants somebody to sign in.
    #[error("The MCP server wants a sign-in.")]
    Unauthorized {
        /// Where it says how.
        metadata: Option<String>,
        scope: Option<String>,
    },
    /// Not one that speaks this way.
    #[error("{0}")]
    NotSpoken(String),
    /// The session has ended there.
    #[error("The MCP server has forgotten the session.")]
    SessionGone,
    /// It answers with an error.
    #[error("The MCP server answers with an error: {message} ({code})")]
    Remote { code: i64, message: String },
    /// It does not keep to the protocol.
    #[error("The MCP server does not keep to the protocol: {0}")]
    Protocol(String),
    /// It cannot be reached, or not in time.
    #[error("The MCP server cannot be called: {0}")]
    Net(String),
}

/// A tool as its server describes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct McpTool {
    pub name: String,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default, rename = "inputSchema")]
    pub input_schema: Json,
    #[serde(default, rename = "outputSchema")]
    pub output_schema: Json,
}

impl McpTool {
    /// As it is shown.
    #[must_use]
    pub fn view(&self, author: &str) -> ToolView {
        let described = self.description.clone().unwrap_or_default();
        let required: Vec<&str> =
            self.input_schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        let fields = self.input_schema["properties"].as_object().into_iter().flatten();
        ToolView {
            author: author.to_owned(),
            name: self.name.clone(),
            label: I18n::same(self.title.as_deref().unwrap_or(&self.name)),
            description: I18n::same(&described),
            parameters: fields
                .map(|(name, schema)| {
                    let schema = in_place(&self.input_schema, schema);
                    parameter(name, &schema, required.contains(&name.as_str()))
                })
                .collect(),
            labels: Vec::new(),
            output_schema: self.output_schema.clone(),
            for_model: described,
        }
    }
}

/// The schema of a parameter with what it refers to: it is passed on alone, and a reference would lead nowhere there.
fn in_place(document: &Json, schema: &Json) -> Json {
    let mut found = Resolver::making(document, MAX_VALUES).resolve(schema).unwrap_or_else(|_| {
        let kind = crate::openapi::type_of(schema).unwrap_or("object");
        json!({"type": kind})
    });
    if let Json::Object(found) = &mut found {
        // What stands beside a reference says more of it.
        for name in ["title", "description", "default"] {
            if let Some(own) = schema.get(name) {
                found.insert(name.to_owned(), own.clone());
            }
        }
    }
    found
}

fn parameter(name: &str, schema: &Json, required: bool) -> ParameterView {
    let described = schema["description"].as_str().or_else(|| schema["title"].as_str()).unwrap_or_default();
    let options: Vec<OptionView> = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .map(|value| OptionView { value: value.to_owned(), label: I18n::same(value), icon: None })
        .collect();
    let kind = match crate::openapi::type_of(schema) {
        Some("integer" | "number") => "number",
        Some("boolean") => "boolean",
        Some("array") => "array",
        Some("object") => "object",
        _ if !options.is_empty() => "select",
        _ => "string",
    };
    ParameterView {
        name: name.to_owned(),
        label: I18n::same(schema["title"].as_str().unwrap_or(name)),
        human_description: Some(I18n::same(described)),
        kind: kind.to_owned(),
        form: "llm".to_owned(),
        llm_description: Some(described.to_owned()),
        required,
        default: schema["default"].clone(),
        min: schema["minimum"].as_f64(),
        max: schema["maximum"].as_f64(),
        options,
        input_schema: schema.clone(),
        ..ParameterView::default()
    }
}

#[cfg(test)]
mod tests;
