//! What stands between a call of a model and the one who serves it: which key and which model are asked, in which
//! order, how often, and which are left alone for a while.
//!
//! A call has *tiers* (the wanted model, then each fallback) of *routes* (one for each key). [`Gateway::run`] tries
//! them until one works: other keys at once, the next tier when a tier is spent, the same route again only after a
//! pause. It knows no vendor, no database and no workspace; callers name routes by a key of their own and do the
//! asking. Invariants: the number of rounds is bounded by the [`Policy`] and retries, over all calls, by a budget, so
//! that trouble does not multiply calls; an error that would be the same everywhere is given back at once; a route
//! that failed rests, and is tried by one call alone before the others come back.
//!
//! [`Rules`] are what a workspace decides beyond that: which [`Answers`] are given again, which calls go to another
//! model ([`choose`]), are made twice ([`Hedges`]), or wait for their turn. All of it is off until it is set.
//!
//! A [`Ledger`] keeps calls within budgets: what a call may need is set aside before it is made, so that calls at the
//! same time see each other; what it used is told afterwards. What other processes used comes from its caller.

mod answers;
mod budget;
mod gateway;
mod health;
mod hedge;
mod ledger;
mod policy;
mod rates;
mod rules;
mod tiering;

pub use answers::{Answer, Answers, Held, Key, Meaning, Question, Recording};
pub use gateway::{Gateway, Hedge, Place};
pub use health::{Health, Rest, Turns};
pub use hedge::Hedges;
pub use ledger::{Action, Amount, Hold, Ledger, Limits, Mark, Refusal, Reservation, Why, Window};
pub use policy::{Policy, Verdict, verdict};
pub use rates::{Full, minute, to_next_minute, tokens_fit};
pub use rules::{AccessRule, CacheRules, HedgeRule, HedgeRules, RateRule, Rules, Subject, TierRule};
pub use tiering::{Facts, LANGUAGES, choose, complexity, language};
