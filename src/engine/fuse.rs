//! Paths into one dynamic value, looked up in one pass over its text.
//!
//! Two shapes pay: a node that reads the elements of an `mv-expand` by paths only, and a node that reads several paths of
//! one value. Both become a row operator, which the optimizer does not take apart again.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;

use super::Result;
use super::expr::fixed_steps;
use super::lower::{Lower, operated, position};
use super::operator::cells::ExpandCells;
use super::operator::expand::{ElementPath, ExpandPaths, Output, Source, Wanted as Test};
use super::operator::lookup::Lookups;
use super::path::{Lookup, Wanted};
use super::shred::{self, Cells};
use crate::plan::{Comparison, Expr, Kind, Node};
use crate::types::{Column, ScalarType, Value, json};

/// A plan, and expressions over it that mean what others meant over its input.
pub(super) struct Fused {
    pub plan: LogicalPlan,
    pub exprs: Vec<Expr>,
}

/// A path that is read, with the column that will hold it.
struct Read {
    steps: Vec<json::Step>,
    text: bool,
    column: Column,
}

/// The paths of one base that expressions read.
#[derive(Default)]
struct Reads {
    list: Vec<Read>,
    /// The base is read in another way too.
    whole: bool,
}

impl Reads {
    fn add(&mut self, steps: Vec<json::Step>, text: bool, stem: &str) -> Column {
        if let Some(read) = self.list.iter().find(|r| r.steps == steps && r.text == text) {
            return read.column.clone();
        }
        let scalar_type = if text { ScalarType::String } else { ScalarType::Dynamic };
        let column = Column::new(format!("\u{2}{stem}{}", self.list.len()), scalar_type);
        self.list.push(Read { steps, text, column: column.clone() });
        column
    }

    /// Returns the columns that the paths become when they are read of elements.
    fn outputs(&self) -> impl Iterator<Item = (Column, Output)> {
        self.list.iter().enumerate().map(|(number, read)| (read.column.clone(), Output::Element(number)))
    }
}

/// Rewrites an expression so that it reads columns where it read paths of `is_base`.
fn rewritten(expr: &Expr, is_base: &dyn Fn(&Expr) -> bool, stem: &str, reads: &mut Reads) -> Expr {
    let path = |e: &Expr| match e {
        Expr::Path { base, steps } if is_base(base) => fixed_steps(steps),
        _ => None,
    };
    match expr {
        Expr::Convert { value, to: ScalarType::String } if path(value).is_some() => {
            Expr::Column(reads.add(path(value).unwrap_or_default(), true, stem))
        }
        e if path(e).is_some() => Expr::Column(reads.add(path(e).unwrap_or_default(), false, stem)),
        e if is_base(e) => {
            reads.whole = true;
            e.clone()
        }
        other => {
            let mut other = other.clone();
            other.for_each_operand_mut(&mut |operand| *operand = rewritten(operand, is_base, stem, reads));
            other
        }
    }
}

fn columns_of(exprs: &[Expr]) -> HashSet<String> {
    let mut names = HashSet::new();
    exprs.iter().for_each(|e| e.columns_read(&mut names));
    names.into_iter().map(str::to_string).collect()
}

impl Lower<'_> {
    /// Lowers the input of a node whose expressions these are, paths fused where that pays.
    pub(super) fn fused(&self, input: &Node, exprs: Vec<&Expr>) -> Result<Fused> {
        // A sketch is not to be looked into.
        if !self.session.optimize || self.lowering.sketches {
            return Ok(Fused { plan: self.node(input)?, exprs: exprs.into_iter().cloned().collect() });
        }
        if let Some(fused) = self.fused_expand(input, &exprs)? {
            return Ok(fused);
        }
        let plan = self.node(input)?;
        self.fused_paths(plan, input, exprs.into_iter().cloned().collect())
    }

    /// `mv-expand`, filters over it, and expressions that read its elements by paths only.
    fn fused_expand(&self, input: &Node, exprs: &[&Expr]) -> Result<Option<Fused>> {
        let mut conditions = Vec::new();
        let mut at = input;
        while let Kind::Filter { input, predicate } = &at.kind {
            predicate.conjuncts(&mut conditions);
            at = input;
        }
        let Kind::Expand { input: below, arrays, index: None, limit, bag_arrays: false } = &at.kind else {
            return Ok(None);
        };
        let [array] = &arrays[..] else { return Ok(None) };
        if array.scalar_type != ScalarType::Dynamic {
            return Ok(None);
        }
        let is_element = |e: &Expr| matches!(e, Expr::Column(c) if c.name == array.name);
        let mut reads = Reads::default();
        let mut rewrite = |e: &Expr| rewritten(e, &is_element, "element", &mut reads);
        let mut all: Vec<Expr> = exprs.iter().map(|e| rewrite(e)).collect();
        let mut tests: Vec<Expr> = conditions.iter().map(|e| rewrite(e)).collect();
        if reads.whole || reads.list.is_empty() {
            return Ok(None);
        }
        let filter = tests.iter().position(|t| wanted_text(t, &reads).is_some());
        let filter = filter.and_then(|at| wanted_text(&tests.remove(at), &reads));
        let names = columns_of(&[all.clone(), tests.clone()].concat());
        let kept: Vec<Column> = below.columns.iter().filter(|c| names.contains(&c.name)).cloned().collect();
        let mut plan = match self.cells(below, &array.array, &reads, &kept) {
            Some(cells) => self.expanded_cells(&cells, below.serialized, &kept, &reads, filter, *limit)?,
            None => self.expanded_text(below, &array.array, &kept, &reads, filter, *limit)?,
        };
        if !tests.is_empty() {
            let predicate = if tests.len() == 1 { tests.remove(0) } else { Expr::And(tests) };
            plan = self.filtered(plan, &predicate)?;
        }
        all.truncate(exprs.len());
        Ok(Some(Fused { plan, exprs: all }))
    }

    /// Expands the text, and looks the paths up in it.
    fn expanded_text(
        &self,
        below: &Node,
        array: &Expr,
        kept: &[Column],
        reads: &Reads,
        filter: Option<(usize, Test)>,
        limit: Option<i64>,
    ) -> Result<LogicalPlan> {
        // Text is checked while it is searched, not before.
        let (array, parse) = match array {
            Expr::ParseJson(text) if text.scalar_type() == ScalarType::String => (&**text, true),
            other => (other, false),
        };
        let plan = self.with_computed(below, &[array])?;
        let mut outputs = Vec::new();
        for column in kept {
            outputs.push((column.clone(), Output::Input(position(&below.columns, &column.name)?)));
        }
        outputs.extend(reads.outputs());
        let paths: Vec<ElementPath> =
            reads.list.iter().map(|read| ElementPath { steps: read.steps.clone(), text: read.text }).collect();
        let source = Source { column: below.columns.len(), parse };
        operated(plan, "mv-expand", below.serialized, move || {
            Ok(ExpandPaths::new(outputs.clone(), source, paths.clone(), filter.clone(), limit))
        })
    }

    /// Finds the columns that hold what is read of the elements, where the files have them.
    fn cells(&self, below: &Node, array: &Expr, reads: &Reads, kept: &[Column]) -> Option<Cells> {
        let paths = reads.list.iter().map(|read| read.steps.as_slice());
        shred::cells(below, array, paths, kept.to_vec(), &self.scans)
    }

    fn expanded_cells(
        &self,
        cells: &Cells,
        serialized: bool,
        kept: &[Column],
        reads: &Reads,
        filter: Option<(usize, Test)>,
        limit: Option<i64>,
    ) -> Result<LogicalPlan> {
        let plan = self.node(&cells.input)?;
        let inputs = kept.iter().enumerate().map(|(place, column)| (column.clone(), Output::Input(place)));
        let outputs: Vec<(Column, Output)> = inputs.chain(reads.outputs()).collect();
        let count = cells.width;
        let texts: Vec<bool> = reads.list.iter().map(|read| read.text).collect();
        operated(plan, "mv-expand", serialized, move || {
            Ok(ExpandCells::new(outputs.clone(), count, texts.clone(), filter.clone(), limit))
        })
    }

    /// Several paths of one value.
    fn fused_paths(&self, mut plan: LogicalPlan, input: &Node, mut exprs: Vec<Expr>) -> Result<Fused> {
        let mut bases: Vec<String> = Vec::new();
        exprs.iter().for_each(|e| collect_bases(e, &mut bases));
        bases.sort();
        let repeated: Vec<String> =
            bases.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).map(|same| same[0].clone()).collect();
        let mut columns = input.columns.clone();
        for (number, base) in repeated.iter().enumerate() {
            let is_base = |e: &Expr| base_name(e).as_ref() == Some(base);
            let mut reads = Reads::default();
            let stem = format!("path{number}_");
            let replaced: Vec<Expr> = exprs.iter().map(|e| rewritten(e, &is_base, &stem, &mut reads)).collect();
            if reads.list.len() < 2 {
                continue;
            }
            let parse = base.starts_with(PARSED);
            let source = position(&columns, base.trim_start_matches(PARSED))?;
            let names = columns_of(&replaced);
            let kept: Vec<usize> = (0..columns.len()).filter(|i| names.contains(&columns[*i].name)).collect();
            let mut after: Vec<Column> = kept.iter().map(|i| columns[*i].clone()).collect();
            after.extend(reads.list.iter().map(|r| r.column.clone()));
            let wanted = reads.list.iter().map(|r| Wanted { steps: r.steps.clone(), text: r.text }).collect();
            let lookup = Lookup { parse, wanted };
            // The columns stand in the plan in the order of the node.
            let ordered = self.in_order(plan, &columns)?;
            let schema = after.clone();
            plan = operated(ordered, "paths", input.serialized, move || {
                Ok(Lookups::new(&schema, kept.clone(), source, lookup.clone()))
            })?;
            columns = after;
            exprs = replaced;
        }
        Ok(Fused { plan, exprs })
    }
}

/// Marks a base that is the text of a column, to be read as `parse_json` does.
const PARSED: &str = "\u{3}";

/// Names a base whose paths are worth a pass of their own: a column, or `parse_json` of one.
fn base_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Column(c) if c.scalar_type == ScalarType::Dynamic => Some(c.name.clone()),
        Expr::ParseJson(text) => match &**text {
            Expr::Column(c) if c.scalar_type == ScalarType::String => Some(format!("{PARSED}{}", c.name)),
            _ => None,
        },
        _ => None,
    }
}

fn collect_bases(expr: &Expr, bases: &mut Vec<String>) {
    if let Expr::Path { base, steps } = expr
        && fixed_steps(steps).is_some()
    {
        bases.extend(base_name(base));
    }
    expr.for_each_operand(&mut |operand| collect_bases(operand, bases));
}

/// Makes a test on the text of one path of a condition that compares it with texts.
fn wanted_text(condition: &Expr, reads: &Reads) -> Option<(usize, Test)> {
    let (value, set) = compared(condition)?;
    let Expr::Column(column) = value else { return None };
    let number = reads.list.iter().position(|r| r.text && r.column == *column)?;
    let texts = set.iter().map(|value| match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    });
    let mut texts = texts.collect::<Option<HashSet<String>>>()?;
    if texts.len() > 1 {
        return Some((number, Arc::new(move |found: &str| texts.contains(found))));
    }
    let text = texts.drain().next()?;
    Some((number, Arc::new(move |found: &str| found == text)))
}

/// Returns what a condition compares with which values, of which it is to equal one.
pub(super) fn compared(condition: &Expr) -> Option<(&Expr, &[Value])> {
    match condition {
        Expr::Compare { operator: Comparison::Equal, left, right } => match (&**left, &**right) {
            (value, Expr::Literal(literal)) | (Expr::Literal(literal), value) => {
                Some((value, std::slice::from_ref(literal)))
            }
            _ => None,
        },
        Expr::In { value, set, fold_case: false, negated: false } => Some((value, set)),
        _ => None,
    }
}

/// Puts a condition on the text of an element below the projection that reads it, next to the `mv-expand`; None where
/// there is none. The text is looked up once for both.
pub(super) fn sunk(conditions: &[&Expr], projection: &Node) -> Option<Node> {
    let Kind::Project { input, expressions } = &projection.kind else { return None };
    let array = expanded(input)?;
    let below = |condition: &Expr| {
        let (Expr::Column(column), set) = compared(condition)? else { return None };
        let place = projection.columns.iter().position(|own| own == column)?;
        let text = expressions.get(place)?;
        let Expr::Convert { value, to: ScalarType::String } = text else { return None };
        let Expr::Path { base, steps } = &**value else { return None };
        let is_element = matches!(&**base, Expr::Column(base) if base.name == array) && fixed_steps(steps).is_some();
        let (value, set) = (Box::new(text.clone()), set.to_vec());
        is_element.then_some(Expr::In { value, set, fold_case: false, negated: false })
    };
    let (at, predicate) = conditions.iter().enumerate().find_map(|(at, condition)| Some((at, below(condition)?)))?;
    let filtered = |input: &Node, predicate| {
        let kind = Kind::Filter { input: Box::new(input.clone()), predicate };
        Node { columns: input.columns.clone(), serialized: input.serialized, kind }
    };
    let input = Box::new(filtered(input, predicate));
    let kind = Kind::Project { input, expressions: expressions.clone() };
    let node = Node { columns: projection.columns.clone(), serialized: projection.serialized, kind };
    let mut rest: Vec<Expr> = conditions.iter().map(|condition| (*condition).clone()).collect();
    rest.remove(at);
    Some(match rest.len() {
        0 => node,
        1 => filtered(&node, rest.remove(0)),
        _ => filtered(&node, Expr::And(rest)),
    })
}

/// Returns the name of the elements that a relation expands, filters aside; None where [`Lower::fused`] does not read
/// them by paths.
pub(super) fn expanded(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Filter { input, .. } => expanded(input),
        Kind::Expand { arrays, index: None, bag_arrays: false, .. } => match &arrays[..] {
            [array] if array.scalar_type == ScalarType::Dynamic => Some(&array.name),
            _ => None,
        },
        _ => None,
    }
}
