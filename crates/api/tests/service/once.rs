//! Requests with a name (`Idempotency-Key`): each POST that docs/calling-apps.md promises it for, and that no other was
//! forgotten.

use axum::{
    body::Body,
    http::{Method, Request},
};
use ox_app::{Access, workflows};
use ox_db::{Page, repo};
use ox_types::Json;
use serde_json::json;

use crate::{
    files::upload,
    rig::{Answer, Draft, Rig, TestApp, passthrough},
};

/// These are done once for each name.
const NAMED: &[&str] = &[
    "/apps/annotations",
    "/chat-messages",
    "/completion-messages",
    "/conversations/{conversation_id}/name",
    "/files/upload",
    "/messages/{message_id}/feedbacks",
    "/openai/{app_id}/chat/completions",
    "/workflows/run",
    "/workflows/{workflow_id}/run",
];

/// These take no name.
const WITHOUT: &[(&str, &str)] = &[
    ("/apps/annotation-reply/{action}", "what is switched on twice is on"),
    ("/audio-to-text", "nothing is kept"),
    ("/chat-messages/{task_id}/stop", "what is stopped twice has stopped"),
    ("/completion-messages/{task_id}/stop", "what is stopped twice has stopped"),
    ("/form/human_input/{form_token}", "a second answer is refused: 412"),
    ("/text-to-audio", "nothing is kept"),
    ("/tool-approvals/{approval_id}", "a second answer is refused"),
    ("/workflows/tasks/{task_id}/stop", "what is stopped twice has stopped"),
];

#[test]
fn every_post_of_an_app_takes_a_name_or_says_why_not() {
    let mut known: Vec<&str> = NAMED.iter().copied().chain(WITHOUT.iter().map(|(path, _)| *path)).collect();
    known.sort_unstable();
    let posts = ox_api::service::RULES
        .iter()
        .filter(|rule| rule.method == Method::POST && rule.access == Access::AppKey)
        .map(|rule| rule.path);
    let mut posts: Vec<&str> = posts.collect();
    posts.sort_unstable();
    assert_eq!(posts, known);
}

async fn named(rig: &Rig, app: &TestApp, path: &str, name: &str, body: &Json) -> Answer {
    let request = Request::post(path)
        .header("authorization", format!("Bearer {}", app.key))
        .header("content-type", "application/json")
        .header("idempotency-key", name);
    rig.send(request.body(Body::from(body.to_string())).unwrap()).await
}

/// Messages, runs and annotations of an app.
async fn effects(rig: &Rig, app: &TestApp) -> usize {
    let (db, tenant) = (&rig.services.db, rig.owner.tenant_id());
    let all = Page::first(100);
    let messages = repo::messages::of_app(db, app.id, &repo::messages::MessageFilter::default(), all).await.unwrap();
    let runs = repo::runs::list(db, tenant, app.id, &repo::runs::RunFilter::default(), Page::first(100)).await.unwrap();
    let notes = rig.get("/v1/apps/annotations", app).await.json()["total"].as_u64().unwrap_or(0);
    messages.len() + runs.items.len() + usize::try_from(notes).unwrap()
}

/// Address, body, another body, what both answers have in common, how much more there is afterwards.
type Case<'a> = (&'a TestApp, String, Json, Json, &'a [&'a str], usize);

#[tokio::test]
async fn a_name_stands_for_one_request_and_its_effect() {
    let rig = Rig::new().await;
    let chat = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let completion = rig.basic_app("completion", "echo", json!({}), json!({"pre_prompt": "say it"})).await;
    let form = json!([{"variable": "x", "type": "text-input", "label": "X", "required": false}]);
    let flow = rig.graph_app("workflow", passthrough(&form), Draft::default()).await;
    let version = workflows::published(&rig.services, &rig.owner, flow.id.into()).await.unwrap().unwrap().id;
    let asked = rig.post("/v1/chat-messages", &chat, json!({"inputs": {}, "query": "hi", "user": "u"})).await.json();
    let id = |key: &str| asked[key].as_str().unwrap().to_owned();
    let message = |text: &str| json!({"model": "m", "user": "u", "messages": [{"role": "user", "content": text}]});
    let run = |x: &str| json!({"inputs": {"x": x}, "user": "u"});
    let cases: Vec<Case<'_>> = vec![
        (
            &chat,
            "/v1/chat-messages".into(),
            json!({"inputs": {}, "query": "one", "user": "u"}),
            json!({"inputs": {}, "query": "two", "user": "u"}),
            &["/message_id", "/conversation_id", "/answer"][..],
            1,
        ),
        (
            &completion,
            "/v1/completion-messages".into(),
            json!({"inputs": {}, "user": "u"}),
            json!({"inputs": {"a": "b"}, "user": "u"}),
            &["/message_id", "/answer"][..],
            1,
        ),
        (&flow, "/v1/workflows/run".into(), run("a"), run("b"), &["/workflow_run_id", "/data/outputs"][..], 1),
        (
            &flow,
            format!("/v1/workflows/{version}/run"),
            run("a"),
            run("b"),
            &["/workflow_run_id", "/data/outputs"][..],
            1,
        ),
        (
            &chat,
            format!("/v1/openai/{}/chat/completions", chat.id),
            message("one"),
            message("two"),
            &["/choices/0/message/content"][..],
            1,
        ),
        (
            &chat,
            "/v1/apps/annotations".into(),
            json!({"question": "q", "answer": "a"}),
            json!({"question": "q", "answer": "b"}),
            &["/id", "/question", "/created_at"][..],
            1,
        ),
        (
            &chat,
            format!("/v1/conversations/{}/name", id("conversation_id")),
            json!({"name": "one", "user": "u"}),
            json!({"name": "two", "user": "u"}),
            &["/name", "/updated_at"][..],
            0,
        ),
        (
            &chat,
            format!("/v1/messages/{}/feedbacks", id("message_id")),
            json!({"rating": "like", "user": "u"}),
            json!({"rating": "dislike", "user": "u"}),
            &["/result"][..],
            0,
        ),
    ];
    for (number, (app, path, body, other, common, more)) in cases.into_iter().enumerate() {
        let name = format!("name-{number}");
        let before = effects(&rig, app).await;
        let first = named(&rig, app, &path, &name, &body).await;
        assert!(first.status.is_success(), "{path}: {}", first.text());
        let again = named(&rig, app, &path, &name, &body).await;
        assert_eq!(first.status, again.status, "{path}: {}", again.text());
        let (first, again) = (first.json(), again.json());
        for place in common {
            assert!(first.pointer(place).is_some(), "{path} {place}: {first}");
            assert_eq!(first.pointer(place), again.pointer(place), "{path} {place}");
        }
        assert_eq!(effects(&rig, app).await, before + more, "{path}");
        let reused = named(&rig, app, &path, &name, &other).await;
        let told = reused.json();
        let code = if path.contains("/openai/") { &told["error"]["code"] } else { &told["code"] };
        assert_eq!((reused.status.as_u16(), code), (409, &json!("idempotency_key_reused")), "{path}: {told}");
        assert_eq!(effects(&rig, app).await, before + more, "{path}: the other one has done nothing");
        for wrong in ["", &"n".repeat(256)] {
            assert_eq!(named(&rig, app, &path, wrong, &body).await.status, 400, "{path} {wrong:?}");
        }
    }
    // Without a name each request is one of its own.
    let files = [
        upload(&rig, &chat, "a.txt", "text/plain", b"x", "u").await,
        upload(&rig, &chat, "a.txt", "text/plain", b"x", "u").await,
    ];
    assert_ne!(files[0].json()["id"], files[1].json()["id"]);
}

/// Pages of other sites may name their requests and take up streams: their browsers ask first.
#[tokio::test]
async fn browsers_may_send_a_name() {
    let rig = Rig::new().await;
    for path in ["/v1/chat-messages", "/mcp/server/x/mcp", "/gateway/v1/chat/completions", "/api/chat-messages"] {
        let request = Request::builder()
            .method(Method::OPTIONS)
            .uri(path)
            .header("origin", "https://shop.test")
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type,idempotency-key,last-event-id,x-stream-ids",
            );
        let answer = rig.send(request.body(Body::empty()).unwrap()).await;
        let told = |name: &str| {
            let value = answer.headers.get(name).unwrap_or_else(|| panic!("{path} tells no {name}: {}", answer.status));
            value.to_str().unwrap().to_ascii_lowercase()
        };
        assert!(answer.status.is_success(), "{path}: {}", answer.status);
        assert!(["*", "https://shop.test"].contains(&told("access-control-allow-origin").as_str()), "{path}");
        assert!(told("access-control-allow-methods").contains("post"), "{path}");
        for name in ["authorization", "content-type", "idempotency-key", "last-event-id", "x-stream-ids"] {
            let allowed = told("access-control-allow-headers");
            assert!(allowed.split(',').any(|known| known.trim() == name), "{path}, {name}: {allowed}");
        }
    }
}
