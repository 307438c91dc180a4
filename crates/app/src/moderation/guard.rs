//! The answer of a chatflow under watch: an event sink in front of the run's own.
//!
//! Words are looked for at once. A model or an API extension is asked beside the run, which goes on meanwhile; its
//! verdict replaces what was shown and stops the run. `order` keeps pieces of text from overtaking a replacement.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use ox_engine::{EventSink, RunEvent, RunEventKind, RunHandle, SinkClosed};
use ox_types::{Json, RunStatus};

use super::{Moderator, OutputVerdict, config::Kind};
use crate::{
    Services,
    runs::{AppMode, sink::RunSink},
};

/// What a run says that was stopped here.
const STOPPED: &str = "Stopped by output moderation.";

/// One run's guard.
pub(crate) struct Guard {
    moderator: Moderator,
    sink: Arc<RunSink>,
    handle: OnceLock<RunHandle>,
    order: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Characters so far, and how many of them a check has begun with.
    chars: usize,
    begun: usize,
    is_asking: bool,
    /// Nothing is said any more.
    is_over: bool,
}

impl Guard {
    /// A guard for the run behind this sink; `None` where nothing is to be watched.
    pub fn new(
        services: &Arc<Services>,
        feature: Option<&Json>,
        info: &ox_engine::RunInfo,
        sink: &Arc<RunSink>,
    ) -> Option<Arc<Self>> {
        if sink.recording().hub().head.mode != AppMode::AdvancedChat {
            return None;
        }
        let moderator = Moderator::new(services, feature, info.tenant_id, info.app_id, info.user_id.clone())?;
        moderator.checks_outputs().then(|| {
            Arc::new(Self {
                moderator,
                sink: Arc::clone(sink),
                handle: OnceLock::new(),
                order: tokio::sync::Mutex::default(),
                state: Mutex::default(),
            })
        })
    }

    /// The run that is stopped when its answer may not go on.
    pub fn attach(&self, handle: &RunHandle) {
        _ = self.handle.set(handle.clone());
        if self.lock().is_over {
            handle.stop(STOPPED);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a piece; tells whether a check is due.
    fn is_due(&self, piece: &str) -> bool {
        let mut state = self.lock();
        state.chars += piece.chars().count();
        let due = !state.is_asking && state.chars - state.begun >= self.moderator.services.settings.moderation_buffer;
        if due {
            state.begun = state.chars;
            state.is_asking = true;
        }
        due
    }

    /// Carries out a verdict on the first `upto` bytes of the answer. The caller holds `order`.
    async fn carry_out(&self, verdict: OutputVerdict, upto: usize) -> Result<(), SinkClosed> {
        match verdict {
            OutputVerdict::Answer(text) => {
                self.lock().is_over = true;
                self.sink.replace_answer(usize::MAX, &text).await?;
                if let Some(handle) = self.handle.get() {
                    handle.stop(STOPPED);
                }
                Ok(())
            }
            OutputVerdict::Replace(text) => self.sink.replace_answer(upto, &text).await,
        }
    }

    async fn ask_beside(self: Arc<Self>, answer: String) {
        let verdict = self.moderator.output(&answer).await;
        let _in_order = self.order.lock().await;
        self.lock().is_asking = false;
        if let Some(verdict) = verdict
            && !self.lock().is_over
            && let Err(error) = self.carry_out(verdict, answer.len()).await
        {
            tracing::debug!(%error, "a moderated answer could not be replaced: its run is over");
        }
    }

    async fn said(self: &Arc<Self>, event: RunEvent, piece: &str) -> Result<(), SinkClosed> {
        let _in_order = self.order.lock().await;
        if self.lock().is_over {
            return Ok(());
        }
        self.sink.emit(event).await?;
        if !self.is_due(piece) {
            return Ok(());
        }
        let answer = self.sink.answer();
        if matches!(self.moderator.moderation.kind, Kind::Keywords(_)) {
            self.lock().is_asking = false;
            if let Some(verdict) = self.moderator.output(&answer).await {
                self.carry_out(verdict, answer.len()).await?;
            }
            return Ok(());
        }
        self.moderator.services.runs.tracker.spawn(Arc::clone(self).ask_beside(answer));
        Ok(())
    }

    /// The last word on the whole answer, before the run's end is told.
    async fn ending(&self) {
        let _in_order = self.order.lock().await;
        let is_clean = {
            let mut state = self.lock();
            let is_clean = state.is_over || (!state.is_asking && state.begun == state.chars && state.chars > 0);
            state.is_over = true;
            is_clean
        };
        if is_clean {
            return;
        }
        let answer = self.sink.answer();
        match self.moderator.output(&answer).await {
            Some(OutputVerdict::Answer(text) | OutputVerdict::Replace(text)) => self.sink.end_with(&text),
            None => {}
        }
    }
}

/// The guard as the engine's sink.
pub(crate) struct Guarded(pub Arc<Guard>);

#[async_trait]
impl EventSink for Guarded {
    async fn emit(&self, event: RunEvent) -> Result<(), SinkClosed> {
        match &event.kind {
            RunEventKind::Chunk { text, .. } => {
                let text = text.clone();
                self.0.said(event, &text).await
            }
            RunEventKind::RunFinished(outcome) => {
                if outcome.status != RunStatus::Failed {
                    self.0.ending().await;
                }
                self.0.sink.emit(event).await
            }
            _ => self.0.sink.emit(event).await,
        }
    }

    async fn barrier(&self) -> Result<(), SinkClosed> {
        self.0.sink.barrier().await
    }
}

impl Guard {
    /// The sink that a run is given: the guard's, where there is one.
    pub fn sink_of(guard: Option<&Arc<Self>>, sink: &Arc<RunSink>) -> Arc<dyn EventSink> {
        match guard {
            Some(guard) => Arc::new(Guarded(Arc::clone(guard))),
            None => Arc::clone(sink) as _,
        }
    }
}
