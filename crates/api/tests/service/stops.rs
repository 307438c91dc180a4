//! A stop reaches what it means, whichever process is asked.

use std::time::{Duration, Instant};

use ox_app::runs::recovery;
use ox_db::{Database, repo};
use ox_testkit::on_each_database;
use ox_types::{Json, RunId, TaskId};
use serde_json::json;

use crate::rig::{Draft, Rig, TestApp, chatflow, end, graph, llm, names, start};

/// "Within about a second", on a machine that does other things as well.
const SOON: Duration = Duration::from_millis(2500);
/// How long the models of these apps think.
const THINKING: u64 = 60_000;

async fn until<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) -> Duration {
    let began = Instant::now();
    while !check().await {
        assert!(began.elapsed() < Duration::from_secs(20), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

async fn two(database: Database) -> (Rig, Rig) {
    let one = Rig::over(database, tempfile::tempdir().unwrap(), &[]).await;
    let other = one.beside().await;
    (one, other)
}

fn thinking() -> Json {
    llm("canned", json!({"text": "late", "ttft_ms": THINKING}), "hi")
}

/// A model asked for every item of an iteration.
fn items(parallel: bool) -> Json {
    let mut inner = thinking();
    inner
        .as_object_mut()
        .unwrap()
        .extend(json!({"isInIteration": true, "iteration_id": "it"}).as_object().unwrap().clone());
    let nodes = [
        ("s", start(json!([{"variable": "doc", "type": "json_object", "required": true}]))),
        (
            "it",
            json!({"type": "iteration", "iterator_selector": ["s", "doc", "names"], "output_selector": ["m", "text"],
                "start_node_id": "begin", "is_parallel": parallel, "parallel_nums": 3, "flatten_output": false}),
        ),
        ("begin", json!({"type": "iteration-start", "iteration_id": "it", "isInIteration": true})),
        ("m", inner),
        ("e", end(&[("out", &["it", "output"])])),
    ];
    graph(&nodes, &[("s", "source", "it"), ("begin", "source", "m"), ("it", "source", "e")])
}

/// The task that runs here, once as many of its nodes are on record.
async fn under_way(rig: &Rig, app: &TestApp, nodes: usize) -> (TaskId, RunId) {
    until("the nodes begin", || async {
        let Some(live) = rig.services.runs.any_task().and_then(|task| rig.services.runs.find(task)) else {
            return false;
        };
        let id = live.run_id.unwrap();
        let run = repo::runs::find(&rig.services.db, rig.owner.tenant_id(), app.id, id).await.unwrap();
        let Some(run) = run else { return false };
        repo::runs::executions_of(&rig.services.db, &run).await.unwrap().len() >= nodes
    })
    .await;
    let live = rig.services.runs.find(rig.services.runs.any_task().unwrap()).unwrap();
    (live.task_id, live.run_id.unwrap())
}

async fn stop(rig: &Rig, app: &TestApp, path: &str, task: TaskId, user: &str) {
    let answer = rig.post(&format!("{path}/{task}/stop"), app, json!({"user": user})).await;
    assert_eq!(answer.json(), json!({"result": "success"}));
}

async fn record(rig: &Rig, app: &TestApp, id: RunId) -> (ox_db::model::WorkflowRun, Vec<(String, String)>) {
    let run = repo::runs::find(&rig.services.db, rig.owner.tenant_id(), app.id, id).await.unwrap().unwrap();
    let nodes = repo::runs::executions_of(&rig.services.db, &run).await.unwrap();
    (run, nodes.into_iter().map(|node| (node.node_id, node.status.as_str().to_owned())).collect())
}

async fn let_go(rig: &Rig) -> Duration {
    until("the run is let go", || async { rig.services.runs.any_task().is_none() }).await
}

#[tokio::test]
async fn a_run_of_another_process_is_stopped_with_its_containers() {
    on_each_database(|database| async {
        let (one, other) = two(database).await;
        for (parallel, nodes) in [(false, 3), (true, 5)] {
            let app = one.graph_app("workflow", items(parallel), Draft::default()).await;
            let body =
                json!({"inputs": {"doc": {"names": ["x", "y", "z"]}}, "user": "abc-123", "response_mode": "streaming"});
            let (answer, run) = tokio::join!(one.post("/v1/workflows/run", &app, body), async {
                let (task, run) = under_way(&one, &app, nodes).await;
                assert!(other.services.runs.find(task).is_none());
                stop(&other, &app, "/v1/workflows/tasks", task, "somebody").await;
                let took = let_go(&one).await;
                assert!(took < SOON, "{took:?}");
                run
            });
            let events = answer.events();
            let last = events.last().unwrap();
            assert_eq!((&last["event"], &last["data"]["status"]), (&json!("workflow_finished"), &json!("stopped")));
            let (row, nodes) = record(&other, &app, run).await;
            assert_eq!((row.status.as_str(), row.error.as_deref()), ("stopped", Some("Stopped by user.")));
            let open: Vec<_> = nodes.iter().filter(|(_, status)| status != "succeeded" && status != "failed").collect();
            assert!(open.is_empty() && nodes.iter().any(|(id, status)| id == "m" && status == "failed"), "{nodes:?}");
        }
        one.services.shutdown.cancel();
        other.services.shutdown.cancel();
    })
    .await;
}

#[tokio::test]
async fn only_its_user_stops_a_chat_of_another_process() {
    on_each_database(|database| async {
        let (one, other) = two(database).await;
        let think = json!({"text": "late", "ttft_ms": THINKING});
        let flow = one.graph_app("advanced-chat", chatflow(json!([]), "canned", think.clone()), Draft::default()).await;
        let chat = one.basic_app("chat", "canned", think.clone(), json!({})).await;
        let text = one.basic_app("completion", "canned", think, json!({})).await;
        for (app, path) in
            [(&flow, "/v1/chat-messages"), (&chat, "/v1/chat-messages"), (&text, "/v1/completion-messages")]
        {
            let body =
                json!({"inputs": {"query": "hi"}, "query": "hi", "user": "abc-123", "response_mode": "streaming"});
            let (answer, ()) = tokio::join!(one.post(path, app, body), async {
                until("the answer begins", || async { one.services.runs.any_task().is_some() }).await;
                let task = one.services.runs.any_task().unwrap();
                stop(&other, app, path, task, "a stranger").await;
                tokio::time::sleep(Duration::from_millis(1200)).await;
                assert!(one.services.runs.find(task).is_some(), "{path}: a stranger stops nothing");
                stop(&other, app, path, task, "abc-123").await;
                let took = let_go(&one).await;
                assert!(took < SOON, "{path}: {took:?}");
            });
            let events = answer.events();
            assert_eq!(names(&events).last(), Some(&"message_end"), "{path}: {:?}", names(&events));
        }
        one.services.shutdown.cancel();
        other.services.shutdown.cancel();
    })
    .await;
}

#[tokio::test]
async fn whoever_takes_a_run_over_knows_that_it_was_stopped() {
    on_each_database(|database| async {
        let (dying, heir) = two(database).await;
        let app = dying.graph_app("workflow", items(true), Draft::default()).await;
        let body = json!({"inputs": {"doc": {"names": ["x", "y"]}}, "user": "abc-123", "response_mode": "streaming"});
        let (_, run) = tokio::join!(dying.post("/v1/workflows/run", &app, body), async {
            let (task, run) = under_way(&dying, &app, 4).await;
            // Dead: what it writes from now on is refused, whatever it is told.
            recovery::release(&dying.services).await;
            stop(&heir, &app, "/v1/workflows/tasks", task, "abc-123").await;
            assert_eq!(recovery::take_over_expired(&heir.services).await.unwrap(), 1);
            let took = until("the run ends", || async { record(&heir, &app, run).await.0.finished_at.is_some() }).await;
            assert!(took < SOON, "{took:?}");
            run
        });
        let (row, nodes) = record(&heir, &app, run).await;
        assert_eq!((row.status.as_str(), row.error.as_deref()), ("stopped", Some("Stopped by user.")));
        assert!(nodes.iter().all(|(_, status)| status == "succeeded" || status == "failed"), "{nodes:?}");
        dying.services.shutdown.cancel();
        heir.services.shutdown.cancel();
    })
    .await;
}

#[tokio::test]
async fn a_deleted_app_runs_nowhere() {
    on_each_database(|database| async {
        let (one, other) = two(database).await;
        let app = one.graph_app("workflow", items(false), Draft::default()).await;
        let body = json!({"inputs": {"doc": {"names": ["x"]}}, "user": "abc-123", "response_mode": "streaming"});
        tokio::join!(one.post("/v1/workflows/run", &app, body), async {
            under_way(&one, &app, 3).await;
            ox_app::apps::delete(&other.services, &other.owner, app.id).await.unwrap();
            let took = let_go(&one).await;
            assert!(took < SOON, "{took:?}");
        });
        one.services.shutdown.cancel();
        other.services.shutdown.cancel();
    })
    .await;
}
