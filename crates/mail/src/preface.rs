//! The plain beginning of a connection that goes on with TLS: greeting, EHLO, STARTTLS.

use std::time::Duration;

use ox_net::Channel;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Error, Result};

/// Bytes of one answer at most.
const MAX_ANSWER: usize = 16 * 1024;

/// Brings a connection to TLS. What the server said before is forgotten: it may have been somebody else.
pub(crate) async fn start_tls(mut channel: Channel, hello: &str, limit: Duration) -> Result<Channel> {
    let spoken = tokio::time::timeout(limit, speak(&mut channel, hello)).await;
    spoken.map_err(|_| Error::Unavailable(format!("no answer within {limit:?} before TLS")))??;
    channel.secured(limit).await.map_err(|error| Error::Unavailable(error.to_string()))
}

async fn speak(channel: &mut Channel, hello: &str) -> Result<()> {
    answer(channel, "220").await?;
    say(channel, &format!("EHLO {hello}\r\n")).await?;
    let offers = answer(channel, "250").await?;
    if !offers
        .lines()
        .skip(1)
        .any(|line| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS")))
    {
        return Err(Error::Unavailable(
            "it does not offer STARTTLS; set SMTP_OPPORTUNISTIC_TLS=false for TLS from the start, or SMTP_USE_TLS=false \
             for none"
                .to_owned(),
        ));
    }
    say(channel, "STARTTLS\r\n").await?;
    answer(channel, "220").await.map(drop)
}

async fn say(channel: &mut Channel, command: &str) -> Result<()> {
    let broken = |error: std::io::Error| Error::Unavailable(error.to_string());
    channel.write_all(command.as_bytes()).await.map_err(broken)?;
    channel.flush().await.map_err(broken)
}

/// Reads one answer of this code. More than one answer at a time is refused: after STARTTLS it would be read as if it
/// had come under TLS.
async fn answer(channel: &mut Channel, code: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut piece = [0_u8; 1024];
    loop {
        let count = channel.read(&mut piece).await.map_err(|error| Error::Unavailable(error.to_string()))?;
        if count == 0 {
            return Err(Error::Unavailable("it closed the connection".to_owned()));
        }
        bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
        match whole(&bytes) {
            Some(true) => break,
            Some(false) => return Err(Error::Unavailable("it answers out of turn".to_owned())),
            None if bytes.len() > MAX_ANSWER => return Err(Error::Unavailable("its answer does not end".to_owned())),
            None => {}
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if text.starts_with(code) {
        return Ok(text);
    }
    Err(Error::Unavailable(format!("it answered {}", text.lines().next().unwrap_or_default())))
}

/// Whether these bytes are one whole answer; `Some(false)`: something comes after it.
fn whole(bytes: &[u8]) -> Option<bool> {
    let mut rest = bytes;
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let (line, tail) = (rest.get(..end)?, rest.get(end + 2..)?);
        if line.get(3).is_none_or(|byte| *byte != b'-') {
            return Some(tail.is_empty());
        }
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_with_its_last_line() {
        for (text, expected) in [
            ("220 hello\r\n", Some(true)),
            ("220 hello", None),
            ("250-a\r\n250-STARTTLS\r\n", None),
            ("250-a\r\n250 b\r\n", Some(true)),
            ("220 go\r\n250 injected\r\n", Some(false)),
            ("220 go\r\n250", Some(false)),
            ("250\r\n", Some(true)),
            ("\r\n", Some(true)),
        ] {
            assert_eq!(whole(text.as_bytes()), expected, "{text:?}");
        }
    }
}
