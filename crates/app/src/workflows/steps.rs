//! Parts of a draft tried out by themselves, and what they gave last.

use ox_types::boxed;
use std::sync::Arc;

use ox_db::{model::NodeExecution, repo};

use super::{Owner, draft, graph_app};
use crate::{
    AppCaller, Error, Principal, Result, Services, debug,
    principal::Permission,
    runs::{self, InvokeFrom, StepRequest, Subscription},
    tools::permissions,
};

/// The member who tries the draft out.
async fn editor(services: &Services, principal: &Principal, owner: Owner) -> Result<AppCaller> {
    principal.require(Permission::AppEdit)?;
    let caller = debug::caller(services, principal, owner.id()).await?;
    Ok(AppCaller { invoke_from: InvokeFrom::Debugger, ..caller })
}

/// Runs one node of the draft.
///
/// # Errors
/// 404 for an unknown node, 400 when what it reads is neither known nor given.
#[boxed]
pub async fn run_node(
    services: &Arc<Services>,
    principal: &Principal,
    owner: Owner,
    node_id: &str,
    request: StepRequest,
) -> Result<NodeExecution> {
    let draft = draft(services, principal, owner).await?;
    let tools = permissions::of_graph(&draft.graph, |node| node["id"] == node_id);
    permissions::require(services, principal, &tools).await?;
    let caller = editor(services, principal, owner).await?;
    runs::run_step(services, &caller, &draft, node_id, request).await
}

/// Which container is run, of an app of which mode.
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    pub mode: &'static str,
    /// `iteration` or `loop`.
    pub kind: &'static str,
    pub node_id: &'a str,
}

/// Runs an iteration or loop of the draft with what is in it.
///
/// # Errors
/// As [`run_node`].
pub async fn run_container(
    services: &Arc<Services>,
    principal: &Principal,
    owner: Owner,
    container: Container<'_>,
    request: StepRequest,
) -> Result<Subscription> {
    if graph_app(services, principal, owner).await?.mode != container.mode {
        return Err(Error::new(404, "app_not_found", "App not found."));
    }
    let draft = draft(services, principal, owner).await?;
    let tools = permissions::of_graph(&draft.graph, |node| node["parentId"] == container.node_id);
    permissions::require(services, principal, &tools).await?;
    let caller = editor(services, principal, owner).await?;
    runs::run_container(services, &caller, &draft, container.node_id, container.kind, request).await
}

/// The newest execution of a node in the editor, by itself or in a run of the draft.
///
/// # Errors
/// 404 when it has never run there.
#[boxed]
pub async fn last_run(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    node_id: &str,
) -> Result<NodeExecution> {
    let app = graph_app(services, principal, owner).await?;
    let draft = draft(services, principal, owner).await?;
    let found = repo::runs::last_of_node(&services.db, app.tenant_id, draft.id, node_id).await?;
    found.ok_or_else(|| Error::not_found("The node has not run in the editor yet."))
}
