//! When a call that is slow to begin is made a second time.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::sync::Cache;

/// Models that are remembered.
const MODELS: u64 = 10_000;
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// Calls whose time is remembered, and how many make a figure.
const SAMPLES: usize = 100;
const ENOUGH: usize = 20;
/// The bounds of a pause that was learnt.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(30);
/// Second calls that are saved up, in hundredths.
const SAVED: u32 = 500;
const WHOLE: u32 = 100;

/// What is known of the calls of one model.
#[derive(Debug)]
struct State {
    /// The times of the last calls, in the order they ended; `next` is overwritten next.
    times: Vec<Duration>,
    next: usize,
    /// What may be spent on second calls, in hundredths of one.
    saved: u32,
}

impl Default for State {
    fn default() -> Self {
        Self { times: Vec::new(), next: 0, saved: WHOLE }
    }
}

/// The calls of all models that may be made twice.
#[derive(Clone, Debug)]
pub struct Hedges(Cache<Arc<str>, Arc<Mutex<State>>>);

impl Default for Hedges {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MODELS).time_to_idle(FORGOTTEN).build())
    }
}

impl Hedges {
    /// A call begins: how long it is waited for. It adds its share to what may be spent.
    #[must_use]
    pub fn begin(&self, model: &Arc<str>, after: Option<Duration>, percent: u8) -> Option<Duration> {
        let state = self.0.get_with(Arc::clone(model), Arc::default);
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.saved = (state.saved + u32::from(percent)).min(SAVED);
        after.or_else(|| usual(&state.times))
    }

    /// Whether a second call may be made now; takes it from what is saved.
    #[must_use]
    pub fn spend(&self, model: &Arc<str>) -> bool {
        let Some(state) = self.0.get(model) else { return false };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let left = state.saved.checked_sub(WHOLE);
        state.saved = left.unwrap_or(state.saved);
        left.is_some()
    }

    /// A second call that was paid for was not made.
    pub fn back(&self, model: &Arc<str>) {
        if let Some(state) = self.0.get(model) {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.saved = (state.saved + WHOLE).min(SAVED);
        }
    }

    /// A call began to be answered after so long.
    pub fn took(&self, model: &Arc<str>, time: Duration) {
        let state = self.0.get_with(Arc::clone(model), Arc::default);
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let at = state.next;
        match state.times.get_mut(at) {
            Some(oldest) => *oldest = time,
            None => state.times.push(time),
        }
        state.next = (at + 1) % SAMPLES;
    }
}

/// As long as 95 of 100 calls take; `None` before enough are known.
fn usual(times: &[Duration]) -> Option<Duration> {
    if times.len() < ENOUGH {
        return None;
    }
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let time = sorted.get((sorted.len() * 95).div_ceil(100).saturating_sub(1))?;
    Some((*time).clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_a_share_of_calls_is_made_twice() {
        let after = Some(Duration::from_millis(5));
        for (percent, calls, most) in [(10_u8, 1_000, 101), (0, 1_000, 1), (100, 50, 50), (1, 99, 1), (1, 101, 2)] {
            let (hedges, model) = (Hedges::default(), Arc::<str>::from("p/m"));
            let twice = (0..calls).filter(|_| {
                assert_eq!(hedges.begin(&model, after, percent), after);
                hedges.spend(&model)
            });
            assert_eq!(twice.count(), most, "{percent} % of {calls}");
        }
        let (hedges, model) = (Hedges::default(), Arc::<str>::from("p/m"));
        for _ in 0..10_000 {
            assert_eq!(hedges.begin(&model, after, 10), after);
        }
        assert_eq!((0..100).filter(|_| hedges.spend(&model)).count(), 5, "quiet times are not saved up for ever");
        hedges.back(&model);
        assert!(hedges.spend(&model) && !hedges.spend(&model));
    }

    #[test]
    fn the_pause_is_learnt_from_the_last_calls() {
        let (hedges, model) = (Hedges::default(), Arc::<str>::from("p/m"));
        let millis = Duration::from_millis;
        for number in 1..=ENOUGH {
            assert_eq!(hedges.begin(&model, None, 10), None, "{number} calls are too few");
            hedges.took(&model, millis(number as u64 * 100));
        }
        assert_eq!(hedges.begin(&model, None, 10), Some(millis(1_900)), "19 of 20");
        assert_eq!(hedges.begin(&model, Some(millis(7)), 10), Some(millis(7)), "as it is set");
        (0..SAMPLES).for_each(|_| hedges.took(&model, millis(1)));
        assert_eq!(hedges.begin(&model, None, 10), Some(SHORTEST));
        (0..SAMPLES).for_each(|_| hedges.took(&model, Duration::from_secs(600)));
        assert_eq!(hedges.begin(&model, None, 10), Some(LONGEST));
    }
}
