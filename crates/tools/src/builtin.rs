//! The providers that come with this program: one file each, one line in [`PROVIDERS`].

mod arithmetic;
mod arxiv;
mod bing;
mod brave;
mod chart;
mod chunking;
mod clock;
mod code;
mod csv;
mod dalle;
mod dify_extractor;
mod feed;
mod file;
mod general_chunker;
mod google;
mod http;
mod images;
mod json;
mod maths;
mod openai;
mod openweather;
mod parentchild_chunker;
mod path;
mod png;
mod qa_chunker;
mod qrcode;
mod raster;
mod regex;
mod rss;
mod searxng;
mod sql;
mod tavily;
mod text;
mod time;
mod webscraper;
mod wikipedia;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use async_trait::async_trait;
use futures::StreamExt;
use ox_engine::RunInfo;
use ox_nodes::{CallError, CallMessage, CallStream, EgressPort, ToolDeclaration, ToolInvocation, ToolName, ToolPort};
use ox_sandbox::{CodeLimits, CodeRunner};
use ox_types::Json;
use serde_json::Map;

use crate::{
    Call, Parameter, ParameterView, Provider, Tool, ToolView, World,
    call::Arguments,
    openapi::Attachment,
    space::{MemorySpace, Space, SpacePort},
    spec::{Run, Said},
};

/// Who made them.
pub const AUTHOR: &str = "Oxidify";
/// Bytes of arguments from which on work is done beside the other tasks.
const MUCH: usize = 16 * 1024;
/// Most bytes of arguments.
const MOST: usize = 16 * 1024 * 1024;

/// Every provider, in alphabetical order.
pub const PROVIDERS: &[&Provider] = &[
    &arxiv::PROVIDER,
    &bing::PROVIDER,
    &brave::PROVIDER,
    &chart::PROVIDER,
    &code::PROVIDER,
    &csv::PROVIDER,
    &dalle::PROVIDER,
    &dify_extractor::PROVIDER,
    &file::PROVIDER,
    &general_chunker::PROVIDER,
    &google::PROVIDER,
    &http::PROVIDER,
    &json::PROVIDER,
    &maths::PROVIDER,
    &openai::PROVIDER,
    &openweather::PROVIDER,
    &parentchild_chunker::PROVIDER,
    &qa_chunker::PROVIDER,
    &qrcode::PROVIDER,
    &regex::PROVIDER,
    &rss::PROVIDER,
    &searxng::PROVIDER,
    &sql::PROVIDER,
    &tavily::PROVIDER,
    &text::PROVIDER,
    &time::PROVIDER,
    &webscraper::PROVIDER,
    &wikipedia::PROVIDER,
];

/// The provider that an id means: `time`, or `author/plugin/time` as newer files write it.
#[must_use]
pub fn find(id: &str) -> Option<&'static Provider> {
    let mut parts = id.rsplit('/');
    let name = parts.next().unwrap_or_default();
    // Compat: one vendor's name for the same tools, so that files of that system work.
    let is_known = parts.next_back().is_none_or(|author| author == "langgenius");
    PROVIDERS.iter().find(|provider| is_known && provider.name == name).copied()
}

impl Provider {
    /// One of its tools.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&'static Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// The fields of its form that are secret.
    #[must_use]
    pub fn secrets(&self) -> Vec<&'static str> {
        self.form.iter().filter(|field| field.kind == "secret-input").map(|field| field.name).collect()
    }

    /// Its tools as they are shown.
    #[must_use]
    pub fn views(&self) -> Vec<ToolView> {
        let labels: Vec<String> = self.labels.iter().map(|&label| label.to_owned()).collect();
        let view = |tool: &Tool| ToolView { labels: labels.clone(), ..ToolView::from(tool) };
        self.tools.iter().map(view).collect()
    }
}

/// Calls a tool.
///
/// # Errors
/// What it says went wrong.
pub async fn invoke(tool: &'static Tool, call: Call) -> Said {
    let size = call.arguments.size();
    if size > MOST {
        return Err(format!("The arguments are larger than the {} MB that a tool takes.", MOST / 1024 / 1024));
    }
    match tool.run {
        Run::Calls(run) => run(&call).await,
        Run::Pure(run) if size < MUCH => run(&call.arguments),
        Run::Pure(run) | Run::Heavy(run) => {
            let work = tokio::task::spawn_blocking(move || run(&call.arguments));
            work.await.unwrap_or_else(|error| Err(format!("the tool broke: {error}")))
        }
    }
}

/// The arguments of a call.
#[must_use]
pub fn arguments(parameters: Map<String, Json>, settings: Map<String, Json>) -> Arguments {
    Arguments::new(parameters, settings)
}

/// The answer of a call as nodes read it.
#[must_use]
pub fn stream(messages: Vec<CallMessage>) -> CallStream {
    futures::stream::iter(messages.into_iter().map(Ok)).boxed()
}

/// The error of a tool that could not do its work.
#[must_use]
pub fn failed(why: impl Into<String>) -> CallError {
    CallError::new("ToolInvokeError", why)
}

/// A text, as an answer.
fn say(text: impl Into<String>) -> Said {
    Ok(vec![CallMessage::Text(text.into())])
}

/// Data, as an answer: for the next node, and as text for a model.
fn show(data: Json) -> Said {
    Ok(vec![CallMessage::Text(data.to_string()), CallMessage::Json(data)])
}

/// What a call gets from whoever keeps credentials and files.
#[derive(Debug, Default)]
pub struct Given {
    pub credentials: Map<String, Json>,
    /// What the files among the parameters hold, for tools that take files.
    pub files: BTreeMap<String, Vec<Attachment>>,
}

/// Whether a tool takes files as they are.
#[must_use]
pub fn takes_files(tool: &Tool) -> bool {
    tool.parameters.iter().any(|parameter| parameter.kind == "files")
}

/// The built-in tools alone, without credentials: for runs without a server.
pub struct BuiltinTools {
    http: Arc<dyn EgressPort>,
    code: Arc<dyn CodeRunner>,
    limits: CodeLimits,
    databases: Arc<Path>,
    space: Arc<dyn SpacePort>,
}

impl BuiltinTools {
    /// Tools that leave and run code this way, with no databases, and with the files of runs in memory.
    #[must_use]
    pub fn new(http: Arc<dyn EgressPort>, code: Arc<dyn CodeRunner>, limits: CodeLimits) -> Self {
        Self { http, code, limits, databases: Path::new("").into(), space: Arc::new(MemorySpace::default()) }
    }

    /// Where files of databases lie.
    #[must_use]
    pub fn with_databases(self, databases: Arc<Path>) -> Self {
        Self { databases, ..self }
    }

    /// Where the files of runs are kept.
    #[must_use]
    pub fn with_space(self, space: Arc<dyn SpacePort>) -> Self {
        Self { space, ..self }
    }

    /// What a tool of this run's node may use.
    ///
    /// # Errors
    /// When the rules of the run's tenant cannot be read.
    pub async fn world(&self, run: &RunInfo, node: &str) -> Result<World, CallError> {
        let egress = self.http.of(run, node).await.map_err(|error| failed(error.to_string()))?;
        let (code, caller) = (Arc::clone(&self.code), ox_nodes::caller(run, node));
        let databases = Arc::clone(&self.databases);
        let space = Some(Space { port: Arc::clone(&self.space), run: run.clone() });
        Ok(World { egress, code, code_limits: self.limits, caller, databases, space })
    }

    /// Calls a tool with what its caller gives it.
    ///
    /// # Errors
    /// What the tool says went wrong.
    pub async fn call(
        &self,
        run: &RunInfo,
        tool: &'static Tool,
        call: ToolInvocation,
        given: Given,
    ) -> Result<CallStream, CallError> {
        let world = self.world(run, &call.node_id).await?;
        let Given { credentials, files } = given;
        let arguments = Arguments::new(call.parameters, call.settings).with_files(files);
        invoke(tool, Call { arguments, credentials, world }).await.map(stream).map_err(failed)
    }
}

/// The built-in tool that a name means.
#[must_use]
pub fn named(name: &ToolName) -> Option<(&'static Provider, &'static Tool)> {
    if !matches!(name.provider_type.as_str(), "builtin" | "plugin" | "") {
        return None;
    }
    let id = if name.provider_id.is_empty() { &name.provider_name } else { &name.provider_id };
    let provider = find(id)?;
    Some((provider, provider.tool(&name.tool)?))
}

/// A tool as it is declared to nodes, with the older names of its parameters.
fn declared(tool: &Tool) -> ToolDeclaration {
    let mut declared = ToolView::from(tool).declared();
    for name in chunking::older_names(tool.name) {
        let parameter = Parameter::text(name, ("", ""), "").fixed();
        declared.parameters.push(ParameterView::from(&parameter).declared());
    }
    declared
}

/// JSON schema of the variables that a tool gives beside its text.
pub(crate) fn output_schema(tool: &str) -> Json {
    chunking::output_schema(tool)
}

#[async_trait]
impl ToolPort for BuiltinTools {
    async fn describe(&self, run: &RunInfo, name: &ToolName) -> Result<ToolDeclaration, CallError> {
        match named(name) {
            Some((_, tool)) => Ok(declared(tool)),
            None => ox_nodes::Absent.describe(run, name).await,
        }
    }

    async fn invoke(&self, run: &RunInfo, call: ToolInvocation) -> Result<CallStream, CallError> {
        match named(&call.tool) {
            Some((_, tool)) => self.call(run, tool, call, Given::default()).await,
            None => ox_nodes::Absent.invoke(run, call).await,
        }
    }
}

#[cfg(test)]
mod tests;
