//! Proof of an address by a mailed code, for signing in without a password.
//!
//! Whether an address belongs to an account is not told: the answer and the work before it are the same. A code is kept
//! as a hash that needs the token of whoever asked, works once, for minutes, and can be guessed a few times only.

use std::time::Duration;

use ox_db::{model::Account, repo};
use ox_types::boxed;
use serde::{Deserialize, Serialize};

use super::mailed_code::{self, Allowance, hash, invalid_token, too_many};
use crate::{
    Error, Result, Services,
    mail::{self, Letter},
};

/// Codes that may be given for an address until one is right.
const MAX_TRIES: i64 = 5;
/// Three mails to an address in five minutes.
const MAILS: Allowance = Allowance {
    key: "code_login_mails",
    most: 3,
    within: Duration::from_secs(300),
    code: "email_code_login_rate_limit_exceeded",
    message: "Too many login emails have been sent. Please try again in 5 minutes.",
};

/// What a token stands for.
#[derive(Serialize, Deserialize)]
struct Pending {
    email: String,
    /// Of the token and the code.
    hash: String,
}

fn key(token: &str) -> String {
    format!("code_login:{}", hash(token))
}

fn hash_of_code(token: &str, code: &str) -> String {
    hash(&format!("{token}:{code}"))
}

/// Mails a code to whoever has this address, if somebody has; the token goes with the code.
///
/// # Errors
/// 400 where no mail can be sent, 403 where codes are switched off, 429 when too many were asked for.
#[boxed]
pub async fn request(services: &Services, email: &str, language: Option<&str>, ip: Option<&str>) -> Result<String> {
    if !services.settings.email_code_login {
        return Err(Error::forbidden("Signing in by a mailed code is switched off (ENABLE_EMAIL_CODE_LOGIN)."));
    }
    if let Some(missing) = services.mail.missing() {
        return Err(Error::new(400, "mail_not_set_up", missing));
    }
    let email = super::check_email(email)?;
    let account = repo::accounts::find_by_email(&services.db, &email).await?;
    let (token, code) = (mailed_code::new_token(), mailed_code::new_code());
    let tx = services.db.begin().await?;
    if let Some(refusal) = MAILS.count(&tx, &services.settings, &email, ip).await? {
        tx.commit().await?;
        return Err(refusal);
    }
    let life = services.settings.email_code_life;
    let pending = Pending { email: email.clone(), hash: hash_of_code(&token, &code) };
    let value = serde_json::to_string(&pending).map_err(Error::internal)?;
    repo::kv::set(&tx, &key(&token), &value, Some(life)).await?;
    if account.is_some_and(|account| account.status == "active") {
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
            "您的登录验证码".to_owned(),
            format!(
                "您的验证码是：{code}\n\n验证码在 {minutes} 分钟内有效，仅可使用一次。如果这不是您的操作，请忽略此邮件。"
            ),
        )
    } else {
        (
            "Your sign-in code".to_owned(),
            format!(
                "Your code is: {code}\n\nIt works once and is valid for {minutes} minutes. If you did not ask for it, ignore \
                 this mail."
            ),
        )
    };
    Letter { kind: "code_login", tenant_id: None, app_id: None, recipient_id: None, address, subject, body }
}

/// Takes the code: the account that has the address. Token and code are used up.
///
/// # Errors
/// 400 for a wrong or late code, 429 after too many of them.
#[boxed]
pub(crate) async fn redeem(services: &Services, email: &str, code: &str, token: &str) -> Result<Account> {
    if !services.settings.email_code_login {
        return Err(Error::forbidden("Signing in by a mailed code is switched off (ENABLE_EMAIL_CODE_LOGIN)."));
    }
    let email = email.trim().to_lowercase();
    let tx = services.db.begin().await?;
    let found = repo::kv::get(&tx, &key(token)).await?;
    let pending = found.and_then(|text| serde_json::from_str::<Pending>(&text).ok()).ok_or_else(invalid_token)?;
    if pending.email != email {
        return Err(Error::new(400, "invalid_email", "The email is not valid."));
    }
    // Counted before it is looked at, so that many at once are not more than one after another.
    let tries_key = format!("code_login_tries:{email}");
    let lockout = services.settings.login_lockout;
    let tries = repo::kv::increment(&tx, &tries_key, 1, lockout).await?;
    if tries > MAX_TRIES {
        tx.commit().await?;
        let text = "Too many incorrect codes. Please try again later.";
        return Err(too_many("email_code_login_limit", text, lockout));
    }
    if !ox_auth::constant_time_eq(&pending.hash, &hash_of_code(token, code.trim())) {
        tx.commit().await?;
        metrics::counter!("oxidify_auth_events_total", "kind" => "login", "outcome" => "failed").increment(1);
        return Err(Error::new(400, "email_code_error", "Email code is invalid or expired."));
    }
    repo::kv::take(&tx, &key(token)).await?.ok_or_else(invalid_token)?;
    repo::kv::delete(&tx, &tries_key).await?;
    let account = repo::accounts::find_by_email(&tx, &email).await?;
    tx.commit().await?;
    metrics::counter!("oxidify_auth_events_total", "kind" => "login", "outcome" => "ok").increment(1);
    let account = account.filter(|account| account.status == "active");
    account.ok_or_else(|| Error::new(400, "account_not_found", "Account not found."))
}
