//! Word documents: paragraphs and tables of the body, in their order.

mod markdown;
mod pictures;

use std::collections::HashMap;

use crate::{
    Budget, Error, Picture,
    archive::Archive,
    budget::Text,
    charset,
    table::{self, Rule},
    xml::{Element, Token, Xml},
};

const FORMAT: &str = "DOCX";
/// Most columns that one cell may span.
const MAX_SPAN: usize = 63;
/// Tables in tables, text boxes in paragraphs.
const MAX_DEPTH: usize = 16;

/// What is written of a document beside its letters.
#[derive(Default)]
struct Way {
    /// Links, spans and headings in Markdown.
    is_markdown: bool,
    /// Targets of links by the names of their relations.
    links: HashMap<String, String>,
    /// Levels of headings by the names of their styles.
    levels: HashMap<String, usize>,
    pictures: pictures::Found,
}

/// Paragraphs and tables as text.
pub fn read(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let mut archive = Archive::open(bytes, FORMAT, budget)?;
    body(&mut archive, &Way::default(), budget)
}

/// The same with links and headings in Markdown; a cell over several columns stands in the first of them.
pub fn linked(bytes: &[u8], budget: &Budget) -> Result<(String, Vec<Option<Picture>>), Error> {
    let mut archive = Archive::open(bytes, FORMAT, budget)?;
    let relations = markdown::relations(&mut archive, budget)?;
    let way = Way {
        is_markdown: true,
        levels: markdown::levels(&mut archive, budget)?,
        pictures: pictures::Found::new(relations.pictures, budget.limits().pictures),
        links: relations.links,
    };
    let text = body(&mut archive, &way, budget)?;
    Ok((text, way.pictures.take(&mut archive)?))
}

fn body(archive: &mut Archive<'_>, way: &Way, budget: &Budget) -> Result<String, Error> {
    let text = charset::decode(&archive.get("word/document.xml")?);
    let mut xml = Xml::new(&text, FORMAT, budget);
    let mut out = Text::new(budget);
    let mut is_first = true;
    while let Some(token) = xml.next()? {
        let Token::Open(element) = token else { continue };
        let block = match element.name() {
            "p" => Some(paragraph(&mut xml, 0, way)?),
            "tbl" => as_markdown(&table(&mut xml, 0, way)?, budget)?,
            "Fallback" | "sectPr" | "del" => {
                xml.skip()?;
                None
            }
            _ => None,
        };
        if let Some(block) = block {
            if !std::mem::take(&mut is_first) {
                out.push("\n")?;
            }
            out.push(&block)?;
        }
    }
    Ok(out.finish())
}

/// Text of a paragraph that has just begun, text boxes in it on lines of their own.
fn paragraph(xml: &mut Xml<'_>, depth: usize, way: &Way) -> Result<String, Error> {
    let (mut out, mut boxes) = (String::new(), Vec::new());
    let mut links = markdown::Links::default();
    let mut level = None;
    let mut open = 1;
    while open > 0 {
        let Some(token) = xml.next()? else { break };
        match token {
            Token::Open(element) => match element.name() {
                "t" => out.push_str(&xml.text()?),
                "pPr" if way.is_markdown => level = markdown::level(xml, way)?,
                "instrText" if way.is_markdown => links.instruction(&xml.text()?),
                // Properties, what was deleted, and what older programs are shown instead.
                "pPr" | "rPr" | "del" | "moveFrom" | "Fallback" | "instrText" => xml.skip()?,
                "p" if depth < MAX_DEPTH => boxes.push(paragraph(xml, depth + 1, way)?),
                "tbl" if depth < MAX_DEPTH => {
                    boxes.extend(table(xml, depth + 1, way)?.iter().map(|row| row.join(" ")));
                }
                name => {
                    out.push_str(match name {
                        "tab" => "\t",
                        "br" | "cr" => "\n",
                        "noBreakHyphen" => "-",
                        _ => "",
                    });
                    open += 1;
                    if way.is_markdown {
                        links.open(&element, open, &mut out, way);
                        way.pictures.see(&element, &mut out);
                    }
                }
            },
            Token::Close => {
                links.close(open, &mut out);
                open -= 1;
            }
            Token::Text(_) => {}
        }
    }
    if let Some(level) = level.filter(|_| depth == 0 && !out.trim().is_empty() && !out.contains('\n')) {
        out.insert_str(0, &format!("{} ", "#".repeat(level)));
    }
    for text in boxes {
        out.push('\n');
        out.push_str(&text);
    }
    Ok(out)
}

/// Rows of a table that has just begun; cells that span columns or rows are repeated.
fn table(xml: &mut Xml<'_>, depth: usize, way: &Way) -> Result<Vec<Vec<String>>, Error> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut open = 1;
    while open > 0 {
        let Some(token) = xml.next()? else { break };
        match token {
            Token::Open(element) => match element.name() {
                "tr" => {
                    let row = row(xml, depth, rows.last(), way)?;
                    rows.push(row);
                }
                "tblPr" | "Fallback" | "del" => xml.skip()?,
                _ => open += 1,
            },
            Token::Close => open -= 1,
            Token::Text(_) => {}
        }
    }
    Ok(rows)
}

fn row(xml: &mut Xml<'_>, depth: usize, above: Option<&Vec<String>>, way: &Way) -> Result<Vec<String>, Error> {
    let mut cells: Vec<String> = Vec::new();
    let mut open = 1;
    while open > 0 {
        let Some(token) = xml.next()? else { break };
        match token {
            Token::Open(element) if element.name() == "tc" => {
                let cell = cell(xml, depth, way)?;
                let text = match above.and_then(|row| row.get(cells.len())) {
                    Some(above) if cell.continues => above.clone(),
                    _ => cell.text,
                };
                if way.is_markdown {
                    cells.push(text);
                    cells.extend(std::iter::repeat_n(String::new(), cell.span - 1));
                } else {
                    cells.extend(std::iter::repeat_n(text, cell.span));
                }
            }
            Token::Open(_) => open += 1,
            Token::Close => open -= 1,
            Token::Text(_) => {}
        }
    }
    Ok(cells)
}

struct Cell {
    text: String,
    span: usize,
    /// It belongs to the cell above.
    continues: bool,
}

fn cell(xml: &mut Xml<'_>, depth: usize, way: &Way) -> Result<Cell, Error> {
    let (mut lines, mut span, mut continues) = (Vec::new(), 1, false);
    let mut open = 1;
    while open > 0 {
        let Some(token) = xml.next()? else { break };
        match token {
            Token::Open(element) => match element.name() {
                "p" => lines.push(paragraph(xml, depth + 1, way)?),
                "tbl" if depth < MAX_DEPTH => {
                    lines.extend(table(xml, depth + 1, way)?.iter().map(|row| row.join(" ")));
                }
                "Fallback" | "del" => xml.skip()?,
                name => {
                    match name {
                        "gridSpan" => span = number(&element).clamp(1, MAX_SPAN),
                        "vMerge" => continues = element.attribute("val").is_none_or(|value| value != "restart"),
                        _ => {}
                    }
                    open += 1;
                }
            },
            Token::Close => open -= 1,
            Token::Text(_) => {}
        }
    }
    if way.is_markdown {
        let mut seen = std::collections::HashSet::new();
        lines.retain(|line| !line.trim().is_empty() && seen.insert(line.trim().to_owned()));
    }
    Ok(Cell { text: lines.join(if way.is_markdown { " " } else { "\n" }), span, continues })
}

fn number(element: &Element<'_>) -> usize {
    element.attribute("val").and_then(|value| value.parse().ok()).unwrap_or(1)
}

/// A table in which nothing is written is left out.
pub fn as_markdown(rows: &[Vec<String>], budget: &Budget) -> Result<Option<String>, Error> {
    if rows.iter().flatten().all(|cell| cell.trim().is_empty()) {
        return Ok(None);
    }
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| table::one_line(cell)).collect()).collect();
    let mut out = Text::new(budget);
    table::write(&rows, Rule::Fixed, &mut out)?;
    Ok(Some(out.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, testing::zipped};

    fn check(body: &str, expected: &str) {
        let xml = format!("<w:document xmlns:w='w'><w:body>{body}<w:sectPr/></w:body></w:document>");
        let bytes = zipped(&[("word/document.xml", xml.as_bytes())]);
        assert_eq!(read(&bytes, &Budget::new(Limits::default())).unwrap(), expected, "{body}");
    }

    fn p(text: &str) -> String {
        format!("<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
    }

    #[test]
    fn bodies() {
        check(&(p("one") + &p("") + &p("two &amp; three")), "one\n\ntwo & three");
        check(
            "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t xml:space='preserve'> c</w:t></w:r></w:p>",
            "a\tb\n c",
        );
        check(
            "<w:p><w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink><w:del><w:r><w:delText>x</w:delText></w:r></w:del></w:p>",
            "link",
        );
        let cell = |text: &str| format!("<w:tc>{}</w:tc>", p(text));
        let row = |cells: &[&str]| format!("<w:tr>{}</w:tr>", cells.iter().map(|text| cell(text)).collect::<String>());
        let table = |rows: &[&[&str]]| {
            format!("<w:tbl><w:tblPr/>{}</w:tbl>", rows.iter().map(|cells| row(cells)).collect::<String>())
        };
        check(
            &(p("before") + &table(&[&["a", "b"], &["1", "2"]]) + &p("after")),
            "before\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\nafter",
        );
        check(&(p("x") + &table(&[&["", " "], &["", ""]]) + &p("y")), "x\ny");
        let merged = format!(
            "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='2'/></w:tcPr>{}</w:tc></w:tr><w:tr><w:tc><w:tcPr><w:vMerge w:val='restart'/></w:tcPr>{}</w:tc>{}</w:tr>\
             <w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc>{}</w:tr></w:tbl>",
            p("wide"),
            p("tall"),
            cell("1"),
            cell("2")
        );
        check(&merged, "| wide | wide |\n| --- | --- |\n| tall | 1 |\n| tall | 2 |\n");
        check(&format!("<w:tbl><w:tr><w:tc>{}{}</w:tc></w:tr></w:tbl>", p("l1"), p("l2")), "| l1<br>l2 |\n| --- |\n");
        check(
            &format!(
                "<w:p><w:r><w:t>main</w:t><mc:AlternateContent><mc:Choice><w:txbxContent>{}</w:txbxContent></mc:Choice><mc:Fallback>{}</mc:Fallback></mc:AlternateContent></w:r></w:p>",
                p("box"),
                p("box")
            ),
            "main\nbox",
        );
    }

    #[test]
    fn with_links_and_headings() {
        let run = |text: &str| format!("<w:r><w:t>{text}</w:t></w:r>");
        let body = format!(
            "<w:p><w:pPr><w:pStyle w:val='berschrift2'/></w:pPr>{}</w:p>\
             <w:p><w:hyperlink r:id='rId7'>{}{}</w:hyperlink>{}</w:p>\
             <w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText> HYPERLINK \"https://y.org\" </w:instrText></w:r>\
             <w:r><w:fldChar w:fldCharType='separate'/></w:r>{}<w:r><w:fldChar w:fldCharType='end'/></w:r>{}</w:p>\
             <w:p><w:fldSimple w:instr='HYPERLINK \"https://z.org\"'>{}</w:fldSimple></w:p>\
             <w:p><w:hyperlink w:anchor='here'>{}</w:hyperlink></w:p>\
             <w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='2'/></w:tcPr>{}{}{}</w:tc></w:tr><w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr></w:tbl>",
            run("Part"),
            run("the "),
            run("docs"),
            run(" say"),
            run("field"),
            run(" after"),
            run("simple"),
            run("local"),
            p("wide"),
            p("wide"),
            p("more"),
            p("1"),
            p("2"),
        );
        let xml = format!("<w:document><w:body>{body}</w:body></w:document>");
        let relations =
            "<Relationships><Relationship Id='rId7' Type='http://x/hyperlink' Target='https://x.org'/></Relationships>";
        let styles = "<w:styles><w:style w:styleId='berschrift2'><w:name w:val='heading 2'/></w:style></w:styles>";
        let bytes = zipped(&[
            ("word/document.xml", xml.as_bytes()),
            ("word/_rels/document.xml.rels", relations.as_bytes()),
            ("word/styles.xml", styles.as_bytes()),
        ]);
        let budget = Budget::new(Limits::default());
        assert_eq!(
            linked(&bytes, &budget).unwrap().0,
            "## Part\n[the docs](https://x.org) say\n[field](https://y.org) after\n[simple](https://z.org)\nlocal\n\
             | wide more |  |\n| --- | --- |\n| 1 | 2 |\n"
        );
        assert!(read(&bytes, &budget).unwrap().starts_with("Part\nthe docs say\nfield after\n"));
    }

    #[test]
    fn broken_documents() {
        let budget = Budget::new(Limits::default());
        let error = |bytes: &[u8]| read(bytes, &budget).unwrap_err().to_string();
        assert!(error(b"not a zip").starts_with("Failed to extract text from DOCX: "));
        assert_eq!(
            error(&zipped(&[("x", b"")])),
            "Failed to extract text from DOCX: its part word/document.xml is missing"
        );
        let cut = zipped(&[("word/document.xml", b"<w:document><w:body><w:p><w:r><w:t>cut o")]);
        assert_eq!(read(&cut, &budget).unwrap(), "cut o");
    }
}
