//! Password hashes: argon2id for new ones, the imported kind for checking.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;

use crate::{Error, Result};

/// OWASP's recommendation for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Iterations of imported PBKDF2 hashes.
const PBKDF2_ITERATIONS: u32 = 10_000;

/// A new hash as a PHC string.
///
/// # Errors
/// When the system has no random numbers.
pub fn hash_password(password: &str) -> Result<String> {
    let hash = argon2()?.hash_password(password.as_bytes()).map_err(|e| Error::Crypto(e.to_string()))?;
    Ok(hash.to_string())
}

/// Whether a password matches a stored hash. `salt` is set for imported hashes only. A damaged hash matches none.
#[must_use]
pub fn verify_password(password: &str, hash: &str, salt: Option<&str>) -> bool {
    match salt.filter(|salt| !salt.is_empty()) {
        Some(salt) => verify_pbkdf2(password, hash, salt).unwrap_or(false),
        None => verify_argon2(password, hash),
    }
}

/// Whether a hash should be replaced by a new one at the next login.
#[must_use]
pub fn needs_rehash(hash: &str, salt: Option<&str>) -> bool {
    if salt.is_some_and(|salt| !salt.is_empty()) {
        return true;
    }
    let Ok(parsed) = PasswordHash::new(hash) else { return true };
    let Ok(params) = Params::try_from(&parsed) else { return true };
    parsed.algorithm.as_str() != "argon2id"
        || params.m_cost() < MEMORY_KIB
        || params.t_cost() < PASSES
        || params.p_cost() < LANES
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| Error::Crypto(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn verify_argon2(password: &str, hash: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash) else { return false };
    argon2().is_ok_and(|argon2| argon2.verify_password(password.as_bytes(), &parsed).is_ok())
}

/// Compat: base64 of the hexadecimal digest, salted with base64-decoded bytes.
fn verify_pbkdf2(password: &str, hash: &str, salt: &str) -> Option<bool> {
    let stored = STANDARD.decode(hash.trim()).ok()?;
    let salt = STANDARD.decode(salt.trim()).ok()?;
    let mut digest = [0_u8; 32];
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password.as_bytes(), &salt, PBKDF2_ITERATIONS, &mut digest);
    Some(hex::encode(digest).as_bytes().ct_eq(&stored).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argon2id_round_trip() {
        let hash = hash_password("correct horse 1").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hash_password("correct horse 1").unwrap());
        assert!(verify_password("correct horse 1", &hash, None));
        assert!(!verify_password("correct horse 2", &hash, None));
        assert!(!needs_rehash(&hash, None));
    }

    /// Made with Python: `b64encode(hexlify(pbkdf2_hmac("sha256", b"Passw0rd-1", bytes(range(16)), 10000)))`.
    const IMPORTED: &str = "OWU5ZjNkNjc4ZGU2OGQ3ZDFkMDJlMmY2MmMzYjUxN2MyYTAwOTAwZTJlMGUxM2E3MjUxYTRiNGE4NzE5YTFkNA==";
    const IMPORTED_SALT: &str = "AAECAwQFBgcICQoLDA0ODw==";

    #[test]
    fn imported_hashes_match_and_are_upgraded() {
        assert!(verify_password("Passw0rd-1", IMPORTED, Some(IMPORTED_SALT)));
        assert!(!verify_password("Passw0rd-2", IMPORTED, Some(IMPORTED_SALT)));
        assert!(!verify_password("Passw0rd-1", IMPORTED, Some("AAAA")));
        assert!(needs_rehash(IMPORTED, Some(IMPORTED_SALT)));
    }

    #[test]
    fn damaged_hashes_match_nothing() {
        for (hash, salt) in
            [("", None), ("$argon2id$", None), ("?", Some("?")), (IMPORTED, None), ("", Some(IMPORTED_SALT))]
        {
            assert!(!verify_password("", hash, salt), "{hash:?} {salt:?}");
            assert!(needs_rehash(hash, salt));
        }
    }

    #[test]
    fn weaker_parameters_are_upgraded() {
        let weak = "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$J4moa2MM0/6uf3HbY2Tf5Fux8JIBTwIhmhxGRbsY14s";
        assert!(needs_rehash(weak, None));
    }
}
