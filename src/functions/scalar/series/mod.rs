//! Series: arrays of numbers, as `make-series` and `make_list` give them.
//!
//! An array is as one typed column: of longs if every number in it is whole, else of reals (measured:
//! `series_abs(dynamic([-6.5, 0, 8.2]))` is `[6.5,0.0,8.2]`). What is no number counts as null.

mod arithmetic;
mod fill;
mod filter;
mod fit;
mod fourier;
mod math;
mod outliers;
mod period;
mod season;
mod statistics;

use crate::functions::{Function, FunctionError};
use crate::types::{convert, json, number, ticks};

/// The families of functions over series.
pub(super) const FAMILIES: &[&[Function]] = &[
    arithmetic::FUNCTIONS,
    fill::FUNCTIONS,
    filter::FUNCTIONS,
    fit::FUNCTIONS,
    fourier::FUNCTIONS,
    math::FUNCTIONS,
    outliers::FUNCTIONS,
    period::FUNCTIONS,
    season::FUNCTIONS,
    statistics::FUNCTIONS,
];

/// The elements of a series.
#[derive(Debug, Clone, PartialEq)]
enum Series {
    Longs(Vec<Option<i64>>),
    Reals(Vec<Option<f64>>),
}

impl Series {
    /// Reads an array; None if it is none.
    fn read(array: &str) -> Option<Series> {
        Series::read_with(array, |_| None)
    }

    /// Reads an array in which a datetime counts as its ticks (documented by the body of series_rate_fl, which subtracts
    /// times).
    fn read_with_ticks(array: &str) -> Option<Series> {
        Series::read_with(array, |element| {
            let text = json::as_string(element).filter(|_| json::is_moment(element))?;
            ticks::parse_datetime(&text)
        })
    }

    /// Reads an array; `text` tells which number a text stands for.
    fn read_with(array: &str, text: impl Fn(&str) -> Option<i64>) -> Option<Series> {
        if json::kind(array) != json::Kind::Array {
            return None;
        }
        let mut longs = Vec::new();
        let mut elements = json::elements(array);
        loop {
            let rest = elements.clone();
            let Some(element) = elements.next() else { break };
            match json::kind(element) {
                json::Kind::Null => longs.push(None),
                json::Kind::Long => longs.push(number::parse_long(element)),
                json::Kind::Real => return Some(Series::reals_after(longs, rest, text)),
                json::Kind::String if special(element).is_some() => {
                    return Some(Series::reals_after(longs, rest, text));
                }
                json::Kind::String => longs.push(text(element)),
                _ => longs.push(None),
            }
        }
        // Measured: an array of nulls is filled with `0.0`.
        if longs.iter().all(Option::is_none) {
            return Some(Series::Reals(vec![None; longs.len()]));
        }
        Some(Series::Longs(longs))
    }

    fn reals_after(longs: Vec<Option<i64>>, rest: json::Elements, text: impl Fn(&str) -> Option<i64>) -> Series {
        let mut reals: Vec<Option<f64>> = longs.into_iter().map(|long| long.map(|long| long as f64)).collect();
        reals.extend(rest.map(|element| real(element).or_else(|| text(element).map(|number| number as f64))));
        Series::Reals(reals)
    }

    fn len(&self) -> usize {
        match self {
            Series::Longs(longs) => longs.len(),
            Series::Reals(reals) => reals.len(),
        }
    }

    fn into_reals(self) -> Vec<Option<f64>> {
        match self {
            Series::Longs(longs) => longs.into_iter().map(|long| long.map(|long| long as f64)).collect(),
            Series::Reals(reals) => reals,
        }
    }
}

/// Reads an element as a real; None for what is no number.
fn real(element: &str) -> Option<f64> {
    match json::kind(element) {
        json::Kind::Long | json::Kind::Real => convert::dynamic_to_real(element),
        json::Kind::String => special(element),
        _ => None,
    }
}

/// Reads what JSON has no number for: such reals are written as texts.
fn special(element: &str) -> Option<f64> {
    match element {
        "\"NaN\"" => Some(f64::NAN),
        "\"Infinity\"" => Some(f64::INFINITY),
        "\"-Infinity\"" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Reads an array whose elements are all numbers. For others the documentation does not say what becomes of them.
fn numbers(array: &str, function: &str) -> Result<Option<Vec<f64>>, FunctionError> {
    let Some(series) = Series::read(array) else { return Ok(None) };
    let numbers: Option<Vec<f64>> = series.into_reals().into_iter().collect();
    match numbers {
        Some(numbers) => Ok(Some(numbers)),
        None => Err(unsupported(format!("`{function}()` of an array with elements that are no numbers"))),
    }
}

fn unsupported(what: impl std::fmt::Display) -> FunctionError {
    FunctionError { code: "AQ001", message: format!("{what} is not supported yet"), argument: None }
}

/// Writes reals as an array.
fn write_reals(reals: impl IntoIterator<Item = Option<f64>>, out: &mut String) {
    write_array(reals, out, json::write_real);
}

/// Writes longs as an array.
fn write_longs(longs: impl IntoIterator<Item = Option<i64>>, out: &mut String) {
    use std::fmt::Write as _;
    // Writing to a string can't fail.
    write_array(longs, out, |long, out| {
        let _ = write!(out, "{long}");
    });
}

fn write_array<T>(elements: impl IntoIterator<Item = Option<T>>, out: &mut String, write: impl Fn(T, &mut String)) {
    out.push('[');
    for (n, element) in elements.into_iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        match element {
            Some(element) => write(element, out),
            None => out.push_str("null"),
        }
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_has_one_type() {
        assert_eq!(Series::read("[1,null,\"x\"]"), Some(Series::Longs(vec![Some(1), None, None])));
        assert_eq!(Series::read("[1,2.5,null]"), Some(Series::Reals(vec![Some(1.0), Some(2.5), None])));
        assert_eq!(Series::read("[null]"), Some(Series::Reals(vec![None])));
        assert_eq!(Series::read("[1,\"Infinity\"]"), Some(Series::Reals(vec![Some(1.0), Some(f64::INFINITY)])));
        assert_eq!(Series::read("{\"a\":1}"), None);
        let times = "[\"0001-01-01T00:00:01Z\",\"0001-01-01\",1]";
        assert_eq!(Series::read(times), Some(Series::Longs(vec![None, None, Some(1)])));
        assert_eq!(Series::read_with_ticks(times), Some(Series::Longs(vec![Some(10_000_000), None, Some(1)])));
    }
}
