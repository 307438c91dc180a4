use serde::{Deserialize, Serialize};

use crate::Json;

/// Key that marks a JSON object as a file.
pub const FILE_IDENTITY_KEY: &str = "dify_model_identity";
/// Value of [`FILE_IDENTITY_KEY`].
pub const FILE_IDENTITY_VALUE: &str = "__dify__file__";

/// What a file is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    Image,
    Document,
    Audio,
    Video,
    Custom,
}

impl FileKind {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Document => "document",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Custom => "custom",
        }
    }

    /// The kind that goes with an extension (with or without the dot), if it is one we know.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.trim_start_matches('.').to_ascii_lowercase();
        Some(match extension.as_str() {
            "jpg" | "jpeg" | "png" | "webp" | "gif" | "svg" => Self::Image,
            "mp4" | "mov" | "mpeg" | "webm" => Self::Video,
            "mp3" | "m4a" | "wav" | "amr" | "mpga" => Self::Audio,
            "txt" | "markdown" | "md" | "mdx" | "pdf" | "html" | "htm" | "xlsx" | "xls" | "vtt" | "properties"
            | "doc" | "docx" | "csv" | "eml" | "msg" | "ppt" | "pptx" | "xml" | "epub" | "odt" => Self::Document,
            _ => return None,
        })
    }
}

/// How the content of a file is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferMethod {
    RemoteUrl,
    LocalFile,
    ToolFile,
    DatasourceFile,
}

impl TransferMethod {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RemoteUrl => "remote_url",
            Self::LocalFile => "local_file",
            Self::ToolFile => "tool_file",
            Self::DatasourceFile => "datasource_file",
        }
    }
}

/// A file as a variable value. Its content stays in the object store or at its URL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct File {
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub tenant_id: Option<String>,
    #[serde(rename = "type")]
    pub kind: FileKind,
    pub transfer_method: TransferMethod,
    #[serde(default)]
    pub remote_url: Option<String>,
    #[serde(default)]
    pub related_id: Option<String>,
    #[serde(default)]
    pub filename: Option<String>,
    /// With the leading dot.
    #[serde(default)]
    pub extension: Option<String>,
    #[serde(default)]
    pub mime_type: Option<String>,
    /// Bytes; -1 when unknown.
    #[serde(default = "unknown_size")]
    pub size: i64,
    #[serde(default)]
    pub url: Option<String>,
}

const fn unknown_size() -> i64 {
    -1
}

impl File {
    /// The JSON form with its identity key first.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut map = serde_json::Map::new();
        map.insert(FILE_IDENTITY_KEY.into(), FILE_IDENTITY_VALUE.into());
        if let Ok(Json::Object(fields)) = serde_json::to_value(self) {
            map.extend(fields);
        }
        Json::Object(map)
    }

    /// Reads the JSON form; `None` when the object is not marked as a file or is incomplete.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        if json.get(FILE_IDENTITY_KEY)?.as_str()? != FILE_IDENTITY_VALUE {
            return None;
        }
        serde_json::from_value(json.clone()).ok()
    }

    /// An attribute by its name in variable selectors.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<crate::Value> {
        let text = |value: &Option<String>| Some(value.as_deref().map_or(crate::Value::None, crate::Value::from));
        match name {
            "type" => Some(self.kind.as_str().into()),
            "size" => Some(crate::Value::Int(self.size)),
            "name" => text(&self.filename),
            "mime_type" => text(&self.mime_type),
            "transfer_method" => Some(self.transfer_method.as_str().into()),
            "url" => text(if self.url.is_some() { &self.url } else { &self.remote_url }),
            "extension" => text(&self.extension),
            "related_id" => text(&self.related_id),
            _ => None,
        }
    }
}
