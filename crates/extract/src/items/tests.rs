use super::*;
use crate::{Limits, testing::zipped};

fn read_within(extension: &str, bytes: &[u8], limits: Limits) -> Result<Vec<Item>, Error> {
    let mut got = Vec::new();
    let document = Document { bytes, extension: Some(extension), mime: None };
    items(document, &Budget::new(limits), &mut |item| {
        got.push(item);
        Ok(())
    })
    .map(|()| got)
}

fn read(extension: &str, bytes: &[u8]) -> Result<Vec<Item>, Error> {
    read_within(extension, bytes, Limits::default())
}

fn texts(extension: &str, bytes: &[u8]) -> Vec<String> {
    read(extension, bytes).unwrap().into_iter().map(|item| item.text).collect()
}

#[test]
fn texts_as_they_are() {
    let gbk =
        encoding_rs::GBK.encode(&"这是一个用来测试编码检测的中文文本，里面有很多常用的汉字。".repeat(3)).0.into_owned();
    for (extension, bytes, expected) in [
        (".txt", b"a\0b\n# c".to_vec(), "ab\n# c"),
        ("json", b"{\"a\": [1,  2}".to_vec(), "{\"a\": [1,  2}"),
        ("vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nhi".to_vec(), "WEBVTT\n\n00:00.000 --> 00:01.000\nhi"),
        ("properties", b"a = b\\\n c".to_vec(), "a = b\\\n c"),
        ("yaml", b"a: [1".to_vec(), "a: [1"),
        ("xml", b"<a>kept <b/></a>".to_vec(), "<a>kept <b/></a>"),
        ("unknown", "h\u{e9}".as_bytes().to_vec(), "h\u{e9}"),
        ("txt", gbk, &"这是一个用来测试编码检测的中文文本，里面有很多常用的汉字。".repeat(3)),
    ] {
        assert_eq!(texts(extension, &bytes), [expected], "{extension}");
    }
    assert!(texts("txt", b" \n ").is_empty());
    let document = Document { bytes: b"x", extension: None, mime: None };
    let mut count = 0;
    items(document, &Budget::new(Limits::default()), &mut |_| {
        count += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(count, 1, "a text without a name is a text");
}

#[test]
fn long_texts_in_parts() {
    let limits = Limits { text: 64 << 20, ..Limits::default() };
    for (unit, end) in [
        ("one two three ", " "),
        ("A sentence of its own. ", ". "),
        ("a line\n", "\n"),
        ("a paragraph\n\n", "\n\n"),
        ("\u{5b57}", "\u{5b57}"),
        ("\u{5b57}\u{53e5}\u{3002}", "\u{3002}"),
    ] {
        let text = unit.repeat((20 << 20) / unit.len());
        let parts = read_within("txt", text.as_bytes(), limits).unwrap();
        let (last, others) = parts.split_last().unwrap();
        assert_eq!(others.len(), 2, "{unit:?}");
        assert!(!last.text.is_empty());
        for part in others {
            assert!(part.text.ends_with(end), "{unit:?}");
            assert!(part.text.len() <= PART && part.text.len() > PART - SEARCHED, "{unit:?}: {}", part.text.len());
        }
        assert!(parts.iter().map(|part| part.text.as_str()).collect::<String>() == text, "{unit:?}: something is lost");
    }
    let refused = read_within("txt", "word ".repeat(4 << 20).as_bytes(), Limits { text: 16 << 20, ..limits });
    assert!(matches!(refused, Err(Error::TooLarge { what: "the text", .. })), "{refused:?}");
}

#[test]
fn web_pages() {
    let page = "<html><head><title>The title</title><style>p{}</style></head><body><script>alert(1)</script><p>one</p><p>two</p></body></html>";
    let got = read("html", page.as_bytes()).unwrap();
    assert_eq!(
        got,
        [Item { text: "The title\none\ntwo".into(), heading: Some("The title".into()), ..Item::default() }]
    );
    assert_eq!(texts("htm", b"<meta charset=windows-1252><p>caf\xe9"), ["caf\u{e9}"]);
}

#[test]
fn slides_and_books_have_parts() {
    let main = "<p:presentation><p:sldIdLst><p:sldId id='1' r:id='a'/><p:sldId id='2' r:id='b'/><p:sldId id='3' r:id='c'/></p:sldIdLst></p:presentation>";
    let relations = "<Relationships><Relationship Id='a' Target='slides/1.xml'/><Relationship Id='b' Target='slides/2.xml'/><Relationship Id='c' Target='slides/3.xml'/></Relationships>";
    let slide = |text: &str| format!("<p:sld><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sld>");
    let bytes = zipped(&[
        ("ppt/presentation.xml", main.as_bytes()),
        ("ppt/_rels/presentation.xml.rels", relations.as_bytes()),
        ("ppt/slides/1.xml", slide("first").as_bytes()),
        ("ppt/slides/2.xml", slide("").as_bytes()),
        ("ppt/slides/3.xml", slide("third").as_bytes()),
    ]);
    let got: Vec<_> = read("pptx", &bytes).unwrap().into_iter().map(|item| (item.text, item.page)).collect();
    assert_eq!(got, [("first".to_owned(), Some(1)), ("third".to_owned(), Some(3))]);

    let container = "<container><rootfiles><rootfile full-path='book.opf'/></rootfiles></container>";
    let package = "<package><manifest><item id='a' href='1.xhtml'/><item id='b' href='2.xhtml'/></manifest><spine><itemref idref='a'/><itemref idref='b'/></spine></package>";
    let bytes = zipped(&[
        ("META-INF/container.xml", container.as_bytes()),
        ("book.opf", package.as_bytes()),
        ("1.xhtml", b"<html><head><title>Chapter 1</title></head><body><p>first</p></body></html>"),
        ("2.xhtml", b"<html><body><p>second</p></body></html>"),
    ]);
    let got: Vec<_> = read("epub", &bytes).unwrap().into_iter().map(|item| (item.text, item.heading)).collect();
    assert_eq!(got, [("first".to_owned(), Some("Chapter 1".to_owned())), ("second".to_owned(), None)]);
    // What a file is called does not matter when it is plain to see what it is.
    assert_eq!(texts("txt", &bytes), ["first", "second"]);
}

#[test]
fn the_sink_ends_the_reading() {
    let rows: String = std::iter::once("a,b\n".to_owned()).chain((0..1000).map(|row| format!("{row},x\n"))).collect();
    let mut taken = 0;
    let document = Document { bytes: rows.as_bytes(), extension: Some("csv"), mime: None };
    let result = items(document, &Budget::new(Limits::default()), &mut |_| {
        taken += 1;
        if taken == 3 { Err(Error::Stopped) } else { Ok(()) }
    });
    assert_eq!((result, taken), (Err(Error::Stopped), 3));
}

#[test]
fn the_time_of_the_sink_does_not_count() {
    let limits = Limits { time: std::time::Duration::from_millis(400), ..Limits::default() };
    let budget = Budget::new(limits);
    let document = Document { bytes: b"# a\nx\n# b\ny\n# c\nz", extension: Some("md"), mime: None };
    let mut count = 0;
    items(document, &budget, &mut |_| {
        count += 1;
        std::thread::sleep(std::time::Duration::from_millis(200));
        Ok(())
    })
    .unwrap();
    assert_eq!((count, budget.check()), (3, Ok(())));
}

#[test]
fn what_cannot_be_read() {
    let small = Limits { input: 100, text: 10, ..Limits::default() };
    for (extension, bytes, part) in [
        ("txt", vec![b'x'; 101], "The file is too large to read: its size exceeds 100 bytes."),
        ("txt", vec![b'x'; 50], "The file is too large to read: the text exceeds 10 bytes."),
        ("csv", b"a\nxxxx\nyyyyy\n".to_vec(), "the text exceeds"),
        ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0".to_vec(), "it is not a text"),
        ("pdf", b"no pdf".to_vec(), "Failed to extract text from PDF: "),
        ("docx", b"no archive".to_vec(), "Failed to extract text from DOCX: "),
        // The name says one thing, the bytes another: the bytes are believed.
        ("docx", b"%PDF-1.4\n%%EOF".to_vec(), "Failed to extract text from PDF: "),
        ("pdf", b"PK\x03\x04".to_vec(), "Failed to extract text from PDF: "),
        ("xlsx", b"no archive".to_vec(), "Failed to extract text from Excel: "),
        ("pptx", b"".to_vec(), "Failed to extract text from PPTX: "),
        ("eml", b"".to_vec(), "Failed to extract text from EML: "),
    ] {
        let error = read_within(extension, &bytes, small).unwrap_err().to_string();
        assert!(error.contains(part), "{extension}: {error}");
    }
    let locked = crate::testing::compound(&[("EncryptedPackage", b"x"), ("EncryptionInfo", b"y")]);
    let error = read("docx", &locked).unwrap_err().to_string();
    assert_eq!(error, "Failed to extract text from the file: it is protected by a password");
}

proptest::proptest! {
    #[test]
    fn any_bytes_give_parts_or_an_error(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400), which in 0..8_usize) {
        let extension = ["txt", "md", "html", "csv", "xlsx", "docx", "pptx", "eml"][which];
        let _ = read(extension, &bytes);
        let _ = read(extension, &[b"PK\x03\x04", bytes.as_slice()].concat());
    }
}

#[test]
fn pictures_of_a_word_document_stand_at_their_places() {
    let main = "<w:document xmlns:r='r' xmlns:a='a'><w:body><w:p><w:r><w:t>before</w:t></w:r></w:p>\
        <w:p><w:r><w:drawing><a:blip r:embed='one'/></w:drawing></w:r></w:p>\
        <w:p><w:r><w:t>old: </w:t><w:pict><v:imagedata r:id='two'/></w:pict></w:r></w:p>\
        <w:tbl><w:tr><w:tc><w:p><w:r><a:blip r:embed='one'/></w:r></w:p></w:tc></w:tr></w:tbl>\
        <w:p><w:r><a:blip r:embed='metafile'/><a:blip r:embed='away'/><a:blip r:embed='unknown'/><w:t>after</w:t></w:r></w:p></w:body></w:document>";
    let relations = "<Relationships><Relationship Id='one' Type='x/image' Target='media/1.png'/><Relationship Id='two' Type='x/image' Target='/word/media/2.jpg'/>\
        <Relationship Id='metafile' Type='x/image' Target='media/3.emf'/><Relationship Id='away' Type='x/image' TargetMode='External' Target='http://example.com/4.png'/></Relationships>";
    let bytes = zipped(&[
        ("word/document.xml", main.as_bytes()),
        ("word/_rels/document.xml.rels", relations.as_bytes()),
        ("word/media/1.png", b"\x89PNG\r\n\x1a\n"),
        ("word/media/2.jpg", b"\xff\xd8\xff"),
        ("word/media/3.emf", b"\x01\0\0\0"),
    ]);
    let placed = |pictures| {
        let mut got = read_within("docx", &bytes, Limits { pictures, ..Limits::default() }).unwrap();
        assert_eq!(got.len(), 1);
        got[0].place_pictures(|picture| Some(format!("/{}", picture.extension)));
        got.remove(0).text
    };
    let all = "before\n![image](/png)\nold: ![image](/jpg)\n| ![image](/png) |\n| --- |\n\nafter";
    assert_eq!(placed(9), all);
    assert_eq!(placed(1), all.replace("![image](/jpg)", ""));
    assert_eq!(placed(0), "before\n\nold: \nafter");
}
