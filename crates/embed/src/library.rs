//! The models of this machine: which there are, and asking them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

use crate::{Description, Error, Kind, pull::Downloads, queue::Queue, tokens::Item};

/// How long a look at the directories counts.
const LOOKED: Duration = Duration::from_secs(2);
/// Directories that are looked at.
const MAX_MODELS: usize = 200;
/// Calls that may wait for the processor; more wait for a place.
const MAX_WAITING: usize = 64;

/// What the operator has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Each model is a directory in it (`OXIDIFY_LOCAL_MODELS`, `$OXIDIFY_HOME/models`).
    pub dir: PathBuf,
    /// Threads that compute (`OXIDIFY_LOCAL_MODELS_THREADS`, as many as the machine has).
    pub threads: usize,
    /// For how long a model that nobody asks stays in memory (`OXIDIFY_LOCAL_MODELS_IDLE_SECONDS`, ten minutes).
    pub keep: Duration,
    /// Where models come from (`OXIDIFY_MODEL_HUB`, or `HF_ENDPOINT`).
    pub hub: String,
    /// The hub is the one that comes with this program.
    pub is_usual_hub: bool,
}

impl Settings {
    /// Reads the environment; what cannot be read counts as not set.
    #[must_use]
    pub fn from_env(read: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| read(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let home = || Path::new(value("OXIDIFY_HOME").as_deref().unwrap_or("./data")).join("models");
        let number = |name: &str| value(name).and_then(|text| text.parse::<u64>().ok()).filter(|number| *number > 0);
        let threads = number("OXIDIFY_LOCAL_MODELS_THREADS").and_then(|count| usize::try_from(count).ok());
        let hub = value("OXIDIFY_MODEL_HUB").or_else(|| value("HF_ENDPOINT"));
        Self {
            dir: value("OXIDIFY_LOCAL_MODELS").map_or_else(home, PathBuf::from),
            threads: threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).min(64),
            keep: Duration::from_secs(number("OXIDIFY_LOCAL_MODELS_IDLE_SECONDS").unwrap_or(600)),
            is_usual_hub: hub.is_none(),
            hub: hub.unwrap_or_else(|| crate::pull::HUB.to_owned()).trim_end_matches('/').to_owned(),
        }
    }
}

/// What is to be embedded: models may want other words before a question than before a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Answered before all documents that wait.
    Query,
    Document,
}

/// What a model made of some texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// One vector for each text, in order.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens that were computed.
    pub tokens: u64,
}

type Seen = (Instant, Arc<Vec<Arc<Description>>>);

/// The models of a directory. Cheap to clone.
#[derive(Clone)]
pub struct Library {
    settings: Arc<Settings>,
    seen: Arc<Mutex<Option<Seen>>>,
    queue: Arc<Queue>,
    places: Arc<Semaphore>,
    downloads: Arc<Downloads>,
}

impl Library {
    /// The models of these settings; the directory need not be there.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let queue = Arc::new(Queue::new(settings.threads, settings.keep));
        let places = Arc::new(Semaphore::new(MAX_WAITING));
        Self { settings: Arc::new(settings), seen: Arc::default(), queue, places, downloads: Arc::default() }
    }

    /// What the operator has set.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The models that are there now, by name. A directory that is no model is told in the log.
    #[must_use]
    pub fn models(&self) -> Arc<Vec<Arc<Description>>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, models)) = seen.as_ref().filter(|(at, _)| at.elapsed() < LOOKED) {
            let _ = at;
            return Arc::clone(models);
        }
        let models = Arc::new(look(&self.settings.dir));
        *seen = Some((Instant::now(), Arc::clone(&models)));
        models
    }

    /// A model that is there.
    ///
    /// # Errors
    /// When it is not, or its files are not what they should be.
    pub fn find(&self, name: &str) -> Result<Arc<Description>, Error> {
        if let Some(found) = self.models().iter().find(|model| model.name == name) {
            return Ok(Arc::clone(found));
        }
        let dir = self.settings.dir.join(name);
        if is_name(name) && dir.is_dir() {
            // The reason is wanted, or it has just come.
            return Description::read(name, &dir).map(Arc::new);
        }
        Err(Error::NotFound { name: name.to_owned(), searched: self.settings.dir.clone() })
    }

    /// Forgets what was seen: something has just been put there.
    pub fn look_again(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The vectors of texts, each of length one. Dropping the future ends the work.
    ///
    /// # Errors
    /// When there is no such model, or it is broken.
    pub async fn embed(&self, name: &str, texts: Vec<String>, input: Input) -> Result<Computed, Error> {
        let about = self.find(name)?;
        if about.kind != Kind::Embedding {
            return Err(Error::unsupported(&about.dir, "is a reranker: it makes no vectors"));
        }
        let prompt = match input {
            Input::Query => about.query_prompt.clone(),
            Input::Document => about.document_prompt.clone(),
        };
        let item = |text: String| Item::Text(if prompt.is_empty() { text } else { format!("{prompt}{text}") });
        self.compute(about, texts.into_iter().map(item).collect(), input == Input::Query).await
    }

    /// How well each text answers a question, from 0 to 1. Dropping the future ends the work.
    ///
    /// # Errors
    /// When there is no such model, or it is broken.
    pub async fn rerank(&self, name: &str, question: &str, texts: Vec<String>) -> Result<(Vec<f32>, u64), Error> {
        let about = self.find(name)?;
        if about.kind != Kind::Rerank {
            return Err(Error::unsupported(&about.dir, "makes vectors: it is no reranker"));
        }
        let items = texts.into_iter().map(|text| Item::Pair(question.to_owned(), text)).collect();
        // Somebody waits for the answer.
        let computed = self.compute(about, items, true).await?;
        Ok((computed.vectors.into_iter().flatten().collect(), computed.tokens))
    }

    pub(crate) fn downloads(&self) -> &Downloads {
        &self.downloads
    }

    /// How many models are in memory.
    #[must_use]
    pub fn loaded(&self) -> usize {
        self.queue.loaded()
    }

    async fn compute(&self, about: Arc<Description>, items: Vec<Item>, is_urgent: bool) -> Result<Computed, Error> {
        if items.is_empty() {
            return Ok(Computed { vectors: Vec::new(), tokens: 0 });
        }
        // A question does not stand behind the documents for its place.
        let _place = match is_urgent {
            true => None,
            false => Some(self.places.acquire().await.map_err(Error::internal)?),
        };
        let answer = self.queue.compute(about, items, is_urgent)?.await;
        let (vectors, tokens) = answer.map_err(|_| Error::internal("the work was given up"))??;
        Ok(Computed { vectors, tokens })
    }
}

/// Whether a name can be that of a directory here.
pub(crate) fn is_name(name: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.chars().all(is_plain)
}

fn look(dir: &Path) -> Vec<Arc<Description>> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("config.json").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_name(name))
        .take(MAX_MODELS)
        .collect();
    names.sort();
    let read = |name: &String| {
        let about = Description::read(name, &dir.join(name));
        about.inspect_err(|error| tracing::debug!(%error, "a directory of a model is left out")).ok().map(Arc::new)
    };
    names.iter().filter_map(read).collect()
}
