//! Links to stored files in texts: `/files/{id}/file-preview`, with or without a host before and a signature behind.

use std::ops::Range;

use ox_types::FileId;
use uuid::Uuid;

use crate::Services;

const START: &str = "/files/";
/// Characters of an id.
const ID: usize = 36;
const KINDS: [&str; 2] = ["/file-preview", "/image-preview"];

/// A link in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub file: FileId,
    /// Where it stands, without a host and a signature.
    pub range: Range<usize>,
}

/// The links of a text, in their order.
pub(super) fn of(text: &str) -> impl Iterator<Item = Link> {
    text.match_indices(START).filter_map(move |(start, _)| {
        let rest = text.get(start + START.len()..)?;
        let file = FileId(rest.get(..ID)?.parse::<Uuid>().ok()?);
        let tail = rest.get(ID..)?;
        let kind = KINDS.into_iter().find(|kind| tail.starts_with(kind))?;
        Some(Link { file, range: start..start + START.len() + ID + kind.len() })
    })
}

/// The stored files that a text names, each once, in their order.
pub(super) fn named(text: &str) -> Vec<FileId> {
    let mut out: Vec<FileId> = Vec::new();
    for link in of(text) {
        if !out.contains(&link.file) {
            out.push(link.file);
        }
    }
    out
}

/// Lets links to stored files in a text be opened for a while.
#[must_use]
pub fn signed(services: &Services, content: &str) -> String {
    rewritten(content, |file| services.files.preview_url(file))
}

/// A text with other addresses in place of its links.
fn rewritten(content: &str, address: impl Fn(FileId) -> String) -> String {
    let mut out = String::with_capacity(content.len());
    let mut done = 0;
    for Link { file, range } in of(content) {
        // Not one that stands in the signature of another.
        let Some(before) = content.get(done..range.start) else { continue };
        out.push_str(before);
        // The address before it, if there was one, is ours: it is part of the new one.
        let url = address(file);
        if url.starts_with("http") {
            let begin = out.rfind(['(', ' ', '\n', '"', '<']).map_or(0, |place| place + 1);
            if out.get(begin..).is_some_and(|text| text.starts_with("http")) {
                out.truncate(begin);
            }
        }
        out.push_str(&url);
        let tail = content.get(range.end..).unwrap_or_default();
        let query = tail.starts_with('?').then(|| tail.find([')', ' ', '\n', '"', '>']).unwrap_or(tail.len()));
        done = range.end + query.unwrap_or(0);
    }
    out.push_str(content.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_a_text_names() {
        let (one, two) = (FileId::new(), FileId::new());
        let text = format!(
            "![image](/files/{one}/file-preview) [x](https://h/files/{two}/image-preview?sign=a) \
             /files/{one}/file-preview /files/tools/{one}.png /files/{two}/other /files/nothing"
        );
        assert_eq!(named(&text), [one, two]);
        assert!(named("/files/").is_empty());
    }

    #[test]
    fn addresses_take_the_place_of_links() {
        let file = FileId::new();
        let cases = [
            (format!("a ![i](/files/{file}/file-preview) b"), "a ![i](https://x/1) b"),
            (format!("![i](https://old/files/{file}/image-preview?sign=a&t=1) b"), "![i](https://x/1) b"),
            (format!("/files/{file}/file-preview?sign=a"), "https://x/1"),
            (format!("/files/{file}/other"), ""),
            ("no link".to_owned(), ""),
        ];
        for (text, wanted) in cases {
            let wanted = if wanted.is_empty() { text.as_str() } else { wanted };
            assert_eq!(rewritten(&text, |_| "https://x/1".to_owned()), wanted, "{text}");
        }
    }
}
