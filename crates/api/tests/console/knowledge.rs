//! Knowledge bases with a key (reference §10; the H cases).

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::support::{Answer, Session, TestServer};

/// A server with a workspace, its owner and a key of its knowledge.
pub struct Shelf {
    pub server: TestServer,
    pub owner: Session,
    pub key: String,
}

impl Shelf {
    pub async fn new() -> Self {
        Self::on(TestServer::sqlite().await).await
    }

    pub async fn on(server: TestServer) -> Self {
        let owner = server.owner().await;
        let key = server.post(&owner, "/datasets/api-keys", json!({})).await.json();
        let key = key["token"].as_str().unwrap_or_else(|| panic!("{key}")).to_owned();
        assert!(key.starts_with("dataset-") && key.len() == 32, "{key}");
        Self { server, owner, key }
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.server.v1(&self.key, method, path, body).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// Parts of a form: name, file name (empty: a field), content.
    pub async fn multipart(&self, path: &str, parts: &[(&str, &str, &str)]) -> Answer {
        let mut body = String::new();
        for (name, file, text) in parts {
            let file = if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
            body.push_str(&format!("--xx\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n"));
        }
        body.push_str("--xx--\r\n");
        let request = Request::post(format!("/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=xx")
            .body(Body::from(body))
            .unwrap();
        self.server.send(request).await
    }

    /// An economical knowledge base.
    pub async fn dataset(&self, name: &str) -> String {
        let made = self.post("/datasets", json!({"name": name, "indexing_technique": "economy"})).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// A document of a text, completed.
    pub async fn document(&self, dataset: &str, name: &str, text: &str, more: Value) -> String {
        let mut body = json!({"name": name, "text": text, "process_rule": {"mode": "automatic"}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.post(&format!("/datasets/{dataset}/document/create-by-text"), body).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text);
        let made = made.json();
        let ended = self.ended(dataset, made["batch"].as_str().unwrap()).await;
        assert_eq!(ended["indexing_status"], "completed", "{ended}");
        made["document"]["id"].as_str().unwrap().to_owned()
    }

    /// How the only document of a batch ended.
    pub async fn ended(&self, dataset: &str, batch: &str) -> Value {
        let stages = ["waiting", "parsing", "cleaning", "splitting", "indexing", "completed", "error"];
        let (mut last, path) = (0, format!("/datasets/{dataset}/documents/{batch}/indexing-status"));
        for _ in 0..1000 {
            let found = self.get(&path).await.json()["data"][0].clone();
            let stage = stages.iter().position(|stage| found["indexing_status"] == *stage);
            let stage = stage.unwrap_or_else(|| panic!("{found}"));
            assert!(stage >= last, "back to {found}");
            last = stage;
            if stage >= 5 {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it hangs");
    }
}

fn refused(answer: &Answer, status: u16, code: &str, text: &str) {
    let told = format!("{} {}", answer.status, answer.text);
    assert_eq!(answer.status.as_u16(), status, "{told}");
    assert_eq!(answer.code(), code, "{told}");
    assert!(answer.json()["message"].as_str().unwrap().contains(text), "{told}");
}

/// H1 to H5.
#[tokio::test]
async fn knowledge_bases_are_made_listed_changed_and_deleted() {
    let shelf = Shelf::new().await;
    let made = shelf.post("/datasets", json!({"name": "A"})).await;
    let a = made.json();
    assert_eq!((made.status, &a["permission"], &a["provider"]), (StatusCode::OK, &json!("only_me"), &json!("vendor")));
    assert_eq!((&a["indexing_technique"], &a["retrieval_model_dict"]["top_k"]), (&Value::Null, &json!(2)), "{a}");
    let id = a["id"].as_str().unwrap();
    refused(&shelf.post("/datasets", json!({"name": "A"})).await, 409, "dataset_name_duplicate", "already exists");
    for (body, text) in [
        (json!({"name": "x".repeat(41)}), "name"),
        (json!({}), "name"),
        (json!({"name": "B", "indexing_technique": "fast"}), "indexing_technique"),
        (json!({"name": "B", "permission": "nobody"}), "permission"),
        (json!({"name": "B", "retrieval_model": {"top_k": 3}}), "search_method"),
    ] {
        refused(&shelf.post("/datasets", body).await, 400, "invalid_param", text);
    }
    let list = shelf.get("/datasets?limit=1").await.json();
    assert_eq!((&list["has_more"], &list["total"], &list["page"]), (&json!(true), &json!(1), &json!(1)), "{list}");
    assert_eq!(list["data"][0]["embedding_available"], true);
    assert_eq!(shelf.get("/datasets?keyword=zzz").await.json()["total"], 0);
    let path = format!("/datasets/{id}");
    let changed = shelf.call(Method::PATCH, &path, Some(json!({"name": "Renamed", "description": "what"}))).await;
    assert_eq!((changed.status, &changed.json()["name"]), (StatusCode::OK, &json!("Renamed")), "{}", changed.text);
    let partial = json!({"permission": "partial_members"});
    refused(&shelf.call(Method::PATCH, &path, Some(partial)).await, 400, "invalid_param", "Partial member list");
    let other = shelf.dataset("Other").await;
    let taken = shelf.call(Method::PATCH, &format!("/datasets/{other}"), Some(json!({"name": "Renamed"}))).await;
    refused(&taken, 400, "invalid_param", "Dataset name already exists");
    let economical = shelf.get(&format!("/datasets/{other}")).await.json();
    assert_eq!(economical["retrieval_model_dict"]["search_method"], "keyword_search");
    assert_eq!(shelf.call(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    refused(&shelf.get(&path).await, 404, "not_found", "Dataset not found.");
}

/// A7, A8, A14, H6, H7.
#[tokio::test]
async fn the_key_is_looked_at_after_the_knowledge_base() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("A").await;
    let (_, app_key) = shelf.server.app(&shelf.owner, &crate::support::app_file("chatflow")).await;
    let unknown = format!("/datasets/{}", ox_types::new_uuid());
    for (key, path, status, text) in [
        ("dataset-none", "/datasets", 401, "Access token is invalid"),
        (app_key.as_str(), "/datasets", 401, "Access token is invalid"),
        (shelf.key.as_str(), "/info", 401, "Access token is invalid"),
        ("dataset-none", unknown.as_str(), 404, "Dataset not found."),
        (shelf.key.as_str(), unknown.as_str(), 404, "Dataset not found."),
        (shelf.key.as_str(), "/datasets/not-a-uuid", 404, ""),
    ] {
        let answer = shelf.server.v1(key, Method::GET, path, None).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        assert!(answer.text.contains(text), "{path}: {}", answer.text);
        if status == 401 {
            assert_eq!(answer.code(), "unauthorized", "{path}");
        }
    }
    let off = shelf.server.post(&shelf.owner, &format!("/datasets/{id}/api-keys/disable"), json!({})).await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text);
    refused(&shelf.get(&format!("/datasets/{id}")).await, 403, "forbidden", "Dataset api access is not enabled.");
}

/// H8 to H13, H15 to H17.
#[tokio::test]
async fn documents_from_texts_are_completed_and_changed() {
    let shelf = Shelf::new().await;
    let made = shelf.post("/datasets", json!({"name": "Empty"})).await.json();
    let id = made["id"].as_str().unwrap();
    let path = format!("/datasets/{id}/document/create-by-text");
    refused(
        &shelf.post(&path, json!({"name": "d", "text": "t"})).await,
        400,
        "invalid_param",
        "indexing_technique is required.",
    );
    let with = |mode: &str| json!({"name": "d", "text": "The owl sleeps by day.", "indexing_technique": "economy", "process_rule": {"mode": mode}});
    refused(&shelf.post(&path, with("x")).await, 400, "invalid_param", "mode");
    let made = shelf.post(&path, with("automatic")).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let made = made.json();
    let (document, batch) = (&made["document"], made["batch"].as_str().unwrap());
    assert_eq!((&document["indexing_status"], &document["display_status"]), (&json!("waiting"), &json!("queuing")));
    assert_eq!((&document["created_from"], &document["name"]), (&json!("api"), &json!("d")), "{document}");
    assert!(batch.len() == 20 && batch.bytes().all(|byte| byte.is_ascii_digit()), "{batch}");
    let ended = shelf.ended(id, batch).await;
    assert_eq!(ended["completed_segments"], ended["total_segments"], "{ended}");
    let alias = shelf.post(&format!("/datasets/{id}/document/create_by_text"), with("automatic")).await;
    assert_eq!(alias.status, StatusCode::OK, "{}", alias.text);
    refused(
        &shelf.post(&path, json!({"name": "q", "text": "t", "doc_form": "qa_model"})).await,
        400,
        "invalid_param",
        "doc_form is different",
    );
    refused(
        &shelf.get(&format!("/datasets/{id}/documents/20250101000000123456/indexing-status")).await,
        404,
        "not_found",
        "Documents not found.",
    );
    let doc = document["id"].as_str().unwrap();
    let one = format!("/datasets/{id}/documents/{doc}");
    let only = shelf.get(&format!("{one}?metadata=only")).await.json();
    let keys: Vec<&String> = only.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "doc_type", "doc_metadata"], "{only}");
    refused(&shelf.get(&format!("{one}?metadata=x")).await, 400, "invalid_metadata", "Invalid metadata value: x");
    let all = shelf.get(&one).await.json();
    assert_eq!((&all["display_status"], &all["segment_count"]), (&json!("available"), &json!(1)), "{all}");
    assert_eq!(shelf.get(&format!("/datasets/{id}/documents?limit=500")).await.json()["limit"], 100);
    let update = json!({"name": "e", "text": "The fox sleeps by night. The hen does not."});
    let updated = shelf.post(&format!("{one}/update-by-text"), update).await;
    assert_eq!(updated.status, StatusCode::OK, "{}", updated.text);
    shelf.ended(id, updated.json()["batch"].as_str().unwrap()).await;
    let chunks = shelf.get(&format!("{one}/segments")).await.json();
    assert_eq!(chunks["data"][0]["content"], "The fox sleeps by night. The hen does not.", "{chunks}");
    assert_eq!(chunks["total"], 1);
    let url = shelf.get(&format!("{one}/download")).await.json()["url"].as_str().unwrap().to_owned();
    let path = url.find("/files/").map(|at| url[at..].to_owned()).unwrap();
    let file = shelf.server.send(Request::get(path).body(Body::empty()).unwrap()).await;
    assert!(file.status == StatusCode::OK && file.text.starts_with("The fox"), "{}", file.text);
}

/// H14.
#[tokio::test]
async fn files_become_documents() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Files").await;
    let send = |path: String, parts: Vec<(&'static str, &'static str, &'static str)>| {
        let shelf = &shelf;
        async move { shelf.multipart(&path, &parts).await }
    };
    let path = format!("/datasets/{id}/document/create-by-file");
    refused(&send(path.clone(), vec![("data", "", "{}")]).await, 400, "no_file_uploaded", "");
    let no_rule = send(path.clone(), vec![("file", "a.csv", "x")]).await;
    refused(&no_rule, 400, "invalid_param", "process_rule is required.");
    let rule = "{\"process_rule\": {\"mode\": \"automatic\"}}";
    let made = send(path.clone(), vec![("data", "", rule), ("file", "a.csv", "name,age\nAnn,5\nBob,6\n")]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let made = made.json();
    assert_eq!(made["document"]["data_source_detail_dict"]["upload_file"]["extension"], "csv", "{made}");
    let ended = shelf.ended(&id, made["batch"].as_str().unwrap()).await;
    assert_eq!((&ended["indexing_status"], &ended["total_segments"]), (&json!("completed"), &json!(2)), "{ended}");
    let broken = send(path, vec![("data", "", rule), ("file", "b.pdf", "not a pdf")]).await.json();
    let ended = shelf.ended(&id, broken["batch"].as_str().unwrap()).await;
    assert_eq!(ended["indexing_status"], "error", "{ended}");
    assert!(!ended["error"].as_str().unwrap().is_empty(), "{ended}");
    let failed = shelf.server.get(&shelf.owner, &format!("/datasets/{id}/error-docs")).await.json();
    assert_eq!(failed["total"], 1, "{failed}");
}

/// H29, H30.
#[tokio::test]
async fn documents_are_switched_paused_and_deleted() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Switches").await;
    let doc = shelf.document(&id, "d", "one two three", json!({})).await;
    let one = format!("/datasets/{id}/documents/{doc}");
    let ids = json!({"document_ids": [doc, ox_types::new_uuid()]});
    let switch = |action: &str| format!("/datasets/{id}/documents/status/{action}");
    refused(
        &shelf.call(Method::PATCH, &switch("foo"), Some(ids.clone())).await,
        400,
        "invalid_action",
        "Invalid action: foo.",
    );
    for (action, status) in
        [("disable", "disabled"), ("enable", "available"), ("archive", "archived"), ("archive", "archived")]
    {
        let done = shelf.call(Method::PATCH, &switch(action), Some(ids.clone())).await;
        assert_eq!((done.status, done.json()), (StatusCode::OK, json!({"result": "success"})), "{action}");
        assert_eq!(shelf.get(&one).await.json()["display_status"], status, "{action}");
        let listed = shelf.get(&format!("/datasets/{id}/documents?status={status}")).await.json();
        assert_eq!(listed["total"], 1, "{action}: {listed}");
    }
    let gone = shelf.call(Method::DELETE, &one, None).await;
    refused(&gone, 403, "archived_document_immutable", "not editable");
    shelf.call(Method::PATCH, &switch("un_archive"), Some(ids)).await;
    let paused = shelf.server.console(&shelf.owner, Method::PATCH, &format!("{one}/processing/pause"), None).await;
    refused(&paused, 400, "document_indexing", "");
    assert_eq!(shelf.call(Method::DELETE, &one, None).await.status, StatusCode::NO_CONTENT);
    refused(&shelf.call(Method::DELETE, &one, None).await, 404, "not_found", "Document Not Exists.");
    assert_eq!(shelf.get(&format!("/datasets/{id}/documents")).await.json()["total"], 0);
}

/// H18 to H20, H23, H25.
#[tokio::test]
async fn chunks_are_added_changed_and_deleted() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Chunks").await;
    let doc = shelf.document(&id, "d", "one two three", json!({})).await;
    let path = format!("/datasets/{id}/documents/{doc}/segments");
    let made = shelf.post(&path, json!({"segments": [{"content": "c", "keywords": ["k"]}]})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let made = made.json();
    let chunk = &made["data"][0];
    assert_eq!(
        (&chunk["content"], &chunk["status"], &chunk["position"]),
        (&json!("c"), &json!("completed"), &json!(2))
    );
    assert_eq!((&made["doc_form"], &chunk["keywords"]), (&json!("text_model"), &json!(["k"])));
    refused(
        &shelf.post(&path, json!({"segments": [{"content": " "}]})).await,
        400,
        "invalid_param",
        "Content is empty",
    );
    let none = shelf.post(&path, json!({})).await;
    assert_eq!((none.status.as_u16(), none.json()), (400, json!({"error": "Segments is required"})));
    let list = shelf.get(&format!("{path}?status=completed&status=error")).await.json();
    for name in ["total", "has_more", "limit", "page", "doc_form"] {
        assert!(list.get(name).is_some(), "{name}: {list}");
    }
    assert_eq!(list["total"], 2);
    let one = format!("{path}/{}", chunk["id"].as_str().unwrap());
    let changed = shelf.post(&one, json!({"segment": {"content": "changed words"}})).await;
    assert_eq!(changed.json()["data"]["content"], "changed words", "{}", changed.text);
    assert_eq!(shelf.post(&one, json!({"segment": {"enabled": false}})).await.json()["data"]["enabled"], false);
    refused(
        &shelf.post(&one, json!({"segment": {"content": "x"}})).await,
        400,
        "invalid_param",
        "Can't update disabled",
    );
    assert_eq!(shelf.post(&one, json!({"segment": {"enabled": true}})).await.json()["data"]["enabled"], true);
    let words = shelf.get(&format!("/datasets/{id}/documents/{doc}")).await.json()["word_count"].clone();
    assert_eq!(words, 13 + 13, "characters of both");
    assert_eq!(shelf.call(Method::DELETE, &one, None).await.status, StatusCode::NO_CONTENT);
    refused(&shelf.get(&one).await, 404, "not_found", "Segment not found.");
}

/// H24.
#[tokio::test]
async fn parts_of_chunks_are_kept_beside_them() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Parents").await;
    let rule = json!({"doc_form": "hierarchical_model", "process_rule": {"mode": "hierarchical", "rules": {
        "pre_processing_rules": [{"id": "remove_extra_spaces", "enabled": true}], "parent_mode": "paragraph",
        "segmentation": {"separator": "\n\n", "max_tokens": 500}, "subchunk_segmentation": {"separator": "\n", "max_tokens": 100}}}});
    let doc = shelf.document(&id, "d", "one\ntwo\n\nthree\nfour", rule).await;
    let path = format!("/datasets/{id}/documents/{doc}/segments");
    let chunks = shelf.get(&path).await.json();
    assert_eq!((&chunks["total"], &chunks["doc_form"]), (&json!(2), &json!("hierarchical_model")), "{chunks}");
    let first = &chunks["data"][0];
    assert_eq!(first["child_chunks"].as_array().unwrap().len(), 2, "{first}");
    let parts = format!("{path}/{}/child_chunks", first["id"].as_str().unwrap());
    let made = shelf.post(&parts, json!({"content": "more"})).await;
    assert_eq!((made.status, &made.json()["data"]["type"]), (StatusCode::OK, &json!("customized")), "{}", made.text);
    let list = shelf.get(&parts).await.json();
    assert_eq!(
        (&list["total"], &list["total_pages"], &list["page"], &list["limit"]),
        (&json!(3), &json!(1), &json!(1), &json!(20))
    );
    let one = format!("{parts}/{}", made.json()["data"]["id"].as_str().unwrap());
    let changed = shelf.call(Method::PATCH, &one, Some(json!({"content": "less"}))).await;
    assert_eq!(changed.json()["data"]["content"], "less", "{}", changed.text);
    assert_eq!(shelf.call(Method::DELETE, &one, None).await.status, StatusCode::NO_CONTENT);
    refused(&shelf.call(Method::DELETE, &one, None).await, 404, "not_found", "Child chunk not found.");
    let all = format!("/datasets/{id}/documents/{doc}/segments/{}/child_chunks", first["id"].as_str().unwrap());
    let kept = &first["child_chunks"][0];
    let body = json!({"chunks": [{"id": kept["id"], "content": kept["content"]}, {"content": "new one"}]});
    let set = shelf.server.console(&shelf.owner, Method::PATCH, &all, Some(body)).await.json();
    let texts: Vec<&str> =
        set["data"].as_array().unwrap().iter().map(|part| part["content"].as_str().unwrap()).collect();
    assert_eq!(texts, ["one", "new one"], "{set}");
}

/// H31, H32.
#[tokio::test]
async fn metadata_have_fields_and_values() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Fields").await;
    let doc = shelf.document(&id, "d", "one two three", json!({})).await;
    let path = format!("/datasets/{id}/metadata");
    let made = shelf.post(&path, json!({"type": "string", "name": "lang"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let field = made.json()["id"].as_str().unwrap().to_owned();
    for (name, text) in
        [("lang", "Metadata name already exists."), ("uploader", "Metadata name already exists in Built-in fields.")]
    {
        refused(&shelf.post(&path, json!({"type": "string", "name": name})).await, 400, "invalid_param", text);
    }
    let built_in = shelf.get(&format!("{path}/built-in")).await.json();
    let names: Vec<&str> =
        built_in["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["document_name", "uploader", "upload_date", "last_update_date", "source"]);
    let value = json!({"operation_data": [{"document_id": doc, "metadata_list": [{"id": field, "name": "lang", "value": "en"}]}]});
    let done = shelf.post(&format!("/datasets/{id}/documents/metadata"), value).await;
    assert_eq!(done.json(), json!({"result": "success"}), "{}", done.text);
    assert_eq!(shelf.post(&format!("{path}/built-in/enable"), json!({})).await.status, StatusCode::OK);
    let list = shelf.get(&path).await.json();
    assert_eq!(
        (&list["doc_metadata"][0]["count"], &list["built_in_field_enabled"]),
        (&json!(1), &json!(true)),
        "{list}"
    );
    let renamed = shelf.call(Method::PATCH, &format!("{path}/{field}"), Some(json!({"name": "tongue"}))).await;
    assert_eq!(renamed.json()["name"], "tongue");
    let values = shelf.get(&format!("/datasets/{id}/documents/{doc}")).await.json()["doc_metadata"].clone();
    let of = |name: &str| values.as_array().unwrap().iter().find(|value| value["name"] == name).cloned();
    assert_eq!(of("tongue").unwrap()["value"], "en", "{values}");
    assert_eq!(
        of("document_name").unwrap(),
        json!({"id": "built-in", "name": "document_name", "type": "string", "value": "d"})
    );
    assert_eq!(shelf.call(Method::DELETE, &format!("{path}/{field}"), None).await.status, StatusCode::NO_CONTENT);
    let values = shelf.get(&format!("/datasets/{id}/documents/{doc}")).await.text;
    assert!(!values.contains("tongue"), "{values}");
}

/// H37.
#[tokio::test]
async fn models_are_shown_to_keys_of_knowledge() {
    let shelf = Shelf::new().await;
    let found = shelf.get("/workspaces/current/models/model-types/text-embedding").await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text);
    let found = found.json();
    let of_ours = |one: &&Value| one["provider"].as_str().unwrap().contains("scripted");
    let ours = found["data"].as_array().unwrap().iter().find(of_ours);
    let ours = ours.unwrap_or_else(|| panic!("{found}"));
    assert!(ours["label"].is_object() && !ours["models"].as_array().unwrap().is_empty(), "{ours}");
    refused(&shelf.get("/workspaces/current/models/model-types/x").await, 400, "invalid_param", "");
}

/// H33, H34.
#[tokio::test]
async fn labels_are_of_the_workspace() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Labelled").await;
    let made = shelf.post("/datasets/tags", json!({"name": "t"})).await.json();
    assert_eq!((&made["type"], &made["binding_count"]), (&json!("knowledge"), &json!("0")), "{made}");
    refused(&shelf.post("/datasets/tags", json!({"name": "t"})).await, 400, "invalid_param", "Tag name already exists");
    let none = shelf.post("/datasets/tags/binding", json!({"tag_ids": [], "target_id": id})).await;
    refused(&none, 400, "invalid_param", "Tag IDs is required.");
    let bound = shelf.post("/datasets/tags/binding", json!({"tag_ids": [made["id"]], "target_id": id})).await;
    assert_eq!(bound.status, StatusCode::NO_CONTENT, "{}", bound.text);
    assert_eq!(shelf.get("/datasets/tags").await.json()[0]["binding_count"], "1");
    assert_eq!(shelf.get(&format!("/datasets/{id}/tags")).await.json()["total"], 1);
    let tag = made["id"].as_str().unwrap();
    assert_eq!(shelf.get(&format!("/datasets?tag_ids={tag}&tag_ids={tag}")).await.json()["total"], 1);
    let off = shelf.post("/datasets/tags/unbinding", json!({"tag_id": tag, "target_id": id})).await;
    assert_eq!(off.status, StatusCode::NO_CONTENT, "{}", off.text);
    let gone = shelf.call(Method::DELETE, "/datasets/tags", Some(json!({"tag_id": tag}))).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
}

/// H35.
#[tokio::test]
async fn documents_get_vectors_of_the_chosen_model() {
    let shelf = Shelf::new().await;
    let body = json!({"name": "V", "indexing_technique": "high_quality", "embedding_model": "embed-384", "embedding_model_provider": "oxidify/scripted"});
    let made = shelf.post("/datasets", body).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let doc = shelf.document(&id, "d", "The owl sleeps by day.", json!({})).await;
    let found = shelf.get(&format!("/datasets/{id}/documents/{doc}")).await.json();
    assert!(found["tokens"].as_i64().unwrap() > 0, "{found}");
    let economy = json!({"indexing_technique": "economy"});
    let back = shelf.call(Method::PATCH, &format!("/datasets/{id}"), Some(economy)).await;
    refused(&back, 400, "invalid_param", "is not allowed to be updated to economy.");
    let unknown = json!({"name": "W", "indexing_technique": "high_quality", "embedding_model": "x", "embedding_model_provider": "nobody"});
    refused(&shelf.post("/datasets", unknown).await, 400, "provider_not_initialize", "No Embedding Model available.");
}

#[tokio::test]
async fn many_documents_are_completed_on_each_database() {
    ox_testkit::on_each_database(|database| async move {
        let shelf = Shelf::on(TestServer::start(database).await).await;
        let id = shelf.dataset("Many").await;
        let text = "The quick brown fox jumps over the lazy dog. ".repeat(45);
        for number in 0..12 {
            let body = json!({"name": format!("{number}"), "text": format!("{number} {text}"), "process_rule": {"mode": "automatic"}});
            let made = shelf.post(&format!("/datasets/{id}/document/create-by-text"), body).await;
            assert_eq!(made.status, StatusCode::OK, "{}", made.text);
        }
        for _ in 0..500 {
            let found = shelf.get(&format!("/datasets/{id}")).await.json();
            if found["total_available_documents"] == 12 {
                assert_eq!(found["total_documents"], 12);
                assert!(found["word_count"].as_u64().unwrap() > 12 * 1900, "{found}");
                // Nothing of it is left.
                assert_eq!(shelf.call(Method::DELETE, &format!("/datasets/{id}"), None).await.status, StatusCode::NO_CONTENT);
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{}", shelf.get(&format!("/datasets/{id}/documents")).await.text);
    })
    .await;
}
