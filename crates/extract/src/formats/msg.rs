//! Mails as Outlook keeps them.

use super::{compound::Compound, rtf};
use crate::{Budget, Error, charset, html};

/// Names of the body's properties: plain text as UTF-16 and in some code page, HTML, rich text.
const BODY_WIDE: &str = "__substg1.0_1000001F";
const BODY_NARROW: &str = "__substg1.0_1000001E";
const HTML: &str = "__substg1.0_10130102";
const HTML_WIDE: &str = "__substg1.0_1013001F";
const HTML_NARROW: &str = "__substg1.0_1013001E";
const RICH: &str = "__substg1.0_10090102";
const MARK: &str = "__properties_version1.0";

pub fn read(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let file = Compound::open(bytes, "MSG", budget)?;
    let wide = |bytes: Vec<u8>| {
        let units: Vec<u16> =
            bytes.chunks_exact(2).filter_map(|unit| Some(u16::from_le_bytes(unit.try_into().ok()?))).collect();
        String::from_utf16_lossy(&units)
    };
    let mut body = file.stream(BODY_WIDE, budget)?.map(wide);
    if is_blank(body.as_ref()) {
        body = file.stream(BODY_NARROW, budget)?.map(|bytes| charset::decode(&bytes));
    }
    if !is_blank(body.as_ref()) {
        return Ok(super::eml::tidy(&body.unwrap_or_default()));
    }
    for name in [HTML, HTML_NARROW] {
        if let Some(page) = file.stream(name, budget)? {
            return html::text(&charset::decode(&page), budget);
        }
    }
    if let Some(page) = file.stream(HTML_WIDE, budget)? {
        return html::text(&wide(page), budget);
    }
    if let Some(rich) = file.stream(RICH, budget)?.filter(|rich| !rich.is_empty()) {
        return rtf::read(&rtf::unpack(&rich, budget)?, budget);
    }
    if file.stream(MARK, budget)?.is_none() {
        return Err(Error::broken("MSG", "it holds no mail"));
    }
    Ok(String::new())
}

fn is_blank(text: Option<&String>) -> bool {
    text.is_none_or(|text| text.trim_matches(|c: char| c.is_whitespace() || c == '\0').is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, testing::compound};

    fn check(streams: &[(&str, &[u8])], expected: Result<&str, &str>) {
        let got = read(&compound(streams), &Budget::new(Limits::default())).map_err(|error| error.to_string());
        assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn bodies() {
        let wide: Vec<u8> = "hello 你\r\n\r\nbye".encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&[(BODY_WIDE, &wide), (HTML, b"<p>other</p>")], Ok("hello 你\n\nbye"));
        check(&[(BODY_NARROW, b"caf\xe9 cr\xe8me")], Ok("café crème"));
        check(&[(BODY_WIDE, b" \0"), (HTML, b"<p>one</p><p>two</p>")], Ok("one\ntwo"));
        check(&[(MARK, b"x")], Ok(""));
        check(&[(RICH, b"{}")], Err("Failed to extract text from MSG: its rich text is damaged"));
        let rich = b"{\\rtf1\\ansi one\\par two}";
        let size = u32::try_from(rich.len()).unwrap().to_le_bytes();
        let stored = [&[0; 4], &size[..], b"MELA", &[0; 4], rich].concat();
        check(&[(RICH, &stored)], Ok("one\ntwo"));
        check(&[(BODY_WIDE, b" \0"), (RICH, &stored)], Ok("one\ntwo"));
        check(&[("other", b"x")], Err("Failed to extract text from MSG: it holds no mail"));
    }
}
