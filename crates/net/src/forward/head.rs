//! Heads of requests and answers: strict in what is taken, so that both sides read the same message.

use std::io;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::framing::Framing;

pub const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 256;

/// Headers that concern one connection only.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Why a head is not taken.
#[derive(Debug)]
pub enum Fault {
    TooLarge,
    Malformed(&'static str),
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

type Headers = Vec<(String, Vec<u8>)>;

/// The head of a request.
#[derive(Debug)]
pub struct Head {
    pub method: String,
    pub target: String,
    /// HTTP/1.`minor`.
    pub minor: u8,
    headers: Headers,
    pub framing: Framing,
}

/// The head of an answer.
#[derive(Debug)]
pub struct AnswerHead {
    pub status: u16,
    phrase: String,
    headers: Headers,
}

/// Reads the next head; `None` when the client left before it began one.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<Option<Head>, Fault> {
    let Some(end) = read_head(stream, buffer).await? else { return Ok(None) };
    let head = parse_request(buffer.get(..end).unwrap_or_default())?;
    buffer.advance(end);
    Ok(Some(head))
}

/// Reads the head of an answer.
pub async fn read_answer(stream: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<AnswerHead, Fault> {
    let gone = || Fault::Io(io::ErrorKind::UnexpectedEof.into());
    let end = read_head(stream, buffer).await?.ok_or_else(gone)?;
    let mut space = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut space);
    let wrong = Fault::Malformed("the answer is not HTTP/1");
    match parsed.parse(buffer.get(..end).unwrap_or_default()) {
        Ok(httparse::Status::Complete(_)) => {}
        _ => return Err(wrong),
    }
    let head = AnswerHead {
        status: parsed.code.unwrap_or(502),
        phrase: parsed.reason.unwrap_or_default().to_owned(),
        headers: owned(parsed.headers),
    };
    buffer.advance(end);
    Ok(head)
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<Option<usize>, Fault> {
    let mut looked = 0;
    loop {
        let found = buffer.get(looked..).and_then(|rest| rest.windows(4).position(|window| window == b"\r\n\r\n"));
        if let Some(at) = found {
            let end = looked + at + 4;
            return if end > MAX_HEAD { Err(Fault::TooLarge) } else { Ok(Some(end)) };
        }
        if buffer.len() >= MAX_HEAD {
            return Err(Fault::TooLarge);
        }
        looked = buffer.len().saturating_sub(3);
        buffer.reserve(8192);
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() { Ok(None) } else { Err(Fault::Io(io::ErrorKind::UnexpectedEof.into())) };
        }
    }
}

fn owned(headers: &[httparse::Header<'_>]) -> Headers {
    headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec())).collect()
}

fn parse_request(bytes: &[u8]) -> Result<Head, Fault> {
    let mut space = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut space);
    match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Fault::TooLarge),
        _ => return Err(Fault::Malformed("the request is not HTTP/1")),
    }
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
        return Err(Fault::Malformed("the request is not HTTP/1"));
    };
    let headers = owned(parsed.headers);
    if all(&headers, "host").count() > 1 {
        return Err(Fault::Malformed("more than one Host header"));
    }
    let framing = Framing::of_request(all(&headers, "content-length"), all(&headers, "transfer-encoding"), minor)?;
    Ok(Head { method: method.to_owned(), target: target.to_owned(), minor, headers, framing })
}

fn all<'a>(headers: &'a Headers, name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_slice())
}

fn first(headers: &Headers, name: &str) -> Option<String> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

/// Headers without those of one connection, and without those named to be such.
fn end_to_end(headers: &Headers) -> impl Iterator<Item = &(String, Vec<u8>)> {
    let named: Vec<String> = headers
        .iter()
        .filter(|(name, _)| name == "connection" || name == "proxy-connection")
        .flat_map(|(_, value)| {
            let text = String::from_utf8_lossy(value).to_ascii_lowercase();
            text.split(',').map(|token| token.trim().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    headers
        .iter()
        .filter(move |(name, _)| !HOP_BY_HOP.contains(&name.as_str()) && (!named.contains(name) || is_framing(name)))
}

/// A `Connection` header must not make a message lose its length or its host.
fn is_framing(name: &str) -> bool {
    matches!(name, "content-length" | "host" | "authorization")
}

impl Head {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<String> {
        first(&self.headers, name)
    }

    /// The target without credentials and query.
    pub fn shown_target(&self) -> String {
        if self.method == "CONNECT" {
            self.target.chars().take(300).collect()
        } else {
            crate::target::shown(&self.target)
        }
    }

    /// Host and port it asks for, as far as they can be read.
    pub fn destination(&self) -> (String, Option<u16>) {
        let whole = if self.method == "CONNECT" { format!("https://{}/", self.target) } else { self.target.clone() };
        let Ok(url) = url::Url::parse(&whole) else { return (String::new(), None) };
        let host = url.host_str().unwrap_or_default().chars().take(255).collect();
        (host, url.port_or_known_default())
    }

    /// Whether the client wants the connection kept.
    pub fn keeps_alive(&self) -> bool {
        let wants = |name| self.header(name).unwrap_or_default().to_ascii_lowercase();
        let (own, proxy) = (wants("connection"), wants("proxy-connection"));
        let has = |word: &str| own.contains(word) || proxy.contains(word);
        if self.minor == 0 { has("keep-alive") } else { !has("close") }
    }

    fn credentials(&self) -> Option<String> {
        let header = self.header("proxy-authorization")?;
        let (scheme, value) = header.split_once(' ')?;
        let decoded = STANDARD.decode(value.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        String::from_utf8(decoded).ok()
    }

    /// The user name of the proxy credentials: who is told in the log.
    pub fn user(&self) -> Option<String> {
        Some(self.credentials()?.split(':').next()?.chars().take(100).collect())
    }

    /// Whether the proxy credentials are these.
    pub fn is_authorized(&self, expected: &str) -> bool {
        let given = self.credentials().unwrap_or_default();
        // Constant time in the length of what is expected.
        let same = expected.bytes().zip(given.bytes().chain(std::iter::repeat(0)));
        given.len() == expected.len() && same.fold(0_u8, |difference, (a, b)| difference | (a ^ b)) == 0
    }

    /// The head as it goes to the origin.
    pub fn to_origin(&self, url: &url::Url) -> Vec<u8> {
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        // The URL decides where it goes, so it also says for whom it is.
        let mut out = format!("{} {path} HTTP/1.{}\r\nHost: {host}\r\n", self.method, self.minor.min(1)).into_bytes();
        for (name, value) in end_to_end(&self.headers).filter(|(name, _)| name != "host") {
            line(&mut out, name, value);
        }
        if self.framing == Framing::Chunked {
            line(&mut out, "transfer-encoding", b"chunked");
        }
        line(&mut out, "via", b"1.1 oxidify-egress");
        line(&mut out, "connection", b"close");
        out.extend_from_slice(b"\r\n");
        out
    }
}

impl AnswerHead {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<String> {
        first(&self.headers, name)
    }

    /// Whether an egress proxy says no, in the words of the compatible system.
    pub fn is_refusal(&self) -> bool {
        let named = |name| self.header(name).is_some_and(|text| text.to_ascii_lowercase().contains("squid"));
        matches!(self.status, 401 | 403) && (named("server") || named("via"))
    }

    /// How the body of this answer ends.
    pub fn framing(&self, method: &str) -> Result<Framing, Fault> {
        if method == "HEAD" || self.status < 200 || matches!(self.status, 204 | 304) {
            return Ok(Framing::None);
        }
        Framing::of_answer(all(&self.headers, "content-length"), all(&self.headers, "transfer-encoding"))
    }

    /// The content type, without parameters.
    pub fn mime(&self) -> String {
        let kind = first(&self.headers, "content-type").unwrap_or_default();
        kind.split(';').next().unwrap_or_default().trim().chars().take(100).collect()
    }

    /// The head as it goes to the client.
    pub fn to_client(&self, framing: Framing, keep: bool) -> Vec<u8> {
        let mut out = format!("HTTP/1.1 {} {}\r\n", self.status, self.phrase).into_bytes();
        for (name, value) in end_to_end(&self.headers) {
            // With chunks, a length would be a second opinion.
            if framing != Framing::Chunked || name != "content-length" {
                line(&mut out, name, value);
            }
        }
        if self.status >= 200 {
            if framing == Framing::Chunked {
                line(&mut out, "transfer-encoding", b"chunked");
            }
            line(&mut out, "via", b"1.1 oxidify-egress");
            line(&mut out, "connection", if keep { b"keep-alive" } else { b"close" });
        }
        out.extend_from_slice(b"\r\n");
        out
    }
}

fn line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Head, String> {
        parse_request(text.as_bytes()).map_err(|fault| match fault {
            Fault::Malformed(why) => why.to_owned(),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn ambiguous_heads_are_refused() {
        for (headers, expected) in [
            ("Host: a\r\nHost: a\r\n", "more than one Host header"),
            ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "both a length and a transfer coding"),
            ("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", "both a length and a transfer coding"),
            ("Content-Length: 1\r\nContent-Length: 1\r\n", "more than one Content-Length header"),
            ("Content-Length: +1\r\n", "the length is not a number"),
            ("Content-Length: 1, 1\r\n", "the length is not a number"),
            ("Transfer-Encoding: gzip, chunked\r\n", "a transfer coding other than chunked"),
            ("Transfer-Encoding: xchunked\r\n", "a transfer coding other than chunked"),
            ("Transfer-Encoding : chunked\r\n", "the request is not HTTP/1"),
            ("X: a\r\n b\r\n", "the request is not HTTP/1"),
        ] {
            let found = read(&format!("POST http://pub.test/ HTTP/1.1\r\n{headers}\r\n")).map(|_| ()).unwrap_err();
            assert_eq!(found, expected, "{headers:?}");
        }
        assert!(read("POST http://pub.test/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(read("PRI * HTTP/2.0\r\n\r\n").is_err());
    }

    #[test]
    fn headers_of_the_hop_stay_here() {
        let head = read(
            "GET http://u.test:8080/p?q HTTP/1.1\r\nHost: other.test\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n\
             Proxy-Authorization: Basic dTpw\r\nX-Kept: 2\r\nTE: trailers\r\n\r\n",
        )
        .unwrap();
        assert!(!head.keeps_alive() && head.is_authorized("u:p") && !head.is_authorized("u:x"));
        assert_eq!(head.user().as_deref(), Some("u"));
        let sent = String::from_utf8(head.to_origin(&head.target.parse().unwrap())).unwrap();
        assert_eq!(
            sent,
            "GET /p?q HTTP/1.1\r\nHost: u.test:8080\r\nx-kept: 2\r\nvia: 1.1 oxidify-egress\r\nconnection: close\r\n\r\n"
        );
    }
}
