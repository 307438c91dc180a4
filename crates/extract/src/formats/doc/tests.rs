use std::path::Path;

use super::*;
use crate::{Document, Limits, extract, testing::compound};

/// A document of these texts, in the order of the head's counts; wide ones as UTF-16. A piece each.
fn document(texts: [&str; 7], flags: u16) -> Vec<u8> {
    const TEXT: usize = 0x600;
    let mut main = vec![0_u8; TEXT];
    main[..2].copy_from_slice(&IDENT.to_le_bytes());
    main[2..4].copy_from_slice(&WORD_97.to_le_bytes());
    main[FLAGS..FLAGS + 2].copy_from_slice(&flags.to_le_bytes());
    let (mut places, mut stored, mut end) = (vec![0_u32], Vec::new(), 0_u32);
    for (index, text) in texts.iter().enumerate() {
        let count = u32::try_from(text.encode_utf16().count()).unwrap();
        main[COUNTS + index * 4..COUNTS + index * 4 + 4].copy_from_slice(&count.to_le_bytes());
        if count == 0 {
            continue;
        }
        end += count;
        places.push(end);
        let at = u32::try_from(main.len()).unwrap();
        if text.is_ascii() {
            stored.push((at * 2) | 0x4000_0000);
            main.extend(text.bytes());
        } else {
            stored.push(at);
            main.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        }
    }
    let mut table: Vec<u8> = places.iter().flat_map(|place| place.to_le_bytes()).collect();
    for place in stored {
        table.extend([0, 0]);
        table.extend(place.to_le_bytes());
        table.extend([0, 0]);
    }
    let length = u32::try_from(table.len()).unwrap();
    let clx = [&[1, 2, 0, 9, 9, 2][..], &length.to_le_bytes(), &table].concat();
    main[PIECES + 4..PIECES + 8].copy_from_slice(&u32::try_from(clx.len()).unwrap().to_le_bytes());
    let name = if flags & SECOND_TABLE == 0 { "0Table" } else { "1Table" };
    compound(&[(MAIN, &main), (name, &clx)])
}

fn text(bytes: &[u8]) -> Result<String, String> {
    read(bytes, &Budget::new(Limits::default())).map_err(|error| error.to_string())
}

#[test]
fn pieces_of_either_width() {
    for (texts, expected) in [
        (["one\rtwo\r", "", "", "", "", "", ""], "one\ntwo"),
        (["one \u{4f60}\u{1f600}\rtwo\r", "", "", "", "", "", ""], "one \u{4f60}\u{1f600}\ntwo"),
        (["body\r", "note\r", "header\r", "", "comment\r", "end note\r", "box\r"], "body\nnote\nend note\nbox"),
        (["see \u{13} HYPERLINK \"http://x\" \u{14}the page\u{15}.\r", "", "", "", "", "", ""], "see the page."),
        (["a\u{b}b\u{1e}c\u{1f}d\u{1}\u{8}\te\u{c}next\r", "", "", "", "", "", ""], "a\nb-cd\te\nnext"),
        (["no end", "", "", "", "", "", ""], "no end"),
        (["", "", "", "", "", "", ""], ""),
    ] {
        for flags in [0, SECOND_TABLE] {
            assert_eq!(text(&document(texts, flags)).as_deref(), Ok(expected), "{texts:?}");
        }
    }
}

#[test]
fn what_is_no_document() {
    let refused = |bytes: &[u8]| text(bytes).unwrap_err();
    assert!(refused(&document(["x\r", "", "", "", "", "", ""], ENCRYPTED)).contains("protected by a password"));
    let mut old = document(["x\r", "", "", "", "", "", ""], 0);
    let at = old.windows(2).position(|window| window == IDENT.to_le_bytes()).unwrap();
    old[at + 2] = 0x65;
    assert!(refused(&old).contains("Word 6 or 95"));
    assert!(refused(&compound(&[("Workbook", b"x")])).contains("it holds no document"));
    assert!(refused(&compound(&[(MAIN, b"x")])).contains("it is not a Word document"));
    assert!(refused(b"plain text").contains("not a compound file"));
    // Other formats under this name.
    assert_eq!(text(br"{\rtf1 rich}").as_deref(), Ok("rich"));
    assert_eq!(text(b" <HTML><p>page</p></HTML>").as_deref(), Ok("page"));
}

/// A document's text is bounded by what it may cost, whatever its pieces claim.
#[test]
fn pieces_that_repeat_a_place() {
    let mut bytes = document([&"x".repeat(400), "", "", "", "", "", ""], 0);
    let limits = Limits { text: 100, ..Limits::default() };
    let error = read(&bytes, &Budget::new(limits)).unwrap_err().to_string();
    assert!(error.contains("the text exceeds 100 bytes"), "{error}");
    // Every single damaged byte ends in text or an error.
    for at in (0..bytes.len()).step_by(7) {
        let kept = bytes[at];
        for value in [0, 0x7f, 0xff] {
            bytes[at] = value;
            let _ = text(&bytes);
        }
        bytes[at] = kept;
    }
}

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn extracted(name: &str) -> String {
    let bytes = file(name);
    let document = Document { bytes: &bytes, extension: name.rsplit_once('.').map(|(_, end)| end), mime: None };
    extract(document, &Budget::new(Limits::default())).unwrap()
}

/// The same document, written by LibreOffice in three formats (tests/files/README.md).
#[test]
fn a_real_document_reads_like_its_newer_form() {
    let old = extracted("report.doc");
    assert_eq!(old, extracted("report.docx").trim_end_matches('\n'));
    for part in ["Gr\u{fc}\u{df}e", "\u{4f60}\u{597d}", "| Name | Amount |\n| --- | --- |\n| Ada | 12 |", "\u{1f600}"] {
        assert!(old.contains(part), "{part:?} in {old}");
    }
    assert!(!old.contains("HYPERLINK"));
}

#[test]
fn a_real_document_in_pieces() {
    let whole = file("report.doc");
    let damaged = "damaged in a way its reader does not know";
    let try_it = |bytes: &[u8]| {
        let document = Document { bytes, extension: Some(".doc"), mime: None };
        if let Err(error) = extract(document, &Budget::new(Limits::default())) {
            assert!(!error.to_string().contains(damaged), "a panic");
        }
    };
    for end in (0..whole.len()).step_by(97) {
        try_it(&whole[..end]);
    }
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random() % 8 {
            let at = random() % bytes.len();
            bytes[at] = u8::try_from(random() % 256).unwrap();
        }
        try_it(&bytes);
    }
}
