//! What a request needs to know of an app, cached: key, app, site, configuration, compiled workflow.
//!
//! Entries live for a few seconds, are not read any more from the moment the app changes in this process, and are
//! bounded in number. Published versions never change, so compiled workflows stay until they are pushed out.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use ox_db::{
    Database,
    model::{ApiToken, App, AppModelConfig, EndUser, Site},
    repo,
};
use ox_types::{AppId, EndUserId, TenantId, boxed};
use uuid::Uuid;

use super::{compiled::CompiledWorkflow, event::AppMode};
use crate::{Error, Result, api_keys::Scopes, changes::Changes, page_access::PageAccess};

/// How long another process may go on with what it has read.
const FRESH: Duration = Duration::from_secs(3);

/// An app as its callers meet it.
#[derive(Clone, Debug)]
pub struct PublishedApp {
    pub app: App,
    pub mode: AppMode,
    pub site: Option<Site>,
    /// Basic apps: the newest configuration.
    pub config: Option<Arc<AppModelConfig>>,
    /// `normal` or `archive`.
    pub tenant_status: String,
    /// Who may open its page.
    pub access: PageAccess,
    /// Answers from annotations; what is set is read when it is needed.
    pub annotated: bool,
}

impl PublishedApp {
    /// Whether no door of it opens, whatever its switches say: it is no app to be found (a template that is tried
    /// out), or its workspace is archived.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.app.status != "normal" || self.tenant_status == "archive"
    }
}

/// The caches.
pub struct Published {
    db: Database,
    changes: Changes,
    keys: Cache<(u64, Box<str>), Option<Key>>,
    apps: Cache<(u64, AppId), Option<Arc<PublishedApp>>>,
    codes: Cache<(u64, Box<str>), Option<AppId>>,
    configs: Cache<Uuid, Arc<AppModelConfig>>,
    users: Cache<(AppId, &'static str, Box<str>), Arc<EndUser>>,
    visitors: Cache<(AppId, EndUserId), Arc<EndUser>>,
    pub(super) compiled: Cache<Uuid, Arc<CompiledWorkflow>>,
}

/// A key of the Service API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    /// 0 is no limit.
    pub requests_per_minute: u32,
    /// 0 is no limit.
    pub concurrent_runs: u32,
    pub scopes: Scopes,
}

impl Key {
    fn of(row: &ApiToken) -> Option<Self> {
        let limit = |limit: Option<i32>| limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(0);
        Some(Self {
            id: row.id,
            tenant_id: row.tenant_id?,
            app_id: row.app_id?,
            requests_per_minute: limit(row.limits.requests_per_minute),
            concurrent_runs: limit(row.limits.concurrent_runs),
            scopes: Scopes::stored(row.limits.scopes.as_deref()),
        })
    }
}

impl Published {
    /// Empty caches over a database.
    #[must_use]
    pub fn new(db: Database) -> Self {
        Self {
            db,
            changes: Changes::default(),
            keys: Cache::builder().max_capacity(20_000).time_to_live(FRESH).build(),
            apps: Cache::builder().max_capacity(5_000).time_to_live(FRESH).build(),
            codes: Cache::builder().max_capacity(5_000).time_to_live(FRESH).build(),
            configs: Cache::builder().max_capacity(1_000).build(),
            users: Cache::builder().max_capacity(50_000).time_to_live(Duration::from_secs(600)).build(),
            visitors: Cache::builder().max_capacity(50_000).time_to_live(Duration::from_secs(60)).build(),
            compiled: Cache::builder().max_capacity(512).build(),
        }
    }

    /// Forgets what is known of an app; its next caller reads it anew.
    #[boxed]
    pub async fn forget(&self, app_id: AppId) {
        // All of them: a key or an address does not tell its app beforehand.
        let before = self.changes.add();
        self.apps.invalidate(&(before, app_id)).await;
    }

    /// Forgets what is known of every app and key: which ones changed is not known.
    pub fn forget_all(&self) {
        self.changes.add();
    }

    /// The key with this text.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn key(&self, token: &str) -> Result<Option<Key>> {
        let at: (u64, Box<str>) = (self.changes.count(), token.into());
        if let Some(key) = self.keys.get(&at).await {
            return Ok(key);
        }
        let load = async {
            let found = repo::api_tokens::find(&self.db, token, "app").await?;
            Ok::<_, ox_db::Error>(found.as_ref().and_then(Key::of))
        };
        Ok(self.keys.try_get_with(at, load).await?)
    }

    /// An app with what belongs to it.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn app(&self, id: AppId) -> Result<Option<Arc<PublishedApp>>> {
        let at = (self.changes.count(), id);
        if let Some(app) = self.apps.get(&at).await {
            return Ok(app);
        }
        Ok(self.apps.try_get_with(at, self.load(id)).await?)
    }

    /// The app behind a public address.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn app_by_code(&self, code: &str) -> Result<Option<Arc<PublishedApp>>> {
        let load = async {
            let site = repo::apps::site_by_code(&self.db, code).await?;
            Ok::<_, ox_db::Error>(site.map(|site| site.app_id))
        };
        let at: (u64, Box<str>) = (self.changes.count(), code.into());
        let Some(id) = self.codes.try_get_with(at, load).await? else {
            return Ok(None);
        };
        self.app(id).await
    }

    async fn load(&self, id: AppId) -> Result<Option<Arc<PublishedApp>>, ox_db::Error> {
        let Some(app) = repo::apps::find_any(&self.db, id).await? else { return self.load_pipeline(id).await };
        let Some(mut mode) = AppMode::parse(&app.mode) else { return Ok(None) };
        let site = repo::apps::sites(&self.db, &[id]).await?.remove(&id);
        let config = match app.app_model_config_id {
            Some(config) => repo::apps::configs(&self.db, &[config]).await?.remove(&config).map(Arc::new),
            None => None,
        };
        // Compat: old chat apps became agents by their configuration.
        if mode == AppMode::Chat && config.as_deref().is_some_and(is_agent) {
            mode = AppMode::AgentChat;
        }
        let tenant = repo::tenants::find(&self.db, app.tenant_id).await?;
        let tenant_status = tenant.map_or_else(|| "archive".to_owned(), |tenant| tenant.status);
        let access = PageAccess::of(repo::site_access::find(&self.db, id).await?);
        let annotated = repo::annotation_settings::find(&self.db, id).await?.is_some();
        Ok(Some(Arc::new(PublishedApp { app, mode, site, config, tenant_status, access, annotated })))
    }

    /// A pipeline of a knowledge base, in the form of an app: its runs are those of a workflow.
    async fn load_pipeline(&self, id: AppId) -> Result<Option<Arc<PublishedApp>>, ox_db::Error> {
        let Some(pipeline) = repo::pipelines::find_any(&self.db, id).await? else { return Ok(None) };
        let tenant = repo::tenants::find(&self.db, pipeline.tenant_id).await?;
        let tenant_status = tenant.map_or_else(|| "archive".to_owned(), |tenant| tenant.status);
        let app = crate::pipelines::as_app(&pipeline);
        let access = PageAccess::of(None);
        let mode = AppMode::Workflow;
        let (site, config, annotated) = (None, None, false);
        Ok(Some(Arc::new(PublishedApp { app, mode, site, config, tenant_status, access, annotated })))
    }

    /// A configuration version; they never change.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn config(&self, id: Uuid) -> Result<Option<Arc<AppModelConfig>>> {
        if let Some(config) = self.configs.get(&id).await {
            return Ok(Some(config));
        }
        let Some(config) = repo::apps::configs(&self.db, &[id]).await.map_err(Error::from)?.remove(&id) else {
            return Ok(None);
        };
        let config = Arc::new(config);
        self.configs.insert(id, Arc::clone(&config)).await;
        Ok(Some(config))
    }

    /// An end user by id, read when it is not known yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn visitor<F>(
        &self,
        app: &PublishedApp,
        id: EndUserId,
        read: impl FnOnce() -> F,
    ) -> Result<Option<Arc<EndUser>>>
    where
        F: Future<Output = Result<Option<EndUser>, ox_db::Error>>,
    {
        let key = (app.app.id, id);
        if let Some(user) = self.visitors.get(&key).await {
            return Ok(Some(user));
        }
        let Some(user) = read().await.map_err(Error::from)? else { return Ok(None) };
        let user = Arc::new(user);
        self.visitors.insert(key, Arc::clone(&user)).await;
        Ok(Some(user))
    }

    /// The end user with this session, made on first sight.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn end_user(
        &self,
        app: &App,
        kind: &'static str,
        session: &str,
        anonymous: bool,
    ) -> Result<Arc<EndUser>> {
        let key = (app.id, kind, Box::from(session));
        if let Some(user) = self.users.get(&key).await {
            return Ok(user);
        }
        let load = async {
            let known = repo::end_users::find_by_session(&self.db, app.tenant_id, app.id, session, kind).await?;
            if let Some(user) = known {
                return Ok(Arc::new(user));
            }
            let now = ox_db::now();
            let user = EndUser {
                id: ox_types::EndUserId::new(),
                tenant_id: app.tenant_id,
                app_id: Some(app.id),
                kind: kind.to_owned(),
                external_user_id: Some(session.to_owned()),
                name: None,
                is_anonymous: anonymous,
                session_id: session.to_owned(),
                created_at: now,
                updated_at: now,
            };
            let tx = self.db.begin().await?;
            let user = repo::end_users::insert(&tx, user).await?;
            tx.commit().await?;
            Ok::<_, ox_db::Error>(Arc::new(user))
        };
        Ok(self.users.try_get_with(key, load).await?)
    }
}

fn is_agent(config: &AppModelConfig) -> bool {
    let Some(agent) = &config.agent_mode else { return false };
    let enabled = agent.get("enabled").and_then(ox_types::Json::as_bool).unwrap_or(false);
    let strategy = agent.get("strategy").and_then(ox_types::Json::as_str).unwrap_or_default();
    enabled && matches!(strategy, "function_call" | "react")
}
