#![expect(clippy::needless_pass_by_value, reason = "json! literals read better by value")]

use ox_engine::{Chunk, Pool};
use ox_types::ValueType;

use super::*;
use crate::{
    CallMessage, ToolParameter,
    testing::{self, Caller},
};

fn config(extra: Json) -> Json {
    let mut data = json!({"provider_id": "time", "provider_name": "time", "provider_type": "builtin", "tool_name": "now",
        "tool_configurations": {"zone": "UTC"}, "tool_parameters": {}});
    data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    data
}

fn pool() -> Pool {
    let mut pool = Pool::new();
    pool.set("n1", "text", "abc");
    pool.set(
        "n1",
        "files",
        Value::array(vec![Value::from(testing::file("a.png")), Value::from(testing::file("b.pdf"))]),
    );
    pool.set("env", "key", Value::secret("sk-1234567890"));
    pool
}

fn parameter(name: &str, kind: &str) -> ToolParameter {
    ToolParameter { name: name.into(), kind: kind.into(), ..ToolParameter::default() }
}

async fn run(caller: Caller, data: Json) -> (Result<NodeOutput, Box<NodeFailure>>, Vec<Chunk>, Arc<Caller>) {
    let caller = Arc::new(caller);
    let mut ports = testing::ports();
    ports.tools = Arc::clone(&caller) as Arc<dyn crate::ToolPort>;
    let (result, chunks) = testing::run_with(ports, "tool", config(data), pool()).await;
    (result, chunks, caller)
}

fn text(text: &str, is_final: bool) -> Chunk {
    Chunk::Text { name: "text".into(), text: text.into(), is_final }
}

#[tokio::test]
async fn arguments_reach_the_tool() {
    let parameters = vec![parameter("query", "string"), parameter("pictures", "files"), parameter("count", "number")];
    let caller = Caller { parameters, ..Caller::default() };
    let data = json!({"tool_node_version": "2", "credential_id": "", "tool_parameters": {
        "query": {"type": "mixed", "value": "find {{#n1.text#}} {{#env.key#}}"},
        "pictures": {"type": "variable", "value": ["n1", "files"]},
        "count": {"type": "constant", "value": 3},
        "unknown": {"type": "constant", "value": 1},
        "unset": {"type": "mixed", "value": null}},
        "tool_configurations": {"zone": {"type": "constant", "value": "UTC"}, "none": null, "mixed": {"type": "mixed", "value": "{{#n1.text#}}!"}}});
    let (result, _, caller) = run(caller, data).await;
    let output = result.unwrap();
    let calls = caller.tool_calls.lock().unwrap();
    let call = &calls[0];
    assert_eq!(
        (call.tool.tool.as_str(), call.tool.provider_id.as_str(), &call.tool.credential_id),
        ("now", "time", &None)
    );
    assert_eq!(call.parameters["query"], "find abc sk-1234567890");
    assert_eq!(call.parameters["pictures"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&call.parameters["count"], &call.parameters["unknown"], &call.parameters["unset"]),
        (&json!(3), &Json::Null, &Json::Null)
    );
    assert_eq!(Json::Object(call.settings.clone()), json!({"zone": "UTC", "mixed": "abc!"}));
    assert_eq!(output.inputs["query"], Value::from("find abc sk-123************90"));
    assert_eq!(
        output.metadata["tool_info"],
        json!({"provider_type": "builtin", "provider_id": "time", "plugin_unique_identifier": null})
    );
}

#[tokio::test]
async fn messages_become_outputs() {
    let messages = vec![
        CallMessage::Text("Hel".into()),
        CallMessage::Text("lo\n".into()),
        CallMessage::Link("https://a.b/c".into()),
        CallMessage::ImageLink("https://a.b/p.jpg?x=1".into()),
        CallMessage::Blob { bytes: "bytes".into(), mime: "text/csv".into(), filename: Some("t.csv".into()) },
        CallMessage::File(Box::new(testing::file("kept.pdf"))),
        CallMessage::Json(json!({"a": 1})),
        CallMessage::Variable { name: "count".into(), value: json!(2), stream: false },
        CallMessage::Variable { name: "story".into(), value: json!("once "), stream: true },
        CallMessage::Variable { name: "story".into(), value: json!("more"), stream: true },
        CallMessage::Usage(Box::new(ox_models::Usage::priced(3, 4, None))),
        CallMessage::Usage(Box::new(ox_models::Usage::priced(1, 1, None))),
    ];
    let (result, chunks, _) =
        run(Caller { messages: messages.into_iter().map(Ok).collect(), ..Caller::default() }, json!({})).await;
    let output = result.unwrap();
    let keys: Vec<&str> = output.outputs.keys().map(String::as_str).collect();
    assert_eq!(keys, ["text", "files", "json", "count", "story"]);
    assert_eq!(output.outputs["text"], Value::from("Hello\nLink: https://a.b/c\n"));
    let names: Vec<Json> =
        output.outputs["files"].as_array().unwrap().iter().map(|file| file.to_json()["filename"].clone()).collect();
    assert_eq!(names, [json!("p.jpg"), json!("t.csv"), json!("kept.pdf")]);
    assert_eq!(output.outputs["files"].value_type(), ValueType::ArrayFile);
    assert_eq!(output.outputs["json"].to_json(), json!([{"a": 1}]));
    assert_eq!((output.outputs["count"].to_json(), output.outputs["story"].to_json()), (json!(2), json!("once more")));
    assert_eq!(output.usage.unwrap().total_tokens, 9);
    let story = |text: &str, is_final| Chunk::Text { name: "story".into(), text: text.into(), is_final };
    assert_eq!(
        chunks,
        [
            text("Hel", false),
            text("lo\n", false),
            text("Link: https://a.b/c\n", false),
            story("once ", false),
            story("more", false),
            text("", true),
            story("", true),
        ]
    );
    let (result, chunks, _) = run(Caller::default(), json!({})).await;
    assert_eq!(result.unwrap().outputs["json"].to_json(), json!([{"data": []}]));
    assert_eq!(chunks, [text("", true)]);
}

#[tokio::test]
async fn what_goes_wrong() {
    let error = |class: &str, text: &str| CallError::new(class, text);
    let class_and_text = |result: Result<NodeOutput, Box<NodeFailure>>| {
        let failure = result.unwrap_err();
        assert!(failure.metadata.contains_key("tool_info"));
        (failure.error_type.clone(), failure.error.clone(), failure.retry_useless)
    };
    let (result, ..) =
        run(Caller { missing: Some(CallError::missing("", "no such tool")), ..Caller::default() }, json!({})).await;
    assert_eq!(
        class_and_text(result),
        ("ToolNodeError".into(), "Failed to get tool runtime: no such tool".into(), true)
    );
    let (result, ..) = run(Caller { refusal: Some(error("", "down")), ..Caller::default() }, json!({})).await;
    assert_eq!(class_and_text(result), ("ToolNodeError".into(), "Failed to invoke tool: down".into(), false));
    let messages = vec![Ok(CallMessage::Text("half".into())), Err(error("ToolInvokeError", "broke"))];
    let (result, chunks, _) = run(Caller { messages, ..Caller::default() }, json!({})).await;
    assert_eq!(class_and_text(result), ("ToolInvokeError".into(), "Failed to invoke tool: broke".into(), false));
    // A broken stream is not closed.
    assert_eq!(chunks, [text("half", false)]);
    let odd = vec![Ok(CallMessage::Variable { name: "v".into(), value: json!(1), stream: true })];
    let (result, ..) = run(Caller { messages: odd, ..Caller::default() }, json!({})).await;
    assert!(class_and_text(result).1.ends_with("The streamed variable 'v' must be a string."));
    let gone = json!({"tool_parameters": {"q": {"type": "variable", "value": ["x", "y"]}}});
    let (result, ..) = run(Caller::default(), gone).await;
    assert_eq!(class_and_text(result).0, "ToolParameterError");
    let absent = testing::run("tool", config(json!({})), pool()).await.unwrap_err();
    assert_eq!(
        absent.error,
        "Failed to get tool runtime: this server has no tool 'now' of the builtin provider 'time'"
    );
}

#[tokio::test]
async fn files_that_cannot_be_kept() {
    let blob = CallMessage::Blob { bytes: "abc".into(), mime: "image/png".into(), filename: None };
    let mut ports = testing::ports();
    ports.tools = Arc::new(Caller { messages: vec![Ok(blob)], ..Caller::default() });
    ports.files = Arc::new(testing::Broken);
    let failure = testing::run_with(ports, "tool", config(json!({})), pool()).await.0.unwrap_err();
    assert_eq!((failure.error_type.as_str(), failure.error.as_str()), ("ToolFileError", "the disk is full"));
}

#[test]
fn arguments_of_the_wrong_type_are_refused_beforehand() {
    use ox_engine::NodeFactory;
    let registry = crate::Registry::new(testing::ports());
    for (parameter, why) in [
        (json!({"type": "mixed", "value": 1}), "q: value must be a string"),
        (json!({"type": "variable", "value": "a.b"}), "q: value must be a list of strings"),
    ] {
        let error =
            registry.build(&testing::spec("tool", config(json!({"tool_parameters": {"q": parameter}})))).err().unwrap();
        assert_eq!(error.why, why);
    }
}
