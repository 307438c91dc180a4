//! The vector store outside that the operator named: which one, what it is asked, and what is said when it is down.
//!
//! It is one more copy of what can be found (`index_nodes`), with vectors alone; words are found by the local index,
//! whatever the store. [`follow`] brings its collections up to date.

pub mod follow;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ox_db::{
    Database,
    model::{IndexMark, IndexState},
    repo::{index_marks, index_nodes},
};
use ox_net::Egress;
use ox_types::{DatasetId, boxed};
use ox_vector::{Hit, Scope, StoreError, VectorStore};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use crate::{Error, Result};

/// How long a question waits for the store's answer.
const ANSWER: Duration = Duration::from_secs(8);
/// How long a question waits for the store to read what has just changed.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long nobody asks a store that did not answer.
const REST: Duration = Duration::from_secs(3);
/// How long a look at the store for `/health` may take, and counts.
const LOOK: Duration = Duration::from_secs(3);
/// Collections written to at the same time.
const WRITERS: usize = 4;
/// Compat: the beginning of collections' names.
const PREFIX: &str = "Vector_index";

/// A vector store outside. Cheap to clone.
#[derive(Clone)]
pub struct Outside {
    shared: Arc<Shared>,
}

struct Shared {
    db: Database,
    store: Arc<dyn VectorStore>,
    /// What its marks are kept under: its name and its place.
    key: String,
    prefix: String,
    process: Uuid,
    wake: Notify,
    /// A collection has been brought further.
    moved: Notify,
    writers: Arc<Semaphore>,
    /// What this process writes to.
    running: Mutex<HashSet<(DatasetId, i32)>>,
    /// Since when it does not answer, and what was the matter.
    down: Mutex<Option<(Instant, String)>>,
    health: tokio::sync::Mutex<Option<(Instant, Result<(), String>)>>,
}

/// What the store says to a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub hits: Vec<Hit>,
    /// Why it may be less than there is.
    pub shortcoming: Option<String>,
}

/// The settings of vector stores among all variables.
#[must_use]
pub fn settings(variables: &HashMap<String, String>) -> HashMap<String, String> {
    let wanted = variables.iter().filter(|(name, _)| ox_vector::is_store_setting(name));
    wanted.map(|(name, value)| (name.clone(), value.clone())).collect()
}

impl Outside {
    /// The store that the settings name, or that is named instead of theirs; `None` for the index of our own.
    /// Nothing is called yet.
    ///
    /// # Errors
    /// When the settings name no store that can be used; the text says what to do.
    pub fn connect(
        settings: &HashMap<String, String>,
        named: Option<&str>,
        db: Database,
        egress: Egress,
        process: Uuid,
    ) -> Result<Option<Self>> {
        let read = |name: &str| match named {
            Some(named) if name == "VECTOR_STORE" => Some(named.to_owned()),
            _ => settings.get(name).cloned(),
        };
        let store = ox_vector::connect(&read, egress)
            .map_err(|error| Error::new(400, "vector_store", error.to_string()).caused_by(error))?;
        let prefix = read("VECTOR_INDEX_NAME_PREFIX").map(|text| text.trim().to_owned());
        let prefix = prefix.filter(|text| !text.is_empty()).unwrap_or_else(|| PREFIX.to_owned());
        Ok(store.map(|store| Self::new(store, prefix, db, process)))
    }

    /// Over a driver.
    #[must_use]
    pub fn new(store: Arc<dyn VectorStore>, prefix: String, db: Database, process: Uuid) -> Self {
        let key = format!("{} {}", store.name(), store.place());
        let shared = Shared {
            db,
            store,
            key,
            prefix,
            process,
            wake: Notify::new(),
            moved: Notify::new(),
            writers: Arc::new(Semaphore::new(WRITERS)),
            running: Mutex::default(),
            down: Mutex::default(),
            health: tokio::sync::Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Its name in `VECTOR_STORE`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.shared.store.name()
    }

    /// Its name and where it is.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.shared.key
    }

    /// Something changed: the store follows soon.
    pub fn touch(&self) {
        self.shared.wake.notify_one();
    }

    /// How far it is with a generation of a dataset.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn mark(&self, state: IndexState) -> Result<Option<IndexMark>> {
        Ok(index_marks::find(&self.shared.db, &self.shared.key, state.dataset_id, state.generation).await?)
    }

    /// The nearest nodes of a dataset.
    ///
    /// # Errors
    /// Why it cannot be asked, in words for whoever asks.
    #[boxed]
    pub async fn search(&self, state: IndexState, vector: &[f32], top: usize, scope: &Scope) -> Result<Told, String> {
        if let Some(why) = self.is_resting() {
            metrics::counter!("oxidify_retrieval_degraded_total", "store" => self.name()).increment(1);
            return Err(why);
        }
        let mark = self.fresh(state).await.map_err(|error| error.message)?;
        let collection = self.collection(state.dataset_id.0, state.generation);
        let asked = tokio::time::timeout(ANSWER, self.shared.store.search(&collection, vector, top, scope));
        let hits = match asked.await.unwrap_or_else(|_| Err(self.silent())) {
            Ok(hits) => hits,
            Err(error) => {
                self.failed("search", &error);
                metrics::counter!("oxidify_retrieval_degraded_total", "store" => self.name()).increment(1);
                return Err(error.to_string());
            }
        };
        self.answers();
        let is_behind = mark.as_ref().is_none_or(|mark| mark.seq < state.seq);
        if hits.is_empty() && matches!(scope, Scope::All) && !is_behind {
            self.check_lost(state).await.map_err(|error| error.message)?;
        }
        let shortcoming = is_behind.then(|| format!("The vector store {} has not read the last changes.", self.name()));
        Ok(Told { hits, shortcoming })
    }

    /// The mark, up to date if that does not take long.
    async fn fresh(&self, state: IndexState) -> Result<Option<IndexMark>> {
        let began = Instant::now();
        loop {
            let moved = self.shared.moved.notified();
            let mark = self.mark(state).await?;
            let is_hopeless = mark.as_ref().is_some_and(|mark| mark.error.is_some());
            let is_fresh = mark.as_ref().is_some_and(|mark| mark.seq >= state.seq);
            if is_fresh || is_hopeless || began.elapsed() > PATIENCE {
                return Ok(mark);
            }
            self.touch();
            // Another process may write to it, which tells nobody here.
            let _ = tokio::time::timeout(Duration::from_millis(50), moved).await;
        }
    }

    /// A store that finds nothing of a dataset that has something has lost it: it is filled anew.
    async fn check_lost(&self, state: IndexState) -> Result<(), Error> {
        if !index_nodes::has_vectors(&self.shared.db, state).await? {
            return Ok(());
        }
        tracing::warn!(store = self.key(), dataset = %state.dataset_id, "the vector store has lost a collection; it is filled anew");
        let tx = self.shared.db.begin().await?;
        index_marks::reset(&tx, &self.shared.key, state.dataset_id, state.generation).await?;
        tx.commit().await?;
        self.touch();
        let text = format!("The vector store {} has lost this knowledge base and is being filled again.", self.name());
        Err(Error::new(503, "vector_store", text))
    }

    /// Whether it answers; a look counts for a moment, unless a question has seen something else since.
    #[boxed]
    pub async fn health(&self) -> Result<(), String> {
        let mut known = self.shared.health.lock().await;
        if let Some((at, state)) = known.as_ref()
            && at.elapsed() < LOOK
            && state.is_err() == self.is_down()
        {
            return state.clone();
        }
        let state = self.ask_health().await;
        *known = Some((Instant::now(), state.clone()));
        state
    }

    async fn ask_health(&self) -> Result<(), String> {
        let asked = tokio::time::timeout(LOOK, self.shared.store.check()).await;
        match asked.unwrap_or_else(|_| Err(self.silent())) {
            Ok(()) => {
                self.answers();
                Ok(())
            }
            Err(error) => {
                self.failed("check", &error);
                Err(error.to_string())
            }
        }
    }

    fn collection(&self, dataset: Uuid, generation: i32) -> String {
        ox_vector::collection(&self.shared.prefix, dataset, i64::from(generation))
    }

    fn silent(&self) -> StoreError {
        StoreError::Unreachable { store: self.name(), why: "it does not answer in time".to_owned() }
    }

    fn failed(&self, method: &'static str, error: &StoreError) {
        metrics::counter!("oxidify_vector_errors_total", "store" => self.name(), "method" => method).increment(1);
        if !matches!(error, StoreError::Unreachable { .. }) {
            tracing::warn!(%error, store = self.key(), method, "the vector store failed");
            return;
        }
        let mut down = self.shared.down.lock().unwrap_or_else(PoisonError::into_inner);
        if down.is_none() {
            tracing::warn!(%error, store = self.key(), "the vector store is down: searched by words only until it answers");
        }
        *down = Some((Instant::now(), error.to_string()));
    }

    fn answers(&self) {
        let mut down = self.shared.down.lock().unwrap_or_else(PoisonError::into_inner);
        if down.take().is_some() {
            tracing::info!(store = self.key(), "the vector store answers again");
        }
    }

    fn is_down(&self) -> bool {
        self.shared.down.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn is_resting(&self) -> Option<String> {
        let down = self.shared.down.lock().unwrap_or_else(PoisonError::into_inner);
        down.as_ref().filter(|(at, _)| at.elapsed() < REST).map(|(_, why)| why.clone())
    }
}
