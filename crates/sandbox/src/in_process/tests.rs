use serde_json::{Map, json};

use std::time::Instant;

use super::*;
use crate::CodeLimits;

fn request(code: &str, inputs: &serde_json::Value) -> CodeRequest {
    let inputs = inputs.as_object().cloned().unwrap_or_else(Map::new);
    let limits = CodeLimits { timeout: Duration::from_millis(400), memory_bytes: 32 << 20, output_bytes: 10_000 };
    let caller = ox_net::Caller { workspace: "w".into(), ..Default::default() };
    CodeRequest { caller, rules: None, language: Language::JavaScript, code: code.into(), inputs, limits }
}

async fn run(code: &str, inputs: &serde_json::Value) -> Result<serde_json::Value, CodeError> {
    InProcess::default().run(request(code, inputs)).await.map(|output| serde_json::Value::Object(output.result))
}

#[tokio::test]
async fn main_gets_the_inputs_and_gives_an_object() {
    for (code, inputs, expected) in [
        ("function main({a, b}) { return {sum: a + b} }", json!({"a": 1, "b": 2.5}), json!({"sum": 3.5})),
        (
            "const main = (i) => ({t: i.t + '\\u0000é😀', n: null})",
            json!({"t": "<<RESULT>>\u{0}"}),
            json!({"t": "<<RESULT>>\u{0}\u{0}é😀", "n": null}),
        ),
        ("var x = 010; function main() { return {x, u: undefined, f: 1.0} }", json!({}), json!({"x": 8, "f": 1})),
        ("async function main() { return {x: 1} }", json!({}), json!({})),
        (
            "JSON.stringify = () => 'no'; Object.prototype.toJSON = undefined; function main() { return {x: 1} }",
            json!({}),
            json!({"x": 1}),
        ),
        (
            "function main() { console.log('hi'); return {a: atob(btoa('hé')), b: Buffer.from('aMOpIPCfmIA=','base64').toString('utf-8'), c: new TextDecoder().decode(new TextEncoder().encode('é😀')), d: structuredClone({a:[1]})} }",
            json!({}),
            json!({"a": "hé", "b": "hé 😀", "c": "é😀", "d": {"a": [1]}}),
        ),
        ("function main() { return {n: '1e+3'} }", json!({}), json!({"n": 1000.0})),
    ] {
        assert_eq!(run(code, &inputs).await, Ok(expected), "{code}");
    }
}

#[tokio::test]
async fn errors_say_what_and_where() {
    for (code, expected) in [
        ("function main() {\n  return missing\n}", "ReferenceError: missing is not defined (line 2, column 10)"),
        ("function main( {", "SyntaxError:"),
        ("let x = 1", "ReferenceError: main is not defined"),
        ("function main() { throw {a: 1} }", "Uncaught {\"a\":1}"),
        ("function main() { return 1 }", "The result of main must be an object, got a number instead."),
        ("function main() { return }", "The result of main must be an object, got undefined instead."),
        ("function main() { return {x: 10n} }", "TypeError:"),
        ("function main() { return {x: require('fs')} }", "Error: require('fs') is not available"),
        ("function main() { return main() }", "RangeError: Maximum call stack size exceeded"),
        (
            "function main() { return {x: 'a'.repeat(20000)} }",
            "error: the result is too large: 20008 bytes, at most 10000 are allowed",
        ),
        (
            "function main() { return {x: typeof process + typeof fetch + typeof Deno + typeof setTimeout}.y.z }",
            "TypeError:",
        ),
    ] {
        let error = run(code, &json!({})).await.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{code}: {error}");
    }
    let off = crate::Off::default().run(request("", &json!({}))).await.unwrap_err().to_string();
    assert!(off.contains("OXIDIFY_CODE_UNCONFINED=true"), "{off}");
    let python = CodeRequest { language: Language::Python3, ..request("def main(): return {}", &json!({})) };
    let python = InProcess::default().run(python).await.unwrap_err().to_string();
    assert!(python.starts_with("Python code needs"), "{python}");
}

#[tokio::test]
async fn no_host_objects() {
    let code = "function main() { return {x: [typeof process, typeof fetch, typeof std, typeof os, typeof setTimeout, typeof WebAssembly].join()} }";
    let expected = ["undefined"; 6].join(",");
    assert_eq!(run(code, &json!({})).await, Ok(json!({"x": expected})));
}

#[tokio::test]
async fn limits_hold() {
    for code in [
        "function main() { for (;;) {} }",
        "function main() { for (;;) { try { for (;;) {} } catch (e) {} } }",
        "while (true) {}",
        "function main() { return {x: /(a+)+$/.test('a'.repeat(60) + 'b')} }",
    ] {
        let started = Instant::now();
        let error = run(code, &json!({})).await.unwrap_err();
        assert_eq!(error, CodeError::Timeout { seconds: "0.4".into() }, "{code}");
        assert!(started.elapsed() < Duration::from_secs(3), "{code}: {:?}", started.elapsed());
    }
    let bombs = [
        "function main() { const a = []; for (;;) a.push(new Array(10000).fill(1)) }",
        "function main() { let s = 'ab'; for (;;) s = s + s + Math.random() }",
    ];
    for code in bombs {
        let mut request = request(code, &json!({}));
        request.limits.timeout = Duration::from_secs(20);
        let error = InProcess::default().run(request).await.unwrap_err();
        assert!(
            matches!(error, CodeError::Memory { limit_mib: 32 }) || error.to_string().contains("string too long"),
            "{code}: {error}"
        );
    }
}

#[tokio::test]
async fn runs_do_not_see_each_other_and_the_queue_is_bounded() {
    let driver = InProcess::new(1, 0);
    let first = driver
        .run(request("globalThis.leak = 1; Object.prototype.leak2 = 2; function main() { return {} }", &json!({})));
    first.await.unwrap();
    let second = driver.run(request("function main() { return {a: typeof leak, b: typeof {}.leak2} }", &json!({})));
    assert_eq!(second.await.unwrap().result, *json!({"a": "undefined", "b": "undefined"}).as_object().unwrap());

    let slow = request("function main() { for (;;) {} }", &json!({}));
    let (one, two) = tokio::join!(driver.run(slow.clone()), driver.run(slow));
    assert!(matches!(one, Err(CodeError::Timeout { .. })) && two == Err(CodeError::Busy), "{one:?} {two:?}");
}
