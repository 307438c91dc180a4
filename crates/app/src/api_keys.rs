//! Keys of the Service API: from the header to the app, with the checks in their order.

use ox_types::boxed;
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use ox_db::{now, repo};

use crate::{
    Error, Result, Services,
    runs::{Key, PublishedApp},
};

/// How exactly the last use of a key is known.
const NOTED_FOR: Duration = Duration::from_secs(60);
/// Keys remembered as noted.
const MAX_NOTED: usize = 50_000;

/// The app whose key the `Authorization` header carries.
///
/// # Errors
/// 401 for a header or key that is none, 403 for an app that cannot be called.
#[boxed]
pub async fn authenticate(services: &Arc<Services>, header: Option<&str>) -> Result<Arc<PublishedApp>> {
    let missing = || Error::unauthorized("Authorization header must be provided and start with 'Bearer'");
    let (scheme, token) = header.and_then(|header| header.trim().split_once(' ')).ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Error::unauthorized("Authorization scheme must be 'Bearer'"));
    }
    let key = services.runs.published.key(token.trim()).await?;
    let key = key.ok_or_else(|| Error::unauthorized("Access token is invalid"))?;
    let app = services.runs.published.app(key.app_id).await?;
    let app = app.ok_or_else(|| Error::forbidden("The app no longer exists."))?;
    check(&app)?;
    note_use(services, key);
    Ok(app)
}

fn check(app: &PublishedApp) -> Result<()> {
    if app.app.status != "normal" {
        return Err(Error::forbidden("The app's status is abnormal."));
    }
    if !app.app.enable_api {
        return Err(Error::forbidden("The app's API service has been disabled."));
    }
    if app.tenant_status == "archive" {
        return Err(Error::forbidden("The workspace's status is archived."));
    }
    Ok(())
}

/// Writes down that a key was used, at most once a minute and in the background.
fn note_use(services: &Arc<Services>, key: Key) {
    {
        let mut noted = services.runs.noted_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&key.id).is_some_and(|at| at.elapsed() < NOTED_FOR) {
            return;
        }
        if noted.len() >= MAX_NOTED {
            noted.retain(|_, at| at.elapsed() < NOTED_FOR);
        }
        noted.insert(key.id, Instant::now());
    }
    let services = Arc::clone(services);
    services.tracker.clone().spawn(async move {
        let written = async {
            let tx = services.db.begin().await?;
            repo::api_tokens::used(&tx, key.id, now()).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "the use of a key was not noted");
        }
    });
}
