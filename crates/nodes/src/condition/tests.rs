use std::sync::Arc;

use ox_types::{FileKind, TransferMethod};
use serde_json::json;

use super::*;

fn pool() -> Pool {
    let mut pool = Pool::new();
    let file = |name: &str, kind: FileKind, extension: Option<&str>, size: i64| {
        Value::File(Arc::new(File {
            id: None,
            tenant_id: None,
            kind,
            transfer_method: TransferMethod::LocalFile,
            remote_url: None,
            related_id: None,
            filename: Some(name.into()),
            extension: extension.map(str::to_owned),
            mime_type: None,
            size,
            url: None,
        }))
    };
    let files =
        vec![file("a.png", FileKind::Image, Some(".png"), 10), file("b.pdf", FileKind::Document, Some(".pdf"), 99)];
    pool.set_all(
        "n",
        [
            ("s", Value::from("Hello World")),
            ("empty", Value::from("")),
            ("none", Value::None),
            ("i", Value::Int(5)),
            ("zero", Value::Int(0)),
            ("f", Value::Float(2.5)),
            ("t", Value::Bool(true)),
            ("no", Value::Bool(false)),
            ("list", Value::array(vec![Value::from("a"), Value::from("b")])),
            ("numbers", Value::array(vec![Value::Int(1), Value::Int(2)])),
            ("flags", Value::array(vec![Value::Bool(true)])),
            ("none_in", Value::array(Vec::new())),
            ("o", Value::from_json(&json!({"k": "v"}))),
            ("file", files[0].clone()),
            ("files", Value::array(files)),
            ("part", Value::from("World")),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    pool
}

fn one(name: &str, operator: &str, value: Json) -> Result<bool, String> {
    let condition = Condition {
        variable_selector: vec!["n".into(), name.into()],
        comparison_operator: operator.into(),
        value,
        sub_variable_condition: None,
    };
    evaluate(&pool(), &[condition], Logic::And).map(|evaluation| evaluation.outcome)
}

#[test]
fn every_operator_on_every_type() {
    let cases: &[(&str, &str, Json, Result<bool, &str>)] = &[
        ("s", "contains", json!("World"), Ok(true)),
        ("s", "contains", json!("world"), Ok(false)),
        ("s", "contains", json!("{{#n.part#}}"), Ok(true)),
        ("s", "contains", json!(""), Ok(true)),
        ("empty", "contains", json!(""), Ok(false)),
        ("none", "contains", json!("x"), Ok(false)),
        ("none", "not contains", json!("x"), Ok(true)),
        ("empty", "not contains", json!("x"), Ok(true)),
        ("s", "not contains", json!("x"), Ok(true)),
        ("list", "contains", json!("a"), Ok(true)),
        ("list", "contains", json!("c"), Ok(false)),
        ("list", "not contains", json!("c"), Ok(true)),
        ("numbers", "contains", json!("1"), Ok(false)),
        ("flags", "contains", json!("true"), Ok(true)),
        ("flags", "contains", json!("false"), Ok(false)),
        ("i", "contains", json!("5"), Err("Invalid actual value type: string or array")),
        ("s", "start with", json!("Hello"), Ok(true)),
        ("s", "start with", json!("World"), Ok(false)),
        ("empty", "start with", json!(""), Ok(false)),
        ("i", "start with", json!("5"), Err("Invalid actual value type: string")),
        ("s", "end with", json!("World"), Ok(true)),
        ("none", "end with", json!("x"), Ok(false)),
        ("s", "is", json!("Hello World"), Ok(true)),
        ("s", "is", json!("hello world"), Ok(false)),
        ("s", "is not", json!("x"), Ok(true)),
        ("none", "is", json!("x"), Ok(false)),
        ("none", "is not", json!("x"), Ok(false)),
        ("t", "is", json!("true"), Ok(true)),
        ("t", "is", json!(true), Ok(true)),
        ("t", "is", json!(1), Ok(true)),
        ("t", "is not", json!("false"), Ok(true)),
        ("no", "is", json!("0"), Ok(true)),
        ("t", "is", json!("maybe"), Err("Cannot convert 'maybe' to a boolean")),
        ("i", "is", json!("5"), Err("Invalid actual value type: string or boolean")),
        ("empty", "empty", json!(null), Ok(true)),
        ("none", "empty", json!(""), Ok(true)),
        ("zero", "empty", json!(""), Ok(true)),
        ("no", "empty", json!(null), Ok(true)),
        ("none_in", "empty", json!(""), Ok(true)),
        ("file", "not empty", json!(""), Ok(true)),
        ("files", "not empty", json!(""), Ok(true)),
        ("o", "empty", json!(""), Ok(false)),
        ("i", "=", json!("5"), Ok(true)),
        ("i", "=", json!(5.9), Ok(true)),
        ("i", "=", json!("5.5"), Err("invalid literal for int() with base 10: '5.5'")),
        ("i", "≠", json!("6"), Ok(true)),
        ("f", "=", json!("2.5"), Ok(true)),
        ("f", "=", json!("x"), Err("could not convert string to float: 'x'")),
        ("none", "=", json!("5"), Ok(false)),
        ("none", "≠", json!("5"), Ok(false)),
        ("t", "=", json!("true"), Ok(true)),
        ("s", "=", json!("5"), Err("Invalid actual value type: number or boolean")),
        ("i", ">", json!("4"), Ok(true)),
        ("i", ">", json!("4.9"), Ok(true)),
        ("i", ">", json!("5"), Ok(false)),
        ("i", "≥", json!("5"), Ok(true)),
        ("i", "≤", json!("5.0"), Ok(true)),
        ("f", "<", json!("3"), Ok(true)),
        ("none", ">", json!("1"), Ok(false)),
        ("i", ">", json!("many"), Err("Cannot convert 'many' to number")),
        ("i", ">", json!(null), Err("Cannot convert 'None' to number")),
        ("s", ">", json!("1"), Err("Invalid actual value type: number")),
        ("none", "null", json!(null), Ok(true)),
        ("s", "not null", json!(null), Ok(true)),
        ("file", "exists", json!(""), Ok(true)),
        ("none", "not exists", json!(""), Ok(true)),
        ("s", "in", json!(["Hello World", "x"]), Ok(true)),
        ("s", "not in", json!(["x"]), Ok(true)),
        ("empty", "in", json!(["x"]), Ok(false)),
        ("empty", "not in", json!("x"), Ok(true)),
        ("s", "in", json!("x"), Err("Invalid expected value type: array")),
        ("list", "all of", json!(["a", "b"]), Ok(true)),
        ("list", "all of", json!(["a", "c"]), Ok(false)),
        ("none_in", "all of", json!(["a"]), Ok(false)),
        ("list", "all of", json!([1]), Err("Invalid expected value type: array of strings or booleans")),
        ("files", "contains", json!("x"), Err("Sub variable is required")),
        ("gone", "empty", json!(""), Err("Variable ['n', 'gone'] not found")),
        ("s", "resembles", json!(""), Err("Unsupported operator: resembles")),
    ];
    for (name, operator, value, expected) in cases {
        let got = one(name, operator, value.clone());
        assert_eq!(got, expected.map_err(str::to_owned), "{name} {operator} {value}");
    }
}

#[test]
fn conditions_on_files() {
    let sub = |key: &str, operator: &str, value: Json| SubCondition {
        key: key.into(),
        comparison_operator: operator.into(),
        value,
    };
    let check = |conditions: Vec<SubCondition>, logical_operator: Logic| {
        let condition = Condition {
            variable_selector: vec!["n".into(), "files".into()],
            comparison_operator: "contains".into(),
            value: Json::Null,
            sub_variable_condition: Some(SubConditions { logical_operator, conditions }),
        };
        evaluate(&pool(), &[condition], Logic::And).map(|evaluation| evaluation.outcome)
    };
    for (conditions, logic, expected) in [
        (vec![sub("type", "in", json!(["image"]))], Logic::And, Ok(true)),
        (vec![sub("type", "in", json!(["audio"]))], Logic::And, Ok(false)),
        (vec![sub("type", "not in", json!(["audio"]))], Logic::And, Ok(true)),
        (vec![sub("type", "not in", json!(["image"]))], Logic::And, Ok(false)),
        (vec![sub("extension", "is", json!("png"))], Logic::And, Ok(true)),
        (vec![sub("extension", "is", json!(".jpg"))], Logic::And, Ok(false)),
        (vec![sub("extension", "is", json!(1))], Logic::And, Err("Invalid expected value type: string")),
        (vec![sub("size", ">", json!("50"))], Logic::And, Ok(true)),
        (vec![sub("name", "contains", json!("{{#n.s#}}"))], Logic::And, Ok(false)),
        (vec![sub("size", ">", json!("50")), sub("name", "is", json!("zzz"))], Logic::And, Ok(false)),
        (vec![sub("size", ">", json!("50")), sub("name", "is", json!("zzz"))], Logic::Or, Ok(true)),
        (vec![sub("colour", "is", json!("red"))], Logic::And, Err("Invalid key: colour")),
    ] {
        assert_eq!(check(conditions, logic), expected.map_err(str::to_owned));
    }
}

#[test]
fn evaluation_stops_early_and_shows_what_it_saw() {
    let condition = |name: &str, value: &str| Condition {
        variable_selector: vec!["n".into(), name.into()],
        comparison_operator: "is".into(),
        value: json!(value),
        sub_variable_condition: None,
    };
    let wrong = || condition("gone", "x");
    let and = evaluate(&pool(), &[condition("s", "x"), wrong()], Logic::And).unwrap();
    assert_eq!((and.outcome, and.results), (false, vec![false]));
    let or = evaluate(&pool(), &[condition("s", "Hello World"), wrong()], Logic::Or).unwrap();
    assert_eq!((or.outcome, or.results), (true, vec![true]));
    assert_eq!(
        or.inputs[0].to_json(),
        json!({"actual_value": "Hello World", "expected_value": "Hello World", "comparison_operator": "is"})
    );
    assert!(evaluate(&pool(), &[wrong()], Logic::Or).is_err());
    assert!(evaluate(&pool(), &[], Logic::And).unwrap().outcome);
    assert!(!evaluate(&pool(), &[], Logic::Or).unwrap().outcome);
}
