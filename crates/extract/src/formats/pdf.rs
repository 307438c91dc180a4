//! PDF: the texts of the pages, one after another. Looks through the file first, because its readers believe it.

mod guard;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{
    ColorSpace, Document, MediaBox, OutputDev, OutputError, Path, PlainTextOutput, Transform, output_doc_page,
};

use crate::{Budget, Error, budget::Text};

const FORMAT: &str = "PDF";
/// The readers descend into structures by calling themselves.
const STACK: usize = 64 * 1024 * 1024;
/// Pages the first reader may fail on before it is given up.
const MAX_FAILURES: usize = 10;

pub fn read(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let broken = |why: &str| Error::broken(FORMAT, why);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("pdf".into()).stack_size(STACK);
        let work = thread.spawn_scoped(scope, || pages(bytes, budget));
        let work = work.map_err(|error| Error::broken(FORMAT, error))?;
        work.join().unwrap_or_else(|_| Err(broken("the file is damaged in a way its reader does not know")))
    })
}

fn pages(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    guard::streams(bytes, budget)?;
    let mut document = Document::load_mem(bytes).map_err(|error| Error::broken(FORMAT, error))?;
    if document.is_encrypted() && document.decrypt("").is_err() {
        return Err(Error::broken(FORMAT, "it is protected by a password"));
    }
    guard::forms(&mut document, budget)?;
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
            // A second reader, with its own idea of fonts.
            let second = catch_unwind(AssertUnwindSafe(|| document.extract_text(&[number])));
            text = second.ok().and_then(Result::ok).unwrap_or_default();
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
