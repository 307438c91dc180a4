//! `MODE=sandbox`: the code sandbox as a service, with the compatible HTTP contract.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
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
use ox_net::{Caller, Egress};
use ox_sandbox::{
    CodeError, CodeLimits, CodeRequest, Language, LanguageReport, Local, ScriptOutput, Settings, SettingsFile,
};
use serde::Deserialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use tokio::{net::TcpListener, sync::Semaphore};

use crate::egress::env;

const PORT: u16 = 8194;
/// The key that stock set-ups share; public, so that it protects nothing.
const SAMPLE_KEY: &str = "dify-sandbox";
/// Where the compatible image has its settings and its list of packages.
const CONFIG_FILES: [&str; 2] = ["conf/config.yaml", "/conf/config.yaml"];
const REQUIREMENTS: [&str; 2] = ["dependencies/python-requirements.txt", "/dependencies/python-requirements.txt"];
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
    let mut findings = Vec::new();
    let file = file(&mut findings)?;
    let read = |name: &str| env(name).or_else(|| file.get(name));
    let host: IpAddr = match env("HOST").or_else(|| env("DIFY_BIND_ADDRESS")) {
        Some(text) => text.parse().with_context(|| format!("HOST={text} is not an IP address"))?,
        None => IpAddr::from([0, 0, 0, 0]),
    };
    let port = match read("SANDBOX_PORT") {
        Some(text) => text.parse().with_context(|| format!("SANDBOX_PORT={text} is not a port number"))?,
        None => PORT,
    };
    let key = read("SANDBOX_API_KEY").or_else(|| read("API_KEY")).unwrap_or_else(|| SAMPLE_KEY.to_owned());
    if key == SAMPLE_KEY && !host.is_loopback() {
        bail!(
            "everybody knows the key {SAMPLE_KEY}: set SANDBOX_API_KEY to another one (and CODE_EXECUTION_API_KEY of \
             the platform to the same), or listen on this machine only with HOST=127.0.0.1"
        );
    }
    let most = read("MAX_REQUESTS").and_then(|text| text.parse().ok()).unwrap_or(MAX_REQUESTS);
    let address = SocketAddr::new(host, port);
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; choose another port with SANDBOX_PORT"))?;
    let (policy, warnings) = crate::egress::load(port)?;
    findings.extend(warnings);
    let egress = Egress::new(policy);
    let settings = settings(read, &mut findings);
    let proxy = proxy(read, &mut findings);
    let network = settings.network;
    let sandbox = Local::with_network(settings, crate::code::network(egress.clone()).through(proxy.clone()));
    let service = Arc::new(Service { sandbox, key, network, places: Semaphore::new(most) });
    let reports = service.sandbox.check().await;
    for finding in findings.into_iter().chain(reports.iter().filter_map(LanguageReport::finding)) {
        tracing::warn!("{finding}");
    }
    let [javascript, python] = &reports;
    let network = match proxy {
        _ if !network => "none".to_owned(),
        Some(proxy) => format!("by {proxy}, whose rules decide"),
        None => "by the egress policy of this process".to_owned(),
    };
    tracing::info!(%javascript, %python, network, %address, "the code sandbox is ready");
    if reports.iter().all(|report| report.state.is_err()) {
        bail!("no language can run here; the warnings above say why");
    }
    let server = axum::serve(listener, router(Arc::clone(&service)));
    let packages = async {
        super::serve::keep_packages(&service.sandbox).await;
        std::future::pending::<()>().await;
    };
    let reload = crate::egress::on_hangup(move || match crate::egress::load(port) {
        Ok((policy, findings)) => {
            egress.set_policy(policy);
            tracing::info!(?findings, "egress lists were read again");
        }
        Err(error) => tracing::error!("the egress lists stay as they were: {error:#}"),
    });
    tokio::select! {
        ended = server.with_graceful_shutdown(super::serve::signal()).into_future() => ended?,
        () = packages => {}
        () = reload => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// The configuration file of the compatible service, where there is one. The environment has precedence.
fn file(findings: &mut Vec<String>) -> anyhow::Result<SettingsFile> {
    let path = match env("OXIDIFY_SANDBOX_CONFIG") {
        Some(path) => PathBuf::from(path),
        None => match CONFIG_FILES.iter().map(PathBuf::from).find(|path| path.exists()) {
            Some(path) => path,
            None => return Ok(SettingsFile::default()),
        },
    };
    let file = SettingsFile::read(&path).map_err(anyhow::Error::msg).context("cannot read the sandbox's settings")?;
    findings.extend(file.unknown().into_iter().map(|name| format!("{}: {name} means nothing here", path.display())));
    Ok(file)
}

fn settings(read: impl Fn(&str) -> Option<String>, findings: &mut Vec<String>) -> Settings {
    let on = |name: &str| read(name).is_some_and(|text| ["true", "1", "yes"].contains(&text.to_lowercase().as_str()));
    if on("ENABLE_PRELOAD") {
        findings.push("ENABLE_PRELOAD is ignored: no code runs before the walls are up".into());
    }
    let (mut settings, wrong) = Settings::from_env(&read);
    findings.extend(wrong);
    if let Some(packages) = &mut settings.packages
        && !packages.requirements.exists()
        && let Some(found) = REQUIREMENTS.iter().map(PathBuf::from).find(|path| path.exists())
    {
        packages.requirements = std::path::absolute(&found).unwrap_or(found);
    }
    settings
}

/// The operator's own proxy for code.
fn proxy(read: impl Fn(&str) -> Option<String>, findings: &mut Vec<String>) -> Option<String> {
    let found = |names: [&str; 2]| names.iter().find_map(|name| read(name));
    if found(["SANDBOX_SOCKS5_PROXY", "SOCKS5_PROXY"]).is_some() {
        findings.push("SOCKS5_PROXY is ignored: code calls out by HTTP proxies only".into());
    }
    let http = found(["SANDBOX_HTTP_PROXY", "HTTP_PROXY"]);
    let https = found(["SANDBOX_HTTPS_PROXY", "HTTPS_PROXY"]);
    if http.is_some() && https.is_some() && http != https {
        findings.push("HTTPS_PROXY differs from HTTP_PROXY: the latter serves both".into());
    }
    let proxy = http.or(https)?;
    let url = url::Url::parse(&proxy).ok().filter(|url| url.scheme() == "http" && url.host().is_some());
    match url {
        Some(url) if url.username().is_empty() => Some(proxy),
        Some(_) => {
            findings.push("HTTP_PROXY with credentials is ignored: the egress policy of this process decides".into());
            None
        }
        None => {
            findings.push(format!(
                "HTTP_PROXY={proxy} is not an http:// address; the egress policy of this process decides"
            ));
            None
        }
    }
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
    let network = request.enable_network.is_on();
    match service.sandbox.run_script(script(&service, language, request.code), network).await {
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
    let caller = Caller { workspace: "service".into(), ..Caller::default() };
    CodeRequest { caller, rules: None, language, code, inputs: serde_json::Map::new(), limits }
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
    if let Err(why) = service.sandbox.install_packages().await {
        return failure(StatusCode::OK, -500, &why);
    }
    dependencies(State(service), Query(asked)).await
}

async fn update(State(service): State<Arc<Service>>) -> Response {
    match service.sandbox.install_packages().await {
        Ok(()) => success(&json!({})),
        Err(why) => failure(StatusCode::OK, -500, &why),
    }
}

async fn list(service: &Service) -> Response {
    match service.sandbox.run_script(script(service, Language::Python3, LIST.to_owned()), false).await {
        Ok(output) if output.exit_code == 0 => {
            let found: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
            success(&json!({"dependencies": found}))
        }
        Ok(output) => failure(StatusCode::OK, -500, &output.stderr),
        Err(error) => failure(StatusCode::OK, -500, &error.to_string()),
    }
}
