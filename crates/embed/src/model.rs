//! A model in memory: texts in, vectors or scores out.

use candle_core::Tensor;

use crate::{
    Description, Error, Kind, Pooling,
    bert::Bert,
    tokens::{Item, Reader, Tokens},
    weights::plain,
};

/// A loaded model. Its methods compute where they are called.
pub struct Model {
    about: Description,
    reader: Reader,
    bert: Bert,
}

impl Model {
    /// Reads tokenizer and weights.
    ///
    /// # Errors
    /// When a file is missing, damaged, or of another kind of network.
    pub fn load(about: &Description) -> Result<Self, Error> {
        let reader = Reader::load(about)?;
        let bert = Bert::load(about, about.kind == Kind::Rerank)?;
        Ok(Self { about: about.clone(), reader, bert })
    }

    /// The vectors of texts, each of length one. For trying a model; a server asks [`crate::Library`].
    ///
    /// # Errors
    /// When the model is broken.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let tokens = texts.iter().map(|text| self.reader.tokens(&Item::Text((*text).to_owned())));
        self.compute(&tokens.collect::<Result<Vec<_>, _>>()?)
    }

    pub(crate) fn tokens(&self, item: &Item) -> Result<Tokens, Error> {
        self.reader.tokens(item)
    }

    /// For each text its vector, or its score as the only number.
    pub(crate) fn compute(&self, texts: &[Tokens]) -> Result<Vec<Vec<f32>>, Error> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.bert.encode(texts)?;
        match self.about.kind {
            Kind::Embedding => self.pooled(&rows, texts),
            Kind::Rerank => self.scored(&rows, texts),
        }
    }

    fn pooled(&self, rows: &Tensor, texts: &[Tokens]) -> Result<Vec<Vec<f32>>, Error> {
        let numbers = rows.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
        let numbers = numbers.map_err(|error| Error::internal(plain(&error)))?;
        let width = self.about.dimensions;
        let mut rest = numbers.as_slice();
        let mut vectors = Vec::with_capacity(texts.len());
        for text in texts {
            let (own, others) = rest.split_at_checked(text.ids.len() * width).unwrap_or((rest, &[]));
            rest = others;
            vectors.push(unit(pool(own, width, self.about.pooling))?);
        }
        Ok(vectors)
    }

    fn scored(&self, rows: &Tensor, texts: &[Tokens]) -> Result<Vec<Vec<f32>>, Error> {
        let firsts = texts.iter().scan(0_usize, |start, text| {
            let first = *start;
            *start += text.ids.len();
            u32::try_from(first).ok()
        });
        let firsts = Tensor::from_iter(firsts, rows.device()).and_then(|places| rows.index_select(&places, 0));
        let scores = self.bert.scores(&firsts.map_err(|error| Error::internal(plain(&error)))?)?;
        // As a share: thresholds go from 0 to 1.
        Ok(scores.into_iter().map(|score| vec![1.0 / (1.0 + (-score).exp())]).collect())
    }
}

fn pool(rows: &[f32], width: usize, pooling: Pooling) -> Vec<f32> {
    let mut out = rows.get(..width).map(<[f32]>::to_vec).unwrap_or_default();
    for row in rows.chunks_exact(width).skip(1) {
        match pooling {
            Pooling::First => break,
            // The direction of the sum is that of the mean.
            Pooling::Mean => out.iter_mut().zip(row).for_each(|(sum, value)| *sum += value),
            Pooling::Max => out.iter_mut().zip(row).for_each(|(most, value)| *most = most.max(*value)),
        }
    }
    out
}

fn unit(mut vector: Vec<f32>) -> Result<Vec<f32>, Error> {
    let length = vector.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>().sqrt();
    if !length.is_finite() || length <= 0.0 {
        return Err(Error::internal("the model gave no vector: its weights are damaged"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a component of a unit vector")]
    vector.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    Ok(vector)
}
