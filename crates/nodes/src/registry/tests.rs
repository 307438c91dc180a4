use std::collections::HashSet;

use serde_json::json;

use super::*;
use crate::testing;

#[test]
fn kinds_are_unique_and_in_order() {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.kind()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted);
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
}

#[tokio::test]
async fn every_default_configuration_builds() {
    let registry = Registry::new(testing::ports());
    for kind in KINDS {
        let spec = testing::spec(kind.kind(), kind.default_config());
        assert!(registry.build(&spec).is_ok(), "{}", kind.kind());
        // A configuration of the wrong shape is refused, naming the node; kinds without one take anything.
        let broken = testing::spec(
            kind.kind(),
            json!({
                "variables": 1, "outputs": 1, "answer": 1, "items": 1, "code": 1, "url": 1, "cases": 1, "model": 1,
                "template": 1, "loop_count": "x", "iterator_selector": 1, "agent_strategy_name": 1, "tool_name": 1,
                "plugin_id": 1, "variable_selector": 1, "chunk_structure": 1, "inputs": 1, "method": 1,
            }),
        );
        match registry.build(&broken) {
            Ok(_) => {
                let takes_anything = ["-start", "loop-end", "trigger-plugin", "trigger-schedule", "trigger-webhook"];
                assert!(takes_anything.iter().any(|end| kind.kind().ends_with(end)), "{}", kind.kind());
            }
            Err(error) => assert!(error.to_string().starts_with("node n ("), "{error}"),
        }
    }
    let legacy = testing::spec("variable-assigner", json!({"variables": []}));
    assert!(registry.build(&legacy).is_ok());
}

#[tokio::test]
async fn an_unknown_kind_fails_by_name() {
    let error = testing::run("teleport", json!({}), ox_engine::Pool::new()).await.unwrap_err();
    assert_eq!(error.error, "Node 'n' is of the type 'teleport', which this version cannot run.");
}

#[test]
fn the_studio_knows_every_kind() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/src/studio/nodes");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: {} is absent", folder.display());
        return;
    };
    let text: String = files.filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok()).collect();
    for kind in KINDS {
        assert!(text.contains(&format!("\"{}\"", kind.kind())), "the studio has no record of {}", kind.kind());
    }
}
