#![expect(clippy::needless_pass_by_value, reason = "json! literals read better by value")]

use serde_json::json;

use super::*;

fn run(target: &Value, items: Json) -> Result<Json, String> {
    let mut pool = Pool::new();
    pool.set("conversation", "t", target.clone());
    pool.set_all(
        "n",
        [
            ("s".to_owned(), Value::from("new")),
            ("i".to_owned(), Value::Int(7)),
            ("none".to_owned(), Value::None),
            ("list".to_owned(), Value::array(vec![Value::from("x"), Value::from("y")])),
            ("o".to_owned(), Value::from_json(&json!({"k": 1}))),
            ("b".to_owned(), Value::Bool(true)),
        ],
    );
    let data = json!({"items": items});
    let config: Config = serde_json::from_value(data).unwrap();
    let runner = Runner { config, shown: Value::None };
    let updates = runner.apply(pool).map_err(|(kind, text)| format!("{kind}: {text}"))?;
    Ok(updates.last().map_or(Json::Null, |(_, value)| value.to_json()))
}

fn constant(operation: &str, value: Json) -> Json {
    json!([{"variable_selector": ["conversation", "t"], "input_type": "constant", "operation": operation, "value": value}])
}

fn variable(operation: &str, name: &str) -> Json {
    json!([{"variable_selector": ["conversation", "t"], "input_type": "variable", "operation": operation, "value": ["n", name]}])
}

#[test]
fn every_operation() {
    let text = Value::from("old");
    let int = Value::Int(6);
    let flag = Value::Bool(false);
    let object = Value::from_json(&json!({"a": 1}));
    let list = |kind: &str, json: Json| Value::typed(&json, ox_types::ValueType::parse(kind).unwrap()).unwrap();
    let strings = list("array[string]", json!(["a", "b"]));
    let numbers = list("array[number]", json!([]));
    let unsupported = |operation: &str, kind: &str| {
        Err(format!("OperationNotSupportedError: Operation {operation} is not supported for type {kind}"))
    };
    let invalid = |value: &str| Err(format!("InvalidInputValueError: Invalid input value {value}"));
    for (target, items, expected) in [
        (&text, variable("over-write", "s"), Ok(json!("new"))),
        (&text, variable("over-write", "i"), invalid("7")),
        (&text, variable("over-write", "none"), Ok(Json::Null)),
        (&text, variable("over-write", "gone"), Err("VariableNotFoundError: Variable ['n', 'gone'] not found".into())),
        (&text, constant("over-write", json!("c")), Ok(json!("c"))),
        (&text, constant("set", json!("c")), Ok(json!("c"))),
        (&text, constant("set", json!(1)), invalid("1")),
        (&text, constant("set", Json::Null), invalid("None")),
        (
            &text,
            variable("set", "s"),
            Err("InputTypeNotSupportedError: Input type variable is not supported for operation set".into()),
        ),
        (&text, variable("clear", "s"), Ok(json!(""))),
        (
            &text,
            constant("clear", json!("")),
            Err("InputTypeNotSupportedError: Input type constant is not supported for operation clear".into()),
        ),
        (&text, constant("+=", json!(1)), unsupported("+=", "string")),
        (&text, variable("append", "s"), unsupported("append", "string")),
        (&int, constant("+=", json!(2)), Ok(json!(8))),
        (&int, constant("-=", json!(2.5)), Ok(json!(3.5))),
        (&int, constant("*=", json!(7)), Ok(json!(42))),
        (&int, constant("/=", json!(4)), Ok(json!(1.5))),
        (&int, constant("/=", json!(0)), invalid("0")),
        (&int, constant("+=", json!("1")), invalid("1")),
        (&int, variable("over-write", "b"), Ok(json!(true))),
        (&int, variable("clear", "b"), Ok(json!(0))),
        (&flag, constant("set", json!(true)), Ok(json!(true))),
        (&flag, constant("set", json!("true")), invalid("true")),
        (&object, variable("over-write", "o"), Ok(json!({"k": 1}))),
        (&object, constant("set", json!("{\"z\": 2}")), Ok(json!({"z": 2}))),
        (&object, constant("set", json!("{")), invalid("{")),
        (&object, variable("clear", "o"), Ok(json!({}))),
        (&strings, variable("over-write", "list"), Ok(json!(["x", "y"]))),
        (&strings, variable("append", "s"), Ok(json!(["a", "b", "new"]))),
        (&strings, variable("append", "i"), invalid("7")),
        (&strings, variable("extend", "list"), Ok(json!(["a", "b", "x", "y"]))),
        (&strings, variable("extend", "s"), invalid("new")),
        (&strings, variable("remove-first", "s"), Ok(json!(["b"]))),
        (&strings, variable("remove-last", "s"), Ok(json!(["a"]))),
        (&strings, variable("clear", "s"), Ok(json!([]))),
        (
            &strings,
            constant("over-write", json!(["z"])),
            Err("InputTypeNotSupportedError: Input type constant is not supported for operation over-write".into()),
        ),
        (&strings, constant("set", json!([])), unsupported("set", "array[string]")),
        (&numbers, variable("append", "i"), Ok(json!([7]))),
        (&numbers, variable("remove-first", "i"), Ok(json!([]))),
    ] {
        assert_eq!(run(target, items.clone()), expected, "{target:?} {items}");
    }
}

#[test]
fn items_see_earlier_ones_and_an_error_applies_none() {
    let step = |operation: &str, value: Json| json!({"variable_selector": ["conversation", "t"], "input_type": "constant", "operation": operation, "value": value});
    assert_eq!(run(&Value::Int(1), json!([step("+=", json!(2)), step("*=", json!(5))])), Ok(json!(15)));
    assert!(run(&Value::Int(1), json!([step("+=", json!(2)), step("/=", json!(0))])).is_err());
}
