//! Databases that are migrated once; every test gets a copy.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use ox_db::{Database, DbConfig};

/// How databases are made: what the migrations and their runner are in.
const SOURCES: &[&str] = &["database.rs", "migration", "migration.rs", "postgres.rs", "sqlite.rs"];
/// What the templates of SQLite begin with, in the temporary directory.
const PREFIX: &str = "oxidify-test-template-";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Names what a new database would be: by its sources, and the day, which partitions are made for.
pub(crate) fn key() -> anyhow::Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../db/src");
    let mut files = Vec::new();
    for name in SOURCES {
        let path = root.join(name);
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                files.push(entry?.path());
            }
        } else if path.exists() {
            files.push(path);
        }
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for path in files {
        let about = fs::metadata(&path)?;
        (path, about.len(), about.modified()?).hash(&mut hasher);
    }
    let day = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / DAY.as_secs();
    Ok(format!("{day}_{:016x}", hasher.finish()))
}

/// Puts a migrated SQLite database at a path. Whoever is first makes the template.
pub(crate) async fn sqlite(path: &Path) -> anyhow::Result<()> {
    let directory = std::env::temp_dir();
    let template = directory.join(format!("{PREFIX}{}.db", key()?));
    if fs::copy(&template, path).is_ok() {
        return Ok(());
    }
    let made = tempfile::tempdir_in(&directory)?;
    let file = made.path().join("oxidify.db");
    let database = Database::connect(&DbConfig::sqlite(file.clone())).await?;
    database.close().await;
    drop(database);
    let log = file.with_extension("db-wal");
    anyhow::ensure!(fs::metadata(&log).map_or(0, |about| about.len()) == 0, "{} is not empty", log.display());
    remove_old(&directory);
    fs::rename(&file, &template)?;
    fs::copy(&template, path).context("copying the template")?;
    Ok(())
}

/// Templates of other days; what another user has stays.
fn remove_old(directory: &Path) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    let is_old = |path: &PathBuf| {
        let modified = fs::metadata(path).and_then(|about| about.modified());
        modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > DAY))
    };
    for path in ours.map(|entry| entry.path()).filter(is_old) {
        let _ = fs::remove_file(path);
    }
}
