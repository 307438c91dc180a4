//! Documents that name other places: nothing of them is ever fetched, over the network or from the disk. (This crate
//! cannot: it has neither. The tests hold its readers to that.)

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
#![allow(clippy::disallowed_methods, reason = "the test calls its own server, to show that it counts")]

use std::{
    io::{Cursor, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ox_extract::{Budget, Document, Limits, extract, html_text};

/// A server of this machine that counts who comes.
struct Lure {
    url: String,
    port: u16,
    calls: Arc<AtomicUsize>,
    secret: PathBuf,
}

const SECRET: &str = "the-secret-of-this-disk";

impl Lure {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let body = "<!ENTITY x \"fetched\">";
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(head.as_bytes());
            }
        });
        let secret = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("secret-{port}"));
        std::fs::write(&secret, SECRET).unwrap();
        Self { url: format!("http://127.0.0.1:{port}"), port, calls, secret }
    }

    /// The text of a document that must neither call nor read.
    fn read(&self, extension: &str, bytes: &[u8]) -> String {
        let document = Document { bytes, extension: Some(extension), mime: None };
        let text = extract(document, &Budget::new(Limits::default())).unwrap();
        assert!(!text.contains(SECRET) && !text.contains("fetched"), "{extension}: {text}");
        text
    }

    /// `template` with the address of the server and the path of a file in it.
    fn baited(&self, template: &str) -> String {
        template.replace("URL", &self.url).replace("FILE", &self.secret.display().to_string())
    }

    /// Nobody came; and who comes is counted.
    fn untouched(&self) {
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(self.calls.load(Ordering::SeqCst), 0, "something was fetched");
        TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let began = Instant::now();
        while self.calls.load(Ordering::SeqCst) == 0 {
            assert!(began.elapsed() < Duration::from_secs(10), "the server does not count");
            std::thread::yield_now();
        }
    }
}

fn zipped(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const DOCTYPE: &str = "<!DOCTYPE d [<!ENTITY % dtd SYSTEM \"URL/x.dtd\"> %dtd; <!ENTITY net SYSTEM \"URL/entity\">\
                       <!ENTITY file SYSTEM \"file://FILE\">]>";
const PAGE: &str = "<html xmlns='http://www.w3.org/1999/xhtml'><head><link rel='stylesheet' href='URL/style.css'/>\
    <meta http-equiv='refresh' content='0;url=URL/refresh'/><base href='URL/'/><script src='URL/script.js'></script>\
    <style>@import url('URL/import.css');</style></head><body background='URL/background.png'>seen<img src='URL/image.png'/>\
    <svg xmlns:xlink='http://www.w3.org/1999/xlink'><image xlink:href='URL/inner.svg'/><use href='URL/use.svg#a'/></svg>\
    <iframe src='URL/frame'></iframe><object data='URL/object'></object><video poster='URL/poster'></video></body></html>";

/// Cases 117: HTML with a style sheet elsewhere, SVG with an image elsewhere, XML with external entities.
#[test]
fn case_117_pages_and_markup_fetch_nothing() {
    let lure = Lure::new();
    let page = lure.baited(PAGE);
    assert_eq!(html_text(&page, &Budget::new(Limits::default())).unwrap().trim(), "seen");
    let mail = format!("From: a@b.test\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n{page}");
    assert!(lure.read(".eml", mail.as_bytes()).contains("seen"));
    let container = "<container><rootfiles><rootfile full-path='b.opf'/></rootfiles></container>";
    let book = lure.baited(
        "<package><manifest><item id='a' href='a.xhtml' media-type='application/xhtml+xml'/>\
         <item id='r' href='URL/remote.xhtml' media-type='application/xhtml+xml'/></manifest>\
         <spine><itemref idref='a'/><itemref idref='r'/></spine></package>",
    );
    let epub = zipped(&[("META-INF/container.xml", container), ("b.opf", &book), ("a.xhtml", &page)]);
    let document = Document { bytes: &epub, extension: Some(".epub"), mime: None };
    // A chapter that lies elsewhere may also be a reason to refuse the book.
    if let Ok(text) = extract(document, &Budget::new(Limits::default())) {
        assert!(text.contains("seen") && !text.contains("fetched"), "{text}");
    }
    let svg = lure.baited(&format!("{DOCTYPE}<svg><image href='URL/i.png'/><text>&net;&file;</text></svg>"));
    lure.read(".xml", svg.as_bytes());
    let body = lure.baited(&format!(
        "{DOCTYPE}<w:document><w:body><w:p><w:r><w:t>seen&net;&file;</w:t></w:r></w:p></w:body></w:document>"
    ));
    assert_eq!(lure.read(".docx", &zipped(&[("word/document.xml", &body)])), "seen");
    let body = lure.baited(&format!(
        "{DOCTYPE}<office:document-content xmlns:xi='http://www.w3.org/2001/XInclude'><office:body><office:text>\
         <text:p>seen&net;&file;</text:p><xi:include href='URL/include.xml'/><xi:include href='file://FILE' parse='text'/>\
         </office:text></office:body></office:document-content>"
    ));
    assert!(lure.read(".odt", &zipped(&[("content.xml", &body)])).contains("seen"));
    let schema = serde_json::json!({"$ref": format!("{}/schema.json", lure.url)});
    assert!(ox_text::schema::Schema::new(&schema).is_err());
    lure.untouched();
}

/// A PDF of one page with these objects besides; object 5 on are the caller's.
fn pdf(content: &str, more: &[String]) -> Vec<u8> {
    let stream = format!("BT /F1 24 Tf 72 700 Td ({content}) Tj ET");
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R /OpenAction 6 0 R /AA << /WC 7 0 R >> >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents [4 0 R] /Annots [6 0 R 8 0 R] \
         /Resources << /Font << /F1 5 0 R >> /XObject << /X 9 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    objects.extend_from_slice(more);
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n{object}\nendobj\n", number + 1).bytes());
    }
    let start = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let size = objects.len() + 1;
    out.extend(format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes());
    out
}

/// Cases 118: PDF and Office documents with templates, images, links and actions elsewhere.
#[test]
fn case_118_documents_fetch_nothing() {
    let lure = Lure::new();
    let more: Vec<String> = [
        "<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (URL/uri) >> >>",
        "<< /S /SubmitForm /F << /FS /URL /F (URL/form) >> >>",
        "<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /GoToR /F (URL/other.pdf) /D [0 /Fit] >> >>",
        "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /F << /FS /URL /F (URL/stream) >> /Length 0 >>\nstream\n\nendstream",
    ]
    .iter()
    .map(|object| lure.baited(object))
    .collect();
    assert!(lure.read(".pdf", &pdf("seen", &more)).contains("seen"));

    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relations = lure.baited(&format!(
        "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>\
         <Relationship Id='rId1' Type='{OFFICE}/attachedTemplate' Target='URL/template.dotm' TargetMode='External'/>\
         <Relationship Id='rId2' Type='{OFFICE}/image' Target='URL/image.png' TargetMode='External'/>\
         <Relationship Id='rId3' Type='{OFFICE}/aFChunk' Target='URL/chunk.html' TargetMode='External'/>\
         <Relationship Id='rId4' Type='{OFFICE}/image' Target='file://FILE' TargetMode='External'/>\
         <Relationship Id='rId5' Type='{OFFICE}/slide' Target='URL/slide.xml' TargetMode='External'/></Relationships>"
    ));
    let settings = "<w:settings><w:attachedTemplate r:id='rId1'/></w:settings>";
    let body = lure.baited(
        "<w:document><w:body><w:p><w:r><w:t>seen</w:t></w:r><w:r><w:fldSimple w:instr='INCLUDETEXT \"URL/text\"'/>\
         <w:instrText>INCLUDEPICTURE \"URL/picture\"</w:instrText></w:r></w:p><w:altChunk r:id='rId3'/>\
         <w:p><w:r><w:drawing><a:blip r:link='rId2'/><a:blip r:link='rId4'/></w:drawing></w:r></w:p></w:body></w:document>",
    );
    let docx = zipped(&[
        ("word/document.xml", &body),
        ("word/settings.xml", settings),
        ("word/_rels/document.xml.rels", &relations),
        ("word/_rels/settings.xml.rels", &relations),
    ]);
    assert!(lure.read(".docx", &docx).contains("seen"));

    let slides = relations.replace(
        "</Relationships>",
        &format!("<Relationship Id='rId9' Type='{OFFICE}/slide' Target='slides/slide1.xml'/></Relationships>"),
    );
    let slide = "<p:sld><p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r><a:t>seen</a:t></a:r></a:p></p:txBody></p:sp>\
                 <p:pic><p:blipFill><a:blip r:link='rId2'/></p:blipFill></p:pic></p:spTree></p:cSld></p:sld>";
    let show = "<p:presentation><p:sldIdLst><p:sldId r:id='rId9'/></p:sldIdLst></p:presentation>";
    let pptx = zipped(&[
        ("ppt/presentation.xml", show),
        ("ppt/_rels/presentation.xml.rels", &slides),
        ("ppt/slides/slide1.xml", slide),
        ("ppt/slides/_rels/slide1.xml.rels", &relations),
    ]);
    assert!(lure.read(".pptx", &pptx).contains("seen"));

    let picture = lure.baited(
        "<office:document-content><office:body><office:text><text:p>seen<draw:image xlink:href='URL/image.png'/>\
         <draw:object xlink:href='URL/object'/></text:p><text:section><text:section-source xlink:href='URL/section.odt'/>\
         </text:section></office:text></office:body></office:document-content>",
    );
    assert!(lure.read(".odt", &zipped(&[("content.xml", &picture)])).contains("seen"));

    let formula = lure.baited(
        "<worksheet><sheetData><row r='1'><c r='A1' t='inlineStr'><is><t>seen</t></is></c>\
         <c r='B1'><f>WEBSERVICE(\"URL/service\")</f><v>1</v></c><c r='C1'><f>'[1]x'!A1</f><v>2</v></c></row></sheetData></worksheet>",
    );
    let root = format!(
        "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>\
         <Relationship Id='r' Type='{OFFICE}/officeDocument' Target='xl/workbook.xml'/></Relationships>"
    );
    let book_relations = lure.baited(&format!(
        "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>\
         <Relationship Id='rId1' Type='{OFFICE}/worksheet' Target='worksheets/sheet1.xml'/>\
         <Relationship Id='rId2' Type='{OFFICE}/externalLinkPath' Target='URL/other.xlsx' TargetMode='External'/>\
         </Relationships>"
    ));
    let book = format!(
        "<workbook xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' xmlns:r='{OFFICE}'><sheets>\
         <sheet name='one' sheetId='1' r:id='rId1'/></sheets><externalReferences><externalReference r:id='rId2'/>\
         </externalReferences></workbook>"
    );
    let xlsx = zipped(&[
        ("_rels/.rels", &root),
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", &book_relations),
        ("xl/worksheets/sheet1.xml", &formula),
    ]);
    assert!(lure.read(".xlsx", &xlsx).contains("seen"));
    lure.untouched();
}
