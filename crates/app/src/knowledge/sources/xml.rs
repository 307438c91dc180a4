//! The small XML documents that drives answer with, as trees of elements by local name.

use quick_xml::{Reader, events::Event};

/// Deepest nesting of elements.
const MAX_DEPTH: usize = 32;
/// Elements, texts and references of one document.
const MAX_STEPS: usize = 1_000_000;

/// An element; its name is without a prefix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element {
    pub name: String,
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The children of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of this name; empty when there is none.
    pub fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.trim())
    }
}

/// The outermost element; nothing when the text is not whole, or nests too deep.
pub fn read(text: &str) -> Option<Element> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    for _ in 0..MAX_STEPS {
        let done = match reader.read_event().ok()? {
            Event::Start(start) => {
                if open.len() >= MAX_DEPTH {
                    return None;
                }
                open.push(Element::named(start.local_name().into_inner()));
                continue;
            }
            Event::Empty(start) => Element::named(start.local_name().into_inner()),
            Event::End(_) => open.pop()?,
            Event::Text(text) => {
                add(&mut open, &text.into_inner());
                continue;
            }
            Event::CData(text) => {
                add(&mut open, &text.into_inner());
                continue;
            }
            // No reference expands to more than one character, whatever a DTD says.
            Event::GeneralRef(reference) => {
                if let Some(character) = character(&reference) {
                    add(&mut open, character.encode_utf8(&mut [0; 4]));
                }
                continue;
            }
            Event::Eof => return None,
            _ => continue,
        };
        match open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => return Some(done),
        }
    }
    None
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|character| *character != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_read_and_broken_ones_refused() {
        let tree =
            read("<?xml version=\"1.0\"?><d:a xmlns:d=\"DAV:\"><d:b>x &amp; &#65;</d:b><c/><b> y </b></d:a>").unwrap();
        assert_eq!((tree.name.as_str(), tree.text_of("b")), ("a", "x & A"));
        assert_eq!(tree.all("b").map(|b| b.text.as_str()).collect::<Vec<_>>(), ["x & A", " y "]);
        assert!(tree.child("c").is_some() && tree.child("d").is_none());
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        for wrong in ["", "text", "<a><b></a>", "<a>", deep.as_str()] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read("<!DOCTYPE a [<!ENTITY x \"yyyy\">]><a>&x;</a>").unwrap().text, "");
    }
}
