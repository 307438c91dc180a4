//! How a call is made: who may serve it, in which order, and what is done when they do not.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ox_gateway::{AccessRule, Facts, Hedge, HedgeRule, Place, Rules, TierRule, choose};
use ox_models::{
    ChatRequest, CompletionRequest, ContentPart, Credentials, ErrorClass, ModelError, ModelFeature, ModelKind,
    ModelRef, ModelScope, ModelSpec, Provider,
};
use ox_net::Egress;
use ox_types::{Json, TenantId};
use uuid::Uuid;

use super::{
    ModelGateway, allowed,
    names::readings,
    state::{Key, WorkspaceModels, needs_credentials},
};
use crate::spend::{
    meter::{Answerer, Asked, Call, Metered, OpenCall},
    refusals::Reason,
};

const FALLBACK: &str = "fallback";
const TIER: &str = "tier";
const HEDGE: &str = "hedge";

/// What rules look at in a call.
pub(super) struct Shape {
    facts: Facts,
    has_images: bool,
    has_tools: bool,
}

impl Shape {
    /// Of a chat.
    pub fn of_chat(request: &ChatRequest) -> Self {
        let mut parts = request.messages.iter().flat_map(|message| &message.content);
        Self {
            facts: Facts::of_chat(request),
            has_images: parts.any(|part| !matches!(part, ContentPart::Text { .. })),
            has_tools: !request.tools.is_empty(),
        }
    }

    /// Of a text that is gone on with.
    pub fn of_text(request: &CompletionRequest) -> Self {
        Self { facts: Facts::of_text(&request.prompt), has_images: false, has_tools: false }
    }

    /// Whether a model can do what is asked of it, as far as that is known.
    fn suits(&self, spec: &ModelSpec) -> bool {
        (!self.has_images || spec.has(ModelFeature::Vision))
            && (!self.has_tools || spec.calls_tools())
            && spec.context_size().is_none_or(|size| self.facts.tokens < size)
    }
}

/// A call before it is made.
pub(super) struct Plan {
    /// By the whole id of its provider.
    wanted: ModelRef,
    kind: ModelKind,
    asked: Asked,
    tiers: Vec<Tier>,
    /// What the workspace has decided, if it has decided anything.
    pub rules: Option<Arc<Rules>>,
    /// The rule by which another model is asked than was wanted.
    rule: Option<String>,
}

impl Plan {
    /// Who is asked first.
    pub fn first(&self) -> Option<&Resolved> {
        self.tiers.first().and_then(|tier| tier.first()).map(|(_, found)| found)
    }

    /// As the meter is told of it.
    pub const fn call<'a>(&'a self, scope: &'a ModelScope) -> Call<'a> {
        Call { scope, wanted: &self.wanted, kind: self.kind, asked: self.asked }
    }

    /// Who answers from a tier, and why it is this one.
    pub fn answerer<'a>(&'a self, found: &'a Resolved, tier: usize) -> Answerer<'a> {
        let rule = self.rule.as_deref().filter(|_| tier == 0);
        let provider = found.provider.spec().id.as_str();
        let is_wanted = provider == self.wanted.provider && found.spec.model == self.wanted.name;
        let route = if rule.is_some() { Some(TIER) } else { (!is_wanted).then_some(FALLBACK) };
        Answerer { provider, spec: &found.spec, route, rule, credential: found.credential }
    }

    /// Whether answers are kept at all.
    pub fn keeps_answers(&self) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.cache.enabled)
    }

    fn route(&self, place: Place) -> Option<&Resolved> {
        self.tiers.get(place.tier).and_then(|tier| tier.get(place.route)).map(|(_, found)| found)
    }
}

impl ModelGateway {
    /// The keys of a model, then those of each model that stands in for it, within what the workspace has decided.
    pub(super) async fn plan(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        kind: ModelKind,
        asked: Asked,
        shape: impl FnOnce() -> Option<Shape> + Send,
    ) -> Result<Plan, ModelError> {
        let (provider, workspace) = self.set_up(scope, model, kind).await?;
        let wanted = ModelRef { provider: provider.spec().id.clone(), ..model.clone() };
        let mut tiers = vec![tier(scope.tenant_id, &provider, &workspace, model, kind)?];
        for other in workspace.fallbacks(&provider.spec().id, &model.name, kind) {
            let set_up = self.set_up(scope, other, kind).await;
            match set_up.and_then(|(provider, own)| tier(scope.tenant_id, &provider, &own, other, kind)) {
                Ok(found) => tiers.push(found),
                Err(error) => tracing::warn!(%error, model = other.name, "a fallback cannot be asked"),
            }
        }
        let mut plan = Plan { wanted, kind, asked, tiers, rules: workspace.rules().cloned(), rule: None };
        if let Some(rules) = workspace.rules() {
            let governed = self.govern(scope, rules, &mut plan, shape).await;
            governed.inspect_err(|error| self.meter.refused(&plan.call(scope), Reason::Access, error))?;
        }
        Ok(plan)
    }

    /// Holds a plan to what the workspace has decided.
    async fn govern(
        &self,
        scope: &ModelScope,
        rules: &Rules,
        plan: &mut Plan,
        shape: impl FnOnce() -> Option<Shape> + Send,
    ) -> Result<(), ModelError> {
        let access = if rules.access.is_empty() { Vec::new() } else { self.access(scope, rules, &plan.wanted).await? };
        let wanted = format!("{}/{}", plan.wanted.provider, plan.wanted.name);
        if !allowed::may_ask(&access, &wanted) {
            return Err(allowed::refused_model(&access, &plan.wanted.provider, &wanted));
        }
        if rules.tiers.iter().any(|rule| rule.enabled)
            && let Some(shape) = shape()
        {
            for rule in choose(&rules.tiers, &wanted, scope.app_id, &shape.facts) {
                if let Some(found) = self.tier_of_rule(scope, rule, plan.kind, &shape, &access).await {
                    let first = found.first().map(|(name, _)| Arc::clone(name));
                    plan.tiers.retain(|tier| tier.first().map(|(name, _)| name) != first.as_ref());
                    plan.tiers.insert(0, found);
                    plan.rule = Some(rule.name.clone());
                    break;
                }
            }
        }
        if !access.is_empty() {
            hold_back(plan, &access, &wanted)?;
        }
        Ok(())
    }

    async fn access<'a>(
        &self,
        scope: &ModelScope,
        rules: &'a Rules,
        wanted: &ModelRef,
    ) -> Result<Vec<&'a AccessRule>, ModelError> {
        self.roles.rules(&self.db, scope, &rules.access).await.map_err(|error| {
            tracing::error!(%error, "nobody knows the role of a caller");
            ModelError::new(ErrorClass::Connection, &wanted.provider, "The rights of the caller cannot be read.")
        })
    }

    /// The keys of the model that a rule names; `None` when it cannot serve the call.
    async fn tier_of_rule(
        &self,
        scope: &ModelScope,
        rule: &TierRule,
        kind: ModelKind,
        shape: &Shape,
        access: &[&AccessRule],
    ) -> Option<Tier> {
        let (provider, name) = readings(self.registry(), &rule.to).last()?;
        let other = ModelRef::chat(provider.spec().id.clone(), name);
        if !allowed::may_ask(access, &rule.to) {
            return None;
        }
        let set_up = self.set_up(scope, &other, kind).await;
        let found = set_up.and_then(|(provider, own)| tier(scope.tenant_id, &provider, &own, &other, kind));
        let found = found
            .inspect_err(|error| tracing::warn!(%error, rule = rule.name, "the model of a rule cannot be asked"))
            .ok()?;
        found.first().is_some_and(|(_, found)| shape.suits(&found.spec)).then_some(found)
    }

    /// Asks a model that nothing but its name is known of.
    pub(super) async fn ask<T, Answer>(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        kind: ModelKind,
        asked: Asked,
        attempt: impl Fn(Resolved, Egress) -> Answer + Send + Sync,
    ) -> Result<T, ModelError>
    where
        Answer: Future<Output = Result<T, ModelError>> + Send,
        T: Metered,
    {
        let plan = self.plan(scope, model, kind, asked, || None).await?;
        Ok(self.carry_out(scope, model, &plan, false, attempt).await?.0)
    }

    /// Asks the first of a plan by its keys, and the others when it does not answer; tells whether the first answered.
    pub(super) async fn carry_out<T, Answer>(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        plan: &Plan,
        is_stream: bool,
        attempt: impl Fn(Resolved, Egress) -> Answer + Send + Sync,
    ) -> Result<(T, bool), ModelError>
    where
        Answer: Future<Output = Result<T, ModelError>> + Send,
        T: Metered,
    {
        let names: Vec<Vec<Arc<str>>> =
            plan.tiers.iter().map(|tier| tier.iter().map(|(name, _)| Arc::clone(name)).collect()).collect();
        let egress = self.egress(scope, model).await?;
        let first = plan.first();
        let permit = match &plan.rules {
            Some(rules) if !rules.rates.is_empty() => self.turn(scope, plan, rules).await?,
            _ => None,
        };
        let call = plan.call(scope);
        let open = self.meter.open(&call, first.map(|found| &*found.spec)).await;
        let open = open.inspect_err(|error| self.meter.refused(&call, Reason::Budget, error))?.permitted(permit);
        let twice = plan.rules.as_ref().and_then(|rules| Twice::of(scope, plan, rules, is_stream));
        let second: Mutex<Option<OpenCall>> = Mutex::new(None);
        // What the first said, when the second was quicker.
        let failed: Mutex<Option<ModelError>> = Mutex::new(None);
        let failed = &failed;
        // The key of the wanted provider that failed last.
        let tried: Mutex<Option<Uuid>> = Mutex::new(None);
        let tried = &tried;
        let hedge = twice.as_ref().and_then(|twice| self.hedge(scope, plan, twice, &second));
        let call = |place: Place, is_hedge: bool| {
            let found = plan.route(place).cloned();
            let answer = found.clone().map(|found| attempt(found, egress.clone()));
            let own = is_hedge.then(|| second.lock().unwrap_or_else(PoisonError::into_inner).take()).flatten();
            let twice = &twice;
            async move {
                let (Some(found), Some(answer)) = (found, answer) else { return Err(nobody(model)) };
                let own = own.map(|own| own.sent(as_hedge(plan.answerer(&found, place.tier))));
                let answer = answer.await;
                found.count(&answer);
                match answer {
                    Ok(answer) => {
                        if plan.answerer(&found, place.tier).route == Some(FALLBACK) {
                            found.stood_in_for(model);
                        }
                        Ok((answer, found, place.tier, own))
                    }
                    Err(error) => {
                        if own.is_none() && found.provider.spec().id == plan.wanted.provider {
                            *tried.lock().unwrap_or_else(PoisonError::into_inner) = found.credential;
                        }
                        match own {
                            Some(own) => own.failed(&error),
                            None if twice.is_some() => {
                                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
                            }
                            None => {}
                        }
                        Err(error)
                    }
                }
            }
        };
        let began = Instant::now();
        let answered = self.gateway.run(&names, &self.policy, hedge, call, || nobody(model)).await;
        if let Some(unmade) = second.lock().unwrap_or_else(PoisonError::into_inner).take() {
            unmade.unmade();
        }
        if let (Some(twice), Ok(_)) = (&twice, &answered) {
            self.hedges.took(&twice.key, began.elapsed());
        }
        let tried = *tried.lock().unwrap_or_else(PoisonError::into_inner);
        match answered {
            Ok((answer, found, tier, None)) => {
                let open = open.answered_by(plan.answerer(&found, tier));
                Ok((answer.metered(open), tier == 0))
            }
            Ok((answer, found, tier, Some(own))) => {
                metrics::counter!("oxidify_model_hedges_total", "result" => "won").increment(1);
                let error = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
                match (error, first) {
                    (Some(error), _) => open.tried_by(tried).failed(&error),
                    // It is likely to be paid for, although nobody hears it. Which of several keys it was is not told.
                    (None, Some(first)) => {
                        drop(open.sent(Answerer { route: None, credential: None, ..plan.answerer(first, 0) }));
                    }
                    (None, None) => {}
                }
                let own = own.answered_by(as_hedge(plan.answerer(&found, tier)));
                Ok((answer.metered(own), tier == 0))
            }
            Err(error) => {
                open.tried_by(tried).failed(&error);
                Err(error)
            }
        }
    }

    async fn turn(
        &self,
        scope: &ModelScope,
        plan: &Plan,
        rules: &Rules,
    ) -> Result<Option<super::rates::Permit>, ModelError> {
        let Some(first) = plan.first() else { return Ok(None) };
        let entered = self.rates.enter(scope.tenant_id, &rules.rates, &first.full_name(), plan.asked.tokens()).await;
        entered.inspect_err(|error| self.meter.refused(&plan.call(scope), Reason::Rate, error))
    }

    /// Ends when a call should be made a second time, with that call opened and put where it is found.
    fn hedge<'a>(
        &'a self,
        scope: &'a ModelScope,
        plan: &'a Plan,
        twice: &'a Twice,
        second: &'a Mutex<Option<OpenCall>>,
    ) -> Option<Hedge<'a>> {
        let pause = self.hedges.begin(&twice.key, twice.after, twice.percent)?;
        Some(Box::pin(async move {
            tokio::time::sleep(pause).await;
            if !self.hedges.spend(&twice.key) {
                return false;
            }
            let Ok(open) = self.meter.open(&plan.call(scope), plan.first().map(|found| &*found.spec)).await else {
                self.hedges.back(&twice.key);
                return false;
            };
            metrics::counter!("oxidify_model_hedges_total", "result" => "made").increment(1);
            *second.lock().unwrap_or_else(PoisonError::into_inner) = Some(open);
            true
        }))
    }
}

fn as_hedge(answerer: Answerer<'_>) -> Answerer<'_> {
    Answerer { route: Some(HEDGE), ..answerer }
}

/// How a call is made twice.
struct Twice {
    key: Arc<str>,
    after: Option<Duration>,
    percent: u8,
}

impl Twice {
    fn of(scope: &ModelScope, plan: &Plan, rules: &Rules, is_stream: bool) -> Option<Self> {
        if rules.hedging.models.is_empty() || plan.tiers.iter().map(Vec::len).sum::<usize>() < 2 {
            return None;
        }
        let model = plan.first()?.full_name();
        let rule: &HedgeRule = rules.hedging.models.iter().find(|rule| rule.model == model)?;
        // What is waited for differs: a first token, or the whole of an answer.
        let key = format!("{}/{model}/{}", scope.tenant_id, if is_stream { "stream" } else { "whole" });
        let after = rule.after_ms.map(Duration::from_millis);
        Some(Self { key: key.into(), after, percent: rules.hedging.max_percent })
    }
}

/// Takes out what the caller may not use.
fn hold_back(plan: &mut Plan, access: &[&AccessRule], wanted: &str) -> Result<(), ModelError> {
    let regions: Vec<String> = plan
        .tiers
        .iter()
        .flatten()
        .filter(|(_, found)| found.full_name() == wanted)
        .filter_map(|(_, found)| allowed::region(&found.credentials))
        .collect();
    for tier in &mut plan.tiers {
        tier.retain(|(_, found)| {
            allowed::may_ask(access, &found.full_name()) && allowed::may_use(access, &found.credentials)
        });
    }
    if plan.rule.is_some() && plan.tiers.first().is_some_and(Vec::is_empty) {
        plan.rule = None;
    }
    plan.tiers.retain(|tier| !tier.is_empty());
    if plan.tiers.iter().flatten().any(|(_, found)| found.full_name() == wanted) || plan.rule.is_some() {
        return Ok(());
    }
    Err(allowed::refused_region(access, &plan.wanted.provider, wanted, &regions))
}

/// The keys by which one model is asked, each with the name of its route.
pub(super) type Tier = Vec<(Arc<str>, Resolved)>;

fn tier(
    tenant: TenantId,
    provider: &Arc<dyn Provider>,
    workspace: &WorkspaceModels,
    model: &ModelRef,
    kind: ModelKind,
) -> Result<Tier, ModelError> {
    let id = &provider.spec().id;
    let keys = workspace.keys(id, &model.name, kind);
    if keys.is_empty() {
        let found = Resolved::of(provider, workspace, model, kind)?;
        return Ok(vec![(route(tenant, id, &model.name, ""), found)]);
    }
    let by = |key: &Key| {
        let (provider, credentials) = (Arc::clone(provider), Arc::clone(&key.credentials));
        let spec = workspace.described(provider.as_ref(), (&model.name, kind), &key.name, &credentials);
        let found = Resolved { provider, credentials, spec, credential: key.credential };
        (route(tenant, id, &model.name, &key.name), found)
    };
    Ok(keys.iter().map(by).collect())
}

/// The name of a route: a key of a model in a workspace.
pub(super) fn route(tenant: TenantId, provider: &str, model: &str, key: &str) -> Arc<str> {
    format!("{tenant}/{provider}/{model}/{key}").into()
}

fn nobody(model: &ModelRef) -> ModelError {
    ModelError::new(ErrorClass::NotFound, &model.provider, format!("Nobody can be asked for model {}.", model.name))
}

/// A model with all it takes to ask it.
#[derive(Clone)]
pub(super) struct Resolved {
    pub provider: Arc<dyn Provider>,
    pub credentials: Arc<Credentials>,
    pub spec: Arc<ModelSpec>,
    /// The stored key that the credentials come from.
    pub credential: Option<Uuid>,
}

impl Resolved {
    /// A model with the credentials by which a workspace asks it.
    pub fn of(
        provider: &Arc<dyn Provider>,
        workspace: &WorkspaceModels,
        model: &ModelRef,
        kind: ModelKind,
    ) -> Result<Self, ModelError> {
        let credentials = match workspace.credentials(&provider.spec().id, &model.name, kind) {
            Some(credentials) => credentials,
            None if !needs_credentials(provider.as_ref()) => Arc::default(),
            None => {
                let text = format!("Model {} credentials is not initialized.", model.name);
                return Err(ModelError::new(ErrorClass::Auth, &model.provider, text));
            }
        };
        let spec = workspace.described(provider.as_ref(), (&model.name, kind), "", &credentials);
        let credential = workspace.credential_id(&provider.spec().id, &model.name, kind);
        Ok(Self { provider: Arc::clone(provider), credentials, spec, credential })
    }

    /// `provider id/model`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.provider.spec().id, self.spec.model)
    }

    fn count<T>(&self, result: &Result<T, ModelError>) {
        let status = if result.is_ok() { "ok" } else { "error" };
        let (provider, model) = (self.provider.spec().id.clone(), self.spec.model.clone());
        metrics::counter!("oxidify_llm_requests_total", "provider" => provider, "model" => model, "status" => status)
            .increment(1);
    }

    fn stood_in_for(&self, wanted: &ModelRef) {
        let (provider, model) = (self.provider.spec().id.clone(), self.spec.model.clone());
        tracing::info!(provider, model, wanted = wanted.name, "a fallback answered");
        metrics::counter!("oxidify_llm_fallbacks_total",
            "provider" => wanted.provider.clone(), "model" => wanted.name.clone(), "reason" => "error")
        .increment(1);
    }

    /// What of the parameters this model takes. A stand-in that cannot take them as they are goes by its own.
    pub fn parameters(
        &self,
        wanted: &ModelRef,
        configured: &serde_json::Map<String, Json>,
    ) -> Result<serde_json::Map<String, Json>, ModelError> {
        let checked = self.spec.check_parameters(&self.provider.spec().id, configured);
        if self.spec.model == wanted.name {
            return checked;
        }
        checked.or_else(|_| self.spec.check_parameters(&self.provider.spec().id, &serde_json::Map::new()))
    }
}
