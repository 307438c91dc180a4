//! Questions whose answers are known, and how settings do on them.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    knowledge::Shelf,
    support::{Answer, TestServer},
};

/// A knowledge base of animals, a document each, by name.
async fn zoo(shelf: &Shelf) -> (String, Vec<(String, String)>) {
    let id = shelf.dataset("Zoo").await;
    let mut made = Vec::new();
    for (name, text) in [
        ("owl.txt", "The owl sleeps by day and hunts mice by night."),
        ("fox.txt", "The fox digs a den and hunts hens at dusk."),
        ("hen.txt", "The hen lays an egg every morning and fears the fox."),
    ] {
        made.push((name.to_owned(), shelf.document(&id, name, text, json!({})).await));
    }
    (id, made)
}

fn id_of(made: &[(String, String)], name: &str) -> String {
    made.iter().find(|(known, _)| known == name).unwrap().1.clone()
}

async fn console(shelf: &Shelf, method: Method, path: &str, body: Option<Value>) -> Answer {
    shelf.server.console(&shelf.owner, method, path, body).await
}

async fn ended(shelf: &Shelf, path: &str) -> Value {
    for _ in 0..500 {
        let found = console(shelf, Method::GET, path, None).await.json();
        if found["status"] != "running" {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it hangs");
}

#[tokio::test]
async fn settings_are_compared_on_questions_whose_answers_are_known() {
    ox_testkit::on_each_database(|database| async move {
        let shelf = Shelf::on(TestServer::start(database).await).await;
        let (id, made) = zoo(&shelf).await;
        let base = format!("/datasets/{id}/evaluation");
        let none = console(&shelf, Method::POST, &format!("{base}/runs"), Some(json!({}))).await;
        assert_eq!((none.status.as_u16(), none.code().as_str()), (400, "invalid_param"), "{}", none.text);
        let new = json!({"questions": [
            {"question": "Who sleeps by day?", "expected": [{"document_id": id_of(&made, "owl.txt")}]},
            {"question": "who  sleeps by DAY?"},
            {"question": "Who hunts?", "expected": [{"document_id": id_of(&made, "owl.txt")}, {"document_id": id_of(&made, "fox.txt")}]},
            {"question": "Nobody knows"},
        ]});
        let added = console(&shelf, Method::POST, &format!("{base}/questions"), Some(new.clone())).await;
        assert_eq!((added.status, added.json()), (StatusCode::CREATED, json!({"added": 3, "changed": 0})), "{}", added.text);
        let again = console(&shelf, Method::POST, &format!("{base}/questions"), Some(new)).await;
        assert_eq!(again.json(), json!({"added": 0, "changed": 0}), "{}", again.text);
        let list = console(&shelf, Method::GET, &format!("{base}/questions"), None).await.json();
        assert_eq!((&list["total"], &list["known"]), (&json!(3), &json!(2)), "{list}");
        let setting = |name: &str, top_k: u64| json!({"name": name, "retrieval_model": {"search_method": "keyword_search", "reranking_enable": false, "top_k": top_k, "score_threshold_enabled": false}});
        let body = json!({"settings": [setting("one", 1), setting("three", 3)]});
        let run = console(&shelf, Method::POST, &format!("{base}/runs"), Some(body)).await;
        assert_eq!(run.status, StatusCode::CREATED, "{}", run.text);
        let path = format!("{base}/runs/{}", run.json()["id"].as_str().unwrap());
        let run = ended(&shelf, &path).await;
        assert_eq!((&run["status"], &run["total"], &run["done"]), (&json!("completed"), &json!(4), &json!(4)), "{run}");
        let (one, three) = (&run["summary"][0], &run["summary"][1]);
        // Of two that are expected, one fits.
        assert_eq!((&one["recall"], &three["recall"]), (&json!(0.75), &json!(1.0)), "{run}");
        assert_eq!((&one["mrr"], &one["ndcg"], &one["questions"]), (&json!(1.0), &three["ndcg"], &json!(2)), "{run}");
        let found = console(&shelf, Method::GET, &format!("{path}/results?which=missed"), None).await.json();
        assert_eq!((&found["total"], &found["data"][0]["question"]), (&json!(1), &json!("Who hunts?")), "{found}");
        let shown = &found["data"][0]["by_setting"][1]["found"][0];
        assert_eq!((&shown["place"], &shown["is_expected"]), (&json!(1), &json!(true)), "{found}");
        assert!(shown["excerpt"].as_str().unwrap().contains("hunts"), "{found}");
        let equal = console(&shelf, Method::GET, &format!("{path}/results?which=different"), None).await.json();
        assert_eq!(equal["total"], 0, "nDCG looks at ten for both: {equal}");
        let wrong = console(&shelf, Method::GET, &format!("{path}/results?which=x"), None).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        let runs = console(&shelf, Method::GET, &format!("{base}/runs"), None).await.json();
        assert_eq!(runs["data"].as_array().unwrap().len(), 1, "{runs}");
        assert_eq!(console(&shelf, Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(console(&shelf, Method::GET, &path, None).await.status, StatusCode::NOT_FOUND);
        // No test was noted as a question of somebody.
        let asked = console(&shelf, Method::GET, &format!("/datasets/{id}/queries"), None).await.json();
        assert_eq!(asked["total"], 0, "{asked}");
    })
    .await;
}

#[tokio::test]
async fn hits_are_marked_and_what_is_gone_is_told() {
    let shelf = Shelf::new().await;
    let (id, made) = zoo(&shelf).await;
    let base = format!("/datasets/{id}/evaluation");
    let (owl, hen) = (id_of(&made, "owl.txt"), id_of(&made, "hen.txt"));
    let chunks = shelf.get(&format!("/datasets/{id}/documents/{owl}/segments")).await.json();
    let chunk = chunks["data"][0]["id"].as_str().unwrap().to_owned();
    let mark = async |document: &str, segment: Option<&str>, expected: bool| {
        let body = json!({"question": "Who sleeps by day?", "document_id": document, "segment_id": segment, "expected": expected});
        console(&shelf, Method::POST, &format!("{base}/mark"), Some(body)).await
    };
    let unknown = mark(&owl, None, false).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.text);
    let first = mark(&owl, Some(&chunk), true).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    let first = first.json();
    assert_eq!((&first["source"], &first["expected"][0]["position"]), (&json!("test"), &json!(1)), "{first}");
    let second = mark(&hen, None, true).await.json();
    assert_eq!((&second["id"], second["expected"].as_array().unwrap().len()), (&first["id"], 2), "{second}");
    assert_eq!(second["expected"][1]["document_name"], "hen.txt");
    let second = mark(&hen, None, false).await.json();
    assert_eq!(second["expected"].as_array().unwrap().len(), 1, "{second}");
    let found =
        console(&shelf, Method::GET, &format!("{base}/questions?question=WHO%20sleeps%20by%20day?"), None).await;
    assert_eq!(found.json()["total"], 1, "{}", found.text);
    let foreign = mark(&ox_types::new_uuid().to_string(), None, true).await;
    assert_eq!((foreign.status.as_u16(), foreign.code().as_str()), (400, "invalid_param"), "{}", foreign.text);
    // Split anew, the chunk is another one: any of the document will do.
    let update = json!({"name": "owl.txt", "text": "The owl sleeps by day, in a hollow tree."});
    let updated = shelf.post(&format!("/datasets/{id}/documents/{owl}/update-by-text"), update).await.json();
    shelf.ended(&id, updated["batch"].as_str().unwrap()).await;
    let listed = console(&shelf, Method::GET, &format!("{base}/questions"), None).await.json();
    assert_eq!(listed["data"][0]["expected"][0]["is_missing"], true, "{listed}");
    let run = console(&shelf, Method::POST, &format!("{base}/runs"), Some(json!({}))).await.json();
    let path = format!("{base}/runs/{}", run["id"].as_str().unwrap());
    let run = ended(&shelf, &path).await;
    assert_eq!((&run["summary"][0]["recall"], &run["summary"][0]["failed"]), (&json!(1.0), &json!(0)), "{run}");
    // The document deleted, nothing is left to be found.
    assert_eq!(
        shelf.call(Method::DELETE, &format!("/datasets/{id}/documents/{owl}"), None).await.status,
        StatusCode::NO_CONTENT
    );
    let run = console(&shelf, Method::POST, &format!("{base}/runs"), Some(json!({}))).await.json();
    let run = ended(&shelf, &format!("{base}/runs/{}", run["id"].as_str().unwrap())).await;
    assert_eq!((&run["summary"][0]["questions"], &run["summary"][0]["failed"]), (&json!(0), &json!(1)), "{run}");
    let question = listed["data"][0]["id"].as_str().unwrap();
    let changed = console(
        &shelf,
        Method::PATCH,
        &format!("{base}/questions/{question}"),
        Some(json!({"question": "Who fears?", "expected": [{"document_id": hen}]})),
    )
    .await;
    assert_eq!(
        (changed.status, &changed.json()["question"]),
        (StatusCode::OK, &json!("Who fears?")),
        "{}",
        changed.text
    );
    let gone = console(&shelf, Method::DELETE, &format!("{base}/questions?question_id={question}"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    assert_eq!(console(&shelf, Method::GET, &format!("{base}/questions"), None).await.json()["total"], 0);
}

#[tokio::test]
async fn questions_come_from_csv_and_from_what_was_asked() {
    let shelf = Shelf::new().await;
    let (id, made) = zoo(&shelf).await;
    let base = format!("/datasets/{id}/evaluation");
    let csv = format!(
        "question,document,chunk\nWho sleeps?,owl.txt,1\nWho sleeps?,{},\n\"Who, then?\",hen.txt,\nWhy?,,\nx,nobody.txt,\ny,owl.txt,9\n,owl.txt,\n",
        id_of(&made, "fox.txt")
    );
    let done = console(&shelf, Method::POST, &format!("{base}/questions/import"), Some(json!({"csv": csv}))).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let done = done.json();
    assert_eq!((&done["added"], &done["changed"], &done["skipped"]), (&json!(3), &json!(0), &json!(3)), "{done}");
    let lines: Vec<u64> =
        done["problems"].as_array().unwrap().iter().map(|one| one["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [6, 7, 8], "{done}");
    let list = console(&shelf, Method::GET, &format!("{base}/questions?keyword=sleeps"), None).await.json();
    assert_eq!(list["data"][0]["expected"].as_array().unwrap().len(), 2, "{list}");
    for (csv, text) in [("", "empty"), ("question,document\n", "empty")] {
        let refused =
            console(&shelf, Method::POST, &format!("{base}/questions/import"), Some(json!({"csv": csv}))).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains(text), "{}", refused.text);
    }
    let log = json!({"questions": [{"question": "what was asked"}], "source": "log"});
    let added = console(&shelf, Method::POST, &format!("{base}/questions"), Some(log)).await;
    assert_eq!(added.json()["added"], 1, "{}", added.text);
    for (body, text) in [
        (json!({"questions": []}), "questions"),
        (json!({"questions": [{"question": " "}]}), "A question is needed."),
        (json!({"questions": [{"question": "x".repeat(2001)}]}), "at most 2000"),
        (json!({"questions": [{"question": "q"}], "source": "x"}), "source"),
    ] {
        let refused = console(&shelf, Method::POST, &format!("{base}/questions"), Some(body)).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains(text), "{}", refused.text);
    }
    let five: Vec<Value> = (0..5).map(|_| json!({"retrieval_model": {}})).collect();
    for (settings, text) in [
        (json!(five), "At most 4"),
        (json!([{"retrieval_model": {"top_k": 0}}]), "top_k"),
        (json!([{"retrieval_model": {"search_method": "magic"}}]), "magic"),
    ] {
        let refused = console(&shelf, Method::POST, &format!("{base}/runs"), Some(json!({"settings": settings}))).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains(text), "{}", refused.text);
    }
}
