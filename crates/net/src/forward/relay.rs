//! One absolute-form request and its answer, passed on while they stream.

use std::{io, net::IpAddr, time::Duration};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::Instant,
};

use super::{
    Inner, Next,
    answer::Answer,
    framing::{Framing, Walker},
    head::{self, Fault, Head},
};
use crate::{Denied, Dialed, NetError, Phase, Pinned, Reason, guard::Asker};

/// Interim answers before the real one.
const MAX_INTERIM: usize = 16;

pub async fn serve(
    proxy: &Inner,
    client: &mut (impl AsyncRead + AsyncWrite + Send + Unpin),
    buffer: &mut BytesMut,
    head: &Head,
    from: Option<IpAddr>,
    began: Instant,
) -> Next {
    if matches!(head.framing, Framing::Length(length) if length > proxy.config.body) {
        proxy.refuse(client, from, Some(head), &Answer::body_too_large(proxy.config.body), began).await;
        return Next::Close;
    }
    let (pinned, dialed) = match open(proxy, head, from).await {
        Ok(opened) => opened,
        Err(error) => {
            proxy.refuse(client, from, Some(head), &Answer::failure(&error), began).await;
            return Next::Close;
        }
    };
    let peer = dialed.peer.ip();
    let mut passage = Passage { proxy, head, host: pinned.target.host.to_string(), sent: Sent::default() };
    let outcome = passage.run(client, buffer, dialed, &pinned.target.url).await;
    if let Err(failure) = &outcome
        && passage.sent.bytes == 0
    {
        proxy.refuse(client, from, Some(head), failure, began).await;
        return Next::Close;
    }
    let mut access = proxy.access(from, Some(head), began);
    access.took = began.elapsed();
    access.result = "TCP_MISS";
    access.status = passage.sent.status;
    access.bytes = passage.sent.bytes;
    access.mime = passage.sent.mime;
    access.peer = Some(peer);
    access.rule = pinned.rule;
    if outcome.is_err() {
        access.result = "TCP_MISS_ABORTED";
        access.reason = "broken";
    }
    (proxy.log)(&access);
    outcome.unwrap_or(Next::Close)
}

async fn open(proxy: &Inner, head: &Head, from: Option<IpAddr>) -> Result<(Pinned, Dialed), NetError> {
    if head.target.len() >= 6 && !head.target.contains("://") {
        return Err(Denied::unread(&head.target, Reason::Parse, "the request names no absolute URL").into());
    }
    let asker = Asker { client: from, method: &head.method, ..proxy.egress.asker(proxy.config.class) };
    let pinned = proxy.egress.judge(asker, &head.target).await?;
    if pinned.target.url.scheme() == "https" {
        return Err(Denied::unread(&head.target, Reason::Scheme, "https is tunnelled with CONNECT").into());
    }
    let dialed = proxy.egress.dial(&pinned, proxy.config.connect).await?;
    Ok((pinned, dialed))
}

/// What the client has got so far.
#[derive(Default)]
struct Sent {
    status: u16,
    bytes: u64,
    mime: String,
}

struct Passage<'a> {
    proxy: &'a Inner,
    head: &'a Head,
    host: String,
    sent: Sent,
}

impl Passage<'_> {
    async fn run(
        &mut self,
        client: &mut (impl AsyncRead + AsyncWrite + Send + Unpin),
        buffer: &mut BytesMut,
        dialed: Dialed,
        url: &url::Url,
    ) -> Result<Next, Answer> {
        let (mut origin_in, mut origin_out) = dialed.stream.into_split();
        let broken = |error: io::Error| self.failure(Fault::Io(error));
        origin_out.write_all(&self.head.to_origin(url)).await.map_err(broken)?;
        let (mut client_in, mut client_out) = tokio::io::split(client);
        let (limit, wait, framing) = (self.proxy.config.body, self.proxy.config.read, self.head.framing);
        let mut upload = std::pin::pin!(upload(&mut client_in, buffer, &mut origin_out, framing, limit, wait));
        let mut uploaded = None;
        let keep = {
            let mut download = std::pin::pin!(self.download(&mut origin_in, &mut client_out));
            loop {
                tokio::select! {
                    result = &mut upload, if uploaded.is_none() => match result {
                        // An origin may answer before it has read everything.
                        Ok(()) | Err(Upload::Origin) => uploaded = Some(result.is_ok()),
                        Err(Upload::TooLarge) => return Err(Answer::body_too_large(limit)),
                        Err(Upload::Client(fault)) => return Err(Answer::fault(&fault)),
                    },
                    keep = &mut download => break keep?,
                }
            }
        };
        Ok(if keep == Next::Keep && uploaded == Some(true) { Next::Keep } else { Next::Close })
    }

    async fn download(
        &mut self,
        origin: &mut (impl AsyncRead + Unpin),
        client: &mut (impl AsyncWrite + Unpin),
    ) -> Result<Next, Answer> {
        let wait = self.proxy.config.read;
        let mut buffer = BytesMut::new();
        let mut answer = None;
        for _ in 0..MAX_INTERIM {
            let read = tokio::time::timeout(wait, head::read_answer(origin, &mut buffer)).await;
            let found = read.map_err(|_| self.silent(wait))?.map_err(|fault| self.failure(fault))?;
            if found.status >= 200 {
                answer = Some(found);
                break;
            }
            // 101 would make the connection something else than HTTP.
            if found.status == 101 {
                return Err(self.failure(Fault::Malformed("the origin changed the protocol unasked")));
            }
            if self.head.minor > 0 {
                self.write(client, &found.to_client(Framing::None, true), wait).await?;
            }
        }
        let answer = answer.ok_or_else(|| self.failure(Fault::Malformed("no final answer")))?;
        let framing = answer.framing(&self.head.method).map_err(|fault| self.failure(fault))?;
        let keep = framing != Framing::Close && self.head.keeps_alive();
        self.sent.status = answer.status;
        self.sent.mime = answer.mime();
        self.write(client, &answer.to_client(framing, keep), wait).await?;
        let mut walker = Walker::new(framing);
        while !walker.is_done() {
            if buffer.is_empty() {
                buffer.reserve(16 * 1024);
                let read = tokio::time::timeout(wait, origin.read_buf(&mut buffer)).await;
                let read = read.map_err(|_| self.silent(wait))?.map_err(|error| self.failure(Fault::Io(error)))?;
                if read == 0 {
                    if walker.may_end() {
                        break;
                    }
                    return Err(self.failure(Fault::Io(io::ErrorKind::UnexpectedEof.into())));
                }
            }
            let used = walker.take(&buffer).map_err(|fault| self.failure(fault))?;
            self.write(client, buffer.get(..used).unwrap_or_default(), wait).await?;
            buffer.advance(used);
        }
        client.flush().await.map_err(|error| self.failure(Fault::Io(error)))?;
        Ok(if keep { Next::Keep } else { Next::Close })
    }

    async fn write(
        &mut self,
        client: &mut (impl AsyncWrite + Unpin),
        bytes: &[u8],
        wait: Duration,
    ) -> Result<(), Answer> {
        let written = tokio::time::timeout(wait, client.write_all(bytes)).await;
        self.sent.bytes = self.sent.bytes.saturating_add(bytes.len() as u64);
        written.map_err(|_| self.silent(wait))?.map_err(|error| self.failure(Fault::Io(error)))
    }

    fn silent(&self, limit: Duration) -> Answer {
        Answer::failure(&NetError::Timeout { host: self.host.clone(), phase: Phase::Read, limit })
    }

    fn failure(&self, fault: Fault) -> Answer {
        let host = self.host.clone();
        Answer::failure(&match fault {
            Fault::TooLarge => NetError::TooLarge { host, limit: head::MAX_HEAD as u64 },
            Fault::Malformed(why) => NetError::Broken { host, why: why.to_owned() },
            Fault::Io(error) => NetError::Broken { host, why: error.to_string() },
        })
    }
}

/// Why a request's body did not get through.
enum Upload {
    TooLarge,
    /// The client's side of it.
    Client(Fault),
    /// The origin took no more.
    Origin,
}

async fn upload(
    client: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    origin: &mut (impl AsyncWrite + Unpin),
    framing: Framing,
    limit: u64,
    wait: Duration,
) -> Result<(), Upload> {
    let mut walker = Walker::new(framing);
    while !walker.is_done() {
        if buffer.is_empty() {
            buffer.reserve(16 * 1024);
            let silent = || Upload::Client(Fault::Io(io::ErrorKind::TimedOut.into()));
            let read = tokio::time::timeout(wait, client.read_buf(buffer)).await.map_err(|_| silent())?;
            if read.map_err(|error| Upload::Client(Fault::Io(error)))? == 0 {
                return Err(Upload::Client(Fault::Io(io::ErrorKind::UnexpectedEof.into())));
            }
        }
        let used = walker.take(buffer).map_err(Upload::Client)?;
        if walker.content > limit {
            return Err(Upload::TooLarge);
        }
        let written = tokio::time::timeout(wait, origin.write_all(buffer.get(..used).unwrap_or_default())).await;
        if !matches!(written, Ok(Ok(()))) {
            return Err(Upload::Origin);
        }
        buffer.advance(used);
    }
    Ok(())
}
