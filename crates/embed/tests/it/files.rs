//! Files that are missing, damaged, or of another kind of network.

use std::{fs, path::Path};

use ox_embed::{Description, Error, Kind, Model, Pooling};

use crate::{data, home, load};

/// What is done to the files of a model.
type Change = Box<dyn Fn(&Path)>;

/// What becomes of the small model when something is done to its files.
fn after(change: impl FnOnce(&Path)) -> Result<Model, Error> {
    let home = home();
    let dir = home.path().join("tiny");
    change(&dir);
    Description::read("tiny", &dir).and_then(|about| Model::load(&about))
}

fn replaced(file: &'static str, from: &'static str, to: &'static str) -> impl Fn(&Path) {
    move |dir| {
        let text = fs::read_to_string(dir.join(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(dir.join(file), text.replace(from, to)).unwrap();
    }
}

#[test]
fn damage_is_told_by_file_and_reason() {
    let truncated = |dir: &Path| {
        let bytes = fs::read(dir.join("model.safetensors")).unwrap();
        fs::write(dir.join("model.safetensors"), &bytes[..bytes.len() - 100]).unwrap();
    };
    let lying = |dir: &Path| {
        let mut bytes = fs::read(dir.join("model.safetensors")).unwrap();
        bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        fs::write(dir.join("model.safetensors"), bytes).unwrap();
    };
    let renamed = |dir: &Path| {
        let bytes = fs::read(dir.join("model.safetensors")).unwrap();
        let text = String::from_utf8_lossy(&bytes[..9000]).into_owned();
        let start = text.find("encoder.layer.1.output.dense.weight").unwrap();
        let mut bytes = bytes;
        bytes[start] = b'X';
        fs::write(dir.join("model.safetensors"), bytes).unwrap();
    };
    let cases: Vec<(Change, &str, &str)> = vec![
        (Box::new(|dir| fs::remove_file(dir.join("config.json")).unwrap()), "config.json", "No such file"),
        (Box::new(|dir| fs::remove_file(dir.join("tokenizer.json")).unwrap()), "tokenizer.json", "No such file"),
        (Box::new(|dir| fs::remove_file(dir.join("model.safetensors")).unwrap()), "model.safetensors", "No such file"),
        (Box::new(|dir| fs::write(dir.join("config.json"), "{").unwrap()), "config.json", "cannot be read"),
        (Box::new(|dir| fs::write(dir.join("tokenizer.json"), "[]").unwrap()), "tokenizer.json", "cannot be read"),
        (Box::new(|dir| fs::write(dir.join("model.safetensors"), "").unwrap()), "model.safetensors", "nearly empty"),
        (Box::new(|dir| fs::write(dir.join("model.safetensors"), [0; 64]).unwrap()), "model.safetensors", "no whole"),
        (Box::new(truncated), "model.safetensors", "no whole"),
        (Box::new(lying), "model.safetensors", "no whole"),
        (Box::new(renamed), "model.safetensors", "has no encoder.layer.1.output.dense.weight"),
        (Box::new(replaced("config.json", "\"bert\"", "\"roberta\"")), "config.json", "only 'bert'"),
        (Box::new(replaced("config.json", "\"gelu\"", "\"silu\"")), "config.json", "hidden_act"),
        (Box::new(replaced("config.json", "_size\": 16", "_size\": 15")), "config.json", "multiple"),
        (Box::new(replaced("config.json", "_size\": 16", "_size\": 32")), "model.safetensors", "in place of"),
        (Box::new(replaced("config.json", "_size\": 16", "_size\": 160000")), "config.json", "from 1 to"),
        (
            Box::new(replaced("config.json", "layers\": 2", "layers\": 3")),
            "model.safetensors",
            "has no encoder.layer.2",
        ),
        (
            Box::new(replaced("tokenizer.json", "\"mat\": 8", "\"mat\": 9999, \"spare\": 8")),
            "tokenizer.json",
            "number 9999",
        ),
    ];
    for (change, file, why) in cases {
        let error = after(|dir| change(dir)).err().unwrap_or_else(|| panic!("{file} {why}: was taken")).to_string();
        assert!(error.contains(file) && error.contains(why), "{error} is not about {file}: {why}");
    }
}

#[test]
fn what_the_small_files_say() {
    let home = home();
    let dir = home.path().join("tiny");
    let read = || Description::read("tiny", &dir).unwrap();
    let plain = read();
    assert_eq!(
        (plain.kind, plain.pooling, plain.dimensions, plain.max_tokens),
        (Kind::Embedding, Pooling::Mean, 16, 24)
    );
    assert_eq!(Description::read("r", &data().join("tiny-rerank")).unwrap().kind, Kind::Rerank);
    fs::write(dir.join("sentence_bert_config.json"), r#"{"max_seq_length": 10}"#).unwrap();
    fs::write(
        dir.join("config_sentence_transformers.json"),
        r#"{"prompts": {"query": "query: ", "passage": "passage: "}}"#,
    )
    .unwrap();
    fs::create_dir(dir.join("1_Pooling")).unwrap();
    for (told, pooling) in [("cls_token", Pooling::First), ("mean_tokens", Pooling::Mean), ("max_tokens", Pooling::Max)]
    {
        fs::write(dir.join("1_Pooling/config.json"), format!("{{\"pooling_mode_{told}\": true}}")).unwrap();
        assert_eq!(read().pooling, pooling);
        let vectors = load(&dir).embed(&["the cat", "a dog"]).unwrap();
        for vector in vectors {
            let length = vector.iter().map(|value| value * value).sum::<f32>();
            assert!((length - 1.0).abs() < 1e-5, "{length}");
        }
    }
    let told = read();
    assert_eq!(
        (told.max_tokens, told.query_prompt.as_str(), told.document_prompt.as_str()),
        (10, "query: ", "passage: ")
    );
    fs::write(dir.join("1_Pooling/config.json"), "{}").unwrap();
    assert!(Description::read("tiny", &dir).unwrap_err().to_string().contains("pooling"));
}
