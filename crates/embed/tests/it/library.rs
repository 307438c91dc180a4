//! Asking models of a directory from many tasks.

use std::{
    fs,
    time::{Duration, Instant},
};

use ox_embed::{Error, Input, Library};

use crate::{assert_near, copy, data, home, library, load, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_a_time_each_get_their_own() {
    let home = home();
    let library = library(home.path());
    assert_eq!(library.loaded(), 0, "nothing is loaded before it is asked");
    let expected = load(&data().join("tiny"));
    let calls = (0..40_usize).map(|number| {
        let library = library.clone();
        let texts: Vec<String> = (0..number % 7).map(|text| format!("cat {number} sat on {text}")).collect();
        async move {
            let input = if number % 3 == 0 { Input::Query } else { Input::Document };
            let computed = library.embed("tiny", texts.clone(), input).await.unwrap();
            (texts, computed)
        }
    });
    let mut set = tokio::task::JoinSet::new();
    calls.for_each(|call| drop(set.spawn(call)));
    while let Some(done) = set.join_next().await {
        let (texts, computed) = done.unwrap();
        assert_eq!(computed.vectors.len(), texts.len());
        assert!(computed.tokens >= 2 * texts.len() as u64);
        for (text, vector) in texts.iter().zip(&computed.vectors) {
            assert_near(vector, &expected.embed(&[text]).unwrap()[0], 1e-6);
        }
    }
    assert_eq!(library.loaded(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_told_with_what_to_do() {
    let home = home();
    let library = library(home.path());
    for name in ["nothing", "../tiny", "", ".hidden", "/etc"] {
        let error = library.embed(name, vec!["x".into()], Input::Query).await.unwrap_err();
        assert!(matches!(&error, Error::NotFound { .. }), "{name}: {error}");
        assert!(error.to_string().contains("oxidify models pull"), "{error}");
    }
    let error = library.embed("tiny-rerank", vec!["x".into()], Input::Query).await.unwrap_err();
    assert!(error.to_string().contains("is a reranker"), "{error}");
    let error = library.rerank("tiny", "x", vec!["x".into()]).await.unwrap_err();
    assert!(error.to_string().contains("no reranker"), "{error}");
    assert!(Library::new(settings(&home.path().join("missing"))).models().is_empty());
}

#[tokio::test]
async fn a_model_that_comes_or_is_mended_is_seen() {
    let home = home();
    let library = library(home.path());
    let names = |library: &Library| library.models().iter().map(|model| model.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&library), ["tiny", "tiny-rerank"]);
    copy(&data().join("tiny"), &home.path().join("other"));
    fs::write(home.path().join("other/tokenizer.json"), "{}").unwrap();
    fs::create_dir(home.path().join("no model")).unwrap();
    library.look_again();
    assert_eq!(names(&library), ["other", "tiny", "tiny-rerank"]);
    let error = library.embed("other", vec!["x".into()], Input::Document).await.unwrap_err();
    assert!(error.to_string().contains("tokenizer.json"), "{error}");
    fs::copy(data().join("tiny/tokenizer.json"), home.path().join("other/tokenizer.json")).unwrap();
    assert_eq!(library.embed("other", vec!["x".into()], Input::Document).await.unwrap().vectors.len(), 1);
}

#[tokio::test]
async fn a_model_that_nobody_asks_is_unloaded_and_comes_back() {
    let home = home();
    let library = Library::new(ox_embed::Settings { keep: Duration::from_millis(200), ..settings(home.path()) });
    for _ in 0..2 {
        let vectors = library.embed("tiny", vec!["the cat".into()], Input::Document).await.unwrap().vectors;
        assert_eq!((vectors.len(), library.loaded()), (1, 1));
        let since = Instant::now();
        while library.loaded() > 0 {
            assert!(since.elapsed() < Duration::from_secs(20), "still loaded");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_overtakes_documents_and_who_leaves_is_forgotten() {
    let home = home();
    let library = Library::new(ox_embed::Settings { threads: 1, ..settings(home.path()) });
    let many: Vec<String> = (0..60_000).map(|number| format!("the cat sat on the mat {number}")).collect();
    let documents = tokio::spawn({
        let library = library.clone();
        async move { library.embed("tiny", many, Input::Document).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let since = Instant::now();
    library.embed("tiny", vec!["the dog".into()], Input::Query).await.unwrap();
    let waited = since.elapsed();
    assert!(!documents.is_finished(), "the documents were done before the question was asked");
    documents.abort();
    let since = Instant::now();
    library.embed("tiny", vec!["the dog".into()], Input::Document).await.unwrap();
    assert!(since.elapsed() < waited + Duration::from_secs(2), "{:?}: the work goes on for nobody", since.elapsed());
}
