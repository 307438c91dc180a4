//! Signed addresses of files: `sign = base64url(HMAC-SHA256(SECRET_KEY, kind|id|timestamp|nonce))`.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What an address opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedKind {
    FilePreview,
    ImagePreview,
}

impl SignedKind {
    /// The word in the address and in the signed text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FilePreview => "file-preview",
            Self::ImagePreview => "image-preview",
        }
    }
}

/// Makes and checks signed addresses.
#[derive(Clone)]
pub struct FileSigner {
    secret: Vec<u8>,
    life: Duration,
}

impl std::fmt::Debug for FileSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileSigner").field("life", &self.life).finish_non_exhaustive()
    }
}

/// The query of a signed address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub timestamp: String,
    pub nonce: String,
    pub sign: String,
}

impl FileSigner {
    /// A signer with the server's secret; addresses live this long.
    #[must_use]
    pub fn new(secret: impl Into<Vec<u8>>, life: Duration) -> Self {
        Self { secret: secret.into(), life }
    }

    /// Signs an id at a time.
    #[must_use]
    pub fn sign(&self, kind: SignedKind, id: &str, timestamp: i64, nonce: &str) -> Signature {
        let timestamp = timestamp.to_string();
        let sign = URL_SAFE.encode(self.mac(kind, id, &timestamp, nonce).finalize().into_bytes());
        Signature { timestamp, nonce: nonce.to_owned(), sign }
    }

    /// The address of an uploaded file below `base` (scheme and host, or empty for a relative one).
    #[must_use]
    pub fn upload_url(&self, base: &str, kind: SignedKind, id: &str) -> String {
        let nonce: [u8; 16] = rand::random();
        let Signature { timestamp, nonce, sign } =
            self.sign(kind, id, chrono::Utc::now().timestamp(), &hex::encode(nonce));
        let sign = sign.replace('=', "%3D");
        format!("{base}/files/{id}/{}?timestamp={timestamp}&nonce={nonce}&sign={sign}", kind.as_str())
    }

    /// Whether a signature is right and not too old.
    #[must_use]
    pub fn verify(&self, kind: SignedKind, id: &str, given: &Signature, now: i64) -> bool {
        let Ok(sign) = URL_SAFE.decode(given.sign.as_bytes()) else { return false };
        let Ok(at) = given.timestamp.parse::<i64>() else { return false };
        let age = now.saturating_sub(at);
        let life = i64::try_from(self.life.as_secs()).unwrap_or(i64::MAX);
        // Clocks of several hosts may differ a little; a date far in the future is forged.
        let is_fresh = (-60..=life).contains(&age);
        is_fresh && self.mac(kind, id, &given.timestamp, &given.nonce).verify_slice(&sign).is_ok()
    }

    fn mac(&self, kind: SignedKind, id: &str, timestamp: &str, nonce: &str) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("a key of any length");
        mac.update(format!("{}|{id}|{timestamp}|{nonce}", kind.as_str()).as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000-0000-0000-0000-000000000000";
    const NONCE: &str = "00000000000000000000000000000000";

    /// G14.
    #[test]
    fn reference_vector() {
        let signer = FileSigner::new("k", Duration::from_secs(300));
        let signature = signer.sign(SignedKind::FilePreview, ID, 1_700_000_000, NONCE);
        assert_eq!(signature.sign, "ljE1gMpZQyejyJXayqPyaMKLu1LZf376c8bqBM6Fxys=");
    }

    #[test]
    fn only_a_fresh_and_unchanged_signature_opens() {
        let signer = FileSigner::new("k", Duration::from_secs(300));
        let good = signer.sign(SignedKind::FilePreview, ID, 1000, NONCE);
        let changed = Signature { sign: good.sign.replace('l', "m").replace('a', "b"), ..good.clone() };
        let other_time = Signature { timestamp: "1001".into(), ..good.clone() };
        let garbage = Signature { sign: "%".into(), ..good.clone() };
        for (signature, kind, now, expected) in [
            (&good, SignedKind::FilePreview, 1000, true),
            (&good, SignedKind::FilePreview, 1300, true),
            (&good, SignedKind::FilePreview, 1301, false),
            (&good, SignedKind::FilePreview, 0, false),
            (&good, SignedKind::ImagePreview, 1000, false),
            (&changed, SignedKind::FilePreview, 1000, false),
            (&other_time, SignedKind::FilePreview, 1001, false),
            (&garbage, SignedKind::FilePreview, 1000, false),
        ] {
            assert_eq!(signer.verify(kind, ID, signature, now), expected, "{kind:?} {now} {signature:?}");
        }
    }
}
