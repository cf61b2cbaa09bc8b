//! What geospatial functions take, and how it is read.

use std::sync::Arc;

use super::super::rows::Numbers;
use crate::functions::lift::{Json, Reader};
use crate::functions::{Call, Kind, Parameter, one};
use crate::types::Value;

/// Takes any number.
pub(super) const fn number(name: &'static str) -> Parameter {
    one(name, Kind::Number)
}

/// A longitude and the latitude after it, in degrees.
pub(super) struct Places {
    longitudes: Numbers,
    latitudes: Numbers,
}

impl Places {
    /// Reads the arguments with this index and the next.
    pub fn new(call: &Call, index: usize) -> Places {
        Places { longitudes: Numbers::new(call, index), latitudes: Numbers::new(call, index + 1) }
    }

    /// Returns longitude and latitude, or None if one is null or out of range.
    pub fn get(&self, row: usize) -> Option<(f64, f64)> {
        place(self.longitudes.get(row)?, self.latitudes.get(row)?)
    }
}

/// Returns longitude and latitude if they are in range.
pub(super) fn place(longitude: f64, latitude: f64) -> Option<(f64, f64)> {
    let valid = (-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude);
    valid.then_some((longitude, latitude))
}

/// A number that may be left out, and what it then is.
pub(super) struct Default {
    numbers: Option<Numbers>,
    default: f64,
}

impl Default {
    pub fn new(call: &Call, index: usize, default: f64) -> Default {
        Default { numbers: Numbers::optional(call, index), default }
    }

    /// Returns the number, or None if a null was given.
    pub fn get(&self, row: usize) -> Option<f64> {
        match &self.numbers {
            Some(numbers) => numbers.get(row),
            None => Some(self.default),
        }
    }

    /// Returns the number cut to a whole one, if it is in a range.
    pub fn whole(&self, row: usize, range: std::ops::RangeInclusive<u8>) -> Option<u8> {
        let value = self.get(row)?.trunc();
        (f64::from(*range.start())..=f64::from(*range.end())).contains(&value).then_some(value as u8)
    }
}

/// A shape as it was read, shared: None if it is no valid one.
pub(super) type Shared<T> = Option<Arc<T>>;

/// Reads the shape of a constant argument once: the outer None stands for an argument that is no constant.
pub(super) fn constant_shape<T>(
    constants: &[Option<Value>],
    index: usize,
    read: fn(&str) -> Option<T>,
) -> Option<Shared<T>> {
    match constants.get(index)?.as_ref()? {
        Value::Dynamic(json) => Some(read(json).map(Arc::new)),
        _ => Some(None),
    }
}

/// The shapes of a column: the constant one, or each read as it comes; the last is kept, as joined rows repeat it.
pub(super) struct Shapes<'a, T> {
    constant: Option<Shared<T>>,
    texts: Reader<'a, Json>,
    last: (&'a str, Shared<T>),
    read: fn(&str) -> Option<T>,
}

impl<'a, T> Shapes<'a, T> {
    pub fn new(call: &'a Call, index: usize, constant: &Option<Shared<T>>, read: fn(&str) -> Option<T>) -> Self {
        Shapes { constant: constant.clone(), texts: Reader::new(call, index), last: ("", None), read }
    }

    pub fn get(&mut self, row: usize) -> Shared<T> {
        if let Some(constant) = &self.constant {
            return constant.clone();
        }
        let text = self.texts.get(row)?;
        if self.last.0 != text {
            self.last = (text, (self.read)(text).map(Arc::new));
        }
        self.last.1.clone()
    }
}
