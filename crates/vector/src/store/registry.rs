//! From the settings to a store, by Dify's names.

use std::{sync::Arc, time::Duration};

use base64::Engine as _;
use ox_net::{Egress, Verify};
use sqlx::postgres::PgConnectOptions;

use super::{
    VectorStore,
    chroma::Chroma,
    elastic::{Elastic, Flavor},
    milvus::Milvus,
    pgvector::Pgvector,
    qdrant::Qdrant,
    rest::Server,
    weaviate::Weaviate,
};

/// A setting that names no store.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StoreSettingError {
    /// A store of Dify's that has no driver here.
    #[error(
        "VECTOR_STORE={0} has no driver yet: leave VECTOR_STORE empty for the built-in index, which needs nothing \
         beside it, or use one of {drivers}",
        drivers = names()
    )]
    NoDriver(String),
    #[error("VECTOR_STORE={0} is no vector store: leave it empty for the built-in index, or use one of {drivers}", drivers = names())]
    Unknown(String),
    #[error("{setting} {why}")]
    Wrong { setting: &'static str, why: String },
}

struct Settings<'a> {
    read: &'a dyn Fn(&str) -> Option<String>,
    egress: Egress,
}

type Make = fn(&Settings<'_>) -> Result<Arc<dyn VectorStore>, StoreSettingError>;

/// The drivers, in the order of their names.
const DRIVERS: &[(&str, Make)] = &[
    ("chroma", chroma),
    ("elasticsearch", elasticsearch),
    ("elasticsearch-ja", elasticsearch),
    ("milvus", milvus),
    ("opensearch", opensearch),
    ("pgvector", pgvector),
    ("qdrant", qdrant),
    ("weaviate", weaviate),
];

/// What Dify knows besides.
const OTHERS: &[&str] = &[
    "alibabacloud_mysql",
    "analyticdb",
    "baidu",
    "clickzetta",
    "couchbase",
    "hologres",
    "huawei_cloud",
    "iris",
    "lindorm",
    "matrixone",
    "myscale",
    "oceanbase",
    "opengauss",
    "oracle",
    "pgvecto-rs",
    "relyt",
    "seekdb",
    "tablestore",
    "tencent",
    "tidb",
    "tidb_on_qdrant",
    "tidb_vector",
    "upstash",
    "vastbase",
    "vikingdb",
];

/// Beginnings of the variables that settings of stores are read from.
const SETTINGS: &[&str] = &[
    "VECTOR_",
    "CHROMA_",
    "ELASTICSEARCH_",
    "MILVUS_",
    "OPENSEARCH_",
    "PGVECTOR_",
    "QDRANT_",
    "WEAVIATE_",
    "OXIDIFY_DATABASE_URL",
    "DB_",
];

/// Whether a variable is one that [`connect`] may read.
pub fn is_store_setting(name: &str) -> bool {
    SETTINGS.iter().any(|beginning| name.starts_with(beginning))
}

fn names() -> String {
    DRIVERS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// The store that `VECTOR_STORE` names; `None` for the index of our own. Nothing is called yet.
pub fn connect(
    read: &dyn Fn(&str) -> Option<String>,
    egress: Egress,
) -> Result<Option<Arc<dyn VectorStore>>, StoreSettingError> {
    let settings = Settings { read, egress };
    let name = settings.text("VECTOR_STORE").unwrap_or_default().to_lowercase();
    if matches!(name.as_str(), "" | "embedded" | "local") {
        return Ok(None);
    }
    match DRIVERS.iter().find(|(driver, _)| *driver == name) {
        Some((_, make)) => make(&settings).map(Some),
        None if OTHERS.contains(&name.as_str()) => Err(StoreSettingError::NoDriver(name)),
        None => Err(StoreSettingError::Unknown(name)),
    }
}

impl Settings<'_> {
    fn text(&self, name: &str) -> Option<String> {
        (self.read)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn or(&self, name: &str, usual: &str) -> String {
        self.text(name).unwrap_or_else(|| usual.to_owned())
    }

    fn needed(&self, name: &'static str) -> Result<String, StoreSettingError> {
        self.text(name).ok_or_else(|| StoreSettingError::Wrong { setting: name, why: "is not set".to_owned() })
    }

    fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| is_true(&text))
    }

    fn number<T: std::str::FromStr>(&self, name: &'static str, usual: T) -> Result<T, StoreSettingError> {
        let Some(text) = self.text(name) else { return Ok(usual) };
        text.parse().map_err(|_| StoreSettingError::Wrong { setting: name, why: format!("is no number: {text}") })
    }

    fn server(&self, store: &'static str, setting: &'static str, base: &str) -> Result<Server, StoreSettingError> {
        let base = base.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(StoreSettingError::Wrong { setting, why: format!("is no address of a server: {base}") });
        }
        let timeout = Duration::from_secs(20);
        Ok(Server { store, egress: self.egress.clone(), base, secret: None, verify: Verify::Yes, timeout })
    }
}

fn chroma(settings: &Settings<'_>) -> Result<Arc<dyn VectorStore>, StoreSettingError> {
    let host = settings.needed("CHROMA_HOST")?;
    let port: u16 = settings.number("CHROMA_PORT", 8000)?;
    let base = if host.contains("://") {
        format!("{}:{port}", host.trim_end_matches('/'))
    } else {
        format!("http://{host}:{port}")
    };
    let mut server = settings.server("chroma", "CHROMA_HOST", &base)?;
    if let Some(secret) = settings.text("CHROMA_AUTH_CREDENTIALS") {
        // The provider is the name of a class of Chroma's client.
        let basic = settings.or("CHROMA_AUTH_PROVIDER", "").to_lowercase().contains("basic");
        let value = if basic {
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(secret))
        } else {
            format!("Bearer {secret}")
        };
        server.secret = Some(("authorization", value));
    }
    let tenant = settings.or("CHROMA_TENANT", "default_tenant");
    let database = settings.or("CHROMA_DATABASE", "default_database");
    Ok(Arc::new(Chroma { server, tenant, database }))
}

/// The Japanese kind differs in how words are cut, which is not the store's business here.
fn elasticsearch(settings: &Settings<'_>) -> Result<Arc<dyn VectorStore>, StoreSettingError> {
    let cloud = settings.flag("ELASTICSEARCH_USE_CLOUD");
    let base = if cloud {
        settings.needed("ELASTICSEARCH_CLOUD_URL")?
    } else {
        let (host, port) =
            (settings.or("ELASTICSEARCH_HOST", "127.0.0.1"), settings.number("ELASTICSEARCH_PORT", 9200_u16)?);
        if host.contains("://") {
            format!("{}:{port}", host.trim_end_matches('/'))
        } else {
            format!("http://{host}:{port}")
        }
    };
    let mut server = settings.server("elasticsearch", "ELASTICSEARCH_HOST", &base)?;
    if settings.text("ELASTICSEARCH_CA_CERTS").is_some() {
        let why = "cannot be used: have the machine trust the authority (SSL_CERT_FILE), and leave it empty";
        return Err(StoreSettingError::Wrong { setting: "ELASTICSEARCH_CA_CERTS", why: why.to_owned() });
    }
    if settings.text("ELASTICSEARCH_VERIFY_CERTS").is_some_and(|text| !is_true(&text)) {
        server.verify = Verify::No;
    }
    let key = settings.text("ELASTICSEARCH_API_KEY").filter(|_| cloud);
    let value = key.map(|key| format!("ApiKey {key}")).unwrap_or_else(|| {
        basic(&settings.or("ELASTICSEARCH_USERNAME", "elastic"), &settings.or("ELASTICSEARCH_PASSWORD", "elastic"))
    });
    server.secret = Some(("authorization", value));
    Ok(Arc::new(Elastic { server, flavor: Flavor::Elasticsearch }))
}

fn opensearch(settings: &Settings<'_>) -> Result<Arc<dyn VectorStore>, StoreSettingError> {
    let host = settings.needed("OPENSEARCH_HOST")?;
    let port: u16 = settings.number("OPENSEARCH_PORT", 9200)?;
    let scheme = if settings.flag("OPENSEARCH_SECURE") { "https" } else { "http" };
    let mut server = settings.server("opensearch", "OPENSEARCH_HOST", &format!("{scheme}://{host}:{port}"))?;
    let method = settings.or("OPENSEARCH_AUTH_METHOD", "basic");
    if method != "basic" {
        let why = format!("is {method}: only basic is known; a user of the server's own store of users has to be used");
        return Err(StoreSettingError::Wrong { setting: "OPENSEARCH_AUTH_METHOD", why });
    }
    if settings.text("OPENSEARCH_VERIFY_CERTS").is_some_and(|text| !is_true(&text)) {
        server.verify = Verify::No;
    }
    if let Some(user) = settings.text("OPENSEARCH_USER") {
        server.secret = Some(("authorization", basic(&user, &settings.or("OPENSEARCH_PASSWORD", ""))));
    }
    Ok(Arc::new(Elastic { server, flavor: Flavor::OpenSearch }))
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on" | "t" | "y")
}

/// Compat: without an address of its own it is the server's main database, if that is PostgreSQL.
fn main_database(settings: &Settings<'_>) -> Result<PgConnectOptions, StoreSettingError> {
    let wrong = |setting, why: &str| StoreSettingError::Wrong { setting, why: why.to_owned() };
    if let Some(url) = settings.text("OXIDIFY_DATABASE_URL").filter(|url| url.starts_with("postgres")) {
        return url.parse().map_err(|_| wrong("OXIDIFY_DATABASE_URL", "cannot be read"));
    }
    if !settings.or("DB_TYPE", "").to_lowercase().starts_with("postgres") {
        return Err(wrong("PGVECTOR_HOST", "is not set"));
    }
    Ok(PgConnectOptions::new_without_pgpass()
        .host(&settings.or("DB_HOST", "localhost"))
        .port(settings.number("DB_PORT", 5432)?)
        .username(&settings.or("DB_USERNAME", "postgres"))
        .password(&settings.or("DB_PASSWORD", ""))
        .database(&settings.or("DB_DATABASE", "dify")))
}

fn milvus(settings: &Settings<'_>) -> Result<Arc<dyn VectorStore>, StoreSettingError> {
    let uri = settings.or("MILVUS_URI", "http://127.0.0.1:19530");
    if uri.ends_with(".db") {
        let why = "names a file: only a server can be used; the built-in index (VECTOR_STORE empty) needs none";
        return Err(StoreSettingError::Wrong { setting: "MILVUS_URI", why: why.to_owned() });
    }
    let mut server = settings.server("milvus", "MILVUS_URI", &uri)?;
    let user = || Some(format!("{}:{}", settings.text("MILVUS_USER")?, settings.or("MILVUS_PASSWORD", "")));
    let secret = settings.text("MILVUS_TOKEN").or_else(user);
    server.secret = secret.map(|secret| ("authorization", format!("Bearer {secret}")));
    let database = settings.or("MILVUS_DATABASE", "default");
    Ok(Arc::new(Milvus { server, database }))
}

fn pgvector(settings: &Settings<'_>) -> Result<Arc<dyn VectorStore>, StoreSettingError> {
    let connections = (settings.number("PGVECTOR_MIN_CONNECTION", 1)?, settings.number("PGVECTOR_MAX_CONNECTION", 5)?);
    let Some(host) = settings.text("PGVECTOR_HOST") else {
        return Ok(Arc::new(Pgvector::new(main_database(settings)?, connections)));
    };
    let options = PgConnectOptions::new_without_pgpass()
        .host(&host)
        .port(settings.number("PGVECTOR_PORT", 5433)?)
        .username(&settings.or("PGVECTOR_USER", "postgres"))
        .password(&settings.or("PGVECTOR_PASSWORD", ""))
        .database(&settings.or("PGVECTOR_DATABASE", "postgres"));
    Ok(Arc::new(Pgvector::new(options, connections)))
}

fn qdrant(settings: &Settings<'_>) -> Result<Arc<dyn VectorStore>, StoreSettingError> {
    let url = settings.needed("QDRANT_URL")?;
    if url.starts_with("path:") {
        let why = "names a file: only a server can be used; the built-in index (VECTOR_STORE empty) needs none";
        return Err(StoreSettingError::Wrong { setting: "QDRANT_URL", why: why.to_owned() });
    }
    let mut server = settings.server("qdrant", "QDRANT_URL", &url)?;
    server.timeout = Duration::from_secs(settings.number("QDRANT_CLIENT_TIMEOUT", 20)?);
    server.secret = settings.text("QDRANT_API_KEY").map(|key| ("api-key", key));
    let replicas = settings.number("QDRANT_REPLICATION_FACTOR", 1)?;
    Ok(Arc::new(Qdrant { server, replicas }))
}

fn weaviate(settings: &Settings<'_>) -> Result<Arc<dyn VectorStore>, StoreSettingError> {
    let endpoint = settings.needed("WEAVIATE_ENDPOINT")?;
    let mut server = settings.server("weaviate", "WEAVIATE_ENDPOINT", &endpoint)?;
    server.secret = settings.text("WEAVIATE_API_KEY").map(|key| ("authorization", format!("Bearer {key}")));
    let batch = settings.number("WEAVIATE_BATCH_SIZE", 100)?;
    let tokenization = settings.or("WEAVIATE_TOKENIZATION", "word");
    Ok(Arc::new(Weaviate { server, batch, tokenization }))
}

#[cfg(test)]
mod tests {
    use ox_net::Policy;

    use super::*;

    fn made(settings: &[(&str, &str)]) -> Result<Option<&'static str>, String> {
        let read = |name: &str| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        match connect(&read, Egress::new(Policy::default())) {
            Ok(store) => Ok(store.map(|store| store.name())),
            Err(error) => Err(error.to_string()),
        }
    }

    #[tokio::test]
    async fn every_name_of_dify_has_an_answer() {
        assert_eq!(made(&[]), Ok(None));
        assert_eq!(made(&[("VECTOR_STORE", " ")]), Ok(None));
        assert_eq!(made(&[("VECTOR_STORE", "embedded")]), Ok(None));
        assert_eq!(made(&[("VECTOR_STORE", "milvus")]), Ok(Some("milvus")));
        assert_eq!(made(&[("VECTOR_STORE", "qdrant"), ("QDRANT_URL", "http://q:6333/")]), Ok(Some("qdrant")));
        assert_eq!(made(&[("VECTOR_STORE", "Chroma"), ("CHROMA_HOST", "c")]), Ok(Some("chroma")));
        assert_eq!(made(&[("VECTOR_STORE", "weaviate"), ("WEAVIATE_ENDPOINT", "http://w")]), Ok(Some("weaviate")));
        assert_eq!(made(&[("VECTOR_STORE", "elasticsearch-ja")]), Ok(Some("elasticsearch")));
        assert_eq!(made(&[("VECTOR_STORE", "opensearch"), ("OPENSEARCH_HOST", "o")]), Ok(Some("opensearch")));
        assert_eq!(made(&[("VECTOR_STORE", "pgvector"), ("PGVECTOR_HOST", "p")]), Ok(Some("pgvector")));
        assert_eq!(made(&[("VECTOR_STORE", "pgvector"), ("DB_TYPE", "postgresql")]), Ok(Some("pgvector")));
        for name in OTHERS {
            let said = made(&[("VECTOR_STORE", name)]).unwrap_err();
            assert!(said.contains(name) && said.contains("built-in index") && said.contains("qdrant"), "{said}");
        }
        assert_eq!(DRIVERS.len() + OTHERS.len(), 33, "the names of Dify's table, and two of its settings");
    }

    #[tokio::test]
    async fn a_setting_that_cannot_be_used_is_named() {
        let table: &[(&[(&str, &str)], &str)] = &[
            (&[("VECTOR_STORE", "nonsense")], "VECTOR_STORE=nonsense is no vector store"),
            (&[("VECTOR_STORE", "qdrant")], "QDRANT_URL is not set"),
            (&[("VECTOR_STORE", "qdrant"), ("QDRANT_URL", "path:/tmp/q")], "QDRANT_URL names a file"),
            (&[("VECTOR_STORE", "qdrant"), ("QDRANT_URL", "q:6333")], "QDRANT_URL is no address"),
            (&[("VECTOR_STORE", "milvus"), ("MILVUS_URI", "./milvus.db")], "MILVUS_URI names a file"),
            (&[("VECTOR_STORE", "pgvector"), ("DB_TYPE", "mysql")], "PGVECTOR_HOST is not set"),
            (
                &[("VECTOR_STORE", "pgvector"), ("PGVECTOR_HOST", "p"), ("PGVECTOR_PORT", "x")],
                "PGVECTOR_PORT is no number: x",
            ),
        ];
        for (settings, expected) in table {
            let said = made(settings).unwrap_err();
            assert!(said.starts_with(expected), "{said}");
        }
    }
}
