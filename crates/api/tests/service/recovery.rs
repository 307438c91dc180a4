//! What a dead process leaves behind, and what must survive it.

use std::time::Duration;

use axum::{body::Body, http::Request};
use ox_app::runs::recovery;
use ox_db::repo;
use ox_types::Json;
use serde_json::json;

use crate::rig::{Draft, Rig, TestApp, chatflow, end, graph, llm, names, start};

/// The stream of a run for a reader who has seen it up to an event.
async fn after(rig: &Rig, app: &TestApp, run: &Json, last: u64) -> Vec<Json> {
    let path = format!("/v1/workflow/{}/events?user=abc-123", run.as_str().unwrap());
    let request = Request::builder()
        .uri(path)
        .header("authorization", format!("Bearer {}", app.key))
        .header("last-event-id", last);
    rig.send(request.body(Body::empty()).unwrap()).await.events()
}

/// Waits for a condition that another task brings about.
async fn until<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    for _ in 0..400 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what} did not happen");
}

#[tokio::test]
async fn a_run_of_a_dead_process_goes_on_elsewhere_and_nothing_is_there_twice() {
    let dying = Rig::new().await;
    let graph = chatflow(json!([]), "canned", json!({"text": "one two", "ttft_ms": 1500}));
    let app = dying.graph_app("advanced-chat", graph, Draft::default()).await;
    let body = json!({"inputs": {}, "query": "hi", "user": "abc-123", "response_mode": "streaming"});
    let heir = dying.beside().await;
    let (answer, ()) = tokio::join!(dying.post("/v1/chat-messages", &app, body), async {
        until("the model is asked", || async { dying.services.runs.any_task().is_some() }).await;
        let run = dying.services.runs.find(dying.services.runs.any_task().unwrap()).unwrap().run_id.unwrap();
        let tenant = dying.owner.tenant_id();
        until("the node's start is recorded", || async {
            let run = repo::runs::find(&dying.services.db, tenant, app.id, run).await.unwrap();
            let Some(run) = run else { return false };
            repo::runs::executions_of(&dying.services.db, &run).await.unwrap().len() == 2
        })
        .await;
        // The process dies: its lease is gone, and whatever it still writes is refused.
        recovery::release(&dying.services).await;
        assert_eq!(recovery::take_over_expired(&heir.services).await.unwrap(), 1);
        until("the heir ends the run", || async {
            let found = repo::runs::find(&heir.services.db, tenant, app.id, run).await.unwrap().unwrap();
            found.finished_at.is_some()
        })
        .await;
        let found = repo::runs::find(&heir.services.db, tenant, app.id, run).await.unwrap().unwrap();
        assert_eq!(found.status.as_str(), "succeeded", "{:?}", found.error);
        let nodes = repo::runs::executions_of(&heir.services.db, &found).await.unwrap();
        let kinds: Vec<&str> = nodes.iter().map(|node| node.node_type.as_str()).collect();
        assert_eq!(kinds, ["start", "llm", "answer"], "finished nodes are not repeated");
    });
    let conversations = heir.get("/v1/conversations?user=abc-123", &app).await.json();
    assert_eq!(conversations["data"].as_array().unwrap().len(), 1);
    let id = conversations["data"][0]["id"].as_str().unwrap();
    let messages = heir.get(&format!("/v1/messages?conversation_id={id}&user=abc-123"), &app).await.json();
    assert_eq!(messages["data"].as_array().unwrap().len(), 1, "{messages}");
    assert_eq!(messages["data"][0]["answer"], "one two");
    // The client of the dead process is not left hanging.
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_run_that_cannot_go_on_ends_with_its_reason() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", crate::rig::passthrough(&json!([])), Draft::default()).await;
    let body = json!({"inputs": {}, "user": "abc-123"});
    let made = rig.post("/v1/workflows/run", &app, body).await.json();
    let id: ox_types::RunId = made["workflow_run_id"].as_str().unwrap().parse().unwrap();
    let tenant = rig.owner.tenant_id();
    let mut row = repo::runs::find(&rig.services.db, tenant, app.id, id).await.unwrap().unwrap();
    row.id = ox_types::RunId::new();
    row.created_at = ox_db::now();
    row.status = ox_types::RunStatus::Running;
    row.finished_at = None;
    row.resume = None;
    row.owner = Some(ox_types::new_uuid());
    let batch = repo::journal::RunBatch { runs: vec![&row], ..Default::default() };
    repo::journal::RunWriter::new(rig.services.db.clone()).commit(&batch).await.unwrap();
    assert_eq!(recovery::take_over_expired(&rig.services).await.unwrap(), 1);
    let record = rig.get(&format!("/v1/workflows/run/{}", row.id), &app).await.json();
    assert_eq!(record["status"], "failed");
    assert!(record["error"].as_str().unwrap().starts_with("interrupted"), "{record}");
    assert_eq!(recovery::take_over_expired(&rig.services).await.unwrap(), 0);
}

#[tokio::test]
async fn a_reader_who_comes_back_after_the_end_gets_the_whole_text() {
    let rig = Rig::new().await;
    let body = json!({"inputs": {}, "query": "hi", "user": "abc-123", "response_mode": "streaming"});
    let nodes = [
        ("s", start(json!([]))),
        ("a", llm("canned", json!({"text": "one two"}), "hi")),
        ("b", llm("canned", json!({"text": "three"}), "hi")),
        ("e", end(&[("x", &["a", "text"]), ("y", &["b", "text"])])),
    ];
    let edges = [("s", "source", "a"), ("s", "source", "b"), ("a", "source", "e"), ("b", "source", "e")];
    let flow = rig.graph_app("workflow", graph(&nodes, &edges), Draft::default()).await;
    let chat = chatflow(json!([]), "canned", json!({"text": "one two"}));
    let chat = rig.graph_app("advanced-chat", chat, Draft::default()).await;
    for (app, path, text, wanted) in [
        (&flow, "/v1/workflows/run", "one two\nthree", vec!["text_replace", "workflow_finished"]),
        (&chat, "/v1/chat-messages", "one two", vec!["message_replace", "message_end", "workflow_finished"]),
    ] {
        let seen = rig.post(path, app, body.clone()).await.events();
        assert_eq!(crate::rig::text_of(&seen), text);
        until("the run is let go", || async { rig.services.runs.any_task().is_none() }).await;
        let again = after(&rig, app, &seen[0]["workflow_run_id"], 3).await;
        assert_eq!(names(&again), wanted);
        let told = if app.key == flow.key { &again[0]["data"]["text"] } else { &again[0]["answer"] };
        assert_eq!(told, text);
        assert_eq!(again.last().unwrap()["data"]["outputs"], seen.last().unwrap()["data"]["outputs"]);
        if app.key == chat.key {
            for key in ["message_id", "conversation_id", "task_id"] {
                assert_eq!(again[0][key], seen[0][key], "{key}");
            }
        }
    }
}

#[tokio::test]
async fn the_surface_works_on_postgresql_as_well() {
    let Some(database) = ox_testkit::postgres().await.unwrap() else {
        println!("skipped: there is no PostgreSQL on this machine");
        return;
    };
    let rig = Rig::over(database.database.clone(), tempfile::tempdir().unwrap(), &[]).await;
    let flow = rig.graph_app("advanced-chat", chatflow(json!([]), "echo", json!({})), Draft::default()).await;
    let ask = |query: &str, conversation: Option<&str>| json!({"inputs": {}, "query": query, "user": "abc-123", "conversation_id": conversation});
    let first = rig.post("/v1/chat-messages", &flow, ask("one", None)).await.json();
    let conversation = first["conversation_id"].as_str().unwrap();
    assert_eq!(rig.post("/v1/chat-messages", &flow, ask("two", Some(conversation))).await.json()["answer"], "two");
    let list = rig.get(&format!("/v1/messages?conversation_id={conversation}&user=abc-123"), &flow).await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    let rate = format!("/v1/messages/{}/feedbacks", first["message_id"].as_str().unwrap());
    assert_eq!(rig.post(&rate, &flow, json!({"rating": "like", "user": "abc-123"})).await.status, 200);
    assert_eq!(rig.get("/v1/app/feedbacks", &flow).await.json()["data"].as_array().unwrap().len(), 1);
    let app = rig.graph_app("workflow", crate::rig::passthrough(&json!([])), Draft::default()).await;
    let run = rig.post("/v1/workflows/run", &app, json!({"inputs": {}, "user": "u"})).await.json();
    assert_eq!(run["data"]["status"], "succeeded", "{run}");
    assert_eq!(rig.get("/v1/workflows/logs?keyword=u", &app).await.json()["total"], 1);
    let conversations = rig.get("/v1/conversations?user=abc-123&limit=1", &flow).await.json();
    assert_eq!(conversations["data"].as_array().unwrap().len(), 1);
    let path = format!("/v1/conversations/{conversation}");
    let gone = rig.call(axum::http::Method::DELETE, &path, &flow.key, Some(json!({"user": "abc-123"}))).await;
    assert_eq!(gone.status, 204);
    rig.services.shutdown.cancel();
    drop(rig);
    database.remove().await;
}
