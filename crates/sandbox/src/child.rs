//! What this program does when it is started as a worker of its own.

use std::{
    ffi::OsString,
    io::{self, BufReader, Write},
    os::fd::AsFd,
    os::unix::net::UnixStream,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
    sync::Arc,
};

use ox_text::jinja::{self, JinjaError};
use serde::{Deserialize, Serialize};

use crate::{
    companion::{self, COMPANION_ARGUMENT},
    confine::{self, Confinement, Inside, Side},
    frame,
    python::ZygoteSetup,
    quickjs::Fresh,
    runner::{CodeError, CodeRequest, TemplateRequest},
};

/// First argument of a worker. Not a subcommand for people.
pub const WORKER_ARGUMENT: &str = "__sandbox-worker";
/// Longest request a worker takes.
const MAX_REQUEST: usize = 64 << 20;

/// Second argument of a worker, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct Start {
    pub confinement: Confinement,
    /// The Python zygote; without it the worker runs JavaScript.
    pub python: Option<ZygoteSetup>,
}

/// One piece of work for a worker that is this program.
#[derive(Serialize, Deserialize)]
pub enum Job {
    /// A call of `main`.
    Main(CodeRequest),
    /// A whole script, with what it prints as the result.
    Script(CodeRequest),
    Template(Arc<TemplateRequest>),
}

/// What came of a [`Job`].
#[derive(Serialize, Deserialize)]
pub enum Done {
    Code(Result<String, CodeError>),
    Template(Result<String, JinjaError>),
}

/// Runs the worker when the program was started as one. Must come first in `main`: a worker is split
/// in two before it has a second thread.
#[must_use]
pub fn run_if_worker(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let first = arguments.nth(1)?;
    if first == COMPANION_ARGUMENT {
        return Some(companion::guard(arguments).unwrap_or_else(|error| {
            complain(&error.to_string());
            ExitCode::FAILURE
        }));
    }
    if first != WORKER_ARGUMENT {
        return None;
    }
    let start = arguments.next().and_then(|text| serde_json::from_str(text.to_str()?).ok());
    let Some(start) = start else {
        complain("not started by the server");
        return Some(ExitCode::FAILURE);
    };
    Some(run(&start).unwrap_or_else(|error| {
        complain(&error.to_string());
        ExitCode::FAILURE
    }))
}

fn complain(text: &str) {
    // A closed standard error has no reader.
    let _ = writeln!(io::stderr(), "sandbox worker: {text}");
}

fn run(start: &Start) -> io::Result<ExitCode> {
    crate::sys::close_inherited()?;
    let mut inside = match confine::split(&start.confinement)? {
        Side::Outer(code) => return Ok(code),
        Side::Inner(inside) => inside,
    };
    if let Some(setup) = &start.python {
        return become_zygote(setup, &inside);
    }
    let mut server = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut requests = BufReader::new(server.try_clone()?);
    confine::close_worker(&mut inside, start.confinement.without)?;
    frame::write(&mut server, &serde_json::to_vec(&inside.layers)?)?;
    let mut next = None;
    while let Some(message) = frame::read(&mut requests, MAX_REQUEST)? {
        let (answer, used) = match serde_json::from_slice(&message) {
            Ok(job) => work(&job, next.take()),
            Err(error) => (Done::Code(Err(CodeError::Internal(error.to_string()))), None),
        };
        frame::write(&mut server, &serde_json::to_vec(&answer)?)?;
        // While nobody waits. Without memory for it the next run will say so.
        if let Some(used) = used {
            drop(used);
            next = Fresh::new().ok();
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Does a job; a script uses a runtime up.
fn work(job: &Job, ready: Option<Fresh>) -> (Done, Option<Fresh>) {
    let never = Arc::default();
    let run = |script: &dyn Fn(&Fresh) -> Result<String, CodeError>| match ready.map_or_else(Fresh::new, Ok) {
        Ok(fresh) => (Done::Code(script(&fresh)), Some(fresh)),
        Err(error) => (Done::Code(Err(error)), None),
    };
    match job {
        Job::Main(request) => run(&|fresh| fresh.run_main(request, &never)),
        Job::Script(request) => run(&|fresh| fresh.run_script(request, &never)),
        Job::Template(request) => {
            let text = jinja::render_apart(&request.template, &request.variables, request.limits);
            (Done::Template(text), None)
        }
    }
}

/// Turns this process into the interpreter that the runs are copies of.
fn become_zygote(setup: &ZygoteSetup, inside: &Inside) -> io::Result<ExitCode> {
    let told = setup.told(inside)?;
    let mut command = Command::new(&setup.interpreter);
    command.args(["-I", "-B", "-X", "utf8", "-c", include_str!("python/zygote.py"), &told]).env_clear();
    for (name, value) in setup.environment() {
        command.env(name, value);
    }
    command.current_dir("/");
    // Only returns when it failed.
    Err(io::Error::other(format!("cannot start {}: {}", setup.interpreter.display(), command.exec())))
}
