#![expect(clippy::needless_pass_by_value, reason = "json! literals read better by value")]

use super::*;
use crate::{
    CallError, SegmentPlace,
    testing::{self, Knowledge},
};

fn pool() -> Pool {
    let mut pool = Pool::new();
    pool.set("sys", "query", "what?");
    pool.set("n1", "number", 5_i64);
    pool.set("n1", "empty", "");
    pool.set("n1", "picture", Value::from(testing::file("a.png")));
    pool.set("n1", "files", Value::array(vec![Value::from(testing::file("b.png"))]));
    pool
}

fn config(extra: Json) -> Json {
    let mut data = json!({"query_variable_selector": ["sys", "query"], "dataset_ids": ["d1", "d2"], "retrieval_mode": "multiple",
        "multiple_retrieval_config": {"top_k": 3, "score_threshold": 0.5, "reranking_enable": null, "reranking_mode": null,
            "reranking_model": {"provider": "cohere", "model": "rerank"}}});
    data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    data
}

fn segment(score: f64, content: &str) -> FoundSegment {
    FoundSegment {
        dataset_id: "d1".into(),
        dataset_name: "Docs".into(),
        document_id: "doc".into(),
        document_name: "a.pdf".into(),
        data_source_type: "upload_file".into(),
        score,
        title: "a.pdf".into(),
        content: content.into(),
        segment: Some(SegmentPlace {
            id: "s".into(),
            hit_count: 2,
            word_count: 9,
            position: 1,
            ..SegmentPlace::default()
        }),
        ..FoundSegment::default()
    }
}

async fn run(knowledge: Knowledge, extra: Json) -> (Result<NodeOutput, Box<NodeFailure>>, Arc<Knowledge>) {
    let knowledge = Arc::new(knowledge);
    let mut ports = testing::ports();
    ports.retrieval = Arc::clone(&knowledge) as Arc<dyn crate::RetrievalPort>;
    (testing::run_with(ports, "knowledge-retrieval", config(extra), pool()).await.0, knowledge)
}

#[tokio::test]
async fn results_are_ordered_and_numbered() {
    let question = FoundSegment { answer: Some("42".into()), ..segment(0.7, "why?") };
    let outside = FoundSegment { segment: None, data_source_type: "external".into(), ..segment(0.8, "out") };
    let found = vec![segment(0.6, "low"), segment(0.9, "high"), question, outside];
    let usage = ox_models::Usage::priced(3, 4, None);
    let (result, _) = run(Knowledge { found, usage: Some(usage), ..Knowledge::default() }, json!({})).await;
    let output = result.unwrap();
    assert_eq!(Value::object(output.inputs).to_json(), json!({"query": "what?"}));
    assert_eq!(output.usage.unwrap().total_tokens, 7);
    let result = output.outputs["result"].to_json();
    let contents: Vec<&str> = result.as_array().unwrap().iter().map(|item| item["content"].as_str().unwrap()).collect();
    assert_eq!(contents, ["high", "out", "question:why? \nanswer:42", "low"]);
    assert_eq!(
        result[0],
        json!({"metadata": {"_source": "knowledge", "position": 1, "dataset_id": "d1", "dataset_name": "Docs", "document_id": "doc",
            "document_name": "a.pdf", "data_source_type": "upload_file", "segment_id": "s", "retriever_from": "workflow", "score": 0.9,
            "child_chunks": [], "segment_hit_count": 2, "segment_word_count": 9, "segment_position": 1,
            "segment_index_node_hash": null, "doc_metadata": null},
            "title": "a.pdf", "files": [], "content": "high", "summary": null})
    );
    assert!(result[1]["metadata"].get("segment_id").is_none());
    assert_eq!(result[1]["metadata"]["position"], 2);
}

#[tokio::test]
async fn what_is_asked() {
    let asked = async |extra: Json| {
        let (result, knowledge) = run(Knowledge::default(), extra).await;
        assert_eq!(result.unwrap().outputs["result"], Value::array_of(ValueType::ArrayObject, Vec::new()));
        knowledge.asked.lock().unwrap().pop()
    };
    let plain = asked(json!({})).await.unwrap();
    assert_eq!(
        (plain.text.as_deref(), plain.dataset_ids, plain.filter),
        (Some("what?"), vec!["d1".to_owned(), "d2".to_owned()], MetadataFilter::All)
    );
    let RetrievalMode::Multiple(multiple) = plain.mode else { panic!() };
    assert_eq!(
        (multiple.top_k, multiple.score_threshold, multiple.reranking_enable, multiple.reranking_mode.as_str()),
        (3, Some(0.5), true, "reranking_model")
    );
    assert_eq!(multiple.reranking_model.unwrap().model, "rerank");
    let single = json!({"retrieval_mode": "single", "single_retrieval_config": {"model": {"provider": "p", "name": "m", "mode": "chat", "completion_params": {"stop": ["x"]}}}});
    let RetrievalMode::Single { model } = asked(single).await.unwrap().mode else { panic!() };
    assert_eq!((model.model.name.as_str(), model.stop), ("m", vec!["x".to_owned()]));
    let manual = json!({"metadata_filtering_mode": "manual", "metadata_filtering_conditions": {"logical_operator": "or", "conditions": [
        {"id": "1", "name": "author", "comparison_operator": "is", "value": "{{#sys.query#}}"},
        {"name": "year", "comparison_operator": ">", "value": 2020}, {"name": "tag", "comparison_operator": "in", "value": ["a", "{{#sys.query#}}"]}]}});
    let MetadataFilter::Manual { all, conditions } = asked(manual).await.unwrap().filter else { panic!() };
    let values: Vec<&Json> = conditions.iter().map(|condition| &condition.value).collect();
    assert_eq!((all, values), (false, vec![&json!("what?"), &json!(2020), &json!(["a", "what?"])]));
    let automatic =
        json!({"metadata_filtering_mode": "automatic", "metadata_model_config": {"provider": "p", "name": "meta"}});
    assert!(
        matches!(asked(automatic).await.unwrap().filter, MetadataFilter::Automatic { model } if model.model.name == "meta")
    );
    for selector in [json!(["n1", "picture"]), json!(["n1", "files"]), json!("n1.files")] {
        let with_files =
            asked(json!({"query_variable_selector": null, "query_attachment_selector": selector})).await.unwrap();
        assert_eq!((with_files.text, with_files.files.len()), (None, 1));
    }
    // Nothing to look for, or nowhere.
    for nothing in [
        json!({"query_variable_selector": ["n1", "empty"]}),
        json!({"query_variable_selector": null}),
        json!({"dataset_ids": []}),
    ] {
        assert!(asked(nothing).await.is_none());
    }
}

#[tokio::test]
async fn what_goes_wrong() {
    let failure = async |knowledge: Knowledge, extra: Json| {
        let failure = run(knowledge, extra).await.0.unwrap_err();
        format!("{}: {}", failure.error_type, failure.error)
    };
    for (extra, expected) in [
        (
            json!({"query_variable_selector": ["n1", "number"]}),
            "KnowledgeRetrievalNodeError: Query variable is not string type.",
        ),
        (
            json!({"query_variable_selector": ["n1", "gone"]}),
            "KnowledgeRetrievalNodeError: Query variable is not string type.",
        ),
        (
            json!({"query_attachment_selector": ["n1", "number"]}),
            "KnowledgeRetrievalNodeError: Attachments variable is not an array file or file type.",
        ),
        (json!({"multiple_retrieval_config": null}), "ValueError: multiple_retrieval_config is required"),
        (json!({"retrieval_mode": "single"}), "ValueError: single_retrieval_config is required"),
        (json!({"metadata_filtering_mode": "automatic"}), "ValueError: metadata_model_config is required"),
    ] {
        assert_eq!(failure(Knowledge::default(), extra).await, expected);
    }
    for class in ["RateLimitExceeded", "ModelNotExistError", "ModelQuotaExceededError"] {
        let refusing = Knowledge { refusal: Some(CallError::new(class, "no")), ..Knowledge::default() };
        assert_eq!(failure(refusing, json!({})).await, format!("{class}: no"));
    }
    let absent = testing::run("knowledge-retrieval", config(json!({})), pool()).await.unwrap_err();
    assert_eq!(
        (absent.error.as_str(), absent.retry_useless),
        ("This server has no knowledge bases: d1, d2 cannot be searched.", true)
    );
}
