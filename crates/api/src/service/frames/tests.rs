use std::sync::Arc;

use ox_app::runs::{MessageMetadata, NodeFacts, RunUser};
use ox_types::{ConversationId, MessageId, RunId, RunStatus, TaskId, WorkflowId};
use serde_json::{Value as Json, json};

use super::*;

const UUID: &str = "0199a1b2-0000-7000-8000-00000000000";

fn id<T: std::str::FromStr>(last: u8) -> T
where
    T::Err: std::fmt::Debug,
{
    format!("{UUID}{last}").parse().unwrap()
}

fn head(mode: AppMode) -> StreamHead {
    let is_message = mode != AppMode::Workflow;
    StreamHead {
        mode,
        invoke_from: InvokeFrom::ServiceApi,
        task_id: id::<TaskId>(1),
        run_id: mode.is_graph().then(|| id::<RunId>(2)),
        workflow_id: mode.is_graph().then(|| id::<WorkflowId>(3)),
        conversation_id: is_message.then(|| id::<ConversationId>(4)),
        message_id: is_message.then(|| id::<MessageId>(5)),
        created_at: 1_705_395_332,
        user: RunUser::EndUser { id: id(6), session_id: "abc-123".into() },
    }
}

fn node(kind: &str) -> NodeView {
    let spec = ox_app::runs::NodeSpec {
        id: "n1".into(),
        kind: kind.into(),
        title: "Näme \"x\"".into(),
        ..ox_app::runs::NodeSpec::default()
    };
    Arc::new(NodeFacts {
        id: id(7),
        node: Arc::new(spec),
        created_at: 10,
        iteration_id: Some("it".into()),
        loop_id: None,
    })
}

fn done() -> Arc<NodeDone> {
    Arc::new(NodeDone {
        inputs: r#"{"a":1}"#.into(),
        process_data: "{}".into(),
        outputs: r#"{"b":[1,2]}"#.into(),
        status: "succeeded",
        error: None,
        elapsed_seconds: 0.5,
        metadata: "null".into(),
        finished_at: 11,
        files: "[]".into(),
        total_tokens: 0,
    })
}

fn render(mode: AppMode, detail: Detail, body: StreamBody) -> Json {
    render_for(InvokeFrom::ServiceApi, mode, detail, body)
}

fn render_for(invoke_from: InvokeFrom, mode: AppMode, detail: Detail, body: StreamBody) -> Json {
    let head = StreamHead { invoke_from, ..head(mode) };
    let text = json(&head, &StreamEvent { number: 1, at: 12, body }, detail).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn keys(json: &Json) -> Vec<&str> {
    json.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_envelope_goes_by_the_mode_and_its_keys_come_first() {
    let text = || StreamBody::Text {
        text: "Bon \"jour\"".into(),
        selector: Some(Arc::from(["llm".to_owned(), "text".into()])),
    };
    let chat = render(AppMode::AdvancedChat, Detail::Full, text());
    assert_eq!(
        keys(&chat),
        ["event", "conversation_id", "message_id", "created_at", "task_id", "id", "answer", "from_variable_selector"]
    );
    assert_eq!((&chat["answer"], &chat["from_variable_selector"]), (&json!("Bon \"jour\""), &json!(["llm", "text"])));
    let completion = render(AppMode::Completion, Detail::Full, StreamBody::Text { text: "".into(), selector: None });
    assert_eq!(
        keys(&completion),
        ["event", "message_id", "created_at", "task_id", "id", "answer", "from_variable_selector"]
    );
    assert!(completion["from_variable_selector"].is_null());
    let workflow = render(AppMode::Workflow, Detail::Full, text());
    assert_eq!(keys(&workflow), ["event", "workflow_run_id", "task_id", "data"]);
    assert_eq!(workflow["event"], "text_chunk");
}

#[test]
fn node_events_have_every_documented_key_in_order() {
    let started = render(AppMode::Workflow, Detail::Full, StreamBody::NodeStarted(node("llm")));
    assert_eq!(
        keys(&started["data"]),
        [
            "id",
            "node_id",
            "node_type",
            "title",
            "index",
            "predecessor_node_id",
            "inputs",
            "inputs_truncated",
            "created_at",
            "extras",
            "iteration_id",
            "loop_id",
            "agent_strategy"
        ]
    );
    let finished = render(AppMode::AdvancedChat, Detail::Full, StreamBody::NodeFinished(node("llm"), done()));
    assert_eq!(finished["workflow_run_id"], format!("{UUID}2"));
    assert_eq!(
        keys(&finished["data"]),
        [
            "id",
            "node_id",
            "node_type",
            "title",
            "index",
            "predecessor_node_id",
            "inputs",
            "inputs_truncated",
            "process_data",
            "process_data_truncated",
            "outputs",
            "outputs_truncated",
            "status",
            "error",
            "elapsed_time",
            "execution_metadata",
            "created_at",
            "finished_at",
            "files",
            "iteration_id",
            "loop_id"
        ]
    );
    assert_eq!(finished["data"]["outputs"], json!({"b": [1, 2]}));
    let retry = StreamBody::NodeRetry { node: node("llm"), done: done(), retry_index: 2 };
    assert_eq!(render(AppMode::Workflow, Detail::Full, retry)["data"]["retry_index"], 2);
}

#[test]
fn a_published_page_sees_no_values_of_nodes() {
    let finished = render(AppMode::Workflow, Detail::Reduced, StreamBody::NodeFinished(node("llm"), done()));
    for key in ["inputs", "process_data", "outputs", "error", "execution_metadata"] {
        assert!(finished["data"][key].is_null(), "{key}");
    }
    assert!(finished["data"].get("inputs_truncated").is_none());
    let started = render(AppMode::Workflow, Detail::Reduced, StreamBody::NodeStarted(node("llm")));
    assert!(started["data"].get("agent_strategy").is_none());
    let metadata = MessageMetadata {
        retriever_resources: vec![json!({"dataset_id": "d", "score": 0.5, "content": "c"})],
        ..MessageMetadata::default()
    };
    let end = StreamBody::MessageEnd { answer: "x".into(), metadata: Arc::new(metadata), files: "[]".into() };
    let end = render(AppMode::AdvancedChat, Detail::Reduced, end);
    assert_eq!(keys(&end["metadata"]), ["retriever_resources"]);
    assert!(end["metadata"]["retriever_resources"][0].get("dataset_id").is_none());
}

#[test]
fn long_values_are_cut_for_screens_and_whole_for_programs() {
    let long = json!({"text": "é".repeat(100_001), "list": vec![1; 1001], "n": 5}).to_string();
    let done = Arc::new(NodeDone { inputs: long.as_str().into(), outputs: long.as_str().into(), ..(*done()).clone() });
    let retry =
        |done: &Arc<NodeDone>| StreamBody::NodeRetry { node: node("llm"), done: Arc::clone(done), retry_index: 1 };
    let steps = 1;
    let bodies = [
        ("node_finished", StreamBody::NodeFinished(node("llm"), Arc::clone(&done)), Detail::Full),
        ("node_retry", retry(&done), Detail::Full),
        ("node_retry", retry(&done), Detail::Reduced),
        ("iteration_completed", StreamBody::ContainerFinished { node: node("iteration"), done, steps }, Detail::Full),
    ];
    for (name, body, detail) in bodies {
        for from in [InvokeFrom::Debugger, InvokeFrom::WebApp, InvokeFrom::ServiceApi, InvokeFrom::Trigger] {
            let event = render_for(from, AppMode::Workflow, detail, body.clone());
            assert_eq!(event["event"], name);
            let is_cut = matches!(from, InvokeFrom::Debugger | InvokeFrom::WebApp);
            for key in ["inputs", "outputs"] {
                let (values, flag) = (&event["data"][key], &event["data"][format!("{key}_truncated")]);
                assert_eq!(flag, is_cut, "{name} {from:?} {key}");
                let (text, list) = (values["text"].as_str().unwrap(), values["list"].as_array().unwrap());
                let sizes = if is_cut { (100_003, 1000) } else { (100_001, 1001) };
                assert_eq!((text.chars().count(), list.len()), sizes, "{name} {from:?} {key}");
                assert_eq!(values["n"], 5);
            }
        }
    }
    let started = StreamBody::ContainerStarted { node: node("loop"), inputs: long.into(), length: None };
    let event = render_for(InvokeFrom::Debugger, AppMode::Workflow, Detail::Full, started);
    assert_eq!(event["data"]["inputs_truncated"], true);
}

#[test]
fn an_agent_node_names_its_strategy() {
    let mut view = node("agent");
    Arc::make_mut(&mut Arc::make_mut(&mut view).node).data = json!({"agent_strategy_name": "function_calling"});
    let started = render(AppMode::Workflow, Detail::Full, StreamBody::NodeStarted(view));
    assert_eq!(started["data"]["agent_strategy"], json!({"name": "function_calling", "icon": null}));
    assert_eq!(
        render(AppMode::Workflow, Detail::Full, StreamBody::NodeStarted(node("llm")))["data"]["agent_strategy"],
        Json::Null
    );
}

#[test]
fn containers_are_named_by_their_node() {
    let started = StreamBody::ContainerStarted { node: node("loop"), inputs: "{}".into(), length: Some(3) };
    let started = render(AppMode::Workflow, Detail::Full, started);
    assert_eq!(started["event"], "loop_started");
    assert_eq!((&started["data"]["id"], &started["data"]["metadata"]), (&json!("n1"), &json!({"loop_length": 3})));
    let next = render(AppMode::Workflow, Detail::Full, StreamBody::ContainerNext { node: node("iteration"), index: 1 });
    assert_eq!((&next["event"], &next["data"]["index"]), (&json!("iteration_next"), &json!(1)));
    assert!(next["data"].get("pre_loop_output").is_none());
    let completed = StreamBody::ContainerFinished { node: node("iteration"), done: done(), steps: 2 };
    let completed = render(AppMode::Workflow, Detail::Full, completed);
    assert_eq!((&completed["data"]["steps"], &completed["data"]["error"]), (&json!(2), &Json::Null));
}

#[test]
fn the_end_of_a_run_and_of_a_message() {
    let run = RunDone {
        status: RunStatus::PartialSucceeded,
        outputs: r#"{"answer":"x"}"#.into(),
        error: None,
        elapsed_seconds: 1.0,
        total_tokens: 23,
        total_steps: 3,
        exceptions_count: 1,
        finished_at: 13,
        files: "[]".into(),
    };
    let finished = render(AppMode::Workflow, Detail::Full, StreamBody::WorkflowFinished(Arc::new(run.clone())));
    assert_eq!(
        keys(&finished["data"]),
        [
            "id",
            "workflow_id",
            "status",
            "outputs",
            "error",
            "elapsed_time",
            "total_tokens",
            "total_steps",
            "created_by",
            "created_at",
            "finished_at",
            "exceptions_count",
            "files"
        ]
    );
    assert_eq!(finished["data"]["created_by"]["user"], "abc-123");
    let blocking: Json = serde_json::from_str(&blocking_workflow(&head(AppMode::Workflow), &run)).unwrap();
    assert_eq!(
        keys(&blocking["data"]),
        [
            "id",
            "workflow_id",
            "status",
            "outputs",
            "error",
            "elapsed_time",
            "total_tokens",
            "total_steps",
            "created_at",
            "finished_at"
        ]
    );
    let end = StreamBody::MessageEnd { answer: "x".into(), metadata: Arc::default(), files: "[]".into() };
    let chat = render(AppMode::Chat, Detail::Full, end.clone());
    assert!(chat["files"].is_null(), "easy modes have none");
    assert_eq!(chat["metadata"]["usage"].as_object().unwrap().len(), 14);
    assert_eq!(render(AppMode::AdvancedChat, Detail::Full, end)["files"], json!([]));
    let error = StreamBody::Error { code: "invalid_param".into(), status: 400, message: "Run failed: x".into() };
    let error = render(AppMode::Chat, Detail::Full, error);
    assert_eq!(keys(&error), ["event", "conversation_id", "message_id", "created_at", "code", "status", "message"]);
}
