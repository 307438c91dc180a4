//! Replays, forks and comparisons of recorded runs.

use axum::http::{Method, StatusCode};
use ox_testkit::on_each_database;
use serde_json::{Value, json};

use super::drafts::{app, chain, echo, end, events, inside, names, node, save, start, template};
use crate::support::{Session, TestServer};

/// Runs the draft and answers the id of the run.
async fn run(server: &TestServer, owner: &Session, id: &str, inputs: Value) -> String {
    let ran = server.post(owner, &format!("/apps/{id}/workflows/draft/run"), json!({"inputs": inputs})).await;
    let events = events(&ran);
    assert_eq!(events.last().unwrap()["event"], "workflow_finished", "{}", ran.text);
    events[0]["workflow_run_id"].as_str().unwrap().to_owned()
}

/// Switches the scripted model off: whoever calls it now fails.
async fn model_off(server: &TestServer, owner: &Session) {
    let usable = server.get(owner, "/workspaces/current/models/model-types/llm").await.json();
    let id = usable["data"][0]["provider"].as_str().unwrap().replace('/', "%2F");
    let path = format!("/workspaces/current/model-providers/{id}/models/disable");
    let off = server.console(owner, Method::PATCH, &path, Some(json!({"model": "echo", "model_type": "llm"}))).await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text);
}

fn pair<'a>(comparison: &'a Value, node: &str) -> &'a Value {
    comparison["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|pair| pair["node_id"] == node)
        .unwrap_or_else(|| panic!("{comparison}"))
}

fn story() -> (Vec<Value>, Vec<Value>) {
    let nodes = vec![
        start(&["topic"]),
        echo("first", "About {{#start.topic#}}"),
        template("middle", &["first", "text"], "[{{ arg }}]"),
        echo("last", "{{#middle.output#}} end"),
        end(&["last", "text"]),
    ];
    (nodes, chain(&["start", "first", "middle", "last", "end"]))
}

#[tokio::test]
async fn a_replay_answers_from_the_journal_byte_for_byte() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let (nodes, edges) = story();
        let id = app(&server, &owner, "workflow", nodes, edges).await;
        let parent = run(&server, &owner, &id, json!({"topic": "tea"})).await;
        model_off(&server, &owner).await;
        let broken = run(&server, &owner, &id, json!({"topic": "tea"})).await;
        let failed = server.get(&owner, &format!("/apps/{id}/workflow-runs/{broken}")).await.json();
        assert_eq!(failed["status"], "failed", "a real call must fail now: {failed}");
        for (run, status) in [(&parent, "succeeded"), (&broken, "failed")] {
            let replayed = server.post(&owner, &format!("/apps/{id}/workflow-runs/{run}/replay"), json!({})).await;
            assert_eq!(replayed.status, StatusCode::OK, "{}", replayed.text);
            let replayed = replayed.json();
            assert_eq!(
                (&replayed["identical"], &replayed["outputs_identical"]),
                (&json!(true), &json!(true)),
                "{replayed}"
            );
            assert_eq!(
                (&replayed["other"]["status"], &replayed["other"]["origin"]),
                (&json!(status), &json!("replay"))
            );
            assert_eq!(replayed["other"]["parent_run_id"], run.as_str());
            assert!(replayed["nodes"].as_array().unwrap().iter().all(|pair| pair["change"] == "same"), "{replayed}");
            let detail = server.get(&owner, &format!("/apps/{id}/workflow-runs/{run}")).await.json();
            assert_eq!(detail["children"][0]["id"], replayed["run_id"], "{detail}");
            let child = server
                .get(&owner, &format!("/apps/{id}/workflow-runs/{}", replayed["run_id"].as_str().unwrap()))
                .await
                .json();
            assert_eq!((&child["outputs"], &child["parent_run_id"]), (&detail["outputs"], &json!(run)));
        }
        // Replays are not among the runs of the editor, and are not the last run of a node.
        let listed = server.get(&owner, &format!("/apps/{id}/workflow-runs")).await.json();
        assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    })
    .await;
}

fn items() -> Value {
    json!({"items": {"list": ["a", "b", "c"]}})
}

/// A loop that collects, an iteration whose items run side by side, a branch and a caught failure.
fn machinery() -> (Vec<Value>, Vec<Value>) {
    let round = node(
        "again",
        "loop",
        json!({"start_node_id": "again_start", "loop_count": 3, "break_conditions": [], "logical_operator": "and",
            "loop_variables": [{"label": "log", "var_type": "string", "value_type": "constant", "value": "0"}]}),
    );
    let assign = node(
        "assign",
        "assigner",
        json!({"version": "2", "items": [{"variable_selector": ["again", "log"], "input_type": "variable", "operation": "over-write", "value": ["more", "text"]}]}),
    );
    let each = node(
        "each",
        "iteration",
        json!({"start_node_id": "each_start", "iterator_selector": ["start", "items", "list"], "output_selector": ["say", "text"],
            "is_parallel": true, "parallel_nums": 3, "error_handle_mode": "terminated", "flatten_output": true}),
    );
    let mut fails = echo("fails", "x");
    fails["data"]["model"]["name"] = json!("fail");
    fails["data"]["error_strategy"] = json!("fail-branch");
    let nodes = vec![
        node(
            "start",
            "start",
            json!({"variables": [{"variable": "items", "label": "items", "type": "json_object", "required": false}]}),
        ),
        round,
        inside(node("again_start", "loop-start", json!({})), "again", "loop"),
        inside(echo("more", "{{#again.log#}}+"), "again", "loop"),
        inside(assign, "again", "loop"),
        fails,
        template("caught", &["fails", "error_type"], "caught {{ arg }}"),
        node(
            "end",
            "end",
            json!({"outputs": [{"variable": "log", "value_selector": ["again", "log"]}, {"variable": "how", "value_selector": ["caught", "output"]},
            {"variable": "said", "value_selector": ["each", "output"]}]}),
        ),
        each,
        inside(node("each_start", "iteration-start", json!({})), "each", "iteration"),
        inside(echo("say", "item {{#each.item#}}"), "each", "iteration"),
    ];
    let mut edges = chain(&["start", "again", "fails"]);
    edges.extend(chain(&["again_start", "more", "assign"]));
    edges.push(json!({"source": "fails", "sourceHandle": "fail-branch", "target": "caught"}));
    edges.extend(chain(&["caught", "end"]));
    edges.extend(chain(&["start", "each", "end"]));
    edges.extend(chain(&["each_start", "say"]));
    (nodes, edges)
}

#[tokio::test]
async fn containers_branches_and_caught_failures_replay_too() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let (nodes, edges) = machinery();
        let id = app(&server, &owner, "workflow", nodes, edges).await;
        let parent = run(&server, &owner, &id, items()).await;
        let detail = server.get(&owner, &format!("/apps/{id}/workflow-runs/{parent}")).await.json();
        assert_eq!(detail["outputs"]["log"], "0+++", "{detail}");
        assert_eq!(detail["outputs"]["said"], json!(["item a", "item b", "item c"]));
        assert_eq!(detail["status"], "partial-succeeded");
        model_off(&server, &owner).await;
        let replayed =
            server.post(&owner, &format!("/apps/{id}/workflow-runs/{parent}/replay"), json!({})).await.json();
        assert_eq!(replayed["identical"], true, "{replayed}");
        assert_eq!(replayed["nodes"].as_array().unwrap().iter().filter(|pair| pair["node_id"] == "more").count(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_fork_takes_over_what_was_before_and_runs_the_rest() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let (nodes, edges) = story();
        let id = app(&server, &owner, "workflow", nodes.clone(), edges.clone()).await;
        let parent = run(&server, &owner, &id, json!({"topic": "tea"})).await;
        let fork = format!("/apps/{id}/workflow-runs/{parent}/fork");
        let forked =
            server.post(&owner, &fork, json!({"node_id": "last", "inputs": {"#middle.output#": "[edited]"}})).await;
        let told = events(&forked);
        assert_eq!(names(&told)[0], "workflow_started", "{}", forked.text);
        let finished: Vec<_> = told
            .iter()
            .filter(|event| event["event"] == "node_finished")
            .map(|event| event["data"]["node_id"].as_str().unwrap())
            .collect();
        assert_eq!(finished, ["start", "first", "middle", "last", "end"]);
        let done = &told.last().unwrap()["data"];
        assert_eq!(
            (&done["status"], &done["outputs"]["result"]),
            (&json!("succeeded"), &json!("[edited] end")),
            "{done}"
        );
        let child = told[0]["workflow_run_id"].as_str().unwrap();
        let compared = server.get(&owner, &format!("/apps/{id}/workflow-runs/{parent}/compare/{child}")).await.json();
        assert_eq!(compared["identical"], false);
        assert_eq!(
            compared["outputs"][0],
            json!({"path": "/result", "kind": "changed", "base": "[About tea] end", "other": "[edited] end"})
        );
        for (node, change, taken) in [
            ("start", "same", true),
            ("first", "same", true),
            ("middle", "changed", true),
            ("last", "changed", false),
            ("end", "changed", false),
        ] {
            let pair = pair(&compared, node);
            assert_eq!(
                (&pair["change"], &pair["other"]["taken_from_parent"]),
                (&json!(change), &json!(taken)),
                "{node}: {pair}"
            );
        }
        let detail = server.get(&owner, &format!("/apps/{id}/workflow-runs/{child}")).await.json();
        assert_eq!(
            (&detail["origin"], &detail["fork_node_id"], &detail["parent_run_id"]),
            (&json!("fork"), &json!("last"), &json!(parent))
        );
        // What was taken over was paid for by the parent.
        let whole = server.get(&owner, &format!("/apps/{id}/workflow-runs/{parent}")).await.json();
        assert!(detail["total_tokens"].as_i64().unwrap() < whole["total_tokens"].as_i64().unwrap(), "{detail}");
        // With another topic from the very beginning.
        let again = server
            .post(&owner, &fork, json!({"node_id": "first", "inputs": {"topic": "milk"}, "response_mode": "blocking"}))
            .await;
        assert_eq!(again.json()["data"]["outputs"]["result"], "[About milk] end", "{}", again.text);
        // With the present draft, which has another template and one more node.
        let mut changed = nodes;
        changed[2] = template("middle", &["first", "text"], "<{{ arg }}>");
        changed[4] = end(&["added", "output"]);
        changed.push(template("added", &["last", "text"], "{{ arg }}!"));
        save(&server, &owner, &id, changed, chain(&["start", "first", "middle", "last", "added", "end"]), json!([]))
            .await;
        let draft = server
            .post(&owner, &fork, json!({"node_id": "middle", "use_draft": true, "response_mode": "blocking"}))
            .await;
        assert_eq!(draft.json()["data"]["outputs"]["result"], "<About tea> end!", "{}", draft.text);
        let other = draft.json()["workflow_run_id"].as_str().unwrap().to_owned();
        let compared = server.get(&owner, &format!("/apps/{id}/workflow-runs/{parent}/compare/{other}")).await.json();
        assert_eq!(pair(&compared, "added")["change"], "new");
        assert_eq!(pair(&compared, "first")["other"]["taken_from_parent"], true);
        for body in [
            json!({}),
            json!({"node_id": "nobody"}),
            json!({"node_execution_id": parent}),
            json!({"node_id": "last", "inputs": {"?": 1}}),
        ] {
            let wrong = server.post(&owner, &fork, body.clone()).await;
            assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{body}: {}", wrong.text);
        }
    })
    .await;
}

#[tokio::test]
async fn a_fork_inside_a_loop_keeps_the_rounds_before() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let (nodes, edges) = machinery();
        let id = app(&server, &owner, "workflow", nodes, edges).await;
        let parent = run(&server, &owner, &id, items()).await;
        let executions = server.get(&owner, &format!("/apps/{id}/workflow-runs/{parent}/node-executions")).await.json();
        let second = executions["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|node| node["node_id"] == "more" && node["execution_metadata"]["loop_index"] == 1)
            .unwrap_or_else(|| panic!("{executions}"));
        let fork = format!("/apps/{id}/workflow-runs/{parent}/fork");
        let body = json!({"node_execution_id": second["id"], "response_mode": "blocking"});
        let forked = server.post(&owner, &fork, body).await;
        assert_eq!(forked.json()["data"]["outputs"]["log"], "0+++", "{}", forked.text);
        let child = forked.json()["workflow_run_id"].as_str().unwrap().to_owned();
        let compared = server.get(&owner, &format!("/apps/{id}/workflow-runs/{parent}/compare/{child}")).await.json();
        let taken: Vec<_> = compared["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|pair| pair["node_id"] == "more")
            .map(|pair| (pair["frame"][0][1].as_i64().unwrap(), pair["other"]["taken_from_parent"].as_bool().unwrap()))
            .collect();
        assert_eq!(taken, [(0, true), (1, false), (2, false)], "{compared}");
        assert_eq!(pair(&compared, "again")["other"]["taken_from_parent"], false);
        assert_eq!(compared["outputs_identical"], true);
    })
    .await;
}

#[tokio::test]
async fn empty_lists_keep_their_types_in_replays_and_forks() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let operator = |id: &str, from: &[&str]| node(id, "list-operator", json!({"variable": from}));
        let tool = json!({"provider_id": "time", "provider_name": "time", "provider_type": "builtin",
            "tool_name": "timestamp_to_localtime", "tool_configurations": {"timezone": {"type": "constant", "value": "UTC"}},
            "tool_parameters": {"timestamp": {"type": "constant", "value": 0}}});
        let nodes = vec![
            node("start", "start", json!({"variables": [{"variable": "docs", "label": "docs", "type": "file-list", "required": false}]})),
            node("tool", "tool", tool),
            operator("tools", &["tool", "files"]),
            operator("given", &["start", "docs"]),
            end(&["given", "result"]),
        ];
        let id = app(&server, &owner, "workflow", nodes, chain(&["start", "tool", "tools", "given", "end"])).await;
        let parent = run(&server, &owner, &id, json!({"docs": []})).await;
        let path = format!("/apps/{id}/workflow-runs/{parent}");
        assert_eq!(server.get(&owner, &path).await.json()["status"], "succeeded");
        let replayed = server.post(&owner, &format!("{path}/replay"), json!({})).await.json();
        assert_eq!((&replayed["identical"], &replayed["other"]["status"]), (&json!(true), &json!("succeeded")), "{replayed}");
        for (place, inputs) in [("tools", json!({})), ("tools", json!({"#tool.text#": "other"})), ("given", json!({}))] {
            let forked = server.post(&owner, &format!("{path}/fork"), json!({"node_id": place, "inputs": inputs})).await;
            let events = events(&forked);
            assert_eq!(events.last().unwrap()["data"]["status"], "succeeded", "{place}: {}", forked.text);
        }
    })
    .await;
}
