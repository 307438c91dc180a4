//! Jinja2 templates, with limits on work and on output.
//!
//! Memory is bounded where the template is flat ([`is_flat`]); others belong into a process with a memory limit
//! of its own, which calls [`render_apart`].

mod filters;
mod flat;
mod guard;
mod methods;
mod output;
mod percent;
mod widths;

use std::{io, sync::LazyLock};

pub use flat::is_flat;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, value::Serde};
use serde::{Deserialize, Serialize};

/// What one rendering may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Instructions of the template machine.
    pub fuel: u64,
    /// Characters of the result.
    pub output_chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fuel: 2_000_000, output_chars: 400_000 }
    }
}

/// A template cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum JinjaError {
    /// The template is wrong, or an operation in it failed.
    #[error("{}{why}", place(*.line))]
    Failed { line: Option<usize>, why: String },
    /// The template asks for something this renderer may not have; Jinja2 itself may have it.
    #[error("{}{why}", place(*.line))]
    Unsupported { line: Option<usize>, why: String },
    #[error("Output length exceeds {0} characters")]
    TooLong(usize),
    #[error("the template does too much work: it was stopped after {0} steps")]
    TooMuchWork(u64),
    #[error("the template needs too much memory or nests too deeply: it may use at most {0} MiB")]
    TooMuchMemory(usize),
    #[error("the template did not finish within {0} s")]
    TooSlow(u64),
}

fn place(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!("line {line}: "))
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    minijinja_contrib::add_to_environment(&mut environment);
    environment.set_unknown_method_callback(methods::call);
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_formatter(output::format);
    // A template's result must not depend on when it runs.
    environment.remove_global("now");
    filters::register(&mut environment);
    environment.set_fuel(Some(Limits::default().fuel));
    environment
});

/// Renders a template with the given variables (a map with text keys).
///
/// Memory is bounded only for a flat template: one that doubles a text again and again can use a lot of it.
///
/// # Errors
/// When the template is wrong, an operation fails, or a limit is reached.
pub fn render<T: Serialize>(template: &str, variables: &T, limits: Limits) -> Result<String, JinjaError> {
    check_chains(template)?;
    let variables = Value::from(Serde(variables));
    if !guard::is_heavy(template) {
        return render_here(template, variables, limits);
    }
    let limits = Limits { fuel: limits.fuel.min(guard::HEAVY_FUEL), ..limits };
    guard::with_large_stack(|| render_here(template, variables, limits))
        .unwrap_or_else(|why| Err(JinjaError::Failed { line: None, why }))
}

/// Renders a template in a process that may die of it: its memory limit and its stack are what bounds the template.
///
/// # Errors
/// When the template is wrong, an operation fails, or a limit is reached.
pub fn render_apart<T: Serialize>(template: &str, variables: &T, limits: Limits) -> Result<String, JinjaError> {
    check_chains(template)?;
    render_here(template, Value::from(Serde(variables)), limits)
}

fn render_here(template: &str, variables: Value, limits: Limits) -> Result<String, JinjaError> {
    let mut own;
    let environment = if limits.fuel == Limits::default().fuel {
        &*ENVIRONMENT
    } else {
        own = ENVIRONMENT.clone();
        own.set_fuel(Some(limits.fuel));
        &own
    };
    let template = percent::rewritten(template);
    let compiled = environment.template_from_str(&template).map_err(|error| failure(&error, limits))?;
    let mut sink = Sink { bytes: Vec::new(), chars: 0, max_chars: limits.output_chars };
    let rendered = compiled.render_captured_to(variables, &mut sink).map(drop);
    if sink.chars > sink.max_chars {
        return Err(JinjaError::TooLong(limits.output_chars));
    }
    rendered.map_err(|error| failure(&error, limits))?;
    String::from_utf8(sink.bytes).map_err(|error| JinjaError::Failed { line: None, why: error.to_string() })
}

/// Checks a template without rendering it.
///
/// # Errors
/// The first mistake in it.
pub fn check(template: &str) -> Result<(), JinjaError> {
    check_chains(template)?;
    ENVIRONMENT
        .template_from_str(&percent::rewritten(template))
        .map(drop)
        .map_err(|error| failure(&error, Limits::default()))
}

fn check_chains(template: &str) -> Result<(), JinjaError> {
    guard::check(template).map_err(|line| JinjaError::Failed {
        line: Some(line),
        why: "an expression or a chain of elif is too long: split it with set".into(),
    })
}

fn failure(error: &minijinja::Error, limits: Limits) -> JinjaError {
    if error.kind() == ErrorKind::OutOfFuel {
        return JinjaError::TooMuchWork(limits.fuel);
    }
    let why = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    let line = error.line();
    match error.kind() {
        ErrorKind::CannotUnpack
        | ErrorKind::InvalidOperation
        | ErrorKind::MissingArgument
        | ErrorKind::SyntaxError
        | ErrorKind::TooManyArguments
        | ErrorKind::UnknownFilter
        | ErrorKind::UnknownFunction
        | ErrorKind::UnknownMethod
        | ErrorKind::UnknownTest => JinjaError::Unsupported { line, why },
        _ => JinjaError::Failed { line, why },
    }
}

/// Collects the output up to the limit.
struct Sink {
    bytes: Vec<u8>,
    chars: usize,
    max_chars: usize,
}

impl io::Write for Sink {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        // Bytes that begin a character.
        self.chars += piece.iter().filter(|byte| (**byte & 0xC0) != 0x80).count();
        if self.chars > self.max_chars {
            return Err(io::Error::other("output is too long"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
