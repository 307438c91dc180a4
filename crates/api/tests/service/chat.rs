//! B, C, D: chat and completion.

use axum::http::Method;
use ox_types::Json;
use serde_json::json;

use crate::rig::{Draft, Rig, TestApp, chatflow, names, shape, text_of};

fn ask(more: Json) -> Json {
    let mut body = json!({"inputs": {}, "query": "hi", "user": "abc-123"});
    for (key, value) in more.as_object().unwrap() {
        if value == "absent" {
            body.as_object_mut().unwrap().remove(key);
        } else {
            body[key] = value.clone();
        }
    }
    body
}

fn form() -> Json {
    json!([
        {"variable": "city", "label": "City", "type": "text-input", "required": true, "max_length": 10},
        {"variable": "note", "label": "Note", "type": "text-input", "required": false},
        {"variable": "lang", "label": "Language", "type": "select", "options": ["en", "fr"], "required": false},
        {"variable": "n", "label": "N", "type": "number", "required": false},
        {"variable": "ok", "label": "Ok", "type": "checkbox", "required": false},
    ])
}

/// B1 to B13.
#[tokio::test]
async fn validation() {
    let rig = Rig::new().await;
    let chat = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let post = |app: &TestApp, body: Json| {
        let app = app.clone();
        let rig = &rig;
        async move { rig.post("/v1/chat-messages", &app, body).await }
    };
    let invalid = "invalid_param";
    post(&chat, ask(json!({"user": "absent"}))).await.expect_error(400, invalid, "Arg user must be provided.");
    let missing = post(&chat, ask(json!({"inputs": "absent"}))).await;
    missing.expect_error_with(400, invalid, &["inputs", "Field required"]);
    assert_eq!(missing.json()["params"], "inputs");
    post(&chat, ask(json!({"inputs": "x"}))).await.expect_error_with(400, invalid, &["inputs", "valid dictionary"]);
    post(&chat, ask(json!({"query": "absent"}))).await.expect_error_with(400, invalid, &["query"]);
    post(&chat, ask(json!({"query": ""}))).await.expect_error(400, invalid, "query is required");
    post(&chat, ask(json!({"response_mode": "sse"}))).await.expect_error_with(400, invalid, &["response_mode"]);
    post(&chat, ask(json!({"conversation_id": "abc"}))).await.expect_error_with(
        400,
        invalid,
        &["conversation_id must be a valid UUID"],
    );
    assert_eq!(post(&chat, ask(json!({"conversation_id": "  "}))).await.status, 200, "B8");
    let unknown = ox_types::new_uuid().to_string();
    post(&chat, ask(json!({"conversation_id": unknown}))).await.expect_error(
        404,
        "not_found",
        "Conversation Not Exists.",
    );
    let mine = post(&chat, ask(json!({}))).await.json()["conversation_id"].clone();
    post(&chat, ask(json!({"conversation_id": mine, "user": "somebody-else"}))).await.expect_error(
        404,
        "not_found",
        "Conversation Not Exists.",
    );
    let workflow = rig.graph_app("workflow", crate::rig::passthrough(&json!([])), Draft::default()).await;
    let wrong_mode = "Please check if your app mode matches the right API route.";
    post(&workflow, ask(json!({}))).await.expect_error(400, "not_chat_app", wrong_mode);
    let agent = rig.basic_app("agent-chat", "echo", json!({}), json!({})).await;
    for mode in [json!({"response_mode": "blocking"}), json!({})] {
        post(&agent, ask(mode)).await.expect_error(400, invalid, "Agent Chat App does not support blocking mode");
    }
}

/// B14 to B18.
#[tokio::test]
async fn versions_of_a_chatflow() {
    let rig = Rig::new().await;
    let app = rig.graph_app("advanced-chat", chatflow(json!([]), "echo", json!({})), Draft::default()).await;
    let with = |id: &str| ask(json!({"workflow_id": id}));
    let path = "/v1/chat-messages";
    rig.post(path, &app, with("x")).await.expect_error(400, "bad_request", "Invalid workflow_id format: 'x'. ");
    let unknown = ox_types::new_uuid().to_string();
    let text = format!("Workflow not found with id: {unknown}");
    rig.post(path, &app, with(&unknown)).await.expect_error(404, "not_found", &text);
    let draft = ox_app::workflows::draft(&rig.services, &rig.owner, app.id.into()).await.unwrap().id.to_string();
    let text = format!("Cannot use draft workflow version. Workflow ID: {draft}.");
    rig.post(path, &app, with(&draft)).await.expect_error(400, "bad_request", &text);
    let published = ox_app::workflows::published(&rig.services, &rig.owner, app.id.into()).await.unwrap().unwrap().id;
    assert_eq!(rig.post(path, &app, with(&published.to_string())).await.status, 200);
    let other = rig.graph_app("advanced-chat", chatflow(json!([]), "echo", json!({})), Draft::default()).await;
    let text = format!("Workflow not found with id: {published}");
    rig.post(path, &other, with(&published.to_string())).await.expect_error(404, "not_found", &text);
    let draft = Draft { publish: false, ..Draft::default() };
    let unpublished = rig.graph_app("advanced-chat", chatflow(json!([]), "echo", json!({})), draft).await;
    for mode in ["blocking", "streaming"] {
        let answer = rig.post(path, &unpublished, ask(json!({"response_mode": mode}))).await;
        answer.expect_error(400, "invalid_param", "Workflow not published");
    }
}

/// B19 to B28.
#[tokio::test]
async fn inputs_of_a_chatflow() {
    let rig = Rig::new().await;
    let app = rig.graph_app("advanced-chat", chatflow(form(), "echo", json!({})), Draft::default()).await;
    let with = |inputs: Json| ask(json!({"inputs": inputs, "response_mode": "streaming"}));
    for (case, inputs, text) in [
        ("B19", json!({}), "city is required in input form"),
        ("B20", json!({"city": 5}), "(type 'text-input') city in input form must be a string"),
        ("B21", json!({"city": "12345678901"}), "city in input form must be less than 10 characters"),
        ("B23", json!({"city": "x", "lang": "xx"}), "lang in input form must be one of the following: ['en', 'fr']"),
        ("B24", json!({"city": "x", "n": "abc"}), "n in input form must be a valid number"),
        ("B28", json!({"city": "x", "note": {"a": 1}}), "(type 'text-input') note in input form must be a string"),
    ] {
        let answer = rig.post("/v1/chat-messages", &app, with(inputs)).await;
        assert_eq!(answer.status, 400, "{case}");
        answer.expect_error(400, "invalid_param", text);
    }
    let inputs = json!({"city": "1234567890", "n": "3.5", "ok": "YES", "undeclared": 1});
    let events = rig.post("/v1/chat-messages", &app, with(inputs)).await.events();
    let started = &events[0]["data"]["inputs"];
    assert_eq!((&started["n"], &started["ok"], &started["city"]), (&json!(3.5), &json!(true), &json!("1234567890")));
    assert!(started.get("undeclared").is_none(), "B27");
    assert_eq!(started["sys.query"], "hi");
    assert_eq!(started["sys.user_id"], "abc-123");
    assert_eq!(started["sys.dialogue_count"], 0);
    assert!(started.get("sys.conversation_id").is_none());
}

/// C1.
#[tokio::test]
async fn a_blocking_chat_has_exactly_the_documented_keys() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "canned", json!({"text": "Bon jour"}), json!({})).await;
    let body = rig.post("/v1/chat-messages", &app, ask(json!({}))).await.json();
    let keys: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["event", "task_id", "id", "message_id", "conversation_id", "mode", "answer", "metadata", "created_at"]
    );
    assert_eq!(
        (&body["event"], &body["mode"], &body["answer"]),
        (&json!("message"), &json!("chat"), &json!("Bon jour"))
    );
    assert_eq!(body["id"], body["message_id"]);
    let metadata = body["metadata"].as_object().unwrap();
    assert_eq!(metadata.keys().collect::<Vec<_>>(), ["annotation_reply", "retriever_resources", "usage"]);
    let usage = metadata["usage"].as_object().unwrap();
    assert_eq!(usage.len(), 14);
    for (key, value) in usage.iter().filter(|(key, _)| key.contains("price")) {
        assert!(value.is_string(), "{key}: {value}");
    }
    assert!(usage.contains_key("total_price"));
}

#[tokio::test]
async fn a_streaming_chat_and_its_second_turn() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let first = ask(json!({"query": "one two three", "response_mode": "streaming"}));
    let events = rig.post("/v1/chat-messages", &app, first).await.events();
    assert_eq!(shape(&events), ["message", "message_end"], "C2");
    for event in &events {
        for key in ["conversation_id", "message_id", "created_at", "task_id"] {
            assert!(!event[key].is_null(), "{key} {event}");
        }
    }
    assert_eq!(text_of(&events), "one two three");
    let conversation = events[0]["conversation_id"].as_str().unwrap().to_owned();
    let second = ask(json!({"query": "again", "conversation_id": conversation}));
    let body = rig.post("/v1/chat-messages", &app, second).await.json();
    assert_eq!(body["conversation_id"], conversation, "C3");
    let page = rig.get(&format!("/v1/messages?conversation_id={conversation}&user=abc-123"), &app).await.json();
    let answers: Vec<&str> = page["data"].as_array().unwrap().iter().map(|m| m["answer"].as_str().unwrap()).collect();
    assert_eq!(answers, ["one two three", "again"]);
}

#[tokio::test]
async fn a_chatflow_streams_in_the_promised_order() {
    let rig = Rig::new().await;
    let app = rig.graph_app("advanced-chat", chatflow(json!([]), "echo", json!({})), Draft::default()).await;
    let body = ask(json!({"query": "one two", "response_mode": "streaming"}));
    let events = rig.post("/v1/chat-messages", &app, body).await.events();
    assert_eq!(
        shape(&events),
        [
            "workflow_started",
            "node_started",
            "node_finished",
            "node_started",
            "message",
            "node_finished",
            "node_started",
            "node_finished",
            "message_end",
            "workflow_finished"
        ],
        "C5"
    );
    let run = &events[0]["workflow_run_id"];
    let mut open = std::collections::HashMap::new();
    for event in &events {
        match event["event"].as_str().unwrap() {
            "node_started" => {
                assert_eq!(&event["workflow_run_id"], run);
                open.insert(event["data"]["node_id"].clone().to_string(), event["data"]["id"].clone());
            }
            "node_finished" => {
                assert_eq!(open[&event["data"]["node_id"].to_string()], event["data"]["id"], "C6");
                assert_eq!(event["data"]["index"], 1);
            }
            "message" => assert_eq!(event["from_variable_selector"], json!(["llm", "text"])),
            _ => {}
        }
    }
    let finished = events.last().unwrap();
    assert_eq!(finished["data"]["outputs"]["answer"], text_of(&events));
    assert_eq!(finished["data"]["status"], "succeeded");
    let end = &events[events.len() - 2];
    assert_eq!(end["metadata"]["usage"].as_object().unwrap().len(), 14);
    assert!(end["metadata"]["usage"]["total_tokens"].as_u64().unwrap() > 0);
}

/// C7, C8.
#[tokio::test]
async fn a_failing_chatflow() {
    let rig = Rig::new().await;
    let graph = chatflow(json!([]), "fail", json!({"status": 500}));
    let app = rig.graph_app("advanced-chat", graph, Draft::default()).await;
    let events = rig.post("/v1/chat-messages", &app, ask(json!({"response_mode": "streaming"}))).await.events();
    let tail = &events[events.len() - 3..];
    assert_eq!(names(tail), ["node_finished", "workflow_finished", "error"], "C7");
    assert_eq!((&tail[0]["data"]["status"], &tail[1]["data"]["status"]), (&json!("failed"), &json!("failed")));
    let error = &tail[2];
    assert_eq!((&error["code"], &error["status"]), (&json!("invalid_param"), &json!(400)));
    assert!(error["message"].as_str().unwrap().starts_with("Run failed:"), "{error}");
    assert!(error.get("task_id").is_none());
    assert!(!names(&events).contains(&"message_end"));
    rig.post("/v1/chat-messages", &app, ask(json!({}))).await.expect_error(400, "invalid_param", "Run failed:");
}

/// C9, C10.
#[tokio::test]
async fn a_model_that_fails_midway() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "fail", json!({"status": 429, "after_chunks": 2}), json!({})).await;
    let events = rig.post("/v1/chat-messages", &app, ask(json!({"response_mode": "streaming"}))).await.events();
    assert_eq!(shape(&events), ["message", "error"], "C9");
    let error = events.last().unwrap();
    assert_eq!((&error["code"], &error["status"]), (&json!("completion_request_error"), &json!(400)));
    let conversation = events[0]["conversation_id"].as_str().unwrap();
    let page = rig.get(&format!("/v1/messages?conversation_id={conversation}&user=abc-123"), &app).await.json();
    assert_eq!(page["data"][0]["status"], "error");
    rig.post("/v1/chat-messages", &app, ask(json!({}))).await.expect_error(400, "completion_request_error", "");
}

/// B29.
#[tokio::test]
async fn a_full_house_answers_429() {
    let rig = Rig::new().await;
    let slow = json!({"text": "a b c d e f g h", "ttft_ms": 60_000});
    let app = rig.basic_app("chat", "canned", slow, json!({})).await;
    let change = ox_app::apps::AppChange { max_active_requests: Some(1), ..Default::default() };
    ox_app::apps::update(&rig.services, &rig.owner, app.id, change).await.unwrap();
    let (first, second) = tokio::join!(
        tokio::time::timeout(
            std::time::Duration::from_millis(1500),
            rig.post("/v1/chat-messages", &app, ask(json!({})))
        ),
        async {
            while rig.services.runs.active.count() == 0 {
                tokio::task::yield_now().await;
            }
            rig.post("/v1/chat-messages", &app, ask(json!({}))).await
        }
    );
    assert!(first.is_err(), "the first is still running");
    let text = "Too many requests. Please try again later. The current maximum concurrent requests allowed for";
    second.expect_error(429, "too_many_requests", text);
    assert!(second.headers.contains_key("retry-after"));
}

/// C15 to C18.
#[tokio::test]
async fn stopping() {
    let rig = Rig::new().await;
    let graph = chatflow(json!([]), "canned", json!({"text": "a b c", "ttft_ms": 60_000}));
    let flow = rig.graph_app("advanced-chat", graph, Draft::default()).await;
    let chat = rig.basic_app("chat", "canned", json!({"text": "a b c", "ttft_ms": 60_000}), json!({})).await;
    for (app, expected) in [(&flow, vec!["workflow_finished", "message_end"]), (&chat, vec!["message_end"])] {
        let body = ask(json!({"response_mode": "streaming"}));
        let (answer, ()) = tokio::join!(rig.post("/v1/chat-messages", app, body), async {
            let task = loop {
                if let Some(task) = rig.services.runs.any_task() {
                    break task;
                }
                tokio::task::yield_now().await;
            };
            let path = format!("/v1/chat-messages/{task}/stop");
            let foreign = rig.post(&path, app, json!({"user": "somebody-else"})).await;
            assert_eq!(foreign.json(), json!({"result": "success"}), "C16");
            assert!(rig.services.runs.any_task().is_some(), "not interrupted");
            let stopped = rig.post(&path, app, json!({"user": "abc-123"})).await;
            assert_eq!(stopped.json(), json!({"result": "success"}), "C15");
        });
        let events = answer.events();
        let names = names(&events);
        assert_eq!(names[names.len() - expected.len()..], expected[..], "{names:?}");
        if app.id == flow.id {
            let finished = &events[events.len() - 2]["data"];
            assert_eq!((&finished["status"], &finished["error"]), (&json!("stopped"), &json!("Stopped by user.")));
        }
    }
    let unknown = format!("/v1/chat-messages/{}/stop", ox_types::new_uuid());
    assert_eq!(rig.post(&unknown, &chat, json!({"user": "u"})).await.json(), json!({"result": "success"}), "C17");
    rig.post(&unknown, &chat, json!({})).await.expect_error(400, "invalid_param", "Arg user must be provided.");
}

#[tokio::test]
async fn names_of_conversations() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let query = "123456789012345678901234567890";
    rig.post("/v1/chat-messages", &app, ask(json!({"query": query, "auto_generate_name": false}))).await;
    let list = rig.get("/v1/conversations?user=abc-123", &app).await.json();
    assert_eq!(list["data"][0]["name"], "12345678901234567890…", "C14");
}

/// D1 to D4, F6.
#[tokio::test]
async fn completions() {
    let rig = Rig::new().await;
    let form = json!([{"paragraph": {"label": "Query", "variable": "query", "required": true}}]);
    let app = rig
        .basic_app("completion", "echo", json!({}), json!({"pre_prompt": "{{query}}", "user_input_form": form}))
        .await;
    let body = json!({"inputs": {"query": "x y"}, "user": "abc-123", "response_mode": "blocking"});
    let answer = rig.post("/v1/completion-messages", &app, body).await.json();
    let keys: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["event", "task_id", "id", "message_id", "mode", "answer", "metadata", "created_at"], "D1");
    assert_eq!((&answer["mode"], &answer["answer"]), (&json!("completion"), &json!("x y")));
    let body = json!({"inputs": {"query": "x y"}, "user": "abc-123", "response_mode": "streaming"});
    let events = rig.post("/v1/completion-messages", &app, body).await.events();
    assert_eq!(shape(&events), ["message", "message_end"], "D2");
    assert!(events.iter().all(|event| event.get("conversation_id").is_none()));
    let chat = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let body = json!({"inputs": {}, "user": "abc-123"});
    let text = "App unavailable, please check your app configurations.";
    rig.post("/v1/completion-messages", &chat, body).await.expect_error(400, "app_unavailable", text);
    let stop = format!("/v1/completion-messages/{}/stop", ox_types::new_uuid());
    assert_eq!(rig.post(&stop, &app, json!({"user": "u"})).await.status, 200, "D4");
    rig.call(Method::GET, "/v1/conversations?user=u", &app.key, None).await.expect_error(400, "not_chat_app", "");
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_the_run() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "canned", json!({"text": "a b c d", "tokens_per_s": 40}), json!({})).await;
    tokio::select! {
        answer = rig.post("/v1/chat-messages", &app, ask(json!({"response_mode": "streaming"}))) => {
            panic!("it ended too soon: {}", answer.text());
        }
        () = async { while rig.services.runs.any_task().is_none() { tokio::task::yield_now().await } } => {}
    }
    rig.services.runs.tracker.close();
    rig.services.runs.tracker.wait().await;
    let list = rig.get("/v1/conversations?user=abc-123", &app).await.json();
    let id = list["data"][0]["id"].as_str().unwrap();
    let page = rig.get(&format!("/v1/messages?conversation_id={id}&user=abc-123"), &app).await.json();
    assert_eq!(page["data"][0]["answer"], "a b c d");
}
