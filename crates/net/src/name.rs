//! What a host name is before anyone resolves it. Pure.

/// What may be said of a name by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    Public,
    Private,
    Metadata,
}

const METADATA: &[&str] = &[
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "metadata.tencentyun.com",
    "metadata.platformequinix.com",
    "metadata.packet.net",
    "instance-data",
    "instance-data.ec2.internal",
    "rancher-metadata",
    "api.metadata.cloud.ibm.com",
];

const PRIVATE_SUFFIXES: &[&str] =
    &["localhost", "svc", "cluster.local", "internal", "local", "localdomain", "home.arpa", "lan"];

/// Lower case, without the dot of an absolute name.
#[must_use]
pub fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Whether `name` is `suffix` or below it, on a label boundary.
#[must_use]
pub fn is_under(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// What this (normal) name is.
#[must_use]
pub fn kind(name: &str) -> NameKind {
    if METADATA.contains(&name) || name.ends_with(".metadata.google.internal") {
        return NameKind::Metadata;
    }
    let private = !name.contains('.')
        || PRIVATE_SUFFIXES.iter().any(|suffix| is_under(name, suffix))
        || name.starts_with("kubernetes.default.");
    if private { NameKind::Private } else { NameKind::Public }
}

/// A domain of an allow or deny list: `host`, `.suffix` (itself and below), each with an optional port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRule {
    name: String,
    below: bool,
    port: Option<u16>,
}

impl DomainRule {
    /// Reads a rule; `None` when it is not a domain.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (text, None),
        };
        let (name, below) = match name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        let name = normal(name);
        let fits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        fits.then_some(Self { name, below, port })
    }

    /// The (normal) name it is about.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it covers this (normal) name and port.
    #[must_use]
    pub fn covers(&self, name: &str, port: u16) -> bool {
        let named = if self.below { is_under(name, &self.name) } else { name == self.name };
        named && self.port.is_none_or(|own| own == port)
    }
}

impl std::fmt::Display for DomainRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.below { "." } else { "" })?;
        f.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (name, expected) in [
            ("pub.test", NameKind::Public),
            ("LOCALHOST.", NameKind::Private),
            ("foo.localhost", NameKind::Private),
            ("notlocalhost.com", NameKind::Public),
            ("intranet", NameKind::Private),
            ("kubernetes.default.svc", NameKind::Private),
            ("x.y.svc.cluster.local", NameKind::Private),
            ("host.docker.internal", NameKind::Private),
            ("printer.local", NameKind::Private),
            ("METADATA.GOOGLE.INTERNAL.", NameKind::Metadata),
            ("a.metadata.google.internal", NameKind::Metadata),
            ("metadata", NameKind::Metadata),
        ] {
            assert_eq!(kind(&normal(name)), expected, "{name}");
        }
    }

    #[test]
    fn rules_match_on_label_boundaries() {
        for (rule, name, port, expected) in [
            ("priv.test", "priv.test", 80, true),
            ("priv.test", "xpriv.test", 80, false),
            ("priv.test", "a.priv.test", 80, false),
            ("priv.test", "priv.test.evil.test", 80, false),
            (".corp.test", "a.corp.test", 80, true),
            (".corp.test", "corp.test", 80, true),
            (".corp.test", "evilcorp.test", 80, false),
            ("priv.test:8080", "priv.test", 8080, true),
            ("priv.test:8080", "priv.test", 80, false),
        ] {
            assert_eq!(DomainRule::parse(rule).unwrap().covers(name, port), expected, "{rule} {name}:{port}");
        }
        assert!(DomainRule::parse("a b").is_none());
    }
}
