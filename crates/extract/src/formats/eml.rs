//! Mails: the text of their body; attachments are left out.

use base64::{Engine, alphabet, engine::DecodePaddingMode, engine::general_purpose};

use crate::{Budget, Error, charset, html};

/// Deepest nesting of parts.
const MAX_DEPTH: usize = 16;
/// Most parts on one level.
const MAX_PARTS: usize = 1000;

pub fn read(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let part = Part::read(bytes);
    if part.headers.is_empty() {
        return Err(Error::broken("EML", "it has no mail headers"));
    }
    Ok(part.text(0, budget)?.unwrap_or_default())
}

/// Lines without trailing blanks, no more than one empty line in a row.
pub fn tidy(text: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    for line in text.lines() {
        let line = line.trim_end();
        if !line.is_empty() || out.last().is_some_and(|last| !last.is_empty()) {
            out.push(line);
        }
    }
    while out.last().is_some_and(|line| line.is_empty()) {
        out.pop();
    }
    out.join("\n")
}

/// A part: headers with lower-case names, and what follows them.
struct Part<'a> {
    headers: Vec<(String, String)>,
    body: &'a [u8],
}

impl<'a> Part<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut headers: Vec<(String, String)> = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (line, following) = next_line(rest);
            if line.is_empty() {
                rest = following;
                break;
            }
            let text = charset::decode(line);
            if text.starts_with([' ', '\t']) {
                if let Some((_, value)) = headers.last_mut() {
                    value.push(' ');
                    value.push_str(text.trim());
                }
            } else if let Some((name, value)) = text.split_once(':').filter(|(name, _)| !name.contains(' ')) {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            } else if !headers.is_empty() || !text.starts_with("From ") {
                // Not a header: the body has begun without an empty line.
                break;
            }
            rest = following;
        }
        Self { headers, body: rest }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// The readable text; nothing when there is none in it.
    fn text(&self, depth: usize, budget: &Budget) -> Result<Option<String>, Error> {
        budget.check()?;
        let disposition = self.header("content-disposition").to_ascii_lowercase();
        if depth > 0 && disposition.starts_with("attachment") {
            return Ok(None);
        }
        let content_type = self.header("content-type");
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if let Some(boundary) = parameter(content_type, "boundary").filter(|_| kind.starts_with("multipart/")) {
            if depth >= MAX_DEPTH {
                return Err(Error::broken("EML", format!("its parts nest deeper than {MAX_DEPTH}")));
            }
            return self.many(&kind, &boundary, depth, budget);
        }
        match kind.as_str() {
            "" | "text/plain" => Ok(Some(tidy(&self.decoded(content_type, budget)?))),
            "text/html" => html::text(&self.decoded(content_type, budget)?, budget).map(Some),
            "message/rfc822" if depth < MAX_DEPTH => Part::read(self.body).text(depth + 1, budget),
            _ => Ok(None),
        }
    }

    fn many(&self, kind: &str, boundary: &str, depth: usize, budget: &Budget) -> Result<Option<String>, Error> {
        let parts = split(self.body, boundary, budget)?;
        let parts = parts.into_iter().take(MAX_PARTS).map(Part::read);
        if kind == "multipart/alternative" {
            // The plain form says the same as the others and needs no guessing.
            let mut chosen = None;
            for part in parts {
                let is_plain = part.header("content-type").to_ascii_lowercase().starts_with("text/plain");
                if let Some(text) = part.text(depth + 1, budget)?.filter(|text| !text.trim().is_empty()) {
                    if is_plain {
                        return Ok(Some(text));
                    }
                    chosen = Some(text);
                }
            }
            return Ok(chosen);
        }
        let mut texts = Vec::new();
        for part in parts {
            texts.extend(part.text(depth + 1, budget)?.filter(|text| !text.trim().is_empty()));
        }
        Ok((!texts.is_empty()).then(|| texts.join("\n")))
    }

    fn decoded(&self, content_type: &str, budget: &Budget) -> Result<String, Error> {
        let bytes = match self.header("content-transfer-encoding").to_ascii_lowercase().as_str() {
            "base64" => base64(self.body)?,
            "quoted-printable" => quoted_printable(self.body, budget)?,
            _ => self.body.to_vec(),
        };
        Ok(match parameter(content_type, "charset") {
            Some(label) => charset::decode_as(&bytes, &label),
            None => charset::decode(&bytes),
        })
    }
}

fn next_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (line, rest) = end.map_or((bytes, &[][..]), |at| bytes.split_at(at + 1));
    (line.trim_ascii_end(), rest)
}

/// A parameter of a header, unquoted.
fn parameter(header: &str, name: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (key, value) = rest.split_once('=')?;
        let key = key.trim().trim_start_matches(';').trim();
        let value = value.trim_start();
        let (value, following) = match value.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"').unwrap_or((quoted, ""));
                (value.replace("\\\\", "\\"), after)
            }
            None => {
                let (value, after) = value.split_once(';').unwrap_or((value, ""));
                (value.trim().to_owned(), after)
            }
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = following;
    }
}

/// The parts between boundary lines.
fn split<'a>(body: &'a [u8], boundary: &str, budget: &Budget) -> Result<Vec<&'a [u8]>, Error> {
    let mark = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut begin: Option<usize> = None;
    let mut at = 0;
    while at < body.len() {
        budget.tick()?;
        let (line, rest) = next_line(body.get(at..).unwrap_or_default());
        let after = body.len() - rest.len();
        if let Some(tail) = line.strip_prefix(mark.as_bytes()).filter(|tail| tail.is_empty() || *tail == b"--") {
            if let Some(begin) = begin.take() {
                parts.push(body.get(begin..at).unwrap_or_default());
            }
            if !tail.is_empty() {
                return Ok(parts);
            }
            begin = Some(after);
        }
        at = after;
    }
    if let Some(begin) = begin {
        // Cut off before its end: what is there is read.
        parts.push(body.get(begin..).unwrap_or_default());
    }
    Ok(parts)
}

fn base64(body: &[u8]) -> Result<Vec<u8>, Error> {
    let clean: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let config = general_purpose::GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = general_purpose::GeneralPurpose::new(&alphabet::STANDARD, config);
    engine.decode(clean).map_err(|error| Error::broken("EML", format!("a part is not valid base64: {error}")))
}

fn quoted_printable(body: &[u8], budget: &Budget) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        budget.tick()?;
        let (line, following) = next_line(rest);
        rest = following;
        let (line, goes_on) = match line.strip_suffix(b"=") {
            Some(line) => (line, true),
            None => (line, false),
        };
        let mut left = line;
        while let Some((byte, after)) = left.split_first() {
            match hex_pair(after).filter(|_| *byte == b'=') {
                Some(code) => {
                    out.push(code);
                    left = after.get(2..).unwrap_or_default();
                }
                None => {
                    out.push(*byte);
                    left = after;
                }
            }
        }
        if !goes_on && !rest.is_empty() {
            out.push(b'\n');
        }
    }
    Ok(out)
}

/// The byte that two hexadecimal digits at the beginning stand for.
fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digits = bytes.get(..2).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit))?;
    let digits = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn check(mail: &str, expected: &str) {
        let mail = mail.replace('\n', "\r\n");
        assert_eq!(read(mail.as_bytes(), &Budget::new(Limits::default())).unwrap(), expected, "{mail}");
    }

    #[test]
    fn bodies() {
        check("Subject: x\n\nhello\n\n\n\nworld\n", "hello\n\nworld");
        check("Subject: a\n b\nContent-Type: text/html; charset=utf-8\n\n<p>one</p><p>tw&ouml;</p>", "one\ntwö");
        check("Content-Transfer-Encoding: base64\nContent-Type: text/plain; charset=\"utf-8\"\n\naMOpbGxv\n", "héllo");
        check(
            "Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=iso-8859-1\n\ncaf=E9 a=\nnd=20more =ZZ\n",
            "café and more =ZZ",
        );
        check(
            "Content-Type: multipart/mixed; boundary=\"o\"\n\npreamble\n--o\nContent-Type: multipart/alternative; boundary=i\n\n\
             --i\nContent-Type: text/html\n\n<b>html</b>\n--i\nContent-Type: text/plain\n\nplain\n--i--\n\
             --o\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nattached\n\
             --o\nContent-Type: image/png\n\nbinary\n--o\n\ntail\n--o--\nepilogue\n",
            "plain\ntail",
        );
        check("Content-Type: multipart/mixed; boundary=b\n\n--b\n\ncut off", "cut off");
        check("Content-Type: application/pdf\n\nbytes", "");
    }

    #[test]
    fn what_is_not_a_mail() {
        let broken = |mail: &str| read(mail.as_bytes(), &Budget::new(Limits::default())).unwrap_err().to_string();
        assert_eq!(broken("just words without a header\n"), "Failed to extract text from EML: it has no mail headers");
        assert_eq!(broken(""), "Failed to extract text from EML: it has no mail headers");
        let bad = "Content-Transfer-Encoding: base64\n\n!!!!\n";
        assert!(
            broken(bad).starts_with("Failed to extract text from EML: a part is not valid base64"),
            "{}",
            broken(bad)
        );
        let deep: String =
            (0..40).map(|level| format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n")).collect();
        assert_eq!(broken(&deep), "Failed to extract text from EML: its parts nest deeper than 16");
    }
}
