//! How a container drives its child frames. The engine runs frames, the plan says what they mean.

use std::{fmt, sync::Arc};

use indexmap::IndexMap;
use ox_types::Value;

use crate::{NodeFailure, Pool, Selector};

/// Typed configuration of a container (DSL reference §8.20 and §8.21).
#[derive(Clone, Debug)]
pub enum ContainerPlan {
    Iteration(IterationPlan),
    Loop(LoopPlan),
}

impl ContainerPlan {
    /// The node with which a child frame begins.
    #[must_use]
    pub fn start_node_id(&self) -> &str {
        match self {
            Self::Iteration(plan) => &plan.start_node_id,
            Self::Loop(plan) => &plan.start_node_id,
        }
    }
}

/// A child frame per item of a list, each with its own copy of the pool.
#[derive(Clone, Debug)]
pub struct IterationPlan {
    pub start_node_id: String,
    /// The list (`iterator_selector`).
    pub items: Selector,
    /// What is collected from each item's pool (`output_selector`).
    pub output: Selector,
    /// Items at the same time (`parallel_nums`); 1 when not parallel.
    pub parallel: usize,
    pub on_error: ItemError,
    /// Lists of results are concatenated (`flatten_output`).
    pub flatten: bool,
}

/// What a failed item means (`error_handle_mode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ItemError {
    /// The iteration fails with the first error.
    #[default]
    Terminated,
    /// The item's result is null.
    ContinueOnError,
    /// The item has no result.
    RemoveAbnormalOutput,
}

/// Rounds of a child frame on the pool of the frame around it.
#[derive(Clone)]
pub struct LoopPlan {
    pub start_node_id: String,
    /// Most rounds (`loop_count`).
    pub count: u32,
    pub logic: Arc<dyn LoopLogic>,
}

impl fmt::Debug for LoopPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopPlan")
            .field("start_node_id", &self.start_node_id)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// What a loop asks the crate that knows value types and operators.
pub trait LoopLogic: Send + Sync {
    /// The loop variables' first values by label. The engine stores them as `[loop id, label]`.
    ///
    /// # Errors
    /// When one cannot be made (`Invalid value for loop variable <label>`): the loop fails.
    fn variables(&self, pool: &Pool) -> Result<IndexMap<String, Value>, Box<NodeFailure>>;

    /// Whether the break conditions hold now; false when there are none. Asked before the first
    /// round, where an error is ignored, and after each round, where it fails the loop.
    ///
    /// # Errors
    /// When a condition cannot be evaluated.
    fn should_break(&self, pool: &Pool) -> Result<bool, Box<NodeFailure>>;
}
