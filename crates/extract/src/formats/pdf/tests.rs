use super::*;
use crate::Limits;

/// A file of numbered objects, the first being its root.
fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n", index + 1).bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").bytes());
    }
    out.extend(format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1).bytes());
    out
}

fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let mut out = format!("<< {dictionary} /Length {} >>\nstream\n", content.len()).into_bytes();
    out.extend(content);
    out.extend(b"\nendstream");
    out
}

fn zlib(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A file with one page that draws this content.
fn page_with(content: Vec<u8>, more: &[Vec<u8>], resources: &str) -> Vec<u8> {
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 612 792] >>".to_vec(),
        format!("<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> {resources} >> >>")
            .into_bytes(),
        content,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    objects.extend_from_slice(more);
    file(&objects)
}

fn text_of(bytes: &[u8]) -> Result<String, Error> {
    let limits = Limits { unpacked: 1024 * 1024, ..Limits::default() };
    read(bytes, &Budget::new(limits))
}

const HELLO: &[u8] = b"BT /F1 12 Tf 72 720 Td (Hello PDF) Tj 0 -20 Td (second line) Tj ET";

#[test]
fn texts_of_pages() {
    for content in [
        stream("", HELLO),
        stream("/Filter /FlateDecode", &zlib(HELLO)),
        stream(
            "/Filter [/ASCIIHexDecode]",
            HELLO.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect::<Vec<_>>().as_slice(),
        ),
    ] {
        let is_hex = content.windows(14).any(|window| window == b"ASCIIHexDecode");
        let text = text_of(&page_with(content, &[], "")).unwrap();
        // Neither reader knows hexadecimal streams; they give no text, and no error.
        assert!(is_hex || (text.contains("Hello PDF") && text.contains("second line")), "{text:?}");
    }
    let form =
        stream("/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F1 5 0 R >> >>", HELLO);
    let text = text_of(&page_with(stream("", b"/X1 Do"), &[form], "/XObject << /X1 6 0 R >>")).unwrap();
    assert!(text.contains("Hello PDF"), "{text:?}");
}

#[test]
fn pictures_are_not_read() {
    let image =
        stream("/Type /XObject /Subtype /Image /Width 1 /Height 1 /Filter /FlateDecode", &zlib(b"(not text) Tj"));
    let content = [HELLO, b" /I1 Do"].concat();
    let text = text_of(&page_with(stream("", &content), &[image], "/XObject << /I1 6 0 R >>")).unwrap();
    assert!(text.contains("Hello PDF") && !text.contains("not text"), "{text:?}");
}

#[test]
fn hostile_files() {
    let bomb = zlib(&vec![b' '; 4 * 1024 * 1024]);
    let error = text_of(&page_with(stream("/Filter /FlateDecode", &bomb), &[], "")).unwrap_err();
    assert_eq!(error, Error::TooLarge { what: "the unpacked content", limit: 1024 * 1024 });
    let twice = stream("/Filter [/FlateDecode /FlateDecode]", &zlib(&bomb));
    let error = text_of(&page_with(twice, &[], "")).unwrap_err().to_string();
    assert!(error.ends_with("packed more than once"), "{error}");
    let form = |inner: &str| {
        stream(
            &format!("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << {inner} >> >>"),
            b"/X Do",
        )
    };
    let circle = [form("/X 7 0 R"), form("/X 6 0 R")];
    let error = text_of(&page_with(stream("", b"/X Do"), &circle, "/XObject << /X 6 0 R >>")).unwrap_err().to_string();
    assert_eq!(error, "Failed to extract text from PDF: its forms draw themselves");
    let many: String = (0..40).map(|index| format!("/X{index} 7 0 R ")).collect();
    let more: String = (0..40).map(|index| format!("/X{index} 8 0 R ")).collect();
    let most: String = (0..80).map(|index| format!("/X{index} 9 0 R ")).collect();
    let fan = [form(&many), form(&more), form(&most), form("")];
    let error = text_of(&page_with(stream("", b"/X Do"), &fan, "/XObject << /X 6 0 R >>")).unwrap_err().to_string();
    assert!(error.ends_with("too often"), "{error}");
    for bytes in [&b""[..], b"%PDF-1.4", b"%PDF-1.4\ntrailer << /Root 1 0 R >>", b"plain text", &[0xff; 64]] {
        let error = text_of(bytes).unwrap_err().to_string();
        assert!(error.starts_with("Failed to extract text from PDF: "), "{error}");
    }
    let cut = page_with(stream("", HELLO), &[], "");
    for length in (0..cut.len()).step_by(97) {
        let _ = text_of(&cut[..length]);
    }
}

#[test]
fn a_file_with_a_password_says_so() {
    let key = "5a".repeat(32);
    let lock = format!("<< /Filter /Standard /V 1 /R 2 /P -4 /O <{key}> /U <{key}> >>").into_bytes();
    let open = String::from_utf8(page_with(stream("", HELLO), &[lock], "")).unwrap();
    let locked = open.replace("/Root 1 0 R", "/Root 1 0 R /Encrypt 6 0 R /ID [<5a5a> <5a5a>]");
    assert_ne!(open, locked);
    let error = text_of(locked.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "Failed to extract text from PDF: it is protected by a password");
}

/// Parts of a file whose pictures are wanted, told by number, text and extensions.
fn illustrated_parts(bytes: &[u8], most: usize) -> Vec<(Option<u32>, String, Vec<&'static str>)> {
    let budget = Budget::new(Limits { pictures: most, ..Limits::default() });
    let mut out = Vec::new();
    let document = crate::Document { bytes, extension: Some("pdf"), mime: None };
    crate::items(document, &budget, &mut |mut item: Item| {
        let mut kept = Vec::new();
        item.place_pictures(|picture| {
            kept.push(picture.extension);
            Some(format!("/{}", kept.len()))
        });
        out.push((item.page, item.text, kept));
        Ok(())
    })
    .unwrap();
    out
}

#[test]
fn pictures_of_pages_stand_below_their_text() {
    let sides = "/Type /XObject /Subtype /Image /Width 8 /Height 8";
    let gray = format!("{sides} /BitsPerComponent 8 /ColorSpace /DeviceGray");
    let jpeg = [&b"\xff\xd8\xff\xe0"[..], &[7; 40]].concat();
    let filtered = zlib(&[0; 9 * 8]);
    let cases: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
        ("a JPEG file", stream(&format!("{sides} /Filter /DCTDecode"), &jpeg), Some("jpg")),
        (
            "a packed JPEG file",
            stream(&format!("{sides} /Filter [/FlateDecode /DCTDecode]"), &zlib(&jpeg)),
            Some("jpg"),
        ),
        ("packed rows", stream(&format!("{gray} /Filter /FlateDecode"), &zlib(&[9; 64])), Some("png")),
        ("rows as they are", stream(&gray, &[9; 64]), Some("png")),
        (
            "rows as in PNG files",
            stream(&format!("{gray} /Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 8 >>"), &filtered),
            Some("png"),
        ),
        (
            "a palette",
            stream(
                &format!("{sides} /BitsPerComponent 1 /ColorSpace [/Indexed /DeviceRGB 1 <ff00000000ff>]"),
                &[0b1010_1010; 8],
            ),
            Some("png"),
        ),
        ("too few rows", stream(&format!("{gray} /Filter /FlateDecode"), &zlib(&[9; 63])), None),
        ("a mask", stream(&format!("{gray} /ImageMask true"), &[9; 64]), None),
        ("four inks", stream(&format!("{sides} /BitsPerComponent 8 /ColorSpace /DeviceCMYK"), &[9; 256]), None),
        ("a fax", stream(&format!("{sides} /Filter /CCITTFaxDecode"), &[9; 64]), None),
        (
            "a line",
            stream("/Subtype /Image /Width 1 /Height 9 /BitsPerComponent 8 /ColorSpace /DeviceGray", &[9; 9]),
            None,
        ),
        (
            "a lie",
            stream(
                "/Subtype /Image /Width 20000 /Height 20000 /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter /FlateDecode",
                &zlib(&[9; 64]),
            ),
            None,
        ),
    ];
    for (name, image, expected) in cases {
        let bytes = page_with(stream("", HELLO), &[image], "/XObject << /I1 6 0 R >>");
        let parts = illustrated_parts(&bytes, 10);
        let [(Some(1), text, kept)] = parts.as_slice() else { panic!("{name}: {parts:?}") };
        assert_eq!(kept.as_slice(), expected.as_slice(), "{name}");
        assert!(text.contains("Hello PDF"), "{name}: {text:?}");
        assert_eq!(text.ends_with("\n![image](/1)"), expected.is_some(), "{name}: {text:?}");
        // Whoever wants none has the text alone.
        assert!(illustrated_parts(&bytes, 0).iter().all(|(_, text, kept)| kept.is_empty() && !text.contains("image")));
    }
}

#[test]
fn a_picture_in_a_form_is_given_once() {
    let image = stream("/Subtype /Image /Width 8 /Height 8 /Filter /DCTDecode", b"\xff\xd8\xff\xe0 picture");
    let form = stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /I 7 0 R >> >>", b"");
    let bytes = page_with(stream("", HELLO), &[form, image], "/XObject << /X 6 0 R /I 7 0 R >>");
    let parts = illustrated_parts(&bytes, 10);
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].2, ["jpg"]);
}
