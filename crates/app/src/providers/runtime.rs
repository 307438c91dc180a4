//! The runtime behind every model call: finds provider and credentials of the workspace, asks, measures.

use ox_types::boxed;
use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use moka::future::Cache;
use ox_db::{Database, repo};
use ox_models::{
    Call, CallLimits, ChatRequest, ChatStream, CompletionRequest, Credentials, EmbeddingRequest, EmbeddingResult,
    ErrorClass, Message, ModelError, ModelKind, ModelRef, ModelRuntime, ModelScope, ModelSpec, ModerationRequest,
    Provider, Ranked, Registry, RerankRequest, SpeechRequest, SpeechStream, ToolSpec, TranscriptionRequest, count,
};
use ox_net::{Caller, Egress};
use ox_types::TenantId;

use super::state::{WorkspaceModels, needs_credentials};
use crate::{Result, network::Outbound, secrets::Secrets};

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
    workspaces: Cache<TenantId, Arc<WorkspaceModels>>,
    lists: Cache<(TenantId, String), Option<Arc<Vec<ModelSpec>>>>,
}

impl ModelGateway {
    /// A gateway over a database; `scripted` offers the scripted model.
    #[must_use]
    pub fn new(db: Database, outbound: Outbound, secrets: Arc<Secrets>, scripted: bool) -> Self {
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
        Self { db, registry, outbound, secrets, limits: CallLimits::default(), workspaces, lists }
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

    async fn resolve(&self, scope: &ModelScope, model: &ModelRef, kind: ModelKind) -> Result<Resolved, ModelError> {
        let failed = |class, text: String| ModelError::new(class, &model.provider, text);
        let provider = self.registry.find(&model.provider).ok_or_else(|| {
            failed(
                ErrorClass::NotFound,
                format!("Provider {} does not exist. Install it, or choose another model.", model.provider),
            )
        })?;
        let workspace =
            self.workspace(scope.tenant_id).await.map_err(|error| failed(ErrorClass::Connection, error.message))?;
        let id = &provider.spec().id;
        if workspace.is_disabled(id, &model.name, kind) {
            return Err(failed(ErrorClass::BadRequest, format!("Model {} is disabled in this workspace.", model.name)));
        }
        let credentials = match workspace.credentials(id, &model.name, kind) {
            Some(credentials) => credentials,
            None if !needs_credentials(provider.as_ref()) => Arc::new(Credentials::new()),
            None => {
                return Err(failed(ErrorClass::Auth, format!("Model {} credentials is not initialized.", model.name)));
            }
        };
        let spec = Arc::new(provider.describe(&model.name, kind, &credentials));
        Ok(Resolved { provider: Arc::clone(provider), credentials, spec })
    }
}

struct Resolved {
    provider: Arc<dyn Provider>,
    credentials: Arc<Credentials>,
    spec: Arc<ModelSpec>,
}

impl Resolved {
    fn count<T>(&self, result: &Result<T, ModelError>) {
        let status = if result.is_ok() { "ok" } else { "error" };
        let (provider, model) = (self.provider.spec().id.clone(), self.spec.model.clone());
        metrics::counter!("oxidify_llm_requests_total", "provider" => provider, "model" => model, "status" => status)
            .increment(1);
    }
}

#[async_trait]
impl ModelRuntime for ModelGateway {
    async fn chat(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        mut request: ChatRequest,
    ) -> Result<ChatStream, ModelError> {
        let found = self.resolve(scope, model, ModelKind::Llm).await?;
        request.model.clone_from(&model.name);
        request.parameters = found.spec.check_parameters(&found.provider.spec().id, &request.parameters)?;
        request.user = request.user.or_else(|| scope.user.clone());
        let chat = found.provider.chat_model().ok_or_else(|| found.provider.unsupported("chat"))?;
        let egress = self.egress(scope, model).await?;
        let result = chat.chat(self.call(&egress, &found.credentials, Some(&found.spec)), request).await;
        found.count(&result);
        result
    }

    async fn completion(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        mut request: CompletionRequest,
    ) -> Result<ChatStream, ModelError> {
        let found = self.resolve(scope, model, ModelKind::Llm).await?;
        request.model.clone_from(&model.name);
        request.parameters = found.spec.check_parameters(&found.provider.spec().id, &request.parameters)?;
        request.user = request.user.or_else(|| scope.user.clone());
        let completion = found.provider.completion_model().ok_or_else(|| found.provider.unsupported("completion"))?;
        let egress = self.egress(scope, model).await?;
        let result = completion.complete(self.call(&egress, &found.credentials, Some(&found.spec)), request).await;
        found.count(&result);
        result
    }

    async fn embed(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        mut request: EmbeddingRequest,
    ) -> Result<EmbeddingResult, ModelError> {
        let found = self.resolve(scope, model, ModelKind::TextEmbedding).await?;
        request.model.clone_from(&model.name);
        let embedding = found.provider.embedding_model().ok_or_else(|| found.provider.unsupported("text-embedding"))?;
        let egress = self.egress(scope, model).await?;
        let result = embedding.embed(self.call(&egress, &found.credentials, Some(&found.spec)), request).await;
        found.count(&result);
        result
    }

    async fn rerank(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        mut request: RerankRequest,
    ) -> Result<Vec<Ranked>, ModelError> {
        let found = self.resolve(scope, model, ModelKind::Rerank).await?;
        request.model.clone_from(&model.name);
        let rerank = found.provider.rerank_model().ok_or_else(|| found.provider.unsupported("rerank"))?;
        let egress = self.egress(scope, model).await?;
        let result = rerank.rerank(self.call(&egress, &found.credentials, Some(&found.spec)), request).await;
        found.count(&result);
        result
    }

    async fn moderate(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        mut request: ModerationRequest,
    ) -> Result<bool, ModelError> {
        let found = self.resolve(scope, model, ModelKind::Moderation).await?;
        request.model.clone_from(&model.name);
        let moderation = found.provider.moderation_model().ok_or_else(|| found.provider.unsupported("moderation"))?;
        let egress = self.egress(scope, model).await?;
        let result = moderation.moderate(self.call(&egress, &found.credentials, Some(&found.spec)), request).await;
        found.count(&result);
        result
    }

    async fn transcribe(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        mut request: TranscriptionRequest,
    ) -> Result<String, ModelError> {
        let found = self.resolve(scope, model, ModelKind::Speech2Text).await?;
        request.model.clone_from(&model.name);
        let listener = found.provider.transcription_model();
        let listener = listener.ok_or_else(|| found.provider.unsupported("speech2text"))?;
        let egress = self.egress(scope, model).await?;
        let result = listener.transcribe(self.call(&egress, &found.credentials, Some(&found.spec)), request).await;
        found.count(&result);
        result
    }

    async fn speak(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        mut request: SpeechRequest,
    ) -> Result<SpeechStream, ModelError> {
        let found = self.resolve(scope, model, ModelKind::Tts).await?;
        request.model.clone_from(&model.name);
        let speaker = found.provider.speech_model().ok_or_else(|| found.provider.unsupported("tts"))?;
        let egress = self.egress(scope, model).await?;
        let result = speaker.speak(self.call(&egress, &found.credentials, Some(&found.spec)), request).await;
        found.count(&result);
        result
    }

    async fn describe(&self, scope: &ModelScope, model: &ModelRef, kind: ModelKind) -> Option<Arc<ModelSpec>> {
        self.resolve(scope, model, kind).await.ok().map(|found| found.spec)
    }

    fn count_tokens(&self, model: &ModelRef, messages: &[Message], tools: &[ToolSpec]) -> u64 {
        count::messages(&model.name, messages, tools)
    }
}
