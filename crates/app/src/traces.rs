//! Traces of runs and messages, sent to where an app's makers want them: Langfuse, or a collector that speaks OTLP.
//!
//! Whatever ends is queued by its id alone, and read from its record by a task of its own: a run never waits for it. The
//! queue and what waits for another attempt are bounded; what does not fit is counted in
//! `oxidify_traces_dropped_total`. Secrets are encrypted at rest and masked in answers.

mod delivery;
mod langfuse;
mod otlp;
mod record;
mod rounds;

pub(crate) use delivery::keep;
pub use delivery::{Ended, Tracer};

use ox_db::{
    model::{App, TraceConfig},
    now, repo,
};
use ox_models::Credentials;
use ox_net::{Class, Limits, Request};
use ox_types::{AppId, Json, boxed, new_uuid};
use serde_json::json;

use crate::{Error, Principal, Result, Services, apps, audit, principal::Permission, secrets::mask_fields};

/// Those that the compatible system knows besides, named in what is told about them.
const ELSEWHERE: [&str; 9] =
    ["langsmith", "opik", "weave", "arize", "phoenix", "aliyun", "databricks", "mlflow", "tencent"];
/// How long a look at a provider may take.
const CHECK: std::time::Duration = std::time::Duration::from_secs(15);

/// A place for traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Langfuse,
    Otlp,
}

impl Provider {
    /// Reads a wire name.
    ///
    /// # Errors
    /// 400 for another name.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "langfuse" => Ok(Self::Langfuse),
            "otlp" => Ok(Self::Otlp),
            known if ELSEWHERE.contains(&known) => Err(Error::invalid_field(
                "tracing_provider",
                format!("Traces cannot be sent to {known} directly: use otlp with its OpenTelemetry endpoint."),
            )),
            _ => Err(Error::invalid_field("tracing_provider", format!("Invalid tracing provider: {text}"))),
        }
    }

    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Langfuse => "langfuse",
            Self::Otlp => "otlp",
        }
    }

    /// Fields of its form: name, whether it is required, whether it is a secret.
    const fn fields(self) -> &'static [(&'static str, bool, bool)] {
        match self {
            Self::Langfuse => &[
                ("public_key", true, true),
                ("secret_key", true, true),
                ("host", false, false),
                ("project_key", false, false),
            ],
            Self::Otlp => &[
                ("endpoint", true, false),
                ("headers", false, true),
                ("service_name", false, false),
                ("protocol", false, false),
            ],
        }
    }

    fn secrets(self) -> Vec<&'static str> {
        self.fields().iter().filter(|(.., secret)| *secret).map(|(name, ..)| *name).collect()
    }
}

/// Whether an app is traced, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracing {
    pub enabled: bool,
    pub provider: Option<String>,
}

fn tracing_of(app: &App) -> Tracing {
    let stored = app.tracing.clone().unwrap_or_default();
    Tracing {
        enabled: stored.get("enabled").and_then(Json::as_bool).unwrap_or(false),
        provider: stored.get("tracing_provider").and_then(Json::as_str).map(str::to_owned),
    }
}

/// Whether an app is traced.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn tracing(services: &Services, principal: &Principal, id: AppId) -> Result<Tracing> {
    principal.require(Permission::AppView)?;
    Ok(tracing_of(&apps::find(services, principal, id).await?))
}

/// Switches tracing of an app on or off.
///
/// # Errors
/// 400 for a provider that is not known or not set up.
#[boxed]
pub async fn set_tracing(services: &Services, principal: &Principal, id: AppId, wanted: Tracing) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    let before = apps::find(services, principal, id).await?;
    let provider = wanted.provider.filter(|text| !text.is_empty());
    if wanted.enabled {
        let name = provider.as_deref().ok_or_else(|| {
            Error::invalid_field("tracing_provider", "tracing_provider is required when enabled is True")
        })?;
        let provider = Provider::parse(name)?;
        let found = repo::traces::find(&services.db, before.tenant_id, id, provider.as_str()).await?;
        found.ok_or_else(not_exist)?;
    }
    let mut app = before.clone();
    app.tracing = Some(json!({"enabled": wanted.enabled, "tracing_provider": provider}));
    apps::save(services, principal, &before, &mut app).await?;
    services.traces.forget(id).await;
    Ok(())
}

fn not_exist() -> Error {
    Error::new(400, "trace_config_not_exist", "Trace config not exist.")
}

/// A configuration as its maker sees it: secrets masked.
#[derive(Clone, Debug)]
pub struct ConfigView {
    pub row: TraceConfig,
    pub masked: Credentials,
}

async fn opened(services: &Services, row: &TraceConfig) -> Result<(Provider, Credentials)> {
    let provider = Provider::parse(&row.provider)?;
    let key = services.secrets.tenant_key(&services.db, row.tenant_id).await?;
    Ok((provider, key.open_fields(&row.config, &provider.secrets())?))
}

async fn view(services: &Services, row: TraceConfig) -> Result<ConfigView> {
    let (provider, values) = opened(services, &row).await?;
    Ok(ConfigView { masked: mask_fields(&values, &provider.secrets()), row })
}

/// The configuration of a provider for an app, if there is one.
///
/// # Errors
/// 404 for an unknown app, 400 for an unknown provider.
#[boxed]
pub async fn config(
    services: &Services,
    principal: &Principal,
    id: AppId,
    provider: &str,
) -> Result<Option<ConfigView>> {
    principal.require(Permission::AppView)?;
    let app = apps::find(services, principal, id).await?;
    // One of a provider that is not here is as good as none.
    let provider = if ELSEWHERE.contains(&provider) { return Ok(None) } else { Provider::parse(provider)? };
    match repo::traces::find(&services.db, app.tenant_id, id, provider.as_str()).await? {
        Some(row) => view(services, row).await.map(Some),
        None => Ok(None),
    }
}

/// Sets a provider up for an app, after trying it.
///
/// # Errors
/// 400 `trace_config_is_exist`, `trace_config_check_error`, or naming a field.
#[boxed]
pub async fn create(
    services: &Services,
    principal: &Principal,
    id: AppId,
    provider: &str,
    values: Credentials,
) -> Result<ConfigView> {
    principal.require(Permission::AppEdit)?;
    let app = apps::find(services, principal, id).await?;
    let provider = Provider::parse(provider)?;
    let exists = || Error::new(400, "trace_config_is_exist", "Trace config is exist.");
    if repo::traces::find(&services.db, app.tenant_id, id, provider.as_str()).await?.is_some() {
        return Err(exists());
    }
    let values = checked(provider, &values, &Credentials::new())?;
    try_out(services, &app, provider, &values).await?;
    let key = services.secrets.tenant_key(&services.db, app.tenant_id).await?;
    let at = now();
    let row = TraceConfig {
        id: new_uuid(),
        tenant_id: app.tenant_id,
        app_id: id,
        provider: provider.as_str().to_owned(),
        config: key.seal_fields(&values, &provider.secrets())?,
        is_active: true,
        created_at: at,
        updated_at: at,
    };
    let tx = services.db.begin().await?;
    repo::traces::insert(&tx, row.clone()).await.map_err(|error| match error {
        ox_db::Error::Conflict(_) => exists(),
        other => other.into(),
    })?;
    tx.commit().await?;
    changed(services, principal, "trace.create", &row).await;
    view(services, row).await
}

/// Changes a configuration, after trying it; masked values stay as they are.
///
/// # Errors
/// 400 `trace_config_not_exist`, `trace_config_check_error`, or naming a field.
#[boxed]
pub async fn update(
    services: &Services,
    principal: &Principal,
    id: AppId,
    provider: &str,
    values: Credentials,
) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    let app = apps::find(services, principal, id).await?;
    let provider = Provider::parse(provider)?;
    let row = repo::traces::find(&services.db, app.tenant_id, id, provider.as_str()).await?.ok_or_else(not_exist)?;
    let (_, before) = opened(services, &row).await?;
    let kept = |name: &str| values.get(name).and_then(Json::as_str).is_some_and(|text| text.contains('*'));
    let address = |values: &Credentials| {
        ["host", "endpoint"].map(|name| values.get(name).and_then(Json::as_str).unwrap_or_default().to_owned())
    };
    // A stored key is for the address that it was entered with.
    let foreign = provider.secrets().into_iter().find(|name| kept(name) && address(&values) != address(&before));
    if let Some(name) = foreign {
        return Err(Error::invalid_field(name, format!("Enter {name} again for another address.")));
    }
    let values = checked(provider, &values, &before)?;
    try_out(services, &app, provider, &values).await?;
    let key = services.secrets.tenant_key(&services.db, app.tenant_id).await?;
    let config = key.seal_fields(&values, &provider.secrets())?;
    let row = TraceConfig { config, updated_at: now(), ..row };
    let tx = services.db.begin().await?;
    repo::traces::update(&tx, row.clone()).await?;
    tx.commit().await?;
    changed(services, principal, "trace.update", &row).await;
    Ok(())
}

/// Removes a configuration; an app that is traced there is no longer traced.
///
/// # Errors
/// 400 `trace_config_not_exist`.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: AppId, provider: &str) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    let app = apps::find(services, principal, id).await?;
    let provider = Provider::parse(provider)?;
    let row = repo::traces::find(&services.db, app.tenant_id, id, provider.as_str()).await?.ok_or_else(not_exist)?;
    let tx = services.db.begin().await?;
    repo::traces::delete(&tx, app.tenant_id, row.id).await?;
    tx.commit().await?;
    let traced = tracing_of(&app);
    if traced.enabled && traced.provider.as_deref() == Some(provider.as_str()) {
        set_tracing(services, principal, id, Tracing::default()).await?;
    }
    changed(services, principal, "trace.delete", &row).await;
    Ok(())
}

async fn changed(services: &Services, principal: &Principal, action: &'static str, row: &TraceConfig) {
    services.traces.forget(row.app_id).await;
    let about = json!({"tracing_provider": row.provider});
    audit::record(services, principal, action, "app", row.app_id.0, None, Some(about)).await;
}

/// The values of the form, masked ones from before, and nothing else.
fn checked(provider: Provider, values: &Credentials, before: &Credentials) -> Result<Credentials> {
    let mut out = Credentials::new();
    for (name, required, _) in provider.fields() {
        let given = values.get(*name).and_then(Json::as_str).map(str::trim).filter(|text| !text.is_empty());
        let value = match given {
            Some(text) if text.contains('*') && before.contains_key(*name) => before.get(*name).cloned(),
            Some(text) => Some(Json::from(text)),
            None => None,
        };
        match value {
            Some(value) => _ = out.insert((*name).to_owned(), value),
            None if *required => return Err(Error::invalid_field(name, format!("{name} is required."))),
            None => {}
        }
    }
    if provider == Provider::Langfuse {
        out.entry("host").or_insert_with(|| "https://cloud.langfuse.com".into());
    }
    for name in ["host", "endpoint"] {
        let Some(text) = out.get(name).and_then(Json::as_str) else { continue };
        if !url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(Error::invalid_field(name, format!("{name} must be an http or https address.")));
        }
    }
    if provider == Provider::Otlp {
        let protocol = protocol(out.get("protocol"), before)?;
        out.insert("protocol".to_owned(), protocol.as_str().into());
    }
    if let Some(headers) = out.get("headers").and_then(Json::as_str) {
        otlp::headers(headers).ok_or_else(|| {
            Error::invalid_field("headers", "headers must be name=value pairs with commas between them.")
        })?;
    }
    Ok(out)
}

/// The protocol that was given, else that of before, else the default one.
fn protocol(given: Option<&Json>, before: &Credentials) -> Result<otlp::Protocol> {
    let Some(text) = given.or_else(|| before.get("protocol")) else {
        return Ok(if before.is_empty() { otlp::Protocol::DEFAULT } else { otlp::Protocol::BEFORE });
    };
    otlp::Protocol::parse(text.as_str().unwrap_or_default())
        .ok_or_else(|| Error::invalid_field("protocol", "protocol must be http/protobuf or http/json."))
}

/// Asks the provider whether it takes these credentials.
async fn try_out(services: &Services, app: &App, provider: Provider, values: &Credentials) -> Result<()> {
    let failed = |why: String| Error::new(400, "trace_config_check_error", format!("Invalid Credentials: {why}"));
    let target = delivery::Target { provider, values: values.clone(), tenant: app.tenant_id };
    let request = match provider {
        Provider::Langfuse => {
            let url = format!("{}/api/public/projects", target.text("host").trim_end_matches('/'));
            target.authorized(Request::get(Class::ExternalApi, url))
        }
        Provider::Otlp => target.request(target.protocol().encode(&json!({"resourceSpans": []}))),
    };
    let mut request = request.map_err(|error| failed(error.to_string()))?;
    request.limits = Limits { total: CHECK, first_byte: CHECK, body: 256 * 1024, ..Limits::default() };
    request.retries = Some(0);
    let answer = services.outbound.of(app.tenant_id).await?.send(request).await;
    let answer = answer.map_err(|error| failed(error.to_string()))?;
    if answer.status.is_success() { Ok(()) } else { Err(failed(format!("the address answered {}", answer.status))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(json: &Json) -> Credentials {
        json.as_object().cloned().unwrap()
    }

    #[test]
    fn forms_keep_masked_values_and_name_what_is_wrong() {
        let before = values(&json!({"public_key": "pk-old", "secret_key": "sk-old", "host": "https://x.test"}));
        let given = values(&json!({"public_key": "pk-lf************ld", "secret_key": "sk-new", "other": 1}));
        let out = checked(Provider::Langfuse, &given, &before).unwrap();
        assert_eq!(out["public_key"], "pk-old");
        assert_eq!((&out["secret_key"], &out["host"]), (&json!("sk-new"), &json!("https://cloud.langfuse.com")));
        assert!(!out.contains_key("other"));
        for (provider, given, field) in [
            (Provider::Langfuse, json!({"public_key": "pk"}), "secret_key"),
            (Provider::Langfuse, json!({"public_key": "a", "secret_key": "b", "host": "ftp://x"}), "host"),
            (Provider::Otlp, json!({}), "endpoint"),
            (Provider::Otlp, json!({"endpoint": "https://x.test", "headers": "no pair"}), "headers"),
            (Provider::Otlp, json!({"endpoint": "https://x.test", "protocol": "grpc"}), "protocol"),
        ] {
            let error = checked(provider, &values(&given), &Credentials::new()).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field));
        }
        for (before, given, expected) in [
            (json!({}), json!({}), "http/protobuf"),
            (json!({}), json!({"protocol": "http/json"}), "http/json"),
            (json!({"endpoint": "https://x.test"}), json!({}), "http/json"),
            (json!({"endpoint": "https://x.test"}), json!({"protocol": "http/protobuf"}), "http/protobuf"),
            (json!({"endpoint": "https://x.test", "protocol": "http/protobuf"}), json!({}), "http/protobuf"),
        ] {
            let mut given = values(&given);
            given.insert("endpoint".into(), "https://x.test".into());
            let out = checked(Provider::Otlp, &given, &values(&before)).unwrap();
            assert_eq!(out["protocol"], expected, "{before} {given:?}");
        }
        assert!(Provider::parse("phoenix").unwrap_err().message.contains("otlp"));
        assert_eq!(Provider::parse("x").unwrap_err().status, 400);
    }
}
