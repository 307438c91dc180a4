//! Requests to import a file that wait for a confirmation.

use std::time::Duration;

use ox_db::repo;
use ox_types::new_uuid;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{Error, Principal, Result, Services};

/// How long one is kept.
const LIFE: Duration = Duration::from_secs(600);

/// What is imported: requests of one kind are not taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    App,
    Pipeline,
}

fn key(principal: &Principal, kind: Kind, id: Uuid) -> String {
    let name = match kind {
        Kind::App => "app_import_info",
        Kind::Pipeline => "pipeline_import_info",
    };
    format!("{name}:{}:{id}", principal.tenant_id())
}

/// Keeps a request; the id to confirm it by.
pub(crate) async fn keep<T: Serialize + Sync>(
    services: &Services,
    principal: &Principal,
    kind: Kind,
    request: &T,
) -> Result<Uuid> {
    let id = new_uuid();
    let value = serde_json::to_string(request).map_err(Error::internal)?;
    let tx = services.db.begin().await?;
    repo::kv::set(&tx, &key(principal, kind, id), &value, Some(LIFE)).await?;
    tx.commit().await?;
    Ok(id)
}

/// Gives a request to the first who confirms it; none when it is not known (any more).
pub(crate) async fn take<T: DeserializeOwned>(
    services: &Services,
    principal: &Principal,
    kind: Kind,
    id: Uuid,
) -> Result<Option<T>> {
    let tx = services.db.begin().await?;
    let kept = repo::kv::take(&tx, &key(principal, kind, id)).await?;
    tx.commit().await?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()))
}
