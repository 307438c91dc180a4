//! Versions of the file format, ordered as Python packages order theirs (PEP 440).

use std::cmp::Ordering;

/// The version we write.
pub const CURRENT: &str = "0.6.0";
/// What a file without a version is taken for.
pub const OLDEST: &str = "0.1.0";

/// What an import ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportStatus {
    Completed,
    CompletedWithWarnings,
    /// Nothing is created until a person confirms.
    Pending,
    Failed,
}

impl ImportStatus {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::CompletedWithWarnings => "completed-with-warnings",
            Self::Pending => "pending",
            Self::Failed => "failed",
        }
    }

    /// The HTTP status of the answer to an import.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Failed => 400,
            Self::Pending => 202,
            Self::Completed | Self::CompletedWithWarnings => 200,
        }
    }
}

/// What to do with a file of a version; `Failed` when it is no version.
#[must_use]
pub fn import_status(imported: &str, current: &str) -> ImportStatus {
    let (Some(imported), Some(current)) = (Version::parse(imported), Version::parse(current)) else {
        return ImportStatus::Failed;
    };
    if imported.cmp(&current) == Ordering::Greater || imported.part(0) < current.part(0) {
        ImportStatus::Pending
    } else if imported.part(1) < current.part(1) {
        ImportStatus::CompletedWithWarnings
    } else {
        ImportStatus::Completed
    }
}

/// Whether one version is older than, or as old as, another; `None` when one is no version.
#[must_use]
pub fn at_most(version: &str, other: &str) -> Option<bool> {
    Some(Version::parse(version)?.cmp(&Version::parse(other)?) != Ordering::Greater)
}

/// A parsed version. The derived order compares the fields from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    epoch: u64,
    /// Without trailing zeros, so that `1.0` equals `1`.
    release: Vec<u64>,
    /// Phase (dev-only < a < b < rc < final) and its number.
    pre: (u8, u64),
    /// -1 when absent.
    post: i128,
    /// `i128::MAX` when absent: a development release comes before its release.
    dev: i128,
    local: Vec<LocalPart>,
}

/// Numbers come after words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LocalPart {
    Word(String),
    Number(u64),
}

const FINAL: u8 = 4;

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_prefix('v').unwrap_or(&text);
        if !text.is_ascii() || text.len() > 200 {
            return None;
        }
        let (public, local) = match text.split_once('+') {
            Some((public, local)) => (public, Some(local)),
            None => (text, None),
        };
        let (epoch, rest) = match public.split_once('!') {
            Some((epoch, rest)) => (epoch.parse().ok()?, rest),
            None => (0, public),
        };
        let (mut release, rest) = release(rest)?;
        let (pre, rest) = pre(rest)?;
        let (post, rest) = post(rest)?;
        let (dev, rest) = dev(rest)?;
        if !rest.is_empty() {
            return None;
        }
        while release.len() > 1 && release.last() == Some(&0) {
            release.pop();
        }
        let phase = match pre {
            Some(pre) => pre,
            None if post.is_none() && dev.is_some() => (0, 0),
            None => (FINAL, 0),
        };
        Some(Self {
            epoch,
            release,
            pre: phase,
            post: post.map_or(-1, i128::from),
            dev: dev.map_or(i128::MAX, i128::from),
            local: local.map_or(Some(Vec::new()), local_parts)?,
        })
    }

    fn part(&self, index: usize) -> u64 {
        self.release.get(index).copied().unwrap_or(0)
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn release(text: &str) -> Option<(Vec<u64>, &str)> {
    let (first, mut rest) = digits(text);
    let mut parts = vec![first.parse().ok()?];
    while let Some(after) = rest.strip_prefix('.') {
        let (number, following) = digits(after);
        if number.is_empty() {
            break;
        }
        parts.push(number.parse().ok()?);
        rest = following;
    }
    Some((parts, rest))
}

fn separated(text: &str) -> &str {
    text.strip_prefix(['.', '-', '_']).unwrap_or(text)
}

/// A word of a list with its number: `rc1`, `-alpha.2`; the number may be missing.
fn tagged<'a>(text: &'a str, words: &[(&str, u8)]) -> Option<Option<((u8, u64), &'a str)>> {
    let body = separated(text);
    let Some((rest, phase)) = words.iter().find_map(|(word, phase)| Some((body.strip_prefix(word)?, *phase))) else {
        return Some(None);
    };
    let (number, following) = digits(separated(rest));
    if number.is_empty() {
        return Some(Some(((phase, 0), rest)));
    }
    Some(Some(((phase, number.parse().ok()?), following)))
}

type Parsed<'a, T> = Option<(Option<T>, &'a str)>;

fn pre(text: &str) -> Parsed<'_, (u8, u64)> {
    const WORDS: [(&str, u8); 8] =
        [("alpha", 1), ("beta", 2), ("preview", 3), ("pre", 3), ("a", 1), ("b", 2), ("rc", 3), ("c", 3)];
    Some(tagged(text, &WORDS)?.map_or((None, text), |(pre, rest)| (Some(pre), rest)))
}

fn post(text: &str) -> Parsed<'_, u64> {
    if let Some(after) = text.strip_prefix('-') {
        let (number, rest) = digits(after);
        if !number.is_empty() {
            return Some((Some(number.parse().ok()?), rest));
        }
    }
    Some(tagged(text, &[("post", 0), ("rev", 0), ("r", 0)])?.map_or((None, text), |((_, n), rest)| (Some(n), rest)))
}

fn dev(text: &str) -> Parsed<'_, u64> {
    Some(tagged(text, &[("dev", 0)])?.map_or((None, text), |((_, n), rest)| (Some(n), rest)))
}

fn local_parts(text: &str) -> Option<Vec<LocalPart>> {
    text.split(['.', '-', '_'])
        .map(|part| {
            let valid = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
            valid.then(|| part.parse().map_or_else(|_| LocalPart::Word(part.to_owned()), LocalPart::Number))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Version, at_most, import_status};

    #[test]
    fn the_version_rule() {
        let cases = [
            ("0.5.1", "0.5.0", "pending"),
            ("0.6.0", "0.5.0", "pending"),
            ("0.5.0", "0.5.0", "completed"),
            ("0.5.0rc1", "0.5.0", "completed"),
            ("0.4.0", "0.5.0", "completed-with-warnings"),
            ("0.3.1", "0.5.0", "completed-with-warnings"),
            ("0.1.5", "0.5.0", "completed-with-warnings"),
            ("1.0.0", "0.5.0", "pending"),
            ("0.5.0", "0.6.0", "completed-with-warnings"),
            ("0.6.0", "0.6.0", "completed"),
            ("0.6", "0.6.0", "completed"),
            ("0.9.0", "1.0.0", "pending"),
            ("99999999999999999999.0", "0.6.0", "failed"),
            ("", "0.6.0", "failed"),
            ("new", "0.6.0", "failed"),
            ("0.6.x", "0.6.0", "failed"),
            ("0.6.0 beta one", "0.6.0", "failed"),
        ];
        for (imported, current, expected) in cases {
            assert_eq!(import_status(imported, current).as_str(), expected, "{imported} into {current}");
        }
        assert_eq!(at_most("0.1.5", "0.1.5"), Some(true));
        assert_eq!(at_most("0.2.0", "0.1.5"), Some(false));
    }

    #[test]
    fn versions_are_ordered_as_packages_are() {
        let ascending = [
            "0.9",
            "1.0.dev1",
            "1.0a1.dev1",
            "1.0a1",
            "1.0-alpha.2",
            "1.0b1",
            "1.0rc1",
            "1.0c2",
            "v1.0",
            "1.0+abc",
            "1.0+5",
            "1.0.post1.dev2",
            "1.0-1",
            "1.0.post2",
            "1.0.1",
            "1.1",
            "1.10",
            "1!0.1",
        ];
        let parsed: Vec<_> =
            ascending.iter().map(|text| Version::parse(text).unwrap_or_else(|| panic!("{text}"))).collect();
        for (index, pair) in parsed.windows(2).enumerate() {
            assert!(pair[0] < pair[1], "{} < {}", ascending[index], ascending[index + 1]);
        }
        assert_eq!(Version::parse("1"), Version::parse("1.0.0"));
    }
}
