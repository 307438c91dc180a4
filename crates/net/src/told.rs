//! What is told about calls: who made them, where they went, and by which rule. One set of names for the lines of this
//! process and of its proxies.

use std::net::IpAddr;

use http::{Method, StatusCode};

use crate::{Denied, NetError, Pinned, guard::Asker};

/// On whose behalf calls are made: told, never decided by. What is not known stays empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    pub workspace: String,
    pub run: String,
    pub node: String,
}

/// Of calls that nobody in particular makes.
pub static NOBODY: Caller = Caller { workspace: String::new(), run: String::new(), node: String::new() };

/// Left out of the line where it is empty.
pub fn known(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// One call of this process that was answered.
pub fn allowed(asker: Asker<'_>, pinned: &Pinned, ip: Option<IpAddr>, method: &Method, status: StatusCode) {
    let (target, caller) = (&pinned.target, asker.caller);
    // There are as many as calls: an operator turns them on to look at something; refusals are told in any case.
    tracing::debug!(
        decision = "allow",
        class = asker.class.as_str(),
        host = %target.host,
        ip = ip.map(|ip| ip.to_string()),
        port = target.port,
        rule = pinned.rule,
        workspace = known(&caller.workspace),
        run_id = known(&caller.run),
        node_id = known(&caller.node),
        method = method.as_str(),
        status = status.as_u16(),
        "egress"
    );
}

/// One metric for each call, and for a refusal the line.
pub fn count<T>(asker: Asker<'_>, result: &Result<T, NetError>) {
    let outcome = match result {
        Ok(_) => "allow",
        Err(NetError::Denied(_)) => "deny",
        Err(_) => "fail",
    };
    let reason = result.as_ref().err().map_or("", NetError::code);
    let class = asker.class.as_str();
    metrics::counter!("oxidify_egress_requests_total", "client" => class, "decision" => outcome, "reason" => reason)
        .increment(1);
    if let Err(NetError::Denied(refusal)) = result {
        refused(asker, refusal);
    }
}

fn refused(asker: Asker<'_>, refusal: &Denied) {
    let caller = asker.caller;
    tracing::warn!(
        decision = "deny",
        reason = refusal.reason.as_str(),
        class = asker.class.as_str(),
        host = known(&refusal.host),
        ip = refusal.ip.map(|ip| ip.to_string()),
        port = refusal.port,
        rule = refusal.detail,
        workspace = known(&caller.workspace),
        run_id = known(&caller.run),
        node_id = known(&caller.node),
        url = refusal.url,
        "egress: Request blocked by SSRF proxy"
    );
}
