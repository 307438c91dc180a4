//! From the parts of a document to its chunks, one part after another.

use crate::{
    ChunkForm, ParentMode, ProcessRule, RuleError, RuleMode, Rules, Segmentation,
    clean::{Cleaning, clean},
    heading::Headings,
    split::{Count, Splitter},
};

/// What is found and cited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    pub content: String,
    /// Of a question; the splitter gives none.
    pub answer: Option<String>,
    /// Of a parent.
    pub children: Vec<String>,
    /// The page of the document's part it comes from.
    pub page: Option<u32>,
    /// The headings it stands under, outermost first.
    pub heading: Option<String>,
}

enum Plan {
    General(Splitter),
    Paragraphs {
        parents: Splitter,
        children: Splitter,
    },
    /// The whole document is one parent.
    Whole {
        children: Splitter,
        text: Option<String>,
        page: Option<u32>,
    },
}

/// Splits a document that comes in parts: rows, pages, sections. No chunk goes over the border of two parts.
pub struct Chunker {
    plan: Plan,
    cleaning: Cleaning,
    headings: Headings,
}

impl Chunker {
    /// `count` counts tokens; a rule whose unit is characters needs none.
    ///
    /// # Errors
    /// When the rule lacks what its form needs. Its bounds are [`ProcessRule::check`]'s.
    #[expect(clippy::needless_pass_by_value, reason = "callers hand their counter over")]
    pub fn new(form: ChunkForm, rule: &ProcessRule, count: Option<Count>) -> Result<Self, RuleError> {
        let count = count.as_ref();
        let nothing = Rules::default();
        let rules = rule.rules.as_ref().unwrap_or(&nothing);
        let is_automatic = rule.mode == RuleMode::Automatic;
        let needed = |part: &Option<Segmentation>, automatic: Segmentation, name: &str| match part {
            _ if is_automatic => Ok(automatic),
            Some(part) => Ok(part.clone()),
            None => Err(RuleError::Required(name.to_owned())),
        };
        let plan = if form == ChunkForm::Hierarchical {
            let children = Segmentation::new("\n", 512, 0);
            let children = needed(&rules.subchunk_segmentation, children, "subchunk_segmentation")?;
            let children = Splitter::new(&children, count)?;
            if rules.parent_mode == Some(ParentMode::FullDoc) && !is_automatic {
                Plan::Whole { children, text: None, page: None }
            } else {
                let parents = needed(&rules.segmentation, Segmentation::new("\n\n", 1024, 50), "segmentation")?;
                Plan::Paragraphs { parents: Splitter::new(&parents, count)?, children }
            }
        } else if is_automatic {
            Plan::General(Splitter::automatic())
        } else {
            let segmentation = rules.segmentation.as_ref();
            let segmentation = segmentation.ok_or_else(|| RuleError::Required("segmentation".to_owned()))?;
            Plan::General(Splitter::new(segmentation, count)?)
        };
        Ok(Self { plan, cleaning: Cleaning::of(rules), headings: Headings::default() })
    }

    /// Says under which headings the following parts stand, for readers that know; headings in the text itself come
    /// after these. Without a word the headings of the parts before go on.
    pub fn under(&mut self, heading: Option<&str>) {
        self.headings.given(heading);
    }

    /// The chunks of the next part.
    pub fn push(&mut self, text: &str, page: Option<u32>) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        self.each(text, page, &mut |chunk| chunks.push(chunk));
        chunks
    }

    /// The same, one at a time: the chunks of a very long part need not be in memory together.
    pub fn each(&mut self, text: &str, page: Option<u32>, sink: &mut dyn FnMut(Chunk)) {
        match &mut self.plan {
            Plan::General(splitter) => {
                let text = clean(text, self.cleaning);
                let mut follow = self.headings.follow(&text);
                splitter.each(&text, &mut |at, piece| {
                    let content = without_leading_symbols(piece);
                    if !content.is_empty() {
                        let heading = follow.at(at + lead(piece));
                        sink(Chunk { content: content.to_owned(), page, heading, ..Chunk::default() });
                    }
                });
            }
            Plan::Paragraphs { parents, children } => {
                let text = clean(text, self.cleaning);
                let mut follow = self.headings.follow(&text);
                parents.each(&text, &mut |at, piece| {
                    let content = without_leading_stop(piece);
                    if !content.trim().is_empty() {
                        let heading = follow.at(at + lead(piece));
                        let children = split(children, content);
                        sink(Chunk { content: content.to_owned(), answer: None, children, page, heading });
                    }
                });
            }
            Plan::Whole { text: whole, page: first, .. } => {
                // Compat: nothing is cleaned here, but a database cannot hold a NUL.
                let text = text.replace('\0', "");
                match whole {
                    None => (*whole, *first) = (Some(text), page),
                    Some(whole) => {
                        whole.push('\n');
                        whole.push_str(&text);
                    }
                }
            }
        }
    }

    /// The chunks that need the whole document.
    #[must_use]
    pub fn finish(self) -> Vec<Chunk> {
        match self.plan {
            Plan::Whole { children, text: Some(text), page } if !text.trim().is_empty() => {
                let children = split(&children, &text);
                vec![Chunk { content: text, answer: None, children, page, heading: None }]
            }
            _ => Vec::new(),
        }
    }
}

/// The children of a parent.
fn split(splitter: &Splitter, parent: &str) -> Vec<String> {
    let mut children = Vec::new();
    splitter.each(parent, &mut |_, piece| {
        let content = without_leading_stop(piece);
        if !content.trim().is_empty() {
            children.push(content.to_owned());
        }
    });
    children
}

fn lead(piece: &str) -> usize {
    piece.len() - piece.trim_start().len()
}

/// A full stop that a separator has left behind goes.
fn without_leading_stop(piece: &str) -> &str {
    piece.strip_prefix(['.', '。']).map_or(piece, str::trim)
}

/// Signs that no chunk begins with; one that begins with a link keeps them. Compat, but for letters and numerals among
/// the ideographic signs, which stay.
fn without_leading_symbols(piece: &str) -> &str {
    let is_symbol = |character: char| {
        matches!(
            character,
            '[' | ']' | '"'..='/' | ':'..='@' | '^'..='`' | '~' | '\u{2000}'..='\u{2025}' | '\u{2027}'..='\u{206f}'
                | '\u{2e00}'..='\u{2e7f}' | '\u{3000}'..='\u{300f}' | '\u{3011}'..='\u{303f}'
        ) && character != '-'
            && !character.is_alphanumeric()
    };
    if begins_with_link(piece) {
        return piece.trim();
    }
    piece.trim_start_matches(is_symbol).trim()
}

/// `[text](http…)`
fn begins_with_link(piece: &str) -> bool {
    let Some((text, after)) = piece.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { return false };
    let Some(address) = after.strip_prefix('(') else { return false };
    let Some(rest) = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://")) else { return false };
    !text.is_empty() && rest.find(')').is_some_and(|at| at > 0)
}

#[cfg(test)]
mod tests;
