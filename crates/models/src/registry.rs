//! The providers this build has.

use std::sync::{Arc, LazyLock};

use crate::{Provider, providers};

/// One wire protocol: makes the providers of its table.
type Adapter = fn() -> Vec<Arc<dyn Provider>>;

/// Every adapter, in alphabetical order.
pub const ADAPTERS: &[(&str, Adapter)] = &[
    ("anthropic", providers::anthropic::providers),
    ("bedrock", providers::bedrock::providers),
    ("cohere", providers::cohere::providers),
    ("gemini", providers::gemini::providers),
    ("local", providers::local::providers),
    ("ollama", providers::ollama::providers),
    ("openai_compatible", providers::openai_compatible::providers),
    ("scripted", providers::scripted::providers),
    ("tei", providers::tei::providers),
];

/// Providers by id. Starts with the built-in ones and can grow.
#[derive(Clone)]
pub struct Registry {
    providers: Arc<Vec<Arc<dyn Provider>>>,
}

static NATIVE: LazyLock<Registry> =
    LazyLock::new(|| Registry { providers: Arc::new(ADAPTERS.iter().flat_map(|(_, adapter)| adapter()).collect()) });

impl Registry {
    /// The built-in providers.
    #[must_use]
    pub fn native() -> Self {
        NATIVE.clone()
    }

    /// The same with more providers; one with a known id takes its place.
    #[must_use]
    pub fn with(&self, more: Vec<Arc<dyn Provider>>) -> Self {
        let mut all: Vec<_> = self.providers.to_vec();
        all.retain(|old| more.iter().all(|new| new.spec().id != old.spec().id));
        all.extend(more);
        Self { providers: Arc::new(all) }
    }

    /// The same without some providers.
    #[must_use]
    pub fn without(&self, ids: &[&str]) -> Self {
        let kept = self.providers.iter().filter(|provider| !ids.contains(&provider.spec().id.as_str()));
        Self { providers: Arc::new(kept.cloned().collect()) }
    }

    /// All of them, in the order they are shown.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.providers.iter()
    }

    /// The provider an application means by this id (`openai`, `langgenius/openai/openai`, …).
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Arc<dyn Provider>> {
        let id = id.trim();
        let named = |wanted: &str| {
            self.iter().find(|provider| {
                let spec = provider.spec();
                spec.id == wanted || spec.aliases.iter().any(|alias| alias == wanted)
            })
        };
        // A bare name is read as one of the platform's own plugins.
        named(id).or_else(|| match id.split('/').collect::<Vec<_>>().as_slice() {
            [name] if !name.is_empty() => named(&format!("langgenius/{name}/{name}")),
            [author, name] => named(&format!("{author}/{name}/{name}")),
            _ => None,
        })
    }
}
