//! `MODE=sandbox`: the code sandbox as a service, with the compatible HTTP contract.

use std::{
    net::{IpAddr, SocketAddr},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Query, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use ox_sandbox::{CodeError, CodeLimits, CodeRequest, Language, LanguageReport, Local, ScriptOutput};
use serde::Deserialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use tokio::{net::TcpListener, sync::Semaphore};

use crate::egress::env;

const PORT: u16 = 8194;
/// The key that stock set-ups share; public, so that it protects nothing.
const SAMPLE_KEY: &str = "dify-sandbox";
const MAX_BODY: usize = 32 << 20;
/// Requests accepted at once; more are turned away.
const MAX_REQUESTS: usize = 50;
/// Lists what the interpreter has, as the interpreter of the runs sees it.
const LIST: &str = "import importlib.metadata as m, json\n\
print(json.dumps(sorted(({'name': d.metadata['Name'], 'version': d.version} for d in m.distributions()), \
key=lambda d: (d['name'] or '').lower())))";

struct Service {
    sandbox: Local,
    key: String,
    network: bool,
    places: Semaphore,
}

pub fn run() -> anyhow::Result<ExitCode> {
    let log = ox_obs::LogConfig::from_vars(env);
    ox_obs::init_logs(&log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let result = runtime.block_on(serve());
    runtime.shutdown_background();
    result
}

async fn serve() -> anyhow::Result<ExitCode> {
    let host: IpAddr = match env("HOST").or_else(|| env("DIFY_BIND_ADDRESS")) {
        Some(text) => text.parse().with_context(|| format!("HOST={text} is not an IP address"))?,
        None => IpAddr::from([0, 0, 0, 0]),
    };
    let port = match env("SANDBOX_PORT") {
        Some(text) => text.parse().with_context(|| format!("SANDBOX_PORT={text} is not a port number"))?,
        None => PORT,
    };
    let key = env("SANDBOX_API_KEY").or_else(|| env("API_KEY")).unwrap_or_else(|| SAMPLE_KEY.to_owned());
    if key == SAMPLE_KEY && !host.is_loopback() {
        bail!(
            "everybody knows the key {SAMPLE_KEY}: set SANDBOX_API_KEY to another one (and CODE_EXECUTION_API_KEY of \
             the platform to the same), or listen on this machine only with HOST=127.0.0.1"
        );
    }
    let (settings, findings) = ox_sandbox::Settings::from_env(env);
    let flag =
        |name: &str| env(name).is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "false" | "0" | "no"));
    let network = !flag("SANDBOX_ENABLE_NETWORK") && !flag("ENABLE_NETWORK");
    let most = env("MAX_REQUESTS").and_then(|text| text.parse().ok()).unwrap_or(MAX_REQUESTS);
    let address = SocketAddr::new(host, port);
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; choose another port with SANDBOX_PORT"))?;
    let service = Arc::new(Service { sandbox: Local::new(settings), key, network, places: Semaphore::new(most) });
    let reports = service.sandbox.check().await;
    for finding in findings.into_iter().chain(reports.iter().filter_map(LanguageReport::finding)) {
        tracing::warn!("{finding}");
    }
    let [javascript, python] = &reports;
    tracing::info!(%javascript, %python, network = "none", %address, "the code sandbox is ready");
    if reports.iter().all(|report| report.state.is_err()) {
        bail!("no language can run here; the warnings above say why");
    }
    let server = axum::serve(listener, router(Arc::clone(&service)));
    let packages = async {
        super::serve::keep_packages(&service.sandbox).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = server.with_graceful_shutdown(super::serve::signal()).into_future() => ended?,
        () = packages => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn router(service: Arc<Service>) -> Router {
    let guarded = Router::new()
        .route("/run", post(run_code))
        .route("/dependencies", get(dependencies))
        .route("/dependencies/refresh", get(refresh))
        .route("/dependencies/update", post(update))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&service), authorize));
    Router::new().route("/health", get(|| async { Json("ok") })).nest("/v1/sandbox", guarded).with_state(service)
}

async fn authorize(State(service): State<Arc<Service>>, request: axum::extract::Request, next: Next) -> Response {
    let given = request.headers().get("x-api-key").map(|value| value.as_bytes()).unwrap_or_default();
    if !bool::from(given.ct_eq(service.key.as_bytes())) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    next.run(request).await
}

#[derive(Deserialize)]
struct RunRequest {
    language: String,
    code: String,
    #[serde(default)]
    enable_network: Flag,
}

/// A boolean, which a form sends as text.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Flag {
    Bool(bool),
    Text(String),
    #[default]
    Missing,
}

impl Flag {
    fn is_on(&self) -> bool {
        match self {
            Self::Bool(on) => *on,
            Self::Text(text) => text == "true" || text == "1",
            Self::Missing => false,
        }
    }
}

fn success(data: &Value) -> Response {
    Json(json!({"code": 0, "message": "success", "data": data})).into_response()
}

fn failure(status: StatusCode, code: i32, message: &str) -> Response {
    (status, Json(json!({"code": code, "message": message, "data": null}))).into_response()
}

fn read(headers: &HeaderMap, body: &Bytes) -> Result<RunRequest, String> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        let fields: serde_json::Map<String, Value> =
            url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into())).collect();
        return serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string());
    }
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

async fn run_code(State(service): State<Arc<Service>>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(_place) = service.places.try_acquire() else {
        return failure(StatusCode::SERVICE_UNAVAILABLE, -503, "Too many requests");
    };
    let request = match read(&headers, &body) {
        Ok(request) => request,
        Err(why) => return failure(StatusCode::OK, -400, &why),
    };
    let language = match request.language.as_str() {
        "python3" => Language::Python3,
        "nodejs" | "javascript" => Language::JavaScript,
        _ => return failure(StatusCode::BAD_REQUEST, -400, "unsupported language"),
    };
    if request.enable_network.is_on() && !service.network {
        return failure(StatusCode::OK, -400, "network is disabled, please enable it in the configuration");
    }
    match service.sandbox.run_script(script(&service, language, request.code)).await {
        Ok(output) => success(&wire(&output)),
        Err(CodeError::Busy) => failure(StatusCode::SERVICE_UNAVAILABLE, -503, "Too many requests"),
        Err(error) => failure(StatusCode::OK, -500, &error.to_string()),
    }
}

fn script(service: &Service, language: Language, code: String) -> CodeRequest {
    let settings = service.sandbox.settings();
    let limits = CodeLimits {
        timeout: settings.timeout,
        memory_bytes: settings.memory_bytes,
        output_bytes: settings.output_bytes,
    };
    CodeRequest { workspace: "service".into(), language, code, inputs: serde_json::Map::new(), limits }
}

fn wire(output: &ScriptOutput) -> Value {
    let mut error = String::new();
    if output.exit_code != 0 {
        error = format!("process exited with code {}", output.exit_code);
        for part in [&output.failure, &output.stderr].into_iter().filter(|part| !part.is_empty()) {
            error.push('\n');
            error.push_str(part);
        }
    }
    json!({"stdout": output.stdout, "stderr": output.stderr, "error": error, "exit_code": output.exit_code})
}

#[derive(Deserialize)]
struct Asked {
    language: Option<String>,
}

async fn dependencies(State(service): State<Arc<Service>>, Query(asked): Query<Asked>) -> Response {
    match asked.language.as_deref() {
        Some("python3") => list(&service).await,
        Some("nodejs" | "javascript") => success(&json!({"dependencies": []})),
        _ => failure(StatusCode::BAD_REQUEST, -400, "unsupported language"),
    }
}

async fn refresh(State(service): State<Arc<Service>>, Query(asked): Query<Asked>) -> Response {
    service.sandbox.renew_python().await;
    dependencies(State(service), Query(asked)).await
}

async fn update(State(service): State<Arc<Service>>) -> Response {
    service.sandbox.renew_python().await;
    success(&json!({}))
}

async fn list(service: &Service) -> Response {
    match service.sandbox.run_script(script(service, Language::Python3, LIST.to_owned())).await {
        Ok(output) if output.exit_code == 0 => {
            let found: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
            success(&json!({"dependencies": found}))
        }
        Ok(output) => failure(StatusCode::OK, -500, &output.stderr),
        Err(error) => failure(StatusCode::OK, -500, &error.to_string()),
    }
}
