//! From what a caller gives to the values a run starts with.

use ox_dsl::{
    graph::NodeSpec,
    user_input::{self, Input, InputField, InputKind},
};
use ox_types::{File, Json, Object, Value};

use crate::{
    Error, Result,
    files::{FileReader, FileRules},
};

/// The questions to the user, or why they cannot be read.
#[derive(Clone, Debug)]
pub struct InputForm(Result<Vec<InputField>, String>);

impl InputForm {
    /// The form of a workflow's start node; other beginnings ask nothing.
    #[must_use]
    pub fn of_start(root: Option<&NodeSpec>) -> Self {
        Self(match root {
            Some(node) if node.kind == "start" => {
                user_input::from_start_data(&node.data).map_err(|error| error.to_string())
            }
            _ => Ok(Vec::new()),
        })
    }

    /// The form of a basic app (`{user_input_form: […]}`).
    #[must_use]
    pub fn of_basic(config: &Json) -> Self {
        Self(user_input::from_model_config(config).map_err(|error| error.to_string()))
    }

    /// A form of variables in the form of a start node's.
    #[must_use]
    pub fn of_variables(variables: &[Json]) -> Self {
        let data = serde_json::json!({"variables": variables});
        Self(user_input::from_start_data(&data).map_err(|error| error.to_string()))
    }

    /// Why the questions cannot be read, when they cannot.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.0.as_ref().err().map(String::as_str)
    }

    /// Whether a field of this name takes a list of files.
    #[must_use]
    pub fn asks_for_files(&self, name: &str) -> bool {
        let fields = self.0.as_deref().unwrap_or_default();
        fields.iter().any(|field| field.variable == name && field.kind == InputKind::FileList)
    }

    /// The files that were given in fields for files. What else looks like one (in a `json_object`) nobody has checked.
    #[must_use]
    pub fn files_of(&self, checked: &Object) -> Vec<File> {
        self.fields()
            .iter()
            .filter(|field| matches!(field.kind, InputKind::File | InputKind::FileList))
            .filter_map(|field| checked.get(&field.variable))
            .flat_map(|value| value.as_array().unwrap_or(std::slice::from_ref(value)))
            .filter_map(|value| if let Value::File(file) = value { Some(File::clone(file)) } else { None })
            .collect()
    }

    /// The questions; none when they cannot be read.
    #[must_use]
    pub fn fields(&self) -> &[InputField] {
        self.0.as_deref().unwrap_or_default()
    }

    /// As `/parameters` tells it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        self.0.as_ref().map_or_else(|_| Json::Array(Vec::new()), |fields| user_input::user_input_form(fields))
    }

    /// Checks inputs and reads their files, in the order of the form.
    ///
    /// # Errors
    /// 400 with the text of the compatible API for the first input that does not fit.
    pub async fn check(&self, inputs: &Json, files: &FileReader<'_>) -> Result<Object> {
        let fields = self.0.as_ref().map_err(|why| Error::invalid(why.clone()))?;
        let checked = user_input::validate_inputs(fields, inputs)
            .map_err(|error| Error::invalid_field(&error.variable, error.message))?;
        let mut values = Object::with_capacity(checked.len());
        for (name, input) in checked {
            let rules = || fields.iter().find(|field| field.variable == name).map(rules_of);
            let value = match input {
                Input::Value(value) => value,
                Input::File(mapping) => Value::from(files.one(&mapping, rules().as_ref()).await?),
                Input::Files(mappings) => {
                    let lenient = FileReader { strict: false, ..files.clone() };
                    let found = lenient.list(&mappings, rules().as_ref()).await?;
                    Value::array_of(ox_types::ValueType::ArrayFile, found.into_iter().map(Value::from).collect())
                }
            };
            values.insert(name, value);
        }
        Ok(values)
    }
}

fn rules_of(field: &InputField) -> FileRules {
    FileRules {
        types: field.allowed_file_types.clone(),
        extensions: field.allowed_file_extensions.clone(),
        methods: field.allowed_file_upload_methods.clone(),
        image_methods: None,
        most: if field.kind == InputKind::FileList { field.max_length } else { None },
    }
}
