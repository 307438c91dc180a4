//! Finding the interpreter and what it needs to see.

use ox_types::boxed;
use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    CodeError, Settings,
    confine::Inside,
    filter::{self, Answer},
    layers::Without,
    network::PROXY,
    sys::LandlockRights,
};

/// First user id of runs where there are no namespaces; far from those of people.
const FIRST_USER: u32 = 1_879_048_193;
/// Asking an interpreter about itself may take this long.
const PATIENCE: Duration = Duration::from_secs(15);
const QUESTION: &str = "import json,sys;print(json.dumps([sys.executable,sys.version.split()[0],\
[sys.prefix,sys.base_prefix,sys.exec_prefix,sys.base_exec_prefix]+sys.path]))";
/// What every interpreter and its libraries may read besides their own folders.
const SYSTEM: [&str; 12] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/pki/tls/certs",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ca-certificates",
];

/// What the zygote is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ZygoteSetup {
    pub interpreter: PathBuf,
    /// Folders and files that runs may read.
    pub folders: Vec<PathBuf>,
    /// Folders with more packages.
    pub path: Vec<PathBuf>,
    pub without: Without,
    pub processes: u32,
    pub file_bytes: u64,
    /// The only calls that runs may make, by number, where the operator lists them.
    pub allowed_calls: Option<Vec<u32>>,
}

/// Asks the interpreter where it lives.
#[boxed]
pub async fn find(python: &Path, settings: &Settings) -> Result<ZygoteSetup, CodeError> {
    let missing = |why: String| CodeError::Unsupported(format!("Python cannot run here: {}: {why}", python.display()));
    let mut command = tokio::process::Command::new(python);
    command.args(["-I", "-c", QUESTION]).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.map_err(|_| missing("no answer".into()))?.map_err(|error| missing(error.to_string()))?;
    if !output.status.success() {
        return Err(missing(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let (executable, _, folders): (PathBuf, String, Vec<PathBuf>) =
        serde_json::from_slice(&output.stdout).map_err(|error| missing(error.to_string()))?;
    let packages = settings.packages.as_ref().map(|packages| packages.folder.clone());
    let all = SYSTEM.iter().map(PathBuf::from).chain(folders).chain(packages.clone());
    let folders = all.filter(|path| path.is_absolute() && path != Path::new("/") && path.exists()).collect();
    Ok(ZygoteSetup {
        interpreter: executable,
        folders,
        path: packages.into_iter().collect(),
        without: settings.without,
        processes: settings.processes,
        file_bytes: settings.file_bytes,
        allowed_calls: settings.allowed_calls.clone(),
    })
}

impl ZygoteSetup {
    /// The variables of the interpreter, and so of every run.
    pub fn environment(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("HOME", "/tmp"),
            ("LANG", "C.UTF-8"),
            // Once in the interpreter, not again in each copy.
            ("LD_BIND_NOW", "1"),
            ("MALLOC_ARENA_MAX", "2"),
            ("MKL_NUM_THREADS", "1"),
            ("OMP_NUM_THREADS", "1"),
            ("OPENBLAS_NUM_THREADS", "1"),
            ("PATH", "/usr/bin"),
            ("TMPDIR", "/tmp"),
            ("TZ", "UTC"),
        ]
    }

    /// The zygote's argument.
    ///
    /// # Errors
    /// Never for settings that came here.
    pub fn told(&self, inside: &Inside) -> io::Result<String> {
        let shown = |no: Answer, network: bool| {
            let filter = filter::python(no, network, self.allowed_calls.as_deref());
            json!({"code": BASE64_STANDARD.encode(filter.bytes()), "own_pid": filter.own_pid})
        };
        let version = inside.layers.landlock;
        let namespaces = inside.layers.namespaces.is_up();
        let told = json!({
            "calls": {
                "capset": libc::SYS_capset,
                "landlock_add_rule": libc::SYS_landlock_add_rule,
                "landlock_create_ruleset": libc::SYS_landlock_create_ruleset,
                "landlock_restrict_self": libc::SYS_landlock_restrict_self,
                "seccomp": libc::SYS_seccomp,
            },
            "filters": {
                "report": shown(Answer::Report, false),
                "report_network": shown(Answer::Report, true),
                "refuse": shown(Answer::Refuse, false),
            },
            "file_bytes": self.file_bytes,
            "folders": self.folders,
            "landlock": version > 0,
            "landlock_rights": LandlockRights::of(version).words(),
            "landlock_size": LandlockRights::size(version),
            "layers": inside.layers,
            "first_user": first_user(inside),
            "namespaces": namespaces,
            "path": self.path,
            "processes": self.processes,
            "proxy": format!("http://{PROXY}"),
            "seccomp": !self.without.seccomp,
            "tmp_bytes": self.file_bytes,
        });
        Ok(serde_json::to_string(&told)?)
    }
}

/// The first user id that a run can get, when runs can have their own.
fn first_user(inside: &Inside) -> Option<u32> {
    if inside.layers.namespaces.is_up() {
        (inside.users > 0).then_some(1)
    } else {
        inside.layers.own_user.then_some(FIRST_USER)
    }
}
