//! Explore: apps of the workspace, used by its members as themselves.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::support::{Answer, Session, TestServer, app_file};

async fn installed(server: &TestServer, session: &Session, app: &str) -> String {
    let found = server.get(session, &format!("/installed-apps?app_id={app}")).await.json();
    found["installed_apps"][0]["id"].as_str().unwrap_or_else(|| panic!("{found}")).to_owned()
}

fn names(list: &Value) -> Vec<&str> {
    list["installed_apps"].as_array().unwrap().iter().map(|item| item["app"]["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_list_shows_every_app_and_what_is_pinned_first() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (chat, _) = server.app(&owner, &app_file("chat")).await;
    server.app(&owner, &app_file("completion")).await;
    let all = server.get(&owner, "/installed-apps").await.json();
    assert_eq!(names(&all), ["Completion", "Chat"], "{all}");
    let first = &all["installed_apps"][0];
    assert_eq!(
        (&first["is_pinned"], &first["uninstallable"], &first["editable"]),
        (&json!(false), &json!(true), &json!(true))
    );
    assert!(first["last_used_at"].is_null() && first["app"]["mode"] == "completion");
    let id = installed(&server, &owner, &chat).await;
    let path = format!("/installed-apps/{id}");
    let pinned = server.console(&owner, Method::PATCH, &path, Some(json!({"is_pinned": true}))).await;
    assert_eq!((pinned.status, &pinned.json()["result"]), (StatusCode::OK, &json!("success")));
    let all = server.get(&owner, "/installed-apps").await.json();
    assert_eq!((names(&all), &all["installed_apps"][0]["is_pinned"]), (vec!["Chat", "Completion"], &json!(true)));
    // An app of the workspace stays in its list.
    let refused = server.console(&owner, Method::DELETE, &path, None).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::BAD_REQUEST, "bad_request"));
    let offered = server.post(&owner, "/installed-apps", json!({"app_id": chat})).await;
    assert_eq!(offered.status, StatusCode::NOT_FOUND, "only what is offered to all can be added");
    let normal = server.member(&owner, "normal@example.com", "normal").await;
    assert_eq!(names(&server.get(&normal, "/installed-apps").await.json()).len(), 2);
    assert_eq!(server.get(&normal, "/installed-apps").await.json()["installed_apps"][0]["editable"], false);
}

#[tokio::test]
async fn a_member_chats_and_nobody_else_sees_it() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, _) = server.app(&owner, &app_file("chat")).await;
    let id = installed(&server, &owner, &app).await;
    let at = |path: &str| format!("/installed-apps/{id}{path}");
    let site = server.get(&owner, &at("/site")).await.json();
    assert_eq!((&site["mode"], &site["site"]["title"]), (&json!("chat"), &json!("Chat")));
    assert!(server.get(&owner, &at("/parameters")).await.json()["user_input_form"].is_array());
    assert!(server.get(&owner, &at("/meta")).await.json()["tool_icons"].is_object());
    let ask = json!({"inputs": {}, "query": "hello there", "response_mode": "blocking"});
    let answer = server.post(&owner, &at("/chat-messages"), ask).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let answer = answer.json();
    let conversation = answer["conversation_id"].as_str().unwrap().to_owned();
    let message = answer["message_id"].as_str().unwrap().to_owned();
    let list = server.get(&owner, &at("/conversations")).await.json();
    assert_eq!(list["data"][0]["id"], conversation);
    let rated = server.post(&owner, &at(&format!("/messages/{message}/feedbacks")), json!({"rating": "like"})).await;
    assert_eq!(rated.json(), json!({"result": "success"}));
    let messages = server.get(&owner, &at(&format!("/messages?conversation_id={conversation}"))).await.json();
    assert_eq!(
        (&messages["data"][0]["answer"], &messages["data"][0]["feedback"]["rating"]),
        (&answer["answer"], &json!("like"))
    );
    let pin = server.console(&owner, Method::PATCH, &at(&format!("/conversations/{conversation}/pin")), None).await;
    assert_eq!(pin.status, StatusCode::OK, "{}", pin.text);
    assert_eq!(server.get(&owner, &at("/conversations?pinned=true")).await.json()["data"][0]["id"], conversation);
    let name = server.post(&owner, &at(&format!("/conversations/{conversation}/name")), json!({"name": "Mine"})).await;
    assert_eq!(name.json()["name"], "Mine");
    // Somebody else of the workspace has chats of their own.
    let other = server.member(&owner, "other@example.com", "normal").await;
    assert_eq!(server.get(&other, &at("/conversations")).await.json()["data"], json!([]));
    let foreign = server.get(&other, &at(&format!("/messages?conversation_id={conversation}"))).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    let foreign = server.console(&other, Method::DELETE, &at(&format!("/conversations/{conversation}")), None).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    let gone = server.console(&owner, Method::DELETE, &at(&format!("/conversations/{conversation}")), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let used = server.get(&owner, "/installed-apps").await.json();
    assert!(used["installed_apps"][0]["last_used_at"].is_i64(), "{used}");
}

#[tokio::test]
async fn completions_and_workflows_are_kept_for_the_member() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, _) = server.app(&owner, &app_file("completion")).await;
    let id = installed(&server, &owner, &app).await;
    let at = |path: &str| format!("/installed-apps/{id}{path}");
    let ask = |text: &str| json!({"inputs": {"query": text}, "response_mode": "blocking"});
    let one = server.post(&owner, &at("/completion-messages"), ask("one")).await.json();
    server.post(&owner, &at("/completion-messages"), ask("two")).await;
    let message = one["message_id"].as_str().unwrap_or_else(|| panic!("{one}"));
    let past = server.get(&owner, &at("/completion-messages?limit=1")).await.json();
    assert_eq!((&past["data"][0]["inputs"]["query"], &past["has_more"]), (&json!("two"), &json!(true)), "{past}");
    let last = past["data"][0]["id"].as_str().unwrap();
    let rest = server.get(&owner, &at(&format!("/completion-messages?last_id={last}"))).await.json();
    assert_eq!((&rest["data"][0]["id"], &rest["has_more"]), (&json!(message), &json!(false)));
    assert_eq!(
        server.post(&owner, &at("/saved-messages"), json!({"message_id": message})).await.status,
        StatusCode::OK
    );
    assert_eq!(server.get(&owner, &at("/saved-messages")).await.json()["data"][0]["id"], message);
    let other = server.member(&owner, "other@example.com", "normal").await;
    assert_eq!(server.get(&other, &at("/saved-messages")).await.json()["data"], json!([]));
    assert_eq!(server.get(&other, &at("/completion-messages")).await.json()["data"], json!([]));
    let more = server.get(&owner, &at(&format!("/messages/{message}/more-like-this?response_mode=blocking"))).await;
    assert_eq!((more.status, more.code().as_str()), (StatusCode::FORBIDDEN, "app_more_like_this_disabled"));

    let (app, _) = server.app(&owner, &app_file("branch")).await;
    let id = installed(&server, &owner, &app).await;
    let at = |path: &str| format!("/installed-apps/{id}{path}");
    let run = server.post(&owner, &at("/workflows/run"), json!({"inputs": {"query": "a long day"}})).await;
    assert!(run.text.contains("yes a long day"), "{}", run.text);
    let runs = server.get(&owner, &at("/workflows/runs")).await.json();
    assert_eq!(
        (&runs["data"][0]["inputs"], &runs["data"][0]["status"]),
        (&json!({"query": "a long day"}), &json!("succeeded"))
    );
    let run = runs["data"][0]["id"].as_str().unwrap();
    let detail = server.get(&owner, &at(&format!("/workflows/runs/{run}"))).await.json();
    assert_eq!(detail["outputs"], json!({"result": "yes a long day"}));
    assert_eq!(detail["steps"].as_array().unwrap().len(), 5, "{detail}");
    // The app's makers look for it by the e-mail address or the id of whoever ran it.
    let log =
        async |who: &str| server.get(&owner, &format!("/apps/{app}/workflow-app-logs?created_by_account={who}")).await;
    let by = &log("owner@example.com").await.json()["data"][0];
    assert_eq!(
        (&by["workflow_run"]["id"], &by["created_by_account"]["email"]),
        (&json!(run), &json!("owner@example.com")),
        "{by}"
    );
    let id_of = by["created_by_account"]["id"].as_str().unwrap();
    for (who, total) in [(id_of, 1), ("other@example.com", 0), ("", 1)] {
        assert_eq!(log(who).await.json()["total"], total, "{who}");
    }
    let stranger = log("stranger@example.com").await;
    assert_eq!((stranger.status, stranger.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_param"));
    for part in ["workflow-app-logs/histogram", "logs/export"] {
        let path = format!("/apps/{app}/{part}?created_by_account=stranger@example.com");
        assert_eq!(server.get(&owner, &path).await.status, StatusCode::BAD_REQUEST, "{part}");
    }
    assert_eq!(server.get(&other, &at(&format!("/workflows/runs/{run}"))).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.get(&other, &at("/workflows/runs")).await.json()["data"], json!([]));
    let unknown = server.get(&other, &at(&format!("/workflows/runs?last_id={run}"))).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let wrong = server.get(&owner, &at("/completion-messages")).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (StatusCode::BAD_REQUEST, "not_completion_app"));
}

async fn heard(server: &TestServer, session: &Session, path: &str, mime: &str, sound: &str) -> Answer {
    let body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"recording\"\r\ncontent-type: {mime}\r\n\r\n{sound}\r\n--b--\r\n"
    );
    let request = Request::post(format!("/console/api{path}"))
        .header(header::COOKIE, session.header())
        .header("x-csrf-token", session.csrf())
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    server.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_member_speaks_and_listens() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let features =
        "  speech_to_text: {enabled: true}\n  text_to_speech: {enabled: true, voice: bright, language: en-US}\n";
    let (app, _) = server.app(&owner, &format!("{}\n{features}", app_file("chat").trim_end())).await;
    let base = format!("/installed-apps/{}", installed(&server, &owner, &app).await);
    let (listen, speak) = (format!("{base}/audio-to-text"), format!("{base}/text-to-audio"));
    let spoken = server.post(&owner, &speak, json!({"text": "one two"})).await;
    assert_eq!(spoken.headers[header::CONTENT_TYPE], "audio/mpeg", "{}", spoken.text);
    assert!(spoken.text.starts_with("ID3") && spoken.text.contains("bright"), "the app's voice");
    let words = heard(&server, &owner, &listen, "audio/webm;codecs=opus", &spoken.text).await;
    assert_eq!(words.json(), json!({"text": "one two"}));
    let refused = heard(&server, &owner, &listen, "text/plain", "words").await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_audio_type")
    );
    let none = server.post(&owner, &speak, json!({})).await;
    assert_eq!((none.status, none.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_param"));
    // An answer is read to whom it was given, and to nobody else.
    let ask = json!({"inputs": {}, "query": "read me", "response_mode": "blocking"});
    let message = server.post(&owner, &format!("{base}/chat-messages"), ask).await.json()["message_id"].clone();
    let read = server.post(&owner, &speak, json!({"message_id": message})).await;
    assert!(read.text.starts_with("ID3") && read.text.contains("read me"), "{}", read.text);
    let other = server.member(&owner, "other@example.com", "normal").await;
    let foreign = server.post(&other, &speak, json!({"message_id": message})).await;
    assert_eq!((foreign.status, foreign.json()), (StatusCode::OK, Value::Null));
    // An app that does neither says so.
    let (silent, _) = server.app(&owner, &app_file("chat")).await;
    let base = format!("/installed-apps/{}", installed(&server, &owner, &silent).await);
    let refused = heard(&server, &owner, &format!("{base}/audio-to-text"), "audio/wav", &spoken.text).await;
    assert_eq!(refused.json()["message"], "Speech to text is not enabled");
    let refused = server.post(&owner, &format!("{base}/text-to-audio"), json!({"text": "x"})).await;
    assert_eq!(refused.json()["message"], "TTS is not enabled");
}
