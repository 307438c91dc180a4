//! Messages of name servers (RFC 1035): one question for a name's addresses, and the answer with every name it went
//! through. What comes in is anybody's bytes. Pure.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Aliases of one name that are followed.
const MAX_ALIASES: usize = 16;
/// Records of one answer that are looked at.
const MAX_RECORDS: u16 = 1024;
/// Jumps inside one compressed name.
const MAX_JUMPS: usize = 64;
const INTERNET: u16 = 1;
const ALIAS: u16 = 5;

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    const fn kind(self) -> u16 {
        match self {
            Self::V4 => 1,
            Self::V6 => 28,
        }
    }
}

/// What a server said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// It did not fit: to be asked for again over TCP.
    pub truncated: bool,
    /// None: there is no such name, or it has no address of this family.
    pub addresses: Vec<IpAddr>,
    /// The names that stood between the one asked for and the addresses.
    pub aliases: Vec<String>,
}

/// Why a message is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Of another question; the right one may still come.
    Stray,
    /// The server does not know at the moment.
    Failed,
    Malformed,
}

/// The bytes of a question; `None` for what is no host name.
pub fn question(id: u16, name: &str, family: Family) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(name.len() + 18);
    out.extend_from_slice(&id.to_be_bytes());
    // One question, and please follow aliases.
    out.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.strip_suffix('.').unwrap_or(name).split('.') {
        let size = u8::try_from(label.len()).ok().filter(|size| (1..=63).contains(size))?;
        out.push(size);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out.extend_from_slice(&family.kind().to_be_bytes());
    out.extend_from_slice(&INTERNET.to_be_bytes());
    (out.len() <= 255 + 17).then_some(out)
}

/// Reads the answer to this question.
pub fn read(message: &[u8], id: u16, name: &str, family: Family) -> Result<Answer, Fault> {
    let mut reader = Reader { message, at: 0 };
    let head = reader.head().ok_or(Fault::Stray)?;
    if head.id != id || !head.is_answer || head.questions != 1 {
        return Err(Fault::Stray);
    }
    let asked = reader.question().ok_or(Fault::Malformed)?;
    let own = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if asked != (own.clone(), family.kind(), INTERNET) {
        return Err(Fault::Stray);
    }
    // 3: there is no such name.
    if !matches!(head.code, 0 | 3) {
        return Err(Fault::Failed);
    }
    let mut answer = Answer { truncated: head.truncated, ..Answer::default() };
    if head.truncated {
        return Ok(answer);
    }
    let mut aliases = HashMap::new();
    let mut found: Vec<(String, IpAddr)> = Vec::new();
    for _ in 0..head.answers.min(MAX_RECORDS) {
        match reader.record(family).ok_or(Fault::Malformed)? {
            (owner, Record::Alias(to)) => _ = aliases.entry(owner).or_insert(to),
            (owner, Record::Address(address)) => found.push((owner, address)),
            (_, Record::Other) => {}
        }
    }
    let mut last = own;
    while let Some(next) = aliases.remove(&last) {
        if answer.aliases.len() >= MAX_ALIASES {
            return Err(Fault::Malformed);
        }
        answer.aliases.push(next.clone());
        last = next;
    }
    answer.addresses = found.into_iter().filter(|(owner, _)| *owner == last).map(|(_, address)| address).collect();
    Ok(answer)
}

struct Head {
    id: u16,
    is_answer: bool,
    truncated: bool,
    code: u8,
    questions: u16,
    answers: u16,
}

enum Record {
    Alias(String),
    Address(IpAddr),
    Other,
}

/// Reads forward through a message, and never past its end.
struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let bytes = self.message.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn word(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn head(&mut self) -> Option<Head> {
        let id = self.word()?;
        let (high, low) = (self.byte()?, self.byte()?);
        let (questions, answers) = (self.word()?, self.word()?);
        self.take(4)?;
        let (is_answer, truncated) = (high & 0x80 != 0, high & 0x02 != 0);
        Some(Head { id, is_answer, truncated, code: low & 0x0f, questions, answers })
    }

    fn question(&mut self) -> Option<(String, u16, u16)> {
        Some((self.name()?, self.word()?, self.word()?))
    }

    fn record(&mut self, family: Family) -> Option<(String, Record)> {
        let owner = self.name()?;
        let (kind, class) = (self.word()?, self.word()?);
        // How long it may be remembered: nothing is.
        self.take(4)?;
        let size = usize::from(self.word()?);
        let (start, data) = (self.at, self.take(size)?);
        let record = match kind {
            _ if class != INTERNET => Record::Other,
            ALIAS => Record::Alias(Reader { message: self.message, at: start }.name()?),
            1 if family == Family::V4 => Record::Address(Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).into()),
            28 if family == Family::V6 => Record::Address(Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).into()),
            _ => Record::Other,
        };
        Some((owner, record))
    }

    /// A name in lower case, its parts from wherever in the message it points to.
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        let (mut after, mut jumps) = (None, 0);
        loop {
            let size = self.byte()?;
            match size {
                0 => break,
                1..=63 => {
                    let label = self.take(usize::from(size))?;
                    if !name.is_empty() {
                        name.push('.');
                    }
                    // A dot inside a label would make it look like two.
                    let plain = label.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'.');
                    name.push_str(&String::from_utf8_lossy(label).to_ascii_lowercase());
                    if !plain || name.len() > 255 {
                        return None;
                    }
                }
                0xc0.. => {
                    let to = usize::from(u16::from_be_bytes([size & 0x3f, self.byte()?]));
                    after.get_or_insert(self.at);
                    jumps += 1;
                    if jumps > MAX_JUMPS {
                        return None;
                    }
                    self.at = to;
                }
                _ => return None,
            }
        }
        self.at = after.unwrap_or(self.at);
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer with these records: owner, kind, data.
    fn message(id: u16, name: &str, family: Family, flags: [u8; 2], records: &[(&str, u16, Vec<u8>)]) -> Vec<u8> {
        let mut out = question(id, name, family).unwrap();
        out[2..4].copy_from_slice(&flags);
        out[6..8].copy_from_slice(&u16::try_from(records.len()).unwrap().to_be_bytes());
        for (owner, kind, data) in records {
            out.extend(wire(owner));
            out.extend(kind.to_be_bytes());
            out.extend([0, 1, 0, 0, 0, 60]);
            out.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            out.extend(data);
        }
        out
    }

    fn wire(name: &str) -> Vec<u8> {
        let mut out = Vec::new();
        for label in name.split('.') {
            out.push(u8::try_from(label.len()).unwrap());
            out.extend(label.as_bytes());
        }
        out.push(0);
        out
    }

    const OK: [u8; 2] = [0x81, 0x80];

    #[test]
    fn aliases_are_followed_to_the_addresses() {
        let chain = [
            ("a.test", 5, wire("B.test")),
            ("b.TEST", 5, wire("c.other.test")),
            ("c.other.test", 1, vec![10, 0, 0, 5]),
            ("x.test", 1, vec![1, 2, 3, 4]),
            ("c.other.test", 16, b"text".to_vec()),
        ];
        let found = read(&message(7, "A.test", Family::V4, OK, &chain), 7, "a.test.", Family::V4).unwrap();
        assert_eq!(found.aliases, ["b.test", "c.other.test"]);
        assert_eq!(found.addresses, ["10.0.0.5".parse::<IpAddr>().unwrap()]);
        let six = [("a.test", 28, vec![0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5])];
        let found = read(&message(7, "a.test", Family::V6, OK, &six), 7, "a.test", Family::V6).unwrap();
        assert_eq!(found.addresses, ["fd00::5".parse::<IpAddr>().unwrap()]);
        // A pointer to the name in the question.
        let mut short = message(7, "a.test", Family::V4, OK, &[]);
        short[7] = 1;
        short.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 9, 9, 9, 9]);
        let found = read(&short, 7, "a.test", Family::V4).unwrap();
        assert_eq!(found.addresses, ["9.9.9.9".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn what_is_no_answer() {
        let plain = |flags| message(7, "a.test", Family::V4, flags, &[("a.test", 1, vec![1, 2, 3, 4])]);
        let ring = [("a.test", 5, wire("b.test")), ("b.test", 5, wire("a.test"))];
        let long: Vec<(String, String)> = (0..20).map(|n| (format!("n{n}.test"), format!("n{}.test", n + 1))).collect();
        let long: Vec<_> = long.iter().map(|(from, to)| (from.as_str(), 5, wire(to))).collect();
        let mut self_pointer = message(7, "a.test", Family::V4, OK, &[]);
        self_pointer[7] = 1;
        let at = u8::try_from(self_pointer.len()).unwrap();
        self_pointer.extend([0xc0, at, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 9, 9, 9, 9]);
        for (bytes, name, expected) in [
            (plain([0x01, 0]), "a.test", Fault::Stray),
            (plain(OK), "b.test", Fault::Stray),
            (plain([0x81, 0x82]), "a.test", Fault::Failed),
            (plain(OK)[..30].to_vec(), "a.test", Fault::Malformed),
            (message(7, "n0.test", Family::V4, OK, &long), "n0.test", Fault::Malformed),
            (self_pointer, "a.test", Fault::Malformed),
            (message(7, "a.test", Family::V4, OK, &[("a.test", 1, vec![1, 2, 3])]), "a.test", Fault::Malformed),
            (Vec::new(), "a.test", Fault::Stray),
        ] {
            assert_eq!(read(&bytes, 7, name, Family::V4), Err(expected), "{name} {bytes:?}");
        }
        assert_eq!(read(&plain(OK), 8, "a.test", Family::V4), Err(Fault::Stray), "another number");
        assert_eq!(read(&plain(OK), 7, "a.test", Family::V6), Err(Fault::Stray), "another question");
        // A ring has no addresses, and ends.
        let found = read(&message(7, "a.test", Family::V4, OK, &ring), 7, "a.test", Family::V4).unwrap();
        assert_eq!((found.aliases.len(), found.addresses.len()), (2, 0));
        assert!(read(&plain([0x83, 0x80]), 7, "a.test", Family::V4).unwrap().truncated);
        let none = message(7, "a.test", Family::V4, [0x81, 0x83], &[]);
        assert_eq!(read(&none, 7, "a.test", Family::V4), Ok(Answer::default()));
        for name in ["", ".", "a..b", &"x".repeat(64), &"abc.".repeat(80)] {
            assert_eq!(question(7, name, Family::V4), None, "{name:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(tail in proptest::collection::vec(0_u8..=255, 0..200), answers in 0_u8..20) {
            let mut bytes = question(7, "a.test", Family::V4).unwrap();
            bytes[2..4].copy_from_slice(&OK);
            bytes[7] = answers;
            bytes.extend(tail);
            // Whatever it is, it ends.
            let _ = read(&bytes, 7, "a.test", Family::V4);
        }
    }
}
