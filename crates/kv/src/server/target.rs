//! Connections to one server, to the master that sentinels know, or to a cluster.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue,
    IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult, TlsCertificates, TlsMode,
    aio::{MultiplexedConnection, PubSub},
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
};

use super::settings::{Kind, RedisSettings, Tls};

/// Commands under way on one connection.
const UNDER_WAY: usize = 4096;

/// A connection that many callers share.
#[derive(Clone)]
pub(super) enum Connection {
    Node(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connection {
    pub async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        match self {
            Self::Node(connection) => command.query_async(connection).await,
            Self::Cluster(connection) => command.query_async(connection).await,
        }
    }
}

/// What connections are made from.
pub(super) struct Target {
    pub settings: RedisSettings,
    certificates: TlsCertificates,
    /// Which node is asked next, where several would do.
    turn: AtomicUsize,
}

impl Target {
    /// Reads the certificates.
    ///
    /// # Errors
    /// Which file cannot be read.
    pub fn new(settings: RedisSettings) -> Result<Self, String> {
        let certificates = certificates(settings.tls.as_ref())?;
        Ok(Self { settings, certificates, turn: AtomicUsize::new(0) })
    }

    /// A connection for commands, within the time that the operator allows.
    pub async fn connect(&self) -> RedisResult<Connection> {
        self.in_time(async {
            if self.settings.kind == Kind::Cluster {
                return Ok(Connection::Cluster(Box::pin(self.cluster()).await?));
            }
            Ok(Connection::Node(Box::pin(self.node()).await?))
        })
        .await
    }

    /// One server: the only one, the master, or any of a cluster.
    pub async fn node(&self) -> RedisResult<MultiplexedConnection> {
        let client = Box::pin(self.client()).await?;
        let config = self.config(self.settings.timeout, self.settings.connect_timeout);
        Box::pin(client.get_multiplexed_async_connection_with_config(&config)).await
    }

    /// A connection that listens to a channel.
    pub async fn listen(&self, channel: &str) -> RedisResult<PubSub> {
        self.in_time(async {
            let client = Box::pin(self.client()).await?;
            let mut listening = Box::pin(client.get_async_pubsub()).await?;
            listening.subscribe(channel).await?;
            Ok(listening)
        })
        .await
    }

    async fn in_time<T>(&self, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let limit = self.settings.connect_timeout;
        tokio::time::timeout(limit, Box::pin(work)).await.unwrap_or_else(|_| {
            let text = format!("no connection within {limit:?}");
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, text).into())
        })
    }

    async fn cluster(&self) -> RedisResult<ClusterConnection> {
        let nodes: Vec<ConnectionInfo> = self
            .settings
            .nodes
            .iter()
            .map(|(host, port)| self.info(host, *port, self.login()))
            .collect::<RedisResult<_>>()?;
        let mut builder = ClusterClientBuilder::new(nodes)
            .connection_timeout(self.settings.connect_timeout)
            .response_timeout(self.settings.timeout)
            .retries(self.settings.retries)
            .connection_concurrency_limit(UNDER_WAY);
        if let Some(tls) = &self.settings.tls {
            let mode = if tls.unchecked { TlsMode::Insecure } else { TlsMode::Secure };
            builder = builder.tls(mode).certs(self.certificates.clone());
        }
        let client = builder.build()?;
        Box::pin(client.get_async_connection()).await
    }

    async fn client(&self) -> RedisResult<Client> {
        let (host, port) = match &self.settings.kind {
            Kind::Single | Kind::Cluster => self.next_node()?,
            Kind::Sentinel { service, username, password, timeout } => {
                let login = login(username.as_deref(), password.as_deref());
                Box::pin(self.master(service, &login, *timeout)).await?
            }
        };
        self.client_of(&host, port, self.login())
    }

    fn next_node(&self) -> RedisResult<(String, u16)> {
        let nodes = &self.settings.nodes;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let node = nodes.get(turn.checked_rem(nodes.len()).unwrap_or(0)).cloned();
        node.ok_or_else(|| RedisError::from((ErrorKind::InvalidClientConfig, "no server is named")))
    }

    /// Asks one sentinel after the other where the master is.
    async fn master(
        &self,
        service: &str,
        login: &RedisConnectionInfo,
        timeout: Duration,
    ) -> RedisResult<(String, u16)> {
        let mut last = RedisError::from((ErrorKind::EmptySentinelList, "no sentinel is named"));
        for (host, port) in &self.settings.nodes {
            match Box::pin(self.ask_sentinel(host, *port, service, login.clone(), timeout)).await {
                Ok(Some(master)) => return Ok(master),
                Ok(None) => {
                    let text = format!("{host}:{port} knows no master {service}");
                    last = (ErrorKind::MasterNameNotFoundBySentinel, "REDIS_SENTINEL_SERVICE_NAME", text).into();
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn ask_sentinel(
        &self,
        host: &str,
        port: u16,
        service: &str,
        login: RedisConnectionInfo,
        timeout: Duration,
    ) -> RedisResult<Option<(String, u16)>> {
        let client = self.client_of(host, port, login)?;
        let config = self.config(timeout, timeout);
        let mut connection = Box::pin(client.get_multiplexed_async_connection_with_config(&config)).await?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
        command.query_async(&mut connection).await
    }

    fn config(&self, answer: Duration, connect: Duration) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_response_timeout(Some(answer))
            .set_connection_timeout(Some(connect))
            .set_concurrency_limit(UNDER_WAY)
    }

    fn login(&self) -> RedisConnectionInfo {
        login(self.settings.username.as_deref(), self.settings.password.as_deref()).set_db(self.settings.db)
    }

    fn client_of(&self, host: &str, port: u16, login: RedisConnectionInfo) -> RedisResult<Client> {
        let info = self.info(host, port, login)?;
        if self.settings.tls.is_some() {
            return Client::build_with_tls(info, self.certificates.clone());
        }
        Client::open(info)
    }

    fn info(&self, host: &str, port: u16, login: RedisConnectionInfo) -> RedisResult<ConnectionInfo> {
        let host = host.to_owned();
        let address = match &self.settings.tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(tls) => ConnectionAddr::TcpTls { host, port, insecure: tls.unchecked, tls_params: None },
        };
        Ok(address.into_connection_info()?.set_redis_settings(login))
    }
}

fn login(username: Option<&str>, password: Option<&str>) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default();
    if let Some(username) = username {
        login = login.set_username(username);
    }
    if let Some(password) = password {
        login = login.set_password(password);
    }
    login
}

fn certificates(tls: Option<&Tls>) -> Result<TlsCertificates, String> {
    let read = |name: &str, path: &std::path::Path| {
        std::fs::read(path).map_err(|error| format!("{name}={} cannot be read: {error}", path.display()))
    };
    let mut certificates = TlsCertificates { client_tls: None, root_cert: None };
    let Some(tls) = tls else { return Ok(certificates) };
    if let Some(path) = &tls.authorities {
        certificates.root_cert = Some(read("REDIS_SSL_CA_CERTS", path)?);
    }
    if let Some((certificate, key)) = &tls.identity {
        certificates.client_tls = Some(ClientTlsConfig {
            client_cert: read("REDIS_SSL_CERTFILE", certificate)?,
            client_key: read("REDIS_SSL_KEYFILE", key)?,
        });
    }
    Ok(certificates)
}
