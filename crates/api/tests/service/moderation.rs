//! Sensitive words and external data: keywords, models, API extensions; inputs, answers, streams (C12, J14, J15).

use std::sync::{Arc, Mutex};

use axum::{Json as Body, Router, extract::State, http::HeaderMap, routing::post};
use ox_app::extensions::{self, ExtensionForm};
use ox_types::Json;
use serde_json::json;

use crate::rig::{Draft, Rig, TestApp, chatflow, graph, llm, names, shape, start, text_of};

fn ask(query: &str, mode: &str) -> Json {
    json!({"inputs": {}, "query": query, "user": "abc-123", "response_mode": mode})
}

/// The setting: answers of the two directions, empty for off.
fn words(words: &str, inputs: &str, outputs: &str) -> Json {
    feature("keywords", json!({"keywords": words}), inputs, outputs)
}

fn feature(kind: &str, mut config: Json, inputs: &str, outputs: &str) -> Json {
    let side = |preset: &str| json!({"enabled": !preset.is_empty(), "preset_response": preset});
    config["inputs_config"] = side(inputs);
    config["outputs_config"] = side(outputs);
    json!({"enabled": true, "type": kind, "config": config})
}

async fn chat(rig: &Rig, model: &str, parameters: Json, avoid: Json) -> TestApp {
    rig.basic_app("chat", model, parameters, json!({"sensitive_word_avoidance": avoid})).await
}

async fn flow(rig: &Rig, graph: Json, avoid: Json) -> TestApp {
    let draft = Draft { features: json!({"sensitive_word_avoidance": avoid}), ..Draft::default() };
    rig.graph_app("advanced-chat", graph, draft).await
}

async fn stored(rig: &Rig, app: &TestApp, event: &Json) -> Json {
    let conversation = event["conversation_id"].as_str().unwrap();
    let path = format!("/v1/messages?conversation_id={conversation}&user=abc-123");
    rig.get(&path, app).await.json()["data"].as_array().unwrap().last().unwrap().clone()
}

#[tokio::test]
async fn words_of_an_input_are_answered_by_the_prepared_text() {
    let rig = Rig::new().await;
    let basic = chat(&rig, "echo", json!({}), words("BOMB\ngun", "Not here.", "")).await;
    let graph = chatflow(json!([]), "echo", json!({}));
    let flow = flow(&rig, graph, words("bomb", "Not here.", "")).await;
    for (app, expected) in [(&basic, vec!["message", "message_end"]), (&flow, vec!["message", "message_end"])] {
        let events = rig.post("/v1/chat-messages", app, ask("a Bomb!", "streaming")).await.events();
        assert_eq!(shape(&events), expected, "C12");
        assert_eq!(text_of(&events), "Not here.");
        let usage = &events.last().unwrap()["metadata"]["usage"];
        assert_eq!((&usage["total_tokens"], &usage["total_price"]), (&json!(0), &json!("0.0")), "{usage}");
        let message = stored(&rig, app, &events[0]).await;
        assert_eq!((&message["query"], &message["answer"]), (&json!("a Bomb!"), &json!("Not here.")));
        let body = rig.post("/v1/chat-messages", app, ask("my gun and bomb", "blocking")).await.json();
        assert_eq!(body["answer"], "Not here.");
        let fine = rig.post("/v1/chat-messages", app, ask("a flower", "blocking")).await.json();
        assert_eq!(fine["answer"], "a flower");
    }
    let events = rig.post("/v1/chat-messages", &flow, ask("bomb", "streaming")).await.events();
    assert_eq!(names(&events), ["message", "message_end"], "one piece, no run");
    // A conversation goes on after it.
    let mut next = ask("and now?", "blocking");
    next["conversation_id"] = events[0]["conversation_id"].clone();
    assert_eq!(rig.post("/v1/chat-messages", &flow, next).await.json()["answer"], "and now?");
    // Visitors are not told which words.
    let parameters = rig.get("/v1/parameters", &basic).await;
    assert!(!parameters.text().to_lowercase().contains("bomb"), "{}", parameters.text());
    let told = &parameters.json()["sensitive_word_avoidance"];
    assert_eq!(told, &json!({"enabled": true, "type": "keywords", "configs": []}));
}

#[tokio::test]
async fn words_of_an_input_form_count_too() {
    let rig = Rig::new().await;
    let form = json!([{"paragraph": {"label": "T", "variable": "t", "required": true}}]);
    let more =
        json!({"pre_prompt": "{{t}}", "user_input_form": form, "sensitive_word_avoidance": words("gun", "No.", "")});
    let app = rig.basic_app("completion", "echo", json!({}), more).await;
    let body = |text: &str| json!({"inputs": {"t": text}, "user": "u", "response_mode": "blocking"});
    assert_eq!(rig.post("/v1/completion-messages", &app, body("a GUN")).await.json()["answer"], "No.");
    assert_eq!(rig.post("/v1/completion-messages", &app, body("a rose")).await.json()["answer"], "a rose");
}

#[tokio::test]
async fn an_answer_is_replaced_as_soon_as_it_is_seen() {
    let rig = Rig::with(&[("MODERATION_BUFFER_SIZE", "10")]).await;
    let long = json!({"text": "one two three gun four five six seven eight nine ten", "tokens_per_s": 200});
    let app = chat(&rig, "canned", long.clone(), words("gun", "", "Cut.")).await;
    let events = rig.post("/v1/chat-messages", &app, ask("hi", "streaming")).await.events();
    assert_eq!(shape(&events), ["message", "message_replace", "message_end"]);
    let replaced = events.iter().find(|event| event["event"] == "message_replace").unwrap();
    assert_eq!((&replaced["answer"], &replaced["reason"]), (&json!("Cut."), &json!("")));
    assert!(!text_of(&events).contains("nine"), "{}", text_of(&events));
    assert_eq!(stored(&rig, &app, &events[0]).await["answer"], "Cut.");
    let usage = &events.last().unwrap()["metadata"]["usage"];
    assert!(usage["completion_tokens"].as_u64().unwrap() > 0, "what was generated is counted: {usage}");
    // The same in a chatflow stops the run.
    let app = flow(&rig, chatflow(json!([]), "canned", long), words("gun", "", "Cut.")).await;
    let events = rig.post("/v1/chat-messages", &app, ask("hi", "streaming")).await.events();
    let all = names(&events);
    assert_eq!(all[all.len() - 3..], ["message_replace", "workflow_finished", "message_end"], "{all:?}");
    let [.., replaced, finished, _] = &events[..] else { panic!("{all:?}") };
    assert_eq!((&replaced["answer"], &replaced["reason"]), (&json!("Cut."), &json!("output_moderation")));
    let data = &finished["data"];
    assert_eq!((&data["status"], &data["error"]), (&json!("stopped"), &json!("Stopped by output moderation.")));
    assert!(!text_of(&events).contains("nine"), "{}", text_of(&events));
    assert_eq!(stored(&rig, &app, &events[0]).await["answer"], "Cut.");
    assert_eq!(rig.post("/v1/chat-messages", &app, ask("hi", "blocking")).await.json()["answer"], "Cut.");
}

#[tokio::test]
async fn a_short_answer_is_judged_at_its_end() {
    let rig = Rig::new().await;
    let short = json!({"text": "take the gun"});
    let app = chat(&rig, "canned", short.clone(), words("gun", "", "Cut.")).await;
    let events = rig.post("/v1/chat-messages", &app, ask("hi", "streaming")).await.events();
    assert_eq!(shape(&events), ["message", "message_replace", "message_end"]);
    assert_eq!(rig.post("/v1/chat-messages", &app, ask("hi", "blocking")).await.json()["answer"], "Cut.");
    let app = flow(&rig, chatflow(json!([]), "canned", short), words("gun", "", "Cut.")).await;
    let events = rig.post("/v1/chat-messages", &app, ask("hi", "streaming")).await.events();
    let all = names(&events);
    assert_eq!(all[all.len() - 3..], ["workflow_finished", "message_replace", "message_end"], "{all:?}");
    assert_eq!(events[events.len() - 3]["data"]["status"], "succeeded");
    assert_eq!(stored(&rig, &app, &events[0]).await["answer"], "Cut.");
    // An innocent answer keeps the usual order.
    let app = flow(&rig, chatflow(json!([]), "echo", json!({})), words("gun", "", "Cut.")).await;
    let events = rig.post("/v1/chat-messages", &app, ask("a rose", "streaming")).await.events();
    let all = names(&events);
    assert_eq!(all[all.len() - 2..], ["message_end", "workflow_finished"], "{all:?}");
    assert!(!all.contains(&"message_replace"));
}

/// What a stub was asked, and what it says.
#[derive(Clone, Default)]
struct Stub {
    asked: Arc<Mutex<Vec<Json>>>,
    answers: Arc<Mutex<Json>>,
    keys: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    fn say(&self, point: &str, answer: Json) {
        let mut answers = self.answers.lock().unwrap();
        if answers.is_null() {
            *answers = json!({"ping": {"result": "pong"}});
        }
        answers[point] = answer;
    }

    fn asked(&self, point: &str) -> Vec<Json> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|body| body["point"] == point).map(|body| body["params"].clone()).collect()
    }
}

async fn answer(State(stub): State<Stub>, headers: HeaderMap, Body(body): Body<Json>) -> Body<Json> {
    stub.keys.lock().unwrap().push(headers["authorization"].to_str().unwrap().to_owned());
    let answer = stub.answers.lock().unwrap()[body["point"].as_str().unwrap_or("moderations")].clone();
    stub.asked.lock().unwrap().push(body);
    Body(answer)
}

/// Judges like a moderation model: what holds `gun` is flagged.
async fn judge(State(stub): State<Stub>, Body(body): Body<Json>) -> Body<Json> {
    let of = |text: &Json| json!({"flagged": text.as_str().unwrap().contains("gun")});
    let results: Vec<Json> = body["input"].as_array().unwrap().iter().map(of).collect();
    stub.asked.lock().unwrap().push(body);
    Body(json!({"id": "modr-1", "model": "omni-moderation-latest", "results": results}))
}

async fn stub() -> (Stub, String) {
    let stub = Stub::default();
    stub.say("ping", json!({"result": "pong"}));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/extension", post(answer))
        .route("/v1/moderations", post(judge))
        .route("/v1/models", axum::routing::get(|| async { Body(json!({"object": "list", "data": []})) }))
        .route("/broken", post(|| async { (axum::http::StatusCode::BAD_GATEWAY, "boom".repeat(50)) }))
        .with_state(stub.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (stub, url)
}

fn form(url: &str) -> ExtensionForm {
    ExtensionForm { name: "Guard".into(), api_endpoint: format!("{url}/extension"), api_key: "secret-key".into() }
}

#[tokio::test]
async fn an_extension_is_saved_when_it_answers() {
    let rig = Rig::near(&[]).await;
    let (stub, url) = stub().await;
    stub.say("ping", json!({"result": "x"}));
    let refused = extensions::create(&rig.services, &rig.owner, form(&url)).await.unwrap_err();
    assert!(refused.status == 400 && refused.message.starts_with("connection error: "), "J14: {refused}");
    stub.say("ping", json!({"result": "pong"}));
    let made = extensions::create(&rig.services, &rig.owner, form(&url)).await.unwrap();
    assert_eq!(made.api_key, "sec******key");
    assert_eq!(stub.keys.lock().unwrap().last().unwrap(), "Bearer secret-key");
    let twice = extensions::create(&rig.services, &rig.owner, form(&url)).await.unwrap_err();
    assert_eq!((twice.status, twice.field.as_deref()), (400, Some("name")));
    let broken = ExtensionForm { name: "Other".into(), api_endpoint: format!("{url}/broken"), ..form(&url) };
    let refused = extensions::create(&rig.services, &rig.owner, broken.clone()).await.unwrap_err();
    let text = format!("connection error: request error, status_code: 502, content: {}", "boom".repeat(25));
    assert_eq!(refused.message, text);
    // The stored key stays with its address.
    let keep = ExtensionForm { api_key: extensions::KEEP.into(), name: "New name".into(), ..form(&url) };
    let renamed = extensions::update(&rig.services, &rig.owner, made.id, keep.clone()).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.api_key.as_str()), ("New name", "sec******key"));
    let moved = ExtensionForm { api_endpoint: format!("{url}/broken"), ..keep };
    let refused = extensions::update(&rig.services, &rig.owner, made.id, moved).await.unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("api_key"));
    // Where private addresses are closed, so are these calls.
    let closed = Rig::new().await;
    let refused = extensions::create(&closed.services, &closed.owner, form(&url)).await.unwrap_err();
    assert!(refused.message.contains("blocked by SSRF protection"), "{refused}");
    extensions::delete(&rig.services, &rig.owner, made.id).await.unwrap();
    assert_eq!(extensions::delete(&rig.services, &rig.owner, made.id).await.unwrap_err().status, 404);
}

#[tokio::test]
async fn an_extension_answers_or_replaces() {
    let rig = Rig::near(&[("MODERATION_BUFFER_SIZE", "5")]).await;
    let (stub, url) = stub().await;
    let id = extensions::create(&rig.services, &rig.owner, form(&url)).await.unwrap().id;
    let avoid = feature("api", json!({"api_based_extension_id": id}), "x", "x");
    let basic = chat(&rig, "echo", json!({}), avoid.clone()).await;
    let flow = flow(&rig, chatflow(json!([]), "echo", json!({})), avoid).await;
    stub.say("app.moderation.output", json!({"flagged": false, "action": "direct_output"}));
    for app in [&basic, &flow] {
        let overridden = json!({"flagged": true, "action": "overridden", "inputs": {}, "query": "a kind question"});
        stub.say("app.moderation.input", overridden);
        let events = rig.post("/v1/chat-messages", app, ask("my card is 4711", "streaming")).await.events();
        assert_eq!(text_of(&events), "a kind question", "J15");
        let asked = stub.asked("app.moderation.input").pop().unwrap();
        assert_eq!(asked, json!({"app_id": app.id, "inputs": {}, "query": "my card is 4711"}));
        assert_eq!(stored(&rig, app, &events[0]).await["query"], "my card is 4711", "the user's own words stay");
        let direct = json!({"flagged": true, "action": "direct_output", "preset_response": "Ask nicely."});
        stub.say("app.moderation.input", direct);
        assert_eq!(rig.post("/v1/chat-messages", app, ask("hi", "blocking")).await.json()["answer"], "Ask nicely.");
        stub.say("app.moderation.input", json!({"flagged": false, "action": "direct_output"}));
        // An answer that is put another way.
        stub.say("app.moderation.output", json!({"flagged": true, "action": "overridden", "text": "[hidden]"}));
        let body = rig.post("/v1/chat-messages", app, ask("hush", "blocking")).await.json();
        assert_eq!(body["answer"], "[hidden]");
        assert_eq!(stub.asked("app.moderation.output").pop().unwrap(), json!({"app_id": app.id, "text": "hush"}));
        // One that cannot be judged stays; an input that cannot be judged is refused.
        stub.say("app.moderation.output", json!({"flagged": true}));
        assert_eq!(rig.post("/v1/chat-messages", app, ask("stays", "blocking")).await.json()["answer"], "stays");
        stub.say("app.moderation.output", json!({"flagged": false, "action": "overridden"}));
        stub.say("app.moderation.input", json!({"what": 1}));
        let refused = rig.post("/v1/chat-messages", app, ask("hi", "blocking")).await;
        refused.expect_error_with(400, "invalid_param", &["flagged"]);
    }
    extensions::delete(&rig.services, &rig.owner, id).await.unwrap();
    let gone = rig.post("/v1/chat-messages", &basic, ask("hi", "blocking")).await;
    gone.expect_error(400, "invalid_param", "API-based Extension not found.");
}

#[tokio::test]
async fn a_slow_judgement_does_not_hold_up_the_stream() {
    let rig = Rig::near(&[("MODERATION_BUFFER_SIZE", "4")]).await;
    let (stub, url) = stub().await;
    let id = extensions::create(&rig.services, &rig.owner, form(&url)).await.unwrap().id;
    stub.say("app.moderation.output", json!({"flagged": true, "action": "direct_output", "preset_response": "Cut."}));
    let long = json!({"text": "a b c d e f g h i j k l m n o p q r s t", "tokens_per_s": 20});
    let avoid = feature("api", json!({"api_based_extension_id": id}), "", "x");
    let app = flow(&rig, chatflow(json!([]), "canned", long), avoid).await;
    let events = rig.post("/v1/chat-messages", &app, ask("hi", "streaming")).await.events();
    let all = names(&events);
    assert_eq!(all[all.len() - 3..], ["message_replace", "workflow_finished", "message_end"], "{all:?}");
    assert!(!text_of(&events).contains('t'), "{}", text_of(&events));
    assert_eq!(stored(&rig, &app, &events[0]).await["answer"], "Cut.");
}

#[tokio::test]
async fn a_moderation_model_is_asked() {
    let rig = Rig::near(&[]).await;
    let (stub, url) = stub().await;
    let credentials = json!({"openai_api_key": "sk-test", "openai_api_base": format!("{url}/v1")});
    let avoid = feature("openai_moderation", json!({}), "Not here.", "Cut.");
    let app = chat(&rig, "echo", json!({}), avoid.clone()).await;
    let unset = rig.post("/v1/chat-messages", &app, ask("hi", "blocking")).await;
    unset.expect_error(400, "provider_not_initialize", "");
    let credentials = credentials.as_object().unwrap();
    ox_app::providers::add_credential(&rig.services, &rig.owner, "openai", credentials, None).await.unwrap();
    assert_eq!(rig.post("/v1/chat-messages", &app, ask("a gun", "blocking")).await.json()["answer"], "Not here.");
    assert_eq!(rig.post("/v1/chat-messages", &app, ask("a rose", "blocking")).await.json()["answer"], "a rose");
    let last = stub.asked.lock().unwrap().last().unwrap().clone();
    assert_eq!((&last["model"], &last["input"]), (&json!("omni-moderation-latest"), &json!(["a rose"])));
    let outputs = feature("openai_moderation", json!({}), "", "Cut.");
    let app = chat(&rig, "canned", json!({"text": "take the gun"}), outputs).await;
    assert_eq!(rig.post("/v1/chat-messages", &app, ask("hi", "blocking")).await.json()["answer"], "Cut.");
}

#[tokio::test]
async fn settings_that_cannot_work_are_not_saved() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let model = json!({"provider": "oxidify/scripted", "name": "echo", "mode": "chat"});
    for avoid in [
        json!("x"),
        words("", "No.", ""),
        words("a", "", ""),
        feature("api", json!({"api_based_extension_id": ox_types::new_uuid()}), "x", ""),
        feature("cloud", json!({}), "x", ""),
    ] {
        let config = json!({"model": model, "sensitive_word_avoidance": avoid});
        let error = ox_app::model_config::set(&rig.services, &rig.owner, app.id, &config).await.unwrap_err();
        assert_eq!((error.status, error.field.as_deref()), (400, Some("sensitive_word_avoidance")), "{avoid}");
    }
    let draft = Draft {
        features: json!({"sensitive_word_avoidance": words("", "No.", "")}),
        publish: false,
        ..Draft::default()
    };
    let flow = rig.graph_app("advanced-chat", chatflow(json!([]), "echo", json!({})), draft).await;
    let error = ox_app::workflows::publish(&rig.services, &rig.owner, flow.id, None, None).await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("sensitive_word_avoidance"));
    // A workflow has no answer to moderate: the setting is kept and not looked at.
    let graph = graph(&[("s", start(json!([]))), ("llm", llm("echo", json!({}), "x"))], &[("s", "source", "llm")]);
    let draft = Draft { features: json!({"sensitive_word_avoidance": words("", "", "")}), ..Draft::default() };
    rig.graph_app("workflow", graph, draft).await;
}

#[tokio::test]
async fn external_data_fills_a_variable_before_the_model_is_asked() {
    let rig = Rig::near(&[]).await;
    let (stub, url) = stub().await;
    let id = extensions::create(&rig.services, &rig.owner, form(&url)).await.unwrap().id;
    stub.say("app.external_data_tool.query", json!({"result": "sunny"}));
    let tool = |id: &str| json!([{"enabled": true, "type": "api", "variable": "weather", "config": {"api_based_extension_id": id}}]);
    let form = json!([{"text-input": {"label": "City", "variable": "city", "required": true}}]);
    let more = |tools: Json| json!({"pre_prompt": "{{city}}: {{weather}}", "user_input_form": form, "external_data_tools": tools});
    let template = json!({"template": "{{ messages[0].content }}"});
    let app = rig.basic_app("chat", "template", template.clone(), more(tool(&id.to_string()))).await;
    let body = json!({"inputs": {"city": "Paris"}, "query": "hm?", "user": "u", "response_mode": "blocking"});
    let answer = rig.post("/v1/chat-messages", &app, body.clone()).await.json();
    assert_eq!(answer["answer"], "Paris: sunny", "{answer}");
    let asked = stub.asked("app.external_data_tool.query").pop().unwrap();
    let expected = json!({"app_id": app.id, "tool_variable": "weather", "inputs": {"city": "Paris"}, "query": "hm?"});
    assert_eq!(asked, expected);
    for (result, text) in [
        (json!({}), "[External data tool] API query failed, variable: weather, error: result not found in response"),
        (json!({"result": 5}), "[External data tool] API query failed, variable: weather, error: result is not string"),
    ] {
        stub.say("app.external_data_tool.query", result);
        rig.post("/v1/chat-messages", &app, body.clone()).await.expect_error(400, "invalid_param", text);
    }
    let lost = rig.basic_app("chat", "template", template, more(tool(&ox_types::new_uuid().to_string()))).await;
    let refused = rig.post("/v1/chat-messages", &lost, body).await;
    refused.expect_error_with(400, "invalid_param", &["weather", "API-based Extension not found"]);
}
