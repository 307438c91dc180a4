//! The numbered cases of the egress contract which are decisions about a URL.

use std::sync::Arc;

use ox_net::{Class, Delegation, Destination, DomainRule, Egress, Mode, OwnService, Policy, Rules};

use crate::names::Names;

/// What `check` says: `allow`, or the code of the refusal.
async fn decide(policy: Policy, class: Class, url: &str) -> String {
    let egress = Egress::with_resolver(policy, Names::fixture());
    match egress.check(class, url).await {
        Ok(_) => "allow".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

async fn check_all(policy: &Policy, class: Class, cases: &[(u32, &str, &str)]) {
    let mut wrong = Vec::new();
    for (number, url, expected) in cases {
        let found = decide(policy.clone(), class, url).await;
        let fits = if *expected == "deny" { found != "allow" } else { found == *expected };
        if !fits {
            wrong.push(format!("case {number}: {url} gave {found}, expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn cases_of_the_public_mode() {
    let cases = [
        (1, "http://pub.test/", "allow"),
        (2, "https://pub.test/", "allow"),
        (3, "https://pub6.test/", "allow"),
        (4, "http://93.184.216.34/", "allow"),
        (5, "http://[2606:2800:220:1::1]:8443/", "allow"),
        (6, "http://127.0.0.1/", "private_ip"),
        (7, "http://localhost/", "name_denied"),
        (8, "http://LOCALHOST./", "name_denied"),
        (9, "http://foo.localhost/", "name_denied"),
        (10, "http://127.127.127.127/", "private_ip"),
        (10, "http://127.0.1.3/", "private_ip"),
        (11, "http://127.1/", "private_ip"),
        (11, "http://127.0.1/", "private_ip"),
        (12, "http://0/", "private_ip"),
        (12, "http://0.0.0.0/", "private_ip"),
        (13, "http://0.1.2.3:80/", "private_ip"),
        (14, "http://2130706433/", "private_ip"),
        (15, "http://3232235777/", "private_ip"),
        (16, "http://2852039166/latest/", "metadata"),
        (17, "http://0x7f000001/", "private_ip"),
        (17, "http://0x7f.0x0.0x0.0x1/", "private_ip"),
        (18, "http://0177.0.0.1/", "private_ip"),
        (19, "http://0177.1/", "private_ip"),
        (19, "http://017700000001/", "private_ip"),
        (20, "http://0x7f.1/", "private_ip"),
        (21, "http://127.0.0.1./", "private_ip"),
        (22, "http://1.1.1.1.1/", "parse"),
        (22, "http://256.256.256.256/", "parse"),
        (23, "http://4294967297/", "parse"),
        (24, "http://①②⑦.⓪.⓪.①/", "private_ip"),
        (25, "http://127。0。0。1/", "private_ip"),
        (26, "http://１２７.0.0.1/", "private_ip"),
        (27, "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "name_denied"),
        (28, "http://[::1]/", "private_ip"),
        (28, "http://[0:0:0:0:0:0:0:1]/", "private_ip"),
        (29, "http://[::]/", "private_ip"),
        (30, "http://[::ffff:127.0.0.1]/", "private_ip"),
        (30, "http://[::ffff:7f00:1]/", "private_ip"),
        (31, "http://[::127.0.0.1]/", "private_ip"),
        (32, "http://[64:ff9b::7f00:1]/", "private_ip"),
        (32, "http://[64:ff9b::a9fe:a9fe]/", "metadata"),
        (33, "http://[2002:7f00:1::]/", "deny"),
        (33, "http://[2002:a9fe:a9fe::]/", "deny"),
        (34, "http://[2001:0:5ef5:79fb:0:0:80ff:fffe]/", "private_ip"),
        (35, "http://[fe80::1%25eth0]/", "deny"),
        (36, "http://[fd00:ec2::254]/latest/", "metadata"),
        (37, "http://[fc00::1]/", "private_ip"),
        (37, "http://[fec0::1]/", "private_ip"),
        (38, "http://[ff02::1]/", "private_ip"),
        (38, "http://224.0.0.1/", "private_ip"),
        (39, "http://10.0.0.1/", "private_ip"),
        (39, "http://172.16.0.1/", "private_ip"),
        (39, "http://172.31.255.255/", "private_ip"),
        (39, "http://192.168.0.1/", "private_ip"),
        (40, "http://172.32.0.1/", "allow"),
        (40, "http://11.0.0.1/", "allow"),
        (40, "http://192.169.0.1/", "allow"),
        (41, "http://100.64.0.1/", "private_ip"),
        (41, "http://100.127.255.255/", "private_ip"),
        (42, "http://100.63.255.255/", "allow"),
        (42, "http://100.128.0.1/", "allow"),
        (43, "http://198.18.0.1/", "private_ip"),
        (43, "http://198.51.100.7/", "private_ip"),
        (43, "http://203.0.113.9/", "private_ip"),
        (43, "http://192.0.2.1/", "private_ip"),
        (44, "http://240.0.0.1/", "private_ip"),
        (44, "http://255.255.255.255/", "private_ip"),
        (45, "http://169.254.169.254/latest/meta-data/", "metadata"),
        (46, "http://169.254.170.2/v2/credentials/", "metadata"),
        (46, "http://169.254.170.23/", "metadata"),
        (47, "http://168.63.129.16/machine?comp=goalstate", "metadata"),
        (48, "http://100.100.100.200/latest/meta-data/", "metadata"),
        (49, "http://metadata.google.internal/computeMetadata/v1/", "metadata"),
        (50, "http://metadata.google.internal./", "metadata"),
        (50, "http://METADATA.GOOGLE.INTERNAL/", "metadata"),
        (51, "http://169.254.42.42/", "metadata"),
        (51, "http://192.0.0.192/", "metadata"),
        (52, "http://kubernetes.default.svc/api", "name_denied"),
        (52, "http://x.y.svc.cluster.local/", "name_denied"),
        (53, "http://host.docker.internal:11434/", "name_denied"),
        (56, "http://priv.test/", "private_ip"),
        (56, "http://lo.test/", "private_ip"),
        (56, "http://v6priv.test/", "private_ip"),
        (57, "http://meta.test/", "metadata"),
        (58, "http://mixed.test/", "private_ip"),
        (59, "http://mapped.test/", "deny"),
        (59, "http://nat64.test/", "deny"),
        (60, "http://cname.test/", "metadata"),
        (61, "http://127.0.0.1.nip.io/", "private_ip"),
        (61, "http://localtest.me/", "private_ip"),
        (65, "http://intranet/", "name_denied"),
        (66, "http://pub.test:22/", "port"),
        (66, "http://pub.test:25/", "port"),
        (66, "http://pub.test:6379/", "port"),
        (66, "http://pub.test:11211/", "port"),
        (66, "http://pub.test:2049/", "port"),
        (67, "http://pub.test:8080/", "allow"),
        (68, "http://pub.test:0/", "parse"),
        (68, "http://pub.test:65536/", "parse"),
        (68, "http://pub.test:-1/", "parse"),
        (68, "http://pub.test:80abc/", "parse"),
        (69, "ftp://pub.test/", "scheme"),
        (69, "gopher://pub.test:70/_x", "scheme"),
        (69, "dict://pub.test:11211/", "scheme"),
        (69, "file:///etc/passwd", "scheme"),
        (69, "ldap://pub.test/", "scheme"),
        (69, "jar:http://pub.test!/", "scheme"),
        (69, "tftp://pub.test/", "scheme"),
        (69, "netdoc:///etc/passwd", "scheme"),
        (69, "data:text/plain,x", "scheme"),
        (69, "ws://pub.test/", "scheme"),
        (70, "//pub.test/", "parse"),
        (70, "http:/pub.test", "parse"),
        (70, "http:pub.test", "parse"),
        (71, "http://pub.test@127.0.0.1/", "deny"),
        (72, "http://127.0.0.1@pub.test/", "allow"),
        (73, "http://pub.test#@127.0.0.1/", "allow"),
        (73, "http://pub.test?@127.0.0.1/", "allow"),
        (74, "http://127.1.1.1:80\\@pub.test:80/", "parse"),
        (74, "http://pub.test\\@127.0.0.1/", "parse"),
        (75, "http://1.1.1.1 &@2.2.2.2# @3.3.3.3/", "parse"),
        (76, "http://pub.test%2f@127.0.0.1/", "parse"),
        (76, "http://127.0.0.1%2523.pub.test/", "parse"),
        (77, "http://pub.test%00.evil.test/", "parse"),
        (77, "http://pub.test%0d%0aHost:x/", "parse"),
        (78, "http://pub.test/%0d%0aX-Inject:1", "allow"),
        (123, "http://many.test/", "allow"),
        (0, "http://nowhere.test/", "dns_failed"),
        (0, "http:///pub.test/", "parse"),
        (0, "http://a..b.test/", "parse"),
        (0, "http://pub.test/\nHost: x", "parse"),
        (0, "", "parse"),
        (0, "pub.test/", "parse"),
    ];
    check_all(&Policy::default(), Class::HttpNode, &cases).await;
    let strict = [(71, "http://pub.test@127.0.0.1/", "userinfo"), (72, "http://127.0.0.1@pub.test/", "userinfo")];
    for class in [Class::Tool, Class::Fetch, Class::ExternalApi] {
        check_all(&Policy::default(), class, &strict).await;
    }
}

#[tokio::test]
async fn cases_of_model_addresses() {
    let open = Policy { model_private: true, ..Policy::default() };
    let cases = [
        (54, "http://host.docker.internal:11434/", "allow"),
        (55, "http://169.254.169.254/", "metadata"),
        (55, "http://metadata.google.internal/", "metadata"),
        (54, "http://127.0.0.1:11434/v1", "allow"),
        (54, "http://priv.test:8000/", "allow"),
    ];
    check_all(&open, Class::Model, &cases).await;
    check_all(&Policy::default(), Class::Model, &[(53, "http://host.docker.internal:11434/", "name_denied")]).await;
}

#[tokio::test]
async fn cases_of_own_services() {
    let service = |host: &str, port| OwnService { host: host.into(), port };
    let policy = Policy {
        own_services: vec![service("0.0.0.0", 5001), service("10.0.0.6", 5432), service("db.internal", 5433)],
        allow_private_nets: vec!["10.0.0.0/8".parse().unwrap()],
        model_private: true,
        ..Policy::default()
    };
    let cases = [
        (91, "http://127.0.0.1:5001/console/api/x", "own_service"),
        (91, "http://lo.test:5001/", "own_service"),
        (92, "http://10.0.0.6:5432/", "own_service"),
        (92, "http://10.0.0.6:8080/", "allow"),
        (92, "http://10.0.0.7:5433/", "own_service"),
        (92, "http://[::ffff:10.0.0.7]:5433/", "own_service"),
    ];
    check_all(&policy, Class::HttpNode, &cases).await;
    check_all(&policy, Class::Model, &[(92, "http://10.0.0.6:5432/", "own_service")]).await;
}

#[tokio::test]
async fn cases_of_the_operator_lists() {
    let rule = |text: &str| DomainRule::parse(text).unwrap();
    let nets = Policy { allow_private_nets: vec!["10.0.0.5/32".parse().unwrap()], ..Policy::default() };
    let cases = [
        (93, "http://10.0.0.5/", "allow"),
        (94, "http://10.0.0.6/", "private_ip"),
        (95, "http://[::ffff:10.0.0.5]/", "allow"),
    ];
    check_all(&nets, Class::HttpNode, &cases).await;

    let names = Policy { allow_private_domains: vec![rule("priv.test"), rule(".corp.test")], ..Policy::default() };
    let cases = [
        (96, "http://priv.test/", "allow"),
        (97, "http://xpriv.test/", "private_ip"),
        (97, "http://priv.test.evil.test/", "private_ip"),
        (98, "http://a.corp.test/", "allow"),
        (98, "http://evilcorp.test/", "private_ip"),
    ];
    check_all(&names, Class::HttpNode, &cases).await;

    let metadata = Policy { allow_private_nets: vec!["169.254.169.254/32".parse().unwrap()], ..Policy::default() };
    check_all(&metadata, Class::HttpNode, &[(99, "http://169.254.169.254/", "metadata")]).await;

    let listed = Policy { mode: Mode::Allowlist, allow: vec![rule(".anthropic.com")], ..Policy::default() };
    let cases = [
        (100, "https://api.anthropic.com/", "allow"),
        (100, "https://anthropic.com.evil.test/", "allowlist"),
        (100, "https://evilanthropic.com/", "allowlist"),
        (100, "https://93.184.216.34/", "allowlist"),
    ];
    check_all(&listed, Class::HttpNode, &cases).await;

    let denied = Policy {
        deny_nets: vec!["93.184.216.0/24".parse().unwrap()],
        deny_domains: vec![rule("evilcorp.test")],
        ..Policy::default()
    };
    let cases = [(0, "http://pub.test/", "private_ip"), (0, "http://evilcorp.test/", "name_denied")];
    check_all(&denied, Class::HttpNode, &cases).await;

    let dev = Policy { dev_mode: true, ..Policy::default() };
    let cases = [(0, "http://127.0.0.1:8000/", "allow"), (0, "http://169.254.169.254/", "metadata")];
    check_all(&dev, Class::HttpNode, &cases).await;
}

#[tokio::test]
async fn case_112_an_address_says_more_than_its_port() {
    let cases = [
        (112, "http://127.0.0.1:9/openapi.json", "private_ip"),
        (112, "http://169.254.169.254:22/", "metadata"),
        (66, "http://93.184.216.34:22/", "port"),
    ];
    for class in [Class::Tool, Class::HttpNode, Class::Fetch] {
        check_all(&Policy::default(), class, &cases).await;
    }
    let opened = Policy { allow_private_nets: vec!["127.0.0.1/32".parse().unwrap()], ..Policy::default() };
    check_all(&opened, Class::Tool, &[(112, "http://127.0.0.1:9/openapi.json", "port")]).await;
}

fn list(entries: &[&str]) -> Vec<Destination> {
    entries.iter().map(|entry| entry.parse().unwrap()).collect()
}

/// Step 6: what a workspace adds, whatever else is set.
#[tokio::test]
async fn rules_of_a_workspace() {
    let (open, within) = (
        Policy { workspace_private: Delegation::Everything, ..Policy::default() },
        Delegation::Within {
            nets: vec!["10.0.0.0/24".parse().unwrap()],
            domains: vec![DomainRule::parse(".corp.test").unwrap()],
        },
    );
    let within = Policy { workspace_private: within, ..Policy::default() };
    let denying = Policy { deny_nets: vec!["10.0.0.0/8".parse().unwrap()], ..open.clone() };
    let own = OwnService { host: "10.0.0.5".into(), port: 5432 };
    let holding = Policy { own_services: vec![own], ..open.clone() };
    let (closed, local) = (Policy::default(), Policy::open_models());
    let private = |entries: &[&str]| Rules { only: None, private: list(entries) };
    let only = |entries: &[&str]| Rules { only: Some(list(entries)), private: Vec::new() };
    let mut wrong = Vec::new();
    for (policy, rules, class, url, expected) in [
        (&closed, Rules::default(), Class::HttpNode, "http://pub.test/", "allow"),
        (&closed, only(&["pub.test"]), Class::HttpNode, "http://pub.test/", "allow"),
        (&closed, only(&["pub.test:443"]), Class::HttpNode, "http://pub.test/", "allowlist"),
        (&closed, only(&["pub.test:443"]), Class::HttpNode, "https://pub.test/", "allow"),
        (&closed, only(&["pub.test"]), Class::Tool, "http://other.pub.test/", "allowlist"),
        (&closed, only(&[".pub.test"]), Class::Tool, "http://other.pub.test/", "allow"),
        (&closed, only(&["93.184.216.0/24"]), Class::Fetch, "http://other.pub.test/", "allow"),
        (&closed, only(&["93.184.216.0/24"]), Class::Fetch, "http://93.184.216.34/", "allow"),
        (&closed, only(&["pub.test"]), Class::Fetch, "http://93.184.216.34/", "allowlist"),
        (&closed, only(&[]), Class::ExternalApi, "http://pub.test/", "allowlist"),
        (&closed, only(&[]), Class::Model, "http://pub.test/", "allowlist"),
        (&closed, only(&["pub.test"]), Class::Model, "http://pub.test/", "allow"),
        (&closed, only(&[]), Class::Vendor, "http://pub.test/", "allow"),
        (&closed, only(&[]), Class::Sandbox, "http://pub.test/", "allowlist"),
        (&closed, only(&["pub.test"]), Class::Sandbox, "http://pub.test/", "allow"),
        (&local, only(&["pub.test"]), Class::Model, "http://priv.test:8000/", "allowlist"),
        (&local, only(&["10.0.0.5:8000"]), Class::Model, "http://priv.test:8000/", "allow"),
        (&local, only(&["10.0.0.5"]), Class::Vendor, "http://priv.test:8000/", "private_ip"),
        (&open, private(&["10.0.0.5"]), Class::Model, "http://10.0.0.5:8000/", "allow"),
        (&open, private(&["10.0.0.5"]), Class::Sandbox, "http://10.0.0.5/", "allow"),
        (&open, private(&["10.0.0.5"]), Class::Vendor, "http://10.0.0.5/", "private_ip"),
        (&closed, only(&[]), Class::Operator, "http://pub.test/", "allow"),
        (&closed, only(&["priv.test", "10.0.0.5"]), Class::HttpNode, "http://priv.test/", "private_ip"),
        (&closed, only(&["93.184.216.34"]), Class::HttpNode, "http://mixed.test/", "private_ip"),
        (&closed, private(&["10.0.0.5"]), Class::HttpNode, "http://10.0.0.5/", "private_ip"),
        (&open, private(&["10.0.0.5"]), Class::HttpNode, "http://10.0.0.5/", "allow"),
        (&open, private(&["10.0.0.5"]), Class::HttpNode, "http://[::ffff:10.0.0.5]/", "allow"),
        (&open, private(&["10.0.0.5"]), Class::HttpNode, "http://priv.test/", "allow"),
        (&open, private(&["10.0.0.5"]), Class::HttpNode, "http://10.0.0.6/", "private_ip"),
        (&open, private(&["10.0.0.5:8080"]), Class::HttpNode, "http://10.0.0.5/", "private_ip"),
        (&open, private(&["host.docker.internal"]), Class::HttpNode, "http://host.docker.internal:8080/", "allow"),
        (&open, private(&["other.internal"]), Class::HttpNode, "http://host.docker.internal:8080/", "name_denied"),
        (&open, private(&["0.0.0.0/0"]), Class::HttpNode, "http://169.254.169.254/", "metadata"),
        (
            &open,
            private(&["metadata.google.internal"]),
            Class::HttpNode,
            "http://metadata.google.internal/",
            "metadata",
        ),
        (&open, private(&["10.0.0.5"]), Class::HttpNode, "http://10.0.0.5:6379/", "port"),
        (&open, private(&["10.0.0.5"]), Class::Proxy, "http://10.0.0.5/", "private_ip"),
        (&within, private(&["10.0.0.5"]), Class::Tool, "http://10.0.0.5/", "allow"),
        (&within, private(&["10.0.0.5"]), Class::Tool, "http://priv.test/", "allow"),
        (&within, private(&["10.0.1.5"]), Class::Tool, "http://10.0.1.5/", "private_ip"),
        (&within, private(&["v6priv.test"]), Class::Tool, "http://v6priv.test/", "private_ip"),
        (&within, private(&["a.corp.test"]), Class::Tool, "http://a.corp.test/", "allow"),
        (&within, private(&["host.docker.internal"]), Class::Tool, "http://host.docker.internal/", "private_ip"),
        (&denying, private(&["10.0.0.5"]), Class::Tool, "http://10.0.0.5/", "private_ip"),
        (&holding, private(&["10.0.0.5"]), Class::Tool, "http://10.0.0.5:5432/", "own_service"),
    ] {
        let shown = format!("{rules:?}");
        let egress = Egress::with_resolver(policy.clone(), Names::fixture()).within(Arc::new(rules));
        let found = egress.check(class, url).await.map_or_else(|error| error.code(), |_| "allow");
        if found != expected {
            wrong.push(format!("{class:?} {url} with {shown} gave {found}, expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_workspaces_may_open_is_a_setting() {
    let read = |value: &'static str| {
        Policy::from_env(move |name| (name == "OXIDIFY_EGRESS_WORKSPACE_PRIVATE").then(|| value.to_owned()))
    };
    assert_eq!(read("").0.workspace_private, Delegation::Nothing);
    assert_eq!(read("false").0.workspace_private, Delegation::Nothing);
    assert_eq!(read("true").0.workspace_private, Delegation::Everything);
    let (policy, warnings) = read("10.0.0.0/8, .corp.test http://x");
    assert!(
        matches!(policy.workspace_private, Delegation::Within { nets, domains } if nets.len() == 1 && domains.len() == 1)
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[tokio::test]
async fn case_62_a_name_is_asked_anew_for_each_request() {
    let egress = Egress::with_resolver(Policy::default(), Names::fixture());
    let pinned = egress.check(Class::HttpNode, "http://rebind.test/").await.unwrap();
    assert_eq!(pinned.addresses, ["93.184.216.34:80".parse().unwrap()]);
    let error = egress.check(Class::HttpNode, "http://rebind.test/").await.unwrap_err();
    assert_eq!(error.code(), "private_ip");
}

#[tokio::test]
async fn a_refusal_says_its_reason_and_the_setting() {
    let egress = Egress::with_resolver(Policy::default(), Names::fixture());
    let text = |error: ox_net::NetError| error.to_string();
    let error = egress.check(Class::HttpNode, "http://priv.test/x?token=secret").await.unwrap_err();
    insta::assert_snapshot!(text(error), @"Access to 'http://priv.test/x' was blocked by SSRF protection. The URL may point to a private or local network address. Reason: 10.0.0.5 is private (RFC 1918) (private_ip). An operator can allow it with SSRF_PROXY_ALLOW_PRIVATE_IPS=10.0.0.5.");
    let error = egress.check(Class::Model, "http://ollama:11434").await.unwrap_err();
    insta::assert_snapshot!(text(error), @"Access to 'http://ollama:11434/' was blocked by SSRF protection. The URL may point to a private or local network address. Reason: ollama is a private name (name_denied). An operator can set OXIDIFY_EGRESS_MODEL_PRIVATE=true or SSRF_PROXY_ALLOW_PRIVATE_DOMAINS=ollama.");
    let error = egress.check(Class::Fetch, "file:///etc/passwd").await.unwrap_err();
    insta::assert_snapshot!(text(error), @"Access to 'file:///etc/passwd' was blocked by SSRF protection. Reason: only http and https are offered (scheme).");
}

#[test]
fn settings_come_from_the_environment() {
    let read = |pairs: &'static [(&'static str, &'static str)]| {
        Policy::from_env(move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    };
    let (policy, warnings) = read(&[]);
    assert!(policy.model_private && policy.mode == Mode::Public && warnings.is_empty());
    assert!(!read(&[("ALLOW_REGISTER", "true")]).0.model_private);
    assert!(read(&[("ALLOW_REGISTER", "true"), ("OXIDIFY_EGRESS_MODEL_PRIVATE", "true")]).0.model_private);
    assert!(!read(&[("SSRF_PROXY_DEV_MODE", "true")]).0.dev_mode);
    assert!(read(&[("SSRF_PROXY_DEV_MODE", "true"), ("DEPLOY_ENV", "DEVELOPMENT")]).0.dev_mode);
    let (policy, warnings) = read(&[
        ("SSRF_PROXY_ALLOW_PRIVATE_IPS", "10.0.0.5, 192.168.0.0/16 169.254.169.254"),
        ("SSRF_PROXY_ALLOW_PRIVATE_DOMAINS", ".corp.test,intra:8080"),
        ("OXIDIFY_EGRESS_MODE", "allowlist"),
        ("OXIDIFY_EGRESS_ALLOW", ".anthropic.com"),
        ("SSRF_PROXY_ALL_URL", "http://proxy:3128"),
    ]);
    assert_eq!((policy.allow_private_nets.len(), policy.allow_private_domains.len()), (3, 2));
    assert_eq!((policy.mode, policy.allow.len()), (Mode::Allowlist, 1));
    assert_eq!(policy.proxy_https.as_ref().map(url::Url::as_str), Some("http://proxy:3128/"));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let only_one = read(&[("SSRF_PROXY_HTTP_URL", "http://proxy:3128")]).0;
    assert_eq!(only_one.proxy_http, None);
}

#[test]
fn own_services_come_from_the_environment() {
    let policy = Policy::default().protecting(
        |name| match name {
            "DB_HOST" => Some("db".into()),
            "REDIS_HOST" => Some("10.0.0.6".into()),
            "REDIS_PORT" => Some("6380".into()),
            "QDRANT_URL" => Some("http://[fd00::7]:6333".into()),
            "PLUGIN_DAEMON_URL" => Some("not a url".into()),
            _ => None,
        },
        5001,
    );
    let found: Vec<_> = policy.own_services.iter().map(|own| (own.host.as_str(), own.port)).collect();
    assert_eq!(found, [("0.0.0.0", 5001), ("db", 5432), ("10.0.0.6", 6380), ("fd00::7", 6333)]);
}

proptest::proptest! {
    #[test]
    fn no_text_panics_and_no_private_address_passes(text in "\\PC{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let egress = Egress::with_resolver(Policy::default(), Arc::new(Names::default()));
        let url = format!("http://{text}");
        if let Ok(pinned) = runtime.block_on(egress.check(Class::HttpNode, &url)) {
            for address in pinned.addresses {
                proptest::prop_assert!(!address.ip().is_loopback() && !address.ip().is_unspecified());
            }
        }
    }

    #[test]
    fn every_spelling_of_loopback_is_refused(a in 0_u32..=0x00ff_ffff, style in 0..4) {
        let address = 0x7f00_0000 | a;
        let [w, x, y, z] = address.to_be_bytes();
        let url = match style {
            0 => format!("http://{address}/"),
            1 => format!("http://{address:#x}/"),
            2 => format!("http://0{w:o}.{x}.{y:#x}.{z}/"),
            _ => format!("http://[::ffff:{w}.{x}.{y}.{z}]/"),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let egress = Egress::with_resolver(Policy::default(), Arc::new(Names::default()));
        let error = runtime.block_on(egress.check(Class::HttpNode, &url)).unwrap_err();
        proptest::prop_assert_eq!(error.code(), "private_ip");
    }
}
