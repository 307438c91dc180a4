//! The numbers of another implementation.

use std::fs;

use crate::{assert_near, data, home, library, load, real};

/// Texts with their vectors, made by `tests/golden.py vectors`.
fn golden(name: &str) -> Vec<(String, Vec<f32>)> {
    serde_json::from_slice(&fs::read(data().join(name)).unwrap()).unwrap()
}

#[test]
fn a_small_model_gives_the_numbers_of_another_implementation() {
    let model = load(&data().join("tiny"));
    for (text, expected) in golden("tiny-golden.json") {
        println!("{text:?}");
        assert_near(&model.embed(&[&text]).unwrap()[0], &expected, 2e-6);
    }
}

#[tokio::test]
async fn a_small_reranker_gives_the_scores_of_another_implementation() {
    let home = home();
    let library = library(home.path());
    let golden: Vec<((String, String), f32)> =
        serde_json::from_slice(&fs::read(data().join("pairs-golden.json")).unwrap()).unwrap();
    for ((question, text), expected) in golden {
        let (scores, tokens) = library.rerank("tiny-rerank", &question, vec![text.clone()]).await.unwrap();
        assert_near(&scores, &[expected], 2e-6);
        assert!(tokens >= 3, "{question} {text}");
    }
}

#[test]
fn the_real_model_gives_the_numbers_of_another_implementation() {
    let Some(dir) = real() else { return };
    let model = load(&dir);
    let golden = golden("minilm-golden.json");
    for (text, expected) in &golden {
        println!("{text:?}");
        assert_near(&model.embed(&[text]).unwrap()[0], expected, 5e-6);
    }
    // And means something.
    let texts = ["How old are you?", "What is your age?", "The stock market fell sharply."];
    let vectors = model.embed(&texts).unwrap();
    let cosine = |a: usize, b: usize| vectors[a].iter().zip(&vectors[b]).map(|(a, b)| a * b).sum::<f32>();
    assert!(cosine(0, 1) > 0.7 && cosine(0, 2) < 0.2, "{} {}", cosine(0, 1), cosine(0, 2));
}

#[test]
fn texts_do_not_change_each_others_vectors() {
    let golden = golden("tiny-golden.json");
    let model = load(&data().join("tiny"));
    let texts: Vec<&str> = golden.iter().map(|(text, _)| text.as_str()).collect();
    for (found, (text, expected)) in model.embed(&texts).unwrap().iter().zip(&golden) {
        println!("{text:?}");
        assert_near(found, expected, 2e-6);
    }
    let backwards: Vec<&str> = texts.iter().rev().copied().collect();
    let forwards = model.embed(&texts).unwrap();
    for (one, other) in forwards.iter().zip(model.embed(&backwards).unwrap().iter().rev()) {
        assert_near(one, other, 1e-6);
    }
    assert!(model.embed(&[]).unwrap().is_empty());
}

#[test]
fn what_is_too_long_is_cut_and_not_refused() {
    let model = load(&data().join("tiny"));
    let letters = "a b c d e f g h i j k l m n o p q r s t u v w x y z";
    // 24 tokens with two marks: 22 letters count.
    let vectors = model.embed(&[letters, &letters[..43], &letters[..41]]).unwrap();
    assert_near(&vectors[0], &vectors[1], 1e-6);
    assert!(vectors[1].iter().zip(&vectors[2]).any(|(a, b)| (a - b).abs() > 1e-4));
    let huge = format!("{}cat {}", " ".repeat(100_000), "the dog ".repeat(200_000));
    let vectors = model
        .embed(&[&huge, "cat the dog the dog the dog the dog the dog the dog the dog the dog the dog the dog the"]);
    let vectors = vectors.unwrap();
    assert_near(&vectors[0], &vectors[1], 1e-6);
}
