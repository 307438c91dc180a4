//! Questions with pictures: each picture is a search of its own, by its looks alone, and the findings are put together.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, TryStreamExt as _};
use ox_db::model::Dataset;
use ox_models::Media;
use ox_rag::{Filter, RetrievalSettings, fuse};
use ox_types::{DatasetId, TenantId, boxed};
use ox_vector::{Hit, Scope};
use uuid::Uuid;

use super::{Found, Retriever, Scores, SeveralSettings, Times, legs::choice, parts::Node, settings_of};
use crate::{
    Error, Result,
    knowledge::{
        datasets::embedding_model,
        index::{Ready, blocking},
    },
};

/// Searches at a time.
const PARALLEL: usize = 8;

impl Retriever {
    /// As [`Retriever::search`], with pictures beside the text or without any. A knowledge base whose model does not see
    /// finds nothing by them.
    ///
    /// # Errors
    /// As [`Retriever::search`], and when the model refuses a picture that stands alone.
    #[boxed]
    pub async fn search_seeing(
        &self,
        dataset: &Arc<Dataset>,
        question: &str,
        pictures: &[Media],
        settings: &RetrievalSettings,
        filter: Option<&Filter>,
    ) -> Result<Found> {
        if pictures.is_empty() {
            return self.search(dataset, question, settings, filter).await;
        }
        let mut parts = Vec::with_capacity(pictures.len() + 1);
        let has_words = !question.trim().is_empty();
        if has_words {
            parts.push(self.search(dataset, question, settings, filter).await?);
        }
        for picture in pictures {
            let seen = self.search_by_picture(dataset, picture, settings, filter).await;
            parts.push(seen.or_else(|error| without_picture(dataset.id, error, has_words))?);
        }
        Ok(together(parts, settings.top_k))
    }

    /// As [`Retriever::search_several`], with pictures beside the text or without any. What pictures find is not ordered
    /// anew: who ranks texts does not see them.
    ///
    /// # Errors
    /// As [`Retriever::search_several`], and when a model refuses a picture that stands alone.
    #[boxed]
    pub async fn search_several_seeing(
        &self,
        tenant: TenantId,
        datasets: &[Arc<Dataset>],
        question: &str,
        pictures: &[Media],
        settings: &SeveralSettings,
        filter: Option<&Filter>,
    ) -> Result<Found> {
        if pictures.is_empty() {
            return self.search_several(tenant, datasets, question, settings, filter).await;
        }
        let mut parts = Vec::new();
        let has_words = !question.trim().is_empty();
        if has_words {
            parts.push(self.search_several(tenant, datasets, question, settings, filter).await?);
        }
        let places = 0..pictures.len();
        let pairs: Vec<(Arc<Dataset>, usize)> =
            datasets.iter().flat_map(|dataset| places.clone().map(|place| (Arc::clone(dataset), place))).collect();
        let seen: Vec<Found> = futures::stream::iter(pairs)
            .map(|(dataset, place)| async move {
                let Some(picture) = pictures.get(place) else { return Ok(Found::default()) };
                let own = RetrievalSettings { top_k: settings.top_k, ..settings_of(&dataset) };
                let seen = self.search_by_picture(&dataset, picture, &own, filter).await;
                seen.or_else(|error| without_picture(dataset.id, error, has_words))
            })
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        let threshold = settings.threshold.filter(|threshold| *threshold > 0.0);
        let cut = |found: Found| Found { records: fuse::cut(found.records, threshold, settings.top_k), ..found };
        parts.extend(seen.into_iter().map(cut));
        Ok(together(parts, settings.top_k))
    }

    /// What looks like a picture in one knowledge base.
    #[boxed]
    async fn search_by_picture(
        &self,
        dataset: &Arc<Dataset>,
        picture: &Media,
        settings: &RetrievalSettings,
        filter: Option<&Filter>,
    ) -> Result<Found> {
        let began = Instant::now();
        let Some(model) = embedding_model(dataset).filter(|_| dataset.is_multimodal) else {
            return Ok(Found::default());
        };
        let filter = filter.or(settings.metadata_filtering_conditions.as_ref());
        let Some(scope) = self.scope(dataset.id, filter).await? else { return Ok(Found::default()) };
        let ready = self.indexes.ready(dataset.tenant_id, dataset.id).await?;
        let vector = self.embedder.query_picture(dataset.tenant_id, &model, picture).await?;
        let embedding = Some(began.elapsed());
        let (hits, vectors, shortcoming) = nearest(&ready, vector, choice(settings.top_k), scope).await?;
        let node = |hit: &Hit| {
            let scores = Scores { meaning: Some(f64::from(hit.score)), ..Scores::default() };
            (hit.id, Node { hit: *hit, scores })
        };
        let nodes: HashMap<Uuid, Node> = hits.iter().map(node).collect();
        let scored = hits.iter().map(|hit| (hit.id, f64::from(hit.score))).collect();
        let records = self.records(dataset, scored, &nodes).await?;
        let records = fuse::cut(records, settings.threshold(), settings.top_k);
        let times = Times { embedding, vectors: Some(vectors), total: began.elapsed(), ..Times::default() };
        Ok(Found { records, shortcoming, is_whole: false, times: Some(times) })
    }
}

/// Words still find something when a model refuses a picture; what only the maker can mend is told to them.
fn without_picture(dataset: DatasetId, error: Error, has_words: bool) -> Result<Found> {
    if !has_words || error.code == "provider_not_initialize" {
        return Err(error);
    }
    tracing::warn!(%error, %dataset, "searched without a picture");
    Ok(Found { shortcoming: Some(format!("Searched without a picture: {}", error.message)), ..Found::default() })
}

/// The nearest nodes, how long that took, and why they may be fewer than there are.
async fn nearest(
    ready: &Ready,
    vector: Vec<f32>,
    top: usize,
    scope: Scope,
) -> Result<(Vec<Hit>, Duration, Option<String>)> {
    let began = Instant::now();
    let (hits, shortcoming) = match &ready.outside {
        Some(outside) => match outside.search(ready.state, &vector, top, &scope).await {
            Ok(told) => (told.hits, told.shortcoming),
            Err(why) => (Vec::new(), Some(format!("Not searched by pictures: {why}"))),
        },
        None => {
            let index = ready.index.clone();
            let found = blocking(move || index.search_vector(&vector, top, &scope).map_err(Error::internal)).await?;
            (found, None)
        }
    };
    Ok((hits, began.elapsed(), shortcoming))
}

/// The findings of several searches of one question, each once with its best score. What is given as a whole stays first
/// and is not cut.
fn together(parts: impl IntoIterator<Item = Found>, top_k: usize) -> Found {
    let (mut whole, mut lists) = (Vec::new(), Vec::new());
    let (mut shortcoming, mut times, mut is_whole) = (None, None, false);
    for part in parts {
        shortcoming = shortcoming.or(part.shortcoming);
        times = sum(times, part.times);
        if part.is_whole {
            is_whole = true;
            whole.extend(part.records);
        } else {
            lists.push(part.records);
        }
    }
    let mut found = fuse::cut(fuse::merge(lists), None, top_k);
    if is_whole {
        // All there is stands there already.
        let known: Vec<_> = whole.iter().map(fuse::Found::id).collect();
        found.retain(|record| !known.contains(&fuse::Found::id(record)));
    }
    whole.extend(found);
    Found { records: whole, shortcoming, is_whole, times }
}

/// The time of searches one after another.
fn sum(a: Option<Times>, b: Option<Times>) -> Option<Times> {
    let (Some(one), Some(other)) = (a, b) else { return a.or(b) };
    let add = |a: Option<Duration>, b: Option<Duration>| a.into_iter().chain(b).reduce(|a, b| a + b);
    Some(Times {
        embedding: add(one.embedding, other.embedding),
        words: add(one.words, other.words),
        vectors: add(one.vectors, other.vectors),
        rerank: add(one.rerank, other.rerank),
        total: one.total + other.total,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_for_a_picture_that_is_refused() {
        let refused = || Error::new(400, "completion_request_error", "too small");
        let unset = || Error::new(400, "provider_not_initialize", "no key");
        let id = DatasetId::new();
        let found = without_picture(id, refused(), true).unwrap();
        assert_eq!(found.shortcoming.as_deref(), Some("Searched without a picture: too small"));
        assert_eq!(without_picture(id, refused(), false).unwrap_err().message, "too small");
        assert_eq!(without_picture(id, unset(), true).unwrap_err().message, "no key");
    }

    #[test]
    fn times_of_searches_are_added() {
        let (one, two) = (Duration::from_millis(1), Duration::from_millis(2));
        let text = Times { embedding: Some(one), words: Some(one), total: two, ..Times::default() };
        let picture = Times { embedding: Some(two), vectors: Some(one), total: one, ..Times::default() };
        let both =
            Times { embedding: Some(one + two), words: Some(one), vectors: Some(one), rerank: None, total: one + two };
        assert_eq!(sum(Some(text), Some(picture)), Some(both));
        assert_eq!((sum(None, Some(text)), sum(Some(text), None), sum(None, None)), (Some(text), Some(text), None));
    }
}
