//! Logs, ratings and annotations as files: read page by page while they are sent, so that memory does not grow with them.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use futures::{Stream, StreamExt as _, future::BoxFuture, stream::BoxStream};
use ox_db::{
    Page,
    model::{App, Message},
    repo::{
        self,
        messages::{FeedbackFilter, MessageFilter},
        runs::LogFilter,
    },
};
use ox_types::{AppId, Json, MessageId, boxed};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{
    Error, Principal, Result, Services, apps,
    logs::{Authors, console_time},
    principal::Permission,
};

/// Rows that are read at once.
pub(crate) const PAGE: u64 = 200;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// One JSON document.
    Json,
}

impl Format {
    /// Reads `csv`, `jsonl` or `json`.
    ///
    /// # Errors
    /// 400 for another word, or one that is not among those allowed.
    pub fn read(text: Option<&str>, allowed: &[&str]) -> Result<Self> {
        let text = text.filter(|text| !text.is_empty()).unwrap_or("csv");
        match text {
            _ if !allowed.contains(&text) => None,
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::Jsonl),
            "json" => Some(Self::Json),
            _ => None,
        }
        .ok_or_else(|| Error::invalid_field("format", format!("format must be {}.", allowed.join(" or "))))
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Json => "json",
        }
    }

    const fn mime(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/x-ndjson; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// A file that is made while it is read.
pub struct Export {
    pub filename: String,
    pub mime: &'static str,
    pub body: BoxStream<'static, Result<Bytes>>,
}

/// Names and values of one row, always in the same order.
pub(crate) type Row = Vec<(&'static str, Json)>;
/// A place in a list: the time and id of the last row read.
pub(crate) type Place = Option<(DateTime<Utc>, Uuid)>;
/// Reads the rows after a place, and says where they end; nothing more after `None`.
pub(crate) type Read = Box<dyn FnMut(Place) -> BoxFuture<'static, Result<(Vec<Row>, Place)>> + Send>;

/// What of a log is exported.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    pub keyword: Option<String>,
    /// `succeeded`, `failed`, `stopped`, `partial-succeeded`; of messages the first two.
    pub status: Option<String>,
    pub after: Option<DateTime<Utc>>,
    pub before: Option<DateTime<Utc>>,
    pub end_user_session: Option<String>,
    pub account: Option<Uuid>,
    /// Only messages with an annotation, or without one.
    pub annotated: Option<bool>,
}

/// The log of an app: runs of a workflow, messages with their ratings and annotations of the others. Newest first.
///
/// # Errors
/// 404 for an unknown app, 400 for a status that nothing has.
#[boxed]
pub async fn log(
    services: &Arc<Services>,
    principal: &Principal,
    id: AppId,
    query: LogQuery,
    format: Format,
) -> Result<Export> {
    principal.require(Permission::LogView)?;
    let app = apps::find(services, principal, id).await?;
    if app.mode == "workflow" {
        let filter = LogFilter {
            keyword: query.keyword,
            status: query.status,
            before: query.before,
            after: query.after,
            end_user_session: query.end_user_session,
            account: query.account,
        };
        return Ok(export(services, &app, "runs", RUN_COLUMNS, format, None, move |services, app, place| {
            Box::pin(runs_after(services, app, filter.clone(), place))
        }));
    }
    let failed = match query.status.as_deref() {
        None => None,
        Some("succeeded") => Some(false),
        Some("failed") => Some(true),
        Some(_) => return Err(Error::invalid_field("status", "status of messages must be succeeded or failed.")),
    };
    let filter = MessageFilter {
        keyword: query.keyword,
        after: query.after,
        before: query.before,
        annotated: query.annotated,
        end_user_session: query.end_user_session,
        failed,
    };
    Ok(export(services, &app, "messages", MESSAGE_COLUMNS, format, None, move |services, app, place| {
        Box::pin(messages_after(services, app, filter.clone(), place))
    }))
}

/// What of the ratings is exported. Days are those of the account's time zone.
#[derive(Clone, Debug, Default)]
pub struct FeedbackQuery {
    pub from_source: Option<String>,
    pub rating: Option<String>,
    pub has_comment: Option<bool>,
    /// `YYYY-MM-DD`.
    pub start_date: Option<String>,
    pub end_date: Option<String>,
}

/// The ratings of an app with what was rated, newest first.
///
/// # Errors
/// 404 for an unknown app, 400 for a filter that is none.
#[boxed]
pub async fn feedbacks(
    services: &Arc<Services>,
    principal: &Principal,
    id: AppId,
    query: FeedbackQuery,
    format: Format,
) -> Result<Export> {
    principal.require(Permission::LogView)?;
    let app = apps::find(services, principal, id).await?;
    let word = |name: &'static str, text: Option<String>, words: &[&str]| match text.filter(|text| !text.is_empty()) {
        Some(text) if !words.contains(&text.as_str()) => {
            Err(Error::invalid_field(name, format!("{name} must be {}.", words.join(" or "))))
        }
        text => Ok(text),
    };
    let zone = crate::accounts::profile(services, principal).await?.timezone;
    let day = |name: &'static str, text: Option<String>, days: u64| match text.filter(|text| !text.is_empty()) {
        Some(text) => {
            let wrong = || Error::invalid_field(name, format!("{name} must be YYYY-MM-DD, not '{text}'."));
            let date = chrono::NaiveDate::parse_from_str(&text, "%Y-%m-%d").map_err(|_| wrong())?;
            let date = date.checked_add_days(chrono::Days::new(days)).ok_or_else(wrong)?;
            console_time(&format!("{date} 00:00"), zone.as_deref()).map(Some).ok_or_else(wrong)
        }
        None => Ok(None),
    };
    let filter = FeedbackFilter {
        from_source: word("from_source", query.from_source, &["user", "admin"])?,
        rating: word("rating", query.rating, &["like", "dislike"])?,
        has_comment: query.has_comment,
        since: day("start_date", query.start_date, 0)?,
        // The day itself counts.
        until: day("end_date", query.end_date, 1)?,
    };
    let whole = Some(("feedback_data", "export_info"));
    Ok(export(services, &app, "feedback", FEEDBACK_COLUMNS, format, whole, move |services, app, place| {
        Box::pin(feedbacks_after(services, app, filter.clone(), place))
    }))
}

/// The annotations of an app, as its import takes them.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn annotations(services: &Arc<Services>, principal: &Principal, id: AppId, format: Format) -> Result<Export> {
    principal.require(Permission::AppEdit)?;
    let app = apps::find(services, principal, id).await?;
    Ok(export(services, &app, "annotations", ANNOTATION_COLUMNS, format, None, move |services, app, place| {
        Box::pin(annotations_after(services, app, place))
    }))
}

/// The rows of a list as a file. A JSON document has its rows under the first name and its count under the second.
fn export(
    services: &Arc<Services>,
    app: &App,
    what: &'static str,
    columns: &'static [&'static str],
    format: Format,
    whole: Option<(&'static str, &'static str)>,
    mut read: impl FnMut(Arc<Services>, Arc<App>, Place) -> BoxFuture<'static, Result<(Vec<Row>, Place)>> + Send + 'static,
) -> Export {
    let (services, shared) = (Arc::clone(services), Arc::new(app.clone()));
    let read: Read = Box::new(move |place| read(Arc::clone(&services), Arc::clone(&shared), place));
    file(&format!("{what}-{}", app.id), Writer { columns, format, whole, count: 0 }, read)
}

/// The rows of a list that is of no app.
pub(crate) fn table(what: &str, columns: &'static [&'static str], format: Format, read: Read) -> Export {
    file(what, Writer { columns, format, whole: None, count: 0 }, read)
}

fn file(name: &str, writer: Writer, read: Read) -> Export {
    let at = Utc::now().format("%Y%m%d-%H%M%S");
    let filename = format!("{name}-{at}.{}", writer.format.extension());
    Export { filename, mime: writer.format.mime(), body: body(read, writer).boxed() }
}

/// How rows become bytes.
struct Writer {
    columns: &'static [&'static str],
    format: Format,
    whole: Option<(&'static str, &'static str)>,
    count: u64,
}

/// Where a file is.
enum Step {
    Start,
    Rows(Place),
    Done,
}

fn body(read: Read, writer: Writer) -> impl Stream<Item = Result<Bytes>> + Send {
    let begin = (Step::Start, read, writer);
    futures::stream::try_unfold(begin, |(step, mut read, mut writer)| async move {
        let (bytes, next) = match step {
            Step::Start => (writer.head()?, Step::Rows(None)),
            Step::Rows(place) => {
                let (rows, next) = read(place).await?;
                match next {
                    Some(_) => (writer.rows(&rows)?, Step::Rows(next)),
                    None => {
                        let mut bytes = writer.rows(&rows)?;
                        bytes.extend_from_slice(writer.tail().as_bytes());
                        (bytes, Step::Done)
                    }
                }
            }
            Step::Done => return Ok(None),
        };
        Ok(Some((Bytes::from(bytes), (next, read, writer))))
    })
    .filter(|bytes| std::future::ready(!bytes.as_ref().is_ok_and(Bytes::is_empty)))
}

impl Writer {
    fn head(&self) -> Result<Vec<u8>> {
        match (self.format, self.whole) {
            (Format::Csv, _) => {
                // Spreadsheets take a file without this mark for another encoding.
                let mut head = "\u{feff}".as_bytes().to_vec();
                head.extend(line(self.columns.iter().map(|name| (*name).to_owned()))?);
                Ok(head)
            }
            (Format::Json, Some((rows, _))) => Ok(format!("{{\"{rows}\":[").into_bytes()),
            (Format::Json, None) => Ok(b"[".to_vec()),
            (Format::Jsonl, _) => Ok(Vec::new()),
        }
    }

    fn rows(&mut self, rows: &[Row]) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for row in rows {
            match self.format {
                Format::Csv => bytes.extend(line(row.iter().map(|(_, value)| cell(value)))?),
                Format::Jsonl | Format::Json => {
                    let map: Map<String, Json> =
                        row.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                    if self.format == Format::Json && self.count > 0 {
                        bytes.push(b',');
                    }
                    bytes.extend(Json::Object(map).to_string().into_bytes());
                    if self.format == Format::Jsonl {
                        bytes.push(b'\n');
                    }
                }
            }
            self.count += 1;
        }
        Ok(bytes)
    }

    fn tail(&self) -> String {
        match (self.format, self.whole) {
            (Format::Json, Some((_, info))) => {
                let about = json!({"export_date": iso(Utc::now()), "total_records": self.count});
                format!("],\"{info}\":{about}}}")
            }
            (Format::Json, None) => "]".to_owned(),
            _ => String::new(),
        }
    }
}

fn line(cells: impl Iterator<Item = String>) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells).map_err(Error::internal)?;
    writer.into_inner().map_err(|error| Error::internal(error.to_string()))
}

/// A value as a cell. A text that a spreadsheet would run as a formula gets an apostrophe in front.
fn cell(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(crate) fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A JSON column as JSON.
fn document(text: Option<&str>) -> Json {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The place of the last row, when there may be more.
fn place(read: usize, last: Option<(DateTime<Utc>, Uuid)>) -> Place {
    last.filter(|_| read as u64 == PAGE)
}

/// A row with the values of its columns.
pub(crate) fn row<const N: usize>(columns: &'static [&'static str], values: [Json; N]) -> Row {
    debug_assert_eq!(columns.len(), N);
    columns.iter().copied().zip(values).collect()
}

const RUN_COLUMNS: &[&str] = &[
    "workflow_run_id",
    "created_at",
    "finished_at",
    "status",
    "error",
    "version",
    "triggered_from",
    "created_from",
    "end_user",
    "account",
    "elapsed_time",
    "total_tokens",
    "total_price",
    "currency",
    "total_steps",
    "exceptions_count",
    "inputs",
    "outputs",
];

async fn runs_after(
    services: Arc<Services>,
    app: Arc<App>,
    filter: LogFilter,
    after: Place,
) -> Result<(Vec<Row>, Place)> {
    let page = Page { after, limit: PAGE };
    // The log is read by its own entries: a page whose runs are gone is still not the last one.
    let (entries, last) = repo::runs::log_after(&services.db, app.tenant_id, app.id, &filter, page).await?;
    // A list, not an iterator: the future must be one for every lifetime.
    let people: Vec<(&str, Uuid)> =
        entries.iter().map(|entry| (entry.log.created_by_role.as_str(), entry.log.created_by)).collect();
    let authors = Authors::load(&services, people.into_iter()).await?;
    let rows = entries.iter().map(|entry| {
        let (run, log) = (&entry.run, &entry.log);
        let user = authors.end_users.get(&ox_types::EndUserId(log.created_by)).map(|user| user.session_id.clone());
        let account = authors.accounts.get(&ox_types::AccountId(log.created_by)).map(|account| account.email.clone());
        row(
            RUN_COLUMNS,
            [
                json!(run.id),
                iso(run.created_at).into(),
                run.finished_at.map(iso).into(),
                run.status.as_str().into(),
                run.error.clone().into(),
                run.version.clone().into(),
                run.triggered_from.clone().into(),
                log.created_from.clone().into(),
                user.into(),
                account.into(),
                run.elapsed_time.into(),
                run.total_tokens.into(),
                run.total_price.clone().into(),
                run.currency.clone().into(),
                run.total_steps.into(),
                run.exceptions_count.into(),
                document(run.inputs.as_deref()),
                document(run.outputs.as_deref()),
            ],
        )
    });
    Ok((rows.collect(), last))
}

const MESSAGE_COLUMNS: &[&str] = &[
    "message_id",
    "conversation_id",
    "conversation_name",
    "created_at",
    "from_source",
    "end_user",
    "account",
    "query",
    "answer",
    "status",
    "error",
    "message_tokens",
    "answer_tokens",
    "total_price",
    "currency",
    "latency",
    "model_provider",
    "model",
    "user_rating",
    "user_comment",
    "admin_rating",
    "admin_comment",
    "annotation_question",
    "annotation_answer",
    "workflow_run_id",
    "inputs",
];

async fn messages_after(
    services: Arc<Services>,
    app: Arc<App>,
    filter: MessageFilter,
    after: Place,
) -> Result<(Vec<Row>, Place)> {
    let messages = repo::messages::of_app(&services.db, app.id, &filter, Page { after, limit: PAGE }).await?;
    let last = place(messages.len(), messages.last().map(|message| (message.created_at, message.id.0)));
    let about = About::load(&services, &app, &messages).await?;
    Ok((messages.iter().map(|message| message_row(message, &about)).collect(), last))
}

/// What is told beside messages.
struct About {
    names: HashMap<ox_types::ConversationId, String>,
    authors: Authors,
    ratings: HashMap<(MessageId, String), (String, Option<String>)>,
    annotations: HashMap<MessageId, ox_db::model::Annotation>,
}

impl About {
    async fn load(services: &Services, app: &App, messages: &[Message]) -> Result<Self> {
        let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
        let mut conversations: Vec<_> = messages.iter().map(|message| message.conversation_id).collect();
        conversations.sort_unstable();
        conversations.dedup();
        let mut people: Vec<(&str, Uuid)> = Vec::new();
        for message in messages {
            people.extend(message.from_end_user_id.map(|id| ("end_user", id.0)));
            people.extend(message.from_account_id.map(|id| ("account", id.0)));
        }
        let authors = Authors::load(services, people.into_iter()).await?;
        let ratings = repo::messages::feedbacks_of(&services.db, &ids, None).await?;
        let ratings = ratings.into_iter().map(|one| ((one.message_id, one.from_source), (one.rating, one.content)));
        Ok(Self {
            names: repo::conversations::names(&services.db, app.id, &conversations).await?,
            authors,
            ratings: ratings.collect(),
            annotations: repo::annotations::of_messages(&services.db, app.id, &ids).await?,
        })
    }
}

fn message_row(message: &Message, about: &About) -> Row {
    let rating = |side: &str| about.ratings.get(&(message.id, side.to_owned())).cloned().unzip();
    let ((liked, said), (judged, noted)) = (rating("user"), rating("admin"));
    let user = message.from_end_user_id.and_then(|id| about.authors.end_users.get(&id));
    let account = message.from_account_id.and_then(|id| about.authors.accounts.get(&id));
    let annotation = about.annotations.get(&message.id);
    row(
        MESSAGE_COLUMNS,
        [
            json!(message.id),
            json!(message.conversation_id),
            about.names.get(&message.conversation_id).cloned().into(),
            iso(message.created_at).into(),
            message.from_source.clone().into(),
            user.map(|user| user.session_id.clone()).into(),
            account.map(|account| account.email.clone()).into(),
            message.query.clone().into(),
            message.answer.clone().into(),
            message.status.clone().into(),
            message.error.clone().into(),
            message.message_tokens.into(),
            message.answer_tokens.into(),
            message.total_price.clone().into(),
            message.currency.clone().into(),
            message.provider_response_latency.into(),
            message.model_provider.clone().into(),
            message.model_id.clone().into(),
            liked.into(),
            said.flatten().into(),
            judged.into(),
            noted.flatten().into(),
            annotation.map(|one| one.question.clone()).into(),
            annotation.map(|one| one.content.clone()).into(),
            json!(message.workflow_run_id),
            document(Some(&message.inputs)),
        ],
    )
}

const FEEDBACK_COLUMNS: &[&str] = &[
    "feedback_id",
    "app_name",
    "app_id",
    "conversation_id",
    "conversation_name",
    "message_id",
    "user_query",
    "ai_response",
    "feedback_rating",
    "feedback_comment",
    "feedback_source",
    "feedback_date",
    "message_date",
    "from_account_name",
    "from_end_user_id",
    "has_comment",
];

async fn feedbacks_after(
    services: Arc<Services>,
    app: Arc<App>,
    filter: FeedbackFilter,
    after: Place,
) -> Result<(Vec<Row>, Place)> {
    let ratings = repo::messages::find_feedbacks(&services.db, app.id, &filter, after, PAGE).await?;
    let last = place(ratings.len(), ratings.last().map(|one| (one.created_at, one.id)));
    let ids: Vec<MessageId> = ratings.iter().map(|one| one.message_id).collect();
    let messages = repo::messages::find_all(&services.db, app.id, &ids).await?;
    let messages: HashMap<MessageId, &Message> = messages.iter().map(|message| (message.id, message)).collect();
    let mut conversations: Vec<_> = ratings.iter().map(|one| one.conversation_id).collect();
    conversations.sort_unstable();
    conversations.dedup();
    let names = repo::conversations::names(&services.db, app.id, &conversations).await?;
    let accounts: Vec<_> = ratings.iter().filter_map(|one| one.from_account_id).collect();
    let accounts = services.people(&accounts).await?;
    let rows = ratings.iter().map(|one| {
        let message = messages.get(&one.message_id);
        let name = one.from_account_id.and_then(|id| accounts.get(&id)).map(|account| account.name.clone());
        let comment = one.content.clone().filter(|text| !text.is_empty());
        row(
            FEEDBACK_COLUMNS,
            [
                json!(one.id),
                app.name.clone().into(),
                json!(app.id),
                json!(one.conversation_id),
                names.get(&one.conversation_id).cloned().into(),
                json!(one.message_id),
                message.map(|message| message.query.clone()).into(),
                message.map(|message| message.answer.clone()).into(),
                one.rating.clone().into(),
                comment.clone().into(),
                one.from_source.clone().into(),
                iso(one.created_at).into(),
                message.map(|message| iso(message.created_at)).into(),
                name.into(),
                json!(one.from_end_user_id),
                comment.is_some().into(),
            ],
        )
    });
    Ok((rows.collect(), last))
}

const ANNOTATION_COLUMNS: &[&str] = &["question", "answer"];

async fn annotations_after(services: Arc<Services>, app: Arc<App>, after: Place) -> Result<(Vec<Row>, Place)> {
    let found = repo::annotations::after(&services.db, app.id, Page { after, limit: PAGE }).await?;
    let last = place(found.len(), found.last().map(|one| (one.created_at, one.id)));
    let rows = found.into_iter().map(|one| row(ANNOTATION_COLUMNS, [one.question.into(), one.content.into()]));
    Ok((rows.collect(), last))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn whole(format: Format, whole: Option<(&'static str, &'static str)>, pages: usize) -> String {
        let columns: &[&str] = &["id", "text"];
        let read: Read = Box::new(move |place| {
            Box::pin(async move {
                let at = place.map_or(0, |(_, id): (DateTime<Utc>, Uuid)| usize::try_from(id.as_u128()).unwrap());
                let rows = vec![row(&["id", "text"], [json!(at), "=1,\"x\"".into()])];
                let next = (at + 1 < pages).then(|| (Utc::now(), Uuid::from_u128(at as u128 + 1)));
                Ok((rows, next))
            })
        });
        let writer = Writer { columns, format, whole, count: 0 };
        let pieces: Vec<Bytes> = body(read, writer).map(Result::unwrap).collect().await;
        assert!(pieces.len() >= pages, "page by page");
        String::from_utf8(pieces.into_iter().flatten().collect()).unwrap()
    }

    #[tokio::test]
    async fn every_format_is_whole() {
        let csv = whole(Format::Csv, None, 2).await;
        assert_eq!(csv, "\u{feff}id,text\r\n0,\"'=1,\"\"x\"\"\"\r\n1,\"'=1,\"\"x\"\"\"\r\n");
        let jsonl = whole(Format::Jsonl, None, 3).await;
        assert_eq!(jsonl.lines().count(), 3);
        let first: Json = serde_json::from_str(jsonl.lines().next().unwrap()).unwrap();
        assert_eq!(first, json!({"id": 0, "text": "=1,\"x\""}), "exact where nothing runs it");
        let document: Json = serde_json::from_str(&whole(Format::Json, Some(("rows", "about")), 2).await).unwrap();
        assert_eq!(document["rows"].as_array().unwrap().len(), 2);
        assert_eq!(document["about"]["total_records"], 2);
        assert_eq!(
            serde_json::from_str::<Json>(&whole(Format::Json, None, 1).await).unwrap().as_array().unwrap().len(),
            1
        );
    }

    #[test]
    fn formats_are_named() {
        assert_eq!(Format::read(None, &["csv", "json"]).unwrap(), Format::Csv);
        assert_eq!(Format::read(Some("jsonl"), &["csv", "jsonl"]).unwrap(), Format::Jsonl);
        assert_eq!(Format::read(Some("jsonl"), &["csv", "json"]).unwrap_err().field.as_deref(), Some("format"));
    }
}
