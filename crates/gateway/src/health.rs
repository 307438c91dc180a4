//! Which routes rest, and which one is being tried out after its rest.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::sync::Cache;
use tokio::sync::broadcast;

/// Routes that are remembered.
const ROUTES: u64 = 100_000;
/// A route that nobody asked for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// Failures one after the other from which on rests grow.
const PATIENCE: u32 = 3;
/// The longest rest.
const LONGEST: Duration = Duration::from_secs(120);
/// Rests that somebody who tells others of them may be behind.
const BACKLOG: usize = 256;
/// A trial whose caller was never heard of again.
const LOST: Duration = Duration::from_secs(120);

/// Whether a route may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Open,
    /// Not before then.
    Resting(Instant),
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    until: Option<Instant>,
    failures: u32,
    trial: Option<Instant>,
}

/// How often routes began to rest, and how often one came back after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    pub opened: u64,
    pub closed: u64,
}

/// A route that was found to need a rest, and for how long.
pub type Rest = (Arc<str>, Duration);

/// The state of all routes of this process.
#[derive(Clone, Debug)]
pub struct Health {
    rests: broadcast::Sender<Rest>,
    routes: Cache<Arc<str>, Arc<Mutex<State>>>,
    opened: Arc<AtomicU64>,
    closed: Arc<AtomicU64>,
}

impl Default for Health {
    fn default() -> Self {
        let routes = Cache::builder().max_capacity(ROUTES).time_to_idle(FORGOTTEN).build();
        Self { rests: broadcast::Sender::new(BACKLOG), routes, opened: Arc::default(), closed: Arc::default() }
    }
}

impl Health {
    /// When a route may be asked again; `None` when it may be now.
    #[must_use]
    pub fn resting(&self, route: &str) -> Option<Duration> {
        let state = self.routes.get(route)?;
        let until = state.lock().unwrap_or_else(PoisonError::into_inner).until?;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// How often routes began to rest and came back, since the start.
    #[must_use]
    pub fn turns(&self) -> Turns {
        Turns { opened: self.opened.load(Ordering::Relaxed), closed: self.closed.load(Ordering::Relaxed) }
    }

    /// The rests that begin here from now on, for those who tell other processes.
    #[must_use]
    pub fn rests(&self) -> broadcast::Receiver<Rest> {
        self.rests.subscribe()
    }

    /// Leaves a route alone that another process found to need it.
    pub fn rest(&self, route: &str, time: Duration) {
        let state = self.routes.get_with(Arc::from(route), Arc::default);
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.until.is_none() {
            self.opened.fetch_add(1, Ordering::Relaxed);
        }
        let until = Instant::now() + time.min(LONGEST);
        state.until = Some(state.until.map_or(until, |known| known.max(until)));
    }

    /// Forgets what happened to a route: its key was changed.
    pub fn forget(&self, route: &str) {
        self.routes.invalidate(route);
    }

    /// Asks to use a route. After a rest one call goes first.
    pub(crate) fn admit(&self, route: &str, now: Instant) -> Admission {
        let Some(state) = self.routes.get(route) else { return Admission::Open };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = state.until else { return Admission::Open };
        if now < until {
            return Admission::Resting(until);
        }
        match state.trial {
            Some(began) if now < began + LOST => Admission::Resting(began + LOST),
            _ => {
                state.trial = Some(now);
                Admission::Open
            }
        }
    }

    /// It worked.
    pub(crate) fn worked(&self, route: &str) {
        if let Some(state) = self.routes.get(route) {
            let before = std::mem::take(&mut *state.lock().unwrap_or_else(PoisonError::into_inner));
            if before.until.is_some() {
                self.closed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// It did not, and rests: the longer the more often in a row.
    pub(crate) fn failed(&self, route: &Arc<str>, rest: Duration, now: Instant) {
        let state = self.routes.get_with(Arc::clone(route), Arc::default);
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = state.until.filter(|until| now < *until && state.trial.is_none()) {
            // A call that began before it rested: it knows nothing new, but for how long it is told to wait.
            state.until = Some(until.max(now + rest));
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.until.is_none() {
            self.opened.fetch_add(1, Ordering::Relaxed);
        }
        let times = 2_u32.saturating_pow(state.failures.saturating_sub(PATIENCE).min(10));
        let rest = rest.saturating_mul(times).min(LONGEST.max(rest));
        state.until = Some(now + rest);
        state.trial = None;
        // Nobody listens where there is one process.
        let _ = self.rests.send((Arc::clone(route), rest));
    }

    /// Whoever tried it gave up before it answered.
    pub(crate) fn left(&self, route: &str) {
        if let Some(state) = self.routes.get(route) {
            state.lock().unwrap_or_else(PoisonError::into_inner).trial = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(10);

    #[test]
    fn a_route_rests_then_one_call_tries_it_out() {
        let (health, route, start) = (Health::default(), Arc::<str>::from("a"), Instant::now());
        assert_eq!(health.admit(&route, start), Admission::Open, "a new one");
        health.failed(&route, REST, start);
        assert_eq!(health.admit(&route, start + REST / 2), Admission::Resting(start + REST));
        let after = start + REST;
        assert_eq!(health.admit(&route, after), Admission::Open, "the trial");
        assert_eq!(health.admit(&route, after), Admission::Resting(after + LOST), "beside the trial");
        health.left(&route);
        assert_eq!(health.admit(&route, after), Admission::Open, "the trial was given up, another begins");
        assert_eq!(health.admit(&route, after + LOST), Admission::Open, "nobody heard of that one");
        health.worked(&route);
        assert_eq!(health.admit(&route, after), Admission::Open);
        assert_eq!(health.admit(&route, after), Admission::Open, "open to all");
        assert_eq!(health.turns(), Turns { opened: 1, closed: 1 });
        health.failed(&route, REST, after);
        health.failed(&route, REST, after);
        assert_eq!(health.turns(), Turns { opened: 2, closed: 1 }, "it rests already");
    }

    #[test]
    fn a_rest_is_told_to_others_who_keep_it() {
        let (here, there, route) = (Health::default(), Health::default(), Arc::<str>::from("a"));
        let mut told = here.rests();
        let now = Instant::now();
        here.failed(&route, REST, now);
        let (about, rest) = told.try_recv().unwrap();
        assert_eq!((&*about, rest), ("a", REST));
        let mut echo = there.rests();
        there.rest(&about, rest);
        assert!(matches!(there.admit(&route, now), Admission::Resting(until) if until >= now + REST));
        assert!(echo.try_recv().is_err(), "what was told is not told again");
        there.rest(&about, Duration::from_secs(1));
        assert!(there.resting("a").is_some_and(|left| left > REST / 2), "a shorter one changes nothing");
        there.rest("b", Duration::MAX);
        assert!(there.resting("b").is_some_and(|left| left <= LONGEST), "others cannot close a route for ever");
        assert_eq!(there.turns(), Turns { opened: 2, closed: 0 });
    }

    #[test]
    fn rests_grow_with_failures_up_to_a_limit() {
        let (health, route, start) = (Health::default(), Arc::<str>::from("a"), Instant::now());
        let mut now = start;
        let rests = (0..9).map(|_| {
            health.failed(&route, REST, now);
            // Those that were under way meanwhile tell nothing new.
            (0..5).for_each(|_| health.failed(&route, REST, now));
            match health.admit(&route, now) {
                Admission::Resting(until) => {
                    let rest = (until - now).as_secs();
                    now = until;
                    rest
                }
                Admission::Open => 0,
            }
        });
        assert_eq!(rests.collect::<Vec<_>>(), [10, 10, 10, 20, 40, 80, 120, 120, 120]);
        let long = Duration::from_secs(300);
        health.failed(&route, long, now);
        assert_eq!(health.admit(&route, now), Admission::Resting(now + long), "as it was told");
        assert!(health.resting(&route).is_some_and(|left| left.as_secs() > 290));
        health.forget(&route);
        assert_eq!((health.admit(&route, start), health.resting(&route)), (Admission::Open, None));
    }
}
