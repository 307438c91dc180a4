//! Encryption of what a workspace keeps secret, with a data key per workspace.

use std::sync::Arc;

use moka::future::Cache;
use ox_auth::{DataKey, KeyRing};
use ox_db::{Database, repo};
use ox_models::Credentials;
use ox_types::{Json, TenantId, boxed};

use crate::{Error, Result};

/// Data keys of workspaces, opened on first use.
pub struct Secrets {
    ring: KeyRing,
    keys: Cache<TenantId, Arc<TenantKey>>,
}

/// The data key of one workspace.
pub struct TenantKey(DataKey);

impl Secrets {
    /// Keys wrapped by this ring.
    #[must_use]
    pub fn new(ring: KeyRing) -> Self {
        Self { ring, keys: Cache::builder().max_capacity(10_000).build() }
    }

    /// The key of a workspace; made on first use.
    ///
    /// # Errors
    /// When it was wrapped by another `SECRET_KEY`, or the database fails.
    #[boxed]
    pub async fn tenant_key(&self, db: &Database, tenant: TenantId) -> Result<Arc<TenantKey>> {
        if let Some(key) = self.keys.get(&tenant).await {
            return Ok(key);
        }
        let key = Arc::new(TenantKey(self.load(db, tenant).await?));
        self.keys.insert(tenant, Arc::clone(&key)).await;
        Ok(key)
    }

    async fn load(&self, db: &Database, tenant: TenantId) -> Result<DataKey> {
        let stored = |row: Option<ox_db::model::Tenant>| row.and_then(|row| row.encrypted_data_key);
        if let Some(wrapped) = stored(repo::tenants::find(db, tenant).await?) {
            return self.ring.open_data_key(tenant, &wrapped).map_err(cannot_open);
        }
        let (key, wrapped) = self.ring.new_data_key(tenant).map_err(Error::internal)?;
        let tx = db.begin().await?;
        match repo::tenants::set_data_key(&tx, tenant, &wrapped).await {
            Ok(()) => {
                tx.commit().await?;
                Ok(key)
            }
            Err(ox_db::Error::Conflict(_)) => {
                drop(tx);
                let wrapped = stored(repo::tenants::find(db, tenant).await?)
                    .ok_or_else(|| Error::not_found("Workspace not found."))?;
                self.ring.open_data_key(tenant, &wrapped).map_err(cannot_open)
            }
            Err(other) => Err(other.into()),
        }
    }
}

fn cannot_open(error: ox_auth::Error) -> Error {
    Error::new(
        500,
        "secret_key_changed",
        "The workspace's secrets were encrypted with another SECRET_KEY. Set the old one in OXIDIFY_SECRET_KEYS_OLD, or restore it.",
    )
    .caused_by(error)
}

impl TenantKey {
    /// Encrypts a text.
    pub fn seal(&self, plain: &str) -> Result<String> {
        self.0.encrypt(plain).map_err(Error::internal)
    }

    /// Decrypts a text.
    pub fn open(&self, sealed: &str) -> Result<String> {
        self.0.decrypt(sealed).map_err(cannot_open)
    }

    /// Encrypts the named fields of a form.
    pub fn seal_fields(&self, values: &Credentials, secret: &[&str]) -> Result<Json> {
        map_fields(values, secret, |text| self.seal(text)).map(Json::Object)
    }

    /// Decrypts the named fields of a form.
    pub fn open_fields(&self, stored: &Json, secret: &[&str]) -> Result<Credentials> {
        let values = stored.as_object().cloned().unwrap_or_default();
        map_fields(&values, secret, |text| if text.is_empty() { Ok(String::new()) } else { self.open(text) })
    }
}

/// The values with the named fields masked, for showing.
#[must_use]
pub fn mask_fields(values: &Credentials, secret: &[&str]) -> Credentials {
    map_fields(values, secret, |text| Ok(ox_auth::mask(text))).unwrap_or_default()
}

fn map_fields(values: &Credentials, secret: &[&str], map: impl Fn(&str) -> Result<String>) -> Result<Credentials> {
    values
        .iter()
        .map(|(name, value)| match value {
            Json::String(text) if secret.contains(&name.as_str()) => Ok((name.clone(), Json::from(map(text)?))),
            other => Ok((name.clone(), other.clone())),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secret_fields_are_sealed_and_all_come_back() {
        let ring = KeyRing::new("a long enough secret for a test", &[]).expect("ring");
        let (key, _) = ring.new_data_key(TenantId::new()).expect("key");
        let key = TenantKey(key);
        let values =
            serde_json::json!({"api_key": "sk-123456789", "base": "http://x"}).as_object().cloned().expect("object");
        let sealed = key.seal_fields(&values, &["api_key"]).expect("sealed");
        assert_eq!(sealed["base"], "http://x");
        assert!(!sealed.to_string().contains("sk-123456789"));
        assert_eq!(key.open_fields(&sealed, &["api_key"]).expect("opened"), values);
        assert!(!serde_json::to_string(&mask_fields(&values, &["api_key"])).expect("json").contains("sk-123456789"));
    }
}
