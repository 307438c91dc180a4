//! Rebuilds and moves of indexes, as they are told in the Studio and begun from there.
//!
//! How far one is stands in the database, whoever does it: a server, or `oxidify index`. What is begun here is worked
//! on by one server under a lease; the old index serves meanwhile.

pub(in crate::knowledge) mod record;
mod work;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ox_db::{
    Source,
    model::{Dataset, IndexRebuild, NewIndexRebuild, RebuildKind, RebuildOrigin},
    repo::index_rebuilds,
};
use ox_types::{DatasetId, boxed};

pub(in crate::knowledge) use work::keep;

use super::datasets;
use crate::{Error, Principal, Result, Services, audit, principal::Permission};

/// The local copies, as what is made anew.
pub(in crate::knowledge) const LOCAL: &str = "local";

/// How a rebuild stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebuildState {
    Running,
    Completed,
    Error,
    Stopped,
    /// Its process is gone. What was begun in the Studio is soon taken over.
    Interrupted,
}

impl RebuildState {
    /// As it is told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Error => "error",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
        }
    }

    fn of(status: &str, is_interrupted: bool) -> Self {
        match status {
            "running" if is_interrupted => Self::Interrupted,
            "running" => Self::Running,
            "completed" => Self::Completed,
            "stopped" => Self::Stopped,
            _ => Self::Error,
        }
    }
}

/// The last rebuild or move of a knowledge base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildView {
    /// `rebuild` or `move`.
    pub kind: String,
    /// `studio` or `command`.
    pub origin: String,
    /// What is worked on: `local`, or the name of a vector store.
    pub target: String,
    pub state: RebuildState,
    /// `waiting`, `reading` or `graph`.
    pub phase: String,
    pub done: u64,
    pub total: u64,
    /// A second, in this phase.
    pub rate: Option<u64>,
    /// Of this phase.
    pub seconds_left: Option<u64>,
    /// It can be stopped now.
    pub can_stop: bool,
    pub error: Option<String>,
    pub started_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl RebuildView {
    fn of(row: IndexRebuild, is_interrupted: bool) -> Self {
        let state = RebuildState::of(&row.status, is_interrupted);
        let number = |number: i64| u64::try_from(number).unwrap_or_default();
        let (done, total, rate) = (number(row.step.done), number(row.step.total), row.step.rate.map(number));
        let is_running = state == RebuildState::Running;
        Self {
            kind: row.kind,
            origin: row.origin,
            can_stop: is_running && row.step.target == LOCAL,
            target: row.step.target,
            state,
            phase: row.step.phase,
            done,
            total,
            rate: rate.filter(|_| is_running),
            seconds_left: seconds_left(done, total, rate).filter(|_| is_running),
            error: row.error,
            started_at: row.started_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        }
    }
}

/// How long a phase will take at its rate.
fn seconds_left(done: u64, total: u64, rate: Option<u64>) -> Option<u64> {
    let rate = rate.filter(|rate| *rate > 0)?;
    Some(total.saturating_sub(done).div_ceil(rate))
}

/// The last rebuild or move of a knowledge base, if there was one.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn last(services: &Services, principal: &Principal, id: DatasetId) -> Result<Option<RebuildView>> {
    let dataset = datasets::find(services, principal, id).await?;
    view(&services.db, &dataset).await
}

async fn view(source: &dyn Source, dataset: &Dataset) -> Result<Option<RebuildView>> {
    let (tenant, id) = (dataset.tenant_id, dataset.id);
    let Some(row) = index_rebuilds::find(source, tenant, id).await? else { return Ok(None) };
    let is_interrupted = row.status == "running" && index_rebuilds::is_interrupted(source, tenant, id).await?;
    Ok(Some(RebuildView::of(row, is_interrupted)))
}

async fn dataset_of(services: &Services, principal: &Principal, id: DatasetId) -> Result<Dataset> {
    principal.require(Permission::WorkspaceManage)?;
    let dataset = datasets::find(services, principal, id).await?;
    if dataset.provider == "external" {
        return Err(Error::invalid("The index of an external knowledge base is not kept here."));
    }
    Ok(dataset)
}

/// Begins to make the index of a knowledge base anew, in the background: the local copies of this server, then what is
/// in the vector store. The old ones serve meanwhile.
///
/// # Errors
/// 400 where there is no index, 403 for other roles than owners and admins, 409 while one runs.
#[boxed]
pub async fn start(services: &Arc<Services>, principal: &Principal, id: DatasetId) -> Result<RebuildView> {
    let dataset = dataset_of(services, principal, id).await?;
    if dataset.indexing_technique.is_none() {
        let text = "The dataset is still being initialized or indexing. Please wait a moment.";
        return Err(Error::new(400, "dataset_not_initialized", text));
    }
    let new = NewIndexRebuild {
        tenant_id: dataset.tenant_id,
        dataset_id: id,
        kind: RebuildKind::Rebuild,
        origin: RebuildOrigin::Studio,
        target: LOCAL.to_owned(),
        created_by: Some(principal.account_id()?),
    };
    let tx = services.db.begin().await?;
    let begun = index_rebuilds::begin(&tx, new, services.runs.process_id, record::LEASE).await?;
    tx.commit().await?;
    let Some(begun) = begun else {
        let text = "The index of this knowledge base is being made anew or moved. Wait for its end.";
        return Err(Error::conflict("rebuild_running", text));
    };
    work::start(services, begun.clone());
    audit::record(services, principal, "dataset.index.rebuild", "dataset", id.0, None, None).await;
    Ok(RebuildView::of(begun, false))
}

/// Stops it while it works on the local copy; the old one goes on serving.
///
/// # Errors
/// 403 for other roles than owners and admins; 409 when nothing runs that can be stopped.
#[boxed]
pub async fn stop(services: &Services, principal: &Principal, id: DatasetId) -> Result<RebuildView> {
    let dataset = dataset_of(services, principal, id).await?;
    let tx = services.db.begin().await?;
    let is_stopped = index_rebuilds::stop(&tx, dataset.tenant_id, id).await?;
    tx.commit().await?;
    if !is_stopped {
        let text = "Nothing runs that can be stopped: a vector store that is being filled is filled to its end.";
        return Err(Error::conflict("rebuild_not_running", text));
    }
    audit::record(services, principal, "dataset.index.stop", "dataset", id.0, None, None).await;
    view(&services.db, &dataset).await?.ok_or_else(datasets::missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_when_a_rate_is_known() {
        for (done, total, rate, left) in [
            (0, 100, None, None),
            (0, 100, Some(0), None),
            (40, 100, Some(20), Some(3)),
            (40, 100, Some(50), Some(2)),
            (100, 100, Some(50), Some(0)),
            (120, 100, Some(50), Some(0)),
        ] {
            assert_eq!(seconds_left(done, total, rate), left, "{done} of {total} at {rate:?}");
        }
    }

    #[test]
    fn only_what_runs_is_interrupted() {
        for (status, is_interrupted, state) in [
            ("running", false, "running"),
            ("running", true, "interrupted"),
            ("completed", true, "completed"),
            ("error", false, "error"),
            ("stopped", true, "stopped"),
        ] {
            assert_eq!(RebuildState::of(status, is_interrupted).as_str(), state);
        }
    }
}
