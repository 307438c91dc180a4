//! A log file that is replaced when it is full.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tracing_subscriber::fmt::MakeWriter;

/// Writes to a file; at `max_bytes` it becomes `<name>.1`, the one before `<name>.2`, and so on up to `backups`.
#[derive(Clone)]
pub(crate) struct RotatingFile {
    state: Arc<Mutex<State>>,
}

struct State {
    path: PathBuf,
    file: File,
    size: u64,
    max_bytes: u64,
    backups: u32,
}

impl RotatingFile {
    pub(crate) fn open(path: &Path, max_bytes: u64, backups: u32) -> io::Result<Self> {
        if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
            fs::create_dir_all(directory)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let size = file.metadata()?.len();
        let state = State { path: path.to_owned(), file, size, max_bytes: max_bytes.max(1), backups };
        Ok(Self { state: Arc::new(Mutex::new(state)) })
    }
}

impl State {
    fn rotate(&mut self) -> io::Result<()> {
        let name = |n: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{n}"));
            PathBuf::from(name)
        };
        for n in (1..self.backups).rev() {
            match fs::rename(name(n), name(n + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.backups > 0 {
            fs::rename(&self.path, name(1))?;
        }
        self.file = OpenOptions::new().create(true).write(true).truncate(true).open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.size > 0 && state.size + line.len() as u64 > state.max_bytes {
            // When it cannot be replaced it goes on growing: better than losing lines.
            let _ = state.rotate();
        }
        state.file.write_all(line)?;
        state.size += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).file.flush()
    }
}

impl<'a> MakeWriter<'a> for RotatingFile {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_moves_on_and_the_oldest_goes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("logs/server.log");
        let mut file = RotatingFile::open(&path, 10, 2).unwrap();
        for line in ["first 1\n", "second\n", "third 3\n", "fourth\n"] {
            file.write_all(line.as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(directory.path().join("logs").join(name)).ok();
        assert_eq!(read("server.log").as_deref(), Some("fourth\n"));
        assert_eq!(read("server.log.1").as_deref(), Some("third 3\n"));
        assert_eq!(read("server.log.2").as_deref(), Some("second\n"));
        assert_eq!(read("server.log.3"), None);
        drop(file);
        RotatingFile::open(&path, 100, 2).unwrap().write_all(b"more\n").unwrap();
        assert_eq!(read("server.log").as_deref(), Some("fourth\nmore\n"));
    }
}
