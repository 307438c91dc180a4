//! Knowledge bases as tools of an agent.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use ox_agents::{Toolbox, WantedTool};
use ox_db::model::Dataset;
use ox_engine::RunInfo;
use ox_nodes::{
    CallError, CallMessage, CallStream, ToolDeclaration, ToolInvocation, ToolName, ToolParameter, ToolPort,
};
use ox_types::{DatasetId, Json, Object};

use crate::{
    AppCaller, Services,
    chat::{basic::Job, lookup::Lookup, prompt::BasicPrompt},
};

/// One tool for each knowledge base, or one for all of them.
pub struct KnowledgeTools {
    services: Arc<Services>,
    caller: AppCaller,
    prompt: BasicPrompt,
    inputs: Object,
    tools: Vec<(String, String, Lookup)>,
}

impl KnowledgeTools {
    /// Adds the knowledge bases of an app that there are.
    pub async fn add(job: &Job, lookup: Lookup, toolbox: &mut Toolbox) {
        let services = &job.services;
        let ids: Vec<DatasetId> = lookup.dataset_ids().iter().filter_map(|id| id.parse().ok()).collect();
        let datasets = match services.retriever.datasets(job.caller.tenant_id(), &ids).await {
            Ok(datasets) => datasets,
            Err(error) => {
                tracing::warn!(%error, "an agent goes without its knowledge bases");
                return;
            }
        };
        let tools = if lookup.is_single() {
            datasets.iter().map(|dataset| (name_of(dataset), told(dataset), lookup.within(dataset.id))).collect()
        } else if let [only] = datasets.as_slice() {
            vec![(name_of(only), told(only), lookup)]
        } else if datasets.is_empty() {
            Vec::new()
        } else {
            let all: Vec<String> =
                datasets.iter().map(|dataset| format!("{}: {}", dataset.name, told(dataset))).collect();
            let text = format!("Searches all of these knowledge bases at once. {}", all.join(" "));
            vec![("dataset_search".to_owned(), text, lookup)]
        };
        let names: Vec<(String, String)> = tools.iter().map(|(name, text, _)| (name.clone(), text.clone())).collect();
        let port: Arc<dyn ToolPort> = Arc::new(Self {
            services: Arc::clone(services),
            caller: job.caller.clone(),
            prompt: job.prompt.clone(),
            inputs: job.inputs.clone(),
            tools,
        });
        for (tool, description) in names {
            let provider = "dataset-retrieval".to_owned();
            let name = ToolName { provider_type: provider.clone(), provider_id: provider, tool, ..ToolName::default() };
            if let Err(error) = toolbox.add(&port, WantedTool { name, description, ..WantedTool::default() }).await {
                tracing::warn!(%error, "an agent goes without a knowledge base");
            }
        }
    }

    fn find(&self, name: &str) -> Result<&(String, String, Lookup), CallError> {
        let found = self.tools.iter().find(|(known, ..)| known == name);
        found.ok_or_else(|| CallError::missing("ToolNodeError", format!("there is no knowledge base {name}")))
    }
}

fn name_of(dataset: &Dataset) -> String {
    format!("dataset_{}", dataset.id.to_string().replace('-', "_"))
}

/// What it is for, on one line.
fn told(dataset: &Dataset) -> String {
    let text = dataset.description.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return format!("useful for when you want to answer queries about the {}", dataset.name);
    }
    text
}

#[async_trait]
impl ToolPort for KnowledgeTools {
    async fn describe(&self, _run: &RunInfo, name: &ToolName) -> Result<ToolDeclaration, CallError> {
        let (_, description, _) = self.find(&name.tool)?;
        let query = ToolParameter {
            name: "query".to_owned(),
            kind: "string".to_owned(),
            required: true,
            description: "What to look up in the knowledge base.".to_owned(),
            ..ToolParameter::default()
        };
        Ok(ToolDeclaration {
            label: name.tool.clone(),
            description: description.clone(),
            parameters: vec![query],
            ..ToolDeclaration::default()
        })
    }

    async fn invoke(&self, _run: &RunInfo, call: ToolInvocation) -> Result<CallStream, CallError> {
        let (.., lookup) = self.find(&call.tool.tool)?;
        let query = call.parameters.get("query").and_then(Json::as_str).unwrap_or_default();
        let found = lookup.run(&self.services, &self.caller, &self.prompt, &self.inputs, query).await;
        let found = found.map_err(|error| CallError::new("KnowledgeRetrievalNodeError", error.message))?;
        let text = if found.text.is_empty() { "Nothing was found.".to_owned() } else { found.text };
        let told = [Ok(CallMessage::Text(text)), Ok(CallMessage::Resources(found.resources))];
        Ok(futures::stream::iter(told).boxed())
    }
}
