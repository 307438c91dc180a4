use ox_engine::{Chunk, Pool};
use ox_types::Json;
use serde_json::json;

use crate::{
    Registry,
    testing::{context, ports, spec},
};
use ox_engine::{NodeFactory, NodeOutput};

fn data() -> Json {
    json!({
        "type": "human-input",
        "delivery_methods": [
            {"id": "1", "type": "webapp", "enabled": true, "config": {}},
            {"id": "2", "type": "email", "enabled": false, "config": {}},
            {"id": "3", "type": "email", "enabled": true, "config": {"subject": "About {{#s.topic#}}", "body": "See {{#url#}}"}},
        ],
        "form_content": "Draft: {{#s.topic#}}\n{{#$output.note#}} {{#$output.pick#}} {{#$output.docs#}} {{#$output.gone#}}",
        "inputs": [
            {"type": "paragraph", "output_variable_name": "note", "default": {"type": "variable", "selector": ["s", "count"], "value": ""}},
            {"type": "select", "output_variable_name": "pick", "option_source": {"type": "variable", "selector": ["s", "names"], "value": []}},
            {"type": "file-list", "output_variable_name": "docs", "default": null, "number_limits": 3},
        ],
        "user_actions": [{"id": "approve", "title": "Approve", "button_style": "primary"}, {"id": "reject", "title": "No"}],
        "timeout": 2, "timeout_unit": "day",
    })
}

fn pool() -> Pool {
    let mut pool = Pool::new();
    pool.set("s", "topic", "Rust");
    pool.set("s", "count", 5);
    pool.set("s", "names", ox_types::Value::from_json(&json!(["a", "b"])));
    pool
}

async fn run(answer: Option<Json>) -> (NodeOutput, Vec<Chunk>) {
    let spec = spec("human-input", data());
    let built = Registry::new(ports()).build(&spec).unwrap();
    let (mut cx, mut chunks) = context(spec, pool());
    cx.answer = answer.map(std::sync::Arc::new);
    let output = built.runner.run(cx).await.unwrap();
    let mut told = Vec::new();
    while let Ok(chunk) = chunks.try_recv() {
        told.push(chunk);
    }
    (output, told)
}

#[tokio::test]
async fn the_first_run_asks() {
    let (output, told) = run(None).await;
    assert!(told.is_empty());
    let form = output.pause.unwrap();
    assert_eq!(form["form_content"].as_str().unwrap().lines().next(), Some("Draft: Rust"));
    assert!(form["form_content"].as_str().unwrap().contains("{{#$output.note#}}"), "fields stay where they are");
    assert_eq!(form["resolved_default_values"], json!({"note": "5"}));
    assert_eq!(form["inputs"][1]["option_source"]["value"], json!(["a", "b"]));
    assert_eq!(form["inputs"][2]["number_limits"], 3);
    assert_eq!(form["timeout_seconds"], 172_800);
    assert_eq!(form["actions"][1], json!({"id": "reject", "title": "No", "button_style": "default"}));
    let mail = json!({"type": "email", "config": {"subject": "About Rust", "body": "See {{#url#}}"}});
    assert_eq!(form["deliveries"], json!([{"type": "webapp", "config": {}}, mail]));
}

#[tokio::test]
async fn an_answer_chooses_its_branch() {
    let form = run(None).await.0.pause.unwrap();
    let file = json!({"dify_model_identity": "__dify__file__", "type": "document", "transfer_method": "remote_url",
        "remote_url": "http://x/a.txt", "filename": "a.txt", "size": 1});
    let inputs = json!({"note": "fine", "pick": "b", "docs": [file.clone(), file]});
    let answer = json!({"status": "submitted", "form": form, "inputs": inputs, "action_id": "approve"});
    let (output, told) = run(Some(answer)).await;
    assert_eq!(output.handle.as_deref(), Some("approve"));
    assert_eq!(output.outputs["note"].text(), "fine");
    assert_eq!(output.outputs["__action_value"].text(), "Approve");
    assert_eq!(output.outputs["__rendered_content"].text(), "Draft: Rust\nfine b [2 files] ");
    assert_eq!(output.outputs["docs"].as_array().unwrap().len(), 2);
    let [Chunk::Note { kind, data }] = &told[..] else { panic!("{told:?}") };
    assert_eq!((*kind, &data["action_text"]), ("human_input_form_filled", &json!("Approve")));
    assert_eq!(data["submitted_data"]["pick"], "b");
}

#[tokio::test]
async fn no_answer_in_time_and_none_yet() {
    let (output, told) =
        run(Some(json!({"status": "timeout", "form": {"form_content": "x", "expiration_time": 7}}))).await;
    assert_eq!(output.handle.as_deref(), Some("__timeout__"));
    assert_eq!(output.outputs["__action_value"].text(), "");
    assert!(
        matches!(&told[..], [Chunk::Note { kind: "human_input_form_timeout", data }] if data["expiration_time"] == 7)
    );
    let (output, _) = run(Some(json!({"status": "waiting", "form": {"form_id": "f"}}))).await;
    assert_eq!(output.pause, Some(json!({"form_id": "f"})));
}

#[test]
fn wrong_configurations_are_named() {
    let wrong = |change: Json, why: &str| {
        let mut data = data();
        data.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let error = Registry::new(ports()).build(&spec("human-input", data)).err().unwrap().to_string();
        assert!(error.contains(why), "{error}");
    };
    wrong(json!({"user_actions": [{"id": "1a", "title": ""}]}), "must be letters");
    wrong(json!({"user_actions": [{"id": "a", "title": ""}, {"id": "a", "title": ""}]}), "there twice");
    wrong(json!({"inputs": [{"type": "date", "output_variable_name": "x"}]}), "unknown type");
    let read = super::variables(&spec("human-input", data())).unwrap();
    assert_eq!(read, [["s", "topic"], ["s", "count"], ["s", "names"]]);
}
