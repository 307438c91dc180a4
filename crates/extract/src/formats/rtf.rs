//! Rich text, as mails keep it and as some programs write it under the name of a Word document.

use std::collections::HashMap;

use encoding_rs::Encoding;

use crate::{Budget, Error, budget::Text};

const FORMAT: &str = "RTF";
/// Groups in groups.
const MAX_DEPTH: usize = 500;
/// Fonts whose encoding is remembered.
const MAX_FONTS: usize = 4096;

/// Groups that are not text.
const SKIPPED: &[&str] = &[
    "annotation",
    "atnauthor",
    "atnid",
    "atrfend",
    "atrfstart",
    "author",
    "bkmkend",
    "bkmkstart",
    "category",
    "colorschememapping",
    "colortbl",
    "comment",
    "company",
    "creatim",
    "datastore",
    "defchp",
    "defpap",
    "doccomm",
    "docvar",
    "falt",
    "filetbl",
    "fldinst",
    "footer",
    "footerf",
    "footerl",
    "footerr",
    "ftncn",
    "ftnsep",
    "ftnsepc",
    "generator",
    "header",
    "headerf",
    "headerl",
    "headerr",
    "htmltag",
    "info",
    "keywords",
    "latentstyles",
    "listname",
    "listoverridetable",
    "listtable",
    "listtext",
    "manager",
    "mmathPr",
    "nesttableprops",
    "nonesttables",
    "objdata",
    "object",
    "operator",
    "panose",
    "pgdsctbl",
    "pgptbl",
    "pict",
    "pntext",
    "printim",
    "private",
    "revtbl",
    "revtim",
    "rsidtbl",
    "shpinst",
    "stylesheet",
    "subject",
    "themedata",
    "title",
    "tc",
    "userprops",
    "xe",
    "xmlnstbl",
];

pub fn read(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    if !bytes.trim_ascii_start().starts_with(b"{\\rtf") {
        return Err(Error::broken(FORMAT, "it does not begin like rich text"));
    }
    let mut reader = Reader::new(budget);
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        budget.tick()?;
        rest = match first {
            b'{' => {
                reader.open()?;
                after
            }
            b'}' => {
                reader.close()?;
                // What follows the document is not part of it.
                if reader.groups.is_empty() {
                    break;
                }
                after
            }
            b'\\' => reader.control(after)?,
            b'\r' | b'\n' => after,
            byte => {
                reader.byte(*byte)?;
                after
            }
        };
    }
    reader.flush()?;
    Ok(super::eml::tidy(&reader.out.finish()))
}

/// What a group changes until its end.
#[derive(Clone, Copy)]
struct Group {
    skipped: bool,
    /// It lists fonts.
    fonts: bool,
    /// Characters that stand for a `\u` to programs that do not know it.
    fallback: usize,
    encoding: &'static Encoding,
    font: i32,
    /// A `\*` was read: an unknown word makes the group one to skip.
    optional: bool,
}

struct Reader<'a> {
    out: Text<'a>,
    groups: Vec<Group>,
    /// What bytes mean where no font says otherwise.
    page: &'static Encoding,
    fonts: HashMap<i32, &'static Encoding>,
    /// Bytes of the current encoding, not yet text.
    pending: Vec<u8>,
    pending_encoding: &'static Encoding,
    /// Half of a character beyond the basic plane.
    high: Option<u16>,
    /// Characters still to be left out after a `\u`.
    left_out: usize,
}

impl<'a> Reader<'a> {
    fn new(budget: &'a Budget) -> Self {
        Self {
            out: Text::new(budget),
            groups: Vec::new(),
            page: encoding_rs::WINDOWS_1252,
            fonts: HashMap::new(),
            pending: Vec::new(),
            pending_encoding: encoding_rs::WINDOWS_1252,
            high: None,
            left_out: 0,
        }
    }

    fn group(&self) -> Group {
        let page = self.page;
        let usual = Group { skipped: false, fonts: false, fallback: 1, encoding: page, font: 0, optional: false };
        self.groups.last().copied().unwrap_or(usual)
    }

    fn change(&mut self, change: impl FnOnce(&mut Group)) {
        if let Some(group) = self.groups.last_mut() {
            change(group);
        }
    }

    fn open(&mut self) -> Result<(), Error> {
        if self.groups.len() >= MAX_DEPTH {
            return Err(Error::broken(FORMAT, format!("its groups are nested deeper than {MAX_DEPTH}")));
        }
        self.left_out = 0;
        let group = Group { optional: false, ..self.group() };
        self.groups.push(group);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.left_out = 0;
        self.groups.pop();
        Ok(())
    }

    /// A backslash was read; the rest after what belongs to it.
    fn control<'b>(&mut self, rest: &'b [u8]) -> Result<&'b [u8], Error> {
        let Some((first, after)) = rest.split_first() else { return Ok(rest) };
        if first.is_ascii_alphabetic() {
            return self.word(rest);
        }
        match first {
            b'\'' => {
                let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
                    return Ok(after);
                };
                self.byte(byte)?;
                return Ok(after.get(2..).unwrap_or_default());
            }
            b'*' => self.change(|group| group.optional = true),
            b'~' => self.text("\u{a0}")?,
            b'_' => self.text("-")?,
            b'\\' | b'{' | b'}' => self.byte(*first)?,
            b'\r' | b'\n' => self.text("\n")?,
            _ => {}
        }
        Ok(after)
    }

    fn word<'b>(&mut self, rest: &'b [u8]) -> Result<&'b [u8], Error> {
        let length = rest.iter().take(40).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (name, mut rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let signed = usize::from(rest.first() == Some(&b'-'));
        let digits = rest.iter().skip(signed).take(20).take_while(|byte| byte.is_ascii_digit()).count();
        let mut value = None;
        if digits > 0 {
            let (number, after) = rest.split_at_checked(signed + digits).unwrap_or((rest, &[]));
            value = std::str::from_utf8(number).ok().and_then(|number| number.parse::<i32>().ok());
            rest = after;
        }
        if rest.first() == Some(&b' ') {
            rest = rest.get(1..).unwrap_or_default();
        }
        let name = std::str::from_utf8(name).unwrap_or_default();
        if name == "bin" {
            let count = usize::try_from(value.unwrap_or(0)).unwrap_or(0);
            return Ok(rest.get(count..).unwrap_or_default());
        }
        self.act(name, value)?;
        Ok(rest)
    }

    fn act(&mut self, name: &str, value: Option<i32>) -> Result<(), Error> {
        let group = self.group();
        let is_foreign = group.optional && !matches!(name, "shppict" | "shptxt" | "cs" | "ud" | "upr");
        if is_foreign || SKIPPED.contains(&name) {
            self.flush()?;
            self.change(|group| (group.skipped, group.optional) = (true, false));
            return Ok(());
        }
        self.change(|group| group.optional = false);
        match (name, value) {
            ("fonttbl", _) => self.change(|group| (group.skipped, group.fonts) = (true, true)),
            ("f", Some(font)) if group.fonts => self.change(|group| group.font = font),
            ("fcharset", Some(number)) if group.fonts => {
                if let Some(encoding) = of_charset(number).filter(|_| self.fonts.len() < MAX_FONTS) {
                    self.fonts.insert(group.font, encoding);
                }
            }
            ("f", Some(font)) => {
                let encoding = self.fonts.get(&font).copied().unwrap_or(self.page);
                self.change(|group| group.encoding = encoding);
            }
            ("plain", _) => {
                let page = self.page;
                self.change(|group| group.encoding = page);
            }
            ("ansicpg", Some(number)) => {
                if let Some(encoding) = of_page(number) {
                    self.page = encoding;
                    self.change(|group| group.encoding = encoding);
                }
            }
            ("mac", _) => self.page = encoding_rs::MACINTOSH,
            ("uc", Some(count)) => {
                let count = usize::try_from(count).unwrap_or(0).min(100);
                self.change(|group| group.fallback = count);
            }
            ("u", Some(number)) => self.unit(number)?,
            ("par" | "line" | "sect" | "page" | "column" | "row" | "nestrow" | "softline", _) => self.text("\n")?,
            ("tab" | "cell" | "nestcell", _) => self.text("\t")?,
            ("emdash", _) => self.text("\u{2014}")?,
            ("endash", _) => self.text("\u{2013}")?,
            ("lquote", _) => self.text("\u{2018}")?,
            ("rquote", _) => self.text("\u{2019}")?,
            ("ldblquote", _) => self.text("\u{201c}")?,
            ("rdblquote", _) => self.text("\u{201d}")?,
            ("bullet", _) => self.text("\u{2022}")?,
            ("emspace" | "enspace" | "qmspace", _) => self.text(" ")?,
            _ => {}
        }
        Ok(())
    }

    /// A UTF-16 unit, written as a signed number.
    fn unit(&mut self, number: i32) -> Result<(), Error> {
        let group = self.group();
        let unit = u16::try_from(number & 0xffff).unwrap_or_default();
        let high = self.high.take();
        if (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
        } else {
            let pair: Vec<u16> = high.into_iter().chain([unit]).collect();
            let text: String = char::decode_utf16(pair).filter_map(Result::ok).collect();
            self.text(&text)?;
        }
        self.left_out = group.fallback;
        Ok(())
    }

    fn byte(&mut self, byte: u8) -> Result<(), Error> {
        if self.left_out > 0 {
            self.left_out -= 1;
            return Ok(());
        }
        let group = self.group();
        if group.skipped {
            return Ok(());
        }
        if !std::ptr::eq(group.encoding, self.pending_encoding) || self.pending.len() >= 64 * 1024 {
            self.flush()?;
            self.pending_encoding = group.encoding;
        }
        self.pending.push(byte);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        self.left_out = 0;
        self.flush()?;
        if self.group().skipped { Ok(()) } else { self.out.push(text) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.pending);
        let (text, _) = self.pending_encoding.decode_without_bom_handling(&bytes);
        self.out.push(&text)
    }
}

fn of_page(number: i32) -> Option<&'static Encoding> {
    Some(match number {
        874 => encoding_rs::WINDOWS_874,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1252 => encoding_rs::WINDOWS_1252,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        10000 => encoding_rs::MACINTOSH,
        65001 => encoding_rs::UTF_8,
        _ => return None,
    })
}

/// The encoding of a font, by its character set.
fn of_charset(number: i32) -> Option<&'static Encoding> {
    of_page(match number {
        0 => 1252,
        77 => 10000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}

const COMPRESSED: [u8; 4] = *b"LZFu";
const STORED: [u8; 4] = *b"MELA";
const WINDOW: usize = 4096;
/// What the window holds before the first byte.
const SEED: &[u8] =
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Unpacks the rich text of a mail.
pub fn unpack(bytes: &[u8], budget: &Budget) -> Result<Vec<u8>, Error> {
    let broken = || Error::broken("MSG", "its rich text is damaged");
    let (head, body) = bytes.split_at_checked(16).ok_or_else(broken)?;
    let kind = head.get(8..12).ok_or_else(broken)?;
    let told = u32::from_le_bytes(head.get(4..8).and_then(|size| size.try_into().ok()).ok_or_else(broken)?) as usize;
    if kind == STORED {
        return Ok(body.get(..told).unwrap_or(body).to_vec());
    }
    if kind != COMPRESSED {
        return Err(broken());
    }
    let mut window = vec![b' '; WINDOW];
    for (place, byte) in window.iter_mut().zip(SEED) {
        *place = *byte;
    }
    let mut at = SEED.len() % WINDOW;
    let mut out = Vec::new();
    let mut input = body.iter().copied();
    'all: while let Some(flags) = input.next() {
        budget.unpack(0)?;
        for bit in 0..8 {
            if flags & (1 << bit) == 0 {
                let Some(byte) = input.next() else { break 'all };
                put(&mut window, &mut at, byte, &mut out);
                continue;
            }
            let (Some(high), Some(low)) = (input.next(), input.next()) else { break 'all };
            let reference = usize::from(u16::from_be_bytes([high, low]));
            let (from, length) = (reference >> 4, (reference & 0xf) + 2);
            if from == at {
                break 'all;
            }
            for step in 0..length {
                let byte = window.get((from + step) % WINDOW).copied().unwrap_or_default();
                put(&mut window, &mut at, byte, &mut out);
            }
        }
        if out.len() > told.saturating_add(WINDOW) {
            return Err(broken());
        }
    }
    budget.unpack(out.len() as u64)?;
    out.truncate(told);
    Ok(out)
}

fn put(window: &mut [u8], at: &mut usize, byte: u8, out: &mut Vec<u8>) {
    if let Some(place) = window.get_mut(*at) {
        *place = byte;
    }
    *at = (*at + 1) % WINDOW;
    out.push(byte);
}

#[cfg(test)]
mod tests;
