//! Looking something up: in one knowledge base by its settings, in several at once, and what the hits stand for.

mod context;
mod legs;
mod models;
mod parts;
mod records;
mod seeing;
mod several;
mod trust;

use std::{collections::HashSet, sync::Arc};

use ox_db::{
    Database,
    model::{Dataset, FoundChild, FoundDocument, FoundRow, UploadFile},
    repo,
};
use ox_models::ModelRuntime;
use ox_rag::{Filter, RetrievalSettings};
use ox_types::{DatasetId, DocumentId, Json, TenantId, boxed};
use ox_vector::Scope;
use serde_json::Map;
use tokio_util::task::TaskTracker;

pub use parts::{Scores, Times};
pub use several::{Several, SeveralSettings};

use super::{embedding::Embedder, external::External, index::Indexes};
use crate::{Error, Result};

/// Documents whose metadata is read at a time.
const DOCUMENTS: u64 = 1000;

/// Finds chunks. Cheap to clone.
#[derive(Clone)]
pub struct Retriever {
    pub(super) db: Database,
    pub(super) models: Arc<dyn ModelRuntime>,
    pub(super) embedder: Embedder,
    pub(super) indexes: Indexes,
    pub(super) external: External,
    pub(super) tracker: TaskTracker,
    trusts: trust::Trusts,
}

/// A chunk that answers a question, with what it is part of.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub dataset: Arc<Dataset>,
    pub place: Place,
    pub score: f64,
    /// What that is made of.
    pub scores: Scores,
}

/// Where a record comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    Own(Box<Own>),
    /// A knowledge base of somebody else.
    External(Box<ExternalRecord>),
}

/// A segment of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Own {
    pub document: FoundDocument,
    pub segment: FoundRow,
    /// The child chunks that were found, the best first.
    pub children: Vec<(FoundChild, f64)>,
    /// What it is about, where that was found.
    pub summary: Option<String>,
    /// Pictures and other files that are bound to the segment.
    pub files: Vec<UploadFile>,
    /// The texts before and after it that are read with it.
    pub around: Around,
}

/// What stands beside a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    pub before: Vec<String>,
    pub after: Vec<String>,
}

impl Own {
    /// The segment with what stands beside it.
    #[must_use]
    pub fn content(&self) -> String {
        let around = &self.around;
        let parts = around.before.iter().chain([&self.segment.content]).chain(&around.after);
        parts.map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// What somebody else's knowledge base gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExternalRecord {
    pub title: String,
    pub content: String,
    pub metadata: Map<String, Json>,
}

impl Record {
    /// The text that models read.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.place {
            Place::Own(own) => match &own.segment.answer {
                Some(answer) => format!("question:{} answer:{answer}", own.segment.content),
                None => match &own.summary {
                    Some(summary) => format!("{summary}\n{}", own.content()),
                    None => own.content(),
                },
            },
            Place::External(one) => one.content.clone(),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The best first.
    pub records: Vec<Record>,
    /// Why it may be less than there is: a store or a model that did not answer.
    pub shortcoming: Option<String>,
    /// It is all there is, in its order, and not to be cut.
    pub is_whole: bool,
    /// Where the time went, where one index of ours was searched.
    pub times: Option<Times>,
}

impl Retriever {
    /// A retriever over the parts of a server.
    #[must_use]
    pub fn new(
        db: Database,
        models: Arc<dyn ModelRuntime>,
        embedder: Embedder,
        indexes: Indexes,
        external: External,
        tracker: TaskTracker,
    ) -> Self {
        Self { db, models, embedder, indexes, external, tracker, trusts: trust::Trusts::default() }
    }

    /// The way to knowledge bases of others.
    #[must_use]
    pub const fn external(&self) -> &External {
        &self.external
    }

    /// The knowledge bases of a workspace among these, in this order.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn datasets(&self, tenant: TenantId, ids: &[DatasetId]) -> Result<Vec<Arc<Dataset>>> {
        let mut found = repo::datasets::find_all(&self.db, tenant, ids).await?;
        found.sort_by_key(|dataset| ids.iter().position(|id| *id == dataset.id));
        Ok(found.into_iter().map(Arc::new).collect())
    }

    /// Looks a question up in one knowledge base by the settings given.
    ///
    /// # Errors
    /// When a model that is asked refuses, or the database fails.
    #[boxed]
    pub async fn search(
        &self,
        dataset: &Arc<Dataset>,
        question: &str,
        settings: &RetrievalSettings,
        filter: Option<&Filter>,
    ) -> Result<Found> {
        let mut found = self.search_alone(dataset, question, settings, filter).await?;
        self.widen(&mut found.records, |_| settings.neighbours).await?;
        Ok(found)
    }

    /// As [`Retriever::search`], without what stands beside.
    async fn search_alone(
        &self,
        dataset: &Arc<Dataset>,
        question: &str,
        settings: &RetrievalSettings,
        filter: Option<&Filter>,
    ) -> Result<Found> {
        settings.check().map_err(|error| Error::invalid(format!("retrieval_model.{error}")))?;
        let filter = filter.or(settings.metadata_filtering_conditions.as_ref());
        if dataset.provider == "external" {
            let wanted = super::external::Wanted {
                top_k: settings.top_k,
                threshold: settings.threshold().unwrap_or_default(),
                filter: filter.cloned(),
            };
            let records = self.external.search(dataset, question, wanted).await?;
            return Ok(Found { records, ..Found::default() });
        }
        if question.trim().is_empty() {
            return Ok(Found::default());
        }
        let Some(scope) = self.scope(dataset.id, filter).await? else { return Ok(Found::default()) };
        if let Some(limit) = settings.full_context_limit
            && let Some(records) = self.whole(dataset, limit, &scope).await?
        {
            return Ok(Found { records, is_whole: true, ..Found::default() });
        }
        self.search_own(dataset, question, settings, &scope).await
    }

    /// The documents whose metadata fits; `None` when none does.
    async fn scope(&self, dataset: DatasetId, filter: Option<&Filter>) -> Result<Option<Scope>> {
        let Some(filter) = filter.filter(|filter| !filter.is_open()) else { return Ok(Some(Scope::All)) };
        let mut fitting = HashSet::new();
        let mut after: Option<DocumentId> = None;
        loop {
            let page = repo::retrieval::searchable_documents(&self.db, dataset, after, DOCUMENTS).await?;
            after = page.last().map(|document| document.id);
            let is_last = (page.len() as u64) < DOCUMENTS;
            let none = Map::new();
            let fits = |document: &FoundDocument| {
                let metadata = document.doc_metadata.as_ref().and_then(Json::as_object);
                filter.matches(metadata.unwrap_or(&none))
            };
            fitting.extend(page.iter().filter(|document| fits(document)).map(|document| document.id.0));
            if is_last {
                break;
            }
        }
        Ok((!fitting.is_empty()).then(|| Scope::Documents(Arc::new(fitting))))
    }
}

/// The settings a knowledge base keeps; what it does not say, or says wrongly, is the default.
#[must_use]
pub fn settings_of(dataset: &Dataset) -> RetrievalSettings {
    let kept = dataset.retrieval_model.clone().and_then(|json| serde_json::from_value(json).ok());
    kept.unwrap_or_default()
}
