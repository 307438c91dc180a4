//! Cases that go through more than one part, the filters of the run log, and the promise that every case is a test.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode, routing::get};
use ox_types::Json;
use serde_json::json;

use crate::rig::{Draft, Rig, TestApp, chatflow, end, graph, names, passthrough, shape, start, test_account, text_of};

/// A list in, the same names in brackets out.
fn brackets() -> Json {
    let inner = json!({"type": "template-transform", "template": "<{{ name }}>", "isInIteration": true,
        "iteration_id": "it", "variables": [{"variable": "name", "value_selector": ["it", "item"]}]});
    let nodes = [
        ("s", start(json!([{"variable": "doc", "type": "json_object", "required": true}]))),
        (
            "it",
            json!({"type": "iteration", "iterator_selector": ["s", "doc", "names"], "output_selector": ["t", "output"],
                "start_node_id": "begin", "is_parallel": false, "parallel_nums": 1, "flatten_output": false}),
        ),
        ("begin", json!({"type": "iteration-start", "iteration_id": "it", "isInIteration": true})),
        ("t", inner),
        ("e", end(&[("out", &["it", "output"])])),
    ];
    graph(&nodes, &[("s", "source", "it"), ("begin", "source", "t"), ("it", "source", "e")])
}

async fn streamed(rig: &Rig, app: &TestApp, inputs: Json) -> Vec<Json> {
    let body = json!({"inputs": inputs, "user": "abc-123", "response_mode": "streaming"});
    rig.post("/v1/workflows/run", app, body).await.events()
}

/// E5, E6.
#[tokio::test]
async fn an_iteration_tells_its_rounds_and_nothing_where_there_are_none() {
    ox_testkit::on_each_database(|database| async move {
        let rig = Rig::over(database, tempfile::tempdir().unwrap(), &[]).await;
        let app = rig.graph_app("workflow", brackets(), Draft::default()).await;
        let events = streamed(&rig, &app, json!({"doc": {"names": ["a", "b"]}})).await;
        let wanted = [
            "workflow_started",
            "node_started",
            "node_finished",
            "iteration_started",
            "iteration_next",
            "node_started",
            "node_finished",
            "iteration_next",
            "node_started",
            "node_finished",
            "iteration_completed",
            "text_chunk",
            "node_started",
            "node_finished",
            "workflow_finished",
        ];
        assert_eq!(names(&events), wanted, "E5");
        let started = events.iter().filter(|event| event["event"] == "node_started");
        assert!(started.clone().all(|event| event["data"]["node_type"] != "iteration"), "E5 {events:?}");
        let inner: Vec<&Json> = events.iter().filter(|event| event["data"]["node_id"] == "t").collect();
        assert_eq!(inner.len(), 4, "{events:?}");
        assert!(inner.iter().all(|event| event["data"]["iteration_id"] == "it"), "E5 {inner:?}");
        assert_eq!((&events[4]["data"]["index"], &events[7]["data"]["index"]), (&json!(0), &json!(1)), "E5");
        assert_eq!(events[10]["data"]["steps"], 2, "E5 {}", events[10]);
        assert_eq!(events[14]["data"]["outputs"], json!({"out": ["<a>", "<b>"]}), "E5");
        let events = streamed(&rig, &app, json!({"doc": {"names": []}})).await;
        assert!(names(&events).iter().all(|name| !name.starts_with("iteration")), "E6 {events:?}");
        let last = &events.last().unwrap()["data"];
        assert_eq!((&last["status"], &last["outputs"]), (&json!("succeeded"), &json!({"out": []})), "E6");
    })
    .await;
}

/// A server that is busy as often as it is told, and then answers.
async fn busy(times: u32) -> String {
    let left = Arc::new(AtomicU32::new(times));
    let answer = move || {
        let left = Arc::clone(&left);
        async move {
            let one_less = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if one_less.is_ok() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(answer))).await });
    url
}

/// E7.
#[tokio::test]
async fn a_node_that_is_tried_again_tells_each_failure() {
    let rig = Rig::near(&[]).await;
    let url = busy(2).await;
    let call = json!({"type": "http-request", "method": "get", "url": url, "headers": "", "params": "",
        "authorization": {"type": "no-auth", "config": null}, "body": {"type": "none", "data": []},
        "timeout": {"connect": 5, "read": 5, "write": 5},
        "retry_config": {"retry_enabled": true, "max_retries": 3, "retry_interval": 1}});
    let nodes = [("s", start(json!([]))), ("h", call), ("e", end(&[("status", &["h", "status_code"])]))];
    let flow = graph(&nodes, &[("s", "source", "h"), ("h", "source", "e")]);
    let app = rig.graph_app("workflow", flow, Draft::default()).await;
    let events = streamed(&rig, &app, json!({})).await;
    let of_call: Vec<Json> = events.iter().filter(|event| event["data"]["node_id"] == "h").cloned().collect();
    assert_eq!(names(&of_call), ["node_started", "node_retry", "node_retry", "node_finished"], "E7 {events:?}");
    for (at, event) in of_call.iter().enumerate() {
        let data = &event["data"];
        assert_eq!(data["id"], of_call[0]["data"]["id"], "E7: one execution");
        if event["event"] == "node_retry" {
            assert_eq!((&data["retry_index"], &data["status"]), (&json!(at), &json!("retry")), "E7 {event}");
        }
    }
    let last = &events.last().unwrap()["data"];
    assert_eq!((&last["status"], &last["outputs"]), (&json!("partial-succeeded"), &json!({"status": 200})), "E7");
}

/// C11, G25, G26.
#[tokio::test]
async fn a_question_like_an_annotation_gets_its_answer_without_a_run() {
    ox_testkit::on_each_database(|database| async move {
        let rig = Rig::over(database, tempfile::tempdir().unwrap(), &[]).await;
        let app = rig.graph_app("advanced-chat", chatflow(json!([]), "echo", json!({})), Draft::default()).await;
        let note = json!({"question": "Who sleeps by day?", "answer": "The owl."});
        assert_eq!(rig.post("/v1/apps/annotations", &app, note).await.status, 201);
        let switch = "/v1/apps/annotation-reply/enable";
        let form = json!({"score_threshold": 0.9, "embedding_provider_name": "oxidify/scripted",
            "embedding_model_name": "embed-384"});
        let job = rig.post(switch, &app, form).await;
        assert_eq!((job.status.as_u16(), &job.json()["job_status"]), (200, &json!("waiting")), "G25");
        let state = format!("{switch}/status/{}", job.json()["job_id"].as_str().unwrap());
        let mut last = Json::Null;
        for _ in 0..500 {
            last = rig.get(&state, &app).await.json();
            let status = last["job_status"].as_str().unwrap();
            assert!(["waiting", "processing", "completed"].contains(&status), "G25 {last}");
            if status == "completed" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(last["job_status"], "completed", "G25");
        let unknown = format!("{switch}/status/{}", ox_types::new_uuid());
        rig.get(&unknown, &app).await.expect_error(400, "invalid_param", "The job does not exist.");
        let ask = |query: &str| json!({"inputs": {}, "query": query, "user": "abc-123", "response_mode": "streaming"});
        let events = rig.post("/v1/chat-messages", &app, ask("Who sleeps by day?")).await.events();
        assert_eq!((shape(&events), text_of(&events).as_str()), (vec!["message", "message_end"], "The owl."), "C11");
        let other = rig.post("/v1/chat-messages", &app, ask("What is the price of a bicycle?")).await.events();
        assert_eq!(names(&other)[0], "workflow_started", "what is like none of them is asked of the model");
    })
    .await;
}

/// Every filter of the run log.
#[tokio::test]
async fn the_run_log_is_asked_by_words_states_times_and_people() {
    ox_testkit::on_each_database(|database| async move {
        let rig = Rig::over(database, tempfile::tempdir().unwrap(), &[]).await;
        let form = json!([{"variable": "x", "type": "text-input", "required": true}]);
        let app = rig.graph_app("workflow", passthrough(&form), Draft::default()).await;
        let mut runs = Vec::new();
        for (user, x) in [("ann", "red apple, ÜBER Ёлка"), ("bob", "green pear"), ("bob", "red pear")] {
            let body = json!({"inputs": {"x": x}, "user": user, "response_mode": "blocking"});
            let done = rig.post("/v1/workflows/run", &app, body).await.json();
            runs.push(done["workflow_run_id"].as_str().unwrap().to_owned());
        }
        let this_run = format!("keyword={}", runs[1]);
        for (query, wanted) in [
            ("page=1", vec![2, 1, 0]),
            ("keyword=pear", vec![2, 1]),
            ("keyword=APPLE", vec![0]),
            // über, ёЛКа, uber
            ("keyword=%C3%BCber", vec![0]),
            ("keyword=%D1%91%D0%9B%D0%9A%D0%B0", vec![0]),
            ("keyword=uber", vec![]),
            ("keyword=ann", vec![0]),
            ("keyword=%25", vec![]),
            (this_run.as_str(), vec![1]),
            ("status=succeeded", vec![2, 1, 0]),
            ("status=failed", vec![]),
            ("status=stopped", vec![]),
            ("created_by_end_user_session_id=bob", vec![2, 1]),
            ("created_by_end_user_session_id=bo", vec![]),
            ("created_by_account=owner@example.com", vec![]),
            ("created_at__after=2020-01-01T00:00:00Z", vec![2, 1, 0]),
            ("created_at__after=2999-01-01T00:00:00Z", vec![]),
            ("created_at__before=2020-01-01T00:00:00Z", vec![]),
            ("created_at__before=2999-01-01T00:00:00Z", vec![2, 1, 0]),
            ("keyword=pear&created_by_end_user_session_id=ann", vec![]),
            ("keyword=red&created_by_end_user_session_id=bob&status=succeeded", vec![2]),
        ] {
            let page = rig.get(&format!("/v1/workflows/logs?{query}"), &app).await.json();
            let told = page["data"].as_array().unwrap_or_else(|| panic!("{query}: {page}"));
            let found: Vec<&str> = told.iter().map(|item| item["workflow_run"]["id"].as_str().unwrap()).collect();
            let wanted: Vec<&str> = wanted.into_iter().map(|at: usize| runs[at].as_str()).collect();
            assert_eq!(found, wanted, "{query}");
            assert_eq!((&page["total"], &page["has_more"]), (&json!(wanted.len()), &json!(false)), "{query}");
        }
        let page = rig.get("/v1/workflows/logs?limit=2&page=2", &app).await.json();
        assert_eq!(page["data"][0]["workflow_run"]["id"], runs[0].as_str(), "{page}");
        assert_eq!((&page["total"], &page["has_more"]), (&json!(3), &json!(false)), "{page}");
        // An account of other workspaces only is like one that is nowhere.
        let mut stranger = test_account(ox_types::AccountId::new(), ox_db::now());
        "stranger@example.com".clone_into(&mut stranger.email);
        let tx = rig.services.db.begin().await.unwrap();
        ox_db::repo::accounts::insert(&tx, stranger).await.unwrap();
        tx.commit().await.unwrap();
        let asked = rig.get("/v1/workflows/logs?created_by_account=stranger@example.com", &app).await;
        asked.expect_error(400, "invalid_param", "Account not found: stranger@example.com");
    })
    .await;
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The labels of the table's rows; none where the reference is not at hand.
fn labels() -> Option<BTreeSet<String>> {
    let shared = std::env::var_os("OXIDIFY_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let text = std::fs::read_to_string(shared.join("reference/service-api-cases.md")).ok()?;
    let label = |line: &str| words(line.strip_prefix("| ")?).next().filter(|word| is_label(word)).map(str::to_owned);
    Some(text.lines().filter_map(label).collect())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

fn is_label(word: &str) -> bool {
    let number = word.trim_start_matches(|letter: char| ('A'..='J').contains(&letter));
    number.len() + 1 == word.len() && matches!(number.parse::<u8>(), Ok(1..=99))
}

/// The labels that a test names in its comments (`B91 to B94` are four) and at the beginning of its texts.
fn named(text: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for line in text.lines() {
        let comment: Vec<&str> = line.split_once("//").map_or_else(Vec::new, |(_, comment)| words(comment).collect());
        for (at, word) in comment.iter().enumerate().filter(|(_, word)| is_label(word)) {
            let last = comment.get(at + 2).filter(|last| comment[at + 1] == "to" && is_label(last));
            let (letter, first) = word.split_at(1);
            let first = first.parse::<u8>().unwrap();
            let last = last.unwrap_or(word).trim_start_matches(letter).parse::<u8>().unwrap_or(first);
            all.extend((first..=last).map(|number| format!("{letter}{number}")));
        }
        let quoted =
            line.split('"').skip(1).filter_map(|text| words(text).next().filter(|word| text.starts_with(*word)));
        all.extend(quoted.filter(|word| is_label(word)).map(str::to_owned));
    }
    all
}

fn all_named(path: &Path, all: &mut BTreeSet<String>) {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for entry in entries {
            all_named(&entry.unwrap().path(), all);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        all.extend(named(&std::fs::read_to_string(path).unwrap()));
    }
}

#[test]
fn labels_are_read_from_comments_and_texts() {
    for (text, expected) in [
        ("/// C90, C91.", vec!["C90", "C91"]),
        ("// B91 to B93: what is refused.", vec!["B91", "B92", "B93"]),
        ("assert_eq!(a, b, \"E98 {}\", text);", vec!["E98"]),
        ("(\"A92\", x, \"J94: outputs\"),", vec!["A92", "J94"]),
        ("let a = \"see B91\"; // K91, A0, AB2, a91, B97 to", vec!["B97"]),
        ("let c: [A93; 4] = b;", vec![]),
    ] {
        assert_eq!(named(text).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{text}");
    }
}

/// Every case of the reference's table is a test, which names it.
#[test]
fn every_case_is_named_by_a_test() {
    let Some(cases) = labels() else {
        println!("skipped: service-api-cases.md is not here");
        return;
    };
    assert!(cases.len() >= 200, "the table is read: {cases:?}");
    let mut known = BTreeSet::new();
    // Two cases are tests beside what they are about: the ping (C13) and the signature (G14).
    for path in ["crates/api/tests", "crates/app/tests", "crates/api/src/sse.rs", "crates/app/src/files/signing.rs"] {
        all_named(&root().join(path), &mut known);
    }
    let missing: Vec<&String> = cases.difference(&known).collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
}
