//! What a basic app looks up in its knowledge bases before it asks its model (DSL reference §5.3).

use ox_db::model::AppModelConfig;
use ox_nodes::{MetadataCondition, MetadataFilter, MultipleRetrieval, RetrievalMode, RetrievalModel, RetrievalQuery};
use ox_types::{File, Json, Object};
use serde_json::{Map, json};

use super::prompt::{BasicPrompt, fill};
use crate::{
    AppCaller, Error, Result, Services,
    knowledge::{port::Who, resources},
    runs::{AppMode, InvokeFrom, RunUser},
};

/// The knowledge bases of a basic app, and how they are asked.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    dataset_ids: Vec<String>,
    configs: Map<String, Json>,
    /// The input that is looked up, in apps without a question.
    query_variable: String,
    is_chat: bool,
    /// What is asked with: pictures among them are looked for where a knowledge base sees.
    files: Vec<File>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Context {
    pub text: String,
    /// What the text is made of, the best first.
    pub chunks: Vec<String>,
    /// As `retriever_resources` tell it.
    pub resources: Vec<Json>,
}

impl Context {
    /// Only the first chunks, and where they come from.
    pub fn keep(&mut self, chunks: usize) {
        self.chunks.truncate(chunks);
        self.text = self.chunks.join("\n");
        self.resources.truncate(chunks);
    }
}

impl Lookup {
    /// The knowledge bases of a configuration; none where it has none.
    pub fn read(mode: AppMode, config: &AppModelConfig) -> Option<Self> {
        let configs = config.dataset_configs.as_ref().and_then(Json::as_object).cloned().unwrap_or_default();
        let dataset_ids = dataset_ids(config);
        (!dataset_ids.is_empty()).then(|| Self {
            dataset_ids,
            configs,
            query_variable: config.dataset_query_variable.clone().unwrap_or_default(),
            is_chat: mode.is_chat(),
            files: Vec::new(),
        })
    }

    /// The same, asked with these files.
    pub fn with(self, files: &[File]) -> Self {
        Self { files: files.to_vec(), ..self }
    }

    /// Which knowledge bases are asked.
    pub fn dataset_ids(&self) -> &[String] {
        &self.dataset_ids
    }

    /// One knowledge base of these only.
    pub fn within(&self, dataset: ox_types::DatasetId) -> Self {
        Self { dataset_ids: vec![dataset.to_string()], query_variable: String::new(), ..self.clone() }
    }

    /// Whether each question goes to one of them.
    pub fn is_single(&self) -> bool {
        match self.configs.get("retrieval_model").and_then(Json::as_str) {
            Some(mode) => mode == "single",
            None => !self.configs.is_empty() && self.configs.get("top_k").is_none(),
        }
    }

    /// Looks up what the model is to know.
    ///
    /// # Errors
    /// When a model on the way refuses, or the settings make no sense.
    pub async fn run(
        &self,
        services: &Services,
        caller: &AppCaller,
        prompt: &BasicPrompt,
        inputs: &Object,
        query: &str,
    ) -> Result<Context> {
        let asked = if self.query_variable.is_empty() {
            query.to_owned()
        } else {
            inputs.get(&self.query_variable).map(|value| value.text()).unwrap_or_default()
        };
        let query = RetrievalQuery {
            text: Some(asked),
            files: self.files.clone(),
            dataset_ids: self.dataset_ids.clone(),
            mode: self.mode(prompt)?,
            filter: self.filter(prompt, inputs)?,
        };
        let who = Who {
            tenant_id: caller.tenant_id(),
            app_id: caller.app.app.id,
            role: if matches!(caller.user, RunUser::Account { .. }) { "account" } else { "end_user" },
            user: caller.user.id(),
        };
        // A picture that cannot be read is no reason not to answer: the model is told of the files in its own way.
        let pictures =
            services.retriever.pictures(&services.files, who.tenant_id, &query).await.unwrap_or_else(|error| {
                tracing::warn!(%error, app = %who.app_id, "looked up without the pictures of a message");
                Vec::new()
            });
        if pictures.is_empty() && query.text.as_deref().unwrap_or_default().trim().is_empty() {
            return Ok(Context::default());
        }
        let records = services.retriever.ask(who, &query, &pictures).await?;
        let from = if caller.invoke_from == InvokeFrom::Debugger { "dev" } else { "api" };
        let chunks: Vec<String> = records.iter().map(crate::knowledge::retrieval::Record::text).collect();
        Ok(Context { text: chunks.join("\n"), chunks, resources: resources::of(&records, from) })
    }

    fn mode(&self, prompt: &BasicPrompt) -> Result<RetrievalMode> {
        if self.is_single() && self.is_chat {
            return Ok(RetrievalMode::Single { model: own_model(prompt) });
        }
        let mut node = self.configs.clone();
        node.remove("retrieval_model");
        if !node.get("top_k").is_some_and(Json::is_number) {
            node.insert("top_k".into(), json!(4));
        }
        let is_cut = node.get("score_threshold_enabled").and_then(Json::as_bool).unwrap_or(false);
        if !is_cut {
            node.remove("score_threshold");
        }
        if let (None, Some(old)) = (node.get("reranking_enable"), node.get("reranking_enabled").cloned()) {
            node.insert("reranking_enable".into(), old);
        }
        let multiple: MultipleRetrieval = serde_json::from_value(Json::Object(node))
            .map_err(|error| Error::invalid(format!("dataset_configs of the app: {error}")))?;
        Ok(RetrievalMode::Multiple(multiple))
    }

    fn filter(&self, prompt: &BasicPrompt, inputs: &Object) -> Result<MetadataFilter> {
        match self.configs.get("metadata_filtering_mode").and_then(Json::as_str) {
            Some("automatic") => {
                let model = self.configs.get("metadata_model_config").and_then(model_of);
                Ok(MetadataFilter::Automatic { model: model.unwrap_or_else(|| own_model(prompt)) })
            }
            Some("manual") => {
                let list = self.configs.get("metadata_filtering_conditions");
                let all = list.and_then(|list| list.get("logical_operator")).and_then(Json::as_str) != Some("or");
                let conditions = list.and_then(|list| list.get("conditions")).and_then(Json::as_array);
                let conditions: Vec<MetadataCondition> =
                    conditions.into_iter().flatten().filter_map(|one| condition(one, inputs)).collect();
                Ok(if conditions.is_empty() { MetadataFilter::All } else { MetadataFilter::Manual { all, conditions } })
            }
            _ => Ok(MetadataFilter::All),
        }
    }
}

/// The knowledge bases that a configuration switches on, each once.
pub(crate) fn dataset_ids(config: &AppModelConfig) -> Vec<String> {
    let listed = config.dataset_configs.as_ref().and_then(|configs| configs.get("datasets")?.get("datasets"));
    let tools = config.agent_mode.as_ref().and_then(|agent| agent.get("tools"));
    let mut ids: Vec<String> = Vec::new();
    for one in [listed, tools].into_iter().flatten().filter_map(Json::as_array).flatten() {
        let Some(dataset) = one.get("dataset") else { continue };
        let is_on = dataset.get("enabled").and_then(Json::as_bool).unwrap_or(false);
        if let Some(id) = dataset.get("id").and_then(Json::as_str).filter(|_| is_on)
            && !ids.iter().any(|known| known == id)
        {
            ids.push(id.to_owned());
        }
    }
    ids
}

fn own_model(prompt: &BasicPrompt) -> RetrievalModel {
    let (model, parameters, stop) = (prompt.model.clone(), prompt.parameters.clone(), prompt.stop.clone());
    RetrievalModel { model, parameters, stop }
}

fn model_of(config: &Json) -> Option<RetrievalModel> {
    let text = |name: &str| config.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let model = ox_models::ModelRef::chat(text("provider")?, text("name")?);
    let parameters = config.get("completion_params").and_then(Json::as_object).cloned().unwrap_or_default();
    Some(RetrievalModel { model, parameters, stop: Vec::new() })
}

/// A condition, its value with the inputs in their places and on one line.
fn condition(one: &Json, inputs: &Object) -> Option<MetadataCondition> {
    let text = |name: &str| one.get(name).and_then(Json::as_str).map(str::to_owned);
    let filled = |text: &str| fill(text, inputs, "", "", "").split_whitespace().collect::<Vec<_>>().join(" ");
    let value = match one.get("value") {
        Some(Json::String(text)) => Json::String(filled(text)),
        Some(Json::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.clone(), |text| Json::String(filled(text))))
            .collect(),
        other => other.cloned().unwrap_or_default(),
    };
    Some(MetadataCondition { name: text("name")?, operator: text("comparison_operator")?, value })
}
