//! Text forms compared with Python itself; skipped where there is no `python3`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests fail by panicking")]

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use ox_types::{Json, Value, json_line, json_pretty, python_repr, python_str};
use serde_json::json;

const SCRIPT: &str = r#"
import json, sys
out = []
for text in sys.stdin.read().split("\n"):
    if text:
        v = json.loads(text)
        out.append([str(v), repr(v), json.dumps(v, ensure_ascii=False), json.dumps(v, ensure_ascii=False, indent=2)])
sys.stdout.write(json.dumps(out))
"#;

/// Sends one JSON document per line, gets the texts Python gives for each.
fn python(documents: &[Json]) -> Option<Vec<Vec<String>>> {
    let spawned = Command::new("python3").args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = spawned else {
        println!("skipped: python3 is not installed");
        return None;
    };
    let mut input = String::new();
    for document in documents {
        input.push_str(&document.to_string());
        input.push('\n');
    }
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn str_repr_and_dumps_agree_with_python() {
    let mut documents = vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-7),
        json!(9_007_199_254_740_993_i64),
        json!("plain"),
        json!("it's"),
        json!("say \"hi\""),
        json!("both ' and \""),
        json!("back\\slash"),
        json!("tab\tline\nreturn\r"),
        json!("\u{0}\u{7}\u{1b}\u{7f}\u{85}\u{a0}\u{ad}"),
        json!("中文　全角空格"),
        json!("👩‍👩‍👧 family"),
        json!("\u{feff}bom \u{2028} sep \u{200b} zero"),
        json!("\u{e0001}\u{10ffff}é"),
        json!([]),
        json!({}),
        json!([[], {}]),
        json!(["a", "b"]),
        json!([1, 2.5, true, null]),
        json!([{"a": 1, "b": [1.0, {"c": null}]}]),
        json!({"k'ey": "v", "z": 1e16, "a": 1e-5}),
        json!({"nested": {"list": [], "map": {}, "text": "</script>"}}),
    ];
    let floats = [
        0.0,
        -0.0,
        1.0,
        0.1,
        1.5,
        100.0,
        1e15,
        1e16,
        1.5e16,
        123_456_789_012_345_680.0,
        1e22,
        1e-4,
        1.2e-4,
        1e-5,
        1.25e-7,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        0.30000000000000004,
        2.0_f64.powi(53),
        1.0 / 3.0,
    ];
    documents.extend(floats.iter().map(|&number| json!(number)));
    let Some(expected) = python(&documents) else { return };
    assert_eq!(expected.len(), documents.len());
    for (document, expected) in documents.iter().zip(expected) {
        let value = Value::from_json_plain(document);
        let text = if document.is_null() { "None".into() } else { python_str(&value) };
        let got = [text, python_repr(&value), json_line(document), json_pretty(document)];
        assert_eq!(got.as_slice(), expected.as_slice(), "{document}");
    }
}

#[test]
fn text_markdown_and_log_of_each_type() {
    let image = json!({"dify_model_identity": "__dify__file__", "type": "image", "transfer_method": "remote_url",
        "filename": "cat.png", "url": "http://x/cat.png"});
    let document = json!({"dify_model_identity": "__dify__file__", "type": "document", "transfer_method": "local_file",
        "url": "http://x/a"});
    let cases = [
        (json!(null), "", "", ""),
        (json!(true), "True", "True", "True"),
        (json!(5), "5", "5", "5"),
        (json!(1.0), "1.0", "1.0", "1.0"),
        (json!("a"), "a", "a", "a"),
        (json!({"a": "é"}), "{\"a\": \"é\"}", "{\n  \"a\": \"é\"\n}", "{\n  \"a\": \"é\"\n}"),
        (json!(["a", "b"]), "[\"a\", \"b\"]", "- a\n- b", "['a', 'b']"),
        (json!([1, 2.5]), "[1, 2.5]", "- 1\n- 2.5", "[1, 2.5]"),
        (json!([{"a": 1}]), "[{'a': 1}]", "- {'a': 1}", "[{'a': 1}]"),
        (json!([1, null]), "[1, None]", "- 1\n- None", "[1, None]"),
        (json!([]), "", "", "[]"),
        (image.clone(), "", "![cat.png](http://x/cat.png)", ""),
        (document.clone(), "", "[http://x/a](http://x/a)", ""),
        (json!([image, document]), "", "![cat.png](http://x/cat.png)\n[http://x/a](http://x/a)", ""),
    ];
    for (document, text, markdown, log) in cases {
        let value = Value::from_json(&document);
        assert_eq!(
            (value.text().as_str(), value.markdown().as_str(), value.log().as_str()),
            (text, markdown, log),
            "{document}"
        );
    }
    for (secret, log) in [("", ""), ("12345678", "********************"), ("sk-123456789", "sk-123************89")] {
        assert_eq!((Value::secret(secret).text().as_str(), Value::secret(secret).log().as_str()), (secret, log));
    }
}

/// What Python 3.11 wrote for each value, kept: `str`, `repr`, `json.dumps` on one line and indented by two.
#[test]
fn golden_table() {
    let table = include_str!("pyfmt/values.jsonl");
    let mut rows = 0;
    for line in table.lines() {
        let row: Json = serde_json::from_str(line).unwrap();
        let document = &row["value"];
        let value = Value::from_json_plain(document);
        let text = if document.is_null() { "None".into() } else { python_str(&value) };
        let got = [text, python_repr(&value), json_line(document), json_pretty(document)];
        let expected = ["str", "repr", "line", "indented"].map(|name| row[name].as_str().unwrap().to_owned());
        assert_eq!(got, expected, "{document}");
        rows += 1;
    }
    assert!(rows > 300, "{rows}");
}
