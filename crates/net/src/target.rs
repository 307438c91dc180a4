//! Strict reading of a URL: what passes here means the same to us and to every other parser.

use std::net::IpAddr;

use url::{Host, Url};

use crate::{Class, Denied, Reason};

const MAX_URL: usize = 8 * 1024;

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub url: Url,
    pub host: TargetHost,
    pub port: u16,
}

/// A host by address or by (normal) name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TargetHost {
    Address(IpAddr),
    Name(String),
}

impl std::fmt::Display for TargetHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(IpAddr::V6(six)) => write!(f, "[{six}]"),
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The URL as it may be shown: no credentials, no query, not long.
#[must_use]
pub fn shown(raw: &str) -> String {
    if let Ok(mut url) = Url::parse(raw)
        && url.has_host()
    {
        _ = url.set_username("");
        _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        return url.as_str().chars().take(300).collect();
    }
    let end = raw.find(['?', '#']).unwrap_or(raw.len());
    let plain = raw.get(..end).unwrap_or_default();
    let plain = plain.rsplit_once('@').map_or(plain, |(_, rest)| rest);
    plain.chars().filter(|character| !character.is_control()).take(300).collect()
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`Denied`] with `scheme`, `parse` or `userinfo`.
    pub fn parse(raw: &str, class: Class) -> Result<Self, Denied> {
        let raw = raw.trim_matches(' ');
        let deny = |reason, detail: &str| Denied::unread(raw, reason, detail);
        let parse = |detail: &str| deny(Reason::Parse, detail);
        if raw.len() > MAX_URL {
            return Err(parse("the URL is longer than 8 KiB"));
        }
        if raw.chars().any(|character| character.is_control() || character == '\\') {
            return Err(parse("the URL holds a control character or a backslash"));
        }
        let rest = after_scheme(raw).map_err(|(reason, detail)| deny(reason, detail))?;
        let authority = rest.find(['/', '?', '#']).map_or(rest, |end| rest.get(..end).unwrap_or_default());
        check_authority(authority, class).map_err(|(reason, detail)| deny(reason, detail))?;
        let url = Url::parse(raw).map_err(|error| parse(&error.to_string()))?;
        let host = match url.host() {
            Some(Host::Ipv4(four)) => TargetHost::Address(four.into()),
            Some(Host::Ipv6(six)) => TargetHost::Address(six.into()),
            Some(Host::Domain(name)) => {
                check_name(name).map_err(parse)?;
                TargetHost::Name(crate::name::normal(name))
            }
            None => return Err(parse("the URL has no host")),
        };
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or_else(|| parse("port 0"))?;
        Ok(Self { url, host, port })
    }

    /// An address the operator set: no rule applies, credentials may be in it.
    ///
    /// # Errors
    /// When it has no host or port.
    pub fn of_operator(url: &Url) -> Result<Self, Denied> {
        let wrong = || Denied::unread(url.as_str(), Reason::Parse, "the address has no host");
        let host = match url.host().ok_or_else(wrong)? {
            Host::Ipv4(four) => TargetHost::Address(four.into()),
            Host::Ipv6(six) => TargetHost::Address(six.into()),
            Host::Domain(name) => TargetHost::Name(crate::name::normal(name)),
        };
        let port = url.port_or_known_default().ok_or_else(wrong)?;
        Ok(Self { url: url.clone(), host, port })
    }

    /// Scheme, host and port: credentials do not cross it.
    #[must_use]
    pub fn origin(&self) -> (&str, &TargetHost, u16) {
        (self.url.scheme(), &self.host, self.port)
    }
}

type Fault = (Reason, &'static str);

fn after_scheme(raw: &str) -> Result<&str, Fault> {
    let fault = (Reason::Parse, "write the URL as http://… or https://…");
    let (scheme, rest) = raw.split_once(':').ok_or(fault)?;
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    if !named {
        return Err(fault);
    }
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err((Reason::Scheme, "only http and https are offered"));
    }
    let rest = rest.strip_prefix("//").ok_or(fault)?;
    if rest.starts_with('/') { Err(fault) } else { Ok(rest) }
}

fn check_authority(authority: &str, class: Class) -> Result<(), Fault> {
    if authority.chars().any(char::is_whitespace) {
        return Err((Reason::Parse, "whitespace in the host part"));
    }
    let (userinfo, host) = match authority.rsplit_once('@') {
        Some((userinfo, host)) => (Some(userinfo), host),
        None => (None, authority),
    };
    if let Some(userinfo) = userinfo {
        if userinfo.contains('@') || decodes_to(userinfo, b"/?#\\\0\r\n") {
            return Err((Reason::Parse, "the user part of the URL is ambiguous"));
        }
        if class != Class::HttpNode {
            return Err((Reason::Userinfo, "credentials in the URL are not accepted here"));
        }
    }
    if host.is_empty() {
        return Err((Reason::Parse, "the URL has no host"));
    }
    if decodes_to(host, b"/?#@:[]%\\\0\r\n\t ") {
        return Err((Reason::Parse, "an encoded delimiter in the host"));
    }
    let port = match host.strip_prefix('[') {
        Some(literal) => literal.split_once(']').map_or(Some("?"), |(_, rest)| rest.strip_prefix(':')),
        None => host.split_once(':').map(|(_, port)| port),
    };
    match port {
        Some(digits) if !digits.is_empty() => match digits.parse::<u16>() {
            Ok(port) if port > 0 && digits.bytes().all(|b| b.is_ascii_digit()) => Ok(()),
            _ => Err((Reason::Parse, "the port is not a number from 1 to 65535")),
        },
        _ => Ok(()),
    }
}

fn decodes_to(text: &str, forbidden: &[u8]) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(3).any(|window| match window {
        [b'%', high, low] => {
            let digits = [*high, *low];
            let code = std::str::from_utf8(&digits).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
            code.is_some_and(|code| forbidden.contains(&code))
        }
        _ => false,
    })
}

fn check_name(name: &str) -> Result<(), &'static str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.len() > 253 || name.split('.').any(|label| label.is_empty() || label.len() > 63) {
        return Err("the host name is not well formed");
    }
    // Every label starting with a digit and made of hex digits only is an address to some parser.
    // (`cafe.de` is made of hex digits too, and is a name to all of them.)
    let hexlike = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_digit()) && label.bytes().all(|b| b.is_ascii_hexdigit() || b == b'x')
    };
    if name.split('.').all(hexlike) { Err("the host looks like an address but is none") } else { Ok(()) }
}
