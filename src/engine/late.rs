//! Wide rows last: the first rows of a sort are found by the few columns that decide, then read whole.
//!
//! `top 100 by TimeGenerated` of a table with thirty columns, or `arg_max(TimeGenerated, *)` and then the first rows:
//! a first run over the deciding columns tells which keys (or which bound of the sort key) the result has, a second one
//! reads all columns of the rows that have them. Where the two runs do not agree on the number of rows (rows that tie),
//! the plan runs as it stands.

use arrow::array::RecordBatch;

use super::Result;
use super::lower::Lower;
use crate::functions::aggregate::Pick;
use crate::plan::{AggregateCall, Comparison, Expr, Kind, Node, Plan, QueryResult, SortKey, rewrite};
use crate::types::arrow::value_at;
use crate::types::{Column, ScalarType, Value};

/// More rows than this are not worth two runs.
const MOST_ROWS: usize = 10_000;
/// Fewer columns than this are read at once.
const FEWEST_COLUMNS: usize = 8;

/// How the rows of the result are told apart in the second run.
enum Mark {
    /// By the key of a group: the column of the result that holds it.
    Key { column: usize, best: Option<Best> },
    /// By a bound of the first sort key.
    Bound,
}

/// What `arg_max` or `arg_min` maximises, where a group has nothing else: rows that are worse than the worst winner
/// can't win, and the second run need not read them.
struct Best {
    /// The column of the result that holds the winner's value.
    column: usize,
    largest: bool,
}

/// What runs a node to its end.
type Run<'a> = dyn FnMut(&Node) -> Result<Vec<RecordBatch>> + 'a;

impl Lower<'_> {
    /// Runs a sort with few first rows of many columns in two steps; None where that is not to be.
    pub(super) fn late(&self, node: &Node, run: &mut Run) -> Result<Option<Vec<RecordBatch>>> {
        let Kind::Sort { input, keys, limit: Some(limit) } = &node.kind else { return Ok(None) };
        if *limit == 0 || *limit > MOST_ROWS || node.columns.len() < FEWEST_COLUMNS {
            return Ok(None);
        }
        let Some(mark) = mark(input, keys) else { return Ok(None) };
        let marks = match &mark {
            Mark::Key { column, best } => {
                let places = [*column].into_iter().chain(best.as_ref().map(|best| best.column));
                places.map(|place| Expr::Column(node.columns[place].clone())).collect()
            }
            Mark::Bound => vec![keys[0].value.clone()],
        };
        let narrow = Node {
            columns: marks.iter().zip(["mark", "best"]).map(|(m, name)| Column::new(name, m.scalar_type())).collect(),
            serialized: node.serialized,
            kind: Kind::Project { input: Box::new(node.clone()), expressions: marks },
        };
        let types: Vec<ScalarType> = narrow.columns.iter().map(|c| c.scalar_type).collect();
        let batches = run(&rewritten(narrow))?;
        let found: usize = batches.iter().map(|b| b.num_rows()).sum();
        let values = values_of(&batches, 0, types[0]);
        if found == 0 || values.iter().any(Value::is_null) || values.iter().any(|v| matches!(v, Value::Real(_))) {
            return Ok(None);
        }
        let wide = match mark {
            Mark::Key { column, best } => {
                let bound = best.and_then(|best| {
                    let operator = if best.largest { Comparison::GreaterOrEqual } else { Comparison::LessOrEqual };
                    Some((operator, worst(&values_of(&batches, 1, types[1]), best.largest)?))
                });
                let Some(input) = with_keys(input, column, &values, bound.as_ref()) else { return Ok(None) };
                input
            }
            Mark::Bound => {
                // Fewer rows than asked for: all of them are in the result, and there is no bound.
                if found < *limit {
                    return Ok(None);
                }
                let Some(last) = values.last() else { return Ok(None) };
                bounded(input, &keys[0], last)
            }
        };
        let kind = Kind::Sort { input: Box::new(wide), keys: keys.clone(), limit: Some(*limit) };
        let wide = Node { columns: node.columns.clone(), serialized: node.serialized, kind };
        let batches = run(&rewritten(wide))?;
        let read: usize = batches.iter().map(|b| b.num_rows()).sum();
        Ok((read == found).then_some(batches))
    }
}

/// Returns the values of a column.
fn values_of(batches: &[RecordBatch], column: usize, scalar_type: ScalarType) -> Vec<Value> {
    let rows = batches.iter().flat_map(|b| (0..b.num_rows()).map(move |row| (b.column(column), row)));
    rows.map(|(array, row)| value_at(array, row, scalar_type)).collect()
}

/// Returns the smallest of the winners' values, or the largest of those of `arg_min`; None where a group has none.
fn worst(values: &[Value], largest: bool) -> Option<Value> {
    let numbers = values.iter().map(whole_number).collect::<Option<Vec<i64>>>()?;
    let places = 0..numbers.len();
    let at = if largest { places.min_by_key(|at| numbers[*at]) } else { places.max_by_key(|at| numbers[*at]) };
    at.map(|at| values[at].clone())
}

fn whole_number(value: &Value) -> Option<i64> {
    match value {
        Value::DateTime(v) | Value::TimeSpan(v) | Value::Long(v) => Some(*v),
        Value::Int(v) => Some(i64::from(*v)),
        _ => None,
    }
}

fn rewritten(node: Node) -> Node {
    let fallback = node.clone();
    let result = QueryResult { name: String::new(), node, render: None };
    let plan = rewrite::rewrite(Plan { results: vec![result], ..Plan::default() });
    plan.results.into_iter().next().map_or(fallback, |result| result.node)
}

/// Finds how rows can be told apart: only row-wise operators may stand between the sort and a scan or one group-by of a
/// scan.
fn mark(input: &Node, keys: &[SortKey]) -> Option<Mark> {
    let mut at = input;
    // The places in the result of the columns of `at`, where they come through unchanged.
    let mut places: Vec<Option<usize>> = (0..input.columns.len()).map(Some).collect();
    loop {
        match &at.kind {
            Kind::Filter { input, predicate } if is_plain(predicate) => at = input,
            Kind::Project { input, expressions } if expressions.iter().all(is_plain) => {
                let through = |column: &Column| {
                    let place =
                        expressions.iter().position(|e| matches!(e, Expr::Column(c) if c.name == column.name))?;
                    places[place]
                };
                places = input.columns.iter().map(through).collect();
                at = input;
            }
            Kind::Scan { .. } => {
                let key = keys.first()?;
                // The bound is on a column that the scan can compare, without nulls among the first rows.
                let comparable =
                    matches!(key.value.scalar_type(), ScalarType::DateTime | ScalarType::Long | ScalarType::Int);
                return (comparable && matches!(key.value, Expr::Column(_)) && !(key.ascending && key.nulls_first))
                    .then_some(Mark::Bound);
            }
            Kind::Aggregate { input, keys, aggregates } => {
                let [Expr::Column(key)] = &keys[..] else { return None };
                let text = matches!(key.scalar_type, ScalarType::String | ScalarType::Long | ScalarType::Int);
                let simple = aggregates.iter().all(|a| !a.aggregate.ordered && a.arguments.iter().all(is_plain));
                let column = places.first().copied()??;
                return (text && simple && is_scan(input))
                    .then(|| Mark::Key { column, best: best(aggregates, &places) });
            }
            _ => return None,
        }
    }
}

/// Finds what decides the winner of each group; None where there are other aggregates, or it does not come through.
fn best(aggregates: &[AggregateCall], places: &[Option<usize>]) -> Option<Best> {
    let [call] = aggregates else { return None };
    let largest = match call.aggregate.picks()? {
        Pick::Greatest => true,
        Pick::Least => false,
        Pick::Any => return None,
    };
    let Some(Expr::Column(column)) = call.arguments.first() else { return None };
    let whole =
        matches!(column.scalar_type, ScalarType::DateTime | ScalarType::TimeSpan | ScalarType::Long | ScalarType::Int);
    // The key comes first, then what is maximised.
    let column = places.get(1).copied()??;
    (whole && call.filter.is_none()).then_some(Best { column, largest })
}

fn is_scan(node: &Node) -> bool {
    match &node.kind {
        Kind::Scan { .. } => true,
        Kind::Filter { input, predicate } => is_plain(predicate) && is_scan(input),
        Kind::Project { input, expressions } => expressions.iter().all(is_plain) && is_scan(input),
        _ => false,
    }
}

/// Tells whether an expression gives the same each time, and asks no other query.
fn is_plain(expr: &Expr) -> bool {
    let mut plain = match expr {
        Expr::InQuery { .. } | Expr::ScalarQuery { .. } => false,
        Expr::Call { function, .. } => !function.is_volatile(),
        _ => true,
    };
    expr.for_each_operand(&mut |operand| plain &= is_plain(operand));
    plain
}

fn filter(input: Node, predicate: Expr) -> Node {
    let (columns, serialized) = (input.columns.clone(), input.serialized);
    Node { columns, serialized, kind: Kind::Filter { input: Box::new(input), predicate } }
}

/// Puts a condition on the group's key right above the group-by, from where it goes down to the scan, and one on what
/// `arg_max` maximises below it.
fn with_keys(node: &Node, column: usize, values: &[Value], bound: Option<&(Comparison, Value)>) -> Option<Node> {
    match &node.kind {
        Kind::Filter { input, predicate } => Some(filter(with_keys(input, column, values, bound)?, predicate.clone())),
        Kind::Project { input, expressions } => {
            let Expr::Column(inner) = &expressions[column] else { return None };
            let column = input.columns.iter().position(|c| c.name == inner.name)?;
            let input = Box::new(with_keys(input, column, values, bound)?);
            let kind = Kind::Project { input, expressions: expressions.clone() };
            Some(Node { columns: node.columns.clone(), serialized: node.serialized, kind })
        }
        Kind::Aggregate { .. } => {
            let value = Box::new(Expr::Column(node.columns[column].clone()));
            let set = values.to_vec();
            let mut node = node.clone();
            if let (Kind::Aggregate { input, aggregates, .. }, Some((operator, worst))) = (&mut node.kind, bound) {
                let left = Box::new(aggregates.first()?.arguments.first()?.clone());
                let right = Box::new(Expr::Literal(worst.clone()));
                **input = filter((**input).clone(), Expr::Compare { operator: *operator, left, right });
            }
            Some(filter(node, Expr::In { value, set, fold_case: false, negated: false }))
        }
        _ => None,
    }
}

fn bounded(input: &Node, key: &SortKey, last: &Value) -> Node {
    let operator = if key.ascending { Comparison::LessOrEqual } else { Comparison::GreaterOrEqual };
    let bound = Expr::Literal(last.clone());
    filter(input.clone(), Expr::Compare { operator, left: Box::new(key.value.clone()), right: Box::new(bound) })
}
