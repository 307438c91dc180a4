//! Tries the routes of a call until one works.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ox_models::ModelError;

use crate::{
    budget::Budget,
    health::{Admission, Health},
    policy::{Policy, Verdict, verdict},
};

/// Which route: its tier and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub tier: usize,
    pub route: usize,
}

/// Ends when a call that has no answer yet should be made a second time, elsewhere; false when it should not.
pub type Hedge<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// What came of a try: an answer, or who failed and why.
type Tried<'a, T> = Result<T, Vec<(Place, &'a Arc<str>, ModelError)>>;

/// What is known of all routes of this process.
#[derive(Debug, Default)]
pub struct Gateway {
    health: Health,
    budget: Budget,
    turn: AtomicUsize,
}

impl Gateway {
    /// Which routes rest.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// Asks by way of `attempt` until a route answers: every route that does not rest, tier by tier; then, after a
    /// pause, those again that may work in a moment. When all rest, the first is asked all the same: no call is refused
    /// without having been tried. With a `hedge`, the first that is asked may get company: the second is told that it is
    /// one, and whoever answers first ends the other.
    ///
    /// # Errors
    /// The error of the last try; `nothing` when there is no route at all.
    pub async fn run<T, Answer>(
        &self,
        tiers: &[Vec<Arc<str>>],
        policy: &Policy,
        mut hedge: Option<Hedge<'_>>,
        attempt: impl Fn(Place, bool) -> Answer,
        nothing: impl FnOnce() -> ModelError,
    ) -> Result<T, ModelError>
    where
        Answer: Future<Output = Result<T, ModelError>>,
    {
        let began = Instant::now();
        let mut places = self.order(tiers);
        let mut last = None;
        for round in 0..=policy.retries {
            let (mut again, mut wait) = (Vec::new(), Duration::ZERO);
            {
                let mut admitted = self.admitted(&places, round);
                while let Some((place, route)) = admitted.next() {
                    if began.elapsed() >= policy.total || (round > 0 && !self.budget.spend()) {
                        return Err(last.unwrap_or_else(nothing));
                    }
                    let tried = match hedge.take() {
                        Some(hedge) => self.ask_both((place, route), hedge, &mut admitted, &attempt).await,
                        None => {
                            self.ask(route, attempt(place, false)).await.map_err(|error| vec![(place, route, error)])
                        }
                    };
                    let errors = match tried {
                        Ok(done) => return Ok(done),
                        Err(errors) => errors,
                    };
                    for (place, route, error) in errors {
                        match verdict(&error) {
                            Verdict::Final => return Err(error),
                            Verdict::Elsewhere { .. } => {}
                            Verdict::Again { wait: asked, .. } => {
                                again.push((place, route));
                                wait = wait.max(asked.unwrap_or_default());
                            }
                        }
                        tracing::info!(route = &**route, %error, round, "a model did not answer");
                        last = Some(error);
                    }
                }
            }
            if again.is_empty() || round == policy.retries || wait > policy.longest_pause {
                break;
            }
            tokio::time::sleep(policy.pause(round).max(wait)).await;
            places = again;
        }
        Err(last.unwrap_or_else(nothing))
    }

    /// All routes, tier by tier; calls take turns in beginning with each of a tier.
    fn order<'a>(&self, tiers: &'a [Vec<Arc<str>>]) -> Vec<(Place, &'a Arc<str>)> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut all = Vec::new();
        for (tier, routes) in tiers.iter().enumerate() {
            let mut placed: Vec<_> =
                routes.iter().enumerate().map(|(route, key)| (Place { tier, route }, key)).collect();
            let by = turn % placed.len().max(1);
            placed.rotate_left(by);
            all.append(&mut placed);
        }
        all
    }

    /// Those that do not rest when their turn comes, and the first of all when there is none.
    fn admitted<'a, 'b>(
        &'b self,
        places: &'b [(Place, &'a Arc<str>)],
        round: u32,
    ) -> impl Iterator<Item = (Place, &'a Arc<str>)> + use<'a, 'b> {
        let mut is_any = false;
        let mut at = 0;
        std::iter::from_fn(move || {
            while let Some((place, route)) = places.get(at) {
                at += 1;
                // After a pause of its own, a call does not ask whether a route rests.
                if round > 0 || self.health.admit(route, Instant::now()) == Admission::Open {
                    is_any = true;
                    return Some((*place, *route));
                }
            }
            let first = places.first().filter(|_| !std::mem::replace(&mut is_any, true))?;
            Some(*first)
        })
    }

    /// Asks one route, and the next as well once the hedge says so.
    async fn ask_both<'a, T, Answer>(
        &self,
        (place, route): (Place, &'a Arc<str>),
        hedge: Hedge<'_>,
        others: &mut impl Iterator<Item = (Place, &'a Arc<str>)>,
        attempt: &impl Fn(Place, bool) -> Answer,
    ) -> Tried<'a, T>
    where
        Answer: Future<Output = Result<T, ModelError>>,
    {
        let mut first = pin!(self.ask(route, attempt(place, false)));
        let failed = |error| vec![(place, route, error)];
        let is_wanted = tokio::select! {
            biased;
            answer = &mut first => return answer.map_err(failed),
            is_wanted = hedge => is_wanted,
        };
        let Some((other_place, other)) = is_wanted.then(|| others.next()).flatten() else {
            return first.await.map_err(failed);
        };
        let mut second = pin!(self.ask(other, attempt(other_place, true)));
        // Whoever fails leaves it to the other.
        let (one, two) = tokio::select! {
            biased;
            answer = &mut first => match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => (error, second.await),
            },
            answer = &mut second => match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => match first.await {
                    Ok(answer) => return Ok(answer),
                    Err(first) => (first, Err(error)),
                },
            },
        };
        two.map_err(|two| vec![(place, route, one), (other_place, other, two)])
    }

    async fn ask<T>(
        &self,
        route: &Arc<str>,
        answer: impl Future<Output = Result<T, ModelError>>,
    ) -> Result<T, ModelError> {
        let mut trial = Trial { health: &self.health, route, is_over: false };
        let answer = answer.await;
        trial.is_over = true;
        match &answer {
            Ok(_) => {
                self.health.worked(route);
                self.budget.earn();
            }
            Err(error) => match verdict(error) {
                // Nothing is wrong with the route.
                Verdict::Final => self.health.worked(route),
                Verdict::Elsewhere { rest } | Verdict::Again { rest, .. } if !rest.is_zero() => {
                    self.health.failed(route, rest, Instant::now());
                }
                Verdict::Elsewhere { .. } | Verdict::Again { .. } => self.health.left(route),
            },
        }
        answer
    }
}

/// Tells that a try ended without an answer when its future is dropped.
struct Trial<'a> {
    health: &'a Health,
    route: &'a str,
    is_over: bool,
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.health.left(self.route);
        }
    }
}

#[cfg(test)]
mod tests;
