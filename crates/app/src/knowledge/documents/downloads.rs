//! The files of documents, to take home.

use std::collections::HashMap;

use ox_db::{model::UploadFile, repo};
use ox_types::{DatasetId, DocumentId, boxed};

use super::{super::datasets, find, not_there};
use crate::{Error, Principal, Result, Services};

/// The file of a document.
///
/// # Errors
/// 404 when it has none (any more).
#[boxed]
pub async fn file(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<UploadFile> {
    let (dataset, document) = find(services, principal, dataset, id).await?;
    let gone = || Error::not_found("Uploaded file not found.");
    let file = document.file_id.ok_or_else(gone)?;
    services.files.find(dataset.tenant_id, file).await?.ok_or_else(gone)
}

/// The files of several documents with names that differ.
///
/// # Errors
/// 404 for an unknown document or one without a file.
#[boxed]
pub async fn files_to_download(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    ids: &[DocumentId],
) -> Result<Vec<(String, UploadFile)>> {
    let dataset = datasets::find(services, principal, dataset).await?;
    let found = repo::documents::find_all(&services.db, dataset.tenant_id, dataset.id, ids).await?;
    if found.len() < ids.iter().collect::<std::collections::HashSet<_>>().len() {
        return Err(not_there());
    }
    let mut names: HashMap<String, u32> = HashMap::new();
    let mut out = Vec::with_capacity(found.len());
    for document in found {
        let gone = || Error::not_found(format!("Uploaded file of document {} not found.", document.name));
        let id = document.file_id.ok_or_else(gone)?;
        let file = services.files.find(dataset.tenant_id, id).await?.ok_or_else(gone)?;
        let name = distinct(&mut names, &document.name, &file.extension);
        out.push((name, file));
    }
    Ok(out)
}

/// `name.ext`, `name (1).ext`, …
fn distinct(names: &mut HashMap<String, u32>, name: &str, extension: &str) -> String {
    let name = name.replace(['/', '\\', '\0'], "_");
    let (stem, suffix) = match name.rsplit_once('.') {
        Some((stem, suffix)) if !stem.is_empty() => (stem.to_owned(), format!(".{suffix}")),
        _ if extension.is_empty() => (name.clone(), String::new()),
        _ => (name.clone(), format!(".{extension}")),
    };
    let mut wanted = format!("{stem}{suffix}");
    let mut number = names.get(&wanted).copied().unwrap_or(0);
    if number > 0 || names.contains_key(&wanted) {
        let first = wanted.clone();
        while names.contains_key(&wanted) {
            number += 1;
            wanted = format!("{stem} ({number}){suffix}");
        }
        names.insert(first, number);
    }
    names.insert(wanted.clone(), 0);
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_an_archive_differ() {
        let mut names = HashMap::new();
        let got: Vec<String> = [("a.txt", "txt"), ("a.txt", "txt"), ("b", "txt"), ("a.txt", "txt"), ("../x", "")]
            .into_iter()
            .map(|(name, extension)| distinct(&mut names, name, extension))
            .collect();
        assert_eq!(got, ["a.txt", "a (1).txt", "b.txt", "a (2).txt", ".._x"]);
    }
}
