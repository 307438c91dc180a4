//! Uploaded files: rows in the database, bytes in the object store, addresses for both.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use ox_db::{
    Database,
    model::{Document, UploadFile},
    now, repo,
};
use ox_engine::RunInfo;
use ox_net::{Class, Method, NetError, Request};
use ox_nodes::{FilePort, PortError};
use ox_store::{Key, ObjectStore};
use ox_types::{AccountId, File, FileId, FileKind, TenantId, TransferMethod, boxed};
use uuid::Uuid;

use super::{
    mapping::detect,
    signing::{FileSigner, SignedKind},
};
use crate::{Error, Result, network::Outbound, settings::UploadLimits};

/// How long a look at a foreign file may take.
const PROBE_LIMIT: Duration = Duration::from_secs(10);
/// Longest name that is kept.
const MAX_NAME: usize = 200;
/// Longest extension: it becomes a part of the object's key.
const MAX_EXTENSION: usize = 32;
const MEGABYTE: u64 = 1024 * 1024;
/// Bytes that are worth a thread of their own.
const LONG: usize = 1024 * 1024;

/// Files of all workspaces.
#[derive(Clone)]
pub struct FileStore {
    db: Database,
    objects: Arc<dyn ObjectStore>,
    pub(super) outbound: Outbound,
    pub signer: FileSigner,
    /// Public address of `/files`; empty for relative addresses.
    base_url: Arc<str>,
    limits: UploadLimits,
}

impl std::fmt::Debug for FileStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileStore").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// Bytes that somebody uploads.
#[derive(Clone, Debug)]
pub struct Upload {
    pub name: String,
    pub mime: String,
    pub bytes: Bytes,
    pub created_by_role: &'static str,
    pub created_by: Uuid,
    pub source_url: String,
}

/// A file that the server itself has made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept<'a> {
    pub id: FileId,
    pub name: &'a str,
    pub extension: &'a str,
    pub mime: &'a str,
    pub by: AccountId,
    /// The document that it goes with, if any.
    pub owner: Option<Uuid>,
}

/// What a look at a foreign file told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    pub filename: String,
    pub mime: Option<String>,
    /// -1 when unknown.
    pub size: i64,
}

impl FileStore {
    /// A store over a database and an object store.
    #[must_use]
    pub fn new(
        db: Database,
        objects: Arc<dyn ObjectStore>,
        outbound: Outbound,
        signer: FileSigner,
        base_url: &str,
        limits: UploadLimits,
    ) -> Self {
        Self { db, objects, outbound, signer, base_url: base_url.into(), limits }
    }

    /// A file of a workspace.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn find(&self, tenant_id: TenantId, id: FileId) -> Result<Option<UploadFile>> {
        Ok(repo::upload_files::find(&self.db, tenant_id, id).await?)
    }

    /// A file whose address was signed for the caller.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn find_signed(&self, id: FileId) -> Result<Option<UploadFile>> {
        Ok(repo::upload_files::find_signed(&self.db, id).await?)
    }

    /// A signed address of an uploaded file.
    #[must_use]
    pub fn preview_url(&self, id: FileId) -> String {
        self.signer.upload_url(&self.base_url, SignedKind::FilePreview, &id.to_string())
    }

    /// The most bytes any file may have.
    #[must_use]
    pub fn largest(&self) -> u64 {
        let UploadLimits { file_mb, image_mb, video_mb, audio_mb, .. } = &self.limits;
        MEGABYTE * [file_mb, image_mb, video_mb, audio_mb].into_iter().max().copied().unwrap_or(15)
    }

    /// Keeps an uploaded file.
    ///
    /// # Errors
    /// 400 for a name or extension that is not taken, 413 for too many bytes.
    #[boxed]
    pub async fn upload(&self, tenant_id: TenantId, upload: Upload) -> Result<UploadFile> {
        let (name, extension) = self.check_name(&upload.name)?;
        self.check_size(&extension, upload.bytes.len() as u64)?;
        let id = FileId::new();
        let suffix = if extension.is_empty() { String::new() } else { format!(".{extension}") };
        let key = format!("upload_files/{tenant_id}/{id}{suffix}");
        let size = i64::try_from(upload.bytes.len()).unwrap_or(i64::MAX);
        let hash = hash_of(upload.bytes.clone()).await?;
        self.objects.put(&Key::new(&key).map_err(Error::internal)?, upload.bytes).await?;
        let file = UploadFile {
            id,
            tenant_id,
            storage_type: "local".to_owned(),
            key,
            name,
            size,
            extension,
            mime_type: Some(upload.mime),
            created_by_role: upload.created_by_role.to_owned(),
            created_by: upload.created_by,
            used: false,
            used_by: None,
            used_at: None,
            hash: Some(hash),
            source_url: upload.source_url,
            created_at: now(),
        };
        let tx = self.db.begin().await?;
        repo::upload_files::insert(&tx, file.clone()).await?;
        tx.commit().await?;
        Ok(file)
    }

    /// Keeps a text as a file of that name, whatever the name is.
    ///
    /// # Errors
    /// 413 for too long a text.
    #[boxed]
    pub async fn keep_text(&self, tenant_id: TenantId, by: AccountId, name: &str, text: &str) -> Result<UploadFile> {
        self.check_size("txt", text.len() as u64)?;
        let kept = Kept { id: FileId::new(), name, extension: "txt", mime: "text/plain", by, owner: None };
        self.keep(tenant_id, kept, Bytes::copy_from_slice(text.as_bytes())).await
    }

    /// Keeps a file that a document is made of, by the rules of uploads; it goes with the document.
    ///
    /// # Errors
    /// As [`FileStore::upload`].
    pub(crate) async fn keep_for(
        &self,
        document: &Document,
        tenant_id: TenantId,
        (name, mime): (&str, &str),
        bytes: Bytes,
    ) -> Result<File> {
        let (name, extension) = self.check_name(name)?;
        self.check_size(&extension, bytes.len() as u64)?;
        let extension = if extension.is_empty() { "bin" } else { &extension };
        let (id, by, owner) = (FileId::new(), document.created_by, Some(document.id.0));
        let kept = self.keep(tenant_id, Kept { id, name: &name, extension, mime, by, owner }, bytes).await?;
        Ok(self.made(tenant_id, kept, mime))
    }

    /// A file of our own making, as a value.
    fn made(&self, tenant_id: TenantId, kept: UploadFile, mime: &str) -> File {
        File {
            id: None,
            tenant_id: Some(tenant_id.to_string()),
            kind: detect(&kept.extension, Some(mime)),
            transfer_method: TransferMethod::ToolFile,
            remote_url: None,
            related_id: Some(kept.id.to_string()),
            filename: Some(kept.name),
            extension: Some(format!(".{}", kept.extension)),
            mime_type: Some(mime.to_owned()),
            size: kept.size,
            url: Some(self.preview_url(kept.id)),
        }
    }

    /// Keeps what the server itself has made a file of. A file of that id that is there already is left as it is.
    pub(crate) async fn keep(&self, tenant_id: TenantId, kept: Kept<'_>, bytes: Bytes) -> Result<UploadFile> {
        if let Some(file) = self.find(tenant_id, kept.id).await? {
            return Ok(file);
        }
        let key = format!("upload_files/{tenant_id}/{}.{}", kept.id, kept.extension);
        let hash = hash_of(bytes.clone()).await?;
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        self.objects.put(&Key::new(&key).map_err(Error::internal)?, bytes).await?;
        let file = UploadFile {
            id: kept.id,
            tenant_id,
            storage_type: "local".to_owned(),
            key,
            name: kept.name.replace('\0', "").chars().take(MAX_NAME).collect(),
            size,
            extension: kept.extension.to_owned(),
            mime_type: Some(kept.mime.to_owned()),
            created_by_role: "account".to_owned(),
            created_by: kept.by.0,
            used: true,
            used_by: Some(kept.owner.unwrap_or(kept.by.0)),
            used_at: Some(now()),
            hash: Some(hash),
            source_url: String::new(),
            created_at: now(),
        };
        let tx = self.db.begin().await?;
        repo::upload_files::insert(&tx, file.clone()).await?;
        tx.commit().await?;
        Ok(file)
    }

    /// Removes an uploaded file: its bytes, then its row.
    ///
    /// # Errors
    /// When they cannot be removed.
    #[boxed]
    pub async fn remove(&self, file: &UploadFile) -> Result<()> {
        match self.objects.delete(&Key::new(&file.key).map_err(Error::internal)?).await {
            Ok(()) | Err(ox_store::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let tx = self.db.begin().await?;
        repo::upload_files::delete(&tx, file.id).await?;
        Ok(tx.commit().await?)
    }

    fn check_name(&self, name: &str) -> Result<(String, String)> {
        if name.is_empty() {
            return Err(Error::new(400, "filename_not_exists_error", "The specified filename does not exist."));
        }
        let is_dots = name.chars().all(|c| c == '.');
        if is_dots || name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']) || name.contains('\0') {
            return Err(Error::invalid_field("file", "Filename contains invalid characters"));
        }
        let plain: String = name.chars().filter(|c| !is_hidden(*c)).collect();
        let name = plain.as_str();
        if name.trim_matches(['.', ' ']).is_empty() {
            return Err(Error::invalid_field("file", "Filename contains invalid characters"));
        }
        let extension = extension_of(name);
        if self
            .limits
            .blocked_extensions
            .iter()
            .any(|blocked| blocked.trim_start_matches('.').eq_ignore_ascii_case(&extension))
        {
            let text = format!("File extension '.{extension}' is not allowed for security reasons");
            return Err(Error::invalid_field("file", text));
        }
        if name.chars().count() <= MAX_NAME {
            return Ok((name.to_owned(), extension));
        }
        if extension.is_empty() {
            return Ok((name.chars().take(MAX_NAME).collect(), extension));
        }
        let stem: String = name.chars().take(MAX_NAME.saturating_sub(extension.chars().count() + 1)).collect();
        Ok((format!("{stem}.{extension}"), extension))
    }

    /// The limit goes by the extension.
    fn check_size(&self, extension: &str, size: u64) -> Result<()> {
        let megabytes = match FileKind::from_extension(extension) {
            Some(FileKind::Image) => self.limits.image_mb,
            Some(FileKind::Video) => self.limits.video_mb,
            Some(FileKind::Audio) => self.limits.audio_mb,
            _ => self.limits.file_mb,
        };
        if size > megabytes * MEGABYTE {
            let text = format!("File size exceeded. The limit for this type is {megabytes} MB.");
            return Err(Error::new(413, "file_too_large", text));
        }
        Ok(())
    }

    /// The bytes of an uploaded file.
    ///
    /// # Errors
    /// 404 when they are gone.
    #[boxed]
    pub async fn content(&self, file: &UploadFile) -> Result<Bytes> {
        let key = Key::new(&file.key).map_err(Error::internal)?;
        Ok(self.objects.get(&key).await?)
    }

    /// The bytes of a file value as base64.
    ///
    /// # Errors
    /// 400 when it cannot be read.
    #[boxed]
    pub async fn base64(&self, tenant_id: TenantId, file: &File) -> Result<String> {
        let bytes = self.bytes_of(tenant_id, file).await.map_err(|error| Error::invalid(error.0))?;
        Ok(STANDARD.encode(bytes))
    }

    async fn bytes_of(&self, tenant_id: TenantId, file: &File) -> Result<Bytes, PortError> {
        let name = file.filename.as_deref().unwrap_or("file");
        let gone = |why: &dyn std::fmt::Display| PortError(format!("{name} cannot be read: {why}"));
        if file.transfer_method == TransferMethod::RemoteUrl {
            let url = file.remote_url.as_deref().ok_or_else(|| gone(&"it has no address"))?;
            let egress = self.outbound.of(tenant_id).await.map_err(|error| gone(&error))?;
            let response = egress.send(Request::get(Class::Fetch, url)).await.map_err(|error| gone(&error))?;
            if !response.status.is_success() {
                return Err(gone(&format!("its server answers {}", response.status)));
            }
            return response.bytes().await.map_err(|error| gone(&error));
        }
        let id = file.related_id.as_deref().and_then(|id| id.parse().ok()).map(FileId);
        let id = id.ok_or_else(|| gone(&"it has no id"))?;
        let found = self.find(tenant_id, id).await.map_err(|error| gone(&error))?;
        let found = found.ok_or_else(|| gone(&"it does not exist"))?;
        self.content(&found).await.map_err(|error| gone(&error.message))
    }

    /// Looks at a foreign file of a workspace's user; what cannot be found out is left open.
    ///
    /// # Errors
    /// 400 when the address may not be called.
    #[boxed]
    pub async fn probe(&self, tenant_id: TenantId, url: &str) -> Result<Probe> {
        let mut probe = Probe { filename: name_in_url(url), mime: None, size: -1 };
        let request = Request::new(Class::Fetch, Method::HEAD, url);
        let egress = self.outbound.of(tenant_id).await?;
        let answer = tokio::time::timeout(PROBE_LIMIT, egress.send(request)).await;
        if let Ok(Err(NetError::Denied(refusal))) = &answer {
            return Err(Error::invalid(refusal.to_string()));
        }
        if let Ok(Ok(response)) = answer
            && response.status.is_success()
        {
            let header = |name: &str| response.headers.get(name).and_then(|value| value.to_str().ok());
            if let Some(name) = header("content-disposition").and_then(name_in_disposition) {
                probe.filename = name;
            }
            probe.mime = header("content-type").map(|mime| mime.split(';').next().unwrap_or(mime).trim().to_owned());
            probe.size = header("content-length").and_then(|size| size.parse().ok()).unwrap_or(-1);
        }
        probe.mime = mime_of(&probe.filename).map(str::to_owned).or(probe.mime);
        Ok(probe)
    }
}

/// The SHA-256 of a file's bytes. That of a long one is a matter of seconds, in which others are to be answered.
async fn hash_of(bytes: Bytes) -> Result<String> {
    let is_long = bytes.len() > LONG;
    let hash = move || hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes));
    if is_long { tokio::task::spawn_blocking(hash).await.map_err(Error::internal) } else { Ok(hash()) }
}

/// Nobody sees it, and it may make a name look like another one: `a<right to left>gpj.exe` reads as `aexe.jpg`.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What stands behind the last dot, in small letters; nothing where that is no extension. Dots and blanks at the end do
/// not count: some systems drop them, and `a.exe.` is `a.exe` there.
fn extension_of(name: &str) -> String {
    let name = name.trim_end_matches(|c: char| c == '.' || c.is_whitespace());
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
    let is_one = extension.chars().count() <= MAX_EXTENSION
        && extension.chars().all(|c| c.is_alphanumeric() || "-_+".contains(c));
    if is_one { extension } else { String::new() }
}

/// The MIME type that goes with a name.
#[must_use]
pub fn mime_of(name: &str) -> Option<&'static str> {
    let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
    Some(match extension.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "mpeg" => "video/mpeg",
        "webm" => "video/webm",
        "mp3" | "mpga" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "wav" => "audio/wav",
        "amr" => "audio/amr",
        "txt" | "properties" => "text/plain",
        "md" | "markdown" | "mdx" => "text/markdown",
        "html" | "htm" => "text/html",
        "csv" => "text/csv",
        "vtt" => "text/vtt",
        "xml" => "text/xml",
        "pdf" => "application/pdf",
        "json" => "application/json",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        _ => return None,
    })
}

/// The name a foreign file goes by: what its server says, else the end of its address.
pub(super) fn name_of(url: &str, disposition: Option<&str>) -> String {
    disposition.and_then(name_in_disposition).unwrap_or_else(|| name_in_url(url))
}

fn name_in_url(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let name = path.rsplit('/').next().unwrap_or_default();
    percent_decoded(name)
}

/// `filename*` before `filename`.
fn name_in_disposition(header: &str) -> Option<String> {
    let parts: Vec<(String, &str)> = header
        .split(';')
        .filter_map(|part| part.split_once('='))
        .map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim().trim_matches('"')))
        .collect();
    let find = |key: &str| parts.iter().find(|(found, _)| found == key).map(|(_, value)| *value);
    let name = match find("filename*") {
        Some(value) => percent_decoded(value.rsplit("''").next().unwrap_or(value)),
        None => find("filename")?.to_owned(),
    };
    Some(name).filter(|name| !name.is_empty())
}

fn percent_decoded(text: &str) -> String {
    let query = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(query.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[async_trait::async_trait]
impl FilePort for FileStore {
    async fn read(&self, run: &RunInfo, file: &File) -> Result<Bytes, PortError> {
        self.bytes_of(run.tenant_id, file).await
    }

    async fn save(&self, run: &RunInfo, filename: &str, mime: &str, bytes: Bytes) -> Result<File, PortError> {
        let name: String = filename.chars().map(|c| if "/\\:*?\"<>|".contains(c) { '_' } else { c }).collect();
        let upload = Upload {
            name,
            mime: mime.to_owned(),
            bytes,
            created_by_role: run.user_kind.as_str(),
            created_by: run.user_id.parse().unwrap_or_default(),
            source_url: String::new(),
        };
        let kept = self.upload(run.tenant_id, upload).await.map_err(|error| PortError(error.message))?;
        Ok(self.made(run.tenant_id, kept, mime))
    }

    async fn url(&self, _run: &RunInfo, file: &File) -> Result<String, PortError> {
        if let (TransferMethod::RemoteUrl, Some(url)) = (file.transfer_method, &file.remote_url) {
            return Ok(url.clone());
        }
        let id = file.related_id.as_deref().and_then(|id| id.parse().ok()).map(FileId);
        id.map(|id| self.preview_url(id)).ok_or_else(|| PortError("The file has no address.".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_of_uploads() {
        let (long, longer) =
            (format!("a.{}", "é".repeat(MAX_EXTENSION)), format!("a.{}", "e".repeat(MAX_EXTENSION + 1)));
        for (name, expected) in [
            ("a.PNG", "png"),
            ("a.tar.gz", "gz"),
            ("名.テキスト", "テキスト"),
            ("a.c++", "c++"),
            (long.as_str(), &long[2..]),
            // What Windows takes for a program is one.
            ("a.exe.", "exe"),
            ("a.exe . \u{a0}", "exe"),
            ("plain", ""),
            ("a.", ""),
            (".htaccess", "htaccess"),
            (longer.as_str(), ""),
            // It becomes longer by a mark that is no letter.
            ("a.İ", ""),
            ("a.%00", ""),
            ("a.t xt", ""),
            ("a.\u{2028}x", ""),
            ("a.png\tb", ""),
        ] {
            assert_eq!(extension_of(name), expected, "{name:?}");
            let key = format!("upload_files/t/id.{}", extension_of(name));
            assert!(Key::new(key.trim_end_matches('.')).is_ok(), "{key}");
        }
    }

    #[test]
    fn names_of_foreign_files() {
        for (url, expected) in [
            ("https://x.org/a/b%20c.png?q=1#f", "b c.png"),
            ("https://x.org/", ""),
            ("https://x.org/a+b.txt", "a+b.txt"),
        ] {
            assert_eq!(name_in_url(url), expected, "{url}");
        }
        for (header, expected) in [
            ("attachment; filename=\"a b.pdf\"", Some("a b.pdf")),
            ("attachment; filename=x.pdf; filename*=UTF-8''%C3%BC.pdf", Some("ü.pdf")),
            ("inline", None),
        ] {
            assert_eq!(name_in_disposition(header).as_deref(), expected, "{header}");
        }
    }
}
