//! The text of a page in the order it is read: columns one after the other, tables as tables, lines as paragraphs.
//!
//! A page of this format only says where each letter stands. Letters make segments (what stands on one line without a
//! wide gap), segments make columns, and what stands in a column makes paragraphs and tables.

mod columns;
mod glyphs;
mod paragraphs;
mod segments;
mod tables;
#[cfg(test)]
mod tests;

pub use glyphs::{Collector, Glyph, Glyphs, Ruling};
pub use tables::Table;

/// What stands on one line without a wide gap. Places grow to the right and downwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub x0: f64,
    pub x1: f64,
    /// The line that the letters stand on.
    pub y: f64,
    pub size: f64,
    pub text: String,
}

impl Segment {
    fn width(&self) -> f64 {
        self.x1 - self.x0
    }

    fn is_over(&self, x: f64) -> bool {
        self.x0 < x && x < self.x1
    }
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    Text(String),
    Table(Table),
}

impl Block {
    /// The block in Markdown.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Table(table) => table.markdown(),
        }
    }
}

/// The blocks of a page in reading order.
pub fn blocks(page: &Glyphs) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (direction, glyphs) in page.by_direction() {
        // Lines are drawn for what stands upright.
        let rulings: &[Ruling] = if direction == 0 { &page.rulings } else { &[] };
        for column in columns::split(segments::of(glyphs)) {
            read_column(column, rulings, &mut blocks);
        }
    }
    blocks
}

fn read_column(column: Vec<Segment>, rulings: &[Ruling], blocks: &mut Vec<Block>) {
    let mut text: Vec<Vec<Segment>> = Vec::new();
    let flush = |text: &mut Vec<Vec<Segment>>, blocks: &mut Vec<Block>| {
        let lines = std::mem::take(text);
        blocks.extend(paragraphs::of(&lines).map(Block::Text));
    };
    for part in tables::find(&segments::lines(column), rulings) {
        match part {
            tables::Part::Line(line) => text.push(line),
            tables::Part::Table(table) => {
                flush(&mut text, blocks);
                blocks.push(Block::Table(table));
            }
        }
    }
    flush(&mut text, blocks);
}

/// The middle value, the lower one of two.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}
