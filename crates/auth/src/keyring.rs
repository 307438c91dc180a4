//! Envelope encryption: each workspace has a data key, which the installation's secret key wraps.
//!
//! A wrapped key and a ciphertext carry the workspace as associated data: moved to another one, they do not open.

use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit, Payload},
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use hmac::{Hmac, Mac as _};
use ox_types::TenantId;
use sha2::Sha256;

use crate::{Error, Result, random};

/// Starts every ciphertext; a later scheme gets another number.
const PREFIX: &str = "ox1:";
const NONCE: usize = 12;

/// The keys that wrap data keys: the present one, and older ones after a rotation.
#[derive(Clone)]
pub struct KeyRing {
    current: Aes256Gcm,
    old: Vec<Aes256Gcm>,
}

/// Encrypts the secrets of one workspace.
#[derive(Clone)]
pub struct DataKey {
    tenant: TenantId,
    cipher: Aes256Gcm,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("old", &self.old.len()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataKey").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// From the secret key and the ones it replaced.
    ///
    /// # Errors
    /// Never in practice: the derivation takes keys of any length.
    pub fn new(secret: &str, old: &[String]) -> Result<Self> {
        Ok(Self {
            current: wrapping_cipher(secret)?,
            old: old.iter().map(|secret| wrapping_cipher(secret)).collect::<Result<_>>()?,
        })
    }

    /// A new data key for a workspace, and its wrapped form to store.
    ///
    /// # Errors
    /// When the cipher fails.
    pub fn new_data_key(&self, tenant: TenantId) -> Result<(DataKey, String)> {
        let key = random::bytes::<32>();
        Ok((DataKey::new(tenant, &key)?, seal(&self.current, tenant, &key)?))
    }

    /// The data key from its wrapped form.
    ///
    /// # Errors
    /// `CannotDecrypt` when it was wrapped with a key that is not in the ring.
    pub fn open_data_key(&self, tenant: TenantId, wrapped: &str) -> Result<DataKey> {
        DataKey::new(tenant, &self.unwrap_key(tenant, wrapped)?)
    }

    /// The same data key wrapped with the present key, if an older one had wrapped it.
    ///
    /// # Errors
    /// As [`KeyRing::open_data_key`].
    pub fn rewrap(&self, tenant: TenantId, wrapped: &str) -> Result<Option<String>> {
        if open(&self.current, tenant, wrapped).is_ok() {
            return Ok(None);
        }
        seal(&self.current, tenant, &self.unwrap_key(tenant, wrapped)?).map(Some)
    }

    fn unwrap_key(&self, tenant: TenantId, wrapped: &str) -> Result<Vec<u8>> {
        std::iter::once(&self.current)
            .chain(&self.old)
            .find_map(|cipher| open(cipher, tenant, wrapped).ok())
            .ok_or(Error::CannotDecrypt)
    }
}

impl DataKey {
    fn new(tenant: TenantId, key: &[u8]) -> Result<Self> {
        let cipher =
            Aes256Gcm::new_from_slice(key).map_err(|_| Error::Malformed("a data key has 32 bytes".to_owned()))?;
        Ok(Self { tenant, cipher })
    }

    /// Encrypts a text.
    ///
    /// # Errors
    /// When the cipher fails.
    pub fn encrypt(&self, plain: &str) -> Result<String> {
        seal(&self.cipher, self.tenant, plain.as_bytes())
    }

    /// Decrypts what [`DataKey::encrypt`] made.
    ///
    /// # Errors
    /// `CannotDecrypt` for anything else.
    pub fn decrypt(&self, sealed: &str) -> Result<String> {
        String::from_utf8(open(&self.cipher, self.tenant, sealed)?).map_err(|_| Error::CannotDecrypt)
    }

    /// Whether a stored text has the form of a ciphertext.
    #[must_use]
    pub fn is_sealed(text: &str) -> bool {
        text.starts_with(PREFIX)
    }
}

fn wrapping_cipher(secret: &str) -> Result<Aes256Gcm> {
    // The secret key signs tokens too; each use derives a key of its own.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|e| Error::Crypto(e.to_string()))?;
    mac.update(b"oxidify/data-key/v1");
    Aes256Gcm::new_from_slice(&mac.finalize().into_bytes()).map_err(|e| Error::Crypto(e.to_string()))
}

fn seal(cipher: &Aes256Gcm, tenant: TenantId, plain: &[u8]) -> Result<String> {
    let nonce = random::bytes::<NONCE>();
    let payload = Payload { msg: plain, aad: tenant.0.as_bytes() };
    let sealed = cipher.encrypt(&nonce.into(), payload).map_err(|e| Error::Crypto(e.to_string()))?;
    Ok(format!("{PREFIX}{}", STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat())))
}

fn open(cipher: &Aes256Gcm, tenant: TenantId, sealed: &str) -> Result<Vec<u8>> {
    let text = sealed.strip_prefix(PREFIX).ok_or(Error::CannotDecrypt)?;
    let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| Error::CannotDecrypt)?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or(Error::CannotDecrypt)?;
    let payload = Payload { msg: sealed, aad: tenant.0.as_bytes() };
    cipher.decrypt(&(*nonce).into(), payload).map_err(|_| Error::CannotDecrypt)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret key of the installation";

    #[test]
    fn round_trip() {
        let ring = KeyRing::new(SECRET, &[]).unwrap();
        let tenant = TenantId::new();
        let (key, wrapped) = ring.new_data_key(tenant).unwrap();
        let reopened = ring.open_data_key(tenant, &wrapped).unwrap();
        for plain in ["", "sk-123", "ключ 🔑"] {
            let sealed = key.encrypt(plain).unwrap();
            assert!(DataKey::is_sealed(&sealed) && !sealed.contains("sk-"));
            assert_ne!(sealed, key.encrypt(plain).unwrap());
            assert_eq!(reopened.decrypt(&sealed).unwrap(), plain);
        }
    }

    #[test]
    fn bound_to_the_workspace_and_the_key() {
        let ring = KeyRing::new(SECRET, &[]).unwrap();
        let (mine, other) = (TenantId::new(), TenantId::new());
        let (key, wrapped) = ring.new_data_key(mine).unwrap();
        let sealed = key.encrypt("x").unwrap();
        assert!(matches!(ring.open_data_key(other, &wrapped), Err(Error::CannotDecrypt)));
        assert!(matches!(
            KeyRing::new("another", &[]).unwrap().open_data_key(mine, &wrapped),
            Err(Error::CannotDecrypt)
        ));
        assert!(matches!(ring.new_data_key(mine).unwrap().0.decrypt(&sealed), Err(Error::CannotDecrypt)));
        let mut changed = sealed.clone();
        changed.pop();
        for bad in ["", "plain", "ox1:", "ox1:!!", &changed] {
            assert!(matches!(key.decrypt(bad), Err(Error::CannotDecrypt)), "{bad}");
        }
    }

    #[test]
    fn rotation_keeps_old_data_readable() {
        let tenant = TenantId::new();
        let (key, wrapped) = KeyRing::new("old secret", &[]).unwrap().new_data_key(tenant).unwrap();
        let sealed = key.encrypt("kept").unwrap();
        let ring = KeyRing::new(SECRET, &["older".to_owned(), "old secret".to_owned()]).unwrap();
        assert_eq!(ring.open_data_key(tenant, &wrapped).unwrap().decrypt(&sealed).unwrap(), "kept");
        let rewrapped = ring.rewrap(tenant, &wrapped).unwrap().unwrap();
        assert_eq!(ring.rewrap(tenant, &rewrapped).unwrap(), None);
        let without_old = KeyRing::new(SECRET, &[]).unwrap();
        assert_eq!(without_old.open_data_key(tenant, &rewrapped).unwrap().decrypt(&sealed).unwrap(), "kept");
    }
}
