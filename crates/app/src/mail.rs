//! Mails: kept in the outbox by whoever wants one sent, and sent from there.
//!
//! A mail is a row, committed with whatever it tells of: a process that dies loses none. One process at a time takes
//! a mail; when it dies after the mail server has taken the mail and before that is noted, the mail goes out once more,
//! with the same Message-ID. A server that cannot be reached holds the mails up, for a day; a mail that it does not
//! take is tried [`MAX_ATTEMPTS`] times.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use ox_db::{
    Tx,
    model::OutgoingMail,
    now,
    repo::{self, mails::Outcome},
};
use ox_mail::{Mail, Mailer, Session};
use ox_types::{AppId, Json, TenantId, boxed};
use rand::RngExt as _;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{Principal, Result, Services, principal::Role, workspaces};

/// How often the outbox is looked at when nobody says that there is something in it.
const EVERY: Duration = Duration::from_secs(2);
/// The same while the mail server cannot be used.
const EVERY_UNAVAILABLE: Duration = Duration::from_secs(15);
/// Mails sent over one connection.
const BATCH: u64 = 50;
/// Another process leaves a mail alone for this long: longer than an attempt can take.
const LEASE: chrono::Duration = chrono::Duration::seconds(150);
/// A mail that the server does not take is given up after this many attempts.
const MAX_ATTEMPTS: i32 = 8;
/// A mail waits this long for a server that cannot be reached.
const MAX_AGE: chrono::Duration = chrono::Duration::hours(24);
/// What is over is remembered this long.
pub(crate) const KEPT: chrono::Duration = chrono::Duration::days(7);
/// Where the address is kept by which the server was last reached.
const ORIGIN: &str = "public_origin";

/// The way out for mails, and the bell that says there is one.
pub struct Outbox {
    mailer: Mailer,
    bell: Notify,
}

impl Outbox {
    pub(crate) fn new(mailer: Mailer) -> Self {
        Self { mailer, bell: Notify::new() }
    }

    /// What keeps mails from being sent; `None` when they are.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        self.mailer.missing()
    }

    /// Whether mails can be sent.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        self.missing().is_none()
    }

    /// There is a mail to send: called after the commit.
    pub(crate) fn ring(&self) {
        self.bell.notify_one();
    }
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub kind: &'static str,
    pub tenant_id: Option<TenantId>,
    pub app_id: Option<AppId>,
    pub recipient_id: Option<Uuid>,
    pub address: String,
    pub subject: String,
    pub body: String,
}

impl Letter {
    /// The letter as a row of the outbox.
    pub fn outgoing(self) -> OutgoingMail {
        let at = now();
        OutgoingMail {
            id: ox_types::new_uuid(),
            tenant_id: self.tenant_id,
            app_id: self.app_id,
            kind: self.kind.to_owned(),
            recipient_id: self.recipient_id,
            address: self.address,
            subject: self.subject,
            body: self.body,
            status: "pending".to_owned(),
            attempts: 0,
            next_attempt_at: at,
            error: None,
            created_at: at,
            finished_at: None,
        }
    }
}

/// Puts a letter into the outbox; it is sent once the transaction is committed.
pub(crate) async fn post(tx: &Tx, letter: Letter) -> Result<()> {
    Ok(repo::mails::insert(tx, letter.outgoing()).await?)
}

/// Sends mails until shutdown.
pub(crate) async fn keep(services: Arc<Services>) {
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            () = services.shutdown.cancelled() => return,
            () = services.mail.bell.notified(), if pause <= EVERY => {}
            () = tokio::time::sleep(pause) => {}
        }
        pause = match send_due(&services).await {
            Ok(true) => EVERY,
            Ok(false) => EVERY_UNAVAILABLE,
            Err(error) => {
                tracing::error!(%error, "mails cannot be sent");
                EVERY
            }
        };
    }
}

/// Sends what is due; false when the mail server cannot be used.
async fn send_due(services: &Services) -> Result<bool> {
    loop {
        let due = repo::mails::due(&services.db, now(), BATCH).await?;
        let is_last = u64::try_from(due.len()).unwrap_or(u64::MAX) < BATCH;
        let mut session = services.mail.mailer.session();
        let mut available = true;
        for mail in due {
            if services.shutdown.is_cancelled() {
                break;
            }
            available = send_one(services, &mut session, &mail).await?;
            if !available {
                break;
            }
        }
        session.close().await;
        if !available || is_last || services.shutdown.is_cancelled() {
            return Ok(available);
        }
    }
}

async fn send_one(services: &Services, session: &mut Session<'_>, mail: &OutgoingMail) -> Result<bool> {
    let tx = services.db.begin().await?;
    let is_ours = repo::mails::take(&tx, mail, now() + LEASE).await?;
    tx.commit().await?;
    if !is_ours {
        return Ok(true);
    }
    let mut available = true;
    let (status, error, attempts, next) = if repo::mails::is_wanted(&services.db, mail).await? {
        let text = Mail {
            id: mail.id.to_string(),
            to: mail.address.clone(),
            subject: mail.subject.clone(),
            body: mail.body.clone(),
        };
        let sent = session.send(&text).await;
        available = !matches!(sent, Err(ox_mail::Error::Unavailable(_)));
        judged(mail, sent, now())
    } else {
        let why = "The form waited no more before the mail could be sent.".to_owned();
        ("skipped", Some(why), mail.attempts, now())
    };
    if let Some(error) = &error {
        tracing::warn!(mail = %mail.id, kind = mail.kind, status, error, "a mail was not sent");
    }
    metrics::counter!("oxidify_mails_total", "status" => status).increment(1);
    let outcome = Outcome { status, error: error.as_deref(), attempts, next_attempt_at: next };
    let tx = services.db.begin().await?;
    repo::mails::note(&tx, mail, &outcome, now()).await?;
    tx.commit().await?;
    Ok(available)
}

/// State, reason, attempts so far, and when it is tried again.
fn judged(
    mail: &OutgoingMail,
    sent: ox_mail::Result<()>,
    at: DateTime<Utc>,
) -> (&'static str, Option<String>, i32, DateTime<Utc>) {
    use ox_mail::Error;
    let attempts = mail.attempts.saturating_add(1);
    match sent {
        Ok(()) => ("sent", None, attempts, at),
        Err(error @ (Error::Refused(_) | Error::NotConfigured(_))) => ("failed", Some(error.to_string()), attempts, at),
        Err(error @ Error::Temporary(_)) if attempts >= MAX_ATTEMPTS => {
            ("failed", Some(format!("{error} (given up after {attempts} attempts)")), attempts, at)
        }
        Err(error @ Error::Temporary(_)) => ("pending", Some(error.to_string()), attempts, at + pause(attempts)),
        Err(error @ Error::Unavailable(_)) if at - mail.created_at > MAX_AGE => {
            ("failed", Some(format!("{error} (given up after a day)")), attempts, at)
        }
        // The mail is not to blame: it keeps its attempts.
        Err(error @ Error::Unavailable(_)) => ("pending", Some(error.to_string()), mail.attempts, at + pause(1)),
    }
}

/// The pause after an attempt: 10 s, 20 s, … up to five minutes, less up to half, so that mails do not come together.
fn pause(attempts: i32) -> chrono::Duration {
    let exponent = u32::try_from(attempts.clamp(1, 6) - 1).unwrap_or(0);
    let longest = (10_000_i64 << exponent).min(300_000);
    chrono::Duration::milliseconds(rand::rng().random_range(longest / 2..=longest))
}

/// Remembers the address by which an owner or administrator of the first workspace has reached this server, for links
/// in mails where the operator has set none.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn note_origin(services: &Services, principal: &Principal, origin: &str) -> Result<()> {
    let settings = &services.settings;
    let is_set = !settings.app_web_url.is_empty() && !settings.console_web_url.is_empty();
    let is_trusted = matches!(principal, Principal::Member { role: Role::Owner | Role::Admin, .. });
    if is_set || !is_trusted || workspaces::first(services).await? != Some(principal.tenant_id()) {
        return Ok(());
    }
    let known = repo::settings::get(&services.db, ORIGIN).await?;
    if known.as_ref().and_then(Json::as_str) == Some(origin) {
        return Ok(());
    }
    let tx = services.db.begin().await?;
    repo::settings::set(&tx, ORIGIN, origin.into()).await?;
    Ok(tx.commit().await?)
}

/// The public address of published pages (`APP_WEB_URL`), without a slash at its end.
pub(crate) async fn web_url(services: &Services) -> Result<String> {
    first_of(services, [&services.settings.app_web_url, &services.settings.console_web_url]).await
}

/// The public address of the Studio (`CONSOLE_WEB_URL`), without a slash at its end.
pub(crate) async fn console_url(services: &Services) -> Result<String> {
    first_of(services, [&services.settings.console_web_url, &services.settings.app_web_url]).await
}

async fn first_of(services: &Services, set: [&String; 2]) -> Result<String> {
    if let Some(url) = set.into_iter().find(|url| !url.is_empty()) {
        return Ok(url.clone());
    }
    let seen = repo::settings::get(&services.db, ORIGIN).await?;
    Ok(seen.as_ref().and_then(Json::as_str).unwrap_or("http://localhost:5001").to_owned())
}

#[cfg(test)]
mod tests {
    use ox_mail::Error;

    use super::*;

    fn mail(attempts: i32, age_hours: i64) -> OutgoingMail {
        let letter = Letter {
            kind: "human_input",
            tenant_id: None,
            app_id: None,
            recipient_id: None,
            address: "a@b.example".into(),
            subject: String::new(),
            body: String::new(),
        };
        let at = now() - chrono::Duration::hours(age_hours);
        OutgoingMail { attempts, created_at: at, ..letter.outgoing() }
    }

    #[test]
    fn what_becomes_of_a_mail() {
        let temporary = || Err(Error::Temporary("451".into()));
        let unavailable = || Err(Error::Unavailable("down".into()));
        for (attempts, age, sent, status, counted) in [
            (0, 0, Ok(()), "sent", 1),
            (0, 0, Err(Error::Refused("550".into())), "failed", 1),
            (0, 0, Err(Error::NotConfigured("set".into())), "failed", 1),
            (0, 0, temporary(), "pending", 1),
            (6, 0, temporary(), "pending", 7),
            (7, 0, temporary(), "failed", 8),
            (3, 0, unavailable(), "pending", 3),
            (7, 23, unavailable(), "pending", 7),
            (0, 25, unavailable(), "failed", 1),
        ] {
            let (found, error, tried, next) = judged(&mail(attempts, age), sent.clone(), now());
            assert_eq!((found, tried), (status, counted), "{attempts} {age} {sent:?}");
            assert_eq!(error.is_some(), sent.is_err());
            assert_eq!(next > now(), status == "pending", "{attempts} {age} {sent:?}");
        }
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        for (attempts, longest) in [(1, 10), (2, 20), (5, 160), (6, 300), (60, 300)] {
            let found = pause(attempts).num_milliseconds();
            assert!((longest * 500..=longest * 1000).contains(&found), "{attempts}: {found} ms");
        }
    }
}
