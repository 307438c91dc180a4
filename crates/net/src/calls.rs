//! How calls are made where the caller leaves it to the operator: repetitions, times, kept connections.

use std::time::Duration;

use crate::{Class, Request};

/// Settings of the compatible system's guarded client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSettings {
    /// `SSRF_DEFAULT_MAX_RETRIES`.
    pub retries: u32,
    /// `SSRF_DEFAULT_CONNECT_TIME_OUT`, `…_READ_…`, `…_WRITE_…`; `SSRF_DEFAULT_TIME_OUT` stands for all of them.
    pub connect: Option<Duration>,
    pub read: Option<Duration>,
    pub write: Option<Duration>,
    /// `SSRF_POOL_MAX_CONNECTIONS`: calls of users at a time.
    pub connections: Option<usize>,
    /// `SSRF_POOL_MAX_KEEPALIVE_CONNECTIONS`, for each destination.
    pub idle_connections: Option<usize>,
    /// `SSRF_POOL_KEEPALIVE_EXPIRY`.
    pub idle: Option<Duration>,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            retries: 3,
            connect: None,
            read: None,
            write: None,
            connections: None,
            idle_connections: None,
            idle: None,
        }
    }
}

impl CallSettings {
    /// Reads the settings; what cannot be read keeps its default and is told.
    pub fn from_env(read: impl Fn(&str) -> Option<String>, warnings: &mut Vec<String>) -> Self {
        let mut number = |name: &str| {
            let text = read(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())?;
            let number = text.parse::<f64>().ok().filter(|number| (0.0..=1e6).contains(number));
            if number.is_none() {
                warnings.push(format!("{name}={text} is not a number from 0 to 1000000; using the default"));
            }
            number
        };
        let all = number("SSRF_DEFAULT_TIME_OUT");
        let mut seconds = |name: &str, usual: Option<f64>| {
            number(name).or(usual).filter(|seconds| *seconds > 0.0).map(Duration::from_secs_f64)
        };
        let connect = seconds("SSRF_DEFAULT_CONNECT_TIME_OUT", all);
        let read_limit = seconds("SSRF_DEFAULT_READ_TIME_OUT", all);
        let write = seconds("SSRF_DEFAULT_WRITE_TIME_OUT", all);
        let idle = seconds("SSRF_POOL_KEEPALIVE_EXPIRY", None);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        let mut count = |name: &str| number(name).map(|number| number as u32);
        Self {
            retries: count("SSRF_DEFAULT_MAX_RETRIES").unwrap_or(3).min(10),
            connect,
            read: read_limit,
            write,
            connections: count("SSRF_POOL_MAX_CONNECTIONS").filter(|count| *count > 0).map(|count| count as usize),
            idle_connections: count("SSRF_POOL_MAX_KEEPALIVE_CONNECTIONS").map(|count| count as usize),
            idle,
        }
    }

    /// How often calls of this class are made again by themselves. The others have policies of their own.
    pub const fn retries_of(&self, class: Class) -> u32 {
        match class {
            Class::HttpNode | Class::Tool | Class::Fetch | Class::ExternalApi => self.retries,
            _ => 0,
        }
    }

    /// Sets the operator's times on calls that bring none of the user's.
    pub fn apply(&self, request: &mut Request) {
        if !matches!(request.class, Class::Tool | Class::Fetch | Class::ExternalApi) {
            return;
        }
        let limits = &mut request.limits;
        limits.connect = self.connect.unwrap_or(limits.connect);
        if let Some(read) = self.read {
            limits.read = read;
            limits.first_byte = limits.connect + self.write.unwrap_or_default() + read;
        }
    }
}
