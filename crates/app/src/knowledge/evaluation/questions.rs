//! The questions of an evaluation and what they should find.

use ox_db::{
    model::{Dataset, Expected, RetrievalQuestion},
    now,
    repo::{
        self,
        evaluations::{self, QuestionFilter},
    },
};
use ox_rag::text_hash;
use ox_types::{AccountId, DatasetId, DocumentId, SegmentId, boxed};
use uuid::Uuid;

use super::{ExpectedView, MAX_QUESTIONS, dataset_of, named};
use crate::{Error, Principal, Result, Services};

/// Characters of a question.
const MAX_LENGTH: usize = 2000;
/// Documents and chunks that one question may expect.
const MAX_EXPECTED: usize = 50;
/// Questions that are added at a time.
const MAX_ADDED: usize = 1000;
/// Values of `source`.
const SOURCES: [&str; 4] = ["manual", "test", "csv", "log"];

/// A question with the names of what it should find.
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionView {
    pub question: RetrievalQuestion,
    pub expected: Vec<ExpectedView>,
}

/// Which questions are listed.
#[derive(Clone, Debug, Default)]
pub struct QuestionQuery {
    pub keyword: Option<String>,
    /// This one, however it is written.
    pub question: Option<String>,
    pub page: u64,
    pub limit: u64,
}

/// A question to be added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewQuestion {
    pub question: String,
    pub expected: Vec<Expected>,
}

/// Something found that a question should find, or should not any more.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub question: String,
    pub document_id: DocumentId,
    /// This chunk of it; without one, any.
    pub segment_id: Option<SegmentId>,
    pub is_expected: bool,
}

/// The same for questions that differ in case and space only.
pub(super) fn hash_of(question: &str) -> String {
    let words: Vec<String> = question.split_whitespace().map(str::to_lowercase).collect();
    text_hash(&words.join(" "))
}

pub(super) fn checked(question: &str) -> Result<String> {
    let question = question.replace('\0', "");
    let question = question.trim();
    match question.chars().count() {
        0 => Err(Error::invalid_field("question", "A question is needed.")),
        1..=MAX_LENGTH => Ok(question.to_owned()),
        _ => Err(Error::invalid_field("question", format!("A question has at most {MAX_LENGTH} characters."))),
    }
}

/// What is expected, each once; refused where it is not in this knowledge base.
async fn checked_expected(services: &Services, dataset: &Dataset, given: &[Expected]) -> Result<Vec<Expected>> {
    let mut expected: Vec<Expected> = Vec::with_capacity(given.len());
    for one in given {
        if !expected.contains(one) {
            expected.push(*one);
        }
    }
    if expected.len() > MAX_EXPECTED {
        let text = format!("A question expects at most {MAX_EXPECTED} documents and chunks.");
        return Err(Error::invalid_field("expected", text));
    }
    let names = named(services, dataset, &expected).await?;
    if expected.iter().any(|one| names.get(one).is_none_or(|view| view.is_missing)) {
        return Err(Error::invalid_field("expected", "A document or chunk is not in this knowledge base."));
    }
    Ok(expected)
}

async fn views(services: &Services, dataset: &Dataset, found: Vec<RetrievalQuestion>) -> Result<Vec<QuestionView>> {
    let all: Vec<Expected> = found.iter().flat_map(|question| question.expected.iter().copied()).collect();
    let names = named(services, dataset, &all).await?;
    let view = |question: RetrievalQuestion| QuestionView {
        expected: question.expected.iter().filter_map(|one| names.get(one).cloned()).collect(),
        question,
    };
    Ok(found.into_iter().map(view).collect())
}

async fn view(services: &Services, dataset: &Dataset, question: RetrievalQuestion) -> Result<QuestionView> {
    let view = views(services, dataset, vec![question]).await?.pop();
    view.ok_or_else(missing)
}

fn missing() -> Error {
    Error::not_found("Question not found.")
}

/// A page (1-based) of the questions, newest first; how many there are, and for how many of all it is known what they
/// should find.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn list(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
    query: QuestionQuery,
) -> Result<(Vec<QuestionView>, u64, u64)> {
    let dataset = dataset_of(services, principal, id, false).await?;
    let filter = QuestionFilter {
        keyword: query.keyword,
        hashes: query.question.as_deref().map(|question| vec![hash_of(question)]),
        page: query.page,
        limit: query.limit,
    };
    let (found, total) = evaluations::questions(&services.db, dataset.tenant_id, id, &filter).await?;
    let (_, known) = evaluations::count(&services.db, id).await?;
    Ok((views(services, &dataset, found).await?, total, known))
}

pub(super) fn row(
    dataset: &Dataset,
    by: AccountId,
    source: &str,
    question: String,
    expected: Vec<Expected>,
) -> RetrievalQuestion {
    let at = now();
    RetrievalQuestion {
        id: ox_types::new_uuid(),
        tenant_id: dataset.tenant_id,
        dataset_id: dataset.id,
        question_hash: hash_of(&question),
        question,
        expected,
        source: source.to_owned(),
        created_by: by,
        updated_by: None,
        created_at: at,
        updated_at: at,
    }
}

/// Adds questions; for one that is there already, what it expects is added. Returns how many are new and how many
/// expect more than before.
///
/// # Errors
/// 400 for a question that is none, what is not in this knowledge base, or more than there may be.
#[boxed]
pub async fn add(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
    source: &str,
    new: Vec<NewQuestion>,
) -> Result<(u64, u64)> {
    let dataset = dataset_of(services, principal, id, true).await?;
    if !SOURCES.contains(&source) {
        return Err(Error::invalid_field("source", "source: Input should be 'manual', 'test', 'csv' or 'log'"));
    }
    if new.is_empty() || new.len() > MAX_ADDED {
        return Err(Error::invalid_field("questions", format!("1 to {MAX_ADDED} questions are added at a time.")));
    }
    let mut rows: Vec<RetrievalQuestion> = Vec::with_capacity(new.len());
    for one in new {
        let expected = checked_expected(services, &dataset, &one.expected).await?;
        let row = row(&dataset, principal.account_id()?, source, checked(&one.question)?, expected);
        match rows.iter_mut().find(|known| known.question_hash == row.question_hash) {
            Some(known) => join(&mut known.expected, &row.expected),
            None => rows.push(row),
        }
    }
    store(services, principal, &dataset, rows).await
}

/// Stores questions, each once.
pub(super) async fn store(
    services: &Services,
    principal: &Principal,
    dataset: &Dataset,
    rows: Vec<RetrievalQuestion>,
) -> Result<(u64, u64)> {
    let hashes: Vec<String> = rows.iter().map(|row| row.question_hash.clone()).collect();
    let tx = services.db.begin().await?;
    let filter = QuestionFilter { hashes: Some(hashes), page: 1, limit: MAX_QUESTIONS, ..QuestionFilter::default() };
    let (known, _) = evaluations::questions(&tx, dataset.tenant_id, dataset.id, &filter).await?;
    let (total, _) = evaluations::count(&tx, dataset.id).await?;
    let (mut new, mut changed) = (Vec::new(), 0);
    for row in rows {
        let Some(old) = known.iter().find(|old| old.question_hash == row.question_hash) else {
            new.push(row);
            continue;
        };
        let mut expected = old.expected.clone();
        join(&mut expected, &row.expected);
        if expected.len() > old.expected.len() {
            changed += 1;
            evaluations::update_question(&tx, edited(old, principal, expected)?).await?;
        }
    }
    let added = new.len() as u64;
    if total.saturating_add(added) > MAX_QUESTIONS {
        let text = format!("A knowledge base has at most {MAX_QUESTIONS} questions; there are {total}.");
        return Err(Error::invalid_field("questions", text));
    }
    evaluations::insert_questions(&tx, new).await.map_err(taken)?;
    tx.commit().await?;
    Ok((added, changed))
}

fn join(expected: &mut Vec<Expected>, more: &[Expected]) {
    for one in more {
        if !expected.contains(one) && expected.len() < MAX_EXPECTED {
            expected.push(*one);
        }
    }
}

fn edited(old: &RetrievalQuestion, principal: &Principal, expected: Vec<Expected>) -> Result<RetrievalQuestion> {
    let updated_by = Some(principal.account_id()?);
    Ok(RetrievalQuestion { expected, updated_by, updated_at: now(), ..old.clone() })
}

fn taken(error: ox_db::Error) -> Error {
    match error {
        ox_db::Error::Conflict(_) => Error::conflict("question_exists", "This question is there already."),
        other => other.into(),
    }
}

/// Changes a question or what it should find.
///
/// # Errors
/// 404 for an unknown one, 400 for what is not in this knowledge base, 409 when another one asks the same.
#[boxed]
pub async fn change(
    services: &Services,
    principal: &Principal,
    (id, question): (DatasetId, Uuid),
    text: Option<String>,
    expected: Option<Vec<Expected>>,
) -> Result<QuestionView> {
    let dataset = dataset_of(services, principal, id, true).await?;
    let old = evaluations::question(&services.db, id, question).await?.ok_or_else(missing)?;
    let expected = match expected {
        Some(given) => {
            // What has been lost meanwhile may stay until somebody takes it out.
            let new: Vec<Expected> = given.iter().filter(|one| !old.expected.contains(one)).copied().collect();
            checked_expected(services, &dataset, &new).await?;
            let mut all = Vec::new();
            join(&mut all, &given);
            all
        }
        None => old.expected.clone(),
    };
    let mut row = edited(&old, principal, expected)?;
    if let Some(text) = text {
        row.question = checked(&text)?;
        row.question_hash = hash_of(&row.question);
    }
    let tx = services.db.begin().await?;
    evaluations::update_question(&tx, row.clone()).await.map_err(taken)?;
    tx.commit().await?;
    view(services, &dataset, row).await
}

/// Removes questions; returns how many there were.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn remove(services: &Services, principal: &Principal, id: DatasetId, ids: &[Uuid]) -> Result<u64> {
    dataset_of(services, principal, id, true).await?;
    let tx = services.db.begin().await?;
    let gone = evaluations::delete_questions(&tx, id, ids).await?;
    tx.commit().await?;
    Ok(gone)
}

/// Marks something found as what a question should find, or takes the mark away. The question is added when it is
/// not there.
///
/// # Errors
/// 400 for what is not in this knowledge base.
#[boxed]
pub async fn mark(services: &Services, principal: &Principal, id: DatasetId, mark: Mark) -> Result<QuestionView> {
    let dataset = dataset_of(services, principal, id, true).await?;
    let question = checked(&mark.question)?;
    let one = Expected { document_id: mark.document_id, segment_id: mark.segment_id };
    if mark.is_expected {
        checked_expected(services, &dataset, &[one]).await?;
    }
    let filter =
        QuestionFilter { hashes: Some(vec![hash_of(&question)]), page: 1, limit: 1, ..QuestionFilter::default() };
    let found = evaluations::questions(&services.db, dataset.tenant_id, id, &filter).await?.0.pop();
    let row = match (found, mark.is_expected) {
        (Some(old), is_expected) => {
            let mut expected: Vec<Expected> = old.expected.iter().filter(|known| **known != one).copied().collect();
            if is_expected {
                join(&mut expected, &[one]);
            }
            let row = edited(&old, principal, expected)?;
            let tx = services.db.begin().await?;
            evaluations::update_question(&tx, row.clone()).await?;
            tx.commit().await?;
            row
        }
        (None, true) => {
            let row = row(&dataset, principal.account_id()?, "test", question, vec![one]);
            store(services, principal, &dataset, vec![row.clone()]).await?;
            row
        }
        (None, false) => return Err(missing()),
    };
    view(services, &dataset, row).await
}

/// Chunks by their place in a document.
pub(super) async fn chunks_at(
    services: &Services,
    dataset: &Dataset,
    places: &[(DocumentId, Vec<i32>)],
) -> Result<Vec<(DocumentId, i32, SegmentId)>> {
    let found = repo::retrieval::at_positions(&services.db, dataset.tenant_id, places).await?;
    Ok(found.into_iter().map(|row| (row.document_id, row.position, row.id)).collect())
}
