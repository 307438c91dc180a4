//! Pictures that are found by their looks, where the embedding model sees (reference: knowledge §11).

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use ox_testkit::on_each_database;
use serde_json::{Value, json};

use crate::{knowledge::Shelf, support::TestServer};

const SEES: &str = "embed-vision-384";
const BLIND: &str = "embed-384";

async fn dataset(shelf: &Shelf, name: &str, model: &str) -> String {
    let body = json!({"name": name, "indexing_technique": "high_quality", "embedding_model": model,
        "embedding_model_provider": "oxidify/scripted"});
    let made = shelf.post("/datasets", body).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    assert_eq!(made.json()["is_multimodal"], model == SEES, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// The form of an upload by somebody.
fn form(name: &str, words: &str, user: &str) -> String {
    let mime = match name.rsplit('.').next() {
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        _ => "text/plain",
    };
    format!(
        "--xx\r\ncontent-disposition: form-data; name=\"user\"\r\n\r\n{user}\r\n--xx\r\ncontent-disposition: form-data; \
         name=\"file\"; filename=\"{name}\"\r\ncontent-type: {mime}\r\n\r\nPNG {words}.\r\n--xx--\r\n"
    )
}

/// A picture in which the scripted model sees some words.
async fn picture(shelf: &Shelf, name: &str, words: &str) -> String {
    let body = form(name, words, "");
    let cookies: Vec<String> = shelf.owner.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = Request::post("/console/api/files/upload")
        .header(header::COOKIE, cookies.join("; "))
        .header("x-csrf-token", shelf.owner.csrf())
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=xx")
        .body(Body::from(body))
        .unwrap();
    let made = shelf.server.send(request).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}

fn settings() -> Value {
    json!({"search_method": "semantic_search", "reranking_enable": false, "top_k": 3, "score_threshold_enabled": true,
        "score_threshold": 0.6})
}

/// What is found: the chunk, its first file, its score.
async fn found(shelf: &Shelf, id: &str, mut question: Value) -> Vec<(String, Value, f64)> {
    question["retrieval_model"] = settings();
    let answer = shelf.post(&format!("/datasets/{id}/retrieve"), question).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let records = answer.json()["records"].as_array().unwrap().clone();
    let one = |record: &Value| {
        let content = record["segment"]["content"].as_str().unwrap().to_owned();
        (content, record["files"][0]["id"].clone(), record["score"].as_f64().unwrap())
    };
    records.iter().map(one).collect()
}

async fn contents(shelf: &Shelf, id: &str, question: Value) -> Vec<String> {
    found(shelf, id, question).await.into_iter().map(|(content, _, _)| content).collect()
}

async fn set_model(shelf: &Shelf, id: &str, model: &str) {
    let body = json!({"indexing_technique": "high_quality", "embedding_model": model,
        "embedding_model_provider": "oxidify/scripted"});
    let changed = shelf.call(Method::PATCH, &format!("/datasets/{id}"), Some(body)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let mut now = Value::Null;
    for _ in 0..1000 {
        now = shelf.get(&format!("/datasets/{id}")).await.json();
        if now["embedding_model"] == model && now["is_multimodal"] == (model == SEES) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it hangs: {now}");
}

#[tokio::test]
async fn a_picture_stands_for_its_chunk() {
    on_each_database(|database| async move {
        let shelf = Shelf::on(TestServer::start(database).await).await;
        let id = dataset(&shelf, "Lights", SEES).await;
        let document = shelf.document(&id, "harbour.txt", "The harbour is quiet.", json!({})).await;
        let (light, whale) =
            (picture(&shelf, "light.png", "lighthouse").await, picture(&shelf, "whale.png", "whale").await);
        let chunks = format!("/datasets/{id}/documents/{document}/segments");
        let body = json!({"segments": [{"content": "Nothing of note.", "attachment_ids": [whale, light]}]});
        let chunk = shelf.post(&chunks, body).await.json()["data"][0]["id"].as_str().unwrap().to_owned();

        // A text finds the picture, and with it its chunk, the picture that was found first among its files.
        let records = found(&shelf, &id, json!({"query": "lighthouse"})).await;
        let (content, file, score) = records.first().unwrap_or_else(|| panic!("nothing was found"));
        assert_eq!((content.as_str(), file), ("Nothing of note.", &json!(light)), "{records:?}");
        assert!(*score > 0.99 && records.len() == 1, "{records:?}");

        // So does another picture, alone or beside a text: each chunk comes once.
        let asked = picture(&shelf, "asked.png", "lighthouse").await;
        assert_eq!(contents(&shelf, &id, json!({"attachment_ids": [asked]})).await, ["Nothing of note."]);
        let both = json!({"query": "The harbour is quiet.", "attachment_ids": [asked]});
        let mut both = contents(&shelf, &id, both).await;
        both.sort();
        assert_eq!(both, ["Nothing of note.", "The harbour is quiet."]);
        // Nothing is found by the name of a file, nor by the words of a question alone.
        let by_words = json!({"query": light, "retrieval_model": {"search_method": "full_text_search",
            "reranking_enable": false, "top_k": 3, "score_threshold_enabled": false}});
        let by_words = shelf.post(&format!("/datasets/{id}/retrieve"), by_words).await.json();
        assert_eq!(by_words["records"], json!([]), "{by_words}");

        // It goes and comes with its chunk.
        for (enabled, expected) in [(false, vec![]), (true, vec!["Nothing of note."])] {
            let action = if enabled { "enable" } else { "disable" };
            let path = format!("/datasets/{id}/documents/{document}/segment/{action}?segment_id={chunk}");
            let switched = shelf.server.console(&shelf.owner, Method::PATCH, &path, None).await;
            assert_eq!(switched.status, StatusCode::OK, "{}", switched.text);
            assert_eq!(contents(&shelf, &id, json!({"query": "lighthouse"})).await, expected, "{enabled}");
        }
        // It is not found any more once it is not the chunk's, and the other one is.
        let change = json!({"segment": {"content": "Nothing of note.", "attachment_ids": [whale]}});
        let changed = shelf.post(&format!("{chunks}/{chunk}"), change).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
        assert!(contents(&shelf, &id, json!({"query": "lighthouse"})).await.is_empty());
        assert_eq!(contents(&shelf, &id, json!({"query": "whale"})).await, ["Nothing of note."]);

        // Another model that does not see, and one that does again.
        set_model(&shelf, &id, BLIND).await;
        assert!(contents(&shelf, &id, json!({"query": "whale"})).await.is_empty());
        set_model(&shelf, &id, SEES).await;
        assert_eq!(contents(&shelf, &id, json!({"query": "whale"})).await, ["Nothing of note."]);
        assert!(contents(&shelf, &id, json!({"query": "lighthouse"})).await.is_empty());

        // Deleted with its chunk.
        let deleted = shelf.call(Method::DELETE, &format!("{chunks}/{chunk}"), None).await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.text);
        assert!(contents(&shelf, &id, json!({"query": "whale"})).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn pictures_in_the_text_are_found_and_asked_questions_kept() {
    let shelf = Shelf::new().await;
    let id = dataset(&shelf, "Named", SEES).await;
    let light = picture(&shelf, "light.png", "lighthouse").await;
    // The chunk names the file: it is bound to it, and embedded with it.
    let text = format!("Seen from the sea: ![image](/files/{light}/file-preview)");
    let document = shelf.document(&id, "sea.txt", &text, json!({})).await;
    let records = found(&shelf, &id, json!({"query": "lighthouse"})).await;
    assert!(records.len() == 1 && records[0].1 == light.as_str() && records[0].2 > 0.99, "{records:?}");

    let path = format!("/datasets/{id}/hit-testing");
    let asked = json!({"query": "", "attachment_ids": [light], "retrieval_model": settings()});
    let answer = shelf.server.post(&shelf.owner, &path, asked).await;
    assert_eq!(answer.json()["records"].as_array().map(Vec::len), Some(1), "{}", answer.text);
    let wanted = json!([{"content_type": "image_query", "content": light}]);
    let mut kept = Value::Null;
    for _ in 0..200 {
        kept = shelf.server.get(&shelf.owner, &format!("/datasets/{id}/queries")).await.json();
        if kept.to_string().contains("image_query") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let part = &kept["data"][0]["queries"][0];
    assert_eq!((&part["content"], &part["file_info"]["name"]), (&wanted[0]["content"], &json!("light.png")), "{kept}");

    // Documents that go take their pictures along.
    let gone = shelf.call(Method::DELETE, &format!("/datasets/{id}/documents/{document}"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    assert!(contents(&shelf, &id, json!({"query": "lighthouse"})).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_said() {
    let shelf = Shelf::new().await;
    let (sees, blind) = (dataset(&shelf, "Sees", SEES).await, dataset(&shelf, "Blind", BLIND).await);
    let light = picture(&shelf, "light.png", "lighthouse").await;
    let text = picture(&shelf, "light.txt", "lighthouse").await;
    shelf.document(&blind, "a.txt", "A lighthouse.", json!({})).await;
    let unknown = uuid::Uuid::nil().to_string();
    for (id, files, status, why) in [
        (&blind, json!([light]), 400, "does not see pictures"),
        (&sees, json!([]), 400, "query or attachment_ids is required"),
        (&sees, json!([text]), 400, "is not a PNG, JPEG, WebP or GIF picture"),
        (&sees, json!([unknown]), 404, "was not found"),
        (&sees, json!(["x"]), 400, "attachment_ids must be ids"),
        (&sees, json!(vec![&light; 11]), 400, "at most 10 pictures"),
    ] {
        let answer = shelf.post(&format!("/datasets/{id}/retrieve"), json!({"attachment_ids": files})).await;
        assert_eq!((answer.status.as_u16(), answer.text.contains(why)), (status, true), "{why}: {}", answer.text);
    }
    // Beside words, a picture that cannot be looked for is left out, and that is said.
    let both = json!({"query": "lighthouse", "attachment_ids": [light]});
    let answer = shelf.post(&format!("/datasets/{blind}/retrieve"), both).await.json();
    assert_eq!(answer["records"].as_array().map(Vec::len), Some(1), "{answer}");
    assert!(answer["shortcoming"].as_str().unwrap().contains("only the words"), "{answer}");
}

/// An app that looks a picture up and answers with what was found.
async fn looking_app(shelf: &Shelf, datasets: &[&str]) -> String {
    let (server, owner) = (&shelf.server, &shelf.owner);
    let made = server.post(owner, "/apps", json!({"name": "Looks", "mode": "workflow"})).await.json();
    let app = made["id"].as_str().unwrap_or_else(|| panic!("{made}"));
    let seen = json!({"variable": "seen", "label": "seen", "type": "file", "required": true, "allowed_file_types": ["image"],
        "allowed_file_upload_methods": ["local_file"]});
    let retrieval = json!({"type": "knowledge-retrieval", "title": "look", "query_variable_selector": [],
        "query_attachment_selector": ["start", "seen"], "dataset_ids": datasets, "retrieval_mode": "multiple",
        "multiple_retrieval_config": {"top_k": 2, "score_threshold": 0.6, "reranking_enable": false}});
    let end =
        json!({"type": "end", "title": "end", "outputs": [{"variable": "out", "value_selector": ["look", "result"]}]});
    let nodes =
        [("start", json!({"type": "start", "title": "start", "variables": [seen]})), ("look", retrieval), ("end", end)];
    let nodes: Vec<Value> = nodes
        .into_iter()
        .map(|(id, data)| json!({"id": id, "type": "custom", "position": {"x": 0, "y": 0}, "data": data}))
        .collect();
    let edge = |source: &str, target: &str| {
        json!({"id": format!("{source}-{target}"), "source": source, "target": target,
        "sourceHandle": "source", "targetHandle": "target"})
    };
    let graph = json!({"nodes": nodes, "edges": [edge("start", "look"), edge("look", "end")],
        "viewport": {"x": 0, "y": 0, "zoom": 1}});
    let draft = json!({"graph": graph, "features": {}, "environment_variables": [], "conversation_variables": []});
    let saved = server.post(owner, &format!("/apps/{app}/workflows/draft"), draft).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
    let published = server.post(owner, &format!("/apps/{app}/workflows/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    let key = server.post(owner, &format!("/apps/{app}/api-keys"), json!({})).await.json();
    key["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nodes_look_for_pictures() {
    let shelf = Shelf::new().await;
    let (sees, blind) = (dataset(&shelf, "Sees", SEES).await, dataset(&shelf, "Blind", BLIND).await);
    let light = picture(&shelf, "light.png", "lighthouse").await;
    let text = format!("Seen from the sea: ![image](/files/{light}/file-preview)");
    shelf.document(&sees, "sea.txt", &text, json!({})).await;
    shelf.document(&blind, "a.txt", "A lighthouse.", json!({})).await;
    let key = looking_app(&shelf, &[&sees, &blind]).await;
    let seen = asked_with(&shelf, &key, "asked.png", "lighthouse").await;
    let body = json!({"inputs": {"seen": seen}, "user": "ann", "response_mode": "blocking"});
    let run = shelf.server.v1(&key, Method::POST, "/workflows/run", Some(body)).await.json();
    assert_eq!(run["data"]["status"], "succeeded", "{run}");
    let found = run["data"]["outputs"]["out"].as_array().unwrap_or_else(|| panic!("{run}"));
    // The one that does not see finds nothing by a picture.
    assert_eq!(found.len(), 1, "{run}");
    assert!(found[0]["content"].as_str().unwrap().starts_with("Seen from the sea"), "{run}");
    assert_eq!(found[0]["files"][0]["related_id"], light.as_str(), "{run}");
}

#[tokio::test]
async fn basic_apps_look_for_the_pictures_of_a_message() {
    let shelf = Shelf::new().await;
    let id = dataset(&shelf, "Sees", SEES).await;
    let (light, whale) =
        (picture(&shelf, "light.png", "lighthouse").await, picture(&shelf, "whale.png", "whale").await);
    for (name, picture) in [("sea.txt", &light), ("deep.txt", &whale)] {
        let text = format!("Of {name}: ![image](/files/{picture}/file-preview)");
        shelf.document(&id, name, &text, json!({})).await;
    }
    let config = json!({
        "model": {"provider": "oxidify/scripted", "name": "echo", "mode": "chat", "completion_params": {}},
        "prompt_type": "simple", "pre_prompt": "", "user_input_form": [],
        "retriever_resource": {"enabled": true},
        "file_upload": {"enabled": true, "allowed_file_types": ["image"], "allowed_file_upload_methods": ["local_file"], "number_limits": 3},
        "dataset_configs": {"retrieval_model": "multiple", "top_k": 1, "score_threshold_enabled": true, "score_threshold": 0.6,
            "reranking_enable": false, "datasets": {"datasets": [{"dataset": {"enabled": true, "id": id}}]}},
    });
    let app =
        json!({"app": {"name": "Looks", "mode": "chat"}, "kind": "app", "version": "0.6.0", "model_config": config});
    let (_, key) = shelf.server.app(&shelf.owner, &app.to_string()).await;
    let whale = asked_with(&shelf, &key, "asked.png", "whale").await;
    for (query, files, sources) in [
        ("zzz", json!([whale]), vec!["deep.txt"]),
        ("zzz", json!([]), vec![]),
        // What cannot be looked for leaves the words.
        ("lighthouse", json!([asked_with(&shelf, &key, "drawing.svg", "whale").await]), vec!["sea.txt"]),
        (
            "lighthouse",
            json!([asked_with(&shelf, &key, "large.png", &"whale ".repeat(1_000_000)).await]),
            vec!["sea.txt"],
        ),
    ] {
        let body = json!({"inputs": {}, "query": query, "user": "ann", "response_mode": "blocking", "files": files});
        let said = shelf.server.v1(&key, Method::POST, "/chat-messages", Some(body)).await.json();
        let told = said["metadata"]["retriever_resources"].as_array().unwrap_or_else(|| panic!("{said}"));
        let names: Vec<&str> = told.iter().map(|one| one["document_name"].as_str().unwrap()).collect();
        assert_eq!(names, sources, "{query}: {said}");
    }
}

#[tokio::test]
async fn agents_look_for_the_pictures_of_a_message() {
    let shelf = Shelf::new().await;
    let id = dataset(&shelf, "Sees", SEES).await;
    for (name, words) in [("sea.txt", "lighthouse"), ("deep.txt", "whale")] {
        let picture = picture(&shelf, &format!("{words}.png"), words).await;
        let text = format!("Of {name}: ![image](/files/{picture}/file-preview)");
        shelf.document(&id, name, &text, json!({})).await;
    }
    // One search over all, or a tool for each knowledge base.
    for retrieval in ["multiple", "single"] {
        let config = json!({
            "model": {"provider": "oxidify/scripted", "name": "tools", "mode": "chat",
                "completion_params": {"arguments": "{\"query\": \"zzz\"}"}},
            "prompt_type": "simple", "pre_prompt": "", "user_input_form": [], "retriever_resource": {"enabled": true},
            "file_upload": {"enabled": true, "allowed_file_types": ["image"], "allowed_file_upload_methods": ["local_file"], "number_limits": 3},
            "agent_mode": {"enabled": true, "strategy": "function_call", "max_iteration": 3, "prompt": null,
                "tools": [{"dataset": {"enabled": true, "id": id}}]},
            "dataset_configs": {"retrieval_model": retrieval, "top_k": 1, "reranking_enable": false},
        });
        let app = json!({"app": {"name": "Looks", "mode": "agent-chat"}, "kind": "app", "version": "0.6.0", "model_config": config});
        let (_, key) = shelf.server.app(&shelf.owner, &app.to_string()).await;
        for (words, first) in [("whale", "deep.txt"), ("lighthouse", "sea.txt")] {
            let files = json!([asked_with(&shelf, &key, "asked.png", words).await]);
            let body = json!({"inputs": {}, "query": "What is it?", "user": "ann", "response_mode": "streaming", "files": files});
            let said = shelf.server.v1(&key, Method::POST, "/chat-messages", Some(body)).await;
            let events = said.text.lines().filter_map(|line| line.strip_prefix("data: "));
            let mut events = events.map(|event| serde_json::from_str::<Value>(event).unwrap());
            let end = events.find(|event| event["event"] == "message_end").unwrap_or_else(|| panic!("{}", said.text));
            let found = &end["metadata"]["retriever_resources"][0]["document_name"];
            assert_eq!(found, first, "{retrieval}: {}", said.text);
        }
    }
}

/// A picture of a user's message, uploaded.
async fn asked_with(shelf: &Shelf, key: &str, name: &str, words: &str) -> Value {
    let request = Request::post("/v1/files/upload")
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=xx")
        .body(Body::from(form(name, words, "ann")))
        .unwrap();
    let uploaded = shelf.server.send(request).await;
    assert_eq!(uploaded.status, StatusCode::CREATED, "{}", uploaded.text);
    json!({"type": "image", "transfer_method": "local_file", "upload_file_id": uploaded.json()["id"]})
}
