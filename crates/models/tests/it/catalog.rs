//! What the registry offers.

use std::collections::BTreeSet;

use ox_models::{Credentials, FetchFrom, ModelFeature, ModelKind, ModelMode, Registry};
use serde_json::json;

#[test]
fn ids_are_unique_and_forms_are_whole() {
    let registry = Registry::native();
    let mut seen = BTreeSet::new();
    for provider in registry.iter() {
        let spec = provider.spec();
        for name in std::iter::once(&spec.id).chain(&spec.aliases) {
            assert!(seen.insert(name.clone()), "{name} twice");
            assert_eq!(registry.find(name).map(|found| found.spec().id.clone()), Some(spec.id.clone()));
        }
        assert!(spec.icon.starts_with("<svg"), "{}", spec.id);
        assert!(!spec.supported_kinds.is_empty() && !spec.configurate_methods.is_empty());
        for field in spec.provider_form.iter().chain(&spec.model_form) {
            assert!(!field.label.en.is_empty() && !field.label.zh.is_empty(), "{} {}", spec.id, field.variable);
        }
        if spec.configurate_methods.contains(&FetchFrom::Customizable) {
            assert!(!spec.model_form.is_empty(), "{}", spec.id);
        }
        assert!(!spec.description.zh.is_ascii(), "{}", spec.id);
        let mut models = BTreeSet::new();
        for model in &spec.models {
            assert!(models.insert((&model.model, model.kind)), "{} {} twice", spec.id, model.model);
            assert!(spec.supported_kinds.contains(&model.kind));
            let configured = serde_json::Map::new();
            assert!(model.check_parameters(&spec.id, &configured).is_ok(), "{}", model.model);
        }
    }
}

#[test]
fn providers_are_found_by_every_spelling() {
    let registry = Registry::native();
    for (asked, expected) in [
        ("openai", "langgenius/openai/openai"),
        ("langgenius/openai/openai", "langgenius/openai/openai"),
        ("langgenius/openai", "langgenius/openai/openai"),
        ("azure_openai", "langgenius/azure_openai/azure_openai"),
        ("openai_api_compatible", "langgenius/openai_api_compatible/openai_api_compatible"),
        ("xai", "langgenius/x/x"),
        ("oxidify/scripted", "oxidify/scripted"),
        ("scripted", "oxidify/scripted"),
        ("local", "oxidify/local"),
        ("oxidify/scripted/scripted", "oxidify/scripted"),
        ("litellm", "oxidify/litellm/litellm"),
        ("anthropic", "langgenius/anthropic/anthropic"),
        ("langgenius/anthropic/anthropic", "langgenius/anthropic/anthropic"),
        ("google", "langgenius/gemini/google"),
        ("gemini", "langgenius/gemini/google"),
        ("vertex_ai", "langgenius/vertex_ai/vertex_ai"),
        ("bedrock", "langgenius/bedrock/bedrock"),
        ("cohere", "langgenius/cohere/cohere"),
        ("jina", "langgenius/jina/jina"),
        ("voyage", "langgenius/voyage/voyage"),
        ("huggingface_tei", "langgenius/huggingface_tei/huggingface_tei"),
        ("huggingface_hub", "langgenius/huggingface_hub/huggingface_hub"),
        ("ollama", "langgenius/ollama/ollama"),
        ("tongyi", "langgenius/tongyi/tongyi"),
        ("volcengine_maas", "langgenius/volcengine_maas/volcengine_maas"),
        ("zhipuai", "langgenius/zhipuai/zhipuai"),
        ("minimax", "langgenius/minimax/minimax"),
        ("perplexity", "langgenius/perplexity/perplexity"),
        ("fireworks", "langgenius/fireworks/fireworks"),
        ("xinference", "langgenius/xinference/xinference"),
        ("localai", "langgenius/localai/localai"),
    ] {
        assert_eq!(registry.find(asked).map(|found| found.spec().id.as_str()), Some(expected), "{asked}");
    }
    for unknown in ["", "nobody", "a/b/c", "/"] {
        assert!(registry.find(unknown).is_none(), "{unknown}");
    }
    assert!(registry.without(&[ox_models::SCRIPTED]).find("scripted").is_none());
}

#[test]
fn the_tables_are_read_whole() {
    let registry = Registry::native();
    for (provider, least) in [
        ("openai", 30),
        ("deepseek", 4),
        ("groq", 3),
        ("mistralai", 10),
        ("moonshot", 10),
        ("togetherai", 20),
        ("x", 8),
        ("anthropic", 20),
        ("google", 15),
        ("vertex_ai", 40),
        ("bedrock", 150),
        ("cohere", 12),
        ("voyage", 20),
        ("jina", 4),
        ("fireworks", 40),
        ("tongyi", 30),
        ("volcengine_maas", 10),
        ("zhipuai", 10),
        ("minimax", 5),
        ("perplexity", 4),
    ] {
        let models = &registry.find(provider).unwrap().spec().models;
        assert!(models.len() >= least, "{provider}: {}", models.len());
    }
    let openai = registry.find("openai").unwrap();
    let gpt = openai.spec().model("gpt-4o", ModelKind::Llm).unwrap();
    assert!(gpt.has(ModelFeature::Vision) && gpt.calls_tools() && gpt.has_json_schema());
    assert_eq!((gpt.context_size(), gpt.mode()), (Some(128_000), ModelMode::Chat));
    let price = gpt.pricing.as_ref().unwrap();
    assert_eq!((price.input.to_string().as_str(), price.unit.to_string().as_str()), ("2.5", "0.000001"));
    let reasoning = openai.spec().model("o3", ModelKind::Llm).unwrap();
    assert!(reasoning.parameter_rules.iter().all(|rule| rule.name != "temperature"));
    let embedding = openai.spec().model("text-embedding-3-small", ModelKind::TextEmbedding).unwrap();
    assert!(embedding.pricing.as_ref().is_some_and(|price| price.output.is_none()));
}

#[test]
fn rows_tell_the_price_of_long_prompts_and_the_only_protocol() {
    let registry = Registry::native();
    let model = |provider: &str, model: &str| {
        registry.find(provider).unwrap().spec().model(model, ModelKind::Llm).unwrap().clone()
    };
    let claude = model("vertex_ai", "claude-sonnet-4-5").pricing.unwrap();
    let prices = |tokens| {
        let prices = claude.for_prompt(tokens);
        (prices.input.to_string(), prices.output.unwrap().to_string())
    };
    assert_eq!(prices(200_000), ("3".into(), "15".into()));
    assert_eq!(prices(200_001), ("6".into(), "22.5".into()));
    for provider in registry.iter() {
        for model in &provider.spec().models {
            let above = model.pricing.as_ref().map(|pricing| pricing.above.as_slice()).unwrap_or_default();
            assert!(above.is_sorted_by_key(|long| long.tokens), "{} {}", provider.spec().id, model.model);
        }
    }
    let pro = model("openai", "gpt-5-pro");
    assert_eq!(pro.model_properties["quirks"], json!(["responses"]));
    assert!(pro.parameter_rules.iter().any(|rule| rule.name == "reasoning_summary"));
    assert!(model("openai", "o3").parameter_rules.iter().all(|rule| rule.name != "reasoning_summary"));
}

#[test]
fn parameters_are_checked_with_the_known_texts() {
    let registry = Registry::native();
    let gpt = registry.find("openai").unwrap().spec().model("gpt-4o", ModelKind::Llm).unwrap().clone();
    for (configured, expected) in [
        (json!({"temperature": 0.5, "max_tokens": 100}), Ok(json!({"temperature": 0.5, "max_tokens": 100}))),
        (json!({"max_tokens": 100.0}), Ok(json!({"max_tokens": 100}))),
        (json!({"temperature": null, "own": 1, "logit_bias": {}}), Ok(json!({"logit_bias": {}}))),
        (json!({"temperature": "hot"}), Err("Model Parameter temperature should be float.")),
        (json!({"temperature": 3}), Err("Model Parameter temperature should be less than or equal to 2.")),
        (json!({"max_tokens": 0}), Err("Model Parameter max_tokens should be greater than or equal to 1.")),
        (json!({"max_tokens": 1.5}), Err("Model Parameter max_tokens should be int.")),
        (json!({"response_format": 1}), Err("Model Parameter response_format should be string.")),
    ] {
        let found = gpt.check_parameters("p", configured.as_object().unwrap());
        let found = found.map(serde_json::Value::Object).map_err(|error| error.text);
        assert_eq!(found, expected.map_err(str::to_owned), "{configured}");
    }
    let o3 = registry.find("openai").unwrap().spec().model("o3", ModelKind::Llm).unwrap().clone();
    let found = o3.check_parameters("p", json!({"max_tokens": 7}).as_object().unwrap()).unwrap();
    assert_eq!(serde_json::Value::Object(found), json!({"max_completion_tokens": 7}));
}

#[test]
fn custom_models_are_what_their_form_says() {
    let registry = Registry::native();
    let provider = registry.find("openai_api_compatible").unwrap();
    let credentials: Credentials = json!({
        "endpoint_url": "http://x/v1", "mode": "chat", "context_size": "8192", "function_calling_type": "tool_call",
        "vision_support": "support", "max_tokens_to_sample": "1000", "display_name": "Mine",
    })
    .as_object()
    .unwrap()
    .clone();
    let model = provider.describe("m", ModelKind::Llm, &credentials);
    assert_eq!((model.context_size(), model.label.en.as_str()), (Some(8192), "Mine"));
    assert!(model.calls_tools() && model.has(ModelFeature::Vision) && !model.has_json_schema());
    assert_eq!(model.parameter_rules.iter().find(|rule| rule.name == "max_tokens").unwrap().max, Some(1000.0));
    let unknown = provider.describe("m", ModelKind::Llm, &Credentials::new());
    assert_eq!((unknown.context_size(), unknown.pricing), (None, None));

    let gateway = registry.find("openrouter").unwrap();
    let passed_on = gateway.describe("openai/gpt-4o", ModelKind::Llm, &Credentials::new());
    assert!(passed_on.has(ModelFeature::Vision) && passed_on.pricing.is_none());
    assert_eq!((passed_on.model.as_str(), passed_on.context_size()), ("openai/gpt-4o", Some(128_000)));

    let azure = registry.find("azure_openai").unwrap();
    let credentials = json!({"base_model_name": "gpt-4o"}).as_object().unwrap().clone();
    let deployment = azure.describe("my-deployment", ModelKind::Llm, &credentials);
    assert_eq!((deployment.model.as_str(), deployment.context_size()), ("my-deployment", Some(128_000)));
    assert_eq!(deployment.pricing, None);
}

#[test]
fn a_foreign_address_has_models_of_its_own() {
    let registry = Registry::native();
    for (provider, credentials, expected) in [
        ("openai", json!({}), false),
        ("openai", json!({"openai_api_base": "https://api.openai.com"}), false),
        ("openai", json!({"openai_api_base": "http://localhost:4000"}), true),
        ("openrouter", json!({}), true),
        ("litellm", json!({"endpoint_url": "http://localhost:4000"}), true),
        ("azure_openai", json!({}), false),
        ("scripted", json!({}), false),
    ] {
        let found = registry.find(provider).unwrap().lists_own_models(credentials.as_object().unwrap());
        assert_eq!(found, expected, "{provider} {credentials}");
    }
}
