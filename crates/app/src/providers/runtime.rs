//! The runtime behind every model call: finds provider and credentials of the workspace, asks, measures.

use ox_types::boxed;
use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _};
use moka::future::Cache;
use ox_db::{Database, repo};
use ox_gateway::{Gateway, Place, Policy, Turns};
use ox_models::{
    Call, CallLimits, ChatRequest, ChatStream, CompletionRequest, Credentials, EmbeddingRequest, EmbeddingResult,
    ErrorClass, Message, ModelError, ModelKind, ModelRef, ModelRuntime, ModelScope, ModelSpec, ModerationRequest,
    Provider, Ranked, Registry, RerankRequest, SpeechRequest, SpeechStream, ToolSpec, TranscriptionRequest, count,
};
use ox_net::{Caller, Egress};
use ox_types::{Json, TenantId};

use super::state::{Key, WorkspaceModels, needs_credentials};
use crate::{
    Result,
    network::Outbound,
    secrets::Secrets,
    spend::{
        limits::Budgets,
        log::SpendLog,
        meter::{Asked, Meter, Metered},
    },
};

/// How long another process may go on with credentials that were changed here.
const FRESH: Duration = Duration::from_secs(10);
/// How long the list of a provider's models is shown without asking again.
const LISTED: Duration = Duration::from_secs(60);
/// Limits of asking for that list: a picker waits for it.
const LIST_LIMITS: CallLimits = CallLimits {
    connect: Duration::from_secs(2),
    first_token: Duration::from_secs(4),
    idle: Duration::from_secs(4),
    total: Duration::from_secs(6),
};

/// Models of all workspaces, on the database.
pub struct ModelGateway {
    db: Database,
    registry: Registry,
    outbound: Outbound,
    secrets: Arc<Secrets>,
    limits: CallLimits,
    policy: Policy,
    gateway: Gateway,
    meter: Meter,
    workspaces: Cache<TenantId, Arc<WorkspaceModels>>,
    lists: Cache<(TenantId, String), Option<Arc<Vec<ModelSpec>>>>,
}

impl ModelGateway {
    /// A gateway over a database; `scripted` offers the scripted model, `retries` are what a call makes by itself.
    #[must_use]
    pub fn new(db: Database, outbound: Outbound, secrets: Arc<Secrets>, scripted: bool, retries: u32) -> Self {
        let registry = Registry::native();
        let hidden: Vec<String> = registry
            .find("oxidify/scripted")
            .filter(|_| !scripted)
            .map(|found| found.spec().id.clone())
            .into_iter()
            .collect();
        let registry = registry.without(&hidden.iter().map(String::as_str).collect::<Vec<_>>());
        let workspaces = Cache::builder().max_capacity(1_000).time_to_live(FRESH).build();
        let lists = Cache::builder().max_capacity(1_000).time_to_live(LISTED).build();
        let policy = Policy { retries, ..Policy::default() };
        let gateway = Gateway::default();
        let meter = Meter { log: Arc::default(), budgets: Budgets::new(db.clone()) };
        let limits = CallLimits::default();
        Self { db, registry, outbound, secrets, limits, policy, gateway, meter, workspaces, lists }
    }

    /// Calls that wait to be written down.
    pub(crate) fn spend_log(&self) -> &SpendLog {
        &self.meter.log
    }

    /// How much of models workspaces may use.
    pub(crate) const fn budgets(&self) -> &Budgets {
        &self.meter.budgets
    }

    /// The same with other limits for the first piece of an answer and for the whole.
    #[must_use]
    pub const fn limited(mut self, first_token: Duration, total: Duration) -> Self {
        self.limits = CallLimits { first_token, total, ..self.limits };
        self
    }

    /// How often a route was left alone since the start, and how often one came back.
    #[must_use]
    pub fn turns(&self) -> Turns {
        self.gateway.health().turns()
    }

    /// How long a route is still left alone.
    #[must_use]
    pub(super) fn resting(&self, route: &str) -> Option<Duration> {
        self.gateway.health().resting(route)
    }

    /// The providers of this installation.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What a workspace has set up.
    #[boxed]
    pub async fn workspace(&self, tenant: TenantId) -> Result<Arc<WorkspaceModels>> {
        if let Some(found) = self.workspaces.get(&tenant).await {
            return Ok(found);
        }
        let setup = repo::providers::setup(&self.db, tenant).await?;
        let key = self.secrets.tenant_key(&self.db, tenant).await?;
        let built = WorkspaceModels::build(setup, &self.registry, |provider, sealed| {
            let fields = self.registry.find(provider).map(|found| found.spec().secret_fields().collect::<Vec<_>>());
            key.open_fields(sealed, &fields.unwrap_or_default())
                .inspect_err(|error| tracing::error!(provider, %error, "a model credential cannot be decrypted"))
                .ok()
        });
        let built = Arc::new(built);
        self.workspaces.insert(tenant, Arc::clone(&built)).await;
        Ok(built)
    }

    /// Forgets what a workspace had set up; the next call reads it anew.
    #[boxed]
    pub async fn forget(&self, tenant: TenantId) {
        self.workspaces.invalidate(&tenant).await;
        for provider in self.registry.iter() {
            self.lists.invalidate(&(tenant, provider.spec().id.clone())).await;
        }
    }

    /// The models a workspace's key lists, for a provider whose table does not count (a gateway);
    /// `None` for the others, and when the list cannot be had.
    #[boxed]
    pub async fn listed(
        &self,
        tenant: TenantId,
        workspace: &WorkspaceModels,
        provider: &Arc<dyn Provider>,
    ) -> Option<Arc<Vec<ModelSpec>>> {
        let id = provider.spec().id.clone();
        let credentials = match workspace.provider_credentials(&id) {
            Some(credentials) => credentials,
            None if !needs_credentials(provider.as_ref()) => Arc::new(Credentials::new()),
            None => return None,
        };
        if !provider.lists_own_models(&credentials) {
            return None;
        }
        let ask = async {
            let egress = self.outbound.of(tenant).await;
            let egress = egress.inspect_err(|error| tracing::error!(error = error.message, "no network rules")).ok()?;
            let call = Call { limits: LIST_LIMITS, ..self.call(&egress, &credentials, None) };
            let models = provider.remote_models(call).await;
            let models = models.inspect_err(|error| tracing::info!(%error, "a provider's models cannot be listed"));
            models.ok().map(Arc::new)
        };
        self.lists.get_with((tenant, id), ask).await
    }

    /// A call with given credentials, for trying them.
    #[must_use]
    pub const fn call<'a>(
        &self,
        egress: &'a Egress,
        credentials: &'a Credentials,
        spec: Option<&'a ModelSpec>,
    ) -> Call<'a> {
        Call { egress, credentials, spec, limits: self.limits }
    }

    /// The way out for whoever asks a model.
    async fn egress(&self, scope: &ModelScope, model: &ModelRef) -> Result<Egress, ModelError> {
        let caller = Caller {
            workspace: scope.tenant_id.to_string(),
            run: scope.run_id.map_or_else(String::new, |run| run.to_string()),
            node: scope.node_id.clone().unwrap_or_default(),
        };
        let egress = self.outbound.of_caller(scope.tenant_id, caller).await;
        egress.map_err(|error| ModelError::new(ErrorClass::Connection, &model.provider, error.message))
    }

    /// The provider of a model in this workspace, and what is set up of it.
    async fn set_up(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        kind: ModelKind,
    ) -> Result<(Arc<dyn Provider>, Arc<WorkspaceModels>), ModelError> {
        let failed = |class, text: String| ModelError::new(class, &model.provider, text);
        let provider = self.registry.find(&model.provider).ok_or_else(|| {
            failed(
                ErrorClass::NotFound,
                format!("Provider {} does not exist. Install it, or choose another model.", model.provider),
            )
        })?;
        let workspace =
            self.workspace(scope.tenant_id).await.map_err(|error| failed(ErrorClass::Connection, error.message))?;
        if workspace.is_disabled(&provider.spec().id, &model.name, kind) {
            return Err(failed(ErrorClass::BadRequest, format!("Model {} is disabled in this workspace.", model.name)));
        }
        Ok((Arc::clone(provider), workspace))
    }

    async fn resolve(&self, scope: &ModelScope, model: &ModelRef, kind: ModelKind) -> Result<Resolved, ModelError> {
        let (provider, workspace) = self.set_up(scope, model, kind).await?;
        Resolved::of(&provider, &workspace, model, kind)
    }

    /// The keys of a model, then those of each model that stands in for it.
    async fn tiers(&self, scope: &ModelScope, model: &ModelRef, kind: ModelKind) -> Result<Vec<Tier>, ModelError> {
        let (provider, workspace) = self.set_up(scope, model, kind).await?;
        let mut tiers = vec![tier(scope.tenant_id, &provider, &workspace, model, kind)?];
        for other in workspace.fallbacks(&provider.spec().id, &model.name, kind) {
            let set_up = self.set_up(scope, other, kind).await;
            match set_up.and_then(|(provider, own)| tier(scope.tenant_id, &provider, &own, other, kind)) {
                Ok(found) => tiers.push(found),
                Err(error) => tracing::warn!(%error, model = other.name, "a fallback cannot be asked"),
            }
        }
        Ok(tiers)
    }

    /// Asks a model by its keys, and those that stand in for it when it does not answer.
    async fn ask<T, Answer>(
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
        let tiers = self.tiers(scope, model, kind).await?;
        let names: Vec<Vec<Arc<str>>> =
            tiers.iter().map(|tier| tier.iter().map(|(name, _)| Arc::clone(name)).collect()).collect();
        let egress = self.egress(scope, model).await?;
        let call = |place: Place| {
            let found = tiers.get(place.tier).and_then(|tier| tier.get(place.route)).map(|(_, found)| found.clone());
            let answer = found.clone().map(|found| attempt(found, egress.clone()));
            async move {
                let (Some(found), Some(answer)) = (found, answer) else { return Err(nobody(model)) };
                let answer = answer.await;
                found.count(&answer);
                if place.tier > 0 && answer.is_ok() {
                    found.stood_in_for(model);
                }
                answer.map(|answer| (answer, found, place.tier > 0))
            }
        };
        let first = tiers.first().and_then(|tier| tier.first()).map(|(_, found)| found);
        let first = first.map(|found| (&*found.provider.spec().id, &*found.spec));
        let open = self.meter.open(scope, model, kind, asked, first).await?;
        match self.gateway.run(&names, &self.policy, call, || nobody(model)).await {
            Ok((answer, found, stands_in)) => {
                Ok(answer.metered(open.answered_by(&found.provider.spec().id, &found.spec, stands_in)))
            }
            Err(error) => {
                open.failed(&error);
                Err(error)
            }
        }
    }
}

/// The keys by which one model is asked, each with the name of its route.
type Tier = Vec<(Arc<str>, Resolved)>;

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
        let credentials = Arc::clone(&key.credentials);
        (route(tenant, id, &model.name, &key.name), Resolved::with(provider, credentials, &model.name, kind))
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
struct Resolved {
    provider: Arc<dyn Provider>,
    credentials: Arc<Credentials>,
    spec: Arc<ModelSpec>,
}

impl Resolved {
    /// A model with the credentials by which a workspace asks it.
    fn of(
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
        Ok(Self::with(provider, credentials, &model.name, kind))
    }

    fn with(provider: &Arc<dyn Provider>, credentials: Arc<Credentials>, model: &str, kind: ModelKind) -> Self {
        let spec = Arc::new(provider.describe(model, kind, &credentials));
        Self { provider: Arc::clone(provider), credentials, spec }
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
    fn parameters(
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

/// Waits for what cannot be taken back once it is told: until then another may be asked. Of a stream that is the first
/// piece, of an answer that is wanted as a whole it is all of it.
async fn begun(mut stream: ChatStream, is_stream: bool) -> Result<ChatStream, ModelError> {
    if !is_stream {
        let pieces: Vec<_> = stream.try_collect().await?;
        return Ok(futures::stream::iter(pieces.into_iter().map(Ok)).boxed());
    }
    match stream.next().await {
        Some(Ok(first)) => Ok(futures::stream::once(async { Ok(first) }).chain(stream).boxed()),
        Some(Err(error)) => Err(error),
        None => Ok(futures::stream::empty().boxed()),
    }
}

#[async_trait]
impl ModelRuntime for ModelGateway {
    async fn chat(&self, scope: &ModelScope, model: &ModelRef, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let request = &request;
        let attempt = |found: Resolved, egress: Egress| async move {
            let mut request = request.clone();
            request.model.clone_from(&found.spec.model);
            request.parameters = found.parameters(model, &request.parameters)?;
            request.user = request.user.or_else(|| scope.user.clone());
            let asked = found.provider.chat_model().ok_or_else(|| found.provider.unsupported("chat"))?;
            let is_stream = request.stream;
            let call = self.call(&egress, &found.credentials, Some(&found.spec));
            begun(asked.chat(call, request).await?, is_stream).await
        };
        self.ask(scope, model, ModelKind::Llm, Asked::chat(request), attempt).await
    }

    async fn completion(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: CompletionRequest,
    ) -> Result<ChatStream, ModelError> {
        let request = &request;
        let attempt = |found: Resolved, egress: Egress| async move {
            let mut request = request.clone();
            request.model.clone_from(&found.spec.model);
            request.parameters = found.parameters(model, &request.parameters)?;
            request.user = request.user.or_else(|| scope.user.clone());
            let asked = found.provider.completion_model().ok_or_else(|| found.provider.unsupported("completion"))?;
            let is_stream = request.stream;
            let call = self.call(&egress, &found.credentials, Some(&found.spec));
            begun(asked.complete(call, request).await?, is_stream).await
        };
        self.ask(scope, model, ModelKind::Llm, Asked::completion(request), attempt).await
    }

    async fn embed(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: EmbeddingRequest,
    ) -> Result<EmbeddingResult, ModelError> {
        let request = &request;
        let attempt = |found: Resolved, egress: Egress| async move {
            let mut request = request.clone();
            request.model.clone_from(&found.spec.model);
            let asked = found.provider.embedding_model().ok_or_else(|| found.provider.unsupported("text-embedding"))?;
            asked.embed(self.call(&egress, &found.credentials, Some(&found.spec)), request).await
        };
        self.ask(scope, model, ModelKind::TextEmbedding, Asked::embedding(request), attempt).await
    }

    async fn rerank(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: RerankRequest,
    ) -> Result<Vec<Ranked>, ModelError> {
        let request = &request;
        let attempt = |found: Resolved, egress: Egress| async move {
            let mut request = request.clone();
            request.model.clone_from(&found.spec.model);
            let asked = found.provider.rerank_model().ok_or_else(|| found.provider.unsupported("rerank"))?;
            asked.rerank(self.call(&egress, &found.credentials, Some(&found.spec)), request).await
        };
        self.ask(scope, model, ModelKind::Rerank, Asked::default(), attempt).await
    }

    async fn moderate(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: ModerationRequest,
    ) -> Result<bool, ModelError> {
        let request = &request;
        let attempt = |found: Resolved, egress: Egress| async move {
            let mut request = request.clone();
            request.model.clone_from(&found.spec.model);
            let asked = found.provider.moderation_model().ok_or_else(|| found.provider.unsupported("moderation"))?;
            asked.moderate(self.call(&egress, &found.credentials, Some(&found.spec)), request).await
        };
        self.ask(scope, model, ModelKind::Moderation, Asked::default(), attempt).await
    }

    async fn transcribe(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: TranscriptionRequest,
    ) -> Result<String, ModelError> {
        let request = &request;
        let attempt = |found: Resolved, egress: Egress| async move {
            let mut request = request.clone();
            request.model.clone_from(&found.spec.model);
            let asked =
                found.provider.transcription_model().ok_or_else(|| found.provider.unsupported("speech2text"))?;
            asked.transcribe(self.call(&egress, &found.credentials, Some(&found.spec)), request).await
        };
        self.ask(scope, model, ModelKind::Speech2Text, Asked::default(), attempt).await
    }

    async fn speak(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: SpeechRequest,
    ) -> Result<SpeechStream, ModelError> {
        let request = &request;
        let attempt = |found: Resolved, egress: Egress| async move {
            let mut request = request.clone();
            request.model.clone_from(&found.spec.model);
            let asked = found.provider.speech_model().ok_or_else(|| found.provider.unsupported("tts"))?;
            asked.speak(self.call(&egress, &found.credentials, Some(&found.spec)), request).await
        };
        self.ask(scope, model, ModelKind::Tts, Asked::default(), attempt).await
    }

    async fn describe(&self, scope: &ModelScope, model: &ModelRef, kind: ModelKind) -> Option<Arc<ModelSpec>> {
        self.resolve(scope, model, kind).await.ok().map(|found| found.spec)
    }

    fn count_tokens(&self, model: &ModelRef, messages: &[Message], tools: &[ToolSpec]) -> u64 {
        count::messages(&model.name, messages, tools)
    }
}
