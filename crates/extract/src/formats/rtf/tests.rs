use super::*;
use crate::Limits;

fn text(bytes: &[u8]) -> Result<String, String> {
    read(bytes, &Budget::new(Limits::default())).map_err(|error| error.to_string())
}

#[test]
fn rich_text() {
    for (rich, expected) in [
        (&br"{\rtf1\ansi one\par two\tab three}"[..], "one\ntwo\tthree"),
        (br"{\rtf1 a\~b\_c\-d \{x\} \\}", "a\u{a0}b-cd {x} \\"),
        (br"{\rtf1\ansi\ansicpg1252 caf\'e9 \'93x\'94}", "caf\u{e9} \u{201c}x\u{201d}"),
        (br"{\rtf1\ansi\ansicpg936 \'c4\'e3}", "\u{4f60}"),
        (br"{\rtf1\ansi{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Cyr;}}\f1 \'cf\f0 x\'e9}", "\u{41f}x\u{e9}"),
        (br"{\rtf1\uc1\u20320?\u-10179?\u-8704? z}", "\u{4f60}\u{1f600} z"),
        (br"{\rtf1\uc2\u233\'c3\'a9 z{\uc0\u233 b}}", "\u{e9} z\u{e9}b"),
        (br"{\rtf1{\info{\title secret}}{\*\unknown gone}{\stylesheet{\s1 no;}}kept{\pict\bin4 }}}}}", "kept"),
        (br#"{\rtf1{\field{\*\fldinst HYPERLINK "http://x"}{\fldrslt link}}}"#, "link"),
        (br"{\rtf1\trowd a\cell b\cell\row c\cell d\cell\row\pard end}", "a\tb\nc\td\nend"),
        (
            br"{\rtf1\fromhtml1{\*\htmltag84 <br>}\htmlrtf \line\htmlrtf0 x{\*\htmltag64 <p>}\htmlrtf\par\htmlrtf0 y}",
            "x\ny",
        ),
        (b"{\\rtf1 soft\r\nwrap\\\nhard}", "softwrap\nhard"),
        (br"{\rtf1 unclosed {\b bold", "unclosed bold"),
        (br"{\rtf1 x}trailing", "x"),
        (br"{\rtf1 \'zz\u99999999999 \", "zz"),
    ] {
        assert_eq!(text(rich).as_deref(), Ok(expected), "{}", String::from_utf8_lossy(rich));
    }
    assert!(text(b"plain").unwrap_err().contains("does not begin like rich text"));
    assert!(text(&[b"{\\rtf1 ", "{".repeat(10_000).as_bytes()].concat()).unwrap_err().contains("nested deeper"));
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// The examples of the published description of the format.
#[test]
fn packed() {
    let budget = Budget::new(Limits::default());
    for (packed, expected) in [
        (
            "2d 00 00 00 2b 00 00 00 4c 5a 46 75 f1 c5 c7 a7 03 00 0a 00 72 63 70 67 31 32 35 42 32 0a f3 20 68 65 6c \
             09 00 20 62 77 05 b0 6c 64 7d 0a 80 0f a0",
            "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n",
        ),
        (
            "1a 00 00 00 1c 00 00 00 4c 5a 46 75 e2 d4 4b 51 41 00 04 20 57 58 59 5a 0d 6e 7d 01 0e b0",
            "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}",
        ),
    ] {
        let packed = bytes(packed);
        assert_eq!(String::from_utf8(unpack(&packed, &budget).unwrap()).unwrap(), expected);
        for cut in 0..packed.len() {
            let part = unpack(&packed[..cut], &budget);
            assert!(part.is_err() || expected.as_bytes().starts_with(&part.unwrap()), "cut at {cut}");
        }
    }
    // A length that is a lie: at most what it says, and not much more than is unpacked for it.
    let mut lie = bytes("ff ff ff ff 02 00 00 00 4c 5a 46 75 00 00 00 00");
    lie.extend([0_u8; 100_000]);
    assert!(unpack(&lie, &budget).is_err());
    assert!(unpack(b"short", &budget).is_err());
}
