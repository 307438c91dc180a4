//! A session by HTTP: streamable, or the older way over SSE.

use std::time::Duration;

use ox_net::{Egress, Method};
use ox_types::{Json, boxed};
use serde_json::json;
use url::Url;

use super::{
    Error, Server,
    session::{INITIALIZED, agreed, hello, reply},
    transport::{Meaning, Reply, Stream, Wire, asked, meaning, net},
};

/// How often an answer is looked for again after its stream broke off.
const RESUMES: usize = 3;

/// An open session.
pub struct Http {
    pub wire: Wire,
    next_id: u64,
    /// The older way: answers come by this stream, messages go to that address.
    older: Option<(Box<Stream>, String)>,
    /// What the server says about itself.
    pub about: Json,
}

impl Http {
    /// Opens a session, in the newer way or the older, whichever the server speaks.
    ///
    /// # Errors
    /// When it cannot be reached, wants a sign-in, or is no MCP server.
    #[boxed]
    pub async fn open(egress: &Egress, server: &Server) -> Result<Self, Error> {
        let is_older = Url::parse(&server.url).is_ok_and(|url| url.path().trim_end_matches('/').ends_with("/sse"));
        let ways = if is_older { [true, false] } else { [false, true] };
        let mut first = None;
        for older in ways {
            match Self::open_by(egress, server, older).await {
                Err(error @ Error::NotSpoken(_)) => first = first.or(Some(error)),
                other => return other,
            }
        }
        Err(first.unwrap_or_else(|| Error::Protocol("it speaks in no way that is known".into())))
    }

    async fn open_by(egress: &Egress, server: &Server, older: bool) -> Result<Self, Error> {
        let wire = Wire { egress: egress.clone(), server: server.clone(), version: None, session: None };
        let mut session = Self { wire, next_id: 0, older: None, about: Json::Null };
        if older {
            session.listen().await?;
        }
        session.greet().await?;
        Ok(session)
    }

    /// The older way: the server says first where messages go.
    async fn listen(&mut self) -> Result<(), Error> {
        let url = self.wire.server.url.clone();
        let mut stream = self.wire.listen(&url, None).await?;
        let found = tokio::time::timeout(self.wire.server.timeout, async {
            while let Some(event) = stream.next().await? {
                if event.name == "endpoint" {
                    return Ok(event.data);
                }
            }
            Err(Error::NotSpoken("The address ends its stream without saying where messages go.".into()))
        });
        let told = found.await.map_err(|_| Error::Net("it does not say in time where messages go".into()))??;
        let base = Url::parse(&url).map_err(|error| Error::Net(error.to_string()))?;
        let endpoint = base.join(told.trim()).map_err(|error| Error::Protocol(error.to_string()))?;
        // Keys go where the server is, and nowhere else.
        if endpoint.origin() != base.origin() {
            return Err(Error::Protocol("it sends messages to another server".into()));
        }
        self.older = Some((Box::new(stream), endpoint.into()));
        Ok(())
    }

    async fn greet(&mut self) -> Result<(), Error> {
        let answer = self.ask("initialize", &hello(), self.wire.server.timeout).await?;
        let version = agreed(&answer)?;
        self.wire.version = Some(version);
        self.about = answer;
        self.tell(&json!({"jsonrpc": "2.0", "method": INITIALIZED})).await
    }

    fn address(&self) -> String {
        self.older.as_ref().map_or_else(|| self.wire.server.url.clone(), |(_, endpoint)| endpoint.clone())
    }

    /// Says something that nobody answers.
    async fn tell(&mut self, message: &Json) -> Result<(), Error> {
        let address = self.address();
        self.wire.post(&address, message, self.wire.server.timeout).await.map(|_| ())
    }

    /// Asks something, for so long at most.
    async fn ask(&mut self, method: &str, params: &Json, wait: Duration) -> Result<Json, Error> {
        self.next_id += 1;
        let id = self.next_id;
        let work = self.answered(id, asked(id, method, params), wait);
        match tokio::time::timeout(wait, work).await {
            Ok(answer) => answer,
            Err(_) => {
                // A courtesy; the server may go on all the same.
                let told = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id, "reason": "time limit"}});
                _ = tokio::time::timeout(Duration::from_secs(2), self.tell(&told)).await;
                Err(Error::Net(format!("no answer to {method} within {} s", wait.as_secs())))
            }
        }
    }

    async fn answered(&mut self, id: u64, message: Json, wait: Duration) -> Result<Json, Error> {
        let address = self.address();
        let reply = self.wire.post(&address, &message, wait).await?;
        match reply {
            Reply::Json(answer) => {
                let all = match answer {
                    Json::Array(all) => all,
                    one => vec![one],
                };
                for message in &all {
                    if let Meaning::Answer(answer) = meaning(message, id) {
                        return answer;
                    }
                }
                Err(Error::Protocol("it answers something that was not asked".into()))
            }
            Reply::Stream(stream) => self.by_stream(*stream, id).await,
            Reply::Nothing => self.by_older(id).await,
        }
    }

    /// The answer in the stream of a call; where the stream breaks off, in the one that goes on from there.
    async fn by_stream(&mut self, mut stream: Stream, id: u64) -> Result<Json, Error> {
        for _ in 0..=RESUMES {
            if let Some(answer) = self.read(&mut stream, id).await? {
                return answer;
            }
            let Some(last) = stream.last_id.clone() else { break };
            let url = self.wire.server.url.clone();
            stream = self.wire.listen(&url, Some(&last)).await?;
        }
        Err(Error::Protocol("its stream ends without an answer".into()))
    }

    async fn by_older(&mut self, id: u64) -> Result<Json, Error> {
        let Some((mut stream, endpoint)) = self.older.take() else {
            return Err(Error::Protocol("it does not answer a request".into()));
        };
        // Kept out while it is read: answers to the server's own questions go by POST.
        self.older = None;
        let answer = self.read_older(&mut stream, &endpoint, id).await;
        self.older = Some((stream, endpoint));
        answer?.ok_or_else(|| Error::Protocol("its stream ends without an answer".into()))?
    }

    async fn read_older(
        &mut self,
        stream: &mut Stream,
        endpoint: &str,
        id: u64,
    ) -> Result<Option<Result<Json, Error>>, Error> {
        self.read_at(stream, endpoint, id).await
    }

    async fn read(&mut self, stream: &mut Stream, id: u64) -> Result<Option<Result<Json, Error>>, Error> {
        let url = self.wire.server.url.clone();
        self.read_at(stream, &url, id).await
    }

    /// Reads a stream up to the answer; what the server asks meanwhile is answered.
    async fn read_at(
        &mut self,
        stream: &mut Stream,
        address: &str,
        id: u64,
    ) -> Result<Option<Result<Json, Error>>, Error> {
        while let Some(event) = stream.next().await? {
            if !matches!(event.name.as_str(), "" | "message") || event.data.is_empty() {
                continue;
            }
            let message: Json =
                serde_json::from_str(&event.data).map_err(|_| Error::Protocol("an event is not JSON".into()))?;
            match meaning(&message, id) {
                Meaning::Answer(answer) => return Ok(Some(answer)),
                Meaning::Asked { id, method } => {
                    self.wire.post(address, &reply(&id, &method), self.wire.server.timeout).await?;
                }
                Meaning::Other => {}
            }
        }
        Ok(None)
    }

    /// Asks again in a new session when the server has forgotten this one.
    pub async fn ask_again(&mut self, method: &str, params: &Json, wait: Duration) -> Result<Json, Error> {
        match self.ask(method, params, wait).await {
            Err(Error::SessionGone) => {
                (self.wire.session, self.wire.version) = (None, None);
                self.greet().await?;
                self.ask(method, params, wait).await
            }
            other => other,
        }
    }

    /// Ends the session, where the server keeps one.
    #[boxed]
    pub async fn close(mut self) {
        if self.wire.session.is_none() || self.older.take().is_some() {
            return;
        }
        let limit = Duration::from_secs(3);
        let Ok(request) = self.wire.request(Method::DELETE, &self.wire.server.url, limit) else { return };
        match tokio::time::timeout(limit, self.wire.egress.send(request)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(error = %net(&error), "an MCP session was not closed"),
            Err(_) => tracing::debug!("an MCP session was not closed in time"),
        }
    }
}
