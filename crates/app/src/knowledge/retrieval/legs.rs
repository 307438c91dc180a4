//! One knowledge base of ours: words, meaning or both, then what orders them anew, then the cut.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use ox_rag::{
    Rerank, RetrievalSettings, SearchMethod,
    fuse::{self, Candidate},
};
use ox_types::boxed;
use ox_vector::{Both, Hit, LocalIndex, Scope};
use uuid::Uuid;

use super::{Dataset, Found, Record, Retriever, Scores, Times, models::Reranked, parts::Node, trust::Shared};
use crate::{
    Error, Result,
    knowledge::{
        datasets::embedding_model,
        index::{Ready, blocking},
        outside::Outside,
    },
};
/// Nodes looked at for each result that is wanted: several may belong to one segment, and what orders anew needs a
/// choice.
const CHOICE: usize = 5;
/// The fewest nodes looked at.
const FEWEST: usize = 50;
/// The most nodes looked at.
const MOST: usize = 1000;

/// Nodes looked at for so many results.
pub(super) fn choice(top_k: usize) -> usize {
    top_k.saturating_mul(CHOICE).clamp(FEWEST, MOST)
}

/// What the search in the index gave.
struct Legs {
    words: Vec<Hit>,
    meaning: Vec<Hit>,
    /// Every node found, for what it stands for.
    nodes: HashMap<Uuid, Node>,
    /// The cosine to the question of those that only words have found.
    known: HashMap<Uuid, f64>,
    shortcoming: Option<String>,
    /// Without what comes after.
    times: Times,
}

impl Retriever {
    #[boxed]
    pub(super) async fn search_own(
        &self,
        dataset: &Arc<Dataset>,
        question: &str,
        settings: &RetrievalSettings,
        scope: &Scope,
    ) -> Result<Found> {
        let began = Instant::now();
        let ready = self.indexes.ready(dataset.tenant_id, dataset.id).await?;
        let top = choice(settings.top_k);
        let legs = self.legs(dataset, question, settings, scope, &ready, top).await?;
        let trust = self.trusts.of(dataset.id, ready.state.generation);
        let scored = ordered(&legs, question, settings, &trust);
        let mut shortcoming = legs.shortcoming;
        if ready.is_behind {
            shortcoming.get_or_insert_with(|| "The index is still being brought up to date.".to_owned());
        }
        let records = self.records(dataset, scored, &legs.nodes).await?;
        let (before, asks_model) =
            (Instant::now(), matches!(settings.rerank(), Rerank::Model(_)) && !records.is_empty());
        let reranked = self.rerank(dataset, question, settings, records, !legs.meaning.is_empty()).await?;
        let rerank = asks_model.then(|| before.elapsed());
        let threshold = reranked.has_shares.then(|| settings.threshold()).flatten();
        let records = fuse::cut(reranked.records, threshold, settings.top_k);
        let store = ready.outside.as_ref().map_or("embedded", Outside::name);
        let method = name_of(settings.search_method);
        metrics::histogram!("oxidify_retrieval_seconds", "store" => store, "method" => method)
            .record(began.elapsed().as_secs_f64());
        let times = Some(Times { rerank, total: began.elapsed(), ..legs.times });
        Ok(Found { records, shortcoming: shortcoming.or(reranked.shortcoming), is_whole: false, times })
    }

    async fn legs(
        &self,
        dataset: &Dataset,
        question: &str,
        settings: &RetrievalSettings,
        scope: &Scope,
        ready: &Ready,
        top: usize,
    ) -> Result<Legs> {
        let model = embedding_model(dataset).filter(|_| settings.search_method.uses_vectors());
        let began = Instant::now();
        let vector = match &model {
            Some(model) => self.embedder.query(dataset.tenant_id, model, question).await.map(Some),
            None => Ok(None),
        };
        let embedding = model.is_some().then(|| began.elapsed());
        let mut shortcoming = None;
        let vector = vector.or_else(|error| {
            // Words still find something; what only the maker can mend is told to them.
            if error.code == "provider_not_initialize" {
                return Err(error);
            }
            tracing::warn!(%error, dataset = %dataset.id, "searched by words only");
            shortcoming = Some(format!("Searched by words only: {}", error.message));
            Ok(None)
        })?;
        // A base without vectors is searched by words, whatever is asked.
        let by_words = settings.search_method.uses_words() || vector.is_none();
        let text = by_words.then_some(question);
        let looked = match (&ready.outside, vector) {
            (Some(outside), Some(vector)) => {
                let (looked, wrong) = look_outside(self, ready, outside, (question, text), &vector, top, scope).await?;
                shortcoming = shortcoming.or(wrong);
                looked
            }
            (_, vector) => {
                let (index, scope, text) = (ready.index.clone(), scope.clone(), text.map(str::to_owned));
                blocking(move || look(&index, text.as_deref(), vector.as_deref(), top, &scope)).await?
            }
        };
        let times = Times { embedding, words: looked.words_took, vectors: looked.vectors_took, ..Times::default() };
        let nodes = looked.nodes();
        let Looked { words, meaning, known, .. } = looked;
        Ok(Legs { words, meaning, nodes, known, shortcoming, times })
    }
}

const fn name_of(method: SearchMethod) -> &'static str {
    match method {
        SearchMethod::Semantic => "semantic_search",
        SearchMethod::FullText => "full_text_search",
        SearchMethod::Hybrid => "hybrid_search",
        SearchMethod::Keyword => "keyword_search",
    }
}

/// As [`look`], with the vectors in a store outside. When that does not answer, words do, and it is said why.
async fn look_outside(
    retriever: &Retriever,
    ready: &Ready,
    outside: &Outside,
    (question, text): (&str, Option<&str>),
    vector: &[f32],
    top: usize,
    scope: &Scope,
) -> Result<(Looked, Option<String>)> {
    let by_words = |text: String| {
        let (index, scope) = (ready.index.clone(), scope.clone());
        blocking(move || look(&index, Some(text.as_str()), None, top, &scope))
    };
    let words = async {
        match text {
            Some(text) => by_words(text.to_owned()).await,
            None => Ok(Looked::default()),
        }
    };
    let meaning = async {
        let began = Instant::now();
        (outside.search(ready.state, vector, top, scope).await, began.elapsed())
    };
    let (looked, (told, vectors_took)) = tokio::join!(words, meaning);
    let looked = looked?;
    let told = match told {
        Ok(told) => told,
        Err(why) => {
            let looked = if text.is_some() { looked } else { by_words(question.to_owned()).await? };
            let looked = Looked { vectors_took: Some(vectors_took), ..looked };
            return Ok((looked, Some(format!("Searched by words only: {why}"))));
        }
    };
    let Looked { words, words_took, .. } = looked;
    let only_words: Vec<Uuid> =
        words.iter().map(|hit| hit.id).filter(|id| !told.hits.iter().any(|hit| hit.id == *id)).collect();
    let vectors = ox_db::repo::index_nodes::vectors_of_nodes(&retriever.db, ready.state, &only_words).await?;
    let known = vectors.into_iter().map(|(id, other)| (id, cosine(vector, &other))).collect();
    let vectors_took = Some(vectors_took);
    Ok((Looked { words, meaning: told.hits, known, words_took, vectors_took }, told.shortcoming))
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// What was found, and how long that took.
#[derive(Default)]
struct Looked {
    words: Vec<Hit>,
    meaning: Vec<Hit>,
    /// The cosine to the question of those that only words have found.
    known: HashMap<Uuid, f64>,
    words_took: Option<Duration>,
    vectors_took: Option<Duration>,
}

impl Looked {
    /// Every node once, with the scores of both sides.
    fn nodes(&self) -> HashMap<Uuid, Node> {
        let node = |hit: &Hit| Node { hit: *hit, scores: Scores::default() };
        let mut nodes: HashMap<Uuid, Node> = HashMap::with_capacity(self.words.len() + self.meaning.len());
        for hit in &self.words {
            let meaning = self.known.get(&hit.id).copied();
            let scores = Scores { words: Some(f64::from(hit.score)), meaning, rerank: None };
            nodes.entry(hit.id).or_insert_with(|| node(hit)).scores = scores;
        }
        for hit in &self.meaning {
            nodes.entry(hit.id).or_insert_with(|| node(hit)).scores.meaning = Some(f64::from(hit.score));
        }
        nodes
    }
}

fn look(index: &LocalIndex, text: Option<&str>, vector: Option<&[f32]>, top: usize, scope: &Scope) -> Result<Looked> {
    let began = Instant::now();
    let Some(vector) = vector else {
        let words = text.map(|text| index.search_text(text, top, scope)).transpose().map_err(Error::internal)?;
        let words_took = text.is_some().then(|| began.elapsed());
        return Ok(Looked { words: words.unwrap_or_default(), words_took, ..Looked::default() });
    };
    let Some(text) = text else {
        let meaning = index.search_vector(vector, top, scope).map_err(Error::internal)?;
        return Ok(Looked { meaning, vectors_took: Some(began.elapsed()), ..Looked::default() });
    };
    let Both { words, words_took, vectors: meaning, vectors_took } =
        index.search_both(text, vector, top, scope).map_err(Error::internal)?;
    let began = Instant::now();
    let only_words: Vec<Uuid> =
        words.iter().map(|hit| hit.id).filter(|id| !meaning.iter().any(|hit| hit.id == *id)).collect();
    let vectors = index.vectors(&only_words).map_err(Error::internal)?;
    let known = only_words.iter().zip(vectors).filter_map(|(id, other)| Some((*id, cosine(vector, &other?)))).collect();
    let vectors_took = Some(vectors_took + began.elapsed());
    Ok(Looked { words, meaning, known, words_took: Some(words_took), vectors_took })
}

/// The nodes in the order of the method, each with a score.
fn ordered(legs: &Legs, question: &str, settings: &RetrievalSettings, trust: &Shared) -> Vec<(Uuid, f64)> {
    let pairs = |hits: &[Hit]| hits.iter().map(|hit| (hit.id, f64::from(hit.score))).collect::<Vec<_>>();
    let (words, meaning) = (pairs(&legs.words), pairs(&legs.meaning));
    if meaning.is_empty() {
        return words;
    }
    if settings.search_method != SearchMethod::Hybrid {
        return meaning;
    }
    let mut candidates: Vec<Candidate<Uuid>> = fuse::candidates(&words, &meaning);
    for one in &mut candidates {
        one.meaning = one.meaning.or_else(|| legs.known.get(&one.id).copied());
    }
    if let Rerank::Weighted { vector, keyword } = settings.rerank()
        && vector + keyword > 0.0
    {
        return fuse::weighed(&candidates, vector / (vector + keyword));
    }
    let fused = fuse::hybrid(&candidates, trust.doubted());
    if let Some(seen) = fused.seen {
        trust.learn(question, seen);
    }
    fused.order
}

impl fuse::Found for Record {
    type Id = (ox_types::DatasetId, Uuid, String);

    fn id(&self) -> Self::Id {
        match &self.place {
            super::Place::Own(own) => (self.dataset.id, own.segment.id.0, String::new()),
            super::Place::External(one) => (self.dataset.id, Uuid::nil(), one.content.clone()),
        }
    }

    fn score(&self) -> f64 {
        self.score
    }
}

impl Retriever {
    /// Orders the records of one knowledge base anew, where the settings say so.
    async fn rerank(
        &self,
        dataset: &Dataset,
        question: &str,
        settings: &RetrievalSettings,
        records: Vec<Record>,
        has_meaning: bool,
    ) -> Result<Reranked> {
        if let Rerank::Model(model) = settings.rerank() {
            let (provider, name) = (&model.reranking_provider_name, &model.reranking_model_name);
            return self.rerank_by_model(dataset.tenant_id, provider, name, question, records).await;
        }
        // BM25 has no upper end: a share of it says nothing.
        Ok(Reranked { records, has_shares: has_meaning, shortcoming: None })
    }
}
