//! Webhooks, schedules, names of requests, and results that are sent.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request},
};
use ox_app::{triggers, workflows};
use ox_db::repo;
use ox_types::Json;
use serde_json::json;

use crate::rig::{Answer, Draft, Rig, TestApp, end, graph, names, start};

fn hook(more: Json) -> Json {
    let mut data = json!({
        "type": "trigger-webhook", "title": "Hook", "method": "post", "content_type": "application/json",
        "headers": [{"name": "X-Source", "required": true}],
        "params": [{"name": "page", "type": "number", "required": false}],
        "body": [{"name": "city", "type": "string", "required": true}, {"name": "tags", "type": "array[string]", "required": false}],
        "status_code": 202, "response_body": "{\"ok\": true}",
    });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    data
}

fn flow(more: Json) -> Json {
    graph(
        &[
            ("w", hook(more)),
            (
                "e",
                end(&[
                    ("city", &["w", "city"]),
                    ("from", &["w", "X_Source"]),
                    ("page", &["w", "page"]),
                    ("raw", &["w", "_webhook_raw", "method"]),
                ]),
            ),
        ],
        &[("w", "source", "e")],
    )
}

async fn address(rig: &Rig, app: &TestApp) -> String {
    triggers::webhook_of(&rig.services, &rig.owner, app.id, "w").await.unwrap().webhook_id
}

pub async fn call(rig: &Rig, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    rig.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const SOURCE: (&str, &str) = ("x-source", "shop");

/// The events of an app, once this many have runs that are over.
pub async fn events(rig: &Rig, app: &TestApp, count: usize) -> Vec<Json> {
    for _ in 0..400 {
        let (rows, _) = triggers::logs(&rig.services, &rig.owner, app.id, None, 1, 50).await.unwrap();
        let over: Vec<Json> = rows
            .iter()
            .filter_map(|(log, run)| {
                let run = run.as_ref().filter(|run| run.status.is_final())?;
                Some(json!({
                    "status": run.status.as_str(), "from": run.triggered_from, "error": run.error, "type": log.trigger_type,
                    "outputs": run.outputs.as_deref().map(|text| serde_json::from_str::<Json>(text).unwrap()),
                }))
            })
            .collect();
        if over.len() >= count {
            return over;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the events lead to no runs");
}

/// J7, J10, J11.
#[tokio::test]
async fn a_webhook_is_checked_acknowledged_and_runs() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", flow(json!({})), Draft::default()).await;
    let id = address(&rig, &app).await;
    assert_eq!(id.len(), 24);
    let path = format!("/triggers/webhook/{id}?page=3");
    let done = call(&rig, Method::POST, &path, &[JSON, SOURCE], r#"{"city": "Paris", "tags": ["a"]}"#).await;
    assert_eq!((done.status.as_u16(), done.json()), (202, json!({"ok": true})));
    let events = events(&rig, &app, 1).await;
    assert_eq!(events[0]["outputs"], json!({"city": "Paris", "from": "shop", "page": 3, "raw": "POST"}), "{events:?}");
    assert_eq!((&events[0]["status"], &events[0]["from"]), (&json!("succeeded"), &json!("webhook")));
    for (method, headers, query, body, why) in [
        (Method::GET, vec![JSON, SOURCE], "", "{}", "HTTP method mismatch. Expected POST, got GET"),
        (
            Method::POST,
            vec![("content-type", "text/plain"), SOURCE],
            "",
            "x",
            "Content-type mismatch. Expected application/json, got text/plain",
        ),
        (Method::POST, vec![JSON, SOURCE], "", "{", "Invalid JSON body: "),
        (Method::POST, vec![JSON], "", "{}", "Required header missing: X-Source"),
        (Method::POST, vec![JSON, SOURCE], "", "{}", "Required body parameter missing: city"),
        (
            Method::POST,
            vec![JSON, SOURCE],
            "",
            r#"{"city": 5}"#,
            "Parameter 'city' validation failed: Expected string, got int",
        ),
        (
            Method::POST,
            vec![JSON, SOURCE],
            "",
            r#"{"city": "x", "tags": [1]}"#,
            "Parameter 'tags' validation failed: Expected array[string], got list",
        ),
        (
            Method::POST,
            vec![JSON, SOURCE],
            "?page=a",
            r#"{"city": "x"}"#,
            "Parameter 'page' validation failed: Cannot convert 'a' to number",
        ),
    ] {
        let refused = call(&rig, method, &format!("/triggers/webhook/{id}{query}"), &headers, body).await;
        assert_eq!(refused.status, 400, "{why}");
        assert_eq!(refused.json()["error"], "Bad Request");
        assert!(refused.json()["message"].as_str().unwrap().starts_with(why), "{}", refused.text());
    }
    let unknown = call(&rig, Method::POST, "/triggers/webhook/nobody", &[JSON], "{}").await;
    unknown.expect_error(404, "not_found", "Webhook not found: nobody");
    let large = format!("{{\"city\": \"{}\"}}", "x".repeat(10_485_760));
    assert_eq!(call(&rig, Method::POST, &path, &[JSON, SOURCE], &large).await.status, 413);
    // Switched off, and on again.
    let trigger = triggers::list(&rig.services, &rig.owner, app.id).await.unwrap().remove(0);
    assert_eq!(
        (trigger.trigger_type.as_str(), trigger.title.as_str(), trigger.status.as_str()),
        ("trigger-webhook", "Hook", "enabled")
    );
    triggers::enable(&rig.services, &rig.owner, app.id, trigger.id, false).await.unwrap();
    let off = call(&rig, Method::POST, &path, &[JSON, SOURCE], r#"{"city": "x"}"#).await;
    off.expect_error(404, "not_found", "Webhook trigger is disabled for webhook");
    triggers::enable(&rig.services, &rig.owner, app.id, trigger.id, true).await.unwrap();
    assert_eq!(call(&rig, Method::POST, &path, &[JSON, SOURCE], r#"{"city": "x"}"#).await.status, 202);
    // Without a plugin host, a plugin's address exists for nobody.
    let plugin = call(&rig, Method::POST, &format!("/triggers/plugin/{}", ox_types::new_uuid()), &[JSON], "{}").await;
    assert_eq!((plugin.status.as_u16(), plugin.json()), (404, json!({"error": "Endpoint not found"})));
}

/// J8, J9.
#[tokio::test]
async fn forms_and_texts_of_webhooks() {
    let rig = Rig::new().await;
    let body = json!([{"name": "n", "type": "number", "required": true}, {"name": "yes", "type": "boolean"}]);
    let data = json!({"content_type": "application/x-www-form-urlencoded", "headers": [], "body": body, "response_body": "hello", "status_code": 202});
    let nodes = [("w", hook(data)), ("e", end(&[("n", &["w", "n"]), ("yes", &["w", "yes"])]))];
    let app = rig.graph_app("workflow", graph(&nodes, &[("w", "source", "e")]), Draft::default()).await;
    let path = format!("/triggers/webhook/{}", address(&rig, &app).await);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let done = call(&rig, Method::POST, &path, &[form], "n=1.5&yes=0").await;
    assert_eq!((done.status.as_u16(), done.json()), (202, json!({"message": "hello"})));
    assert_eq!(events(&rig, &app, 1).await[0]["outputs"], json!({"n": 1.5, "yes": false}));
    let wrong = call(&rig, Method::POST, &path, &[form], "n=1&yes=maybe").await;
    assert_eq!(wrong.json()["message"], "Parameter 'yes' validation failed: Cannot convert 'maybe' to boolean");
    let text = json!({"content_type": "text/plain", "headers": [], "body": [{"name": "t", "type": "string", "required": true}], "response_body": "", "status_code": 200});
    let nodes = [("w", hook(text)), ("e", end(&[("t", &["w", "t"])]))];
    let app = rig.graph_app("workflow", graph(&nodes, &[("w", "source", "e")]), Draft::default()).await;
    let path = format!("/triggers/webhook/{}", address(&rig, &app).await);
    let empty = call(&rig, Method::POST, &path, &[("content-type", "text/plain")], "").await;
    assert_eq!(empty.json()["message"], "Required body content missing for text/plain request");
    let done = call(&rig, Method::POST, &path, &[("content-type", "text/plain")], "hello").await;
    let processed = json!({"status": "success", "message": "Webhook processed successfully"});
    assert_eq!((done.status.as_u16(), done.json()), (200, processed), "J8");
    assert_eq!(events(&rig, &app, 1).await[0]["outputs"], json!({"t": "hello"}));
}

#[tokio::test]
async fn trying_a_webhook_out() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", flow(json!({})), Draft { publish: false, ..Draft::default() }).await;
    // The editor asks one process, the event comes to another.
    let other = rig.beside().await;
    let id = address(&rig, &app).await;
    let nodes = ["w".to_owned()];
    let ask = || triggers::debug::ask(&rig.services, &rig.owner, app.id, &nodes);
    let path = format!("/triggers/webhook-debug/{id}");
    let body = r#"{"city": "Rome"}"#;
    // Nobody listens yet: the event is not kept.
    assert_eq!(call(&other, Method::POST, &path, &[JSON, SOURCE], body).await.status, 202);
    assert!(matches!(ask().await.unwrap(), triggers::debug::Asked::Waiting));
    assert_eq!(call(&other, Method::POST, &path, &[JSON, SOURCE], body).await.status, 202);
    let triggers::debug::Asked::Fired { node, outputs } = ask().await.unwrap() else { panic!("it has fired") };
    assert_eq!((node.as_str(), &outputs["city"]), ("w", &json!("Rome")));
    assert!(matches!(ask().await.unwrap(), triggers::debug::Asked::Waiting), "once");
    // The production address knows no unpublished workflow.
    let path = format!("/triggers/webhook/{id}");
    assert_eq!(call(&other, Method::POST, &path, &[JSON, SOURCE], body).await.status, 404);
}

#[tokio::test]
async fn a_schedule_fires_once_with_two_processes() {
    let rig = Rig::new().await;
    let schedule = json!({"type": "trigger-schedule", "title": "Often", "mode": "cron", "cron_expression": "* * * * *", "timezone": "Europe/Berlin"});
    let nodes = [("t", schedule), ("e", end(&[("by", &["sys", "user_id"])]))];
    let app = rig.graph_app("workflow", graph(&nodes, &[("t", "source", "e")]), Draft::default()).await;
    let other = rig.beside().await;
    let plan = repo::triggers::plans_of(&rig.services.db, rig.owner.tenant_id(), app.id).await.unwrap().remove(0);
    assert!(plan.next_run_at.unwrap() > ox_db::now());
    // It is due now, for both of them.
    let tx = rig.services.db.begin().await.unwrap();
    assert!(repo::triggers::advance(&tx, &plan, Some(ox_db::now() - chrono::Duration::seconds(1))).await.unwrap());
    tx.commit().await.unwrap();
    let fired = events(&rig, &app, 1).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let all = events(&other, &app, 1).await;
    assert!(all.len() <= 2, "a minute may have passed: {all:?}");
    assert_eq!((&fired[0]["status"], &fired[0]["from"]), (&json!("succeeded"), &json!("schedule")));
    let plan = repo::triggers::plans_of(&rig.services.db, rig.owner.tenant_id(), app.id).await.unwrap().remove(0);
    assert!(plan.next_run_at.unwrap() > ox_db::now() - chrono::Duration::seconds(2));
    // Of two that move the same plan on, one does.
    let tx = rig.services.db.begin().await.unwrap();
    assert!(repo::triggers::advance(&tx, &plan, Some(ox_db::now() + chrono::Duration::days(1))).await.unwrap());
    assert!(!repo::triggers::advance(&tx, &plan, Some(ox_db::now() + chrono::Duration::days(1))).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_clock_that_jumps_fires_a_schedule_once() {
    let rig = Rig::new().await;
    let schedule = json!({"type": "trigger-schedule", "title": "New year", "mode": "cron", "cron_expression": "0 0 1 1 *", "timezone": "UTC"});
    let nodes = [("t", schedule), ("e", end(&[("by", &["sys", "user_id"])]))];
    let app = rig.graph_app("workflow", graph(&nodes, &[("t", "source", "e")]), Draft::default()).await;
    let (db, tenant) = (&rig.services.db, rig.owner.tenant_id());
    let due = ox_db::now() - chrono::Duration::days(3 * 366);
    let plan = repo::triggers::plans_of(db, tenant, app.id).await.unwrap().remove(0);
    let next = plan.next_run_at;
    // The clock jumps ahead by years: what it left out is not made up for, the schedule fires once.
    let tx = db.begin().await.unwrap();
    assert!(repo::triggers::advance(&tx, &plan, Some(due)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(events(&rig, &app, 1).await.len(), 1);
    let after = repo::triggers::plans_of(db, tenant, app.id).await.unwrap().remove(0);
    assert_eq!(after.next_run_at, next, "it waits for the next new year");
    // It jumps back, and the same moment comes again: its event is there already.
    let tx = db.begin().await.unwrap();
    assert!(repo::triggers::advance(&tx, &after, Some(due)).await.unwrap());
    tx.commit().await.unwrap();
    for _ in 0..400 {
        let plan = repo::triggers::plans_of(db, tenant, app.id).await.unwrap().remove(0);
        if plan.next_run_at == next {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let plan = repo::triggers::plans_of(db, tenant, app.id).await.unwrap().remove(0);
    assert_eq!(plan.next_run_at, next);
    assert_eq!(events(&rig, &app, 1).await.len(), 1);
}

#[tokio::test]
async fn an_event_whose_process_died_starts_its_run_elsewhere() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", flow(json!({})), Draft::default()).await;
    let workflow = workflows::published(&rig.services, &rig.owner, app.id.into()).await.unwrap().unwrap();
    let log = ox_db::model::TriggerLog {
        id: ox_types::new_uuid(),
        tenant_id: rig.owner.tenant_id(),
        app_id: app.id,
        workflow_id: workflow.id,
        workflow_run_id: ox_types::RunId::new(),
        root_node_id: "w".into(),
        trigger_type: "trigger-webhook".into(),
        trigger_metadata: json!({}),
        trigger_data: json!({}),
        inputs: json!({"city": "Oslo"}),
        fire_key: Some("k".into()),
        status: "queued".into(),
        error: None,
        owner: Some(ox_types::new_uuid()),
        retry_count: 0,
        created_by_role: "end_user".into(),
        created_by: ox_types::new_uuid(),
        triggered_at: ox_db::now(),
        finished_at: None,
    };
    let tx = rig.services.db.begin().await.unwrap();
    assert!(repo::triggers::log(&tx, log.clone()).await.unwrap());
    assert!(!repo::triggers::log(&tx, ox_db::model::TriggerLog { id: ox_types::new_uuid(), ..log }).await.unwrap());
    tx.commit().await.unwrap();
    let events = events(&rig, &app, 1).await;
    assert_eq!((events.len(), &events[0]["outputs"]["city"]), (1, &json!("Oslo")));
}

#[tokio::test]
async fn bad_schedules_are_not_published() {
    let rig = Rig::new().await;
    let publish = async |data: Json| {
        let nodes = [("t", data), ("e", end(&[]))];
        let app = rig
            .graph_app("workflow", graph(&nodes, &[("t", "source", "e")]), Draft { publish: false, ..Draft::default() })
            .await;
        workflows::publish(&rig.services, &rig.owner, app.id, None, None)
            .await
            .map(|_| ())
            .map_err(|error| error.message)
    };
    let cron = |expression: &str, zone: &str| json!({"type": "trigger-schedule", "title": "S", "mode": "cron", "cron_expression": expression, "timezone": zone});
    assert!(publish(cron("* * *", "UTC")).await.unwrap_err().contains("3 fields instead of 5"));
    assert!(publish(cron("0 0 * * *", "Nowhere")).await.unwrap_err().contains("not a time zone"));
    publish(cron("0 0 * * *", "")).await.unwrap();
}

fn echo() -> Json {
    graph(
        &[
            ("s", start(json!([{"variable": "x", "type": "text-input", "required": true}]))),
            ("e", end(&[("x", &["s", "x"])])),
        ],
        &[("s", "source", "e")],
    )
}

async fn keyed(rig: &Rig, app: &TestApp, key: &str, body: Json) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(if body.get("query").is_some() { "/v1/chat-messages" } else { "/v1/workflows/run" })
        .header("authorization", format!("Bearer {}", app.key))
        .header("content-type", "application/json")
        .header("idempotency-key", key);
    rig.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn the_same_name_leads_to_the_same_run() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", echo(), Draft::default()).await;
    let body = |x: &str, mode: &str| json!({"inputs": {"x": x}, "user": "u", "response_mode": mode});
    let first = keyed(&rig, &app, "k1", body("a", "blocking")).await.json();
    let second = keyed(&rig, &app, "k1", body("a", "blocking")).await.json();
    assert_eq!((&first["workflow_run_id"], &first["data"]), (&second["workflow_run_id"], &second["data"]));
    keyed(&rig, &app, "k1", body("b", "blocking")).await.expect_error(
        409,
        "idempotency_key_reused",
        "This Idempotency-Key was used",
    );
    // The stream of a repetition says what the first one said.
    let told = keyed(&rig, &app, "k0", body("t", "streaming")).await.events();
    let again = keyed(&rig, &app, "k0", body("t", "streaming")).await;
    assert_eq!(crate::rig::text_of(&again.events()), crate::rig::text_of(&told));
    let other = keyed(&rig, &app, "k2", body("a", "blocking")).await.json();
    assert_ne!(first["workflow_run_id"], other["workflow_run_id"]);
    // A refused request lets go of its name.
    assert_eq!(keyed(&rig, &app, "k3", json!({"inputs": {}, "user": "u"})).await.status, 400);
    assert_eq!(keyed(&rig, &app, "k3", body("a", "blocking")).await.status, 200);
    let at_once: Vec<Json> = futures_all(&rig, &app, body("z", "streaming")).await;
    assert_eq!(at_once.iter().collect::<std::collections::HashSet<_>>().len(), 1, "{at_once:?}");
    let count = rig.get("/v1/workflows/logs", &app).await.json()["total"].clone();
    assert_eq!(count, 5, "k0, k1, k2, k3, many");
    let chat =
        rig.graph_app("advanced-chat", crate::rig::chatflow(json!([]), "echo", json!({})), Draft::default()).await;
    let ask = json!({"inputs": {}, "query": "hi", "user": "u"});
    let (one, two) = (keyed(&rig, &chat, "c", ask.clone()).await.json(), keyed(&rig, &chat, "c", ask).await.json());
    assert_eq!(
        (&one["message_id"], &one["answer"], &one["conversation_id"]),
        (&two["message_id"], &two["answer"], &two["conversation_id"])
    );
    keyed(&rig, &chat, "", json!({"inputs": {}, "query": "hi", "user": "u"})).await.expect_error(
        400,
        "bad_request",
        "Idempotency-Key must have",
    );
}

async fn futures_all(rig: &Rig, app: &TestApp, body: Json) -> Vec<Json> {
    let one = || keyed(rig, app, "many", body.clone());
    let (a, b, c) = tokio::join!(one(), one(), one());
    let mut runs = Vec::new();
    for answer in [a, b, c] {
        match answer.status.as_u16() {
            200 => runs.push(answer.events()[0]["workflow_run_id"].clone()),
            status => assert_eq!((status, &answer.json()["code"]), (409, &json!("idempotency_in_progress"))),
        }
    }
    runs
}

#[tokio::test]
async fn a_caller_who_does_not_wait() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", echo(), Draft::default()).await;
    let body = json!({"inputs": {"x": "a"}, "user": "u", "response_mode": "async"});
    let accepted = rig.post("/v1/workflows/run", &app, body).await;
    assert_eq!(accepted.status, 202);
    let run = accepted.json()["workflow_run_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/workflow/{run}/events?user=u");
    let seen = rig.get(&path, &app).await.events();
    assert_eq!(names(&seen).last(), Some(&"workflow_finished"));
    // An address inside is refused by name; nothing is started.
    let inside = json!({"inputs": {"x": "a"}, "user": "u", "response_mode": "async", "result_webhook": {"url": "http://127.0.0.1:9/x"}});
    let refused = rig.post("/v1/workflows/run", &app, inside).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.json()["message"].as_str().unwrap().contains("result_webhook"), "{}", refused.text());
    let _ = Arc::clone(&rig.services);
}

#[tokio::test]
async fn json_that_nests_ten_thousand_deep_is_refused() {
    let rig = Rig::new().await;
    let hook = json!({"type": "trigger-webhook", "title": "W", "method": "post", "content_type": "application/json",
        "params": [], "headers": [], "body": [{"name": "x", "type": "object", "required": false}],
        "status_code": 200, "response_body": ""});
    let outputs = end(&[("x", &["w", "x"])]);
    let flow = graph(&[("w", hook), ("e", outputs)], &[("w", "source", "e")]);
    let app = rig.graph_app("workflow", flow, Draft::default()).await;
    let address = ox_app::triggers::webhook_of(&rig.services, &rig.owner, app.id, "w").await.unwrap().webhook_id;
    let key = format!("Bearer {}", app.key);
    for (open, close) in [("[", "]"), (r#"{"x":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let body = format!(r#"{{"inputs": {{"x": {deep}}}, "user": "u"}}"#);
        let headers = [("content-type", "application/json"), ("authorization", key.as_str())];
        let run = call(&rig, Method::POST, "/v1/workflows/run", &headers, &body).await;
        assert_eq!(run.status, 400, "{}", run.text());
        let path = format!("/triggers/webhook/{address}");
        let told = call(&rig, Method::POST, &path, &[("content-type", "application/json")], &deep).await;
        assert!(told.status.as_u16() < 500, "{}", told.text());
    }
    // The server is well.
    let health = call(&rig, Method::GET, "/health", &[], "").await;
    assert_eq!(health.status, 200);
}
