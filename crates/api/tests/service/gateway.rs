//! Models that do not answer: other keys, other models, calls made again.

use std::sync::{Arc, Mutex};

use axum::{
    Json as Body, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use ox_app::{
    providers::{self, KeyDraft, ModelTarget},
    spend::{
        self,
        usage::{self, KeyUse},
    },
};
use ox_models::{Credentials, ModelKind};
use ox_types::Json;
use serde_json::json;
use uuid::Uuid;

use crate::rig::{Rig, TestApp};

const OPENAI: &str = "langgenius/openai/openai";
const MODEL: &str = "gpt-4o-mini";

/// A provider that counts who asks, refuses the keys it is told to refuse, and fails as often as it is told.
#[derive(Clone, Default)]
struct Stub {
    asked: Arc<Mutex<Vec<String>>>,
    limited: Arc<Mutex<Vec<&'static str>>>,
    failures: Arc<Mutex<u32>>,
}

async fn answer(State(stub): State<Stub>, headers: HeaderMap, Body(body): Body<Json>) -> Response {
    let key = headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
    stub.asked.lock().unwrap().push(key.clone());
    if stub.limited.lock().unwrap().contains(&key.as_str()) {
        return (StatusCode::TOO_MANY_REQUESTS, Body(json!({"error": {"message": "slow down"}}))).into_response();
    }
    let fails = {
        let mut left = stub.failures.lock().unwrap();
        let fails = *left > 0;
        *left = left.saturating_sub(1);
        fails
    };
    if fails {
        return (StatusCode::SERVICE_UNAVAILABLE, "busy").into_response();
    }
    let said = json!({"id": "c", "object": "chat.completion.chunk", "model": body["model"],
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": key}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}});
    ([("content-type", "text/event-stream")], format!("data: {said}\n\ndata: [DONE]\n\n")).into_response()
}

impl Stub {
    async fn start() -> (Self, String) {
        let stub = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .route("/v1/models", get(|| async { Body(json!({"object": "list", "data": []})) }))
            .with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (stub, url)
    }

    fn asked(&self) -> String {
        std::mem::take(&mut *self.asked.lock().unwrap()).join(" ")
    }
}

fn values(url: &str, key: &str) -> Credentials {
    json!({"openai_api_key": key, "openai_api_base": url}).as_object().unwrap().clone()
}

fn target() -> ModelTarget {
    ModelTarget { model: MODEL.into(), kind: ModelKind::Llm }
}

async fn app(rig: &Rig, provider: &str, model: &str, parameters: Json) -> TestApp {
    let config =
        json!({"model": {"provider": provider, "name": model, "mode": "chat", "completion_params": parameters}});
    rig.basic_app("chat", model, parameters, config).await
}

async fn said(rig: &Rig, app: &TestApp) -> Json {
    let ask = json!({"inputs": {}, "query": "who are you", "user": "ann", "response_mode": "blocking"});
    rig.post("/v1/chat-messages", app, ask).await.json()
}

/// What the card of the provider tells of some of its keys.
async fn used(rig: &Rig, ids: [Uuid; 3]) -> [KeyUse; 3] {
    spend::flush(&rig.services).await;
    let usage = usage::providers(&rig.services, &rig.owner).await.unwrap();
    let found = usage.providers.iter().find(|used| used.provider.provider == OPENAI).unwrap();
    assert_eq!(found.keys.len(), ids.len(), "{:?}", found.keys);
    ids.map(|id| found.keys.iter().find(|key| key.credential == id).unwrap().clone())
}

#[tokio::test]
async fn calls_are_spread_over_keys_and_one_that_is_limited_rests() {
    let rig = Rig::near(&[]).await;
    let (stub, url) = Stub::start().await;
    let (services, owner) = (&rig.services, &rig.owner);
    providers::add_credential(services, owner, OPENAI, &values(&url, "first"), Some("First".into())).await.unwrap();
    providers::add_credential(services, owner, OPENAI, &values(&url, "second"), Some("Second".into())).await.unwrap();
    let all = services.models.workspace(owner.tenant_id()).await.unwrap().setup().credentials.clone();
    let key = |name: &str| KeyDraft {
        name: name.into(),
        credential_id: all.iter().find(|row| row.credential_name == name).map(|row| row.id),
        enabled: true,
        ..KeyDraft::default()
    };
    let inherit = KeyDraft { name: "__inherit__".into(), enabled: true, ..KeyDraft::default() };
    let own =
        KeyDraft { name: "Third".into(), enabled: true, credentials: values(&url, "third"), ..KeyDraft::default() };
    let alone = providers::set_balancing(services, owner, OPENAI, &target(), true, &[key("First")]).await;
    assert_eq!(alone.unwrap_err().field.as_deref(), Some("configs"), "one key is nothing to spread over");
    let drafts = [inherit, key("Second"), own];
    providers::set_balancing(services, owner, OPENAI, &target(), true, &drafts).await.unwrap();
    let app = app(&rig, OPENAI, MODEL, json!({})).await;
    for _ in 0..6 {
        said(&rig, &app).await;
    }
    let asked = stub.asked();
    for name in ["first", "second", "third"] {
        assert_eq!(asked.split(' ').filter(|key| *key == name).count(), 2, "in turns: {asked}");
    }
    stub.limited.lock().unwrap().push("second");
    for _ in 0..6 {
        let answer = said(&rig, &app).await;
        assert!(matches!(answer["answer"].as_str(), Some("first" | "third")), "{answer}");
    }
    assert_eq!(stub.asked().split(' ').filter(|key| *key == "second").count(), 1, "it rests after one refusal");
    let shown = providers::balancing(services, owner, OPENAI, &target()).await.unwrap();
    let rests: Vec<_> = shown.keys.iter().map(|key| (key.name.as_str(), key.rests.is_some())).collect();
    assert_eq!(rests, [("__inherit__", false), ("Second", true), ("Third", false)]);
    assert_ne!(shown.keys[2].credentials["openai_api_key"], "third", "secrets are masked");
    // Its card tells of each key: of the inherited one under the stored one that it is.
    let named = |name: &str| all.iter().find(|row| row.credential_name == name).unwrap().id;
    let ids = [named("First"), named("Second"), shown.keys[2].id];
    let [first, second, third] = used(&rig, ids).await;
    assert_eq!((second.calls, second.failed, second.rests.is_some()), (2, 0, true));
    assert_eq!((first.calls + third.calls, first.failed + third.failed), (10, 0), "those that it refused as well");
    assert!(first.calls >= 4 && third.calls >= 4 && first.last.is_some(), "{first:?} {third:?}");
    assert!(first.rests.is_none() && third.rests.is_none());
    stub.limited.lock().unwrap().extend(["first", "third"]);
    assert_eq!(said(&rig, &app).await["code"], "completion_request_error");
    let [first, second, third] = used(&rig, ids).await;
    assert_eq!(first.calls + second.calls + third.calls, 13);
    assert_eq!(
        first.failed + second.failed + third.failed,
        1,
        "a call that nobody answered is of the last that was asked"
    );
    assert!(first.rests.is_some() && third.rests.is_some());
    // A stored credential that is deleted takes its place in the balance with it.
    let second = all.iter().find(|row| row.credential_name == "Second").unwrap().id;
    providers::delete_credential(services, owner, OPENAI, second).await.unwrap();
    let shown = providers::balancing(services, owner, OPENAI, &target()).await.unwrap();
    assert_eq!(shown.keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["__inherit__", "Third"]);
}

#[tokio::test]
async fn another_model_answers_when_one_does_not() {
    let rig = Rig::new().await;
    let (services, owner) = (&rig.services, &rig.owner);
    let down = app(&rig, "oxidify/scripted", "fail", json!({"status": 503, "after_chunks": 0})).await;
    let failed = said(&rig, &down).await;
    assert_eq!(failed["code"], "completion_request_error", "{failed}");
    let target = ModelTarget { model: "fail".into(), kind: ModelKind::Llm };
    let set = async |chain: &[(&str, &str)]| {
        let chain: Vec<_> = chain.iter().map(|(provider, model)| ((*provider).into(), (*model).into())).collect();
        providers::set_fallbacks(services, owner, "oxidify/scripted", &target, &chain).await
    };
    for (chain, word) in [
        (&[("oxidify/scripted", "fail")][..], "itself"),
        (&[("oxidify/scripted", "echo"), ("oxidify/scripted", "echo")], "twice"),
        (&[(OPENAI, MODEL)], "set up its provider"),
    ] {
        let refused = set(chain).await.unwrap_err();
        assert!(refused.status == 400 && refused.message.contains(word), "{refused}");
    }
    set(&[("oxidify/scripted", "echo")]).await.unwrap();
    let answer = said(&rig, &down).await;
    assert_eq!(answer["answer"], "who are you", "{answer}");
    set(&[]).await.unwrap();
    assert_eq!(said(&rig, &down).await["code"], "completion_request_error");
}

#[tokio::test]
async fn a_call_that_failed_is_made_again() {
    for (retries, failures, asked) in [("2", 1, 2), ("2", 9, 3), ("0", 1, 1)] {
        let rig = Rig::near(&[("OXIDIFY_MODEL_RETRIES", retries)]).await;
        let (stub, url) = Stub::start().await;
        providers::add_credential(&rig.services, &rig.owner, OPENAI, &values(&url, "k"), None).await.unwrap();
        let app = app(&rig, OPENAI, MODEL, json!({})).await;
        *stub.failures.lock().unwrap() = failures;
        let answer = said(&rig, &app).await;
        assert_eq!(stub.asked().split(' ').count(), asked, "{retries} retries, {failures} failures: {answer}");
        assert_eq!(answer["answer"] == "k", failures < asked as u32, "{answer}");
    }
}
