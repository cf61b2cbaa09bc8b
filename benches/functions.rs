//! What every scalar function costs on a hundred thousand rows.
//!
//! `cargo bench --bench functions`, or `cargo bench --bench functions -- strcat` for some. The first example of each
//! function is run with its literals as columns, as far as the function takes columns.

use std::hint::black_box;
use std::ops::Range;

use alertq::bind::{self, bind};
use alertq::catalog::{Catalog, TableInfo};
use alertq::engine::{self, Session, TableData};
use alertq::functions::{Kernel, scalar_functions};
use alertq::plan::Plan;
use alertq::syntax::{TokenKind, parse, tokenize};
use alertq::types::arrow::{repeat, schema, value_at};
use alertq::types::{Column, Value};
use arrow::array::RecordBatch;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Rows that a function is called on.
const ROWS: usize = 100_000;

/// Binds a query over a table with these columns; None where it is refused.
fn plan(text: &str, columns: &[Column]) -> Option<Plan> {
    let parsed = parse(text);
    let mut catalog = Catalog::new();
    catalog.add(TableInfo { name: "T".into(), columns: columns.to_vec(), ..TableInfo::default() });
    let bound = bind(&parsed.query, &catalog, &bind::Options::default());
    let sound = parsed.problems.is_empty() && bound.problems.is_empty() && bound.refusals.is_empty();
    bound.plan.filter(|_| sound)
}

/// Runs a plan to its end; None where it fails.
fn run(plan: &Plan, session: &Session) -> Option<Vec<RecordBatch>> {
    let outputs = engine::run(plan, session).ok()?;
    outputs.into_iter().flatten().collect::<Result<Vec<_>, _>>().ok()
}

/// Returns the value of a literal.
fn value(literal: &str) -> Option<Value> {
    let plan = plan(&format!("print {literal}"), &[])?;
    let scalar_type = plan.results[0].node.columns[0].scalar_type;
    let batches = run(&plan, &Session::new())?;
    Some(value_at(batches.first()?.column(0), 0, scalar_type))
}

/// Finds the literals of an expression: single tokens, and `dynamic(...)`.
fn literals(text: &str) -> Vec<Range<usize>> {
    let tokens = tokenize(text);
    let plain = [TokenKind::String, TokenKind::Long, TokenKind::Real, TokenKind::TimeSpan, TokenKind::Bool];
    tokens
        .iter()
        .filter(|token| plain.contains(&token.kind) || matches!(token.kind, TokenKind::Wrapped(_)))
        .map(|token| token.span.start..token.span.end)
        .collect()
}

/// A query that calls a function on columns, with its table.
fn case(example: &str) -> Option<(Plan, Session)> {
    let (mut text, mut columns, mut values) = (example.to_string(), Vec::new(), Vec::new());
    // From the end, so that places stay right.
    for place in literals(example).into_iter().rev() {
        let Some(literal) = value(&example[place.clone()]) else { continue };
        let column = Column::new(format!("x{}", columns.len()), literal.scalar_type());
        let mut tried = text.clone();
        tried.replace_range(place, &column.name);
        columns.push(column);
        if plan(&format!("T | project y = {tried}"), &columns).is_some() {
            (text, values) = (tried, [values, vec![literal]].concat());
        } else {
            columns.pop();
        }
    }
    // A table has a column, whether it is read or not.
    columns.push(Column::new("row", alertq::types::ScalarType::Long));
    values.push(Value::Long(0));
    let plan = plan(&format!("T | project y = {text}"), &columns)?;
    let arrays = values.iter().map(|value| repeat(value, ROWS)).collect();
    let batch = RecordBatch::try_new(schema(&columns), arrays).ok()?;
    let session = Session::new().table("T", columns, TableData::Batches(vec![batch]));
    Some((plan, session))
}

fn functions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("functions");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(10);
    group.warm_up_time(std::time::Duration::from_millis(200));
    group.measurement_time(std::time::Duration::from_millis(500));
    for function in scalar_functions() {
        let built = function.overloads.iter().any(|overload| !matches!(overload.kernel, Kernel::Unbuilt));
        let Some((example, _)) = function.examples.first().filter(|_| built) else { continue };
        let Some((plan, session)) = case(example) else { continue };
        group.bench_function(function.name, |bencher| bencher.iter(|| black_box(run(&plan, &session))));
    }
}

criterion_group!(benches, functions);
criterion_main!(benches);
