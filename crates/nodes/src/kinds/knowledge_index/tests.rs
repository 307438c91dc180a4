#![expect(clippy::needless_pass_by_value, reason = "json! literals read better by value")]

use ox_engine::Pool;

use super::*;
use crate::testing::{self, Index};

fn pool(invoke_from: &str) -> Pool {
    let mut pool = Pool::new();
    pool.set("sys", "dataset_id", "d1");
    pool.set("sys", "batch", "b1");
    pool.set("sys", "invoke_from", invoke_from);
    pool.set("c", "chunks", Value::from_json(&json!({"general_chunks": ["a", "b"]})));
    pool.set("c", "empty", Value::from_json(&json!([])));
    pool
}

fn config(selector: Json) -> Json {
    json!({"chunk_structure": "text_model", "index_chunk_variable_selector": selector, "indexing_technique": "economy",
        "keyword_number": 7, "title": "not sent"})
}

#[tokio::test]
async fn chunks_are_written_or_previewed() {
    for (invoke_from, preview) in [("debugger", true), ("published", false)] {
        let index = Arc::new(Index::default());
        let mut ports = testing::ports();
        ports.index = Arc::clone(&index) as Arc<dyn crate::IndexPort>;
        let (result, _) =
            testing::run_with(ports, "knowledge-index", config(json!(["c", "chunks"])), pool(invoke_from)).await;
        let output = result.unwrap();
        assert_eq!(output.outputs["preview"], Value::Bool(preview));
        let asked = index.0.lock().unwrap();
        assert_eq!(
            (asked[0].dataset_id.as_str(), asked[0].batch.as_deref(), &asked[0].document_id),
            ("d1", Some("b1"), &None)
        );
        assert_eq!(asked[0].chunks, json!({"general_chunks": ["a", "b"]}));
        assert_eq!(
            Json::Object(asked[0].settings.clone()),
            json!({"indexing_technique": "economy", "keyword_number": 7})
        );
    }
}

#[tokio::test]
async fn what_goes_wrong() {
    let run = async |selector: Json, pool: Pool| {
        let failure = testing::run("knowledge-index", config(selector), pool).await.unwrap_err();
        assert_eq!(failure.error_type, "KnowledgeIndexNodeError");
        failure.error
    };
    assert_eq!(run(json!(["c", "chunks"]), Pool::new()).await, "Dataset ID is required.");
    assert_eq!(run(json!(["c", "gone"]), pool("x")).await, "Index chunk variable is required.");
    assert_eq!(run(json!(["c", "empty"]), pool("x")).await, "Chunks is required.");
    assert_eq!(run(json!(["c", "chunks"]), pool("x")).await, "This server has no knowledge base 'd1' to fill.");
}
