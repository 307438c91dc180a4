//! What a workspace has set up, decrypted and ready for calls; rebuilt when it changes.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use ox_db::{
    model::{LoadBalancingConfig, ProviderCredential, ProviderModel},
    repo::providers::Setup,
};
use ox_gateway::Rules;
use ox_models::{Credentials, FetchFrom, ModelKind, ModelRef, ModelSpec, Provider, Registry};
use ox_types::Json;
use uuid::Uuid;

use super::allowed::Refusal;

/// Whether a model can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelStatus {
    Active,
    NoConfigure,
    Disabled,
    CredentialRemoved,
}

impl ModelStatus {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::NoConfigure => "no-configure",
            Self::Disabled => "disabled",
            Self::CredentialRemoved => "credential-removed",
        }
    }
}

/// A model with its state in the workspace.
#[derive(Clone, Debug)]
pub struct ModelView {
    pub spec: ModelSpec,
    pub status: ModelStatus,
    /// Its calls are spread over several keys.
    pub is_balanced: bool,
    /// Whoever asks may not use it; told where somebody chooses among models.
    pub refused: Option<Refusal>,
}

/// A key by which a model is asked.
#[derive(Clone, Debug)]
pub struct Key {
    /// Tells this key from others; a changed one has another name.
    pub name: String,
    pub credentials: Arc<Credentials>,
    /// The stored key: the same however often it is changed.
    pub credential: Option<Uuid>,
}

/// The name in a row that stands for the credential the model is asked with anyway.
pub const INHERIT: &str = "__inherit__";

/// What a workspace has set up of one provider.
#[derive(Clone, Debug, Default)]
pub struct ProviderState {
    pub credentials: Vec<ProviderCredential>,
    pub active: Option<Uuid>,
    pub custom_models: Vec<ProviderModel>,
    /// The provider asks for no credentials.
    pub needs_none: bool,
    /// It lists its own models, and there are none.
    pub is_empty: bool,
}

impl ProviderState {
    /// Some model of it can be asked.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        (self.needs_none && !self.is_empty) || self.active.is_some() || !self.custom_models.is_empty()
    }
}

type ModelKey = (String, String, ModelKind);

/// Models whose descriptions are kept: callers name what they like.
const MOST_DESCRIBED: usize = 2_000;

/// The models of one workspace.
#[derive(Default)]
pub struct WorkspaceModels {
    setup: Setup,
    providers: HashMap<String, Arc<Credentials>>,
    models: HashMap<ModelKey, Arc<Credentials>>,
    /// Which stored keys these are.
    provider_ids: HashMap<String, Uuid>,
    model_ids: HashMap<ModelKey, Uuid>,
    disabled: HashSet<ModelKey>,
    /// Models whose calls are spread over several keys.
    balanced: HashMap<ModelKey, Vec<Key>>,
    /// Who is asked when a model does not answer.
    fallbacks: HashMap<ModelKey, Vec<ModelRef>>,
    /// What is decided about calls; nothing where nothing is switched on.
    rules: Option<Arc<Rules>>,
    /// What is known of models that were asked, by the name of the key: to put it together is work, and each call needs it.
    described: Mutex<HashMap<(ModelKey, String), Arc<ModelSpec>>>,
}

impl WorkspaceModels {
    /// Puts the rows together; `open` decrypts one stored configuration.
    pub(super) fn build(setup: Setup, registry: &Registry, open: impl Fn(&str, &Json) -> Option<Credentials>) -> Self {
        let canonical =
            |id: &str| registry.find(id).map_or_else(|| id.to_owned(), |provider| provider.spec().id.clone());
        let mut built = Self::default();
        for provider in &setup.providers {
            let active = setup.credentials.iter().find(|credential| Some(credential.id) == provider.credential_id);
            if let Some(opened) =
                active.and_then(|credential| open(&provider.provider_name, &credential.encrypted_config))
            {
                let id = canonical(&provider.provider_name);
                built.provider_ids.extend(active.map(|credential| (id.clone(), credential.id)));
                built.providers.insert(id, Arc::new(opened));
            }
        }
        for model in &setup.models {
            let Some(kind) = ModelKind::parse(&model.model_type) else { continue };
            let id = canonical(&model.provider_name);
            let row = setup.model_credentials.iter().find(|row| Some(row.id) == model.credential_id);
            let own = row.and_then(|row| open(&model.provider_name, &row.encrypted_config));
            // What the model's own form leaves out comes from the provider's key.
            let mut merged = built.providers.get(&id).map(|base| base.as_ref().clone()).unwrap_or_default();
            let key = (id, model.model_name.clone(), kind);
            if let Some(own) = own {
                merged.extend(own);
                built.model_ids.extend(row.map(|row| (key.clone(), row.id)));
            } else if merged.is_empty() {
                continue;
            }
            built.models.insert(key, Arc::new(merged));
        }
        for setting in setup.settings.iter().filter(|setting| !setting.enabled) {
            if let Some(kind) = ModelKind::parse(&setting.model_type) {
                built.disabled.insert((canonical(&setting.provider_name), setting.model_name.clone(), kind));
            }
        }
        for setting in setup.settings.iter().filter(|setting| setting.load_balancing_enabled) {
            let Some(kind) = ModelKind::parse(&setting.model_type) else { continue };
            let key = (canonical(&setting.provider_name), setting.model_name.clone(), kind);
            let is_it = |row: &&LoadBalancingConfig| {
                row.enabled
                    && row.model_name == key.1
                    && ModelKind::parse(&row.model_type) == Some(kind)
                    && canonical(&row.provider_name) == key.0
            };
            let keys = setup.balancing.iter().filter(is_it).filter_map(|row| built.key(&setup, &key, row, &open));
            let keys: Vec<Key> = keys.collect();
            if !keys.is_empty() {
                built.balanced.insert(key, keys);
            }
        }
        for row in &setup.fallbacks {
            let Some(kind) = ModelKind::parse(&row.model_type) else { continue };
            let key = (canonical(&row.provider_name), row.model_name.clone(), kind);
            let chain = built.fallbacks.entry(key).or_default();
            chain.push(ModelRef::chat(canonical(&row.fallback_provider_name), row.fallback_model_name.clone()));
        }
        built.setup = setup;
        built
    }

    /// The key that a row of a balanced model names; `None` when its credential is gone or cannot be opened.
    fn key(
        &self,
        setup: &Setup,
        (provider, model, kind): &ModelKey,
        row: &LoadBalancingConfig,
        open: &impl Fn(&str, &Json) -> Option<Credentials>,
    ) -> Option<Key> {
        let base = self.providers.get(provider);
        let on_base = |own: Credentials| {
            let mut merged = base.map(|base| base.as_ref().clone()).unwrap_or_default();
            merged.extend(own);
            Arc::new(merged)
        };
        if row.name == INHERIT {
            let credentials = self.credentials(provider, model, *kind)?;
            let name = format!("{}@{}", row.id, row.updated_at.timestamp_millis());
            return Some(Key { name, credentials, credential: self.credential_id(provider, model, *kind) });
        }
        let (id, at, credentials) = if let Some(id) = row.credential_id {
            if let Some(found) = setup.model_credentials.iter().find(|credential| credential.id == id) {
                (id, found.updated_at, on_base(open(provider, &found.encrypted_config)?))
            } else {
                let found = setup.credentials.iter().find(|credential| credential.id == id)?;
                (id, found.updated_at, Arc::new(open(provider, &found.encrypted_config)?))
            }
        } else {
            (row.id, row.updated_at, on_base(open(provider, row.encrypted_config.as_ref()?)?))
        };
        Some(Key { name: format!("{id}@{}", at.timestamp_millis()), credentials, credential: Some(id) })
    }

    /// The same under rules.
    pub(super) fn governed(mut self, rules: Option<Arc<Rules>>) -> Self {
        self.rules = rules;
        self
    }

    /// What is decided about calls; `None` where nothing is switched on.
    #[must_use]
    pub const fn rules(&self) -> Option<&Arc<Rules>> {
        self.rules.as_ref()
    }

    /// The keys by which a model is asked in turns; none where it has only one.
    #[must_use]
    pub fn keys(&self, provider: &str, model: &str, kind: ModelKind) -> &[Key] {
        self.balanced.get(&(provider.to_owned(), model.to_owned(), kind)).map_or(&[], Vec::as_slice)
    }

    /// Who is asked when a model does not answer, in this order.
    #[must_use]
    pub fn fallbacks(&self, provider: &str, model: &str, kind: ModelKind) -> &[ModelRef] {
        self.fallbacks.get(&(provider.to_owned(), model.to_owned(), kind)).map_or(&[], Vec::as_slice)
    }

    /// The credentials with which a model is called: its own, else the provider's.
    #[must_use]
    pub fn credentials(&self, provider: &str, model: &str, kind: ModelKind) -> Option<Arc<Credentials>> {
        let key = (provider.to_owned(), model.to_owned(), kind);
        self.models.get(&key).or_else(|| self.providers.get(provider)).cloned()
    }

    /// The stored key of these credentials.
    #[must_use]
    pub fn credential_id(&self, provider: &str, model: &str, kind: ModelKind) -> Option<Uuid> {
        let key = (provider.to_owned(), model.to_owned(), kind);
        self.model_ids.get(&key).or_else(|| self.provider_ids.get(provider)).copied()
    }

    /// The models of a provider whose calls are spread, with their keys.
    pub(super) fn spread(&self, provider: &str) -> impl Iterator<Item = (&str, &[Key])> {
        self.balanced
            .iter()
            .filter(move |((of, _, _), _)| of == provider)
            .map(|((_, model, _), keys)| (model.as_str(), keys.as_slice()))
    }

    /// What is known of a model with the credentials of a key; the name of the key is empty where it has only one.
    pub(super) fn described(
        &self,
        provider: &dyn Provider,
        (model, kind): (&str, ModelKind),
        key: &str,
        credentials: &Credentials,
    ) -> Arc<ModelSpec> {
        let describe = || Arc::new(provider.describe(model, kind, credentials));
        // Models of this machine come and go.
        if !needs_credentials(provider) {
            return describe();
        }
        let at = ((provider.spec().id.clone(), model.to_owned(), kind), key.to_owned());
        let lock = || self.described.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&at) {
            return Arc::clone(known);
        }
        let spec = describe();
        let mut known = lock();
        if known.len() < MOST_DESCRIBED {
            known.insert(at, Arc::clone(&spec));
        }
        spec
    }

    /// The provider's own credentials.
    #[must_use]
    pub fn provider_credentials(&self, provider: &str) -> Option<Arc<Credentials>> {
        self.providers.get(provider).cloned()
    }

    /// Whether an administrator switched the model off.
    #[must_use]
    pub fn is_disabled(&self, provider: &str, model: &str, kind: ModelKind) -> bool {
        self.disabled.contains(&(provider.to_owned(), model.to_owned(), kind))
    }

    /// The stored rows.
    #[must_use]
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The workspace's choice for a kind.
    #[must_use]
    pub fn default_model(&self, kind: ModelKind) -> Option<ModelRef> {
        let row = self.setup.defaults.iter().find(|row| ModelKind::parse(&row.model_type) == Some(kind))?;
        Some(ModelRef::chat(row.provider_name.clone(), row.model_name.clone()))
    }

    /// What is set up of a provider.
    #[must_use]
    pub fn state(&self, provider: &dyn Provider) -> ProviderState {
        let spec = provider.spec();
        let is_it = |name: &str| name == spec.id || spec.aliases.iter().any(|alias| alias == name);
        let row = self.setup.providers.iter().find(|row| is_it(&row.provider_name));
        ProviderState {
            credentials: self.setup.credentials.iter().filter(|row| is_it(&row.provider_name)).cloned().collect(),
            active: row.and_then(|row| row.credential_id).filter(|_| self.providers.contains_key(&spec.id)),
            custom_models: self.setup.models.iter().filter(|row| is_it(&row.provider_name)).cloned().collect(),
            needs_none: !needs_credentials(provider),
            is_empty: false,
        }
    }

    /// Whether some model of a provider may be active.
    #[must_use]
    pub fn may_be_asked(&self, provider: &dyn Provider) -> bool {
        let id = &provider.spec().id;
        !needs_credentials(provider)
            || self.providers.contains_key(id)
            || self.models.keys().any(|(of_provider, _, _)| of_provider == id)
    }

    /// The models a provider brings (or the key lists) and those that were added, with their state.
    #[must_use]
    pub fn models(
        &self,
        provider: &dyn Provider,
        listed: Option<&[ModelSpec]>,
        kind: Option<ModelKind>,
    ) -> Vec<ModelView> {
        let spec = provider.spec();
        let state = self.state(provider);
        let ready = state.needs_none || self.providers.contains_key(&spec.id);
        let mut out: Vec<ModelView> = Vec::new();
        for row in &state.custom_models {
            let Some(own) = ModelKind::parse(&row.model_type).filter(|own| kind.is_none_or(|kind| kind == *own)) else {
                continue;
            };
            let credentials = self.credentials(&spec.id, &row.model_name, own);
            let empty = Credentials::new();
            let mut model = provider.describe(&row.model_name, own, credentials.as_deref().unwrap_or(&empty));
            model.fetch_from = FetchFrom::Customizable;
            let status = if credentials.is_some() { ModelStatus::Active } else { ModelStatus::CredentialRemoved };
            out.push(ModelView { spec: model, status, is_balanced: false, refused: None });
        }
        let brought = listed.unwrap_or(&spec.models);
        for model in brought.iter().filter(|model| kind.is_none_or(|kind| kind == model.kind)) {
            if out.iter().any(|view| view.spec.model == model.model && view.spec.kind == model.kind) {
                continue;
            }
            let status = if ready { ModelStatus::Active } else { ModelStatus::NoConfigure };
            let model = ModelSpec { fetch_from: FetchFrom::Predefined, ..model.clone() };
            out.push(ModelView { spec: model, status, is_balanced: false, refused: None });
        }
        for view in &mut out {
            if view.status == ModelStatus::Active && self.is_disabled(&spec.id, &view.spec.model, view.spec.kind) {
                view.status = ModelStatus::Disabled;
            }
            view.is_balanced = !self.keys(&spec.id, &view.spec.model, view.spec.kind).is_empty();
        }
        out
    }
}

/// Whether a provider asks for something before its models can be used.
pub(super) fn needs_credentials(provider: &dyn Provider) -> bool {
    let spec = provider.spec();
    spec.provider_form.iter().any(|field| field.required) || (spec.models.is_empty() && !spec.model_form.is_empty())
}
