//! One question to several knowledge bases: each by its own settings, then one order.

use std::{collections::HashMap, sync::Arc};

use futures::{StreamExt as _, TryStreamExt as _};
use ox_db::model::Dataset;
use ox_rag::{
    Filter,
    fuse::{self, Weighed},
};
use ox_types::{TenantId, boxed};

use super::{Found, Place, Record, Retriever, settings_of};
use crate::{Error, Result, knowledge::datasets::embedding_model};

/// Knowledge bases asked at a time.
const PARALLEL: usize = 8;

/// How the findings of several are put together.
#[derive(Clone, Debug, PartialEq)]
pub struct SeveralSettings {
    pub top_k: usize,
    pub threshold: Option<f64>,
    pub order: Several,
}

impl SeveralSettings {
    /// Every finding at its own score.
    #[must_use]
    pub const fn own() -> Self {
        Self { top_k: 4, threshold: None, order: Several::Own }
    }
}

/// What orders the findings of several.
#[derive(Clone, Debug, PartialEq)]
pub enum Several {
    /// Their own scores.
    Own,
    Model {
        provider: String,
        name: String,
    },
    Weighted {
        vector: f64,
        keyword: f64,
    },
}

impl Retriever {
    /// Looks a question up in several knowledge bases.
    ///
    /// # Errors
    /// When they cannot be put in one order, or one of them fails.
    #[boxed]
    pub async fn search_several(
        &self,
        tenant: TenantId,
        datasets: &[Arc<Dataset>],
        question: &str,
        settings: &SeveralSettings,
        filter: Option<&Filter>,
    ) -> Result<Found> {
        check(datasets, settings)?;
        // Of one there is nothing to put together.
        let alone = SeveralSettings { order: Several::Own, ..settings.clone() };
        let settings = if datasets.len() == 1 { &alone } else { settings };
        let parts: Vec<Found> = futures::stream::iter(datasets.to_vec())
            .map(|dataset| async move {
                let mut own = settings_of(&dataset);
                if settings.order != Several::Own {
                    // What is ordered anew is cut afterwards, and only then.
                    own.score_threshold_enabled = false;
                    own.top_k = own.top_k.max(settings.top_k);
                }
                self.search_alone(&dataset, question, &own, filter).await
            })
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        let mut shortcoming = parts.iter().find_map(|part| part.shortcoming.clone());
        // What is given as a whole is neither ordered nor cut.
        let (whole, parts): (Vec<Found>, Vec<Found>) = parts.into_iter().partition(|part| part.is_whole);
        let mut all: Vec<Record> = whole.into_iter().flat_map(|part| part.records).collect();
        let records = fuse::merge(parts.into_iter().map(|part| part.records));
        let (records, has_shares) = match &settings.order {
            Several::Own => {
                let by_meaning = |record: &Record| {
                    let method = settings_of(&record.dataset).search_method;
                    embedding_model(&record.dataset).is_some() && method.uses_vectors()
                };
                let has_shares = records.iter().all(by_meaning);
                (records, has_shares)
            }
            Several::Model { provider, name } => {
                let done = self.rerank_by_model(tenant, provider, name, question, records).await?;
                shortcoming = shortcoming.or(done.shortcoming);
                (done.records, done.has_shares)
            }
            Several::Weighted { vector, keyword } => (weigh(question, records, (*vector, *keyword)), true),
        };
        let threshold = settings.threshold.filter(|threshold| has_shares && *threshold > 0.0);
        let is_whole = !all.is_empty() && records.is_empty();
        all.extend(fuse::cut(records, threshold, settings.top_k));
        self.widen(&mut all, |record| settings_of(&record.dataset).neighbours).await?;
        Ok(Found { records: all, shortcoming, is_whole, times: None })
    }
}

/// Whether these can be put in one order that means something.
fn check(datasets: &[Arc<Dataset>], settings: &SeveralSettings) -> Result<()> {
    if datasets.len() < 2 || matches!(settings.order, Several::Model { .. }) {
        return Ok(());
    }
    let own = || datasets.iter().filter(|dataset| dataset.provider != "external");
    let differ = |of: fn(&Dataset) -> Option<&str>| {
        let mut values = own().map(|dataset| of(dataset));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    if differ(|dataset| dataset.indexing_technique.as_deref()) {
        return Err(Error::invalid(
            "The configured knowledge base list have different indexing technique, please set reranking model.",
        ));
    }
    let is_weighted = matches!(settings.order, Several::Weighted { .. });
    if is_weighted && differ(|dataset| dataset.embedding_model.as_deref()) {
        return Err(Error::invalid(
            "The configured knowledge base list have different embedding model, please set reranking model.",
        ));
    }
    Ok(())
}

fn weigh(question: &str, records: Vec<Record>, shares: (f64, f64)) -> Vec<Record> {
    let texts: Vec<String> = records.iter().map(Record::text).collect();
    let weighed: Vec<Weighed<'_, usize>> = records
        .iter()
        .zip(&texts)
        .enumerate()
        .map(|(id, (record, text))| Weighed { id, text, meaning: record.score })
        .collect();
    let scores: HashMap<usize, f64> = fuse::weighted_score(question, &weighed, shares).into_iter().collect();
    let again = records.into_iter().enumerate();
    again.map(|(id, record)| Record { score: scores.get(&id).copied().unwrap_or_default(), ..record }).collect()
}

impl Record {
    /// The segment's id, where it is one of ours.
    #[must_use]
    pub fn segment_id(&self) -> Option<ox_types::SegmentId> {
        match &self.place {
            Place::Own(own) => Some(own.segment.id),
            Place::External(_) => None,
        }
    }
}
