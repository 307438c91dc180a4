//! Set-up, sign-in and the signed-in person's own settings.

pub mod email_code;
mod mailed_code;
mod password;
pub mod reset;
mod sessions;

pub use password::{Hasher, check_policy};
pub(crate) use sessions::checked_password;
pub use sessions::{
    Presented, SessionCache, SessionTokens, authenticate, authenticate_admin_key, init_mark, is_init_mark, login,
    logout, refresh, sign_out_everywhere,
};

use chrono::{DateTime, Utc};
use ox_db::{
    model::{Account, Tenant, TenantMember},
    now, repo,
};
use ox_types::{AccountId, TenantId, boxed, new_uuid};

use crate::{Error, Principal, Result, Services, principal::Role};

/// Languages the interface ships in, and those a published site may name.
pub const LANGUAGES: &[&str] = &[
    "en-US", "zh-Hans", "zh-Hant", "pt-BR", "es-ES", "fr-FR", "de-DE", "ja-JP", "ko-KR", "ru-RU", "it-IT", "uk-UA",
    "vi-VN", "ro-RO", "pl-PL", "hi-IN", "tr-TR", "fa-IR", "sl-SI", "th-TH", "id-ID", "ar-TN", "nl-NL",
];

/// When set-up was finished.
#[boxed]
pub async fn setup_at(services: &Services) -> Result<Option<DateTime<Utc>>> {
    Ok(repo::settings::setup_at(&services.db).await?)
}

/// The first account with its workspace.
#[derive(Clone, Debug)]
pub struct Owner {
    pub email: String,
    pub name: String,
    pub password: String,
    pub language: Option<String>,
}

/// Creates the owner, the first workspace and the set-up mark together.
#[boxed]
pub async fn set_up(services: &Services, owner: Owner) -> Result<()> {
    if setup_at(services).await?.is_some() {
        return Err(Error::new(403, "already_setup", "Oxidify has been set up already. Sign in instead."));
    }
    let email = check_email(&owner.email)?;
    let name = owner.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 30 {
        return Err(Error::invalid_field("name", "Name must be between 1 and 30 characters."));
    }
    check_policy(&owner.password)?;
    let password = services.passwords.hash(owner.password).await?;
    let account = new_account(&name, &email, Some(password), owner.language.as_deref(), "active");
    let tenant = new_tenant(&format!("{name}'s Workspace"));
    let member = new_member(tenant.id, account.id, Role::Owner, None, true);
    let tx = services.db.begin().await?;
    // The mark is unique: of two set-ups at once, one fails here and leaves nothing.
    repo::settings::finish_setup(&tx, services.settings.version).await.map_err(|error| match error {
        ox_db::Error::Conflict(_) => {
            Error::new(403, "already_setup", "Oxidify has been set up already. Sign in instead.")
        }
        other => other.into(),
    })?;
    repo::accounts::insert(&tx, account).await?;
    repo::tenants::insert(&tx, tenant).await?;
    let workspace = member.tenant_id;
    repo::tenants::add_member(&tx, member).await?;
    tx.commit().await?;
    if let Err(error) = crate::providers::import_environment(services, workspace).await {
        tracing::warn!(%error, "OPENAI_API_KEY was not taken over");
    }
    Ok(())
}

/// Lower case, with something on both sides of the `@`.
pub(crate) fn check_email(text: &str) -> Result<String> {
    let email = text.trim().to_lowercase();
    let valid = email.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.') && !host.contains('@')
    });
    if valid && email.len() <= 254 && !email.contains(char::is_whitespace) {
        Ok(email)
    } else {
        Err(Error::invalid_field("email", format!("{text} is not a valid email.")))
    }
}

pub(crate) fn new_account(
    name: &str,
    email: &str,
    password: Option<String>,
    language: Option<&str>,
    status: &str,
) -> Account {
    let time = now();
    let language = language.filter(|language| LANGUAGES.contains(language)).unwrap_or("en-US");
    Account {
        id: AccountId::new(),
        name: name.to_owned(),
        email: email.to_owned(),
        password,
        password_salt: None,
        avatar: None,
        interface_language: Some(language.to_owned()),
        interface_theme: Some("light".into()),
        timezone: Some(if language == "zh-Hans" { "Asia/Shanghai" } else { "UTC" }.into()),
        last_login_at: None,
        last_login_ip: None,
        last_active_at: time,
        status: status.to_owned(),
        initialized_at: (status == "active").then_some(time),
        created_at: time,
        updated_at: time,
    }
}

pub(crate) fn new_tenant(name: &str) -> Tenant {
    let time = now();
    Tenant {
        id: TenantId::new(),
        name: name.to_owned(),
        encrypted_data_key: None,
        plan: "basic".into(),
        status: "normal".into(),
        custom_config: None,
        created_at: time,
        updated_at: time,
    }
}

pub(crate) fn new_member(
    tenant: TenantId,
    account: AccountId,
    role: Role,
    invited_by: Option<AccountId>,
    current: bool,
) -> TenantMember {
    TenantMember {
        id: new_uuid(),
        tenant_id: tenant,
        account_id: account,
        current,
        role: role.as_str().into(),
        invited_by,
        created_at: now(),
        updated_at: now(),
    }
}

/// The signed-in account.
#[boxed]
pub async fn profile(services: &Services, principal: &Principal) -> Result<Account> {
    let found = repo::accounts::find(&services.db, principal.account_id()?).await?;
    found.ok_or_else(|| Error::unauthorized("Account not found."))
}

/// One setting of the signed-in account.
#[derive(Clone, Debug)]
pub enum ProfileChange {
    Name(String),
    Avatar(String),
    Language(String),
    Theme(String),
    Timezone(String),
}

/// Changes one setting of the signed-in account.
#[boxed]
pub async fn change_profile(services: &Services, principal: &Principal, change: ProfileChange) -> Result<Account> {
    let mut account = profile(services, principal).await?;
    match change {
        ProfileChange::Name(name) => {
            let name = name.trim().to_owned();
            if !(3..=30).contains(&name.chars().count()) {
                return Err(Error::invalid_field("name", "Account name must be between 3 and 30 characters."));
            }
            account.name = name;
        }
        ProfileChange::Avatar(avatar) => account.avatar = Some(avatar),
        ProfileChange::Language(language) => {
            if !LANGUAGES.contains(&language.as_str()) {
                return Err(Error::invalid_field("interface_language", format!("{language} is not a valid language.")));
            }
            account.interface_language = Some(language);
        }
        ProfileChange::Theme(theme) => {
            // Compat: `system` is ours.
            if !["light", "dark", "system"].contains(&theme.as_str()) {
                return Err(Error::invalid_field("interface_theme", "interface_theme must be light, dark or system."));
            }
            account.interface_theme = Some(theme);
        }
        ProfileChange::Timezone(zone) => {
            if zone.parse::<chrono_tz::Tz>().is_err() {
                return Err(Error::invalid_field("timezone", format!("{zone} is not a valid timezone.")));
            }
            account.timezone = Some(zone);
        }
    }
    store(services, account).await
}

/// Changes the password of the signed-in account.
#[boxed]
pub async fn change_password(
    services: &Services,
    principal: &Principal,
    current: Option<String>,
    new: String,
    repeated: &str,
) -> Result<Account> {
    let mut account = profile(services, principal).await?;
    if new != repeated {
        return Err(Error::new(400, "repeat_password_not_match", "New password and repeat password does not match."));
    }
    if account.password.is_some() && !services.passwords.verify(&account, current.unwrap_or_default()).await? {
        return Err(Error::new(400, "current_password_incorrect", "Current password is incorrect."));
    }
    check_policy(&new)?;
    account.password = Some(services.passwords.hash(new).await?);
    account.password_salt = None;
    store(services, account).await
}

async fn store(services: &Services, account: Account) -> Result<Account> {
    let tx = services.db.begin().await?;
    repo::accounts::update(&tx, account.clone()).await?;
    tx.commit().await?;
    Ok(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["Ada@Example.com", " a.b+c@sub.example.org "] {
            assert!(check_email(good).is_ok(), "{good}");
        }
        assert_eq!(check_email("Ada@Example.com").expect("valid"), "ada@example.com");
        for bad in ["", "ada", "ada@", "@example.com", "a b@example.com", "a@b@c.d", "a@.com", "a@com."] {
            assert!(check_email(bad).is_err(), "{bad}");
        }
    }
}
