//! Name servers of the test's own on this machine: what stands between a name and its addresses counts.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ox_net::{Class, DomainRule, Egress, NameServers, Policy, Resolver, Search, SystemResolver};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
    task::JoinSet,
};

/// How a server behaves besides answering.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Plain,
    /// Answers of others come first.
    Noisy,
    /// Every datagram says that the answer does not fit.
    Short,
    Failing,
    Silent,
}

/// Records by name: `=name` is an alias, everything else an address.
type Zone = HashMap<&'static str, Vec<&'static str>>;

struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

fn zone() -> Zone {
    let mut zone: Zone = [
        ("pub.test", vec!["93.184.216.34"]),
        ("both.test", vec!["93.184.216.34", "2606:2800:220:1::1"]),
        ("alias.test", vec!["=cdn.test"]),
        ("cdn.test", vec!["=edge.cdn.test"]),
        ("edge.cdn.test", vec!["93.184.216.34"]),
        ("inner.test", vec!["=host.corp.test"]),
        ("host.corp.test", vec!["10.0.0.5"]),
        ("six.test", vec!["=priv6.test"]),
        ("priv6.test", vec!["fd00::5"]),
        // The address itself is public: only the name in between tells.
        ("cname.test", vec!["=metadata.google.internal"]),
        ("deep.test", vec!["=cname.test"]),
        ("metadata.google.internal", vec!["93.184.216.34"]),
        ("listed.test", vec!["=evil.example"]),
        ("evil.example", vec!["93.184.216.34"]),
        ("ring.test", vec!["=ring2.test"]),
        ("ring2.test", vec!["=ring.test"]),
    ]
    .into();
    zone.insert("many.test", vec!["93.184.216.34"; 500]);
    zone
}

/// The answer to a question; `whole` when it may be long.
fn answer(zone: &Zone, question: &[u8], manner: Manner, whole: bool) -> Vec<u8> {
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let mut name = String::new();
    let mut at = 12;
    while question[at] != 0 {
        let size = usize::from(question[at]);
        name.push_str(std::str::from_utf8(&question[at + 1..at + 1 + size]).unwrap());
        name.push('.');
        at += 1 + size;
    }
    let kind = u16::from_be_bytes([question[end - 4], question[end - 3]]);
    let mut records = Vec::new();
    let mut asked = name.trim_end_matches('.').to_ascii_lowercase();
    for _ in 0..4 {
        let known = zone.get(asked.as_str()).cloned().unwrap_or_default();
        let mut next = None;
        for entry in known {
            let data = match entry.strip_prefix('=') {
                Some(alias) => {
                    next = Some(alias.to_owned());
                    (5_u16, wire(alias))
                }
                None => match entry.parse().unwrap() {
                    IpAddr::V4(four) if kind == 1 => (1, four.octets().to_vec()),
                    IpAddr::V6(six) if kind == 28 => (28, six.octets().to_vec()),
                    _ => continue,
                },
            };
            records.push((asked.clone(), data));
        }
        match next {
            Some(alias) => asked = alias,
            None => break,
        }
    }
    let truncated = !whole && (manner == Manner::Short || records.len() > 20);
    let code = if manner == Manner::Failing { 2 } else { 0 };
    let mut out = question[..end].to_vec();
    out[2] = if truncated { 0x83 } else { 0x81 };
    out[3] = 0x80 | code;
    let count = if truncated || code != 0 { 0 } else { records.len() };
    out[6..8].copy_from_slice(&u16::try_from(count).unwrap().to_be_bytes());
    for (owner, (kind, data)) in records.into_iter().take(count) {
        out.extend(wire(&owner));
        out.extend(kind.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 60]);
        out.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        out.extend(data);
    }
    out
}

fn wire(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.') {
        out.push(u8::try_from(label.len()).unwrap());
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}

async fn server_at(address: &str, manner: Manner) -> Server {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind(address).await.unwrap();
        // Another test may have the same port for its own connection.
        match TcpListener::bind(udp.local_addr().unwrap()).await {
            Ok(tcp) => break (udp, tcp),
            Err(error) => assert!(address.ends_with(":0"), "{address}: {error}"),
        }
    };
    let address = udp.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (zone, mut question) = (zone(), [0_u8; 600]);
        while let Ok((size, from)) = udp.recv_from(&mut question).await {
            count.fetch_add(1, Ordering::SeqCst);
            let question = &question[..size];
            let reply = answer(&zone, question, manner, false);
            if manner == Manner::Noisy {
                let mut other = answer(&zone, question, Manner::Plain, false);
                other[0] ^= 0x55;
                for noise in [&b"x"[..], question, &other] {
                    udp.send_to(noise, from).await.unwrap();
                }
            }
            if manner != Manner::Silent {
                udp.send_to(&reply, from).await.unwrap();
            }
        }
    });
    tasks.spawn(async move {
        let zone = zone();
        while let Ok((mut stream, _)) = tcp.accept().await {
            let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut question).await.unwrap();
            let reply = answer(&zone, &question, manner, true);
            stream.write_u16(u16::try_from(reply.len()).unwrap()).await.unwrap();
            stream.write_all(&reply).await.unwrap();
        }
    });
    Server { address, asked, _tasks: tasks }
}

async fn server(manner: Manner) -> Server {
    server_at("127.0.0.1:0", manner).await
}

async fn decide(policy: &Policy, servers: &[&Server], url: &str) -> String {
    let servers = NameServers::new(servers.iter().map(|server| server.address).collect());
    let egress = Egress::with_resolver(policy.clone(), Arc::new(servers));
    match egress.check(Class::HttpNode, url).await {
        Ok(pinned) => pinned.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Err(error) => error.code().to_owned(),
    }
}

#[tokio::test]
async fn case_60_every_name_on_the_way_counts() {
    let listed = Policy { deny_domains: vec![DomainRule::parse(".example").unwrap()], ..Policy::default() };
    let open = Policy::default();
    for manner in [Manner::Plain, Manner::Noisy, Manner::Short] {
        let server = server(manner).await;
        for (policy, url, expected) in [
            (&open, "http://pub.test/", "93.184.216.34:80"),
            (&open, "http://PUB.test./", "93.184.216.34:80"),
            (&open, "http://both.test/", "93.184.216.34:80 [2606:2800:220:1::1]:80"),
            (&open, "http://alias.test/", "93.184.216.34:80"),
            (&open, "http://inner.test/", "private_ip"),
            (&open, "http://six.test/", "private_ip"),
            (&open, "http://cname.test/", "metadata"),
            (&open, "http://deep.test/", "metadata"),
            (&open, "http://ring.test/", "dns_failed"),
            (&open, "http://nowhere.test/", "dns_failed"),
            (&open, "http://listed.test/", "93.184.216.34:80"),
            (&listed, "http://listed.test/", "name_denied"),
        ] {
            assert_eq!(decide(policy, &[&server], url).await, expected, "{url}");
        }
    }
}

#[tokio::test]
async fn case_123_a_long_answer_comes_by_connection() {
    let server = server(Manner::Plain).await;
    let found = NameServers::new(vec![server.address]).resolve("many.test", Search::Absolute).await.unwrap();
    assert_eq!(found.addresses, ["93.184.216.34".parse::<IpAddr>().unwrap()], "five hundred times the same");
}

#[tokio::test]
async fn another_server_is_asked_where_one_fails() {
    let (failing, silent, good) =
        (server(Manner::Failing).await, server(Manner::Silent).await, server(Manner::Plain).await);
    assert_eq!(decide(&Policy::default(), &[&failing, &good], "http://alias.test/").await, "93.184.216.34:80");
    assert_eq!(decide(&Policy::default(), &[&silent, &good], "http://inner.test/").await, "private_ip");
    let began = Instant::now();
    assert_eq!(decide(&Policy::default(), &[&silent], "http://pub.test/").await, "dns_failed");
    assert!(began.elapsed() < Duration::from_secs(10) && silent.asked.load(Ordering::SeqCst) >= 4);
}

/// The server of `/etc/resolv.conf` is the machine's business, so this is looked at in a process that has a file of its
/// own in that place.
#[tokio::test]
async fn case_60_the_systems_resolver_tells_the_aliases() {
    const INSIDE: &str = "OXIDIFY_TEST_RESOLV_CONF";
    const ADDRESS: &str = "127.0.9.53:53";
    if std::env::var_os(INSIDE).is_some() {
        let _server = server_at(ADDRESS, Manner::Plain).await;
        let egress = Egress::new(Policy::default());
        for (url, expected) in [
            ("http://alias.test/", "allow"),
            ("http://inner.test/", "private_ip"),
            ("http://six.test/", "private_ip"),
            ("http://cname.test/", "metadata"),
            ("http://nowhere.test/", "dns_failed"),
        ] {
            let found = egress.check(Class::HttpNode, url).await.map_or_else(|error| error.code(), |_| "allow");
            assert_eq!(found, expected, "{url}");
        }
        let found = SystemResolver.resolve("alias.test", Search::Absolute).await.unwrap();
        assert_eq!(found.chain, ["cdn.test", "edge.cdn.test"]);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("resolv.conf");
    std::fs::write(&file, "nameserver 127.0.9.53\n").unwrap();
    let mut command = tokio::process::Command::new("unshare");
    let test = std::env::current_exe().unwrap();
    let script = "mount --bind \"$1\" /etc/resolv.conf || exit 77\nexec \"$2\" dns::case_60_the_systems_resolver_tells_the_aliases --exact --nocapture";
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(&file).arg(&test).env(INSIDE, "1").kill_on_drop(true);
    let Ok(output) = command.output().await else {
        println!("SKIPPED: there is no unshare");
        return;
    };
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() && (output.status.code() == Some(77) || text.contains("unshare failed")) {
        println!("SKIPPED: a file of one's own in the place of /etc/resolv.conf needs root: {text}");
        return;
    }
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
