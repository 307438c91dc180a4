//! Runs that wait for somebody: pause, form, answer, time limits, and what survives a restart.

use axum::http::Method;
use ox_app::runs::recovery;
use ox_db::repo;
use ox_types::{Json, RunId};
use serde_json::json;

use crate::rig::{Draft, Rig, TestApp, end, graph, names, start, text_of};

fn form(more: Json) -> Json {
    let mut data = json!({
        "type": "human-input", "title": "Approve",
        "delivery_methods": [{"id": "w", "type": "webapp", "enabled": true, "config": {}}],
        "form_content": "About {{#s.topic#}}: {{#$output.note#}}",
        "inputs": [{"type": "paragraph", "output_variable_name": "note", "default": {"type": "constant", "selector": [], "value": "ok"}}],
        "user_actions": [{"id": "approve", "title": "Yes", "button_style": "primary"}, {"id": "reject", "title": "No"}],
        "timeout": 2, "timeout_unit": "hour",
    });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    data
}

fn topic() -> Json {
    start(json!([{"variable": "topic", "type": "text-input", "required": true}]))
}

/// start → form; its branches each end with a word.
fn approval(more: Json) -> Json {
    let word = |text: &str| json!({"type": "template-transform", "template": text, "variables": []});
    graph(
        &[
            ("s", topic()),
            ("form", form(more)),
            ("yes", word("approved")),
            ("late", word("too late")),
            (
                "e1",
                end(&[("out", &["yes", "output"]), ("note", &["form", "note"]), ("how", &["form", "__action_value"])]),
            ),
            ("e2", end(&[("out", &["late", "output"])])),
        ],
        &[
            ("s", "source", "form"),
            ("form", "approve", "yes"),
            ("form", "__timeout__", "late"),
            ("yes", "source", "e1"),
            ("late", "source", "e2"),
        ],
    )
}

async fn begin(rig: &Rig, app: &TestApp, topic: &str) -> Vec<Json> {
    let body = json!({"inputs": {"topic": topic}, "user": "abc-123", "response_mode": "streaming"});
    rig.post("/v1/workflows/run", app, body).await.events()
}

fn event<'a>(events: &'a [Json], name: &str) -> &'a Json {
    events.iter().find(|event| event["event"] == name).unwrap_or_else(|| panic!("no {name}: {:?}", names(events)))
}

fn token(events: &[Json]) -> String {
    event(events, "human_input_required")["data"]["form_token"].as_str().unwrap().to_owned()
}

fn run_id(events: &[Json]) -> String {
    events[0]["workflow_run_id"].as_str().unwrap().to_owned()
}

async fn answer(rig: &Rig, app: &TestApp, token: &str, note: &str, action: &str) -> crate::rig::Answer {
    let body = json!({"inputs": {"note": note}, "action": action, "user": "abc-123"});
    rig.post(&format!("/v1/form/human_input/{token}"), app, body).await
}

async fn ended(rig: &Rig, app: &TestApp, run: &str) -> Json {
    for _ in 0..400 {
        let record = rig.get(&format!("/v1/workflows/run/{run}"), app).await.json();
        if !["running", "paused"].contains(&record["status"].as_str().unwrap()) {
            return record;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the run does not end");
}

#[tokio::test]
async fn a_run_waits_is_answered_and_goes_on() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", approval(json!({})), Draft::default()).await;
    let events = begin(&rig, &app, "Rust").await;
    assert_eq!(
        names(&events),
        [
            "workflow_started",
            "node_started",
            "node_finished",
            "node_started",
            "human_input_required",
            "workflow_paused"
        ],
        "E25"
    );
    let asked = &event(&events, "human_input_required")["data"];
    assert_eq!(asked["form_content"], "About Rust: {{#$output.note#}}");
    assert_eq!(
        (&asked["node_id"], &asked["node_title"], &asked["display_in_ui"]),
        (&json!("form"), &json!("Approve"), &json!(true))
    );
    assert_eq!(asked["resolved_default_values"], json!({"note": "ok"}));
    let in_two_hours = chrono::Utc::now().timestamp() + 7200;
    assert!((asked["expiration_time"].as_i64().unwrap() - in_two_hours).abs() < 30);
    let paused = &event(&events, "workflow_paused")["data"];
    assert_eq!(
        (&paused["status"], &paused["paused_nodes"], &paused["outputs"]),
        (&json!("paused"), &json!(["form"]), &json!({}))
    );
    assert_eq!(paused["reasons"][0]["TYPE"], "human_input_required");
    assert_eq!(paused["total_steps"], 2);
    let (run, token) = (run_id(&events), token(&events));
    assert_eq!(rig.get(&format!("/v1/workflows/run/{run}"), &app).await.json()["status"], "paused");
    let read = rig.get(&format!("/v1/form/human_input/{token}"), &app).await.json();
    assert_eq!(
        read.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["form_content", "inputs", "resolved_default_values", "user_actions", "expiration_time"]
    );
    // Wrong answers change nothing.
    let path = format!("/v1/form/human_input/{token}");
    rig.post(&path, &app, json!({"inputs": {}, "action": "approve", "user": "u"})).await.expect_error(
        400,
        "invalid_form_data",
        "Missing required inputs: note",
    );
    answer(&rig, &app, &token, "x", "burn").await.expect_error(400, "invalid_form_data", "Invalid action: burn");
    rig.post(&path, &app, json!({"inputs": {"note": 5}, "action": "approve", "user": "u"})).await.expect_error(
        400,
        "invalid_form_data",
        "note: text is expected",
    );
    rig.get("/v1/form/human_input/nothing", &app).await.expect_error(404, "not_found", "Form not found");
    let done = answer(&rig, &app, &token, "fine", "approve").await;
    assert_eq!((done.status.as_u16(), done.json()), (200, json!({})), "E26");
    answer(&rig, &app, &token, "fine", "approve").await.expect_error(
        412,
        "human_input_form_submitted",
        "This form has already been submitted by another user, form_id=",
    );
    let record = ended(&rig, &app, &run).await;
    assert_eq!(
        (&record["status"], &record["outputs"]),
        (&json!("succeeded"), &json!({"out": "approved", "note": "fine", "how": "Yes"}))
    );
    assert_eq!(record["total_steps"], 4, "{record}");
    let after = rig.get(&format!("/v1/workflow/{run}/events?user=abc-123"), &app).await.events();
    assert_eq!(names(&after).last(), Some(&"workflow_finished"), "E27");
    rig.get(&format!("/v1/workflow/{run}/events?user=somebody"), &app).await.expect_error(
        404,
        "not_found",
        "Workflow run not found",
    );
    let tenant = rig.owner.tenant_id();
    let row = repo::runs::find(&rig.services.db, tenant, app.id, run.parse().unwrap()).await.unwrap().unwrap();
    let nodes = repo::runs::executions_of(&rig.services.db, &row).await.unwrap();
    assert_eq!(
        nodes.iter().map(|node| node.node_id.as_str()).collect::<Vec<_>>(),
        ["s", "form", "yes", "e1"],
        "nothing ran twice"
    );
    assert!(nodes.iter().all(|node| node.status.as_str() == "succeeded"));
}

#[tokio::test]
async fn the_resumed_stream_tells_of_the_answer() {
    let rig = Rig::new().await;
    let nodes = [
        ("s", topic()),
        ("form", form(json!({}))),
        ("llm", crate::rig::llm("canned", json!({"text": "a b", "ttft_ms": 700}), "x")),
        ("e", end(&[("out", &["llm", "text"])])),
    ];
    let app = rig
        .graph_app(
            "workflow",
            graph(&nodes, &[("s", "source", "form"), ("form", "approve", "llm"), ("llm", "source", "e")]),
            Draft::default(),
        )
        .await;
    let events = begin(&rig, &app, "Rust").await;
    let (run, token) = (run_id(&events), token(&events));
    // Somebody waits for the run to go on, over the pause.
    let path = format!("/v1/workflow/{run}/events?user=abc-123&include_state_snapshot=true&continue_on_pause=true");
    let (waiting, live) = tokio::join!(rig.get(&path, &app), async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!(answer(&rig, &app, &token, "fine", "approve").await.status, 200);
        rig.get(&format!("/v1/workflow/{run}/events?user=abc-123"), &app).await
    });
    let live = live.events();
    assert_eq!(names(&live)[..2], ["workflow_started", "human_input_form_filled"]);
    assert_eq!(live[0]["data"]["reason"], "resumption");
    let filled = &live[1]["data"];
    assert_eq!(filled["rendered_content"], "About Rust: fine");
    assert_eq!(
        (&filled["action_id"], &filled["action_text"], &filled["submitted_data"]),
        (&json!("approve"), &json!("Yes"), &json!({"note": "fine"}))
    );
    let waiting = waiting.events();
    let shown = names(&waiting);
    let beginning = [
        "workflow_started",
        "node_started",
        "node_finished",
        "node_started",
        "human_input_required",
        "workflow_paused",
    ];
    assert_eq!(shown[..6], beginning, "what has happened so far");
    assert_eq!(shown[6..8], ["workflow_started", "human_input_form_filled"]);
    assert_eq!(shown.iter().filter(|name| **name == "text_chunk").count(), 3, "{shown:?}");
    assert_eq!(shown.last(), Some(&"workflow_finished"));
    // Somebody who only wants to know where it stands.
    let again = begin(&rig, &app, "two").await;
    let path = format!("/v1/workflow/{}/events?user=abc-123&include_state_snapshot=true", run_id(&again));
    assert_eq!(names(&rig.get(&path, &app).await.events()), beginning);
}

#[tokio::test]
async fn a_chat_waits_as_well() {
    let rig = Rig::new().await;
    let nodes = [
        ("s", start(json!([]))),
        ("before", json!({"type": "answer", "answer": "one "})),
        ("form", form(json!({"form_content": "?"}))),
        ("after", json!({"type": "answer", "answer": "two {{#form.note#}}"})),
    ];
    let edges = [("s", "source", "before"), ("before", "source", "form"), ("form", "approve", "after")];
    let app = rig.graph_app("advanced-chat", graph(&nodes, &edges), Draft::default()).await;
    let ask = |mode: &str| json!({"inputs": {}, "query": "hi", "user": "abc-123", "response_mode": mode});
    let events = rig.post("/v1/chat-messages", &app, ask("streaming")).await.events();
    assert_eq!(names(&events).last(), Some(&"workflow_paused"));
    assert_eq!(text_of(&events), "one ");
    let conversation = events[0]["conversation_id"].as_str().unwrap().to_owned();
    let list = format!("/v1/messages?conversation_id={conversation}&user=abc-123");
    let message = rig.get(&list, &app).await.json()["data"][0].clone();
    assert_eq!((&message["answer"], &message["status"]), (&json!("one "), &json!("paused")));
    let run = event(&events, "workflow_paused")["workflow_run_id"].as_str().unwrap().to_owned();
    assert_eq!(answer(&rig, &app, &token(&events), "three", "approve").await.status, 200);
    ended(&rig, &app, &run).await;
    let message = rig.get(&list, &app).await.json()["data"][0].clone();
    assert_eq!((&message["answer"], &message["status"]), (&json!("one two three"), &json!("normal")));
    let blocking = rig.post("/v1/chat-messages", &app, ask("blocking")).await.json();
    assert_eq!(
        (&blocking["event"], &blocking["answer"], &blocking["data"]["status"]),
        (&json!("workflow_paused"), &json!("one "), &json!("paused"))
    );
}

#[tokio::test]
async fn of_two_answers_at_the_same_moment_one_counts() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", approval(json!({})), Draft::default()).await;
    for round in 0..5 {
        let events = begin(&rig, &app, "Rust").await;
        let (run, token) = (run_id(&events), token(&events));
        let sent = (0..4).map(|who| {
            let (rig, app, token) = (&rig, &app, &token);
            async move { answer(rig, app, token, &format!("n{who}"), "approve").await }
        });
        let done = futures::future::join_all(sent).await;
        let codes: Vec<u16> = done.iter().map(|done| done.status.as_u16()).collect();
        let won: Vec<usize> = (0..4).filter(|who| codes[*who] == 200).collect();
        assert_eq!(won.len(), 1, "round {round}: {codes:?}");
        assert!(codes.iter().all(|code| [200, 412].contains(code)), "round {round}: {codes:?}");
        let record = ended(&rig, &app, &run).await;
        assert_eq!(
            (&record["status"], &record["outputs"]["note"]),
            (&json!("succeeded"), &json!(format!("n{}", won[0])))
        );
        assert_eq!(record["total_steps"], 4, "nothing ran twice: {record}");
        // The run is over: its form takes nothing any more, and the record stays as it is.
        answer(&rig, &app, &token, "late", "approve").await.expect_error(
            412,
            "human_input_form_submitted",
            "This form has already been submitted by another user, form_id=",
        );
        assert_eq!(rig.get(&format!("/v1/workflows/run/{run}"), &app).await.json()["outputs"], record["outputs"]);
    }
}

#[tokio::test]
async fn two_forms_at_once_and_answers_in_any_order() {
    let rig = Rig::new().await;
    let nodes = [
        ("s", topic()),
        ("a", form(json!({"title": "A"}))),
        ("b", form(json!({"title": "B"}))),
        ("e", end(&[("a", &["a", "note"]), ("b", &["b", "note"])])),
    ];
    let edges = [("s", "source", "a"), ("s", "source", "b"), ("a", "approve", "e"), ("b", "approve", "e")];
    let app = rig.graph_app("workflow", graph(&nodes, &edges), Draft::default()).await;
    let events = begin(&rig, &app, "Rust").await;
    let run = run_id(&events);
    let asked: Vec<(&str, String)> = events
        .iter()
        .filter(|event| event["event"] == "human_input_required")
        .map(|event| {
            (event["data"]["node_id"].as_str().unwrap(), event["data"]["form_token"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(event(&events, "workflow_paused")["data"]["paused_nodes"].as_array().unwrap().len(), asked.len());
    assert_eq!(asked.len(), 2, "both are asked at once: {asked:?}");
    let mut open: Vec<String> = asked.into_iter().map(|(_, token)| token).collect();
    let mut answered = 0;
    while let Some(token) = open.pop() {
        assert_eq!(answer(&rig, &app, &token, &format!("n{answered}"), "approve").await.status, 200);
        answered += 1;
        if answered == 2 {
            break;
        }
        for _ in 0..400 {
            let status = rig.get(&format!("/v1/workflows/run/{run}"), &app).await.json()["status"].clone();
            if status == "paused" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let id: RunId = run.parse().unwrap();
        let forms = repo::human_input::of_run(&rig.services.db, id).await.unwrap();
        assert!(forms.len() <= 2, "no form is made twice");
        if open.is_empty() {
            let waiting: Vec<_> = forms.iter().filter(|form| form.status == "waiting").map(|form| form.id).collect();
            let ways = repo::human_input::recipients_of(&rig.services.db, &waiting).await.unwrap();
            open.extend(ways.into_iter().filter(|way| way.kind == "webapp").map(|way| way.token));
        }
    }
    let record = ended(&rig, &app, &run).await;
    assert_eq!(record["status"], "succeeded", "{record}");
    assert_eq!(record["outputs"].as_object().unwrap().len(), 2);
}

/// A form for every item of a list; some items take a while before they ask.
fn forms_of_items(parallel: u64) -> Json {
    let inside = |mut data: Json| {
        data["isInIteration"] = json!(true);
        data["iteration_id"] = json!("it");
        data
    };
    let is_slow = json!({"type": "if-else", "cases": [{"case_id": "true", "logical_operator": "and", "conditions": [
        {"variable_selector": ["it", "item"], "comparison_operator": "contains", "value": "slow"}]}]});
    let word = json!({"type": "template-transform", "template": "ready", "variables": []});
    let nodes = [
        ("s", start(json!([{"variable": "doc", "type": "json_object", "required": true}]))),
        (
            "it",
            json!({"type": "iteration", "iterator_selector": ["s", "doc", "names"], "output_selector": ["form", "note"],
                "start_node_id": "begin", "is_parallel": parallel > 1, "parallel_nums": parallel, "flatten_output": false}),
        ),
        ("begin", json!({"type": "iteration-start", "iteration_id": "it", "isInIteration": true})),
        ("if", inside(is_slow)),
        ("m", inside(crate::rig::llm("canned", json!({"text": "late", "ttft_ms": 150}), "hi"))),
        ("word", inside(word)),
        ("form", inside(form(json!({"form_content": "{{#it.item#}}"})))),
        ("e", end(&[("out", &["it", "output"])])),
    ];
    let edges = [
        ("s", "source", "it"),
        ("begin", "source", "if"),
        ("if", "true", "m"),
        ("if", "false", "word"),
        ("m", "source", "word"),
        ("word", "source", "form"),
        ("it", "source", "e"),
    ];
    graph(&nodes, &edges)
}

/// The forms that wait, by what they are about, with the ways to them.
async fn open_forms(rig: &Rig, run: &str) -> Vec<(String, String)> {
    let forms = repo::human_input::of_run(&rig.services.db, run.parse().unwrap()).await.unwrap();
    let mut open = Vec::new();
    for form in forms.iter().filter(|form| form.status == "waiting") {
        let ways = repo::human_input::recipients_of(&rig.services.db, &[form.id]).await.unwrap();
        let token = ways.into_iter().find(|way| way.kind == "webapp").unwrap().token;
        open.push((form.definition["form_content"].as_str().unwrap().to_owned(), token));
    }
    open.sort();
    open
}

async fn at_rest(rig: &Rig, app: &TestApp, run: &str) {
    for _ in 0..800 {
        if rig.get(&format!("/v1/workflows/run/{run}"), app).await.json()["status"] != "running" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the run neither waits nor ends");
}

#[tokio::test]
async fn every_item_of_an_iteration_asks() {
    let names = ["a slow one", "b", "c slow", "d"];
    let wanted = json!({"out": names.map(|name| format!("for {name}"))});
    let body = json!({"inputs": {"doc": {"names": names}}, "user": "abc-123", "response_mode": "streaming"});
    let first = Rig::new().await;
    // Side by side all are asked at once, and answered in any order; another process goes on after each answer.
    let app = first.graph_app("workflow", forms_of_items(10), Draft::default()).await;
    let second = first.beside().await;
    for order in
        [["a slow one", "b", "c slow", "d"], ["d", "c slow", "b", "a slow one"], ["b", "d", "a slow one", "c slow"]]
    {
        let events = first.post("/v1/workflows/run", &app, body.clone()).await.events();
        let asked = events.iter().filter(|event| event["event"] == "human_input_required").count();
        assert_eq!(
            (names.len(), event(&events, "workflow_paused")["data"]["reasons"].as_array().unwrap().len()),
            (asked, asked)
        );
        let run = run_id(&events);
        for (at, name) in order.iter().enumerate() {
            let open = open_forms(&first, &run).await;
            assert_eq!(open.len(), names.len() - at, "{open:?}");
            let token = open.into_iter().find(|(content, _)| content == name).unwrap().1;
            let rig = if at % 2 == 0 { &second } else { &first };
            assert_eq!(answer(rig, &app, &token, &format!("for {name}"), "approve").await.status, 200);
            at_rest(&first, &app, &run).await;
        }
        let record = ended(&first, &app, &run).await;
        assert_eq!(record["outputs"], wanted, "{record}");
        let forms = repo::human_input::of_run(&first.services.db, run.parse().unwrap()).await.unwrap();
        assert_eq!(forms.len(), names.len(), "no form is made twice");
    }
    // One after another: one form at a time.
    let app = first.graph_app("workflow", forms_of_items(1), Draft::default()).await;
    let run = run_id(&first.post("/v1/workflows/run", &app, body).await.events());
    for name in names {
        let open = open_forms(&first, &run).await;
        assert_eq!(open.iter().map(|(content, _)| content.as_str()).collect::<Vec<_>>(), [name]);
        assert_eq!(answer(&second, &app, &open[0].1, &format!("for {name}"), "approve").await.status, 200);
        at_rest(&first, &app, &run).await;
    }
    assert_eq!(ended(&first, &app, &run).await["outputs"], wanted);
}

#[tokio::test]
async fn an_empty_list_of_files_stays_one_while_the_run_waits() {
    let rig = Rig::new().await;
    let tool = json!({"type": "tool", "provider_id": "time", "provider_name": "time", "provider_type": "builtin",
        "tool_name": "timestamp_to_localtime", "tool_configurations": {"timezone": {"type": "constant", "value": "UTC"}},
        "tool_parameters": {"timestamp": {"type": "constant", "value": 0}}});
    let operator = |selector: &[&str]| json!({"type": "list-operator", "variable": selector});
    let nodes = [
        (
            "s",
            start(json!([{"variable": "topic", "type": "text-input", "required": true},
            {"variable": "docs", "type": "file-list", "required": false}])),
        ),
        ("t", tool),
        ("form", form(json!({}))),
        ("lt", operator(&["t", "files"])),
        ("ls", operator(&["s", "docs"])),
        ("lf", operator(&["sys", "files"])),
        ("e", end(&[("t", &["lt", "result"]), ("s", &["ls", "result"]), ("f", &["lf", "result"])])),
    ];
    let edges = [
        ("s", "source", "t"),
        ("t", "source", "form"),
        ("form", "approve", "lt"),
        ("lt", "source", "ls"),
        ("ls", "source", "lf"),
        ("lf", "source", "e"),
    ];
    let app = rig.graph_app("workflow", graph(&nodes, &edges), Draft::default()).await;
    let body = json!({"inputs": {"topic": "x", "docs": []}, "user": "abc-123", "response_mode": "streaming"});
    let events = rig.post("/v1/workflows/run", &app, body).await.events();
    assert_eq!(answer(&rig, &app, &token(&events), "fine", "approve").await.status, 200);
    let record = ended(&rig, &app, &run_id(&events)).await;
    assert_eq!(
        (&record["status"], &record["outputs"]),
        (&json!("succeeded"), &json!({"t": [], "s": [], "f": []})),
        "{record}"
    );
}

#[tokio::test]
async fn nobody_answers_in_time() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", approval(json!({"timeout": 0})), Draft::default()).await;
    let events = begin(&rig, &app, "Rust").await;
    let token = token(&events);
    rig.get(&format!("/v1/form/human_input/{token}"), &app).await.expect_error(
        412,
        "human_input_form_expired",
        "This form has expired, form_id=",
    );
    answer(&rig, &app, &token, "x", "approve").await.expect_error(
        412,
        "human_input_form_expired",
        "This form has expired, form_id=",
    );
    let record = ended(&rig, &app, &run_id(&events)).await;
    assert_eq!(record["outputs"], json!({"out": "too late"}), "{record}");
    // The limit of the installation stops the run.
    let rig = Rig::with(&[("HUMAN_INPUT_GLOBAL_TIMEOUT_SECONDS", "1")]).await;
    let app = rig.graph_app("workflow", approval(json!({})), Draft::default()).await;
    let events = begin(&rig, &app, "Rust").await;
    let record = ended(&rig, &app, &run_id(&events)).await;
    assert_eq!(record["status"], "stopped", "{record}");
    assert!(record["error"].as_str().unwrap().contains("'Approve'"), "{record}");
    let read = rig.get(&format!("/v1/form/human_input/{}", self::token(&events)), &app).await;
    read.expect_error(412, "human_input_form_expired", "This form has expired");
}

/// On PostgreSQL processes may have clocks of their own: a form runs out by the database's, which all of them share.
#[tokio::test]
async fn a_form_runs_out_by_the_shared_clock() {
    // The process is half an hour ahead, or behind; the form waits for ten minutes, or a second.
    for (shift, limit, action, expected) in [(-1800, "600", Some("approve"), "succeeded"), (1800, "1", None, "stopped")]
    {
        let Some(test) = ox_testkit::postgres_ahead(shift).await.unwrap() else {
            println!("skipped: there is no PostgreSQL on this machine");
            return;
        };
        let directory = tempfile::tempdir().unwrap();
        let settings = [("HUMAN_INPUT_GLOBAL_TIMEOUT_SECONDS", limit)];
        let rig = Rig::over(test.database.clone(), directory, &settings).await;
        let app = rig.graph_app("workflow", approval(json!({})), Draft::default()).await;
        let before = chrono::Utc::now().timestamp() + shift + limit.parse::<i64>().unwrap();
        let events = begin(&rig, &app, "Rust").await;
        let end = event(&events, "human_input_required")["data"]["expiration_time"].as_i64().unwrap();
        assert!((before - 1..before + 60).contains(&end), "{end} is not about {before}");
        if let Some(action) = action {
            assert_eq!(answer(&rig, &app, &token(&events), "in time", action).await.status, 200);
        }
        let record = ended(&rig, &app, &run_id(&events)).await;
        assert_eq!(record["status"], expected, "{record}");
        rig.services.shutdown.cancel();
        drop(rig);
        test.remove().await;
    }
}

#[tokio::test]
async fn a_waiting_run_is_stopped() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", approval(json!({})), Draft::default()).await;
    let events = begin(&rig, &app, "Rust").await;
    let task = events[0]["task_id"].as_str().unwrap();
    let stopped = rig.post(&format!("/v1/workflows/tasks/{task}/stop"), &app, json!({"user": "abc-123"})).await;
    assert_eq!(stopped.json(), json!({"result": "success"}));
    let record = ended(&rig, &app, &run_id(&events)).await;
    assert_eq!((&record["status"], &record["error"]), (&json!("stopped"), &json!("Stopped by user.")));
    answer(&rig, &app, &token(&events), "x", "approve").await.expect_error(
        412,
        "human_input_form_expired",
        "This form has expired",
    );
    let again = rig.get(&format!("/v1/workflow/{}/events?user=abc-123", run_id(&events)), &app).await.events();
    assert_eq!((names(&again), &again[0]["data"]["status"]), (vec!["workflow_finished"], &json!("stopped")));
    let row = repo::runs::find(&rig.services.db, rig.owner.tenant_id(), app.id, run_id(&events).parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let nodes = repo::runs::executions_of(&rig.services.db, &row).await.unwrap();
    assert_eq!(nodes[1].status.as_str(), "failed");
}

#[tokio::test]
async fn another_process_answers_and_a_crash_in_between_loses_nothing() {
    let first = Rig::new().await;
    let app = first.graph_app("workflow", approval(json!({})), Draft::default()).await;
    let events = begin(&first, &app, "Rust").await;
    // The process that paused it is gone; another one answers.
    let second = first.beside().await;
    recovery::release(&first.services).await;
    first.services.shutdown.cancel();
    let run: RunId = run_id(&events).parse().unwrap();
    assert_eq!(recovery::take_over_expired(&second.services).await.unwrap(), 0, "a waiting run belongs to nobody");
    assert_eq!(answer(&second, &app, &token(&events), "fine", "approve").await.status, 200);
    let record = ended(&second, &app, &run.to_string()).await;
    assert_eq!(record["outputs"]["note"], "fine", "{record}");
    // A process that dies right after it has taken the answer.
    let events = begin(&second, &app, "Two").await;
    let run: RunId = run_id(&events).parse().unwrap();
    let forms = repo::human_input::of_run(&second.services.db, run).await.unwrap();
    let dead = ox_types::new_uuid();
    let tx = second.services.db.begin().await.unwrap();
    let given = repo::human_input::Answer {
        status: "submitted",
        action_id: Some("approve".into()),
        data: Some(json!({"note": "late"})),
        by: None,
    };
    assert!(repo::human_input::answer(&tx, forms[0].id, &given).await.unwrap());
    assert!(repo::human_input::take_paused(&tx, run, dead).await.unwrap());
    assert!(!repo::human_input::take_paused(&tx, run, dead).await.unwrap(), "taken once");
    tx.commit().await.unwrap();
    assert_eq!(recovery::take_over_expired(&second.services).await.unwrap(), 1);
    let record = ended(&second, &app, &run.to_string()).await;
    assert_eq!(record["outputs"]["note"], "late", "{record}");
    // An answer whose process died before it took the run.
    let events = begin(&second, &app, "Three").await;
    let run: RunId = run_id(&events).parse().unwrap();
    let forms = repo::human_input::of_run(&second.services.db, run).await.unwrap();
    let tx = second.services.db.begin().await.unwrap();
    assert!(repo::human_input::answer(&tx, forms[0].id, &given).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(ended(&second, &app, &run.to_string()).await["outputs"]["note"], "late", "the keeper finds it");
}

#[tokio::test]
async fn under_its_own_address() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", approval(json!({})), Draft::default()).await;
    let events = begin(&rig, &app, "Rust").await;
    let path = format!("/api/form/human_input/{}", token(&events));
    let read = rig.call(Method::GET, &path, "", None).await.json();
    assert_eq!(read["site"]["title"], "Test workflow", "{read}");
    assert_eq!(
        rig.call(Method::POST, &path, "", Some(json!({"inputs": {"note": "n"}, "action": "approve"}))).await.status,
        200
    );
    assert_eq!(ended(&rig, &app, &run_id(&events)).await["outputs"]["out"], "approved");
    // Another app's key opens nothing; the console's token is for the console.
    let other = rig.graph_app("workflow", approval(json!({})), Draft::default()).await;
    let events = begin(&rig, &app, "Two").await;
    let path = format!("/v1/form/human_input/{}", token(&events));
    rig.get(&path, &other).await.expect_error(404, "not_found", "Form not found");
    let forms = repo::human_input::of_run(&rig.services.db, run_id(&events).parse().unwrap()).await.unwrap();
    let ways = repo::human_input::recipients_of(&rig.services.db, &[forms[0].id]).await.unwrap();
    let console = ways.iter().find(|way| way.kind == "console").unwrap();
    let path = format!("/v1/form/human_input/{}", console.token);
    rig.get(&path, &app).await.expect_error(400, "bad_request", "Form recipient type is invalid");
}

#[tokio::test]
async fn mails_without_a_server_say_so() {
    let rig = Rig::new().await;
    let mail = json!({"delivery_methods": [{"id": "m", "type": "email", "enabled": true, "config": {
        "recipients": {"include_bound_group": true, "items": [{"type": "external", "email": "A@B.example"}]},
        "subject": "s", "body": "{{#url#}}"}}]});
    let app = rig.graph_app("workflow", approval(mail), Draft::default()).await;
    let events = begin(&rig, &app, "Rust").await;
    assert_eq!(event(&events, "human_input_required")["data"]["form_token"], json!(null));
    let forms = repo::human_input::of_run(&rig.services.db, run_id(&events).parse().unwrap()).await.unwrap();
    for _ in 0..200 {
        let ways = repo::human_input::recipients_of(&rig.services.db, &[forms[0].id]).await.unwrap();
        let mails: Vec<_> = ways.iter().filter(|way| way.kind == "email").collect();
        if mails.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        }
        let to: Vec<&str> = mails.iter().map(|way| way.address.as_deref().unwrap()).collect();
        assert_eq!(to, ["a@b.example", "owner@example.com"]);
        assert!(
            mails.iter().all(|way| way.status == "failed" && way.error.as_deref().unwrap().contains("SMTP_SERVER"))
        );
        return;
    }
    panic!("the mails were never given out");
}
