//! WebDAV with a name and a password: Nextcloud, ownCloud and others.

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ox_models::aws::escaped;
use ox_net::{Class, Limits, Method, NetError, Request, Response};
use ox_types::Json;
use serde_json::json;

use super::{Drive, Entry, Found, Listing, Place, file_limits, listing_limits, refused, send, tree, unescaped, xml};
use crate::{
    Error, Result, Services,
    knowledge::sources::{Key, Provider},
};

const PROVIDER: Provider = Provider::WebDav;
/// Entries of a folder that are looked at; the protocol has no pages.
const MAX_FOLDER: usize = 10_000;
const ASKED: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><d:propfind xmlns:d=\"DAV:\"><d:prop>\
    <d:resourcetype/><d:getcontentlength/></d:prop></d:propfind>";

pub struct WebDav;

#[async_trait]
impl Drive for WebDav {
    fn provider(&self) -> Provider {
        PROVIDER
    }

    async fn check(&self, services: &Services, key: &Key) -> Result<()> {
        let url = url::Url::parse(&key.base_url).ok();
        if !url.is_some_and(|url| url.query().is_none() && url.fragment().is_none() && url.username().is_empty()) {
            return Err(Error::invalid_field("base_url", "The address must be that of a folder, and nothing else."));
        }
        let root = find(services, key, "", "0").await?;
        if of_folder(&root, &key.base_url, "").is_none() {
            return Err(Error::invalid_field("base_url", "WebDAV has no folder at this address."));
        }
        Ok(())
    }

    async fn browse(&self, services: &Services, key: &Key, place: &Place) -> Result<Found> {
        let root = find(services, key, &place.prefix, "1").await?;
        let entries = entries(&root, &key.base_url, &place.prefix);
        let offset = place.next.get("offset").and_then(Json::as_u64);
        let offset = offset.and_then(|offset| usize::try_from(offset).ok()).unwrap_or_default();
        let end = offset.saturating_add(place.max);
        let next = (entries.len() > end).then(|| json!({"offset": end}));
        let entries = entries.into_iter().skip(offset).take(place.max).collect();
        Ok(Found::Entries(Listing { bucket: String::new(), entries, next }))
    }

    async fn fetch(&self, services: &Services, key: &Key, _: &str, id: &str) -> Result<Response> {
        let url = address(&key.base_url, id, false);
        let request = signed(key, Request::get(Class::ExternalApi, url), file_limits(services))?;
        let answer = send(services, key.tenant, PROVIDER, request).await?;
        expect(answer, 200).await
    }
}

/// The steps of a path.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|step| !step.is_empty())
}

fn address(base: &str, path: &str, is_folder: bool) -> String {
    let mut url = base.trim_end_matches('/').to_owned();
    for step in steps(path) {
        url.push('/');
        url.push_str(&escaped(step));
    }
    if is_folder {
        url.push('/');
    }
    url
}

fn signed(key: &Key, request: Request, limits: Limits) -> Result<Request> {
    let wrong = |error: NetError| Error::invalid(error.to_string());
    let pair = BASE64_STANDARD.encode(format!("{}:{}", key.plain("username"), key.secret));
    Ok(request.secret_header("authorization", &format!("Basic {pair}")).map_err(wrong)?.limits(limits))
}

async fn expect(answer: Response, wanted: u16) -> Result<Response> {
    let status = answer.status.as_u16();
    if status == wanted {
        return Ok(answer);
    }
    let said = answer.text().await.unwrap_or_default();
    let said = xml::read(&said).map(|error| error.text_of("message").to_owned()).unwrap_or_default();
    Err(refused(PROVIDER, status, &said))
}

/// What is told of a folder (`depth` 0), and of what is in it (1).
async fn find(services: &Services, key: &Key, path: &str, depth: &'static str) -> Result<xml::Element> {
    let wrong = |error: NetError| Error::invalid(error.to_string());
    let method = Method::from_bytes(b"PROPFIND").map_err(Error::internal)?;
    let mut request = Request::new(Class::ExternalApi, method, address(&key.base_url, path, true));
    request.body = ASKED.into();
    request = request.header("content-type", "application/xml; charset=utf-8").map_err(wrong)?;
    request = request.header("depth", depth).map_err(wrong)?;
    let request = signed(key, request, listing_limits())?;
    let answer = send(services, key.tenant, PROVIDER, request).await?;
    tree(PROVIDER, expect(answer, 207).await?).await
}

/// The steps of an address that a server tells, whatever name it has for itself.
fn path_of(base: &url::Url, href: &str) -> Option<Vec<String>> {
    let url = base.join(href.trim()).ok()?;
    steps(url.path()).map(|step| unescaped(step, false)).collect()
}

/// What was found of a resource.
fn properties(response: &xml::Element) -> Option<&xml::Element> {
    let is_found = |one: &&xml::Element| one.text_of("status").split(' ').nth(1) == Some("200");
    response.all("propstat").find(is_found)?.child("prop")
}

fn is_folder(properties: &xml::Element) -> bool {
    properties.child("resourcetype").is_some_and(|kind| kind.child("collection").is_some())
}

/// The folder itself among what is told; nothing when it is none.
fn of_folder<'a>(root: &'a xml::Element, base: &str, path: &str) -> Option<&'a xml::Element> {
    let own = url::Url::parse(&address(base, path, true)).ok()?;
    let wanted = path_of(&own, own.path())?;
    let found = root.all("response").find(|one| path_of(&own, one.text_of("href")).as_ref() == Some(&wanted))?;
    properties(found).filter(|properties| is_folder(properties))
}

/// What is right in a folder: folders first, then by name.
fn entries(root: &xml::Element, base: &str, path: &str) -> Vec<Entry> {
    let Some(own) = url::Url::parse(&address(base, path, true)).ok() else { return Vec::new() };
    let Some(above) = path_of(&own, own.path()) else { return Vec::new() };
    let folder: String = steps(path).map(|step| format!("{step}/")).collect();
    let entry = |one: &xml::Element| {
        let mut path = path_of(&own, one.text_of("href"))?;
        let name = path.pop()?;
        let properties = properties(one).filter(|_| path == above && !name.contains(['/', '\0']))?;
        let is_folder = is_folder(properties);
        let size = if is_folder { 0 } else { properties.text_of("getcontentlength").parse().unwrap_or_default() };
        let end = if is_folder { "/" } else { "" };
        Some(Entry { id: format!("{folder}{name}{end}"), name, size, is_folder })
    };
    let mut all: Vec<Entry> = root.all("response").filter_map(entry).take(MAX_FOLDER).collect();
    all.sort_by(|a, b| b.is_folder.cmp(&a.is_folder).then_with(|| a.name.cmp(&b.name)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://cloud.example/remote.php/dav/files/owl";

    #[test]
    fn addresses_are_escaped() {
        for (path, is_folder, end) in
            [("", true, "/"), ("a b/", true, "/a%20b/"), ("a b/ä#.txt", false, "/a%20b/%C3%A4%23.txt")]
        {
            assert_eq!(address(BASE, path, is_folder), format!("{BASE}{end}"));
        }
    }

    #[test]
    fn folders_are_read() {
        let of = |href: &str, prop: &str| {
            format!(
                "<d:response><d:href>{href}</d:href><d:propstat><d:prop>{prop}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
            )
        };
        let folder = "<d:resourcetype><d:collection/></d:resourcetype>";
        let text = [
            of("/remote.php/dav/files/owl/a%20b/", folder),
            of("/remote.php/dav/files/owl/a%20b/z.txt", "<d:resourcetype/><d:getcontentlength>7</d:getcontentlength>"),
            of("https://inside.example/remote.php/dav/files/owl/a%20b/%E5%A4%9C.md", "<d:resourcetype/>"),
            of("/remote.php/dav/files/owl/a%20b/sub/", folder),
            of("/elsewhere/x.txt", "<d:resourcetype/>"),
            of("/remote.php/dav/files/owl/a%20b/sub/deep.txt", "<d:resourcetype/>"),
        ];
        let root = xml::read(&format!("<d:multistatus xmlns:d=\"DAV:\">{}</d:multistatus>", text.join(""))).unwrap();
        let all = entries(&root, BASE, "a b/");
        let told: Vec<(&str, &str, u64)> =
            all.iter().map(|entry| (entry.id.as_str(), entry.name.as_str(), entry.size)).collect();
        assert_eq!(told, [("a b/sub/", "sub", 0), ("a b/z.txt", "z.txt", 7), ("a b/夜.md", "夜.md", 0)]);
        assert!(of_folder(&root, BASE, "a b").is_some());
        assert!(of_folder(&root, BASE, "a b/z.txt").is_none() && of_folder(&root, BASE, "").is_none());
    }
}
