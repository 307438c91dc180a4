//! Tools as they are shown, stored and declared: one form for all kinds.

use ox_models::I18n;
use ox_nodes::{ParameterForm, ToolDeclaration, ToolParameter};
use ox_types::Json;
use serde::{Deserialize, Serialize};

use crate::spec::{Field, Parameter, Tool, i18n};

/// A tool as the Studio sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolView {
    pub author: String,
    pub name: String,
    pub label: I18n,
    pub description: I18n,
    pub parameters: Vec<ParameterView>,
    #[serde(default)]
    pub labels: Vec<String>,
    /// JSON schema of the variables it produces.
    #[serde(default)]
    pub output_schema: Json,
    /// What the model that may call it is told.
    #[serde(skip)]
    pub for_model: String,
}

/// A parameter as the Studio sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ParameterView {
    pub name: String,
    pub label: I18n,
    #[serde(default)]
    pub human_description: Option<I18n>,
    #[serde(default)]
    pub placeholder: Option<I18n>,
    #[serde(rename = "type")]
    pub kind: String,
    /// `llm`, `form`, `schema`.
    pub form: String,
    #[serde(default)]
    pub llm_description: Option<String>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub default: Json,
    #[serde(default)]
    pub min: Option<f64>,
    #[serde(default)]
    pub max: Option<f64>,
    #[serde(default)]
    pub precision: Option<u32>,
    #[serde(default)]
    pub options: Vec<OptionView>,
    #[serde(default)]
    pub multiple: bool,
    #[serde(default)]
    pub scope: Option<String>,
    #[serde(default)]
    pub auto_generate: Json,
    #[serde(default)]
    pub template: Json,
    /// Its whole JSON schema, where the type says less.
    #[serde(default)]
    pub input_schema: Json,
}

/// A value of a select.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionView {
    pub value: String,
    pub label: I18n,
    #[serde(default)]
    pub icon: Option<String>,
}

/// A field of a credential form as the Studio sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldView {
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    pub scope: Option<String>,
    pub required: bool,
    pub default: Json,
    pub options: Vec<OptionView>,
    pub multiple: bool,
    pub label: I18n,
    pub help: Option<I18n>,
    pub url: Option<String>,
    pub placeholder: Option<I18n>,
}

impl From<&Field> for FieldView {
    fn from(field: &Field) -> Self {
        let shown = |text: crate::Text| (!text.0.is_empty()).then(|| i18n(text));
        Self {
            kind: field.kind.to_owned(),
            name: field.name.to_owned(),
            scope: None,
            required: field.required,
            default: field.default.map_or(Json::Null, Json::from),
            options: Vec::new(),
            multiple: false,
            label: i18n(field.label),
            help: shown(field.help),
            url: (!field.url.is_empty()).then(|| field.url.to_owned()),
            placeholder: shown(field.placeholder),
        }
    }
}

impl From<&Parameter> for ParameterView {
    fn from(parameter: &Parameter) -> Self {
        let default = parameter.default.map_or(Json::Null, |text| match parameter.kind {
            "number" | "boolean" | "array" | "object" => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
            _ => text.into(),
        });
        let option = |(value, label): &(&str, crate::Text)| OptionView {
            value: (*value).to_owned(),
            label: i18n(*label),
            icon: None,
        };
        Self {
            name: parameter.name.to_owned(),
            label: i18n(parameter.label),
            human_description: Some(i18n(parameter.label)),
            placeholder: None,
            kind: parameter.kind.to_owned(),
            form: form_name(parameter.form).to_owned(),
            llm_description: Some(parameter.for_model.to_owned()).filter(|text| !text.is_empty()),
            required: parameter.required,
            default,
            min: parameter.range.map(|(least, _)| least),
            max: parameter.range.map(|(_, most)| most),
            options: parameter.options.iter().map(option).collect(),
            ..Self::default()
        }
    }
}

impl From<&Tool> for ToolView {
    fn from(tool: &Tool) -> Self {
        Self {
            author: crate::builtin::AUTHOR.to_owned(),
            name: tool.name.to_owned(),
            label: i18n(tool.label),
            description: i18n(tool.description),
            parameters: tool.parameters.iter().map(ParameterView::from).collect(),
            labels: Vec::new(),
            output_schema: crate::builtin::output_schema(tool.name),
            for_model: tool.for_model.to_owned(),
        }
    }
}

const fn form_name(form: ParameterForm) -> &'static str {
    match form {
        ParameterForm::Llm => "llm",
        ParameterForm::Form => "form",
        ParameterForm::Schema => "schema",
    }
}

impl ParameterView {
    /// As it is declared to nodes and agents.
    #[must_use]
    pub fn declared(&self) -> ToolParameter {
        ToolParameter {
            name: self.name.clone(),
            kind: self.kind.clone(),
            required: self.required,
            default: Some(self.default.clone()).filter(|value| !value.is_null()),
            form: match self.form.as_str() {
                "form" => ParameterForm::Form,
                "schema" => ParameterForm::Schema,
                _ => ParameterForm::Llm,
            },
            description: self
                .llm_description
                .clone()
                .or_else(|| self.human_description.as_ref().map(|text| text.en.clone()))
                .unwrap_or_default(),
            options: self.options.iter().map(|option| option.value.clone()).collect(),
            schema: Some(self.input_schema.clone()).filter(|schema| !schema.is_null()),
        }
    }
}

impl ToolView {
    /// As it is declared to nodes and agents.
    #[must_use]
    pub fn declared(&self) -> ToolDeclaration {
        let description = if self.for_model.is_empty() { &self.description.en } else { &self.for_model };
        ToolDeclaration {
            label: self.label.en.clone(),
            description: description.clone(),
            parameters: self.parameters.iter().map(ParameterView::declared).collect(),
            output_schema: Some(self.output_schema.clone()).filter(|schema| schema.is_object()),
        }
    }
}
