//! Templates compared with Jinja2 itself; skipped where it is not installed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests fail by panicking")]

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use ox_text::jinja::{Limits, render};
use serde_json::{Value as Json, json};

const SCRIPT: &str = r#"
import json, sys
import jinja2
request = json.load(sys.stdin)
out = []
for text in request["templates"]:
    try:
        out.append(jinja2.Template(text).render(**request["vars"]))
    except Exception as e:
        out.append(None)
json.dump(out, sys.stdout)
"#;

/// Known to differ: tuples print as lists (there is no tuple in the template machine).
const TEMPLATES: &[&str] = &[
    "{{ name }}",
    "{{ yes }} {{ no }} {{ nothing }} {{ missing }}",
    "{{ one }} {{ float }} {{ big }} {{ tiny }} {{ whole }}",
    "{{ list }} {{ mixed }} {{ nested }} {{ empty }}",
    "{{ map }} {{ map.key }} {{ map['key'] }} {{ map.gone }}",
    "{{ 'x' | int(7) }} {{ 'ff' | int(0, 16) }} {{ 3.9 | int }} {{ '3.9' | int }} {{ true | int }} {{ 'x' | float(1.5) }}",
    "{% for k, v in map.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for x in list %}{{ loop.index }}/{{ loop.length }}:{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for x in list if x > 1 %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in list %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% set ns = namespace(total=0) %}{% for x in list %}{% set ns.total = ns.total + x %}{% endfor %}{{ ns.total }}",
    "{{ list | sum }} {{ list | max }} {{ list | length }} {{ list | first }} {{ list | last }}",
    "{{ list | join(', ') }} {{ list | map('string') | join('-') }}",
    "{{ people | map(attribute='name') | join(',') }}",
    "{{ people | selectattr('age', 'gt', 30) | map(attribute='name') | list }}",
    "{{ people | sort(attribute='age') | map(attribute='name') | list }}",
    "{{ name | upper }} {{ name | lower }} {{ name | title }} {{ name | capitalize }} {{ name | replace('a', 'b') }}",
    "{{ name.upper() }} {{ name.split(' ') }} {{ name.startswith('A') }} {{ ' x '.strip() }} {{ 'a'.join(['1', '2']) }}",
    "{{ long | truncate(20) }}|{{ long | truncate(20, True) }}|{{ long | truncate(20, False, '…') }}|{{ long | truncate(20, True, '', 0) }}",
    "{{ long | truncate(length=15, killwords=true, end='!') }}|{{ 'short' | truncate(3) }}",
    "{{ long | wordcount }} {{ '中文 字' | wordcount }} {{ 'it''s' | wordcount }}",
    "{{ long | wordwrap(20) }}",
    "{{ long | wordwrap(10, True, '/') }}",
    "[{{ 'abc' | center(10) }}] [{{ 'abcd' | center(11) }}] [{{ 'abc' | center(2) }}] [{{ 'ab' | center(width=7) }}]",
    "{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\n\nb' | indent(2, blank=true) }}|{{ 'a\nb' | indent('> ') }}",
    "{{ map | tojson }} {{ text | tojson }} {{ list | tojson }} {{ float | tojson }} {{ nothing | tojson }} {{ yes | tojson }}",
    "{{ nested | tojson(indent=2) }}",
    "{{ html | e }} {{ html | escape }} {{ html | striptags }}",
    "{{ missing | default('d') }} {{ nothing | default('d') }} {{ '' | default('d', true) }}",
    "{{ '%s-%d' | format('a', 3) }} {{ '%.2f' | format(float) }} {{ '{}'.format(1) }}",
    "{{ 7 // 2 }} {{ 7 / 2 }} {{ 7 % 3 }} {{ 2 ** 10 }} {{ -7 // 2 }} {{ 1 + 1.0 }} {{ 6 / 2 }}",
    "{{ 'a' ~ 1 ~ none }} {{ 'ab' * 3 }} {{ [1] + [2] }} {{ 'b' in 'abc' }} {{ 4 not in list }}",
    "{{ 'x' if yes else 'y' }} {{ 'x' if missing }} {{ not yes }} {{ yes and no }} {{ no or 'z' }}",
    "{{ list[0] }} {{ list[-1] }} {{ list[1:] }} {{ name[:3] }} {{ name[::-1] }} {{ list[9] }}",
    "{% if missing is defined %}a{% else %}b{% endif %} {{ nothing is none }} {{ one is number }} {{ name is string }}",
    "{% macro greet(who, mark='!') %}Hi {{ who }}{{ mark }}{% endmacro %}{{ greet(name) }} {{ greet('x', mark='?') }}",
    "{% set x = 5 %}{{ x }} {% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% raw %}{{ not }}{% endraw %} {# comment #}x",
    "  {%- if yes -%}  trimmed  {%- endif -%}  end",
    "line\n",
    "line\n\n",
    "{{ 3.14159 | round(2) }} {{ 2.5 | round }} {{ '12' | int }} {{ 'x' | int }} {{ '1.5' | float }} {{ -3 | abs }}",
    "{{ list | reverse | list }} {{ [3, 1, 2] | sort }} {{ [1, 1, 2] | unique | list }} {{ list | batch(2) | list }}",
    "{% for group in people | groupby('city') %}{{ group.grouper }}:{{ group.list | length }};{% endfor %}",
    "{{ range(5) | list }} {{ range(1, 10, 3) | list }}",
    "{{ dict(a=1) }} {{ {'a': [1, 2.0, 'x', none, true]} }}",
    "{{ file.filename }} {{ file['type'] }}",
    "{{ quotes }} {{ [quotes] }} {{ ['a\"b', 'c\nd', '中'] }}",
    "{{ missing.deep }}",
    "{{ 1 / 0 }}",
    "{{ name | nosuchfilter }}",
    "{% for %}",
];

#[test]
fn same_bytes_as_jinja2() {
    let vars = json!({
        "name": "Ada Lovelace", "yes": true, "no": false, "nothing": null, "one": 1, "float": 3.5, "big": 1e16,
        "tiny": 1e-5, "whole": 2.0, "list": [1, 2, 3], "mixed": [1, "a", null, true, 1.0], "nested": {"b": [1, {"c": "é"}], "a": {}},
        "empty": [], "map": {"key": "v", "other": 2}, "text": "<a href='x'>&\u{4e2d}\u{1f600}", "html": "<b>bold</b> & 'x'",
        "long": "the quick brown fox jumps over the lazy dog", "quotes": "it's",
        "people": [{"name": "Bob", "age": 40, "city": "B"}, {"name": "Cy", "age": 20, "city": "A"}, {"name": "Di", "age": 35, "city": "A"}],
        "file": {"filename": "a.txt", "type": "document"},
    });
    let Some(expected) = jinja2(&vars) else { return };
    let mut different = Vec::new();
    for (template, expected) in TEMPLATES.iter().zip(&expected) {
        // Loop controls are an extension there and always on here.
        if template.contains("continue") {
            continue;
        }
        let got = render(template, &vars, Limits::default());
        if got.as_ref().ok() != expected.as_ref() {
            different.push(format!("{template}\n  jinja2: {expected:?}\n  ours:   {got:?}"));
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

fn jinja2(vars: &Json) -> Option<Vec<Option<String>>> {
    // The interpreter that the tests of code use has Jinja2; the machine's own may not.
    let python = std::env::var_os("OXIDIFY_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let spawned = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = spawned.ok()?;
    // Python may leave before it reads: then there is no answer and the test is skipped.
    let _ = child.stdin.take()?.write_all(json!({"templates": TEMPLATES, "vars": vars}).to_string().as_bytes());
    let output = child.wait_with_output().ok()?;
    if !output.status.success() {
        println!("skipped: no python3 with jinja2; set OXIDIFY_TEST_PYTHON");
        return None;
    }
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
