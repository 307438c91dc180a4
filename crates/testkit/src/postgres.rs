//! One PostgreSQL server for all test processes of a user, on a socket; its files are in memory where there is room.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use ox_db::{Database, DbConfig};
use sqlx::{Connection, Executor, PgConnection};

/// Names a server to use instead of starting one.
const URL_VARIABLE: &str = "OXIDIFY_TEST_POSTGRES";
/// Where files are kept in memory on Linux, and the megabytes that must be free there.
const MEMORY: &str = "/dev/shm";
const ROOM: u64 = 4096;
/// What the names of templates begin with.
const TEMPLATE: &str = "oxidify_template_";
/// The advisory lock of who makes a template.
const LOCK: i64 = 0x6f78_6964_6966_7901;

/// A database on the test server.
pub(crate) struct Throwaway {
    admin_url: String,
    name: String,
    url: String,
    /// Held while the database is in use; the server stops when nobody holds it.
    _in_use: Option<File>,
}

impl Throwaway {
    /// Makes a database; `None` when there is no PostgreSQL on the machine.
    #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
    pub(crate) async fn create() -> anyhow::Result<Option<Self>> {
        let (admin_url, in_use) = match std::env::var(URL_VARIABLE) {
            Ok(url) if !url.is_empty() => (url, None),
            _ => match Server::find() {
                Some(server) => {
                    let in_use = tokio::task::spawn_blocking(move || server.start()).await??;
                    (in_use.0, Some(in_use.1))
                }
                None => {
                    eprintln!("skipped on PostgreSQL: install it, or set {URL_VARIABLE} to the URL of a server");
                    return Ok(None);
                }
            },
        };
        let name = format!("oxidify_test_{}", ox_types::new_uuid().simple());
        let mut admin = PgConnection::connect(&admin_url).await.context("connecting to the test server")?;
        let template = template(&mut admin, &admin_url).await?;
        admin.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {template}"))).await?;
        admin.close().await?;
        let url = with_database(&admin_url, &name)?;
        Ok(Some(Self { admin_url, name, url, _in_use: in_use }))
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Moves the shared clock: `clock_timestamp` of connections whose search path has `public` before `pg_catalog`.
    pub(crate) async fn shift_clock(&self, seconds: i64) -> anyhow::Result<()> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let function = format!(
            "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT \
             pg_catalog.clock_timestamp() + interval '{seconds} seconds' $$"
        );
        connection.execute(sqlx::AssertSqlSafe(function)).await?;
        connection.close().await?;
        Ok(())
    }

    pub(crate) async fn remove(&self) {
        if let Ok(mut admin) = PgConnection::connect(&self.admin_url).await {
            let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            // A left-over database only takes space until the server's directory is removed.
            let _ = admin.execute(sqlx::AssertSqlSafe(drop)).await;
            let _ = admin.close().await;
        }
    }
}

/// The name of the migrated database that tests get copies of. Whoever is first makes it.
async fn template(admin: &mut PgConnection, admin_url: &str) -> anyhow::Result<String> {
    let name = format!("{TEMPLATE}{}", crate::template::key()?);
    if names_like(admin, &name).await?.is_empty() {
        sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut *admin).await?;
        let made = make_template(admin, admin_url, &name).await;
        sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK).execute(&mut *admin).await?;
        made?;
    }
    Ok(name)
}

async fn make_template(admin: &mut PgConnection, admin_url: &str, name: &str) -> anyhow::Result<()> {
    if !names_like(admin, name).await?.is_empty() {
        return Ok(());
    }
    for old in names_like(admin, &format!("{TEMPLATE}%")).await? {
        // A test of another checkout may be copying it.
        let _ = admin.execute(sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS {old}"))).await;
    }
    let unfinished = format!("{TEMPLATE}unfinished");
    admin.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {unfinished}"))).await?;
    let database = Database::connect(&DbConfig::postgres(&with_database(admin_url, &unfinished)?)).await?;
    database.close().await;
    admin.execute(sqlx::AssertSqlSafe(format!("ALTER DATABASE {unfinished} RENAME TO {name}"))).await?;
    admin.execute(sqlx::AssertSqlSafe(format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"))).await?;
    Ok(())
}

async fn names_like(admin: &mut PgConnection, pattern: &str) -> anyhow::Result<Vec<String>> {
    let query = sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname LIKE $1").bind(pattern);
    Ok(query.fetch_all(admin).await?)
}

/// The same server, another database: the last part of the path.
fn with_database(url: &str, name: &str) -> anyhow::Result<String> {
    let (base, query) = url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
    let after_scheme = base.find("://").context("not a URL")? + 3;
    let host_end = base.get(after_scheme..).and_then(|rest| rest.find('/')).map_or(base.len(), |at| after_scheme + at);
    Ok(format!("{}/{name}{query}", base.get(..host_end).unwrap_or(base)))
}

struct Server {
    programs: PathBuf,
    home: PathBuf,
    /// Set when we are root, which PostgreSQL refuses.
    user: Option<&'static str>,
}

impl Server {
    fn find() -> Option<Self> {
        let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("bin"))
            .chain(std::env::split_paths(&std::env::var_os("PATH")?))
            .filter(|directory| directory.join("initdb").exists() && directory.join("pg_ctl").exists())
            .collect();
        versions.sort();
        let programs = versions.pop()?;
        let id = Command::new("id").arg("-u").output().ok()?;
        let id = String::from_utf8_lossy(&id.stdout).trim().to_owned();
        let home = files_in_memory().unwrap_or_else(std::env::temp_dir).join(format!("oxidify-test-postgres-{id}"));
        Some(Self { programs, home, user: (id == "0").then_some("postgres") })
    }

    /// Starts it unless it runs, and returns its URL and the mark that it is in use.
    fn start(&self) -> anyhow::Result<(String, File)> {
        std::fs::create_dir_all(&self.home)?;
        let start_lock = File::create(self.home.join("start.lock"))?;
        start_lock.lock()?;
        let in_use = File::create(self.home.join("in-use.lock"))?;
        in_use.lock_shared()?;
        in_use.set_modified(std::time::SystemTime::now())?;
        let data = self.home.join("data");
        if self.run("pg_ctl", &["status", "-D", &text(&data)]).is_err() {
            if !data.join("PG_VERSION").exists() {
                self.make(&data)?;
            }
            let options = format!(
                "-k {home} -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=300 -c \
                 shared_buffers=64MB",
                home = text(&self.home)
            );
            let log = text(&data.join("server.log"));
            self.run("pg_ctl", &["start", "-w", "-t", "60", "-D", &text(&data), "-l", &log, "-o", &options])?;
            self.stop_when_unused(&data)?;
        }
        Ok((format!("postgres://postgres@localhost/postgres?host={}", text(&self.home)), in_use))
    }

    fn make(&self, data: &Path) -> anyhow::Result<()> {
        if data.exists() {
            std::fs::remove_dir_all(data)?;
        }
        std::fs::create_dir(data)?;
        if let Some(user) = self.user {
            let owned = Command::new("chown").args([user, &text(&self.home), &text(data)]).status()?;
            ensure!(owned.success(), "chown {user} {} failed", data.display());
        }
        self.run("initdb", &["-D", &text(data), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"])
    }

    /// A small watcher outside this process ends the server when no test has begun for half a minute. It holds the lock
    /// until the server is down, so that a test that comes meanwhile starts another.
    fn stop_when_unused(&self, data: &Path) -> anyhow::Result<()> {
        let stop = format!(
            "while sleep 10; do [ $(($(date +%s) - $(stat -c %Y {lock}))) -gt 30 ] && flock -n -x {lock} {pg_ctl} stop -m \
             immediate -D {data} && exit; {pg_ctl} status -D {data} >/dev/null || exit; done",
            lock = text(&self.home.join("in-use.lock")),
            pg_ctl = text(&self.programs.join("pg_ctl")),
            data = text(data),
        );
        let mut command = self.as_user("sh");
        command.args(["-c", &stop]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().context("starting the watcher of the test server")?;
        Ok(())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = self.as_user(&text(&self.programs.join(program)));
        // To files, not pipes: the server inherits them and would keep a pipe open for ever.
        let output = tempfile::tempfile()?;
        command.args(arguments).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output.try_clone()?);
        let status = command.status().with_context(|| format!("running {program}"))?;
        if !status.success() {
            bail!("{program} {} failed: {status}", arguments.join(" "));
        }
        Ok(())
    }

    fn as_user(&self, program: &str) -> Command {
        let mut command = match self.user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", user, "--regid", user, "--clear-groups", program]);
                command
            }
        };
        command.current_dir("/");
        command
    }
}

/// A directory in memory, where there is room: a database is a thousand files, which disks make slowly.
fn files_in_memory() -> Option<PathBuf> {
    let output = Command::new("df").args(["--output=avail", "--block-size=1M", MEMORY]).output().ok()?;
    let free: u64 = String::from_utf8_lossy(&output.stdout).lines().last()?.trim().parse().ok()?;
    (free > ROOM).then(|| PathBuf::from(MEMORY))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn names_the_database() {
        for (url, expected) in [
            ("postgres://u:p@h:1/x", "postgres://u:p@h:1/t"),
            ("postgres://u@h", "postgres://u@h/t"),
            ("postgres://u@h/x?host=/tmp", "postgres://u@h/t?host=/tmp"),
        ] {
            assert_eq!(with_database(url, "t").expect("url"), expected);
        }
    }
}
