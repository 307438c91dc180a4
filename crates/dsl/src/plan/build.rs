//! From a plan to a document: every plan that was read gives one that imports without a problem.

use ox_text::yaml::YamlError;
use ox_types::Json;
use serde_json::{Map, json};

use super::{Base, Branch, Field, FieldKind, Mode, Names, Piece, Plan, Source, Step, Work, bare, join_of, pieces};
use crate::{
    document::{AppInfo, AppMode, Export, ExportBody, WorkflowBody},
    starter,
};

const DEFAULT_ICON: &str = "🤖";
const ICON_BACKGROUND: &str = "#FFEAD5";
/// Passages that a search gives.
const TOP_K: u32 = 4;
/// From one node to the next, across and down.
const STEP: (i64, i64) = (304, 170);
const ORIGIN: (i64, i64) = (80, 282);

/// The document of a plan as text. `model` is the provider and the name of the model that the app asks.
///
/// # Errors
/// Only when the writer itself fails.
pub fn document(plan: &Plan, model: (&str, &str), bases: &[Base]) -> Result<String, YamlError> {
    let info = AppInfo {
        name: plan.name.trim().to_owned(),
        description: plan.description.trim().to_owned(),
        icon_type: "emoji".to_owned(),
        icon: icon(&plan.icon).to_owned(),
        icon_background: ICON_BACKGROUND.to_owned(),
        ..AppInfo::default()
    };
    let write = |mode: AppMode, body: ExportBody<'_>| {
        let export =
            Export { info: &info, mode, body, dependencies: &[], include_secret: false, protect_dataset_ids: None };
        export.to_yaml()
    };
    match plan.mode {
        Mode::Chat => write(AppMode::Chat, ExportBody::Basic(&chat(plan, model, bases))),
        Mode::Workflow => {
            let body = WorkflowBody {
                graph: graph(plan, model, bases),
                features: starter::features(AppMode::Workflow),
                ..WorkflowBody::default()
            };
            write(AppMode::Workflow, ExportBody::Workflow(&body))
        }
    }
}

/// What a model gives as an icon, if it can be one.
fn icon(text: &str) -> &str {
    let text = text.trim();
    let fits = (1..=8).contains(&text.chars().count()) && !text.chars().any(|letter| letter.is_ascii_graphic());
    if fits && !text.contains(char::is_whitespace) { text } else { DEFAULT_ICON }
}

fn label(field: &Field) -> &str {
    if field.label.trim().is_empty() { &field.name } else { &field.label }
}

fn ids<'a>(names: &'a [String], bases: &'a [Base]) -> impl Iterator<Item = &'a str> {
    bases.iter().filter(move |base| names.contains(&base.name)).map(|base| base.id.as_str())
}

fn chat(plan: &Plan, model: (&str, &str), bases: &[Base]) -> Json {
    let mut config = starter::model_config(AppMode::Chat, Some(model)).unwrap_or_default();
    let form = plan.inputs.iter().map(|field| {
        let mut item = json!({"label": label(field), "variable": field.name, "required": field.required});
        if let Some(most) = most(field.kind) {
            item["max_length"] = most.into();
            item["default"] = "".into();
        }
        if field.kind == FieldKind::Select {
            item["options"] = json!(field.options);
        }
        Json::Object(Map::from_iter([(wire(field.kind).to_owned(), item)]))
    });
    config["user_input_form"] = form.collect();
    config["pre_prompt"] = tightened(&plan.instructions).into();
    config["opening_statement"] = plan.opening_statement.clone().into();
    config["suggested_questions"] = json!(plan.suggested_questions);
    let datasets: Vec<Json> =
        ids(&plan.knowledge, bases).map(|id| json!({"dataset": {"enabled": true, "id": id}})).collect();
    config["dataset_configs"]["datasets"] = json!({"strategy": "router", "datasets": datasets});
    config
}

/// `{{ name }}` without the spaces, which basic apps do not read.
fn tightened(text: &str) -> String {
    let tight = |piece: Piece<'_>| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Name(name) => format!("{{{{{name}}}}}"),
    };
    pieces(text).into_iter().map(tight).collect()
}

const fn wire(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text-input",
        FieldKind::Paragraph => "paragraph",
        FieldKind::Number => "number",
        FieldKind::Select => "select",
    }
}

/// Characters that a field takes.
const fn most(kind: FieldKind) -> Option<u32> {
    match kind {
        FieldKind::Text => Some(256),
        FieldKind::Paragraph => Some(20_000),
        FieldKind::Number | FieldKind::Select => None,
    }
}

/// The end of what is drawn so far.
#[derive(Clone)]
struct Tail {
    node: String,
    kind: &'static str,
    handle: String,
}

struct Drawing<'a> {
    model: Json,
    bases: &'a [Base],
    nodes: Vec<Json>,
    edges: Vec<Json>,
}

fn graph(plan: &Plan, (provider, name): (&str, &str), bases: &[Base]) -> Json {
    let model = json!({"provider": provider, "name": name, "mode": "chat", "completion_params": {"temperature": 0.3}});
    let mut drawing = Drawing { model, bases, nodes: Vec::new(), edges: Vec::new() };
    let variables: Vec<Json> = plan
        .inputs
        .iter()
        .map(|field| {
            let mut item = json!({"variable": field.name, "label": label(field), "type": wire(field.kind),
                "required": field.required, "options": field.options});
            if let Some(most) = most(field.kind) {
                item["max_length"] = most.into();
            }
            item
        })
        .collect();
    drawing.node("start", ORIGIN, "start", "Start", json!({"variables": variables}));
    let start = Tail { node: "start".to_owned(), kind: "start", handle: "source".to_owned() };
    let mut names = Names::of(plan);
    let (tail, x) = drawing.run(&plan.steps, start, &mut names, (ORIGIN.0 + STEP.0, ORIGIN.1));
    let result = plan.steps.last().and_then(|step| names.selector(&step.id));
    let outputs: Vec<Json> = result
        .map(|selector| json!({"variable": "result", "value_selector": selector, "value_type": "string"}))
        .into_iter()
        .collect();
    drawing.node("end", (x, ORIGIN.1), "end", "End", json!({"outputs": outputs}));
    drawing.edge(&tail, "end", "end");
    json!({"nodes": drawing.nodes, "edges": drawing.edges, "viewport": {"x": 0, "y": 0, "zoom": 1}})
}

impl Drawing<'_> {
    fn node(&mut self, id: &str, (x, y): (i64, i64), kind: &str, title: &str, mut data: Json) {
        data["type"] = kind.into();
        data["title"] = title.into();
        data["desc"] = "".into();
        self.nodes.push(json!({"id": id, "type": "custom", "position": {"x": x, "y": y},
            "sourcePosition": "right", "targetPosition": "left", "data": data}));
    }

    fn edge(&mut self, from: &Tail, target: &str, target_kind: &str) {
        let Tail { node, kind, handle } = from;
        self.edges.push(json!({"id": format!("{node}-{handle}-{target}-target"), "type": "custom", "source": node,
            "sourceHandle": handle, "target": target, "targetHandle": "target", "zIndex": 0,
            "data": {"sourceType": kind, "targetType": target_kind, "isInIteration": false, "isInLoop": false}}));
    }

    /// Draws steps after each other; gives where they end and the place beside it.
    fn run(&mut self, steps: &[Step], from: Tail, names: &mut Names, (mut x, y): (i64, i64)) -> (Tail, i64) {
        let mut tail = from;
        for step in steps {
            (tail, x) = self.step(step, &tail, names, (x, y));
            names.add(step);
        }
        (tail, x)
    }

    fn step(&mut self, step: &Step, from: &Tail, names: &Names, at: (i64, i64)) -> (Tail, i64) {
        let title = if step.title.trim().is_empty() { &step.id } else { &step.title };
        let (kind, data) = match &step.work {
            Work::Llm { instructions, prompt } => ("llm", self.llm(instructions, prompt, names)),
            Work::Template { text } => ("template-transform", template(text, names)),
            Work::Knowledge { query, knowledge } => ("knowledge-retrieval", self.search(query, knowledge, names)),
            Work::Classifier { query, instructions, branches } => {
                ("question-classifier", self.classifier(query, instructions, branches, names))
            }
        };
        self.node(&step.id, at, kind, title, data);
        self.edge(from, &step.id, kind);
        let beside = at.0 + STEP.0;
        if let Work::Classifier { branches, .. } = &step.work {
            return self.branches(&step.id, branches, names, (beside, at.1));
        }
        (Tail { node: step.id.clone(), kind, handle: "source".to_owned() }, beside)
    }

    /// Draws the branches of a classifier and the node in which they come together.
    fn branches(&mut self, id: &str, branches: &[Branch], names: &Names, (x, y): (i64, i64)) -> (Tail, i64) {
        let join = join_of(id);
        let mut results: Vec<Json> = Vec::new();
        let mut furthest = x;
        let mut row = y;
        for (number, branch) in (1..).zip(branches) {
            let from = Tail { node: id.to_owned(), kind: "question-classifier", handle: class_id(number) };
            let mut own = names.clone();
            let (tail, end) = self.run(&branch.steps, from, &mut own, (x, row));
            self.edge(&tail, &join, "variable-aggregator");
            results.extend(branch.steps.last().and_then(|step| own.selector(&step.id)).map(|selector| json!(selector)));
            furthest = furthest.max(end);
            row += STEP.1;
        }
        let data = json!({"output_type": "string", "variables": results});
        self.node(&join, (furthest, y), "variable-aggregator", "Result of the branches", data);
        (Tail { node: join, kind: "variable-aggregator", handle: "source".to_owned() }, furthest + STEP.0)
    }

    fn llm(&self, instructions: &str, prompt: &str, names: &Names) -> Json {
        let mut messages: Vec<Json> = Vec::new();
        if !instructions.trim().is_empty() {
            messages.push(json!({"role": "system", "text": resolved(instructions, names)}));
        }
        messages.push(json!({"role": "user", "text": resolved(prompt, names)}));
        let found = [instructions, prompt].into_iter().flat_map(pieces).find_map(|piece| match piece {
            Piece::Name(name) if names.get(name) == Some(Source::Found) => names.selector(name),
            _ => None,
        });
        let context = match found {
            Some(selector) => json!({"enabled": true, "variable_selector": selector}),
            None => json!({"enabled": false, "variable_selector": []}),
        };
        json!({"model": self.model, "prompt_template": messages, "variables": [], "context": context,
            "vision": {"enabled": false}})
    }

    fn search(&self, query: &str, knowledge: &[String], names: &Names) -> Json {
        let ids: Vec<&str> = ids(knowledge, self.bases).collect();
        json!({"query_variable_selector": names.selector(bare(query)), "dataset_ids": ids,
            "retrieval_mode": "multiple",
            "multiple_retrieval_config": {"top_k": TOP_K, "score_threshold": null, "reranking_enable": false}})
    }

    fn classifier(&self, query: &str, instructions: &str, branches: &[Branch], names: &Names) -> Json {
        let classes: Vec<Json> =
            (1..).zip(branches).map(|(number, branch)| json!({"id": class_id(number), "name": branch.label})).collect();
        json!({"query_variable_selector": names.selector(bare(query)), "model": self.model, "classes": classes,
            "instruction": resolved(instructions, names), "vision": {"enabled": false}})
    }
}

fn class_id(number: u32) -> String {
    number.to_string()
}

/// A text as prompts have it.
fn resolved(text: &str, names: &Names) -> String {
    let written = |piece: Piece<'_>| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Name(name) => match (names.get(name), names.selector(name)) {
            (Some(Source::Found), _) => "{{#context#}}".to_owned(),
            (_, Some((node, variable))) => format!("{{{{#{node}.{variable}#}}}}"),
            (_, None) => name.to_owned(),
        },
    };
    pieces(text).into_iter().map(written).collect()
}

fn template(text: &str, names: &Names) -> Json {
    let mut variables: Vec<(String, Json)> = Vec::new();
    for piece in pieces(text) {
        let Piece::Name(name) = piece else { continue };
        if let Some(selector) = names.selector(name).filter(|_| !variables.iter().any(|(known, _)| known == name)) {
            variables.push((name.to_owned(), json!(selector)));
        }
    }
    let variables: Vec<Json> = variables
        .into_iter()
        .map(|(variable, selector)| json!({"variable": variable, "value_selector": selector}))
        .collect();
    json!({"template": tightened(text), "variables": variables})
}
