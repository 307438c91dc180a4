//! One outgoing call and its answer.

use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use url::Url;

use crate::{
    Class, Denied, NetError, Phase, Reason,
    tls::Verify,
    unzip::{Unzip, UnzipFault},
};

/// Limits of one call. Every one is always set.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    /// From the request to the status line, connecting included.
    pub first_byte: Duration,
    /// Between two pieces of the body.
    pub read: Duration,
    /// Everything.
    pub total: Duration,
    /// Bytes of the body, decompressed.
    pub body: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(60),
            read: Duration::from_secs(60),
            total: Duration::from_secs(120),
            body: 100 * 1024 * 1024,
        }
    }
}

/// One outgoing call.
#[derive(Clone, Debug)]
pub struct Request {
    pub class: Class,
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    /// Headers that hold secrets; dropped when a redirect leaves the origin.
    pub secret_headers: Vec<HeaderName>,
    pub body: Bytes,
    pub limits: Limits,
    pub verify: Verify,
    pub follow_redirects: bool,
    /// How often a call that failed harmlessly is made again; the class's usual number when it is `None`.
    pub retries: Option<u32>,
}

impl Request {
    /// A call without headers and body.
    pub fn new(class: Class, method: Method, url: impl Into<String>) -> Self {
        Self {
            class,
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            secret_headers: Vec::new(),
            body: Bytes::new(),
            limits: Limits::default(),
            verify: Verify::Yes,
            follow_redirects: true,
            retries: None,
        }
    }

    /// A GET.
    pub fn get(class: Class, url: impl Into<String>) -> Self {
        Self::new(class, Method::GET, url)
    }

    /// A POST of JSON.
    pub fn post_json(class: Class, url: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self::post(class, url, "application/json", body)
    }

    /// A POST of something of this content type.
    pub fn post(class: Class, url: impl Into<String>, kind: &'static str, body: impl Into<Bytes>) -> Self {
        let mut request = Self::new(class, Method::POST, url);
        request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        request.body = body.into();
        request
    }

    /// Adds a header given as text.
    ///
    /// # Errors
    /// [`Reason::Parse`] when the name or value is not one (line breaks above all).
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, NetError> {
        let wrong =
            || Denied::unread(&self.url, Reason::Parse, format!("'{}' is not a valid header", name.escape_debug()));
        let name = HeaderName::try_from(name).map_err(|_| wrong())?;
        let value = HeaderValue::from_str(value).or_else(|_| HeaderValue::from_bytes(value.as_bytes()));
        let value = value.map_err(|_| wrong())?;
        self.headers.append(name, value);
        Ok(self)
    }

    /// Adds a header whose value is a secret.
    ///
    /// # Errors
    /// As [`Request::header`].
    pub fn secret_header(mut self, name: &str, value: &str) -> Result<Self, NetError> {
        self = self.header(name, value)?;
        if let Ok(name) = HeaderName::try_from(name) {
            if let Some(value) = self.headers.get_mut(&name) {
                value.set_sensitive(true);
            }
            self.secret_headers.push(name);
        }
        Ok(self)
    }

    /// Sets the limits.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// The answer to a call; its body is read piece by piece, under the call's limits.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Where the answer came from, after redirects.
    pub url: Url,
    pub redirects: usize,
    pub(crate) body: Incoming,
    pub(crate) unzip: Option<Box<Unzip>>,
    pub(crate) host: String,
    pub(crate) limits: Limits,
    pub(crate) deadline: Instant,
    pub(crate) received: u64,
    pub(crate) slot: Option<OwnedSemaphorePermit>,
}

impl Response {
    /// The next piece of the body.
    ///
    /// # Errors
    /// When a limit passes or the connection breaks.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, NetError> {
        loop {
            let Some(piece) = self.raw().await? else { break };
            let piece = match &mut self.unzip {
                Some(unzip) => unzip.piece(&piece, self.limits.body).map_err(|fault| self.fault(fault))?,
                None => piece,
            };
            if !piece.is_empty() {
                return self.counted(piece).map(Some);
            }
        }
        let Some(mut unzip) = self.unzip.take() else { return Ok(None) };
        let rest = unzip.end().map_err(|fault| self.fault(fault))?;
        if rest.is_empty() { Ok(None) } else { self.counted(rest).map(Some) }
    }

    fn counted(&mut self, piece: Bytes) -> Result<Bytes, NetError> {
        self.received = self.received.saturating_add(piece.len() as u64);
        if self.received > self.limits.body {
            return Err(NetError::TooLarge { host: self.host.clone(), limit: self.limits.body });
        }
        Ok(piece)
    }

    fn fault(&self, fault: UnzipFault) -> NetError {
        let host = self.host.clone();
        match fault {
            UnzipFault::TooLarge => NetError::TooLarge { host, limit: self.limits.body },
            UnzipFault::Broken(why) => NetError::Broken { host, why },
        }
    }

    /// The next piece as it came.
    async fn raw(&mut self) -> Result<Option<Bytes>, NetError> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let (wait, phase, limit) = if left < self.limits.read {
                (left, Phase::Total, self.limits.total)
            } else {
                (self.limits.read, Phase::Read, self.limits.read)
            };
            let read = tokio::time::timeout(wait, self.body.frame()).await;
            let read = read.map_err(|_| NetError::Timeout { host: self.host.clone(), phase, limit })?;
            let Some(frame) = read else { return Ok(None) };
            let broken = |error| NetError::Broken { host: self.host.clone(), why: crate::client::cause(&error) };
            // Trailers are not part of the body.
            if let Ok(piece) = frame.map_err(broken)?.into_data() {
                return Ok(Some(piece));
            }
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`Response::chunk`].
    pub async fn bytes(mut self) -> Result<Bytes, NetError> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk().await? else { return Ok(first) };
        let mut all = Vec::from(first);
        all.extend_from_slice(&second);
        while let Some(piece) = self.chunk().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.into())
    }

    /// The whole body as text, broken bytes replaced.
    ///
    /// # Errors
    /// As [`Response::chunk`].
    pub async fn text(self) -> Result<String, NetError> {
        let bytes = self.bytes().await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The body as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, NetError>> + Send {
        futures::stream::try_unfold(self, |mut response| async move {
            Ok(response.chunk().await?.map(|piece| (piece, response)))
        })
    }
}
