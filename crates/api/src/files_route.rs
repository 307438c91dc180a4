//! `/files`: content behind signed addresses; the signature is the permission.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawQuery, State},
    response::Response,
    routing::get,
};
use ox_app::{
    Error, Services,
    files::{self, Signature, SignedKind},
};

use crate::{
    ApiResult,
    extract::Path,
    service::{content, from_query},
};

/// The routes of signed addresses.
pub fn router(services: &Arc<Services>) -> Router {
    Router::new()
        .route("/files/{file_id}/file-preview", get(file_preview))
        .route("/files/{file_id}/image-preview", get(image_preview))
        .route("/files/tools/{name}", get(tool_file))
        .with_state(Arc::clone(services))
}

async fn file_preview(
    State(services): State<Arc<Services>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> ApiResult<Response> {
    let (signature, as_attachment) = signature(query.as_deref())?;
    let file = files::signed(&services, SignedKind::FilePreview, &id, &signature).await?;
    let bytes = services.files.content(&file).await?;
    Ok(content(&file, bytes, as_attachment))
}

async fn image_preview(
    State(services): State<Arc<Services>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> ApiResult<Response> {
    let (signature, _) = signature(query.as_deref())?;
    let file = files::signed(&services, SignedKind::ImagePreview, &id, &signature).await?;
    if !file.mime_type.as_deref().is_some_and(|mime| mime.starts_with("image/")) {
        return Err(Error::new(415, "unsupported_file_type", "File type not allowed.").into());
    }
    let bytes = services.files.content(&file).await?;
    Ok(content(&file, bytes, false))
}

/// Files that tools made are kept like uploads; their addresses refuse in other words.
async fn tool_file(
    State(services): State<Arc<Services>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> ApiResult<Response> {
    let refused = || Error::forbidden("Invalid request.");
    let (signature, as_attachment) = signature(query.as_deref())?;
    let id = name.split('.').next().unwrap_or_default();
    let file = files::signed(&services, SignedKind::FilePreview, id, &signature).await.map_err(|_| refused())?;
    let bytes = services.files.content(&file).await?;
    Ok(content(&file, bytes, as_attachment))
}

fn signature(query: Option<&str>) -> Result<(Signature, bool), Error> {
    let mut fields = from_query("SignedQuery", query);
    let signature =
        Signature { timestamp: fields.text("timestamp"), nonce: fields.text("nonce"), sign: fields.text("sign") };
    let as_attachment = fields.flag("as_attachment", false);
    fields.finish()?;
    Ok((signature, as_attachment))
}
