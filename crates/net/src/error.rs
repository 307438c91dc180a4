//! Why a call did not happen or did not end.

use std::{fmt, net::IpAddr, time::Duration};

/// Code of a refusal, as it stands in logs and in `X-Egress-Reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    Scheme,
    Userinfo,
    Parse,
    Port,
    NameDenied,
    PrivateIp,
    Metadata,
    OwnService,
    Allowlist,
    Rebinding,
    Redirect,
    Method,
    Proxy,
}

impl Reason {
    /// The code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheme => "scheme",
            Self::Userinfo => "userinfo",
            Self::Parse => "parse",
            Self::Port => "port",
            Self::NameDenied => "name_denied",
            Self::PrivateIp => "private_ip",
            Self::Metadata => "metadata",
            Self::OwnService => "own_service",
            Self::Allowlist => "allowlist",
            Self::Rebinding => "rebinding",
            Self::Redirect => "redirect",
            Self::Method => "method",
            Self::Proxy => "proxy",
        }
    }
}

/// A call that the egress policy refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The URL without credentials and query.
    pub url: String,
    /// Where it leads, as far as that could be read.
    pub host: String,
    pub port: Option<u16>,
    /// The address that was refused, where one was.
    pub ip: Option<IpAddr>,
    pub reason: Reason,
    /// What exactly was wrong.
    pub detail: String,
    /// What an operator can change; empty when nothing opens it.
    pub remedy: String,
}

impl Denied {
    /// A refusal of something that could not be read as a place to call.
    pub(crate) fn unread(raw: &str, reason: Reason, detail: impl Into<String>) -> Self {
        let (url, detail) = (crate::target::shown(raw), detail.into());
        Self { url, host: String::new(), port: None, ip: None, reason, detail, remedy: String::new() }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Reason::Scheme | Reason::Parse | Reason::Userinfo | Reason::Method => {
                write!(f, "Access to '{}' was blocked by SSRF protection.", self.url)?;
            }
            _ => write!(
                f,
                "Access to '{}' was blocked by SSRF protection. The URL may point to a private or local network address.",
                self.url
            )?,
        }
        write!(f, " Reason: {} ({}).", self.detail, self.reason.as_str())?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, " {}", self.remedy) }
    }
}

/// Which limit passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Connect,
    FirstByte,
    Read,
    Total,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::FirstByte => "waiting for the first byte",
            Self::Read => "reading",
            Self::Total => "the whole call",
        })
    }
}

/// A call that failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NetError {
    #[error("{0}")]
    Denied(Box<Denied>),
    #[error("cannot resolve the name {name}: {why}")]
    Dns { name: String, why: String },
    #[error("cannot connect to {host}: {why}")]
    Connect { host: String, why: String },
    #[error("no answer from {host} within {limit:?} ({phase})")]
    Timeout { host: String, phase: Phase, limit: Duration },
    #[error("the answer of {host} is larger than the limit of {limit} bytes")]
    TooLarge { host: String, limit: u64 },
    #[error("more than {limit} redirects, or a loop, starting at {url}")]
    TooManyRedirects { url: String, limit: usize },
    #[error("the connection to {host} broke: {why}")]
    Broken { host: String, why: String },
    #[error("cannot set up the HTTP client: {0}")]
    Setup(String),
}

impl NetError {
    /// The refusal, if it is one.
    #[must_use]
    pub fn denied(&self) -> Option<&Denied> {
        match self {
            Self::Denied(denied) => Some(denied),
            _ => None,
        }
    }

    /// Code for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.reason.as_str(),
            Self::Dns { .. } => "dns_failed",
            Self::Connect { .. } => "connect",
            Self::Timeout { .. } => "timeout",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyRedirects { .. } => "too_many_redirects",
            Self::Broken { .. } => "broken",
            Self::Setup(_) => "setup",
        }
    }

    /// Whether the request certainly never reached the other side.
    #[must_use]
    pub const fn is_before_send(&self) -> bool {
        matches!(self, Self::Denied(_) | Self::Dns { .. } | Self::Connect { .. } | Self::Setup(_))
    }
}

impl From<Denied> for NetError {
    fn from(denied: Denied) -> Self {
        Self::Denied(Box::new(denied))
    }
}
