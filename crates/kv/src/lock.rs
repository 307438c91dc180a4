use std::{sync::Arc, time::Duration};

use crate::{Kv, Result};

/// A lock that other processes respect. It ends by [`Lock::release`] or by its life time, never by being dropped:
/// a holder that dies must not leave a gap in which nobody knows.
#[must_use = "a lock that is not released lasts for its whole life time"]
pub struct Lock {
    kv: Arc<dyn Kv>,
    key: String,
    holder: String,
}

impl Lock {
    /// Takes a lock; `None` when somebody else has it.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn acquire(kv: Arc<dyn Kv>, name: &str, life: Duration) -> Result<Option<Self>> {
        let key = format!("lock:{name}");
        let holder = ox_types::new_uuid().to_string();
        let taken = kv.set_if_absent(&key, &holder, Some(life)).await?;
        Ok(taken.then(|| Self { kv, key, holder }))
    }

    /// Prolongs it. False when it has expired meanwhile: the holder must stop what it does.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn extend(&self, life: Duration) -> Result<bool> {
        self.kv.extend_if(&self.key, &self.holder, life).await
    }

    /// Gives it back. False when it had expired meanwhile.
    ///
    /// # Errors
    /// When the driver fails; then it ends with its life time.
    pub async fn release(self) -> Result<bool> {
        self.kv.delete_if(&self.key, &self.holder).await
    }
}
