//! Budgets that are nearly or wholly used are told of: once for each threshold of each window, by mail and webhook.
//!
//! What was used is what the database says, after the commit of the calls. An alert is a row; mails go into the outbox
//! with it, and a webhook (`webhooks`) is tried for some hours.

use std::{collections::HashSet, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use ox_db::{
    Tx,
    model::{Account, BudgetAlert, ModelBudget},
    now, repo,
};
use ox_gateway::Amount;
use ox_models::Decimal;
use ox_types::{TenantId, boxed, new_uuid};
use serde_json::json;

use super::{
    limits::{self, Budget, Held},
    log::{Ended, scopes},
};
use crate::{
    Result, Services,
    mail::{self, Letter},
    principal::Role,
    rounds,
    webhooks::{self, Delivery, Patience},
};

/// In percent of what may be used.
const THRESHOLDS: [i32; 2] = [80, 100];
/// How often due webhooks are looked for.
const EVERY: Duration = Duration::from_secs(2);
/// Deliveries at a time.
const BATCH: u64 = 20;
const PATIENCE: Patience = Patience { attempts: 10, longest_pause: chrono::Duration::hours(2) };
/// Mails of one alert.
const MAILS: usize = 50;

/// Compares budgets with what was used, after calls were written.
#[boxed]
pub(super) async fn look(services: &Services, written: &[Arc<Ended>]) -> Result<()> {
    let budgets = services.models.budgets();
    let mut seen = HashSet::new();
    for ended in written {
        let (tenant, at) = (ended.call.tenant_id, ended.call.created_at);
        let known = budgets.of(tenant).await?;
        if known.is_empty() {
            continue;
        }
        for (scope, subject) in scopes(&ended.call) {
            let held: Vec<Held> = limits::of_subject(&known, scope, &subject, at).collect();
            for held in held {
                if !seen.insert(Arc::clone(&held.account)) {
                    continue;
                }
                // Not what this process believes: what all of them wrote.
                if let Some(used) = budgets.renew(&held, at, Duration::ZERO).await? {
                    compare(services, &held, used, at).await?;
                }
            }
        }
    }
    Ok(())
}

async fn compare(services: &Services, held: &Held, used: Amount, at: DateTime<Utc>) -> Result<()> {
    let ratio = held.budget.limits.ratio(used);
    for threshold in THRESHOLDS {
        let name = format!("{}/{threshold}", held.account);
        if ratio * 100.0 >= f64::from(threshold) && services.models.budgets().is_news(name) {
            raise(services, held, threshold, used, at).await?;
        }
    }
    Ok(())
}

async fn raise(services: &Services, held: &Held, threshold: i32, used: Amount, at: DateTime<Utc>) -> Result<()> {
    let row = &held.budget.row;
    let time = now();
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let alert = BudgetAlert {
        id: new_uuid(),
        tenant_id: row.tenant_id,
        budget_id: row.id,
        subject: held.subject.clone(),
        period_start: held.budget.window.name(at),
        threshold,
        used_tokens: whole(used.tokens),
        used_price: whole(used.price),
        status: if row.webhook_url.is_some() { "pending" } else { "none" }.to_owned(),
        attempts: 0,
        next_attempt_at: time,
        last_error: None,
        created_at: time,
    };
    let people =
        if row.mail && services.mail.is_set_up() { admins(services, row.tenant_id).await? } else { Vec::new() };
    let url = if people.is_empty() { String::new() } else { mail::console_url(services).await? };
    let tx = services.db.begin().await?;
    if !repo::model_budgets::raise(&tx, alert).await? {
        return Ok(());
    }
    for account in &people {
        post(&tx, &held.budget, account, threshold, used, &url).await?;
    }
    tx.commit().await?;
    if !people.is_empty() {
        services.mail.ring();
    }
    tracing::warn!(budget = %row.id, name = row.name, subject = held.subject, threshold, "a budget is used to this part");
    Ok(())
}

/// Owners and admins who can sign in.
async fn admins(services: &Services, tenant: TenantId) -> Result<Vec<Account>> {
    let members = repo::tenants::members(&services.db, tenant).await?;
    let is_told = |role: &str| Role::parse(role).is_some_and(Role::is_privileged);
    let people = members.into_iter().filter(|(member, account)| is_told(&member.role) && account.status == "active");
    Ok(people.map(|(_, account)| account).take(MAILS).collect())
}

async fn post(tx: &Tx, budget: &Budget, to: &Account, threshold: i32, used: Amount, url: &str) -> Result<()> {
    let row = &budget.row;
    let (name, about, used) = (&row.name, limits::about(budget), limits::told(budget, used));
    let is_chinese = to.interface_language.as_deref() == Some("zh-Hans");
    let (subject, effect) = match (is_chinese, threshold >= 100, row.action.as_str()) {
        (false, false, _) => (format!("{threshold} % of the model budget {name} is used"), ""),
        (false, true, "stop") => (format!("The model budget {name} is spent"), "Models are not asked any more."),
        (false, true, "throttle") => (format!("The model budget {name} is spent"), "Models are asked only slowly now."),
        (false, true, _) => (format!("The model budget {name} is spent"), "Models are still asked."),
        (true, false, _) => (format!("模型预算“{name}”已使用 {threshold}%"), ""),
        (true, true, "stop") => (format!("模型预算“{name}”已用完"), "不再调用模型。"),
        (true, true, "throttle") => (format!("模型预算“{name}”已用完"), "模型调用已限速。"),
        (true, true, _) => (format!("模型预算“{name}”已用完"), "模型仍可调用。"),
    };
    let body = if is_chinese {
        format!("预算：{name}（{about}）\n已使用：{used}\n{effect}\n\n查看用量或调整预算：\n{url}/settings/usage")
    } else {
        format!(
            "Budget: {name} ({about})\nUsed: {used}\n{effect}\n\nSee the usage or change the budget:\n{url}/settings/usage"
        )
    };
    let letter = Letter {
        kind: "model_budget",
        tenant_id: Some(row.tenant_id),
        app_id: None,
        recipient_id: None,
        address: to.email.clone(),
        subject,
        body,
    };
    mail::post(tx, letter).await
}

/// Delivers alerts until shutdown.
pub(crate) async fn keep(services: Arc<Services>) {
    rounds::keep(services, EVERY, "alerts of budgets", |services| Box::pin(deliver_due(services))).await;
}

async fn deliver_due(services: &Services) -> Result<()> {
    let due = repo::model_budgets::due(&services.db, now(), BATCH).await?;
    let attempts = due.into_iter().map(|alert| async move {
        if let Err(error) = deliver(services, &alert).await {
            tracing::error!(%error, alert = %alert.id, "an alert waits for its next attempt");
        }
    });
    futures::future::join_all(attempts).await;
    Ok(())
}

async fn deliver(services: &Services, alert: &BudgetAlert) -> Result<()> {
    let tx = services.db.begin().await?;
    let is_ours = repo::model_budgets::take(&tx, alert, PATIENCE.until(alert.attempts)).await?;
    tx.commit().await?;
    if !is_ours {
        return Ok(());
    }
    let outcome = PATIENCE.outcome(attempt(services, alert).await, alert.attempts);
    metrics::counter!("oxidify_budget_webhooks_total", "status" => outcome.status).increment(1);
    let tx = services.db.begin().await?;
    repo::model_budgets::note(&tx, alert.id, outcome.status, outcome.error.as_deref()).await?;
    Ok(tx.commit().await?)
}

async fn attempt(services: &Services, alert: &BudgetAlert) -> Result<u16, String> {
    let tenant = alert.tenant_id;
    let found = repo::model_budgets::find(&services.db, tenant, alert.budget_id).await;
    let budget = found.map_err(|error| error.to_string())?.ok_or("the budget is gone")?;
    let url = budget.webhook_url.as_deref().ok_or("the budget has no webhook any more")?;
    let secret = budget.webhook_secret.as_deref().ok_or("the budget has no secret any more")?;
    let body = body_of(&budget, alert).to_string();
    webhooks::send(services, Delivery { tenant, id: alert.id, url, secret, body }).await
}

fn body_of(budget: &ModelBudget, alert: &BudgetAlert) -> ox_types::Json {
    json!({
        "event": "model_budget_threshold",
        "data": {
            "id": alert.id,
            "workspace_id": alert.tenant_id,
            "budget_id": budget.id,
            "name": budget.name,
            "scope": budget.scope,
            "subject": alert.subject,
            "period": budget.period,
            "period_start": alert.period_start,
            "action": budget.action,
            "threshold": alert.threshold,
            "token_limit": budget.token_limit,
            "used_tokens": alert.used_tokens,
            "money_limit": budget.money_limit,
            "used_money": Decimal::of_ten_millionths(alert.used_price).to_string(),
            "currency": budget.currency,
            "created_at": alert.created_at.timestamp(),
        },
    })
}
