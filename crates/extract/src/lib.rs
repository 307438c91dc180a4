//! From a document's bytes to its text.
//!
//! Two functions and one file per format: [`extract`] gives the whole text, [`items`] its parts one after another. Pure:
//! bytes and a name in, text or one error out; no I/O, no async, no network. It blocks: call it on a thread that may. What it is not: it does not clean, split or index,
//! and it does not look into pictures: it takes them out ([`Picture`]) when asked to.
//!
//! Invariants: a broken, hostile or huge file ends in one clear error within the limits of its [`Budget`] (time,
//! unpacked bytes, text), never in a panic; nothing a file says about its own size is believed.

mod archive;
mod budget;
mod charset;
mod error;
mod extract;
mod format;
mod formats;
mod html;
mod items;
mod pictures;
mod table;
#[cfg(test)]
mod testing;
mod xml;

pub use budget::{Budget, Limits};
pub use charset::decode;
pub use error::Error;
pub use extract::{Document, extract};
pub use format::Format;
pub use html::{decode as html_decode, text as html_text, title as html_title};
pub use items::{Item, Sink, items};
pub use pictures::Picture;
