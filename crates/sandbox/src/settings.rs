//! Settings of the sandbox, read from the environment by their compatible names.

use std::{path::PathBuf, time::Duration};

use crate::{
    layers::Without,
    packages::{self, Packages},
    runner::UNCONFINED_SETTING,
};

/// How code is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The program that is started as a worker: this one.
    pub program: PathBuf,
    /// Runs at once; more wait.
    pub workers: usize,
    /// Runs that may wait.
    pub queue: usize,
    pub timeout: Duration,
    pub memory_bytes: usize,
    /// Threads of a run.
    pub processes: u32,
    pub file_bytes: u64,
    pub output_bytes: usize,
    /// Python code may call out, through the egress proxy.
    pub network: bool,
    /// What a run may move over the network, both ways together.
    pub network_bytes: u64,
    /// The only system calls of Python code, by number; what is denied anyway stays so.
    pub allowed_calls: Option<Vec<u32>>,
    /// The Python interpreter; empty turns Python off.
    pub python: Option<PathBuf>,
    /// Packages besides those of the interpreter.
    pub packages: Option<Packages>,
    /// Code runs even where it cannot be confined well.
    pub accept_weak: bool,
    /// Layers that are left out, for tests.
    pub without: Without,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            program: PathBuf::from("/proc/self/exe"),
            workers: cores.max(4),
            queue: 256,
            timeout: Duration::from_secs(15),
            memory_bytes: 256 << 20,
            processes: 32,
            file_bytes: 16 << 20,
            output_bytes: 8 << 20,
            network: true,
            network_bytes: 100 << 20,
            allowed_calls: None,
            python: Some(PathBuf::from("python3")),
            packages: None,
            accept_weak: false,
            without: Without::default(),
        }
    }
}

impl Settings {
    /// Reads the settings; the second value names those that cannot be read.
    #[must_use]
    pub fn from_env(read: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut settings = Self::default();
        let mut wrong = Vec::new();
        let mut number = |names: &[&str], apply: &mut dyn FnMut(u64)| {
            let found = names.iter().find_map(|name| read(name).map(|text| (*name, text.trim().to_owned())));
            if let Some((name, text)) = found.filter(|(_, text)| !text.is_empty()) {
                match text.parse::<u64>() {
                    Ok(value) if value > 0 => apply(value),
                    _ => wrong.push(format!("{name}={text} is not a positive whole number; the default is used")),
                }
            }
        };
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        number(&["MAX_WORKERS"], &mut |value| settings.workers = size(value));
        number(&["MAX_REQUESTS"], &mut |value| settings.queue = size(value));
        number(&["SANDBOX_WORKER_TIMEOUT", "WORKER_TIMEOUT", "OXIDIFY_SANDBOX_CPU_SECONDS"], &mut |value| {
            settings.timeout = Duration::from_secs(value);
        });
        number(&["OXIDIFY_SANDBOX_MEMORY_MB"], &mut |value| {
            settings.memory_bytes = size(value).saturating_mul(1 << 20)
        });
        number(&["OXIDIFY_SANDBOX_PIDS"], &mut |value| settings.processes = u32::try_from(value).unwrap_or(u32::MAX));
        number(&["OXIDIFY_SANDBOX_FSIZE_MB"], &mut |value| settings.file_bytes = value.saturating_mul(1 << 20));
        number(&["OXIDIFY_SANDBOX_OUTPUT_KB"], &mut |value| {
            settings.output_bytes = size(value).saturating_mul(1 << 10)
        });
        number(&["OXIDIFY_SANDBOX_NETWORK_MB"], &mut |value| settings.network_bytes = value.saturating_mul(1 << 20));
        let text = |name: &str| read(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(path) = text("PYTHON_PATH").map(PathBuf::from) {
            if path.is_absolute() && !path.exists() {
                wrong.push(format!("PYTHON_PATH={} is not there; python3 is used", path.display()));
            } else {
                settings.python = (path.as_os_str() != "off").then_some(path);
            }
        }
        if let Some(on) = text("SANDBOX_ENABLE_NETWORK").or_else(|| text("ENABLE_NETWORK")) {
            settings.network = !matches!(on.to_ascii_lowercase().as_str(), "false" | "0" | "no" | "off");
        }
        if let Some(list) = text("ALLOWED_SYSCALLS") {
            let numbers: Result<Vec<u32>, _> =
                list.split([',', ' ']).filter(|word| !word.is_empty()).map(str::parse).collect();
            match numbers {
                Ok(numbers) => settings.allowed_calls = Some(numbers),
                // A list that cannot be read must not open more than the operator meant.
                Err(_) => {
                    settings.allowed_calls = Some(Vec::new());
                    wrong.push(format!(
                        "ALLOWED_SYSCALLS={list} is not a list of numbers; only what every run needs is allowed"
                    ));
                }
            }
        }
        let home = PathBuf::from(read("OXIDIFY_HOME").unwrap_or_else(|| "data".to_owned()));
        // Where the interpreter and its walls see it, whatever their working directory is.
        let home = std::path::absolute(&home).unwrap_or(home);
        let interval = read("PYTHON_DEPS_UPDATE_INTERVAL").and_then(|text| packages::duration(&text));
        settings.packages = Some(Packages {
            requirements: home.join("dependencies/python-requirements.txt"),
            folder: home.join("sandbox/packages"),
            mirror: read("PIP_MIRROR_URL").map(|url| url.trim().to_owned()).filter(|url| !url.is_empty()),
            interval: interval.unwrap_or(Duration::from_secs(1800)),
        });
        if let Some(accept) = read(UNCONFINED_SETTING) {
            settings.accept_weak = matches!(accept.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on");
        }
        (settings, wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_by_their_compatible_names() {
        let (settings, wrong) = Settings::from_env(|name| {
            let value = match name {
                "MAX_WORKERS" => "7",
                "SANDBOX_WORKER_TIMEOUT" => "3",
                "WORKER_TIMEOUT" => "9",
                "OXIDIFY_SANDBOX_MEMORY_MB" => "64",
                "OXIDIFY_SANDBOX_PIDS" => "many",
                "OXIDIFY_CODE_UNCONFINED" => "True",
                "PYTHON_PATH" => "off",
                "ENABLE_NETWORK" => "False",
                "ALLOWED_SYSCALLS" => "0, 1,59",
                _ => return None,
            };
            Some(value.to_owned())
        });
        assert_eq!((settings.workers, settings.timeout, settings.memory_bytes), (7, Duration::from_secs(3), 64 << 20));
        assert!(settings.accept_weak && settings.python.is_none() && !settings.network);
        assert_eq!(settings.allowed_calls, Some(vec![0, 1, 59]));
        assert_eq!(wrong, ["OXIDIFY_SANDBOX_PIDS=many is not a positive whole number; the default is used"]);
        let (settings, wrong) = Settings::from_env(|name| match name {
            "ALLOWED_SYSCALLS" => Some("read".into()),
            "PYTHON_PATH" => Some("/nowhere/python3".into()),
            _ => None,
        });
        assert_eq!((settings.allowed_calls, settings.network), (Some(Vec::new()), true));
        assert_eq!((settings.python, wrong.len()), (Some(PathBuf::from("python3")), 2));
    }
}
