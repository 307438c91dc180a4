//! Answers from annotations: a question that is like one of theirs gets their answer, and no model is asked.

mod matching;

use std::{sync::Arc, time::Duration};

pub(crate) use matching::{Matched, Matcher, reply};
use ox_db::{model::AnnotationSetting, now, repo};
use ox_models::ModelRef;
use ox_types::{AccountId, AppId, Json, TenantId, boxed, new_uuid};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{Error, Principal, Result, Services, apps, principal::Permission, runs::PublishedApp};

/// How long what became of a job is known.
const JOB_LIFE: Duration = Duration::from_secs(3600);

/// Switching on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Enable,
    Disable,
}

impl Action {
    /// The action of a path.
    ///
    /// # Errors
    /// 400 for any other word.
    pub fn of(word: &str) -> Result<Self> {
        match word {
            "enable" => Ok(Self::Enable),
            "disable" => Ok(Self::Disable),
            _ => Err(Error::invalid_field("action", "action must be enable or disable")),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Enable => "enable",
            Self::Disable => "disable",
        }
    }
}

/// What switching on needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplyForm {
    pub score_threshold: f64,
    pub embedding_provider_name: String,
    pub embedding_model_name: String,
}

/// Work that goes on after the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: Uuid,
    /// `waiting`, `processing`, `completed` or `error`.
    pub status: String,
    pub error: String,
}

/// Whose setting it is, and who changes it.
#[derive(Clone, Copy)]
struct Whose {
    tenant: TenantId,
    app: AppId,
    account: AccountId,
}

async fn whose(services: &Services, principal: &Principal, id: AppId) -> Result<Whose> {
    principal.require(Permission::AppEdit)?;
    let app = apps::find(services, principal, id).await?.id;
    Ok(Whose { tenant: principal.tenant_id(), app, account: principal.account_id()? })
}

fn whose_keyed(app: &PublishedApp) -> Result<Whose> {
    let account = app.app.created_by.ok_or_else(|| Error::not_found("App not found"))?;
    Ok(Whose { tenant: app.app.tenant_id, app: app.app.id, account })
}

/// The setting of an app; none where it is off.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn setting(services: &Services, principal: &Principal, id: AppId) -> Result<Option<AnnotationSetting>> {
    let whose = whose(services, principal, id).await?;
    Ok(repo::annotation_settings::find(&services.db, whose.app).await?)
}

/// The setting as the features of an app tell it.
#[must_use]
pub(crate) fn as_feature(setting: &AnnotationSetting) -> Json {
    json!({
        "id": setting.id,
        "enabled": true,
        "score_threshold": setting.score_threshold,
        "embedding_model": {
            "embedding_provider_name": setting.embedding_provider,
            "embedding_model_name": setting.embedding_model,
        },
    })
}

/// Changes how alike a question must be.
///
/// # Errors
/// 404 where it is off, 400 for a threshold that is none.
#[boxed]
pub async fn set_threshold(
    services: &Services,
    principal: &Principal,
    id: AppId,
    setting: Uuid,
    threshold: f64,
) -> Result<AnnotationSetting> {
    let whose = whose(services, principal, id).await?;
    let found = repo::annotation_settings::find(&services.db, whose.app).await?;
    let found = found.filter(|found| found.id == setting);
    let found = found.ok_or_else(|| Error::not_found("App annotation not found"))?;
    let item = AnnotationSetting {
        score_threshold: checked_threshold(threshold)?,
        updated_by: whose.account,
        updated_at: now(),
        ..found
    };
    let tx = services.db.begin().await?;
    repo::annotation_settings::put(&tx, item.clone()).await?;
    tx.commit().await?;
    Ok(item)
}

fn checked_threshold(threshold: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&threshold) {
        // Compat: none is the whole.
        return Ok(if threshold == 0.0 { 1.0 } else { threshold });
    }
    Err(Error::invalid_field("score_threshold", "score_threshold must be between 0 and 1"))
}

/// Switches an app's answers from annotations on or off, in the background.
///
/// # Errors
/// 404 for an unknown app, 400 for a form that says too little.
#[boxed]
pub async fn switch(
    services: &Arc<Services>,
    principal: &Principal,
    id: AppId,
    action: Action,
    form: ReplyForm,
) -> Result<Job> {
    let whose = whose(services, principal, id).await?;
    begin(services, whose, action, form).await
}

/// The same, with the app's key.
///
/// # Errors
/// As [`switch`].
#[boxed]
pub async fn switch_keyed(
    services: &Arc<Services>,
    app: &PublishedApp,
    action: Action,
    form: ReplyForm,
) -> Result<Job> {
    begin(services, whose_keyed(app)?, action, form).await
}

/// What became of a job.
///
/// # Errors
/// 400 for one that is not known (any more).
#[boxed]
pub async fn job(services: &Services, principal: &Principal, id: AppId, action: Action, job: Uuid) -> Result<Job> {
    let whose = whose(services, principal, id).await?;
    known(services, whose.app, action, job).await
}

/// The same, with the app's key.
///
/// # Errors
/// As [`job`].
#[boxed]
pub async fn job_keyed(services: &Services, app: &PublishedApp, action: Action, job: Uuid) -> Result<Job> {
    known(services, app.app.id, action, job).await
}

async fn known(services: &Services, app: AppId, action: Action, job: Uuid) -> Result<Job> {
    let text = services.kv.get(&job_key(app, action, job)).await?;
    let text = text.ok_or_else(|| Error::invalid("The job does not exist."))?;
    serde_json::from_str(&text).map_err(Error::internal)
}

fn job_key(app: AppId, action: Action, job: Uuid) -> String {
    format!("{}_app_annotation_job_{app}_{job}", action.as_str())
}

fn running_key(app: AppId, action: Action) -> String {
    format!("{}_app_annotation_{app}", action.as_str())
}

async fn begin(services: &Arc<Services>, whose: Whose, action: Action, form: ReplyForm) -> Result<Job> {
    let form = ReplyForm { score_threshold: checked_threshold(form.score_threshold)?, ..form };
    if action == Action::Enable {
        for (name, value) in [
            ("embedding_provider_name", &form.embedding_provider_name),
            ("embedding_model_name", &form.embedding_model_name),
        ] {
            if value.trim().is_empty() {
                return Err(Error::invalid_field(name, format!("{name} is required")));
            }
        }
    }
    let id = new_uuid();
    let running = running_key(whose.app, action);
    let is_first = services.kv.set_if_absent(&running, &id.to_string(), Some(JOB_LIFE)).await;
    if !is_first? {
        let other = services.kv.get(&running).await?;
        if let Some(other) = other.and_then(|text| text.parse().ok()) {
            return Ok(Job { id: other, status: "processing".into(), error: String::new() });
        }
    }
    let job = Job { id, status: "waiting".into(), error: String::new() };
    keep(services, whose.app, action, &job).await?;
    let (services, told) = (Arc::clone(services), job.clone());
    let tracker = services.tracker.clone();
    tracker.spawn(async move {
        let done = match action {
            Action::Enable => enable(&services, whose, form).await,
            Action::Disable => disable(&services, whose.app).await,
        };
        let job = match done {
            Ok(()) => Job { status: "completed".into(), ..told },
            Err(error) => {
                tracing::warn!(%error, app = %whose.app, "answers from annotations: {} failed", action.as_str());
                Job { status: "error".into(), error: error.message, ..told }
            }
        };
        if let Err(error) = keep(&services, whose.app, action, &job).await {
            tracing::warn!(%error, "what became of a job was not kept");
        }
        let _ = services.kv.delete_if(&running, &id.to_string()).await;
    });
    Ok(job)
}

async fn keep(services: &Services, app: AppId, action: Action, job: &Job) -> Result<()> {
    let text = serde_json::to_string(job).map_err(Error::internal)?;
    services.kv.set(&job_key(app, action, job.id), &text, Some(JOB_LIFE)).await.map_err(Error::from)
}

/// Makes the vectors of all annotations; only then the setting is on.
async fn enable(services: &Services, whose: Whose, form: ReplyForm) -> Result<()> {
    let model = ModelRef::chat(form.embedding_provider_name.trim(), form.embedding_model_name.trim());
    matching::prepare(services, whose.tenant, whose.app, &model).await?;
    let at = now();
    let item = AnnotationSetting {
        app_id: whose.app,
        id: new_uuid(),
        tenant_id: whose.tenant,
        score_threshold: form.score_threshold,
        embedding_provider: model.provider,
        embedding_model: model.name,
        version: 1,
        created_by: whose.account,
        updated_by: whose.account,
        created_at: at,
        updated_at: at,
    };
    let tx = services.db.begin().await?;
    repo::annotation_settings::put(&tx, item).await?;
    tx.commit().await?;
    services.runs.published.forget(whose.app).await;
    Ok(())
}

async fn disable(services: &Services, app: AppId) -> Result<()> {
    let tx = services.db.begin().await?;
    repo::annotation_settings::delete(&tx, app).await?;
    tx.commit().await?;
    services.runs.published.forget(app).await;
    Ok(())
}
