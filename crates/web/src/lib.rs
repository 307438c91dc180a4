//! The built front end inside the binary (read from `web/dist` in debug builds).
//!
//! Knows nothing of HTTP: it answers file names with bytes, a content type and whether the
//! file may be cached for ever (its name carries a hash).

use std::borrow::Cow;

#[derive(rust_embed::RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

/// One file of the front end.
pub struct Asset {
    pub bytes: Cow<'static, [u8]>,
    pub content_type: String,
    /// The name changes with the content.
    pub immutable: bool,
}

/// The file at a path without a leading slash, if there is one.
#[must_use]
pub fn asset(path: &str) -> Option<Asset> {
    let file = Dist::get(path)?;
    Some(Asset {
        bytes: file.data,
        content_type: mime_guess::from_path(path).first_or_octet_stream().to_string(),
        immutable: path.starts_with("assets/"),
    })
}

/// The page of the Studio or, for the addresses of published apps, of the web app.
#[must_use]
pub fn page(path: &str) -> Option<Asset> {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let published = matches!(first, "chat" | "chatbot" | "completion" | "workflow" | "form" | "installed" | "trial");
    asset(if published { "chat.html" } else { "index.html" })
}
