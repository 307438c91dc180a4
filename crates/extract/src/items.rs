//! The parts of a document, one after another, for those who split them further.

mod kind;
#[cfg(test)]
mod tests;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use kind::Kind;

use crate::{
    Budget, Document, Error, Format, charset, formats, html,
    pictures::{self, Picture},
};

/// A text that is longer than this is given in parts: whoever cleans and splits it copies what it is given.
const PART: usize = 8 * 1024 * 1024;
/// How far before that a good place to end is looked for.
const SEARCHED: usize = 64 * 1024;

/// A part of a document: nothing that belongs together goes over its border.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    pub text: String,
    /// Of a paged document, counted from 1.
    pub page: Option<u32>,
    /// The headings it stands under, outermost first, as far as the format knows them.
    pub heading: Option<String>,
    /// By their numbers in the text; nothing for one that browsers do not show. See [`Item::place_pictures`].
    pub pictures: Vec<Option<Picture>>,
}

impl Item {
    /// Names the pictures in the text as Markdown does; `place` gives where one is kept. One that is kept nowhere
    /// leaves nothing.
    pub fn place_pictures(&mut self, mut place: impl FnMut(Picture) -> Option<String>) {
        if self.pictures.is_empty() {
            return;
        }
        let pictures = std::mem::take(&mut self.pictures).into_iter();
        let targets: Vec<Option<String>> = pictures.map(|picture| picture.and_then(&mut place)).collect();
        self.text = pictures::placed(&self.text, &targets);
    }
}

/// Takes the parts of a document.
pub type Sink<'s> = &'s mut dyn FnMut(Item) -> Result<(), Error>;

/// Reads a document part by part: sections of Markdown, pages, slides, rows of tables, else the whole, a very long text
/// in pieces. Parts without text are left out. The time that the sink takes is not the document's.
///
/// # Errors
/// What the sink said, or one clear reason: the content is broken, or a limit is reached.
pub fn items(document: Document<'_>, budget: &Budget, sink: Sink<'_>) -> Result<(), Error> {
    let limit = budget.limits().input;
    if document.bytes.len() > limit {
        return Err(Error::TooLarge { what: "its size", limit: limit as u64 });
    }
    let kind = Kind::of(&document, budget)?;
    let mut out = Items { budget, sink, size: 0, refused: None };
    // The readers of foreign formats are other people's code fed with other people's bytes.
    let done = catch_unwind(AssertUnwindSafe(|| read(kind, document.bytes, &mut out)));
    if let Some(refused) = out.refused {
        return Err(refused);
    }
    done.unwrap_or_else(|_| Err(Error::broken(kind.name(), "the file is damaged in a way its reader does not know")))
}

/// Where readers put the parts they find.
pub(crate) struct Items<'a> {
    pub budget: &'a Budget,
    sink: Sink<'a>,
    size: usize,
    /// What the sink said.
    refused: Option<Error>,
}

impl Items<'_> {
    pub fn give(&mut self, text: String, page: Option<u32>) -> Result<(), Error> {
        self.give_item(Item { text, page, ..Item::default() })
    }

    /// A text of any length: what works on its parts has no more than one of them in memory at a time.
    pub fn give_long(&mut self, text: &str) -> Result<(), Error> {
        let mut rest = text;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(end_of_part(rest));
            self.give(part.to_owned(), None)?;
            rest = after;
        }
        Ok(())
    }

    pub fn give_item(&mut self, mut item: Item) -> Result<(), Error> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        self.budget.tick()?;
        if item.text.contains('\0') {
            item.text.retain(|character| character != '\0');
        }
        if item.text.trim().is_empty() {
            return Ok(());
        }
        let limit = self.budget.limits().text;
        self.size = self.size.saturating_add(item.text.len());
        if self.size > limit {
            return Err(Error::TooLarge { what: "the text", limit: limit as u64 });
        }
        let begun = Instant::now();
        let taken = (self.sink)(item);
        self.budget.wait(begun.elapsed());
        taken.inspect_err(|error| self.refused = Some(error.clone()))
    }
}

/// Where the first part of a text ends: before it is too long, if there is one after a paragraph, a line, a sentence or
/// a word.
fn end_of_part(text: &str) -> usize {
    if text.len() <= PART {
        return text.len();
    }
    let end = boundary(text, PART);
    let from = boundary(text, PART - SEARCHED);
    let last = text.get(from..end).unwrap_or_default();
    let after = |mark: &&str| last.rfind(*mark).map(|at| from + at + mark.len());
    ["\n\n", "\n", "\u{3002}", ". ", " "].iter().find_map(after).unwrap_or(end)
}

/// The last beginning of a character that is not after this place.
fn boundary(text: &str, place: usize) -> usize {
    (0..=place).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn read(kind: Kind, bytes: &[u8], out: &mut Items<'_>) -> Result<(), Error> {
    let budget = out.budget;
    let text = match kind {
        Kind::Text => {
            let text = charset::text(bytes);
            kind::check_text(&text)?;
            return out.give_long(&text);
        }
        Kind::Markdown => {
            let text = charset::text(bytes);
            kind::check_text(&text)?;
            return formats::markdown::items(&text, out);
        }
        Kind::Html => return page(&html::decode(bytes), out),
        Kind::Other(format) => match format {
            Format::Pdf => return formats::pdf::items(bytes, out),
            Format::Csv => return formats::sheet::rows::csv(bytes, out),
            Format::Xls | Format::Xlsx => return formats::sheet::rows::excel(bytes, out),
            Format::Pptx => return formats::pptx::items(bytes, out),
            Format::Epub => return formats::epub::items(bytes, out),
            Format::Docx => {
                let (text, pictures) = formats::docx::linked(bytes, budget)?;
                return out.give_item(Item { text, pictures, ..Item::default() });
            }
            Format::Doc => formats::doc::read(bytes, budget)?,
            Format::Ppt => formats::ppt::read(bytes, budget)?,
            Format::Odt => formats::odt::read(bytes, budget)?,
            Format::Eml => formats::eml::read(bytes, budget)?,
            Format::Msg => formats::msg::read(bytes, budget)?,
            Format::Plain | Format::Json | Format::Yaml | Format::Vtt | Format::Properties => {
                return out.give_long(&charset::text(bytes));
            }
        },
    };
    out.give(text, None)
}

/// A web page: what a reader sees, under its title. (The system we follow takes scripts and styles for text; we do not.)
fn page(source: &str, out: &mut Items<'_>) -> Result<(), Error> {
    let text = html::text(source, out.budget)?;
    let heading = html::title(source, out.budget)?;
    let text = match &heading {
        Some(title) if !text.starts_with(title.as_str()) => format!("{title}\n{text}"),
        _ => text,
    };
    out.give_item(Item { text: text.trim().to_owned(), heading, ..Item::default() })
}
