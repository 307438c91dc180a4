//! Writers have threads of their own, so only the last used indexes of the process keep one.

use std::{
    collections::VecDeque,
    sync::{Mutex, Weak},
};

use super::{Handle, lock};

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
    let writer = handle.shared.writing.try_lock().ok().and_then(|mut writing| writing.writer.take());
    drop(writer);
}
