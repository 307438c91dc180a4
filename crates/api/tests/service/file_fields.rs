//! Fields for files in the forms of basic apps.

use std::sync::{Arc, Mutex};

use axum::{
    Json as Body, Router,
    extract::State,
    response::IntoResponse,
    routing::{get, post},
};
use ox_app::providers;
use ox_types::Json;
use serde_json::json;

use crate::{
    files::upload,
    rig::{Answer, Rig, TestApp, names, text_of},
};

const OPENAI: &str = "langgenius/openai/openai";

fn form() -> Json {
    json!([
        {"file": {"label": "Doc", "variable": "doc", "required": true, "allowed_file_types": ["document"],
            "allowed_file_upload_methods": ["local_file"]}},
        {"file-list": {"label": "Pictures", "variable": "pictures", "required": false, "allowed_file_types": ["image"],
            "max_length": 2}},
    ])
}

fn local(kind: &str, id: &Json) -> Json {
    json!({"type": kind, "transfer_method": "local_file", "upload_file_id": id})
}

async fn stored(rig: &Rig, app: &TestApp, name: &str, mime: &str, user: &str) -> Json {
    upload(rig, app, name, mime, b"x", user).await.json()["id"].clone()
}

async fn ask(rig: &Rig, app: &TestApp, mode: &str, inputs: Json) -> Answer {
    let path = if mode == "completion" { "/v1/completion-messages" } else { "/v1/chat-messages" };
    let body = json!({"inputs": inputs, "query": "hi", "user": "ann", "response_mode": "streaming"});
    rig.post(path, app, body).await
}

#[tokio::test]
async fn they_are_told_checked_and_kept_in_every_mode() {
    let rig = Rig::new().await;
    for mode in ["chat", "completion", "agent-chat"] {
        let more = json!({"pre_prompt": "Read {{doc}}", "user_input_form": form(),
            "agent_mode": {"enabled": true, "strategy": "cot", "tools": []}});
        let app = rig.basic_app(mode, "canned", json!({"text": "Just so."}), more).await;
        let told = rig.get("/v1/parameters?user=ann", &app).await.json();
        assert_eq!(told["user_input_form"], form(), "{mode}");
        let doc = local("document", &stored(&rig, &app, "a.pdf", "application/pdf", "ann").await);
        let png = local("image", &stored(&rig, &app, "a.png", "image/png", "ann").await);
        let of_bob = local("document", &stored(&rig, &app, "b.pdf", "application/pdf", "bob").await);
        for (inputs, text) in [
            (json!({}), "doc is required in input form"),
            (json!({"doc": "a.pdf"}), "doc in input form must be a file"),
            (json!({"doc": [doc]}), "doc in input form must be a file"),
            (json!({"doc": {"type": "document"}}), "transfer_method is required in file mapping"),
            (json!({"doc": png}), "File validation failed for file: a.png"),
            (json!({"doc": of_bob}), "Invalid upload file"),
            (json!({"doc": doc, "pictures": png}), "pictures in input form must be a list of files"),
            (json!({"doc": doc, "pictures": [png, png, png]}), "pictures in input form must be less than 2 files"),
            (json!({"doc": doc, "pictures": [doc]}), "File validation failed for file: a.pdf"),
        ] {
            ask(&rig, &app, mode, inputs).await.expect_error(400, "invalid_param", text);
        }
        let events = ask(&rig, &app, mode, json!({"doc": doc, "pictures": [png]})).await.events();
        assert_eq!(names(&events).last(), Some(&"message_end"), "{mode}: {events:?}");
        let id = events.iter().find_map(|event| event["message_id"].as_str()).unwrap();
        let id = id.parse::<ox_types::MessageId>().unwrap();
        let message = ox_db::repo::messages::find(&rig.services.db, app.id, id).await.unwrap().unwrap();
        let inputs: Json = serde_json::from_str(&message.inputs).unwrap();
        assert_eq!(inputs["doc"]["related_id"], doc["upload_file_id"], "{mode}: {inputs}");
        assert_eq!(inputs["doc"]["filename"], "a.pdf", "{mode}: {inputs}");
        assert_eq!(inputs["pictures"][0]["related_id"], png["upload_file_id"], "{mode}: {inputs}");
    }
}

type Asked = Arc<Mutex<Vec<Json>>>;

async fn answer(State(asked): State<Asked>, Body(body): Body<Json>) -> impl IntoResponse {
    asked.lock().unwrap().push(body["messages"].clone());
    let said = json!({"id": "c", "object": "chat.completion.chunk", "model": body["model"],
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Seen."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}});
    ([("content-type", "text/event-stream")], format!("data: {said}\n\ndata: [DONE]\n\n"))
}

/// A picture and a document go with the question to a model that reads them; a recording does not.
#[tokio::test]
async fn the_model_gets_those_that_it_reads() {
    let rig = Rig::near(&[]).await;
    let asked = Asked::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/v1/chat/completions", post(answer))
        .route("/v1/models", get(|| async { Body(json!({"object": "list", "data": []})) }))
        .with_state(Arc::clone(&asked));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let key = json!({"openai_api_key": "k", "openai_api_base": url});
    let key = key.as_object().unwrap();
    providers::add_credential(&rig.services, &rig.owner, OPENAI, key, Some("First".into())).await.unwrap();
    let mut form = form();
    let more = [
        json!({"file": {"label": "Sound", "variable": "sound"}}),
        json!({"json_object": {"label": "Data", "variable": "data"}}),
    ];
    form.as_array_mut().unwrap().extend(more);
    let model = json!({"provider": OPENAI, "name": "gpt-4o-mini", "mode": "chat", "completion_params": {}});
    let more = json!({"model": model, "user_input_form": form});
    let app = rig.basic_app("chat", "gpt-4o-mini", json!({}), more).await;
    let doc = local("document", &stored(&rig, &app, "a.txt", "text/plain", "ann").await);
    let png = local("image", &stored(&rig, &app, "a.png", "image/png", "ann").await);
    let mp3 = local("audio", &stored(&rig, &app, "a.mp3", "audio/mpeg", "ann").await);
    // It looks like a file, but nobody has looked whose it is.
    let of_bob = stored(&rig, &app, "b.png", "image/png", "bob").await;
    let data = json!({"dify_model_identity": "__dify__file__", "type": "image", "transfer_method": "local_file",
        "related_id": of_bob, "filename": "b.png", "extension": ".png", "mime_type": "image/png", "size": 1});
    let inputs = json!({"doc": doc, "pictures": [png], "sound": mp3, "data": data});
    let events = ask(&rig, &app, "chat", inputs).await.events();
    assert_eq!(text_of(&events), "Seen.", "{events:?}");
    let messages = asked.lock().unwrap().pop().unwrap();
    let parts = messages.as_array().unwrap().last().unwrap()["content"].as_array().unwrap().clone();
    let kinds: Vec<&str> = parts.iter().map(|part| part["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["file", "image_url", "text"], "{messages}");
}
