//! From the settings to a store, by Dify's names.

use std::{sync::Arc, time::Duration};

use base64::Engine as _;
use ox_net::{Egress, Verify};
use sqlx::postgres::PgConnectOptions;

use super::{VectorStore, chroma::Chroma, pgvector::Pgvector, qdrant::Qdrant, rest::Server, weaviate::Weaviate};

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
const DRIVERS: &[(&str, Make)] =
    &[("chroma", chroma), ("pgvector", pgvector), ("qdrant", qdrant), ("weaviate", weaviate)];

/// What Dify knows besides.
const OTHERS: &[&str] = &[
    "alibabacloud_mysql",
    "analyticdb",
    "baidu",
    "clickzetta",
    "couchbase",
    "elasticsearch",
    "elasticsearch-ja",
    "huawei_cloud",
    "iris",
    "lindorm",
    "matrixone",
    "milvus",
    "myscale",
    "oceanbase",
    "opengauss",
    "opensearch",
    "oracle",
    "pgvecto-rs",
    "relyt",
    "seekdb",
    "tablestore",
    "tencent",
    "tidb_on_qdrant",
    "tidb_vector",
    "upstash",
    "vastbase",
    "vikingdb",
];

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
    if matches!(name.as_str(), "" | "local") {
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

fn pgvector(settings: &Settings<'_>) -> Result<Arc<dyn VectorStore>, StoreSettingError> {
    let options = PgConnectOptions::new_without_pgpass()
        .host(&settings.needed("PGVECTOR_HOST")?)
        .port(settings.number("PGVECTOR_PORT", 5433)?)
        .username(&settings.or("PGVECTOR_USER", "postgres"))
        .password(&settings.or("PGVECTOR_PASSWORD", ""))
        .database(&settings.or("PGVECTOR_DATABASE", "postgres"));
    let connections = (settings.number("PGVECTOR_MIN_CONNECTION", 1)?, settings.number("PGVECTOR_MAX_CONNECTION", 5)?);
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
        assert_eq!(made(&[("VECTOR_STORE", "qdrant"), ("QDRANT_URL", "http://q:6333/")]), Ok(Some("qdrant")));
        assert_eq!(made(&[("VECTOR_STORE", "Chroma"), ("CHROMA_HOST", "c")]), Ok(Some("chroma")));
        assert_eq!(made(&[("VECTOR_STORE", "pgvector"), ("PGVECTOR_HOST", "p")]), Ok(Some("pgvector")));
        for name in OTHERS {
            let said = made(&[("VECTOR_STORE", name)]).unwrap_err();
            assert!(said.contains(name) && said.contains("built-in index") && said.contains("qdrant"), "{said}");
        }
        assert_eq!(DRIVERS.len() + OTHERS.len(), 31, "the names of Dify's table");
    }

    #[tokio::test]
    async fn a_setting_that_cannot_be_used_is_named() {
        let table: &[(&[(&str, &str)], &str)] = &[
            (&[("VECTOR_STORE", "nonsense")], "VECTOR_STORE=nonsense is no vector store"),
            (&[("VECTOR_STORE", "qdrant")], "QDRANT_URL is not set"),
            (&[("VECTOR_STORE", "qdrant"), ("QDRANT_URL", "path:/tmp/q")], "QDRANT_URL names a file"),
            (&[("VECTOR_STORE", "qdrant"), ("QDRANT_URL", "q:6333")], "QDRANT_URL is no address"),
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
