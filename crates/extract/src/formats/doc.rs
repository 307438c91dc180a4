//! Word 97–2003: the text by its piece table, paragraphs and tables as in newer documents.

use std::collections::HashSet;

use super::{compound::Compound, docx, rtf};
use crate::{Budget, Error, budget::Text, charset, html};

const FORMAT: &str = "DOC";
const MAIN: &str = "WordDocument";
const IDENT: u16 = 0xa5ec;
/// The first version whose text stands in pieces of Unicode.
const WORD_97: u16 = 0x00c1;
const PAGE: usize = 512;

/// Where things stand in the head of the main stream.
const FLAGS: usize = 0x0a;
const ENCRYPTED: u16 = 0x0100;
const SECOND_TABLE: u16 = 0x0200;
const COUNTS: usize = 0x4c;
const PIECES: usize = 0x01a2;
const PARAGRAPHS: usize = 0x0102;

/// Properties of paragraphs: in a table; the mark that ends a row.
const IN_TABLE: u16 = 0x2416;
const ROW_END: u16 = 0x2417;

pub fn read(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    // Many programs write something else under this name, and Word opens it all the same.
    if bytes.starts_with(b"{\\rtf") {
        return rtf::read(bytes, budget);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return docx::read(bytes, budget);
    }
    if is_page(bytes) {
        return html::text(&charset::decode(bytes), budget);
    }
    let file = Compound::open(bytes, FORMAT, budget)?;
    let main = file.stream(MAIN, budget)?.ok_or_else(|| Error::broken(FORMAT, "it holds no document"))?;
    let head = Head::read(&main)?;
    let name = if head.flags & SECOND_TABLE == 0 { "0Table" } else { "1Table" };
    let table = file.stream(name, budget)?.ok_or_else(|| Error::broken(FORMAT, "its table stream is missing"))?;
    let pieces = pieces(part(&main, &table, PIECES)?, budget)?;
    let marks = Marks::read(&main, part(&main, &table, PARAGRAPHS).unwrap_or_default(), budget)?;
    let mut writer = Writer::new(budget, &marks);
    for (first, count) in head.texts() {
        for piece in &pieces {
            piece.write(&main, first, first.saturating_add(count), &mut writer)?;
        }
        writer.end()?;
    }
    Ok(writer.out.finish().trim_end_matches('\n').to_owned())
}

fn is_page(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let begins = |tag: &[u8]| start.get(..tag.len()).is_some_and(|found| found.eq_ignore_ascii_case(tag));
    begins(b"<html") || begins(b"<!doctype html")
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// The part of the table stream that an entry of the head names.
fn part<'a>(main: &[u8], table: &'a [u8], entry: usize) -> Result<&'a [u8], Error> {
    let found = word(main, entry).zip(word(main, entry + 4)).and_then(|(at, length)| {
        let at = at as usize;
        table.get(at..at.checked_add(length as usize)?)
    });
    found.ok_or_else(|| Error::broken(FORMAT, "its tables are damaged"))
}

struct Head {
    flags: u16,
    /// Characters of text, footnotes, headers, (unused), comments, endnotes, boxes.
    counts: [u32; 7],
}

impl Head {
    fn read(main: &[u8]) -> Result<Self, Error> {
        let broken = || Error::broken(FORMAT, "it is not a Word document");
        if half(main, 0) != Some(IDENT) {
            return Err(broken());
        }
        let version = half(main, 2).ok_or_else(broken)?;
        if version < WORD_97 {
            let why = "it was written by Word 6 or 95, which cannot be read; save it as .docx";
            return Err(Error::broken(FORMAT, why));
        }
        let flags = half(main, FLAGS).ok_or_else(broken)?;
        if flags & ENCRYPTED != 0 {
            return Err(Error::broken(FORMAT, "it is protected by a password"));
        }
        let mut counts = [0; 7];
        for (index, count) in counts.iter_mut().enumerate() {
            // A count below zero is damage; the pieces end the text anyway.
            *count = word(main, COUNTS + index * 4).filter(|count| *count < 1 << 31).ok_or_else(broken)?;
        }
        Ok(Self { flags, counts })
    }

    /// First character and length of what is read: the text, then footnotes, endnotes and boxes.
    fn texts(&self) -> Vec<(u32, u32)> {
        const READ: [bool; 7] = [true, true, false, false, false, true, true];
        let mut first = 0_u32;
        let mut texts = Vec::new();
        for (count, is_read) in self.counts.iter().zip(READ) {
            if is_read && *count > 0 {
                texts.push((first, *count));
            }
            first = first.saturating_add(*count);
        }
        texts
    }
}

/// A stretch of characters that stand together in the main stream.
struct Piece {
    first: u32,
    end: u32,
    at: usize,
    /// Bytes of a character.
    width: usize,
}

fn pieces(table: &[u8], budget: &Budget) -> Result<Vec<Piece>, Error> {
    let broken = || Error::broken(FORMAT, "its piece table is damaged");
    let mut rest = table;
    // Changes of formatting come first, each with its length.
    while let Some(1) = rest.first() {
        budget.tick()?;
        let length = usize::from(half(rest, 1).ok_or_else(broken)?);
        rest = rest.get(3 + length..).ok_or_else(broken)?;
    }
    if rest.first() != Some(&2) {
        return Err(broken());
    }
    let length = word(rest, 1).ok_or_else(broken)? as usize;
    let table = rest.get(5..).ok_or_else(broken)?;
    let table = table.get(..length).unwrap_or(table);
    let count = table.len().saturating_sub(4) / 12;
    let mut found = Vec::new();
    for index in 0..count {
        budget.tick()?;
        let place = |at| word(table, at).ok_or_else(broken);
        let (first, end) = (place(index * 4)?, place(index * 4 + 4)?);
        let stored = place((count + 1) * 4 + index * 8 + 2)?;
        let narrow = stored & 0x4000_0000 != 0;
        let at = (stored & 0x3fff_ffff) as usize;
        let (at, width) = if narrow { (at / 2, 1) } else { (at, 2) };
        if first < end {
            found.push(Piece { first, end, at, width });
        }
    }
    Ok(found)
}

impl Piece {
    /// Writes those of its characters that lie between two places of the text.
    fn write(&self, main: &[u8], from: u32, to: u32, writer: &mut Writer<'_>) -> Result<(), Error> {
        let (from, to) = (from.max(self.first), to.min(self.end));
        if from >= to {
            return Ok(());
        }
        let start = self.at.saturating_add((from - self.first) as usize * self.width);
        let end = start.saturating_add((to - from) as usize * self.width).min(main.len());
        let Some(bytes) = main.get(start..end) else { return Ok(()) };
        if self.width == 1 {
            for (index, byte) in bytes.iter().enumerate() {
                let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(std::slice::from_ref(byte));
                for character in text.chars() {
                    writer.take(character, start + index + 1)?;
                }
            }
            return Ok(());
        }
        let units = bytes.chunks_exact(2).filter_map(|unit| Some(u16::from_le_bytes(unit.try_into().ok()?)));
        let mut at = start;
        for character in char::decode_utf16(units) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            at += character.len_utf16() * 2;
            writer.take(character, at)?;
        }
        Ok(())
    }
}

/// Where in the main stream paragraphs of tables end.
#[derive(Default)]
struct Marks {
    in_table: HashSet<usize>,
    row_ends: HashSet<usize>,
}

impl Marks {
    /// Reads the pages of paragraph properties; what is damaged is left out: tables then become lines.
    fn read(main: &[u8], table: &[u8], budget: &Budget) -> Result<Self, Error> {
        let mut marks = Self::default();
        let count = table.len().saturating_sub(4) / 8;
        for index in 0..count {
            budget.tick()?;
            let Some(number) = word(table, (count + 1) * 4 + index * 4) else { break };
            let at = (number & 0x003f_ffff) as usize * PAGE;
            if let Some(page) = main.get(at..at + PAGE) {
                marks.page(page);
            }
        }
        Ok(marks)
    }

    fn page(&mut self, page: &[u8]) {
        let count = usize::from(page.last().copied().unwrap_or_default());
        for index in 0..count {
            let Some(end) = word(page, (index + 1) * 4) else { return };
            let entry = (count + 1) * 4 + index * 13;
            let Some(offset) = page.get(entry).map(|offset| usize::from(*offset) * 2).filter(|offset| *offset > 0)
            else {
                continue;
            };
            // A length in words, less one byte; or zero, and the length in the next byte.
            let properties = match page.get(offset).map(|length| usize::from(*length)) {
                Some(0) => {
                    let length = usize::from(page.get(offset + 1).copied().unwrap_or_default()) * 2;
                    page.get(offset + 2..offset + 2 + length)
                }
                Some(length) => page.get(offset + 1..offset + length * 2),
                None => None,
            };
            // The paragraph's style stands before its own properties.
            let Some(properties) = properties.and_then(|properties| properties.get(2..)) else { continue };
            if is_set(properties, IN_TABLE) {
                self.in_table.insert(end as usize);
            }
            if is_set(properties, ROW_END) {
                self.row_ends.insert(end as usize);
            }
        }
    }
}

/// Whether a list of properties switches one on.
fn is_set(mut properties: &[u8], wanted: u16) -> bool {
    while let Some(code) = half(properties, 0) {
        let Some(operand) = properties.get(2..) else { return false };
        if code == wanted {
            return operand.first().is_some_and(|value| *value != 0);
        }
        let length = match (code, code >> 13) {
            (0xd608, _) => half(operand, 0).map_or(usize::MAX, |length| usize::from(length) + 1),
            (_, 0 | 1) => 1,
            (_, 2 | 4 | 5) => 2,
            (_, 3) => 4,
            (_, 7) => 3,
            _ => operand.first().map_or(usize::MAX, |length| usize::from(*length) + 1),
        };
        properties = operand.get(length..).unwrap_or_default();
    }
    false
}

/// Makes lines and tables of the characters.
struct Writer<'a> {
    out: Text<'a>,
    budget: &'a Budget,
    marks: &'a Marks,
    is_first: bool,
    taken: usize,
    /// For every field that is open, whether its instruction is being read.
    fields: Vec<bool>,
    line: String,
    cell: Vec<String>,
    row: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl<'a> Writer<'a> {
    const fn new(budget: &'a Budget, marks: &'a Marks) -> Self {
        Self {
            out: Text::new(budget),
            budget,
            marks,
            is_first: true,
            taken: 0,
            fields: Vec::new(),
            line: String::new(),
            cell: Vec::new(),
            row: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// One character, and where in the main stream it ends.
    fn take(&mut self, character: char, end: usize) -> Result<(), Error> {
        self.budget.tick()?;
        self.taken += character.len_utf8();
        let limit = self.budget.limits().text;
        if self.taken > limit {
            return Err(Error::TooLarge { what: "the text", limit: limit as u64 });
        }
        match character {
            '\u{13}' => {
                // Deeper than any program nests them; the rest is text.
                if self.fields.len() < 64 {
                    self.fields.push(true);
                }
            }
            '\u{14}' => {
                if let Some(last) = self.fields.last_mut() {
                    *last = false;
                }
            }
            '\u{15}' => _ = self.fields.pop(),
            '\r' | '\u{c}' => return self.paragraph(end),
            '\u{7}' => self.cell_end(end),
            _ if self.fields.contains(&true) => {}
            '\u{b}' | '\u{e}' => self.line.push('\n'),
            '\u{1e}' => self.line.push('-'),
            '\t' => self.line.push('\t'),
            control if control < ' ' => {}
            character => self.line.push(character),
        }
        Ok(())
    }

    fn paragraph(&mut self, end: usize) -> Result<(), Error> {
        let line = std::mem::take(&mut self.line);
        if self.marks.in_table.contains(&end) {
            self.cell.push(line);
            return Ok(());
        }
        self.table()?;
        self.block(&line)
    }

    fn cell_end(&mut self, end: usize) {
        let line = std::mem::take(&mut self.line);
        if self.marks.row_ends.contains(&end) {
            self.rows.push(std::mem::take(&mut self.row));
            return;
        }
        self.cell.push(line);
        self.row.push(std::mem::take(&mut self.cell).join("\n"));
    }

    /// Writes the table that is open, if one is.
    fn table(&mut self) -> Result<(), Error> {
        let mut rows = std::mem::take(&mut self.rows);
        if !self.row.is_empty() {
            rows.push(std::mem::take(&mut self.row));
        }
        let rest = std::mem::take(&mut self.cell);
        if let Some(table) = docx::as_markdown(&rows, self.budget)? {
            self.block(&table)?;
        }
        for line in rest {
            self.block(&line)?;
        }
        Ok(())
    }

    fn block(&mut self, text: &str) -> Result<(), Error> {
        if !std::mem::take(&mut self.is_first) {
            self.out.push("\n")?;
        }
        self.out.push(text)
    }

    /// The end of one text: what is open ends with it.
    fn end(&mut self) -> Result<(), Error> {
        self.fields.clear();
        let line = std::mem::take(&mut self.line);
        self.table()?;
        if line.is_empty() { Ok(()) } else { self.block(&line) }
    }
}

#[cfg(test)]
mod tests;
