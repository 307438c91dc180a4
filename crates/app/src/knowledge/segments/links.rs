//! Links to stored files in texts.

use ox_types::FileId;
use uuid::Uuid;

use crate::Services;

/// Lets links to stored files in a text be opened for a while.
#[must_use]
pub fn signed(services: &Services, content: &str) -> String {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(start) = rest.find("/files/") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let after = from.get("/files/".len()..).unwrap_or_default();
        let id = after.get(..36).and_then(|text| text.parse::<Uuid>().ok());
        let tail = after.get(36..).unwrap_or_default();
        let kind = ["/file-preview", "/image-preview"].into_iter().find(|kind| tail.starts_with(kind));
        match (id, kind) {
            (Some(id), Some(kind)) => {
                // The address before it, if there was one, is ours: it is part of the new one.
                let url = services.files.preview_url(FileId(id));
                if url.starts_with("http") {
                    let begin = out.rfind(['(', ' ', '\n', '"', '<']).map_or(0, |place| place + 1);
                    if out.get(begin..).is_some_and(|text| text.starts_with("http")) {
                        out.truncate(begin);
                    }
                }
                out.push_str(&url);
                let tail = tail.get(kind.len()..).unwrap_or_default();
                let query = tail.starts_with('?').then(|| tail.find([')', ' ', '\n', '"', '>']).unwrap_or(tail.len()));
                rest = tail.get(query.unwrap_or(0)..).unwrap_or_default();
            }
            _ => {
                out.push_str("/files/");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}
