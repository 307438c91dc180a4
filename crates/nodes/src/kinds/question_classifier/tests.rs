use ox_engine::Pool;
use ox_models::{ErrorClass, ModelError};

use super::*;
use crate::{
    HistoryMessage,
    testing::{self, Fake, History},
};

async fn run(fake: Fake, extra: &Json) -> (Result<NodeOutput, Box<NodeFailure>>, Arc<Fake>) {
    let mut pool = Pool::new();
    pool.set("s", "q", "my bill is wrong");
    pool.set("s", "topic", "Billing");
    let fake = Arc::new(fake);
    let mut ports = testing::ports();
    ports.models = Arc::clone(&fake) as Arc<dyn ox_models::ModelRuntime>;
    let turn = HistoryMessage {
        id: "1".into(),
        query: "hi".into(),
        answer: "yo".into(),
        answer_tokens: 1,
        ..HistoryMessage::default()
    };
    ports.history = Arc::new(History(vec![turn]));
    let mut data = json!({
        "query_variable_selector": ["s", "q"],
        "model": {"provider": "p", "name": "m", "mode": "chat", "completion_params": {}},
        "classes": [{"id": "1", "name": "Other"}, {"id": "1712", "name": "{{#s.topic#}}", "label": "Bills"}],
        "instruction": null, "topics": [],
    });
    data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    (testing::run_with(ports, "question-classifier", data, pool).await.0, fake)
}

#[tokio::test]
async fn answers_choose_the_branch() {
    for (answer, id, name, label) in [
        (
            "```json\n{\"keywords\": [\"bill\"], \"category_id\": \"1712\", \"category_name\": \"x\"}\n```",
            "1712",
            "Billing",
            "Bills",
        ),
        ("<think>{\"category_id\": \"1\"}</think>{category_id: 1712}", "1712", "Billing", "Bills"),
        ("{\"category_id\": \"9\"}", "1", "Other", "CLASS 1"),
        ("{\"category_name\": \"Billing\"}", "1", "Other", "CLASS 1"),
        ("I cannot tell", "1", "Other", "CLASS 1"),
    ] {
        let (result, _) = run(Fake::saying(answer), &json!({})).await;
        let output = result.unwrap();
        assert_eq!(output.handle.as_deref(), Some(id), "{answer}");
        assert_eq!(output.outputs["class_id"], Value::from(id));
        assert_eq!(output.outputs["class_name"], Value::from(name));
        assert_eq!(output.outputs["class_label"], Value::from(label));
        assert_eq!(output.inputs["query"], Value::from("my bill is wrong"));
        assert_eq!(output.usage.unwrap().total_tokens, 15);
    }
}

#[tokio::test]
async fn the_prompt_has_all_it_needs() {
    let (_, fake) =
        run(Fake::saying("{}"), &json!({"memory": {"window": {"enabled": false}}, "instruction": "be fair"})).await;
    let messages = fake.asked.lock().unwrap()[0].messages.clone();
    assert!(messages[0].plain_text().contains("Human: hi\nAssistant: yo"));
    let last = messages.last().unwrap().plain_text();
    for part in ["my bill is wrong", "\"category_name\": \"Billing\"", "\"category_id\": \"1712\"", "be fair"] {
        assert!(last.contains(part), "{part}: {last}");
    }
    let model = json!({"model": {"provider": "p", "name": "m", "mode": "completion", "completion_params": {}}});
    let (result, fake) = run(Fake::saying("{\"category_id\": \"1712\"}"), &model).await;
    assert_eq!(result.unwrap().handle.as_deref(), Some("1712"));
    assert!(fake.completed.lock().unwrap()[0].ends_with("Assistant:"));
}

#[tokio::test]
async fn model_errors_fail_the_node() {
    let pieces = vec![Err(ModelError::new(ErrorClass::Overloaded, "p", "busy"))];
    let (result, _) = run(Fake { pieces, ..Fake::default() }, &json!({})).await;
    let failure = result.unwrap_err();
    assert_eq!(
        (failure.error_type.as_str(), failure.error.as_str()),
        ("InvokeServerUnavailableError", "[p] Server Unavailable Error: busy")
    );
}

#[tokio::test]
async fn memory_and_files_that_are_not_there() {
    let mut pool = Pool::new();
    pool.set("sys", "files", Value::array(vec![Value::from(testing::file("a.png"))]));
    pool.set("s", "q", "text");
    let text = json!({"enabled": true, "configs": {"variable_selector": ["s", "q"]}});
    for (extra, expected) in [
        (json!({"memory": {"window": {"enabled": true, "size": 3}}}), "QuestionClassifierNodeError: the disk is full"),
        (json!({"vision": {"enabled": true}}), "QuestionClassifierNodeError: the disk is full"),
        (json!({"vision": text}), "InvalidVariableTypeError: Invalid variable type: string"),
    ] {
        let mut data = json!({
            "query_variable_selector": ["s", "q"],
            "model": {"provider": "p", "name": "m", "mode": "chat", "completion_params": {}},
            "classes": [{"id": "1", "name": "Other"}],
        });
        data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let mut ports = testing::ports();
        ports.models = Arc::new(Fake { features: vec![ox_models::ModelFeature::Vision], ..Fake::saying("{}") });
        ports.files = Arc::new(testing::Broken);
        ports.history = Arc::new(testing::Broken);
        let result = testing::run_with(ports, "question-classifier", data, pool.clone()).await.0;
        let failure = result.unwrap_err();
        assert_eq!(format!("{}: {}", failure.error_type, failure.error), expected, "{extra}");
    }
}
