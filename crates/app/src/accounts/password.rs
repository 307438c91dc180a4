//! Passwords: policy, and hashing off the async threads.

use ox_types::boxed;
use std::sync::Arc;

use ox_db::model::Account;
use tokio::sync::Semaphore;

use crate::{Error, Result};

/// Argon2id takes tens of milliseconds and megabytes: at most this many at a time.
const PARALLEL: usize = 2;

/// At least eight characters with a letter and a digit.
///
/// # Errors
/// 400 that says so.
pub fn check_policy(password: &str) -> Result<()> {
    let valid = password.chars().count() >= 8
        && password.chars().any(|c| c.is_ascii_alphabetic())
        && password.chars().any(|c| c.is_ascii_digit());
    if valid {
        Ok(())
    } else {
        Err(Error::invalid_field(
            "password",
            "Password must contain letters and numbers, and the length must be at least 8.",
        ))
    }
}

/// Hashes and checks passwords, a bounded number at a time.
#[derive(Clone)]
pub struct Hasher {
    slots: Arc<Semaphore>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self { slots: Arc::new(Semaphore::new(PARALLEL)) }
    }
}

impl Hasher {
    /// A new argon2id hash.
    #[boxed]
    pub async fn hash(&self, password: String) -> Result<String> {
        self.blocking(move || ox_auth::hash_password(&password)).await?.map_err(Error::internal)
    }

    /// Whether this is the account's password. Accounts without one match none.
    #[boxed]
    pub async fn verify(&self, account: &Account, password: String) -> Result<bool> {
        let (Some(hash), salt) = (account.password.clone(), account.password_salt.clone()) else { return Ok(false) };
        self.blocking(move || ox_auth::verify_password(&password, &hash, salt.as_deref())).await
    }

    /// Takes as long as a check and answers false.
    #[boxed]
    pub async fn waste(&self, password: String) -> bool {
        let _ = self.blocking(move || ox_auth::hash_password(&password)).await;
        false
    }

    /// A new hash when the stored one is of an older kind.
    #[boxed]
    pub async fn upgraded(&self, account: &Account, password: String) -> Result<Option<String>> {
        let old = account
            .password
            .as_deref()
            .is_some_and(|hash| ox_auth::needs_rehash(hash, account.password_salt.as_deref()));
        if old { self.hash(password).await.map(Some) } else { Ok(None) }
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _slot = self.slots.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy() {
        assert!(check_policy("abcdefg1").is_ok());
        for bad in ["abc1", "abcdefgh", "12345678", ""] {
            assert!(check_policy(bad).is_err(), "{bad}");
        }
    }
}
