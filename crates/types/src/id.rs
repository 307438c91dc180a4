use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A new time-ordered UUID. The only place where ids are made.
#[must_use]
pub fn new_uuid() -> Uuid {
    Uuid::now_v7()
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
    /// A conversation of a chat app.
    ConversationId,
    /// A user of a published app, known by the caller's own name for them.
    EndUserId,
    /// An uploaded or generated file.
    FileId,
    /// A question with its answer.
    MessageId,
    /// One execution of one node in a run.
    NodeRunId,
    /// One execution of a workflow.
    RunId,
    /// One generation request, the handle by which it can be stopped.
    TaskId,
    /// A workspace.
    TenantId,
    /// One immutable version (or the draft) of a workflow.
    WorkflowId,
}
