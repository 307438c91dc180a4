//! The vendors that speak the OpenAI protocol: one row each.

use crate::{
    FetchFrom, FormField, I18n, ModelKind, ProviderHelp, ProviderSpec, catalog,
    catalog::ReasoningRules,
    form::{self, custom_model_fields},
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
    /// Only asking a model tells.
    Ask,
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
}

const USUAL: Quirks = Quirks {
    stream_options: true,
    user: true,
    openai_reasoning: false,
    reasoning_back: false,
    api_key_header: false,
    no_json_schema: false,
};

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
    pub url: UrlForm,
    pub probe: Probe,
    pub lists_models: bool,
    pub kinds: &'static [ModelKind],
    pub models: Option<&'static str>,
    /// Keys belong to models, not to the provider.
    pub per_model: bool,
    pub quirks: Quirks,
}

const LLM: &[ModelKind] = &[ModelKind::Llm];
const LLM_EMBED: &[ModelKind] = &[ModelKind::Llm, ModelKind::TextEmbedding];
const LLM_EMBED_SPEECH: &[ModelKind] =
    &[ModelKind::Llm, ModelKind::TextEmbedding, ModelKind::Speech2Text, ModelKind::Tts];
const LLM_SPEECH: &[ModelKind] = &[ModelKind::Llm, ModelKind::Speech2Text, ModelKind::Tts];
const ALL_BUT_RERANK: &[ModelKind] =
    &[ModelKind::Llm, ModelKind::TextEmbedding, ModelKind::Speech2Text, ModelKind::Tts, ModelKind::Moderation];

const ROW: Vendor = Vendor {
    id: "",
    aliases: &[],
    label: ("", ""),
    description: ("", ""),
    help: None,
    color: "#E5E7EB",
    key_field: "api_key",
    key_required: true,
    base_field: None,
    base: None,
    url: UrlForm::EnsureV1,
    probe: Probe::Models,
    lists_models: true,
    kinds: LLM,
    models: None,
    per_model: false,
    quirks: USUAL,
};

/// A server of the user's own: an address and perhaps a key.
const OWN_SERVER: Vendor =
    Vendor { key_required: false, base_field: Some("endpoint_url"), kinds: LLM_EMBED_SPEECH, per_model: false, ..ROW };

/// Every vendor, in the order they are shown.
pub const VENDORS: &[Vendor] = &[
    Vendor {
        id: "langgenius/openai/openai",
        label: ("OpenAI", "OpenAI"),
        description: (
            "GPT and embedding models of OpenAI, or any gateway that speaks its protocol.",
            "OpenAI 的 GPT 与嵌入模型，或任何兼容其协议的网关。",
        ),
        help: Some("https://platform.openai.com/account/api-keys"),
        color: "#E5E7EB",
        key_field: "openai_api_key",
        base_field: Some("openai_api_base"),
        base: Some("https://api.openai.com/v1"),
        kinds: ALL_BUT_RERANK,
        models: Some(include_str!("../../../data/openai.json")),
        quirks: Quirks { openai_reasoning: true, ..USUAL },
        ..ROW
    },
    Vendor {
        id: "langgenius/azure_openai/azure_openai",
        aliases: &["azure"],
        label: ("Azure OpenAI", "Azure OpenAI"),
        description: ("Deployments of OpenAI models on Microsoft Azure.", "部署在 Microsoft Azure 上的 OpenAI 模型。"),
        help: Some("https://portal.azure.com/"),
        color: "#E3F0FF",
        key_field: "openai_api_key",
        base_field: Some("openai_api_base"),
        url: UrlForm::Azure,
        probe: Probe::Ask,
        lists_models: false,
        kinds: LLM_EMBED_SPEECH,
        per_model: true,
        quirks: Quirks { openai_reasoning: true, api_key_header: true, ..USUAL },
        ..ROW
    },
    Vendor {
        id: "langgenius/openai_api_compatible/openai_api_compatible",
        label: ("OpenAI-API-compatible", "OpenAI-API-compatible"),
        description: (
            "Any server that speaks the OpenAI protocol; each model with its own address.",
            "任何兼容 OpenAI 协议的服务，每个模型可使用各自的地址。",
        ),
        key_required: false,
        base_field: Some("endpoint_url"),
        url: UrlForm::Base,
        probe: Probe::Ask,
        kinds: LLM_EMBED_SPEECH,
        per_model: true,
        ..ROW
    },
    Vendor {
        id: "langgenius/deepseek/deepseek",
        label: ("DeepSeek", "深度求索"),
        description: ("Chat and reasoning models of DeepSeek.", "深度求索的对话与推理模型。"),
        help: Some("https://platform.deepseek.com/api_keys"),
        color: "#E0E8FF",
        base_field: Some("endpoint_url"),
        base: Some("https://api.deepseek.com/v1"),
        models: Some(include_str!("../../../data/deepseek.json")),
        quirks: Quirks { user: false, reasoning_back: true, no_json_schema: true, ..USUAL },
        ..ROW
    },
    Vendor {
        id: "langgenius/groq/groq",
        aliases: &["groqcloud"],
        label: ("Groq", "Groq"),
        description: ("Open models on Groq's fast hardware.", "在 Groq 高速硬件上运行的开放模型。"),
        help: Some("https://console.groq.com/keys"),
        color: "#FBE7E1",
        base: Some("https://api.groq.com/openai/v1"),
        kinds: LLM_SPEECH,
        models: Some(include_str!("../../../data/groq.json")),
        ..ROW
    },
    Vendor {
        id: "langgenius/mistralai/mistralai",
        aliases: &["mistral"],
        label: ("Mistral AI", "Mistral AI"),
        description: ("Models of Mistral AI.", "Mistral AI 的模型。"),
        help: Some("https://console.mistral.ai/api-keys/"),
        color: "#FFE8D6",
        base: Some("https://api.mistral.ai/v1"),
        kinds: LLM_EMBED,
        models: Some(include_str!("../../../data/mistralai.json")),
        quirks: Quirks { stream_options: false, user: false, ..USUAL },
        ..ROW
    },
    Vendor {
        id: "langgenius/moonshot/moonshot",
        label: ("Moonshot", "月之暗面"),
        description: ("Kimi models of Moonshot AI.", "月之暗面的 Kimi 模型。"),
        help: Some("https://platform.moonshot.cn/console/api-keys"),
        color: "#E6E9F5",
        base_field: Some("endpoint_url"),
        base: Some("https://api.moonshot.cn/v1"),
        models: Some(include_str!("../../../data/moonshot.json")),
        quirks: Quirks { reasoning_back: true, user: false, ..USUAL },
        ..ROW
    },
    Vendor {
        id: "langgenius/ollama/ollama",
        label: ("Ollama", "Ollama"),
        description: ("Models on your own machine with Ollama.", "使用 Ollama 在自己的机器上运行的模型。"),
        help: Some("https://ollama.com/"),
        key_required: false,
        base_field: Some("base_url"),
        base: Some("http://localhost:11434/v1"),
        kinds: LLM_EMBED,
        probe: Probe::Ask,
        per_model: true,
        ..ROW
    },
    Vendor {
        id: "langgenius/openrouter/openrouter",
        label: ("OpenRouter", "OpenRouter"),
        description: ("Models of many vendors through one key.", "用一个密钥访问众多厂商的模型。"),
        help: Some("https://openrouter.ai/keys"),
        color: "#E9E7FB",
        base: Some("https://openrouter.ai/api/v1"),
        probe: Probe::Path("/key"),
        ..ROW
    },
    Vendor {
        id: "langgenius/siliconflow/siliconflow",
        label: ("SiliconFlow", "硅基流动"),
        description: ("Open models hosted by SiliconFlow.", "硅基流动托管的开放模型。"),
        help: Some("https://cloud.siliconflow.cn/account/ak"),
        color: "#F0E4FF",
        base_field: Some("endpoint_url"),
        base: Some("https://api.siliconflow.cn/v1"),
        kinds: LLM_EMBED,
        quirks: Quirks { user: false, ..USUAL },
        ..ROW
    },
    Vendor {
        id: "langgenius/togetherai/togetherai",
        aliases: &["together", "together_ai"],
        label: ("Together AI", "Together AI"),
        description: ("Open models hosted by Together AI.", "Together AI 托管的开放模型。"),
        help: Some("https://api.together.ai/settings/api-keys"),
        color: "#E1F0FF",
        base: Some("https://api.together.xyz/v1"),
        kinds: LLM_EMBED,
        models: Some(include_str!("../../../data/togetherai.json")),
        quirks: Quirks { user: false, ..USUAL },
        ..ROW
    },
    Vendor {
        id: "langgenius/x/x",
        aliases: &["xai"],
        label: ("xAI", "xAI"),
        description: ("Grok models of xAI.", "xAI 的 Grok 模型。"),
        help: Some("https://console.x.ai/"),
        base_field: Some("endpoint_url"),
        base: Some("https://api.x.ai/v1"),
        models: Some(include_str!("../../../data/x.json")),
        ..ROW
    },
    Vendor {
        id: "oxidify/litellm/litellm",
        label: ("LiteLLM", "LiteLLM"),
        description: ("Your own LiteLLM gateway.", "自建的 LiteLLM 网关。"),
        help: Some("https://docs.litellm.ai/docs/simple_proxy"),
        base: Some("http://localhost:4000/v1"),
        ..OWN_SERVER
    },
    Vendor {
        id: "oxidify/lmstudio/lmstudio",
        label: ("LM Studio", "LM Studio"),
        description: ("Models on your own machine with LM Studio.", "使用 LM Studio 在自己的机器上运行的模型。"),
        help: Some("https://lmstudio.ai/docs/local-server"),
        base: Some("http://localhost:1234/v1"),
        ..OWN_SERVER
    },
    Vendor {
        id: "oxidify/vllm/vllm",
        label: ("vLLM", "vLLM"),
        description: ("Your own vLLM server.", "自建的 vLLM 服务。"),
        help: Some("https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"),
        base: Some("http://localhost:8000/v1"),
        ..OWN_SERVER
    },
];

impl Vendor {
    /// How it is shown, with its forms and models.
    pub fn spec(&self) -> ProviderSpec {
        let reasoning = if self.quirks.openai_reasoning { ReasoningRules::OpenAi } else { ReasoningRules::Usual };
        let models = self.models.map(|text| catalog::read(text, reasoning)).unwrap_or_default();
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
            default_rules: catalog::rules(None, false, !self.quirks.no_json_schema),
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
        if self.id == "langgenius/openai/openai" {
            fields.push(form::text("openai_organization", "Organization ID", "组织 ID"));
        }
        fields
    }

    fn model_fields(&self) -> Vec<FormField> {
        let mut fields = self.account_fields();
        if !self.per_model {
            // What a model's own form leaves out comes from the provider's.
            fields.iter_mut().for_each(|field| field.required = false);
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
