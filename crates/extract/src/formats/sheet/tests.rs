use super::*;
use crate::{Limits, testing::zipped};

fn budget() -> Budget {
    Budget::new(Limits::default())
}

#[test]
fn csv_files() {
    for (text, expected) in [
        ("name,age\nAnn,30\n", "| name | age |\n| ---- | --- |\n| Ann | 30 |\n"),
        ("a,b\n\"x, y\",\"line\nbreak\"\n", "| a | b |\n| - | - |\n| x, y | line<br>break |\n"),
        ("a,b,c\n1\n1,2,3,4\n", "| a | b | c |  |\n| - | - | - |  |\n| 1 |  |  |  |\n| 1 | 2 | 3 | 4 |\n"),
        ("名字\n安\n", "| 名字 |\n| -- |\n| 安 |\n"),
        ("", ""),
    ] {
        assert_eq!(csv(text.as_bytes(), &budget()).unwrap(), expected, "{text}");
    }
}

/// A workbook of the present format with one sheet per entry.
fn workbook(sheets: &[&str], strings: &str) -> Vec<u8> {
    let types =
        "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>";
    let relations: String = (1..=sheets.len())
        .map(|n| format!("<Relationship Id=\"rId{n}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"))
        .collect();
    let relations = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{relations}\
         <Relationship Id=\"rIdS\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings\" Target=\"sharedStrings.xml\"/>\
         <Relationship Id=\"rIdT\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles\" Target=\"styles.xml\"/></Relationships>"
    );
    let names: String =
        (1..=sheets.len()).map(|n| format!("<sheet name=\"S{n}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>")).collect();
    let book = format!(
        "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets>{names}</sheets></workbook>"
    );
    let styles = "<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>";
    let strings = format!("<sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">{strings}</sst>");
    let root = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>";
    let pages: Vec<(String, String)> = sheets
        .iter()
        .enumerate()
        .map(|(at, rows)| {
            let page = format!("<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>");
            (format!("xl/worksheets/sheet{}.xml", at + 1), page)
        })
        .collect();
    let mut parts: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
    ];
    parts.extend(pages.iter().map(|(name, page)| (name.as_str(), page.as_bytes())));
    zipped(&parts)
}

#[test]
fn workbooks() {
    let first = "<row r=\"2\"><c r=\"B2\" t=\"s\"><v>0</v></c><c r=\"C2\" t=\"s\"><v>1</v></c></row>\
        <row r=\"4\"><c r=\"B4\"><v>5</v></c><c r=\"C4\"><v>2.5</v></c></row>\
        <row r=\"5\"><c r=\"B5\" s=\"1\"><v>45292</v></c><c r=\"C5\" t=\"b\"><v>1</v></c></row>";
    let second = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>only\nheader</t></is></c></row>";
    let bytes = workbook(&[first, "", second], "<si><t>name</t></si><si><t>value</t></si>");
    assert_eq!(
        excel(&bytes, &budget()).unwrap(),
        "| name | value |\n| --- | --- |\n| 5 | 2.5 |\n| 2024-01-01 00:00:00 | True |\n\n| only<br>header |\n| --- |\n\n"
    );
}

#[test]
fn hostile_workbooks() {
    // Two cells in opposite corners would fill seventeen thousand million cells in a naive reader.
    let corners =
        "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1048576\"><c r=\"XFD1048576\"><v>2</v></c></row>";
    let text = excel(&workbook(&[corners], ""), &budget()).unwrap();
    assert!(text.len() < 200_000, "{}", text.len());
    // One long text in many cells.
    let many: String =
        (1..=100).map(|row| format!("<row r=\"{row}\"><c r=\"A{row}\" t=\"s\"><v>0</v></c></row>")).collect();
    let strings = format!("<si><t>{}</t></si>", "x".repeat(30_000));
    let small = Budget::new(Limits { text: 1024 * 1024, ..Limits::default() });
    let error = excel(&workbook(&[&many], &strings), &small).unwrap_err();
    assert_eq!(error, Error::TooLarge { what: "the text", limit: 1024 * 1024 });
    assert!(excel(b"neither", &budget()).unwrap_err().to_string().starts_with("Failed to extract text from Excel: "));
    assert!(excel(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 0], &budget()).is_err());
}

#[test]
fn numbers_and_dates() {
    for (number, expected) in [(5.0, "5"), (2.5, "2.5"), (-0.0, "0"), (1e20, "1e+20"), (1e15, "1000000000000000.0")] {
        assert_eq!(float(number), expected);
    }
}

fn parts(extension: &str, bytes: &[u8]) -> Vec<String> {
    let mut got = Vec::new();
    let document = crate::Document { bytes, extension: Some(extension), mime: None };
    crate::items(document, &budget(), &mut |item| {
        got.push(item.text);
        Ok(())
    })
    .unwrap();
    got
}

#[test]
fn csv_rows() {
    for (text, expected) in [
        ("name,age\nAnn,30\n\nBob,\n", &["name: Ann;age: 30", "name: Bob;age: nan"][..]),
        ("a,,c\n1,2,3,4\n5\n", &["a: 1;Unnamed: 1: 2;c: 3;Unnamed: 3: 4", "a: 5;Unnamed: 1: nan;c: nan"]),
        ("a,b\n\"x, y\",\"line\nbreak\"\n", &["a: x, y;b: line\nbreak"]),
        ("\u{feff}a;b\n1;2,5\n", &["a: 1;b: 2,5"]),
        ("a\tb\n1\t2\n", &["a: 1;b: 2"]),
        ("only,a,header\n", &[]),
        ("", &[]),
        ("one\nx\ny\n", &["one: x", "one: y"]),
    ] {
        assert_eq!(parts("csv", text.as_bytes()), expected, "{text}");
    }
    assert_eq!(parts("csv", b"caf\xe9,cr\xe8me\nbr\xfbl\xe9e,d\xe9j\xe0 vu\n"), ["café: brûlée;crème: déjà vu"]);
}

#[test]
fn rows_of_workbooks() {
    // A title above the header, a cell without a header, an empty row, a quoted word.
    let first = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Prices of 2026</t></is></c></row>\
        <row r=\"3\"><c r=\"A3\" t=\"s\"><v>0</v></c><c r=\"B3\" t=\"s\"><v>1</v></c></row>\
        <row r=\"4\"><c r=\"A4\" t=\"inlineStr\"><is><t>5\" nail</t></is></c><c r=\"B4\"><v>2.5</v></c><c r=\"D4\"><v>7</v></c></row>\
        <row r=\"5\"></row><row r=\"6\"><c r=\"B6\"><v>1</v></c></row>";
    let second = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>lonely</t></is></c></row><row r=\"2\"><c r=\"A2\"><v>1</v></c></row>";
    let bytes = workbook(&[first, "", second], "<si><t>name</t></si><si><t>value</t></si>");
    assert_eq!(
        parts("xlsx", &bytes),
        [
            "Prices of 2026",
            "\"name\":\"5\\\" nail\";\"value\":\"2.5\";\"D\":\"7\"",
            "\"name\":\"\";\"value\":\"1\"",
            "\"lonely\":\"1\"",
        ]
    );
}

#[test]
fn many_rows_go_through_one_by_one() {
    let rows: String = (0..50_000).map(|row| format!("{row},value of row {row}\n")).collect();
    let text = format!("id,text\n{rows}");
    let (mut count, mut longest) = (0, 0);
    let document = crate::Document { bytes: text.as_bytes(), extension: Some("csv"), mime: None };
    crate::items(document, &budget(), &mut |item| {
        count += 1;
        longest = longest.max(item.text.len());
        Ok(())
    })
    .unwrap();
    assert_eq!((count, longest), (50_000, "id: 49999;text: value of row 49999".len()));
}
