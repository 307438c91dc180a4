//! `oxidify lint`

use std::{path::PathBuf, process::ExitCode};

use ox_dsl::{
    document::{AppDocument, Body},
    graph::Graph,
    lint::{Problem, Severity},
};
use ox_nodes::Registry;
use serde_json::json;

/// Tell what is wrong with an app file.
#[derive(clap::Args)]
pub struct Args {
    /// App file (YAML or JSON); `-` reads standard input
    file: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let text = super::read_text(&args.file)?;
    let mut problems = ox_dsl::lint::text(&text);
    problems.extend(unknown_kinds(&text));
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    if args.json {
        super::say(&json!({"file": args.file, "errors": errors, "problems": problems}).to_string());
    } else {
        for problem in &problems {
            super::say(&line(problem));
        }
        let warnings = problems.len() - errors;
        super::say(&match problems.len() {
            0 => format!("{}: no problems", args.file.display()),
            _ => format!("{}: {errors} errors, {warnings} warnings", args.file.display()),
        });
    }
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(problem: &Problem) -> String {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = problem.node_id.as_ref().map(|id| format!(" node {id}:")).unwrap_or_default();
    let remedy = if problem.remedy.is_empty() { String::new() } else { format!(" ({})", problem.remedy) };
    format!("{severity}:{place} {} [{}]{remedy}", problem.message, problem.code)
}

/// Nodes that this program draws but cannot run.
fn unknown_kinds(text: &str) -> Vec<Problem> {
    let Ok(Body::Workflow(body)) = AppDocument::parse(text).and_then(|app| app.body()) else { return Vec::new() };
    let reading = Graph::read(&body.graph);
    let unknown = reading.graph.nodes.iter().filter(|node| Registry::find(&node.kind).is_none());
    unknown
        .map(|node| Problem {
            node_id: Some(node.id.clone()),
            severity: Severity::Warning,
            code: "kind_not_runnable",
            message: format!("this version cannot run nodes of the type '{}'", node.kind),
            remedy: "the run fails when it reaches the node".into(),
        })
        .collect()
}
