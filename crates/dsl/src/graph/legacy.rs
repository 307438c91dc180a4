//! Old spellings of node settings, turned into the present ones for whoever runs or checks a node.
//! The stored document keeps what was written.

use ox_types::Json;
use serde_json::{Map, json};

/// Brings a node's settings into the present form (DSL reference §11).
pub fn upgrade(kind: &str, data: &mut Json) {
    let Some(fields) = data.as_object_mut() else { return };
    match kind {
        "start" => each(fields, "variables", |variable| {
            for key in ["options", "allowed_file_types", "allowed_file_extensions", "allowed_file_upload_methods"] {
                null_to(variable, key, || json!([]));
            }
            null_to(variable, "description", || json!(""));
        }),
        "end" => each(fields, "outputs", |output| {
            let value_type = output.get("value_type").and_then(Json::as_str).unwrap_or("any").to_ascii_lowercase();
            output.insert("value_type".into(), value_type.into());
        }),
        "llm" => llm(fields),
        "if-else" => if_else(fields),
        "parameter-extractor" => parameter_extractor(fields),
        "http-request" => http_request(fields),
        "tool" => tool(fields),
        "iteration" => {
            default(fields, "is_parallel", || json!(false));
            default(fields, "parallel_nums", || json!(10));
            default(fields, "error_handle_mode", || json!("terminated"));
            default(fields, "flatten_output", || json!(true));
        }
        "human-input" => human_input(fields),
        _ => {}
    }
    if matches!(kind, "llm" | "question-classifier" | "parameter-extractor" | "knowledge-retrieval") {
        vision(fields);
    }
}

fn each(fields: &mut Map<String, Json>, list: &str, mut change: impl FnMut(&mut Map<String, Json>)) {
    let items = fields.get_mut(list).and_then(Json::as_array_mut).into_iter().flatten();
    items.filter_map(Json::as_object_mut).for_each(&mut change);
}

/// Sets a value that is absent or null.
fn default(fields: &mut Map<String, Json>, key: &str, value: impl FnOnce() -> Json) {
    if fields.get(key).is_none_or(Json::is_null) {
        fields.insert(key.into(), value());
    }
}

/// Sets a value that is there and null.
fn null_to(fields: &mut Map<String, Json>, key: &str, value: impl FnOnce() -> Json) {
    if fields.get(key).is_some_and(Json::is_null) {
        fields.insert(key.into(), value());
    }
}

fn rename(fields: &mut Map<String, Json>, old: &str, new: &str) {
    if fields.get(new).is_none_or(Json::is_null)
        && let Some(value) = fields.get(old).cloned()
    {
        fields.insert(new.into(), value);
    }
}

fn vision(fields: &mut Map<String, Json>) {
    let Some(vision) = fields.get_mut("vision").and_then(Json::as_object_mut) else { return };
    default(vision, "configs", || json!({}));
    if let Some(configs) = vision.get_mut("configs").and_then(Json::as_object_mut) {
        default(configs, "variable_selector", || json!(["sys", "files"]));
        default(configs, "detail", || json!("high"));
    }
}

fn llm(fields: &mut Map<String, Json>) {
    rename(fields, "structured_output_switch_on", "structured_output_enabled");
    null_to(fields, "prompt_config", || json!({}));
    if let Some(config) = fields.get_mut("prompt_config").and_then(Json::as_object_mut) {
        null_to(config, "jinja2_variables", || json!([]));
    }
}

fn if_else(fields: &mut Map<String, Json>) {
    if fields.get("cases").is_some_and(Json::is_array) || !fields.contains_key("conditions") {
        return;
    }
    let part = |key: &str| fields.get(key).filter(|part| !part.is_null()).cloned();
    let operator = part("logical_operator").unwrap_or_else(|| json!("and"));
    let conditions = part("conditions").unwrap_or_else(|| json!([]));
    let case = json!({"case_id": "true", "logical_operator": operator, "conditions": conditions});
    fields.insert("cases".into(), json!([case]));
}

fn parameter_extractor(fields: &mut Map<String, Json>) {
    default(fields, "reasoning_mode", || json!("function_call"));
    each(fields, "parameters", |parameter| {
        let present = match parameter.get("type").and_then(Json::as_str) {
            Some("bool") => "boolean",
            Some("select") => "string",
            _ => return,
        };
        parameter.insert("type".into(), present.into());
    });
}

fn http_request(fields: &mut Map<String, Json>) {
    if let Some(method) = fields.get("method").and_then(Json::as_str).map(str::to_ascii_lowercase) {
        fields.insert("method".into(), method.into());
    }
    if let Some(body) = fields.get_mut("body").and_then(Json::as_object_mut)
        && let Some(text) = body.get("data").and_then(Json::as_str).map(str::to_owned)
    {
        let items = if text.is_empty() { json!([]) } else { json!([{"type": "text", "key": "", "value": text}]) };
        body.insert("data".into(), items);
    }
}

/// Settings of old tools are bare values; those of newer ones say what they are.
fn tool(fields: &mut Map<String, Json>) {
    let Some(settings) = fields.get_mut("tool_configurations").and_then(Json::as_object_mut) else { return };
    for value in settings.values_mut().filter(|value| !value.is_null() && value.get("type").is_none()) {
        *value = json!({"type": "constant", "value": value.take()});
    }
}

fn human_input(fields: &mut Map<String, Json>) {
    if let Some(text) = fields.get("form_content").and_then(Json::as_str).filter(|text| text.contains("{{#$outputs.")) {
        let text = text.replace("{{#$outputs.", "{{#$output.");
        fields.insert("form_content".into(), text.into());
    }
    each(fields, "inputs", |input| {
        if input.get("type").and_then(Json::as_str) == Some("text_input") {
            input.insert("type".into(), "paragraph".into());
        }
        rename(input, "placeholder", "default");
    });
    each(fields, "delivery_methods", |method| {
        let recipients = method.get_mut("config").and_then(|config| config.get_mut("recipients"));
        if let Some(recipients) = recipients.and_then(Json::as_object_mut) {
            rename(recipients, "whole_workspace", "include_bound_group");
            each(recipients, "items", |item| rename(item, "user_id", "reference_id"));
        }
    });
}

#[cfg(test)]
mod tests {
    use ox_types::Json;
    use serde_json::json;

    fn upgraded(kind: &str, mut data: Json) -> Json {
        super::upgrade(kind, &mut data);
        data
    }

    #[test]
    fn old_spellings_become_present_ones() {
        let case = json!([{"case_id": "true", "logical_operator": "or", "conditions": [1]}]);
        let cases = [
            ("if-else", json!({"logical_operator": "or", "conditions": [1]}), "/cases", case),
            ("if-else", json!({"cases": [], "conditions": [1]}), "/cases", json!([])),
            (
                "end",
                json!({"outputs": [{"value_type": "Array[String]"}, {}]}),
                "/outputs",
                json!([{"value_type": "array[string]"}, {"value_type": "any"}]),
            ),
            ("llm", json!({"structured_output_switch_on": true}), "/structured_output_enabled", json!(true)),
            ("llm", json!({"vision": {"enabled": true, "configs": null}}), "/vision/configs/detail", json!("high")),
            (
                "llm",
                json!({"vision": {"enabled": true, "configs": {"detail": "low"}}}),
                "/vision/configs",
                json!({"detail": "low", "variable_selector": ["sys", "files"]}),
            ),
            ("llm", json!({"prompt_config": {"jinja2_variables": null}}), "/prompt_config/jinja2_variables", json!([])),
            ("llm", json!({"prompt_config": null}), "/prompt_config", json!({})),
            (
                "parameter-extractor",
                json!({"parameters": [{"type": "bool"}, {"type": "select"}, {"type": "number"}], "reasoning_mode": null}),
                "",
                json!({"parameters": [{"type": "boolean"}, {"type": "string"}, {"type": "number"}], "reasoning_mode": "function_call"}),
            ),
            (
                "http-request",
                json!({"method": "POST", "body": {"type": "json", "data": "{}"}}),
                "",
                json!({"method": "post", "body": {"type": "json", "data": [{"type": "text", "key": "", "value": "{}"}]}}),
            ),
            ("http-request", json!({"body": {"type": "none", "data": ""}}), "/body/data", json!([])),
            (
                "tool",
                json!({"tool_configurations": {"a": 1, "b": {"type": "mixed", "value": "x"}, "c": null}}),
                "/tool_configurations",
                json!({"a": {"type": "constant", "value": 1}, "b": {"type": "mixed", "value": "x"}, "c": null}),
            ),
            (
                "iteration",
                json!({"is_parallel": true}),
                "",
                json!({"is_parallel": true, "parallel_nums": 10, "error_handle_mode": "terminated", "flatten_output": true}),
            ),
            (
                "start",
                json!({"variables": [{"options": null, "description": null}]}),
                "/variables/0",
                json!({"options": [], "description": ""}),
            ),
            (
                "human-input",
                json!({"form_content": "{{#$outputs.a#}}", "inputs": [{"type": "text_input", "placeholder": 1}]}),
                "",
                json!({"form_content": "{{#$output.a#}}", "inputs": [{"type": "paragraph", "placeholder": 1, "default": 1}]}),
            ),
            (
                "human-input",
                json!({"delivery_methods": [{"config": {"recipients": {"whole_workspace": true, "items": [{"user_id": "u"}]}}}]}),
                "/delivery_methods/0/config/recipients",
                json!({"whole_workspace": true, "items": [{"user_id": "u", "reference_id": "u"}], "include_bound_group": true}),
            ),
            // What is there in the present spelling counts.
            (
                "human-input",
                json!({"delivery_methods": [{"config": {"recipients": {"whole_workspace": true, "include_bound_group": false}}}]}),
                "/delivery_methods/0/config/recipients/include_bound_group",
                json!(false),
            ),
            ("quantum", json!({"method": "POST"}), "", json!({"method": "POST"})),
        ];
        for (kind, data, pointer, expected) in cases {
            assert_eq!(upgraded(kind, data.clone()).pointer(pointer), Some(&expected), "{kind} {data}");
        }
    }

    #[test]
    fn wrong_forms_are_left_alone() {
        for kind in [
            "start",
            "end",
            "llm",
            "if-else",
            "parameter-extractor",
            "http-request",
            "tool",
            "iteration",
            "human-input",
        ] {
            for data in [json!(null), json!([]), json!("x")] {
                assert_eq!(upgraded(kind, data.clone()), data);
            }
            let odd = json!({"variables": 1, "outputs": [1, null], "cases": 5, "parameters": {}, "body": [], "tool_configurations": "x",
                "inputs": "y", "delivery_methods": [{"config": 1}], "vision": true, "prompt_config": 3, "method": 4, "form_content": []});
            let _ = upgraded(kind, odd);
        }
    }
}
