//! Budgets: how much may be used, and what is set aside for calls that are being made.
//!
//! An *account* is a budget of one subject in one window. It knows what the database told (`told`), what was settled
//! here since (`settled`), and what is set aside (`reserved`). A stopping budget lets a call begin while
//! `told + settled + reserved` is below its limit. So it is exceeded by less than the last call that was let in, as
//! long as calls need no more than was set aside for them; by less than the calls in flight in any case.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use tokio::sync::Notify;

/// Accounts that are kept; idle ones go first.
const MOST_ACCOUNTS: usize = 100_000;
/// An account that nobody looked at so long is idle.
const IDLE: Duration = Duration::from_secs(3600);
/// A look at a full ledger for idle accounts costs; so often it is done.
const SWEEP: Duration = Duration::from_secs(60);

/// Tokens and money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    pub tokens: u64,
    /// In ten-millionths of the budget's currency.
    pub price: u64,
}

impl Amount {
    const fn plus(self, other: Self) -> Self {
        Self { tokens: self.tokens.saturating_add(other.tokens), price: self.price.saturating_add(other.price) }
    }

    const fn minus(self, other: Self) -> Self {
        Self { tokens: self.tokens.saturating_sub(other.tokens), price: self.price.saturating_sub(other.price) }
    }
}

/// What happens when a budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing but alerts.
    Warn,
    /// Only so many calls begin in a minute.
    Throttle { per_minute: u32 },
    /// No call begins.
    Stop,
}

/// How much may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub tokens: Option<u64>,
    /// In ten-millionths.
    pub price: Option<u64>,
    pub action: Action,
}

impl Limits {
    fn is_spent(&self, used: Amount) -> bool {
        self.tokens.is_some_and(|limit| used.tokens >= limit) || self.price.is_some_and(|limit| used.price >= limit)
    }

    /// The larger part of what may be used that is used.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio needs no exact value")]
    pub fn ratio(&self, used: Amount) -> f64 {
        let of = |used: u64, limit: Option<u64>| limit.map_or(0.0, |limit| used as f64 / limit.max(1) as f64);
        of(used.tokens, self.tokens).max(of(used.price, self.price))
    }
}

/// The time that a budget is for, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    Day,
    Month,
    Total,
}

impl Window {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Total => "total",
        }
    }

    /// Reads a wire name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Day, Self::Month, Self::Total].into_iter().find(|window| window.as_str() == text)
    }

    /// Its first and last day around a time; none for what never ends.
    #[must_use]
    pub fn days(self, at: DateTime<Utc>) -> Option<(NaiveDate, NaiveDate)> {
        let today = at.date_naive();
        match self {
            Self::Day => Some((today, today)),
            Self::Month => {
                let first = NaiveDate::from_ymd_opt(today.year(), today.month(), 1)?;
                Some((first, first.checked_add_months(Months::new(1))?.checked_sub_days(Days::new(1))?))
            }
            Self::Total => None,
        }
    }

    /// What tells this window from others of its kind.
    #[must_use]
    pub fn name(self, at: DateTime<Utc>) -> String {
        self.days(at).map_or_else(|| self.as_str().to_owned(), |(first, _)| first.to_string())
    }
}

/// What a call wants of one account.
#[derive(Clone, Debug)]
pub struct Hold {
    /// The caller's name for a budget of one subject in one window.
    pub account: Arc<str>,
    pub limits: Limits,
    /// What the call is expected to use.
    pub expected: Amount,
}

/// Why a call may not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The budget is spent.
    Spent(Amount),
    /// What is left is set aside for calls that are being made.
    Held(Amount),
    /// The budget is spent, and the next call may begin after this time.
    Paced(Duration),
}

/// A call that may not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which of the holds refused.
    pub hold: usize,
    pub why: Why,
}

#[derive(Debug, Default)]
struct Account {
    /// What the database told, and how much of `written` was in it.
    told: Amount,
    covers: Amount,
    /// Everything settled here that has reached the database.
    written: Amount,
    /// What has not.
    settled: Amount,
    reserved: Amount,
    calls: u32,
    /// When a throttled call may begin.
    turn: Option<Instant>,
    told_at: Option<Instant>,
    asking: Option<Instant>,
    seen: Option<Instant>,
}

impl Account {
    const fn used(&self) -> Amount {
        self.told.plus(self.written.minus(self.covers)).plus(self.settled)
    }

    const fn is_busy(&self) -> bool {
        self.calls > 0 || self.settled.tokens > 0 || self.settled.price > 0
    }
}

/// How much of what was written here the database knows for sure, at the moment it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Mark(Amount);

/// The accounts of this process.
#[derive(Debug, Default)]
pub struct Ledger {
    accounts: Mutex<Accounts>,
    /// Rung when something that was set aside is free again.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Accounts {
    all: HashMap<Arc<str>, Account>,
    swept: Option<Instant>,
}

impl Ledger {
    /// Asks whether the database should be asked about an account: never told, or told too long ago, and nobody else is
    /// asking. An account that was never told is asked about by everybody who needs it.
    #[must_use]
    pub fn stale(&self, account: &Arc<str>, fresh: Duration, now: Instant) -> Option<Mark> {
        let mut accounts = self.lock();
        accounts.sweep(now);
        let account = accounts.all.entry(Arc::clone(account)).or_default();
        account.seen = Some(now);
        let is_asked = account.asking.is_some_and(|since| now < since + fresh);
        let is_due = account.told_at.is_none_or(|at| now >= at + fresh && !is_asked);
        if is_due {
            account.asking = Some(now);
        }
        is_due.then_some(Mark(account.written))
    }

    /// What the database told of an account.
    pub fn told(&self, account: &Arc<str>, mark: Mark, amount: Amount, now: Instant) {
        let mut accounts = self.lock();
        let Some(account) = accounts.all.get_mut(account) else { return };
        // An answer that is older than the last one is none.
        if mark.0.tokens >= account.covers.tokens && mark.0.price >= account.covers.price {
            (account.told, account.covers) = (amount, mark.0);
        }
        account.told_at = Some(now);
        account.asking = None;
        drop(accounts);
        self.freed.notify_waiters();
    }

    /// Some of what was settled has reached the database.
    pub fn written(&self, account: &str, amount: Amount) {
        if let Some(account) = self.lock().all.get_mut(account) {
            account.settled = account.settled.minus(amount);
            account.written = account.written.plus(amount);
        }
    }

    /// What is used of an account as far as this process knows.
    #[must_use]
    pub fn used(&self, account: &str) -> Option<Amount> {
        self.lock().all.get(account).map(Account::used)
    }

    /// Sets aside what a call is expected to use; waits for room, or for its turn, for as long as `patience` says.
    ///
    /// # Errors
    /// Which hold refused, and why.
    pub async fn reserve(self: &Arc<Self>, holds: &[Hold], patience: Duration) -> Result<Reservation, Refusal> {
        let until = Instant::now() + patience;
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // From here on nothing that becomes free is missed.
            freed.as_mut().enable();
            let refusal = match self.try_reserve(holds, Instant::now()) {
                Ok(reservation) => return Ok(reservation),
                Err(refusal) => refusal,
            };
            let left = until.saturating_duration_since(Instant::now());
            match refusal.why {
                Why::Spent(_) => return Err(refusal),
                Why::Held(_) if left.is_zero() => return Err(refusal),
                Why::Held(_) => {
                    let _ = tokio::time::timeout(left, freed).await;
                }
                Why::Paced(wait) if wait > left => return Err(refusal),
                Why::Paced(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// The same without waiting.
    ///
    /// # Errors
    /// Which hold refused, and why.
    pub fn try_reserve(self: &Arc<Self>, holds: &[Hold], now: Instant) -> Result<Reservation, Refusal> {
        let mut accounts = self.lock();
        for (number, hold) in holds.iter().enumerate() {
            let account = accounts.all.entry(Arc::clone(&hold.account)).or_default();
            if let Err(why) = may_begin(account, &hold.limits, now) {
                return Err(Refusal { hold: number, why });
            }
        }
        let mut held = Vec::with_capacity(holds.len());
        for hold in holds {
            let Some(account) = accounts.all.get_mut(&hold.account) else { continue };
            // A call that is expected to use nothing still counts: nobody knows what it will use.
            let expected = Amount { tokens: hold.expected.tokens.max(1), price: hold.expected.price.max(1) };
            if let Action::Throttle { per_minute } = hold.limits.action
                && hold.limits.is_spent(account.used().plus(account.reserved))
            {
                account.turn = Some(now + Duration::from_secs(60) / per_minute.max(1));
            }
            account.reserved = account.reserved.plus(expected);
            account.calls += 1;
            account.seen = Some(now);
            held.push((Arc::clone(&hold.account), expected));
        }
        drop(accounts);
        Ok(Reservation { ledger: Arc::clone(self), held })
    }

    fn settle(&self, held: &[(Arc<str>, Amount)], used: impl Fn(usize) -> Amount) {
        let mut accounts = self.lock();
        for (number, (account, expected)) in held.iter().enumerate() {
            if let Some(account) = accounts.all.get_mut(account) {
                account.reserved = account.reserved.minus(*expected);
                account.calls = account.calls.saturating_sub(1);
                account.settled = account.settled.plus(used(number));
            }
        }
        drop(accounts);
        self.freed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts {
    fn sweep(&mut self, now: Instant) {
        let swept = self.swept.is_some_and(|at| now < at + SWEEP);
        if self.all.len() < MOST_ACCOUNTS || swept {
            return;
        }
        self.swept = Some(now);
        self.all.retain(|_, account| account.is_busy() || account.seen.is_some_and(|at| now < at + IDLE));
    }
}

fn may_begin(account: &Account, limits: &Limits, now: Instant) -> Result<(), Why> {
    let used = account.used();
    let taken = used.plus(account.reserved);
    match limits.action {
        Action::Warn => Ok(()),
        Action::Stop if limits.is_spent(used) => Err(Why::Spent(used)),
        Action::Stop if limits.is_spent(taken) => Err(Why::Held(taken)),
        Action::Throttle { .. } if limits.is_spent(taken) => match account.turn.map(|turn| turn - now.min(turn)) {
            Some(wait) if !wait.is_zero() => Err(Why::Paced(wait)),
            _ => Ok(()),
        },
        Action::Stop | Action::Throttle { .. } => Ok(()),
    }
}

/// What is set aside for a call. Dropping it frees it again.
#[derive(Debug)]
pub struct Reservation {
    ledger: Arc<Ledger>,
    held: Vec<(Arc<str>, Amount)>,
}

impl Reservation {
    /// The accounts it is of, in the order of the holds.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<str>> {
        self.held.iter().map(|(account, _)| account)
    }

    /// The call is over: what it used of each account, in the order of the holds.
    pub fn settle(mut self, used: &[Amount]) {
        let held = std::mem::take(&mut self.held);
        self.ledger.settle(&held, |number| used.get(number).copied().unwrap_or_default());
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.held.is_empty() {
            self.ledger.settle(&self.held, |_| Amount::default());
        }
    }
}

#[cfg(test)]
mod tests;
