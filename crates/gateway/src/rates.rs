//! How much may be asked of a model in a minute: the arithmetic of windows. Counting is its caller's, who may share
//! the counters with other processes.

use std::time::Duration;

use crate::rules::RateRule;

const MINUTE: u64 = 60;

/// The minute of the clock that a time is in.
#[must_use]
pub const fn minute(unix: u64) -> u64 {
    unix / MINUTE
}

/// How long it is from a time to the next minute.
#[must_use]
pub const fn to_next_minute(unix: u64) -> Duration {
    Duration::from_secs(MINUTE - unix % MINUTE)
}

/// What of a rule holds a call back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    Requests,
    Tokens,
    Concurrent,
}

impl Full {
    /// The rule in words.
    #[must_use]
    pub fn about(self, rule: &RateRule) -> String {
        let most = |number: Option<u64>| number.unwrap_or_default();
        match self {
            Self::Requests => format!("{} requests a minute", most(rule.requests_per_minute.map(u64::from))),
            Self::Tokens => format!("{} tokens a minute", most(rule.tokens_per_minute)),
            Self::Concurrent => format!("{} calls at the same time", most(rule.concurrent.map(u64::from))),
        }
    }
}

/// Whether a call that has just been counted with what it is expected to use keeps to the limit. One that needs more
/// than a whole minute has is let in when nobody was before it: it would never be.
#[must_use]
pub fn tokens_fit(counted: i64, expected: i64, limit: u64) -> bool {
    u64::try_from(counted).unwrap_or(0) <= limit || counted <= expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_those_of_the_clock() {
        for (unix, number, left) in [(0, 0, 60), (1, 0, 59), (59, 0, 1), (60, 1, 60), (1_700_000_001, 28_333_333, 39)] {
            assert_eq!((minute(unix), to_next_minute(unix).as_secs()), (number, left), "{unix}");
        }
    }

    #[test]
    fn what_fits() {
        for (counted, expected, limit, fits) in [
            (100, 100, 1_000, true),
            (1_000, 100, 1_000, true),
            (1_001, 100, 1_000, false),
            (5_000, 5_000, 1_000, true),
            (5_001, 5_000, 1_000, false),
            (-20, 5, 10, true),
        ] {
            assert_eq!(tokens_fit(counted, expected, limit), fits, "{counted} with {expected} of {limit}");
        }
        let rule = RateRule { requests_per_minute: Some(5), concurrent: Some(2), ..RateRule::default() };
        assert_eq!(Full::Requests.about(&rule), "5 requests a minute");
        assert_eq!(Full::Concurrent.about(&rule), "2 calls at the same time");
    }
}
