//! JavaScript in QuickJS: a fresh runtime per call, nothing shared between two of them. Knows nothing of
//! processes: the confined worker calls it, and so does [`crate::InProcess`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Runtime, Value, context::EvalOptions};

use crate::{CodeError, CodeLimits, CodeRequest, result::not_an_object};

/// Below the stack of a blocking thread (2 MiB), with room for the interpreter itself.
const STACK_BYTES: usize = 1 << 20;
/// The name of the user's script in error positions.
const SCRIPT: &str = "code.js";

/// A runtime with nothing of a user's in it, for one run. Made before it is asked for, and dropped after the answer, it
/// costs a call no time.
pub struct Fresh {
    context: Context,
    runtime: Runtime,
}

impl Fresh {
    /// # Errors
    /// When there is no memory for it.
    pub fn new() -> Result<Self, CodeError> {
        let internal = |error: &dyn std::fmt::Display| CodeError::Internal(error.to_string());
        let runtime = Runtime::new().map_err(|error| internal(&error))?;
        runtime.set_max_stack_size(STACK_BYTES);
        let context = Context::full(&runtime).map_err(|error| internal(&error))?;
        context.with(|cx| furnish(&cx).catch(&cx).map_err(|error| internal(&error)))?;
        Ok(Self { context, runtime })
    }

    /// The JSON text of what `main` returns; `stop` ends the script early.
    ///
    /// # Errors
    /// What the code did wrong, or which limit it reached.
    pub fn run_main(&self, request: &CodeRequest, stop: &Arc<AtomicBool>) -> Result<String, CodeError> {
        execute(self, request.limits, stop, |cx| call_main(cx, request))
    }

    /// What a whole script prints.
    ///
    /// # Errors
    /// What the code did wrong, or which limit it reached.
    pub fn run_script(&self, request: &CodeRequest, stop: &Arc<AtomicBool>) -> Result<String, CodeError> {
        execute(self, request.limits, stop, |cx| print_script(cx, request))
    }
}

/// What a script finds besides the language itself.
fn furnish(cx: &Ctx<'_>) -> rquickjs::Result<()> {
    let make = rquickjs::Function::new(cx.clone(), make_node)?;
    let install: rquickjs::Function<'_> = eval(cx, include_str!("quickjs/prelude.js"), "prelude.js")?.get()?;
    install.call((make,))
}

/// The names that Node has and the language has not.
#[expect(clippy::needless_pass_by_value, reason = "as the interpreter calls it")]
fn make_node(cx: Ctx<'_>) -> rquickjs::Result<Value<'_>> {
    eval(&cx, include_str!("quickjs/node.js"), "node.js")
}

fn execute(
    fresh: &Fresh,
    limits: CodeLimits,
    stop: &Arc<AtomicBool>,
    work: impl FnOnce(&Ctx<'_>) -> Result<String, CodeError>,
) -> Result<String, CodeError> {
    let Fresh { context, runtime } = fresh;
    runtime.set_memory_limit(limits.memory_bytes);
    let expired = Arc::new(AtomicBool::new(false));
    let deadline = Instant::now() + limits.timeout;
    let (flag, stop) = (Arc::clone(&expired), Arc::clone(stop));
    runtime.set_interrupt_handler(Some(Box::new(move || {
        let over = stop.load(Ordering::Relaxed) || Instant::now() >= deadline;
        if over {
            flag.store(true, Ordering::Relaxed);
        }
        over
    })));
    let result = context.with(|cx| work(&cx));
    if expired.load(Ordering::Relaxed) {
        return Err(CodeError::timeout(limits));
    }
    let text = result?;
    if text.len() > limits.output_bytes {
        return Err(CodeError::OutputTooLarge { size: text.len(), limit: limits.output_bytes });
    }
    Ok(text)
}

/// Runs a script that prints its own result.
fn print_script(cx: &Ctx<'_>, request: &CodeRequest) -> Result<String, CodeError> {
    let limits = request.limits;
    let fail = |error: &CaughtError<'_>| explain(error, limits);
    let printed = std::rc::Rc::new(std::cell::RefCell::new(String::new()));
    let into = std::rc::Rc::clone(&printed);
    let most = limits.output_bytes;
    let print = rquickjs::Function::new(cx.clone(), move |line: String| {
        let mut text = into.borrow_mut();
        // One byte above the limit tells that there was more.
        if text.len() <= most {
            text.push_str(&line);
            text.push('\n');
        }
    });
    let print = print.catch(cx).map_err(|error| fail(&error))?;
    let console = eval(cx, include_str!("quickjs/console.js"), "console.js").catch(cx).map_err(|error| fail(&error))?;
    if let Some(install) = console.as_function() {
        install.call::<_, ()>((print,)).catch(cx).map_err(|error| fail(&error))?;
    }
    eval(cx, &request.code, SCRIPT).catch(cx).map_err(|error| fail(&error))?;
    // What promises do comes after the script, as in Node.
    while cx.execute_pending_job() {}
    let text = printed.borrow();
    if text.len() > most {
        return Err(CodeError::PrintedTooMuch { limit: most });
    }
    Ok(text.clone())
}

/// The JSON text of what `main` returns.
fn call_main(cx: &Ctx<'_>, request: &CodeRequest) -> Result<String, CodeError> {
    let limits = request.limits;
    let fail = |error: &CaughtError<'_>| explain(error, limits);
    eval(cx, &request.code, SCRIPT).catch(cx).map_err(|error| fail(&error))?;
    // Evaluated, not looked up: `const main = …` makes no property of the global object.
    let main = eval(cx, "typeof main === 'function' ? main : undefined", "call.js");
    let main = main.catch(cx).map_err(|error| fail(&error))?;
    let Some(main) = main.as_function().cloned() else {
        return Err(CodeError::Exception {
            text: "ReferenceError: main is not defined: the code must define a function main".into(),
            line: None,
            column: None,
        });
    };
    let inputs = serde_json::to_string(&request.inputs).map_err(|error| CodeError::Internal(error.to_string()))?;
    let inputs = cx.json_parse(inputs).catch(cx).map_err(|error| fail(&error))?;
    // Compat: `main` is called synchronously; what a promise would give is not awaited.
    let value: Value<'_> = main.call((inputs,)).catch(cx).map_err(|error| fail(&error))?;
    let text = cx.json_stringify(value).catch(cx).map_err(|error| fail(&error))?;
    let text = text.ok_or_else(|| not_an_object("undefined"))?;
    text.to_string().map_err(|error| CodeError::Internal(error.to_string()))
}

fn eval<'js>(cx: &Ctx<'js>, source: &str, name: &str) -> rquickjs::Result<Value<'js>> {
    let mut options = EvalOptions::default();
    // As Node runs a script: not strict unless it says so.
    options.strict = false;
    options.filename = Some(name.to_owned());
    cx.eval_with_options(source, options)
}

fn explain(error: &CaughtError<'_>, limits: CodeLimits) -> CodeError {
    let memory = || CodeError::Memory { limit_mib: limits.memory_bytes >> 20 };
    match error {
        CaughtError::Exception(exception) => {
            let message = exception.message().unwrap_or_default();
            if message == "out of memory" {
                return memory();
            }
            let name: Option<String> = exception.as_object().get("name").ok();
            let stack = exception.stack().unwrap_or_default();
            let (line, column) = position(&stack).unzip();
            let mut text = format!("{}: {message}", name.as_deref().unwrap_or("Error"));
            if let (Some(line), Some(column)) = (line, column) {
                text.push_str(&format!(" (line {line}, column {column})"));
            }
            CodeError::Exception { text, line, column }
        }
        CaughtError::Value(value) => {
            // Running out of memory while making the error leaves null.
            if value.is_null() {
                return memory();
            }
            let shown = value.ctx().json_stringify(value.clone()).ok().flatten();
            let shown = shown.and_then(|text| text.to_string().ok()).unwrap_or_else(|| "undefined".into());
            CodeError::Exception { text: format!("Uncaught {shown}"), line: None, column: None }
        }
        CaughtError::Error(rquickjs::Error::Allocation) => memory(),
        CaughtError::Error(error) => CodeError::Exception { text: error.to_string(), line: None, column: None },
    }
}

/// Line and column of the first stack frame in the user's script.
fn position(stack: &str) -> Option<(u32, u32)> {
    let (_, rest) = stack.split_once(&format!("{SCRIPT}:"))?;
    let mut numbers = rest.split(|character: char| !character.is_ascii_digit());
    let line = numbers.next()?.parse().ok()?;
    let column = numbers.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    Some((line, column))
}
