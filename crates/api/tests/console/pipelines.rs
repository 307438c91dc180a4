//! Knowledge pipelines (console reference §15): from a template to chunks that are found, previews, failures, files,
//! conversion, the key of knowledge.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use ox_testkit::on_each_database;
use serde_json::{Value, json};

use crate::{
    knowledge::Shelf,
    support::{Answer, TestServer},
};

const TEXT: &str = "The owl sleeps by day.\n\nThe lark sings in the morning.";

/// A knowledge base with a pipeline.
struct Line {
    shelf: Shelf,
    pipeline: String,
    dataset: String,
}

async fn send(shelf: &Shelf, method: Method, path: &str, body: Option<Value>) -> Answer {
    shelf.server.console(&shelf.owner, method, path, body).await
}

async fn good(shelf: &Shelf, method: Method, path: &str, body: Option<Value>) -> Value {
    let answer = send(shelf, method, path, body).await;
    assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text);
    if answer.text.is_empty() { Value::Null } else { answer.json() }
}

/// The file of a built-in template that needs no model.
async fn economical(shelf: &Shelf, template: &str) -> String {
    let path = format!("/rag/pipeline/templates/{template}?type=built-in");
    let found = good(shelf, Method::GET, &path, None).await;
    assert!(found["graph"]["nodes"].as_array().unwrap().len() > 2, "{found}");
    let yaml = found["export_data"].as_str().unwrap();
    yaml.replace("indexing_technique: high_quality", "indexing_technique: economy")
}

fn with_vectors(yaml: &str) -> String {
    yaml.replace("embedding_model: ''", "embedding_model: embed-384")
        .replace("embedding_model_provider: ''", "embedding_model_provider: oxidify/scripted")
}

impl Line {
    async fn of(shelf: Shelf, yaml: &str) -> Self {
        let made = send(&shelf, Method::POST, "/rag/pipeline/dataset", Some(json!({"yaml_content": yaml}))).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let made = made.json();
        let text = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        Self { shelf, pipeline: text("pipeline_id"), dataset: text("dataset_id") }
    }

    /// One whose pipeline is live.
    async fn live(shelf: Shelf, yaml: &str) -> Self {
        let line = Self::of(shelf, yaml).await;
        line.publish().await;
        line
    }

    fn path(&self, rest: &str) -> String {
        format!("/rag/pipelines/{}/{rest}", self.pipeline)
    }

    async fn good(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        good(&self.shelf, method, path, body).await
    }

    async fn publish(&self) {
        let done = self.good(Method::POST, &self.path("workflows/publish"), Some(json!({}))).await;
        assert_eq!(done["result"], "success");
    }

    /// A file for the pipeline, as a datasource gives it.
    async fn file(&self, name: &str, content: &str) -> Value {
        let body = format!(
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: \
             text/plain\r\n\r\n{content}\r\n--x--\r\n"
        );
        let request = Request::post("/v1/datasets/pipeline/file-upload")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.shelf.key))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
            .body(Body::from(body))
            .unwrap();
        let answer = self.shelf.server.send(request).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let file = answer.json();
        json!({"related_id": file["id"], "name": file["name"], "extension": file["extension"],
            "transfer_method": "local_file", "type": "document"})
    }

    fn form(&self, items: Vec<Value>, more: Value) -> Value {
        let mut body = json!({"inputs": {}, "datasource_type": "local_file", "datasource_info_list": items,
            "start_node_id": "datasource"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    /// Runs the live version for files, and tells how each document ended.
    async fn run(&self, items: Vec<Value>, more: Value) -> Vec<Value> {
        let body = self.form(items, more);
        let made = self.good(Method::POST, &self.path("workflows/published/run"), Some(body)).await;
        assert_eq!(made["dataset"]["id"], self.dataset.as_str(), "{made}");
        for document in made["documents"].as_array().unwrap() {
            assert_eq!(document["indexing_status"], "waiting", "{document}");
        }
        self.ended(made["batch"].as_str().unwrap()).await
    }

    async fn ended(&self, batch: &str) -> Vec<Value> {
        let path = format!("/datasets/{}/batch/{batch}/indexing-status", self.dataset);
        for _ in 0..1000 {
            let found = self.good(Method::GET, &path, None).await["data"].as_array().unwrap().clone();
            let is_over =
                |document: &Value| ["completed", "error"].contains(&document["indexing_status"].as_str().unwrap());
            if found.iter().all(is_over) {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("it hangs");
    }

    async fn found(&self, query: &str) -> Vec<String> {
        let body = json!({"query": query});
        let answer = self.shelf.post(&format!("/datasets/{}/retrieve", self.dataset), body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let records = answer.json()["records"].as_array().unwrap().clone();
        records.iter().map(|record| record["segment"]["content"].as_str().unwrap().to_owned()).collect()
    }

    async fn documents(&self) -> u64 {
        let path = format!("/datasets/{}/documents", self.dataset);
        self.good(Method::GET, &path, None).await["total"].as_u64().unwrap()
    }
}

fn events(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn files_go_through_a_published_pipeline_and_are_found() {
    on_each_database(|database| async move {
        let shelf = Shelf::on(TestServer::start(database).await).await;
        let yaml = with_vectors(&economical(&shelf, "general-files").await.replace(": economy", ": high_quality"));
        let line = Line::of(shelf, &yaml).await;
        let dataset_path = format!("/datasets/{}", line.dataset);
        let before = line.good(Method::GET, &dataset_path, None).await;
        assert_eq!(
            (&before["runtime_mode"], &before["is_published"], &before["pipeline_id"]),
            (&json!("rag_pipeline"), &json!(false), &json!(line.pipeline)),
            "{before}"
        );
        let item = line.file("birds.txt", TEXT).await;
        let early = line.form(vec![item.clone()], json!({}));
        let early = send(&line.shelf, Method::POST, &line.path("workflows/published/run"), Some(early)).await;
        assert_eq!((early.status, early.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_param"), "{}", early.text);
        line.publish().await;
        let after = line.good(Method::GET, &dataset_path, None).await;
        assert_eq!(
            (&after["is_published"], &after["chunk_structure"], &after["embedding_model"], &after["name"]),
            (&json!(true), &json!("text_model"), &json!("embed-384"), &json!("General from files")),
            "{after}"
        );
        let two = vec![item, line.file("trees.txt", "The oak grows slowly.").await];
        let ended = line.run(two, json!({"inputs": {"max_chunk_length": 100, "chunk_overlap": 0}})).await;
        assert_eq!(ended.len(), 2);
        for document in &ended {
            assert_eq!((&document["indexing_status"], &document["error"]), (&json!("completed"), &Value::Null));
        }
        let found = line.found("owl").await;
        assert!(found.contains(&"The owl sleeps by day.".to_owned()), "{found:?}");
        let id = ended[0]["id"].as_str().unwrap();
        let chunks = line.good(Method::GET, &format!("{dataset_path}/documents/{id}/segments"), None).await;
        assert_eq!(chunks["data"].as_array().unwrap().len(), 2, "{chunks}");
        let log = line.good(Method::GET, &format!("{dataset_path}/documents/{id}/pipeline-execution-log"), None).await;
        assert_eq!(
            (&log["datasource_type"], &log["datasource_node_id"], &log["input_data"]["max_chunk_length"]),
            (&json!("local_file"), &json!("datasource"), &json!(100)),
            "{log}"
        );
        let runs = line.good(Method::GET, &line.path("workflow-runs?triggered_from=rag-pipeline-run"), None).await;
        let runs = runs["data"].as_array().unwrap();
        assert!(runs.len() == 2 && runs.iter().all(|run| run["status"] == "succeeded"), "{runs:?}");
    })
    .await;
}

#[tokio::test]
async fn parents_and_pairs_are_made_as_their_chunkers_say() {
    let shelf = Shelf::new().await;
    let yaml = shelf_file(&shelf, "parent-child-files").await;
    let line = Line::live(shelf, &yaml).await;
    let item = line.file("birds.txt", "The owl sleeps by day.\nIt hunts at night.\n\nThe lark sings.").await;
    let ended = line.run(vec![item], json!({})).await;
    assert_eq!(ended[0]["indexing_status"], "completed", "{ended:?}");
    let path = format!("/datasets/{}/documents/{}/segments", line.dataset, ended[0]["id"].as_str().unwrap());
    let chunks = line.good(Method::GET, &path, None).await;
    let first = chunks["data"].as_array().unwrap().iter().find(|chunk| chunk["position"] == 1).unwrap().clone();
    assert_eq!(first["child_chunks"].as_array().unwrap().len(), 2, "{first}");

    let shelf = Shelf::new().await;
    let yaml = shelf_file(&shelf, "qa-tables").await;
    let line = Line::live(shelf, &yaml).await;
    let item = line.file("faq.csv", "question,answer\nWho sleeps by day?,The owl\nWho sings?,The lark\n").await;
    let ended = line.run(vec![item], json!({})).await;
    assert_eq!(ended[0]["indexing_status"], "completed", "{ended:?}");
    let path = format!("/datasets/{}/documents/{}/segments", line.dataset, ended[0]["id"].as_str().unwrap());
    let chunks = line.good(Method::GET, &path, None).await;
    let pairs: Vec<(&str, &str)> = chunks["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chunk| (chunk["content"].as_str().unwrap(), chunk["answer"].as_str().unwrap()))
        .collect();
    assert!(pairs.contains(&("Who sings?", "The lark")) && pairs.len() == 2, "{pairs:?}");
}

/// A template whose chunks get vectors.
async fn shelf_file(shelf: &Shelf, template: &str) -> String {
    with_vectors(&economical(shelf, template).await.replace(": economy", ": high_quality"))
}

#[tokio::test]
async fn chunks_of_a_pipeline_get_summaries() {
    let shelf = Shelf::new().await;
    let setting = "summary_index_setting: {enable: true, model_name: echo, model_provider_name: oxidify/scripted, summary_prompt: Zanzibar}";
    let yaml = shelf_file(&shelf, "general-files").await;
    let yaml = yaml.replace("keyword_number: 10", &format!("keyword_number: 10\n        {setting}"));
    let line = Line::live(shelf, &yaml).await;
    let kept = line.good(Method::GET, &format!("/datasets/{}", line.dataset), None).await;
    assert_eq!(kept["summary_index_setting"]["summary_prompt"], "Zanzibar", "{kept}");
    let item = line.file("birds.txt", TEXT).await;
    let ended = line.run(vec![item], json!({})).await;
    assert_eq!(ended[0]["indexing_status"], "completed", "{ended:?}");
    let path = format!(
        "/datasets/{}/documents/{}/summary-status",
        line.dataset,
        ended[0]["id"].as_str().unwrap_or_else(|| panic!("{ended:?}"))
    );
    let mut status = Value::Null;
    for _ in 0..1000 {
        status = line.good(Method::GET, &path, None).await;
        if status["summary_status"]["completed"] == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(status["summary_status"]["completed"], 2, "{status}");
    assert_eq!(status["summaries"][0]["summary_preview"], "Zanzibar\nThe owl sleeps by day.", "{status}");
}

#[tokio::test]
async fn trying_out_writes_nothing() {
    let shelf = Shelf::new().await;
    let yaml = economical(&shelf, "general-files").await;
    let line = Line::live(shelf, &yaml).await;
    let item = line.file("birds.txt", TEXT).await;
    let body = line.form(vec![item.clone()], json!({}));
    let run = send(&line.shelf, Method::POST, &line.path("workflows/draft/run"), Some(body)).await;
    assert_eq!(run.status, StatusCode::OK, "{}", run.text);
    let told = events(&run.text);
    let index =
        told.iter().find(|event| event["event"] == "node_finished" && event["data"]["node_type"] == "knowledge-index");
    let preview = &index.unwrap_or_else(|| panic!("{told:?}"))["data"]["outputs"];
    assert_eq!(
        (&preview["chunk_structure"], &preview["total_segments"]),
        (&json!("text_model"), &json!(2)),
        "{preview}"
    );
    assert_eq!(preview["preview"][0]["content"], "The owl sleeps by day.");
    let body = line.form(vec![item.clone()], json!({"is_preview": true, "response_mode": "blocking"}));
    let shown = line.good(Method::POST, &line.path("workflows/published/run"), Some(body)).await;
    assert_eq!(
        (&shown["data"]["status"], &shown["data"]["outputs"]["total_segments"]),
        (&json!("succeeded"), &json!(2)),
        "{shown}"
    );
    assert_eq!(line.documents().await, 0);
    // The variables of the run are there for the nodes one by one.
    let step = json!({"inputs": {}});
    let done = line.good(Method::POST, &line.path("workflows/draft/nodes/chunker/run"), Some(step)).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    let last = line.good(Method::GET, &line.path("workflows/draft/nodes/chunker/last-run"), None).await;
    assert_eq!(last["id"], done["id"]);
    let own = line.good(Method::GET, &line.path("workflows/draft/nodes/datasource/variables"), None).await;
    assert!(own["items"].as_array().unwrap().iter().any(|item| item["name"] == "file"), "{own}");
    // And so is what was chosen without a run.
    let choice = json!({"datasource_type": "local_file", "datasource_info": item, "start_node_id": "datasource"});
    let path = line.path("workflows/draft/datasource/variables-inspect");
    let chosen = line.good(Method::POST, &path, Some(choice)).await;
    assert_eq!((&chosen["node_type"], &chosen["status"]), (&json!("datasource"), &json!("succeeded")), "{chosen}");
    for (body, field) in [
        (line.form(vec![], json!({})), "datasource_info_list"),
        (line.form(vec![json!({"related_id": "x"})], json!({})), "related_id"),
        (line.form(vec![json!({})], json!({"start_node_id": "nobody"})), "start_node_id"),
    ] {
        let refused = send(&line.shelf, Method::POST, &line.path("workflows/published/run"), Some(body)).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains(field), "{field}: {}", refused.text);
    }
}

#[tokio::test]
async fn a_document_that_fails_names_its_node_and_is_mended_by_a_new_version() {
    on_each_database(|database| async move {
        let shelf = Shelf::on(TestServer::start(database).await).await;
        let yaml = economical(&shelf, "general-files").await;
        let line = Line::live(shelf, &yaml).await;
        let item = line.file("birds.txt", TEXT).await;
        let wrong = json!({"inputs": {"max_chunk_length": 50, "chunk_overlap": 60}});
        let ended = line.run(vec![item], wrong).await;
        assert_eq!(ended[0]["indexing_status"], "error", "{ended:?}");
        let why = ended[0]["error"].as_str().unwrap();
        assert!(why.contains("'General chunker'") && why.contains("overlap"), "{why}");
        let mended = yaml.replace("value: [rag, shared, chunk_overlap]", "value: [rag, shared, none]");
        let mended = mended.replace(
            "chunk_overlap_length: {type: variable, value: [rag, shared, none]}",
            "chunk_overlap_length: {type: constant, value: 0}",
        );
        let body = json!({"mode": "yaml-content", "yaml_content": mended, "pipeline_id": line.pipeline});
        let done = line.good(Method::POST, "/rag/pipelines/imports", Some(body)).await;
        assert_eq!((&done["status"], &done["dataset_id"]), (&json!("completed"), &json!(line.dataset)), "{done}");
        line.publish().await;
        let id = ended[0]["id"].as_str().unwrap();
        let retry = json!({"document_ids": [id]});
        line.good(Method::POST, &format!("/datasets/{}/retry", line.dataset), Some(retry)).await;
        let path = format!("/datasets/{}/documents/{id}/indexing-status", line.dataset);
        for _ in 0..1000 {
            let now = line.good(Method::GET, &path, None).await;
            if now["indexing_status"] == "completed" {
                assert_eq!(now["error"], Value::Null);
                assert_eq!(line.found("lark").await.len(), 1);
                return;
            }
            assert_ne!(now["indexing_status"], "error", "{now}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("it hangs");
    })
    .await;
}

#[tokio::test]
async fn a_document_is_made_anew_in_its_place() {
    let shelf = Shelf::new().await;
    let yaml = economical(&shelf, "general-files").await;
    let line = Line::live(shelf, &yaml).await;
    let first = line.run(vec![line.file("birds.txt", TEXT).await], json!({})).await;
    let id = first[0]["id"].clone();
    let other = line.file("birds.txt", "The heron stands still.").await;
    let again = line.run(vec![other.clone()], json!({"original_document_id": id})).await;
    assert_eq!((&again[0]["id"], &again[0]["indexing_status"]), (&id, &json!("completed")), "{again:?}");
    assert_eq!(line.documents().await, 1);
    assert_eq!((line.found("heron").await.len(), line.found("lark").await.len()), (1, 0));
    let strange = line.form(vec![other], json!({"original_document_id": ox_types::new_uuid()}));
    let refused = send(&line.shelf, Method::POST, &line.path("workflows/published/run"), Some(strange)).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text);
}

#[tokio::test]
async fn drafts_versions_files_and_templates() {
    let shelf = Shelf::new().await;
    let made = send(&shelf, Method::POST, "/rag/pipeline/empty-dataset", None).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    assert_eq!((&made["name"], &made["runtime_mode"]), (&json!("Untitled"), &json!("rag_pipeline")));
    let again = send(&shelf, Method::POST, "/rag/pipeline/empty-dataset", None).await.json();
    assert_eq!(again["name"], "Untitled 2");
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let line = Line { shelf, pipeline: text("pipeline_id"), dataset: text("id") };
    let none = send(&line.shelf, Method::GET, &line.path("workflows/draft"), None).await;
    assert_eq!((none.status, none.code().as_str()), (StatusCode::NOT_FOUND, "draft_workflow_not_exist"));
    // The same graph by hand.
    let template = "/rag/pipeline/templates/general-websites?type=built-in&language=zh-Hans";
    let template = line.good(Method::GET, template, None).await;
    assert!(!template["name"].as_str().unwrap().is_ascii(), "{}", template["name"]);
    let asked = json!([
        {"variable": "url", "label": "URL", "type": "text-input", "belong_to_node_id": "datasource", "required": true},
        {"variable": "max_chunk_length", "label": "Length", "type": "number", "belong_to_node_id": "shared", "default_value": 500},
    ]);
    let draft = json!({"graph": template["graph"], "rag_pipeline_variables": asked, "environment_variables": []});
    let saved = line.good(Method::POST, &line.path("workflows/draft"), Some(draft.clone())).await;
    let stale = json!({"graph": template["graph"], "hash": "other"});
    let stale = send(&line.shelf, Method::POST, &line.path("workflows/draft"), Some(stale)).await;
    assert_eq!((stale.status, stale.code().as_str()), (StatusCode::CONFLICT, "draft_workflow_not_sync"));
    let shown = line.good(Method::GET, &line.path("workflows/draft"), None).await;
    assert_eq!((&shown["hash"], &shown["rag_pipeline_variables"]), (&saved["hash"], &asked), "{shown}");
    let wrong = json!({"graph": template["graph"], "rag_pipeline_variables": [{"variable": "1"}]});
    let wrong = send(&line.shelf, Method::POST, &line.path("workflows/draft"), Some(wrong)).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.text);
    for (step, expected) in [("pre-processing", "url"), ("processing", "max_chunk_length")] {
        let path = line.path(&format!("workflows/draft/{step}/parameters?node_id=datasource"));
        let found = line.good(Method::GET, &path, None).await;
        let names: Vec<&str> =
            found["variables"].as_array().unwrap().iter().map(|one| one["variable"].as_str().unwrap()).collect();
        assert_eq!(names, [expected], "{step}");
    }
    // As a file and back.
    let file = line.good(Method::GET, &line.path("exports?include_secret=false"), None).await;
    let file = file["data"].as_str().unwrap().to_owned();
    let body = json!({"mode": "yaml-content", "yaml_content": file});
    let done = line.good(Method::POST, "/rag/pipelines/imports", Some(body)).await;
    let other = Line {
        shelf: line.shelf,
        pipeline: done["pipeline_id"].as_str().unwrap().into(),
        dataset: done["dataset_id"].as_str().unwrap().into(),
    };
    let copy = other.good(Method::GET, &other.path("workflows/draft"), None).await;
    assert_eq!((&copy["graph"], &copy["rag_pipeline_variables"]), (&shown["graph"], &asked));
    let leaks =
        other.good(Method::GET, &format!("/rag/pipelines/imports/{}/check-dependencies", other.pipeline), None).await;
    assert_eq!(leaks["leaked_dependencies"], json!([]), "{leaks}");
    // A file of tomorrow waits for a word.
    let newer = json!({"mode": "yaml-content", "yaml_content": file.replace("0.1.0", "0.9.0")});
    let waits = send(&other.shelf, Method::POST, "/rag/pipelines/imports", Some(newer)).await;
    assert_eq!((waits.status, &waits.json()["status"]), (StatusCode::ACCEPTED, &json!("pending")), "{}", waits.text);
    let path = format!("/rag/pipelines/imports/{}/confirm", waits.json()["id"].as_str().unwrap());
    assert_eq!(other.good(Method::POST, &path, None).await["status"], "completed");
    assert_eq!(send(&other.shelf, Method::POST, &path, None).await.status, StatusCode::BAD_REQUEST, "once");
    let broken = json!({"yaml_content": "app: {mode: chat}"});
    let broken = send(&other.shelf, Method::POST, "/rag/pipeline/dataset", Some(broken)).await;
    assert_eq!((broken.status, &broken.json()["status"]), (StatusCode::BAD_REQUEST, &json!("failed")));
    // A model that is not there: it cannot go live with vectors, and says why.
    let indexed = |settings: Value| {
        let mut graph = copy["graph"].clone();
        for node in graph["nodes"].as_array_mut().unwrap() {
            if node["data"]["type"] == "knowledge-index" {
                node["data"].as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
            }
        }
        graph
    };
    let nobody = json!({"embedding_model": "x", "embedding_model_provider": "nobody"});
    let draft = json!({"graph": indexed(nobody), "hash": copy["hash"]});
    let saved = other.good(Method::POST, &other.path("workflows/draft"), Some(draft)).await;
    let refused = send(&other.shelf, Method::POST, &other.path("workflows/publish"), Some(json!({}))).await;
    assert_eq!(refused.code(), "provider_not_initialize", "{}", refused.text);
    let graph = indexed(json!({"indexing_technique": "economy"}));
    let draft = json!({"graph": graph, "hash": saved["hash"]});
    other.good(Method::POST, &other.path("workflows/draft"), Some(draft)).await;
    let named = json!({"marked_name": "First"});
    other.good(Method::POST, &other.path("workflows/publish"), Some(named)).await;
    let versions = other.good(Method::GET, &other.path("workflows?page=1&limit=10"), None).await;
    let versions = versions["items"].as_array().unwrap();
    assert_eq!((versions.len(), &versions[1]["marked_name"]), (2, &json!("First")));
    let live = other.good(Method::GET, &other.path("workflows/publish"), None).await;
    assert_eq!(live["id"], versions[1]["id"]);
    // Kept as a template of the workspace.
    let keep = json!({"name": "Ours", "description": "what", "icon_info": {"icon": "🦉", "icon_type": "emoji"}});
    other.good(Method::POST, &other.path("customized/publish"), Some(keep.clone())).await;
    let twice = send(&other.shelf, Method::POST, &other.path("customized/publish"), Some(keep)).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST, "{}", twice.text);
    let list = other.good(Method::GET, "/rag/pipeline/templates?type=customized", None).await;
    let ours = &list["pipeline_templates"][0];
    assert_eq!(
        (&ours["name"], &ours["icon"]["icon"], &ours["chunk_structure"]),
        (&json!("Ours"), &json!("🦉"), &json!("text_model"))
    );
    let id = ours["id"].as_str().unwrap();
    let path = format!("/rag/pipeline/customized/templates/{id}");
    other.good(Method::PATCH, &path, Some(json!({"name": "Renamed", "description": ""}))).await;
    let one = other.good(Method::GET, &format!("/rag/pipeline/templates/{id}?type=customized"), None).await;
    assert_eq!((&one["name"], &one["graph"]["nodes"]), (&json!("Renamed"), &graph["nodes"]));
    assert!(other.good(Method::POST, &path, None).await["data"].as_str().unwrap().contains("kind: rag_pipeline"));
    other.good(Method::DELETE, &path, None).await;
    assert_eq!(send(&other.shelf, Method::DELETE, &path, None).await.status, StatusCode::NOT_FOUND);
    let list = other.good(Method::GET, "/rag/pipeline/templates?type=built-in", None).await;
    assert!(list["pipeline_templates"].as_array().unwrap().len() >= 5);
    let plugins = other.good(Method::GET, "/rag/pipelines/datasource-plugins", None).await;
    assert_eq!(
        (plugins.as_array().unwrap().len(), &plugins[0]["is_authorized"], &plugins[1]["is_authorized"]),
        (7, &json!(true), &json!(false))
    );
    // With the knowledge base its pipeline goes.
    other.good(Method::DELETE, &format!("/datasets/{}", other.dataset), None).await;
    let gone = send(&other.shelf, Method::GET, &other.path("workflows/draft"), None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.text);
}

#[tokio::test]
async fn an_older_knowledge_base_gets_a_pipeline() {
    let shelf = Shelf::new().await;
    let id = shelf.dataset("Older").await;
    let rule = json!({"process_rule": {"mode": "custom", "rules": {"segmentation": {"separator": "##", "max_tokens": 300},
        "pre_processing_rules": [{"id": "remove_extra_spaces", "enabled": true}]}}});
    let document = shelf.document(&id, "birds", "The owl sleeps.##The lark sings.", rule).await;
    let done = good(&shelf, Method::POST, &format!("/rag/pipelines/transform/datasets/{id}"), None).await;
    assert_eq!((&done["status"], &done["dataset_id"]), (&json!("success"), &json!(id)));
    let line = Line { shelf, pipeline: done["pipeline_id"].as_str().unwrap().into(), dataset: id.clone() };
    let after = line.good(Method::GET, &format!("/datasets/{id}"), None).await;
    assert_eq!((&after["runtime_mode"], &after["is_published"]), (&json!("rag_pipeline"), &json!(true)), "{after}");
    assert_eq!(line.found("owl").await, ["The owl sleeps."], "what was there is found");
    let draft = line.good(Method::GET, &line.path("workflows/draft"), None).await;
    let delimiter = draft["rag_pipeline_variables"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["variable"] == "delimiter")
        .unwrap()
        .clone();
    assert_eq!(delimiter["default_value"], "##");
    let ended = line.run(vec![line.file("more.txt", "The heron stands.##The crow caws.").await], json!({})).await;
    assert_eq!(ended[0]["indexing_status"], "completed", "{ended:?}");
    assert_eq!(line.found("heron").await, ["The heron stands."]);
    let log = format!("/datasets/{id}/documents/{document}/pipeline-execution-log");
    assert_eq!(line.good(Method::GET, &log, None).await["datasource_type"], "local_file");
    let again = good(&line.shelf, Method::POST, &format!("/rag/pipelines/transform/datasets/{id}"), None).await;
    assert_eq!(again["pipeline_id"], line.pipeline.as_str(), "once");
}

#[tokio::test]
async fn a_key_of_knowledge_runs_pipelines() {
    let shelf = Shelf::new().await;
    let plain = shelf.dataset("Plain").await;
    let none = shelf.get(&format!("/datasets/{plain}/pipeline/datasource-plugins")).await;
    assert!(none.status == StatusCode::BAD_REQUEST && none.text.contains("Pipeline not found"), "{}", none.text);
    let yaml = economical(&shelf, "general-files").await;
    let line = Line::live(shelf, &yaml).await;
    let path = format!("/datasets/{}/pipeline", line.dataset);
    let nodes = line.shelf.get(&format!("{path}/datasource-plugins?is_published=true")).await.json();
    assert_eq!(
        (&nodes[0]["node_id"], &nodes[0]["datasource_type"]),
        (&json!("datasource"), &json!("local_file")),
        "{nodes}"
    );
    assert_eq!(nodes[0]["user_input_variables"], json!([]), "what the files themselves ask");
    let item = line.file("birds.txt", TEXT).await;
    let body = |more: Value| line.form(vec![item.clone()], more);
    let made =
        line.shelf.post(&format!("{path}/run"), body(json!({"is_published": true, "response_mode": "blocking"}))).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let ended = line.ended(made.json()["batch"].as_str().unwrap()).await;
    assert_eq!(ended[0]["indexing_status"], "completed", "{ended:?}");
    let tried = line
        .shelf
        .post(&format!("{path}/run"), body(json!({"is_published": false, "response_mode": "blocking"})))
        .await;
    assert_eq!(tried.json()["data"]["outputs"]["total_segments"], 2, "{}", tried.text);
    assert_eq!(line.documents().await, 1, "a draft writes nothing");
    let missing = line.shelf.post(&format!("{path}/run"), body(json!({"is_published": true}))).await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST, "{}", missing.text);
    let failed = json!({"is_published": true, "response_mode": "blocking", "start_node_id": "nobody"});
    let failed = line.shelf.post(&format!("{path}/run"), body(failed)).await;
    assert_eq!((failed.status.as_u16(), failed.code().as_str()), (500, "pipeline_run_error"), "{}", failed.text);
    let look = json!({"inputs": {}, "datasource_type": "local_file", "is_published": true});
    let look = line.shelf.post(&format!("{path}/datasource/nodes/datasource/run"), look).await;
    assert_eq!(look.status, StatusCode::BAD_REQUEST, "files are not looked into: {}", look.text);
}
