//! Stores of the S3 form: AWS, MinIO, Cloudflare R2 and others. Buckets stand in the path, which all of them take.

use async_trait::async_trait;
use chrono::Utc;
use ox_models::aws::{self, Service, escaped};
use ox_net::{Class, Limits, NetError, Request, Response};
use ox_types::Json;
use serde_json::json;

use super::{
    Drive, Entry, Found, Listing, Place, file_limits, last, listing_limits, refused, send, tree, unescaped, xml,
};
use crate::{
    Error, Result, Services,
    knowledge::sources::{Key, Provider},
};

const PROVIDER: Provider = Provider::S3;
/// Buckets that are told.
const MAX_BUCKETS: usize = 1000;

pub struct S3;

#[async_trait]
impl Drive for S3 {
    fn provider(&self) -> Provider {
        PROVIDER
    }

    async fn check(&self, services: &Services, key: &Key) -> Result<()> {
        let place = Place { max: 1, ..Place::default() };
        self.browse(services, key, &place).await.map(|_| ())
    }

    async fn browse(&self, services: &Services, key: &Key, place: &Place) -> Result<Found> {
        let own = key.plain("bucket");
        if place.bucket.is_empty() && own.is_empty() {
            return buckets(services, key).await;
        }
        let bucket = bucket_of(key, &place.bucket)?;
        let prefix = folder(&place.prefix);
        let max = place.max.to_string();
        let mut query = vec![
            ("delimiter", "/"),
            ("encoding-type", "url"),
            ("list-type", "2"),
            ("max-keys", max.as_str()),
            ("prefix", prefix.as_str()),
        ];
        if let Some(token) = place.next.get("continuation_token").and_then(Json::as_str) {
            query.push(("continuation-token", token));
        }
        let answer = call(services, key, &format!("/{bucket}"), &query, listing_limits()).await?;
        let root = tree(PROVIDER, answer).await?;
        Ok(Found::Entries(listing(&root, bucket, &prefix)))
    }

    async fn fetch(&self, services: &Services, key: &Key, bucket: &str, id: &str) -> Result<Response> {
        let bucket = bucket_of(key, bucket)?;
        let path: Vec<String> = id.split('/').map(escaped).collect();
        call(services, key, &format!("/{bucket}/{}", path.join("/")), &[], file_limits(services)).await
    }
}

/// The bucket that is meant: a credential for one bucket opens no other.
fn bucket_of<'a>(key: &'a Key, asked: &'a str) -> Result<&'a str> {
    let own = key.plain("bucket");
    if !own.is_empty() && !asked.is_empty() && own != asked {
        return Err(Error::invalid(format!("The key is for the bucket {own}.")));
    }
    let bucket = if own.is_empty() { asked } else { own };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if (3..=63).contains(&bucket.len()) && bucket.bytes().all(fits) {
        Ok(bucket)
    } else {
        Err(Error::invalid_field("bucket", format!("'{bucket}' is no name of a bucket.")))
    }
}

/// A folder's prefix ends with a slash.
fn folder(prefix: &str) -> String {
    if prefix.is_empty() || prefix.ends_with('/') { prefix.to_owned() } else { format!("{prefix}/") }
}

/// The own address of a store, or that of Amazon in the region.
fn endpoint(key: &Key) -> Result<String> {
    let region = region(key)?;
    if !key.base_url.is_empty() {
        return Ok(key.base_url.clone());
    }
    let end = if region.starts_with("cn-") { ".cn" } else { "" };
    Ok(format!("https://s3.{region}.amazonaws.com{end}"))
}

fn region(key: &Key) -> Result<&str> {
    let region = key.plain("region_name");
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=40).contains(&region.len()) && region.bytes().all(fits) {
        Ok(region)
    } else {
        Err(Error::invalid_field("region_name", format!("'{region}' is no name of a region.")))
    }
}

/// A signed GET; what is no success is told.
async fn call(services: &Services, key: &Key, path: &str, query: &[(&str, &str)], limits: Limits) -> Result<Response> {
    let query: Vec<String> =
        query.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let url = format!("{}{path}{mark}{}", endpoint(key)?, query.join("&"));
    let wrong = |error: NetError| Error::invalid(error.to_string());
    let mut request = Request::get(Class::ExternalApi, url).limits(limits);
    let keys = aws::Keys { access: key.plain("access_key_id"), secret: &key.secret, session: None };
    let headers = aws::headers(&request, &keys, (Service::S3, region(key)?), Utc::now());
    let headers = headers.ok_or_else(|| Error::invalid_field("base_url", "The endpoint is no address."))?;
    for (name, value) in headers {
        request = match name {
            "authorization" => request.secret_header(name, &value),
            _ => request.header(name, &value),
        }
        .map_err(wrong)?;
    }
    let answer = send(services, key.tenant, PROVIDER, request).await?;
    let status = answer.status.as_u16();
    if status == 200 {
        return Ok(answer);
    }
    let said = answer.text().await.unwrap_or_default();
    Err(refused(PROVIDER, status, &told(&said)))
}

/// What an error in XML says.
fn told(text: &str) -> String {
    let Some(error) = xml::read(text).filter(|error| error.name == "Error") else { return String::new() };
    let (code, message) = (error.text_of("Code"), error.text_of("Message"));
    match error.text_of("Region") {
        "" => format!("{code} {message}"),
        region => format!("{code} {message} The region is {region}."),
    }
}

async fn buckets(services: &Services, key: &Key) -> Result<Found> {
    let answer = call(services, key, "/", &[], listing_limits()).await?;
    let root = tree(PROVIDER, answer).await?;
    let all = root.child("Buckets").into_iter().flat_map(|list| list.all("Bucket"));
    let names = all.map(|bucket| bucket.text_of("Name").to_owned()).filter(|name| !name.is_empty());
    Ok(Found::Buckets(names.take(MAX_BUCKETS).collect()))
}

fn listing(root: &xml::Element, bucket: &str, prefix: &str) -> Listing {
    let is_escaped = root.text_of("EncodingType") == "url";
    let plain = |element: &xml::Element, name: &str| {
        let text = element.child(name).map(|child| child.text.as_str()).unwrap_or_default();
        if is_escaped { unescaped(text, true) } else { Some(text.to_owned()) }
    };
    let entry = |id: String, size: u64, is_folder: bool| {
        let name = last(&id).to_owned();
        (id != prefix && !name.is_empty()).then_some(Entry { id, name, size, is_folder })
    };
    let folders = root.all("CommonPrefixes").filter_map(|one| entry(plain(one, "Prefix")?, 0, true));
    let files = root.all("Contents").filter_map(|one| {
        // A folder that some tools keep as an empty object.
        let id = plain(one, "Key").filter(|id| !id.ends_with('/'))?;
        entry(id, one.text_of("Size").parse().unwrap_or_default(), false)
    });
    let token = root.text_of("NextContinuationToken");
    let has_more = root.text_of("IsTruncated") == "true" && !token.is_empty();
    Listing {
        bucket: bucket.to_owned(),
        entries: folders.chain(files).collect(),
        next: has_more.then(|| json!({"continuation_token": token})),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ox_types::TenantId;
    use uuid::Uuid;

    use super::*;

    fn key(region: &str, base_url: &str, bucket: &str) -> Key {
        let plain = [("region_name", region), ("bucket", bucket)].map(|(name, text)| (name, text.to_owned()));
        Key {
            tenant: TenantId(Uuid::nil()),
            id: Uuid::nil(),
            provider: PROVIDER,
            secret: String::new(),
            base_url: base_url.to_owned(),
            plain: BTreeMap::from(plain),
        }
    }

    #[test]
    fn addresses_and_buckets() {
        for (region, base, expected) in [
            ("eu-west-1", "", Some("https://s3.eu-west-1.amazonaws.com")),
            ("cn-north-1", "", Some("https://s3.cn-north-1.amazonaws.com.cn")),
            ("auto", "https://x.r2.cloudflarestorage.com", Some("https://x.r2.cloudflarestorage.com")),
            ("evil.example/", "", None),
            ("", "", None),
        ] {
            assert_eq!(endpoint(&key(region, base, "")).ok().as_deref(), expected, "{region}");
        }
        for (own, asked, expected) in [
            ("", "owls", Some("owls")),
            ("owls", "", Some("owls")),
            ("owls", "foxes", None),
            ("", "a/b", None),
            ("", "..", None),
        ] {
            assert_eq!(bucket_of(&key("auto", "", own), asked).ok(), expected, "{own} {asked}");
        }
    }

    #[test]
    fn lists_are_read() {
        let root = xml::read(
            "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
             <NextContinuationToken>t+1=</NextContinuationToken>\
             <Contents><Key>a+b/</Key><Size>0</Size></Contents>\
             <Contents><Key>a+b/%E5%A4%9C%2B.txt</Key><Size>12</Size></Contents>\
             <CommonPrefixes><Prefix>a+b/sub/</Prefix></CommonPrefixes></ListBucketResult>",
        )
        .unwrap();
        let found = listing(&root, "owls", "a b/");
        let told: Vec<(&str, &str, u64, bool)> = found
            .entries
            .iter()
            .map(|entry| (entry.id.as_str(), entry.name.as_str(), entry.size, entry.is_folder))
            .collect();
        assert_eq!(told, [("a b/sub/", "sub", 0, true), ("a b/夜+.txt", "夜+.txt", 12, false)]);
        assert_eq!(found.next, Some(json!({"continuation_token": "t+1="})));
    }

    #[test]
    fn errors_are_told() {
        let text =
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>No.</Message><Region>eu-west-1</Region></Error>";
        assert_eq!(told(text), "AuthorizationHeaderMalformed No. The region is eu-west-1.");
        assert_eq!(told("<html>x</html>"), "");
    }
}
