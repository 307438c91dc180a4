//! What must hold of a PDF before its readers may see it: no stream unpacks without end, no form draws itself.

use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
};

use flate2::read::ZlibDecoder;
use pdf_extract::{Dictionary, Document, Object, ObjectId};

use super::FORMAT;
use crate::{Budget, Error};

/// How many times the limit of one stream all of them together may unpack to.
const ALL: u64 = 8;
/// Bytes before the word `stream` in which its dictionary is looked for.
const LOOK_BACK: usize = 1024;
/// Most bytes of packed object tables in an encrypted file, which cannot be looked into beforehand.
const MAX_HIDDEN: usize = 4 * 1024 * 1024;
/// Deepest nesting of forms, and most drawings of forms that one page may come to.
const MAX_FORM_DEPTH: u32 = 16;
const MAX_DRAWINGS: u64 = 100_000;

/// Unpacks every stream of the raw file once and throws it away.
pub fn streams(bytes: &[u8], budget: &Budget) -> Result<(), Error> {
    let is_encrypted = find(bytes, b"/Encrypt").is_some();
    let (mut at, mut total, mut hidden) = (0, 0_u64, 0);
    while let Some(found) = bytes.get(at..).and_then(|rest| find(rest, b"stream")) {
        budget.tick()?;
        let word = at + found;
        at = word + 6;
        if bytes.get(word.saturating_sub(3)..word) == Some(b"end") {
            continue;
        }
        let Some(data) = bytes.get(at..) else { break };
        let data = data.strip_prefix(b"\r").unwrap_or(data);
        let data = data.strip_prefix(b"\n").unwrap_or(data);
        let head = bytes.get(word.saturating_sub(LOOK_BACK)..word).unwrap_or_default();
        let head = head.get(rfind(head, b"obj").unwrap_or_default()..).unwrap_or_default();
        let count = |name: &[u8]| head.windows(name.len()).filter(|window| *window == name).count();
        let packings = count(b"FlateDecode") + count(b"LZWDecode");
        if packings > 1 {
            return Err(Error::broken(FORMAT, "a stream in it is packed more than once"));
        }
        if is_encrypted && count(b"ObjStm") > 0 {
            hidden += find(data, b"endstream").unwrap_or(data.len());
            if hidden > MAX_HIDDEN {
                return Err(Error::broken(FORMAT, "its encrypted object tables are too large"));
            }
        }
        if packings == 0 || count(b"DCTDecode") > 0 {
            continue;
        }
        let plain;
        let packed = if count(b"ASCII85Decode") > 0 {
            plain = ascii85(data);
            plain.as_slice()
        } else if count(b"ASCIIHexDecode") > 0 {
            plain = ascii_hex(data);
            plain.as_slice()
        } else {
            data
        };
        total += if count(b"LZWDecode") > 0 { lzw(packed, budget)? } else { flate(packed, budget)? };
        let limit = budget.limits().unpacked.saturating_mul(ALL);
        if total > limit {
            return Err(Error::TooLarge { what: "the unpacked content", limit });
        }
    }
    Ok(())
}

fn too_large(budget: &Budget) -> Error {
    Error::TooLarge { what: "the unpacked content", limit: budget.limits().unpacked }
}

/// Bytes that a packed stream unpacks to; what is broken ends where it breaks.
fn flate(data: &[u8], budget: &Budget) -> Result<u64, Error> {
    let mut decoder = ZlibDecoder::new(data);
    let mut chunk = vec![0; 64 * 1024];
    let mut total = 0;
    loop {
        budget.check()?;
        match decoder.read(&mut chunk) {
            Ok(0) | Err(_) => return Ok(total),
            Ok(length) => total += length as u64,
        }
        if total > budget.limits().unpacked {
            return Err(too_large(budget));
        }
    }
}

fn lzw(data: &[u8], budget: &Budget) -> Result<u64, Error> {
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let mut chunk = vec![0; 64 * 1024];
    let (mut rest, mut total) = (data, 0);
    loop {
        budget.check()?;
        let step = decoder.decode_bytes(rest, &mut chunk);
        total += step.consumed_out as u64;
        rest = rest.get(step.consumed_in..).unwrap_or_default();
        if total > budget.limits().unpacked {
            return Err(too_large(budget));
        }
        match step.status {
            Ok(weezl::LzwStatus::Ok) if step.consumed_out > 0 || step.consumed_in > 0 => {}
            _ => return Ok(total),
        }
    }
}

fn ascii85(data: &[u8]) -> Vec<u8> {
    let (mut out, mut group) = (Vec::new(), Vec::with_capacity(5));
    for &byte in data {
        match byte {
            b'~' => break,
            b'z' if group.is_empty() => out.extend([0; 4]),
            b'!'..=b'u' => group.push(u32::from(byte - b'!')),
            byte if byte.is_ascii_whitespace() => {}
            _ => break,
        }
        if group.len() == 5 {
            push_group(&mut out, &group, 4);
            group.clear();
        }
    }
    if group.len() > 1 {
        let length = group.len() - 1;
        group.resize(5, 84);
        push_group(&mut out, &group, length);
    }
    out
}

fn push_group(out: &mut Vec<u8>, group: &[u32], length: usize) {
    let value = group.iter().fold(0_u32, |value, digit| value.wrapping_mul(85).wrapping_add(*digit));
    out.extend(value.to_be_bytes().into_iter().take(length));
}

fn ascii_hex(data: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = data
        .iter()
        .take_while(|byte| **byte != b'>')
        .filter_map(|byte| u8::try_from(char::from(*byte).to_digit(16)?).ok())
        .collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit) << (8 - 4 * pair.len())).collect()
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    let first = *word.first()?;
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == first)?;
        if bytes.get(at..)?.starts_with(word) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn rfind(bytes: &[u8], word: &[u8]) -> Option<usize> {
    (0..bytes.len()).rev().find(|at| bytes.get(*at..).is_some_and(|rest| rest.starts_with(word)))
}

/// Pictures lose their content, which the reader would take for drawing commands; a form that draws itself, or
/// forms that draw each other without measure, are refused.
pub fn forms(document: &mut Document, budget: &Budget) -> Result<(), Error> {
    let mut inside: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
    for object in document.objects.values_mut() {
        if let Object::Stream(stream) = object
            && is(&stream.dict, b"Subtype", b"Image")
        {
            stream.dict.remove(b"Filter");
            stream.set_content(Vec::new());
        }
    }
    for (id, object) in &document.objects {
        budget.tick()?;
        if let Object::Stream(stream) = object
            && is(&stream.dict, b"Subtype", b"Form")
        {
            inside.insert(*id, drawn(document, &stream.dict));
        }
    }
    let mut known = BTreeMap::new();
    for id in inside.keys() {
        budget.tick()?;
        weigh(*id, 0, &inside, &mut known)?;
    }
    Ok(())
}

/// Whether a dictionary names this.
pub fn is(dictionary: &Dictionary, key: &[u8], value: &[u8]) -> bool {
    dictionary.get(key).and_then(Object::as_name).is_ok_and(|name| name == value)
}

/// The forms that a form's resources name.
fn drawn(document: &Document, form: &Dictionary) -> Vec<ObjectId> {
    let followed = |object: &Object| -> Option<Dictionary> {
        let object = match object {
            Object::Reference(id) => document.get_object(*id).ok()?,
            other => other,
        };
        object.as_dict().ok().cloned()
    };
    let objects = form.get(b"Resources").ok().and_then(followed);
    let objects = objects.and_then(|resources| resources.get(b"XObject").ok().and_then(followed));
    let ids = objects
        .into_iter()
        .flat_map(|objects| objects.iter().filter_map(|(_, object)| object.as_reference().ok()).collect::<Vec<_>>());
    ids.collect()
}

/// Drawings that a form comes to, itself included.
fn weigh(
    id: ObjectId,
    depth: u32,
    inside: &HashMap<ObjectId, Vec<ObjectId>>,
    known: &mut BTreeMap<ObjectId, u64>,
) -> Result<u64, Error> {
    if let Some(weight) = known.get(&id) {
        return Ok(*weight);
    }
    if depth > MAX_FORM_DEPTH {
        return Err(Error::broken(FORMAT, "its forms draw themselves"));
    }
    let mut weight = 1_u64;
    for child in inside.get(&id).into_iter().flatten().filter(|child| inside.contains_key(child)) {
        weight = weight.saturating_add(weigh(*child, depth + 1, inside, known)?);
    }
    if weight > MAX_DRAWINGS {
        return Err(Error::broken(FORMAT, "its forms draw each other too often"));
    }
    known.insert(id, weight);
    Ok(weight)
}
