//! Default configuration of node kinds, as the editor of the compatible system asks for it.

use ox_types::Json;
use serde_json::json;

/// One entry for each kind that has defaults beyond an empty form.
#[must_use]
pub fn block_configs() -> Vec<Json> {
    vec![
        json!({"type": "llm", "config": {"prompt_templates": {
            "chat_model": {"prompts": [{"role": "system", "text": "You are a helpful assistant.", "edition_type": "basic"}]},
            "completion_model": {
                "conversation_histories_role": {"user_prefix": "Human", "assistant_prefix": "Assistant"},
                "prompt": {"text": "Answer the last question of this conversation.\n\n{{#histories#}}\n\nHuman: {{#sys.query#}}\n\nAssistant:", "edition_type": "basic"},
                "stop": ["Human:"],
            },
        }}}),
        json!({"type": "code", "config": {
            "variables": [{"variable": "arg1", "value_selector": []}, {"variable": "arg2", "value_selector": []}],
            "code_language": "javascript",
            "code": "function main({arg1, arg2}) {\n    return {\n        result: arg1 + arg2\n    }\n}\n",
            "outputs": {"result": {"type": "string", "children": null}},
        }}),
        json!({"type": "template-transform", "config": {
            "variables": [{"variable": "arg1", "value_selector": []}], "template": "{{ arg1 }}",
        }}),
        json!({"type": "http-request", "config": {
            "method": "get", "authorization": {"type": "no-auth"}, "body": {"type": "none"},
            "timeout": {"connect": 10, "read": 600, "write": 600, "max_connect_timeout": 10, "max_read_timeout": 600, "max_write_timeout": 600},
            "ssl_verify": true,
        }, "retry_config": {"max_retries": 3, "retry_interval": 2.0, "retry_enabled": true}}),
        json!({"type": "question-classifier", "config": {"instructions": ""}}),
        json!({"model": {"prompt_templates": {"completion_model": {
            "conversation_histories_role": {"user_prefix": "Human", "assistant_prefix": "Assistant"}, "stop": ["Human:"],
        }}}}),
        json!({"type": "iteration", "config": {
            "is_parallel": false, "parallel_nums": 10, "error_handle_mode": "terminated", "flatten_output": true,
        }}),
    ]
}
