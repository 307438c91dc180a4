//! The runtime behind every model call: finds provider and credentials of the workspace, asks, measures.

use ox_types::boxed;
use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _};
use moka::future::Cache;
use ox_db::{Database, repo};
use ox_gateway::{Answers, Gateway, Health, Hedges, Held, Policy, Question, Rules, Turns};
use ox_kv::{Bounds, Kv, Memory};
use ox_models::{
    Call, CallLimits, ChatRequest, ChatStream, CompletionRequest, Credentials, EmbeddingRequest, EmbeddingResult,
    ErrorClass, Message, ModelError, ModelKind, ModelRef, ModelRuntime, ModelScope, ModelSpec, ModerationRequest,
    Provider, Ranked, Registry, RerankRequest, SpeechRequest, SpeechStream, Tally, ToolSpec, TranscriptionRequest,
    count,
};
use ox_net::{Caller, Egress};
use ox_types::{AppId, TenantId};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{
    allowed::Roles,
    asking::{Resolved, Shape},
    kept::{CacheState, Looked},
    rates::Rates,
    state::{WorkspaceModels, needs_credentials},
};
use crate::{
    Result,
    network::Outbound,
    secrets::Secrets,
    spend::{
        limits::Budgets,
        log::SpendLog,
        meter::{Asked, Meter, Told},
        refusals::Refusals,
        shared::Shared,
    },
};

/// How long another process may go on with credentials that were changed here.
const FRESH: Duration = Duration::from_secs(10);
/// How long the list of a provider's models is shown without asking again.
const LISTED: Duration = Duration::from_secs(60);
/// What answers that are kept may take, where nobody says otherwise.
const ANSWERS: usize = 64 * 1024 * 1024;
/// Limits of asking for that list: a picker waits for it.
const LIST_LIMITS: CallLimits = CallLimits {
    connect: Duration::from_secs(2),
    first_token: Duration::from_secs(4),
    idle: Duration::from_secs(4),
    total: Duration::from_secs(6),
};

/// Models of all workspaces, on the database.
pub struct ModelGateway {
    pub(super) db: Database,
    registry: Registry,
    outbound: Outbound,
    secrets: Arc<Secrets>,
    limits: CallLimits,
    pub(super) policy: Policy,
    pub(super) gateway: Gateway,
    pub(super) meter: Meter,
    pub(super) answers: Arc<Answers>,
    /// What they may take altogether, in bytes; 0 keeps none.
    pub(super) answers_most: usize,
    pub(super) hedges: Hedges,
    pub(super) rates: Rates,
    pub(super) roles: Roles,
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
        let meter = Meter { log: Arc::default(), budgets: Budgets::new(db.clone()), refusals: Refusals::default() };
        let limits = CallLimits::default();
        let kv = Arc::new(Memory::new(Bounds::default()));
        Self {
            db,
            registry,
            outbound,
            secrets,
            policy,
            gateway,
            meter,
            workspaces,
            lists,
            answers: Arc::new(Answers::new(ANSWERS)),
            answers_most: ANSWERS,
            hedges: Hedges::default(),
            rates: Rates::new(kv, TaskTracker::new(), limits.total),
            roles: Roles::default(),
            limits,
        }
    }

    /// The same with rates and budgets that are counted in a store that other processes may share.
    #[must_use]
    pub fn counting(mut self, kv: Arc<dyn Kv>, tracker: TaskTracker) -> Self {
        self.meter.budgets.share(Shared::new(Arc::clone(&kv), tracker.clone()));
        self.rates = Rates::new(kv, tracker, self.limits.total);
        self
    }

    /// The same with so many megabytes for answers that are kept.
    #[must_use]
    pub fn keeping(mut self, megabytes: u64) -> Self {
        self.answers_most = usize::try_from(megabytes.saturating_mul(1024 * 1024)).unwrap_or(usize::MAX);
        self.answers = Arc::new(Answers::new(self.answers_most));
        self
    }

    /// What is kept of the answers to a workspace, and what all workspaces may keep, in bytes.
    #[must_use]
    pub fn kept(&self, tenant: TenantId) -> (Held, usize) {
        (self.answers.held(tenant), self.answers_most)
    }

    /// Drops the answers to a workspace that are kept in this process.
    pub(super) fn purge(&self, tenant: TenantId) -> Held {
        self.answers.purge(tenant)
    }

    /// Calls that wait to be written down.
    pub(crate) fn spend_log(&self) -> &SpendLog {
        &self.meter.log
    }

    /// Calls that were refused and wait to be counted.
    pub(crate) const fn refusals(&self) -> &Refusals {
        &self.meter.refusals
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

    /// What failures here and in other processes tell of routes.
    pub(super) const fn health(&self) -> &Health {
        self.gateway.health()
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
        // Once for all calls that wait.
        Ok(self.workspaces.try_get_with(tenant, self.load(tenant)).await?)
    }

    async fn load(&self, tenant: TenantId) -> Result<Arc<WorkspaceModels>> {
        let setup = repo::providers::setup(&self.db, tenant).await?;
        let rules = self.rules(tenant).await?;
        let key = self.secrets.tenant_key(&self.db, tenant).await?;
        let built = WorkspaceModels::build(setup, &self.registry, |provider, sealed| {
            let fields = self.registry.find(provider).map(|found| found.spec().secret_fields().collect::<Vec<_>>());
            key.open_fields(sealed, &fields.unwrap_or_default())
                .inspect_err(|error| tracing::error!(provider, %error, "a model credential cannot be decrypted"))
                .ok()
        });
        Ok(Arc::new(built.governed(rules)))
    }

    /// What a workspace has decided about its calls; `None` when nothing is switched on.
    async fn rules(&self, tenant: TenantId) -> Result<Option<Arc<Rules>>> {
        let Some(stored) = repo::model_policies::find(&self.db, tenant).await? else { return Ok(None) };
        let mut rules = super::policies::read(&stored);
        let mut tags: Vec<Uuid> = rules.tiers.iter().flat_map(|rule| rule.tags.iter().copied()).collect();
        if !tags.is_empty() {
            tags.sort_unstable();
            tags.dedup();
            let tagged = repo::tags::targets(&self.db, tenant, &tags).await?;
            for rule in &mut rules.tiers {
                let of_rule = tagged.iter().filter(|(tag, _)| rule.tags.contains(tag));
                rule.tagged = of_rule.map(|(_, app)| AppId(*app)).collect();
            }
        }
        Ok((!rules.are_idle()).then(|| Arc::new(rules)))
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
        Call { egress, credentials, spec, limits: self.limits, tally: None }
    }

    /// The way out for whoever asks a model.
    pub(super) async fn egress(&self, scope: &ModelScope, model: &ModelRef) -> Result<Egress, ModelError> {
        let caller = Caller {
            workspace: scope.tenant_id.to_string(),
            run: scope.run_id.map_or_else(String::new, |run| run.to_string()),
            node: scope.node_id.clone().unwrap_or_default(),
        };
        let egress = self.outbound.of_caller(scope.tenant_id, caller).await;
        egress.map_err(|error| ModelError::new(ErrorClass::Connection, &model.provider, error.message))
    }

    /// The provider of a model in this workspace, and what is set up of it.
    pub(super) async fn set_up(
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

impl ModelGateway {
    /// Asks a chat model, as [`ModelRuntime::chat`] does, and tells what the answers that are kept had for it; nothing
    /// where none are.
    #[boxed]
    pub async fn chat_told(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: ChatRequest,
    ) -> Result<(ChatStream, Option<CacheState>), ModelError> {
        let (request, is_stream) = (&request, request.stream);
        let plan = self.plan(scope, model, ModelKind::Llm, Asked::chat(request), || Some(Shape::of_chat(request)));
        let plan = plan.await?;
        let place = if plan.keeps_answers() {
            match self.look(scope, &plan, &request.parameters, Question::of_chat(request)).await {
                Looked::Found(answer, how) => return Ok((self.replay(scope, &plan, &answer, how).await, Some(how))),
                Looked::Missed(place) => Some(place),
                Looked::Off => None,
            }
        } else {
            None
        };
        let attempt = |found: Resolved, egress: Egress| async move {
            let mut request = request.clone();
            request.model.clone_from(&found.spec.model);
            request.parameters = found.parameters(model, &request.parameters)?;
            request.user = request.user.or_else(|| scope.user.clone());
            let asked = found.provider.chat_model().ok_or_else(|| found.provider.unsupported("chat"))?;
            let call = self.call(&egress, &found.credentials, Some(&found.spec));
            begun(asked.chat(call, request).await?, is_stream).await
        };
        let (pieces, is_first) = self.carry_out(scope, model, &plan, is_stream, attempt).await?;
        Ok(recorded(pieces, place, is_first))
    }

    /// Asks a model to go on with a text, as [`ModelRuntime::completion`] does, and tells what the answers that are kept
    /// had for it; nothing where none are.
    #[boxed]
    pub async fn completion_told(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: CompletionRequest,
    ) -> Result<(ChatStream, Option<CacheState>), ModelError> {
        let (request, is_stream) = (&request, request.stream);
        let asked = Asked::completion(request);
        let plan = self.plan(scope, model, ModelKind::Llm, asked, || Some(Shape::of_text(request))).await?;
        let place = if plan.keeps_answers() {
            match self.look(scope, &plan, &request.parameters, Some(Question::of_completion(request))).await {
                Looked::Found(answer, how) => return Ok((self.replay(scope, &plan, &answer, how).await, Some(how))),
                Looked::Missed(place) => Some(place),
                Looked::Off => None,
            }
        } else {
            None
        };
        let attempt = |found: Resolved, egress: Egress| async move {
            let mut request = request.clone();
            request.model.clone_from(&found.spec.model);
            request.parameters = found.parameters(model, &request.parameters)?;
            request.user = request.user.or_else(|| scope.user.clone());
            let asked = found.provider.completion_model().ok_or_else(|| found.provider.unsupported("completion"))?;
            let call = self.call(&egress, &found.credentials, Some(&found.spec));
            begun(asked.complete(call, request).await?, is_stream).await
        };
        let (pieces, is_first) = self.carry_out(scope, model, &plan, is_stream, attempt).await?;
        Ok(recorded(pieces, place, is_first))
    }
}

/// An answer that will be kept, where it has a place; that of a stand-in is not what was asked for.
fn recorded(pieces: ChatStream, place: Option<super::kept::Place>, is_first: bool) -> (ChatStream, Option<CacheState>) {
    match place {
        Some(place) if is_first => (place.keep(pieces), Some(CacheState::Miss)),
        Some(_) => (pieces, Some(CacheState::Miss)),
        None => (pieces, None),
    }
}

#[async_trait]
impl ModelRuntime for ModelGateway {
    async fn chat(&self, scope: &ModelScope, model: &ModelRef, request: ChatRequest) -> Result<ChatStream, ModelError> {
        Ok(self.chat_told(scope, model, request).await?.0)
    }

    async fn completion(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: CompletionRequest,
    ) -> Result<ChatStream, ModelError> {
        Ok(self.completion_told(scope, model, request).await?.0)
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
            let asked = found.provider.embedder_for(&found.spec, &request)?;
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
            let tally = Tally::default();
            let call = Call { tally: Some(&tally), ..self.call(&egress, &found.credentials, Some(&found.spec)) };
            let answer = asked.rerank(call, request).await?;
            Ok::<_, ModelError>(Told { answer, used: tally.read(), pricing: found.spec.pricing.clone() })
        };
        Ok(self.ask(scope, model, ModelKind::Rerank, Asked::default(), attempt).await?.answer)
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
            let tally = Tally::default();
            let call = Call { tally: Some(&tally), ..self.call(&egress, &found.credentials, Some(&found.spec)) };
            let answer = asked.moderate(call, request).await?;
            Ok::<_, ModelError>(Told { answer, used: tally.read(), pricing: found.spec.pricing.clone() })
        };
        Ok(self.ask(scope, model, ModelKind::Moderation, Asked::default(), attempt).await?.answer)
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
            let tally = Tally::default();
            let call = Call { tally: Some(&tally), ..self.call(&egress, &found.credentials, Some(&found.spec)) };
            let answer = asked.transcribe(call, request).await?;
            Ok::<_, ModelError>(Told { answer, used: tally.read(), pricing: found.spec.pricing.clone() })
        };
        Ok(self.ask(scope, model, ModelKind::Speech2Text, Asked::default(), attempt).await?.answer)
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
            let tally = Tally::default();
            let call = Call { tally: Some(&tally), ..self.call(&egress, &found.credentials, Some(&found.spec)) };
            let answer = asked.speak(call, request).await?;
            Ok::<_, ModelError>(Told { answer, used: tally.read(), pricing: found.spec.pricing.clone() })
        };
        Ok(self.ask(scope, model, ModelKind::Tts, Asked::default(), attempt).await?.answer)
    }

    async fn describe(&self, scope: &ModelScope, model: &ModelRef, kind: ModelKind) -> Option<Arc<ModelSpec>> {
        self.resolve(scope, model, kind).await.ok().map(|found| found.spec)
    }

    fn count_tokens(&self, model: &ModelRef, messages: &[Message], tools: &[ToolSpec]) -> u64 {
        count::messages(&model.name, messages, tools)
    }
}
