//! What calls of models use, and budgets that hold them back.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json as Body, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::StreamExt as _;
use ox_app::{
    providers::{self, ModelTarget},
    spend::{
        self,
        budgets::{self, BudgetForm, BudgetView},
        report::{self, CallView, Group, SpendQuery},
    },
    webhooks::sign,
};
use ox_db::repo;
use ox_models::{ChatRequest, Credentials, Decimal, Message, ModelKind, ModelRef, ModelRuntime as _, ModelScope};
use ox_types::Json;
use serde_json::json;

use crate::rig::{Rig, TestApp};

const OPENAI: &str = "langgenius/openai/openai";
const MODEL: &str = "gpt-4o-mini";

/// A vendor that tells other tokens each time, and takes its time.
#[derive(Clone, Default)]
struct Stub {
    asked: Arc<AtomicU64>,
}

async fn answer(State(stub): State<Stub>) -> Response {
    let number = stub.asked.fetch_add(1, Ordering::SeqCst) + 1;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let usage = json!({"prompt_tokens": 1000 + number * 7, "completion_tokens": 100 + number, "total_tokens": 1100 + number * 8,
        "prompt_tokens_details": {"cached_tokens": number * 3}});
    let piece = |text: &str, end: Json, usage: Json| {
        let said = json!({"id": "c", "object": "chat.completion.chunk", "model": MODEL, "usage": usage,
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": end}]});
        format!("data: {said}\n\n")
    };
    let body = piece("one ", Json::Null, Json::Null) + &piece("two", json!("stop"), usage) + "data: [DONE]\n\n";
    ([("content-type", "text/event-stream")], body).into_response()
}

/// What was said, by how long it took or by tokens.
async fn written_down(body: String) -> Body<Json> {
    let usage = match body.contains("whisper-1") {
        true => json!({"type": "duration", "seconds": 9}),
        false => json!({"type": "tokens", "input_tokens": 14, "output_tokens": 45, "total_tokens": 59}),
    };
    Body(json!({"text": "hello", "usage": usage}))
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

impl Stub {
    async fn start(rig: &Rig) -> Self {
        let stub = Self::default();
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .route("/v1/audio/transcriptions", post(written_down))
            .route("/v1/audio/speech", post(|| async { ([("content-type", "audio/mpeg")], "MP3.").into_response() }))
            .route("/v1/models", get(|| async { Body(json!({"object": "list", "data": []})) }))
            .with_state(stub.clone());
        let url = serve(router).await;
        let values: Credentials = json!({"openai_api_key": "k", "openai_api_base": url}).as_object().unwrap().clone();
        providers::add_credential(&rig.services, &rig.owner, OPENAI, &values, None).await.unwrap();
        stub
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn app(rig: &Rig, provider: &str, model: &str, parameters: Json) -> TestApp {
    let config =
        json!({"model": {"provider": provider, "name": model, "mode": "chat", "completion_params": parameters}});
    rig.basic_app("chat", model, parameters, config).await
}

async fn said(rig: &Rig, app: &TestApp, user: &str) -> Json {
    let ask = json!({"inputs": {}, "query": "who are you", "user": user, "response_mode": "blocking"});
    rig.post("/v1/chat-messages", app, ask).await.json()
}

/// All calls, oldest first.
async fn calls(rig: &Rig) -> Vec<CallView> {
    spend::flush(&rig.services).await;
    let page = report::calls(&rig.services, &rig.owner, SpendQuery::default(), None, 100).await.unwrap();
    let mut calls = page.items;
    calls.reverse();
    calls
}

fn chat() -> ChatRequest {
    ChatRequest {
        messages: vec![Message::user("who are you, and who are the others")],
        stream: true,
        ..ChatRequest::default()
    }
}

#[tokio::test]
async fn the_log_adds_up_to_what_callers_were_told() {
    let rig = Rig::near(&[]).await;
    Stub::start(&rig).await;
    let app = app(&rig, OPENAI, MODEL, json!({})).await;
    let (mut tokens, mut price) = (0, Decimal::default());
    for number in 0..25 {
        let told = said(&rig, &app, if number % 2 == 0 { "ann" } else { "bob" }).await;
        let usage = &told["metadata"]["usage"];
        tokens += usage["total_tokens"].as_i64().unwrap_or_else(|| panic!("{told}"));
        price += usage["total_price"].as_str().unwrap().parse().unwrap();
    }
    let calls = calls(&rig).await;
    assert_eq!(calls.len(), 25);
    let first = &calls[0].call;
    assert_eq!((&*first.provider, &*first.model, &*first.kind, &*first.outcome), (OPENAI, MODEL, "llm", "ok"));
    assert_eq!((first.prompt_tokens, first.cached_tokens, first.completion_tokens), (1007, 3, 101));
    assert!(!first.estimated && first.latency_ms >= 5, "{first:?}");
    assert_eq!(first.app_id, Some(app.id));
    let mut users: Vec<_> = calls.iter().filter_map(|view| view.user_name.clone()).collect();
    users.sort_unstable();
    users.dedup();
    assert_eq!(users, ["ann", "bob"]);

    assert!(price.ten_millionths() > 0);
    let summary = report::summary(&rig.services, &rig.owner, SpendQuery::default()).await.unwrap();
    let total = &summary.total[0];
    let told = (total.calls, total.prompt_tokens + total.completion_tokens, total.price);
    assert_eq!(told, (25, tokens, price.ten_millionths()), "to the last decimal");
    assert_eq!(summary.days.iter().map(|day| day.figures[0].price).sum::<i64>(), total.price);
    for by in [Group::Model, Group::App, Group::User] {
        let groups = report::groups(&rig.services, &rig.owner, SpendQuery::default(), by).await.unwrap();
        assert_eq!(groups.iter().map(|named| named.group.sum.price).sum::<i64>(), total.price, "{by:?}");
    }
    let rows = repo::model_spend::spent(&rig.services.db, rig.owner.tenant_id(), "workspace", "", None).await.unwrap();
    assert_eq!((rows.len(), rows[0].1.tokens, rows[0].1.price), (1, tokens, total.price), "the sums of days as well");
}

#[tokio::test]
async fn speech_is_in_the_log_with_what_it_used() {
    use ox_models::{SpeechRequest, TranscriptionRequest};
    let rig = Rig::near(&[]).await;
    Stub::start(&rig).await;
    let scope = ModelScope::of(rig.owner.tenant_id());
    for model in ["whisper-1", "gpt-4o-transcribe"] {
        let recording = TranscriptionRequest {
            filename: "a.wav".into(),
            mime: "audio/wav".into(),
            ..TranscriptionRequest::default()
        };
        let model = ModelRef::chat("openai", model);
        assert_eq!(rig.services.models.transcribe(&scope, &model, recording).await.unwrap(), "hello");
    }
    let spoken = SpeechRequest { text: "h\u{e9}llo".into(), voice: "nova".into(), ..SpeechRequest::default() };
    let sound = rig.services.models.speak(&scope, &ModelRef::chat("openai", "tts-1"), spoken).await.unwrap();
    assert_eq!(sound.count().await, 1);
    let calls = calls(&rig).await;
    let told: Vec<_> = calls
        .iter()
        .map(|view| {
            let call = &view.call;
            (call.model.as_str(), call.prompt_tokens, call.completion_tokens, call.units.zip(call.unit.as_deref()))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("whisper-1", 0, 0, Some((9, "seconds"))),
            ("gpt-4o-transcribe", 14, 45, None),
            ("tts-1", 0, 0, Some((5, "characters"))),
        ]
    );
}

#[tokio::test]
async fn every_call_ends_in_one_row() {
    let rig = Rig::near(&[("OXIDIFY_MODEL_RETRIES", "0")]).await;
    Stub::start(&rig).await;
    let (services, tenant) = (&rig.services, rig.owner.tenant_id());
    let scope = ModelScope { user: Some("ann".into()), ..ModelScope::of(tenant) };
    // Dropped by its reader.
    let mut stream = services.models.chat(&scope, &ModelRef::chat("openai", MODEL), chat()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    // Given up before it began.
    let slow = ChatRequest { parameters: json!({"ttft_ms": 5000}).as_object().unwrap().clone(), ..chat() };
    let model = ModelRef::chat("oxidify/scripted", "echo");
    let never = services.models.chat(&scope, &model, slow);
    assert!(tokio::time::timeout(Duration::from_millis(50), never).await.is_err());
    // Refused, taken over, broken off.
    let fail = |after: u64| {
        let parameters = json!({"status": 503, "after_chunks": after});
        ChatRequest { parameters: parameters.as_object().unwrap().clone(), ..chat() }
    };
    let broken = ModelRef::chat("oxidify/scripted", "fail");
    services.models.chat(&scope, &broken, fail(0)).await.err().unwrap();
    let mut stream = services.models.chat(&scope, &broken, fail(2)).await.unwrap();
    while stream.next().await.is_some_and(|piece| piece.is_ok()) {}
    drop(stream);
    let target = ModelTarget { model: "fail".into(), kind: ModelKind::Llm };
    let chain = [("oxidify/scripted".to_owned(), "echo".to_owned())];
    providers::set_fallbacks(services, &rig.owner, "oxidify/scripted", &target, &chain).await.unwrap();
    let stream = services.models.chat(&scope, &broken, fail(0)).await.unwrap();
    ox_models::ChatResult::collect(stream).await.unwrap();

    let calls = calls(&rig).await;
    let told: Vec<_> =
        calls.iter().map(|view| (view.call.model.as_str(), view.call.outcome.as_str(), view.call.estimated)).collect();
    assert_eq!(
        told,
        [
            (MODEL, "cancelled", true),
            ("echo", "cancelled", false),
            ("fail", "overloaded", false),
            ("fail", "overloaded", true),
            ("echo", "ok", false),
        ]
    );
    let dropped = &calls[0].call;
    assert!(dropped.prompt_tokens > 5 && dropped.completion_tokens == 1, "{dropped:?}");
    assert_ne!(dropped.price.parse::<Decimal>().unwrap().ten_millionths(), 0);
    assert_eq!(calls[2].call.prompt_tokens, 0, "nobody is paid for a refusal");
    let stand_in = &calls[4].call;
    assert_eq!(stand_in.wanted_model.as_deref(), Some("fail"));
    assert_eq!(calls[0].call.wanted_model, None);
}

fn stop(name: &str, tokens: i64) -> BudgetForm {
    BudgetForm {
        name: name.into(),
        scope: "workspace".into(),
        period: "day".into(),
        action: "stop".into(),
        token_limit: Some(tokens),
        enabled: true,
        mail: true,
        ..BudgetForm::default()
    }
}

async fn set(rig: &Rig, form: BudgetForm) -> BudgetView {
    budgets::create(&rig.services, &rig.owner, form).await.unwrap()
}

#[tokio::test]
async fn a_spent_budget_stops_calls_before_the_vendor() {
    let rig = Rig::near(&[]).await;
    let stub = Stub::start(&rig).await;
    let app = app(&rig, OPENAI, MODEL, json!({"max_tokens": 200})).await;
    // About four calls of 1,107 tokens and more.
    let budget = set(&rig, stop("Daily", 4_000)).await;
    for _ in 0..4 {
        assert_eq!(said(&rig, &app, "ann").await["answer"], "one two");
    }
    let refused = said(&rig, &app, "ann").await;
    assert_eq!((&refused["code"], &refused["status"]), (&json!("provider_quota_exceeded"), &json!(400)), "{refused}");
    let text = refused["message"].as_str().unwrap();
    for word in ["\"Daily\"", "4000 tokens a day", "UTC", "owner or admin"] {
        assert!(text.contains(word), "no {word}: {text}");
    }
    assert_eq!(stub.asked(), 4);
    spend::flush(&rig.services).await;
    let shown = budgets::list(&rig.services, &rig.owner).await.unwrap();
    assert!(shown[0].used.tokens >= 4_000 && shown[0].ratio >= 1.0, "{:?}", shown[0]);
    // Raised, calls go on; another process knows what was used.
    budgets::update(&rig.services, &rig.owner, budget.budget.id, stop("Daily", 6_000)).await.unwrap();
    assert_eq!(said(&rig, &app, "ann").await["answer"], "one two");
    spend::flush(&rig.services).await;
    budgets::update(&rig.services, &rig.owner, budget.budget.id, stop("Daily", 5_000)).await.unwrap();
    let other = rig.beside().await;
    let model = ModelRef::chat("openai", MODEL);
    let refused = other.services.models.chat(&ModelScope::of(rig.owner.tenant_id()), &model, chat()).await;
    assert_eq!(refused.err().unwrap().class.as_str(), "quota");
    // Deleted, nothing is held back.
    budgets::delete(&rig.services, &rig.owner, budget.budget.id).await.unwrap();
    assert_eq!(said(&rig, &app, "ann").await["answer"], "one two");
}

#[tokio::test]
async fn parallel_calls_never_exceed_a_budget_by_more_than_one_each() {
    const SLOTS: u64 = 16;
    // No more than that is used by one call here.
    const MOST: u64 = 2_000;
    let rig = Rig::near(&[]).await;
    let stub = Stub::start(&rig).await;
    let limit = 20_000;
    set(&rig, stop("Race", i64::try_from(limit).unwrap())).await;
    let tasks = (0..SLOTS).map(|_| {
        let (services, scope) = (Arc::clone(&rig.services), ModelScope::of(rig.owner.tenant_id()));
        tokio::spawn(async move {
            let mut used = 0;
            loop {
                let model = ModelRef::chat("openai", MODEL);
                // Far less is set aside than is used.
                let request =
                    ChatRequest { parameters: json!({"max_tokens": 16}).as_object().unwrap().clone(), ..chat() };
                match services.models.chat(&scope, &model, request).await {
                    Ok(stream) => used += ox_models::ChatResult::collect(stream).await.unwrap().usage.total_tokens,
                    Err(error) if error.class.as_str() == "quota" => return used,
                    Err(error) => panic!("{error}"),
                }
            }
        })
    });
    let used: u64 = futures::future::join_all(tasks).await.into_iter().map(Result::unwrap).sum();
    assert!(used >= limit && used < limit + SLOTS * MOST, "{used} of {limit}");
    let calls = calls(&rig).await;
    assert_eq!(calls.len() as u64, stub.asked(), "a refused call is no call");
    let logged: i64 = calls.iter().map(|view| view.call.prompt_tokens + view.call.completion_tokens).sum();
    assert_eq!(logged.unsigned_abs(), used);
}

#[tokio::test]
async fn budgets_of_users_are_each_their_own() {
    let rig = Rig::near(&[]).await;
    Stub::start(&rig).await;
    let app = app(&rig, OPENAI, MODEL, json!({"max_tokens": 200})).await;
    set(&rig, BudgetForm { scope: "user".into(), ..stop("Each", 1_000) }).await;
    assert_eq!(said(&rig, &app, "ann").await["answer"], "one two");
    assert_eq!(said(&rig, &app, "ann").await["code"], "provider_quota_exceeded");
    assert_eq!(said(&rig, &app, "bob").await["answer"], "one two");
    let other = set(&rig, BudgetForm { action: "warn".into(), ..stop("Warning", 1) }).await;
    assert_eq!(said(&rig, &app, "eve").await["answer"], "one two", "{:?} only warns", other.budget.name);
}

type Told = Arc<Mutex<Vec<(HeaderMap, String)>>>;

async fn hear(State(told): State<Told>, headers: HeaderMap, body: String) -> StatusCode {
    told.lock().unwrap().push((headers, body));
    StatusCode::NO_CONTENT
}

#[tokio::test]
async fn owners_are_told_once_at_each_threshold() {
    let mail = [
        ("MAIL_TYPE", "smtp"),
        ("SMTP_SERVER", "127.0.0.1"),
        ("SMTP_PORT", "9"),
        ("MAIL_DEFAULT_SEND_FROM", "ox@example.com"),
        ("CONSOLE_WEB_URL", "https://ox.example"),
    ];
    let rig = Rig::near(&mail).await;
    Stub::start(&rig).await;
    let told = Told::default();
    let url = serve(Router::new().route("/hook", post(hear)).with_state(Arc::clone(&told))).await;
    let app = app(&rig, OPENAI, MODEL, json!({})).await;
    let form = BudgetForm {
        action: "warn".into(),
        money_limit: Some("0.0010".into()),
        webhook_url: Some(format!("{url}/hook")),
        webhook_secret: Some("a long secret".into()),
        ..stop("Hooked", 1_000_000)
    };
    set(&rig, form).await;
    // 0.0002 each, so 80 % after four and 100 % after five.
    for _ in 0..8 {
        said(&rig, &app, "ann").await;
        spend::flush(&rig.services).await;
    }
    for _ in 0..400 {
        if told.lock().unwrap().len() >= 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let mut heard = told.lock().unwrap().clone();
    heard.sort_by_key(|(_, body)| body.contains("\"threshold\":100"));
    let thresholds: Vec<_> = heard
        .iter()
        .map(|(headers, body)| {
            let signature = headers["x-oxidify-signature"].to_str().unwrap();
            let (at, given) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
            assert_eq!(given, sign("a long secret", at.parse().unwrap(), body));
            let json: Json = serde_json::from_str(body).unwrap();
            assert_eq!((&json["event"], &json["data"]["name"]), (&json!("model_budget_threshold"), &json!("Hooked")));
            json["data"]["threshold"].as_i64().unwrap()
        })
        .collect();
    assert_eq!(thresholds, [80, 100], "once each");
    let later = ox_db::now() + chrono::Duration::hours(1);
    let mut mails = repo::mails::due(&rig.services.db, later, 50).await.unwrap();
    mails.sort_by_key(|mail| mail.created_at);
    let subjects: Vec<_> = mails.iter().map(|mail| (mail.kind.as_str(), mail.subject.as_str())).collect();
    assert_eq!(
        subjects,
        [
            ("model_budget", "80 % of the model budget Hooked is used"),
            ("model_budget", "The model budget Hooked is spent"),
        ]
    );
    assert!(mails[0].body.contains("https://ox.example/settings/usage"), "{}", mails[0].body);
}
