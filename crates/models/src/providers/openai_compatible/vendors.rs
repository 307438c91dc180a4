//! The vendors that speak the OpenAI protocol: what a row of the table tells.

mod table;

pub use self::table::VENDORS;

use crate::{
    FetchFrom, FormField, I18n, ModelKind, ProviderHelp, ProviderSpec, catalog,
    catalog::{Dialect, Facts},
    form::{self, custom_model_fields},
    sheet::icon,
};

/// Where the requests of a vendor go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlForm {
    /// `{base}/chat/completions`, the base as given.
    Base,
    /// The same, with `/v1` added to a base that does not end with a version.
    EnsureV1,
    /// `{base}/openai/deployments/{deployment}/chat/completions?api-version=…`.
    Azure,
}

/// How a key is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The list of models needs the key.
    Models,
    /// This path tells about the key.
    Path(&'static str),
    /// This model is asked something small.
    Try(ModelKind, &'static str),
    /// Only asking a model that somebody adds tells.
    Ask,
}

/// How texts are told that they are questions or documents, and what else is different with those who tell them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inputs {
    Alike,
    /// `task`.
    Jina,
    /// `input_type`, and `top_k` in rankings.
    Voyage,
}

/// Small differences on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// Takes `stream_options`.
    pub stream_options: bool,
    /// Takes `user`.
    pub user: bool,
    /// Wants `max_completion_tokens` from reasoning models.
    pub openai_reasoning: bool,
    /// Wants earlier reasoning back as `reasoning_content`.
    pub reasoning_back: bool,
    /// The key travels as `api-key`.
    pub api_key_header: bool,
    /// Only `json_object`, no `json_schema`.
    pub no_json_schema: bool,
    /// May be asked by the Responses API.
    pub responses: bool,
    /// How the names of models begin that refuse `stop`, unless they say that they do not reason.
    pub stopless: &'static [&'static str],
    pub inputs: Inputs,
}

const USUAL: Quirks = Quirks {
    stream_options: true,
    user: true,
    openai_reasoning: false,
    reasoning_back: false,
    api_key_header: false,
    no_json_schema: false,
    responses: false,
    stopless: &[],
    inputs: Inputs::Alike,
};

/// No `user`: most vendors besides the first do not know it, and some refuse it.
const ANONYMOUS: Quirks = Quirks { user: false, ..USUAL };

/// The field that chooses the address abroad.
pub const INTERNATIONAL: &str = "use_international_endpoint";

/// The field that chooses between chat completions and responses.
pub const API_PROTOCOL: &str = "api_protocol";

/// One vendor.
pub struct Vendor {
    pub id: &'static str,
    pub aliases: &'static [&'static str],
    pub label: (&'static str, &'static str),
    pub description: (&'static str, &'static str),
    /// Page where keys are made.
    pub help: Option<&'static str>,
    pub color: &'static str,
    pub key_field: &'static str,
    pub key_required: bool,
    /// Field with the address; without one the address is fixed.
    pub base_field: Option<&'static str>,
    /// The usual address; `None` means the user must give one.
    pub base: Option<&'static str>,
    /// The vendor's address for customers abroad.
    pub international: Option<&'static str>,
    pub url: UrlForm,
    pub probe: Probe,
    pub lists_models: bool,
    pub kinds: &'static [ModelKind],
    pub models: Option<&'static str>,
    /// Keys belong to models, not to the provider.
    pub per_model: bool,
    pub quirks: Quirks,
    /// The vendor's own program, or an answer recorded from it, is among the tests.
    pub tested: bool,
}

impl Vendor {
    /// How it is shown, with its forms and models.
    pub fn spec(&self) -> ProviderSpec {
        let dialect = if self.quirks.openai_reasoning { Dialect::OpenAi } else { Dialect::Usual };
        let models = self.models.map(|text| catalog::read(text, dialect)).unwrap_or_default();
        let (mut methods, mut provider_form) = (Vec::new(), Vec::new());
        if !self.per_model {
            methods.push(FetchFrom::Predefined);
            provider_form = self.account_fields();
        }
        methods.push(FetchFrom::Customizable);
        let name = self.id.rsplit('/').next().unwrap_or_default();
        let mut aliases: Vec<String> = self.aliases.iter().map(|&alias| alias.to_owned()).collect();
        aliases.push(name.to_owned());
        ProviderSpec {
            id: self.id.to_owned(),
            aliases,
            label: I18n::new(self.label.0, self.label.1),
            description: I18n::new(self.description.0, self.description.1),
            help: self.help.map(|url| ProviderHelp {
                title: I18n::new("Get your API key", "获取 API 密钥"),
                url: I18n::same(url),
            }),
            icon: icon(self.label.0, self.color),
            background: Some(self.color.to_owned()),
            supported_kinds: self.kinds.to_vec(),
            configurate_methods: methods,
            provider_form,
            model_form: self.model_fields(),
            models,
            default_rules: catalog::rules(
                Dialect::Usual,
                &Facts { schema: !self.quirks.no_json_schema, ..Facts::default() },
            ),
            untested: !self.tested,
        }
    }

    /// The fields that open the vendor's door.
    fn account_fields(&self) -> Vec<FormField> {
        let key = form::key(self.key_field);
        let mut fields = vec![if self.key_required { key.required() } else { key }];
        if let Some(name) = self.base_field {
            let field = form::text(name, "API base URL", "API 地址");
            fields.push(match self.base {
                Some(base) => field.hint(base, base),
                None => field.required().hint("https://…", "https://…"),
            });
        }
        if self.international.is_some() {
            fields.push(form::select(
                INTERNATIONAL,
                "International endpoint",
                "国际端点",
                &[("false", "No", "否"), ("true", "Yes", "是")],
            ));
        }
        if self.id == "langgenius/openai/openai" {
            fields.push(form::text("openai_organization", "Organization ID", "组织 ID"));
        }
        if self.quirks.responses {
            fields.push(self.protocol_field());
        }
        fields
    }

    /// Chat completions or responses. Others who pass on models that only have responses do so by both.
    fn protocol_field(&self) -> FormField {
        let chat = ("chat_completions", "Chat completions", "Chat Completions");
        let responses = ("responses", "Responses", "Responses");
        let by_model = ("auto", "By model", "按模型自动选择");
        let options =
            if self.quirks.openai_reasoning { vec![by_model, chat, responses] } else { vec![chat, responses] };
        form::select(API_PROTOCOL, "API protocol", "API 协议", &options)
    }

    fn model_fields(&self) -> Vec<FormField> {
        let mut fields = self.account_fields();
        if !self.per_model {
            // What a model's own form leaves out comes from the provider's.
            for field in &mut fields {
                field.required = false;
                if field.variable == API_PROTOCOL {
                    field.default = None;
                }
            }
        }
        if self.url == UrlForm::Azure {
            fields.push(form::text("openai_api_version", "API version", "API 版本").or("2024-10-21"));
            fields.push(
                form::text("base_model_name", "Base model", "基础模型")
                    .hint("The model of the deployment, such as gpt-4o", "该部署所用的模型，例如 gpt-4o"),
            );
        } else {
            fields.push(
                form::text("endpoint_model_name", "Model name at the server", "服务端的模型名称")
                    .hint("If it differs from the name above", "如与上面的名称不同请填写"),
            );
        }
        fields.extend(custom_model_fields());
        fields
    }
}
