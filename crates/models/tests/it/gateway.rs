//! The adapter against a real gateway, where one is given: `OXIDIFY_TEST_GATEWAY=http://127.0.0.1:4000`
//! with the models `fake-chat`, `fake-limit`, `fake-down` and the key `sk-gateway-1234`.

use ox_models::{
    Call, CallLimits, ChatRequest, ChatResult, Credentials, ErrorClass, Message, ModelError, ModelRef, ModelRuntime,
    Registry, RerankRequest, StaticRuntime,
};
use ox_net::{Egress, Policy};
use serde_json::json;

use crate::scripted::scope;

fn gateway() -> Option<String> {
    let found = std::env::var("OXIDIFY_TEST_GATEWAY").ok();
    if found.is_none() {
        println!("skipped: OXIDIFY_TEST_GATEWAY is not set");
    }
    found
}

fn credentials(base: &str, key: &str) -> Credentials {
    json!({"endpoint_url": base, "api_key": key}).as_object().unwrap().clone()
}

async fn ask(base: &str, key: &str, model: &str, stream: bool) -> Result<ChatResult, ModelError> {
    let runtime =
        StaticRuntime::new(Egress::new(Policy::open_models())).with_credentials("litellm", credentials(base, key));
    let request = ChatRequest { messages: vec![Message::user("hello")], stream, ..ChatRequest::default() };
    let answer = runtime.chat(&scope(), &ModelRef::chat("litellm", model), request).await?;
    ChatResult::collect(answer).await
}

/// The other protocols that the gateway speaks, through their own adapters.
#[tokio::test]
async fn answers_of_a_real_gateway_in_other_protocols() {
    let Some(base) = gateway() else { return };
    let anthropic = |key: &str| json!({"anthropic_api_url": base, "anthropic_api_key": key});
    let gemini = |key: &str| json!({"google_base_url": base, "google_api_key": key});
    let cohere = |key: &str| json!({"base_url": base, "api_key": key});
    for (provider, good, bad) in [
        ("anthropic", anthropic("sk-gateway-1234"), anthropic("wrong-key-0000")),
        ("gemini", gemini("sk-gateway-1234"), gemini("wrong-key-0000")),
    ] {
        let ask = async |credentials: &serde_json::Value, stream: bool| {
            let runtime = StaticRuntime::new(Egress::new(Policy::open_models()))
                .with_credentials(provider, credentials.as_object().unwrap().clone());
            let messages = vec![Message::system("be kind"), Message::user("hello")];
            let request = ChatRequest { messages, stream, ..ChatRequest::default() };
            let answer = runtime.chat(&scope(), &ModelRef::chat(provider, "fake-chat"), request).await?;
            ChatResult::collect(answer).await
        };
        for stream in [true, false] {
            let result = ask(&good, stream).await.unwrap_or_else(|error| panic!("{provider} {stream}: {error}"));
            assert_eq!(result.text, "Hello from a real gateway, 你好 there.", "{provider} {stream}");
            assert_eq!(result.finish_reason.as_deref(), Some("stop"), "{provider} {stream}");
            assert!(result.usage.prompt_tokens > 0 && result.usage.completion_tokens > 0, "{:?}", result.usage);
        }
        let error = ask(&bad, true).await.expect_err(provider);
        println!("{provider}: {error:?}");
        assert_eq!(error.class, ErrorClass::Auth, "{provider}: {error:?}");
        assert!(!error.text.contains("wrong-key-0000"));
    }
    // A ranking in the words of the second API of Cohere needs a model behind it; the refusal is told as what it is.
    let runtime = StaticRuntime::new(Egress::new(Policy::open_models()))
        .with_credentials("cohere", cohere("sk-gateway-1234").as_object().unwrap().clone());
    let request = RerankRequest { query: "q".into(), documents: vec!["a".into()], ..RerankRequest::default() };
    let error = runtime.rerank(&scope(), &ModelRef::chat("cohere", "no-such-model"), request).await.unwrap_err();
    println!("cohere: {error:?}");
    assert!(matches!(error.class, ErrorClass::BadRequest | ErrorClass::NotFound), "{error:?}");
}

#[tokio::test]
async fn answers_and_errors_of_a_real_gateway() {
    let Some(base) = gateway() else { return };
    for stream in [true, false] {
        let result = ask(&base, "sk-gateway-1234", "fake-chat", stream).await.unwrap();
        assert_eq!(result.text, "Hello from a real gateway, 你好 there.");
        assert_eq!(result.finish_reason.as_deref(), Some("stop"));
        assert!(result.usage.prompt_tokens > 0 && result.usage.completion_tokens > 0, "{:?}", result.usage);
    }
    for (key, model, class) in [
        ("wrong-key-0000", "fake-chat", ErrorClass::Auth),
        ("sk-gateway-1234", "fake-limit", ErrorClass::RateLimit { retry_after: None }),
        ("sk-gateway-1234", "fake-down", ErrorClass::Overloaded),
        ("sk-gateway-1234", "no-such-model", ErrorClass::BadRequest),
    ] {
        let error = ask(&base, key, model, true).await.expect_err(model);
        println!("{model}: {error:?}");
        let same = std::mem::discriminant(&error.class) == std::mem::discriminant(&class);
        assert!(same, "{model}: {error:?}");
        assert!(!error.text.is_empty() && !error.text.contains("sk-gateway-1234"));
    }
    let provider = Registry::native().find("litellm").unwrap().clone();
    let egress = Egress::new(Policy::open_models());
    let credentials = credentials(&base, "sk-gateway-1234");
    let call =
        Call { egress: &egress, credentials: &credentials, spec: None, limits: CallLimits::default(), tally: None };
    provider.validate(call, None).await.unwrap();
    let models = provider.remote_models(call).await.unwrap();
    assert!(models.iter().any(|model| model.model == "fake-chat"));
}
