//! Every metric, in one place: operations reference §8.4 and a few of ours.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

/// Bounds of histograms, in seconds.
pub const BUCKETS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0];

const fn metric(name: &'static str, kind: Kind, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind, labels, help }
}

/// All of them. A metric that is not here is not described to operators; a test looks for such ones.
pub const METRICS: &[Metric] = &[
    metric("oxidify_build_info", Kind::Gauge, &["version", "commit", "role"], "Always 1; what runs here."),
    metric("oxidify_up_dependency", Kind::Gauge, &["dependency"], "1 when a dependency answers."),
    metric(
        "oxidify_http_requests_total",
        Kind::Counter,
        &["route", "method", "status_class"],
        "HTTP requests answered.",
    ),
    metric(
        "oxidify_http_request_duration_seconds",
        Kind::Histogram,
        &["route", "method", "status_class"],
        "Time to answer an HTTP request.",
    ),
    metric("oxidify_http_in_flight", Kind::Gauge, &[], "HTTP requests being answered."),
    metric(
        "oxidify_workflow_runs_total",
        Kind::Counter,
        &["app_id", "kind", "invoke_from", "status"],
        "Runs that have ended.",
    ),
    metric("oxidify_workflow_run_duration_seconds", Kind::Histogram, &["app_id", "kind", "status"], "Time of a run."),
    metric("oxidify_workflow_runs_active", Kind::Gauge, &["kind"], "Runs in progress."),
    metric("oxidify_workflow_runs_oldest_seconds", Kind::Gauge, &["kind"], "Age of the oldest run in progress."),
    metric("oxidify_workflow_runs_reaped_total", Kind::Counter, &["kind"], "Runs taken over from a process that died."),
    metric(
        "oxidify_workflow_first_text_seconds",
        Kind::Histogram,
        &["kind"],
        "Time from the start of a run to its first text.",
    ),
    metric(
        "oxidify_summaries_total",
        Kind::Counter,
        &["outcome"],
        "Summaries of chunks that were made: completed, timeout or error.",
    ),
    metric(
        "oxidify_document_indexing_seconds",
        Kind::Histogram,
        &["outcome"],
        "Time to split and index a document of a knowledge base.",
    ),
    metric("oxidify_runs_refused_total", Kind::Counter, &["reason"], "Runs refused because of a limit."),
    metric(
        "oxidify_extension_requests_total",
        Kind::Counter,
        &["point", "status"],
        "Requests to API extensions of workspaces: moderation, external data.",
    ),
    metric("oxidify_traces_sent_total", Kind::Counter, &["provider"], "Traces that a tracing service has taken."),
    metric(
        "oxidify_traces_dropped_total",
        Kind::Counter,
        &["reason"],
        "Traces that were given up: the queue was full, or the service did not take them.",
    ),
    metric(
        "oxidify_moderation_failures_total",
        Kind::Counter,
        &[],
        "Answers that moderation could not judge: its service was down or answered badly.",
    ),
    metric("oxidify_mails_total", Kind::Counter, &["status"], "Mails that were sent, given up, or put off."),
    metric("oxidify_human_input_forms_total", Kind::Counter, &["status"], "Forms of waiting runs that were answered."),
    metric("oxidify_result_webhooks_total", Kind::Counter, &["status"], "Results sent to the address of a caller."),
    metric("oxidify_node_runs_total", Kind::Counter, &["node_type", "status"], "Node executions that have ended."),
    metric("oxidify_node_duration_seconds", Kind::Histogram, &["node_type", "status"], "Time of a node execution."),
    metric(
        "oxidify_engine_overhead_seconds",
        Kind::Histogram,
        &["kind"],
        "Time of a run without models, tools and code.",
    ),
    metric("oxidify_recorder_commit_seconds", Kind::Histogram, &[], "Time to make one group of run records durable."),
    metric("oxidify_recorder_batch_runs", Kind::Histogram, &[], "Runs in one group of records."),
    metric("oxidify_sandbox_executions_total", Kind::Counter, &["language", "outcome"], "Executions of user code."),
    metric(
        "oxidify_sandbox_execution_seconds",
        Kind::Histogram,
        &["language", "outcome"],
        "Time of an execution of user code.",
    ),
    metric("oxidify_sandbox_busy", Kind::Gauge, &[], "Executions of user code in progress."),
    metric("oxidify_sandbox_queue", Kind::Gauge, &[], "Executions of user code that wait."),
    metric("celery_queue_length", Kind::Gauge, &["queue"], "Jobs that wait, under the name that existing scalers use."),
    metric("oxidify_queue_depth", Kind::Gauge, &["queue"], "Jobs that wait."),
    metric("oxidify_queue_oldest_seconds", Kind::Gauge, &["queue"], "Age of the oldest waiting job."),
    metric("oxidify_queue_jobs_total", Kind::Counter, &["queue", "status"], "Jobs that have ended."),
    metric("oxidify_queue_job_seconds", Kind::Histogram, &["queue", "status"], "Time of a job."),
    metric("oxidify_queue_dead", Kind::Gauge, &["queue"], "Jobs given up."),
    metric("oxidify_queue_consumers", Kind::Gauge, &["queue"], "Workers of a queue."),
    metric("oxidify_queue_probe_age_seconds", Kind::Gauge, &["queue"], "Time since a queue was last served."),
    metric("oxidify_llm_requests_total", Kind::Counter, &["provider", "model", "status"], "Calls of models."),
    metric("oxidify_llm_request_seconds", Kind::Histogram, &["provider", "model", "status"], "Time of a model call."),
    metric("oxidify_llm_first_token_seconds", Kind::Histogram, &["provider", "model"], "Time to the first token."),
    metric("oxidify_llm_tokens_total", Kind::Counter, &["provider", "model", "direction"], "Tokens sent and received."),
    metric("oxidify_llm_cost_usd_total", Kind::Counter, &["provider", "model"], "Cost in dollars."),
    metric(
        "oxidify_llm_fallbacks_total",
        Kind::Counter,
        &["provider", "model", "reason"],
        "Calls that went to another model.",
    ),
    metric("oxidify_llm_retries_total", Kind::Counter, &["provider", "model", "reason"], "Calls made again."),
    metric("oxidify_tool_calls_total", Kind::Counter, &["type", "status"], "Calls of tools."),
    metric("oxidify_circuit_state", Kind::Gauge, &["target"], "0 closed, 1 half open, 2 open."),
    metric("oxidify_cache_requests_total", Kind::Counter, &["cache", "result"], "Look-ups in caches."),
    metric("oxidify_budget_used_ratio", Kind::Gauge, &["scope", "id"], "Used part of a budget."),
    metric("oxidify_budget_denied_total", Kind::Counter, &["scope", "id"], "Calls refused because of a budget."),
    metric("oxidify_budget_webhooks_total", Kind::Counter, &["status"], "Alerts of budgets sent to webhooks."),
    metric("oxidify_model_cache_total", Kind::Counter, &["result"], "Model calls that looked for a kept answer."),
    metric("oxidify_model_hedges_total", Kind::Counter, &["result"], "Model calls made a second time, and won by it."),
    metric("oxidify_model_rate_denied_total", Kind::Counter, &[], "Model calls refused because of a limit of rates."),
    metric("oxidify_model_calls_waited_total", Kind::Counter, &[], "Model calls that waited for the spend log."),
    metric("oxidify_model_calls_lost_total", Kind::Counter, &[], "Model calls that are not in the spend log."),
    metric(
        "oxidify_tool_approvals_total",
        Kind::Counter,
        &["decision"],
        "Calls of tools that a person was asked about.",
    ),
    metric("oxidify_retrieval_seconds", Kind::Histogram, &["store", "method"], "Time of a retrieval."),
    metric("oxidify_retrieval_hits", Kind::Histogram, &["store", "method"], "Chunks found by a retrieval."),
    metric("oxidify_vector_errors_total", Kind::Counter, &["store", "method"], "Failed calls of a vector store."),
    metric(
        "oxidify_retrieval_degraded_total",
        Kind::Counter,
        &["store"],
        "Searches by words only, because the vector store did not answer.",
    ),
    metric(
        "oxidify_vector_store_behind",
        Kind::Gauge,
        &["store"],
        "Knowledge bases with changes that the vector store has not read.",
    ),
    metric(
        "oxidify_vector_store_behind_changes",
        Kind::Gauge,
        &["store"],
        "Changes that the vector store has not read.",
    ),
    metric(
        "oxidify_vector_store_removals",
        Kind::Gauge,
        &["store"],
        "Collections of deleted knowledge bases that are still in the vector store.",
    ),
    metric("oxidify_index_documents_total", Kind::Counter, &["stage", "status"], "Documents indexed."),
    metric("oxidify_index_seconds", Kind::Histogram, &["stage"], "Time of an indexing stage."),
    metric("oxidify_index_pending", Kind::Gauge, &["stage"], "Documents that wait to be indexed."),
    metric("oxidify_index_oldest_seconds", Kind::Gauge, &["stage"], "Age of the oldest document that waits."),
    metric(
        "oxidify_egress_requests_total",
        Kind::Counter,
        &["client", "decision", "reason"],
        "Outgoing requests and what the guard decided.",
    ),
    metric("oxidify_auth_events_total", Kind::Counter, &["kind", "outcome"], "Logins and other uses of credentials."),
    metric("oxidify_sse_streams", Kind::Gauge, &[], "Open event streams."),
    metric("oxidify_ws_connections", Kind::Gauge, &[], "Open websockets."),
    metric("oxidify_db_pool_connections", Kind::Gauge, &["state"], "Database connections."),
    metric("oxidify_db_pool_wait_seconds", Kind::Histogram, &[], "Time waited for a database connection."),
    metric("oxidify_db_table_bytes", Kind::Gauge, &["table"], "Size of a table."),
    metric(
        "oxidify_redis_role_info",
        Kind::Gauge,
        &["role", "server", "flavour", "run_id"],
        "Always 1; which cache server serves what.",
    ),
    metric(
        "oxidify_config_finding",
        Kind::Gauge,
        &["code", "severity"],
        "1 for each problem found in the configuration.",
    ),
    metric("oxidify_cluster_members", Kind::Gauge, &["role", "version"], "Running processes."),
    metric("oxidify_schedule_lag_seconds", Kind::Gauge, &["job"], "How late a scheduled job is."),
    metric("oxidify_leader", Kind::Gauge, &[], "1 in the process that runs scheduled jobs."),
    metric("oxidify_backup_last_success_timestamp_seconds", Kind::Gauge, &[], "When the last backup ended well."),
    metric("oxidify_backup_bytes", Kind::Gauge, &[], "Size of the last backup."),
    metric("oxidify_restore_verify_ok", Kind::Gauge, &[], "1 when the last backup could be restored."),
    metric("oxidify_tls_cert_expiry_timestamp_seconds", Kind::Gauge, &["domain"], "When a certificate ends."),
    metric("oxidify_eval_score", Kind::Gauge, &["app_id", "suite", "metric"], "Last score of an evaluation."),
    metric("oxidify_eval_runs_total", Kind::Counter, &["app_id", "suite", "status"], "Evaluations that have ended."),
];

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    #[test]
    fn names_are_unique_and_well_formed() {
        let mut seen = HashSet::new();
        for metric in METRICS {
            assert!(seen.insert(metric.name), "{} is there twice", metric.name);
            assert!(metric.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", metric.name);
            assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }

    /// Reads the sources: a metric used anywhere must be in the table, as what it is.
    #[test]
    fn every_metric_in_use_is_in_the_table() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut files = Vec::new();
        collect(&crates, &mut files);
        assert!(files.len() > 20);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for (kind, start) in
                [(Kind::Counter, "counter!("), (Kind::Gauge, "gauge!("), (Kind::Histogram, "histogram!(")]
            {
                for used in text.split(start).skip(1) {
                    let Some(name) = used.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                        continue;
                    };
                    let found = METRICS.iter().find(|metric| metric.name == name);
                    assert!(
                        found.is_some_and(|metric| metric.kind == kind),
                        "{name} in {} is not in the table as a {kind:?}: add it to metrics_table.rs",
                        file.display()
                    );
                }
            }
        }
    }

    fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("metrics_table.rs")
            {
                files.push(path);
            }
        }
    }
}
