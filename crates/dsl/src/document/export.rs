//! Writing documents (DSL reference §1.4).

use ox_text::yaml::{self, YamlError};
use ox_types::Json;
use serde_json::{Map, json};

use super::{AppInfo, AppMode, WorkflowBody};
use crate::{
    hash::sorted,
    variables::{self, Scope, Secrets},
    version,
};

/// How a dataset id is protected in a file that may leave the workspace.
pub type Protect<'a> = &'a dyn Fn(&str) -> String;

/// An app to be written as a document.
pub struct Export<'a> {
    pub info: &'a AppInfo,
    pub mode: AppMode,
    pub body: ExportBody<'a>,
    pub dependencies: &'a [Json],
    /// Secrets are written in plain text.
    pub include_secret: bool,
    /// `None` writes dataset ids as they are.
    pub protect_dataset_ids: Option<Protect<'a>>,
}

/// What is exported.
pub enum ExportBody<'a> {
    Workflow(&'a WorkflowBody),
    Basic(&'a Json),
}

impl Export<'_> {
    /// The document with its keys in alphabetical order.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut document = Map::new();
        document.insert("app".into(), self.app());
        document.insert("kind".into(), "app".into());
        document.insert("version".into(), version::CURRENT.into());
        document.insert("dependencies".into(), Json::Array(self.dependencies.to_vec()));
        match self.body {
            ExportBody::Workflow(body) => document.insert("workflow".into(), self.workflow(body)),
            ExportBody::Basic(config) => document.insert("model_config".into(), self.model_config(config)),
        };
        sorted(&Json::Object(document))
    }

    /// The document as YAML text.
    ///
    /// # Errors
    /// Only when the writer itself fails.
    pub fn to_yaml(&self) -> Result<String, YamlError> {
        yaml::write(&self.to_json())
    }

    fn app(&self) -> Json {
        let info = self.info;
        let mut app = info.extra.clone();
        let mut put = |key: &str, value: Json| app.insert(key.to_owned(), value);
        put("name", info.name.clone().into());
        put("description", info.description.clone().into());
        put("mode", self.mode.as_str().into());
        put("icon_type", info.icon_type.clone().into());
        put("icon", info.icon.clone().into());
        put("icon_background", info.icon_background.clone().into());
        put("use_icon_as_answer_icon", info.use_icon_as_answer_icon.into());
        Json::Object(app)
    }

    fn workflow(&self, body: &WorkflowBody) -> Json {
        let secrets = if self.include_secret { Secrets::Plain } else { Secrets::Empty };
        let mut graph = body.graph.clone();
        for node in graph.get_mut("nodes").and_then(Json::as_array_mut).into_iter().flatten() {
            if let Some(data) = node.get_mut("data").and_then(Json::as_object_mut) {
                self.clean_node(data);
            }
        }
        json!({
            "graph": graph,
            "features": body.features,
            "environment_variables": variables::write(&body.environment_variables, Scope::Environment, secrets),
            "conversation_variables": variables::write(&body.conversation_variables, Scope::Conversation, Secrets::Plain),
            "rag_pipeline_variables": [],
        })
    }

    /// Takes out of a node what only means something in its workspace.
    fn clean_node(&self, data: &mut Map<String, Json>) {
        let kind = data.get("type").and_then(Json::as_str).unwrap_or_default().to_owned();
        match kind.as_str() {
            "knowledge-retrieval" => {
                let ids = data.get_mut("dataset_ids").and_then(Json::as_array_mut);
                if let (Some(protect), Some(ids)) = (self.protect_dataset_ids, ids) {
                    for id in ids.iter_mut() {
                        *id = id.as_str().map(|text| Json::from(protect(text))).unwrap_or_default();
                    }
                }
            }
            "tool" if !self.include_secret => {
                data.remove("credential_id");
            }
            "agent" if !self.include_secret => {
                let tools = data.get_mut("agent_parameters").and_then(|p| p.pointer_mut("/tools/value"));
                remove_credentials(tools.and_then(Json::as_array_mut));
            }
            "trigger-schedule" => {
                let visual = json!({"time": "12:00 AM", "on_minute": 0, "weekdays": ["sun"], "monthly_days": [1]});
                if let Some(config) = data.get_mut("config") {
                    *config =
                        json!({"mode": "visual", "frequency": "daily", "visual_config": visual, "timezone": "UTC"});
                }
            }
            "trigger-webhook" => {
                for key in ["webhook_url", "webhook_debug_url"] {
                    data.insert(key.into(), "".into());
                }
            }
            "trigger-plugin" => {
                data.insert("subscription_id".into(), "".into());
            }
            "start" => {
                for variable in data.get_mut("variables").and_then(Json::as_array_mut).into_iter().flatten() {
                    strip_local_files(variable);
                }
            }
            _ => {}
        }
    }

    fn model_config(&self, config: &Json) -> Json {
        let mut config = config.clone();
        if !self.include_secret {
            remove_credentials(config.pointer_mut("/agent_mode/tools").and_then(Json::as_array_mut));
        }
        config
    }
}

fn remove_credentials(tools: Option<&mut Vec<Json>>) {
    for tool in tools.into_iter().flatten() {
        if let Some(tool) = tool.as_object_mut() {
            tool.remove("credential_id");
        }
    }
}

/// A default that points to an upload of this workspace means nothing elsewhere.
fn strip_local_files(variable: &mut Json) {
    let is_file = matches!(variable.get("type").and_then(Json::as_str), Some("file" | "file-list"));
    let Some(default) = variable.get_mut("default").filter(|_| is_file) else { return };
    let local = |file: &Json| {
        file.get("transfer_method").and_then(Json::as_str) == Some("local_file")
            || file.get("upload_file_id").is_some()
            || file.get("uploadedId").is_some()
    };
    match default {
        Json::Array(files) => files.retain(|file| !local(file)),
        ref file if local(file) => *default = Json::Null,
        _ => {}
    }
}
