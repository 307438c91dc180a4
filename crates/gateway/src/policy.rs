//! How much is tried, and what an error means for the next try.

use std::time::Duration;

use ox_models::{ErrorClass, ModelError};

/// Limits of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Rounds of tries after the first one.
    pub retries: u32,
    /// Pause before the first retry of a route; doubled for each further one.
    pub pause: Duration,
    /// The longest pause. A provider that asks for a longer one is not asked again by this call.
    pub longest_pause: Duration,
    /// No try begins later than this after the call began.
    pub total: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            retries: 2,
            pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(8),
            total: Duration::from_secs(120),
        }
    }
}

impl Policy {
    /// The pause after a round of tries: between half and all of what the round asks for, so that callers that failed
    /// together do not come back together.
    pub(crate) fn pause(&self, round: u32) -> Duration {
        let full = self.pause.saturating_mul(2_u32.saturating_pow(round)).min(self.longest_pause);
        full.mul_f64(rand::random_range(0.5..=1.0))
    }
}

/// What an error says about where to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It would be the same everywhere.
    Final,
    /// Not with this route; others may work.
    Elsewhere { rest: Duration },
    /// This route may work again in a moment; others may work now.
    Again { rest: Duration, wait: Option<Duration> },
}

/// How long a route rests after it was refused for its rate.
const RATE_REST: Duration = Duration::from_secs(60);
/// How long it rests after other trouble.
const REST: Duration = Duration::from_secs(10);

/// Judges an error.
#[must_use]
pub const fn verdict(error: &ModelError) -> Verdict {
    match error.class {
        ErrorClass::BadRequest | ErrorClass::Unsupported | ErrorClass::Quota => Verdict::Final,
        ErrorClass::Auth => Verdict::Elsewhere { rest: REST },
        // The model is not there for this key: nothing to rest from.
        ErrorClass::NotFound => Verdict::Elsewhere { rest: Duration::ZERO },
        ErrorClass::RateLimit { retry_after: Some(wait) } => Verdict::Again { rest: wait, wait: Some(wait) },
        ErrorClass::RateLimit { retry_after: None } => Verdict::Again { rest: RATE_REST, wait: None },
        // The time that one call may take is spent.
        ErrorClass::Timeout => Verdict::Elsewhere { rest: REST },
        ErrorClass::Overloaded | ErrorClass::Connection | ErrorClass::Garbage => {
            Verdict::Again { rest: REST, wait: None }
        }
    }
}
