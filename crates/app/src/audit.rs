//! One event for every change a person makes, with the state before and after.

use ox_db::{model::AuditEvent, now, repo};
use ox_types::Json;
use ox_types::boxed;

use crate::{Principal, Services};

/// Writes an event. A failure is logged and does not undo the change it tells of.
#[boxed]
pub async fn record(
    services: &Services,
    principal: &Principal,
    action: &str,
    object_type: &str,
    object: uuid::Uuid,
    before: Option<Json>,
    after: Option<Json>,
) {
    let event = AuditEvent {
        id: ox_types::new_uuid(),
        tenant_id: Some(principal.tenant_id()),
        account_id: principal.account_id().ok(),
        actor: "account".into(),
        action: action.to_owned(),
        object_type: object_type.to_owned(),
        object_id: object.to_string(),
        before,
        after,
        ip: None,
        request_id: None,
        created_at: now(),
    };
    let written = async {
        let tx = services.db.begin().await?;
        repo::audit::insert(&tx, event).await?;
        tx.commit().await
    };
    if let Err(error) = written.await {
        tracing::error!(%error, action, "audit event not written");
    }
}
