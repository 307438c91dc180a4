//! One form for characters that are written in several: full and half width, marks apart or joined.

const VOICED: &str = "かがきぎくぐけげこごさざしじすずせぜそぞただちぢつづてでとどはばひびふぶへべほぼうゔ";
const HALF_VOICED: &str = "はぱひぴふぷへぺほぽ";
/// What U+FF61 to U+FF9F stand for.
const HALF_WIDTH: &str = "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン\u{3099}\u{309A}";
/// From hiragana to the same sound in katakana.
const KATAKANA: u32 = 0x60;

/// Appends a text's characters in their one form.
pub(super) fn fold(text: &str, out: &mut Vec<char>) {
    out.reserve(text.len().min(1 << 20));
    for c in text.chars() {
        let c = width(c);
        let composed = match c {
            '\u{3099}' | '\u{309A}' => out.last().and_then(|base| sound(*base, c)),
            '\u{1161}'..='\u{1175}' | '\u{11A8}'..='\u{11C2}' => out.last().and_then(|base| syllable(*base, c)),
            _ => None,
        };
        match composed {
            Some(joined) => {
                out.pop();
                out.push(joined);
            }
            None if is_ignored(c) => {}
            None => out.push(c),
        }
    }
}

/// Marks over letters, and characters that have no width.
fn is_ignored(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\u{3099}' | '\u{309A}')
}

fn width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        '\u{FF61}'..='\u{FF9F}' => HALF_WIDTH.chars().nth(c as usize - 0xFF61).unwrap_or(c),
        '\u{2010}' | '\u{2011}' => '-',
        '\u{2019}' => '\'',
        _ => c,
    }
}

/// Kana with its voice mark.
fn sound(base: char, mark: char) -> Option<char> {
    let pairs = if mark == '\u{3099}' { VOICED } else { HALF_VOICED };
    let katakana = matches!(base, '\u{30A1}'..='\u{30F6}');
    let plain = if katakana { char::from_u32(base as u32 - KATAKANA)? } else { base };
    let mut chars = pairs.chars();
    while let (Some(from), Some(to)) = (chars.next(), chars.next()) {
        if from == plain {
            return if katakana { char::from_u32(to as u32 + KATAKANA) } else { Some(to) };
        }
    }
    None
}

/// Hangul of letters that came apart.
fn syllable(base: char, letter: char) -> Option<char> {
    match (base as u32, letter as u32) {
        (first @ 0x1100..=0x1112, vowel @ 0x1161..=0x1175) => {
            char::from_u32(0xAC00 + ((first - 0x1100) * 21 + (vowel - 0x1161)) * 28)
        }
        (open @ 0xAC00..=0xD7A3, last @ 0x11A8..=0x11C2) if (open - 0xAC00) % 28 == 0 => {
            char::from_u32(open + last - 0x11A7)
        }
        _ => None,
    }
}
