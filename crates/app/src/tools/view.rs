//! Tool providers as the Studio sees them.

use ox_models::I18n;
use ox_tools::ToolView;
use ox_types::Json;
use serde::Serialize;
use serde_json::Map;

/// A provider with its tools.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ProviderView {
    pub id: String,
    pub author: String,
    pub name: String,
    pub plugin_id: Option<String>,
    pub plugin_unique_identifier: String,
    pub description: I18n,
    /// An address, or `{content, background}`.
    pub icon: Json,
    pub icon_dark: Json,
    pub label: I18n,
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The default credentials, masked.
    pub team_credentials: Map<String, Json>,
    pub is_team_authorization: bool,
    pub allow_delete: bool,
    pub tools: Vec<ToolView>,
    pub labels: Vec<String>,
    /// What only one kind has.
    #[serde(flatten)]
    pub more: Map<String, Json>,
}
