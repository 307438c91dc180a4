#![expect(clippy::needless_pass_by_value, reason = "json! literals read better by value")]

use super::*;
use crate::testing;

async fn run(items: Value, extra: Json) -> Result<Json, String> {
    let mut pool = Pool::new();
    pool.set("a", "list", items);
    pool.set("a", "word", "b");
    let mut data = json!({"variable": ["a", "list"]});
    data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let result = testing::run("list-operator", data, pool).await;
    result.map(|output| output.outputs["result"].to_json()).map_err(|failure| failure.error)
}

fn filter(key: &str, operator: &str, value: Json) -> Json {
    json!({"filter_by": {"enabled": true, "conditions": [{"key": key, "comparison_operator": operator, "value": value}]}})
}

#[tokio::test]
async fn filters() {
    let words = || Value::from_json(&json!(["apple", "banana", ""]));
    let numbers = || Value::from_json(&json!([1, 2.5, 3]));
    let flags = || Value::from_json(&json!([true, false]));
    for (items, extra, expected) in [
        (words(), filter("", "contains", json!("{{#a.word#}}")), Ok(json!(["banana"]))),
        (words(), filter("", "start with", json!("a")), Ok(json!(["apple"]))),
        (words(), filter("", "end with", json!("a")), Ok(json!(["banana"]))),
        (words(), filter("", "is", json!("apple")), Ok(json!(["apple"]))),
        (words(), filter("", "is not", json!("apple")), Ok(json!(["banana", ""]))),
        (words(), filter("", "in", json!("an apple")), Ok(json!(["apple", ""]))),
        (words(), filter("", "not in", json!("an apple")), Ok(json!(["banana"]))),
        (words(), filter("", "empty", json!("")), Ok(json!([""]))),
        (words(), filter("", "not empty", Json::Null), Ok(json!(["apple", "banana"]))),
        (words(), filter("", "resembles", json!("x")), Err("Invalid condition: resembles")),
        (words(), filter("", "is", json!(["x"])), Err("Invalid filter value: [\"x\"]")),
        (numbers(), filter("", ">", json!("2")), Ok(json!([2.5, 3]))),
        (numbers(), filter("", "≤", json!("2.5")), Ok(json!([1, 2.5]))),
        (numbers(), filter("", "≠", json!("1")), Ok(json!([2.5, 3]))),
        (numbers(), filter("", "=", json!("x")), Err("Invalid filter value: x")),
        (numbers(), filter("", "contains", json!("1")), Err("Invalid condition: contains")),
        (flags(), filter("", "is", json!(true)), Ok(json!([true]))),
        (flags(), filter("", "is not", json!(true)), Ok(json!([false]))),
    ] {
        assert_eq!(run(items, extra.clone()).await, expected.map_err(str::to_owned), "{extra}");
    }
}

#[tokio::test]
async fn files() {
    let files = || Value::array(["b.png", "a.pdf", "c.txt"].map(|name| Value::from(testing::file(name))).to_vec());
    let names = |extra: Json| async {
        run(files(), extra).await.map(|list| {
            list.as_array()
                .unwrap()
                .iter()
                .map(|file| file["filename"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        })
    };
    for (extra, expected) in [
        (filter("type", "in", json!(["image"])), Ok(vec!["b.png"])),
        (filter("type", "not in", json!(["image"])), Ok(vec!["a.pdf", "c.txt"])),
        (filter("name", "start with", json!("a")), Ok(vec!["a.pdf"])),
        (filter("extension", "is", json!(".txt")), Ok(vec!["c.txt"])),
        (filter("size", ">", json!("5")), Ok(vec![])),
        (filter("colour", "is", json!("x")), Err("Invalid key: colour")),
        (filter("type", "in", json!("image")), Err("Invalid filter value: image")),
        (json!({"order_by": {"enabled": true, "key": "name", "value": "asc"}}), Ok(vec!["a.pdf", "b.png", "c.txt"])),
        (json!({"order_by": {"enabled": true, "key": "name", "value": "desc"}}), Ok(vec!["c.txt", "b.png", "a.pdf"])),
        (json!({"order_by": {"enabled": true, "key": "x"}}), Err("Invalid key: x")),
    ] {
        let expected = expected.map(|names| names.into_iter().map(str::to_owned).collect()).map_err(str::to_owned);
        assert_eq!(names(extra.clone()).await, expected, "{extra}");
    }
}

#[tokio::test]
async fn picks_orders_and_cuts() {
    let numbers = || Value::from_json(&json!([3, 1, 2]));
    let cut = |size: i64| json!({"limit": {"enabled": true, "size": size}});
    for (items, extra, expected) in [
        (numbers(), json!({"extract_by": {"enabled": true, "serial": "2"}}), Ok(json!([1]))),
        (
            numbers(),
            json!({"extract_by": {"enabled": true, "serial": "0"}}),
            Err("Invalid serial index: must be >= 1, got 0"),
        ),
        (
            numbers(),
            json!({"extract_by": {"enabled": true, "serial": "4"}}),
            Err("Invalid serial index: must be <= 3, got 4"),
        ),
        (numbers(), json!({"order_by": {"enabled": true, "value": "asc"}}), Ok(json!([1, 2, 3]))),
        (numbers(), cut(2), Ok(json!([3, 1]))),
        (numbers(), cut(-1), Ok(json!([3, 1]))),
        (numbers(), cut(9), Ok(json!([3, 1, 2]))),
        (Value::None, cut(1), Ok(json!([]))),
        (Value::from_json(&json!([])), json!({"extract_by": {"enabled": true, "serial": "1"}}), Ok(json!([]))),
        (Value::from("x"), json!({}), Err("Variable ['a', 'list'] is not an array type, actual type: <class 'str'>")),
        (
            Value::from_json(&json!([{"a": 1}])),
            json!({}),
            Err("Variable ['a', 'list'] is not an array type, actual type: <class 'list'>"),
        ),
    ] {
        assert_eq!(run(items, extra.clone()).await, expected.map_err(str::to_owned), "{extra}");
    }
    let missing = testing::run("list-operator", json!({"variable": ["a", "b"]}), Pool::new()).await.unwrap_err();
    assert_eq!(missing.error, "Variable not found for selector: ['a', 'b']");
}
