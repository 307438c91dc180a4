//! Signature version 4 of AWS, as far as Bedrock and stores of the S3 form need it.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use ox_net::Request;
use sha2::{Digest, Sha256};

/// Whose signature it is: services differ in what they sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Bedrock,
    S3,
}

impl Service {
    const fn name(self) -> &'static str {
        match self {
            Self::Bedrock => "bedrock",
            Self::S3 => "s3",
        }
    }
}

/// With what is signed.
pub struct Keys<'a> {
    pub access: &'a str,
    pub secret: &'a str,
    pub session: Option<&'a str>,
}

/// The headers that make a request a signed one; `None` when its address is no URL.
#[must_use]
pub fn headers(
    request: &Request,
    keys: &Keys<'_>,
    (service, region): (Service, &str),
    now: DateTime<Utc>,
) -> Option<Vec<(&'static str, String)>> {
    let url = url::Url::parse(&request.url).ok()?;
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str()?),
        None => url.host_str()?.to_owned(),
    };
    let digest = hex::encode(Sha256::digest(&request.body));
    let (date, time) = (now.format("%Y%m%d").to_string(), now.format("%Y%m%dT%H%M%SZ").to_string());
    // In the order of their names.
    let mut signed = Vec::new();
    if let Some(kind) = request.headers.get("content-type").and_then(|value| value.to_str().ok()) {
        signed.push(("content-type", kind.to_owned()));
    }
    signed.push(("host", host));
    if service == Service::S3 {
        signed.push(("x-amz-content-sha256", digest.clone()));
    }
    signed.push(("x-amz-date", time.clone()));
    signed.extend(keys.session.map(|session| ("x-amz-security-token", session.to_owned())));
    let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String = signed.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let mut query: Vec<String> =
        url.query_pairs().map(|(name, value)| format!("{}={}", escaped(&name), escaped(&value))).collect();
    query.sort();
    // Everywhere but at S3 the path is escaped a second time for the signature.
    let path = match service {
        Service::S3 => url.path().to_owned(),
        Service::Bedrock => url.path().split('/').map(escaped).collect::<Vec<_>>().join("/"),
    };
    let canonical = format!("{}\n{path}\n{}\n{lines}\n{names}\n{digest}", request.method, query.join("&"));
    let service_name = service.name();
    let scope = format!("{date}/{region}/{service_name}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let key = mac(format!("AWS4{}", keys.secret).as_bytes(), &date)?;
    let key = [region, service_name, "aws4_request"].iter().try_fold(key, |key, part| mac(&key, part))?;
    let signature = hex::encode(mac(&key, &text)?);
    let credential = format!("{}/{scope}", keys.access);
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}");
    let mut out = vec![("authorization", authorization), ("x-amz-date", time)];
    if service == Service::S3 {
        out.push(("x-amz-content-sha256", digest));
    }
    out.extend(keys.session.map(|session| ("x-amz-security-token", session.to_owned())));
    Some(out)
}

fn mac(key: &[u8], text: &str) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text.as_bytes());
    Some(mac.finalize().into_bytes().to_vec())
}

/// A text as one part of a path.
#[must_use]
pub fn escaped(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;
    use ox_net::Class;

    use super::*;

    #[test]
    fn signatures_are_those_of_botocore() {
        // Made by botocore 1.44.5 for the same requests.
        for (url, body, session, names, signature) in [
            (
                "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
                "{\"messages\":[]}",
                None,
                "content-type;host;x-amz-date",
                "9c3937aa6cc305dceb8340c7b6e7c919453dc764a8dfb05d7df32d4797ed96d7",
            ),
            (
                "http://127.0.0.1:8123/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse",
                "{}",
                Some("SESSION/TOKEN=="),
                "content-type;host;x-amz-date;x-amz-security-token",
                "35831516564df40217579d0cae9a93c8eb17e688de7d43d8249956f3b6bf0b41",
            ),
        ] {
            let request = Request::post_json(Class::Model, url, body);
            let keys = Keys { access: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", session };
            let now = Utc.with_ymd_and_hms(2026, 11, 22, 8, 0, 0).unwrap();
            let headers = headers(&request, &keys, (Service::Bedrock, "us-east-1"), now).unwrap();
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-east-1/bedrock/aws4_request, SignedHeaders={names}, Signature={signature}"
            );
            assert_eq!(headers[0], ("authorization", expected));
            assert_eq!(headers.len(), if session.is_some() { 3 } else { 2 });
        }
        assert_eq!(escaped("a:b/c d"), "a%3Ab%2Fc%20d");
    }

    #[test]
    fn signatures_of_s3_are_those_that_amazon_shows() {
        for (url, signature) in [
            // The example of Amazon's description.
            (
                "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J",
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
            // The path is signed as it is sent.
            (
                "http://127.0.0.1:9000/box/a%20b/%C3%A4%2Bc.txt",
                "62e42f120f7e143906b95bf5cce75a38021ebacdab98c2422486859656f3f75d",
            ),
        ] {
            let request = Request::get(Class::ExternalApi, url);
            let keys = Keys {
                access: "AKIAIOSFODNN7EXAMPLE",
                secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                session: None,
            };
            let now = Utc.with_ymd_and_hms(2013, 5, 24, 0, 0, 0).unwrap();
            let headers = headers(&request, &keys, (Service::S3, "us-east-1"), now).unwrap();
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
            );
            assert_eq!(headers[0], ("authorization", expected), "{url}");
            let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
            assert_eq!(headers[2], ("x-amz-content-sha256", empty.to_owned()), "{url}");
        }
    }
}
