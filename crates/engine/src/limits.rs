use std::time::Duration;

/// What a run may use. Reaching one is a named error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Node starts, those in containers included (`WORKFLOW_MAX_EXECUTION_STEPS`).
    pub max_steps: u32,
    /// Of the whole run (`WORKFLOW_MAX_EXECUTION_TIME`).
    pub max_time: Duration,
    /// Workflows that call workflows as tools (`WORKFLOW_CALL_MAX_DEPTH`).
    pub max_call_depth: u32,
    /// Containers in containers.
    pub max_frame_depth: usize,
    /// Nodes that run at the same time; containers do not count.
    pub workers: usize,
    /// Items of one iteration at the same time.
    pub max_parallel_items: usize,
    /// Items of one iteration.
    pub max_items: usize,
    /// Outputs of one node, in bytes.
    pub max_output_bytes: usize,
    /// Text held back for the answer in one run, in bytes.
    pub max_buffered_bytes: usize,
    /// One attempt of a node that has no limit of its own.
    pub node_timeout: Option<Duration>,
    /// How long nodes may go on after another one has failed the run.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_steps: 500,
            max_time: Duration::from_secs(1200),
            max_call_depth: 5,
            max_frame_depth: 10,
            workers: 10,
            max_parallel_items: 10,
            max_items: 100_000,
            max_output_bytes: 64 * 1024 * 1024,
            max_buffered_bytes: 64 * 1024 * 1024,
            node_timeout: None,
            drain_time: Duration::from_secs(10),
        }
    }
}
