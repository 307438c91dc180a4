//! Spreadsheets and CSV files as Markdown tables.

pub mod rows;

use std::{collections::BTreeMap, io::Cursor};

use calamine::{Data, DataRef, ExcelDateTime, Reader, Xls, Xlsx};

use super::compound::Compound;
use crate::{
    Budget, Error,
    archive::Archive,
    budget::Text,
    charset,
    table::{self, Rule},
};

const FORMAT: &str = "Excel";
/// Most cells of a workbook of the old format, empty ones between the used ones included.
const MAX_CELLS: u64 = 4_000_000;
/// Most columns a table is drawn with; the newest programs know 16,384.
const MAX_COLUMNS: u32 = 16_384;

/// A CSV file: the first row is the header.
pub fn csv(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let text = charset::decode(bytes);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        budget.tick()?;
        let record = record.map_err(|error| Error::broken("CSV", error))?;
        rows.push(record.iter().map(table::one_line).collect::<Vec<_>>());
    }
    let mut out = Text::new(budget);
    table::write(&rows, Rule::AsWide, &mut out)?;
    Ok(out.finish())
}

/// A workbook of either format; what it is called does not matter.
pub fn excel(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    if Compound::is_one(bytes) { old(bytes, budget) } else { new(bytes, budget) }
}

/// Rows of a sheet by number, and in them cells by column. Only used ones take room.
type Cells = BTreeMap<u32, BTreeMap<u32, String>>;

fn new(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    // The reader believes the archive, so it is unpacked once before, within the limits.
    Archive::open(bytes, FORMAT, budget)?.check()?;
    let broken = |error: calamine::XlsxError| Error::broken(FORMAT, error);
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let mut out = Text::new(budget);
    for name in book.sheet_names() {
        budget.check()?;
        // Charts and macros are sheets too, without cells.
        let Ok(mut reader) = book.worksheet_cells_reader(&name) else { continue };
        let mut cells = Cells::new();
        // The same text may stand in a million cells: what counts is what is written out.
        let mut size = 0;
        while let Some(cell) = reader.next_cell().map_err(broken)? {
            budget.tick()?;
            let (row, column) = cell.get_position();
            let text = shared(cell.get_value());
            if text.is_empty() || column >= MAX_COLUMNS {
                continue;
            }
            size += text.len();
            if size > budget.limits().text {
                return Err(Error::TooLarge { what: "the text", limit: budget.limits().text as u64 });
            }
            cells.entry(row).or_default().insert(column, text);
        }
        write(cells, &mut out)?;
    }
    Ok(out.finish())
}

fn old(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    check_old(bytes, budget)?;
    let mut book: Xls<_> = Xls::new(Cursor::new(bytes)).map_err(|error| Error::broken(FORMAT, error))?;
    let mut out = Text::new(budget);
    for name in book.sheet_names() {
        budget.check()?;
        let Ok(range) = book.worksheet_range(&name) else { continue };
        let mut cells = Cells::new();
        for (row, column, value) in range.used_cells() {
            budget.tick()?;
            let text = plain(value);
            if !text.is_empty() {
                let (row, column) = (u32::try_from(row).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX));
                cells.entry(row).or_default().insert(column, text);
            }
        }
        write(cells, &mut out)?;
    }
    Ok(out.finish())
}

/// The reader of old workbooks makes room for every cell between the first and the last one of each sheet: looks
/// through the records beforehand.
fn check_old(bytes: &[u8], budget: &Budget) -> Result<(), Error> {
    let file = Compound::open(bytes, FORMAT, budget)?;
    let mut stream = file.stream("Workbook", budget)?;
    if stream.is_none() {
        stream = file.stream("Book", budget)?;
    }
    let stream = stream.ok_or_else(|| Error::broken(FORMAT, "it holds no workbook"))?;
    let (mut rest, mut total) = (stream.as_slice(), 0_u64);
    let mut used: Option<[u16; 4]> = None;
    let area = |used: Option<[u16; 4]>| {
        used.map_or(0, |[top, left, bottom, right]| u64::from(bottom - top + 1) * u64::from(right - left + 1))
    };
    while let Some((head, after)) = rest.split_at_checked(4) {
        budget.tick()?;
        let word = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
        let (kind, length) = (word(0).unwrap_or_default(), usize::from(word(2).unwrap_or_default()));
        let Some((content, following)) = after.split_at_checked(length) else { break };
        rest = following;
        let field = |at: usize| Some(u16::from_le_bytes(content.get(at..at + 2)?.try_into().ok()?));
        match kind {
            // A sheet begins.
            0x0809 => {
                total += area(used.take());
            }
            // Cells: number, text, boolean, formula and their kin, and rows of them.
            0x0006 | 0x0203 | 0x0204 | 0x0205 | 0x027e | 0x00fd | 0x00d6 | 0x00bd | 0x00be | 0x0201 => {
                if let (Some(row), Some(first)) = (field(0), field(2)) {
                    let last = match kind {
                        0x00bd | 0x00be => length.checked_sub(2).and_then(field).unwrap_or(first).max(first),
                        _ => first,
                    };
                    let [top, left, bottom, right] = used.unwrap_or([row, first, row, last]);
                    used = Some([top.min(row), left.min(first), bottom.max(row), right.max(last)]);
                }
            }
            _ => {}
        }
        if total + area(used) > MAX_CELLS {
            return Err(Error::broken(FORMAT, format!("its sheets spread over more than {MAX_CELLS} cells")));
        }
    }
    Ok(())
}

/// The sheet's table, its first used row being the header, and an empty line.
fn write(cells: Cells, out: &mut Text<'_>) -> Result<(), Error> {
    let columns = cells.values().flat_map(BTreeMap::keys).copied();
    let (Some(first), Some(last)) = (columns.clone().min(), columns.max()) else { return Ok(()) };
    let width = (last - first + 1) as usize;
    let room = out.room();
    if width.saturating_mul(cells.len()).saturating_mul(3) > room {
        return Err(Error::TooLarge { what: "the text", limit: room as u64 });
    }
    let rows: Vec<Vec<String>> = cells
        .into_values()
        .map(|mut row| (first..=last).map(|column| row.remove(&column).unwrap_or_default()).collect())
        .collect();
    table::write(&rows, Rule::Fixed, out)?;
    out.push("\n")
}

fn shared(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => table::one_line(text),
        DataRef::SharedString(text) => table::one_line(text),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => float(*number),
        DataRef::Bool(value) => boolean(*value),
        DataRef::DateTime(time) => date(time),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
    }
}

fn plain(value: &Data) -> String {
    match value {
        Data::Empty => String::new(),
        Data::String(text) => table::one_line(text),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => float(*number),
        Data::Bool(value) => boolean(*value),
        Data::DateTime(time) => date(time),
        Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Error(error) => error.to_string(),
    }
}

/// Workbooks know only floats: a whole number is written as one.
fn float(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
    if number.fract() == 0.0 && number.abs() < 1e15 {
        (number as i64).to_string()
    } else {
        ox_types::python_float(number)
    }
}

fn boolean(value: bool) -> String {
    if value { "True".into() } else { "False".into() }
}

fn date(time: &ExcelDateTime) -> String {
    let days = time.as_f64();
    if time.is_duration() {
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a duration in a cell")]
        let seconds = (days * 86_400.0).round() as i64;
        return format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    if days < 1.0 {
        return format!("{hour:02}:{minute:02}:{second:02}");
    }
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests;
