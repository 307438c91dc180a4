//! Drives whose files become documents: looking into their folders and fetching files, one file for each kind.

mod s3;
mod webdav;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ox_net::{Limits, NetError, Request, Response};
use ox_types::{Json, TenantId, boxed};
use serde_json::json;

use super::{Key, Provider, xml};
use crate::{Error, Result, Services, files::mime_of};

const CONNECT: Duration = Duration::from_secs(5);
/// For a look into a folder.
const LOOK: Duration = Duration::from_secs(60);
/// For a whole file.
const FETCH: Duration = Duration::from_secs(600);
/// Bytes of what a folder is told with.
const MAX_LISTING: u64 = 16 * 1024 * 1024;
/// Entries of one answer, when nobody says how many, and at most.
const USUAL_ENTRIES: usize = 30;
const MAX_ENTRIES: usize = 200;
/// Characters of a path.
const MAX_PATH: usize = 2048;
/// Characters of a refusal that are passed on.
const MAX_TOLD: usize = 300;
const UNKNOWN: &str = "application/octet-stream";

/// A kind of drive.
#[async_trait]
trait Drive: Send + Sync {
    fn provider(&self) -> Provider;

    /// Asks whether a credential is taken.
    async fn check(&self, services: &Services, key: &Key) -> Result<()>;

    /// Looks into a folder, or tells the buckets.
    async fn browse(&self, services: &Services, key: &Key, place: &Place) -> Result<Found>;

    /// Fetches a file.
    async fn fetch(&self, services: &Services, key: &Key, bucket: &str, id: &str) -> Result<Response>;
}

/// Every kind of drive.
const DRIVES: [&dyn Drive; 2] = [&s3::S3, &webdav::WebDav];

/// What is to be looked into.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    pub bucket: String,
    /// The folder's id; empty at the top.
    pub prefix: String,
    pub max: usize,
    /// What the answer before gave to go on with.
    pub next: Json,
}

impl Place {
    /// As it is asked for: `{bucket?, prefix, max_keys, next_page_parameters?}`.
    ///
    /// # Errors
    /// 400 for what is no path.
    pub fn read(inputs: &Json) -> Result<Self> {
        let text = |name: &str| inputs.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let max = inputs.get("max_keys").and_then(Json::as_u64).and_then(|max| usize::try_from(max).ok());
        let prefix = checked_path(&text("prefix"))?;
        Ok(Self {
            bucket: text("bucket"),
            prefix,
            max: max.unwrap_or(USUAL_ENTRIES).clamp(1, MAX_ENTRIES),
            next: inputs.get("next_page_parameters").cloned().unwrap_or_default(),
        })
    }
}

/// A file or folder of a drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    pub name: String,
    /// Bytes; 0 for a folder.
    pub size: u64,
    pub is_folder: bool,
}

/// A part of what is in a folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// Empty for a drive without buckets.
    pub bucket: String,
    pub entries: Vec<Entry>,
    /// What the next part is asked for with.
    pub next: Option<Json>,
}

/// What a look finds.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// A bucket has to be chosen first.
    Buckets(Vec<String>),
    Entries(Listing),
}

impl Found {
    /// How much it is.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Buckets(names) => names.len(),
            Self::Entries(listing) => listing.entries.len(),
        }
    }

    /// As it is told: buckets are lists without files.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let listing = |bucket: Option<&str>, files: Vec<Json>, next: Option<&Json>| {
            json!({"bucket": bucket, "files": files, "is_truncated": next.is_some(),
                "next_page_parameters": next.cloned().unwrap_or_else(|| json!({}))})
        };
        match self {
            Self::Buckets(names) => names.iter().map(|name| listing(Some(name), Vec::new(), None)).collect(),
            Self::Entries(found) => {
                let file = |entry: &Entry| {
                    json!({"id": entry.id, "name": entry.name, "size": entry.size,
                        "type": if entry.is_folder { "folder" } else { "file" }})
                };
                let bucket = Some(found.bucket.as_str()).filter(|bucket| !bucket.is_empty());
                json!([listing(bucket, found.entries.iter().map(file).collect(), found.next.as_ref())])
            }
        }
    }
}

/// A file that was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub name: String,
    pub mime: String,
    pub bytes: Bytes,
}

fn of(provider: Provider) -> Result<&'static dyn Drive> {
    let found = DRIVES.into_iter().find(|drive| drive.provider() == provider);
    found.ok_or_else(|| Error::invalid(format!("{} is no drive.", provider.label())))
}

/// Asks a drive whether it takes a credential.
///
/// # Errors
/// 400 with what it says.
#[boxed]
pub async fn check(services: &Services, key: &Key) -> Result<()> {
    of(key.provider)?.check(services, key).await
}

/// Looks into a folder of a drive.
///
/// # Errors
/// 400 with what the drive says.
#[boxed]
pub async fn browse(services: &Services, key: &Key, place: &Place) -> Result<Found> {
    of(key.provider)?.browse(services, key, place).await
}

/// Fetches a file of a drive, under a name that can be kept.
///
/// # Errors
/// 400 with what the drive says, 413 when it is too large.
#[boxed]
pub async fn fetch(services: &Services, key: &Key, bucket: &str, id: &str) -> Result<Fetched> {
    let id = checked_path(id)?;
    if id.is_empty() || id.ends_with('/') {
        return Err(Error::invalid("Only files of a drive can be read, not folders."));
    }
    let answer = of(key.provider)?.fetch(services, key, bucket, &id).await?;
    let told = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok());
    let told = told.and_then(|kind| kind.split(';').next()).map(|kind| kind.trim().to_ascii_lowercase());
    let told = told.filter(|kind| kind.contains('/') && !kind.ends_with("/octet-stream"));
    let name = safe_name(last(&id));
    let mime = mime_of(&name).map(str::to_owned).or(told).unwrap_or_else(|| UNKNOWN.to_owned());
    let bytes = answer.bytes().await.map_err(|error| failed(key.provider, error))?;
    Ok(Fetched { name, mime, bytes })
}

/// A path of a drive. Steps to the folder above and to the same one never reach a server: addresses are shortened by
/// them.
fn checked_path(path: &str) -> Result<String> {
    let is_path =
        path.len() <= MAX_PATH && !path.contains('\0') && !path.split('/').any(|step| step == "." || step == "..");
    if is_path { Ok(path.to_owned()) } else { Err(Error::invalid("This is no path of a drive.")) }
}

/// The last step of a path.
fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// A name that files can have here.
#[must_use]
pub fn safe_name(name: &str) -> String {
    let is_bad = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    let name: String = name.chars().map(|c| if is_bad(c) { '_' } else { c }).collect();
    let name = name.trim();
    if name.chars().all(|c| c == '.') { "file".to_owned() } else { name.to_owned() }
}

/// A text of an address without its escapes; nothing when it is not UTF-8 then.
fn unescaped(text: &str, plus_is_space: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' if plus_is_space => out.push(b' '),
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let value = digit()? * 16 + digit()?;
                out.push(u8::try_from(value).ok()?);
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

const fn limits(total: Duration, body: u64) -> Limits {
    Limits { connect: CONNECT, first_byte: LOOK, read: LOOK, total, body }
}

fn listing_limits() -> Limits {
    limits(LOOK, MAX_LISTING)
}

fn file_limits(services: &Services) -> Limits {
    limits(FETCH, services.files.largest())
}

fn failed(provider: Provider, error: NetError) -> Error {
    match error {
        NetError::Denied(denied) => Error::invalid(denied.to_string()),
        NetError::TooLarge { limit, .. } => {
            let text = format!("File size exceeded. The limit is {} MB.", limit / 1024 / 1024);
            Error::new(413, "file_too_large", text)
        }
        other => Error::invalid(format!("{} cannot be reached: {other}", provider.label())).caused_by(other),
    }
}

/// Sends a request. No redirect is followed: a credential is for the address that it was entered with.
async fn send(services: &Services, tenant: TenantId, provider: Provider, request: Request) -> Result<Response> {
    let request = Request { follow_redirects: false, ..request };
    services.outbound.of(tenant).await?.send(request).await.map_err(|error| failed(provider, error))
}

/// The answer in XML.
async fn tree(provider: Provider, answer: Response) -> Result<xml::Element> {
    let text = answer.text().await.map_err(|error| failed(provider, error))?;
    let not_agreed = || Error::invalid(format!("The answer of {} is not as agreed.", provider.label()));
    xml::read(&text).ok_or_else(not_agreed)
}

/// What a refusal says, in few words.
fn refused(provider: Provider, status: u16, said: &str) -> Error {
    let why = match status {
        301 | 302 | 303 | 307 | 308 => "is at another address",
        401 | 403 => "does not take the key",
        404 => "does not have this",
        429 | 503 => "is asked too often",
        _ => "refuses",
    };
    let said: String = said.trim().replace('\0', "").chars().take(MAX_TOLD).collect();
    let text = format!("{} {why} (code {status}): {said}", provider.label());
    Error::invalid(text.trim_end_matches([':', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_drive_is_known() {
        let all: Vec<Provider> =
            Provider::ALL.into_iter().filter(|provider| provider.kind() == "online_drive").collect();
        assert_eq!(DRIVES.iter().map(|drive| drive.provider()).collect::<Vec<_>>(), all);
        assert!(of(Provider::Notion).is_err());
    }

    #[test]
    fn names_and_paths_are_safe() {
        for (name, safe) in [
            ("a.pdf", "a.pdf"),
            ("a:b?.txt", "a_b_.txt"),
            ("..\\x\n.md", ".._x_.md"),
            ("...", "file"),
            (" ", "file"),
            ("夜 鸟.docx", "夜 鸟.docx"),
        ] {
            assert_eq!(safe_name(name), safe);
        }
        for (path, is_one) in
            [("", true), ("a/b.txt", true), ("a/../b", false), ("./a", false), ("a\0", false), ("a..b/c", true)]
        {
            assert_eq!(checked_path(path).is_ok(), is_one, "{path}");
        }
        for (text, plus, plain) in [
            ("a%20b+c", true, Some("a b c")),
            ("a%20b+c", false, Some("a b+c")),
            ("%e4%BD%a0", false, Some("你")),
            ("%ff", false, None),
            ("100%", false, None),
        ] {
            assert_eq!(unescaped(text, plus).as_deref(), plain, "{text}");
        }
    }

    #[test]
    fn places_and_lists_have_the_form_of_the_wire() {
        let place = Place::read(&json!({"bucket": "b", "prefix": "x/", "max_keys": 9000})).unwrap();
        assert_eq!((place.bucket.as_str(), place.prefix.as_str(), place.max), ("b", "x/", MAX_ENTRIES));
        assert_eq!(Place::read(&json!({})).unwrap().max, USUAL_ENTRIES);
        assert!(Place::read(&json!({"prefix": "../"})).is_err());
        let told = Found::Buckets(vec!["one".into()]).to_json();
        assert_eq!(told, json!([{"bucket": "one", "files": [], "is_truncated": false, "next_page_parameters": {}}]));
        let entry = Entry { id: "x/a.txt".into(), name: "a.txt".into(), size: 3, is_folder: false };
        let found =
            Found::Entries(Listing { entries: vec![entry], next: Some(json!({"offset": 1})), ..Listing::default() });
        assert_eq!(
            found.to_json(),
            json!([{"bucket": null, "files": [{"id": "x/a.txt", "name": "a.txt", "size": 3, "type": "file"}],
                "is_truncated": true, "next_page_parameters": {"offset": 1}}])
        );
    }

    #[test]
    fn refusals_are_short() {
        let error = refused(Provider::S3, 403, &"x".repeat(1000));
        assert!(error.message.starts_with("S3 does not take the key (code 403): xxx") && error.message.len() < 400);
        assert_eq!(refused(Provider::WebDav, 302, "").message, "WebDAV is at another address (code 302)");
    }
}
