//! Rates, times and sizes of the index of our own with made-up texts and clustered vectors.
//!
//! `cargo run --release -p ox-vector --example vectors -- [NODES...]`, by default 10,000 and 100,000.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints what it measures")]

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use ox_vector::{Change, LocalIndex, Mark, Node, NodeKind, Options, Scope};
use uuid::Uuid;

const DIMENSION: usize = 384;
const BATCH: usize = 1000;
const QUERIES: usize = 300;
const PER_DOCUMENT: usize = 20;

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn number(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    /// A word; small numbers are much more frequent, as words of a language are.
    fn word(&mut self) -> u64 {
        let part = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (50_000_f64.powf(part) - 1.0) as u64
    }

    fn text(&mut self, words: usize) -> String {
        (0..words).map(|_| spell(self.word())).collect::<Vec<_>>().join(" ")
    }

    fn near(&mut self, center: &[f32], spread: f32) -> Vec<f32> {
        let vector: Vec<f32> = center.iter().map(|value| value + spread * self.number()).collect();
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        vector.iter().map(|value| value / length).collect()
    }
}

/// A number as a word that can be spoken.
fn spell(mut number: u64) -> String {
    let mut word = String::new();
    loop {
        word.push(char::from(b"bdfgklmnprstvz"[(number % 14) as usize]));
        word.push(char::from(b"aeiou"[(number / 14 % 5) as usize]));
        number /= 70;
        if number == 0 {
            return word + "k";
        }
    }
}

fn main() {
    let counts: Vec<usize> = std::env::args().skip(1).filter_map(|count| count.parse().ok()).collect();
    let counts = if counts.is_empty() { vec![10_000, 100_000] } else { counts };
    println!("load {}", fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    words_alone();
    for count in counts {
        measure(count);
    }
    println!("load {}", fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
}

fn node(dice: &mut Dice, number: usize, vector: Option<Vec<f32>>) -> Change {
    Change::Put(Node {
        id: Uuid::from_u128(number as u128),
        document_id: Uuid::from_u128((number / PER_DOCUMENT) as u128),
        segment_id: Uuid::from_u128(number as u128),
        kind: NodeKind::Segment,
        text: dice.text(100),
        keywords: Vec::new(),
        vector,
    })
}

fn words_alone() {
    let dir = tempfile::tempdir().unwrap();
    let index = LocalIndex::open(dir.path(), Options::default()).unwrap();
    let mut dice = Dice(1);
    let mut spent = Duration::ZERO;
    for batch in 0..30 {
        let changes = (0..BATCH).map(|n| node(&mut dice, batch * BATCH + n, None)).collect();
        spent += timed(|| index.apply(changes, Mark { seq: batch as i64 + 1, node: Uuid::nil() }).unwrap());
    }
    println!("words alone: {:.0} nodes/s in batches of {BATCH}", 30_000.0 / spent.as_secs_f64());
}

fn measure(count: usize) {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(2);
    let centers: Vec<Vec<f32>> = (0..count / 100 + 1).map(|_| dice.near(&[0.0; DIMENSION], 1.0)).collect();
    let mut sample = Vec::new();
    let before = resident();
    {
        let index = LocalIndex::open(dir.path(), Options::default()).unwrap();
        let mut spent = Duration::ZERO;
        for from in (0..count).step_by(BATCH) {
            let changes: Vec<Change> = (from..(from + BATCH).min(count))
                .map(|number| {
                    let vector = dice.near(&centers[number % centers.len()], 0.8);
                    if number % (count / 50).max(1) == 0 {
                        sample.push(vector.clone());
                    }
                    node(&mut dice, number, Some(vector))
                })
                .collect();
            spent += timed(|| index.apply(changes, Mark { seq: from as i64 + 1, node: Uuid::nil() }).unwrap());
        }
        println!("{count} nodes: put {:.0} nodes/s", count as f64 / spent.as_secs_f64());
        let settled = timed(|| index.settle());
        println!("  graph {:.1} s more; resident {} MB over {before} MB", settled.as_secs_f64(), resident());
        ask("after writing", &index, &mut dice, &sample, count);
    }
    let start = Instant::now();
    let index = LocalIndex::open(dir.path(), Options::default()).unwrap();
    println!("  opened again in {:.0} ms; disk {} MB", ms(start.elapsed()), index.stats().bytes >> 20);
    ask("after opening", &index, &mut dice, &sample, count);
    println!("  resident {} MB", resident());
    let some = dice.text(100);
    let changes = vec![Change::Put(Node {
        id: Uuid::from_u128(7),
        document_id: Uuid::from_u128(7),
        segment_id: Uuid::from_u128(7),
        kind: NodeKind::Segment,
        text: some,
        keywords: Vec::new(),
        vector: Some(sample[0].clone()),
    })];
    let one = timed(|| index.apply(changes, Mark { seq: i64::MAX, node: Uuid::nil() }).unwrap());
    println!("  one changed node {:.1} ms", ms(one));
}

fn ask(when: &str, index: &LocalIndex, dice: &mut Dice, sample: &[Vec<f32>], count: usize) {
    let documents = count / PER_DOCUMENT;
    let tenth =
        Scope::Documents(Arc::new((0..documents as u128).filter(|n| n % 10 == 3).map(Uuid::from_u128).collect()));
    let (mut words, mut vectors, mut both, mut scoped) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for turn in 0..QUERIES {
        let text = dice.text(8);
        let vector = dice.near(&sample[turn % sample.len()], 0.4);
        words.push(timed(|| drop(index.search_text(&text, 10, &Scope::All).unwrap())));
        vectors.push(timed(|| drop(index.search_vector(&vector, 10, &Scope::All).unwrap())));
        // Others, so that nothing is warm from the ones before.
        let (text, vector) = (dice.text(8), dice.near(&sample[(turn * 7 + 3) % sample.len()], 0.4));
        both.push(timed(|| drop(index.search_both(&text, &vector, 10, &Scope::All).unwrap())));
        scoped.push(timed(|| drop(index.search_both(&text, &vector, 10, &tenth).unwrap())));
    }
    print!("  {when}:");
    for (name, mut times) in [("words", words), ("vector", vectors), ("both", both), ("both, a tenth", scoped)] {
        times.sort();
        print!(" {name} p50 {:.2} p95 {:.2} ms;", ms(times[times.len() / 2]), ms(times[times.len() * 95 / 100]));
    }
    println!();
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Megabytes of the process in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|size| size.parse::<u64>().ok()).unwrap_or(0) >> 10
}
