use std::fmt;

use crate::{Error, Result};

/// Name of an object: segments of letters, digits and `-_.@+=,` and space, separated by `/`. Checked when made, so
/// that no driver has to think of `..`, of absolute paths or of names that a file system reads in its own way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

const MAX_LENGTH: usize = 512;
const MAX_SEGMENT: usize = 200;

impl Key {
    /// Checks a name.
    ///
    /// # Errors
    /// `InvalidKey`, saying why.
    pub fn new(key: impl Into<String>) -> Result<Self> {
        let key = key.into();
        match fault(&key) {
            None => Ok(Self(key)),
            Some(why) => Err(Error::InvalidKey { key, why }),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments between the slashes.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn fault(key: &str) -> Option<&'static str> {
    if key.is_empty() || key.len() > MAX_LENGTH {
        return Some("it must have 1 to 512 bytes");
    }
    for segment in key.split('/') {
        if segment.is_empty() {
            return Some("it must not begin or end with a slash, or have two in a row");
        }
        if segment.len() > MAX_SEGMENT {
            return Some("a segment must not be longer than 200 bytes");
        }
        // Names with a leading dot are for the store itself.
        if segment.starts_with('.') || segment.ends_with(['.', ' ']) || segment.starts_with(' ') {
            return Some("a segment must not begin with a dot or a space, or end with one");
        }
        if !segment.chars().all(|c| c.is_alphanumeric() || "-_.@+=, ".contains(c)) {
            return Some("a segment may have letters, digits and `-_.@+=,` only");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good() {
        for key in ["a", "upload_files/0190f3a2-7c1e-7b3a/x.png", "tools/t/résumé v2.pdf", "privkeys/t/private.pem"] {
            assert_eq!(Key::new(key).unwrap().as_str(), key);
        }
    }

    #[test]
    fn bad() {
        let long = "a".repeat(201);
        for key in [
            "",
            "/",
            "/etc/passwd",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "./a",
            "a/.hidden",
            "a\\b",
            "a\0b",
            "a\nb",
            "C:/x",
            "a*",
            "a/..",
            "a/b.",
            "%2e%2e/a",
            &long,
        ] {
            assert!(matches!(Key::new(key), Err(Error::InvalidKey { .. })), "{key:?}");
        }
    }
}
