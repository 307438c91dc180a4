//! `oxidify run`: executes an app file with no server and no database.

mod files;
pub(super) mod inputs;
mod output;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use files::LocalFiles;
use output::{Output, Style};
use ox_dsl::{
    document::{AppDocument, AppMode, Body, WorkflowBody},
    graph::Graph,
};
use ox_engine::{Limits, Pool, RunHandle, RunInfo, RunOutcome, RunStart, UserKind, Workflow};
use ox_models::StaticRuntime;
use ox_net::{Egress, Policy};
use ox_nodes::{NoHistory, Ports, Registry};
use ox_types::{AppId, ConversationId, Json, RunId, RunStatus, TaskId, TenantId, Value, WorkflowId};
use tokio_util::task::TaskTracker;

/// Run an app file with no server and no database.
///
/// Models: `OPENAI_API_KEY` and `OPENAI_API_BASE` give the OpenAI-compatible provider, the scripted
/// models need nothing (`--model oxidify/scripted/echo`). The exit code tells the end: 0 succeeded,
/// 1 failed, 2 could not start, 3 partly succeeded, 130 stopped.
#[derive(clap::Args)]
pub struct Args {
    /// App file (YAML or JSON); `-` reads standard input
    file: PathBuf,
    /// Inputs of the start node as a JSON object, or `@file`
    #[arg(long, value_name = "JSON")]
    inputs: Option<String>,
    /// The question, for chat apps
    #[arg(long)]
    query: Option<String>,
    /// One JSON object with status, outputs and usage; with --stream one line for each event
    #[arg(long)]
    json: bool,
    /// Show the text while it is made, for workflows too
    #[arg(long)]
    stream: bool,
    /// Tell about each node on standard error
    #[arg(long)]
    trace: bool,
    /// Ask this model instead of those in the file: `provider/name`
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Set an environment variable of the app: `name=value`
    #[arg(long = "env", value_name = "NAME=VALUE")]
    environment: Vec<String>,
    /// Where files go that nodes make (default: a new directory for temporary files)
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// Nodes that may run at the same time
    #[arg(long, default_value_t = Limits::default().workers)]
    workers: usize,
}

/// Executes the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(Box::pin(execute(args)));
    // A script that does not end must not hold the program.
    runtime.shutdown_background();
    result
}

async fn execute(args: Args) -> anyhow::Result<ExitCode> {
    let document = AppDocument::parse(&super::read_text(&args.file)?)?;
    let mode = document.mode()?;
    let Body::Workflow(mut body) = document.body()? else {
        bail!(
            "{} is a {} app: run executes workflow and advanced-chat apps; import this one into a server",
            args.file.display(),
            mode.as_str()
        );
    };
    if let Some(model) = &args.model {
        inputs::replace_model(&mut body.graph, model)?;
    }
    let info = run_info(mode);
    let environment = |name: &str| std::env::var(name).ok();
    let (policy, warnings) = Policy::from_env(environment);
    let (limits, wrong) = ox_nodes::Limits::from_env(environment);
    let (sandbox, findings) = ox_sandbox::Settings::from_env(environment);
    for warning in
        warnings.into_iter().chain(findings).chain(wrong.into_iter().map(|wrong| format!("cannot read {wrong}")))
    {
        super::complain(&format!("warning: {warning}"));
    }
    let egress = Egress::new(policy);
    let (_, code) = crate::code::runner(sandbox, &egress);
    let files = Arc::new(LocalFiles::new(args.files.clone(), egress.clone()));
    let graph = Arc::new(Graph::parse(&body.graph)?);
    let pool = pool(&args, mode, &body, &graph, &info, &files)?;
    let unstructured = ox_nodes::Unstructured::from_env(environment, egress.clone());
    let models: Arc<dyn ox_models::ModelRuntime> = Arc::new(StaticRuntime::from_env(egress.clone(), environment));
    let http = Arc::new(egress.clone());
    let tools = ox_tools::builtin::BuiltinTools::new(http, Arc::clone(&code), limits.code());
    let tools: Arc<dyn ox_nodes::ToolPort> = Arc::new(tools);
    let agents = ox_agents::Strategies::new(Arc::clone(&models), Arc::clone(&tools), Arc::clone(&files) as _);
    let ports = Ports {
        models,
        http: Arc::new(egress),
        code,
        files,
        history: Arc::new(NoHistory),
        retrieval: Arc::new(ox_nodes::Absent),
        tools,
        agents: Arc::new(agents),
        datasources: Arc::new(ox_nodes::Absent),
        index: Arc::new(ox_nodes::Absent),
        triggers: Arc::new(ox_nodes::Absent),
        unstructured,
        limits,
    };
    let workflow = Workflow::compile(graph, &Registry::new(ports))?;
    let output = Arc::new(Output::new(Style::of(&args, mode)));
    let tracker = TaskTracker::new();
    let start = RunStart {
        info,
        pool,
        root: None,
        limits: Limits { workers: args.workers.max(1), ..engine_limits() },
        sink: Arc::clone(&output) as Arc<dyn ox_engine::EventSink>,
        tracker: tracker.clone(),
    };
    let handle = ox_engine::start(workflow, start)?;
    let outcome = wait(&handle).await;
    output.finish(&outcome);
    Ok(exit_code(outcome.status))
}

/// Waits for the end; Ctrl-C stops the run.
async fn wait(handle: &RunHandle) -> RunOutcome {
    tokio::select! {
        outcome = handle.wait() => return outcome,
        _ = tokio::signal::ctrl_c() => handle.stop("Stopped by Ctrl-C."),
    }
    tokio::select! {
        outcome = handle.wait() => outcome,
        // A second one does not wait for what is still running.
        _ = tokio::signal::ctrl_c() => RunOutcome::new(RunStatus::Stopped),
    }
}

fn exit_code(status: RunStatus) -> ExitCode {
    ExitCode::from(match status {
        RunStatus::Succeeded => 0,
        RunStatus::PartialSucceeded => 3,
        RunStatus::Stopped => 130,
        _ => 1,
    })
}

fn run_info(mode: AppMode) -> RunInfo {
    RunInfo {
        run_id: RunId::new(),
        task_id: TaskId::new(),
        tenant_id: TenantId::new(),
        app_id: AppId::new(),
        workflow_id: WorkflowId::new(),
        conversation_id: (mode == AppMode::AdvancedChat).then(ConversationId::new),
        user_id: std::env::var("USER").unwrap_or_else(|_| "cli".into()),
        user_kind: UserKind::EndUser,
        invoke_from: "debugger".into(),
        call_depth: 0,
    }
}

/// The engine's limits, with the settings of the environment.
fn engine_limits() -> Limits {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.trim().parse::<u64>().ok());
    let mut limits = Limits::default();
    if let Some(steps) = number("WORKFLOW_MAX_EXECUTION_STEPS").and_then(|steps| u32::try_from(steps).ok()) {
        limits.max_steps = steps;
    }
    if let Some(seconds) = number("WORKFLOW_MAX_EXECUTION_TIME") {
        limits.max_time = std::time::Duration::from_secs(seconds);
    }
    limits
}

/// The variables a run begins with.
fn pool(
    args: &Args,
    mode: AppMode,
    body: &WorkflowBody,
    graph: &Graph,
    info: &RunInfo,
    files: &LocalFiles,
) -> anyhow::Result<Pool> {
    let mut pool = Pool::new();
    for (scope, variables) in [("env", &body.environment_variables), ("conversation", &body.conversation_variables)] {
        pool.set_all(scope, variables.iter().map(|variable| (variable.name.clone(), variable.value.clone())));
    }
    for setting in &args.environment {
        let (name, value) = setting.split_once('=').with_context(|| format!("--env {setting}: write name=value"))?;
        let variable = body.environment_variables.iter().find(|variable| variable.name == name);
        let variable = variable.with_context(|| format!("--env {name}: the app has no such environment variable"))?;
        pool.set("env", name, inputs::typed(value, variable.value_type)?);
    }
    let mut system = vec![
        ("user_id", Value::from(info.user_id.as_str())),
        ("app_id", Value::from(info.app_id.to_string())),
        ("workflow_id", Value::from(info.workflow_id.to_string())),
        ("workflow_run_id", Value::from(info.run_id.to_string())),
        ("timestamp", Value::Int(chrono::Utc::now().timestamp())),
        ("files", Value::array_of(ox_types::ValueType::ArrayFile, Vec::new())),
    ];
    if mode == AppMode::AdvancedChat {
        let query = args.query.as_deref().context("this is a chat app: ask it something with --query")?;
        system.push(("query", Value::from(query)));
        system.push(("dialogue_count", Value::Int(1)));
        if let Some(conversation) = info.conversation_id {
            system.push(("conversation_id", Value::from(conversation.to_string())));
        }
    } else if args.query.is_some() {
        bail!("--query is for chat apps; this workflow takes its inputs by --inputs");
    }
    pool.set_all("sys", system.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let given: Json = inputs::read(args.inputs.as_deref())?;
    if let Some(start) = graph.nodes.iter().find(|node| node.kind == "start") {
        pool.set_all(&start.id, inputs::check(graph, &given, files)?);
    }
    Ok(pool)
}
