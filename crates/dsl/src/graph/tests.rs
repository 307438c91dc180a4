#![expect(clippy::needless_pass_by_value, reason = "builders read better with values")]

use ox_types::{Json, Value, ValueType};
use serde_json::json;

use super::{ErrorStrategy, Graph, GraphError};

fn node(id: &str, data: Json) -> Json {
    json!({"id": id, "type": "custom", "data": data})
}

fn graph(nodes: Vec<Json>, edges: Vec<Json>) -> Json {
    json!({"nodes": nodes, "edges": edges, "viewport": {"x": 0, "y": 0, "zoom": 1}})
}

fn linear() -> Json {
    graph(
        vec![
            node("s", json!({"type": "start", "title": "Start"})),
            json!({"id": "note", "type": "custom-note", "data": {"type": "", "text": "hi"}}),
            node("e", json!({"type": "end"})),
        ],
        vec![
            json!({"id": "s-source-e-target", "source": "s", "target": "e"}),
            json!({"source": "s", "target": 5}),
            json!({"source": "s", "target": "e", "sourceHandle": "success-branch"}),
        ],
    )
}

#[test]
fn notes_are_dropped_and_edges_kept_in_order() {
    let reading = Graph::read(&linear());
    assert!(reading.errors.is_empty(), "{:?}", reading.errors);
    assert_eq!(reading.ignored_edges, ["number 2"]);
    let graph = reading.graph;
    assert_eq!(graph.nodes.iter().map(|n| n.id.as_str()).collect::<Vec<_>>(), ["s", "e"]);
    let edges: Vec<_> = graph.edges.iter().map(|e| (e.id.as_str(), e.source, e.target, e.handle.as_str())).collect();
    assert_eq!(edges, [("edge_0", 0, 1, "source"), ("edge_1", 0, 1, "source")]);
    assert_eq!(graph.outgoing(0), [0, 1]);
    assert_eq!(graph.incoming(1), [0, 1]);
    assert_eq!(graph.outgoing(99), [0usize; 0]);
    assert_eq!(graph.root(None), Ok(0));
}

#[test]
fn a_branch_may_name_a_case_like_the_success_alias() {
    let json = graph(
        vec![node("i", json!({"type": "if-else"})), node("e", json!({"type": "end"}))],
        vec![json!({"source": "i", "target": "e", "sourceHandle": "success-branch"})],
    );
    assert_eq!(Graph::parse(&json).unwrap().edges[0].handle, "success-branch");
}

#[test]
fn what_makes_a_graph_unusable() {
    let start = || node("s", json!({"type": "start"}));
    let cases = [
        (json!([]), "graph: it must be a mapping with nodes and edges"),
        (json!({}), "graph: nodes are missing"),
        (json!({"nodes": {}}), "graph: nodes must be a list"),
        (json!({"nodes": [], "edges": 1}), "graph: edges must be a list"),
        (graph(vec![json!(1)], vec![]), "graph: node 1 is not a mapping"),
        (graph(vec![json!({"id": 7})], vec![]), "graph: the id of node 1 is the number 7: put it in quotes"),
        (graph(vec![json!({"id": "a"})], vec![]), "node a: its data is missing or not a mapping"),
        (graph(vec![node("a", json!({}))], vec![]), "node a: its data has no type"),
        (graph(vec![start(), start()], vec![]), "node id s is used twice"),
        (
            graph(vec![start()], vec![json!({"id": "x", "source": "s", "target": "gone"})]),
            "edge x: there is no node gone (MISSING_NODE)",
        ),
        (
            graph(vec![node("a", json!({"type": "code", "error_strategy": "panic"}))], vec![]),
            "node a: unknown error_strategy \"panic\"; use fail-branch or default-value",
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(Graph::parse(&json).unwrap_err().to_string(), expected);
    }
}

#[test]
fn default_values_are_converted_to_their_type() {
    let read = |kind: &str, value: Json| {
        let data = json!({"type": "llm", "error_strategy": "default-value",
            "default_value": [{"key": "k", "type": kind, "value": value}]});
        Graph::parse(&graph(vec![node("n", data)], vec![])).map(|g| match &g.nodes[0].error_strategy {
            Some(ErrorStrategy::DefaultValue(values)) => values["k"].clone(),
            other => panic!("{other:?}"),
        })
    };
    let cases = [
        ("string", json!("x"), Value::from("x")),
        ("number", json!("5"), Value::Int(5)),
        ("number", json!("1.5"), Value::Float(1.5)),
        ("number", json!(2), Value::Int(2)),
        ("object", json!("{\"a\": 1}"), Value::from_json(&json!({"a": 1}))),
        ("array[string]", json!("[\"a\"]"), Value::from_json(&json!(["a"]))),
        ("array[number]", json!([1, 2.5]), Value::from_json(&json!([1, 2.5]))),
        ("array[object]", json!("[]"), Value::array_of(ValueType::ArrayObject, vec![])),
    ];
    for (kind, value, expected) in cases {
        let got = read(kind, value).unwrap();
        assert_eq!(got, expected, "{kind}");
        assert_eq!(got.value_type(), expected.value_type(), "{kind}");
    }
    for (kind, value) in [
        ("number", json!("abc")),
        ("string", json!(1)),
        ("object", json!("[1]")),
        ("string", json!(null)),
        ("what", json!(1)),
    ] {
        let why = read(kind, value.clone()).unwrap_err().to_string();
        assert!(why.starts_with("node n: default value of k: "), "{kind} {value}: {why}");
        assert!(why.ends_with(" (DefaultValueTypeError)"), "{kind} {value}: {why}");
    }
}

#[test]
fn settings_common_to_all_kinds() {
    let json = graph(
        vec![
            node(
                "a",
                json!({"type": "http-request", "title": "Call", "version": 2, "error_strategy": "fail-branch",
                "retry_config": {"retry_enabled": true, "max_retries": 3, "retry_interval": 100}, "iteration_id": "it"}),
            ),
            node(
                "b",
                json!({"type": "variable-assigner", "error_strategy": null, "retry_config": null, "loop_id": "lo"}),
            ),
        ],
        vec![],
    );
    let graph = Graph::parse(&json).unwrap();
    let (a, b) = (&graph.nodes[0], &graph.nodes[1]);
    assert_eq!((a.title.as_str(), a.version.as_str()), ("Call", "2"));
    assert_eq!(a.error_strategy, Some(ErrorStrategy::FailBranch));
    assert!(a.retry.enabled && a.retry.max_retries == 3 && a.retry.interval_ms == 100);
    assert_eq!((a.container.as_deref(), b.container.as_deref()), (Some("it"), Some("lo")));
    assert_eq!(
        (b.kind.as_str(), b.canonical_kind(), b.version.as_str()),
        ("variable-assigner", "variable-aggregator", "1")
    );
    assert_eq!(graph.children("it").count(), 1);
    let child = |data: Json| {
        let raw = json!({"id": "c", "parentId": "p", "data": data});
        Graph::parse(&json!({"nodes": [raw]})).unwrap().nodes[0].container.clone()
    };
    assert_eq!(child(json!({"type": "loop-start"})).as_deref(), Some("p"));
    assert_eq!(child(json!({"type": "code", "isInLoop": true})).as_deref(), Some("p"));
    assert_eq!(child(json!({"type": "code", "isInLoop": false})), None);
    assert_eq!(child(json!({"type": "code", "iteration_id": "i", "loop_id": "p"})).as_deref(), Some("p"));
}

#[test]
fn the_root_and_other_beginnings() {
    let json = graph(
        vec![
            node("x", json!({"type": "code"})),
            node("t1", json!({"type": "trigger-webhook"})),
            node("t2", json!({"type": "trigger-schedule"})),
            node("is", json!({"type": "iteration-start"})),
        ],
        vec![],
    );
    let graph = Graph::parse(&json).unwrap();
    assert_eq!(graph.root(None), Ok(1));
    assert_eq!(graph.root(Some("t2")), Ok(2));
    assert_eq!(graph.inactive_roots(2), [1]);
    assert_eq!(graph.inactive_roots(3), [0usize; 0]);
    assert_eq!(graph.root(Some("is")), Ok(3));
    assert_eq!(graph.root(Some("zz")), Err(GraphError::UnknownRoot("zz".into())));
    assert!(matches!(graph.root(Some("x")), Err(GraphError::InvalidRoot { .. })));
    let ring = json!({"nodes": [node("a", json!({"type": "code"}))], "edges": [{"source": "a", "target": "a"}]});
    assert_eq!(Graph::parse(&ring).unwrap().root(None), Err(GraphError::NoRoot));
}
