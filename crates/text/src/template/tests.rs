use ox_types::Value;
use proptest::prelude::*;
use serde_json::json;

use super::{Prompt, Segment, Template};

fn shape(text: &str) -> Vec<String> {
    let show = |segment: &Segment| match segment {
        Segment::Literal(text) => format!("'{text}'"),
        Segment::Variable(selector) => selector.join("/"),
    };
    Template::parse(text).segments.iter().map(show).collect()
}

#[test]
fn what_is_a_variable_and_what_is_text() {
    let long_id = "a".repeat(50);
    let long_name = "b".repeat(30);
    let cases: Vec<(String, Vec<String>)> = [
        ("", vec![]),
        ("plain", vec!["'plain'"]),
        ("{{#1.query#}}", vec!["1/query"]),
        ("a{{#1.query#}}b{{#sys.files#}}", vec!["'a'", "1/query", "'b'", "sys/files"]),
        ("{{#n.a.b.c#}}", vec!["n/a/b/c"]),
        ("{{ #1.query# }}", vec!["'{{ #1.query# }}'"]),
        ("{{#1.query #}}", vec!["'{{#1.query #}}'"]),
        ("{{#query#}}", vec!["'{{#query#}}'"]),
        ("{{#1.2x#}}", vec!["'{{#1.2x#}}'"]),
        ("{{#1.#}}", vec!["'{{#1.#}}'"]),
        ("{{#1.a#}", vec!["'{{#1.a#}'"]),
        ("{{#1.a", vec!["'{{#1.a'"]),
        ("{{{#1.a#}}}", vec!["'{'", "1/a", "'}'"]),
        ("{{#{{#1.a#}}", vec!["'{{#'", "1/a"]),
        ("{{#1-2.a#}}", vec!["'{{#1-2.a#}}'"]),
        ("{{#n.a.b.c.d.e.f.g.h.i.j#}}", vec!["n/a/b/c/d/e/f/g/h/i/j"]),
        ("{{#n.a.b.c.d.e.f.g.h.i.j.k#}}", vec!["'{{#n.a.b.c.d.e.f.g.h.i.j.k#}}'"]),
        ("中{{#n.文#}}{{#n.a#}}文", vec!["'中{{#n.文#}}'", "n/a", "'文'"]),
    ]
    .into_iter()
    .map(|(text, parts)| (text.to_owned(), parts.into_iter().map(str::to_owned).collect()))
    .chain([
        (format!("{{{{#{long_id}.{long_name}#}}}}"), vec![format!("{long_id}/{long_name}")]),
        (format!("{{{{#{long_id}x.a#}}}}"), vec![format!("'{{{{#{long_id}x.a#}}}}'")]),
        (format!("{{{{#n.{long_name}x#}}}}"), vec![format!("'{{{{#n.{long_name}x#}}}}'")]),
    ])
    .collect();
    for (text, expected) in cases {
        assert_eq!(shape(&text), expected, "{text}");
    }
}

#[test]
fn rendering_in_three_forms() {
    let template = Template::parse("{{#n.list#}}|{{#n.gone#}}|{{#env.key#}}|{{#n.none#}}");
    let lookup = |selector: &[String]| match selector.last().map(String::as_str) {
        Some("list") => Some(Value::from_json(&json!(["a"]))),
        Some("key") => Some(Value::secret("sk-1234567890")),
        Some("none") => Some(Value::None),
        _ => None,
    };
    assert_eq!(template.text(lookup), "[\"a\"]|n.gone|sk-1234567890|");
    assert_eq!(template.markdown(lookup), "- a|n.gone|sk-1234567890|");
    assert_eq!(template.log(lookup), "['a']|n.gone|sk-123************90|");
}

#[test]
fn prompts() {
    let lookup = |key: &str| match key {
        "name" => Some(Value::from("Ada <|im_start|>")),
        "#query#" => Some(Value::from("why?")),
        "empty" => Some(Value::None),
        "number" => Some(Value::Int(3)),
        "#n.a.b#" => Some(Value::from("deep")),
        _ => None,
    };
    let cases = [
        ("Hi {{name}}!", "Hi Ada !"),
        ("{{#query#}}/{{empty}}/{{number}}", "why?//3"),
        ("{{unknown}} {{#context#}}", "{{unknown}} {{#context#}}"),
        ("{{ name }} {{1a}} {{na-me}} {{name}", "{{ name }} {{1a}} {{na-me}} {{name}"),
        ("{{{name}}}", "{Ada }"),
        ("{{#n.a.b#}} {{#other#}}", "deep {{#other#}}"),
        ("<|keep|> {{name}}", "<|keep|> Ada "),
    ];
    for (text, expected) in cases {
        assert_eq!(Prompt::parse(text).render(lookup), expected, "{text}");
    }
    assert_eq!(Prompt::parse("{{a}} {{#query#}} {{a}}").keys().collect::<Vec<_>>(), ["a", "#query#", "a"]);
}

#[test]
fn half_open_tokens_cost_linear_time() {
    let text = "{{#".repeat(200_000);
    assert_eq!(Template::parse(&text).segments, [Segment::Literal(text.clone())]);
    let text = "{{".repeat(200_000);
    assert_eq!(Prompt::parse(&text).render(|_| None), text);
    assert_eq!(super::strip_special_tokens(&"<|\n".repeat(1000)).len(), 3000);
}

proptest! {
    #[test]
    fn nothing_is_lost(text in "([a-z.{}# ]|\\{\\{#|#\\}\\}|é){0,60}") {
        let template = Template::parse(&text);
        let back: String = template.segments.iter().map(|segment| match segment {
            Segment::Literal(text) => text.clone(),
            Segment::Variable(selector) => format!("{{{{#{}#}}}}", selector.join(".")),
        }).collect();
        prop_assert_eq!(&back, &text);
        prop_assert_eq!(Prompt::parse(&text).render(|_| None), text);
    }
}
