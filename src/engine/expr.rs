//! Expressions of the plan as DataFusion's: its own operators where they mean exactly what KQL means, functions of ours
//! elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ahash::AHashSet;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, NullArray, StringViewBuilder};
use arrow::compute::kernels::cmp;
use arrow::datatypes::{DataType, Float64Type, Int64Type, i256};
use datafusion::common::{Column as Named, ScalarValue};
use datafusion::logical_expr::{Expr as Logical, Operator, binary_expr};
use memchr::memmem::Finder;

use super::part::{Part, parts};
use super::path::{Lookup, Wanted};
use super::udf::{Compute, Definition, Refusal, call, field};
use super::{Error, Result};
use crate::diagnostic::Span;
use crate::functions::lift::{Json, Long, Opt, Reader, Real, Text};
use crate::functions::{self, Arg, Call, Kernel, sketch};
use crate::plan::{Comparison, Expr, Step};
use crate::types::arrow::{data_type, several, value_at};
use crate::types::whereabouts::Places;
use crate::types::{ScalarType, Value, convert, decimal, json};

/// What lowering an expression needs to know.
#[derive(Debug, Clone)]
pub(super) struct Lowering {
    pub now: i64,
    /// Who knows where IP addresses are.
    pub places: Option<Arc<dyn Places>>,
    /// The plan makes sketches of `hll` or `tdigest`: no function may see the form that they have here.
    pub sketches: bool,
    /// Where refusals are noted.
    pub refusal: Refusal,
    /// How many calls have been lowered whose value is another one for each row.
    pub volatile: Arc<AtomicUsize>,
}

/// Which values would show the form of a sketch where they are taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shows {
    /// A sketch; a list of them would not.
    Itself,
    /// One that has a sketch anywhere.
    Within,
}

/// Names a column exactly: neither case nor dots mean anything.
pub(super) fn column(name: &str) -> Logical {
    Logical::Column(Named::new_unqualified(name))
}

/// Makes a literal of the engine's mapping.
pub(super) fn literal(value: &Value) -> Logical {
    Logical::Literal(scalar(value), None)
}

/// Makes a scalar of the engine's mapping.
pub(super) fn scalar(value: &Value) -> ScalarValue {
    match value {
        Value::Null(ScalarType::String) => ScalarValue::Utf8View(Some(String::new())),
        Value::Null(ScalarType::Bool) => ScalarValue::Boolean(None),
        Value::Null(ScalarType::Int) => ScalarValue::Int32(None),
        Value::Null(ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan) => ScalarValue::Int64(None),
        Value::Null(ScalarType::Real) => ScalarValue::Float64(None),
        Value::Null(ScalarType::Decimal) => ScalarValue::Decimal256(None, decimal::PRECISION, decimal::SCALE),
        Value::Null(ScalarType::Guid | ScalarType::Dynamic) => ScalarValue::Utf8View(None),
        Value::Bool(v) => ScalarValue::Boolean(Some(*v)),
        Value::Int(v) => ScalarValue::Int32(Some(*v)),
        Value::Long(v) | Value::DateTime(v) | Value::TimeSpan(v) => ScalarValue::Int64(Some(*v)),
        Value::Real(v) => ScalarValue::Float64(Some(*v)),
        Value::Decimal(v) => ScalarValue::Decimal256(Some(*v), decimal::PRECISION, decimal::SCALE),
        Value::String(v) | Value::Guid(v) | Value::Dynamic(v) => ScalarValue::Utf8View(Some(v.clone())),
    }
}

impl Lowering {
    /// Lowers an expression whose value counts.
    pub(super) fn value(&self, expr: &Expr) -> Result<Logical> {
        match expr {
            Expr::Column(c) => Ok(column(&c.name)),
            Expr::Literal(value) => Ok(literal(value)),
            Expr::Now => Ok(literal(&Value::DateTime(self.now))),
            Expr::And(operands) => self.chain(Operator::And, operands, Self::value),
            Expr::Or(operands) => self.chain(Operator::Or, operands, Self::value),
            Expr::Not(operand) => Ok(Logical::Not(Box::new(self.value(operand)?))),
            Expr::Compare { operator, left, right } => self.compare(*operator, left, right),
            Expr::In { value, set, fold_case, negated } => self.membership(value, set, *fold_case, *negated),
            Expr::Convert { value, to } => self.convert(value, *to),
            Expr::ParseJson(text) if text.scalar_type() == ScalarType::String => {
                let compute: Compute = Arc::new(|call: &Call| Ok(convert::parse_dynamic(&call.arguments[0].array)));
                self.call("parse_json".into(), compute, ScalarType::Dynamic, &[&**text])
            }
            Expr::ParseJson(value) => self.value(value),
            Expr::Path { base, steps } => self.path(base, steps, false),
            Expr::Call { function, overload, arguments, returns, at } => {
                self.library(function, *overload, arguments, data_type(*returns), *at)
            }
            Expr::Part { function, overload, arguments, index, returns, at } => {
                let types: Vec<ScalarType> = arguments.iter().map(Expr::scalar_type).collect();
                let columns = function.overloads[*overload].columns(&types).unwrap_or_default();
                let call = self.library(function, *overload, arguments, several(&columns), *at)?;
                Ok(field(call, *index, data_type(*returns)))
            }
            Expr::ScalarQuery { .. } | Expr::InQuery { .. } => {
                Err(Error::internal("a subquery was left in an expression"))
            }
        }
    }

    /// Lowers a condition of which only the truth counts: null is as good as false, so that the engine's own
    /// comparisons, which its scans can prune by, may stand for KQL's.
    pub(super) fn condition(&self, expr: &Expr) -> Result<Logical> {
        match expr {
            Expr::And(operands) => self.chain(Operator::And, operands, Self::condition),
            Expr::Or(operands) => self.chain(Operator::Or, operands, Self::condition),
            // Null where one comparison is: as good as false, which `and` gives too.
            Expr::Call { function, arguments, .. } if function.is_conjunction() => {
                self.chain(Operator::And, arguments, Self::condition)
            }
            Expr::Compare { operator, left, right } if left.scalar_type() != ScalarType::Real => {
                // One null side makes `!=` true, two make it null, which is false here.
                let operator = match operator {
                    Comparison::NotEqual if left.scalar_type() != ScalarType::String => Operator::IsDistinctFrom,
                    other => native(*other),
                };
                Ok(binary_expr(self.value(left)?, operator, self.value(right)?))
            }
            Expr::In { value, set, fold_case: false, negated: false }
                if value.scalar_type() != ScalarType::Real && !set.is_empty() && set.len() <= 32 =>
            {
                Ok(self.value(value)?.in_list(set.iter().map(literal).collect(), false))
            }
            other => self.value(other),
        }
    }

    fn chain(
        &self,
        operator: Operator,
        operands: &[Expr],
        lower: fn(&Self, &Expr) -> Result<Logical>,
    ) -> Result<Logical> {
        let lowered = operands.iter().map(|operand| lower(self, operand)).collect::<Result<Vec<_>>>()?;
        Ok(balanced(operator, lowered))
    }

    fn compare(&self, operator: Comparison, left: &Expr, right: &Expr) -> Result<Logical> {
        let scalar_type = left.scalar_type();
        // Strings are never null, and their order is that of their bytes.
        if scalar_type == ScalarType::String {
            return Ok(binary_expr(self.value(left)?, native(operator), self.value(right)?));
        }
        let compute: Compute = Arc::new(move |call: &Call| Ok(compare_columns(operator, scalar_type, call)?));
        self.call(format!("{operator:?} {scalar_type}"), compute, ScalarType::Bool, &[left, right])
    }

    fn membership(&self, value: &Expr, set: &[Value], fold_case: bool, negated: bool) -> Result<Logical> {
        let scalar_type = value.scalar_type();
        let set = Set::new(set, fold_case);
        let key = format!("in {negated} {}", set.identity());
        let compute: Compute = Arc::new(move |call: &Call| {
            let arg: &Arg = &call.arguments[0];
            let rows = (0..call.rows).map(|row| if arg.constant { 0 } else { row });
            let found = rows.map(|row| Some(set.contains(&arg.array, row, scalar_type) != negated));
            Ok(Arc::new(found.collect::<BooleanArray>()) as ArrayRef)
        });
        self.call(key, compute, ScalarType::Bool, &[value])
    }

    fn convert(&self, value: &Expr, to: ScalarType) -> Result<Logical> {
        // Text of a member: one function of the outer text.
        if to == ScalarType::String
            && let Expr::Path { base, steps } = value
        {
            return match Part::of(base, steps) {
                Some(part) => self.part(&part),
                None => self.path(base, steps, true),
            };
        }
        let from = value.scalar_type();
        if from == to {
            return self.value(value);
        }
        let compute: Compute = Arc::new(move |call: &Call| Ok(convert::cast(&call.arguments[0].array, from, to)));
        let compute = self.guarded(compute, sketch::holds_sketch);
        self.call(format!("to{to}({from})"), compute, to, &[value])
    }

    fn part(&self, part: &Part<'_>) -> Result<Logical> {
        let (delimiter, index) = (Finder::new(part.delimiter).into_owned(), part.index);
        let compute: Compute = Arc::new(move |call: &Call| Ok(parts(&call.arguments[0].array, &delimiter, index)));
        self.call(format!("part {index} {:?}", part.delimiter), compute, ScalarType::String, &[part.text])
    }

    /// A path of a dynamic: of `parse_json(text)` it is one function of the text. `text`: as `tostring` gives it.
    fn path(&self, base: &Expr, steps: &[Step], text: bool) -> Result<Logical> {
        let returns = if text { ScalarType::String } else { ScalarType::Dynamic };
        if let Some(steps) = fixed_steps(steps) {
            let (parse, source) = match base {
                Expr::ParseJson(source) if source.scalar_type() == ScalarType::String => (true, &**source),
                other => (false, other),
            };
            let key = format!("path {parse} {text} {steps:?}");
            let lookup = Lookup { parse, wanted: vec![Wanted { steps, text }] };
            let compute: Compute =
                Arc::new(move |call: &Call| Ok(lookup.columns(&call.arguments[0].array).swap_remove(0)));
            let compute = self.guarded(compute, if text { sketch::holds_sketch } else { sketch::is_sketch });
            return self.call(key, compute, returns, &[source]);
        }
        let mut arguments = vec![base];
        let mut key = format!("path {text}");
        let mut compiled = Vec::new();
        for step in steps {
            compiled.push(match step {
                Step::Key(name) => PathStep::Fixed(json::Step::Key(name.clone())),
                Step::Index(index) => PathStep::Fixed(json::Step::Index(*index)),
                Step::Computed(expr) => {
                    arguments.push(expr);
                    PathStep::Argument(arguments.len() - 1, expr.scalar_type())
                }
            });
            key.push_str(&format!(" {:?}", compiled.last()));
        }
        let compute: Compute = Arc::new(move |call: &Call| Ok(follow(call, &compiled, text)));
        let compute = self.guarded(compute, if text { sketch::holds_sketch } else { sketch::is_sketch });
        self.call(key, compute, returns, &arguments)
    }

    fn library(
        &self,
        function: &'static functions::Function,
        overload: usize,
        arguments: &[Expr],
        returns: DataType,
        at: Option<Span>,
    ) -> Result<Logical> {
        let mut key = format!("{}#{overload}:{returns}", function.name);
        let compute: Compute = match function.overloads[overload].kernel {
            Kernel::Columns(kernel) => Arc::new(move |call: &Call| Ok(kernel(call)?)),
            Kernel::Prepared(prepare) => {
                let constants: Vec<Option<Value>> = arguments
                    .iter()
                    .map(|argument| match argument {
                        Expr::Literal(value) => Some(value.clone()),
                        _ => None,
                    })
                    .collect();
                key.push_str(&format!("{constants:?}"));
                let prepared = prepare(&constants).map_err(|e| Error::refused(&e, at))?;
                Arc::new(move |call: &Call| Ok(prepared(call)?))
            }
            Kernel::Located(kernel) => {
                let places = self.places.clone().ok_or_else(|| {
                    Error::unsupported(format!("`{}()` needs a database of places: --geo-database", function.name))
                })?;
                Arc::new(move |call: &Call| Ok(kernel(call, &*places)?))
            }
            Kernel::Unbuilt => return Err(Error::unsupported(format!("`{}()` is not supported yet", function.name))),
        };
        let compute = match sketch::takes_sketches(function.name) {
            true => compute,
            false => self.guarded(compute, sketch::holds_sketch),
        };
        let volatile = function.is_volatile();
        let arguments: Vec<&Expr> = arguments.iter().collect();
        self.definition(key, compute, returns, &arguments, volatile, at)
    }

    /// Stops a computation that would see the form of a sketch.
    fn guarded(&self, compute: Compute, shows: fn(&str) -> bool) -> Compute {
        if !self.sketches {
            return compute;
        }
        Arc::new(move |call: &Call| {
            for (index, argument) in call.arguments.iter().enumerate() {
                let dynamic = argument.scalar_type == ScalarType::Dynamic;
                let texts = argument.array.as_string_view_opt().filter(|_| dynamic);
                if texts.is_some_and(|texts| texts.iter().flatten().any(shows)) {
                    return Err(sketch::hidden(Some(index)).into());
                }
            }
            compute(call)
        })
    }

    /// Hands a dynamic on, where it is no sketch.
    pub(super) fn no_sketch(&self, value: &Expr, shows: Shows) -> Result<Logical> {
        if !self.sketches || value.scalar_type() != ScalarType::Dynamic {
            return self.value(value);
        }
        let (key, shows) = match shows {
            Shows::Itself => ("is no sketch", sketch::is_sketch as fn(&str) -> bool),
            Shows::Within => ("holds no sketch", sketch::holds_sketch as fn(&str) -> bool),
        };
        let compute = self.guarded(Arc::new(|call: &Call| Ok(call.arguments[0].array.clone())), shows);
        self.call(key.into(), compute, ScalarType::Dynamic, &[value])
    }

    fn call(&self, key: String, compute: Compute, returns: ScalarType, arguments: &[&Expr]) -> Result<Logical> {
        self.definition(key, compute, data_type(returns), arguments, false, None)
    }

    fn definition(
        &self,
        mut key: String,
        compute: Compute,
        returns: DataType,
        arguments: &[&Expr],
        volatile: bool,
        at: Option<Span>,
    ) -> Result<Logical> {
        let types = arguments.iter().map(|a| a.scalar_type()).collect();
        let mut lowered = arguments.iter().map(|a| self.value(a)).collect::<Result<Vec<_>>>()?;
        if volatile {
            // DataFusion takes columns of equal calls for equal: sorted by one, rows are taken for sorted by the other.
            key.push_str(&format!(" call {}", self.volatile.fetch_add(1, Ordering::Relaxed)));
            if !lowered.is_empty() {
                lowered.push(of_each_row(self.now));
            }
        }
        let compute = self.refusal.noting(compute, at);
        let definition = Definition { key, types, returns, compute, now: self.now, volatile, at };
        Ok(call(definition, lowered))
    }
}

/// An operand that is no constant, for a call whose value is another one for each row.
///
/// DataFusion 55 takes a call whose operands are constants for one itself, volatile or not: it was made once for all rows,
/// and a sort by it was taken for done (seen with `rand(1000)`). What has no operands it leaves alone.
fn of_each_row(now: i64) -> Logical {
    let compute: Compute = Arc::new(|call: &Call| Ok(Arc::new(NullArray::new(call.rows))));
    let key = "each row".to_string();
    let definition =
        Definition { key, types: Vec::new(), returns: DataType::Null, compute, now, volatile: true, at: None };
    call(definition, Vec::new())
}

/// Chains operands so that a thousand of them do not make a tree a thousand deep.
pub(super) fn balanced(operator: Operator, mut operands: Vec<Logical>) -> Logical {
    while operands.len() > 1 {
        let mut pairs = Vec::with_capacity(operands.len().div_ceil(2));
        let mut rest = operands.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => binary_expr(left, operator, right),
                None => left,
            });
        }
        operands = pairs;
    }
    // The empty conjunction is true, the empty disjunction false.
    operands.pop().unwrap_or(Logical::Literal(ScalarValue::Boolean(Some(operator == Operator::And)), None))
}

fn native(comparison: Comparison) -> Operator {
    match comparison {
        Comparison::Equal => Operator::Eq,
        Comparison::NotEqual => Operator::NotEq,
        Comparison::Less => Operator::Lt,
        Comparison::LessOrEqual => Operator::LtEq,
        Comparison::Greater => Operator::Gt,
        Comparison::GreaterOrEqual => Operator::GtEq,
    }
}

/// Compares by KQL's rules, which Arrow's kernels do not know: a null beside a value, and NaN.
fn compare_columns(
    operator: Comparison,
    scalar_type: ScalarType,
    call: &Call,
) -> std::result::Result<ArrayRef, String> {
    let (left, right) = (spread(&call.arguments[0], call.rows)?, spread(&call.arguments[1], call.rows)?);
    let compared = if scalar_type == ScalarType::Real {
        let (left, right) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
        let compare: fn(&f64, &f64) -> bool = match operator {
            Comparison::Equal => f64::eq,
            Comparison::NotEqual => f64::ne,
            Comparison::Less => f64::lt,
            Comparison::LessOrEqual => f64::le,
            Comparison::Greater => f64::gt,
            Comparison::GreaterOrEqual => f64::ge,
        };
        let values = left.values().iter().zip(right.values()).map(|(left, right)| compare(left, right));
        BooleanArray::new(values.collect(), arrow::buffer::NullBuffer::union(left.nulls(), right.nulls()))
    } else {
        match operator {
            Comparison::Equal => cmp::eq(&left, &right),
            Comparison::NotEqual => cmp::neq(&left, &right),
            Comparison::Less => cmp::lt(&left, &right),
            Comparison::LessOrEqual => cmp::lt_eq(&left, &right),
            Comparison::Greater => cmp::gt(&left, &right),
            Comparison::GreaterOrEqual => cmp::gt_eq(&left, &right),
        }
        .map_err(|e| e.to_string())?
    };
    if !matches!(operator, Comparison::Equal | Comparison::NotEqual) || compared.null_count() == 0 {
        return Ok(Arc::new(compared));
    }
    let one_null = operator == Comparison::NotEqual;
    let result: BooleanArray = (0..call.rows)
        .map(|row| match (left.is_null(row), right.is_null(row)) {
            (true, true) => None,
            (false, false) => Some(compared.value(row)),
            _ => Some(one_null),
        })
        .collect();
    Ok(Arc::new(result))
}

/// Returns the column that an argument stands for, a constant repeated.
fn spread(argument: &Arg, rows: usize) -> std::result::Result<ArrayRef, String> {
    if argument.constant && rows != 1 {
        let value = value_at(&argument.array, 0, argument.scalar_type);
        return Ok(crate::types::arrow::repeat(&value, rows));
    }
    Ok(argument.array.clone())
}

/// Returns the steps of a path if none of them is computed.
pub(super) fn fixed_steps(steps: &[Step]) -> Option<Vec<json::Step>> {
    steps
        .iter()
        .map(|step| match step {
            Step::Key(key) => Some(json::Step::Key(key.clone())),
            Step::Index(index) => Some(json::Step::Index(*index)),
            Step::Computed(_) => None,
        })
        .collect()
}

#[derive(Debug)]
enum PathStep {
    Fixed(json::Step),
    /// Index of the argument that holds a key or an index.
    Argument(usize, ScalarType),
}

fn follow(call: &Call, steps: &[PathStep], text: bool) -> ArrayRef {
    let source = Reader::<Json>::new(call, 0);
    let mut builder = StringViewBuilder::with_capacity(call.rows);
    for row in 0..call.rows {
        let value = source.get(row).and_then(|value| {
            steps.iter().try_fold(value, |at, step| match step {
                PathStep::Fixed(step) => json::get(at, std::slice::from_ref(step)),
                PathStep::Argument(index, scalar_type) => {
                    json::get(at, &[computed_step(call, *index, *scalar_type, row)?])
                }
            })
        });
        match (value, text) {
            (Some(value), true) => builder.append_value(json::as_text(value)),
            (None, true) => builder.append_value(""),
            (Some(value), false) if value != "null" => builder.append_value(value),
            _ => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

fn computed_step(call: &Call, index: usize, scalar_type: ScalarType, row: usize) -> Option<json::Step> {
    match scalar_type {
        ScalarType::String => Some(json::Step::Key(Reader::<Text>::new(call, index).get(row)?.to_string())),
        ScalarType::Long => Some(json::Step::Index(Reader::<Long>::new(call, index).get(row)?)),
        // What a dynamic holds decides.
        _ => {
            let value = Reader::<Json>::new(call, index).get(row)?;
            match json::as_string(value) {
                Some(key) => Some(json::Step::Key(key.into_owned())),
                None => convert::dynamic_to_long(value).map(json::Step::Index),
            }
        }
    }
}

/// The set of an `in`: texts, or numbers as bits that are the same for equal values.
struct Set {
    texts: AHashSet<String>,
    numbers: AHashSet<i256>,
    fold_case: bool,
}

impl Set {
    fn new(values: &[Value], fold_case: bool) -> Self {
        let mut set = Set { texts: AHashSet::default(), numbers: AHashSet::default(), fold_case };
        for value in values {
            match value {
                Value::String(text) if fold_case => {
                    set.texts.insert(text.to_lowercase());
                }
                Value::String(text) | Value::Guid(text) | Value::Dynamic(text) => {
                    set.texts.insert(text.clone());
                }
                other => set.numbers.extend(number(other)),
            }
        }
        set
    }

    /// A null is in nothing (measured), so that its negation holds.
    fn contains(&self, array: &ArrayRef, row: usize, scalar_type: ScalarType) -> bool {
        if array.is_null(row) {
            return false;
        }
        match scalar_type {
            ScalarType::String if self.fold_case => {
                self.texts.contains(&array.as_string_view().value(row).to_lowercase())
            }
            ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => {
                self.texts.contains(array.as_string_view().value(row))
            }
            other => number(&value_at(array, row, other)).is_some_and(|number| self.numbers.contains(&number)),
        }
    }

    /// Two sets with one identity hold the same.
    fn identity(&self) -> String {
        let mut texts: Vec<&String> = self.texts.iter().collect();
        let mut numbers: Vec<&i256> = self.numbers.iter().collect();
        texts.sort();
        numbers.sort();
        format!("{} {texts:?} {numbers:?}", self.fold_case)
    }
}

/// Returns a number that is the same for equal values; None for null and NaN, which equal nothing.
fn number(value: &Value) -> Option<i256> {
    match value {
        Value::Bool(v) => Some(i64::from(*v).into()),
        Value::Int(v) => Some((*v).into()),
        Value::Long(v) | Value::DateTime(v) | Value::TimeSpan(v) => Some((*v).into()),
        Value::Decimal(v) => Some(*v),
        Value::Real(v) if !v.is_nan() => Some(i128::from((v + 0.0).to_bits()).into()),
        _ => None,
    }
}

/// Ranks a real for sorting: null, then NaN, then numbers; the other way round where nulls come last.
pub(super) fn real_class(value: Logical, nulls_first: bool) -> Logical {
    let compute: Compute = Arc::new(move |call: &Call| {
        let reader = Reader::<Opt<Real>>::new(call, 0);
        let classes = (0..call.rows).map(|row| match reader.get(row).flatten() {
            None => 0,
            Some(v) if v.is_nan() => 1,
            Some(_) => 2,
        });
        Ok(Arc::new(Int64Array::from_iter_values(classes.map(|c: i64| if nulls_first { c } else { 2 - c })))
            as ArrayRef)
    });
    of_real(format!("real_class {nulls_first}"), DataType::Int64, compute, value)
}

/// Makes the key of a join or a group: negative zero is zero, and there is one NaN.
pub(super) fn real_key(value: Logical) -> Logical {
    let compute: Compute = Arc::new(|call: &Call| {
        let reals = call.arguments[0].array.as_primitive::<Float64Type>();
        let keys = reals.unary::<_, Float64Type>(|value| if value.is_nan() { f64::NAN } else { value + 0.0 });
        Ok(Arc::new(keys) as ArrayRef)
    });
    of_real("real_key".into(), DataType::Float64, compute, value)
}

/// Numbers the stretch of time, `width` ticks long, in which a time lies.
pub(super) fn bucket(value: Logical, width: i64) -> Logical {
    let compute: Compute = Arc::new(move |call: &Call| {
        let times = call.arguments[0].array.as_primitive::<Int64Type>();
        Ok(Arc::new(times.unary::<_, Int64Type>(|t| t.div_euclid(width.max(1)))) as ArrayRef)
    });
    let types = vec![ScalarType::DateTime];
    let definition = Definition {
        key: format!("bucket {width}"),
        types,
        returns: DataType::Int64,
        compute,
        now: 0,
        volatile: false,
        at: None,
    };
    call(definition, vec![value])
}

fn of_real(key: String, returns: DataType, compute: Compute, value: Logical) -> Logical {
    call(
        Definition { key, types: vec![ScalarType::Real], returns, compute, now: 0, volatile: false, at: None },
        vec![value],
    )
}
