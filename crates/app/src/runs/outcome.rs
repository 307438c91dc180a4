//! Waiting for the end of a run, for callers that want one answer.

use std::sync::Arc;

use ox_types::boxed;

use super::{
    event::{AppMode, JsonText, MessageMetadata, RunDone, RunPause, StreamBody},
    hub::Subscription,
};
use crate::{Error, Result};

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Apps that answer in words.
    Message { answer: Arc<str>, metadata: Arc<MessageMetadata>, files: JsonText },
    /// Workflows; failed ones, too.
    Workflow(Arc<RunDone>),
    /// It waits for somebody.
    Paused(Arc<RunPause>),
}

/// Reads a stream to its end.
///
/// # Errors
/// What the stream ends with when it ends with an error.
#[boxed]
pub async fn wait(reader: &mut Subscription) -> Result<Outcome> {
    loop {
        let event = match reader.next().await {
            Ok(Some(event)) => event,
            Ok(None) => break,
            // Only the last event counts here, and that one is always kept.
            Err(_) => {
                reader.skip_missed();
                continue;
            }
        };
        match &event.body {
            StreamBody::WorkflowFinished(done) if reader.head().mode == AppMode::Workflow => {
                return Ok(Outcome::Workflow(Arc::clone(done)));
            }
            StreamBody::WorkflowPaused(pause) => return Ok(Outcome::Paused(Arc::clone(pause))),
            StreamBody::MessageEnd { answer, metadata, files } => {
                let (answer, metadata, files) = (Arc::clone(answer), Arc::clone(metadata), Arc::clone(files));
                return Ok(Outcome::Message { answer, metadata, files });
            }
            StreamBody::Error { code, status, message } => {
                return Err(Error::new(*status, code.clone(), &**message));
            }
            _ => {}
        }
    }
    Err(Error::internal("the run ended without an answer; it goes on elsewhere"))
}
