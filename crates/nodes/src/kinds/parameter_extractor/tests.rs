#![expect(clippy::needless_pass_by_value, reason = "json! literals read better by value")]

use ox_engine::Pool;
use ox_models::{ChatDelta, ErrorClass, ModelError, ModelFeature, ToolCallDelta};

use super::*;
use crate::testing::{self, Fake};

fn config(extra: Json) -> Json {
    let mut data = json!({
        "model": {"provider": "p", "name": "m", "mode": "chat", "completion_params": {}},
        "query": ["s", "q"],
        "parameters": [{"name": "city", "type": "string", "description": "where", "required": true}],
        "instruction": "for {{#s.who#}}",
    });
    data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    data
}

async fn run(fake: Fake, extra: Json) -> (Result<NodeOutput, Box<NodeFailure>>, Arc<Fake>) {
    let mut pool = Pool::new();
    pool.set("s", "q", "weather in Rome?");
    pool.set("s", "who", "Ann");
    let fake = Arc::new(fake);
    let mut ports = testing::ports();
    ports.models = Arc::clone(&fake) as Arc<dyn ox_models::ModelRuntime>;
    (testing::run_with(ports, "parameter-extractor", config(extra), pool).await.0, fake)
}

fn call(arguments: &str) -> Fake {
    let delta = ToolCallDelta {
        index: 0,
        id: Some("1".into()),
        name: Some(prompt::FUNCTION.into()),
        arguments: arguments.into(),
    };
    let pieces = vec![Ok(ChatDelta { tool_calls: vec![delta], ..ChatDelta::default() })];
    Fake { pieces, features: vec![ModelFeature::ToolCall], ..Fake::default() }
}

#[tokio::test]
async fn by_function() {
    let (result, fake) = run(call("{\"city\": \"Rome\"}"), json!({})).await;
    let output = result.unwrap();
    assert_eq!(output.outputs["city"], Value::from("Rome"));
    assert_eq!(output.outputs["__is_success"], Value::Int(1));
    assert!(output.outputs["__reason"].is_none());
    assert_eq!(output.outputs["__usage"].as_object().unwrap()["total_tokens"], Value::Int(15));
    assert_eq!(output.process_data["tool_call"].as_object().unwrap()["name"], Value::from("extract_parameters"));
    assert_eq!(output.inputs.keys().collect::<Vec<_>>(), ["query", "files", "parameters", "instruction"]);
    assert_eq!(output.inputs["instruction"], Value::from("for Ann"));
    let asked = fake.asked.lock().unwrap();
    assert_eq!(asked[0].tools[0].parameters["required"], json!(["city"]));
    let last = asked[0].messages.last().unwrap().plain_text();
    assert!(last.contains("weather in Rome?"), "{last}");
    assert!(asked[0].messages[0].plain_text().contains("for Ann"));
}

#[tokio::test]
async fn unreadable_calls_and_texts() {
    let (result, _) = run(call("no json"), json!({})).await;
    let output = result.unwrap();
    assert_eq!(output.outputs["__is_success"], Value::Int(0));
    assert_eq!(output.outputs["__reason"], Value::from("Invalid number of parameters"));
    assert_eq!(output.outputs["city"], Value::from(""));

    let (result, fake) =
        run(Fake::saying("<think>{}</think>It is {\"city\": \"Rome\"}."), json!({"reasoning_mode": null})).await;
    assert_eq!(result.unwrap().outputs["city"], Value::from("Rome"));
    assert!(fake.asked.lock().unwrap()[0].tools.is_empty());

    let (result, _) = run(Fake::saying("I do not know"), json!({"reasoning_mode": "prompt"})).await;
    let reason = result.unwrap().outputs["__reason"].text();
    assert_eq!(reason, "Failed to extract result from function call or text response, using empty result.");
}

#[tokio::test]
async fn completion_models_and_errors() {
    let model = json!({"model": {"provider": "p", "name": "m", "mode": "completion", "completion_params": {}}});
    let (result, fake) = run(Fake::saying("{\"city\": \"Rome\"}"), model).await;
    assert_eq!(result.unwrap().outputs["city"], Value::from("Rome"));
    assert!(fake.completed.lock().unwrap()[0].contains("weather in Rome?"));

    let pieces = vec![Err(ModelError::new(ErrorClass::Auth, "p", "no key"))];
    let (result, _) = run(Fake { pieces, ..Fake::default() }, json!({})).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.error_type, "InvokeAuthorizationError");
    assert_eq!(failure.outputs["__is_success"], Value::Int(0));
    assert!(failure.outputs["__reason"].text().contains("no key"));
}

#[tokio::test]
async fn modes_and_files_that_do_not_exist() {
    let text = json!({"vision": {"enabled": true, "configs": {"variable_selector": ["s", "q"]}}});
    for (extra, expected) in [
        (
            json!({"model": {"provider": "p", "name": "m", "mode": "song"}}),
            "InvalidModelModeError: Invalid model mode: song",
        ),
        (text, "InvalidVariableTypeError: Invalid variable type: string"),
    ] {
        let failure = run(Fake::saying("{}"), extra).await.0.unwrap_err();
        assert_eq!(format!("{}: {}", failure.error_type, failure.error), expected);
        assert_eq!(failure.inputs["query"], Value::from("weather in Rome?"));
    }
}

#[tokio::test]
async fn memory_and_files_that_cannot_be_read() {
    for extra in [json!({"memory": {"window": {"enabled": true, "size": 3}}}), json!({"vision": {"enabled": true}})] {
        let mut pool = Pool::new();
        pool.set("s", "q", "weather in Rome?");
        pool.set("s", "who", "Ann");
        pool.set("sys", "files", Value::array(vec![Value::from(testing::file("a.png"))]));
        let mut ports = testing::ports();
        ports.models = Arc::new(Fake { features: vec![ModelFeature::Vision], ..Fake::saying("{}") });
        ports.files = Arc::new(testing::Broken);
        ports.history = Arc::new(testing::Broken);
        let failure = testing::run_with(ports, "parameter-extractor", config(extra), pool).await.0.unwrap_err();
        let expected = ("ParameterExtractorNodeError", "the disk is full");
        assert_eq!((failure.error_type.as_str(), failure.error.as_str()), expected);
    }
}

#[tokio::test]
async fn wrong_configurations() {
    for (extra, why) in [
        (json!({"parameters": [{"name": "__reason", "type": "string"}]}), "__reason and __is_success are reserved"),
        (json!({"parameters": [{"name": "", "type": "string"}]}), "a parameter has no name"),
        (json!({"parameters": [{"name": "x", "type": "file"}]}), "type file is not allowed for a parameter"),
    ] {
        let spec = testing::spec("parameter-extractor", config(extra));
        let ports = Arc::new(testing::ports());
        let error = ParameterExtractor.build(&spec, &ports).map(|_| ()).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}
