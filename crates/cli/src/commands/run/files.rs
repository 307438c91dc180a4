//! Files of a run without a store: those of this machine, those of the web, and those nodes make.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, bail};
use async_trait::async_trait;
use ox_engine::RunInfo;
use ox_net::{Class, Egress};
use ox_nodes::{FilePort, PortError};
use ox_types::{File, FileKind, Json, TransferMethod, new_uuid};

/// Files on disk and in the web.
pub struct LocalFiles {
    directory: PathBuf,
    egress: Egress,
    /// The only paths that are read: a file value that an app forges names no other.
    known: Mutex<HashSet<PathBuf>>,
}

impl LocalFiles {
    /// Files that nodes make go into the directory; it is made when the first one comes.
    pub fn new(directory: Option<PathBuf>, egress: Egress) -> Self {
        let directory = directory.unwrap_or_else(|| std::env::temp_dir().join(format!("oxidify-run-{}", new_uuid())));
        Self { directory, egress, known: Mutex::default() }
    }

    /// A file named in the inputs: `{"path": …}`, `{"url": …}` or either as a text.
    pub fn open(&self, given: &Json) -> anyhow::Result<File> {
        let named = |key: &str| given.get(key).and_then(Json::as_str).filter(|text| !text.is_empty());
        let text = given.as_str().or_else(|| named("path")).or_else(|| named("url")).or_else(|| named("remote_url"));
        let Some(place) = text else {
            bail!("a file is given as {{\"path\": \"photo.png\"}} or {{\"url\": \"https://…\"}}");
        };
        let declared = named("type").and_then(|kind| serde_json::from_value(Json::from(kind)).ok());
        if place.starts_with("http://") || place.starts_with("https://") {
            let name = place.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
            return Ok(File {
                remote_url: Some(place.to_owned()),
                ..file(name, TransferMethod::RemoteUrl, declared, -1)
            });
        }
        let path = Path::new(place).canonicalize().with_context(|| format!("cannot open {place}"))?;
        self.know(&path);
        let size = path.metadata().with_context(|| format!("cannot open {place}"))?.len();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(File {
            related_id: Some(path.to_string_lossy().into_owned()),
            url: Some(format!("file://{}", path.display())),
            ..file(&name, TransferMethod::LocalFile, declared, i64::try_from(size).unwrap_or(-1))
        })
    }
}

fn file(name: &str, transfer_method: TransferMethod, declared: Option<FileKind>, size: i64) -> File {
    let extension = name.rsplit_once('.').map(|(_, extension)| format!(".{extension}"));
    let kind = declared.or_else(|| FileKind::from_extension(extension.as_deref()?)).unwrap_or(FileKind::Custom);
    let mime = extension.as_deref().and_then(|extension| mime_guess::from_path(format!("x{extension}")).first());
    File {
        id: Some(new_uuid().to_string()),
        tenant_id: None,
        kind,
        transfer_method,
        remote_url: None,
        related_id: None,
        filename: Some(name.to_owned()),
        extension,
        mime_type: mime.map(|mime| mime.to_string()),
        size,
        url: None,
    }
}

#[async_trait]
impl FilePort for LocalFiles {
    async fn read(&self, _run: &RunInfo, file: &File) -> Result<bytes::Bytes, PortError> {
        if file.transfer_method == TransferMethod::RemoteUrl {
            let url = file.remote_url.as_deref().unwrap_or_default();
            let answer = self.egress.send(ox_net::Request::get(Class::Fetch, url)).await.map_err(failed)?;
            if !answer.status.is_success() {
                return Err(PortError(format!("{url} answers {}", answer.status)));
            }
            return answer.bytes().await.map_err(failed);
        }
        let path = file.related_id.as_deref().ok_or_else(|| PortError("the file is nowhere".into()))?;
        if !self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(Path::new(path)) {
            return Err(PortError(format!("{path} is not a file of this run")));
        }
        tokio::fs::read(path).await.map(Into::into).map_err(|error| PortError(format!("cannot read {path}: {error}")))
    }

    async fn save(&self, _run: &RunInfo, filename: &str, mime: &str, bytes: bytes::Bytes) -> Result<File, PortError> {
        let wrong = |error: std::io::Error| PortError(format!("cannot write {}: {error}", self.directory.display()));
        tokio::fs::create_dir_all(&self.directory).await.map_err(wrong)?;
        // Only the last part: a server names the file.
        let name =
            filename.rsplit(['/', '\\']).next().filter(|name| !matches!(*name, "" | "." | "..")).unwrap_or("file");
        let path = self.free_path(name).await;
        tokio::fs::write(&path, &bytes).await.map_err(wrong)?;
        self.know(&path);
        let made = file(name, TransferMethod::ToolFile, None, i64::try_from(bytes.len()).unwrap_or(-1));
        Ok(File {
            mime_type: Some(mime.to_owned()),
            related_id: Some(path.to_string_lossy().into_owned()),
            url: Some(format!("file://{}", path.display())),
            ..made
        })
    }

    async fn url(&self, _run: &RunInfo, file: &File) -> Result<String, PortError> {
        let remote = file.remote_url.clone();
        remote.ok_or_else(|| PortError("a file of this machine has no URL; use MULTIMODAL_SEND_FORMAT=base64".into()))
    }
}

impl LocalFiles {
    fn know(&self, path: &Path) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
    }

    /// A path that no other file has.
    async fn free_path(&self, name: &str) -> PathBuf {
        let plain = self.directory.join(name);
        if tokio::fs::try_exists(&plain).await.unwrap_or(false) {
            self.directory.join(format!("{}-{name}", new_uuid().simple()))
        } else {
            plain
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function value")]
fn failed(error: ox_net::NetError) -> PortError {
    PortError(error.to_string())
}

#[cfg(test)]
mod tests {
    use ox_types::{AppId, RunId, TaskId, TenantId, WorkflowId};
    use serde_json::json;

    use super::*;

    fn run() -> RunInfo {
        RunInfo {
            run_id: RunId::new(),
            task_id: TaskId::new(),
            tenant_id: TenantId::new(),
            app_id: AppId::new(),
            workflow_id: WorkflowId::new(),
            conversation_id: None,
            user_id: "u".into(),
            user_kind: ox_engine::UserKind::EndUser,
            invoke_from: "debugger".into(),
            call_depth: 0,
        }
    }

    #[tokio::test]
    async fn only_files_of_the_run_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let given = folder.path().join("given.txt");
        let other = folder.path().join("other.txt");
        for path in [&given, &other] {
            std::fs::write(path, "text").unwrap();
        }
        let files = LocalFiles::new(Some(folder.path().join("made")), Egress::new(ox_net::Policy::default()));
        let opened = files.open(&json!({"path": given})).unwrap();
        assert_eq!((opened.filename.as_deref(), opened.size), (Some("given.txt"), 4));
        assert_eq!(files.read(&run(), &opened).await.unwrap(), "text");
        let forged = File { related_id: Some(other.to_string_lossy().into_owned()), ..opened.clone() };
        assert!(files.read(&run(), &forged).await.unwrap_err().to_string().contains("is not a file of this run"));

        let made = files.save(&run(), "../../up.txt", "text/plain", "made".into()).await.unwrap();
        assert_eq!(made.filename.as_deref(), Some("up.txt"));
        assert_eq!(files.read(&run(), &made).await.unwrap(), "made");
        let again = files.save(&run(), "up.txt", "text/plain", "two".into()).await.unwrap();
        assert_ne!(again.related_id, made.related_id);
        assert!(files.open(&json!({"path": "/no/such/file"})).is_err());
        assert!(files.open(&json!({})).is_err());
        let remote = files.open(&json!("https://example.com/a/b.png?x=1")).unwrap();
        assert_eq!((remote.filename.as_deref(), remote.kind), (Some("b.png"), FileKind::Image));
    }
}
