//! A subscription that outlives its connections.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::StreamExt;
use redis::aio::{PubSub, PubSubSink};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::JoinHandle,
};

use super::target::Target;
use crate::{Error, Result, Subscription};

#[derive(Clone)]
enum Item {
    Message(Arc<str>),
    /// Nobody listened for a while.
    Interrupted,
}

/// What arrives on one channel, up to a bound.
pub(super) struct Listener {
    items: broadcast::Receiver<Item>,
    work: JoinHandle<()>,
}

/// Listens from now on; where the server is away, from when it is back, which is told as an interruption.
pub(super) async fn subscribe(target: Arc<Target>, channel: String, backlog: usize) -> Listener {
    let first = match target.listen(&channel).await {
        Ok(listening) => Some(listening),
        Err(error) => {
            tracing::warn!(%error, "Redis cannot be listened to; it is tried again");
            None
        }
    };
    let (sender, items) = broadcast::channel(backlog.max(1));
    Listener { items, work: tokio::spawn(listen(target, channel, first, sender)) }
}

/// Hands messages on, over one connection after the other, until nobody wants them.
async fn listen(target: Arc<Target>, channel: String, mut next: Option<PubSub>, items: broadcast::Sender<Item>) {
    let mut failures = 0;
    loop {
        let listening = match next.take() {
            Some(listening) => listening,
            None => match target.listen(&channel).await {
                Ok(listening) => {
                    failures = 0;
                    if items.send(Item::Interrupted).is_err() {
                        return;
                    }
                    listening
                }
                Err(_) => {
                    failures += 1;
                    tokio::time::sleep(target.settings.pause_after(failures)).await;
                    continue;
                }
            },
        };
        if !hand_on(&target, listening, &items).await {
            return;
        }
        tracing::warn!(channel, "the connection that listens to Redis broke; another is made");
    }
}

/// Hands on what comes over one connection; false when nobody wants it any more.
async fn hand_on(target: &Target, listening: PubSub, items: &broadcast::Sender<Item>) -> bool {
    let (mut sink, mut stream) = listening.split();
    loop {
        match tokio::time::timeout(target.settings.look_after, stream.next()).await {
            Ok(Some(message)) => {
                // What is not text is not from us.
                let Ok(text) = message.get_payload::<String>() else { continue };
                if items.send(Item::Message(text.into())).is_err() {
                    return false;
                }
            }
            Ok(None) => return true,
            // Silence: a connection that broke without a word is found by asking.
            Err(_) => {
                if !answers(&mut sink, target.settings.timeout).await {
                    return true;
                }
            }
        }
    }
}

async fn answers(sink: &mut PubSubSink, limit: Duration) -> bool {
    matches!(tokio::time::timeout(limit, sink.ping::<redis::Value>()).await, Ok(Ok(_)))
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.work.abort();
    }
}

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> Result<Option<Arc<str>>> {
        match self.items.recv().await {
            Ok(Item::Message(text)) => Ok(Some(text)),
            Ok(Item::Interrupted) => Err(Error::Interrupted),
            Err(RecvError::Closed) => Ok(None),
            Err(RecvError::Lagged(lost)) => Err(Error::Lagged(lost)),
        }
    }
}
