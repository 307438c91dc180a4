//! The tensors of a model's file, checked before they are used.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor, safetensors::MmapedSafetensors};

use crate::Error;

/// A file of tensors, mapped.
pub struct Weights {
    file: PathBuf,
    tensors: MmapedSafetensors,
    /// What stands before the names in this file.
    prefix: &'static str,
}

impl Weights {
    /// Maps a file and reads what tensors it has.
    #[expect(unsafe_code, reason = "mapping a file is unsafe by nature")]
    pub fn open(file: &Path) -> Result<Self, Error> {
        let about = std::fs::metadata(file).map_err(|error| Error::io("read", file, &error))?;
        if about.len() < 16 {
            return Err(Error::damaged(file, "is no safetensors file: it is nearly empty"));
        }
        // SAFETY: the memory is only read, and as bytes whose every pattern is a number. The file must not be made
        // shorter while it is mapped: we never write to one in place, a new one takes the place of its directory.
        let tensors = unsafe { MmapedSafetensors::new(file) };
        let tensors = tensors.map_err(|error| {
            Error::damaged(file, format!("is no whole safetensors file: {}. Get it again.", plain(&error)))
        })?;
        let prefix = ["", "bert.", "model.", "0.auto_model."]
            .into_iter()
            .find(|prefix| tensors.get(&format!("{prefix}embeddings.word_embeddings.weight")).is_ok());
        let Some(prefix) = prefix else {
            return Err(Error::damaged(file, "has no embeddings.word_embeddings.weight: it is no BERT model"));
        };
        Ok(Self { file: file.to_owned(), tensors, prefix })
    }

    /// A tensor of this form in 32 bits.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Tensor, Error> {
        self.named(&format!("{}{name}", self.prefix), shape)
    }

    /// A tensor by its whole name.
    pub fn named(&self, name: &str, shape: &[usize]) -> Result<Tensor, Error> {
        let view = self.tensors.get(name).map_err(|_| self.damaged(format!("has no {name}")))?;
        if view.shape() != shape {
            return Err(self.damaged(format!("{name} has the form {:?} in place of {shape:?}", view.shape())));
        }
        let tensor = self.tensors.load(name, &Device::Cpu).and_then(|tensor| tensor.to_dtype(DType::F32));
        tensor.map_err(|error| self.damaged(format!("{name} cannot be read: {}", plain(&error))))
    }

    /// A tensor of one row, as numbers.
    pub fn row(&self, name: &str, length: usize) -> Result<Vec<f32>, Error> {
        self.numbers(&self.get(name, &[length])?)
    }

    /// The numbers of a tensor, row after row.
    pub fn numbers(&self, tensor: &Tensor) -> Result<Vec<f32>, Error> {
        let numbers = tensor.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
        numbers.map_err(|error| self.damaged(plain(&error)))
    }

    /// The bytes of a table of 32-bit rows where they are in the file; `None` when it is kept in another form.
    pub fn mapped(&self, name: &str, shape: &[usize]) -> Result<Option<&[u8]>, Error> {
        let name = format!("{}{name}", self.prefix);
        let view = self.tensors.get(&name).map_err(|_| self.damaged(format!("has no {name}")))?;
        if view.shape() != shape {
            return Err(self.damaged(format!("{name} has the form {:?} in place of {shape:?}", view.shape())));
        }
        let is_plain = DType::try_from(view.dtype()).is_ok_and(|dtype| dtype == DType::F32);
        Ok(is_plain.then(|| view.data()))
    }

    fn damaged(&self, why: String) -> Error {
        Error::damaged(&self.file, why)
    }
}

/// The first line of an error: the rest is where in candle it happened.
pub fn plain(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
