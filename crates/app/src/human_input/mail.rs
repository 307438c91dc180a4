//! Forms by mail: who gets one, and sending it.

use std::collections::BTreeSet;

use ox_db::{
    model::{FormRecipient, HumanInputForm},
    now, repo,
};
use ox_types::{AccountId, Json};

use super::text;
use crate::{Result, Services};

/// Letters and digits of the secret in a form's address.
const TOKEN: usize = 32;
/// Forms and mails handled at a time.
const BATCH: u64 = 50;
/// Addresses that one form is sent to at most.
const MAX_ADDRESSES: usize = 200;
/// What the record says where no mail can be sent.
const NO_SERVER: &str = "No mail server is configured: set MAIL_TYPE=smtp and SMTP_SERVER. Until then the form is \
                         answered from the run's page or through its other deliveries.";

/// Gives out the forms that are to be mailed.
pub(crate) async fn deliver(services: &Services) -> Result<()> {
    for form in repo::human_input::undelivered(&services.db, BATCH).await? {
        let addresses = addresses_of(services, &form).await?;
        let recipients = addresses.into_iter().map(|address| recipient(&form, address)).collect::<Vec<_>>();
        if !recipients.is_empty() {
            tracing::warn!(form_id = %form.id, node = form.node_title, "{NO_SERVER}");
        }
        let tx = services.db.begin().await?;
        repo::human_input::deliver(&tx, form.id, recipients).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn recipient(form: &HumanInputForm, address: String) -> FormRecipient {
    FormRecipient {
        id: ox_types::new_uuid(),
        tenant_id: form.tenant_id,
        form_id: form.id,
        kind: "email".to_owned(),
        token: ox_auth::random_code(TOKEN),
        address: Some(address),
        status: "failed".to_owned(),
        attempts: 0,
        next_attempt_at: None,
        error: Some(NO_SERVER.to_owned()),
        created_at: now(),
    }
}

/// Everybody the form's mails go to, each once.
async fn addresses_of(services: &Services, form: &HumanInputForm) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let members = repo::tenants::members(&services.db, form.tenant_id).await?;
    for way in super::list(form, "deliveries").filter(|way| text(way, "type") == "email") {
        let to = way.pointer("/config/recipients").cloned().unwrap_or_default();
        let everybody = to.get("include_bound_group").and_then(Json::as_bool) == Some(true);
        let mut named = BTreeSet::new();
        for item in to.get("items").and_then(Json::as_array).into_iter().flatten() {
            match text(item, "type") {
                "external" => {
                    found.extend(Some(text(item, "email").trim().to_lowercase()).filter(|to| to.contains('@')))
                }
                _ => named.extend(text(item, "reference_id").parse::<AccountId>().ok()),
            }
        }
        // Only members: an id from another workspace names nobody here.
        let asked = members.iter().filter(|(_, account)| everybody || named.contains(&account.id));
        found.extend(asked.map(|(_, account)| account.email.to_lowercase()));
    }
    Ok(found.into_iter().take(MAX_ADDRESSES).collect())
}
