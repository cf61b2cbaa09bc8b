//! Rewrites that make a plan cheaper and leave its rows as they are.
//!
//! Three passes, in this order: filters move towards the tables ([`sink`]), columns that nobody reads go
//! ([`Pruner`]), and projections that stand on each other become one ([`merge`]). None of them relies on another for
//! being right.

use std::collections::{HashMap, HashSet};

use super::{AggregateCall, ExpandColumn, Expr, JoinKind, Kind, Node, ParsePart, Plan, Step, WindowCall};
use crate::types::{Column, ScalarType, Value};

/// Functions that give another value each time: they are computed where they were written, and once.
const VOLATILE: &[&str] = &["rand", "new_guid"];

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
        Expr::Call { arguments, .. } | Expr::And(arguments) | Expr::Or(arguments) => arguments.iter_mut().collect(),
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
    any(expr, &|e| matches!(e, Expr::Call { function, .. } if VOLATILE.contains(&function.name)))
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
        Expr::Call { arguments, .. } => {
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
    !any(expr, &|e| match e {
        Expr::Column(_)
        | Expr::Literal(_)
        | Expr::Now
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Not(_)
        | Expr::Compare { .. }
        | Expr::In { .. } => false,
        Expr::Call { .. }
        | Expr::Convert { .. }
        | Expr::InQuery { .. }
        | Expr::Path { .. }
        | Expr::ParseJson(_)
        | Expr::ScalarQuery { .. } => true,
    })
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
            let (left_columns, right_columns) = join_columns(&node.columns, left.columns.len(), *kind);
            let (mut to_left, mut to_right) = (Vec::new(), Vec::new());
            {
                let (left_reads, right_reads) = (reads(&left.columns), reads(&right.columns));
                let left_meanings = meanings(left_columns, &left_reads);
                let right_meanings = meanings(right_columns, &right_reads);
                for mut condition in movable {
                    let within = |side: &Meanings| names_read(&condition).iter().all(|name| side.contains_key(name));
                    if filters_left(*kind) && within(&left_meanings) {
                        substitute(&mut condition, &left_meanings);
                        to_left.push(condition);
                    } else if filters_right(*kind) && within(&right_meanings) {
                        substitute(&mut condition, &right_meanings);
                        to_right.push(condition);
                    } else {
                        stay.push(condition);
                    }
                }
            }
            update(left, |left| sink(left, to_left));
            update(right, |right| sink(right, to_right));
        }
        // What comes out of these depends on rows that the filter would take away; or there is nothing below.
        Kind::Sort { .. }
        | Kind::Limit { .. }
        | Kind::Window { .. }
        | Kind::Series { .. }
        | Kind::Parse { .. }
        | Kind::Scan { .. }
        | Kind::Values { .. }
        | Kind::Range { .. }
        | Kind::Unit
        | Kind::Shared { .. }
        | Kind::Filter { .. } => stay.extend(movable),
    }
    filtered(node, stay)
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
fn filters_left(kind: JoinKind) -> bool {
    match kind {
        JoinKind::Inner | JoinKind::LeftOuter | JoinKind::LeftSemi | JoinKind::LeftAnti => true,
        // The one left row of each key is chosen before the condition is asked.
        JoinKind::InnerUnique => false,
        JoinKind::RightOuter | JoinKind::FullOuter | JoinKind::RightSemi | JoinKind::RightAnti => false,
    }
}

/// Tells whether a condition on columns of the right side may be asked before the join.
fn filters_right(kind: JoinKind) -> bool {
    match kind {
        JoinKind::Inner | JoinKind::InnerUnique | JoinKind::RightOuter | JoinKind::RightSemi | JoinKind::RightAnti => {
            true
        }
        JoinKind::LeftOuter | JoinKind::FullOuter | JoinKind::LeftSemi | JoinKind::LeftAnti => false,
    }
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
    let mut pruner = Pruner { shared: ordered.then(|| vec![Names::new(); plan.shared.len()]) };
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
        if let Kind::Shared { index } = node.kind {
            node.columns.clone_from(&columns[index]);
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
            Kind::Range { .. } | Kind::Unit => with(columns, kind),
            Kind::Shared { index } => self.use_of_shared(with(columns, kind), index, needed),
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
            Kind::Series { input, keys, axis, defaults, non_empty } => {
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
        }
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
    let mut keep = call.outputs.iter().enumerate().map(|(i, output)| i < decides || needed.contains(&output.name));
    let keep: Vec<bool> = keep.by_ref().collect();
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
