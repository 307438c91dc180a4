//! `oxidify app`: apps of a running server, called with their keys.

mod call;
mod shown;

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use call::{Api, Events};
use clap::Subcommand;
use ox_types::Json;
use serde_json::json;
use shown::{End, Shown, Style};

/// Work with the apps of a server.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Run(RunArgs),
}

/// Run an app of a server, and show its answer as it comes.
///
/// The exit code tells the end: 0 succeeded, 1 failed, 2 could not start, 3 partly succeeded, 4 waits for
/// somebody, 130 stopped. Ctrl-C stops the run on the server.
#[derive(clap::Args)]
pub struct RunArgs {
    /// Name or id of the app; the key must be one of its keys
    app: String,
    /// Inputs of the app as a JSON object, or `@file`
    #[arg(long, value_name = "JSON")]
    inputs: Option<String>,
    /// The question, for chat apps; completion apps may have one
    #[arg(long)]
    query: Option<String>,
    /// API key of the app
    #[arg(long, env = "OXIDIFY_APP_KEY", hide_env_values = true)]
    key: String,
    /// Where the server is
    #[arg(long, env = "OXIDIFY_URL", default_value = "http://localhost:5001")]
    url: String,
    /// Continue this conversation
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Your name for the end user
    #[arg(long, default_value_t = end_user())]
    user: String,
    /// One JSON object with status, answer or outputs; with --stream one line for each event
    #[arg(long)]
    json: bool,
    /// With --json: every event as it comes
    #[arg(long, requires = "json")]
    stream: bool,
    /// Tell about each node on standard error
    #[arg(long)]
    trace: bool,
}

fn end_user() -> String {
    std::env::var("USER").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "cli".to_owned())
}

/// Executes the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Action::Run(args) = args.action;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(Box::pin(execute(args)));
    runtime.shutdown_background();
    result
}

/// How long a stopped run may take to tell its end.
const LAST_WORDS: Duration = Duration::from_secs(10);

async fn execute(args: RunArgs) -> anyhow::Result<ExitCode> {
    let inputs = super::run::inputs::read(args.inputs.as_deref())?;
    let api = Api::new(&args.url, &args.key);
    let info = api.get("/info").await.context("cannot ask the server about the app")?;
    let mode = info.get("mode").and_then(Json::as_str).unwrap_or_default().to_owned();
    check_app(&api, &args.app, &info).await?;
    let (path, stop) = match mode.as_str() {
        "workflow" => ("/workflows/run", "/workflows/tasks"),
        "completion" => ("/completion-messages", "/completion-messages"),
        "chat" | "agent-chat" | "advanced-chat" => ("/chat-messages", "/chat-messages"),
        other => bail!("this version cannot run apps of mode {other:?}"),
    };
    let mut body = json!({"inputs": inputs, "user": args.user, "response_mode": "streaming"});
    match (mode.as_str(), &args.query) {
        ("workflow", Some(_)) => bail!("--query is for chat apps; this workflow takes its inputs by --inputs"),
        ("workflow" | "completion", None) => {}
        (_, None) => bail!("this is a chat app: ask it something with --query"),
        (_, Some(query)) => body["query"] = query.as_str().into(),
    }
    if let Some(conversation) = &args.conversation {
        body["conversation_id"] = conversation.as_str().into();
    }
    let mut events = api.events(path, &body).await?;
    let mut shown = Shown::new(Style { json: args.json, events: args.stream, trace: args.trace });
    let end = follow(&api, stop, &args.user, &mut events, &mut shown).await?;
    shown.finish(&end);
    Ok(ExitCode::from(end.code()))
}

/// The key opens one app; it must be the one that was meant.
async fn check_app(api: &Api, asked: &str, info: &Json) -> anyhow::Result<()> {
    let name = info.get("name").and_then(Json::as_str).unwrap_or_default();
    if asked == name {
        return Ok(());
    }
    // Ids and codes are known to the server only.
    let path: String = url::form_urlencoded::byte_serialize(asked.as_bytes()).collect();
    if api.get(&format!("/openai/{path}/models")).await.is_ok() {
        return Ok(());
    }
    bail!("the key is one of the app {name:?}, not of {asked:?}")
}

/// Shows events until the end; Ctrl-C stops the run.
async fn follow(api: &Api, stop: &str, user: &str, events: &mut Events, shown: &mut Shown) -> anyhow::Result<End> {
    let mut task = None;
    // One for the whole time: a signal between two events must not be missed.
    let mut interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    loop {
        let event = tokio::select! {
            event = events.next() => event?,
            _ = interrupts.recv() => break,
        };
        let Some(event) = event else { return Ok(shown.cut_off()) };
        task = event.get("task_id").and_then(Json::as_str).map(str::to_owned).or(task);
        if let Some(end) = shown.event(&event) {
            return Ok(end);
        }
    }
    if let Some(task) = task {
        api.post(&format!("{stop}/{task}/stop"), &json!({"user": user})).await?;
    }
    let rest = async {
        while let Ok(Some(event)) = events.next().await {
            if shown.event(&event).is_some() {
                break;
            }
        }
    };
    tokio::select! {
        _ = tokio::time::timeout(LAST_WORDS, rest) => {}
        // A second one does not wait.
        _ = interrupts.recv() => {}
    }
    Ok(End::Stopped)
}
