//! Runs from the editor: the draft as it is saved, or a basic app with a configuration that is not.

use std::sync::Arc;

use ox_types::{AppId, Json, MessageId, TaskId, boxed};

use crate::{
    AppCaller, Error, Principal, Result, Services, accounts, apps, messages, model_config,
    principal::Permission,
    runs::{self, InvokeFrom, PublishedApp, RunRequest, RunUser, Subscription},
    tools::permissions,
    workflows,
};

/// A question to a basic app with a configuration of the moment.
pub struct PreviewRequest {
    pub request: RunRequest,
    pub model_config: Json,
}

/// The member as a user of the app.
pub(crate) async fn caller(services: &Services, principal: &Principal, app: AppId) -> Result<AppCaller> {
    let account = accounts::profile(services, principal).await?;
    let found = services.runs.published.app(app).await?;
    let app = found.ok_or_else(|| Error::new(404, "app_not_found", "App not found."))?;
    let user = RunUser::Account { id: account.id.0, name: account.name.into(), email: account.email.into() };
    Ok(AppCaller { app, user, invoke_from: InvokeFrom::Debugger })
}

/// Runs the draft of a workflow app.
#[boxed]
pub async fn run_draft(
    services: &Arc<Services>,
    principal: &Principal,
    app: AppId,
    mode: &str,
    request: RunRequest,
) -> Result<Subscription> {
    principal.require(Permission::AppEdit)?;
    apps::find_of_mode(services, principal, app, &[mode]).await?;
    let draft = workflows::draft(services, principal, app.into()).await?;
    permissions::require(services, principal, &permissions::of_graph(&draft.graph, |_| true)).await?;
    let caller = caller(services, principal, app).await?;
    runs::start_draft(services, &caller, &draft, request).await
}

/// Asks a basic app with the configuration the editor shows.
#[boxed]
pub async fn preview(
    services: &Arc<Services>,
    principal: &Principal,
    app: AppId,
    modes: &[&str],
    preview: PreviewRequest,
) -> Result<Subscription> {
    principal.require(Permission::AppEdit)?;
    apps::find_of_mode(services, principal, app, modes).await?;
    permissions::require(services, principal, &permissions::of_config(&preview.model_config)).await?;
    let config = model_config::from_json(app, principal.account_id()?, &preview.model_config)?;
    let mut caller = caller(services, principal, app).await?;
    caller.app = Arc::new(PublishedApp { config: Some(Arc::new(config)), ..caller.app.as_ref().clone() });
    runs::start(services, &caller, preview.request).await
}

/// Stops a run of the editor.
#[boxed]
pub async fn stop(services: &Services, principal: &Principal, app: AppId, task: TaskId) -> Result<()> {
    apps::find(services, principal, app).await?;
    runs::signals::stop(services, app, task, None).await;
    Ok(())
}

/// Questions a user might ask next.
#[boxed]
pub async fn suggested(
    services: &Services,
    principal: &Principal,
    app: AppId,
    message: MessageId,
) -> Result<Vec<String>> {
    apps::find(services, principal, app).await?;
    let caller = caller(services, principal, app).await?;
    messages::suggested(services, &caller, message).await
}
