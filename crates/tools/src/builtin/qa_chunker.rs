//! `qa_chunker`: the rows of a table, or what a model has written, as questions with their answers.

use serde_json::{Value, json};

use super::chunking;
use crate::{
    Parameter, Provider, Tool,
    call::Arguments,
    spec::{Run, Said},
};

const MAX_ROWS: usize = 100_000;
/// What the first row calls its columns when it is a heading.
const QUESTIONS: [&str; 4] = ["question", "questions", "q", "问题"];
const ANSWERS: [&str; 5] = ["answer", "answers", "a", "答案", "回答"];

pub const PROVIDER: Provider = Provider {
    name: "qa_chunker",
    label: ("Q&A chunker", "问答分段"),
    description: ("Makes questions and answers of a table or of a model's text.", "从表格或模型输出中提取问答对。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#0f766e"/>"##,
        r##"<path d="M9 9a3 3 0 1 1 4 2.800c-.8.300-1 .8-1 1.700M12 17h.01" fill="none" stroke="#fff" stroke-width="1.500" stroke-linecap="round"/></svg>"##
    ),
    labels: &["rag"],
    form: &[],
    trial: None,
    tools: &[Tool {
        name: "qa_chunker",
        label: ("Q&A chunker", "问答分段"),
        description: ("Questions and answers of a table or of a model's text.", "从表格或模型输出中提取问答对。"),
        for_model: "Reads question and answer pairs from CSV text, or from a text in the form Q1: … A1: ….",
        parameters: &[
            FILE,
            Parameter::text("input_text", ("Text, in place of a table", "文本（代替表格）"), "CSV, or Q1: … A1: …"),
            Parameter::text("question_column", ("Column of questions", "问题列"), "").fixed().or("0"),
            Parameter::text("answer_column", ("Column of answers", "答案列"), "").fixed().or("1"),
        ],
        run: Run::Pure(run),
    }],
};

/// Whoever calls the tool gives the content of the file in its place.
const FILE: Parameter = {
    let mut parameter = Parameter::text("input_file", ("Table", "表格文件"), "CSV or spreadsheet");
    parameter.kind = "file";
    parameter
};

fn run(arguments: &Arguments) -> Said {
    let given = ["input_file", "input_text", "file", "input_variable"];
    let content = chunking::needed(arguments, &given)?;
    let mut pairs = ox_rag::qa_pairs(&content);
    if pairs.is_empty() {
        pairs = of_table(&content, arguments)?;
    }
    let pairs: Vec<Value> =
        pairs.into_iter().map(|(question, answer)| json!({"question": question, "answer": answer})).collect();
    chunking::give(json!({"qa_chunks": pairs}))
}

fn of_table(content: &str, arguments: &Arguments) -> Result<Vec<(String, String)>, String> {
    let rows = rows(content)?;
    let heading = rows.first().cloned().unwrap_or_default();
    let named = |name: &str, usual: &str| arguments.get(name).unwrap_or_else(|| usual.to_owned());
    let (question, question_is_named) = column(&named("question_column", "0"), &heading)?;
    let (answer, answer_is_named) = column(&named("answer_column", "1"), &heading)?;
    let cell = |row: &[String], at: usize| row.get(at).map(|cell| cell.trim().to_owned()).unwrap_or_default();
    let is = |names: &[&str], at: usize| names.contains(&cell(&heading, at).to_lowercase().as_str());
    let has_heading = question_is_named || answer_is_named || (is(&QUESTIONS, question) && is(&ANSWERS, answer));
    let pairs = rows.iter().skip(usize::from(has_heading)).map(|row| (cell(row, question), cell(row, answer)));
    let pairs: Vec<_> = pairs.filter(|(question, answer)| !question.is_empty() && !answer.is_empty()).collect();
    if pairs.is_empty() {
        return Err(format!("There is no row with a question in column {question} and an answer in column {answer}."));
    }
    Ok(pairs)
}

/// A column by its number, from 0, or by the name in the heading; whether it was the name.
fn column(wanted: &str, heading: &[String]) -> Result<(usize, bool), String> {
    let wanted = wanted.trim();
    if let Ok(number) = wanted.parse() {
        return Ok((number, false));
    }
    let found = heading.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted));
    found
        .map(|at| (at, true))
        .ok_or_else(|| format!("There is no column '{wanted}'; there are: {}.", heading.join(", ")))
}

fn rows(content: &str) -> Result<Vec<Vec<String>>, String> {
    let content = content.trim_start_matches('\u{feff}');
    if content.trim_start().starts_with('|') {
        return Ok(markdown(content));
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(content.as_bytes());
    let broken = |error: csv::Error| format!("The table cannot be read: {error}");
    let row =
        |row: csv::Result<csv::StringRecord>| row.map(|row| row.iter().map(str::to_owned).collect()).map_err(broken);
    reader.records().take(MAX_ROWS).map(row).collect()
}

/// A table of Markdown, as spreadsheets are read.
fn markdown(content: &str) -> Vec<Vec<String>> {
    let is_line = |line: &str| line.chars().all(|character| matches!(character, '|' | '-' | ':' | ' '));
    let lines = content.lines().map(str::trim).filter(|line| line.starts_with('|') && !is_line(line));
    let cells = |line: &str| {
        let inner = line.trim_start_matches('|');
        let inner = inner.strip_suffix('|').unwrap_or(inner);
        inner.split('|').map(|cell| cell.trim().replace("<br>", "\n")).collect()
    };
    lines.take(MAX_ROWS).map(cells).collect()
}
