//! YAML compared with PyYAML itself where it is installed, and round trips everywhere.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests fail by panicking")]

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use ox_text::yaml;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const SCRIPT: &str = r#"
import json, sys
import yaml
out = []
for text in json.load(sys.stdin):
    try:
        out.append({"ok": json.loads(json.dumps(yaml.safe_load(text), default=str))})
    except Exception as e:
        out.append({"error": str(e)})
json.dump(out, sys.stdout)
"#;

/// Documents written by PyYAML, as upstream writes them and with everything escaped and folded.
const WRITER: &str = r#"
import json, sys
import yaml
out = []
for value in json.load(sys.stdin):
    out.append(yaml.dump(value, allow_unicode=True))
    out.append(yaml.dump(value))
    out.append(yaml.dump(value, width=20, default_style='"'))
    out.append(yaml.dump(value, default_flow_style=True))
json.dump(out, sys.stdout)
"#;

fn pyyaml(texts: &[String]) -> Option<Vec<Json>> {
    python(SCRIPT, &json!(texts))
}

fn python(script: &str, input: &Json) -> Option<Vec<Json>> {
    let spawned = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = spawned.ok()?;
    // Python may leave before it reads: then there is no answer and the test is skipped.
    let _ = child.stdin.take()?.write_all(input.to_string().as_bytes());
    let output = child.wait_with_output().ok()?;
    if !output.status.success() {
        println!("skipped: python3 with yaml is not installed");
        return None;
    }
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn fixtures() -> Vec<(PathBuf, String)> {
    let shared = std::env::var("OXIDIFY_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let Ok(entries) = std::fs::read_dir(PathBuf::from(&shared).join("fixtures/dsl")) else {
        println!("skipped: no fixtures in {shared}");
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|e| e == "yml"))
        .map(|p| (p.clone(), std::fs::read_to_string(&p).unwrap()))
        .collect()
}

#[test]
fn scalars_read_as_in_pyyaml() {
    let scalars = [
        "yes",
        "no",
        "on",
        "off",
        "Yes",
        "NO",
        "On",
        "y",
        "n",
        "true",
        "True",
        "TRUE",
        "false",
        "null",
        "~",
        "Null",
        "\"\"",
        "''",
        "1",
        "-1",
        "+1",
        "007",
        "010",
        "0x1F",
        "0b11",
        "1_000",
        "1.5",
        "1.",
        ".5",
        "1.0e+3",
        "-1.5",
        "0.1.5",
        "0.5.0",
        "'1'",
        "\"1\"",
        "'true'",
        "abc",
        "2024-01-01",
        "a: b",
        "[1, a, 'x']",
        "{a: 1, b: [x]}",
        "1754230715804",
        "#c",
        "a #c",
        "'it''s'",
        "\"a\\nb\"",
        "\"\\u4e2d\"",
        "|\n  a\n  b\n",
        ">\n  a\n  b\n",
        "|-\n  a\n",
        "|+\n  a\n\n",
        "a\n  b",
        "-",
        "- 1",
        "=",
        "<<",
        "1:x",
        "http://x/y",
        "a:b",
        "@x",
        "1 2",
        "--- a",
        "0o17",
        "12e03",
        "1e3",
        "null x",
        "!!str 1",
        "!!int '1'",
        "&a [1, 2]",
        "9223372036854775807",
        "0",
        "-0",
        "0.0",
    ];
    let texts: Vec<String> = scalars
        .iter()
        .map(|s| if s.contains('\n') || s.contains(": ") { (*s).to_owned() } else { format!("k: {s}") })
        .collect();
    let whole = [
        "7: a\n1.5: b\ntrue: c\nnull: d\nyes: e\n~: f\n'x': g\n",
        "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {y: 4, <<: [*a, {x: 9, z: 9}]}\n",
        "a: 1\na: 2\nb: 3\na: 4\n",
        "a: &a [1, {b: c}]\nd: *a\ne: [*a, *a]\n",
        "? a\n: b\n? - x\n",
        "a: &a [*a]\n",
        "[a, b]: c\n",
        "{a: b, c}\n",
        "[a: b, c]\n",
        "- - - 1\n    - 2\n  - 3\n",
        "%YAML 1.1\n---\na: yes\n...\n",
        "--- 1\n--- 2\n",
        "a: |2\n   x\n  y\n",
        "a: >-\n  x\n  y\n\n  z\n",
        "# only a comment\n",
        "position:\n  x: 1\n  y: 2\nvar: y\nn: n\n",
        "a: b\n# c\n\n\nd:   e   \n",
        "a: !!set {x, y}\n",
        "<<: 1\n",
    ];
    let texts: Vec<String> = texts.into_iter().chain(whole.map(str::to_owned)).collect();
    let Some(expected) = pyyaml(&texts) else { return };
    // Known and wanted: a date stays text, errors of PyYAML that we can read are read.
    let mut different = Vec::new();
    for (text, expected) in texts.iter().zip(&expected) {
        let got = yaml::parse(text);
        match (&got, expected.get("ok")) {
            (Ok(got), Some(expected)) if got == expected => {}
            (Err(_), None) => {}
            // We read these as text, PyYAML fails on them; a set we refuse.
            (Ok(_), None) if ["k: =", "k: <<"].contains(&text.as_str()) => {}
            (Err(_), Some(_)) if text.contains("!!set") => {}
            _ => different.push(format!("{text:?}: pyyaml {expected}, ours {got:?}")),
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn fixtures_read_and_write_as_in_pyyaml() {
    let files = fixtures();
    let mut texts = Vec::new();
    let mut ours = Vec::new();
    for (path, text) in &files {
        let json = yaml::parse(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let written = yaml::write(&json).unwrap();
        assert_eq!(yaml::parse(&written).unwrap(), json, "{}", path.display());
        texts.extend([text.clone(), written]);
        ours.push(json);
    }
    let Some(answers) = pyyaml(&texts) else { return };
    for (index, json) in ours.iter().enumerate() {
        assert_eq!(answers[index * 2]["ok"], *json, "{} as it is", files[index].0.display());
        assert_eq!(answers[index * 2 + 1]["ok"], *json, "{} as we write it", files[index].0.display());
    }
}

#[test]
fn what_pyyaml_writes_is_read() {
    let mut documents: Vec<Json> = fixtures().iter().map(|(_, text)| yaml::parse(text).unwrap()).collect();
    documents.push(json!({
        "y": "n", "k": ["y", "n", "1e3", "0o17", "12e03", "1:30", "=", "<<", "null", "yes", "", " ", "~", "-", "#", "a: b", "a\nb\n", "\ta"],
        "🤖": "👩‍👩‍👧 全角　空格 \u{85} \u{2028} \u{feff} \u{7f} \u{1} \u{10ffff}", "long": "word ".repeat(100), "x": "长".repeat(300),
        "numbers": [0, -1, 1.5, 1e300, 1e16, 1e-7, 9_007_199_254_740_993_i64, 18_446_744_073_709_551_615_u64], "key: odd": {"? a": [[], {}, [[]]]},
        "k".repeat(200): "trailing \n\n", "q": "it's \"q\" \\ back", "sp": "  lead", "nl": "\n", "crlf": "a\r\nb",
    }));
    let Some(texts) = python(WRITER, &json!(documents)) else { return };
    for (index, text) in texts.iter().enumerate() {
        let text = text.as_str().unwrap();
        let read = yaml::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read, documents[index / 4], "{text}");
    }
}

#[test]
fn written_strings_survive_a_yaml_1_1_reader() {
    let strings = [
        "",
        " ",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "true",
        "True",
        "null",
        "~",
        "=",
        "<<",
        "1",
        "1.5",
        "0x1F",
        "010",
        "0o17",
        "1_000",
        "1e3",
        ".5",
        "1:30",
        "12:30:45",
        "2024-01-01",
        "2001-12-14t21:59:43.10-05:00",
        "- a",
        "? a",
        ": a",
        "a: b",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a",
        "{a",
        "[a",
        "]",
        "}",
        ",",
        "|",
        ">",
        "'",
        "\"",
        "it's",
        "\"q\"",
        "a\\b",
        "tab\tx",
        " lead",
        "trail ",
        "a\nb",
        "a\n",
        "\na",
        "a\n\n\nb\n\n",
        "  indented\nb",
        "中文 🤖",
        "\u{85}",
        "\u{2028}",
        "\u{feff}x",
        "a\r\nb",
        "\u{0}",
        "\u{7f}",
        ".inf",
        ".nan",
        "---",
        "...",
        "key:",
        "{{#1.query#}}",
        "{{ x }}",
        "'true'",
        "-",
        "--",
        "1754230715804",
        "0.6.0",
    ];
    let long = ["word ".repeat(60), "x".repeat(500), format!("{}\n{}", "a ".repeat(100), "b ".repeat(100))];
    let all: Vec<String> = strings.iter().map(|s| (*s).to_owned()).chain(long).collect();
    let document = json!({
        "list": all,
        "map": all.iter().enumerate().map(|(i, s)| (s.clone(), json!(i))).collect::<serde_json::Map<_, _>>(),
        "nested": [{"a": [[], {}, [[1]], null, true, 1.5, -3, 1e300]}],
    });
    let written = yaml::write(&document).unwrap();
    assert_eq!(yaml::parse(&written).unwrap(), document);
    let Some(answers) = pyyaml(std::slice::from_ref(&written)) else { return };
    assert_eq!(answers[0]["ok"], document, "{}\n{written}", answers[0]);
}

#[test]
fn the_deepest_document_and_the_longest_key_are_written() {
    let mut deep = json!("x");
    for _ in 0..55 {
        deep = json!([{"a": deep}]);
    }
    let document = json!({"k".repeat(5000): deep[0]["a"]});
    let written = yaml::write(&document).unwrap();
    assert_eq!(yaml::parse(&written).unwrap(), document);
    let Some(answers) = pyyaml(&[written]) else { return };
    assert_eq!(answers[0]["ok"], document);
}

/// Found by fuzzing: such an app could be imported, but not what was exported of it.
#[test]
fn json_may_nest_no_deeper_than_yaml() {
    for (depth, is_read) in [(120, true), (121, false), (127, false)] {
        let text = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        let read = yaml::parse(&text);
        assert_eq!(read.is_ok(), is_read, "{depth}: {read:?}");
        if let Ok(read) = read {
            assert_eq!(yaml::parse(&yaml::write(&read).unwrap()).unwrap(), read);
        }
    }
}

#[test]
fn bad_input_is_answered_with_the_place() {
    let cases = [
        "a: [1, 2",
        "a: b: c",
        "a:\n\tb: 1",
        "a: 'x",
        "{",
        "a: *nobody",
        "- a\nb: c",
        "a: 1\n  b: 2",
        "--- 1\n--- 2\n",
        "%",
    ];
    for text in cases {
        let error = yaml::parse(text).unwrap_err();
        assert!(error.line > 0, "{text:?}: {error}");
        assert!(!error.why.contains('\n') && !error.why.is_empty(), "{text:?}: {error:?}");
    }
    assert_eq!(yaml::parse("").unwrap(), Json::Null);
    assert_eq!(yaml::parse("{\"a\": \"\\ud83d\\ude00\",\n\t\"b\": 1e3}").unwrap(), json!({"a": "😀", "b": 1000.0}));
    assert_eq!(yaml::parse("\u{feff}a: 1").unwrap(), json!({"a": 1}));
}

#[test]
fn hostile_documents_end_quickly() {
    let begin = std::time::Instant::now();
    let deep_flow = "[".repeat(10_000);
    let deep_block: String = (0..10_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let quotes = "'".repeat(100_001);
    for text in [
        deep_flow,
        format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
        deep_block,
        bomb,
        "- ".repeat(10_000),
        "{a: ".repeat(10_000),
        quotes,
    ] {
        assert!(yaml::parse(&text).is_err(), "{}", &text[..20]);
    }
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
}

proptest! {
    #[test]
    fn any_string_survives(text in any::<String>(), key in any::<String>()) {
        let document = json!({"k": [text.clone()], key: {"inner": text}});
        let written = yaml::write(&document).unwrap();
        prop_assert_eq!(yaml::parse(&written).unwrap(), document, "{}", written);
    }

    #[test]
    fn any_text_is_answered(text in "[-a-z0-9:{}\\[\\],&*#?|>!%@`'\" \n\t]{0,80}") {
        let _ = yaml::parse(&text);
    }
}
