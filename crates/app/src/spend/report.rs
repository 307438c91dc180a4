//! What was spent, over time and by whom.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

pub use ox_db::repo::model_spend::{Group, SpendGroup, SpendSum};
use ox_db::{
    Page, PageOf,
    model::ModelCall,
    now,
    repo::{self, model_calls::CallFilter, statistics::Day},
};
use ox_models::Decimal;
use ox_types::{AccountId, AppId, EndUserId, GatewayKeyId, TenantId, boxed};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Error, Principal, Result, Services,
    exports::{self, Export, Format, Place, Read, Row},
    logs::console_time,
    principal::Permission,
    statistics::{self, AT_ONCE, Dated},
};

/// Groups of one answer.
const MOST_GROUPS: u64 = 200;
/// Calls of one page.
const MOST_CALLS: u64 = 100;
/// How far back is looked when nobody says.
const USUAL: chrono::Duration = chrono::Duration::days(30);

/// What is asked for. Times are `YYYY-MM-DD HH:MM` in the account's time zone.
#[derive(Clone, Debug, Default)]
pub struct SpendQuery {
    pub start: Option<String>,
    pub end: Option<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub app: Option<AppId>,
    pub user: Option<String>,
    pub key: Option<GatewayKeyId>,
    /// Those that were answered, or those that were not.
    pub ok: Option<bool>,
}

/// A query whose times are known.
struct Asked {
    filter: CallFilter,
    days: Vec<(chrono::NaiveDate, Day)>,
}

async fn asked(services: &Services, principal: &Principal, query: SpendQuery) -> Result<Asked> {
    principal.require(Permission::LogView)?;
    let zone = crate::accounts::profile(services, principal).await?.timezone;
    let time = |name: &str, text: Option<&str>| match text.filter(|text| !text.is_empty()) {
        Some(text) => console_time(text, zone.as_deref())
            .map(Some)
            .ok_or_else(|| Error::invalid_field(name, format!("{name} must be YYYY-MM-DD HH:MM, not '{text}'."))),
        None => Ok(None),
    };
    let until = time("end", query.end.as_deref())?.unwrap_or_else(now);
    let since = time("start", query.start.as_deref())?.unwrap_or(until - USUAL);
    if since > until {
        return Err(Error::invalid_field("start", "start must be before end."));
    }
    let zone = zone.and_then(|zone| zone.parse().ok()).unwrap_or(chrono_tz::Tz::UTC);
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = CallFilter {
        since: Some(since),
        until: Some(until),
        provider: filled(query.provider),
        model: filled(query.model),
        app: query.app,
        user: filled(query.user),
        key: query.key,
        ok: query.ok,
    };
    Ok(Asked { filter, days: statistics::days(since, until, zone) })
}

/// Sums of a time, altogether and day by day, each by currency.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub total: Vec<SpendSum>,
    /// Days with calls, the oldest first.
    pub days: Vec<Dated<Vec<SpendSum>>>,
}

/// What the workspace spent.
///
/// # Errors
/// 400 for times that are none, 403 for somebody who may not see logs.
#[boxed]
pub async fn summary(services: &Services, principal: &Principal, query: SpendQuery) -> Result<Summary> {
    let Asked { filter, days } = asked(services, principal, query).await?;
    let tenant = principal.tenant_id();
    let total = repo::model_spend::groups(&services.db, tenant, &filter, Group::All, MOST_GROUPS).await?;
    let mut found = Vec::new();
    for chunk in days.chunks(AT_ONCE) {
        let bounds: Vec<Day> = chunk.iter().map(|(_, day)| *day).collect();
        let by_number: BTreeMap<usize, _> = repo::model_spend::days(&services.db, tenant, &filter, &bounds).await?;
        for (number, figures) in by_number {
            if let Some((date, _)) = chunk.get(number) {
                found.push(Dated { date: *date, figures });
            }
        }
    }
    Ok(Summary { total: total.into_iter().map(|group| group.sum).collect(), days: found })
}

/// Sums of what calls have in common, with the name of whom they are of where it is known.
#[derive(Clone, Debug)]
pub struct NamedGroup {
    pub group: SpendGroup,
    pub label: Option<String>,
}

/// What the workspace spent by model, app, user or key, the most expensive first.
///
/// # Errors
/// As [`summary`].
#[boxed]
pub async fn groups(
    services: &Services,
    principal: &Principal,
    query: SpendQuery,
    by: Group,
) -> Result<Vec<NamedGroup>> {
    let Asked { filter, .. } = asked(services, principal, query).await?;
    let tenant = principal.tenant_id();
    let found = repo::model_spend::groups(&services.db, tenant, &filter, by, MOST_GROUPS).await?;
    let scope = match by {
        Group::App => "app",
        Group::User => "user",
        Group::Key => "key",
        Group::All | Group::Model => "",
    };
    let pairs = found.iter().filter_map(|group| Some((scope, group.name.as_deref()?))).collect();
    let names = Names::load(services, tenant, pairs).await?;
    let named =
        |group: SpendGroup| NamedGroup { label: group.name.as_deref().and_then(|name| names.of(scope, name)), group };
    Ok(found.into_iter().map(named).collect())
}

/// A call with the names of whom it was made for.
#[derive(Clone, Debug)]
pub struct CallView {
    pub call: ModelCall,
    pub app_name: Option<String>,
    pub user_name: Option<String>,
    pub key_name: Option<String>,
}

/// Calls of the workspace, newest first, those after one that is known.
///
/// # Errors
/// As [`summary`]; 404 when the call to begin after is not one of the workspace.
#[boxed]
pub async fn calls(
    services: &Services,
    principal: &Principal,
    query: SpendQuery,
    after: Option<Uuid>,
    limit: u64,
) -> Result<PageOf<CallView>> {
    let Asked { filter, .. } = asked(services, principal, query).await?;
    let tenant = principal.tenant_id();
    let after = match after {
        None => None,
        Some(id) => {
            let found = repo::model_calls::find(&services.db, tenant, id).await?;
            Some(found.map(|call| (call.created_at, call.id)).ok_or_else(|| Error::not_found("Call not found."))?)
        }
    };
    let page = Page { after, limit: limit.clamp(1, MOST_CALLS) };
    let found = repo::model_calls::page(&services.db, tenant, &filter, page).await?;
    Ok(PageOf { items: views(services, tenant, found.items).await?, has_more: found.has_more })
}

async fn views(services: &Services, tenant: TenantId, calls: Vec<ModelCall>) -> Result<Vec<CallView>> {
    let apps: Vec<String> = calls.iter().filter_map(|call| Some(call.app_id?.to_string())).collect();
    let pairs = apps.iter().map(|app| ("app", app.as_str()));
    let users = calls.iter().filter_map(|call| Some(("user", call.user_id.as_deref()?)));
    let keys: Vec<String> = calls.iter().filter_map(|call| Some(call.key_id?.to_string())).collect();
    let keys = keys.iter().map(|key| ("key", key.as_str()));
    let names = Names::load(services, tenant, pairs.chain(users).chain(keys).collect()).await?;
    let view = |call: ModelCall| CallView {
        key_name: call.key_id.and_then(|key| names.of("key", &key.to_string())),
        app_name: call.app_id.and_then(|app| names.of("app", &app.to_string())),
        user_name: call.user_id.as_deref().and_then(|user| names.of("user", user)),
        call,
    };
    Ok(calls.into_iter().map(view).collect())
}

/// Names of apps, people and keys by their ids.
#[derive(Debug, Default)]
pub struct Names(HashMap<(String, String), String>);

impl Names {
    /// Reads the names behind pairs of scope and id. What is no id, or is gone, has none.
    pub(super) async fn load(services: &Services, tenant: TenantId, pairs: Vec<(&str, &str)>) -> Result<Self> {
        let ids = |wanted: &str| -> Vec<Uuid> {
            let mut ids: Vec<Uuid> =
                pairs.iter().filter(|(scope, _)| *scope == wanted).filter_map(|(_, id)| id.parse().ok()).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let mut names = HashMap::new();
        let apps: Vec<AppId> = ids("app").into_iter().map(AppId).collect();
        for app in repo::apps::find_all(&services.db, &apps).await? {
            if app.tenant_id == tenant {
                names.insert(("app".to_owned(), app.id.to_string()), app.name);
            }
        }
        let keys = ids("key");
        if !keys.is_empty() {
            for key in repo::gateway_keys::list(&services.db, tenant).await? {
                names.insert(("key".to_owned(), key.id.to_string()), key.name);
            }
        }
        let people = ids("user");
        let users: Vec<EndUserId> = people.iter().copied().map(EndUserId).collect();
        for user in repo::end_users::find_all(&services.db, tenant, &users).await? {
            names.insert(("user".to_owned(), user.id.to_string()), user.session_id);
        }
        let accounts: Vec<AccountId> = people.into_iter().map(AccountId).collect();
        for (id, account) in services.people(&accounts).await? {
            names.insert(("user".to_owned(), id.to_string()), account.name);
        }
        Ok(Self(names))
    }

    pub(super) fn of(&self, scope: &str, id: &str) -> Option<String> {
        self.0.get(&(scope.to_owned(), id.to_owned())).cloned()
    }
}

const COLUMNS: &[&str] = &[
    "id",
    "created_at",
    "app_id",
    "app",
    "user_id",
    "user",
    "key_id",
    "run_id",
    "node_id",
    "provider",
    "model",
    "kind",
    "wanted_provider",
    "wanted_model",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "price",
    "currency",
    "estimated",
    "latency_ms",
    "first_token_ms",
    "outcome",
    "key",
    "cache",
    "saved_price",
    "route",
    "rule",
    "units",
    "unit",
];

/// The calls of the workspace as a file.
///
/// # Errors
/// As [`summary`].
#[boxed]
pub async fn export(
    services: &Arc<Services>,
    principal: &Principal,
    query: SpendQuery,
    format: Format,
) -> Result<Export> {
    let Asked { filter, .. } = asked(services, principal, query).await?;
    let (services, tenant) = (Arc::clone(services), principal.tenant_id());
    let read: Read = Box::new(move |place| Box::pin(rows_after(Arc::clone(&services), tenant, filter.clone(), place)));
    Ok(exports::table("model-calls", COLUMNS, format, read))
}

async fn rows_after(
    services: Arc<Services>,
    tenant: TenantId,
    filter: CallFilter,
    after: Place,
) -> Result<(Vec<Row>, Place)> {
    let page = Page { after, limit: exports::PAGE };
    let found = repo::model_calls::page(&services.db, tenant, &filter, page).await?;
    let last = found.items.last().map(|call| (call.created_at, call.id)).filter(|_| found.has_more);
    let rows = views(&services, tenant, found.items).await?.into_iter().map(row).collect();
    Ok((rows, last))
}

fn row(view: CallView) -> Row {
    let CallView { call, app_name, user_name, key_name } = view;
    exports::row(
        COLUMNS,
        [
            json!(call.id),
            exports::iso(call.created_at).into(),
            json!(call.app_id),
            app_name.into(),
            call.user_id.into(),
            user_name.into(),
            json!(call.key_id),
            json!(call.run_id),
            call.node_id.into(),
            call.provider.into(),
            call.model.into(),
            call.kind.into(),
            call.wanted_provider.into(),
            call.wanted_model.into(),
            call.prompt_tokens.into(),
            call.cached_tokens.into(),
            call.completion_tokens.into(),
            call.price.into(),
            call.currency.into(),
            call.estimated.into(),
            call.latency_ms.into(),
            call.first_token_ms.into(),
            call.outcome.into(),
            key_name.into(),
            call.cache.into(),
            call.saved_price.into(),
            call.route.into(),
            call.rule.into(),
            call.units.into(),
            call.unit.into(),
        ],
    )
}

/// Ten-millionths as a decimal text.
#[must_use]
pub fn money(units: i64) -> String {
    Decimal::of_ten_millionths(units).to_string()
}
