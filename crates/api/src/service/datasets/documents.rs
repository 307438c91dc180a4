//! Documents of a knowledge base, by text and by file.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Multipart, RawQuery, State, multipart::MultipartRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use ox_app::{
    Error, Principal, Services,
    knowledge::{
        DisplayStatus, DocumentFilter, DocumentOrder, archive,
        documents::{self, Made, NewDocuments, Switch},
    },
    runs::once::Namer,
};
use ox_types::{DatasetId, DocumentId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json_};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{App, Fields, KeyHolder, docs, from_query, given, indexing};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    knowledge::{DocStatusList, DocumentBody, DocumentDetail, DocumentPage, MetadataPart, RetrievalModelBody, Rules},
    openapi::routes,
    service::{body_limit, once},
};

pub fn router(services: &Arc<Services>) -> OpenApiRouter<Arc<Services>> {
    let uploads = OpenApiRouter::new()
        .routes(routes!(create_by_file))
        .routes(routes!(create_by_file_alias))
        .routes(routes!(update_by_file))
        .routes(routes!(update_by_file_alias))
        .routes(routes!(detail, delete, replace))
        .routes(routes!(create_by_text))
        .routes(routes!(create_by_text_alias))
        .routes(routes!(update_by_text))
        .routes(routes!(update_by_text_alias))
        .layer(body_limit(services));
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(progress))
        .routes(routes!(switch))
        .routes(routes!(download))
        .routes(routes!(download_zip))
        .merge(uploads)
}

/// How a document is cleaned and split.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct ProcessRuleBody {
    /// `automatic`, `custom` or `hierarchical`.
    mode: String,
    #[schema(value_type = Option<Object>)]
    rules: Option<Json_>,
}

/// A document from a text.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct TextDocumentBody {
    name: String,
    text: String,
    indexing_technique: Option<String>,
    /// `text_model`, `hierarchical_model` or `qa_model`.
    doc_form: Option<String>,
    doc_language: Option<String>,
    process_rule: Option<ProcessRuleBody>,
    retrieval_model: Option<RetrievalModelBody>,
    embedding_model: Option<String>,
    embedding_model_provider: Option<String>,
    original_document_id: Option<String>,
}

/// Another text, name or rule for a document.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct TextUpdateBody {
    name: Option<String>,
    text: Option<String>,
    doc_form: Option<String>,
    doc_language: Option<String>,
    process_rule: Option<ProcessRuleBody>,
    retrieval_model: Option<RetrievalModelBody>,
}

/// A document from a file.
#[derive(Serialize, ToSchema)]
pub struct FileDocumentBody {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The settings as JSON text.
    data: Option<String>,
}

/// Another file or rule for a document.
#[derive(Serialize, ToSchema)]
pub struct FileUpdateBody {
    #[schema(value_type = Option<String>, format = Binary)]
    file: Option<Vec<u8>>,
    /// The settings as JSON text.
    data: Option<String>,
}

/// A document that was made, and its batch.
#[derive(Serialize, ToSchema)]
pub struct DocumentMade {
    document: DocumentBody,
    batch: String,
}

async fn made(services: &Services, made: Made) -> Result<Json<DocumentMade>, Error> {
    let Made { dataset, documents, batch } = made;
    let views = documents::views(services, &dataset, documents).await?;
    let first = views.into_iter().next().ok_or_else(|| Error::internal("no document was made"))?;
    Ok(Json(DocumentMade { document: first.into(), batch }))
}

/// What both ways have in common.
fn settings(fields: &mut Fields) -> NewDocuments {
    NewDocuments {
        process_rule: given(fields, "process_rule"),
        doc_form: fields.optional_text("doc_form"),
        doc_language: fields.optional_text("doc_language"),
        indexing: indexing(fields),
        created_from: "api",
        ..NewDocuments::default()
    }
}

async fn by_text(
    services: &Arc<Services>,
    caller: &Principal,
    id: DatasetId,
    map: Map<String, Json_>,
) -> Result<Json<DocumentMade>, Error> {
    let mut fields = Fields::new("DocumentTextCreatePayload", map);
    let (name, text) = (fields.text("name"), fields.text("text"));
    let original = fields.optional_uuid("original_document_id");
    let new = settings(&mut fields);
    fields.finish()?;
    documents::check_indexing(services, caller, id, &new).await?;
    let file = documents::keep_text(services, caller, &name, &text).await?;
    let new = NewDocuments { files: vec![file], name: Some(name), ..new };
    let done = match original {
        Some(original) => documents::change(services, caller, id, DocumentId(original), new).await?,
        None => documents::create(services, caller, id, new).await?,
    };
    made(services, done).await
}

/// Both addresses are one operation: a name holds for both.
async fn once_by_text(
    services: &Arc<Services>,
    caller: &Principal,
    id: DatasetId,
    headers: &HeaderMap,
    map: Map<String, Json_>,
) -> ApiResult<Response> {
    let said = once::Said::new("document/create-by-text").text(&id.to_string()).json(&map);
    let make = Box::pin(async { Ok(by_text(services, caller, id, map).await?.0) });
    once::answer(services, Namer::of_knowledge(caller)?, headers, StatusCode::OK, said, make).await
}

/// Make a document from a text.
#[utoipa::path(post, path = "/datasets/{dataset_id}/document/create-by-text", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), request_body = TextDocumentBody,
    responses((status = 200, body = DocumentMade), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create_by_text(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
    headers: HeaderMap,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Response> {
    once_by_text(&services, &caller, id, &headers, map).await
}

/// The same under its old name.
#[utoipa::path(post, path = "/datasets/{dataset_id}/document/create_by_text", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), request_body = TextDocumentBody,
    responses((status = 200, body = DocumentMade), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create_by_text_alias(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
    headers: HeaderMap,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Response> {
    once_by_text(&services, &caller, id, &headers, map).await
}

async fn change_by_text(
    services: &Arc<Services>,
    caller: &Principal,
    id: DatasetId,
    document: DocumentId,
    map: Map<String, Json_>,
) -> Result<Json<DocumentMade>, Error> {
    let mut fields = Fields::new("DocumentTextUpdate", map);
    let (name, text) = (fields.optional_text("name"), fields.optional_text("text"));
    if text.is_some() && name.is_none() {
        fields.problem("name", "Value error, name is required when text is provided [type=value_error]");
    }
    let mut new = settings(&mut fields);
    fields.finish()?;
    if let (Some(name), Some(text)) = (&name, &text) {
        new.files = vec![documents::keep_text(services, caller, name, text).await?];
    }
    made(services, documents::change(services, caller, id, document, NewDocuments { name, ..new }).await?).await
}

/// Give a document another text, name or rule.
#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/{document_id}/update-by-text", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)), request_body = TextUpdateBody,
    responses((status = 200, body = DocumentMade), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update_by_text(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Json<DocumentMade>> {
    Ok(change_by_text(&services, &caller, id, document, map).await?)
}

/// The same under its old name.
#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/{document_id}/update_by_text", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)), request_body = TextUpdateBody,
    responses((status = 200, body = DocumentMade), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update_by_text_alias(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Json<DocumentMade>> {
    Ok(change_by_text(&services, &caller, id, document, map).await?)
}

struct Sent {
    file: Option<(String, String, Bytes)>,
    settings: Map<String, Json_>,
}

async fn sent(form: Result<Multipart, MultipartRejection>) -> Result<Sent, Error> {
    let mut form = form.map_err(|_| Error::new(400, "no_file_uploaded", "Please upload your file."))?;
    let unreadable = |error: axum::extract::multipart::MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Error::new(413, "file_too_large", "File size exceeded.");
        }
        Error::bad_request(format!("The form cannot be read: {}", error.body_text()))
    };
    let mut out = Sent { file: None, settings: Map::new() };
    while let Some(part) = form.next_field().await.map_err(unreadable)? {
        match part.name().unwrap_or_default() {
            "file" => {
                if out.file.is_some() {
                    return Err(Error::new(400, "too_many_files", "Only one file is allowed."));
                }
                let name = part.file_name().unwrap_or_default().to_owned();
                if name.is_empty() {
                    let text = "The specified filename does not exist.";
                    return Err(Error::new(400, "filename_not_exists_error", text));
                }
                let mime = part.content_type().unwrap_or("application/octet-stream").to_owned();
                out.file = Some((name, mime, part.bytes().await.map_err(unreadable)?));
            }
            "data" => {
                let text = part.text().await.map_err(unreadable)?;
                out.settings = serde_json::from_str(&text)
                    .map_err(|error| Error::invalid_field("data", format!("data must be a JSON object: {error}")))?;
            }
            _ => drop(part.bytes().await.map_err(unreadable)?),
        }
    }
    Ok(out)
}

async fn once_by_file(
    services: &Arc<Services>,
    caller: &Principal,
    id: DatasetId,
    headers: &HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> ApiResult<Response> {
    let sent = sent(form).await?;
    let mut said = once::Said::new("document/create-by-file").text(&id.to_string()).json(&sent.settings);
    if let Some((name, mime, bytes)) = &sent.file {
        said = said.text(name).text(mime).bytes(bytes);
    }
    let make = Box::pin(async { Ok(by_file(services, caller, id, sent).await?.0) });
    once::answer(services, Namer::of_knowledge(caller)?, headers, StatusCode::OK, said, make).await
}

async fn by_file(
    services: &Arc<Services>,
    caller: &Principal,
    id: DatasetId,
    sent: Sent,
) -> Result<Json<DocumentMade>, Error> {
    let Sent { file, settings: map } = sent;
    let (name, mime, bytes) = file.ok_or_else(|| Error::new(400, "no_file_uploaded", "Please upload your file."))?;
    let mut fields = Fields::new("DocumentFileCreatePayload", map);
    let original = fields.optional_uuid("original_document_id");
    let new = NewDocuments { needs_rule: true, ..settings(&mut fields) };
    fields.finish()?;
    documents::check_indexing(services, caller, id, &new).await?;
    let file = documents::keep_file(services, caller, &name, &mime, bytes).await?;
    let new = NewDocuments { files: vec![file], ..new };
    let done = match original {
        Some(original) => documents::change(services, caller, id, DocumentId(original), new).await?,
        None => documents::create(services, caller, id, new).await?,
    };
    made(services, done).await
}

/// Make a document from a file.
#[utoipa::path(post, path = "/datasets/{dataset_id}/document/create-by-file", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), request_body(content = FileDocumentBody, content_type = "multipart/form-data"),
    responses((status = 200, body = DocumentMade), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
async fn create_by_file(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> ApiResult<Response> {
    once_by_file(&services, &caller, id, &headers, form).await
}

/// The same under its old name.
#[utoipa::path(post, path = "/datasets/{dataset_id}/document/create_by_file", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), request_body(content = FileDocumentBody, content_type = "multipart/form-data"),
    responses((status = 200, body = DocumentMade), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
async fn create_by_file_alias(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> ApiResult<Response> {
    once_by_file(&services, &caller, id, &headers, form).await
}

async fn change_by_file(
    services: &Arc<Services>,
    caller: &Principal,
    id: DatasetId,
    document: DocumentId,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<DocumentMade>, Error> {
    let Sent { file, settings: map } = sent(form).await?;
    let mut fields = Fields::new("DocumentFileUpdatePayload", map);
    let name = fields.optional_text("name");
    let mut new = settings(&mut fields);
    fields.finish()?;
    if let Some((name, mime, bytes)) = file {
        new.files = vec![documents::keep_file(services, caller, &name, &mime, bytes).await?];
    }
    made(services, documents::change(services, caller, id, document, NewDocuments { name, ..new }).await?).await
}

/// Give a document another file or rule.
#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/{document_id}/update-by-file", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)), request_body(content = FileUpdateBody, content_type = "multipart/form-data"),
    responses((status = 200, body = DocumentMade), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
async fn update_by_file(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    form: Result<Multipart, MultipartRejection>,
) -> ApiResult<Json<DocumentMade>> {
    Ok(change_by_file(&services, &caller, id, document, form).await?)
}

/// The same under its old name.
#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/{document_id}/update_by_file", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)), request_body(content = FileUpdateBody, content_type = "multipart/form-data"),
    responses((status = 200, body = DocumentMade), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
async fn update_by_file_alias(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    form: Result<Multipart, MultipartRejection>,
) -> ApiResult<Json<DocumentMade>> {
    Ok(change_by_file(&services, &caller, id, document, form).await?)
}

/// Give a document another file or rule.
#[utoipa::path(patch, path = "/datasets/{dataset_id}/documents/{document_id}", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)), request_body(content = FileUpdateBody, content_type = "multipart/form-data"),
    responses((status = 200, body = DocumentMade), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
async fn replace(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    form: Result<Multipart, MultipartRejection>,
) -> ApiResult<Json<DocumentMade>> {
    Ok(change_by_file(&services, &caller, id, document, form).await?)
}

/// The documents of a knowledge base, newest first.
#[utoipa::path(get, path = "/datasets/{dataset_id}/documents", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("page" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "At most 100"),
        ("keyword" = Option<String>, Query), ("status" = Option<String>, Query)),
    responses((status = 200, body = DocumentPage), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<DocumentPage>> {
    let mut fields = from_query("DocumentListQuery", query.as_deref());
    let filter = DocumentFilter {
        keyword: fields.optional_text("keyword"),
        status: fields.optional_text("status").as_deref().and_then(DisplayStatus::parse),
        order: DocumentOrder::Newest,
        page: fields.number("page", 1, 1, 99_999),
        // Compat: more is not refused, but cut.
        limit: fields.number("limit", 20, 1, u64::from(u32::MAX)).min(100),
    };
    fields.finish()?;
    Ok(Json(DocumentPage::new(documents::list(&services, &caller, id, &filter).await?, false)))
}

/// How far the documents of a batch are.
#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{batch}/indexing-status", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("batch" = String, Path)),
    responses((status = 200, body = DocStatusList), (status = 404, body = ErrorBody)))]
async fn progress(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, batch)): Path<(DatasetId, String)>,
) -> ApiResult<Json<DocStatusList>> {
    let found = documents::progress(&services, &caller, id, Some(&batch)).await?;
    Ok(Json(DocStatusList::new(found, true)))
}

/// One document.
#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("metadata" = Option<String>, Query, description = "`all`, `only` or `without`")),
    responses((status = 200, body = DocumentDetail), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn detail(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<DocumentDetail>> {
    let mut fields = from_query("DocumentQuery", query.as_deref());
    let part = MetadataPart::parse(fields.optional_text("metadata").as_deref())?;
    Ok(Json(detail_of(&services, &caller, id, document, part).await?))
}

/// A document with its rules.
pub(crate) async fn detail_of(
    services: &Services,
    caller: &Principal,
    id: DatasetId,
    document: DocumentId,
    part: MetadataPart,
) -> Result<DocumentDetail, Error> {
    let (dataset, view) = documents::view(services, caller, id, document).await?;
    let rules = Rules {
        of_dataset: documents::rule(services, dataset.id, None).await?,
        of_document: match view.document.dataset_process_rule_id {
            Some(rule) => documents::rule(services, dataset.id, Some(rule)).await?,
            None => None,
        },
    };
    Ok(DocumentDetail::new(view, part, &rules))
}

/// Delete a document.
#[utoipa::path(delete, path = "/datasets/{dataset_id}/documents/{document_id}", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
) -> ApiResult<StatusCode> {
    documents::delete_one(&services, &caller, id, document).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Several documents.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct DocumentIdsBody {
    pub document_ids: Vec<String>,
}

impl DocumentIdsBody {
    pub fn ids(&self) -> Result<Vec<DocumentId>, Error> {
        let wrong = || Error::invalid_field("document_ids", "document_ids must be ids.");
        self.document_ids.iter().map(|id| id.parse().map_err(|_| wrong())).collect()
    }

    /// Of 1 to 100 documents.
    pub fn some(&self) -> Result<Vec<DocumentId>, Error> {
        if (1..=100).contains(&self.document_ids.len()) {
            self.ids()
        } else {
            Err(Error::invalid_field("document_ids", "document_ids must have 1 to 100 items."))
        }
    }
}

/// Switch several documents.
#[utoipa::path(patch, path = "/datasets/{dataset_id}/documents/status/{action}", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("action" = String, Path, description = "`enable`, `disable`, `archive` or `un_archive`")),
    request_body = DocumentIdsBody,
    responses((status = 200, body = docs::ResultBody), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn switch(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, action)): Path<(DatasetId, String)>,
    Body(body): Body<DocumentIdsBody>,
) -> ApiResult<Json<docs::ResultBody>> {
    documents::switch(&services, &caller, id, &body.ids()?, Switch::parse(&action)?).await?;
    Ok(super::super::success())
}

/// A signed address.
#[derive(Serialize, ToSchema)]
pub struct DownloadBody {
    pub url: String,
}

/// The address of a document's file.
#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/download", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)),
    responses((status = 200, body = DownloadBody), (status = 404, body = ErrorBody)))]
async fn download(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
) -> ApiResult<Json<DownloadBody>> {
    let file = documents::file(&services, &caller, id, document).await?;
    Ok(Json(DownloadBody { url: attachment_url(&services, file.id) }))
}

/// A signed address that downloads.
pub(crate) fn attachment_url(services: &Services, id: ox_types::FileId) -> String {
    format!("{}&as_attachment=true", services.files.preview_url(id))
}

/// The files of several documents.
#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/download-zip", tag = "Documents", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), request_body = DocumentIdsBody,
    responses((status = 200, description = "An archive", body = String, content_type = "application/zip"), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn download_zip(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
    Body(body): Body<DocumentIdsBody>,
) -> ApiResult<Response> {
    Ok(zipped(&services, &caller, id, &body.some()?).await?)
}

/// The files of several documents as an archive.
pub(crate) async fn zipped(
    services: &Services,
    caller: &Principal,
    id: DatasetId,
    documents: &[DocumentId],
) -> Result<Response, Error> {
    let bytes = archive::of_documents(services, caller, id, documents).await?;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"documents.zip\""));
    Ok(response)
}
