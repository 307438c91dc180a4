//! The port of trigger nodes: whether somebody brings their events.

use async_trait::async_trait;
use ox_engine::RunInfo;

/// Trigger providers of the run's workspace.
#[async_trait]
pub trait TriggerPort: Send + Sync {
    /// Whether the workspace has this provider (`author/plugin/name`), so that its events may start runs.
    async fn has_provider(&self, run: &RunInfo, provider: &str) -> bool;
}
