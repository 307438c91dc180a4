//! How a stored secret is shown.

/// What a client sends back for "keep the stored value".
pub use ox_types::HIDDEN;

/// A secret of which nothing is shown.
pub const FULL_MASK: &str = "********************";

/// The first six and last two characters, or none of a text of up to eight.
#[must_use]
pub fn mask(secret: &str) -> String {
    let length = secret.chars().count();
    if length <= 8 {
        return FULL_MASK.to_owned();
    }
    let head: String = secret.chars().take(6).collect();
    let tail: String = secret.chars().skip(length - 2).collect();
    format!("{head}{}{tail}", "*".repeat(12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        for (secret, expected) in [
            ("", FULL_MASK),
            ("12345678", FULL_MASK),
            ("123456789", "123456************89"),
            ("sk-aбвгдежз", "sk-aбв************жз"),
        ] {
            assert_eq!(mask(secret), expected);
        }
    }
}
