//! Operations of OpenAPI documents as tools: reading them, and calling them.

mod parse;
mod refs;
mod request;
mod swagger;

use ox_types::Json;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::{ParameterView, ToolView};

pub(crate) use parse::type_of;
pub use parse::{parse, plugin_address};
pub(crate) use refs::Resolver;
pub(crate) use request::multipart;
pub use request::{Attachment, Auth, Invocation, call, typed};

/// Most operations of one document.
pub const MAX_OPERATIONS: usize = 100;
/// Most bytes of one document.
pub const MAX_DOCUMENT: usize = 5 * 1024 * 1024;

/// A document that cannot be used; the text is for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

/// An operation, with everything that a call of it needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// With the path of the operation.
    pub server_url: String,
    /// Small letters.
    pub method: String,
    #[serde(default)]
    pub summary: Option<String>,
    pub operation_id: String,
    #[serde(default)]
    pub parameters: Vec<ParameterView>,
    #[serde(default)]
    pub author: String,
    #[serde(default)]
    pub icon: Option<String>,
    /// The operation itself, with what it refers to put in its place.
    #[serde(default)]
    pub openapi: Json,
    #[serde(default)]
    pub output_schema: Json,
}

impl Bundle {
    /// As it is shown.
    #[must_use]
    pub fn view(&self, author: &str, labels: &[String]) -> ToolView {
        let summary = self.summary.clone().unwrap_or_default();
        ToolView {
            author: author.to_owned(),
            name: self.operation_id.clone(),
            label: ox_models::I18n::same(&self.operation_id),
            description: ox_models::I18n::same(&summary),
            parameters: self.parameters.clone(),
            labels: labels.to_vec(),
            output_schema: self.output_schema.clone(),
            for_model: summary,
        }
    }
}

/// How one signs in to the service by OAuth, as a security scheme of the document says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthFlow {
    pub authorization_url: String,
    pub token_url: String,
    /// Separated by spaces.
    pub scope: String,
}

/// What was read of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// `openapi` or `swagger`.
    pub kind: &'static str,
    pub description: String,
    pub bundles: Vec<Bundle>,
    /// What is odd about it, by operation.
    pub warnings: Map<String, Json>,
    /// The first flow with a code.
    pub oauth: Option<OAuthFlow>,
}

#[cfg(test)]
mod tests;
