use serde::{Deserialize, Serialize};

macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $wire:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $(#[serde(rename = $wire)] $variant),+ }

        impl $name {
            /// The name on the wire and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire),+ }
            }
            /// Reads the name back.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($wire => Some(Self::$variant),)+ _ => None }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

statuses! {
    /// State of a workflow run.
    RunStatus {
        Scheduled = "scheduled",
        Running = "running",
        Paused = "paused",
        Succeeded = "succeeded",
        PartialSucceeded = "partial-succeeded",
        Failed = "failed",
        Stopped = "stopped",
    }
}

impl RunStatus {
    /// No further change can come.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::PartialSucceeded | Self::Failed | Self::Stopped)
    }
}

statuses! {
    /// State of one node execution.
    NodeStatus {
        Pending = "pending",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Exception = "exception",
        Stopped = "stopped",
        Paused = "paused",
        Retry = "retry",
    }
}
