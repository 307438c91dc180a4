//! A user of an app: who, of which app, and by which door. The principal of everything outside the console.

use std::sync::Arc;

use ox_db::repo::conversations::Owner;
use ox_types::{AccountId, EndUserId, TenantId, boxed};

use crate::{
    Error, Result, Services,
    runs::{AppMode, InvokeFrom, RunUser, published::PublishedApp},
};

/// The shared end user of callers that give no name.
pub const ANONYMOUS: &str = "DEFAULT-USER";

/// Somebody who uses an app.
#[derive(Clone, Debug)]
pub struct AppCaller {
    pub app: Arc<PublishedApp>,
    pub user: RunUser,
    pub invoke_from: InvokeFrom,
}

impl AppCaller {
    /// The caller of the Service API that names itself `user`.
    ///
    /// # Errors
    /// When the end user cannot be read or made.
    #[boxed]
    pub async fn service(services: &Services, app: Arc<PublishedApp>, user: Option<&str>) -> Result<Self> {
        let name = user.filter(|user| !user.is_empty());
        let session = name.unwrap_or(ANONYMOUS);
        let end_user = services.runs.published.end_user(&app.app, "service-api", session, name.is_none()).await?;
        let user = RunUser::EndUser { id: end_user.id.0, session_id: end_user.session_id.as_str().into() };
        Ok(Self { app, user, invoke_from: InvokeFrom::ServiceApi })
    }

    /// The workspace of the app.
    #[must_use]
    pub fn tenant_id(&self) -> TenantId {
        self.app.app.tenant_id
    }

    /// Whose conversations and messages the caller sees.
    #[must_use]
    pub fn owner(&self) -> Owner {
        match &self.user {
            RunUser::EndUser { id, .. } => Owner::EndUser(EndUserId(*id)),
            RunUser::Account { id, .. } => Owner::Account(AccountId(*id)),
        }
    }

    /// `api` or `console`, as messages and conversations store it.
    #[must_use]
    pub const fn from_source(&self) -> &'static str {
        match self.user {
            RunUser::EndUser { .. } => "api",
            RunUser::Account { .. } => "console",
        }
    }

    /// The app must have conversations.
    ///
    /// # Errors
    /// 400 `not_chat_app`.
    pub fn require_chat(&self) -> Result<()> {
        require_chat(self.app.mode)
    }
}

/// The mode must be one with conversations.
///
/// # Errors
/// 400 `not_chat_app`.
pub fn require_chat(mode: AppMode) -> Result<()> {
    if mode.is_chat() {
        return Ok(());
    }
    Err(Error::new(400, "not_chat_app", "Please check if your app mode matches the right API route."))
}
