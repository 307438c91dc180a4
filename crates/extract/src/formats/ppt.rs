//! Slides of PowerPoint 97–2003.

use super::compound::Compound;
use crate::{Budget, Error, budget::Text};

const DOCUMENT: &str = "PowerPoint Document";
const TEXT_WIDE: u16 = 0x0fa0;
const TEXT_NARROW: u16 = 0x0fa8;
/// Masters and notes: texts that are not on a slide.
const MAIN_MASTER: u16 = 0x03f8;
const NOTES: u16 = 0x03f0;
const HANDOUT: u16 = 0x0fc9;
/// A list of texts; its instance says of what.
const TEXT_LIST: u16 = 0x0ff0;
const MAX_DEPTH: usize = 32;

pub fn read(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let file = Compound::open(bytes, "PPT", budget)?;
    let document = file.stream(DOCUMENT, budget)?;
    let document = document.ok_or_else(|| Error::broken("PPT", "it holds no presentation"))?;
    let mut out = Text::new(budget);
    records(&document, 0, &mut out)?;
    Ok(out.finish())
}

fn records(bytes: &[u8], depth: usize, out: &mut Text<'_>) -> Result<(), Error> {
    let mut rest = bytes;
    while let Some(([a, b, c, d, length @ ..], after)) = rest.split_at_checked(8).and_then(|(head, after)| {
        let head: [u8; 8] = head.try_into().ok()?;
        Some((head, after))
    }) {
        let (version, kind) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        let length = (u32::from_le_bytes(length) as usize).min(after.len());
        let (content, following) = after.split_at(length);
        rest = following;
        let is_container = version & 0xf == 0xf;
        let instance = version >> 4;
        match kind {
            TEXT_WIDE => {
                let units: Vec<u16> = content
                    .chunks_exact(2)
                    .filter_map(|unit| Some(u16::from_le_bytes(unit.try_into().ok()?)))
                    .collect();
                lines(&String::from_utf16_lossy(&units), out)?;
            }
            TEXT_NARROW => lines(&content.iter().map(|byte| char::from(*byte)).collect::<String>(), out)?,
            MAIN_MASTER | NOTES | HANDOUT => {}
            TEXT_LIST if instance != 0 => {}
            _ if is_container && depth < MAX_DEPTH => records(content, depth + 1, out)?,
            _ => {}
        }
    }
    Ok(())
}

fn lines(text: &str, out: &mut Text<'_>) -> Result<(), Error> {
    for line in text.split(['\r', '\n', '\u{b}']) {
        let line = line.trim();
        if !line.is_empty() {
            out.line(line)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, testing::compound};

    fn record(version: u16, instance: u16, kind: u16, content: &[u8]) -> Vec<u8> {
        let mut out = (instance << 4 | version).to_le_bytes().to_vec();
        out.extend(kind.to_le_bytes());
        out.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
        out.extend(content);
        out
    }

    #[test]
    fn texts_of_slides() {
        let wide =
            |text: &str| record(0, 0, TEXT_WIDE, &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        let narrow = |text: &str| record(0, 0, TEXT_NARROW, text.as_bytes());
        let slides = record(0xf, 0, TEXT_LIST, &[wide("Title 你\rbullet"), narrow("second")].concat());
        let masters = record(0xf, 1, TEXT_LIST, &narrow("Click to edit"));
        let document = record(0xf, 0, 0x03e8, &[slides, masters].concat());
        let slide = record(0xf, 0, 0x03ee, &record(0xf, 0, 0x040c, &narrow("box")));
        let master = record(0xf, 0, MAIN_MASTER, &narrow("hidden"));
        let content = [document, slide, master, vec![0x0f, 0, 1]].concat();
        let budget = Budget::new(Limits::default());
        let text = read(&compound(&[("Current User", b"x"), (DOCUMENT, &content)]), &budget).unwrap();
        assert_eq!(text, "Title 你\nbullet\nsecond\nbox");
        let error = read(&compound(&[("WordDocument", b"x")]), &budget).unwrap_err().to_string();
        assert_eq!(error, "Failed to extract text from PPT: it holds no presentation");
    }
}
