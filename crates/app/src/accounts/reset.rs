//! A new password for somebody who has lost theirs: a code by mail, then the password; or one from whoever runs the server.
//!
//! Whether an address belongs to an account is not told: the answer and the work before it are the same.

use ox_types::boxed;
use std::time::Duration;

use ox_db::repo;
use serde::{Deserialize, Serialize};

use super::{
    check_policy,
    mailed_code::{self, Allowance, invalid_token, too_many},
};
use crate::{
    Error, Result, Services,
    mail::{self, Letter},
};

/// Wrong codes after which an address is locked.
const MAX_FAILURES: i64 = 5;
/// One mail to an address in a minute.
const MAILS: Allowance = Allowance {
    key: "password_reset_mails",
    most: 1,
    within: Duration::from_secs(60),
    code: "password_reset_rate_limit_exceeded",
    message: "Too many password reset emails have been sent. Please try again in 1 minutes.",
};

/// What a token stands for.
#[derive(Serialize, Deserialize)]
struct Pending {
    email: String,
    /// The code that was mailed; empty once it was given.
    code: String,
}

fn key(token: &str) -> String {
    format!("password_reset:{}", mailed_code::hash(token))
}

fn failures_key(email: &str) -> String {
    format!("password_reset_failures:{email}")
}

/// Mails a code to whoever has this address, if somebody has; the token goes with the code.
///
/// # Errors
/// 400 where no mail can be sent, 429 when too many were asked for.
#[boxed]
pub async fn request(services: &Services, email: &str, language: Option<&str>, ip: Option<&str>) -> Result<String> {
    if let Some(missing) = services.mail.missing() {
        let message = format!("{missing} Until then an administrator can invite you again.");
        return Err(Error::new(400, "mail_not_set_up", message));
    }
    let email = super::check_email(email)?;
    let account = repo::accounts::find_by_email(&services.db, &email).await?;
    let account = account.filter(|account| account.status != "banned" && account.status != "closed");
    let (token, code) = (mailed_code::new_token(), mailed_code::new_code());
    let tx = services.db.begin().await?;
    if let Some(refusal) = MAILS.count(&tx, &services.settings, &email, ip).await? {
        tx.commit().await?;
        return Err(refusal);
    }
    let life = services.settings.reset_token_life;
    let pending = Pending { email: email.clone(), code: code.clone() };
    let value = serde_json::to_string(&pending).map_err(Error::internal)?;
    repo::kv::set(&tx, &key(&token), &value, Some(life)).await?;
    if account.is_some() {
        mail::post(&tx, letter(email, &code, life, language)).await?;
    }
    tx.commit().await?;
    services.mail.ring();
    Ok(token)
}

fn letter(address: String, code: &str, life: Duration, language: Option<&str>) -> Letter {
    let minutes = (life.as_secs() / 60).max(1);
    let (subject, body) = if language == Some("zh-Hans") {
        (
            "重置您的 Oxidify 密码".to_owned(),
            format!("您的验证码是：{code}\n\n验证码在 {minutes} 分钟内有效。如果这不是您的操作，请忽略此邮件。"),
        )
    } else {
        (
            "Set a new Oxidify password".to_owned(),
            format!(
                "Your code is: {code}\n\nIt is valid for {minutes} minutes. If you did not ask for it, ignore this mail."
            ),
        )
    };
    Letter { kind: "password_reset", tenant_id: None, app_id: None, recipient_id: None, address, subject, body }
}

/// Takes the code: the address, and the token with which the password is set.
///
/// # Errors
/// 400 for a wrong or late code, 429 after too many of them.
#[boxed]
pub async fn check(services: &Services, email: &str, code: &str, token: &str) -> Result<(String, String)> {
    let email = email.trim().to_lowercase();
    let failures = repo::kv::get(&services.db, &failures_key(&email)).await?;
    let lockout = services.settings.reset_lockout;
    if failures.and_then(|text| text.parse::<i64>().ok()).is_some_and(|count| count > MAX_FAILURES) {
        let text = "Too many failed password reset attempts. Please try again later.";
        return Err(too_many("email_password_reset_limit", text, lockout));
    }
    let tx = services.db.begin().await?;
    let found = repo::kv::get(&tx, &key(token)).await?;
    let found = found.and_then(|text| serde_json::from_str::<Pending>(&text).ok());
    let pending = found.filter(|pending| !pending.code.is_empty()).ok_or_else(invalid_token)?;
    if pending.email != email {
        return Err(Error::new(400, "invalid_email", "The email is not valid."));
    }
    if !ox_auth::constant_time_eq(&pending.code, code.trim()) {
        repo::kv::increment(&tx, &failures_key(&email), 1, lockout).await?;
        tx.commit().await?;
        return Err(Error::new(400, "email_code_error", "Email code is invalid or expired."));
    }
    repo::kv::take(&tx, &key(token)).await?.ok_or_else(invalid_token)?;
    let next = mailed_code::new_token();
    let proven = Pending { email: email.clone(), code: String::new() };
    let value = serde_json::to_string(&proven).map_err(Error::internal)?;
    repo::kv::set(&tx, &key(&next), &value, Some(services.settings.reset_token_life)).await?;
    repo::kv::delete(&tx, &failures_key(&email)).await?;
    tx.commit().await?;
    Ok((email, next))
}

/// Sets the password; the token is used up.
///
/// # Errors
/// 400 for a password or token that will not do, or an account that is gone.
#[boxed]
pub async fn set(services: &Services, token: &str, password: &str, again: &str) -> Result<()> {
    if password != again {
        return Err(Error::new(400, "password_mismatch", "The passwords do not match."));
    }
    check_policy(password)?;
    let hash = services.passwords.hash(password.to_owned()).await?;
    let tx = services.db.begin().await?;
    let found = repo::kv::get(&tx, &key(token)).await?;
    let found = found.and_then(|text| serde_json::from_str::<Pending>(&text).ok());
    let pending = found.filter(|pending| pending.code.is_empty()).ok_or_else(invalid_token)?;
    repo::kv::take(&tx, &key(token)).await?.ok_or_else(invalid_token)?;
    let gone = || Error::new(400, "account_not_found", "Account not found.");
    let mut account = repo::accounts::find_by_email(&tx, &pending.email).await?.ok_or_else(gone)?;
    if account.status == "banned" || account.status == "closed" {
        return Err(gone());
    }
    let id = account.id;
    account.password = Some(hash);
    account.password_salt = None;
    repo::accounts::update(&tx, account).await?;
    // Whoever is locked out by wrong passwords has proven who they are.
    repo::kv::delete(&tx, &super::sessions::failures_key(&pending.email)).await?;
    tx.commit().await?;
    services.sessions.forget(id).await;
    tracing::info!(account = %id, "a password was set by mail");
    Ok(())
}

/// Sets the password of an account on the word of whoever has the machine: no mail, no code, no server. Every session
/// of the account ends (`life` is that of an access token), and so does its lockout.
///
/// # Errors
/// 400 for a password that will not do, or an address without an account that may sign in.
#[boxed]
pub async fn by_operator(db: &ox_db::Database, email: &str, password: String, life: Duration) -> Result<()> {
    check_policy(&password)?;
    let email = super::check_email(email)?;
    let hash = super::Hasher::default().hash(password).await?;
    let tx = db.begin().await?;
    let Some(mut account) = repo::accounts::find_by_email(&tx, &email).await? else {
        return Err(Error::new(400, "account_not_found", format!("No account has the address {email}.")));
    };
    if account.status == "banned" || account.status == "closed" {
        let text = format!("The account {email} is {}: a password would not let it in.", account.status);
        return Err(Error::new(400, "account_not_found", text));
    }
    let id = account.id;
    account.password = Some(hash);
    account.password_salt = None;
    repo::accounts::update(&tx, account).await?;
    repo::kv::delete(&tx, &super::sessions::failures_key(&email)).await?;
    super::sessions::end_all(&tx, id, life).await?;
    Ok(tx.commit().await?)
}
