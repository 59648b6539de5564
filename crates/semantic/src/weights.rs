//! Numbers in a file: `safetensors`, single precision. What is asked for is read then; a file that is not what it says is an error.

use holt_core::{Error, Result};
use ndarray::{Array1, Array2};
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Longest description of what is in a file, in bytes.
const HEADER: u64 = 1 << 20;
/// Most numbers of one array.
const NUMBERS: usize = 1 << 28;

/// An open file of weights.
pub(crate) struct Weights {
    file: Mutex<File>,
    header: Value,
    start: u64,
}

/// An array of the file that is read row by row.
pub(crate) struct Rows {
    file: Mutex<File>,
    start: u64,
    width: usize,
    pub(crate) count: usize,
}

impl Weights {
    /// Reads what is in the file, none of it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = |error| Error::io(format!("read {}", path.display()), error);
        let mut file = File::open(path).map_err(failed)?;
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(failed)?;
        let length = u64::from_le_bytes(length);
        if length > HEADER {
            return Err(Error::invalid("its weights are no file of weights"));
        }
        let mut header = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact(&mut header).map_err(failed)?;
        let header = serde_json::from_slice(&header).map_err(|_| Error::invalid("its weights are no file of weights"))?;
        Ok(Self { file: Mutex::new(file), header, start: 8 + length })
    }
    /// Where an array begins, and its shape.
    fn place<const N: usize>(&self, name: &str) -> Result<(u64, [usize; N])> {
        let about = &self.header[name];
        let wrong = || Error::invalid(format!("its weights have no {name} of {N} dimensions in single precision"));
        let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
        let shape: Vec<usize> = about["shape"].as_array().and_then(|all| all.iter().map(number).collect()).ok_or_else(wrong)?;
        let shape: [usize; N] = shape.try_into().map_err(|_| wrong())?;
        let size = shape.iter().try_fold(1usize, |size, n| size.checked_mul(*n)).filter(|size| *size <= NUMBERS).ok_or_else(wrong)?;
        let [from, to] = [0, 1].map(|at: usize| about["data_offsets"][at].as_u64());
        let (from, to) = from.zip(to).ok_or_else(wrong)?;
        if about["dtype"] != "F32" || to.checked_sub(from) != Some(size as u64 * 4) {
            return Err(wrong());
        }
        Ok((self.start.saturating_add(from), shape))
    }
    /// An array with one dimension.
    pub(crate) fn vector(&self, name: &str, length: usize) -> Result<Array1<f32>> {
        let (at, [found]) = self.place(name)?;
        fits(name, found == length)?;
        Ok(Array1::from(read(&self.file, at, length)?))
    }
    /// An array with two.
    pub(crate) fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Array2<f32>> {
        let (at, found) = self.place(name)?;
        fits(name, found == [rows, columns])?;
        Array2::from_shape_vec((rows, columns), read(&self.file, at, rows * columns)?).map_err(|_| Error::internal("shape an array"))
    }
    /// An array whose rows are read when they are wanted.
    pub(crate) fn rows(&self, name: &str, width: usize) -> Result<Rows> {
        let (start, [count, found]) = self.place(name)?;
        fits(name, found == width)?;
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).try_clone();
        let file = file.map_err(|error| Error::io("open the weights", error))?;
        Ok(Rows { file: Mutex::new(file), start, width, count })
    }
}

impl Rows {
    /// One row.
    pub(crate) fn row(&self, n: usize) -> Result<Vec<f32>> {
        fits("row", n < self.count)?;
        read(&self.file, self.start + (n * self.width) as u64 * 4, self.width)
    }
}

fn fits(name: &str, fits: bool) -> Result<()> {
    fits.then_some(()).ok_or_else(|| Error::invalid(format!("its weights have a {name} of another size than it says")))
}

fn read(file: &Mutex<File>, at: u64, count: usize) -> Result<Vec<f32>> {
    let mut bytes = vec![0; count * 4];
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut bytes)).map_err(|error| Error::io("read the weights", error))?;
    Ok(bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect())
}
