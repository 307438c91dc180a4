//! What a tool answers, as the model is told of it.

use futures::StreamExt;
use ox_engine::RunInfo;
use ox_models::Usage;
use ox_nodes::{CallError, CallMessage, CallStream, FilePort};
use ox_types::{File, FileKind, Json, TransferMethod};
use serde_json::Map;

/// Bytes of an answer after which nobody reads on.
const MAX_READ: usize = 8 * 1024 * 1024;
/// Messages of an answer after which nobody reads on.
const MAX_MESSAGES: usize = 10_000;
/// Most files of one answer.
const MAX_FILES: usize = 20;

/// An answer.
#[derive(Debug, Default)]
pub struct Told {
    pub text: String,
    pub files: Vec<File>,
    pub resources: Vec<Json>,
    pub usage: Option<Usage>,
}

/// What is read, as far as it is kept.
struct Reader {
    told: Told,
    /// Characters that came, kept or not.
    came: usize,
    bytes: usize,
    kept: usize,
    limit: usize,
    variables: Map<String, Json>,
}

impl Reader {
    fn say(&mut self, text: &str) {
        self.bytes += text.len();
        let count = text.chars().count();
        let room = self.limit.saturating_sub(self.kept);
        if count <= room {
            self.told.text.push_str(text);
            self.kept += count;
        } else {
            self.told.text.extend(text.chars().take(room));
            self.kept += room;
        }
        self.came += count;
    }

    /// On a line of its own.
    fn line(&mut self, text: &str) {
        if !self.told.text.is_empty() && !self.told.text.ends_with('\n') {
            self.say("\n");
        }
        self.say(text);
    }

    fn file(&mut self, file: File) {
        let note = if file.kind == FileKind::Image {
            "image has been created and sent to user already, you do not need to create it again: just tell the user to \
             look at it now."
                .to_owned()
        } else {
            format!(
                "the file {} has been created and sent to user already.",
                file.filename.as_deref().unwrap_or_default()
            )
        };
        self.line(&note);
        self.told.files.push(file);
    }
}

/// Reads an answer: texts up to a limit, files, sources.
///
/// # Errors
/// What the tool says went wrong.
pub async fn read(
    mut stream: CallStream,
    run: &RunInfo,
    files: &dyn FilePort,
    limit: usize,
) -> Result<Told, CallError> {
    let mut reader = Reader { told: Told::default(), came: 0, bytes: 0, kept: 0, limit, variables: Map::new() };
    let mut count = 0;
    while let Some(message) = stream.next().await {
        count += 1;
        take(message?, &mut reader, run, files).await?;
        if count >= MAX_MESSAGES || reader.bytes > MAX_READ {
            break;
        }
    }
    let Reader { mut told, came, kept, variables, .. } = reader;
    if came == 0 && !variables.is_empty() {
        let text = Json::Object(variables).to_string();
        let whole = text.chars().count();
        told.text = cut(&text, whole, limit);
    } else if came > kept {
        told.text = noted(told.text, came, kept);
    } else if told.text.is_empty() {
        "The tool has no output.".clone_into(&mut told.text);
    }
    Ok(told)
}

async fn take(message: CallMessage, reader: &mut Reader, run: &RunInfo, files: &dyn FilePort) -> Result<(), CallError> {
    let has_room = reader.told.files.len() < MAX_FILES;
    match message {
        CallMessage::Text(text) => reader.say(&text),
        CallMessage::Link(url) => reader.line(&format!("A link for the user: {url}")),
        CallMessage::Json(json) => reader.line(&json.to_string()),
        CallMessage::File(file) if has_room => reader.file(*file),
        CallMessage::ImageLink(url) if has_room => reader.file(remote_image(url)),
        CallMessage::Blob { bytes, mime, filename } if has_room => {
            let name = filename.unwrap_or_else(|| default_name(&mime));
            let kept = files.save(run, &name, &mime, bytes).await;
            reader.file(kept.map_err(|error| CallError::new("ToolFileError", error.to_string()))?);
        }
        CallMessage::File(_) | CallMessage::ImageLink(_) | CallMessage::Blob { .. } => {
            reader.line("another file was made, but there are too many to keep.");
        }
        CallMessage::Variable { name, value, stream } => {
            if let (true, Json::String(piece)) = (stream, &value) {
                let before = reader.variables.get(&name).and_then(Json::as_str).unwrap_or_default();
                let whole = format!("{before}{piece}");
                reader.bytes += piece.len();
                reader.variables.insert(name, Json::String(whole));
            } else {
                reader.variables.insert(name, value);
            }
        }
        CallMessage::Resources(resources) => reader.told.resources.extend(resources),
        CallMessage::Usage(usage) => match &mut reader.told.usage {
            Some(sum) => *sum += &usage,
            none => *none = Some(*usage),
        },
        // What a tool logs of itself is nothing for the model.
        CallMessage::Log(_) => {}
    }
    Ok(())
}

/// A text of at most so many characters, and a note of what is missing.
pub fn cut(text: &str, whole: usize, limit: usize) -> String {
    if whole <= limit {
        return text.to_owned();
    }
    noted(text.chars().take(limit).collect(), whole, limit)
}

fn noted(mut text: String, whole: usize, kept: usize) -> String {
    text.push_str(&format!(
        "\n[The answer has more than {kept} characters: {} of {whole} were left out.]",
        whole - kept
    ));
    text
}

fn remote_image(url: String) -> File {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let filename = path.rsplit('/').next().filter(|name| name.contains('.')).map(str::to_owned);
    let extension = filename.as_deref().and_then(|name| name.rsplit_once('.')).map(|(_, end)| format!(".{end}"));
    File {
        id: None,
        tenant_id: None,
        kind: FileKind::Image,
        transfer_method: TransferMethod::RemoteUrl,
        remote_url: Some(url.clone()),
        related_id: None,
        mime_type: filename.as_deref().and_then(|name| mime_guess::from_path(name).first_raw()).map(str::to_owned),
        filename,
        extension,
        size: -1,
        url: Some(url),
    }
}

fn default_name(mime: &str) -> String {
    let extension = mime_guess::get_mime_extensions_str(mime).and_then(|known| known.first());
    format!("{}.{}", ox_types::new_uuid(), extension.copied().unwrap_or("bin"))
}
