//! What needs no stream: vectors and rankings of the small protocols, service accounts.

use base64::Engine as _;
use ox_models::{
    Call, CallLimits, Credentials, EmbeddingInput, EmbeddingRequest, ErrorClass, Media, MediaSource, ModelKind,
    ModelRef, ModelRuntime, Registry, RerankRequest, StaticRuntime,
};
use ox_net::{Egress, Policy};
use serde_json::{Value, json};

use super::KEY;
use crate::{
    scripted::scope,
    server::{Seen, Server, Step, whole},
};

const JSON: &str = "content-type: application/json\r\n";

/// Made for this test and good for nothing else.
const PRIVATE_KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\n\
MIIEpAIBAAKCAQEAm+8tukWrTDIsyq6eyUIVJ34q60LXye9fpLwCNCnhl8oC/02d\n\
6VR7L39bw/Ypxjm5MYWEQFWnBRp7kbzjhm8+j9pMhYEn9hIlOGal9lRRS9siiMFa\n\
X6BLLvOgfu9OTf9LV/dyUu7d7nXGt90KlmKA5JFcp78JjzfkK6UioYVRosE4nT7C\n\
hxpBxVqYFG097bFowWgyyjuvjedcJD+J4GbZOCs6RWE105uvTGY8iUm0gTeg3MBo\n\
Mo17yMMyza6oKare1UNe1Li+mlnKwh5AzSIIgzU9/d/cKF31ypuoMZmHk+F+NYow\n\
GQPSXaHDK6HyrDOFh5zS0a1rwB4MW76CuatCJQIDAQABAoIBAAs7mo6tkB5oCuP6\n\
2kNjOETlCNBzuzm3vasPRBVf4vldOwQLIlH5nPoZ8ZFXPUEjTVzs4k8EHIj4lGg2\n\
NCmt/9K7BgIkAK3wNrAubMwm3MhbG8zAKPN0h5X1RN1//aMOve2zTI/+1wvjfhIm\n\
oSmeJOzSL9uBnn2rqAsg1TLPeMcBiV4OofZV4AfaT6vqjM6ik1CIiJWJXg1BgijE\n\
oS2d4bRSP7/2Jn6dZkoeOtHS1HIERVwaJmA/GtecSEdD3Eo+MKMn1dEw2sf2vdyB\n\
ohbrOwB/9p7RODbnoc99C3/EP19YoARhtufoiXIPgqT1nrsA5cjyPjJJC1xUcy7R\n\
o10k9MECgYEA2huQj/rCGoakGDy7fadNOFLTDUe+rAcfRyrOqM7Zaqy1j7OW4sRg\n\
gfbxhHovwZzuHzcZ58z316StELGw2kv+DlLY+3KP2ZRSoGOZzgkPPXEGLnnYPJcp\n\
HrlvNOL8U3h4T5om/BaR9atuer23qdlgdwoTkR3tZD9awY+6QeO+U3UCgYEAtwZs\n\
2rRDa1AnscWt6oG/dDVUEban+6FEgfQHoTs/tXYLABJ5O24GCn4mvuN39jU1GNzT\n\
GnwrrdzhmC72gf+YKTRAJdXzGqmnMgBopwJ4TuiYMqp8C1yB2y6Eg4fj6Azg5Jah\n\
VJDDc+ZCbYxuEenIORDrnVCqoRq4XW+gJHzCzfECgYEAhsp+Ptzj1GzdQLVX0cHx\n\
MRvOnuh15+7G376O1ThwmUJ/On3sg9yFIAyzGgJBPVB0wQnWkrDTgoudATIvb9mC\n\
+usseclFKVxG7CRhyzlCF+Cfx105y8hHe1tyZKba9eL/x4InEagJMGBv+J8CwI88\n\
1JR/nzF1onyc4/6lR08uMnkCgYBJtSu3dCtGl3Q08rBUpcYNrcBald3Wx56IW1eL\n\
RgolMRHDCK2MEoYaSa2e6IqSO+FTTvMxUlpg3Xh4ykj6F44W4fUHh78suLAdwe5j\n\
e+oplSBeHyxvguTE+VnigqJ0/GLBjCwSm24rScrsxUY6rpS07qyEoUzmLpWbA25R\n\
43CscQKBgQDVFps/6sVFrOsArwK3LRdxKRIFi5zaAmfZ5ZIdUXtwwoiIw+38kXah\n\
ap08b4SC714KPlo0xrY2q0hZqAGLtrMZ8E0X177jwomcF0pQ3MNaOVN0uygFyPsb\n\
e+KyKlSn0AFPiNIu4StduqZpstIlCGdSxBU5Hlb8H5YkkSzm7ZzESg==\n\
-----END RSA PRIVATE KEY-----\n";

/// A key file whose tokens come from this address, in base64 as the platform stores it.
pub fn service_account(base: &str) -> String {
    let file = json!({"type": "service_account", "client_email": "t@p-1.iam.gserviceaccount.com", "private_key_id": "k1",
        "private_key": PRIVATE_KEY, "token_uri": format!("{base}/token")});
    base64::engine::general_purpose::STANDARD.encode(file.to_string())
}

pub fn token_answer() -> Vec<Step> {
    whole("200 OK", JSON, r#"{"access_token": "token-of-the-test", "expires_in": 3599, "token_type": "Bearer"}"#)
}

fn object(value: &Value) -> Credentials {
    value.as_object().unwrap().clone()
}

fn runtime(provider: &str, credentials: &Value) -> StaticRuntime {
    StaticRuntime::new(Egress::new(Policy::open_models())).with_credentials(provider, object(credentials))
}

/// Answers by path; what is not known is told.
async fn server(answers: Vec<(&'static str, Value)>) -> Server {
    Server::start(move |seen: &Seen| {
        let path = seen.line.split(' ').nth(1).unwrap_or_default();
        match answers.iter().find(|(known, _)| *known == path) {
            Some((_, answer)) => whole("200 OK", JSON, &answer.to_string()),
            None => whole("404 Not Found", JSON, &json!({"message": format!("no {path}")}).to_string()),
        }
    })
    .await
}

#[tokio::test]
async fn a_service_account_becomes_a_token() {
    let server = Server::start(|seen| match seen.line.contains("/token") {
        true => token_answer(),
        false => whole("404 Not Found", JSON, "{}"),
    })
    .await;
    let provider = Registry::native().find("vertex_ai").unwrap().clone();
    let egress = Egress::new(Policy::open_models());
    let account = service_account(&server.url(""));
    for (account, class) in [
        (account.clone(), None),
        ("bm90IGEga2V5".to_owned(), Some(ErrorClass::Auth)),
        (r#"{"client_email": "x", "private_key": "no key"}"#.to_owned(), Some(ErrorClass::Auth)),
    ] {
        let credentials = object(
            &json!({"vertex_project_id": "p-1", "vertex_location": "global", "vertex_service_account_key": account}),
        );
        let call =
            Call { egress: &egress, credentials: &credentials, spec: None, limits: CallLimits::default(), tally: None };
        let tried = provider.validate(call, None).await;
        assert_eq!(tried.err().map(|error| error.class), class);
    }
    let seen = server.seen().remove(0);
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&seen.body).into_owned().collect();
    assert_eq!(form[0], ("grant_type".into(), "urn:ietf:params:oauth:grant-type:jwt-bearer".into()));
    let part = |index: usize| -> Value {
        let text = form[1].1.split('.').nth(index).unwrap();
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    assert_eq!((part(0)["alg"].as_str(), part(0)["kid"].as_str()), (Some("RS256"), Some("k1")));
    assert_eq!(part(1)["aud"], server.url("/token"));
    assert_eq!(part(1)["exp"].as_u64().unwrap() - part(1)["iat"].as_u64().unwrap(), 3600);
}

#[tokio::test]
async fn rankings() {
    let results = json!({"results": [{"index": 2, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.2}]});
    let usual = |model: &str| json!({"model": model, "query": "q", "documents": ["a", "b", "c"], "top_n": 2, "return_documents": false});
    for (provider, base, model, path, body, answer) in [
        ("jina", "base_url", "jina-reranker-v3", "/v1/rerank", usual("jina-reranker-v3"), results.clone()),
        ("siliconflow", "endpoint_url", "bge", "/v1/rerank", usual("bge"), results.clone()),
        ("openai_api_compatible", "endpoint_url", "bge", "/v1/rerank", usual("bge"), results.clone()),
        ("xinference", "server_url", "bge", "/v1/rerank", usual("bge"), results.clone()),
        (
            "voyage",
            "base_url",
            "rerank-2.5",
            "/v1/rerank",
            json!({"model": "rerank-2.5", "query": "q", "documents": ["a", "b", "c"], "top_k": 2}),
            json!({"object": "list", "data": results["results"], "usage": {"total_tokens": 9}}),
        ),
        (
            "cohere",
            "base_url",
            "rerank-v3.5",
            "/v2/rerank",
            json!({"model": "rerank-v3.5", "query": "q", "documents": ["a", "b", "c"], "top_n": 2}),
            results.clone(),
        ),
        (
            "huggingface_tei",
            "server_url",
            "m",
            "/rerank",
            json!({"query": "q", "texts": ["a", "b", "c"], "truncate": true}),
            json!([{"index": 2, "score": 0.9}, {"index": 0, "score": 0.2}, {"index": 1, "score": 0.1}]),
        ),
        (
            "bedrock",
            "bedrock_endpoint_url",
            "cohere.rerank-v3-5:0",
            "/model/cohere.rerank-v3-5%3A0/invoke",
            json!({"query": "q", "documents": ["a", "b", "c"], "top_n": 2, "api_version": 2}),
            results.clone(),
        ),
    ] {
        let at = server(vec![(path, answer)]).await;
        let address = if path.starts_with("/v1") { at.url("/v1") } else { at.url("") };
        let mut credentials = json!({"api_key": KEY, "aws_bearer_token": KEY, "aws_region": "us-east-1"});
        credentials[base] = address.into();
        let request = RerankRequest {
            query: "q".into(),
            documents: ["a", "b", "c"].map(str::to_owned).to_vec(),
            top_n: Some(2),
            score_threshold: Some(0.15),
            ..RerankRequest::default()
        };
        let runtime = runtime(provider, &credentials);
        let model = ModelRef::chat(provider, model);
        let ranked = runtime
            .rerank(&scope(), &model, request.clone())
            .await
            .unwrap_or_else(|error| panic!("{provider}: {error}"));
        let ranked: Vec<_> = ranked.iter().map(|one| (one.index, one.score)).collect();
        assert_eq!(ranked, [(2, 0.9), (0, 0.2)], "{provider}");
        let seen = at.seen().pop().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&seen.body).unwrap(), body, "{provider}");
        assert_eq!(seen.header("authorization"), Some(format!("Bearer {KEY}")), "{provider}");
        // A place that no document has, or a document in two places.
        for broken in [
            json!([{"index": 3, "relevance_score": 1}]),
            json!([{"index": 0, "score": 1}, {"index": 0, "score": 0}]),
            json!("x"),
        ] {
            let broken = match provider {
                "huggingface_tei" => broken,
                "voyage" => json!({"data": broken}),
                _ => json!({"results": broken}),
            };
            let at = server(vec![(path, broken)]).await;
            credentials[base] = if path.starts_with("/v1") { at.url("/v1") } else { at.url("") }.into();
            let runtime = self::runtime(provider, &credentials);
            let error = runtime.rerank(&scope(), &model, request.clone()).await.expect_err(provider);
            assert_eq!(error.class, ErrorClass::Garbage, "{provider}: {error}");
        }
    }
}

#[tokio::test]
async fn vectors() {
    let usual = json!({"data": [{"index": 1, "embedding": [3.0]}, {"index": 0, "embedding": [1.0]}], "usage": {"total_tokens": 6}});
    let both = json!({"float": [[1.0], [3.0]]});
    for (provider, base, model, path, body, answer, tokens) in [
        (
            "jina",
            "base_url",
            "jina-embeddings-v3",
            "/v1/embeddings",
            json!({"model": "jina-embeddings-v3", "input": ["a", "b"], "task": "retrieval.query"}),
            usual.clone(),
            6,
        ),
        (
            "voyage",
            "base_url",
            "voyage-3.5",
            "/v1/embeddings",
            json!({"model": "voyage-3.5", "input": ["a", "b"], "input_type": "query"}),
            usual.clone(),
            6,
        ),
        (
            "cohere",
            "base_url",
            "embed-multilingual-v3.0",
            "/v2/embed",
            json!({"model": "embed-multilingual-v3.0", "texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["float"], "truncate": "END"}),
            json!({"embeddings": both, "meta": {"billed_units": {"input_tokens": 6}}}),
            6,
        ),
        (
            "huggingface_tei",
            "server_url",
            "m",
            "/embed",
            json!({"inputs": ["a", "b"], "truncate": true}),
            json!([[1.0], [3.0]]),
            2,
        ),
        (
            "ollama",
            "base_url",
            "m",
            "/api/embed",
            json!({"model": "m", "input": ["a", "b"], "truncate": true}),
            json!({"embeddings": [[1.0], [3.0]], "prompt_eval_count": 6}),
            6,
        ),
        (
            "bedrock",
            "bedrock_endpoint_url",
            "cohere.embed-multilingual-v3",
            "/model/cohere.embed-multilingual-v3/invoke",
            json!({"texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["float"], "truncate": "END"}),
            json!({"embeddings": both}),
            2,
        ),
    ] {
        let at = server(vec![(path, answer)]).await;
        let address = if path.starts_with("/v1") { at.url("/v1") } else { at.url("") };
        let mut credentials = json!({"api_key": KEY, "aws_bearer_token": KEY, "aws_region": "us-east-1"});
        credentials[base] = address.into();
        let request = EmbeddingRequest {
            texts: vec!["a".into(), "b".into()],
            input: EmbeddingInput::Query,
            ..EmbeddingRequest::default()
        };
        let model = ModelRef::chat(provider, model);
        let result = runtime(provider, &credentials).embed(&scope(), &model, request.clone()).await;
        let result = result.unwrap_or_else(|error| panic!("{provider}: {error}"));
        assert_eq!(result.embeddings, [[1.0], [3.0]], "{provider}");
        assert_eq!(result.usage.prompt_tokens, tokens, "{provider}");
        let seen = at.seen().pop().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&seen.body).unwrap(), body, "{provider}");
        // Fewer vectors than texts.
        let at = server(vec![(path, json!({"embeddings": [[1.0]], "data": [{"index": 0, "embedding": [1.0]}]}))]).await;
        credentials[base] = if path.starts_with("/v1") { at.url("/v1") } else { at.url("") }.into();
        let error = runtime(provider, &credentials).embed(&scope(), &model, request).await.expect_err(provider);
        assert_eq!(error.class, ErrorClass::Garbage, "{provider}: {error}");
    }
    // Titan takes one text at a time.
    let at = server(vec![(
        "/model/amazon.titan-embed-text-v2%3A0/invoke",
        json!({"embedding": [1.0], "inputTextTokenCount": 3}),
    )])
    .await;
    let credentials = json!({"aws_bearer_token": KEY, "aws_region": "us-east-1", "bedrock_endpoint_url": at.url("")});
    let request = EmbeddingRequest { texts: vec!["a".into(), "b".into()], ..EmbeddingRequest::default() };
    let model = ModelRef::chat("bedrock", "amazon.titan-embed-text-v2:0");
    let result = runtime("bedrock", &credentials).embed(&scope(), &model, request).await.unwrap();
    assert_eq!((result.embeddings.len(), result.usage.prompt_tokens, at.seen().len()), (2, 6, 2));
}

#[tokio::test]
async fn pictures_become_vectors() {
    let usual = |usage: Value| json!({"data": [{"index": 0, "embedding": [3.0]}], "usage": usage});
    let cohere = json!({"embeddings": {"float": [[3.0]]}, "meta": {"billed_units": {"images": 1, "image_tokens": 7}}});
    let data = "data:image/png;base64,QUJD";
    let picture =
        Media { source: MediaSource::Base64("QUJD".into()), mime: "image/png".into(), filename: None, detail: None };
    for (provider, model, path, body, answer, tokens) in [
        (
            "jina",
            "jina-clip-v2",
            "/v1/embeddings",
            json!({"model": "jina-clip-v2", "input": [{"image": "QUJD"}]}),
            usual(json!({"total_tokens": 4000, "prompt_tokens": 4000})),
            4000,
        ),
        (
            "jina",
            "jina-embeddings-v4",
            "/v1/embeddings",
            json!({"model": "jina-embeddings-v4", "input": [{"image": "QUJD"}], "task": "retrieval.passage"}),
            usual(json!({"total_tokens": 10})),
            10,
        ),
        (
            "voyage",
            "voyage-multimodal-3",
            "/v1/multimodalembeddings",
            json!({"model": "voyage-multimodal-3", "input_type": "document",
                   "inputs": [{"content": [{"type": "image_base64", "image_base64": data}]}]}),
            usual(json!({"text_tokens": 0, "image_pixels": 2_000_000, "total_tokens": 3571})),
            3571,
        ),
        (
            "cohere",
            "embed-v4.0",
            "/v2/embed",
            json!({"model": "embed-v4.0", "input_type": "search_document", "embedding_types": ["float"],
                   "inputs": [{"content": [{"type": "image_url", "image_url": {"url": data}}]}]}),
            cohere.clone(),
            7,
        ),
        (
            "cohere",
            "embed-english-v3.0",
            "/v2/embed",
            json!({"model": "embed-english-v3.0", "input_type": "image", "embedding_types": ["float"], "images": [data]}),
            json!({"embeddings": {"float": [[3.0]]}, "meta": {"billed_units": {"images": 1}}}),
            0,
        ),
    ] {
        let at = server(vec![(path, answer)]).await;
        let address = if path.starts_with("/v1") { at.url("/v1") } else { at.url("") };
        let credentials = json!({"api_key": KEY, "base_url": address});
        let request = EmbeddingRequest { pictures: vec![picture.clone()], ..EmbeddingRequest::default() };
        let asked = ModelRef::chat(provider, model);
        let result = runtime(provider, &credentials).embed(&scope(), &asked, request).await;
        let result = result.unwrap_or_else(|error| panic!("{model}: {error}"));
        assert_eq!((result.embeddings, result.usage.prompt_tokens), (vec![vec![3.0]], tokens), "{model}");
        let seen = at.seen().pop().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&seen.body).unwrap(), body, "{model}");
    }
    // Bedrock has the form of each vendor; the words come first.
    for (model, path, words, seen, answer) in [
        (
            "amazon.titan-embed-image-v1",
            "/model/amazon.titan-embed-image-v1/invoke",
            json!({"inputText": "a"}),
            json!({"inputImage": "QUJD"}),
            json!({"embedding": [3.0], "inputTextTokenCount": 2, "message": null}),
        ),
        (
            "amazon.nova-2-multimodal-embeddings-v1:0",
            "/model/amazon.nova-2-multimodal-embeddings-v1%3A0/invoke",
            json!({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {"embeddingPurpose": "GENERIC_INDEX",
                "embeddingDimension": 3072, "text": {"truncationMode": "END", "value": "a"}}}),
            json!({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {"embeddingPurpose": "GENERIC_INDEX",
                "embeddingDimension": 3072, "image": {"detailLevel": "STANDARD_IMAGE", "format": "png", "source": {"bytes": "QUJD"}}}}),
            json!({"embeddings": [{"embeddingType": "TEXT", "embedding": [3.0]}]}),
        ),
        (
            "cohere.embed-english-v3",
            "/model/cohere.embed-english-v3/invoke",
            json!({"texts": ["a"], "input_type": "search_document", "embedding_types": ["float"], "truncate": "END"}),
            json!({"images": [data], "input_type": "image", "embedding_types": ["float"]}),
            json!({"embeddings": {"float": [[3.0]]}}),
        ),
        (
            "cohere.embed-v4:0",
            "/model/cohere.embed-v4%3A0/invoke",
            json!({"texts": ["a"], "input_type": "search_document", "embedding_types": ["float"], "truncate": "RIGHT"}),
            json!({"images": [data], "input_type": "search_document", "embedding_types": ["float"]}),
            json!({"embeddings": {"float": [[3.0]]}}),
        ),
    ] {
        let at = server(vec![(path, answer)]).await;
        let credentials =
            json!({"aws_bearer_token": KEY, "aws_region": "us-east-1", "bedrock_endpoint_url": at.url("")});
        let request = EmbeddingRequest {
            texts: vec!["a".into()],
            pictures: vec![picture.clone()],
            ..EmbeddingRequest::default()
        };
        let asked = ModelRef::chat("bedrock", model);
        let result = runtime("bedrock", &credentials).embed(&scope(), &asked, request.clone()).await;
        let result = result.unwrap_or_else(|error| panic!("{model}: {error}"));
        assert_eq!(result.embeddings, [[3.0], [3.0]], "{model}");
        let bodies: Vec<Value> = at.seen().iter().map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect();
        assert_eq!(bodies, [words, seen], "{model}");
        // An answer in nobody's form.
        let at = server(vec![(path, json!({"message": "no vector"}))]).await;
        let credentials =
            json!({"aws_bearer_token": KEY, "aws_region": "us-east-1", "bedrock_endpoint_url": at.url("")});
        let error = runtime("bedrock", &credentials).embed(&scope(), &asked, request).await.expect_err(model);
        assert_eq!(error.class, ErrorClass::Garbage, "{model}: {error}");
    }
    // What does not see is never sent a picture, nor is it left out in silence.
    let at = server(vec![]).await;
    let credentials = json!({"api_key": KEY, "base_url": at.url("/v1"), "openai_api_key": KEY, "google_api_key": KEY});
    for (provider, model) in
        [("jina", "jina-embeddings-v3"), ("voyage", "voyage-3.5"), ("gemini", "gemini-embedding-001")]
    {
        let request = EmbeddingRequest { pictures: vec![picture.clone()], ..EmbeddingRequest::default() };
        let asked = ModelRef::chat(provider, model);
        let error = runtime(provider, &credentials).embed(&scope(), &asked, request).await.expect_err(model);
        assert_eq!(error.class, ErrorClass::Unsupported, "{model}: {error}");
        assert!(at.seen().is_empty(), "{model}");
    }
}

#[tokio::test]
async fn keys_are_tried_and_models_listed() {
    let at = server(vec![
        ("/v1/models?limit=1", json!({"data": [{"id": "claude-x"}]})),
        ("/v1/models?limit=1000", json!({"data": [{"id": "claude-sonnet-4-5"}, {"id": "claude-x"}]})),
        ("/v1beta/models?pageSize=1", json!({"models": []})),
        ("/v1beta/models?pageSize=1000", json!({"models": [{"name": "models/gemini-2.5-pro"}, {"name": "models/gemini-embedding-001"}]})),
        ("/v1/models?page_size=1", json!({"models": []})),
        ("/api/tags", json!({"models": [{"name": "qwen3:4b"}, {"name": "nomic-embed-text:latest"}]})),
        ("/api/show", json!({"capabilities": ["completion", "tools", "thinking"], "model_info": {"qwen3.context_length": 40_960}})),
        ("/info", json!({"model_id": "BAAI/bge-reranker", "model_type": {"reranker": {}}, "max_input_length": 512, "max_client_batch_size": 16})),
        ("/foundation-models", json!({"modelSummaries": []})),
    ])
    .await;
    let egress = Egress::new(Policy::open_models());
    let registry = Registry::native();
    for (provider, credentials, models) in [
        (
            "anthropic",
            json!({"anthropic_api_key": KEY, "anthropic_api_url": at.url("")}),
            vec!["claude-sonnet-4-5", "claude-x"],
        ),
        (
            "gemini",
            json!({"google_api_key": KEY, "google_base_url": at.url("")}),
            vec!["gemini-2.5-pro", "gemini-embedding-001"],
        ),
        ("cohere", json!({"api_key": KEY, "base_url": at.url("/v2")}), vec![]),
        ("ollama", json!({"base_url": at.url("/v1/")}), vec!["nomic-embed-text:latest", "qwen3:4b"]),
        ("tei", json!({"server_url": at.url("")}), vec!["BAAI/bge-reranker"]),
        (
            "bedrock",
            json!({"aws_access_key_id": "AKIA", "aws_secret_access_key": KEY, "bedrock_endpoint_url": at.url("")}),
            vec![],
        ),
    ] {
        let found = registry.find(provider).unwrap();
        let credentials = object(&credentials);
        let call =
            Call { egress: &egress, credentials: &credentials, spec: None, limits: CallLimits::default(), tally: None };
        found.validate(call, None).await.unwrap_or_else(|error| panic!("{provider}: {error}"));
        if models.is_empty() {
            assert!(found.remote_models(call).await.is_err(), "{provider}");
            continue;
        }
        let listed = found.remote_models(call).await.unwrap();
        assert_eq!(listed.iter().map(|model| model.model.as_str()).collect::<Vec<_>>(), models, "{provider}");
        assert!(found.lists_own_models(&credentials), "{provider}");
        if provider == "ollama" {
            // What a server told is known from then on.
            let known = found.describe("qwen3:4b", ModelKind::Llm, &credentials);
            assert!(known.calls_tools() && known.context_size() == Some(40_960));
        }
        if provider == "tei" {
            assert_eq!((listed[0].kind, listed[0].context_size()), (ModelKind::Rerank, Some(512)));
        }
        // Nobody home, and a page instead.
        for base in ["http://127.0.0.1:9", &at.url("/nothing")] {
            let mut wrong = credentials.clone();
            let field = wrong.keys().find(|name| name.contains("url")).unwrap().clone();
            wrong.insert(field, base.into());
            let call = Call { credentials: &wrong, ..call };
            assert!(found.validate(call, None).await.is_err(), "{provider} {base}");
        }
    }
}
