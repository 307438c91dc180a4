//! Vectors in a byte per dimension: a quarter of the memory, and near enough to choose candidates by.
//!
//! What is chosen is measured again with the full vectors, so a rounded byte costs no order.

use pulp::Arch;

/// Rows that share a piece of memory.
const CHUNK: usize = 1024;

/// A vector in bytes, scaled so that its greatest number fills one, and the length of these bytes.
pub(super) fn encode(vector: &[f32]) -> (Vec<i8>, f32) {
    let greatest = vector.iter().fold(0.0_f32, |greatest, value| greatest.max(value.abs()));
    let scale = if greatest > 0.0 { 127.0 / greatest } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, reason = "rounded and at most 127")]
    let codes: Vec<i8> = vector.iter().map(|value| (value * scale).round() as i8).collect();
    let length = length(&codes);
    (codes, length)
}

/// The length of a vector in bytes.
pub(super) fn length(codes: &[i8]) -> f32 {
    f32::sqrt(dot(Arch::new(), codes, codes) as f32)
}

/// The product, with the widest instructions this processor has.
fn dot(arch: Arch, a: &[i8], b: &[i8]) -> i32 {
    arch.dispatch(|| a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum())
}

/// A question in bytes.
pub(super) struct Asked {
    pub codes: Vec<i8>,
    length: f32,
    arch: Arch,
}

impl Asked {
    pub(super) fn new(vector: &[f32]) -> Self {
        let (codes, length) = encode(vector);
        Self { codes, length, arch: Arch::new() }
    }

    /// The cosine, nearly.
    pub(super) fn near(&self, codes: &[i8], length: f32) -> f32 {
        dot(self.arch, &self.codes, codes) as f32 / (self.length * length).max(f32::MIN_POSITIVE)
    }
}

struct Chunk {
    codes: Vec<i8>,
    lengths: Vec<f32>,
}

/// The bytes of rows by their number. Whole chunks of rows that a graph holds can be given up.
#[derive(Default)]
pub(super) struct Codes {
    dimension: usize,
    chunks: Vec<Option<Chunk>>,
    rows: usize,
}

impl Codes {
    pub(super) fn new(dimension: usize) -> Self {
        Self { dimension, chunks: Vec::new(), rows: 0 }
    }

    /// Leaves out the rows before one, which a graph holds.
    pub(super) fn starting(dimension: usize, from: usize) -> Self {
        let chunks = from / CHUNK;
        Self { dimension, chunks: (0..chunks).map(|_| None).collect(), rows: chunks * CHUNK }
    }

    /// The number of the next row.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn push(&mut self, vector: &[f32]) {
        let (codes, length) = encode(vector);
        self.push_codes(&codes, length);
    }

    pub(super) fn push_codes(&mut self, codes: &[i8], length: f32) {
        if self.rows.is_multiple_of(CHUNK) {
            self.chunks.push(Some(Chunk { codes: Vec::new(), lengths: Vec::new() }));
        }
        if let Some(Some(chunk)) = self.chunks.last_mut() {
            chunk.codes.extend_from_slice(codes);
            chunk.lengths.push(length);
        }
        self.rows += 1;
    }

    pub(super) fn get(&self, row: usize) -> Option<(&[i8], f32)> {
        let chunk = self.chunks.get(row / CHUNK)?.as_ref()?;
        let at = row % CHUNK;
        Some((chunk.codes.get(at * self.dimension..(at + 1) * self.dimension)?, *chunk.lengths.get(at)?))
    }

    /// Whether the bytes of so many rows take up no more than a limit.
    pub(super) fn fit(dimension: usize, rows: usize, limit: usize) -> bool {
        dimension.saturating_mul(rows) <= limit
    }

    /// Gives up the chunks that lie wholly before a row.
    pub(super) fn forget_before(&mut self, row: usize) {
        for chunk in self.chunks.iter_mut().take(row / CHUNK) {
            *chunk = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_the_cosine() {
        let a: Vec<f32> = (0..384).map(|n| ((n * 37 % 101) as f32 - 50.0) / 50.0).collect();
        let b: Vec<f32> = (0..384).map(|n| ((n * 53 % 97) as f32 - 48.0) / 48.0).collect();
        let exact = |a: &[f32], b: &[f32]| {
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
        };
        let (codes, length) = encode(&b);
        assert!((Asked::new(&a).near(&codes, length) - exact(&a, &b)).abs() < 0.005);
        let (codes, length) = encode(&a);
        assert!((Asked::new(&a).near(&codes, length) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn rows_are_found_in_chunks_until_forgotten() {
        let mut codes = Codes::new(2);
        for row in 0..3000 {
            codes.push(&[1.0, row as f32 / 3000.0]);
        }
        assert_eq!(codes.get(0).map(|(codes, _)| codes.to_vec()), Some(vec![127, 0]));
        assert_eq!(codes.get(1500).map(|(codes, _)| codes.to_vec()), Some(vec![127, 64]));
        codes.forget_before(2047);
        assert!(codes.get(1023).is_none());
        assert!(codes.get(1024).is_some());
        assert!(codes.get(3000).is_none());
        let mut later = Codes::starting(2, 2047);
        assert_eq!(later.rows(), 1024);
        later.push(&[1.0, 0.0]);
        assert!(later.get(1023).is_none());
        assert!(later.get(1024).is_some());
    }
}
