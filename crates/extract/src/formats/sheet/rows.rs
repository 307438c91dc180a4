//! Spreadsheets and CSV files row by row, each with the names of its columns.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _, io::Cursor};

use calamine::{Reader, Xls, Xlsx};

use super::{FORMAT, MAX_COLUMNS, check_old, plain, shared};
use crate::{Error, archive::Archive, charset, formats::compound::Compound, items::Items};

/// Rows in which a sheet's header is looked for.
const HEADER_ROWS: usize = 10;
/// What may stand between the fields of a CSV file.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// A CSV file. Compat: `column: value` with `;` between, and `nan` where there is none. A row that is longer than the
/// header keeps what it has more. (The system we follow drops such rows.)
pub fn csv(bytes: &[u8], out: &mut Items<'_>) -> Result<(), Error> {
    let text = charset::text(bytes);
    let mut reader = csv::ReaderBuilder::new();
    reader.has_headers(false).flexible(true).delimiter(delimiter(&text));
    let mut reader = reader.from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut header: Option<Vec<String>> = None;
    while reader.read_record(&mut record).map_err(|error| Error::broken("CSV", error))? {
        out.budget.tick()?;
        let Some(header) = &header else {
            header = Some(record.iter().enumerate().map(|(at, name)| column(at, name)).collect());
            continue;
        };
        if record.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        let mut row = String::new();
        for at in 0..header.len().max(record.len()) {
            let name = header.get(at).map_or_else(|| Cow::Owned(column(at, "")), |name| Cow::Borrowed(name.as_str()));
            let value = record.get(at).map(str::trim).filter(|value| !value.is_empty()).unwrap_or("nan");
            let separator = if at > 0 { ";" } else { "" };
            let _ = write!(row, "{separator}{name}: {value}");
        }
        out.give(row, None)?;
    }
    Ok(())
}

fn column(at: usize, name: &str) -> String {
    if name.trim().is_empty() { format!("Unnamed: {at}") } else { name.trim().to_owned() }
}

/// A comma, unless the first line has none and something else of the kind.
fn delimiter(text: &str) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut is_quoted = false;
    for byte in text.bytes() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => break,
            byte if !is_quoted => {
                for (count, delimiter) in counts.iter_mut().zip(DELIMITERS) {
                    *count += usize::from(byte == delimiter);
                }
            }
            _ => {}
        }
    }
    let best = counts.iter().zip(DELIMITERS).skip(1).max_by_key(|(count, _)| **count);
    match (counts.first(), best) {
        (Some(0), Some((count, delimiter))) if *count > 0 => delimiter,
        _ => b',',
    }
}

/// A workbook of either format.
pub fn excel(bytes: &[u8], out: &mut Items<'_>) -> Result<(), Error> {
    if Compound::is_one(bytes) { old(bytes, out) } else { new(bytes, out) }
}

type Row = BTreeMap<u32, String>;

fn new(bytes: &[u8], out: &mut Items<'_>) -> Result<(), Error> {
    // The reader believes the archive, so it is unpacked once before, within the limits.
    Archive::open(bytes, FORMAT, out.budget)?.check()?;
    let broken = |error: calamine::XlsxError| Error::broken(FORMAT, error);
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    for name in book.sheet_names() {
        out.budget.check()?;
        // Links are decoration: a sheet whose links are broken is read without them.
        let mut links: BTreeMap<(u32, u32), String> = BTreeMap::new();
        for link in book.hyperlinks_by_sheet_name(&name).unwrap_or_default() {
            out.budget.tick()?;
            if let Some(target) = link.target.filter(|target| !target.is_empty()) {
                links.insert(link.range.start, target);
            }
        }
        // Charts and macros are sheets too, without cells.
        let Ok(mut reader) = book.worksheet_cells_reader(&name) else { continue };
        let mut sheet = Sheet::default();
        let (mut current, mut row) = (0, Row::new());
        while let Some(cell) = reader.next_cell().map_err(broken)? {
            out.budget.tick()?;
            let (at, column) = cell.get_position();
            if at != current {
                sheet.push(std::mem::take(&mut row), out)?;
                current = at;
            }
            let mut text = shared(cell.get_value());
            if text.trim().is_empty() || column >= MAX_COLUMNS {
                continue;
            }
            if let Some(target) = links.get(&(at, column)) {
                text = format!("[{text}]({target})");
            }
            row.insert(column, text);
        }
        sheet.push(row, out)?;
        sheet.finish(out)?;
    }
    Ok(())
}

/// Rows of a sheet: the header is found among the first ones, then they go through.
#[derive(Default)]
struct Sheet {
    header: Option<Row>,
    waiting: Vec<Row>,
}

impl Sheet {
    fn push(&mut self, row: Row, out: &mut Items<'_>) -> Result<(), Error> {
        if row.is_empty() {
            return Ok(());
        }
        if let Some(header) = &self.header {
            return out.give(written(header, &row), None);
        }
        if row.len() > 1 {
            // What stands above the header is its title.
            for above in std::mem::take(&mut self.waiting) {
                out.give(above.into_values().collect::<Vec<_>>().join(" "), None)?;
            }
            self.header = Some(row);
            return Ok(());
        }
        self.waiting.push(row);
        if self.waiting.len() >= HEADER_ROWS { self.begin(out) } else { Ok(()) }
    }

    /// No row has two cells: the first one is the header.
    fn begin(&mut self, out: &mut Items<'_>) -> Result<(), Error> {
        let mut rows = std::mem::take(&mut self.waiting).into_iter();
        self.header = rows.next();
        for row in rows {
            self.push(row, out)?;
        }
        Ok(())
    }

    fn finish(mut self, out: &mut Items<'_>) -> Result<(), Error> {
        if self.header.is_none() { self.begin(out) } else { Ok(()) }
    }
}

/// Compat: `"column":"value"` with `;` between, for every column of the header. A cell without a header keeps its
/// column's letter as name.
fn written(header: &Row, row: &Row) -> String {
    let mut out = String::new();
    let extra = row.keys().filter(|at| !header.contains_key(at));
    let mut columns: Vec<u32> = header.keys().chain(extra).copied().collect();
    columns.sort_unstable();
    for at in columns {
        let name = header.get(&at).map_or_else(|| Cow::Owned(letters(at)), |name| Cow::Borrowed(name.trim()));
        let value = row.get(&at).map_or("", |value| value.trim());
        let separator = if out.is_empty() { "" } else { ";" };
        let _ = write!(out, "{separator}\"{}\":\"{}\"", escaped(&name), escaped(value));
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('"', "\\\"")
}

/// `A`, `B`, …, `AA`.
fn letters(column: u32) -> String {
    let mut out = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        out.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or_default()));
        rest /= 26;
    }
    out.iter().rev().collect()
}

/// Compat: the header of an old workbook's sheet is its first row, and only what is there is written.
fn old(bytes: &[u8], out: &mut Items<'_>) -> Result<(), Error> {
    check_old(bytes, out.budget)?;
    let mut book: Xls<_> = Xls::new(Cursor::new(bytes)).map_err(|error| Error::broken(FORMAT, error))?;
    for name in book.sheet_names() {
        out.budget.check()?;
        let Ok(range) = book.worksheet_range(&name) else { continue };
        let mut rows = range.rows().map(|row| row.iter().map(plain).collect::<Vec<_>>());
        let Some(header) = rows.next() else { continue };
        for row in rows {
            out.budget.tick()?;
            let mut text = String::new();
            for (at, value) in row.iter().enumerate().filter(|(_, value)| !value.trim().is_empty()) {
                let separator = if text.is_empty() { "" } else { ";" };
                let name = column(at, header.get(at).map_or("", String::as_str));
                let _ = write!(text, "{separator}\"{}\":\"{}\"", escaped(&name), escaped(value.trim()));
            }
            out.give(text, None)?;
        }
    }
    Ok(())
}
