//! End users as whoever has an app's key may look them up.

pub use ox_db::model::EndUser;
use ox_db::repo;
use ox_types::{EndUserId, boxed};

use crate::{Error, Result, Services, runs::PublishedApp};

/// An end user of an app.
///
/// # Errors
/// 404 for one of another app, or none.
#[boxed]
pub async fn find(services: &Services, app: &PublishedApp, id: EndUserId) -> Result<EndUser> {
    let found = repo::end_users::find(&services.db, app.app.tenant_id, app.app.id, id).await?;
    found.ok_or_else(|| Error::new(404, "end_user_not_found", "End user not found."))
}
