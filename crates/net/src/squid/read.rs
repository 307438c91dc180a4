//! Reading `squid.conf`.

use std::{
    collections::{HashMap, HashSet},
    io,
    net::IpAddr,
    path::{Path, PathBuf},
};

use ipnet::IpNet;

use super::{Acl, Rule, Squid};
use crate::{
    address::{self, AddressKind},
    name::{self, DomainRule, NameKind},
};

const MAX_FILE: u64 = 4 * 1024 * 1024;
const MAX_INCLUDES: usize = 64;

/// Why rules are not taken over.
#[derive(Debug, thiserror::Error)]
pub enum SquidError {
    #[error("cannot read {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: the rule '{rule}' would open a cloud metadata endpoint, which nothing may; take {what} out of it", path.display())]
    OpensMetadata { path: PathBuf, rule: String, what: String },
}

impl Squid {
    /// Reads a file and what it includes.
    ///
    /// # Errors
    /// When a file cannot be read or a rule would open metadata.
    pub fn read(path: &Path) -> Result<Self, SquidError> {
        let mut reader = Reader::default();
        reader.file(path)?;
        let squid = reader.finish();
        squid.check_metadata(path)?;
        Ok(squid)
    }

    fn check_metadata(&self, path: &Path) -> Result<(), SquidError> {
        for rule in self.rules.iter().filter(|rule| rule.allow) {
            for (_, name) in rule.terms.iter().filter(|(negated, _)| !negated) {
                let what = match self.acls.get(name) {
                    Some(Acl::Dst(nets)) => nets.iter().find(|net| names_metadata(net)).map(ToString::to_string),
                    Some(Acl::Domain(rules)) => {
                        let named = |rule: &&DomainRule| name::kind(rule.name()) == NameKind::Metadata;
                        rules.iter().find(named).map(|rule| rule.name().to_owned())
                    }
                    _ => None,
                };
                if let Some(what) = what {
                    let rule = rule.text.to_string();
                    return Err(SquidError::OpensMetadata { path: path.to_owned(), rule, what });
                }
            }
        }
        Ok(())
    }
}

/// A range this narrow that holds a metadata address was meant to hold it.
fn names_metadata(net: &IpNet) -> bool {
    let narrow = match net {
        IpNet::V4(_) => 16,
        IpNet::V6(_) => 32,
    };
    net.prefix_len() >= narrow && address::metadata().any(|address| net.contains(&address))
        || address::kind(net.addr()) == AddressKind::Metadata && net.prefix_len() >= narrow
}

#[derive(Default)]
struct Reader {
    squid: Squid,
    unsupported: HashSet<String>,
    files: usize,
}

impl Reader {
    fn file(&mut self, path: &Path) -> Result<(), SquidError> {
        let text = text_of(path)?;
        self.files += 1;
        let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
        for line in joined.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let mut words = line.split_whitespace();
            let rest: Vec<&str> = words.clone().skip(1).collect();
            match (words.next().unwrap_or_default(), rest.as_slice()) {
                ("acl", [name, kind, values @ ..]) => self.acl(name, kind, values, line)?,
                ("http_access", [action @ ("allow" | "deny"), terms @ ..]) => {
                    self.rule(*action == "allow", terms, line)
                }
                ("http_port", [address, options @ ..]) => self.port(address, options, line),
                ("include", patterns) => {
                    for pattern in patterns {
                        self.include(pattern, line)?;
                    }
                }
                _ => self.ignore(line, "not a directive of this proxy"),
            }
        }
        Ok(())
    }

    fn ignore(&mut self, line: &str, why: &str) {
        self.squid.ignored.push(format!("{line} ({why})"));
    }

    fn port(&mut self, address: &str, options: &[&str], line: &str) {
        let number = address.rsplit(':').next().and_then(|digits| digits.parse().ok());
        match number {
            Some(port) if !options.contains(&"accel") && self.squid.port.is_none() => self.squid.port = Some(port),
            Some(_) => self.ignore(line, "the reverse proxy to the sandbox has settings of its own"),
            None => self.ignore(line, "not a port"),
        }
    }

    fn include(&mut self, pattern: &str, line: &str) -> Result<(), SquidError> {
        let path = Path::new(pattern.trim_matches('"'));
        for file in matching(path) {
            if self.files >= MAX_INCLUDES {
                self.ignore(line, "too many included files");
                return Ok(());
            }
            self.file(&file)?;
        }
        Ok(())
    }

    fn acl(&mut self, name: &str, kind: &str, values: &[&str], line: &str) -> Result<(), SquidError> {
        let mut items = Vec::new();
        for value in values.iter().filter(|value| !value.starts_with('-')) {
            match value.strip_prefix('"') {
                Some(file) => {
                    let text = text_of(Path::new(file.trim_end_matches('"')))?;
                    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim().to_owned());
                    items.extend(lines.filter(|line| !line.is_empty()));
                }
                None => items.push((*value).to_owned()),
            }
        }
        let Some(fresh) = parse_acl(kind, &items) else {
            self.unsupported.insert(name.to_owned());
            self.ignore(line, "this kind of acl, or one of its values, is not supported; rules with it are ignored");
            return Ok(());
        };
        let known = self.squid.acls.remove(name);
        let merged = match (known, fresh) {
            (Some(Acl::Src(mut old)), Acl::Src(new)) => {
                old.extend(new);
                Acl::Src(old)
            }
            (Some(Acl::Dst(mut old)), Acl::Dst(new)) => {
                old.extend(new);
                Acl::Dst(old)
            }
            (Some(Acl::Domain(mut old)), Acl::Domain(new)) => {
                old.extend(new);
                Acl::Domain(old)
            }
            (Some(Acl::Port(mut old)), Acl::Port(new)) => {
                old.extend(new);
                Acl::Port(old)
            }
            (Some(Acl::Method(mut old)), Acl::Method(new)) => {
                old.extend(new);
                Acl::Method(old)
            }
            (_, fresh) => fresh,
        };
        self.squid.acls.insert(name.to_owned(), merged);
        Ok(())
    }

    fn rule(&mut self, allow: bool, terms: &[&str], line: &str) {
        let terms: Vec<(bool, String)> = terms
            .iter()
            .map(|term| term.strip_prefix('!').map_or((false, *term), |name| (true, name)))
            .map(|(negated, name)| (negated, name.to_owned()))
            .collect();
        self.squid.rules.push(Rule { allow, terms, text: line.into() });
    }

    /// Adds squid's own names and drops rules whose names are not known.
    fn finish(mut self) -> Squid {
        for (name, acl) in built_in() {
            self.squid.acls.entry(name.to_owned()).or_insert(acl);
        }
        for name in &self.unsupported {
            self.squid.acls.remove(name);
        }
        let acls = &self.squid.acls;
        let (rules, unknown): (Vec<Rule>, Vec<Rule>) = std::mem::take(&mut self.squid.rules)
            .into_iter()
            .partition(|rule| !rule.terms.is_empty() && rule.terms.iter().all(|(_, name)| acls.contains_key(name)));
        self.squid.rules = rules;
        for rule in unknown {
            self.ignore(&rule.text, "it names an acl that is not known here");
        }
        self.squid
    }
}

fn text_of(path: &Path) -> Result<String, SquidError> {
    let failed = |source| SquidError::Io { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > MAX_FILE {
        return Err(failed(io::Error::other("it is larger than 4 MiB")));
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// Files of a pattern whose last part may hold one `*`, in the order of their names.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let last = pattern.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((before, after)) = last.split_once('*') else { return vec![pattern.to_owned()] };
    let Ok(entries) = std::fs::read_dir(pattern.parent().unwrap_or(Path::new("/"))) else { return Vec::new() };
    let fits = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(fits).collect();
    found.sort();
    found
}

fn parse_acl(kind: &str, values: &[String]) -> Option<Acl> {
    Some(match kind {
        "src" => Acl::Src(all(values, nets)?.concat()),
        "dst" => Acl::Dst(all(values, nets)?.concat()),
        "dstdomain" => Acl::Domain(all(values, DomainRule::parse)?),
        "port" => Acl::Port(all(values, ports)?),
        "method" => Acl::Method(values.to_vec()),
        _ => return None,
    })
}

fn all<T>(values: &[String], read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    values.iter().map(|value| read(value)).collect()
}

/// `80` or `1025-65535`.
pub fn ports(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// An address, a range with a prefix or a mask, or `first-last`.
fn nets(text: &str) -> Option<Vec<IpNet>> {
    if text == "all" {
        return Some(vec!["0.0.0.0/0".parse().ok()?, "::/0".parse().ok()?]);
    }
    if let Some((first, last)) = text.split_once('-') {
        return match (first.parse().ok()?, last.parse().ok()?) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                Some(ipnet::Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect())
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                Some(ipnet::Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect())
            }
            _ => None,
        };
    }
    if let Some((address, mask)) = text.split_once('/')
        && mask.contains(['.', ':'])
    {
        return Some(vec![IpNet::with_netmask(address.parse().ok()?, mask.parse().ok()?).ok()?]);
    }
    crate::policy::net_or_address(text).map(|net| vec![net])
}

fn built_in() -> HashMap<&'static str, Acl> {
    let nets = |texts: &[&str]| texts.iter().filter_map(|text| text.parse().ok()).collect::<Vec<IpNet>>();
    HashMap::from([
        ("all", Acl::All),
        ("manager", Acl::Never),
        ("localhost", Acl::Src(nets(&["127.0.0.0/8", "::1/128"]))),
        ("to_localhost", Acl::Dst(nets(&["127.0.0.0/8", "0.0.0.0/32", "::1/128", "::/128"]))),
        ("to_linklocal", Acl::Dst(nets(&["169.254.0.0/16", "fe80::/10"]))),
        ("CONNECT", Acl::Method(vec!["CONNECT".into()])),
    ])
}
