//! Indexes that are made anew from the Studio: begun, told, stopped, taken over from a server that died.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use ox_db::{
    Database,
    model::{IndexRebuild, NewIndexRebuild, Process, RebuildKind, RebuildOrigin},
    now,
    repo::{index_rebuilds, leases},
};
use ox_types::{AccountId, DatasetId, TenantId, new_uuid};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    knowledge::Shelf,
    support::{Answer, TestServer},
};

async fn console(shelf: &Shelf, method: Method, path: &str) -> Answer {
    shelf.server.console(&shelf.owner, method, path, None).await
}

/// What is told of the last rebuild.
async fn told(shelf: &Shelf, id: &str) -> Value {
    let state = console(shelf, Method::GET, &format!("/datasets/{id}/index-state")).await;
    assert_eq!(state.status, StatusCode::OK, "{}", state.text);
    state.json()["rebuild"].clone()
}

async fn ended(shelf: &Shelf, id: &str) -> Value {
    for _ in 0..1000 {
        let found = told(shelf, id).await;
        if !["running", "interrupted"].contains(&found["status"].as_str().unwrap()) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it hangs");
}

async fn owls(shelf: &Shelf, id: &str) -> usize {
    let answer = shelf.post(&format!("/datasets/{id}/retrieve"), json!({"query": "owl"})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["records"].as_array().unwrap().len()
}

/// Another server.
async fn process(db: &Database) -> Uuid {
    let (id, at) = (new_uuid(), now());
    let expires_at = at + chrono::Duration::hours(1);
    let row = Process { id, host: "h".into(), pid: 1, started_at: at, heartbeat_at: at, expires_at };
    let tx = db.begin().await.unwrap();
    leases::register(&tx, row).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// That server begins.
async fn begun(shelf: &Shelf, id: &str, process: Uuid) -> IndexRebuild {
    let workspaces = shelf.server.get(&shelf.owner, "/workspaces").await.json();
    let tenant: TenantId = serde_json::from_value(workspaces["workspaces"][0]["id"].clone()).unwrap();
    let new = NewIndexRebuild {
        tenant_id: tenant,
        dataset_id: DatasetId(id.parse().unwrap()),
        kind: RebuildKind::Rebuild,
        origin: RebuildOrigin::Studio,
        target: "local".into(),
        created_by: Some(AccountId::new()),
    };
    let db = &shelf.server.services.db;
    let tx = db.begin().await.unwrap();
    let begun = index_rebuilds::begin(&tx, new, process, Duration::from_secs(600)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    begun
}

#[tokio::test]
async fn an_index_is_made_anew_while_it_is_searched() {
    ox_testkit::on_each_database(|database| async move {
        let shelf = Shelf::on(TestServer::start(database).await).await;
        let id = shelf.dataset("Zoo").await;
        shelf.document(&id, "owl.txt", "The owl sleeps by day.", json!({})).await;
        assert_eq!((owls(&shelf, &id).await, told(&shelf, &id).await), (1, Value::Null));
        let path = format!("/datasets/{id}/index-rebuild");
        for round in 0..2 {
            let begun = console(&shelf, Method::POST, &path).await;
            assert_eq!(begun.status, StatusCode::ACCEPTED, "{round}: {}", begun.text);
            let begun = begun.json();
            assert_eq!(
                (&begun["status"], &begun["kind"], &begun["origin"], &begun["target"], &begun["can_stop"]),
                (&json!("running"), &json!("rebuild"), &json!("studio"), &json!("local"), &json!(true)),
                "{begun}"
            );
            assert_eq!(owls(&shelf, &id).await, 1, "the old one answers");
            let done = ended(&shelf, &id).await;
            assert_eq!((&done["status"], &done["error"]), (&json!("completed"), &Value::Null), "{done}");
            assert!(done["total"].as_u64().is_some_and(|total| total > 0) && done["done"] == done["total"], "{done}");
            assert!(done["finished_at"].is_i64() && done["can_stop"] == false, "{done}");
            assert_eq!(owls(&shelf, &id).await, 1, "and the new one");
        }
    })
    .await;
}

#[tokio::test]
async fn owners_and_admins_make_indexes_anew_and_one_at_a_time() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Zoo").await;
    let (start, stop) = (format!("/datasets/{id}/index-rebuild"), format!("/datasets/{id}/index-rebuild/stop"));
    let editor = shelf.server.member(&shelf.owner, "ed@example.com", "editor").await;
    for path in [&start, &stop] {
        let refused = shelf.server.console(&editor, Method::POST, path, None).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {}", refused.text);
    }
    let unknown = "/datasets/00000000-0000-7000-8000-000000000000/index-rebuild";
    assert_eq!(console(&shelf, Method::POST, unknown).await.status, StatusCode::NOT_FOUND);
    let idle = console(&shelf, Method::POST, &stop).await;
    assert_eq!((idle.status.as_u16(), idle.code().as_str()), (409, "rebuild_not_running"), "{}", idle.text);

    // Another server is at it.
    let other = process(&shelf.server.services.db).await;
    begun(&shelf, &id, other).await;
    let refused = console(&shelf, Method::POST, &start).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "rebuild_running"), "{}", refused.text);
    let state = told(&shelf, &id).await;
    assert_eq!((&state["status"], &state["phase"]), (&json!("running"), &json!("waiting")), "{state}");
    let stopped = console(&shelf, Method::POST, &stop).await;
    assert_eq!((stopped.status.as_u16(), &stopped.json()["status"]), (200, &json!("stopped")), "{}", stopped.text);
    assert_eq!(console(&shelf, Method::POST, &stop).await.status, StatusCode::CONFLICT);
    // What was stopped can be begun again; an index that never had anything is soon done.
    assert_eq!(console(&shelf, Method::POST, &start).await.status, StatusCode::ACCEPTED);
    assert_eq!(ended(&shelf, &id).await["status"], "completed");
}

#[tokio::test]
async fn what_a_server_leaves_that_dies_another_takes_over() {
    ox_testkit::on_each_database(|database| async move {
        let shelf = Shelf::on(TestServer::start(database.clone()).await).await;
        let id = shelf.dataset("Zoo").await;
        shelf.document(&id, "owl.txt", "The owl sleeps by day.", json!({})).await;
        let other = process(&database).await;
        let before = begun(&shelf, &id, other).await;
        let tx = database.begin().await.unwrap();
        leases::release(&tx, other).await.unwrap();
        tx.commit().await.unwrap();
        // Looks at once what is left.
        let _heir = TestServer::start(database.clone()).await;
        let done = ended(&shelf, &id).await;
        assert_eq!(done["status"], "completed", "{done}");
        let after = index_rebuilds::find(&database, before.tenant_id, before.dataset_id).await.unwrap().unwrap();
        assert_eq!(after.attempts, 2);
        assert!(after.id != before.id, "another attempt, so that the one before could write nothing any more");
    })
    .await;
}
