//! What is looked at again and again until the server stops.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{Result, Services};

/// Why a round begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// It was time.
    Due,
    /// Somebody knew of something to do.
    Woken,
}

/// The rounds of a loop. Those that a long one leaves no time for are not made up for.
pub(crate) struct Rounds {
    tick: Interval,
    shutdown: CancellationToken,
}

impl Rounds {
    /// A round at once, then one after each `every`.
    pub fn new(services: &Services, every: Duration) -> Self {
        let mut tick = tokio::time::interval(every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { tick, shutdown: services.shutdown.clone() }
    }

    /// Waits for the next; none once the server stops.
    pub async fn next(&mut self) -> Option<Round> {
        self.next_or(std::future::pending()).await
    }

    /// As [`Rounds::next`], and begins one when `wake` is there.
    pub async fn next_or(&mut self, wake: impl Future<Output = ()>) -> Option<Round> {
        tokio::select! {
            () = self.shutdown.cancelled() => None,
            () = wake => Some(Round::Woken),
            _ = self.tick.tick() => Some(Round::Due),
        }
    }
}

/// Does something in every round, until shutdown. What fails is told, and tried in the next.
pub(crate) async fn keep(
    services: Arc<Services>,
    every: Duration,
    what: &'static str,
    work: for<'a> fn(&'a Arc<Services>) -> BoxFuture<'a, Result<()>>,
) {
    let mut rounds = Rounds::new(&services, every);
    while rounds.next().await.is_some() {
        if let Err(error) = work(&services).await {
            tracing::error!(%error, what, "what is due cannot be done");
        }
    }
}
