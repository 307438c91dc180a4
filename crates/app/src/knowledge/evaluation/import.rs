//! Questions out of a CSV file: `question,document,chunk`, a row for each thing a question should find.

use std::collections::HashMap;

use ox_db::{
    model::{Dataset, Expected, RetrievalQuestion},
    repo,
};
use ox_types::{DatasetId, DocumentId, SegmentId, boxed};
use serde_json::json;

use super::{
    MAX_QUESTIONS, dataset_of,
    questions::{checked, chunks_at, hash_of, row, store},
};
use crate::{Error, Principal, Result, Services, audit};

/// Rows that are read.
const MAX_ROWS: usize = 20_000;
/// Rows that are told of.
const MAX_TOLD: usize = 50;

/// What became of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub added: u64,
    /// Questions that were there and expect more now.
    pub changed: u64,
    /// Rows that could not be taken, the first of them.
    pub problems: Vec<Problem>,
    /// All of them.
    pub skipped: usize,
}

/// A row that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1, the heading counted.
    pub line: usize,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    number: usize,
    question: String,
    /// A name or an id.
    document: String,
    chunk: String,
}

/// Adds the questions of a CSV file.
///
/// # Errors
/// 400 for a file that cannot be read or holds too much.
#[boxed]
pub async fn import(services: &Services, principal: &Principal, id: DatasetId, csv: &str) -> Result<Imported> {
    let dataset = dataset_of(services, principal, id, true).await?;
    let lines = lines_of(csv)?;
    let documents = documents_of(services, &dataset, &lines).await?;
    let chunks = chunks_of(services, &dataset, &lines, &documents).await?;
    let mut rows: Vec<RetrievalQuestion> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut done = Imported::default();
    for line in &lines {
        let expected = match expected_of(line, &documents, &chunks) {
            Ok(expected) => expected,
            Err(why) => {
                done.skipped += 1;
                if done.problems.len() < MAX_TOLD {
                    done.problems.push(Problem { line: line.number, why });
                }
                continue;
            }
        };
        let place = *places.entry(hash_of(&line.question)).or_insert(rows.len());
        if place == rows.len() {
            rows.push(row(&dataset, principal.account_id()?, "csv", checked(&line.question)?, Vec::new()));
        }
        if let Some(known) = rows.get_mut(place)
            && let Some(expected) = expected
            && !known.expected.contains(&expected)
        {
            known.expected.push(expected);
        }
    }
    if rows.len() as u64 > MAX_QUESTIONS {
        return Err(Error::invalid(format!("The file holds more than {MAX_QUESTIONS} questions.")));
    }
    (done.added, done.changed) = store(services, principal, &dataset, rows).await?;
    let told = json!({"added": done.added, "changed": done.changed, "skipped": done.skipped});
    audit::record(services, principal, "dataset.evaluation.import", "dataset", id.0, None, Some(told)).await;
    Ok(done)
}

/// The rows of a file. With a heading, its columns may be in any order.
fn lines_of(text: &str) -> Result<Vec<Line>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut columns = [0_usize, 1, 2];
    let mut lines = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| Error::invalid(format!("The CSV file cannot be read: {error}")))?;
        if number == 0 {
            let names: Vec<String> = record.iter().map(|name| name.trim().to_lowercase()).collect();
            let at = |name: &str| names.iter().position(|one| one == name);
            if let Some(question) = at("question") {
                columns = [question, at("document").unwrap_or(usize::MAX), at("chunk").unwrap_or(usize::MAX)];
                continue;
            }
        }
        let cell = |column: usize| record.get(column).unwrap_or_default().trim().to_owned();
        let [question, document, chunk] = columns.map(cell);
        if question.is_empty() && document.is_empty() {
            continue;
        }
        lines.push(Line { number: number + 1, question, document, chunk });
        if lines.len() > MAX_ROWS {
            return Err(Error::invalid(format!("The CSV file has more than {MAX_ROWS} rows.")));
        }
    }
    if lines.is_empty() { Err(Error::invalid("The CSV file is empty.")) } else { Ok(lines) }
}

/// What the documents of the rows are: by id, or by name where only one has it.
async fn documents_of(
    services: &Services,
    dataset: &Dataset,
    lines: &[Line],
) -> Result<HashMap<String, std::result::Result<DocumentId, String>>> {
    let mut names: Vec<String> =
        lines.iter().map(|line| line.document.clone()).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    let mut out = HashMap::new();
    let ids: Vec<DocumentId> = names.iter().filter_map(|name| name.parse().ok()).collect();
    for document in repo::retrieval::documents(&services.db, dataset.tenant_id, &ids).await? {
        if document.dataset_id == dataset.id {
            out.insert(document.id.to_string(), Ok(document.id));
        }
    }
    for (name, id) in repo::retrieval::documents_named(&services.db, dataset.id, &names).await? {
        let is_twice = out.contains_key(&name);
        let found = if is_twice { Err(format!("Several documents are named {name}; write the id.")) } else { Ok(id) };
        out.insert(name, found);
    }
    Ok(out)
}

type Documents = HashMap<String, std::result::Result<DocumentId, String>>;
type Chunks = HashMap<(DocumentId, i32), SegmentId>;

async fn chunks_of(services: &Services, dataset: &Dataset, lines: &[Line], documents: &Documents) -> Result<Chunks> {
    let mut wanted: HashMap<DocumentId, Vec<i32>> = HashMap::new();
    for line in lines {
        if let (Some(Ok(document)), Ok(position)) = (documents.get(&line.document), line.chunk.parse::<i32>()) {
            wanted.entry(*document).or_default().push(position);
        }
    }
    let places: Vec<(DocumentId, Vec<i32>)> = wanted.into_iter().collect();
    let found = chunks_at(services, dataset, &places).await?;
    Ok(found.into_iter().map(|(document, position, id)| ((document, position), id)).collect())
}

fn expected_of(line: &Line, documents: &Documents, chunks: &Chunks) -> std::result::Result<Option<Expected>, String> {
    checked(&line.question).map_err(|error| error.message)?;
    if line.document.is_empty() {
        return Ok(None);
    }
    let found = documents.get(&line.document).cloned();
    let document_id = found.unwrap_or_else(|| Err(format!("There is no document {}.", line.document)))?;
    if line.chunk.is_empty() {
        return Ok(Some(Expected { document_id, segment_id: None }));
    }
    let segment = line.chunk.parse::<i32>().ok().and_then(|position| chunks.get(&(document_id, position)));
    let segment = segment.ok_or_else(|| format!("{} has no chunk {}.", line.document, line.chunk))?;
    Ok(Some(Expected { document_id, segment_id: Some(*segment) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_may_have_names_and_any_order() {
        let line = |number: usize, question: &str, document: &str, chunk: &str| Line {
            number,
            question: question.into(),
            document: document.into(),
            chunk: chunk.into(),
        };
        for (text, wanted) in [
            ("question,document,chunk\nWhy?,a.txt,2\n", vec![line(2, "Why?", "a.txt", "2")]),
            ("\u{feff}Document,Question\na.txt,Why?\n\n", vec![line(2, "Why?", "a.txt", "")]),
            ("Why?,a.txt\nHow?\n", vec![line(1, "Why?", "a.txt", ""), line(2, "How?", "", "")]),
            ("\"Why, oh?\",\"b \"\"x\"\".md\",1", vec![line(1, "Why, oh?", "b \"x\".md", "1")]),
        ] {
            assert_eq!(lines_of(text).unwrap(), wanted, "{text}");
        }
        assert!(lines_of("").is_err());
        assert!(lines_of("question,document\n").is_err());
    }

    #[test]
    fn rows_that_cannot_be_taken_say_why() {
        let (document, segment) = (DocumentId::new(), SegmentId::new());
        let documents = HashMap::from([
            ("a".to_owned(), Ok(document)),
            ("b".to_owned(), Err("Several documents are named b; write the id.".to_owned())),
        ]);
        let chunks = HashMap::from([((document, 3), segment)]);
        let told = |question: &str, name: &str, chunk: &str| {
            let line = Line { number: 1, question: question.into(), document: name.into(), chunk: chunk.into() };
            expected_of(&line, &documents, &chunks)
        };
        assert_eq!(told("q", "", ""), Ok(None));
        assert_eq!(told("q", "a", ""), Ok(Some(Expected { document_id: document, segment_id: None })));
        assert_eq!(told("q", "a", "3"), Ok(Some(Expected { document_id: document, segment_id: Some(segment) })));
        for (question, name, chunk, why) in [
            ("", "a", "", "A question is needed."),
            ("q", "c", "", "There is no document c."),
            ("q", "b", "", "Several documents"),
            ("q", "a", "4", "a has no chunk 4."),
            ("q", "a", "x", "a has no chunk x."),
        ] {
            assert!(told(question, name, chunk).unwrap_err().contains(why), "{why}");
        }
    }
}
