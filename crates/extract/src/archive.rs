//! Zip archives, unpacked within the budget whatever they say about their sizes.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::{Budget, Error};

/// Most entries of an archive.
const MAX_ENTRIES: usize = 20_000;
const CHUNK: usize = 64 * 1024;

/// An archive in memory.
pub struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    format: &'static str,
    budget: &'a Budget,
}

impl<'a> Archive<'a> {
    pub fn open(bytes: &'a [u8], format: &'static str, budget: &'a Budget) -> Result<Self, Error> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| Error::broken(format, error))?;
        if zip.len() > MAX_ENTRIES {
            return Err(Error::broken(format, format!("it holds more than {MAX_ENTRIES} parts")));
        }
        Ok(Self { zip, format, budget })
    }

    /// Whether there is such a part.
    pub fn has(&self, path: &str) -> bool {
        self.zip.index_for_name(path).is_some()
    }

    /// A part by its path; nothing when there is none.
    pub fn find(&mut self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.zip.index_for_name(path.trim_start_matches('/')) {
            Some(index) => self.unpack(index).map(Some),
            None => Ok(None),
        }
    }

    /// A part that must be there.
    pub fn get(&mut self, path: &str) -> Result<Vec<u8>, Error> {
        let format = self.format;
        self.find(path)?.ok_or_else(|| Error::broken(format, format!("its part {path} is missing")))
    }

    /// Unpacks everything once and throws it away: afterwards the archive may be given to a reader that believes it.
    pub fn check(&mut self) -> Result<(), Error> {
        for index in 0..self.zip.len() {
            self.each_chunk(index, |_| {})?;
        }
        Ok(())
    }

    fn unpack(&mut self, index: usize) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        self.each_chunk(index, |chunk| out.extend_from_slice(chunk))?;
        Ok(out)
    }

    fn each_chunk(&mut self, index: usize, mut take: impl FnMut(&[u8])) -> Result<(), Error> {
        let format = self.format;
        let mut entry = self.zip.by_index(index).map_err(|error| Error::broken(format, error))?;
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = entry.read(&mut chunk).map_err(|error| Error::broken(format, error))?;
            if length == 0 {
                return Ok(());
            }
            self.budget.unpack(length as u64)?;
            take(chunk.get(..length).unwrap_or_default());
        }
    }
}

/// Where a relation of a part leads: relative to the part's folder, or absolute.
pub fn resolve(part: &str, target: &str) -> String {
    let mut path: Vec<&str> = match target.starts_with('/') {
        true => Vec::new(),
        false => part.rsplit_once('/').map_or("", |(folder, _)| folder).split('/').collect(),
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => _ = path.pop(),
            step => path.push(step),
        }
    }
    path.retain(|step| !step.is_empty());
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, testing::zipped};

    #[test]
    fn paths() {
        for (part, target, expected) in [
            ("ppt/presentation.xml", "slides/slide1.xml", "ppt/slides/slide1.xml"),
            ("ppt/presentation.xml", "/ppt/slides/slide1.xml", "ppt/slides/slide1.xml"),
            ("OEBPS/content.opf", "../a/./b.xhtml", "a/b.xhtml"),
            ("content.opf", "c.xhtml", "c.xhtml"),
            ("a/b", "../../../etc/passwd", "etc/passwd"),
        ] {
            assert_eq!(resolve(part, target), expected);
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let zeros = vec![0; 1024 * 1024];
        let bytes = zipped(&[("a", &zeros), ("b", &zeros)]);
        assert!(bytes.len() < 100_000, "{}", bytes.len());
        let limits = Limits { unpacked: 1500 * 1024, ..Limits::default() };
        let budget = Budget::new(limits);
        let mut archive = Archive::open(&bytes, "ZIP", &budget).unwrap();
        assert_eq!(archive.find("a").unwrap().unwrap().len(), zeros.len());
        assert_eq!(archive.find("nothing"), Ok(None));
        let error = archive.get("b").unwrap_err();
        assert_eq!(error, Error::TooLarge { what: "the unpacked content", limit: 1500 * 1024 });
        let budget = Budget::new(limits);
        assert!(Archive::open(&bytes, "ZIP", &budget).unwrap().check().is_err());
        assert!(Archive::open(b"PK not", "ZIP", &budget).is_err());
    }
}
