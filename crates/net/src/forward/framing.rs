//! Where the body of a message ends.

use super::head::Fault;

/// Longest line that says a chunk's size, with its extensions.
const MAX_SIZE_LINE: usize = 4096;
/// All trailers of a body.
const MAX_TRAILERS: usize = 64 * 1024;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    None,
    Length(u64),
    Chunked,
    /// With the connection.
    Close,
}

impl Framing {
    /// Of a request: anything that two readers could see differently is refused.
    pub fn of_request<'a>(
        mut lengths: impl Iterator<Item = &'a [u8]>,
        mut codings: impl Iterator<Item = &'a [u8]>,
        minor: u8,
    ) -> Result<Self, Fault> {
        match (lengths.next(), codings.next()) {
            (None, None) => Ok(Self::None),
            (Some(_), Some(_)) => Err(Fault::Malformed("both a length and a transfer coding")),
            (Some(length), None) => {
                if lengths.next().is_some() {
                    return Err(Fault::Malformed("more than one Content-Length header"));
                }
                number(length).map(|length| if length == 0 { Self::None } else { Self::Length(length) })
            }
            (None, Some(coding)) => {
                if minor == 0 || codings.next().is_some() || !coding.eq_ignore_ascii_case(b"chunked") {
                    return Err(Fault::Malformed("a transfer coding other than chunked"));
                }
                Ok(Self::Chunked)
            }
        }
    }

    /// Of an answer.
    pub fn of_answer<'a>(
        mut lengths: impl Iterator<Item = &'a [u8]>,
        mut codings: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Self, Fault> {
        if let Some(coding) = codings.next() {
            let only = coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
            return if only {
                Ok(Self::Chunked)
            } else {
                Err(Fault::Malformed("the answer's transfer coding is unknown"))
            };
        }
        let Some(first) = lengths.next() else { return Ok(Self::Close) };
        let length = number(first)?;
        if lengths.any(|other| other != first) {
            return Err(Fault::Malformed("the answer has two lengths"));
        }
        Ok(if length == 0 { Self::None } else { Self::Length(length) })
    }
}

fn number(text: &[u8]) -> Result<u64, Fault> {
    let wrong = Fault::Malformed("the length is not a number");
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(wrong);
    }
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(wrong)
}

/// Walks over the bytes of one body and says which belong to it.
#[derive(Debug)]
pub struct Walker {
    state: State,
    /// Bytes of content so far, framing left out.
    pub content: u64,
}

#[derive(Debug)]
enum State {
    /// Left of a body of known length, or of a chunk when `chunked`.
    Content {
        left: u64,
        chunked: bool,
    },
    /// The line break after a chunk: bytes of it seen.
    Break(u8),
    Size(Vec<u8>),
    /// Length of the current line, and of all trailers.
    Trailers {
        line: usize,
        total: usize,
        carriage: bool,
    },
    Open,
    Done,
}

impl Walker {
    pub const fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::None => State::Done,
            Framing::Length(left) => State::Content { left, chunked: false },
            Framing::Chunked => State::Size(Vec::new()),
            Framing::Close => State::Open,
        };
        Self { state, content: 0 }
    }

    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Whether the body may end where the connection does.
    pub const fn may_end(&self) -> bool {
        matches!(self.state, State::Done | State::Open)
    }

    /// How many of these bytes belong to the body.
    pub fn take(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut used = 0;
        while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
            match &mut self.state {
                State::Done => break,
                State::Open => {
                    self.content = self.content.saturating_add(rest.len() as u64);
                    used += rest.len();
                }
                State::Content { left, chunked } => {
                    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    self.content = self.content.saturating_add(count as u64);
                    *left -= count as u64;
                    used += count;
                    if *left == 0 {
                        self.state = if *chunked { State::Break(0) } else { State::Done };
                    }
                }
                _ => {
                    let byte = rest.first().copied().unwrap_or_default();
                    self.step(byte)?;
                    used += 1;
                }
            }
        }
        Ok(used)
    }

    /// One byte of the framing between chunks.
    fn step(&mut self, byte: u8) -> Result<(), Fault> {
        let wrong = || Fault::Malformed("the chunks are malformed");
        match &mut self.state {
            State::Break(seen) => match (*seen, byte) {
                (0, b'\r') => *seen = 1,
                (1, b'\n') => self.state = State::Size(Vec::new()),
                _ => return Err(wrong()),
            },
            State::Size(line) => {
                line.push(byte);
                if line.len() > MAX_SIZE_LINE {
                    return Err(wrong());
                }
                if let Some(text) = line.strip_suffix(b"\r\n") {
                    let size = chunk_size(text).ok_or_else(wrong)?;
                    self.state = if size == 0 {
                        State::Trailers { line: 0, total: 0, carriage: false }
                    } else {
                        State::Content { left: size, chunked: true }
                    };
                } else if byte == b'\n' {
                    return Err(wrong());
                }
            }
            State::Trailers { line, total, carriage } => {
                *total += 1;
                match byte {
                    b'\r' if !*carriage => *carriage = true,
                    b'\n' if *carriage => {
                        if *line == 0 {
                            self.state = State::Done;
                            return Ok(());
                        }
                        (*line, *carriage) = (0, false);
                    }
                    b'\r' | b'\n' => return Err(wrong()),
                    _ if *carriage => return Err(wrong()),
                    _ => *line += 1,
                }
                if *total > MAX_TRAILERS {
                    return Err(wrong());
                }
            }
            State::Content { .. } | State::Open | State::Done => {}
        }
        Ok(())
    }
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii_end();
    if digits.is_empty() || digits.len() > 16 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_in_any_pieces() {
        let body = b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nx-t: 1\r\n\r\n";
        let all = [&body[..], b"GET /next"].concat();
        for size in 1..=all.len() {
            let mut walker = Walker::new(Framing::Chunked);
            let mut used = 0;
            for piece in all.chunks(size) {
                used += walker.take(piece).unwrap();
                if walker.is_done() {
                    break;
                }
            }
            assert_eq!((used, walker.content), (body.len(), 11), "pieces of {size}");
            assert!(walker.is_done());
        }
    }

    #[test]
    fn broken_chunks() {
        for body in
            ["x\r\n", "5\nhello\r\n", "5\r\nhelloo", "-1\r\n", "0x5\r\n", "ffffffffffffffff1\r\n", "\r\n", "0\r\na\nb"]
        {
            assert!(Walker::new(Framing::Chunked).take(body.as_bytes()).is_err(), "{body:?}");
        }
        let mut long = Walker::new(Framing::Chunked);
        assert!(long.take(&[b'1'; MAX_SIZE_LINE + 1]).is_err());
    }

    #[test]
    fn lengths() {
        let mut walker = Walker::new(Framing::Length(3));
        assert_eq!(walker.take(b"abcd").unwrap(), 3);
        assert!(walker.is_done());
        let mut open = Walker::new(Framing::Close);
        assert_eq!(open.take(b"abcd").unwrap(), 4);
        assert!(open.may_end() && !open.is_done());
        assert!(Walker::new(Framing::None).is_done());
    }
}
