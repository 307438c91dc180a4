use chrono::{DateTime, Duration, SubsecRound, Utc};
use ox_types::boxed;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use crate::{Result, Source};

/// The present time, as precise as every database keeps it.
#[must_use]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// The present time by the clock that all processes of a database share: the server's. On SQLite one process holds the
/// database, and its clock is as good.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn shared_now(source: &dyn Source) -> Result<DateTime<Utc>> {
    let executor = source.executor();
    if executor.get_database_backend() != DbBackend::Postgres {
        return Ok(now());
    }
    let statement = Statement::from_string(DbBackend::Postgres, "SELECT clock_timestamp()");
    match executor.query_one_raw(statement).await? {
        Some(row) => Ok(row.try_get_by_index(0)?),
        None => Ok(now()),
    }
}

/// Time window in which a row with a given id was created. Ids of version 7 carry their time, so a look-up by
/// id reads one or two daily partitions instead of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// Row and id are made together; the margin covers clock steps and slow requests.
const MARGIN: Duration = Duration::hours(1);

impl Span {
    /// The window of one id; `None` for ids that do not carry their time (imported ones).
    #[must_use]
    pub fn of(id: Uuid) -> Option<Self> {
        let (seconds, nanos) = id.get_timestamp().filter(|_| id.get_version_num() == 7)?.to_unix();
        let at = DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)?;
        Some(Self { from: at - MARGIN, to: at + MARGIN })
    }

    /// The window around several ids; `None` when one of them has none.
    #[must_use]
    pub fn of_all(ids: impl IntoIterator<Item = Uuid>) -> Option<Self> {
        ids.into_iter()
            .map(Self::of)
            .reduce(|a, b| a.zip(b).map(|(a, b)| Self { from: a.from.min(b.from), to: a.to.max(b.to) }))
            .flatten()
    }
}

/// `created_at` lies in the window of the id; always true for ids without a window.
pub(crate) fn in_span<C: ColumnTrait>(created_at: C, span: Option<Span>) -> Condition {
    match span {
        Some(span) => Condition::all().add(created_at.between(span.from, span.to)),
        None => Condition::all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_made_now_has_a_window_around_now() {
        let span = Span::of(ox_types::new_uuid()).expect("version 7");
        assert!(span.from < now() && now() < span.to);
        assert_eq!(span.to - span.from, Duration::hours(2));
    }

    #[test]
    fn ids_of_other_versions_have_none() {
        let v4 = Uuid::parse_str("7f3a1c3e-2b1d-4d7e-9a54-0c8f4f1f2b11").expect("id");
        assert_eq!(Span::of(v4), None);
        assert_eq!(Span::of_all([ox_types::new_uuid(), v4]), None);
        assert!(Span::of_all([ox_types::new_uuid(), ox_types::new_uuid()]).is_some());
    }
}
