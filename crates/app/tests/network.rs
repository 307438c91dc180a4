//! Network rules of workspaces and files by address, over the use cases: a real database, a server of the test's own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

use std::{collections::HashMap, io, sync::Arc};

use ox_app::{
    Parts, Principal, Services, Settings,
    files::remote::{self, Keeper},
    imports,
    network::{self, Network},
    principal::Role,
    providers, workspaces,
};
use ox_db::{Database, DbConfig, Page, repo};
use ox_models::{ChatRequest, ChatResult, Message, ModelRef, ModelRuntime, ModelScope};
use ox_net::{Delegation, DomainRule, Egress, Policy, Resolved, Resolver, Search};
use ox_types::AccountId;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

/// `priv.test` is 10.0.0.5, `meta.test` a metadata endpoint, everything else this machine.
struct Names;

#[async_trait::async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str, _: Search) -> io::Result<Resolved> {
        let address = match name {
            "meta.test" => "169.254.169.254",
            "priv.test" => "10.0.0.5",
            _ => "127.0.0.1",
        };
        Ok(Resolved { addresses: vec![address.parse().unwrap()], chain: Vec::new() })
    }
}

struct Rig {
    services: Arc<Services>,
    owner: Principal,
    origin: MockServer,
    _home: tempfile::TempDir,
}

impl Rig {
    async fn new(policy: Policy) -> Self {
        let home = tempfile::tempdir().unwrap();
        let services = Services::new(Parts {
            settings: Settings::read(HashMap::new()),
            db: Database::connect(&DbConfig::sqlite(home.path().join("oxidify.db"))).await.unwrap(),
            kv: Arc::new(ox_kv::Memory::new(ox_kv::Bounds::default())),
            store: Arc::new(ox_store::Disk::open(home.path().join("storage")).await.unwrap()),
            egress: Egress::with_resolver(policy, Arc::new(Names)),
            code: Arc::new(ox_sandbox::Off::default()),
            secret: "a secret that is long enough for tests".into(),
            old_secrets: Vec::new(),
            metrics: Arc::new(String::new),
        })
        .unwrap();
        let owner = member(&services, "one", Role::Owner).await;
        let origin = MockServer::start().await;
        let picture = ResponseTemplate::new(200).set_body_raw(b"\x89PNG\r\n\x1a\nrest".to_vec(), "image/png");
        Mock::given(matchers::any()).respond_with(picture).mount(&origin).await;
        Self { services, owner, origin, _home: home }
    }

    fn url(&self, name: &str) -> String {
        format!("http://{name}:{}/a%20cat", self.origin.address().port())
    }

    /// `ok`, or the text of the refusal.
    async fn look(&self, url: &str) -> String {
        let found = remote::look(&self.services, self.owner.tenant_id(), url).await;
        found.map_or_else(|error| format!("{} {} {}", error.status, error.code, error.message), |_| "ok".to_owned())
    }

    async fn set(&self, only_listed: bool, allowed: &[&str], private: &[&str]) -> Result<Network, ox_app::Error> {
        let list = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
        let wanted = Network { only_listed, allowed: list(allowed), private: list(private) };
        network::set(&self.services, &self.owner, wanted).await
    }
}

/// A member of a new workspace.
async fn member(services: &Services, name: &str, role: Role) -> Principal {
    let email = format!("{name}@example.com");
    let tenant_id = workspaces::create_with_owner(services, name, &email, "correct horse 1").await.unwrap();
    Principal::Member { account_id: AccountId::new(), tenant_id, role }
}

fn opened(names: &[&str]) -> Policy {
    let rules = names.iter().map(|name| DomainRule::parse(name).unwrap()).collect();
    Policy { allow_private_domains: rules, ..Policy::default() }
}

#[tokio::test]
async fn files_by_address() {
    let rig = Rig::new(opened(&["files.test"])).await;
    let tenant_id = rig.owner.tenant_id();
    let found = remote::look(&rig.services, tenant_id, &rig.url("files.test")).await.unwrap();
    assert_eq!((found.mime.as_str(), found.size), ("image/png", 12));
    let keeper = Keeper { tenant_id, role: "account", id: ox_types::new_uuid() };
    let kept = remote::keep(&rig.services, keeper, &rig.url("files.test")).await.unwrap();
    assert_eq!((kept.name.as_str(), kept.mime_type.as_deref(), kept.size), ("a cat.png", Some("image/png"), 12));
    let calls = rig.origin.received_requests().await.unwrap().len();
    for (url, reason) in [
        ("http://priv.test/x.png", "private_ip"),
        ("http://meta.test/", "metadata"),
        ("http://127.0.0.1:5001/x.png", "private_ip"),
        ("file:///etc/passwd", "scheme"),
    ] {
        let kept = remote::keep(&rig.services, keeper, url).await.unwrap_err();
        for text in [rig.look(url).await, format!("{} {} {}", kept.status, kept.code, kept.message)] {
            assert!(text.starts_with("400 remote_file_upload_error ") && text.contains(reason), "case 114: {text}");
        }
        // The same for a file that is named in the inputs of a run.
        let probed = rig.services.files.probe(tenant_id, url).await.unwrap_err();
        assert!(probed.status == 400 && probed.message.contains(reason), "{}", probed.message);
    }
    for (url, reason) in [("http://priv.test/a.yml", "private_ip"), ("http://meta.test/a.yml", "metadata")] {
        let error = imports::fetch(&rig.services, &rig.owner, url).await.unwrap_err();
        assert!(error.starts_with("Error fetching YAML from URL") && error.contains(reason), "case 115: {error}");
    }
    assert_eq!(rig.origin.received_requests().await.unwrap().len(), calls);
}

#[tokio::test]
async fn who_writes_them_and_what() {
    let rig = Rig::new(Policy::default()).await;
    assert_eq!(network::get(&rig.services, &rig.owner).await.unwrap(), Network::default());
    let tenant_id = rig.owner.tenant_id();
    for (role, may) in [(Role::Owner, true), (Role::Admin, true), (Role::Editor, false), (Role::Normal, false)] {
        let caller = Principal::Member { account_id: AccountId::new(), tenant_id, role };
        let got = network::get(&rig.services, &caller).await;
        let set = network::set(&rig.services, &caller, Network::default()).await;
        let fits = |status: Option<u16>| status == (!may).then_some(403);
        assert!(fits(got.err().map(|error| error.status)) && fits(set.err().map(|error| error.status)), "{role:?}");
    }
    let kept = rig.set(true, &[" pub.test ", "", "PUB.test", "10.0.0.0/8:443"], &[]).await.unwrap();
    assert_eq!(kept.allowed, ["pub.test", "10.0.0.0/8:443"]);
    assert_eq!(network::get(&rig.services, &rig.owner).await.unwrap(), kept);
    let many: Vec<String> = (0..501).map(|number| format!("h{number}.test")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (result, text) in [
        (rig.set(false, &["http://pub.test/"], &[]).await, "'http://pub.test/' is neither a host"),
        (rig.set(false, &[], &["10.0.0.5"]).await, "OXIDIFY_EGRESS_WORKSPACE_PRIVATE"),
        (rig.set(false, &many, &[]).await, "At most 500"),
    ] {
        let error = result.unwrap_err();
        assert!(error.status == 400 && error.message.contains(text), "{}", error.message);
    }
    let events = repo::audit::list(&rig.services.db, tenant_id, Page::first(50)).await.unwrap().items;
    let event = events.iter().find(|event| event.action == "workspace.network").unwrap();
    assert_eq!(event.after.as_ref().unwrap()["allowed"][0], "pub.test");
    assert_eq!(event.before.as_ref().unwrap()["only_listed"], false);
}

#[tokio::test]
async fn a_workspace_keeps_to_what_it_lists() {
    let rig = Rig::new(opened(&["files.test", "other.test"])).await;
    assert_eq!(rig.look(&rig.url("other.test")).await, "ok");
    rig.set(true, &["files.test"], &[]).await.unwrap();
    assert_eq!(rig.look(&rig.url("files.test")).await, "ok");
    let refused = rig.look(&rig.url("other.test")).await;
    assert!(refused.contains("(allowlist)") && refused.contains("Settings, Network"), "{refused}");
    // What the operator denies stays denied, and metadata with it.
    rig.set(true, &["priv.test", "meta.test"], &[]).await.unwrap();
    assert!(rig.look("http://priv.test/").await.contains("(private_ip)"));
    assert!(rig.look("http://meta.test/").await.contains("(metadata)"));
    // Another workspace has its own rules: none.
    let other = member(&rig.services, "two", Role::Owner).await;
    assert!(remote::look(&rig.services, other.tenant_id(), &rig.url("other.test")).await.is_ok());
}

#[tokio::test]
async fn a_workspace_opens_what_the_operator_lets_it() {
    let within = Delegation::Within { nets: vec!["127.0.0.0/8".parse().unwrap()], domains: Vec::new() };
    let rig = Rig::new(Policy { workspace_private: within, ..Policy::default() }).await;
    assert!(network::may_open_private(&rig.services));
    let refused = rig.look(&rig.url("127.0.0.1")).await;
    assert!(refused.contains("An owner or admin of the workspace can allow it in Settings, Network"), "{refused}");
    let here = format!("127.0.0.1:{}", rig.origin.address().port());
    rig.set(false, &[], &[&here, "10.0.0.5", "169.254.169.254", "intranet"]).await.unwrap();
    for name in ["127.0.0.1", "files.test", "intranet"] {
        assert_eq!(rig.look(&rig.url(name)).await, "ok", "{name}");
    }
    for (url, reason) in [
        ("http://10.0.0.5/", "private_ip"),
        ("http://127.0.0.1:1026/", "private_ip"),
        ("http://169.254.169.254/", "metadata"),
        ("http://elsewhere/", "name_denied"),
    ] {
        assert!(rig.look(url).await.contains(&format!("({reason})")), "{url}");
    }
    // The operator takes it back.
    rig.services.egress.set_policy(Policy::default());
    assert!(rig.look(&rig.url("127.0.0.1")).await.contains("(private_ip)"));
    assert!(!network::may_open_private(&rig.services));
}

#[tokio::test]
async fn model_addresses_that_somebody_entered_keep_to_the_rules() {
    let rig = Rig::new(Policy::open_models()).await;
    let answer = |body: serde_json::Value| ResponseTemplate::new(200).set_body_json(body);
    let said = serde_json::json!({"role": "assistant", "content": "hello"});
    let chat = serde_json::json!({"choices": [{"index": 0, "finish_reason": "stop", "message": said}]});
    let paths = [("/v1/models", serde_json::json!({"data": []})), ("/v1/chat/completions", chat)];
    for (path, body) in paths {
        Mock::given(matchers::path(path)).respond_with(answer(body)).with_priority(1).mount(&rig.origin).await;
    }
    let base = |name: &str| format!("http://{name}:{}/v1", rig.origin.address().port());
    let sent = |base: &str| {
        let fields = serde_json::json!({"openai_api_key": "k", "openai_api_base": base});
        fields.as_object().cloned().unwrap()
    };
    let calls = async || rig.origin.received_requests().await.unwrap().len();
    let tried = async |base: &str| {
        let tried = providers::validate(&rig.services, &rig.owner, "openai", None, &sent(base)).await.unwrap();
        tried.map_or_else(|why| why, |_| "ok".to_owned())
    };
    let scope = ModelScope::of(rig.owner.tenant_id());
    let asked = async || {
        let request = ChatRequest { messages: vec![Message::user("hi")], ..ChatRequest::default() };
        let stream = rig.services.models.chat(&scope, &ModelRef::chat("openai", "gpt-4o"), request).await;
        match stream {
            Ok(stream) => ChatResult::collect(stream).await.unwrap().text,
            Err(error) => error.text,
        }
    };
    assert_eq!(tried(&base("models.test")).await, "ok");
    providers::add_credential(&rig.services, &rig.owner, "openai", &sent(&base("models.test")), None).await.unwrap();
    assert_eq!(asked().await, "hello");
    let before = calls().await;
    rig.set(true, &["other.test"], &[]).await.unwrap();
    for refused in [tried(&base("models.test")).await, asked().await] {
        assert!(refused.contains("(allowlist)") && refused.contains("Settings, Network"), "{refused}");
    }
    assert_eq!(calls().await, before, "nobody was called");
    assert_eq!(tried(&base("other.test")).await, "ok");
    rig.set(true, &["models.test"], &[]).await.unwrap();
    assert_eq!((asked().await.as_str(), tried(&base("models.test")).await.as_str()), ("hello", "ok"));
    // The vendor's own address needs no entry. (It is not public for the resolver of this test.)
    let own = serde_json::json!({"openai_api_key": "k"}).as_object().cloned().unwrap();
    let own = providers::validate(&rig.services, &rig.owner, "openai", None, &own).await.unwrap().unwrap_err();
    assert!(own.contains("(private_ip)"), "{own}");
    // Another workspace has rules of its own: none.
    let other = member(&rig.services, "two", Role::Owner).await;
    let tried = providers::validate(&rig.services, &other, "openai", None, &sent(&base("third.test"))).await.unwrap();
    assert!(tried.is_ok(), "{tried:?}");
}

#[tokio::test]
async fn private_model_servers_may_be_opened_by_a_workspace() {
    let rig = Rig::new(Policy { workspace_private: Delegation::Everything, ..Policy::default() }).await;
    let list = ResponseTemplate::new(200).set_body_json(serde_json::json!({"data": []}));
    Mock::given(matchers::path("/v1/models")).respond_with(list).with_priority(1).mount(&rig.origin).await;
    let base = format!("http://models.test:{}/v1", rig.origin.address().port());
    let sent = serde_json::json!({"openai_api_key": "k", "openai_api_base": base}).as_object().cloned().unwrap();
    let tried = async || providers::validate(&rig.services, &rig.owner, "openai", None, &sent).await.unwrap();
    let refused = tried().await.unwrap_err();
    assert!(refused.contains("(private_ip)") && refused.contains("Settings, Network"), "{refused}");
    rig.set(false, &[], &["models.test"]).await.unwrap();
    let tried = tried().await;
    assert!(tried.is_ok(), "{tried:?}");
}
