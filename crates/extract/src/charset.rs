//! Bytes to text, whatever they were written in.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// A text of unknown encoding: what a mark at its beginning says, else UTF-8 when it is that, else what it looks
/// like. Bytes that mean nothing are left out.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    if let Some(text) = utf32(bytes) {
        return text;
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return clean(encoding, bytes.get(mark..).unwrap_or_default());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    if let Some(encoding) = wide(bytes) {
        return clean(encoding, bytes);
    }
    if is_damaged_utf8(bytes) {
        return clean(encoding_rs::UTF_8, bytes);
    }
    clean(guess(bytes), bytes)
}

/// The same, not copied where the bytes are UTF-8: it may be very long.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    // No mark of another encoding is UTF-8.
    match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).into(),
        Err(_) => decode(bytes).into(),
    }
}

/// A text whose encoding is named by whoever sent it; an unknown name is ignored.
pub fn decode_as(bytes: &[u8], label: &str) -> String {
    match Encoding::for_label(label.trim().as_bytes()) {
        Some(encoding) if Encoding::for_bom(bytes).is_none() => clean(encoding, bytes),
        _ => decode(bytes),
    }
}

fn clean(encoding: &'static Encoding, bytes: &[u8]) -> String {
    let (text, failed) = encoding.decode_without_bom_handling(bytes);
    if failed { text.chars().filter(|character| *character != '\u{fffd}').collect() } else { text.into_owned() }
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    // The beginning tells; the rest would only cost time.
    const LOOK: usize = 256 * 1024;
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(bytes.get(..LOOK).unwrap_or(bytes), true);
    detector.guess(None, chardetng::Utf8Detection::Deny)
}

fn utf32(bytes: &[u8]) -> Option<String> {
    let read: fn([u8; 4]) -> u32 = match bytes.get(..4)? {
        [0xff, 0xfe, 0, 0] => u32::from_le_bytes,
        [0, 0, 0xfe, 0xff] => u32::from_be_bytes,
        _ => return None,
    };
    let units = bytes.get(4..)?.chunks_exact(4);
    Some(units.filter_map(|unit| char::from_u32(read(unit.try_into().ok()?))).collect())
}

/// UTF-16 without a mark: every other byte of a western text is zero.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = bytes.get(..4096).unwrap_or(bytes);
    let pairs = sample.len() / 2;
    if pairs < 2 {
        return None;
    }
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (high_first, low_first) = (zeros(0), zeros(1));
    if low_first * 10 > pairs * 7 && high_first * 10 < pairs {
        Some(UTF_16LE)
    } else if high_first * 10 > pairs * 7 && low_first * 10 < pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// UTF-8 with a few bytes cut off or overwritten: most of what is not ASCII is still right.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut right, mut wrong) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|character| !character.is_ascii()).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    right >= 10 * wrong.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        let utf16 = |text: &str, big: bool| -> Vec<u8> {
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        let long_chinese = "这是一个用来测试编码检测的中文文本，里面有很多常用的汉字。".repeat(3);
        let gbk = encoding_rs::GBK.encode(&long_chinese).0.into_owned();
        let japanese = "これは文字コードの判定を試すための日本語の文章です。".repeat(3);
        let sjis = encoding_rs::SHIFT_JIS.encode(&japanese).0.into_owned();
        let damaged = [long_chinese.as_bytes(), &[0xe4, 0xb8]].concat();
        for (bytes, expected) in [
            (Vec::new(), ""),
            (b"plain".to_vec(), "plain"),
            ("h\u{e9}llo \u{4f60}".as_bytes().to_vec(), "h\u{e9}llo \u{4f60}"),
            ([&[0xef, 0xbb, 0xbf], "mark".as_bytes()].concat(), "mark"),
            ([vec![0xff, 0xfe], utf16("wide \u{4f60}", false)].concat(), "wide \u{4f60}"),
            ([vec![0xfe, 0xff], utf16("wide \u{4f60}", true)].concat(), "wide \u{4f60}"),
            (utf16("no mark but \u{e9}", false), "no mark but \u{e9}"),
            (utf16("no mark but \u{e9}", true), "no mark but \u{e9}"),
            (vec![0xff, 0xfe, 0, 0, b'x', 0, 0, 0, 0x60, 0x4f, 0, 0], "x\u{4f60}"),
            (b"caf\xe9 cr\xe8me br\xfbl\xe9e".to_vec(), "caf\u{e9} cr\u{e8}me br\u{fb}l\u{e9}e"),
            (b"It\x92s \x93quoted\x94".to_vec(), "It\u{2019}s \u{201c}quoted\u{201d}"),
            (gbk, &*long_chinese),
            (sjis, &*japanese),
            (damaged, &*long_chinese),
        ] {
            assert_eq!(decode(&bytes), expected);
            assert_eq!(text(&bytes), expected);
        }
        assert_eq!(decode_as(b"\xc4\xe3", "gb2312"), "\u{4f60}");
        assert_eq!(decode_as("\u{4f60}".as_bytes(), "no-such-encoding"), "\u{4f60}");
    }
}
