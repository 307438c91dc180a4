//! One run's events for any number of readers: a numbered, bounded ring with one cursor per reader.
//!
//! Publishing never waits. A reader too slow for the ring loses its stream, never the run; a late
//! reader gets what is still kept. The hub lives as long as somebody holds it.

use ox_types::boxed;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::event::{StreamBody, StreamEvent, StreamHead};

/// Events kept for readers that are behind.
const KEPT: usize = 2048;

/// The events of one run.
#[derive(Debug)]
pub struct Hub {
    pub head: StreamHead,
    /// Number of the last event before the first one here: what earlier processes have shown of the run.
    before: u64,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<StreamEvent>,
    published: u64,
    closed: bool,
    /// All that was said up to the last event.
    text: String,
}

/// Why a stream gave no further event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reader was too slow: events {missed_from} and later are no longer kept; the run goes on")]
pub struct Lagged {
    pub missed_from: u64,
}

impl Hub {
    /// An empty hub.
    #[must_use]
    pub fn new(head: StreamHead) -> Arc<Self> {
        Self::going_on(head, 0)
    }

    /// A hub whose events are numbered after `before`.
    #[must_use]
    pub fn going_on(head: StreamHead, before: u64) -> Arc<Self> {
        Arc::new(Self { head, before, state: Mutex::default(), changed: Notify::new() })
    }

    /// Whether an event with this number comes from before this hub.
    #[must_use]
    pub const fn is_before(&self, number: u64) -> bool {
        number <= self.before
    }

    /// Appends an event; dropped when the stream is closed already.
    pub fn publish(&self, at: i64, body: StreamBody) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        match &body {
            StreamBody::Text { text, .. } => state.text.push_str(text),
            StreamBody::TextReplace { text, .. } => text.as_ref().clone_into(&mut state.text),
            _ => {}
        }
        state.published += 1;
        let event = StreamEvent { number: self.before + state.published, at, body };
        if state.events.len() == KEPT {
            state.events.pop_front();
        }
        state.events.push_back(event);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Appends an event of another hub of the same run, under the number it has there.
    pub(crate) fn forward(&self, event: &StreamEvent) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.published += 1;
        if state.events.len() == KEPT {
            state.events.pop_front();
        }
        state.events.push_back(event.clone());
        drop(state);
        self.changed.notify_waiters();
    }

    /// Number of the last event that is here.
    pub(crate) fn last_number(&self) -> u64 {
        self.lock().events.back().map_or(self.before, |event| event.number)
    }

    /// Number of the last event before the first one here.
    pub(crate) const fn before(&self) -> u64 {
        self.before
    }

    /// Notes the text of the run up to its first event here.
    pub(crate) fn begin_after(&self, text: &str) {
        text.clone_into(&mut self.lock().text);
    }

    /// All that was said so far, and the number of the last event in it; nothing before the first event.
    pub(crate) fn text_so_far(&self) -> Option<(Arc<str>, u64)> {
        let state = self.lock();
        (state.published > 0).then(|| (state.text.as_str().into(), self.before + state.published))
    }

    /// Whether every event after this one is still here.
    pub(crate) fn keeps(&self, number: u64) -> bool {
        let state = self.lock();
        number >= self.before + state.published - state.events.len() as u64
    }

    /// Ends the stream: readers get what is left, then the end.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_waiters();
    }

    /// Whether the stream has ended.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// A reader from the beginning of what is kept.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>) -> Subscription {
        self.subscribe_after(0)
    }

    /// A reader that has seen everything up to `number`.
    #[must_use]
    pub fn subscribe_after(self: &Arc<Self>, number: u64) -> Subscription {
        let state = self.lock();
        let first_kept = state.published - state.events.len() as u64 + 1;
        let next = if self.is_before(number) { first_kept } else { number - self.before + 1 };
        drop(state);
        Subscription { hub: Arc::clone(self), next }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `Ok(None)` while there is nothing new.
    fn take(&self, number: u64) -> Result<Option<Step>, Lagged> {
        let state = self.lock();
        let first_kept = state.published - state.events.len() as u64 + 1;
        if number < first_kept {
            return Err(Lagged { missed_from: self.before + number });
        }
        let index = usize::try_from(number - first_kept).unwrap_or(usize::MAX);
        Ok(match state.events.get(index) {
            Some(event) => Some(Step::Event(event.clone())),
            None if state.closed => Some(Step::End),
            None => None,
        })
    }
}

enum Step {
    Event(StreamEvent),
    End,
}

/// A reader's place in a stream.
#[derive(Debug)]
pub struct Subscription {
    hub: Arc<Hub>,
    next: u64,
}

impl Subscription {
    /// What is the same in every event.
    #[must_use]
    pub fn head(&self) -> &StreamHead {
        &self.hub.head
    }

    /// The next event; `None` after the last one.
    ///
    /// # Errors
    /// When the reader has fallen behind what is kept.
    #[boxed]
    pub async fn next(&mut self) -> Result<Option<StreamEvent>, Lagged> {
        loop {
            // Registered before looking, so that no event between look and wait is missed.
            let hub = Arc::clone(&self.hub);
            let mut changed = std::pin::pin!(hub.changed.notified());
            changed.as_mut().enable();
            match self.hub.take(self.next)? {
                Some(Step::Event(event)) => {
                    self.next += 1;
                    return Ok(Some(event));
                }
                Some(Step::End) => return Ok(None),
                None => changed.await,
            }
        }
    }

    /// After falling behind: goes on with the oldest event that is still kept.
    pub fn skip_missed(&mut self) {
        let state = self.hub.lock();
        self.next = self.next.max(state.published - state.events.len() as u64 + 1);
    }

    /// The next event if it is there already.
    ///
    /// # Errors
    /// When the reader has fallen behind what is kept.
    pub fn try_next(&mut self) -> Result<Option<StreamEvent>, Lagged> {
        Ok(match self.hub.take(self.next)? {
            Some(Step::Event(event)) => {
                self.next += 1;
                Some(event)
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use ox_types::TaskId;

    use super::*;
    use crate::runs::event::{AppMode, InvokeFrom, RunUser};

    fn hub() -> Arc<Hub> {
        Hub::new(StreamHead {
            mode: AppMode::Chat,
            invoke_from: InvokeFrom::ServiceApi,
            task_id: TaskId::new(),
            run_id: None,
            workflow_id: None,
            conversation_id: None,
            message_id: None,
            created_at: 0,
            user: RunUser::EndUser { id: ox_types::new_uuid(), session_id: "u".into() },
        })
    }

    fn text(text: &str) -> StreamBody {
        StreamBody::Text { text: text.into(), selector: None }
    }

    fn read(event: &StreamEvent) -> String {
        match &event.body {
            StreamBody::Text { text, .. } => text.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn readers_get_everything_in_order_and_the_end() {
        let hub = hub();
        let mut early = hub.subscribe();
        hub.publish(1, text("a"));
        let mut late = hub.subscribe();
        let mut after = hub.subscribe_after(1);
        hub.publish(1, text("b"));
        hub.close();
        hub.publish(1, text("dropped"));
        for (reader, expected) in [(&mut early, "ab"), (&mut late, "ab"), (&mut after, "b")] {
            let mut seen = String::new();
            while let Some(event) = reader.next().await.unwrap() {
                seen.push_str(&read(&event));
            }
            assert_eq!(seen, expected);
        }
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken() {
        let hub = hub();
        let mut reader = hub.subscribe();
        let task = tokio::spawn(async move { reader.next().await.unwrap().map(|event| read(&event)) });
        tokio::task::yield_now().await;
        hub.publish(1, text("x"));
        assert_eq!(task.await.unwrap().as_deref(), Some("x"));
    }

    #[test]
    fn what_was_said_is_known_as_a_whole() {
        let hub = Hub::going_on(hub().head.clone(), 100);
        hub.begin_after("before ");
        assert!(hub.text_so_far().is_none());
        hub.publish(1, text("a"));
        hub.publish(1, text("b"));
        assert_eq!(hub.text_so_far(), Some(("before ab".into(), 102)));
        hub.publish(1, StreamBody::TextReplace { text: "anew".into(), reason: "x" });
        assert_eq!(hub.text_so_far(), Some(("anew".into(), 103)));
        assert!(hub.keeps(100) && hub.keeps(102) && !hub.keeps(99));
        (0..KEPT).for_each(|_| hub.publish(1, text("")));
        assert!(hub.keeps(103) && !hub.keeps(102));
    }

    #[tokio::test]
    async fn a_slow_reader_loses_the_stream_not_the_run() {
        let hub = hub();
        let mut slow = hub.subscribe();
        for _ in 0..=KEPT {
            hub.publish(1, text("x"));
        }
        assert_eq!(slow.next().await.unwrap_err(), Lagged { missed_from: 1 });
        let mut fresh = hub.subscribe();
        assert_eq!(fresh.next().await.unwrap().unwrap().number, 2);
        slow.skip_missed();
        assert_eq!(slow.next().await.unwrap().unwrap().number, 2);
    }
}
