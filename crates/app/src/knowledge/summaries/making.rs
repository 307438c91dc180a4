//! A model tells what a text is about.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use ox_db::model::UploadFile;
use ox_models::{
    ChatRequest, ChatResult, ContentPart, Media, MediaSource, Message, ModelFeature, ModelKind, ModelRef,
    ModelRuntime as _, ModelScope, Role,
};
use ox_types::TenantId;

use super::{MAX_LENGTH, Setting};
use crate::{Error, Result, Services, providers};

/// Texts told about at the same time.
pub(super) const AT_ONCE: usize = 10;
/// How long one may take.
const LIMIT: Duration = Duration::from_secs(180);
/// How long all of a preview may take: as long as this for each text, up to the second.
const PREVIEW_EACH: Duration = Duration::from_secs(60);
const PREVIEW_ALL: Duration = Duration::from_secs(300);
/// Pictures that a model sees with a text, and bytes of one.
const MOST_PICTURES: usize = 10;
const PICTURE_BYTES: i64 = 2 * 1024 * 1024;

/// Why there is no summary.
#[derive(Debug)]
pub(in super::super) enum Failure {
    /// The model did not answer in time.
    Late,
    /// The text says why.
    Failed(String),
}

impl Failure {
    pub fn message(self) -> String {
        match self {
            Self::Late => format!("The model did not answer within {} seconds.", LIMIT.as_secs()),
            Self::Failed(text) => text,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error.message)
    }
}

impl From<ox_db::Error> for Failure {
    fn from(error: ox_db::Error) -> Self {
        Error::from(error).into()
    }
}

/// What a text is made of.
pub(in super::super) struct Subject<'a> {
    pub text: &'a str,
    /// Of its document.
    pub language: Option<&'a str>,
    /// For models that see.
    pub pictures: &'a [UploadFile],
}

/// The instruction, then the text.
fn prompt(setting: &Setting, subject: &Subject<'_>) -> String {
    let text = subject.text;
    if let Some(own) = &setting.prompt {
        return format!("{own}\n{text}");
    }
    // Compat: every document says "English" where nobody chose; a summary in the words of its text is found better.
    let language = subject.language.filter(|language| !language.is_empty() && *language != "English");
    let language = language.unwrap_or("the language of the text");
    format!(
        "Say in one to three sentences, in {language}, what the following text is about. Keep the names, numbers and \
         terms that somebody would look for. Add nothing that the text does not say, and write only the summary.\n{text}"
    )
}

async fn model_of(services: &Services, tenant: TenantId, setting: &Setting) -> Result<ModelRef, Failure> {
    if let Some(model) = &setting.model {
        return Ok(model.clone());
    }
    let none = "There is no model to make summaries with. Set up a model provider first.";
    let model = providers::default_model(services, tenant, ModelKind::Llm).await?;
    model.ok_or_else(|| Failure::Failed(none.to_owned()))
}

/// The pictures as a model takes them, where it does.
async fn shown(
    services: &Services,
    scope: &ModelScope,
    model: &ModelRef,
    pictures: &[UploadFile],
) -> Result<Vec<ContentPart>, Failure> {
    let is_picture = |file: &&UploadFile| {
        file.mime_type.as_deref().is_some_and(|mime| mime.starts_with("image/")) && file.size <= PICTURE_BYTES
    };
    let pictures: Vec<&UploadFile> = pictures.iter().filter(is_picture).take(MOST_PICTURES).collect();
    if pictures.is_empty() {
        return Ok(Vec::new());
    }
    let spec = services.models.describe(scope, model, ModelKind::Llm).await;
    if !spec.is_some_and(|spec| spec.has(ModelFeature::Vision)) {
        return Ok(Vec::new());
    }
    let mut parts = Vec::with_capacity(pictures.len());
    for file in pictures {
        let bytes = services.files.content(file).await?;
        parts.push(ContentPart::Image(Media {
            source: MediaSource::Base64(STANDARD.encode(&bytes)),
            mime: file.mime_type.clone().unwrap_or_default(),
            filename: Some(file.name.clone()),
            detail: Some("low".to_owned()),
        }));
    }
    Ok(parts)
}

/// What a text is about.
pub(in super::super) async fn summary(
    services: &Services,
    tenant: TenantId,
    setting: &Setting,
    subject: &Subject<'_>,
) -> Result<String, Failure> {
    let model = model_of(services, tenant, setting).await?;
    let scope = ModelScope::of(tenant);
    let mut parts = shown(services, &scope, &model, subject.pictures).await?;
    parts.push(ContentPart::text(prompt(setting, subject)));
    let request = ChatRequest { messages: vec![Message::new(Role::User, parts)], ..ChatRequest::default() };
    let failed = |error: ox_models::ModelError| Failure::Failed(error.to_string());
    let answer = async {
        let stream = services.models.chat(&scope, &model, request).await.map_err(failed)?;
        ChatResult::collect(stream).await.map_err(failed)
    };
    let answer = tokio::time::timeout(LIMIT, answer).await.map_err(|_| Failure::Late)??;
    let text: String = answer.text.trim().replace('\0', "").chars().take(MAX_LENGTH).collect();
    if text.is_empty() { Err(Failure::Failed("The model's answer was empty.".to_owned())) } else { Ok(text) }
}

/// What texts are about, before they are stored; the first that fails ends it.
pub(in super::super) async fn preview(
    services: &Services,
    tenant: TenantId,
    setting: &Setting,
    language: Option<&str>,
    texts: Vec<String>,
) -> Result<Vec<String>, Failure> {
    let limit = PREVIEW_EACH.saturating_mul(u32::try_from(texts.len()).unwrap_or(u32::MAX)).min(PREVIEW_ALL);
    let all = stream::iter(texts)
        .map(|text| async move {
            let subject = Subject { text: &text, language, pictures: &[] };
            summary(services, tenant, setting, &subject).await
        })
        .buffered(AT_ONCE)
        .try_collect();
    tokio::time::timeout(limit, all).await.map_err(|_| Failure::Late)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instruction_comes_before_the_text() {
        let subject = |language| Subject { text: "The lighthouse.", language, pictures: &[] };
        let own = Setting { prompt: Some("In five words:".into()), ..Setting::default() };
        assert_eq!(prompt(&own, &subject(Some("French"))), "In five words:\nThe lighthouse.");
        for (language, wanted) in
            [(Some("French"), "in French,"), (Some("English"), "language of the text"), (None, "language of the text")]
        {
            let told = prompt(&Setting::default(), &subject(language));
            assert!(told.contains(wanted) && told.ends_with("\nThe lighthouse."), "{told}");
        }
    }
}
