use crate::{Budget, Document, Limits, testing::pdf};

/// Text at a place, as a page draws it.
fn at(x: f64, y: f64, size: f64, text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
    format!("BT /F1 {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET\n")
}

fn read(contents: &[String]) -> Vec<(String, Option<u32>)> {
    let mut got = Vec::new();
    let bytes = pdf(contents);
    let document = Document { bytes: &bytes, extension: Some("pdf"), mime: None };
    crate::items(document, &Budget::new(Limits::default()), &mut |item| {
        got.push((item.text, item.page));
        Ok(())
    })
    .unwrap();
    got
}

fn page(content: &str) -> String {
    let got = read(&[content.to_owned()]);
    got.into_iter().next().map(|(text, _)| text).unwrap_or_default()
}

/// Where every text stands in another.
fn order(text: &str, parts: &[&str]) -> Vec<usize> {
    parts.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{part:?} is not in {text}"))).collect()
}

#[test]
fn a_paper_in_two_columns() {
    let mut content = at(120.0, 740.0, 18.0, "On the Reading of Papers in Two Columns");
    content += &at(220.0, 715.0, 11.0, "Ada Lovelace, Charles Babbage");
    content += &at(
        60.0,
        690.0,
        10.0,
        "Abstract. This text goes over both columns of the page and says what the paper is about.",
    );
    content += &at(
        60.0,
        678.0,
        10.0,
        "It has a second line, which also goes over both columns of the page from left to right.",
    );
    // Drawn line by line over both columns, and the lines of the columns are not at the same height.
    for line in 0..20 {
        let y = 650.0 - 12.0 * f64::from(line);
        content += &at(60.0, y, 10.0, &format!("left{line} the words of the first column go on and"));
        content += &at(320.0, y - 4.0, 10.0, &format!("right{line} the words of the other column go on"));
    }
    content += &at(
        60.0,
        400.0,
        10.0,
        "A figure caption that goes over both columns once more, in the middle of the whole page.",
    );
    for line in 20..30 {
        let y = 380.0 - 12.0 * f64::from(line - 20);
        content += &at(320.0, y, 10.0, &format!("right{line} the words of the other column go on"));
        content += &at(60.0, y, 10.0, &format!("left{line} the words of the first column go on and"));
    }
    content += &at(300.0, 40.0, 9.0, "p. 99");
    let text = page(&content);
    let mut expected = vec!["On the Reading", "Ada Lovelace", "Abstract.", "second line"];
    let names: Vec<String> = [("left", 0..20), ("right", 0..20)]
        .into_iter()
        .flat_map(|(side, lines)| lines.map(move |line| format!("{side}{line} the")))
        .collect();
    let rest: Vec<String> = [("left", 20..30), ("right", 20..30)]
        .into_iter()
        .flat_map(|(side, lines)| lines.map(move |line| format!("{side}{line} the")))
        .collect();
    expected.extend(names.iter().map(String::as_str));
    expected.push("A figure caption");
    expected.extend(rest.iter().map(String::as_str));
    expected.push("p. 99");
    let places = order(&text, &expected);
    assert!(places.is_sorted(), "{text}");
    assert!(!text.contains('|'), "{text}");
}

#[test]
fn an_invoice() {
    let mut content = at(60.0, 740.0, 20.0, "INVOICE 2026-017");
    content += &at(
        60.0,
        700.0,
        10.0,
        "Please pay within 30 days of receipt to the account below, naming the number of this invoice.",
    );
    let columns = [60.0, 300.0, 380.0, 480.0];
    let rows = [
        ["Description", "Qty", "Unit price", "Amount"],
        ["Consulting (remote)", "12", "150.00", "1800.00"],
        ["Travel | hotel", "1", "420.50", "420.50"],
        ["Licence for one year, with support by", "3", "99.00", "297.00"],
        ["Workshop", "1", "800.00", "800.00"],
    ];
    let mut y = 650.0;
    for row in rows {
        for (x, cell) in columns.into_iter().zip(row) {
            content += &at(x, y, 10.0, cell);
        }
        if row[0].starts_with("Licence") {
            y -= 12.0;
            content += &at(60.0, y, 10.0, "telephone on working days");
        }
        y -= 20.0;
        content += &format!("60 {} m 540 {} l S\n", y + 13.0, y + 13.0);
    }
    content += &at(380.0, y - 30.0, 10.0, "Total");
    content += &at(480.0, y - 30.0, 10.0, "3317.50");
    let text = page(&content);
    let table = "| Description | Qty | Unit price | Amount |\n| --- | --- | --- | --- |\n\
        | Consulting (remote) | 12 | 150.00 | 1800.00 |\n| Travel \\| hotel | 1 | 420.50 | 420.50 |\n\
        | Licence for one year, with support by telephone on working days | 3 | 99.00 | 297.00 |\n\
        | Workshop | 1 | 800.00 | 800.00 |";
    assert!(text.contains(table), "{text}");
    assert!(
        order(&text, &["INVOICE 2026-017", "Please pay", "| Description", "Total", "3317.50"]).is_sorted(),
        "{text}"
    );
}

#[test]
fn a_table_over_two_pages() {
    let row = |y: f64, cells: [&str; 3]| -> String {
        [60.0, 200.0, 400.0].into_iter().zip(cells).map(|(x, cell)| at(x, y, 10.0, cell)).collect()
    };
    let mut first = at(60.0, 740.0, 14.0, "Stock of parts") + &row(700.0, ["Part", "Place", "Count"]);
    let mut second = at(60.0, 760.0, 8.0, "Stock of parts, continued");
    for line in 0..25 {
        let (name, count) = (format!("part-{line}"), format!("{}", 10 * line));
        first += &row(680.0 - 20.0 * f64::from(line), [&name, "shelf", &count]);
        let (name, count) = (format!("part-{}", line + 25), format!("{}", 10 * line));
        second += &row(700.0 - 20.0 * f64::from(line), [&name, if line % 2 == 0 { "cellar" } else { "" }, &count]);
    }
    first += &at(280.0, 40.0, 8.0, "Page 1 of 2");
    second += &at(280.0, 40.0, 8.0, "Page 2 of 2");
    let got = read(&[first, second]);
    assert_eq!(got.iter().map(|(_, page)| *page).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert!(
        got[0].0.contains("| Part | Place | Count |\n| --- | --- | --- |\n| part-0 | shelf | 0 |\n| part-1 |"),
        "{}",
        got[0].0
    );
    assert!(
        got[1]
            .0
            .contains("| Part | Place | Count |\n| --- | --- | --- |\n| part-25 | cellar | 0 |\n| part-26 |  | 10 |"),
        "{}",
        got[1].0
    );
    assert!(got[1].0.contains("| part-49 | cellar | 240 |"), "{}", got[1].0);
}

#[test]
fn paragraphs() {
    let lines = [
        ("The first paragraph has lines that are about as long as the page is wide, and it is bro-", 14.0),
        ("ken at the end of one of them, so that one word stands on two lines until it is put together", 14.0),
        ("again here.", 14.0),
        ("The second paragraph begins under a short line; it does not have any space above itself here.", 30.0),
        ("The third one is set apart by a gap.", 14.0),
        ("- first entry of a list that is rather long, as long as the lines of the text above it are, too", 14.0),
        ("- second entry", 14.0),
    ];
    let (mut content, mut y) = (String::new(), 700.0);
    for (text, pitch) in lines {
        content += &at(60.0, y, 11.0, text);
        y -= pitch;
    }
    assert_eq!(
        page(&content),
        "The first paragraph has lines that are about as long as the page is wide, and it is broken at the end of one of \
         them, so that one word stands on two lines until it is put together again here.\n\
         The second paragraph begins under a short line; it does not have any space above itself here.\n\n\
         The third one is set apart by a gap.\n\
         - first entry of a list that is rather long, as long as the lines of the text above it are, too\n- second entry"
    );
}

#[test]
fn odd_pages() {
    // Words drawn one by one, letters drawn twice, colours nobody knows, rare commands, a page on its side.
    let words: String = ["One", "word", "at", "a", "time"]
        .iter()
        .zip([60.0, 83.0, 110.0, 124.0, 134.0])
        .map(|(word, x)| at(x, 700.0, 11.0, word) + &at(x, 700.0, 11.0, word))
        .collect();
    let odd = format!("/Nope cs 0.1 scn /GS9 gs\n{words}BT /F1 11 Tf 14 TL 60 600 Td (next) ' (line) ' ET");
    assert_eq!(page(&odd), "One word at a time\n\nnext\nline");
    let side =
        "BT /F1 11 Tf 0 1 -1 0 300 100 Tm (up the page) Tj ET BT /F1 11 Tf 0 1 -1 0 314 100 Tm (and again) Tj ET";
    assert_eq!(page(side), "up the page and again");
    let got = read(&[at(60.0, 700.0, 11.0, "first"), String::new(), at(60.0, 700.0, 11.0, "third")]);
    assert_eq!(got, [("first".to_owned(), Some(1)), ("third".to_owned(), Some(3))]);
}
