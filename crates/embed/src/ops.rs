//! The steps between two products of matrices, in place: candle's own are one pass over memory each.

use candle_core::{CpuStorage, Error, InplaceOp1, Layout, Result};

/// What a dense layer does to its sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    None,
    Gelu,
    GeluTanh,
    Relu,
    Tanh,
}

impl Activation {
    /// By the name in `config.json`.
    pub fn named(name: &str) -> Self {
        match name {
            "relu" => Self::Relu,
            "gelu_new" | "gelu_pytorch_tanh" => Self::GeluTanh,
            _ => Self::Gelu,
        }
    }
}

/// Adds a row to every row, then the activation.
pub struct Bias {
    pub row: Vec<f32>,
    pub activation: Activation,
}

/// Adds a row to every row, then brings each to mean 0 and variance 1, then scales and moves it.
pub struct BiasNorm {
    pub row: Vec<f32>,
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
    pub epsilon: f32,
}

/// Every row of this length times a factor, as shares of one.
pub struct Softmax {
    pub length: usize,
    pub factor: f32,
}

impl InplaceOp1 for Bias {
    fn name(&self) -> &'static str {
        "bias"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        for row in rows(storage, layout, self.row.len())? {
            row.iter_mut().zip(&self.row).for_each(|(value, bias)| *value += bias);
            match self.activation {
                Activation::None => {}
                Activation::Gelu => row.iter_mut().for_each(|value| *value = gelu(*value)),
                Activation::GeluTanh => row.iter_mut().for_each(|value| *value = gelu_tanh(*value)),
                Activation::Relu => row.iter_mut().for_each(|value| *value = value.max(0.0)),
                Activation::Tanh => row.iter_mut().for_each(|value| *value = value.tanh()),
            }
        }
        Ok(())
    }
}

impl InplaceOp1 for BiasNorm {
    fn name(&self) -> &'static str {
        "bias-norm"
    }

    #[expect(clippy::cast_precision_loss, reason = "rows are short")]
    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let count = self.row.len() as f32;
        for row in rows(storage, layout, self.row.len())? {
            row.iter_mut().zip(&self.row).for_each(|(value, bias)| *value += bias);
            let mean = sum(row) / count;
            row.iter_mut().for_each(|value| *value -= mean);
            let variance = squares(row) / count;
            let factor = 1.0 / (variance + self.epsilon).sqrt();
            for ((value, scale), shift) in row.iter_mut().zip(&self.scale).zip(&self.shift) {
                *value = *value * factor * scale + shift;
            }
        }
        Ok(())
    }
}

impl InplaceOp1 for Softmax {
    fn name(&self) -> &'static str {
        "scaled-softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        for row in rows(storage, layout, self.length)? {
            let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter_mut().for_each(|value| *value = exp((*value - highest) * self.factor));
            let whole = 1.0 / sum(row);
            row.iter_mut().for_each(|value| *value *= whole);
        }
        Ok(())
    }
}

/// The rows of a tensor that lies in one piece.
fn rows<'s>(
    storage: &'s mut CpuStorage,
    layout: &Layout,
    length: usize,
) -> Result<impl Iterator<Item = &'s mut [f32]>> {
    let CpuStorage::F32(numbers) = storage else { return Err(Error::Msg("not of 32 bits".into())) };
    let (start, end) = layout.contiguous_offsets().ok_or_else(|| Error::Msg("not in one piece".into()))?;
    let part = numbers.get_mut(start..end).filter(|part| length > 0 && part.len().is_multiple_of(length));
    Ok(part.ok_or_else(|| Error::Msg(format!("no rows of {length}")))?.chunks_exact_mut(length))
}

/// Eight sums at a time: the compiler may not change the order of additions itself.
fn sum(row: &[f32]) -> f32 {
    lanes(row, |value| value)
}

fn squares(row: &[f32]) -> f32 {
    lanes(row, |value| value * value)
}

fn lanes(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; 8];
    let mut parts = row.chunks_exact(8);
    for part in &mut parts {
        sums.iter_mut().zip(part).for_each(|(sum, value)| *sum += of(*value));
    }
    sums.iter().sum::<f32>() + parts.remainder().iter().map(|value| of(*value)).sum::<f32>()
}

/// `e^x` to seven digits, in steps that the compiler turns into vector instructions (Cephes' polynomial).
fn exp(x: f32) -> f32 {
    /// Adding it leaves the nearest whole number in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let moved = x * std::f32::consts::LOG2_E + ROUND;
    let whole = moved - ROUND;
    let rest = x - whole * 0.693_359_4 - whole * -2.121_944_4e-4;
    let mut power = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        power = power * rest + coefficient;
    }
    let power = power * rest * rest + rest + 1.0;
    let exponent = moved.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    power * f32::from_bits(exponent)
}

/// `x/2 (1 + erf(x/√2))`, erf to seven digits (Abramowitz and Stegun 7.1.26).
fn gelu(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut power = 1.061_405_4;
    for coefficient in [-1.453_152_1, 1.421_413_7, -0.284_496_72, 0.254_829_6] {
        power = power * t + coefficient;
    }
    let erf = 1.0 - power * t * exp(-z * z);
    0.5 * x * (1.0 + erf.copysign(x))
}

fn gelu_tanh(x: f32) -> f32 {
    let inner = (2.0 / std::f32::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
    0.5 * x * (1.0 + inner.tanh())
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    fn applied(numbers: &[f32], op: &impl InplaceOp1) -> Vec<f32> {
        let tensor = Tensor::from_slice(numbers, numbers.len(), &Device::Cpu).unwrap();
        tensor.inplace_op1(op).unwrap();
        tensor.to_vec1().unwrap()
    }

    #[track_caller]
    fn near(found: &[f32], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 3e-6, "{found} {expected}");
        }
    }

    #[test]
    fn powers_of_e() {
        for step in -8700..=8700 {
            let x = step as f32 / 100.0;
            let (found, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((found / expected - 1.0).abs() < 4e-7, "{x}: {found} {expected}");
        }
        assert!(exp(-1000.0) < 1e-37 && exp(1000.0).is_finite());
    }

    #[test]
    fn known_values() {
        let bias = |activation| Bias { row: vec![1.0, 0.0], activation };
        let input = [-2.0, 0.5, 0.0, -3.0];
        near(&applied(&input, &bias(Activation::None)), &[-1.0, 0.5, 1.0, -3.0]);
        near(&applied(&input, &bias(Activation::Relu)), &[0.0, 0.5, 1.0, 0.0]);
        // Of the normal distribution: x Φ(x).
        near(&applied(&input, &bias(Activation::Gelu)), &[-0.158_655_3, 0.345_731_2, 0.841_344_7, -0.004_049_7]);
        near(&applied(&input, &bias(Activation::GeluTanh)), &[-0.158_808, 0.345_714, 0.841_192, -0.003_637_4]);
        near(&applied(&input, &bias(Activation::Tanh)), &[-0.761_594_2, 0.462_117_2, 0.761_594_2, -0.995_054_8]);
        let norm = BiasNorm { row: vec![1.0; 2], scale: vec![2.0, 1.0], shift: vec![0.0, 3.0], epsilon: 1e-12 };
        near(&applied(&[1.0, 5.0, -4.0, -2.0], &norm), &[-2.0, 4.0, -2.0, 4.0]);
        near(
            &applied(&[0.0, 4.0, 7.0, 7.0], &Softmax { length: 2, factor: 0.5 }),
            &[0.119_202_9, 0.880_797_1, 0.5, 0.5],
        );
        near(&applied(&[-1e30, 1e30, 0.0], &Softmax { length: 3, factor: 1.0 }), &[0.0, 1.0, 0.0]);
        let short = Tensor::from_slice(&[1.0_f32], 1, &Device::Cpu).unwrap();
        assert!(short.inplace_op1(&bias(Activation::None)).is_err());
    }
}
