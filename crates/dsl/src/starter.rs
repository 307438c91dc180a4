//! Documents that new apps begin with.

use ox_types::Json;
use serde_json::json;

use crate::document::AppMode;

/// The first draft of a workflow app: a start node, and for a chatflow a model and an answer.
/// `None` for modes without a graph.
#[must_use]
pub fn graph(mode: AppMode, model: Option<(&str, &str)>) -> Option<Json> {
    let viewport = json!({"x": 0, "y": 0, "zoom": 1});
    match mode {
        AppMode::Workflow => Some(json!({
            "nodes": [node("start", 80, &json!({"type": "start", "title": "Start", "desc": "", "variables": []}))],
            "edges": [],
            "viewport": viewport,
        })),
        AppMode::AdvancedChat => {
            let (provider, name) = model.unwrap_or_default();
            let llm = json!({
                "type": "llm", "title": "LLM", "desc": "", "variables": [],
                "model": {"provider": provider, "name": name, "mode": "chat", "completion_params": {"temperature": 0.7}},
                "prompt_template": [{"role": "system", "text": ""}],
                "context": {"enabled": false, "variable_selector": []},
                "memory": {"window": {"enabled": false, "size": 10}, "query_prompt_template": "{{#sys.query#}}\n\n{{#sys.files#}}"},
                "vision": {"enabled": false},
            });
            let answer =
                json!({"type": "answer", "title": "Answer", "desc": "", "answer": "{{#llm.text#}}", "variables": []});
            Some(json!({
                "nodes": [
                    node("start", 80, &json!({"type": "start", "title": "Start", "desc": "", "variables": []})),
                    node("llm", 380, &llm),
                    node("answer", 680, &answer),
                ],
                "edges": [edge("start", "llm", "start", "llm"), edge("llm", "answer", "llm", "answer")],
                "viewport": viewport,
            }))
        }
        AppMode::Chat | AppMode::AgentChat | AppMode::Completion => None,
    }
}

fn node(id: &str, x: i64, data: &Json) -> Json {
    json!({"id": id, "type": "custom", "position": {"x": x, "y": 282}, "sourcePosition": "right",
        "targetPosition": "left", "data": data})
}

fn edge(source: &str, target: &str, source_type: &str, target_type: &str) -> Json {
    json!({"id": format!("{source}-source-{target}-target"), "type": "custom", "source": source, "sourceHandle": "source",
        "target": target, "targetHandle": "target", "zIndex": 0,
        "data": {"sourceType": source_type, "targetType": target_type, "isInIteration": false, "isInLoop": false}})
}

/// The features of a new workflow app.
#[must_use]
pub fn features(mode: AppMode) -> Json {
    let file_upload = json!({
        "enabled": false, "number_limits": 3, "allowed_file_types": ["image"],
        "allowed_file_extensions": [".JPG", ".JPEG", ".PNG", ".GIF", ".WEBP", ".SVG"],
        "allowed_file_upload_methods": ["local_file", "remote_url"],
        "image": {"enabled": false, "number_limits": 3, "transfer_methods": ["local_file", "remote_url"]},
    });
    let off = json!({"enabled": false});
    if mode == AppMode::Workflow {
        return json!({"file_upload": file_upload});
    }
    json!({
        "opening_statement": "", "suggested_questions": [], "suggested_questions_after_answer": off,
        "speech_to_text": off, "text_to_speech": {"enabled": false, "voice": "", "language": ""},
        "retriever_resource": {"enabled": true}, "sensitive_word_avoidance": off, "file_upload": file_upload,
    })
}

/// The configuration of a new basic app; `None` for modes with a graph.
#[must_use]
pub fn model_config(mode: AppMode, model: Option<(&str, &str)>) -> Option<Json> {
    let (provider, name) = model.unwrap_or_default();
    let mut config = json!({
        "model": {"provider": provider, "name": name, "mode": "chat", "completion_params": {}},
        "pre_prompt": "", "prompt_type": "simple", "chat_prompt_config": {}, "completion_prompt_config": {},
        "user_input_form": [], "dataset_query_variable": "",
        "dataset_configs": {"retrieval_model": "multiple", "datasets": {"datasets": []}, "top_k": 4,
            "reranking_enable": false},
        "agent_mode": {"enabled": false, "strategy": null, "tools": [], "prompt": null, "max_iteration": 10},
        "external_data_tools": [], "opening_statement": "", "suggested_questions": [],
        "suggested_questions_after_answer": {"enabled": false}, "speech_to_text": {"enabled": false},
        "text_to_speech": {"enabled": false, "voice": "", "language": ""}, "retriever_resource": {"enabled": true},
        "more_like_this": {"enabled": false},
        "sensitive_word_avoidance": {"enabled": false, "type": "", "configs": []},
        "file_upload": {"image": {"enabled": false, "number_limits": 3, "detail": "high",
            "transfer_methods": ["remote_url", "local_file"]}},
    });
    match mode {
        AppMode::Workflow | AppMode::AdvancedChat => return None,
        AppMode::AgentChat => {
            config["agent_mode"] =
                json!({"enabled": true, "strategy": "function_call", "max_iteration": 10, "tools": [], "prompt": null});
        }
        AppMode::Completion => {
            config["user_input_form"] =
                json!([{"paragraph": {"label": "Query", "variable": "query", "required": true, "default": ""}}]);
            config["pre_prompt"] = json!("{{query}}");
        }
        AppMode::Chat => {}
    }
    Some(config)
}
