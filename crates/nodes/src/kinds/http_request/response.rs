//! Reading an answer: what is a file, what is text, how large it may be.

use encoding_rs::{Encoding, UTF_8};
use ox_net::{HeaderMap, NetError, Response};
use ox_types::{Object, Value};

use super::Refusal;
use crate::Limits;

/// How much of the body the decision looks at.
const SAMPLE: usize = 1024;

/// An answer, read.
#[derive(Debug)]
pub struct Received {
    pub status: u16,
    pub headers: Object,
    pub is_file: bool,
    pub body: Vec<u8>,
    content_type: String,
    disposition: String,
    path: String,
}

/// Reads an answer up to its limit.
pub async fn receive(
    mut response: Response,
    limits: &Limits,
    failed: impl Fn(NetError) -> Refusal,
) -> Result<Received, Refusal> {
    let header = |name: &str| {
        response
            .headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default()
    };
    let content_type = header("content-type");
    let disposition = header("content-disposition");
    let announced: u64 = header("content-length").parse().unwrap_or(0);
    let mut body = Vec::new();
    let mut is_file = None;
    loop {
        let piece = response.chunk().await.map_err(&failed)?;
        if let Some(piece) = &piece {
            body.extend_from_slice(piece);
        }
        if is_file.is_none() && (piece.is_none() || body.len() >= SAMPLE) {
            is_file = Some(looks_like_file(&content_type, &disposition, body.get(..SAMPLE).unwrap_or(&body)));
        }
        if let Some(is_file) = is_file {
            check_size(is_file, announced.max(body.len() as u64), limits)?;
        }
        if piece.is_none() {
            break;
        }
    }
    Ok(Received {
        status: response.status.as_u16(),
        headers: header_object(&response.headers),
        is_file: is_file.unwrap_or(false),
        body,
        content_type,
        disposition,
        path: response.url.path().to_owned(),
    })
}

fn check_size(is_file: bool, size: u64, limits: &Limits) -> Result<(), Refusal> {
    let (what, limit) = if is_file { ("File", limits.http_max_binary) } else { ("Text", limits.http_max_text) };
    if size <= limit {
        return Ok(());
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
    let (max, now) = (limit as f64 / 1_048_576.0, size as f64);
    let shown = if size < 1024 {
        format!("{size} bytes")
    } else if size < 1_048_576 {
        format!("{:.2} KB", now / 1024.0)
    } else {
        format!("{:.2} MB", now / 1_048_576.0)
    };
    let text = format!("{what} size is too large, max size is {max:.2} MB, but current size is {shown}.");
    Err(Refusal::new("ResponseSizeError", text))
}

fn header_object(headers: &HeaderMap) -> Object {
    let mut object = Object::new();
    for name in headers.keys() {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        object.insert(name.as_str().to_owned(), Value::from(values.join(", ")));
    }
    object
}

/// Whether an answer is kept as a file instead of being text.
fn looks_like_file(content_type: &str, disposition: &str, sample: &[u8]) -> bool {
    let disposition = disposition.to_ascii_lowercase();
    if disposition.trim_start().starts_with("attachment") || disposition.contains("filename") {
        return true;
    }
    let mime = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if mime.starts_with("text/") && !mime.contains("csv") {
        return false;
    }
    if let Some(kind) = mime.strip_prefix("application/") {
        const TEXT: &[&str] = &["json", "xml", "javascript", "x-www-form-urlencoded", "yaml", "graphql"];
        const MARKS: &[&str] = &["{", "[", "<", "function", "var ", "const ", "let "];
        if TEXT.iter().any(|word| kind.contains(word)) {
            return false;
        }
        if utf8_prefix(sample).is_some_and(|text| MARKS.iter().any(|mark| text.contains(mark))) {
            return false;
        }
    }
    let main = mime.split('/').next().unwrap_or_default();
    matches!(main, "application" | "image" | "audio" | "video") || mime == "text/csv"
}

/// The sample as text; a character cut at its end is not a mistake.
fn utf8_prefix(sample: &[u8]) -> Option<&str> {
    match std::str::from_utf8(sample) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => std::str::from_utf8(sample.get(..error.valid_up_to())?).ok(),
        Err(_) => None,
    }
}

impl Received {
    /// The body as text: in the charset it names, else UTF-8 with broken bytes replaced.
    pub fn text(&self) -> String {
        let charset = self.content_type.split(';').skip(1).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
        });
        let encoding = charset.and_then(|name| Encoding::for_label(name.as_bytes())).unwrap_or(UTF_8);
        encoding.decode(&self.body).0.into_owned()
    }

    /// The MIME type, without parameters.
    pub fn mime(&self) -> String {
        let mime = self.content_type.split(';').next().unwrap_or_default().trim();
        if mime.is_empty() { "application/octet-stream".into() } else { mime.to_ascii_lowercase() }
    }

    /// The name the answer gives the file, the end of its address, or one made from its type.
    pub fn filename(&self) -> String {
        if let Some(name) = disposition_name(&self.disposition) {
            return name;
        }
        let last = self.path.rsplit('/').next().unwrap_or_default();
        let last = percent_decoded(last);
        if last.contains('.') {
            return last;
        }
        let stem = if last.is_empty() { "file" } else { &last };
        let mime = self.mime();
        match mime_guess::get_mime_extensions_str(&mime).and_then(|known| known.first()) {
            // The first known one of these is not the usual one.
            Some(_) if mime == "image/jpeg" => format!("{stem}.jpg"),
            Some(_) if mime == "application/octet-stream" => format!("{stem}.bin"),
            Some(extension) => format!("{stem}.{extension}"),
            None => stem.to_owned(),
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let code = hex.filter(|_| first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `filename*=UTF-8''…` or `filename="…"`, without any path.
fn disposition_name(disposition: &str) -> Option<String> {
    let parameter = |wanted: &str| {
        disposition.split(';').find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let extended = parameter("filename*").and_then(|value| value.splitn(3, '\'').nth(2).map(percent_decoded));
    let name = extended.or_else(|| parameter("filename"))?;
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_texts() {
        for (content_type, disposition, sample, expected) in [
            ("text/html", "", &b"\xff"[..], false),
            ("text/csv", "", b"a,b", true),
            ("text/plain", "attachment", b"x", true),
            ("application/json", "inline; filename=\"a.json\"", b"{}", true),
            ("application/json", "", b"\xff", false),
            ("application/vnd.api+json; charset=utf-8", "", b"x", false),
            ("application/octet-stream", "", b"{\"a\":1}", false),
            ("application/octet-stream", "", b"plain words", true),
            ("application/octet-stream", "", b"const x = 1 \xc3", false),
            ("application/octet-stream", "", b"\x89PNG{\xff", true),
            ("image/png", "", b"{", true),
            ("audio/mpeg", "", b"", true),
            ("", "", b"anything", false),
            ("font/woff", "", b"x", false),
        ] {
            assert_eq!(looks_like_file(content_type, disposition, sample), expected, "{content_type} {disposition}");
        }
    }

    #[test]
    fn names_and_charsets() {
        let received = |content_type: &str, disposition: &str, path: &str, body: &[u8]| Received {
            status: 200,
            headers: Object::new(),
            is_file: true,
            body: body.to_vec(),
            content_type: content_type.into(),
            disposition: disposition.into(),
            path: path.into(),
        };
        for (content_type, disposition, path, expected) in [
            ("image/png", "attachment; filename=\"a b.png\"", "/x", "a b.png"),
            ("image/png", "attachment; filename*=UTF-8''%C3%A9.png; filename=e.png", "/x", "é.png"),
            ("image/png", "attachment; filename=../../etc/passwd", "/x", "passwd"),
            ("image/png", "", "/a/b%20c.png", "b c.png"),
            ("image/jpeg", "", "/a/photo", "photo.jpg"),
            ("application/pdf", "", "/", "file.pdf"),
            ("x/unknown", "", "/", "file"),
        ] {
            assert_eq!(received(content_type, disposition, path, b"").filename(), expected);
        }
        assert_eq!(received("text/plain; charset=gbk", "", "", b"\xc4\xe3\xba\xc3").text(), "你好");
        assert_eq!(received("text/plain", "", "", b"a\xffb").text(), "a\u{fffd}b");
        assert_eq!(received("text/plain; charset=nonsense", "", "", "é".as_bytes()).text(), "é");
    }

    #[test]
    fn sizes_are_told() {
        let limits = Limits { http_max_text: 512, http_max_binary: 10 << 20, ..Limits::default() };
        for (is_file, size, expected) in [
            (false, 600, "Text size is too large, max size is 0.00 MB, but current size is 600 bytes."),
            (false, 2048, "Text size is too large, max size is 0.00 MB, but current size is 2.00 KB."),
            (true, 11 << 20, "File size is too large, max size is 10.00 MB, but current size is 11.00 MB."),
        ] {
            assert_eq!(check_size(is_file, size, &limits).unwrap_err().text, expected);
        }
        assert!(check_size(true, 10 << 20, &limits).is_ok());
    }
}
