//! E: workflow runs.

use axum::http::Method;
use ox_types::Json;
use serde_json::json;

use crate::rig::{Draft, Rig, end, graph, llm, names, passthrough, shape, start};

fn run(more: Json) -> Json {
    let mut body = json!({"inputs": {}, "user": "abc-123"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn failing() -> Json {
    graph(
        &[
            ("s", start(json!([]))),
            ("llm", llm("fail", json!({"status": 500}), "hi")),
            ("e", end(&[("out", &["llm", "text"])])),
        ],
        &[("s", "source", "llm"), ("llm", "source", "e")],
    )
}

#[tokio::test]
async fn a_workflow_knows_itself_and_when_it_began() {
    let rig = Rig::new().await;
    let names = ["app_id", "workflow_id", "workflow_run_id", "user_id", "timestamp"];
    let selectors: Vec<[&str; 2]> = names.iter().map(|name| ["sys", *name]).collect();
    let outputs: Vec<(&str, &[&str])> = names.iter().zip(&selectors).map(|(name, of)| (*name, of.as_slice())).collect();
    let flow = graph(&[("s", start(json!([]))), ("e", end(&outputs))], &[("s", "source", "e")]);
    let app = rig.graph_app("workflow", flow, Draft::default()).await;
    let body = rig.post("/v1/workflows/run", &app, run(json!({}))).await.json();
    let data = &body["data"];
    let told = &data["outputs"];
    assert_eq!((&told["workflow_run_id"], &told["workflow_id"]), (&data["id"], &data["workflow_id"]), "{body}");
    assert_eq!((&told["user_id"], &told["timestamp"]), (&json!("abc-123"), &data["created_at"]), "{body}");
    assert!(told["app_id"].as_str().is_some_and(|id| id.parse::<ox_types::AppId>().is_ok()), "{body}");
    // Nothing of the time is in what a run says that it began with (reference: service API §7).
    let record = rig.get(&format!("/v1/workflows/run/{}", data["id"].as_str().unwrap()), &app).await.json();
    let inputs: Json = serde_json::from_str(record["inputs"].as_str().unwrap()).unwrap();
    assert!(inputs.get("sys.timestamp").is_none() && inputs.get("sys.app_id").is_some(), "{inputs}");
}

/// E1, E19 to E23.
#[tokio::test]
async fn blocking_and_its_record() {
    let rig = Rig::new().await;
    let form = json!([{"variable": "x", "type": "text-input", "required": true}]);
    let app = rig.graph_app("workflow", passthrough(&form), Draft::default()).await;
    let body = rig.post("/v1/workflows/run", &app, run(json!({"inputs": {"x": "ü"}}))).await.json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["task_id", "workflow_run_id", "data"], "E1");
    let data = &body["data"];
    assert_eq!(
        data.as_object().unwrap().keys().collect::<Vec<_>>(),
        [
            "id",
            "workflow_id",
            "status",
            "outputs",
            "error",
            "elapsed_time",
            "total_tokens",
            "total_steps",
            "created_at",
            "finished_at"
        ]
    );
    assert_eq!(data["id"], body["workflow_run_id"]);
    assert_eq!((&data["status"], &data["outputs"]), (&json!("succeeded"), &json!({"x": "ü"})));
    let id = data["id"].as_str().unwrap();
    let record = rig.get(&format!("/v1/workflows/run/{id}"), &app).await.json();
    assert_eq!((&record["status"], &record["outputs"]), (&json!("succeeded"), &json!({"x": "ü"})), "E19");
    let inputs: Json = serde_json::from_str(record["inputs"].as_str().unwrap()).unwrap();
    assert_eq!((&inputs["x"], &inputs["sys.user_id"]), (&json!("ü"), &json!("abc-123")));
    for key in
        ["id", "workflow_id", "error", "total_steps", "total_tokens", "created_at", "finished_at", "elapsed_time"]
    {
        assert!(record.get(key).is_some(), "{key}");
    }
    let unknown = format!("/v1/workflows/run/{}", ox_types::new_uuid());
    rig.get(&unknown, &app).await.expect_error(404, "not_found", "Workflow run not found");
    let log = rig.get("/v1/workflows/logs?limit=1", &app).await.json();
    assert_eq!(
        log.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["page", "limit", "total", "has_more", "data"],
        "E21"
    );
    let item = &log["data"][0];
    assert_eq!(item["created_from"], "service-api");
    assert_eq!(item["created_by_end_user"]["session_id"], "abc-123");
    assert_eq!((&log["total"], &item["workflow_run"]["status"]), (&json!(1), &json!("succeeded")));
    let found = rig.get("/v1/workflows/logs?keyword=abc-1&status=succeeded", &app).await.json();
    assert_eq!(found["total"], 1);
    let none = rig.get("/v1/workflows/logs?keyword=nothing&created_at__after=2020-01-01T00:00:00Z", &app).await.json();
    assert_eq!(none["total"], 0);
    rig.get("/v1/workflows/logs?status=running", &app).await.expect_error_with(400, "invalid_param", &["status"]);
    rig.get("/v1/workflows/logs?created_by_account=no@x.y", &app).await.expect_error(
        400,
        "invalid_param",
        "Account not found: no@x.y",
    );
    rig.get("/v1/workflows/logs?created_at__before=yesterday", &app).await.expect_error_with(
        400,
        "invalid_param",
        &["created_at__before"],
    );
}

#[tokio::test]
async fn streaming_and_failing() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", passthrough(&json!([])), Draft::default()).await;
    let events = rig.post("/v1/workflows/run", &app, run(json!({"response_mode": "streaming"}))).await.events();
    assert_eq!(
        names(&events),
        ["workflow_started", "node_started", "node_finished", "node_started", "node_finished", "workflow_finished"],
        "E3"
    );
    assert!(events.iter().all(|event| !event["workflow_run_id"].is_null() && !event["task_id"].is_null()));
    assert_eq!(events.last().unwrap()["data"]["created_by"]["user"], "abc-123");
    let app = rig.graph_app("workflow", failing(), Draft::default()).await;
    let body = rig.post("/v1/workflows/run", &app, run(json!({}))).await;
    assert_eq!(body.status, 200, "E2");
    assert_eq!(body.json()["data"]["status"], "failed");
    assert!(!body.json()["data"]["error"].as_str().unwrap().is_empty());
    let events = rig.post("/v1/workflows/run", &app, run(json!({"response_mode": "streaming"}))).await.events();
    let tail = &events[events.len() - 2..];
    assert_eq!(names(tail), ["node_finished", "workflow_finished"], "E4");
    assert_eq!(tail[1]["data"]["status"], "failed");
    assert!(!names(&events).contains(&"error"));
}

#[tokio::test]
async fn text_of_a_model_that_feeds_the_end() {
    let rig = Rig::new().await;
    let nodes = [
        ("s", start(json!([]))),
        ("llm", llm("canned", json!({"text": "one two"}), "hi")),
        ("e", end(&[("out", &["llm", "text"])])),
    ];
    let app = rig
        .graph_app("workflow", graph(&nodes, &[("s", "source", "llm"), ("llm", "source", "e")]), Draft::default())
        .await;
    let events = rig.post("/v1/workflows/run", &app, run(json!({"response_mode": "streaming"}))).await.events();
    let shape = shape(&events);
    let at = shape.iter().position(|name| *name == "text_chunk").unwrap();
    assert_eq!(shape[at - 1..=at + 1], ["node_started", "text_chunk", "node_finished"], "E9");
    let chunks: Vec<&Json> = events.iter().filter(|event| event["event"] == "text_chunk").collect();
    let text: String = chunks.iter().map(|event| event["data"]["text"].as_str().unwrap()).collect();
    assert_eq!(text, "one two");
    assert!(chunks.iter().all(|event| event["data"]["from_variable_selector"] == json!(["llm", "text"])));
    assert_eq!(chunks.last().unwrap()["data"]["text"], "", "the last chunk is empty");
}

#[tokio::test]
async fn a_handled_failure_is_a_partial_success() {
    let rig = Rig::new().await;
    let mut node = llm("fail", json!({"status": 500}), "hi");
    node["error_strategy"] = json!("default-value");
    node["default_value"] = json!([{"key": "text", "type": "string", "value": "fallback"}]);
    let nodes = [("s", start(json!([]))), ("llm", node), ("e", end(&[("out", &["llm", "text"])]))];
    let app = rig
        .graph_app("workflow", graph(&nodes, &[("s", "source", "llm"), ("llm", "source", "e")]), Draft::default())
        .await;
    let events = rig.post("/v1/workflows/run", &app, run(json!({"response_mode": "streaming"}))).await.events();
    let exception = events.iter().find(|event| event["data"]["node_id"] == "llm" && event["event"] == "node_finished");
    assert_eq!(exception.unwrap()["data"]["status"], "exception", "E8");
    let finished = &events.last().unwrap()["data"];
    assert_eq!((&finished["status"], &finished["exceptions_count"]), (&json!("partial-succeeded"), &json!(1)));
    assert_eq!(finished["outputs"], json!({"out": "fallback"}));
}

/// E10 to E12.
#[tokio::test]
async fn modes_and_versions() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", passthrough(&json!([])), Draft::default()).await;
    let chat = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    rig.post("/v1/workflows/run", &chat, run(json!({}))).await.expect_error(400, "not_workflow_app", "");
    let unknown = ox_types::new_uuid();
    rig.post(&format!("/v1/workflows/{unknown}/run"), &app, run(json!({}))).await.expect_error(
        404,
        "not_found",
        "Workflow not found with id:",
    );
    rig.post("/v1/workflows/abc/run", &app, run(json!({}))).await.expect_error(
        400,
        "bad_request",
        "Invalid workflow_id format: 'abc'. ",
    );
    let published = ox_app::workflows::published(&rig.services, &rig.owner, app.id.into()).await.unwrap().unwrap().id;
    assert_eq!(rig.post(&format!("/v1/workflows/{published}/run"), &app, run(json!({}))).await.status, 200);
}

#[tokio::test]
async fn stopping_and_resuming_the_stream() {
    let rig = Rig::new().await;
    let nodes = [
        ("s", start(json!([]))),
        ("llm", llm("canned", json!({"text": "a", "ttft_ms": 60_000}), "hi")),
        ("e", end(&[("out", &["llm", "text"])])),
    ];
    let app = rig
        .graph_app("workflow", graph(&nodes, &[("s", "source", "llm"), ("llm", "source", "e")]), Draft::default())
        .await;
    let (answer, resumed) =
        tokio::join!(rig.post("/v1/workflows/run", &app, run(json!({"response_mode": "streaming"}))), async {
            let task = loop {
                if let Some(task) = rig.services.runs.any_task() {
                    break task;
                }
                tokio::task::yield_now().await;
            };
            let id = rig.services.runs.find(task).unwrap().run_id.unwrap();
            let path = format!("/v1/workflow/{id}/events?user=abc-123");
            let (resumed, ()) = tokio::join!(rig.get(&path, &app), async {
                tokio::task::yield_now().await;
                let stop = format!("/v1/workflows/tasks/{task}/stop");
                assert_eq!(rig.post(&stop, &app, json!({"user": "anybody"})).await.status, 200, "E24");
            });
            (id, resumed)
        });
    let last = answer.events().last().unwrap().clone();
    assert_eq!((&last["event"], &last["data"]["status"]), (&json!("workflow_finished"), &json!("stopped")));
    assert_eq!(last["data"]["error"], "Stopped by user.");
    let (id, resumed) = resumed;
    assert!(resumed.text().starts_with("id: 1\ndata: "), "{}", resumed.text());
    assert_eq!(rig.get(&format!("/v1/workflows/run/{id}"), &app).await.json()["status"], "stopped");
    let finished = rig.get(&format!("/v1/workflow/{id}/events?user=abc-123"), &app).await;
    assert_eq!(finished.text().matches("data: ").count(), 1, "E28 {}", finished.text());
    rig.get(&format!("/v1/workflow/{id}/events?user=other"), &app).await.expect_error(
        404,
        "not_found",
        "Workflow run not found",
    );
}

#[tokio::test]
async fn file_inputs() {
    let rig = Rig::new().await;
    let form = json!([
        {"variable": "one", "type": "file", "required": false, "allowed_file_types": ["document"],
            "allowed_file_upload_methods": ["local_file"]},
        {"variable": "many", "type": "file-list", "required": false, "max_length": 2,
            "allowed_file_upload_methods": ["local_file"]},
    ]);
    let app = rig.graph_app("workflow", passthrough(&form), Draft::default()).await;
    let png = crate::files::upload(&rig, &app, "a.png", "image/png", b"png", "abc-123").await.json();
    let pdf = crate::files::upload(&rig, &app, "a.pdf", "application/pdf", b"pdf", "abc-123").await.json();
    let local = |kind: &str, id: &Json| json!({"type": kind, "transfer_method": "local_file", "upload_file_id": id});
    for (case, inputs, text) in [
        ("E13", json!({"one": {"type": "document"}}), "transfer_method is required in file mapping"),
        ("E14", json!({"one": local("document", &json!("x"))}), "Invalid upload file id format"),
        ("E15", json!({"one": local("document", &json!(ox_types::new_uuid()))}), "Invalid upload file"),
        ("E16", json!({"one": local("document", &png["id"])}), "Detected file type does not match the specified type."),
        ("E17", json!({"one": local("image", &png["id"])}), "File validation failed for file: a.png"),
        (
            "E18",
            json!({"many": [local("image", &png["id"]), local("image", &png["id"]), local("image", &png["id"])]}),
            "many in input form must be less than 2 files",
        ),
    ] {
        let answer = rig.post("/v1/workflows/run", &app, run(json!({"inputs": inputs}))).await;
        assert_eq!(answer.status, 400, "{case} {}", answer.text());
        answer.expect_error(400, "invalid_param", text);
    }
    let inputs = json!({"one": local("document", &pdf["id"]), "many": [{"type": "image"}, local("image", &png["id"])]});
    let body = rig.post("/v1/workflows/run", &app, run(json!({"inputs": inputs}))).await.json();
    let outputs = &body["data"]["outputs"];
    assert_eq!(outputs["one"]["filename"], "a.pdf", "{body}");
    assert_eq!((&outputs["one"]["type"], &outputs["one"]["extension"]), (&json!("document"), &json!(".pdf")));
    assert_eq!(outputs["many"].as_array().unwrap().len(), 1, "entries that name no file are skipped");
    // Files belong to the end user who uploaded them.
    let foreign = json!({"inputs": {"one": local("document", &pdf["id"])}, "user": "somebody-else"});
    rig.post("/v1/workflows/run", &app, foreign).await.expect_error(400, "invalid_param", "Invalid upload file");
}

#[tokio::test]
async fn a_graph_that_cannot_run_is_told_and_hangs_nobody() {
    let rig = Rig::new().await;
    let broken = graph(&[("a", json!({"type": "template-transform", "template": "x", "variables": []}))], &[]);
    let draft = Draft { publish: false, ..Draft::default() };
    let app = rig.graph_app("workflow", broken, draft).await;
    // Publishing would refuse it; an older version may have let it through.
    publish_unchecked(&rig, app.id).await;
    let blocking = rig.post("/v1/workflows/run", &app, run(json!({}))).await;
    blocking.expect_error(400, "invalid_param", "");
    let events = rig.post("/v1/workflows/run", &app, run(json!({"response_mode": "streaming"}))).await.events();
    assert_eq!(names(&events), ["error"]);
}

async fn publish_unchecked(rig: &Rig, app: ox_types::AppId) {
    use ox_db::repo;
    let mut version = ox_app::workflows::draft(&rig.services, &rig.owner, app.into()).await.unwrap();
    version.id = ox_types::WorkflowId::new();
    version.version = "2026-01-01 00:00:00.000000".to_owned();
    let tenant = rig.owner.tenant_id();
    let mut row = repo::apps::find(&rig.services.db, tenant, app).await.unwrap().unwrap();
    row.workflow_id = Some(version.id);
    let tx = rig.services.db.begin().await.unwrap();
    repo::workflows::insert(&tx, &version).await.unwrap();
    repo::apps::update(&tx, &row).await.unwrap();
    tx.commit().await.unwrap();
    rig.services.forget_app(app).await;
}

#[tokio::test]
async fn a_wrong_method_is_405_and_a_wrong_id_404() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", passthrough(&json!([])), Draft::default()).await;
    rig.call(Method::DELETE, "/v1/workflows/run", &app.key, None).await.expect_error(405, "method_not_allowed", "");
    rig.get("/v1/workflows/run/not-a-uuid", &app).await.expect_error(404, "not_found", "");
}
