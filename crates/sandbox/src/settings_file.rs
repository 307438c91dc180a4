//! The configuration file of the compatible service, as settings by the names of their environment variables.

use std::path::Path;

use ox_text::yaml;
use ox_types::Json;

/// Environment variable, and where its value is in the file.
const PLACES: &[(&str, &str)] = &[
    ("SANDBOX_PORT", "/app/port"),
    ("API_KEY", "/app/key"),
    ("DEBUG", "/app/debug"),
    ("MAX_WORKERS", "/max_workers"),
    ("MAX_REQUESTS", "/max_requests"),
    ("WORKER_TIMEOUT", "/worker_timeout"),
    ("PYTHON_PATH", "/python_path"),
    ("NODEJS_PATH", "/nodejs_path"),
    ("ENABLE_NETWORK", "/enable_network"),
    ("ENABLE_PRELOAD", "/enable_preload"),
    ("ALLOWED_SYSCALLS", "/allowed_syscalls"),
    ("HTTP_PROXY", "/proxy/http"),
    ("HTTPS_PROXY", "/proxy/https"),
    ("SOCKS5_PROXY", "/proxy/socks5"),
    ("PIP_MIRROR_URL", "/python_pip_mirror_url"),
    ("PYTHON_DEPS_UPDATE_INTERVAL", "/python_deps_update_interval"),
];

/// What the file says.
#[derive(Clone, Debug, Default)]
pub struct SettingsFile(Json);

impl SettingsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is not a YAML mapping.
    pub fn read(path: &Path) -> Result<Self, String> {
        let wrong = |why: String| format!("{}: {why}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        match yaml::parse(&text).map_err(|error| wrong(error.to_string()))? {
            json @ (Json::Object(_) | Json::Null) => Ok(Self(json)),
            _ => Err(wrong("the settings must be a mapping".into())),
        }
    }

    /// The setting of this environment variable; empty ones do not count.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let (_, place) = PLACES.iter().find(|(known, _)| *known == name)?;
        let text = match self.0.pointer(place)? {
            Json::Null => return None,
            Json::String(text) => text.clone(),
            Json::Array(items) => items.iter().map(Json::to_string).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        };
        (!text.trim().is_empty()).then_some(text)
    }

    /// Names of the file that mean nothing here.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        let mut found = Vec::new();
        let Json::Object(fields) = &self.0 else { return found };
        for (name, value) in fields {
            let inner: Vec<String> = match value {
                Json::Object(inner) if ["app", "proxy"].contains(&name.as_str()) => {
                    inner.keys().map(|key| format!("/{name}/{key}")).collect()
                }
                _ => vec![format!("/{name}")],
            };
            let known = |place: &String| PLACES.iter().any(|(_, known)| known == place);
            found.extend(inner.into_iter().filter(|place| !known(place) && place != "/app" && place != "/proxy"));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_file_of_the_compatible_service_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        let text = "app:\n  port: 8194\n  debug: True\n  key: secret\nmax_workers: 4\nmax_requests: 50\nworker_timeout: 5\n\
            python_path: /opt/python\nenable_network: no\nallowed_syscalls: # please leave it empty\n  - 1\n  - 2\n\
            proxy:\n  socks5: ''\n  http: 'http://p:1'\n  https: ''\nextra: 1\n";
        std::fs::write(&path, text).unwrap();
        let file = SettingsFile::read(&path).unwrap();
        for (name, expected) in [
            ("SANDBOX_PORT", Some("8194")),
            ("API_KEY", Some("secret")),
            ("MAX_WORKERS", Some("4")),
            ("ENABLE_NETWORK", Some("false")),
            ("ALLOWED_SYSCALLS", Some("1,2")),
            ("HTTP_PROXY", Some("http://p:1")),
            ("HTTPS_PROXY", None),
            ("PIP_MIRROR_URL", None),
            ("HOME", None),
        ] {
            assert_eq!(file.get(name).as_deref(), expected, "{name}");
        }
        assert_eq!(file.unknown(), ["/extra"]);
        std::fs::write(&path, "allowed_syscalls:\napp:\n").unwrap();
        assert_eq!(SettingsFile::read(&path).unwrap().get("ALLOWED_SYSCALLS"), None);
        std::fs::write(&path, "- 1\n").unwrap();
        assert!(SettingsFile::read(&path).unwrap_err().contains("must be a mapping"));
    }
}
