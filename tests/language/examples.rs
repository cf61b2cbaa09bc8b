//! Runs the examples that stand beside every function, every aggregate and every plugin.

use std::collections::BTreeMap;
use std::ops::Range;

use alertq::functions::plugin::{Run, plugins};
use alertq::functions::{Function, Kernel, aggregate, scalar_functions};
use alertq::syntax::{TokenKind, tokenize};
use alertq::types::{ScalarType, Value};

use super::run::{PLAIN, Rows, Setting, bind, null_literal, run, same};

/// How many examples stand in one query.
const BATCH: usize = 40;

/// Functions that stop a query over rows whose values they do not take.
const NO_NULLS: &[&str] = &["assert", "parse_command_line"];

/// An example of a scalar function: two expressions of one value.
#[derive(Debug, Clone, Copy)]
struct Example {
    function: &'static str,
    left: &'static str,
    right: &'static str,
}

fn examples() -> Vec<Example> {
    let functions = scalar_functions();
    let pairs = functions.iter().flat_map(|f| f.examples.iter().map(|(left, right)| (f.name, *left, *right)));
    pairs.map(|(function, left, right)| Example { function, left, right }).collect()
}

/// How many examples show what a function does, null or empty among them.
const EXAMPLES: usize = 3;

// A name with a blank is the binder's own: no query can say it.
#[test]
fn every_function_that_is_built_has_examples() {
    let built = |f: &Function| f.overloads.iter().any(|o| !matches!(o.kernel, Kernel::Unbuilt));
    let functions = scalar_functions();
    let bare: Vec<&str> = functions
        .iter()
        .filter(|f| built(f) && f.examples.len() < EXAMPLES && !f.name.contains(' '))
        .map(|f| f.name)
        .collect();
    assert!(bare.is_empty(), "with less than {EXAMPLES} examples: {bare:?}");
}

#[test]
fn examples_hold_on_constants() {
    let examples = examples();
    let mut faults = Vec::new();
    for batch in examples.chunks(BATCH) {
        let query = |batch: &[Example]| {
            let targets = batch.iter().enumerate().map(|(n, e)| format!("a{n} = {}, b{n} = {}", e.left, e.right));
            format!("print {}", targets.collect::<Vec<_>>().join(", "))
        };
        compare(batch, &query, &[0], &mut faults);
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn examples_hold_on_columns() {
    let examples: Vec<Lifted> = examples().into_iter().map(lift).collect();
    let mut faults = Vec::new();
    for batch in examples.chunks(BATCH) {
        compare(batch, &columns_query, &[0, 2], &mut faults);
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// An example whose literals are columns, as far as the function takes columns.
#[derive(Debug, Clone)]
struct Lifted {
    example: Example,
    left: String,
    /// Type and text of each column, see [`placeholder`].
    literals: Vec<(ScalarType, String)>,
    /// A null where it takes none is a fault of the query: `assert`.
    no_nulls: bool,
}

impl AsRef<Example> for Lifted {
    fn as_ref(&self) -> &Example {
        &self.example
    }
}

impl AsRef<Example> for Example {
    fn as_ref(&self) -> &Example {
        self
    }
}

/// Puts the literals of several examples into a table of three rows, the middle one of nulls: a kernel that carries
/// something from row to row shows.
fn columns_query(batch: &[Lifted]) -> String {
    let name = |n: usize, m: usize| format!("x{n}_{m}");
    let mut columns = vec!["row: long".to_string()];
    let (mut values, mut nulls) = (vec!["1".to_string()], vec!["2".to_string()]);
    let mut targets = Vec::new();
    for (n, lifted) in batch.iter().enumerate() {
        let mut left = lifted.left.clone();
        for (m, (scalar_type, text)) in lifted.literals.iter().enumerate() {
            columns.push(format!("{}: {scalar_type}", name(n, m)));
            values.push(text.clone());
            nulls.push(if lifted.no_nulls { text.clone() } else { null_literal(*scalar_type) });
            left = left.replace(&placeholder(m), &name(n, m));
        }
        targets.push(format!("a{n} = {left}, b{n} = {}", lifted.example.right));
    }
    let (values, nulls) = (values.join(", "), nulls.join(", "));
    let (columns, targets) = (columns.join(", "), targets.join(", "));
    format!("datatable({columns})[{values}, {nulls}, {values}] | project {targets}")
}

fn placeholder(n: usize) -> String {
    format!("\u{1}{n}\u{1}")
}

/// Makes columns of an example's literals, one after the other, where the query is still valid with it.
fn lift(example: Example) -> Lifted {
    let no_nulls = NO_NULLS.contains(&example.function);
    let mut lifted = Lifted { example, left: example.left.to_string(), literals: Vec::new(), no_nulls };
    // From the end, so that places stay right.
    for (scalar_type, place) in literals(example.left).into_iter().rev() {
        let text = example.left[place.clone()].to_string();
        let mut tried = lifted.clone();
        tried.left.replace_range(place, &placeholder(tried.literals.len()));
        tried.literals.push((scalar_type, text));
        let bound = bind(&columns_query(std::slice::from_ref(&tried)));
        if bound.is_ok_and(|bound| bound.plan.is_some() && bound.problems.is_empty()) {
            lifted = tried;
        }
    }
    lifted
}

/// Finds the literals of an expression; `dynamic(...)` is one.
fn literals(text: &str) -> Vec<(ScalarType, Range<usize>)> {
    let tokens = tokenize(text);
    let mut found: Vec<(ScalarType, Range<usize>)> = Vec::new();
    let mut n = 0;
    while n < tokens.len() {
        let token = tokens[n];
        let mut end = token.span.end;
        let scalar_type = match token.kind {
            TokenKind::String => ScalarType::String,
            TokenKind::Long => ScalarType::Long,
            TokenKind::Real => ScalarType::Real,
            TokenKind::TimeSpan => ScalarType::TimeSpan,
            TokenKind::Bool => ScalarType::Bool,
            TokenKind::Wrapped(_) => {
                let name = text[token.span.start..].split('(').next().unwrap_or("").trim();
                ScalarType::from_name(name).unwrap_or(ScalarType::String)
            }
            _ if &text[token.span.start..end] == "dynamic" => {
                let mut depth = 0;
                while n + 1 < tokens.len() {
                    n += 1;
                    match tokens[n].kind {
                        TokenKind::OpenParen => depth += 1,
                        TokenKind::CloseParen => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
                end = tokens[n].span.end;
                ScalarType::Dynamic
            }
            _ => {
                n += 1;
                continue;
            }
        };
        // Adjacent strings are one.
        while scalar_type == ScalarType::String && tokens.get(n + 1).is_some_and(|t| t.kind == TokenKind::String) {
            n += 1;
            end = tokens[n].span.end;
        }
        found.push((scalar_type, token.span.start..end));
        n += 1;
    }
    found
}

/// Runs examples together; where that fails, one by one, so that each is told by itself.
fn compare<E: AsRef<Example>>(batch: &[E], query: &impl Fn(&[E]) -> String, rows: &[usize], faults: &mut Vec<String>) {
    let found = match run(&query(batch), PLAIN) {
        Ok(found) => found,
        Err(_) if batch.len() > 1 => {
            batch.chunks(1).for_each(|one| compare(one, query, rows, faults));
            return;
        }
        Err(error) => {
            let Example { function, left, .. } = batch[0].as_ref();
            faults.push(format!("{function}: {left}: {error}\n    in {}", query(batch)));
            return;
        }
    };
    for row in rows {
        let Some(values) = found.rows.get(*row) else {
            faults.push(format!("a row is missing: {}", query(batch)));
            return;
        };
        for (pair, one) in values.chunks(2).zip(batch.chunks(1)) {
            let Example { function, left, right } = one[0].as_ref();
            if !same(&pair[0], &pair[1]) {
                let place = if rows.len() > 1 { format!("row {row} of {}", query(one)) } else { query(one) };
                faults.push(format!("{function}: {left} is {:?}, not {right} = {:?}\n    {place}", pair[0], pair[1]));
            }
        }
    }
}

#[test]
fn examples_of_plugins_hold() {
    let mut faults = Vec::new();
    for plugin in plugins() {
        if matches!(plugin.run, Run::Refused(_)) {
            continue;
        }
        if plugin.examples.is_empty() {
            faults.push(format!("{} has no example", plugin.name));
        }
        for (left, right) in plugin.examples {
            queries_agree(plugin.name, left, right, &mut faults);
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Runs two queries, the first whole and in parts, and compares what comes out.
fn queries_agree(name: &str, left: &str, right: &str, faults: &mut Vec<String>) {
    let expected = match run(right, PLAIN) {
        Ok(expected) => expected,
        Err(error) => return faults.push(format!("{name}: {right}: {error}")),
    };
    for (partitions, scanned) in [(1, false), (2, true)] {
        let found = run(left, Setting { partitions, batch_size: 2, scanned, optimized: scanned });
        let fault = found.map_or_else(Some, |found| difference(found, expected.clone()));
        faults.extend(fault.map(|fault| format!("{name}: {left}: {fault}")));
    }
}

#[test]
fn examples_of_aggregates_hold() {
    let mut faults = Vec::new();
    for aggregate in aggregate::aggregates() {
        if aggregate.overloads.iter().all(|o| matches!(o.state, aggregate::State::Unbuilt)) {
            continue;
        }
        if aggregate.examples.len() < EXAMPLES {
            faults.push(format!("{} has less than {EXAMPLES} examples", aggregate.name));
        }
        for (left, right) in aggregate.examples {
            queries_agree(aggregate.name, left, right, &mut faults);
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Compares columns and rows; order counts only where both sides have one.
fn difference(found: Rows, expected: Rows) -> Option<String> {
    if found.columns != expected.columns {
        return Some(format!("columns {:?}, not {:?}", found.columns, expected.columns));
    }
    let ordered = found.ordered && expected.ordered;
    let count = |rows: Rows| {
        let mut counts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let cells = Rows { ordered, ..rows }.cells();
        cells.into_iter().for_each(|cells| *counts.entry(cells).or_default() += 1);
        counts
    };
    if ordered && found.cells() != expected.cells() || count(found.clone()) != count(expected.clone()) {
        return Some(format!("{:?}, not {:?}", found.cells(), expected.cells()));
    }
    None
}

#[test]
fn literals_are_found() {
    let text = "f('a' \"b\", dynamic({\"x\": [1]}), int(5), 1d) + 2";
    let found: Vec<(ScalarType, &str)> = literals(text).into_iter().map(|(t, place)| (t, &text[place])).collect();
    let expected = [
        (ScalarType::String, "'a' \"b\""),
        (ScalarType::Dynamic, "dynamic({\"x\": [1]})"),
        (ScalarType::Int, "int(5)"),
        (ScalarType::TimeSpan, "1d"),
        (ScalarType::Long, "2"),
    ];
    assert_eq!(found, expected);
    assert!(same(&Value::Real(f64::NAN), &Value::Real(f64::NAN)));
}
