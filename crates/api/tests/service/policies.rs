//! What a workspace decides about its calls: answers that are kept, other models, second calls, rates, allow-lists.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json as Body, Router,
    extract::State,
    http::Request,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use ox_app::{
    gateway_keys::{self, Draft},
    providers::{self, CacheState, ModelTarget, policies},
    spend::{
        self,
        report::{self, CallView, Group, SpendQuery},
    },
};
use ox_models::{
    ChatRequest, ChatResult, Credentials, Decimal, ErrorClass, Message, ModelError, ModelKind, ModelRef,
    ModelRuntime as _, ModelScope,
};
use ox_types::Json;
use serde_json::json;

use crate::rig::{Answer, Rig, end, graph, llm, start};

const OPENAI: &str = "langgenius/openai/openai";
const MODEL: &str = "gpt-4o-mini";
const SCRIPTED: &str = "oxidify/scripted";

/// A vendor that counts who asks, and takes its time.
#[derive(Clone, Default)]
struct Stub {
    asked: Arc<AtomicU64>,
    pause: Duration,
}

async fn answer(State(stub): State<Stub>, Body(asked): Body<Json>) -> Response {
    let number = stub.asked.fetch_add(1, Ordering::SeqCst) + 1;
    tokio::time::sleep(stub.pause).await;
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100});
    if asked["stream"] != true {
        let message = json!({"role": "assistant", "content": format!("answer {number}")});
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        let whole =
            json!({"id": "c", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage});
        return Body(whole).into_response();
    }
    let piece = |text: &str, end: Json, usage: Json| {
        let said = json!({"id": "c", "object": "chat.completion.chunk", "model": MODEL, "usage": usage,
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": end}]});
        format!("data: {said}\n\n")
    };
    let body = piece("answer ", Json::Null, Json::Null)
        + &piece(&number.to_string(), json!("stop"), usage)
        + "data: [DONE]\n\n";
    ([("content-type", "text/event-stream")], body).into_response()
}

impl Stub {
    async fn start(rig: &Rig, pause: Duration) -> Self {
        let stub = Self { pause, ..Self::default() };
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .route("/v1/models", get(|| async { Body(json!({"object": "list", "data": []})) }))
            .with_state(stub.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let values: Credentials = json!({"openai_api_key": "k", "openai_api_base": url}).as_object().unwrap().clone();
        providers::add_credential(&rig.services, &rig.owner, OPENAI, &values, None).await.unwrap();
        stub
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn decide(rig: &Rig, rules: Json) {
    policies::set(&rig.services, &rig.owner, serde_json::from_value(rules).unwrap()).await.unwrap();
}

async fn refused(rig: &Rig, rules: Json) -> (Option<String>, String) {
    let wrong = policies::set(&rig.services, &rig.owner, serde_json::from_value(rules).unwrap()).await.unwrap_err();
    assert_eq!(wrong.status, 400, "{wrong}");
    (wrong.field, wrong.message)
}

fn request(text: &str, parameters: Json) -> ChatRequest {
    ChatRequest {
        messages: vec![Message::user(text)],
        parameters: parameters.as_object().unwrap().clone(),
        stream: true,
        ..ChatRequest::default()
    }
}

async fn told(
    rig: &Rig,
    scope: &ModelScope,
    model: &ModelRef,
    request: ChatRequest,
) -> Result<(ChatResult, Option<CacheState>), ModelError> {
    let (pieces, state) = rig.services.models.chat_told(scope, model, request).await?;
    Ok((ChatResult::collect(pieces).await?, state))
}

/// All calls, oldest first.
async fn calls(rig: &Rig) -> Vec<CallView> {
    spend::flush(&rig.services).await;
    let page = report::calls(&rig.services, &rig.owner, SpendQuery::default(), None, 100).await.unwrap();
    let mut calls = page.items;
    calls.reverse();
    calls
}

async fn ask(rig: &Rig, key: &str, wish: Option<&str>, body: &Json) -> Answer {
    let mut request = Request::post("/gateway/v1/chat/completions")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json");
    if let Some(wish) = wish {
        request = request.header("x-oxidify-cache", wish);
    }
    rig.send(request.body(body.to_string().into()).unwrap()).await
}

#[tokio::test]
async fn the_same_request_is_answered_again_at_no_cost() {
    let rig = Rig::near(&[]).await;
    let stub = Stub::start(&rig, Duration::ZERO).await;
    let draft = Draft {
        name: "Reports".into(),
        allowed_models: None,
        requests_per_minute: None,
        expires_at: None,
        enabled: true,
    };
    let (_, key) = gateway_keys::create(&rig.services, &rig.owner, draft).await.unwrap();
    let body = |text: &str, temperature: f64, stream: bool| {
        json!({"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": text}],
            "temperature": temperature, "stream": stream})
    };
    let state = |answer: &Answer| answer.headers.get("x-oxidify-cache").map(|value| value.to_str().unwrap().to_owned());
    let said = |answer: &Answer| answer.json()["choices"][0]["message"]["content"].clone();
    let off = ask(&rig, &key, None, &body("who", 0.0, false)).await;
    assert_eq!((said(&off), state(&off)), (json!("answer 1"), None), "off until it is set");

    decide(&rig, json!({"cache": {"enabled": true}})).await;
    for (text, temperature, wish, answers, expected) in [
        ("who", 0.0, None, "answer 2", Some("miss")),
        ("who", 0.0, None, "answer 2", Some("hit")),
        ("who else", 0.0, None, "answer 3", Some("miss")),
        ("who", 0.9, None, "answer 4", None),
        ("who", 0.9, Some("always"), "answer 5", Some("miss")),
        ("who", 0.9, Some("always"), "answer 5", Some("hit")),
        ("who", 0.0, Some("never"), "answer 6", None),
        ("who", 0.0, None, "answer 2", Some("hit")),
    ] {
        let answer = ask(&rig, &key, wish, &body(text, temperature, false)).await;
        let told = (said(&answer), state(&answer));
        assert_eq!(told, (json!(answers), expected.map(str::to_owned)), "{text} {temperature} {wish:?}");
        assert_eq!(answer.json()["usage"]["total_tokens"], 1100, "tokens are told all the same");
    }
    let wrong = ask(&rig, &key, Some("hit"), &body("who", 0.0, false)).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    let streamed = ask(&rig, &key, None, &body("who", 0.0, true)).await;
    assert_eq!(state(&streamed).as_deref(), Some("hit"));
    assert!(streamed.text().ends_with("data: [DONE]\n\n"), "{}", streamed.text());
    assert_eq!(stub.asked(), 6);

    let calls = calls(&rig).await;
    let kept: Vec<_> = calls.iter().filter(|view| view.call.cache.is_some()).collect();
    assert_eq!((calls.len(), kept.len()), (10, 4));
    let hit = kept[0];
    assert_eq!(
        (hit.call.price.as_str(), hit.call.prompt_tokens, hit.key_name.as_deref()),
        ("0", 1000, Some("Reports"))
    );
    let asked = &calls[0].call.price;
    assert_eq!(hit.call.saved_price.as_ref(), Some(asked), "what it would have cost");
    let summary = report::summary(&rig.services, &rig.owner, SpendQuery::default()).await.unwrap();
    let sum = &summary.total[0];
    let price = asked.parse::<Decimal>().unwrap().ten_millionths();
    assert_eq!((sum.calls, sum.hits, sum.prompt_tokens, sum.price), (10, 4, 6_000, price * 6), "the vendor's six");
    assert_eq!((sum.saved_tokens, sum.saved_price), (4_400, price * 4));
    let keys = report::groups(&rig.services, &rig.owner, SpendQuery::default(), Group::Key).await.unwrap();
    assert_eq!(keys[0].label.as_deref(), Some("Reports"));

    let held = policies::get(&rig.services, &rig.owner).await.unwrap().held;
    assert_eq!(held.answers, 3, "{held:?}");
    assert_eq!(policies::purge(&rig.services, &rig.owner).await.unwrap(), held);
    let after = ask(&rig, &key, None, &body("who", 0.0, false)).await;
    assert_eq!((said(&after), state(&after).as_deref()), (json!("answer 7"), Some("miss")));
    decide(&rig, json!({"cache": {"enabled": true, "models": ["scripted/echo"]}})).await;
    let other = ask(&rig, &key, None, &body("who", 0.0, false)).await;
    assert_eq!((said(&other), state(&other)), (json!("answer 8"), None), "not for this model");
}

#[tokio::test]
async fn a_question_that_means_the_same_is_answered_alike() {
    let rig = Rig::new().await;
    let (services, owner) = (&rig.services, &rig.owner);
    let rules = json!({"cache": {"enabled": true, "semantic": true, "max_temperature": null}});
    let (field, _) = refused(&rig, rules.clone()).await;
    assert_eq!(field.as_deref(), Some("cache.semantic"), "there is nothing to compare by");
    let vectors = (ModelKind::TextEmbedding, Some((SCRIPTED.to_owned(), "embed-384".to_owned())));
    providers::set_default_models(services, owner, &[vectors]).await.unwrap();
    decide(&rig, rules).await;
    let (scope, echo) = (ModelScope::of(owner.tenant_id()), ModelRef::chat(SCRIPTED, "echo"));
    // The vectors of the scripted model are those of the words, in any order.
    for (text, answer, state) in [
        ("what does green tea cost", "what does green tea cost", CacheState::Miss),
        ("does green tea cost what", "what does green tea cost", CacheState::Semantic),
        ("what does green tea cost", "what does green tea cost", CacheState::Hit),
        ("where is the nearest station", "where is the nearest station", CacheState::Miss),
    ] {
        let (result, found) = told(&rig, &scope, &echo, request(text, json!({}))).await.unwrap();
        assert_eq!((result.text.as_str(), found), (answer, Some(state)), "{text}");
    }
    let system = ChatRequest {
        messages: vec![Message::system("In French."), Message::user("does green tea cost what")],
        ..request("", json!({}))
    };
    let (_, found) = told(&rig, &scope, &echo, system).await.unwrap();
    assert_eq!(found, Some(CacheState::Miss), "everything else is the same");
    let calls = calls(&rig).await;
    let vectors = calls.iter().filter(|view| view.call.kind == "text-embedding").count();
    assert_eq!(vectors, 4, "each comparison is a call: {calls:?}");
    let cached: Vec<_> = calls.iter().filter_map(|view| view.call.cache.as_deref()).collect();
    assert_eq!(cached, ["semantic", "hit"]);
}

#[tokio::test]
async fn some_calls_go_to_another_model() {
    let rig = Rig::new().await;
    let (scope, echo) = (ModelScope::of(rig.owner.tenant_id()), ModelRef::chat(SCRIPTED, "echo"));
    let rule = |name: &str, to: &str, more: Json| {
        let mut rule = json!({"name": name, "enabled": true, "to": to});
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule
    };
    let rules = json!({"tiers": [
        rule("tools", "scripted/json", json!({"models": ["scripted/tools"]})),
        rule("short", "scripted/json", json!({"models": ["scripted/echo"], "max_tokens": 30, "languages": ["en"]})),
        rule("gone", "scripted/nobody", json!({"min_tokens": 1_000})),
    ]});
    decide(&rig, rules).await;
    let served =
        |result: &ChatResult| result.usage.served.as_ref().map(|served| (served.model.clone(), served.rule.clone()));
    let (short, _) = told(&rig, &scope, &echo, request("what is the time", json!({}))).await.unwrap();
    assert_eq!(served(&short), Some(("json".to_owned(), Some("short".to_owned()))));
    let (german, _) = told(&rig, &scope, &echo, request("wie spät ist es, bitte", json!({}))).await.unwrap();
    assert_eq!((german.text.as_str(), served(&german)), ("wie spät ist es, bitte", None));
    let tool =
        ox_models::ToolSpec { name: "t".into(), description: String::new(), parameters: json!({"type": "object"}) };
    let tools = ChatRequest { tools: vec![tool], ..request("call it", json!({})) };
    let (called, _) = told(&rig, &scope, &ModelRef::chat(SCRIPTED, "tools"), tools).await.unwrap();
    assert_eq!((called.tool_calls.len(), served(&called)), (1, None), "the other cannot call tools");

    // In a run the trace tells both.
    let nodes = [
        ("s", start(json!([]))),
        ("m", llm("echo", json!({}), "what is the time")),
        ("e", end(&[("text", &["m", "text"])])),
    ];
    let app = rig
        .graph_app(
            "workflow",
            graph(&nodes, &[("s", "source", "m"), ("m", "source", "e")]),
            crate::rig::Draft::default(),
        )
        .await;
    let run =
        rig.post("/v1/workflows/run", &app, json!({"inputs": {}, "user": "ann", "response_mode": "streaming"})).await;
    let events = run.events();
    let node =
        events.iter().find(|event| event["event"] == "node_finished" && event["data"]["node_id"] == "m").unwrap();
    let expected = json!({"provider": SCRIPTED, "model": "json", "route": "tier", "rule": "short"});
    assert_eq!(node["data"]["process_data"]["answered_by"], expected, "{node}");
    assert_eq!(node["data"]["process_data"]["model_name"], "echo");

    let calls = calls(&rig).await;
    let row = &calls[0].call;
    let told = (row.model.as_str(), row.wanted_model.as_deref(), row.route.as_deref(), row.rule.as_deref());
    assert_eq!(told, ("json", Some("echo"), Some("tier"), Some("short")));
    assert_eq!((calls[1].call.wanted_model.as_deref(), calls[1].call.route.as_deref()), (None, None));

    // A chat and a completion tell it with their answers, and only then.
    let form = json!([{"paragraph": {"label": "Query", "variable": "query", "required": true}}]);
    for (mode, path, more) in [
        ("chat", "/v1/chat-messages", json!({})),
        ("completion", "/v1/completion-messages", json!({"pre_prompt": "{{query}}", "user_input_form": form})),
    ] {
        let app = rig.basic_app(mode, "echo", json!({}), more).await;
        for (query, expected) in [("what is the time", &expected), ("wie spät ist es, bitte", &Json::Null)] {
            let mut ask = json!({"inputs": {"query": query}, "user": "ann", "response_mode": "blocking",
                "auto_generate_name": false});
            if mode == "chat" {
                ask["query"] = query.into();
            }
            let told = rig.post(path, &app, ask).await.json();
            assert_eq!(&told["metadata"]["answered_by"], expected, "{mode} {query}: {told}");
        }
    }
    let agent_mode = json!({"enabled": true, "strategy": "function_call", "tools": []});
    let agent = rig.basic_app("agent-chat", "echo", json!({}), json!({"agent_mode": agent_mode})).await;
    let ask = json!({"inputs": {}, "query": "what is the time", "user": "ann", "response_mode": "streaming",
        "auto_generate_name": false});
    let events = rig.post("/v1/chat-messages", &agent, ask).await.events();
    let end = events.iter().find(|event| event["event"] == "message_end").unwrap();
    assert_eq!(end["metadata"]["answered_by"], expected, "{end}");
}

#[tokio::test]
async fn a_slow_model_gets_company() {
    let rig = Rig::near(&[]).await;
    Stub::start(&rig, Duration::from_secs(20)).await;
    let target = ModelTarget { model: MODEL.into(), kind: ModelKind::Llm };
    let chain = [(SCRIPTED.to_owned(), "echo".to_owned())];
    providers::set_fallbacks(&rig.services, &rig.owner, OPENAI, &target, &chain).await.unwrap();
    let hedging = json!({"models": [{"model": "openai/gpt-4o-mini", "after_ms": 20}], "max_percent": 10});
    decide(&rig, json!({"hedging": hedging})).await;
    let (scope, model) = (ModelScope::of(rig.owner.tenant_id()), ModelRef::chat("openai", MODEL));
    let (result, _) = told(&rig, &scope, &model, request("hello there", json!({}))).await.unwrap();
    assert_eq!(result.text, "hello there");
    let served = result.usage.served.unwrap();
    assert_eq!((served.model.as_str(), served.route.as_deref()), ("echo", Some("hedge")));
    let calls = calls(&rig).await;
    let rows: Vec<_> = calls
        .iter()
        .map(|view| {
            (view.call.model.as_str(), view.call.outcome.as_str(), view.call.route.as_deref(), view.call.estimated)
        })
        .collect();
    assert_eq!(rows.len(), 2, "both are in the log");
    assert!(rows.contains(&(MODEL, "cancelled", None, true)), "{rows:?}");
    assert!(rows.contains(&("echo", "ok", Some("hedge"), false)), "{rows:?}");
    let paid = calls.iter().find(|view| view.call.model == MODEL).unwrap();
    assert!(paid.call.prompt_tokens > 0 && paid.call.completion_tokens == 0, "{paid:?}");
    // One of ten calls may be made twice, and it was.
    let again = told(&rig, &scope, &model, request("hello there", json!({})));
    assert!(tokio::time::timeout(Duration::from_millis(300), again).await.is_err());
}

#[tokio::test]
async fn calls_wait_for_their_turn_or_are_refused() {
    let rig = Rig::new().await;
    let rates = json!([{"model": "scripted/echo", "concurrent": 1, "wait_seconds": 0}]);
    decide(&rig, json!({"rates": rates})).await;
    let (scope, echo) = (ModelScope::of(rig.owner.tenant_id()), ModelRef::chat(SCRIPTED, "echo"));
    let models = &rig.services.models;
    let open = models.chat(&scope, &echo, request("one", json!({}))).await.unwrap();
    let refused = models.chat(&scope, &echo, request("two", json!({}))).await.err().unwrap();
    assert!(matches!(refused.class, ErrorClass::RateLimit { retry_after: Some(_) }), "{refused}");
    for word in ["1 calls at the same time", "oxidify/scripted/echo", "owner or admin"] {
        assert!(refused.to_string().contains(word), "no {word}: {refused}");
    }
    let json = ModelRef::chat(SCRIPTED, "json");
    assert!(models.chat(&scope, &json, request("two", json!({}))).await.is_ok(), "another model");
    decide(&rig, json!({"rates": [{"model": "scripted/echo", "concurrent": 1, "wait_seconds": 30}]})).await;
    let kept = policies::get(&rig.services, &rig.owner).await.unwrap().rules.rates;
    let with_id = json!([{"id": kept[0].id, "model": "scripted/echo", "concurrent": 1, "wait_seconds": 30}]);
    decide(&rig, json!({"rates": with_id})).await;
    let first = models.chat(&scope, &echo, request("three", json!({}))).await.unwrap();
    let waiting = told(&rig, &scope, &echo, request("four", json!({})));
    let (answered, ()) = tokio::join!(waiting, async { drop(first) });
    assert_eq!(answered.unwrap().0.text, "four", "it had its turn");
    drop(open);
}

#[tokio::test]
async fn an_app_asks_what_is_listed_for_it() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "canned", json!({"text": "hi"}), json!({})).await;
    let said = async || {
        let ask = json!({"inputs": {}, "query": "q", "user": "ann", "response_mode": "blocking"});
        rig.post("/v1/chat-messages", &app, ask).await.json()
    };
    assert_eq!(said().await["answer"], "hi");
    decide(&rig, json!({"access": [{"app": app.id, "models": ["scripted/echo"]}]})).await;
    let refused = said().await;
    let text = refused["message"].as_str().unwrap_or_default();
    for word in ["oxidify/scripted/canned", "oxidify/scripted/echo", "Policies"] {
        assert!(text.contains(word), "no {word}: {refused}");
    }
    decide(&rig, json!({"access": [{"role": "editor", "models": ["scripted/echo"]}]})).await;
    assert_eq!(said().await["answer"], "hi", "visitors have no role");
    let account = rig.owner.account_id().unwrap();
    let owner = ModelScope { user: Some(account.to_string()), ..ModelScope::of(rig.owner.tenant_id()) };
    let canned = ModelRef::chat(SCRIPTED, "canned");
    assert!(told(&rig, &owner, &canned, request("q", json!({"text": "hi"}))).await.is_ok(), "an owner is free");
}

#[tokio::test]
async fn what_cannot_be_decided() {
    let rig = Rig::new().await;
    let tier = |more: Json| {
        let mut rule = json!({"name": "r", "enabled": true, "to": "scripted/echo"});
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"tiers": [rule]})
    };
    let app = ox_types::AppId::new();
    for (rules, field) in [
        (json!({"cache": {"threshold": 0.2}}), "cache.threshold"),
        (json!({"cache": {"max_age_seconds": 5}}), "cache.max_age_seconds"),
        (json!({"cache": {"max_megabytes": 0}}), "cache.max_megabytes"),
        (json!({"cache": {"max_temperature": 3}}), "cache.max_temperature"),
        (json!({"cache": {"models": []}}), "cache.models"),
        (json!({"cache": {"models": ["nobody/m"]}}), "cache.models"),
        (tier(json!({"name": " "})), "tiers"),
        (tier(json!({"to": "echo"})), "tiers"),
        (tier(json!({"min_tokens": 5, "max_tokens": 4})), "tiers"),
        (tier(json!({"max_complexity": 101})), "tiers"),
        (tier(json!({"languages": ["xx"]})), "tiers"),
        (tier(json!({"apps": [app]})), "tiers"),
        (tier(json!({"tags": [app]})), "tiers"),
        (json!({"hedging": {"max_percent": 0}}), "hedging.max_percent"),
        (json!({"hedging": {"models": [{"model": "scripted/echo", "after_ms": 1}]}}), "hedging"),
        (json!({"hedging": {"models": [{"model": "scripted/echo"}, {"model": "oxidify/scripted/echo"}]}}), "hedging"),
        (json!({"rates": [{"model": "scripted/echo"}]}), "rates"),
        (json!({"rates": [{"requests_per_minute": 0}]}), "rates"),
        (json!({"rates": [{"concurrent": 1, "wait_seconds": 61}]}), "rates"),
        (json!({"access": [{"role": "owner", "models": ["scripted/echo"]}]}), "access"),
        (json!({"access": [{"role": "normal"}]}), "access"),
        (json!({"access": [{"app": app, "models": ["scripted/echo"]}]}), "access"),
    ] {
        let (told, message) = refused(&rig, rules.clone()).await;
        assert_eq!(told.as_deref(), Some(field), "{rules}: {message}");
        assert!(!message.is_empty());
    }
    assert!(policies::get(&rig.services, &rig.owner).await.unwrap().rules.are_idle(), "nothing was kept");
}
