//! Recorded runs run again: replayed from the journal, forked from a node, compared.

use std::sync::Arc;

use ox_db::{
    model::{NodeExecution, RunOrigin, WorkflowRun},
    repo,
};
use ox_types::{AppId, RunId, boxed};

use crate::{
    AppCaller, Error, Principal, Result, Services, debug, logs,
    principal::Permission,
    runs::{
        self, InvokeFrom, Subscription,
        compare::{self, Comparison},
        fork::ForkRequest,
    },
};

/// Descendants that a run's detail names.
const CHILDREN: u64 = 50;

/// A run with where it comes from and what was made of it.
#[derive(Clone, Debug, Default)]
pub struct Family {
    pub origin: Option<RunOrigin>,
    pub children: Vec<RunOrigin>,
}

/// Where a run comes from and what was made of it.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn family(services: &Services, run: &WorkflowRun) -> Result<Family> {
    Ok(Family {
        origin: repo::run_origins::of_run(&services.db, run.tenant_id, run.app_id, run.id).await?,
        children: repo::run_origins::children(&services.db, run.tenant_id, run.app_id, run.id, CHILDREN).await?,
    })
}

async fn recorded(
    services: &Services,
    principal: &Principal,
    app: AppId,
    id: RunId,
) -> Result<(WorkflowRun, Vec<NodeExecution>)> {
    let run = logs::run(services, principal, app.into(), id).await?;
    let executions = repo::runs::executions_of(&services.db, &run).await?;
    Ok((run, executions))
}

/// A run that has ended, for somebody who may try it again.
async fn ended(
    services: &Services,
    principal: &Principal,
    app: AppId,
    id: RunId,
) -> Result<(AppCaller, WorkflowRun, Vec<NodeExecution>)> {
    principal.require(Permission::AppEdit)?;
    let (run, executions) = recorded(services, principal, app, id).await?;
    if !run.status.is_final() {
        return Err(Error::new(400, "run_not_finished", "The run has not ended yet: wait for its end, or stop it."));
    }
    let caller = debug::caller(services, principal, app).await?;
    Ok((AppCaller { invoke_from: InvokeFrom::Debugger, ..caller }, run, executions))
}

/// Two runs of an app side by side.
///
/// # Errors
/// 404 when the app has not both of them.
#[boxed]
pub async fn compare(
    services: &Services,
    principal: &Principal,
    app: AppId,
    base: RunId,
    other: RunId,
) -> Result<Comparison> {
    let base = recorded(services, principal, app, base).await?;
    let other = recorded(services, principal, app, other).await?;
    Ok(compare::compare(base, other))
}

/// Runs a recorded run again from its journal and compares what came out.
///
/// # Errors
/// 400 for a run that has not ended.
#[boxed]
pub async fn replay(services: &Arc<Services>, principal: &Principal, app: AppId, id: RunId) -> Result<Comparison> {
    let (caller, run, executions) = ended(services, principal, app, id).await?;
    let replayed = runs::replay::replay(services, &caller, &run, &executions).await?;
    let other = recorded(services, principal, app, replayed).await?;
    Ok(compare::compare((run, executions), other))
}

/// Starts a new run that leaves a recorded one at some node.
///
/// # Errors
/// 400 for a run that has not ended, or a node that it did not come to.
#[boxed]
pub async fn fork(
    services: &Arc<Services>,
    principal: &Principal,
    app: AppId,
    id: RunId,
    request: &ForkRequest,
) -> Result<Subscription> {
    let (caller, run, executions) = ended(services, principal, app, id).await?;
    runs::fork::fork(services, &caller, &run, executions, request).await
}
