//! `document-extractor`: the text of files.

#[cfg(test)]
mod tests;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput};
use ox_extract::{Budget, Document, Error, Format, Limits};
use ox_types::{File, Json, Value, ValueType};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::{NodeKind, Ports, Unstructured, config, python};

/// Documents that are read at the same time, whoever asks: each may take much memory.
static READERS: Semaphore = Semaphore::const_new(4);

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    variable_selector: Vec<String>,
}

pub struct DocumentExtractor;

impl NodeKind for DocumentExtractor {
    fn kind(&self) -> &'static str {
        "document-extractor"
    }

    fn default_config(&self) -> Json {
        json!({"variable_selector": [], "is_array_file": false})
    }

    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let Config { variable_selector } = config::read(spec)?;
        let runner = Runner { selector: variable_selector, ports: Arc::clone(ports) };
        Ok(BuiltNode::new(NodeClass::Executable, Effect::Repeatable, Arc::new(runner)))
    }
}

struct Runner {
    selector: Vec<String>,
    ports: Arc<Ports>,
}

/// Stops the reader when nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let selector = python::list(&self.selector);
        let inputs = IndexMap::from_iter([(
            "variable_selector".to_owned(),
            Value::array(self.selector.iter().map(|part| Value::from(part.as_str())).collect()),
        )]);
        let fail = |class: &str, why: String, process_data: IndexMap<String, Value>| {
            let mut failure = NodeFailure::new(class, why);
            (failure.inputs, failure.process_data) = (inputs.clone(), process_data);
            failure
        };
        let value = cx.pool.get(&self.selector).ok_or_else(|| {
            fail("DocumentExtractorError", format!("File variable not found for selector: {selector}"), IndexMap::new())
        })?;
        let (files, is_list) = match &value {
            Value::None => (Vec::new(), true),
            Value::Array(_, items) if items.is_empty() => (Vec::new(), true),
            Value::File(file) => (vec![Arc::clone(file)], false),
            Value::Array(ValueType::ArrayFile, items) => {
                let file = |item: &Value| match item {
                    Value::File(file) => Some(Arc::clone(file)),
                    _ => None,
                };
                (items.iter().filter_map(file).collect(), true)
            }
            _ => {
                let why = format!("Variable {selector} is not an ArrayFileSegment");
                return Err(fail("DocumentExtractorError", why, IndexMap::new()));
            }
        };
        let documents = Value::array(files.iter().map(|file| Value::File(Arc::clone(file))).collect());
        let process_data = IndexMap::from_iter([("documents".to_owned(), documents)]);
        let mut texts = Vec::with_capacity(files.len());
        for file in &files {
            let text = self.text(&cx, file).await;
            texts.push(Value::from(text.map_err(|(class, why)| fail(class, why, process_data.clone()))?));
        }
        let text = match (is_list, texts.pop()) {
            (false, Some(text)) => text,
            (_, last) => {
                texts.extend(last);
                Value::array_of(ValueType::ArrayString, texts)
            }
        };
        let outputs = IndexMap::from_iter([("text".to_owned(), text)]);
        Ok(NodeOutput { inputs, process_data, outputs, ..NodeOutput::default() })
    }
}

impl Runner {
    /// The text of one file, or class and text of a failure.
    async fn text(&self, cx: &NodeContext, file: &Arc<File>) -> Result<String, (&'static str, String)> {
        let limits = Limits::default();
        // What cannot be read is not fetched either.
        let format = Format::of(file.extension.as_deref(), file.mime_type.as_deref()).map_err(refusal)?;
        if usize::try_from(file.size).is_ok_and(|size| size > limits.input) {
            return Err(refusal(Error::TooLarge { what: "its size", limit: limits.input as u64 }));
        }
        let bytes = self.ports.files.read(&cx.run, file).await;
        let bytes = bytes.map_err(|error| ("FileDownloadError", format!("Failed to download file: {error}")))?;
        if let Some(service) = self.ports.unstructured.as_ref().filter(|_| Unstructured::reads(format)) {
            return service.text(file, &bytes).await.map_err(|why| ("TextExtractionError", why));
        }
        let _permit = READERS.acquire().await.map_err(|error| ("TextExtractionError", error.to_string()))?;
        let stopped = Arc::new(AtomicBool::new(false));
        let _guard = StopOnDrop(Arc::clone(&stopped));
        let file = Arc::clone(file);
        let work = tokio::task::spawn_blocking(move || extract(&file, &bytes, limits, stopped));
        work.await
            .unwrap_or_else(|error| Err(Error::Broken { format: "the file", why: error.to_string() }))
            .map_err(refusal)
    }
}

fn extract(file: &File, bytes: &Bytes, limits: Limits, stopped: Arc<AtomicBool>) -> Result<String, Error> {
    let document = Document { bytes, extension: file.extension.as_deref(), mime: file.mime_type.as_deref() };
    ox_extract::extract(document, &Budget::stoppable(limits, stopped))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refusal(error: Error) -> (&'static str, String) {
    let class = match &error {
        Error::UnknownType | Error::UnsupportedExtension(_) | Error::UnsupportedMime(_) => "UnsupportedFileTypeError",
        _ => "TextExtractionError",
    };
    (class, error.to_string())
}
