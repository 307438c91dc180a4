//! Files of end users: upload and preview.

use axum::{
    extract::{DefaultBodyLimit, Multipart, State, multipart::MultipartError},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use ox_app::{AppCaller, Error, Services, files, model::UploadFile};
use ox_types::FileId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{App, KeyApp, docs, once};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Path, Query},
};

/// A stored file.
#[derive(Serialize, ToSchema)]
pub struct FileBody {
    pub id: Uuid,
    pub name: String,
    pub size: i64,
    pub extension: String,
    pub mime_type: Option<String>,
    pub created_by: Uuid,
    pub created_at: i64,
    pub preview_url: Option<String>,
    /// A signed address of the content, valid for a few minutes.
    pub source_url: Option<String>,
    pub original_url: Option<String>,
    pub user_id: Option<Uuid>,
    pub tenant_id: Option<Uuid>,
    pub conversation_id: Option<Uuid>,
    pub file_key: Option<String>,
    /// Compat: always null.
    pub reference: Option<String>,
}

impl FileBody {
    pub(crate) fn new(services: &Services, file: UploadFile) -> Self {
        Self {
            source_url: Some(services.files.preview_url(file.id)),
            id: file.id.0,
            name: file.name,
            size: file.size,
            extension: file.extension,
            mime_type: file.mime_type,
            created_by: file.created_by,
            created_at: file.created_at.timestamp(),
            preview_url: None,
            original_url: None,
            user_id: None,
            tenant_id: Some(file.tenant_id.0),
            conversation_id: None,
            file_key: None,
            reference: None,
        }
    }
}

/// What a multipart body held.
pub(crate) struct Form {
    pub name: String,
    pub mime: String,
    pub bytes: Bytes,
    pub user: Option<String>,
    pub source: Option<String>,
}

/// Room for the largest file and what is around it.
pub(crate) fn body_limit(services: &Services) -> DefaultBodyLimit {
    DefaultBodyLimit::max(usize::try_from(services.files.largest()).unwrap_or(usize::MAX).saturating_add(1024 * 1024))
}

/// Reads a form with exactly one file.
pub(crate) async fn form(mut parts: Multipart) -> Result<Form, Error> {
    let mut found = None;
    let (mut user, mut source) = (None, None);
    while let Some(part) = parts.next_field().await.map_err(|error| multipart_error(&error))? {
        match part.name().unwrap_or_default() {
            "file" => {
                if found.is_some() {
                    return Err(Error::new(400, "too_many_files", "Only one file is allowed."));
                }
                let (name, mime) = (part.file_name().map(str::to_owned), part.content_type().map(str::to_owned));
                found = Some((name, mime, part.bytes().await.map_err(|error| multipart_error(&error))?));
            }
            "user" => user = Some(part.text().await.map_err(|error| multipart_error(&error))?),
            "source" => source = Some(part.text().await.map_err(|error| multipart_error(&error))?),
            // Read to its end, and forgotten.
            _ => drop(part.bytes().await.map_err(|error| multipart_error(&error))?),
        }
    }
    let missing = || Error::new(400, "no_file_uploaded", "Please upload your file.");
    let (name, mime, bytes) = found.ok_or_else(missing)?;
    let no_name = || Error::new(400, "filename_not_exists_error", "The specified filename does not exist.");
    let name = name.filter(|name| !name.is_empty()).ok_or_else(no_name)?;
    let mime = mime.or_else(|| files::mime_of(&name).map(str::to_owned)).ok_or_else(missing)?;
    Ok(Form { name, mime, bytes, user: user.filter(|user| !user.is_empty()), source })
}

/// Why a form was not read to its end.
pub(crate) fn multipart_error(error: &MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::new(413, "file_too_large", "File size exceeded.");
    }
    Error::bad_request(format!("The form cannot be read: {}", error.body_text()))
}

/// The body must be a form; anything else has no file in it.
pub(crate) fn parts(
    found: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Multipart, Error> {
    found.map_err(|_| Error::new(400, "no_file_uploaded", "Please upload your file."))
}

/// Upload a file, to name it in a later request.
#[utoipa::path(post, path = "/files/upload", tag = "Files", security(("app_key" = [])),
    request_body(content = docs::UploadBody, content_type = "multipart/form-data"),
    responses((status = 201, body = FileBody), (status = 413, body = ErrorBody)))]
pub async fn upload(
    State(services): App,
    KeyApp(app): KeyApp,
    headers: HeaderMap,
    found: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> ApiResult<Response> {
    let form = form(parts(found)?).await?;
    let caller = AppCaller::service(&services, app, form.user.as_deref()).await?;
    // The same file in another envelope is the same request.
    let said = once::Said::new("files/upload").text(&form.name).text(&form.mime).bytes(&form.bytes);
    let keep = async {
        let file = files::upload(&services, &caller, &form.name, &form.mime, form.bytes).await?;
        Ok(FileBody::new(&services, file))
    };
    once::answer(&services, &caller, &headers, StatusCode::CREATED, said, keep).await
}

/// How a file is sent.
#[derive(Deserialize, IntoParams)]
pub struct PreviewQuery {
    /// As a download with its name.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    pub as_attachment: Option<String>,
    /// Compat: taken, not needed: a file is shown where its message is.
    #[serde(default)]
    #[expect(dead_code, reason = "callers may send it, the document says so")]
    pub user: Option<String>,
}

impl PreviewQuery {
    pub(crate) fn attachment(&self) -> bool {
        self.as_attachment
            .as_deref()
            .is_some_and(|flag| matches!(flag.to_ascii_lowercase().as_str(), "true" | "1" | "yes"))
    }
}

/// The content of a file that was used in a message of this app.
#[utoipa::path(get, path = "/files/{file_id}/preview", tag = "Files", security(("app_key" = [])),
    params(("file_id" = Uuid, Path), PreviewQuery),
    responses((status = 200, description = "The bytes", body = String, content_type = "application/octet-stream"), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn preview(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(id): Path<Uuid>,
    Query(query): Query<PreviewQuery>,
) -> ApiResult<Response> {
    let file = files::of_message(&services, &app, FileId(id)).await?;
    let bytes = services.files.content(&file).await?;
    Ok(content(&file, bytes, query.attachment()))
}

/// A file's bytes with headers that keep a browser from running them.
pub(crate) fn content(file: &UploadFile, bytes: Bytes, as_attachment: bool) -> Response {
    let mime = file.mime_type.as_deref().unwrap_or("application/octet-stream");
    let is_active = is_active(mime, &file.extension);
    let length = bytes.len();
    let mut response = Response::new(axum::body::Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let shown = if as_attachment || is_active { "application/octet-stream" } else { mime };
    let shown = HeaderValue::from_str(shown).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, shown);
    if mime.starts_with("audio/") || mime.starts_with("video/") {
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    if as_attachment || is_active {
        let name: String = file.name.bytes().map(encoded).collect();
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{name}")) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
    }
    response
}

/// Whether a browser could run something of it under our origin: such a file is only ever downloaded.
fn is_active(mime: &str, extension: &str) -> bool {
    let mime = mime.to_ascii_lowercase();
    // Of a multipart body a browser shows one part after another, each of the type that it says itself.
    ["html", "svg", "xml", "script"].iter().any(|word| mime.contains(word))
        || ["multipart/", "message/"].iter().any(|start| mime.starts_with(start))
        || matches!(
            extension,
            "html" | "htm" | "shtml" | "xhtml" | "xht" | "mht" | "mhtml" | "svg" | "svgz" | "xml" | "xsl"
        )
}

fn encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~') {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_could_run_is_active() {
        for (mime, extension, expected) in [
            ("image/svg+xml", "svg", true),
            ("IMAGE/SVG+XML", "png", true),
            ("Text/HTML; charset=utf-8", "png", true),
            ("application/xhtml+xml", "", true),
            ("image/png, text/html", "png", true),
            ("text/javascript", "js", true),
            ("application/ecmascript", "", true),
            ("multipart/x-mixed-replace; boundary=x", "png", true),
            ("message/rfc822", "eml", true),
            ("image/png", "svg", true),
            ("text/plain", "mhtml", true),
            ("image/png", "png", false),
            ("image/gif", "gif", false),
            ("application/pdf", "pdf", false),
            ("text/plain", "txt", false),
            ("video/mp4", "mp4", false),
        ] {
            assert_eq!(is_active(mime, extension), expected, "{mime} .{extension}");
        }
    }
}
