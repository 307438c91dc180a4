//! What the log says of calls: who made them, where they went, by which rule.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use ox_net::{Access, Caller, Class, Destination, Egress, ForwardConfig, ForwardProxy, Policy, Request, Rules};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::{
    names::Names,
    proxy::Detour,
    server::{Server, whole},
};

type Line = BTreeMap<String, String>;

/// Keeps the lines of this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

struct Fields(Line);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("ox_net")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(Line::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Lines {
    /// The last line whose message begins so, as `name=value` of these fields; absent ones are left out.
    fn last(&self, message: &str, names: &[&str]) -> String {
        let lines = self.0.lock().unwrap();
        let line = lines.iter().rev().find(|line| line["message"].starts_with(message)).unwrap();
        let shown = names.iter().filter_map(|name| Some(format!("{name}={}", line.get(*name)?)));
        shown.collect::<Vec<_>>().join(" ")
    }
}

const FIELDS: &[&str] =
    &["decision", "reason", "class", "host", "ip", "port", "rule", "workspace", "run_id", "node_id", "status"];

fn caller() -> Caller {
    Caller { workspace: "w".into(), run: "r".into(), node: "n".into() }
}

#[tokio::test]
async fn a_call_is_one_line() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let origin = Server::start(|_| whole("200 OK", "", "x")).await;
    let here = origin.address.port();
    let names = Names::fixture();
    names.set("a.test", &["127.0.0.1"]);
    let policy = Policy { allow_private_nets: vec!["127.0.0.0/8".parse().unwrap()], ..Policy::default() };
    let egress = Egress::with_resolver(policy, names).called_by(caller());
    let call = async |egress: &Egress, class, url: String| egress.send(Request::get(class, url)).await;
    call(&egress, Class::HttpNode, format!("http://a.test:{here}/secret?key=1")).await.unwrap();
    assert_eq!(
        lines.last("egress", FIELDS),
        format!(
            "decision=allow class=http_node host=a.test ip=127.0.0.1 port={here} rule=SSRF_PROXY_ALLOW_PRIVATE_IPS \
             workspace=w run_id=r node_id=n status=200"
        )
    );
    assert!(!format!("{:?}", lines.0.lock().unwrap()).contains("secret"), "a path may hold a secret");
    call(&egress, Class::Tool, "http://priv.test/".into()).await.unwrap_err();
    assert_eq!(
        lines.last("egress: Request blocked by SSRF proxy", FIELDS),
        "decision=deny reason=private_ip class=tool host=priv.test ip=10.0.0.5 port=80 \
         rule=10.0.0.5 is private (RFC 1918) workspace=w run_id=r node_id=n"
    );
    call(&egress, Class::Fetch, "http://pub.test:22/".into()).await.unwrap_err();
    assert_eq!(
        lines.last("egress", FIELDS),
        "decision=deny reason=port class=fetch host=pub.test port=22 rule=port 22 is not offered workspace=w run_id=r node_id=n"
    );
    call(&egress, Class::Fetch, "file:///etc/passwd".into()).await.unwrap_err();
    assert_eq!(
        lines.last("egress", FIELDS),
        "decision=deny reason=scheme class=fetch rule=only http and https are offered workspace=w run_id=r node_id=n"
    );
    // Nobody in particular: the fields are left out.
    let plain = Egress::with_resolver(Policy::open_models(), Names::fixture());
    call(&plain, Class::Model, format!("http://127.0.0.1:{here}/")).await.unwrap();
    let expected = format!(
        "decision=allow class=model host=127.0.0.1 ip=127.0.0.1 port={here} rule=OXIDIFY_EGRESS_MODEL_PRIVATE status=200"
    );
    assert_eq!(lines.last("egress", FIELDS), expected);
}

#[tokio::test]
async fn a_request_of_a_proxy_is_told_with_its_caller() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let origin = Server::start(|_| whole("200 OK", "", "x")).await;
    let dialer = Arc::new(Detour::to(origin.address));
    let only: Vec<Destination> = vec!["pub.test".parse().unwrap(), "priv.test".parse().unwrap()];
    let rules = Rules { only: Some(only), private: Vec::new() };
    let egress = Egress::with_network(Policy::default(), Names::fixture(), dialer);
    let egress = egress.called_by(caller()).within(Arc::new(rules));
    let config = ForwardConfig { class: Class::Sandbox, ..ForwardConfig::default() };
    let forward = ForwardProxy::new(egress, config, Arc::new(Access::tell));
    for (request, expected) in [
        (
            "GET http://pub.test/ HTTP/1.1",
            "decision=allow class=sandbox host=pub.test ip=93.184.216.34 port=80 rule=public workspace=w run_id=r node_id=n status=200",
        ),
        (
            "GET http://priv.test:8080/ HTTP/1.1",
            "decision=deny reason=private_ip class=sandbox host=priv.test ip=10.0.0.5 port=8080 rule=10.0.0.5 is private (RFC 1918) workspace=w run_id=r node_id=n status=403",
        ),
        (
            "CONNECT other.pub.test:443 HTTP/1.1",
            "decision=deny reason=allowlist class=sandbox host=other.pub.test port=443 rule=other.pub.test is not one of the destinations this workspace keeps to workspace=w run_id=r node_id=n status=403",
        ),
        (
            "PURGE http://pub.test/ HTTP/1.1",
            "decision=fail reason=method class=sandbox host=pub.test port=80 workspace=w run_id=r node_id=n status=405",
        ),
    ] {
        let (mut client, server) = tokio::io::duplex(65536);
        let talk = async {
            client.write_all(format!("{request}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
            client.shutdown().await.unwrap();
            let mut all = String::new();
            client.read_to_string(&mut all).await.unwrap();
        };
        tokio::join!(talk, forward.serve_stream(server, None));
        assert_eq!(lines.last("egress request", FIELDS), expected, "{request}");
    }
}
