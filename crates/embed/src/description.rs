//! What a directory says about its model, read without its weights.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};

use crate::Error;

/// The largest of the small files.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// Tokens of one text, whatever the model would take: attention grows with the square.
const MAX_TOKENS: usize = 512;
const MIN_TOKENS: usize = 8;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text becomes a vector.
    Embedding,
    /// A question and a text become a score.
    Rerank,
}

/// How the vectors of tokens become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    Mean,
    First,
    Max,
}

/// The form of the network.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Config {
    pub model_type: String,
    #[serde(default)]
    pub architectures: Vec<String>,
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    #[serde(default = "gelu")]
    pub hidden_act: String,
    pub max_position_embeddings: usize,
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    #[serde(default = "tiny")]
    pub layer_norm_eps: f64,
    #[serde(default)]
    pub position_embedding_type: Option<String>,
    #[serde(default)]
    id2label: Option<serde_json::Map<String, serde_json::Value>>,
}

fn gelu() -> String {
    "gelu".into()
}

const fn two() -> usize {
    2
}

const fn tiny() -> f64 {
    1e-12
}

/// A model of which the weights may not be loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    pub name: String,
    pub dir: PathBuf,
    pub kind: Kind,
    pub pooling: Pooling,
    /// Numbers of a vector.
    pub dimensions: usize,
    /// Tokens of a text that count; the rest is cut off.
    pub max_tokens: usize,
    /// Bytes of its weights on the disk.
    pub bytes: u64,
    /// What the model wants before a question and before a document.
    pub query_prompt: String,
    pub document_prompt: String,
    pub(crate) config: Config,
}

#[derive(Deserialize)]
struct PoolingFile {
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
}

#[derive(Deserialize)]
struct LengthFile {
    #[serde(default)]
    max_seq_length: Option<usize>,
}

#[derive(Default, Deserialize)]
struct PromptsFile {
    #[serde(default)]
    prompts: std::collections::HashMap<String, String>,
}

impl Description {
    /// Reads the small files of a directory and checks that the others are there.
    ///
    /// # Errors
    /// When a file is missing, unreadable, or of another kind of network.
    pub fn read(name: &str, dir: &Path) -> Result<Self, Error> {
        let file = dir.join("config.json");
        let config: Config = json(&file)?;
        check(&config, &file)?;
        let weights = dir.join("model.safetensors");
        let bytes = fs::metadata(&weights).map_err(|error| Error::io("read", &weights, &error))?.len();
        let tokenizer = dir.join("tokenizer.json");
        fs::metadata(&tokenizer).map_err(|error| Error::io("read", &tokenizer, &error))?;
        let length: Option<LengthFile> = optional(&dir.join("sentence_bert_config.json"))?;
        let length = length.and_then(|file| file.max_seq_length).unwrap_or(MAX_TOKENS);
        let prompts: PromptsFile = optional(&dir.join("config_sentence_transformers.json"))?.unwrap_or_default();
        let prompt = |names: &[&str]| names.iter().find_map(|name| prompts.prompts.get(*name)).cloned();
        let is_classifier = config.architectures.iter().any(|name| name == "BertForSequenceClassification");
        if is_classifier && config.id2label.as_ref().is_some_and(|labels| labels.len() != 1) {
            return Err(Error::unsupported(&file, "a reranker must have one label"));
        }
        Ok(Self {
            name: name.to_owned(),
            dir: dir.to_owned(),
            kind: if is_classifier { Kind::Rerank } else { Kind::Embedding },
            pooling: pooling(dir)?,
            dimensions: config.hidden_size,
            max_tokens: length.min(config.max_position_embeddings).clamp(MIN_TOKENS, MAX_TOKENS),
            bytes,
            query_prompt: prompt(&["query"]).unwrap_or_default(),
            document_prompt: prompt(&["document", "passage"]).unwrap_or_default(),
            config,
        })
    }
}

fn pooling(dir: &Path) -> Result<Pooling, Error> {
    let file = dir.join("1_Pooling").join("config.json");
    let Some(told): Option<PoolingFile> = optional(&file)? else { return Ok(Pooling::Mean) };
    // The mean over the root of the length has the same direction as the mean.
    let mean = told.pooling_mode_mean_tokens || told.pooling_mode_mean_sqrt_len_tokens;
    match (mean, told.pooling_mode_cls_token, told.pooling_mode_max_tokens) {
        (true, false, false) => Ok(Pooling::Mean),
        (false, true, false) => Ok(Pooling::First),
        (false, false, true) => Ok(Pooling::Max),
        _ => Err(Error::unsupported(&file, "only one of mean, cls and max pooling is possible")),
    }
}

/// Refuses what this crate cannot compute, and numbers that no model has.
fn check(config: &Config, file: &Path) -> Result<(), Error> {
    let no = |why: String| Err(Error::unsupported(file, why));
    if config.model_type != "bert" {
        return no(format!("model_type is '{}', only 'bert' can be run here", config.model_type));
    }
    if !["gelu", "gelu_new", "gelu_pytorch_tanh", "relu"].contains(&config.hidden_act.as_str()) {
        return no(format!("hidden_act is '{}', only gelu, gelu_new and relu can be run here", config.hidden_act));
    }
    if let Some(other) = config.position_embedding_type.as_deref().filter(|kind| *kind != "absolute") {
        return no(format!("position_embedding_type is '{other}', only 'absolute' can be run here"));
    }
    for (name, value, most) in [
        ("vocab_size", config.vocab_size, 2_000_000),
        ("hidden_size", config.hidden_size, 4096),
        ("num_hidden_layers", config.num_hidden_layers, 48),
        ("num_attention_heads", config.num_attention_heads, 128),
        ("intermediate_size", config.intermediate_size, 16_384),
        ("max_position_embeddings", config.max_position_embeddings, 65_536),
        ("type_vocab_size", config.type_vocab_size, 16),
    ] {
        if value == 0 || value > most {
            return no(format!("{name} is {value}, it must be from 1 to {most}"));
        }
    }
    if !config.hidden_size.is_multiple_of(config.num_attention_heads) {
        return no("hidden_size is no multiple of num_attention_heads".into());
    }
    if config.max_position_embeddings < MIN_TOKENS {
        return no(format!("max_position_embeddings is under {MIN_TOKENS}"));
    }
    if !(config.layer_norm_eps > 0.0 && config.layer_norm_eps < 1.0) {
        return no(format!("layer_norm_eps is {}", config.layer_norm_eps));
    }
    Ok(())
}

fn json<T: DeserializeOwned>(file: &Path) -> Result<T, Error> {
    let bytes = read(file)?;
    serde_json::from_slice(&bytes).map_err(|error| Error::damaged(file, format!("cannot be read: {error}")))
}

fn optional<T: DeserializeOwned>(file: &Path) -> Result<Option<T>, Error> {
    if file.exists() { json(file).map(Some) } else { Ok(None) }
}

/// A small file.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Error> {
    let about = fs::metadata(file).map_err(|error| Error::io("read", file, &error))?;
    if about.len() > MAX_FILE {
        return Err(Error::damaged(file, "is far too large"));
    }
    fs::read(file).map_err(|error| Error::io("read", file, &error))
}
