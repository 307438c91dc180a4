//! A budget of retries over all calls: when everything fails, retries must not become the load.

use std::sync::atomic::{AtomicU32, Ordering};

/// Retries that are there at the start, and the most that are ever saved.
const FULL: u32 = 100 * PRICE;
/// What a retry costs, in calls that were answered.
const PRICE: u32 = 5;

/// Each answered call pays in one, each retry takes out five.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(FULL))
    }
}

impl Budget {
    /// A call was answered.
    pub fn earn(&self) {
        self.change(|held| (held < FULL).then_some(held + 1));
    }

    /// Takes one retry, if there is one.
    pub fn spend(&self) -> bool {
        self.change(|held| held.checked_sub(PRICE))
    }

    fn change(&self, change: impl FnMut(u32) -> Option<u32>) -> bool {
        self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, change).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_end_and_answers_bring_them_back() {
        let budget = Budget::default();
        assert_eq!((0..1000).filter(|_| budget.spend()).count(), 100);
        (0..4).for_each(|_| budget.earn());
        assert!(!budget.spend(), "four answers are not enough");
        budget.earn();
        assert!(budget.spend());
        (0..10_000).for_each(|_| budget.earn());
        assert_eq!((0..1000).filter(|_| budget.spend()).count(), 100, "no more is saved than at the start");
    }
}
