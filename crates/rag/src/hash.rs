//! The name of a text's content.

use sha2::{Digest as _, Sha256};

/// SHA-256 of a chunk, in hex. Compat: the literal word at the end is part of the stored value.
#[must_use]
pub fn text_hash(text: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(text.as_bytes());
    hasher.update(b"None");
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::text_hash;

    #[test]
    fn the_hash_is_the_stored_one() {
        // printf 'hello None' without the space, through sha256sum
        assert_eq!(text_hash(""), "dc937b59892604f5a86ac96936cd7ff09e25f18ae6b758e8014a24c7fa039e91");
        assert_ne!(text_hash("a"), text_hash("b"));
    }
}
