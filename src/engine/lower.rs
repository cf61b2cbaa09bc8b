//! Nodes of the plan as DataFusion's logical plans.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::{JoinType, NullEquality};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::expr::{AggregateFunction, Sort as SortExpr};
use datafusion::logical_expr::{EmptyRelation, Expr as Logical, LogicalPlan, LogicalPlanBuilder, lit};

use super::expr::{Lowering, Shows, column, real_class, real_key};
use super::fuse::{self, Fused};
use super::near::{self, Near};
use super::node::{Work, above};
use super::operator::bucket::Buckets;
use super::operator::expand::{Expand, Output};
use super::operator::index::RowIndex;
use super::operator::parse::{self, Parse};
use super::operator::series::{self, Series};
use super::operator::unique::Unique;
use super::operator::window::{self, Window};
use super::operator::{OperatorError, RowOperator};
use super::rows::Rows;
use super::udf::{field, fill_text};
use super::{Error, Result, Session};
use crate::functions::aggregate::Setup;
use crate::plan::{AggregateCall, Expr, JoinKind, Kind, Node, ParsePart, SortKey};
use crate::types::arrow::{data_type, from_values, schema};
use crate::types::{Column, ScalarType, Value};

/// What lowering a plan needs.
pub(super) struct Lower<'a> {
    pub session: &'a Session,
    pub lowering: Lowering,
    /// Batches of shared subplans.
    pub shared: &'a [Vec<RecordBatch>],
    /// Logical plans of the catalog's tables, made once.
    pub scans: HashMap<String, super::scan::Scan>,
}

/// Makes the relation of the same columns without rows.
fn no_rows(plan: &LogicalPlan) -> Result<LogicalPlan> {
    Ok(LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: plan.schema().clone() }))
}

impl Lower<'_> {
    pub(super) fn node(&self, node: &Node) -> Result<LogicalPlan> {
        match &node.kind {
            Kind::Scan { table } => self.scan(table, &node.columns, &[]),
            Kind::Values { rows } => self.values(&node.columns, rows),
            Kind::Unit => Ok(LogicalPlanBuilder::empty(true).build()?),
            Kind::Range { start, stop, step } => self.range(&node.columns[0], start, stop, step),
            Kind::Shared { index } => self.memory(&node.columns, self.shared[*index].clone()),
            Kind::Filter { input, predicate } => self.filter(input, predicate),
            Kind::Project { input, expressions } => self.project(input, &node.columns, expressions),
            Kind::Aggregate { input, keys, aggregates } => self.aggregate(input, &node.columns, keys, aggregates),
            // DataFusion's search for the first rows panics where it is to find none.
            Kind::Sort { input, limit: Some(0), .. } | Kind::Limit { input, count: 0 } => no_rows(&self.node(input)?),
            Kind::Sort { input, keys, limit } => self.sort(input, keys, *limit),
            // The first rows of a sort need no whole sort.
            Kind::Limit { input, count } if matches!(input.kind, Kind::Sort { limit: None, .. }) => match &input.kind {
                Kind::Sort { input, keys, .. } => self.sort(input, keys, Some(*count)),
                _ => Err(Error::internal("a sort that is none")),
            },
            Kind::Limit { input, count } => {
                Ok(LogicalPlanBuilder::from(self.node(input)?).limit(0, Some(*count))?.build()?)
            }
            Kind::Join { left, right, kind, on } => self.join(left, right, *kind, on, &node.columns, None),
            Kind::Union { inputs } => self.union(inputs),
            Kind::Expand { input, arrays, index, limit, bag_arrays } => {
                let exprs: Vec<&Expr> = arrays.iter().map(|a| &a.array).collect();
                let plan = self.with_elements(input, &exprs)?;
                let width = input.columns.len();
                let outputs: Vec<(Column, Output)> = node
                    .columns
                    .iter()
                    .map(|c| {
                        let output = match arrays.iter().position(|a| a.name == c.name) {
                            Some(i) => Output::Element(i),
                            None if index.as_ref() == Some(&c.name) => Output::Index,
                            None => Output::Input(position(&input.columns, &c.name)?),
                        };
                        Ok((c.clone(), output))
                    })
                    .collect::<Result<_>>()?;
                let typed: Vec<(usize, ScalarType)> =
                    arrays.iter().enumerate().map(|(i, a)| (width + i, a.scalar_type)).collect();
                let (limit, bag_arrays) = (*limit, *bag_arrays);
                operated(plan, "mv-expand", input.serialized, move || {
                    Ok(Expand::new(outputs.clone(), typed.clone(), limit, bag_arrays))
                })
            }
            Kind::Parse { input, source, pattern, filter } => {
                let plan = self.with_computed(input, &[source])?;
                let captures: Vec<&Column> = pattern
                    .parts
                    .iter()
                    .filter_map(|part| match part {
                        ParsePart::Column(column) => Some(column),
                        _ => None,
                    })
                    .collect();
                let outputs = node
                    .columns
                    .iter()
                    .map(|c| {
                        // Of a name that is captured twice the last capture counts.
                        let output = match captures.iter().rposition(|capture| capture.name == c.name) {
                            Some(i) => parse::Output::Capture(i),
                            None => parse::Output::Input(position(&input.columns, &c.name)?),
                        };
                        Ok((c.clone(), output))
                    })
                    .collect::<Result<Vec<_>>>()?;
                let (source, pattern, filter) = (input.columns.len(), pattern.clone(), *filter);
                let make = move || Parse::new(outputs.clone(), source, &pattern, filter);
                make().map_err(|e| Error::unsupported(e.0))?;
                operated(plan, "parse", input.serialized, make)
            }
            Kind::Window { input, functions } => {
                let exprs: Vec<&Expr> = functions.iter().flat_map(|f| &f.arguments).collect();
                let plan = self.with_computed(input, &exprs)?;
                let mut next = input.columns.len();
                let calls: Vec<window::Call> = functions
                    .iter()
                    .map(|f| {
                        let arguments = f
                            .arguments
                            .iter()
                            .map(|argument| {
                                next += 1;
                                match argument {
                                    Expr::Literal(value) => window::Argument::Constant(value.clone()),
                                    _ => window::Argument::Column(next - 1),
                                }
                            })
                            .collect();
                        window::Call { function: f.function, arguments, returns: f.output.scalar_type }
                    })
                    .collect();
                let outputs = node
                    .columns
                    .iter()
                    .map(|c| {
                        let output = match functions.iter().position(|f| f.output.name == c.name) {
                            Some(i) => window::Output::Call(i),
                            None => window::Output::Input(position(&input.columns, &c.name)?),
                        };
                        Ok((c.clone(), output))
                    })
                    .collect::<Result<Vec<_>>>()?;
                operated(plan, "window functions", true, move || Ok(Window::new(outputs.clone(), calls.clone())))
            }
            Kind::Series { input, keys, axis, defaults, non_empty } => {
                let bound = |e: &Option<Expr>| e.as_ref().map(|e| self.constant(e)).transpose();
                let axis = series::Axis {
                    from: bound(&axis.from)?,
                    to: bound(&axis.to)?,
                    step: self.constant(&axis.step)?,
                    scalar_type: axis.scalar_type,
                };
                let types: Vec<ScalarType> = input.columns[keys + 1..].iter().map(|c| c.scalar_type).collect();
                let (columns, keys, defaults) = (node.columns.clone(), *keys, defaults.clone());
                let non_empty = *non_empty;
                operated(self.node(input)?, "make-series", true, move || {
                    Ok(Series::new(&columns, keys, axis.clone(), types.clone(), defaults.clone(), non_empty))
                })
            }
            Kind::TopNested { input, levels, definite } => self.top_nested(&node.columns, input, levels, *definite),
            Kind::Sequence { input, sequence } => self.sequence(node, input, sequence),
            Kind::Graph(graph) => self.graph(graph, &node.columns),
            Kind::Serialize { input } => {
                let columns = input.columns.clone();
                operated(self.node(input)?, "serialize", true, move || Ok(RowIndex::new(&columns, None)))
            }
            Kind::Plugin { input, tables, call } => self.plugin(input, tables, call),
            Kind::Materialized { index } => self.memory(&node.columns, self.materialized(*index)?),
        }
    }

    fn scan(&self, table: &str, columns: &[Column], conditions: &[&Expr]) -> Result<LogicalPlan> {
        let scan = self.scans.get(table).ok_or_else(|| Error::internal(format!("no table `{table}`")))?;
        scan.plan(columns, conditions, &self.lowering)
    }

    /// Batches in their order.
    fn memory(&self, columns: &[Column], batches: Vec<RecordBatch>) -> Result<LogicalPlan> {
        let rows = Arc::new(Rows { schema: schema(columns), batches });
        let names = columns
            .iter()
            .map(|c| Logical::Column(datafusion::common::Column::new(Some("rows"), &c.name)).alias(&c.name));
        Ok(LogicalPlanBuilder::scan("rows", provider_as_source(rows), None)?.project(names)?.build()?)
    }

    fn values(&self, columns: &[Column], rows: &[Vec<Value>]) -> Result<LogicalPlan> {
        let arrays = columns
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let values: Vec<Value> = rows.iter().map(|row| row[i].clone()).collect();
                from_values(c.scalar_type, &values)
            })
            .collect();
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let batch = RecordBatch::try_new_with_options(schema(columns), arrays, &options).map_err(Error::arrow)?;
        let batches = (0..batch.num_rows())
            .step_by(self.session.batch_size)
            .map(|at| batch.slice(at, self.session.batch_size.min(batch.num_rows() - at)))
            .collect();
        self.memory(columns, batches)
    }

    /// Computes a bound: its subqueries have been replaced by their values.
    fn constant(&self, expr: &Expr) -> Result<Value> {
        let value = crate::plan::fold::fold(expr, self.lowering.now);
        value.ok_or_else(|| Error::unsupported("a bound that is not the same for the whole query is not supported"))
    }

    fn range(&self, column: &Column, start: &Expr, stop: &Expr, step: &Expr) -> Result<LogicalPlan> {
        let (start, stop, step) = (self.constant(start)?, self.constant(stop)?, self.constant(step)?);
        let values = super::range::values(&start, &stop, &step, column.scalar_type)?;
        let batch = RecordBatch::try_new(schema(std::slice::from_ref(column)), vec![values]).map_err(Error::arrow)?;
        let batches = (0..batch.num_rows())
            .step_by(self.session.batch_size)
            .map(|at| batch.slice(at, self.session.batch_size.min(batch.num_rows() - at)))
            .collect();
        self.memory(std::slice::from_ref(column), batches)
    }

    fn filter(&self, input: &Node, predicate: &Expr) -> Result<LogicalPlan> {
        // Conditions right above a scan go into it, where they prune.
        let mut conditions = Vec::new();
        predicate.conjuncts(&mut conditions);
        if let Kind::Scan { table } = &input.kind {
            return self.scan(table, &input.columns, &conditions);
        }
        if let Kind::Join { left, right, kind: JoinKind::InnerUnique, on } = &input.kind {
            let own: Vec<&str> = left.columns.iter().map(|c| c.name.as_str()).collect();
            let (of_left, rest): (Vec<&Expr>, Vec<&Expr>) = conditions.iter().copied().partition(|condition| {
                let mut names = std::collections::HashSet::new();
                condition.columns_read(&mut names);
                !names.is_empty() && names.iter().all(|n| own.contains(n))
            });
            if !of_left.is_empty() {
                // Kusto filters the left side before it chooses one row of each key (documented).
                let predicate = all_of(of_left);
                let (columns, serialized) = (left.columns.clone(), left.serialized);
                let kind = Kind::Filter { input: left.clone(), predicate };
                let left = Box::new(Node { columns, serialized, kind });
                let kind = Kind::Join { left, right: right.clone(), kind: JoinKind::InnerUnique, on: on.clone() };
                let join = Node { columns: input.columns.clone(), serialized: false, kind };
                return if rest.is_empty() { self.node(&join) } else { self.filter(&join, &all_of(rest)) };
            }
        }
        if let Kind::Join { left, right, kind: JoinKind::Inner, on } = &input.kind
            && self.session.optimize
            && let Some(near) = near::find(&conditions, &input.columns, left)
        {
            let plan = self.join(left, right, JoinKind::Inner, on, &input.columns, Some(&near))?;
            return self.filtered(plan, predicate);
        }
        if self.session.optimize
            && let Some(node) = fuse::sunk(&conditions, input)
        {
            return self.node(&node);
        }
        let plan = self.node(input)?;
        self.filtered(plan, predicate)
    }

    /// Puts a condition above a plan.
    pub(super) fn filtered(&self, plan: LogicalPlan, predicate: &Expr) -> Result<LogicalPlan> {
        Ok(LogicalPlanBuilder::from(plan).filter(self.lowering.condition(predicate)?)?.build()?)
    }

    /// Puts the columns of a plan into the order of a node.
    pub(super) fn in_order(&self, plan: LogicalPlan, columns: &[Column]) -> Result<LogicalPlan> {
        let names: Vec<&String> = plan.schema().fields().iter().map(|f| f.name()).collect();
        if names.len() == columns.len() && names.iter().zip(columns).all(|(n, c)| **n == c.name) {
            return Ok(plan);
        }
        Ok(LogicalPlanBuilder::from(plan).project(columns.iter().map(|c| column(&c.name)))?.build()?)
    }

    fn project(&self, input: &Node, columns: &[Column], expressions: &[Expr]) -> Result<LogicalPlan> {
        if columns.is_empty() {
            return self.node(input);
        }
        let Fused { plan, exprs: expressions } = self.fused(input, expressions.iter().collect())?;
        let exprs = expressions
            .iter()
            .zip(columns)
            .map(|(e, c)| Ok(self.lowering.value(e)?.alias(&c.name)))
            .collect::<Result<Vec<_>>>()?;
        Ok(LogicalPlanBuilder::from(plan).project(exprs)?.build()?)
    }

    /// The input with computed columns behind its own.
    pub(super) fn with_computed(&self, input: &Node, exprs: &[&Expr]) -> Result<LogicalPlan> {
        let plan = self.node(input)?;
        with_columns(plan, input, exprs.iter().map(|e| self.lowering.value(e)))
    }

    /// Like [`Self::with_computed`], for values that are taken apart: a sketch is none.
    fn with_elements(&self, input: &Node, exprs: &[&Expr]) -> Result<LogicalPlan> {
        let plan = self.node(input)?;
        with_columns(plan, input, exprs.iter().map(|e| self.lowering.no_sketch(e, Shows::Itself)))
    }

    /// Lets rows pass in which there is no sketch.
    pub(super) fn without_sketches(&self, plan: LogicalPlan, columns: &[Column]) -> Result<LogicalPlan> {
        if !self.lowering.sketches {
            return Ok(plan);
        }
        let seen = |c: &Column| {
            let value = self.lowering.no_sketch(&Expr::Column(c.clone()), Shows::Within)?;
            Ok(value.alias(&c.name))
        };
        let all = columns.iter().map(seen).collect::<Result<Vec<_>>>()?;
        Ok(LogicalPlanBuilder::from(plan).project(all)?.build()?)
    }

    fn aggregate(
        &self,
        input: &Node,
        columns: &[Column],
        keys: &[Expr],
        aggregates: &[AggregateCall],
    ) -> Result<LogicalPlan> {
        // Aggregates that depend on the order of serialized rows get the row's number.
        let ordered = input.serialized && aggregates.iter().any(|a| a.aggregate.ordered);
        if !ordered {
            // Keys, arguments and conditions in one list, and out of it again.
            let calls = aggregates.iter().flat_map(|a| a.arguments.iter().chain(&a.filter));
            let Fused { plan, exprs } = self.fused(input, keys.iter().chain(calls).collect())?;
            let mut exprs = exprs.into_iter();
            let keys: Vec<Expr> = exprs.by_ref().take(keys.len()).collect();
            let mut aggregates = aggregates.to_vec();
            for call in &mut aggregates {
                let places = call.arguments.iter_mut().chain(&mut call.filter);
                places.zip(exprs.by_ref()).for_each(|(place, expr)| *place = expr);
            }
            return self.grouped(plan, columns, &keys, &aggregates, false);
        }
        let (mut keys, mut aggregates) = (keys.to_vec(), aggregates.to_vec());
        let computed = self.session.optimize && fuse::expanded(input).is_some();
        let computed = if computed { arguments_computed(input, &mut keys, &mut aggregates) } else { None };
        let input = computed.as_ref().unwrap_or(input);
        let own = input.columns.clone();
        let plan = operated(self.node(input)?, "serialize", true, move || Ok(RowIndex::new(&own, Some(ROW))))?;
        self.grouped(plan, columns, &keys, &aggregates, true)
    }

    fn grouped(
        &self,
        plan: LogicalPlan,
        columns: &[Column],
        keys: &[Expr],
        aggregates: &[AggregateCall],
        ordered: bool,
    ) -> Result<LogicalPlan> {
        let mut groups = Vec::new();
        for (key, column) in keys.iter().zip(columns) {
            groups.push(self.key(key)?.alias(&column.name));
        }
        let mut exprs = Vec::new();
        for (i, call) in aggregates.iter().enumerate() {
            exprs.push(self.aggregate_call(call, ordered)?.alias(format!("\u{2}aggregate{i}")));
        }
        let key_columns = &columns[..keys.len()];
        // Keys are columns of a projection of their own, so that what is grouped by has one name.
        let mut results: Vec<Logical> = key_columns.iter().map(|c| column(&c.name)).collect();
        let built = if groups.is_empty() && exprs.is_empty() {
            LogicalPlanBuilder::empty(true)
        } else {
            LogicalPlanBuilder::from(plan).aggregate(groups, exprs)?
        };
        for (i, call) in aggregates.iter().enumerate() {
            let value = column(&format!("\u{2}aggregate{i}"));
            for (k, output) in call.outputs.iter().enumerate() {
                let value = if call.aggregate.several {
                    field(value.clone(), k, data_type(output.scalar_type))
                } else {
                    value.clone()
                };
                let value = if output.scalar_type == ScalarType::String { fill_text(value) } else { value };
                results.push(value.alias(&output.name));
            }
        }
        Ok(built.project(results)?.build()?)
    }

    /// A key of a group or a join.
    pub(super) fn key(&self, key: &Expr) -> Result<Logical> {
        let value = self.lowering.value(key)?;
        Ok(if key.scalar_type() == ScalarType::Real { real_key(value) } else { value })
    }

    /// What the accumulators of a call are made for.
    pub(super) fn setup(call: &AggregateCall, ordered: bool) -> Setup {
        Setup {
            types: call.arguments.iter().map(Expr::scalar_type).collect(),
            constants: call
                .arguments
                .iter()
                .map(|a| match a {
                    Expr::Literal(value) => Some(value.clone()),
                    _ => None,
                })
                .collect(),
            returns: call.outputs.iter().map(|c| c.scalar_type).collect(),
            ordered,
        }
    }

    fn aggregate_call(&self, call: &AggregateCall, ordered: bool) -> Result<Logical> {
        let ordered = ordered && call.aggregate.ordered;
        let setup = Lower::setup(call, ordered);
        let function =
            super::aggregate::adapt(call.aggregate, call.overload, setup).map_err(|e| Error::refused(&e, None))?;
        // A schema would tell the form of a sketch.
        let argument = |a: &Expr| match call.aggregate.shows_form() {
            true => self.lowering.no_sketch(a, Shows::Within),
            false => self.lowering.value(a),
        };
        let mut arguments = call.arguments.iter().map(argument).collect::<Result<Vec<_>>>()?;
        if ordered {
            arguments.push(column(ROW));
        }
        if arguments.is_empty() {
            // The number of rows is told by the length of an argument.
            arguments.push(lit(1_i64));
        }
        let filter = call.filter.as_ref().map(|f| self.lowering.condition(f)).transpose()?.map(Box::new);
        let function = AggregateFunction::new_udf(function, arguments, false, filter, Vec::new(), None);
        Ok(Logical::AggregateFunction(function))
    }

    fn sort(&self, input: &Node, keys: &[SortKey], limit: Option<usize>) -> Result<LogicalPlan> {
        let plan = self.node(input)?;
        let mut exprs = Vec::new();
        for key in keys {
            let value = self.lowering.value(&key.value)?;
            if key.value.scalar_type() == ScalarType::Real {
                // NaN stands beside null (documented), where DataFusion makes it the largest number.
                exprs.push(SortExpr::new(real_class(value.clone(), key.nulls_first), true, false));
            }
            exprs.push(SortExpr::new(value, key.ascending, key.nulls_first));
        }
        if limit == Some(0) {
            // No rows: DataFusion's sort of the first rows wants at least one.
            return Ok(LogicalPlanBuilder::from(plan).limit(0, Some(0))?.build()?);
        }
        let sorted = LogicalPlanBuilder::from(plan).sort_with_limit(exprs, limit)?.build()?;
        // A node that takes the rows in this order and hands them on one by one: whatever stands above, the sort stays,
        // and its rows stay in one partition.
        let columns = input.columns.clone();
        operated(sorted, "sort", true, move || Ok(RowIndex::new(&columns, None)))
    }

    fn union(&self, inputs: &[Node]) -> Result<LogicalPlan> {
        let mut plans = inputs.iter().map(|input| {
            let plan = self.node(input)?;
            // What is constant in each input is not constant in the union, but DataFusion 55 takes a sort by it for done
            // (seen with `withsource` and `order by`). A row operator hides the constants.
            let columns = input.columns.clone();
            operated(plan, "union", false, move || Ok(RowIndex::new(&columns, None)))
        });
        let first = plans.next().ok_or_else(|| Error::internal("a union of nothing"))??;
        plans.try_fold(first, |all, next| Ok(LogicalPlanBuilder::from(all).union(next?)?.build()?))
    }

    fn join(
        &self,
        left: &Node,
        right: &Node,
        kind: JoinKind,
        on: &[(Expr, Expr)],
        columns: &[Column],
        near: Option<&Near>,
    ) -> Result<LogicalPlan> {
        let (left_keys, right_keys): (Vec<&Expr>, Vec<&Expr>) = on.iter().map(|(l, r)| (l, r)).unzip();
        let mut left_plan = self.side(left, &left_keys, "l")?;
        if kind == JoinKind::InnerUnique {
            // One row of the left side for each key: the first that comes.
            let schema_columns: Vec<Column> = side_columns(left, &left_keys, "l");
            let keys: Vec<usize> = (left.columns.len()..schema_columns.len()).collect();
            left_plan = operated(left_plan, "join kind=innerunique", true, move || {
                Ok(Unique::new(&schema_columns, keys.clone()))
            })?;
        }
        let mut right_plan = self.side(right, &right_keys, "r")?;
        let keys = |side: &str| -> Vec<datafusion::common::Column> {
            let own = (0..on.len()).map(|i| format!("\u{2}{side}key{i}"));
            let bucket = near.map(|_| if side == "l" { BUCKET.to_string() } else { format!("{BUCKET} of right") });
            own.chain(bucket).map(datafusion::common::Column::new_unqualified).collect()
        };
        if let Some(near) = near {
            let (columns, near) = (side_columns(left, &left_keys, "l"), near.clone());
            let width = near.high - near.low;
            left_plan = operated(left_plan, "join", false, move || {
                Ok(Buckets::new(&columns, near.left, near.low, near.high, width))
            })?;
            let mut all: Vec<Logical> = side_columns(right, &right_keys, "r").iter().map(|c| column(&c.name)).collect();
            let bucket = super::expr::bucket(column(&format!("\u{2}r{}", near.right)), width);
            all.push(bucket.alias(format!("{BUCKET} of right")));
            right_plan = LogicalPlanBuilder::from(right_plan).project(all)?.build()?;
        }
        let join_type = match kind {
            JoinKind::Inner | JoinKind::InnerUnique => JoinType::Inner,
            JoinKind::LeftOuter => JoinType::Left,
            JoinKind::RightOuter => JoinType::Right,
            JoinKind::FullOuter => JoinType::Full,
            JoinKind::LeftSemi => JoinType::LeftSemi,
            JoinKind::LeftAnti => JoinType::LeftAnti,
            JoinKind::RightSemi => JoinType::RightSemi,
            JoinKind::RightAnti => JoinType::RightAnti,
        };
        // Null keys match null keys (measured).
        let joined = LogicalPlanBuilder::from(left_plan).join_detailed(
            right_plan,
            join_type,
            (keys("l"), keys("r")),
            None,
            NullEquality::NullEqualsNull,
        )?;
        let sides: Vec<(&Node, &str, bool)> = match kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => vec![(left, "l", false)],
            JoinKind::RightSemi | JoinKind::RightAnti => vec![(right, "r", false)],
            _ => vec![
                (left, "l", matches!(kind, JoinKind::RightOuter | JoinKind::FullOuter)),
                (right, "r", matches!(kind, JoinKind::LeftOuter | JoinKind::FullOuter)),
            ],
        };
        let mut exprs = Vec::with_capacity(columns.len());
        let mut names = columns.iter();
        for (node, side, missing) in sides {
            for (i, c) in node.columns.iter().enumerate() {
                let Some(output) = names.next() else { break };
                let mut value = column(&format!("\u{2}{side}{i}"));
                if missing && c.scalar_type == ScalarType::String {
                    value = fill_text(value);
                }
                exprs.push(value.alias(&output.name));
            }
        }
        Ok(joined.project(exprs)?.build()?)
    }

    /// One side of a join, its columns and keys under names that no other column has.
    fn side(&self, node: &Node, keys: &[&Expr], side: &str) -> Result<LogicalPlan> {
        let plan = self.node(node)?;
        let own = node.columns.iter().enumerate().map(|(i, c)| Ok(column(&c.name).alias(format!("\u{2}{side}{i}"))));
        let computed = keys.iter().enumerate().map(|(i, k)| Ok(self.key(k)?.alias(format!("\u{2}{side}key{i}"))));
        let all = own.chain(computed).collect::<Result<Vec<_>>>()?;
        Ok(LogicalPlanBuilder::from(plan).project(all)?.build()?)
    }
}

/// Adds computed columns to those of the input.
fn with_columns(
    plan: LogicalPlan,
    input: &Node,
    computed: impl Iterator<Item = Result<Logical>>,
) -> Result<LogicalPlan> {
    let own = input.columns.iter().map(|c| Ok(column(&c.name)));
    let computed = computed.enumerate().map(|(i, value)| Ok(value?.alias(format!("\u{2}computed{i}"))));
    let all = own.chain(computed).collect::<Result<Vec<_>>>()?;
    Ok(LogicalPlanBuilder::from(plan).project(all)?.build()?)
}

/// Puts an operator above a plan; each partition, or with `single` the whole, gets one of its own.
pub(super) fn operated<O: RowOperator + 'static>(
    input: LogicalPlan,
    name: &'static str,
    single: bool,
    make: impl Fn() -> std::result::Result<O, OperatorError> + Send + Sync + 'static,
) -> Result<LogicalPlan> {
    let factory = Arc::new(move || make().map(|operator| Box::new(operator) as Box<dyn RowOperator>));
    Ok(above(input, Work { name, single, factory })?)
}

/// Makes the relation of what keys and aggregates are computed of, so that elements are read by paths there; None where
/// they read columns alone.
fn arguments_computed(input: &Node, keys: &mut [Expr], aggregates: &mut [AggregateCall]) -> Option<Node> {
    let calls = aggregates.iter_mut().flat_map(|call| call.arguments.iter_mut().chain(&mut call.filter));
    let (mut columns, mut expressions): (Vec<Column>, Vec<Expr>) = (Vec::new(), Vec::new());
    for expr in keys.iter_mut().chain(calls) {
        let column = match expr {
            // What an aggregate is prepared from stays where it is.
            Expr::Literal(_) => continue,
            Expr::Column(column) if columns.contains(column) => continue,
            Expr::Column(column) => column.clone(),
            _ => Column::new(format!("\u{2}argument{}", columns.len()), expr.scalar_type()),
        };
        columns.push(column.clone());
        expressions.push(std::mem::replace(expr, Expr::Column(column)));
    }
    let computes = expressions.iter().any(|expr| !matches!(expr, Expr::Column(_)));
    let kind = Kind::Project { input: Box::new(input.clone()), expressions };
    computes.then_some(Node { columns, serialized: input.serialized, kind })
}

/// The column that holds the stretch of time of a left row.
const BUCKET: &str = "\u{2}bucket";

/// The column that numbers the rows for ordered aggregates.
const ROW: &str = "\u{2}row";

fn side_columns(node: &Node, keys: &[&Expr], side: &str) -> Vec<Column> {
    let own = node.columns.iter().enumerate().map(|(i, c)| Column::new(format!("\u{2}{side}{i}"), c.scalar_type));
    let keys = keys.iter().enumerate().map(|(i, k)| Column::new(format!("\u{2}{side}key{i}"), k.scalar_type()));
    own.chain(keys).collect()
}

fn all_of(mut conditions: Vec<&Expr>) -> Expr {
    match conditions.len() {
        1 => conditions.remove(0).clone(),
        _ => Expr::And(conditions.into_iter().cloned().collect()),
    }
}

pub(super) fn position(columns: &[Column], name: &str) -> Result<usize> {
    columns.iter().position(|c| c.name == name).ok_or_else(|| Error::internal(format!("no column `{name}`")))
}
