//! Paths into JSON columns, read where the file keeps them apart: see [`crate::types::shred`].
//!
//! `tostring(parse_json(ExtendedProperties).DetectionSource)` wants one value of a long text. Where the scanned files
//! have that value as a column of its own, the plan reads the column: every relation between the scan and the path hands
//! it on, under a name that no text can spell, and the text is not read unless something else asks for it. Of a table of
//! several files all must have the column.

use std::collections::HashMap;

use datafusion::datasource::listing::ListingTableUrl;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::execution::SessionState;
use object_store::ObjectStoreExt;

use super::expr::fixed_steps;
use super::scan::Scan;
use crate::plan::{self, Expr, JoinKind, Kind, Node, Plan, QueryResult, rewrite};
use crate::types::json::Step;
use crate::types::shred::{Index, Part, Shred};
use crate::types::{Column, ScalarType};

/// Finds which columns all files have; None where that is not sure. Their footers have been read already.
pub(super) async fn index(files: &[ListingTableUrl], state: &SessionState) -> Option<Index> {
    let mut all: Option<Index> = None;
    for file in files {
        let store = state.runtime_env().object_store(file).ok()?;
        let object = store.head(file.prefix()).await.ok()?;
        let footers = state.runtime_env().cache_manager.get_file_metadata_cache();
        let footer = DFParquetMetadata::new(&store, &object).with_file_metadata_cache(Some(footers));
        let index = Index::of(&*footer.fetch_metadata().await.ok()?)?;
        all = Some(all.map_or_else(|| index.clone(), |all| all.and(&index)));
    }
    all
}

/// The tables of a query, by name.
type Scans = HashMap<String, Scan>;

/// Lets paths into members read columns where tables have them; None where no table has.
pub(super) fn rewritten(plan: &Plan, scans: &Scans) -> Option<Plan> {
    if scans.values().all(|scan| scan.shreds.is_none()) {
        return None;
    }
    let mut plan = plan.clone();
    let mut changed = false;
    plan.for_each_node_mut(&mut |node| changed |= read_members(node, scans));
    // The texts that nobody reads any more.
    changed.then(|| rewrite::rewrite(plan))
}

/// Replaces the paths in a relation's expressions; tells whether there were any.
fn read_members(node: &mut Node, scans: &Scans) -> bool {
    let columns = node.columns.clone();
    let changed = match &mut node.kind {
        Kind::Filter { input, predicate } => read_in([predicate], input, scans),
        Kind::Sort { input, keys, .. } => read_in(keys.iter_mut().map(|key| &mut key.value), input, scans),
        Kind::Project { input, expressions } => return read_in(expressions, input, scans),
        Kind::Aggregate { input, keys, aggregates } => {
            let calls = aggregates.iter_mut().flat_map(|call| call.arguments.iter_mut().chain(&mut call.filter));
            return read_in(keys.iter_mut().chain(calls), input, scans);
        }
        Kind::Expand { input, arrays, .. } => {
            return read_in(arrays.iter_mut().map(|array| &mut array.array), input, scans);
        }
        Kind::Parse { input, source, .. } => return read_in([source], input, scans),
        Kind::Window { input, functions } => {
            return read_in(functions.iter_mut().flat_map(|f| &mut f.arguments), input, scans);
        }
        _ => return false,
    };
    if changed {
        // These give what their input gives.
        let (Kind::Filter { input, .. } | Kind::Sort { input, .. }) = &node.kind else { return changed };
        node.columns.clone_from(&input.columns);
        let inner = std::mem::replace(node, Node { columns: Vec::new(), serialized: false, kind: Kind::Unit });
        *node = selected(inner, &columns);
    }
    changed
}

/// Gives some columns of a relation.
fn selected(input: Node, columns: &[Column]) -> Node {
    let expressions = columns.iter().cloned().map(Expr::Column).collect();
    let kind = |input| Kind::Project { input: Box::new(input), expressions };
    Node { columns: columns.to_vec(), serialized: input.serialized, kind: kind(input) }
}

fn read_in<'a>(expressions: impl IntoIterator<Item = &'a mut Expr>, input: &mut Node, scans: &Scans) -> bool {
    expressions.into_iter().fold(false, |changed, expr| read_member(expr, input, scans) | changed)
}

fn read_member(expr: &mut Expr, input: &mut Node, scans: &Scans) -> bool {
    if let Expr::Path { base, steps } = expr
        && let Some(text) = Text::of(base)
        && let Some((part, rest)) = fixed_steps(steps).and_then(|steps| part(&steps))
        && let Some(column) = provide(input, &text, &part, scans)
    {
        *expr = Expr::Path { base: Box::new(Expr::Column(column)), steps: rest };
        return true;
    }
    let mut changed = false;
    expr.for_each_operand_mut(&mut |operand| changed |= read_member(operand, input, scans));
    changed
}

/// Returns the column whose member's text an expression is, once [`rewritten`] has replaced the path.
pub(super) fn text_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Convert { value, to: ScalarType::String } => match &**value {
            Expr::Path { base, steps } if steps.is_empty() => match &**base {
                Expr::Column(column) => Some(&column.name),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Returns the part of a text in which a path ends, and the steps that are left to go there; None where no part is kept
/// of such paths.
fn part(steps: &[Step]) -> Option<(Part, Vec<plan::Step>)> {
    match steps {
        // Of elements those at the end may have been left out, so that they are counted from the start alone.
        [Step::Index(index @ 0..), path @ ..] => Some((Part::Element(keys(path)?), vec![plan::Step::Index(*index)])),
        path => Some((Part::Member(keys(path)?), Vec::new())),
    }
}

/// Returns the keys that a path consists of; None where it has other steps.
fn keys(steps: &[Step]) -> Option<Vec<String>> {
    let key = |step: &Step| match step {
        Step::Key(key) => Some(key.clone()),
        Step::Index(_) => None,
    };
    steps.iter().map(key).collect()
}

/// A column of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    column: String,
    /// It was parsed already, further down.
    parsed: bool,
}

impl Text {
    /// Returns the column whose JSON an expression is.
    pub(super) fn of(expr: &Expr) -> Option<Text> {
        let text = |column: &Column, parsed| Some(Text { column: column.name.clone(), parsed });
        match expr {
            Expr::Column(column) if column.scalar_type == ScalarType::Dynamic => text(column, true),
            Expr::ParseJson(inner) => match &**inner {
                Expr::Column(column) if column.scalar_type == ScalarType::String => text(column, false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the column that it is of the input of a projection.
    fn below(&self, columns: &[Column], expressions: &[Expr]) -> Option<Text> {
        let place = columns.iter().position(|column| column.name == self.column)?;
        match expressions.get(place)? {
            Expr::Column(column) => Some(Text { column: column.name.clone(), parsed: self.parsed }),
            parse if self.parsed => Text::of(parse),
            _ => None,
        }
    }
}

/// Lets a relation give the column that holds a part of one of its texts; None where there is none, and then nothing
/// has changed.
pub(super) fn provide(node: &mut Node, text: &Text, part: &Part, scans: &Scans) -> Option<Column> {
    has(node, text, part, scans).then(|| given(node, text, part, scans)).flatten()
}

/// Tells whether a relation could give the column.
fn has(node: &Node, text: &Text, part: &Part, scans: &Scans) -> bool {
    let passes = |input: &Node, own: &dyn Fn(&str) -> bool| {
        !own(&text.column)
            && input.columns.iter().any(|column| column.name == text.column)
            && has(input, text, part, scans)
    };
    match &node.kind {
        Kind::Scan { table } => {
            let is_text = node.columns.contains(&Column::new(&text.column, ScalarType::String));
            is_text && !text.parsed && shred(table, text, part, scans).is_some()
        }
        Kind::Filter { input, .. }
        | Kind::Sort { input, .. }
        | Kind::Limit { input, .. }
        | Kind::Serialize { input } => passes(input, &|_| false),
        Kind::Project { input, expressions } => {
            text.below(&node.columns, expressions).is_some_and(|text| has(input, &text, part, scans))
        }
        Kind::Expand { input, arrays, index, .. } => {
            passes(input, &|name| arrays.iter().any(|array| array.name == name) || index.as_deref() == Some(name))
        }
        Kind::Window { input, functions } => passes(input, &|name| functions.iter().any(|f| f.output.name == name)),
        Kind::Join { left, right, kind, .. } => side(&node.columns, left, right, *kind, text)
            .is_some_and(|(is_left, text)| has(if is_left { left } else { right }, &text, part, scans)),
        Kind::Union { inputs } => {
            let place = node.columns.iter().position(|column| column.name == text.column);
            place.is_some_and(|place| {
                inputs.iter().all(|input| at(input, place, text).is_some_and(|text| has(input, &text, part, scans)))
            })
        }
        _ => false,
    }
}

fn shred<'a>(table: &str, text: &Text, part: &Part, scans: &'a Scans) -> Option<&'a Shred> {
    scans.get(table)?.shreds.as_ref()?.find(&text.column, part)
}

/// Returns the text that is a relation's column at a place.
fn at(node: &Node, place: usize, text: &Text) -> Option<Text> {
    Some(Text { column: node.columns.get(place)?.name.clone(), parsed: text.parsed })
}

/// Finds the side of a join that a text comes from: true for the left one.
fn side(columns: &[Column], left: &Node, right: &Node, kind: JoinKind, text: &Text) -> Option<(bool, Text)> {
    let place = columns.iter().position(|column| column.name == text.column)?;
    match kind {
        JoinKind::LeftSemi | JoinKind::LeftAnti => Some((true, at(left, place, text)?)),
        JoinKind::RightSemi | JoinKind::RightAnti => Some((false, at(right, place, text)?)),
        _ if place < left.columns.len() => Some((true, at(left, place, text)?)),
        _ => Some((false, at(right, place - left.columns.len(), text)?)),
    }
}

/// As [`provide`], where it is known that there is one.
fn given(node: &mut Node, text: &Text, part: &Part, scans: &Scans) -> Option<Column> {
    let columns = &mut node.columns;
    let append = |columns: &mut Vec<Column>, column: Column| {
        if !columns.contains(&column) {
            columns.push(column.clone());
        }
        Some(column)
    };
    match &mut node.kind {
        Kind::Scan { table } => append(columns, shred(table, text, part, scans)?.column()),
        Kind::Filter { input, .. }
        | Kind::Sort { input, .. }
        | Kind::Limit { input, .. }
        | Kind::Serialize { input }
        | Kind::Expand { input, .. }
        | Kind::Window { input, .. } => append(columns, given(input, text, part, scans)?),
        Kind::Project { input, expressions } => {
            let below = text.below(columns, expressions)?;
            let column = given(input, &below, part, scans)?;
            let read = |e: &Expr| matches!(e, Expr::Column(read) if *read == column);
            if let Some(place) = expressions.iter().position(read) {
                return columns.get(place).cloned();
            }
            let own = fresh(columns, &column);
            columns.push(own.clone());
            expressions.push(Expr::Column(column));
            Some(own)
        }
        Kind::Join { left, right, kind, .. } => {
            let (is_left, text) = side(columns, left, right, *kind, text)?;
            // Columns of both sides stand in the order of the sides.
            let input = if is_left { &mut *left } else { &mut *right };
            let width = input.columns.len();
            let column = given(input, &text, part, scans)?;
            let place = input.columns.iter().position(|own| *own == column)?;
            let first = if is_left || matches!(kind, JoinKind::RightSemi | JoinKind::RightAnti) {
                0
            } else {
                left.columns.len()
            };
            if place < width {
                return columns.get(first + place).cloned();
            }
            let own = fresh(columns, &column);
            columns.insert(first + place, own.clone());
            Some(own)
        }
        Kind::Union { inputs } => {
            let place = columns.iter().position(|column| column.name == text.column)?;
            let own = fresh(columns, &Column::new("\u{2}part", part.scalar_type()));
            for input in inputs.iter_mut() {
                let wanted = input.columns.clone();
                let text = at(input, place, text)?;
                let column = given(input, &text, part, scans)?;
                let inner = std::mem::replace(input, Node { columns: Vec::new(), serialized: false, kind: Kind::Unit });
                *input = selected(inner, &wanted);
                input.columns.push(own.clone());
                if let Kind::Project { expressions, .. } = &mut input.kind {
                    expressions.push(Expr::Column(column));
                }
            }
            columns.push(own.clone());
            Some(own)
        }
        _ => None,
    }
}

/// Returns the column under a name that none of these has.
fn fresh(columns: &[Column], column: &Column) -> Column {
    let taken = |name: &str| columns.iter().any(|column| column.name == name);
    let mut name = column.name.clone();
    while taken(&name) {
        name.push('\u{2}');
    }
    Column::new(name, column.scalar_type)
}

/// A relation with the columns that hold the elements of one of its arrays.
pub(super) struct Cells {
    /// Gives the columns that are asked for, then the number of elements, then a column for each path.
    pub input: Node,
    /// How many columns stand before the number.
    pub width: usize,
}

/// Finds the columns that hold some paths of the rows that an array expands to, with those of the input's columns that
/// are `kept`; None where one of them is missing.
pub(super) fn cells<'a>(
    below: &Node,
    array: &Expr,
    paths: impl Iterator<Item = &'a [Step]>,
    kept: Vec<Column>,
    scans: &Scans,
) -> Option<Cells> {
    let text = Text::of(array)?;
    let mut input = below.clone();
    let mut columns = kept;
    let width = columns.len();
    let mut expressions: Vec<Expr> = columns.iter().cloned().map(Expr::Column).collect();
    let parts = paths.map(|path| keys(path).map(Part::Element));
    for (number, part) in std::iter::once(Some(Part::Count)).chain(parts).enumerate() {
        let column = provide(&mut input, &text, &part?, scans)?;
        // Two readings of a path are two columns.
        columns.push(Column::new(format!("\u{2}cells{number}"), column.scalar_type));
        expressions.push(Expr::Column(column));
    }
    let serialized = input.serialized;
    let node = Node { columns, serialized, kind: Kind::Project { input: Box::new(input), expressions } };
    let result = QueryResult { name: String::new(), node, render: None };
    // The text, which nobody reads, goes.
    let plan = rewrite::rewrite(Plan { results: vec![result], ..Plan::default() });
    Some(Cells { input: plan.results.into_iter().next()?.node, width })
}
