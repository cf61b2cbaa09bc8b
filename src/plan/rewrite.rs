//! Rewrites that make a plan cheaper and leave its rows as they are.
//!
//! Three passes, in this order: filters move towards the tables (`sink`), columns that nobody reads go
//! (`prune`), and projections that stand on each other become one (`merge`). None of them relies on another for being
//! right.

use std::collections::{HashMap, HashSet};

use super::graph::Graph;
use super::{AggregateCall, ExpandColumn, Expr, JoinKind, Kind, Node, ParsePart, Plan, Sequence, Step, WindowCall};
use crate::types::{Column, ScalarType, Value};

/// Levels of relations up to which the caller's stack is large enough.
const SHALLOW: usize = 64;

/// Bytes of stack for one level.
const FRAME: usize = 32 << 10;

/// Levels that expressions may reach by being put into each other.
const MAX_DEPTH: usize = 48;

/// Rewrites a plan into one that gives the same rows with less work.
pub fn rewrite(plan: Plan) -> Plan {
    let depth = depth(&plan);
    let mut plan = plan;
    if depth <= SHALLOW {
        passes(&mut plan);
        return plan;
    }
    // A pipeline may have hundreds of operators: the stack grows with it.
    std::thread::scope(|scope| {
        let stack = std::thread::Builder::new().stack_size((1 << 20) + depth * FRAME);
        // Without a thread the plan stays as it is, which is right too.
        if let Ok(thread) = stack.spawn_scoped(scope, || passes(&mut plan))
            && let Err(panic) = thread.join()
        {
            std::panic::resume_unwind(panic);
        }
    });
    plan
}

fn passes(plan: &mut Plan) {
    plan.for_each_node_mut(&mut |node| update(node, sink_filter));
    prune(plan);
    plan.for_each_node_mut(&mut |node| update(node, merge));
}

/// Returns how many relations stand on each other at most.
fn depth(plan: &Plan) -> usize {
    let mut deepest = 0;
    let mut open: Vec<(&Node, usize)> = plan.results.iter().map(|result| (&result.node, 1)).collect();
    open.extend(plan.shared.iter().map(|node| (node, 1)));
    while let Some((node, depth)) = open.pop() {
        deepest = deepest.max(depth);
        open.extend(node.inputs().into_iter().map(|input| (input, depth + 1)));
        for expression in node.expressions() {
            queries(expression, &mut |query| open.push((query, depth + 1)));
        }
    }
    deepest
}

fn queries<'a>(expr: &'a Expr, f: &mut dyn FnMut(&'a Node)) {
    if let Expr::InQuery { query, .. } | Expr::ScalarQuery { query, .. } = expr {
        f(query);
    }
    expr.for_each_operand(&mut |operand| queries(operand, f));
}

/// Replaces a relation by what `f` makes of it.
fn update(node: &mut Node, f: impl FnOnce(Node) -> Node) {
    let unit = Node { columns: Vec::new(), serialized: false, kind: Kind::Unit };
    *node = f(std::mem::replace(node, unit));
}

// Expressions.

/// Returns the direct operands; not those of subqueries.
fn operands_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Column(_) | Expr::Literal(_) | Expr::ScalarQuery { .. } | Expr::Now => Vec::new(),
        Expr::Call { arguments, .. } | Expr::Part { arguments, .. } | Expr::And(arguments) | Expr::Or(arguments) => {
            arguments.iter_mut().collect()
        }
        Expr::Convert { value, .. }
        | Expr::Not(value)
        | Expr::ParseJson(value)
        | Expr::In { value, .. }
        | Expr::InQuery { value, .. } => vec![value],
        Expr::Compare { left, right, .. } => vec![left, right],
        Expr::Path { base, steps } => {
            let steps = steps.iter_mut().filter_map(|step| match step {
                Step::Computed(step) => Some(&mut **step),
                Step::Key(_) | Step::Index(_) => None,
            });
            std::iter::once(&mut **base).chain(steps).collect()
        }
    }
}

/// Tells whether `f` holds for the expression or one within it.
fn any(expr: &Expr, f: &dyn Fn(&Expr) -> bool) -> bool {
    let mut found = f(expr);
    expr.for_each_operand(&mut |operand| found = found || any(operand, f));
    found
}

fn is_volatile(expr: &Expr) -> bool {
    any(expr, &|e| matches!(e, Expr::Call { function, .. } if function.is_volatile()))
}

fn has_query(expr: &Expr) -> bool {
    any(expr, &|e| matches!(e, Expr::InQuery { .. } | Expr::ScalarQuery { .. }))
}

fn height(expr: &Expr) -> usize {
    let mut below = 0;
    expr.for_each_operand(&mut |operand| below = below.max(height(operand)));
    below + 1
}

fn names_read(expr: &Expr) -> HashSet<&str> {
    let mut names = HashSet::new();
    expr.columns_read(&mut names);
    names
}

/// Where a column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// As what a path goes into.
    PathBase,
    /// Somewhere below a call, which may treat a constant otherwise than a column.
    Argument,
    Other,
}

/// Calls `f` with each column that is read and the place where; whether it lies within a call is told on its own.
fn each_read<'a>(expr: &'a Expr, place: Place, called: bool, f: &mut dyn FnMut(&'a Column, Place, bool)) {
    match expr {
        Expr::Column(column) => f(column, place, called),
        Expr::Path { base, steps } => {
            each_read(base, Place::PathBase, called, f);
            for step in steps {
                if let Step::Computed(step) = step {
                    each_read(step, Place::Argument, true, f);
                }
            }
        }
        Expr::Call { arguments, .. } | Expr::Part { arguments, .. } => {
            arguments.iter().for_each(|argument| each_read(argument, Place::Argument, true, f));
        }
        other => other.for_each_operand(&mut |operand| each_read(operand, Place::Other, called, f)),
    }
}

/// What columns stand for.
type Meanings<'a> = HashMap<&'a str, &'a Expr>;

/// The meanings of a projection's columns. One of another type than its column is left out.
fn meanings<'a>(columns: &'a [Column], expressions: &'a [Expr]) -> Meanings<'a> {
    let typed = columns.iter().zip(expressions).filter(|(column, e)| column.scalar_type == e.scalar_type());
    typed.map(|(column, expression)| (column.name.as_str(), expression)).collect()
}

/// Puts what columns stand for in their places.
fn substitute(expr: &mut Expr, meanings: &Meanings) {
    if let Expr::Column(column) = expr {
        if let Some(meaning) = meanings.get(column.name.as_str()) {
            *expr = (*meaning).clone();
        }
        return;
    }
    operands_mut(expr).into_iter().for_each(|operand| substitute(operand, meanings));
}

/// Tells whether a meaning may stand in a column's place however often: nothing is computed twice that costs.
fn is_free(meaning: &Expr, place: Place, called: bool) -> bool {
    match meaning {
        Expr::Column(_) => true,
        // A call is prepared from its constants, and may refuse one that it takes for a row.
        Expr::Literal(_) | Expr::Now => !called,
        // Text that is parsed for a path alone is one function of the text.
        Expr::ParseJson(text) => place == Place::PathBase && matches!(**text, Expr::Column(_)),
        _ => false,
    }
}

/// Tells whether an expression is made of columns and literals by logic and comparisons alone.
fn is_cheap(expr: &Expr) -> bool {
    let cheap = |e: &Expr| {
        matches!(
            e,
            Expr::Column(_)
                | Expr::Literal(_)
                | Expr::Now
                | Expr::And(_)
                | Expr::Or(_)
                | Expr::Not(_)
                | Expr::Compare { .. }
                | Expr::In { .. }
        )
    };
    !any(expr, &|e| !cheap(e))
}

// Filters.

/// Moves the conditions of a filter as far down as they may go.
fn sink_filter(node: Node) -> Node {
    match node.kind {
        Kind::Filter { input, predicate } => {
            let mut conditions = Vec::new();
            conjuncts(predicate, &mut conditions);
            sink(*input, conditions)
        }
        _ => node,
    }
}

/// Splits a condition at its `and`s.
fn conjuncts(predicate: Expr, out: &mut Vec<Expr>) {
    match predicate {
        Expr::And(operands) => operands.into_iter().for_each(|operand| conjuncts(operand, out)),
        other => out.push(other),
    }
}

/// Puts a filter above a relation.
fn filtered(input: Node, mut conditions: Vec<Expr>) -> Node {
    let predicate = match conditions.len() {
        0 => return input,
        1 => conditions.remove(0),
        _ => Expr::And(conditions),
    };
    Node {
        columns: input.columns.clone(),
        serialized: input.serialized,
        kind: Kind::Filter { input: Box::new(input), predicate },
    }
}

/// Puts conditions above a relation, or below it where that gives the same rows.
fn sink(mut node: Node, conditions: Vec<Expr>) -> Node {
    if conditions.is_empty() {
        return node;
    }
    if let Kind::Filter { input, predicate } = node.kind {
        let mut all = Vec::new();
        conjuncts(predicate, &mut all);
        all.extend(conditions);
        return sink(*input, all);
    }
    // What reads no column has nothing to gain, and above an aggregate without keys it must stay where it is.
    let (movable, mut stay): (Vec<Expr>, Vec<Expr>) =
        conditions.into_iter().partition(|c| !names_read(c).is_empty() && !is_volatile(c));
    match &mut node.kind {
        Kind::Project { input, expressions } => {
            let meanings = meanings(&node.columns, expressions);
            let mut below = Vec::new();
            for condition in movable {
                match before_project(&condition, &meanings) {
                    Some(condition) => below.push(condition),
                    None => stay.push(condition),
                }
            }
            update(input, |input| sink(input, below));
        }
        Kind::Sort { input, limit: None, .. } | Kind::Serialize { input } => {
            update(input, |input| sink(input, movable))
        }
        Kind::Expand { input, arrays, index, .. } => {
            let made = |name: &str| arrays.iter().any(|a| a.name == name) || index.as_deref() == Some(name);
            let (below, above) = partition(movable, |c| !names_read(c).into_iter().any(made));
            stay.extend(above);
            update(input, |input| sink(input, below));
        }
        Kind::Parse { input, pattern, filter: false, .. } => {
            let captured = captures(&pattern.parts);
            let (below, above) = partition(movable, |c| names_read(c).is_disjoint(&captured));
            stay.extend(above);
            update(input, |input| sink(input, below));
        }
        Kind::Union { inputs } => {
            // A subquery would be run for each input.
            let (below, above) = partition(movable, |c| !has_query(c));
            stay.extend(above);
            for input in inputs {
                update(input, |input| sink(input, below.clone()));
            }
        }
        Kind::Aggregate { input, keys, .. } => {
            let meanings = meanings(&node.columns, keys);
            let meanings: Meanings = meanings.into_iter().filter(|(_, key)| matches!(key, Expr::Column(_))).collect();
            let (mut below, above) =
                partition(movable, |c| names_read(c).iter().all(|name| meanings.contains_key(name)));
            below.iter_mut().for_each(|condition| substitute(condition, &meanings));
            stay.extend(above);
            update(input, |input| sink(input, below));
        }
        Kind::Join { left, right, kind, .. } => {
            let [to_left, to_right, above] = by_side(movable, &node.columns, left, right, *kind);
            stay.extend(above);
            update(left, |left| sink(left, to_left));
            update(right, |right| sink(right, to_right));
        }
        // What comes out of these depends on rows that the filter would take away; or there is nothing below.
        Kind::Sort { .. }
        | Kind::Limit { .. }
        | Kind::Window { .. }
        | Kind::Series { .. }
        | Kind::Sequence { .. }
        | Kind::TopNested { .. }
        | Kind::Parse { .. }
        | Kind::Scan { .. }
        | Kind::Values { .. }
        | Kind::Range { .. }
        | Kind::Unit
        | Kind::Graph(_)
        | Kind::Shared { .. }
        | Kind::Plugin { .. }
        | Kind::Materialized { .. }
        | Kind::Filter { .. } => stay.extend(movable),
    }
    filtered(node, stay)
}

/// Parts conditions on a join's columns into those for its left side, those for its right, and those that stay above.
fn by_side(conditions: Vec<Expr>, columns: &[Column], left: &Node, right: &Node, kind: JoinKind) -> [Vec<Expr>; 3] {
    let (left_columns, right_columns) = join_columns(columns, left.columns.len(), kind);
    let (left_reads, right_reads) = (reads(&left.columns), reads(&right.columns));
    let left_meanings = meanings(left_columns, &left_reads);
    let right_meanings = meanings(right_columns, &right_reads);
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for mut condition in conditions {
        let within = |side: &Meanings| names_read(&condition).iter().all(|name| side.contains_key(name));
        let place = if filters_left(kind) && within(&left_meanings) {
            substitute(&mut condition, &left_meanings);
            0
        } else if filters_right(kind) && within(&right_meanings) {
            substitute(&mut condition, &right_meanings);
            1
        } else {
            2
        };
        parts[place].push(condition);
    }
    parts
}

fn partition(conditions: Vec<Expr>, f: impl Fn(&Expr) -> bool) -> (Vec<Expr>, Vec<Expr>) {
    conditions.into_iter().partition(f)
}

/// Returns the condition as it reads below a projection, None where it belongs above.
fn before_project(condition: &Expr, meanings: &Meanings) -> Option<Expr> {
    let mut allowed = true;
    each_read(condition, Place::Other, false, &mut |column, place, called| {
        allowed = allowed
            && meanings.get(column.name.as_str()).is_some_and(|meaning| {
                is_free(meaning, place, called) || (is_cheap(meaning) && !names_read(meaning).is_empty())
            });
    });
    if !allowed {
        return None;
    }
    let mut below = condition.clone();
    substitute(&mut below, meanings);
    (!names_read(&below).is_empty() && height(&below) <= MAX_DEPTH).then_some(below)
}

fn captures(parts: &[ParsePart]) -> HashSet<&str> {
    let captured = parts.iter().filter_map(|part| match part {
        ParsePart::Column(column) => Some(column.name.as_str()),
        ParsePart::Star | ParsePart::Text(_) => None,
    });
    captured.collect()
}

fn reads(columns: &[Column]) -> Vec<Expr> {
    columns.iter().cloned().map(Expr::Column).collect()
}

/// Splits the columns of a join into those of its left and of its right side.
fn join_columns(columns: &[Column], left: usize, kind: JoinKind) -> (&[Column], &[Column]) {
    match kind {
        JoinKind::LeftSemi | JoinKind::LeftAnti => (columns, &[]),
        JoinKind::RightSemi | JoinKind::RightAnti => (&[], columns),
        _ => columns.split_at(left.min(columns.len())),
    }
}

/// Tells whether a condition on columns of the left side may be asked before the join.
///
/// Not with `innerunique`: the one left row of each key is chosen before the condition is asked.
fn filters_left(kind: JoinKind) -> bool {
    matches!(kind, JoinKind::Inner | JoinKind::LeftOuter | JoinKind::LeftSemi | JoinKind::LeftAnti)
}

/// Tells whether a condition on columns of the right side may be asked before the join.
fn filters_right(kind: JoinKind) -> bool {
    use JoinKind::*;
    matches!(kind, Inner | InnerUnique | RightOuter | RightSemi | RightAnti)
}

// Columns.

type Names = HashSet<String>;

/// Takes away columns that nobody reads.
fn prune(plan: &mut Plan) {
    // A shared subplan reads earlier ones only; else who reads what is not known in time.
    let ordered = plan.shared.iter().enumerate().all(|(own, node)| {
        let mut earlier = true;
        node.for_each(&mut |node| {
            if let Kind::Shared { index } = node.kind {
                earlier = earlier && index < own;
            }
        });
        earlier
    });
    // Of a part of a plan the subplans may be elsewhere.
    let mut elsewhere = false;
    plan.for_each_node(&mut |node| {
        elsewhere |= matches!(node.kind, Kind::Shared { index } if index >= plan.shared.len());
    });
    let known = ordered && !elsewhere;
    let mut pruner = Pruner { shared: known.then(|| vec![Names::new(); plan.shared.len()]) };
    for result in &mut plan.results {
        let needed = all_names(&result.node.columns);
        update(&mut result.node, |node| pruner.prune(node, &needed));
    }
    for index in (0..plan.shared.len()).rev() {
        let node = &mut plan.shared[index];
        let needed = match &pruner.shared {
            Some(shared) => kept(&node.columns, &shared[index]),
            None => node.columns.clone(),
        };
        update(node, |node| pruner.exactly(node, &needed));
    }
    let columns: Vec<Vec<Column>> = plan.shared.iter().map(|node| node.columns.clone()).collect();
    plan.for_each_node_mut(&mut |node| {
        if let Kind::Shared { index } = node.kind
            && let Some(columns) = columns.get(index)
        {
            node.columns.clone_from(columns);
        }
    });
}

/// What is known while columns are pruned.
///
/// What comes out of [`Pruner::prune`] has the columns that are asked for and perhaps others of those that it had, in
/// their order.
struct Pruner {
    /// What is read of each shared subplan; None where they are left alone.
    shared: Option<Vec<Names>>,
}

impl Pruner {
    fn prune(&mut self, node: Node, needed: &Names) -> Node {
        let Node { columns, serialized, kind } = node;
        let with = |columns: Vec<Column>, kind: Kind| Node { columns, serialized, kind };
        match kind {
            Kind::Scan { .. } => with(kept(&columns, needed), kind),
            Kind::Values { rows } => pruned_values(columns, rows, serialized, needed),
            Kind::Unit => with(columns, kind),
            Kind::Range { mut start, mut stop, mut step } => {
                [&mut start, &mut stop, &mut step].into_iter().for_each(|bound| self.subqueries(bound));
                with(columns, Kind::Range { start, stop, step })
            }
            Kind::Shared { index } => self.use_of_shared(with(columns, kind), index, needed),
            Kind::Materialized { .. } => with(columns, kind),
            Kind::Plugin { input, tables, call } => {
                // A plugin takes its columns by their places.
                let input = Box::new(self.exactly(*input, &call.input));
                let tables =
                    tables.into_iter().zip(&call.tables).map(|(table, own)| self.exactly(table, own)).collect();
                with(columns, Kind::Plugin { input, tables, call })
            }
            Kind::Filter { input, mut predicate } => {
                let asked = self.asked(needed, [&mut predicate]);
                let input = self.boxed(input, &asked);
                with(input.columns.clone(), Kind::Filter { input, predicate })
            }
            Kind::Project { input, expressions } => self.project(*input, columns, expressions, serialized, needed),
            Kind::Aggregate { input, keys, aggregates } => {
                let (kind, columns) = self.aggregate(*input, columns, keys, aggregates, needed);
                with(columns, kind)
            }
            Kind::Sort { input, mut keys, limit } => {
                let asked = self.asked(needed, keys.iter_mut().map(|key| &mut key.value));
                let input = self.boxed(input, &asked);
                with(input.columns.clone(), Kind::Sort { input, keys, limit })
            }
            Kind::Limit { input, count } => {
                let input = self.boxed(input, needed);
                with(input.columns.clone(), Kind::Limit { input, count })
            }
            Kind::Serialize { input } => {
                let input = self.narrow(input, needed);
                with(input.columns.clone(), Kind::Serialize { input })
            }
            Kind::Join { left, right, kind, on } => {
                let (kind, columns) = self.join(left, right, kind, on, &columns, needed);
                with(columns, kind)
            }
            Kind::Union { inputs } => {
                let columns = kept(&columns, needed);
                let inputs = inputs.into_iter().map(|input| self.exactly(input, &columns)).collect();
                with(columns, Kind::Union { inputs })
            }
            Kind::Expand { input, arrays, index, limit, bag_arrays } => {
                let index = index.filter(|index| needed.contains(index));
                let (input, arrays, columns) = self.expand(input, arrays, &index, columns, needed);
                with(columns, Kind::Expand { input, arrays, index, limit, bag_arrays })
            }
            Kind::Parse { input, mut source, pattern, filter } => {
                let captured = captures(&pattern.parts);
                let replaces = input.columns.iter().any(|c| captured.contains(c.name.as_str()));
                if !filter && !replaces && !captured.iter().any(|name| needed.contains(*name)) {
                    return self.prune(*input, needed);
                }
                let mut wanted = without(needed, |name| captured.contains(name));
                // What is replaced in place must be there.
                wanted.extend(
                    input.columns.iter().map(|c| &c.name).filter(|name| captured.contains(name.as_str())).cloned(),
                );
                let asked = self.asked(&wanted, [&mut source]);
                let input = self.narrow(input, &asked);
                let columns = columns_of(columns, &input.columns, |name| captured.contains(name));
                with(columns, Kind::Parse { input, source, pattern, filter })
            }
            Kind::Window { input, functions } => self.window(input, functions, columns, serialized, needed),
            Kind::TopNested { input, mut levels, definite } => {
                let expressions = levels.iter_mut().flat_map(|level| level.expressions_mut());
                let asked = self.asked(&Names::new(), expressions);
                let input = self.boxed(input, &asked);
                with(columns, Kind::TopNested { input, levels, definite })
            }
            Kind::Sequence { input, sequence } => self.sequence(input, *sequence, columns, serialized, needed),
            Kind::Series { input, keys, mut axis, defaults, non_empty } => {
                let bounds = axis.from.iter_mut().chain(&mut axis.to).chain([&mut axis.step]);
                bounds.for_each(|bound| self.subqueries(bound));
                // Keys, arrays, axis: without an array there would be nothing to make.
                let count = defaults.len();
                let read = |i: &usize| columns.get(keys + i).is_some_and(|c| needed.contains(&c.name));
                let mut arrays: Vec<usize> = (0..count).filter(read).collect();
                if arrays.is_empty() {
                    arrays.extend((0..count).take(1));
                }
                let at = |columns: &[Column], places: &[usize]| -> Vec<Column> {
                    places.iter().filter_map(|i| columns.get(*i).cloned()).collect()
                };
                let own: Vec<usize> = (0..keys).chain(arrays.iter().map(|i| keys + i)).chain([keys + count]).collect();
                let below: Vec<usize> = (0..=keys).chain(arrays.iter().map(|i| keys + 1 + i)).collect();
                let asked = at(&input.columns, &below);
                let input = Box::new(self.exactly(*input, &asked));
                let defaults = arrays.iter().map(|i| defaults[*i].clone()).collect();
                with(at(&columns, &own), Kind::Series { input, keys, axis, defaults, non_empty })
            }
            Kind::Graph(graph) => {
                let columns = kept(&columns, needed);
                let graph = self.graph(*graph, &all_names(&columns));
                with(columns, Kind::Graph(Box::new(graph)))
            }
        }
    }

    /// Takes away the values that nobody reads, and columns of edges and nodes that nothing is computed of.
    fn graph(&mut self, mut graph: Graph, needed: &Names) -> Graph {
        let filter: Names = graph.pattern.filter.iter().flat_map(names_read).map(str::to_string).collect();
        graph.values.retain(|value| needed.contains(&value.column.name) || filter.contains(&value.column.name));
        let keys: Vec<String> = graph.keys().map(|column| column.name.clone()).collect();
        let mut asked = self.asked(&Names::new(), graph.expressions_mut());
        asked.extend(keys);
        graph.properties.retain(|property| asked.contains(&property.column.name));
        let inputs = std::iter::once(&mut graph.edges).chain(graph.nodes.iter_mut().map(|(node, _)| node));
        for input in inputs {
            let columns = kept(&input.columns, &asked);
            update(input, |input| self.exactly(input, &columns));
        }
        graph
    }

    fn boxed(&mut self, input: Box<Node>, needed: &Names) -> Box<Node> {
        Box::new(self.prune(*input, needed))
    }

    /// Prunes to exactly these columns.
    fn exactly(&mut self, node: Node, columns: &[Column]) -> Node {
        let node = self.prune(node, &all_names(columns));
        if node.columns == columns { node } else { selected(node, columns.to_vec()) }
    }

    /// Prunes; what is there beyond is taken away where rows are about to be copied.
    fn narrow(&mut self, node: Box<Node>, needed: &Names) -> Box<Node> {
        let node = self.prune(*node, needed);
        let columns = kept(&node.columns, needed);
        Box::new(if columns.len() == node.columns.len() { node } else { selected(node, columns) })
    }

    /// Adds what expressions read to what is needed; their subqueries are pruned on the way.
    fn asked<'a>(&mut self, needed: &Names, expressions: impl IntoIterator<Item = &'a mut Expr>) -> Names {
        let mut names = needed.clone();
        for expression in expressions {
            self.subqueries(expression);
            names.extend(names_read(expression).into_iter().map(str::to_string));
        }
        names
    }

    fn subqueries(&mut self, expr: &mut Expr) {
        if let Expr::InQuery { query, .. } | Expr::ScalarQuery { query, .. } = expr {
            // Only the first column is asked.
            let first: Vec<Column> = query.columns.first().cloned().into_iter().collect();
            update(query, |query| self.exactly(query, &first));
        }
        operands_mut(expr).into_iter().for_each(|operand| self.subqueries(operand));
    }

    fn use_of_shared(&mut self, node: Node, index: usize, needed: &Names) -> Node {
        let Some(shared) = &mut self.shared else { return node };
        let columns = kept(&node.columns, needed);
        shared[index].extend(all_names(&columns));
        // Others may read more of it: what this one reads is told above it.
        if columns.len() == node.columns.len() { node } else { selected(node, columns) }
    }

    fn project(
        &mut self,
        input: Node,
        columns: Vec<Column>,
        expressions: Vec<Expr>,
        serialized: bool,
        needed: &Names,
    ) -> Node {
        let keep = kept(&columns, needed);
        let unread = !columns.iter().any(|c| needed.contains(&c.name));
        let pairs = columns.into_iter().zip(expressions).filter(|(column, _)| keep.contains(column));
        let (columns, mut expressions): (Vec<Column>, Vec<Expr>) = pairs
            .map(|(column, expression)| {
                // Rows are counted, values are not looked at.
                let nothing = || Expr::Literal(Value::missing(column.scalar_type));
                let expression = if unread { nothing() } else { expression };
                (column, expression)
            })
            .unzip();
        let asked = self.asked(&Names::new(), &mut expressions);
        let input = self.boxed(Box::new(input), &asked);
        Node { columns, serialized, kind: Kind::Project { input, expressions } }
    }

    fn aggregate(
        &mut self,
        mut input: Node,
        columns: Vec<Column>,
        mut keys: Vec<Expr>,
        aggregates: Vec<AggregateCall>,
        needed: &Names,
    ) -> (Kind, Vec<Column>) {
        let first = aggregates.first().cloned();
        let mut aggregates: Vec<AggregateCall> =
            aggregates.into_iter().filter_map(|call| pruned_call(call, needed)).collect();
        if keys.is_empty() && aggregates.is_empty() {
            // The one row has to have something.
            aggregates.extend(first);
        }
        let calls = aggregates.iter_mut().flat_map(|call| call.arguments.iter_mut().chain(&mut call.filter));
        let asked = self.asked(&Names::new(), keys.iter_mut().chain(calls));
        if asked.is_empty() {
            // Rows are counted: what is computed of them does not matter.
            while let Kind::Project { input: below, .. } = input.kind {
                input = *below;
            }
        }
        let input = self.boxed(Box::new(input), &asked);
        let mut kept: Vec<Column> = columns.into_iter().take(keys.len()).collect();
        kept.extend(aggregates.iter().flat_map(|call| call.outputs.iter().cloned()));
        (Kind::Aggregate { input, keys, aggregates }, kept)
    }

    fn join(
        &mut self,
        left: Box<Node>,
        right: Box<Node>,
        kind: JoinKind,
        mut on: Vec<(Expr, Expr)>,
        columns: &[Column],
        needed: &Names,
    ) -> (Kind, Vec<Column>) {
        let (left_columns, right_columns) = join_columns(columns, left.columns.len(), kind);
        let wanted = |outputs: &[Column], side: &Node| -> Names {
            let pairs = outputs.iter().zip(&side.columns);
            pairs.filter(|(output, _)| needed.contains(&output.name)).map(|(_, own)| own.name.clone()).collect()
        };
        let (left_wanted, right_wanted) = (wanted(left_columns, &left), wanted(right_columns, &right));
        let left_asked = self.asked(&left_wanted, on.iter_mut().map(|(key, _)| key));
        let right_asked = self.asked(&right_wanted, on.iter_mut().map(|(_, key)| key));
        let (left_before, right_before) = (left.columns.clone(), right.columns.clone());
        let left = self.narrow(left, &left_asked);
        let right = self.narrow(right, &right_asked);
        let mut kept = Vec::new();
        for (outputs, before, now) in [(left_columns, left_before, &left), (right_columns, right_before, &right)] {
            let pairs = outputs.iter().zip(&before);
            kept.extend(pairs.filter(|(_, own)| now.columns.contains(own)).map(|(output, _)| output.clone()));
        }
        (Kind::Join { left, right, kind, on }, kept)
    }

    fn expand(
        &mut self,
        input: Box<Node>,
        mut arrays: Vec<ExpandColumn>,
        index: &Option<String>,
        columns: Vec<Column>,
        needed: &Names,
    ) -> (Box<Node>, Vec<ExpandColumn>, Vec<Column>) {
        // Every array stays: the longest says how many rows there are.
        let made: HashSet<String> = arrays.iter().map(|a| a.name.clone()).chain(index.clone()).collect();
        let mut wanted = without(needed, |name| made.contains(name));
        wanted.extend(arrays.iter().filter_map(|a| a.replaces.clone()));
        let asked = self.asked(&wanted, arrays.iter_mut().map(|a| &mut a.array));
        let input = self.narrow(input, &asked);
        let columns = columns_of(columns, &input.columns, |name| made.contains(name));
        (input, arrays, columns)
    }

    fn window(
        &mut self,
        input: Box<Node>,
        mut functions: Vec<WindowCall>,
        columns: Vec<Column>,
        serialized: bool,
        needed: &Names,
    ) -> Node {
        let made: HashSet<String> = functions.iter().map(|call| call.output.name.clone()).collect();
        functions.retain(|call| needed.contains(&call.output.name));
        let wanted = without(needed, |name| made.contains(name));
        if functions.is_empty() {
            return self.prune(*input, &wanted);
        }
        let asked = self.asked(&wanted, functions.iter_mut().flat_map(|call| &mut call.arguments));
        let input = self.narrow(input, &asked);
        let columns = columns_of(columns, &input.columns, |name| functions.iter().any(|call| call.output.name == name));
        Node { columns, serialized, kind: Kind::Window { input, functions } }
    }
}

impl Pruner {
    fn sequence(
        &mut self,
        input: Box<Node>,
        mut sequence: Sequence,
        columns: Vec<Column>,
        serialized: bool,
        needed: &Names,
    ) -> Node {
        let mut made: HashSet<String> = sequence.declared.iter().map(|(column, _)| column.name.clone()).collect();
        made.extend(sequence.match_id.clone());
        let mut wanted = needed.clone();
        // What the state keeps must be there, and what is assigned to.
        wanted.extend(sequence.states.iter().map(|state| state.of.clone()));
        let assigned = sequence.steps.iter().flat_map(|step| &step.assignments);
        wanted.extend(assigned.map(|(name, _)| name.clone()));
        let wanted = without(&wanted, |name| made.contains(name));
        let of_steps = sequence.steps.iter_mut().flat_map(|step| {
            std::iter::once(&mut step.condition).chain(step.assignments.iter_mut().map(|(_, value)| value))
        });
        let asked = self.asked(&wanted, sequence.partition.iter_mut().chain(of_steps));
        let input = self.narrow(input, &asked);
        let columns = columns_of(columns, &input.columns, |name| made.contains(name));
        Node { columns, serialized, kind: Kind::Sequence { input, sequence: Box::new(sequence) } }
    }
}

fn all_names(columns: &[Column]) -> Names {
    columns.iter().map(|column| column.name.clone()).collect()
}

fn without(names: &Names, f: impl Fn(&str) -> bool) -> Names {
    names.iter().filter(|name| !f(name)).cloned().collect()
}

/// Returns the columns that are needed; if none is, one that costs little, for rows are counted by it.
fn kept(columns: &[Column], needed: &Names) -> Vec<Column> {
    let kept: Vec<Column> = columns.iter().filter(|column| needed.contains(&column.name)).cloned().collect();
    if !kept.is_empty() {
        return kept;
    }
    let fixed = columns.iter().find(|column| !is_text(column.scalar_type));
    fixed.or(columns.first()).cloned().into_iter().collect()
}

/// Tells whether values of the type have no fixed width.
fn is_text(scalar_type: ScalarType) -> bool {
    matches!(scalar_type, ScalarType::String | ScalarType::Guid | ScalarType::Dynamic)
}

/// Returns the columns that the input has or the operator makes.
fn columns_of(columns: Vec<Column>, input: &[Column], made: impl Fn(&str) -> bool) -> Vec<Column> {
    let input: HashSet<&str> = input.iter().map(|column| column.name.as_str()).collect();
    columns.into_iter().filter(|column| made(&column.name) || input.contains(column.name.as_str())).collect()
}

/// Puts a projection above that keeps these columns.
fn selected(input: Node, columns: Vec<Column>) -> Node {
    let expressions = reads(&columns);
    Node { columns, serialized: input.serialized, kind: Kind::Project { input: Box::new(input), expressions } }
}

fn pruned_values(columns: Vec<Column>, rows: Vec<Vec<Value>>, serialized: bool, needed: &Names) -> Node {
    let keep = kept(&columns, needed);
    if keep.len() == columns.len() {
        return Node { columns, serialized, kind: Kind::Values { rows } };
    }
    let wanted: Vec<bool> = columns.iter().map(|column| keep.contains(column)).collect();
    let row = |row: Vec<Value>| row.into_iter().zip(&wanted).filter(|(_, wanted)| **wanted).map(|(v, _)| v).collect();
    let rows = rows.into_iter().map(row).collect();
    Node { columns: keep, serialized, kind: Kind::Values { rows } }
}

/// Returns the call with the outputs that are needed, None if none is.
fn pruned_call(mut call: AggregateCall, needed: &Names) -> Option<AggregateCall> {
    if !call.outputs.iter().any(|output| needed.contains(&output.name)) {
        return None;
    }
    // What decides on the row stays: it is compared.
    let decides = match call.aggregate.name {
        "arg_max" | "arg_min" => 1,
        "take_any" => 0,
        _ => return Some(call),
    };
    if call.outputs.len() != call.arguments.len() {
        return Some(call);
    }
    let outputs = call.outputs.iter().enumerate();
    let keep: Vec<bool> = outputs.map(|(i, output)| i < decides || needed.contains(&output.name)).collect();
    let mut stays = keep.iter();
    call.arguments.retain(|_| stays.next().is_some_and(|stays| *stays));
    let mut stays = keep.iter();
    call.outputs.retain(|_| stays.next().is_some_and(|stays| *stays));
    Some(call)
}

// Projections.

/// Makes one projection of two that stand on each other, and none of one that changes nothing.
fn merge(node: Node) -> Node {
    let Node { columns, serialized, kind } = node;
    match kind {
        Kind::Project { input, expressions } => merged(*input, columns, expressions, serialized),
        Kind::Aggregate { mut input, mut keys, mut aggregates } => {
            let calls = aggregates.iter_mut().flat_map(|call| call.arguments.iter_mut().chain(&mut call.filter));
            fuse_parsing(keys.iter_mut().chain(calls).collect(), &mut input);
            Node { columns, serialized, kind: Kind::Aggregate { input, keys, aggregates } }
        }
        kind => Node { columns, serialized, kind },
    }
}

fn merged(input: Node, columns: Vec<Column>, mut expressions: Vec<Expr>, serialized: bool) -> Node {
    let mut input = input;
    while let Kind::Project { expressions: lower, .. } = &input.kind {
        if !merges(&expressions, &input.columns, lower) {
            break;
        }
        let meanings = meanings(&input.columns, lower);
        expressions.iter_mut().for_each(|expression| substitute(expression, &meanings));
        let Kind::Project { input: below, .. } = input.kind else { break };
        input = *below;
    }
    fuse_parsing(expressions.iter_mut().collect(), &mut input);
    if serialized == input.serialized && is_identity(&columns, &expressions, &input.columns) {
        return input;
    }
    Node { columns, serialized, kind: Kind::Project { input: Box::new(input), expressions } }
}

fn is_identity(columns: &[Column], expressions: &[Expr], input: &[Column]) -> bool {
    let same = |expression: &Expr, column: &Column| matches!(expression, Expr::Column(read) if read == column);
    columns == input && expressions.iter().zip(columns).all(|(expression, column)| same(expression, column))
}

/// How often expressions read a column.
#[derive(Default)]
struct Reads {
    /// Where its meaning may stand at no cost.
    free: usize,
    costly: usize,
}

/// Counts how often columns with a meaning are read; None if one without a meaning is.
fn count_reads<'a>(expressions: &[&'a Expr], meanings: &Meanings) -> Option<HashMap<&'a str, Reads>> {
    let mut counted: HashMap<&str, Reads> = HashMap::new();
    let mut known = true;
    for expression in expressions {
        each_read(expression, Place::Other, false, &mut |column, place, called| {
            let Some(meaning) = meanings.get(column.name.as_str()) else {
                known = false;
                return;
            };
            let reads = counted.entry(&column.name).or_default();
            *(if is_free(meaning, place, called) { &mut reads.free } else { &mut reads.costly }) += 1;
        });
    }
    known.then_some(counted)
}

/// Tells whether the lower of two projections may be put into the upper without computing anything twice.
fn merges(upper: &[Expr], columns: &[Column], lower: &[Expr]) -> bool {
    if lower.iter().any(is_volatile) {
        return false;
    }
    let meanings = meanings(columns, lower);
    let Some(counted) = count_reads(&upper.iter().collect::<Vec<_>>(), &meanings) else { return false };
    let once = counted.iter().all(|(name, reads)| {
        let constant = matches!(meanings.get(name), Some(Expr::Literal(_) | Expr::Now));
        reads.costly == 0 || (reads.costly == 1 && reads.free == 0 && !constant)
    });
    let deepest = |expressions: &[Expr]| expressions.iter().map(height).max().unwrap_or(0);
    once && deepest(upper) + deepest(lower) <= MAX_DEPTH
}

/// Parses text where paths go into it, if nothing else is done with what the projection below parses.
///
/// `extend P = parse_json(X) | project P.a, P.b` gives two paths into `X`, and the engine takes one look at it. What
/// else the projection computes stays where it is.
fn fuse_parsing(mut upper: Vec<&mut Expr>, input: &mut Node) {
    let Kind::Project { input: below, expressions: lower } = &mut input.kind else { return };
    let lower_meanings = meanings(&input.columns, lower);
    let read: Vec<&Expr> = upper.iter().map(|e| &**e).collect();
    let Some(counted) = count_reads(&read, &lower_meanings) else { return };
    let parsed: HashSet<String> = counted
        .iter()
        .filter(|(name, reads)| reads.costly == 0 && matches!(lower_meanings.get(*name), Some(Expr::ParseJson(_))))
        .map(|(name, _)| name.to_string())
        .collect();
    if parsed.is_empty() {
        return;
    }
    // The texts take the places of what was parsed.
    let (mut columns, mut expressions) = (Vec::new(), Vec::new());
    let mut texts: Vec<(String, Column)> = Vec::new();
    for (column, expression) in input.columns.iter().zip(lower.iter()) {
        match expression {
            Expr::ParseJson(text) if parsed.contains(&column.name) => {
                if let Expr::Column(text) = &**text {
                    texts.push((column.name.clone(), text.clone()));
                }
            }
            _ if counted.contains_key(column.name.as_str()) => {
                columns.push(column.clone());
                expressions.push(expression.clone());
            }
            _ => {}
        }
    }
    let mut paths: Vec<(String, Expr)> = Vec::new();
    for (name, text) in texts {
        let there = expressions.iter().position(|e| matches!(e, Expr::Column(read) if *read == text));
        let seen = match there {
            Some(place) => columns[place].clone(),
            // Another column has taken the name of the text.
            None if columns.iter().any(|column| column.name == text.name) => return,
            None => {
                columns.push(text.clone());
                expressions.push(Expr::Column(text.clone()));
                text
            }
        };
        paths.push((name, Expr::ParseJson(Box::new(Expr::Column(seen)))));
    }
    let meanings: Meanings = paths.iter().map(|(name, path)| (name.as_str(), path)).collect();
    upper.iter_mut().for_each(|expression| substitute(expression, &meanings));
    let below = std::mem::replace(&mut **below, Node { columns: Vec::new(), serialized: false, kind: Kind::Unit });
    *input = merged(below, columns, expressions, input.serialized);
}

#[cfg(test)]
mod tests {
    use super::super::print::print;
    use super::super::{Comparison, ParseMode, ParsePattern, QueryResult, SortKey, WindowFunction};
    use super::*;
    use crate::functions;
    use crate::functions::aggregate;

    /// `a`, `b` ... are longs, `X`, `Y` ... strings, names that begin with `$` dynamic.
    fn column(name: &str) -> Column {
        let scalar_type = match name.chars().next() {
            Some(c) if c.is_uppercase() => ScalarType::String,
            Some('_') => ScalarType::Dynamic,
            _ => ScalarType::Long,
        };
        Column::new(name, scalar_type)
    }

    fn columns(names: &str) -> Vec<Column> {
        names.split_whitespace().map(column).collect()
    }

    fn read(name: &str) -> Expr {
        Expr::Column(column(name))
    }

    fn number(value: i64) -> Expr {
        Expr::Literal(Value::Long(value))
    }

    fn equal(left: Expr, right: i64) -> Expr {
        Expr::Compare { operator: Comparison::Equal, left: Box::new(left), right: Box::new(number(right)) }
    }

    fn call(name: &str, arguments: Vec<Expr>, returns: ScalarType) -> Expr {
        let function = functions::scalar_function(name).unwrap_or_else(|| panic!("no function {name}"));
        Expr::Call { function, overload: 0, arguments, returns, at: None }
    }

    fn plus(left: Expr, right: Expr) -> Expr {
        call("+", vec![left, right], ScalarType::Long)
    }

    fn parsed(text: &str) -> Expr {
        Expr::ParseJson(Box::new(read(text)))
    }

    fn path(base: Expr, key: &str) -> Expr {
        Expr::Path { base: Box::new(base), steps: vec![Step::Key(key.into())] }
    }

    fn scan(names: &str) -> Node {
        Node { columns: columns(names), serialized: false, kind: Kind::Scan { table: "T".into() } }
    }

    fn filter(input: Node, predicate: Expr) -> Node {
        filtered(input, vec![predicate])
    }

    fn project(input: Node, list: Vec<(&str, Expr)>) -> Node {
        let (columns, expressions) = list.into_iter().map(|(name, e)| (column(name), e)).unzip();
        Node { columns, serialized: false, kind: Kind::Project { input: Box::new(input), expressions } }
    }

    fn keep(input: Node, names: &str) -> Node {
        selected(input, columns(names))
    }

    fn over(input: Node, extra: &str, kind: impl FnOnce(Box<Node>) -> Kind) -> Node {
        let mut all = input.columns.clone();
        all.extend(columns(extra));
        Node { columns: all, serialized: false, kind: kind(Box::new(input)) }
    }

    fn sort(input: Node, by: &str, limit: Option<usize>) -> Node {
        let keys = vec![SortKey { value: read(by), ascending: true, nulls_first: true }];
        over(input, "", |input| Kind::Sort { input, keys, limit })
    }

    fn aggregate_of(name: &str, arguments: Vec<Expr>, outputs: &str) -> AggregateCall {
        let aggregate = aggregate::aggregate(name).unwrap_or_else(|| panic!("no aggregate {name}"));
        AggregateCall { aggregate, overload: 0, arguments, filter: None, outputs: columns(outputs) }
    }

    fn summarize(input: Node, aggregates: Vec<AggregateCall>, keys: Vec<(&str, Expr)>) -> Node {
        let (mut columns, keys): (Vec<_>, Vec<_>) = keys.into_iter().map(|(name, e)| (column(name), e)).unzip();
        columns.extend(aggregates.iter().flat_map(|call| call.outputs.clone()));
        Node { columns, serialized: false, kind: Kind::Aggregate { input: Box::new(input), keys, aggregates } }
    }

    fn join(left: Node, right: Node, kind: JoinKind, names: &str) -> Node {
        let on = vec![(read("a"), read("a"))];
        Node {
            columns: columns(names),
            serialized: false,
            kind: Kind::Join { left: Box::new(left), right: Box::new(right), kind, on },
        }
    }

    fn expand(input: Node, array: Expr, name: &str, replaces: Option<&str>, index: Option<&str>) -> Node {
        let extra = format!("{} {}", if replaces.is_some() { "" } else { name }, index.unwrap_or_default());
        let array = ExpandColumn {
            array,
            replaces: replaces.map(str::to_string),
            name: name.into(),
            scalar_type: ScalarType::Dynamic,
        };
        let index = index.map(str::to_string);
        over(input, &extra, |input| Kind::Expand { input, arrays: vec![array], index, limit: None, bag_arrays: false })
    }

    fn parse(input: Node, source: &str, captures: &str, filter: bool) -> Node {
        let parts = columns(captures).into_iter().map(ParsePart::Column).collect();
        let pattern = ParsePattern { mode: ParseMode::Simple, flags: String::new(), parts };
        over(input, captures, |input| Kind::Parse { input, source: read(source), pattern, filter })
    }

    fn window(input: Node, outputs: &str) -> Node {
        let made = columns(outputs).into_iter();
        let functions =
            made.map(|output| WindowCall { function: WindowFunction::Prev, arguments: vec![read("a")], output });
        let functions = functions.collect();
        over(input, outputs, |input| Kind::Window { input, functions })
    }

    fn union(inputs: Vec<Node>) -> Node {
        Node { columns: inputs[0].columns.clone(), serialized: false, kind: Kind::Union { inputs } }
    }

    fn plan(node: Node) -> Plan {
        let result = QueryResult { name: "R".into(), node, render: None };
        Plan { results: vec![result], ..Plan::default() }
    }

    /// Compares what a rewritten relation prints, without the line of the result.
    #[track_caller]
    fn check(node: Node, expected: &[&str]) {
        let printed = print(&rewrite(plan(node)));
        let lines: Vec<&str> = printed.lines().skip(1).map(|line| &line[2..]).collect();
        assert_eq!(lines, expected, "\n{printed}");
    }

    #[test]
    fn a_scan_reads_what_is_asked_for() {
        check(
            keep(filter(scan("a b c"), equal(read("b"), 1)), "a"),
            &["Project a: long", "  Filter (b == 1)", "    Scan T [a: long, b: long]"],
        );
    }

    #[test]
    fn rows_are_counted_by_a_column_of_fixed_width() {
        let count = || vec![aggregate_of("count", vec![], "n")];
        check(summarize(scan("X a Y"), count(), vec![]), &["Aggregate n: long = count()", "  Scan T [a: long]"]);
        // What is computed of the rows does not matter.
        let computed = project(scan("X a Y"), vec![("_p", parsed("X"))]);
        check(summarize(computed, count(), vec![]), &["Aggregate n: long = count()", "  Scan T [a: long]"]);
        let values = Kind::Values { rows: vec![vec![Value::String("x".into()), Value::Long(1)]] };
        let values = Node { columns: columns("X a"), serialized: true, kind: values };
        check(summarize(values, count(), vec![]), &["Aggregate n: long = count()", "  Values [a: long] of 1 rows"]);
    }

    #[test]
    fn a_computed_column_that_nobody_reads_is_not_computed() {
        let input = project(scan("a b X"), vec![("c", plus(read("a"), read("b"))), ("_p", parsed("X"))]);
        check(
            summarize(input, vec![], vec![("k", read("c"))]),
            &["Aggregate by k: long = c", "  Project c: long = (a + b)", "    Scan T [a: long, b: long]"],
        );
    }

    #[test]
    fn aggregates_and_outputs_that_nobody_reads_go() {
        let calls = vec![
            aggregate_of("arg_max", vec![read("a"), read("b"), read("c")], "x y z"),
            aggregate_of("sum", vec![read("d")], "s"),
            aggregate_of("take_any", vec![read("e"), read("f")], "v w"),
        ];
        // The maximised value stays: it decides.
        check(
            keep(summarize(scan("a b c d e f k"), calls, vec![("g", read("k"))]), "z w"),
            &[
                "Project z: long, w: long",
                "  Aggregate x: long, z: long = arg_max(a, c), w: long = take_any(f) by g: long = k",
                "    Scan T [a: long, c: long, f: long, k: long]",
            ],
        );
    }

    #[test]
    fn an_aggregate_without_keys_keeps_its_row() {
        let calls = vec![aggregate_of("sum", vec![read("a")], "s"), aggregate_of("sum", vec![read("b")], "t")];
        let counted = vec![aggregate_of("count", vec![], "n")];
        check(
            summarize(summarize(scan("a b"), calls, vec![]), counted, vec![]),
            &["Aggregate n: long = count()", "  Aggregate s: long = sum(a)", "    Scan T [a: long]"],
        );
    }

    #[test]
    fn sides_of_a_join_lose_columns_and_keep_names() {
        let joined = join(scan("a b c"), scan("a b c"), JoinKind::Inner, "a b c a1 b1 c1");
        check(
            keep(joined, "c b1"),
            &[
                "Project c: long, b1: long",
                "  Join kind=inner on a == a renaming a1 = a, b1 = b",
                "    Scan T [a: long, c: long]",
                "    Scan T [a: long, b: long]",
            ],
        );
        let semi = join(scan("a b c"), scan("a b c"), JoinKind::RightSemi, "a b c");
        check(
            keep(semi, "b"),
            &[
                "Project b: long",
                "  Join kind=rightsemi on a == a",
                "    Scan T [a: long]",
                "    Scan T [a: long, b: long]",
            ],
        );
    }

    #[test]
    fn inputs_of_a_union_stay_alike() {
        let input = project(scan("b a"), vec![("a", read("a")), ("b", read("b")), ("c", number(1))]);
        check(
            keep(union(vec![scan("a b c"), input]), "b a"),
            &[
                "Project b: long, a: long",
                "  Union [a: long, b: long]",
                "    Scan T [a: long, b: long]",
                "    Project a: long, b: long",
                "      Scan T [b: long, a: long]",
            ],
        );
    }

    #[test]
    fn an_array_is_expanded_though_nobody_reads_its_elements() {
        check(
            keep(expand(scan("a b _c"), read("_c"), "_e", None, Some("i")), "a"),
            &["Project a: long", "  Expand _e: dynamic = _c", "    Scan T [a: long, _c: dynamic]"],
        );
        // What is replaced in place must be there.
        check(
            keep(expand(scan("a _c X"), parsed("X"), "_c", Some("_c"), None), "a"),
            &[
                "Project a: long",
                "  Expand _c: dynamic = parse_json(X) in place of _c",
                "    Scan T [a: long, _c: dynamic, X: string]",
            ],
        );
    }

    #[test]
    fn captures_and_window_functions_that_nobody_reads_go() {
        check(keep(parse(scan("a X"), "X", "b", false), "a"), &["Scan T [a: long]"]);
        check(
            keep(parse(scan("a X"), "X", "b", true), "a"),
            &["Project a: long", "  ParseWhere kind=simple X with b: long", "    Scan T [a: long, X: string]"],
        );
        check(keep(window(scan("a b"), "p q"), "b"), &["Scan T [b: long]"]);
        check(
            keep(window(scan("a b c"), "p q"), "b q"),
            &["Project b: long, q: long", "  Window q: long = prev(a)", "    Scan T [a: long, b: long]"],
        );
    }

    #[test]
    fn a_shared_subplan_gives_what_its_uses_read_together() {
        let shared = |names: &str| {
            let node = Node { columns: columns("a b c d"), serialized: false, kind: Kind::Shared { index: 0 } };
            keep(node, names)
        };
        let mut plan = plan(shared("a b"));
        plan.results.push(QueryResult { name: "S".into(), node: shared("c"), render: None });
        plan.shared.push(scan("a b c d"));
        let expected = "shared 0:\n  Scan T [a: long, b: long, c: long]\n\
                        R:\n  Project a: long, b: long\n    Shared 0 [a: long, b: long, c: long]\n\
                        S:\n  Project c: long\n    Shared 0 [a: long, b: long, c: long]\n";
        assert_eq!(print(&rewrite(plan)), expected);
    }

    #[test]
    fn a_shared_subplan_is_read_by_bounds_too() {
        let shared = Node { columns: columns("a b c"), serialized: false, kind: Kind::Shared { index: 0 } };
        let stop = Expr::ScalarQuery { query: Box::new(keep(shared, "b")), returns: ScalarType::Long };
        let kind = Kind::Range { start: number(1), stop, step: number(1) };
        let mut plan = plan(Node { columns: columns("x"), serialized: true, kind });
        plan.shared.push(scan("a b c"));
        let expected = "shared 0:\n  Scan T [b: long]\n\
                        R:\n  Range [x: long] from 1 to toscalar($query0) step 1\n    \
                        $query0:\n      Shared 0 [b: long]\n";
        assert_eq!(print(&rewrite(plan)), expected);
    }

    #[test]
    fn a_series_keeps_its_keys_and_its_axis() {
        let axis = super::super::SeriesAxis { from: None, to: None, step: number(1), scalar_type: ScalarType::Long };
        let defaults = vec![Value::Long(0), Value::Long(1), Value::Long(2)];
        let input = Box::new(scan("k x a b c"));
        let kind = Kind::Series { input, keys: 1, axis, defaults, non_empty: false };
        let series = || Node { columns: columns("k _a _b _c _x"), serialized: false, kind: kind.clone() };
        check(
            keep(series(), "_b"),
            &[
                "Project _b: dynamic",
                "  Series [k: long, _b: dynamic, _x: dynamic] keys=1 step 1 default 1",
                "    Scan T [k: long, x: long, b: long]",
            ],
        );
        check(
            keep(series(), "k"),
            &[
                "Project k: long",
                "  Series [k: long, _a: dynamic, _x: dynamic] keys=1 step 1 default 0",
                "    Scan T [k: long, x: long, a: long]",
            ],
        );
    }

    #[test]
    fn a_subquery_gives_its_first_column_alone() {
        let value = Box::new(read("a"));
        let query = Box::new(filter(scan("b c d"), equal(read("d"), 1)));
        let within = Expr::InQuery { value, query, fold_case: false, negated: false };
        check(
            filter(scan("a"), within),
            &[
                "Filter (a in ($query0))",
                "  $query0:",
                "    Project b: long",
                "      Filter (d == 1)",
                "        Scan T [b: long, d: long]",
                "  Scan T [a: long]",
            ],
        );
    }

    #[test]
    fn conditions_part_and_sink_below_a_projection() {
        let list = vec![("x", read("a")), ("y", plus(read("a"), read("b"))), ("z", number(7))];
        let both = Expr::And(vec![equal(read("x"), 1), equal(read("y"), 2), equal(read("z"), 3)]);
        check(
            filter(project(scan("a b"), list), both),
            &[
                "Filter ((y == 2) and (z == 3))",
                "  Project x: long = a, y: long = (a + b), z: long = 7",
                "    Filter (a == 1)",
                "      Scan T [a: long, b: long]",
            ],
        );
    }

    #[test]
    fn filters_become_one() {
        check(
            filter(filter(scan("a b"), equal(read("a"), 1)), equal(read("b"), 2)),
            &["Filter ((a == 1) and (b == 2))", "  Scan T [a: long, b: long]"],
        );
    }

    #[test]
    fn a_filter_passes_a_sort_but_not_its_limit() {
        check(
            filter(sort(scan("a"), "a", None), equal(read("a"), 1)),
            &["Sort by a asc nulls first", "  Filter (a == 1)", "    Scan T [a: long]"],
        );
        check(
            filter(sort(scan("a"), "a", Some(5)), equal(read("a"), 1)),
            &["Filter (a == 1)", "  Top 5 by a asc nulls first", "    Scan T [a: long]"],
        );
        let limited = over(scan("a"), "", |input| Kind::Limit { input, count: 5 });
        check(filter(limited, equal(read("a"), 1)), &["Filter (a == 1)", "  Limit 5", "    Scan T [a: long]"]);
        check(
            filter(window(scan("a"), "p"), equal(read("a"), 1)),
            &["Filter (a == 1)", "  Window p: long = prev(a)", "    Scan T [a: long]"],
        );
    }

    #[test]
    fn a_filter_passes_what_it_does_not_read() {
        let condition = || Expr::And(vec![equal(read("a"), 1), equal(read("i"), 2)]);
        check(
            filter(expand(scan("a _c"), read("_c"), "_e", None, Some("i")), condition()),
            &[
                "Filter (i == 2)",
                "  Expand _e: dynamic = _c index=i",
                "    Filter (a == 1)",
                "      Scan T [a: long, _c: dynamic]",
            ],
        );
        check(
            filter(parse(scan("a X"), "X", "i", false), condition()),
            &[
                "Filter (i == 2)",
                "  Parse kind=simple X with i: long",
                "    Filter (a == 1)",
                "      Scan T [a: long, X: string]",
            ],
        );
    }

    #[test]
    fn a_filter_goes_into_every_input_of_a_union() {
        check(
            filter(union(vec![scan("a"), scan("a")]), equal(read("a"), 1)),
            &[
                "Union [a: long]",
                "  Filter (a == 1)",
                "    Scan T [a: long]",
                "  Filter (a == 1)",
                "    Scan T [a: long]",
            ],
        );
    }

    #[test]
    fn a_filter_on_keys_chooses_groups_before_they_are_made() {
        let grouped = || {
            let keys = vec![("k", read("a")), ("l", plus(read("a"), number(1)))];
            summarize(scan("a b"), vec![aggregate_of("sum", vec![read("b")], "s")], keys)
        };
        let on = |name| filter(grouped(), equal(read(name), 1));
        let aggregate = "Aggregate s: long = sum(b) by k: long = a, l: long = (a + 1)";
        let inner = format!("  {aggregate}");
        check(on("k"), &[aggregate, "  Filter (a == 1)", "    Scan T [a: long, b: long]"]);
        check(on("l"), &["Filter (l == 1)", &inner, "    Scan T [a: long, b: long]"]);
        check(on("s"), &["Filter (s == 1)", &inner, "    Scan T [a: long, b: long]"]);
        // Without keys there is a row whatever comes in.
        let total = summarize(scan("b"), vec![aggregate_of("sum", vec![read("b")], "s")], vec![]);
        check(
            filter(total, Expr::Literal(Value::Bool(false))),
            &["Filter false", "  Aggregate s: long = sum(b)", "    Scan T [b: long]"],
        );
    }

    #[test]
    fn a_filter_goes_to_the_side_of_a_join_whose_rows_may_go() {
        let joined = |kind| join(scan("a b"), scan("a b"), kind, "a b a1 b1");
        let both = || Expr::And(vec![equal(read("b"), 1), equal(read("b1"), 2)]);
        let names = "renaming a1 = a, b1 = b";
        check(
            filter(joined(JoinKind::LeftOuter), both()),
            &[
                "Filter (b1 == 2)",
                &format!("  Join kind=leftouter on a == a {names}"),
                "    Filter (b == 1)",
                "      Scan T [a: long, b: long]",
                "    Scan T [a: long, b: long]",
            ],
        );
        // The one row of each key on the left is chosen before.
        check(
            filter(joined(JoinKind::InnerUnique), both()),
            &[
                "Filter (b == 1)",
                &format!("  Join kind=innerunique on a == a {names}"),
                "    Scan T [a: long, b: long]",
                "    Filter (b == 2)",
                "      Scan T [a: long, b: long]",
            ],
        );
        check(
            filter(joined(JoinKind::FullOuter), both()),
            &[
                "Filter ((b == 1) and (b1 == 2))",
                &format!("  Join kind=fullouter on a == a {names}"),
                "    Scan T [a: long, b: long]",
                "    Scan T [a: long, b: long]",
            ],
        );
    }

    #[test]
    fn projections_become_one_where_nothing_is_computed_twice() {
        let lower = || project(scan("a b"), vec![("c", plus(read("a"), read("b"))), ("d", read("a"))]);
        check(
            project(lower(), vec![("x", plus(read("c"), read("d"))), ("y", read("d"))]),
            &["Project x: long = ((a + b) + a), y: long = a", "  Scan T [a: long, b: long]"],
        );
        check(
            project(lower(), vec![("x", plus(read("c"), read("c")))]),
            &["Project x: long = (c + c)", "  Project c: long = (a + b)", "    Scan T [a: long, b: long]"],
        );
        check(keep(scan("a b"), "a b"), &["Scan T [a: long, b: long]"]);
    }

    #[test]
    fn a_constant_does_not_become_an_argument() {
        let lower = project(scan("a"), vec![("c", number(1)), ("a", read("a"))]);
        check(
            project(lower, vec![("x", plus(read("a"), read("c")))]),
            &["Project x: long = (a + c)", "  Project c: long = 1, a: long", "    Scan T [a: long]"],
        );
    }

    #[test]
    fn text_is_parsed_where_paths_go_into_it() {
        let lower = || project(scan("X a"), vec![("_p", parsed("X")), ("a", read("a"))]);
        let list = || vec![("_v", path(read("_p"), "v")), ("_w", path(read("_p"), "w"))];
        check(
            project(lower(), list()),
            &["Project _v: dynamic = parse_json(X).v, _w: dynamic = parse_json(X).w", "  Scan T [X: string]"],
        );
        // Read as a whole too, it is parsed once.
        let mut whole = list();
        whole.push(("_p", read("_p")));
        check(
            project(lower(), whole),
            &[
                "Project _v: dynamic = _p.v, _w: dynamic = _p.w, _p: dynamic",
                "  Project _p: dynamic = parse_json(X)",
                "    Scan T [X: string]",
            ],
        );
    }

    #[test]
    fn what_is_computed_beside_parsed_text_stays_below() {
        let lower = project(scan("X a"), vec![("_p", parsed("X")), ("c", plus(read("a"), number(1)))]);
        let upper = vec![("_v", path(read("_p"), "v")), ("x", plus(read("c"), read("c")))];
        check(
            project(lower, upper),
            &[
                "Project _v: dynamic = parse_json(X).v, x: long = (c + c)",
                "  Project c: long = (a + 1), X: string",
                "    Scan T [X: string, a: long]",
            ],
        );
    }

    #[test]
    fn aggregates_and_filters_take_paths_into_the_text() {
        let parsing = || project(scan("X a"), vec![("_p", parsed("X")), ("a", read("a"))]);
        let key = |base| Expr::Convert { value: Box::new(path(base, "k")), to: ScalarType::Long };
        check(
            summarize(parsing(), vec![], vec![("k", key(read("_p")))]),
            &["Aggregate by k: long = tolong(parse_json(X).k)", "  Scan T [X: string]"],
        );
        check(
            keep(filter(parsing(), equal(key(read("_p")), 1)), "a"),
            &["Project a: long", "  Filter (tolong(parse_json(X).k) == 1)", "    Scan T [X: string, a: long]"],
        );
    }

    /// `rand()`, without a need for the function to be there.
    fn random() -> Expr {
        static RAND: functions::Function = functions::Function {
            name: "rand",
            aliases: &[],
            summary: "",
            naming: functions::Naming::None,
            overloads: &[],
            examples: &[],
            page: "",
        };
        Expr::Call { function: &RAND, overload: 0, arguments: Vec::new(), returns: ScalarType::Long, at: None }
    }

    #[test]
    fn chance_is_not_moved() {
        let input = || project(scan("a"), vec![("b", read("a"))]);
        check(
            filter(input(), equal(plus(read("b"), random()), 1)),
            &["Filter ((b + rand()) == 1)", "  Project b: long = a", "    Scan T [a: long]"],
        );
        check(
            project(project(scan("a"), vec![("r", random())]), vec![("x", read("r"))]),
            &["Project x: long = r", "  Project r: long = rand()", "    Scan T [a: long]"],
        );
    }

    #[test]
    fn a_subquery_is_not_asked_by_each_input_of_a_union() {
        let value = Box::new(read("a"));
        let within = Expr::InQuery { value, query: Box::new(scan("b")), fold_case: false, negated: false };
        let rewritten = print(&rewrite(plan(filter(union(vec![scan("a"), scan("a")]), within))));
        assert_eq!(rewritten.matches("$query0:").count(), 1, "{rewritten}");
        assert!(rewritten.starts_with("R:\n  Filter"), "{rewritten}");
    }

    #[test]
    fn a_deep_pipeline_is_rewritten() {
        let mut node = scan("a b");
        for i in 0..600 {
            node = filter(node, equal(read("a"), i));
            node = project(node, vec![("a", plus(read("a"), read("b"))), ("b", read("b"))]);
            node = over(node, "", |input| Kind::Limit { input, count: 5 });
        }
        let plan = plan(keep(node, "b"));
        assert!(depth(&plan) > 1800);
        let rewritten = rewrite(plan);
        assert_eq!(rewritten.results[0].node.columns, columns("b"));
        assert!(depth(&rewritten) > 1000);
    }

    #[test]
    fn expressions_do_not_grow_without_end() {
        let mut node = scan("a");
        for _ in 0..300 {
            node = project(node, vec![("a", plus(read("a"), number(1)))]);
        }
        let mut highest = 0;
        rewrite(plan(node)).for_each_node(&mut |node| {
            let expressions = node.expressions();
            highest = highest.max(expressions.into_iter().map(height).max().unwrap_or(0));
        });
        assert!(highest > 10 && highest <= MAX_DEPTH, "{highest}");
    }
}
