//! The secret key of the installation.

use std::{fs, io::Write, path::Path};

use sha2::{Digest, Sha256};

use crate::{Error, Result, refresh_token};

/// SHA-256 of keys that stand in public example files: everybody knows them.
const PUBLIC_SAMPLES: &[&str] = &["0f44b34c6311bcb547867d393c1c56e6564e03d905fdd023637f549358bf3670"];

/// Refuses a secret key that is public or easily guessed.
///
/// # Errors
/// `Malformed`, with the remedy.
pub fn check_secret(secret: &str) -> Result<()> {
    if PUBLIC_SAMPLES.contains(&hex::encode(Sha256::digest(secret)).as_str()) {
        return Err(Error::Malformed(
            "SECRET_KEY is the sample from a public example file; remove it to let one be generated, or set your own \
             (for example the output of `openssl rand -base64 42`)"
                .to_owned(),
        ));
    }
    if secret.len() < 16 {
        return Err(Error::Malformed("SECRET_KEY is shorter than 16 characters; set a longer one".to_owned()));
    }
    Ok(())
}

/// The key kept in `<home>/secret_key`, made at the first start with access for its owner only.
///
/// # Errors
/// When the file cannot be read or made.
pub fn load_or_create_secret(home: &Path) -> Result<String> {
    let path = home.join("secret_key");
    let failed = |cause| Error::SecretFile { path: path.clone(), cause };
    loop {
        match fs::read_to_string(&path) {
            Ok(text) => {
                let secret = text.trim().to_owned();
                check_secret(&secret)?;
                return Ok(secret);
            }
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => return Err(failed(cause)),
        }
        fs::create_dir_all(home).map_err(failed)?;
        match create(&path) {
            // Another process was quicker: read its key.
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(failed(cause)),
            Ok(()) => {}
        }
    }
}

/// Complete before it has its name, so that nobody reads half a key; never over an existing one.
fn create(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let draft = directory.join(format!(".secret_key.{}", crate::random_code(12)));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(refresh_token().as_bytes())?;
        file.sync_all()
    });
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    // A left-over draft is a key that nobody uses.
    let _ = fs::remove_file(&draft);
    linked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_once_and_private() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("new");
        let first = load_or_create_secret(&directory).unwrap();
        assert_eq!(first.len(), 128);
        assert_eq!(load_or_create_secret(&directory).unwrap(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(directory.join("secret_key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    }

    #[test]
    fn bad_keys_are_refused() {
        assert!(check_secret(&["sk-9f73s3ljTXVcMT3Blb3ljTqts", "KiGHXVcMT3BlbkFJLK7U"].concat()).is_err());
        assert!(check_secret("short").is_err());
        assert!(check_secret("0123456789abcdef").is_ok());
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("secret_key"), "").unwrap();
        assert!(matches!(load_or_create_secret(home.path()), Err(Error::Malformed(_))));
    }
}
