//! OpenDocument texts.

use crate::{
    Budget, Error,
    archive::Archive,
    budget::Text,
    charset,
    xml::{Token, Xml},
};

const FORMAT: &str = "ODT";
/// Most spaces that one mark may stand for.
const MAX_SPACES: usize = 100;

pub fn read(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let mut archive = Archive::open(bytes, FORMAT, budget)?;
    let text = charset::decode(&archive.get("content.xml")?);
    let mut xml = Xml::new(&text, FORMAT, budget);
    let mut out = Text::new(budget);
    let mut line = String::new();
    // For every open element: whether it is a paragraph.
    let mut open: Vec<bool> = Vec::new();
    while let Some(token) = xml.next()? {
        let in_paragraph = open.contains(&true);
        match token {
            Token::Open(element) => match element.name() {
                "tracked-changes" | "annotation" | "automatic-styles" | "sequence-decls" => xml.skip()?,
                name => {
                    match name {
                        "tab" => line.push('\t'),
                        "line-break" => line.push('\n'),
                        "s" => {
                            let count = element.attribute("c").and_then(|count| count.parse().ok()).unwrap_or(1);
                            line.extend(std::iter::repeat_n(' ', MAX_SPACES.min(count)));
                        }
                        _ => {}
                    }
                    open.push(matches!(name, "p" | "h"));
                }
            },
            Token::Close => {
                if open.pop() == Some(true) && !open.contains(&true) {
                    let text = std::mem::take(&mut line);
                    if !text.trim().is_empty() {
                        out.line(&text)?;
                    }
                }
            }
            Token::Text(text) if in_paragraph => push_collapsed(&mut line, &text),
            Token::Text(_) => {}
        }
    }
    Ok(out.finish())
}

/// White space in the file is layout: runs of it are one space.
fn push_collapsed(line: &mut String, text: &str) {
    for character in text.chars() {
        if !character.is_ascii_whitespace() {
            line.push(character);
        } else if !line.is_empty() && !line.ends_with([' ', '\n', '\t']) {
            line.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, testing::zipped};

    #[test]
    fn paragraphs() {
        let content = "<office:document-content><office:automatic-styles><x>no</x></office:automatic-styles><office:body><office:text>
            <text:h>Title</text:h><text:p>one <text:span>two</text:span>\n  three<text:s text:c='3'/>four<text:tab/>five<text:line-break/>six</text:p>
            <text:p/><text:list><text:list-item><text:p>item</text:p></text:list-item></text:list>
            <table:table><table:table-row><table:table-cell><text:p>cell</text:p></table:table-cell></table:table-row></table:table>
            <text:p>note<text:note><text:note-body><text:p>foot</text:p></text:note-body></text:note></text:p></office:text></office:body></office:document-content>";
        let bytes = zipped(&[("content.xml", content.as_bytes())]);
        let text = read(&bytes, &Budget::new(Limits::default())).unwrap();
        assert_eq!(text, "Title\none two three   four\tfive\nsix\nitem\ncell\nnotefoot");
    }
}
