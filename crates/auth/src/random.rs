//! Random texts and their comparison.

use rand::RngExt;
use subtle::ConstantTimeEq;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Letters and digits, each equally likely; 24 of them carry 142 bits.
#[must_use]
pub fn random_code(length: usize) -> String {
    let mut rng = rand::rng();
    (0..length)
        .map(|_| ALPHANUMERIC.get(rng.random_range(0..ALPHANUMERIC.len())).copied().map_or('0', char::from))
        .collect()
}

/// A key of the Service API: `app-…` or `dataset-…`.
#[must_use]
pub fn api_key(prefix: &str) -> String {
    format!("{prefix}-{}", random_code(24))
}

/// An opaque refresh token: 64 random bytes in hexadecimal.
#[must_use]
pub fn refresh_token() -> String {
    hex::encode(bytes::<64>())
}

/// Random bytes from the generator seeded by the system.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill(&mut bytes);
    bytes
}

/// Equality whose duration tells nothing of the place of a difference.
#[must_use]
pub fn constant_time_eq(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let key = api_key("app");
        assert_eq!(key.len(), 28);
        assert!(key.starts_with("app-") && key.bytes().skip(4).all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(key, api_key("app"));
        let token = refresh_token();
        assert!(token.len() == 128 && token.bytes().all(|b| b.is_ascii_hexdigit()));
    }

    #[test]
    fn comparison() {
        for (a, b, equal) in [("", "", true), ("a", "a", true), ("a", "b", false), ("a", "ab", false)] {
            assert_eq!(constant_time_eq(a, b), equal);
        }
    }
}
