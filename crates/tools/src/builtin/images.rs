//! Pictures by the OpenAI forms of `POST /images/generations` and `/images/edits`, for the providers that have them.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use ox_net::{Class, Limits, Method, Request};
use ox_nodes::CallMessage;
use ox_types::Json;
use serde_json::{Map, json};

use crate::{
    Call, Field,
    call::{limits, told},
    openapi::{Attachment, multipart},
    spec::Said,
};

const BASE: &str = "https://api.openai.com/v1";
/// Pictures of one call.
pub const MOST: u32 = 10;
const TIME: Duration = Duration::from_secs(300);
/// Ten large pictures, written as text.
const MAX_ANSWER: u64 = 128 * 1024 * 1024;
const MAX_PICTURE: u64 = 32 * 1024 * 1024;
/// Pictures that are worked from.
const MOST_GIVEN: usize = 16;
const GENERATIONS: &str = "/images/generations";
const EDITS: &str = "/images/edits";

/// What such a provider asks for.
pub const FORM: &[Field] = &[
    Field::key("openai_api_key", ("OpenAI API key", "OpenAI API 密钥"), "https://platform.openai.com/account/api-keys"),
    Field::address("openai_base_url", ("Base URL", "基础 URL"), BASE).or(BASE),
    optional("openai_organization_id", ("Organization ID", "组织 ID"), ("org-…", "org-…")),
    optional(
        "image_model",
        ("Model at the server", "服务端的模型"),
        ("If another than the tool's is asked", "如需使用其他模型请填写"),
    ),
];

const fn optional(
    name: &'static str,
    label: (&'static str, &'static str),
    placeholder: (&'static str, &'static str),
) -> Field {
    Field { required: false, label, placeholder, ..Field::address(name, label, "") }
}

/// What is asked for.
pub struct Wanted {
    pub model: String,
    /// Fields of the request beside model, prompt and number.
    pub fields: Map<String, Json>,
    pub count: u32,
    /// The model makes one picture in a request.
    pub is_single: bool,
}

/// Asks for pictures; each is a file.
pub async fn make(call: &Call, wanted: Wanted) -> Said {
    let prompt = call.arguments.required("prompt")?;
    let Wanted { model, mut fields, count, is_single } = wanted;
    let model = call.credential("image_model").map_or(model, str::to_owned);
    let count = count.clamp(1, MOST);
    let (requests, each) = if is_single { (count, 1) } else { (1, count) };
    fields.insert("model".to_owned(), model.as_str().into());
    fields.insert("prompt".to_owned(), prompt.into());
    fields.insert("n".to_owned(), each.into());
    let body = Json::Object(fields).to_string();
    let asked: Vec<_> = (0..requests).map(|_| ask(call, body.clone())).collect();
    let answers = futures::future::try_join_all(asked).await?;
    pictures(call, &model, &answers).await
}

/// Asks for pictures that are made of others.
pub async fn edit(call: &Call, wanted: Wanted) -> Said {
    let prompt = call.arguments.required("prompt")?;
    let Wanted { model, mut fields, count, .. } = wanted;
    let model = call.credential("image_model").map_or(model, str::to_owned);
    let given = call.arguments.files("image");
    if given.is_empty() {
        return Err("No image is given: choose the images to work from (image).".to_owned());
    }
    if given.len() > MOST_GIVEN {
        return Err(format!("At most {MOST_GIVEN} images can be worked from."));
    }
    let mask = call.arguments.files("mask");
    let mut files = BTreeMap::from([("image[]".to_owned(), typed(given)?)]);
    // In a form a file stands in the place of the value of its name.
    fields.insert("image[]".to_owned(), Json::Null);
    if let Some(mask) = mask.first() {
        files.insert("mask".to_owned(), typed(std::slice::from_ref(mask))?);
        fields.insert("mask".to_owned(), Json::Null);
    }
    fields.insert("model".to_owned(), model.as_str().into());
    fields.insert("prompt".to_owned(), prompt.into());
    fields.insert("n".to_owned(), count.clamp(1, MOST).into());
    let (kind, body) = multipart(&fields, &files);
    let request = Request::new(Class::Tool, Method::POST, address(call, EDITS));
    let mut request = request.header("content-type", &kind).map_err(|error| error.to_string())?;
    request.body = body;
    let answer = send(call, request).await?;
    pictures(call, &model, &[answer]).await
}

/// Files that are pictures, by their first bytes.
fn typed(files: &[Attachment]) -> Result<Vec<Attachment>, String> {
    let one = |file: &Attachment| match kind(&file.bytes) {
        Some((mime, _)) => Ok(Attachment { mime: mime.to_owned(), ..file.clone() }),
        None => Err(format!("The file '{}' is not an image that is understood.", file.filename)),
    };
    files.iter().map(one).collect()
}

/// The pictures of answers, as files.
async fn pictures(call: &Call, model: &str, answers: &[Json]) -> Said {
    let (mut files, mut revised) = (Vec::new(), Vec::new());
    for answer in answers {
        let items = answer.get("data").and_then(Json::as_array);
        let items =
            items.ok_or_else(|| format!("The service answered without images: {}", told(&answer.to_string())))?;
        for item in items.iter().take(usize::try_from(MOST).unwrap_or(1)) {
            let bytes = picture(call, item).await?;
            let (mime, ending) = kind(&bytes).ok_or("The service answered with something else than an image.")?;
            let filename = Some(format!("image-{}.{ending}", files.len() + 1));
            files.push(CallMessage::Blob { bytes, mime: mime.to_owned(), filename });
            revised.extend(item.get("revised_prompt").filter(|prompt| prompt.is_string()).cloned());
        }
    }
    let text = match files.len() {
        0 => return Err("The service made no image.".to_owned()),
        1 => "1 image was made.".to_owned(),
        number => format!("{number} images were made."),
    };
    let usage: Vec<&Json> = answers.iter().filter_map(|answer| answer.get("usage")).collect();
    let about = json!({"model": model, "images": files.len(), "revised_prompts": revised, "usage": usage});
    let mut said = vec![CallMessage::Text(text), CallMessage::Json(about)];
    said.append(&mut files);
    Ok(said)
}

async fn ask(call: &Call, body: String) -> Result<Json, String> {
    send(call, Request::post_json(Class::Tool, address(call, GENERATIONS), body)).await
}

/// Where something is asked for.
fn address(call: &Call, path: &str) -> String {
    let base = call.credential("openai_base_url").unwrap_or(BASE).trim_end_matches('/');
    let base = [GENERATIONS, EDITS].iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
    let last = base.rsplit('/').next().unwrap_or_default();
    let versioned = last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    // Compat: the address was once written without its version.
    let version = if versioned { "" } else { "/v1" };
    format!("{base}{version}{path}")
}

async fn send(call: &Call, request: Request) -> Result<Json, String> {
    let mut request = request
        .secret_header("authorization", &format!("Bearer {}", call.credential("openai_api_key")?))
        .map_err(|error| error.to_string())?;
    if let Ok(organization) = call.credential("openai_organization_id") {
        request = request.header("openai-organization", organization).map_err(|error| error.to_string())?;
    }
    call.fetch_json("The image service", request.limits(Limits { body: MAX_ANSWER, ..limits(TIME) })).await
}

/// The bytes of a picture: in the answer, or behind an address.
async fn picture(call: &Call, item: &Json) -> Result<Bytes, String> {
    if let Some(text) = item.get("b64_json").and_then(Json::as_str) {
        let bytes = STANDARD.decode(text).map_err(|_| "An image of the answer cannot be read.".to_owned())?;
        return Ok(bytes.into());
    }
    let url = item.get("url").and_then(Json::as_str).ok_or("An image of the answer is missing.")?;
    let answer = call.fetch(Call::get(url).limits(Limits { body: MAX_PICTURE, ..limits(TIME) })).await?;
    if !answer.status.is_success() {
        return Err(format!("An image could not be fetched: HTTP {}", answer.status));
    }
    Ok(answer.bytes)
}

/// MIME type and ending of a picture, by its first bytes.
fn kind(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some(("image/png", "png")),
        [0xff, 0xd8, 0xff, ..] => Some(("image/jpeg", "jpg")),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(("image/webp", "webp")),
        [b'G', b'I', b'F', b'8', ..] => Some(("image/gif", "gif")),
        _ => None,
    }
}
