//! Plugins that a document needs (DSL reference §6).

use std::collections::BTreeSet;

use ox_types::Json;

use crate::provider::ProviderName;

/// Ids (`organization/plugin`) of the plugins that the nodes of a graph use.
#[must_use]
pub fn of_graph(graph: &Json) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for node in graph.get("nodes").and_then(Json::as_array).into_iter().flatten() {
        if let Some(data) = node.get("data") {
            of_node(data, &mut found);
        }
    }
    found
}

/// Ids of the plugins that a basic app uses.
#[must_use]
pub fn of_model_config(config: &Json) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    add_model(config.pointer("/model/provider"), &mut found);
    if let Some(datasets) = config.get("dataset_configs") {
        add_model(datasets.pointer("/reranking_model/reranking_provider_name"), &mut found);
        add_model(datasets.pointer("/weights/vector_setting/embedding_provider_name"), &mut found);
    }
    for tool in config.pointer("/agent_mode/tools").and_then(Json::as_array).into_iter().flatten() {
        let is_plugin = matches!(tool.get("provider_type").and_then(Json::as_str), Some("builtin" | "plugin"));
        if is_plugin {
            add_tool(tool.get("provider_id").or_else(|| tool.get("provider_name")), &mut found);
        }
    }
    found
}

fn of_node(data: &Json, found: &mut BTreeSet<String>) {
    match data.get("type").and_then(Json::as_str).unwrap_or_default() {
        "tool" if matches!(data.get("provider_type").and_then(Json::as_str), Some("builtin" | "plugin") | None) => {
            add_tool(data.get("provider_id"), found);
        }
        "llm" | "question-classifier" | "parameter-extractor" => add_model(data.pointer("/model/provider"), found),
        "knowledge-retrieval" => {
            if data.get("retrieval_mode").and_then(Json::as_str) == Some("single") {
                add_model(data.pointer("/single_retrieval_config/model/provider"), found);
            } else {
                add_model(data.pointer("/multiple_retrieval_config/reranking_model/provider"), found);
                let weights = "/multiple_retrieval_config/weights/vector_setting/embedding_provider_name";
                add_model(data.pointer(weights), found);
            }
        }
        "agent" => {
            add_tool(data.get("agent_strategy_provider_name"), found);
            add_model(data.pointer("/agent_parameters/model/value/provider"), found);
            for tool in data.pointer("/agent_parameters/tools/value").and_then(Json::as_array).into_iter().flatten() {
                if matches!(tool.get("type").and_then(Json::as_str), Some("builtin" | "plugin") | None) {
                    add_tool(tool.get("provider_name"), found);
                }
            }
        }
        "datasource" | "trigger-plugin" => {
            if let Some(id) = text(data.get("plugin_id")) {
                found.insert(id.to_owned());
            } else {
                add_tool(data.get("provider_id"), found);
            }
        }
        _ => {}
    }
}

fn text(json: Option<&Json>) -> Option<&str> {
    json.and_then(Json::as_str).filter(|text| !text.is_empty())
}

fn add_model(provider: Option<&Json>, found: &mut BTreeSet<String>) {
    found.extend(text(provider).and_then(ProviderName::model).map(|name| name.plugin_id()));
}

fn add_tool(provider: Option<&Json>, found: &mut BTreeSet<String>) {
    // Providers of workflows, OpenAPI documents and MCP servers are rows of a workspace: their ids are UUIDs.
    let named = text(provider).filter(|name| uuid::Uuid::try_parse(name).is_err());
    found.extend(named.and_then(ProviderName::tool).map(|name| name.plugin_id()));
}

/// The id of the plugin that an entry of `dependencies` names.
#[must_use]
pub fn plugin_id(entry: &Json) -> Option<String> {
    let value = entry.get("value")?;
    let names = ["marketplace_plugin_unique_identifier", "plugin_unique_identifier", "github_plugin_unique_identifier"];
    let unique = names.iter().find_map(|name| value.get(name).and_then(Json::as_str));
    match unique {
        Some(unique) => unique.split_once(':').map(|(id, _)| id.to_owned()),
        None => text(value.get("repo")).map(str::to_owned),
    }
}

/// What to write on export: the entries that are known from import and whose plugin is still used,
/// and those that cannot be judged.
#[must_use]
pub fn still_used(stored: &[Json], used: &BTreeSet<String>) -> Vec<Json> {
    stored.iter().filter(|entry| plugin_id(entry).is_none_or(|id| used.contains(&id))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn plugins_of_nodes_and_configs() {
        let node = |data: serde_json::Value| json!({"id": "n", "data": data});
        let graph = json!({"nodes": [
            node(json!({"type": "llm", "model": {"provider": "openai"}})),
            node(json!({"type": "tool", "provider_type": "builtin", "provider_id": "langgenius/perplexity/perplexity"})),
            node(json!({"type": "tool", "provider_type": "builtin", "provider_id": "time"})),
            node(json!({"type": "tool", "provider_type": "api", "provider_id": "x"})),
            node(json!({"type": "tool", "provider_type": "builtin", "provider_id": "6e1a2b3c-0000-4000-8000-000000000000"})),
            node(json!({"type": "knowledge-retrieval", "retrieval_mode": "multiple",
                "multiple_retrieval_config": {"reranking_model": {"provider": "cohere"}}})),
            node(json!({"type": "agent", "agent_strategy_provider_name": "langgenius/agent/agent", "agent_parameters": {
                "model": {"type": "constant", "value": {"provider": "a/b/c"}},
                "tools": {"type": "constant", "value": [{"type": "builtin", "provider_name": "google"}]}}})),
            json!({"id": "broken"}),
        ]});
        let found: Vec<_> = super::of_graph(&graph).into_iter().collect();
        assert_eq!(
            found,
            [
                "a/b",
                "langgenius/agent",
                "langgenius/cohere",
                "langgenius/google",
                "langgenius/openai",
                "langgenius/perplexity"
            ]
        );
        let config = json!({"model": {"provider": "google"}, "agent_mode": {"tools": [{"provider_type": "builtin", "provider_id": "jina"}, {"dataset": {}}]}});
        assert_eq!(
            super::of_model_config(&config).into_iter().collect::<Vec<_>>(),
            ["langgenius/gemini", "langgenius/jina_tool"]
        );
    }

    #[test]
    fn known_entries_are_kept_while_used() {
        let entry = |id: &str| json!({"type": "marketplace", "value": {"marketplace_plugin_unique_identifier": format!("{id}:1.0@ff")}});
        let stored = [entry("a/b"), entry("c/d"), json!({"type": "odd"})];
        let kept = super::still_used(&stored, &std::iter::once("a/b".to_owned()).collect());
        assert_eq!(kept, [stored[0].clone(), stored[2].clone()]);
    }
}
