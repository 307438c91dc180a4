use std::path::PathBuf;

use ox_text::yaml;
use ox_types::Json;
use proptest::prelude::*;
use serde_json::json;

use super::{AppDocument, AppMode, Body, Export, ExportBody, restore_dataset_ids};
use crate::{dependencies, graph::Graph, hash::sorted, lint, starter, version::ImportStatus};

fn fixtures() -> Vec<(String, String)> {
    let shared = std::env::var("OXIDIFY_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let Ok(entries) = std::fs::read_dir(PathBuf::from(&shared).join("fixtures/dsl")) else {
        println!("skipped: no fixtures in {shared}");
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "yml"));
    paths
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(p).unwrap()))
        .collect()
}

fn export(app: &AppDocument, include_secret: bool) -> Json {
    let body = app.body().unwrap();
    let body = match &body {
        Body::Workflow(workflow) => ExportBody::Workflow(workflow),
        Body::Basic(config) => ExportBody::Basic(config),
    };
    let mode = app.mode().unwrap();
    let export = Export {
        info: &app.info,
        mode,
        body,
        dependencies: &app.dependencies,
        include_secret,
        protect_dataset_ids: None,
    };
    let text = export.to_yaml().unwrap();
    let read = yaml::parse(&text).unwrap();
    assert_eq!(read, export.to_json(), "{text}");
    read
}

/// What an export may add or change, put into the original too.
fn expected(app: &AppDocument) -> Json {
    let mut raw = app.raw.clone();
    raw["version"] = "0.6.0".into();
    raw["kind"] = "app".into();
    let mut default = |pointer: &str, key: &str, value: Json| {
        let target = raw.pointer_mut(pointer).and_then(Json::as_object_mut);
        if let Some(target) = target.filter(|target| !target.contains_key(key)) {
            target.insert(key.into(), value);
        }
    };
    default("", "dependencies", json!([]));
    default("/app", "icon_type", json!("emoji"));
    default("/workflow", "rag_pipeline_variables", json!([]));
    default("/workflow", "environment_variables", json!([]));
    default("/workflow", "conversation_variables", json!([]));
    sorted(&raw)
}

#[test]
fn every_fixture_imports_and_exports_without_loss() {
    for (name, text) in fixtures() {
        let app = AppDocument::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(matches!(app.status, ImportStatus::CompletedWithWarnings | ImportStatus::Completed), "{name}");
        let exported = export(&app, true);
        let wanted = expected(&app);
        assert_eq!(exported, wanted, "{name}");
        let again = AppDocument::from_json(exported.clone()).unwrap();
        assert_eq!(again.status, ImportStatus::Completed, "{name}");
        assert_eq!(export(&again, true), exported, "{name}");
    }
}

#[test]
fn basic_apps_import_and_export_without_loss() {
    for mode in [AppMode::Chat, AppMode::AgentChat, AppMode::Completion] {
        let mut config = starter::model_config(mode, Some(("openai", "gpt-4o"))).unwrap();
        config["odd"] = json!({"kept": [1, null]});
        config["agent_mode"]["tools"] =
            json!([{"provider_type": "builtin", "provider_id": "time", "credential_id": "c"}]);
        let text = yaml::write(&json!({
            "app": {"mode": mode.as_str(), "name": "机器人", "icon": "🤖", "icon_type": "emoji", "icon_background": "#FFEAD5",
                "description": "no", "use_icon_as_answer_icon": true},
            "kind": "app", "version": "0.1.5", "model_config": config,
        }))
        .unwrap();
        let app = AppDocument::parse(&text).unwrap();
        assert_eq!(app.body().unwrap(), Body::Basic(config), "{mode:?}");
        assert_eq!(export(&app, true), expected(&app), "{mode:?}");
        let without = export(&app, false);
        assert_eq!(
            without["model_config"]["agent_mode"]["tools"],
            json!([{"provider_type": "builtin", "provider_id": "time"}])
        );
    }
}

#[test]
fn every_fixture_builds_a_graph_with_a_root_and_lints_without_structural_errors() {
    for (name, text) in fixtures() {
        let app = AppDocument::parse(&text).unwrap();
        let Body::Workflow(body) = app.body().unwrap() else { panic!("{name} is a workflow") };
        let graph = Graph::parse(&body.graph).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(graph.nodes[graph.root(None).unwrap()].kind, "start", "{name}");
        let edges = body.graph["edges"].as_array().unwrap().len();
        assert_eq!(graph.edges.len(), edges, "{name}");
        let used = dependencies::of_graph(&body.graph);
        assert_eq!(dependencies::still_used(&app.dependencies, &used), app.dependencies, "{name}");
        for problem in lint::document(&app) {
            // One file has no model chosen, one names a provider that is no plugin.
            let allowed = ["model-missing", "unreachable", "required", "empty-value"];
            assert!(allowed.contains(&problem.code), "{name}: {problem:?}");
        }
    }
}

#[test]
fn errors_have_the_texts_of_the_compatible_system() {
    let cases = [
        ("- 1", "Invalid YAML format: content must be a mapping"),
        ("kind: app", "Missing app data in YAML content"),
        ("app: {}", "Missing app data in YAML content"),
        ("app: {name: x}", "loss app mode"),
        ("app: {mode: chat}\nversion: 0.1", "Invalid version type, expected str, got <class 'float'>"),
        ("app: {mode: chat}\nversion: 1", "Invalid version type, expected str, got <class 'int'>"),
        ("app: {mode: chat}\nversion: abc", "Invalid version: 'abc'"),
    ];
    for (text, expected) in cases {
        assert_eq!(AppDocument::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    let bodies = [
        ("app: {mode: workflow}", "Missing workflow data for workflow/advanced chat app"),
        ("app: {mode: chat}", "Missing model_config for chat/agent-chat/completion app"),
        ("app: {mode: channel}", "Invalid app mode"),
        ("app: {mode: workflow}\nworkflow: {graph: []}", "workflow.graph must be a mapping"),
        (
            "app: {mode: workflow}\nworkflow: {graph: {}, environment_variables: [{name: a, value_type: string}]}",
            "missing value (env variable a)",
        ),
    ];
    for (text, expected) in bodies {
        assert_eq!(AppDocument::parse(text).unwrap().body().unwrap_err().to_string(), expected, "{text}");
    }
    let large = format!("app: {{mode: chat}}\nx: {}", "y".repeat(super::MAX_BYTES));
    assert_eq!(AppDocument::parse(&large).unwrap_err().to_string(), "File size exceeds the limit of 10MB");
}

#[test]
fn tolerant_reading_of_the_envelope() {
    let app = AppDocument::parse(
        "app: {mode: chat, name: 5, icon_type: weird, icon: 1, x: y}\nkind: other\nmodel_config: {model: {}}",
    )
    .unwrap();
    assert_eq!((app.version.as_str(), app.status), ("0.1.0", ImportStatus::CompletedWithWarnings));
    assert_eq!((app.info.name.as_str(), app.info.icon_type.as_str(), app.info.icon.as_str()), ("5", "emoji", "1"));
    assert_eq!((app.info.icon_background.as_str(), &app.info.extra["x"]), ("#FFFFFF", &json!("y")));
    assert_eq!(app.raw["kind"], "app");
    let future = AppDocument::parse("app: {mode: workflow}\nversion: 0.7.0\nworkflow: 5").unwrap();
    assert_eq!(future.status, ImportStatus::Pending);
    assert!(future.body().is_err());
}

#[test]
fn what_belongs_to_the_workspace_is_taken_out() {
    let node = |id: &str, data: Json| json!({"id": id, "data": data});
    let app = AppDocument::from_json(json!({"app": {"mode": "workflow", "name": "n"}, "version": "0.6.0", "workflow": {
        "environment_variables": [{"id": "1", "name": "k", "value_type": "secret", "value": "s3"}],
        "graph": {"edges": [], "nodes": [
            node("1", json!({"type": "tool", "credential_id": "c", "keep": 1})),
            node("2", json!({"type": "agent", "agent_parameters": {"tools": {"value": [{"credential_id": "c", "a": 1}]}}})),
            node("3", json!({"type": "trigger-webhook", "webhook_url": "http://x"})),
            node("4", json!({"type": "trigger-plugin", "subscription_id": "s"})),
            node("5", json!({"type": "start", "variables": [
                {"variable": "f", "type": "file", "default": {"transfer_method": "local_file"}},
                {"variable": "l", "type": "file-list", "default": [{"upload_file_id": "u"}, {"url": "http://x"}]}]})),
            node("6", json!({"type": "knowledge-retrieval", "dataset_ids": ["a", "b"]})),
        ]}}}))
    .unwrap();
    let data = |document: &Json, index: usize| document["workflow"]["graph"]["nodes"][index]["data"].clone();
    let without = export(&app, false);
    assert_eq!(without["workflow"]["environment_variables"][0]["value"], "");
    assert_eq!(data(&without, 0), json!({"keep": 1, "type": "tool"}));
    assert_eq!(data(&without, 1)["agent_parameters"]["tools"]["value"][0], json!({"a": 1}));
    assert_eq!((&data(&without, 2)["webhook_url"], &data(&without, 3)["subscription_id"]), (&json!(""), &json!("")));
    assert_eq!(data(&without, 4)["variables"][0]["default"], Json::Null);
    assert_eq!(data(&without, 4)["variables"][1]["default"], json!([{"url": "http://x"}]));
    let with = export(&app, true);
    assert_eq!(with["workflow"]["environment_variables"][0]["value"], "s3");
    assert_eq!(data(&with, 0)["credential_id"], "c");
    let Body::Workflow(body) = app.body().unwrap() else { panic!() };
    let protect = |id: &str| format!("enc-{id}");
    let protected = Export {
        info: &app.info,
        mode: AppMode::Workflow,
        body: ExportBody::Workflow(&body),
        dependencies: &[],
        include_secret: false,
        protect_dataset_ids: Some(&protect),
    };
    assert_eq!(data(&protected.to_json(), 5)["dataset_ids"], json!(["enc-a", "enc-b"]));
}

#[test]
fn dataset_ids_come_back_or_are_dropped() {
    let id = "6e1a2b3c-0000-4000-8000-000000000000";
    let mut graph = json!({"nodes": [{"data": {"type": "knowledge-retrieval", "dataset_ids": [id, "enc", "junk", "bad", 5]}},
        {"data": {"type": "llm", "dataset_ids": ["x"]}}]});
    restore_dataset_ids(&mut graph, &|text| match text {
        "enc" => Some("00000000-0000-4000-8000-000000000001".into()),
        "bad" => Some("not a uuid".into()),
        _ => None,
    });
    assert_eq!(graph["nodes"][0]["data"]["dataset_ids"], json!([id, "00000000-0000-4000-8000-000000000001"]));
    assert_eq!(graph["nodes"][1]["data"]["dataset_ids"], json!(["x"]));
}

#[test]
fn starters_are_sound() {
    for mode in AppMode::ALL {
        assert_eq!(AppMode::parse(mode.as_str()), Some(mode));
        assert_eq!(starter::graph(mode, None).is_some(), mode.has_graph());
        assert_eq!(starter::model_config(mode, None).is_some(), !mode.has_graph());
        if let Some(graph) = starter::graph(mode, Some(("langgenius/openai/openai", "gpt-4o"))) {
            Graph::parse(&graph).unwrap();
            let body = super::WorkflowBody { graph, features: starter::features(mode), ..Default::default() };
            let codes: Vec<_> = lint::workflow(mode, &body).iter().map(|problem| problem.code).collect();
            let expected: &[&str] = if mode == AppMode::Workflow { &["no-output"] } else { &[] };
            assert_eq!(codes, expected);
        }
        if let Some(config) = starter::model_config(mode, Some(("p", "m"))) {
            assert_eq!(lint::model_config(&config), [], "{mode:?}");
        }
    }
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_filter_map("finite", |n| serde_json::Number::from_f64(n).map(Json::Number)),
        "[a-z{}#.:\\- \n]{0,12}".prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::hash_map("[a-z_]{1,8}|type|id|data|nodes|edges", inner, 0..6)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn unknown_contents_survive_import_and_export(extra in any_json(), data in any_json()) {
        let document = json!({"app": {"mode": "workflow", "name": "n", "unknown": extra}, "kind": "app", "version": "0.6.0",
            "workflow": {"graph": {"nodes": [{"id": "1", "data": {"type": "odd", "x": data}}], "edges": [], "more": extra},
                "features": {"odd": data}}});
        let app = AppDocument::from_json(document).unwrap();
        prop_assert_eq!(export(&app, true), expected_with_defaults(&app));
    }

    #[test]
    fn any_document_is_answered(json in any_json(), graph in any_json(), config in any_json()) {
        let _ = AppDocument::from_json(json.clone());
        let _ = Graph::read(&graph);
        let body = super::WorkflowBody { graph: graph.clone(), features: json, ..Default::default() };
        let _ = lint::workflow(AppMode::AdvancedChat, &body);
        let _ = lint::model_config(&config);
        let _ = dependencies::of_graph(&graph);
        let _ = crate::features::parameters(&config, Json::Null, crate::features::SystemLimits::default());
    }
}

fn expected_with_defaults(app: &AppDocument) -> Json {
    let mut wanted = expected(app);
    let info = wanted["app"].as_object_mut().unwrap();
    for (key, value) in [
        ("description", json!("")),
        ("icon", json!("")),
        ("icon_background", json!("#FFFFFF")),
        ("use_icon_as_answer_icon", json!(false)),
    ] {
        info.entry(key).or_insert(value);
    }
    sorted(&wanted)
}
