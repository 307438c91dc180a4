use ox_types::Json;
use serde_json::json;

use super::{Problem, Severity, check_draft, model_config, text, workflow};
use crate::document::{AppMode, WorkflowBody};

fn lint(mode: AppMode, nodes: &Json, edges: &Json) -> Vec<Problem> {
    let body = WorkflowBody {
        graph: json!({"nodes": nodes, "edges": edges}),
        features: json!({}),
        environment_variables: crate::variables::parse(
            Some(&json!([{"name": "KEY", "value_type": "secret", "value": "x"}])),
            crate::variables::Scope::Environment,
        )
        .unwrap(),
        ..WorkflowBody::default()
    };
    workflow(mode, &body)
}

fn codes(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|p| format!("{}:{}", p.node_id.as_deref().unwrap_or("-"), p.code)).collect()
}

fn node(id: &str, data: &Json) -> Json {
    json!({"id": id, "type": "custom", "data": data})
}

fn edge(source: &str, target: &str) -> Json {
    json!({"source": source, "target": target})
}

fn start() -> Json {
    node("s", &json!({"type": "start", "variables": [{"variable": "q", "type": "text-input"}]}))
}

fn end(selector: &Json) -> Json {
    node("e", &json!({"type": "end", "outputs": [{"variable": "out", "value_selector": selector}]}))
}

#[test]
fn a_sound_workflow_has_no_problems() {
    let problems = lint(AppMode::Workflow, &json!([start(), end(&json!(["s", "q"]))]), &json!([edge("s", "e")]));
    assert_eq!(problems, []);
}

#[test]
fn shape_problems() {
    let cases = [
        (json!([]), json!([]), vec!["-:no-start", "-:no-output"]),
        (
            json!([start(), end(&json!(["s", "q"]))]),
            json!([edge("s", "gone"), {"source": 1}]),
            vec!["-:dangling-edge", "-:ignored-edge", "e:unreachable", "e:not-before"],
        ),
        (
            json!([start(), end(&json!(["s", "q"])), end(&json!(["s", "q"]))]),
            json!([edge("s", "e")]),
            vec!["e:duplicate-node"],
        ),
        (
            json!([start(), end(&json!(["s", "q"])), node("t", &json!({"type": "trigger-webhook"}))]),
            json!([edge("s", "e")]),
            vec!["-:start-and-trigger"],
        ),
        (
            json!([
                start(),
                node("a", &json!({"type": "tool", "provider_id": "p", "tool_name": "t"})),
                node("b", &json!({"type": "tool", "provider_id": "p", "tool_name": "t"})),
                end(&json!(["s", "q"]))
            ]),
            json!([edge("s", "a"), edge("a", "b"), edge("b", "a"), edge("b", "e")]),
            vec!["a:cycle"],
        ),
        (
            json!([start(), node("x", &json!({"type": "quantum"})), end(&json!(["x", "anything"]))]),
            json!([edge("s", "x"), edge("x", "e")]),
            vec!["x:unknown-kind"],
        ),
    ];
    for (nodes, edges, expected) in cases {
        assert_eq!(codes(&lint(AppMode::Workflow, &nodes, &edges)), expected);
    }
}

#[test]
fn variables_that_do_not_exist() {
    let answer = |text: &str| node("a", &json!({"type": "answer", "answer": text}));
    let check =
        |text: &str| codes(&lint(AppMode::AdvancedChat, &json!([start(), answer(text)]), &json!([edge("s", "a")])));
    assert_eq!(check("{{#s.q#}} {{#sys.query#}} {{#env.KEY#}}"), [""; 0]);
    assert_eq!(check("{{#s.nope#}}"), ["a:unknown-variable"]);
    assert_eq!(check("{{#gone.text#}} {{#gone.text#}}"), ["a:unknown-node"]);
    assert_eq!(check("{{#sys.nope#}}"), ["a:unknown-variable"]);
    assert_eq!(check("{{#env.NOPE#}}"), ["a:unknown-variable"]);
    assert_eq!(check("{{#conversation.c#}}"), ["a:unknown-variable"]);
    let workflow = lint(AppMode::Workflow, &json!([start(), end(&json!(["sys", "query"]))]), &json!([edge("s", "e")]));
    assert_eq!(codes(&workflow), ["e:chat-variable"]);
    assert_eq!(workflow[0].severity, Severity::Warning);
    assert_eq!(workflow[0].message, "sys.query is empty in a workflow: only chats have it.");
}

#[test]
fn required_settings() {
    let cases = [
        (json!({"type": "llm"}), vec!["n:model-missing", "n:required"]),
        (json!({"type": "code"}), vec!["n:required", "n:required"]),
        (json!({"type": "template-transform", "template": "a\n{{ b }"}), vec!["n:template-syntax"]),
        (json!({"type": "http-request", "url": ""}), vec!["n:required"]),
        (json!({"type": "if-else", "cases": []}), vec!["n:required"]),
        (
            json!({"type": "if-else", "cases": [{"case_id": "true", "conditions": [
            {"variable_selector": ["s", "q"], "comparison_operator": "is", "value": ""},
            {"variable_selector": ["s", "q"], "comparison_operator": "empty"}, {}]}]}),
            vec!["n:required", "n:empty-value"],
        ),
        (json!({"type": "variable-assigner", "variables": []}), vec!["n:required"]),
        (json!({"type": "assigner", "version": "2", "items": []}), vec!["n:required"]),
        (json!({"type": "iteration"}), vec!["n:container-start", "n:required", "n:required"]),
        (json!({"type": "loop", "loop_count": 0}), vec!["n:container-start", "n:required"]),
        (json!({"type": "answer", "answer": "", "error_strategy": "x"}), vec!["n:node-settings", "n:required"]),
    ];
    for (data, expected) in cases {
        let nodes = json!([start(), node("n", &data), end(&json!(["s", "q"]))]);
        let mut found = codes(&lint(AppMode::Workflow, &nodes, &json!([edge("s", "n"), edge("n", "e")])));
        found.retain(|code| code != "n:unknown-handle");
        found.sort();
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        expected.sort();
        assert_eq!(found, expected, "{data}");
    }
}

#[test]
fn handles_and_containers() {
    let nodes = json!([
        start(),
        node(
            "i",
            &json!({"type": "if-else", "cases": [{"case_id": "c1", "conditions": [{"variable_selector": ["s", "q"], "comparison_operator": "empty"}]}]})
        ),
        node(
            "it",
            &json!({"type": "iteration", "start_node_id": "its", "iterator_selector": ["s", "q"], "output_selector": ["in", "output"]})
        ),
        node("its", &json!({"type": "iteration-start", "iteration_id": "it"})),
        node(
            "in",
            &json!({"type": "template-transform", "iteration_id": "it", "template": "{{ x }}",
            "variables": [{"variable": "x", "value_selector": ["it", "item"]}]})
        ),
        end(&json!(["it", "output"])),
    ]);
    let handle = |handle: &str| json!({"source": "i", "target": "it", "sourceHandle": handle});
    let edges = |first: Json| json!([edge("s", "i"), first, edge("its", "in"), edge("it", "e")]);
    assert_eq!(codes(&lint(AppMode::Workflow, &nodes, &edges(handle("c1")))), [""; 0]);
    assert_eq!(codes(&lint(AppMode::Workflow, &nodes, &edges(handle("c2")))), ["i:unknown-handle"]);
    let crossing = json!([edge("s", "i"), handle("false"), edge("its", "in"), edge("in", "e")]);
    assert!(codes(&lint(AppMode::Workflow, &nodes, &crossing)).contains(&"in:edge-crosses-container".to_owned()));
}

#[test]
fn files_that_cannot_be_read() {
    let problem = &text("app: [")[0];
    assert_eq!((problem.code, problem.severity), ("unreadable", Severity::Error));
    assert!(problem.message.starts_with("Invalid YAML format: line 1"), "{}", problem.message);
    assert_eq!(text("app: {name: x}\nversion: 0.1")[0].remedy, "Put the version in quotes, for example '0.6.0'.");
    let future = text("app: {mode: workflow}\nversion: 9.9.9\nkind: app\nworkflow: {graph: {nodes: []}}");
    assert_eq!(codes(&future), ["-:newer-version", "-:no-start", "-:no-output"]);
}

#[test]
fn basic_apps() {
    let config = json!({"model": {"provider": "", "name": ""}, "pre_prompt": "Hi {{name}} {{gone}} {{#query#}}",
        "user_input_form": [{"text-input": {"variable": "name"}}, {"number": {"variable": "name"}}]});
    assert_eq!(codes(&model_config(&config)), ["-:model-missing", "-:duplicate-field", "-:unknown-variable"]);
}

#[test]
fn large_graphs_take_bounded_time() {
    let begin = std::time::Instant::now();
    let nodes: Vec<Json> = (0..2_000)
        .map(|i| {
            node(
                &format!("n{i}"),
                &json!({"type": "tool", "provider_id": "p", "tool_name": format!("{{{{#n{}.text#}}}}", i + 1)}),
            )
        })
        .collect();
    let edges: Vec<Json> = (0..1_999).map(|i| edge(&format!("n{i}"), &format!("n{}", i + 1))).collect();
    let problems = lint(AppMode::Workflow, &json!(nodes), &json!(edges));
    assert_eq!(problems.len(), super::MAX_PROBLEMS);
    assert!(begin.elapsed().as_secs() < 30, "{:?}", begin.elapsed());
}

#[test]
fn what_a_draft_is_refused_for() {
    let graph =
        |kinds: &[&str]| json!({"nodes": kinds.iter().map(|k| node(k, &json!({"type": k}))).collect::<Vec<_>>()});
    assert_eq!(check_draft(&graph(&["start", "end"]), &json!({})), Ok(()));
    assert!(check_draft(&graph(&["start", "trigger-webhook"]), &json!({})).is_err());
    assert!(check_draft(&graph(&[]), &json!({"text_to_speech": 1})).is_err());
}
