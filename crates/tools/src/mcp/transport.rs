//! One message to a server and what comes back.

use std::{collections::VecDeque, time::Duration};

use ox_net::{Class, Egress, Limits, Method, NetError, Request, Response};
use ox_types::Json;
use serde_json::json;

use super::{
    Error, Server,
    events::{Event, Reader},
};
use crate::call::{mime_of, told};

/// Bytes of one answer.
const MAX_ANSWER: u64 = 8 * 1024 * 1024;
/// Messages that may come before an answer.
const MAX_MESSAGES: usize = 10_000;

/// How long a stream is listened to.
const STREAM: Duration = Duration::from_secs(3600);

/// An open stream of events.
pub struct Stream {
    response: Response,
    reader: Reader,
    ready: VecDeque<Event>,
    seen: usize,
    /// Of the last event that had one.
    pub last_id: Option<String>,
}

pub fn net(error: &NetError) -> Error {
    Error::Net(crate::call::why(error))
}

impl Stream {
    pub fn new(response: Response) -> Self {
        Self { response, reader: Reader::default(), ready: VecDeque::new(), seen: 0, last_id: None }
    }

    /// The next event; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.seen += 1;
                if self.seen > MAX_MESSAGES {
                    return Err(Error::Protocol(format!("more than {MAX_MESSAGES} messages before an answer")));
                }
                if event.id.is_some() {
                    self.last_id.clone_from(&event.id);
                }
                return Ok(Some(event));
            }
            let Some(piece) = self.response.chunk().await.map_err(|error| net(&error))? else { return Ok(None) };
            self.ready.extend(self.reader.take(&piece).map_err(Error::Protocol)?);
        }
    }
}

/// The way to a server.
#[derive(Clone)]
pub struct Wire {
    pub egress: Egress,
    pub server: Server,
    /// Agreed on.
    pub version: Option<String>,
    pub session: Option<String>,
}

/// What a server answered to a message.
pub enum Reply {
    /// It took it.
    Nothing,
    Json(Json),
    Stream(Box<Stream>),
}

impl Wire {
    /// A call with everything that each of them carries.
    pub fn request(&self, method: Method, url: &str, wait: Duration) -> Result<Request, Error> {
        let read = self.server.read_timeout;
        let limits = Limits {
            connect: self.server.timeout.min(Duration::from_secs(30)),
            first_byte: wait,
            read,
            total: read,
            body: MAX_ANSWER,
        };
        let mut request = Request::new(Class::Tool, method, url).limits(limits);
        request.retries = Some(0);
        let add =
            |request: Request, name: &str, value: &str| request.secret_header(name, value).map_err(|error| net(&error));
        for (name, value) in &self.server.headers {
            request = add(request, name, value)?;
        }
        if let Some(token) = &self.server.token {
            request.headers.remove("authorization");
            request = add(request, "authorization", &format!("Bearer {token}"))?;
        }
        if let Some(version) = &self.version {
            request = add(request, "mcp-protocol-version", version)?;
        }
        if let Some(session) = &self.session {
            request = add(request, "mcp-session-id", session)?;
        }
        Ok(request)
    }

    /// Sends a message by POST.
    pub async fn post(&mut self, url: &str, message: &Json, wait: Duration) -> Result<Reply, Error> {
        let mut request = self.request(Method::POST, url, wait)?;
        for (name, value) in [("content-type", "application/json"), ("accept", "application/json, text/event-stream")] {
            request.headers.remove(name);
            request = request.header(name, value).map_err(|error| net(&error))?;
        }
        request.body = message.to_string().into();
        let response = self.egress.send(request).await.map_err(|error| net(&error))?;
        let response = self.checked(response).await?;
        if let Some(id) = response.headers.get("mcp-session-id").and_then(|value| value.to_str().ok())
            && self.session.is_none()
            && id.len() <= 1024
        {
            self.session = Some(id.to_owned());
        }
        if response.status.as_u16() == 202 || response.status.as_u16() == 204 {
            return Ok(Reply::Nothing);
        }
        match mime_of(&response).as_str() {
            "text/event-stream" => Ok(Reply::Stream(Box::new(Stream::new(response)))),
            mime => {
                let mime = mime.to_owned();
                let text = response.text().await.map_err(|error| net(&error))?;
                if text.trim().is_empty() {
                    return Ok(Reply::Nothing);
                }
                serde_json::from_str(&text).map(Reply::Json).map_err(|_| {
                    Error::NotSpoken(format!("The address does not answer as an MCP server ({mime}): {}", told(&text)))
                })
            }
        }
    }

    /// Opens a stream of events by GET.
    pub async fn listen(&self, url: &str, after: Option<&str>) -> Result<Stream, Error> {
        let mut request = self.request(Method::GET, url, self.server.timeout)?;
        // It may serve many calls, each of which has a limit of its own.
        request.limits.total = STREAM.max(self.server.read_timeout);
        request.headers.remove("accept");
        request = request.header("accept", "text/event-stream").map_err(|error| net(&error))?;
        if let Some(id) = after {
            request = request.header("last-event-id", id).map_err(|error| net(&error))?;
        }
        let response = self.egress.send(request).await.map_err(|error| net(&error))?;
        let response = self.checked(response).await?;
        let mime = mime_of(&response);
        if mime != "text/event-stream" {
            return Err(Error::NotSpoken(format!("The address does not answer as an MCP server ({mime}).")));
        }
        Ok(Stream::new(response))
    }

    /// The answer, unless it is a refusal.
    async fn checked(&self, response: Response) -> Result<Response, Error> {
        let status = response.status;
        if status.is_success() {
            return Ok(response);
        }
        if status.as_u16() == 401 {
            let header =
                response.headers.get("www-authenticate").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let part = |name: &str| {
                let (_, rest) = header.split_once(&format!("{name}=\""))?;
                rest.split_once('"').map(|(value, _)| value.to_owned())
            };
            return Err(Error::Unauthorized { metadata: part("resource_metadata"), scope: part("scope") });
        }
        if status.as_u16() == 404 && self.session.is_some() {
            return Err(Error::SessionGone);
        }
        let text = response.text().await.unwrap_or_default();
        // Servers put their own words into an error of the protocol.
        let own: Option<Json> = serde_json::from_str(&text).ok();
        let said = own.as_ref().and_then(|own| own["error"]["message"].as_str()).map_or_else(|| told(&text), told);
        let text = format!("The address answers HTTP {status}: {said}");
        if matches!(status.as_u16(), 400 | 404 | 405 | 406 | 415) {
            Err(Error::NotSpoken(text))
        } else {
            Err(Error::Net(text))
        }
    }
}

/// A request of the protocol.
pub fn asked(id: u64, method: &str, params: &Json) -> Json {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// What a message means for whoever waits for the answer to `id`.
pub enum Meaning {
    Answer(Result<Json, Error>),
    /// The server asks something itself.
    Asked {
        id: Json,
        method: String,
    },
    Other,
}

pub fn meaning(message: &Json, id: u64) -> Meaning {
    if let Some(method) = message["method"].as_str() {
        return match &message["id"] {
            Json::Null => Meaning::Other,
            asked => Meaning::Asked { id: asked.clone(), method: method.to_owned() },
        };
    }
    // Compat: some servers write numbers as texts.
    let is_ours = message["id"].as_u64() == Some(id) || message["id"].as_str() == Some(id.to_string().as_str());
    if !is_ours {
        return Meaning::Other;
    }
    if let Some(error) = message.get("error").filter(|error| !error.is_null()) {
        let message = told(error["message"].as_str().unwrap_or("without a reason"));
        return Meaning::Answer(Err(Error::Remote { code: error["code"].as_i64().unwrap_or_default(), message }));
    }
    Meaning::Answer(message.get("result").cloned().ok_or_else(|| Error::Protocol("an answer without a result".into())))
}
