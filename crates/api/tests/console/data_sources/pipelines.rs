//! Pages that go through a pipeline.

use super::*;

/// A knowledge base whose pipeline is live: its id, and that of the pipeline.
async fn live(shelf: &Shelf, template: &str) -> (String, String) {
    live_with(shelf, template, &[]).await
}

/// As [`live`], with changes to the template.
pub(super) async fn live_with(shelf: &Shelf, template: &str, changes: &[(&str, &str)]) -> (String, String) {
    let found = good(shelf, Method::GET, &format!("/rag/pipeline/templates/{template}?type=built-in"), None).await;
    let yaml = found["export_data"].as_str().unwrap().replace(": high_quality", ": economy");
    let yaml = changes.iter().fold(yaml, |yaml, (from, to)| {
        assert!(yaml.contains(from), "{template} has no {from}");
        yaml.replace(from, to)
    });
    let made = call(shelf, Method::POST, "/rag/pipeline/dataset", Some(json!({"yaml_content": yaml}))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    let text = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let (dataset, pipeline) = (text("dataset_id"), text("pipeline_id"));
    good(shelf, Method::POST, &format!("/rag/pipelines/{pipeline}/workflows/publish"), Some(json!({}))).await;
    (dataset, pipeline)
}

/// Runs the live version for pages, and waits for the documents of the knowledge base.
pub(super) async fn run(shelf: &Shelf, (dataset, pipeline): &(String, String), form: Value) -> Vec<Value> {
    let mut body = json!({"inputs": {}, "start_node_id": "datasource"});
    body.as_object_mut().unwrap().extend(form.as_object().unwrap().clone());
    good(shelf, Method::POST, &format!("/rag/pipelines/{pipeline}/workflows/published/run"), Some(body)).await;
    let documents = settled(shelf, dataset).await;
    for document in &documents {
        let told = (&document["indexing_status"], &document["error"]);
        assert_eq!(told, (&json!("completed"), &Value::Null), "{document}");
    }
    documents
}

#[tokio::test]
async fn pages_of_a_website_go_through_a_pipeline() {
    ox_testkit::on_each_database(|database| async move {
        let fakes = fakes().await;
        let shelf = shelf(database, &fakes).await;
        let key = binding("firecrawl", "bearer", KEY, &format!("{}/fire", fakes.base));
        good(&shelf, Method::POST, "/api-key-auth/data-source/binding", Some(key)).await;
        let line = live(&shelf, "general-websites").await;
        let read =
            json!({"source_url": "https://site.example/1", "title": "Owls", "content": OWLS, "provider": "firecrawl"});
        let unread = json!({"source_url": "https://site.example/2", "title": "", "provider": "firecrawl"});
        let form = json!({"datasource_type": "website_crawl", "datasource_info_list": [read, unread],
            "inputs": {"url": "https://site.example"}});
        let documents = run(&shelf, &line, form).await;
        let names: Vec<&str> = documents.iter().map(|document| document["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["Owls", "https://site.example/2"]);
        assert_eq!(text_of(&shelf, &line.0, &documents[0]).await, OWLS, "its text came with it");
        let fetched = text_of(&shelf, &line.0, &documents[1]).await;
        assert!(fetched.starts_with("The page was read"), "{fetched}");
        // Taken anew, its text is fetched.
        let first = documents[0]["id"].as_str().unwrap();
        good(&shelf, Method::GET, &format!("/datasets/{}/documents/{first}/website-sync", line.0), None).await;
        let documents = settled(&shelf, &line.0).await;
        let fetched = text_of(&shelf, &line.0, &documents[0]).await;
        assert!(fetched.starts_with("The page was read"), "{fetched}");
    })
    .await;
}

#[tokio::test]
async fn pages_of_notion_go_through_a_pipeline() {
    const PROVIDER: &str = "/auth/plugin/datasource/langgenius/notion_datasource/notion_datasource";
    ox_testkit::on_each_database(|database| async move {
        let fakes = fakes().await;
        let shelf = shelf(database, &fakes).await;
        let key = json!({"credentials": {"integration_secret": "secret_owl"}, "name": "Zoo"});
        good(&shelf, Method::POST, PROVIDER, Some(key)).await;
        let line = live(&shelf, "general-notion").await;
        let page = json!({"workspace_id": "bot-1", "page": {"page_id": "11111111-0000-0000-0000-000000000001",
            "page_name": "Owls", "type": "page"}});
        let form = json!({"datasource_type": "online_document", "datasource_info_list": [page]});
        let documents = run(&shelf, &line, form.clone()).await;
        assert_eq!((documents.len(), &documents[0]["name"]), (1, &json!("Owls")));
        let text = text_of(&shelf, &line.0, &documents[0]).await;
        assert!(
            text.contains(OWLS) && text.contains("They see in the dark.") && text.contains("Edited 0 times."),
            "{text}"
        );
        // Run for the document again, it keeps its place and has the text of now.
        fakes.counts.edits.store(1, Ordering::SeqCst);
        let mut again = form;
        again["original_document_id"] = documents[0]["id"].clone();
        let anew = run(&shelf, &line, again).await;
        assert_eq!((anew.len(), &anew[0]["id"]), (1, &documents[0]["id"]));
        assert!(text_of(&shelf, &line.0, &anew[0]).await.contains("Edited 1 times."));
    })
    .await;
}

/// Waits until the runs of a pipeline for documents are in these states, the newest first.
async fn until_runs(shelf: &Shelf, pipeline: &str, wanted: &[&str]) {
    let path = format!("/rag/pipelines/{pipeline}/workflow-runs?triggered_from=rag-pipeline-run");
    let mut last = Value::Null;
    for _ in 0..1000 {
        last = good(shelf, Method::GET, &path, None).await;
        let states: Vec<&str> =
            last["data"].as_array().unwrap().iter().map(|run| run["status"].as_str().unwrap()).collect();
        if states == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {wanted:?}: {last}");
}

#[tokio::test]
async fn a_pause_stops_the_run_of_a_document_and_going_on_begins_it_anew() {
    const PROVIDER: &str = "/auth/plugin/datasource/langgenius/notion_datasource/notion_datasource";
    ox_testkit::on_each_database(|database| async move {
        let fakes = fakes().await;
        let shelf = shelf(database, &fakes).await;
        let key = json!({"credentials": {"integration_secret": "secret_owl"}, "name": "Zoo"});
        good(&shelf, Method::POST, PROVIDER, Some(key)).await;
        let (dataset, pipeline) = live(&shelf, "general-notion").await;
        fakes.counts.closed.store(true, Ordering::SeqCst);
        let page = json!({"workspace_id": "bot-1", "page": {"page_id": "11111111-0000-0000-0000-000000000001",
            "page_name": "Owls", "type": "page"}});
        let form = json!({"inputs": {}, "start_node_id": "datasource", "datasource_type": "online_document",
            "datasource_info_list": [page]});
        let path = format!("/rag/pipelines/{pipeline}/workflows/published/run");
        let made = good(&shelf, Method::POST, &path, Some(form)).await;
        let document = format!("/datasets/{dataset}/documents/{}", made["documents"][0]["id"].as_str().unwrap());
        for _ in 0..1000 {
            if fakes.counts.waiting.load(Ordering::SeqCst) > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(fakes.counts.waiting.load(Ordering::SeqCst) > 0, "the run never came to Notion");

        let paused = call(&shelf, Method::PATCH, &format!("{document}/processing/pause"), Some(json!({}))).await;
        assert!(paused.status.is_success(), "{}", paused.text);
        until_runs(&shelf, &pipeline, &["stopped"]).await;
        fakes.counts.closed.store(false, Ordering::SeqCst);
        let now = good(&shelf, Method::GET, &document, None).await;
        assert_eq!((&now["display_status"], &now["segment_count"]), (&json!("paused"), &json!(0)), "{now}");

        let resumed = call(&shelf, Method::PATCH, &format!("{document}/processing/resume"), Some(json!({}))).await;
        assert!(resumed.status.is_success(), "{}", resumed.text);
        let documents = settled(&shelf, &dataset).await;
        assert_eq!(documents[0]["indexing_status"], "completed", "{documents:?}");
        let text = text_of(&shelf, &dataset, &documents[0]).await;
        assert_eq!(text.matches(OWLS).count(), 1, "{text}");
        until_runs(&shelf, &pipeline, &["succeeded", "stopped"]).await;
    })
    .await;
}
