//! Bytes both ways between two connections.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::Instant,
};

const BUFFER: usize = 16 * 1024;

/// Copies until both ends are through, one breaks, or nothing moves for `idle`. Says how many bytes went to `client`.
pub async fn both_ways(
    client: &mut (impl AsyncRead + AsyncWrite + Send + Unpin),
    origin: &mut (impl AsyncRead + AsyncWrite + Send + Unpin),
    idle: Duration,
) -> u64 {
    let began = Instant::now();
    let (moved, to_client) = (AtomicU64::new(0), AtomicU64::new(0));
    let (mut client_in, mut client_out) = tokio::io::split(client);
    let (mut origin_in, mut origin_out) = tokio::io::split(origin);
    let copies = async {
        tokio::try_join!(
            copy(&mut client_in, &mut origin_out, began, &moved, None),
            copy(&mut origin_in, &mut client_out, began, &moved, Some(&to_client)),
        )
    };
    let silence = async {
        loop {
            let last = began + Duration::from_millis(moved.load(Ordering::Relaxed));
            tokio::time::sleep_until(last + idle).await;
            if last == began + Duration::from_millis(moved.load(Ordering::Relaxed)) {
                return;
            }
        }
    };
    tokio::select! {
        _ = copies => {}
        () = silence => {}
    }
    to_client.load(Ordering::Relaxed)
}

async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    began: Instant,
    moved: &AtomicU64,
    count: Option<&AtomicU64>,
) -> io::Result<()> {
    let mut buffer = vec![0_u8; BUFFER];
    loop {
        let read = from.read(&mut buffer).await?;
        let now = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        moved.store(now, Ordering::Relaxed);
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(buffer.get(..read).unwrap_or_default()).await?;
        to.flush().await?;
        if let Some(count) = count {
            count.fetch_add(read as u64, Ordering::Relaxed);
        }
    }
}
