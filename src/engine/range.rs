//! The values of `range`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array};

use super::{Error, Result};
use crate::types::{ScalarType, Value, arrow as mapping};

/// More rows than this are refused: they would be held in memory at once.
const MOST: i128 = 50_000_000;

/// Lists `start`, `start + step` ... up to `stop`, which is included when it is hit. A null bound and a step that leads
/// away give nothing; what a step of zero gives is not known, and refused.
pub(super) fn values(start: &Value, stop: &Value, step: &Value, scalar_type: ScalarType) -> Result<ArrayRef> {
    let empty = || Ok(mapping::from_values(scalar_type, &[]));
    if ticks(step) == Some(0) || matches!(step, Value::Real(step) if *step == 0.0) {
        return Err(Error::unsupported("`range` with a step of zero is not supported yet".to_owned()));
    }
    match (ticks(start), ticks(stop), ticks(step)) {
        (Some(start), Some(stop), Some(step)) => {
            if (stop - start).signum() * step.signum() < 0 {
                return empty();
            }
            let count = (stop - start) / step + 1;
            if count > MOST {
                return Err(Error::resources(format!("`range` of {count} rows: the limit is {MOST}")));
            }
            let values = (0..count).map(|i| start + i * step);
            Ok(match scalar_type {
                ScalarType::Int => Arc::new(Int32Array::from_iter_values(values.map(|v| v as i32))),
                _ => Arc::new(Int64Array::from_iter_values(values.map(|v| v as i64))),
            })
        }
        _ => match (start, stop, step) {
            (Value::Real(start), Value::Real(stop), Value::Real(step)) => {
                let count = (stop - start) / step;
                if !count.is_finite() || count < 0.0 {
                    return empty();
                }
                if count as i128 > MOST {
                    return Err(Error::resources(format!("`range` of {count} rows: the limit is {MOST}")));
                }
                let count = count.floor() as usize + 1;
                Ok(Arc::new(Float64Array::from_iter_values((0..count).map(|i| start + i as f64 * step))))
            }
            _ if [start, stop, step].iter().any(|v| v.is_null()) => empty(),
            _ => Err(Error::unsupported(format!("`range` of type {scalar_type} is not supported yet"))),
        },
    }
}

fn ticks(value: &Value) -> Option<i128> {
    match value {
        Value::Long(v) | Value::DateTime(v) | Value::TimeSpan(v) => Some((*v).into()),
        Value::Int(v) => Some((*v).into()),
        _ => None,
    }
}
