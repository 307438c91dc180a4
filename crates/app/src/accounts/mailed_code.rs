//! What the codes that are mailed to an address have in common: how token and code are made, how many mails may be asked
//! for, and how a token is refused.

use std::time::Duration;

use ox_db::{Tx, repo};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

use crate::{Error, Result, Settings};

/// Characters of a token.
const TOKEN: usize = 48;
/// The time over which the mails that one network address asks for are counted.
const ASKED_IN: Duration = Duration::from_secs(60);

/// A new token: what whoever asked for the mail gets.
pub(super) fn new_token() -> String {
    ox_auth::random_code(TOKEN)
}

/// A new code: what whoever reads the mail gets.
pub(super) fn new_code() -> String {
    format!("{:06}", rand::rng().random_range(0..1_000_000))
}

/// What is kept instead of a token or code.
pub(super) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// How many mails of one kind an address may get, and the refusal of more.
pub(super) struct Allowance {
    /// Of the counter; the address follows.
    pub key: &'static str,
    pub most: i64,
    pub within: Duration,
    pub code: &'static str,
    pub message: &'static str,
}

impl Allowance {
    /// Counts a mail to this address that was asked for from there; the refusal if it is one too many. The caller commits
    /// either way: a refused mail counts as well.
    pub(super) async fn count(
        &self,
        tx: &Tx,
        settings: &Settings,
        email: &str,
        ip: Option<&str>,
    ) -> Result<Option<Error>> {
        let from_there = format!("mails_asked_by:{}", ip.unwrap_or("anybody"));
        let asked = repo::kv::increment(tx, &from_there, 1, ASKED_IN).await?;
        let to_there = repo::kv::increment(tx, &format!("{}:{email}", self.key), 1, self.within).await?;
        let most = i64::try_from(settings.mails_per_minute).unwrap_or(i64::MAX);
        Ok(if asked > most {
            let text = "Too many emails have been sent from this IP address recently. Please try again later.";
            Some(too_many("email_send_ip_limit", text, ASKED_IN))
        } else if to_there > self.most {
            Some(too_many(self.code, self.message, self.within))
        } else {
            None
        })
    }
}

pub(super) fn too_many(code: &'static str, message: &str, wait: Duration) -> Error {
    Error { retry_after: Some(wait.as_secs()), ..Error::new(429, code, message) }
}

pub(super) fn invalid_token() -> Error {
    Error::new(400, "invalid_or_expired_token", "The token is invalid or has expired.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_codes_have_their_form_and_differ() {
        let (token, other) = (new_token(), new_token());
        assert!(token.len() == TOKEN && token.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
        assert_ne!(token, other);
        let code = new_code();
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    }

    #[test]
    fn refusals_say_when_to_come_back() {
        let refusal = too_many("some_limit", "Too many.", Duration::from_secs(300));
        assert_eq!((refusal.status, &*refusal.code, refusal.retry_after), (429, "some_limit", Some(300)));
        assert_eq!((invalid_token().status, invalid_token().retry_after), (400, None));
    }
}
