//! Messages on a stream: a length of four bytes, then that many bytes.

use std::io::{self, Read, Write};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

fn length(size: usize) -> io::Result<[u8; 4]> {
    u32::try_from(size).map(u32::to_le_bytes).map_err(|_| io::Error::other("a message above 4 GiB"))
}

fn checked(length: [u8; 4], most: usize) -> io::Result<usize> {
    let size = u32::from_le_bytes(length) as usize;
    if size > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{size}")));
    }
    Ok(size)
}

/// Reads a message in a worker; `None` when the server is gone.
pub fn read(stream: &mut impl Read, most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; 4];
    match stream.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut body = vec![0; checked(head, most)?];
    stream.read_exact(&mut body)?;
    Ok(Some(body))
}

/// Writes a message in a worker.
pub fn write(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    stream.write_all(&message(body)?)
}

/// In one piece: two would wake the reader twice.
fn message(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut message = Vec::with_capacity(body.len() + 4);
    message.extend_from_slice(&length(body.len())?);
    message.extend_from_slice(body);
    Ok(message)
}

/// Reads a message from a worker, which is not trusted: `most` bounds what is kept in memory.
pub async fn receive(stream: &mut (impl AsyncRead + Unpin), most: usize) -> io::Result<Vec<u8>> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let size = checked(head, most)?;
    let mut body = Vec::new();
    stream.take(size as u64).read_to_end(&mut body).await?;
    if body.len() < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(body)
}

/// Sends a message to a worker.
pub async fn send(stream: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> io::Result<()> {
    stream.write_all(&message(body)?).await
}
