//! Tables as DataFusion scans: Parquet files where they lie, whatever Arrow types they have, and batches in memory.
//!
//! A file's columns are converted to the engine's mapping right above the scan. Conditions on plain columns are put
//! below that conversion, in the file's own types, so that statistics, page index and bloom filters prune by them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use datafusion::common::{Column as Named, ScalarValue};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::datasource::{MemTable, TableProvider, provider_as_source};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr as Logical, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr};
use futures::{StreamExt, TryStreamExt};

use super::expr::{Lowering, literal, scalar};
use super::udf::{Compute, Definition, call, fill_text};
use super::{Error, Result, Session, Table, TableData, fuse, shred};
use crate::functions::Call;
use crate::plan::{Comparison, Expr};
use crate::types::arrow::{TYPE_KEY, data_type, schema};
use crate::types::shred::{Index, is_name};
use crate::types::{Column, ScalarType, Value, convert, json, ticks};

/// A table, ready to be scanned.
pub(super) struct Scan {
    /// One for all files whose columns have the same types: years of exports may hold times in more than one unit.
    parts: Vec<Part>,
    /// Columns of all files that hold parts of others.
    pub(super) shreds: Option<Arc<Index>>,
}

/// Rows that one scan reads.
struct Part {
    provider: Arc<dyn TableProvider>,
    schema: SchemaRef,
    /// Batches have the engine's mapping already.
    native: bool,
    shreds: Option<Arc<Index>>,
}

impl Scan {
    /// Opens a table; of files the footers are read.
    pub(super) async fn open(table: &Table, session: &Session, state: &SessionState) -> Result<Scan> {
        match &table.data {
            TableData::Batches(batches) => {
                let schema = schema(&table.columns);
                let provider = MemTable::try_new(schema.clone(), split(batches, session.partitions))?;
                let part = Part { provider: Arc::new(provider), schema, native: true, shreds: None };
                Ok(Scan { parts: vec![part], shreds: None })
            }
            TableData::Parquet { files } => {
                let paths = files
                    .iter()
                    .map(|file| {
                        let path = std::path::absolute(file).unwrap_or_else(|_| file.clone());
                        let url = url::Url::from_file_path(&path)
                            .map_err(|()| Error::io(format!("{}: this path can't be read", file.display())))?;
                        Ok(ListingTableUrl::try_new(url, None)?)
                    })
                    .collect::<Result<Vec<_>>>()?;
                let format = ParquetFormat::default().with_force_view_types(true).with_skip_metadata(true);
                let options = ListingOptions::new(Arc::new(format)).with_file_extension("");
                let groups = alike(paths.clone(), &options, state).await?;
                // Without them a query takes the way that is written down.
                let mut fields = groups.iter().flat_map(|(schema, _)| schema.fields());
                let any = session.optimize && fields.any(|field| is_name(field.name()));
                let shreds = if any { shred::index(&paths, state).await.map(Arc::new) } else { None };
                let statistics = state.runtime_env().cache_manager.get_file_statistic_cache();
                let parts = groups.into_iter().map(|(schema, paths)| {
                    let config = ListingTableConfig::new_with_multi_paths(paths)
                        .with_listing_options(options.clone())
                        .with_schema(schema.clone());
                    let provider = Arc::new(ListingTable::try_new(config)?.with_cache(statistics.clone()));
                    Ok(Part { provider, schema, native: false, shreds: shreds.clone() })
                });
                Ok(Scan { parts: parts.collect::<Result<_>>()?, shreds })
            }
        }
    }

    /// Makes the plan that gives columns, filtered by conditions.
    pub(super) fn plan(&self, columns: &[Column], conditions: &[&Expr], lowering: &Lowering) -> Result<LogicalPlan> {
        let mut plans = self.parts.iter().map(|part| part.plan(columns, conditions, lowering));
        let first = plans.next().ok_or_else(|| Error::io("a table of no files can't be read"))??;
        plans.try_fold(first, |all, plan| Ok(LogicalPlanBuilder::from(all).union(plan?)?.build()?))
    }
}

/// Groups files whose columns have the same types, each with all columns of its files.
async fn alike(
    paths: Vec<ListingTableUrl>,
    options: &ListingOptions,
    state: &SessionState,
) -> Result<Vec<(SchemaRef, Vec<ListingTableUrl>)>> {
    /// Footers that are waited for at once.
    const AT_ONCE: usize = 8;
    let schemas = futures::stream::iter(paths.iter()).map(|path| options.infer_schema(state, path));
    let schemas: Vec<SchemaRef> = schemas.buffered(AT_ONCE).try_collect().await?;
    let mut groups: Vec<(SchemaRef, Vec<ListingTableUrl>)> = Vec::new();
    for (path, schema) in paths.into_iter().zip(schemas) {
        let fit = groups.iter_mut().find_map(|group| merged(&group.0, &schema).map(|all| (group, all)));
        match fit {
            Some((group, all)) => {
                group.0 = all;
                group.1.push(path);
            }
            None => groups.push((schema, vec![path])),
        }
    }
    Ok(groups)
}

/// Returns the columns of both schemas; None where they differ in the type of one.
fn merged(all: &SchemaRef, more: &SchemaRef) -> Option<SchemaRef> {
    if all == more {
        return Some(all.clone());
    }
    let mut fields: Vec<FieldRef> = all.fields().iter().cloned().collect();
    let missing = |field: &FieldRef| Arc::new(field.as_ref().clone().with_nullable(true));
    for field in &mut fields {
        match more.field_with_name(field.name()) {
            Ok(other) if other.data_type() != field.data_type() || kql(other) != kql(field) => return None,
            Ok(other) if field.is_nullable() || !other.is_nullable() => {}
            _ => *field = missing(field),
        }
    }
    fields.extend(more.fields().iter().filter(|field| all.field_with_name(field.name()).is_err()).map(missing));
    Some(Arc::new(Schema::new(fields)))
}

/// Returns the KQL type that a field says it has.
fn kql(field: &Field) -> Option<&String> {
    field.metadata().get(TYPE_KEY)
}

impl Part {
    /// Makes the plan that gives columns, filtered by conditions.
    fn plan(&self, columns: &[Column], conditions: &[&Expr], lowering: &Lowering) -> Result<LogicalPlan> {
        let raw: Vec<Raw> = columns.iter().map(|c| self.raw(c)).collect();
        let mut plan = LogicalPlanBuilder::scan("t", provider_as_source(self.provider.clone()), None)?;
        let mut above = Vec::new();
        let mut below = Vec::new();
        for condition in conditions {
            match raw_condition(condition, columns, &raw).or_else(|| self.member_condition(condition)) {
                Some(condition) => below.push(condition),
                None => above.push(lowering.condition(condition)?),
            }
        }
        for condition in below {
            plan = plan.filter(condition)?;
        }
        let converted = columns.iter().zip(&raw).map(|(c, raw)| Ok(self.converted(c, raw)?.alias(&c.name)));
        let mut plan = plan.project(converted.collect::<Result<Vec<_>>>()?)?;
        if !above.is_empty() {
            plan = plan.filter(super::expr::balanced(Operator::And, above))?;
        }
        Ok(plan.build()?)
    }

    /// Finds the column of the file: by its name, then by its name in another case.
    fn raw(&self, column: &Column) -> Raw {
        let exact = self.schema.fields().iter().find(|f| f.name() == &column.name);
        let found = exact.or_else(|| self.schema.fields().iter().find(|f| f.name().eq_ignore_ascii_case(&column.name)));
        match found {
            None => Raw::Missing,
            Some(field) => Raw::Column {
                column: Logical::Column(Named::new(Some("t"), field.name())),
                data_type: field.data_type().clone(),
                ticks: kql(field).is_some_and(|t| t == "datetime" || t == "timespan"),
                nullable: field.is_nullable(),
            },
        }
    }

    /// Lowers a condition on the text of a member that the files have as a column; None where that is not exactly the
    /// same.
    fn member_condition(&self, condition: &Expr) -> Option<Logical> {
        let (value, set) = fuse::compared(condition).filter(|(_, set)| set.len() <= 32)?;
        let name = shred::text_of(value)?;
        // A string without escapes is written in one way; a member that is missing has no text either.
        let plain = self.shreds.as_ref()?.columns.iter().any(|part| part.name == name && part.plain);
        let quoted = |text: &Value| match text {
            Value::String(text) if !text.is_empty() => Some(json::string(text)).filter(|json| !json.contains('\\')),
            _ => None,
        };
        let mut texts = set.iter().map(quoted).collect::<Option<Vec<String>>>().filter(|_| plain)?;
        let column = Logical::Column(Named::new(Some("t"), name));
        let lowered = |text: String| literal(&Value::String(text));
        match texts.len() {
            0 => None,
            1 => Some(column.eq(lowered(texts.remove(0)))),
            _ => Some(column.in_list(texts.into_iter().map(lowered).collect(), false)),
        }
    }

    /// Tells whether a column holds a part of another one, as it is.
    fn holds_part(&self, column: &Column) -> bool {
        self.shreds.as_ref().is_some_and(|index| index.columns.iter().any(|part| part.name == column.name))
    }

    fn converted(&self, target: &Column, raw: &Raw) -> Result<Logical> {
        let Raw::Column { column, data_type: found, nullable, .. } = raw else {
            return Ok(literal(&Value::missing(target.scalar_type)));
        };
        let wanted = data_type(target.scalar_type);
        if self.native || self.holds_part(target) {
            return Ok(column.clone());
        }
        if *found == wanted && !matches!(target.scalar_type, ScalarType::Dynamic | ScalarType::Guid) {
            let text = target.scalar_type == ScalarType::String && *nullable;
            return Ok(if text { fill_text(column.clone()) } else { column.clone() });
        }
        let (found, scalar_type) = (found.clone(), target.scalar_type);
        let key = format!("{scalar_type} of {found}");
        let compute: Compute = Arc::new(move |call: &Call| Ok(adapt(&call.arguments[0].array, scalar_type)?));
        let definition = Definition {
            key,
            // The argument arrives as the file has it.
            types: Vec::new(),
            returns: wanted,
            compute,
            now: 0,
            volatile: false,
            at: None,
        };
        Ok(call(definition, vec![column.clone()]))
    }
}

/// What a file has of a column.
enum Raw {
    Missing,
    Column {
        column: Logical,
        data_type: DataType,
        /// The file says that its integers are ticks.
        ticks: bool,
        nullable: bool,
    },
}

/// Deals batches out to as many partitions as there are threads.
fn split(batches: &[arrow::array::RecordBatch], partitions: usize) -> Vec<Vec<arrow::array::RecordBatch>> {
    let partitions = partitions.clamp(1, batches.len().max(1));
    let size = batches.len().div_ceil(partitions).max(1);
    let mut parts: Vec<Vec<_>> = batches.chunks(size).map(<[_]>::to_vec).collect();
    if parts.is_empty() {
        parts.push(Vec::new());
    }
    parts
}

/// Converts an array; a value that the type does not hold is an error.
fn exact(array: &ArrayRef, to: &DataType) -> std::result::Result<ArrayRef, arrow::error::ArrowError> {
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })
}

/// Converts a column of a file to the engine's mapping of a type.
fn adapt(array: &ArrayRef, scalar_type: ScalarType) -> std::result::Result<ArrayRef, String> {
    let failed = |e: arrow::error::ArrowError| e.to_string();
    let wanted = data_type(scalar_type);
    let array = match array.data_type() {
        DataType::Timestamp(unit, _) => match unit_ticks(*unit) {
            (scale, 1) => from_unix::<true>(array, scale)?,
            (_, shrink) => from_unix::<false>(array, shrink)?,
        },
        DataType::Date32 | DataType::Date64 => {
            let nanos = exact(array, &DataType::Timestamp(TimeUnit::Microsecond, None)).map_err(failed)?;
            from_unix::<true>(&nanos, unit_ticks(TimeUnit::Microsecond).0)?
        }
        DataType::Struct(_) | DataType::List(_) | DataType::LargeList(_) | DataType::Map(_, _) => {
            crate::types::arrow::nested_to_json(array)?
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Dictionary(_, _) | DataType::Binary | DataType::BinaryView => {
            exact(array, &DataType::Utf8View).map_err(failed)?
        }
        _ => array.clone(),
    };
    let array = match (scalar_type, array.data_type()) {
        (ScalarType::Dynamic, DataType::Utf8View) => convert::parse_dynamic(&array),
        (ScalarType::String, DataType::Utf8View) => array,
        (wanted_type, DataType::Utf8View) => convert::cast(&array, ScalarType::String, wanted_type),
        (ScalarType::Dynamic, other) => match kql_type(other) {
            Some(from) => convert::to_dynamic(&exact(&array, &data_type(from)).map_err(failed)?, from),
            None => return Err(format!("a column of Arrow type {other} has no KQL type")),
        },
        (ScalarType::String, other) => match kql_type(other) {
            Some(from) => convert::cast(&exact(&array, &data_type(from)).map_err(failed)?, from, ScalarType::String),
            None => return Err(format!("a column of Arrow type {other} has no KQL type")),
        },
        (ScalarType::Bool, other) if other.is_numeric() => exact(&array, &DataType::Boolean).map_err(failed)?,
        _ => exact(&array, &wanted).map_err(failed)?,
    };
    if scalar_type == ScalarType::String && array.null_count() > 0 {
        let texts = array.as_string_view();
        return Ok(Arc::new(texts.iter().map(|t| Some(t.unwrap_or(""))).collect::<arrow::array::StringViewArray>()));
    }
    Ok(array)
}

fn kql_type(found: &DataType) -> Option<ScalarType> {
    Some(match found {
        DataType::Boolean => ScalarType::Bool,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => ScalarType::Int,
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => ScalarType::Long,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => ScalarType::Real,
        DataType::Decimal32(_, _)
        | DataType::Decimal64(_, _)
        | DataType::Decimal128(_, _)
        | DataType::Decimal256(_, _) => ScalarType::Decimal,
        _ => return None,
    })
}

/// Ticks in one unit, and units in one tick: one of the two is 1.
fn unit_ticks(unit: TimeUnit) -> (i64, i64) {
    match unit {
        TimeUnit::Second => (ticks::TICKS_PER_SECOND, 1),
        TimeUnit::Millisecond => (ticks::TICKS_PER_MILLISECOND, 1),
        TimeUnit::Microsecond => (ticks::TICKS_PER_MICROSECOND, 1),
        TimeUnit::Nanosecond => (1, 100),
    }
}

/// Converts Unix time to ticks: multiplied (`GROW`) or divided by `factor`. Out of range gives null.
fn from_unix<const GROW: bool>(array: &ArrayRef, factor: i64) -> std::result::Result<ArrayRef, String> {
    let values: Int64Array = match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => array.as_primitive::<TimestampSecondType>().reinterpret_cast(),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            array.as_primitive::<TimestampMillisecondType>().reinterpret_cast()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().reinterpret_cast()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive::<TimestampNanosecondType>().reinterpret_cast()
        }
        other => return Err(format!("{other} is no timestamp")),
    };
    if !GROW {
        // Within 292 years of 1970: no overflow.
        return Ok(Arc::new(
            values.unary::<_, arrow::datatypes::Int64Type>(|v| v.div_euclid(factor) + ticks::UNIX_EPOCH),
        ));
    }
    let converted = values.unary_opt::<_, arrow::datatypes::Int64Type>(|v| {
        let t = v.checked_mul(factor)?.checked_add(ticks::UNIX_EPOCH)?;
        (ticks::MIN_DATETIME..=ticks::MAX_DATETIME).contains(&t).then_some(t)
    });
    Ok(Arc::new(converted))
}

/// Lowers a condition onto the columns of the file, None where that is not exactly the same.
fn raw_condition(condition: &Expr, columns: &[Column], raw: &[Raw]) -> Option<Logical> {
    let raw_of = |expr: &Expr| match expr {
        Expr::Column(c) => {
            let at = columns.iter().position(|column| column.name == c.name)?;
            match &raw[at] {
                Raw::Column { column, data_type, ticks, .. } => {
                    Some((column.clone(), data_type, *ticks, c.scalar_type))
                }
                Raw::Missing => None,
            }
        }
        _ => None,
    };
    match condition {
        Expr::Compare { operator, left, right } => {
            let (operator, side, value) = match (&**left, &**right) {
                (side, Expr::Literal(value)) => (*operator, side, value),
                (Expr::Literal(value), side) => (operator.flipped(), side, value),
                _ => return None,
            };
            let (column, found, ticks, scalar_type) = raw_of(side)?;
            if value.is_null() {
                return None;
            }
            if let (Value::DateTime(v), DataType::Timestamp(unit, zone)) = (value, found) {
                let (operator, bound) = timestamp_bound(operator, *v, *unit)?;
                let literal = match unit {
                    TimeUnit::Second => ScalarValue::TimestampSecond(Some(bound), zone.clone()),
                    TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(Some(bound), zone.clone()),
                    TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(Some(bound), zone.clone()),
                    TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(Some(bound), zone.clone()),
                };
                return Some(binary_expr(column, operator, Logical::Literal(literal, None)));
            }
            // A null text is read as "", which only equality with other text treats alike.
            let text = matches!(value, Value::String(text) if operator != Comparison::Equal || text.is_empty());
            if !same(found, scalar_type, ticks) || text {
                return None;
            }
            Some(binary_expr(column, native(operator)?, literal(value)))
        }
        Expr::In { value, set, fold_case: false, negated: false } if !set.is_empty() && set.len() <= 32 => {
            let (column, found, ticks, scalar_type) = raw_of(value)?;
            let has_empty = set.iter().any(|v| *v == Value::String(String::new()));
            if !same(found, scalar_type, ticks) || has_empty {
                return None;
            }
            Some(column.in_list(set.iter().map(|v| Logical::Literal(scalar(v), None)).collect(), false))
        }
        _ => None,
    }
}

/// Tells whether the file holds the type as the engine does.
fn same(found: &DataType, scalar_type: ScalarType, ticks: bool) -> bool {
    match scalar_type {
        ScalarType::String => *found == DataType::Utf8View,
        ScalarType::Bool => *found == DataType::Boolean,
        ScalarType::Int => *found == DataType::Int32,
        ScalarType::Long => *found == DataType::Int64,
        ScalarType::DateTime | ScalarType::TimeSpan => *found == DataType::Int64 && ticks,
        // NaN, and texts that are written in another way.
        ScalarType::Real | ScalarType::Decimal | ScalarType::Guid | ScalarType::Dynamic => false,
    }
}

fn native(operator: Comparison) -> Option<Operator> {
    Some(match operator {
        Comparison::Equal => Operator::Eq,
        // A null is unlike every value.
        Comparison::NotEqual => return None,
        Comparison::Less => Operator::Lt,
        Comparison::LessOrEqual => Operator::LtEq,
        Comparison::Greater => Operator::Gt,
        Comparison::GreaterOrEqual => Operator::GtEq,
    })
}

/// Turns a bound in ticks into one in a file's unit that lets exactly the same rows through.
fn timestamp_bound(operator: Comparison, value: i64, unit: TimeUnit) -> Option<(Operator, i64)> {
    let unix = value.checked_sub(ticks::UNIX_EPOCH)?;
    let (grow, shrink) = unit_ticks(unit);
    if shrink > 1 {
        // A file in nanoseconds is read in ticks, rounded down: t >= v is ns >= v * 100, t > v is ns >= (v + 1) * 100.
        let at = |v: i64| v.checked_mul(shrink);
        return Some(match operator {
            Comparison::GreaterOrEqual => (Operator::GtEq, at(unix)?),
            Comparison::Greater => (Operator::GtEq, at(unix + 1)?),
            Comparison::Less => (Operator::Lt, at(unix)?),
            Comparison::LessOrEqual => (Operator::Lt, at(unix + 1)?),
            Comparison::Equal | Comparison::NotEqual => return None,
        });
    }
    let (floor, exact) = (unix.div_euclid(grow), unix.rem_euclid(grow) == 0);
    Some(match operator {
        Comparison::GreaterOrEqual if exact => (Operator::GtEq, floor),
        Comparison::GreaterOrEqual | Comparison::Greater => (Operator::Gt, floor),
        Comparison::Less if exact => (Operator::Lt, floor),
        Comparison::Less | Comparison::LessOrEqual => (Operator::LtEq, floor),
        Comparison::Equal if exact => (Operator::Eq, floor),
        Comparison::Equal | Comparison::NotEqual => return None,
    })
}
