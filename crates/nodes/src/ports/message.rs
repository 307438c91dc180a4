//! What tools, agents and datasources answer with.

use std::pin::Pin;

use bytes::Bytes;
use futures::Stream;
use ox_models::Usage;
use ox_types::{File, Json};

/// A call that did not work: the class users see and branch on, and the text for them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct CallError {
    /// Class name as the compatible API shows it; the node's own when empty.
    pub class: String,
    pub text: String,
    /// Trying again would end the same way (not configured, not allowed).
    pub is_final: bool,
}

impl CallError {
    /// An error of a class.
    pub fn new(class: impl Into<String>, text: impl Into<String>) -> Self {
        Self { class: class.into(), text: text.into(), is_final: false }
    }

    /// Something this server does not have.
    pub fn missing(class: impl Into<String>, text: impl Into<String>) -> Self {
        Self { is_final: true, ..Self::new(class, text) }
    }
}

/// One message of an answer.
#[derive(Clone, Debug)]
pub enum CallMessage {
    /// Shown as it comes, and part of `text`.
    Text(String),
    /// A line of `text`.
    Link(String),
    /// A picture that is kept as a file.
    ImageLink(String),
    /// Bytes that are kept as a file.
    Blob { bytes: Bytes, mime: String, filename: Option<String> },
    /// A file that is kept already.
    File(Box<File>),
    /// An element of `json`.
    Json(Json),
    /// An output of its own; a streamed one comes in pieces of text.
    Variable { name: String, value: Json, stream: bool },
    /// A step that the agent tells about.
    Log(Box<CallLog>),
    /// Sources that the client is told about.
    Resources(Vec<Json>),
    /// What model calls behind it cost; several are summed.
    Usage(Box<Usage>),
}

/// A step in the log of an agent; steps with a parent hang under it, and a later one with the same id replaces it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallLog {
    pub id: String,
    pub label: String,
    pub parent_id: Option<String>,
    pub error: Option<String>,
    /// `start`, `success`, `error`.
    pub status: String,
    pub data: Json,
    pub metadata: Json,
}

/// An answer, message by message. Dropping it ends the call.
pub type CallStream = Pin<Box<dyn Stream<Item = Result<CallMessage, CallError>> + Send>>;
