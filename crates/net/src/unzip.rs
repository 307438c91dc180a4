//! Compressed answers, unpacked under a limit.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;

/// What an answer may grow by.
const MAX_RATIO: u64 = 100;
/// Below this an answer may grow by any ratio.
const FREE: u64 = 1024 * 1024;

/// Why unpacking stopped.
#[derive(Debug)]
pub enum UnzipFault {
    /// Larger than the limit, or suspiciously more than what came in.
    TooLarge,
    Broken(String),
}

/// Takes compressed pieces and gives plain ones.
pub struct Unzip {
    decoder: MultiGzDecoder<Sink>,
    received: u64,
}

struct Sink {
    piece: Vec<u8>,
    total: u64,
    limit: u64,
    overflown: bool,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.total = self.total.saturating_add(bytes.len() as u64);
        if self.total > self.limit {
            self.overflown = true;
            return Err(io::Error::other("limit"));
        }
        self.piece.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Unzip {
    /// For an answer of at most `limit` plain bytes.
    pub fn new(limit: u64) -> Self {
        let sink = Sink { piece: Vec::new(), total: 0, limit, overflown: false };
        Self { decoder: MultiGzDecoder::new(sink), received: 0 }
    }

    /// The plain bytes of the next piece; may be none yet.
    pub fn piece(&mut self, bytes: &[u8], limit: u64) -> Result<Bytes, UnzipFault> {
        self.received = self.received.saturating_add(bytes.len() as u64);
        self.decoder.get_mut().limit = limit.min(FREE.max(self.received.saturating_mul(MAX_RATIO)));
        let done = self.decoder.write_all(bytes).and_then(|()| self.decoder.flush());
        self.taken(done)
    }

    /// What is left when everything has come in.
    pub fn end(&mut self) -> Result<Bytes, UnzipFault> {
        // Nothing at all is an empty answer.
        let done = if self.received == 0 { Ok(()) } else { self.decoder.try_finish() };
        self.taken(done)
    }

    fn taken(&mut self, done: io::Result<()>) -> Result<Bytes, UnzipFault> {
        let sink = self.decoder.get_mut();
        match done {
            _ if sink.overflown => Err(UnzipFault::TooLarge),
            Ok(()) => Ok(std::mem::take(&mut sink.piece).into()),
            Err(error) => Err(UnzipFault::Broken(format!("the compressed answer is broken: {error}"))),
        }
    }
}

impl std::fmt::Debug for Unzip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unzip").field("received", &self.received).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn pieces_of_any_size() {
        let plain: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let packed = packed(&plain);
        for size in [1, 7, 1000, packed.len()] {
            let mut unzip = Unzip::new(u64::MAX);
            let mut found = Vec::new();
            for piece in packed.chunks(size) {
                found.extend_from_slice(&unzip.piece(piece, u64::MAX).unwrap());
            }
            found.extend_from_slice(&unzip.end().unwrap());
            assert!(found == plain, "pieces of {size}");
        }
    }

    #[test]
    fn bombs_and_rubbish() {
        let bomb = packed(&vec![0; 20_000_000]);
        assert!(bomb.len() < 30_000);
        assert!(matches!(Unzip::new(u64::MAX).piece(&bomb, u64::MAX), Err(UnzipFault::TooLarge)));
        let small = packed(&vec![0; 500_000]);
        assert!(Unzip::new(u64::MAX).piece(&small, u64::MAX).is_ok());
        assert!(matches!(Unzip::new(1000).piece(&small, 1000), Err(UnzipFault::TooLarge)));
        assert!(matches!(Unzip::new(1000).piece(b"no gzip at all, really", 1000), Err(UnzipFault::Broken(_))));
        let mut cut = Unzip::new(u64::MAX);
        cut.piece(&packed(b"hello")[..12], u64::MAX).unwrap();
        assert!(matches!(cut.end(), Err(UnzipFault::Broken(_))));
        assert!(Unzip::new(10).end().unwrap().is_empty());
    }
}
