//! What is told about a request afterwards.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{Caller, Class, Denied, told::known};

/// One request that the proxy answered.
#[derive(Clone, Debug)]
pub struct Access {
    pub at: SystemTime,
    pub took: Duration,
    pub class: Class,
    /// On whose behalf, where this process knows.
    pub caller: Caller,
    /// `None`: a client of this machine without an address.
    pub client: Option<IpAddr>,
    /// In squid's words: `TCP_MISS`, `TCP_TUNNEL`, `TCP_DENIED`, `NONE`.
    pub result: &'static str,
    pub status: u16,
    /// Bytes sent to the client.
    pub bytes: u64,
    pub method: String,
    /// Without credentials and query.
    pub url: String,
    /// Where the request wanted to go, as far as that could be read.
    pub host: String,
    pub port: Option<u16>,
    /// Who the client said it is; empty without credentials.
    pub user: String,
    pub peer: Option<IpAddr>,
    pub mime: String,
    /// Code of a refusal or failure; empty otherwise.
    pub reason: &'static str,
    /// By which rule it passed; empty when it did not.
    pub rule: &'static str,
    /// What the policy refused.
    pub denied: Option<Box<Denied>>,
}

impl Access {
    /// The address that was called, or refused.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.peer.or_else(|| self.denied.as_ref()?.ip)
    }

    /// By what it was decided: a setting, or what was wrong.
    fn rule(&self) -> &str {
        self.denied.as_ref().map_or(self.rule, |denied| &denied.detail)
    }

    fn decision(&self) -> &'static str {
        match self.result {
            "TCP_DENIED" => "deny",
            "NONE" => "fail",
            _ => "allow",
        }
    }

    /// Writes it into the log: the one place that names these fields.
    pub fn tell(&self) {
        tracing::info!(
            decision = self.decision(),
            reason = known(self.reason),
            class = self.class.as_str(),
            host = known(&self.host),
            ip = self.ip().map(|ip| ip.to_string()),
            port = self.port,
            rule = known(self.rule()),
            workspace = known(&self.caller.workspace),
            run_id = known(&self.caller.run),
            node_id = known(&self.caller.node),
            client = self.client.map(|client| client.to_string()),
            user = known(&self.user),
            method = self.method,
            url = self.url,
            result = self.result,
            status = self.status,
            bytes = self.bytes,
            mime = known(&self.mime),
            ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "egress request"
        );
    }

    /// The line of the compatible access log: time, milliseconds, client, result/status, bytes, method, address, user,
    /// hierarchy/peer, type.
    #[must_use]
    pub fn line(&self) -> String {
        let at = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let or_dash = |text: &str| {
            let plain: String = text.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect();
            if plain.is_empty() { "-".to_owned() } else { plain }
        };
        let hierarchy = match self.peer {
            Some(peer) => format!("HIER_DIRECT/{peer}"),
            None => "HIER_NONE/-".to_owned(),
        };
        format!(
            "{}.{:03} {:6} {} {}/{:03} {} {} {} {} {hierarchy} {}",
            at.as_secs(),
            at.subsec_millis(),
            self.took.as_millis(),
            self.client.map_or_else(|| "-".to_owned(), |client| client.to_string()),
            self.result,
            self.status,
            self.bytes,
            or_dash(&self.method),
            or_dash(&self.url),
            or_dash(&self.user),
            or_dash(&self.mime),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns() {
        let mut access = Access {
            at: UNIX_EPOCH + Duration::from_millis(1_700_000_000_045),
            took: Duration::from_millis(12),
            class: Class::Proxy,
            caller: Caller::default(),
            client: Some("10.0.0.9".parse().unwrap()),
            result: "TCP_DENIED",
            status: 403,
            bytes: 900,
            method: "GET".into(),
            url: "http://priv.test/x".into(),
            host: "priv.test".into(),
            port: Some(80),
            user: String::new(),
            peer: None,
            mime: "text/html".into(),
            reason: "private_ip",
            rule: "",
            denied: None,
        };
        assert_eq!(
            access.line(),
            "1700000000.045     12 10.0.0.9 TCP_DENIED/403 900 GET http://priv.test/x - HIER_NONE/- text/html"
        );
        access.url = "http://a\nb c".into();
        access.peer = Some("93.184.216.34".parse().unwrap());
        assert!(access.line().ends_with("GET http://abc - HIER_DIRECT/93.184.216.34 text/html"), "{}", access.line());
    }
}
