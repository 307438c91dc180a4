//! What a document is, whatever it is called.

use crate::{Budget, Document, Error, Format, archive::Archive, formats::compound::Compound};

/// A way of reading parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it is: texts, and everything unknown that is text.
    Text,
    Markdown,
    Html,
    Other(Format),
}

impl Kind {
    /// The content decides where it is plain to see, then the extension, then the MIME type.
    pub fn of(document: &Document<'_>, budget: &Budget) -> Result<Self, Error> {
        if let Some(format) = seen(document.bytes, budget)? {
            return Ok(Self::Other(format));
        }
        let extension =
            document.extension.map(|extension| extension.trim().trim_start_matches('.').to_ascii_lowercase());
        let extension = extension.filter(|extension| !extension.is_empty());
        let mime = document.mime.map(|mime| mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        let kind = match (extension.as_deref(), mime.as_deref()) {
            (Some("md" | "markdown" | "mdx"), _) | (None, Some("text/markdown")) => Self::Markdown,
            (Some("html" | "htm" | "xhtml"), _) | (None, Some("text/html" | "text/htm" | "application/xhtml+xml")) => {
                Self::Html
            }
            _ => match Format::of(document.extension, document.mime) {
                Ok(Format::Plain | Format::Json | Format::Yaml | Format::Vtt | Format::Properties) | Err(_) => {
                    Self::Text
                }
                Ok(format) => Self::Other(format),
            },
        };
        Ok(kind)
    }

    /// What it is called in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "plain text",
            Self::Markdown => "Markdown",
            Self::Html => "HTML",
            Self::Other(format) => format.name(),
        }
    }
}

/// Formats that begin with a sign of their own.
fn seen(bytes: &[u8], budget: &Budget) -> Result<Option<Format>, Error> {
    if bytes.starts_with(b"%PDF-") {
        return Ok(Some(Format::Pdf));
    }
    if Compound::is_one(bytes) {
        // What is damaged is for its reader to say.
        let Ok(file) = Compound::open(bytes, "file", budget) else { return Ok(None) };
        if file.has("EncryptedPackage") {
            return Err(Error::broken("the file", "it is protected by a password"));
        }
        let known = [
            ("Workbook", Format::Xls),
            ("Book", Format::Xls),
            ("WordDocument", Format::Doc),
            ("PowerPoint Document", Format::Ppt),
            ("__properties_version1.0", Format::Msg),
        ];
        return Ok(known.into_iter().find(|(name, _)| file.has(name)).map(|(_, format)| format));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        let Ok(archive) = Archive::open(bytes, "file", budget) else { return Ok(None) };
        let known = [
            ("word/document.xml", Format::Docx),
            ("xl/workbook.xml", Format::Xlsx),
            ("ppt/presentation.xml", Format::Pptx),
            ("META-INF/container.xml", Format::Epub),
            ("content.xml", Format::Odt),
        ];
        return Ok(known.into_iter().find(|(name, _)| archive.has(name)).map(|(_, format)| format));
    }
    Ok(None)
}

/// Whether it is a text: pictures and programs are not read as letters.
pub fn check_text(text: &str) -> Result<(), Error> {
    let is_odd = |character: &char| matches!(*character, '\0'..='\x08' | '\x0e'..='\x1a' | '\x1c'..='\x1f' | '\u{fffd}' | '\u{80}'..='\u{9f}');
    let sample = text.chars().take(4096);
    let (odd, all) = sample.fold((0, 0), |(odd, all), character| (odd + usize::from(is_odd(&character)), all + 1));
    if odd > 4 && odd * 10 > all {
        return Err(Error::broken("plain text", "it is not a text"));
    }
    Ok(())
}
