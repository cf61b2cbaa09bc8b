//! Columns that nobody reads go.

use std::collections::HashSet;

use super::expression::{names_read, operands_mut, reads};
use super::sink::{captures, join_columns};
use super::update;
use crate::functions::aggregate::Pick;
use crate::plan::graph::Graph;
use crate::plan::{AggregateCall, ExpandColumn, Expr, JoinKind, Kind, Node, Plan, Sequence, WindowCall};
use crate::types::{Column, ScalarType, Value};

type Names = HashSet<String>;

/// Takes away columns that nobody reads.
pub(super) fn prune(plan: &mut Plan) {
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
pub(super) fn selected(input: Node, columns: Vec<Column>) -> Node {
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
    let decides = match call.aggregate.picks() {
        Some(Pick::Greatest | Pick::Least) => 1,
        Some(Pick::Any) => 0,
        None => return Some(call),
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
