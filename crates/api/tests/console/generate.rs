//! Prompts, code and schemas that a model writes. The scripted `canned` answers with the text it is given, `echo` with
//! what it is asked.

use axum::http::StatusCode;
use ox_app::spend;
use serde_json::{Value, json};

use crate::{
    drafts,
    support::{Session, TestServer, app_file},
};

const PYTHON: &str = "def main(a: str) -> dict:\n    return {\"b\": a}\n";

fn model(name: &str, parameters: Value) -> Value {
    json!({"provider": "oxidify/scripted", "name": name, "mode": "chat", "completion_params": parameters})
}

fn canned(text: &str) -> Value {
    model("canned", json!({"text": text}))
}

async fn ask(server: &TestServer, session: &Session, path: &str, body: Value) -> (StatusCode, Value) {
    let answer = server.post(session, path, body).await;
    (answer.status, answer.json())
}

/// What came of a 200.
async fn told(server: &TestServer, session: &Session, path: &str, body: Value) -> Value {
    let (status, json) = ask(server, session, path, body).await;
    assert_eq!(status, StatusCode::OK, "{json}");
    json
}

#[tokio::test]
async fn a_model_writes_prompts_code_and_schemas() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let answer = "<prompt>Teach {{topic}}.</prompt>\n<opening>Hello!</opening>";
    let body = json!({"instruction": "A tutor", "model_config": canned(answer)});
    let made = told(&server, &owner, "/rule-generate", body.clone()).await;
    let expected =
        json!({"prompt": "Teach {{topic}}.", "variables": ["topic"], "opening_statement": "Hello!", "error": ""});
    assert_eq!(made, expected);
    let mut plain = body;
    plain["no_variable"] = json!(true);
    let made = told(&server, &owner, "/rule-generate", plain).await;
    assert_eq!((&made["variables"], &made["opening_statement"]), (&json!([]), &json!("")), "{made}");

    let answer = format!("```python\n{PYTHON}```");
    let body = json!({"instruction": "b is a", "model_config": canned(&answer), "code_language": "python3"});
    let made = told(&server, &owner, "/rule-code-generate", body).await;
    assert_eq!(made, json!({"code": PYTHON, "language": "python3", "error": ""}));
    let answer = "```js\nfunction main({ a }) {\n  return { b: a };\n}\n```";
    let made =
        told(&server, &owner, "/rule-code-generate", json!({"instruction": "b is a", "model_config": canned(answer)}))
            .await;
    assert_eq!((&made["language"], &made["error"]), (&json!("javascript"), &json!("")), "{made}");

    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
    let body = json!({"instruction": "A name", "model_config": canned(&schema.to_string())});
    let made = told(&server, &owner, "/rule-structured-output-generate", body).await;
    let output = made["output"].as_str().unwrap_or_else(|| panic!("{made}"));
    assert_eq!(serde_json::from_str::<Value>(output).unwrap(), schema);

    spend::flush(&server.services).await;
    let spent = server.get(&owner, "/workspaces/current/model-spend").await.json();
    assert_eq!(spent["total"][0]["calls"], 5, "{spent}");
}

#[tokio::test]
async fn what_cannot_be_used_is_an_error_that_is_told() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let failing = model("fail", json!({"status": 400}));
    for (path, chosen, expected) in [
        ("/rule-generate", canned("I would rather not."), "no prompt between"),
        ("/rule-generate", failing.clone(), "fails as it was told"),
        ("/rule-code-generate", canned("I would rather not."), "no function main in javascript"),
        ("/rule-code-generate", failing.clone(), "fails as it was told"),
        ("/rule-structured-output-generate", canned("[]"), "no JSON object"),
        ("/rule-structured-output-generate", failing, "fails as it was told"),
    ] {
        let made = told(&server, &owner, path, json!({"instruction": "Anything", "model_config": chosen})).await;
        assert!(made["error"].as_str().is_some_and(|error| error.contains(expected)), "{path}: {made}");
        for field in ["prompt", "code", "output"] {
            assert!(made[field].as_str().unwrap_or_default().is_empty(), "{path}: {made}");
        }
    }
    // Nobody chose a default model.
    let (status, error) = ask(&server, &owner, "/rule-generate", json!({"instruction": "x", "model_config": {}})).await;
    assert_eq!((status, &error["code"]), (StatusCode::BAD_REQUEST, &json!("provider_not_initialize")), "{error}");
    let unknown = json!({"instruction": "x", "model_config": model("nothing", json!({}))});
    let (status, error) = ask(&server, &owner, "/rule-generate", unknown).await;
    assert_eq!((status, &error["code"]), (StatusCode::BAD_REQUEST, &json!("provider_not_initialize")), "{error}");

    let long = "x".repeat(10_001);
    for (path, body, field) in [
        ("/rule-generate", json!({"instruction": "  ", "model_config": canned("")}), "instruction"),
        ("/rule-generate", json!({"instruction": long, "model_config": canned("")}), "instruction"),
        ("/rule-generate", json!({"model_config": canned("")}), "instruction"),
        ("/rule-generate", json!({"instruction": "x"}), "model_config"),
        (
            "/rule-code-generate",
            json!({"instruction": "x", "model_config": canned(""), "code_language": "cobol"}),
            "code_language",
        ),
        (
            "/instruction-generate",
            json!({"flow_id": "x", "current": "x".repeat(20_001), "instruction": "x", "model_config": {}}),
            "current",
        ),
        ("/instruction-generate/template", json!({"type": "poem"}), "type"),
    ] {
        let (status, error) = ask(&server, &owner, path, body).await;
        assert_eq!((status, &error["params"]), (StatusCode::BAD_REQUEST, &json!(field)), "{path}: {error}");
    }
    let normal = server.member(&owner, "normal@example.com", "normal").await;
    let body = json!({"instruction": "x", "model_config": canned("<prompt>x</prompt>")});
    assert_eq!(ask(&server, &normal, "/rule-generate", body).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_part_of_an_app_is_written_or_improved() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let code = json!({"code_language": "python3", "code": "", "variables": [], "outputs": {"b": {"type": "string"}}});
    let nodes = vec![
        drafts::start(&["topic"]),
        drafts::template("tpl", &["start", "topic"], "Hello {{ arg }}"),
        drafts::echo("llm", "{{#tpl.output#}}"),
        drafts::node("code", "code", code),
        drafts::end(&["llm", "text"]),
    ];
    let edges = drafts::chain(&["start", "tpl", "llm", "code", "end"]);
    let flow = drafts::app(&server, &owner, "workflow", nodes, edges).await;
    let wish = |node: &str, current: &str, instruction: &str, chosen: Value| json!({"flow_id": flow, "node_id": node, "current": current, "instruction": instruction, "model_config": chosen});
    let path = "/instruction-generate";

    let made = told(&server, &owner, path, wish("llm", "", "A tutor", canned("<prompt>Teach.</prompt>"))).await;
    assert_eq!((&made["prompt"], &made["error"]), (&json!("Teach."), &json!("")), "{made}");
    let block = format!("```python\n{PYTHON}```");
    let made = told(&server, &owner, path, wish("code", "", "b is a", canned(&block))).await;
    assert_eq!((&made["code"], &made["language"]), (&json!(PYTHON), &json!("python3")), "{made}");

    let change = format!("<message>Simpler.</message><modified>{block}</modified>");
    let made = told(&server, &owner, path, wish("code", "def main(): 1", "Simpler", canned(&change))).await;
    assert_eq!(made, json!({"modified": PYTHON, "message": "Simpler.", "error": ""}));
    // What is improved goes to the model.
    let made = told(&server, &owner, path, wish("llm", "Say so", "<modified>new</modified>", canned("nothing"))).await;
    assert!(made["error"].as_str().is_some_and(|error| error.contains("<modified>")), "{made}");
    let ideal = json!({"flow_id": flow, "node_id": "llm", "current": "Say so", "instruction": "<modified>{{#current#}},",
        "ideal_output": "brief</modified>", "model_config": model("echo", json!({}))});
    let made = told(&server, &owner, path, ideal).await;
    assert_eq!(made["modified"], "Say so,\n\nThe ideal output:\nbrief", "{made}");

    // The last run of the node stands where the instruction asks for it.
    let last = || wish("tpl", "Hello", "<modified>{{#last_run#}}</modified>", model("echo", json!({})));
    let made = told(&server, &owner, path, last()).await;
    assert_eq!(made["modified"], "(it has not run yet)", "{made}");
    let run = format!("/apps/{flow}/workflows/draft/nodes/tpl/run");
    assert_eq!(server.post(&owner, &run, json!({"inputs": {"arg": "tea"}})).await.status, StatusCode::OK);
    let made = told(&server, &owner, path, last()).await;
    assert!(made["modified"].as_str().is_some_and(|text| text.contains("Hello tea")), "{made}");

    let (basic, _) = server.app(&owner, &app_file("chat")).await;
    let better = json!({"flow_id": basic, "current": "Teach.", "instruction": "Kinder",
        "model_config": canned("<message>Kinder.</message><modified>Teach kindly.</modified>")});
    let made = told(&server, &owner, path, better).await;
    assert_eq!((&made["modified"], &made["message"]), (&json!("Teach kindly."), &json!("Kinder.")), "{made}");

    let nowhere = ox_types::new_uuid().to_string();
    for (flow, node, current, expected) in [
        (flow.as_str(), "", "", "incompatible parameters"),
        (flow.as_str(), "gone", "", "node gone not found"),
        (flow.as_str(), "tpl", "", "invalid node type: template-transform"),
        (nowhere.as_str(), "llm", "", "not found"),
        (nowhere.as_str(), "", "Teach.", "not found"),
        ("x", "", "Teach.", "app x not found"),
    ] {
        let body = json!({"flow_id": flow, "node_id": node, "current": current, "instruction": "x",
            "model_config": canned("")});
        let (status, error) = ask(&server, &owner, path, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{error}");
        assert!(error["error"].as_str().is_some_and(|error| error.contains(expected)), "{expected}: {error}");
    }
    for (kind, mark) in [("prompt", "{{#last_run#}}"), ("code", "{{#error_message#}}")] {
        let text = told(&server, &owner, "/instruction-generate/template", json!({"type": kind})).await;
        assert!(text["data"].as_str().is_some_and(|text| text.contains(mark)), "{text}");
    }
}
