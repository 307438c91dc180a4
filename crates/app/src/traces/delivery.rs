//! From the end of a run to the provider: queue, batches, attempts.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use moka::future::Cache;
use ox_db::repo;
use ox_models::Credentials;
use ox_net::{Class, Limits, NetError, Request};
use ox_types::{AppId, Json, MessageId, RunId, TenantId};
use tokio::{sync::mpsc, time::Instant};

use super::{Provider, langfuse, opened, otlp, record, tracing_of};
use crate::{Result, Services};

/// Ends that wait to be looked at.
const QUEUE: usize = 8192;
/// Ends of one round.
const ROUND: usize = 100;
/// How long a round waits for more.
const LINGER: Duration = Duration::from_millis(200);
/// Calls that wait for another attempt.
const WAITING: usize = 500;
/// The longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(20);
/// How long another process may go on with a configuration that was changed here.
const FRESH: Duration = Duration::from_secs(10);

/// What has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Run { tenant: TenantId, app: AppId, run: RunId },
    Message { tenant: TenantId, app: AppId, message: MessageId },
}

impl Ended {
    const fn app(self) -> (TenantId, AppId) {
        match self {
            Self::Run { tenant, app, .. } | Self::Message { tenant, app, .. } => (tenant, app),
        }
    }
}

/// Where ends are queued.
pub struct Tracer {
    queue: mpsc::Sender<Ended>,
    /// Taken by the task that works on it.
    ended: Mutex<Option<mpsc::Receiver<Ended>>>,
    targets: Cache<AppId, Option<Arc<Target>>>,
}

impl Default for Tracer {
    fn default() -> Self {
        let (queue, ended) = mpsc::channel(QUEUE);
        let targets = Cache::builder().max_capacity(5_000).time_to_live(FRESH).build();
        Self { queue, ended: Mutex::new(Some(ended)), targets }
    }
}

impl Tracer {
    /// Something has ended. Never waits: what does not fit is counted and not traced.
    pub fn ended(&self, what: Ended) {
        if self.queue.try_send(what).is_err() {
            dropped("queue", 1);
        }
    }

    /// Forgets where an app's traces go.
    pub(super) async fn forget(&self, app: AppId) {
        self.targets.invalidate(&app).await;
    }
}

fn dropped(reason: &'static str, count: u64) {
    metrics::counter!("oxidify_traces_dropped_total", "reason" => reason).increment(count);
}

/// A provider with its credentials.
pub struct Target {
    pub provider: Provider,
    pub values: Credentials,
    pub tenant: TenantId,
}

impl Target {
    pub fn text(&self, name: &str) -> &str {
        self.values.get(name).and_then(Json::as_str).unwrap_or_default()
    }

    /// A call with the credentials.
    pub fn authorized(&self, mut request: Request) -> Result<Request, NetError> {
        match self.provider {
            Provider::Langfuse => {
                let pair = STANDARD.encode(format!("{}:{}", self.text("public_key"), self.text("secret_key")));
                request.secret_header("authorization", &format!("Basic {pair}"))
            }
            Provider::Otlp => {
                for (name, value) in otlp::headers(self.text("headers")).unwrap_or_default() {
                    request = request.secret_header(name, value)?;
                }
                Ok(request)
            }
        }
    }

    /// How bodies are written for it.
    pub fn protocol(&self) -> otlp::Protocol {
        match self.provider {
            Provider::Langfuse => otlp::Protocol::Json,
            Provider::Otlp => otlp::Protocol::parse(self.text("protocol")).unwrap_or(otlp::Protocol::BEFORE),
        }
    }

    /// The call that delivers a body.
    pub fn request(&self, body: Bytes) -> Result<Request, NetError> {
        let url = match self.provider {
            Provider::Langfuse => format!("{}/api/public/ingestion", self.text("host").trim_end_matches('/')),
            Provider::Otlp => otlp::url(self.text("endpoint")),
        };
        let mut request =
            self.authorized(Request::post(Class::ExternalApi, url, self.protocol().content_type(), body))?;
        request.follow_redirects = false;
        request.retries = Some(0);
        request.limits = Limits { total: ATTEMPT, first_byte: ATTEMPT, body: 1024 * 1024, ..Limits::default() };
        Ok(request)
    }
}

/// One call on its way.
struct Call {
    target: Arc<Target>,
    body: Bytes,
    traces: u64,
    attempts: u32,
    due: Instant,
}

/// What became of an attempt.
enum Outcome {
    Taken,
    Again(String),
    Refused(String),
}

/// Sends traces until shutdown.
pub(crate) async fn keep(services: Arc<Services>) {
    let taken = services.traces.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut ended) = taken else { return };
    let mut waiting: VecDeque<Call> = VecDeque::new();
    let mut round = Vec::with_capacity(ROUND);
    loop {
        let due = waiting.iter().map(|call| call.due).min();
        let next = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // What ended before is on record; it is not sent any more.
            () = services.shutdown.cancelled() => return,
            count = ended.recv_many(&mut round, ROUND) => {
                if count == 0 {
                    return;
                }
                if any_traced(&services, &round).await {
                    tokio::time::sleep(LINGER).await;
                    while round.len() < ROUND && let Ok(more) = ended.try_recv() {
                        round.push(more);
                    }
                }
                let calls = calls(&services, std::mem::take(&mut round)).await;
                attempt_all(&services, calls, &mut waiting).await;
            }
            () = next => {
                let now = Instant::now();
                let (due, later): (Vec<Call>, Vec<Call>) = waiting.drain(..).partition(|call| call.due <= now);
                waiting.extend(later);
                attempt_all(&services, due, &mut waiting).await;
            }
        }
    }
}

async fn any_traced(services: &Services, round: &[Ended]) -> bool {
    for what in round {
        if target(services, *what).await.is_some() {
            return true;
        }
    }
    false
}

/// Where the traces of an app go; `None` where it is not traced.
async fn target(services: &Services, what: Ended) -> Option<Arc<Target>> {
    let (tenant, app) = what.app();
    if let Some(known) = services.traces.targets.get(&app).await {
        return known;
    }
    let found = read_target(services, tenant, app).await;
    let found = found.unwrap_or_else(|error| {
        tracing::error!(%error, app_id = %app, "where traces go cannot be read");
        None
    });
    services.traces.targets.insert(app, found.clone()).await;
    found
}

async fn read_target(services: &Services, tenant: TenantId, id: AppId) -> Result<Option<Arc<Target>>> {
    let Some(app) = repo::apps::find(&services.db, tenant, id).await? else { return Ok(None) };
    let tracing = tracing_of(&app);
    let Some(name) = tracing.provider.filter(|_| tracing.enabled) else { return Ok(None) };
    let Some(row) = repo::traces::find(&services.db, tenant, id, &name).await? else { return Ok(None) };
    let (provider, values) = opened(services, &row).await?;
    Ok(Some(Arc::new(Target { provider, values, tenant })))
}

/// The calls that tell of what has ended, by app.
async fn calls(services: &Services, round: Vec<Ended>) -> Vec<Call> {
    let mut by_app: HashMap<AppId, (Arc<Target>, Vec<record::Trace>)> = HashMap::new();
    for what in round {
        let Some(target) = target(services, what).await else { continue };
        let read = match what {
            Ended::Run { tenant, app, run } => record::of_run(services, tenant, app, run).await,
            Ended::Message { tenant, app, message } => record::of_message(services, tenant, app, message).await,
        };
        match read {
            Ok(Some(trace)) => by_app.entry(what.app().1).or_insert_with(|| (target, Vec::new())).1.push(trace),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, "a trace cannot be read");
                dropped("read", 1);
            }
        }
    }
    let mut calls = Vec::new();
    for (target, traces) in by_app.into_values() {
        let count = traces.len() as u64;
        let bodies = match target.provider {
            Provider::Langfuse => langfuse::bodies(&traces),
            Provider::Otlp => {
                let service = Some(target.text("service_name")).filter(|name| !name.is_empty()).unwrap_or("oxidify");
                vec![otlp::body(&traces, service, services.settings.version)]
            }
        };
        let due = Instant::now();
        calls.extend(bodies.into_iter().map(|body| Call {
            target: Arc::clone(&target),
            body: target.protocol().encode(&body),
            traces: count,
            attempts: 0,
            due,
        }));
    }
    calls
}

async fn attempt_all(services: &Services, calls: Vec<Call>, waiting: &mut VecDeque<Call>) {
    let attempts = calls.into_iter().map(|call| async {
        let outcome = attempt(services, &call).await;
        (call, outcome)
    });
    for (mut call, outcome) in futures::future::join_all(attempts).await {
        match outcome {
            Outcome::Taken => {
                metrics::counter!("oxidify_traces_sent_total", "provider" => call.target.provider.as_str())
                    .increment(call.traces)
            }
            Outcome::Refused(why) => {
                tracing::warn!(why, provider = call.target.provider.as_str(), "traces are not taken");
                dropped("refused", call.traces);
            }
            Outcome::Again(why) if call.attempts >= services.settings.trace_retries || waiting.len() >= WAITING => {
                tracing::warn!(why, provider = call.target.provider.as_str(), "traces are given up");
                dropped("attempts", call.traces);
            }
            Outcome::Again(why) => {
                tracing::debug!(why, "traces wait for another attempt");
                call.attempts += 1;
                call.due = Instant::now() + services.settings.trace_pause;
                waiting.push_back(call);
            }
        }
    }
}

async fn attempt(services: &Services, call: &Call) -> Outcome {
    let request = match call.target.request(call.body.clone()) {
        Ok(request) => request,
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    let egress = match services.outbound.of(call.target.tenant).await {
        Ok(egress) => egress,
        Err(error) => return Outcome::Again(error.to_string()),
    };
    let answer = match egress.send(request).await {
        Ok(answer) => answer,
        Err(error @ NetError::Denied(_)) => return Outcome::Refused(error.to_string()),
        Err(error) => return Outcome::Again(error.to_string()),
    };
    let status = answer.status.as_u16();
    let text = answer.text().await.unwrap_or_default();
    match status {
        207 => {
            // Some events may have been refused by themselves.
            let told: Json = serde_json::from_str(&text).unwrap_or_default();
            let errors = told.get("errors").and_then(Json::as_array).map_or(0, Vec::len);
            if errors > 0 {
                tracing::warn!(
                    errors,
                    answer = text.chars().take(500).collect::<String>(),
                    "some events were not taken"
                );
            }
            Outcome::Taken
        }
        200..300 => Outcome::Taken,
        408 | 429 | 500.. => Outcome::Again(format!("the address answered {status}")),
        _ => Outcome::Refused(format!("the address answered {status}: {}", text.chars().take(200).collect::<String>())),
    }
}
