//! Pictures of a Word document, at their places in the text.

use std::{cell::RefCell, collections::HashMap};

use crate::{Error, Picture, archive::Archive, pictures::mark, xml::Element};

/// The pictures that the text has named.
#[derive(Default)]
pub struct Found {
    /// Parts of the archive by the names of their relations.
    known: HashMap<String, String>,
    most: usize,
    /// Parts, in the order of their marks.
    named: RefCell<Vec<String>>,
}

impl Found {
    pub fn new(known: HashMap<String, String>, most: usize) -> Self {
        Self { known, most, named: RefCell::default() }
    }

    /// An element begins; a picture leaves its mark.
    pub fn see(&self, element: &Element<'_>, out: &mut String) {
        let relation = match element.name() {
            "blip" => element.prefixed("embed"),
            "imagedata" => element.prefixed("id"),
            _ => None,
        };
        let Some(part) = relation.and_then(|relation| self.known.get(&relation)) else { return };
        let mut named = self.named.borrow_mut();
        let index = named.iter().position(|known| known == part).unwrap_or(named.len());
        if index == named.len() {
            if index == self.most {
                return;
            }
            named.push(part.clone());
        }
        out.push_str(&mark(index));
    }

    /// Takes the pictures out of the archive.
    pub fn take(self, archive: &mut Archive<'_>) -> Result<Vec<Option<Picture>>, Error> {
        let named = self.named.into_inner().into_iter();
        named.map(|part| Ok(archive.find(&part)?.and_then(Picture::seen))).collect()
    }
}
