//! What the editor is told of our strategies (console API reference §5).

use ox_types::Json;
use serde_json::json;

use crate::{MAX_ITERATIONS, Strategy};

/// A provider of strategies.
struct Provider {
    id: &'static str,
    author: &'static str,
    label: [&'static str; 2],
    description: [&'static str; 2],
    strategies: &'static [Strategy],
}

const PROVIDERS: [Provider; 2] = [
    Provider {
        id: "langgenius/agent/agent",
        author: "langgenius",
        label: ["Agent", "Agent"],
        description: ["Function calling and ReAct.", "函数调用与 ReAct。"],
        strategies: &[Strategy::FunctionCalling, Strategy::ReAct],
    },
    Provider {
        id: "oxidify/agent/agent",
        author: "oxidify",
        label: ["Oxidify agents", "Oxidify Agent"],
        description: ["A plan first, then its steps, then the answer.", "先规划，再逐步执行，最后作答。"],
        strategies: &[Strategy::PlanExecute, Strategy::FunctionCalling, Strategy::ReAct],
    },
];

/// Every provider, as the console lists it.
#[must_use]
pub fn declarations() -> Vec<Json> {
    PROVIDERS.iter().map(declared).collect()
}

/// One provider, by its id.
#[must_use]
pub fn provider(id: &str) -> Option<Json> {
    PROVIDERS.iter().find(|provider| provider.id == id).map(declared)
}

fn declared(provider: &Provider) -> Json {
    let plugin = provider.id.rsplit_once('/').map_or(provider.id, |(plugin, _)| plugin);
    let strategies: Vec<Json> = provider.strategies.iter().map(|strategy| described(*strategy, provider)).collect();
    json!({
        "provider": provider.id,
        "plugin_unique_identifier": format!("{plugin}:0.0.1@{:064x}", 0),
        "plugin_id": plugin,
        "declaration": {
            "identity": {
                "author": provider.author,
                "name": provider.id,
                "label": both(provider.label),
                "description": both(provider.description),
                "icon": "",
                "icon_dark": null,
                "tags": [],
            },
            "strategies": strategies,
        },
        "meta": {"minimum_dify_version": null, "version": "0.0.1"},
    })
}

fn both([en, zh]: [&str; 2]) -> Json {
    json!({"en_US": en, "zh_Hans": zh, "ja_JP": en, "pt_BR": en})
}

fn described(strategy: Strategy, provider: &Provider) -> Json {
    let (label, description) = match strategy {
        Strategy::FunctionCalling => (
            ["Function calling", "函数调用"],
            ["The model calls tools by itself, until it answers.", "由模型自行调用工具，直到给出回答。"],
        ),
        Strategy::ReAct => (
            ["ReAct", "ReAct"],
            [
                "The model writes thoughts and actions; works with models that cannot call tools.",
                "模型以文本写出思考与行动，适用于不支持函数调用的模型。",
            ],
        ),
        Strategy::PlanExecute => (
            ["Plan and execute", "规划与执行"],
            [
                "The model makes a plan, carries out its steps with tools, and answers from the results.",
                "模型先制定计划，借助工具逐步执行，再根据结果作答。",
            ],
        ),
    };
    json!({
        "identity": {
            "author": provider.author,
            "name": strategy.as_str(),
            "label": both(label),
            "provider": provider.id,
            "icon": null,
        },
        "description": both(description),
        "parameters": parameters(strategy),
        "output_schema": null,
        "features": ["history-messages"],
    })
}

fn parameters(strategy: Strategy) -> Vec<Json> {
    let scope = if strategy == Strategy::FunctionCalling { "tool-call&llm" } else { "llm" };
    let field = |name: &str, kind: &str, label: [&str; 2], required: bool, extra: Json| {
        let mut field = json!({
            "name": name, "label": both(label), "help": null, "type": kind, "scope": null, "required": required,
            "default": null, "min": null, "max": null, "precision": null, "options": [], "auto_generate": null,
            "template": null, "placeholder": null,
        });
        if let (Json::Object(fields), Json::Object(extra)) = (&mut field, extra) {
            fields.extend(extra);
        }
        field
    };
    vec![
        field("model", "model-selector", ["Model", "模型"], true, json!({"scope": scope})),
        field("tools", "array[tools]", ["Tool list", "工具列表"], strategy != Strategy::PlanExecute, json!({})),
        field(
            "instruction",
            "string",
            ["Instruction", "指令"],
            true,
            json!({"auto_generate": {"type": "prompt_instruction"}, "template": {"enabled": true}}),
        ),
        field("query", "string", ["Query", "查询"], true, json!({})),
        field("context", "any", ["Context", "上下文"], false, json!({})),
        field("files", "files", ["Files", "文件"], false, json!({})),
        field(
            "maximum_iterations",
            "number",
            ["Maximum iterations", "最大迭代次数"],
            true,
            json!({"default": 5, "min": 1, "max": MAX_ITERATIONS}),
        ),
    ]
}
