use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// Keeps the number of different `app_id` labels in bounds: apps beyond the limit count as `other`.
#[derive(Debug)]
pub struct AppLabels {
    max: usize,
    seen: Mutex<HashSet<String>>,
}

impl AppLabels {
    /// At most this many apps get a label of their own (`OXIDIFY_METRICS_MAX_APPS`, default 500).
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, seen: Mutex::default() }
    }

    /// The label of an app.
    #[must_use]
    pub fn label(&self, app_id: &str) -> String {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.contains(app_id) {
            if seen.len() >= self.max {
                return "other".to_owned();
            }
            seen.insert(app_id.to_owned());
        }
        app_id.to_owned()
    }
}

impl Default for AppLabels {
    fn default() -> Self {
        Self::new(500)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ones_keep_their_label() {
        let labels = AppLabels::new(2);
        assert_eq!(["a", "b", "c", "a"].map(|app| labels.label(app)), ["a", "b", "other", "a"]);
    }
}
