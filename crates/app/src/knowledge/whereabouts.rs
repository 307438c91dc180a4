//! Where the vectors of a knowledge base are: whether the store answers, and how far it has come.

use ox_db::repo::index_nodes;
use ox_types::{DatasetId, boxed};

use super::datasets;
use crate::{Error, Principal, Result, Services};

/// The store of all vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store {
    /// As in `VECTOR_STORE`; `embedded`: the local index.
    pub name: &'static str,
    /// It does not answer: until it does, what is in it is searched by words alone.
    pub is_away: bool,
}

/// How far the store is with one knowledge base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Not all was in yet: until then the local index is asked.
    pub is_moving: bool,
    /// The last change that is in.
    pub done: u64,
    /// The last change there is.
    pub total: u64,
}

/// Whether the store of vectors answers. A look counts for a moment, so that many may ask.
#[boxed]
pub async fn store(services: &Services) -> Store {
    match &services.outside {
        Some(outside) => Store { name: outside.name(), is_away: outside.health().await.is_err() },
        None => Store { name: "embedded", is_away: false },
    }
}

/// How far the store is with a knowledge base.
///
/// # Errors
/// 404 for an unknown knowledge base; when the database fails.
#[boxed]
pub async fn progress(services: &Services, principal: &Principal, id: DatasetId) -> Result<Progress> {
    let dataset = datasets::find(services, principal, id).await?;
    let Some(outside) = &services.outside else { return Ok(Progress::default()) };
    let state = index_nodes::state(&services.db, dataset.tenant_id, id).await?;
    let state = state.ok_or_else(|| Error::not_found("Dataset not found."))?;
    let mark = outside.mark(state).await?.map(|mark| (mark.seq, mark.is_ready));
    if mark.is_none() && !index_nodes::has_vectors(&services.db, state).await? {
        return Ok(Progress::default());
    }
    Ok(at(state.seq, mark))
}

/// What the last change and the mark of a store, with whether all was in once, say.
fn at(seq: i64, mark: Option<(i64, bool)>) -> Progress {
    let (done, is_ready) = mark.unwrap_or_default();
    let number = |seq: i64| u64::try_from(seq).unwrap_or_default();
    Progress { is_moving: !is_ready, done: number(done.min(seq)), total: number(seq) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_tells_how_far_a_store_is() {
        for (mark, is_moving, done) in [
            (None, true, 0),
            (Some((3, false)), true, 3),
            (Some((10, true)), false, 10),
            // What it has lost is written again.
            (Some((0, true)), false, 0),
            // A change came between the two looks.
            (Some((12, true)), false, 10),
        ] {
            assert_eq!(at(10, mark), Progress { is_moving, done, total: 10 }, "{mark:?}");
        }
    }
}
