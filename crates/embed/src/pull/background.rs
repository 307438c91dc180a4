//! Downloads that go on when whoever asked for them has left.

use std::sync::{Arc, Mutex, PoisonError};

use ox_net::Egress;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::{Known, Wanted, from_hub};
use crate::{Error, Library};

/// How far a download is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Bytes of all files so far.
    pub done: u64,
    pub ended: Option<Result<(), Error>>,
}

/// The downloads of a library.
#[derive(Default)]
pub struct Downloads {
    tracker: TaskTracker,
    running: Mutex<Vec<(&'static str, watch::Receiver<State>)>>,
}

/// Gets a model; a second call for the same one follows the first.
#[must_use]
pub fn in_background(library: &Library, egress: &Egress, known: &'static Known) -> watch::Receiver<State> {
    let downloads = library.downloads();
    let mut running = downloads.running.lock().unwrap_or_else(PoisonError::into_inner);
    running.retain(|(_, state)| state.borrow().ended.is_none());
    if let Some((_, state)) = running.iter().find(|(name, _)| *name == known.name) {
        return state.clone();
    }
    let (sender, receiver) = watch::channel(State::default());
    running.push((known.name, receiver.clone()));
    let (library, egress) = (library.clone(), egress.clone());
    downloads.tracker.spawn(async move {
        let guard = Ended(Arc::new(sender));
        let (told, mut shown, mut before, mut file) = (Arc::clone(&guard.0), 0, 0, String::new());
        let mut progress = move |progress: super::Progress<'_>| {
            if progress.file != file {
                before = told.borrow().done;
                progress.file.clone_into(&mut file);
            }
            told.send_modify(|state| state.done = before + progress.done);
            let tenth = progress.whole.map_or(0, |whole| progress.done * 10 / whole.max(1));
            if tenth > shown && progress.whole.is_some_and(|whole| whole > 10 << 20) {
                shown = tenth;
                tracing::info!(model = known.name, percent = tenth * 10, "downloading a local model");
            }
        };
        let result = from_hub(&library, &egress, &Wanted::of(known), &mut progress).await;
        match &result {
            Ok(_) => tracing::info!(model = known.name, "a local model was downloaded"),
            Err(error) => tracing::warn!(model = known.name, %error, "a local model was not downloaded"),
        }
        guard.0.send_modify(|state| state.ended = Some(result.map(drop)));
    });
    receiver
}

/// Says that there is nothing to wait for, however the task ends.
struct Ended(Arc<watch::Sender<State>>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.send_if_modified(|state| {
            let is_open = state.ended.is_none();
            if is_open {
                state.ended = Some(Err(Error::internal("the download was given up")));
            }
            is_open
        });
    }
}
