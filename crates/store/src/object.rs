use std::{io, ops::Range};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream::BoxStream};

use crate::{Error, Key, Result};

/// The most room that is made for an object before its bytes are there.
const RESERVED: usize = 1 << 30;

/// Content in pieces.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// An object on its way out.
pub struct Object {
    /// Size of the whole object.
    pub size: u64,
    /// The part that `content` has.
    pub range: Range<u64>,
    pub content: ByteStream,
}

impl Object {
    /// Reads all of it.
    ///
    /// # Errors
    /// When the store fails on the way.
    pub async fn bytes(mut self) -> Result<Bytes> {
        // What the size says is an offer, not a promise. Room that is not written to costs nothing; one that grows by
        // doubling holds a large object twice while it is moved.
        let expected = usize::try_from(self.range.end - self.range.start).unwrap_or(0).min(RESERVED);
        let mut bytes = BytesMut::with_capacity(expected);
        while let Some(piece) = self.content.next().await {
            let piece = piece.map_err(|cause| Error::Io { what: "reading an object".to_owned(), cause })?;
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }
}

/// A store of objects. One suite runs against every driver.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// Stores an object from a stream, in place of one that is there; returns its size. When the stream fails
    /// nothing has changed.
    async fn put_stream(&self, key: &Key, content: ByteStream) -> Result<u64>;

    /// Opens an object, or a part of it; an open end is cut to its size.
    async fn open(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object>;

    /// Size of an object.
    async fn size(&self, key: &Key) -> Result<u64>;

    /// Removes an object; one that is not there is fine.
    async fn delete(&self, key: &Key) -> Result<()>;

    /// Whether the store can be read and written, for the health report.
    async fn check(&self) -> Result<()>;

    /// Stores an object, in place of one that is there.
    async fn put(&self, key: &Key, content: Bytes) -> Result<()> {
        self.put_stream(key, futures::stream::once(async { Ok(content) }).boxed()).await?;
        Ok(())
    }

    /// A whole object.
    async fn get(&self, key: &Key) -> Result<Bytes> {
        self.open(key, None).await?.bytes().await
    }

    /// Whether an object is there.
    async fn exists(&self, key: &Key) -> Result<bool> {
        match self.size(key).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
