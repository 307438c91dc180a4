//! The one way in.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Budget, Error, Format, charset, formats};

/// A document to read.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    pub bytes: &'a [u8],
    /// With or without its dot.
    pub extension: Option<&'a str>,
    pub mime: Option<&'a str>,
}

/// The text of a document. Blocks for as long as the budget allows.
///
/// # Errors
/// One clear reason: the type is not one we read, the content is broken, or a limit is reached.
pub fn extract(document: Document<'_>, budget: &Budget) -> Result<String, Error> {
    let format = Format::of(document.extension, document.mime)?;
    let limit = budget.limits().input;
    if document.bytes.len() > limit {
        return Err(Error::TooLarge { what: "its size", limit: limit as u64 });
    }
    // The readers of foreign formats are other people's code fed with other people's bytes.
    let read = catch_unwind(AssertUnwindSafe(|| read(format, document.bytes, budget)));
    let mut text = read.unwrap_or_else(|_| {
        Err(Error::broken(format.name(), "the file is damaged in a way its reader does not know"))
    })?;
    if text.contains('\0') {
        text.retain(|character| character != '\0');
    }
    let limit = budget.limits().text;
    if text.len() > limit {
        return Err(Error::TooLarge { what: "the text", limit: limit as u64 });
    }
    Ok(text)
}

fn read(format: Format, bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    match format {
        Format::Plain => Ok(charset::decode(bytes)),
        Format::Json => formats::text::json(bytes),
        Format::Yaml => formats::text::yaml(bytes),
        Format::Vtt => formats::text::vtt(bytes, budget),
        Format::Properties => formats::text::properties(bytes, budget),
        Format::Pdf => formats::pdf::read(bytes, budget),
        Format::Doc => formats::doc::read(bytes, budget),
        Format::Docx => formats::docx::read(bytes, budget),
        Format::Csv => formats::sheet::csv(bytes, budget),
        Format::Xls | Format::Xlsx => formats::sheet::excel(bytes, budget),
        Format::Ppt => formats::ppt::read(bytes, budget),
        Format::Pptx => formats::pptx::read(bytes, budget),
        Format::Epub => formats::epub::read(bytes, budget),
        Format::Odt => formats::odt::read(bytes, budget),
        Format::Eml => formats::eml::read(bytes, budget),
        Format::Msg => formats::msg::read(bytes, budget),
    }
}

#[cfg(test)]
mod tests;
