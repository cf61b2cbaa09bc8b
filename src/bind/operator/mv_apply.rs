//! `mv-apply`: operators over the elements of each row's arrays.
//!
//! The operators are bound over the expanded rows as if these were one relation; then each of them is told to keep the
//! input's rows apart. Operators that work row by row need nothing for that; `summarize` takes the number of the input's
//! row as its first key, `sort` sorts within it, `take` and `top` count within it.

use std::rc::Rc;

use super::super::scope::Scope;
use super::super::{Binder, Table};
use super::{projection, windowed};
use crate::diagnostic::{Diagnostic, Severity};
use crate::functions::aggregate::{Aggregate, aggregate};
use crate::functions::scalar_function;
use crate::plan::{
    AggregateCall, Comparison, Expr, JoinKind, Kind, Node, SortKey, TopNestedLevel, WindowCall, WindowFunction,
};
use crate::syntax::ast::{ExprKind, MvApply, Operator, OperatorKind};
use crate::types::{Column, ScalarType, Value};

/// Levels of relations that the operators may stack up: they are walked over recursively.
const MAX_LEVELS: usize = 500;

impl Binder<'_> {
    /// Says where the result rests on an inference: `summarize` without keys over elements that an operator before it may
    /// all have taken away. A row of the input that has none left goes, as one with an empty array does (measured for
    /// that alone).
    fn tell_of_lost_rows(&mut self, body: &[Operator]) {
        let mut may_lose = false;
        for operator in body {
            match &operator.kind {
                OperatorKind::Where { .. } | OperatorKind::MvExpand { .. } | OperatorKind::MvApply(_) => {
                    may_lose = true
                }
                OperatorKind::Parse(parse) => may_lose |= parse.filter,
                OperatorKind::Join { .. } | OperatorKind::Lookup { .. } => may_lose = true,
                OperatorKind::Summarize(summarize) if summarize.by.is_empty() && may_lose => {
                    let message = "a row of which no element is left here is dropped, as rows with an empty array are; \
                                   this is inferred, not measured";
                    let problem = Diagnostic {
                        severity: Severity::Information,
                        ..Diagnostic::warning("AQ032", operator.keyword.span, message)
                    };
                    self.problem(problem.help(
                        "to keep such rows whatever happens, use the conditional aggregates: make_set_if, countif",
                    ));
                }
                _ => {}
            }
        }
    }

    pub(super) fn mv_apply(&mut self, apply: &MvApply, input: Table, scope: &Rc<Scope>) -> Table {
        let (known, unknown): (Vec<_>, Vec<_>) =
            apply.parameters.iter().cloned().partition(|p| p.name.text == "with_itemindex");
        for parameter in unknown {
            if matches!(parameter.name.text.as_str(), "kind" | "bagexpansion") {
                // Not documented, unlike that of `mv-expand`: the engine may heed it.
                self.unsupported(parameter.name.span, format_args!("`{}` of `mv-apply`", parameter.name.text));
            }
            let message = format!("`mv-apply` has no parameter `{}`", parameter.name.text);
            self.problem(Diagnostic::warning("KS179", parameter.name.span, message));
        }
        if let Some(id) = &apply.context_id {
            self.unsupported(id.span, "`id` of `mv-apply`");
        }
        self.tell_of_lost_rows(&apply.body);
        // The columns of the input that come out again: all but those that are expanded by their bare names
        // (as Microsoft's parser has it; `d = d` and `(d)` keep the column).
        let replaced: Vec<&str> = apply
            .columns
            .iter()
            .filter_map(|column| match &column.value.value.kind {
                ExprKind::Name(name) if column.value.names.is_empty() => Some(name.text.as_str()),
                _ => None,
            })
            .collect();
        let outer: Vec<Column> =
            input.node.columns.iter().filter(|c| !replaced.contains(&c.name.as_str())).cloned().collect();
        let in_order = input.node.serialized;
        let before = self.shared.len();

        let expanded = self.mv_expand(&known, &apply.columns, apply.limit.as_deref(), input, scope);
        let expanded = Table { known: expanded.known.with(self.told.clone()), ..expanded };
        self.names += 1;
        let place = usize::MAX - self.names;
        // The elements stand in their order: functions of neighbouring rows need no `serialize` (documented by the bodies of
        // series_rate_fl and series_downsample_fl).
        let kind = Kind::Shared { index: place };
        let stand_in = Node { kind, serialized: true, ..copy_without_kind(&expanded.node) };
        let body = self.body(apply, Table { node: stand_in, ..expanded.clone() }, scope);

        self.tell_of(&body);

        let mut parts = Parts { place, row: None, kept: Vec::new(), leaf: None, all: None, level: 0 };
        let mut result: Vec<(Column, Expr)> = Vec::new();
        for column in outer {
            // What the operators call like a column of the input takes its place.
            match body.node.columns.iter().find(|c| c.name == column.name) {
                Some(own) => result.push((own.clone(), Expr::Column(own.clone()))),
                None => {
                    let hidden = Column::new(self.fresh("outer"), column.scalar_type);
                    parts.kept.push((column.clone(), hidden.clone()));
                    result.push((column, Expr::Column(hidden)));
                }
            }
        }
        for own in &body.node.columns {
            if !result.iter().any(|(column, _)| column.name == own.name) {
                result.push((own.clone(), Expr::Column(own.clone())));
            }
        }
        if needs_rows(&body.node) {
            parts.row = Some(Column::new(self.fresh("row"), ScalarType::Long));
        }
        let (columns, expressions): (Vec<Column>, Vec<Expr>) = result.into_iter().unzip();
        parts.leaf = parts.numbered(expanded.node);
        let apart = parts.apart(self, body.node);
        let Some(mut node) = apart.filter(|node| parts.are_apart(self, node, before)) else {
            if self.refusals.is_empty() && !self.problems.iter().any(Diagnostic::is_error) {
                self.unsupported(apply.body_span, "what stands in this `mv-apply`");
            }
            let node = Node { columns, serialized: in_order, kind: Kind::Values { rows: Vec::new() } };
            return Table { open: body.open, ..Table::new(node) };
        };
        if in_order {
            node = parts.contiguous(node);
        }
        node.serialized = in_order;
        Table { open: body.open, ..Table::new(projection(node, columns, expressions)) }
    }

    /// Binds the operators over all expanded rows.
    fn body(&mut self, apply: &MvApply, mut table: Table, scope: &Rc<Scope>) -> Table {
        let scope = Scope::child(scope);
        for operator in &apply.body {
            // What is not built at all is refused where operators are bound, what can't be told apart at the end.
            let refused = matches!(
                operator.kind,
                OperatorKind::As { .. }
                    | OperatorKind::GetSchema { .. }
                    | OperatorKind::MakeSeries(_)
                    | OperatorKind::Render { .. }
                    | OperatorKind::Union { .. }
            );
            if refused {
                let what = format!("the operator `{}` in `mv-apply`", operator.keyword.text);
                self.unsupported(operator.keyword.span, what);
            }
            table = self.operator(operator, table, &scope);
        }
        table
    }
}

fn copy_without_kind(node: &Node) -> Node {
    Node { columns: node.columns.clone(), serialized: node.serialized, kind: Kind::Unit }
}

/// Tells whether some operator looks at more than one row, so that rows of the input must be told apart.
pub(super) fn needs_rows(node: &Node) -> bool {
    let mut node = node;
    loop {
        node = match &node.kind {
            Kind::Filter { input, .. }
            | Kind::Project { input, .. }
            | Kind::Expand { input, .. }
            | Kind::Parse { input, .. } => input,
            Kind::Shared { .. } => return false,
            _ => return true,
        }
    }
}

/// What tells the rows of the input apart, and what comes along with them.
pub(super) struct Parts {
    /// The shared subplan that stands for the expanded rows.
    pub place: usize,
    /// The number of the input's row, where it is needed.
    pub row: Option<Column>,
    /// Columns of the input that come out again, with the names under which the operators pass them on.
    pub kept: Vec<(Column, Column)>,
    /// The expanded rows, until they are put in their place.
    pub leaf: Option<Node>,
    /// The numbers of all rows, where one that has nothing left still gives a row to `summarize` without keys.
    pub all: Option<Node>,
    pub level: usize,
}

impl Parts {
    /// Returns the columns that the operators do not know of.
    fn hidden(&self) -> Vec<Column> {
        self.row.iter().chain(self.kept.iter().map(|(_, hidden)| hidden)).cloned().collect()
    }

    /// Puts the hidden columns below the expansion.
    fn numbered(&self, expanded: Node) -> Option<Node> {
        let Kind::Expand { input, arrays, index, limit, bag_arrays } = expanded.kind else { return None };
        let mut input = *input;
        if let Some(row) = &self.row {
            if !input.serialized {
                let columns = input.columns.clone();
                input = Node { columns, serialized: true, kind: Kind::Serialize { input: Box::new(input) } };
            }
            let arguments = vec![Expr::Literal(Value::Long(1)), Expr::Literal(Value::Bool(false))];
            let call = WindowCall { function: WindowFunction::RowNumber, arguments, output: row.clone() };
            input = windowed(input, vec![call]);
        }
        if !self.kept.is_empty() {
            let mut columns = input.columns.clone();
            let mut expressions: Vec<Expr> = columns.iter().cloned().map(Expr::Column).collect();
            for (own, hidden) in &self.kept {
                columns.push(hidden.clone());
                expressions.push(Expr::Column(own.clone()));
            }
            input = projection(input, columns, expressions);
        }
        let columns = [expanded.columns, self.hidden()].concat();
        let serialized = input.serialized;
        let kind = Kind::Expand { input: Box::new(input), arrays, index, limit, bag_arrays };
        Some(Node { columns, serialized, kind })
    }

    /// Makes a relation keep the rows of the input apart and pass on the hidden columns; None where it can't.
    pub fn apart(&mut self, binder: &mut Binder, node: Node) -> Option<Node> {
        self.level += 1;
        if self.level > MAX_LEVELS {
            return None;
        }
        let Node { mut columns, kind, .. } = node;
        Some(match kind {
            Kind::Shared { index } if index == self.place => self.leaf.take()?,
            Kind::Filter { input, predicate } => {
                let input = self.apart(binder, *input)?;
                let (columns, serialized) = (input.columns.clone(), input.serialized);
                Node { columns, serialized, kind: Kind::Filter { input: Box::new(input), predicate } }
            }
            Kind::Project { input, mut expressions } => {
                let input = self.apart(binder, *input)?;
                columns.extend(self.hidden());
                expressions.extend(self.hidden().into_iter().map(Expr::Column));
                projection(input, columns, expressions)
            }
            Kind::Expand { input, arrays, index, limit, bag_arrays } => {
                let input = self.apart(binder, *input)?;
                columns.extend(self.hidden());
                let serialized = input.serialized;
                let kind = Kind::Expand { input: Box::new(input), arrays, index, limit, bag_arrays };
                Node { columns, serialized, kind }
            }
            Kind::Parse { input, source, pattern, filter } => {
                let input = self.apart(binder, *input)?;
                columns.extend(self.hidden());
                let serialized = input.serialized;
                Node { columns, serialized, kind: Kind::Parse { input: Box::new(input), source, pattern, filter } }
            }
            Kind::Aggregate { input, keys, aggregates } => {
                let mut aggregates = aggregates;
                let mut input = self.apart(binder, *input)?;
                if keys.is_empty() && self.all.is_some() {
                    input = self.with_all(binder, input, &mut aggregates)?;
                }
                self.grouped(input, columns, keys, aggregates)?
            }
            Kind::Sort { input, keys, limit } => {
                let input = self.apart(binder, *input)?;
                let node = self.sorted(input, keys);
                match limit {
                    Some(count) => self.first(binder, node, count)?,
                    None => node,
                }
            }
            Kind::Limit { input, count } => {
                let input = self.apart(binder, *input)?;
                self.first(binder, input, count)?
            }
            Kind::Serialize { input } => {
                let input = self.apart(binder, *input)?;
                self.contiguous(input)
            }
            Kind::Window { input, functions } => {
                let input = self.apart(binder, *input)?;
                self.windows(binder, input, functions)?
            }
            Kind::Sequence { input, mut sequence } => {
                let input = self.apart(binder, *input)?;
                let input = self.contiguous(input);
                sequence.partition.insert(0, Expr::Column(self.row.clone()?));
                // The hidden columns come with the row that matches.
                let made = columns.len() - sequence.declared.len() - usize::from(sequence.match_id.is_some());
                columns.splice(made..made, self.hidden());
                Node { columns, serialized: true, kind: Kind::Sequence { input: Box::new(input), sequence } }
            }
            Kind::Join { left, right, kind, on } => {
                // Each row of the left side finds its partners by itself.
                use JoinKind::{Inner, LeftAnti, LeftOuter, LeftSemi};
                if !matches!(kind, Inner | LeftOuter | LeftSemi | LeftAnti) {
                    return None;
                }
                let own = left.columns.clone();
                let left = self.apart(binder, *left)?;
                let all = [own.clone(), self.hidden()].concat();
                let expressions = all.iter().cloned().map(Expr::Column).collect();
                let left = projection(left, all, expressions);
                columns.splice(own.len()..own.len(), self.hidden());
                let kind = Kind::Join { left: Box::new(left), right, kind, on };
                Node { columns, serialized: false, kind }
            }
            Kind::TopNested { input, levels, definite } => {
                // The parts are a level above the first one.
                let row = self.row.clone().filter(|_| self.kept.is_empty())?;
                let count = Column::new(binder.fresh("rows"), ScalarType::Long);
                let own = TopNestedLevel {
                    value: Expr::Column(row.clone()),
                    count: None,
                    others: None,
                    aggregates: vec![AggregateCall {
                        aggregate: aggregate("count")?,
                        overload: 0,
                        arguments: Vec::new(),
                        filter: None,
                        outputs: vec![count.clone()],
                    }],
                    measure: Expr::Column(count.clone()),
                    ascending: false,
                    nulls_first: false,
                };
                let levels = [vec![own], levels].concat();
                let input = Box::new(self.apart(binder, *input)?);
                let all = [vec![row.clone(), count], columns.clone()].concat();
                let kind = Kind::TopNested { input, levels, definite };
                let node = Node { columns: all, serialized: false, kind };
                columns.push(row);
                let expressions = columns.iter().cloned().map(Expr::Column).collect();
                projection(node, columns, expressions)
            }
            Kind::Scan { .. }
            | Kind::Values { .. }
            | Kind::Range { .. }
            | Kind::Unit
            | Kind::Shared { .. }
            | Kind::Union { .. }
            | Kind::Plugin { .. }
            | Kind::Materialized { .. }
            | Kind::Graph(_) => return None,
            Kind::Series { input, keys, axis, defaults, non_empty } => {
                // Bounds that the data tell would be those of all rows together.
                let row = self.row.clone().filter(|_| self.kept.is_empty() && !non_empty)?;
                if axis.from.is_none() || axis.to.is_none() {
                    return None;
                }
                let own = input.columns.clone();
                let input = self.apart(binder, *input)?;
                let all = [vec![row.clone()], own].concat();
                let expressions = all.iter().cloned().map(Expr::Column).collect();
                let input = Box::new(projection(input, all, expressions));
                columns.insert(0, row);
                let kind = Kind::Series { input, keys: keys + 1, axis, defaults, non_empty };
                Node { columns, serialized: false, kind }
            }
        })
    }

    /// Tells whether nothing stands for the rows any more: neither in a relation nor in what was shared since `before`,
    /// which is computed for all rows together.
    pub fn are_apart(&self, binder: &Binder, node: &Node, before: usize) -> bool {
        let mut left = self.leaf.is_some();
        for node in binder.shared.iter().skip(before).chain([node]) {
            node.for_each(&mut |node| left |= matches!(node.kind, Kind::Shared { index } if index == self.place));
        }
        !left
    }

    /// Puts a row for each row of the input below what is left of them; the aggregates do not count it.
    fn with_all(&self, binder: &mut Binder, input: Node, aggregates: &mut [AggregateCall]) -> Option<Node> {
        let (row, all) = (self.row.as_ref()?, self.all.clone()?);
        let counts = Column::new(binder.fresh("counts"), ScalarType::Bool);
        let mut columns = input.columns.clone();
        let own: Vec<Expr> = columns.iter().cloned().map(Expr::Column).collect();
        let missing = columns.iter().map(|column| match column.name == row.name {
            true => Expr::Column(row.clone()),
            false => Expr::Literal(Value::missing(column.scalar_type)),
        });
        let missing: Vec<Expr> = missing.chain([Expr::Literal(Value::Bool(false))]).collect();
        columns.push(counts.clone());
        let own = own.into_iter().chain([Expr::Literal(Value::Bool(true))]).collect();
        for aggregate in aggregates {
            let counted = Expr::Column(counts.clone());
            aggregate.filter = Some(match aggregate.filter.take() {
                Some(filter) => Expr::And(vec![counted, filter]),
                None => counted,
            });
        }
        let inputs = vec![projection(input, columns.clone(), own), projection(all, columns.clone(), missing)];
        Some(Node { columns, serialized: false, kind: Kind::Union { inputs } })
    }

    /// Groups within each row of the input. Where no element is left there is no group, and the row goes: inferred
    /// from empty arrays, which take their row away.
    fn grouped(
        &self,
        input: Node,
        mut columns: Vec<Column>,
        mut keys: Vec<Expr>,
        mut aggregates: Vec<AggregateCall>,
    ) -> Option<Node> {
        let row = self.row.clone()?;
        keys.insert(0, Expr::Column(row.clone()));
        columns.insert(0, row);
        let any: &'static Aggregate = aggregate("take_any")?;
        for (_, hidden) in &self.kept {
            // The same value in all rows of the group. One call for each, so that those that nobody reads go.
            columns.push(hidden.clone());
            aggregates.push(AggregateCall {
                aggregate: any,
                overload: 0,
                arguments: vec![Expr::Column(hidden.clone())],
                filter: None,
                outputs: vec![hidden.clone()],
            });
        }
        let kind = Kind::Aggregate { input: Box::new(input), keys, aggregates };
        Some(Node { columns, serialized: false, kind })
    }

    /// Sorts within each row of the input.
    fn sorted(&self, input: Node, mut keys: Vec<SortKey>) -> Node {
        if let Some(row) = &self.row {
            keys.insert(0, SortKey { value: Expr::Column(row.clone()), ascending: true, nulls_first: true });
        }
        let columns = input.columns.clone();
        Node { columns, serialized: true, kind: Kind::Sort { input: Box::new(input), keys, limit: None } }
    }

    /// Makes what stems from one row of the input stand together, in the order of the input.
    fn contiguous(&self, input: Node) -> Node {
        if input.serialized || self.row.is_none() { input } else { self.sorted(input, Vec::new()) }
    }

    /// Keeps the first rows of each row of the input.
    fn first(&self, binder: &mut Binder, input: Node, count: usize) -> Option<Node> {
        let input = self.contiguous(input);
        let columns = input.columns.clone();
        let (input, changes) = self.changes(binder, input)?;
        let number = Column::new(binder.fresh("number"), ScalarType::Long);
        let arguments = vec![Expr::Literal(Value::Long(1)), changes];
        let call = WindowCall { function: WindowFunction::RowNumber, arguments, output: number.clone() };
        let input = windowed(input, vec![call]);
        let predicate = Expr::Compare {
            operator: Comparison::LessOrEqual,
            left: Box::new(Expr::Column(number)),
            right: Box::new(Expr::Literal(Value::Long(i64::try_from(count).unwrap_or(i64::MAX)))),
        };
        let all = input.columns.clone();
        let node = Node { columns: all, serialized: true, kind: Kind::Filter { input: Box::new(input), predicate } };
        let expressions = columns.iter().cloned().map(Expr::Column).collect();
        Some(projection(node, columns, expressions))
    }

    /// Gives, above a relation, what is true where another row of the input begins.
    fn changes(&self, binder: &mut Binder, input: Node) -> Option<(Node, Expr)> {
        let row = self.row.clone()?;
        let before = Column::new(binder.fresh("before"), ScalarType::Long);
        let input = windowed(input, vec![neighbour(WindowFunction::Prev, &row, 1, before.clone())]);
        let changes = Expr::Compare {
            operator: Comparison::NotEqual,
            left: Box::new(Expr::Column(row)),
            right: Box::new(Expr::Column(before)),
        };
        Some((input, changes))
    }

    /// Makes window functions begin anew with each row of the input.
    fn windows(&self, binder: &mut Binder, input: Node, functions: Vec<WindowCall>) -> Option<Node> {
        let row = self.row.clone()?;
        let input = self.contiguous(input);
        let (input, changes) = self.changes(binder, input)?;
        let mut columns = input.columns.clone();
        let mut expressions: Vec<Expr> = columns.iter().cloned().map(Expr::Column).collect();
        let mut calls = Vec::new();
        for mut call in functions {
            columns.push(call.output.clone());
            let restart = match call.function {
                WindowFunction::RowNumber
                | WindowFunction::RowRankMin
                | WindowFunction::RowRankDense
                | WindowFunction::RowCumsum => 1,
                WindowFunction::RowWindowSession => 3,
                WindowFunction::Prev | WindowFunction::Next => {
                    // A neighbour of another row of the input is none.
                    let [_, Expr::Literal(Value::Long(offset)), default] = &call.arguments[..] else { return None };
                    let there = Column::new(binder.fresh("there"), ScalarType::Long);
                    calls.push(neighbour(call.function, &row, *offset, there.clone()));
                    let same = Expr::Compare {
                        operator: Comparison::Equal,
                        left: Box::new(Expr::Column(row.clone())),
                        right: Box::new(Expr::Column(there)),
                    };
                    let value = Column::new(binder.fresh("value"), call.output.scalar_type);
                    let arguments = vec![same, Expr::Column(value.clone()), default.clone()];
                    let function = scalar_function("iff")?;
                    let returns = call.output.scalar_type;
                    expressions.push(Expr::Call { function, overload: 0, arguments, returns, at: None });
                    call.output = value;
                    calls.push(call);
                    continue;
                }
            };
            expressions.push(Expr::Column(call.output.clone()));
            let restart = call.arguments.get_mut(restart)?;
            let own = restart.clone();
            *restart = match own {
                Expr::Literal(Value::Bool(false)) => changes.clone(),
                own => Expr::Or(vec![changes.clone(), own]),
            };
            calls.push(call);
        }
        Some(projection(windowed(input, calls), columns, expressions))
    }
}

/// Makes the call that gives a column's value some rows before or behind.
fn neighbour(function: WindowFunction, column: &Column, offset: i64, output: Column) -> WindowCall {
    let arguments = vec![
        Expr::Column(column.clone()),
        Expr::Literal(Value::Long(offset)),
        Expr::Literal(Value::missing(column.scalar_type)),
    ];
    WindowCall { function, arguments, output }
}

#[cfg(test)]
mod tests {
    use crate::bind::{Bound, Options, bind};
    use crate::catalog::Catalog;
    use crate::plan::{Kind, Node};
    use crate::syntax::parse;

    fn bound(operator: &str) -> Bound {
        let text = format!("datatable(i:int, d:dynamic, s:string)[] | mv-apply {operator}");
        bind(&parse(&text).query, &Catalog::standard(), &Options::default())
    }

    fn columns(operator: &str) -> String {
        let bound = bound(operator);
        assert!(bound.plan.is_some(), "{operator}: {:?} {:?}", bound.problems, bound.refusals);
        let columns = bound.columns.unwrap_or_default();
        columns.iter().map(|c| format!("{}:{}", c.name, c.scalar_type)).collect::<Vec<_>>().join(" ")
    }

    /// The expected columns are those of Microsoft's parser.
    #[test]
    fn columns_of_the_row_stand_before_those_of_the_operators() {
        let check = |operator: &str, expected: &str| assert_eq!(columns(operator), expected, "{operator}");
        check("e=d on (project a=e.Type)", "i:int d:dynamic s:string a:dynamic");
        check("e=d on (project i=tostring(e.Type))", "i:string d:dynamic s:string");
        check("e=d on (project-away d)", "i:int d:dynamic s:string e:dynamic");
        check("e=d on (project-rename z=i)", "i:int d:dynamic s:string z:int e:dynamic");
        check("e=d on (summarize i=count())", "i:long d:dynamic s:string");
        check("with_itemindex=j e=d on (summarize arg_max(j, *))", "i:int d:dynamic s:string j:long e:dynamic");
        check("e=d on (mv-apply f=e.x on (project g=f))", "i:int d:dynamic s:string e:dynamic g:dynamic");
    }

    #[test]
    fn a_column_that_is_expanded_by_its_bare_name_goes() {
        let check = |operator: &str, expected: &str| assert_eq!(columns(operator), expected, "{operator}");
        check("d on (project z=1)", "i:int s:string z:long");
        check("d on (take 1)", "i:int s:string d:dynamic");
        check("with_itemindex=i d to typeof(long) on (take 1)", "i:int s:string d:long i1:long");
        check("e=d, d on (where true)", "i:int s:string d:dynamic e:dynamic");
        check("d=d on (project z=1)", "i:int d:dynamic s:string z:long");
        check("parse_json(s) on (project z=1)", "i:int d:dynamic s:string z:long");
        check("parse_json(s) on (where true)", "i:int d:dynamic s:dynamic");
    }

    #[test]
    fn rows_are_numbered_only_where_operators_look_at_several() {
        fn windows(node: &Node) -> usize {
            let own = usize::from(matches!(node.kind, Kind::Window { .. }));
            own + node.inputs().into_iter().map(windows).sum::<usize>()
        }
        let count = |operator: &str| bound(operator).plan.map(|plan| windows(&plan.results[0].node));
        assert_eq!(count("e=d on (where e.x == 1 | mv-expand f=e.y | project f)"), Some(0));
        assert_eq!(count("e=d on (summarize count())"), Some(1));
    }

    #[test]
    fn what_cannot_be_done_within_a_row_is_refused_by_name() {
        for (operator, name) in [("union (print x=1)", "union"), ("as X", "as"), ("getschema", "getschema")] {
            let bound = bound(&format!("e=d on ({operator})"));
            assert!(bound.is_valid() && bound.plan.is_none(), "{operator}");
            assert!(bound.refusals[0].message.contains(name), "{:?}", bound.refusals);
        }
        assert!(bound("e=d id 1 on (take 1)").plan.is_none());
    }
}
