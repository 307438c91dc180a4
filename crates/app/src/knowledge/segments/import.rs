//! Chunks from the rows of a CSV file.

use std::{sync::Arc, time::Duration};

use ox_types::{DatasetId, DocumentId, FileId, boxed};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Place, SegmentForm, editing::add, place_to_edit};
use crate::{Error, Principal, Result, Services};

/// Rows of an import, and of one of its steps.
const MAX_ROWS: usize = 100_000;
const STEP: usize = 100;
/// How long what became of an import is known.
const JOB_LIFE: Duration = Duration::from_secs(3600);

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportJob {
    pub job_id: Uuid,
    /// `waiting`, `processing`, `completed` or `error`.
    pub job_status: String,
}

/// Adds the rows of a CSV file, in the background.
///
/// # Errors
/// 404 for an unknown file, 400 for one that is no CSV.
#[boxed]
pub async fn import(
    services: &Arc<Services>,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    file: FileId,
) -> Result<ImportJob> {
    let place = place_to_edit(services, principal, dataset, document).await?;
    let found = services.files.find(place.dataset.tenant_id, file).await?;
    let file = found.ok_or_else(|| Error::not_found("UploadFile not found."))?;
    if file.extension != "csv" {
        return Err(Error::invalid("Invalid file type. Only CSV files are allowed"));
    }
    let bytes = services.files.content(&file).await?;
    let rows = rows_of(&bytes, place.document.doc_form == "qa_model")?;
    let job = ImportJob { job_id: ox_types::new_uuid(), job_status: "waiting".into() };
    note(services, &place, &job).await?;
    let (services, principal, mut told) = (Arc::clone(services), principal.clone(), job.clone());
    services.tracker.clone().spawn(async move {
        "processing".clone_into(&mut told.job_status);
        drop(note(&services, &place, &told).await);
        let done = add_rows(&services, &principal, &place, rows).await;
        if let Err(error) = &done {
            tracing::info!(%error, document = %place.document.id, "chunks cannot be imported");
        }
        if done.is_ok() { "completed" } else { "error" }.clone_into(&mut told.job_status);
        if let Err(error) = note(&services, &place, &told).await {
            tracing::warn!(%error, "what became of an import cannot be noted");
        }
    });
    Ok(job)
}

async fn add_rows(services: &Services, principal: &Principal, place: &Place, rows: Vec<SegmentForm>) -> Result<()> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        if services.shutdown.is_cancelled() {
            return Err(Error::new(503, "service_unavailable", "The server stops."));
        }
        add(services, principal, place, rows.by_ref().take(STEP).collect()).await?;
    }
    Ok(())
}

fn job_key(tenant: ox_types::TenantId, job: Uuid) -> String {
    format!("segment_batch_import:{tenant}:{job}")
}

async fn note(services: &Services, place: &Place, job: &ImportJob) -> Result<()> {
    let key = job_key(place.dataset.tenant_id, job.job_id);
    services.kv.set(&key, &job.job_status, Some(JOB_LIFE)).await.map_err(Error::from)
}

/// What became of an import.
///
/// # Errors
/// 400 for a job that is not known (any more).
#[boxed]
pub async fn import_state(services: &Services, principal: &Principal, job: Uuid) -> Result<ImportJob> {
    let found = services.kv.get(&job_key(principal.tenant_id(), job)).await?;
    let job_status = found.ok_or_else(|| Error::invalid("The job does not exist."))?;
    Ok(ImportJob { job_id: job, job_status: job_status.as_ref().to_owned() })
}

/// The first row is a heading.
fn rows_of(file: &[u8], has_answers: bool) -> Result<Vec<SegmentForm>> {
    let text = ox_extract::decode(file);
    let mut reader = csv::ReaderBuilder::new().has_headers(true).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| Error::invalid(format!("The CSV file cannot be read: {error}")))?;
        let content = record.get(0).unwrap_or_default();
        if content.trim().is_empty() {
            continue;
        }
        let answer = has_answers.then(|| record.get(1).unwrap_or_default().to_owned());
        if answer.as_ref().is_some_and(|answer| answer.trim().is_empty()) {
            return Err(Error::invalid(format!("Row {}: an answer is needed.", number + 2)));
        }
        rows.push(SegmentForm { content: Some(content.to_owned()), answer, ..SegmentForm::default() });
        if rows.len() > MAX_ROWS {
            return Err(Error::invalid(format!("The CSV file has more than {MAX_ROWS} rows.")));
        }
    }
    if rows.is_empty() { Err(Error::invalid("The CSV file is empty.")) } else { Ok(rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imported_rows_have_a_heading_before_them() {
        let rows = rows_of("question,answer\na,b\n\n,x\n\"c, d\",e\n".as_bytes(), true).unwrap();
        let got: Vec<(String, String)> =
            rows.into_iter().map(|row| (row.content.unwrap(), row.answer.unwrap())).collect();
        assert_eq!(got, [("a".into(), "b".into()), ("c, d".into(), "e".into())]);
        assert!(rows_of(b"content\n", false).is_err());
        assert!(rows_of(b"q,a\nx,\n", true).unwrap_err().message.contains("Row 2"));
    }
}
