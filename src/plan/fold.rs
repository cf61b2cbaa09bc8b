//! The value of an expression that reads no row.

use ::arrow::array::{Array, ArrayRef, AsArray};

use super::{Expr, Step};
use crate::functions::{self, Arg, Call, Kernel};
use crate::types::{ScalarType, Value, arrow, convert, json};

/// Tells whether an expression is an operation on literals, so that trying to fold it may pay.
pub fn is_ready(expr: &Expr) -> bool {
    if matches!(expr, Expr::Literal(_) | Expr::Column(_) | Expr::ScalarQuery { .. }) {
        return false;
    }
    let mut ready = true;
    expr.for_each_operand(&mut |operand| ready &= matches!(operand, Expr::Literal(_) | Expr::Now));
    ready
}

/// Returns the value of a constant expression, None where it reads a row, runs a query or changes with each call.
pub fn fold(expr: &Expr, now: i64) -> Option<Value> {
    match expr {
        Expr::Literal(value) => Some(value.clone()),
        Expr::Now => Some(Value::DateTime(now)),
        Expr::Convert { value, to } => Some(converted(&fold(value, now)?, *to)),
        Expr::ParseJson(text) => match fold(text, now)? {
            Value::String(text) => Some(dynamic(json::parse_dynamic(&text).as_deref())),
            _ => None,
        },
        Expr::Not(operand) => Some(match fold(operand, now)? {
            Value::Bool(value) => Value::Bool(!value),
            other => other,
        }),
        Expr::And(operands) => logical(operands, false, now),
        Expr::Or(operands) => logical(operands, true, now),
        Expr::Compare { operator, left, right } => {
            let function = functions::scalar_function(operator.sign())?;
            let values = [fold(left, now)?, fold(right, now)?];
            let wanted = values[0].scalar_type();
            let overload = function
                .overloads
                .iter()
                .position(|o| matches!(o.parameters.first(), Some(p) if p.kind == functions::Kind::Is(wanted)))?;
            call(function, overload, values.to_vec(), ScalarType::Bool, now)
        }
        Expr::In { value, set, fold_case: false, negated } => {
            let value = fold(value, now)?;
            Some(Value::Bool(set.contains(&value) != *negated))
        }
        Expr::Path { base, steps } => {
            let base = fold(base, now)?;
            let Value::Dynamic(text) = base else { return Some(Value::Null(ScalarType::Dynamic)) };
            let mut at = text.as_str();
            for step in steps {
                let found = match step {
                    Step::Key(key) => json::get_key(at, key),
                    Step::Index(index) => json::get_index(at, *index),
                    Step::Computed(_) => return None,
                };
                match found {
                    Some(inner) => at = inner,
                    None => return Some(Value::Null(ScalarType::Dynamic)),
                }
            }
            Some(dynamic(Some(at)))
        }
        Expr::Call { function, overload, arguments, returns, .. } => {
            if function.is_volatile() {
                return None;
            }
            let values = arguments.iter().map(|argument| fold(argument, now)).collect::<Option<Vec<_>>>()?;
            call(function, *overload, values, *returns, now)
        }
        Expr::Part { function, overload, arguments, index, returns, .. } => {
            let values = arguments.iter().map(|argument| fold(argument, now)).collect::<Option<Vec<_>>>()?;
            let columns = evaluate(function, *overload, values, now)?;
            Some(arrow::value_at(columns.as_struct_opt()?.column(*index), 0, *returns))
        }
        Expr::Column(_) | Expr::In { .. } | Expr::InQuery { .. } | Expr::ScalarQuery { .. } => None,
    }
}

/// Converts a constant. Measured: a real that is too large becomes the least number, where that of a row becomes the
/// greatest.
pub fn converted(value: &Value, to: ScalarType) -> Value {
    match (value, to) {
        // The greatest long is 2^63 as a real.
        (Value::Real(real), ScalarType::Long) if *real >= i64::MAX as f64 => Value::Long(i64::MIN),
        (Value::Real(real), ScalarType::Int) if real.trunc() > f64::from(i32::MAX) => Value::Int(i32::MIN),
        _ => convert::convert(value, to),
    }
}

fn dynamic(text: Option<&str>) -> Value {
    match text {
        Some(text) if text.trim() != "null" => Value::Dynamic(text.to_string()),
        _ => Value::Null(ScalarType::Dynamic),
    }
}

/// `and` (`decisive` is false) and `or` (true) by three-valued logic.
fn logical(operands: &[Expr], decisive: bool, now: i64) -> Option<Value> {
    let mut result = Value::Bool(!decisive);
    for operand in operands {
        match fold(operand, now)? {
            Value::Bool(value) if value == decisive => return Some(Value::Bool(decisive)),
            Value::Bool(_) => {}
            _ => result = Value::Null(ScalarType::Bool),
        }
    }
    Some(result)
}

fn call(
    function: &functions::Function,
    overload: usize,
    values: Vec<Value>,
    returns: ScalarType,
    now: i64,
) -> Option<Value> {
    let array = evaluate(function, overload, values, now)?;
    Some(arrow::value_at(array.as_ref(), 0, returns))
}

/// Computes a call of constants: one row.
fn evaluate(function: &functions::Function, overload: usize, values: Vec<Value>, now: i64) -> Option<ArrayRef> {
    let arguments: Vec<Arg> = values
        .iter()
        .map(|value| Arg { array: arrow::repeat(value, 1), constant: true, scalar_type: value.scalar_type() })
        .collect();
    let call = Call { arguments: &arguments, rows: 1, now };
    let array = match function.overloads[overload].kernel {
        Kernel::Columns(kernel) => kernel(&call).ok()?,
        Kernel::Prepared(prepare) => {
            let constants: Vec<Option<Value>> = values.iter().cloned().map(Some).collect();
            prepare(&constants).ok()?(&call).ok()?
        }
        Kernel::Located(_) | Kernel::Unbuilt => return None,
    };
    (array.len() == 1).then_some(array)
}
