//! `oxidify doctor egress`: what an operator is told before users ask. Nothing here needs a network.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use std::process::Command;

use serde_json::{Value, json};

/// Exit code and standard output.
fn doctor(settings: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).envs(settings.iter().copied());
    let output = command.args(["doctor", "egress"]).args(arguments).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn what_the_policy_says_of_a_url() {
    for (settings, arguments, code, expected) in [
        (
            &[][..],
            &["http://93.184.216.34/x", "--class", "http_node"][..],
            0,
            "allowed (public), calls go to 93.184.216.34:80",
        ),
        (
            &[],
            &["http://10.0.0.5/", "--class", "http_node"],
            1,
            "http_node: denied (private_ip): 10.0.0.5 is private (RFC 1918). An operator can allow it with SSRF_PROXY_ALLOW_PRIVATE_IPS=10.0.0.5.",
        ),
        (
            &[("SSRF_PROXY_ALLOW_PRIVATE_IPS", "10.0.0.0/8")],
            &["http://10.0.0.5/", "--class", "tool"],
            0,
            "tool: allowed (SSRF_PROXY_ALLOW_PRIVATE_IPS)",
        ),
        (
            &[("DB_HOST", "10.0.0.5"), ("SSRF_PROXY_ALLOW_PRIVATE_IPS", "10.0.0.0/8")],
            &["http://10.0.0.5:5432/", "--class", "tool"],
            1,
            "denied (own_service)",
        ),
        (
            &[],
            &["http://127.0.0.1:11434/v1", "--class", "model"],
            0,
            "model: allowed (OXIDIFY_EGRESS_MODEL_PRIVATE), calls go to 127.0.0.1:11434",
        ),
        (&[("ALLOW_REGISTER", "true")], &["http://127.0.0.1:11434/v1", "--class", "model"], 1, "denied (private_ip)"),
        (&[], &["http://169.254.169.254/"], 1, "fetch, external_api, model"),
        (
            &[("OXIDIFY_EGRESS_MODE", "allowlist")],
            &["http://93.184.216.34/", "--class", "fetch"],
            1,
            "denied (allowlist)",
        ),
        (
            &[("SSRF_PROXY_ALL_URL", "http://user:secret@10.0.0.9:3128")],
            &["http://93.184.216.34/", "--class", "fetch"],
            0,
            "through http://10.0.0.9:3128/",
        ),
    ] {
        let (got, said) = doctor(settings, arguments);
        assert_eq!(got, code, "{arguments:?}: {said}");
        assert!(said.contains(expected) && !said.contains("secret"), "{arguments:?}: {said}");
    }
    let (code, said) = doctor(&[], &["http://10.0.0.5/", "--json"]);
    let answers: Value = serde_json::from_str(&said).unwrap();
    let of = |class: &str| {
        let all = answers["answers"].as_array().unwrap();
        all.iter().find(|answer| answer["class"] == class).unwrap_or_else(|| panic!("{class}: {said}")).clone()
    };
    assert_eq!((code, &of("http_node")["reason"]), (1, &json!("private_ip")));
    assert_eq!(of("model")["addresses"], json!(["10.0.0.5:80"]));
    assert_eq!(of("sandbox")["decision"], "deny");
    assert_eq!(doctor(&[], &["http://10.0.0.5/", "--class", "nobody"]).0, 2);
}

#[test]
fn what_the_policy_is() {
    let settings = [
        ("PORT", "5009"),
        ("REDIS_HOST", "cache"),
        ("OXIDIFY_EGRESS_DENY", "8.8.8.0/24 .evil.test"),
        ("SSRF_PROXY_ALLOW_PRIVATE_DOMAINS", ".corp.test:8080"),
        ("OXIDIFY_EGRESS_WORKSPACE_PRIVATE", "10.0.0.0/8"),
        ("UNSTRUCTURED_API_URL", "http://unstructured:8000"),
    ];
    let (code, said) = doctor(&settings, &[]);
    assert_eq!(code, 0);
    for expected in [
        "mode: public\n",
        "own services: 0.0.0.0:5009, cache:6379\n",
        "the operator opened: .corp.test:8080\n",
        "denied by the operator: 8.8.8.0/24, .evil.test\n",
        "workspaces may open: 10.0.0.0/8\n",
        "set by the operator: UNSTRUCTURED_API_URL\n",
    ] {
        assert!(said.contains(expected), "{expected}{said}");
    }
    let (_, said) = doctor(&settings, &["--json"]);
    let policy: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(policy["denied by the operator"], json!(["8.8.8.0/24", ".evil.test"]));
}
