use proptest::prelude::*;

use super::*;
use crate::Limits;

fn read_as(extension: &str, bytes: &[u8]) -> Result<String, Error> {
    let limits = Limits { input: 1000, ..Limits::default() };
    extract(Document { bytes, extension: Some(extension), mime: None }, &Budget::new(limits))
}

#[test]
fn the_way_in() {
    assert_eq!(read_as(".txt", b"a\0b"), Ok("ab".into()));
    assert_eq!(read_as("md", b"# x"), Ok("# x".into()));
    assert_eq!(read_as(".html", b"<p>kept</p>"), Ok("<p>kept</p>".into()));
    assert_eq!(
        read_as(".doc", b"x").unwrap_err().to_string(),
        "Failed to extract text from DOC: it is not a compound file, or its tables are damaged"
    );
    assert_eq!(
        read_as(".txt", &[b'x'; 1001]).unwrap_err().to_string(),
        "The file is too large to read: its size exceeds 1000 bytes."
    );
    assert_eq!(read_as(".zip", b"x").unwrap_err().to_string(), "Unsupported Extension Type: .zip");
    let stopped = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let budget = Budget::stoppable(Limits::default(), stopped);
    let document = Document { bytes: b"a,b\n1,2", extension: Some("csv"), mime: None };
    assert_eq!(extract(document, &budget), Err(Error::Stopped));
    let late = Budget::new(Limits { time: std::time::Duration::ZERO, ..Limits::default() });
    assert_eq!(extract(document, &late), Err(Error::TooLong(0)));
}

#[test]
fn empty_files_of_every_kind() {
    for (extension, fails) in [
        (".txt", false),
        (".csv", false),
        (".yaml", false),
        (".properties", false),
        (".json", true),
        (".pdf", true),
        (".doc", true),
        (".docx", true),
        (".xlsx", true),
        (".xls", true),
        (".pptx", true),
        (".ppt", true),
        (".epub", true),
        (".odt", true),
        (".eml", true),
        (".msg", true),
    ] {
        let result = read_as(extension, b"");
        assert_eq!(result.is_err(), fails, "{extension} {result:?}");
        if let Err(error) = result {
            assert!(error.to_string().starts_with("Failed to extract text from "), "{extension}: {error}");
        }
    }
}

const EXTENSIONS: &[&str] = &[
    ".txt",
    ".csv",
    ".yaml",
    ".properties",
    ".json",
    ".doc",
    ".docx",
    ".xlsx",
    ".xls",
    ".pptx",
    ".ppt",
    ".epub",
    ".odt",
    ".eml",
    ".msg",
];

proptest! {
    #[test]
    fn any_bytes_give_text_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..600), which in 0..EXTENSIONS.len()) {
        let _ = read_as(EXTENSIONS[which], &bytes);
        let compound = [&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1][..], &bytes].concat();
        let _ = read_as(EXTENSIONS[which], &compound);
    }
}
