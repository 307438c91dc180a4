//! What the command line gives a run, checked against the app's form.

use anyhow::{Context, bail};
use ox_dsl::{
    graph::Graph,
    user_input::{self, Input},
};
use ox_types::{Json, Value, ValueType};

use super::files::LocalFiles;

/// Reads `--inputs`: a JSON object, or `@file` with one in it.
pub fn read(text: Option<&str>) -> anyhow::Result<Json> {
    let Some(text) = text else { return Ok(Json::Object(serde_json::Map::new())) };
    let text = match text.strip_prefix('@') {
        Some(path) => crate::commands::read_text(path.as_ref())?,
        None => text.to_owned(),
    };
    let json: Json = serde_json::from_str(&text).context("--inputs is not JSON")?;
    if !json.is_object() {
        bail!("--inputs must be a JSON object, such as '{{\"name\": \"value\"}}'");
    }
    Ok(json)
}

/// Checks the inputs against the start node's form.
pub fn check(graph: &Graph, given: &Json, files: &LocalFiles) -> anyhow::Result<Vec<(String, Value)>> {
    let fields = user_input::from_graph(graph)?;
    if let Some(stranger) =
        given.as_object().and_then(|given| given.keys().find(|key| !fields.iter().any(|field| field.variable == **key)))
    {
        let known: Vec<&str> = fields.iter().map(|field| field.variable.as_str()).collect();
        crate::commands::complain(&format!(
            "warning: the app has no input {stranger}; it has: {}",
            if known.is_empty() { "none".into() } else { known.join(", ") }
        ));
    }
    let checked = user_input::validate_inputs(&fields, given)?;
    checked
        .into_iter()
        .map(|(name, input)| {
            let value = match input {
                Input::Value(value) => value,
                Input::File(file) => Value::from(files.open(&file).with_context(|| format!("input {name}"))?),
                Input::Files(list) => {
                    let opened: anyhow::Result<Vec<Value>> =
                        list.iter().map(|file| files.open(file).map(Value::from)).collect();
                    Value::array_of(ValueType::ArrayFile, opened.with_context(|| format!("input {name}"))?)
                }
            };
            Ok((name, value))
        })
        .collect()
}

/// A text of the command line as a value of a declared type.
pub fn typed(text: &str, declared: ValueType) -> anyhow::Result<Value> {
    let json = match declared {
        ValueType::String | ValueType::Secret => Json::from(text),
        _ => serde_json::from_str(text).with_context(|| format!("{text:?} is not a {declared}"))?,
    };
    Ok(Value::typed(&json, declared)?)
}

/// Lets every node of the graph ask one model: `provider/name`.
pub fn replace_model(graph: &mut Json, model: &str) -> anyhow::Result<()> {
    let (provider, name) =
        model.rsplit_once('/').context("--model: write provider/name, such as oxidify/scripted/echo")?;
    for node in graph.get_mut("nodes").and_then(Json::as_array_mut).into_iter().flatten() {
        if let Some(Json::Object(settings)) = node.pointer_mut("/data/model") {
            settings.insert("provider".into(), provider.into());
            settings.insert("name".into(), name.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn inputs_are_objects() {
        assert_eq!(read(None).unwrap(), json!({}));
        assert_eq!(read(Some("{\"a\": 1}")).unwrap(), json!({"a": 1}));
        assert!(read(Some("[1]")).unwrap_err().to_string().contains("must be a JSON object"));
        assert!(read(Some("{")).is_err());
    }

    #[test]
    fn one_model_for_all() {
        let mut graph =
            json!({"nodes": [{"data": {"model": {"provider": "a", "name": "b", "mode": "chat"}}}, {"data": {}}]});
        replace_model(&mut graph, "oxidify/scripted/echo").unwrap();
        assert_eq!(
            graph["nodes"][0]["data"]["model"],
            json!({"provider": "oxidify/scripted", "name": "echo", "mode": "chat"})
        );
        assert!(replace_model(&mut graph, "echo").is_err());
    }

    #[test]
    fn environment_values_have_types() {
        assert_eq!(typed("5", ValueType::Number).unwrap(), Value::Int(5));
        assert_eq!(typed("5", ValueType::String).unwrap(), Value::from("5"));
        assert!(typed("five", ValueType::Number).is_err());
    }
}
