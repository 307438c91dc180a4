//! Logs, ratings and annotations as files; traces and speech by their console routes; retention.

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{TestServer, app_file};

const BASIC: &str = r#"{"app": {"name": "Chat", "mode": "chat", "icon": "x", "icon_background": "white", "description": ""},
    "kind": "app", "version": "0.6.0", "model_config": {"pre_prompt": "", "user_input_form": [],
    "model": {"provider": "oxidify/scripted", "name": "echo", "mode": "chat", "completion_params": {}}}}"#;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[tokio::test]
async fn messages_with_ratings_and_annotations() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, key) = server.app(&owner, BASIC).await;
    let mut ids = Vec::new();
    // More than one page of reading.
    for number in 0..205 {
        let query = if number == 7 { "=1+1, \"so\"\nit is".to_owned() } else { format!("question {number}") };
        let user = if number % 2 == 0 { "ann" } else { "bob" };
        let body = json!({"inputs": {}, "query": query, "user": user});
        let answer = server.v1(&key, Method::POST, "/chat-messages", Some(body)).await.json();
        ids.push(answer["message_id"].as_str().unwrap().to_owned());
    }
    let like = json!({"rating": "like", "content": "good", "user": "bob"});
    let rated = server.v1(&key, Method::POST, &format!("/messages/{}/feedbacks", ids[7]), Some(like)).await;
    assert_eq!(rated.status, StatusCode::OK, "{}", rated.text);
    let judged = json!({"message_id": ids[7], "rating": "dislike", "content": ""});
    assert_eq!(server.post(&owner, &format!("/apps/{app}/feedbacks"), judged).await.status, StatusCode::OK);
    let note = json!({"message_id": ids[7], "question": "Sum?", "answer": "Two."});
    assert_eq!(server.post(&owner, &format!("/apps/{app}/annotations"), note).await.status, StatusCode::CREATED);
    let export = |query: &str| {
        let (server, owner, path) = (&server, &owner, format!("/apps/{app}/logs/export{query}"));
        async move { server.get(owner, &path).await }
    };
    let all = export("?format=jsonl").await;
    assert_eq!(all.status, StatusCode::OK, "{}", all.text);
    assert_eq!(all.headers[header::CONTENT_TYPE], "application/x-ndjson; charset=utf-8");
    let name = all.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(name.starts_with("attachment; filename=\"messages-") && name.ends_with(".jsonl\""), "{name}");
    let rows = lines(&all.text);
    let told: Vec<&str> = rows.iter().map(|row| row["message_id"].as_str().unwrap()).collect();
    assert_eq!(told, ids.iter().rev().map(String::as_str).collect::<Vec<_>>(), "every one once, newest first");
    let row = rows.iter().find(|row| row["message_id"] == json!(ids[7])).unwrap();
    assert_eq!((&row["query"], &row["end_user"]), (&json!("=1+1, \"so\"\nit is"), &json!("bob")));
    assert_eq!(
        (&row["user_rating"], &row["user_comment"], &row["admin_rating"]),
        (&json!("like"), &json!("good"), &json!("dislike"))
    );
    assert_eq!((&row["annotation_question"], &row["annotation_answer"]), (&json!("Sum?"), &json!("Two.")));
    for (query, count) in [
        ("&annotation_status=annotated", 1),
        ("&annotation_status=not_annotated", 204),
        ("&keyword=question%2011", 11),
        ("&created_by_end_user_session_id=bob", 102),
        ("&status=failed", 0),
        ("&created_at__after=2999-01-01T00:00:00Z", 0),
        ("&created_at__before=2999-01-01T00:00:00Z", 205),
    ] {
        let found = lines(&export(&format!("?format=jsonl{query}")).await.text);
        assert_eq!(found.len(), count, "{query}");
    }
    let csv = export("").await;
    assert_eq!(csv.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    assert!(csv.text.starts_with("\u{feff}message_id,conversation_id,"), "{}", &csv.text[..80]);
    assert!(csv.text.contains("\"'=1+1, \"\"so\"\"\nit is\""), "no formula, and well quoted");
    for query in ["?format=xml", "?status=stopped", "?annotation_status=x", "?created_at__after=x"] {
        assert_eq!(export(query).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
    // Ratings.
    let ratings = |query: &str| {
        let (server, owner, path) = (&server, &owner, format!("/apps/{app}/feedbacks/export{query}"));
        async move { server.get(owner, &path).await }
    };
    let document = ratings("?format=json").await.json();
    assert_eq!(document["export_info"]["total_records"], 2);
    let both = document["feedback_data"].as_array().unwrap();
    assert!(both.iter().all(|row| row["message_id"] == json!(ids[7]) && row["app_name"] == "Chat"));
    let today = chrono::Utc::now().date_naive();
    for (query, count) in [
        ("&from_source=user", 1),
        ("&from_source=admin&rating=dislike", 1),
        ("&rating=like&has_comment=true", 1),
        ("&has_comment=false", 1),
        (&format!("&start_date={today}&end_date={today}"), 2),
        ("&end_date=2020-01-01", 0),
    ] {
        let found = ratings(&format!("?format=json{query}")).await.json();
        assert_eq!(found["export_info"]["total_records"], count, "{query}");
    }
    let csv = ratings("").await.text;
    assert_eq!(csv.matches(ids[7].as_str()).count(), 2, "{csv}");
    for query in ["?rating=meh", "?from_source=x", "?start_date=yesterday", "?has_comment=perhaps", "?format=jsonl"] {
        assert_eq!(ratings(query).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
    // Annotations, as their import takes them.
    let file = server.get(&owner, &format!("/apps/{app}/annotations/export?format=csv")).await;
    assert_eq!(file.text, "\u{feff}question,answer\r\nSum?,Two.\r\n");
    let whole = server.get(&owner, &format!("/apps/{app}/annotations/export")).await.json();
    assert_eq!(whole["data"][0]["answer"], "Two.");
    let member = server.member(&owner, "normal@example.com", "normal").await;
    for path in ["logs/export", "feedbacks/export", "annotations/export?format=csv"] {
        assert_eq!(server.get(&member, &format!("/apps/{app}/{path}")).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn runs_of_a_workflow() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, key) = server.app(&owner, &app_file("passthrough")).await;
    for user in ["ann", "bob"] {
        let body = json!({"inputs": {"query": "hello"}, "user": user});
        assert_eq!(server.v1(&key, Method::POST, "/workflows/run", Some(body)).await.status, StatusCode::OK);
    }
    let all = server.get(&owner, &format!("/apps/{app}/logs/export?format=jsonl")).await;
    let rows = lines(&all.text);
    assert_eq!(rows.len(), 2, "{}", all.text);
    assert_eq!((&rows[0]["end_user"], &rows[0]["status"]), (&json!("bob"), &json!("succeeded")));
    assert_eq!((&rows[0]["inputs"]["query"], &rows[0]["created_from"]), (&json!("hello"), &json!("service-api")));
    for (query, count) in [("&status=failed", 0), ("&created_by_end_user_session_id=ann", 1), ("&keyword=hello", 2)] {
        let found = server.get(&owner, &format!("/apps/{app}/logs/export?format=jsonl{query}")).await;
        assert_eq!(found.text.lines().count(), count, "{query}");
    }
    let csv = server.get(&owner, &format!("/apps/{app}/logs/export")).await;
    assert_eq!(csv.text.lines().count(), 3);
}

#[tokio::test]
async fn traces_and_speech_by_their_routes() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, _) = server.app(&owner, BASIC).await;
    let base = format!("/apps/{app}");
    assert_eq!(
        server.get(&owner, &format!("{base}/trace")).await.json(),
        json!({"enabled": false, "tracing_provider": null})
    );
    let config = server.get(&owner, &format!("{base}/trace-config?tracing_provider=langfuse")).await;
    assert_eq!(config.json(), json!({"has_not_configured": true}));
    for (body, code) in [
        (json!({"tracing_provider": "langfuse", "tracing_config": {"public_key": "a"}}), "invalid_param"),
        (json!({"tracing_provider": "nobody", "tracing_config": {}}), "invalid_param"),
        (
            json!({"tracing_provider": "otlp", "tracing_config": {"endpoint": "http://127.0.0.1:1"}}),
            "trace_config_check_error",
        ),
    ] {
        let refused = server.post(&owner, &format!("{base}/trace-config"), body).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::BAD_REQUEST, code), "{}", refused.text);
    }
    let on = json!({"enabled": true, "tracing_provider": "otlp"});
    assert_eq!(server.post(&owner, &format!("{base}/trace"), on).await.code(), "trace_config_not_exist");
    let off = json!({"enabled": false, "tracing_provider": null});
    assert_eq!(server.post(&owner, &format!("{base}/trace"), off).await.status, StatusCode::OK);
    let gone =
        server.console(&owner, Method::DELETE, &format!("{base}/trace-config?tracing_provider=otlp"), None).await;
    assert_eq!(gone.code(), "trace_config_not_exist");
    let voices = server.get(&owner, &format!("{base}/text-to-audio/voices?language=en-US")).await.json();
    assert_eq!(voices, json!([{"name": "Calm", "value": "calm"}, {"name": "Bright", "value": "bright"}]));
    let spoken =
        server.post(&owner, &format!("{base}/text-to-audio"), json!({"text": "try me", "voice": "calm"})).await;
    assert_eq!(spoken.headers[header::CONTENT_TYPE], "audio/mpeg");
    assert!(spoken.text.contains("try me"));
    assert_eq!(server.post(&owner, &format!("{base}/text-to-audio"), json!({})).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_upkeep_removes_what_is_too_old() {
    let settings = [
        ("WORKFLOW_LOG_CLEANUP_ENABLED", "true"),
        ("WORKFLOW_LOG_CLEANUP_BATCH_SIZE", "2"),
        ("ENABLE_CLEAN_MESSAGES", "true"),
    ];
    let server = TestServer::sqlite_with(&settings).await;
    let owner = server.owner().await;
    let (flow, flow_key) = server.app(&owner, &app_file("passthrough")).await;
    let (chat, chat_key) = server.app(&owner, BASIC).await;
    for _ in 0..5 {
        let body = json!({"inputs": {"query": "x"}, "user": "ann"});
        server.v1(&flow_key, Method::POST, "/workflows/run", Some(body)).await;
        let body = json!({"inputs": {}, "query": "x", "user": "ann"});
        server.v1(&chat_key, Method::POST, "/chat-messages", Some(body)).await;
    }
    let at = chrono::Utc::now();
    let young = ox_app::retention::clean(&server.services, at + chrono::Duration::days(29)).await.unwrap();
    assert_eq!(young, ox_app::retention::Cleaned::default());
    let old = ox_app::retention::clean(&server.services, at + chrono::Duration::days(31)).await.unwrap();
    assert_eq!((old.runs, old.messages, old.conversations), (5, 5, 5), "{old:?}");
    let log = server.get(&owner, &format!("/apps/{flow}/workflow-app-logs")).await.json();
    assert_eq!((&log["total"], &log["data"]), (&json!(0), &json!([])));
    assert_eq!(server.get(&owner, &format!("/apps/{chat}/chat-conversations")).await.json()["total"], 0);
    ox_app::upkeep(&server.services).await.unwrap();
}
