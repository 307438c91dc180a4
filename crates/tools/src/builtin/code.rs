//! `code`: a program of the caller's, in the sandbox. What it prints is the answer.

use ox_sandbox::{CodeRequest, Language};
use serde_json::{Map, Value, json};

use super::{say, show};
use crate::{
    Call, Parameter, Provider, Tool,
    spec::{Run, Said},
};

pub const PROVIDER: Provider = Provider {
    name: "code",
    label: ("Code Interpreter", "代码解释器"),
    description: ("Runs Python and JavaScript in the sandbox.", "在沙箱中运行 Python 与 JavaScript。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#1e293b"/>"##,
        r##"<path d="m9 8-4 4 4 4M15 8l4 4-4 4M13 6.500l-2 11" stroke="#fff" stroke-width="1.800" fill="none" stroke-linecap="round" stroke-linejoin="round"/></svg>"##
    ),
    labels: &["productivity"],
    form: &[],
    trial: None,
    tools: &[Tool {
        name: "simple_code",
        label: ("Code Interpreter", "代码解释器"),
        description: ("Runs code and gives what it prints.", "运行代码并返回其输出。"),
        for_model: "Runs a piece of code in a sandbox without files and network; only what is printed (print, console.log) \
                    is returned.",
        parameters: &[
            Parameter::select(
                "language",
                ("Language", "语言"),
                "python3",
                &[("python3", ("Python3", "Python3")), ("javascript", ("JavaScript", "JavaScript"))],
            )
            .asked("Language of the code")
            .needed(),
            Parameter::text("code", ("Code", "代码"), "Code to run; print what is to be returned").needed(),
        ],
        run: Run::Calls(|call| Box::pin(run(call))),
    }],
};

/// Runs the code it is given and gives back what that prints; a `main` that nobody called is called.
const PYTHON: &str = r#"
def main(code):
    import contextlib, io, json
    printed = io.StringIO()
    scope = {"__name__": "__main__"}
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "<code>", "exec"), scope)
        text = printed.getvalue()
        if not text and callable(scope.get("main")):
            value = scope["main"]()
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {"printed": text}
"#;

/// The code stands between these: the engine is not asked to evaluate texts.
const JAVASCRIPT: (&str, &str) = (
    r#"function main() {
const outer = main;
const printed = [];
const shown = (value) => typeof value === "string" ? value : (value === undefined ? "undefined" : JSON.stringify(value));
const print = (...values) => { printed.push(values.map(shown).join(" ")); };
const console = {log: print, info: print, warn: print, error: print, debug: print};
const value = (function () {
"#,
    r#"
;if (printed.length === 0 && main !== outer && typeof main === "function") { return main(); }
}).call({});
if (value !== undefined && printed.length === 0) { printed.push(shown(value)); }
return {printed: printed.join("\n")};
}"#,
);

async fn run(call: &Call) -> Said {
    let code = call.arguments.required("code")?;
    let (language, code, inputs) = match call.arguments.get("language").as_deref() {
        None | Some("python3" | "python") => {
            (Language::Python3, PYTHON.to_owned(), Map::from_iter([("code".to_owned(), json!(code))]))
        }
        Some("javascript" | "nodejs") => {
            let (before, after) = JAVASCRIPT;
            (Language::JavaScript, format!("{before}{code}{after}"), Map::new())
        }
        Some(other) => return Err(format!("Only python3 and javascript are supported, not {other}")),
    };
    let world = &call.world;
    let request = CodeRequest {
        caller: world.caller.clone(),
        rules: world.egress.rules(),
        language,
        code,
        inputs,
        limits: world.code_limits,
    };
    let output = world.code.run(request).await.map_err(|error| error.to_string())?;
    match output.result.get("printed") {
        Some(Value::String(text)) => say(text.clone()),
        _ => show(Value::Object(output.result)),
    }
}
