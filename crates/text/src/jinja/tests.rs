use serde_json::json;

use super::{JinjaError, Limits, check, render};

fn run(template: &str) -> Result<String, JinjaError> {
    render(template, &json!({"items": [1, 2], "name": "Ada"}), Limits::default())
}

#[test]
fn errors_name_the_line() {
    let error = run("a\nb {{ name | nope }}\n").unwrap_err();
    assert_eq!(error.to_string(), "line 2: unknown filter: filter nope is unknown");
    let error = run("a\n{% if %}").unwrap_err().to_string();
    assert!(error.starts_with("line 2: syntax error: "), "{error}");
    assert!(check("{{ a }").is_err());
    assert!(check("{{ a }}").is_ok());
    let error = run("{{ gone.attribute.deep }}").unwrap_err().to_string();
    assert!(error.contains("undefined"), "{error}");
}

#[test]
fn limits_stop_work_and_output() {
    let small = Limits { fuel: 10_000, output_chars: 10 };
    let endless = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
    assert_eq!(render(endless, &json!({}), small), Err(JinjaError::TooMuchWork(10_000)));
    assert_eq!(render("{{ '漢' * 10 }}", &json!({}), small).as_deref(), Ok("漢漢漢漢漢漢漢漢漢漢"));
    let error = render("{{ '漢' * 11 }}", &json!({}), small).unwrap_err();
    assert_eq!(error.to_string(), "Output length exceeds 10 characters");
    assert!(run("{{ 'x' | center(1000000000) }}").is_err());
    assert!(run("{{ 'x' | indent(1000000000) }}").is_err());
    assert!(run("{{ '%-9223372036854775808d' % 3 }}").is_err());
    assert!(run("{{ items | slice(95516955163) }}").is_err());
    assert!(run("{{ items | batch(95516955163, 0) }}").is_err());
    assert_eq!(
        run("{{ items | slice(3, 0) | list }}{{ items | batch(linecount=3, fill_with=9) | list }}").unwrap(),
        "[[1], [2], [0]][[1, 2, 9]]"
    );
    assert!(run("{{ '{:>9223372036854775807}'.format(3) }}").is_err());
    assert_eq!(run("{{ '%5d|' % 3 }}{{ '{:>4}'.format(3) }}").unwrap(), "    3|   3");
    assert!(run("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}").is_err());
}

#[test]
fn nothing_of_the_outside_can_be_reached() {
    for template in
        ["{{ now() }}", "{% include 'x' %}", "{{ ''.__class__ }}", "{% import 'x' as y %}", "{{ lipsum() }}"]
    {
        let result = run(template);
        assert!(result.as_deref().map_or(true, str::is_empty), "{template}: {result:?}");
    }
}

#[test]
fn deep_values_and_deep_templates_do_not_overflow_the_stack() {
    let build = "{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}";
    let dict = "{% set ns = namespace(x={}) %}{% for i in range(20000) %}{% set ns.x = {'a': ns.x} %}{% endfor %}";
    let mut templates = vec!["{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}".to_owned()];
    for build in [build.to_owned(), build.replace("100000", "20000"), dict.to_owned()] {
        for end in [
            "",
            "{{ ns.x | tojson }}",
            "{{ ns.x }}",
            "{{ ns.x ~ '' }}",
            "{{ ns.x == ns.x }}",
            "{{ ns.x | string }}",
            "{{ [ns.x, ns.x] | sort }}",
            "{{ {ns.x: 1} }}",
            "{{ [ns.x] | unique | list }}",
        ] {
            templates.push(format!("{build}{end}"));
        }
    }
    let nested = (0..30_000).map(|i| format!("{{% set x{} = [x{i}] %}}", i + 1)).collect::<String>();
    templates.push(nested);
    for chain in [".b", "|e", "+a", "~a", "[0]", " and a", "()", " is none", "[1:]", "/a", "**a"] {
        templates.push(format!("{{{{ a{} }}}}", chain.repeat(50_000)));
        templates.push(format!("{{{{ a{} }}}}", chain.repeat(299)));
    }
    templates.push(format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(50_000)));
    templates.push(format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(200)));
    for template in templates {
        let _ = run(&template);
    }
}
