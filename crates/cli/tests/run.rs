//! `oxidify run`, `lint` and `version` as a user calls them: the real program, no server, no network.

#![expect(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "test helpers")]

use std::{
    io::Write,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

fn oxidify(args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_oxidify"))
        .args(args)
        .env_remove("OPENAI_API_KEY")
        .env_remove("OPENAI_API_BASE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn app(mode: &str, nodes: Value, edges: &[(&str, &str, &str)]) -> String {
    let edges: Vec<Value> =
        edges.iter().map(|(from, handle, to)| json!({"source": from, "sourceHandle": handle, "target": to})).collect();
    json!({
        "kind": "app", "version": "0.6.0", "app": {"name": "t", "mode": mode},
        "workflow": {"graph": {"nodes": nodes, "edges": edges}, "features": {},
            "environment_variables": [{"name": "greeting", "value_type": "string", "value": "hi"}]},
    })
    .to_string()
}

fn workflow() -> String {
    let start = json!({"id": "s", "data": {"type": "start", "title": "S", "variables": [
        {"variable": "n", "label": "n", "type": "number", "required": true}]}});
    let code = json!({"id": "c", "data": {"type": "code", "title": "C", "code_language": "javascript",
        "code": "function main({n}) { if (n > 100) { for (;;) {} } return {result: n * 2} }",
        "variables": [{"variable": "n", "value_selector": ["s", "n"]}], "outputs": {"result": {"type": "number"}}}});
    let template = json!({"id": "t", "data": {"type": "template-transform", "title": "T", "template": "{{ g }} {{ x }}",
        "variables": [{"variable": "x", "value_selector": ["c", "result"]}, {"variable": "g", "value_selector": ["env", "greeting"]}]}});
    let end = json!({"id": "e", "data": {"type": "end", "title": "E", "outputs": [
        {"variable": "double", "value_selector": ["c", "result"]}, {"variable": "text", "value_selector": ["t", "output"]}]}});
    app(
        "workflow",
        json!([start, code, template, end]),
        &[("s", "source", "c"), ("c", "source", "t"), ("t", "source", "e")],
    )
}

fn chat() -> String {
    let start = json!({"id": "s", "data": {"type": "start", "title": "S", "variables": []}});
    let llm = json!({"id": "l", "data": {"type": "llm", "title": "L",
        "model": {"provider": "oxidify/scripted", "name": "echo", "mode": "chat", "completion_params": {}},
        "prompt_template": [{"role": "user", "text": "{{#sys.query#}}"}], "context": {"enabled": false, "variable_selector": []}}});
    let answer = json!({"id": "a", "data": {"type": "answer", "title": "A", "answer": "You said: {{#l.text#}}"}});
    app("advanced-chat", json!([start, llm, answer]), &[("s", "source", "l"), ("l", "source", "a")])
}

#[test]
fn workflows_print_their_outputs() {
    let output = oxidify(&["run", "-", "--inputs", "{\"n\": 21}"], &workflow());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let outputs: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outputs, json!({"double": 42, "text": "hi 42"}));

    let output = oxidify(&["run", "-", "--inputs", "{\"n\": 21}", "--env", "greeting=yo", "--json"], &workflow());
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["status"], "succeeded");
    assert_eq!(result["outputs"]["text"], "yo 42");
    assert_eq!(result["total_steps"], 4);
}

#[test]
fn chats_stream_their_answer() {
    let output = oxidify(&["run", "-", "--query", "good morning"], &chat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "You said: good morning\n");

    let output = oxidify(&["run", "-", "--query", "good morning", "--json", "--stream"], &chat());
    let events: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((names[0], *names.last().unwrap()), ("workflow_started", "workflow_finished"));
    let said: String = events
        .iter()
        .filter(|event| event["event"] == "message")
        .map(|event| event["data"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(said, "You said: good morning");
}

#[test]
fn mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.yml");
    let chat_config = json!({"app": {"name": "t", "mode": "chat"}, "model_config": {"model": {}}}).to_string();
    let unknown = app(
        "workflow",
        json!([{"id": "s", "data": {"type": "start", "title": "S", "variables": []}},
               {"id": "x", "data": {"type": "teleport", "title": "Beam"}}]),
        &[("s", "source", "x")],
    );
    for (args, stdin, code, expected) in [
        (vec!["run", missing.to_str().unwrap()], String::new(), 2, "cannot read"),
        (vec!["run", "-"], "a: [".into(), 2, "Invalid YAML format"),
        (vec!["run", "-"], "a: 1".into(), 2, "Missing app data in YAML content"),
        (vec!["run", "-"], workflow(), 2, "n is required in input form"),
        (vec!["run", "-", "--inputs", "{\"n\": \"x\"}"], workflow(), 2, "n in input form must be a valid number"),
        (vec!["run", "-", "--inputs", "[1]"], workflow(), 2, "must be a JSON object"),
        (vec!["run", "-", "--inputs", "{\"n\": 1}", "--query", "q"], workflow(), 2, "--query is for chat apps"),
        (vec!["run", "-"], chat(), 2, "ask it something with --query"),
        (vec!["run", "-", "--query", "q", "--model", "oxidify/scripted/fail"], chat(), 1, "failed: "),
        (vec!["run", "-"], chat_config, 2, "run executes workflow and advanced-chat apps"),
        (vec!["run", "-"], unknown, 1, "Node 'Beam' is of the type 'teleport', which this version cannot run."),
    ] {
        let output = oxidify(&args, &stdin);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {told}");
        assert!(told.contains(expected), "{args:?}: {told}");
    }
}

#[test]
fn an_interrupt_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.yml");
    std::fs::write(&file, workflow()).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_oxidify"))
        .args(["run", file.to_str().unwrap(), "--inputs", "{\"n\": 101}", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let started = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(started.elapsed() < Duration::from_secs(5));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["status"], "stopped");
}

#[test]
fn lint_and_version() {
    let output = oxidify(&["lint", "-"], &workflow());
    assert!(output.status.success(), "{}", text(&output.stdout));
    let broken = workflow().replace("\"env\",\"greeting\"", "\"gone\",\"x\"");
    let output = oxidify(&["lint", "-", "--json"], &broken);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["problems"].as_array().unwrap().iter().any(|problem| problem["node_id"] == "t"), "{report}");
    assert!(text(&oxidify(&["version"], "").stdout).starts_with("oxidify "));
    assert_eq!(oxidify(&["nonsense"], "").status.code(), Some(2));
}
