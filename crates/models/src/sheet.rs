//! How a vendor of a protocol of its own is shown: one sheet each.

use crate::{
    Credentials, FetchFrom, FormField, I18n, ModelKind, ModelSpec, ProviderHelp, ProviderSpec,
    catalog::{self, Dialect, Facts},
    form::custom_model_fields,
};

/// One vendor.
pub struct Sheet {
    pub id: &'static str,
    pub aliases: &'static [&'static str],
    pub label: &'static str,
    pub description: (&'static str, &'static str),
    /// Page where keys are made.
    pub help: &'static str,
    pub color: &'static str,
    pub kinds: &'static [ModelKind],
    /// The fields that open the vendor's door.
    pub fields: Vec<FormField>,
    pub table: Option<&'static str>,
    pub dialect: Dialect,
    pub untested: bool,
}

impl Sheet {
    /// With its forms and models.
    pub fn spec(self) -> ProviderSpec {
        let mut model_form = self.fields.clone();
        // What a model's own form leaves out comes from the provider's.
        model_form.iter_mut().for_each(|field| field.required = false);
        model_form.extend(custom_model_fields());
        let name = self.id.rsplit('/').next().unwrap_or_default();
        let mut aliases: Vec<String> = self.aliases.iter().map(|&alias| alias.to_owned()).collect();
        aliases.push(name.to_owned());
        let facts = Facts { schema: true, ..Facts::default() };
        ProviderSpec {
            id: self.id.to_owned(),
            aliases,
            label: I18n::same(self.label),
            description: I18n::new(self.description.0, self.description.1),
            help: Some(ProviderHelp {
                title: I18n::new("Get your API key", "获取 API 密钥"),
                url: I18n::same(self.help),
            }),
            icon: icon(self.label, self.color),
            background: Some(self.color.to_owned()),
            supported_kinds: self.kinds.to_vec(),
            configurate_methods: vec![FetchFrom::Predefined, FetchFrom::Customizable],
            provider_form: self.fields,
            model_form,
            models: self.table.map(|text| catalog::read(text, self.dialect)).unwrap_or_default(),
            default_rules: catalog::rules(self.dialect, &facts),
            untested: self.untested,
        }
    }
}

/// A model's row, or what its credentials say.
pub fn describe(
    spec: &ProviderSpec,
    dialect: Dialect,
    model: &str,
    kind: ModelKind,
    credentials: &Credentials,
) -> ModelSpec {
    match spec.model(model, kind) {
        Some(known) => known.clone(),
        None => catalog::custom(model, kind, credentials, dialect),
    }
}

/// A letter on a coloured square: we ship no one's logo.
pub fn icon(label: &str, color: &str) -> String {
    let letter = label.chars().find(char::is_ascii_alphanumeric).unwrap_or('M');
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"24\" height=\"24\" viewBox=\"0 0 24 24\" role=\"img\">\
         <rect width=\"24\" height=\"24\" rx=\"6\" fill=\"{color}\"/>\
         <text x=\"12\" y=\"16.5\" text-anchor=\"middle\" font-family=\"system-ui,sans-serif\" font-size=\"13\" \
         font-weight=\"600\" fill=\"#1F2937\">{letter}</text></svg>"
    )
}
