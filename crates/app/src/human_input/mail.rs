//! Forms by mail: who gets one, and what it says.

use std::collections::{BTreeMap, BTreeSet};

use ox_db::{
    model::{Account, FormRecipient, HumanInputForm, OutgoingMail, TenantMember},
    now, repo,
};
use ox_types::{AccountId, Json};

use super::text;
use crate::{
    Result, Services,
    mail::{self, Letter},
};

/// Letters and digits of the secret in a form's address.
const TOKEN: usize = 32;
/// Forms handled at a time.
const BATCH: u64 = 50;
/// Addresses that one form is sent to at most.
const MAX_ADDRESSES: usize = 200;
/// Bytes of a mail's text at most.
const MAX_BODY: usize = 100_000;
/// Where the form's address goes in the text.
const URL: &str = "{{#url#}}";
/// What the record says besides the reason where no mail can be sent.
const OTHERWISE: &str = "Until then the form is answered from the run's page or through its other deliveries.";

/// What one address is told.
struct Wording {
    subject: String,
    body: String,
}

/// Gives out the forms that are to be mailed.
pub(crate) async fn deliver(services: &Services) -> Result<()> {
    for form in repo::human_input::undelivered(&services.db, BATCH).await? {
        let wordings = wordings_of(services, &form).await?;
        let base = mail::web_url(services).await?;
        let failure = services.mail.missing().map(|missing| format!("{missing} {OTHERWISE}"));
        if let Some(why) = failure.as_ref().filter(|_| !wordings.is_empty()) {
            tracing::warn!(form_id = %form.id, node = form.node_title, "{why}");
        }
        let letters = wordings.into_iter().map(|(address, wording)| {
            let recipient = recipient(&form, &address, failure.as_deref());
            let letter = failure.is_none().then(|| letter(&form, &recipient, address, &wording, &base));
            (recipient, letter)
        });
        let letters = letters.collect();
        let tx = services.db.begin().await?;
        repo::human_input::deliver(&tx, form.id, letters).await?;
        tx.commit().await?;
        services.mail.ring();
    }
    Ok(())
}

fn recipient(form: &HumanInputForm, address: &str, failure: Option<&str>) -> FormRecipient {
    FormRecipient {
        id: ox_types::new_uuid(),
        tenant_id: form.tenant_id,
        form_id: form.id,
        kind: "email".to_owned(),
        token: ox_auth::random_code(TOKEN),
        address: Some(address.to_owned()),
        status: if failure.is_some() { "failed" } else { "pending" }.to_owned(),
        attempts: 0,
        next_attempt_at: None,
        error: failure.map(str::to_owned),
        created_at: now(),
    }
}

fn letter(
    form: &HumanInputForm,
    recipient: &FormRecipient,
    address: String,
    wording: &Wording,
    base: &str,
) -> OutgoingMail {
    let url = format!("{base}/form/{}", recipient.token);
    let (subject, body) = worded(wording, &form.node_title, &url);
    let letter = Letter {
        kind: "human_input",
        tenant_id: Some(form.tenant_id),
        app_id: Some(form.app_id),
        recipient_id: Some(recipient.id),
        address,
        subject,
        body,
    };
    letter.outgoing()
}

/// Subject and text with the form's address in them. A text without a place for it gets it at its end: a mail that
/// nobody can answer would be of no use.
fn worded(wording: &Wording, title: &str, url: &str) -> (String, String) {
    let subject = wording.subject.replace(URL, "");
    let subject = if subject.trim().is_empty() { title.to_owned() } else { subject };
    let body = wording.body.get(..wording.body.floor_char_boundary(MAX_BODY)).unwrap_or_default();
    let body = match body.contains(URL) {
        true => body.replace(URL, url),
        false if body.trim().is_empty() => url.to_owned(),
        false => format!("{}\n\n{url}", body.trim_end()),
    };
    (subject, body)
}

/// Everybody the form's mails go to, each once, with what the first delivery that names them says.
async fn wordings_of(services: &Services, form: &HumanInputForm) -> Result<BTreeMap<String, Wording>> {
    let mut found = BTreeMap::new();
    let members = repo::tenants::members(&services.db, form.tenant_id).await?;
    let run = repo::runs::find(&services.db, form.tenant_id, form.app_id, form.workflow_run_id).await?;
    // Whoever tries the draft out.
    let editor = run.filter(|run| run.triggered_from == "debugging" && run.created_by_role == "account");
    let editor = editor.map(|run| AccountId(run.created_by));
    for way in super::list(form, "deliveries").filter(|way| text(way, "type") == "email") {
        let config = way.get("config").cloned().unwrap_or_default();
        for address in addresses_of(&config, &members, editor) {
            if found.len() >= MAX_ADDRESSES {
                tracing::warn!(form_id = %form.id, "the form goes to the first {MAX_ADDRESSES} addresses only");
                return Ok(found);
            }
            found.entry(address).or_insert_with(|| Wording {
                subject: text(&config, "subject").to_owned(),
                body: text(&config, "body").to_owned(),
            });
        }
    }
    Ok(found)
}

/// The addresses of one delivery. Compat: with `debug_mode`, a run of the draft mails its editor only.
fn addresses_of(config: &Json, members: &[(TenantMember, Account)], editor: Option<AccountId>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let is_on = |json: &Json, key: &str| json.get(key).and_then(Json::as_bool) == Some(true);
    let to = config.get("recipients").cloned().unwrap_or_default();
    let mut named = BTreeSet::new();
    let mut everybody = is_on(&to, "include_bound_group");
    match editor.filter(|_| is_on(config, "debug_mode")) {
        Some(editor) => {
            everybody = false;
            named.insert(editor);
        }
        None => {
            for item in to.get("items").and_then(Json::as_array).into_iter().flatten() {
                if text(item, "type") == "external" {
                    found.extend(Some(text(item, "email").trim().to_lowercase()).filter(|to| to.contains('@')));
                } else {
                    named.extend(text(item, "reference_id").parse::<AccountId>().ok());
                }
            }
        }
    }
    // Only members: an id from another workspace names nobody here.
    let asked = members.iter().filter(|(_, account)| everybody || named.contains(&account.id));
    found.extend(asked.map(|(_, account)| account.email.to_lowercase()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_form_is_always_in_the_text() {
        let url = "https://ox.example/form/abc";
        for (subject, body, expected) in [
            ("Please", "Go to {{#url#}} now", ("Please", "Go to https://ox.example/form/abc now")),
            ("", "Hello\n", ("Approve", "Hello\n\nhttps://ox.example/form/abc")),
            ("{{#url#}}", "", ("Approve", url)),
            ("s", "{{#url#}} {{#url#}}", ("s", "https://ox.example/form/abc https://ox.example/form/abc")),
        ] {
            let wording = Wording { subject: subject.to_owned(), body: body.to_owned() };
            let (subject, body) = worded(&wording, "Approve", url);
            assert_eq!((subject.as_str(), body.as_str()), expected);
        }
        let long = Wording { subject: String::new(), body: "ä".repeat(MAX_BODY) };
        assert!(worded(&long, "t", url).1.ends_with(url), "the end is cut, not the address");
    }
}
