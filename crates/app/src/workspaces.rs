//! Workspaces, their members and invitations.

use ox_db::{
    model::{Account, Tenant, TenantMember},
    repo,
};
use ox_types::{AccountId, Json, TenantId, boxed};
use serde_json::json;

use crate::{
    Error, Principal, Result, Services, accounts, audit,
    mail::{self, Letter},
    principal::{Permission, Role},
};

/// The workspaces of the signed-in account.
#[boxed]
pub async fn list(services: &Services, principal: &Principal) -> Result<Vec<(TenantMember, Tenant)>> {
    let all = repo::tenants::of_account(&services.db, principal.account_id()?).await?;
    Ok(all.into_iter().filter(|(_, tenant)| tenant.status == "normal").collect())
}

/// The oldest workspace, where settings of a new installation go.
#[boxed]
pub async fn first(services: &Services) -> Result<Option<TenantId>> {
    Ok(repo::tenants::first(&services.db).await?.map(|tenant| tenant.id))
}

/// A new workspace with an owner of its own: for the command line and tests; there is no route for it.
#[boxed]
pub async fn create_with_owner(services: &Services, name: &str, email: &str, password: &str) -> Result<TenantId> {
    let email = accounts::check_email(email)?;
    accounts::check_policy(password)?;
    let hash = services.passwords.hash(password.to_owned()).await?;
    let account = accounts::new_account(name, &email, Some(hash), None, "active");
    let tenant = accounts::new_tenant(name);
    let member = accounts::new_member(tenant.id, account.id, Role::Owner, None, true);
    let tx = services.db.begin().await?;
    repo::accounts::insert(&tx, account).await?;
    repo::tenants::insert(&tx, tenant.clone()).await?;
    repo::tenants::add_member(&tx, member).await?;
    tx.commit().await?;
    Ok(tenant.id)
}

/// The current workspace with the caller's role in it.
#[boxed]
pub async fn current(services: &Services, principal: &Principal) -> Result<(Tenant, Role)> {
    let Principal::Member { tenant_id, role, .. } = principal else {
        return Err(Error::forbidden("Only a signed-in member of the workspace can do this."));
    };
    let tenant = repo::tenants::find(&services.db, *tenant_id).await?;
    tenant.map(|tenant| (tenant, *role)).ok_or_else(|| Error::unauthorized("workspace is archived"))
}

/// Makes another of the caller's workspaces the current one.
#[boxed]
pub async fn switch(services: &Services, principal: &Principal, tenant: TenantId) -> Result<(Tenant, Role)> {
    let account = principal.account_id()?;
    let member = repo::tenants::member(&services.db, tenant, account).await?;
    let role = member.and_then(|member| Role::parse(&member.role)).ok_or_else(|| {
        Error::new(403, "account_not_link_tenant", "Account not link tenant, or the workspace does not exist.")
    })?;
    let tx = services.db.begin().await?;
    repo::tenants::switch(&tx, account, tenant).await?;
    tx.commit().await?;
    services.sessions.forget(account).await;
    current(services, &Principal::Member { account_id: account, tenant_id: tenant, role }).await
}

/// Gives the workspace another name.
#[boxed]
pub async fn rename(services: &Services, principal: &Principal, name: &str) -> Result<(Tenant, Role)> {
    principal.require(Permission::WorkspaceManage)?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(Error::invalid_field("name", "Name must be between 1 and 100 characters."));
    }
    let (tenant, role) = current(services, principal).await?;
    let old = tenant.name.clone();
    let tenant = Tenant { name: name.to_owned(), ..tenant };
    let tx = services.db.begin().await?;
    repo::tenants::update(&tx, tenant.clone()).await?;
    tx.commit().await?;
    let (before, after) = (json!({"name": old}), json!({"name": name}));
    audit::record(services, principal, "workspace.rename", "workspace", tenant.id.0, Some(before), Some(after)).await;
    Ok((tenant, role))
}

/// The members of the current workspace.
#[boxed]
pub async fn members(services: &Services, principal: &Principal) -> Result<Vec<(TenantMember, Account)>> {
    Ok(repo::tenants::members(&services.db, principal.tenant_id()).await?)
}

/// What became of one invited address.
#[derive(Clone, Debug)]
pub enum Invitation {
    /// The link to hand over; opening it activates the account (or leads to sign-in).
    Sent {
        email: String,
        path: String,
    },
    Failed {
        email: String,
        message: String,
    },
}

/// Invites addresses. The links are shown to the inviter, and mailed where there is a mail server.
#[boxed]
pub async fn invite(
    services: &Services,
    principal: &Principal,
    emails: &[String],
    role: &str,
) -> Result<Vec<Invitation>> {
    principal.require(Permission::MemberManage)?;
    let role = Role::parse(role).filter(|role| *role != Role::Owner).ok_or_else(|| {
        Error::new(400, "invalid-role", "Invalid role: choose admin, editor, normal or dataset_operator.")
    })?;
    if emails.is_empty() || emails.len() > 50 {
        return Err(Error::invalid_field("emails", "Give between 1 and 50 addresses."));
    }
    let language = services.account_language(principal).await;
    let mut results = Vec::with_capacity(emails.len());
    for email in emails {
        results.push(match invite_one(services, principal, email, role, &language).await {
            Ok(path) => Invitation::Sent { email: email.clone(), path },
            Err(error) if error.status < 500 => Invitation::Failed { email: email.clone(), message: error.message },
            Err(error) => return Err(error),
        });
    }
    Ok(results)
}

async fn invite_one(
    services: &Services,
    principal: &Principal,
    email: &str,
    role: Role,
    language: &str,
) -> Result<String> {
    let email = accounts::check_email(email)?;
    let tenant = principal.tenant_id();
    let inviter = principal.account_id()?;
    let base = mail::console_url(services).await?;
    let tx = services.db.begin().await?;
    let account = if let Some(account) = repo::accounts::find_by_email(&tx, &email).await? {
        account
    } else {
        let name = email.split('@').next().unwrap_or_default().to_owned();
        let account = accounts::new_account(&name, &email, None, None, "pending");
        repo::accounts::insert(&tx, account.clone()).await?;
        account
    };
    match repo::tenants::member(&tx, tenant, account.id).await? {
        Some(_) if account.status == "active" => return Err(Error::invalid("Account already in tenant.")),
        Some(_) => repo::tenants::set_role(&tx, tenant, account.id, role.as_str()).await?,
        None => {
            let member = accounts::new_member(tenant, account.id, role, Some(inviter), false);
            repo::tenants::add_member(&tx, member).await?;
        }
    }
    let path = if account.status == "active" {
        "/signin".to_owned()
    } else {
        let token = ox_auth::random_code(48);
        let value = json!({"account_id": account.id, "email": email, "workspace_id": tenant}).to_string();
        repo::kv::set(&tx, &invitation_key(&token), &value, Some(services.settings.invite_life)).await?;
        format!(
            "/activate?email={}&token={token}",
            url::form_urlencoded::byte_serialize(email.as_bytes()).collect::<String>()
        )
    };
    if services.mail.is_set_up() {
        let workspace = repo::tenants::find(&tx, tenant).await?.map(|tenant| tenant.name).unwrap_or_default();
        let hours = services.settings.invite_life.as_secs() / 3600;
        let url = format!("{base}{path}");
        mail::post(&tx, invitation_letter(tenant, &email, &workspace, &url, hours, language)).await?;
    }
    tx.commit().await?;
    services.mail.ring();
    let after = json!({"email": email, "role": role});
    audit::record(services, principal, "member.invite", "account", account.id.0, None, Some(after)).await;
    Ok(path)
}

fn invitation_letter(tenant: TenantId, email: &str, workspace: &str, url: &str, hours: u64, language: &str) -> Letter {
    let is_new = url.contains("/activate?");
    let (subject, body) = match (language, is_new) {
        ("zh-Hans", true) => (
            format!("邀请您加入 {workspace}"),
            format!("您被邀请加入 Oxidify 工作空间“{workspace}”。\n\n请在 {hours} 小时内打开以下链接接受邀请：\n{url}"),
        ),
        ("zh-Hans", false) => {
            (format!("您已加入 {workspace}"), format!("您已被加入 Oxidify 工作空间“{workspace}”。\n\n请登录：\n{url}"))
        }
        (_, true) => (
            format!("You are invited to {workspace}"),
            format!(
                "You are invited to the Oxidify workspace \"{workspace}\".\n\nOpen this link within {hours} hours to take \
                 the invitation:\n{url}"
            ),
        ),
        (_, false) => (
            format!("You were added to {workspace}"),
            format!("You were added to the Oxidify workspace \"{workspace}\".\n\nSign in:\n{url}"),
        ),
    };
    Letter {
        kind: "invitation",
        tenant_id: Some(tenant),
        app_id: None,
        recipient_id: None,
        address: email.to_owned(),
        subject,
        body,
    }
}

fn invitation_key(token: &str) -> String {
    format!("member_invite:{token}")
}

/// An invitation that can still be used.
#[derive(Clone, Debug)]
pub struct OpenInvitation {
    pub account_id: AccountId,
    pub tenant_id: TenantId,
    pub workspace_name: String,
    pub email: String,
}

/// Looks an invitation up.
#[boxed]
pub async fn open_invitation(services: &Services, token: &str) -> Result<Option<OpenInvitation>> {
    let Some(text) = repo::kv::get(&services.db, &invitation_key(token)).await? else { return Ok(None) };
    let Ok(json) = serde_json::from_str::<Json>(&text) else { return Ok(None) };
    let field = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (Ok(account_id), Ok(tenant_id)) = (field("account_id").parse(), field("workspace_id").parse()) else {
        return Ok(None);
    };
    // Who was removed before taking it is invited no more.
    if repo::tenants::member(&services.db, tenant_id, account_id).await?.is_none() {
        return Ok(None);
    }
    let workspace = repo::tenants::find(&services.db, tenant_id).await?;
    Ok(workspace.map(|tenant| OpenInvitation {
        account_id,
        tenant_id,
        workspace_name: tenant.name,
        email: field("email"),
    }))
}

/// What a new member tells when taking an invitation.
#[derive(Clone, Debug)]
pub struct Activation {
    pub token: String,
    pub name: String,
    pub language: String,
    pub timezone: String,
    /// Ours: sets the password at once, since there may be no mail to set it later.
    pub password: Option<String>,
}

/// Takes an invitation: the account becomes active and the link is used up.
#[boxed]
pub async fn activate(services: &Services, activation: Activation) -> Result<()> {
    let gone =
        || Error::new(400, "invalid_or_expired_token", "The invitation is invalid or has expired. Ask for a new link.");
    let invitation = open_invitation(services, &activation.token).await?.ok_or_else(gone)?;
    let name = activation.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 30 {
        return Err(Error::invalid_field("name", "Name must be between 1 and 30 characters."));
    }
    let password = match activation.password {
        Some(password) => {
            accounts::check_policy(&password)?;
            Some(services.passwords.hash(password).await?)
        }
        None => None,
    };
    let tx = services.db.begin().await?;
    repo::kv::take(&tx, &invitation_key(&activation.token)).await?.ok_or_else(gone)?;
    let mut account = repo::accounts::find(&tx, invitation.account_id).await?.ok_or_else(gone)?;
    if account.status == "active" {
        return Err(Error::new(403, "already_activate", "The account is active already. Sign in instead."));
    }
    account.name = name;
    account.interface_language = Some(activation.language);
    account.timezone = Some(activation.timezone);
    account.password = password.or(account.password);
    account.status = "active".into();
    account.initialized_at = Some(ox_db::now());
    repo::accounts::update(&tx, account).await?;
    repo::tenants::switch(&tx, invitation.account_id, invitation.tenant_id).await?;
    tx.commit().await?;
    services.sessions.forget(invitation.account_id).await;
    Ok(())
}

async fn other_member(services: &Services, principal: &Principal, member: AccountId) -> Result<TenantMember> {
    if principal.account_id()? == member {
        return Err(Error::new(400, "cannot-operate-self", "You cannot change your own membership."));
    }
    let found = repo::tenants::member(&services.db, principal.tenant_id(), member).await?;
    let found = found.ok_or_else(|| Error::new(404, "member-not-found", "Member not found."))?;
    if found.role == Role::Owner.as_str() {
        return Err(Error::forbidden(
            "The owner cannot be removed or given another role; transfer the workspace instead.",
        ));
    }
    Ok(found)
}

/// Gives a member another role.
#[boxed]
pub async fn set_role(services: &Services, principal: &Principal, member: AccountId, role: &str) -> Result<()> {
    principal.require(Permission::MemberManage)?;
    let role = Role::parse(role).filter(|role| *role != Role::Owner).ok_or_else(|| {
        Error::new(400, "invalid-role", "Invalid role: choose admin, editor, normal or dataset_operator.")
    })?;
    let before = other_member(services, principal, member).await?;
    if before.role == role.as_str() {
        return Err(Error::invalid("The provided role is already assigned to the member."));
    }
    let tx = services.db.begin().await?;
    repo::tenants::set_role(&tx, principal.tenant_id(), member, role.as_str()).await?;
    tx.commit().await?;
    services.sessions.forget(member).await;
    let (before, after) = (json!({"role": before.role}), json!({"role": role}));
    audit::record(services, principal, "member.role", "account", member.0, Some(before), Some(after)).await;
    Ok(())
}

/// Takes a member out of the workspace.
#[boxed]
pub async fn remove(services: &Services, principal: &Principal, member: AccountId) -> Result<()> {
    principal.require(Permission::MemberManage)?;
    let before = other_member(services, principal, member).await?;
    let tx = services.db.begin().await?;
    repo::tenants::remove_member(&tx, principal.tenant_id(), member).await?;
    repo::tools::credentials::delete_personal(&tx, principal.tenant_id(), member).await?;
    repo::tools::sign_ins::delete_of_member(&tx, principal.tenant_id(), member).await?;
    tx.commit().await?;
    services.sessions.forget(member).await;
    audit::record(services, principal, "member.remove", "account", member.0, Some(json!({"role": before.role})), None)
        .await;
    Ok(())
}
