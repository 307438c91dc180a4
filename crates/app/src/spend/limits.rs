//! Which budgets a call is under, and what they say of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use moka::future::Cache;
use ox_db::{
    Database,
    model::{ModelBudget, Spent},
    repo,
};
use ox_gateway::{Action, Amount, Hold, Ledger, Limits, Refusal, Reservation, Why, Window};
use ox_models::{Decimal, ErrorClass, ModelError, ModelScope, Usage};
use ox_types::{TenantId, boxed};
use uuid::Uuid;

use super::shared::{Share, Shared};
use crate::Result;

/// How long another process may go on with budgets that were changed here.
const FRESH: Duration = Duration::from_secs(10);
/// How old the sums may be that a call is compared with; what this process used itself is always known.
const FRESH_SUMS: Duration = Duration::from_secs(2);
/// How long a threshold that was told is not looked up again.
const NOTED: Duration = Duration::from_secs(60);
/// How long a call waits for what is set aside for others, or for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks for what calls of other processes free.
const LOOK: Duration = Duration::from_millis(100);

/// A budget, ready to be compared with.
#[derive(Debug)]
pub(crate) struct Budget {
    pub row: ModelBudget,
    pub window: Window,
    pub limits: Limits,
}

impl Budget {
    /// None when it is switched off, or of a form that this version does not know.
    pub fn of(row: ModelBudget) -> Option<Self> {
        let window = Window::parse(&row.period)?;
        let per_minute = u32::try_from(row.calls_per_minute).unwrap_or(1);
        let action = match row.action.as_str() {
            "warn" => Action::Warn,
            "throttle" => Action::Throttle { per_minute },
            "stop" => Action::Stop,
            _ => return None,
        };
        let price = row.money_limit.as_deref().and_then(|text| text.parse::<Decimal>().ok());
        let limits = Limits {
            tokens: row.token_limit.and_then(|limit| u64::try_from(limit).ok()),
            price: price.and_then(|price| u64::try_from(price.ten_millionths()).ok()),
            action,
        };
        row.enabled.then_some(Self { row, window, limits })
    }

    /// Whether it holds for this subject of its scope.
    pub fn is_for(&self, scope: &str, subject: &str) -> bool {
        self.row.scope == scope && self.row.subject.as_deref().is_none_or(|only| only == subject)
    }

    pub fn account(&self, subject: &str, at: DateTime<Utc>) -> Arc<str> {
        format!("{}/{}/{subject}", self.row.id, self.window.name(at)).into()
    }

    /// What of some usage counts here: tokens always, money where the currency is the same.
    pub fn amount(&self, tokens: u64, price: Decimal, currency: &str) -> Amount {
        let price = u64::try_from(price.ten_millionths()).unwrap_or(0);
        Amount { tokens, price: if currency == self.row.currency { price } else { 0 } }
    }
}

/// One budget as it holds for one call.
#[derive(Clone)]
pub(crate) struct Held {
    pub budget: Arc<Budget>,
    pub subject: String,
    pub account: Arc<str>,
}

/// What a call has set aside of each budget that it is under. Dropping it frees it again.
pub(crate) struct Reserved {
    reservation: Reservation,
    share: Option<Share>,
    held: Vec<Held>,
}

impl Reserved {
    /// The call is over. Returns what it used of each account.
    pub fn settle(self, used: impl Fn(&Budget) -> Amount) -> Vec<(Arc<str>, Amount)> {
        let Self { reservation, share, held } = self;
        let amounts: Vec<_> = held.iter().map(|held| used(&held.budget)).collect();
        let accounts = reservation.accounts().cloned().zip(amounts.iter().copied()).collect();
        reservation.settle(&amounts);
        if let Some(share) = share {
            share.settle(&amounts);
        }
        accounts
    }
}

/// The budgets of all workspaces, and what is used of them.
pub(crate) struct Budgets {
    db: Database,
    ledger: Arc<Ledger>,
    /// What other processes set aside as well.
    shared: Option<Shared>,
    workspaces: Cache<TenantId, Arc<Vec<Arc<Budget>>>>,
    /// The highest part of each budget that any of its subjects used, and the window it is of.
    ratios: Mutex<HashMap<Uuid, (String, f64)>>,
    /// Thresholds that this process has noted: the database is not asked about them again and again.
    noted: moka::sync::Cache<String, ()>,
}

impl Budgets {
    pub fn new(db: Database) -> Self {
        let workspaces = Cache::builder().max_capacity(10_000).time_to_live(FRESH).build();
        let noted = moka::sync::Cache::builder().max_capacity(10_000).time_to_live(NOTED).build();
        Self { db, ledger: Arc::default(), shared: None, workspaces, ratios: Mutex::default(), noted }
    }

    /// From now on calls of other processes are counted before they have ended.
    pub fn share(&mut self, shared: Shared) {
        self.shared = Some(shared);
    }

    /// Whether a threshold was not noted here lately.
    pub fn is_news(&self, threshold: String) -> bool {
        self.noted.entry(threshold).or_default().is_fresh()
    }

    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The budgets of a workspace that are switched on.
    #[boxed]
    pub async fn of(&self, tenant: TenantId) -> Result<Arc<Vec<Arc<Budget>>>> {
        if let Some(found) = self.workspaces.get(&tenant).await {
            return Ok(found);
        }
        // Once for all who wait.
        let load = async {
            let rows = repo::model_budgets::list(&self.db, tenant).await?;
            let built: Vec<_> = rows.into_iter().filter_map(Budget::of).map(Arc::new).collect();
            Ok::<_, ox_db::Error>(Arc::new(built))
        };
        Ok(self.workspaces.try_get_with(tenant, load).await?)
    }

    /// Forgets the budgets of a workspace; the next call reads them anew.
    #[boxed]
    pub async fn forget(&self, tenant: TenantId) {
        self.workspaces.invalidate(&tenant).await;
        self.noted.invalidate_all();
    }

    /// Sets aside what a call is expected to use of each budget that it is under.
    ///
    /// # Errors
    /// Why it may not be made.
    #[boxed]
    pub async fn reserve(
        &self,
        scope: &ModelScope,
        provider: &str,
        expected: &Usage,
        at: DateTime<Utc>,
    ) -> Result<Option<Reserved>, ModelError> {
        let unread = |error: crate::Error| {
            let text = format!("The budgets of the workspace cannot be read: {}", error.message);
            ModelError::new(ErrorClass::Connection, provider, text)
        };
        let budgets = self.of(scope.tenant_id).await.map_err(unread)?;
        if budgets.is_empty() {
            return Ok(None);
        }
        let held = held(&budgets, scope, at);
        if held.is_empty() {
            return Ok(None);
        }
        let amount = |one: &Held| one.budget.amount(expected.total_tokens, expected.total_price, &expected.currency);
        let hold =
            |one: &Held| Hold { account: Arc::clone(&one.account), limits: one.budget.limits, expected: amount(one) };
        let holds: Vec<Hold> = held.iter().map(hold).collect();
        let until = Instant::now() + PATIENCE;
        loop {
            for one in &held {
                self.renew(one, at, FRESH_SUMS).await.map_err(unread)?;
            }
            let left = until.saturating_duration_since(Instant::now());
            let reservation =
                self.ledger.reserve(&holds, left).await.map_err(|refusal| refused(provider, &held, refusal, at))?;
            let full = match self.share_of(&held, &holds, at).await.map_err(unread)? {
                Ok(share) => return Ok(Some(Reserved { reservation, share, held })),
                Err(full) => full,
            };
            drop(reservation);
            if left < LOOK {
                let used = holds.get(full).and_then(|hold| self.ledger.used(&hold.account)).unwrap_or_default();
                return Err(refused(provider, &held, Refusal { hold: full, why: Why::Held(used) }, at));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What a call takes of the counters that all processes share, or which of its budgets has no room there.
    #[boxed]
    async fn share_of(&self, held: &[Held], holds: &[Hold], at: DateTime<Utc>) -> Result<Result<Option<Share>, usize>> {
        let Some(shared) = &self.shared else { return Ok(Ok(None)) };
        let mut share = shared.share();
        for (number, (one, hold)) in held.iter().zip(holds).enumerate() {
            let taken = async {
                if !share.is_begun(hold).await? {
                    let known = self.ledger.used(&hold.account).unwrap_or_default();
                    let told = spent(&self.db, &one.budget, &one.subject, at).await?;
                    let base = Amount { tokens: known.tokens.max(told.tokens), price: known.price.max(told.price) };
                    share.begin(hold, base).await?;
                }
                Ok::<_, crate::Error>(share.add(number, hold).await?)
            };
            match taken.await {
                Ok(true) => {}
                Ok(false) => return Ok(Err(number)),
                // The ledger of this process still holds.
                Err(error) => {
                    tracing::warn!(%error, "a budget is counted by this process alone");
                    return Ok(Ok(None));
                }
            }
        }
        Ok(Ok(Some(share)))
    }

    /// Asks the database what was used, where that is not known or too old; tells what it said.
    #[boxed]
    pub async fn renew(&self, held: &Held, at: DateTime<Utc>, fresh: Duration) -> Result<Option<Amount>> {
        let Some(mark) = self.ledger.stale(&held.account, fresh, Instant::now()) else { return Ok(None) };
        let amount = spent(&self.db, &held.budget, &held.subject, at).await?;
        self.ledger.told(&held.account, mark, amount, Instant::now());
        self.measure(&held.budget, amount, at);
        Ok(Some(amount))
    }

    fn measure(&self, budget: &Budget, used: Amount, at: DateTime<Utc>) {
        let (window, ratio) = (budget.window.name(at), budget.limits.ratio(used));
        let mut ratios = self.ratios.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ratios.entry(budget.row.id).or_insert_with(|| (window.clone(), ratio));
        if known.0 != window || budget.row.subject.is_some() || budget.row.scope == "workspace" {
            *known = (window, ratio);
        }
        known.1 = known.1.max(ratio);
        metrics::gauge!("oxidify_budget_used_ratio",
            "scope" => budget.row.scope.clone(), "id" => budget.row.id.to_string())
        .set(known.1);
    }
}

/// The budgets that a call is under.
fn held(budgets: &[Arc<Budget>], scope: &ModelScope, at: DateTime<Utc>) -> Vec<Held> {
    let subjects = [
        Some(("workspace", String::new())),
        scope.app_id.map(|app| ("app", app.to_string())),
        scope.user.clone().map(|user| ("user", user)),
        scope.key_id.map(|key| ("key", key.to_string())),
    ];
    let mut held = Vec::new();
    for (scope, subject) in subjects.into_iter().flatten() {
        held.extend(of_subject(budgets, scope, &subject, at));
    }
    held
}

/// The budgets that one subject of a scope is under.
pub(super) fn of_subject<'a>(
    budgets: &'a [Arc<Budget>],
    scope: &'a str,
    subject: &'a str,
    at: DateTime<Utc>,
) -> impl Iterator<Item = Held> + 'a {
    budgets.iter().filter(move |budget| budget.is_for(scope, subject)).map(move |budget| Held {
        budget: Arc::clone(budget),
        subject: subject.to_owned(),
        account: budget.account(subject, at),
    })
}

/// What a subject used of a budget in the window around a time.
#[boxed]
pub(super) async fn spent(db: &Database, budget: &Budget, subject: &str, at: DateTime<Utc>) -> Result<Amount> {
    let days = budget.window.days(at).map(|(first, last)| (first.to_string(), last.to_string()));
    let days = days.as_ref().map(|(first, last)| (first.as_str(), last.as_str()));
    let sums = repo::model_spend::spent(db, budget.row.tenant_id, &budget.row.scope, subject, days).await?;
    Ok(in_currency(&sums, &budget.row.currency))
}

fn in_currency(sums: &[(String, Spent)], currency: &str) -> Amount {
    let mut amount = Amount::default();
    for (known, spent) in sums {
        amount.tokens = amount.tokens.saturating_add(u64::try_from(spent.tokens).unwrap_or(0));
        if known == currency {
            amount.price = amount.price.saturating_add(u64::try_from(spent.price).unwrap_or(0));
        }
    }
    amount
}

fn refused(provider: &str, held: &[Held], refusal: Refusal, at: DateTime<Utc>) -> ModelError {
    let Some(held) = held.get(refusal.hold) else {
        return ModelError::new(ErrorClass::Quota, provider, "A budget of the workspace is spent.");
    };
    let (budget, row) = (&held.budget, &held.budget.row);
    metrics::counter!("oxidify_budget_denied_total", "scope" => row.scope.clone(), "id" => row.id.to_string())
        .increment(1);
    let name = format!("the budget \"{}\" ({})", row.name, about(budget));
    let advice = "ask an owner or admin of the workspace to raise it (Settings, Usage)";
    match refusal.why {
        Why::Spent(used) => {
            let again = budget
                .window
                .days(at)
                .and_then(|(_, last)| last.succ_opt())
                .map_or_else(String::new, |next| format!(" Wait until {next} 00:00 UTC, or"));
            let again = if again.is_empty() { "To go on,".to_owned() } else { again.trim_start().to_owned() };
            let text =
                format!("The model was not asked: {name} is spent, {} used. {again} {advice}.", told(budget, used));
            ModelError::new(ErrorClass::Quota, provider, text)
        }
        Why::Held(_) => {
            let text = format!(
                "The model was not asked: what is left of {name} is set aside for calls that are being made. Try again in \
                 a moment, or {advice}."
            );
            ModelError::new(ErrorClass::RateLimit { retry_after: Some(Duration::from_secs(5)) }, provider, text)
        }
        Why::Paced(wait) => {
            let seconds = wait.as_secs() + 1;
            let text = format!(
                "The model was not asked: {name} is spent, and only {} calls may begin in a minute. Try again in \
                 {seconds} s, or {advice}.",
                row.calls_per_minute
            );
            ModelError::new(ErrorClass::RateLimit { retry_after: Some(Duration::from_secs(seconds)) }, provider, text)
        }
    }
}

/// `10.00 USD and 1000 tokens a month for each user`.
pub(super) fn about(budget: &Budget) -> String {
    let row = &budget.row;
    let money = row.money_limit.as_deref().map(|limit| format!("{limit} {}", row.currency));
    let tokens = row.token_limit.map(|limit| format!("{limit} tokens"));
    let limits: Vec<String> = money.into_iter().chain(tokens).collect();
    let period = match budget.window {
        Window::Day => " a day",
        Window::Month => " a month",
        Window::Total => " in total",
    };
    let whose = match (row.scope.as_str(), &row.subject) {
        ("workspace", _) => "the workspace".to_owned(),
        (scope, None) => format!("each {scope}"),
        (scope, Some(_)) => format!("this {scope}"),
    };
    format!("{}{period} for {whose}", limits.join(" and "))
}

/// What is used, in the units of the limits.
pub(super) fn told(budget: &Budget, used: Amount) -> String {
    let price = Decimal::of_ten_millionths(i64::try_from(used.price).unwrap_or(i64::MAX));
    let money = budget.limits.price.map(|_| format!("{price} {}", budget.row.currency));
    let tokens = budget.limits.tokens.map(|_| format!("{} tokens", used.tokens));
    money.into_iter().chain(tokens).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use ox_types::{AccountId, AppId};

    use super::*;

    fn row(scope: &str, subject: Option<&str>) -> ModelBudget {
        ModelBudget {
            id: Uuid::nil(),
            tenant_id: TenantId::new(),
            name: "Cap".into(),
            scope: scope.into(),
            subject: subject.map(str::to_owned),
            period: "month".into(),
            action: "stop".into(),
            token_limit: Some(1000),
            money_limit: Some("10.50".into()),
            currency: "USD".into(),
            calls_per_minute: 6,
            enabled: true,
            mail: true,
            webhook_url: None,
            webhook_secret: None,
            created_by: AccountId::new(),
            created_at: DateTime::default(),
            updated_at: DateTime::default(),
        }
    }

    fn at() -> DateTime<Utc> {
        "2026-12-31T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_call_is_under_the_budgets_of_all_its_scopes() {
        let app = AppId::new();
        let rows = [
            row("workspace", None),
            row("app", None),
            row("app", Some(&app.to_string())),
            row("app", Some("another")),
            row("user", Some("ann")),
            row("user", None),
            row("key", None),
            ModelBudget { enabled: false, ..row("workspace", None) },
            ModelBudget { action: "beg".into(), ..row("workspace", None) },
        ];
        let budgets: Vec<_> = rows.into_iter().filter_map(Budget::of).map(Arc::new).collect();
        let scope = ModelScope { app_id: Some(app), user: Some("bob".into()), ..ModelScope::of(TenantId::new()) };
        let found: Vec<_> = held(&budgets, &scope, at());
        let told: Vec<_> =
            found.iter().map(|held| (held.budget.row.scope.as_str(), held.budget.row.subject.is_some())).collect();
        assert_eq!(told, [("workspace", false), ("app", false), ("app", true), ("user", false)]);
        assert_eq!(&*found[3].account, "00000000-0000-0000-0000-000000000000/2026-12-01/bob");
    }

    #[test]
    fn a_refusal_says_what_why_and_what_to_do() {
        let budget = Arc::new(Budget::of(row("user", None)).unwrap());
        let held: Vec<_> = of_subject(&[budget], "user", "ann", at()).collect();
        let refuse = |why| refused("openai", &held, Refusal { hold: 0, why }, at());
        let spent = refuse(Why::Spent(Amount { tokens: 1200, price: 95_000_000 }));
        assert_eq!((spent.class.as_str(), spent.error_type()), ("quota", "QuotaExceededError"));
        assert_eq!(
            spent.text,
            "The model was not asked: the budget \"Cap\" (10.50 USD and 1000 tokens a month for each user) is spent, \
             9.5000000 USD and 1200 tokens used. Wait until 2027-01-01 00:00 UTC, or ask an owner or admin of the workspace \
             to raise it (Settings, Usage)."
        );
        let paced = refuse(Why::Paced(Duration::from_secs(8)));
        assert_eq!(paced.retry_after(), Some(Duration::from_secs(9)));
        assert!(paced.text.contains("only 6 calls"), "{}", paced.text);
        assert!(refuse(Why::Held(Amount::default())).text.contains("set aside"));
    }

    #[test]
    fn money_counts_in_its_currency_and_tokens_in_any() {
        let sums = [
            ("RMB".to_owned(), Spent { calls: 1, tokens: 5, price: 700 }),
            ("USD".to_owned(), Spent { calls: 1, tokens: 6, price: 20 }),
        ];
        assert_eq!(in_currency(&sums, "USD"), Amount { tokens: 11, price: 20 });
        let budget = Budget::of(row("workspace", None)).unwrap();
        assert_eq!(budget.limits.price, Some(105_000_000));
        let price: Decimal = "0.5".parse().unwrap();
        assert_eq!(budget.amount(3, price, "RMB"), Amount { tokens: 3, price: 0 });
        assert_eq!(budget.amount(3, price, "USD"), Amount { tokens: 3, price: 5_000_000 });
    }
}
