//! Jinja2 templates, variable templates and prompts.

use ox_text::{
    jinja,
    template::{Prompt, Template},
};
use ox_types::Value;
use serde_json::{Value as Json, json};

use super::{Run, Shape, Target, pieces, signature, texts};

pub const TARGET: Target = Target {
    name: "templates",
    shape: Shape::Text,
    seeds: || {
        let mut seeds = texts(&[
            "{{ a }} {{#n.text#}} {{query}}",
            "{% for x in list %}{{ loop.index }}: {{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
            "{% set ns = namespace(t='') %}{% for x in range(10) %}{% set ns.t = ns.t ~ x %}{% endfor %}{{ ns.t }}",
            "{% macro m(x, y=2) %}{{ x * y }}{% endmacro %}{{ m(3) }} {{ m(x='ab') }}",
            "{{ obj.k | tojson }} {{ obj | length }} {{ list | sort | join(',') }} {{ text | upper | replace('A', 'b') }}",
            "{{ '%05d' % 3 }} {{ '{:>10}'.format('x') }} {{ list[1:3] }} {{ text[::-1] }} {{ -7 // 2 }} {{ 2 ** 10 }}",
            "{% filter upper %}x{% endfilter %}{% raw %}{{ no }}{% endraw %}{# c #}{% call m() %}{% endcall %}",
            "{{ list | map('upper') | list }} {{ objs | groupby('k') }} {{ objs | selectattr('k', 'equalto', 1) | list }}",
            "{{ text | truncate(3) | wordwrap(2) | indent(4) | center(20) }} {{ now }} {{ 1.5 | round(1, 'ceil') }}",
            "{{#sys.query#}}{{#a.b.c#}}{{#env.k#}}{{#context#}}{{##}}{{#1.2#}}",
            "{{ a if b else c }} {{ a is defined and a in list }} {{ [1, 2] + [3] }} {{ {'a': 1}.items() | list }}",
        ]);
        // Those of real workflows.
        let real = pieces(|json, found| {
            if json.as_str().is_some_and(|text| text.contains("{{") || text.contains("{%")) {
                found.push(json.clone());
            }
        });
        seeds.extend(real.iter().filter_map(Json::as_str).map(|text| text.as_bytes().to_vec()));
        seeds
    },
    words: &[
        "{{ ",
        " }}",
        "{% for x in list %}",
        "{% endfor %}",
        "{% if ",
        "{% endif %}",
        "{% set ",
        " | ",
        "join",
        "tojson",
        "range(",
        "1000000000",
        "loop.index",
        "text",
        "list",
        "obj",
        "objs",
        " ~ ",
        " * ",
        " ** ",
        "{{#n.text#}}",
        "{{#",
        "#}}",
        "namespace()",
        ".format(",
        "%s",
        "[::-1]",
        "| batch(2)",
        "| indent(100000)",
        "| center(1000000)",
        "'x' * 100000",
        "| string",
        "| slice(3)",
        "recursive",
        "{% macro a() %}{{ a() }}{% endmacro %}",
        "| urlencode",
        "| trim",
        "| default('')",
        ".split('')",
        ".replace('', 'ab')",
    ],
    start: || Ok(run()),
};

fn run() -> Run {
    let variables: Json = json!({
        "a": 1, "b": true, "c": null, "text": "Äb c\n<&>", "list": [3, 1, 2, "x", null], "obj": {"k": {"z": [1.5]}},
        "objs": [{"k": 1, "n": "b"}, {"k": 2, "n": "a"}, {"k": 1}],
    });
    Box::new(move |input| {
        let text = String::from_utf8_lossy(input);
        let lookup = |selector: &[String]| match selector.len() {
            1 => None,
            2 => Some(Value::from_json(&variables)),
            _ => Some(Value::from("s")),
        };
        let template = Template::parse(&text);
        let plain = template.text(lookup);
        let _ = (template.markdown(lookup), template.log(lookup), template.selectors().count(), template.is_literal());
        let prompt = Prompt::parse(&text).render(|key| variables.get(key).map(Value::from_json));
        let lengths = format!("{} {}", plain.len() == text.len(), prompt.len() == text.len());
        match jinja::render(&text, &variables, jinja::Limits::default()) {
            Ok(out) => signature(&["ok", &out, &lengths]),
            Err(error) => signature(&["error", &error.to_string(), &lengths]),
        }
    })
}
