//! What a pipeline asks its users: shared by all datasources, or of one of them.

use ox_types::{Json, Object, Value};
use serde_json::Map;

use crate::{Error, Result, files::FileReader, runs::inputs::InputForm};

/// Whose the variables are that belong to no datasource.
pub const SHARED: &str = "shared";
/// Variables of one pipeline.
const MAX_VARIABLES: usize = 200;

fn text<'a>(variable: &'a Json, name: &str) -> &'a str {
    variable.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// The variable in the form of a start node's.
fn field(variable: &Json) -> Json {
    let mut out = variable.as_object().cloned().unwrap_or_default();
    // An empty default is none, and who has one need not be asked.
    let default = out.get("default_value").or_else(|| out.get("default")).cloned().unwrap_or_default();
    let default = if default.as_str() == Some("") { Json::Null } else { default };
    let is_required = out.get("required").and_then(Json::as_bool).unwrap_or(false);
    out.insert("required".to_owned(), Json::Bool(is_required && default.is_null()));
    out.insert("default".to_owned(), default);
    for (name, older) in [
        ("allowed_file_extensions", "allow_file_extension"),
        ("allowed_file_upload_methods", "allow_file_upload_methods"),
    ] {
        if !out.contains_key(name)
            && let Some(value) = out.get(older).cloned()
        {
            out.insert(name.to_owned(), value);
        }
    }
    Json::Object(out)
}

/// Whether these are variables that can be asked for.
///
/// # Errors
/// 400 with the first that is none.
pub fn check(variables: &[Json]) -> Result<()> {
    if variables.len() > MAX_VARIABLES {
        return Err(Error::invalid_field(
            "rag_pipeline_variables",
            format!("A pipeline asks for at most {MAX_VARIABLES} variables."),
        ));
    }
    let wrong = |why: String| Error::invalid_field("rag_pipeline_variables", why);
    let mut known: Vec<(&str, &str)> = Vec::with_capacity(variables.len());
    for variable in variables {
        let (owner, name) = (text(variable, "belong_to_node_id"), text(variable, "variable"));
        let is_name = !name.starts_with(|first: char| first.is_ascii_digit())
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if name.is_empty() || name.len() > 255 || !is_name {
            return Err(wrong(format!(
                "'{name}' is no name of a variable: letters, digits and underscores, and no digit first."
            )));
        }
        if owner.is_empty() {
            return Err(wrong(format!("{name}: belong_to_node_id is required.")));
        }
        if known.contains(&(owner, name)) {
            return Err(wrong(format!("The variable {name} is there twice.")));
        }
        known.push((owner, name));
    }
    let fields: Vec<Json> = variables.iter().map(field).collect();
    match InputForm::of_variables(&fields).problem() {
        Some(why) => Err(wrong(why.to_owned())),
        None => Ok(()),
    }
}

fn of<'a>(variables: &'a Json, owner: &str) -> Vec<&'a Json> {
    let all = variables.as_array().into_iter().flatten();
    all.filter(|variable| text(variable, "belong_to_node_id") == owner).collect()
}

/// What was answered to a run that begins at a datasource, checked: `{shared: {…}, <datasource>: {…}}`.
///
/// # Errors
/// 400 with the first answer that does not fit.
pub async fn answers(
    variables: &Json,
    root: &str,
    inputs: Map<String, Json>,
    reader: &FileReader<'_>,
) -> Result<Object> {
    let inputs = Json::Object(inputs);
    let mut out = Object::new();
    for owner in [SHARED, root] {
        let fields: Vec<Json> = of(variables, owner).into_iter().map(field).collect();
        let checked = InputForm::of_variables(&fields).check(&inputs, reader).await?;
        out.insert(owner.to_owned(), Value::object(checked));
    }
    Ok(out)
}

/// What the variables are when nobody answers.
#[must_use]
pub fn defaults(variables: &Json) -> Object {
    let mut out: Object = Object::new();
    let mut owners: Vec<&str> = Vec::new();
    for variable in variables.as_array().into_iter().flatten() {
        let owner = text(variable, "belong_to_node_id");
        if !owners.contains(&owner) {
            owners.push(owner);
        }
    }
    for owner in owners {
        let fields = of(variables, owner).into_iter().map(|variable| {
            let default = field(variable).get("default").cloned().unwrap_or_default();
            (text(variable, "variable").to_owned(), Value::from_json(&default))
        });
        out.insert(owner.to_owned(), Value::object(fields.collect()));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variable(owner: &str, name: &str, kind: &str) -> Json {
        json!({"belong_to_node_id": owner, "variable": name, "type": kind, "label": name})
    }

    #[test]
    fn variables_are_checked() {
        for (variables, why) in [
            (vec![variable("shared", "size", "number"), variable("n", "size", "text-input")], None),
            (vec![variable("shared", "1size", "number")], Some("no name")),
            (vec![variable("shared", "", "number")], Some("no name")),
            (vec![variable("", "size", "number")], Some("belong_to_node_id")),
            (vec![variable("shared", "size", "number"), variable("shared", "size", "number")], Some("twice")),
            (vec![variable("shared", "size", "colour")], Some("unknown type")),
        ] {
            let got = check(&variables).map_err(|error| error.message);
            match (got, why) {
                (Ok(()), None) => {}
                (Err(text), Some(why)) => assert!(text.contains(why), "{text}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn defaults_stand_under_their_owners() {
        let mut size = variable("shared", "size", "number");
        size["default_value"] = json!(1024);
        let mut empty = variable("n", "url", "text-input");
        empty["default_value"] = json!("");
        let found = defaults(&json!([size, empty]));
        let found: Json = found.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
        assert_eq!(found, json!({"shared": {"size": 1024}, "n": {"url": null}}));
    }

    #[test]
    fn a_default_answers_for_the_user() {
        let mut size = variable("shared", "size", "number");
        size["required"] = json!(true);
        assert_eq!(field(&size)["required"], true);
        size["default_value"] = json!(5);
        assert_eq!((&field(&size)["required"], &field(&size)["default"]), (&json!(false), &json!(5)));
    }
}
