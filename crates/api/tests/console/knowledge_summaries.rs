//! Summaries of chunks: made, found in the place of their chunk, edited, gone with it.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use ox_testkit::on_each_database;
use serde_json::{Value, json};

use crate::{
    knowledge::Shelf,
    support::{Answer, TestServer},
};

const TEXT: &str = "The lighthouse stands on a rock.";

async fn console(shelf: &Shelf, method: Method, path: &str, body: Option<Value>) -> Answer {
    shelf.server.console(&shelf.owner, method, path, body).await
}

/// The model says what it was asked: the word of the instruction is found in summaries alone.
fn told_by(model: (&str, &str)) -> Value {
    json!({"enable": true, "model_provider_name": model.0, "model_name": model.1, "summary_prompt": "Zanzibar"})
}

const ECHO: (&str, &str) = ("oxidify/scripted", "echo");

/// A knowledge base with vectors.
async fn dataset(shelf: &Shelf, name: &str, setting: Value) -> String {
    let body = json!({"name": name, "indexing_technique": "high_quality", "embedding_model": "embed-384",
        "embedding_model_provider": "oxidify/scripted", "summary_index_setting": setting});
    let made = shelf.post("/datasets", body).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// How far the summaries of a document are, once none is to be made any more.
async fn settled(shelf: &Shelf, id: &str, document: &str) -> Value {
    let path = format!("/datasets/{id}/documents/{document}/summary-status");
    let mut status = Value::Null;
    for _ in 0..1000 {
        let answer = console(shelf, Method::GET, &path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        status = answer.json();
        let counts = &status["summary_status"];
        if counts["not_started"] == 0 && counts["generating"] == 0 {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it hangs: {status}");
}

async fn found(shelf: &Shelf, id: &str, query: &str, method: &str) -> Vec<Value> {
    let model =
        json!({"search_method": method, "reranking_enable": false, "top_k": 3, "score_threshold_enabled": false});
    let body = json!({"query": query, "retrieval_model": model});
    let answer = shelf.post(&format!("/datasets/{id}/retrieve"), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["records"].as_array().unwrap().clone()
}

/// The chunk that a word finds; none when it finds nothing.
async fn by_word(shelf: &Shelf, id: &str, word: &str) -> Option<(String, Value)> {
    let records = found(shelf, id, word, "full_text_search").await;
    assert!(records.len() < 2, "{records:?}");
    let record = records.into_iter().next()?;
    Some((record["segment"]["content"].as_str().unwrap().to_owned(), record["summary"].clone()))
}

async fn change(shelf: &Shelf, chunk: &str, segment: Value) -> Value {
    let answer = shelf.post(chunk, json!({"segment": segment})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["data"].clone()
}

#[tokio::test]
async fn a_summary_stands_for_its_chunk() {
    on_each_database(|database| async move {
        let shelf = Shelf::on(TestServer::start(database).await).await;
        let id = dataset(&shelf, "Lights", told_by(ECHO)).await;
        let document = shelf.document(&id, "light.txt", TEXT, json!({})).await;
        let status = settled(&shelf, &id, &document).await;
        assert_eq!(
            (&status["total_segments"], &status["summary_status"]["completed"]),
            (&json!(1), &json!(1)),
            "{status}"
        );
        let line = &status["summaries"][0];
        assert_eq!((&line["segment_position"], &line["status"]), (&json!(1), &json!("completed")), "{status}");
        let listed = shelf.get(&format!("/datasets/{id}/documents")).await.json()["data"][0].clone();
        assert_eq!(
            (&listed["need_summary"], &listed["summary_index_status"]),
            (&json!(true), &Value::Null),
            "{listed}"
        );

        let chunks = format!("/datasets/{id}/documents/{document}/segments");
        let chunk = shelf.get(&chunks).await.json()["data"][0].clone();
        let told = format!("Zanzibar\n{TEXT}");
        assert_eq!((&chunk["summary"], &chunk["summary_status"]), (&json!(told), &json!("completed")), "{chunk}");
        let path = format!("{chunks}/{}", chunk["id"].as_str().unwrap());

        // Words and vectors find the chunk once, by its summary too.
        assert_eq!(by_word(&shelf, &id, "zanzibar").await, Some((TEXT.to_owned(), json!(told))));
        let by_meaning = found(&shelf, &id, &told, "semantic_search").await;
        assert_eq!((by_meaning.len(), &by_meaning[0]["summary"]), (1, &json!(told)), "{by_meaning:?}");

        // Somebody writes another one.
        let changed = change(&shelf, &path, json!({"summary": " A tower for ships, as Pharos was. "})).await;
        assert_eq!(changed["summary"], "A tower for ships, as Pharos was.", "{changed}");
        assert!(by_word(&shelf, &id, "pharos").await.is_some());
        assert_eq!(by_word(&shelf, &id, "zanzibar").await, None, "the one before is not found");
        // Another text gets another one; the one that told of the text before is gone at once.
        let changed = change(&shelf, &path, json!({"content": "The windmill stands on a hill."})).await;
        assert_ne!(changed["summary"], "A tower for ships, as Pharos was.", "{changed}");
        assert_eq!(by_word(&shelf, &id, "pharos").await, None);
        settled(&shelf, &id, &document).await;
        let windmill = "The windmill stands on a hill.".to_owned();
        let told = json!(format!("Zanzibar\n{windmill}"));
        assert_eq!(by_word(&shelf, &id, "zanzibar").await, Some((windmill.clone(), told)));

        // It is switched with its chunk, and is nobody's when the chunk is gone.
        change(&shelf, &path, json!({"enabled": false})).await;
        assert_eq!(by_word(&shelf, &id, "zanzibar").await, None);
        change(&shelf, &path, json!({"enabled": true})).await;
        assert!(by_word(&shelf, &id, "zanzibar").await.is_some());
        let none = change(&shelf, &path, json!({"summary": ""})).await;
        assert_eq!((&none["summary"], &none["summary_status"]), (&Value::Null, &Value::Null), "{none}");
        assert_eq!(by_word(&shelf, &id, "zanzibar").await, None);
        assert_eq!(by_word(&shelf, &id, "windmill").await, Some((windmill.clone(), Value::Null)), "the chunk stays");

        let again = json!({"document_list": [document]});
        let done =
            console(&shelf, Method::POST, &format!("/datasets/{id}/documents/generate-summary"), Some(again)).await;
        assert_eq!((done.status, done.json()), (StatusCode::OK, json!({"result": "success"})));
        settled(&shelf, &id, &document).await;
        assert!(by_word(&shelf, &id, "zanzibar").await.is_some());
        assert_eq!(shelf.call(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(by_word(&shelf, &id, "zanzibar").await, None);
        assert_eq!(settled(&shelf, &id, &document).await["total_segments"], 0);
    })
    .await;
}

#[tokio::test]
async fn parents_keep_their_summaries_when_their_parts_are_made_anew() {
    let shelf = Shelf::new().await;
    let id = dataset(&shelf, "Parents", told_by(ECHO)).await;
    let part = json!({"separator": "\n", "max_tokens": 200, "chunk_overlap": 0});
    let rules = json!({"pre_processing_rules": [], "segmentation": {"separator": "\n\n", "max_tokens": 500, "chunk_overlap": 0},
        "parent_mode": "paragraph", "subchunk_segmentation": part});
    let more = json!({"doc_form": "hierarchical_model", "process_rule": {"mode": "hierarchical", "rules": rules}});
    let document = shelf.document(&id, "light.txt", TEXT, more).await;
    settled(&shelf, &id, &document).await;
    let chunks = format!("/datasets/{id}/documents/{document}/segments");
    let chunk = shelf.get(&chunks).await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let made =
        change(&shelf, &format!("{chunks}/{chunk}"), json!({"content": TEXT, "regenerate_child_chunks": true})).await;
    assert_eq!(made["child_chunks"].as_array().map(Vec::len), Some(1), "{made}");
    assert_eq!(by_word(&shelf, &id, "zanzibar").await.map(|(content, _)| content).as_deref(), Some(TEXT));
    let parts = found(&shelf, &id, "lighthouse", "full_text_search").await;
    assert_eq!((parts.len(), parts[0]["child_chunks"].as_array().map(Vec::len)), (1, Some(1)), "{parts:?}");
}

#[tokio::test]
async fn a_model_that_fails_is_named_and_the_document_is_found() {
    let shelf = Shelf::new().await;
    let id = dataset(&shelf, "Silent", told_by(("nobody", "nothing"))).await;
    let document = shelf.document(&id, "light.txt", TEXT, json!({})).await;
    let status = settled(&shelf, &id, &document).await;
    assert_eq!(status["summary_status"]["error"], 1, "{status}");
    assert!(status["summaries"][0]["error"].as_str().is_some_and(|why| !why.is_empty()), "{status}");
    assert_eq!(by_word(&shelf, &id, "lighthouse").await, Some((TEXT.to_owned(), Value::Null)));
    // Another model makes all of them anew.
    let change = console(
        &shelf,
        Method::PATCH,
        &format!("/datasets/{id}"),
        Some(json!({"summary_index_setting": told_by(ECHO)})),
    )
    .await;
    assert_eq!(change.status, StatusCode::OK, "{}", change.text);
    let status = settled(&shelf, &id, &document).await;
    assert_eq!(status["summary_status"]["completed"], 1, "{status}");
}

#[tokio::test]
async fn where_summaries_cannot_be_they_are_refused() {
    let shelf = Shelf::new().await;
    let refused = |answer: Answer, text: &str| {
        assert!(
            answer.status == StatusCode::BAD_REQUEST && answer.text.contains(text),
            "{}: {}",
            answer.status,
            answer.text
        );
    };
    let plain = shelf.dataset("Plain").await;
    let document = shelf.document(&plain, "light.txt", TEXT, json!({})).await;
    let path = format!("/datasets/{plain}/documents/generate-summary");
    let wanted = || Some(json!({"document_list": [document]}));
    refused(console(&shelf, Method::POST, &path, wanted()).await, "high_quality");
    let chunks = format!("/datasets/{plain}/documents/{document}/segments");
    let chunk = shelf.get(&chunks).await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let written = json!({"segment": {"summary": "A tower."}});
    refused(shelf.post(&format!("{chunks}/{chunk}"), written).await, "high quality");
    let off = dataset(&shelf, "Off", json!({"enable": false})).await;
    let document = shelf.document(&off, "light.txt", TEXT, json!({})).await;
    let path = format!("/datasets/{off}/documents/generate-summary");
    refused(console(&shelf, Method::POST, &path, Some(json!({"document_list": [document]}))).await, "not enabled");
    let listed = shelf.get(&format!("/datasets/{off}/documents")).await.json()["data"][0].clone();
    assert_eq!((&listed["need_summary"], &listed["summary_index_status"]), (&json!(false), &Value::Null), "{listed}");
    let wrong = json!({"summary_index_setting": {"enable": true, "summary_prompt": "x".repeat(8001)}});
    refused(console(&shelf, Method::PATCH, &format!("/datasets/{off}"), Some(wrong)).await, "summary_prompt");
    let on = dataset(&shelf, "On", told_by(ECHO)).await;
    let path = format!("/datasets/{on}/documents/generate-summary");
    refused(console(&shelf, Method::POST, &path, Some(json!({"document_list": []}))).await, "document_list");
    let strange = console(&shelf, Method::POST, &path, Some(json!({"document_list": [document]}))).await;
    assert_eq!(strange.status, StatusCode::NOT_FOUND, "{}", strange.text);
}
