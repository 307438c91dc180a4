//! Documents that are much longer than others.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use ox_db::repo::{datasets, index_nodes, segments};
use ox_types::DocumentId;
use serde_json::{Value, json};

use crate::knowledge::Shelf;

async fn found(shelf: &Shelf, id: &str, query: &str) -> Vec<Value> {
    let model = json!({"search_method": "keyword_search", "reranking_enable": false, "top_k": 3, "score_threshold_enabled": false});
    let body = json!({"query": query, "retrieval_model": model});
    let answer = shelf.post(&format!("/datasets/{id}/retrieve"), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["records"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_long_document_is_gone_at_once_and_taken_out_in_steps() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Long").await;
    // More characters, and more chunks, than are taken out together.
    let text = "a line of words that are found\n\n".repeat(40_000);
    let long = shelf.document(&id, "long.txt", &text, json!({})).await;
    let short = shelf.document(&id, "short.txt", "another line of words", json!({})).await;
    let document: DocumentId = long.parse().unwrap();
    let db = &shelf.server.services.db;
    assert!(index_nodes::holder(db, document).await.unwrap().is_some());

    let gone = shelf.call(Method::DELETE, &format!("/datasets/{id}/documents/{long}"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    // Whatever is left of it in the index is not told.
    let of_others = |records: &[Value]| records.iter().all(|record| record["segment"]["document_id"] == short.as_str());
    let told = found(&shelf, &id, "words").await;
    assert!(of_others(&told), "{told:?}");

    for look in 0.. {
        let left = datasets::removals(db, 10).await.unwrap();
        let chunks = segments::ids_after(db, document, 0, 1).await.unwrap();
        let nodes = index_nodes::holder(db, document).await.unwrap();
        if left.is_empty() && chunks.is_empty() && nodes.is_none() {
            break;
        }
        assert!(look < 1000, "{} removals, {} chunks, {nodes:?}", left.len(), chunks.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let told = found(&shelf, &id, "words").await;
    assert!(!told.is_empty() && of_others(&told), "the other one is still found: {told:?}");
}
