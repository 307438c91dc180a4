//! Pictures of a PDF: taken off their streams before the readers of its text, who would stumble over them, see it.

use std::{
    collections::{HashMap, HashSet},
    io::{Read as _, Write as _},
};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use pdf_extract::{Dictionary, Document, Object, ObjectId};

use super::guard::is;
use crate::{
    Budget, Error, Picture,
    pictures::{Colors, MAX_BYTES, Pixels},
};

/// Lines and dots are drawn with pictures too: those with a side below this are not given.
const MIN_SIDE: u32 = 8;
const MAX_SIDE: u32 = 20_000;
/// Most bytes that the rows of a picture have.
const MAX_PIXELS: u64 = 64 * 1024 * 1024;
/// Forms in forms that are looked into.
const MAX_DEPTH: usize = 8;

/// The pictures that no page has shown yet.
#[derive(Default)]
pub struct Shelf {
    streams: HashMap<ObjectId, (Dictionary, Vec<u8>)>,
    left: usize,
}

impl Shelf {
    /// Takes the content of all pictures, if any are wanted.
    pub fn take(document: &mut Document, budget: &Budget) -> Self {
        let left = budget.limits().pictures;
        let mut streams = HashMap::new();
        if left > 0 {
            for (id, object) in &mut document.objects {
                if let Object::Stream(stream) = object
                    && is(&stream.dict, b"Subtype", b"Image")
                {
                    streams.insert(*id, (stream.dict.clone(), std::mem::take(&mut stream.content)));
                }
            }
        }
        Self { streams, left }
    }

    /// The pictures of a page, those of its forms included. One that several pages show goes with the first.
    pub fn of_page(&mut self, document: &Document, page: ObjectId, budget: &Budget) -> Result<Vec<Picture>, Error> {
        if self.left == 0 || self.streams.is_empty() {
            return Ok(Vec::new());
        }
        let Ok((own, inherited)) = document.get_page_resources(page) else { return Ok(Vec::new()) };
        let inherited = inherited.into_iter().filter_map(|id| document.get_dictionary(id).ok());
        let mut ids = Shown { document, ids: Vec::new(), seen: HashSet::new() };
        for resources in own.into_iter().chain(inherited) {
            ids.collect(resources, 0, budget)?;
        }
        let mut out = Vec::new();
        for id in ids.ids {
            let Some((dictionary, content)) = self.streams.remove(&id) else { continue };
            budget.check()?;
            if let Some(picture) = picture(document, &dictionary, content, budget)?
                && self.left > 0
            {
                self.left -= 1;
                out.push(picture);
            }
        }
        Ok(out)
    }
}

/// What resources show, in their order.
struct Shown<'a> {
    document: &'a Document,
    ids: Vec<ObjectId>,
    seen: HashSet<ObjectId>,
}

impl Shown<'_> {
    fn collect(&mut self, resources: &Dictionary, depth: usize, budget: &Budget) -> Result<(), Error> {
        let Ok(objects) = self.document.get_dict_in_dict(resources, b"XObject") else { return Ok(()) };
        for (_, object) in objects {
            budget.tick()?;
            let Ok(id) = object.as_reference() else { continue };
            let Ok(stream) = self.document.get_object(id).and_then(Object::as_stream) else { continue };
            if !self.seen.insert(id) {
                continue;
            }
            if is(&stream.dict, b"Subtype", b"Image") {
                self.ids.push(id);
            } else if depth < MAX_DEPTH
                && let Ok(inner) = self.document.get_dict_in_dict(&stream.dict, b"Resources")
            {
                self.collect(inner, depth + 1, budget)?;
            }
        }
        Ok(())
    }
}

/// A value of a dictionary, references followed.
fn value<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    document.dereference(dictionary.get(key).ok()?).ok().map(|(_, object)| object)
}

fn number(document: &Document, dictionary: &Dictionary, key: &[u8]) -> Option<u32> {
    value(document, dictionary, key)?.as_i64().ok().and_then(|number| number.try_into().ok())
}

/// A value that is an array or, where there is one, its only member.
fn several<'a>(document: &'a Document, object: Option<&'a Object>) -> Vec<&'a Object> {
    match object {
        Some(Object::Array(all)) => {
            all.iter().filter_map(|one| document.dereference(one).ok()).map(|(_, one)| one).collect()
        }
        Some(Object::Null) | None => Vec::new(),
        Some(one) => vec![one],
    }
}

/// The picture that a stream is, in a form that browsers show; nothing for masks, decoration and rare packings.
fn picture(
    document: &Document,
    image: &Dictionary,
    content: Vec<u8>,
    budget: &Budget,
) -> Result<Option<Picture>, Error> {
    let is_mask = value(document, image, b"ImageMask").is_some_and(|mask| mask.as_bool().unwrap_or(false));
    let sides = (number(document, image, b"Width"), number(document, image, b"Height"));
    let (Some(width), Some(height)) = sides else { return Ok(None) };
    let fits = |side: u32| (MIN_SIDE..=MAX_SIDE).contains(&side);
    if is_mask || !fits(width) || !fits(height) {
        return Ok(None);
    }
    let filters = several(document, value(document, image, b"Filter"));
    let filters: Vec<&[u8]> = filters.into_iter().filter_map(|filter| filter.as_name().ok()).collect();
    Ok(match filters.as_slice() {
        [b"DCTDecode" | b"DCT"] => Picture::seen(content),
        [b"FlateDecode" | b"Fl", b"DCTDecode" | b"DCT"] => {
            inflated(&content, MAX_BYTES as u64, budget)?.and_then(Picture::seen)
        }
        [] | [b"FlateDecode" | b"Fl"] => match pixels(document, image, width, height) {
            Some(pixels) if pixels.row() * u64::from(height) <= MAX_PIXELS => {
                rows(document, image, &pixels, content, !filters.is_empty(), budget)?.and_then(Picture::seen)
            }
            _ => None,
        },
        _ => None,
    })
}

/// Unpacks at most so many bytes; nothing when they are more, or broken.
fn inflated(content: &[u8], most: u64, budget: &Budget) -> Result<Option<Vec<u8>>, Error> {
    let mut out = Vec::new();
    let done = ZlibDecoder::new(content).take(most + 1).read_to_end(&mut out);
    budget.unpack(out.len() as u64)?;
    Ok((done.is_ok() && out.len() as u64 <= most).then_some(out))
}

/// A PNG file of the rows of a picture.
fn rows(
    document: &Document,
    image: &Dictionary,
    pixels: &Pixels<'_>,
    content: Vec<u8>,
    is_packed: bool,
    budget: &Budget,
) -> Result<Option<Vec<u8>>, Error> {
    let decode = several(document, value(document, image, b"Decode"));
    let is_inverted = decode.first().is_some_and(|first| first.as_float().is_ok_and(|first| first > 0.5));
    let parameters = value(document, image, b"DecodeParms").or_else(|| value(document, image, b"DP"));
    let parameters = several(document, parameters).first().and_then(|first| first.as_dict().ok());
    let parameter =
        |key: &[u8], default| parameters.and_then(|parameters| number(document, parameters, key)).unwrap_or(default);
    let row = pixels.row();
    let content = match (is_packed, parameter(b"Predictor", 1)) {
        (false, _) => content,
        (true, 1) => match inflated(&content, row * u64::from(pixels.height) + row, budget)? {
            Some(content) => content,
            None => return Ok(None),
        },
        // Rows as PNG files have them: they are one as they are.
        (true, 10..=15) => {
            let channels = if pixels.colors == Colors::Rgb { 3 } else { 1 };
            let is_same = parameter(b"Colors", 1) == channels
                && parameter(b"BitsPerComponent", 8) == u32::from(pixels.bits)
                && parameter(b"Columns", 1) == pixels.width;
            return Ok((is_same && !is_inverted).then(|| pixels.png(&content)));
        }
        (true, _) => return Ok(None),
    };
    let (Ok(row), Ok(height)) = (usize::try_from(row), usize::try_from(pixels.height)) else { return Ok(None) };
    if content.len() < row * height {
        return Ok(None);
    }
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    let is_inverted = is_inverted && !matches!(pixels.colors, Colors::Palette(_));
    for row in content.chunks_exact(row).take(height) {
        budget.tick()?;
        // Each row says how it is filtered: not at all.
        let mut line = Vec::with_capacity(row.len() + 1);
        line.push(0);
        line.extend(row.iter().map(|byte| if is_inverted { !byte } else { *byte }));
        if packed.write_all(&line).is_err() {
            return Ok(None);
        }
    }
    Ok(packed.finish().ok().map(|packed| pixels.png(&packed)))
}

/// How the pixels of a picture are, where PNG has the like.
fn pixels<'a>(document: &'a Document, image: &'a Dictionary, width: u32, height: u32) -> Option<Pixels<'a>> {
    let bits = number(document, image, b"BitsPerComponent").unwrap_or(8);
    let bits = u8::try_from(bits).ok().filter(|bits| matches!(bits, 1 | 2 | 4 | 8 | 16))?;
    let colors = colors(document, value(document, image, b"ColorSpace")?)?;
    let fits = match colors {
        Colors::Gray => true,
        Colors::Rgb => bits >= 8,
        Colors::Palette(_) => bits <= 8,
    };
    fits.then_some(Pixels { width, height, bits, colors })
}

fn colors<'a>(document: &'a Document, space: &'a Object) -> Option<Colors<'a>> {
    let parts = several(document, Some(space));
    match (parts.first()?.as_name().ok()?, parts.get(1..)?) {
        (b"DeviceGray" | b"CalGray" | b"G", _) => Some(Colors::Gray),
        (b"DeviceRGB" | b"CalRGB" | b"RGB", _) => Some(Colors::Rgb),
        (b"ICCBased", [profile, ..]) => match number(document, &profile.as_stream().ok()?.dict, b"N")? {
            1 => Some(Colors::Gray),
            3 => Some(Colors::Rgb),
            _ => None,
        },
        (b"Indexed" | b"I", [base, highest, table, ..]) => {
            let highest = usize::try_from(highest.as_i64().ok()?).ok().filter(|highest| *highest < 256)?;
            let table = match table {
                Object::String(table, _) => table.as_slice(),
                // Packed tables are rare: such a picture is left out.
                Object::Stream(table) if !table.dict.has(b"Filter") => table.content.as_slice(),
                _ => return None,
            };
            (colors(document, base)? == Colors::Rgb).then_some(())?;
            Some(Colors::Palette(table.get(..(highest + 1) * 3)?))
        }
        _ => None,
    }
}
