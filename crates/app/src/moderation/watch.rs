//! A growing answer that is checked every so many characters, and once at its end.

use futures::future::BoxFuture;

use super::{Moderator, OutputVerdict};

/// What an answer becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// This text, and nothing after it.
    End(String),
    /// This text, and what follows goes on.
    Text(String),
}

/// Watches one answer of a basic app.
pub(crate) struct Watch {
    moderator: Moderator,
    every: usize,
    /// Characters so far, and how many of them a check has begun with.
    chars: usize,
    begun: usize,
    /// The check under way, and how many bytes it looks at.
    running: Option<(usize, BoxFuture<'static, Option<OutputVerdict>>)>,
}

impl Watch {
    /// `None` when answers are not checked.
    pub fn new(moderator: Moderator) -> Option<Self> {
        let every = moderator.services.settings.moderation_buffer;
        moderator.checks_outputs().then_some(Self { moderator, every, chars: 0, begun: 0, running: None })
    }

    /// Another piece has come; a check begins when one is due.
    pub fn saw(&mut self, piece: &str, answer: &str) {
        self.chars += piece.chars().count();
        if self.running.is_none() && self.chars - self.begun >= self.every {
            self.begin(answer);
        }
    }

    fn begin(&mut self, answer: &str) {
        self.begun = self.chars;
        let (moderator, text) = (self.moderator.clone(), answer.to_owned());
        self.running = Some((answer.len(), Box::pin(async move { moderator.output(&text).await })));
    }

    /// The verdict of the check under way and how far it goes; never without one.
    pub async fn verdict(&mut self) -> (usize, Option<OutputVerdict>) {
        let Some((upto, check)) = &mut self.running else { return std::future::pending().await };
        let found = (*upto, check.await);
        self.running = None;
        found
    }

    /// What the answer becomes by a verdict; later text is counted from there.
    pub fn applied(&mut self, verdict: OutputVerdict, upto: usize, answer: &str) -> Change {
        match verdict {
            OutputVerdict::Answer(text) => Change::End(text),
            OutputVerdict::Replace(text) => {
                let text = format!("{text}{}", answer.get(upto..).unwrap_or_default());
                self.chars = text.chars().count();
                self.begun = self.begun.min(self.chars);
                Change::Text(text)
            }
        }
    }

    /// The last word on the whole answer.
    pub async fn last(&mut self, answer: &str) -> Option<Change> {
        if self.running.is_some() {
            let (upto, verdict) = self.verdict().await;
            if let Some(verdict) = verdict {
                return Some(self.applied(verdict, upto, answer));
            }
        }
        if self.chars == self.begun {
            return None;
        }
        let verdict = self.moderator.output(answer).await?;
        Some(self.applied(verdict, answer.len(), answer))
    }
}
