//! KQL's aggregates as DataFusion aggregates: one adaptor for the whole library.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, new_empty_array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator as RowAccumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, TypeSignature,
    Volatility,
};

use crate::functions::FunctionError;
use crate::functions::aggregate::{Accumulator, Aggregate, Setup, State};
use crate::types::arrow::data_type;

/// An aggregate with all that its accumulators are made from.
struct Adapted {
    /// Not KQL's name alone: what DataFusion knows by the names `min` and `max` it asks for its value after each batch,
    /// and ours gives it away.
    name: String,
    key: String,
    aggregate: &'static Aggregate,
    overload: usize,
    setup: Setup,
    signature: Signature,
    returns: DataType,
    states: Vec<DataType>,
}

/// Makes a DataFusion aggregate; fails where the aggregate is not built or refuses its constants.
pub(super) fn adapt(
    aggregate: &'static Aggregate,
    overload: usize,
    setup: Setup,
) -> std::result::Result<Arc<AggregateUDF>, FunctionError> {
    let prototype = accumulator(aggregate, overload, &setup)?;
    let adapted = Adapted {
        name: format!("kql_{}", aggregate.name),
        key: format!("{}#{overload} {:?}", aggregate.name, setup),
        aggregate,
        overload,
        signature: Signature::one_of(vec![TypeSignature::VariadicAny, TypeSignature::Nullary], Volatility::Immutable),
        returns: prototype.result_type(),
        states: prototype.state_types(),
        setup,
    };
    Ok(Arc::new(AggregateUDF::new_from_impl(adapted)))
}

pub(super) fn accumulator(
    aggregate: &'static Aggregate,
    overload: usize,
    setup: &Setup,
) -> std::result::Result<Box<dyn Accumulator>, FunctionError> {
    match aggregate.overloads[overload].state {
        State::New(new) => new(setup),
        State::Unbuilt => Err(FunctionError {
            code: "AQ001",
            message: format!("`{}()` is not supported yet", aggregate.name),
            argument: None,
        }),
    }
}

fn failed(error: FunctionError) -> DataFusionError {
    DataFusionError::Execution(error.message)
}

impl fmt::Debug for Adapted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

impl PartialEq for Adapted {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Adapted {}

impl Hash for Adapted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl Adapted {
    fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        accumulator(self.aggregate, self.overload, &self.setup).map_err(failed)
    }
}

impl AggregateUDFImpl for Adapted {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn RowAccumulator>> {
        let mut accumulator = self.accumulator()?;
        // The group is there even if no row comes.
        let arguments = self.setup.types.iter().map(|t| new_empty_array(&data_type(*t)));
        let order = self.setup.ordered.then(|| new_empty_array(&DataType::Int64));
        let arguments: Vec<ArrayRef> = arguments.chain(order).collect();
        accumulator.update(&arguments, &[], None, 1).map_err(failed)?;
        Ok(Box::new(Single(accumulator)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |(i, t): (usize, &DataType)| Arc::new(Field::new(format!("{}[{i}]", args.name), t.clone(), true));
        Ok(self.states.iter().enumerate().map(field).collect())
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let (aggregate, overload, setup) = (self.aggregate, self.overload, self.setup.clone());
        let new = Box::new(move || accumulator(aggregate, overload, &setup).map_err(failed));
        Ok(Box::new(Grouped { accumulator: new()?, groups: 0, new }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        // What depends on the order has the row's number as an argument.
        AggregateOrderSensitivity::Insensitive
    }
}

/// All groups.
struct Grouped {
    accumulator: Box<dyn Accumulator>,
    groups: usize,
    new: Box<dyn Fn() -> Result<Box<dyn Accumulator>> + Send>,
}

impl Grouped {
    fn emitted(&mut self, emit_to: EmitTo) -> usize {
        let count = match emit_to {
            EmitTo::All => self.groups,
            EmitTo::First(n) => n,
        };
        self.groups -= count;
        count
    }
}

impl GroupsAccumulator for Grouped {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups = total_num_groups;
        self.accumulator.update(values, group_indices, opt_filter, total_num_groups).map_err(failed)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let count = self.emitted(emit_to);
        self.accumulator.finish(count).map_err(failed)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let count = self.emitted(emit_to);
        self.accumulator.state(count).map_err(failed)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.groups = total_num_groups;
        self.accumulator.merge(values, group_indices, total_num_groups).map_err(failed)
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        // Each row is a group of its own.
        let rows = values.first().map_or(0, |v| v.len());
        let groups: Vec<usize> = (0..rows).collect();
        let mut single_rows = (self.new)()?;
        single_rows.update(values, &groups, opt_filter, rows).map_err(failed)?;
        single_rows.state(rows).map_err(failed)
    }

    fn size(&self) -> usize {
        self.accumulator.size()
    }
}

/// The one group of an aggregate without keys.
#[derive(Debug)]
struct Single(Box<dyn Accumulator>);

impl RowAccumulator for Single {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        // `count()` has no argument: DataFusion hands over a column of its own making.
        let rows = values.first().map_or(0, |v| v.len());
        self.0.update(values, &vec![0; rows], None, 1).map_err(failed)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let array = self.0.finish(1).map_err(failed)?;
        ScalarValue::try_from_array(&array, 0)
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.state(1).map_err(failed)?.iter().map(|array| ScalarValue::try_from_array(array, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |v| v.len());
        self.0.merge(states, &vec![0; rows], 1).map_err(failed)
    }
}
