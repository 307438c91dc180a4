//! Annotations: questions with the answers their app should give, kept, searched, imported and exported.
//!
//! Nothing is answered from them yet: that needs the index of vectors.

use std::time::Duration;

pub use ox_db::model::AnnotationHit;
use ox_db::{model::Annotation, now, repo};
use ox_types::{AccountId, AppId, MessageId, boxed, new_uuid};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, Principal, Result, Services, apps, principal::Permission, runs::PublishedApp};

/// Characters of a question or an answer.
const MAX_TEXT: usize = 100_000;
/// Rows of one import.
pub const MAX_IMPORT: usize = 10_000;
/// Rows of one export.
const MAX_EXPORT: u64 = 100_000;

/// A question and its answer, as they are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnotationForm {
    pub question: Option<String>,
    pub answer: Option<String>,
    pub message_id: Option<MessageId>,
}

fn missing() -> Error {
    Error::not_found("Annotation not found")
}

fn checked(name: &str, text: Option<&str>) -> Result<String> {
    let text = text.unwrap_or_default().replace('\0', "");
    if text.trim().is_empty() {
        return Err(Error::invalid_field(name, format!("'{name}' is required")));
    }
    if text.chars().count() > MAX_TEXT {
        return Err(Error::invalid_field(name, format!("{name} must have {MAX_TEXT} characters at most")));
    }
    Ok(text)
}

/// The app, for somebody who may work on its annotations.
async fn app_of(services: &Services, principal: &Principal, id: AppId) -> Result<AppId> {
    principal.require(Permission::AppEdit)?;
    Ok(apps::find(services, principal, id).await?.id)
}

/// How many an app has.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn count(services: &Services, principal: &Principal, id: AppId) -> Result<u64> {
    principal.require(Permission::AppView)?;
    let app = apps::find(services, principal, id).await?;
    Ok(repo::annotations::count(&services.db, app.id).await?)
}

/// A page (1-based), newest first, and how many there are.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn list(
    services: &Services,
    principal: &Principal,
    id: AppId,
    keyword: Option<&str>,
    page: u64,
    limit: u64,
) -> Result<(Vec<Annotation>, u64)> {
    let app = app_of(services, principal, id).await?;
    Ok(repo::annotations::page(&services.db, app, keyword, page, limit).await?)
}

/// All of an app, newest first.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn export(services: &Services, principal: &Principal, id: AppId) -> Result<Vec<Annotation>> {
    let app = app_of(services, principal, id).await?;
    Ok(repo::annotations::page(&services.db, app, None, 1, MAX_EXPORT).await?.0)
}

/// Adds an annotation; one made from a message that has one already replaces it.
///
/// # Errors
/// 400 without an answer, or a question where there is no message; 404 for an unknown message.
#[boxed]
pub async fn create(services: &Services, principal: &Principal, id: AppId, form: AnnotationForm) -> Result<Annotation> {
    let app = app_of(services, principal, id).await?;
    let account = principal.account_id()?;
    let Some(message_id) = form.message_id else { return add(services, app, account, form).await };
    let message = repo::messages::find(&services.db, app, message_id).await?;
    let message = message.ok_or_else(|| Error::not_found("Message Not Exists."))?;
    let content = checked("answer", form.answer.as_deref())?;
    let question = match form.question.as_deref().filter(|text| !text.trim().is_empty()) {
        Some(question) => checked("question", Some(question))?,
        None => checked("question", Some(&message.query))?,
    };
    let known = repo::annotations::of_messages(&services.db, app, &[message_id]).await?.remove(&message_id);
    let item = match known.clone() {
        Some(known) => Annotation { question, content, account_id: account, updated_at: now(), ..known },
        None => Annotation {
            conversation_id: Some(message.conversation_id),
            message_id: Some(message_id),
            ..new(app, account, question, content)
        },
    };
    let tx = services.db.begin().await?;
    match known {
        Some(_) => repo::annotations::update(&tx, item.clone()).await?,
        None => repo::annotations::insert(&tx, vec![item.clone()]).await?,
    }
    tx.commit().await?;
    Ok(item)
}

fn new(app: AppId, account: AccountId, question: String, content: String) -> Annotation {
    let at = now();
    Annotation {
        id: new_uuid(),
        app_id: app,
        conversation_id: None,
        message_id: None,
        question,
        content,
        hit_count: 0,
        account_id: account,
        created_at: at,
        updated_at: at,
    }
}

async fn add(services: &Services, app: AppId, account: AccountId, form: AnnotationForm) -> Result<Annotation> {
    let question = checked("question", form.question.as_deref())?;
    let item = new(app, account, question, checked("answer", form.answer.as_deref())?);
    let tx = services.db.begin().await?;
    repo::annotations::insert(&tx, vec![item.clone()]).await?;
    tx.commit().await?;
    Ok(item)
}

async fn change(services: &Services, app: AppId, id: Uuid, form: AnnotationForm) -> Result<Annotation> {
    let found = repo::annotations::find(&services.db, app, id).await?.ok_or_else(missing)?;
    let item = Annotation {
        question: checked("question", form.question.as_deref())?,
        content: checked("answer", form.answer.as_deref())?,
        updated_at: now(),
        ..found
    };
    let tx = services.db.begin().await?;
    repo::annotations::update(&tx, item.clone()).await?;
    tx.commit().await?;
    Ok(item)
}

async fn remove(services: &Services, app: AppId, ids: Option<&[Uuid]>) -> Result<u64> {
    let tx = services.db.begin().await?;
    let gone = repo::annotations::delete(&tx, app, ids).await?;
    tx.commit().await?;
    Ok(gone)
}

/// Changes an annotation.
///
/// # Errors
/// 404 for an unknown one, 400 for an empty text.
#[boxed]
pub async fn update(
    services: &Services,
    principal: &Principal,
    id: AppId,
    annotation: Uuid,
    form: AnnotationForm,
) -> Result<Annotation> {
    let app = app_of(services, principal, id).await?;
    change(services, app, annotation, form).await
}

/// Deletes one annotation.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: AppId, annotation: Uuid) -> Result<()> {
    let app = app_of(services, principal, id).await?;
    if remove(services, app, Some(&[annotation])).await? == 0 { Err(missing()) } else { Ok(()) }
}

/// Deletes some annotations, or all of the app's.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn delete_many(
    services: &Services,
    principal: &Principal,
    id: AppId,
    annotations: Option<&[Uuid]>,
) -> Result<()> {
    let app = app_of(services, principal, id).await?;
    remove(services, app, annotations).await.map(|_| ())
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportJob {
    pub id: Uuid,
    /// `completed` or `error`.
    pub status: String,
    pub error: String,
    pub rows: usize,
}

/// How long what became of an import is known.
const JOB_LIFE: Duration = Duration::from_secs(3600);
/// Imports of a workspace in a minute, and in an hour.
const QUOTAS: [(i64, u64); 2] = [(5, 60), (20, 3600)];

/// Adds the rows of a CSV file, a question and an answer each; all of them or none.
///
/// # Errors
/// 400 for a file that is none, or has too many rows, none, or an empty text, naming the row; 429 for too many
/// imports.
#[boxed]
pub async fn import(services: &Services, principal: &Principal, id: AppId, file: &[u8]) -> Result<ImportJob> {
    let app = app_of(services, principal, id).await?;
    within_quota(services, principal).await?;
    let account = principal.account_id()?;
    let rows = rows_of(file)?;
    let mut items = Vec::with_capacity(rows.len());
    for (number, (question, answer)) in rows.into_iter().enumerate() {
        let at_row = |error: Error| Error { message: format!("Row {}: {}", number + 1, error.message), ..error };
        let question = checked("question", Some(&question)).map_err(at_row)?;
        let answer = checked("answer", Some(&answer)).map_err(at_row)?;
        items.push(new(app, account, question, answer));
    }
    let job = ImportJob { id: new_uuid(), status: "completed".into(), error: String::new(), rows: items.len() };
    let tx = services.db.begin().await?;
    repo::annotations::insert(&tx, items).await?;
    tx.commit().await?;
    let text = serde_json::to_string(&job).map_err(Error::internal)?;
    if let Err(error) = services.kv.set(&job_key(app, job.id), &text, Some(JOB_LIFE)).await {
        // It is done: an error would only have it done twice.
        tracing::warn!(%error, "the state of a finished import is not kept");
    }
    Ok(job)
}

fn job_key(app: AppId, job: Uuid) -> String {
    format!("annotation-import:{app}:{job}")
}

async fn within_quota(services: &Services, principal: &Principal) -> Result<()> {
    for (most, seconds) in QUOTAS {
        let key = format!("annotation-imports:{}:{seconds}", principal.tenant_id());
        let count = services.kv.increment(&key, 1, Duration::from_secs(seconds)).await?;
        if count > most {
            let text = format!("Too many annotation imports: {most} in {seconds} seconds. Please try again later.");
            return Err(Error::too_many(text, seconds));
        }
    }
    Ok(())
}

/// What became of an import.
///
/// # Errors
/// 400 for a job that is not known (any more).
#[boxed]
pub async fn import_state(services: &Services, principal: &Principal, id: AppId, job: Uuid) -> Result<ImportJob> {
    let app = app_of(services, principal, id).await?;
    let text = services.kv.get(&job_key(app, job)).await?;
    let text = text.ok_or_else(|| Error::invalid("The job does not exist."))?;
    serde_json::from_str(&text).map_err(Error::internal)
}

/// The questions and answers of a CSV file; a first row that says so is a heading.
fn rows_of(file: &[u8]) -> Result<Vec<(String, String)>> {
    let wrong = |text: String| Error::invalid_field("file", text);
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let text = std::str::from_utf8(file).map_err(|_| wrong("The CSV file must be UTF-8.".into()))?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| wrong(format!("The CSV file cannot be read: {error}")))?;
        if record.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        let (Some(question), Some(answer)) = (record.get(0), record.get(1)) else {
            return Err(wrong(format!("Row {}: a question and an answer are needed.", number + 1)));
        };
        let is_heading = number == 0
            && question.trim().eq_ignore_ascii_case("question")
            && answer.trim().eq_ignore_ascii_case("answer");
        if !is_heading {
            rows.push((question.to_owned(), answer.to_owned()));
        }
        if rows.len() > MAX_IMPORT {
            return Err(wrong(format!("The CSV file has more than {MAX_IMPORT} rows.")));
        }
    }
    if rows.is_empty() {
        Err(wrong("The CSV file has no rows with a question and an answer.".into()))
    } else {
        Ok(rows)
    }
}

/// The questions that an annotation answered: a page (1-based), newest first, and how many there are.
///
/// # Errors
/// 404 for an unknown annotation.
#[boxed]
pub async fn hits(
    services: &Services,
    principal: &Principal,
    id: AppId,
    annotation: Uuid,
    page: u64,
    limit: u64,
) -> Result<(Vec<AnnotationHit>, u64)> {
    let app = app_of(services, principal, id).await?;
    repo::annotations::find(&services.db, app, annotation).await?.ok_or_else(missing)?;
    Ok(repo::annotations::hits(&services.db, app, annotation, page, limit).await?)
}

/// What an app's key may do with annotations.
pub mod keyed {
    use super::{
        Annotation, AnnotationForm, Error, PublishedApp, Result, Services, Uuid, add, boxed, change, missing, remove,
        repo,
    };

    /// A page (1-based), newest first, and how many there are.
    ///
    /// # Errors
    /// When they cannot be read.
    #[boxed]
    pub async fn list(
        services: &Services,
        app: &PublishedApp,
        keyword: Option<&str>,
        page: u64,
        limit: u64,
    ) -> Result<(Vec<Annotation>, u64)> {
        Ok(repo::annotations::page(&services.db, app.app.id, keyword, page, limit).await?)
    }

    /// Adds one, in the name of the app's maker.
    ///
    /// # Errors
    /// 400 for an empty text.
    #[boxed]
    pub async fn create(services: &Services, app: &PublishedApp, form: AnnotationForm) -> Result<Annotation> {
        let account = app.app.created_by.ok_or_else(|| Error::not_found("App not found"))?;
        add(services, app.app.id, account, AnnotationForm { message_id: None, ..form }).await
    }

    /// Changes one.
    ///
    /// # Errors
    /// 404 for an unknown one, 400 for an empty text.
    #[boxed]
    pub async fn update(services: &Services, app: &PublishedApp, id: Uuid, form: AnnotationForm) -> Result<Annotation> {
        change(services, app.app.id, id, form).await
    }

    /// Deletes one.
    ///
    /// # Errors
    /// 404 for an unknown one.
    #[boxed]
    pub async fn delete(services: &Services, app: &PublishedApp, id: Uuid) -> Result<()> {
        if remove(services, app.app.id, Some(&[id])).await? == 0 { Err(missing()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_or_say_what_is_wrong() {
        let pair = |question: &str, answer: &str| (question.to_owned(), answer.to_owned());
        for (file, expected) in [
            ("question,answer\na,b\n", Ok(vec![pair("a", "b")])),
            ("\u{feff}a,\"b, \"\"c\"\"\nd\",more\n\n", Ok(vec![pair("a", "b, \"c\"\nd")])),
            ("a\n", Err("Row 1")),
            ("a,b\nc\n", Err("Row 2")),
            ("question,answer\n", Err("no rows")),
            ("", Err("no rows")),
        ] {
            match (rows_of(file.as_bytes()), expected) {
                (Ok(rows), Ok(expected)) => assert_eq!(rows, expected, "{file:?}"),
                (Err(error), Err(word)) => assert!(error.message.contains(word), "{file:?}: {error}"),
                (got, expected) => panic!("{file:?}: {got:?} instead of {expected:?}"),
            }
        }
        assert!(rows_of(b"\xff\xfe,b").unwrap_err().message.contains("UTF-8"));
        assert!(rows_of("a,b\n".repeat(MAX_IMPORT + 1).as_bytes()).unwrap_err().message.contains("more than"));
    }
}
