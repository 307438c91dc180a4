use std::collections::BTreeMap;

use ox_types::{File, FileKind, TransferMethod, Value};
use proptest::prelude::*;
use serde_json::json;

use super::Pool;

#[test]
fn a_selector_walks_into_values() {
    let mut pool = Pool::new();
    pool.set("n", "text", "hi");
    pool.set("n", "null", Value::None);
    pool.set("n", "object", Value::from_json(&json!({"a": {"b": 1}, "list": [1]})));
    let file = File {
        id: None,
        tenant_id: None,
        kind: FileKind::Image,
        transfer_method: TransferMethod::RemoteUrl,
        remote_url: Some("http://x/y.png".into()),
        related_id: None,
        filename: Some("y.png".into()),
        extension: Some(".png".into()),
        mime_type: None,
        size: 3,
        url: None,
    };
    pool.set("n", "file", file);
    let cases: [(&[&str], Option<Value>); 12] = [
        (&["n", "text"], Some("hi".into())),
        (&["n", "null"], Some(Value::None)),
        (&["n", "object", "a", "b"], Some(Value::Int(1))),
        (&["n", "object", "a", "c"], None),
        (&["n", "object", "list", "0"], None),
        (&["n", "file", "extension"], Some(".png".into())),
        (&["n", "file", "mime_type"], Some(Value::None)),
        (&["n", "file", "colour"], None),
        (&["n", "text", "x"], None),
        (&["n"], None),
        (&[], None),
        (&["m", "text"], None),
    ];
    for (selector, expected) in cases {
        assert_eq!(pool.get(selector), expected, "{selector:?}");
    }
}

#[test]
fn a_snapshot_does_not_change() {
    let mut pool = Pool::new();
    pool.set("a", "x", 1);
    let snapshot = pool.clone();
    pool.set("a", "x", 2);
    pool.set("a", "y", 3);
    pool.remove_node("b");
    pool.copy_node("a", &snapshot);
    assert_eq!(pool, snapshot);
    pool.remove_node("a");
    assert_eq!(snapshot.get(&["a", "x"]), Some(Value::Int(1)));
    assert_eq!(pool.get(&["a", "x"]), None);
}

proptest! {
    /// Any sequence of changes on any number of branches acts like changes of independent maps.
    #[test]
    fn acts_like_a_plain_map(steps in prop::collection::vec((0..4usize, 0..5u8, 0..40u8, 0..3u8, any::<i64>()), 1..120)) {
        let mut pools = vec![Pool::new(); 4];
        let mut models: Vec<BTreeMap<(String, String), i64>> = vec![BTreeMap::new(); 4];
        for (which, what, node, name, value) in steps {
            let (node, name) = (format!("1754{node}"), format!("v{name}"));
            match what {
                0 => {
                    let next = (which + 1) % 4;
                    pools[next] = pools[which].clone();
                    models[next] = models[which].clone();
                }
                1 => {
                    pools[which].remove_node(&node);
                    models[which].retain(|(id, _), _| *id != node);
                }
                _ => {
                    pools[which].set(&node, &name, value);
                    models[which].insert((node, name), value);
                }
            }
        }
        for (pool, model) in pools.iter().zip(&models) {
            for ((node, name), value) in model {
                prop_assert_eq!(pool.get(&[node, name]), Some(Value::Int(*value)));
            }
            prop_assert_eq!(pool.nodes().map(|(_, v)| v.len()).sum::<usize>(), model.len());
        }
    }
}
