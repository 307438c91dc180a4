use std::path::Path;

use super::*;

/// As deployments of the compatible system mount it.
const HARDENED: &str = "\
acl localnet src 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 0.0.0.1-0.255.255.255
acl localnet src fc00::/7
acl SSL_ports port 443
acl Safe_ports port 80 443 # web
acl Safe_ports port 1025-65535
acl CONNECT method CONNECT
acl to_private dst 10.0.0.0/8 172.16.0.0/255.240.0.0 169.254.0.0/16
acl vault dst 10.0.0.5
acl allowed_domains dstdomain .anthropic.com .googleapis.com
acl intranet dstdomain wiki
http_access deny !Safe_ports
http_access deny CONNECT !SSL_ports
http_access allow localhost manager
http_access allow localnet vault
http_access deny to_private
http_access allow localnet allowed_domains
http_access allow localnet intranet
http_access deny all
http_port 3129
http_port 8194 accel vhost
coredump_dir /var/spool/squid
refresh_pattern . 0 20% 4320
";

fn read(text: &str) -> Result<Squid, SquidError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("squid.conf");
    std::fs::write(&path, text).unwrap();
    Squid::read(&path)
}

fn ask(squid: &Squid, client: &str, method: &str, host: &str, port: u16, addresses: Option<&[&str]>) -> String {
    let host =
        host.parse().map_or_else(|_| TargetHost::Name(host.to_owned()), |address: IpAddr| TargetHost::Address(address));
    let addresses: Option<Vec<IpAddr>> = addresses.map(|list| list.iter().map(|one| one.parse().unwrap()).collect());
    let question = Question { client: client.parse().ok(), method, host: &host, port, addresses: addresses.as_deref() };
    match squid.verdict(&question) {
        Verdict::Undecided => "undecided".into(),
        Verdict::Allowed => "allowed".into(),
        Verdict::Opened => "opened".into(),
        Verdict::Denied { reason, .. } => reason.as_str().into(),
    }
}

#[test]
fn rules_in_their_order() {
    let squid = read(HARDENED).unwrap();
    assert_eq!(squid.port, Some(3129));
    assert_eq!(squid.ignored.len(), 3, "{:?}", squid.ignored);
    let public = Some(&["93.184.216.34"][..]);
    for (client, method, host, port, addresses, expected) in [
        ("10.1.1.1", "GET", "api.anthropic.com", 443, None, "undecided"),
        ("10.1.1.1", "GET", "api.anthropic.com", 443, public, "opened"),
        ("0.0.0.77", "GET", "api.anthropic.com", 443, public, "opened"),
        ("fd00::1", "GET", "anthropic.com", 80, public, "opened"),
        ("8.8.8.8", "GET", "api.anthropic.com", 443, public, "allowlist"),
        ("10.1.1.1", "GET", "evilanthropic.com", 443, public, "allowlist"),
        ("10.1.1.1", "GET", "api.anthropic.com", 443, Some(&["93.184.216.34", "10.0.0.9"]), "private_ip"),
        ("10.1.1.1", "GET", "api.anthropic.com", 443, Some(&["172.20.0.1"]), "private_ip"),
        ("10.1.1.1", "GET", "api.anthropic.com", 443, Some(&["::ffff:10.0.0.9"]), "private_ip"),
        ("10.1.1.1", "GET", "10.0.0.5", 8080, Some(&["10.0.0.5"]), "opened"),
        ("10.1.1.1", "GET", "v.test", 8080, Some(&["10.0.0.5", "10.0.0.6"]), "private_ip"),
        ("10.1.1.1", "CONNECT", "api.anthropic.com", 8443, public, "port"),
        ("10.1.1.1", "CONNECT", "api.anthropic.com", 443, public, "opened"),
        ("10.1.1.1", "GET", "api.anthropic.com", 25, None, "port"),
        ("10.1.1.1", "GET", "wiki", 80, public, "opened"),
    ] {
        assert_eq!(ask(&squid, client, method, host, port, addresses), expected, "{client} {method} {host}:{port}");
    }
}

#[test]
fn what_no_rule_names() {
    let public = Some(&["93.184.216.34"][..]);
    for (text, expected) in [
        ("", "allowed"),
        ("http_access allow all", "allowed"),
        ("http_access deny manager", "allowed"),
        ("acl a dstdomain .b.test\nhttp_access allow a", "allowlist"),
        // A rule whose condition cannot be judged is not half applied.
        ("acl w time 10:00-12:00\nhttp_access deny w\nhttp_access allow all", "allowed"),
        ("acl w time 10:00-12:00\nhttp_access allow w\nhttp_access deny all", "allowlist"),
        ("http_access deny nobody\nhttp_access allow all", "allowed"),
    ] {
        assert_eq!(ask(&read(text).unwrap(), "127.0.0.1", "GET", "pub.test", 80, public), expected, "{text}");
    }
}

#[test]
fn included_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("conf.d")).unwrap();
    std::fs::write(at("domains.txt"), ".one.test # first\n\ntwo.test\n").unwrap();
    let list = format!("acl listed dstdomain \"{}\"\nhttp_access \\\n allow listed\n", at("domains.txt").display());
    std::fs::write(at("conf.d/10-list.conf"), list).unwrap();
    std::fs::write(at("conf.d/20-rest.conf"), "http_access deny all\n").unwrap();
    std::fs::write(at("conf.d/notes.txt"), "http_access allow all\n").unwrap();
    std::fs::write(at("squid.conf"), format!("include {}/conf.d/*.conf\n", folder.path().display())).unwrap();
    let squid = Squid::read(&at("squid.conf")).unwrap();
    for (host, expected) in [("a.one.test", "opened"), ("two.test", "opened"), ("a.two.test", "allowlist")] {
        assert_eq!(ask(&squid, "127.0.0.1", "GET", host, 80, Some(&["93.184.216.34"])), expected, "{host}");
    }
    std::fs::write(at("loop.conf"), format!("include {}\n", at("loop.conf").display())).unwrap();
    assert_eq!(Squid::read(&at("loop.conf")).unwrap().ignored.len(), 1);
    assert!(matches!(Squid::read(Path::new("/nowhere/squid.conf")), Err(SquidError::Io { .. })));
}

#[test]
fn metadata_is_not_opened() {
    for text in [
        "acl m dst 169.254.169.254\nhttp_access allow m",
        "acl m dst 169.254.0.0/16\nhttp_access allow localhost m",
        "acl m dst fd00:ec2::254\nhttp_access allow m",
        "acl m dstdomain metadata.google.internal\nhttp_access allow m",
    ] {
        assert!(matches!(read(text), Err(SquidError::OpensMetadata { .. })), "{text}");
    }
    for text in [
        "acl m dst 169.254.169.254\nhttp_access deny m",
        "acl m dst 10.0.0.0/8\nhttp_access allow m",
        "acl m dst all\nhttp_access allow m",
        "acl m dst 169.254.0.0/16\nhttp_access allow !m",
    ] {
        assert!(read(text).is_ok(), "{text}");
    }
}
