//! Answers in the form of a JSON schema (engine reference §10.4).

use ox_models::{ChatRequest, Message, ModelSpec, ResponseFormat, Role};
use ox_text::schema::{Schema, SchemaError};
use ox_types::Json;

use crate::{model::Prompt, repair::repair};

/// The schema's name on the wire.
const NAME: &str = "llm_response";

/// Asks for an answer of this form, in the best way the model has.
pub fn ask_for(schema: &Json, spec: Option<&ModelSpec>, request: &mut ChatRequest, prompt: &mut Prompt) {
    if spec.is_some_and(ModelSpec::has_json_schema) {
        // Compat: a schema in the parameters gives way to the node's own.
        request.parameters.shift_remove("json_schema");
        request.parameters.shift_remove("response_format");
        request.response_format =
            Some(ResponseFormat::JsonSchema { name: NAME.into(), schema: schema.clone(), strict: None });
        return;
    }
    let instruction = format!(
        "Answer with one JSON object and nothing else: no explanation, no code fence.\n\
         The object must match this JSON schema:\n{schema}"
    );
    match prompt {
        Prompt::Chat(messages) => instruct(messages, &instruction),
        Prompt::Completion(text) => *text = format!("{instruction}\n\n{text}"),
    }
    let options = spec.and_then(|spec| spec.parameter_rules.iter().find(|rule| rule.name == "response_format"));
    let option = options.and_then(|rule| {
        rule.options.iter().find(|option| option.eq_ignore_ascii_case("json") || option.as_str() == "json_object")
    });
    if let Some(option) = option {
        request.parameters.insert("response_format".into(), Json::from(option.as_str()));
    }
}

fn instruct(messages: &mut Vec<Message>, instruction: &str) {
    match messages.first_mut().filter(|message| message.role == Role::System) {
        Some(system) => *system = Message::system(format!("{}\n\n{instruction}", system.plain_text())),
        None => messages.insert(0, Message::system(instruction)),
    }
}

/// Reads the answer.
///
/// # Errors
/// Why it is not an object of the schema.
pub fn parse(text: &str, schema: &Json) -> Result<Json, String> {
    let unreadable = || format!("Failed to parse structured output: {text}");
    let object = match serde_json::from_str(text) {
        Ok(object @ Json::Object(_)) => object,
        Ok(_) => return Err(unreadable()),
        Err(_) => match repair(text) {
            Some(object @ Json::Object(_)) => object,
            Some(Json::Array(items)) => {
                items.into_iter().find(Json::is_object).unwrap_or_else(|| Json::Object(serde_json::Map::new()))
            }
            _ => return Err(unreadable()),
        },
    };
    match Schema::new(schema) {
        Err(error) => Err(format!("{error} (stage=schema, path=)")),
        Ok(schema) => match schema.validate(&object) {
            Ok(()) => Ok(object),
            Err(SchemaError::Mismatch(problems)) => {
                let first = problems.into_iter().next().unwrap_or_default();
                let path = first.strip_prefix('/').and_then(|rest| rest.split_once(": ")).map_or("", |(path, _)| path);
                Err(format!("{first} (stage=validation, path={path})"))
            }
            Err(error) => Err(error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_read() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]});
        for (text, expected) in [
            (r#"{"a": 1}"#, Ok(json!({"a": 1}))),
            ("```json\n{\"a\": 1}\n```", Ok(json!({"a": 1}))),
            ("<think>[x]</think>{\"a\": 1}", Ok(json!({"a": 1}))),
            (r#"[{"a": 1}]"#, Err("Failed to parse structured output: [{\"a\": 1}]")),
            ("nothing", Err("Failed to parse structured output: nothing")),
            ("5", Err("Failed to parse structured output: 5")),
            (r#"{"a": "x"}"#, Err("/a: \"x\" is not of type \"integer\" (stage=validation, path=a)")),
        ] {
            assert_eq!(parse(text, &schema), expected.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn models_without_the_feature_are_instructed() {
        let schema = json!({"type": "object"});
        let mut request = ChatRequest::default();
        let mut prompt = Prompt::Chat(vec![Message::system("Be brief."), Message::user("hi")]);
        ask_for(&schema, None, &mut request, &mut prompt);
        let Prompt::Chat(messages) = prompt else { panic!() };
        assert!(messages[0].plain_text().starts_with("Be brief.\n\nAnswer with one JSON object"));
        assert!(request.response_format.is_none());
    }
}
