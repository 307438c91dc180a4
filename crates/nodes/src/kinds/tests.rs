//! The small kinds, each by a table of configurations.

use std::sync::Arc;

use ox_engine::{NodeOutput, Pool};
use ox_sandbox::Off;
use ox_types::{Json, Value, ValueType};
use serde_json::json;

use crate::{Limits, Ports, testing};

fn pool() -> Pool {
    let mut pool = Pool::new();
    pool.set_all(
        "n1",
        [
            ("text".to_owned(), Value::from("abc")),
            ("null".to_owned(), Value::None),
            ("list".to_owned(), Value::from_json(&json!(["x", "y"]))),
            ("object".to_owned(), Value::from_json(&json!({"k": {"deep": 1}}))),
            ("file".to_owned(), Value::from(testing::file("a.png"))),
            ("files".to_owned(), Value::array(vec![Value::from(testing::file("b.png"))])),
            ("no_files".to_owned(), Value::array_of(ValueType::ArrayFile, Vec::new())),
        ],
    );
    pool.set("env", "key", Value::secret("s3cret"));
    pool.set("sys", "query", "q?");
    pool.set("n", "given", "in");
    pool.set("conversation", "words", Value::from_json(&json!(["a"])));
    pool
}

async fn run(kind: &str, data: Json) -> Result<NodeOutput, String> {
    let result = testing::run(kind, data, pool()).await;
    result.map_err(|failure| format!("{}: {}", failure.error_type, failure.error))
}

async fn outputs(kind: &str, data: Json) -> Result<Json, String> {
    run(kind, data).await.map(|output| Value::object(output.outputs).to_json())
}

#[tokio::test]
async fn start() {
    let data =
        json!({"variables": [{"variable": "given", "type": "text-input"}, {"variable": "absent", "type": "number"}]});
    let output = run("start", data).await.unwrap();
    assert_eq!(Value::object(output.inputs).to_json(), json!({"given": "in", "absent": null}));
    assert_eq!(Value::object(output.outputs).to_json(), json!({"given": "in", "absent": null, "sys.query": "q?"}));
    let required = json!({"variables": [{"variable": "o", "type": "json_object", "required": true}]});
    assert_eq!(run("start", required).await.unwrap_err(), "ValueError: o is required in input form");
}

#[tokio::test]
async fn end() {
    let output = |selector: Json, kind: Json| json!({"outputs": [{"variable": "o", "value_selector": selector, "value_type": kind}]});
    for (data, expected) in [
        (output(json!(["n1", "text"]), json!("string")), json!({"o": "abc"})),
        (output(json!(["n1", "object", "k", "deep"]), json!("Array[String]")), json!({"o": 1})),
        (output(json!(["n1", "gone"]), Json::Null), json!({"o": null})),
        (output(json!([]), json!("")), json!({"o": null})),
        (json!({"outputs": null}), json!({})),
    ] {
        assert_eq!(outputs("end", data.clone()).await.unwrap(), expected, "{data}");
    }
}

#[tokio::test]
async fn answer() {
    for (answer, expected) in [
        ("a {{#n1.text#}} {{#n1.gone#}}", "a abc n1.gone"),
        ("{{#n1.list#}}", "- x\n- y"),
        ("{{#n1.null#}}.", "."),
        ("{{#n1.object.k.deep#}}", "1"),
        ("{{#n1.file#}}", "![a.png](http://files/a.png)"),
        ("{{ #n1.text# }}", "{{ #n1.text# }}"),
    ] {
        assert_eq!(outputs("answer", json!({"answer": answer})).await.unwrap()["answer"], expected, "{answer}");
    }
    let with_files = outputs("answer", json!({"answer": "{{#n1.file#}}{{#n1.files#}}{{#n1.text#}}"})).await.unwrap();
    let names: Vec<&Json> = with_files["files"].as_array().unwrap().iter().map(|file| &file["filename"]).collect();
    assert_eq!(names, ["a.png", "b.png"]);
}

#[tokio::test]
async fn if_else() {
    let condition =
        |value: &str| json!({"variable_selector": ["n1", "text"], "comparison_operator": "is", "value": value});
    let case =
        |id: &str, value: &str| json!({"case_id": id, "logical_operator": "and", "conditions": [condition(value)]});
    for (data, expected) in [
        (json!({"cases": [case("true", "abc"), case("x", "abc")]}), ("true", true)),
        (json!({"cases": [case("true", "no"), case("x", "abc")]}), ("x", true)),
        (json!({"cases": [case("true", "no")]}), ("false", false)),
        (json!({"cases": []}), ("false", false)),
        (json!({"logical_operator": "or", "conditions": [condition("no"), condition("abc")]}), ("true", true)),
        (json!({"conditions": [condition("no"), condition("abc")]}), ("false", false)),
        (json!({"cases": [{"id": "y", "conditions": [condition("abc")]}]}), ("y", true)),
    ] {
        let output = run("if-else", data.clone()).await.unwrap();
        assert_eq!(output.handle.as_deref(), Some(expected.0), "{data}");
        assert_eq!(output.outputs["selected_case_id"], Value::from(expected.0));
        assert_eq!(output.outputs["result"], Value::Bool(expected.1));
    }
    let traced = run("if-else", json!({"cases": [case("true", "no"), case("x", "abc")]})).await.unwrap();
    assert_eq!(
        Value::object(traced.process_data).to_json(),
        json!({"condition_results": [{"group": "true", "results": [false], "final_result": false},
            {"group": "x", "results": [true], "final_result": true}]})
    );
    assert_eq!(
        Value::object(traced.inputs).to_json(),
        json!({"conditions": [{"actual_value": "abc", "expected_value": "abc", "comparison_operator": "is"}]})
    );
    let missing = json!({"conditions": [{"variable_selector": ["a", "b"], "comparison_operator": "is", "value": ""}]});
    assert_eq!(run("if-else", missing).await.unwrap_err(), "ValueError: Variable ['a', 'b'] not found");
}

#[tokio::test]
async fn template_transform() {
    let data = |template: &str| {
        json!({"template": template, "variables": [{"variable": "xs", "value_selector": ["n1", "list"]},
            {"variable": "gone", "value_selector": ["n1", "gone"]}, {"variable": "f", "value_selector": ["n1", "file"]}]})
    };
    for (template, expected) in [
        ("{% for x in xs %}{{ loop.index }}{{ x }} {% endfor %}", Ok("1x 2y ")),
        ("{{ gone is none }} {{ unknown }}.", Ok("True .")),
        ("{{ f.filename }}", Ok("a.png")),
        ("{% for i in range(2000) %}x{% endfor %}", Ok("long")),
    ] {
        let got =
            outputs("template-transform", data(template)).await.map(|json| json["output"].as_str().unwrap().to_owned());
        match expected {
            Ok("long") => assert_eq!(got.unwrap().len(), 2000),
            other => assert_eq!(got, other.map(str::to_owned), "{template}"),
        }
    }
    let broken = outputs("template-transform", data("{% for %}")).await.unwrap_err();
    assert!(broken.starts_with("TemplateRenderError: line 1: "), "{broken}");
    let limits = Limits { template_max_length: 100, ..Limits::default() };
    let ports = Ports { limits, ..testing::ports() };
    let long =
        testing::run_with(ports, "template-transform", data("{% for i in range(101) %}x{% endfor %}"), pool()).await.0;
    assert_eq!(long.unwrap_err().error, "Output length exceeds 100 characters");
    let endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
    let endless = outputs("template-transform", data(endless)).await.unwrap_err();
    assert!(endless.contains("too much work"), "{endless}");
}

#[tokio::test]
async fn variable_aggregator() {
    let group = |name: &str, variables: Json| json!({"groupId": name, "group_name": name, "output_type": "string", "variables": variables});
    let grouped = |enabled: bool| {
        json!({"variables": [["n1", "text"]], "advanced_settings": {"group_enabled": enabled, "groups": [
            group("g1", json!([["n1", "gone"], ["n1", "list"]])), group("g2", json!([["n1", "gone"]]))]}})
    };
    for (data, expected) in [
        (json!({"variables": [["n1", "gone"], ["n1", "text"], ["n1", "list"]]}), json!({"output": "abc"})),
        (json!({"variables": [["n1", "null"], ["n1", "text"]]}), json!({"output": null})),
        (json!({"variables": [["n1", "gone"]], "advanced_settings": null}), json!({})),
        (grouped(false), json!({"output": "abc"})),
        (grouped(true), json!({"g1": {"output": ["x", "y"]}})),
    ] {
        assert_eq!(outputs("variable-aggregator", data.clone()).await.unwrap(), expected, "{data}");
        assert_eq!(outputs("variable-assigner", data).await.unwrap(), expected);
    }
    let deep = run("variable-aggregator", json!({"variables": [["n1", "object", "k", "deep"]]})).await.unwrap();
    assert_eq!(Value::object(deep.inputs).to_json(), json!({"object.k.deep": 1}));
}

#[tokio::test]
async fn code() {
    let data = |code: &str, kind: &str| {
        json!({"code_language": "javascript", "code": code, "outputs": {"r": {"type": kind, "children": null}}, "variables": [
            {"variable": "t", "value_selector": ["n1", "text"]}, {"variable": "gone", "value_selector": ["n1", "gone"]},
            {"variable": "f", "value_selector": ["n1", "file"]}, {"variable": "none", "value_selector": ["n1", "no_files"]}]})
    };
    for (source, kind, expected) in [
        ("function main({t}) { return {r: t.toUpperCase()} }", "string", Ok(json!("ABC"))),
        (
            "function main({gone, none}) { return {r: [gone === null, none === null]} }",
            "array[boolean]",
            Ok(json!([true, true])),
        ),
        ("function main({f}) { return {r: f.filename} }", "string", Ok(json!("a.png"))),
        (
            "function main() { return {r: 1} }",
            "string",
            Err("OutputValidationError: Output r must be a string, got int instead."),
        ),
        (
            "function main() { return {r: '', x: 1} }",
            "string",
            Err("CodeNodeError: Not all output parameters are validated."),
        ),
        (
            "function main() { return [] }",
            "string",
            Err("CodeExecutionError: The result of main must be an object, got an array instead."),
        ),
        (
            "function main() { throw new TypeError('bad') }",
            "string",
            Err("CodeExecutionError: TypeError: bad (line 1, column 29)"),
        ),
    ] {
        let got = outputs("code", data(source, kind)).await.map(|json| json["r"].clone());
        assert_eq!(got, expected.map_err(str::to_owned), "{source}");
    }
    let ports = Ports { code: Arc::new(Off::default()), ..testing::ports() };
    let off = testing::run_with(ports, "code", data("function main() {}", "string"), pool()).await.0.unwrap_err();
    assert!(off.error.contains("OXIDIFY_CODE_UNCONFINED=true") && off.retry_useless, "{}", off.error);
    assert_eq!(off.error_type, "CodeExecutionError");
    let slow = Limits { code_timeout_seconds: 1, ..Limits::default() };
    let ports = Ports { limits: slow, ..testing::ports() };
    let slow = testing::run_with(ports, "code", data("function main() { for (;;) {} }", "string"), pool()).await.0;
    assert!(slow.unwrap_err().error.starts_with("error: timeout"));
}

#[tokio::test]
async fn assigner_version_1() {
    let data = |mode: &str, target: &str, source: &str| json!({"write_mode": mode, "assigned_variable_selector": ["conversation", target], "input_variable_selector": ["n1", source]});
    for (data, expected) in [
        (data("over-write", "words", "text"), Ok(json!("abc"))),
        (data("append", "words", "text"), Ok(json!(["a", "abc"]))),
        (data("append", "words", "list"), Ok(json!(["a", ["x", "y"]]))),
        (data("clear", "words", "text"), Ok(json!([]))),
        (data("over-write", "gone", "text"), Err("VariableOperatorNodeError: assigned variable not found")),
        (data("over-write", "words", "gone"), Err("VariableOperatorNodeError: input value not found")),
    ] {
        let got = run("assigner", data.clone()).await.map(|output| {
            assert!(output.outputs.is_empty());
            let kept = &output.process_data["__updated_variables"].as_array().unwrap()[0];
            assert_eq!(kept.as_object().unwrap()["selector"].to_json(), json!(["conversation", "words"]));
            output.updates[0].1.to_json()
        });
        assert_eq!(got, expected.map_err(str::to_owned), "{data}");
    }
    let not_a_list = json!({"write_mode": "append", "assigned_variable_selector": ["n1", "text"], "input_variable_selector": ["n1", "text"]});
    assert_eq!(
        run("assigner", not_a_list).await.unwrap_err(),
        "VariableOperatorNodeError: append mode requires an array variable"
    );
}
