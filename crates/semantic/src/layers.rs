//! Numbers of pieces to one vector: embeddings, layers of attention, the mean of all pieces, length 1 (BERT, as sentence-transformers runs it).

use crate::weights::{Rows, Weights};
use holt_core::{Error, Result};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, Axis, Slice};
use serde_json::Value;

/// Most pieces, layers and numbers of a vector that any model may have.
const PIECES: usize = 8_192;
const LAYERS: usize = 48;
const WIDTH: usize = 4_096;

/// A model's numbers, but for those that stand for pieces of words.
pub(crate) struct Layers {
    words: Rows,
    /// What is added for the place of a piece, the type of text included.
    places: Array2<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    heads: usize,
}

struct Layer {
    /// Query, key and value in one.
    attention: Linear,
    after: Linear,
    after_norm: Norm,
    inner: Linear,
    outer: Linear,
    norm: Norm,
}

struct Linear {
    weight: Array2<f32>,
    bias: Array1<f32>,
}

struct Norm {
    weight: Array1<f32>,
    bias: Array1<f32>,
    least: f32,
}

impl Layers {
    /// Reads what `config` says there is.
    pub(crate) fn read(config: &Value, weights: &Weights) -> Result<Self> {
        let number = |name: &str, most: usize| {
            let number = config[name].as_u64().and_then(|number| usize::try_from(number).ok()).filter(|n| (1..=most).contains(n));
            number.ok_or_else(|| Error::invalid(format!("config.json says no {name}")))
        };
        if config["model_type"] != "bert" || config["hidden_act"] != "gelu" {
            return Err(Error::invalid("it is another kind of model"));
        }
        let (width, inner) = (number("hidden_size", WIDTH)?, number("intermediate_size", WIDTH * 4)?);
        let (count, heads) = (number("num_hidden_layers", LAYERS)?, number("num_attention_heads", WIDTH)?);
        let places = number("max_position_embeddings", PIECES)?;
        if !width.is_multiple_of(heads) {
            return Err(Error::invalid("config.json says what cannot be"));
        }
        let least = config["layer_norm_eps"].as_f64().unwrap_or(1e-12) as f32;
        let norm = |name: String| -> Result<Norm> {
            let part = |part: &str| weights.vector(&format!("{name}.{part}"), width);
            Ok(Norm { weight: part("weight")?, bias: part("bias")?, least })
        };
        let linear = |name: String, from: usize, to: usize| -> Result<Linear> {
            Ok(Linear { weight: weights.matrix(&format!("{name}.weight"), to, from)?, bias: weights.vector(&format!("{name}.bias"), to)? })
        };
        let layer = |n: usize| -> Result<Layer> {
            let at = |rest: &str| format!("encoder.layer.{n}.{rest}");
            let three = ["query", "key", "value"].map(|name| linear(at(&format!("attention.self.{name}")), width, width));
            let [query, key, value] = three;
            let three = [query?, key?, value?];
            let together = |error| Error::internal(format!("put weights together: {error}"));
            Ok(Layer {
                attention: Linear {
                    weight: ndarray::concatenate(Axis(0), &three.each_ref().map(|one| one.weight.view())).map_err(together)?,
                    bias: ndarray::concatenate(Axis(0), &three.each_ref().map(|one| one.bias.view())).map_err(together)?,
                },
                after: linear(at("attention.output.dense"), width, width)?,
                after_norm: norm(at("attention.output.LayerNorm"))?,
                inner: linear(at("intermediate.dense"), width, inner)?,
                outer: linear(at("output.dense"), inner, width)?,
                norm: norm(at("output.LayerNorm"))?,
            })
        };
        let types = weights.rows("embeddings.token_type_embeddings.weight", width)?.row(0)?;
        Ok(Self {
            words: weights.rows("embeddings.word_embeddings.weight", width)?,
            places: weights.matrix("embeddings.position_embeddings.weight", places, width)? + &Array1::from(types),
            norm: norm("embeddings.LayerNorm".into())?,
            layers: (0..count).map(layer).collect::<Result<_>>()?,
            heads,
        })
    }
    /// How many pieces of words it knows.
    pub(crate) fn vocabulary(&self) -> usize {
        self.words.count
    }
    /// How many pieces it looks at at most.
    pub(crate) fn most_pieces(&self) -> usize {
        self.places.nrows()
    }
    /// The meaning of these pieces together.
    pub(crate) fn vector(&self, pieces: &[u32]) -> Result<Vec<f32>> {
        let mut x = self.places.slice_axis(Axis(0), Slice::from(..pieces.len())).to_owned();
        for (mut row, piece) in x.rows_mut().into_iter().zip(pieces) {
            row += &Array1::from(self.words.row(*piece as usize)?);
        }
        self.norm.apply(&mut x);
        for layer in &self.layers {
            layer.apply(&mut x, self.heads);
        }
        let mean = x.sum_axis(Axis(0));
        let length = mean.dot(&mean).sqrt();
        if !length.is_normal() {
            return Err(Error::internal("make a vector: the weights are no numbers"));
        }
        Ok((mean / length).to_vec())
    }
}

impl Layer {
    fn apply(&self, x: &mut Array2<f32>, heads: usize) {
        let (length, width) = x.dim();
        let (size, all) = (width / heads, self.attention.apply(x));
        let scale = (size as f32).sqrt().recip();
        let mut seen = Array2::zeros((length, width));
        let mut weights = Array2::zeros((length, length));
        for head in 0..heads {
            let columns = |n: usize| Slice::from(n * width + head * size..n * width + (head + 1) * size);
            let part = |n: usize| all.slice_axis(Axis(1), columns(n));
            general_mat_mul(scale, &part(0), &part(1).t(), 0.0, &mut weights);
            weights.rows_mut().into_iter().for_each(|mut row| row.as_slice_mut().into_iter().for_each(softmax));
            general_mat_mul(1.0, &weights, &part(2), 0.0, &mut seen.slice_axis_mut(Axis(1), columns(0)));
        }
        *x += &self.after.apply(&seen);
        self.after_norm.apply(x);
        let mut inner = self.inner.apply(x);
        inner.as_slice_mut().into_iter().for_each(gelu);
        *x += &self.outer.apply(&inner);
        self.norm.apply(x);
    }
}

impl Linear {
    fn apply(&self, x: &Array2<f32>) -> Array2<f32> {
        let mut out = Array2::zeros((x.nrows(), self.bias.len()));
        out += &self.bias;
        general_mat_mul(1.0, x, &self.weight.t(), 1.0, &mut out);
        out
    }
}

impl Norm {
    fn apply(&self, x: &mut Array2<f32>) {
        for mut row in x.rows_mut() {
            let width = row.len() as f32;
            let mean = row.sum() / width;
            row -= mean;
            let scale = (row.dot(&row) / width + self.least).sqrt().recip();
            row.zip_mut_with(&self.weight, |x, weight| *x *= scale * weight);
            row += &self.bias;
        }
    }
}

/// To positive numbers whose sum is 1.
fn softmax(row: &mut [f32]) {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|x| *x = exp(*x - most));
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|x| *x /= sum);
}

/// x · Φ(x), each.
fn gelu(all: &mut [f32]) {
    all.iter_mut().for_each(|x| *x *= 0.5 + 0.5 * erf(*x * std::f32::consts::FRAC_1_SQRT_2));
}

// The C library's are exact to the last bit, but go number by number: three quarters of all the time. These are exact to some 1e-7 of what matters, which is
// below what adding in another order makes, and made of what processors do for several numbers at once.

/// e to the x, for what is not positive.
fn exp(x: f32) -> f32 {
    let x = (x * std::f32::consts::LOG2_E).max(-126.0);
    // Rounds to the nearest: what is added leaves no digits behind the point.
    let whole = (x + 12_582_912.0) - 12_582_912.0;
    let part = (x - whole) * std::f32::consts::LN_2;
    let series = 1.0 + part * (1.0 + part * (0.5 + part * (1.0 / 6.0 + part * (1.0 / 24.0 + part * (1.0 / 120.0 + part * (1.0 / 720.0))))));
    series * f32::from_bits(((whole as i32 + 127) << 23).cast_unsigned())
}

/// The error function, as a fraction of polynomials.
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let y = x * x;
    let over = [-2.726_142_3e-10, 2.770_681_4e-8, -2.101_024e-6, -5.692_506_4e-5, -7.349_906e-4, -2.954_6e-3, -1.609_603_3e-2];
    let under = [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2];
    let at = |polynomial: &[f32]| polynomial.iter().fold(0.0, |sum, factor| sum * y + factor);
    x * at(&over) / at(&under)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_are_what_they_are_called() {
        for n in 0..=1_000 {
            let x = -f64::from(n) / 20.0;
            assert!((f64::from(exp(x as f32)) - x.exp()).abs() <= 2e-7 * (2.0 - x) * x.exp(), "exp({x})");
        }
        for (x, value) in [(0.0, 0.0), (0.1, 0.112_462_916), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (2.0, 0.995_322_3), (3.5, 0.999_999_3)]
        {
            assert!((erf(x) - value).abs() < 5e-7 && (erf(-x) + value).abs() < 5e-7, "erf({x}) = {}", erf(x));
        }
        let mut row = [1.0, 2.0, 3.0];
        softmax(&mut row);
        assert!((row[2] - 0.665_240_94).abs() < 1e-6 && (row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
}
