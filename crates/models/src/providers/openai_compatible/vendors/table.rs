//! The rows: one vendor each.

use super::{ANONYMOUS, Inputs, Probe, Quirks, USUAL, UrlForm, Vendor};
use crate::ModelKind;

const EMBED_RERANK: &[ModelKind] = &[ModelKind::TextEmbedding, ModelKind::Rerank];
const LLM_EMBED_RERANK: &[ModelKind] = &[ModelKind::Llm, ModelKind::TextEmbedding, ModelKind::Rerank];
const ALL_BUT_MODERATION: &[ModelKind] =
    &[ModelKind::Llm, ModelKind::TextEmbedding, ModelKind::Rerank, ModelKind::Speech2Text, ModelKind::Tts];
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
    international: None,
    url: UrlForm::EnsureV1,
    probe: Probe::Models,
    lists_models: true,
    kinds: LLM,
    models: None,
    per_model: false,
    quirks: USUAL,
    tested: false,
};

/// A server of the user's own: an address and perhaps a key.
const OWN_SERVER: Vendor = Vendor {
    key_required: false,
    base_field: Some("endpoint_url"),
    kinds: ALL_BUT_MODERATION,
    per_model: false,
    ..ROW
};

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
        models: Some(include_str!("../../../../data/openai.json")),
        quirks: Quirks { openai_reasoning: true, responses: true, ..USUAL },
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
        quirks: Quirks { openai_reasoning: true, responses: true, api_key_header: true, ..USUAL },
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
        kinds: ALL_BUT_MODERATION,
        per_model: true,
        quirks: Quirks { responses: true, ..USUAL },
        tested: true,
        ..ROW
    },
    Vendor {
        id: "langgenius/cerebras/cerebras",
        label: ("Cerebras", "Cerebras"),
        description: ("Open models on Cerebras's hardware.", "在 Cerebras 硬件上运行的开放模型。"),
        help: Some("https://cloud.cerebras.ai/"),
        color: "#FBE7E1",
        base: Some("https://api.cerebras.ai/v1"),
        quirks: ANONYMOUS,
        ..ROW
    },
    Vendor {
        id: "langgenius/deepinfra/deepinfra",
        label: ("DeepInfra", "DeepInfra"),
        description: ("Open models hosted by DeepInfra.", "DeepInfra 托管的开放模型。"),
        help: Some("https://deepinfra.com/dash/api_keys"),
        base: Some("https://api.deepinfra.com/v1/openai"),
        url: UrlForm::Base,
        kinds: LLM_EMBED,
        quirks: ANONYMOUS,
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
        models: Some(include_str!("../../../../data/deepseek.json")),
        quirks: Quirks { user: false, reasoning_back: true, no_json_schema: true, ..USUAL },
        ..ROW
    },
    Vendor {
        id: "langgenius/fireworks/fireworks",
        aliases: &["fireworks_ai"],
        label: ("Fireworks AI", "Fireworks AI"),
        description: ("Open models hosted by Fireworks AI.", "Fireworks AI 托管的开放模型。"),
        help: Some("https://fireworks.ai/account/api-keys"),
        color: "#F0E4FF",
        key_field: "fireworks_api_key",
        base: Some("https://api.fireworks.ai/inference/v1"),
        kinds: LLM_EMBED,
        models: Some(include_str!("../../../../data/fireworks.json")),
        quirks: ANONYMOUS,
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
        models: Some(include_str!("../../../../data/groq.json")),
        ..ROW
    },
    Vendor {
        id: "langgenius/huggingface_hub/huggingface_hub",
        aliases: &["huggingface"],
        label: ("Hugging Face", "Hugging Face"),
        description: (
            "Open models through the Inference Providers of Hugging Face, or an endpoint of one's own.",
            "通过 Hugging Face 推理服务或自己的推理端点使用开放模型。",
        ),
        help: Some("https://huggingface.co/settings/tokens"),
        color: "#FFF8DC",
        key_field: "huggingfacehub_api_token",
        base_field: Some("huggingfacehub_endpoint_url"),
        base: Some("https://router.huggingface.co/v1"),
        probe: Probe::Try(ModelKind::Llm, "openai/gpt-oss-20b"),
        quirks: ANONYMOUS,
        ..ROW
    },
    Vendor {
        id: "langgenius/jina/jina",
        aliases: &["jina_ai"],
        label: ("Jina AI", "Jina AI"),
        description: ("Embedding and rerank models of Jina AI.", "Jina AI 的嵌入与重排模型。"),
        help: Some("https://jina.ai/api-dashboard/"),
        base_field: Some("base_url"),
        base: Some("https://api.jina.ai/v1"),
        probe: Probe::Try(ModelKind::Rerank, "jina-reranker-v2-base-multilingual"),
        lists_models: false,
        kinds: EMBED_RERANK,
        models: Some(include_str!("../../../../data/jina.json")),
        quirks: Quirks { inputs: Inputs::Jina, ..ANONYMOUS },
        ..ROW
    },
    Vendor {
        id: "langgenius/localai/localai",
        label: ("LocalAI", "LocalAI"),
        description: ("Your own LocalAI server.", "自建的 LocalAI 服务。"),
        help: Some("https://localai.io/"),
        base_field: Some("server_url"),
        base: Some("http://localhost:8080/v1"),
        ..OWN_SERVER
    },
    Vendor {
        id: "langgenius/minimax/minimax",
        label: ("MiniMax", "MiniMax"),
        description: ("MiniMax-M models of MiniMax.", "MiniMax 的 MiniMax-M 模型。"),
        help: Some("https://platform.minimaxi.com/user-center/basic-information/interface-key"),
        color: "#FFEFEF",
        key_field: "minimax_api_key",
        base_field: Some("endpoint_url"),
        base: Some("https://api.minimaxi.com/v1"),
        probe: Probe::Try(ModelKind::Llm, "MiniMax-M2"),
        lists_models: false,
        models: Some(include_str!("../../../../data/minimax.json")),
        quirks: ANONYMOUS,
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
        models: Some(include_str!("../../../../data/mistralai.json")),
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
        models: Some(include_str!("../../../../data/moonshot.json")),
        quirks: Quirks { reasoning_back: true, user: false, ..USUAL },
        ..ROW
    },
    Vendor {
        id: "langgenius/novita/novita",
        aliases: &["novita_ai"],
        label: ("Novita AI", "Novita AI"),
        description: ("Open models hosted by Novita AI.", "Novita AI 托管的开放模型。"),
        help: Some("https://novita.ai/settings/key-management"),
        color: "#E6F7EC",
        base: Some("https://api.novita.ai/v3/openai"),
        url: UrlForm::Base,
        quirks: ANONYMOUS,
        ..ROW
    },
    Vendor {
        id: "langgenius/nvidia/nvidia",
        label: ("NVIDIA", "NVIDIA"),
        description: (
            "Models of NVIDIA's API catalog, or a NIM of one's own.",
            "NVIDIA API 目录中的模型，或自建的 NIM 服务。",
        ),
        help: Some("https://build.nvidia.com/"),
        color: "#E6F5D0",
        base_field: Some("endpoint_url"),
        base: Some("https://integrate.api.nvidia.com/v1"),
        probe: Probe::Try(ModelKind::Llm, "meta/llama-3.1-8b-instruct"),
        quirks: ANONYMOUS,
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
        id: "langgenius/perplexity/perplexity",
        label: ("Perplexity", "Perplexity"),
        description: ("Sonar models of Perplexity, which search the web.", "Perplexity 的 Sonar 联网模型。"),
        help: Some("https://www.perplexity.ai/settings/api"),
        color: "#E0F2F1",
        base: Some("https://api.perplexity.ai"),
        url: UrlForm::Base,
        probe: Probe::Try(ModelKind::Llm, "sonar"),
        lists_models: false,
        models: Some(include_str!("../../../../data/perplexity.json")),
        quirks: Quirks { stream_options: false, ..ANONYMOUS },
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
        international: Some("https://api.siliconflow.com/v1"),
        kinds: LLM_EMBED_RERANK,
        quirks: ANONYMOUS,
        ..ROW
    },
    Vendor {
        id: "langgenius/stepfun/stepfun",
        label: ("StepFun", "阶跃星辰"),
        description: ("Step models of StepFun.", "阶跃星辰的 Step 模型。"),
        help: Some("https://platform.stepfun.com/interface-key"),
        base: Some("https://api.stepfun.com/v1"),
        quirks: ANONYMOUS,
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
        models: Some(include_str!("../../../../data/togetherai.json")),
        quirks: ANONYMOUS,
        ..ROW
    },
    Vendor {
        id: "langgenius/tongyi/tongyi",
        aliases: &["qwen", "dashscope"],
        label: ("Tongyi", "通义"),
        description: ("Qwen models of Alibaba Cloud.", "阿里云的通义千问模型。"),
        help: Some("https://bailian.console.aliyun.com/?apiKey=1#/api-key"),
        color: "#EFF1FE",
        key_field: "dashscope_api_key",
        base_field: Some("api_host"),
        base: Some("https://dashscope.aliyuncs.com/compatible-mode/v1"),
        international: Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
        url: UrlForm::Base,
        probe: Probe::Try(ModelKind::Llm, "qwen-flash"),
        lists_models: false,
        kinds: LLM_EMBED,
        models: Some(include_str!("../../../../data/tongyi.json")),
        quirks: ANONYMOUS,
        ..ROW
    },
    Vendor {
        id: "langgenius/volcengine_maas/volcengine_maas",
        aliases: &["volcengine"],
        label: ("Volcengine", "火山方舟"),
        description: ("Doubao models on Volcengine Ark, by API key.", "火山方舟上的豆包模型，使用 API Key。"),
        help: Some("https://console.volcengine.com/ark/region:ark+cn-beijing/apiKey"),
        color: "#E3F0FF",
        key_field: "volc_api_key",
        base_field: Some("api_endpoint_host"),
        base: Some("https://ark.cn-beijing.volces.com/api/v3"),
        url: UrlForm::Base,
        probe: Probe::Try(ModelKind::Llm, "doubao-seed-2-0-mini-260215"),
        lists_models: false,
        kinds: LLM_EMBED,
        models: Some(include_str!("../../../../data/volcengine_maas.json")),
        quirks: ANONYMOUS,
        ..ROW
    },
    Vendor {
        id: "langgenius/voyage/voyage",
        aliases: &["voyageai"],
        label: ("Voyage AI", "Voyage AI"),
        description: ("Embedding and rerank models of Voyage AI.", "Voyage AI 的嵌入与重排模型。"),
        help: Some("https://dashboard.voyageai.com/"),
        base_field: Some("base_url"),
        base: Some("https://api.voyageai.com/v1"),
        probe: Probe::Try(ModelKind::TextEmbedding, "voyage-3.5-lite"),
        lists_models: false,
        kinds: EMBED_RERANK,
        models: Some(include_str!("../../../../data/voyage.json")),
        quirks: Quirks { inputs: Inputs::Voyage, ..ANONYMOUS },
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
        models: Some(include_str!("../../../../data/x.json")),
        quirks: Quirks { stopless: &["grok-4", "grok-3-mini", "grok-code"], ..USUAL },
        ..ROW
    },
    Vendor {
        id: "langgenius/xinference/xinference",
        label: ("Xorbits Inference", "Xorbits Inference"),
        description: ("Your own Xinference server.", "自建的 Xinference 服务。"),
        help: Some("https://inference.readthedocs.io/"),
        color: "#FAF5FF",
        base_field: Some("server_url"),
        base: Some("http://localhost:9997/v1"),
        ..OWN_SERVER
    },
    Vendor {
        id: "langgenius/zhipuai/zhipuai",
        aliases: &["zhipu", "zai"],
        label: ("Zhipu AI", "智谱 AI"),
        description: ("GLM models of Zhipu AI.", "智谱 AI 的 GLM 模型。"),
        help: Some("https://open.bigmodel.cn/usercenter/apikeys"),
        color: "#EFF1FE",
        base_field: Some("base_url"),
        base: Some("https://open.bigmodel.cn/api/paas/v4"),
        url: UrlForm::Base,
        probe: Probe::Try(ModelKind::Llm, "glm-4.5-flash"),
        lists_models: false,
        kinds: LLM_EMBED,
        models: Some(include_str!("../../../../data/zhipuai.json")),
        quirks: Quirks { reasoning_back: true, ..ANONYMOUS },
        ..ROW
    },
    Vendor {
        id: "oxidify/litellm/litellm",
        aliases: &["langgenius/litellm/litellm"],
        label: ("LiteLLM", "LiteLLM"),
        description: ("Your own LiteLLM gateway.", "自建的 LiteLLM 网关。"),
        help: Some("https://docs.litellm.ai/docs/simple_proxy"),
        base: Some("http://localhost:4000/v1"),
        tested: true,
        ..OWN_SERVER
    },
    Vendor {
        id: "oxidify/lmstudio/lmstudio",
        aliases: &["langgenius/lmstudio/lmstudio", "stvlynn/lmstudio/lmstudio", "lm_studio"],
        label: ("LM Studio", "LM Studio"),
        description: ("Models on your own machine with LM Studio.", "使用 LM Studio 在自己的机器上运行的模型。"),
        help: Some("https://lmstudio.ai/docs/local-server"),
        base: Some("http://localhost:1234/v1"),
        ..OWN_SERVER
    },
    Vendor {
        id: "oxidify/vllm/vllm",
        aliases: &["langgenius/vllm/vllm"],
        label: ("vLLM", "vLLM"),
        description: ("Your own vLLM server.", "自建的 vLLM 服务。"),
        help: Some("https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"),
        base: Some("http://localhost:8000/v1"),
        ..OWN_SERVER
    },
];
