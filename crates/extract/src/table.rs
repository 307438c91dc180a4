//! Tables in Markdown.

use crate::{Error, budget::Text};

/// How the line under the header is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Three dashes for every column.
    Fixed,
    /// As many dashes as the header has characters.
    AsWide,
}

/// Writes a table whose first row is its header; every line is ended. Short rows are filled up.
pub fn write(rows: &[Vec<String>], rule: Rule, out: &mut Text<'_>) -> Result<(), Error> {
    let Some((header, body)) = rows.split_first() else { return Ok(()) };
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    row(header, columns, out)?;
    let dashes: Vec<String> = (0..columns)
        .map(|column| match rule {
            Rule::Fixed => "---".to_owned(),
            Rule::AsWide => "-".repeat(header.get(column).map_or(0, |name| name.chars().count())),
        })
        .collect();
    row(&dashes, columns, out)?;
    for cells in body {
        row(cells, columns, out)?;
    }
    Ok(())
}

fn row(cells: &[String], columns: usize, out: &mut Text<'_>) -> Result<(), Error> {
    out.push("|")?;
    for column in 0..columns {
        out.push(" ")?;
        out.push(cells.get(column).map_or("", String::as_str))?;
        out.push(" |")?;
    }
    out.push("\n")
}

/// A cell's text on one line.
pub fn one_line(text: &str) -> String {
    text.replace("\r\n", "\n").replace(['\n', '\r'], "<br>")
}
