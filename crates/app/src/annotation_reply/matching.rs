//! The annotation that a question is most like.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use ox_db::{
    model::{Annotation, AnnotationHit, AnnotationSetting},
    now, repo,
};
use ox_models::ModelRef;
use ox_types::{AppId, Json, MessageId, TenantId, new_uuid};
use serde_json::json;
use uuid::Uuid;

use crate::{
    AppCaller, Result, Services,
    runs::{InvokeFrom, PublishedApp},
};

/// Annotations of an app that are compared: as many as an import may bring, ten times.
const MOST: u64 = 100_000;
/// Texts embedded at a time.
const BATCH: usize = 500;
/// Bytes of vectors that are kept in memory.
const KEPT: u64 = 64 * 1024 * 1024;
/// How long unused vectors are kept.
const IDLE: Duration = Duration::from_secs(600);

type Vectors = Arc<Vec<(Uuid, Vec<f32>)>>;

/// The vectors of apps' annotations, as they were at a version.
pub(crate) struct Matcher {
    kept: Cache<(AppId, Uuid, i64), Vectors>,
}

impl Default for Matcher {
    fn default() -> Self {
        let weight = |vectors: &Vectors| {
            let bytes: usize = vectors.iter().map(|(_, vector)| vector.len() * 4 + 40).sum();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let kept =
            Cache::builder().weigher(move |_, vectors| weight(vectors)).max_capacity(KEPT).time_to_idle(IDLE).build();
        Self { kept }
    }
}

/// An annotation that answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Matched {
    pub annotation: Annotation,
    pub score: f64,
}

/// Makes the vectors of all annotations of an app.
pub(super) async fn prepare(services: &Services, tenant: TenantId, app: AppId, model: &ModelRef) -> Result<()> {
    vectors_of(services, tenant, app, model).await.map(|_| ())
}

async fn vectors_of(services: &Services, tenant: TenantId, app: AppId, model: &ModelRef) -> Result<Vectors> {
    let (annotations, _) = repo::annotations::page(&services.db, app, None, 1, MOST).await?;
    let mut all = Vec::with_capacity(annotations.len());
    for chunk in annotations.chunks(BATCH) {
        let texts: Vec<String> = chunk.iter().map(|one| one.question.clone()).collect();
        let ids = services.embedder.embed(tenant, model, &texts).await?.ids;
        let vectors = services.embedder.stored(&ids).await?;
        let pairs = chunk.iter().zip(&ids);
        all.extend(pairs.filter_map(|(one, id)| Some((one.id, vectors.get(id)?.clone()))));
    }
    Ok(Arc::new(all))
}

/// The annotation that answers a question of an app, if one does. Any failure is none: the model answers then.
pub(crate) async fn reply(services: &Services, app: &PublishedApp, question: &str) -> Option<Matched> {
    if !app.annotated || question.trim().is_empty() {
        return None;
    }
    let app = &app.app;
    let found = async {
        let Some(setting) = repo::annotation_settings::find(&services.db, app.id).await? else { return Ok(None) };
        if setting.tenant_id != app.tenant_id {
            return Ok(None);
        }
        best(services, &setting, question).await
    };
    found.await.unwrap_or_else(|error: crate::Error| {
        tracing::warn!(%error, app = %app.id, "annotations were not looked at");
        None
    })
}

async fn best(services: &Services, setting: &AnnotationSetting, question: &str) -> Result<Option<Matched>> {
    let model = ModelRef::chat(setting.embedding_provider.clone(), setting.embedding_model.clone());
    let (tenant, app) = (setting.tenant_id, setting.app_id);
    let key = (app, setting.id, setting.version);
    let load = async { vectors_of(services, tenant, app, &model).await };
    let vectors = services.matcher.kept.try_get_with(key, load).await;
    let vectors = vectors.map_err(|error: Arc<crate::Error>| crate::Error::internal(error.to_string()))?;
    if vectors.is_empty() {
        return Ok(None);
    }
    let asked = services.embedder.query(tenant, &model, question).await?;
    let cosine = |other: &[f32]| asked.iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let scored = vectors.iter().map(|(id, vector)| (*id, cosine(vector)));
    let Some((id, score)) = scored.max_by(|a, b| a.1.total_cmp(&b.1)) else { return Ok(None) };
    // Equal texts may differ from one by rounding.
    if score + 1e-6 < setting.score_threshold {
        return Ok(None);
    }
    let found = repo::annotations::find(&services.db, app, id).await?;
    Ok(found.map(|annotation| Matched { annotation, score }))
}

impl Matched {
    /// Keeps that it answered a message.
    pub(crate) async fn keep(&self, services: &Services, caller: &AppCaller, question: &str, message: MessageId) {
        let source = match caller.invoke_from {
            InvokeFrom::ServiceApi | InvokeFrom::WebApp => "api",
            _ => "console",
        };
        let hit = AnnotationHit {
            id: new_uuid(),
            app_id: self.annotation.app_id,
            annotation_id: self.annotation.id,
            source: source.to_owned(),
            question: question.to_owned(),
            account_id: self.annotation.account_id.0,
            score: self.score,
            message_id: message,
            annotation_question: self.annotation.question.clone(),
            annotation_content: self.annotation.content.clone(),
            created_at: now(),
        };
        let kept = async {
            let tx = services.db.begin().await?;
            repo::annotations::hit(&tx, hit).await?;
            tx.commit().await
        };
        if let Err(error) = kept.await {
            tracing::warn!(%error, "that an annotation answered was not kept");
        }
    }

    /// As a message tells it: the annotation and who wrote it.
    pub(crate) async fn told(&self, services: &Services) -> Option<Json> {
        let author = self.annotation.account_id;
        let people = services.people(&[author]).await.unwrap_or_default();
        let name = people.get(&author).map(|account| account.name.clone()).unwrap_or_default();
        Some(json!({"id": self.annotation.id, "account": {"id": author, "name": name}}))
    }
}
