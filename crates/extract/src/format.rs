//! Which way a document is read: its extension decides, then its MIME type.

use crate::Error;

/// A way of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    Plain,
    Json,
    Yaml,
    Pdf,
    Doc,
    Docx,
    Csv,
    Xls,
    Xlsx,
    Ppt,
    Pptx,
    Epub,
    Odt,
    Eml,
    Msg,
    Vtt,
    Properties,
}

/// Extensions of texts that are taken as they are.
const PLAIN: &[&str] = &[
    ".txt",
    ".markdown",
    ".md",
    ".mdx",
    ".html",
    ".htm",
    ".xml",
    ".c",
    ".h",
    ".cpp",
    ".hpp",
    ".cc",
    ".cxx",
    ".c++",
    ".py",
    ".js",
    ".ts",
    ".jsx",
    ".tsx",
    ".java",
    ".php",
    ".rb",
    ".go",
    ".rs",
    ".swift",
    ".kt",
    ".scala",
    ".sh",
    ".bash",
    ".bat",
    ".ps1",
    ".sql",
    ".r",
    ".m",
    ".pl",
    ".lua",
    ".vim",
    ".asm",
    ".s",
    ".css",
    ".scss",
    ".less",
    ".sass",
    ".ini",
    ".cfg",
    ".conf",
    ".toml",
    ".env",
    ".log",
    ".vtt",
];

impl Format {
    /// The format of a file. The extension is given with or without its dot; parameters of the MIME type do not count.
    ///
    /// # Errors
    /// When neither is given, or what is given is not one we read.
    pub fn of(extension: Option<&str>, mime: Option<&str>) -> Result<Self, Error> {
        let extension = extension.map(str::trim).filter(|extension| !matches!(*extension, "" | "."));
        if let Some(extension) = extension {
            let mut extension = extension.to_ascii_lowercase();
            if !extension.starts_with('.') {
                extension.insert(0, '.');
            }
            return Self::of_extension(&extension).ok_or(Error::UnsupportedExtension(extension));
        }
        let mime = mime.map(str::trim).filter(|mime| !mime.is_empty()).ok_or(Error::UnknownType)?;
        let bare = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Self::of_mime(&bare).ok_or_else(|| Error::UnsupportedMime(mime.to_owned()))
    }

    fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension {
            ".json" => Self::Json,
            ".yaml" | ".yml" => Self::Yaml,
            ".pdf" => Self::Pdf,
            ".doc" => Self::Doc,
            ".docx" => Self::Docx,
            ".csv" => Self::Csv,
            ".xls" => Self::Xls,
            ".xlsx" => Self::Xlsx,
            ".ppt" => Self::Ppt,
            ".pptx" => Self::Pptx,
            ".epub" => Self::Epub,
            ".odt" => Self::Odt,
            ".eml" => Self::Eml,
            ".msg" => Self::Msg,
            ".properties" => Self::Properties,
            other if PLAIN.contains(&other) => Self::Plain,
            _ => return None,
        })
    }

    fn of_mime(mime: &str) -> Option<Self> {
        Some(match mime {
            "text/plain" | "text/html" | "text/htm" | "text/markdown" | "text/xml" => Self::Plain,
            "application/json" => Self::Json,
            "application/x-yaml" | "text/yaml" => Self::Yaml,
            "application/pdf" => Self::Pdf,
            "application/msword" => Self::Doc,
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => Self::Docx,
            "text/csv" => Self::Csv,
            "application/vnd.ms-excel" => Self::Xls,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Self::Xlsx,
            "application/vnd.ms-powerpoint" => Self::Ppt,
            "application/vnd.openxmlformats-officedocument.presentationml.presentation" => Self::Pptx,
            "application/epub+zip" => Self::Epub,
            "application/vnd.oasis.opendocument.text" => Self::Odt,
            "message/rfc822" => Self::Eml,
            "application/vnd.ms-outlook" => Self::Msg,
            // Compat: a subtitle file is read as speech only when nothing but its MIME type is known.
            "text/vtt" => Self::Vtt,
            "text/properties" => Self::Properties,
            _ => return None,
        })
    }

    /// What the format is called in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain text",
            Self::Json => "JSON",
            Self::Yaml => "YAML",
            Self::Pdf => "PDF",
            Self::Doc => "DOC",
            Self::Docx => "DOCX",
            Self::Csv => "CSV",
            Self::Xls | Self::Xlsx => "Excel",
            Self::Ppt => "PPT",
            Self::Pptx => "PPTX",
            Self::Epub => "EPUB",
            Self::Odt => "ODT",
            Self::Eml => "EML",
            Self::Msg => "MSG",
            Self::Vtt => "VTT",
            Self::Properties => "properties",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_decides_then_the_mime_type() {
        let ext = |name: &str| Err(Error::UnsupportedExtension(name.into()));
        let mime = |name: &str| Err(Error::UnsupportedMime(name.into()));
        for (extension, kind, expected) in [
            (Some(".pdf"), Some("text/plain"), Ok(Format::Pdf)),
            (Some("PDF"), None, Ok(Format::Pdf)),
            (Some(".vtt"), Some("text/vtt"), Ok(Format::Plain)),
            (None, Some("text/vtt"), Ok(Format::Vtt)),
            (Some(".html"), None, Ok(Format::Plain)),
            (Some(".c++"), None, Ok(Format::Plain)),
            (Some(".yml"), None, Ok(Format::Yaml)),
            (Some(""), Some("text/csv; charset=utf-8"), Ok(Format::Csv)),
            (Some("."), Some("application/vnd.ms-excel"), Ok(Format::Xls)),
            (None, Some("text/properties"), Ok(Format::Properties)),
            (Some(".exe"), Some("text/plain"), ext(".exe")),
            (Some("png"), None, ext(".png")),
            (None, Some("image/png"), mime("image/png")),
            (None, None, Err(Error::UnknownType)),
            (Some(""), Some(" "), Err(Error::UnknownType)),
        ] {
            assert_eq!(Format::of(extension, kind), expected, "{extension:?} {kind:?}");
        }
    }
}
