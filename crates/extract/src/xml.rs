//! XML as the office formats use it: elements by local name, text with its references resolved.

use std::borrow::Cow;

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use crate::{Budget, Error, html};

/// Deepest nesting of elements.
const MAX_DEPTH: usize = 256;

/// A step through a document.
pub enum Token<'x> {
    /// An element begins; an empty one is followed by its end.
    Open(Element<'x>),
    Close,
    Text(Cow<'x, str>),
}

/// The beginning of an element.
pub struct Element<'x>(BytesStart<'x>);

impl Element<'_> {
    /// The name without its prefix.
    pub fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// An attribute by its local name.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let mut attributes = self.0.attributes();
        let found =
            attributes.with_checks(false).flatten().find(|attribute| local(attribute.key.into_inner()) == name)?;
        let value = found.normalized_value(XmlVersion::Implicit1_0).ok()?;
        Some(value.into_owned())
    }

    /// An attribute by its local name that has a prefix.
    pub fn prefixed(&self, name: &str) -> Option<String> {
        let is_it = |key: &str| key.rsplit_once(':').is_some_and(|(_, local)| local == name);
        let mut attributes = self.0.attributes();
        let found = attributes.with_checks(false).flatten().find(|attribute| is_it(attribute.key.into_inner()))?;
        Some(found.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// A document, read step by step.
pub struct Xml<'x> {
    reader: Reader<&'x [u8]>,
    format: &'static str,
    budget: &'x Budget,
    depth: usize,
    /// An empty element has begun and has yet to end.
    ends: bool,
}

impl<'x> Xml<'x> {
    pub fn new(text: &'x str, format: &'static str, budget: &'x Budget) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = false;
        Self { reader, format, budget, depth: 0, ends: false }
    }

    /// The next step; nothing at the end.
    pub fn next(&mut self) -> Result<Option<Token<'x>>, Error> {
        self.budget.tick()?;
        if std::mem::take(&mut self.ends) {
            self.depth = self.depth.saturating_sub(1);
            return Ok(Some(Token::Close));
        }
        loop {
            let event = self.reader.read_event().map_err(|error| Error::broken(self.format, error))?;
            return Ok(Some(match event {
                Event::Start(start) => self.open(start)?,
                Event::Empty(start) => {
                    let token = self.open(start)?;
                    self.ends = true;
                    token
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Token::Close
                }
                Event::Text(text) => Token::Text(text.into_inner()),
                Event::CData(text) => Token::Text(text.into_inner()),
                // No reference expands to more than one character, whatever a DTD says.
                Event::GeneralRef(reference) => match html::entity(&reference) {
                    Some(character) => Token::Text(character.to_string().into()),
                    None => continue,
                },
                Event::Eof => return Ok(None),
                _ => continue,
            }));
        }
    }

    fn open(&mut self, start: BytesStart<'x>) -> Result<Token<'x>, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::broken(self.format, format!("its elements nest deeper than {MAX_DEPTH}")));
        }
        Ok(Token::Open(Element(start)))
    }

    /// Goes on until the element that has just begun ends.
    pub fn skip(&mut self) -> Result<(), Error> {
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                Some(Token::Open(_)) => depth += 1,
                Some(Token::Close) => depth -= 1,
                Some(Token::Text(_)) => {}
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// The text of the element that has just begun.
    pub fn text(&mut self) -> Result<String, Error> {
        let mut out = String::new();
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                Some(Token::Open(_)) => depth += 1,
                Some(Token::Close) => depth -= 1,
                Some(Token::Text(text)) => out.push_str(&text),
                None => break,
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn shape(text: &str) -> Result<String, Error> {
        let budget = Budget::new(Limits::default());
        let mut xml = Xml::new(text, "XML", &budget);
        let mut out = String::new();
        while let Some(token) = xml.next()? {
            match token {
                Token::Open(element) => {
                    out.push_str(&format!(
                        "<{}{}",
                        element.name(),
                        element.attribute("k").map_or(String::new(), |v| format!("={v}"))
                    ));
                }
                Token::Close => out.push('>'),
                Token::Text(text) => out.push_str(&text),
            }
        }
        Ok(out)
    }

    #[test]
    fn steps() {
        for (text, expected) in [
            ("<a:x><b/>t</a:x>", "<x<b>t>"),
            ("<x w:k='a &amp; b' z='1'/>", "<x=a & b>"),
            ("<x>a &lt;&#20320;&eacute;&unknown; b<![CDATA[<raw>]]></x>", "<xa <\u{4f60}\u{e9} b<raw>>"),
            ("<!DOCTYPE a [<!ENTITY l \"lol\"><!ENTITY m \"&l;&l;\">]><a>&m;</a>", "<a>"),
        ] {
            assert_eq!(shape(text).unwrap(), expected, "{text}");
        }
        assert!(shape(&"<a>".repeat(300)).is_err());
        assert!(shape("<a><").is_err());
    }
}
