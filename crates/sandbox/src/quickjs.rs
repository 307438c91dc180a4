//! JavaScript in QuickJS: a fresh runtime per call, nothing shared between two of them.

#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Runtime, Value, context::EvalOptions};
use tokio::sync::Semaphore;

use crate::{
    CodeError, CodeLimits, CodeOutput, CodeRequest, CodeRunner, Language,
    result::{not_an_object, parse_result},
};

/// Below the stack of a blocking thread (2 MiB), with room for the interpreter itself.
const STACK_BYTES: usize = 1 << 20;
/// How much longer than its limit a call is awaited: some native loops do not ask the clock.
const GRACE: Duration = Duration::from_millis(500);
/// The name of the user's script in error positions.
const SCRIPT: &str = "code.js";

/// Runs JavaScript inside this process.
pub struct QuickJs {
    workers: Arc<Semaphore>,
    waiting: Semaphore,
}

impl QuickJs {
    /// A driver in which `workers` calls run at once and `queue` more may wait.
    #[must_use]
    pub fn new(workers: usize, queue: usize) -> Self {
        let workers = workers.max(1);
        Self { workers: Arc::new(Semaphore::new(workers)), waiting: Semaphore::new(workers + queue) }
    }
}

impl Default for QuickJs {
    /// As many workers as the machine has cores, at least two.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self::new(cores.max(2), 1000)
    }
}

/// Tells a running script to stop when its caller is gone.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl CodeRunner for QuickJs {
    async fn run(&self, request: CodeRequest) -> Result<CodeOutput, CodeError> {
        if request.language != Language::JavaScript {
            return Err(CodeError::Unsupported(
                "Python code needs the confined code worker, which this version does not have yet. \
                 Write the code in JavaScript instead."
                    .into(),
            ));
        }
        let _place = self.waiting.try_acquire().map_err(|_| CodeError::Busy)?;
        let worker = Arc::clone(&self.workers).acquire_owned().await;
        let worker = worker.map_err(|error| CodeError::Internal(error.to_string()))?;
        let limits = request.limits;
        let stop = StopOnDrop(Arc::default());
        let flag = Arc::clone(&stop.0);
        let work = tokio::task::spawn_blocking(move || {
            // The worker is busy until the script really ends, even when nobody waits for it any more.
            let _worker = worker;
            execute(&request, &flag)
        });
        match tokio::time::timeout(limits.timeout + GRACE, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(CodeError::Internal(error.to_string())),
            Err(_) => Err(timeout(limits)),
        }
    }
}

fn timeout(limits: CodeLimits) -> CodeError {
    CodeError::Timeout { seconds: limits.timeout.as_secs_f64().to_string() }
}

fn execute(request: &CodeRequest, stop: &Arc<AtomicBool>) -> Result<CodeOutput, CodeError> {
    let limits = request.limits;
    let runtime = Runtime::new().map_err(|error| CodeError::Internal(error.to_string()))?;
    runtime.set_memory_limit(limits.memory_bytes);
    runtime.set_max_stack_size(STACK_BYTES);
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
    let context = Context::full(&runtime).map_err(|error| CodeError::Internal(error.to_string()))?;
    let result = context.with(|cx| call_main(&cx, request));
    if expired.load(Ordering::Relaxed) {
        return Err(timeout(limits));
    }
    let text = result?;
    if text.len() > limits.output_bytes {
        return Err(CodeError::OutputTooLarge { size: text.len(), limit: limits.output_bytes });
    }
    parse_result(&text)
}

/// The JSON text of what `main` returns.
fn call_main(cx: &Ctx<'_>, request: &CodeRequest) -> Result<String, CodeError> {
    let limits = request.limits;
    let fail = |error: &CaughtError<'_>| explain(error, limits);
    eval(cx, include_str!("quickjs/prelude.js"), "prelude.js").catch(cx).map_err(|error| fail(&error))?;
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
