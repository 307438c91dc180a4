//! What is kept of a question: that it was asked, and how often each chunk was an answer.

use std::collections::HashSet;

use ox_db::{model::DatasetQuery, now, repo};
use ox_types::{AppId, DatasetId, FileId, Json, SegmentId, TenantId};
use serde_json::json;
use uuid::Uuid;

use super::retrieval::{Record, Retriever};
use crate::Result;

/// A question and who asked it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub tenant_id: TenantId,
    /// Empty where pictures alone were asked with.
    pub question: String,
    /// The files of the pictures.
    pub pictures: Vec<String>,
    pub source: Source,
    /// `account` or `end_user`.
    pub role: &'static str,
    pub user: Uuid,
}

/// Where a question came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    App(AppId),
    HitTesting,
}

impl Retriever {
    /// Keeps a question of some knowledge bases, and counts what was found, in the background.
    pub fn note(&self, asked: Asked, datasets: Vec<DatasetId>, records: &[Record]) {
        let mut seen = HashSet::new();
        let segments: Vec<SegmentId> =
            records.iter().filter_map(Record::segment_id).filter(|id| seen.insert(*id)).collect();
        let this = self.clone();
        self.tracker.spawn(async move {
            if let Err(error) = this.keep(asked, datasets, &segments).await {
                tracing::warn!(%error, "a question to knowledge bases was not kept");
            }
        });
    }

    async fn keep(&self, asked: Asked, datasets: Vec<DatasetId>, segments: &[SegmentId]) -> Result<()> {
        let (source, source_app_id) = match asked.source {
            Source::App(app) => ("app", Some(app)),
            Source::HitTesting => ("hit_testing", None),
        };
        let content = content_of(&asked).to_string();
        let tx = self.db.begin().await?;
        repo::retrieval::count_hits(&tx, asked.tenant_id, segments).await?;
        for dataset_id in datasets {
            let query = DatasetQuery {
                id: ox_types::new_uuid(),
                tenant_id: asked.tenant_id,
                dataset_id,
                content: content.clone(),
                source: source.to_owned(),
                source_app_id,
                created_by_role: asked.role.to_owned(),
                created_by: asked.user,
                created_at: now(),
            };
            repo::retrieval::log_query(&tx, query).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// A question as it is kept.
fn content_of(asked: &Asked) -> Json {
    let text = (!asked.question.trim().is_empty() || asked.pictures.is_empty())
        .then(|| json!({"content_type": "text_query", "content": asked.question}));
    let pictures = asked.pictures.iter().map(|file| json!({"content_type": "image_query", "content": file}));
    text.into_iter().chain(pictures).collect()
}

/// The files of the pictures in a question as it is kept.
pub(super) fn pictures_in(content: &str) -> Vec<FileId> {
    let parts: Vec<Json> = serde_json::from_str(content).unwrap_or_default();
    let text = |part: &Json, name: &str| part.get(name).and_then(Json::as_str).map(str::to_owned);
    let pictures = parts.iter().filter(|part| text(part, "content_type").as_deref() == Some("image_query"));
    pictures.filter_map(|part| text(part, "content")?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_read_out_of_what_is_kept() {
        let file = FileId::new();
        let picture = json!({"content_type": "image_query", "content": file.to_string()});
        for (content, wanted) in [
            (json!([{"content_type": "text_query", "content": file.to_string()}, picture]).to_string(), vec![file]),
            (json!([{"content_type": "image_query", "content": "https://x/a.png"}]).to_string(), vec![]),
            ("a question".to_owned(), vec![]),
        ] {
            assert_eq!(pictures_in(&content), wanted, "{content}");
        }
    }

    #[test]
    fn texts_and_pictures_are_kept_one_by_one() {
        let text = |text: &str| json!({"content_type": "text_query", "content": text});
        let picture = json!({"content_type": "image_query", "content": "f"});
        for (question, pictures, wanted) in [
            ("a", vec![], json!([text("a")])),
            ("a", vec!["f".to_owned()], json!([text("a"), picture])),
            (" ", vec!["f".to_owned()], json!([picture])),
            ("", vec![], json!([text("")])),
        ] {
            let asked = Asked {
                tenant_id: TenantId::new(),
                question: question.to_owned(),
                pictures,
                source: Source::HitTesting,
                role: "account",
                user: Uuid::nil(),
            };
            assert_eq!(content_of(&asked), wanted, "{question}");
        }
    }
}
