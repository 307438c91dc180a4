//! Reading what tools, agents and datasources answer: streaming it on and making outputs of it.

use futures::StreamExt;
use indexmap::IndexMap;
use ox_engine::{NodeContext, NodeFailure};
use ox_models::Usage;
use ox_types::{File, FileKind, Json, TransferMethod, Value, ValueType, boxed};
use serde_json::json;

use crate::{CallError, CallLog, CallMessage, CallStream, Ports};

/// The variable text is streamed into.
pub const TEXT: &str = "text";
/// Most messages of one answer.
const MAX_MESSAGES: usize = 100_000;
/// Most bytes of text of one answer.
const MAX_TEXT: usize = 32 * 1024 * 1024;

/// An answer, read.
#[derive(Debug, Default)]
pub struct Answer {
    pub text: String,
    pub files: Vec<Value>,
    pub json: Vec<Json>,
    pub variables: IndexMap<String, Value>,
    pub logs: Vec<CallLog>,
    pub usage: Option<Usage>,
    /// Variables that came in pieces.
    streamed: Vec<String>,
}

/// How an answer is read.
pub struct Reading<'a> {
    pub cx: &'a NodeContext,
    pub ports: &'a Ports,
    /// Class of errors that have none.
    pub class: &'a str,
    /// Class of errors about files.
    pub file_class: &'a str,
    /// Class of errors about streamed variables.
    pub variable_class: &'a str,
    /// Class of answers that cannot be made outputs of.
    pub message_class: &'a str,
    /// Whether text is streamed as it comes.
    pub shows_text: bool,
}

impl Reading<'_> {
    /// Reads an answer to its end and closes its streams.
    ///
    /// # Errors
    /// What the stream says, or what cannot be kept of it.
    #[boxed]
    pub async fn read(&self, mut stream: CallStream) -> Result<Answer, Box<NodeFailure>> {
        let mut answer = Answer::default();
        let mut count = 0;
        while let Some(message) = stream.next().await {
            count += 1;
            if count > MAX_MESSAGES {
                return Err(NodeFailure::new(
                    self.message_class,
                    format!("The answer has more than {MAX_MESSAGES} messages."),
                ));
            }
            let message = message.map_err(|error| failure(&error, self.class))?;
            self.take(message, &mut answer).await?;
        }
        if self.shows_text {
            self.cx.chunks.text(TEXT, String::new(), true).await;
        }
        for name in &answer.streamed {
            self.cx.chunks.text(name, String::new(), true).await;
        }
        Ok(answer)
    }

    async fn take(&self, message: CallMessage, answer: &mut Answer) -> Result<(), Box<NodeFailure>> {
        match message {
            CallMessage::Text(text) => self.say(text, answer).await?,
            CallMessage::Link(url) => self.say(format!("Link: {url}\n"), answer).await?,
            CallMessage::ImageLink(url) => answer.files.push(Value::from(remote_image(url))),
            CallMessage::Blob { bytes, mime, filename } => {
                let name = filename.unwrap_or_else(|| default_name(&mime));
                let saved = self.ports.files.save(&self.cx.run, &name, &mime, bytes).await;
                let file = saved.map_err(|error| NodeFailure::new(self.file_class, error.to_string()))?;
                answer.files.push(Value::from(file));
            }
            CallMessage::File(file) => answer.files.push(Value::from(*file)),
            CallMessage::Json(json) => answer.json.push(json),
            CallMessage::Variable { name, value, stream: false } => {
                answer.variables.insert(name, Value::from_json(&value));
            }
            CallMessage::Variable { name, value, stream: true } => self.piece(name, value, answer).await?,
            CallMessage::Log(log) => self.log(*log, answer).await,
            CallMessage::Resources(resources) => {
                self.cx.chunks.note("retriever_resources", Json::Array(resources)).await;
            }
            CallMessage::Usage(usage) => match &mut answer.usage {
                Some(sum) => *sum += &usage,
                none => *none = Some(*usage),
            },
        }
        Ok(())
    }

    async fn say(&self, text: String, answer: &mut Answer) -> Result<(), Box<NodeFailure>> {
        self.check(answer.text.len() + text.len())?;
        answer.text.push_str(&text);
        if self.shows_text {
            self.cx.chunks.text(TEXT, text, false).await;
        }
        Ok(())
    }

    async fn piece(&self, name: String, value: Json, answer: &mut Answer) -> Result<(), Box<NodeFailure>> {
        let Json::String(piece) = value else {
            let why = format!("The streamed variable '{name}' must be a string.");
            return Err(NodeFailure::new(self.variable_class, why));
        };
        let before = answer.variables.get(&name).and_then(Value::as_str).unwrap_or_default();
        self.check(before.len() + piece.len())?;
        let whole = format!("{before}{piece}");
        answer.variables.insert(name.clone(), Value::from(whole));
        self.cx.chunks.text(&name, piece, false).await;
        if !answer.streamed.contains(&name) {
            answer.streamed.push(name);
        }
        Ok(())
    }

    fn check(&self, length: usize) -> Result<(), Box<NodeFailure>> {
        if length <= MAX_TEXT {
            return Ok(());
        }
        Err(NodeFailure::new(self.message_class, format!("The answer is longer than {} MB.", MAX_TEXT / 1024 / 1024)))
    }

    async fn log(&self, log: CallLog, answer: &mut Answer) {
        self.cx.chunks.note("agent_log", shown(&log, self.cx)).await;
        match answer.logs.iter_mut().find(|known| known.id == log.id) {
            Some(known) => *known = log,
            None => answer.logs.push(log),
        }
    }
}

/// A step as clients see it.
fn shown(log: &CallLog, cx: &NodeContext) -> Json {
    json!({
        "node_execution_id": cx.node_run_id.to_string(),
        "id": log.id,
        "label": log.label,
        "parent_id": log.parent_id,
        "error": log.error,
        "status": log.status,
        "data": log.data,
        "metadata": log.metadata,
        "node_id": cx.node.id,
    })
}

impl Answer {
    /// `text`, `files`, `json` and the variables.
    pub fn outputs(&mut self) -> IndexMap<String, Value> {
        let json = std::mem::take(&mut self.json);
        let json = if json.is_empty() { vec![json!({"data": []})] } else { json };
        let mut outputs = IndexMap::from_iter([
            (TEXT.to_owned(), Value::from(std::mem::take(&mut self.text))),
            ("files".to_owned(), Value::array_of(ValueType::ArrayFile, std::mem::take(&mut self.files))),
            ("json".to_owned(), Value::from_json_plain(&Json::Array(json))),
        ]);
        outputs.extend(std::mem::take(&mut self.variables));
        outputs
    }

    /// The steps as the trace keeps them.
    pub fn log(&self, cx: &NodeContext) -> Json {
        Json::Array(self.logs.iter().map(|log| shown(log, cx)).collect())
    }
}

/// A failure of a call.
pub fn failure(error: &CallError, class: &str) -> Box<NodeFailure> {
    let class = if error.class.is_empty() { class } else { error.class.as_str() };
    let mut failure = NodeFailure::new(class, error.text.clone());
    failure.retry_useless = error.is_final;
    failure
}

fn remote_image(url: String) -> File {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let filename = path.rsplit('/').next().filter(|name| name.contains('.')).map(str::to_owned);
    let extension = filename.as_deref().and_then(|name| name.rsplit_once('.')).map(|(_, end)| format!(".{end}"));
    let mime_type = extension
        .as_deref()
        .and_then(|extension| mime_guess::from_ext(extension.trim_start_matches('.')).first_raw().map(str::to_owned));
    File {
        id: None,
        tenant_id: None,
        kind: FileKind::Image,
        transfer_method: TransferMethod::RemoteUrl,
        remote_url: Some(url.clone()),
        related_id: None,
        filename,
        extension,
        mime_type: mime_type.or_else(|| Some("image/png".into())),
        size: -1,
        url: Some(url),
    }
}

fn default_name(mime: &str) -> String {
    let extension = mime_guess::get_mime_extensions_str(mime).and_then(|known| known.first());
    format!("{}.{}", ox_types::new_uuid(), extension.copied().unwrap_or("bin"))
}
