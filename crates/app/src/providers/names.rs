//! Models by the names that callers of the model gateway give them: `provider/model`, or a model's own name where only
//! one provider of the workspace has it.

use std::{collections::HashMap, sync::Arc};

use ox_models::{
    Credentials, ErrorClass, ModelError, ModelKind, ModelMode, ModelRef, ModelScope, Provider, ProviderSpec, Registry,
};
use ox_types::{TenantId, boxed};

use super::{
    ModelGateway, ModelStatus,
    state::{WorkspaceModels, needs_credentials},
};
use crate::{Error, Result, Services, gateway_keys::Holder};

/// Kinds that the gateway serves.
pub const SERVED: [ModelKind; 3] = [ModelKind::Llm, ModelKind::TextEmbedding, ModelKind::Rerank];

/// A model with its names.
#[derive(Clone, Debug)]
pub struct NamedModel {
    /// The shortest name with a provider: `openai/gpt-4o`.
    pub name: String,
    /// With the provider's whole id, as keys keep it.
    pub full_name: String,
    /// The provider as it is shown in names.
    pub provider: String,
    pub model: ModelRef,
    pub kind: ModelKind,
    /// It is still there and no longer offered.
    pub deprecated: bool,
}

/// The models of a workspace that can be asked.
#[derive(Debug, Default)]
pub struct ModelNames {
    pub all: Vec<NamedModel>,
    /// Where the models of a name are.
    bare: HashMap<(ModelKind, String), Vec<usize>>,
}

impl ModelNames {
    fn push(&mut self, named: NamedModel) {
        self.bare.entry((named.kind, named.model.name.clone())).or_default().push(self.all.len());
        self.all.push(named);
    }

    fn of(&self, kind: ModelKind, name: &str) -> impl Iterator<Item = &NamedModel> {
        let places = self.bare.get(&(kind, name.to_owned())).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|place| self.all.get(*place))
    }
}

/// The shortest way to write a provider that is understood.
fn short(registry: &Registry, spec: &ProviderSpec) -> String {
    let is_it = |name: &str| registry.find(name).is_some_and(|found| found.spec().id == spec.id);
    let last = spec.id.rsplit('/').next().unwrap_or(&spec.id);
    if is_it(last) {
        return last.to_owned();
    }
    let two = spec.id.split('/').next().map(|author| format!("{author}/{last}"));
    two.filter(|name| is_it(name)).unwrap_or_else(|| spec.id.clone())
}

/// All ways to read a name as a provider and a model, the shortest provider first.
pub(super) fn readings<'a>(
    registry: &'a Registry,
    name: &'a str,
) -> impl Iterator<Item = (&'a Arc<dyn Provider>, &'a str)> {
    name.match_indices('/').filter_map(move |(at, _)| {
        let (provider, model) = name.split_at_checked(at)?;
        let model = model.get(1..).filter(|model| !model.is_empty())?;
        Some((registry.find(provider)?, model))
    })
}

impl ModelGateway {
    /// `provider/model` with the provider's whole id; `None` when no provider is meant.
    #[must_use]
    pub fn full_name(&self, name: &str) -> Option<String> {
        let name = name.trim();
        // Of several readings the longest provider is meant: `a/b/b/model` before `a/b` with the model `b/model`.
        let (provider, model) = readings(self.registry(), name).last()?;
        Some(format!("{}/{model}", provider.spec().id))
    }

    /// The models of a workspace that can be asked through the gateway.
    async fn names(&self, tenant: TenantId) -> Result<ModelNames> {
        let workspace = self.workspace(tenant).await?;
        let mut names = ModelNames::default();
        for provider in self.registry().iter() {
            let spec = provider.spec();
            if !workspace.state(provider.as_ref()).is_usable() {
                continue;
            }
            let listed = self.listed(tenant, &workspace, provider).await;
            let listed = listed.as_ref().map(|list| list.as_slice());
            let prefix = short(self.registry(), spec);
            let views = workspace.models(provider.as_ref(), listed, None).into_iter();
            for view in views.filter(|view| view.status == ModelStatus::Active && SERVED.contains(&view.spec.kind)) {
                let model = &view.spec.model;
                names.push(NamedModel {
                    name: format!("{prefix}/{model}"),
                    full_name: format!("{}/{model}", spec.id),
                    provider: prefix.clone(),
                    model: ModelRef { provider: spec.id.clone(), name: model.clone(), mode: view.spec.mode() },
                    kind: view.spec.kind,
                    deprecated: view.spec.deprecated,
                });
            }
        }
        Ok(names)
    }
}

/// Whether a workspace can ask a model, as far as it is known without asking anybody.
fn is_set_up(
    registry: &Registry,
    workspace: &WorkspaceModels,
    provider: &dyn Provider,
    model: &str,
    kind: ModelKind,
) -> bool {
    let spec = provider.spec();
    if workspace.is_disabled(&spec.id, model, kind) {
        return false;
    }
    let credentials = workspace.credentials(&spec.id, model, kind);
    if credentials.is_none() && needs_credentials(provider) {
        return false;
    }
    let is_added = || {
        workspace.setup().models.iter().any(|row| {
            row.model_name == model
                && ModelKind::parse(&row.model_type) == Some(kind)
                && registry.find(&row.provider_name).is_some_and(|found| found.spec().id == spec.id)
        })
    };
    let lists = || provider.lists_own_models(credentials.as_deref().unwrap_or(&Credentials::new()));
    spec.model(model, kind).is_some() || is_added() || lists()
}

async fn names(services: &Services, tenant: TenantId) -> Result<Arc<ModelNames>> {
    let cache = &services.gateway_keys.names;
    if let Some(names) = cache.get(&tenant).await {
        return Ok(names);
    }
    let names = Arc::new(services.models.names(tenant).await?);
    cache.insert(tenant, Arc::clone(&names)).await;
    Ok(names)
}

/// The models that a key may ask, those that are no longer offered left out.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn askable(services: &Services, holder: &Holder) -> Result<Vec<NamedModel>> {
    let names = names(services, holder.key.tenant_id).await?;
    let may = |named: &&NamedModel| !named.deprecated && holder.may_ask(&named.full_name);
    Ok(names.all.iter().filter(may).cloned().collect())
}

/// The model that the holder of a key means by a name.
///
/// # Errors
/// 404 when the workspace has no such model, 400 when several providers have it, 403 when the key is not for it.
#[boxed]
pub async fn named(services: &Services, holder: &Holder, name: &str, kind: ModelKind) -> Result<ModelRef> {
    let tenant = holder.key.tenant_id;
    let workspace = services.models.workspace(tenant).await?;
    let registry = services.models.registry();
    let set_up = readings(registry, name)
        .find(|(provider, model)| is_set_up(registry, &workspace, provider.as_ref(), model, kind));
    let model = match set_up {
        Some((provider, model)) => ModelRef::chat(provider.spec().id.clone(), model),
        None => bare(services, holder, name, kind).await?,
    };
    if holder.may_ask(&format!("{}/{}", model.provider, model.name)) {
        return Ok(model);
    }
    let text = format!("This API key is not for the model '{name}'.");
    Err(Error { field: Some("model".into()), ..Error::new(403, "model_not_allowed", text) })
}

/// The only model of this name. Of several those count that the key is for.
async fn bare(services: &Services, holder: &Holder, name: &str, kind: ModelKind) -> Result<ModelRef> {
    let names = names(services, holder.key.tenant_id).await?;
    let found: Vec<&NamedModel> = names.of(kind, name).collect();
    let allowed: Vec<&NamedModel> = found.iter().filter(|one| holder.may_ask(&one.full_name)).copied().collect();
    match (allowed.as_slice(), found.as_slice()) {
        ([only], _) | ([], [only, ..]) => Ok(only.model.clone()),
        ([], []) => {
            let text = format!("The model '{name}' does not exist, or is not set up in this workspace.");
            Err(Error { field: Some("model".into()), ..Error::new(404, "model_not_found", text) })
        }
        (several, _) => {
            let several: Vec<&str> = several.iter().map(|one| one.name.as_str()).collect();
            let text = format!("Several providers have the model '{name}': name one of {}.", several.join(", "));
            Err(Error::invalid_field("model", text))
        }
    }
}

/// For whom a key asks.
#[must_use]
pub fn scope(holder: &Holder, user: Option<String>) -> ModelScope {
    ModelScope { key_id: Some(holder.key.id), user, ..ModelScope::of(holder.key.tenant_id) }
}

/// Whether a model continues texts in place of holding a dialogue.
#[boxed]
pub async fn continues_text(services: &Services, scope: &ModelScope, model: &ModelRef) -> bool {
    use ox_models::ModelRuntime as _;
    let spec = services.models.describe(scope, model, ModelKind::Llm).await;
    spec.is_some_and(|spec| spec.mode() == ModelMode::Completion)
}

/// What a failed call is for the one who asked. A key of the workspace that a provider refuses is not the caller's.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub fn failure(error: ModelError) -> Error {
    let text = error.to_string();
    let (status, code) = match error.class {
        ErrorClass::BadRequest | ErrorClass::Unsupported => (400, "invalid_request"),
        ErrorClass::NotFound => (404, "model_not_found"),
        ErrorClass::RateLimit { .. } => (429, "rate_limit_exceeded"),
        ErrorClass::Quota => (429, "insufficient_quota"),
        ErrorClass::Overloaded => (503, "provider_overloaded"),
        ErrorClass::Timeout => (504, "provider_timeout"),
        ErrorClass::Auth => (502, "provider_refused_key"),
        ErrorClass::Connection | ErrorClass::Garbage => (502, "provider_error"),
    };
    // "Model Parameter temperature should be …"
    let parameter = error.text.strip_prefix("Model Parameter ").and_then(|rest| rest.split(' ').next());
    Error {
        field: parameter.filter(|_| status == 400).map(str::to_owned),
        retry_after: error.retry_after().map(|wait| wait.as_secs().max(1)),
        ..Error::new(status, code, text)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn providers_are_written_as_short_as_they_are_understood() {
        let registry = Registry::native();
        for provider in registry.iter() {
            let name = short(&registry, provider.spec());
            assert_eq!(registry.find(&name).map(|found| found.spec().id.as_str()), Some(provider.spec().id.as_str()));
        }
        let openai = registry.find("openai").unwrap();
        assert_eq!(short(&registry, openai.spec()), "openai");
    }

    #[test]
    fn a_name_is_read_at_each_slash() {
        let registry = Registry::native();
        let read = |name: &str| -> Vec<(String, String)> {
            let pair = |(provider, model): (&Arc<dyn Provider>, &str)| (provider.spec().id.clone(), model.to_owned());
            readings(&registry, name).map(pair).collect()
        };
        let openai = "langgenius/openai/openai".to_owned();
        assert_eq!(read("openai/gpt-4o"), [(openai.clone(), "gpt-4o".to_owned())]);
        assert_eq!(read("openai/team/gpt"), [(openai.clone(), "team/gpt".to_owned())]);
        assert!(read("langgenius/openai/openai/gpt-4o").contains(&(openai, "gpt-4o".to_owned())));
        for none in ["gpt-4o", "openai/", "/gpt-4o", "nobody/gpt-4o", ""] {
            assert_eq!(read(none), [], "{none}");
        }
    }

    #[test]
    fn failures_tell_whose_they_are() {
        for (class, text, status, field, retry) in [
            (ErrorClass::BadRequest, "Model Parameter temperature should be float.", 400, Some("temperature"), None),
            (ErrorClass::BadRequest, "no", 400, None, None),
            (ErrorClass::NotFound, "no", 404, None, None),
            (ErrorClass::RateLimit { retry_after: Some(Duration::from_millis(20)) }, "no", 429, None, Some(1)),
            (ErrorClass::RateLimit { retry_after: None }, "no", 429, None, None),
            (ErrorClass::Auth, "no", 502, None, None),
            (ErrorClass::Overloaded, "no", 503, None, None),
            (ErrorClass::Timeout, "no", 504, None, None),
        ] {
            let told = failure(ModelError::new(class, "p", text));
            assert_eq!((told.status, told.field.as_deref(), told.retry_after), (status, field, retry), "{text}");
        }
    }
}
