//! Documents made of websites and of Notion, against strict stand-ins of the services' public forms.

mod drives;
mod pipelines;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, Method, StatusCode, header},
    routing::{get, post},
};
use serde_json::{Value, json};

use crate::{
    knowledge::Shelf,
    support::{Answer, TestServer},
};

const KEY: &str = "fc-1234567890";
const OWLS: &str = "Owls sleep by day and hunt by night.";
const FOXES: &str = "Foxes dig their dens in sandy banks.";

/// What the stand-ins count.
#[derive(Default)]
struct Counts {
    looks: AtomicUsize,
    scrapes: AtomicUsize,
    edits: AtomicUsize,
    /// Notion gives no blocks meanwhile.
    closed: AtomicBool,
    waiting: AtomicUsize,
    /// The own address, once it is known.
    base: std::sync::OnceLock<String>,
}

type Shared = State<Arc<Counts>>;
type Said = (StatusCode, Json<Value>);

fn ok(body: Value) -> Said {
    (StatusCode::OK, Json(body))
}

fn no(status: u16, text: &str) -> Said {
    (StatusCode::from_u16(status).unwrap(), Json(json!({"success": false, "error": text, "message": text})))
}

fn bearer(headers: &HeaderMap) -> String {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.strip_prefix("Bearer ").unwrap_or_default().to_owned()
}

/// Only these fields may be in a body.
fn only(body: &Value, names: &[&str]) -> bool {
    body.as_object().is_some_and(|map| map.keys().all(|name| names.contains(&name.as_str())))
}

fn page_of(number: usize, text: &str) -> Value {
    let url = format!("https://site.example/{number}");
    json!({"markdown": text, "metadata": {"title": format!("Page {number}"), "description": "d", "sourceURL": url, "statusCode": 200}})
}

async fn fire_scrape(State(counts): Shared, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    if bearer(&headers) != KEY {
        return no(401, "Unauthorized: Invalid token");
    }
    if !only(&body, &["url", "formats", "onlyMainContent", "timeout"]) || body["formats"] != json!(["markdown"]) {
        return no(400, "Bad request");
    }
    let number = counts.scrapes.fetch_add(1, Ordering::SeqCst);
    ok(json!({"success": true, "data": page_of(1, &format!("The page was read {number} times."))}))
}

async fn fire_crawl(headers: HeaderMap, Json(body): Json<Value>) -> Said {
    let known = ["url", "includePaths", "excludePaths", "limit", "scrapeOptions", "maxDiscoveryDepth", "prompt"];
    if bearer(&headers) != KEY || !only(&body, &known) {
        return no(400, "Bad request");
    }
    let wanted = json!({"url": "https://site.example", "limit": 5, "includePaths": ["docs/*"], "excludePaths": [],
        "maxDiscoveryDepth": 2, "scrapeOptions": {"onlyMainContent": true, "formats": ["markdown"]}});
    if body != wanted {
        return no(400, &format!("Not {body}"));
    }
    ok(json!({"success": true, "id": "job-1", "url": "https://api.firecrawl.dev/v2/crawl/job-1"}))
}

async fn fire_status(
    State(counts): Shared,
    Path(job): Path<String>,
    Query(query): Query<std::collections::HashMap<String, String>>,
    headers: HeaderMap,
) -> Said {
    if bearer(&headers) != KEY || job != "job-1" {
        return no(404, "Job not found");
    }
    if counts.looks.fetch_add(1, Ordering::SeqCst) == 0 {
        return ok(json!({"status": "scraping", "total": 3, "completed": 1, "data": []}));
    }
    let rest = query.get("skip").is_some_and(|skip| skip == "2");
    let data = if rest { vec![page_of(3, FOXES)] } else { vec![page_of(1, OWLS), page_of(2, "")] };
    let next = (!rest).then_some("https://elsewhere.example/v2/crawl/job-1?skip=2");
    ok(json!({"status": "completed", "total": 3, "completed": 3, "next": next, "data": data}))
}

async fn jina_read(Path(url): Path<String>, headers: HeaderMap) -> Said {
    let accepts = headers.get(header::ACCEPT).is_some_and(|value| value == "application/json");
    if bearer(&headers) != KEY || !accepts {
        return no(401, "Invalid API key");
    }
    ok(
        json!({"code": 200, "status": 20000, "data": {"title": "One page", "description": "", "url": url, "content": OWLS}}),
    )
}

async fn jina_crawl(headers: HeaderMap, Json(body): Json<Value>) -> Said {
    if bearer(&headers) != KEY || body != json!({"url": "https://site.example", "maxPages": 4, "useSitemap": true}) {
        return no(400, "Bad request");
    }
    ok(json!({"code": 200, "data": {"taskId": "task-1"}}))
}

async fn jina_status(headers: HeaderMap, Json(body): Json<Value>) -> Said {
    if bearer(&headers) != KEY || body["taskId"] != "task-1" || !only(&body, &["taskId", "urls"]) {
        return no(400, "Bad request");
    }
    let told = |url: &str, text: &str| json!({"data": {"title": "T", "url": url, "description": "", "content": text}});
    let processed = if body.get("urls").is_some() {
        json!({"https://site.example/a": told("https://site.example/a", OWLS), "https://site.example/b": told("https://site.example/b", FOXES)})
    } else {
        json!({"https://site.example/a": "", "https://site.example/b": ""})
    };
    ok(
        json!({"code": 200, "data": {"status": "completed", "urls": ["https://site.example/a", "https://site.example/b"],
        "processed": processed, "failed": {}, "duration": 1500}}),
    )
}

fn water_key(headers: &HeaderMap) -> bool {
    headers.get("x-api-key").is_some_and(|value| value == KEY)
}

async fn water_list(headers: HeaderMap) -> Said {
    if water_key(&headers) { ok(json!({"count": 0, "results": []})) } else { no(403, "Invalid API key") }
}

async fn water_crawl(headers: HeaderMap, Json(body): Json<Value>) -> Said {
    if !water_key(&headers) || !only(&body, &["url", "options"]) {
        return no(400, "Bad request");
    }
    let options = &body["options"];
    if !only(options, &["spider_options", "page_options", "plugin_options"])
        || options["page_options"]["wait_time"] != 1000
    {
        return no(400, "Bad request");
    }
    ok(json!({"uuid": "w-1", "status": "new"}))
}

async fn water_status(headers: HeaderMap) -> Said {
    if !water_key(&headers) {
        return no(403, "Invalid API key");
    }
    ok(
        json!({"uuid": "w-1", "status": "finished", "number_of_documents": 1, "options": {"spider_options": {"page_limit": 1}}}),
    )
}

async fn water_results(Query(query): Query<std::collections::HashMap<String, String>>, headers: HeaderMap) -> Said {
    if !water_key(&headers) || query.get("prefetched").is_none_or(|flag| flag != "true") {
        return no(400, "Bad request");
    }
    ok(json!({"count": 1, "next": null, "results": [
        {"url": "https://site.example/w", "result": {"markdown": OWLS, "metadata": {"title": "Water", "description": ""}}}]}))
}

fn notion_may(headers: &HeaderMap) -> Option<Said> {
    if headers.get("notion-version").is_none_or(|version| version != "2022-06-28") {
        return Some(no(400, "Notion-Version header should be defined"));
    }
    (!["secret_owl", "token_oauth"].contains(&bearer(headers).as_str())).then(|| no(401, "API token is invalid."))
}

async fn notion_me(headers: HeaderMap) -> Said {
    if let Some(refusal) = notion_may(&headers) {
        return refusal;
    }
    ok(json!({"object": "user", "id": "bot-1", "type": "bot", "bot": {"workspace_name": "Zoo"}}))
}

fn title(text: &str) -> Value {
    json!([{"plain_text": text}])
}

async fn notion_search(headers: HeaderMap, Json(body): Json<Value>) -> Said {
    if let Some(refusal) = notion_may(&headers) {
        return refusal;
    }
    let results = match (body["filter"]["value"].as_str().unwrap(), body.get("start_cursor").is_some()) {
        ("page", false) => {
            let page = json!({"object": "page", "id": "11111111-0000-0000-0000-000000000001", "icon": {"type": "emoji", "emoji": "🦉"},
                "parent": {"type": "workspace", "workspace": true}, "properties": {"title": {"type": "title", "title": title("Owls")}}});
            return ok(json!({"results": [page], "next_cursor": "more", "has_more": true}));
        }
        ("page", true) => {
            json!([{"object": "page", "id": "p2", "parent": {"type": "page_id", "page_id": "11111111-0000-0000-0000-000000000001"},
            "properties": {"Name": {"type": "title", "title": title("Foxes")}}}])
        }
        _ => json!([{"object": "database", "id": "db1", "title": title("Animals"), "parent": {"type": "workspace"}}]),
    };
    ok(json!({"results": results, "next_cursor": null, "has_more": false}))
}

async fn notion_page(State(counts): Shared, headers: HeaderMap) -> Said {
    if let Some(refusal) = notion_may(&headers) {
        return refusal;
    }
    ok(json!({"last_edited_time": format!("2026-01-0{}T00:00:00.000Z", 1 + counts.edits.load(Ordering::SeqCst))}))
}

async fn notion_blocks(State(counts): Shared, Path(id): Path<String>, headers: HeaderMap) -> Said {
    if let Some(refusal) = notion_may(&headers) {
        return refusal;
    }
    while counts.closed.load(Ordering::SeqCst) {
        counts.waiting.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let block = |id: &str, kind: &str, text: &str, more: bool| json!({"id": id, "type": kind, "has_children": more, kind: {"rich_text": title(text)}});
    let results = match id.as_str() {
        "11111111-0000-0000-0000-000000000001" => json!([
            block("b1", "heading_1", "Owls", false),
            block("b2", "toggle", OWLS, true),
            {"id": "b3", "type": "child_page", "has_children": true, "child_page": {"title": "Foxes"}},
            block("b4", "paragraph", &format!("Edited {} times.", counts.edits.load(Ordering::SeqCst)), false),
        ]),
        "b2" => json!([block("b5", "paragraph", "They see in the dark.", false)]),
        other => return no(404, &format!("Could not find block {other}")),
    };
    ok(json!({"results": results, "next_cursor": null}))
}

async fn notion_query(headers: HeaderMap) -> Said {
    if let Some(refusal) = notion_may(&headers) {
        return refusal;
    }
    ok(
        json!({"results": [{"url": "https://notion.so/r1", "properties": {"Name": {"type": "title", "title": title("Owl")}}}], "next_cursor": null}),
    )
}

async fn notion_token(State(counts): Shared, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    let basic = headers.get(header::AUTHORIZATION).is_some_and(|value| value == "Basic Y2xpZW50OmhpZGRlbg==");
    let redirect = "http://studio.example/console/api/oauth/data-source/callback/notion";
    if !basic || body != json!({"grant_type": "authorization_code", "code": "the-code", "redirect_uri": redirect}) {
        return no(400, "invalid_grant");
    }
    let base = counts.base.get().cloned();
    ok(
        json!({"access_token": "token_oauth", "workspace_name": "Aviary", "workspace_id": "ws-9", "workspace_icon": base}),
    )
}

struct Fakes {
    base: String,
    counts: Arc<Counts>,
}

/// All the services, each under its own path.
async fn fakes() -> Fakes {
    let counts = Arc::new(Counts::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    counts.base.set(base.clone()).unwrap();
    let router = Router::new()
        .route("/fire/v2/scrape", post(fire_scrape))
        .route("/fire/v2/crawl", post(fire_crawl))
        .route("/fire/v2/crawl/{job}", get(fire_status))
        .route("/jina/{*url}", get(jina_read))
        .route("/jina-crawl", post(jina_crawl))
        .route("/jina-status", post(jina_status))
        .route("/water/api/v1/core/crawl-requests/", get(water_list).post(water_crawl))
        .route("/water/api/v1/core/crawl-requests/w-1/", get(water_status))
        .route("/water/api/v1/core/crawl-requests/w-1/results/", get(water_results))
        .route("/notion/v1/users/me", get(notion_me))
        .route("/notion/v1/search", post(notion_search))
        .route("/notion/v1/pages/{id}", get(notion_page))
        .route("/notion/v1/databases/{id}", get(notion_page))
        .route("/notion/v1/databases/{id}/query", post(notion_query))
        .route("/notion/v1/blocks/{id}/children", get(notion_blocks))
        .route("/notion/v1/oauth/token", post(notion_token))
        .with_state(Arc::clone(&counts));
    tokio::task::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Fakes { base, counts }
}

async fn shelf(database: ox_db::Database, fakes: &Fakes) -> Shelf {
    let base = &fakes.base;
    let at = |path: &str| format!("{base}{path}");
    let (notion, reader, crawl, status) = (at("/notion"), at("/jina"), at("/jina-crawl"), at("/jina-status"));
    let environment = [
        ("OXIDIFY_NOTION_URL", notion.as_str()),
        ("OXIDIFY_JINA_READER_URL", reader.as_str()),
        ("OXIDIFY_JINA_CRAWL_URL", crawl.as_str()),
        ("OXIDIFY_JINA_STATUS_URL", status.as_str()),
        ("NOTION_CLIENT_ID", "client"),
        ("NOTION_CLIENT_SECRET", "hidden"),
        ("CONSOLE_API_URL", "http://studio.example"),
    ];
    Shelf::on(TestServer::reaching(database, &environment).await).await
}

async fn call(shelf: &Shelf, method: Method, path: &str, body: Option<Value>) -> Answer {
    shelf.server.console(&shelf.owner, method, path, body).await
}

async fn good(shelf: &Shelf, method: Method, path: &str, body: Option<Value>) -> Value {
    let answer = call(shelf, method, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.json()
}

fn refused(answer: &Answer, status: u16, code: &str, text: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.text);
    assert!(answer.text.contains(text), "{} has no {text}", answer.text);
}

async fn crawled(shelf: &Shelf, provider: &str, job: &str) -> Value {
    for _ in 0..50 {
        let now = good(shelf, Method::GET, &format!("/website/crawl/status/{job}?provider={provider}"), None).await;
        if now["status"] == "completed" {
            return now;
        }
        assert_eq!(now["status"], "active", "{now}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it hangs");
}

fn made_of(kind: &str, list: Value) -> Value {
    let name = if kind == "website_crawl" { "website_info_list" } else { "notion_info_list" };
    json!({"data_source": {"info_list": {"data_source_type": kind, name: list}}, "indexing_technique": "economy",
        "process_rule": {"mode": "automatic"}, "doc_form": "text_model"})
}

/// Makes a knowledge base and waits for its documents.
async fn init(shelf: &Shelf, kind: &str, list: Value) -> (String, Vec<Value>) {
    let made = good(shelf, Method::POST, "/datasets/init", Some(made_of(kind, list))).await;
    let id = made["dataset"]["id"].as_str().unwrap().to_owned();
    (id.clone(), settled(shelf, &id).await)
}

/// The documents of a knowledge base once all of them have ended, oldest first.
async fn settled(shelf: &Shelf, id: &str) -> Vec<Value> {
    for _ in 0..500 {
        let found = good(shelf, Method::GET, &format!("/datasets/{id}/documents?sort=created_at"), None).await;
        let all = found["data"].as_array().unwrap().clone();
        if all.iter().all(|doc| ["completed", "error"].contains(&doc["indexing_status"].as_str().unwrap())) {
            return all;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it hangs");
}

async fn text_of(shelf: &Shelf, dataset: &str, doc: &Value) -> String {
    let id = doc["id"].as_str().unwrap();
    let found = good(shelf, Method::GET, &format!("/datasets/{dataset}/documents/{id}/segments"), None).await;
    let all = found["data"].as_array().unwrap();
    all.iter().map(|chunk| chunk["content"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

fn binding(provider: &str, kind: &str, key: &str, base: &str) -> Value {
    json!({"category": "website", "provider": provider, "credentials": {"auth_type": kind, "config": {"api_key": key, "base_url": base}}})
}

#[tokio::test]
async fn a_website_becomes_documents_and_is_taken_anew() {
    ox_testkit::on_each_database(|database| async move {
        let fakes = fakes().await;
        let shelf = shelf(database, &fakes).await;
        let fire = format!("{}/fire", fakes.base);
        let crawl = json!({"provider": "firecrawl", "url": "https://site.example", "options": {"crawl_sub_pages": true,
            "only_main_content": true, "includes": "docs/*", "excludes": "", "limit": 5, "max_depth": 2}});
        let unset = call(&shelf, Method::POST, "/website/crawl", Some(crawl.clone())).await;
        refused(&unset, 400, "data_source_not_set_up", "Firecrawl is not set up");
        for (kind, key, text) in
            [("x-api-key", KEY, "auth type must be bearer"), ("bearer", "wrong-key-000", "does not take the key")]
        {
            let body = binding("firecrawl", kind, key, &fire);
            let answer = call(&shelf, Method::POST, "/api-key-auth/data-source/binding", Some(body)).await;
            refused(&answer, 500, "auth_failed", text);
        }
        let body = binding("firecrawl", "bearer", KEY, &fire);
        good(&shelf, Method::POST, "/api-key-auth/data-source/binding", Some(body)).await;
        let listed = call(&shelf, Method::GET, "/api-key-auth/data-source", None).await;
        assert_eq!(listed.json()["sources"][0]["provider"], "firecrawl");
        let providers = call(&shelf, Method::GET, "/auth/plugin/datasource/list", None).await;
        assert!(!listed.text.contains(KEY) && !providers.text.contains(KEY), "{}", providers.text);
        let begun = good(&shelf, Method::POST, "/website/crawl", Some(crawl)).await;
        assert_eq!((&begun["status"], &begun["job_id"]), (&json!("active"), &json!("job-1")));
        let done = crawled(&shelf, "firecrawl", "job-1").await;
        let urls: Vec<&str> = done["data"].as_array().unwrap().iter().map(|page| page["source_url"].as_str().unwrap()).collect();
        assert_eq!(urls, ["https://site.example/1", "https://site.example/3"], "without the empty page: {done}");
        let list = json!({"provider": "firecrawl", "job_id": "job-1", "urls": urls, "only_main_content": true});
        let estimate = json!({"info_list": {"data_source_type": "website_crawl", "website_info_list": list}, "process_rule": {"mode": "automatic"}, "doc_form": "text_model"});
        let seen = good(&shelf, Method::POST, "/datasets/indexing-estimate", Some(estimate.clone())).await;
        assert_eq!((&seen["total_segments"], &seen["preview"][0]["content"]), (&json!(2), &json!(OWLS)), "{seen}");
        assert_eq!(seen["preview"][0]["summary"], Value::Null, "{seen}");
        assert!(seen["total_tokens"].as_u64().unwrap() > OWLS.len() as u64 / 4, "{seen}");
        let mut told = estimate;
        told["summary_index_setting"] = json!({"enable": true, "model_provider_name": "oxidify/scripted",
            "model_name": "echo", "summary_prompt": "Birds:"});
        let seen = good(&shelf, Method::POST, "/datasets/indexing-estimate", Some(told.clone())).await;
        assert_eq!(seen["preview"][0]["summary"], format!("Birds:\n{OWLS}"), "{seen}");
        told["summary_index_setting"]["model_provider_name"] = json!("nobody");
        let failed = call(&shelf, Method::POST, "/datasets/indexing-estimate", Some(told)).await;
        assert_eq!((failed.status.as_u16(), failed.code().as_str()), (500, "indexing_estimate_error"), "{}", failed.text);
        let (id, docs) = init(&shelf, "website_crawl", list).await;
        assert_eq!(docs.len(), 2);
        assert_eq!((&docs[0]["name"], &docs[0]["indexing_status"]), (&json!("Page 1"), &json!("completed")), "{docs:?}");
        assert_eq!(docs[0]["data_source_info"]["url"], "https://site.example/1");
        assert_eq!(docs[0]["data_source_detail_dict"], docs[0]["data_source_info"]);
        assert_eq!(text_of(&shelf, &id, &docs[1]).await, FOXES);
        let scrapes = fakes.counts.scrapes.load(Ordering::SeqCst);
        let first = docs[0]["id"].as_str().unwrap();
        good(&shelf, Method::GET, &format!("/datasets/{id}/documents/{first}/website-sync"), None).await;
        let docs = settled(&shelf, &id).await;
        assert_eq!(fakes.counts.scrapes.load(Ordering::SeqCst), scrapes + 1);
        assert!(text_of(&shelf, &id, &docs[0]).await.starts_with("The page was read"), "{docs:?}");
        assert_eq!(docs[0]["data_source_info"]["mode"], "scrape");
        let other = call(&shelf, Method::GET, &format!("/datasets/{id}/documents/{first}/notion/sync"), None).await;
        assert_eq!(other.status, StatusCode::BAD_REQUEST, "{}", other.text);
    })
    .await;
}

#[tokio::test]
async fn single_pages_and_crawls_of_the_other_services() {
    let fakes = fakes().await;
    let database = ox_testkit::sqlite().await.unwrap();
    let shelf = shelf(database.database.clone(), &fakes).await;
    let bind = async |provider: &str, kind: &str, base: &str| {
        let body = binding(provider, kind, KEY, base);
        good(&shelf, Method::POST, "/api-key-auth/data-source/binding", Some(body)).await
    };
    bind("jinareader", "bearer", "").await;
    bind("watercrawl", "x-api-key", &format!("{}/water", fakes.base)).await;
    let crawl = async |provider: &str, options: Value| {
        let body = json!({"provider": provider, "url": "https://site.example", "options": options});
        good(&shelf, Method::POST, "/website/crawl", Some(body)).await
    };
    let one = crawl("jinareader", json!({"crawl_sub_pages": false})).await;
    assert_eq!((&one["status"], &one["data"][0]["title"]), (&json!("completed"), &json!("One page")), "{one}");
    let job = one["job_id"].as_str().unwrap();
    let list = json!({"provider": "jinareader", "job_id": job, "urls": ["https://site.example"]});
    let (id, docs) = init(&shelf, "website_crawl", list).await;
    assert_eq!(text_of(&shelf, &id, &docs[0]).await, OWLS);
    let many = crawl("jinareader", json!({"crawl_sub_pages": true, "limit": 4})).await;
    assert_eq!(many["job_id"], "task-1", "{many}");
    let done = crawled(&shelf, "jinareader", "task-1").await;
    assert_eq!((&done["total"], &done["time_consuming"]), (&json!(2), &json!(1.5)), "{done}");
    let water = crawl("watercrawl", json!({"limit": 1})).await;
    assert_eq!(water["job_id"], "w-1", "{water}");
    let done = crawled(&shelf, "watercrawl", "w-1").await;
    assert_eq!(done["data"][0]["title"], "Water", "{done}");
    // A page of which the crawl is forgotten is read again.
    let list = json!({"provider": "watercrawl", "job_id": "gone", "urls": ["https://site.example/w"]});
    let (id, docs) = init(&shelf, "website_crawl", list).await;
    assert_eq!(
        (&docs[0]["name"], text_of(&shelf, &id, &docs[0]).await.as_str()),
        (&json!("https://site.example/w"), OWLS)
    );
    // Of another workspace's provider, or of none, nothing is told.
    let stray = call(&shelf, Method::GET, "/website/crawl/status/w-2?provider=watercrawl", None).await;
    assert_eq!(stray.status, StatusCode::NOT_FOUND, "{}", stray.text);
    let wrong = call(&shelf, Method::GET, "/website/crawl/status/w-1?provider=notion_datasource", None).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.text);
    // Without its key a document says so.
    let sources = good(&shelf, Method::GET, "/api-key-auth/data-source", None).await;
    for source in sources["sources"].as_array().unwrap() {
        let path = format!("/api-key-auth/data-source/{}", source["id"].as_str().unwrap());
        assert_eq!(call(&shelf, Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    }
    let list = json!({"provider": "watercrawl", "job_id": "gone", "urls": ["https://site.example/x"]});
    let (_, docs) = init(&shelf, "website_crawl", list).await;
    assert_eq!(docs[0]["indexing_status"], "error");
    assert!(docs[0]["error"].as_str().unwrap().contains("WaterCrawl is not set up"), "{docs:?}");
}

#[tokio::test]
async fn pages_of_notion_become_documents() {
    const PROVIDER: &str = "/auth/plugin/datasource/langgenius/notion_datasource/notion_datasource";
    ox_testkit::on_each_database(|database| async move {
        let fakes = fakes().await;
        let shelf = shelf(database, &fakes).await;
        let unset = call(&shelf, Method::GET, "/notion/pre-import/pages", None).await;
        refused(&unset, 400, "data_source_not_set_up", "Notion is not set up");
        let body = |secret: &str| Some(json!({"credentials": {"integration_secret": secret}, "name": "Zoo"}));
        let wrong = call(&shelf, Method::POST, PROVIDER, body("secret_wrong")).await;
        assert!(
            wrong.status == StatusCode::BAD_REQUEST && wrong.text.contains("does not take the key"),
            "{}",
            wrong.text
        );
        good(&shelf, Method::POST, PROVIDER, body("secret_owl")).await;
        let twin = call(&shelf, Method::POST, PROVIDER, body("secret_owl")).await;
        assert_eq!(twin.status, StatusCode::BAD_REQUEST, "the name is taken");
        let own = call(&shelf, Method::GET, PROVIDER, None).await;
        assert!(!own.text.contains("secret_owl"), "{}", own.text);
        let own = own.json()["result"][0].clone();
        assert_eq!((&own["workspace"]["workspace_name"], &own["is_default"]), (&json!("Zoo"), &json!(true)), "{own}");
        let credential = own["id"].as_str().unwrap();
        let found =
            good(&shelf, Method::GET, &format!("/notion/pre-import/pages?credential_id={credential}"), None).await;
        let pages = found["notion_info"][0]["pages"].as_array().unwrap().clone();
        let names: Vec<&str> = pages.iter().map(|page| page["page_name"].as_str().unwrap()).collect();
        assert_eq!(names, ["Owls", "Foxes", "Animals"]);
        assert_eq!((&pages[1]["parent_id"], &pages[2]["type"]), (&pages[0]["page_id"], &json!("database")));
        let page = pages[0]["page_id"].as_str().unwrap();
        let preview =
            good(&shelf, Method::GET, &format!("/notion/pages/{page}/page/preview?credential_id={credential}"), None)
                .await;
        let text = format!("# Owls\n\n{OWLS}\n\n\tThey see in the dark.\n\nEdited 0 times.");
        assert_eq!(preview["content"], text);
        let list = json!([{"credential_id": credential, "workspace_id": "bot-1", "pages": [&pages[0], &pages[2]]}]);
        let estimate =
            json!({"notion_info_list": list, "process_rule": {"mode": "automatic"}, "doc_form": "text_model"});
        let seen = good(&shelf, Method::POST, "/datasets/notion-indexing-estimate", Some(estimate)).await;
        assert_eq!(seen["total_segments"], 2, "{seen}");
        let (id, docs) = init(&shelf, "notion_import", list).await;
        assert_eq!(
            (&docs[0]["name"], &docs[0]["data_source_type"]),
            (&json!("Owls"), &json!("notion_import")),
            "{docs:?}"
        );
        assert_eq!(docs[0]["data_source_info"]["last_edited_time"], "2026-01-01T00:00:00.000Z");
        assert!(text_of(&shelf, &id, &docs[0]).await.contains("Edited 0 times."));
        assert_eq!(text_of(&shelf, &id, &docs[1]).await, "Name:Owl\nRow Page URL:https://notion.so/r1");
        let bound = good(&shelf, Method::GET, &format!("/notion/pre-import/pages?dataset_id={id}"), None).await;
        let bound: Vec<bool> = bound["notion_info"][0]["pages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|page| page["is_bound"].as_bool().unwrap())
            .collect();
        assert_eq!(bound, [true, false, true]);
        let first = docs[0]["id"].as_str().unwrap();
        let path = format!("/datasets/{id}/documents/{first}/notion/sync");
        // Nobody has changed it: it stays as it is.
        good(&shelf, Method::GET, &path, None).await;
        assert_eq!(settled(&shelf, &id).await[0]["indexing_status"], "completed");
        assert!(text_of(&shelf, &id, &docs[0]).await.contains("Edited 0 times."));
        fakes.counts.edits.store(1, Ordering::SeqCst);
        good(&shelf, Method::GET, &format!("/datasets/{id}/notion/sync"), None).await;
        for _ in 0..500 {
            if text_of(&shelf, &id, &docs[0]).await.contains("Edited 1 times.") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(text_of(&shelf, &id, &docs[0]).await.contains("Edited 1 times."));
        let asked =
            good(&shelf, Method::GET, &format!("/datasets/{id}/documents/{first}?metadata=without"), None).await;
        assert_eq!(asked["data_source_info"]["last_edited_time"], "2026-01-02T00:00:00.000Z", "{asked}");
    })
    .await;
}

#[tokio::test]
async fn notion_is_signed_in_at() {
    let fakes = fakes().await;
    let database = ox_testkit::sqlite().await.unwrap();
    let shelf = shelf(database.database.clone(), &fakes).await;
    let to = good(&shelf, Method::GET, "/oauth/data-source/notion", None).await;
    let url = url::Url::parse(to["data"].as_str().unwrap()).unwrap();
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!((query["client_id"].as_str(), query["response_type"].as_str()), ("client", "code"));
    let state = query["state"].clone();
    let back = |state: &str| format!("/oauth/data-source/callback/notion?code=the-code&state={state}");
    // The browser comes back without its session.
    let nobody = crate::support::Session::default();
    let stray = shelf.server.get(&nobody, &back("x")).await;
    assert_eq!(stray.status, StatusCode::BAD_REQUEST, "{}", stray.text);
    let done = shelf.server.get(&nobody, &back(&state)).await;
    assert_eq!(done.status, StatusCode::FOUND, "{}", done.text);
    let again = shelf.server.get(&nobody, &back(&state)).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "a state is good once: {}", again.text);
    let listed = call(&shelf, Method::GET, "/data-source/integrates", None).await;
    assert!(!listed.text.contains("token_oauth"), "{}", listed.text);
    let one = listed.json()["data"][0].clone();
    assert_eq!((&one["source_info"]["workspace_name"], &one["disabled"]), (&json!("Aviary"), &json!(false)), "{one}");
    let id = one["id"].as_str().unwrap();
    good(&shelf, Method::GET, &format!("/oauth/data-source/notion/{id}/sync"), None).await;
    let counted = good(&shelf, Method::GET, "/data-source/integrates", None).await;
    assert_eq!(counted["data"][0]["source_info"]["total"], 3);
    good(&shelf, Method::PATCH, &format!("/data-source/integrates/{id}/disable"), None).await;
    let off = call(&shelf, Method::GET, "/notion/pre-import/pages", None).await;
    refused(&off, 400, "data_source_not_set_up", "Notion is not set up");
    // Somebody who may not manage credentials cannot change them.
    let member = shelf.server.member(&shelf.owner, "editor@example.com", "editor").await;
    let denied =
        shelf.server.console(&member, Method::PATCH, &format!("/data-source/integrates/{id}/enable"), None).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN, "{}", denied.text);
}

#[tokio::test]
async fn a_key_of_one_knowledge_base_opens_nothing_else() {
    let shelf = Shelf::new().await;
    let (one, other) = (shelf.dataset("One").await, shelf.dataset("Other").await);
    let path = format!("/datasets/{one}/api-keys");
    let made = call(&shelf, Method::POST, &path, None).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let (id, key) = (made.json()["id"].clone(), made.json()["token"].as_str().unwrap().to_owned());
    assert!(key.starts_with("ds-") && key.len() == 27, "{key}");
    let v1 = async |method: Method, path: &str, body: Option<Value>| {
        shelf.server.v1(&key, method, path, body).await.status.as_u16()
    };
    let text = json!({"name": "d", "text": OWLS, "process_rule": {"mode": "automatic"}});
    assert_eq!(v1(Method::POST, &format!("/datasets/{one}/document/create-by-text"), Some(text.clone())).await, 200);
    assert_eq!(v1(Method::GET, &format!("/datasets/{one}/documents"), None).await, 200);
    for (method, path) in [
        (Method::GET, format!("/datasets/{other}")),
        (Method::DELETE, format!("/datasets/{other}")),
        (Method::GET, "/datasets".to_owned()),
        (Method::GET, "/datasets/tags".to_owned()),
    ] {
        assert_eq!(v1(method.clone(), &path, None).await, 403, "{method} {path}");
    }
    assert_eq!(v1(Method::POST, &format!("/datasets/{other}/document/create-by-text"), Some(text)).await, 403);
    let listed = good(&shelf, Method::GET, &path, None).await;
    assert_eq!((listed["data"].as_array().unwrap().len(), &listed["data"][0]["id"]), (1, &id));
    let all = good(&shelf, Method::GET, "/datasets/api-keys", None).await;
    assert_eq!(all["data"].as_array().unwrap().len(), 1, "only that of the workspace: {all}");
    let elsewhere = format!("/datasets/{other}/api-keys/{}", id.as_str().unwrap());
    assert_eq!(call(&shelf, Method::DELETE, &elsewhere, None).await.status, StatusCode::NOT_FOUND);
    let gone = format!("{path}/{}", id.as_str().unwrap());
    assert_eq!(call(&shelf, Method::DELETE, &gone, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(v1(Method::GET, &format!("/datasets/{one}/documents"), None).await, 401);
}
