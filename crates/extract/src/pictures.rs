//! Pictures inside documents: taken out as they are, and named in the text at their places.

use flate2::Crc;

/// A picture of a part, in a form that browsers show.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pub bytes: Vec<u8>,
    /// `png`, `jpg`, `gif`, `bmp` or `webp`.
    pub extension: &'static str,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} bytes of {})", self.bytes.len(), self.extension)
    }
}

impl Picture {
    /// What the first bytes say it is; nothing for what browsers do not show, and for more bytes than are kept.
    pub(crate) fn seen(bytes: Vec<u8>) -> Option<Self> {
        const SIGNS: [(&[u8], &str); 5] = [
            (b"\x89PNG\r\n\x1a\n", "png"),
            (b"\xff\xd8\xff", "jpg"),
            (b"GIF87a", "gif"),
            (b"GIF89a", "gif"),
            (b"BM", "bmp"),
        ];
        let sign = SIGNS.iter().find(|(sign, _)| bytes.starts_with(sign)).map(|(_, extension)| *extension);
        let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
        let extension = sign.or(is_webp.then_some("webp"))?;
        (bytes.len() <= MAX_BYTES).then_some(Self { bytes, extension })
    }

    /// The type of its content.
    #[must_use]
    pub fn mime(&self) -> &'static str {
        match self.extension {
            "png" => "image/png",
            "gif" => "image/gif",
            "bmp" => "image/bmp",
            "webp" => "image/webp",
            _ => "image/jpeg",
        }
    }
}

/// Most bytes of a picture; greater ones are left out.
pub(crate) const MAX_BYTES: usize = 10 * 1024 * 1024;
/// What stands around the number of a picture in a text: no characters of any text.
const OPEN: char = '\u{fdd0}';
const CLOSE: char = '\u{fdd1}';

/// Stands for a picture until it is known where it is kept.
pub(crate) fn mark(index: usize) -> String {
    format!("{OPEN}{index}{CLOSE}")
}

/// A text with its marks replaced: by a picture in Markdown, or by nothing.
pub(crate) fn placed(text: &str, targets: &[Option<String>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        out.push_str(before);
        let Some((number, after)) = after.split_once(CLOSE) else {
            rest = after;
            continue;
        };
        match number.parse::<usize>() {
            Ok(index) => {
                if let Some(Some(target)) = targets.get(index) {
                    out.push_str(&format!("![image]({target})"));
                }
            }
            // Not ours: the letters between stay.
            Err(_) => out.push_str(number),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// How the pixels of a PNG picture are.
pub(crate) struct Pixels<'a> {
    pub width: u32,
    pub height: u32,
    /// Of a channel: 1, 2, 4, 8 or 16.
    pub bits: u8,
    pub colors: Colors<'a>,
}

/// What a pixel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colors<'a> {
    Gray,
    Rgb,
    /// Numbers of colours, three bytes each.
    Palette(&'a [u8]),
}

impl Pixels<'_> {
    const fn channels(&self) -> u64 {
        match self.colors {
            Colors::Rgb => 3,
            Colors::Gray | Colors::Palette(_) => 1,
        }
    }

    /// Bytes of a row.
    pub fn row(&self) -> u64 {
        (u64::from(self.width) * self.channels() * u64::from(self.bits)).div_ceil(8)
    }

    /// A PNG file of rows that are compressed and filtered as it wants them.
    pub fn png(&self, compressed: &[u8]) -> Vec<u8> {
        let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut header = Vec::with_capacity(13);
        header.extend_from_slice(&self.width.to_be_bytes());
        header.extend_from_slice(&self.height.to_be_bytes());
        let kind = match self.colors {
            Colors::Gray => 0,
            Colors::Rgb => 2,
            Colors::Palette(_) => 3,
        };
        header.extend_from_slice(&[self.bits, kind, 0, 0, 0]);
        chunk(&mut out, *b"IHDR", &header);
        if let Colors::Palette(colors) = self.colors {
            chunk(&mut out, *b"PLTE", colors);
        }
        chunk(&mut out, *b"IDAT", compressed);
        chunk(&mut out, *b"IEND", &[]);
        out
    }
}

fn chunk(out: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    out.extend_from_slice(&u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
    let mut sum = Crc::new();
    sum.update(&name);
    sum.update(content);
    out.extend_from_slice(&name);
    out.extend_from_slice(content);
    out.extend_from_slice(&sum.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_show_is_known_by_its_first_bytes() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], Some(("png", "image/png"))),
            (b"\xff\xd8\xff\xe0", Some(("jpg", "image/jpeg"))),
            (b"GIF89a", Some(("gif", "image/gif"))),
            (b"BM....", Some(("bmp", "image/bmp"))),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(("webp", "image/webp"))),
            (b"RIFF\0\0\0\0WAVE", None),
            (b"\x01\0\0\0 EMF", None),
            (b"", None),
        ] {
            let seen = Picture::seen(bytes.to_vec());
            assert_eq!(seen.as_ref().map(|picture| (picture.extension, picture.mime())), expected, "{bytes:?}");
        }
        assert_eq!(Picture::seen([b"GIF89a".as_slice(), &vec![0; MAX_BYTES]].concat()), None);
    }

    #[test]
    fn marks_become_pictures_or_nothing() {
        let targets = [Some("/a".to_owned()), None];
        let (first, second, third) = (mark(0), mark(1), mark(7));
        for (text, expected) in [
            (format!("one {first} two"), "one ![image](/a) two"),
            (format!("{second}{third}rest"), "rest"),
            ("\u{fdd0}x\u{fdd1} y \u{fdd0}".to_owned(), "x y "),
            ("nothing".to_owned(), "nothing"),
        ] {
            assert_eq!(placed(&text, &targets), expected);
        }
    }

    #[test]
    fn a_png_file_has_its_parts_and_sums() {
        let pixels = Pixels { width: 2, height: 1, bits: 8, colors: Colors::Palette(&[255, 0, 0, 0, 0, 255]) };
        let png = pixels.png(b"zz");
        assert_eq!(pixels.row(), 2);
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x01\x08\x03\0\0\0"));
        assert!(png.windows(4).any(|part| part == b"PLTE"));
        // The end of every PNG file.
        assert!(png.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
        assert_eq!(Pixels { width: 10, height: 1, bits: 1, colors: Colors::Gray }.row(), 2);
        assert_eq!(Pixels { width: 3, height: 1, bits: 16, colors: Colors::Rgb }.row(), 18);
    }
}
