//! `Idempotency-Key` on what makes knowledge: sent again, it makes nothing more.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::{Value, json};

use crate::{
    knowledge::Shelf,
    support::{Answer, file_form},
};

async fn named(shelf: &Shelf, path: &str, name: &str, body: &Value) -> Answer {
    let request = Request::post(format!("/v1{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", shelf.key))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", name);
    shelf.server.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn named_file(shelf: &Shelf, path: &str, name: &str, text: &str) -> Answer {
    let settings = json!({"indexing_technique": "economy", "process_rule": {"mode": "automatic"}});
    let settings = format!("--xx\r\ncontent-disposition: form-data; name=\"data\"\r\n\r\n{settings}\r\n");
    let body = [settings.as_bytes(), &file_form("a.txt", "text/plain", text.as_bytes())].concat();
    let request = Request::post(format!("/v1{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", shelf.key))
        .header("idempotency-key", name);
    let request = request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=xx");
    shelf.server.send(request.body(Body::from(body)).unwrap()).await
}

fn reused(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.code()), (409, "idempotency_key_reused".into()), "{}", answer.text);
}

async fn total(shelf: &Shelf, dataset: &str) -> Value {
    shelf.get(&format!("/datasets/{dataset}/documents")).await.json()["total"].clone()
}

#[tokio::test]
async fn what_is_sent_again_makes_nothing_more() {
    let shelf = Shelf::new().await;
    let base = |name: &str| json!({"name": name, "indexing_technique": "economy"});
    let first = named(&shelf, "/datasets", "base", &base("Words")).await;
    assert_eq!(first.status, 200, "{}", first.text);
    // Without its name it would be refused: there is one of that name.
    let again = named(&shelf, "/datasets", "base", &base("Words")).await;
    assert_eq!(
        (again.status, again.json()["id"].clone()),
        (first.status, first.json()["id"].clone()),
        "{}",
        again.text
    );
    assert_eq!(shelf.post("/datasets", base("Words")).await.status, 409);
    reused(&named(&shelf, "/datasets", "base", &base("Others")).await);
    let dataset = first.json()["id"].as_str().unwrap().to_owned();

    let text = |text: &str| json!({"name": "A", "text": text, "process_rule": {"mode": "automatic"}});
    let (by_text, old) = ("document/create-by-text", "document/create_by_text");
    let at = |path: &str| format!("/datasets/{dataset}/{path}");
    let first = named(&shelf, &at(by_text), "text", &text("one")).await;
    assert_eq!(first.status, 200, "{}", first.text);
    // Under its old address it is the same operation.
    for path in [by_text, old] {
        let again = named(&shelf, &at(path), "text", &text("one")).await;
        assert_eq!(again.json(), first.json(), "{path}");
    }
    assert_eq!(total(&shelf, &dataset).await, 1);
    reused(&named(&shelf, &at(by_text), "text", &text("two")).await);
    let ended = shelf.document(&dataset, "B", "One sentence.", json!({})).await;

    let first = named_file(&shelf, &at("document/create-by-file"), "file", "some words").await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = named_file(&shelf, &at("document/create-by-file"), "file", "some words").await;
    assert_eq!(again.json(), first.json());
    reused(&named_file(&shelf, &at("document/create-by-file"), "file", "other words").await);
    assert_eq!(total(&shelf, &dataset).await, 3);

    let chunks = at(&format!("documents/{ended}/segments"));
    let chunk = |text: &str| json!({"segments": [{"content": text}]});
    let first = named(&shelf, &chunks, "chunk", &chunk("one more")).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = named(&shelf, &chunks, "chunk", &chunk("one more")).await;
    assert_eq!(again.json()["data"][0]["id"], first.json()["data"][0]["id"]);
    reused(&named(&shelf, &chunks, "chunk", &chunk("another")).await);
    let all = shelf.call(Method::GET, &chunks, None).await.json();
    let same = all["data"].as_array().unwrap().iter().filter(|chunk| chunk["content"] == "one more").count();
    assert_eq!(same, 1, "{all}");
    // A refused request lets go of its name.
    assert_eq!(named(&shelf, &at(by_text), "later", &json!({"name": "A"})).await.status, 400);
    assert_eq!(named(&shelf, &at(by_text), "later", &text("three")).await.status, 200);
}
