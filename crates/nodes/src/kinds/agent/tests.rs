#![expect(clippy::needless_pass_by_value, reason = "json! literals read better by value")]

use ox_engine::Chunk;
use ox_models::Message;

use super::*;
use crate::{
    CallError, CallLog, CallMessage, HistoryMessage,
    testing::{self, Caller},
};

fn config(parameters: Json) -> Json {
    json!({"agent_strategy_provider_name": "langgenius/agent/agent", "agent_strategy_name": "function_calling",
        "agent_strategy_label": "FunctionCalling", "agent_parameters": parameters,
        "memory": {"window": {"enabled": true, "size": 10}}})
}

async fn run(caller: Caller, parameters: Json) -> (Result<NodeOutput, Box<NodeFailure>>, Vec<Chunk>, Arc<Caller>) {
    let caller = Arc::new(caller);
    let mut ports = testing::ports();
    ports.agents = Arc::clone(&caller) as Arc<dyn crate::AgentPort>;
    ports.history = Arc::new(testing::History(vec![HistoryMessage {
        query: "before".into(),
        answer: "said".into(),
        answer_tokens: 1,
        ..HistoryMessage::default()
    }]));
    let mut pool = Pool::new();
    pool.set("n1", "text", "abc");
    let (result, chunks) = testing::run_with(ports, "agent", config(parameters), pool).await;
    (result, chunks, caller)
}

#[tokio::test]
async fn the_task_is_prepared() {
    let tool = |enabled: bool, name: &str| {
        json!({"enabled": enabled, "type": "builtin", "provider_name": "time", "tool_name": name, "schemas": [1],
            "parameters": {
                "a": {"auto": 1, "value": null},
                "b": {"auto": 0, "value": {"type": "constant", "value": 5}},
                "c": {"auto": 0, "value": {"type": "variable", "value": ["n1", "text"]}},
                "d": {"auto": 0, "value": {"type": "mixed", "value": "x{{#n1.text#}}"}},
                "e": {"auto": 0, "value": null}},
            "settings": {"k": {"value": "v"}}, "extra": {"description": "d"}})
    };
    let parameters = json!({
        "model": {"type": "constant", "value": {"provider": "openai", "model": "gpt", "mode": "chat", "completion_params": {}}},
        "tools": {"type": "constant", "value": [tool(true, "now"), tool(false, "off")]},
        "query": {"type": "mixed", "value": "do {{#n1.text#}}"},
        "maximum_iterations": {"type": "constant", "value": 5}});
    let (result, _, caller) = run(Caller::default(), parameters).await;
    result.unwrap();
    let tasks = caller.agent_tasks.lock().unwrap();
    let task = &tasks[0];
    assert_eq!((task.provider.as_str(), task.strategy.as_str()), ("langgenius/agent/agent", "function_calling"));
    assert_eq!((&task.parameters["query"], &task.parameters["maximum_iterations"]), (&json!("do abc"), &json!(5)));
    assert_eq!(
        task.parameters["tools"],
        json!([{"enabled": true, "type": "builtin", "provider_name": "time", "tool_name": "now",
            "parameters": {"a": null, "b": 5, "c": "abc", "d": "xabc", "e": null},
            "settings": {"k": "v"}, "extra": {"description": "d"}}])
    );
    let history: Vec<String> = task.history.iter().map(Message::plain_text).collect();
    assert_eq!(history, ["before", "said"]);
}

#[tokio::test]
async fn steps_and_answer() {
    let step = |id: &str, status: &str| {
        let log = CallLog {
            id: id.into(),
            label: "ROUND 1".into(),
            status: status.into(),
            data: json!({"x": 1}),
            ..CallLog::default()
        };
        Ok(CallMessage::Log(Box::new(log)))
    };
    let messages = vec![
        step("1", "start"),
        Ok(CallMessage::Text("answer".into())),
        step("1", "success"),
        Ok(CallMessage::Json(json!({"execution": 2}))),
        Ok(CallMessage::Usage(Box::new(ox_models::Usage::priced(5, 6, None)))),
    ];
    let (result, chunks, _) = run(Caller { messages, ..Caller::default() }, json!({})).await;
    let output = result.unwrap();
    let keys: Vec<&str> = output.outputs.keys().map(String::as_str).collect();
    assert_eq!(keys, ["text", "usage", "files", "json"]);
    let list = output.outputs["json"].to_json();
    assert_eq!(
        (list.as_array().unwrap().len(), &list[0]["status"], &list[0]["node_id"]),
        (2, &json!("success"), &json!("n"))
    );
    assert_eq!(list[1], json!({"execution": 2}));
    assert_eq!(output.metadata["agent_log"].as_array().unwrap().len(), 1);
    assert_eq!(output.metadata["tool_info"]["name"], "function_calling");
    assert_eq!((output.metadata["total_tokens"].clone(), output.usage.unwrap().total_tokens), (json!(11), 11));
    let kinds: Vec<&str> = chunks
        .iter()
        .map(|chunk| match chunk {
            Chunk::Text { text, .. } => text.as_str(),
            Chunk::Note { kind, .. } => kind,
            Chunk::Reasoning { .. } => "reasoning",
        })
        .collect();
    assert_eq!(kinds, ["agent_log", "answer", "agent_log", ""]);
}

#[tokio::test]
async fn what_goes_wrong() {
    let kind = |result: Result<NodeOutput, Box<NodeFailure>>| result.unwrap_err().error_type;
    let gone = json!({"query": {"type": "variable", "value": ["x", "y"]}});
    assert_eq!(kind(run(Caller::default(), gone).await.0), "AgentVariableNotFoundError");
    let tools = json!({"tools": {"type": "constant", "value": [{"tool_name": "t", "enabled": true,
        "parameters": {"a": {"auto": 0, "value": {"type": "variable", "value": ["x", "y"]}}}}]}});
    assert_eq!(kind(run(Caller::default(), tools).await.0), "AgentVariableNotFoundError");
    let messages = vec![Err(CallError::new("AgentMaxIterationError", "no end"))];
    assert_eq!(kind(run(Caller { messages, ..Caller::default() }, json!({})).await.0), "AgentMaxIterationError");
    let odd = vec![Ok(CallMessage::Variable { name: "v".into(), value: json!(1), stream: true })];
    assert_eq!(kind(run(Caller { messages: odd, ..Caller::default() }, json!({})).await.0), "AgentVariableError");
    let long = vec![Ok(CallMessage::Text("x".repeat(32 * 1024 * 1024 + 1)))];
    let long = run(Caller { messages: long, ..Caller::default() }, json!({})).await.0.unwrap_err();
    assert_eq!(
        (long.error_type.as_str(), long.error.as_str()),
        ("AgentMessageTransformError", "The answer is longer than 32 MB.")
    );
    let absent = testing::run("agent", config(json!({})), Pool::new()).await.unwrap_err();
    assert_eq!(absent.error_type, "AgentStrategyNotFoundError");
    assert_eq!(absent.error, "This server has no agent strategy 'function_calling' of 'langgenius/agent/agent'.");
}

#[tokio::test]
async fn memory_and_files_that_are_not_there() {
    let blob = CallMessage::Blob { bytes: "abc".into(), mime: "image/png".into(), filename: None };
    for (forgets, expected) in [(true, "AgentMemoryError"), (false, "ToolFileError")] {
        let mut ports = testing::ports();
        ports.agents = Arc::new(Caller { messages: vec![Ok(blob.clone())], ..Caller::default() });
        ports.files = Arc::new(testing::Broken);
        if forgets {
            ports.history = Arc::new(testing::Broken);
        }
        let failure = testing::run_with(ports, "agent", config(json!({})), Pool::new()).await.0.unwrap_err();
        assert_eq!((failure.error_type.as_str(), failure.error.as_str()), (expected, "the disk is full"));
    }
}
