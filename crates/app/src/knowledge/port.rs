//! Knowledge bases as the nodes of a run see them.

use async_trait::async_trait;
use ox_db::model::UploadFile;
use ox_engine::{RunInfo, UserKind};
use ox_models::{ErrorClass, Media, MediaSource, ModelError};
use ox_nodes::{
    CallError, FoundSegment, MetadataFilter, MultipleRetrieval, RetrievalMode, RetrievalPort, RetrievalQuery,
    Retrieved, SegmentPlace,
};
use ox_rag::{Condition, Filter, Join};
use ox_types::{AppId, DatasetId, File, FileKind, Json, TenantId, TransferMethod, boxed};
use serde_json::json;
use uuid::Uuid;

use super::{
    asked::{Asked, Source},
    pictures,
    retrieval::{Own, Place, Record, Retriever, Several, SeveralSettings, settings_of},
};
use crate::{
    Error,
    files::{FileStore, mapping::detect},
};

/// Pictures of a question that are looked for.
const MAX_PICTURES: usize = 10;

/// The port of `knowledge-retrieval`.
pub struct KnowledgePort {
    retriever: Retriever,
    files: FileStore,
}

impl KnowledgePort {
    /// The port over a retriever, and the files of runs.
    #[must_use]
    pub const fn new(retriever: Retriever, files: FileStore) -> Self {
        Self { retriever, files }
    }
}

/// A picture that is asked with.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub media: Media,
    /// The id of its file, or where it is from.
    pub name: String,
}

/// For whom something is looked up.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    pub tenant_id: TenantId,
    pub app_id: AppId,
    /// `account` or `end_user`.
    pub role: &'static str,
    pub user: Uuid,
}

impl Retriever {
    /// The pictures among the files that are asked with, read where a knowledge base sees. What models take as no
    /// picture (SVG, a very large one) is left out.
    ///
    /// # Errors
    /// When the database fails, or a file cannot be read.
    #[boxed]
    pub async fn pictures(
        &self,
        files: &FileStore,
        tenant: TenantId,
        query: &RetrievalQuery,
    ) -> Result<Vec<Picture>, Error> {
        if query.files.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<DatasetId> = query.dataset_ids.iter().filter_map(|id| id.parse().ok()).collect();
        let datasets = self.datasets(tenant, &ids).await?;
        if !datasets.iter().any(|dataset| dataset.is_multimodal) {
            return Ok(Vec::new());
        }
        let mut out = Vec::new();
        for file in query.files.iter().filter(|file| file.kind == FileKind::Image).take(MAX_PICTURES) {
            let extension = file.extension.as_deref().unwrap_or_default();
            let Some(mime) = pictures::type_of(file.mime_type.as_deref(), extension, file.size) else { continue };
            let data = files.base64(tenant, file).await?;
            if data.len() / 4 * 3 > pictures::LARGEST {
                continue;
            }
            let media =
                Media { source: MediaSource::Base64(data), mime: mime.to_owned(), filename: None, detail: None };
            let name = file.related_id.clone().or_else(|| file.remote_url.clone()).unwrap_or_default();
            out.push(Picture { media, name });
        }
        Ok(out)
    }

    /// Looks something up for a user of an app, and keeps that it was asked. Knowledge bases that are not of the
    /// workspace are left out.
    ///
    /// # Errors
    /// When a model on the way refuses, or the settings make no sense.
    #[boxed]
    pub async fn ask(&self, who: Who, query: &RetrievalQuery, pictures: &[Picture]) -> Result<Vec<Record>, Error> {
        let question = query.text.as_deref().unwrap_or_default();
        let ids: Vec<DatasetId> = query.dataset_ids.iter().filter_map(|id| id.parse().ok()).collect();
        let tenant = who.tenant_id;
        let datasets = self.datasets(tenant, &ids).await?;
        // Pictures alone tell a model that reads nothing.
        let has_words = !question.trim().is_empty() || pictures.is_empty();
        let (datasets, settings) = match &query.mode {
            RetrievalMode::Single { .. } if !has_words => (datasets, None),
            RetrievalMode::Single { model } => {
                let chosen = self.choose(tenant, model, question, &datasets).await?;
                (chosen.into_iter().collect(), None)
            }
            RetrievalMode::Multiple(multiple) => (datasets, Some(several(multiple))),
        };
        if datasets.is_empty() {
            return Ok(Vec::new());
        }
        let filter = match &query.filter {
            MetadataFilter::Automatic { model } if has_words => {
                self.conditions(tenant, model, question, &datasets).await?
            }
            MetadataFilter::Manual { all, conditions } => Some(manual(*all, conditions)?),
            MetadataFilter::All | MetadataFilter::Automatic { .. } => None,
        };
        let seen: Vec<Media> = pictures.iter().map(|picture| picture.media.clone()).collect();
        let found = match (&settings, datasets.as_slice()) {
            (None, [one]) => self.search_seeing(one, question, &seen, &settings_of(one), filter.as_ref()).await?,
            (settings, _) => {
                let settings = settings.clone().unwrap_or_else(SeveralSettings::own);
                self.search_several_seeing(tenant, &datasets, question, &seen, &settings, filter.as_ref()).await?
            }
        };
        let asked = Asked {
            tenant_id: tenant,
            question: question.to_owned(),
            pictures: pictures.iter().map(|picture| picture.name.clone()).collect(),
            source: Source::App(who.app_id),
            role: who.role,
            user: who.user,
        };
        self.note(asked, datasets.iter().map(|dataset| dataset.id).collect(), &found.records);
        Ok(found.records)
    }
}

#[async_trait]
impl RetrievalPort for KnowledgePort {
    async fn retrieve(&self, run: &RunInfo, query: RetrievalQuery) -> Result<Retrieved, CallError> {
        let who = Who {
            tenant_id: run.tenant_id,
            app_id: run.app_id,
            role: if run.user_kind == UserKind::Account { "account" } else { "end_user" },
            user: run.user_id.parse().unwrap_or(Uuid::nil()),
        };
        let pictures = self.retriever.pictures(&self.files, who.tenant_id, &query).await.map_err(refused)?;
        let found = self.retriever.ask(who, &query, &pictures).await;
        let records = found.map_err(refused)?;
        Ok(Retrieved { segments: records.into_iter().map(segment).collect(), usage: None })
    }
}

/// The error of a search as the node shows it: under the class of the model's error, if that is behind it.
fn refused(error: Error) -> CallError {
    let cause = error.source.as_deref().and_then(|source| source.downcast_ref::<ModelError>());
    CallError::new(cause.map_or("", class_of), error.message)
}

/// A model without credentials or money was not asked; other errors have the class of its calls.
const fn class_of(error: &ModelError) -> &'static str {
    match error.class {
        ErrorClass::Auth if error.status.is_none() => "ModelCredentialsNotInitializedError",
        ErrorClass::Unsupported => "ModelNotSupportedError",
        ErrorClass::Quota => "ModelQuotaExceededError",
        _ => error.error_type(),
    }
}

/// The settings of the node, in our words.
fn several(node: &MultipleRetrieval) -> SeveralSettings {
    let model = node.reranking_model.as_ref().filter(|model| !model.model.is_empty());
    let order = match (&node.weights, model) {
        _ if !node.reranking_enable => Several::Own,
        (Some(weights), _) if node.reranking_mode == "weighted_score" => Several::Weighted {
            vector: weights.vector_setting.vector_weight,
            keyword: weights.keyword_setting.keyword_weight,
        },
        (_, Some(model)) => Several::Model { provider: model.provider.clone(), name: model.model.clone() },
        _ => Several::Own,
    };
    SeveralSettings { top_k: node.top_k.max(1) as usize, threshold: node.score_threshold, order }
}

fn manual(all: bool, conditions: &[ox_nodes::MetadataCondition]) -> Result<Filter, Error> {
    let condition = |one: &ox_nodes::MetadataCondition| {
        let operator = serde_json::from_value(Json::from(one.operator.as_str()));
        let operator = operator.map_err(|_| Error::invalid(format!("unknown comparison_operator {}", one.operator)))?;
        Ok(Condition { name: one.name.clone(), comparison_operator: operator, value: one.value.clone() })
    };
    let conditions = conditions.iter().map(condition).collect::<Result<_, Error>>()?;
    Ok(Filter { logical_operator: if all { Join::And } else { Join::Or }, conditions })
}

fn segment(record: Record) -> FoundSegment {
    let base = FoundSegment {
        dataset_id: record.dataset.id.to_string(),
        dataset_name: record.dataset.name.clone(),
        score: record.score,
        ..FoundSegment::default()
    };
    match record.place {
        Place::External(one) => FoundSegment {
            document_name: one.title.clone(),
            data_source_type: "external".to_owned(),
            title: one.title,
            content: one.content,
            doc_metadata: Json::Object(one.metadata),
            ..base
        },
        Place::Own(own) => of_ours(base, *own),
    }
}

/// A picture of a segment as runs have files.
fn file_of(file: &UploadFile) -> File {
    File {
        id: Some(file.id.to_string()),
        tenant_id: Some(file.tenant_id.to_string()),
        kind: detect(&file.extension, file.mime_type.as_deref()),
        transfer_method: TransferMethod::LocalFile,
        remote_url: None,
        related_id: Some(file.id.to_string()),
        filename: Some(file.name.clone()),
        extension: Some(format!(".{}", file.extension)),
        mime_type: file.mime_type.clone(),
        size: file.size,
        url: None,
    }
}

fn of_ours(base: FoundSegment, own: Own) -> FoundSegment {
    let content = own.content();
    let Own { document, segment, children, summary, files, around: _ } = own;
    let child = |(chunk, score): (ox_db::model::FoundChild, f64)| json!({"id": chunk.id, "content": chunk.content, "position": chunk.position, "score": score});
    FoundSegment {
        document_id: document.id.to_string(),
        document_name: document.name.clone(),
        data_source_type: document.data_source_type,
        title: document.name,
        content,
        answer: segment.answer,
        summary,
        files: files.iter().map(file_of).collect(),
        doc_metadata: document.doc_metadata.unwrap_or_default(),
        segment: Some(SegmentPlace {
            id: segment.id.to_string(),
            hit_count: segment.hit_count.try_into().unwrap_or_default(),
            word_count: segment.word_count.try_into().unwrap_or_default(),
            position: segment.position.try_into().unwrap_or_default(),
            index_node_hash: segment.index_node_hash,
            page: segment.page,
            child_chunks: children.into_iter().map(child).collect(),
        }),
        ..base
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::embedding::failed;

    #[test]
    fn errors_of_models_keep_their_class() {
        let limited = ErrorClass::RateLimit { retry_after: None };
        for (class, status, expected) in [
            (ErrorClass::Auth, None, "ModelCredentialsNotInitializedError"),
            (ErrorClass::Auth, Some(401), "InvokeAuthorizationError"),
            (ErrorClass::NotFound, None, "ModelNotExistError"),
            (ErrorClass::Unsupported, None, "ModelNotSupportedError"),
            (ErrorClass::Quota, None, "ModelQuotaExceededError"),
            (limited, Some(429), "InvokeRateLimitError"),
            (ErrorClass::Connection, None, "InvokeConnectionError"),
        ] {
            let error = ModelError { status, ..ModelError::new(class, "p", "why") };
            let shown = refused(failed(&error));
            assert_eq!((shown.class.as_str(), shown.text), (expected, error.to_string()));
        }
        let other = refused(Error::invalid("unknown comparison_operator x"));
        assert_eq!((other.class.as_str(), other.text.as_str()), ("", "unknown comparison_operator x"));
    }
}
