//! `/gateway/v1`: the models of a workspace for software outside, and the keys that open it.

use axum::http::Method;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::StreamExt as _;
use ox_app::{
    gateway_keys::{self, Draft},
    model::GatewayKey,
    providers::{
        self, ModelTarget,
        playground::{self, Candidate, Question, Told},
    },
};
use ox_models::ModelKind;
use ox_types::Json;
use serde_json::json;

use crate::rig::{Answer, Rig};

fn draft() -> Draft {
    Draft { name: "Reports".into(), allowed_models: None, requests_per_minute: None, expires_at: None, enabled: true }
}

async fn key(rig: &Rig, draft: Draft) -> (GatewayKey, String) {
    gateway_keys::create(&rig.services, &rig.owner, draft).await.unwrap()
}

async fn ask(rig: &Rig, key: &str, path: &str, body: Json) -> Answer {
    rig.call(Method::POST, &format!("/gateway/v1{path}"), key, Some(body)).await
}

fn chat(model: &str, more: Json) -> Json {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": "one two three"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[track_caller]
fn refused(answer: &Answer, status: u16, kind: &str, param: Option<&str>) {
    let error = answer.json()["error"].clone();
    let told = (answer.status.as_u16(), error["type"].as_str(), error["param"].as_str());
    assert_eq!(told, (status, Some(kind), param), "{error}");
    assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{error}");
}

fn pieces(answer: &Answer) -> Vec<String> {
    answer.text().split("\n\n").filter_map(|frame| frame.strip_prefix("data: ")).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_key_is_told_once_and_opens_the_gateway() {
    let rig = Rig::new().await;
    let (made, token) = key(&rig, draft()).await;
    assert!(token.starts_with("sk-ox-") && token.len() == 46 && token.starts_with(&made.token_prefix), "{token}");
    assert!(!made.token_hash.contains(&token));
    let models = rig.call(Method::GET, "/gateway/v1/models", &token, None).await.json();
    let ids: Vec<&str> = models["data"].as_array().unwrap().iter().filter_map(|model| model["id"].as_str()).collect();
    for id in ["scripted/echo", "scripted/embed-384", "scripted/rerank"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    assert!(!ids.contains(&"scripted/listen"), "only what the gateway serves: {ids:?}");
    for path in ["scripted/echo", "scripted%2Fecho", "oxidify/scripted/echo"] {
        let one = rig.call(Method::GET, &format!("/gateway/v1/models/{path}"), &token, None).await.json();
        assert_eq!((&one["id"], &one["owned_by"]), (&json!("scripted/echo"), &json!("scripted")), "{path}");
    }
    refused(&rig.call(Method::GET, "/gateway/v1/models/no", &token, None).await, 404, "invalid_request_error", None);
    let answer = ask(&rig, &token, "/chat/completions", chat("scripted/echo", json!({"user": "ann"}))).await.json();
    assert_eq!((&answer["object"], &answer["model"]), (&json!("chat.completion"), &json!("scripted/echo")));
    let choice = &answer["choices"][0];
    assert_eq!((&choice["message"]["content"], &choice["finish_reason"]), (&json!("one two three"), &json!("stop")));
    assert_eq!(answer["usage"]["total_tokens"], 6, "{answer}");
    // The name alone is enough where only one provider has it.
    let bare = ask(&rig, &token, "/chat/completions", chat("echo", json!({}))).await.json();
    assert_eq!(bare["choices"][0]["message"]["content"], "one two three", "{bare}");
    for _ in 0..500 {
        if gateway_keys::list(&rig.services, &rig.owner).await.unwrap()[0].last_used_at.is_some() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the use is never noted");
}

#[tokio::test]
async fn streams_tools_and_forms() {
    let rig = Rig::new().await;
    let (_, token) = key(&rig, draft()).await;
    let options = json!({"stream": true, "stream_options": {"include_usage": true}, "chunks": 3});
    let answer = ask(&rig, &token, "/chat/completions", chat("scripted/echo", options)).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
    let pieces_told = pieces(&answer);
    let events: Vec<Json> = pieces_told.iter().filter_map(|piece| serde_json::from_str(piece).ok()).collect();
    let said: String = events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!((said.as_str(), pieces_told.last().map(String::as_str)), ("one two three", Some("[DONE]")));
    assert_eq!(events.last().unwrap()["usage"]["total_tokens"], 6, "{events:?}");

    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let tools = json!([{"type": "function", "function": {"name": "other"}},
        {"type": "function", "function": {"name": "weather", "description": "d", "parameters": schema}}]);
    let choice = json!({"type": "function", "function": {"name": "weather"}});
    let body = chat("scripted/tools", json!({"tools": tools, "tool_choice": choice}));
    let answer = ask(&rig, &token, "/chat/completions", body).await.json();
    let message = &answer["choices"][0]["message"];
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    let call = message["tool_calls"][0].clone();
    assert_eq!((&message["content"], &call["function"]["name"]), (&Json::Null, &json!("weather")), "{message}");
    let arguments: Json = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    assert!(arguments["city"].is_string(), "{arguments}");
    let messages = json!([{"role": "user", "content": "q"}, message, {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}]);
    let answer = ask(
        &rig,
        &token,
        "/chat/completions",
        json!({"model": "scripted/tools", "messages": messages, "tools": tools}),
    );
    assert_eq!(answer.await.json()["choices"][0]["message"]["content"], "sunny");

    let format =
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}});
    let answer = ask(&rig, &token, "/chat/completions", chat("scripted/json", format)).await.json();
    let said: Json = serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert!(said["city"].is_string(), "{answer}");

    let image = json!([{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]);
    let seen = json!({"model": "scripted/echo", "messages": [{"role": "user", "content": image}]});
    assert_eq!(ask(&rig, &token, "/chat/completions", seen).await.json()["choices"][0]["message"]["content"], "look");
    let stopped = ask(&rig, &token, "/chat/completions", chat("scripted/echo", json!({"stop": ["two"]}))).await.json();
    assert_eq!(stopped["choices"][0]["message"]["content"], "one ");
    let more = ask(&rig, &token, "/completions", json!({"model": "scripted/echo", "prompt": "go on", "max_tokens": 5}))
        .await
        .json();
    assert_eq!((&more["object"], &more["choices"][0]["text"]), (&json!("text_completion"), &json!("go on")), "{more}");
    let more =
        ask(&rig, &token, "/completions", json!({"model": "scripted/echo", "prompt": "go on", "stream": true})).await;
    assert!(pieces(&more).first().is_some_and(|piece| piece.contains("\"text\":\"go")), "{}", more.text());
}

#[tokio::test]
async fn vectors_and_rankings() {
    let rig = Rig::new().await;
    let (_, token) = key(&rig, draft()).await;
    let embed = async |more: Json| {
        let mut body = json!({"model": "scripted/embed-384", "input": ["tea", "green tea"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ask(&rig, &token, "/embeddings", body).await
    };
    let plain = embed(json!({"dimensions": 384})).await.json();
    let numbers: Vec<f32> = serde_json::from_value(plain["data"][1]["embedding"].clone()).unwrap();
    assert_eq!(
        (numbers.len(), &plain["data"][1]["index"], &plain["usage"]["total_tokens"]),
        (384, &json!(1), &json!(3))
    );
    let coded = embed(json!({"encoding_format": "base64"})).await.json();
    let bytes = STANDARD.decode(coded["data"][1]["embedding"].as_str().unwrap()).unwrap();
    let read: Vec<f32> = bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    assert_eq!(read, numbers);
    refused(&embed(json!({"dimensions": 12})).await, 400, "invalid_request_error", Some("dimensions"));
    refused(&embed(json!({"input": [1, 2]})).await, 400, "invalid_request_error", Some("input"));
    let documents = json!(["coffee", {"text": "green tea"}, "tea"]);
    let body = json!({"model": "scripted/rerank", "query": "green tea", "documents": documents, "top_n": 2, "return_documents": true});
    let ranked = ask(&rig, &token, "/rerank", body).await.json();
    let order: Vec<(u64, &str)> = ranked["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["index"].as_u64().unwrap(), one["document"]["text"].as_str().unwrap()))
        .collect();
    assert_eq!(order, [(1, "green tea"), (2, "tea")], "{ranked}");
    assert!(ranked["usage"]["total_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn refusals_are_in_the_words_of_the_clients() {
    let rig = Rig::with(&[("OXIDIFY_MODEL_RETRIES", "0")]).await;
    let (made, token) = key(&rig, draft()).await;
    let go = async |key: &str, model: &str, more: Json| ask(&rig, key, "/chat/completions", chat(model, more)).await;
    for wrong in ["", "sk-ox-unknown", "app-x"] {
        refused(&go(wrong, "scripted/echo", json!({})).await, 401, "authentication_error", None);
    }
    refused(&go(&token, "scripted/nobody", json!({})).await, 404, "invalid_request_error", Some("model"));
    refused(&go(&token, "scripted/embed-384", json!({})).await, 404, "invalid_request_error", Some("model"));
    refused(&go(&token, "openai/gpt-4o", json!({})).await, 404, "invalid_request_error", Some("model"));
    refused(&go(&token, "scripted/echo", json!({"n": 3})).await, 400, "invalid_request_error", Some("n"));
    refused(
        &go(&token, "scripted/echo", json!({"chunks": "many"})).await,
        400,
        "invalid_request_error",
        Some("chunks"),
    );
    let failing = async |status: u64| go(&token, "scripted/fail", json!({"status": status, "retry_after": 30})).await;
    for (status, told, kind) in [
        (401, 502, "server_error"),
        (500, 503, "server_error"),
        (408, 504, "server_error"),
        (0, 502, "server_error"),
        (422, 400, "invalid_request_error"),
    ] {
        refused(&failing(status).await, told, kind, None);
    }
    let limited = failing(429).await;
    refused(&limited, 429, "rate_limit_error", None);
    assert_eq!(limited.headers["retry-after"], "30");
    let not_json = rig.call(Method::POST, "/gateway/v1/chat/completions", &token, Some(json!([]))).await;
    refused(&not_json, 400, "invalid_request_error", None);

    let few = Draft { allowed_models: Some(vec!["scripted/canned".into()]), requests_per_minute: Some(2), ..draft() };
    let (few, narrow) = key(&rig, few).await;
    assert_eq!(few.allowed_models, Some(vec!["oxidify/scripted/canned".to_owned()]));
    refused(&go(&narrow, "scripted/echo", json!({})).await, 403, "permission_error", Some("model"));
    let listed = rig.call(Method::GET, "/gateway/v1/models", &narrow, None).await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    // The minute may have turned in between; then there are two requests more.
    let mut last = go(&narrow, "canned", json!({})).await;
    for _ in 0..3 {
        if last.status == 429 {
            break;
        }
        assert_eq!(last.json()["choices"][0]["message"]["content"], "This is a canned answer.");
        last = go(&narrow, "canned", json!({})).await;
    }
    refused(&last, 429, "rate_limit_error", None);
    assert!(last.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 60);
    // What was refused was not counted: a limit that is one higher lets one more through.
    for _ in 0..3 {
        go(&narrow, "canned", json!({})).await;
    }
    let more = Draft { allowed_models: Some(vec!["scripted/canned".into()]), requests_per_minute: Some(3), ..draft() };
    gateway_keys::update(&rig.services, &rig.owner, few.id, more).await.unwrap();
    assert_eq!(go(&narrow, "canned", json!({})).await.status, 200);

    let change = async |draft: Draft| gateway_keys::update(&rig.services, &rig.owner, made.id, draft).await.unwrap();
    change(Draft { enabled: false, ..draft() }).await;
    refused(&go(&token, "scripted/echo", json!({})).await, 401, "authentication_error", None);
    change(Draft { expires_at: Some(ox_db::now() - chrono::Duration::seconds(1)), ..draft() }).await;
    refused(&go(&token, "scripted/echo", json!({})).await, 401, "authentication_error", None);
    change(draft()).await;
    assert_eq!(go(&token, "scripted/echo", json!({})).await.status, 200);
    gateway_keys::delete(&rig.services, &rig.owner, made.id).await.unwrap();
    refused(&go(&token, "scripted/echo", json!({})).await, 401, "authentication_error", None);
}

#[tokio::test]
async fn keys_that_make_no_sense_are_refused() {
    let rig = Rig::new().await;
    let models = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    for (wrong, field) in [
        (Draft { name: " ".into(), ..draft() }, "name"),
        (Draft { allowed_models: models(&[]), ..draft() }, "allowed_models"),
        (Draft { allowed_models: models(&["echo"]), ..draft() }, "allowed_models"),
        (Draft { allowed_models: models(&["nobody/echo"]), ..draft() }, "allowed_models"),
        (Draft { requests_per_minute: Some(u32::MAX), ..draft() }, "requests_per_minute"),
        (Draft { expires_at: Some(ox_db::now()), ..draft() }, "expires_at"),
    ] {
        let refused = gateway_keys::create(&rig.services, &rig.owner, wrong).await.unwrap_err();
        assert_eq!((refused.status, refused.field.as_deref()), (400, Some(field)), "{refused}");
    }
}

#[tokio::test]
async fn what_was_not_told_yet_is_taken_over() {
    let rig = Rig::new().await;
    let (services, owner) = (&rig.services, &rig.owner);
    let (_, token) = key(&rig, draft()).await;
    let target = ModelTarget { model: "fail".into(), kind: ModelKind::Llm };
    let chain = [("oxidify/scripted".to_owned(), "echo".to_owned())];
    providers::set_fallbacks(services, owner, "oxidify/scripted", &target, &chain).await.unwrap();
    let cut = |stream: bool| chat("scripted/fail", json!({"after_chunks": 2, "stream": stream}));
    let whole = ask(&rig, &token, "/chat/completions", cut(false)).await.json();
    assert_eq!(whole["choices"][0]["message"]["content"], "one two three", "{whole}");
    // Once told, a piece cannot be taken back: the break is told.
    let rig = Rig::new().await;
    let (_, token) = key(&rig, draft()).await;
    let told = pieces(&ask(&rig, &token, "/chat/completions", cut(true)).await);
    let last: Json = serde_json::from_str(told.last().unwrap()).unwrap();
    assert!(told.len() > 2 && last["error"]["message"].is_string(), "{told:?}");
}

#[tokio::test]
async fn one_question_to_several_models() {
    let rig = Rig::new().await;
    let candidate = |model: &str, parameters: Json| Candidate {
        provider: "scripted".into(),
        model: model.into(),
        parameters: parameters.as_object().unwrap().clone(),
    };
    let question = Question { system: "Be brief.".into(), user: "one two".into(), images: Vec::new() };
    let models = vec![
        candidate("echo", json!({"chunks": 2})),
        candidate("fail", json!({"status": 400, "after_chunks": 0})),
        candidate("canned", json!({"text": "hi"})),
    ];
    let told = playground::ask(&rig.services, &rig.owner, models, question.clone()).unwrap();
    let told: Vec<(usize, Told)> = told.collect().await;
    let said = |wanted: usize| -> String {
        let of = |(index, told): &(usize, Told)| match told {
            Told::Piece { text, .. } if *index == wanted => Some(text.clone()),
            _ => None,
        };
        told.iter().filter_map(of).collect()
    };
    assert_eq!((said(0).as_str(), said(1).as_str(), said(2).as_str()), ("one two", "", "hi"));
    let ends: Vec<usize> =
        told.iter().filter(|(_, told)| matches!(told, Told::Done(_))).map(|(index, _)| *index).collect();
    assert!(ends.len() == 2 && ends.contains(&0) && ends.contains(&2), "{told:?}");
    let failed = told.iter().find(|(_, told)| matches!(told, Told::Failed { .. })).map(|(index, _)| *index);
    assert_eq!(failed, Some(1));
    let measured = told.iter().find_map(|(index, told)| match told {
        Told::Done(measured) if *index == 0 => Some(measured),
        _ => None,
    });
    let measured = measured.unwrap();
    assert!(measured.first_token.is_some_and(|first| first <= measured.total), "{measured:?}");
    assert_eq!((measured.usage.completion_tokens, measured.cost.is_some()), (2, true));
    let ask = |models: Vec<Candidate>, question: Question| {
        playground::ask(&rig.services, &rig.owner, models, question).err().map(|error| (error.status, error.field))
    };
    let echo = candidate("echo", json!({}));
    assert_eq!(ask(vec![], question.clone()), Some((400, Some("models".into()))));
    assert_eq!(ask(vec![echo.clone(); 5], question.clone()), Some((400, Some("models".into()))));
    assert_eq!(ask(vec![echo.clone()], Question::default()), Some((400, Some("user".into()))));
    let nobody = Candidate { provider: "nobody".into(), ..echo };
    assert_eq!(ask(vec![nobody], question), Some((404, None)));
}
