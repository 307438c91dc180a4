//! Where the server is: `OXIDIFY_REDIS_URL` or `REDIS_*`.

use std::{path::PathBuf, time::Duration};

use redis::IntoConnectionInfo;

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
const NAMES: &str = "use redis://, rediss://, valkey://, valkeys://, redis+cluster://, rediss+cluster://, \
                     redis+sentinel:// or rediss+sentinel://";

/// How the servers belong together.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Single,
    Cluster,
    /// The nodes are sentinels, which know where the master of a service is.
    Sentinel {
        service: String,
        username: Option<String>,
        password: Option<String>,
        timeout: Duration,
    },
}

/// How connections are encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tls {
    /// `REDIS_SSL_CERT_REQS=CERT_NONE`.
    pub unchecked: bool,
    pub authorities: Option<PathBuf>,
    /// Our own certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// What the operator has set about Redis or Valkey. With its passwords, so not `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisSettings {
    pub(super) kind: Kind,
    pub(super) nodes: Vec<(String, u16)>,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) db: i64,
    pub(super) tls: Option<Tls>,
    /// Before every key and channel, with a colon.
    pub(super) prefix: String,
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) retries: u32,
    pub(super) pause: Duration,
    pub(super) longest_pause: Duration,
    pub(super) look_after: Duration,
}

impl RedisSettings {
    /// Reads the variables by name; `None` when no server is named. The second part is what the operator should be told.
    ///
    /// # Errors
    /// Which variable is wrong, and what it should be.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<(Self, Vec<String>)>, String> {
        let get = |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut reader = Reader { get: &get, findings: Vec::new() };
        let settings = match get("OXIDIFY_REDIS_URL") {
            Some(url) => Some(reader.by_url(&url)?),
            None => reader.by_parts()?,
        };
        let Some(mut settings) = settings else { return Ok(None) };
        if let Some(tls) = &mut settings.tls {
            *tls = reader.tls()?;
        }
        Ok(Some((settings, reader.findings)))
    }

    /// Where it is, without passwords.
    #[must_use]
    pub fn describe(&self) -> String {
        let scheme = if self.tls.is_some() { "rediss" } else { "redis" };
        let secret = if self.password.is_some() { ":**@" } else { "" };
        let nodes: Vec<String> = self.nodes.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        let nodes = nodes.join(",");
        match &self.kind {
            Kind::Single => format!("{scheme}://{secret}{nodes}/{}", self.db),
            Kind::Cluster => format!("{scheme}+cluster://{secret}{nodes}"),
            Kind::Sentinel { service, .. } => format!("{scheme}+sentinel://{secret}{nodes}/{service}/{}", self.db),
        }
    }

    /// How long to wait before a connection is tried again, after so many failures in a row.
    pub(super) fn pause_after(&self, failures: u32) -> Duration {
        let times = 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
        self.pause.saturating_mul(times).min(self.longest_pause.max(self.pause))
    }
}

struct Reader<'a, G: Fn(&str) -> Option<String>> {
    get: &'a G,
    findings: Vec<String>,
}

impl<G: Fn(&str) -> Option<String>> Reader<'_, G> {
    fn base(&mut self, kind: Kind, nodes: Vec<(String, u16)>) -> RedisSettings {
        RedisSettings {
            kind,
            nodes,
            username: None,
            password: None,
            db: 0,
            tls: None,
            prefix: (self.get)("REDIS_KEY_PREFIX").map(|prefix| format!("{prefix}:")).unwrap_or_default(),
            timeout: self.seconds("REDIS_SOCKET_TIMEOUT", 5.0),
            connect_timeout: self.seconds("REDIS_SOCKET_CONNECT_TIMEOUT", 5.0),
            retries: self.number("REDIS_RETRY_RETRIES", 3),
            pause: self.seconds("REDIS_RETRY_BACKOFF_BASE", 1.0),
            longest_pause: self.seconds("REDIS_RETRY_BACKOFF_CAP", 10.0),
            look_after: self.seconds("REDIS_HEALTH_CHECK_INTERVAL", 30.0),
        }
    }

    fn by_parts(&mut self) -> Result<Option<RedisSettings>, String> {
        let get = self.get;
        let mut settings = if self.flag("REDIS_USE_SENTINEL") {
            let nodes = nodes("REDIS_SENTINELS", get("REDIS_SENTINELS"), SENTINEL_PORT)?;
            let service = get("REDIS_SENTINEL_SERVICE_NAME").ok_or(
                "REDIS_USE_SENTINEL is on and REDIS_SENTINEL_SERVICE_NAME is not set: name the master that the \
                 sentinels watch",
            )?;
            let kind = self.sentinel(service);
            self.base(kind, nodes)
        } else if self.flag("REDIS_USE_CLUSTERS") {
            let nodes = nodes("REDIS_CLUSTERS", get("REDIS_CLUSTERS"), PORT)?;
            self.base(Kind::Cluster, nodes)
        } else {
            let Some(host) = get("REDIS_HOST") else { return Ok(None) };
            let port = self.number("REDIS_PORT", PORT);
            self.base(Kind::Single, vec![(host, port)])
        };
        settings.username = get("REDIS_USERNAME");
        settings.password = get("REDIS_PASSWORD");
        if settings.kind == Kind::Cluster {
            settings.password = get("REDIS_CLUSTERS_PASSWORD").or(settings.password);
        } else {
            settings.db = self.number("REDIS_DB", 0);
        }
        settings.tls = self.flag("REDIS_USE_SSL").then(Tls::default);
        Ok(Some(settings))
    }

    fn by_url(&mut self, url: &str) -> Result<RedisSettings, String> {
        let wrong = |why: &str| format!("OXIDIFY_REDIS_URL cannot be used: {why}");
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong(NAMES))?;
        let (plain, way) = scheme.split_once('+').map_or((scheme, ""), |(plain, way)| (plain, way));
        let is_tls = match plain {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return Err(wrong(NAMES)),
        };
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (secret, hosts) = place.rsplit_once('@').map_or(("", place), |(secret, hosts)| (secret, hosts));
        let (service, db) = match way {
            "sentinel" => path.split_once('/').unwrap_or((path, "")),
            _ => ("", path),
        };
        let port = if way == "sentinel" { SENTINEL_PORT } else { PORT };
        let nodes = nodes("OXIDIFY_REDIS_URL", Some(hosts.to_owned()), port)?;
        let kind = match way {
            "" if nodes.len() == 1 => Kind::Single,
            "" => {
                return Err(wrong(
                    "it names several servers; redis+cluster:// or redis+sentinel:// says what they are",
                ));
            }
            "cluster" => Kind::Cluster,
            "sentinel" if service.is_empty() => {
                return Err(wrong("the name of the master is missing: redis+sentinel://host:26379/mymaster"));
            }
            "sentinel" => self.sentinel(service.to_owned()),
            _ => return Err(wrong(NAMES)),
        };
        let mut settings = self.base(kind, nodes);
        // The client decodes what is written with percent signs.
        let parsed = format!("redis://{secret}@host").into_connection_info();
        let parsed = parsed.map_err(|_| wrong("its user name or password must be written with percent signs"))?;
        settings.username = parsed.redis_settings().username().map(str::to_owned);
        settings.password = parsed.redis_settings().password().map(str::to_owned);
        if !db.is_empty() && settings.kind != Kind::Cluster {
            settings.db = db.parse().map_err(|_| wrong("what follows the host must be the number of a database"))?;
        }
        settings.tls = is_tls.then(Tls::default);
        Ok(settings)
    }

    fn sentinel(&mut self, service: String) -> Kind {
        Kind::Sentinel {
            service,
            username: (self.get)("REDIS_SENTINEL_USERNAME"),
            password: (self.get)("REDIS_SENTINEL_PASSWORD"),
            // Compat: 0.1 s there, which a busy network does not keep.
            timeout: self.seconds("REDIS_SENTINEL_SOCKET_TIMEOUT", 1.0),
        }
    }

    fn tls(&mut self) -> Result<Tls, String> {
        let get = self.get;
        let wanted = get("REDIS_SSL_CERT_REQS").unwrap_or_else(|| "CERT_REQUIRED".to_owned());
        let unchecked = match wanted.as_str() {
            "CERT_NONE" => true,
            "CERT_OPTIONAL" | "CERT_REQUIRED" => false,
            other => {
                return Err(format!(
                    "REDIS_SSL_CERT_REQS={other} is not known: use CERT_NONE, CERT_OPTIONAL or CERT_REQUIRED"
                ));
            }
        };
        if unchecked {
            self.findings.push(
                "REDIS_SSL_CERT_REQS=CERT_NONE: the certificate of Redis is not checked, so that anybody between here \
                 and there can read and change what is sent"
                    .to_owned(),
            );
        }
        let identity = match (get("REDIS_SSL_CERTFILE"), get("REDIS_SSL_KEYFILE")) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            _ => return Err("REDIS_SSL_CERTFILE and REDIS_SSL_KEYFILE belong together: set both or none".to_owned()),
        };
        Ok(Tls { unchecked, authorities: get("REDIS_SSL_CA_CERTS").map(Into::into), identity })
    }

    fn flag(&self, name: &str) -> bool {
        (self.get)(name).is_some_and(|text| ["true", "1", "yes", "on"].contains(&text.to_ascii_lowercase().as_str()))
    }

    fn number<T: std::str::FromStr + std::fmt::Display>(&mut self, name: &str, default: T) -> T {
        let Some(text) = (self.get)(name) else { return default };
        text.parse().unwrap_or_else(|_| {
            self.findings.push(format!("{name}={text} is not a whole number; using {default}"));
            default
        })
    }

    fn seconds(&mut self, name: &str, default: f64) -> Duration {
        let Some(text) = (self.get)(name) else { return Duration::from_secs_f64(default) };
        let seconds = text.parse::<f64>().ok().filter(|seconds| (0.01..=3600.0).contains(seconds));
        Duration::from_secs_f64(seconds.unwrap_or_else(|| {
            self.findings.push(format!("{name}={text} is not a number of seconds (0.01 to 3600); using {default}"));
            default
        }))
    }
}

/// `host:port,host:port`; an IPv6 address stands in brackets.
fn nodes(name: &str, text: Option<String>, port: u16) -> Result<Vec<(String, u16)>, String> {
    let wrong = || format!("{name} must be hosts with their ports: host:{port},host:{port}");
    let mut nodes = Vec::new();
    for item in text.unwrap_or_default().split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (host, port) = match item.rsplit_once(':') {
            Some((host, number)) if !number.ends_with(']') => (host, number.parse().map_err(|_| wrong())?),
            _ => (item, port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong());
        }
        nodes.push((host.to_owned(), port));
    }
    if nodes.is_empty() { Err(wrong()) } else { Ok(nodes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<(RedisSettings, Vec<String>)>, String> {
        RedisSettings::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).into()))
    }

    #[test]
    fn servers_are_named_by_url_or_by_parts() {
        let sentinels = ("REDIS_SENTINELS", "s1, s2:27000");
        let service = ("REDIS_SENTINEL_SERVICE_NAME", "main");
        for (variables, expected) in [
            (vec![("REDIS_HOST", "r")], "redis://r:6379/0"),
            (
                vec![("REDIS_HOST", "r"), ("REDIS_PORT", "1"), ("REDIS_DB", "2"), ("REDIS_PASSWORD", "x")],
                "redis://:**@r:1/2",
            ),
            (vec![("REDIS_HOST", "r"), ("REDIS_USE_SSL", "true")], "rediss://r:6379/0"),
            (vec![("REDIS_USE_CLUSTERS", "true"), ("REDIS_CLUSTERS", "a:1,b")], "redis+cluster://a:1,b:6379"),
            (vec![("REDIS_USE_SENTINEL", "true"), sentinels, service], "redis+sentinel://s1:26379,s2:27000/main/0"),
            (vec![("OXIDIFY_REDIS_URL", "redis://h"), ("REDIS_HOST", "r")], "redis://h:6379/0"),
            (vec![("OXIDIFY_REDIS_URL", "valkeys://u:p@[::1]:7/3")], "rediss://:**@::1:7/3"),
            (vec![("OXIDIFY_REDIS_URL", "redis+cluster://:p@a,b:2")], "redis+cluster://:**@a:6379,b:2"),
            (vec![("OXIDIFY_REDIS_URL", "redis+sentinel://a,b/main/4")], "redis+sentinel://a:26379,b:26379/main/4"),
        ] {
            let (settings, findings) = read(&variables).unwrap().unwrap();
            assert_eq!((settings.describe().as_str(), findings.len()), (expected, 0), "{variables:?}");
        }
        assert!(read(&[("REDIS_PORT", "6379")]).unwrap().is_none(), "no host is no Redis");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (variables, expected) in [
            (vec![("OXIDIFY_REDIS_URL", "amqp://h")], "redis+cluster://"),
            (vec![("OXIDIFY_REDIS_URL", "redis://a,b")], "several servers"),
            (vec![("OXIDIFY_REDIS_URL", "redis://h/x")], "number of a database"),
            (vec![("OXIDIFY_REDIS_URL", "redis+sentinel://h")], "name of the master"),
            (vec![("REDIS_USE_SENTINEL", "true"), ("REDIS_SENTINELS", "s")], "REDIS_SENTINEL_SERVICE_NAME"),
            (vec![("REDIS_USE_SENTINEL", "true")], "REDIS_SENTINELS must be hosts"),
            (vec![("REDIS_USE_CLUSTERS", "1"), ("REDIS_CLUSTERS", "a:b")], "REDIS_CLUSTERS must be hosts"),
            (vec![("OXIDIFY_REDIS_URL", "rediss://h"), ("REDIS_SSL_CERT_REQS", "maybe")], "CERT_OPTIONAL"),
            (vec![("OXIDIFY_REDIS_URL", "rediss://h"), ("REDIS_SSL_CERTFILE", "a")], "belong together"),
        ] {
            let error = read(&variables).err().unwrap();
            assert!(error.contains(expected), "{variables:?}: {error}");
        }
    }

    #[test]
    fn what_is_odd_is_told() {
        let variables = [
            ("OXIDIFY_REDIS_URL", "rediss://:p%40ss@h"),
            ("REDIS_SSL_CERT_REQS", "CERT_NONE"),
            ("REDIS_SOCKET_TIMEOUT", "soon"),
            ("REDIS_RETRY_RETRIES", "-1"),
            ("REDIS_KEY_PREFIX", "team"),
        ];
        let (settings, findings) = read(&variables).unwrap().unwrap();
        assert_eq!((settings.password.as_deref(), settings.prefix.as_str()), (Some("p@ss"), "team:"));
        assert_eq!((settings.timeout, settings.retries), (Duration::from_secs(5), 3));
        for (finding, word) in findings.iter().zip(["REDIS_SOCKET_TIMEOUT", "REDIS_RETRY_RETRIES", "CERT_NONE"]) {
            assert!(finding.contains(word), "{finding}");
        }
        assert_eq!(findings.len(), 3);
        let pauses: Vec<u64> = (0..7).map(|failures| settings.pause_after(failures).as_secs()).collect();
        assert_eq!(pauses, [1, 1, 2, 4, 8, 10, 10]);
    }
}
