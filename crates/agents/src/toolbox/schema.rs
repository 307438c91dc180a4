//! Parameters of tools as JSON schema for models, and arguments of models as parameters for tools.

use ox_nodes::{ParameterForm, ToolDeclaration, ToolParameter};
use ox_types::Json;
use serde_json::{Map, json};

/// The schema of what the model fills in.
pub fn of(declaration: &ToolDeclaration, fixed: &Map<String, Json>) -> Json {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for parameter in asked(declaration, fixed) {
        properties.insert(parameter.name.clone(), property(parameter));
        if parameter.required {
            required.push(Json::from(parameter.name.as_str()));
        }
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// Parameters that the model fills in.
fn asked<'a>(
    declaration: &'a ToolDeclaration,
    fixed: &'a Map<String, Json>,
) -> impl Iterator<Item = &'a ToolParameter> {
    declaration.parameters.iter().filter(|parameter| {
        parameter.form == ParameterForm::Llm && !fixed.contains_key(&parameter.name) && is_told(&parameter.kind)
    })
}

/// Models give no files and no choices of the editor.
fn is_told(kind: &str) -> bool {
    !matches!(kind, "file" | "files" | "system-files" | "app-selector" | "model-selector" | "array[tools]")
}

fn property(parameter: &ToolParameter) -> Json {
    if let Some(schema) = &parameter.schema {
        let mut schema = schema.clone();
        if let Json::Object(fields) = &mut schema
            && !parameter.description.is_empty()
        {
            fields.entry("description").or_insert_with(|| parameter.description.as_str().into());
        }
        return schema;
    }
    let mut property = match parameter.kind.as_str() {
        "number" | "boolean" | "object" | "array" => json!({"type": parameter.kind}),
        "checkbox" => json!({"type": "boolean"}),
        "date-range" => {
            json!({"type": "object", "properties": {"start": {"type": "string"}, "end": {"type": "string"}}})
        }
        "any" => json!({}),
        _ => json!({"type": "string"}),
    };
    if let Json::Object(fields) = &mut property {
        if parameter.kind == "array" {
            fields.insert("items".into(), json!({}));
        }
        if !parameter.description.is_empty() {
            fields.insert("description".into(), parameter.description.as_str().into());
        }
        if !parameter.options.is_empty() {
            fields.insert("enum".into(), json!(parameter.options));
        }
    }
    property
}

/// What the tool is called with. Parameters that the tool does not have are left out, those that somebody has fixed
/// keep their values.
///
/// # Errors
/// Why the arguments cannot be used, for the model.
pub fn arguments(
    declaration: &ToolDeclaration,
    fixed: &Map<String, Json>,
    given: &Json,
) -> Result<Map<String, Json>, String> {
    let given = match given {
        Json::Object(fields) => fields.clone(),
        Json::Null => Map::new(),
        Json::String(text) => match serde_json::from_str(text) {
            Ok(Json::Object(fields)) => fields,
            _ => of_text(declaration, fixed, text)?,
        },
        other => return Err(format!("the arguments must be a JSON object, not {other}")),
    };
    let mut arguments = fixed.clone();
    for parameter in asked(declaration, fixed) {
        if let Some(value) = given.get(&parameter.name) {
            arguments.insert(parameter.name.clone(), typed(&parameter.kind, value));
        } else if let Some(default) = &parameter.default {
            arguments.insert(parameter.name.clone(), default.clone());
        }
    }
    let missing: Vec<&str> = asked(declaration, fixed)
        .filter(|parameter| parameter.required && arguments.get(&parameter.name).is_none_or(Json::is_null))
        .map(|parameter| parameter.name.as_str())
        .collect();
    if missing.is_empty() { Ok(arguments) } else { Err(format!("missing arguments: {}", missing.join(", "))) }
}

/// A tool with one parameter may be given its value alone.
fn of_text(declaration: &ToolDeclaration, fixed: &Map<String, Json>, text: &str) -> Result<Map<String, Json>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let mut asked = asked(declaration, fixed);
    match (asked.next(), asked.next()) {
        (Some(only), None) if !text.trim_start().starts_with('{') => {
            Ok(Map::from_iter([(only.name.clone(), Json::from(text))]))
        }
        _ => Err("the arguments are not a valid JSON object".to_owned()),
    }
}

/// Numbers and truth values that came as text.
fn typed(kind: &str, value: &Json) -> Json {
    let Json::String(text) = value else { return value.clone() };
    let text = text.trim();
    match kind {
        "number" => {
            let whole = text.parse::<i64>().map(Json::from).ok();
            whole.or_else(|| text.parse::<f64>().ok().map(Json::from).filter(Json::is_number))
        }
        "boolean" | "checkbox" => match text.to_ascii_lowercase().as_str() {
            "true" => Some(Json::Bool(true)),
            "false" => Some(Json::Bool(false)),
            _ => None,
        },
        _ => None,
    }
    .unwrap_or_else(|| value.clone())
}
