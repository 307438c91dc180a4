//! The statistics against counts made here from the rows of runs and messages, on both databases.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use ox_db::{
    Page,
    repo::{
        messages::{self, FeedbackFilter, MessageFilter},
        runs::{self, LogFilter},
    },
};
use ox_types::AppId;
use serde_json::{Value, json};

use crate::support::{Session, TestServer, app_file};

fn basic(mode: &str) -> String {
    let model = r#"{"provider": "oxidify/scripted", "name": "template", "mode": "chat", "completion_params": {"template": "one {{ query }} three", "ttft_ms": 3}}"#;
    format!(
        r#"{{"app": {{"name": "A", "mode": "{mode}", "icon": "x", "icon_background": "white", "description": ""}}, "kind": "app",
        "version": "0.6.0", "model_config": {{"pre_prompt": "", "user_input_form": [], "model": {model}}}}}"#
    )
}

async fn figure(server: &TestServer, owner: &Session, path: &str) -> Value {
    let answer = server.get(owner, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    let days = answer.json()["data"].as_array().unwrap().clone();
    assert_eq!(days.len(), 1, "{path}: {days:?}");
    assert_eq!(days[0]["date"], chrono::Utc::now().date_naive().to_string());
    days[0].clone()
}

#[track_caller]
fn about(found: &Value, expected: f64, what: &str) {
    let found = found.as_f64().unwrap_or_else(|| panic!("{what}: {found}"));
    assert!((found - expected).abs() < 0.006_f64.max(expected.abs() * 0.001), "{what}: {found} instead of {expected}");
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test")]
fn share(part: i64, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// The figures of a day's times against the times themselves.
#[track_caller]
fn times_are(found: &Value, seconds: Vec<f64>, first: Vec<f64>) {
    let rank = |mut all: Vec<f64>, percent: usize| {
        all.sort_by(f64::total_cmp);
        all[(all.len() * percent).div_ceil(100) - 1]
    };
    assert_eq!((&found["measured"], &found["sampled"]), (&json!(seconds.len()), &json!(false)));
    about(&found["p50"], rank(seconds.clone(), 50), "p50");
    about(&found["p95"], rank(seconds.clone(), 95), "p95");
    about(&found["p99"], rank(seconds, 99), "p99");
    if first.is_empty() {
        assert_eq!((&found["first_token_p50"], &found["first_token_p95"]), (&Value::Null, &Value::Null));
    } else {
        about(&found["first_token_p50"], rank(first.clone(), 50), "first token, p50");
        about(&found["first_token_p95"], rank(first, 95), "first token, p95");
    }
}

#[tokio::test]
async fn every_figure_is_what_the_rows_say() {
    ox_testkit::on_each_database(|db| async move {
        let server = TestServer::start(db.clone()).await;
        let owner = server.owner().await;
        for mode in ["chat", "completion"] {
            let (id, key) = server.app(&owner, &basic(mode)).await;
            let route = if mode == "chat" { "/chat-messages" } else { "/completion-messages" };
            let mut conversation = json!("");
            for number in 0..9 {
                let user = ["ann", "bob", "cyd"][number % 3];
                // Ann goes on talking; the others begin anew.
                let continued = if user == "ann" { conversation.clone() } else { json!("") };
                let body = json!({"inputs": {}, "query": "two words", "user": user, "conversation_id": continued});
                let answer = server.v1(&key, Method::POST, route, Some(body)).await.json();
                if user == "ann" && mode == "chat" {
                    conversation = answer["conversation_id"].clone();
                }
                if number % 4 == 0 {
                    let path = format!("/messages/{}/feedbacks", answer["message_id"].as_str().unwrap());
                    let rating = if number == 8 { "dislike" } else { "like" };
                    server.v1(&key, Method::POST, &path, Some(json!({"rating": rating, "user": user}))).await;
                }
            }
            let app: AppId = id.parse().unwrap();
            let rows = messages::of_app(&db, app, &MessageFilter::default(), Page::first(1000)).await.unwrap();
            assert_eq!(rows.len(), 9);
            let conversations: BTreeSet<_> = rows.iter().map(|row| row.conversation_id).collect();
            let users: BTreeSet<_> = rows.iter().filter_map(|row| row.from_end_user_id).collect();
            let tokens: i64 = rows.iter().map(|row| i64::from(row.message_tokens + row.answer_tokens)).sum();
            let said: i64 = rows.iter().map(|row| i64::from(row.answer_tokens)).sum();
            let seconds: f64 = rows.iter().map(|row| row.provider_response_latency).sum();
            let likes = FeedbackFilter { rating: Some("like".into()), ..FeedbackFilter::default() };
            let likes = messages::find_feedbacks(&db, app, &likes, None, 1000).await.unwrap().len();
            let of = |what: &str| {
                let path = format!("/apps/{id}/statistics/{what}");
                let (server, owner) = (&server, &owner);
                async move { figure(server, owner, &path).await }
            };
            assert_eq!(of("daily-messages").await["message_count"], rows.len(), "{mode}");
            assert_eq!(of("daily-conversations").await["conversation_count"], conversations.len(), "{mode}");
            assert_eq!(of("daily-end-users").await["terminal_count"], users.len(), "{mode}");
            let costs = of("token-costs").await;
            assert_eq!((&costs["token_count"], &costs["currency"]), (&json!(tokens), &json!("USD")), "{mode}");
            assert_eq!(costs["total_price"], "0.0000000", "the scripted model costs nothing");
            let rate = share(i64::try_from(likes).unwrap() * 1000, rows.len());
            let satisfied = of("user-satisfaction-rate").await;
            about(&satisfied["rate"], rate, "rate");
            // Of three that were rated two are liked.
            assert_eq!((likes, &satisfied["rated"], &satisfied["liked"]), (2, &json!(3), &json!(0.6667)), "{mode}");
            let nodes = server.get(&owner, &format!("/apps/{id}/workflow/statistics/slow-nodes")).await;
            assert_eq!(nodes.status, StatusCode::NOT_FOUND, "{mode}: it has no nodes");
            #[expect(clippy::cast_precision_loss, reason = "counts of a test")]
            let speed = said as f64 / seconds;
            about(&of("tokens-per-second").await["tps"], speed, "tps");
            let metadata = rows.iter().filter_map(|row| row.message_metadata.as_deref());
            let first = metadata.filter_map(|text| {
                serde_json::from_str::<Value>(text).unwrap().pointer("/usage/time_to_first_token")?.as_f64()
            });
            let took = rows.iter().map(|row| row.provider_response_latency).filter(|took| *took > 0.0);
            times_are(&of("response-times").await, took.collect(), first.collect());
            if mode == "chat" {
                assert_eq!(conversations.len(), 7, "three of Ann's in one");
                let turns = share(i64::try_from(rows.len()).unwrap(), conversations.len());
                about(&of("average-session-interactions").await["interactions"], turns, "interactions");
            } else {
                about(&of("average-response-time").await["latency"], seconds * 1000.0 / 9.0, "latency");
            }
        }
        let (id, key) = server.app(&owner, &app_file("passthrough")).await;
        for user in ["ann", "ann", "bob", "ann", "cyd"] {
            let body = json!({"inputs": {"query": "x"}, "user": user});
            assert_eq!(server.v1(&key, Method::POST, "/workflows/run", Some(body)).await.status, StatusCode::OK);
        }
        let app: AppId = id.parse().unwrap();
        let tenant = ox_db::repo::apps::find_any(&db, app).await.unwrap().unwrap().tenant_id;
        let (rows, _) = runs::log_after(&db, tenant, app, &LogFilter::default(), Page::first(1000)).await.unwrap();
        let users: BTreeSet<_> = rows.iter().map(|row| row.run.created_by).collect();
        let tokens: i64 = rows.iter().map(|row| row.run.total_tokens).sum();
        let of = |what: &str| {
            let path = format!("/apps/{id}/workflow/statistics/{what}");
            let (server, owner) = (&server, &owner);
            async move { figure(server, owner, &path).await }
        };
        assert_eq!((rows.len(), users.len()), (5, 3));
        assert_eq!(of("daily-conversations").await["runs"], 5);
        assert_eq!(of("daily-terminals").await["terminal_count"], 3);
        assert_eq!(of("token-costs").await["token_count"], tokens);
        about(&of("average-app-interactions").await["interactions"], 5.0 / 3.0, "interactions");
        times_are(&of("response-times").await, rows.iter().map(|row| row.run.elapsed_time).collect(), Vec::new());
        let since = chrono::Utc::now().date_naive() - chrono::Days::new(40);
        let whole = format!("/apps/{id}/workflow/statistics/response-times?whole=true&start={since}%2000:00");
        let whole = server.get(&owner, &whole).await.json();
        assert_eq!(
            (whole["data"].as_array().map(Vec::len), &whole["data"][0]["date"]),
            (Some(1), &json!(since.to_string()))
        );
        times_are(&whole["data"][0], rows.iter().map(|row| row.run.elapsed_time).collect(), Vec::new());
        let nodes = server.get(&owner, &format!("/apps/{id}/workflow/statistics/slow-nodes")).await.json();
        let ran = nodes["data"].as_array().unwrap();
        assert!(ran.iter().any(|node| node["node_type"] == "start"), "{nodes}");
        assert!(ran.iter().all(|node| node["executions"] == 5 && node["failed"] == 0), "{nodes}");
        let p95: Vec<f64> = ran.iter().map(|node| node["p95"].as_f64().unwrap()).collect();
        assert!(p95.is_sorted_by(|slow, fast| slow >= fast), "{nodes}");
        assert_eq!(nodes["sampled"], false);
        let past = format!("/apps/{id}/workflow/statistics/slow-nodes?start=2020-01-01%2000:00&end=2020-01-02%2000:00");
        assert_eq!(server.get(&owner, &past).await.json(), json!({"data": [], "sampled": false}));
        let of_messages = format!("/apps/{id}/statistics/response-times");
        assert_eq!(server.get(&owner, &of_messages).await.status, StatusCode::NOT_FOUND, "a workflow has no messages");
    })
    .await;
}
