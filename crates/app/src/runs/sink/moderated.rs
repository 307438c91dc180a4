//! An answer that output moderation replaces.

use ox_engine::SinkClosed;
use ox_types::boxed;

use super::{RunSink, State, StreamBody};

const REASON: &str = "output_moderation";

impl RunSink {
    /// What has been said so far.
    pub(crate) fn answer(&self) -> String {
        self.lock().answer.clone()
    }

    /// Puts a text in the place of the first bytes of the answer, and shows it.
    #[boxed]
    pub(crate) async fn replace_answer(&self, upto: usize, text: &str) -> Result<(), SinkClosed> {
        let body = {
            let mut state = self.lock();
            if state.finished {
                return Ok(());
            }
            state.answer = format!("{text}{}", state.answer.get(upto..).unwrap_or_default());
            state.replacement()
        };
        let at = chrono::Utc::now().timestamp();
        self.recording.put(None, at, vec![body], false).await.map_err(|error| SinkClosed(error.to_string()))
    }

    /// Replaces the whole answer; shown when the run's end is told.
    pub(crate) fn end_with(&self, text: &str) {
        let mut state = self.lock();
        text.clone_into(&mut state.answer);
        state.moderated = true;
    }
}

impl State {
    pub(super) fn replacement(&self) -> StreamBody {
        StreamBody::TextReplace { text: self.answer.as_str().into(), reason: REASON }
    }
}
