use ox_db::model::{EvaluationResult, Expected};
use ox_types::{DatasetId, DocumentId, SegmentId, new_uuid};
use serde_json::json;

use super::{Setting, grouped, measure::measure, summarised};

#[test]
fn documents_count_once_and_chunks_by_themselves() {
    let document: Vec<DocumentId> = (0..4).map(|_| DocumentId::new()).collect();
    let chunk: Vec<SegmentId> = (0..6).map(|_| SegmentId::new()).collect();
    // Two chunks of the first document, then one of the second, then one of the third.
    let found = [(document[0], chunk[0]), (document[0], chunk[1]), (document[1], chunk[2]), (document[2], chunk[3])];
    let whole = |at: usize| Expected { document_id: document[at], segment_id: None };
    let part = |at: usize, of: usize| Expected { document_id: document[at], segment_id: Some(chunk[of]) };
    let second = 1.0 / 3.0_f64.log2();
    let third = 1.0 / 4.0_f64.log2();
    for (expected, top_k, recall, ndcg, rank) in [
        // The second document is second among documents, though its chunk is third.
        (vec![whole(1)], 4, 1.0, second, 0.5),
        // Two chunks are given: it is not among them.
        (vec![whole(1)], 2, 0.0, second, 0.5),
        (vec![whole(0), whole(1)], 4, 1.0, 1.0, 1.0),
        // Where a chunk is expected, chunks are told apart.
        (vec![part(1, 2)], 4, 1.0, third, 1.0 / 3.0),
        (vec![part(0, 1)], 4, 1.0, second, 0.5),
        (vec![part(0, 5)], 4, 0.0, 0.0, 0.0),
        (vec![whole(3)], 4, 0.0, 0.0, 0.0),
        (vec![whole(0), whole(3)], 4, 0.5, 1.0 / (1.0 + second), 1.0),
    ] {
        let got = measure(&expected, &found, top_k);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let all = near(got.recall, recall) && near(got.ndcg, ndcg) && near(got.reciprocal_rank, rank);
        assert!(all, "{expected:?} of {top_k}: {got:?}");
    }
    assert_eq!(measure(&[whole(0)], &[], 3).distinct, []);
    let marks = measure(&[whole(1)], &found, 4).distinct;
    assert_eq!(marks, [(0, false), (2, true), (3, false)]);
}

#[test]
fn settings_are_summed_up() {
    let setting = |name: &str| Setting { name: name.into(), retrieval_model: json!({"top_k": 3}) };
    let settings = [setting("a"), setting("b")];
    let (run, dataset, first, second) = (new_uuid(), DatasetId::new(), new_uuid(), new_uuid());
    let result = |question_id, setting, recall: f64, took_ms, error: Option<&str>| EvaluationResult {
        evaluation_id: run,
        question_id,
        setting,
        dataset_id: dataset,
        question: "?".into(),
        expected: json!([]),
        found: json!([]),
        recall,
        ndcg: recall,
        reciprocal_rank: recall,
        took_ms,
        error: error.map(str::to_owned),
    };
    let rows = vec![
        result(first, 0, 1.0, 10.0, None),
        result(first, 1, 0.5, 20.0, None),
        result(second, 0, 0.0, 30.0, None),
        result(second, 1, 0.0, 0.0, Some("no model")),
    ];
    let sums = summarised(&settings, &rows);
    let told: Vec<_> = sums
        .iter()
        .map(|sum| (sum.questions, sum.failed, sum.missed, sum.recall, sum.took_ms, sum.took_ms_p95))
        .collect();
    assert_eq!(told, [(2, 0, 1, 0.5, 20.0, 30.0), (1, 1, 0, 0.5, 20.0, 20.0)]);
    assert_eq!(summarised(&settings, &[])[0].recall, 0.0);
    let questions = grouped(rows, 2);
    assert_eq!(questions.len(), 2);
    assert!(questions.iter().all(|one| one.by_setting.iter().all(Option::is_some)));
}
