use ox_types::{Json, Value};
use serde_json::json;

use super::{Input, InputField, from_model_config, from_start_data, user_input_form, validate_inputs};

fn field(settings: &Json) -> Vec<InputField> {
    from_start_data(&json!({"variables": [settings]})).unwrap()
}

/// The checked value as JSON, or the error text.
fn check(settings: &Json, inputs: &Json) -> Result<Json, String> {
    let checked = validate_inputs(&field(settings), inputs).map_err(|error| error.to_string())?;
    Ok(match &checked["X"] {
        Input::Value(value) => value.to_json(),
        Input::File(json) => json!({"file": json}),
        Input::Files(list) => json!({"files": list}),
    })
}

#[test]
fn the_table_of_the_service_api() {
    let kind = |kind: &str| json!({"variable": "X", "label": "X", "type": kind});
    let with = |kind: &str, key: &str, value: Json| {
        let mut settings = json!({"variable": "X", "type": kind});
        settings[key] = value;
        settings
    };
    let ok: Vec<(Json, Json, Json)> = vec![
        (kind("text-input"), json!({}), json!(null)),
        (kind("text-input"), json!({"X": "a\u{0}b"}), json!("ab")),
        (with("text-input", "required", json!(true)), json!({"X": ""}), json!("")),
        (with("text-input", "default", json!("d")), json!({"X": null}), json!("d")),
        (with("paragraph", "max_length", json!(3)), json!({"X": "日本語"}), json!("日本語")),
        (with("paragraph", "max_length", json!(0)), json!({"X": "any"}), json!("any")),
        (with("select", "options", json!(["a", "b"])), json!({"X": "b"}), json!("b")),
        (json!({"variable": "X", "type": "select", "options": ["a"], "default": ""}), json!({}), json!(null)),
        (kind("number"), json!({"X": 1}), json!(1)),
        (kind("number"), json!({"X": 1.5}), json!(1.5)),
        (kind("number"), json!({"X": " 12 "}), json!(12)),
        (kind("number"), json!({"X": "1.0"}), json!(1.0)),
        (kind("number"), json!({"X": " "}), json!(null)),
        (with("number", "default", json!("7")), json!({}), json!(7)),
        (kind("checkbox"), json!({"X": " YES "}), json!(true)),
        (kind("checkbox"), json!({"X": "off"}), json!(false)),
        (kind("checkbox"), json!({"X": 1}), json!(true)),
        (kind("checkbox"), json!({"X": 0.0}), json!(false)),
        (kind("checkbox"), json!({"X": "maybe"}), json!("maybe")),
        (kind("checkbox"), json!({"X": 2}), json!(2)),
        (kind("json_object"), json!({"X": {"a": "\u{0}b"}}), json!({"a": "b"})),
        (kind("json_object"), json!({"X": ""}), json!("")),
        (kind("file"), json!({"X": ""}), json!(null)),
        (kind("file"), json!({"X": {"type": "image"}}), json!({"file": {"type": "image"}})),
        (kind("file-list"), json!({"X": ""}), json!(null)),
        (kind("file-list"), json!({"X": []}), json!({"files": []})),
        (with("file-list", "max_length", json!(1)), json!({"X": [{}]}), json!({"files": [{}]})),
    ];
    for (settings, inputs, expected) in ok {
        assert_eq!(check(&settings, &inputs), Ok(expected), "{settings} {inputs}");
    }
    let refused: Vec<(Json, Json, &str)> = vec![
        (with("text-input", "required", json!(true)), json!({}), "X is required in input form"),
        (with("file", "required", json!(true)), json!({"X": null}), "X is required in input form"),
        (kind("text-input"), json!({"X": 1}), "(type 'text-input') X in input form must be a string"),
        (kind("select"), json!({"X": 1}), "(type 'select') X in input form must be a string"),
        (kind("paragraph"), json!({"X": {}}), "(type 'paragraph') X in input form must be a string"),
        (
            with("text-input", "max_length", json!(3)),
            json!({"X": "abcd"}),
            "X in input form must be less than 3 characters",
        ),
        (
            with("select", "options", json!(["a", "it's"])),
            json!({"X": ""}),
            "X in input form must be one of the following: ['a', \"it's\"]",
        ),
        (kind("number"), json!({"X": "1e5"}), "X in input form must be a valid number"),
        (kind("number"), json!({"X": "x"}), "X in input form must be a valid number"),
        (kind("number"), json!({"X": true}), "X in input form must be a valid number"),
        (kind("number"), json!({"X": []}), "X in input form must be a valid number"),
        (kind("json_object"), json!({"X": "text"}), "X in input form must be a dict"),
        (kind("json_object"), json!({"X": [1]}), "X in input form must be a dict"),
        (kind("file"), json!({"X": "id"}), "X in input form must be a file"),
        (with("file", "required", json!(true)), json!({"X": ""}), "X in input form must be a file"),
        (kind("file-list"), json!({"X": {}}), "X in input form must be a list of files"),
        (kind("file-list"), json!({"X": ["id"]}), "X in input form must be a list of files"),
        (
            with("file-list", "max_length", json!(1)),
            json!({"X": [{}, {}]}),
            "X in input form must be less than 1 files",
        ),
        (kind("checkbox"), json!({"X": {"a": 1}}), "Invalid input type for ['X']"),
        (kind("checkbox"), json!({"X": [{"a": 1}]}), "Invalid input type for ['X']"),
    ];
    for (settings, inputs, expected) in refused {
        assert_eq!(check(&settings, &inputs), Err(expected.to_owned()), "{settings} {inputs}");
    }
}

#[test]
fn only_declared_inputs_are_kept_in_the_order_of_the_form() {
    let fields = from_start_data(&json!({"variables": [
        {"variable": "b", "type": "text-input"}, {"variable": "a", "type": "number"}]}))
    .unwrap();
    let checked = validate_inputs(&fields, &json!({"a": 1, "b": "x", "c": "dropped"})).unwrap();
    assert_eq!(checked.keys().collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(checked["a"], Input::Value(Value::Int(1)));
    assert_eq!(validate_inputs(&fields, &Json::Null).unwrap().len(), 2);
}

#[test]
fn both_forms_read_alike_and_are_told_as_stored() {
    let settings = json!({"label": "Q", "variable": "q", "required": true, "max_length": 40, "options": null, "x": 1});
    let basic = from_model_config(&json!({"user_input_form": [{"paragraph": settings},
        {"external_data_tool": {"variable": "t", "config": {"api_based_extension_id": "e"}}}]}))
    .unwrap();
    assert_eq!((basic[0].max_length, basic[0].required, basic[0].label.as_str()), (Some(40), true, "Q"));
    assert_eq!(user_input_form(&basic)[0], json!({"paragraph": settings}));
    let checked = validate_inputs(&basic, &json!({"q": "hi", "t": "ignored"})).unwrap();
    assert_eq!(checked.len(), 1);
    let schema = field(&json!({"variable": "o", "type": "json_object", "json_schema": "{\"type\": \"object\"}"}));
    assert_eq!(schema[0].json_schema, Some(json!({"type": "object"})));
}

#[test]
fn unreadable_forms_are_named() {
    let start =
        |variables: Json| from_start_data(&json!({"variables": variables})).map(drop).map_err(|e| e.to_string());
    assert_eq!(start(json!(null)), Ok(()));
    assert_eq!(start(json!({})).unwrap_err(), "input field variables: it must be a list");
    assert_eq!(
        start(json!([{"variable": "a", "type": "color"}])).unwrap_err(),
        "input field a: unknown type \"color\""
    );
    assert_eq!(start(json!([{"type": "number"}])).unwrap_err(), "input field 1: it has no variable name");
    let basic = from_model_config(&json!({"user_input_form": ["x"]})).unwrap_err().to_string();
    assert_eq!(basic, "input field 1: it must be a mapping of a type to its settings");
}
