//! MCP servers that are programs on this machine: which ones the operator allows, and those that run.
//!
//! The operator names each with its command line (`OXIDIFY_MCP_STDIO_COMMANDS`); a workspace only chooses one by its
//! name, `stdio:name` in place of an address, and gives values to the variables that the operator leaves open.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use ox_sandbox::Launch;
use ox_tools::mcp::{Program, Programs};
use ox_types::TenantId;
use serde::{Deserialize, Serialize};

/// The setting that names them.
pub const SETTING: &str = "OXIDIFY_MCP_STDIO_COMMANDS";
/// What stands before a name in place of an address.
const SCHEME: &str = "stdio:";
/// Bytes of a value that a workspace gives.
const MAX_VALUE: usize = 32 * 1024;

/// A program that the operator allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedProgram {
    command: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Variables that workspaces give.
    #[serde(default)]
    variables: Vec<String>,
}

/// All of them, by name.
pub type AllowedPrograms = BTreeMap<String, AllowedProgram>;

/// One as members see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfferedProgram {
    pub name: String,
    /// `server_url` of a server that is this program.
    pub server_url: String,
    /// Variables that it may be given.
    pub variables: Vec<String>,
}

/// Reads the setting.
///
/// # Errors
/// What is wrong with it; then none is allowed.
pub fn read(text: &str) -> Result<AllowedPrograms, String> {
    let all: AllowedPrograms = serde_json::from_str(text).map_err(|error| error.to_string())?;
    for (name, program) in &all {
        let is_name = !name.is_empty()
            && name.len() <= 64
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if !is_name {
            return Err(format!("'{name}' is no name: letters, digits, _ and - only, 64 at most"));
        }
        if program.command.trim().is_empty() {
            return Err(format!("'{name}' has no command"));
        }
        let mut variables = program.variables.iter().chain(program.env.keys());
        if let Some(wrong) = variables.find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            return Err(format!("'{wrong}' of '{name}' is no name of a variable"));
        }
    }
    Ok(all)
}

/// The name of the program that stands in place of an address.
#[must_use]
pub fn named(url: &str) -> Option<&str> {
    url.trim().strip_prefix(SCHEME).map(str::trim)
}

/// The programs of this server.
pub struct ProgramHost {
    allowed: AllowedPrograms,
    /// Where each has a directory.
    home: PathBuf,
    pub(super) running: Programs,
}

impl ProgramHost {
    /// None runs yet. They are started behind `guard`, which is this program.
    #[must_use]
    pub fn new(allowed: AllowedPrograms, home: &Path, guard: Option<PathBuf>) -> Self {
        let home = home.join("mcp");
        let home = std::path::absolute(&home).unwrap_or(home);
        Self { allowed, home, running: Programs::new(guard) }
    }

    /// Those that members may choose.
    #[must_use]
    pub fn offered(&self) -> Vec<OfferedProgram> {
        let offered = |(name, program): (&String, &AllowedProgram)| OfferedProgram {
            name: name.clone(),
            server_url: format!("{SCHEME}{name}"),
            variables: program.variables.clone(),
        };
        self.allowed.iter().map(offered).collect()
    }

    fn allowed(&self, name: &str) -> Result<&AllowedProgram, String> {
        if self.allowed.is_empty() {
            return Err(format!(
                "MCP servers that are programs (stdio) are off on this server. The operator allows them by name with {SETTING}."
            ));
        }
        let found = self.allowed.get(name);
        found.ok_or_else(|| format!("The program '{name}' is not among those that the operator allows with {SETTING}."))
    }

    /// A program as a workspace has it started.
    ///
    /// # Errors
    /// When it is not allowed, or a variable of it is not.
    pub fn program(&self, tenant: TenantId, name: &str, values: &BTreeMap<String, String>) -> Result<Program, String> {
        let allowed = self.allowed(name)?;
        for (variable, value) in values {
            if !allowed.variables.contains(variable) {
                return Err(format!("The program '{name}' takes no variable '{variable}' from workspaces."));
            }
            if value.len() > MAX_VALUE || value.contains('\0') {
                return Err(format!("The value of '{variable}' is too long, or cannot be a variable's."));
            }
        }
        let directory = self.home.join(format!("{name}-{tenant}"));
        let path = std::env::var("PATH").unwrap_or_default();
        let mut environment = BTreeMap::from([
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), directory.to_string_lossy().into_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ]);
        environment.extend(allowed.env.clone());
        environment.extend(values.clone());
        let launch = Launch {
            program: allowed.command.clone().into(),
            arguments: allowed.args.clone(),
            environment: environment.into_iter().collect(),
            directory,
        };
        let secrets = allowed.env.values().chain(values.values()).filter(|value| value.len() > 3).cloned().collect();
        Ok(Program { owner: tenant.to_string(), name: name.to_owned(), launch, secrets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"{"files": {"command": "/bin/files", "args": ["--root", "/srv"]},
        "weather": {"command": "uvx", "args": ["mcp-weather"], "env": {"REGION": "eu"}, "variables": ["API_KEY"]}}"#;

    #[test]
    fn what_the_operator_writes() {
        for (text, why) in [
            (TWO, ""),
            ("{}", ""),
            ("files=/bin/files", "expected"),
            (r#"{"a b": {"command": "x"}}"#, "'a b' is no name"),
            (r#"{"a": {"command": " "}}"#, "'a' has no command"),
            (r#"{"a": {"args": []}}"#, "missing field `command`"),
            (r#"{"a": {"command": "x", "arguments": []}}"#, "unknown field `arguments`"),
            (r#"{"a": {"command": "x", "variables": ["A=B"]}}"#, "'A=B' of 'a' is no name of a variable"),
        ] {
            let error = read(text).err().unwrap_or_default();
            assert!(error.contains(why) && error.is_empty() == why.is_empty(), "{text}: {error}");
        }
    }

    #[test]
    fn only_what_is_allowed_is_started() {
        let (tenant, none) = (TenantId::new(), BTreeMap::new());
        let host = ProgramHost::new(read(TWO).unwrap(), Path::new("data"), None);
        let names: Vec<_> = host.offered().into_iter().map(|one| (one.server_url, one.variables)).collect();
        assert_eq!(
            names,
            [("stdio:files".to_owned(), Vec::new()), ("stdio:weather".to_owned(), vec!["API_KEY".to_owned()])]
        );
        let values = BTreeMap::from([("API_KEY".to_owned(), "secret".to_owned())]);
        let program = host.program(tenant, "weather", &values).unwrap();
        let variables: Vec<_> = program.launch.environment.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(variables, ["API_KEY", "HOME", "LANG", "PATH", "REGION"]);
        assert_eq!(program.launch.arguments, ["mcp-weather"]);
        assert!(program.secrets.contains(&"secret".to_owned()) && program.launch.directory.is_absolute());
        for (name, values, why) in [
            ("files", &values, "takes no variable 'API_KEY'"),
            (
                "sh",
                &none,
                "The program 'sh' is not among those that the operator allows with OXIDIFY_MCP_STDIO_COMMANDS.",
            ),
        ] {
            assert!(host.program(tenant, name, values).unwrap_err().contains(why), "{name}");
        }
        let off = ProgramHost::new(AllowedPrograms::new(), Path::new("data"), None);
        let refused = off.program(tenant, "files", &none).unwrap_err();
        assert!(refused.contains("are off on this server") && refused.contains(SETTING), "{refused}");
        assert_eq!((named("stdio: files"), named("https://a.test")), (Some("files"), None));
    }
}
