//! `text`: counting, cutting, changing and comparing texts.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{say, show};
use crate::{
    Parameter, Provider, Tool,
    call::Arguments,
    spec::{Run, Said, Text},
};

const CONTENT: Text = ("Text", "文本");

pub const PROVIDER: Provider = Provider {
    name: "text",
    label: ("Text", "文本处理"),
    description: ("Counts, splits, changes and encodes texts.", "文本统计、拆分、转换与编码。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#475569"/>"##,
        r##"<path d="M6.500 8V6.500h11V8M12 6.500v11M9.500 17.500h5" stroke="#fff" stroke-width="2" stroke-linecap="round" fill="none"/></svg>"##
    ),
    labels: &["utilities", "productivity"],
    form: &[],
    trial: None,
    tools: &[
        Tool {
            name: "text_statistics",
            label: ("Count", "统计"),
            description: ("Characters, words and lines of a text.", "统计字符数、词数与行数。"),
            for_model: "Counts the characters, words, lines and bytes of a text.",
            parameters: &[Parameter::text("content", CONTENT, "Text to count").needed()],
            run: Run::Pure(count),
        },
        Tool {
            name: "text_split",
            label: ("Split", "拆分"),
            description: ("The parts of a text between separators.", "按分隔符拆分文本。"),
            for_model: "Splits a text at a separator into a list.",
            parameters: &[
                Parameter::text("content", CONTENT, "Text to split").needed(),
                Parameter::text("separator", ("Separator", "分隔符"), "Where to split; a line break when empty"),
            ],
            run: Run::Pure(split),
        },
        Tool {
            name: "text_replace",
            label: ("Replace", "替换"),
            description: ("A text with every occurrence of another replaced.", "替换文本中的内容。"),
            for_model: "Replaces every occurrence of a string in a text, literally.",
            parameters: &[
                Parameter::text("content", CONTENT, "Text to change").needed(),
                Parameter::text("search", ("Search", "查找"), "What to replace").needed(),
                Parameter::text("replacement", ("Replacement", "替换为"), "What to put there"),
            ],
            run: Run::Pure(replace),
        },
        Tool {
            name: "text_convert",
            label: ("Convert", "转换"),
            description: (
                "Case, trimming, base64, URL encoding, SHA-256.",
                "大小写、修剪、Base64、URL 编码与 SHA-256。",
            ),
            for_model: "Converts a text: case, trimming, encoding or decoding, hash.",
            parameters: &[
                Parameter::text("content", CONTENT, "Text to convert").needed(),
                Parameter::select(
                    "operation",
                    ("Operation", "操作"),
                    "trim",
                    &[
                        ("trim", ("Trim", "去除首尾空白")),
                        ("upper", ("Upper case", "大写")),
                        ("lower", ("Lower case", "小写")),
                        ("title", ("Title Case", "首字母大写")),
                        ("reverse", ("Reverse", "反转")),
                        ("unique_lines", ("Unique lines", "去除重复行")),
                        ("sort_lines", ("Sort lines", "按行排序")),
                        ("base64_encode", ("Base64 encode", "Base64 编码")),
                        ("base64_decode", ("Base64 decode", "Base64 解码")),
                        ("url_encode", ("URL encode", "URL 编码")),
                        ("url_decode", ("URL decode", "URL 解码")),
                        ("sha256", ("SHA-256", "SHA-256")),
                    ],
                )
                .asked("What to do with the text")
                .needed(),
            ],
            run: Run::Pure(convert),
        },
    ],
};

/// A text as it is, blank or not.
fn whole(arguments: &Arguments, name: &str) -> String {
    arguments
        .value(name)
        .map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn count(arguments: &Arguments) -> Said {
    let text = whole(arguments, "content");
    show(json!({
        "characters": text.chars().count(),
        "characters_without_spaces": text.chars().filter(|character| !character.is_whitespace()).count(),
        "words": text.split_whitespace().count(),
        "lines": text.lines().count(),
        "bytes": text.len(),
    }))
}

fn split(arguments: &Arguments) -> Said {
    let (text, separator) = (whole(arguments, "content"), whole(arguments, "separator"));
    let separator =
        if separator.is_empty() { "\n".to_owned() } else { separator.replace("\\n", "\n").replace("\\t", "\t") };
    show(json!(text.split(&separator).collect::<Vec<_>>()))
}

fn replace(arguments: &Arguments) -> Said {
    let search = whole(arguments, "search");
    if search.is_empty() {
        return Err("tool parameter search not found in tool config".into());
    }
    say(whole(arguments, "content").replace(&search, &whole(arguments, "replacement")))
}

fn convert(arguments: &Arguments) -> Said {
    let text = whole(arguments, "content");
    let operation = arguments.get("operation").unwrap_or_else(|| "trim".into());
    say(match operation.as_str() {
        "trim" => text.trim().to_owned(),
        "upper" => text.to_uppercase(),
        "lower" => text.to_lowercase(),
        "title" => titled(&text),
        "reverse" => text.chars().rev().collect(),
        "unique_lines" => {
            let mut seen = std::collections::HashSet::new();
            text.lines().filter(|line| seen.insert(*line)).collect::<Vec<_>>().join("\n")
        }
        "sort_lines" => {
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_unstable();
            lines.join("\n")
        }
        "base64_encode" => STANDARD.encode(text.as_bytes()),
        "base64_decode" => {
            let compact: String = text.split_whitespace().collect();
            let bytes = STANDARD.decode(compact).map_err(|error| format!("This is not base64: {error}"))?;
            String::from_utf8(bytes).map_err(|_| "What is encoded is not text.")?
        }
        "url_encode" => url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20"),
        "url_decode" => {
            let query = format!("x={}", text.replace('&', "%26"));
            url::form_urlencoded::parse(query.as_bytes())
                .next()
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        }
        "sha256" => Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect(),
        other => return Err(format!("There is no operation '{other}'.")),
    })
}

fn titled(text: &str) -> String {
    let mut begins = true;
    let cased = text.chars().flat_map(|character| {
        let upper = begins && character.is_alphabetic();
        begins = !character.is_alphanumeric() && character != '\'';
        if upper { character.to_uppercase().collect::<Vec<_>>() } else { character.to_lowercase().collect() }
    });
    cased.collect()
}
