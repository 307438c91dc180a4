//! `regex`: patterns in texts, in linear time.

use regex::{Regex, RegexBuilder};
use serde_json::{Value, json};

use super::{say, show};
use crate::{
    Parameter, Provider, Tool,
    call::Arguments,
    spec::{Run, Said},
};

/// Most matches that are told.
const MOST: usize = 10_000;

pub const PROVIDER: Provider = Provider {
    name: "regex",
    label: ("Regex", "正则表达式"),
    description: ("Finds and replaces what a pattern matches.", "按正则表达式提取与替换。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#7c3aed"/>"##,
        r##"<path d="M14 6v7M11 7.700l6 3.500M17 7.700l-6 3.500" stroke="#fff" stroke-width="2" stroke-linecap="round"/><circle cx="8" cy="16.500" r="1.800" fill="#fff"/></svg>"##
    ),
    labels: &["utilities", "productivity"],
    form: &[],
    trial: None,
    tools: &[
        Tool {
            name: "regex_extract",
            label: ("Regex Extract", "正则表达式内容提取"),
            description: ("Everything that matches a pattern.", "提取匹配正则表达式的内容。"),
            for_model: "Extracts from a text everything that matches a regular expression.",
            parameters: &[
                Parameter::text("content", ("Content", "内容"), "Text to search").needed(),
                Parameter::text("expression", ("Regular expression", "正则表达式"), "Regular expression").needed(),
            ],
            run: Run::Pure(extract),
        },
        Tool {
            name: "regex_replace",
            label: ("Regex Replace", "正则表达式替换"),
            description: ("The text with what matches replaced.", "替换匹配正则表达式的内容。"),
            for_model: "Replaces in a text everything that matches a regular expression; $1 or ${name} stand for groups.",
            parameters: &[
                Parameter::text("content", ("Content", "内容"), "Text to change").needed(),
                Parameter::text("expression", ("Regular expression", "正则表达式"), "Regular expression").needed(),
                Parameter::text("replacement", ("Replacement", "替换为"), "Replacement; $1 stands for the first group"),
            ],
            run: Run::Pure(replace),
        },
    ],
};

fn pattern(arguments: &Arguments) -> Result<Regex, String> {
    let text = arguments.required("expression")?;
    let built = RegexBuilder::new(&text).size_limit(4 << 20).build();
    built.map_err(|error| format!("The regular expression cannot be read: {error}"))
}

/// Compat: one group stands for itself, several for a list, as in Python's `findall`.
fn extract(arguments: &Arguments) -> Said {
    let (content, pattern) = (arguments.required("content")?, pattern(arguments)?);
    let group = |found: Option<regex::Match<'_>>| Value::from(found.map_or("", |found| found.as_str()));
    let found: Vec<Value> = pattern
        .captures_iter(&content)
        .take(MOST)
        .map(|found| match found.len() {
            1 => group(found.get(0)),
            2 => group(found.get(1)),
            _ => found.iter().skip(1).map(group).collect(),
        })
        .collect();
    show(json!(found))
}

fn replace(arguments: &Arguments) -> Said {
    let (content, pattern) = (arguments.required("content")?, pattern(arguments)?);
    let replacement = arguments.value("replacement").and_then(Value::as_str).unwrap_or_default().to_owned();
    say(pattern.replace_all(&content, replacement.as_str()))
}
