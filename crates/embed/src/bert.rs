//! The network: BERT's encoder over texts of any lengths laid end to end.

use candle_core::{Device, Result as Outcome, Tensor};

use crate::{
    Description, Error,
    ops::{Activation, Bias, BiasNorm, Softmax},
    tokens::Tokens,
    weights::{Weights, plain},
};

/// A layer of sums: products with a matrix, then a bias.
struct Dense {
    matrix: Tensor,
    bias: Bias,
}

/// One of the layers that the texts go through.
struct Layer {
    /// Question, key and value in one product.
    asked: Dense,
    attended: Tensor,
    attended_norm: BiasNorm,
    inner: Dense,
    outer: Tensor,
    outer_norm: BiasNorm,
}

/// Turns the texts' first vectors into a score.
struct Head {
    pooler: Dense,
    classifier: Dense,
}

/// The table with one row for each token: by far the largest, and of it few rows are needed.
enum Table {
    Mapped,
    Held(Vec<f32>),
}

/// The encoder of a model.
pub struct Bert {
    weights: Weights,
    words: Table,
    vocabulary: usize,
    positions: Vec<f32>,
    types: Vec<f32>,
    norm: BiasNorm,
    layers: Vec<Layer>,
    head: Option<Head>,
    hidden: usize,
    heads: usize,
}

const WORDS: &str = "embeddings.word_embeddings.weight";

impl Bert {
    /// Reads the weights. `with_head` also those that make a score.
    pub fn load(about: &Description, with_head: bool) -> Result<Self, Error> {
        let config = &about.config;
        let weights = Weights::open(&about.dir.join("model.safetensors"))?;
        let hidden = config.hidden_size;
        let table = [config.vocab_size, hidden];
        let words = match weights.mapped(WORDS, &table)? {
            Some(_) => Table::Mapped,
            None => Table::Held(weights.numbers(&weights.get(WORDS, &table)?)?),
        };
        let rows = |name: &str, count| weights.numbers(&weights.get(name, &[count, hidden])?);
        let norm = |prefix: &str, row| norm(&weights, prefix, row, config.layer_norm_eps);
        let layers = (0..config.num_hidden_layers).map(|number| layer(&weights, about, number));
        Ok(Self {
            words,
            vocabulary: config.vocab_size,
            positions: rows("embeddings.position_embeddings.weight", config.max_position_embeddings)?,
            types: rows("embeddings.token_type_embeddings.weight", config.type_vocab_size)?,
            norm: norm("embeddings.LayerNorm", vec![0.0; hidden])?,
            layers: layers.collect::<Result<_, _>>()?,
            head: with_head.then(|| head(&weights, hidden)).transpose()?,
            hidden,
            heads: config.num_attention_heads,
            weights,
        })
    }

    /// The vectors of all tokens, one text after the other.
    pub fn encode(&self, texts: &[Tokens]) -> Result<Tensor, Error> {
        let rows = self.first(texts)?;
        let lengths: Vec<usize> = texts.iter().map(|text| text.ids.len()).collect();
        self.through(rows, &lengths).map_err(|error| Error::internal(plain(&error)))
    }

    /// One score for each text, from the vectors of its first token.
    pub fn scores(&self, first: &Tensor) -> Result<Vec<f32>, Error> {
        let Some(head) = &self.head else { return Err(Error::internal("this model gives no scores")) };
        let scores = head.pooler.apply(first).and_then(|pooled| head.classifier.apply(&pooled));
        let scores = scores.and_then(|scores| scores.flatten_all()?.to_vec1::<f32>());
        scores.map_err(|error| Error::internal(plain(&error)))
    }

    /// The sum of the rows of token, place and part of the pair.
    fn first(&self, texts: &[Tokens]) -> Result<Tensor, Error> {
        let count = texts.iter().map(|text| text.ids.len()).sum::<usize>();
        let mut rows: Vec<f32> = Vec::with_capacity(count * self.hidden);
        let mapped = match self.words {
            Table::Mapped => self.weights.mapped(WORDS, &[self.vocabulary, self.hidden])?,
            Table::Held(_) => None,
        };
        let lost = || Error::internal("a token is in no table");
        for text in texts {
            for (place, (id, kind)) in text.ids.iter().zip(&text.types).enumerate() {
                let from = rows.len();
                let id = usize::try_from(*id).map_err(|_| lost())?;
                match (&self.words, mapped) {
                    (Table::Held(numbers), _) => {
                        rows.extend_from_slice(row(numbers, id, self.hidden).ok_or_else(lost)?)
                    }
                    (Table::Mapped, bytes) => {
                        let bytes = bytes.and_then(|bytes| row(bytes, id, self.hidden * 4)).ok_or_else(lost)?;
                        let (numbers, _) = bytes.as_chunks::<4>();
                        rows.extend(numbers.iter().map(|number| f32::from_le_bytes(*number)));
                    }
                }
                let position = row(&self.positions, place, self.hidden).ok_or_else(lost)?;
                let kind = row(&self.types, usize::try_from(*kind).unwrap_or(usize::MAX), self.hidden);
                let sum = rows.get_mut(from..).unwrap_or_default().iter_mut();
                for ((value, position), kind) in sum.zip(position).zip(kind.ok_or_else(lost)?) {
                    *value += position + kind;
                }
            }
        }
        let rows = Tensor::from_vec(rows, (count, self.hidden), &Device::Cpu);
        rows.map_err(|error| Error::internal(plain(&error)))
    }

    fn through(&self, mut rows: Tensor, lengths: &[usize]) -> Outcome<Tensor> {
        rows.inplace_op1(&self.norm)?;
        for layer in &self.layers {
            let asked = layer.asked.apply(&rows)?;
            let seen = self.attend(&asked, lengths)?;
            let sum = (seen.matmul(&layer.attended)? + &rows)?;
            sum.inplace_op1(&layer.attended_norm)?;
            let inner = layer.inner.apply(&sum)?;
            rows = (inner.matmul(&layer.outer)? + &sum)?;
            rows.inplace_op1(&layer.outer_norm)?;
        }
        Ok(rows)
    }

    /// Each text looks at itself alone, so nothing has to be padded or masked.
    fn attend(&self, asked: &Tensor, lengths: &[usize]) -> Outcome<Tensor> {
        let width = self.hidden / self.heads;
        #[expect(clippy::cast_precision_loss, reason = "heads are narrow")]
        let factor = 1.0 / (width as f32).sqrt();
        let mut seen = Vec::with_capacity(lengths.len());
        let mut start = 0;
        for length in lengths.iter().copied() {
            let text = asked.narrow(0, start, length)?;
            let part = |index: usize| {
                let part = text.narrow(1, index * self.hidden, self.hidden)?;
                part.reshape((length, self.heads, width))?.transpose(0, 1)?.contiguous()
            };
            let shares = part(0)?.matmul(&part(1)?.transpose(1, 2)?)?;
            shares.inplace_op1(&Softmax { length, factor })?;
            seen.push(shares.matmul(&part(2)?)?.transpose(0, 1)?.reshape((length, self.hidden))?);
            start += length;
        }
        Tensor::cat(&seen, 0)
    }
}

impl Dense {
    fn load(weights: &Weights, name: &str, (from, to): (usize, usize), activation: Activation) -> Result<Self, Error> {
        let matrix = matrix(weights, &format!("{name}.weight"), from, to)?;
        let row = weights.row(&format!("{name}.bias"), to)?;
        Ok(Self { matrix, bias: Bias { row, activation } })
    }

    fn apply(&self, rows: &Tensor) -> Outcome<Tensor> {
        let sums = rows.matmul(&self.matrix)?;
        sums.inplace_op1(&self.bias)?;
        Ok(sums)
    }
}

fn row<T>(table: &[T], number: usize, width: usize) -> Option<&[T]> {
    let start = number.checked_mul(width)?;
    table.get(start..start.checked_add(width)?)
}

/// A matrix as it is multiplied with: the file has it the other way round.
fn matrix(weights: &Weights, name: &str, from: usize, to: usize) -> Result<Tensor, Error> {
    weights.get(name, &[to, from])?.t().map_err(|error| Error::internal(plain(&error)))
}

fn norm(weights: &Weights, prefix: &str, row: Vec<f32>, epsilon: f64) -> Result<BiasNorm, Error> {
    let length = row.len();
    // Older files have the names of another framework.
    let either = |name: &str, old: &str| {
        let found = weights.row(&format!("{prefix}.{name}"), length);
        found.or_else(|error| weights.row(&format!("{prefix}.{old}"), length).map_err(|_| error))
    };
    #[expect(clippy::cast_possible_truncation, reason = "a tiny number stays one")]
    let epsilon = epsilon as f32;
    Ok(BiasNorm { row, scale: either("weight", "gamma")?, shift: either("bias", "beta")?, epsilon })
}

fn layer(weights: &Weights, about: &Description, number: usize) -> Result<Layer, Error> {
    let config = &about.config;
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let at = |name: &str| format!("encoder.layer.{number}.{name}");
    let (mut matrices, mut biases) = (Vec::new(), Vec::new());
    for name in ["query", "key", "value"] {
        let name = at(&format!("attention.self.{name}"));
        matrices.push(weights.get(&format!("{name}.weight"), &[hidden, hidden])?);
        biases.extend(weights.row(&format!("{name}.bias"), hidden)?);
    }
    let matrices = Tensor::cat(&matrices, 0).and_then(|all| all.t());
    let closing = |name: &str, from| -> Result<_, Error> {
        let row = weights.row(&at(&format!("{name}.dense.bias")), hidden)?;
        let norm = norm(weights, &at(&format!("{name}.LayerNorm")), row, config.layer_norm_eps)?;
        Ok((matrix(weights, &at(&format!("{name}.dense.weight")), from, hidden)?, norm))
    };
    let (attended, attended_norm) = closing("attention.output", hidden)?;
    let (outer, outer_norm) = closing("output", wide)?;
    let activation = Activation::named(&config.hidden_act);
    Ok(Layer {
        asked: Dense {
            matrix: matrices.map_err(|error| Error::internal(plain(&error)))?,
            bias: Bias { row: biases, activation: Activation::None },
        },
        attended,
        attended_norm,
        inner: Dense::load(weights, &at("intermediate.dense"), (hidden, wide), activation)?,
        outer,
        outer_norm,
    })
}

fn head(weights: &Weights, hidden: usize) -> Result<Head, Error> {
    let pooler = Dense::load(weights, "pooler.dense", (hidden, hidden), Activation::Tanh)?;
    let matrix = weights.named("classifier.weight", &[1, hidden])?.t();
    let row = weights.numbers(&weights.named("classifier.bias", &[1])?)?;
    let matrix = matrix.map_err(|error| Error::internal(plain(&error)))?;
    Ok(Head { pooler, classifier: Dense { matrix, bias: Bias { row, activation: Activation::None } } })
}
