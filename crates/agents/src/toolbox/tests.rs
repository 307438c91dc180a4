use ox_nodes::{ToolDeclaration, ToolParameter};
use serde_json::{Map, json};

use super::*;

fn declared() -> ToolDeclaration {
    let parameter = |name: &str, kind: &str, required: bool, form: ParameterForm| ToolParameter {
        name: name.into(),
        kind: kind.into(),
        required,
        form,
        description: format!("the {name}"),
        ..ToolParameter::default()
    };
    let mut unit = parameter("unit", "select", false, ParameterForm::Llm);
    unit.options = vec!["c".into(), "f".into()];
    unit.default = Some(json!("c"));
    let mut whole = parameter("whole", "object", false, ParameterForm::Llm);
    whole.schema = Some(json!({"type": "object", "properties": {"a": {"type": "integer"}}}));
    ToolDeclaration {
        parameters: vec![
            parameter("city", "string", true, ParameterForm::Llm),
            unit,
            parameter("days", "number", false, ParameterForm::Llm),
            parameter("deep", "boolean", false, ParameterForm::Llm),
            parameter("list", "array", false, ParameterForm::Llm),
            parameter("span", "date-range", false, ParameterForm::Llm),
            whole,
            parameter("picture", "file", false, ParameterForm::Llm),
            parameter("key", "secret-input", true, ParameterForm::Form),
        ],
        ..ToolDeclaration::default()
    }
}

#[test]
fn parameters_as_a_schema() {
    let fixed = Map::from_iter([("deep".to_owned(), json!(true))]);
    assert_eq!(
        schema::of(&declared(), &fixed),
        json!({"type": "object", "properties": {
            "city": {"type": "string", "description": "the city"},
            "unit": {"type": "string", "description": "the unit", "enum": ["c", "f"]},
            "days": {"type": "number", "description": "the days"},
            "list": {"type": "array", "items": {}, "description": "the list"},
            "span": {"type": "object", "properties": {"start": {"type": "string"}, "end": {"type": "string"}},
                "description": "the span"},
            "whole": {"type": "object", "properties": {"a": {"type": "integer"}}, "description": "the whole"},
        }, "required": ["city"]})
    );
}

#[test]
fn arguments_as_parameters() {
    let fixed = Map::from_iter([("deep".to_owned(), json!(true))]);
    let check = |given: Json| schema::arguments(&declared(), &fixed, &given).map(Json::Object);
    for (given, expected) in [
        // What is fixed stays, what is not declared goes, what has a default gets it.
        (
            json!({"city": "Rome", "deep": false, "key": "mine", "other": 1}),
            json!({"deep": true, "city": "Rome", "unit": "c"}),
        ),
        (
            json!({"city": "Rome", "days": "3", "unit": "f"}),
            json!({"deep": true, "city": "Rome", "unit": "f", "days": 3}),
        ),
        (json!({"city": "Rome", "days": "2.5"}), json!({"deep": true, "city": "Rome", "unit": "c", "days": 2.5})),
        (json!("{\"city\": \"Rome\"}"), json!({"deep": true, "city": "Rome", "unit": "c"})),
    ] {
        assert_eq!(check(given.clone()), Ok(expected), "{given}");
    }
    for (given, why) in [
        (json!({}), "missing arguments: city"),
        (json!({"city": null}), "missing arguments: city"),
        (json!("{\"city\": "), "the arguments are not a valid JSON object"),
        (json!("Rome"), "the arguments are not a valid JSON object"),
        (json!([1]), "the arguments must be a JSON object, not [1]"),
    ] {
        assert_eq!(check(given.clone()), Err(why.to_owned()), "{given}");
    }
    let mut one = declared();
    one.parameters.truncate(1);
    let only = |given: Json| schema::arguments(&one, &Map::new(), &given).map(Json::Object);
    assert_eq!(only(json!("Rome")), Ok(json!({"city": "Rome"})));
    assert!(only(json!("{\"city\"")).is_err());
}
