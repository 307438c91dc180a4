//! What makers see of their apps: statistics in their own time zone, annotations, API extensions.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::support::{Answer, Session, TestServer, app_file};

const BASIC: &str = r#"{"app": {"name": "Chat", "mode": "chat", "icon": "x", "icon_background": "white", "description": ""},
    "kind": "app", "version": "0.6.0", "model_config": {"pre_prompt": "", "user_input_form": [],
    "model": {"provider": "oxidify/scripted", "name": "echo", "mode": "chat", "completion_params": {}}}}"#;

async fn asked(server: &TestServer, key: &str, query: &str, user: &str, conversation: &str) -> Value {
    let body = json!({"inputs": {}, "query": query, "user": user, "conversation_id": conversation});
    let answer = server.v1(key, Method::POST, "/chat-messages", Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn statistics_of_a_chat() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, key) = server.app(&owner, BASIC).await;
    let of = |what: &str, query: &str| {
        let (server, owner, path) = (&server, &owner, format!("/apps/{app}/statistics/{what}{query}"));
        async move { server.get(owner, &path).await }
    };
    assert_eq!(of("daily-messages", "").await.json(), json!({"data": []}), "nothing yet");
    let first = asked(&server, &key, "one two three", "ann", "").await;
    let conversation = first["conversation_id"].as_str().unwrap();
    asked(&server, &key, "four", "ann", conversation).await;
    asked(&server, &key, "five", "bob", "").await;
    let like = json!({"rating": "like", "user": "ann"});
    let path = format!("/messages/{}/feedbacks", first["message_id"].as_str().unwrap());
    assert_eq!(server.v1(&key, Method::POST, &path, Some(like)).await.status, StatusCode::OK);
    let zone = "Pacific/Kiritimati";
    let set = server.post(&owner, "/account/timezone", json!({"timezone": zone})).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
    // Fourteen hours ahead, all year.
    let today = (chrono::Utc::now() + chrono::Duration::hours(14)).date_naive().to_string();
    for (what, figures) in [
        ("daily-messages", json!({"message_count": 3})),
        ("daily-conversations", json!({"conversation_count": 2})),
        ("daily-end-users", json!({"terminal_count": 2})),
        ("average-session-interactions", json!({"interactions": 1.5})),
        ("user-satisfaction-rate", json!({"rate": 333.33, "liked": 1.0, "rated": 1})),
    ] {
        let mut day = json!({"date": today});
        day.as_object_mut().unwrap().extend(figures.as_object().unwrap().clone());
        assert_eq!(of(what, "").await.json(), json!({"data": [day]}), "{what}");
    }
    let costs = of("token-costs", "").await.json()["data"][0].clone();
    // Words: 3, then 3 + 3 + 1 of history and question, then 1; and the same said back.
    assert!(costs["token_count"].as_i64().unwrap() >= 10, "{costs}");
    assert_eq!((&costs["total_price"], &costs["currency"]), (&json!("0.0000000"), &json!("USD")));
    assert!(of("tokens-per-second", "").await.json()["data"][0]["tps"].is_number());
    // Other days, and times that are none.
    let past = "?start=2020-01-01%2000:00&end=2020-01-02%2000:00";
    assert_eq!(of("daily-messages", past).await.json(), json!({"data": []}));
    for query in ["?start=yesterday", "?end=2020-01-01", "?start=2020-01-02%2000:00&end=2020-01-01%2000:00"] {
        let refused = of("daily-messages", query).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_param"), "{query}");
    }
    assert_eq!(of("average-response-time", "").await.status, StatusCode::NOT_FOUND, "of completions only");
    let runs = server.get(&owner, &format!("/apps/{app}/workflow/statistics/daily-conversations")).await;
    assert_eq!((runs.status, runs.code().as_str()), (StatusCode::NOT_FOUND, "app_not_found"));
}

#[tokio::test]
async fn statistics_of_a_workflow() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, key) = server.app(&owner, &app_file("passthrough")).await;
    for user in ["ann", "ann", "bob"] {
        let body = json!({"inputs": {"query": "x"}, "user": user});
        let answer = server.v1(&key, Method::POST, "/workflows/run", Some(body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    for (what, name, value) in [
        ("daily-conversations", "runs", json!(3)),
        ("daily-terminals", "terminal_count", json!(2)),
        ("average-app-interactions", "interactions", json!(1.5)),
    ] {
        let days = server.get(&owner, &format!("/apps/{app}/workflow/statistics/{what}")).await.json();
        assert_eq!((days["data"].as_array().unwrap().len(), &days["data"][0][name]), (1, &value), "{what}: {days}");
    }
    let costs = server.get(&owner, &format!("/apps/{app}/workflow/statistics/token-costs")).await.json();
    assert!(costs["data"][0]["token_count"].is_i64(), "{costs}");
}

async fn import(server: &TestServer, session: &Session, app: &str, name: &str, file: &str) -> Answer {
    let body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: text/csv\r\n\r\n{file}\r\n--b--\r\n"
    );
    let cookies: Vec<String> = session.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = Request::post(format!("/console/api/apps/{app}/annotations/batch-import"))
        .header(header::COOKIE, cookies.join("; "))
        .header("x-csrf-token", session.csrf())
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    server.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn annotations_of_an_app() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, key) = server.app(&owner, BASIC).await;
    let base = format!("/apps/{app}/annotations");
    let message = asked(&server, &key, "How?", "ann", "").await;
    let made = server.post(&owner, &base, json!({"message_id": message["message_id"], "answer": "So."})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.json()["question"], "How?", "the message's own");
    let again = server.post(&owner, &base, json!({"message_id": message["message_id"], "content": "Better."})).await;
    assert_eq!((&again.json()["id"], &again.json()["answer"]), (&made.json()["id"], &json!("Better.")));
    assert_eq!(server.get(&owner, &format!("{base}/count")).await.json(), json!({"count": 1}));
    // Logs show it.
    let list = |status: &str| format!("/apps/{app}/chat-conversations?annotation_status={status}");
    assert_eq!(server.get(&owner, &list("annotated")).await.json()["data"][0]["annotated"], true);
    assert_eq!(server.get(&owner, &list("not_annotated")).await.json()["total"], 0);
    assert_eq!(server.get(&owner, &list("perhaps")).await.status, StatusCode::BAD_REQUEST);
    let id = message["message_id"].as_str().unwrap();
    let shown = server.get(&owner, &format!("/apps/{app}/messages/{id}")).await.json();
    assert_eq!(shown["annotation"]["content"], "Better.");
    // In and out again.
    let file = "question,answer\r\n\"a, b\",c\r\nd,e\r\n";
    let done = import(&server, &owner, &app, "x.csv", file).await;
    assert_eq!((done.status, &done.json()["job_status"]), (StatusCode::OK, &json!("completed")), "{}", done.text);
    let job = format!("{base}/batch-import-status/{}", done.json()["job_id"].as_str().unwrap());
    assert_eq!(server.get(&owner, &job).await.json()["record_count"], 2);
    let unknown = server.get(&owner, &format!("{base}/batch-import-status/{}", ox_types::new_uuid())).await;
    assert_eq!(unknown.json()["message"], "The job does not exist.");
    let all = server.get(&owner, &format!("{base}/export")).await.json();
    let mut questions: Vec<&str> =
        all["data"].as_array().unwrap().iter().map(|item| item["question"].as_str().unwrap()).collect();
    questions.sort_unstable();
    assert_eq!(questions, ["How?", "a, b", "d"]);
    for (name, file, status) in [("x.txt", "a,b", 400), ("x.csv", "a\r\n", 400), ("x.csv", &"x".repeat(3 << 20), 413)] {
        let refused = import(&server, &owner, &app, name, file).await;
        assert_eq!(refused.status.as_u16(), status, "{name}: {}", refused.text);
    }
    // Changed, looked at, removed.
    let one = format!("{base}/{}", made.json()["id"].as_str().unwrap());
    let changed = server.post(&owner, &one, json!({"question": "Q", "answer": "A"})).await.json();
    assert_eq!((&changed["question"], &changed["answer"]), (&json!("Q"), &json!("A")));
    assert_eq!(server.post(&owner, &one, json!({"question": "", "answer": "A"})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(server.get(&owner, &format!("{one}/hit-histories")).await.json()["total"], 0);
    let drop = |path: String| {
        let (server, owner) = (&server, &owner);
        async move { server.console(owner, Method::DELETE, &path, None).await.status.as_u16() }
    };
    assert_eq!(drop(format!("{base}?annotation_id=")).await, 400, "an empty id clears nothing");
    assert_eq!(drop(format!("{base}?annotation_id={}", made.json()["id"].as_str().unwrap())).await, 204);
    assert_eq!(drop(one).await, 404);
    assert_eq!(server.get(&owner, &base).await.json()["total"], 2);
    assert_eq!(drop(base.clone()).await, 204);
    assert_eq!(server.get(&owner, &base).await.json()["total"], 0);
    let member = server.member(&owner, "normal@example.com", "normal").await;
    assert_eq!(server.get(&member, &base).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn extensions_are_an_administrators_matter() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let editor = server.member(&owner, "editor@example.com", "editor").await;
    let form = json!({"name": "Guard", "api_endpoint": "http://127.0.0.1:1/x", "api_key": "secret"});
    assert_eq!(server.post(&editor, "/api-based-extension", form.clone()).await.status, StatusCode::FORBIDDEN);
    let refused = server.post(&owner, "/api-based-extension", form).await;
    assert!(refused.json()["message"].as_str().unwrap().starts_with("connection error: "), "{}", refused.text);
    for (body, field) in [
        (json!({"name": "", "api_endpoint": "https://x.test", "api_key": "secret"}), "name"),
        (json!({"name": "x", "api_endpoint": "x", "api_key": "secret"}), "api_endpoint"),
        (json!({"name": "x", "api_endpoint": "https://x.test", "api_key": "1234"}), "api_key"),
        (json!({"name": "x"}), "api_endpoint"),
    ] {
        let answer = server.post(&owner, "/api-based-extension", body).await;
        assert_eq!((answer.status, &answer.json()["params"]), (StatusCode::BAD_REQUEST, &json!(field)));
    }
    assert_eq!(server.get(&editor, "/api-based-extension").await.json(), json!([]));
    let code = server.get(&editor, "/code-based-extension?module=moderation").await.json();
    assert_eq!(code, json!({"module": "moderation", "data": []}));
    assert_eq!(server.get(&editor, "/code-based-extension?module=x").await.status, StatusCode::BAD_REQUEST);
}
