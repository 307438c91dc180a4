use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use uuid::{ContextV7, Timestamp, Uuid};

/// A clock that goes back by less than this is taken to have trembled: ids stay in order.
const JITTER: Duration = Duration::from_secs(10);

static MAKER: Mutex<Maker> = Mutex::new(Maker { context: ContextV7::new(), latest: Duration::ZERO });

/// A new time-ordered UUID. The only place where ids are made.
///
/// Rows are looked for around the time in their id. So when the clock is set back, ids go back with it.
#[must_use]
pub fn new_uuid() -> Uuid {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    MAKER.lock().unwrap_or_else(PoisonError::into_inner).make(at)
}

/// Makes ids from the times it is given.
struct Maker {
    /// Never goes back by itself.
    context: ContextV7,
    latest: Duration,
}

impl Maker {
    fn make(&mut self, at: Duration) -> Uuid {
        if at + JITTER < self.latest {
            self.context = ContextV7::new();
            self.latest = at;
        }
        self.latest = self.latest.max(at);
        Uuid::new_v7(Timestamp::from_unix(&self.context, at.as_secs(), at.subsec_nanos()))
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new, time-ordered id.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "an id has no default value")]
            pub fn new() -> Self {
                Self(new_uuid())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )+};
}

ids! {
    /// A person who can sign in.
    AccountId,
    /// A published or draft application.
    AppId,
    /// A part of a segment that is found in its place.
    ChildChunkId,
    /// A conversation of a chat app.
    ConversationId,
    /// A knowledge base.
    DatasetId,
    /// A document of a knowledge base.
    DocumentId,
    /// A user of a published app, known by the caller's own name for them.
    EndUserId,
    /// An uploaded or generated file.
    FileId,
    /// A question with its answer.
    MessageId,
    /// A key by which somebody outside asks models through the gateway.
    GatewayKeyId,
    /// One execution of one node in a run.
    NodeRunId,
    /// One execution of a workflow.
    RunId,
    /// A chunk of a document.
    SegmentId,
    /// One generation request, the handle by which it can be stopped.
    TaskId,
    /// A workspace.
    TenantId,
    /// One immutable version (or the draft) of a workflow.
    WorkflowId,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(id: Uuid) -> u64 {
        id.get_timestamp().unwrap().to_unix().0
    }

    #[test]
    fn ids_keep_their_order_while_the_clock_trembles_and_follow_it_when_it_is_set() {
        let mut maker = Maker { context: ContextV7::new(), latest: Duration::ZERO };
        let day = Duration::from_secs(1_800_000_000);
        let ids: Vec<Uuid> = [10_000, 10_001, 10_000, 7_000, 15_000, 5_100, 15_000]
            .into_iter()
            .map(|step| maker.make(day + Duration::from_millis(step)))
            .collect();
        assert!(ids.is_sorted(), "{ids:?}");
        for at in [day - Duration::from_secs(7200), day * 2, day, Duration::from_secs(1)] {
            assert_eq!(seconds(maker.make(at)), at.as_secs());
        }
    }
}
