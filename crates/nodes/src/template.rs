//! `{{#node.var#}}` texts against the variable pool.

use ox_engine::{Pool, ResponsePart};
use ox_text::template::{Segment, Template};

/// Text form of a template written in a configuration.
pub fn text(template: &str, pool: &Pool) -> String {
    if !template.contains("{{#") {
        return template.to_owned();
    }
    Template::parse(template).text(|selector| pool.get(selector))
}

/// The same with secrets masked.
pub fn log(template: &str, pool: &Pool) -> String {
    Template::parse(template).log(|selector| pool.get(selector))
}

/// What a response node shows of a template.
pub fn parts(template: &Template) -> Vec<ResponsePart> {
    let part = |segment: &Segment| match segment {
        Segment::Literal(text) => ResponsePart::Text(text.clone()),
        Segment::Variable(selector) => ResponsePart::Variable(selector.clone()),
    };
    template.segments.iter().map(part).collect()
}
