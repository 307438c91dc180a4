//! PDF: the texts of the pages, one after another. Looks through the file first, because its readers believe it.

mod content;
mod guard;
mod layout;
mod pictures;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use layout::{Block, Collector, Glyphs, Table};
use pdf_extract::{
    ColorSpace, Document, MediaBox, Object, OutputDev, OutputError, Path, PlainTextOutput, Transform, output_doc_page,
};
use pictures::Shelf;

use crate::{
    Budget, Error, Picture,
    budget::Text,
    items::{Item, Items},
    pictures::mark,
};

const FORMAT: &str = "PDF";
/// The readers descend into structures by calling themselves.
const STACK: usize = 64 * 1024 * 1024;
/// Pages the first reader may fail on before it is given up.
const MAX_FAILURES: usize = 10;
/// Pages that may be read before the first of them is taken.
const PAGES_AHEAD: usize = 4;
/// Most letters of what stands at the head and the foot of pages.
const MARGINAL: usize = 120;

pub fn read(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let broken = |why: &str| Error::broken(FORMAT, why);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("pdf".into()).stack_size(STACK);
        let work = thread.spawn_scoped(scope, || pages(bytes, budget));
        let work = work.map_err(|error| Error::broken(FORMAT, error))?;
        work.join().unwrap_or_else(|_| Err(broken("the file is damaged in a way its reader does not know")))
    })
}

/// A part per page: columns in reading order, tables in Markdown.
pub fn items(bytes: &[u8], out: &mut Items<'_>) -> Result<(), Error> {
    let budget = out.budget;
    std::thread::scope(|scope| {
        let (sender, pages) = std::sync::mpsc::sync_channel(PAGES_AHEAD);
        let thread = std::thread::Builder::new().name("pdf".into()).stack_size(STACK);
        let work = thread.spawn_scoped(scope, move || {
            // Nobody listens any more: the other side has its error.
            each_page(bytes, budget, &mut |page| sender.send(page).is_ok())
        });
        let work = work.map_err(|error| Error::broken(FORMAT, error))?;
        for page in pages {
            out.give_item(page)?;
        }
        let broken = || Error::broken(FORMAT, "the file is damaged in a way its reader does not know");
        work.join().unwrap_or_else(|_| Err(broken()))
    })
}

fn open(bytes: &[u8], budget: &Budget) -> Result<(Document, Shelf), Error> {
    guard::streams(bytes, budget)?;
    let mut document = Document::load_mem(bytes).map_err(|error| Error::broken(FORMAT, error))?;
    if document.is_encrypted() && document.decrypt("").is_err() {
        return Err(Error::broken(FORMAT, "it is protected by a password"));
    }
    let shelf = Shelf::take(&mut document, budget);
    guard::forms(&mut document, budget)?;
    Ok((document, shelf))
}

/// Gives every page until nobody takes them.
fn each_page(bytes: &[u8], budget: &Budget, take: &mut dyn FnMut(Item) -> bool) -> Result<(), Error> {
    let (mut document, mut shelf) = open(bytes, budget)?;
    for object in document.objects.values_mut() {
        budget.tick()?;
        if let Object::Stream(stream) = object
            && guard::is(&stream.dict, b"Subtype", b"Form")
            && let Some(content) = stream.decompressed_content().ok().and_then(|content| content::simplified(&content))
        {
            stream.set_plain_content(content);
        }
    }
    let mut before: Option<Table> = None;
    let mut failures = 0;
    for (number, id) in document.get_pages() {
        budget.check()?;
        let content = document.get_page_content(id).ok().and_then(|content| content::simplified(&content));
        if let Some(content) = content {
            // A page that cannot be written anew is read as it is.
            let _ = document.change_page_content(id, content);
        }
        let mut blocks = Vec::new();
        if failures < MAX_FAILURES {
            match laid_out(&document, number, budget) {
                Some(found) => blocks = found?,
                None => failures += 1,
            }
        }
        if blocks.is_empty() {
            let text = second_reader(&document, number);
            blocks.extend((!text.trim().is_empty()).then_some(Block::Text(text)));
        }
        continue_table(&mut blocks, &mut before);
        let text = blocks.iter().map(Block::text).collect::<Vec<_>>().join("\n\n");
        let pictures = shelf.of_page(&document, id, budget)?;
        if !take(illustrated(text, number, pictures)) {
            break;
        }
    }
    Ok(())
}

/// A page with its pictures below its text.
fn illustrated(mut text: String, number: u32, pictures: Vec<Picture>) -> Item {
    for index in 0..pictures.len() {
        text.push('\n');
        text.push_str(&mark(index));
    }
    Item { text, page: Some(number), pictures: pictures.into_iter().map(Some).collect(), ..Item::default() }
}

/// The blocks of a page; nothing when the reader cannot cope with it.
fn laid_out(document: &Document, number: u32, budget: &Budget) -> Option<Result<Vec<Block>, Error>> {
    let mut collector = Collector { glyphs: Glyphs::default(), budget, over: None, length: 0 };
    let done = catch_unwind(AssertUnwindSafe(|| output_doc_page(document, &mut collector, number)));
    if let Some(error) = collector.over {
        return Some(Err(error));
    }
    matches!(done, Ok(Ok(()))).then(|| Ok(layout::blocks(&collector.glyphs)))
}

/// A table at the top of a page that goes on from the page before has its header.
fn continue_table(blocks: &mut [Block], before: &mut Option<Table>) {
    let is_short = |block: &Block| matches!(block, Block::Text(text) if text.chars().count() <= MARGINAL);
    let top = blocks.iter().position(|block| !is_short(block));
    if let (Some(before), Some(Block::Table(table))) = (before.as_ref(), top.and_then(|top| blocks.get_mut(top))) {
        table.continues(before);
    }
    *before = match blocks.iter().rev().find(|block| !is_short(block)) {
        Some(Block::Table(table)) => Some(table.clone()),
        _ => None,
    };
}

/// A second reader, with its own idea of fonts.
fn second_reader(document: &Document, number: u32) -> String {
    let second = catch_unwind(AssertUnwindSafe(|| document.extract_text(&[number])));
    second.ok().and_then(Result::ok).unwrap_or_default()
}

fn pages(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let (document, _) = open(bytes, budget)?;
    let mut out = Text::new(budget);
    let mut failures = 0;
    for number in document.get_pages().into_keys() {
        budget.check()?;
        let mut text = String::new();
        if failures < MAX_FAILURES {
            match page(&document, number, budget) {
                Some(Ok(page)) => text = page,
                Some(Err(error)) => return Err(error),
                None => failures += 1,
            }
        }
        if text.trim().is_empty() {
            text = second_reader(&document, number);
        }
        out.push(&text)?;
    }
    Ok(out.finish().trim_start_matches('\n').to_owned())
}

/// The text of a page; nothing when the reader cannot cope with it.
fn page(document: &Document, number: u32, budget: &Budget) -> Option<Result<String, Error>> {
    let mut text = String::new();
    let mut over = None;
    let done = catch_unwind(AssertUnwindSafe(|| {
        let mut output = Bounded { inner: PlainTextOutput::new(&mut text), budget, over: &mut over, length: 0 };
        output_doc_page(document, &mut output, number)
    }));
    match (over, done) {
        (Some(error), _) => Some(Err(error)),
        (None, Ok(Ok(()))) => Some(Ok(text)),
        (None, _) => None,
    }
}

/// Ends the reader when the budget is used up.
struct Bounded<'a, W: pdf_extract::ConvertToFmt> {
    inner: PlainTextOutput<W>,
    budget: &'a Budget,
    over: &'a mut Option<Error>,
    length: usize,
}

impl<W: pdf_extract::ConvertToFmt> Bounded<'_, W> {
    fn tick(&mut self) -> Result<(), OutputError> {
        self.budget.tick().map_err(|error| {
            *self.over = Some(error);
            OutputError::FormatError(std::fmt::Error)
        })
    }
}

impl<W: pdf_extract::ConvertToFmt> OutputDev for Bounded<'_, W> {
    fn begin_page(
        &mut self,
        number: u32,
        media: &MediaBox,
        art: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        self.tick()?;
        self.inner.begin_page(number, media, art)
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        self.inner.end_page()
    }

    fn output_character(
        &mut self,
        place: &Transform,
        width: f64,
        spacing: f64,
        font_size: f64,
        character: &str,
    ) -> Result<(), OutputError> {
        self.tick()?;
        self.length += character.len();
        if self.length > self.budget.limits().text {
            *self.over = Some(Error::TooLarge { what: "the text", limit: self.budget.limits().text as u64 });
            return Err(OutputError::FormatError(std::fmt::Error));
        }
        self.inner.output_character(place, width, spacing, font_size, character)
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        self.tick()?;
        self.inner.begin_word()
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        self.inner.end_word()
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        self.inner.end_line()
    }

    fn stroke(&mut self, _: &Transform, _: &ColorSpace, _: &[f64], _: &Path) -> Result<(), OutputError> {
        self.tick()
    }

    fn fill(&mut self, _: &Transform, _: &ColorSpace, _: &[f64], _: &Path) -> Result<(), OutputError> {
        self.tick()
    }
}
