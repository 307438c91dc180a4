//! Texts and pictures to vectors: equal ones of a workspace and model are asked once, the rest in batches, some at a
//! time.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _};
use ox_db::{Database, model::NewEmbedding, repo};
use ox_kv::Kv;
use ox_models::{
    EmbeddingInput, EmbeddingRequest, EmbeddingResult, ErrorClass, Media, ModelError, ModelKind, ModelRef,
    ModelRuntime, ModelScope,
};
use ox_rag::text_hash;
use ox_types::{Json, TenantId, boxed};
use uuid::Uuid;

use crate::{Error, Result};

/// Texts of one request where the model does not say.
const BATCH: usize = 16;
/// Requests of one call under way at a time.
const PARALLEL: usize = 4;
/// How often a request is made before its failure counts.
const TRIES: u32 = 4;
/// The pause after the first failure; it doubles.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause, whatever the provider asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long the vector of a question is kept.
const QUERY_LIFE: Duration = Duration::from_secs(600);

/// What became of some texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedded {
    /// Ids of their vectors, in the order of the texts.
    pub ids: Vec<Uuid>,
    /// What the provider counted for those that were new.
    pub tokens: u64,
}

/// Makes vectors.
#[derive(Clone)]
pub struct Embedder {
    db: Database,
    kv: Arc<dyn Kv>,
    models: Arc<dyn ModelRuntime>,
}

impl Embedder {
    /// One over the parts of a server.
    #[must_use]
    pub fn new(db: Database, kv: Arc<dyn Kv>, models: Arc<dyn ModelRuntime>) -> Self {
        Self { db, kv, models }
    }

    /// The vectors of texts, stored.
    ///
    /// # Errors
    /// When the model fails for good, or gives something that is no vector.
    #[boxed]
    pub async fn embed(&self, tenant: TenantId, model: &ModelRef, texts: &[String]) -> Result<Embedded> {
        let hashes: Vec<String> = texts.iter().map(|text| text_hash(text)).collect();
        let mut seen = HashSet::new();
        let distinct: Vec<String> = hashes.iter().filter(|hash| seen.insert(hash.as_str())).cloned().collect();
        let mut ids = repo::embeddings::known(&self.db, tenant, &model.provider, &model.name, &distinct).await?;
        self.hold(&mut ids).await?;
        let mut asked = HashSet::new();
        let missing: Vec<(String, String)> = hashes
            .iter()
            .zip(texts)
            .filter(|(hash, _)| !ids.contains_key(*hash) && asked.insert(hash.as_str()))
            .map(|(hash, text)| (hash.clone(), text.clone()))
            .collect();
        let mut tokens = 0;
        if !missing.is_empty() {
            let (made, counted) = self.ask_all(tenant, model, missing).await?;
            tokens = counted;
            let tx = self.db.begin().await?;
            let stored = repo::embeddings::put(&tx, tenant, &model.provider, &model.name, made).await?;
            tx.commit().await?;
            ids.extend(stored);
        }
        let ids =
            hashes.iter().map(|hash| ids.get(hash).copied().ok_or_else(|| Error::internal("a vector is missing")));
        Ok(Embedded { ids: ids.collect::<Result<_>>()?, tokens })
    }

    /// The vectors of some pictures, stored, in their order; none of one that the model refuses. The caller holds no
    /// more pictures than may go together.
    ///
    /// # Errors
    /// When the model fails for good, or gives something that is no vector.
    #[boxed]
    pub async fn embed_pictures(
        &self,
        tenant: TenantId,
        model: &ModelRef,
        pictures: &[Media],
    ) -> Result<Vec<Option<Uuid>>> {
        let hashes: Vec<String> = pictures.iter().map(picture_hash).collect();
        let mut seen = HashSet::new();
        let distinct: Vec<String> = hashes.iter().filter(|hash| seen.insert(hash.as_str())).cloned().collect();
        let mut ids = repo::embeddings::known(&self.db, tenant, &model.provider, &model.name, &distinct).await?;
        self.hold(&mut ids).await?;
        let mut asked = HashSet::new();
        let (missing, wanted): (Vec<String>, Vec<Media>) = hashes
            .iter()
            .zip(pictures)
            .filter(|(hash, _)| !ids.contains_key(*hash) && asked.insert(hash.as_str()))
            .map(|(hash, picture)| (hash.clone(), picture.clone()))
            .unzip();
        if !missing.is_empty() {
            let vectors = self.ask_for_pictures(&scope(tenant), model, wanted).await?;
            let made: Vec<NewEmbedding> = missing
                .into_iter()
                .zip(vectors)
                .filter_map(|(hash, vector)| Some(NewEmbedding { hash, vector: vector? }))
                .collect();
            let tx = self.db.begin().await?;
            let stored = repo::embeddings::put(&tx, tenant, &model.provider, &model.name, made).await?;
            tx.commit().await?;
            ids.extend(stored);
        }
        Ok(hashes.iter().map(|hash| ids.get(hash).copied()).collect())
    }

    /// Asks for all at once; where that is refused, for each by itself, so that one bad picture spoils no other.
    async fn ask_for_pictures(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        pictures: Vec<Media>,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let request = |pictures: Vec<Media>| EmbeddingRequest { pictures, ..EmbeddingRequest::default() };
        let read = |answer: EmbeddingResult| -> Result<Vec<Option<Vec<f32>>>> {
            let vectors = answer.embeddings.into_iter().enumerate();
            vectors.map(|(place, vector)| unit(vector).ok_or_else(|| unusable(model, place)).map(Some)).collect()
        };
        match self.try_patiently(scope, model, request(pictures.clone())).await {
            Ok(answer) => return read(answer),
            Err(error) if error.class == ErrorClass::BadRequest => {}
            Err(error) => return Err(failed(&error)),
        }
        let mut out = Vec::with_capacity(pictures.len());
        for picture in pictures {
            match self.try_patiently(scope, model, request(vec![picture])).await {
                Ok(answer) => out.extend(read(answer)?),
                Err(error) if error.class == ErrorClass::BadRequest => {
                    tracing::warn!(%error, model = %model.name, "a picture that the model refuses is not found by its looks");
                    out.push(None);
                }
                Err(error) => return Err(failed(&error)),
            }
        }
        Ok(out)
    }

    /// The vector of a picture that is asked with.
    ///
    /// # Errors
    /// When the model fails or refuses it, or gives something that is no vector.
    #[boxed]
    pub async fn query_picture(&self, tenant: TenantId, model: &ModelRef, picture: &Media) -> Result<Vec<f32>> {
        let key = query_key(tenant, model, &picture_hash(picture));
        if let Some(known) = self.kept_query(&key).await {
            return Ok(known);
        }
        let (pictures, input) = (vec![picture.clone()], EmbeddingInput::Query);
        let request = EmbeddingRequest { pictures, input, ..EmbeddingRequest::default() };
        let answer = self.try_patiently(&scope(tenant), model, request).await.map_err(|error| failed(&error))?;
        let vector = answer.embeddings.into_iter().next().and_then(unit).ok_or_else(|| unusable(model, 0))?;
        self.keep_query(&key, &vector).await;
        Ok(vector)
    }

    /// Keeps old vectors that are used again from going with the upkeep; those that have just gone are asked for anew.
    async fn hold(&self, ids: &mut HashMap<String, Uuid>) -> Result<()> {
        let before = ox_db::now() - super::upkeep::HELD;
        let all: Vec<Uuid> = ids.values().copied().collect();
        let old = repo::embeddings::older(&self.db, &all, before).await?;
        if old.is_empty() {
            return Ok(());
        }
        let tx = self.db.begin().await?;
        let there = repo::embeddings::hold(&tx, &old, before).await?;
        tx.commit().await?;
        let gone: HashSet<Uuid> = old.into_iter().filter(|id| !there.contains(id)).collect();
        ids.retain(|_, id| !gone.contains(id));
        Ok(())
    }

    async fn ask_all(
        &self,
        tenant: TenantId,
        model: &ModelRef,
        missing: Vec<(String, String)>,
    ) -> Result<(Vec<NewEmbedding>, u64)> {
        let scope = scope(tenant);
        let size = self.batch_size(&scope, model).await;
        let batches: Vec<Vec<(String, String)>> = missing.chunks(size).map(<[_]>::to_vec).collect();
        let answers: Vec<(Vec<NewEmbedding>, u64)> = futures::stream::iter(batches)
            .map(|batch| self.ask(&scope, model, batch))
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        let tokens = answers.iter().map(|(_, tokens)| tokens).sum();
        Ok((answers.into_iter().flat_map(|(made, _)| made).collect(), tokens))
    }

    async fn batch_size(&self, scope: &ModelScope, model: &ModelRef) -> usize {
        let spec = self.models.describe(scope, model, ModelKind::TextEmbedding).await;
        let told = spec.and_then(|spec| spec.model_properties.get("max_chunks").and_then(Json::as_u64));
        told.and_then(|size| usize::try_from(size).ok()).unwrap_or(BATCH).clamp(1, 1000)
    }

    async fn ask(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        batch: Vec<(String, String)>,
    ) -> Result<(Vec<NewEmbedding>, u64)> {
        let (hashes, texts): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let request = EmbeddingRequest { texts, ..EmbeddingRequest::default() };
        let answer = self.try_patiently(scope, model, request).await.map_err(|error| failed(&error))?;
        let tokens = answer.usage.prompt_tokens;
        let mut made = Vec::with_capacity(hashes.len());
        for (place, (hash, vector)) in hashes.into_iter().zip(answer.embeddings).enumerate() {
            let vector = unit(vector).ok_or_else(|| unusable(model, place))?;
            made.push(NewEmbedding { hash, vector });
        }
        Ok((made, tokens))
    }

    /// Asks, and asks again where that may help.
    async fn try_patiently(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: EmbeddingRequest,
    ) -> std::result::Result<EmbeddingResult, ModelError> {
        let sent = request.texts.len() + request.pictures.len();
        let mut pause = PAUSE;
        let mut tried = 0;
        loop {
            tried += 1;
            let request = EmbeddingRequest { model: model.name.clone(), ..request.clone() };
            let error = match self.models.embed(scope, model, request).await {
                Ok(answer) if answer.embeddings.len() == sent => return Ok(answer),
                Ok(answer) => {
                    let text = format!("{sent} texts were sent, {} vectors came back", answer.embeddings.len());
                    ModelError::new(ErrorClass::Garbage, &model.provider, text)
                }
                Err(error) => error,
            };
            if tried >= TRIES || !error.is_retryable() {
                return Err(error);
            }
            tokio::time::sleep(error.retry_after().unwrap_or(pause).min(LONGEST_PAUSE)).await;
            pause *= 2;
        }
    }

    /// The vector of a question.
    ///
    /// # Errors
    /// When the model fails, or gives something that is no vector.
    #[boxed]
    pub async fn query(&self, tenant: TenantId, model: &ModelRef, text: &str) -> Result<Vec<f32>> {
        let key = query_key(tenant, model, &text_hash(text));
        if let Some(known) = self.kept_query(&key).await {
            return Ok(known);
        }
        let (texts, input) = (vec![text.to_owned()], EmbeddingInput::Query);
        let request = EmbeddingRequest { texts, input, ..EmbeddingRequest::default() };
        let answer = self.try_patiently(&scope(tenant), model, request).await.map_err(|error| failed(&error))?;
        let vector = answer.embeddings.into_iter().next().and_then(unit).ok_or_else(|| unusable(model, 0))?;
        self.keep_query(&key, &vector).await;
        Ok(vector)
    }

    async fn kept_query(&self, key: &str) -> Option<Vec<f32>> {
        let found = self.kv.get(key).await.ok()??;
        serde_json::from_str(&found).ok()
    }

    async fn keep_query(&self, key: &str, vector: &[f32]) {
        if let Ok(kept) = serde_json::to_string(vector) {
            // Only a saving: without it the model is asked again.
            let _ = self.kv.set(key, &kept, Some(QUERY_LIFE)).await;
        }
    }

    /// The stored vectors, by id.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn stored(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<f32>>> {
        Ok(repo::index_nodes::vectors(&self.db, ids).await?)
    }
}

fn query_key(tenant: TenantId, model: &ModelRef, hash: &str) -> String {
    format!("embedding:{tenant}:{}:{}:{hash}", model.provider, model.name)
}

/// That of a text which no chunk can have.
fn picture_hash(picture: &Media) -> String {
    text_hash(&format!("\0{}", picture.as_url()))
}

/// Who asks: the workspace.
pub(super) const fn scope(tenant: TenantId) -> ModelScope {
    ModelScope::of(tenant)
}

/// A failed call of a model that knowledge needs.
pub(super) fn failed(error: &ModelError) -> Error {
    let code = match error.class {
        ErrorClass::Auth | ErrorClass::NotFound => "provider_not_initialize",
        ErrorClass::Quota => "provider_quota_exceeded",
        _ => "completion_request_error",
    };
    Error::new(400, code, error.to_string()).caused_by(error.clone())
}

fn unusable(model: &ModelRef, place: usize) -> Error {
    let text = format!(
        "The embedding model {} of {} gave no usable vector for text {} of its request. Try again, or choose another \
         embedding model.",
        model.name,
        model.provider,
        place + 1
    );
    Error::new(400, "completion_request_error", text)
}

/// A vector at length one; `None` for one that has no direction.
fn unit(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = vector.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>().sqrt();
    if vector.is_empty() || !length.is_finite() || length <= f64::EPSILON {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a component of a unit vector")]
    for value in &mut vector {
        *value = (f64::from(*value) / length) as f32;
    }
    Some(vector)
}

#[cfg(test)]
mod tests {
    use super::unit;

    #[test]
    fn vectors_have_length_one_or_are_none() {
        assert_eq!(unit(vec![3.0, 4.0]), Some(vec![0.6, 0.8]));
        for broken in [vec![], vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![f32::INFINITY, 1.0]] {
            assert_eq!(unit(broken), None);
        }
    }
}
