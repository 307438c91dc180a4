//! The body of a request, in all the forms the editor offers and offered.

use bytes::Bytes;
use ox_engine::NodeContext;
use ox_types::{File, Json, Value, boxed, json_line};
use serde::{Deserialize, Deserializer};

use super::Refusal;
use crate::{Ports, config, python, repair::repair, template};

/// Part that marks a form without files, as the compatible system sends it.
const PLACEHOLDER: &str = "__multipart_placeholder__";

#[derive(Default, Deserialize)]
pub struct BodyConfig {
    #[serde(rename = "type", default)]
    pub kind: BodyKind,
    #[serde(default, deserialize_with = "items")]
    pub data: Vec<Item>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BodyKind {
    #[default]
    None,
    FormData,
    XWwwFormUrlencoded,
    RawText,
    Json,
    Binary,
}

impl BodyKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::FormData => "form-data",
            Self::XWwwFormUrlencoded => "x-www-form-urlencoded",
            Self::RawText => "raw-text",
            Self::Json => "json",
            Self::Binary => "binary",
        }
    }

    /// The content type set where the user set none.
    pub const fn content_type(self) -> Option<&'static str> {
        match self {
            Self::None | Self::Binary => None,
            Self::FormData => Some("multipart/form-data"),
            Self::XWwwFormUrlencoded => Some("application/x-www-form-urlencoded"),
            Self::RawText => Some("text/plain"),
            Self::Json => Some("application/json"),
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Item {
    #[serde(default, deserialize_with = "config::nullable")]
    pub key: String,
    #[serde(rename = "type", default, deserialize_with = "config::nullable")]
    pub kind: String,
    #[serde(default, deserialize_with = "scalar")]
    pub value: String,
    #[serde(default, deserialize_with = "config::nullable")]
    pub file: Vec<String>,
}

/// A list of items; Compat: a plain text is one item.
fn items<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Item>, D::Error> {
    match Json::deserialize(deserializer)? {
        Json::Null => Ok(Vec::new()),
        Json::String(text) if text.is_empty() => Ok(Vec::new()),
        Json::String(value) => Ok(vec![Item { kind: "text".into(), value, ..Item::default() }]),
        other => Vec::deserialize(other).map_err(serde::de::Error::custom),
    }
}

fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Json::deserialize(deserializer)? {
        Json::Null => String::new(),
        Json::String(text) => text,
        other => other.to_string(),
    })
}

/// A body ready to send.
#[derive(Debug, Default)]
pub struct Body {
    pub bytes: Bytes,
    /// Boundary of a multipart body.
    pub boundary: Option<String>,
    /// How the body looks in the log.
    pub log: String,
}

/// A field of a form: as it is sent, and as it is shown.
struct Field {
    name: String,
    shown_name: String,
    content: Content,
}

enum Content {
    Text { value: String, shown: String },
    File { filename: String, mime: String, bytes: Bytes },
}

/// Makes the body.
#[boxed]
pub async fn build(
    config: &BodyConfig,
    cx: &NodeContext,
    ports: &Ports,
    boundary: Option<String>,
) -> Result<Body, Refusal> {
    match config.kind {
        BodyKind::None => Ok(Body::default()),
        BodyKind::RawText => {
            let item = single(config)?;
            let text = template::text(&item.value, &cx.pool);
            Ok(Body { bytes: text.into(), log: template::log(&item.value, &cx.pool), boundary: None })
        }
        BodyKind::Json => {
            let item = single(config)?;
            let text = template::text(&item.value, &cx.pool);
            let json = repair(&text)
                .ok_or_else(|| Refusal::new("RequestBodyError", format!("Failed to parse JSON: {text}")))?;
            let log = template::log(&item.value, &cx.pool);
            let log = repair(&log).map_or(log, |json| json_line(&json));
            Ok(Body { bytes: json.to_string().into(), log, boundary: None })
        }
        BodyKind::Binary => binary(single(config)?, cx, ports).await,
        BodyKind::XWwwFormUrlencoded => {
            let fields = fields(&config.data, cx, ports, false).await?;
            Ok(Body { bytes: urlencoded(&fields, false).into(), log: urlencoded(&fields, true), boundary: None })
        }
        BodyKind::FormData => {
            let fields = fields(&config.data, cx, ports, true).await?;
            let boundary = boundary.unwrap_or_else(|| cx.node_run_id.0.simple().to_string());
            let bytes = multipart(&fields, &boundary, false);
            let log = String::from_utf8_lossy(&multipart(&fields, &boundary, true)).into_owned();
            Ok(Body { bytes: bytes.into(), log, boundary: Some(boundary) })
        }
    }
}

fn single(config: &BodyConfig) -> Result<&Item, Refusal> {
    match config.data.as_slice() {
        [item] => Ok(item),
        _ => {
            let text = format!("{} body type should have exactly one item", config.kind.as_str());
            Err(Refusal::new("RequestBodyError", text))
        }
    }
}

async fn binary(item: &Item, cx: &NodeContext, ports: &Ports) -> Result<Body, Refusal> {
    let Some(Value::File(file)) = cx.pool.get(&item.file) else {
        let text = format!("cannot fetch file with selector {}", python::list(&item.file));
        return Err(Refusal::new("FileFetchError", text));
    };
    let bytes = read(&file, cx, ports).await?;
    let log = format!("<file {}, {} bytes>", file.filename.as_deref().unwrap_or_default(), bytes.len());
    Ok(Body { bytes, log, boundary: None })
}

async fn read(file: &File, cx: &NodeContext, ports: &Ports) -> Result<Bytes, Refusal> {
    ports.files.read(&cx.run, file).await.map_err(|error| Refusal::new("FileFetchError", error.to_string()))
}

async fn fields(items: &[Item], cx: &NodeContext, ports: &Ports, with_files: bool) -> Result<Vec<Field>, Refusal> {
    let mut fields = Vec::new();
    for item in items {
        let text = |value: &str| template::text(value, &cx.pool);
        let log = |value: &str| template::log(value, &cx.pool);
        if item.kind == "file" {
            if !with_files {
                continue;
            }
            for file in files(item, cx) {
                let bytes = read(&file, cx, ports).await?;
                let filename = file.filename.clone().unwrap_or_else(|| "file".into());
                let mime = file.mime_type.clone().unwrap_or_else(|| "application/octet-stream".into());
                let content = Content::File { filename, mime, bytes };
                fields.push(Field { name: text(&item.key), shown_name: log(&item.key), content });
            }
        } else if item.key.is_empty() {
            // Compat: the old form of the body, lines of `key:value` in one text.
            for (key, value) in super::request::pairs(&item.value) {
                let content = Content::Text { value: text(value), shown: log(value) };
                fields.push(Field { name: text(key), shown_name: log(key), content });
            }
        } else {
            let content = Content::Text { value: text(&item.value), shown: log(&item.value) };
            fields.push(Field { name: text(&item.key), shown_name: log(&item.key), content });
        }
    }
    let has_file = fields.iter().any(|field| matches!(field.content, Content::File { .. }));
    if with_files && !has_file {
        let content =
            Content::File { filename: String::new(), mime: "application/octet-stream".into(), bytes: Bytes::new() };
        fields.push(Field { name: PLACEHOLDER.into(), shown_name: PLACEHOLDER.into(), content });
    }
    Ok(fields)
}

fn files(item: &Item, cx: &NodeContext) -> Vec<std::sync::Arc<File>> {
    match cx.pool.get(&item.file) {
        Some(Value::File(file)) => vec![file],
        Some(Value::Array(_, items)) => items
            .iter()
            .filter_map(|item| match item {
                Value::File(file) => Some(std::sync::Arc::clone(file)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn urlencoded(fields: &[Field], shown: bool) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for field in fields {
        if let Content::Text { value, shown: masked } = &field.content {
            if shown {
                form.append_pair(&field.shown_name, masked);
            } else {
                form.append_pair(&field.name, value);
            }
        }
    }
    form.finish()
}

fn multipart(fields: &[Field], boundary: &str, shown: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields {
        let name = quoted(if shown { &field.shown_name } else { &field.name });
        out.extend_from_slice(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").as_bytes());
        match &field.content {
            Content::Text { value, shown: masked } => {
                out.extend_from_slice(b"\r\n\r\n");
                out.extend_from_slice(if shown { masked } else { value }.as_bytes());
            }
            Content::File { filename, mime, bytes } => {
                // A line break in a stored MIME type must not start a header of its own.
                let mime = mime.replace(['\r', '\n'], " ");
                let head = format!("; filename=\"{}\"\r\nContent-Type: {mime}\r\n\r\n", quoted(filename));
                out.extend_from_slice(head.as_bytes());
                if shown {
                    out.extend_from_slice(format!("<{} bytes>", bytes.len()).as_bytes());
                } else {
                    out.extend_from_slice(bytes);
                }
            }
        }
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}

/// A name inside the quotes of a part's header, as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
