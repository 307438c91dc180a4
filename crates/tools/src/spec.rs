//! Built-in providers as data.

use std::pin::Pin;

use futures::Future;
use ox_models::I18n;
use ox_nodes::{CallMessage, ParameterForm};

use crate::call::{Arguments, Call};

/// A text in English and Chinese.
pub type Text = (&'static str, &'static str);

/// A value of a select, with its label.
pub type Choice = (&'static str, Text);

/// What a tool says, or why it cannot.
pub type Said = Result<Vec<CallMessage>, String>;

/// A tool at work.
pub type Running<'a> = Pin<Box<dyn Future<Output = Said> + Send + 'a>>;

/// A provider that comes with this program.
#[derive(Debug)]
pub struct Provider {
    /// Its id, in one part.
    pub name: &'static str,
    pub label: Text,
    pub description: Text,
    /// SVG.
    pub icon: &'static str,
    pub labels: &'static [&'static str],
    /// What it must be given before it works.
    pub form: &'static [Field],
    pub tools: &'static [Tool],
    /// The tool that tries new credentials out, and its parameter.
    pub trial: Option<(&'static str, &'static str, &'static str)>,
}

/// A field of a credential form.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    /// `secret-input`, `text-input`, `select`.
    pub kind: &'static str,
    pub required: bool,
    pub default: Option<&'static str>,
    pub label: Text,
    pub placeholder: Text,
    pub help: Text,
    /// Where one gets a key.
    pub url: &'static str,
}

impl Field {
    /// A key that is needed.
    pub const fn key(name: &'static str, label: Text, url: &'static str) -> Self {
        Self {
            name,
            kind: "secret-input",
            required: true,
            default: None,
            label,
            placeholder: ("Paste your key", "粘贴您的密钥"),
            help: ("Get a key", "获取密钥"),
            url,
        }
    }

    /// An address that is needed.
    pub const fn address(name: &'static str, label: Text, placeholder: &'static str) -> Self {
        Self {
            name,
            kind: "text-input",
            required: true,
            default: None,
            label,
            placeholder: (placeholder, placeholder),
            help: ("", ""),
            url: "",
        }
    }

    /// An address with a usual value.
    pub const fn or(mut self, default: &'static str) -> Self {
        self.required = false;
        self.default = Some(default);
        self
    }
}

/// One tool of a provider.
#[derive(Debug)]
pub struct Tool {
    pub name: &'static str,
    pub label: Text,
    /// For people.
    pub description: Text,
    /// For the model that may call it.
    pub for_model: &'static str,
    pub parameters: &'static [Parameter],
    pub run: Run,
}

/// How a tool works.
#[derive(Clone, Copy)]
pub enum Run {
    /// By itself.
    Pure(fn(&Arguments) -> Said),
    /// By itself, and long enough to be kept away from what must not wait.
    Heavy(fn(&Arguments) -> Said),
    /// With the world.
    Calls(for<'a> fn(&'a Call) -> Running<'a>),
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pure(_) => "Pure",
            Self::Heavy(_) => "Heavy",
            Self::Calls(_) => "Calls",
        })
    }
}

/// A parameter of a tool.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    pub name: &'static str,
    /// `string`, `number`, `boolean`, `select`, `array`, `object`; `file` is given as its text, `files` as they are.
    pub kind: &'static str,
    pub required: bool,
    pub form: ParameterForm,
    pub label: Text,
    pub for_model: &'static str,
    /// As text; JSON where the kind is not a text.
    pub default: Option<&'static str>,
    pub options: &'static [Choice],
    pub range: Option<(f64, f64)>,
}

impl Parameter {
    /// A text that the caller gives.
    pub const fn text(name: &'static str, label: Text, for_model: &'static str) -> Self {
        Self {
            name,
            kind: "string",
            required: false,
            form: ParameterForm::Llm,
            label,
            for_model,
            default: None,
            options: &[],
            range: None,
        }
    }

    /// Files that the caller gives, as they are.
    pub const fn files(name: &'static str, label: Text, for_model: &'static str) -> Self {
        let mut parameter = Self::text(name, label, for_model);
        parameter.kind = "files";
        parameter
    }

    /// A number.
    pub const fn number(name: &'static str, label: Text, for_model: &'static str) -> Self {
        let mut parameter = Self::text(name, label, for_model);
        parameter.kind = "number";
        parameter
    }

    /// Yes or no.
    pub const fn flag(name: &'static str, label: Text, default: &'static str) -> Self {
        let mut parameter = Self::text(name, label, "");
        parameter.kind = "boolean";
        parameter.default = Some(default);
        parameter.form = ParameterForm::Form;
        parameter
    }

    /// One of several values.
    pub const fn select(name: &'static str, label: Text, default: &'static str, options: &'static [Choice]) -> Self {
        let mut parameter = Self::text(name, label, "");
        parameter.kind = "select";
        parameter.default = Some(default);
        parameter.options = options;
        parameter.form = ParameterForm::Form;
        parameter
    }

    /// It must be given.
    pub const fn needed(mut self) -> Self {
        self.required = true;
        self
    }

    /// Whoever sets the tool up gives it.
    pub const fn fixed(mut self) -> Self {
        self.form = ParameterForm::Form;
        self
    }

    /// The model gives it.
    pub const fn asked(mut self, for_model: &'static str) -> Self {
        self.form = ParameterForm::Llm;
        self.for_model = for_model;
        self
    }

    /// What it is when nobody gives it.
    pub const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// Between these numbers.
    pub const fn within(mut self, least: f64, most: f64) -> Self {
        self.range = Some((least, most));
        self
    }
}

/// The text in both languages, as it is sent.
#[must_use]
pub fn i18n(text: Text) -> I18n {
    I18n::new(text.0, text.1)
}
