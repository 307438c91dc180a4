use chrono::{DateTime, Utc};
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
