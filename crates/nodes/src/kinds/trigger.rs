//! `trigger-webhook`, `trigger-schedule` and `trigger-plugin`: where an event from outside enters.
//!
//! What the event brings was checked and converted by whoever received it, and stands in the pool under the node's id.
//! Events of plugins come through a plugin host; where there is none, their node fails by the plugin's name.

use std::sync::Arc;

use async_trait::async_trait;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput};
use ox_types::Json;
use serde_json::json;

use crate::{NodeKind, Ports};

/// System variables that a trigger shows.
const SYSTEM_VARIABLES: &[&str] =
    &["user_id", "app_id", "workflow_id", "workflow_run_id", "files", "timestamp", "invoke_from"];

pub struct TriggerWebhook;
pub struct TriggerSchedule;
pub struct TriggerPlugin;

fn build(runner: impl Node + 'static) -> BuiltNode {
    BuiltNode::new(NodeClass::Root, Effect::Pure, Arc::new(runner))
}

impl NodeKind for TriggerWebhook {
    fn kind(&self) -> &'static str {
        "trigger-webhook"
    }

    fn default_config(&self) -> Json {
        json!({
            "webhook_url": "", "webhook_debug_url": "", "method": "POST", "content_type": "application/json",
            "headers": [], "params": [], "body": [], "async_mode": true, "status_code": 200, "response_body": "",
            "variables": [],
        })
    }

    fn build(&self, _spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        Ok(build(Event))
    }
}

impl NodeKind for TriggerSchedule {
    fn kind(&self) -> &'static str {
        "trigger-schedule"
    }

    fn default_config(&self) -> Json {
        json!({
            "mode": "visual", "frequency": "daily",
            "visual_config": {"time": "12:00 AM", "on_minute": 0, "weekdays": ["sun"], "monthly_days": [1]},
            "cron_expression": "", "timezone": "UTC",
        })
    }

    fn build(&self, _spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        Ok(build(Event))
    }
}

impl NodeKind for TriggerPlugin {
    fn kind(&self) -> &'static str {
        "trigger-plugin"
    }

    fn default_config(&self) -> Json {
        json!({
            "plugin_id": "", "provider_id": "", "provider_name": "", "provider_type": "", "event_name": "",
            "event_label": "", "subscription_id": "", "plugin_unique_identifier": "", "event_parameters": {},
            "output_schema": {},
        })
    }

    fn build(&self, _spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        Ok(build(PluginEvent { ports: Arc::clone(ports) }))
    }
}

/// Gives on what the event brought.
struct Event;

#[async_trait]
impl Node for Event {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let mut output = NodeOutput::default();
        for (name, value) in cx.pool.node(&cx.node.id).into_iter().flatten() {
            output.inputs.insert(name.clone(), value.clone());
            output.outputs.insert(name.clone(), value.clone());
        }
        for name in SYSTEM_VARIABLES {
            if let Some(value) = cx.pool.get(&["sys", name]) {
                output.outputs.insert(format!("sys.{name}"), value);
            }
        }
        Ok(output)
    }
}

/// Gives on what an event of a plugin brought; without the plugin, fails by its name.
struct PluginEvent {
    ports: Arc<Ports>,
}

#[async_trait]
impl Node for PluginEvent {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let data = |key: &str| cx.node.data.get(key).and_then(Json::as_str).unwrap_or_default();
        // An event that has come stays one, whatever became of its plugin: a run is resumed and replayed with it.
        let has_come = cx.pool.node(&cx.node.id).is_some_and(|brought| !brought.is_empty());
        if !has_come && !self.ports.triggers.has_provider(&cx.run, data("provider_id")).await {
            return Err(missing(&cx.node));
        }
        let info = json!({
            "provider_id": data("provider_id"),
            "event_name": data("event_name"),
            "plugin_unique_identifier": data("plugin_unique_identifier"),
        });
        let mut output = Event.run(cx).await?;
        output.metadata.insert("trigger_info".to_owned(), info);
        Ok(output)
    }
}

fn missing(node: &NodeSpec) -> Box<NodeFailure> {
    let text = |key: &str| node.data.get(key).and_then(Json::as_str).filter(|text| !text.is_empty());
    let plugin = text("plugin_unique_identifier").or_else(|| text("plugin_id")).or_else(|| text("provider_id"));
    let event = text("event_label").or_else(|| text("event_name")).unwrap_or("an event");
    let mut failure = NodeFailure::new(
        "TriggerPluginNotFoundError",
        format!(
            "The trigger '{}' needs the plugin {} for {event}, which is not installed. Use a webhook or a schedule, \
             or call the workflow through its API.",
            node.title,
            plugin.unwrap_or("that brings its provider"),
        ),
    );
    failure.retry_useless = true;
    failure
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use ox_engine::{Pool, RunInfo};
    use serde_json::json;

    use crate::{
        Ports, TriggerPort,
        testing::{ports, run, run_with},
    };

    #[tokio::test]
    async fn an_event_is_given_on() {
        let mut pool = Pool::new();
        pool.set("n", "city", "Paris");
        pool.set("sys", "workflow_run_id", "r");
        pool.set("sys", "query", "not shown");
        for kind in ["trigger-webhook", "trigger-schedule"] {
            let output = run(kind, json!({"type": kind}), pool.clone()).await.unwrap();
            let shown: Vec<(&str, String)> =
                output.outputs.iter().map(|(name, value)| (name.as_str(), value.text())).collect();
            assert_eq!(shown, [("city", "Paris".to_owned()), ("sys.workflow_run_id", "r".to_owned())]);
        }
    }

    #[tokio::test]
    async fn an_event_of_a_plugin_is_given_on_with_where_it_is_from() {
        let mut pool = Pool::new();
        pool.set("n", "branch", "main");
        let data = json!({"type": "trigger-plugin", "provider_id": "a/git/git", "event_name": "push", "plugin_unique_identifier": "a/git:1@c"});
        let output = run("trigger-plugin", data, pool).await.unwrap();
        assert_eq!(output.outputs["branch"].text(), "main");
        let info = json!({"provider_id": "a/git/git", "event_name": "push", "plugin_unique_identifier": "a/git:1@c"});
        assert_eq!(output.metadata["trigger_info"], info);
    }

    /// Somebody who brings the events of one provider.
    struct Git;

    #[async_trait]
    impl TriggerPort for Git {
        async fn has_provider(&self, _run: &RunInfo, provider: &str) -> bool {
            provider == "a/git/git"
        }
    }

    #[tokio::test]
    async fn an_event_of_a_plugin_may_bring_nothing() {
        for (provider, is_there) in [("a/git/git", true), ("a/other/other", false)] {
            let ports = Ports { triggers: Arc::new(Git), ..ports() };
            let data = json!({"type": "trigger-plugin", "provider_id": provider, "event_name": "star"});
            let (result, _) = run_with(ports, "trigger-plugin", data, Pool::new()).await;
            assert_eq!(result.is_ok(), is_there, "{provider}");
        }
    }

    #[tokio::test]
    async fn a_missing_plugin_is_named() {
        let data = json!({"type": "trigger-plugin", "plugin_id": "langgenius/github_trigger", "event_name": "push"});
        let failure = run("trigger-plugin", data, Pool::new()).await.unwrap_err();
        assert!(
            failure.error.contains("langgenius/github_trigger") && failure.error.contains("push"),
            "{}",
            failure.error
        );
        assert!(failure.retry_useless);
    }
}
