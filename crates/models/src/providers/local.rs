//! The local provider: embedding models, and rerankers, that run inside this process and need no key.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use ox_embed::{Description, Error, Input, Kind, Library, Settings, pull};
use serde_json::{Map, json};

use crate::{
    Call, Credentials, Decimal, EmbeddingInput, EmbeddingModel, EmbeddingRequest, EmbeddingResult, ErrorClass,
    FetchFrom, I18n, ModelError, ModelKind, ModelSpec, Pricing, Provider, ProviderSpec, Ranked, RerankModel,
    RerankRequest, Usage, Used, credential, form,
};

/// Id of the provider.
pub const ID: &str = "oxidify/local";
/// Texts of one request: enough for all threads, few enough that nothing is lost with one.
const MAX_CHUNKS: u64 = 64;
/// How long somebody who adds a model waits for its download; it goes on without them.
const PATIENCE: Duration = Duration::from_secs(20);

static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::new(Settings::from_env(|name| std::env::var(name).ok())));

/// The one provider of this adapter, with the models of this installation.
pub fn providers() -> Vec<Arc<dyn Provider>> {
    vec![Arc::new(Local::new(LIBRARY.clone()))]
}

/// The provider over a directory of models.
pub struct Local {
    library: Library,
    spec: ProviderSpec,
}

impl Local {
    /// One over these models.
    #[must_use]
    pub fn new(library: Library) -> Self {
        Self { library, spec: spec() }
    }

    /// Downloads a model, if it is one that was thought of: a name that somebody types may not fill the disk.
    async fn get(&self, call: &Call<'_>, name: &str) -> Result<(), ModelError> {
        let Some(known) = pull::KNOWN.iter().find(|known| known.name == name) else {
            let names: Vec<&str> = pull::KNOWN.iter().map(|known| known.name).collect();
            let dir = self.library.settings().dir.display();
            let text = format!(
                "'{name}' is not in {dir}. What can be downloaded here is: {}. For others run `oxidify models pull \
                 OWNER/NAME` on the server.",
                names.join(", ")
            );
            return Err(ModelError::new(ErrorClass::NotFound, ID, text));
        };
        let mut state = pull::in_background(&self.library, call.egress, known);
        // Whether it ended in time or not, what is known now counts.
        let _ = tokio::time::timeout(PATIENCE, state.wait_for(|state| state.ended.is_some())).await;
        let state = state.borrow().clone();
        match state.ended {
            Some(result) => result.map_err(failed),
            None => {
                let text = format!(
                    "{name} is being downloaded: {} of about {} MB. Try again in a minute.",
                    state.done >> 20,
                    known.megabytes
                );
                Err(ModelError::new(ErrorClass::Overloaded, ID, text))
            }
        }
    }

    async fn ask(&self, name: &str, kind: ModelKind) -> Result<(), Error> {
        match kind {
            ModelKind::Rerank => self.library.rerank(name, "ping", vec!["pong".into()]).await.map(drop),
            _ => self.library.embed(name, vec!["ping".into()], Input::Query).await.map(drop),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "given to `map_err` as it is")]
fn failed(error: Error) -> ModelError {
    let class = match error {
        Error::NotFound { .. } => ErrorClass::NotFound,
        Error::Damaged { .. } | Error::Unsupported { .. } | Error::Io { .. } => ErrorClass::BadRequest,
        Error::Busy { .. } => ErrorClass::Overloaded,
        Error::Download { .. } => ErrorClass::Connection,
        Error::Internal { .. } => ErrorClass::Garbage,
    };
    ModelError::new(class, ID, error.to_string())
}

/// The work, or what its time limit says.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, ModelError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done.map_err(failed),
        Err(_) => {
            let text = format!("the local model did not finish within {limit:?}: the machine is busy");
            Err(ModelError::new(ErrorClass::Timeout, ID, text))
        }
    }
}

#[async_trait]
impl EmbeddingModel for Local {
    async fn embed(&self, call: Call<'_>, request: EmbeddingRequest) -> Result<EmbeddingResult, ModelError> {
        let input = match request.input {
            EmbeddingInput::Query => Input::Query,
            EmbeddingInput::Document => Input::Document,
        };
        let work = self.library.embed(&request.model, request.texts, input);
        let computed = within(call.limits.total, work).await?;
        let usage = Usage::priced(computed.tokens, 0, Some(&free()));
        Ok(EmbeddingResult { embeddings: computed.vectors, usage })
    }
}

#[async_trait]
impl RerankModel for Local {
    async fn rerank(&self, call: Call<'_>, request: RerankRequest) -> Result<Vec<Ranked>, ModelError> {
        let work = self.library.rerank(&request.model, &request.query, request.documents);
        let (scores, tokens) = within(call.limits.total, work).await?;
        call.tell(Used { prompt_tokens: tokens, ..Used::default() });
        let scored = scores.into_iter().enumerate().map(|(index, score)| Ranked { index, score: f64::from(score) });
        let mut ranked: Vec<_> =
            scored.filter(|ranked| request.score_threshold.is_none_or(|least| ranked.score >= least)).collect();
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
        ranked.truncate(request.top_n.unwrap_or(usize::MAX));
        Ok(ranked)
    }
}

#[async_trait]
impl Provider for Local {
    fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    fn embedding_model(&self) -> Option<&dyn EmbeddingModel> {
        Some(self)
    }

    fn rerank_model(&self) -> Option<&dyn RerankModel> {
        Some(self)
    }

    fn describe(&self, model: &str, kind: ModelKind, _credentials: &Credentials) -> ModelSpec {
        match self.library.find(model) {
            Ok(found) if kind_of(found.kind) == kind => described(&found),
            // Nothing that could be chosen, until its files are there.
            _ => ModelSpec { deprecated: true, ..row(model, kind, Map::new()) },
        }
    }

    async fn validate(&self, call: Call<'_>, model: Option<(&str, ModelKind)>) -> Result<(), ModelError> {
        let Some((name, kind)) = model else { return Ok(()) };
        if matches!(self.library.find(name), Err(Error::NotFound { .. }))
            && credential(call.credentials, "source") != Some("folder")
        {
            self.get(&call, name).await?;
        }
        within(call.limits.total, self.ask(name, kind)).await
    }

    fn lists_own_models(&self, _credentials: &Credentials) -> bool {
        true
    }

    async fn remote_models(&self, _call: Call<'_>) -> Result<Vec<ModelSpec>, ModelError> {
        Ok(self.library.models().iter().map(|model| described(model)).collect())
    }
}

const fn kind_of(kind: Kind) -> ModelKind {
    match kind {
        Kind::Embedding => ModelKind::TextEmbedding,
        Kind::Rerank => ModelKind::Rerank,
    }
}

fn described(about: &Description) -> ModelSpec {
    let mut properties = Map::from_iter([("context_size".to_owned(), json!(about.max_tokens))]);
    if about.kind == Kind::Embedding {
        properties.insert("max_chunks".into(), json!(MAX_CHUNKS));
        properties.insert("dimensions".into(), json!(about.dimensions));
    }
    row(&about.name, kind_of(about.kind), properties)
}

fn row(name: &str, kind: ModelKind, model_properties: Map<String, ox_types::Json>) -> ModelSpec {
    let known = pull::KNOWN.iter().find(|known| known.name == name);
    let label = known.map_or_else(
        || I18n::same(name),
        |known| I18n::new(&format!("{name} ({})", known.about_en), &format!("{name}（{}）", known.about_zh)),
    );
    ModelSpec {
        model: name.to_owned(),
        label,
        kind,
        features: Vec::new(),
        fetch_from: FetchFrom::Predefined,
        model_properties,
        parameter_rules: Vec::new(),
        pricing: Some(free()),
        deprecated: false,
    }
}

fn free() -> Pricing {
    let zero = Decimal::new(0, 0);
    Pricing {
        input: zero,
        output: None,
        unit: Decimal::new(1, 6),
        currency: "USD".into(),
        cached: None,
        cache_write: None,
        above: Vec::new(),
    }
}

fn spec() -> ProviderSpec {
    let source = form::select(
        "source",
        "Files",
        "模型文件",
        &[
            ("hub", "Download when they are missing", "缺失时自动下载"),
            ("folder", "Already in the server's models folder", "已放入服务器的模型目录"),
        ],
    );
    ProviderSpec {
        id: ID.to_owned(),
        aliases: vec!["local".into(), "oxidify/local/local".into()],
        label: I18n::new("Local models", "本地模型"),
        description: I18n::new(
            "Embedding and rerank models that run on this server: no key, no cost, nothing leaves the machine. Add the \
             model all-minilm-l6-v2, or run `oxidify models pull all-minilm-l6-v2` on the server.",
            "在本服务器上运行的嵌入与重排序模型：无需密钥，没有费用，数据不离开本机。添加模型 all-minilm-l6-v2，\
             或在服务器上运行 `oxidify models pull all-minilm-l6-v2`。",
        ),
        help: None,
        icon: crate::sheet::icon("Local", "#DCFCE7"),
        background: Some("#DCFCE7".into()),
        supported_kinds: vec![ModelKind::TextEmbedding, ModelKind::Rerank],
        configurate_methods: vec![FetchFrom::Predefined, FetchFrom::Customizable],
        provider_form: Vec::new(),
        model_form: vec![source],
        // What is in the directory counts, not this: it tells that models need no key.
        models: pull::KNOWN.iter().map(|known| row(known.name, kind_of(known.kind), Map::new())).collect(),
        default_rules: Vec::new(),
        untested: false,
    }
}
