//! The contract's fixture names.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use ox_net::{Resolved, Resolver, Search};

/// Answers from a table; a name with several answers gives them one after the other.
#[derive(Default)]
pub struct Names {
    answers: Mutex<HashMap<String, Vec<Resolved>>>,
    pub asked: AtomicUsize,
}

impl Names {
    pub fn fixture() -> Arc<Self> {
        let names = Self::default();
        for (name, addresses) in [
            ("pub.test", "93.184.216.34"),
            ("other.pub.test", "93.184.216.34"),
            ("pub6.test", "2606:2800:220:1::1"),
            ("priv.test", "10.0.0.5"),
            ("xpriv.test", "10.0.0.5"),
            ("priv.test.evil.test", "10.0.0.5"),
            ("a.corp.test", "10.0.0.5"),
            ("evilcorp.test", "10.0.0.5"),
            ("lo.test", "127.0.0.1"),
            ("127.0.0.1.nip.io", "127.0.0.1"),
            ("localtest.me", "127.0.0.1"),
            ("meta.test", "169.254.169.254"),
            ("mixed.test", "93.184.216.34 10.0.0.5"),
            ("v6priv.test", "fd00::5"),
            ("mapped.test", "::ffff:10.0.0.5"),
            ("nat64.test", "64:ff9b::a9fe:a9fe"),
            ("api.anthropic.com", "93.184.216.34"),
            ("anthropic.com.evil.test", "93.184.216.34"),
            ("evilanthropic.com", "93.184.216.34"),
            ("host.docker.internal", "172.17.0.1"),
            ("db.internal", "10.0.0.7"),
        ] {
            names.set(name, &[addresses]);
        }
        names.set("rebind.test", &["93.184.216.34", "127.0.0.1"]);
        names.set("many.test", &[&vec!["93.184.216.34"; 500].join(" ")]);
        let chain = vec!["metadata.google.internal".to_owned()];
        let alias = Resolved { addresses: vec!["93.184.216.34".parse().unwrap()], chain };
        names.answers.lock().unwrap().insert("cname.test".into(), vec![alias]);
        Arc::new(names)
    }

    pub fn set(&self, name: &str, answers: &[&str]) {
        let read = |text: &&str| Resolved {
            addresses: text.split_whitespace().map(|one| one.parse::<IpAddr>().unwrap()).collect(),
            chain: Vec::new(),
        };
        self.answers.lock().unwrap().insert(name.to_owned(), answers.iter().map(read).collect());
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str, _search: Search) -> io::Result<Resolved> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let list = answers.get_mut(name).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(if list.len() > 1 { list.remove(0) } else { list[0].clone() })
    }
}
