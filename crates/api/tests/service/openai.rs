//! Apps as models of OpenAI's chat completions; limits and scopes of keys; names of requests.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request},
};
use base64::Engine as _;
use futures::StreamExt as _;
use ox_app::apps::{self, KeyChange};
use ox_types::Json;
use serde_json::json;
use tower::ServiceExt as _;

use crate::{
    files::upload,
    rig::{Answer, Draft, Rig, TestApp, chatflow, end, graph, llm, passthrough, start},
};

fn path(app: &TestApp) -> String {
    format!("/v1/openai/{}/chat/completions", app.id)
}

fn say(text: &str) -> Json {
    json!({"model": "any", "messages": [{"role": "user", "content": text}]})
}

fn with(mut body: Json, more: Json) -> Json {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn ask(rig: &Rig, app: &TestApp, body: Json) -> Answer {
    rig.post(&path(app), app, body).await
}

fn content(answer: &Answer) -> String {
    let json = answer.json();
    json["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{json}")).to_owned()
}

/// The pieces of a stream, which ends with `[DONE]`.
fn pieces(answer: &Answer) -> Vec<Json> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    let mut lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(lines.pop(), Some("[DONE]"), "{text}");
    lines.into_iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text_of(pieces: &[Json]) -> String {
    pieces.iter().filter_map(|piece| piece["choices"][0]["delta"]["content"].as_str()).collect()
}

#[tokio::test]
async fn a_chat_answers_whole_and_in_pieces() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let answer = ask(&rig, &app, with(say("one two three"), json!({"user": "ann"}))).await;
    let json = answer.json();
    assert_eq!((&json["object"], &json["model"]), (&json!("chat.completion"), &json!("any")), "{json}");
    assert!(json["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(json["choices"][0]["message"], json!({"role": "assistant", "content": "one two three"}));
    assert_eq!(json["choices"][0]["finish_reason"], "stop");
    let usage = &json["usage"];
    let count = |name: &str| usage[name].as_u64().unwrap();
    assert!(count("completion_tokens") > 0 && count("prompt_tokens") > 0, "{usage}");
    assert_eq!(count("total_tokens"), count("completion_tokens") + count("prompt_tokens"));
    assert!(answer.headers.contains_key("x-conversation-id") && answer.headers.contains_key("x-task-id"));
    let told =
        ask(&rig, &app, with(say("one two three"), json!({"stream": true, "stream_options": {"include_usage": true}})))
            .await;
    assert_eq!(told.headers["content-type"], "text/event-stream; charset=utf-8");
    let pieces = pieces(&told);
    assert_eq!(pieces[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(text_of(&pieces), "one two three");
    assert!(pieces.len() > 4, "one piece a word");
    let [.., finish, last] = &pieces[..] else { panic!("{pieces:?}") };
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!((&last["choices"], last["usage"]["total_tokens"].as_u64() > Some(0)), (&json!([]), true), "{last}");
    assert!(pieces.iter().all(|piece| piece["id"] == last["id"] && piece["object"] == "chat.completion.chunk"));
    // It is a message like any other.
    let conversation = answer.headers["x-conversation-id"].to_str().unwrap();
    let kept = rig.get(&format!("/v1/messages?user=ann&conversation_id={conversation}"), &app).await.json();
    assert_eq!(kept["data"][0]["query"], "one two three", "{kept}");
}

/// What the model was asked, as the log keeps it.
async fn prompt(rig: &Rig, app: &TestApp, answer: &Answer) -> String {
    let id = answer.headers["x-message-id"].to_str().unwrap().parse().unwrap();
    let message = ox_db::repo::messages::find(&rig.services.db, app.id, id).await.unwrap().unwrap();
    let prompt: Json = serde_json::from_str(message.message.as_deref().unwrap()).unwrap();
    let lines = prompt.as_array().unwrap().iter();
    lines
        .map(|line| format!("{}: {}", line["role"].as_str().unwrap(), line["text"].as_str().unwrap()))
        .collect::<Vec<_>>()
        .join("|")
}

fn dialogue() -> Json {
    json!({"model": "m", "messages": [
        {"role": "system", "content": "Be brief."}, {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "q1"}, {"role": "assistant", "content": "a1"}, {"role": "user", "content": "now"}]})
}

#[tokio::test]
async fn the_history_in_the_messages_is_honoured() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({"pre_prompt": "You are a guide."})).await;
    let answer = ask(&rig, &app, dialogue()).await;
    assert_eq!(content(&answer), "now");
    let expected = "system: You are a guide.|system: Be brief.|assistant: Hello|user: q1|assistant: a1|user: now";
    assert_eq!(prompt(&rig, &app, &answer).await, expected);
    // Who goes on with the conversation kept here has that history, and what was said since.
    let conversation = answer.headers["x-conversation-id"].to_str().unwrap();
    let next = ask(&rig, &app, with(say("and then"), json!({"conversation_id": conversation}))).await;
    let expected =
        "system: You are a guide.|assistant: Hello|user: q1|assistant: a1|user: now|assistant: now|user: and then";
    assert_eq!(prompt(&rig, &app, &next).await, expected);
    assert_eq!(next.headers["x-conversation-id"].to_str().unwrap(), conversation);
    // A chatflow's nodes with memory have it, too.
    let mut node = llm(
        "template",
        json!({"template": "{% for m in messages %}{{ m.role }}={{ m.content }};{% endfor %}"}),
        "{{#sys.query#}}",
    );
    node["memory"] = json!({"window": {"enabled": false, "size": 50}, "query_prompt_template": "{{#sys.query#}}"});
    let flow = graph(
        &[("s", start(json!([]))), ("llm", node), ("a", json!({"type": "answer", "answer": "{{#llm.text#}}"}))],
        &[("s", "source", "llm"), ("llm", "source", "a")],
    );
    let flow = rig.graph_app("advanced-chat", flow, Draft::default()).await;
    let answer = ask(&rig, &flow, dialogue()).await;
    let said = content(&answer);
    assert!(said.contains("user=q1;assistant=a1;"), "{said}");
    assert_eq!(answer.headers["x-oxidify-ignored"], "system");
    let plain = content(&ask(&rig, &flow, say("now")).await);
    assert!(!plain.contains("q1"), "{plain}");
}

#[tokio::test]
async fn other_modes_take_the_question_as_an_input() {
    let rig = Rig::new().await;
    let form = json!([{"variable": "topic", "label": "T", "type": "paragraph", "required": true}]);
    let workflow = rig.graph_app("workflow", passthrough(&form), Draft::default()).await;
    assert_eq!(content(&ask(&rig, &workflow, say("tea")).await), "tea", "one text is the answer");
    assert_eq!(text_of(&pieces(&ask(&rig, &workflow, with(say("tea"), json!({"stream": true}))).await)), "tea");
    let form = json!([{"variable": "a", "type": "paragraph", "label": "A", "required": true}, {"variable": "n", "label": "N", "type": "number"}]);
    let two = rig.graph_app("workflow", passthrough(&form), Draft::default()).await;
    let answer = ask(&rig, &two, with(say("x"), json!({"metadata": {"n": "5"}}))).await;
    assert_eq!(content(&answer), r#"{"a":"x","n":5}"#);
    let model = graph(
        &[
            ("s", start(form.clone())),
            ("llm", llm("echo", json!({}), "{{#s.a#}}")),
            ("e", end(&[("t", &["llm", "text"])])),
        ],
        &[("s", "source", "llm"), ("llm", "source", "e")],
    );
    let model = rig.graph_app("workflow", model, Draft::default()).await;
    let answer = ask(&rig, &model, say("one two")).await.json();
    assert_eq!(answer["choices"][0]["message"]["content"], "one two");
    assert!(answer["usage"]["completion_tokens"].as_u64() > Some(0), "{answer}");
    let form = json!([{"paragraph": {"variable": "query", "label": "Q", "required": true}}]);
    let more = json!({"pre_prompt": "Say {{query}}", "user_input_form": form});
    let completion = rig.basic_app("completion", "echo", json!({}), more).await;
    assert!(content(&ask(&rig, &completion, say("this")).await).contains("Say this"));
}

#[tokio::test]
async fn the_answer_ends_at_a_stop_word() {
    let rig = Rig::new().await;
    let slow = json!({"text": "one two three four five", "tokens_per_s": 20});
    let app = rig.basic_app("chat", "canned", slow, json!({})).await;
    let answer = ask(&rig, &app, with(say("x"), json!({"stop": ["three"]}))).await;
    assert_eq!(content(&answer), "one two ");
    let streamed = pieces(&ask(&rig, &app, with(say("x"), json!({"stop": "o th", "stream": true}))).await);
    assert_eq!(text_of(&streamed), "one tw");
    assert_eq!(streamed.last().unwrap()["choices"][0]["finish_reason"], "stop");
    let id = answer.headers["x-message-id"].to_str().unwrap().parse().unwrap();
    let message = ox_db::repo::messages::find(&rig.services.db, app.id, id).await.unwrap().unwrap();
    assert!(!message.answer.ends_with("five"), "the run was ended: {}", message.answer);
}

#[tokio::test]
async fn who_leaves_ends_the_run() {
    let rig = Rig::new().await;
    let slow = json!({"text": "one two three", "tokens_per_s": 1});
    let app = rig.basic_app("chat", "canned", slow, json!({})).await;
    for stream in [true, false] {
        let body = with(say("x"), json!({"stream": stream}));
        let request = Request::post(path(&app)).header("authorization", format!("Bearer {}", app.key));
        let request = request.body(Body::from(body.to_string())).unwrap();
        let mut call = Box::pin(rig.router.clone().oneshot(request));
        if stream {
            let response = call.as_mut().await.unwrap();
            let mut body = response.into_body().into_data_stream();
            body.next().await.unwrap().unwrap();
            assert!(rig.services.runs.any_task().is_some());
            drop(body);
        } else {
            tokio::select! {
                _ = &mut call => panic!("it does not wait"),
                () = async { while rig.services.runs.any_task().is_none() { tokio::time::sleep(Duration::from_millis(5)).await } } => {}
            }
            drop(call);
        }
        let ended = async {
            while rig.services.runs.any_task().is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await
            }
        };
        tokio::time::timeout(Duration::from_secs(2), ended).await.expect("the run goes on without its caller");
    }
}

#[tokio::test]
async fn pictures_are_files_where_the_app_takes_them() {
    let rig = Rig::new().await;
    let feature = json!({"file_upload": {"enabled": true, "allowed_file_types": ["image"],
        "allowed_file_upload_methods": ["local_file"], "number_limits": 3}});
    let app = rig.basic_app("chat", "echo", json!({}), feature).await;
    let png = base64::engine::general_purpose::STANDARD.encode(b"\x89PNG\r\n\x1a\n");
    let body = json!({"model": "m", "user": "ann", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{png}")}}]}]});
    let answer = ask(&rig, &app, body.clone()).await;
    assert_eq!(content(&answer), "look");
    let conversation = answer.headers["x-conversation-id"].to_str().unwrap();
    let kept = rig.get(&format!("/v1/messages?user=ann&conversation_id={conversation}"), &app).await.json();
    assert_eq!(kept["data"][0]["message_files"][0]["mime_type"], "image/png", "{kept}");
    let none = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let refused = ask(&rig, &none, body.clone()).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["error"]["param"]),
        (400, &json!("messages")),
        "{}",
        refused.text()
    );
    let form = json!([{"variable": "q", "label": "Q", "type": "paragraph"}, {"variable": "pictures", "label": "P", "type": "file-list",
        "allowed_file_types": ["image"], "allowed_file_upload_methods": ["local_file"], "max_length": 2}]);
    let workflow = rig.graph_app("workflow", passthrough(&form), Draft::default()).await;
    let answer = ask(&rig, &workflow, body).await;
    let outputs: Json = serde_json::from_str(&content(&answer)).unwrap();
    assert_eq!((&outputs["q"], &outputs["pictures"][0]["type"]), (&json!("look"), &json!("image")), "{outputs}");
}

#[tokio::test]
async fn errors_have_openais_shape() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let other = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let failing = rig.basic_app("chat", "fail", json!({"status": 500, "after_chunks": 2}), json!({})).await;
    let nobody = TestApp { key: "app-unknown".into(), ..app.clone() };
    let stranger = TestApp { key: other.key.clone(), ..app.clone() };
    for (app, body, status, kind, code) in [
        (&nobody, say("x"), 401, "authentication_error", "invalid_api_key"),
        (&stranger, say("x"), 404, "invalid_request_error", "app_not_found"),
        (&app, json!({"model": "m", "messages": []}), 400, "invalid_request_error", "invalid_param"),
        (&app, with(say("x"), json!({"tools": [{}]})), 400, "invalid_request_error", "invalid_param"),
        (&app, with(say("x"), json!({"conversation_id": app.id})), 404, "invalid_request_error", "not_found"),
        (&failing, say("x"), 400, "invalid_request_error", "completion_request_error"),
    ] {
        let answer = ask(&rig, app, body).await;
        let error = answer.json()["error"].clone();
        assert_eq!(
            (answer.status.as_u16(), error["type"].as_str(), error["code"].as_str()),
            (status, Some(kind), Some(code)),
            "{error}"
        );
        assert!(
            error["message"].as_str().is_some_and(|text| !text.is_empty()) && error.get("param").is_some(),
            "{error}"
        );
    }
    let broken = ask(&rig, &failing, with(say("x"), json!({"stream": true}))).await;
    assert!(broken.text().contains("\"error\":{") && !broken.text().contains("[DONE]"), "{}", broken.text());
    let raw = Request::post(path(&app))
        .header("authorization", format!("Bearer {}", app.key))
        .body(Body::from("{bad"))
        .unwrap();
    assert_eq!(rig.send(raw).await.json()["error"]["type"], "invalid_request_error");
    let list = rig.get(&format!("/v1/openai/{}/models", app.id), &app).await.json();
    assert_eq!(
        (&list["object"], &list["data"][0]["id"], &list["data"][0]["name"]),
        (&json!("list"), &json!(app.id), &json!("Test chat"))
    );
    assert_eq!(rig.get(&format!("/v1/openai/{0}/models/{0}", app.id), &app).await.json()["object"], "model");
    assert_eq!(rig.get(&format!("/v1/openai/{}/models/x", app.id), &app).await.status, 404);
    let view = apps::view(&rig.services, &rig.owner, app.id).await.unwrap();
    let by_code = format!("/v1/openai/{}/chat/completions", view.site.unwrap().code.unwrap());
    assert_eq!(rig.post(&by_code, &app, say("x")).await.status, 200);
}

async fn limit(rig: &Rig, app: &TestApp, change: KeyChange) {
    let keys = apps::list_keys(&rig.services, &rig.owner, app.id).await.unwrap();
    apps::limit_key(&rig.services, &rig.owner, app.id, keys[0].id, change).await.unwrap();
}

#[tokio::test]
async fn a_key_is_kept_to_its_scopes_and_limits() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let body = || json!({"inputs": {}, "query": "hi", "user": "ann"});
    limit(&rig, &app, KeyChange { scopes: Some(vec!["files".into(), "conversations".into()]), ..KeyChange::default() })
        .await;
    rig.post("/v1/chat-messages", &app, body()).await.expect_error(
        403,
        "insufficient_scope",
        "This API key is not for this",
    );
    assert_eq!(ask(&rig, &app, say("x")).await.json()["error"]["type"], "permission_error");
    assert_eq!(rig.get("/v1/conversations?user=ann", &app).await.status, 200);
    assert_eq!(rig.get("/v1/info", &app).await.status, 200, "what the app is, every key may read");
    assert_eq!(upload(&rig, &app, "a.txt", "text/plain", b"x", "ann").await.status, 201);
    limit(&rig, &app, KeyChange::default()).await;
    assert_eq!(rig.post("/v1/chat-messages", &app, body()).await.status, 200, "unlimited again");
    // Wherever in its minute the test begins, one minute or the next is full after seven.
    limit(&rig, &app, KeyChange { requests_per_minute: 3, ..KeyChange::default() }).await;
    let mut refused = None;
    for _ in 0..7 {
        let answer = rig.get("/v1/info", &app).await;
        if answer.status == 429 {
            refused = Some(answer);
        }
    }
    let refused = refused.expect("a fourth request in one minute");
    refused.expect_error(429, "too_many_requests", "Too many requests. This API key may have 3 requests a minute.");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    for (change, field) in [
        (KeyChange { scopes: Some(vec!["everything".into()]), ..KeyChange::default() }, "scopes"),
        (KeyChange { concurrent_runs: 2_000_000, ..KeyChange::default() }, "concurrent_runs"),
    ] {
        let keys = apps::list_keys(&rig.services, &rig.owner, app.id).await.unwrap();
        let error = apps::limit_key(&rig.services, &rig.owner, app.id, keys[0].id, change).await.unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field));
    }
}

#[tokio::test]
async fn a_key_may_have_so_many_runs_at_a_time() {
    let rig = Rig::new().await;
    let app = rig
        .graph_app(
            "advanced-chat",
            chatflow(json!([]), "canned", json!({"text": "a", "ttft_ms": 60_000})),
            Draft::default(),
        )
        .await;
    limit(&rig, &app, KeyChange { concurrent_runs: 1, ..KeyChange::default() }).await;
    let body = || json!({"inputs": {}, "query": "hi", "user": "ann", "response_mode": "blocking"});
    tokio::select! {
        answer = rig.post("/v1/chat-messages", &app, body()) => panic!("{}", answer.text()),
        () = async {
            while rig.services.runs.any_task().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let refused = rig.post("/v1/chat-messages", &app, body()).await;
            refused.expect_error(429, "too_many_requests", "Too many requests. This API key may have 1 runs");
            assert_eq!(refused.headers["retry-after"], "1");
            let as_model = ask(&rig, &app, say("x")).await;
            assert_eq!((as_model.status.as_u16(), &as_model.json()["error"]["code"]), (429, &json!("rate_limit_exceeded")));
            // Another key of the app has its own places.
            let key = apps::create_key(&rig.services, &rig.owner, app.id).await.unwrap().token;
            let second = TestApp { id: app.id, key };
            assert_eq!(rig.get("/v1/info", &second).await.status, 200);
        } => {}
    }
}

async fn named(rig: &Rig, app: &TestApp, path: &str, key: &str, body: Json) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("authorization", format!("Bearer {}", app.key))
        .header("content-type", "application/json")
        .header("idempotency-key", key);
    rig.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_named_request_is_answered_once() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let note = |question: &str| json!({"question": question, "answer": "a"});
    let first = named(&rig, &app, "/v1/apps/annotations", "n1", note("q")).await;
    let again = named(&rig, &app, "/v1/apps/annotations", "n1", note("q")).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201), "{}", again.text());
    assert_eq!(first.json(), again.json());
    assert_eq!(rig.get("/v1/apps/annotations", &app).await.json()["total"], 1);
    named(&rig, &app, "/v1/apps/annotations", "n1", note("other")).await.expect_error(
        409,
        "idempotency_key_reused",
        "",
    );
    assert_eq!(named(&rig, &app, "/v1/apps/annotations", "n2", json!({"question": "q"})).await.status, 400);
    assert_eq!(
        named(&rig, &app, "/v1/apps/annotations", "n2", note("q2")).await.status,
        201,
        "a refused request lets go"
    );
    let chat = rig.post("/v1/chat-messages", &app, json!({"inputs": {}, "query": "hi", "user": "ann"})).await.json();
    let rate = format!("/v1/messages/{}/feedbacks", chat["message_id"].as_str().unwrap());
    let unrate = json!({"rating": null, "user": "ann"});
    assert_eq!(rig.post(&rate, &app, json!({"rating": "like", "user": "ann"})).await.status, 200);
    for _ in 0..2 {
        let answer = named(&rig, &app, &rate, "f", unrate.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"result": "success"})), "taken back once");
    }
    rig.post(&rate, &app, unrate).await.expect_error(400, "invalid_param", "rating cannot be None");
    let file = async |boundary: &str, bytes: &str| {
        let body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n{bytes}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nann\r\n--{boundary}--\r\n"
        );
        let request = Request::post("/v1/files/upload")
            .header("authorization", format!("Bearer {}", app.key))
            .header("content-type", format!("multipart/form-data; boundary={boundary}"))
            .header("idempotency-key", "upload");
        rig.send(request.body(Body::from(body)).unwrap()).await
    };
    let (one, two) = (file("AAA", "same").await, file("BBB", "same").await);
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (201, 201), "{}", two.text());
    assert_eq!(one.json()["id"], two.json()["id"], "the same file in another envelope");
    file("CCC", "other").await.expect_error(409, "idempotency_key_reused", "");
}
