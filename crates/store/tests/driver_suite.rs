//! What every driver of `ObjectStore` must do.

#![allow(clippy::unwrap_used, reason = "test support")]

use std::{io, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt, stream};
use ox_store::{Disk, Error, Key, ObjectStore};
use tempfile::TempDir;

/// A store and what keeps it alive.
async fn driver() -> (Arc<dyn ObjectStore>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = Disk::open(directory.path().join("storage")).await.unwrap();
    (Arc::new(store), directory)
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

#[tokio::test]
async fn round_trip_and_replacement() {
    let (store, _keep) = driver().await;
    let key = key("upload_files/tenant/file.txt");
    assert!(!store.exists(&key).await.unwrap());
    assert!(matches!(store.get(&key).await, Err(Error::NotFound(name)) if name == key.as_str()));
    for content in [&b"first"[..], b"", b"the second is longer"] {
        store.put(&key, Bytes::copy_from_slice(content)).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), content);
        assert_eq!(store.size(&key).await.unwrap(), content.len() as u64);
    }
    store.delete(&key).await.unwrap();
    store.delete(&key).await.unwrap();
    assert!(!store.exists(&key).await.unwrap());
}

#[tokio::test]
async fn streams_and_ranges() {
    let (store, _keep) = driver().await;
    let key = key("big");
    let pieces: Vec<Bytes> = (0..200_u8).map(|n| Bytes::from(vec![n; 1000])).collect();
    let whole: Vec<u8> = pieces.concat();
    let size = store.put_stream(&key, stream::iter(pieces.into_iter().map(Ok)).boxed()).await.unwrap();
    assert_eq!(size, 200_000);
    for range in [0..10, 999..1001, 199_990..200_000, 199_990..999_999, 5..5, 200_000..200_001] {
        let object = store.open(&key, Some(range.clone())).await.unwrap();
        assert_eq!(object.size, size);
        let end = usize::try_from(range.end).unwrap().min(whole.len());
        assert_eq!(object.bytes().await.unwrap(), whole[usize::try_from(range.start).unwrap()..end], "{range:?}");
    }
    #[expect(clippy::reversed_empty_ranges, reason = "what a caller may send")]
    for range in [200_001..200_002, 7..3] {
        assert!(matches!(store.open(&key, Some(range)).await, Err(Error::InvalidRange { .. })));
    }
}

#[tokio::test]
async fn a_failed_upload_changes_nothing() {
    let (store, _keep) = driver().await;
    let key = key("a/b");
    store.put(&key, Bytes::from_static(b"old")).await.unwrap();
    let broken = stream::iter([Ok(Bytes::from_static(b"new")), Err(io::Error::other("client left"))]).boxed();
    assert!(matches!(store.put_stream(&key, broken).await, Err(Error::Source(_))));
    assert_eq!(store.get(&key).await.unwrap(), "old");
}

#[tokio::test]
async fn objects_are_not_directories() {
    let (store, _keep) = driver().await;
    store.put(&key("a/b"), Bytes::from_static(b"x")).await.unwrap();
    assert!(!store.exists(&key("a")).await.unwrap());
    assert!(!store.exists(&key("a/b/c")).await.unwrap());
    assert!(matches!(store.get(&key("a")).await, Err(Error::NotFound(_))));
    store.delete(&key("a/b/c")).await.unwrap();
    assert!(store.put(&key("a/b/c"), Bytes::new()).await.is_err());
    assert_eq!(store.get(&key("a/b")).await.unwrap(), "x");
}

#[tokio::test]
async fn writers_of_one_key_do_not_mix() {
    let (store, _keep) = driver().await;
    let key = key("shared");
    let writers = (0..8_u8).map(|n| {
        let (store, key) = (Arc::clone(&store), key.clone());
        async move { store.put(&key, Bytes::from(vec![n; 100_000])).await.unwrap() }
    });
    futures::future::join_all(writers).await;
    let content = store.get(&key).await.unwrap();
    assert!(content.len() == 100_000 && content.iter().all(|byte| *byte == content[0]));
}

#[tokio::test]
async fn nothing_is_left_of_a_failed_upload() {
    let directory = tempfile::tempdir().unwrap();
    let store = Disk::open(directory.path()).await.unwrap();
    let broken = stream::iter([Err(io::Error::other("x"))]).boxed();
    store.put_stream(&key("a"), broken).await.unwrap_err();
    // Also when the caller gives up half-way.
    let (asked, is_asked) = tokio::sync::oneshot::channel();
    let endless = stream::once(async move {
        asked.send(()).unwrap();
        std::future::pending().await
    })
    .boxed();
    let (cancelled_key, cancelled) = (key("b"), store.clone());
    let upload = tokio::spawn(async move { cancelled.put_stream(&cancelled_key, endless).await });
    is_asked.await.unwrap();
    assert_eq!(std::fs::read_dir(directory.path().join(".drafts")).unwrap().count(), 1);
    upload.abort();
    assert!(upload.await.unwrap_err().is_cancelled());
    assert_eq!(std::fs::read_dir(directory.path().join(".drafts")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = Disk::open(file.join("storage")).await.unwrap_err().to_string();
    assert!(error.contains("storage"), "{error}");
}

/// A file system of one page: `/dev/full` answers every write with "no space left".
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_told() {
    let cause = std::fs::write("/dev/full", "x").unwrap_err();
    assert_eq!(cause.kind(), io::ErrorKind::StorageFull);
    let directory = tempfile::tempdir().unwrap();
    let store = Disk::open(directory.path()).await.unwrap();
    let drafts = directory.path().join(".drafts");
    // A tiny file system needs root; without it the mapping above is all that can be checked.
    let mounted =
        std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"]).arg(&drafts).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        println!("skipped: no right to mount a small file system");
        return;
    }
    let full = store.put(&key("a"), Bytes::from(vec![0; 100_000])).await;
    std::process::Command::new("umount").arg(&drafts).status().unwrap();
    let error = full.unwrap_err();
    assert!(matches!(error, Error::Full(_)), "{error:?}");
    assert!(error.to_string().contains("full"), "{error}");
}
