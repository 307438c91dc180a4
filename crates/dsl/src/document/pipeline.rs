//! Documents of knowledge pipelines (`kind: rag_pipeline`): the same envelope with a version line of its own.

use ox_text::yaml;
use ox_types::Json;
use serde_json::{Map, json};

use super::{AppInfo, AppMode, DocumentError, Export, ExportBody, MAX_BYTES, WorkflowBody, is_empty, python_class};
use crate::{
    hash::sorted,
    variables::{self, Scope, Variable},
    version::{self, ImportStatus},
};

/// The version we write.
pub const PIPELINE_VERSION: &str = "0.1.0";
/// What stands in `kind`.
pub const PIPELINE_KIND: &str = "rag_pipeline";

/// A pipeline document whose envelope could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineDocument {
    /// Name and look of the knowledge base.
    pub info: AppInfo,
    pub version: String,
    /// What importing it into this version ends in.
    pub status: ImportStatus,
    pub dependencies: Vec<Json>,
    raw: Json,
}

/// A pipeline as stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PipelineBody {
    pub graph: Json,
    pub environment_variables: Vec<Variable>,
    /// What its users are asked.
    pub rag_pipeline_variables: Vec<Json>,
}

impl PipelineDocument {
    /// Reads a document from YAML (or JSON) text.
    ///
    /// # Errors
    /// When the envelope cannot be understood, or is that of an app.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        if text.len() > MAX_BYTES {
            return Err(DocumentError::TooLarge);
        }
        let raw = yaml::parse(text).map_err(DocumentError::Yaml)?;
        let fields = raw.as_object().ok_or(DocumentError::NotMapping)?;
        let version = match fields.get("version") {
            Some(Json::String(version)) if !version.is_empty() => version.clone(),
            None | Some(Json::Null | Json::String(_)) => version::OLDEST.to_owned(),
            Some(other) => return Err(DocumentError::VersionType(python_class(other))),
        };
        let status = version::import_status(&version, PIPELINE_VERSION);
        if status == ImportStatus::Failed {
            return Err(DocumentError::Version(version));
        }
        let info = match fields.get(PIPELINE_KIND) {
            Some(Json::Object(info)) if !info.is_empty() => AppInfo::read(info),
            _ => return Err(DocumentError::NoPipeline),
        };
        let dependencies = fields.get("dependencies").and_then(Json::as_array).cloned().unwrap_or_default();
        Ok(Self { info, version, status, dependencies, raw })
    }

    /// What the document holds, unchanged. The graph is not checked: a draft may be unfinished.
    ///
    /// # Errors
    /// When a part is missing or has a wrong form.
    pub fn body(&self) -> Result<PipelineBody, DocumentError> {
        let workflow = self.raw.get("workflow").filter(|workflow| !is_empty(workflow));
        let workflow = workflow.ok_or(DocumentError::NoPipelineWorkflow)?;
        let graph = match workflow.get("graph") {
            Some(graph @ Json::Object(_)) => graph.clone(),
            _ => return Err(DocumentError::Shape("graph")),
        };
        let rag_pipeline_variables = match workflow.get("rag_pipeline_variables") {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(variables)) => variables.clone(),
            Some(_) => return Err(DocumentError::PipelineVariables),
        };
        let environment_variables = variables::parse(workflow.get("environment_variables"), Scope::Environment)?;
        Ok(PipelineBody { graph, environment_variables, rag_pipeline_variables })
    }
}

/// A pipeline to be written as a document.
pub struct PipelineExport<'a> {
    pub info: &'a AppInfo,
    pub body: &'a PipelineBody,
    pub dependencies: &'a [Json],
    /// Secrets are written in plain text.
    pub include_secret: bool,
}

impl PipelineExport<'_> {
    /// The document with its keys in alphabetical order.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let body = WorkflowBody {
            graph: self.body.graph.clone(),
            features: json!({}),
            environment_variables: self.body.environment_variables.clone(),
            conversation_variables: Vec::new(),
        };
        let export = Export {
            info: self.info,
            mode: AppMode::Workflow,
            body: ExportBody::Workflow(&body),
            dependencies: self.dependencies,
            include_secret: self.include_secret,
            protect_dataset_ids: None,
        };
        let mut document = export.to_json();
        if let Some(fields) = document.as_object_mut() {
            fields.remove("app");
            fields.insert("kind".into(), PIPELINE_KIND.into());
            fields.insert("version".into(), PIPELINE_VERSION.into());
            fields.insert(PIPELINE_KIND.into(), self.info_json());
        }
        if let Some(workflow) = document.get_mut("workflow").and_then(Json::as_object_mut) {
            workflow.insert("rag_pipeline_variables".into(), json!(self.body.rag_pipeline_variables));
        }
        if !self.include_secret {
            without_credentials(document.pointer_mut("/workflow/graph/nodes"));
        }
        sorted(&document)
    }

    /// The document as YAML text.
    ///
    /// # Errors
    /// Only when the writer itself fails.
    pub fn to_yaml(&self) -> Result<String, yaml::YamlError> {
        yaml::write(&self.to_json())
    }

    fn info_json(&self) -> Json {
        let info = self.info;
        let mut out: Map<String, Json> = info.extra.clone();
        for (name, text) in [
            ("name", &info.name),
            ("description", &info.description),
            ("icon_type", &info.icon_type),
            ("icon", &info.icon),
            ("icon_background", &info.icon_background),
        ] {
            out.insert(name.into(), text.clone().into());
        }
        Json::Object(out)
    }
}

/// Which credential a datasource uses means nothing in another workspace.
fn without_credentials(nodes: Option<&mut Json>) {
    for node in nodes.and_then(Json::as_array_mut).into_iter().flatten() {
        let data = node.get_mut("data").and_then(Json::as_object_mut);
        if let Some(data) = data.filter(|data| data.get("type").and_then(Json::as_str) == Some("datasource")) {
            data.remove("credential_id");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
kind: rag_pipeline
version: 0.1.0
rag_pipeline: {name: Files, description: d, icon: 📙, icon_type: emoji, icon_background: '#FFF4ED', odd: kept}
dependencies: []
workflow:
  graph:
    nodes: [{id: d, data: {type: datasource, credential_id: c, keep: 1}}]
    edges: []
  environment_variables: [{id: e, name: key, value_type: secret, value: hidden}]
  rag_pipeline_variables: [{variable: size, type: number, belong_to_node_id: shared}]
";

    #[test]
    fn a_pipeline_comes_back_as_it_was_written() {
        let read = PipelineDocument::parse(FILE).unwrap();
        assert_eq!((read.info.name.as_str(), read.status), ("Files", ImportStatus::Completed));
        let body = read.body().unwrap();
        assert_eq!(body.rag_pipeline_variables.len(), 1);
        let write = |include_secret| PipelineExport {
            info: &read.info,
            body: &body,
            dependencies: &read.dependencies,
            include_secret,
        };
        let text = write(true).to_yaml().unwrap();
        let again = PipelineDocument::parse(&text).unwrap();
        assert_eq!((again.info.clone(), again.body().unwrap()), (read.info.clone(), body.clone()));
        let public = write(false).to_json();
        assert_eq!(public["workflow"]["environment_variables"][0]["value"], "");
        assert_eq!(public["workflow"]["graph"]["nodes"][0]["data"], json!({"type": "datasource", "keep": 1}));
        assert_eq!((&public["kind"], public.get("app")), (&json!("rag_pipeline"), None));
        assert_eq!(public["rag_pipeline"]["odd"], "kept");
    }

    #[test]
    fn versions_and_errors() {
        for (text, status) in [
            (FILE.replace("version: 0.1.0", "version: 0.2.0"), Some(ImportStatus::Pending)),
            (FILE.replace("version: 0.1.0", "version: 0.0.9"), Some(ImportStatus::CompletedWithWarnings)),
            (FILE.replace("version: 0.1.0", "version: 0.1"), None),
            ("- 1".into(), None),
            ("app: {mode: chat}\nkind: app".into(), None),
        ] {
            assert_eq!(PipelineDocument::parse(&text).ok().map(|read| read.status), status, "{text}");
        }
        let empty = PipelineDocument::parse("rag_pipeline: {name: x}").unwrap();
        assert_eq!(empty.body().unwrap_err().to_string(), "Missing workflow data for rag pipeline");
    }
}
