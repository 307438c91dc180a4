//! File mappings of callers (Service API reference §6.4): checked and made into values.

use ox_dsl::features::FileUpload;
use ox_types::{File, FileId, FileKind, Json, TenantId, TransferMethod, boxed};
use uuid::Uuid;

use super::FileStore;
use crate::{Error, Result};

/// What files an input or message may have.
#[derive(Clone, Debug, Default)]
pub struct FileRules {
    pub types: Vec<String>,
    pub extensions: Vec<String>,
    pub methods: Vec<String>,
    /// Transfer methods of images, where they are told apart.
    pub image_methods: Option<Vec<String>>,
    pub most: Option<u64>,
}

impl From<&FileUpload> for FileRules {
    fn from(feature: &FileUpload) -> Self {
        Self {
            types: feature.allowed_file_types.clone(),
            extensions: feature.allowed_file_extensions.clone(),
            methods: feature.allowed_file_upload_methods.clone(),
            image_methods: Some(feature.image_transfer_methods.clone()),
            most: Some(feature.number_limits),
        }
    }
}

/// For whom files are read, and how strictly.
#[derive(Clone, Debug)]
pub struct FileReader<'a> {
    pub store: &'a FileStore,
    pub tenant_id: TenantId,
    /// End users may only use what they uploaded themselves.
    pub end_user: Option<Uuid>,
    /// The declared type must be the detected one.
    pub strict: bool,
}

impl FileReader<'_> {
    /// A list of mappings; entries that name no file are skipped.
    ///
    /// # Errors
    /// 400 for the first entry that cannot be used, or when there are too many.
    #[boxed]
    pub async fn list(&self, items: &[Json], rules: Option<&FileRules>) -> Result<Vec<File>> {
        let mut files = Vec::with_capacity(items.len());
        for item in items.iter().filter(|item| names_a_file(item)) {
            files.push(self.one(item, rules).await?);
        }
        if let Some(most) = rules.and_then(|rules| rules.most)
            && files.len() as u64 > most
        {
            let images = files.iter().all(|file| file.kind == FileKind::Image);
            let word = if images { "image files" } else { "files" };
            return Err(Error::invalid_field("files", format!("Number of {word} exceeds the maximum limit {most}")));
        }
        Ok(files)
    }

    /// One mapping.
    ///
    /// # Errors
    /// 400 when it cannot be used.
    #[boxed]
    pub async fn one(&self, item: &Json, rules: Option<&FileRules>) -> Result<File> {
        let method = text(item, "transfer_method")
            .ok_or_else(|| Error::invalid("transfer_method is required in file mapping"))?;
        let file = match method {
            "local_file" => self.local(item).await?,
            "remote_url" => self.remote(item).await?,
            // These name files of our own making: they come back from an earlier answer.
            "tool_file" | "datasource_file" => self.made(item, method)?,
            other => return Err(Error::invalid(format!("No matching enum found for value '{other}'"))),
        };
        if let Some(rules) = rules
            && !passes(&file, rules)
        {
            let name = file.filename.as_deref().unwrap_or_default();
            return Err(Error::invalid(format!("File validation failed for file: {name}")));
        }
        Ok(file)
    }

    async fn local(&self, item: &Json) -> Result<File> {
        let id = text(item, "upload_file_id").ok_or_else(|| Error::invalid("Invalid upload file id"))?;
        let id: Uuid = id.parse().map_err(|_| Error::invalid("Invalid upload file id format"))?;
        let upload = self.store.find(self.tenant_id, FileId(id)).await?;
        let upload = upload
            .filter(|upload| self.end_user.is_none_or(|user| upload.created_by == user))
            .ok_or_else(|| Error::invalid("Invalid upload file"))?;
        let detected = detect(&upload.extension, upload.mime_type.as_deref());
        let declared = text(item, "type").unwrap_or("custom");
        Ok(File {
            id: None,
            tenant_id: Some(self.tenant_id.to_string()),
            kind: self.kind(declared, detected)?,
            transfer_method: TransferMethod::LocalFile,
            remote_url: Some(upload.source_url.clone()).filter(|url| !url.is_empty()),
            related_id: Some(id.to_string()),
            filename: Some(upload.name.clone()),
            extension: Some(format!(".{}", upload.extension)),
            mime_type: upload.mime_type.clone(),
            size: upload.size,
            url: Some(self.store.preview_url(upload.id)),
        })
    }

    async fn remote(&self, item: &Json) -> Result<File> {
        let url = text(item, "url").or_else(|| text(item, "remote_url"));
        let url = url.filter(|url| url.starts_with("http://") || url.starts_with("https://"));
        let url = url.ok_or_else(|| Error::invalid("Invalid file url"))?;
        let probe = self.store.probe(self.tenant_id, url).await?;
        let extension = probe.filename.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        let detected = detect(extension.as_deref().unwrap_or_default(), probe.mime.as_deref());
        let declared = text(item, "type").unwrap_or(detected.as_str());
        Ok(File {
            id: None,
            tenant_id: Some(self.tenant_id.to_string()),
            kind: self.kind(declared, detected)?,
            transfer_method: TransferMethod::RemoteUrl,
            remote_url: Some(url.to_owned()),
            related_id: None,
            filename: Some(probe.filename).filter(|name| !name.is_empty()),
            extension: extension.map(|extension| format!(".{extension}")),
            mime_type: probe.mime,
            size: probe.size,
            url: Some(url.to_owned()),
        })
    }

    fn made(&self, item: &Json, method: &str) -> Result<File> {
        let key = format!("{method}_id");
        Err(Error::invalid(match text(item, &key) {
            None => format!("Invalid {key}"),
            Some(id) => format!("{method} {id} not found"),
        }))
    }

    fn kind(&self, declared: &str, detected: FileKind) -> Result<FileKind> {
        if self.strict && declared != detected.as_str() {
            return Err(Error::invalid(
                "Detected file type does not match the specified type. Please verify the file.",
            ));
        }
        match declared {
            "custom" | "" => Ok(detected),
            other => parse_kind(other).ok_or_else(|| Error::invalid(format!("'{other}' is not a valid FileType"))),
        }
    }
}

/// Entries of a list without a method, or without an address, mean nothing.
fn names_a_file(item: &Json) -> bool {
    match text(item, "transfer_method") {
        None => false,
        Some("remote_url") => text(item, "url").or_else(|| text(item, "remote_url")).is_some(),
        Some(_) => true,
    }
}

fn passes(file: &File, rules: &FileRules) -> bool {
    if matches!(file.transfer_method, TransferMethod::ToolFile) {
        return true;
    }
    let kind = file.kind.as_str();
    if !rules.types.is_empty() && !rules.types.iter().any(|allowed| allowed == kind) && file.kind != FileKind::Custom {
        // A kind that is not named may still come in as one of the custom extensions.
        return rules.types.iter().any(|allowed| allowed == "custom") && extension_passes(file, rules, true);
    }
    if file.kind == FileKind::Custom && !extension_passes(file, rules, false) {
        return false;
    }
    let method = file.transfer_method.as_str();
    let methods = match (&rules.image_methods, file.kind) {
        (Some(methods), FileKind::Image) => methods,
        _ => &rules.methods,
    };
    methods.is_empty() || methods.iter().any(|allowed| allowed == method)
}

fn extension_passes(file: &File, rules: &FileRules, must_be_named: bool) -> bool {
    if rules.extensions.is_empty() {
        return !must_be_named;
    }
    let own = file.extension.as_deref().unwrap_or_default().trim_start_matches('.');
    rules.extensions.iter().any(|allowed| allowed.trim_start_matches('.').eq_ignore_ascii_case(own))
}

fn text<'a>(item: &'a Json, key: &str) -> Option<&'a str> {
    item.get(key).and_then(Json::as_str).filter(|text| !text.trim().is_empty())
}

/// The kind of a file: by extension, then by MIME type.
#[must_use]
pub fn detect(extension: &str, mime: Option<&str>) -> FileKind {
    if let Some(kind) = FileKind::from_extension(extension) {
        return kind;
    }
    let mime = mime.unwrap_or_default();
    if mime.contains("image") {
        FileKind::Image
    } else if mime.contains("video") {
        FileKind::Video
    } else if mime.contains("audio") {
        FileKind::Audio
    } else if mime.contains("text") || mime.contains("pdf") {
        FileKind::Document
    } else {
        FileKind::Custom
    }
}

fn parse_kind(text: &str) -> Option<FileKind> {
    [FileKind::Image, FileKind::Document, FileKind::Audio, FileKind::Video, FileKind::Custom]
        .into_iter()
        .find(|kind| kind.as_str() == text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(kind: FileKind, extension: &str, transfer_method: TransferMethod) -> File {
        File {
            id: None,
            tenant_id: None,
            kind,
            transfer_method,
            remote_url: None,
            related_id: None,
            filename: Some(format!("a{extension}")),
            extension: Some(extension.to_owned()),
            mime_type: None,
            size: 1,
            url: None,
        }
    }

    #[test]
    fn detection() {
        for (extension, mime, expected) in [
            ("PNG", None, FileKind::Image),
            ("pdf", Some("image/png"), FileKind::Document),
            ("", Some("audio/x-thing"), FileKind::Audio),
            ("bin", Some("text/plain"), FileKind::Document),
            ("exe", Some("application/octet-stream"), FileKind::Custom),
        ] {
            assert_eq!(detect(extension, mime), expected, "{extension} {mime:?}");
        }
    }

    #[test]
    fn rules() {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let documents =
            FileRules { types: list(&["document"]), methods: list(&["local_file"]), ..FileRules::default() };
        let custom = FileRules { types: list(&["custom"]), extensions: list(&[".xyz"]), ..FileRules::default() };
        for (rules, file, expected) in [
            (&documents, file(FileKind::Document, ".pdf", TransferMethod::LocalFile), true),
            (&documents, file(FileKind::Document, ".pdf", TransferMethod::RemoteUrl), false),
            (&documents, file(FileKind::Image, ".png", TransferMethod::LocalFile), false),
            (&documents, file(FileKind::Image, ".png", TransferMethod::ToolFile), true),
            (&custom, file(FileKind::Custom, ".XYZ", TransferMethod::LocalFile), true),
            (&custom, file(FileKind::Custom, ".abc", TransferMethod::LocalFile), false),
        ] {
            assert_eq!(passes(&file, rules), expected, "{rules:?} {file:?}");
        }
    }

    #[test]
    fn entries_that_name_nothing() {
        for (item, expected) in [
            (json!({}), false),
            (json!({"transfer_method": "remote_url"}), false),
            (json!({"transfer_method": "remote_url", "url": ""}), false),
            (json!({"transfer_method": "remote_url", "remote_url": "http://x"}), true),
            (json!({"transfer_method": "local_file"}), true),
        ] {
            assert_eq!(names_a_file(&item), expected, "{item}");
        }
    }
}
