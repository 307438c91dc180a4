use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{Error, Result};

/// Where the database is and how it is used.
#[derive(Clone, Debug)]
pub struct DbConfig {
    pub engine: Engine,
    pub durability: Durability,
    /// Connections for reading (SQLite) or for everything (PostgreSQL).
    pub pool_size: u32,
    /// A connection older than this is replaced.
    pub recycle: Duration,
    /// How long to wait at start for a PostgreSQL server that is not there yet.
    pub connect_patience: Duration,
    /// Limit of one statement on PostgreSQL.
    pub statement_timeout: Duration,
}

/// Which database.
#[derive(Clone, Debug)]
pub enum Engine {
    Sqlite { path: PathBuf },
    Postgres(Box<PostgresConfig>),
}

/// What a confirmed write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The death of the process at any instant; a power cut but for the last 100 ms.
    Process,
    /// A power cut.
    Power,
}

impl Durability {
    /// The name in the settings and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Power => "power",
        }
    }
}

/// Connection to a PostgreSQL server.
#[derive(Clone)]
pub struct PostgresConfig {
    /// Wins over the single fields when given.
    pub url: Option<String>,
    pub host: String,
    pub port: u16,
    pub username: String,
    pub password: Option<String>,
    pub database: String,
    pub ssl_mode: Option<String>,
    pub ssl_root_cert: Option<String>,
    /// Server settings, as in `options=-c search_path=x`.
    pub options: Vec<(String, String)>,
    pub application_name: String,
}

impl std::fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("username", &self.username)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl DbConfig {
    /// A SQLite database in one file, with default settings.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::with_engine(Engine::Sqlite { path: path.into() })
    }

    /// A PostgreSQL database by its URL, with default settings.
    #[must_use]
    pub fn postgres(url: &str) -> Self {
        Self::with_engine(Engine::Postgres(Box::new(PostgresConfig {
            url: Some(url.to_owned()),
            ..PostgresConfig::default()
        })))
    }

    fn with_engine(engine: Engine) -> Self {
        let durability = match engine {
            Engine::Sqlite { .. } => Durability::Process,
            Engine::Postgres(_) => Durability::Power,
        };
        Self {
            engine,
            durability,
            pool_size: default_pool_size(),
            recycle: Duration::from_secs(3600),
            connect_patience: Duration::from_secs(30),
            statement_timeout: Duration::from_secs(30),
        }
    }

    /// Reads the settings of the reference's §4.1; `var` looks a variable up, `home` is `OXIDIFY_HOME`.
    ///
    /// # Errors
    /// When a value cannot be used; the error names the variable.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>, home: &Path) -> Result<Self> {
        let get = |name: &str| var(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        let mut config = Self::with_engine(engine(&get, home)?);
        if let Some(durability) = get("OXIDIFY_DURABILITY") {
            config.durability = match durability.as_str() {
                "process" => Durability::Process,
                "power" => Durability::Power,
                other => {
                    return Err(Error::config(
                        "OXIDIFY_DURABILITY",
                        format!("`{other}` is neither `process` nor `power`"),
                    ));
                }
            };
        }
        if let Some(size) = number::<u32>(&get, "SQLALCHEMY_POOL_SIZE")? {
            let overflow = number::<u32>(&get, "SQLALCHEMY_MAX_OVERFLOW")?.unwrap_or(0);
            config.pool_size = size.saturating_add(overflow).clamp(1, 1000);
        }
        if let Some(seconds) = number::<u64>(&get, "SQLALCHEMY_POOL_RECYCLE")? {
            config.recycle = Duration::from_secs(seconds.max(1));
        }
        if let Some(ms) = number::<u64>(&get, "OXIDIFY_DB_STATEMENT_TIMEOUT_MS")? {
            config.statement_timeout = Duration::from_millis(ms);
        }
        Ok(config)
    }

    /// Where the database is, without secrets, for reports and errors.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.engine {
            Engine::Sqlite { path } => format!("SQLite {}", path.display()),
            Engine::Postgres(server) => server.describe(),
        }
    }
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            url: None,
            host: "localhost".to_owned(),
            port: 5432,
            username: "postgres".to_owned(),
            password: None,
            database: "dify".to_owned(),
            ssl_mode: None,
            ssl_root_cert: None,
            options: Vec::new(),
            application_name: "oxidify".to_owned(),
        }
    }
}

impl PostgresConfig {
    fn describe(&self) -> String {
        match &self.url {
            // Only what follows the credentials.
            Some(url) => format!("PostgreSQL {}", url.rsplit('@').next().unwrap_or_default()),
            None => format!("PostgreSQL {}:{}/{}", self.host, self.port, self.database),
        }
    }

    /// `DB_EXTRAS`: a query string.
    fn extras(&mut self, extras: &str) -> Result<()> {
        for pair in extras.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "sslmode" => self.ssl_mode = Some(value.to_owned()),
                "sslrootcert" => self.ssl_root_cert = Some(value.to_owned()),
                "application_name" => value.clone_into(&mut self.application_name),
                "options" => {
                    for setting in value.replace("%20", " ").replace("%3D", "=").split("-c").map(str::trim) {
                        if let Some((name, value)) = setting.split_once('=') {
                            self.options.push((name.trim().to_owned(), value.trim().to_owned()));
                        } else if !setting.is_empty() {
                            return Err(Error::config("DB_EXTRAS", format!("`{setting}` is not `name=value`")));
                        }
                    }
                }
                other => tracing::warn!(key = other, "DB_EXTRAS: this key has no effect"),
            }
        }
        Ok(())
    }
}

fn engine(get: &impl Fn(&str) -> Option<String>, home: &Path) -> Result<Engine> {
    if let Some(url) = get("OXIDIFY_DATABASE_URL") {
        return engine_of_url(&url, home);
    }
    let kind = get("DB_TYPE").map(|kind| kind.to_lowercase());
    match kind.as_deref() {
        Some("sqlite") => Ok(sqlite(home)),
        None if get("DB_HOST").is_none() => Ok(sqlite(home)),
        None | Some("postgresql" | "postgres") => {
            let mut server = PostgresConfig::default();
            if let Some(host) = get("DB_HOST") {
                server.host = host;
            }
            if let Some(port) = number(get, "DB_PORT")? {
                server.port = port;
            }
            if let Some(username) = get("DB_USERNAME") {
                server.username = username;
            }
            server.password = get("DB_PASSWORD");
            if let Some(database) = get("DB_DATABASE") {
                server.database = database;
            }
            server.ssl_mode = get("DB_SSL_MODE");
            if let Some(extras) = get("DB_EXTRAS") {
                server.extras(&extras)?;
            }
            Ok(Engine::Postgres(Box::new(server)))
        }
        Some(other) => {
            Err(Error::config("DB_TYPE", format!("`{other}` is not supported here; use `sqlite` or `postgresql`")))
        }
    }
}

fn engine_of_url(url: &str, home: &Path) -> Result<Engine> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Engine::Postgres(Box::new(PostgresConfig {
            url: Some(url.to_owned()),
            ..PostgresConfig::default()
        })));
    }
    if let Some(path) = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
        let path = path.split('?').next().unwrap_or_default();
        return Ok(if path.is_empty() { sqlite(home) } else { Engine::Sqlite { path: path.into() } });
    }
    Err(Error::config("OXIDIFY_DATABASE_URL", "it must start with `sqlite://` or `postgres://`"))
}

fn sqlite(home: &Path) -> Engine {
    Engine::Sqlite { path: home.join("oxidify.db") }
}

fn number<T: std::str::FromStr>(get: &impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<T>> {
    get(name)
        .map(|text| text.parse().map_err(|_| Error::config(name, format!("`{text}` is not a number in range"))))
        .transpose()
}

fn default_pool_size() -> u32 {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    u32::try_from(cores).unwrap_or(8).saturating_mul(4).min(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<DbConfig> {
        let find = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        DbConfig::from_vars(find, Path::new("/data"))
    }

    #[test]
    fn selection() {
        for (vars, expected) in [
            (&[][..], "SQLite /data/oxidify.db"),
            (&[("DB_TYPE", "sqlite"), ("DB_HOST", "db")], "SQLite /data/oxidify.db"),
            (&[("DB_HOST", "db_postgres"), ("DB_DATABASE", "x")], "PostgreSQL db_postgres:5432/x"),
            (&[("DB_TYPE", "postgresql"), ("DB_PORT", "6000")], "PostgreSQL localhost:6000/dify"),
            (&[("OXIDIFY_DATABASE_URL", "postgres://u:secret@h:1/d"), ("DB_TYPE", "sqlite")], "PostgreSQL h:1/d"),
            (&[("OXIDIFY_DATABASE_URL", "sqlite:///tmp/a.db")], "SQLite /tmp/a.db"),
        ] {
            assert_eq!(read(vars).expect("config").describe(), expected, "{vars:?}");
        }
    }

    #[test]
    fn wrong_values_name_the_variable() {
        for (vars, name) in [
            (&[("DB_TYPE", "oracle")][..], "DB_TYPE"),
            (&[("DB_HOST", "h"), ("DB_PORT", "70000")], "DB_PORT"),
            (&[("OXIDIFY_DURABILITY", "yes")], "OXIDIFY_DURABILITY"),
            (&[("SQLALCHEMY_POOL_SIZE", "many")], "SQLALCHEMY_POOL_SIZE"),
            (&[("OXIDIFY_DATABASE_URL", "mysql://x")], "OXIDIFY_DATABASE_URL"),
        ] {
            let error = read(vars).expect_err("must fail").to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }

    #[test]
    fn extras_and_pool() {
        let config = read(&[
            ("DB_HOST", "h"),
            ("DB_EXTRAS", "sslmode=require&options=-c search_path=x -c work_mem=8MB&keepalives_idle=60"),
            ("SQLALCHEMY_POOL_SIZE", "30"),
            ("SQLALCHEMY_MAX_OVERFLOW", "10"),
        ])
        .expect("config");
        assert_eq!(config.pool_size, 40);
        let Engine::Postgres(server) = config.engine else { panic!("postgres") };
        assert_eq!(server.ssl_mode.as_deref(), Some("require"));
        assert_eq!(server.options, [("search_path".into(), "x".into()), ("work_mem".into(), "8MB".into())]);
    }
}
