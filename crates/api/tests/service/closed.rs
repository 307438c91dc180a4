//! Every door of an app that is switched off, whose workspace is archived, or that is deleted: each refuses in its own
//! words, and nothing runs behind it. A page in another site (embed) comes by the doors of published pages.

use std::time::Duration;

use axum::http::Method;
use ox_app::{
    apps,
    mcp::{self, ServerChange},
    triggers,
};
use ox_db::{Page as Rows, repo};
use ox_types::Json;
use serde_json::json;

use crate::{
    rig::{Answer, Draft, Rig, TestApp, end, graph, start},
    triggers::call,
    visitors::{Page, page, passport},
};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A chat app with all its addresses.
struct Doors<'a> {
    rig: &'a Rig,
    app: TestApp,
    page: Page<'a>,
    server: String,
}

impl<'a> Doors<'a> {
    async fn of(rig: &'a Rig) -> Self {
        let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
        let change = ServerChange { description: None, parameters: json!({}), status: None };
        let server = mcp::create(&rig.services, &rig.owner, app.id, change).await.unwrap().server_code;
        let doors = Self { rig, page: page(rig, &app).await, app, server };
        doors.tool("initialize", json!({"clientInfo": {"name": "t", "version": "1"}})).await;
        doors
    }

    async fn tool(&self, method: &str, params: Json) -> Json {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let path = format!("/mcp/server/{}/mcp", self.server);
        let answer = call(self.rig, Method::POST, &path, &[JSON], &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    async fn v1(&self) -> Answer {
        let ask = json!({"inputs": {}, "query": "hi", "user": "u"});
        self.rig.post("/v1/chat-messages", &self.app, ask).await
    }

    async fn openai(&self) -> Answer {
        let path = format!("/v1/openai/{}/chat/completions", self.app.id);
        let body = json!({"model": "any", "messages": [{"role": "user", "content": "hi"}]});
        self.rig.post(&path, &self.app, body).await
    }

    async fn visit(&self) -> Answer {
        self.page.post("/api/chat-messages", json!({"inputs": {}, "query": "hi", "response_mode": "blocking"})).await
    }

    async fn called(&self) -> Json {
        self.tool("tools/call", json!({"name": "any", "arguments": {"query": "hi"}})).await
    }

    async fn enters(&self) -> Answer {
        passport(self.rig, &self.page.code, "").await
    }

    /// Statuses of key, OpenAI, page and new passport.
    async fn statuses(&self) -> [u16; 4] {
        [self.v1().await, self.openai().await, self.visit().await, self.enters().await]
            .map(|answer| answer.status.as_u16())
    }

    /// Answers on record.
    async fn asked(&self) -> usize {
        let filter = repo::messages::MessageFilter::default();
        repo::messages::of_app(&self.rig.services.db, self.app.id, &filter, Rows::first(100)).await.unwrap().len()
    }
}

async fn archive(rig: &Rig, status: &str) {
    let mut tenant = repo::tenants::find(&rig.services.db, rig.owner.tenant_id()).await.unwrap().unwrap();
    tenant.status = status.to_owned();
    let tx = rig.services.db.begin().await.unwrap();
    repo::tenants::update(&tx, tenant).await.unwrap();
    tx.commit().await.unwrap();
    rig.services.runs.published.forget_all();
}

#[tokio::test]
async fn each_switch_closes_its_own_doors() {
    let rig = Rig::new().await;
    let doors = Doors::of(&rig).await;
    assert_eq!(doors.statuses().await, [200; 4]);
    assert_eq!(doors.called().await["result"]["content"][0]["text"], "hi");
    assert_eq!(doors.asked().await, 4);
    // The page alone.
    apps::set_site(&rig.services, &rig.owner, doors.app.id, false).await.unwrap();
    assert_eq!(doors.statuses().await, [200, 200, 400, 404]);
    for path in ["/api/site", "/api/parameters", "/api/meta", "/api/conversations", "/api/saved-messages"] {
        doors.page.get(path).await.expect_error(400, "bad_request", "Site is disabled.");
    }
    apps::set_site(&rig.services, &rig.owner, doors.app.id, true).await.unwrap();
    // The keys alone.
    apps::set_api(&rig.services, &rig.owner, doors.app.id, false).await.unwrap();
    let before = doors.asked().await;
    assert_eq!(doors.statuses().await, [403, 403, 200, 200]);
    assert_eq!(doors.asked().await, before + 1, "the visitor's");
    doors.v1().await.expect_error(403, "forbidden", "The app's API service has been disabled.");
    let refused = doors.openai().await.json();
    assert_eq!(refused["error"]["type"], "permission_error", "{refused}");
    for path in ["/v1/info", "/v1/parameters", "/v1/conversations?user=u", "/v1/site"] {
        assert_eq!(rig.get(path, &doors.app).await.status, 403, "{path}");
    }
    apps::set_api(&rig.services, &rig.owner, doors.app.id, true).await.unwrap();
    assert_eq!(doors.statuses().await, [200; 4]);
}

#[tokio::test]
async fn an_archived_workspace_and_a_deleted_app_have_no_door() {
    let rig = Rig::new().await;
    let doors = Doors::of(&rig).await;
    assert_eq!(doors.statuses().await, [200; 4]);
    let before = doors.asked().await;
    archive(&rig, "archive").await;
    assert_eq!(doors.statuses().await, [403, 403, 403, 404]);
    doors.v1().await.expect_error(403, "forbidden", "The workspace's status is archived.");
    for path in ["/api/site", "/api/parameters", "/api/conversations"] {
        doors.page.get(path).await.expect_error(403, "forbidden", "The workspace's status is archived.");
    }
    let refused = doors.called().await;
    assert_eq!(refused["error"], json!({"code": -32600, "message": "App is unavailable"}), "{refused}");
    assert_eq!(doors.asked().await, before, "nothing runs");
    archive(&rig, "normal").await;
    assert_eq!(doors.statuses().await, [200; 4]);
    apps::delete(&rig.services, &rig.owner, doors.app.id).await.unwrap();
    let [v1, openai, visit, enters] = doors.statuses().await;
    // The key may be gone already, or only its app.
    assert!([401, 403].contains(&v1) && [401, 403].contains(&openai), "{v1} {openai}");
    assert_eq!((visit, enters), (404, 404));
    let refused = doors.called().await;
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
}

/// A workflow that a webhook or a schedule starts.
fn triggered() -> Json {
    let hook = json!({"type": "trigger-webhook", "title": "Hook", "method": "post", "content_type": "application/json",
        "headers": [], "params": [], "body": [], "status_code": 200, "response_body": ""});
    let schedule = json!({"type": "trigger-schedule", "title": "New year", "mode": "cron",
        "cron_expression": "0 0 1 1 *", "timezone": "UTC"});
    let nodes = [("w", hook), ("t", schedule), ("e", end(&[("by", &["sys", "user_id"])]))];
    graph(&nodes, &[("w", "source", "e"), ("t", "source", "e")])
}

/// Makes the schedule of an app due, and waits until it was moved on.
async fn falls_due(rig: &Rig, app: &TestApp) {
    let (db, tenant) = (&rig.services.db, rig.owner.tenant_id());
    let due = ox_db::now() - chrono::Duration::minutes(1);
    let plan = repo::triggers::plans_of(db, tenant, app.id).await.unwrap().remove(0);
    let tx = db.begin().await.unwrap();
    assert!(repo::triggers::advance(&tx, &plan, Some(due)).await.unwrap());
    tx.commit().await.unwrap();
    for _ in 0..400 {
        let plan = repo::triggers::plans_of(db, tenant, app.id).await.unwrap().remove(0);
        if plan.next_run_at.is_some_and(|next| next > ox_db::now()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the schedule is not moved on");
}

/// Events on record.
async fn events(rig: &Rig, app: &TestApp) -> usize {
    let (db, filter) = (&rig.services.db, repo::triggers::LogFilter::default());
    repo::triggers::log_page(db, rig.owner.tenant_id(), app.id, &filter, 1, 100).await.unwrap().0.len()
}

#[tokio::test]
async fn triggers_that_are_off_archived_or_deleted_start_nothing() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", triggered(), Draft::default()).await;
    let hook = triggers::webhook_of(&rig.services, &rig.owner, app.id, "w").await.unwrap().webhook_id;
    let (path, debug) = (format!("/triggers/webhook/{hook}"), format!("/triggers/webhook-debug/{hook}"));
    let post = async |path: &str| call(&rig, Method::POST, path, &[JSON], "{}").await;
    assert_eq!(post(&path).await.status, 200);
    falls_due(&rig, &app).await;
    assert_eq!(crate::triggers::events(&rig, &app, 2).await.len(), 2);
    // A page and keys that are off are no business of a trigger's.
    apps::set_site(&rig.services, &rig.owner, app.id, false).await.unwrap();
    apps::set_api(&rig.services, &rig.owner, app.id, false).await.unwrap();
    assert_eq!(post(&path).await.status, 200);
    assert_eq!(crate::triggers::events(&rig, &app, 3).await.len(), 3);
    archive(&rig, "archive").await;
    for path in [&path, &debug] {
        post(path).await.expect_error(404, "not_found", "Webhook not found: ");
    }
    falls_due(&rig, &app).await;
    assert_eq!(events(&rig, &app).await, 3, "nothing runs");
    archive(&rig, "normal").await;
    let switch = async |on: bool| {
        for trigger in triggers::list(&rig.services, &rig.owner, app.id).await.unwrap() {
            triggers::enable(&rig.services, &rig.owner, app.id, trigger.id, on).await.unwrap();
        }
    };
    switch(false).await;
    post(&path).await.expect_error(404, "not_found", "Webhook trigger is disabled for webhook");
    // A schedule that is off is not even looked at: its time passes, and is not made up for.
    let (db, tenant) = (&rig.services.db, rig.owner.tenant_id());
    let plan = repo::triggers::plans_of(db, tenant, app.id).await.unwrap().remove(0);
    let tx = db.begin().await.unwrap();
    let due = ox_db::now() - chrono::Duration::minutes(1);
    assert!(repo::triggers::advance(&tx, &plan, Some(due)).await.unwrap());
    tx.commit().await.unwrap();
    assert!(repo::triggers::due_plans(db, ox_db::now(), 100).await.unwrap().is_empty());
    switch(true).await;
    assert!(repo::triggers::due_plans(db, ox_db::now(), 100).await.unwrap().is_empty());
    assert_eq!(events(&rig, &app).await, 3, "nothing runs");
    apps::delete(&rig.services, &rig.owner, app.id).await.unwrap();
    for path in [&path, &debug] {
        post(path).await.expect_error(404, "not_found", "Webhook not found: ");
    }
    assert!(repo::triggers::due_plans(db, ox_db::now() + chrono::Duration::days(400), 100).await.unwrap().is_empty());
}

/// Whoever has the address of a form answers it, but for an archived workspace's: its run would go on.
#[tokio::test]
async fn forms_of_an_archived_workspace_wait() {
    let rig = Rig::new().await;
    let ask = json!({
        "type": "human-input", "title": "Ask", "form_content": "Well?", "inputs": [],
        "delivery_methods": [{"id": "w", "type": "webapp", "enabled": true, "config": {}}],
        "user_actions": [{"id": "yes", "title": "Yes"}], "timeout": 2, "timeout_unit": "hour",
    });
    let nodes = [("s", start(json!([]))), ("form", ask), ("e", end(&[]))];
    let graph = graph(&nodes, &[("s", "source", "form"), ("form", "yes", "e")]);
    let app = rig.graph_app("workflow", graph, Draft::default()).await;
    let body = json!({"inputs": {}, "user": "u", "response_mode": "streaming"});
    let events = rig.post("/v1/workflows/run", &app, body).await.events();
    let asked = events.iter().find(|event| event["event"] == "human_input_required").unwrap();
    let path = format!("/api/form/human_input/{}", asked["data"]["form_token"].as_str().unwrap());
    let answer = async || {
        let body = json!({"inputs": {}, "action": "yes"}).to_string();
        call(&rig, Method::POST, &path, &[JSON], &body).await
    };
    assert_eq!(rig.call(Method::GET, &path, "", None).await.status, 200);
    archive(&rig, "archive").await;
    rig.call(Method::GET, &path, "", None).await.expect_error(404, "not_found", "Form not found");
    answer().await.expect_error(404, "not_found", "Form not found");
    archive(&rig, "normal").await;
    let answered = answer().await;
    assert_eq!(answered.status, 200, "{}", answered.text());
}
