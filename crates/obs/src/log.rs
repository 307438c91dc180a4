//! Where log lines go.

use std::{
    fmt,
    io::{IsTerminal, Write},
    path::PathBuf,
    str::FromStr,
};

use chrono::Utc;
use chrono_tz::Tz;
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{MakeWriter, format::Writer, time::FormatTime, writer::BoxMakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{Error, Result, file::RotatingFile, json::JsonLayer};

/// Form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Pretty,
    /// For collectors.
    Json,
}

/// Settings of the log (operations reference §8.2).
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Filter directives, as `info,ox_engine=debug`.
    pub filter: String,
    pub format: Format,
    /// Name of this process in JSON lines.
    pub service: String,
    /// Instead of the standard output.
    pub file: Option<PathBuf>,
    pub file_max_mb: u64,
    pub file_backups: u32,
    /// Time zone of pretty lines.
    pub zone: Tz,
    /// What could not be read and keeps its default, for the start report.
    pub findings: Vec<String>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            filter: directives("info"),
            format: Format::Pretty,
            service: "oxidify".to_owned(),
            file: None,
            file_max_mb: 20,
            file_backups: 5,
            zone: Tz::UTC,
            findings: Vec::new(),
        }
    }
}

impl LogConfig {
    /// Reads the settings; `var` looks a variable up.
    #[must_use]
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| var(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        let mut config = Self::default();
        match get("LOG_LEVEL").map(|level| level.to_uppercase()).as_deref() {
            None | Some("INFO") => {}
            Some("DEBUG") => config.filter = directives("debug"),
            Some("WARN" | "WARNING") => config.filter = directives("warn"),
            Some("ERROR" | "CRITICAL" | "FATAL") => config.filter = directives("error"),
            Some(other) => config.findings.push(format!("LOG_LEVEL={other} is not a level; using INFO")),
        }
        if let Some(filter) = get("OXIDIFY_LOG") {
            config.filter = filter;
        }
        match get("LOG_OUTPUT_FORMAT").map(|format| format.to_lowercase()).as_deref() {
            None | Some("text" | "pretty") => {}
            Some("json") => config.format = Format::Json,
            Some(other) => {
                config.findings.push(format!("LOG_OUTPUT_FORMAT={other} is neither text nor json; using text"))
            }
        }
        if let Some(service) = get("OXIDIFY_SERVICE").or_else(|| get("OTEL_SERVICE_NAME")) {
            config.service = service;
        }
        config.file = get("LOG_FILE").map(PathBuf::from);
        if let Some(mb) = config.number("LOG_FILE_MAX_SIZE", get("LOG_FILE_MAX_SIZE")) {
            config.file_max_mb = mb;
        }
        if let Some(count) = config.number("LOG_FILE_BACKUP_COUNT", get("LOG_FILE_BACKUP_COUNT")) {
            config.file_backups = count;
        }
        if let Some(zone) = get("LOG_TZ") {
            match zone.parse() {
                Ok(zone) => config.zone = zone,
                Err(_) => config.findings.push(format!("LOG_TZ={zone} is not a time zone; using UTC")),
            }
        }
        config
    }

    fn number<T: FromStr>(&mut self, name: &str, text: Option<String>) -> Option<T> {
        let text = text?;
        let number = text.parse().ok();
        if number.is_none() {
            self.findings.push(format!("{name}={text} is not a whole number in range; using the default"));
        }
        number
    }
}

/// Our own lines at the level, libraries at `warn` unless that is less.
fn directives(level: &str) -> String {
    match level {
        "error" => "error".to_owned(),
        _ => format!("warn,oxidify={level},{}", crates(level)),
    }
}

fn crates(level: &str) -> String {
    const OURS: &[&str] = &[
        "ox_api",
        "ox_app",
        "ox_auth",
        "ox_cli",
        "ox_db",
        "ox_dsl",
        "ox_engine",
        "ox_kv",
        "ox_models",
        "ox_net",
        "ox_nodes",
        "ox_obs",
        "ox_sandbox",
        "ox_store",
        "ox_web",
    ];
    OURS.iter().map(|name| format!("{name}={level}")).collect::<Vec<_>>().join(",")
}

/// Sends all log lines of this process where the settings say. Once per process.
///
/// # Errors
/// When the file cannot be written, a directive cannot be read, or somebody was faster.
pub fn init_logs(config: &LogConfig) -> Result<()> {
    let filter =
        EnvFilter::builder().parse(&config.filter).map_err(|e| Error::Filter(format!("{}: {e}", config.filter)))?;
    let (writer, colours) = match &config.file {
        Some(path) => {
            let max = config.file_max_mb.saturating_mul(1024 * 1024);
            let file = RotatingFile::open(path, max, config.file_backups)
                .map_err(|cause| Error::LogFile { path: path.clone(), cause })?;
            (BoxMakeWriter::new(file), false)
        }
        None => (BoxMakeWriter::new(std::io::stdout), std::io::stdout().is_terminal()),
    };
    let layer = match config.format {
        Format::Json => JsonLayer::new(config.service.clone(), WholeLines(writer)).boxed(),
        Format::Pretty => tracing_subscriber::fmt::layer()
            .with_ansi(colours)
            .with_target(true)
            .with_timer(Zoned(config.zone))
            .with_writer(writer)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init()
        .map_err(|e| Error::AlreadySet(e.to_string()))
}

struct Zoned(Tz);

impl FormatTime for Zoned {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{}", Utc::now().with_timezone(&self.0).format("%Y-%m-%d %H:%M:%S%.3f"))
    }
}

/// Gives the JSON layer a writer type that is not generic.
struct WholeLines(BoxMakeWriter);

impl<'a> MakeWriter<'a> for WholeLines {
    type Writer = Box<dyn Write + 'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Box::new(self.0.make_writer())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> LogConfig {
        LogConfig::from_vars(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn defaults() {
        let config = read(&[]);
        assert_eq!((config.format, config.file, config.zone), (Format::Pretty, None, Tz::UTC));
        assert!(config.filter.contains("ox_engine=info") && config.filter.starts_with("warn,"));
    }

    #[test]
    fn every_filter_can_be_read() {
        for level in ["DEBUG", "INFO", "WARNING", "ERROR"] {
            let config = read(&[("LOG_LEVEL", level)]);
            assert!(EnvFilter::builder().parse(&config.filter).is_ok() && config.findings.is_empty());
        }
        assert_eq!(read(&[("LOG_LEVEL", "DEBUG"), ("OXIDIFY_LOG", "ox_db=trace")]).filter, "ox_db=trace");
    }

    #[test]
    fn values_that_cannot_be_read_are_reported() {
        let config = read(&[
            ("LOG_LEVEL", "LOUD"),
            ("LOG_OUTPUT_FORMAT", "xml"),
            ("LOG_TZ", "Mars/Olympus"),
            ("LOG_FILE_MAX_SIZE", "-1"),
            ("LOG_FILE_BACKUP_COUNT", "7"),
        ]);
        assert_eq!(config.findings.len(), 4, "{:?}", config.findings);
        assert_eq!((config.file_max_mb, config.file_backups), (20, 7));
    }
}
