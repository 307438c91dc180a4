//! Forms of waiting runs: read, answered, and what follows from an answer.
//!
//! A form is made in the commit that pauses its run (`runs::sink::pause`). Whoever answers it, and whoever finds that
//! its time is over, first changes the form's row and takes the run in one transaction, and then goes on with the run
//! (`runs::recovery`): a second answer finds nothing to change. What a crash leaves in between is found by the keeper.

mod keeper;
mod mail;
mod preview;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ox_db::{
    model::{FormRecipient, HumanInputForm},
    repo::{self, human_input::Answer},
    shared_now,
};
use ox_types::{AppId, File, Json, RunId, RunStatus, Value, boxed};
use serde_json::{Map, json};
use uuid::Uuid;

pub use self::preview::preview;
pub(crate) use self::{
    keeper::{after_pause, keep, stop_waiting},
    mail::deliver,
};
use crate::{
    AppCaller, Error, Principal, Result, Services,
    files::{FileReader, FileRules},
    runs::recovery,
};

/// By which door somebody comes to a form.
#[derive(Clone, Copy)]
pub enum Door<'a> {
    /// A member of the workspace.
    Console(&'a Principal),
    /// The app's key.
    Key(AppId),
    /// Whoever has the address.
    Public,
}

impl Door<'_> {
    fn check(self, form: &HumanInputForm, recipient: &FormRecipient) -> Result<()> {
        let (is_theirs, kinds): (bool, &[&str]) = match self {
            Self::Console(principal) => (form.tenant_id == principal.tenant_id(), &["console"]),
            Self::Key(app) => (form.app_id == app, &["webapp"]),
            Self::Public => (true, &["webapp", "email"]),
        };
        if !is_theirs {
            return Err(missing());
        }
        if !kinds.contains(&recipient.kind.as_str()) {
            return Err(Error::bad_request("Form recipient type is invalid"));
        }
        Ok(())
    }
}

fn missing() -> Error {
    Error::not_found("Form not found")
}

/// A waiting form.
///
/// # Errors
/// 404 for an unknown token, 412 when it does not wait any more.
pub async fn find(services: &Services, door: Door<'_>, token: &str) -> Result<HumanInputForm> {
    let (form, recipient) = repo::human_input::by_token(&services.db, token).await?.ok_or_else(missing)?;
    door.check(&form, &recipient)?;
    // An answer would let the run go on. An app that is tried out is no app with doors, and has forms.
    if services.runs.published.app(form.app_id).await?.is_none_or(|app| app.tenant_status == "archive") {
        return Err(missing());
    }
    waits(&form, shared_now(&services.db).await?)?;
    let run = repo::runs::find(&services.db, form.tenant_id, form.app_id, form.workflow_run_id).await?;
    match run {
        Some(run) if run.status.is_final() => {
            // It may have been answered between the two looks, and its run gone on to its end.
            let now = repo::human_input::form(&services.db, form.tenant_id, form.id).await?.ok_or_else(missing)?;
            waits(&now, shared_now(&services.db).await?)?;
            Err(run_over(&form, run.status))
        }
        Some(_) => Ok(form),
        None => Err(missing()),
    }
}

/// Forms run out by the clock that all processes share: so one whose own is wrong refuses no answer.
fn waits(form: &HumanInputForm, at: DateTime<Utc>) -> Result<()> {
    match form.status.as_str() {
        "submitted" => Err(Error::new(
            412,
            "human_input_form_submitted",
            format!("This form has already been submitted by another user, form_id={}", form.id),
        )),
        "waiting" if form.expires_at > at => Ok(()),
        _ => Err(expired(form, "")),
    }
}

fn expired(form: &HumanInputForm, why: &str) -> Error {
    Error::new(412, "human_input_form_expired", format!("This form has expired, form_id={}{why}", form.id))
}

fn run_over(form: &HumanInputForm, status: RunStatus) -> Error {
    expired(form, &format!(": the run it belongs to has ended ({status})"))
}

/// Answers a form; its run goes on.
///
/// # Errors
/// As [`find`], and 400 `invalid_form_data` for answers that do not fit the form.
pub async fn submit(
    services: &Arc<Services>,
    door: Door<'_>,
    token: &str,
    inputs: &Map<String, Json>,
    action: &str,
    caller: Option<&AppCaller>,
) -> Result<()> {
    let form = find(services, door, token).await?;
    let by = match (door, caller) {
        (Door::Console(principal), _) => Some(("account", principal.account_id()?.0)),
        (_, Some(caller)) => Some((caller.user.role(), caller.user.id())),
        _ => None,
    };
    let end_user = match (door, caller) {
        (Door::Console(_), _) => None,
        (Door::Key(_), Some(caller)) => Some(caller.user.id()),
        // The form's own page uploads in its name.
        _ => Some(form.id),
    };
    let data = checked(services, &form, inputs, action, end_user).await?;
    let answer = Answer { status: "submitted", action_id: Some(action.to_owned()), data: Some(Json::Object(data)), by };
    if !apply(services, &form, &answer).await? {
        let now = repo::human_input::form(&services.db, form.tenant_id, form.id).await?.ok_or_else(missing)?;
        waits(&now, shared_now(&services.db).await?)?;
        return Err(expired(&form, ""));
    }
    Ok(())
}

/// Ends the waiting of a form and goes on with its run, if that waits. False when the form waits no more.
async fn apply(services: &Arc<Services>, form: &HumanInputForm, answer: &Answer) -> Result<bool> {
    let tx = services.db.begin().await?;
    if !repo::human_input::answer(&tx, form.id, answer).await? {
        return Ok(false);
    }
    let taken = repo::human_input::take_paused(&tx, form.workflow_run_id, services.runs.process_id).await?;
    tx.commit().await?;
    metrics::counter!("oxidify_human_input_forms_total", "status" => answer.status).increment(1);
    if taken {
        recovery::go_on_surely(services, form.workflow_run_id, true).await;
    }
    // A run that is under way for the sake of another form finds this answer at its next pause.
    Ok(true)
}

/// What a node is told when it runs again.
#[must_use]
pub(crate) fn answer_of(form: &HumanInputForm) -> Json {
    match form.status.as_str() {
        "submitted" => json!({
            "status": "submitted", "form": form.definition, "inputs": form.submitted_data, "action_id": form.action_id,
        }),
        "timeout" => json!({"status": "timeout", "form": form.definition}),
        _ => json!({"status": "waiting", "form": form.definition}),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(400, "invalid_form_data", message)
}

fn list<'a>(form: &'a HumanInputForm, key: &str) -> impl Iterator<Item = &'a Json> {
    form.definition.get(key).and_then(Json::as_array).into_iter().flatten()
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json.get(key).and_then(Json::as_str).unwrap_or_default()
}

/// The answers as they are kept, files looked up.
async fn checked(
    services: &Services,
    form: &HumanInputForm,
    inputs: &Map<String, Json>,
    action: &str,
    end_user: Option<Uuid>,
) -> Result<Map<String, Json>> {
    if !list(form, "actions").any(|known| text(known, "id") == action) {
        return Err(invalid(format!("Invalid action: {action}")));
    }
    let given = |name: &str| inputs.get(name).filter(|value| !value.is_null());
    let names = list(form, "inputs").map(|input| text(input, "output_variable_name"));
    let absent: Vec<&str> = names.filter(|name| given(name).is_none()).collect();
    if !absent.is_empty() {
        return Err(invalid(format!("Missing required inputs: {}", absent.join(", "))));
    }
    let reader = FileReader { store: &services.files, tenant_id: form.tenant_id, end_user, strict: false };
    let mut kept = Map::new();
    for input in list(form, "inputs") {
        let name = text(input, "output_variable_name");
        let value = given(name).cloned().unwrap_or_default();
        let value = one(&reader, input, value).await.map_err(|error| match error.status {
            400 => invalid(format!("{name}: {}", error.message)),
            _ => error,
        })?;
        kept.insert(name.to_owned(), value);
    }
    Ok(kept)
}

async fn one(reader: &FileReader<'_>, input: &Json, value: Json) -> Result<Json> {
    let many = |files: Vec<File>| Json::Array(files.iter().map(File::to_json).collect());
    match text(input, "type") {
        "select" => {
            let options = input.pointer("/option_source/value").and_then(Json::as_array);
            let known = options.into_iter().flatten().any(|option| *option == value);
            if known { Ok(value) } else { Err(Error::invalid(format!("{value} is not one of the options"))) }
        }
        "file" => Ok(reader.one(&value, Some(&rules(input))).await?.to_json()),
        "file-list" => {
            let items = value.as_array().ok_or_else(|| Error::invalid("a list of files is expected"))?;
            Ok(many(reader.list(items, Some(&rules(input))).await?))
        }
        _ if value.is_string() => Ok(value),
        _ => Err(Error::invalid("text is expected")),
    }
}

fn rules(input: &Json) -> FileRules {
    let words = |key: &str| {
        let words = input.get(key).and_then(Json::as_array).into_iter().flatten();
        words.filter_map(Json::as_str).map(str::to_owned).collect()
    };
    FileRules {
        types: words("allowed_file_types"),
        extensions: words("allowed_file_extensions"),
        methods: words("allowed_file_upload_methods"),
        image_methods: None,
        most: input.get("number_limits").and_then(Json::as_u64).filter(|most| *most > 0),
    }
}

/// Keeps a file for a form's page.
///
/// # Errors
/// As [`find`], and whatever is wrong with the file.
#[boxed]
pub async fn upload(
    services: &Services,
    token: &str,
    name: &str,
    mime: &str,
    bytes: bytes::Bytes,
) -> Result<ox_db::model::UploadFile> {
    let form = find(services, Door::Public, token).await?;
    if !list(&form, "inputs").any(|input| text(input, "type").starts_with("file")) {
        return Err(Error::bad_request("This form asks for no files."));
    }
    let upload = crate::files::Upload {
        name: name.to_owned(),
        mime: mime.to_owned(),
        bytes,
        created_by_role: "end_user",
        created_by: form.id,
        source_url: String::new(),
    };
    services.files.upload(form.tenant_id, upload).await
}

/// The forms of a run with the ways to them, for its page in the console.
///
/// # Errors
/// 404 when the run is not one of the app.
#[boxed]
pub async fn of_run(
    services: &Services,
    principal: &Principal,
    app: AppId,
    run: RunId,
) -> Result<Vec<(HumanInputForm, Vec<FormRecipient>)>> {
    crate::apps::find(services, principal, app).await?;
    let found = repo::runs::find(&services.db, principal.tenant_id(), app, run).await?;
    found.ok_or_else(|| Error::not_found("Workflow run not found"))?;
    let forms = repo::human_input::of_run(&services.db, run).await?;
    let ids: Vec<Uuid> = forms.iter().map(|form| form.id).collect();
    let recipients = repo::human_input::recipients_of(&services.db, &ids).await?;
    Ok(forms
        .into_iter()
        .map(|form| {
            let of_form = recipients.iter().filter(|recipient| recipient.form_id == form.id).cloned().collect();
            (form, of_form)
        })
        .collect())
}

/// A variable of a draft's preview: from the text that names it to its value.
fn named(key: &str) -> Vec<String> {
    key.trim_matches('#').split('.').map(str::to_owned).collect()
}

/// A value as a person typed it.
fn typed(value: &Json) -> Value {
    Value::from_json(value)
}
