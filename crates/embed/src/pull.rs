//! Getting a model: from a model hub, or from a directory or archive that somebody has brought.
//!
//! Nothing counts before it is whole: files gather in a directory beside the models, are checked and tried, and only
//! then take their place under the model's name. A download that broke off goes on where it stopped.

mod archive;
mod background;
mod download;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use ox_net::Egress;

pub(crate) use background::Downloads;
pub use background::{State, in_background};

use crate::{Description, Error, Kind, Library, Model, library::is_name};

/// The hub that models come from.
pub const HUB: &str = "https://huggingface.co";

/// A model that can be had by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub name: &'static str,
    /// Where it is on the hub.
    pub repository: &'static str,
    pub kind: Kind,
    pub megabytes: u64,
    /// SHA-256 of its weights, where we have seen them.
    sha256: Option<&'static str>,
    pub about_en: &'static str,
    pub about_zh: &'static str,
}

/// The models that were thought of; others are named by their repository.
pub const KNOWN: &[Known] = &[
    Known {
        name: "all-minilm-l6-v2",
        repository: "sentence-transformers/all-MiniLM-L6-v2",
        kind: Kind::Embedding,
        megabytes: 91,
        sha256: Some("53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        about_en: "English, 384 dimensions",
        about_zh: "英文，384 维",
    },
    Known {
        name: "bge-small-zh-v1.5",
        repository: "BAAI/bge-small-zh-v1.5",
        kind: Kind::Embedding,
        megabytes: 96,
        sha256: None,
        about_en: "Chinese, 512 dimensions",
        about_zh: "中文，512 维",
    },
    Known {
        name: "ms-marco-minilm-l6-v2",
        repository: "cross-encoder/ms-marco-MiniLM-L6-v2",
        kind: Kind::Rerank,
        megabytes: 91,
        sha256: None,
        about_en: "English, orders search results anew",
        about_zh: "英文，用于重排序",
    },
];

/// Files of a model, and whether it cannot do without.
const FILES: &[(&str, bool)] = &[
    ("config.json", true),
    ("tokenizer.json", true),
    ("sentence_bert_config.json", false),
    ("config_sentence_transformers.json", false),
    ("1_Pooling/config.json", false),
    // Last: whoever stopped before has little to fetch again.
    ("model.safetensors", true),
];

/// How far a download is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<'p> {
    pub file: &'p str,
    pub done: u64,
    /// `None` when nobody told.
    pub whole: Option<u64>,
}

/// What to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The directory it gets, which is the model's name.
    pub name: String,
    /// Where it is on the hub.
    pub repository: String,
    sha256: Option<&'static str>,
}

impl Wanted {
    /// A model that was thought of.
    #[must_use]
    pub fn of(known: &'static Known) -> Self {
        Self { name: known.name.into(), repository: known.repository.into(), sha256: known.sha256 }
    }

    /// A known name, or `owner/repository` on the hub; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let same = |known: &&Known| known.name == text.to_ascii_lowercase() || known.repository == text;
        if let Some(known) = KNOWN.iter().find(same) {
            return Some(Self::of(known));
        }
        let (owner, name) = text.split_once('/')?;
        (is_name(owner) && is_name(name)).then(|| Self {
            name: name.to_ascii_lowercase(),
            repository: text.to_owned(),
            sha256: None,
        })
    }
}

/// Downloads a model of the hub. One that is there already is left as it is.
///
/// # Errors
/// When the hub cannot be reached or has no such model, when a file is not what was promised, or when the model is
/// none that can be run here.
pub async fn from_hub(
    library: &Library,
    egress: &Egress,
    wanted: &Wanted,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Description, Error> {
    if let Ok(found) = library.find(&wanted.name) {
        return Ok(found.as_ref().clone());
    }
    let place = Place::take(library, &wanted.name)?;
    for (file, is_needed) in FILES {
        download::file(library.settings(), egress, wanted, (file, *is_needed), &place.gathering, progress).await?;
    }
    let library = library.clone();
    let settled = tokio::task::spawn_blocking(move || place.settle(&library)).await;
    settled.map_err(Error::internal)?
}

/// Takes a model over from a directory, or from a wheel or zip archive with one in it. A model of this name is replaced.
///
/// # Errors
/// When there is no whole model, or none that can be run here.
pub fn from_path(library: &Library, name: &str, path: &Path) -> Result<Description, Error> {
    if !is_name(name) {
        return Err(Error::unsupported(
            Path::new(name),
            "is no name for a model: letters, digits, '-', '_' and '.' are",
        ));
    }
    let place = Place::take(library, name)?;
    // What a download has left there is of no use here.
    for (file, _) in FILES {
        let _ = fs::remove_file(place.file(file)?);
    }
    if path.is_dir() {
        let dir = if path.join("config.json").is_file() { path.to_owned() } else { path.join("model") };
        for (file, is_needed) in FILES {
            let from = dir.join(file);
            if *is_needed || from.exists() {
                let to = place.file(file)?;
                fs::copy(&from, &to).map_err(|error| Error::io("copy", &from, &error))?;
            }
        }
    } else {
        archive::unpack(path, &place)?;
    }
    place.settle(library)
}

/// Where a model gathers, for one process at a time.
pub(crate) struct Place {
    name: String,
    gathering: PathBuf,
    lock: PathBuf,
    _held: File,
}

impl Place {
    fn take(library: &Library, name: &str) -> Result<Self, Error> {
        let dir = &library.settings().dir;
        let gathering = dir.join(format!(".{name}.part"));
        fs::create_dir_all(gathering.join("1_Pooling")).map_err(|error| Error::io("make", &gathering, &error))?;
        let lock = dir.join(format!(".{name}.lock"));
        let held = File::create(&lock).map_err(|error| Error::io("make", &lock, &error))?;
        held.try_lock().map_err(|_| Error::Busy { name: name.to_owned() })?;
        Ok(Self { name: name.to_owned(), gathering, lock, _held: held })
    }

    /// Where a file of the model goes.
    fn file(&self, name: &str) -> Result<PathBuf, Error> {
        let file = self.gathering.join(name);
        if let Some(dir) = file.parent() {
            fs::create_dir_all(dir).map_err(|error| Error::io("make", dir, &error))?;
        }
        Ok(file)
    }

    /// Tries the model, then gives it its name.
    fn settle(self, library: &Library) -> Result<Description, Error> {
        // Empty where the model says nothing of it.
        let _ = fs::remove_dir(self.gathering.join("1_Pooling"));
        let tried = Description::read(&self.name, &self.gathering).and_then(|about| {
            let model = Model::load(&about)?;
            if about.kind == Kind::Embedding { model.embed(&["tried"]).map(drop) } else { Ok(()) }
        });
        if let Err(error) = tried {
            // What is whole and wrong would be so the next time as well.
            let _ = fs::remove_dir_all(&self.gathering);
            return Err(error);
        }
        let dir = library.settings().dir.join(&self.name);
        if dir.exists() {
            let old = library.settings().dir.join(format!(".{}.old", self.name));
            let _ = fs::remove_dir_all(&old);
            fs::rename(&dir, &old).map_err(|error| Error::io("move", &dir, &error))?;
            // Whoever has it mapped keeps it until they are done.
            let _ = fs::remove_dir_all(&old);
        }
        fs::rename(&self.gathering, &dir).map_err(|error| Error::io("make", &dir, &error))?;
        let _ = fs::remove_file(&self.lock);
        library.look_again();
        Description::read(&self.name, &dir)
    }
}
