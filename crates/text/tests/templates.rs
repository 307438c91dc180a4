//! Templates as people write them, compared with what Python's Jinja2 made of them (`templates/table.py`).

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use ox_text::jinja::{Limits, render};
use serde::Deserialize;
use serde_json::Value as Json;

#[derive(Deserialize)]
struct Table {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    template: String,
    variables: Json,
    /// A text, or the name of an error.
    expected: Json,
}

/// Rows that this renderer does otherwise: what it says, and why.
const DIFFERENT: &[(&str, &str)] = &[
    // Values do not change here; Jinja2 itself renders these, where the host has it.
    ("append in a loop", "unknown method: sequence has no method named append"),
    ("append as an expression", "unknown method: sequence has no method named append"),
    ("update a dictionary", "unknown method: map has no method named update"),
    // The same: rare things that are not worth a second implementation.
    ("first, last, random choice of one", "unknown filter: filter random is unknown"),
    ("percent", "'float' cannot be formatted in decimal format ('d')"),
    ("varargs", "too many arguments"),
    ("format with names", "expected closing '}' in format spec"),
    ("size and xml", "unknown filter: filter xmlattr is unknown"),
    ("cycler and joiner", "not iterable"),
    ("unpacking", "cannot unpack"),
    // More than Jinja2 does.
    ("loop controls are an extension", "1"),
    ("comparing unlike things", "False"),
];

#[test]
fn the_table_gives_the_same_bytes() {
    let table: Table = serde_json::from_str(include_str!("templates/table.json")).unwrap();
    assert!(table.rows.len() >= 40);
    let mut wrong = Vec::new();
    for row in &table.rows {
        let got = render(&row.template, &row.variables, Limits::default());
        let different = DIFFERENT.iter().find(|(name, _)| *name == row.name).map(|(_, said)| *said);
        let as_expected = match (&got, different) {
            (Ok(text), None) => row.expected.as_str() == Some(text),
            (Err(_), None) => row.expected.is_object(),
            (Ok(text), Some(said)) => text == said,
            (Err(error), Some(said)) => error.to_string().contains(said),
        };
        if !as_expected {
            wrong.push(format!("{}\n  {}\n  expected: {}\n  got:      {got:?}", row.name, row.template, row.expected));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), table.rows.len(), wrong.join("\n"));
}
