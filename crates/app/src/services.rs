//! Everything a use case needs, built once at start and shared.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ox_auth::{KeyRing, Signer};
use ox_db::{Database, model::Account, repo};
use ox_kv::Kv;
use ox_net::Egress;
use ox_sandbox::CodeRunner;
use ox_store::ObjectStore;
use ox_types::{AccountId, AppId, TenantId, boxed};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Principal, Result, Settings,
    accounts::{Hasher, SessionCache},
    files::{FileSigner, FileStore},
    knowledge::{embedding::Embedder, external::External, index::Indexes, outside::Outside, retrieval::Retriever},
    mail::Outbox,
    network::Outbound,
    providers::ModelGateway,
    runs::Runtime,
    secrets::Secrets,
};

/// The parts of a running server.
pub struct Services {
    pub settings: Settings,
    pub db: Database,
    pub kv: Arc<dyn Kv>,
    pub store: Arc<dyn ObjectStore>,
    /// The operator's policy; calls of a workspace take [`Services::outbound`].
    pub egress: Egress,
    pub outbound: Outbound,
    pub signer: Signer,
    pub secrets: Arc<Secrets>,
    pub passwords: Hasher,
    pub sessions: SessionCache,
    pub models: Arc<ModelGateway>,
    /// Who asks models from outside.
    pub gateway_keys: crate::gateway_keys::GatewayKeys,
    pub files: FileStore,
    /// The tools of all workspaces.
    pub tools: Arc<crate::tools::ToolHub>,
    /// The place of the plugin host, for events.
    pub triggers: Arc<crate::triggers::host::TriggerHub>,
    /// Questions of agents to people.
    pub approvals: Arc<crate::approvals::Approvals>,
    /// Every node kind with what it may use.
    pub nodes: Arc<ox_nodes::Registry>,
    pub runs: Arc<Runtime>,
    /// The work on documents.
    pub knowledge: crate::knowledge::Worker,
    /// Datasources and chunks of pipelines.
    pub(crate) pipelines: Arc<crate::pipelines::port::PipelinePorts>,
    /// The local copies of what can be found in knowledge bases.
    pub indexes: Indexes,
    /// The vector store that the operator named, if one was.
    pub outside: Option<Outside>,
    /// Makes vectors.
    pub embedder: Embedder,
    /// Finds chunks.
    pub retriever: Retriever,
    /// Compares questions with annotations.
    pub(crate) matcher: crate::annotation_reply::Matcher,
    /// Mails on their way out.
    pub mail: Outbox,
    /// Traces on their way out.
    pub traces: crate::traces::Tracer,
    /// Tasks that shutdown waits for.
    pub tracker: TaskTracker,
    pub shutdown: CancellationToken,
    /// Renders `/metrics`.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    pub started_at: std::time::Instant,
    /// What the operator should know about the walls around code; set once the first workers have told.
    pub code_findings: std::sync::OnceLock<Vec<String>>,
    is_set_up: AtomicBool,
}

/// What differs between a server, a test and a command.
pub struct Parts {
    pub settings: Settings,
    pub db: Database,
    pub kv: Arc<dyn Kv>,
    pub store: Arc<dyn ObjectStore>,
    pub egress: Egress,
    pub code: Arc<dyn CodeRunner>,
    /// `SECRET_KEY` and the older ones that are still accepted.
    pub secret: String,
    pub old_secrets: Vec<String>,
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Services {
    /// Wires the parts together and starts the recorder.
    ///
    /// # Errors
    /// When the secret key cannot be used.
    pub fn new(parts: Parts) -> Result<Arc<Self>> {
        let Parts { mut settings, db, kv, store, egress, code, secret, old_secrets, metrics } = parts;
        let ring = KeyRing::new(&secret, &old_secrets).map_err(crate::Error::internal)?;
        let secrets = Arc::new(Secrets::new(ring));
        let outbound = Outbound::new(db.clone(), egress.clone());
        let (scripted, retries) = (settings.scripted_model, settings.model_retries);
        let models = ModelGateway::new(db.clone(), outbound.clone(), Arc::clone(&secrets), scripted, retries);
        let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let models = models
            .limited(settings.model_first_token, settings.model_total)
            .counting(Arc::clone(&kv), tracker.clone())
            .keeping(settings.model_cache_mb);
        let models = Arc::new(models);
        let file_signer = FileSigner::new(secret.as_bytes(), settings.files_access_life);
        let files = FileStore::new(
            db.clone(),
            Arc::clone(&store),
            outbound.clone(),
            file_signer,
            &settings.files_url,
            settings.uploads.clone(),
        );
        let runs = Runtime::new(&db, &settings);
        let outside = Outside::connect(&settings.vectors, None, db.clone(), egress.clone(), runs.process_id)?;
        let indexes = Indexes::new(db.clone(), &settings.home, outside.clone(), tracker.clone());
        let asked = Arc::clone(&models) as Arc<dyn ox_models::ModelRuntime>;
        let embedder = Embedder::new(db.clone(), Arc::clone(&kv), Arc::clone(&asked));
        let external = External::new(db.clone(), outbound.clone(), Arc::clone(&secrets));
        let retriever = Retriever::new(db.clone(), asked, embedder.clone(), indexes.clone(), external, tracker.clone());
        let (limits, wrong) = ox_nodes::Limits::from_env(|name| std::env::var(name).ok());
        settings.findings.extend(wrong);
        let tools = Arc::new(crate::tools::ToolHub::new(crate::tools::HubParts {
            db: db.clone(),
            secrets: Arc::clone(&secrets),
            kv: Arc::clone(&kv),
            outbound: outbound.clone(),
            code: Arc::clone(&code),
            code_limits: limits.code(),
            files: files.clone(),
            space: Arc::new(crate::tools::space::RunSpace::new(db.clone(), Arc::clone(&store))),
            programs: crate::tools::programs::ProgramHost::new(
                settings.mcp_programs.clone(),
                &settings.home,
                settings.mcp_guard.clone(),
            ),
            databases: settings.home.join("databases").into(),
            connect: settings.api_tool_connect,
            read: settings.api_tool_read,
        }));
        let asked = Arc::clone(&models) as Arc<dyn ox_models::ModelRuntime>;
        let toolbox = Arc::clone(&tools) as Arc<dyn ox_nodes::ToolPort>;
        let approvals = Arc::new(crate::approvals::Approvals::new(db.clone(), settings.tool_approval));
        let people = Arc::clone(&approvals) as Arc<dyn ox_agents::ApprovalPort>;
        let agents = Arc::new(ox_agents::Strategies::new(asked, toolbox, Arc::new(files.clone())).asking(people));
        let pipelines = Arc::new(crate::pipelines::port::PipelinePorts::default());
        let triggers = Arc::new(crate::triggers::host::TriggerHub::default());
        let nodes = Arc::new(ox_nodes::Registry::new(ox_nodes::Ports {
            models: Arc::clone(&models) as Arc<dyn ox_models::ModelRuntime>,
            http: Arc::new(outbound.clone()),
            code,
            files: Arc::new(files.clone()),
            history: Arc::new(crate::runs::ConversationHistory::new(db.clone(), files.clone())),
            retrieval: Arc::new(crate::knowledge::port::KnowledgePort::new(retriever.clone(), files.clone())),
            tools: Arc::clone(&tools) as Arc<dyn ox_nodes::ToolPort>,
            agents,
            datasources: Arc::clone(&pipelines) as Arc<dyn ox_nodes::DatasourcePort>,
            index: Arc::clone(&pipelines) as Arc<dyn ox_nodes::IndexPort>,
            triggers: Arc::clone(&triggers) as Arc<dyn ox_nodes::TriggerPort>,
            unstructured: ox_nodes::Unstructured::from_env(|name| std::env::var(name).ok(), egress.clone()),
            limits,
        }));
        let mail = Outbox::new(ox_mail::Mailer::new(settings.mail.clone(), egress.clone()));
        let services = Arc::new(Self {
            signer: Signer::new(&secret, &old_secrets),
            passwords: Hasher::default(),
            sessions: SessionCache::default(),
            started_at: std::time::Instant::now(),
            code_findings: std::sync::OnceLock::new(),
            is_set_up: AtomicBool::new(false),
            settings,
            db,
            kv,
            store,
            egress,
            outbound,
            secrets,
            models,
            gateway_keys: crate::gateway_keys::GatewayKeys::default(),
            files,
            tools,
            triggers,
            approvals,
            nodes,
            runs,
            knowledge: crate::knowledge::Worker::default(),
            pipelines,
            indexes,
            outside,
            embedder,
            retriever,
            matcher: crate::annotation_reply::Matcher::default(),
            mail,
            traces: crate::traces::Tracer::default(),
            tracker,
            shutdown,
            metrics,
        });
        services.tools.attach(&services);
        services.approvals.attach(&services);
        services.pipelines.attach(&services);
        Ok(services)
    }

    /// Whether the first account exists. Once true, it stays true.
    #[boxed]
    pub async fn is_set_up(&self) -> Result<bool> {
        if self.is_set_up.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let done = repo::settings::setup_at(&self.db).await?.is_some();
        self.is_set_up.store(done, Ordering::Relaxed);
        Ok(done)
    }

    /// Forgets what is cached of an app that changed.
    #[boxed]
    pub async fn forget_app(&self, app: AppId) {
        crate::runs::signals::forget(self, app).await;
    }

    /// Encrypts a secret of a workspace.
    #[boxed]
    pub async fn encrypt(&self, tenant: TenantId, plain: &str) -> Result<String> {
        self.secrets.tenant_key(&self.db, tenant).await?.seal(plain)
    }

    /// Decrypts a secret of a workspace.
    #[boxed]
    pub async fn decrypt(&self, tenant: TenantId, sealed: &str) -> Result<String> {
        self.secrets.tenant_key(&self.db, tenant).await?.open(sealed)
    }

    /// The interface language of the caller.
    #[boxed]
    pub async fn account_language(&self, principal: &Principal) -> String {
        let Ok(account) = principal.account_id() else { return "en-US".into() };
        let found = repo::accounts::find(&self.db, account).await.ok().flatten();
        found.and_then(|account| account.interface_language).unwrap_or_else(|| "en-US".into())
    }

    /// Accounts by id, for lists that show who made what.
    #[boxed]
    pub async fn people(&self, ids: &[AccountId]) -> Result<HashMap<AccountId, Account>> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let found = repo::accounts::find_many(&self.db, &ids).await?;
        Ok(found.into_iter().map(|account| (account.id, account)).collect())
    }
}
