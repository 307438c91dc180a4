//! One call of a vendor: limits, whose address it is, and what becomes of an answer that is no success.

use ox_net::{Class, Limits, Request, Response};
use ox_types::Json;
use tokio::time::Instant;

use crate::{
    Call, ChatStream, ErrorClass, ModelError,
    answer::{self, Accounting, Reader},
    fault,
    frames::Framing,
};

const MAX_BODY: u64 = 256 * 1024 * 1024;
const MAX_ERROR_BODY: usize = 64 * 1024;

/// With whom a call speaks, and what must not be told of it.
pub struct Exchange<'a> {
    pub call: Call<'a>,
    /// Provider id.
    pub provider: &'a str,
    /// The vendor's own address, which comes with this program.
    pub own: Option<String>,
    pub secrets: Vec<String>,
}

impl Exchange<'_> {
    /// An error of this provider.
    pub fn error(&self, class: ErrorClass, text: impl Into<String>) -> ModelError {
        ModelError::new(class, self.provider, text)
    }

    /// A POST of a document.
    pub fn post(&self, url: impl Into<String>, body: &Json) -> Request {
        Request::post_json(Class::Model, url, body.to_string())
    }

    /// A GET.
    #[expect(clippy::unused_self, reason = "the counterpart of post")]
    pub fn get(&self, url: impl Into<String>) -> Request {
        Request::get(Class::Model, url)
    }

    /// Adds a header, secret or not.
    pub fn header(&self, request: Request, name: &str, value: &str) -> Result<Request, ModelError> {
        let is_secret = self.secrets.iter().any(|secret| value.contains(secret));
        let added = if is_secret { request.secret_header(name, value) } else { request.header(name, value) };
        added.map_err(|error| fault::without_keys(fault::from_net(self.provider, &error), &self.secrets))
    }

    /// Whose address it is: the vendor's own, or one that somebody entered.
    fn class(&self, url: &str) -> Class {
        let origin = |text: &str| url::Url::parse(text).ok().map(|url| url.origin());
        let own = self.own.as_deref().filter(|own| own.starts_with("https://")).and_then(origin);
        if own.is_some() && own == origin(url) { Class::Vendor } else { Class::Model }
    }

    /// Sets limits and class.
    pub fn prepared(&self, mut request: Request) -> Request {
        let limits = self.call.limits;
        request.limits = Limits {
            connect: limits.connect,
            first_byte: limits.first_token,
            read: limits.idle,
            total: limits.total,
            body: MAX_BODY,
        };
        request.class = self.class(&request.url);
        request
    }

    /// Sends and turns everything that is not a success into an error.
    pub async fn send(&self, request: Request) -> Result<Response, ModelError> {
        let request = self.prepared(request);
        let mut answer = self.call.egress.send(request.clone()).await;
        if matches!(answer, Err(ox_net::NetError::Broken { .. })) {
            // Most often a kept connection that the other side had just closed.
            answer = self.call.egress.send(request).await;
        }
        let told = |error| fault::without_keys(error, &self.secrets);
        let mut response = answer.map_err(|error| told(fault::from_net(self.provider, &error)))?;
        if response.status.is_success() {
            return Ok(response);
        }
        let mut body = Vec::new();
        while body.len() < MAX_ERROR_BODY {
            // The status says enough; a body that breaks off is used as far as it came.
            let Ok(Some(piece)) = response.chunk().await else { break };
            body.extend_from_slice(&piece);
        }
        let body = String::from_utf8_lossy(&body);
        Err(told(fault::from_status(self.provider, response.status.as_u16(), &response.headers, &body)))
    }

    /// Sends and reads one document; an error inside a success is an error.
    pub async fn json(&self, request: Request) -> Result<Json, ModelError> {
        let url = request.url.clone();
        let response = self.send(request).await?;
        let body = response.bytes().await.map_err(|error| fault::from_net(self.provider, &error))?;
        let json: Json = serde_json::from_slice(&body).map_err(|_| {
            let what = format!("{} does not answer in JSON; check the address", without_query(&url));
            fault::garbage(self.provider, &what, &String::from_utf8_lossy(&body))
        })?;
        match fault::from_body(self.provider, &json) {
            Some(error) => Err(fault::without_keys(error, &self.secrets)),
            None => Ok(json),
        }
    }

    /// What an answer needs to be accounted for.
    pub fn accounting(&self, model: &str, started: Instant) -> Accounting {
        Accounting {
            provider: self.provider.to_owned(),
            secrets: self.secrets.clone(),
            model: model.to_owned(),
            messages: Vec::new(),
            tools: Vec::new(),
            stops: Vec::new(),
            pricing: self.call.spec.and_then(|spec| spec.pricing.clone()),
            started,
            first_token: self.call.limits.first_token,
        }
    }

    /// Asks a chat model: a stream where the answer is one, else the whole answer as one piece.
    pub async fn ask(
        &self,
        request: Request,
        framing: Option<Framing>,
        accounting: Accounting,
        reader: Box<dyn Reader>,
    ) -> Result<ChatStream, ModelError> {
        let response = self.send(request).await?;
        let kind = response.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_page = kind.starts_with("text/html");
        // A gateway that does not stream answers a question for a stream in one piece.
        let in_one_piece = kind.starts_with("application/json") && framing != Some(Framing::Lines);
        // Some servers stream whatever they are asked.
        let framing = framing.or_else(|| kind.starts_with("text/event-stream").then_some(Framing::Events));
        match framing {
            Some(framing) if !is_page && !in_one_piece => Ok(answer::stream(response, framing, accounting, reader)),
            _ => answer::whole(response, accounting, reader).await,
        }
    }
}

fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}
