//! F: conversations, messages, ratings.

use axum::http::Method;
use ox_types::Json;
use serde_json::json;

use crate::rig::{Draft, Rig, TestApp, graph, start};

async fn ask(rig: &Rig, app: &TestApp, query: &str, conversation: Option<&str>) -> Json {
    let body = json!({"inputs": {}, "query": query, "user": "abc-123", "conversation_id": conversation});
    rig.post("/v1/chat-messages", app, body).await.json()
}

fn id(json: &Json) -> String {
    json.as_str().unwrap().to_owned()
}

/// F1 to F5.
#[tokio::test]
async fn lists_and_pages() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let mut made = Vec::new();
    for n in 0..3 {
        made.push(id(&ask(&rig, &app, &format!("q{n}"), None).await["conversation_id"]));
    }
    let page = rig.get("/v1/conversations?user=abc-123", &app).await.json();
    let item = page["data"][0].as_object().unwrap();
    assert_eq!(
        item.keys().collect::<Vec<_>>(),
        ["id", "name", "inputs", "status", "introduction", "created_at", "updated_at"],
        "F1"
    );
    let ids: Vec<String> = page["data"].as_array().unwrap().iter().map(|item| id(&item["id"])).collect();
    assert_eq!(ids, made.iter().rev().cloned().collect::<Vec<_>>());
    for bad in ["limit=0", "limit=101"] {
        rig.get(&format!("/v1/conversations?user=abc-123&{bad}"), &app).await.expect_error_with(
            400,
            "invalid_param",
            &["limit"],
        );
    }
    rig.get("/v1/conversations?user=abc-123&sort_by=name", &app).await.expect_error_with(
        400,
        "invalid_param",
        &["sort_by"],
    );
    let unknown = format!("/v1/conversations?user=abc-123&last_id={}", ox_types::new_uuid());
    rig.get(&unknown, &app).await.expect_error(404, "not_found", "Last Conversation Not Exists.");
    let first = rig.get("/v1/conversations?user=abc-123&limit=2", &app).await.json();
    assert_eq!((&first["has_more"], first["data"].as_array().unwrap().len()), (&json!(true), 2), "F5");
    let last = id(&first["data"][1]["id"]);
    let second = rig.get(&format!("/v1/conversations?user=abc-123&limit=2&last_id={last}"), &app).await.json();
    assert_eq!((&second["has_more"], second["data"].as_array().unwrap().len()), (&json!(false), 1));
    let oldest = rig.get("/v1/conversations?user=abc-123&sort_by=created_at&limit=1", &app).await.json();
    assert_eq!(oldest["data"][0]["id"], made[0]);
    let nobody = rig.get("/v1/conversations?user=somebody-else", &app).await.json();
    assert_eq!(nobody["data"], json!([]));
}

/// F7 to F12.
#[tokio::test]
async fn names_and_deletion() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let conversation = id(&ask(&rig, &app, "hello", None).await["conversation_id"]);
    let path = format!("/v1/conversations/{conversation}");
    rig.post(&format!("{path}/name"), &app, json!({"name": "", "user": "abc-123"})).await.expect_error_with(
        400,
        "invalid_param",
        &["name is required when auto_generate is false"],
    );
    let renamed = rig.post(&format!("{path}/name"), &app, json!({"name": "New", "user": "abc-123"})).await.json();
    assert_eq!(renamed["name"], "New", "F8");
    let named = rig.post(&format!("{path}/name"), &app, json!({"auto_generate": true, "user": "abc-123"})).await.json();
    assert!(!named["name"].as_str().unwrap().is_empty(), "F9");
    rig.call(Method::DELETE, &path, &app.key, None).await.expect_error(415, "unsupported_media_type", "");
    let foreign = rig.call(Method::DELETE, &path, &app.key, Some(json!({"user": "other"}))).await;
    foreign.expect_error(404, "not_found", "Conversation Not Exists.");
    let deleted = rig.call(Method::DELETE, &path, &app.key, Some(json!({"user": "abc-123"}))).await;
    assert_eq!((deleted.status.as_u16(), deleted.body.len()), (204, 0), "F10");
    rig.get(&format!("/v1/messages?conversation_id={conversation}&user=abc-123"), &app).await.expect_error(
        404,
        "not_found",
        "Conversation Not Exists.",
    );
    let again = rig.call(Method::DELETE, &path, &app.key, Some(json!({"user": "abc-123"}))).await;
    again.expect_error(404, "not_found", "Conversation Not Exists.");
}

/// F13 to F22.
#[tokio::test]
async fn messages_and_ratings() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let empty = rig.get("/v1/messages?conversation_id=&user=abc-123", &app).await.json();
    assert_eq!(empty["data"], json!([]), "F13");
    rig.get("/v1/messages?user=abc-123", &app).await.expect_error_with(400, "invalid_param", &["conversation_id"]);
    let conversation = id(&ask(&rig, &app, "q0", None).await["conversation_id"]);
    for n in 1..3 {
        ask(&rig, &app, &format!("q{n}"), Some(&conversation)).await;
    }
    let list = format!("/v1/messages?conversation_id={conversation}&user=abc-123");
    let unknown = format!("{list}&first_id={}", ox_types::new_uuid());
    rig.get(&unknown, &app).await.expect_error(404, "not_found", "First Message Not Exists.");
    let page = rig.get(&format!("{list}&limit=2"), &app).await.json();
    let queries: Vec<&str> = page["data"].as_array().unwrap().iter().map(|m| m["query"].as_str().unwrap()).collect();
    assert_eq!((queries, &page["has_more"]), (vec!["q1", "q2"], &json!(true)), "F16");
    let before = id(&page["data"][0]["id"]);
    let rest = rig.get(&format!("{list}&limit=2&first_id={before}"), &app).await.json();
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["has_more"]), (1, &json!(false)));
    let item = &rest["data"][0];
    assert_eq!(item["parent_message_id"], "00000000-0000-0000-0000-000000000000", "F17");
    assert!(item["feedback"].is_null() && item["message_files"].is_array() && item["status"] == "normal");
    let message = id(&item["id"]);
    let rate = format!("/v1/messages/{message}/feedbacks");
    let like = json!({"rating": "like", "content": "good", "user": "abc-123"});
    assert_eq!(rig.post(&rate, &app, like).await.json(), json!({"result": "success"}), "F18");
    let shown = rig.get(&format!("{list}&limit=2&first_id={before}"), &app).await.json();
    assert_eq!(shown["data"][0]["feedback"], json!({"rating": "like"}));
    let all = rig.get("/v1/app/feedbacks?limit=101", &app).await.json();
    assert_eq!((&all["data"][0]["rating"], &all["data"][0]["from_source"]), (&json!("like"), &json!("user")), "F22");
    assert_eq!(all["data"][0]["created_at"].as_str().unwrap().len(), "2024-01-16T12:00:29".len());
    rig.get("/v1/app/feedbacks?limit=102", &app).await.expect_error_with(400, "invalid_param", &["limit"]);
    let none = json!({"rating": null, "user": "abc-123"});
    assert_eq!(rig.post(&rate, &app, none.clone()).await.status, 200, "F19");
    let text = "rating cannot be None when feedback not exists";
    rig.post(&rate, &app, none).await.expect_error(400, "invalid_param", text);
    rig.post(&rate, &app, json!({"rating": "meh", "user": "abc-123"})).await.expect_error_with(
        400,
        "invalid_param",
        &["like"],
    );
    let unknown = format!("/v1/messages/{}/feedbacks", ox_types::new_uuid());
    let like = json!({"rating": "like", "user": "abc-123"});
    rig.post(&unknown, &app, like.clone()).await.expect_error(404, "not_found", "Message Not Exists.");
    let foreign = json!({"rating": "like", "user": "other"});
    rig.post(&rate, &app, foreign).await.expect_error(404, "not_found", "Message Not Exists.");
    let other = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    rig.post(&rate, &other, like).await.expect_error(404, "not_found", "Message Not Exists.");
}

/// F23 to F25.
#[tokio::test]
async fn suggested_questions() {
    let rig = Rig::new().await;
    let on = json!({"suggested_questions_after_answer": {"enabled": true}});
    let app = rig.basic_app("chat", "echo", json!({}), on).await;
    let off = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let message = id(&ask(&rig, &app, "hello", None).await["message_id"]);
    let path = format!("/v1/messages/{message}/suggested");
    let answer = rig.get(&format!("{path}?user=abc-123"), &app).await.json();
    assert_eq!(answer["result"], "success", "F23");
    assert!(answer["data"].is_array());
    rig.get(&path, &app).await.expect_error(400, "invalid_param", "Arg user must be provided.");
    let message = id(&ask(&rig, &off, "hello", None).await["message_id"]);
    rig.get(&format!("/v1/messages/{message}/suggested?user=abc-123"), &off).await.expect_error(
        400,
        "bad_request",
        "Suggested Questions Is Disabled.",
    );
}

/// F26 to F29.
#[tokio::test]
async fn variables_of_a_conversation() {
    let rig = Rig::new().await;
    let flow = graph(
        &[
            ("s", start(json!([]))),
            ("answer", json!({"type": "answer", "answer": "{{#conversation.name#}}/{{#sys.dialogue_count#}}"})),
        ],
        &[("s", "source", "answer")],
    );
    let variables = vec![
        json!({"name": "name", "value_type": "string", "value": "Ann", "description": "who"}),
        json!({"name": "tags", "value_type": "array[string]", "value": ["a"]}),
        json!({"name": "age", "value_type": "number", "value": 5}),
    ];
    let draft = Draft { conversation_variables: variables, ..Draft::default() };
    let app = rig.graph_app("advanced-chat", flow, draft).await;
    let first = ask(&rig, &app, "hi", None).await;
    assert_eq!(first["answer"], "Ann/0");
    let conversation = id(&first["conversation_id"]);
    let path = format!("/v1/conversations/{conversation}/variables");
    let list = rig.get(&format!("{path}?user=abc-123"), &app).await.json();
    let name = list["data"].as_array().unwrap().iter().find(|item| item["name"] == "name").unwrap().clone();
    assert_eq!(
        name.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["id", "name", "value_type", "value", "description", "created_at", "updated_at"],
        "F26"
    );
    let value = |name: &str| {
        list["data"].as_array().unwrap().iter().find(|item| item["name"] == name).unwrap()["value"].clone()
    };
    assert_eq!((value("name"), value("tags"), value("age")), (json!("Ann"), json!("[\"a\"]"), json!("5")));
    let found = rig.get(&format!("{path}?user=abc-123&variable_name=NAM"), &app).await.json();
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    rig.get(&format!("{path}?user=abc-123&variable_name=a;b"), &app).await.expect_error_with(
        400,
        "invalid_param",
        &["variable_name"],
    );
    let put = |variable: &str, value: Json| {
        let path = format!("{path}/{variable}");
        let key = app.key.clone();
        let rig = &rig;
        async move { rig.call(Method::PUT, &path, &key, Some(json!({"value": value, "user": "abc-123"}))).await }
    };
    let variable = id(&name["id"]);
    put(&variable, json!(5)).await.expect_error(
        400,
        "bad_request",
        "Type mismatch: variable 'name' expects string, but got",
    );
    put(&ox_types::new_uuid().to_string(), json!("x")).await.expect_error(
        404,
        "not_found",
        "Conversation Variable Not Exists.",
    );
    assert_eq!(put(&variable, json!("Bob")).await.json()["value"], "Bob");
    assert_eq!(ask(&rig, &app, "hi", Some(&conversation)).await["answer"], "Bob/1");
}

/// The oldest of a conversation goes when the model's window is full, and the answer's metadata says how much that was.
#[tokio::test]
async fn an_answer_tells_what_its_model_had_no_room_for() {
    let rig = Rig::new().await;
    // The scripted model takes a million tokens: nearly all are kept for the answer.
    let app = rig.basic_app("chat", "echo", json!({"max_tokens": 999_960}), json!({})).await;
    let long = "one two three four five six seven eight nine ten eleven twelve";
    let first = ask(&rig, &app, long, None).await;
    assert!(first["metadata"].get("context_window").is_none(), "nothing was said before: {first}");
    let conversation = id(&first["conversation_id"]);
    let second = ask(&rig, &app, "and?", Some(&conversation)).await;
    let window = &second["metadata"]["context_window"];
    assert_eq!((&window["context_size"], &window["reserved_tokens"]), (&json!(1_000_000), &json!(999_960)), "{second}");
    assert_eq!((&window["dropped_messages"], &window["kept_tokens"]), (&json!(2), &json!(0)), "{window}");
    let tokens = |name: &str| window[name].as_u64().unwrap();
    assert!(tokens("counted_tokens") > tokens("room_tokens") && tokens("room_tokens") < 40, "{window}");
    // The newest round has room, the long one before it has none.
    let third = ask(&rig, &app, "so?", Some(&conversation)).await;
    let window = &third["metadata"]["context_window"];
    assert_eq!(window["dropped_messages"], 2, "{third}");
    assert!(window["kept_tokens"].as_u64().unwrap() > 0, "{window}");
}
