//! The tree of crates: who depends on something that can go out.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use serde_json::Value;

/// Crates that can go out by themselves, and the only ones that may depend on each.
const CLIENTS: &[(&str, &[&str])] = &[
    ("async-nats", &[]),
    ("async-net", &[]),
    ("async-std", &[]),
    ("attohttpc", &[]),
    ("aws-config", &[]),
    ("awc", &[]),
    ("curl", &[]),
    ("curl-sys", &[]),
    ("git2", &[]),
    ("h3", &[]),
    ("hickory-client", &[]),
    ("hickory-resolver", &[]),
    ("hyper", &["axum", "hyper-util", "ox-net"]),
    ("hyper-rustls", &[]),
    ("hyper-tls", &[]),
    ("hyper-util", &["axum", "ox-net"]),
    ("isahc", &[]),
    // Its dialling is refused by name in the sources.
    ("lettre", &["ox-mail"]),
    ("minreq", &[]),
    ("mio", &["tokio"]),
    ("native-tls", &[]),
    ("opendal", &[]),
    ("openssl", &[]),
    ("openssl-sys", &[]),
    ("quinn", &[]),
    // Dials what the operator set in REDIS_* or OXIDIFY_REDIS_URL.
    ("redis", &["ox-kv"]),
    ("reqwest", &[]),
    // A client of another make would bring TLS of its own.
    ("rustls", &["ox-net", "redis", "sqlx-core", "tokio-rustls"]),
    ("smol", &[]),
    ("socket2", &["hyper-util", "lettre", "redis", "tokio"]),
    ("ssh2", &[]),
    ("surf", &[]),
    ("tokio-native-tls", &[]),
    ("tokio-rustls", &["ox-net", "redis"]),
    ("tokio-tungstenite", &[]),
    ("tonic", &[]),
    ("trust-dns-resolver", &[]),
    ("tungstenite", &[]),
    ("ureq", &[]),
    ("zmq", &[]),
    // Database drivers dial what the operator set in DB_*.
    // The database, and pgvector where the operator has one. The tool `sql` gives it a socket that leads to a
    // connection of `ox_net`.
    ("sqlx", &["ox-db", "ox-tools", "ox-vector", "sea-orm", "sea-orm-cli", "sea-query-sqlx", "sea-schema"]),
    ("sea-orm", &["ox-db", "sea-orm-migration"]),
    ("sea-orm-migration", &["ox-db"]),
];

/// Everything that is shipped and depends on a client which it may not have.
pub fn check(metadata: &Value, never_shipped: &[&str]) -> anyhow::Result<Vec<String>> {
    let packages = metadata["packages"].as_array().context("packages")?;
    let names: HashMap<&str, &str> =
        packages.iter().filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?))).collect();
    let name = |id: &str| names.get(id).copied().unwrap_or_default().to_owned();
    let nodes = metadata["resolve"]["nodes"].as_array().context("resolve")?;
    let nodes: HashMap<&str, &Value> = nodes.iter().filter_map(|node| Some((node["id"].as_str()?, node))).collect();
    let members = metadata["workspace_members"].as_array().context("workspace_members")?;
    let mut open: Vec<&str> =
        members.iter().filter_map(Value::as_str).filter(|id| !never_shipped.contains(&name(id).as_str())).collect();
    let (mut seen, mut problems) = (HashSet::new(), Vec::new());
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(node) = nodes.get(id) else { continue };
        for dependency in node["deps"].as_array().into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array();
            if kinds.is_some_and(|kinds| kinds.iter().all(|kind| kind["kind"] == "dev")) {
                continue;
            }
            let Some(to) = dependency["pkg"].as_str() else { continue };
            problems.extend(refused(&name(id), &name(to)));
            open.push(to);
        }
    }
    problems.sort();
    problems.dedup();
    Ok(problems)
}

fn refused(from: &str, to: &str) -> Option<String> {
    let (_, allowed) = CLIENTS.iter().find(|(client, _)| *client == to)?;
    let text = format!("{from} depends on {to}, which can go out by itself: use ox_net");
    (!allowed.contains(&from)).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn clients_are_found_however_deep() {
        let kind = |kind: Option<&str>| json!([{"kind": kind}]);
        let tree = json!({
            "packages": [
                {"id": "a", "name": "ox-app"}, {"id": "n", "name": "ox-net"}, {"id": "h", "name": "hub"},
                {"id": "u", "name": "ureq"}, {"id": "r", "name": "rustls"}, {"id": "t", "name": "ox-testkit"},
                {"id": "y", "name": "hyper"},
            ],
            "workspace_members": ["a", "n", "t"],
            "resolve": {"nodes": [
                {"id": "a", "deps": [{"pkg": "h", "dep_kinds": kind(None)}, {"pkg": "y", "dep_kinds": kind(Some("dev"))}]},
                {"id": "h", "deps": [{"pkg": "u", "dep_kinds": kind(None)}]},
                {"id": "u", "deps": [{"pkg": "r", "dep_kinds": kind(Some("build"))}]},
                {"id": "n", "deps": [{"pkg": "r", "dep_kinds": kind(None)}, {"pkg": "y", "dep_kinds": kind(None)}]},
                {"id": "t", "deps": [{"pkg": "u", "dep_kinds": kind(None)}]},
                {"id": "r", "deps": []}, {"id": "y", "deps": []},
            ]},
        });
        let found = check(&tree, &["ox-testkit"]).unwrap();
        let text = |from: &str, to: &str| format!("{from} depends on {to}, which can go out by itself: use ox_net");
        assert_eq!(found, [text("hub", "ureq"), text("ureq", "rustls")]);
    }
}
