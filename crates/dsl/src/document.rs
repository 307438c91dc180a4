//! The app document: envelope, version rule, import and export (DSL reference §1).

mod export;
mod pipeline;
#[cfg(test)]
mod tests;

pub use export::{Export, ExportBody, Protect};
use ox_text::yaml;
use ox_types::Json;
pub use pipeline::{PIPELINE_KIND, PIPELINE_VERSION, PipelineBody, PipelineDocument, PipelineExport};
use serde_json::Map;

use crate::{
    variables::{self, Scope, Variable, VariableError},
    version::{self, ImportStatus},
};

/// Largest document, in bytes.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;

/// Kind of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppMode {
    Completion,
    Workflow,
    Chat,
    AdvancedChat,
    AgentChat,
}

impl AppMode {
    /// All modes, in the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Workflow, Self::AdvancedChat, Self::Chat, Self::AgentChat, Self::Completion];

    /// The name in files and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::Workflow => "workflow",
            Self::Chat => "chat",
            Self::AdvancedChat => "advanced-chat",
            Self::AgentChat => "agent-chat",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }

    /// Whether the app is a graph (and not a `model_config`).
    #[must_use]
    pub const fn has_graph(self) -> bool {
        matches!(self, Self::Workflow | Self::AdvancedChat)
    }
}

/// An app's name and look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppInfo {
    pub name: String,
    pub description: String,
    /// `emoji`, `image` or `link`.
    pub icon_type: String,
    pub icon: String,
    pub icon_background: String,
    pub use_icon_as_answer_icon: bool,
    /// Fields we do not know.
    pub extra: Map<String, Json>,
}

/// A document whose envelope could be read. What it holds is read by [`AppDocument::body`], so that
/// a document from the future can be told about before its contents are understood.
#[derive(Clone, Debug, PartialEq)]
pub struct AppDocument {
    pub info: AppInfo,
    /// As written; an unknown mode fails in [`AppDocument::body`].
    pub mode_name: String,
    pub version: String,
    /// What importing it into this version ends in.
    pub status: ImportStatus,
    pub dependencies: Vec<Json>,
    /// The whole document as it was read.
    pub raw: Json,
}

/// What a document holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Workflow(WorkflowBody),
    /// The `model_config` of a basic app, as it was read.
    Basic(Json),
}

/// A workflow as stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkflowBody {
    pub graph: Json,
    pub features: Json,
    pub environment_variables: Vec<Variable>,
    pub conversation_variables: Vec<Variable>,
}

/// A document cannot be imported; the texts are those of the compatible system.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DocumentError {
    #[error("File size exceeds the limit of 10MB")]
    TooLarge,
    #[error("Invalid YAML format: {0}")]
    Yaml(#[source] yaml::YamlError),
    #[error("Invalid YAML format: content must be a mapping")]
    NotMapping,
    #[error("Missing app data in YAML content")]
    NoApp,
    #[error("Invalid version type, expected str, got <class '{0}'>")]
    VersionType(&'static str),
    #[error("Invalid version: '{0}'")]
    Version(String),
    #[error("Missing rag_pipeline data in YAML content")]
    NoPipeline,
    #[error("Missing workflow data for rag pipeline")]
    NoPipelineWorkflow,
    #[error("workflow.rag_pipeline_variables must be a list")]
    PipelineVariables,
    #[error("loss app mode")]
    NoMode,
    #[error("Invalid app mode")]
    UnknownMode,
    #[error("Missing workflow data for workflow/advanced chat app")]
    NoWorkflow,
    #[error("Missing model_config for chat/agent-chat/completion app")]
    NoModelConfig,
    #[error("workflow.{0} must be a mapping")]
    Shape(&'static str),
    #[error(transparent)]
    Variable(#[from] VariableError),
}

impl AppDocument {
    /// Reads a document from YAML (or JSON) text.
    ///
    /// # Errors
    /// When the envelope cannot be understood.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        if text.len() > MAX_BYTES {
            return Err(DocumentError::TooLarge);
        }
        let raw = yaml::parse(text).map_err(DocumentError::Yaml)?;
        Self::from_json(raw)
    }

    /// Reads a document that is parsed already.
    ///
    /// # Errors
    /// When the envelope cannot be understood.
    pub fn from_json(mut raw: Json) -> Result<Self, DocumentError> {
        let fields = raw.as_object_mut().ok_or(DocumentError::NotMapping)?;
        if fields.get("kind").and_then(Json::as_str) != Some("app") {
            fields.insert("kind".into(), "app".into());
        }
        let version = match fields.get("version") {
            Some(Json::String(version)) if !version.is_empty() => version.clone(),
            None | Some(Json::Null | Json::String(_)) => version::OLDEST.to_owned(),
            Some(other) => return Err(DocumentError::VersionType(python_class(other))),
        };
        let status = version::import_status(&version, version::CURRENT);
        if status == ImportStatus::Failed {
            return Err(DocumentError::Version(version));
        }
        let app = match fields.get("app") {
            Some(Json::Object(app)) if !app.is_empty() => app,
            _ => return Err(DocumentError::NoApp),
        };
        let mode_name = match app.get("mode") {
            Some(Json::String(mode)) if !mode.is_empty() => mode.clone(),
            _ => return Err(DocumentError::NoMode),
        };
        let dependencies = fields.get("dependencies").and_then(Json::as_array).cloned().unwrap_or_default();
        Ok(Self { info: AppInfo::read(app), mode_name, version, status, dependencies, raw })
    }

    /// The app's mode.
    ///
    /// # Errors
    /// When it is none that can be imported.
    pub fn mode(&self) -> Result<AppMode, DocumentError> {
        AppMode::parse(&self.mode_name).ok_or(DocumentError::UnknownMode)
    }

    /// What the document holds, unchanged. The graph is not checked: a draft may be unfinished.
    ///
    /// # Errors
    /// When a part is missing or has a wrong form.
    pub fn body(&self) -> Result<Body, DocumentError> {
        if !self.mode()?.has_graph() {
            let config = self.raw.get("model_config").filter(|config| !is_empty(config));
            return config.cloned().map(Body::Basic).ok_or(DocumentError::NoModelConfig);
        }
        let workflow =
            self.raw.get("workflow").filter(|workflow| !is_empty(workflow)).ok_or(DocumentError::NoWorkflow)?;
        let part = |name: &'static str| match workflow.get(name) {
            None | Some(Json::Null) => Ok(Json::Object(Map::new())),
            Some(part @ Json::Object(_)) => Ok(part.clone()),
            Some(_) => Err(DocumentError::Shape(name)),
        };
        Ok(Body::Workflow(WorkflowBody {
            graph: part("graph")?,
            features: part("features")?,
            environment_variables: variables::parse(workflow.get("environment_variables"), Scope::Environment)?,
            conversation_variables: variables::parse(workflow.get("conversation_variables"), Scope::Conversation)?,
        }))
    }
}

/// Anything but a mapping with content.
fn is_empty(json: &Json) -> bool {
    json.as_object().is_none_or(Map::is_empty)
}

fn python_class(json: &Json) -> &'static str {
    match json {
        Json::Bool(_) => "bool",
        Json::Number(number) if number.is_f64() => "float",
        Json::Number(_) => "int",
        Json::Array(_) => "list",
        Json::Object(_) => "dict",
        Json::String(_) => "str",
        Json::Null => "NoneType",
    }
}

impl AppInfo {
    fn read(app: &Map<String, Json>) -> Self {
        let text = |key: &str| match app.get(key) {
            Some(Json::String(text)) => text.clone(),
            None | Some(Json::Null) => String::new(),
            Some(other) => other.to_string(),
        };
        let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
        let icon_type = text("icon_type");
        let known = ["name", "description", "mode", "icon_type", "icon", "icon_background", "use_icon_as_answer_icon"];
        Self {
            name: text("name"),
            description: text("description"),
            icon_type: if matches!(&*icon_type, "image" | "link") { icon_type } else { "emoji".into() },
            icon: text("icon"),
            icon_background: or(text("icon_background"), "#FFFFFF"),
            use_icon_as_answer_icon: app.get("use_icon_as_answer_icon").and_then(Json::as_bool).unwrap_or(false),
            extra: app
                .iter()
                .filter(|(key, _)| !known.contains(&key.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        }
    }
}

/// Reads back the dataset ids that an export protected: a plain UUID stays, anything else is given
/// to `decrypt`, and what is no UUID then is dropped (DSL reference §1.3).
pub fn restore_dataset_ids(graph: &mut Json, decrypt: &dyn Fn(&str) -> Option<String>) {
    let is_uuid = |text: &str| uuid::Uuid::try_parse(text).is_ok();
    for node in graph.get_mut("nodes").and_then(Json::as_array_mut).into_iter().flatten() {
        if node.pointer("/data/type").and_then(Json::as_str) != Some("knowledge-retrieval") {
            continue;
        }
        let Some(ids) = node.pointer_mut("/data/dataset_ids").and_then(Json::as_array_mut) else { continue };
        let restored = ids
            .iter()
            .filter_map(Json::as_str)
            .filter_map(|id| if is_uuid(id) { Some(id.to_owned()) } else { decrypt(id).filter(|id| is_uuid(id)) });
        *ids = restored.map(Json::from).collect();
    }
}
