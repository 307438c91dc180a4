//! A mail as it is written, and as it travels.

use lettre::{
    Address, Message,
    address::Envelope,
    message::{Mailbox, MultiPart},
};

use crate::{Error, Result};

/// Characters of a subject at most.
const MAX_SUBJECT: usize = 200;

/// A mail to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Stays the same when the mail is sent again: it is in the Message-ID, and the idempotency key of services.
    pub id: String,
    pub to: String,
    pub subject: String,
    /// Plain text; the HTML part is made of it.
    pub body: String,
}

/// The sender of a setting.
pub(crate) fn sender_of(text: &str) -> Result<Mailbox, String> {
    text.parse::<Mailbox>().map_err(|error| error.to_string())
}

impl Mail {
    /// The subject as a header may have it: one line, not too long.
    #[must_use]
    pub fn subject_line(&self) -> String {
        let one_line: String = self.subject.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
        one_line.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_SUBJECT).collect()
    }

    /// The message as it travels, and who it is from and to.
    pub(crate) fn written(&self, from: &str) -> Result<(Envelope, Vec<u8>)> {
        let refused = |error: String| Error::Refused(error);
        let from = sender_of(from).map_err(refused)?;
        let to: Address = self.to.parse().map_err(|_| refused(format!("{:?} is not an address", self.to)))?;
        let envelope = Envelope::new(Some(from.email.clone()), vec![to.clone()]);
        let envelope = envelope.map_err(|error| refused(error.to_string()))?;
        let id = format!("<{}@{}>", self.id, from.email.domain());
        let message = Message::builder()
            .from(from)
            .to(Mailbox::new(None, to))
            .message_id(Some(id))
            .subject(self.subject_line())
            .multipart(MultiPart::alternative_plain_html(self.body.clone(), html_of(&self.body)))
            .map_err(|error| refused(error.to_string()))?;
        Ok((envelope, message.formatted()))
    }
}

/// Plain text as HTML: nothing in it is markup, addresses of the web can be clicked.
#[must_use]
pub fn html_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 200);
    out.push_str("<!doctype html><html><body style=\"font-family:sans-serif;font-size:14px;line-height:1.5\">");
    let normal = text.replace("\r\n", "\n");
    for (number, line) in normal.split('\n').enumerate() {
        if number > 0 {
            out.push_str("<br>\n");
        }
        line_to(&mut out, line);
    }
    out.push_str("</body></html>");
    out
}

fn line_to(out: &mut String, line: &str) {
    let mut rest = line;
    while let Some(at) = [rest.find("https://"), rest.find("http://")].into_iter().flatten().min() {
        let (before, from) = rest.split_at(at);
        let stop = |char: char| char.is_whitespace() || matches!(char, '<' | '>' | '"' | '\'' | ')' | ']' | '`');
        let (url, after) = from.split_at(from.find(stop).unwrap_or(from.len()));
        // The full stop belongs to the sentence.
        let bare = url.trim_end_matches(['.', ',', ';', ':', '!', '?']);
        escape_to(out, before);
        out.push_str("<a href=\"");
        escape_to(out, bare);
        out.push_str("\">");
        escape_to(out, bare);
        out.push_str("</a>");
        escape_to(out, url.strip_prefix(bare).unwrap_or_default());
        rest = after;
    }
    escape_to(out, rest);
}

fn escape_to(out: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str, body: &str) -> Mail {
        Mail { id: "7".into(), to: "ada@example.com".into(), subject: subject.into(), body: body.into() }
    }

    #[test]
    fn markup_of_a_user_is_text_and_addresses_are_links() {
        for (text, expected) in [
            ("<b>&\"'", "&lt;b&gt;&amp;&quot;&#39;"),
            ("a\r\nb", "a<br>\nb"),
            (
                "see https://a.example/f?x=1&y=2.",
                "see <a href=\"https://a.example/f?x=1&amp;y=2\">https://a.example/f?x=1&amp;y=2</a>.",
            ),
            ("http://x\"onclick=", "<a href=\"http://x\">http://x</a>&quot;onclick="),
            ("(http://a) http://b", "(<a href=\"http://a\">http://a</a>) <a href=\"http://b\">http://b</a>"),
            ("javascript:alert(1)", "javascript:alert(1)"),
        ] {
            let html = html_of(text);
            assert!(html.contains(expected), "{text}: {html}");
        }
    }

    #[test]
    fn a_subject_is_one_line() {
        let evil = mail("Hello\r\nBcc: all@example.com\r\n\r\nbody", "x");
        assert_eq!(evil.subject_line(), "Hello Bcc: all@example.com body");
        let (_, bytes) = evil.written("Ox <ox@example.com>").unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
        assert!(text.contains("Message-ID: <7@example.com>"), "{text}");
        assert_eq!(mail(&"x".repeat(1000), "").subject_line().len(), MAX_SUBJECT);
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for to in ["", "nobody", "a@b\r\nRCPT TO:<c@d>", "a@b> <c@d"] {
            let mail = Mail { to: to.into(), ..mail("s", "b") };
            assert!(matches!(mail.written("ox@example.com"), Err(Error::Refused(_))), "{to}");
        }
    }
}
