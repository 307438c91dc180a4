//! Files that a user names by their address: looked at, or fetched and kept. Who asks is known before anything is
//! looked up, and the calls keep to the rules of the workspace.

use ox_types::boxed;
use std::time::Duration;

use bytes::Bytes;
use ox_db::model::UploadFile;
use ox_net::{Class, Limits, Method, NetError, Request, Response};
use ox_types::TenantId;
use uuid::Uuid;

use super::{
    FileStore, Upload,
    store::{mime_of, name_of},
};
use crate::{Error, Result, Services};

/// How long a look may take, and how long fetching the whole file.
const LOOK: Duration = Duration::from_secs(10);
const FETCH: Duration = Duration::from_secs(60);
const UNKNOWN: &str = "application/octet-stream";

/// What a foreign file is said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    pub mime: String,
    /// -1 when unknown.
    pub size: i64,
}

/// Who keeps a fetched file.
#[derive(Clone, Copy, Debug)]
pub struct Keeper {
    pub tenant_id: TenantId,
    pub role: &'static str,
    pub id: Uuid,
}

/// Looks at a foreign file without fetching it.
///
/// # Errors
/// 400 when the address may not be called or does not answer.
#[boxed]
pub async fn look(services: &Services, tenant: TenantId, url: &str) -> Result<RemoteFile> {
    let limits = Limits { total: LOOK, ..Limits::default() };
    let mut answer = call(&services.files, tenant, Method::HEAD, url, limits).await?;
    if !answer.status.is_success() {
        // Not every server knows HEAD; the body is not read.
        answer = call(&services.files, tenant, Method::GET, url, limits).await?;
    }
    succeeded(url, &answer)?;
    let size = header(&answer, "content-length").and_then(|size| size.parse().ok()).unwrap_or(-1);
    Ok(RemoteFile { mime: header(&answer, "content-type").unwrap_or_else(|| UNKNOWN.to_owned()), size })
}

/// Fetches a foreign file and keeps it as an upload.
///
/// # Errors
/// 400 when it cannot be fetched or kept, 413 when it is too large.
#[boxed]
pub async fn keep(services: &Services, keeper: Keeper, url: &str) -> Result<UploadFile> {
    let files = &services.files;
    let limits = Limits { total: FETCH, body: files.largest(), ..Limits::default() };
    let answer = call(files, keeper.tenant_id, Method::GET, url, limits).await?;
    succeeded(url, &answer)?;
    let told = header(&answer, "content-type").map(|mime| essence(&mime)).filter(|mime| mime != UNKNOWN);
    let name = name_of(answer.url.as_str(), header(&answer, "content-disposition").as_deref());
    let bytes = answer.bytes().await.map_err(|error| refused(url, &error))?;
    let mime = mime_of(&name).map(str::to_owned).or(told).or_else(|| sniffed(&bytes).map(str::to_owned));
    let mime = mime.unwrap_or_else(|| UNKNOWN.to_owned());
    let upload = Upload {
        name: named(&name, &mime),
        mime,
        bytes,
        created_by_role: keeper.role,
        created_by: keeper.id,
        source_url: url.to_owned(),
    };
    files.upload(keeper.tenant_id, upload).await
}

async fn call(files: &FileStore, tenant: TenantId, method: Method, url: &str, limits: Limits) -> Result<Response> {
    let request = Request { limits, ..Request::new(Class::Fetch, method, url) };
    let egress = files.outbound.of(tenant).await?;
    egress.send(request).await.map_err(|error| refused(url, &error))
}

fn refused(url: &str, error: &NetError) -> Error {
    match error {
        NetError::TooLarge { limit, .. } => {
            let text = format!("File size exceeded. The limit is {} MB.", limit / 1024 / 1024);
            Error::new(413, "file_too_large", text)
        }
        error => failed(url, error),
    }
}

fn failed(url: &str, why: &dyn std::fmt::Display) -> Error {
    let url: String = url.chars().take(300).collect();
    Error::new(400, "remote_file_upload_error", format!("Failed to fetch file from {url}: {why}"))
}

fn succeeded(url: &str, answer: &Response) -> Result<()> {
    if answer.status.is_success() {
        return Ok(());
    }
    Err(failed(url, &format!("its server answers {}", answer.status)))
}

fn header(answer: &Response, name: &str) -> Option<String> {
    let text = answer.headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn essence(mime: &str) -> String {
    mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What bytes look like when nobody says what they are.
fn sniffed(bytes: &Bytes) -> Option<&'static str> {
    const MARKS: &[(&[u8], &str)] = &[
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF8", "image/gif"),
        (b"%PDF-", "application/pdf"),
    ];
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some("image/webp");
    }
    MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, mime)| *mime)
}

/// The name with an extension that goes with the type.
fn named(name: &str, mime: &str) -> String {
    const KNOWN: &[&str] = &[
        "png", "jpg", "webp", "gif", "svg", "mp4", "mov", "mpeg", "webm", "mp3", "m4a", "wav", "amr", "pdf", "html",
        "csv", "vtt", "xml", "json", "txt", "md", "xlsx", "docx",
    ];
    let clean: String =
        name.chars().map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c }).collect();
    let stem = if clean.trim_matches(['.', ' ']).is_empty() { "file" } else { clean.as_str() };
    if mime_of(stem).is_some() || stem.contains('.') {
        return stem.to_owned();
    }
    let fits = |extension: &&&str| mime_of(&format!("x.{extension}")) == Some(mime);
    KNOWN.iter().find(fits).map_or_else(|| stem.to_owned(), |extension| format!("{stem}.{extension}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types() {
        for (name, mime, expected) in [
            ("a.png", "image/png", "a.png"),
            ("a", "image/png", "a.png"),
            ("", "application/pdf", "file.pdf"),
            ("..", "text/plain", "file.txt"),
            ("a/b:c", "image/jpeg", "a_b_c.jpg"),
            ("x", "application/x-thing", "x"),
            ("x.bin", "image/png", "x.bin"),
        ] {
            assert_eq!(named(name, mime), expected);
        }
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], Some("image/png")),
            (b"RIFF\0\0\0\0WEBPx", Some("image/webp")),
            (b"%PDF-1.7", Some("application/pdf")),
            (b"<html>", None),
            (b"", None),
        ] {
            assert_eq!(sniffed(&Bytes::from_static(bytes)), expected);
        }
    }
}
