//! What is wrong with a plan. Each sentence says how to make it right: it is given back to the model.

use super::{Base, Branch, Field, FieldKind, Mode, Names, Piece, Plan, Source, Step, Work, bare, pieces};

const MAX_INPUTS: usize = 10;
const MAX_STEPS: usize = 12;
const MAX_BRANCHES: usize = 6;
const MAX_OPTIONS: usize = 20;
const MAX_QUESTIONS: usize = 5;
/// Characters of a name, a label or a title.
const MAX_LABEL: usize = 100;
/// Characters of a description, an opening or a question.
const MAX_LINE: usize = 400;
/// Characters of instructions, prompts and templates.
const MAX_PROMPT: usize = 8_000;
/// More sentences than this help no model.
const MAX_PROBLEMS: usize = 10;
/// Names that mean something else in templates.
const RESERVED: [&str; 6] = ["start", "end", "sys", "env", "conversation", "context"];

struct Check<'a> {
    bases: &'a [Base],
    taken: Vec<&'a str>,
    steps: usize,
    wrong: Vec<String>,
}

/// The problems of a plan, at most ten; none when it can be built.
pub(super) fn problems(plan: &Plan, bases: &[Base]) -> Vec<String> {
    let mut check = Check { bases, taken: Vec::new(), steps: 0, wrong: Vec::new() };
    check.head(plan);
    check.count("inputs", plan.inputs.len(), MAX_INPUTS);
    for field in plan.inputs.iter().take(MAX_INPUTS) {
        check.field(field);
    }
    let mut names = Names::of(plan);
    match plan.mode {
        Mode::Chat => check.chat(plan, &names),
        Mode::Workflow => {
            if plan.steps.is_empty() {
                check.say("A workflow needs steps.");
            }
            check.run(&plan.steps, &mut names, false);
        }
    }
    check.wrong
}

impl<'a> Check<'a> {
    fn say(&mut self, text: impl Into<String>) {
        if self.wrong.len() < MAX_PROBLEMS {
            self.wrong.push(text.into());
        }
    }

    fn count(&mut self, what: &str, number: usize, most: usize) {
        if number > most {
            self.say(format!("There are {number} {what}; at most {most} are possible."));
        }
    }

    fn length(&mut self, what: &str, text: &str, most: usize) {
        if text.chars().count() > most {
            self.say(format!("{what} is longer than {most} characters."));
        }
    }

    fn filled(&mut self, what: &str, text: &str, most: usize) {
        if text.trim().is_empty() {
            self.say(format!("{what} is empty."));
        }
        self.length(what, text, most);
    }

    fn head(&mut self, plan: &Plan) {
        self.filled("name", &plan.name, MAX_LABEL);
        self.length("description", &plan.description, MAX_LINE);
        self.length("opening_statement", &plan.opening_statement, MAX_LINE * 2);
        self.count("suggested_questions", plan.suggested_questions.len(), MAX_QUESTIONS);
        for question in plan.suggested_questions.iter().take(MAX_QUESTIONS) {
            self.filled("A suggested question", question, MAX_LINE);
        }
    }

    /// A name is used once, and can be written in a template.
    fn name(&mut self, name: &'a str) {
        let mut letters = name.chars();
        let well_formed = letters.next().is_some_and(|first| first.is_ascii_lowercase())
            && letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
            && name.len() <= 30;
        let shown: String = name.chars().take(40).collect();
        if !well_formed {
            self.say(format!(
                "The name {shown:?} must begin with a letter and hold only a-z, 0-9 and _, at most 30 of them."
            ));
        } else if RESERVED.contains(&name) || name.ends_with("_join") {
            self.say(format!("The name {shown:?} has a meaning of its own; choose another."));
        } else if self.taken.contains(&name) {
            self.say(format!("The name {shown:?} is used twice among inputs and steps."));
        }
        self.taken.push(name);
    }

    fn field(&mut self, field: &'a Field) {
        self.name(&field.name);
        self.length(&format!("The label of {}", field.name), &field.label, MAX_LABEL);
        if field.kind != FieldKind::Select {
            return;
        }
        if field.options.is_empty() {
            self.say(format!("The select {} needs options.", field.name));
        }
        self.count("options", field.options.len(), MAX_OPTIONS);
        for option in field.options.iter().take(MAX_OPTIONS) {
            self.filled(&format!("An option of {}", field.name), option, MAX_LABEL);
        }
    }

    fn chat(&mut self, plan: &Plan, names: &Names) {
        self.filled("instructions", &plan.instructions, MAX_PROMPT);
        self.references("instructions", &plan.instructions, names, false);
        self.known_bases("knowledge", &plan.knowledge);
        if !plan.steps.is_empty() {
            self.say("A chat has no steps: put everything into instructions, or choose the mode workflow.");
        }
    }

    /// Steps that follow each other; the last one gives the result.
    fn run(&mut self, steps: &'a [Step], names: &mut Names, is_branch: bool) {
        for step in steps {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return self.say(format!("There are more than {MAX_STEPS} steps."));
            }
            self.name(&step.id);
            self.length(&format!("The title of {}", step.id), &step.title, MAX_LABEL);
            self.work(step, names, is_branch);
            names.add(step);
        }
        if let Some(Step { id, work: Work::Knowledge { .. }, .. }) = steps.last() {
            self.say(format!("Step {id} only searches; a step of kind llm must follow and use it."));
        }
    }

    fn work(&mut self, step: &'a Step, names: &Names, is_branch: bool) {
        let id = &step.id;
        match &step.work {
            Work::Llm { instructions, prompt } => {
                self.length(&format!("instructions of step {id}"), instructions, MAX_PROMPT);
                self.filled(&format!("prompt of step {id}"), prompt, MAX_PROMPT);
                self.references(&format!("instructions of step {id}"), instructions, names, true);
                self.references(&format!("prompt of step {id}"), prompt, names, true);
                self.one_context(id, [instructions, prompt], names);
            }
            Work::Template { text } => {
                let what = format!("text of step {id}");
                self.filled(&what, text, MAX_PROMPT);
                self.references(&what, text, names, false);
                let opens = |text: &str| ["{%", "{#", "{{"].iter().any(|sign| text.contains(sign));
                if pieces(text).iter().any(|piece| matches!(piece, Piece::Text(text) if opens(text))) {
                    self.say(format!("{what} may hold {{{{name}}}} and no other template syntax."));
                }
            }
            Work::Knowledge { query, knowledge } => {
                self.query(id, query, names);
                if knowledge.is_empty() {
                    self.say(format!("Step {id} names no knowledge base in knowledge."));
                }
                self.known_bases(&format!("knowledge of step {id}"), knowledge);
            }
            Work::Classifier { query, instructions, branches } => {
                self.query(id, query, names);
                self.length(&format!("instructions of step {id}"), instructions, MAX_PROMPT);
                self.references(&format!("instructions of step {id}"), instructions, names, false);
                if is_branch {
                    return self.say(format!("Step {id} is a classifier within a branch; branches hold plain steps."));
                }
                self.branches(id, branches, names);
            }
        }
    }

    fn branches(&mut self, id: &str, branches: &'a [Branch], names: &Names) {
        if !(2..=MAX_BRANCHES).contains(&branches.len()) {
            self.say(format!("Step {id} needs 2 to {MAX_BRANCHES} branches."));
        }
        for branch in branches.iter().take(MAX_BRANCHES) {
            self.filled(&format!("A label of step {id}"), &branch.label, MAX_LINE);
            if pieces(&branch.label).len() > 1 {
                self.say(format!("The labels of step {id} are plain text."));
            }
            if branch.steps.is_empty() {
                self.say(format!("Each branch of step {id} needs a step."));
            }
            self.run(&branch.steps, &mut names.clone(), true);
        }
    }

    /// Every `{{name}}` is known where it stands.
    fn references(&mut self, what: &str, text: &str, names: &Names, may_find: bool) {
        for piece in pieces(text) {
            let Piece::Name(name) = piece else { continue };
            let shown: String = name.chars().take(40).collect();
            match names.get(name) {
                None => self.say(format!(
                    "{what} uses {{{{{shown}}}}}, which is no input and no step before it on the same way."
                )),
                Some(Source::Found) if !may_find => {
                    self.say(format!("{what} uses {{{{{shown}}}}}; what is found belongs into the prompt of an llm."));
                }
                Some(_) => {}
            }
        }
    }

    fn one_context(&mut self, id: &str, texts: [&String; 2], names: &Names) {
        let mut found: Vec<&str> = Vec::new();
        for piece in texts.iter().flat_map(|text| pieces(text)) {
            if let Piece::Name(name) = piece
                && names.get(name) == Some(Source::Found)
                && !found.contains(&name)
            {
                found.push(name);
            }
        }
        if found.len() > 1 {
            self.say(format!("Step {id} uses several knowledge steps; give one knowledge step all knowledge bases."));
        }
    }

    /// The text that is searched with or sorted: there, and never left empty.
    fn query(&mut self, id: &str, query: &str, names: &Names) {
        let name = bare(query);
        let shown: String = name.chars().take(40).collect();
        let why = match names.get(name) {
            None => {
                format!("The query of step {id} is {shown:?}; it must be the name of an input or a step before it.")
            }
            Some(Source::Found | Source::Input { kind: FieldKind::Number, .. }) => {
                format!("The query of step {id} is {shown:?}, which is no text.")
            }
            Some(Source::Input { required: false, .. }) => {
                format!("The input {shown} must be required, because step {id} needs it.")
            }
            Some(_) => return,
        };
        self.say(why);
    }

    fn known_bases(&mut self, what: &str, wanted: &[String]) {
        for name in wanted.iter().take(MAX_PROBLEMS) {
            if !self.bases.iter().any(|base| base.name == *name) {
                let shown: String = name.chars().take(40).collect();
                self.say(format!("{what} names {shown:?}, which is none of the knowledge bases offered."));
            }
        }
    }
}
