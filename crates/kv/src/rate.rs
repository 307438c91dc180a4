//! How often something may happen: logins per address, requests per app.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{
    DefaultKeyedRateLimiter,
    clock::{Clock, DefaultClock},
};

/// So many times in a period; unused ones may be used at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    count: NonZeroU32,
    per: Duration,
}

impl Quota {
    /// `count` times in each period; `None` for zero, which means no limit.
    #[must_use]
    pub fn new(count: u32, per: Duration) -> Option<Self> {
        NonZeroU32::new(count).filter(|_| !per.is_zero()).map(|count| Self { count, per })
    }

    /// `count` times a minute; `None` for zero.
    #[must_use]
    pub fn per_minute(count: u32) -> Option<Self> {
        Self::new(count, Duration::from_secs(60))
    }

    /// `count` times an hour; `None` for zero.
    #[must_use]
    pub fn per_hour(count: u32) -> Option<Self> {
        Self::new(count, Duration::from_secs(3600))
    }
}

/// The quota is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests; try again in {} s", self.retry_after_seconds())]
pub struct Exceeded {
    pub retry_after: Duration,
}

impl Exceeded {
    /// For the header `Retry-After`: whole seconds, at least one.
    #[must_use]
    pub fn retry_after_seconds(&self) -> u64 {
        self.retry_after.as_secs()
            + u64::from(self.retry_after.subsec_nanos() > 0).max(u64::from(self.retry_after.is_zero()))
    }
}

/// Keys seen of one quota, after which those at rest are forgotten.
const TIDY_ABOVE: usize = 10_000;

/// Rate limits of this process, by quota and key.
#[derive(Default)]
pub struct RateLimits {
    by_quota: Mutex<HashMap<Quota, Arc<DefaultKeyedRateLimiter<String>>>>,
    clock: DefaultClock,
}

impl RateLimits {
    /// No limit used yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one use of a key under a quota; keys name their scope (`login:<email>`, `app:<id>`).
    ///
    /// # Errors
    /// When the quota is used up; then nothing is counted.
    pub fn check(&self, key: &str, quota: Quota) -> Result<(), Exceeded> {
        let limiter = self.limiter(quota);
        if limiter.len() > TIDY_ABOVE {
            limiter.retain_recent();
        }
        limiter
            .check_key(&key.to_owned())
            .map_err(|refused| Exceeded { retry_after: refused.wait_time_from(self.clock.now()) })
    }

    fn limiter(&self, quota: Quota) -> Arc<DefaultKeyedRateLimiter<String>> {
        let mut by_quota = self.by_quota.lock().unwrap_or_else(PoisonError::into_inner);
        // Quotas come from settings and apps: few, but edited ones must not pile up.
        if by_quota.len() > 1000 {
            by_quota.retain(|_, limiter| {
                limiter.retain_recent();
                !limiter.is_empty()
            });
        }
        Arc::clone(by_quota.entry(quota).or_insert_with(|| {
            let each = quota.per / quota.count.get();
            let each = if each.is_zero() { Duration::from_nanos(1) } else { each };
            // A period of zero is excluded above; one second is never used.
            let rate = governor::Quota::with_period(each)
                .unwrap_or(governor::Quota::per_second(quota.count))
                .allow_burst(quota.count);
            Arc::new(DefaultKeyedRateLimiter::dashmap(rate))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_per_key() {
        let limits = RateLimits::new();
        let quota = Quota::per_hour(3).unwrap();
        for _ in 0..3 {
            limits.check("login:a", quota).unwrap();
        }
        let refused = limits.check("login:a", quota).unwrap_err();
        assert!(refused.retry_after > Duration::from_secs(1100) && refused.retry_after <= Duration::from_secs(1200));
        limits.check("login:b", quota).unwrap();
        limits.check("login:a", Quota::per_hour(4).unwrap()).unwrap();
    }

    #[test]
    fn zero_is_no_quota() {
        assert_eq!(Quota::per_minute(0), None);
        assert_eq!(Quota::new(5, Duration::ZERO), None);
    }

    #[test]
    fn waiting_is_told_in_whole_seconds() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2)] {
            assert_eq!(Exceeded { retry_after: Duration::from_millis(millis) }.retry_after_seconds(), seconds);
        }
    }
}
