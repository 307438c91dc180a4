use ox_types::{File, FileKind, Json, TransferMethod};
use serde_json::json;

use super::*;

fn empty(array_type: ValueType) -> Value {
    Value::array_of(array_type, Vec::new())
}

/// The types of all arrays in a value, from the outside in.
fn types(value: &Value) -> Vec<ValueType> {
    let inner = match value {
        Value::Array(_, items) => items.iter().flat_map(types).collect(),
        Value::Object(fields) => fields.values().flat_map(types).collect(),
        _ => Vec::new(),
    };
    let own = value.as_array().map(|_| value.value_type());
    own.into_iter().chain(inner).collect()
}

/// What is read back from text.
fn read(value: &Value) -> Value {
    Value::from_json(&serde_json::from_str(&value.to_json().to_string()).unwrap())
}

fn check(value: &Value, expected: Json) {
    let outputs = Object::from([("at".to_owned(), value.clone())]);
    let selector = || vec!["conversation".to_owned(), "x".to_owned()];
    let noted = ArrayTypes::of_result(&outputs, &[(selector(), Value::Int(1)), (selector(), value.clone())]);
    let mut both = serde_json::Map::new();
    for (place, array_type) in expected.as_object().unwrap() {
        both.insert(format!("/outputs{place}"), array_type.clone());
        both.insert(format!("/updates{}", place.replacen("at", "1", 1)), array_type.clone());
    }
    assert_eq!(serde_json::to_value(&noted).unwrap(), Json::Object(both));
    let kept: ArrayTypes = serde_json::from_str(&serde_json::to_string(&noted).unwrap()).unwrap();
    let mut outputs = Object::from([("at".to_owned(), read(value))]);
    let mut updates = [(selector(), Value::Int(1)), (selector(), read(value))];
    kept.restore(&mut outputs, &mut updates);
    for back in [&outputs["at"], &updates[1].1] {
        assert_eq!((back, types(back)), (value, types(value)));
    }
}

#[test]
fn arrays_come_back_with_their_types() {
    let file = File {
        id: None,
        tenant_id: None,
        kind: FileKind::Image,
        transfer_method: TransferMethod::RemoteUrl,
        remote_url: Some("http://x/y.png".into()),
        related_id: None,
        filename: None,
        extension: None,
        mime_type: None,
        size: -1,
        url: None,
    };
    for (value, expected) in [
        (Value::from("text"), json!({})),
        (empty(ValueType::ArrayAny), json!({})),
        (empty(ValueType::ArrayFile), json!({"/at": "array[file]"})),
        (empty(ValueType::ArrayString), json!({"/at": "array[string]"})),
        (Value::array(vec![Value::from(file)]), json!({})),
        (Value::array(vec![Value::Int(1), Value::Float(2.5)]), json!({})),
        (Value::array_of(ValueType::ArrayAny, vec![Value::from("a")]), json!({"/at": "array[any]"})),
        (
            Value::object(Object::from([
                ("a/b~c".to_owned(), empty(ValueType::ArrayFile)),
                (
                    "list".to_owned(),
                    Value::array(vec![
                        Value::object(Object::from([("x".to_owned(), empty(ValueType::ArrayNumber))])),
                        Value::object(Object::new()),
                    ]),
                ),
                ("lists".to_owned(), Value::array(vec![empty(ValueType::ArrayAny), empty(ValueType::ArrayObject)])),
            ])),
            json!({"/at/a~1b~0c": "array[file]", "/at/list/0/x": "array[number]", "/at/lists/1": "array[object]"}),
        ),
    ] {
        check(&value, expected);
    }
}

#[test]
fn notes_that_do_not_fit_change_nothing() {
    let fields = Object::from([("files".to_owned(), empty(ValueType::ArrayAny)), ("n".to_owned(), Value::Int(1))]);
    let odd: ArrayTypes = serde_json::from_value(json!({
        "": "array[file]", "/files": "array[file]", "/outputs": "array[file]", "/outputs/files": "string",
        "/outputs/files/7": "array[file]", "/outputs/gone": "array[file]", "/outputs/n": "array[file]",
        "/outputsfiles": "array[file]", "/updates/0": "array[file]", "/updates/x": "array[file]",
    }))
    .unwrap();
    let mut kept = fields.clone();
    odd.restore(&mut kept, &mut []);
    assert_eq!(kept, fields);
    assert_eq!(kept["files"].value_type(), ValueType::ArrayAny);
}
