//! Stopping budgets across processes: what all of them used and set aside, in counters of the shared store.
//!
//! The ledger of a process knows what the others used up to two seconds ago, so calls of two processes that begin in the
//! same moment would both see room. Here a budget is one counter of each unit for all: it begins with what the database
//! knows, a call adds what it is expected to use if there is room, and corrects that when it is over. A counter
//! is used for one epoch and then begins anew, so what a process that died had set aside is held no longer than
//! that; a budget may be exceeded by the calls that are being made at that moment. While the store is away each
//! process goes by its ledger.

use std::{sync::Arc, time::Duration};

use ox_db::now;
use ox_gateway::{Action, Amount, Hold};
use ox_kv::{Kv, Result};
use ox_types::boxed;
use tokio_util::task::TaskTracker;

/// How long one counter is used, in seconds.
const EPOCH: i64 = 600;
/// How long it is kept: calls that began in one epoch end in the next.
const LIFE: Duration = Duration::from_secs(1200);

/// The counters of all budgets.
#[derive(Clone)]
pub(crate) struct Shared {
    kv: Arc<dyn Kv>,
    tracker: TaskTracker,
}

/// What a call has set aside. Dropping it frees it again.
pub(crate) struct Share {
    shared: Shared,
    epoch: i64,
    parts: Vec<Part>,
}

struct Part {
    hold: usize,
    account: Arc<str>,
    unit: &'static str,
    expected: i64,
}

/// The units of an account: name, limit, what is expected, what is used already.
fn units(hold: &Hold, base: Amount) -> [(&'static str, Option<u64>, u64, u64); 2] {
    let Hold { limits, expected, .. } = hold;
    [("tokens", limits.tokens, expected.tokens, base.tokens), ("price", limits.price, expected.price, base.price)]
}

fn key(account: &str, unit: &str, epoch: i64) -> String {
    format!("budget:{account}:{unit}:{epoch}")
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX / 4)
}

impl Shared {
    pub fn new(kv: Arc<dyn Kv>, tracker: TaskTracker) -> Self {
        Self { kv, tracker }
    }

    /// Nothing is set aside yet.
    pub fn share(&self) -> Share {
        Share { shared: self.clone(), epoch: now().timestamp() / EPOCH, parts: Vec::new() }
    }
}

impl Share {
    /// Whether the counters of an account are there; it need not have any.
    #[boxed]
    pub async fn is_begun(&self, hold: &Hold) -> Result<bool> {
        if hold.limits.action != Action::Stop {
            return Ok(true);
        }
        for (unit, limit, ..) in units(hold, Amount::default()) {
            if limit.is_some() && self.shared.kv.get(&key(&hold.account, unit, self.epoch)).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Begins the counters of an account with what was used of it, unless somebody did.
    #[boxed]
    pub async fn begin(&self, hold: &Hold, base: Amount) -> Result<()> {
        for (unit, limit, _, used) in units(hold, base) {
            if limit.is_some() {
                let key = key(&hold.account, unit, self.epoch);
                self.shared.kv.set_if_absent(&key, &signed(used).to_string(), Some(LIFE)).await?;
            }
        }
        Ok(())
    }

    /// Sets aside what a call is expected to use of an account; false where a counter has no room.
    #[boxed]
    pub async fn add(&mut self, number: usize, hold: &Hold) -> Result<bool> {
        if hold.limits.action != Action::Stop {
            return Ok(true);
        }
        for (unit, limit, expected, _) in units(hold, Amount::default()) {
            let Some(limit) = limit else { continue };
            // A call that is expected to use nothing still counts, and one begins while anything is left.
            let expected = signed(expected.max(1));
            let most = signed(limit).saturating_sub(1).saturating_add(expected);
            let key = key(&hold.account, unit, self.epoch);
            if self.shared.kv.increment_up_to(&key, expected, most, LIFE).await?.is_none() {
                return Ok(false);
            }
            self.parts.push(Part { hold: number, account: Arc::clone(&hold.account), unit, expected });
        }
        Ok(true)
    }

    /// The call is over: what it used of each account, in the order of the holds.
    pub fn settle(mut self, used: &[Amount]) {
        self.close(|part| {
            let amount = used.get(part.hold).copied().unwrap_or_default();
            signed(if part.unit == "tokens" { amount.tokens } else { amount.price })
        });
    }

    fn close(&mut self, used: impl Fn(&Part) -> i64) {
        let parts: Vec<(Part, i64)> = std::mem::take(&mut self.parts)
            .into_iter()
            .map(|part| {
                let used = used(&part);
                (part, used)
            })
            .collect();
        // At the end of the process there may be no runtime any more.
        if !parts.is_empty()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let work = correct(Arc::clone(&self.shared.kv), self.epoch, parts);
            self.shared.tracker.spawn_on(work, &runtime);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.close(|_| 0);
    }
}

/// Puts what was used in the place of what was expected.
async fn correct(kv: Arc<dyn Kv>, begun: i64, parts: Vec<(Part, i64)>) {
    let epoch = now().timestamp() / EPOCH;
    for (Part { account, unit, expected, .. }, used) in parts {
        let done = async {
            if epoch == begun {
                return kv.increment(&key(&account, unit, begun), used - expected, LIFE).await.map(drop);
            }
            // The next counter does not know of this call; one that is not there yet learns of it from the database.
            let key = key(&account, unit, epoch);
            if kv.get(&key).await?.is_some() { kv.increment(&key, used, LIFE).await.map(drop) } else { Ok(()) }
        };
        if let Err(error) = done.await {
            tracing::warn!(%error, "what a call used is missing in the shared counter of its budget");
        }
    }
}

#[cfg(test)]
mod tests {
    use ox_gateway::Limits;
    use ox_kv::{Bounds, Memory};

    use super::*;

    fn hold(tokens: Option<u64>, price: Option<u64>, action: Action) -> Hold {
        let expected = Amount { tokens: 10, price: 5 };
        Hold { account: "b/2026-12/".into(), limits: Limits { tokens, price, action }, expected }
    }

    /// A store, and two processes that share it.
    fn processes() -> (Arc<Memory>, [Shared; 2]) {
        let kv = Arc::new(Memory::new(Bounds::default()));
        let one = || Shared::new(Arc::clone(&kv) as Arc<dyn Kv>, TaskTracker::new());
        (Arc::clone(&kv), [one(), one()])
    }

    async fn settled(processes: &[Shared]) {
        for process in processes {
            process.tracker.close();
            process.tracker.wait().await;
            process.tracker.reopen();
        }
    }

    async fn take(process: &Shared, hold: &Hold) -> Option<Share> {
        let mut share = process.share();
        if !share.is_begun(hold).await.unwrap() {
            share.begin(hold, Amount { tokens: 20, price: 0 }).await.unwrap();
        }
        share.add(0, hold).await.unwrap().then_some(share)
    }

    #[tokio::test]
    async fn calls_of_two_processes_fit_into_one_budget() {
        let (_kv, processes) = processes();
        let hold = hold(Some(100), None, Action::Stop);
        let tasks = (0..40).map(|number| {
            let (process, hold) = (processes[number % 2].clone(), hold.clone());
            tokio::spawn(async move { take(&process, &hold).await })
        });
        let mut taken: Vec<Share> =
            futures::future::join_all(tasks).await.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(taken.len(), 8, "20 of 100 were used, and each expects 10");
        // One used less than it was expected to, one was never made.
        taken.remove(0).settle(&[Amount { tokens: 3, price: 0 }]);
        taken.remove(0);
        settled(&processes).await;
        let more = [take(&processes[1], &hold).await, take(&processes[0], &hold).await];
        assert!(more.iter().all(Option::is_some), "83, then 93: a call begins while anything is left");
        assert!(take(&processes[1], &hold).await.is_none(), "103");
    }

    #[tokio::test]
    async fn what_has_no_room_in_one_unit_is_given_back_in_the_other() {
        let (kv, processes) = processes();
        let hold = hold(Some(1_000), Some(5), Action::Stop);
        let first = take(&processes[0], &hold).await;
        assert!(first.is_some());
        assert!(take(&processes[1], &hold).await.is_none(), "no money is left");
        settled(&processes).await;
        let epoch = first.as_ref().unwrap().epoch;
        assert_eq!(kv.get(&key("b/2026-12/", "tokens", epoch)).await.unwrap().as_deref(), Some("30"));
    }

    #[tokio::test]
    async fn budgets_that_do_not_stop_need_no_counter() {
        let (kv, processes) = processes();
        for action in [Action::Warn, Action::Throttle { per_minute: 1 }] {
            let share = take(&processes[0], &hold(Some(1), Some(1), action)).await.unwrap();
            assert!(share.parts.is_empty());
            assert_eq!(kv.get(&key("b/2026-12/", "tokens", share.epoch)).await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn what_began_in_an_epoch_that_is_over_counts_in_the_next() {
        let (kv, processes) = processes();
        let hold = hold(Some(100), None, Action::Stop);
        let mut late = take(&processes[0], &hold).await.unwrap();
        let epoch = late.epoch;
        late.epoch -= 1;
        late.settle(&[Amount { tokens: 7, price: 0 }]);
        settled(&processes).await;
        assert_eq!(kv.get(&key("b/2026-12/", "tokens", epoch)).await.unwrap().as_deref(), Some("37"));
    }
}
