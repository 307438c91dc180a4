//! Scripted speech: silence of one frame a word that carries its text, and a listener that reads it there.

use async_trait::async_trait;
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::StreamExt as _;

use super::Scripted;
use crate::{Call, ModelError, SpeechModel, SpeechRequest, SpeechStream, TranscriptionModel, TranscriptionRequest};

/// A frame of MPEG 1 layer III at 128 kbit/s and 44.1 kHz: 26 ms of silence.
const HEADER: [u8; 4] = [0xff, 0xfb, 0x90, 0x00];
const FRAME: usize = 417;

#[async_trait]
impl SpeechModel for Scripted {
    async fn speak(&self, _call: Call<'_>, request: SpeechRequest) -> Result<SpeechStream, ModelError> {
        let words = request.text.split_whitespace().count().max(1);
        let mut frame = HEADER.to_vec();
        frame.resize(FRAME, 0);
        let frame = Bytes::from(frame);
        let first = titled(&request.text, &request.voice);
        let pieces = std::iter::once(first).chain(std::iter::repeat_n(frame, words));
        Ok(futures::stream::iter(pieces.map(Ok)).boxed())
    }
}

/// An ID3 tag with the text as title and the voice as artist.
fn titled(text: &str, voice: &str) -> Bytes {
    let mut frames = BytesMut::new();
    for (name, value) in [(b"TIT2", text), (b"TPE1", voice)] {
        frames.put_slice(name);
        frames.put_slice(&size(value.len() + 1));
        frames.put_slice(&[0, 0, 3]);
        frames.put_slice(value.as_bytes());
    }
    let mut tag = BytesMut::new();
    tag.put_slice(b"ID3\x04\x00\x00");
    tag.put_slice(&size(frames.len()));
    tag.put_slice(&frames);
    tag.freeze()
}

/// Seven bits a byte.
fn size(length: usize) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| u8::try_from((length >> shift) & 0x7f).unwrap_or(0))
}

fn read_size(bytes: &[u8]) -> Option<usize> {
    bytes.get(..4).map(|bytes| bytes.iter().fold(0, |size, byte| (size << 7) | usize::from(byte & 0x7f)))
}

/// The title in a tag.
fn title(audio: &[u8]) -> Option<String> {
    let mut rest = audio.strip_prefix(b"ID3\x04\x00\x00")?.get(4..)?;
    loop {
        let (name, length) = (rest.get(..4)?, read_size(rest.get(4..)?)?);
        let value = rest.get(10..10 + length)?;
        if name == b"TIT2" {
            return String::from_utf8(value.get(1..)?.to_vec()).ok();
        }
        rest = rest.get(10 + length..)?;
    }
}

#[async_trait]
impl TranscriptionModel for Scripted {
    async fn transcribe(&self, _call: Call<'_>, request: TranscriptionRequest) -> Result<String, ModelError> {
        let told = || format!("{} bytes of {}", request.audio.len(), request.mime);
        Ok(title(&request.audio).unwrap_or_else(told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spoken_can_be_read_back() {
        for text in ["", "one", "\u{e9}t\u{e9} \u{4f60}\u{597d}", &"long ".repeat(100)] {
            assert_eq!(title(&titled(text, "v")).as_deref(), Some(text));
        }
        assert_eq!(title(b"RIFF"), None);
        assert_eq!(title(b"ID3\x04\x00\x00\x00\x00\x00\x7fTIT2\x7f\x7f\x7f\x7f"), None, "a lying length");
    }
}
