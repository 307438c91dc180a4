//! G15 to G17, C19 and end users: speech on every surface, with the scripted voice.

use axum::{
    body::Body,
    http::{Method, Request},
};
use ox_types::Json;
use serde_json::json;

use crate::rig::{Answer, Draft, Rig, chatflow, names};

async fn send(rig: &Rig, path: &str, headers: &[(&str, &str)], mime: &str, bytes: &[u8]) -> Answer {
    let mut body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\ncontent-type: {mime}\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let mut request = Request::post(path).header("content-type", "multipart/form-data; boundary=b");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    rig.send(request.body(Body::from(body)).unwrap()).await
}

fn speaking() -> Json {
    json!({"speech_to_text": {"enabled": true}, "text_to_speech": {"enabled": true, "voice": "bright", "language": "en-US"}})
}

#[tokio::test]
async fn speech_by_key_and_by_passport() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), speaking()).await;
    let off = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let key = format!("Bearer {}", app.key);
    let by_key = [("authorization", key.as_str())];
    let path = "/v1/audio-to-text";
    send(&rig, path, &by_key, "text/plain", b"words").await.expect_error(415, "unsupported_audio_type", "Audio type");
    let disabled = format!("Bearer {}", off.key);
    send(&rig, path, &[("authorization", disabled.as_str())], "audio/mp3", b"x").await.expect_error(
        400,
        "invalid_param",
        "Speech to text is not enabled",
    );
    let none = rig.post(path, &app, json!({})).await;
    none.expect_error(400, "no_audio_uploaded", "Please upload your audio.");
    let large = vec![0; 31 * 1024 * 1024];
    send(&rig, path, &by_key, "audio/mp3", &large).await.expect_error(
        413,
        "audio_too_large",
        "Audio size larger than 30 mb",
    );
    // What is spoken can be written down again.
    let speech = "/v1/text-to-audio";
    let spoken = rig.post(speech, &app, json!({"text": "one two", "user": "ann"})).await;
    assert_eq!((spoken.status.as_u16(), &spoken.headers["content-type"]), (200, &"audio/mpeg".parse().unwrap()));
    assert!(spoken.body.starts_with(b"ID3") && spoken.text().contains("bright"), "the app's voice");
    let other = rig.post(speech, &app, json!({"text": "one two", "voice": "calm"})).await;
    assert!(other.text().contains("calm"));
    for mime in ["audio/mp3", "audio/webm;codecs=opus"] {
        let heard = send(&rig, path, &by_key, mime, &spoken.body).await;
        assert_eq!(heard.json(), json!({"text": "one two"}), "{mime}");
    }
    rig.post(speech, &app, json!({"user": "ann"})).await.expect_error(400, "invalid_param", "Text is required");
    rig.post(speech, &off, json!({"user": "ann"})).await.expect_error(400, "invalid_param", "Text is required");
    rig.post(speech, &off, json!({"text": "x"})).await.expect_error(400, "invalid_param", "TTS is not enabled");
    // A message's answer; nothing for one that is not there.
    let ask = json!({"inputs": {}, "query": "read me", "user": "ann"});
    let message = rig.post("/v1/chat-messages", &app, ask).await.json()["message_id"].clone();
    let read = rig.post(speech, &app, json!({"message_id": message, "text": "ignored"})).await;
    assert!(read.text().contains("read me") && !read.text().contains("ignored"));
    for id in [json!("no id"), json!(ox_types::new_uuid())] {
        let nothing = rig.post(speech, &app, json!({"message_id": id})).await;
        assert_eq!((nothing.status.as_u16(), nothing.json()), (200, Json::Null));
    }
    // A visitor hears texts, not the messages of others.
    let view = ox_app::apps::view(&rig.services, &rig.owner, app.id).await.unwrap();
    let code = view.site.unwrap().code.unwrap();
    let passport = Request::get("/api/passport").header("x-app-code", &code).body(Body::empty()).unwrap();
    let passport = rig.send(passport).await.json()["access_token"].as_str().unwrap().to_owned();
    let headers = [("x-app-code", code.as_str()), ("x-app-passport", passport.as_str())];
    let heard = send(&rig, "/api/audio-to-text", &headers, "audio/wav", &spoken.body).await;
    assert_eq!(heard.json(), json!({"text": "one two"}));
    for (body, expected) in [(json!({"text": "hi"}), true), (json!({"message_id": message}), false)] {
        let mut request = Request::post("/api/text-to-audio").header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = rig.send(request.body(Body::from(body.to_string())).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.body.starts_with(b"ID3")), (200, expected));
    }
}

#[tokio::test]
async fn answers_are_read_out_while_they_are_made() {
    use base64::Engine as _;
    let rig = Rig::new().await;
    let speech = json!({"text_to_speech": {"enabled": true, "voice": "", "language": "", "autoPlay": "enabled"}});
    let text = "This is a sentence that is long enough to be spoken by itself. And the rest";
    let basic = rig.basic_app("chat", "canned", json!({"text": text}), speech.clone()).await;
    let draft = Draft { features: speech.clone(), ..Draft::default() };
    let flow = rig.graph_app("advanced-chat", chatflow(json!([]), "canned", json!({"text": text})), draft).await;
    let broken = rig.basic_app("chat", "fail", json!({"status": 500, "after_chunks": 1}), speech).await;
    let ask = json!({"inputs": {}, "query": "hi", "user": "ann", "response_mode": "streaming"});
    for app in [&basic, &flow, &broken] {
        let events = rig.post("/v1/chat-messages", app, ask.clone()).await.events();
        let last = events.last().unwrap();
        assert_eq!(
            (&last["event"], &last["audio"]),
            (&json!("tts_message_end"), &json!("")),
            "C19 {:?}",
            names(&events)
        );
        assert!(last["task_id"].is_string() && last["conversation_id"].is_string());
        if app.id == broken.id {
            assert!(names(&events).contains(&"error"));
            continue;
        }
        let sound: Vec<u8> = events
            .iter()
            .filter(|event| event["event"] == "tts_message")
            .flat_map(|event| {
                base64::engine::general_purpose::STANDARD.decode(event["audio"].as_str().unwrap()).unwrap()
            })
            .collect();
        let sound = String::from_utf8_lossy(&sound).into_owned();
        assert!(sound.contains("by itself.") && sound.contains("And the rest"), "{sound}");
    }
    // Whoever waits for one body gets no speech.
    let body = json!({"inputs": {}, "query": "hi", "user": "ann", "response_mode": "blocking"});
    assert_eq!(rig.post("/v1/chat-messages", &basic, body).await.json()["answer"], text);
}

#[tokio::test]
async fn end_users_are_found_by_id() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let other = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let file = crate::files::upload(&rig, &app, "a.txt", "text/plain", b"x", "abc-123").await.json();
    let path = |id: &Json| format!("/v1/end-users/{}", id.as_str().unwrap());
    let user = rig.get(&path(&file["created_by"]), &app).await.json();
    let keys: Vec<&str> = user.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "id tenant_id app_id type external_user_id name is_anonymous session_id created_at updated_at";
    assert_eq!(keys.join(" "), expected);
    assert_eq!(
        (&user["type"], &user["session_id"], &user["is_anonymous"]),
        (&json!("service-api"), &json!("abc-123"), &json!(false))
    );
    assert!(user["created_at"].as_str().unwrap().ends_with('Z'));
    let missing = [(file["created_by"].clone(), &other), (json!(ox_types::new_uuid()), &app)];
    for (id, app) in missing {
        rig.get(&path(&id), app).await.expect_error(404, "end_user_not_found", "End user not found.");
    }
    let none = rig.call(Method::GET, "/v1/end-users/abc", &app.key, None).await;
    assert_eq!(none.status, 404);
}
