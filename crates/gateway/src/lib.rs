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
//! A [`Ledger`] keeps calls within budgets: what a call may need is set aside before it is made, so that calls at the
//! same time see each other; what it used is told afterwards. What other processes used comes from its caller.

mod budget;
mod gateway;
mod health;
mod ledger;
mod policy;

pub use gateway::{Gateway, Place};
pub use health::Health;
pub use ledger::{Action, Amount, Hold, Ledger, Limits, Mark, Refusal, Reservation, Why, Window};
pub use policy::{Policy, Verdict, verdict};
