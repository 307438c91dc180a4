//! One file of the hub.

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use ox_net::{Class, Egress, HeaderMap, Limits, Request, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::{Progress, Wanted};
use crate::{Error, Settings};

/// The largest file of a model.
const MAX_FILE: u64 = 4 * 1024 * 1024 * 1024;
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    first_byte: Duration::from_secs(30),
    read: Duration::from_secs(60),
    total: Duration::from_secs(4 * 3600),
    body: MAX_FILE,
};
const REDIRECTS: usize = 8;

/// Fetches a file into a directory, going on with what an earlier try has left there.
pub async fn file(
    settings: &Settings,
    egress: &Egress,
    wanted: &Wanted,
    (name, is_needed): (&'static str, bool),
    dir: &Path,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<(), Error> {
    let to = dir.join(name);
    if to.exists() {
        return Ok(());
    }
    let part = PathBuf::from(format!("{}.part", to.display()));
    let have = std::fs::metadata(&part).map_or(0, |about| about.len());
    let url = format!("{}/{}/resolve/main/{name}", settings.hub, wanted.repository);
    // An address of the operator's own may be in their own network.
    let class = if settings.is_usual_hub { Class::Vendor } else { Class::Operator };
    let Some((mut response, told)) = ask(egress, class, &url, have).await? else {
        let why = "the hub has no such file: is the name right, and is it a model of sentence-transformers?";
        return if is_needed { Err(failed(&url, why)) } else { Ok(()) };
    };
    let continues = response.status == StatusCode::PARTIAL_CONTENT;
    let mut done = if continues { have } else { 0 };
    let whole = header(&response.headers, "content-length").and_then(|text| text.parse::<u64>().ok());
    let whole = whole.map(|rest| rest + done);
    let open = std::fs::OpenOptions::new().create(true).append(continues).write(true).truncate(!continues).open(&part);
    let mut out = open.map_err(|error| Error::io("write", &part, &error))?;
    while let Some(piece) = response.chunk().await.map_err(|error| failed(&url, &error.to_string()))? {
        // A few pages into the page cache: no thread waits for a disk here.
        out.write_all(&piece).map_err(|error| Error::io("write", &part, &error))?;
        done += piece.len() as u64;
        progress(Progress { file: name, done, whole });
    }
    out.sync_all().map_err(|error| Error::io("write", &part, &error))?;
    drop(out);
    if whole.is_some_and(|whole| whole != done) {
        return Err(failed(&url, "the connection broke; the next try goes on from there"));
    }
    let expected = wanted.sha256.filter(|_| name == "model.safetensors").map(str::to_owned).or(told);
    if let Some(expected) = expected {
        check(&url, &part, expected).await?;
    }
    std::fs::rename(&part, &to).map_err(|error| Error::io("write", &to, &error))
}

/// The answer to the call for a file, and the SHA-256 that the hub told on the way; `None` when it has none.
///
/// Redirects are followed here, for the hub tells the sum in its own answer and not in that of the store it sends to.
async fn ask(egress: &Egress, class: Class, url: &str, have: u64) -> Result<Option<(Response, Option<String>)>, Error> {
    let (mut next, mut told) = (url.to_owned(), None);
    for _ in 0..=REDIRECTS {
        let mut request = Request::get(class, &next).limits(LIMITS);
        request.follow_redirects = false;
        if have > 0 {
            let range = request.header("range", &format!("bytes={have}-"));
            request = range.map_err(|error| failed(url, &error.to_string()))?;
        }
        let response = egress.send(request).await.map_err(|error| failed(url, &error.to_string()))?;
        told = told.or_else(|| sum(&response.headers));
        let status = response.status;
        if status.is_redirection() {
            let to = header(&response.headers, "location").ok_or_else(|| failed(url, "a redirect to nowhere"))?;
            next = response.url.join(to).map_err(|error| failed(url, &error.to_string()))?.into();
            continue;
        }
        return match status {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => Ok(Some((response, told))),
            // What is there is the whole file.
            StatusCode::RANGE_NOT_SATISFIABLE => Box::pin(ask(egress, class, url, 0)).await,
            StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED => Ok(None),
            _ => Err(failed(url, &format!("the hub answers {status}"))),
        };
    }
    Err(failed(url, "too many redirects"))
}

/// The sum that the hub gives for large files; for small ones its tag is another.
fn sum(headers: &HeaderMap) -> Option<String> {
    let tag = header(headers, "x-linked-etag")?.trim_matches('"');
    (tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| tag.to_ascii_lowercase())
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

async fn check(url: &str, part: &Path, expected: String) -> Result<(), Error> {
    let path = part.to_owned();
    let summed = tokio::task::spawn_blocking(move || {
        let mut file = std::fs::File::open(&path)?;
        let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hex::encode(hasher.finalize())),
                count => hasher.update(buffer.get(..count).unwrap_or_default()),
            }
        }
    });
    let found =
        summed.await.map_err(Error::internal)?.map_err(|error: std::io::Error| Error::io("read", part, &error))?;
    if found == expected {
        return Ok(());
    }
    // It would be wrong for ever.
    let _ = std::fs::remove_file(part);
    Err(failed(url, &format!("its SHA-256 is {found} in place of {expected}; what came was thrown away")))
}

fn failed(url: &str, why: &str) -> Error {
    Error::Download { url: url.to_owned(), why: why.to_owned() }
}
