//! `iteration` and `iteration-start`: a child graph for each item of a list. The engine drives it.

use std::sync::Arc;

use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, ContainerPlan, ItemError, IterationPlan};
use ox_types::Json;
use serde::Deserialize;
use serde_json::json;

use crate::{NodeKind, Ports, config};

/// Most items at the same time, whatever the file says.
const MAX_PARALLEL: u64 = 10;

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    start_node_id: String,
    #[serde(default, deserialize_with = "config::nullable")]
    iterator_selector: Vec<String>,
    #[serde(default, deserialize_with = "config::nullable")]
    output_selector: Vec<String>,
    #[serde(default, deserialize_with = "config::nullable")]
    is_parallel: bool,
    #[serde(default)]
    parallel_nums: Option<u64>,
    #[serde(default)]
    error_handle_mode: Option<String>,
    /// Compat: files from before the setting have none; then lists are flattened.
    #[serde(default)]
    flatten_output: Option<bool>,
}

pub struct Iteration;

impl NodeKind for Iteration {
    fn kind(&self) -> &'static str {
        "iteration"
    }

    fn default_config(&self) -> Json {
        json!({
            "start_node_id": "",
            "iterator_selector": [],
            "output_selector": [],
            "is_parallel": false,
            "parallel_nums": MAX_PARALLEL,
            "error_handle_mode": "terminated",
            "flatten_output": true,
        })
    }

    fn build(&self, spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        let on_error = match config.error_handle_mode.as_deref() {
            None | Some("" | "terminated") => ItemError::Terminated,
            Some("continue-on-error") => ItemError::ContinueOnError,
            Some("remove-abnormal-output") => ItemError::RemoveAbnormalOutput,
            Some(other) => return Err(format!("unknown error_handle_mode {other:?}")),
        };
        let parallel = config.parallel_nums.unwrap_or(MAX_PARALLEL).clamp(1, MAX_PARALLEL);
        Ok(BuiltNode::container(ContainerPlan::Iteration(IterationPlan {
            start_node_id: config.start_node_id,
            items: config.iterator_selector,
            output: config.output_selector,
            parallel: if config.is_parallel { usize::try_from(parallel).unwrap_or(1) } else { 1 },
            on_error,
            flatten: config.flatten_output.unwrap_or(true),
        })))
    }
}

pub struct IterationStart;

impl NodeKind for IterationStart {
    fn kind(&self) -> &'static str {
        "iteration-start"
    }

    fn default_config(&self) -> Json {
        json!({})
    }

    fn build(&self, _spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        Ok(BuiltNode::container_start())
    }
}
