//! Budgets as owners and admins set them.

use ox_db::{
    model::{BudgetAlert, ModelBudget},
    now, repo,
};
use ox_gateway::{Amount, Window};
use ox_models::Decimal;
use ox_net::Class;
use ox_types::{AppId, GatewayKeyId, boxed, new_uuid};
use serde_json::json;
use uuid::Uuid;

use super::{limits, report::Names};
use crate::{Error, Principal, Result, Services, audit, principal::Permission};

/// Budgets of a workspace.
const MOST: usize = 100;
/// Alerts that are shown.
const ALERTS: u64 = 50;
const MAX_NAME: usize = 100;
const MAX_SUBJECT: usize = 255;
const MAX_SECRET: usize = 255;
const MIN_SECRET: usize = 8;
const MAX_TOKENS: i64 = 1_000_000_000_000_000;
/// In ten-millionths.
const MAX_MONEY: i64 = 100_000_000 * 10_000_000;

/// What a budget is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetForm {
    pub name: String,
    /// `workspace`, `app`, `user` or `key`.
    pub scope: String,
    /// Whose; without one, each has one of its own.
    pub subject: Option<String>,
    /// `day`, `month` or `total`.
    pub period: String,
    /// `warn`, `throttle` or `stop`.
    pub action: String,
    pub token_limit: Option<i64>,
    /// A decimal text.
    pub money_limit: Option<String>,
    pub currency: String,
    pub calls_per_minute: i32,
    pub enabled: bool,
    pub mail: bool,
    pub webhook_url: Option<String>,
    /// Without one, the stored one is kept.
    pub webhook_secret: Option<String>,
}

/// A budget with what is used of it.
#[derive(Clone, Debug)]
pub struct BudgetView {
    pub budget: ModelBudget,
    /// The name of whom it is for.
    pub subject_name: Option<String>,
    /// In its present window; where each has one of its own, the most that one has used.
    pub used: Amount,
    /// The larger part of its limits.
    pub ratio: f64,
}

/// The budgets of the workspace, oldest first.
///
/// # Errors
/// 403 for somebody who may not see logs.
#[boxed]
pub async fn list(services: &Services, principal: &Principal) -> Result<Vec<BudgetView>> {
    principal.require(Permission::LogView)?;
    let rows = repo::model_budgets::list(&services.db, principal.tenant_id()).await?;
    views(services, rows).await
}

/// The newest alerts of the workspace.
///
/// # Errors
/// 403 for somebody who may not see logs.
#[boxed]
pub async fn alerts(services: &Services, principal: &Principal) -> Result<Vec<BudgetAlert>> {
    principal.require(Permission::LogView)?;
    Ok(repo::model_budgets::alerts(&services.db, principal.tenant_id(), ALERTS).await?)
}

async fn views(services: &Services, rows: Vec<ModelBudget>) -> Result<Vec<BudgetView>> {
    let Some(tenant) = rows.first().map(|row| row.tenant_id) else { return Ok(Vec::new()) };
    let pairs = rows.iter().filter_map(|row| Some((row.scope.as_str(), row.subject.as_deref()?)));
    let names = Names::load(services, tenant, pairs.collect()).await?;
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        let subject_name = row.subject.as_deref().and_then(|subject| names.of(&row.scope, subject));
        let (used, ratio) = used(services, &row).await?;
        views.push(BudgetView { budget: row, subject_name, used, ratio });
    }
    Ok(views)
}

async fn used(services: &Services, row: &ModelBudget) -> Result<(Amount, f64)> {
    // Also of one that is switched off.
    let Some(budget) = limits::Budget::of(ModelBudget { enabled: true, ..row.clone() }) else {
        return Ok((Amount::default(), 0.0));
    };
    let at = now();
    let used = match (&row.subject, row.scope.as_str()) {
        (Some(subject), _) => limits::spent(&services.db, &budget, subject, at).await?,
        (None, "workspace") => limits::spent(&services.db, &budget, "", at).await?,
        (None, scope) => {
            let days = budget.window.days(at).map(|(first, last)| (first.to_string(), last.to_string()));
            let days = days.as_ref().map(|(first, last)| (first.as_str(), last.as_str()));
            let most = repo::model_spend::most(&services.db, row.tenant_id, scope, &row.currency, days).await?;
            let whole = |number| u64::try_from(number).unwrap_or(0);
            Amount { tokens: whole(most.tokens), price: whole(most.price) }
        }
    };
    Ok((used, budget.limits.ratio(used)))
}

/// Adds a budget.
///
/// # Errors
/// 400 with the field that is wrong, 403 for somebody who may not manage models.
#[boxed]
pub async fn create(services: &Services, principal: &Principal, form: BudgetForm) -> Result<BudgetView> {
    principal.require(Permission::ModelManage)?;
    let tenant = principal.tenant_id();
    if repo::model_budgets::list(&services.db, tenant).await?.len() >= MOST {
        return Err(Error::invalid(format!("A workspace has at most {MOST} budgets. Delete one first.")));
    }
    let at = now();
    let row = ModelBudget {
        id: new_uuid(),
        tenant_id: tenant,
        name: String::new(),
        scope: String::new(),
        subject: None,
        period: String::new(),
        action: String::new(),
        token_limit: None,
        money_limit: None,
        currency: String::new(),
        calls_per_minute: 0,
        enabled: true,
        mail: true,
        webhook_url: None,
        webhook_secret: None,
        created_by: principal.account_id()?,
        created_at: at,
        updated_at: at,
    };
    let row = filled(services, principal, row, form).await?;
    let tx = services.db.begin().await?;
    repo::model_budgets::insert(&tx, row.clone()).await?;
    tx.commit().await?;
    changed(services, principal, "model_budget.create", None, Some(&row)).await;
    one(services, row).await
}

/// Changes a budget. What was told about it may be told again.
///
/// # Errors
/// As [`create`]; 404 when it is not one of this workspace.
#[boxed]
pub async fn update(services: &Services, principal: &Principal, id: Uuid, form: BudgetForm) -> Result<BudgetView> {
    principal.require(Permission::ModelManage)?;
    let before = find(services, principal, id).await?;
    let row = filled(services, principal, ModelBudget { updated_at: now(), ..before.clone() }, form).await?;
    let tx = services.db.begin().await?;
    repo::model_budgets::update(&tx, row.clone()).await?;
    tx.commit().await?;
    changed(services, principal, "model_budget.update", Some(&before), Some(&row)).await;
    one(services, row).await
}

/// Removes a budget.
///
/// # Errors
/// 404 when it is not one of this workspace.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: Uuid) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let before = find(services, principal, id).await?;
    let tx = services.db.begin().await?;
    repo::model_budgets::delete(&tx, principal.tenant_id(), id).await?;
    tx.commit().await?;
    changed(services, principal, "model_budget.delete", Some(&before), None).await;
    Ok(())
}

async fn find(services: &Services, principal: &Principal, id: Uuid) -> Result<ModelBudget> {
    let found = repo::model_budgets::find(&services.db, principal.tenant_id(), id).await?;
    found.ok_or_else(|| Error::not_found("Budget not found."))
}

async fn one(services: &Services, row: ModelBudget) -> Result<BudgetView> {
    views(services, vec![row]).await?.pop().ok_or_else(|| Error::not_found("Budget not found."))
}

async fn changed(
    services: &Services,
    principal: &Principal,
    action: &str,
    before: Option<&ModelBudget>,
    after: Option<&ModelBudget>,
) {
    services.models.budgets().forget(principal.tenant_id()).await;
    let told = |row: &ModelBudget| {
        json!({
            "name": row.name, "scope": row.scope, "subject": row.subject, "period": row.period, "action": row.action,
            "token_limit": row.token_limit, "money_limit": row.money_limit, "currency": row.currency,
            "enabled": row.enabled,
        })
    };
    let Some(id) = after.or(before).map(|row| row.id) else { return };
    audit::record(services, principal, action, "model_budget", id, before.map(told), after.map(told)).await;
}

/// A row with what a form says, checked.
async fn filled(services: &Services, principal: &Principal, row: ModelBudget, form: BudgetForm) -> Result<ModelBudget> {
    let checked = check(form)?;
    let tenant = principal.tenant_id();
    let app = checked.subject.as_deref().filter(|_| checked.scope == "app");
    if let Some(app) = app.and_then(|text| text.parse::<AppId>().ok()) {
        let known = repo::apps::find(&services.db, tenant, app).await?;
        known.ok_or_else(|| Error::invalid_field("subject", "There is no such app in this workspace."))?;
    }
    let webhook_secret = match (&checked.webhook_url, checked.webhook_secret) {
        (None, _) => None,
        (Some(_), Some(secret)) => Some(services.encrypt(tenant, &secret).await?),
        (Some(_), None) => match row.webhook_secret {
            Some(kept) => Some(kept),
            None => {
                let text =
                    format!("A webhook needs a secret of {MIN_SECRET} characters or more, which signs what is sent.");
                return Err(Error::invalid_field("webhook_secret", text));
            }
        },
    };
    if let Some(url) = &checked.webhook_url {
        let egress = services.outbound.of(tenant).await?;
        egress
            .check(Class::ExternalApi, url)
            .await
            .map_err(|error| Error::invalid_field("webhook_url", format!("webhook_url cannot be used: {error}")))?;
    }
    Ok(ModelBudget {
        name: checked.name,
        scope: checked.scope,
        subject: checked.subject,
        period: checked.period,
        action: checked.action,
        token_limit: checked.token_limit,
        money_limit: checked.money_limit,
        currency: checked.currency,
        calls_per_minute: checked.calls_per_minute,
        enabled: checked.enabled,
        mail: checked.mail,
        webhook_url: checked.webhook_url,
        webhook_secret,
        ..row
    })
}

/// What of a form can be told to be wrong without looking anything up.
fn check(form: BudgetForm) -> Result<BudgetForm> {
    let filled = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let wrong = |field: &str, text: String| Err(Error::invalid_field(field, text));
    let name = form.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return wrong("name", format!("A budget needs a name of 1 to {MAX_NAME} characters."));
    }
    if !["workspace", "app", "user", "key"].contains(&form.scope.as_str()) {
        return wrong("scope", "scope must be workspace, app, user or key.".into());
    }
    let subject = filled(form.subject).filter(|_| form.scope != "workspace");
    let is_id = subject.as_deref().is_none_or(|text| match form.scope.as_str() {
        "app" => text.parse::<AppId>().is_ok(),
        "key" => text.parse::<GatewayKeyId>().is_ok(),
        _ => text.chars().count() <= MAX_SUBJECT,
    });
    if !is_id {
        return wrong("subject", format!("subject must be the id of the {} that the budget is for.", form.scope));
    }
    if Window::parse(&form.period).is_none() {
        return wrong("period", "period must be day, month or total.".into());
    }
    if !["warn", "throttle", "stop"].contains(&form.action.as_str()) {
        return wrong("action", "action must be warn, throttle or stop.".into());
    }
    if form.token_limit.is_some_and(|limit| !(1..=MAX_TOKENS).contains(&limit)) {
        return wrong("token_limit", format!("token_limit must be between 1 and {MAX_TOKENS}."));
    }
    let money_limit = filled(form.money_limit);
    if let Some(text) = &money_limit {
        let units = text.parse::<Decimal>().map_or(0, Decimal::ten_millionths);
        if !(1..=MAX_MONEY).contains(&units) {
            return wrong("money_limit", "money_limit must be a decimal number above 0, for example 25.00.".into());
        }
    }
    if form.token_limit.is_none() && money_limit.is_none() {
        return wrong("money_limit", "A budget needs a limit of money, of tokens, or both.".into());
    }
    let currency = filled(Some(form.currency)).unwrap_or_else(|| "USD".into()).to_ascii_uppercase();
    if !(3..=8).contains(&currency.len()) || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return wrong(
            "currency",
            "currency must be the letters by which prices name it, for example USD or RMB.".into(),
        );
    }
    if form.action == "throttle" && !(1..=600).contains(&form.calls_per_minute) {
        return wrong("calls_per_minute", "calls_per_minute must be between 1 and 600.".into());
    }
    let webhook_secret = filled(form.webhook_secret);
    if webhook_secret.as_ref().is_some_and(|text| !(MIN_SECRET..=MAX_SECRET).contains(&text.chars().count())) {
        return wrong("webhook_secret", format!("A secret has {MIN_SECRET} to {MAX_SECRET} characters."));
    }
    Ok(BudgetForm {
        name,
        subject,
        money_limit,
        currency,
        webhook_secret,
        webhook_url: filled(form.webhook_url),
        calls_per_minute: form.calls_per_minute.clamp(1, 600),
        ..form
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> BudgetForm {
        BudgetForm {
            name: " Team ".into(),
            scope: "workspace".into(),
            period: "month".into(),
            action: "stop".into(),
            money_limit: Some("25.00".into()),
            ..BudgetForm::default()
        }
    }

    #[test]
    fn a_form_is_tidied() {
        let found = check(BudgetForm { subject: Some("x".into()), currency: "usd".into(), ..form() }).unwrap();
        assert_eq!((found.name.as_str(), found.subject, found.currency.as_str()), ("Team", None, "USD"));
        let user =
            BudgetForm { scope: "user".into(), subject: Some(" ann ".into()), currency: String::new(), ..form() };
        let user = check(user).unwrap();
        assert_eq!((user.subject.as_deref(), user.currency.as_str()), (Some("ann"), "USD"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (field, wrong) in [
            ("name", BudgetForm { name: " ".into(), ..form() }),
            ("scope", BudgetForm { scope: "planet".into(), ..form() }),
            ("subject", BudgetForm { scope: "app".into(), subject: Some("x".into()), ..form() }),
            ("period", BudgetForm { period: "week".into(), ..form() }),
            ("action", BudgetForm { action: "beg".into(), ..form() }),
            ("token_limit", BudgetForm { token_limit: Some(0), ..form() }),
            ("money_limit", BudgetForm { money_limit: Some("-1".into()), ..form() }),
            ("money_limit", BudgetForm { money_limit: Some("much".into()), ..form() }),
            ("money_limit", BudgetForm { money_limit: None, ..form() }),
            ("currency", BudgetForm { currency: "$".into(), ..form() }),
            ("calls_per_minute", BudgetForm { action: "throttle".into(), ..form() }),
            ("webhook_secret", BudgetForm { webhook_secret: Some("short".into()), ..form() }),
        ] {
            assert_eq!(check(wrong.clone()).unwrap_err().field.as_deref(), Some(field), "{wrong:?}");
        }
    }
}
