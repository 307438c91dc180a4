//! What happens to knowledge beside its making: other models, questions, imports, others' knowledge, models that choose.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde_json::{Value, json};

use crate::{
    knowledge::Shelf,
    support::{Answer, TestServer},
};

const MODEL: (&str, &str) = ("oxidify/scripted", "embed-384");

async fn console(shelf: &Shelf, method: Method, path: &str, body: Option<Value>) -> Answer {
    shelf.server.console(&shelf.owner, method, path, body).await
}

/// A knowledge base with vectors.
async fn with_vectors(shelf: &Shelf, name: &str) -> String {
    let body = json!({"name": name, "indexing_technique": "high_quality", "embedding_model_provider": MODEL.0, "embedding_model": MODEL.1});
    let made = shelf.post("/datasets", body).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// Waits until something is so.
async fn until<T>(mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let mut last = String::new();
    for _ in 0..500 {
        match look().await {
            Ok(found) => return found,
            Err(text) => last = text,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it hangs: {last}");
}

fn settings(method: &str) -> Value {
    json!({"search_method": method, "reranking_enable": false, "top_k": 3, "score_threshold_enabled": false})
}

async fn found(shelf: &Shelf, id: &str, query: &str, model: Value) -> Vec<Value> {
    let body = json!({"query": query, "retrieval_model": model});
    let answer = shelf.post(&format!("/datasets/{id}/retrieve"), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["records"].as_array().unwrap().clone()
}

fn contents(records: &[Value]) -> Vec<String> {
    records.iter().map(|record| record["segment"]["content"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn another_model_takes_over_once_all_vectors_are_there() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Words first").await;
    for number in 0..3 {
        shelf.document(&id, &format!("{number}"), &format!("The owl number {number} sleeps by day."), json!({})).await;
    }
    let body =
        json!({"indexing_technique": "high_quality", "embedding_model_provider": MODEL.0, "embedding_model": MODEL.1});
    let changed = shelf.call(Method::PATCH, &format!("/datasets/{id}"), Some(body)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    // While it is made anew, and at the very moment of the switch, words find it.
    until(async || {
        assert_eq!(found(&shelf, &id, "owl", settings("full_text_search")).await.len(), 3);
        let now = shelf.get(&format!("/datasets/{id}")).await.json();
        if now["indexing_technique"] == "high_quality" && now["embedding_model"] == MODEL.1 {
            Ok(())
        } else {
            Err(now.to_string())
        }
    })
    .await;
    let records = found(&shelf, &id, "The owl number 2 sleeps by day.", settings("semantic_search")).await;
    assert_eq!(contents(&records)[0], "The owl number 2 sleeps by day.", "{records:?}");
    assert!(records[0]["score"].as_f64().unwrap() > 0.99, "{records:?}");
    // What comes later is found by meaning too.
    shelf.document(&id, "later", "A fox digs a den.", json!({})).await;
    let records = found(&shelf, &id, "A fox digs a den.", settings("semantic_search")).await;
    assert_eq!(contents(&records)[0], "A fox digs a den.", "{records:?}");
}

#[tokio::test]
async fn questions_are_made_by_the_workspaces_model() {
    let shelf = Shelf::new().await;
    let choose = async |model: &str| {
        let body = json!({"model_settings": [{"model_type": "llm", "provider": "oxidify/scripted", "model": model}]});
        let done = console(&shelf, Method::POST, "/workspaces/current/default-model", Some(body)).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    };
    let id = with_vectors(&shelf, "Questions").await;
    choose("echo").await;
    let more = json!({"doc_form": "qa_model", "doc_language": "English"});
    let text = "Q1: Who sleeps by day? A1: The owl. Q2: Who digs? A2: The fox.";
    let doc = shelf.document(&id, "d", text, more.clone()).await;
    let path = format!("/datasets/{id}/documents/{doc}/segments");
    let chunks = shelf.get(&path).await.json();
    let pairs: Vec<(&str, &str)> = chunks["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chunk| (chunk["content"].as_str().unwrap(), chunk["answer"].as_str().unwrap()))
        .collect();
    assert_eq!(pairs, [("Who sleeps by day?", "The owl."), ("Who digs?", "The fox.")], "{chunks}");
    let records = found(&shelf, &id, "Who digs?", settings("semantic_search")).await;
    assert_eq!((&records[0]["segment"]["answer"], contents(&records)[0].as_str()), (&json!("The fox."), "Who digs?"));
    for (body, text) in [
        (json!({"segments": [{"content": "c"}]}), "Answer is required"),
        (json!({"segments": [{"content": "c", "answer": " "}]}), "Answer is empty"),
    ] {
        let refused = shelf.post(&path, body).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains(text), "H21: {}", refused.text);
    }
    // A model whose answer holds no questions: the chunk says so, and the document ends.
    choose("canned").await;
    let body =
        json!({"name": "e", "text": "Nothing to ask.", "process_rule": {"mode": "automatic"}, "doc_form": "qa_model"});
    let made = shelf.post(&format!("/datasets/{id}/document/create-by-text"), body).await.json();
    let ended = shelf.ended(&id, made["batch"].as_str().unwrap()).await;
    let doc = made["document"]["id"].as_str().unwrap();
    let chunks = shelf.get(&format!("/datasets/{id}/documents/{doc}/segments?status=error")).await.json();
    assert_eq!(chunks["data"][0]["error"], "The model's answer held no questions.", "{ended} {chunks}");
}

#[tokio::test]
async fn chunks_come_from_csv_and_files_go_into_an_archive() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Rows").await;
    let doc = shelf.document(&id, "d.txt", "one two three", json!({})).await;
    let second = shelf.document(&id, "d.txt", "four five six", json!({})).await;
    let cookies: Vec<String> = shelf.owner.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let upload = async |name: &str, text: &str| {
        let body = format!(
            "--xx\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{text}\r\n--xx--\r\n"
        );
        let request = Request::post("/console/api/files/upload?source=datasets")
            .header(header::COOKIE, cookies.join("; "))
            .header("x-csrf-token", shelf.owner.csrf())
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=xx")
            .body(Body::from(body))
            .unwrap();
        let made = shelf.server.send(request).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    };
    let import = format!("/datasets/{id}/documents/{doc}/segments/batch_import");
    let file = upload("rows.csv", "content\nThe owl sleeps.\n\"The fox, too.\"\n\n").await;
    let job = console(&shelf, Method::POST, &import, Some(json!({"upload_file_id": file}))).await.json();
    assert_eq!(job["job_status"], "waiting", "{job}");
    let status = format!("/datasets/batch_import_status/{}", job["job_id"].as_str().unwrap());
    until(async || {
        let now = console(&shelf, Method::GET, &status, None).await.json();
        if now["job_status"] == "completed" { Ok(()) } else { Err(now.to_string()) }
    })
    .await;
    let chunks = shelf.get(&format!("/datasets/{id}/documents/{doc}/segments")).await.json();
    let texts: Vec<&str> =
        chunks["data"].as_array().unwrap().iter().map(|chunk| chunk["content"].as_str().unwrap()).collect();
    assert_eq!(texts, ["one two three", "The owl sleeps.", "The fox, too."], "{chunks}");
    assert_eq!(contents(&found(&shelf, &id, "fox", settings("keyword_search")).await), ["The fox, too."]);
    for (file, text) in
        [(upload("rows.txt", "content\nx\n").await, "Only CSV"), (upload("empty.csv", "content\n").await, "empty")]
    {
        let refused = console(&shelf, Method::POST, &import, Some(json!({"upload_file_id": file}))).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains(text), "{}", refused.text);
    }
    let zip = console(
        &shelf,
        Method::POST,
        &format!("/datasets/{id}/documents/download-zip"),
        Some(json!({"document_ids": [doc, second]})),
    )
    .await;
    assert_eq!(
        (zip.status, zip.headers[header::CONTENT_TYPE].to_str().unwrap()),
        (StatusCode::OK, "application/zip"),
        "{}",
        zip.text
    );
    assert!(zip.text.starts_with("PK") && zip.text.contains("d.txt") && zip.text.contains("d (1).txt"));
    let none = console(
        &shelf,
        Method::POST,
        &format!("/datasets/{id}/documents/download-zip"),
        Some(json!({"document_ids": []})),
    )
    .await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST, "{}", none.text);
}

type Heard = Arc<Mutex<Vec<(String, Value)>>>;

/// A service that searches: what it heard is kept.
async fn service(heard: Heard) -> String {
    async fn retrieval(State(heard): State<Heard>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
        let key = headers.get(header::AUTHORIZATION).map(|key| key.to_str().unwrap().to_owned()).unwrap_or_default();
        let query = body["query"].as_str().unwrap_or_default().to_owned();
        heard.lock().unwrap().push((key, body));
        match query.as_str() {
            "fail" => {
                let body = json!({"error_code": 2001, "error_msg": "The knowledge does not exist"});
                (StatusCode::NOT_FOUND, Json(body)).into_response()
            }
            "boom" => (StatusCode::INTERNAL_SERVER_ERROR, "boom").into_response(),
            "odd" => Json(json!({"records": "many"})).into_response(),
            _ => Json(json!({"records": [
                {"content": "The owl sleeps.", "score": 0.9, "title": "owl.pdf", "metadata": {"page": 3}},
                {"content": "The fox too.", "score": 0.8, "title": null, "metadata": null},
            ]}))
            .into_response(),
        }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/base/retrieval", post(retrieval)).with_state(heard);
    tokio::task::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/base")
}

/// J13.
#[tokio::test]
async fn knowledge_of_others_is_asked_as_agreed() {
    let heard = Heard::default();
    let endpoint = service(Arc::clone(&heard)).await;
    let policy =
        ox_net::Policy { allow_private_nets: vec!["127.0.0.1/32".parse().unwrap()], ..ox_net::Policy::default() };
    let shelf = Shelf::on(TestServer::sqlite_on(ox_net::Egress::new(policy)).await).await;
    let api = json!({"name": "Library", "settings": {"endpoint": endpoint, "api_key": "secret-key"}});
    let made = console(&shelf, Method::POST, "/datasets/external-knowledge-api", Some(api)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert!(!made.text.contains("secret-key"), "{}", made.text);
    let api = made.json()["id"].as_str().unwrap().to_owned();
    let body = json!({"external_knowledge_api_id": api, "external_knowledge_id": "AAA-BBB", "name": "Theirs",
        "external_retrieval_model": {"top_k": 4, "score_threshold": 0.5, "score_threshold_enabled": true}});
    let made = console(&shelf, Method::POST, "/datasets/external", Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    heard.lock().unwrap().clear();
    let ask = async |body: Value| {
        console(&shelf, Method::POST, &format!("/datasets/{id}/external-hit-testing"), Some(body)).await
    };
    let answer = ask(json!({"query": "owl", "metadata_filtering_conditions": {"logical_operator": "and", "conditions": [{"name": "lang", "comparison_operator": "is", "value": "en"}]}})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let answer = answer.json();
    assert_eq!(
        (&answer["records"][0]["title"], &answer["records"][1]["metadata"]),
        (&json!("owl.pdf"), &json!({})),
        "{answer}"
    );
    let (key, request) = heard.lock().unwrap().pop().unwrap();
    assert_eq!(key, "Bearer secret-key");
    assert_eq!(
        request,
        json!({"retrieval_setting": {"top_k": 4, "score_threshold": 0.5}, "query": "owl", "knowledge_id": "AAA-BBB",
            "metadata_condition": {"logical_operator": "and", "conditions": [{"name": "lang", "comparison_operator": "is", "value": "en"}]}})
    );
    let other = ask(json!({"query": "owl", "external_retrieval_model": {"top_k": 2}})).await;
    assert_eq!(other.status, StatusCode::OK, "{}", other.text);
    let (_, request) = heard.lock().unwrap().pop().unwrap();
    assert_eq!(
        (&request["retrieval_setting"], &request["metadata_condition"]),
        (&json!({"top_k": 2, "score_threshold": 0.0}), &Value::Null)
    );
    for (query, text) in [("fail", "The knowledge does not exist"), ("odd", "not as agreed")] {
        let refused = ask(json!({"query": query})).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains(text), "{}", refused.text);
    }
    let refused = ask(json!({"query": "boom"})).await;
    assert_eq!((refused.status, &refused.json()["message"]), (StatusCode::BAD_REQUEST, &json!("boom")), "J12");
    // By the Service API it looks like any other.
    let records = found(&shelf, &id, "owl", Value::Null).await;
    assert_eq!(
        (contents(&records)[0].as_str(), &records[0]["segment"]["document"]["name"]),
        ("The owl sleeps.", &json!("owl.pdf"))
    );
    let used =
        console(&shelf, Method::GET, &format!("/datasets/external-knowledge-api/{api}/use-check"), None).await.json();
    assert_eq!(used, json!({"is_using": true, "count": 1}));
    // `POST /datasets` connects one too.
    let body = json!({"name": "Also theirs", "provider": "external", "external_knowledge_api_id": api, "external_knowledge_id": "CCC"});
    let made = console(&shelf, Method::POST, "/datasets", Some(body)).await;
    assert_eq!((made.status, &made.json()["provider"]), (StatusCode::CREATED, &json!("external")), "{}", made.text);
    assert_eq!(made.json()["external_knowledge_info"]["external_knowledge_id"], "CCC", "{}", made.text);
    let no = console(&shelf, Method::POST, &format!("/datasets/{id}/evaluation/runs"), Some(json!({}))).await;
    assert_eq!(no.status, StatusCode::BAD_REQUEST, "{}", no.text);
    let closed = Shelf::new().await;
    let api = json!({"name": "Library", "settings": {"endpoint": endpoint, "api_key": "k"}});
    let refused = console(&closed, Method::POST, "/datasets/external-knowledge-api", Some(api)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "this machine is nobody's knowledge: {}", refused.text);
}

/// The key of a chat app over knowledge bases, answered by a canned text.
async fn chat_app(shelf: &Shelf, text: &str, datasets: &[String], configs: Value) -> String {
    let list: Vec<Value> = datasets.iter().map(|id| json!({"dataset": {"enabled": true, "id": id}})).collect();
    let mut dataset_configs = json!({"datasets": {"datasets": list}, "top_k": 4, "reranking_enable": false});
    dataset_configs.as_object_mut().unwrap().extend(configs.as_object().unwrap().clone());
    let file = json!({"app": {"name": "Chat", "mode": "chat", "icon": "a", "icon_background": "#fff", "description": ""}, "kind": "app", "version": "0.6.0",
        "model_config": {"model": {"provider": "oxidify/scripted", "name": "canned", "mode": "chat", "completion_params": {"text": text}},
            "pre_prompt": "", "prompt_type": "simple", "user_input_form": [], "retriever_resource": {"enabled": true}, "dataset_configs": dataset_configs}});
    shelf.server.app(&shelf.owner, &file.to_string()).await.1
}

/// What such an app names as its sources.
async fn chat(shelf: &Shelf, text: &str, datasets: &[String], configs: Value) -> Value {
    let key = chat_app(shelf, text, datasets, configs).await;
    let body = json!({"inputs": {}, "query": "Who hunts?", "user": "u", "response_mode": "blocking"});
    let answer = shelf.server.v1(&key, Method::POST, "/chat-messages", Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["metadata"]["retriever_resources"].clone()
}

fn names(resources: &Value) -> Vec<String> {
    let mut names: Vec<String> = resources
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| one["document_name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// C20.
#[tokio::test]
async fn a_streamed_answer_ends_with_its_sources() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Birds").await;
    shelf.document(&id, "owl", "The owl hunts mice.", json!({})).await;
    let key = chat_app(&shelf, "x", &[id.clone()], json!({"retrieval_model": "multiple"})).await;
    let body = json!({"inputs": {}, "query": "Who hunts?", "user": "u", "response_mode": "streaming"});
    let answer = shelf.server.v1(&key, Method::POST, "/chat-messages", Some(body)).await;
    let events = answer.text.split("\n\n").filter_map(|frame| frame.strip_prefix("data: "));
    let end = events.map(|data| serde_json::from_str::<Value>(data).unwrap()).last().unwrap();
    let source = &end["metadata"]["retriever_resources"][0];
    assert_eq!((&end["event"], &source["position"]), (&json!("message_end"), &json!(1)), "{}", answer.text);
    assert_eq!((&source["dataset_id"], &source["retriever_from"]), (&json!(id), &json!("api")), "{source}");
    assert_eq!((&source["document_name"], &source["content"]), (&json!("owl"), &json!("The owl hunts mice.")));
    assert!(source["score"].is_number(), "{source}");
}

/// H26 to H28.
#[tokio::test]
async fn a_question_to_a_knowledge_base_has_words_and_not_too_many() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Birds").await;
    shelf.document(&id, "owl", "The owl hunts mice.", json!({})).await;
    let path = format!("/datasets/{id}/retrieve");
    let answer = shelf.post(&path, json!({"query": "owl"})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let answer = answer.json();
    let record = &answer["records"][0];
    assert_eq!((&answer["query"]["content"], &record["segment"]["document"]["name"]), (&json!("owl"), &json!("owl")));
    assert!(record["score"].is_number() && record.get("child_chunks").is_some(), "{record}");
    for body in [json!({"query": "x".repeat(251)}), json!({})] {
        let refused = shelf.post(&path, body).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_param"));
        assert!(refused.json()["message"].as_str().unwrap().contains("query"), "{}", refused.text);
    }
    assert_eq!(shelf.post(&path, json!({"query": "x".repeat(250)})).await.status, StatusCode::OK);
}

#[tokio::test]
async fn models_choose_where_and_what_to_look_up() {
    let shelf = Shelf::new().await;
    let (birds, beasts) = (shelf.dataset("Birds").await, shelf.dataset("Beasts").await);
    let owl = shelf.document(&birds, "owl", "The owl hunts mice.", json!({})).await;
    shelf.document(&birds, "hawk", "The hawk hunts hares.", json!({})).await;
    shelf.document(&beasts, "fox", "The fox hunts hens.", json!({})).await;
    let both = [birds.clone(), beasts.clone()];
    let all = chat(&shelf, "x", &both, json!({"retrieval_model": "multiple"})).await;
    assert_eq!(names(&all), ["fox", "hawk", "owl"], "{all}");
    // One path: the model answers with the id of one; when with none, nothing is looked up.
    let one = chat(&shelf, &format!("It is {beasts}."), &both, json!({"retrieval_model": "single"})).await;
    assert_eq!(names(&one), ["fox"], "{one}");
    let none = chat(&shelf, "NONE", &both, json!({"retrieval_model": "single"})).await;
    assert_eq!(names(&none), Vec::<String>::new(), "{none}");
    let field =
        shelf.post(&format!("/datasets/{birds}/metadata"), json!({"type": "string", "name": "time"})).await.json();
    let value = json!({"operation_data": [{"document_id": owl, "metadata_list": [{"id": field["id"], "name": "time", "value": "night"}]}]});
    assert_eq!(shelf.post(&format!("/datasets/{birds}/documents/metadata"), value).await.status, StatusCode::OK);
    let says = |text: &str| {
        json!({"retrieval_model": "multiple", "metadata_filtering_mode": "automatic",
        "metadata_model_config": {"provider": "oxidify/scripted", "name": "canned", "mode": "chat", "completion_params": {"text": text}}})
    };
    let night = r#"{"metadata_map": [{"metadata_field_name": "time", "metadata_field_value": "night", "comparison_operator": "is"}]}"#;
    let at_night = chat(&shelf, "x", &[birds.clone()], says(night)).await;
    assert_eq!(names(&at_night), ["owl"], "{at_night}");
    // A model that says nothing of use is no filter.
    for nothing in [
        "I do not know.",
        r#"{"metadata_map": [{"metadata_field_name": "colour", "metadata_field_value": "red", "comparison_operator": "is"}]}"#,
    ] {
        let open = chat(&shelf, "x", &[birds.clone()], says(nothing)).await;
        assert_eq!(names(&open), ["hawk", "owl"], "{open}");
    }
    // H36: what an app uses is not deleted.
    let used = shelf.call(Method::DELETE, &format!("/datasets/{birds}"), None).await;
    assert_eq!((used.status, used.code().as_str()), (StatusCode::CONFLICT, "dataset_in_use"), "{}", used.text);
}

#[tokio::test]
async fn what_stands_beside_is_read_and_little_is_read_whole() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Story").await;
    let doc = shelf.document(&id, "story", "First the egg.", json!({})).await;
    let path = format!("/datasets/{id}/documents/{doc}/segments");
    let more: Vec<Value> = ["Then the hen.", "Then the fox.", "Then the hound.", "Last the hunter."]
        .iter()
        .map(|text| json!({"content": text}))
        .collect();
    assert_eq!(shelf.post(&path, json!({"segments": more})).await.status, StatusCode::OK);
    let with = |name: &str, value: Value| {
        let mut model = settings("keyword_search");
        model[name] = value;
        model
    };
    let plain = found(&shelf, &id, "fox", settings("keyword_search")).await;
    assert_eq!((contents(&plain), plain[0]["segment"].get("before")), (vec!["Then the fox.".to_owned()], None));
    let wide = found(&shelf, &id, "fox", with("neighbours", json!(1))).await;
    assert_eq!(
        (&wide[0]["segment"]["before"], &wide[0]["segment"]["after"]),
        (&json!(["Then the hen."]), &json!(["Then the hound."])),
        "{wide:?}"
    );
    // Nothing is read twice: of two that are found, each has what the other has not.
    let two = found(&shelf, &id, "hen hound", with("neighbours", json!(1))).await;
    let read: usize = two
        .iter()
        .map(|record| {
            ["before", "after"].iter().map(|side| record["segment"][side].as_array().map_or(0, Vec::len)).sum::<usize>()
        })
        .sum();
    assert_eq!((two.len(), read), (2, 3), "egg, fox once, hunter: {two:?}");
    let whole = found(&shelf, &id, "fox", with("full_context_limit", json!(1000))).await;
    assert_eq!(
        contents(&whole),
        ["First the egg.", "Then the hen.", "Then the fox.", "Then the hound.", "Last the hunter."]
    );
    let little = found(&shelf, &id, "fox", with("full_context_limit", json!(20))).await;
    assert_eq!(contents(&little), ["Then the fox."], "it does not fit");
    for (name, value) in [("neighbours", json!(6)), ("full_context_limit", json!(0))] {
        let body = json!({"query": "fox", "retrieval_model": with(name, value)});
        let refused = shelf.post(&format!("/datasets/{id}/retrieve"), body).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains(name), "{}", refused.text);
    }
    // Kept with the knowledge base, apps are given it.
    let kept = json!({"retrieval_model": with("full_context_limit", json!(1000))});
    assert_eq!(
        shelf.call(Method::PATCH, &format!("/datasets/{id}"), Some(kept)).await.json()["retrieval_model_dict"]["full_context_limit"],
        1000
    );
    let sources = chat(&shelf, "x", &[id], json!({"retrieval_model": "multiple", "top_k": 1})).await;
    assert_eq!(sources.as_array().unwrap().len(), 5, "{sources}");
}

#[tokio::test]
async fn equal_chunks_stay_two_and_a_model_that_is_gone_leaves_the_words() {
    let shelf = Shelf::new().await;
    let id = with_vectors(&shelf, "Twins").await;
    let first = shelf.document(&id, "a", "The very same words.", json!({})).await;
    shelf.document(&id, "b", "The very same words.", json!({})).await;
    for method in ["semantic_search", "full_text_search", "hybrid_search"] {
        assert_eq!(found(&shelf, &id, "same words", settings(method)).await.len(), 2, "{method}");
    }
    assert_eq!(
        shelf.call(Method::DELETE, &format!("/datasets/{id}/documents/{first}"), None).await.status,
        StatusCode::NO_CONTENT
    );
    for method in ["semantic_search", "full_text_search", "hybrid_search"] {
        let left = found(&shelf, &id, "same words", settings(method)).await;
        assert_eq!((left.len(), &left[0]["segment"]["document"]["name"]), (1, &json!("b")), "{method}");
    }
    // The model disabled: words still find, what needs it says why, and a document ends.
    let off = json!({"model": MODEL.1, "model_type": "text-embedding"});
    let path = format!("/workspaces/current/model-providers/{}/models/disable", MODEL.0.replace('/', "%2F"));
    let done = console(&shelf, Method::PATCH, &path, Some(off)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(found(&shelf, &id, "same words", settings("full_text_search")).await.len(), 1);
    let listed = shelf.get("/datasets").await.json();
    assert_eq!(listed["data"][0]["embedding_available"], false, "{listed}");
    let asked = shelf
        .post(
            &format!("/datasets/{id}/retrieve"),
            json!({"query": "some other words", "retrieval_model": settings("semantic_search")}),
        )
        .await;
    let told = asked.json();
    assert_eq!(asked.status, StatusCode::OK, "{told}");
    let why = told["shortcoming"].as_str().unwrap();
    assert!(why.starts_with("Searched by words only") && why.contains(MODEL.1), "{told}");
    let body = json!({"name": "c", "text": "Words that were never embedded.", "process_rule": {"mode": "automatic"}});
    let made = shelf.post(&format!("/datasets/{id}/document/create-by-text"), body).await.json();
    let ended = shelf.ended(&id, made["batch"].as_str().unwrap()).await;
    assert_eq!(ended["indexing_status"], "error", "{ended}");
    assert!(!ended["error"].as_str().unwrap().is_empty(), "{ended}");
}

#[tokio::test]
async fn the_local_index_is_never_away_and_has_nothing_to_move() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Here").await;
    let store = console(&shelf, Method::GET, "/datasets/vector-store", None).await;
    assert_eq!(store.status, StatusCode::OK, "{}", store.text);
    assert_eq!(store.json(), json!({"store": "embedded", "is_away": false}));
    let state = console(&shelf, Method::GET, &format!("/datasets/{id}/index-state"), None).await;
    assert_eq!(
        state.json(),
        json!({"store": "embedded", "is_away": false, "is_moving": false, "done": 0, "total": 0, "rebuild": null}),
        "{}",
        state.text
    );
    let unknown = "/datasets/00000000-0000-7000-8000-000000000000/index-state";
    assert_eq!(console(&shelf, Method::GET, unknown, None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_test_tells_what_scores_are_made_of_and_where_the_time_went() {
    let shelf = Shelf::new().await;
    let id = with_vectors(&shelf, "Told").await;
    for (name, text) in [("a", "The owl hunts at night."), ("b", "Bread is baked in the morning.")] {
        let body = json!({"name": name, "text": text, "process_rule": {"mode": "automatic"}});
        let made = shelf.post(&format!("/datasets/{id}/document/create-by-text"), body).await.json();
        let ended = shelf.ended(&id, made["batch"].as_str().unwrap()).await;
        assert_eq!(ended["indexing_status"], "completed", "{ended}");
    }
    // Method, and whether words and meaning have a score and a time.
    for (method, words, meaning) in
        [("hybrid_search", true, true), ("semantic_search", false, true), ("full_text_search", true, false)]
    {
        let body = json!({"query": "owl", "retrieval_model": settings(method)});
        let path = format!("/datasets/{id}/hit-testing");
        let told = console(&shelf, Method::POST, &path, Some(body)).await.json();
        let (times, first) = (&told["times"], &told["records"][0]);
        assert!(times["total"].as_f64().is_some_and(|total| total > 0.0), "{method}: {told}");
        assert_eq!(
            (
                times["words"].is_f64(),
                times["vectors"].is_f64(),
                times["embedding"].is_f64(),
                times["rerank"].is_null()
            ),
            (words, meaning, meaning, true),
            "{method}: {told}"
        );
        let scores = &first["scores"];
        // Which one is first by a scripted model's meaning is not told, but words find only the owl.
        let of_words = told["records"].as_array().unwrap().iter().filter(|record| record["scores"]["words"].is_f64());
        assert_eq!(of_words.count(), usize::from(words), "{method}: {told}");
        assert_eq!((scores["meaning"].is_f64(), scores["rerank"].is_null()), (meaning, true), "{method}: {told}");
    }
    // The Service API answers as it always did.
    let body = json!({"query": "owl", "retrieval_model": settings("hybrid_search")});
    let plain = shelf.post(&format!("/datasets/{id}/retrieve"), body).await.json();
    assert!(plain.get("times").is_none() && plain["records"][0].get("scores").is_none(), "{plain}");
}

#[tokio::test]
async fn many_documents_are_deleted_while_they_are_indexed() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Crowd").await;
    let mut documents = Vec::new();
    for number in 0..200 {
        let body = json!({"name": format!("{number}"), "text": format!("crowd {number}"), "process_rule": {"mode": "automatic"}});
        let made = shelf.post(&format!("/datasets/{id}/document/create-by-text"), body).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text);
        documents.push(made.json()["document"]["id"].as_str().unwrap().to_owned());
    }
    // H22, where one is still waiting.
    let (gone, kept) = documents.split_at(190);
    for part in gone.chunks(95) {
        let query: Vec<String> = part.iter().map(|id| format!("document_id={id}")).collect();
        until(async || {
            // One that is being worked on at this moment is refused: it is asked again.
            let done =
                console(&shelf, Method::DELETE, &format!("/datasets/{id}/documents?{}", query.join("&")), None).await;
            if done.status == StatusCode::NO_CONTENT { Ok(()) } else { Err(done.text) }
        })
        .await;
    }
    let left = until(async || {
        let now = shelf.get(&format!("/datasets/{id}/documents?limit=100")).await.json();
        let done = now["data"].as_array().unwrap().iter().all(|one| one["indexing_status"] == "completed");
        if done && now["total"] == kept.len() { Ok(now) } else { Err(now.to_string()) }
    })
    .await;
    assert_eq!(left["total"], 10);
    let mut wide = settings("keyword_search");
    wide["top_k"] = json!(200);
    until(async || {
        let records = found(&shelf, &id, "crowd", wide.clone()).await;
        if records.len() == 10 { Ok(()) } else { Err(format!("{} are found", records.len())) }
    })
    .await;
}
