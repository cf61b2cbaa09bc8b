//! KQL's functions as DataFusion functions: one adaptor for the whole library.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::Error;
use crate::diagnostic::Span;
use crate::functions::{Arg, Call, FunctionError};
use crate::types::ScalarType;
use crate::types::arrow::data_type;

/// What a function computes: columns in, a column out.
pub(super) type Compute = Arc<dyn Fn(&Call) -> std::result::Result<ArrayRef, Fault> + Send + Sync>;

/// Why a computation stops.
#[derive(Debug)]
pub(super) enum Fault {
    /// The library refuses the values.
    Refused(FunctionError),
    /// What Arrow says.
    Arrow(String),
}

impl From<FunctionError> for Fault {
    fn from(error: FunctionError) -> Self {
        Fault::Refused(error)
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Fault::Arrow(message)
    }
}

/// The first refusal of a query. Where a computation runs as a filter within a Parquet file, DataFusion hands on no more
/// than the text of what it says.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusal(Arc<Mutex<Option<Error>>>);

impl Refusal {
    /// Notes what a computation refuses.
    pub(super) fn noting(&self, compute: Compute, at: Option<Span>) -> Compute {
        let refusal = self.clone();
        Arc::new(move |call: &Call| {
            compute(call).inspect_err(|fault| {
                if let Fault::Refused(error) = fault {
                    refusal.held().get_or_insert_with(|| Error::refused(error, at));
                }
            })
        })
    }

    /// Returns why a query stopped.
    pub(super) fn told(&self, error: DataFusionError) -> Error {
        let first = match error.find_root() {
            DataFusionError::ParquetError(_) => self.held().take(),
            _ => None,
        };
        first.unwrap_or_else(|| error.into())
    }

    fn held(&self) -> MutexGuard<'_, Option<Error>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A computation with all that it was made for.
pub(super) struct Function {
    /// Tells it apart from every other one: two functions with the same key compute the same.
    key: String,
    types: Vec<ScalarType>,
    returns: DataType,
    compute: Compute,
    now: i64,
    at: Option<Span>,
    signature: Signature,
}

/// What makes a [`Function`].
pub(super) struct Definition {
    pub key: String,
    pub types: Vec<ScalarType>,
    pub returns: DataType,
    pub compute: Compute,
    pub now: i64,
    pub volatile: bool,
    /// Where the query calls it.
    pub at: Option<Span>,
}

/// Calls a computation on expressions.
pub(super) fn call(definition: Definition, arguments: Vec<Expr>) -> Expr {
    let volatility = if definition.volatile { Volatility::Volatile } else { Volatility::Immutable };
    let function = Function {
        key: definition.key,
        types: definition.types,
        returns: definition.returns,
        compute: definition.compute,
        now: definition.now,
        at: definition.at,
        signature: Signature::one_of(vec![TypeSignature::VariadicAny, TypeSignature::Nullary], volatility),
    };
    Arc::new(ScalarUDF::new_from_impl(function)).call(arguments)
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        &self.key
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = !args.args.is_empty() && args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arguments = args
            .args
            .into_iter()
            .enumerate()
            .map(|(index, value)| argument(value, self.types.get(index).copied()))
            .collect::<Result<Vec<_>>>()?;
        let call = Call { arguments: &arguments, rows, now: self.now };
        let array = (self.compute)(&call).map_err(|fault| match fault {
            Fault::Refused(error) => DataFusionError::External(Box::new(Error::refused(&error, self.at))),
            Fault::Arrow(message) => DataFusionError::Execution(message),
        })?;
        if constant && self.signature.volatility != Volatility::Volatile {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

/// Hands over an argument in the mapping of its type; without a type it stays as it is.
fn argument(value: ColumnarValue, scalar_type: Option<ScalarType>) -> Result<Arg> {
    let (array, constant) = match value {
        ColumnarValue::Array(array) => (array, false),
        ColumnarValue::Scalar(scalar) => (scalar.to_array()?, true),
    };
    // The optimizer may hand over strings of another layout.
    let array = match scalar_type.map(data_type) {
        Some(wanted) if *array.data_type() != wanted => arrow::compute::cast(&array, &wanted)?,
        _ => array,
    };
    Ok(Arg { array, constant, scalar_type: scalar_type.unwrap_or(ScalarType::Dynamic) })
}

/// Replaces null by the empty text: KQL's strings are never null.
pub(super) fn fill_text(text: Expr) -> Expr {
    let compute: Compute = Arc::new(|call: &Call| {
        let array = &call.arguments[0].array;
        Ok(if array.null_count() == 0 { array.clone() } else { filled(array.as_string_view()) })
    });
    let definition = Definition {
        key: "fill_text".into(),
        types: vec![ScalarType::String],
        returns: DataType::Utf8View,
        compute,
        now: 0,
        volatile: false,
        at: None,
    };
    call(definition, vec![text])
}

fn filled(array: &StringViewArray) -> ArrayRef {
    // A null's view may hold anything: an empty one takes its place, the buffers stay.
    let views: Vec<u128> =
        array.views().iter().enumerate().map(|(i, v)| if array.is_null(i) { 0 } else { *v }).collect();
    match StringViewArray::try_new(views.into(), array.data_buffers().to_vec(), None) {
        Ok(filled) => Arc::new(filled),
        Err(_) => Arc::new(array.iter().map(|text| Some(text.unwrap_or(""))).collect::<StringViewArray>()),
    }
}

/// Takes a field out of a struct.
pub(super) fn field(value: Expr, index: usize, returns: DataType) -> Expr {
    let compute: Compute = Arc::new(move |call: &Call| {
        let array = call.arguments[0].array.as_struct();
        Ok(array.column(index).clone())
    });
    let definition = Definition {
        key: format!("field {index}"),
        types: Vec::new(),
        returns,
        compute,
        now: 0,
        volatile: false,
        at: None,
    };
    call(definition, vec![value])
}
