//! `csv`: tables as text to rows, and back.

use serde_json::{Map, Value, json};

use super::{say, show};
use crate::{
    Choice, Parameter, Provider, Tool,
    call::Arguments,
    spec::{Run, Said, Text},
};

const MAX_ROWS: usize = 100_000;
const DELIMITER: Text = ("Delimiter", "分隔符");
const DELIMITERS: &[Choice] =
    &[(",", ("Comma", "逗号")), (";", ("Semicolon", "分号")), ("tab", ("Tab", "制表符")), ("|", ("Bar", "竖线"))];

pub const PROVIDER: Provider = Provider {
    name: "csv",
    label: ("CSV", "CSV"),
    description: ("Reads tables, picks rows and columns, writes them.", "读取、筛选与生成 CSV 表格。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#15803d"/>"##,
        r##"<path d="M6 7h12v10H6zM6 10.500h12M6 14h12M10 7v10M14 7v10" stroke="#fff" stroke-width="1.500" fill="none"/></svg>"##
    ),
    labels: &["utilities", "productivity"],
    form: &[],
    trial: None,
    tools: &[
        Tool {
            name: "csv_to_json",
            label: ("CSV to JSON", "CSV 转 JSON"),
            description: ("The rows of a table as objects.", "将 CSV 表格转换为 JSON。"),
            for_model: "Reads a CSV text whose first row has the column names; gives its rows as a list of objects.",
            parameters: &[
                Parameter::text("content", ("CSV", "CSV 内容"), "CSV text with a header row").needed(),
                Parameter::text(
                    "columns",
                    ("Columns", "列"),
                    "Names of the columns to keep, separated by commas; all when empty",
                ),
                Parameter::number("limit", ("Most rows", "最大行数"), "Most rows to give").within(1.0, 100_000.0),
                Parameter::select("delimiter", DELIMITER, ",", DELIMITERS),
            ],
            run: Run::Pure(read),
        },
        Tool {
            name: "json_to_csv",
            label: ("JSON to CSV", "JSON 转 CSV"),
            description: ("A list of objects as a table.", "将 JSON 列表转换为 CSV。"),
            for_model: "Writes a JSON list of objects, or of lists, as CSV text.",
            parameters: &[
                Parameter::text("content", ("JSON", "JSON 内容"), "JSON list of objects or lists").needed(),
                Parameter::select("delimiter", DELIMITER, ",", DELIMITERS),
            ],
            run: Run::Pure(write),
        },
    ],
};

fn delimiter(arguments: &Arguments) -> u8 {
    match arguments.value("delimiter").and_then(Value::as_str) {
        Some("tab" | "\t") => b'\t',
        Some(text) => text.bytes().next().unwrap_or(b','),
        None => b',',
    }
}

fn read(arguments: &Arguments) -> Said {
    let content = arguments.required("content")?;
    let wanted = arguments.list("columns");
    let limit = usize::try_from(arguments.count("limit", 100_000, 1, 100_000)?).unwrap_or(MAX_ROWS);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(arguments))
        .flexible(true)
        .from_reader(content.trim_start_matches('\u{feff}').as_bytes());
    let broken = |error: csv::Error| format!("The CSV cannot be read: {error}");
    let names: Vec<String> = reader.headers().map_err(broken)?.iter().map(|name| name.trim().to_owned()).collect();
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
        return Err(format!("There is no column '{unknown}'; there are: {}.", names.join(", ")));
    }
    let mut rows = Vec::new();
    for record in reader.records().take(limit) {
        let record = record.map_err(broken)?;
        let cells = names.iter().zip(record.iter().chain(std::iter::repeat("")));
        let kept = cells.filter(|(name, _)| wanted.is_empty() || wanted.contains(name));
        rows.push(Value::Object(kept.map(|(name, cell)| (name.clone(), cell.into())).collect::<Map<_, _>>()));
    }
    show(json!(rows))
}

fn write(arguments: &Arguments) -> Said {
    let rows = super::json::parsed(arguments, "content")?;
    let Value::Array(rows) = rows else { return Err("The JSON must be a list of objects or lists.".into()) };
    let mut names: Vec<&str> = Vec::new();
    for name in rows.iter().filter_map(Value::as_object).flat_map(Map::keys) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter(arguments)).flexible(true).from_writer(Vec::new());
    let broken = |error: csv::Error| format!("The table cannot be written: {error}");
    if !names.is_empty() {
        writer.write_record(&names).map_err(broken)?;
    }
    let cell = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    for row in &rows {
        let cells: Vec<String> = match row {
            Value::Array(cells) => cells.iter().map(|value| cell(Some(value))).collect(),
            Value::Object(fields) => names.iter().map(|name| cell(fields.get(*name))).collect(),
            other => vec![cell(Some(other))],
        };
        writer.write_record(&cells).map_err(broken)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    say(String::from_utf8_lossy(&bytes))
}
