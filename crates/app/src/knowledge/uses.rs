//! Which knowledge bases an app uses, so that nobody deletes one under it unawares.

use ox_db::{Tx, model::AppModelConfig, repo};
use ox_types::{AppId, DatasetId, Json, TenantId};

use crate::{Result, chat::lookup::dataset_ids};

/// Those of a basic app.
pub(crate) fn of_config(config: &AppModelConfig) -> Vec<DatasetId> {
    dataset_ids(config).iter().filter_map(|id| id.parse().ok()).collect()
}

/// Those of a workflow's nodes, at any depth of containers.
pub(crate) fn of_graph(graph: &Json) -> Vec<DatasetId> {
    let nodes = graph.get("nodes").and_then(Json::as_array).into_iter().flatten().filter_map(|node| node.get("data"));
    let looking = nodes.filter(|data| data.get("type").and_then(Json::as_str) == Some("knowledge-retrieval"));
    let ids = looking.filter_map(|data| data.get("dataset_ids")?.as_array()).flatten();
    ids.filter_map(|id| id.as_str()?.parse().ok()).collect()
}

/// Notes what an app uses, in place of what it used before.
pub(crate) async fn keep(tx: &Tx, tenant: TenantId, app: AppId, ids: &[DatasetId]) -> Result<()> {
    let known: Vec<DatasetId> = if ids.is_empty() {
        Vec::new()
    } else {
        repo::datasets::find_all(tx, tenant, ids).await?.into_iter().map(|dataset| dataset.id).collect()
    };
    Ok(repo::datasets::set_of_app(tx, app, &known).await?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::of_graph;

    #[test]
    fn the_nodes_that_look_something_up_tell() {
        let id = "01a201bd-9dc1-715e-bbad-c94f1d76f5bf";
        let node = |kind: &str| json!({"data": {"type": kind, "dataset_ids": [id, "no id", 3]}});
        let graph = json!({"nodes": [node("knowledge-retrieval"), node("llm"), {}], "edges": []});
        assert_eq!(of_graph(&graph).iter().map(ToString::to_string).collect::<Vec<_>>(), [id]);
        assert_eq!(of_graph(&json!({})), []);
    }
}
