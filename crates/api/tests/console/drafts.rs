//! Parts of a draft run by themselves, the variable inspector, counts and figures.

use axum::http::{Method, StatusCode};
use ox_testkit::on_each_database;
use serde_json::{Value, json};

use crate::support::{Answer, Session, TestServer, app_file};

/// A node of a graph.
pub fn node(id: &str, kind: &str, data: Value) -> Value {
    let mut fields = json!({"type": kind, "title": id});
    fields.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
    json!({"id": id, "data": fields})
}

pub fn template(id: &str, from: &[&str], text: &str) -> Value {
    node(
        id,
        "template-transform",
        json!({"variables": [{"variable": "arg", "value_selector": from}], "template": text}),
    )
}

/// A model that answers with what it is asked.
pub fn echo(id: &str, text: &str) -> Value {
    node(
        id,
        "llm",
        json!({"model": {"provider": "oxidify/scripted", "name": "echo", "mode": "chat", "completion_params": {}},
            "prompt_template": [{"role": "user", "text": text}], "context": {"enabled": false, "variable_selector": []},
            "vision": {"enabled": false}}),
    )
}

pub fn start(fields: &[&str]) -> Value {
    let field = |name: &&str| json!({"variable": name, "label": name, "type": "paragraph", "required": false});
    node("start", "start", json!({"variables": fields.iter().map(field).collect::<Vec<_>>()}))
}

pub fn end(from: &[&str]) -> Value {
    node("end", "end", json!({"outputs": [{"variable": "result", "value_selector": from}]}))
}

/// Edges from each node to the next.
pub fn chain(ids: &[&str]) -> Vec<Value> {
    ids.windows(2).map(|pair| json!({"source": pair[0], "target": pair[1]})).collect()
}

pub fn inside(mut node: Value, container: &str, kind: &str) -> Value {
    node["parentId"] = json!(container);
    node["data"][format!("isIn{}{}", kind[..1].to_uppercase(), &kind[1..])] = json!(true);
    node["data"][format!("{kind}_id")] = json!(container);
    node
}

/// Makes an app with a draft; answers its id.
pub async fn app(server: &TestServer, owner: &Session, mode: &str, nodes: Vec<Value>, edges: Vec<Value>) -> String {
    let made = server.post(owner, "/apps", json!({"name": "Draft", "mode": mode})).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    save(server, owner, &id, nodes, edges, json!([])).await;
    id
}

pub async fn save(
    server: &TestServer,
    owner: &Session,
    id: &str,
    nodes: Vec<Value>,
    edges: Vec<Value>,
    conversation: Value,
) {
    let body = json!({"graph": {"nodes": nodes, "edges": edges}, "features": {}, "conversation_variables": conversation,
        "environment_variables": [{"id": "11111111-1111-4111-8111-111111111111", "name": "KEY", "value_type": "secret", "value": "sk-very-secret"}]});
    let saved = server.post(owner, &format!("/apps/{id}/workflows/draft"), body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
}

/// The events of a stream, pings left out.
pub fn events(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let frames = answer.text.split("\n\n").filter_map(|frame| frame.strip_prefix("data: "));
    frames.map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"))).collect()
}

pub fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

async fn delete(server: &TestServer, owner: &Session, path: &str) -> StatusCode {
    server.console(owner, Method::DELETE, path, None).await.status
}

async fn greeting(server: &TestServer, owner: &Session) -> String {
    let nodes = vec![
        start(&["topic"]),
        template("tpl", &["start", "topic"], "Hello {{ arg }}"),
        echo("llm", "{{#tpl.output#}}"),
        end(&["llm", "text"]),
    ];
    app(server, owner, "workflow", nodes, chain(&["start", "tpl", "llm", "end"])).await
}

#[tokio::test]
async fn a_node_runs_by_itself_on_what_is_given_or_cached() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let id = greeting(&server, &owner).await;
        let run = |node: &str, body: Value| {
            let (server, owner, path) = (&server, &owner, format!("/apps/{id}/workflows/draft/nodes/{node}/run"));
            async move { server.post(owner, &path, body).await }
        };
        let last = |node: &str| {
            let (server, owner, path) = (&server, &owner, format!("/apps/{id}/workflows/draft/nodes/{node}/last-run"));
            async move { server.get(owner, &path).await }
        };
        let missing = run("llm", json!({"inputs": {}})).await;
        assert_eq!((missing.status, missing.json()["params"].as_str()), (StatusCode::BAD_REQUEST, Some("inputs")));
        assert!(missing.json()["message"].as_str().unwrap().starts_with("Variable #tpl.output# not found."));
        assert_eq!(last("llm").await.status, StatusCode::NOT_FOUND);
        for (inputs, expected) in [
            (json!({"arg": "tea"}), "Hello tea"),
            (json!({"#start.topic#": "tee"}), "Hello tee"),
            (json!({"tpl.arg": "thé"}), "Hello thé"),
        ] {
            let ran = run("tpl", json!({"inputs": inputs})).await;
            assert_eq!(ran.status, StatusCode::OK, "{}", ran.text);
            let ran = ran.json();
            assert_eq!((ran["status"].as_str(), ran["index"].as_i64()), (Some("succeeded"), Some(1)), "{ran}");
            assert_eq!(ran["outputs"]["output"], expected);
            assert_eq!(ran["created_by_account"]["email"], "owner@example.com");
            assert!(ran["predecessor_node_id"].is_null() && ran["elapsed_time"].is_number());
        }
        // The model reads what the template gave last, or what it is given.
        let cached = run("llm", json!({"inputs": {}})).await.json();
        assert_eq!(cached["outputs"]["text"], "Hello thé", "{cached}");
        let given = run("llm", json!({"inputs": {"#tpl.output#": "other"}})).await.json();
        assert_eq!(given["outputs"]["text"], "other");
        assert_eq!(last("llm").await.json()["id"], given["id"]);
        assert_eq!(last("end").await.status, StatusCode::NOT_FOUND);
        // The start node takes its form's fields.
        let began = run("start", json!({"inputs": {"topic": "milk"}})).await.json();
        assert_eq!(began["outputs"]["topic"], "milk", "{began}");
        assert_eq!(run("tpl", json!({"inputs": {}})).await.json()["outputs"]["output"], "Hello milk");
        assert_eq!(run("nobody", json!({"inputs": {}})).await.status, StatusCode::NOT_FOUND);
        // Steps are no runs.
        assert_eq!(server.get(&owner, &format!("/apps/{id}/workflow-runs")).await.json()["data"], json!([]));
        let counts = server.get(&owner, &format!("/apps/{id}/workflow-runs/count")).await.json();
        assert_eq!(counts["total"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_failing_node_answers_with_its_failure_and_strategy() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let mut fails = echo("llm", "x");
    fails["data"]["model"]["name"] = json!("fail");
    let mut caught = fails.clone();
    caught["id"] = json!("caught");
    caught["data"]["error_strategy"] = json!("default-value");
    caught["data"]["default_value"] = json!([{"key": "text", "type": "string", "value": "sorry"}]);
    let id = app(&server, &owner, "workflow", vec![start(&[]), fails, caught], chain(&["start", "llm"])).await;
    let failed = server.post(&owner, &format!("/apps/{id}/workflows/draft/nodes/llm/run"), json!({"inputs": {}})).await;
    assert_eq!((failed.status, failed.json()["status"].as_str()), (StatusCode::OK, Some("failed")), "{}", failed.text);
    assert!(!failed.json()["error"].as_str().unwrap().is_empty());
    let path = format!("/apps/{id}/workflows/draft/nodes/caught/run");
    let caught = server.post(&owner, &path, json!({"inputs": {}})).await.json();
    assert_eq!((caught["status"].as_str(), caught["outputs"]["text"].as_str()), (Some("exception"), Some("sorry")));
    // Only what worked is kept for the inspector.
    let kept = server.get(&owner, &format!("/apps/{id}/workflows/draft/variables")).await.json();
    let names: Vec<_> = kept["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"text") && names.contains(&"error_message"), "{kept}");
    assert!(kept["items"].as_array().unwrap().iter().all(|item| item["selector"][0] == "caught"), "{kept}");
}

#[tokio::test]
async fn the_inspector_shows_changes_and_restores_what_a_draft_run_gave() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let id = greeting(&server, &owner).await;
        let base = format!("/apps/{id}/workflows/draft");
        let ran = server.post(&owner, &format!("{base}/run"), json!({"inputs": {"topic": "tea"}})).await;
        assert_eq!(events(&ran).last().unwrap()["data"]["status"], "succeeded", "{}", ran.text);
        let list = server.get(&owner, &format!("{base}/variables?limit=100")).await.json();
        assert_eq!(list["total"], list["items"].as_array().unwrap().len());
        assert!(list["items"].as_array().unwrap().iter().all(|item| item.get("value").is_none()), "{list}");
        let of = |node: &str| {
            let (server, owner, path) = (&server, &owner, format!("{base}/nodes/{node}/variables"));
            async move { server.get(owner, &path).await.json()["items"].clone() }
        };
        let llm = of("llm").await;
        let names: Vec<_> = llm.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
        assert!(names.contains(&"text") && names.contains(&"usage") && !names.contains(&"finish_reason"), "{llm}");
        let output = of("tpl").await[0].clone();
        assert_eq!(
            (&output["value"], &output["type"], &output["edited"]),
            (&json!("Hello tea"), &json!("node"), &json!(false))
        );
        assert_eq!((&output["selector"], &output["value_type"]), (&json!(["tpl", "output"]), &json!("string")));
        assert_eq!(of("start").await[0]["value"], "tea");
        let system = server.get(&owner, &format!("{base}/system-variables")).await.json();
        let files = system["items"].as_array().unwrap().iter().find(|item| item["name"] == "files").unwrap().clone();
        assert_eq!((&files["type"], &files["editable"]), (&json!("sys"), &json!(true)));
        let app_id = system["items"].as_array().unwrap().iter().find(|item| item["name"] == "app_id").unwrap().clone();
        assert_eq!((&app_id["value"], &app_id["editable"]), (&json!(id), &json!(false)));
        let environment = server.get(&owner, &format!("{base}/environment-variables")).await;
        assert!(!environment.text.contains("very-secret"), "the secret is shown");
        assert_eq!(environment.json()["items"][0]["selector"], json!(["env", "KEY"]));
        assert_eq!(server.get(&owner, &format!("{base}/nodes/sys/variables")).await.status, StatusCode::BAD_REQUEST);
        // A change counts for the next step, and can be taken back.
        let path = format!("{base}/variables/{}", output["id"].as_str().unwrap());
        let patch = |path: &str, body: Value| {
            let (server, owner, path) = (&server, &owner, path.to_owned());
            async move { server.console(owner, Method::PATCH, &path, Some(body)).await }
        };
        let changed = patch(&path, json!({"value": "Changed"})).await;
        assert_eq!((&changed.json()["edited"], &changed.json()["value"]), (&json!(true), &json!("Changed")));
        let wrong = patch(&path, json!({"value": 5})).await;
        assert_eq!((wrong.status, wrong.json()["params"].as_str()), (StatusCode::BAD_REQUEST, Some("value")));
        let locked = format!("{base}/variables/{}", app_id["id"].as_str().unwrap());
        assert_eq!(patch(&locked, json!({"value": "x"})).await.status, StatusCode::BAD_REQUEST);
        let step = server.post(&owner, &format!("{base}/nodes/llm/run"), json!({"inputs": {}})).await.json();
        assert_eq!(step["outputs"]["text"], "Changed", "{step}");
        let reset = server.console(&owner, Method::PUT, &format!("{path}/reset"), None).await;
        assert_eq!((&reset.json()["value"], &reset.json()["edited"]), (&json!("Hello tea"), &json!(false)));
        assert_eq!(server.get(&owner, &path).await.json()["value"], "Hello tea");
        // A new execution replaces what the one before gave, under the same ids.
        server.post(&owner, &format!("{base}/nodes/tpl/run"), json!({"inputs": {"arg": "you"}})).await;
        let again = of("tpl").await;
        assert_eq!((again.as_array().unwrap().len(), &again[0]["id"]), (1, &output["id"]));
        assert_eq!(again[0]["value"], "Hello you");
        // Deleting: one, those of a node, all.
        assert_eq!(delete(&server, &owner, &path).await, StatusCode::NO_CONTENT);
        assert_eq!(server.get(&owner, &path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(delete(&server, &owner, &format!("{base}/nodes/llm/variables")).await, StatusCode::NO_CONTENT);
        assert_eq!(of("llm").await, json!([]));
        assert_eq!(delete(&server, &owner, &format!("{base}/variables")).await, StatusCode::NO_CONTENT);
        assert_eq!(server.get(&owner, &format!("{base}/variables")).await.json()["total"], 0);
    })
    .await;
}

#[tokio::test]
async fn conversation_variables_have_defaults_and_take_what_an_assigner_writes() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let assign = node(
            "assign",
            "assigner",
            json!({"version": "2", "items": [{"variable_selector": ["conversation", "memory"], "input_type": "variable",
                "operation": "over-write", "value": ["sys", "query"]}]}),
        );
        let answer = node("answer", "answer", json!({"answer": "{{#conversation.memory#}}"}));
        let nodes = vec![start(&[]), assign, answer];
        let edges = chain(&["start", "assign", "answer"]);
        let id = app(&server, &owner, "advanced-chat", nodes.clone(), edges.clone()).await;
        let declared = json!([{"id": "22222222-2222-4222-8222-222222222222", "name": "memory", "value_type": "string", "value": "none yet", "description": "kept"}]);
        save(&server, &owner, &id, nodes, edges, declared).await;
        let path = format!("/apps/{id}/workflows/draft/conversation-variables");
        let first = server.get(&owner, &path).await.json()["items"].clone();
        assert_eq!((&first[0]["value"], &first[0]["description"]), (&json!("none yet"), &json!("kept")), "{first}");
        let run = format!("/apps/{id}/advanced-chat/workflows/draft/run");
        let ran = server.post(&owner, &run, json!({"inputs": {}, "query": "remember"})).await;
        assert!(names(&events(&ran)).contains(&"message_end"), "{}", ran.text);
        let second = server.get(&owner, &path).await.json()["items"].clone();
        assert_eq!((&second[0]["value"], &second[0]["id"]), (&json!("remember"), &first[0]["id"]));
        let reset = format!("/apps/{id}/workflows/draft/variables/{}/reset", first[0]["id"].as_str().unwrap());
        let reset = server.console(&owner, Method::PUT, &reset, None).await;
        assert_eq!(reset.json()["value"], "none yet", "{}", reset.text);
        // An answer by itself reads the variable, and a question that is given.
        let step = server.post(&owner, &format!("/apps/{id}/workflows/draft/nodes/assign/run"), json!({"inputs": {}, "query": "by hand"})).await;
        assert_eq!(step.json()["status"], "succeeded", "{}", step.text);
        assert_eq!(server.get(&owner, &path).await.json()["items"][0]["value"], "by hand");
        let system = server.get(&owner, &format!("/apps/{id}/workflows/draft/system-variables")).await.json();
        assert!(system["items"].as_array().unwrap().iter().any(|item| item["name"] == "query"), "{system}");
    })
    .await;
}

#[tokio::test]
async fn large_values_are_cut_and_kept_whole_in_a_file() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let nodes = vec![
            start(&["topic"]),
            template("tpl", &["start", "topic"], "{{ arg | length }}"),
            echo("copy", "{{#start.topic#}}"),
        ];
        let id = app(&server, &owner, "workflow", nodes, chain(&["start", "tpl", "copy"])).await;
        let base = format!("/apps/{id}/workflows/draft");
        let text = "é".repeat(150_000);
        let began =
            server.post(&owner, &format!("{base}/nodes/start/run"), json!({"inputs": {"topic": text}})).await.json();
        assert_eq!((&began["status"], &began["outputs_truncated"]), (&json!("succeeded"), &json!(true)));
        assert_eq!(began["outputs"]["topic"].as_str().unwrap().chars().count(), 100_003);
        let kept = server.get(&owner, &format!("{base}/nodes/start/variables")).await.json()["items"][0].clone();
        assert_eq!((&kept["is_truncated"], &kept["editable"]), (&json!(true), &json!(false)), "{}", kept["name"]);
        assert_eq!(kept["value"].as_str().unwrap().chars().count(), 100_003);
        let full = &kept["full_content"];
        assert_eq!((&full["length"], &full["value_type"]), (&json!(150_000), &json!("string")));
        assert_eq!(full["size_bytes"], 300_002);
        let url = full["download_url"].as_str().unwrap();
        let path = &url[url.find("/files").unwrap()..];
        let file = server.send(axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!((file.status, file.text.len()), (StatusCode::OK, 300_002));
        // A step reads the whole of it.
        let step = server.post(&owner, &format!("{base}/nodes/tpl/run"), json!({"inputs": {}})).await.json();
        assert_eq!(step["outputs"]["output"], "150000", "{}", step["error"]);
        // Files whose variables are gone go too, but not at once.
        assert_eq!(delete(&server, &owner, &format!("{base}/variables")).await, StatusCode::NO_CONTENT);
        assert_eq!(ox_app::runs::draft::delete_orphans(&server.services).await.unwrap(), 0);
    })
    .await;
}

fn iteration() -> (Vec<Value>, Vec<Value>) {
    let container = node(
        "each",
        "iteration",
        json!({"start_node_id": "each_start", "iterator_selector": ["split", "items"], "output_selector": ["inner", "output"],
            "is_parallel": false, "error_handle_mode": "terminated", "flatten_output": true}),
    );
    let nodes = vec![
        start(&[]),
        node("split", "template-transform", json!({"variables": [], "template": "x"})),
        container,
        inside(node("each_start", "iteration-start", json!({})), "each", "iteration"),
        inside(template("inner", &["each", "item"], "<{{ arg }}>"), "each", "iteration"),
    ];
    let mut edges = chain(&["start", "split", "each"]);
    edges.extend(chain(&["each_start", "inner"]));
    (nodes, edges)
}

#[tokio::test]
async fn containers_run_by_themselves_as_streams() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let (nodes, edges) = iteration();
        let id = app(&server, &owner, "workflow", nodes, edges).await;
        let path = format!("/apps/{id}/workflows/draft/iteration/nodes/each/run");
        let missing = server.post(&owner, &path, json!({"inputs": {}})).await;
        assert!(missing.json()["message"].as_str().unwrap().contains("#split.items#"), "{}", missing.text);
        let ran = server.post(&owner, &path, json!({"inputs": {"each.input_selector": ["a", "b"]}})).await;
        let events = events(&ran);
        assert_eq!(
            names(&events),
            [
                "workflow_started",
                "iteration_started",
                "iteration_next",
                "node_started",
                "node_finished",
                "iteration_next",
                "node_started",
                "node_finished",
                "iteration_completed",
                "workflow_finished"
            ]
        );
        assert_eq!(events[8]["data"]["outputs"]["output"], json!(["<a>", "<b>"]));
        assert_eq!(events[4]["data"]["iteration_id"], "each");
        assert_eq!(events[9]["data"]["status"], "succeeded");
        let kept = server.get(&owner, &format!("/apps/{id}/workflows/draft/nodes/each/variables")).await.json();
        assert_eq!(kept["items"][0]["value"], json!(["<a>", "<b>"]), "{kept}");
        let inner = server.get(&owner, &format!("/apps/{id}/workflows/draft/nodes/inner/variables")).await.json();
        assert_eq!(inner["items"], json!([]), "what is inside of a container is not kept");
        let last = server.get(&owner, &format!("/apps/{id}/workflows/draft/nodes/each/last-run")).await.json();
        assert_eq!(last["outputs"]["output"], json!(["<a>", "<b>"]), "{last}");
        // A node inside runs by itself on an item that is given.
        let inner = format!("/apps/{id}/workflows/draft/nodes/inner/run");
        assert_eq!(server.post(&owner, &inner, json!({"inputs": {}})).await.status, StatusCode::BAD_REQUEST);
        let step = server.post(&owner, &inner, json!({"inputs": {"#each.item#": "c"}})).await.json();
        assert_eq!(step["outputs"]["output"], "<c>", "{step}");
        let wrong = format!("/apps/{id}/workflows/draft/loop/nodes/each/run");
        assert_eq!(server.post(&owner, &wrong, json!({"inputs": {}})).await.status, StatusCode::BAD_REQUEST);
        let chat = format!("/apps/{id}/advanced-chat/workflows/draft/iteration/nodes/each/run");
        assert_eq!(server.post(&owner, &chat, json!({"inputs": {}})).await.status, StatusCode::NOT_FOUND);
        let blocking = format!("/apps/{id}/workflows/draft/nodes/each/run");
        assert_eq!(
            server.post(&owner, &blocking, json!({"inputs": {"iterator_selector": []}})).await.status,
            StatusCode::BAD_REQUEST
        );
    })
    .await;
}

/// A loop of three rounds that each add a sign.
fn rounds() -> (Vec<Value>, Vec<Value>) {
    let again = node(
        "again",
        "loop",
        json!({"start_node_id": "again_start", "loop_count": 3, "break_conditions": [], "logical_operator": "and",
            "loop_variables": [{"label": "log", "var_type": "string", "value_type": "constant", "value": "0"}]}),
    );
    let assign = node(
        "assign",
        "assigner",
        json!({"version": "2", "items": [{"variable_selector": ["again", "log"], "input_type": "variable",
            "operation": "over-write", "value": ["more", "output"]}]}),
    );
    let nodes = vec![
        start(&[]),
        again,
        inside(node("again_start", "loop-start", json!({})), "again", "loop"),
        inside(template("more", &["again", "log"], "{{ arg }}+"), "again", "loop"),
        inside(assign, "again", "loop"),
        end(&["again", "log"]),
    ];
    let mut edges = chain(&["start", "again", "end"]);
    edges.extend(chain(&["again_start", "more", "assign"]));
    (nodes, edges)
}

#[tokio::test]
async fn a_loop_runs_by_itself_as_a_stream() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (nodes, edges) = rounds();
    let id = app(&server, &owner, "workflow", nodes, edges).await;
    let base = format!("/apps/{id}/workflows/draft");
    let ran = server.post(&owner, &format!("{base}/loop/nodes/again/run"), json!({"inputs": {}})).await;
    let events = events(&ran);
    let names = names(&events);
    assert_eq!(names[..2], ["workflow_started", "loop_started"], "{names:?}");
    assert_eq!(names[names.len() - 2..], ["loop_completed", "workflow_finished"], "{names:?}");
    assert_eq!(names.iter().filter(|name| **name == "node_finished").count(), 6, "two nodes a round: {names:?}");
    let outputs = &events[events.len() - 2]["data"]["outputs"];
    assert_eq!((&outputs["log"], &outputs["loop_round"]), (&json!("0+++"), &json!(3)), "{outputs}");
    let last = server.get(&owner, &format!("{base}/nodes/again/last-run")).await.json();
    assert_eq!((&last["status"], &last["outputs"]["log"]), (&json!("succeeded"), &json!("0+++")), "{last}");
    // A loop is no iteration.
    let wrong = server.post(&owner, &format!("{base}/iteration/nodes/again/run"), json!({"inputs": {}})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.text);
}

#[tokio::test]
async fn the_checklist_names_the_problems_of_a_draft() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let id = app(&server, &owner, "workflow", Vec::new(), Vec::new()).await;
    let path = format!("/apps/{id}/workflows/draft/problems");
    let codes = |problems: &Value| -> Vec<String> {
        let code = |problem: &Value| {
            format!("{}:{}", problem["node_id"].as_str().unwrap_or("-"), problem["code"].as_str().unwrap())
        };
        problems.as_array().unwrap().iter().map(code).collect()
    };
    let empty = server.get(&owner, &path).await;
    assert_eq!((empty.status, codes(&empty.json())), (StatusCode::OK, vec!["-:no-start".into(), "-:no-output".into()]));
    // A variable of a node that is gone, and what to do about it.
    let nodes = vec![start(&["topic"]), template("tpl", &["gone", "text"], "{{ arg }}"), end(&["tpl", "output"])];
    save(&server, &owner, &id, nodes, chain(&["start", "tpl", "end"]), json!([])).await;
    let found = server.get(&owner, &path).await.json();
    assert_eq!(codes(&found), ["tpl:unknown-node"], "{found}");
    assert_eq!(found[0]["severity"], "error");
    assert!(found[0]["message"].as_str().unwrap().contains("gone"), "{found}");
    assert!(!found[0]["remedy"].as_str().unwrap().is_empty(), "{found}");
    // Mended; variables of the environment are known by their names.
    let nodes = vec![start(&["topic"]), template("tpl", &["env", "KEY"], "{{ arg }}"), end(&["tpl", "output"])];
    save(&server, &owner, &id, nodes, chain(&["start", "tpl", "end"]), json!([])).await;
    assert_eq!(server.get(&owner, &path).await.json(), json!([]));
}

#[tokio::test]
async fn counts_figures_and_bars_tell_of_callers_runs() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let (id, key) = server.app(&owner, &app_file("passthrough")).await;
        let (chat, chat_key) = server.app(&owner, &app_file("chat")).await;
        let idle = greeting(&server, &owner).await;
        for query in ["one", "two"] {
            let body = json!({"inputs": {"query": query}, "user": "ann", "response_mode": "blocking"});
            let ran = server.v1(&key, Method::POST, "/workflows/run", Some(body)).await;
            assert_eq!(ran.json()["data"]["status"], "succeeded", "{}", ran.text);
        }
        server.post(&owner, &format!("/apps/{id}/workflows/draft/run"), json!({"inputs": {"query": "mine"}})).await;
        let body = json!({"inputs": {}, "query": "hi", "user": "ann", "response_mode": "blocking"});
        let said = server.v1(&chat_key, Method::POST, "/chat-messages", Some(body)).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
        let count =
            server.get(&owner, &format!("/apps/{id}/workflow-runs/count?triggered_from=app-run&time_range=1h")).await;
        assert_eq!(
            count.json(),
            json!({"total": 2, "running": 0, "succeeded": 2, "failed": 0, "stopped": 0, "partial_succeeded": 0})
        );
        assert_eq!(server.get(&owner, &format!("/apps/{id}/workflow-runs/count")).await.json()["total"], 1);
        let failed =
            server.get(&owner, &format!("/apps/{id}/workflow-runs/count?triggered_from=app-run&status=failed")).await;
        assert_eq!(failed.json()["total"], 0);
        let wrong = server.get(&owner, &format!("/apps/{id}/workflow-runs/count?time_range=soon")).await;
        assert_eq!((wrong.status, wrong.json()["params"].as_str()), (StatusCode::BAD_REQUEST, Some("time_range")));
        let unknown = "0194aaaa-0000-7000-8000-000000000000";
        let figures = server.get(&owner, &format!("/apps/figures?ids={chat},{id},{unknown},{idle}&hours=2")).await;
        assert_eq!(figures.status, StatusCode::OK, "{}", figures.text);
        let figures = figures.json();
        let data = figures["data"].as_array().unwrap();
        assert_eq!(data.iter().map(|app| app["app_id"].as_str().unwrap()).collect::<Vec<_>>(), [&chat, &id, &idle]);
        assert_eq!((&data[0]["runs"], &data[0]["succeeded"]), (&json!(1), &json!(1)), "{figures}");
        assert!(data[0]["total_tokens"].as_i64().unwrap() > 0 && data[0]["total_price"].is_string());
        assert_eq!((&data[1]["runs"], &data[1]["success_rate"]), (&json!(2), &json!(1.0)), "{figures}");
        assert!(data[1]["p95_seconds"].as_f64().unwrap() >= 0.0);
        assert_eq!(data[1]["per_hour"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).sum::<i64>(), 2);
        assert_eq!(data[1]["per_hour"][1], 2);
        assert_eq!(
            (&data[2]["runs"], &data[2]["success_rate"], &data[2]["p95_seconds"]),
            (&json!(0), &json!(null), &json!(null))
        );
        assert_eq!(data[1]["before"], json!(null));
        let both = server.get(&owner, &format!("/apps/figures?ids={id}&hours=2&before=true")).await.json();
        assert_eq!(both["data"][0]["runs"], 2, "{both}");
        let before = &both["data"][0]["before"];
        assert_eq!((&before["runs"], &before["total_tokens"]), (&json!(0), &json!(0)), "{both}");
        assert_eq!((&before["success_rate"], &before["p95_seconds"]), (&json!(null), &json!(null)), "{both}");
        assert_eq!(server.get(&owner, "/apps/figures?ids=x").await.json()["params"], "ids");
        for (app, total) in [(&id, 2), (&chat, 1)] {
            let path = format!("/apps/{app}/workflow-app-logs/histogram");
            let bars = server.get(&owner, &format!("{path}?buckets=6")).await;
            assert_eq!(bars.status, StatusCode::OK, "{}", bars.text);
            let bars = bars.json();
            assert_eq!(bars["buckets"].as_array().unwrap().len(), 6);
            assert_eq!(
                (&bars["total"], &bars["succeeded"], &bars["step_seconds"]),
                (&json!(total), &json!(total), &json!(600)),
                "{bars}"
            );
            assert_eq!(bars["buckets"][5]["total"], total);
            let none = server.get(&owner, &format!("{path}?keyword=nothing-like-this&status=succeeded")).await.json();
            assert_eq!(none["total"], 0);
            let before = server.get(&owner, &format!("{path}?created_at__before=2026-01-01T00:00:00Z")).await.json();
            assert_eq!(before["total"], 0);
            let wrong = server.get(&owner, &format!("{path}?buckets=0")).await;
            assert_eq!((wrong.status, wrong.json()["params"].as_str()), (StatusCode::BAD_REQUEST, Some("buckets")));
        }
    })
    .await;
}
