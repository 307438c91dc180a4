//! Writers have threads of their own, so only the last used indexes of the process keep one.

use std::{
    collections::VecDeque,
    sync::{Mutex, Weak},
};

use super::{Handle, Shared, Writing, lock};

/// Indexes that keep their writer.
const KEPT: usize = 12;

static USED: Mutex<VecDeque<Weak<Handle>>> = Mutex::new(VecDeque::new());

/// Notes that an index was written to; the one that was not for longest gives its writer up.
pub(super) fn used(handle: &std::sync::Arc<Handle>) {
    let this = std::sync::Arc::downgrade(handle);
    let given_up = {
        let mut used = lock(&USED);
        used.retain(|other| other.strong_count() > 0 && !other.ptr_eq(&this));
        used.push_back(this);
        if used.len() > KEPT { used.pop_front() } else { None }
    };
    let Some(handle) = given_up.and_then(|handle| handle.upgrade()) else { return };
    let Ok(mut writing) = handle.shared.writing.try_lock() else { return };
    end(&handle.shared, &mut writing);
}

/// Ends a writer. One that is only dropped may still be merging, and would write its view of the index over a later one.
pub(super) fn end(shared: &Shared, writing: &mut Writing) {
    if let Some(writer) = writing.writer.take()
        && let Err(error) = writer.wait_merging_threads()
    {
        tracing::warn!(dir = %shared.dir.display(), %error, "a writer did not end well");
    }
}
