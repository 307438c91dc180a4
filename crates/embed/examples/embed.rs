//! Vectors of many texts, and how long they took.
//!
//! `cargo run --release -p ox-embed --example embed -- MODEL_DIR OUT.f32 [query] < TEXTS.jsonl`: a JSON string on each
//! line; the vectors are written one after the other, in 32-bit numbers of this machine.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a program that prints what it measures"
)]

use std::{fs, io, path::Path, time::Instant};

use ox_embed::{Input, Library, Settings};

const BATCH: usize = 64;
const PARALLEL: usize = 4;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, model, out, rest @ ..] = arguments.as_slice() else { panic!("MODEL_DIR OUT.f32 [query] < TEXTS.jsonl") };
    let input = if rest.iter().any(|word| word == "query") { Input::Query } else { Input::Document };
    let model = Path::new(model).canonicalize().unwrap();
    let settings = Settings::from_env(|name| match name {
        "OXIDIFY_LOCAL_MODELS" => model.parent().map(|dir| dir.display().to_string()),
        other => std::env::var(other).ok(),
    });
    let threads = settings.threads;
    let library = Library::new(settings);
    let name = model.file_name().unwrap().to_string_lossy().into_owned();
    let texts: Vec<String> = io::stdin().lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    // Loading is not what is measured.
    library.embed(&name, vec!["begin".into()], Input::Query).await.unwrap();
    let start = Instant::now();
    let mut waiting = std::collections::VecDeque::new();
    let (mut vectors, mut tokens) = (Vec::new(), 0);
    for batch in texts.chunks(BATCH) {
        let (library, name, batch) = (library.clone(), name.clone(), batch.to_vec());
        waiting.push_back(tokio::spawn(async move { library.embed(&name, batch, input).await.expect("vectors") }));
        if waiting.len() >= PARALLEL
            && let Some(done) = waiting.pop_front()
        {
            let done = done.await.unwrap();
            tokens += done.tokens;
            vectors.extend(done.vectors.iter().flatten().flat_map(|number| number.to_ne_bytes()));
        }
    }
    for done in waiting {
        let done = done.await.unwrap();
        tokens += done.tokens;
        vectors.extend(done.vectors.iter().flatten().flat_map(|number| number.to_ne_bytes()));
    }
    let seconds = start.elapsed().as_secs_f64();
    fs::write(out, vectors).unwrap();
    println!(
        "{} texts, {tokens} tokens in {seconds:.1} s with {threads} threads: {:.0} texts/s, {:.0} tokens/s",
        texts.len(),
        texts.len() as f64 / seconds,
        tokens as f64 / seconds
    );
}
