//! I: published pages.

use axum::{
    body::Body,
    http::{Method, Request},
};
use ox_types::Json;
use serde_json::json;

use crate::rig::{Answer, Draft, Rig, TestApp, chatflow, names, shape};

/// A visitor of a published page.
pub struct Page<'a> {
    rig: &'a Rig,
    pub code: String,
    pub passport: String,
}

impl Page<'_> {
    pub async fn call(&self, method: Method, path: &str, body: Option<Json>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("x-app-code", &self.code).header("x-app-passport", &self.passport);
        let body = match body {
            Some(json) => {
                request = request.header("content-type", "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.rig.send(request.body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Json) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }
}

pub async fn code_of(rig: &Rig, app: &TestApp) -> String {
    let view = ox_app::apps::view(&rig.services, &rig.owner, app.id).await.unwrap();
    view.site.unwrap().code.unwrap()
}

pub async fn passport(rig: &Rig, code: &str, user: &str) -> Answer {
    let request = Request::get(format!("/api/passport?user_id={user}"));
    let request = if code.is_empty() { request } else { request.header("x-app-code", code) };
    rig.send(request.body(Body::empty()).unwrap()).await
}

pub async fn page<'a>(rig: &'a Rig, app: &TestApp) -> Page<'a> {
    let code = code_of(rig, app).await;
    let passport = passport(rig, &code, "").await.json()["access_token"].as_str().unwrap().to_owned();
    Page { rig, code, passport }
}

fn claims(token: &str) -> Json {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// I1 to I9, I16.
#[tokio::test]
async fn passports() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    passport(&rig, "", "").await.expect_error(401, "unauthorized", "X-App-Code header is missing.");
    passport(&rig, "unknown", "").await.expect_error(404, "not_found", "");
    let code = code_of(&rig, &app).await;
    let token = passport(&rig, &code, "").await.json()["access_token"].as_str().unwrap().to_owned();
    let payload = claims(&token);
    assert_eq!((&payload["sub"], &payload["app_code"]), (&json!("Web API Passport"), &json!(code)), "I3");
    assert_eq!(payload["app_id"], app.id.to_string());
    assert!(payload.get("exp").is_none() && payload["end_user_id"].is_string());
    let of = |answer: Answer| claims(answer.json()["access_token"].as_str().unwrap())["end_user_id"].clone();
    assert_eq!(of(passport(&rig, &code, "u1").await), of(passport(&rig, &code, "u1").await), "I4");
    assert_ne!(of(passport(&rig, &code, "").await), of(passport(&rig, &code, "").await));
    let without = rig.send(Request::get("/api/parameters").body(Body::empty()).unwrap()).await;
    without.expect_error(401, "unauthorized", "App token is missing.");
    let mut page = page(&rig, &app).await;
    let good = std::mem::replace(&mut page.passport, format!("{token}x"));
    page.get("/api/parameters").await.expect_error(401, "unauthorized", "Invalid token");
    page.passport = good;
    assert_eq!(page.get("/api/parameters").await.status, 200);
    let mode = rig.send(Request::get("/api/webapp/access-mode?appCode=x").body(Body::empty()).unwrap()).await;
    assert_eq!(mode.json(), json!({"accessMode": "public"}), "I16");
    let status = page.get(&format!("/api/login/status?app_code={}", page.code)).await.json();
    assert_eq!(status, json!({"logged_in": true, "app_logged_in": true}));
    let site = page.get("/api/site").await.json();
    assert_eq!(site["enable_site"], true, "I9");
    assert!(site["site"]["title"].is_string() && site["end_user_id"].is_string());
    ox_app::apps::reset_code(&rig.services, &rig.owner, app.id).await.unwrap();
    page.get("/api/parameters").await.expect_error(400, "bad_request", "Site URL is no longer valid.");
    let page = self::page(&rig, &app).await;
    ox_app::apps::set_site(&rig.services, &rig.owner, app.id, false).await.unwrap();
    page.get("/api/parameters").await.expect_error(400, "bad_request", "Site is disabled.");
    passport(&rig, &page.code, "").await.expect_error(404, "not_found", "");
}

/// What the model was told, as one line.
const HEARD: &str = "{% for m in messages %}{% if m.role == 'user' %}<{{ m.content }}>{% endif %}{% endfor %}";

#[tokio::test]
async fn a_new_version_of_an_answer_forgets_the_old_one_and_what_followed() {
    let rig = Rig::new().await;
    let memory = json!({"enabled": true, "window": {"enabled": false, "size": 50}});
    let mut graph = chatflow(json!([]), "template", json!({"template": HEARD}));
    graph["nodes"][1]["data"]["memory"] = memory;
    // With a memory the question comes by itself.
    graph["nodes"][1]["data"]["prompt_template"] = json!([{"role": "system", "text": "s"}]);
    let apps = [
        rig.basic_app("chat", "template", json!({"template": HEARD}), json!({})).await,
        rig.graph_app("advanced-chat", graph, Draft::default()).await,
    ];
    for app in &apps {
        let page = page(&rig, app).await;
        let ask = async |query: &str, conversation: &Json, parent: &Json| {
            let body = json!({"inputs": {}, "query": query, "conversation_id": conversation, "parent_message_id": parent,
                "response_mode": "blocking"});
            let answer = page.post("/api/chat-messages", body).await.json();
            (answer["answer"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned(), answer)
        };
        let (heard, first) = ask("one", &Json::Null, &Json::Null).await;
        assert_eq!(heard, "<one>");
        let conversation = &first["conversation_id"];
        let (heard, second) = ask("two", conversation, &first["message_id"]).await;
        assert_eq!(heard, "<one><two>");
        assert_eq!(ask("three", conversation, &second["message_id"]).await.0, "<one><two><three>");
        let (heard, again) = ask("two again", conversation, &first["message_id"]).await;
        assert_eq!(heard, "<one><two again>");
        assert_eq!(ask("four", conversation, &again["message_id"]).await.0, "<one><two again><four>");
        assert_eq!(ask("one again", conversation, &Json::Null).await.0, "<one again>");
        let path = format!("/api/messages?conversation_id={}", conversation.as_str().unwrap());
        let messages = page.get(&path).await.json();
        assert!(messages["data"][0]["parent_message_id"].is_null(), "{messages}");
    }
}

/// I10, I11, I13, I15.
#[tokio::test]
async fn a_chatflow_on_its_page() {
    let rig = Rig::new().await;
    let app = rig.graph_app("advanced-chat", chatflow(json!([]), "echo", json!({})), Draft::default()).await;
    let page = page(&rig, &app).await;
    let body = json!({"inputs": {}, "query": "one", "response_mode": "streaming"});
    let events = page.post("/api/chat-messages", body).await.events();
    assert_eq!(shape(&events).last(), Some(&"workflow_finished"));
    for event in events.iter().filter(|event| event["event"] == "node_finished") {
        for key in ["inputs", "outputs", "process_data"] {
            assert!(event["data"][key].is_null(), "I10 {key}");
        }
    }
    let end = events.iter().find(|event| event["event"] == "message_end").unwrap();
    assert!(end["metadata"].get("usage").is_none());
    let conversation = events[0]["conversation_id"].as_str().unwrap();
    let messages = page.get(&format!("/api/messages?conversation_id={conversation}")).await.json();
    assert!(messages["data"][0]["metadata"].is_object(), "I11 {messages}");
    let parent = &messages["data"][0]["id"];
    let body = json!({"inputs": {}, "query": "two", "conversation_id": conversation, "parent_message_id": parent,
        "response_mode": "blocking"});
    assert_eq!(page.post("/api/chat-messages", body).await.json()["answer"], "two");
    let messages = page.get(&format!("/api/messages?conversation_id={conversation}")).await.json();
    assert_eq!(&messages["data"][1]["parent_message_id"], parent);
    let bad = json!({"inputs": {}, "query": "x", "conversation_id": "abc"});
    page.post("/api/chat-messages", bad).await.expect_error_with(400, "invalid_param", &["abc is not a valid uuid."]);
    page.post("/api/completion-messages", json!({"inputs": {}})).await.expect_error(400, "not_completion_app", "");
    page.post("/api/workflows/run", json!({"inputs": {}})).await.expect_error(
        400,
        "not_workflow_app",
        "Please check if your Workflow app mode matches the right API route.",
    );
    let id = messages["data"][0]["id"].as_str().unwrap();
    page.get(&format!("/api/messages/{id}/suggested-questions")).await.expect_error(
        403,
        "app_suggested_questions_after_answer_disabled",
        "",
    );
}

/// I12, I17.
#[tokio::test]
async fn pins_and_separate_lists() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let page = page(&rig, &app).await;
    let service = json!({"inputs": {}, "query": "by key", "user": "abc-123"});
    rig.post("/v1/chat-messages", &app, service).await;
    let ask = |query: &str| json!({"inputs": {}, "query": query, "response_mode": "blocking"});
    let one = page.post("/api/chat-messages", ask("one")).await.json()["conversation_id"].as_str().unwrap().to_owned();
    page.post("/api/chat-messages", ask("two")).await;
    let all = page.get("/api/conversations").await.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 2, "I17 {all}");
    for _ in 0..2 {
        let pinned = page.call(Method::PATCH, &format!("/api/conversations/{one}/pin"), None).await;
        assert_eq!(pinned.json(), json!({"result": "success"}), "I12");
    }
    let ids = |answer: Json| -> Vec<String> {
        answer["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(page.get("/api/conversations?pinned=true").await.json()), [one.clone()]);
    assert!(!ids(page.get("/api/conversations?pinned=false").await.json()).contains(&one));
    page.call(Method::PATCH, &format!("/api/conversations/{one}/unpin"), None).await;
    assert_eq!(ids(page.get("/api/conversations?pinned=true").await.json()), Vec::<String>::new());
    let stranger = self::page(&rig, &app).await;
    assert_eq!(stranger.get("/api/conversations").await.json()["data"], json!([]));
    stranger.get(&format!("/api/messages?conversation_id={one}")).await.expect_error(
        404,
        "not_found",
        "Conversation Not Exists.",
    );
    let deleted = page.call(Method::DELETE, &format!("/api/conversations/{one}"), None).await;
    assert_eq!(deleted.status, 204);
}

/// I14.
#[tokio::test]
async fn completions_and_bookmarks() {
    let rig = Rig::new().await;
    let app = rig.basic_app("completion", "echo", json!({}), json!({"pre_prompt": "say it"})).await;
    let page = page(&rig, &app).await;
    let body = json!({"inputs": {}, "response_mode": "blocking"});
    let answer = page.post("/api/completion-messages", body).await.json();
    assert_eq!(answer["answer"], "say it", "{answer}");
    let id = answer["message_id"].as_str().unwrap();
    page.get(&format!("/api/messages/{id}/more-like-this?response_mode=blocking")).await.expect_error(
        403,
        "app_more_like_this_disabled",
        "",
    );
    assert_eq!(page.post("/api/saved-messages", json!({"message_id": id})).await.status, 200);
    let saved = page.get("/api/saved-messages").await.json();
    assert_eq!(saved["data"][0]["answer"], "say it");
    assert_eq!(
        saved["data"][0].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["id", "inputs", "query", "answer", "message_files", "feedback", "created_at"]
    );
    page.call(Method::DELETE, &format!("/api/saved-messages/{id}"), None).await;
    assert_eq!(page.get("/api/saved-messages").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_visitor_finds_what_was_run_before() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", crate::rig::passthrough(&json!([])), Draft::default()).await;
    let page = page(&rig, &app).await;
    for _ in 0..3 {
        page.post("/api/workflows/run", json!({"inputs": {}})).await.events();
    }
    rig.post("/v1/workflows/run", &app, json!({"inputs": {}, "user": "by-key"})).await;
    let first = page.get("/api/workflows/runs?limit=2").await.json();
    assert_eq!((first["data"].as_array().unwrap().len(), &first["has_more"]), (2, &json!(true)), "{first}");
    let last = first["data"][1]["id"].as_str().unwrap();
    let rest = page.get(&format!("/api/workflows/runs?last_id={last}")).await.json();
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["has_more"]), (1, &json!(false)));
    let run = page.get(&format!("/api/workflows/runs/{last}")).await.json();
    assert_eq!((&run["status"], run["steps"].as_array().unwrap().is_empty()), (&json!("succeeded"), false), "{run}");
    let stranger = self::page(&rig, &app).await;
    assert_eq!(stranger.get("/api/workflows/runs").await.json()["data"], json!([]));
    stranger.get(&format!("/api/workflows/runs/{last}")).await.expect_error(
        404,
        "not_found",
        "Workflow run not found.",
    );
    let hidden = ox_app::apps::SiteChange { show_workflow_steps: Some(false), ..Default::default() };
    ox_app::apps::update_site(&rig.services, &rig.owner, app.id, hidden).await.unwrap();
    assert_eq!(page.get(&format!("/api/workflows/runs/{last}")).await.json()["steps"], json!([]));
    page.get("/api/completion-messages").await.expect_error(400, "not_completion_app", "");
}

#[tokio::test]
async fn a_workflow_always_streams() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", crate::rig::passthrough(&json!([])), Draft::default()).await;
    let page = page(&rig, &app).await;
    let events = page.post("/api/workflows/run", json!({"inputs": {}, "response_mode": "blocking"})).await.events();
    assert_eq!(names(&events).last(), Some(&"workflow_finished"));
    let stop = format!("/api/workflows/tasks/{}/stop", ox_types::new_uuid());
    assert_eq!(page.post(&stop, json!({})).await.json(), json!({"result": "success"}));
}

/// Another answer is asked for with everything that the first was: texts, files among the inputs, files beside them.
#[tokio::test]
async fn another_answer_to_the_same_question() {
    let rig = Rig::new().await;
    let form = json!([
        {"paragraph": {"label": "Q", "variable": "q", "required": true}},
        {"file": {"label": "Doc", "variable": "doc", "required": true, "allowed_file_types": ["document"],
            "allowed_file_upload_methods": ["local_file"]}},
    ]);
    let more = json!({"pre_prompt": "say {{q}}", "user_input_form": form, "more_like_this": {"enabled": true},
        "file_upload": {"image": {"enabled": true, "number_limits": 3, "detail": "high",
            "transfer_methods": ["remote_url", "local_file"]}}});
    let app = rig.basic_app("completion", "echo", json!({}), more).await;
    let page = page(&rig, &app).await;
    let upload = async |name: &str, mime: &str| {
        let body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: {mime}\r\n\r\nx\r\n--b--\r\n"
        );
        let request = Request::post("/api/files/upload")
            .header("x-app-code", &page.code)
            .header("x-app-passport", &page.passport)
            .header("content-type", "multipart/form-data; boundary=b");
        rig.send(request.body(Body::from(body)).unwrap()).await.json()["id"].clone()
    };
    let (doc, png) = (upload("a.pdf", "application/pdf").await, upload("a.png", "image/png").await);
    let local = |kind: &str, id: &Json| json!({"type": kind, "transfer_method": "local_file", "upload_file_id": id});
    let body = json!({"inputs": {"q": "hello", "doc": local("document", &doc)}, "files": [local("image", &png)],
        "response_mode": "blocking"});
    let first = page.post("/api/completion-messages", body).await.json();
    assert_eq!(first["answer"], "say hello", "{first}");
    let id = first["message_id"].as_str().unwrap_or_else(|| panic!("{first}"));
    let again = page.get(&format!("/api/messages/{id}/more-like-this?response_mode=blocking")).await.json();
    assert_eq!(again["answer"], "say hello", "{again}");
    assert_ne!(again["message_id"], first["message_id"]);
    // Both were asked with the same picture and the same document.
    let mut seen = Vec::new();
    for answer in [&first, &again] {
        let id = answer["message_id"].as_str().unwrap().parse::<ox_types::MessageId>().unwrap();
        let files = ox_db::repo::messages::files_of(&rig.services.db, &[id]).await.unwrap();
        let message = ox_db::repo::messages::find(&rig.services.db, app.id, id).await.unwrap().unwrap();
        let inputs: Json = serde_json::from_str(&message.inputs).unwrap();
        let beside: Vec<_> = files.into_iter().map(|file| (file.kind, file.upload_file_id)).collect();
        seen.push((beside, inputs["doc"]["related_id"].clone()));
    }
    assert_eq!((seen[0].0.len(), &seen[0].1), (1, &doc), "{seen:?}");
    assert_eq!(seen[0], seen[1]);
    let streamed = page.get(&format!("/api/messages/{id}/more-like-this?response_mode=streaming")).await.events();
    assert_eq!(shape(&streamed), ["message", "message_end"]);
}
