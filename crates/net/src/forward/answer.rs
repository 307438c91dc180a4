//! What the proxy itself answers.

use std::{fmt::Write, time::Duration};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::head::Fault;
use crate::{Denied, NetError, Phase};

/// Time for the client to take an answer and to end what it was sending.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1024 * 1024;

/// An answer of our own.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    phrase: &'static str,
    /// Code for logs and `X-Egress-Reason`.
    pub reason: &'static str,
    /// squid's name of the error page.
    error: &'static str,
    text: String,
    authenticate: bool,
    /// What was refused, where the policy did.
    pub denied: Option<Box<Denied>>,
}

impl Answer {
    fn new(status: u16, phrase: &'static str, reason: &'static str, error: &'static str, text: &str) -> Self {
        Self { status, phrase, reason, error, text: text.to_owned(), authenticate: false, denied: None }
    }

    pub fn health() -> Self {
        Self::new(200, "OK", "", "", "")
    }

    pub fn overloaded() -> Self {
        let text = "all connections of this proxy are in use; raise OXIDIFY_EGRESS_CONNECTIONS or try again";
        Self::new(503, "Service Unavailable", "overloaded", "ERR_TOO_BIG 0", text)
    }

    pub fn stranger() -> Self {
        let text = "this proxy serves private networks; an operator can add others with OXIDIFY_EGRESS_CLIENTS";
        Self::new(403, "Forbidden", "client", "ERR_ACCESS_DENIED 0", text)
    }

    pub fn not_a_proxy_request() -> Self {
        let text = "this is a forward proxy: set HTTP_PROXY and HTTPS_PROXY to it";
        Self::new(400, "Bad Request", "parse", "ERR_INVALID_URL 0", text)
    }

    pub fn needs_credentials() -> Self {
        let text = "this proxy needs credentials: http://user:password@host:port";
        let mut answer =
            Self::new(407, "Proxy Authentication Required", "credentials", "ERR_CACHE_ACCESS_DENIED 0", text);
        answer.authenticate = true;
        answer
    }

    pub fn method_not_allowed(method: &str) -> Self {
        let text = format!("{method} is not relayed");
        Self::new(405, "Method Not Allowed", "method", "ERR_UNSUP_REQ 0", &text)
    }

    pub fn upgrade_refused() -> Self {
        let text = "upgrades are not relayed; open a tunnel with CONNECT";
        Self::new(400, "Bad Request", "parse", "ERR_UNSUP_REQ 0", text)
    }

    pub fn body_too_large(limit: u64) -> Self {
        let text = format!("the request's body is larger than {limit} bytes");
        Self::new(413, "Content Too Large", "too_large", "ERR_TOO_BIG 0", &text)
    }

    pub fn fault(fault: &Fault) -> Self {
        match fault {
            Fault::TooLarge => {
                let text = "the request's head is larger than 64 KiB";
                Self::new(431, "Request Header Fields Too Large", "too_large", "ERR_TOO_BIG 0", text)
            }
            Fault::Malformed(why) => Self::new(400, "Bad Request", "parse", "ERR_INVALID_REQ 0", why),
            Fault::Io(_) => Self::new(400, "Bad Request", "broken", "ERR_INVALID_REQ 0", "the request broke off"),
        }
    }

    /// Why a destination was not reached.
    pub fn failure(error: &NetError) -> Self {
        let text = error.to_string();
        match error {
            NetError::Denied(denied) => Self {
                denied: Some(denied.clone()),
                ..Self::new(403, "Forbidden", denied.reason.as_str(), "ERR_ACCESS_DENIED 0", &text)
            },
            NetError::Dns { .. } => Self::new(503, "Service Unavailable", "dns_failed", "ERR_DNS_FAIL 0", &text),
            NetError::Connect { .. } => Self::new(503, "Service Unavailable", "connect", "ERR_CONNECT_FAIL 111", &text),
            NetError::Timeout { phase: Phase::Connect, .. } => {
                Self::new(504, "Gateway Timeout", "timeout", "ERR_CONNECT_FAIL 110", &text)
            }
            NetError::Timeout { .. } => Self::new(504, "Gateway Timeout", "timeout", "ERR_READ_TIMEOUT 0", &text),
            NetError::TooLarge { .. } => Self::new(502, "Bad Gateway", "too_large", "ERR_TOO_BIG 0", &text),
            _ => Self::new(502, "Bad Gateway", "broken", "ERR_READ_ERROR 0", &text),
        }
    }

    /// The whole message.
    pub fn bytes(&self) -> Vec<u8> {
        let page = self.page();
        let kind = if self.status == 200 { "application/json" } else { "text/html; charset=utf-8" };
        let mut out = format!("HTTP/1.1 {} {}\r\n", self.status, self.phrase);
        // Clients of the compatible system tell a refusal from an origin's own 403 by the word squid.
        out.push_str("Server: oxidify-egress (squid-compatible)\r\n");
        let squid = if self.status == 200 { "" } else { " (squid)" };
        _ = write!(out, "Via: 1.1 oxidify-egress{squid}\r\n");
        if !self.error.is_empty() {
            _ = write!(out, "X-Squid-Error: {}\r\nX-Egress-Reason: {}\r\n", self.error, self.reason);
        }
        if self.authenticate {
            out.push_str("Proxy-Authenticate: Basic realm=\"egress\"\r\n");
        }
        _ = write!(
            out,
            "Content-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
            page.len()
        );
        out.push_str(&page);
        out.into_bytes()
    }

    fn page(&self) -> String {
        if self.status == 200 {
            return "{\"status\":\"ok\"}".to_owned();
        }
        let (title, words) = match self.status {
            403 => ("Access Denied", "Request blocked by SSRF proxy. "),
            _ => (self.phrase, ""),
        };
        let text: String = self.text.chars().take(2000).collect();
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        format!(
            "<!DOCTYPE html>\n<html><head><title>ERROR: {title}</title></head>\n<body><h1>{title}</h1>\n\
             <p>{words}{text}</p>\n<p>oxidify-egress, reason: {}</p></body></html>\n",
            self.reason
        )
    }
}

/// Sends an answer after which the connection ends.
pub async fn send(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), answer: &[u8]) {
    let written = async {
        stream.write_all(answer).await?;
        stream.shutdown().await?;
        // Closing with unread bytes would take the answer back before the client has read it.
        let mut rest = [0_u8; 8192];
        let mut seen = 0;
        while seen < LINGER_BYTES {
            match stream.read(&mut rest).await? {
                0 => break,
                count => seen += count,
            }
        }
        Ok::<(), std::io::Error>(())
    };
    let _ = tokio::time::timeout(LINGER, written).await;
}
