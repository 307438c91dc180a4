//! `oxidify doctor egress`: what the egress policy of these settings is, and what it says of a URL.

use std::process::ExitCode;

use ox_net::{Class, Delegation, Egress, Mode, NetError, Policy};
use serde_json::{Value, json};

use crate::egress::{self, env};

/// Tell what the egress policy says of a URL, or what the policy is.
///
/// Names are looked up, nothing is called. Reads the settings that the server reads from the environment; the network
/// rules of workspaces, which only narrow or open what these allow, are not looked at. The exit code is 0 when every
/// class that was asked about may call the URL, 1 when one may not.
#[derive(clap::Args)]
pub struct Args {
    /// The URL; without it the policy is shown
    url: Option<String>,
    /// For whose calls: http_node, tool, fetch, external_api, model, vendor, sandbox, plugin, proxy
    #[arg(long, value_parser = class)]
    class: Option<Class>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Settings whose addresses only the operator sets: they are called without a filter.
const UNFILTERED: &[&str] = &[
    "CODE_EXECUTION_ENDPOINT",
    "OXIDIFY_UPSTREAM_PROXY",
    "PIP_MIRROR_URL",
    "RESEND_API_URL",
    "SMTP_SERVER",
    "SSRF_PROXY_ALL_URL",
    "SSRF_PROXY_HTTPS_URL",
    "SSRF_PROXY_HTTP_URL",
    "UNSTRUCTURED_API_URL",
];

fn class(text: &str) -> Result<Class, String> {
    let known = || Class::ALL.iter().filter(|class| **class != Class::Operator);
    let found = known().find(|class| class.as_str() == text).copied();
    found.ok_or_else(|| format!("one of {}", known().map(|class| class.as_str()).collect::<Vec<_>>().join(", ")))
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let port = env("PORT").or_else(|| env("DIFY_PORT")).and_then(|port| port.parse().ok()).unwrap_or(5001);
    let (policy, findings) = egress::load(port)?;
    for finding in &findings {
        crate::commands::complain(&format!("warning: {finding}"));
    }
    let Some(url) = &args.url else {
        show(&policy, args.json);
        return Ok(ExitCode::SUCCESS);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answers = runtime.block_on(ask(&policy, args.class, url))?;
    if args.json {
        crate::commands::say(
            &json!({"url": url, "answers": answers.iter().map(Answer::json).collect::<Vec<_>>()}).to_string(),
        );
    } else {
        for (classes, text) in grouped(&answers) {
            crate::commands::say(&format!("{classes}: {text}"));
        }
    }
    let allowed = answers.iter().all(|answer| answer.decision == "allow");
    Ok(if allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the policy says to one class.
struct Answer {
    class: Class,
    decision: &'static str,
    reason: &'static str,
    /// By which rule it passes, or what is wrong.
    rule: String,
    remedy: String,
    addresses: Vec<String>,
    /// The proxy that the call goes through.
    via: Option<String>,
}

async fn ask(policy: &Policy, only: Option<Class>, url: &str) -> anyhow::Result<Vec<Answer>> {
    let egress = Egress::new(policy.clone());
    // The rules of a mounted squid.conf are those of the forward proxy.
    let proxy = Egress::new(Policy { squid: egress::squid()?, ..policy.clone() });
    let mut answers = Vec::new();
    for class in Class::ALL.into_iter().filter(|class| only.map_or(*class != Class::Operator, |only| only == *class)) {
        let egress = if class == Class::Proxy { &proxy } else { &egress };
        answers.push(Answer::of(egress, class, url).await);
    }
    Ok(answers)
}

impl Answer {
    async fn of(egress: &Egress, class: Class, url: &str) -> Self {
        let https = url.trim_start().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
        let (reason, addresses) = ("", Vec::new());
        match egress.check(class, url).await {
            Ok(pinned) => Self {
                class,
                decision: "allow",
                reason,
                rule: pinned.rule.to_owned(),
                remedy: String::new(),
                addresses: pinned.addresses.iter().map(ToString::to_string).collect(),
                via: egress.carrier(class, https),
            },
            Err(NetError::Denied(denied)) => Self {
                class,
                decision: "deny",
                reason: denied.reason.as_str(),
                rule: denied.detail,
                remedy: denied.remedy,
                addresses,
                via: None,
            },
            Err(error) => {
                let (rule, reason) = (error.to_string(), error.code());
                Self { class, decision: "fail", reason, rule, remedy: String::new(), addresses, via: None }
            }
        }
    }

    fn text(&self) -> String {
        let mut text = match self.decision {
            "allow" => format!("allowed ({}), calls go to {}", self.rule, self.addresses.join(", ")),
            "deny" => format!("denied ({}): {}.", self.reason, self.rule),
            _ => format!("no decision ({}): {}", self.reason, self.rule),
        };
        if let Some(via) = &self.via {
            text.push_str(&format!(" through {via}"));
        }
        if !self.remedy.is_empty() {
            text.push_str(&format!(" {}", self.remedy));
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "class": self.class.as_str(), "decision": self.decision, "reason": self.reason, "rule": self.rule,
            "remedy": self.remedy, "addresses": self.addresses, "via": self.via,
        })
    }
}

/// One line for classes that get the same answer.
fn grouped(answers: &[Answer]) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = Vec::new();
    for answer in answers {
        let (class, text) = (answer.class.as_str(), answer.text());
        match lines.iter_mut().find(|(_, known)| *known == text) {
            Some((classes, _)) => classes.push_str(&format!(", {class}")),
            None => lines.push((class.to_owned(), text)),
        }
    }
    lines
}

fn show(policy: &Policy, as_json: bool) {
    let lines = described(policy);
    if as_json {
        let map: serde_json::Map<String, Value> =
            lines.into_iter().map(|(name, values)| (name.to_owned(), json!(values))).collect();
        crate::commands::say(&Value::Object(map).to_string());
        return;
    }
    for (name, values) in lines {
        let values = if values.is_empty() { "none".to_owned() } else { values.join(", ") };
        crate::commands::say(&format!("{name}: {values}"));
    }
}

fn both(nets: &[impl ToString], names: &[impl ToString]) -> Vec<String> {
    nets.iter().map(ToString::to_string).chain(names.iter().map(ToString::to_string)).collect()
}

/// The policy, a line for each part, in the order in which it decides.
fn described(policy: &Policy) -> Vec<(&'static str, Vec<String>)> {
    let yes = |on: bool| vec![(if on { "yes" } else { "no" }).to_owned()];
    let delegated = match &policy.workspace_private {
        Delegation::Nothing => Vec::new(),
        Delegation::Everything => vec!["everything".to_owned()],
        Delegation::Within { nets, domains } => both(nets, domains),
    };
    let services = policy.own_services.iter().map(|own| format!("{}:{}", own.host, own.port)).collect();
    let unfiltered = UNFILTERED.iter().filter(|name| env(name).is_some()).map(|name| (*name).to_owned()).collect();
    let ports = policy.connect_ports.iter().map(|(first, last)| format!("{first}-{last}")).collect();
    vec![
        ("mode", vec![(if policy.mode == Mode::Allowlist { "allowlist" } else { "public" }).to_owned()]),
        ("never reached: own services", services),
        ("cloud metadata open", yes(policy.allow_metadata)),
        ("private destinations the operator opened", both(&policy.allow_private_nets, &policy.allow_private_domains)),
        ("denied by the operator", both(&policy.deny_nets, &policy.deny_domains)),
        ("listed for allowlist mode", both(&policy.allow_nets, &policy.allow)),
        ("private model servers open", yes(policy.model_private)),
        ("development mode", yes(policy.dev_mode)),
        ("private destinations workspaces may open", delegated),
        ("ports of CONNECT", ports),
        ("not filtered, set by the operator", unfiltered),
    ]
}
