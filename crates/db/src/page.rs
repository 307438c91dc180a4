use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, QueryOrder};
use uuid::Uuid;

/// A place in a list ordered by time and id, newest first, and how many rows to read from there.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The last row of the page before: its `created_at` and id.
    pub after: Option<(DateTime<Utc>, Uuid)>,
    pub limit: u64,
}

impl Page {
    /// The first rows.
    #[must_use]
    pub const fn first(limit: u64) -> Self {
        Self { after: None, limit }
    }
}

/// Rows of one page and whether more follow.
#[derive(Clone, Debug, PartialEq)]
pub struct PageOf<T> {
    pub items: Vec<T>,
    pub has_more: bool,
}

impl<T> PageOf<T> {
    /// From `limit + 1` rows read: the extra one only tells that more follow.
    pub(crate) fn cut(mut rows: Vec<T>, limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Self { items: rows, has_more }
    }
}

/// Rows after the start of the page, in a list that is newest first.
pub(crate) fn before<C: ColumnTrait>(created_at: C, id: C, page: Page) -> Condition {
    match page.after {
        None => Condition::all(),
        // Also as a plain bound on the time, so that an index or a partition can be left out.
        Some((at, last)) => {
            Condition::all().add(created_at.lte(at)).add(Condition::any().add(created_at.lt(at)).add(id.lt(last)))
        }
    }
}

/// Newest first, the id deciding between equal times.
pub(crate) fn newest_first<Q: QueryOrder, C: ColumnTrait>(query: Q, created_at: C, id: C) -> Q {
    query.order_by_desc(created_at).order_by_desc(id)
}
